/*
 * der_write.c - the writer: canonical values appended to a buffer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "base/text.h"

#define MAX_HEADER 6 /* identifier, 1 + 4 octets of length */

static size_t header_write(uint8_t out[MAX_HEADER], uint8_t tag, size_t len)
{
	size_t n = 0;

	out[n++] = tag;
	if (len < 0x80) {
		out[n++] = (uint8_t)len;
		return n;
	}
	size_t octets = len > 0xFFFFFF ? 4 : len > 0xFFFF ? 3 : len > 0xFF ? 2 : 1;
	out[n++] = (uint8_t)(0x80 | octets);
	for (size_t i = octets; i-- > 0;)
		out[n++] = (uint8_t)(len >> (8 * i));
	return n;
}

size_t der_header_len(size_t content_len)
{
	uint8_t ignored[MAX_HEADER];

	return header_write(ignored, 0, content_len);
}

struct err *der_header(struct buf *out, uint8_t tag, size_t content_len)
{
	uint8_t header[MAX_HEADER];

	ENSURE(content_len <= UINT32_MAX, TOO_LARGE, "DER: %zu octets of content", content_len);
	return buf_append(out, SLICE(header, header_write(header, tag, content_len)));
}

struct err *der_tlv(struct buf *out, uint8_t tag, struct slice content)
{
	size_t before = out->len;

	TRY(der_header(out, tag, content.len));
	struct err *e = buf_append(out, content);
	if (e != NULL)
		out->len = before;
	return e;
}

struct err *der_open(struct buf *out, size_t *mark, uint8_t tag)
{
	size_t at = out->len;
	const uint8_t header[2] = { tag, 0 };

	TRY(buf_append(out, SLICE(header, sizeof header)));
	*mark = at;
	return NULL;
}

struct err *der_close(struct buf *out, size_t mark)
{
	size_t len = out->len - mark - 2;
	uint8_t header[MAX_HEADER];

	ENSURE(len <= UINT32_MAX, TOO_LARGE, "DER: %zu octets of content", len);
	size_t header_len = header_write(header, out->p[mark], len);
	size_t grow = header_len - 2;
	if (grow > 0) {
		uint8_t *ignored;
		TRY(buf_extend(out, &ignored, grow));
		memmove(out->p + mark + header_len, out->p + mark + 2, len);
	}
	memcpy(out->p + mark, header, header_len);
	return NULL;
}

struct err *der_int64_tagged(struct buf *out, uint8_t tag, int64_t value)
{
	uint8_t octets[8];
	size_t skip = 0;

	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (uint8_t)((uint64_t)value >> (8 * (7 - i)));
	while (skip < 7 && ((octets[skip] == 0x00 && octets[skip + 1] < 0x80) ||
			    (octets[skip] == 0xFF && octets[skip + 1] >= 0x80)))
		skip++;
	return der_tlv(out, tag, SLICE(octets + skip, sizeof octets - skip));
}

struct err *der_int64(struct buf *out, int64_t value)
{
	return der_int64_tagged(out, DER_INTEGER, value);
}

struct err *der_enumerated(struct buf *out, int64_t value)
{
	return der_int64_tagged(out, DER_ENUMERATED, value);
}

struct err *der_unsigned(struct buf *out, struct slice magnitude)
{
	static const uint8_t zero;

	while (magnitude.len > 0 && magnitude.p[0] == 0)
		magnitude = SLICE(magnitude.p + 1, magnitude.len - 1);
	if (magnitude.len == 0)
		return der_tlv(out, DER_INTEGER, SLICE(&zero, 1));
	size_t before = out->len;
	bool needs_zero = magnitude.p[0] >= 0x80;
	TRY(der_header(out, DER_INTEGER, magnitude.len + (needs_zero ? 1 : 0)));
	struct err *e = needs_zero ? buf_append_u8(out, 0) : NULL;
	if (e == NULL)
		e = buf_append(out, magnitude);
	if (e != NULL)
		out->len = before;
	return e;
}

struct err *der_serial(struct buf *out, const struct serial *serial)
{
	ENSURE(serial->len > 0, BUG, "DER: the serial number is empty");
	return der_tlv(out, DER_INTEGER, serial_slice(serial));
}

struct err *der_boolean(struct buf *out, bool value)
{
	const uint8_t octet = value ? 0xFF : 0x00;

	return der_tlv(out, DER_BOOLEAN, SLICE(&octet, 1));
}

struct err *der_null(struct buf *out)
{
	return der_tlv(out, DER_NULL, SLICE_NONE);
}

struct err *der_oid(struct buf *out, struct slice content)
{
	return der_tlv(out, DER_OID, content);
}

struct err *der_octets(struct buf *out, struct slice octets)
{
	return der_tlv(out, DER_OCTET_STRING, octets);
}

struct err *der_bits(struct buf *out, struct slice octets)
{
	size_t before = out->len;

	TRY(der_header(out, DER_BIT_STRING, octets.len + 1));
	struct err *e = buf_append_u8(out, 0);
	if (e == NULL)
		e = buf_append(out, octets);
	if (e != NULL)
		out->len = before;
	return e;
}

struct err *der_named_bits(struct buf *out, unsigned bits)
{
	uint8_t content[3] = { 0, 0, 0 };
	size_t len = 1;

	ENSURE(bits <= 0xFFFF, BUG, "DER: more than 16 named bits");
	for (unsigned i = 0; i < 16; i++) {
		if ((bits >> i & 1) == 0)
			continue;
		content[1 + i / 8] |= (uint8_t)(0x80u >> (i % 8));
		len = 2 + i / 8;
		content[0] = (uint8_t)(7 - i % 8);
	}
	return der_tlv(out, DER_BIT_STRING, SLICE(content, len));
}

struct err *der_utf8(struct buf *out, struct slice text)
{
	size_t ignored;

	TRY(text_utf8_length(&ignored, text));
	return der_tlv(out, DER_UTF8_STRING, text);
}

static bool is_printable(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != 0 && strchr(" '()+,-./:=?", c) != NULL);
}

struct err *der_printable(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		ENSURE(is_printable(text.p[i]), BAD_INPUT, "PrintableString: octet %02X is not allowed", text.p[i]);
	return der_tlv(out, DER_PRINTABLE_STRING, text);
}

struct err *der_ia5(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		ENSURE(text.p[i] < 0x80 && text.p[i] != 0, BAD_INPUT, "IA5String: octet %02X is not allowed",
		       text.p[i]);
	return der_tlv(out, DER_IA5_STRING, text);
}

static struct err *time_write(struct buf *out, uint8_t tag, int64_t at)
{
	struct civil t;
	char text[80];

	clock_civil(&t, at);
	ENSURE(t.year >= 1950 && t.year <= 9999, BAD_INPUT, "DER: year %d is not representable", t.year);
	int n = tag == DER_UTC_TIME ? snprintf(text, sizeof text, "%02d", t.year % 100)
				    : snprintf(text, sizeof text, "%04d", t.year);
	n += snprintf(text + n, sizeof text - (size_t)n, "%02d%02d%02d%02d%02dZ", t.month, t.day, t.hour, t.minute,
		      t.second);
	return der_tlv(out, tag, SLICE(text, (size_t)n));
}

struct err *der_time(struct buf *out, int64_t at)
{
	struct civil t;

	clock_civil(&t, at);
	return time_write(out, t.year < 2050 ? DER_UTC_TIME : DER_GENERALIZED_TIME, at);
}

struct err *der_generalized_time(struct buf *out, int64_t at)
{
	return time_write(out, DER_GENERALIZED_TIME, at);
}
