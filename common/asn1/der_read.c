/*
 * der_read.c - the reader: one pass, borrowed slices, the same strictness as the gate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "asn1/der_internal.h"
#include "asn1/oid.h"
#include "base/clock.h"
#include "base/text.h"

void der_reader_init(struct der_reader *self, struct slice der)
{
	static const uint8_t nothing;

	self->p = der.p != NULL ? der.p : &nothing;
	self->end = self->p + der.len;
}

bool der_reader_done(const struct der_reader *self)
{
	return self->p == self->end;
}

bool der_peek(const struct der_reader *self, uint8_t tag)
{
	return self->p < self->end && *self->p == tag;
}

struct err *der_finish(const struct der_reader *self, const char *what)
{
	ENSURE(der_reader_done(self), BAD_INPUT, "%s: %td octets are left over", what, self->end - self->p);
	return NULL;
}

struct err *der_next(struct der_reader *self, struct der_tlv *out, const char *what)
{
	struct der_head head = { 0 };
	const char *wrong = der_head_parse(&head, self->p, (size_t)(self->end - self->p));

	if (wrong == NULL && (head.id & 0x1F) == 0x1F)
		wrong = "the tag number is too large";
	ENSURE_FIELD(wrong == NULL, BAD_INPUT, what, "%s: %s", what, wrong);
	*out = (struct der_tlv){ head.id, SLICE(self->p, head.header_len + head.content_len),
				 SLICE(self->p + head.header_len, head.content_len) };
	self->p += out->whole.len;
	return NULL;
}

static struct err *next_of(struct der_reader *self, struct der_tlv *out, uint8_t tag, const char *what)
{
	ENSURE_FIELD(self->p < self->end, BAD_INPUT, what, "%s: is missing", what);
	ENSURE_FIELD(*self->p == tag, BAD_INPUT, what, "%s: tag %02X instead of %02X", what, *self->p, tag);
	struct der_reader ahead = *self;
	TRY(der_next(&ahead, out, what));
	if ((tag & 0xE0) == 0) { /* universal, primitive */
		const char *wrong = der_content_check(tag, out->content);
		ENSURE_FIELD(wrong == NULL, BAD_INPUT, what, "%s: %s", what, wrong);
	}
	*self = ahead;
	return NULL;
}

struct err *der_expect(struct der_reader *self, struct slice *out_content, uint8_t tag, const char *what)
{
	struct der_tlv tlv;

	TRY(next_of(self, &tlv, tag, what));
	*out_content = tlv.content;
	return NULL;
}

struct err *der_expect_whole(struct der_reader *self, struct slice *out, uint8_t tag, const char *what)
{
	struct der_tlv tlv;

	TRY(next_of(self, &tlv, tag, what));
	*out = tlv.whole;
	return NULL;
}

struct err *der_enter(struct der_reader *self, struct der_reader *out_inner, uint8_t tag, const char *what)
{
	struct der_tlv tlv;

	TRY(next_of(self, &tlv, tag, what));
	der_reader_init(out_inner, tlv.content);
	return NULL;
}

struct err *der_expect_sequence(struct der_reader *self, struct der_reader *out_inner, const char *what)
{
	return der_enter(self, out_inner, DER_SEQUENCE, what);
}

static struct err *read_number(struct der_reader *self, int64_t *out, uint8_t tag, const char *what)
{
	struct der_reader ahead = *self;
	struct slice content;

	TRY(der_expect(&ahead, &content, tag, what));
	ENSURE_FIELD(content.len <= 8, BAD_INPUT, what, "%s: the number is too large", what);
	uint64_t value = (content.p[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < content.len; i++)
		value = value << 8 | content.p[i];
	*out = (int64_t)value;
	*self = ahead;
	return NULL;
}

struct err *der_read_int64(struct der_reader *self, int64_t *out, const char *what)
{
	return read_number(self, out, DER_INTEGER, what);
}

struct err *der_read_uint(struct der_reader *self, int64_t *out, const char *what)
{
	struct der_reader ahead = *self;
	int64_t value;

	TRY(read_number(&ahead, &value, DER_INTEGER, what));
	ENSURE_FIELD(value >= 0, BAD_INPUT, what, "%s: the number is negative", what);
	*out = value;
	*self = ahead;
	return NULL;
}

struct err *der_read_enumerated(struct der_reader *self, int64_t *out, const char *what)
{
	return read_number(self, out, DER_ENUMERATED, what);
}

struct err *der_read_serial(struct der_reader *self, struct serial *out, const char *what)
{
	struct der_reader ahead = *self;
	struct slice content;

