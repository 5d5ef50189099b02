/*
 * lists.c - see lists.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/lists.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

struct lists_session {
	struct crl_check *check;
	struct signd_issuer *issuer;
	struct crl_signed full, delta; /* the issuer's last lists when this one was begun */
	EVP_MD_CTX *digest;
	char peer[64];
	int64_t kind, number, base_number, this_update_at, next_update_at, order_seq;
	int64_t received;
};

OWN_TYPE(lists_session, struct lists_session *, lists_session_destroy)

void lists_session_destroy(struct lists_session **self)
{
	if (*self == NULL)
		return;
	crl_check_destroy(&(*self)->check);
	EVP_MD_CTX_free((*self)->digest);
	free(*self);
	*self = NULL;
}

/* ---- begin */

/* When the first accepted order past the watermark was accepted: the orders stand in the sequence of their numbers. */
static struct err *left_out_at(int64_t *out, const struct signd_state *s, int64_t order_seq)
{
	size_t low = 0, high = known_num_orders(s->known);
	OWN(buf) scratch = BUF_INIT(1 << 20);
	struct journal_record record;
	uint64_t offset;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (known_order_at(s->known, middle)->seq > order_seq)
			high = middle;
		else
			low = middle + 1;
	}
	*out = INT64_MAX;
	if (low == known_num_orders(s->known))
		return NULL;
	ENSURE(known_event_offset(s->known, known_order_at(s->known, low)->seq, &offset), BUG,
	       "an order without its place in the journal");
	TRY(journal_read(s->journal, &record, &scratch, offset));
	*out = record.at;
	return NULL;
}

static struct err *facts_make(struct crl_facts *out, const struct signd_state *s, const struct signd_issuer *issuer,
			      const struct msg_crl_begin *begin)
{
	const struct crl_signed *base = &issuer->bases[(uint64_t)begin->base_number % SIGND_BASES];

	*out = (struct crl_facts){ .known = s->known,
				   .issuer = SLICE_STR(issuer->name),
				   .subject = issuer->ca.subject,
				   .key_id = issuer->ca.key_id,
				   .algorithm = sign_key_suite(signer_key(issuer->list_signer))->signature_algorithm,
				   .ca_not_after_at = issuer->ca.not_after_at,
				   .now = clock_now_s(),
				   .last_full = issuer->last_full,
				   .last_delta = issuer->last_delta,
				   .max_validity_s = s->conf->crl_max_validity_s,
				   .max_age_s = s->conf->crl_max_age_s,
				   .order_grace_s = s->conf->crl_order_grace_s };
	if (begin->has_base_number && base->number == begin->base_number)
		out->base = *base;
	return left_out_at(&out->left_out_at, s, begin->order_seq);
}

static struct err *session_fill(struct lists_session *l, const struct signd_state *s, const char *peer,
				const struct msg_crl_begin *begin)
{
	struct crl_facts facts;

	l->issuer = signd_issuer_find(s, begin->issuer);
	ENSURE_FIELD(l->issuer != NULL, DENIED, "crl_issuer", "this signer has no key of the issuer \"%.*s\"",
		     (int)begin->issuer.len, (const char *)begin->issuer.p);
	TRY(facts_make(&facts, s, l->issuer, begin));
	TRY(crl_check_create(&l->check, &facts, begin));
	l->full = l->issuer->last_full;
	l->delta = l->issuer->last_delta;
	l->kind = begin->kind;
	l->number = begin->number;
	l->base_number = begin->has_base_number ? begin->base_number : 0;
	l->this_update_at = begin->this_update_at;
	l->next_update_at = begin->next_update_at;
	l->order_seq = begin->order_seq;
	(void)snprintf(l->peer, sizeof l->peer, "%s", peer);
	l->digest = EVP_MD_CTX_new();
	if (l->digest == NULL || EVP_DigestInit_ex(l->digest, EVP_sha256(), NULL) != 1)
		return ERR_OPENSSL(SYSTEM, "digest of a list");
	return signer_stream_begin(l->issuer->list_signer);
}

struct err *lists_begin(struct signd_state *s, const char *peer, const struct msg_crl_begin *begin)
{
	OWN(lists_session) session = calloc(1, sizeof *session);

	ENSURE(session != NULL, NO_MEMORY, "list");
	TRY(signd_clock_check(s));
	TRY(session_fill(session, s, peer, begin));
	lists_session_destroy(&s->list);
	s->list = TAKE(session);
	return NULL;
}

/* ---- chunks */

static struct err *session_of(struct lists_session **out, const struct signd_state *s, const char *peer)
{
	ENSURE_FIELD(s->list != NULL && strcmp(s->list->peer, peer) == 0, CONFLICT, "crl_not_begun",
		     "no list of this peer is being streamed; begin it again");
	*out = s->list;
	return NULL;
}

static struct err *chunk_take(struct lists_session *l, struct slice bytes)
{
	TRY(crl_check_feed(l->check, bytes));
	if (EVP_DigestUpdate(l->digest, bytes.p, bytes.len) != 1)
		return ERR_OPENSSL(SYSTEM, "digest of a list");
	TRY(signer_stream_update(l->issuer->list_signer, bytes));
	l->received += (int64_t)bytes.len;
	return NULL;
}

