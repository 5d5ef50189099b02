/*
 * cache.h - prepared answers of one HTTP thread: for requests without a nonce, only what cannot be made again.
 *
 * An entry is a signature with the word and the times it was made for; the rest of the answer is assembled. Bounded and
 * allocated once: sets of eight, in each the entry that was not asked for longest gives way. Nothing is invalidated:
 * whoever uses an entry compares its word with the certificate's present one, so a change of status replaces it at once.
 * One thread; no lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_CACHE_H
#define OCSP_CACHE_H

#include "ocsp/state.h"

#define OCSP_SIGNATURE_MAX 512

struct ocsp_cache_entry {
	uint32_t tag; /* of the key; 0: free */
	uint32_t pending; /* the owner's: who is making (or renewing) it; 0: nobody. Such an entry does not give way */
	uint64_t used; /* count of look-ups when it was last asked for */
	ocsp_word word; /* status that was signed */
	int64_t this_at, next_at;
	struct ocsp_responder *responder;
	uint8_t issuer, digest, has_null, serial_len;
	uint8_t serial[SERIAL_MAX_LEN];
	uint16_t signature_len; /* 0: not made yet */
	uint8_t signature[OCSP_SIGNATURE_MAX];
};

struct ocsp_cache;

/* ocsp_cache_create() makes room for at least num entries (0: none, every look-up misses). */
struct err *ocsp_cache_create(struct ocsp_cache **out, size_t num) ERR_MUST_USE;
void ocsp_cache_destroy(struct ocsp_cache **self);
OWN_TYPE(ocsp_cache, struct ocsp_cache *, ocsp_cache_destroy)

/* ocsp_cache_find() gives the entry for a certificate as this CertID names it; NULL: none. A pointer stays good for ever,
 * but its entry may be given to another key by the next ocsp_cache_take(). */
struct ocsp_cache_entry *ocsp_cache_find(struct ocsp_cache *self, unsigned issuer, const struct ocsp_single *single);
/* ocsp_cache_take() gives the entry of that key, empty (signature_len 0) when it is new; NULL when all eight of its
 * set are pending, or the serial is none that a certificate can have. */
struct ocsp_cache_entry *ocsp_cache_take(struct ocsp_cache *self, unsigned issuer, const struct ocsp_single *single);

size_t ocsp_cache_num(const struct ocsp_cache *self);
size_t ocsp_cache_capacity(const struct ocsp_cache *self);

#endif
