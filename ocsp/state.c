/*
 * state.c - issuers, responders, table, freshness. See state.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/state.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "x509/cert.h"

enum { DOUBT_MS = 60000, CLOCK_BACK_S = 2 };

struct ocsp_state {
	struct epoch epoch;
	_Atomic(struct ocsp_view *) view; /* what readers see */
	struct ocsp_issuer *issuers[OCSP_MAX_ISSUERS]; /* the writer's, and the owner of them all */
	struct ocsp_responder *responders[OCSP_MAX_RESPONDERS];
	size_t num_issuers, num_responders;
	struct ocsp_table *table;
	int64_t round_began_ms;
	atomic_uint_least64_t rounds_begun, rounds_done;
	atomic_llong read_at_ms; /* clock_mono_ms() */
	atomic_bool is_complete;
	atomic_llong last_sign_s;
};

static void responder_free(struct ocsp_responder *r)
{
	if (r == NULL)
		return;
	buf_clear(&r->der);
	EVP_PKEY_free(r->key);
	free(r);
}
OWN_POINTER(ocsp_responder, struct ocsp_responder *, responder_free)

/* Shows the writer's lists to the readers. */
static struct err *publish(struct ocsp_state *self)
{
	struct ocsp_view *v = calloc(1, sizeof *v), *old;

	ENSURE(v != NULL, NO_MEMORY, "view of the state");
	v->num_issuers = self->num_issuers;
	v->num_responders = self->num_responders;
	v->table = self->table;
	for (size_t i = 0; i < v->num_issuers; i++)
		v->issuers[i] = self->issuers[i];
	memcpy(v->responders, self->responders, sizeof v->responders);
	old = atomic_load(&self->view);
	atomic_store(&self->view, v);
	if (old != NULL)
		epoch_retire(&self->epoch, old, free);
	epoch_collect(&self->epoch);
	return NULL;
}

struct err *ocsp_state_create(struct ocsp_state **out)
{
	OWN(ocsp_state) s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);

	ENSURE(s != NULL, NO_MEMORY, "state");
	memset(s, 0, sizeof *s);
	epoch_init(&s->epoch);
	TRY(ocsp_table_create(&s->table, &s->epoch));
	TRY(publish(s));
	*out = TAKE(s);
	return NULL;
}

void ocsp_state_destroy(struct ocsp_state **self)
{
	struct ocsp_state *s = *self;

	*self = NULL;
	if (s == NULL)
		return;
	epoch_clear(&s->epoch);
	free(atomic_load(&s->view));
	ocsp_table_destroy(&s->table);
	for (size_t i = 0; i < s->num_issuers; i++)
		free(s->issuers[i]);
	for (size_t i = 0; i < s->num_responders; i++)
		responder_free(s->responders[i]);
	free(s);
}

/* ---- readers */

const struct ocsp_view *ocsp_state_enter(struct ocsp_state *self, unsigned reader)
{
	epoch_enter(&self->epoch, reader);
	return atomic_load(&self->view);
}

void ocsp_state_leave(struct ocsp_state *self, unsigned reader)
{
	epoch_leave(&self->epoch, reader);
}

const struct ocsp_issuer *ocsp_view_issuer(const struct ocsp_view *view, const struct ocsp_single *single)
{
	if (single->digest == OCSP_DIGEST_FOREIGN)
		return NULL;
	size_t len = ocsp_digest_len(single->digest);
	for (size_t i = 0; i < view->num_issuers; i++) {
		const struct ocsp_issuer *issuer = view->issuers[i];
		if (memcmp(issuer->ids[single->digest].key, single->key_hash.p, len) == 0 &&
		    memcmp(issuer->ids[single->digest].name, single->name_hash.p, len) == 0)
			return issuer;
	}
	return NULL;
}

static bool in_force(const struct ocsp_responder *r, unsigned issuer, int64_t now_s)
{
	return r->issuer == issuer && r->not_before_at <= now_s && now_s < r->not_after_at;
}

static bool is_newer(const struct ocsp_responder *a, const struct ocsp_responder *b)
{
	return b == NULL || a->not_before_at > b->not_before_at ||
	       (a->not_before_at == b->not_before_at && a->id > b->id);
}

struct ocsp_responder *ocsp_view_responder(const struct ocsp_view *view, unsigned issuer, int64_t now_s)
{
	struct ocsp_responder *best = NULL, *doubted = NULL;
	int64_t now_ms = 0;

	for (size_t i = 0; i < view->num_responders; i++) {
		struct ocsp_responder *r = view->responders[i];
		if (!in_force(r, issuer, now_s))
			continue;
		long long until = atomic_load_explicit(&r->doubted_until_ms, memory_order_relaxed);
		if (until != 0 && now_ms == 0)
			now_ms = clock_mono_ms();
		if (until > now_ms) {
			if (is_newer(r, doubted))
				doubted = r;
		} else if (is_newer(r, best))
			best = r;
	}
	return best != NULL ? best : doubted;
}

