/*
 * sign_queue.c - answers on their way to a signature: slots, batches to signd-ocsp, deadlines. See front.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/front_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/msg_ocsp.h"
#include "bus/msg_sign.h"
#include "ocsp/metrics.h"

enum {
	DATA_MAX = 8192, /* ResponseData; ocsp_response_fits() is stricter */
	CHANGES_MAX = 3, /* signatures made for one answer whose status keeps changing */
	RETRY_MS = 20, /* after a refusal, doubling; the signer is behind the ledger for about so long */
	RETRY_DOUBLINGS = 5,
	CHECK_EVERY = 256, /* answers of which one is verified */
	SAY_EVERY_MS = 1000,
};

/* ---- lists and slots */

static void append(struct slot_list *list, struct slot *slot)
{
	slot->next = NULL;
	if (list->last != NULL)
		list->last->next = slot;
	else
		list->first = slot;
	list->last = slot;
}

static struct slot *take_first(struct slot_list *list)
{
	struct slot *slot = list->first;

	if (slot != NULL)
		list->first = slot->next;
	if (list->first == NULL)
		list->last = NULL;
	return slot;
}

static void count_waiting(struct ocsp_worker *w, int64_t change)
{
	atomic_store_explicit(&w->num_waiting,
			      atomic_load_explicit(&w->num_waiting, memory_order_relaxed) + (uint64_t)change,
			      memory_order_relaxed);
}

struct err *sign_queue_create(struct ocsp_worker *w)
{
	const struct ocsp_front_conf *conf = &w->front->conf;
	struct bus_client_conf client = { .server = conf->sign_server,
					  .endpoint = conf->sign_endpoint,
					  .max_in_flight = conf->sign_queue };

	w->slots = calloc(conf->sign_queue, sizeof *w->slots);
	w->batches = calloc(conf->sign_queue, sizeof *w->batches);
	ENSURE(w->slots != NULL && w->batches != NULL, NO_MEMORY, "slots of %zu answers", conf->sign_queue);
	for (size_t i = 0; i < conf->sign_queue; i++) {
		w->slots[i].data = (struct buf)BUF_INIT(DATA_MAX);
		append(&w->free, &w->slots[i]);
		w->batches[i].next = w->free_batches;
		w->free_batches = &w->batches[i];
	}
	return bus_client_create(&w->client, w->front->bus, &client);
}

void sign_queue_destroy(struct ocsp_worker *w)
{
	bus_client_destroy(&w->client); /* fails what is under way */
	for (size_t i = 0; w->slots != NULL && i < w->front->conf.sign_queue; i++)
		buf_clear(&w->slots[i].data);
	free(w->slots);
	free(w->batches);
}

uint32_t sign_queue_number(const struct ocsp_worker *w, const struct slot *slot)
{
	return (uint32_t)(slot - w->slots) + 1;
}

struct slot *sign_queue_slot(struct ocsp_worker *w, uint32_t pending)
{
	return pending == 0 ? NULL : &w->slots[pending - 1];
}

struct slot *sign_queue_take(struct ocsp_worker *w, struct slice request, const struct judged *judged)
{
	struct slot *slot = take_first(&w->free);
	enum ocsp_malformed cause;

	if (slot == NULL) {
		tally(&w->counters[OCSP_COUNT_QUEUE_FULL]);
		return NULL;
	}
	slot->state = SLOT_QUEUED;
	slot->has_waiter = slot->is_get = false;
	slot->sharing = NULL;
	slot->entry = NULL;
	slot->want_round = 0;
	slot->again_ms = 0;
	slot->changes = slot->refusals = 0;
	slot->came_us = clock_mono_us();
	slot->deadline_ms = slot->came_us / 1000 + w->front->conf.sign_deadline_ms;
	slot->judged = *judged;
	slot->request_len = request.len;
	memcpy(slot->request, request.p, request.len);
	struct err *e = ocsp_request_parse(&slot->query, &cause, SLICE(slot->request, slot->request_len));
	if (e != NULL)
		panic("a request that was read cannot be read again");
	count_waiting(w, 1);
	return slot;
}

