/*
 * conf_sample.c - a configuration table as a commented sample file, and the comparison of the two. See conf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf_priv.h"

static struct err *sample_value(struct buf *out, const struct conf_row *row)
{
	struct conf_strings list = { NULL, 0 };
	struct err *e;

	if (row->type == CONF_TYPE_INT64 && strtoll(row->def, NULL, 10) > INT32_MAX)
		return buf_printf(out, "%sL", row->def);
	if (row->type == CONF_TYPE_INT64 || row->type == CONF_TYPE_BOOL)
		return buf_append_str(out, row->def);
	if (row->type == CONF_TYPE_STRING)
		return buf_printf(out, "\"%s\"", row->def);
	e = conf_store_default_list(&list, row->def);
	if (e == NULL)
		e = buf_append_str(out, "[");
	for (size_t i = 0; i < list.num && e == NULL; i++)
		e = buf_printf(out, "%s\"%s\"", i == 0 ? " " : ", ", list.items[i]);
	if (e == NULL)
		e = buf_append_str(out, list.num == 0 ? "]" : " ]");
	for (size_t i = 0; i < list.num; i++)
		free(list.items[i]);
	free(list.items);
	return e;
}

static struct err *sample_row(struct buf *out, const struct conf_row *row, const char *indent, const char *name)
{
	TRY(buf_printf(out, "%s# %s", indent, row->help));
	if (row->type == CONF_TYPE_INT64)
		TRY(buf_printf(out, " (%" PRId64 " to %" PRId64 ")", row->min, row->max));
	TRY(buf_printf(out, "%s%s\n", (row->flags & CONF_REQUIRED) != 0 ? " [required]" : "",
		       (row->flags & CONF_RELOADABLE) != 0 ? " [reloadable]" : ""));
	TRY(buf_printf(out, "%s%s = ", indent, name));
	TRY(sample_value(out, row));
	return buf_append_str(out, ";\n");
}

/* Length of the group's name in a path; 0 when the key stands alone. */
static size_t group_len(const char *path)
{
	const char *dot = strchr(path, '.');

	return dot == NULL ? 0 : (size_t)(dot - path);
}

static bool same_group(const struct conf_row *a, const struct conf_row *b)
{
	size_t len = group_len(a->path);

	return len == group_len(b->path) && strncmp(a->path, b->path, len) == 0;
}

static bool is_first_of_group(const struct conf_row *rows, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_group(&rows[k], &rows[i]))
			return false;
	return true;
}

static struct err *sample_group(struct buf *out, const struct conf_row *rows, size_t num_rows, size_t first)
{
	size_t len = group_len(rows[first].path);
	bool is_next = false;

	TRY(buf_printf(out, "%.*s: {\n", (int)len, rows[first].path));
	for (size_t k = first; k < num_rows; k++) {
		if (!same_group(&rows[first], &rows[k]))
			continue;
		TRY(buf_append_str(out, is_next ? "\n" : ""));
		TRY(sample_row(out, &rows[k], "\t", rows[k].path + len + 1));
		is_next = true;
	}
	return buf_append_str(out, "};\n");
}

struct err *conf_sample(struct buf *out, const struct conf_row *rows, size_t num_rows)
{
	for (size_t i = 0; i < num_rows; i++) {
		ENSURE(rows[i].def != NULL, BUG, "setting %s has neither default nor example", rows[i].path);
		if (group_len(rows[i].path) == 0) {
			TRY(buf_append_str(out, i == 0 ? "" : "\n"));
			TRY(sample_row(out, &rows[i], "", rows[i].path));
		} else if (is_first_of_group(rows, i)) {
			TRY(buf_append_str(out, i == 0 ? "" : "\n"));
			TRY(sample_group(out, rows, num_rows, i));
		}
	}
	return NULL;
}

/* One row's value in the file against its default. */
static struct err *check_row(const struct conf_row *row, void *value, const config_t *config,
			     struct conf_problems *problems)
{
	union {
		int64_t number;
		bool is_set;
		char *text;
		struct conf_strings list;
	} want;
	struct conf_row only = *row;

	if ((row->flags & CONF_REQUIRED) != 0)
		return NULL;
	if (config_lookup(config, row->path) == NULL) {
		conf_problem(problems, row->path, "is missing from the sample");
		return NULL;
	}
	memset(&want, 0, sizeof want);
	only.offset = 0;
	struct err *e = conf_store_default(&want, &only);
	if (e == NULL && !conf_values_equal(&want, value, row->type))
		conf_problem(problems, row->path, "is not the default, %s", row->def);
	conf_clear(&want, &only, 1);
	return e;
}

static struct err *check_rows(void *conf, const char *file, const struct conf_row *rows, size_t num_rows,
			      struct conf_problems *problems)
{
	struct err *e = NULL;
	config_t config;

	TRY(conf_read(conf, rows, num_rows, file, problems));
	/* A value that was not understood is not compared with anything. */
	if (problems->num > 0)
		return NULL;
	config_init(&config);
	if (config_read_file(&config, file) != CONFIG_TRUE)
		e = ERR(CONFIG, "%s: cannot be read again", file);
	for (size_t i = 0; i < num_rows && e == NULL; i++)
		e = check_row(&rows[i], (char *)conf + rows[i].offset, &config, problems);
	config_destroy(&config);
	return e;
}

struct err *conf_sample_check(const char *file, const struct conf_row *rows, size_t num_rows,
			      struct conf_problems *problems)
{
	size_t size = 1;

	for (size_t i = 0; i < num_rows; i++)
		if (rows[i].offset + conf_value_size(rows[i].type) > size)
			size = rows[i].offset + conf_value_size(rows[i].type);
	void *conf = calloc(1, size);
	ENSURE(conf != NULL, NO_MEMORY, "settings");
	struct err *e = check_rows(conf, file, rows, num_rows, problems);
	conf_clear(conf, rows, num_rows);
	free(conf);
	return e;
}
