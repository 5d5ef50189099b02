/*
 * orders.c - see orders.h. One round at a time: load, send, record; while a round finds orders, the next follows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/orders.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/msg_sign.h"
#include "ca/issue/figures.h"
#include "ca/issue/policy.h"
#include "ca/issue/queries.h"

enum {
	SETTLED_AFTER_MS = 600000, /* no transaction is open for so long: what was not seen by then will not appear */
	BODY_MAX = 32 * 1024 * 1024,
};

enum order_outcome { ORDER_OPEN, ORDER_ACCEPTED, ORDER_REFUSED, ORDER_AGAIN };

struct order_item {
	struct ca_order row;
	enum order_outcome outcome;
	int64_t seq;
	char word[ISSUE_WORD_MAX], text[ISSUE_TEXT_MAX];
};

struct orders {
	struct lane_job job; /* first: the lane gives it back */
	struct orders_conf conf;
	loop_id poll;
	bool is_running, is_wanted;
	/* Orders up to `settled_id` are known to be done: later rounds look above. `mark_*`: the candidate for it. */
	int64_t settled_id, mark_id, mark_ms;
	/* the round under way */
	int64_t last_id; /* highest id when it was loaded */
	struct db_result *rows;
	struct ca_evidence evidence;
	struct order_item *items;
	size_t num;
	int64_t last_seq;
};

static void round_clear(struct orders *self)
{
	db_result_destroy(&self->rows);
	ca_evidence_clear(&self->evidence);
	free(self->items);
	self->items = NULL;
	self->num = 0;
	self->last_seq = 0;
}

static void round_begin(struct orders *self);

static void round_end(struct orders *self)
{
	round_clear(self);
	self->is_running = false;
	if (self->is_wanted)
		round_begin(self);
}

/* ---- recording */

static struct err *log_order(struct ca_log *log, const struct order_item *item)
{
	const struct ca_log_refs refs = { .order_id = item->row.id, .certificate_id = item->row.certificate_id };
	bool is_accepted = item->outcome == ORDER_ACCEPTED;
	char hex[SERIAL_HEX_SIZE], seq[24];
	struct log_entry entry;

	(void)snprintf(seq, sizeof seq, "%lld", (long long)item->seq);
	ca_log_begin(&entry, is_accepted ? LOG_KIND_ORDER_ACCEPTED : LOG_KIND_ORDER_REFUSED, NULL);
	log_entry_what(&entry, "issuer", item->row.issuer);
	log_entry_what(&entry, "serial", serial_hex(hex, &item->row.serial));
	log_entry_what(&entry, "action", order_action_word((enum order_action)item->row.action));
	if (is_accepted)
		log_entry_what(&entry, "seq", seq);
	else
		log_entry_what(&entry, "reason", item->word);
	log_entry_why(&entry, item->text);
	log_entry_object(&entry, "order", item->row.digest);
	return ca_log_add(log, &entry, refs);
}

static struct err *record(struct db *db, void *arg)
{
	const struct orders *self = arg;
	OWN(ca_log) log = CA_LOG_INIT;
	int64_t *ids = calloc(2 * self->num + 1, sizeof *ids);
	struct err *e = NULL;
	size_t n = 0;

	ENSURE(ids != NULL, NO_MEMORY, "%zu orders", self->num);
	int64_t *seqs = ids + self->num;
	for (size_t i = 0; i < self->num && e == NULL; i++) {
		const struct order_item *item = &self->items[i];
		if (item->outcome == ORDER_ACCEPTED) {
			ids[n] = item->row.id;
			seqs[n++] = item->seq;
		}
		if (item->outcome == ORDER_ACCEPTED || item->outcome == ORDER_REFUSED)
			e = log_order(&log, item);
	}
	if (e == NULL && n > 0)
		e = ca_accept_orders(db, ids, seqs, n);
	free(ids);
	return e != NULL ? e : ca_add_log(db, &log);
}

static struct err *run_record(struct lane_job *job, struct db *db)
{
	return db_tx(db, record, job);
}

static void on_recorded(struct lane_job *job, struct err *e)
{
	struct orders *self = (struct orders *)job;

	if (e != NULL) {
		/* The next round finds them again, and the signer repeats its answer. */
		log_err(LOG_WARN, NULL, "orders_not_recorded", &e);
		self->is_wanted = false;
	} else {
		self->conf.on_committed(self->conf.arg, self->last_seq);
	}
	round_end(self);
}