void sign_queue_release(struct ocsp_worker *w, struct slot *slot)
{
	if (slot->entry != NULL && slot->entry->pending == sign_queue_number(w, slot))
		slot->entry->pending = 0;
	slot->state = SLOT_FREE;
	append(&w->free, slot);
	count_waiting(w, -1);
}

void sign_queue_share(struct slot *leader, struct slot *slot)
{
	slot->state = SLOT_SHARING;
	slot->next = leader->sharing;
	leader->sharing = slot;
}

/* ---- making the bytes to be signed */

static enum ocsp_outcome make_data(struct ocsp_worker *w, struct slot *slot)
{
	const struct ocsp_front_conf *conf = &w->front->conf;
	const struct judged *j = &slot->judged;
	struct ocsp_answer a = { .responder = j->responder,
				 .responder_id = conf->responder_id,
				 .num_singles = slot->query.num_singles,
				 .nonce = slot->query.nonce };

	if (!ocsp_state_sign_time(w->front->state, w->now_s, &slot->this_at)) {
		tally(&w->counters[OCSP_COUNT_CLOCK_BACK]);
		return OCSP_TRY_LATER;
	}
	slot->next_at = ocsp_response_next_at(j->responder, slot->this_at, conf->validity_s);
	a.this_at = slot->this_at;
	a.next_at = slot->next_at;
	for (size_t i = 0; i < a.num_singles; i++)
		a.singles[i] = (struct ocsp_answer_single){ slot->query.singles[i].cert_id, j->verdicts[i] };
	struct err *e = ocsp_response_data(&slot->data, &a);
	if (e == NULL && !ocsp_response_fits(j->responder, slot->data.len)) {
		tally(&w->malformed[OCSP_MALFORMED_SIZE]);
		return OCSP_MALFORMED;
	}
	if (e != NULL) {
		log_err(LOG_ERROR, NULL, "answer_not_made", &e);
		return OCSP_INTERNAL;
	}
	return OCSP_GOOD;
}

/* Queues a slot that is judged, or ends it. */
static void enqueue(struct ocsp_worker *w, struct slot *slot)
{
	enum ocsp_outcome outcome = slot->judged.outcome;

	if (ocsp_outcome_is_status(outcome))
		outcome = make_data(w, slot);
	if (outcome != OCSP_GOOD) {
		answer_failed(w, slot, outcome);
		return;
	}
	slot->state = SLOT_QUEUED;
	append(&w->queued, slot);
}

static void park(struct ocsp_worker *w, struct slot *slot)
{
	slot->state = SLOT_WAITING;
	append(&w->waiting, slot);
}

void sign_queue_begin(struct ocsp_worker *w, struct slot *slot)
{
	if (!slot->judged.has_absent || !w->front->conf.recheck_absent) {
		enqueue(w, slot);
		return;
	}
	tally(&w->counters[OCSP_COUNT_RECHECKED]);
	slot->want_round = ocsp_state_round_wanted(w->front->state);
	park(w, slot);
	w->front->prompt(w->front->prompt_arg);
}

/* Judges again and goes on. */
static void restart(struct ocsp_worker *w, struct slot *slot)
{
	slot->want_round = 0;
	slot->again_ms = 0;
	judge(w, &slot->query, &slot->judged);
	enqueue(w, slot);
}

void sign_queue_look(struct ocsp_worker *w)
{
	struct slot_list all = w->waiting;
	uint64_t done = ocsp_state_rounds_done(w->front->state);
	int64_t now_ms = clock_mono_ms();
	struct slot *slot;

	w->waiting = (struct slot_list){ NULL, NULL };
	while ((slot = take_first(&all)) != NULL) {
		bool is_due = slot->want_round != 0 ? slot->want_round <= done : slot->again_ms <= now_ms;
		if (now_ms >= slot->deadline_ms) {
			tally(&w->counters[OCSP_COUNT_DEADLINE]);
			answer_failed(w, slot, OCSP_TRY_LATER);
		} else if (is_due)
			restart(w, slot);
		else
			append(&w->waiting, slot);
	}
}

/* ---- to the signer and back */

