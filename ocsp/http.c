/*
 * http.c - GET and POST of OCSP (RFC 6960 App. A, RFC 5019) over common/http; prepared answers and caching headers.
 *
 * Every OCSP answer, refusals included, is a 200 with application/ocsp-response. A GET without a nonce carries the headers
 * of RFC 5019 §6.2; all else that may not be kept says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/front_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define MEDIA_TYPE "application/ocsp-response"
#define NO_STORE   "Cache-Control: no-store\r\n"

const char *const ocsp_counter_names[OCSP_COUNTERS] = {
	[OCSP_COUNT_GET] = "get",
	[OCSP_COUNT_POST] = "post",
	[OCSP_COUNT_NONCE] = "nonce",
	[OCSP_COUNT_QUEUE_FULL] = "queue_full",
	[OCSP_COUNT_DEADLINE] = "deadline",
	[OCSP_COUNT_SIGNER_REFUSED] = "signer_refused",
	[OCSP_COUNT_SIGNER_RETRY] = "signer_retry",
	[OCSP_COUNT_SIGNER_FAILED] = "signer_failed",
	[OCSP_COUNT_BAD_SIGNATURE] = "bad_signature",
	[OCSP_COUNT_CHANGED] = "changed",
	[OCSP_COUNT_RECHECKED] = "rechecked",
	[OCSP_COUNT_SHARED] = "shared",
	[OCSP_COUNT_REFRESHED] = "refreshed",
	[OCSP_COUNT_STALE_SERVED] = "stale_served",
	[OCSP_COUNT_CLOCK_BACK] = "clock_back",
};

/* ---- headers */

struct headers {
	char p[400];
	size_t len;
	char etag[20];
	int64_t this_at;
};

static void put(struct headers *h, const char *text)
{
	size_t n = strlen(text);

	if (h->len + n < sizeof h->p) {
		memcpy(h->p + h->len, text, n);
		h->len += n;
	}
}

static void put_date(struct headers *h, const char *name, int64_t at)
{
	char date[HTTP_DATE_SIZE];

	put(h, name);
	put(h, http_date(date, at));
	put(h, "\r\n");
}

/* RFC 5019 §6.2. The answer may be kept until nextUpdate and no cache need ask earlier, but max_age_s, which goes before
 * Expires, lets a revocation through sooner. */
static void make_headers(struct headers *h, const struct ocsp_worker *w, int64_t this_at, int64_t next_at,
			 struct slice signature)
{
	int64_t left_s = next_at - w->now_s, age_s = w->front->conf.max_age_s;
	char number[24];

	h->len = 0;
	h->this_at = this_at;
	h->etag[0] = '"';
	(void)text_hex_fixed(h->etag + 1, SLICE(signature.p, signature.len < 8 ? signature.len : 8));
	(void)strcat(h->etag, "\"");
	put(h, "ETag: ");
	put(h, h->etag);
	put(h, "\r\n");
	put_date(h, "Last-Modified: ", this_at);
	put_date(h, "Expires: ", next_at);
	(void)snprintf(number, sizeof number, "%lld", (long long)(left_s < age_s ? left_s < 0 ? 0 : left_s : age_s));
	put(h, "Cache-Control: max-age=");
	put(h, number);
	put(h, ",public,no-transform,must-revalidate\r\n");
}

/* ---- answering */

static struct http_response response_of(struct slice body, struct slice headers)
{
	return (struct http_response){ .status = 200, .content_type = MEDIA_TYPE, .headers = headers, .body = body };
}

static void respond_error(struct ocsp_worker *w, struct http_request *r, enum ocsp_outcome outcome)
{
	struct http_response a = response_of(ocsp_response_error(outcome), SLICE_STR(NO_STORE));

	tally(&w->answers[outcome][OCSP_DIRECT]);
	http_respond(r, &a);
}

