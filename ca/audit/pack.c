/*
 * pack.c - lines and hashes of an export. See pack.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/audit/pack.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

enum { ARENA_MAX = 128 * 1024 };

static json_t *hex_json(struct slice bytes)
{
	char text[2 * TREE_HASH_SIZE + 1];

	return bytes.len > TREE_HASH_SIZE ? NULL : json_string(text_hex_fixed(text, bytes));
}

static json_t *base64_json(struct slice bytes)
{
	OWN(buf) text = BUF_INIT(2 * LOG_ENTRY_MAX);
	OWN(err) e = text_base64(&text, bytes);

	return e != NULL ? NULL : json_stringn((const char *)text.p, text.len);
}

/* Names and values in their order: a list of pairs, since a name may come again. */
static json_t *what_json(const struct log_entry *entry)
{
	json_t *list = json_array();

	for (size_t i = 0; i < entry->num_what; i++)
		json_array_append_new(list, json_pack("[s, s]", entry->what[i].name, entry->what[i].value));
	return list;
}

static json_t *objects_json(const struct log_entry *entry)
{
	json_t *list = json_array();

	for (size_t i = 0; i < entry->num_objects; i++)
		json_array_append_new(list,
				      json_pack("[s, o]", entry->objects[i].name, hex_json(entry->objects[i].sha256)));
	return list;
}

/* What is no LogEntry is shown as bytes, so that the auditor sees it. */
static bool is_readable(struct log_entry *out, struct buf *arena, struct slice der)
{
	OWN(err) e = log_entry_decode(out, arena, der);

	return e == NULL;
}

struct err *pack_line_json(json_t **out, const struct pack_line *line)
{
	struct log_entry entry;
	OWN(buf) arena = BUF_INIT(ARENA_MAX);
	char at[CLOCK_RFC3339_SIZE];

	if (line->is_bare) {
		*out = json_pack("{s:I, s:o}", "index", (json_int_t)line->index, "leaf",
				 hex_json(SLICE(line->leaf.b, TREE_HASH_SIZE)));
	} else if (!is_readable(&entry, &arena, line->entry)) {
		*out = json_pack("{s:I, s:o, s:o, s:o, s:b}", "index", (json_int_t)line->index, "leaf",
				 hex_json(SLICE(line->leaf.b, TREE_HASH_SIZE)), "salt",
				 hex_json(SLICE(line->salt, LOG_SALT_SIZE)), "entry", base64_json(line->entry),
				 "unreadable", 1);
	} else {
		*out = json_pack("{s:I, s:o, s:o, s:o, s:s, s:s, s:{s:s, s:s, s:o}, s:o, s:s, s:o}", "index",
				 (json_int_t)line->index, "leaf", hex_json(SLICE(line->leaf.b, TREE_HASH_SIZE)), "salt",
				 hex_json(SLICE(line->salt, LOG_SALT_SIZE)), "entry", base64_json(line->entry), "at",
				 clock_rfc3339_ms(at, entry.at_ms), "kind", entry.kind, "who", "role", entry.role,
				 "person", entry.person, "key", hex_json(entry.key_hash), "what", what_json(&entry),
				 "why", entry.why, "objects", objects_json(&entry));
	}
	ENSURE(*out != NULL, NO_MEMORY, "a line of the pack");
	return NULL;
}

static struct err *hex_read(uint8_t *out, size_t len, const json_t *text, const char *what)
{
	OWN(buf) bytes = BUF_INIT(TREE_HASH_SIZE);
	const char *hex = json_string_value(text);

	ENSURE(hex != NULL && strlen(hex) == 2 * len, BAD_INPUT, "%s is not %zu octets in hexadecimal", what, len);
	TRY(text_unhex(&bytes, slice_str(hex)));
	memcpy(out, bytes.p, len);
	return NULL;
}

static struct err *line_fields(struct pack_line *out, struct buf *entry, const json_t *object)
{
	const json_t *index = json_object_get(object, "index");
	const char *base64 = json_string_value(json_object_get(object, "entry"));

	ENSURE(json_is_integer(index) && json_integer_value(index) >= 0, BAD_INPUT, "a line without an index");
	out->index = (uint64_t)json_integer_value(index);
	TRY(hex_read(out->leaf.b, TREE_HASH_SIZE, json_object_get(object, "leaf"), "leaf"));
	out->is_bare = base64 == NULL;
	buf_reset(entry);
	if (out->is_bare)
		return NULL;
	TRY(hex_read(out->salt, LOG_SALT_SIZE, json_object_get(object, "salt"), "salt"));
	TRY(text_unbase64(entry, slice_str(base64)));
	out->entry = buf_slice(entry);
	return NULL;
}

