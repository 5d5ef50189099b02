/*
 * ocspd.h - the daemon as data (daemon/daemon.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_OCSPD_H
#define OCSP_OCSPD_H

#include "daemon/daemon.h"

extern const struct daemon_spec ocspd_spec;

#endif
