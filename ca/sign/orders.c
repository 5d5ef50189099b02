/*
 * orders.c - see orders.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "base/log.h"
#include "ca/sign/evidence.h"

enum { RECORD_MAX = 1 << 20, ANSWER_MAX = 32 << 20 };

struct order_work {
	int64_t status; /* enum msg_item_status */
	int64_t seq;
	const char *word;
	char text[256];
};

struct batch {
	struct signd_state *s;
	const char *peer;
	const struct msg_order *in;
	struct evidence *evidence;
	struct order_work *work;
	int64_t now;
	size_t num_accepted, num_repeated, num_refused;
};

static void batch_clear(struct batch *b)
{
	free(b->work);
	evidence_destroy(&b->evidence);
}
OWN_TYPE(batch, struct batch, batch_clear)

static void refuse(struct batch *b, struct order_work *w, const char *word, const char *text)
{
	w->status = MSG_ITEM_REFUSED;
	w->word = word;
	(void)snprintf(w->text, sizeof w->text, "%s", text);
	b->num_refused++;
	signd_refused(b->s, b->peer, word, text);
}

/* What the journal has about the order's certificate. */
struct target {
	enum sign_status status;
	uint8_t digest[SHA256_LEN];
	int64_t not_after_at;
};

static void target_find(struct target *out, const struct signd_state *s, const struct status_order *o)
{
	OWN(buf) scratch = BUF_INIT(RECORD_MAX);
	struct journal_record record;
	char issuer[65];

	(void)snprintf(issuer, sizeof issuer, "%.*s", (int)o->issuer.len, (const char *)o->issuer.p);
	out->status = signd_status_of((void *)s, issuer, &o->serial, out->digest);
	if (out->status == SIGN_UNKNOWN)
		return;
	OWN(err) e = signd_recorded(s, &record, &scratch, o->issuer, &o->serial);
	if (e != NULL)
		out->status = SIGN_UNKNOWN;
	else
		out->not_after_at = record.kind == JOURNAL_CERTIFICATE ? record.certificate.not_after_at
								       : record.adopted.not_after_at;
}

static void question_make(struct sign_order_question *q, const struct batch *b, const struct msg_order_item *item,
			  const struct status_order *o, const struct target *target,
			  const struct sign_evidence *decisions[AUTHORITY_MAX_DECISIONS])
{
	uint8_t digest[SHA256_LEN];

	der_sha256(digest, item->order);
	*q = (struct sign_order_question){
		.rules = b->s->rules,
		.order = item->order,
		.decisions = decisions,
		.num_decisions = evidence_decisions(b->evidence, decisions, item->decisions, item->num_decisions),
		.target = o == NULL ? NULL : evidence_certificate(b->evidence, o->certificate_digest.p),
		.now = b->now,
		.order_accepted = known_order_find(b->s->known, digest, NULL),
		.status = target->status,
		.known_digest = target->status == SIGN_UNKNOWN ? NULL : target->digest
	};
}

static struct err *accept(struct batch *b, struct order_work *w, const struct msg_order_item *item,
			  const struct status_order *o, const struct target *target, const uint8_t digest[SHA256_LEN])
{
	struct journal_record record = { .kind = JOURNAL_ORDER, .at = b->now };
	uint64_t offset;
	int64_t seq = journal_group_seq(b->s->journal);
	struct err *e =
		signd_learn_order(b->s->known, o->issuer, &o->serial, target->not_after_at, o->action, o->reason,
				  o->revoked_at, o->has_invalidity_at, o->invalidity_at, seq, digest);

	if (e != NULL && err_category(err_code(e)) == ERR_REFUSE) {
		char text[200];

		refuse(b, w, "order_time", err_text(e, text, sizeof text));
		err_destroy(&e);
		return NULL;
	}
	TRY(e);
	record.order = (struct journal_order){ .issuer = o->issuer,
					       .serial = o->serial,
					       .not_after_at = target->not_after_at,
					       .action = o->action,
					       .reason = o->reason,
					       .revoked_at = o->revoked_at,
					       .has_invalidity_at = o->has_invalidity_at,
					       .invalidity_at = o->invalidity_at,
					       .digest = SLICE(digest, SHA256_LEN),
					       .order = item->order };
	TRY(journal_append(b->s->journal, &record, &offset));
	TRY(known_event_add(b->s->known, record.seq, offset));
	w->status = MSG_ITEM_DONE;
	w->seq = record.seq;
	b->num_accepted++;
	return NULL;
}

