/*
 * problem.c - problem documents. See problem.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/problem.h"

#include <stdio.h>
#include <string.h>

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *http_reason(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

int http_status_of(enum err_code code)
{
	switch (code) {
	case ERR_OK:
		return 200;
	case ERR_BAD_INPUT:
		return 400;
	case ERR_TOO_LARGE:
		return 413;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_DENIED:
		return 403;
	case ERR_TIMEOUT:
		return 504;
	case ERR_RETRY:
	case ERR_GONE:
		return 503;
	default:
		return 500;
	}
}

/* Length of the well-formed UTF-8 character at p, 0 when there is none (RFC 3629 §4). */
static size_t utf8_char(const uint8_t *p, size_t len)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static struct err *append_json_text(struct buf *out, const char *text)
{
	struct slice s = SLICE_STR(text);

	TRY(buf_append_u8(out, '"'));
	for (size_t i = 0; i < s.len;) {
		size_t n = utf8_char(s.p + i, s.len - i);

		if (n == 0)
			TRY(buf_append_str(out, "\\ufffd"));
		else if (s.p[i] == '"' || s.p[i] == '\\')
			TRY(buf_printf(out, "\\%c", s.p[i]));
		else if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			TRY(buf_printf(out, "\\u%04x", s.p[i]));
		else
			TRY(buf_append(out, SLICE(s.p + i, n)));
		i += n == 0 ? 1 : n;
	}
	return buf_append_u8(out, '"');
}

static struct err *append_member(struct buf *out, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return NULL;
	TRY(buf_printf(out, ",\"%s\":", name));
	return append_json_text(out, value);
}

struct err *http_problem(struct buf *out, int status, const char *word, const char *detail, const char *field)
{
	TRY(buf_printf(out, "{\"type\":\"%s%s\"", HTTP_PROBLEM_TYPE, word));
	TRY(append_member(out, "title", http_reason(status)));
	TRY(buf_printf(out, ",\"status\":%d", status));
	TRY(append_member(out, "detail", detail));
	TRY(append_member(out, "field", field));
	return buf_append_u8(out, '}');
}

struct err *http_problem_of(struct buf *out, int status, const struct err *e)
{
	char text[1024];
	enum err_code code = err_code(e);

	if (err_category(code) == ERR_FAULT)
		return http_problem(out, status, err_code_word(code), NULL, NULL);
	return http_problem(out, status, err_code_word(code), err_text(e, text, sizeof text), err_field(e));
}
