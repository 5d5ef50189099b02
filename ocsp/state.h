/*
 * state.h - what ocspd knows: issuers, responders, the table of certificates, and how fresh all that is.
 *
 * One writer (the follower thread, follow.h) puts things in; HTTP threads read inside an epoch and take no lock.
 * Issuers and responders are made once and kept until the end: pointers to them stay good without an epoch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_STATE_H
#define OCSP_STATE_H

#include <openssl/evp.h>

#include "ocsp/status.h"
#include "ocsp/table.h"
#include "x509/suite.h"

enum { OCSP_MAX_ISSUERS = 32, OCSP_MAX_RESPONDERS = 256, OCSP_ISSUER_NAME_MAX = 16 };

struct ocsp_issuer {
	unsigned index;
	char name[OCSP_ISSUER_NAME_MAX + 1];
	struct {
		uint8_t name[OCSP_DIGEST_MAX_LEN], key[OCSP_DIGEST_MAX_LEN];
	} ids[OCSP_DIGESTS]; /* of the subject Name, of the BIT STRING of the key (RFC 6960 §4.1.1) */
};

/* A delegated responder certificate (RFC 6960 §4.2.2.2) and all that its answers share. */
struct ocsp_responder {
	int64_t id; /* of its row */
	unsigned issuer;
	int64_t not_before_at, not_after_at;
	struct buf der;
	struct slice name; /* subject, whole DER; in der */
	struct slice spki; /* in der */
	uint8_t key_id[20]; /* SHA-1 of the key's BIT STRING: responderID byKey */
	const struct suite *suite;
	EVP_PKEY *key;
	size_t signature_max; /* octets that a signature of this key can have */
	atomic_bool is_proven; /* an answer of the signer verified under it */
	atomic_llong doubted_until_ms; /* clock_mono_ms(): the signer's answer did not verify, another one did */
};

struct ocsp_view {
	size_t num_issuers, num_responders;
	const struct ocsp_issuer *issuers[OCSP_MAX_ISSUERS];
	struct ocsp_responder *responders[OCSP_MAX_RESPONDERS];
	struct ocsp_table *table;
};

struct ocsp_state;

struct err *ocsp_state_create(struct ocsp_state **out) ERR_MUST_USE;
/* ocsp_state_destroy(): no reader, no writer may be left. */
void ocsp_state_destroy(struct ocsp_state **self);
OWN_TYPE(ocsp_state, struct ocsp_state *, ocsp_state_destroy)

/* ---- readers: `reader` is the number of the thread, below EPOCH_MAX_READERS */

/* ocsp_state_enter() gives the view, good until ocsp_state_leave(). */
const struct ocsp_view *ocsp_state_enter(struct ocsp_state *self, unsigned reader);
void ocsp_state_leave(struct ocsp_state *self, unsigned reader);

/* ocsp_view_issuer() finds the issuer that a CertID names by both hashes; NULL: none of ours. */
const struct ocsp_issuer *ocsp_view_issuer(const struct ocsp_view *view, const struct ocsp_single *single);

/* ocsp_view_responder() gives the responder that answers for the issuer at that second: the newest one in force that is
 * not in doubt, or the newest in force. NULL: none. */
struct ocsp_responder *ocsp_view_responder(const struct ocsp_view *view, unsigned issuer, int64_t now_s);

/* ocsp_view_doubt() is told that a signature did not verify under `responder`; another one in force with the same name
 * under which it does verify is given, and preferred for a minute. NULL: no certificate fits. */
struct ocsp_responder *ocsp_view_doubt(const struct ocsp_view *view, struct ocsp_responder *responder, int64_t now_s,
				       struct slice tbs, struct slice signature);

struct ocsp_freshness ocsp_state_freshness(const struct ocsp_state *self, int64_t now_mono_ms);

/* ocsp_state_sign_time() gives the second that an answer made now may carry as thisUpdate: never before one given
 * already. False when the clock has gone back further than 2 s: then nothing is to be signed. Any thread. */
bool ocsp_state_sign_time(struct ocsp_state *self, int64_t now_s, int64_t *out_at);

/* Rounds of reading: a round that began after a request came has seen all that was committed before it.
 * ocsp_state_round_wanted() gives the number that ocsp_state_rounds_done() must reach for that. */
uint64_t ocsp_state_round_wanted(const struct ocsp_state *self);
uint64_t ocsp_state_rounds_done(const struct ocsp_state *self);

/* ---- the writer */

/* ocsp_state_add_issuer() and ocsp_state_add_responder() make something known that was not; a repeated one changes
 * nothing. *out_is_new may be NULL. *Errors* BAD_INPUT (a certificate that is none, or has another issuer's name),
 * CONFLICT (too many). */
struct err *ocsp_state_add_issuer(struct ocsp_state *self, bool *out_is_new, const char *name,
				  struct slice certificate) ERR_MUST_USE;
struct err *ocsp_state_add_responder(struct ocsp_state *self, bool *out_is_new, int64_t id, const char *issuer,
				     struct slice certificate) ERR_MUST_USE;
/* ocsp_state_find_issuer() gives the number of an issuer by its name, -1 when it is not known. */
int ocsp_state_find_issuer(const struct ocsp_state *self, struct slice name);

/* ocsp_state_peek() gives a certificate's word as the writer has it; ocsp_state_put() sets it for readers to see. */
ocsp_word ocsp_state_peek(const struct ocsp_state *self, unsigned issuer, struct slice serial);
struct err *ocsp_state_put(struct ocsp_state *self, unsigned issuer, struct slice serial, ocsp_word word) ERR_MUST_USE;

/* ocsp_state_new_table() makes a table to load into; ocsp_state_swap_table() shows it instead of the old one and takes
 * it over. */
struct err *ocsp_state_new_table(struct ocsp_state *self, struct ocsp_table **out) ERR_MUST_USE;
struct err *ocsp_state_swap_table(struct ocsp_state *self, struct ocsp_table **table) ERR_MUST_USE;

/* ocsp_state_begin_round()/ocsp_state_end_round() frame one reading of the ledger. A round that ends makes the state as
 * fresh as its begin less `lag_ms` (of a replica); the first one makes it complete. A round that fails is not ended. */
void ocsp_state_begin_round(struct ocsp_state *self, int64_t now_mono_ms);
void ocsp_state_end_round(struct ocsp_state *self, int64_t lag_ms);

/* ocsp_state_num() and ocsp_state_bytes(): certificates known, memory of their table. */
uint64_t ocsp_state_num(struct ocsp_state *self);
uint64_t ocsp_state_bytes(struct ocsp_state *self);

#endif