struct err *pack_line_read(struct pack_line *out, struct buf *entry, struct slice text)
{
	json_error_t why;
	OWN(json) object = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);
	OWN(json) again = NULL;
	struct tree_hash leaf;

	ENSURE(json_is_object(object), BAD_INPUT, "a line is no JSON object: %s", why.text);
	TRY(line_fields(out, entry, object));
	if (!out->is_bare) {
		log_leaf_hash(&leaf, SLICE(out->salt, LOG_SALT_SIZE), out->entry);
		ENSURE(tree_hash_equal(&leaf, &out->leaf), BAD_INPUT,
		       "the bytes of the entry do not give its leaf hash");
	}
	TRY(pack_line_json(&again, out));
	ENSURE(json_equal(object, again), BAD_INPUT, "what is shown of the entry is not what its bytes say");
	return NULL;
}

struct err *pack_hashes_json(json_t **out, const struct tree_hash *hashes, size_t num)
{
	OWN(json) array = json_array();

	for (size_t i = 0; i < num; i++)
		ENSURE(json_array_append_new(array, hex_json(SLICE(hashes[i].b, TREE_HASH_SIZE))) == 0, NO_MEMORY,
		       "hashes of the manifest");
	*out = TAKE(array);
	return NULL;
}

struct err *pack_hashes_read(struct tree_hash *out, size_t max, size_t *out_num, const json_t *array, const char *what)
{
	size_t num = json_array_size(array);

	ENSURE(json_is_array(array) && num <= max, BAD_INPUT, "manifest: %s is no list of at most %zu hashes", what,
	       max);
	for (size_t i = 0; i < num; i++)
		TRY(hex_read(out[i].b, TREE_HASH_SIZE, json_array_get(array, i), what));
	*out_num = num;
	return NULL;
}

/* ---------------------------------------------------------------- CSV */

static struct err *csv_cell(struct buf *out, const char *text, bool is_last)
{
	TRY(buf_append_u8(out, '"'));
	if (text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL)
		TRY(buf_append_u8(out, '\''));
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			TRY(buf_append_u8(out, '"'));
		TRY(buf_append_u8(out, (uint8_t)*p));
	}
	return buf_append_str(out, is_last ? "\"\r\n" : "\",");
}

struct err *pack_csv_header(struct buf *out)
{
	return buf_append_str(out, "index,at,kind,role,person,what,why,objects,leaf\r\n");
}

static struct err *csv_lists(struct buf *what, struct buf *objects, const struct log_entry *entry)
{
	char hex[2 * TREE_HASH_SIZE + 1];

	for (size_t i = 0; i < entry->num_what; i++)
		TRY(buf_printf(what, "%s%s=%s", i == 0 ? "" : "; ", entry->what[i].name, entry->what[i].value));
	for (size_t i = 0; i < entry->num_objects; i++)
		TRY(buf_printf(objects, "%s%s=%s", i == 0 ? "" : "; ", entry->objects[i].name,
			       text_hex_fixed(hex, entry->objects[i].sha256)));
	return NULL;
}

struct err *pack_csv_line(struct buf *out, const struct pack_line *line)
{
	struct log_entry entry;
	OWN(buf) arena = BUF_INIT(ARENA_MAX);
	OWN(buf) what = BUF_INIT(ARENA_MAX);
	OWN(buf) objects = BUF_INIT(ARENA_MAX);
	char at[CLOCK_RFC3339_SIZE], hex[2 * TREE_HASH_SIZE + 1];
	const char *what_text, *objects_text;

	if (line->is_bare || !is_readable(&entry, &arena, line->entry))
		return NULL;
	TRY(csv_lists(&what, &objects, &entry));
	TRY(buf_str(&what, &what_text));
	TRY(buf_str(&objects, &objects_text));
	TRY(buf_printf(out, "%llu,", (unsigned long long)line->index));
	TRY(csv_cell(out, clock_rfc3339_ms(at, entry.at_ms), false));
	TRY(csv_cell(out, entry.kind, false));
	TRY(csv_cell(out, entry.role, false));
	TRY(csv_cell(out, entry.person, false));
	TRY(csv_cell(out, what_text, false));
	TRY(csv_cell(out, entry.why, false));
	TRY(csv_cell(out, objects_text, false));
	return csv_cell(out, text_hex_fixed(hex, SLICE(line->leaf.b, TREE_HASH_SIZE)), true);
}
