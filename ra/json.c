/*
 * json.c - strict reading of JSON. See json.h.
 *
 * jansson refuses bad UTF-8, doubled keys, NULs, trailing bytes and deep nesting, but says where only by the offset:
 * ra_json_path_at() follows the text up to there once more to name the member.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

enum { PATH_DEPTH = 8 };

/* Where we are in the text: one frame for each open object or array. */
struct frame {
	bool is_array;
	bool has_key;
	size_t index;
	struct slice key;
};
struct walk {
	struct frame frames[PATH_DEPTH];
	size_t depth; /* may pass PATH_DEPTH: deeper frames are not told apart */
};

static struct frame *walk_top(struct walk *w)
{
	return w->depth == 0 || w->depth > PATH_DEPTH ? NULL : &w->frames[w->depth - 1];
}

static void walk_open(struct walk *w, bool is_array)
{
	if (w->depth < PATH_DEPTH)
		w->frames[w->depth] = (struct frame){ .is_array = is_array };
	w->depth++;
}

/* Reads the string that begins at body[at]; gives the offset behind it, or `end` when it goes on past there. */
static size_t walk_string(struct walk *w, struct slice body, size_t at, size_t end)
{
	size_t i = at + 1;

	while (i < end && body.p[i] != '"')
		i += body.p[i] == '\\' ? 2 : 1;
	struct frame *top = walk_top(w);
	if (top != NULL && !top->is_array && !top->has_key && i < body.len) {
		top->key = SLICE(body.p + at + 1, (i < end ? i : end) - at - 1);
		top->has_key = i < end;
	}
	return i + 1;
}

static void walk_to(struct walk *w, struct slice body, size_t end)
{
	for (size_t i = 0; i < end;) {
		struct frame *top = walk_top(w);

		switch (body.p[i]) {
		case '"':
			i = walk_string(w, body, i, end);
			continue;
		case '{':
		case '[':
			walk_open(w, body.p[i] == '[');
			break;
		case '}':
		case ']':
			w->depth -= w->depth > 0;
			break;
		case ',':
			if (top != NULL && top->is_array)
				top->index++;
			else if (top != NULL)
				top->has_key = false;
			break;
		default:
			break;
		}
		i++;
	}
}

/* Keys in paths: what is no plain word is shown as '?'. */
static size_t path_add_key(char *out, size_t used, struct slice key)
{
	for (size_t i = 0; i < key.len && used + 1 < RA_JSON_PATH_SIZE; i++) {
		unsigned char c = key.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';

		out[used++] = (char)(plain ? c : '?');
	}
	out[used] = '\0';
	return used;
}

const char *ra_json_path_at(char out[RA_JSON_PATH_SIZE], struct slice body, size_t offset)
{
	struct walk w = { .depth = 0 };
	size_t used = 0;

	walk_to(&w, body, offset < body.len ? offset : body.len);
	for (size_t i = 0; i < w.depth && i < PATH_DEPTH && used + 1 < RA_JSON_PATH_SIZE; i++) {
		const struct frame *f = &w.frames[i];

		if (f->is_array) {
			int n = snprintf(out + used, RA_JSON_PATH_SIZE - used, "[%zu]", f->index);

			used = used + (size_t)n < RA_JSON_PATH_SIZE ? used + (size_t)n : RA_JSON_PATH_SIZE - 1;
		} else if (f->key.len > 0) {
			if (used > 0)
				out[used++] = '.';
			used = path_add_key(out, used, f->key);
		}
	}
	if (used == 0)
		(void)snprintf(out, RA_JSON_PATH_SIZE, "body");
	return out;
}

static const char *reason_of(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		return "the same key stands here twice";
	case json_error_invalid_utf8:
		return "not well-formed UTF-8";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a NUL character";
	case json_error_end_of_input_expected:
		return "something stands after the end of the JSON text";
	case json_error_premature_end_of_input:
		return "the JSON text ends too early";
	case json_error_stack_overflow:
		return "nested too deeply";
	default:
		return "not valid JSON";
	}
}

struct err *ra_json_read(json_t **out, struct slice body)
{
	json_error_t error;
	char path[RA_JSON_PATH_SIZE];

	ENSURE_FIELD(body.len > 0, BAD_INPUT, "body", "empty; a JSON object is expected");
	OWN(json) doc = json_loadb((const char *)body.p, body.len, JSON_REJECT_DUPLICATES, &error);
	if (doc == NULL) {
		size_t at = error.position > 0 ? (size_t)error.position : 0;

		return ERR_FIELD(BAD_INPUT, ra_json_path_at(path, body, at), "%s (byte %zu)", reason_of(&error), at);
	}
	ENSURE_FIELD(json_is_object(doc), BAD_INPUT, "body", "a JSON object is expected");
	*out = TAKE(doc);
	return NULL;
}

const char *ra_json_path(char out[RA_JSON_PATH_SIZE], const char *path, const char *name)
{
	int n = snprintf(out, RA_JSON_PATH_SIZE, "%s%s", path, path[0] == '\0' ? "" : ".");

	if (n >= 0 && n < RA_JSON_PATH_SIZE)
		(void)path_add_key(out, (size_t)n, SLICE_STR(name));
	return out;
}