static void say(struct ocsp_worker *w, const char *event, struct slice reason)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - w->said_ms < SAY_EVERY_MS)
		return;
	w->said_ms = now_ms;
	log_warn(NULL, event, "thread=%u reason=\"%.*s\"", http_thread_index(w->thread), (int)reason.len, reason.p);
}

/* Now and then, and for every responder at first, the signature is verified: a certificate in the ledger that does not
 * belong to the signer's key must not go out beside its signatures. */
static bool check_signature(struct ocsp_worker *w, struct slot *slot, struct slice signature)
{
	struct ocsp_responder *r = slot->judged.responder;
	const struct ocsp_view *view;
	OWN(err) e = NULL;

	if (signature.len == 0 || signature.len > OCSP_SIGNATURE_MAX || signature.len > r->signature_max)
		return false;
	if (atomic_load_explicit(&r->is_proven, memory_order_relaxed) && w->until_check > 0) {
		w->until_check--;
		return true;
	}
	w->until_check = CHECK_EVERY;
	e = suite_verify(r->key, r->suite->signature_algorithm, buf_slice(&slot->data), signature);
	if (e == NULL) {
		atomic_store(&r->is_proven, true);
		return true;
	}
	atomic_store(&r->is_proven, false);
	view = ocsp_state_enter(w->front->state, w->reader);
	struct ocsp_responder *other = ocsp_view_doubt(view, r, w->now_s, buf_slice(&slot->data), signature);
	ocsp_state_leave(w->front->state, w->reader);
	if (other == NULL || slot->next_at > other->not_after_at)
		return false;
	slot->judged.responder = other;
	return true;
}

static void on_signature(struct ocsp_worker *w, struct slot *slot, struct slice signature)
{
	if (judge_has_changed(w, &slot->query, &slot->judged)) {
		tally(&w->counters[OCSP_COUNT_CHANGED]);
		if (++slot->changes < CHANGES_MAX)
			restart(w, slot);
		else
			answer_failed(w, slot, OCSP_TRY_LATER);
		return;
	}
	if (!check_signature(w, slot, signature)) {
		tally(&w->counters[OCSP_COUNT_BAD_SIGNATURE]);
		say(w, "signature_unusable", SLICE_STR("it does not verify under the responder certificate"));
		answer_failed(w, slot, OCSP_TRY_LATER);
		return;
	}
	metrics_observe_us(w->front->metrics, OCSP_METRIC_SIGNED_SECONDS, clock_mono_us() - slot->came_us);
	answer_ready(w, slot, signature);
}

/* Ledger and signer learn of an issue or an order one after the other, some milliseconds apart, in either order; what the
 * one says and the other does not know yet is asked again after another look at both. */
static bool is_disagreement(struct slice reason)
{
	static const char *const words[] = { "ocsp_good_not_issued", "ocsp_good_but_revoked",
					     "ocsp_revoked_not_ordered", "ocsp_revoked_differs",
					     "ocsp_unknown_but_issued" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_equal(reason, SLICE_STR(words[i])))
			return true;
	return false;
}

/* Lets the slot wait for another try. False when its time is over. */
static bool try_again(struct ocsp_worker *w, struct slot *slot)
{
	unsigned doublings = slot->refusals < RETRY_DOUBLINGS ? slot->refusals : RETRY_DOUBLINGS;
	int64_t now_ms = clock_mono_ms();

	slot->refusals++;
	slot->again_ms = now_ms + ((int64_t)RETRY_MS << doublings);
	if (slot->again_ms >= slot->deadline_ms)
		return false;
	park(w, slot);
	w->front->prompt(w->front->prompt_arg);
	return true;
}

static void on_result(struct ocsp_worker *w, struct slot *slot, const struct msg_sign_ocsp_result *result)
{
	if (result->status == MSG_ITEM_DONE) {
		on_signature(w, slot, result->signature);
		return;
	}
	bool may_pass = result->status == MSG_ITEM_RETRY || is_disagreement(result->reason);
	tally(&w->counters[may_pass ? OCSP_COUNT_SIGNER_RETRY : OCSP_COUNT_SIGNER_REFUSED]);
	if (may_pass && try_again(w, slot))
		return;
	say(w, "signer_refused", result->reason);
	answer_failed(w, slot, OCSP_TRY_LATER);
}

