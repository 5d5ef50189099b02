/*
 * events.c - see events.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/events.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { BATCH_MAX_BYTES = 16 << 20, RECORD_MAX = 1 << 20, SIGNATURE_MAX = 512 };

/* ---- tier ca: giving */

/* An event of the journal, without its borrowed parts: those live in `kept`. */
struct given {
	char issuer[65];
	uint8_t digest[32];
};

static void kept_text(struct given *kept, struct slice issuer, struct slice digest, struct msg_event *out)
{
	size_t len = issuer.len < sizeof kept->issuer ? issuer.len : sizeof kept->issuer - 1;

	memcpy(kept->issuer, issuer.p, len);
	memcpy(kept->digest, digest.p, sizeof kept->digest);
	out->issuer = SLICE(kept->issuer, len);
	out->digest = SLICE(kept->digest, sizeof kept->digest);
}

static struct err *event_of(struct msg_event *out, struct given *kept, const struct journal_record *r)
{
	*out = (struct msg_event){ .seq = r->seq };
	switch (r->kind) {
	case JOURNAL_CERTIFICATE:
		out->kind = MSG_EVENT_ISSUED;
		out->serial = r->certificate.serial;
		out->not_after_at = r->certificate.not_after_at;
		out->at = r->at;
		kept_text(kept, r->certificate.issuer, r->certificate.digest, out);
		return NULL;
	case JOURNAL_ORDER:
		out->kind = MSG_EVENT_ORDER;
		out->serial = r->order.serial;
		out->not_after_at = r->order.not_after_at;
		out->action = r->order.action;
		out->reason = r->order.reason;
		out->at = r->order.revoked_at;
		out->has_invalidity_at = r->order.has_invalidity_at;
		out->invalidity_at = r->order.invalidity_at;
		kept_text(kept, r->order.issuer, r->order.digest, out);
		return NULL;
	case JOURNAL_ADOPTED:
		out->kind = MSG_EVENT_ADOPTED;
		out->serial = r->adopted.serial;
		out->not_after_at = r->adopted.not_after_at;
		out->at = r->at;
		kept_text(kept, r->adopted.issuer, r->adopted.digest, out);
		return NULL;
	default:
		return ERR(BUG, "record %lld of the journal is no event", (long long)r->seq);
	}
}

static struct err *events_read(const struct signd_state *s, struct msg_event *events, struct given *kept, int64_t from,
			       size_t num)
{
	OWN(buf) scratch = BUF_INIT(RECORD_MAX);

	for (size_t i = 0; i < num; i++) {
		struct journal_record record;
		uint64_t offset;

		ENSURE(known_event_offset(s->known, from + (int64_t)i, &offset), BUG, "event %lld has no place",
		       (long long)from + (long long)i);
		TRY(journal_read(s->journal, &record, &scratch, offset));
		TRY(event_of(&events[i], &kept[i], &record));
	}
	return NULL;
}

static struct err *events_sign(struct signd_state *s, const struct msg_event_batch *batch, struct buf *out)
{
	OWN(buf) der = BUF_INIT(BATCH_MAX_BYTES);
	OWN(buf) signature = BUF_INIT(SIGNATURE_MAX);

	TRY(msg_event_batch_encode(&der, batch));
	TRY(signer_sign(s->journal_signer, &signature, buf_slice(&der)));
	struct msg_signed_events body = { buf_slice(&der), buf_slice(&signature), NULL };
	return msg_signed_events_encode(out, &body);
}

struct err *events_give(struct signd_state *s, const struct msg_events *asked, struct buf *out)
{
	int64_t next = journal_next_seq(s->journal);
	int64_t num = asked->max < EVENTS_BATCH_MAX ? asked->max : EVENTS_BATCH_MAX;

	ENSURE_FIELD(asked->from >= 1 && asked->from <= next, BAD_INPUT, "from",
		     "event %lld does not exist, the next is %lld", (long long)asked->from, (long long)next);
	if (num > next - asked->from)
		num = next - asked->from;
	struct msg_event *events = calloc((size_t)num + 1, sizeof *events);
	struct given *kept = calloc((size_t)num + 1, sizeof *kept);
	struct err *e = events == NULL || kept == NULL ? ERR(NO_MEMORY, "batch of events")
						       : events_read(s, events, kept, asked->from, (size_t)num);
	if (e == NULL) {
		struct msg_event_batch batch = { asked->from, asked->from + num, events, (size_t)num, NULL };

		e = events_sign(s, &batch, out);
	}
	free(events);
	free(kept);
	if (e == NULL)
		metrics_add(s->metrics, SIGND_EVENTS, num);
	return e;
}

