/*
 * crld.h - the daemon that makes certificate revocation lists and serves them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_CRLD_H
#define CRL_CRLD_H

#include "daemon/daemon.h"

extern const struct daemon_spec crld_spec;

#endif