static void fail_batch(struct ocsp_worker *w, struct batch *batch, enum ocsp_counter why)
{
	for (size_t i = 0; i < batch->num; i++) {
		tally(&w->counters[why]);
		answer_failed(w, batch->slots[i], OCSP_TRY_LATER);
	}
}

static void note_signer(struct ocsp_worker *w, struct err **e)
{
	bool is_away = *e != NULL;

	if (is_away && !w->signer_is_away)
		log_err(LOG_WARN, NULL, "signer_away", e);
	else if (!is_away && w->signer_is_away)
		log_info(NULL, "signer_back", "thread=%u", http_thread_index(w->thread));
	err_destroy(e);
	w->signer_is_away = is_away;
}

static void release_batch(struct ocsp_worker *w, struct batch *batch)
{
	batch->num = 0;
	batch->next = w->free_batches;
	w->free_batches = batch;
}

static void on_signed(void *arg, struct err *e, struct slice body)
{
	struct batch *batch = arg;
	struct ocsp_worker *w = batch->worker;
	OWN(msg_sign_ocsp_ok) ok = { 0 };
	enum ocsp_counter why = err_code(e) == ERR_TIMEOUT ? OCSP_COUNT_DEADLINE : OCSP_COUNT_SIGNER_FAILED;

	if (e == NULL)
		e = msg_sign_ocsp_ok_decode(&ok, body);
	if (e == NULL && ok.num_items != batch->num)
		e = ERR(BAD_INPUT, "the signer answered %zu items for %zu", ok.num_items, batch->num);
	bool is_ok = e == NULL;
	note_signer(w, &e);
	if (!is_ok)
		fail_batch(w, batch, why);
	for (size_t i = 0; is_ok && i < batch->num; i++)
		on_result(w, batch->slots[i], &ok.items[i]);
	release_batch(w, batch);
}

static struct err *send_batch(struct ocsp_worker *w, struct batch *batch)
{
	struct msg_sign_ocsp_item items[OCSP_SIGN_BATCH_MAX];
	struct msg_sign_ocsp message = { .items = items, .num_items = batch->num };
	OWN(buf) body = BUF_INIT(OCSP_SIGN_BATCH_MAX * (DATA_MAX + 64));
	int64_t now_ms = clock_mono_ms(), left_ms = w->front->conf.sign_deadline_ms;

	for (size_t i = 0; i < batch->num; i++) {
		struct slot *slot = batch->slots[i];
		slot->state = SLOT_SENT;
		items[i] = (struct msg_sign_ocsp_item){ SLICE_STR(slot->judged.issuer->name), buf_slice(&slot->data) };
		if (slot->deadline_ms - now_ms < left_ms)
			left_ms = slot->deadline_ms - now_ms;
	}
	TRY(msg_sign_ocsp_encode(&body, &message));
	return bus_client_send(w->client, MSG_SIGN_OCSP, &body, left_ms < 1 ? 1 : left_ms, on_signed, batch);
}

/* Everything that the turn has gathered leaves in as few messages as the batch size allows. */
void sign_queue_flush(struct ocsp_worker *w)
{
	while (w->queued.first != NULL) {
		struct batch *batch = w->free_batches;
		if (batch == NULL)
			panic("more batches than slots");
		w->free_batches = batch->next;
		batch->worker = w;
		batch->num = 0;
		while (batch->num < w->front->conf.sign_batch && w->queued.first != NULL)
			batch->slots[batch->num++] = take_first(&w->queued);
		struct err *e = send_batch(w, batch);
		if (e == NULL)
			continue;
		note_signer(w, &e);
		fail_batch(w, batch, OCSP_COUNT_SIGNER_FAILED);
		release_batch(w, batch);
	}
}

void sign_queue_on_bus(struct http_thread *thread, void *arg, int fd, uint32_t events)
{
	struct ocsp_worker *w = arg;

	(void)thread;
	(void)fd;
	(void)events;
	w->now_s = clock_now_s();
	bus_client_process(w->client);
}
