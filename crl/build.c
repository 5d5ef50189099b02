/*
 * build.c - TBSCertList as DER. See build.h.
 *
 * Lengths of what an entry may hold (RFC 5280 §5.1.2.6, §5.3), all below 128, so every length is one octet:
 *
 *	SEQUENCE { INTEGER 2+1..20, UTCTime 2+13 or GeneralizedTime 2+15, 2+ { reasonCode 12, invalidityDate 26 } }
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/build.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "base/clock.h"

enum {
	UTC_TIME_LEN = 13,
	GENERALIZED_TIME_LEN = 15,
	REASON_LEN = 12,
	INVALIDITY_LEN = 26,
	ENTRY_MAX = 2 + 22 + 17 + 2 + REASON_LEN + INVALIDITY_LEN
};
#define YEAR_2050_AT INT64_C(2524608000)

static const uint8_t reason_prefix[REASON_LEN - 1] = {
	0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01
};
static const uint8_t invalidity_prefix[INVALIDITY_LEN - GENERALIZED_TIME_LEN] = { 0x30, 0x18, 0x06, 0x03, 0x55, 0x1d,
										  0x18, 0x04, 0x11, 0x18, 0x0f };

bool crl_is_listed(const struct crl_spec *spec, const struct crl_item *item)
{
	if (spec->kind == CRL_DELTA)
		return true;
	return (item->action == CRL_REVOKE || item->action == CRL_HOLD) && item->not_after_at >= spec->listed_from_at;
}

int crl_entry_reason(const struct crl_item *item)
{
	if (item->action == CRL_RELEASE)
		return CRL_CODE_REMOVE;
	return item->action == CRL_HOLD ? CRL_CODE_HOLD : item->reason;
}

/* ---------------------------------------------------------------- entries */

static size_t entry_extensions_len(const struct crl_item *item)
{
	return (crl_entry_reason(item) != 0 ? REASON_LEN : 0u) + (item->has_invalidity_at ? INVALIDITY_LEN : 0u);
}

static size_t entry_content_len(const struct crl_item *item)
{
	size_t time_len = item->revoked_at < YEAR_2050_AT ? UTC_TIME_LEN : GENERALIZED_TIME_LEN;
	size_t extensions_len = entry_extensions_len(item);

	return 2u + item->serial.len + 2u + time_len + (extensions_len > 0 ? 2u + extensions_len : 0u);
}

static uint8_t *put_two(uint8_t *p, int n)
{
	*p++ = (uint8_t)('0' + n / 10);
	*p++ = (uint8_t)('0' + n % 10);
	return p;
}

/* YYMMDDHHMMSSZ, with the century before it in GeneralizedTime. */
static uint8_t *put_time(uint8_t *p, int64_t at, bool has_century)
{
	struct civil c;

	clock_civil(&c, at);
	if (has_century)
		p = put_two(p, c.year / 100);
	p = put_two(p, c.year % 100);
	p = put_two(p, c.month);
	p = put_two(p, c.day);
	p = put_two(p, c.hour);
	p = put_two(p, c.minute);
	p = put_two(p, c.second);
	*p++ = 'Z';
	return p;
}

static uint8_t *put_extensions(uint8_t *p, const struct crl_item *item)
{
	size_t len = entry_extensions_len(item);
	int reason = crl_entry_reason(item);

	if (len == 0)
		return p;
	*p++ = DER_SEQUENCE;
	*p++ = (uint8_t)len;
	if (reason != 0) {
		memcpy(p, reason_prefix, sizeof reason_prefix);
		p += sizeof reason_prefix;
		*p++ = (uint8_t)reason;
	}
	if (item->has_invalidity_at) {
		memcpy(p, invalidity_prefix, sizeof invalidity_prefix);
		p = put_time(p + sizeof invalidity_prefix, item->invalidity_at, true);
	}
	return p;
}

static size_t put_entry(uint8_t out[ENTRY_MAX], const struct crl_item *item)
{
	bool has_century = item->revoked_at >= YEAR_2050_AT;
	uint8_t *p = out;

	*p++ = DER_SEQUENCE;
	*p++ = (uint8_t)entry_content_len(item);
	*p++ = DER_INTEGER;
	*p++ = item->serial.len;
	memcpy(p, item->serial.b, item->serial.len);
	p += item->serial.len;
	*p++ = has_century ? DER_GENERALIZED_TIME : DER_UTC_TIME;
	*p++ = has_century ? GENERALIZED_TIME_LEN : UTC_TIME_LEN;
	p = put_time(p, item->revoked_at, has_century);
	p = put_extensions(p, item);
	return (size_t)(p - out);
}

/* ---------------------------------------------------------------- head and tail */

static struct err *extension_open(struct buf *out, size_t marks[2], enum oid_name name, bool is_critical)
{
	TRY(der_open(out, &marks[0], DER_SEQUENCE));
	TRY(der_oid(out, oid(name)));
	if (is_critical)
		TRY(der_boolean(out, true));
	return der_open(out, &marks[1], DER_OCTET_STRING);
}

static struct err *extension_close(struct buf *out, const size_t marks[2])
{
	TRY(der_close(out, marks[1]));
	return der_close(out, marks[0]);
}

