/*
 * cli.h - what the command-line programs have in common: a table of commands, help, exit codes, and how records are shown.
 *
 * Exit codes: 0 done, 1 refused (one line on standard error that names the field and what to do), 2 usage, 3 a service
 * could not be reached. A command's name may be two words ("policy build"). With --json records go out as one JSON
 * document; people get aligned lines. Texts that others wrote are printed with control characters replaced, so that an
 * applicant's name cannot drive an operator's terminal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_CLI_CLI_H
#define COMMON_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "cli/env.h"
#include "cli/options.h"

enum cli_exit { CLI_DONE = 0, CLI_REFUSED = 1, CLI_USAGE = 2, CLI_UNREACHED = 3 };

struct cli_program;
struct cli_command;

/* What a command works with. */
struct cli {
	const struct cli_program *program;
	const struct cli_command *command;
	struct options options;
	struct env env;
	FILE *out, *err;
	bool json;
	bool is_usage; /* the error that ends the command is one of usage: exit code 2 */
};

struct cli_command {
	const char *name; /* one word, or two with a space; NULL ends a table */
	const char *words; /* positional arguments as the help shows them */
	const char *summary;
	const struct option_row *tables[3]; /* besides the program's own; NULL-terminated */
	size_t min_words, max_words;
	struct err *(*run)(struct cli *cli); /* NULL: the name is known, but not available in this version */
};

struct cli_program {
	const char *name;
	const char *summary;
	const char *notes; /* more help, may be NULL */
	const struct option_row *options; /* accepted before and after the command's name */
	const struct cli_command *commands;
};

/* Rows that every program has: --home, --json, --help, --version. */
extern const struct option_row cli_common_options[];

#define CLI_MANY_WORDS SIZE_MAX
#define CLI_TEXT_MAX   (64 * 1024) /* of one shown text */

/* cli_main() runs the command that argv names and returns the exit code. */
int cli_main(const struct cli_program *program, int argc, char *const argv[], FILE *out, FILE *err);

/* cli_usage() makes an error that ends in exit code 2: for rules that a table cannot say. `field` may be NULL. */
struct err *cli_usage(struct cli *cli, const char *field, const char *fmt, ...) ERR_PRINTF(3, 4) ERR_MUST_USE;

/* cli_note() prints one line to standard error, cleaned. */
void cli_note(const struct cli *cli, const char *fmt, ...) ERR_PRINTF(2, 3);

/* cli_clean() appends the text with control, invisible and malformed characters replaced by '?'. */
struct err *cli_clean(struct buf *out, const char *text) ERR_MUST_USE;

/* cli_lines() prints a text of several lines, each cleaned. */
struct err *cli_lines(const struct cli *cli, const char *text) ERR_MUST_USE;

/* cli_json() prints a JSON document and a line break. */
struct err *cli_json(const struct cli *cli, const json_t *document) ERR_MUST_USE;

/* cli_field() prints "name        value", aligned; nothing when the value is empty. */
struct err *cli_field(const struct cli *cli, const char *name, const char *value) ERR_MUST_USE;

/* cli_table() prints objects as aligned rows: the columns name the members (texts, numbers, booleans); what is missing
 * shows as "-". */
struct cli_column {
	const char *title, *member; /* a NULL title ends the columns */
};
struct err *cli_table(const struct cli *cli, const struct cli_column *columns, const json_t *rows) ERR_MUST_USE;

#endif
