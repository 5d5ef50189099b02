/*
 * metrics_test.c - counters, gauges, histograms and health checks as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "daemon/health.h"
#include "daemon/metrics.h"
#include "support/suite.h"

enum { M_OK, M_BAD, M_DEPTH, M_TOOK, M_NUM };

static const struct metric_def defs[M_NUM] = {
	[M_OK] = { "nuc_done_total", METRIC_COUNTER, "result=\"ok\"", "Things done." },
	[M_BAD] = { "nuc_done_total", METRIC_COUNTER, "result=\"bad\"", "Things done." },
	[M_DEPTH] = { "nuc_depth", METRIC_GAUGE, NULL, "Waiting." },
	[M_TOOK] = { "nuc_took_seconds", METRIC_HISTOGRAM, NULL, "Time taken." },
};

START_TEST(exposition)
{
	OWN(metrics) m = NULL;
	OWN(buf) out = BUF_INIT(16 * 1024);
	const char *text;

	ck_ok(metrics_create(&m, defs, M_NUM));
	metrics_add(m, M_OK, 2);
	metrics_add(m, M_BAD, 1);
	metrics_set(m, M_DEPTH, 7);
	metrics_add(m, M_DEPTH, -3);
	metrics_observe_us(m, M_TOOK, 100);
	metrics_observe_us(m, M_TOOK, 101);
	metrics_observe_us(m, M_TOOK, 70000000);
	metrics_add(NULL, M_OK, 1);
	ck_assert_int_eq(metrics_get(m, M_TOOK), 3);
	ck_ok(metrics_write(m, &out));
	ck_ok(buf_str(&out, &text));
	ck_assert_ptr_nonnull(strstr(text, "# HELP nuc_done_total Things done.\n# TYPE nuc_done_total counter\n"
					   "nuc_done_total{result=\"ok\"} 2\nnuc_done_total{result=\"bad\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "# TYPE nuc_depth gauge\nnuc_depth 4\n"));
	ck_assert_ptr_nonnull(strstr(text, "nuc_took_seconds_bucket{le=\"0.0001\"} 1\n"
					   "nuc_took_seconds_bucket{le=\"0.00025\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text,
				     "nuc_took_seconds_bucket{le=\"60\"} 2\nnuc_took_seconds_bucket{le=\"+Inf\"} 3\n"
				     "nuc_took_seconds_sum 70.000201\nnuc_took_seconds_count 3\n"));
}
END_TEST

static void *add_many(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		metrics_add(arg, M_OK, 1);
		metrics_observe_us(arg, M_TOOK, 5);
	}
	return NULL;
}

START_TEST(threads_lose_nothing)
{
	OWN(metrics) m = NULL;
	pthread_t threads[4];

	ck_ok(metrics_create(&m, defs, M_NUM));
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, m), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_int_eq(metrics_get(m, M_OK), 80000);
	ck_assert_int_eq(metrics_get(m, M_TOOK), 80000);
}
END_TEST

static void keep_line(void *arg, const char *line)
{
	(void)line;
	++*(int *)arg;
}

START_TEST(health_begins_as_failed)
{
	OWN(health) h = NULL;
	OWN(buf) out = BUF_INIT(1000);
	const char *text;
	size_t db, bus;
	int lines = 0;

	log_set_sink(keep_line, &lines);
	ck_ok(health_create(&h));
	ck_ok(health_add(h, &db, "db"));
	ck_ok(health_add(h, &bus, "bus"));
	health_set(h, bus, true, NULL);
	ck_assert(!health_ok(h));
	ck_ok(health_write(h, &out));
	ck_ok(buf_str(&out, &text));
	ck_assert_str_eq(text, "failed db not checked yet\nok bus\n");
	health_set(h, db, true, "schema %d", 1);
	health_set(h, db, true, "schema %d", 1);
	ck_assert(health_ok(h));
	health_set(h, bus, false, "no answer for %d s", 3);
	ck_assert(!health_ok(h));
	buf_reset(&out);
	ck_ok(health_write(h, &out));
	ck_ok(buf_str(&out, &text));
	ck_assert_str_eq(text, "ok db schema 1\nfailed bus no answer for 3 s\n");
	log_set_sink(NULL, NULL);
	ck_assert_int_eq(lines, 3); /* each change once */
	for (size_t i = 2; i < HEALTH_CHECKS_MAX; i++)
		ck_ok(health_add(h, &db, "more"));
	ck_fails(health_add(h, &db, "too many"), ERR_BUG, "more than 32");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/daemon/metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_test(t, exposition);
	tcase_add_test(t, threads_lose_nothing);
	tcase_add_test(t, health_begins_as_failed);
	suite_add_tcase(s, t);
	return suite_main(s);
}
