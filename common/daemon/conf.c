/*
 * conf.c - the table-driven configuration reader over libconfig. See conf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon/conf_priv.h"

#include <inttypes.h>
#include <libconfig.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_LEN = 64, LINE_MAX_LEN = 600 };

/* ---- problems */

void conf_problems_clear(struct conf_problems *self)
{
	buf_clear(&self->text);
	self->num = 0;
}

static void add_problem(struct conf_problems *problems, const char *line)
{
	/* When even the list of mistakes is full, their number still tells. */
	struct err *e = buf_printf(&problems->text, "%s\n", line);

	err_destroy(&e);
	problems->num++;
}

void conf_problem(struct conf_problems *problems, const char *path, const char *fmt, ...)
{
	char text[LINE_MAX_LEN], line[LINE_MAX_LEN + PATH_MAX_LEN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)snprintf(line, sizeof line, "%s: %s", path, text);
	add_problem(problems, line);
}

static void problem_at(struct conf_problems *problems, const char *file, const config_setting_t *at, const char *path,
		       const char *fmt, ...) ERR_PRINTF(5, 6);

/* `at` NULL: the mistake has no line. */
static void problem_at(struct conf_problems *problems, const char *file, const config_setting_t *at, const char *path,
		       const char *fmt, ...)
{
	char text[LINE_MAX_LEN], line[2 * LINE_MAX_LEN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (at != NULL && config_setting_source_file(at) != NULL)
		file = config_setting_source_file(at);
	if (at != NULL)
		(void)snprintf(line, sizeof line, "%s:%u: %s: %s", file, config_setting_source_line(at), path, text);
	else
		(void)snprintf(line, sizeof line, "%s: %s: %s", file, path, text);
	add_problem(problems, line);
}

/* ---- values */

static void *member_of(void *conf, const struct conf_row *row)
{
	return (char *)conf + row->offset;
}

static struct err *store_string(void *conf, const struct conf_row *row, const char *text)
{
	char *copy = strdup(text);

	ENSURE(copy != NULL, NO_MEMORY, "setting %s", row->path);
	*(char **)member_of(conf, row) = copy;
	return NULL;
}

static struct err *append_item(struct conf_strings *list, const char *text, size_t len)
{
	char **items = realloc(list->items, (list->num + 2) * sizeof *items);

	ENSURE(items != NULL, NO_MEMORY, "list of settings");
	list->items = items;
	items[list->num] = strndup(text, len);
	ENSURE(items[list->num] != NULL, NO_MEMORY, "list of settings");
	items[++list->num] = NULL;
	return NULL;
}

struct err *conf_store_default_list(struct conf_strings *list, const char *text)
{
	while (*text != '\0') {
		const char *comma = strstr(text, ", ");
		size_t len = comma == NULL ? strlen(text) : (size_t)(comma - text);
		TRY(append_item(list, text, len));
		text += len + (comma == NULL ? 0 : 2);
	}
	return NULL;
}

struct err *conf_store_default(void *conf, const struct conf_row *row)
{
	ENSURE(row->def != NULL, BUG, "setting %s has no default", row->path);
	switch (row->type) {
	case CONF_TYPE_INT64:
		*(int64_t *)member_of(conf, row) = strtoll(row->def, NULL, 10);
		return NULL;
	case CONF_TYPE_BOOL:
		*(bool *)member_of(conf, row) = strcmp(row->def, "true") == 0;
		return NULL;
	case CONF_TYPE_STRING:
		return store_string(conf, row, row->def);
	case CONF_TYPE_STRING_LIST:
		break;
	}
	return conf_store_default_list(member_of(conf, row), row->def);
}

/* What a file being read needs at each step. */
struct reader {
	void *conf;
	const struct conf_row *rows;
	size_t num_rows;
	const char *file;
	struct conf_problems *problems;
};

static void read_int(const struct reader *r, const struct conf_row *row, const config_setting_t *s)
{
	int type = config_setting_type(s);
	int64_t value = type == CONFIG_TYPE_INT ? config_setting_get_int(s) : config_setting_get_int64(s);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		problem_at(r->problems, r->file, s, row->path, "must be a whole number");
	else if (value < row->min || value > row->max)
		problem_at(r->problems, r->file, s, row->path, "must be %" PRId64 " to %" PRId64 ", is %" PRId64,
			   row->min, row->max, value);
	else
		*(int64_t *)member_of(r->conf, row) = value;
}

static struct err *read_string(const struct reader *r, const struct conf_row *row, const config_setting_t *s)
{
	const char *text = config_setting_type(s) == CONFIG_TYPE_STRING ? config_setting_get_string(s) : NULL;

	if (text == NULL)
		problem_at(r->problems, r->file, s, row->path, "must be a text in quotes");
	else if ((int64_t)strlen(text) < row->min && text[0] == '\0')
		problem_at(r->problems, r->file, s, row->path, "must not be empty");
	else if ((int64_t)strlen(text) < row->min || (int64_t)strlen(text) > row->max)
		problem_at(r->problems, r->file, s, row->path, "must have %" PRId64 " to %" PRId64 " octets, has %zu",
			   row->min, row->max, strlen(text));
	else
		return store_string(r->conf, row, text);
	return NULL;
}

static struct err *read_list(const struct reader *r, const struct conf_row *row, const config_setting_t *s)
{
	struct conf_strings *list = member_of(r->conf, row);

	if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
		problem_at(r->problems, r->file, s, row->path, "must be a list of texts: [ \"...\", \"...\" ]");
		return NULL;
	}
	int num = config_setting_length(s);
	if (num < row->min || num > row->max)
		problem_at(r->problems, r->file, s, row->path, "must have %" PRId64 " to %" PRId64 " items, has %d",
			   row->min, row->max, num);
	for (int i = 0; i < num; i++) {
		const char *text = config_setting_get_string_elem(s, i);
		if (text == NULL)
			problem_at(r->problems, r->file, s, row->path, "item %d must be a text in quotes", i + 1);
		else
			TRY(append_item(list, text, strlen(text)));
	}
	return NULL;
}

