/*
 * rad.h - rad as a daemon: the phases that daemon_main() runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_RAD_H
#define RA_RAD_H

#include "daemon/daemon.h"

extern const struct metric_def ra_metrics[];
extern const size_t ra_num_metrics;

struct err *rad_acquire(struct daemon *d) ERR_MUST_USE;
struct err *rad_start(struct daemon *d) ERR_MUST_USE;
void rad_drain(struct daemon *d);
bool rad_is_drained(struct daemon *d);
void rad_stop(struct daemon *d);

#endif
