/*
 * epoch.c - reclaiming behind readers that take no lock. See epoch.h.
 *
 * The announcing store, the reader's later load of a pointer, the writer's store of that pointer and its look at the
 * slots are all sequentially consistent: either the writer sees the announcement, or the reader sees the new pointer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/epoch.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct epoch_retired {
	struct epoch_retired *next;
	uint64_t since; /* readers of this epoch or later cannot hold it */
	void *p;
	void (*fn)(void *);
};

void epoch_init(struct epoch *self)
{
	memset(self, 0, sizeof *self);
	atomic_init(&self->now, 1);
}

void epoch_retire(struct epoch *self, void *p, void (*fn)(void *))
{
	struct epoch_retired *r = malloc(sizeof *r);
	uint64_t since = atomic_fetch_add(&self->now, 1) + 1;

	if (r == NULL) {
		log_warn(NULL, "epoch_retire_lost", NULL);
		return;
	}
	*r = (struct epoch_retired){ self->retired, since, p, fn };
	self->retired = r;
}

static uint64_t oldest_reader(struct epoch *self)
{
	uint64_t oldest = UINT64_MAX;

	for (unsigned i = 0; i < EPOCH_MAX_READERS; i++) {
		uint64_t since = atomic_load(&self->readers[i].since);
		if (since != 0 && since < oldest)
			oldest = since;
	}
	return oldest;
}

void epoch_collect(struct epoch *self)
{
	struct epoch_retired **at = &self->retired;

	if (self->retired == NULL)
		return;
	uint64_t oldest = oldest_reader(self);
	while (*at != NULL) {
		struct epoch_retired *r = *at;
		if (r->since > oldest) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		r->fn(r->p);
		free(r);
	}
}

void epoch_clear(struct epoch *self)
{
	while (self->retired != NULL) {
		struct epoch_retired *r = self->retired;
		self->retired = r->next;
		r->fn(r->p);
		free(r);
	}
}