static struct err *read_row(const struct reader *r, const struct conf_row *row, const config_t *config)
{
	const config_setting_t *s = config_lookup(config, row->path);

	if (s == NULL && (row->flags & CONF_REQUIRED) != 0) {
		problem_at(r->problems, r->file, NULL, row->path, "is required (%s)", row->help);
		return NULL;
	}
	if (s == NULL)
		return conf_store_default(r->conf, row);
	switch (row->type) {
	case CONF_TYPE_INT64:
		read_int(r, row, s);
		return NULL;
	case CONF_TYPE_BOOL:
		if (config_setting_type(s) == CONFIG_TYPE_BOOL)
			*(bool *)member_of(r->conf, row) = config_setting_get_bool(s) != 0;
		else
			problem_at(r->problems, r->file, s, row->path, "must be true or false");
		return NULL;
	case CONF_TYPE_STRING:
		return read_string(r, row, s);
	case CONF_TYPE_STRING_LIST:
		break;
	}
	return read_list(r, row, s);
}

/* ---- unknown keys */

static bool is_row(const struct reader *r, const char *path)
{
	for (size_t i = 0; i < r->num_rows; i++)
		if (strcmp(r->rows[i].path, path) == 0)
			return true;
	return false;
}

static bool is_group_of_rows(const struct reader *r, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < r->num_rows; i++)
		if (strncmp(r->rows[i].path, path, len) == 0 && r->rows[i].path[len] == '.')
			return true;
	return false;
}

/* Paths have at most two words, so this ends after two levels. */
static void find_unknown(const struct reader *r, const config_setting_t *group, const char *prefix)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		char path[PATH_MAX_LEN];

		(void)snprintf(path, sizeof path, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "",
			       config_setting_name(s) != NULL ? config_setting_name(s) : "?");
		if (is_row(r, path))
			continue;
		if (!is_group_of_rows(r, path))
			problem_at(r->problems, r->file, s, path, "no such setting");
		else if (!config_setting_is_group(s))
			problem_at(r->problems, r->file, s, path, "is a group of settings: %s: { ... };", path);
		else
			find_unknown(r, s, path);
	}
}

