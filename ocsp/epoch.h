/*
 * epoch.h - readers without locks: what they may still be looking at is freed only when none can.
 *
 * Each reading thread has a slot in which it announces the epoch it began in; a writer that has taken something out of
 * sight retires it with the epoch that follows, and frees it when every slot is empty or announces that epoch or a
 * later one. Entering costs one store with a fence, leaving one store. One writer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_EPOCH_H
#define OCSP_EPOCH_H

#include <stdatomic.h>

#include "base/buf.h"

enum { EPOCH_MAX_READERS = 65 }; /* 64 HTTP threads and the main thread */

struct epoch_reader {
	_Alignas(64) atomic_uint_least64_t since; /* 0: not reading */
};

struct epoch_retired;

struct epoch {
	_Alignas(64) atomic_uint_least64_t now; /* from 1 */
	struct epoch_reader readers[EPOCH_MAX_READERS];
	struct epoch_retired *retired; /* the writer's */
};

void epoch_init(struct epoch *self);
/* epoch_clear() frees what is retired; no reader may be left. */
void epoch_clear(struct epoch *self);

static inline void epoch_enter(struct epoch *self, unsigned reader)
{
	atomic_store(&self->readers[reader].since, atomic_load(&self->now));
}
static inline void epoch_leave(struct epoch *self, unsigned reader)
{
	atomic_store_explicit(&self->readers[reader].since, 0, memory_order_release);
}

/* epoch_retire() takes over a pointer that no new reader can find any more; fn frees it later. When there is no memory
 * to remember it, it is kept for ever. */
void epoch_retire(struct epoch *self, void *p, void (*fn)(void *));
/* epoch_collect() frees what no reader can hold; cheap when there is nothing. */
void epoch_collect(struct epoch *self);

#endif
