/*
 * cache.c - sets of eight. See cache.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/cache.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8 };

struct ocsp_cache {
	uint64_t seed;
	uint64_t clock; /* look-ups so far */
	size_t num_sets; /* a power of two, or 0 */
	size_t num;
	struct ocsp_cache_entry *entries;
};

struct err *ocsp_cache_create(struct ocsp_cache **out, size_t num)
{
	OWN(ocsp_cache) c = calloc(1, sizeof *c);

	ENSURE(c != NULL, NO_MEMORY, "prepared answers");
	if (num > 0)
		for (c->num_sets = 1; c->num_sets * WAYS < num;)
			c->num_sets *= 2;
	c->entries = calloc(c->num_sets * WAYS + 1, sizeof *c->entries);
	ENSURE(c->entries != NULL, NO_MEMORY, "prepared answers");
	if (RAND_bytes((uint8_t *)&c->seed, sizeof c->seed) != 1)
		return ERR_OPENSSL(SYSTEM, "random seed");
	*out = TAKE(c);
	return NULL;
}

void ocsp_cache_destroy(struct ocsp_cache **self)
{
	if (*self != NULL)
		free((*self)->entries);
	free(*self);
	*self = NULL;
}

static uint64_t hash_of(const struct ocsp_cache *self, unsigned issuer, const struct ocsp_single *s)
{
	uint64_t h = self->seed ^ ((uint64_t)issuer << 16 | (uint64_t)s->digest << 1 | (uint64_t)s->has_null);

	for (size_t i = 0; i < s->serial.len; i++)
		h = (h ^ s->serial.p[i]) * 0x100000001b3u;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static bool entry_is(const struct ocsp_cache_entry *e, uint32_t tag, unsigned issuer, const struct ocsp_single *s)
{
	return e->tag == tag && e->issuer == issuer && e->digest == s->digest && e->has_null == s->has_null &&
	       slice_equal(SLICE(e->serial, e->serial_len), s->serial);
}

/* The set of a key, and the key's tag (not 0). */
static struct ocsp_cache_entry *set_of(struct ocsp_cache *self, uint32_t *tag, unsigned issuer,
				       const struct ocsp_single *s)
{
	uint64_t h = hash_of(self, issuer, s);

	*tag = (uint32_t)(h >> 32) | 1;
	return &self->entries[(size_t)(h & (self->num_sets - 1)) * WAYS];
}

struct ocsp_cache_entry *ocsp_cache_find(struct ocsp_cache *self, unsigned issuer, const struct ocsp_single *single)
{
	uint32_t tag;

	if (self->num_sets == 0 || single->serial.len > SERIAL_MAX_LEN)
		return NULL;
	struct ocsp_cache_entry *set = set_of(self, &tag, issuer, single);
	for (int i = 0; i < WAYS; i++)
		if (entry_is(&set[i], tag, issuer, single)) {
			set[i].used = ++self->clock;
			return &set[i];
		}
	return NULL;
}

struct ocsp_cache_entry *ocsp_cache_take(struct ocsp_cache *self, unsigned issuer, const struct ocsp_single *single)
{
	struct ocsp_cache_entry *victim = ocsp_cache_find(self, issuer, single);
	uint32_t tag;

	if (victim != NULL || self->num_sets == 0 || single->serial.len > SERIAL_MAX_LEN)
		return victim;
	struct ocsp_cache_entry *set = set_of(self, &tag, issuer, single);
	for (int i = 0; i < WAYS; i++)
		if (set[i].pending == 0 && (victim == NULL || set[i].used < victim->used))
			victim = &set[i];
	if (victim == NULL)
		return NULL;
	self->num += victim->tag == 0;
	*victim = (struct ocsp_cache_entry){ .tag = tag,
					     .used = ++self->clock,
					     .issuer = (uint8_t)issuer,
					     .digest = (uint8_t)single->digest,
					     .has_null = single->has_null,
					     .serial_len = (uint8_t)single->serial.len };
	memcpy(victim->serial, single->serial.p, single->serial.len);
	return victim;
}

size_t ocsp_cache_num(const struct ocsp_cache *self)
{
	return self->num;
}

size_t ocsp_cache_capacity(const struct ocsp_cache *self)
{
	return self->num_sets * WAYS;
}
