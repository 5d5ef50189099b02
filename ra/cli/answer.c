/*
 * answer.c - members of JSON answers and requests, and paths. See client.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "ra/cli/client.h"

enum { MEMBER_MAX = 48 * 1024 * 1024 };

static struct err *escaped_append(struct buf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (const char *p = text; *p != '\0'; p++) {
		if (strchr(plain, *p) != NULL)
			TRY(buf_append_u8(out, (uint8_t)*p));
		else
			TRY(buf_printf(out, "%%%02X", (unsigned)(uint8_t)*p));
	}
	return NULL;
}

struct err *client_path(struct buf *out, const char *fmt, ...)
{
	va_list ap;
	struct err *e = NULL;

	va_start(ap, fmt);
	for (const char *p = fmt; *p != '\0' && e == NULL; p++) {
		if (p[0] == '%' && p[1] == 's') {
			e = escaped_append(out, va_arg(ap, const char *));
			p++;
		} else {
			e = buf_append_u8(out, (uint8_t)*p);
		}
	}
	va_end(ap);
	return e;
}

struct err *answer_text(const char **out, const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	ENSURE_FIELD(text != NULL, BAD_INPUT, member, "there is no text \"%s\" in what was received", member);
	*out = text;
	return NULL;
}

const char *answer_text_or(const json_t *object, const char *member, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text != NULL ? text : otherwise;
}

struct err *answer_array(json_t **out, const json_t *object, const char *member)
{
	json_t *array = json_object_get(object, member);

	ENSURE_FIELD(json_is_array(array), BAD_INPUT, member, "there is no list \"%s\" in what was received", member);
	*out = array;
	return NULL;
}

struct err *answer_base64(struct buf *out, const json_t *object, const char *member)
{
	const char *text = "";

	TRY(answer_text(&text, object, member));
	struct err *e = text_unbase64(out, SLICE_STR(text));
	return e == NULL ? NULL : ERR_WRAP(e, "%s, as it was received", member);
}

struct err *request_text(json_t *object, const char *member, const char *value, const char *field)
{
	size_t length;

	if (value == NULL)
		return NULL;
	struct err *e = text_utf8_length(&length, SLICE_STR(value));
	if (e != NULL) {
		err_destroy(&e);
		return ERR_FIELD(BAD_INPUT, field, "the text is not well-formed UTF-8; set the terminal to UTF-8");
	}
	ENSURE(json_object_set_new(object, member, json_string(value)) == 0, NO_MEMORY, "out of memory");
	return NULL;
}

struct err *request_base64(json_t *object, const char *member, struct slice bytes)
{
	OWN(buf) text = BUF_INIT(MEMBER_MAX);

	TRY(text_base64(&text, bytes));
	ENSURE(json_object_set_new(object, member, json_stringn((const char *)text.p, text.len)) == 0, NO_MEMORY,
	       "out of memory");
	return NULL;
}