/* ---- the signer's answer */

static bool earlier_is_open(const struct orders *self, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (self->items[k].row.certificate_id == self->items[i].row.certificate_id &&
		    self->items[k].outcome == ORDER_AGAIN)
			return true;
	return false;
}

static void take_result(struct orders *self, size_t i, const struct msg_order_result *result)
{
	struct order_item *item = &self->items[i];

	(void)log_text_fit(item->word, sizeof item->word, result->reason);
	(void)log_text_fit(item->text, sizeof item->text, result->text);
	item->seq = result->seq;
	if (result->status == MSG_ITEM_DONE)
		item->outcome = ORDER_ACCEPTED;
	else if (result->status == MSG_ITEM_REFUSED && issue_order_refusal_is_final(result->reason) &&
		 !earlier_is_open(self, i))
		item->outcome = ORDER_REFUSED;
	else
		item->outcome = ORDER_AGAIN;
	metrics_add(self->conf.metrics, CAD_ORDERS_ACCEPTED, item->outcome == ORDER_ACCEPTED);
	metrics_add(self->conf.metrics, CAD_ORDERS_REFUSED, item->outcome == ORDER_REFUSED);
	if (item->outcome == ORDER_ACCEPTED && item->seq > self->last_seq)
		self->last_seq = item->seq;
	if (item->outcome == ORDER_REFUSED)
		log_error(NULL, "order_refused", "order=%lld reason=%s text=\"%s\"", (long long)item->row.id,
			  item->word, item->text);
	if (item->outcome == ORDER_AGAIN) {
		log_warn(NULL, "order_postponed", "order=%lld reason=%s text=\"%s\"", (long long)item->row.id,
			 item->word, item->text);
		self->is_wanted = false; /* not in a circle: the poll asks again */
	}
}

static struct err *take_answer(struct orders *self, struct slice body)
{
	OWN(msg_order_ok) answer = { 0 };

	TRY(msg_order_ok_decode(&answer, body));
	ENSURE(answer.num_items == self->num, BAD_INPUT, "the signer answers %zu orders of %zu", answer.num_items,
	       self->num);
	for (size_t i = 0; i < self->num; i++)
		take_result(self, i, &answer.items[i]);
	return NULL;
}

static void on_answer(void *arg, struct err *e, struct slice body)
{
	struct orders *self = arg;

	if (e == NULL)
		e = take_answer(self, body);
	if (e != NULL) {
		log_err(LOG_WARN, NULL, "orders_not_answered", &e);
		self->is_wanted = false;
		round_end(self);
		return;
	}
	if (self->last_seq > 0)
		self->conf.on_accepted(self->conf.arg, self->last_seq);
	self->job.run = run_record;
	self->job.done = on_recorded;
	lane_submit(self->conf.lane, &self->job);
}

/* ---- the request */

static size_t fill_items(const struct orders *self, struct msg_order_item *items, struct slice *certificates,
			 struct slice *decisions)
{
	size_t pair = 0;

	for (size_t i = 0; i < self->num; i++) {
		const struct ca_order *row = &self->items[i].row;
		items[i] = (struct msg_order_item){ .order = row->der, .decisions = &decisions[pair] };
		certificates[i] = row->certificate;
		for (; pair < self->evidence.num_pairs && self->evidence.pairs[pair].member == i; pair++) {
			decisions[pair] = self->evidence.decisions[self->evidence.pairs[pair].decision].digest;
			items[i].num_decisions += items[i].num_decisions < AUTHORITY_MAX_DECISIONS;
		}
	}
	return self->num;
}

static struct err *encode_request(const struct orders *self, struct buf *out)
{
	size_t num_evidence = self->evidence.num_decisions;
	struct msg_order_item *items = calloc(self->num + 1, sizeof *items);
	struct slice *certificates = calloc(self->num + 1, sizeof *certificates);
	struct slice *decisions = calloc(self->evidence.num_pairs + 1, sizeof *decisions);
	struct msg_signed_decision *evidence = calloc(num_evidence + 1, sizeof *evidence);
	struct err *e = NULL;

