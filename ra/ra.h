/*
 * ra.h - what the parts of rad share: the daemon-wide object, and the context of one thread's work.
 *
 * `struct ra` is made before the threads and does not change under them, except where a member says so. A `struct
 * ra_ctx` belongs to one thread: its own database connection, and the rules it holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_RA_H
#define RA_RA_H

#include <stdatomic.h>

#include "bus/msg_common.h"
#include "ra/agreement.h"
#include "ra/conf.h"
#include "ra/rules.h"

struct ra_web;
struct ra_worker;

enum { RA_WORKERS_MAX = 40 };

enum ra_metric {
	RA_METRIC_APPLICANT_OK,
	RA_METRIC_APPLICANT_REFUSED,
	RA_METRIC_APPLICANT_FAILED,
	RA_METRIC_OPERATOR_OK,
	RA_METRIC_OPERATOR_REFUSED,
	RA_METRIC_OPERATOR_FAILED,
	RA_METRIC_REQUEST_SECONDS,
	RA_METRIC_CONNECTIONS,
	RA_METRIC_CONNECTIONS_CAPPED,
	RA_METRIC_CONNECTIONS_LATE,
	RA_METRIC_SUBMITTED,
	RA_METRIC_DECISIONS,
	RA_METRIC_ORDERS,
	RA_METRIC_IDENTIFIED,
	RA_METRIC_IDENTIFICATION_FAILED,
	RA_METRIC_CONNECTOR_ERRORS,
	RA_METRIC_NOTICES_SENT,
	RA_METRIC_NOTICES_FAILED,
	RA_METRIC_EXPIRED,
	RA_METRIC_POLICY_VERSION,
	RA_METRIC_COUNT
};

struct ra {
	const struct ra_conf *conf;
	struct metrics *metrics; /* NULL in tests */
	struct health *health;
	size_t health_db, health_policy;
	struct ra_rules_keeper *rules;
	struct ra_agreement agreement;
	bool is_introduced; /* the ledger knows the agreement and our start; the timer's own */
	/* Prompts to cad: bits of enum msg_prompt_what, sent by the main thread, which the descriptor wakes. -1: none. */
	atomic_uint prompts;
	int prompt_fd;
	/* Workers, fixed once started. */
	struct ra_worker *notices, *timer;
	struct ra_worker *identification[RA_WORKERS_MAX];
	size_t num_identification;
	/* Refusals of strangers that may still be written to the ledger this minute. */
	atomic_int stranger_entries;
	_Atomic int64_t stranger_minute;
};

struct ra_ctx {
	struct ra *ra;
	struct db *db;
	struct ra_rules *rules; /* held; NULL while no policy is in force */
};
void ra_ctx_clear(struct ra_ctx *self);

/* ra_open_db() makes a connection object of rad's role, not connected yet. */
struct err *ra_open_db(struct ra *ra, struct db **out, const char *thread) ERR_MUST_USE;

/* ra_prompt() lets the main thread prompt cad; ra_wake_notices() and ra_wake_identification() wake those workers. Call
 * them after the commit. Any thread; never block; all may be lost without harm. */
void ra_prompt(struct ra *ra, enum msg_prompt_what what);
void ra_wake_notices(struct ra *ra);
void ra_wake_identification(struct ra *ra);

#endif