/* Assembles the answer of an entry into w->body. */
static bool assemble(struct ocsp_worker *w, const struct ocsp_cache_entry *e, struct slice cert_id,
		     struct ocsp_verdict verdict)
{
	struct ocsp_answer a = { .responder = e->responder,
				 .responder_id = w->front->conf.responder_id,
				 .this_at = e->this_at,
				 .next_at = e->next_at,
				 .num_singles = 1 };

	a.singles[0] = (struct ocsp_answer_single){ cert_id, verdict };
	struct err *err = ocsp_response_data(&w->data, &a);
	if (err == NULL)
		err = ocsp_response_join(&w->body, e->responder, buf_slice(&w->data),
					 SLICE(e->signature, e->signature_len));
	bool is_made = err == NULL;
	log_err(LOG_ERROR, NULL, "answer_not_made", &err);
	return is_made;
}

/* The verdict that a word of a known certificate stands for, whatever the state's age. */
static struct ocsp_verdict verdict_of(const struct ocsp_worker *w, const struct ocsp_single *single, ocsp_word word)
{
	struct ocsp_freshness fresh = { .is_complete = true, .age_ms = 0 };

	return ocsp_status_decide(single, OCSP_ISSUER_SERVED, word, fresh, &w->front->conf.status);
}

static void respond_prepared(struct ocsp_worker *w, struct http_request *r, const struct ocsp_cache_entry *e,
			     const struct ocsp_single *single)
{
	struct ocsp_verdict verdict = verdict_of(w, single, e->word);
	struct headers h = { .len = 0 };
	struct http_response a;

	if (!assemble(w, e, single->cert_id, verdict)) {
		respond_error(w, r, OCSP_INTERNAL);
		return;
	}
	a = response_of(buf_slice(&w->body), SLICE_NONE);
	if (r->head.method != HTTP_POST) {
		make_headers(&h, w, e->this_at, e->next_at, SLICE(e->signature, e->signature_len));
		a.headers = SLICE(h.p, h.len);
		if (http_not_modified(&r->head, SLICE_STR(h.etag), h.this_at))
			a.status = 304;
	}
	tally(&w->answers[verdict.outcome][OCSP_PREPARED]);
	http_respond(r, &a);
}

static bool is_in_time(const struct ocsp_worker *w, const struct ocsp_cache_entry *e)
{
	return e->signature_len > 0 && e->this_at <= w->now_s + 2 && w->now_s < e->next_at;
}

/* May the prepared answer go out for a message judged so? Its word is the present one. */
static bool may_serve(struct ocsp_worker *w, const struct ocsp_cache_entry *e, const struct judged *j)
{
	int64_t age_s = w->now_s - e->this_at;

	if (!is_in_time(w, e) || e->word != j->words[0])
		return false;
	if (ocsp_outcome_is_status(j->outcome))
		return 2 * age_s < e->next_at - e->this_at;
	if (j->outcome != OCSP_TRY_LATER || age_s > w->front->conf.prepared_stale_s)
		return false;
	tally(&w->counters[OCSP_COUNT_STALE_SERVED]);
	return true;
}

/* Hot answers are renewed before half of their life, by a request that does not wait for it. */
static void refresh(struct ocsp_worker *w, struct ocsp_cache_entry *e, const struct judged *j, struct slice request)
{
	if (e->pending != 0 || !ocsp_outcome_is_status(j->outcome) ||
	    8 * (w->now_s - e->this_at) < 3 * (e->next_at - e->this_at))
		return;
	struct slot *slot = sign_queue_take(w, request, j);
	if (slot == NULL)
		return;
	tally(&w->counters[OCSP_COUNT_REFRESHED]);
	slot->entry = e;
	e->pending = sign_queue_number(w, slot);
	sign_queue_begin(w, slot);
}

static void answer_slot(struct ocsp_worker *w, struct slot *slot, enum ocsp_outcome outcome, enum ocsp_way way,
			const struct http_response *a)
{
	if (slot->has_waiter && http_answer(w->thread, slot->waiter, a))
		tally(&w->answers[outcome][way]);
	sign_queue_release(w, slot);
}

