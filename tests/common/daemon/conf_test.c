/*
 * conf_test.c - the table-driven configuration reader: values, defaults, every mistake with its line, reload, samples.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf.h"
#include "support/suite.h"

struct conf {
	int64_t batch;
	int64_t big;
	bool is_fast;
	char *name;
	char *key;
	struct conf_strings hosts;
};

static const struct conf_row rows[] = {
	CONF_STRING(struct conf, name, "name", "demo", 1, 8, CONF_RELOADABLE, "what it is called"),
	CONF_INT64(struct conf, batch, "issue.batch", "100", 1, 1000, CONF_RELOADABLE, "requests claimed at once"),
	CONF_INT64(struct conf, big, "issue.big", "5000000000", 0, INT64_MAX, 0, "bytes"),
	CONF_BOOL(struct conf, is_fast, "issue.fast", "true", 0, "whether it hurries"),
	CONF_STRING(struct conf, key, "keys.file", "/etc/key", 1, 100, CONF_REQUIRED | CONF_SECRET, "file of the key"),
	CONF_STRING_LIST(struct conf, hosts, "keys.hosts", "a, b", 0, 3, 0, "host names"),
};
enum { NUM = sizeof rows / sizeof rows[0] };

static char file[64];

static void write_file(const char *text)
{
	(void)snprintf(file, sizeof file, "/tmp/nuc-conf-XXXXXX");
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Reads the text as a file and gives the mistakes with the file's name cut off. */
static const char *mistakes(const char *text, size_t *out_num)
{
	static char out[2000];
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	struct conf c = { 0 };
	const char *at;

	write_file(text);
	ck_ok(conf_read(&c, rows, NUM, file, &problems));
	unlink(file);
	conf_clear(&c, rows, NUM);
	ck_ok(buf_str(&problems.text, &at));
	out[0] = '\0';
	for (size_t used = 0; *at != '\0'; at += strcspn(at, "\n") + 1) {
		const char *line = strncmp(at, file, strlen(file)) == 0 ? at + strlen(file) : at;
		used += (size_t)snprintf(out + used, sizeof out - used, "%.*s\n", (int)strcspn(line, "\n"), line);
	}
	*out_num = problems.num;
	return out;
}

START_TEST(values_and_defaults)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	struct conf c = { 0 };

	write_file("issue: { batch = 7; }; keys: { file = \"/k\"; hosts = [ \"x\" ]; };");
	ck_ok(conf_read(&c, rows, NUM, file, &problems));
	unlink(file);
	ck_assert_uint_eq(problems.num, 0);
	ck_assert_int_eq(c.batch, 7);
	ck_assert_int_eq(c.big, 5000000000);
	ck_assert(c.is_fast);
	ck_assert_str_eq(c.name, "demo");
	ck_assert_str_eq(c.key, "/k");
	ck_assert_uint_eq(c.hosts.num, 1);
	ck_assert_str_eq(c.hosts.items[0], "x");
	ck_assert_ptr_null(c.hosts.items[1]);
	conf_clear(&c, rows, NUM);
	ck_assert_ptr_null(c.key);
	ck_assert_uint_eq(c.hosts.num, 0);
}
END_TEST

static const struct {
	const char *text, *expected;
	size_t num;
} mistake_cases[] = {
	{ "keys: { file = \"k\"; };", "", 0 },
	{ "", ": keys.file: is required (file of the key)\n", 1 },
	{ "issue:\n{ batch = 0;\nfast = 1;\nbig = \"x\"; };\nname = \"\";\n",
	  ":5: name: must not be empty\n:2: issue.batch: must be 1 to 1000, is 0\n:4: issue.big: must be a whole "
	  "number\n"
	  ":3: issue.fast: must be true or false\n: keys.file: is required (file of the key)\n",
	  5 },
	{ "keys: { file = \"k\";\n fiel = 1;\n};\nisue: { };\nissue = 3;",
	  ":2: keys.fiel: no such setting\n:4: isue: no such setting\n:5: issue: is a group of settings: issue: { ... "
	  "};\n",
	  3 },
	{ "keys: { file = 3; hosts = \"a\"; };\nname = \"nine char\";",
	  ":2: name: must have 1 to 8 octets, has 9\n:1: keys.file: must be a text in quotes\n"
	  ":1: keys.hosts: must be a list of texts: [ \"...\", \"...\" ]\n",
	  3 },
	{ "keys: { file = \"k\"; hosts = ( \"a\", 1, \"b\", \"c\" ); };",
	  ":1: keys.hosts: must have 0 to 3 items, has 4\n:1: keys.hosts: item 2 must be a text in quotes\n", 2 },
	{ "keys: { file = \"k\"; }; issue: { big = -1L; };", ":1: issue.big: must be 0 to 9223372036854775807, is -1\n",
	  1 },
};

