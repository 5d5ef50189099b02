/*
 * json.h - JSON from strangers, read strictly (RFC 8259): UTF-8, no doubled keys, no unknown keys, types as listed.
 *
 * Every refusal names the place as a path: "person.iin", "requests[0].csr", or "body" when it has none. Values borrow
 * from the document.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_JSON_H
#define RA_JSON_H

#include <jansson.h>

#include "base/buf.h"

enum { RA_JSON_PATH_SIZE = 64 };

OWN_POINTER(json, json_t *, json_decref)

/* ra_json_read() reads one JSON object, and nothing after it. *Owns* the result: the caller, json_decref().
 * *Errors* BAD_INPUT. */
struct err *ra_json_read(json_t **out, struct slice body) ERR_MUST_USE;

enum ra_json_type { RA_JSON_TEXT, RA_JSON_OBJECT, RA_JSON_ARRAY, RA_JSON_INTEGER, RA_JSON_BOOL };

struct ra_json_field {
	const char *name;
	enum ra_json_type type;
	bool is_required;
	size_t max; /* octets of a text, items of an array; 0: no limit but the body's */
};

/* ra_json_fields() finds the listed members of an object: out[i] belongs to fields[i], NULL where it is missing (JSON
 * null counts as missing). `path` is the object's own place, "" for the whole body. *Errors* BAD_INPUT: a member that is
 * not listed, of another type, too long, or missing though required. */
struct err *ra_json_fields(json_t **out, json_t *object, const char *path, const struct ra_json_field *fields,
			   size_t num_fields) ERR_MUST_USE;

/* ra_json_text() gives a text's octets, or an empty slice for NULL; ra_json_str() the NUL-terminated text ("" for NULL:
 * a NUL inside cannot be, the reader refuses it). */
struct slice ra_json_text(const json_t *value);
const char *ra_json_str(const json_t *value);

/* ra_json_base64() appends what a member holds in base64; ra_json_hex32() reads a SHA-256 in hexadecimal. `path` names
 * it. *Errors* BAD_INPUT, TOO_LARGE. */
struct err *ra_json_base64(struct buf *out, const json_t *value, const char *path) ERR_MUST_USE;
struct err *ra_json_hex32(uint8_t out[32], const json_t *value, const char *path) ERR_MUST_USE;

/* ra_json_path() joins a place and a member's name into out; returns out. */
const char *ra_json_path(char out[RA_JSON_PATH_SIZE], const char *path, const char *name);

/* ra_json_path_at() says which member the octet at `offset` belongs to, as far as the text can be followed; "body" when
 * to none. Works on broken JSON: that is what it is for. */
const char *ra_json_path_at(char out[RA_JSON_PATH_SIZE], struct slice body, size_t offset);

/* Making answers: each sets a member and is a no-op on a NULL object; json_dumps() of the whole shows a lost one as a
 * missing member only when memory ran out. */
void ra_json_set_str(json_t *object, const char *name, const char *text);
void ra_json_set_int(json_t *object, const char *name, int64_t value);
void ra_json_set_bool(json_t *object, const char *name, bool value);
void ra_json_set_hex(json_t *object, const char *name, struct slice bytes);
void ra_json_set_base64(json_t *object, const char *name, struct slice bytes);
void ra_json_set_time_ms(json_t *object, const char *name, int64_t at_ms); /* RFC 3339 */
void ra_json_set_time_s(json_t *object, const char *name, int64_t at_s);
/* ra_json_add_object() adds an empty object (or array) as a member, ra_json_append_object() to an array; they return it
 * borrowed. */
json_t *ra_json_add_object(json_t *object, const char *name);
json_t *ra_json_add_array(json_t *object, const char *name);
json_t *ra_json_append_object(json_t *array);

#endif
