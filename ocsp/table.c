/*
 * table.c - segments of open addressing. See table.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/table.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENT_BITS = 10, NUM_SEGMENTS = 1 << SEGMENT_BITS, FIRST_CAPACITY = 10 };

struct row {
	_Atomic ocsp_word word; /* 0: free; stored last when the row is made */
	uint32_t meta; /* issuer << 8 | length of the serial */
	uint8_t serial[SERIAL_MAX_LEN];
};
_Static_assert(sizeof(struct row) == 32, "a row is 32 bytes");

struct segment {
	uint32_t capacity, num;
	struct row rows[];
};

struct ocsp_table {
	struct epoch *epoch;
	uint64_t seed;
	atomic_uint_least64_t num, bytes;
	_Atomic(struct segment *) segments[NUM_SEGMENTS];
};

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)(a ^ 0xa0761d6478bd642fu) * (b ^ 0xe7037ed1a0b428dbu);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed, so that whoever can choose serials of a foreign list cannot choose where they go. */
static uint64_t hash_of(const struct ocsp_table *self, uint32_t meta, const uint8_t serial[SERIAL_MAX_LEN])
{
	uint64_t a, b;
	uint32_t c;

	memcpy(&a, serial, 8);
	memcpy(&b, serial + 8, 8);
	memcpy(&c, serial + 16, 4);
	return mix(mix(a ^ self->seed, b ^ meta), self->seed ^ c);
}

struct key {
	uint64_t hash;
	uint32_t meta;
	uint8_t serial[SERIAL_MAX_LEN];
};

static struct key key_of(const struct ocsp_table *self, unsigned issuer, struct slice serial)
{
	struct key k = { .meta = (uint32_t)issuer << 8 | (uint32_t)serial.len };

	memcpy(k.serial, serial.p, serial.len);
	k.hash = hash_of(self, k.meta, k.serial);
	return k;
}

static size_t segment_of(uint64_t hash)
{
	return (size_t)(hash >> (64 - SEGMENT_BITS));
}

/* The low half of the hash, scaled to the capacity: capacities are no powers of two. */
static uint32_t place_of(uint64_t hash, uint32_t capacity)
{
	return (uint32_t)((hash & 0xffffffffu) * capacity >> 32);
}

static bool row_is(const struct row *row, const struct key *k)
{
	return row->meta == k->meta && memcmp(row->serial, k->serial, SERIAL_MAX_LEN) == 0;
}

/* The row of the key, or the free one where it belongs. A segment is never full. */
static struct row *find(struct segment *s, const struct key *k)
{
	uint32_t i = place_of(k->hash, s->capacity);

	for (;;) {
		struct row *row = &s->rows[i];
		if (atomic_load_explicit(&row->word, memory_order_acquire) == 0 || row_is(row, k))
			return row;
		i = i + 1 == s->capacity ? 0 : i + 1;
	}
}

struct err *ocsp_table_create(struct ocsp_table **out, struct epoch *epoch)
{
	struct ocsp_table *t = calloc(1, sizeof *t);

	ENSURE(t != NULL, NO_MEMORY, "table of certificates");
	t->epoch = epoch;
	atomic_init(&t->bytes, sizeof *t);
	if (RAND_bytes((uint8_t *)&t->seed, sizeof t->seed) != 1) {
		free(t);
		return ERR_OPENSSL(SYSTEM, "random seed");
	}
	*out = t;
	return NULL;
}

void ocsp_table_destroy(struct ocsp_table **self)
{
	struct ocsp_table *t = *self;

	*self = NULL;
	if (t == NULL)
		return;
	for (size_t i = 0; i < NUM_SEGMENTS; i++)
		free(atomic_load(&t->segments[i]));
	free(t);
}

ocsp_word ocsp_table_get(const struct ocsp_table *self, unsigned issuer, struct slice serial)
{
	if (serial.len == 0 || serial.len > SERIAL_MAX_LEN)
		return 0;
	struct key k = key_of(self, issuer, serial);
	struct segment *s = atomic_load(&self->segments[segment_of(k.hash)]);
	return s == NULL ? 0 : atomic_load_explicit(&find(s, &k)->word, memory_order_acquire);
}

static void fill_row(struct row *row, const struct key *k, ocsp_word word)
{
	row->meta = k->meta;
	memcpy(row->serial, k->serial, SERIAL_MAX_LEN);
	atomic_store_explicit(&row->word, word, memory_order_release);
}

static struct err *grow(struct ocsp_table *self, size_t index)
{
	struct segment *old = atomic_load(&self->segments[index]);
	uint32_t capacity = old == NULL ? FIRST_CAPACITY : old->capacity + old->capacity / 4 + 1;
	struct segment *s = calloc(1, sizeof *s + capacity * sizeof s->rows[0]);

	ENSURE(s != NULL, NO_MEMORY, "table of certificates");
	s->capacity = capacity;
	for (uint32_t i = 0; old != NULL && i < old->capacity; i++) {
		const struct row *row = &old->rows[i];
		ocsp_word word = atomic_load_explicit(&row->word, memory_order_relaxed);
		if (word == 0)
			continue;
		struct key k = { .meta = row->meta };
		memcpy(k.serial, row->serial, SERIAL_MAX_LEN);
		k.hash = hash_of(self, k.meta, k.serial);
		fill_row(find(s, &k), &k, word);
		s->num++;
	}
	atomic_store(&self->segments[index], s);
	size_t added =
		(capacity - (old == NULL ? 0 : old->capacity)) * sizeof s->rows[0] + (old == NULL ? sizeof *s : 0);
	atomic_fetch_add(&self->bytes, added);
	if (old != NULL)
		epoch_retire(self->epoch, old, free);
	epoch_collect(self->epoch);
	return NULL;
}

struct err *ocsp_table_put(struct ocsp_table *self, unsigned issuer, struct slice serial, ocsp_word word)
{
	ENSURE(serial.len > 0 && serial.len <= SERIAL_MAX_LEN, BAD_INPUT, "serial number: 1 to %d octets",
	       SERIAL_MAX_LEN);
	ENSURE(issuer <= 255 && word != 0, BUG, "table of certificates: issuer %u, word %llu", issuer,
	       (unsigned long long)word);
	struct key k = key_of(self, issuer, serial);
	size_t index = segment_of(k.hash);
	struct segment *s = atomic_load(&self->segments[index]);
	struct row *row = s == NULL ? NULL : find(s, &k);
	if (row != NULL && atomic_load_explicit(&row->word, memory_order_relaxed) != 0) {
		atomic_store_explicit(&row->word, word, memory_order_release);
		return NULL;
	}
	if (s == NULL || (uint64_t)(s->num + 1) * 5 > (uint64_t)s->capacity * 4) {
		TRY(grow(self, index));
		s = atomic_load(&self->segments[index]);
		row = find(s, &k);
	}
	fill_row(row, &k, word);
	s->num++;
	atomic_fetch_add_explicit(&self->num, 1, memory_order_relaxed);
	return NULL;
}

uint64_t ocsp_table_num(const struct ocsp_table *self)
{
	return atomic_load(&self->num);
}

uint64_t ocsp_table_bytes(const struct ocsp_table *self)
{
	return atomic_load(&self->bytes);
}
