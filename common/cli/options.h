/*
 * options.h - command lines read by tables: every command names its options once, and the reader, the help text and
 * the tests use the same rows.
 *
 * Forms: --name VALUE, --name=VALUE, -x VALUE; a lone "--" ends the options. What is no option is a word (positional).
 * Nothing here decides what a value means. Passwords are never options: they would show in the process list.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_CLI_OPTIONS_H
#define COMMON_CLI_OPTIONS_H

#include <stdio.h>

#include "base/own.h"

enum option_kind {
	OPTION_FLAG, /* no value */
	OPTION_TEXT, /* one value; given twice is a mistake */
	OPTION_LIST, /* any number of values */
};

struct option_row {
	const char *name; /* without the dashes; NULL ends a table */
	char letter; /* short form, or 0 */
	enum option_kind kind;
	const char *value; /* how the help calls the value */
	const char *help;
	bool required;
};

/* Tables that are read together, e.g. those of every command and those of one; NULL ends the list. */
struct option_set {
	const struct option_row *tables[5];
};

struct option_given {
	const struct option_row *row;
	const char *value;
};

/* What was given. Texts are borrowed from argv. */
struct options {
	struct option_set set;
	struct option_given *given;
	size_t num_given;
	const char **words;
	size_t num_words;
};

void options_clear(struct options *self);
OWN_TYPE(options, struct options, options_clear)

/* options_read() reads argv[0..argc) by the set and adds to self, which keeps what earlier calls have read. With
 * `until_word` it stops before the first word; *out_used counts the arguments read. Required options are not checked.
 * *Errors* BAD_INPUT, naming the option. */
struct err *options_read(struct options *self, int *out_used, struct option_set set, int argc, char *const argv[],
			 bool until_word) ERR_MUST_USE;

/* options_require() refuses when a required option of the set is missing. *Errors* BAD_INPUT. */
struct err *options_require(const struct options *self) ERR_MUST_USE;

/* Values by name (which must be in a table). options_text() gives NULL when the option was not given; options_text_or()
 * then gives `otherwise`. options_next() walks a list: start with *at = 0, ends with NULL. */
bool options_has(const struct options *self, const char *name);
const char *options_text(const struct options *self, const char *name);
const char *options_text_or(const struct options *self, const char *name, const char *otherwise);
const char *options_next(const struct options *self, const char *name, size_t *at);

/* options_help() prints one aligned line an option. */
void options_help(const struct option_row *table, FILE *out);

#endif
