/*
 * front.h - the answering side: what HTTP threads share (struct ocsp_front) and what each has (struct ocsp_worker).
 *
 *   http.c        requests in, answers out, caching headers
 *   judge.c       a whole message against the state: verdicts, issuer, responder
 *   sign_queue.c  answers that need a signature: slots, batches to signd-ocsp, deadlines
 *
 * An answer goes one of three ways: prepared (cache.h), signed on demand, or refused with an OCSPResponseStatus. A slot
 * holds a request from the moment it waits for something: for a reading of the ledger that began after it came (a serial
 * that is not known may have been issued a moment ago), or for a signature. Slots are bounded; when none is free, or the
 * deadline comes, the answer is tryLater, early. What is sent is checked once more against the state: a certificate that
 * was revoked while its "good" was being signed is asked again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_FRONT_H
#define OCSP_FRONT_H

#include "bus/bus.h"
#include "daemon/metrics.h"
#include "http/server.h"
#include "ocsp/cache.h"
#include "ocsp/response.h"

enum { OCSP_SIGN_BATCH_MAX = 64 };

struct ocsp_front_conf {
	enum ocsp_responder_id responder_id;
	struct ocsp_status_settings status;
	int64_t validity_s; /* nextUpdate - thisUpdate */
	bool recheck_absent; /* a serial that is not known is looked for in the ledger before it is called never issued */
	int64_t prepared_stale_s; /* age of prepared answers that still go out while the ledger cannot be read */
	int64_t max_age_s; /* Cache-Control of a GET */
	size_t prepared_entries; /* a thread */
	const char *sign_server, *sign_endpoint;
	int64_t sign_deadline_ms;
	size_t sign_queue; /* slots a thread */
	size_t sign_batch; /* items a message, at most OCSP_SIGN_BATCH_MAX */
};

/* How an answer came about. */
enum ocsp_way { OCSP_PREPARED, OCSP_SIGNED, OCSP_DIRECT, OCSP_WAYS };

enum ocsp_counter {
	OCSP_COUNT_GET,
	OCSP_COUNT_POST,
	OCSP_COUNT_NONCE,
	OCSP_COUNT_QUEUE_FULL, /* tryLater: no slot */
	OCSP_COUNT_DEADLINE, /* tryLater: no signature, or no reading of the ledger, in time */
	OCSP_COUNT_SIGNER_REFUSED, /* tryLater: the signer will not sign it */
	OCSP_COUNT_SIGNER_RETRY, /* the signer and the ledger do not agree yet: asked again, tryLater at the deadline */
	OCSP_COUNT_SIGNER_FAILED, /* tryLater: not reachable, or an answer that cannot be used */
	OCSP_COUNT_BAD_SIGNATURE,
	OCSP_COUNT_CHANGED, /* signed again: the status changed meanwhile */
	OCSP_COUNT_RECHECKED, /* waited for a reading of the ledger */
	OCSP_COUNT_SHARED, /* answered by the signature made for another request */
	OCSP_COUNT_REFRESHED, /* prepared answers renewed ahead of time */
	OCSP_COUNT_STALE_SERVED, /* prepared answers sent while the ledger cannot be read */
	OCSP_COUNT_CLOCK_BACK, /* tryLater: the clock has gone back */
	OCSP_COUNTERS
};
extern const char *const ocsp_counter_names[OCSP_COUNTERS];

struct ocsp_front_stats {
	uint64_t answers[OCSP_OUTCOMES][OCSP_WAYS]; /* by outcome of the message (of its first certificate) */
	uint64_t malformed[OCSP_MALFORMED_CAUSES];
	uint64_t counters[OCSP_COUNTERS];
	uint64_t waiting, prepared; /* slots in use, entries in the caches: now */
};

struct ocsp_front;

/* ocsp_front_create() makes the shared part. `prompt` is called, on any thread, to have the ledger read now. conf's
 * texts, state, bus and metrics (may be NULL) must outlive it. */
struct err *ocsp_front_create(struct ocsp_front **out, const struct ocsp_front_conf *conf, struct ocsp_state *state,
			      struct bus *bus, struct metrics *metrics, void (*prompt)(void *arg),
			      void *arg) ERR_MUST_USE;
void ocsp_front_destroy(struct ocsp_front **self);
OWN_TYPE(ocsp_front, struct ocsp_front *, ocsp_front_destroy)

/* ocsp_front_hooks() gives the hooks of the HTTP server, whose arg is the front. The server must end before it. */
struct http_hooks ocsp_front_hooks(void);

void ocsp_front_stats(const struct ocsp_front *self, struct ocsp_front_stats *out);

#endif
