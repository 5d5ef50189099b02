/*
 * worker.h - a thread with work of its own kind: looks for it in the ledger, does it, sleeps until woken or due.
 *
 * Work is durable: it is rows, taken one by one with a lease, so that a crash or a second rad neither loses nor doubles
 * it. A wake-up only saves waiting. A failing turn is logged and tried again after the pause.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_WORKER_H
#define RA_WORKER_H

#include "ra/ra.h"

struct ra_worker;

struct ra_worker_kind {
	const char *name;
	int64_t pause_ms; /* longest sleep between two looks */
	bool needs_web;
	/* Does one piece of work. *out_more false: there is nothing more to do now. */
	struct err *(*turn)(struct ra_ctx *ctx, struct ra_web *web, bool *out_more);
};

/* ra_worker_start() starts the thread; `ra` and `kind` must outlive it. ra_worker_stop() ends it after the piece in hand
 * and joins it. NULL-safe. */
struct err *ra_worker_start(struct ra_worker **out, struct ra *ra, const struct ra_worker_kind *kind) ERR_MUST_USE;
void ra_worker_stop(struct ra_worker **self);

/* ra_worker_wake() lets it look at once. Any thread. NULL-safe. */
void ra_worker_wake(struct ra_worker *self);

#endif
