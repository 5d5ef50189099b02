/*
 * der_gate.c - the strict DER gate: a walk over tags and lengths that no OpenSSL parser precedes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "asn1/der_internal.h"
#include "asn1/oid.h"
#include "base/clock.h"
#include "base/text.h"

#define CLASS_MASK	0xC0u
#define CONSTRUCTED	0x20u
#define TAG_MASK	0x1Fu
#define MAX_LENGTH_SIZE 4
#define MAX_TAG_SIZE	4

static const char *tag_parse(size_t *out_len, const uint8_t *p, size_t left)
{
	size_t n = 1;

	if ((p[0] & TAG_MASK) != TAG_MASK) {
		*out_len = 1;
		return NULL;
	}
	if (left < 2)
		return "the tag is cut off";
	if (p[1] == 0x80 || p[1] < TAG_MASK)
		return "the tag number is not minimal";
	while (n < left && n <= MAX_TAG_SIZE && (p[n] & 0x80) != 0)
		n++;
	if (n > MAX_TAG_SIZE)
		return "the tag number is too large";
	if (n == left)
		return "the tag is cut off";
	*out_len = n + 1;
	return NULL;
}

const char *der_head_parse(struct der_head *out, const uint8_t *p, size_t left)
{
	size_t tag_len = 0;

	if (left == 0)
		return "nothing is left";
	const char *wrong = tag_parse(&tag_len, p, left);
	if (wrong != NULL)
		return wrong;
	if (left == tag_len)
		return "the length is missing";
	size_t first = p[tag_len];
	size_t header_len = tag_len + 1;
	size_t len = first;
	if (first == 0x80)
		return "the length is indefinite";
	if (first > 0x80) {
		size_t n = first & 0x7F;
		if (n > MAX_LENGTH_SIZE)
			return "the length is too large";
		if (left - header_len < n)
			return "the length is cut off";
		len = 0;
		for (size_t i = 0; i < n; i++)
			len = len << 8 | p[header_len + i];
		if (p[header_len] == 0 || len < 0x80)
			return "the length is not minimal";
		header_len += n;
	}
	if (len > left - header_len)
		return "the value is cut off";
	*out = (struct der_head){ p[0], header_len, len };
	return NULL;
}

static const char *integer_check(struct slice c)
{
	if (c.len == 0)
		return "the integer is empty";
	if (c.len > 1 && ((c.p[0] == 0x00 && c.p[1] < 0x80) || (c.p[0] == 0xFF && c.p[1] >= 0x80)))
		return "the integer is not minimal";
	return NULL;
}

static const char *bits_check(struct slice c)
{
	if (c.len == 0 || c.p[0] > 7 || (c.len == 1 && c.p[0] != 0))
		return "the bit string's count of unused bits is wrong";
	if ((c.p[c.len - 1] & ((1u << c.p[0]) - 1)) != 0 && c.len > 1)
		return "the bit string's unused bits are not zero";
	return NULL;
}

static const char *time_check(uint8_t id, struct slice c)
{
	size_t seconds_end = id == DER_UTC_TIME ? 12 : 14;
	char digits[15] = { 0 };

	if (c.len <= seconds_end || c.p[c.len - 1] != 'Z')
		return "the time does not end in Z after its seconds";
	memcpy(digits, c.p, seconds_end);
	if (!text_is_digits(digits, seconds_end))
		return "the time has other characters than digits";
	if (c.len > seconds_end + 1) { /* X.690 §11.7.3: a fraction without trailing zeros */
		if (id == DER_UTC_TIME || c.len < seconds_end + 3 || c.p[seconds_end] != '.' || c.p[c.len - 2] == '0')
			return "the time has a wrong fraction";
		for (size_t i = seconds_end + 1; i < c.len - 1; i++)
			if (c.p[i] < '0' || c.p[i] > '9')
				return "the time has a wrong fraction";
	}
	int64_t ignored;
	struct slice whole_seconds = c;
	char plain[16];
	if (c.len > seconds_end + 1) {
		memcpy(plain, c.p, seconds_end);
		plain[seconds_end] = 'Z';
		whole_seconds = SLICE(plain, seconds_end + 1);
	}
	return der_civil_decode(&ignored, id, whole_seconds) ? NULL : "the time is no date";
}

static const char *oid_content_check(struct slice c)
{
	return oid_check(c) ? NULL : "the object identifier is malformed";
}

