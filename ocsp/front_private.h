/*
 * front_private.h - what http.c, judge.c and sign_queue.c share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_FRONT_PRIVATE_H
#define OCSP_FRONT_PRIVATE_H

#include "ocsp/front.h"

/* A message judged against the state at one moment. */
struct judged {
	enum ocsp_outcome
		outcome; /* of the first certificate when all have a status; else what the message is answered */
	const struct ocsp_issuer *issuer; /* NULL: none of ours */
	struct ocsp_responder *responder; /* NULL: none in force */
	bool has_absent; /* a serial that the state does not know */
	ocsp_word words[OCSP_MAX_SINGLES];
	struct ocsp_verdict verdicts[OCSP_MAX_SINGLES];
};

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_QUEUED, SLOT_SENT, SLOT_SHARING };

struct slot {
	struct slot *next; /* in the one list it is on: free, waiting, queued, or its leader's */
	enum slot_state state;
	bool has_waiter; /* false: a renewal that nobody waits for */
	bool is_get;
	struct http_deferred waiter;
	struct slot *sharing; /* requests that get the same answer */
	struct ocsp_cache_entry *entry; /* to be filled; its `pending` names this slot */
	uint64_t want_round; /* WAITING: reading of the ledger; 0: none */
	int64_t again_ms; /* WAITING without a round: try the signer again */
	int64_t deadline_ms;
	int64_t came_us;
	unsigned changes; /* times that the status changed while it was being signed */
	unsigned refusals; /* times that the signer did not agree yet */
	struct judged judged;
	struct ocsp_query query; /* slices into request */
	int64_t this_at, next_at;
	struct buf data; /* ResponseData */
	size_t request_len;
	uint8_t request[OCSP_REQUEST_MAX_BYTES];
};

struct batch {
	struct ocsp_worker *worker;
	struct batch *next; /* free list */
	size_t num;
	struct slot *slots[OCSP_SIGN_BATCH_MAX];
};

struct slot_list {
	struct slot *first, *last;
};

struct ocsp_worker {
	struct ocsp_front *front;
	struct http_thread *thread;
	unsigned reader; /* epoch slot */
	struct bus_client *client;
	struct ocsp_cache *cache;
	struct slot *slots;
	struct batch *batches, *free_batches;
	struct slot_list free, waiting, queued;
	struct buf der, scratch, data, body; /* keep their memory */
	int64_t now_s;
	unsigned until_check; /* answers until one is verified again */
	int64_t said_ms; /* when a trouble of the signer was last logged */
	bool signer_is_away;
	atomic_uint_least64_t answers[OCSP_OUTCOMES][OCSP_WAYS], malformed[OCSP_MALFORMED_CAUSES],
		counters[OCSP_COUNTERS], num_waiting, num_prepared;
};

struct ocsp_front {
	struct ocsp_front_conf conf;
	struct ocsp_state *state;
	struct bus *bus;
	struct metrics *metrics;
	void (*prompt)(void *arg);
	void *prompt_arg;
	unsigned num_workers;
	struct ocsp_worker *workers[EPOCH_MAX_READERS];
};

static inline void tally(atomic_uint_least64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* ---- judge.c */

/* judge() decides the message. */
void judge(struct ocsp_worker *w, const struct ocsp_query *query, struct judged *out);
/* judge_has_changed() says whether a certificate of the message has another word now than when it was judged. */
bool judge_has_changed(struct ocsp_worker *w, const struct ocsp_query *query, const struct judged *before);

/* ---- sign_queue.c */

struct err *sign_queue_create(struct ocsp_worker *w) ERR_MUST_USE;
void sign_queue_destroy(struct ocsp_worker *w);

/* sign_queue_take() gives a free slot filled with the request, its query read again from there; NULL when none is free.
 * Then sign_queue_begin() starts it: it will end in a call of answer_ready() or answer_failed(). */
struct slot *sign_queue_take(struct ocsp_worker *w, struct slice request, const struct judged *judged);
void sign_queue_begin(struct ocsp_worker *w, struct slot *slot);
void sign_queue_share(struct slot *leader, struct slot *slot);
struct slot *sign_queue_slot(struct ocsp_worker *w, uint32_t pending); /* of ocsp_cache_entry.pending */
uint32_t sign_queue_number(const struct ocsp_worker *w, const struct slot *slot);
void sign_queue_release(struct ocsp_worker *w, struct slot *slot);

/* Called from the thread's hooks. */
void sign_queue_flush(struct ocsp_worker *w);
void sign_queue_look(struct ocsp_worker *w); /* at those that wait: a round has ended, or time has passed */
void sign_queue_on_bus(struct http_thread *thread, void *arg, int fd, uint32_t events);

/* ---- http.c */

/* answer_ready() sends the slot's answer to all who wait for it and releases the slot. */
void answer_ready(struct ocsp_worker *w, struct slot *slot, struct slice signature);
void answer_failed(struct ocsp_worker *w, struct slot *slot, enum ocsp_outcome outcome);

#endif
