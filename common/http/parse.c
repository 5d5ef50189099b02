/*
 * parse.c - the strict head of a request. See parse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/parse.h"

#include <string.h>

/* Character classes: token (RFC 9110 §5.6.2), field value (RFC 9110 §5.5: VCHAR, obs-text, SP, HTAB), target. */
enum { CLASS_TOKEN = 1, CLASS_VALUE = 2, CLASS_TARGET = 4 };

static bool is_class(uint8_t c, int class)
{
	static const char token_marks[] = "!#$%&'*+-.^_`|~";

	switch (class) {
	case CLASS_VALUE:
		return (c >= 0x20 && c != 0x7f) || c == '\t';
	case CLASS_TARGET:
		return c > 0x20 && c < 0x7f;
	default:
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		       (c != 0 && strchr(token_marks, c) != NULL);
	}
}

static bool all_class(struct slice s, int class)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_class(s.p[i], class))
			return false;
	return true;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool equal_nocase(struct slice s, const char *text)
{
	size_t n = strlen(text);

	if (s.len != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (lower(s.p[i]) != lower((uint8_t)text[i]))
			return false;
	return true;
}

static struct slice trim(struct slice s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

long http_scan_head(const uint8_t *p, size_t len, size_t *scanned)
{
	size_t at = *scanned;

	while (at < len) {
		const uint8_t *lf = memchr(p + at, '\n', len - at);
		size_t end = lf == NULL ? len : (size_t)(lf - p);

		if (memchr(p + at, '\0', end - at) != NULL)
			return -1;
		at = end;
		if (lf == NULL)
			break;
		if (at == 0 || p[at - 1] != '\r')
			return -1;
		at++;
		if (at >= 4 && p[at - 3] == '\n' && p[at - 4] == '\r') {
			*scanned = at;
			return (long)at;
		}
	}
	*scanned = at;
	return 0;
}

size_t http_skip_empty_lines(const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < 4 && n + 2 <= len && p[n] == '\r' && p[n + 1] == '\n')
		n += 2;
	return n;
}

/* Cuts the next line off `rest`, without its CR LF. The caller knows that the head ends with an empty line. */
static bool next_line(struct slice *line, struct slice *rest)
{
	const uint8_t *lf = memchr(rest->p, '\n', rest->len);

	if (lf == NULL || lf == rest->p || lf[-1] != '\r')
		return false;
	*line = SLICE(rest->p, (size_t)(lf - rest->p) - 1);
	*rest = SLICE(lf + 1, rest->len - (size_t)(lf + 1 - rest->p));
	return memchr(line->p, '\r', line->len) == NULL;
}

static int refuse(const char **out_reason, int status, const char *reason)
{
	*out_reason = reason;
	return status;
}

static int parse_method(struct http_head *out, const char **reason, struct slice m)
{
	static const char *const known[] = { "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH" };

	if (m.len == 0 || !all_class(m, CLASS_TOKEN))
		return refuse(reason, 400, "the method is no token");
	if (m.len == 4 && memcmp(m.p, "POST", 4) == 0)
		out->method = HTTP_POST;
	else if (m.len == 3 && memcmp(m.p, "GET", 3) == 0)
		out->method = HTTP_GET;
	else if (m.len == 4 && memcmp(m.p, "HEAD", 4) == 0)
		out->method = HTTP_HEAD;
	else {
		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			if (slice_equal(m, SLICE_STR(known[i])))
				return refuse(reason, 405, "the method is not served here");
		return refuse(reason, 501, "the method is not known");
	}
	return 0;
}

/* RFC 9112 §3.2: origin form, or absolute form, whose scheme and authority are passed over. */
static int parse_target(struct http_head *out, const char **reason, struct slice t)
{
	if (t.len == 0 || !all_class(t, CLASS_TARGET))
		return refuse(reason, 400, "the target is empty or holds a character that must be encoded");
	if (t.p[0] != '/') {
		static const char scheme[] = "http://";
		size_t n = sizeof scheme - 1;

		if (t.len <= n || !equal_nocase(SLICE(t.p, n), scheme))
			return refuse(reason, 400, "the target is no path");
		const uint8_t *slash = memchr(t.p + n, '/', t.len - n);
		const uint8_t *mark = memchr(t.p + n, '?', t.len - n);
		if (slash == NULL || slash == t.p + n || (mark != NULL && mark < slash))
			return refuse(reason, 400, "the absolute target has no host or no path");
		t = SLICE(slash, t.len - (size_t)(slash - t.p));
	}
	if (memchr(t.p, '#', t.len) != NULL)
		return refuse(reason, 400, "the target holds a fragment");
	const uint8_t *q = memchr(t.p, '?', t.len);
	out->path = q == NULL ? t : SLICE(t.p, (size_t)(q - t.p));
	out->query = q == NULL ? SLICE_NONE : SLICE(q + 1, t.len - (size_t)(q + 1 - t.p));
	return 0;
}

static int parse_request_line(struct http_head *out, const char **reason, struct slice line)
{
	const uint8_t *first = memchr(line.p, ' ', line.len);
	const uint8_t *last = memrchr(line.p, ' ', line.len);

	if (first == NULL || first == last)
		return refuse(reason, 400, "the request line has no three parts");
	struct slice version = SLICE(last + 1, line.len - (size_t)(last + 1 - line.p));
	if (version.len != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' || version.p[5] < '0' ||
	    version.p[5] > '9' || version.p[7] < '0' || version.p[7] > '9')
		return refuse(reason, 400, "the request line does not end in a version");
	if (version.p[5] != '1')
		return refuse(reason, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	out->minor = version.p[7] == '0' ? 0 : 1;
	int status = parse_method(out, reason, SLICE(line.p, (size_t)(first - line.p)));
	if (status != 0)
		return status;
	return parse_target(out, reason, SLICE(first + 1, (size_t)(last - first) - 1));
}

/* RFC 9110 §8.6: digits only, one value; a list of the same value is refused too. */
static bool parse_content_length(uint64_t *out, struct slice v)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 18)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	*out = n;
	return true;
}