struct ocsp_responder *ocsp_view_doubt(const struct ocsp_view *view, struct ocsp_responder *responder, int64_t now_s,
				       struct slice tbs, struct slice signature)
{
	for (size_t i = 0; i < view->num_responders; i++) {
		struct ocsp_responder *r = view->responders[i];
		if (r == responder || !in_force(r, responder->issuer, now_s) || !slice_equal(r->name, responder->name))
			continue;
		OWN(err) e = suite_verify(r->key, r->suite->signature_algorithm, tbs, signature);
		if (e != NULL)
			continue;
		atomic_store(&responder->doubted_until_ms, clock_mono_ms() + DOUBT_MS);
		atomic_store(&r->doubted_until_ms, 0);
		atomic_store(&r->is_proven, true);
		return r;
	}
	return NULL;
}

struct ocsp_freshness ocsp_state_freshness(const struct ocsp_state *self, int64_t now_mono_ms)
{
	return (struct ocsp_freshness){ .is_complete = atomic_load_explicit(&self->is_complete, memory_order_acquire),
					.age_ms = now_mono_ms -
						  atomic_load_explicit(&self->read_at_ms, memory_order_relaxed) };
}

bool ocsp_state_sign_time(struct ocsp_state *self, int64_t now_s, int64_t *out_at)
{
	long long last = atomic_load_explicit(&self->last_sign_s, memory_order_relaxed);

	while (now_s > last)
		if (atomic_compare_exchange_weak(&self->last_sign_s, &last, now_s))
			last = now_s;
	*out_at = last;
	return last - now_s <= CLOCK_BACK_S;
}

uint64_t ocsp_state_round_wanted(const struct ocsp_state *self)
{
	return atomic_load(&self->rounds_begun) + 1;
}

uint64_t ocsp_state_rounds_done(const struct ocsp_state *self)
{
	return atomic_load(&self->rounds_done);
}

/* ---- the writer */

static struct err *digest_into(uint8_t *out, enum ocsp_digest digest, struct slice bytes)
{
	size_t len = 0;

	if (EVP_Q_digest(NULL, ocsp_digest_name(digest), NULL, bytes.p, bytes.len, out, &len) != 1 ||
	    len != ocsp_digest_len(digest))
		return ERR_OPENSSL(BUG, "digest %s", ocsp_digest_name(digest));
	return NULL;
}

/* The octets of subjectPublicKey, without the count of unused bits (RFC 6960 §4.1.1). */
static struct err *key_bits(struct slice *out, struct slice spki)
{
	struct der_reader r, inner;
	struct slice algorithm;

	der_reader_init(&r, spki);
	TRY(der_expect_sequence(&r, &inner, "subjectPublicKeyInfo"));
	TRY(der_expect_whole(&inner, &algorithm, DER_SEQUENCE, "algorithm"));
	return der_read_bits(&inner, out, "subjectPublicKey");
}

int ocsp_state_find_issuer(const struct ocsp_state *self, struct slice name)
{
	for (size_t i = 0; i < self->num_issuers; i++)
		if (slice_equal(SLICE_STR(self->issuers[i]->name), name))
			return (int)i;
	return -1;
}

static struct err *fill_issuer(struct ocsp_issuer *out, const char *name, struct slice certificate)
{
	struct cert c;
	struct slice key;

	TRY(cert_parse(&c, certificate));
	TRY(key_bits(&key, c.public_key));
	for (enum ocsp_digest d = 0; d < OCSP_DIGESTS; d++) {
		TRY(digest_into(out->ids[d].name, d, c.subject));
		TRY(digest_into(out->ids[d].key, d, key));
	}
	memcpy(out->name, name, strlen(name) + 1);
	return NULL;
}

struct err *ocsp_state_add_issuer(struct ocsp_state *self, bool *out_is_new, const char *name, struct slice certificate)
{
	if (out_is_new != NULL)
		*out_is_new = false;
	if (ocsp_state_find_issuer(self, SLICE_STR(name)) >= 0)
		return NULL;
	ENSURE(self->num_issuers < OCSP_MAX_ISSUERS, CONFLICT, "more than %d issuers", OCSP_MAX_ISSUERS);
	ENSURE(strlen(name) <= OCSP_ISSUER_NAME_MAX, BAD_INPUT, "issuer %s: name over %d characters", name,
	       OCSP_ISSUER_NAME_MAX);
	struct ocsp_issuer *issuer = calloc(1, sizeof *issuer);
	ENSURE(issuer != NULL, NO_MEMORY, "issuer");
	issuer->index = (unsigned)self->num_issuers;
	struct err *e = fill_issuer(issuer, name, certificate);
	if (e != NULL) {
		free(issuer);
		return ERR_WRAP(e, "certificate of issuer %s", name);
	}
	self->issuers[self->num_issuers++] = issuer;
	if (out_is_new != NULL)
		*out_is_new = true;
	return publish(self);
}