static struct err *load(config_t *config, const char *file)
{
	if (config_read_file(config, file) == CONFIG_TRUE)
		return NULL;
	if (config_error_type(config) == CONFIG_ERR_FILE_IO)
		return ERR(CONFIG, "%s: cannot be read", file);
	const char *at = config_error_file(config) != NULL ? config_error_file(config) : file;
	return ERR(CONFIG, "%s:%d: %s", at, config_error_line(config), config_error_text(config));
}

static struct err *read_all(const struct reader *r, const config_t *config)
{
	for (size_t i = 0; i < r->num_rows; i++)
		TRY(read_row(r, &r->rows[i], config));
	find_unknown(r, config_root_setting(config), "");
	return NULL;
}

struct err *conf_read(void *conf, const struct conf_row *rows, size_t num_rows, const char *file,
		      struct conf_problems *problems)
{
	struct reader r = { conf, rows, num_rows, file, problems };
	config_t config;

	config_init(&config);
	struct err *e = load(&config, file);
	if (e == NULL)
		e = read_all(&r, &config);
	config_destroy(&config);
	return e;
}

void conf_clear(void *conf, const struct conf_row *rows, size_t num_rows)
{
	for (size_t i = 0; i < num_rows; i++) {
		void *member = member_of(conf, &rows[i]);

		if (rows[i].type == CONF_TYPE_STRING) {
			char **text = member;
			if (*text != NULL && (rows[i].flags & CONF_SECRET) != 0)
				OPENSSL_cleanse(*text, strlen(*text));
			free(*text);
			*text = NULL;
		} else if (rows[i].type == CONF_TYPE_STRING_LIST) {
			struct conf_strings *list = member;
			for (size_t k = 0; k < list->num; k++)
				free(list->items[k]);
			free(list->items);
			*list = (struct conf_strings){ NULL, 0 };
		} else if (rows[i].type == CONF_TYPE_INT64) {
			*(int64_t *)member = 0;
		} else {
			*(bool *)member = false;
		}
	}
}

/* ---- reload */

static bool lists_equal(const struct conf_strings *a, const struct conf_strings *b)
{
	if (a->num != b->num)
		return false;
	for (size_t i = 0; i < a->num; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

size_t conf_value_size(enum conf_type type)
{
	switch (type) {
	case CONF_TYPE_INT64:
		return sizeof(int64_t);
	case CONF_TYPE_BOOL:
		return sizeof(bool);
	case CONF_TYPE_STRING:
		return sizeof(char *);
	case CONF_TYPE_STRING_LIST:
		break;
	}
	return sizeof(struct conf_strings);
}

bool conf_values_equal(void *a, void *b, enum conf_type type)
{
	switch (type) {
	case CONF_TYPE_INT64:
		return *(int64_t *)a == *(int64_t *)b;
	case CONF_TYPE_BOOL:
		return *(bool *)a == *(bool *)b;
	case CONF_TYPE_STRING:
		return strcmp(*(char **)a, *(char **)b) == 0;
	case CONF_TYPE_STRING_LIST:
		break;
	}
	return lists_equal(a, b);
}

struct err *conf_reload(void *conf, void *fresh, const struct conf_row *rows, size_t num_rows, struct buf *out)
{
	for (size_t i = 0; i < num_rows; i++) {
		void *mine = member_of(conf, &rows[i]);
		void *theirs = member_of(fresh, &rows[i]);
		char keep[sizeof(struct conf_strings)];
		bool may_reload = (rows[i].flags & CONF_RELOADABLE) != 0;

		if (conf_values_equal(mine, theirs, rows[i].type))
			continue;
		TRY(buf_printf(out, "%s: %s\n", rows[i].path, may_reload ? "reloaded" : "needs a restart"));
		if (may_reload) {
			memcpy(keep, mine, conf_value_size(rows[i].type));
			memcpy(mine, theirs, conf_value_size(rows[i].type));
			memcpy(theirs, keep, conf_value_size(rows[i].type));
		}
	}
	return NULL;
}
