/*
 * addresses.c - how many connections each address has: a fixed hash table under one lock.
 *
 * Asked once when a connection is accepted and once when it ends, never for a request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/server_private.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct address address;
	unsigned count; /* 0: free */
};

struct addresses {
	pthread_mutex_t lock;
	uint64_t seed;
	size_t mask;
	struct entry entries[];
};

struct err *addresses_create(struct addresses **out, unsigned max_connections)
{
	size_t size = 16;

	while (size < 2 * (size_t)max_connections)
		size *= 2;
	struct addresses *a = calloc(1, sizeof *a + size * sizeof(struct entry));
	ENSURE(a != NULL, NO_MEMORY, "table of addresses");
	a->mask = size - 1;
	if (RAND_bytes((uint8_t *)&a->seed, sizeof a->seed) != 1) {
		free(a);
		return ERR_OPENSSL(SYSTEM, "random seed");
	}
	(void)pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return NULL;
}

void addresses_destroy(struct addresses **self)
{
	if (*self == NULL)
		return;
	(void)pthread_mutex_destroy(&(*self)->lock);
	free(*self);
	*self = NULL;
}

struct address addresses_of(const struct sockaddr_storage *peer)
{
	struct address out = { 0, 0 };

	if (peer->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
		out.low = (uint64_t)0xffff << 32 | ntohl(v4->sin_addr.s_addr);
	} else if (peer->ss_family == AF_INET6) {
		const uint8_t *b = ((const struct sockaddr_in6 *)peer)->sin6_addr.s6_addr;
		for (int i = 0; i < 8; i++) {
			out.high = out.high << 8 | b[i];
			out.low = out.low << 8 | b[8 + i];
		}
		if (out.high != 0 || out.low >> 32 != 0xffff)
			out.low = 0;
	}
	return out;
}

static size_t place(const struct addresses *self, struct address a)
{
	uint64_t h = (a.high ^ self->seed) * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 29 ^ a.low) * 0xbf58476d1ce4e5b9u;
	return (size_t)(h ^ h >> 32) & self->mask;
}

static bool same(struct address a, struct address b)
{
	return a.high == b.high && a.low == b.low;
}

bool addresses_enter(struct addresses *self, struct address address, unsigned limit)
{
	bool may = true;

	(void)pthread_mutex_lock(&self->lock);
	size_t i = place(self, address);
	while (self->entries[i].count != 0 && !same(self->entries[i].address, address))
		i = (i + 1) & self->mask;
	if (limit != 0 && self->entries[i].count >= limit)
		may = false;
	else {
		self->entries[i].address = address;
		self->entries[i].count++;
	}
	(void)pthread_mutex_unlock(&self->lock);
	return may;
}

/* Linear probing without tombstones: what follows a freed place moves up where it may. */
static void close_gap(struct addresses *self, size_t gap)
{
	for (size_t i = (gap + 1) & self->mask; self->entries[i].count != 0; i = (i + 1) & self->mask) {
		size_t home = place(self, self->entries[i].address);
		if (((i - home) & self->mask) < ((i - gap) & self->mask))
			continue;
		self->entries[gap] = self->entries[i];
		self->entries[i].count = 0;
		gap = i;
	}
}

void addresses_leave(struct addresses *self, struct address address)
{
	(void)pthread_mutex_lock(&self->lock);
	size_t i = place(self, address);
	while (self->entries[i].count != 0 && !same(self->entries[i].address, address))
		i = (i + 1) & self->mask;
	if (self->entries[i].count != 0 && --self->entries[i].count == 0)
		close_gap(self, i);
	(void)pthread_mutex_unlock(&self->lock);
}