struct err *on_events(void *state, struct bus_call *call)
{
	OWN(msg_events) asked = { 0 };
	OWN(buf) answer = BUF_INIT(BATCH_MAX_BYTES);

	TRY(msg_events_decode(&asked, bus_call_body(call)));
	TRY(events_give(state, &asked, &answer));
	bus_call_answer(call, &answer);
	return NULL;
}

/* ---- tier ocsp: taking */

static struct err *batch_check(const struct msg_event_batch *batch)
{
	ENSURE_FIELD(batch->from >= 1 && batch->next == batch->from + (int64_t)batch->num_events, DENIED,
		     "events_order", "a batch from %lld to %lld with %zu events", (long long)batch->from,
		     (long long)batch->next, batch->num_events);
	for (size_t i = 0; i < batch->num_events; i++)
		ENSURE_FIELD(batch->events[i].seq == batch->from + (int64_t)i, DENIED, "events_order",
			     "event %lld stands where %lld is due", (long long)batch->events[i].seq,
			     (long long)batch->from + (long long)i);
	return NULL;
}

static struct err *event_take(struct signd_state *s, const struct msg_event *ev)
{
	struct journal_record record = { .kind = JOURNAL_EVENT, .seq = ev->seq, .event = *ev };

	if (ev->kind == MSG_EVENT_ORDER)
		TRY(signd_learn_order(s->known, ev->issuer, &ev->serial, ev->not_after_at, ev->action, ev->reason,
				      ev->at, ev->has_invalidity_at, ev->invalidity_at, ev->seq, ev->digest.p));
	else
		TRY(known_add(s->known, ev->issuer, &ev->serial, ev->seq));
	return journal_append(s->journal, &record, NULL);
}

static struct err *batch_take(struct signd_state *s, const struct msg_event_batch *batch, int64_t *out_taken)
{
	int64_t next = journal_next_seq(s->journal);

	*out_taken = 0;
	for (size_t i = 0; i < batch->num_events; i++) {
		if (batch->events[i].seq < next)
			continue;
		struct err *e = event_take(s, &batch->events[i]);
		if (e != NULL)
			return ERR_WRAP(e, "event %lld", (long long)batch->events[i].seq);
		(*out_taken)++;
	}
	return NULL;
}

static struct err *signature_check(const struct signd_state *s, const struct msg_signed_events *body)
{
	const struct suite *suite;
	struct slice spki = buf_slice(&s->journal_spki);

	TRY(suite_of_spki(&suite, spki));
	struct err *e = suite_verify_spki(spki, suite->signature_algorithm, body->events, body->signature);
	if (e == NULL)
		return NULL;
	OWN(err) owned = e;
	char text[200];
	return ERR_FIELD(DENIED, "events_signature", "these events are not signed by the journal key: %s",
			 err_text(owned, text, sizeof text));
}

struct err *events_take(struct signd_state *s, struct slice signed_events, int64_t *out_next)
{
	OWN(msg_signed_events) body = { 0 };
	OWN(msg_event_batch) batch = { 0 };
	int64_t taken = 0;

	TRY(msg_signed_events_decode(&body, signed_events));
	TRY(signature_check(s, &body));
	TRY(msg_event_batch_decode(&batch, body.events));
	TRY(batch_check(&batch));
	if (batch.from > journal_next_seq(s->journal)) {
		*out_next = journal_next_seq(s->journal);
		return NULL;
	}
	TRY(signd_clock_check(s));
	known_begin(s->known);
	struct err *e = batch_take(s, &batch, &taken);
	if (e != NULL) {
		signd_take_back(s);
		return e;
	}
	TRY(signd_commit(s));
	metrics_add(s->metrics, SIGND_EVENTS, taken);
	*out_next = journal_next_seq(s->journal);
	return NULL;
}

struct err *on_events_push(void *state, struct bus_call *call)
{
	struct msg_events_push_ok body = { 0 };
	OWN(buf) answer = BUF_INIT(64);

	TRY(events_take(state, bus_call_body(call), &body.next));
	TRY(msg_events_push_ok_encode(&answer, &body));
	bus_call_answer(call, &answer);
	return NULL;
}
