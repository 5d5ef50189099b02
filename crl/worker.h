/*
 * worker.h - the thread of crld that makes lists: follows the ledger, issues what is due, publishes the log's files.
 *
 * It has a database connection and a client of the signer of its own and waits for both, so that HTTP and the daemon's
 * loop never do. Woken by prompts, by the schedule, and every poll_ms in any case: lost prompts only delay.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_WORKER_H
#define CRL_WORKER_H

#include "bus/bus.h"
#include "crl/folder.h"
#include "crl/schedule.h"
#include "daemon/health.h"
#include "daemon/metrics.h"

struct crl_worker;

struct crl_worker_conf {
	const char *conninfo;
	struct bus *bus;
	const char *signer_name, *signer_endpoint;
	const struct crl_folder *folder;
	const char *const *issuers; /* names; num_issuers 0: all of the ledger */
	size_t num_issuers;
	struct crl_rule full, delta;
	int64_t keep_expired_s;
	int64_t poll_ms;
	struct metrics *metrics; /* may be NULL */
	struct health *health; /* may be NULL; checks database, lists and log are added */
};

/* crl_worker_start() starts the thread. Texts, bus, folder, metrics and health must outlive it. *Owns* the caller. */
struct err *crl_worker_start(struct crl_worker **out, const struct crl_worker_conf *conf) ERR_MUST_USE;
/* crl_worker_prompt() lets it look at the ledger at once. Any thread. */
void crl_worker_prompt(struct crl_worker *self);
/* crl_worker_stop() waits until what it has under way is done or refused, and frees it. */
void crl_worker_stop(struct crl_worker **self);

/* Rows of crl_metrics (crld.c hands them to the daemon). */
enum crl_metric {
	M_CRL_FULL_ISSUED,
	M_CRL_DELTA_ISSUED,
	M_CRL_FULL_FAILED,
	M_CRL_DELTA_FAILED,
	M_CRL_ENTRIES,
	M_CRL_BYTES,
	M_CRL_NUMBER,
	M_CRL_AGE,
	M_CRL_LEFT,
	M_CRL_ALARMS,
	M_CRL_SECONDS,
	M_CRL_LOG_SIZE,
	M_CRL_COUNT
};
extern const struct metric_def crl_metrics[];

#endif