static const char *utf8_check(struct slice c)
{
	size_t ignored;
	OWN(err) e = text_utf8_length(&ignored, c);

	return e == NULL ? NULL : "the text is not UTF-8";
}

const char *der_content_check(uint8_t id, struct slice c)
{
	switch (id) {
	case DER_BOOLEAN:
		return c.len == 1 && (c.p[0] == 0x00 || c.p[0] == 0xFF) ? NULL : "the boolean is neither 00 nor FF";
	case DER_INTEGER:
	case DER_ENUMERATED:
		return integer_check(c);
	case DER_BIT_STRING:
		return bits_check(c);
	case DER_NULL:
		return c.len == 0 ? NULL : "the null is not empty";
	case DER_OID:
		return oid_content_check(c);
	case DER_UTF8_STRING:
		return utf8_check(c);
	case DER_UTC_TIME:
	case DER_GENERALIZED_TIME:
		return time_check(id, c);
	case 0x1E: /* BMPString */
		return c.len % 2 == 0 ? NULL : "the BMP string has half a character";
	case 0x1C: /* UniversalString */
		return c.len % 4 == 0 ? NULL : "the universal string has a part of a character";
	case DER_OCTET_STRING:
	case 0x0D: /* RELATIVE-OID */
	case 0x12: /* NumericString */
	case DER_PRINTABLE_STRING:
	case 0x14: /* TeletexString */
	case DER_IA5_STRING:
	case 0x1A: /* VisibleString */
	case 0x1B: /* GeneralString */
		return NULL;
	default:
		return "the type is not allowed in this form";
	}
}

struct walk {
	const uint8_t *start;
	unsigned flags;
	const char *wrong;
	const uint8_t *at;
};

static bool walk_fails(struct walk *w, const char *wrong, const uint8_t *at)
{
	w->wrong = wrong;
	w->at = at;
	return false;
}

static bool walk_value(struct walk *w, const uint8_t *p, size_t left, int depth, size_t *out_len);

static bool walk_members(struct walk *w, struct slice content, int depth, bool is_ordered)
{
	struct slice before = SLICE_NONE;

	for (size_t at = 0; at < content.len;) {
		size_t len = 0;
		if (!walk_value(w, content.p + at, content.len - at, depth, &len))
			return false;
		struct slice member = SLICE(content.p + at, len);
		if (is_ordered && before.p != NULL && slice_compare(before, member) > 0)
			return walk_fails(w, "the members of the set are not in order", member.p);
		before = member;
		at += len;
	}
	return true;
}

static bool walk_value(struct walk *w, const uint8_t *p, size_t left, int depth, size_t *out_len)
{
	struct der_head head = { 0 };
	const char *wrong = der_head_parse(&head, p, left);

	if (wrong == NULL && depth > ((w->flags & DER_DEEP) != 0 ? DER_MAX_DEPTH_CMS : DER_MAX_DEPTH))
		wrong = "the values are nested too deep";
	if (wrong != NULL)
		return walk_fails(w, wrong, p);
	struct slice content = SLICE(p + head.header_len, head.content_len);
	*out_len = head.header_len + head.content_len;
	bool is_universal = (head.id & CLASS_MASK) == 0;
	if ((head.id & CONSTRUCTED) != 0) {
		if (is_universal && head.id != DER_SEQUENCE && head.id != DER_SET)
			return walk_fails(w, "the type is not allowed in constructed form", p);
		return walk_members(w, content, depth + 1, head.id == DER_SET && (w->flags & DER_SET_ORDER) != 0);
	}
	wrong = is_universal ? der_content_check(head.id, content) : NULL;
	return wrong == NULL || walk_fails(w, wrong, p);
}

struct err *der_strict_flags(struct slice der, size_t max_len, unsigned flags)
{
	struct walk w = { der.p, flags, NULL, der.p };
	size_t len = 0;

	ENSURE(der.len <= max_len, TOO_LARGE, "DER: %zu octets, at most %zu are allowed", der.len, max_len);
	if (!walk_value(&w, der.p, der.len, 1, &len))
		return ERR(BAD_INPUT, "X.690 §10: DER: at octet %td: %s", w.at - w.start, w.wrong);
	ENSURE(len == der.len, BAD_INPUT, "DER: %zu octets follow the value", der.len - len);
	return NULL;
}

struct err *der_strict(struct slice der, size_t max_len)
{
	return der_strict_flags(der, max_len, 0);
}