struct err *lists_chunk(struct signd_state *s, const char *peer, const struct msg_crl_chunk *chunk,
			int64_t *out_received)
{
	struct lists_session *l = NULL;

	TRY(session_of(&l, s, peer));
	bool came_before = chunk->offset + (int64_t)chunk->bytes.len <= l->received;
	ENSURE_FIELD(came_before || chunk->offset == l->received, CONFLICT, "crl_offset",
		     "octet %lld came where %lld was due", (long long)chunk->offset, (long long)l->received);
	struct err *e = came_before ? NULL : chunk_take(l, chunk->bytes);
	if (e != NULL) {
		lists_session_destroy(&s->list);
		return e;
	}
	*out_received = l->received;
	return NULL;
}

/* ---- end */

/* Another crld may have had a list signed while this one was streamed. */
static struct err *still_next(const struct lists_session *l)
{
	ENSURE_FIELD(l->issuer->last_full.number == l->full.number && l->issuer->last_delta.number == l->delta.number,
		     DENIED, "crl_number", "another list was signed meanwhile");
	return NULL;
}

static struct err *list_journal(struct signd_state *s, const struct lists_session *l, struct slice signature,
				int64_t num_entries, int64_t *out_seq)
{
	struct journal_record record = { .kind = JOURNAL_CRL };
	uint8_t digest[SHA256_LEN];

	if (EVP_DigestFinal_ex(l->digest, digest, NULL) != 1)
		return ERR_OPENSSL(SYSTEM, "digest of a list");
	record.crl = (struct journal_crl){ .issuer = SLICE_STR(l->issuer->name),
					   .scope = SLICE_STR(""),
					   .kind = l->kind,
					   .number = l->number,
					   .base_number = l->base_number,
					   .this_update_at = l->this_update_at,
					   .next_update_at = l->next_update_at,
					   .order_seq = l->order_seq,
					   .num_entries = num_entries,
					   .digest = SLICE(digest, sizeof digest),
					   .signature = signature };
	struct err *e = journal_append(s->journal, &record, NULL);
	if (e != NULL) {
		signd_take_back(s);
		return e;
	}
	TRY(signd_commit(s));
	signd_learn_list(l->issuer, &record.crl);
	*out_seq = journal_next_seq(s->journal) - 1;
	return NULL;
}

static struct err *list_sign(struct signd_state *s, const struct lists_session *l, struct buf *out_signature,
			     int64_t *out_seq)
{
	int64_t num_entries;

	TRY(signd_clock_check(s));
	TRY(crl_check_end(l->check, &num_entries));
	TRY(still_next(l));
	TRY(signer_stream_end(l->issuer->list_signer, out_signature));
	TRY(list_journal(s, l, buf_slice(out_signature), num_entries, out_seq));
	metrics_add(s->metrics, SIGND_LISTS, 1);
	log_info(NULL, "list_signed", "issuer=%s kind=%s number=%lld entries=%lld order_seq=%lld octets=%lld",
		 l->issuer->name, l->kind == MSG_CRL_FULL ? "full" : "delta", (long long)l->number,
		 (long long)num_entries, (long long)l->order_seq, (long long)l->received);
	return NULL;
}

struct err *lists_end(struct signd_state *s, const char *peer, struct buf *out_signature, int64_t *out_seq)
{
	struct lists_session *l = NULL;

	TRY(session_of(&l, s, peer));
	struct err *e = list_sign(s, l, out_signature, out_seq);
	lists_session_destroy(&s->list);
	return e;
}

/* ---- the bus */

struct err *on_crl_begin(void *state, struct bus_call *call)
{
	OWN(msg_crl_begin) begin = { 0 };
	OWN(buf) answer = BUF_INIT(16);

	TRY(msg_crl_begin_decode(&begin, bus_call_body(call)));
	TRY(lists_begin(state, bus_call_peer(call), &begin));
	bus_call_answer(call, &answer);
	return NULL;
}

struct err *on_crl_chunk(void *state, struct bus_call *call)
{
	OWN(msg_crl_chunk) chunk = { 0 };
	struct msg_crl_chunk_ok body = { 0 };
	OWN(buf) answer = BUF_INIT(64);

	TRY(msg_crl_chunk_decode(&chunk, bus_call_body(call)));
	TRY(lists_chunk(state, bus_call_peer(call), &chunk, &body.received));
	TRY(msg_crl_chunk_ok_encode(&answer, &body));
	bus_call_answer(call, &answer);
	return NULL;
}

struct err *on_crl_end(void *state, struct bus_call *call)
{
	struct msg_crl_end_ok body = { 0 };
	OWN(buf) signature = BUF_INIT(4096);
	OWN(buf) answer = BUF_INIT(8192);

	TRY(lists_end(state, bus_call_peer(call), &signature, &body.seq));
	body.signature = buf_slice(&signature);
	TRY(msg_crl_end_ok_encode(&answer, &body));
	bus_call_answer(call, &answer);
	return NULL;
}
