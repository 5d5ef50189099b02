/*
 * certs.c - see certs.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "base/log.h"
#include "ca/sign/evidence.h"

enum { SIGNATURE_MAX = 1024, RECORD_MAX = 256 * 1024, ANSWER_MAX = 32 << 20, TEXT_MAX = 256 };

/* One item on its way. */
struct cert_work {
	int64_t status; /* enum msg_item_status */
	struct sign_answer answer;
	struct signd_issuer *issuer;
	struct slice tbs;
	struct buf signature;
	struct buf recorded; /* of a repeat */
	int64_t seq;
};

struct batch {
	struct signd_state *s;
	const char *peer;
	const struct msg_sign_cert *in;
	struct evidence *evidence;
	struct cert_work *work;
	int64_t now;
	int64_t hour[POLICY_MAX_IDENTIFIERS], day[POLICY_MAX_IDENTIFIERS];
	size_t num_signed, num_repeated, num_refused;
};

static void batch_clear(struct batch *b)
{
	for (size_t i = 0; b->work != NULL && i < b->in->num_items; i++) {
		buf_clear(&b->work[i].signature);
		buf_clear(&b->work[i].recorded);
	}
	free(b->work);
	evidence_destroy(&b->evidence);
}
OWN_TYPE(batch, struct batch, batch_clear)

/* What each identification service's word was used for so far; the batch counts on from there. */
static void ceilings_read(struct batch *b)
{
	const struct policy *p = b->s->rules == NULL ? NULL : sign_rules_policy(b->s->rules);
	char name[AUTHORITY_PERSON_SIZE];

	for (size_t i = 0; p != NULL && i < p->num_identifiers; i++) {
		(void)snprintf(name, sizeof name, "%.*s", (int)p->identifiers[i].name.len,
			       (const char *)p->identifiers[i].name.p);
		for (size_t k = 0; k < b->s->num_services; k++)
			if (strcmp(b->s->services[k].name, name) == 0)
				sign_window_count(&b->s->services[k].window, b->now, &b->hour[i], &b->day[i]);
	}
}

/* ---- deciding */

static void refuse(struct batch *b, struct cert_work *w, const char *word, const char *text)
{
	w->status = MSG_ITEM_REFUSED;
	w->answer.word = word;
	(void)snprintf(w->answer.text, sizeof w->answer.text, "%s", text);
	b->num_refused++;
	signd_refused(b->s, b->peer, word, w->answer.text);
}

/* The recorded TBS and signature of an Authorisation that was used before. */
static struct err *repeat(struct batch *b, struct cert_work *w)
{
	struct journal_record record;
	uint64_t offset = 0;

	ENSURE(known_authorisation(b->s->known, w->answer.digest, &offset), BUG, "an Authorisation without its record");
	if (offset >= journal_size(b->s->journal)) { /* the same one twice in this batch: nothing is recorded yet */
		w->status = MSG_ITEM_RETRY;
		w->answer.word = "same_batch";
		return NULL;
	}
	w->recorded.max = RECORD_MAX;
	TRY(journal_read(b->s->journal, &record, &w->recorded, offset));
	ENSURE(record.kind == JOURNAL_CERTIFICATE, BUG, "an Authorisation's record is no certificate");
	w->status = MSG_ITEM_DONE;
	w->tbs = record.certificate.tbs;
	w->signature.max = SIGNATURE_MAX;
	w->seq = record.seq;
	b->num_repeated++;
	return buf_set(&w->signature, record.certificate.signature);
}

static void question_make(struct sign_cert_question *q, const struct batch *b, const struct msg_sign_cert_item *item,
			  const struct sign_evidence *decisions[AUTHORITY_MAX_DECISIONS])
{
	uint8_t digest[SHA256_LEN];
	struct authorisation a;
	OWN(err) unread = authorisation_decode(&a, item->authorisation);

	der_sha256(digest, item->authorisation);
	*q = (struct sign_cert_question){
		.rules = b->s->rules,
		.authorisation = item->authorisation,
		.decisions = decisions,
		.num_decisions = evidence_decisions(b->evidence, decisions, item->decisions, item->num_decisions),
		.serial = serial_slice(&item->serial),
		.not_before_at = item->not_before_at,
		.tbs = item->tbs,
		.now = b->now,
		.authorisation_signed = known_authorisation(b->s->known, digest, NULL),
		.serial_taken = unread == NULL && known_has(b->s->known, a.issuer, &item->serial, NULL),
		.hour_counts = b->hour,
		.day_counts = b->day
	};
}

