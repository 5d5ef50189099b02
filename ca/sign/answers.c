/*
 * answers.c - see answers.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/answers.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "base/log.h"

enum { SIGNATURE_MAX = 1024, ANSWER_MAX = 4 << 20, TEXT_MAX = 256, WORD_MAX = 32 };

/* ---- OCSP */

struct answer_work {
	bool is_signed;
	struct buf signature;
	char word[WORD_MAX];
};

/* Rolling: SHA-256(digest so far || SHA-256(ResponseData)). */
static void count_one(struct signd_state *s, struct slice tbs)
{
	uint8_t both[2 * SHA256_LEN];

	memcpy(both, s->count_digest, SHA256_LEN);
	der_sha256(both + SHA256_LEN, tbs);
	der_sha256(s->count_digest, SLICE(both, sizeof both));
	if (s->count.count++ == 0)
		s->count.from_at = clock_now_s();
}

static struct err *item_sign(struct signd_state *s, const struct msg_sign_ocsp_item *item,
			     const struct ocsp_limits *limits, struct buf *out_signature)
{
	struct signd_issuer *issuer = signd_issuer_find(s, item->issuer);

	ENSURE_FIELD(issuer != NULL, DENIED, "ocsp_issuer", "this signer answers for no issuer \"%.*s\"",
		     (int)item->issuer.len, (const char *)item->issuer.p);
	TRY(ocsp_check(&issuer->ocsp, s->known, limits, item->tbs));
	TRY(signer_sign(issuer->signer, out_signature, item->tbs));
	count_one(s, item->tbs);
	return NULL;
}

static struct err *items_sign(struct signd_state *s, const char *peer, const struct msg_sign_ocsp *in,
			      struct answer_work *work, size_t *out_signed)
{
	struct ocsp_limits limits = { clock_now_s(), s->conf->ocsp_max_age_s, s->conf->ocsp_max_validity_s };

	for (size_t i = 0; i < in->num_items; i++) {
		work[i].signature.max = SIGNATURE_MAX;
		struct err *e = item_sign(s, &in->items[i], &limits, &work[i].signature);

		work[i].is_signed = e == NULL;
		*out_signed += e == NULL;
		if (e == NULL)
			continue;
		if (err_category(err_code(e)) == ERR_FAULT)
			return e;
		char text[TEXT_MAX];
		const char *word = err_field(e);
		(void)strncpy(work[i].word, word == NULL ? "other" : word, sizeof work[i].word - 1);
		signd_refused(s, peer, work[i].word, err_text(e, text, sizeof text));
		err_destroy(&e);
	}
	return NULL;
}

static struct err *answer_make(const struct msg_sign_ocsp *in, const struct answer_work *work, struct buf *out)
{
	struct msg_sign_ocsp_result *results = calloc(in->num_items + 1, sizeof *results);

	ENSURE(results != NULL, NO_MEMORY, "answer");
	for (size_t i = 0; i < in->num_items; i++)
		results[i] =
			(struct msg_sign_ocsp_result){ .status = work[i].is_signed ? MSG_ITEM_DONE : MSG_ITEM_REFUSED,
						       .signature = work[i].is_signed ? buf_slice(&work[i].signature)
										      : SLICE_NONE,
						       .reason = SLICE_STR(work[i].word) };
	struct msg_sign_ocsp_ok body = { results, in->num_items, NULL };
	struct err *e = msg_sign_ocsp_ok_encode(out, &body);
	free(results);
	return e;
}

struct err *answers_sign(struct signd_state *s, const char *peer, const struct msg_sign_ocsp *in, struct buf *out)
{
	size_t num_signed = 0;

	TRY(signd_clock_check(s));
	struct answer_work *work = calloc(in->num_items + 1, sizeof *work);
	ENSURE(work != NULL, NO_MEMORY, "batch of %zu answers", in->num_items);
	struct err *e = items_sign(s, peer, in, work, &num_signed);
	if (e == NULL)
		e = answer_make(in, work, out);
	for (size_t i = 0; i < in->num_items; i++)
		buf_clear(&work[i].signature);
	free(work);
	metrics_add(s->metrics, SIGND_ANSWERS, (int64_t)num_signed);
	return e;
}

