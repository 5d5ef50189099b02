/*
 * table.c - open addressing with linear probing and backward-shift removal. See table.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/table.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1024 };

struct err *table_init(struct table *self, size_t entry_size, size_t key_size)
{
	memset(self, 0, sizeof *self);
	self->entry_size = entry_size;
	self->key_size = key_size;
	if (RAND_bytes((unsigned char *)self->seed, sizeof self->seed) != 1)
		return ERR_OPENSSL(SYSTEM, "seed of a table");
	self->slots = calloc(FIRST_SLOTS, entry_size);
	ENSURE(self->slots != NULL, NO_MEMORY, "table");
	self->num_slots = FIRST_SLOTS;
	return NULL;
}

void table_clear(struct table *self)
{
	free(self->slots);
	memset(self, 0, sizeof *self);
}

/* Multiply and fold with a secret seed, eight octets at a time. */
static size_t slot_of(const struct table *self, const uint8_t *key)
{
	uint64_t h = self->seed[0];

	for (size_t i = 0; i < self->key_size; i += 8) {
		uint64_t word = 0;
		size_t n = self->key_size - i < 8 ? self->key_size - i : 8;

		memcpy(&word, key + i, n);
		unsigned __int128 product = (unsigned __int128)(h ^ word) * (self->seed[1] | 1);
		h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ (h << 29 | h >> 35);
	}
	return (size_t)h & (self->num_slots - 1);
}

static uint8_t *slot_at(const struct table *self, size_t i)
{
	return self->slots + i * self->entry_size;
}

static bool is_free(const struct table *self, const uint8_t *slot)
{
	for (size_t i = 0; i < self->key_size; i++)
		if (slot[i] != 0)
			return false;
	return true;
}

/* The slot that has the key, or the free one where it would go. */
static size_t probe(const struct table *self, const uint8_t *key)
{
	size_t i = slot_of(self, key);

	while (!is_free(self, slot_at(self, i)) && memcmp(slot_at(self, i), key, self->key_size) != 0)
		i = (i + 1) & (self->num_slots - 1);
	return i;
}

void *table_find(const struct table *self, const void *key)
{
	uint8_t *slot = slot_at(self, probe(self, key));

	return is_free(self, slot) ? NULL : slot;
}

static struct err *grow(struct table *self)
{
	struct table bigger = *self;

	bigger.num_slots = self->num_slots * 2;
	bigger.slots = calloc(bigger.num_slots, self->entry_size);
	ENSURE(bigger.slots != NULL, NO_MEMORY, "table of %zu slots", bigger.num_slots);
	for (size_t i = 0; i < self->num_slots; i++) {
		const uint8_t *slot = slot_at(self, i);

		if (!is_free(self, slot))
			memcpy(slot_at(&bigger, probe(&bigger, slot)), slot, self->entry_size);
	}
	free(self->slots);
	*self = bigger;
	return NULL;
}

struct err *table_add(struct table *self, const void *entry)
{
	ENSURE(!is_free(self, entry), BUG, "a table key of zeros");
	if (self->num + 1 > self->num_slots - self->num_slots / 5)
		TRY(grow(self));
	memcpy(slot_at(self, probe(self, entry)), entry, self->entry_size);
	self->num++;
	return NULL;
}

void table_remove(struct table *self, const void *key)
{
	size_t mask = self->num_slots - 1;
	size_t hole = probe(self, key);

	if (is_free(self, slot_at(self, hole)))
		return;
	self->num--;
	for (size_t i = (hole + 1) & mask; !is_free(self, slot_at(self, i)); i = (i + 1) & mask) {
		size_t home = slot_of(self, slot_at(self, i));

		/* an entry may move into the hole unless its home lies behind the hole, on its way to i */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			memcpy(slot_at(self, hole), slot_at(self, i), self->entry_size);
			hole = i;
		}
	}
	memset(slot_at(self, hole), 0, self->entry_size);
}