/* Gives the same answer to the slot and all that share it; `headers` is for those who asked by GET. */
static void answer_all(struct ocsp_worker *w, struct slot *slot, enum ocsp_outcome outcome, enum ocsp_way way,
		       struct slice body, struct slice headers)
{
	struct http_response get = response_of(body, headers), post = response_of(body, SLICE_NONE);
	struct slot *sharing = slot->sharing;

	slot->sharing = NULL;
	answer_slot(w, slot, outcome, way, slot->is_get ? &get : &post);
	while (sharing != NULL) {
		struct slot *next = sharing->next;
		answer_slot(w, sharing, outcome, way, sharing->is_get ? &get : &post);
		sharing = next;
	}
}

static void keep_prepared(struct ocsp_worker *w, struct slot *slot, struct slice signature)
{
	struct ocsp_cache_entry *e = slot->entry;

	if (e == NULL)
		return;
	e->word = slot->judged.words[0];
	e->this_at = slot->this_at;
	e->next_at = slot->next_at;
	e->responder = slot->judged.responder;
	e->signature_len = (uint16_t)signature.len;
	memcpy(e->signature, signature.p, signature.len);
	atomic_store_explicit(&w->num_prepared, ocsp_cache_num(w->cache), memory_order_relaxed);
}

void answer_ready(struct ocsp_worker *w, struct slot *slot, struct slice signature)
{
	struct headers h = { .len = 0 };
	struct err *e = ocsp_response_join(&w->body, slot->judged.responder, buf_slice(&slot->data), signature);

	if (e != NULL) {
		log_err(LOG_ERROR, NULL, "answer_not_made", &e);
		answer_failed(w, slot, OCSP_INTERNAL);
		return;
	}
	keep_prepared(w, slot, signature);
	if (slot->query.nonce.p == NULL && !slot->judged.has_absent)
		make_headers(&h, w, slot->this_at, slot->next_at, signature);
	else
		put(&h, NO_STORE);
	answer_all(w, slot, slot->judged.outcome, OCSP_SIGNED, buf_slice(&w->body), SLICE(h.p, h.len));
}

/* When the signer does not answer, an older prepared answer of the same status still serves until its own end. */
void answer_failed(struct ocsp_worker *w, struct slot *slot, enum ocsp_outcome outcome)
{
	struct ocsp_cache_entry *e = slot->entry;
	const struct ocsp_single *single = &slot->query.singles[0];

	if (e != NULL && outcome == OCSP_TRY_LATER && ocsp_outcome_is_status(slot->judged.outcome) &&
	    is_in_time(w, e) && !judge_has_changed(w, &slot->query, &slot->judged) &&
	    e->word == slot->judged.words[0]) {
		struct ocsp_verdict verdict = verdict_of(w, single, e->word);
		if (assemble(w, e, single->cert_id, verdict)) {
			answer_all(w, slot, verdict.outcome, OCSP_PREPARED, buf_slice(&w->body), SLICE_STR(NO_STORE));
			return;
		}
	}
	answer_all(w, slot, outcome, OCSP_DIRECT, ocsp_response_error(outcome), SLICE_STR(NO_STORE));
}

/* ---- requests */

/* Puts the request into a slot: to be signed, or to share what is being signed for the same question. */
static void ask_signer(struct ocsp_worker *w, struct http_request *r, struct slice request, const struct judged *j,
		       bool is_plain)
{
	struct slot *slot = sign_queue_take(w, request, j);

	if (slot == NULL) {
		respond_error(w, r, OCSP_TRY_LATER);
		return;
	}
	slot->has_waiter = true;
	slot->is_get = r->head.method != HTTP_POST;
	slot->waiter = http_defer(r);
	if (is_plain && !j->has_absent) {
		struct ocsp_cache_entry *e = ocsp_cache_take(w->cache, j->issuer->index, &slot->query.singles[0]);
		struct slot *leader = e == NULL ? NULL : sign_queue_slot(w, e->pending);
		if (leader != NULL && leader->judged.words[0] == j->words[0]) {
			tally(&w->counters[OCSP_COUNT_SHARED]);
			sign_queue_share(leader, slot);
			return;
		}
		if (e != NULL && leader == NULL) {
			slot->entry = e;
			e->pending = sign_queue_number(w, slot);
		}
	}
	sign_queue_begin(w, slot);
}

