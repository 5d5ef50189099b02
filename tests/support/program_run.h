/*
 * program_run.h - runs a command line through a program's table, as main() does, and looks at what it prints.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_PROGRAM_RUN_H
#define TESTS_SUPPORT_PROGRAM_RUN_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

struct program_result {
	int code;
	char *out, *err; /* owned */
};

static inline void program_result_clear(struct program_result *self)
{
	free(self->out);
	free(self->err);
}
OWN_TYPE(program_result, struct program_result, program_result_clear)

/* Words are separated by one space; '~' stands for a space inside a word. */
static inline void program_run(struct program_result *result, const struct cli_program *program, const char *words)
{
	char *line = strdup(words), *argv[48] = { (char *)program->name };
	int argc = 1;
	size_t out_len, err_len;
	FILE *out = open_memstream(&result->out, &out_len), *err = open_memstream(&result->err, &err_len);

	for (char *word = strtok(line, " "); word != NULL && argc < 48; word = strtok(NULL, " ")) {
		for (char *p = word; *p != '\0'; p++)
			*p = *p == '~' ? ' ' : *p;
		argv[argc++] = word;
	}
	result->code = cli_main(program, argc, argv, out, err);
	(void)fclose(out);
	(void)fclose(err);
	free(line);
}

/* The exit code, and a part of standard output or standard error. */
static inline void program_expect(const struct cli_program *program, int code, const char *part, const char *words)
{
	OWN(program_result) r = { 0 };

	program_run(&r, program, words);
	ck_assert_msg(r.code == code, "%s: exit %d: %s%s", words, r.code, r.out, r.err);
	ck_assert_msg(strstr(r.out, part) != NULL || strstr(r.err, part) != NULL, "%s: \"%s\" not in: %s%s", words,
		      part, r.out, r.err);
	ck_assert_msg(code == 0 || (r.err[0] != '\0' && strchr(r.err, '\n') == r.err + strlen(r.err) - 1),
		      "one line: %s", r.err);
}

static inline void shell(const char *fmt, ...)
{
	char command[1000];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	ck_assert_msg(system(command) == 0, "%s", command);
}

#endif
