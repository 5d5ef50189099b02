/*
 * conf_test.c - settings of the signer: the samples show the table, and what rows cannot say is checked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

static const char *source(const char *name)
{
	static char path[512];
	const char *top = getenv("NUC_SOURCE");

	(void)snprintf(path, sizeof path, "%s/config/%s", top == NULL ? "." : top, name);
	return path;
}

static const char *const samples[] = { "signd-ca.conf", "signd-ocsp.conf" };

START_TEST(samples_show_every_key)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text = "";

	ck_ok(conf_sample_check(source(samples[_i]), signd_conf_rows, signd_num_conf_rows, &problems));
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(problems.num == 0, "%s", text);
}
END_TEST

START_TEST(samples_are_right)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	struct signd_conf conf = { 0 };
	const char *text = "";

	ck_ok(conf_read(&conf, signd_conf_rows, signd_num_conf_rows, source(samples[_i]), &problems));
	signd_conf_check(&conf, &problems);
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(problems.num == 0, "%s", text);
	ck_assert_int_eq(signd_is_ca(&conf), _i == 0);
	conf_clear(&conf, signd_conf_rows, signd_num_conf_rows);
}
END_TEST

static const struct {
	const char *tier, *issuer, *policy, *pins[3], *journal_key, *mistake;
} rows[] = {
	{ "root", "rsa", "p", { NULL }, "k", "\"root\" is neither ca nor ocsp" },
	{ "ca", "rsa", "", { NULL }, "", "the tier ca needs a Policy" },
	{ "ca", "rsa", "p", { "11" }, "", "two administrators sign the first Policy, 1 are named" },
	{ "ca", "rsa", "p", { "zz", "11" }, "", "\"zz\" is not a SHA-256 in hexadecimal" },
	{ "ca", "seventeen-letters", "p", { NULL }, "", "\"seventeen-letters\": 1 to 16 letters" },
	{ "ocsp", "rsa", "", { NULL }, "", "the tier ocsp needs the other tier's public key" },
};

START_TEST(mistakes_are_named)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	struct signd_conf conf = { 0 };
	char path[] = "/tmp/nuc-signd-conf-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	const char *text = "";

	ck_assert_ptr_nonnull(f);
	(void)fprintf(f,
		      "admin = { socket = \"s\"; };\nbus = { keys_dir = \"k\"; name = \"x\"; peers = \"p\"; listen = "
		      "\"ipc:///x\"; };\n"
		      "signer = { tier = \"%s\"; issuers = [ \"%s\" ]; ca_dir = \"c\"; keys_dir = \"k\"; journal = "
		      "\"j\"; policy = \"%s\"; "
		      "journal_key = \"%s\"; administrators = [ ",
		      rows[_i].tier, rows[_i].issuer, rows[_i].policy, rows[_i].journal_key);
	for (int i = 0; i < 3 && rows[_i].pins[i] != NULL; i++)
		(void)fprintf(f, "%s\"%s\"", i == 0 ? "" : ", ", rows[_i].pins[i]);
	(void)fputs(" ]; };\n", f);
	ck_assert_int_eq(fclose(f), 0);
	ck_ok(conf_read(&conf, signd_conf_rows, signd_num_conf_rows, path, &problems));
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(problems.num == 0, "%s", text);
	signd_conf_check(&conf, &problems);
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(strstr(text, rows[_i].mistake) != NULL, "\"%s\" not in: %s", rows[_i].mistake, text);
	conf_clear(&conf, signd_conf_rows, signd_num_conf_rows);
	ck_assert_int_eq(remove(path), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/conf");
	TCase *t = tcase_create("conf");

	tcase_add_loop_test(t, samples_show_every_key, 0, COUNT_OF(samples));
	tcase_add_loop_test(t, samples_are_right, 0, COUNT_OF(samples));
	tcase_add_loop_test(t, mistakes_are_named, 0, COUNT_OF(rows));
	suite_add_tcase(s, t);
	return suite_main(s);
}