/* Cuts the next member off a comma-separated list. */
static bool next_member(struct slice *member, struct slice *rest)
{
	while (rest->len > 0) {
		const uint8_t *comma = memchr(rest->p, ',', rest->len);
		size_t n = comma == NULL ? rest->len : (size_t)(comma - rest->p);

		*member = trim(SLICE(rest->p, n));
		*rest = comma == NULL ? SLICE_NONE : SLICE(comma + 1, rest->len - n - 1);
		if (member->len > 0)
			return true;
	}
	return false;
}

static bool list_has(struct slice list, const char *word)
{
	struct slice member;

	while (next_member(&member, &list))
		if (equal_nocase(member, word))
			return true;
	return false;
}

/* What the fields say about framing; gathered first, judged together. */
struct framing {
	unsigned hosts;
	bool has_transfer, transfer_is_chunked, closes, keeps, bad_host;
};

static int note_field(struct http_head *out, struct framing *f, const char **reason, const struct http_field *field)
{
	switch (field->name.len) {
	case 4:
		if (equal_nocase(field->name, "Host")) {
			f->hosts++;
			f->bad_host |= memchr(field->value.p, ' ', field->value.len) != NULL ||
				       memchr(field->value.p, ',', field->value.len) != NULL;
		}
		break;
	case 6:
		if (equal_nocase(field->name, "Expect")) {
			if (!equal_nocase(field->value, "100-continue"))
				return refuse(reason, 417, "the expectation is not known");
			out->expects_continue = true;
		}
		break;
	case 10:
		if (equal_nocase(field->name, "Connection")) {
			f->closes |= list_has(field->value, "close");
			f->keeps |= list_has(field->value, "keep-alive");
		}
		break;
	case 14:
		if (equal_nocase(field->name, "Content-Length")) {
			if (out->has_content_length)
				return refuse(reason, 400, "Content-Length stands twice");
			if (!parse_content_length(&out->content_length, field->value))
				return refuse(reason, 400, "Content-Length is no number");
			out->has_content_length = true;
		}
		break;
	case 17:
		if (equal_nocase(field->name, "Transfer-Encoding")) {
			f->transfer_is_chunked = !f->has_transfer && equal_nocase(field->value, "chunked");
			f->has_transfer = true;
		}
		break;
	default:
		break;
	}
	return 0;
}

/* RFC 9112 §6.1, §6.3: where two readers could disagree about the end of the request, it is refused. */
static int judge_framing(struct http_head *out, const struct framing *f, const char **reason)
{
	if (f->has_transfer && out->has_content_length)
		return refuse(reason, 400, "Content-Length and Transfer-Encoding together");
	if (f->has_transfer && out->minor == 0)
		return refuse(reason, 400, "Transfer-Encoding in HTTP/1.0");
	if (f->has_transfer && f->transfer_is_chunked)
		return refuse(reason, 411, "chunked bodies are not read here, send Content-Length");
	if (f->has_transfer)
		return refuse(reason, 501, "the transfer encoding is not known");
	if (f->hosts > 1 || f->bad_host || (f->hosts == 0 && out->minor == 1))
		return refuse(reason, 400, "HTTP/1.1 wants exactly one Host");
	if (out->method == HTTP_POST && !out->has_content_length)
		return refuse(reason, 411, "a POST needs Content-Length");
	out->keep_alive = !f->closes && (out->minor == 1 || f->keeps);
	out->expects_continue = out->expects_continue && out->minor == 1;
	return 0;
}

static int parse_field(struct http_field *out, const char **reason, struct slice line)
{
	const uint8_t *colon = memchr(line.p, ':', line.len);

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return refuse(reason, 400, "a header line is folded");
	if (colon == NULL || colon == line.p)
		return refuse(reason, 400, "a header line has no name");
	out->name = SLICE(line.p, (size_t)(colon - line.p));
	out->value = trim(SLICE(colon + 1, line.len - out->name.len - 1));
	if (!all_class(out->name, CLASS_TOKEN))
		return refuse(reason, 400, "the name of a header line is no token");
	if (!all_class(out->value, CLASS_VALUE))
		return refuse(reason, 400, "a header line holds a control character");
	return 0;
}

int http_parse_head(struct http_head *out, const char **out_reason, struct slice head)
{
	struct framing framing = { 0 };
	struct slice rest = head, line;

	out->keep_alive = out->expects_continue = out->has_content_length = false;
	out->content_length = 0;
	out->num_fields = 0;
	if (!next_line(&line, &rest))
		return refuse(out_reason, 400, "the request line does not end in CR LF");
	int status = parse_request_line(out, out_reason, line);
	while (status == 0) {
		if (!next_line(&line, &rest))
			return refuse(out_reason, 400, "a header line does not end in CR LF");
		if (line.len == 0)
			break;
		if (out->num_fields == HTTP_MAX_FIELDS)
			return refuse(out_reason, 431, "too many header lines");
		struct http_field *field = &out->fields[out->num_fields++];
		status = parse_field(field, out_reason, line);
		if (status == 0)
			status = note_field(out, &framing, out_reason, field);
	}
	if (status == 0 && rest.len != 0)
		return refuse(out_reason, 400, "an empty line stands within the head");
	return status != 0 ? status : judge_framing(out, &framing, out_reason);
}

struct slice http_head_field(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->num_fields; i++)
		if (equal_nocase(head->fields[i].name, name))
			return head->fields[i].value;
	return SLICE_NONE;
}
