/*
 * journal_record.c - each kind of record as a table of its fields. See journal_record.h, journal.h.
 *
 * The order of the rows is the order in the file: rows are only ever added at the end of a kind that is new.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/journal_record.h"

#include <string.h>

#include "bus/msg_body.h"

enum { NAME_MAX_BYTES = 64, OBJECT_MAX = 64 * 1024, SIGNATURE_MAX = 4096, NOTE_MAX_BYTES = 4096, POLICY_MAX = 2 << 20 };

MSG_SHAPE(journal_start, MSG_TEXT(struct journal_start, tier, NAME_MAX_BYTES),
	  MSG_TEXT(struct journal_start, version, NAME_MAX_BYTES))

MSG_SHAPE(journal_certificate, MSG_TEXT(struct journal_certificate, issuer, NAME_MAX_BYTES),
	  MSG_SERIAL(struct journal_certificate, serial), MSG_UINT(struct journal_certificate, not_after_at),
	  MSG_OCTETS(struct journal_certificate, authorisation, 0, SHA256_LEN),
	  MSG_DIGEST(struct journal_certificate, digest), MSG_OCTETS(struct journal_certificate, tbs, 1, OBJECT_MAX),
	  MSG_OCTETS(struct journal_certificate, signature, 1, SIGNATURE_MAX),
	  MSG_TEXT(struct journal_certificate, identifier, NAME_MAX_BYTES))

MSG_SHAPE(journal_order, MSG_TEXT(struct journal_order, issuer, NAME_MAX_BYTES),
	  MSG_SERIAL(struct journal_order, serial), MSG_UINT(struct journal_order, not_after_at),
	  MSG_ENUM(struct journal_order, action, 3), MSG_UINT(struct journal_order, reason),
	  MSG_UINT(struct journal_order, revoked_at),
	  MSG_OPTIONAL(struct journal_order, has_invalidity_at, invalidity_at),
	  MSG_DIGEST(struct journal_order, digest), MSG_OCTETS(struct journal_order, order, 1, OBJECT_MAX))

MSG_SHAPE(journal_adopted, MSG_TEXT(struct journal_adopted, issuer, NAME_MAX_BYTES),
	  MSG_SERIAL(struct journal_adopted, serial), MSG_UINT(struct journal_adopted, not_after_at),
	  MSG_DIGEST(struct journal_adopted, digest))

MSG_SHAPE(journal_crl, MSG_TEXT(struct journal_crl, issuer, NAME_MAX_BYTES),
	  MSG_TEXT(struct journal_crl, scope, NAME_MAX_BYTES), MSG_ENUM(struct journal_crl, kind, 2),
	  MSG_UINT(struct journal_crl, number), MSG_UINT(struct journal_crl, base_number),
	  MSG_UINT(struct journal_crl, this_update_at), MSG_UINT(struct journal_crl, next_update_at),
	  MSG_UINT(struct journal_crl, order_seq), MSG_UINT(struct journal_crl, num_entries),
	  MSG_DIGEST(struct journal_crl, digest), MSG_OCTETS(struct journal_crl, signature, 1, SIGNATURE_MAX))

MSG_SHAPE(journal_head, MSG_UINT(struct journal_head, size), MSG_DIGEST(struct journal_head, root),
	  MSG_TEXT(struct journal_head, note, NOTE_MAX_BYTES))

MSG_SHAPE(journal_policy, MSG_UINT(struct journal_policy, version), MSG_DIGEST(struct journal_policy, digest),
	  MSG_OCTETS(struct journal_policy, policy, 1, POLICY_MAX))

MSG_SHAPE(journal_ocsp, MSG_UINT(struct journal_ocsp, from_at), MSG_UINT(struct journal_ocsp, count),
	  MSG_DIGEST(struct journal_ocsp, digest))

/* The kinds' shapes; events of the other tier have the shape that they travel in. */
static const struct msg_shape *shape_of(enum journal_kind kind)
{
	static const struct msg_shape *const shapes[] = {
		[JOURNAL_START] = &journal_start_shape,	  [JOURNAL_CERTIFICATE] = &journal_certificate_shape,
		[JOURNAL_ORDER] = &journal_order_shape,	  [JOURNAL_ADOPTED] = &journal_adopted_shape,
		[JOURNAL_CRL] = &journal_crl_shape,	  [JOURNAL_HEAD] = &journal_head_shape,
		[JOURNAL_POLICY] = &journal_policy_shape, [JOURNAL_OCSP] = &journal_ocsp_shape,
	};

	return kind == JOURNAL_EVENT ? msg_shape_of_event : shapes[kind];
}

bool journal_kind_is_event(enum journal_kind kind)
{
	return kind == JOURNAL_CERTIFICATE || kind == JOURNAL_ORDER || kind == JOURNAL_ADOPTED || kind == JOURNAL_EVENT;
}

struct err *journal_record_encode(struct buf *out, const struct journal_record *record)
{
	size_t mark;

	ENSURE(record->kind >= JOURNAL_START && record->kind <= JOURNAL_OCSP, BUG, "journal record of kind %d",
	       (int)record->kind);
	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_enumerated(out, record->kind));
	TRY(der_int64(out, record->at));
	TRY(der_int64(out, record->seq));
	TRY(msg_shape_encode(out, shape_of(record->kind), &record->start));
	return der_close(out, mark);
}

struct err *journal_record_decode(struct journal_record *out, struct der_reader *in)
{
	struct der_reader inner;
	struct msg_mem *mem = NULL; /* stays NULL: no record has a list */
	int64_t kind;

	memset(out, 0, sizeof *out);
	TRY(der_expect_sequence(in, &inner, "record"));
	TRY(der_read_enumerated(&inner, &kind, "kind"));
	ENSURE(kind >= JOURNAL_START && kind <= JOURNAL_OCSP, BAD_INPUT, "journal record of unknown kind %lld",
	       (long long)kind);
	out->kind = (enum journal_kind)kind;
	TRY(der_read_uint(&inner, &out->at, "at"));
	TRY(der_read_uint(&inner, &out->seq, "seq"));
	TRY(msg_shape_decode(&out->start, &mem, shape_of(out->kind), &inner));
	return der_finish(&inner, "record");
}