/* Reserves what the item uses, so that the next items of the batch see it. */
static struct err *reserve(struct batch *b, struct cert_work *w, size_t num_before)
{
	struct signd_state *s = b->s;

	w->seq = journal_group_seq(s->journal) + (int64_t)num_before;
	w->issuer = signd_issuer_find(s, SLICE_STR(w->answer.issuer));
	ENSURE(w->issuer != NULL, BUG, "rules for an issuer without a key");
	TRY(known_add(s->known, SLICE_STR(w->answer.issuer), &w->answer.serial, w->seq));
	/* its place is past the journal's end until the group is written */
	TRY(known_use_authorisation(s->known, w->answer.digest, UINT64_MAX));
	if (w->answer.identifier >= 0) {
		b->hour[w->answer.identifier]++;
		b->day[w->answer.identifier]++;
	}
	w->status = MSG_ITEM_DONE;
	return NULL;
}

static struct err *item_decide(struct batch *b, size_t i)
{
	const struct sign_evidence *decisions[AUTHORITY_MAX_DECISIONS] = { NULL };
	const struct msg_sign_cert_item *item = &b->in->items[i];
	struct cert_work *w = &b->work[i];
	struct sign_cert_question q;

	question_make(&q, b, item, decisions);
	sign_policy_decide(&w->answer, &q);
	w->tbs = item->tbs;
	if (w->answer.verdict == SIGN_REPEAT)
		return repeat(b, w);
	if (w->answer.verdict != SIGN_SIGN) {
		char text[TEXT_MAX];

		(void)snprintf(text, sizeof text, "%s", w->answer.text);
		refuse(b, w, w->answer.word, text);
		return NULL;
	}
	TRY(reserve(b, w, b->num_signed));
	b->num_signed++;
	return NULL;
}

/* ---- signing and writing down */

static bool is_new(const struct cert_work *w)
{
	return w->status == MSG_ITEM_DONE && w->recorded.len == 0;
}

static struct err *item_sign(struct cert_work *w)
{
	w->signature.max = SIGNATURE_MAX;
	struct err *e = signer_sign(w->issuer->signer, &w->signature, w->tbs);

	if (e == NULL)
		return NULL;
	OWN(err) owned = e;
	char text[300];
	return err_new(err_code(owned), __FILE__, __LINE__, "key", "%s", err_text(owned, text, sizeof text));
}

static struct slice identifier_name(const struct batch *b, int index)
{
	return index < 0 ? SLICE_STR("") : sign_rules_policy(b->s->rules)->identifiers[index].name;
}

static struct err *item_journal(struct batch *b, struct cert_work *w, uint64_t *out_offset)
{
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	struct journal_record record = { .kind = JOURNAL_CERTIFICATE, .at = b->now };
	uint8_t digest[SHA256_LEN];

	TRY(cert_assemble(&certificate, w->tbs, w->answer.suite, buf_slice(&w->signature)));
	der_sha256(digest, buf_slice(&certificate));
	record.certificate = (struct journal_certificate){ .issuer = SLICE_STR(w->answer.issuer),
							   .serial = w->answer.serial,
							   .not_after_at = w->answer.not_after_at,
							   .authorisation = SLICE(w->answer.digest, SHA256_LEN),
							   .digest = SLICE(digest, SHA256_LEN),
							   .tbs = w->tbs,
							   .signature = buf_slice(&w->signature),
							   .identifier = identifier_name(b, w->answer.identifier) };
	TRY(journal_append(b->s->journal, &record, out_offset));
	ENSURE(record.seq == w->seq, BUG, "event %lld was to be %lld", (long long)record.seq, (long long)w->seq);
	TRY(known_event_add(b->s->known, w->seq, *out_offset));
	return known_place_authorisation(b->s->known, w->answer.digest, *out_offset);
}

