/*
 * orders.h - status orders on their way to the signer: revocations that the ledger has and the signer has not heard of.
 *
 * The ledger's row counts as soon as it is committed; here the signer is told, its acceptance is recorded with its number,
 * and the log says so. A refusal that is final is logged once and not tried again. Orders go in the order of their ids.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_ORDERS_H
#define CA_ISSUE_ORDERS_H

#include "bus/bus.h"
#include "ca/issue/conf.h"
#include "ca/issue/lane.h"

struct orders;

struct orders_conf {
	struct loop *loop;
	const struct cad_conf *conf;
	struct lane *lane;
	struct bus_client *signer; /* sign-ca */
	struct metrics *metrics;
	/* The signer accepted orders, the last with this number: followers can be told of the event, before the commit. */
	void (*on_accepted)(void *arg, int64_t last_seq);
	/* Acceptances were committed, up to this number (0: only refusals were logged). */
	void (*on_committed)(void *arg, int64_t last_seq);
	void *arg;
};

struct err *orders_create(struct orders **out, const struct orders_conf *conf) ERR_MUST_USE;
/* orders_destroy() comes after the lane and the bus client have ended. */
void orders_destroy(struct orders **self);
OWN_TYPE(orders, struct orders *, orders_destroy)

/* orders_prompt() says that there may be orders. Cheap. */
void orders_prompt(struct orders *self);
bool orders_is_idle(const struct orders *self);

#endif