START_TEST(every_mistake_is_listed)
{
	size_t num;
	const char *text = mistakes(mistake_cases[_i].text, &num);

	ck_assert_str_eq(text, mistake_cases[_i].expected);
	ck_assert_uint_eq(num, mistake_cases[_i].num);
}
END_TEST

START_TEST(what_is_no_configuration_file)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	struct conf c = { 0 };

	ck_fails(conf_read(&c, rows, NUM, "/nonexistent.conf", &problems), ERR_CONFIG,
		 "/nonexistent.conf: cannot be read");
	write_file("a = 1;\nb = ;\n");
	ck_fails(conf_read(&c, rows, NUM, file, &problems), ERR_CONFIG, ":2: syntax error");
	unlink(file);
	write_file("name = \"a\";\nname = \"b\";\n");
	ck_fails(conf_read(&c, rows, NUM, file, &problems), ERR_CONFIG, "duplicate setting name");
	unlink(file);
	conf_clear(&c, rows, NUM);
}
END_TEST

static void read_into(struct conf *c, const char *text)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;

	write_file(text);
	ck_ok(conf_read(c, rows, NUM, file, &problems));
	unlink(file);
	ck_assert_uint_eq(problems.num, 0);
}

START_TEST(reload_takes_only_what_may_change)
{
	struct conf c = { 0 }, fresh = { 0 };
	OWN(buf) out = BUF_INIT(1000);
	const char *text;

	read_into(&c, "name = \"old\"; keys: { file = \"k\"; };");
	read_into(&fresh, "name = \"new\"; issue: { batch = 5; fast = false; }; keys: { file = \"k2\"; hosts = [\"a\", "
			  "\"c\"]; };");
	ck_ok(conf_reload(&c, &fresh, rows, NUM, &out));
	conf_clear(&fresh, rows, NUM);
	ck_ok(buf_str(&out, &text));
	ck_assert_str_eq(text, "name: reloaded\nissue.batch: reloaded\nissue.fast: needs a restart\n"
			       "keys.file: needs a restart\nkeys.hosts: needs a restart\n");
	ck_assert_str_eq(c.name, "new");
	ck_assert_int_eq(c.batch, 5);
	ck_assert(c.is_fast);
	ck_assert_str_eq(c.key, "k");
	conf_clear(&c, rows, NUM);
}
END_TEST

START_TEST(the_sample_is_the_table)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	OWN(buf) out = BUF_INIT(4000);
	const char *text;

	ck_ok(conf_sample(&out, rows, NUM));
	ck_ok(buf_str(&out, &text));
	ck_assert_ptr_nonnull(strstr(text, "\t# requests claimed at once (1 to 1000) [reloadable]\n\tbatch = 100;\n"));
	ck_assert_ptr_nonnull(strstr(text, "\tbig = 5000000000L;\n"));
	ck_assert_ptr_nonnull(strstr(text, "\t# file of the key [required]\n\tfile = \"/etc/key\";\n"));
	ck_assert_ptr_nonnull(strstr(text, "\thosts = [ \"a\", \"b\" ];\n"));
	write_file(text);
	ck_ok(conf_sample_check(file, rows, NUM, &problems));
	unlink(file);
	ck_assert_uint_eq(problems.num, 0);
}
END_TEST

START_TEST(a_sample_that_lags_behind_is_found)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text;

	write_file("name = \"other\"; issue: { batch = 100; big = 5000000000L; }; keys: { file = \"/k\"; hosts = [ "
		   "\"a\" ]; };");
	ck_ok(conf_sample_check(file, rows, NUM, &problems));
	unlink(file);
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_str_eq(text, "name: is not the default, demo\nissue.fast: is missing from the sample\n"
			       "keys.hosts: is not the default, a, b\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/daemon/conf");
	TCase *t = tcase_create("conf");

	tcase_add_test(t, values_and_defaults);
	tcase_add_loop_test(t, every_mistake_is_listed, 0, COUNT_OF(mistake_cases));
	tcase_add_test(t, what_is_no_configuration_file);
	tcase_add_test(t, reload_takes_only_what_may_change);
	tcase_add_test(t, the_sample_is_the_table);
	tcase_add_test(t, a_sample_that_lags_behind_is_found);
	suite_add_tcase(s, t);
	return suite_main(s);
}
