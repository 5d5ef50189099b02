/*
 * options_test.c - command lines read by tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

static const struct option_row first[] = { { "home", 0, OPTION_TEXT, "DIR", "the home", false },
					   { "json", 'j', OPTION_FLAG, NULL, "as JSON", false },
					   { 0 } };
static const struct option_row second[] = { { "csr", 'c', OPTION_LIST, "FILE", "a request", true },
					    { "kind", 0, OPTION_TEXT, "KIND", "the kind", true },
					    { 0 } };
static const struct option_set set = { .tables = { first, second } };

/* Reads words separated by one space. */
static struct err *read_line(struct options *options, char *line)
{
	char *argv[16];
	int argc = 0, used;

	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	return options_read(options, &used, set, argc, argv, false);
}

START_TEST(values_flags_lists_and_words)
{
	OWN(options) o = { 0 };
	char line[] = "one --kind=head -c a=1 --csr b=2 two -j -- --home";
	size_t at = 0;

	ck_ok(read_line(&o, line));
	ck_ok(options_require(&o));
	ck_assert_str_eq(options_text(&o, "kind"), "head");
	ck_assert_str_eq(options_next(&o, "csr", &at), "a=1");
	ck_assert_str_eq(options_next(&o, "csr", &at), "b=2");
	ck_assert_ptr_null(options_next(&o, "csr", &at));
	ck_assert(options_has(&o, "json"));
	ck_assert(!options_has(&o, "home"));
	ck_assert_str_eq(options_text_or(&o, "home", "run"), "run");
	ck_assert_uint_eq(o.num_words, 3);
	ck_assert_str_eq(o.words[0], "one");
	ck_assert_str_eq(o.words[2], "--home");
}
END_TEST

static const struct {
	const char *line, *text;
} bad[] = {
	{ "--nothing", "unknown option --nothing" },
	{ "-x", "unknown option -x" },
	{ "-jj", "unknown option -jj" },
	{ "--kind", "option --kind needs a value (KIND)" },
	{ "--kind a --kind b", "option --kind is given twice" },
	{ "--json=1", "option --json takes no value" },
	{ "--kin a", "unknown option --kin" },
};

START_TEST(mistakes_are_named)
{
	OWN(options) o = { 0 };
	char line[80];

	(void)snprintf(line, sizeof line, "%s", bad[_i].line);
	ck_fails(read_line(&o, line), ERR_BAD_INPUT, bad[_i].text);
}
END_TEST

START_TEST(required_option_is_missed)
{
	OWN(options) o = { 0 };
	char line[] = "--csr a";

	ck_ok(read_line(&o, line));
	ck_fails(options_require(&o), ERR_BAD_INPUT, "option --kind KIND is missing");
}
END_TEST

START_TEST(stops_before_the_first_word_and_goes_on)
{
	OWN(options) o = { 0 };
	char *argv[] = { "-j", "--home", "x", "submit", "--kind", "head" };
	const struct option_set global = { .tables = { first } };
	int used;

	ck_ok(options_read(&o, &used, global, 6, argv, true));
	ck_assert_int_eq(used, 3);
	ck_ok(options_read(&o, &used, set, 2, argv + 4, false));
	ck_assert_str_eq(options_text(&o, "home"), "x");
	ck_assert_str_eq(options_text(&o, "kind"), "head");
}
END_TEST

START_TEST(help_is_aligned)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	options_help(second, out);
	(void)fclose(out);
	ck_assert_str_eq(text, "  -c, --csr FILE...           a request (required)\n"
			       "  --kind KIND                 the kind (required)\n");
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/options");
	TCase *t = tcase_create("options");

	tcase_add_test(t, values_flags_lists_and_words);
	tcase_add_loop_test(t, mistakes_are_named, 0, COUNT_OF(bad));
	tcase_add_test(t, required_option_is_missed);
	tcase_add_test(t, stops_before_the_first_word_and_goes_on);
	tcase_add_test(t, help_is_aligned);
	suite_add_tcase(s, t);
	return suite_main(s);
}
