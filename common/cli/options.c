/*
 * options.c - command lines read by tables. See options.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { HELP_COLUMN = 26 };

void options_clear(struct options *self)
{
	free(self->given);
	free(self->words);
	memset(self, 0, sizeof *self);
}

static const struct option_row *row_find(const struct option_set *set, const char *name, size_t len, char letter)
{
	for (size_t t = 0; set->tables[t] != NULL; t++) {
		for (const struct option_row *row = set->tables[t]; row->name != NULL; row++) {
			if (letter != 0 ? row->letter == letter
					: strlen(row->name) == len && memcmp(row->name, name, len) == 0)
				return row;
		}
	}
	return NULL;
}

static bool is_given(const struct options *self, const struct option_row *row)
{
	for (size_t i = 0; i < self->num_given; i++)
		if (self->given[i].row == row)
			return true;
	return false;
}

static struct err *given_add(struct options *self, const struct option_row *row, const char *value)
{
	ENSURE_FIELD(row->kind == OPTION_LIST || !is_given(self, row), BAD_INPUT, row->name,
		     "option --%s is given twice", row->name);
	struct option_given *more = realloc(self->given, (self->num_given + 1) * sizeof *more);
	ENSURE(more != NULL, NO_MEMORY, "out of memory");
	self->given = more;
	self->given[self->num_given++] = (struct option_given){ row, value };
	return NULL;
}

static struct err *word_add(struct options *self, const char *word)
{
	const char **more = realloc(self->words, (self->num_words + 1) * sizeof *more);

	ENSURE(more != NULL, NO_MEMORY, "out of memory");
	self->words = more;
	self->words[self->num_words++] = word;
	return NULL;
}

/* Reads the option at argv[*at] and its value; *at ends behind them. */
static struct err *option_read(struct options *self, int *at, int argc, char *const argv[])
{
	const char *arg = argv[(*at)++];
	const char *equals = NULL;
	const struct option_row *row;

	if (arg[1] == '-') {
		equals = strchr(arg, '=');
		size_t len = equals != NULL ? (size_t)(equals - arg) - 2 : strlen(arg) - 2;
		row = row_find(&self->set, arg + 2, len, 0);
	} else {
		row = arg[2] == '\0' ? row_find(&self->set, NULL, 0, arg[1]) : NULL;
	}
	ENSURE(row != NULL, BAD_INPUT, "unknown option %.60s", arg);
	if (row->kind == OPTION_FLAG) {
		ENSURE_FIELD(equals == NULL, BAD_INPUT, row->name, "option --%s takes no value", row->name);
		return given_add(self, row, "");
	}
	if (equals != NULL)
		return given_add(self, row, equals + 1);
	ENSURE_FIELD(*at < argc, BAD_INPUT, row->name, "option --%s needs a value (%s)", row->name, row->value);
	return given_add(self, row, argv[(*at)++]);
}

struct err *options_read(struct options *self, int *out_used, struct option_set set, int argc, char *const argv[],
			 bool until_word)
{
	int at = 0;
	bool options_ended = false;

	self->set = set;
	while (at < argc) {
		const char *arg = argv[at];

		if (!options_ended && strcmp(arg, "--") == 0) {
			options_ended = true;
			at++;
		} else if (!options_ended && arg[0] == '-' && arg[1] != '\0') {
			TRY(option_read(self, &at, argc, argv));
		} else if (until_word) {
			break;
		} else {
			TRY(word_add(self, argv[at++]));
		}
	}
	*out_used = at;
	return NULL;
}

struct err *options_require(const struct options *self)
{
	for (size_t t = 0; self->set.tables[t] != NULL; t++) {
		for (const struct option_row *row = self->set.tables[t]; row->name != NULL; row++)
			ENSURE_FIELD(!row->required || is_given(self, row), BAD_INPUT, row->name,
				     "option --%s %s is missing", row->name, row->value);
	}
	return NULL;
}

static const struct option_row *row_must(const struct options *self, const char *name)
{
	const struct option_row *row = row_find(&self->set, name, strlen(name), 0);

	if (row == NULL)
		panic("option --%s is in no table of this command", name);
	return row;
}

const char *options_text(const struct options *self, const char *name)
{
	const struct option_row *row = row_must(self, name);

	for (size_t i = 0; i < self->num_given; i++)
		if (self->given[i].row == row)
			return self->given[i].value;
	return NULL;
}

bool options_has(const struct options *self, const char *name)
{
	return options_text(self, name) != NULL;
}

const char *options_text_or(const struct options *self, const char *name, const char *otherwise)
{
	const char *value = options_text(self, name);

	return value != NULL ? value : otherwise;
}

const char *options_next(const struct options *self, const char *name, size_t *at)
{
	const struct option_row *row = row_must(self, name);

	while (*at < self->num_given) {
		const struct option_given *given = &self->given[(*at)++];
		if (given->row == row)
			return given->value;
	}
	return NULL;
}

void options_help(const struct option_row *table, FILE *out)
{
	for (const struct option_row *row = table; row->name != NULL; row++) {
		char left[80];
		char letter[6] = "";

		if (row->letter != 0)
			(void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
		(void)snprintf(left, sizeof left, "%s--%s%s%s%s", letter, row->name, row->value != NULL ? " " : "",
			       row->value != NULL ? row->value : "", row->kind == OPTION_LIST ? "..." : "");
		(void)fprintf(out, "  %-*s  %s%s\n", HELP_COLUMN, left, row->help, row->required ? " (required)" : "");
	}
}