static bool has_type(const json_t *value, enum ra_json_type type)
{
	switch (type) {
	case RA_JSON_TEXT:
		return json_is_string(value);
	case RA_JSON_OBJECT:
		return json_is_object(value);
	case RA_JSON_ARRAY:
		return json_is_array(value);
	case RA_JSON_INTEGER:
		return json_is_integer(value);
	case RA_JSON_BOOL:
		return json_is_boolean(value);
	}
	return false;
}

static struct err *check_value(const json_t *value, const char *path, const struct ra_json_field *field)
{
	static const char *const wanted[] = { "a text", "an object", "a list", "an integer", "true or false" };
	char place[RA_JSON_PATH_SIZE];

	(void)ra_json_path(place, path, field->name);
	ENSURE_FIELD(has_type(value, field->type), BAD_INPUT, place, "%s is expected", wanted[field->type]);
	if (field->max == 0)
		return NULL;
	if (field->type == RA_JSON_TEXT)
		ENSURE_FIELD(json_string_length(value) <= field->max, BAD_INPUT, place, "longer than %zu octets",
			     field->max);
	if (field->type == RA_JSON_ARRAY)
		ENSURE_FIELD(json_array_size(value) <= field->max, BAD_INPUT, place, "more than %zu items", field->max);
	return NULL;
}

struct err *ra_json_fields(json_t **out, json_t *object, const char *path, const struct ra_json_field *fields,
			   size_t num_fields)
{
	const char *key;
	json_t *value;
	char place[RA_JSON_PATH_SIZE];

	ENSURE_FIELD(json_is_object(object), BAD_INPUT, path[0] == '\0' ? "body" : path, "an object is expected");
	for (size_t i = 0; i < num_fields; i++)
		out[i] = NULL;
	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (i < num_fields && strcmp(fields[i].name, key) != 0)
			i++;
		ENSURE_FIELD(i < num_fields, BAD_INPUT, ra_json_path(place, path, key), "no such field is known here");
		if (json_is_null(value))
			continue;
		TRY(check_value(value, path, &fields[i]));
		out[i] = value;
	}
	for (size_t i = 0; i < num_fields; i++)
		ENSURE_FIELD(out[i] != NULL || !fields[i].is_required, BAD_INPUT,
			     ra_json_path(place, path, fields[i].name), "missing");
	return NULL;
}

struct slice ra_json_text(const json_t *value)
{
	return value == NULL ? SLICE_NONE : SLICE(json_string_value(value), json_string_length(value));
}

const char *ra_json_str(const json_t *value)
{
	return value == NULL ? "" : json_string_value(value);
}

struct err *ra_json_base64(struct buf *out, const json_t *value, const char *path)
{
	OWN(err) e = text_unbase64(out, ra_json_text(value));
	char text[200];

	if (e == NULL)
		return NULL;
	return ERR_FIELD(BAD_INPUT, path, "base64: %s", err_text(e, text, sizeof text));
}

struct err *ra_json_hex32(uint8_t out[32], const json_t *value, const char *path)
{
	OWN(buf) bytes = BUF_INIT(32);
	OWN(err) e = text_unhex(&bytes, ra_json_text(value));

	ENSURE_FIELD(e == NULL && bytes.len == 32, BAD_INPUT, path, "64 hexadecimal digits are expected (SHA-256)");
	memcpy(out, bytes.p, 32);
	return NULL;
}

/* A value that could not be made (no memory) leaves the member out; jansson accepts NULL and says so by -1. */
static void set_new(json_t *object, const char *name, json_t *value)
{
	if (object != NULL)
		(void)json_object_set_new(object, name, value);
	else
		json_decref(value);
}

void ra_json_set_str(json_t *object, const char *name, const char *text)
{
	set_new(object, name, json_string(text));
}

void ra_json_set_int(json_t *object, const char *name, int64_t value)
{
	set_new(object, name, json_integer(value));
}

void ra_json_set_bool(json_t *object, const char *name, bool value)
{
	set_new(object, name, json_boolean(value));
}

static void set_encoded(json_t *object, const char *name, struct slice bytes,
			struct err *(*encode)(struct buf *, struct slice))
{
	OWN(buf) text = BUF_INIT(bytes.len * 2 + 8);
	OWN(err) e = encode(&text, bytes);

	if (e == NULL)
		set_new(object, name, json_stringn((const char *)text.p, text.len));
}

void ra_json_set_hex(json_t *object, const char *name, struct slice bytes)
{
	set_encoded(object, name, bytes, text_hex);
}

void ra_json_set_base64(json_t *object, const char *name, struct slice bytes)
{
	set_encoded(object, name, bytes, text_base64);
}

void ra_json_set_time_ms(json_t *object, const char *name, int64_t at_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	ra_json_set_str(object, name, clock_rfc3339_ms(text, at_ms));
}

void ra_json_set_time_s(json_t *object, const char *name, int64_t at_s)
{
	char text[CLOCK_RFC3339_SIZE];

	ra_json_set_str(object, name, clock_rfc3339(text, at_s));
}

json_t *ra_json_add_object(json_t *object, const char *name)
{
	set_new(object, name, json_object());
	return json_object_get(object, name);
}

json_t *ra_json_add_array(json_t *object, const char *name)
{
	set_new(object, name, json_array());
	return json_object_get(object, name);
}

json_t *ra_json_append_object(json_t *array)
{
	json_t *object = json_object();

	if (json_array_append_new(array, object) != 0)
		return NULL;
	return object;
}
