/*
 * table.h - a hash table of fixed-size entries in one array: open addressing, for tens of millions of entries.
 *
 * An entry begins with its key of `key_size` octets; an entry of zeros is a free slot, so no key may be all zero. Keys are
 * serials and digests that strangers choose, so they are mixed with a random seed of the process. The pointer to an
 * entry is good until the next table_add() or table_remove().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_TABLE_H
#define CA_SIGN_TABLE_H

#include "base/buf.h"

struct table {
	uint8_t *slots;
	size_t entry_size, key_size;
	size_t num, num_slots; /* a power of two */
	uint64_t seed[2];
};

struct err *table_init(struct table *self, size_t entry_size, size_t key_size) ERR_MUST_USE;
void table_clear(struct table *self);

/* table_find() gives the entry of a key, NULL when there is none. */
void *table_find(const struct table *self, const void *key);

/* table_add() copies an entry in; its key must not be there yet. *Errors* NO_MEMORY. */
struct err *table_add(struct table *self, const void *entry) ERR_MUST_USE;

/* table_remove() takes an entry out; nothing happens when there is none. */
void table_remove(struct table *self, const void *key);

#endif
