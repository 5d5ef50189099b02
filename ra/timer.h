/*
 * timer.h - what happens by itself: a newer policy is taken over, applications expire, claims lapse, orders that nobody
 * seconded are dropped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_TIMER_H
#define RA_TIMER_H

#include "ra/ledger.h"
#include "ra/worker.h"

/* The worker; looks every second. */
extern const struct ra_worker_kind ra_timer_kind;

/* ra_timer_turn() is one look, for tests; *out_more: there is more to do at once. */
struct err *ra_timer_turn(struct ra_ctx *ctx, struct ra_web *web, bool *out_more) ERR_MUST_USE;

/* ra_tell_daemon() writes that rad started or stopped. */
struct err *ra_tell_daemon(struct db *db, enum log_kind kind) ERR_MUST_USE;

#endif
