/*
 * text.c - hexadecimal, base64, UTF-8. See text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const char *text_hex_fixed(char *out, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		out[2 * i] = hex_digits[bytes.p[i] >> 4];
		out[2 * i + 1] = hex_digits[bytes.p[i] & 15];
	}
	out[2 * bytes.len] = '\0';
	return out;
}

struct err *text_hex(struct buf *out, struct slice bytes)
{
	uint8_t *at;

	TRY(buf_extend(out, &at, 2 * bytes.len));
	for (size_t i = 0; i < bytes.len; i++) {
		at[2 * i] = (uint8_t)hex_digits[bytes.p[i] >> 4];
		at[2 * i + 1] = (uint8_t)hex_digits[bytes.p[i] & 15];
	}
	return NULL;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

struct err *text_unhex(struct buf *out, struct slice hex)
{
	uint8_t *at;

	ENSURE(hex.len % 2 == 0, BAD_INPUT, "hexadecimal text has an odd number of digits");
	for (size_t i = 0; i < hex.len; i++)
		ENSURE(hex_value(hex.p[i]) >= 0, BAD_INPUT, "character %zu is no hexadecimal digit", i + 1);
	TRY(buf_extend(out, &at, hex.len / 2));
	for (size_t i = 0; i < hex.len / 2; i++)
		at[i] = (uint8_t)(hex_value(hex.p[2 * i]) << 4 | hex_value(hex.p[2 * i + 1]));
	return NULL;
}

struct err *text_base64(struct buf *out, struct slice bytes)
{
	uint8_t *at;

	TRY(buf_extend(out, &at, (bytes.len + 2) / 3 * 4));
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t v = (uint32_t)bytes.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)bytes.p[i + 1] << 8;
		if (left > 2)
			v |= bytes.p[i + 2];
		*at++ = (uint8_t)base64_digits[v >> 18];
		*at++ = (uint8_t)base64_digits[v >> 12 & 63];
		*at++ = left > 1 ? (uint8_t)base64_digits[v >> 6 & 63] : '=';
		*at++ = left > 2 ? (uint8_t)base64_digits[v & 63] : '=';
	}
	return NULL;
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Decodes the 2 to 4 significant characters of one group into 1 to 3 bytes. */
static struct err *base64_group(struct buf *out, const uint8_t *chars, size_t n)
{
	uint32_t v = 0;
	uint8_t bytes[3];

	for (size_t i = 0; i < 4; i++) {
		int digit = i < n ? base64_value(chars[i]) : 0;

		ENSURE(digit >= 0, BAD_INPUT, "a character is not of the base64 alphabet (RFC 4648 §4)");
		v = v << 6 | (uint32_t)digit;
	}
	bytes[0] = (uint8_t)(v >> 16);
	bytes[1] = (uint8_t)(v >> 8);
	bytes[2] = (uint8_t)v;
	uint32_t rest = n == 2 ? v & 0xffff : n == 3 ? v & 0xff : 0;
	ENSURE(rest == 0, BAD_INPUT, "base64 ends in bits that are not zero (RFC 4648 §3.5)");
	return buf_append(out, SLICE(bytes, n - 1));
}

struct err *text_unbase64(struct buf *out, struct slice text)
{
	size_t before = out->len;

	ENSURE(text.len % 4 == 0, BAD_INPUT, "base64 text is not a multiple of four characters (RFC 4648 §4)");
	for (size_t i = 0; i < text.len; i += 4) {
		size_t n = 4;

		if (i + 4 == text.len && text.p[i + 3] == '=')
			n = text.p[i + 2] == '=' ? 2 : 3;
		struct err *e = base64_group(out, text.p + i, n);
		if (e != NULL) {
			out->len = before;
			return e;
		}
	}
	return NULL;
}

/* Decodes one character at p; 0 when it is not well formed. */
static size_t utf8_next(uint32_t *out, const uint8_t *p, size_t len)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;

	if (n == 0 || n > len)
		return 0;
	if (n > 1)
		c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	*out = c;
	return n;
}

struct err *text_utf8_length(size_t *out, struct slice text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; count++) {
		uint32_t c = 0;
		size_t n = utf8_next(&c, text.p + i, text.len - i);

		ENSURE(n != 0, BAD_INPUT, "byte %zu: not well-formed UTF-8", i + 1);
		ENSURE(c != 0, BAD_INPUT, "byte %zu: a NUL character", i + 1);
		i += n;
	}
	*out = count;
	return NULL;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x2069) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

bool text_has_control(struct slice text)
{
	for (size_t i = 0; i < text.len;) {
		uint32_t c = 0;
		size_t n = utf8_next(&c, text.p + i, text.len - i);

		if (n == 0 || is_control(c))
			return true;
		i += n;
	}
	return false;
}

bool text_is_digits(const char *text, size_t n)
{
	if (strlen(text) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}
