/*
 * cli_test.c - exit codes, help, one-line errors, aligned output: through the frame with a program of the test's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

static const struct option_row program_options[] = { { "as", 0, OPTION_TEXT, "NAME", "who", false }, { 0 } };
static const struct option_row need_options[] = { { "need", 0, OPTION_TEXT, "TEXT", "what", true }, { 0 } };

static struct err *done_run(struct cli *cli)
{
	return cli_field(cli, "as", options_text_or(&cli->options, "as", "nobody"));
}

static struct err *refused_run(struct cli *cli)
{
	(void)cli;
	return ERR_FIELD(BAD_INPUT, "iin", "a line\nbreak and \xff; look again");
}

static struct err *unreached_run(struct cli *cli)
{
	(void)cli;
	return ERR(GONE, "nobody is there");
}

static struct err *usage_run(struct cli *cli)
{
	return cli_usage(cli, "as", "give --as");
}

static struct err *table_run(struct cli *cli)
{
	static const struct cli_column columns[] = {
		{ "NAME", "name" }, { "N", "n" }, { "YES", "yes" }, { "LIST", "list" }, { 0 }
	};
	json_t *rows = json_pack("[{s:s, s:i, s:b, s:[s,s]}, {s:s, s:i}]", "name", "ӘБДІҒАЛИҚЫЗЫ", "n", 5, "yes", 1,
				 "list", "a", "b", "name", "\x1b[31mred", "n", 12345);
	struct err *e = cli_table(cli, columns, rows);

	json_decref(rows);
	return e;
}

static struct err *json_run(struct cli *cli)
{
	json_t *document = json_pack("{s:b}", "json", cli->json);
	struct err *e = cli_json(cli, document);

	json_decref(document);
	return e;
}

static const struct cli_command commands[] = {
	{ "done", "", "does nothing", { NULL }, 0, 0, done_run },
	{ "refused", "", "is refused", { NULL }, 0, 0, refused_run },
	{ "unreached", "", "reaches nobody", { NULL }, 0, 0, unreached_run },
	{ "usage", "", "is misused", { NULL }, 0, 0, usage_run },
	{ "table", "", "prints a table", { NULL }, 0, 0, table_run },
	{ "json", "", "prints JSON", { NULL }, 0, 0, json_run },
	{ "need", "", "needs an option", { need_options }, 0, 0, done_run },
	{ "words", "A B...", "needs two words", { NULL }, 2, CLI_MANY_WORDS, done_run },
	{ "one", "A", "takes one word", { NULL }, 0, 1, done_run },
	{ "two words", "", "has a name of two words", { NULL }, 0, 0, done_run },
	{ "two", "...", "comes later", { NULL }, 0, 0, NULL },
	{ 0 },
};
static const struct cli_program program = { "prog", "a test", "notes", program_options, commands };

static const struct {
	const char *line;
	int code;
	const char *out, *err; /* parts of what is printed */
} cases[] = {
	{ "prog done", 0, "as                nobody\n", "" },
	{ "prog --as x done", 0, "as                x\n", "" },
	{ "prog done --as x", 0, "as                x\n", "" },
	{ "prog two words", 0, "nobody", "" },
	{ "prog --version", 0, "prog 0.", "" },
	{ "prog done --version", 0, "prog 0.", "" },
	{ "prog --help", 0, "exit: 0 done, 1 refused, 2 usage", "" },
	{ "prog need --help", 0, "--need TEXT                 what (required)", "" },
	{ "prog json", 0, "\"json\": false", "" },
	{ "prog json --json", 0, "\"json\": true", "" },
	{ "prog refused", 1, "", "prog: iin: a line?break and ?; look again\n" },
	{ "prog two later --with anything", 1, "", "prog: two is not available in this version\n" },
	{ "prog --home /nowhere done", 1, "", "prog: home: /nowhere is no folder" },
	{ "prog", 2, "", "prog: no command is given; see prog --help\n" },
	{ "prog nothing", 2, "", "prog: nothing is no command; see prog --help\n" },
	{ "prog done --nothing", 2, "", "prog: unknown option --nothing\n" },
	{ "prog need", 2, "", "prog: need: option --need TEXT is missing\n" },
	{ "prog words a", 2, "", "prog: words needs A B...; see prog words --help\n" },
	{ "prog one a b", 2, "", "prog: one: one word too many: b" },
	{ "prog usage", 2, "", "prog: as: give --as\n" },
	{ "prog unreached", 3, "", "prog: nobody is there\n" },
	{ "prog table", 0,
	  "NAME          N      YES  LIST\n"
	  "ӘБДІҒАЛИҚЫЗЫ  5      yes  a,b\n"
	  "?[31mred      12345  -    -\n",
	  "" },
};

START_TEST(exit_code_and_output)
{
	char line[100], *argv[10];
	int argc = 0;
	char *out_text = NULL, *err_text_ = NULL;
	size_t out_len, err_len;
	FILE *out = open_memstream(&out_text, &out_len);
	FILE *err = open_memstream(&err_text_, &err_len);

	(void)snprintf(line, sizeof line, "%s", cases[_i].line);
	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	int code = cli_main(&program, argc, argv, out, err);
	(void)fclose(out);
	(void)fclose(err);
	ck_assert_msg(code == cases[_i].code, "%s: exit %d: %s", cases[_i].line, code, err_text_);
	ck_assert_msg(strstr(out_text, cases[_i].out) != NULL, "%s: out: %s", cases[_i].line, out_text);
	ck_assert_msg(strstr(err_text_, cases[_i].err) != NULL, "%s: err: %s", cases[_i].line, err_text_);
	ck_assert_msg(code == 0 ? err_len == 0 : strchr(err_text_, '\n') == err_text_ + err_len - 1, "one line: %s",
		      err_text_);
	free(out_text);
	free(err_text_);
}
END_TEST

static const struct {
	const char *text, *clean;
} texts[] = {
	{ "Ә Ғ Қ Ң Ө Ұ Ү Һ І", "Ә Ғ Қ Ң Ө Ұ Ү Һ І" },
	{ "a\tb\r\n", "a?b??" },
	{ "\xd0", "?" },
	{ "\xe2\x80\xae"
	  "x",
	  "?x" },
	{ "\xff\xfe", "??" },
	{ "<b>&", "<b>&" },
	{ "x\xd0y", "x?y" },
	{ "", "" },
};

START_TEST(cleaned_text)
{
	OWN(buf) out = BUF_INIT(200);

	ck_ok(cli_clean(&out, texts[_i].text));
	ck_assert_msg(slice_equal(buf_slice(&out), SLICE_STR(texts[_i].clean)), "%.*s", (int)out.len, (char *)out.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/cli");
	TCase *t = tcase_create("cli");

	(void)unsetenv("NUC_HOME");
	tcase_add_loop_test(t, exit_code_and_output, 0, COUNT_OF(cases));
	tcase_add_loop_test(t, cleaned_text, 0, COUNT_OF(texts));
	suite_add_tcase(s, t);
	return suite_main(s);
}
