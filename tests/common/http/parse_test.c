/*
 * parse_test.c - common/http/parse.c: what a head may look like, as a table that reads like RFC 9112.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "http/parse.h"
#include "support/suite.h"

struct head_case {
	const char *name;
	const char *text;
	int status; /* 0: accepted */
	const char *reason;
};

static const struct head_case heads[] = {
	{ "plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, "" },
	{ "HTTP/1.0 needs no Host", "GET /x?y HTTP/1.0\r\n\r\n", 0, "" },
	{ "absolute form (RFC 9112 §3.2.2)", "GET http://ocsp.pki.gov.kz/a HTTP/1.1\r\nHost: ocsp.pki.gov.kz\r\n\r\n",
	  0, "" },
	{ "POST with length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0, "" },
	{ "empty value, tabs", "GET / HTTP/1.1\r\nHost:\ta \r\nX:\r\n\r\n", 0, "" },
	{ "UTF-8 in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xd2\xb0\r\n\r\n", 0, "" },
	{ "bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400, "CR LF" },
	{ "bare CR in a value", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400, "CR LF" },
	{ "obs-fold (RFC 9112 §5.2)", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400, "folded" },
	{ "space before the colon (RFC 9112 §5.1)", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "no token" },
	{ "no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", 400, "no name" },
	{ "control character", "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400, "control" },
	{ "two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target" },
	{ "no version", "GET /\r\nHost: a\r\n\r\n", 400, "three parts" },
	{ "version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", 400, "version" },
	{ "HTTP/2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "HTTP/1.1" },
	{ "no Host (RFC 9112 §3.2)", "GET / HTTP/1.1\r\n\r\n", 400, "Host" },
	{ "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "Host" },
	{ "a list as Host", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "Host" },
	{ "target without slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "no path" },
	{ "fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "fragment" },
	{ "absolute without path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "no path" },
	{ "raw UTF-8 in the target", "GET /\xd2\xb0 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "encoded" },
	{ "PUT", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405, "not served" },
	{ "an invented method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not known" },
	{ "Content-Length twice (RFC 9112 §6.3)",
	  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, "twice" },
	{ "a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400, "no number" },
	{ "a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400, "no number" },
	{ "a length of 30 digits",
	  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000000000000000000000000\r\n\r\n", 400, "no number" },
	{ "length and chunks (RFC 9112 §6.1)",
	  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "together" },
	{ "chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 411, "Content-Length" },
	{ "chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0" },
	{ "gzip, chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "encoding" },
	{ "chunked twice",
	  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501,
	  "encoding" },
	{ "POST without a length", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411, "Content-Length" },
	{ "unknown expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: rain\r\n\r\n", 417, "expectation" },
};

START_TEST(test_heads)
{
	const struct head_case *c = &heads[_i];
	struct http_head head;
	const char *reason = "";
	size_t scanned = 0, len = strlen(c->text);

	ck_assert_msg(http_scan_head((const uint8_t *)c->text, len, &scanned) == (long)len, "%s: end of head", c->name);
	int status = http_parse_head(&head, &reason, SLICE_STR(c->text));
	ck_assert_msg(status == c->status, "%s: %d (%s), expected %d", c->name, status, reason, c->status);
	ck_assert_msg(strstr(reason, c->reason) != NULL, "%s: \"%s\" not in: %s", c->name, c->reason, reason);
}
END_TEST

static void scan_cases(const char *text, long want)
{
	size_t whole = 0, steps = 0, len = strlen(text);
	long found = 0;

	ck_assert_int_eq(http_scan_head((const uint8_t *)text, len, &whole), want);
	for (size_t n = 1; n <= len && found == 0; n++) /* byte by byte comes to the same */
		found = http_scan_head((const uint8_t *)text, n, &steps);
	ck_assert_int_eq(found, want);
}

START_TEST(test_scan)
{
	static const char nul[] = "GET /\0 HTTP/1.1\r\n\r\n";
	size_t scanned = 0;

	scan_cases("GET / HTTP/1.1\r\n\r\n", 18);
	scan_cases("GET / HTTP/1.1\r\nA: b\r\n\r\nrest", 24);
	scan_cases("GET / HTTP/1.1\r\nA: b\r\n", 0);
	scan_cases("GET / HTTP/1.1\n\n", -1);
	scan_cases("GET / HTTP/1.1\r\nA: b\n\r\n", -1);
	scan_cases("\n", -1);
	ck_assert_int_eq(http_scan_head((const uint8_t *)nul, sizeof nul - 1, &scanned), -1);
	ck_assert_uint_eq(http_skip_empty_lines((const uint8_t *)"\r\n\r\n\r\nG", 7), 4);
	ck_assert_uint_eq(http_skip_empty_lines((const uint8_t *)"\rG", 2), 0);
}
END_TEST

START_TEST(test_parts)
{
	struct http_head h;
	const char *reason;
	const char *text = "HEAD /a%20b?c=d?e HTTP/1.1\r\nHost: x:80\r\nconnection: Foo, CLOSE\r\nX-A:  1 2 \r\n\r\n";

	ck_assert_int_eq(http_parse_head(&h, &reason, SLICE_STR(text)), 0);
	ck_assert_int_eq(h.method, HTTP_HEAD);
	ck_assert(slice_equal(h.path, SLICE_STR("/a%20b")));
	ck_assert(slice_equal(h.query, SLICE_STR("c=d?e")));
	ck_assert(!h.keep_alive);
	ck_assert(slice_equal(http_head_field(&h, "x-a"), SLICE_STR("1 2")));
	ck_assert(http_head_field(&h, "x-b").p == NULL);

	text = "POST http://h/p HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 17\r\n\r\n";
	ck_assert_int_eq(http_parse_head(&h, &reason, SLICE_STR(text)), 0);
	ck_assert(h.keep_alive);
	ck_assert_int_eq(h.minor, 0);
	ck_assert_uint_eq(h.content_length, 17);
	ck_assert(slice_equal(h.path, SLICE_STR("/p")));

	text = "GET / HTTP/1.0\r\n\r\n";
	ck_assert_int_eq(http_parse_head(&h, &reason, SLICE_STR(text)), 0);
	ck_assert(!h.keep_alive);
}
END_TEST

START_TEST(test_too_many_fields)
{
	OWN(buf) b = BUF_INIT(65536);
	struct http_head h;
	const char *reason = "";

	ck_ok(buf_append_str(&b, "GET / HTTP/1.1\r\nHost: a\r\n"));
	for (int i = 0; i < HTTP_MAX_FIELDS; i++)
		ck_ok(buf_append_str(&b, "A: b\r\n"));
	ck_ok(buf_append_str(&b, "\r\n"));
	ck_assert_int_eq(http_parse_head(&h, &reason, buf_slice(&b)), 431);
}
END_TEST

static const struct {
	const char *field;
	uint64_t size;
	int want;
	uint64_t offset, length;
} ranges[] = {
	{ "bytes=0-0", 10, 1, 0, 1 },
	{ "bytes=2-4", 10, 1, 2, 3 },
	{ "bytes=5-", 10, 1, 5, 5 },
	{ "bytes=-3", 10, 1, 7, 3 },
	{ "bytes=-30", 10, 1, 0, 10 },
	{ "bytes=8-99", 10, 1, 8, 2 },
	{ "bytes=10-", 10, -1, 0, 0 },
	{ "bytes=-0", 10, -1, 0, 0 },
	{ "bytes=0-", 0, -1, 0, 0 },
	{ "bytes=4-2", 10, 0, 0, 0 },
	{ "bytes=0-1,3-4", 10, 0, 0, 0 },
	{ "bytes=", 10, 0, 0, 0 },
	{ "bytes=-", 10, 0, 0, 0 },
	{ "lines=1-2", 10, 0, 0, 0 },
	{ "bytes=a-b", 10, 0, 0, 0 },
	{ "bytes=1-2x", 10, 0, 0, 0 },
	{ "bytes=99999999999999999999-", 10, 0, 0, 0 },
};

START_TEST(test_ranges)
{
	uint64_t offset = 0, length = 0;

	int got = http_parse_range(&offset, &length, SLICE_STR(ranges[_i].field), ranges[_i].size);
	ck_assert_msg(got == ranges[_i].want, "%s: %d", ranges[_i].field, got);
	if (got == 1) {
		ck_assert_uint_eq(offset, ranges[_i].offset);
		ck_assert_uint_eq(length, ranges[_i].length);
	}
}
END_TEST

START_TEST(test_etags)
{
	struct slice tag = SLICE_STR("\"abc\"");

	ck_assert(http_etag_matches(SLICE_STR("\"abc\""), tag));
	ck_assert(http_etag_matches(SLICE_STR("*"), tag));
	ck_assert(http_etag_matches(SLICE_STR("W/\"abc\""), tag));
	ck_assert(http_etag_matches(SLICE_STR("\"x\", \"abc\""), tag));
	ck_assert(!http_etag_matches(SLICE_STR("\"abcd\""), tag));
	ck_assert(!http_etag_matches(SLICE_STR("abc"), tag));
	ck_assert(!http_etag_matches(SLICE_STR("\"abc"), tag));
	ck_assert(!http_etag_matches(SLICE_STR(""), tag));
	ck_assert(!http_etag_matches(SLICE_STR("W/"), tag));
}
END_TEST

START_TEST(test_dates)
{
	char out[HTTP_DATE_SIZE];
	int64_t at = 0;

	ck_assert_str_eq(http_date(out, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
	ck_assert_str_eq(http_date(out, 784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
	ck_assert_str_eq(http_date(out, 1795383628), "Sun, 22 Nov 2026 21:40:28 GMT");
	ck_assert(http_parse_date(&at, SLICE_STR("Sun, 06 Nov 1994 08:49:37 GMT")));
	ck_assert_int_eq(at, 784111777);
	ck_assert(!http_parse_date(&at, SLICE_STR("Mon, 06 Nov 1994 08:49:37 GMT"))); /* it was a Sunday */
	ck_assert(!http_parse_date(&at, SLICE_STR("Sun, 31 Feb 1994 08:49:37 GMT")));
	ck_assert(!http_parse_date(&at, SLICE_STR("Sun, 06 Nov 1994 08:49:37 UTC")));
	ck_assert(!http_parse_date(&at, SLICE_STR("Sunday, 06-Nov-94 08:49:37 GMT")));
	ck_assert(!http_parse_date(&at, SLICE_STR("")));
}
END_TEST

START_TEST(test_percent)
{
	uint8_t out[32];
	size_t len = 0;

	ck_assert(http_percent_decode(out, &len, SLICE_STR("a%2Fb%2b+%00")));
	ck_assert(slice_equal(SLICE(out, len), SLICE("a/b++\0", 6)));
	ck_assert(!http_percent_decode(out, &len, SLICE_STR("a%2")));
	ck_assert(!http_percent_decode(out, &len, SLICE_STR("%zz")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/http/parse");
	TCase *t = tcase_create("parse");

	tcase_add_loop_test(t, test_heads, 0, COUNT_OF(heads));
	tcase_add_test(t, test_scan);
	tcase_add_test(t, test_parts);
	tcase_add_test(t, test_too_many_fields);
	tcase_add_loop_test(t, test_ranges, 0, COUNT_OF(ranges));
	tcase_add_test(t, test_etags);
	tcase_add_test(t, test_dates);
	tcase_add_test(t, test_percent);
	suite_add_tcase(s, t);
	return suite_main(s);
}