static struct err *batch_decide_and_sign(struct batch *b)
{
	for (size_t i = 0; i < b->in->num_items; i++)
		TRY(item_decide(b, i));
	for (size_t i = 0; i < b->in->num_items; i++)
		if (is_new(&b->work[i]))
			TRY(item_sign(&b->work[i]));
	for (size_t i = 0; i < b->in->num_items; i++) {
		uint64_t offset;

		if (is_new(&b->work[i]))
			TRY(item_journal(b, &b->work[i], &offset));
	}
	return NULL;
}

/* Counts what the batch used of the ceilings, now that it is in the journal. */
static void ceilings_count(struct batch *b)
{
	for (size_t i = 0; i < b->in->num_items; i++) {
		const struct cert_work *w = &b->work[i];
		struct sign_window *window;

		if (!is_new(w) || w->answer.identifier < 0)
			continue;
		window = signd_service(b->s, identifier_name(b, w->answer.identifier));
		if (window != NULL)
			sign_window_add(window, b->now);
	}
}

static struct err *batch_answer(const struct batch *b, struct buf *out)
{
	struct msg_sign_cert_result *results = calloc(b->in->num_items + 1, sizeof *results);

	ENSURE(results != NULL, NO_MEMORY, "answer");
	for (size_t i = 0; i < b->in->num_items; i++) {
		const struct cert_work *w = &b->work[i];
		bool is_done = w->status == MSG_ITEM_DONE;

		results[i] = (struct msg_sign_cert_result){
			.status = w->status,
			.tbs = is_done ? w->tbs : SLICE_NONE,
			.signature = is_done ? buf_slice(&w->signature) : SLICE_NONE,
			.seq = is_done ? w->seq : 0,
			.reason = SLICE_STR(is_done ? "" : w->answer.word),
			.text = SLICE_STR(is_done ? "" : w->answer.text),
		};
	}
	struct msg_sign_cert_ok body = { results, b->in->num_items, NULL };
	struct err *e = msg_sign_cert_ok_encode(out, &body);
	free(results);
	return e;
}

static struct err *batch_run(struct batch *b)
{
	TRY(signd_clock_check(b->s));
	TRY(evidence_create(&b->evidence, b->s, b->in->evidence, b->in->num_evidence, b->in->certificates,
			    b->in->num_certificates, b->now));
	ceilings_read(b);
	known_begin(b->s->known);
	struct err *e = batch_decide_and_sign(b);
	if (e != NULL) {
		signd_take_back(b->s);
		return e;
	}
	TRY(signd_commit(b->s));
	ceilings_count(b);
	return NULL;
}

struct err *certs_sign(struct signd_state *s, const char *peer, const struct msg_sign_cert *in, struct buf *out)
{
	OWN(batch) b = { .s = s, .peer = peer, .in = in, .now = clock_now_s() };
	int64_t from = clock_mono_us();

	b.work = calloc(in->num_items + 1, sizeof *b.work);
	ENSURE(b.work != NULL, NO_MEMORY, "batch of %zu certificates", in->num_items);
	TRY(batch_run(&b));
	TRY(batch_answer(&b, out));
	metrics_add(s->metrics, SIGND_CERTIFICATES, (int64_t)b.num_signed);
	metrics_add(s->metrics, SIGND_REPEATS, (int64_t)b.num_repeated);
	metrics_observe_us(s->metrics, SIGND_SIGN_SECONDS, clock_mono_us() - from);
	log_info(NULL, "certificates_signed", "peer=%s signed=%zu repeated=%zu refused=%zu took_us=%lld", peer,
		 b.num_signed, b.num_repeated, b.num_refused, (long long)(clock_mono_us() - from));
	return NULL;
}

struct err *on_sign_cert(void *state, struct bus_call *call)
{
	OWN(msg_sign_cert) in = { 0 };
	OWN(buf) answer = BUF_INIT(ANSWER_MAX);

	TRY(msg_sign_cert_decode(&in, bus_call_body(call)));
	TRY(certs_sign(state, bus_call_peer(call), &in, &answer));
	bus_call_answer(call, &answer);
	return NULL;
}
