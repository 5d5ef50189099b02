/*
 * relay.h - what passes between the signers and the ledger through cad: their state, the Policy, the events.
 *
 * Each second both signers are asked for their status. The newest Policy of the ledger is put to signd-ca; the version that
 * it then has in force is the one that cad works by. The signed events of signd-ca go to signd-ocsp, beginning with the
 * number that it wants; only the leader relays them, and at once after something was signed or ordered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_RELAY_H
#define CA_ISSUE_RELAY_H

#include "bus/bus.h"
#include "ca/issue/conf.h"
#include "ca/issue/lane.h"
#include "ca/issue/rules.h"
#include "daemon/health.h"

struct relay;

struct relay_conf {
	struct loop *loop;
	const struct cad_conf *conf;
	struct lane *lane;
	struct bus_client *sign_ca, *sign_ocsp;
	struct metrics *metrics;
	struct health *health; /* checks signd-ca, signd-ocsp, policy and events are added to it */
	void (*on_rules)(void *arg, struct issue_rules *rules); /* shares them */
	void (*on_relayed)(void *arg, int64_t next); /* signd-ocsp has all events below */
	bool (*is_leader)(void *arg);
	void *arg;
};

struct err *relay_create(struct relay **out, const struct relay_conf *conf) ERR_MUST_USE;
/* relay_destroy() comes after the lane and the bus clients have ended. */
void relay_destroy(struct relay **self);
OWN_TYPE(relay, struct relay *, relay_destroy)

/* relay_prompt() asks the signers at once, without waiting for the poll. */
void relay_prompt(struct relay *self);

/* relay_saw_event() says that signd-ca has an event of this number: it is relayed now. */
void relay_saw_event(struct relay *self, int64_t seq);

/* relay_next_event() is the number after the last event that signd-ocsp is known to have; 0: not known. */
int64_t relay_next_event(const struct relay *self);

#endif
