/*
 * conf_test.c - config/cad.conf shows every setting with its default, and contradictions are found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/issue/conf.h"
#include "support/suite.h"

static const char *source_file(const char *name)
{
	static char path[4096];
	const char *source = getenv("NUC_SOURCE");

	(void)snprintf(path, sizeof path, "%s/%s", source != NULL ? source : ".", name);
	return path;
}

START_TEST(the_sample_is_the_table)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text;

	ck_ok(conf_sample_check(source_file("config/cad.conf"), cad_conf_rows, CAD_CONF_ROWS, &problems));
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_str_eq(text, "");
}
END_TEST

static struct cad_conf right = {
	.lease_ms = 30000, .sign_timeout_ms = 10000, .retry_ms = 200, .retry_max_ms = 60000, .profiles = (char[]){ "" }
};

static const char *mistakes(const struct cad_conf *conf)
{
	static char out[4000];
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text;

	cad_conf_check(conf, &problems);
	ck_ok(buf_str(&problems.text, &text));
	(void)snprintf(out, sizeof out, "%s", text);
	return out;
}

START_TEST(times_that_contradict_each_other)
{
	struct cad_conf c = right;

	ck_assert_str_eq(mistakes(&c), "");
	c.lease_ms = 10000;
	c.retry_max_ms = 100;
	ck_assert_str_eq(mistakes(&c), "issue.lease_ms: must be longer than issue.sign_timeout_ms (10000)\n"
				       "issue.retry_max_ms: must not be shorter than issue.retry_ms (200)\n");
}
END_TEST

START_TEST(profiles_are_checked_with_every_mistake)
{
	struct cad_conf c = right;
	char path[] = "/tmp/nuc-profiles-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "issuers = ( { name = \"rsa\"; colour = 1; } );\nkinds = 3;\n";

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	c.profiles = path;
	const char *found = mistakes(&c);
	ck_assert_ptr_nonnull(strstr(found, "colour"));
	ck_assert_ptr_nonnull(strstr(found, "kinds"));
	unlink(path);
	c.profiles = (char[]){ "/nonexistent" };
	ck_assert_ptr_nonnull(strstr(mistakes(&c), "profiles: /nonexistent: No such file"));
	char good[4096];
	(void)snprintf(good, sizeof good, "%s", source_file("config/profiles.conf"));
	c.profiles = good;
	ck_assert_str_eq(mistakes(&c), "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/issue/conf");
	TCase *t = tcase_create("conf");

	tcase_add_test(t, the_sample_is_the_table);
	tcase_add_test(t, times_that_contradict_each_other);
	tcase_add_test(t, profiles_are_checked_with_every_mistake);
	suite_add_tcase(s, t);
	return suite_main(s);
}
