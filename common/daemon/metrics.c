/*
 * metrics.c - atomic counters, gauges and histograms with a Prometheus text exposition. See metrics.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Upper bounds in microseconds; the last bucket is +Inf. */
static const int64_t bounds_us[] = { 100,    250,    500,    1000,    2500,    5000,	10000,	  25000,    50000,
				     100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000 };
static const char *const bounds_text[] = { "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005",
					   "0.01",   "0.025",	"0.05",	  "0.1",   "0.25",   "0.5",
					   "1",	     "2.5",	"5",	  "10",	   "30",     "60" };
enum { NUM_BOUNDS = sizeof bounds_us / sizeof bounds_us[0] };
_Static_assert(NUM_BOUNDS == sizeof bounds_text / sizeof bounds_text[0], "each bound has its text");

struct histogram {
	_Atomic int64_t buckets[NUM_BOUNDS + 1];
	_Atomic int64_t sum_us;
};

struct metric {
	_Atomic int64_t value; /* of a histogram: observations */
	struct histogram *histogram;
};

struct metrics {
	const struct metric_def *defs;
	size_t num;
	struct metric *items;
};

struct err *metrics_create(struct metrics **out, const struct metric_def *defs, size_t num_defs)
{
	OWN(metrics) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "metrics");
	self->defs = defs;
	self->items = calloc(num_defs + 1, sizeof *self->items);
	ENSURE(self->items != NULL, NO_MEMORY, "%zu metrics", num_defs);
	self->num = num_defs;
	for (size_t i = 0; i < num_defs; i++) {
		if (defs[i].kind != METRIC_HISTOGRAM)
			continue;
		self->items[i].histogram = calloc(1, sizeof(struct histogram));
		ENSURE(self->items[i].histogram != NULL, NO_MEMORY, "%zu metrics", num_defs);
	}
	*out = TAKE(self);
	return NULL;
}

void metrics_destroy(struct metrics **self)
{
	if (*self == NULL)
		return;
	for (size_t i = 0; i < (*self)->num; i++)
		free((*self)->items[i].histogram);
	free((*self)->items);
	free(*self);
	*self = NULL;
}

static struct metric *item(const struct metrics *self, size_t id)
{
	if (id >= self->num)
		panic("metric %zu is not in the table of %zu", id, self->num);
	return &self->items[id];
}

void metrics_add(struct metrics *self, size_t id, int64_t n)
{
	if (self != NULL)
		atomic_fetch_add_explicit(&item(self, id)->value, n, memory_order_relaxed);
}

void metrics_set(struct metrics *self, size_t id, int64_t value)
{
	if (self != NULL)
		atomic_store_explicit(&item(self, id)->value, value, memory_order_relaxed);
}

void metrics_observe_us(struct metrics *self, size_t id, int64_t us)
{
	size_t bucket = 0;

	if (self == NULL)
		return;
	struct metric *m = item(self, id);
	if (m->histogram == NULL)
		panic("metric %s is no histogram", self->defs[id].name);
	while (bucket < NUM_BOUNDS && us > bounds_us[bucket])
		bucket++;
	atomic_fetch_add_explicit(&m->histogram->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->histogram->sum_us, us, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->value, 1, memory_order_relaxed);
}

int64_t metrics_get(const struct metrics *self, size_t id)
{
	return atomic_load_explicit(&item(self, id)->value, memory_order_relaxed);
}

static const char *kind_word(enum metric_kind kind)
{
	switch (kind) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_HISTOGRAM:
		break;
	}
	return "histogram";
}

static struct err *write_histogram(const struct metric_def *def, const struct metric *m, struct buf *out)
{
	const char *labels = def->labels == NULL ? "" : def->labels;
	const char *comma = labels[0] == '\0' ? "" : ",";
	int64_t count = 0;

	for (size_t i = 0; i <= NUM_BOUNDS; i++) {
		count += atomic_load_explicit(&m->histogram->buckets[i], memory_order_relaxed);
		TRY(buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", def->name, labels, comma,
			       i < NUM_BOUNDS ? bounds_text[i] : "+Inf", count));
	}
	const char *open = labels[0] == '\0' ? "" : "{";
	const char *close = labels[0] == '\0' ? "" : "}";
	int64_t sum_us = atomic_load_explicit(&m->histogram->sum_us, memory_order_relaxed);
	TRY(buf_printf(out, "%s_sum%s%s%s %" PRId64 ".%06d\n", def->name, open, labels, close, sum_us / 1000000,
		       (int)(sum_us % 1000000)));
	return buf_printf(out, "%s_count%s%s%s %" PRId64 "\n", def->name, open, labels, close, count);
}

struct err *metrics_write(const struct metrics *self, struct buf *out)
{
	for (size_t i = 0; i < self->num; i++) {
		const struct metric_def *def = &self->defs[i];
		bool is_first = i == 0 || strcmp(def->name, self->defs[i - 1].name) != 0;

		if (is_first)
			TRY(buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", def->name, def->help, def->name,
				       kind_word(def->kind)));
		if (def->kind == METRIC_HISTOGRAM)
			TRY(write_histogram(def, &self->items[i], out));
		else if (def->labels != NULL)
			TRY(buf_printf(out, "%s{%s} %" PRId64 "\n", def->name, def->labels, metrics_get(self, i)));
		else
			TRY(buf_printf(out, "%s %" PRId64 "\n", def->name, metrics_get(self, i)));
	}
	return NULL;
}
