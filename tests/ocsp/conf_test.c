/*
 * conf_test.c - the settings of ocspd: config/ocspd.conf shows every key with its default; wrong ones are named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ocsp/conf.h"
#include "ocsp/metrics.h"
#include "support/suite.h"

START_TEST(test_sample)
{
	const char *source = getenv("NUC_SOURCE");
	char path[1024];
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text = "";

	ck_assert_ptr_nonnull(source);
	(void)snprintf(path, sizeof path, "%s/config/ocspd.conf", source);
	ck_ok(conf_sample_check(path, ocspd_conf_rows, OCSPD_CONF_ROWS, &problems));
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(problems.num == 0, "%s", text);
}
END_TEST

static void read_text(struct ocspd_conf *conf, const char *text, struct conf_problems *problems)
{
	char path[] = "/tmp/nuc-ocspd-conf-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	memset(conf, 0, sizeof *conf);
	ck_ok(conf_read(conf, ocspd_conf_rows, OCSPD_CONF_ROWS, path, problems));
	if (problems->num == 0)
		ocspd_conf_check(conf, problems);
	(void)unlink(path);
}

#define NEEDED                                                                                                         \
	"admin = { socket = \"/a\"; }; bus = { keys_dir = \"/k\"; name = \"ocspd\"; peers = \"/p\"; "                  \
	"events = \"ipc:///e\"; sign_ocsp = \"ipc:///s\"; }; db = { conninfo = \"dbname=nuc\"; };\n"

static const struct {
	const char *text, *problem;
} wrong[] = {
	{ NEEDED "answer = { responder_id = \"cert\"; };", "answer.responder_id" },
	{ NEEDED "answer = { never_issued = \"goodbye\"; };", "answer.never_issued" },
	{ NEEDED "ledger = { poll_ms = 3000; };", "ledger.stale_after_ms" },
	{ NEEDED "prepared = { stale_s = 100; }; answer = { next_update_s = 60; };", "prepared.stale_s" },
	{ NEEDED "sign = { batch = 65; };", "sign.batch" },
	{ NEEDED "http = { threads = 0; };", "http.threads" },
	{ NEEDED "http = { listens = [ \"x\" ]; };", "http.listens" },
	{ "admin = { socket = \"/a\"; };", "bus.sign_ocsp" },
};

START_TEST(test_wrong)
{
	struct ocspd_conf conf;
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text = "";

	read_text(&conf, wrong[_i].text, &problems);
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_uint_gt(problems.num, 0);
	ck_assert_msg(strstr(text, wrong[_i].problem) != NULL, "%s", text);
	conf_clear(&conf, ocspd_conf_rows, OCSPD_CONF_ROWS);
}
END_TEST

START_TEST(test_defaults)
{
	struct ocspd_conf conf;
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;

	read_text(&conf, NEEDED, &problems);
	ck_assert_uint_eq(problems.num, 0);
	ck_assert_uint_eq(conf.listen.num, 1);
	ck_assert_str_eq(conf.listen.items[0], "127.0.0.1:18080");
	ck_assert_int_eq(conf.next_update_s, 43200);
	ck_assert_str_eq(conf.never_issued, "revoked");
	ck_assert(conf.recheck_absent);
	conf_clear(&conf, ocspd_conf_rows, OCSPD_CONF_ROWS);
}
END_TEST

/* Every row of the metrics has a name, and no two rows are the same series. */
START_TEST(test_metric_rows)
{
	for (size_t i = 0; i < OCSP_METRICS; i++) {
		const struct metric_def *a = &ocsp_metric_defs[i];
		ck_assert_msg(a->name != NULL && a->help != NULL, "metric %zu has no name", i);
		for (size_t k = 0; k < i; k++) {
			const struct metric_def *b = &ocsp_metric_defs[k];
			bool same_labels =
				(a->labels == NULL && b->labels == NULL) ||
				(a->labels != NULL && b->labels != NULL && strcmp(a->labels, b->labels) == 0);
			ck_assert_msg(strcmp(a->name, b->name) != 0 || !same_labels, "%s stands twice", a->name);
		}
	}
	for (int i = 0; i < OCSP_COUNTERS; i++)
		ck_assert_ptr_nonnull(strstr(ocsp_metric_defs[OCSP_METRIC_COUNTERS + i].labels, ocsp_counter_names[i]));
	for (int i = 0; i < OCSP_MALFORMED_CAUSES; i++)
		ck_assert_ptr_nonnull(strstr(ocsp_metric_defs[OCSP_METRIC_MALFORMED + i].labels,
					     ocsp_malformed_word((enum ocsp_malformed)i)));
	for (int i = 0; i < HTTP_REFUSALS; i++)
		ck_assert_ptr_nonnull(
			strstr(ocsp_metric_defs[OCSP_METRIC_HTTP_REFUSED + i].labels, http_refusal_names[i]));
	for (int i = 0; i < OCSP_OUTCOMES; i++)
		ck_assert_ptr_nonnull(strstr(ocsp_metric_defs[OCSP_METRIC_ANSWERS + i * OCSP_WAYS].labels,
					     ocsp_outcome_word((enum ocsp_outcome)i)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/conf");
	TCase *t = tcase_create("conf");

	tcase_add_test(t, test_sample);
	tcase_add_loop_test(t, test_wrong, 0, COUNT_OF(wrong));
	tcase_add_test(t, test_defaults);
	tcase_add_test(t, test_metric_rows);
	suite_add_tcase(s, t);
	return suite_main(s);
}
