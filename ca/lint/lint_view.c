/*
 * lint_view.c - a TBSCertificate taken apart for the lints, without judging. See lint_internal.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ca/lint/lint_internal.h"

static struct err *read_extension(struct lint_view *out, struct der_reader *list)
{
	struct lint_extension *e = &out->extensions[out->num_extensions];
	struct der_reader r;

	ENSURE(out->num_extensions < LINT_MAX_EXTENSIONS, BAD_INPUT, "more than %d extensions", LINT_MAX_EXTENSIONS);
	*e = (struct lint_extension){ 0 };
	TRY(der_expect_sequence(list, &r, "Extension"));
	TRY(der_read_oid(&r, &e->id, "extnID"));
	if (der_peek(&r, DER_BOOLEAN))
		TRY(der_read_boolean(&r, &e->critical, "critical"));
	TRY(der_read_octets(&r, &e->value, 0, CERT_MAX_BYTES, "extnValue"));
	TRY(der_finish(&r, "Extension"));
	out->num_extensions++;
	return NULL;
}

static struct err *read_extensions(struct lint_view *out, struct der_reader *tbs)
{
	struct der_reader outer, list;

	TRY(der_enter(tbs, &outer, DER_CONTEXT_CONSTRUCTED(3), "extensions"));
	TRY(der_expect_sequence(&outer, &list, "Extensions"));
	TRY(der_finish(&outer, "extensions"));
	while (!der_reader_done(&list))
		TRY(read_extension(out, &list));
	return NULL;
}

static struct err *read_frame(struct lint_view *out, struct slice tbs)
{
	struct der_reader whole, r, validity;

	der_reader_init(&whole, tbs);
	TRY(der_expect_sequence(&whole, &r, "TBSCertificate"));
	TRY(der_finish(&whole, "TBSCertificate"));
	if (der_peek(&r, DER_CONTEXT_CONSTRUCTED(0)))
		TRY(der_next(&r, &out->version, "version"));
	TRY(der_next(&r, &out->serial, "serialNumber"));
	TRY(der_expect_whole(&r, &out->algorithm, DER_SEQUENCE, "signature"));
	TRY(der_expect_whole(&r, &out->issuer, DER_SEQUENCE, "issuer"));
	TRY(der_expect_sequence(&r, &validity, "validity"));
	TRY(der_next(&validity, &out->not_before, "notBefore"));
	TRY(der_next(&validity, &out->not_after, "notAfter"));
	TRY(der_finish(&validity, "validity"));
	TRY(der_expect_whole(&r, &out->subject, DER_SEQUENCE, "subject"));
	TRY(der_expect_whole(&r, &out->public_key, DER_SEQUENCE, "subjectPublicKeyInfo"));
	while (der_peek(&r, DER_CONTEXT(1)) || der_peek(&r, DER_CONTEXT(2))) {
		struct der_tlv skipped;

		TRY(der_next(&r, &skipped, "unique identifier"));
		out->has_unique_ids = true;
	}
	if (!der_reader_done(&r))
		TRY(read_extensions(out, &r));
	return der_finish(&r, "TBSCertificate");
}

static struct err *read_rdn(struct lint_view *out, struct der_reader *names)
{
	struct der_reader set, sequence;
	bool first = true;

	TRY(der_enter(names, &set, DER_SET, "RelativeDistinguishedName"));
	do {
		struct lint_attribute *a = &out->attributes[out->num_attributes];

		ENSURE(out->num_attributes < LINT_MAX_ATTRIBUTES, BAD_INPUT, "subject: more than %d attributes",
		       LINT_MAX_ATTRIBUTES);
		TRY(der_expect_sequence(&set, &sequence, "AttributeTypeAndValue"));
		TRY(der_read_oid(&sequence, &a->id, "attribute type"));
		TRY(der_next(&sequence, &a->value, "attribute value"));
		TRY(der_finish(&sequence, "AttributeTypeAndValue"));
		a->is_alone = first && der_reader_done(&set);
		first = false;
		out->num_attributes++;
	} while (!der_reader_done(&set));
	return NULL;
}

static struct err *read_subject(struct lint_view *out)
{
	struct der_reader whole, names;

	der_reader_init(&whole, out->subject);
	TRY(der_expect_sequence(&whole, &names, "subject"));
	while (!der_reader_done(&names))
		TRY(read_rdn(out, &names));
	return NULL;
}

static struct err *read_authority(struct lint_view *out)
{
	const struct lint_context *context = out->context;

	out->has_authority = context->authority != NULL || context->issuer_certificate.len > 0;
	if (context->authority != NULL)
		out->authority = *context->authority;
	else if (out->has_authority)
		TRY(cert_parse(&out->authority, context->issuer_certificate));
	return NULL;
}

struct err *lint_view_open(struct lint_view *out, const struct lint_context *context, struct slice tbs)
{
	memset(out, 0, sizeof *out);
	out->context = context;
	out->tbs = tbs;
	OWN(err) e = cert_parse_tbs(&out->cert, tbs); /* passes the gate first */
	out->is_read = e == NULL;
	if (e != NULL) {
		(void)err_text(e, out->fault, sizeof out->fault);
		TRY(der_strict(tbs, CERT_MAX_BYTES));
	}
	TRY(read_frame(out, tbs));
	TRY(read_subject(out));
	return read_authority(out);
}

const struct lint_extension *lint_extension(const struct lint_view *v, enum oid_name id)
{
	for (size_t i = 0; i < v->num_extensions; i++)
		if (oid_is(v->extensions[i].id, id))
			return &v->extensions[i];
	return NULL;
}

bool lint_has_eku(const struct lint_view *v, enum oid_name id)
{
	for (size_t i = 0; i < v->cert.num_eku; i++)
		if (oid_is(v->cert.eku[i], id))
			return true;
	return false;
}

bool lint_is_ca_profile(const struct lint_view *v)
{
	return v->context->profile->is_ca;
}

bool lint_is_leaf_profile(const struct lint_view *v)
{
	return !v->context->profile->is_ca;
}

/* The arc 1.2.398.3.3.4.1 in content octets: user types of NUC. */
bool lint_is_person(const struct lint_view *v)
{
	static const uint8_t arc[] = { 0x2A, 0x83, 0x0E, 0x03, 0x03, 0x04, 0x01 };

	for (size_t i = 0; i < v->cert.num_eku; i++)
		if (v->cert.eku[i].len > sizeof arc && memcmp(v->cert.eku[i].p, arc, sizeof arc) == 0)
			return true;
	return false;
}

bool lint_is_entity_person(const struct lint_view *v)
{
	return lint_has_eku(v, OID_NUC_ENTITY);
}

bool lint_find_attribute(struct slice *out, const struct lint_view *v, enum oid_name id)
{
	for (size_t i = 0; i < v->num_attributes; i++)
		if (oid_is(v->attributes[i].id, id)) {
			*out = v->attributes[i].value.content;
			return true;
		}
	return false;
}

struct err *lint_value(struct der_reader *out, const struct lint_extension *e, const char *what)
{
	struct der_reader whole;

	der_reader_init(&whole, e->value);
	TRY(der_expect_sequence(&whole, out, what));
	return der_finish(&whole, what);
}