static void on_query(struct ocsp_worker *w, struct http_request *r, const struct ocsp_query *query,
		     struct slice request)
{
	bool is_plain = query->num_singles == 1 && query->nonce.p == NULL;
	struct judged j;

	if (query->nonce.p != NULL)
		tally(&w->counters[OCSP_COUNT_NONCE]);
	judge(w, query, &j);
	if (is_plain && j.issuer != NULL && !j.has_absent) {
		struct ocsp_cache_entry *e = ocsp_cache_find(w->cache, j.issuer->index, &query->singles[0]);
		if (e != NULL && may_serve(w, e, &j)) {
			respond_prepared(w, r, e, &query->singles[0]);
			refresh(w, e, &j, request);
			return;
		}
	}
	if (ocsp_outcome_is_status(j.outcome))
		ask_signer(w, r, request, &j, is_plain);
	else
		respond_error(w, r, j.outcome);
}

static void on_request(struct http_request *r, void *user)
{
	struct ocsp_worker *w = user;
	struct ocsp_query query;
	enum ocsp_malformed cause = OCSP_MALFORMED_NONE;
	struct slice request = r->body;
	struct err *e = NULL;

	w->now_s = clock_now_s();
	if (r->head.method == HTTP_POST)
		tally(&w->counters[OCSP_COUNT_POST]);
	else {
		tally(&w->counters[OCSP_COUNT_GET]);
		e = ocsp_request_from_path(&w->der, &w->scratch, &cause, r->head.path);
		request = buf_slice(&w->der);
	}
	if (e == NULL)
		e = ocsp_request_parse(&query, &cause, request);
	if (e == NULL) {
		on_query(w, r, &query, request);
		return;
	}
	tally(&w->malformed[cause]);
	log_err(LOG_DEBUG, NULL, "request_malformed", &e);
	respond_error(w, r, OCSP_MALFORMED);
}

/* ---- hooks */

static void on_batch_end(struct http_thread *thread, void *user)
{
	struct ocsp_worker *w = user;
	int64_t at_ms = INT64_MAX, wait_ms;

	sign_queue_flush(w);
	/* The socket's descriptor does not tell again of what came while we were sending (bus.h). */
	for (int i = 0; (wait_ms = bus_client_timeout_ms(w->client)) == 0 && i < 8; i++) {
		bus_client_process(w->client);
		sign_queue_flush(w);
	}
	if (wait_ms >= 0)
		at_ms = clock_mono_ms() + wait_ms;
	for (const struct slot *s = w->waiting.first; s != NULL; s = s->next) {
		int64_t due_ms = s->again_ms != 0 && s->again_ms < s->deadline_ms ? s->again_ms : s->deadline_ms;
		at_ms = due_ms < at_ms ? due_ms : at_ms;
	}
	http_thread_set_timer(thread, at_ms);
}

static void on_timer(struct http_thread *thread, void *user)
{
	struct ocsp_worker *w = user;

	(void)thread;
	w->now_s = clock_now_s();
	bus_client_process(w->client);
	sign_queue_look(w);
}

static void on_wake(struct http_thread *thread, void *user)
{
	struct ocsp_worker *w = user;

	(void)thread;
	w->now_s = clock_now_s();
	sign_queue_look(w);
}

static void worker_destroy(struct ocsp_worker *w)
{
	sign_queue_destroy(w);
	ocsp_cache_destroy(&w->cache);
	buf_clear(&w->der);
	buf_clear(&w->scratch);
	buf_clear(&w->data);
	buf_clear(&w->body);
	free(w);
}