static struct err *item_decide(struct batch *b, size_t i)
{
	const struct sign_evidence *decisions[AUTHORITY_MAX_DECISIONS] = { NULL };
	const struct msg_order_item *item = &b->in->orders[i];
	struct order_work *w = &b->work[i];
	struct target target = { .status = SIGN_UNKNOWN };
	struct status_order o;
	struct sign_order_question q;
	struct sign_answer answer;
	OWN(err) unread = status_order_decode(&o, item->order);

	if (unread == NULL)
		target_find(&target, b->s, &o);
	question_make(&q, b, item, unread == NULL ? &o : NULL, &target, decisions);
	sign_order_decide(&answer, &q);
	if (answer.verdict == SIGN_REPEAT) {
		w->status = MSG_ITEM_DONE;
		b->num_repeated++;
		ENSURE(known_order_find(b->s->known, answer.digest, &w->seq), BUG, "an accepted order is not known");
		return NULL;
	}
	if (answer.verdict == SIGN_SIGN)
		return accept(b, w, item, &o, &target, answer.digest);
	refuse(b, w, answer.word, answer.text);
	return NULL;
}

static struct err *batch_decide(struct batch *b)
{
	for (size_t i = 0; i < b->in->num_orders; i++)
		TRY(item_decide(b, i));
	return NULL;
}

static struct err *batch_run(struct batch *b)
{
	TRY(signd_clock_check(b->s));
	TRY(evidence_create(&b->evidence, b->s, b->in->evidence, b->in->num_evidence, b->in->certificates,
			    b->in->num_certificates, b->now));
	known_begin(b->s->known);
	struct err *e = batch_decide(b);
	if (e != NULL) {
		signd_take_back(b->s);
		return e;
	}
	return signd_commit(b->s);
}

static struct err *batch_answer(const struct batch *b, struct buf *out)
{
	struct msg_order_result *results = calloc(b->in->num_orders + 1, sizeof *results);

	ENSURE(results != NULL, NO_MEMORY, "answer");
	for (size_t i = 0; i < b->in->num_orders; i++) {
		const struct order_work *w = &b->work[i];
		bool is_done = w->status == MSG_ITEM_DONE;

		results[i] = (struct msg_order_result){ .status = w->status,
							.seq = is_done ? w->seq : 0,
							.reason = SLICE_STR(is_done ? "" : w->word),
							.text = SLICE_STR(w->text) };
	}
	struct msg_order_ok body = { results, b->in->num_orders, NULL };
	struct err *e = msg_order_ok_encode(out, &body);
	free(results);
	return e;
}

struct err *orders_accept(struct signd_state *s, const char *peer, const struct msg_order *in, struct buf *out)
{
	OWN(batch) b = { .s = s, .peer = peer, .in = in, .now = clock_now_s() };

	b.work = calloc(in->num_orders + 1, sizeof *b.work);
	ENSURE(b.work != NULL, NO_MEMORY, "batch of %zu orders", in->num_orders);
	TRY(batch_run(&b));
	TRY(batch_answer(&b, out));
	metrics_add(s->metrics, SIGND_ORDERS, (int64_t)b.num_accepted);
	metrics_add(s->metrics, SIGND_REPEATS, (int64_t)b.num_repeated);
	log_info(NULL, "orders_accepted", "peer=%s accepted=%zu repeated=%zu refused=%zu", peer, b.num_accepted,
		 b.num_repeated, b.num_refused);
	return NULL;
}

struct err *on_order(void *state, struct bus_call *call)
{
	OWN(msg_order) in = { 0 };
	OWN(buf) answer = BUF_INIT(ANSWER_MAX);

	TRY(msg_order_decode(&in, bus_call_body(call)));
	TRY(orders_accept(state, bus_call_peer(call), &in, &answer));
	bus_call_answer(call, &answer);
	return NULL;
}
