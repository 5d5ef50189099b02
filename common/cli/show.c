/*
 * show.c - how records are printed: cleaned texts, aligned fields and tables, JSON. See cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

enum { FIELD_COLUMN = 18, COLUMNS_MAX = 16 };

struct err *cli_clean(struct buf *out, const char *text)
{
	struct slice rest = SLICE_STR(text);

	while (rest.len > 0) {
		/* One character: its first byte and the continuation bytes behind it. */
		size_t n = 1;
		size_t length = 0;

		while (n < rest.len && n < 4 && (rest.p[n] & 0xc0) == 0x80)
			n++;
		OWN(err) malformed = text_utf8_length(&length, SLICE(rest.p, n));
		if (malformed != NULL || length != 1 || text_has_control(SLICE(rest.p, n)))
			TRY(buf_append_u8(out, '?'));
		else
			TRY(buf_append(out, SLICE(rest.p, n)));
		rest = SLICE(rest.p + n, rest.len - n);
	}
	return NULL;
}

/* Prints cleaned text, padded to a width in characters (0: not padded). */
static struct err *text_print(FILE *out, const char *text, size_t width)
{
	OWN(buf) clean = BUF_INIT(CLI_TEXT_MAX);
	size_t length = 0;

	TRY(cli_clean(&clean, text));
	TRY(text_utf8_length(&length, buf_slice(&clean)));
	(void)fwrite(clean.p, 1, clean.len, out);
	for (; length < width; length++)
		(void)fputc(' ', out);
	return NULL;
}

void cli_note(const struct cli *cli, const char *fmt, ...)
{
	char text[2000];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)fprintf(cli->err, "%s: ", cli->program->name);
	OWN(err) unprinted = text_print(cli->err, text, 0);
	(void)fputc('\n', cli->err);
}

struct err *cli_field(const struct cli *cli, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return NULL;
	TRY(text_print(cli->out, name, FIELD_COLUMN));
	TRY(text_print(cli->out, value, 0));
	(void)fputc('\n', cli->out);
	return NULL;
}

struct err *cli_lines(const struct cli *cli, const char *text)
{
	while (text != NULL && *text != '\0') {
		OWN(buf) line = BUF_INIT(CLI_TEXT_MAX);
		size_t len = strcspn(text, "\n");
		const char *shown;

		TRY(buf_append(&line, SLICE(text, len)));
		TRY(buf_str(&line, &shown));
		TRY(text_print(cli->out, shown, 0));
		(void)fputc('\n', cli->out);
		text += len + (text[len] == '\n');
	}
	return NULL;
}

struct err *cli_json(const struct cli *cli, const json_t *document)
{
	ENSURE(json_dumpf(document, cli->out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0, SYSTEM,
	       "the output cannot be written");
	(void)fputc('\n', cli->out);
	return NULL;
}

/* Writes one value as text: texts as they are, numbers, yes and no, lists with commas. */
static struct err *cell_text(struct buf *out, const json_t *value)
{
	size_t i;
	json_t *item;

	if (json_is_string(value))
		return buf_append(out, SLICE(json_string_value(value), json_string_length(value)));
	if (json_is_integer(value))
		return buf_printf(out, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return buf_append_str(out, json_is_true(value) ? "yes" : "no");
	json_array_foreach(value, i, item)
	{
		if (i > 0)
			TRY(buf_append_str(out, ","));
		if (!json_is_array(item))
			TRY(cell_text(out, item));
	}
	return NULL;
}

static struct err *cell_get(struct buf *cell, const char **out, const json_t *row, const char *member)
{
	buf_reset(cell);
	TRY(cell_text(cell, json_object_get(row, member)));
	if (cell->len == 0)
		TRY(buf_append_str(cell, "-"));
	return buf_str(cell, out);
}

static struct err *widths_find(size_t widths[COLUMNS_MAX], const struct cli_column *columns, const json_t *rows)
{
	OWN(buf) cell = BUF_INIT(CLI_TEXT_MAX);
	OWN(buf) clean = BUF_INIT(CLI_TEXT_MAX);
	const char *text;
	size_t i;
	json_t *row;

	for (size_t c = 0; columns[c].title != NULL; c++) {
		widths[c] = strlen(columns[c].title);
		json_array_foreach(rows, i, row)
		{
			size_t length = 0;

			TRY(cell_get(&cell, &text, row, columns[c].member));
			buf_reset(&clean);
			TRY(cli_clean(&clean, text));
			TRY(text_utf8_length(&length, buf_slice(&clean)));
			widths[c] = length > widths[c] ? length : widths[c];
		}
	}
	return NULL;
}

struct err *cli_table(const struct cli *cli, const struct cli_column *columns, const json_t *rows)
{
	size_t widths[COLUMNS_MAX] = { 0 };
	OWN(buf) cell = BUF_INIT(CLI_TEXT_MAX);
	const char *text;
	size_t i;
	json_t *row;

	TRY(widths_find(widths, columns, rows));
	for (size_t c = 0; columns[c].title != NULL; c++) {
		bool is_last = columns[c + 1].title == NULL;
		TRY(text_print(cli->out, columns[c].title, is_last ? 0 : widths[c] + 2));
	}
	(void)fputc('\n', cli->out);
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; columns[c].title != NULL; c++) {
			TRY(cell_get(&cell, &text, row, columns[c].member));
			TRY(text_print(cli->out, text, columns[c + 1].title == NULL ? 0 : widths[c] + 2));
		}
		(void)fputc('\n', cli->out);
	}
	return NULL;
}
