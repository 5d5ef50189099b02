/*
 * utf8.c - code points, letters and upper case of the Latin and Cyrillic scripts. See utf8.h.
 *
 * The ranges are those of Unicode's blocks; nothing depends on a locale or on the C library's tables, because cad and
 * signd must come to the same bytes on every machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/utf8.h"

static size_t sequence_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first <= 0xDF)
		return 2;
	if (first >= 0xE0 && first <= 0xEF)
		return 3;
	if (first >= 0xF0 && first <= 0xF4)
		return 4;
	return 0;
}

bool utf8_next(uint32_t *out, struct slice *rest)
{
	static const uint8_t first_mask[5] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (rest->len == 0)
		return false;
	size_t n = sequence_length(rest->p[0]);
	if (n == 0 || n > rest->len)
		return false;
	uint32_t c = rest->p[0] & first_mask[n];
	for (size_t i = 1; i < n; i++) {
		if ((rest->p[i] & 0xC0) != 0x80)
			return false;
		c = (c << 6) | (rest->p[i] & 0x3Fu);
	}
	if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return false;
	*out = c;
	*rest = SLICE(rest->p + n, rest->len - n);
	return true;
}

struct err *utf8_put(struct buf *out, uint32_t c)
{
	uint8_t b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		b[n++] = (uint8_t)(0xC0 | (c >> 6));
		b[n++] = (uint8_t)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		b[n++] = (uint8_t)(0xE0 | (c >> 12));
		b[n++] = (uint8_t)(0x80 | ((c >> 6) & 0x3F));
		b[n++] = (uint8_t)(0x80 | (c & 0x3F));
	} else {
		b[n++] = (uint8_t)(0xF0 | (c >> 18));
		b[n++] = (uint8_t)(0x80 | ((c >> 12) & 0x3F));
		b[n++] = (uint8_t)(0x80 | ((c >> 6) & 0x3F));
		b[n++] = (uint8_t)(0x80 | (c & 0x3F));
	}
	return buf_append(out, SLICE(b, n));
}

bool utf8_is_letter(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{ 'A', 'Z' },	    { 'a', 'z' },	{ 0x00C0, 0x00D6 }, { 0x00D8, 0x00F6 }, { 0x00F8, 0x024F },
		{ 0x0259, 0x0259 }, { 0x0400, 0x0481 }, { 0x048A, 0x052F }, { 0x1E00, 0x1E9E }, { 0x1EA0, 0x1EFF },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* Blocks in which capital and small letters alternate: the small one follows its capital, whose parity is given. */
static const struct {
	uint32_t first, last, capital_parity;
} pairs[] = {
	{ 0x0100, 0x012F, 0 }, { 0x0132, 0x0137, 0 }, { 0x0139, 0x0148, 1 }, { 0x014A, 0x0177, 0 },
	{ 0x0179, 0x017E, 1 }, { 0x01CD, 0x01DC, 1 }, { 0x01DE, 0x01EF, 0 }, { 0x01F8, 0x021F, 0 },
	{ 0x0222, 0x0233, 0 }, { 0x0460, 0x0481, 0 }, { 0x048A, 0x04BF, 0 }, { 0x04C1, 0x04CE, 1 },
	{ 0x04D0, 0x052F, 0 }, { 0x1E00, 0x1E95, 0 }, { 0x1EA0, 0x1EFF, 0 },
};

uint32_t utf8_upper(uint32_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 0x00E0 && c <= 0x00FE && c != 0x00F7) || (c >= 0x0430 && c <= 0x044F))
		return c - 0x20;
	if (c >= 0x0450 && c <= 0x045F) /* і of Kazakh, ё of Russian */
		return c - 0x50;
	switch (c) {
	case 0x00FF:
		return 0x0178;
	case 0x0131: /* dotless i */
		return 'I';
	case 0x0259: /* schwa of the Latin alphabet */
		return 0x018F;
	case 0x04CF: /* palochka */
		return 0x04C0;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (c >= pairs[i].first && c <= pairs[i].last)
			return (c & 1) == pairs[i].capital_parity ? c : c - 1;
	return c;
}