static struct err *write_number(struct buf *out, enum oid_name name, bool is_critical, int64_t number)
{
	size_t marks[2];

	TRY(extension_open(out, marks, name, is_critical));
	TRY(der_int64(out, number));
	return extension_close(out, marks);
}

/* crlExtensions [0] EXPLICIT: cRLNumber, deltaCRLIndicator of a delta, authorityKeyIdentifier with keyid only. */
static struct err *write_tail(struct buf *out, const struct crl_spec *spec)
{
	size_t explicit_mark, list, marks[2], identifier;

	TRY(der_open(out, &explicit_mark, DER_CONTEXT_CONSTRUCTED(0)));
	TRY(der_open(out, &list, DER_SEQUENCE));
	TRY(write_number(out, OID_CRL_NUMBER, false, spec->number));
	if (spec->kind == CRL_DELTA)
		TRY(write_number(out, OID_DELTA_CRL, true, spec->base_number));
	TRY(extension_open(out, marks, OID_AUTHORITY_KEY_ID, false));
	TRY(der_open(out, &identifier, DER_SEQUENCE));
	TRY(der_tlv(out, DER_CONTEXT(0), spec->key_id));
	TRY(der_close(out, identifier));
	TRY(extension_close(out, marks));
	TRY(der_close(out, list));
	return der_close(out, explicit_mark);
}

/* What stands between the outer header and the entries. */
static struct err *write_fields(struct buf *out, const struct crl_spec *spec, size_t entries_len)
{
	TRY(der_int64(out, 1)); /* v2 */
	TRY(buf_append(out, spec->algorithm));
	TRY(buf_append(out, spec->issuer));
	TRY(der_time(out, spec->this_update_at));
	TRY(der_time(out, spec->next_update_at));
	/* RFC 5280 §5.1.2.6: absent when there are no revoked certificates. */
	return entries_len > 0 ? der_header(out, DER_SEQUENCE, entries_len) : NULL;
}

struct err *crl_layout_measure(struct crl_layout *out, const struct crl_spec *spec, const struct crl_item *items,
			       size_t num)
{
	OWN(buf) fields = BUF_INIT(64 * 1024);
	size_t entries_len = 0, num_entries = 0;

	for (size_t i = 0; i < num; i++) {
		if (!crl_is_listed(spec, &items[i]))
			continue;
		entries_len += 2 + entry_content_len(&items[i]);
		num_entries++;
	}
	buf_reset(&out->head);
	buf_reset(&out->tail);
	TRY(write_fields(&fields, spec, entries_len));
	TRY(write_tail(&out->tail, spec));
	size_t content_len = fields.len + entries_len + out->tail.len;
	TRY(der_header(&out->head, DER_SEQUENCE, content_len));
	TRY(buf_append(&out->head, buf_slice(&fields)));
	out->num_entries = num_entries;
	out->tbs_len = der_header_len(content_len) + content_len;
	return NULL;
}

void crl_layout_clear(struct crl_layout *self)
{
	buf_clear(&self->head);
	buf_clear(&self->tail);
}

/* ---------------------------------------------------------------- streaming */

struct piece {
	uint8_t *p;
	size_t len, total;
	struct crl_sink sink;
};

static struct err *piece_flush(struct piece *piece)
{
	if (piece->len > 0)
		TRY(piece->sink.put(piece->sink.arg, SLICE(piece->p, piece->len)));
	piece->len = 0;
	return NULL;
}

static struct err *piece_put(struct piece *piece, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		size_t n = CRL_PIECE_BYTES - piece->len < len ? CRL_PIECE_BYTES - piece->len : len;

		memcpy(piece->p + piece->len, bytes, n);
		piece->len += n;
		piece->total += n;
		bytes += n;
		len -= n;
		if (piece->len == CRL_PIECE_BYTES)
			TRY(piece_flush(piece));
	}
	return NULL;
}

static struct err *write_pieces(struct piece *piece, const struct crl_layout *layout, const struct crl_spec *spec,
				const struct crl_item *items, size_t num)
{
	uint8_t entry[ENTRY_MAX];

	TRY(piece_put(piece, layout->head.p, layout->head.len));
	for (size_t i = 0; i < num; i++)
		if (crl_is_listed(spec, &items[i]))
			TRY(piece_put(piece, entry, put_entry(entry, &items[i])));
	TRY(piece_put(piece, layout->tail.p, layout->tail.len));
	TRY(piece_flush(piece));
	ENSURE(piece->total == layout->tbs_len, BUG, "a list of %zu bytes was measured as %zu", piece->total,
	       layout->tbs_len);
	return NULL;
}

struct err *crl_layout_write(const struct crl_layout *layout, const struct crl_spec *spec, const struct crl_item *items,
			     size_t num, struct crl_sink sink)
{
	struct piece piece = { .p = malloc(CRL_PIECE_BYTES), .sink = sink };

	ENSURE(piece.p != NULL, NO_MEMORY, "a piece of a list");
	struct err *e = write_pieces(&piece, layout, spec, items, num);
	free(piece.p);
	return e;
}
