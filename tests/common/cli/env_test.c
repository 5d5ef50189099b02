/*
 * env_test.c - the home, its variables, and whole files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files.h"
#include "support/suite.h"

static char folder[64];

static void setup(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/nuc-env.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	(void)unsetenv("NUC_HOME");
	(void)unsetenv("NUC_RA_URL");
	(void)unsetenv("NUC_TLS_CA");
}

static void teardown(void)
{
	char command[128];

	(void)chdir("/");
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void write_env(const char *home, const char *text)
{
	char path[128];

	(void)mkdir(home, 0700);
	(void)snprintf(path, sizeof path, "%s/env", home);
	ck_ok(file_write(path, SLICE_STR(text), 0600, true));
}

START_TEST(forms_of_a_line)
{
	OWN(env) env = { 0 };

	write_env("run", "# comment\n\nNUC_RA_URL=https://localhost:18082\nexport NUC_TLS_CA='/a b/ca.pem'\n  "
			 "PGHOST=\"/x y\"  \nNUC_EMPTY=\n");
	ck_ok(env_load(&env, NULL));
	ck_assert_str_eq(env.home, "run");
	ck_assert_str_eq(env_get(&env, "NUC_RA_URL"), "https://localhost:18082");
	ck_assert_str_eq(env_get(&env, "NUC_TLS_CA"), "/a b/ca.pem");
	ck_assert_ptr_null(env_get(&env, "NUC_EMPTY"));
	ck_assert_ptr_null(env_get(&env, "NUC_NOTHING"));
}
END_TEST

static const struct {
	const char *text, *error;
} bad[] = {
	{ "A=1\nB\n", "run/env line 2: not of the form NAME=value" },
	{ "A B=1\n", "line 1: not a variable's name" },
	{ "A=$(rm -rf x)\n", "line 1: A: the value needs 'quotes'" },
	{ "A=\"$HOME\"\n", "line 1: A: the value needs 'quotes'" },
	{ "A='x\n", "line 1: A: the value needs 'quotes'" },
	{ "A=x y\n", "line 1: A: the value needs 'quotes'" },
};

START_TEST(what_a_shell_would_run_is_refused)
{
	OWN(env) env = { 0 };

	write_env("run", bad[_i].text);
	ck_fails(env_load(&env, NULL), ERR_CONFIG, bad[_i].error);
}
END_TEST

START_TEST(process_environment_wins_unless_a_home_is_named)
{
	OWN(env) plain = { 0 };
	OWN(env) named = { 0 };

	write_env("run", "NUC_RA_URL=https://file\n");
	(void)setenv("NUC_RA_URL", "https://process", 1);
	ck_ok(env_load(&plain, NULL));
	ck_assert_str_eq(env_get(&plain, "NUC_RA_URL"), "https://process");
	ck_ok(env_load(&named, "run"));
	ck_assert_str_eq(env_get(&named, "NUC_RA_URL"), "https://file");
	(void)unsetenv("NUC_RA_URL");
}
END_TEST

START_TEST(missing_home_and_missing_variable)
{
	OWN(env) env = { 0 };
	const char *value;
	char path[64];

	ck_fails(env_load(&env, "nowhere"), ERR_NOT_FOUND, "nowhere is no folder");
	ck_ok(env_load(&env, NULL));
	ck_fails(env_need(&env, &value, "NUC_RA_URL"), ERR_CONFIG,
		 "NUC_RA_URL is not set; name the installation's folder");
	ck_fails(env_path(&env, path, sizeof path, "x"), ERR_CONFIG, "no home is known");
}
END_TEST

START_TEST(files_are_whole_limited_and_not_overwritten)
{
	OWN(buf) small = BUF_INIT(4);
	OWN(buf) exact = BUF_INIT(5);
	struct stat st;

	ck_ok(file_write("f", SLICE_STR("12345"), 0600, false));
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_fails(file_write("f", SLICE_STR("x"), 0600, false), ERR_CONFLICT, "f exists already");
	ck_ok(file_read(&exact, "f", "file"));
	ck_assert(slice_equal(buf_slice(&exact), SLICE_STR("12345")));
	ck_fails(file_read(&small, "f", "file"), ERR_TOO_LARGE, "f is larger than 4 bytes");
	ck_fails(file_read(&exact, "g", "file"), ERR_NOT_FOUND, "there is no file g");
	ck_ok(file_write("f", SLICE_STR("x"), 0644, true));
	ck_fails(file_write("no/f", SLICE_STR("x"), 0644, true), ERR_SYSTEM, "cannot be made");
	ck_assert_int_eq(system("test \"$(ls)\" = f"), 0); /* no temporary file is left */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/env");
	TCase *t = tcase_create("env");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, forms_of_a_line);
	tcase_add_loop_test(t, what_a_shell_would_run_is_refused, 0, COUNT_OF(bad));
	tcase_add_test(t, process_environment_wins_unless_a_home_is_named);
	tcase_add_test(t, missing_home_and_missing_variable);
	tcase_add_test(t, files_are_whole_limited_and_not_overwritten);
	suite_add_tcase(s, t);
	return suite_main(s);
}
