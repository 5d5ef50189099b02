/*
 * metrics.h - counters, gauges and histograms of a daemon, as Prometheus text on the admin socket.
 *
 * A daemon lists its metrics once, as an array indexed by its own enum. Updates are atomic and may come from any
 * thread. Rows with the same name and other labels stand side by side in the array and share their help.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_METRICS_H
#define COMMON_DAEMON_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_def {
	const char *name; /* nuc_cad_issued_total; a histogram ends in _seconds */
	enum metric_kind kind;
	const char *labels; /* result="ok",issuer="rsa" or NULL */
	const char *help;
};

struct metrics;

/* metrics_create() makes the set; `defs` must outlive it. */
struct err *metrics_create(struct metrics **out, const struct metric_def *defs, size_t num_defs) ERR_MUST_USE;
void metrics_destroy(struct metrics **self);
OWN_TYPE(metrics, struct metrics *, metrics_destroy)

/* `id` is the row's index. metrics_add() counts up a counter or gauge (n may be negative for a gauge), metrics_set()
 * sets a gauge, metrics_observe_us() puts a duration in microseconds into a histogram with the fixed bounds
 * 100 µs .. 60 s (1-2.5-5 steps). A NULL set is allowed and ignored, so that cores can be tested without one. */
void metrics_add(struct metrics *self, size_t id, int64_t n);
void metrics_set(struct metrics *self, size_t id, int64_t value);
void metrics_observe_us(struct metrics *self, size_t id, int64_t us);

/* metrics_get() reads a counter or gauge, or the number of observations of a histogram. */
int64_t metrics_get(const struct metrics *self, size_t id);

/* metrics_write() appends the text exposition (version 0.0.4). */
struct err *metrics_write(const struct metrics *self, struct buf *out) ERR_MUST_USE;

#endif