struct err *answers_record(struct signd_state *s)
{
	struct journal_record record = { .kind = JOURNAL_OCSP, .ocsp = s->count };

	if (s->count.count == 0)
		return NULL;
	record.ocsp.digest = SLICE(s->count_digest, SHA256_LEN);
	struct err *e = journal_append(s->journal, &record, NULL);
	if (e == NULL)
		e = journal_write(s->journal);
	if (e != NULL) {
		journal_drop(s->journal);
		return e;
	}
	s->count.count = 0;
	return NULL;
}

struct err *on_sign_ocsp(void *state, struct bus_call *call)
{
	OWN(msg_sign_ocsp) in = { 0 };
	OWN(buf) answer = BUF_INIT(ANSWER_MAX);

	TRY(msg_sign_ocsp_decode(&in, bus_call_body(call)));
	TRY(answers_sign(state, bus_call_peer(call), &in, &answer));
	bus_call_answer(call, &answer);
	return NULL;
}

/* ---- heads */

static struct err *note_make(struct signd_state *s, const struct msg_sign_head *asked, struct buf *out)
{
	struct note_checkpoint checkpoint = { .size = (uint64_t)asked->size };
	OWN(buf) text = BUF_INIT(NOTE_MAX);
	OWN(buf) signature = BUF_INIT(SIGNATURE_MAX);

	memcpy(checkpoint.root.b, asked->root.p, TREE_HASH_SIZE);
	memcpy(checkpoint.origin, s->log_key.name, sizeof checkpoint.origin);
	TRY(note_body(&text, &checkpoint));
	TRY(signer_sign(s->log_signer, &signature, buf_slice(&text)));
	ENSURE(signature.len == NOTE_SIGNATURE_SIZE, BUG, "a signature of %zu octets", signature.len);
	return note_assemble(out, buf_slice(&text), &s->log_key, signature.p);
}

static struct err *head_journal(struct signd_state *s, const struct msg_sign_head *asked, struct slice note)
{
	struct journal_record record = { .kind = JOURNAL_HEAD };

	record.head = (struct journal_head){ .size = asked->size, .root = asked->root, .note = note };
	struct err *e = journal_append(s->journal, &record, NULL);
	if (e != NULL) {
		signd_take_back(s);
		return e;
	}
	return signd_commit(s);
}

struct err *heads_sign(struct signd_state *s, const struct msg_sign_head *asked, struct buf *out_note)
{
	enum head_verdict verdict;

	TRY(signd_clock_check(s));
	TRY(head_check(&verdict, &s->head, asked));
	if (verdict == HEAD_REPEAT) {
		metrics_add(s->metrics, SIGND_REPEATS, 1);
		return buf_set(out_note, buf_slice(&s->head_note));
	}
	TRY(note_make(s, asked, out_note));
	TRY(head_journal(s, asked, buf_slice(out_note)));
	s->head.size = (uint64_t)asked->size;
	memcpy(s->head.root.b, asked->root.p, TREE_HASH_SIZE);
	metrics_add(s->metrics, SIGND_HEADS, 1);
	return buf_set(&s->head_note, buf_slice(out_note));
}

struct err *on_sign_head(void *state, struct bus_call *call)
{
	OWN(msg_sign_head) asked = { 0 };
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	OWN(buf) answer = BUF_INIT(NOTE_MAX);

	TRY(msg_sign_head_decode(&asked, bus_call_body(call)));
	TRY(heads_sign(state, &asked, &note));
	struct msg_sign_head_ok body = { buf_slice(&note), NULL };
	TRY(msg_sign_head_ok_encode(&answer, &body));
	bus_call_answer(call, &answer);
	return NULL;
}