static struct err *worker_init(struct ocsp_worker *w)
{
	w->der = (struct buf)BUF_INIT(3 * OCSP_REQUEST_MAX_BYTES + 16);
	w->scratch = (struct buf)BUF_INIT(5 * OCSP_REQUEST_MAX_BYTES);
	w->data = (struct buf)BUF_INIT(8192);
	w->body = (struct buf)BUF_INIT(16384);
	w->now_s = clock_now_s();
	TRY(ocsp_cache_create(&w->cache, w->front->conf.prepared_entries));
	TRY(sign_queue_create(w));
	return http_thread_watch(w->thread, bus_client_fd(w->client), EPOLLIN, sign_queue_on_bus, w);
}

/* Workers live as long as the front: their figures are asked for from another thread. */
static struct err *on_start(struct http_thread *thread, void *arg, void **out_user)
{
	struct ocsp_front *front = arg;
	struct ocsp_worker *w = front->workers[http_thread_index(thread)];

	w->thread = thread;
	w->reader = http_thread_index(thread);
	*out_user = w;
	return worker_init(w);
}

static void on_stop(struct http_thread *thread, void *user)
{
	struct ocsp_worker *w = user;

	(void)thread;
	bus_client_destroy(&w->client); /* on its own thread */
}

struct http_hooks ocsp_front_hooks(void)
{
	return (struct http_hooks){ .on_start = on_start,
				    .on_stop = on_stop,
				    .on_request = on_request,
				    .on_batch_end = on_batch_end,
				    .on_timer = on_timer,
				    .on_wake = on_wake };
}

struct err *ocsp_front_create(struct ocsp_front **out, const struct ocsp_front_conf *conf, struct ocsp_state *state,
			      struct bus *bus, struct metrics *metrics, void (*prompt)(void *arg), void *arg)
{
	OWN(ocsp_front) f = calloc(1, sizeof *f);

	ENSURE(f != NULL, NO_MEMORY, "OCSP front");
	ENSURE(conf->sign_batch > 0 && conf->sign_batch <= OCSP_SIGN_BATCH_MAX && conf->sign_queue > 0, CONFIG,
	       "batches of 1 to %d answers, a queue of at least 1", OCSP_SIGN_BATCH_MAX);
	f->conf = *conf;
	f->state = state;
	f->bus = bus;
	f->metrics = metrics;
	f->prompt = prompt;
	f->prompt_arg = arg;
	f->num_workers = EPOCH_MAX_READERS - 1;
	for (unsigned i = 0; i < f->num_workers; i++) {
		f->workers[i] = calloc(1, sizeof *f->workers[i]);
		ENSURE(f->workers[i] != NULL, NO_MEMORY, "OCSP front");
		f->workers[i]->front = f;
	}
	*out = TAKE(f);
	return NULL;
}

void ocsp_front_destroy(struct ocsp_front **self)
{
	struct ocsp_front *f = *self;

	*self = NULL;
	if (f == NULL)
		return;
	for (unsigned i = 0; i < f->num_workers; i++)
		if (f->workers[i] != NULL)
			worker_destroy(f->workers[i]);
	free(f);
}

static uint64_t get(const atomic_uint_least64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void ocsp_front_stats(const struct ocsp_front *self, struct ocsp_front_stats *out)
{
	*out = (struct ocsp_front_stats){ 0 };
	for (unsigned n = 0; n < self->num_workers; n++) {
		const struct ocsp_worker *w = self->workers[n];
		for (int i = 0; i < OCSP_OUTCOMES; i++)
			for (int k = 0; k < OCSP_WAYS; k++)
				out->answers[i][k] += get(&w->answers[i][k]);
		for (int i = 0; i < OCSP_MALFORMED_CAUSES; i++)
			out->malformed[i] += get(&w->malformed[i]);
		for (int i = 0; i < OCSP_COUNTERS; i++)
			out->counters[i] += get(&w->counters[i]);
		out->waiting += get(&w->num_waiting);
		out->prepared += get(&w->num_prepared);
	}
}
