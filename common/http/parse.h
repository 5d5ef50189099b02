/*
 * parse.h - the head of an HTTP/1.1 request, strictly: RFC 9112 without its tolerances.
 *
 * Pure functions over bytes; no socket, no allocation. A head ends with an empty line; every line ends with CR LF and
 * neither CR nor LF stands alone. No folded lines, no space before a colon, one Host in HTTP/1.1, one Content-Length
 * at most, never Content-Length and Transfer-Encoding together. What is refused here can therefore not be read in two
 * ways by us and by a proxy in front of us (request smuggling).
 *
 * Called by server.c; fuzzed by tests/fuzz/http_request_fuzz.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_HTTP_PARSE_H
#define COMMON_HTTP_PARSE_H

#include "base/buf.h"

#define HTTP_MAX_FIELDS 64 /* header lines of one request; more is refused with 431 */

enum http_method { HTTP_GET = 1, HTTP_HEAD = 2, HTTP_POST = 4 };

struct http_field {
	struct slice name; /* as sent; compare with http_head_field() */
	struct slice value; /* without white space around it */
};

/* A parsed head. All slices borrow the bytes that were parsed. */
struct http_head {
	enum http_method method;
	int minor; /* of HTTP/1.x: 0 or 1 */
	struct slice path; /* origin form, begins with '/', still percent-encoded */
	struct slice query; /* without '?', empty when there is none */
	bool keep_alive; /* the connection may stay open after the answer */
	bool expects_continue; /* Expect: 100-continue */
	bool has_content_length;
	uint64_t content_length;
	size_t num_fields;
	struct http_field fields[HTTP_MAX_FIELDS];
};

/* http_scan_head() looks for the end of a head in the len bytes at p. `scanned` is where the last look ended (0 at
 * first) and is moved on, so that a dripping client costs one look per byte. Result: the length of the head with its
 * empty line; 0 when it has not ended yet; -1 when a line ends in a bare LF or the line holds a NUL. Leading empty lines
 * (RFC 9112 §2.2) must have been skipped by http_skip_empty_lines(). */
long http_scan_head(const uint8_t *p, size_t len, size_t *scanned);

/* http_skip_empty_lines() gives the number of bytes of at most two leading CR LF pairs. */
size_t http_skip_empty_lines(const uint8_t *p, size_t len);

/* http_parse_head() reads a complete head (http_scan_head() gave its length). Result: 0, or the status of the refusal:
 * 400, 405 (method known to HTTP, not served here), 411 (chunked body), 414, 417, 431, 501, 505. The reason, a constant
 * text, goes to *out_reason. */
int http_parse_head(struct http_head *out, const char **out_reason, struct slice head);

/* http_head_field() gives the value of the first field of that name (any case), or SLICE_NONE. */
struct slice http_head_field(const struct http_head *head, const char *name);

/* http_parse_range() reads a Range field for a representation of `size` bytes (RFC 9110 §14.2): one range of bytes.
 * Result: 1 a range (offset and length given), 0 to be ignored (malformed, several ranges, another unit),
 * -1 not satisfiable. */
int http_parse_range(uint64_t *out_offset, uint64_t *out_length, struct slice field, uint64_t size);

/* http_etag_matches() says whether an If-None-Match field names the entity tag (quoted, as in ETag; weak comparison)
 * or is '*'. (RFC 9110 §13.1.2) */
bool http_etag_matches(struct slice if_none_match, struct slice etag);

#define HTTP_DATE_SIZE 30 /* "Sun, 22 Nov 2026 21:40:28 GMT" and NUL */
/* http_date() writes an IMF-fixdate; http_parse_date() reads one, false when it is none. (RFC 9110 §5.6.7) */
const char *http_date(char out[HTTP_DATE_SIZE], int64_t at_s);
bool http_parse_date(int64_t *out_s, struct slice text);

/* http_percent_decode() writes the decoded bytes of a path or query part into out (room for text.len bytes).
 * '+' stays. False when a '%' is not followed by two hexadecimal digits. */
bool http_percent_decode(uint8_t *out, size_t *out_len, struct slice text);

#endif