	if (items == NULL || certificates == NULL || decisions == NULL || evidence == NULL) {
		e = ERR(NO_MEMORY, "%zu orders", self->num);
	} else {
		for (size_t i = 0; i < num_evidence; i++)
			evidence[i] = (struct msg_signed_decision){ self->evidence.decisions[i].der,
								    self->evidence.decisions[i].cms };
		(void)fill_items(self, items, certificates, decisions);
		const struct msg_order body = { .evidence = evidence,
						.num_evidence = num_evidence,
						.certificates = certificates,
						.num_certificates = self->num,
						.orders = items,
						.num_orders = self->num };
		e = msg_order_encode(out, &body);
	}
	free(items);
	free(certificates);
	free(decisions);
	free(evidence);
	return e;
}

static struct err *send_round(struct orders *self)
{
	OWN(buf) body = BUF_INIT(BODY_MAX);

	TRY(encode_request(self, &body));
	return bus_client_send(self->conf.signer, MSG_ORDER, &body, self->conf.conf->sign_timeout_ms, on_answer, self);
}

/* ---- loading */

static struct err *load(struct orders *self, struct db *db)
{
	TRY(ca_last_order(db, &self->last_id));
	TRY(ca_orders(db, &self->rows, self->settled_id, self->conf.conf->orders_batch));
	size_t num = db_num_rows(self->rows);
	self->items = calloc(num + 1, sizeof *self->items);
	struct slice *digests = calloc(num + 1, sizeof *digests);
	struct err *e = NULL;
	for (size_t i = 0; i < num && self->items != NULL && digests != NULL && e == NULL; i++) {
		e = ca_order_at(&self->items[i].row, self->rows, i);
		digests[i] = self->items[i].row.digest;
		self->num = i + 1;
	}
	if (self->items == NULL || digests == NULL)
		e = ERR(NO_MEMORY, "%zu orders", num);
	if (e == NULL && num > 0)
		e = ca_evidence_of(db, &self->evidence, DECISION_ORDERS, digests, num);
	free(digests);
	return e;
}

static struct err *run_load(struct lane_job *job, struct db *db)
{
	return load((struct orders *)job, db);
}

/* Ids are drawn before they are committed, so a smaller one may appear later; ten minutes later none does. */
static void move_mark(struct orders *self)
{
	int64_t now = clock_mono_ms();

	if (self->num > 0 && self->items[0].row.id <= self->mark_id) {
		self->mark_id = 0;
		return;
	}
	if (self->mark_id != 0 && now - self->mark_ms >= SETTLED_AFTER_MS) {
		self->settled_id = self->mark_id;
		self->mark_id = 0;
	}
	if (self->mark_id == 0 && self->num == 0) {
		self->mark_id = self->last_id;
		self->mark_ms = now;
	}
}

static void on_loaded(struct lane_job *job, struct err *e)
{
	struct orders *self = (struct orders *)job;

	if (e == NULL) {
		move_mark(self);
		if (self->num > 0) {
			self->is_wanted = true; /* there may be more */
			e = send_round(self);
			if (e == NULL)
				return;
		}
	}
	if (e != NULL) {
		log_err(LOG_WARN, NULL, "orders_not_sent", &e);
		self->is_wanted = false;
	}
	round_end(self);
}

static void round_begin(struct orders *self)
{
	self->is_running = true;
	self->is_wanted = false;
	self->job.run = run_load;
	self->job.done = on_loaded;
	lane_submit(self->conf.lane, &self->job);
}

void orders_prompt(struct orders *self)
{
	self->is_wanted = true;
	if (!self->is_running)
		round_begin(self);
}

bool orders_is_idle(const struct orders *self)
{
	return !self->is_running;
}

static void on_poll(void *arg)
{
	orders_prompt(arg);
}

struct err *orders_create(struct orders **out, const struct orders_conf *conf)
{
	OWN(orders) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "orders");
	self->conf = *conf;
	TRY(loop_add_timer(conf->loop, &self->poll, conf->conf->poll_ms, conf->conf->poll_ms, on_poll, self));
	*out = TAKE(self);
	return NULL;
}

void orders_destroy(struct orders **orders)
{
	struct orders *self = *orders;

	if (self == NULL)
		return;
	*orders = NULL;
	loop_remove(self->conf.loop, self->poll);
	round_clear(self);
	free(self);
}
