/*
 * set.c - the fold of accepted orders. See set.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/set.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 100000000 };

struct items {
	struct crl_item *p;
	size_t num, cap;
};

struct crl_set {
	struct items main, batch;
	int64_t order_seq, changed_seq, urgent_seq;
};

struct err *crl_set_create(struct crl_set **out)
{
	struct crl_set *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "a set of orders");
	*out = self;
	return NULL;
}

void crl_set_clear(struct crl_set *self)
{
	free(self->main.p);
	free(self->batch.p);
	memset(self, 0, sizeof *self);
}

void crl_set_destroy(struct crl_set **self)
{
	if (*self == NULL)
		return;
	crl_set_clear(*self);
	free(*self);
	*self = NULL;
}

static struct err *items_reserve(struct items *items, size_t num)
{
	ENSURE(num <= ITEMS_MAX, TOO_LARGE, "more than %d orders", ITEMS_MAX);
	if (num <= items->cap)
		return NULL;
	size_t cap = items->cap < 1024 ? 1024 : items->cap + items->cap / 2;
	if (cap < num)
		cap = num;
	struct crl_item *p = realloc(items->p, cap * sizeof *p);
	ENSURE(p != NULL, NO_MEMORY, "%zu orders", cap);
	items->p = p;
	items->cap = cap;
	return NULL;
}

struct err *crl_set_add(struct crl_set *self, const struct crl_item *item)
{
	TRY(items_reserve(&self->batch, self->batch.num + 1));
	self->batch.p[self->batch.num++] = *item;
	return NULL;
}

void crl_set_rollback(struct crl_set *self)
{
	self->batch.num = 0;
}

static int by_serial_and_seq(const void *a, const void *b)
{
	const struct crl_item *x = a, *y = b;
	int order = serial_compare(&x->serial, &y->serial);

	return order != 0 ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Sorts the batch and keeps the last order of each serial. */
static void batch_fold(struct items *batch)
{
	size_t kept = 0;

	if (batch->num > 1)
		qsort(batch->p, batch->num, sizeof *batch->p, by_serial_and_seq);
	for (size_t i = 0; i < batch->num; i++) {
		if (kept > 0 && serial_equal(&batch->p[kept - 1].serial, &batch->p[i].serial))
			kept--;
		batch->p[kept++] = batch->p[i];
	}
	batch->num = kept;
}

/* Merges two sorted arrays; of the same serial the higher number stays. `out` has room for both. */
static size_t merge(struct crl_item *out, const struct items *a, const struct items *b)
{
	size_t i = 0, k = 0, num = 0;

	while (i < a->num && k < b->num) {
		int order = serial_compare(&a->p[i].serial, &b->p[k].serial);

		if (order == 0) {
			out[num++] = a->p[i].seq > b->p[k].seq ? a->p[i] : b->p[k];
			i++;
			k++;
		} else {
			out[num++] = order < 0 ? a->p[i++] : b->p[k++];
		}
	}
	if (i < a->num)
		memcpy(out + num, a->p + i, (a->num - i) * sizeof *out);
	num += a->num - i;
	if (k < b->num)
		memcpy(out + num, b->p + k, (b->num - k) * sizeof *out);
	return num + b->num - k;
}

static void note_seqs(struct crl_set *self)
{
	for (size_t i = 0; i < self->batch.num; i++) {
		const struct crl_item *item = &self->batch.p[i];

		if (item->seq > self->changed_seq)
			self->changed_seq = item->seq;
		if (item->action == CRL_REVOKE && item->reason == CRL_CODE_KEY_COMPROMISE &&
		    item->seq > self->urgent_seq)
			self->urgent_seq = item->seq;
	}
}

struct err *crl_set_commit(struct crl_set *self, int64_t order_seq)
{
	struct items merged = { .num = 0 };

	batch_fold(&self->batch);
	if (self->main.num == 0 && self->batch.num > 0) {
		/* The first reading: nothing to merge with, no copy. */
		note_seqs(self);
		free(self->main.p);
		self->main = self->batch;
		self->batch = (struct items){ .num = 0 };
	} else if (self->batch.num > 0) {
		TRY(items_reserve(&merged, self->main.num + self->batch.num));
		merged.num = merge(merged.p, &self->main, &self->batch);
		note_seqs(self);
		free(self->main.p);
		self->main = merged;
	}
	free(self->batch.p);
	self->batch = (struct items){ .num = 0 };
	self->order_seq = order_seq;
	return NULL;
}

void crl_set_prune(struct crl_set *self, int64_t not_after_before)
{
	size_t kept = 0;

	for (size_t i = 0; i < self->main.num; i++)
		if (self->main.p[i].not_after_at >= not_after_before)
			self->main.p[kept++] = self->main.p[i];
	self->main.num = kept;
}

const struct crl_item *crl_set_items(const struct crl_set *self, size_t *out_num)
{
	*out_num = self->main.num;
	return self->main.p;
}

const struct crl_item *crl_set_find(const struct crl_set *self, const struct serial *serial)
{
	size_t low = 0, high = self->main.num;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = serial_compare(&self->main.p[mid].serial, serial);

		if (order == 0)
			return &self->main.p[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

int64_t crl_set_order_seq(const struct crl_set *self)
{
	return self->order_seq;
}

int64_t crl_set_changed_seq(const struct crl_set *self)
{
	return self->changed_seq;
}

int64_t crl_set_urgent_seq(const struct crl_set *self)
{
	return self->urgent_seq;
}
