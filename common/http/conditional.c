/*
 * conditional.c - ranges, entity tags, dates and percent-encoding of parse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/parse.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static bool take_number(uint64_t *out, struct slice *s)
{
	uint64_t n = 0;
	size_t i = 0;

	while (i < s->len && i < 18 && s->p[i] >= '0' && s->p[i] <= '9')
		n = n * 10 + (uint64_t)(s->p[i++] - '0');
	if (i == 0)
		return false;
	*out = n;
	s->p += i;
	s->len -= i;
	return true;
}

int http_parse_range(uint64_t *out_offset, uint64_t *out_length, struct slice field, uint64_t size)
{
	struct slice s = field;
	uint64_t first = 0, last = 0;

	if (s.len < 7 || memcmp(s.p, "bytes=", 6) != 0)
		return 0;
	s = SLICE(s.p + 6, s.len - 6);
	if (s.p[0] == '-') { /* the last n bytes */
		s = SLICE(s.p + 1, s.len - 1);
		if (!take_number(&last, &s) || s.len != 0)
			return 0;
		if (last == 0 || size == 0)
			return -1;
		*out_offset = last >= size ? 0 : size - last;
		*out_length = size - *out_offset;
		return 1;
	}
	if (!take_number(&first, &s) || s.len == 0 || s.p[0] != '-')
		return 0;
	s = SLICE(s.p + 1, s.len - 1);
	if (s.len == 0)
		last = UINT64_MAX;
	else if (!take_number(&last, &s) || s.len != 0 || last < first)
		return 0;
	if (first >= size)
		return -1;
	*out_offset = first;
	*out_length = (last >= size ? size - 1 : last) - first + 1;
	return 1;
}

static struct slice strip_weak(struct slice tag)
{
	if (tag.len > 2 && tag.p[0] == 'W' && tag.p[1] == '/')
		return SLICE(tag.p + 2, tag.len - 2);
	return tag;
}

bool http_etag_matches(struct slice if_none_match, struct slice etag)
{
	struct slice rest = if_none_match;

	etag = strip_weak(etag);
	if (slice_equal(rest, SLICE_STR("*")))
		return true;
	while (rest.len > 0) {
		if (rest.p[0] == ' ' || rest.p[0] == '\t' || rest.p[0] == ',') {
			rest = SLICE(rest.p + 1, rest.len - 1);
			continue;
		}
		struct slice tag = strip_weak(rest);
		if (tag.p[0] != '"')
			return false;
		const uint8_t *end = memchr(tag.p + 1, '"', tag.len - 1);
		if (end == NULL)
			return false;
		size_t n = (size_t)(end - tag.p) + 1;
		if (slice_equal(SLICE(tag.p, n), etag))
			return true;
		rest = SLICE(tag.p + n, tag.len - n);
	}
	return false;
}

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static void put_two(char *out, int n)
{
	out[0] = (char)('0' + n / 10 % 10);
	out[1] = (char)('0' + n % 10);
}

const char *http_date(char out[HTTP_DATE_SIZE], int64_t at_s)
{
	struct civil c;
	int64_t days = at_s >= 0 ? at_s / 86400 : -((-at_s + 86399) / 86400);
	int week_day = (int)(((days + 4) % 7 + 7) % 7);

	clock_civil(&c, at_s);
	memcpy(out, "Xxx, 00 Xxx 0000 00:00:00 GMT", HTTP_DATE_SIZE);
	memcpy(out, day_names + 3 * week_day, 3);
	put_two(out + 5, c.day);
	memcpy(out + 8, month_names + 3 * (c.month - 1), 3);
	put_two(out + 12, c.year / 100);
	put_two(out + 14, c.year);
	put_two(out + 17, c.hour);
	put_two(out + 20, c.minute);
	put_two(out + 23, c.second);
	return out;
}

static bool get_two(int *out, const uint8_t *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*out = (p[0] - '0') * 10 + (p[1] - '0');
	return true;
}

bool http_parse_date(int64_t *out_s, struct slice text)
{
	const uint8_t *p = text.p;
	struct civil c = { 0 };
	int century = 0, year = 0;
	char again[HTTP_DATE_SIZE];

	if (text.len != HTTP_DATE_SIZE - 1)
		return false;
	for (c.month = 1; c.month <= 12; c.month++)
		if (memcmp(p + 8, month_names + 3 * (c.month - 1), 3) == 0)
			break;
	if (!get_two(&c.day, p + 5) || !get_two(&century, p + 12) || !get_two(&year, p + 14) ||
	    !get_two(&c.hour, p + 17) || !get_two(&c.minute, p + 20) || !get_two(&c.second, p + 23))
		return false;
	c.year = century * 100 + year;
	if (!clock_civil_ok(&c))
		return false;
	*out_s = clock_civil_to_s(&c);
	/* Writing it again checks the fixed characters and the day of the week. */
	return memcmp(http_date(again, *out_s), p, text.len) == 0;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_percent_decode(uint8_t *out, size_t *out_len, struct slice text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] != '%') {
			out[n++] = text.p[i];
			continue;
		}
		int high = i + 2 < text.len ? hex_digit(text.p[i + 1]) : -1;
		int low = i + 2 < text.len ? hex_digit(text.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return false;
		out[n++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	*out_len = n;
	return true;
}