	TRY(der_expect(&ahead, &content, DER_INTEGER, what));
	struct err *e = serial_from_octets(out, content);
	if (e != NULL)
		return ERR_WRAP(e, "%s", what);
	*self = ahead;
	return NULL;
}

struct err *der_read_boolean(struct der_reader *self, bool *out, const char *what)
{
	struct slice content;

	TRY(der_expect(self, &content, DER_BOOLEAN, what));
	*out = content.p[0] != 0;
	return NULL;
}

struct err *der_read_oid(struct der_reader *self, struct slice *out, const char *what)
{
	return der_expect(self, out, DER_OID, what);
}

static struct err *expect_sized(struct der_reader *self, struct slice *out, uint8_t tag, size_t min, size_t max,
				const char *what)
{
	struct der_reader ahead = *self;
	struct slice content;

	TRY(der_expect(&ahead, &content, tag, what));
	ENSURE_FIELD(content.len >= min && content.len <= max, BAD_INPUT, what, "%s: %zu octets, must be %zu to %zu",
		     what, content.len, min, max);
	*out = content;
	*self = ahead;
	return NULL;
}

struct err *der_read_octets(struct der_reader *self, struct slice *out, size_t min, size_t max, const char *what)
{
	return expect_sized(self, out, DER_OCTET_STRING, min, max, what);
}

struct err *der_read_utf8(struct der_reader *self, struct slice *out, size_t min, size_t max, const char *what)
{
	return expect_sized(self, out, DER_UTF8_STRING, min, max, what);
}

struct err *der_read_bits(struct der_reader *self, struct slice *out, const char *what)
{
	struct der_reader ahead = *self;
	struct slice content;

	TRY(der_expect(&ahead, &content, DER_BIT_STRING, what));
	ENSURE_FIELD(content.p[0] == 0, BAD_INPUT, what, "%s: the bits do not fill their octets", what);
	*out = SLICE(content.p + 1, content.len - 1);
	*self = ahead;
	return NULL;
}

struct err *der_read_time(struct der_reader *self, int64_t *out_at, const char *what)
{
	struct der_reader ahead = *self;
	struct der_tlv tlv;

	TRY(der_next(&ahead, &tlv, what));
	struct err *e = der_time_decode(out_at, tlv.tag, tlv.content);
	if (e != NULL)
		return ERR_WRAP(e, "%s", what);
	*self = ahead;
	return NULL;
}

struct err *der_read_generalized_time(struct der_reader *self, int64_t *out_at, const char *what)
{
	struct der_reader ahead = *self;
	struct slice content;

	TRY(der_expect(&ahead, &content, DER_GENERALIZED_TIME, what));
	ENSURE_FIELD(der_civil_decode(out_at, DER_GENERALIZED_TIME, content), BAD_INPUT, what,
		     "%s: the time is no date in the form YYYYMMDDHHMMSSZ", what);
	*self = ahead;
	return NULL;
}

static int two_digits(const uint8_t *p)
{
	return (p[0] - '0') * 10 + (p[1] - '0');
}

bool der_civil_decode(int64_t *out_at, uint8_t tag, struct slice c)
{
	size_t year_len = tag == DER_UTC_TIME ? 2 : 4;

	if (c.len != year_len + 11 || c.p[c.len - 1] != 'Z')
		return false;
	for (size_t i = 0; i < c.len - 1; i++)
		if (c.p[i] < '0' || c.p[i] > '9')
			return false;
	const uint8_t *p = c.p + year_len;
	int year = two_digits(c.p);
	if (tag == DER_UTC_TIME)
		year += year >= 50 ? 1900 : 2000;
	else
		year = year * 100 + two_digits(c.p + 2);
	struct civil t = {
		year, two_digits(p), two_digits(p + 2), two_digits(p + 4), two_digits(p + 6), two_digits(p + 8)
	};
	if (!clock_civil_ok(&t))
		return false;
	*out_at = clock_civil_to_s(&t);
	return true;
}

#define YEAR_2050 2524608000

struct err *der_time_decode(int64_t *out_at, uint8_t tag, struct slice content)
{
	int64_t at = 0;

	ENSURE(tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME, BAD_INPUT,
	       "RFC 5280 §4.1.2.5: the time has tag %02X", tag);
	ENSURE(der_civil_decode(&at, tag, content), BAD_INPUT, "RFC 5280 §4.1.2.5: the time is no date in the form %s",
	       tag == DER_UTC_TIME ? "YYMMDDHHMMSSZ" : "YYYYMMDDHHMMSSZ");
	ENSURE(tag == DER_UTC_TIME || at >= YEAR_2050, BAD_INPUT,
	       "RFC 5280 §4.1.2.5: a time through 2049 must be UTCTime");
	*out_at = at;
	return NULL;
}
