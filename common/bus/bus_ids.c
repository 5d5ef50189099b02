/*
 * bus_ids.c - request ids of one peer, bound to what was asked, and the answers kept for repeats. See bus_priv.h.
 *
 * Guarantees: as long as an id is remembered, it stands for one request (type and bytes), and that request is handled
 * once, unless its answer was an error to try again or the answer no longer fits into the memory of this peer.
 * Bounded: BUS_IDS_MAX ids and max_kept_bytes of answers; the oldest answered id makes room. One table a peer, so that
 * a flood of one peer forgets only its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus/bus_priv.h"

enum { BUCKETS = 8192 };

enum entry_state { ENTRY_WORKING, ENTRY_ANSWERED, ENTRY_OPEN };

struct entry {
	struct entry *chain; /* of the bucket */
	struct entry *older, *newer;
	uint8_t id[MSG_ID_BYTES];
	uint8_t digest[32];
	int64_t keep_until;
	enum entry_state state;
	uint16_t type;
	struct buf answer;
};

struct bus_ids {
	struct entry *buckets[BUCKETS];
	struct entry *oldest, *newest;
	size_t num;
	size_t kept_bytes, max_kept_bytes;
};

struct err *bus_ids_create(struct bus_ids **out, size_t max_kept_bytes)
{
	struct bus_ids *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "table of request ids");
	self->max_kept_bytes = max_kept_bytes;
	*out = self;
	return NULL;
}

static struct entry **bucket_of(struct bus_ids *self, const uint8_t id[MSG_ID_BYTES])
{
	uint64_t h;

	memcpy(&h, id, sizeof h);
	return &self->buckets[(h * 0x9e3779b97f4a7c15u) >> 51];
}

static struct entry *entry_find(struct bus_ids *self, const uint8_t id[MSG_ID_BYTES])
{
	for (struct entry *e = *bucket_of(self, id); e != NULL; e = e->chain)
		if (memcmp(e->id, id, MSG_ID_BYTES) == 0)
			return e;
	return NULL;
}

static void entry_drop_answer(struct bus_ids *self, struct entry *e)
{
	self->kept_bytes -= e->answer.len;
	buf_clear(&e->answer);
}

static void entry_remove(struct bus_ids *self, struct entry *e)
{
	struct entry **at = bucket_of(self, e->id);

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	*(e->older == NULL ? &self->oldest : &e->older->newer) = e->newer;
	*(e->newer == NULL ? &self->newest : &e->newer->older) = e->older;
	entry_drop_answer(self, e);
	free(e);
	self->num--;
}

void bus_ids_destroy(struct bus_ids **self)
{
	if (*self == NULL)
		return;
	while ((*self)->oldest != NULL)
		entry_remove(*self, (*self)->oldest);
	free(*self);
	*self = NULL;
}

/* Forgets what has expired at the old end, then, when the table is full, the oldest that is not being worked on. */
static bool make_room(struct bus_ids *self)
{
	int64_t now = clock_mono_ms();

	while (self->oldest != NULL && self->oldest->keep_until < now && self->oldest->state != ENTRY_WORKING)
		entry_remove(self, self->oldest);
	if (self->num < BUS_IDS_MAX)
		return true;
	for (struct entry *e = self->oldest; e != NULL; e = e->newer) {
		if (e->state != ENTRY_WORKING) {
			entry_remove(self, e);
			return true;
		}
	}
	return false;
}

static bool entry_add(struct bus_ids *self, const uint8_t id[MSG_ID_BYTES], const uint8_t digest[32],
		      int64_t keep_until)
{
	struct entry *e = make_room(self) ? calloc(1, sizeof *e) : NULL;

	if (e == NULL)
		return false;
	memcpy(e->id, id, MSG_ID_BYTES);
	memcpy(e->digest, digest, sizeof e->digest);
	e->keep_until = keep_until;
	e->answer.max = self->max_kept_bytes;
	struct entry **bucket = bucket_of(self, id);
	e->chain = *bucket;
	*bucket = e;
	e->older = self->newest;
	*(self->newest == NULL ? &self->oldest : &self->newest->newer) = e;
	self->newest = e;
	self->num++;
	return true;
}

enum bus_id_state bus_ids_take(struct bus_ids *self, uint16_t *out_type, struct slice *out_body,
			       const uint8_t id[MSG_ID_BYTES], const uint8_t digest[32], int64_t keep_until)
{
	struct entry *e = entry_find(self, id);

	if (e == NULL)
		return entry_add(self, id, digest, keep_until) ? BUS_ID_NEW : BUS_ID_FULL;
	if (memcmp(e->digest, digest, sizeof e->digest) != 0)
		return BUS_ID_OTHER_BODY;
	if (e->state == ENTRY_WORKING)
		return BUS_ID_WORKING;
	if (e->state == ENTRY_OPEN) {
		e->state = ENTRY_WORKING;
		return BUS_ID_NEW;
	}
	*out_type = e->type;
	*out_body = buf_slice(&e->answer);
	return BUS_ID_ANSWERED;
}

void bus_ids_answered(struct bus_ids *self, const uint8_t id[MSG_ID_BYTES], uint16_t type, struct slice body)
{
	struct entry *e = entry_find(self, id);

	if (e == NULL)
		return;
	e->state = ENTRY_OPEN;
	if (body.len > self->max_kept_bytes / 2)
		return;
	for (struct entry *old = self->oldest; old != NULL && self->kept_bytes + body.len > self->max_kept_bytes;
	     old = old->newer) {
		if (old->state == ENTRY_ANSWERED) {
			entry_drop_answer(self, old);
			old->state = ENTRY_OPEN;
		}
	}
	struct err *failed = buf_set(&e->answer, body);
	if (failed != NULL) { /* without memory for it the answer is not kept; a repeat is handled again */
		err_destroy(&failed);
		return;
	}
	self->kept_bytes += body.len;
	e->state = ENTRY_ANSWERED;
	e->type = type;
}

void bus_ids_forget(struct bus_ids *self, const uint8_t id[MSG_ID_BYTES])
{
	struct entry *e = entry_find(self, id);

	if (e != NULL)
		e->state = ENTRY_OPEN;
}