static struct err *fill_responder(struct ocsp_responder *r, const struct ocsp_issuer *issuer, struct slice certificate)
{
	struct cert c;
	struct slice key;
	uint8_t issuer_hash[OCSP_DIGEST_MAX_LEN];

	r->der = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	TRY(buf_set(&r->der, certificate));
	TRY(cert_parse(&c, buf_slice(&r->der)));
	TRY(digest_into(issuer_hash, OCSP_SHA256, c.issuer));
	ENSURE(memcmp(issuer_hash, issuer->ids[OCSP_SHA256].name, 32) == 0, BAD_INPUT,
	       "RFC 6960 §4.2.2.2: not issued by the CA it answers for");
	ENSURE(cert_has_eku(&c, "1.3.6.1.5.5.7.3.9"), BAD_INPUT, "RFC 6960 §4.2.2.2: no id-kp-OCSPSigning");
	r->name = c.subject;
	r->spki = c.public_key;
	r->not_before_at = c.not_before_at;
	r->not_after_at = c.not_after_at;
	TRY(suite_of_spki(&r->suite, r->spki));
	TRY(suite_public_key(&r->key, r->spki));
	r->signature_max = (size_t)EVP_PKEY_get_size(r->key);
	TRY(key_bits(&key, r->spki));
	return digest_into(r->key_id, OCSP_SHA1, key);
}

struct err *ocsp_state_add_responder(struct ocsp_state *self, bool *out_is_new, int64_t id, const char *issuer,
				     struct slice certificate)
{
	int index = ocsp_state_find_issuer(self, SLICE_STR(issuer));

	if (out_is_new != NULL)
		*out_is_new = false;
	for (size_t i = 0; i < self->num_responders; i++)
		if (self->responders[i]->id == id)
			return NULL;
	ENSURE(index >= 0, BAD_INPUT, "responder %lld: issuer %s is not known", (long long)id, issuer);
	ENSURE(self->num_responders < OCSP_MAX_RESPONDERS, CONFLICT, "more than %d responders", OCSP_MAX_RESPONDERS);
	OWN(ocsp_responder) r = calloc(1, sizeof *r);
	ENSURE(r != NULL, NO_MEMORY, "responder");
	r->id = id;
	r->issuer = (unsigned)index;
	struct err *e = fill_responder(r, self->issuers[index], certificate);
	if (e != NULL)
		return ERR_WRAP(e, "responder %lld of issuer %s", (long long)id, issuer);
	self->responders[self->num_responders++] = TAKE(r);
	if (out_is_new != NULL)
		*out_is_new = true;
	return publish(self);
}

ocsp_word ocsp_state_peek(const struct ocsp_state *self, unsigned issuer, struct slice serial)
{
	return ocsp_table_get(self->table, issuer, serial);
}

struct err *ocsp_state_put(struct ocsp_state *self, unsigned issuer, struct slice serial, ocsp_word word)
{
	return ocsp_table_put(self->table, issuer, serial, word);
}

struct err *ocsp_state_new_table(struct ocsp_state *self, struct ocsp_table **out)
{
	return ocsp_table_create(out, &self->epoch);
}

static void table_free(void *p)
{
	struct ocsp_table *t = p;

	ocsp_table_destroy(&t);
}

struct err *ocsp_state_swap_table(struct ocsp_state *self, struct ocsp_table **table)
{
	struct ocsp_table *old = self->table;

	self->table = *table;
	struct err *e = publish(self);
	if (e != NULL) {
		self->table = old;
		return e;
	}
	*table = NULL;
	epoch_retire(&self->epoch, old, table_free);
	epoch_collect(&self->epoch);
	return NULL;
}

void ocsp_state_begin_round(struct ocsp_state *self, int64_t now_mono_ms)
{
	self->round_began_ms = now_mono_ms;
	atomic_fetch_add(&self->rounds_begun, 1);
}

void ocsp_state_end_round(struct ocsp_state *self, int64_t lag_ms)
{
	atomic_store(&self->read_at_ms, self->round_began_ms - lag_ms);
	atomic_store(&self->rounds_done, atomic_load(&self->rounds_begun));
	atomic_store_explicit(&self->is_complete, true, memory_order_release);
	epoch_collect(&self->epoch);
}

uint64_t ocsp_state_num(struct ocsp_state *self)
{
	return ocsp_table_num(self->table);
}

uint64_t ocsp_state_bytes(struct ocsp_state *self)
{
	return ocsp_table_bytes(self->table);
}
