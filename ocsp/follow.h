/*
 * follow.h - the thread that keeps the state as the ledger is: one load of everything, then the log by index.
 *
 * The ledger alone is believed: LEDGER_PROMPT only lets a round begin early, and without any prompt one begins every
 * poll_ms. A round that fails leaves the state as it is and its age growing; the next one tries again, connects again,
 * loads again where it must. What a round applies is the state of the certificates in one snapshot of the ledger, so
 * the order of rounds is the order of statuses and no clock has a say. "Revoked" is never taken back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_FOLLOW_H
#define OCSP_FOLLOW_H

#include "ocsp/state.h"

struct follow;

/* Called on the follower's thread; all may be NULL. */
struct follow_hooks {
	/* A round has ended: waiting requests may look again. */
	void (*on_round)(void *arg);
	/* A certificate's status is another one now (before: 0, not known). committed_ms: Unix ms of the order, 0 none. */
	void (*on_change)(void *arg, ocsp_word before, ocsp_word after, int64_t committed_ms);
	/* The ledger could not be read (the error), or can be read again (NULL). */
	void (*on_problem)(void *arg, const struct err *e);
};

struct follow_conf {
	const char *conninfo;
	int64_t poll_ms; /* between rounds without a prompt */
	int64_t batch; /* log entries a statement */
	struct follow_hooks hooks;
	void *arg;
};

struct follow_stats {
	uint64_t rounds, failures, loads;
	int64_t log_index; /* entries below are known */
	int64_t load_ms; /* how long the last load took */
	uint64_t refused_unrevocations; /* a ledger that takes "revoked" back: must stay 0 */
	int64_t lag_ms; /* of the replica that is read */
	uint64_t certificates, table_bytes;
};

/* follow_create() makes it; the texts of conf must outlive it. follow_start() starts the thread. */
struct err *follow_create(struct follow **out, struct ocsp_state *state, const struct follow_conf *conf) ERR_MUST_USE;
struct err *follow_start(struct follow *self) ERR_MUST_USE;
/* follow_destroy() stops the thread and frees. NULL-safe. */
void follow_destroy(struct follow **self);
OWN_TYPE(follow, struct follow *, follow_destroy)

/* follow_prompt() lets a round begin now. Any thread, cheap. */
void follow_prompt(struct follow *self);

/* follow_round() does one round on the caller's thread, loading first where needed: for tests, without follow_start(). */
struct err *follow_round(struct follow *self) ERR_MUST_USE;

struct follow_stats follow_stats(const struct follow *self);

#endif
