/*
 * tbs_parts.h - a TBSCertificate in pieces, to change one of them and join it again: for lint_test.c and lint_cases.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CA_LINT_TBS_PARTS_H
#define TESTS_CA_LINT_TBS_PARTS_H

#include <check.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "support/suite.h"
#include "x509/cert.h"

enum { MAX_EXT = 40 };

struct parts {
	struct buf version, serial, algorithm, issuer, not_before, not_after, subject, key, unique;
	struct buf ext[MAX_EXT];
	size_t num_ext;
};

static void put(struct buf *out, struct slice bytes)
{
	out->max = CERT_MAX_BYTES;
	ck_ok(buf_set(out, bytes));
}

static void take_apart(struct parts *out, struct slice tbs)
{
	struct der_reader whole, r, validity, outer, list;
	struct der_tlv tlv;
	struct buf *pieces[] = { &out->version, &out->serial, &out->algorithm, &out->issuer };

	memset(out, 0, sizeof *out);
	out->unique.max = CERT_MAX_BYTES;
	der_reader_init(&whole, tbs);
	ck_ok(der_expect_sequence(&whole, &r, "tbs"));
	for (int i = 0; i < COUNT_OF(pieces); i++) {
		ck_ok(der_next(&r, &tlv, "piece"));
		put(pieces[i], tlv.whole);
	}
	ck_ok(der_expect_sequence(&r, &validity, "validity"));
	ck_ok(der_next(&validity, &tlv, "notBefore"));
	put(&out->not_before, tlv.whole);
	ck_ok(der_next(&validity, &tlv, "notAfter"));
	put(&out->not_after, tlv.whole);
	ck_ok(der_next(&r, &tlv, "subject"));
	put(&out->subject, tlv.whole);
	ck_ok(der_next(&r, &tlv, "key"));
	put(&out->key, tlv.whole);
	ck_ok(der_enter(&r, &outer, 0xA3, "extensions"));
	ck_ok(der_expect_sequence(&outer, &list, "extensions"));
	while (!der_reader_done(&list)) {
		ck_ok(der_next(&list, &tlv, "extension"));
		put(&out->ext[out->num_ext++], tlv.whole);
	}
}

static void join(struct buf *out, const struct parts *p)
{
	const struct buf *before[] = { &p->version, &p->serial, &p->algorithm, &p->issuer };
	size_t tbs, validity, outer, list;

	buf_reset(out);
	ck_ok(der_open(out, &tbs, DER_SEQUENCE));
	for (int i = 0; i < COUNT_OF(before); i++)
		ck_ok(buf_append(out, buf_slice(before[i])));
	ck_ok(der_open(out, &validity, DER_SEQUENCE));
	ck_ok(buf_append(out, buf_slice(&p->not_before)));
	ck_ok(buf_append(out, buf_slice(&p->not_after)));
	ck_ok(der_close(out, validity));
	ck_ok(buf_append(out, buf_slice(&p->subject)));
	ck_ok(buf_append(out, buf_slice(&p->key)));
	ck_ok(buf_append(out, buf_slice(&p->unique)));
	ck_ok(der_open(out, &outer, 0xA3));
	ck_ok(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < p->num_ext; i++)
		ck_ok(buf_append(out, buf_slice(&p->ext[i])));
	ck_ok(der_close(out, list));
	ck_ok(der_close(out, outer));
	ck_ok(der_close(out, tbs));
}

static void parts_clear(struct parts *p)
{
	struct buf *all_of[] = { &p->version,	&p->serial,  &p->algorithm, &p->issuer, &p->not_before,
				 &p->not_after, &p->subject, &p->key,	    &p->unique };

	for (int i = 0; i < COUNT_OF(all_of); i++)
		buf_clear(all_of[i]);
	for (size_t i = 0; i < MAX_EXT; i++)
		buf_clear(&p->ext[i]);
}

/* ---------------------------------------------------------------- mutations */

static struct buf *ext_of(struct parts *p, enum oid_name id)
{
	for (size_t i = 0; i < p->num_ext; i++) {
		struct der_reader whole, r;
		struct slice found;

		der_reader_init(&whole, buf_slice(&p->ext[i]));
		ck_ok(der_expect_sequence(&whole, &r, "ext"));
		ck_ok(der_read_oid(&r, &found, "id"));
		if (oid_is(found, id))
			return &p->ext[i];
	}
	return NULL;
}

static void drop(struct parts *p, enum oid_name id)
{
	struct buf *e = ext_of(p, id);

	ck_assert_ptr_nonnull(e);
	size_t i = (size_t)(e - p->ext);
	buf_clear(e);
	memmove(e, e + 1, (p->num_ext - i - 1) * sizeof *e);
	p->num_ext--;
	memset(&p->ext[p->num_ext], 0, sizeof *e);
}

static void write_ext(struct buf *out, enum oid_name id, bool critical, const char *value, size_t len)
{
	size_t sequence;

	out->max = CERT_MAX_BYTES;
	buf_reset(out);
	ck_ok(der_open(out, &sequence, DER_SEQUENCE));
	ck_ok(der_oid(out, oid(id)));
	if (critical)
		ck_ok(der_boolean(out, true));
	ck_ok(der_octets(out, SLICE(value, len)));
	ck_ok(der_close(out, sequence));
}

static void set_ext(struct parts *p, enum oid_name id, bool critical, const char *value, size_t len)
{
	struct buf *e = ext_of(p, id);

	write_ext(e != NULL ? e : &p->ext[p->num_ext++], id, critical, value, len);
}
#define SET_EXT(p, id, critical, value) set_ext((p), (id), (critical), (value), sizeof(value) - 1)

static void set_raw(struct buf *b, const char *bytes, size_t len)
{
	put(b, SLICE(bytes, len));
}
#define SET(b, bytes) set_raw((b), (bytes), sizeof(bytes) - 1)

struct attr {
	enum oid_name id;
	uint8_t tag;
	const char *value;
};
#define U DER_UTF8_STRING
#define P DER_PRINTABLE_STRING

static void set_subject(struct parts *p, const struct attr *list, size_t num)
{
	size_t name, set, sequence;

	buf_reset(&p->subject);
	ck_ok(der_open(&p->subject, &name, DER_SEQUENCE));
	for (size_t i = 0; i < num; i++) {
		ck_ok(der_open(&p->subject, &set, DER_SET));
		ck_ok(der_open(&p->subject, &sequence, DER_SEQUENCE));
		ck_ok(der_oid(&p->subject, oid(list[i].id)));
		ck_ok(der_tlv(&p->subject, list[i].tag, SLICE_STR(list[i].value)));
		ck_ok(der_close(&p->subject, sequence));
		ck_ok(der_close(&p->subject, set));
	}
	ck_ok(der_close(&p->subject, name));
}
#define SUBJECT(p, ...)                                                                                                \
	do {                                                                                                           \
		const struct attr list_[] = { __VA_ARGS__ };                                                           \
		set_subject((p), list_, sizeof list_ / sizeof list_[0]);                                               \
	} while (0)

#endif
