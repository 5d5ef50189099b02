/*
 * template_extensions.c - one writer for each extension that a template fixes. See template_extensions.h.
 *
 * basicConstraints and keyUsage are critical, nothing else is, as in NUC's certificates. RFC 5280 §4.2.1, §4.2.2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/template_extensions.h"

#include "asn1/der.h"
#include "asn1/oid.h"

static struct err *basic_constraints(struct buf *out, const struct extension_source *s)
{
	size_t sequence;

	TRY(der_open(out, &sequence, DER_SEQUENCE));
	TRY(der_boolean(out, true));
	if (s->profile->path_length >= 0)
		TRY(der_int64(out, s->profile->path_length));
	return der_close(out, sequence);
}

static struct err *key_usage(struct buf *out, const struct extension_source *s)
{
	return der_named_bits(out, s->profile->key_usage);
}

static struct err *extended_key_usage(struct buf *out, const struct extension_source *s)
{
	size_t sequence;

	TRY(der_open(out, &sequence, DER_SEQUENCE));
	for (size_t i = 0; i < s->profile->num_extended_key_usage; i++) {
		OWN(buf) content = BUF_INIT(OID_MAX_LEN);

		TRY(oid_parse(&content, s->profile->extended_key_usage[i]));
		TRY(der_oid(out, buf_slice(&content)));
	}
	return der_close(out, sequence);
}

static struct err *authority_key_id(struct buf *out, const struct extension_source *s)
{
	size_t sequence;

	TRY(der_open(out, &sequence, DER_SEQUENCE));
	TRY(der_tlv(out, DER_CONTEXT(0), s->authority->key_id));
	return der_close(out, sequence);
}

/* keyid, and the name and serial that the authority's own certificate was issued under. */
static struct err *authority_key_id_full(struct buf *out, const struct extension_source *s)
{
	size_t sequence, names, name;

	TRY(der_open(out, &sequence, DER_SEQUENCE));
	TRY(der_tlv(out, DER_CONTEXT(0), s->authority->key_id));
	TRY(der_open(out, &names, DER_CONTEXT_CONSTRUCTED(1)));
	TRY(der_open(out, &name, DER_CONTEXT_CONSTRUCTED(4)));
	TRY(buf_append(out, s->authority->issuer));
	TRY(der_close(out, name));
	TRY(der_close(out, names));
	TRY(der_tlv(out, DER_CONTEXT(2), serial_slice(&s->authority->serial)));
	return der_close(out, sequence);
}

static struct err *qualifier_cps(struct buf *out, const char *url)
{
	size_t info;

	TRY(der_open(out, &info, DER_SEQUENCE));
	TRY(der_oid(out, oid(OID_QUALIFIER_CPS)));
	TRY(der_ia5(out, SLICE_STR(url)));
	return der_close(out, info);
}

static struct err *qualifier_notice(struct buf *out, const char *text)
{
	size_t info, notice;

	TRY(der_open(out, &info, DER_SEQUENCE));
	TRY(der_oid(out, oid(OID_QUALIFIER_NOTICE)));
	TRY(der_open(out, &notice, DER_SEQUENCE));
	TRY(der_utf8(out, SLICE_STR(text)));
	TRY(der_close(out, notice));
	return der_close(out, info);
}

static struct err *policies(struct buf *out, const struct extension_source *s)
{
	const struct profile *p = s->profile;
	OWN(buf) content = BUF_INIT(OID_MAX_LEN);
	size_t list, policy, qualifiers;

	TRY(oid_parse(&content, p->policy_oid));
	TRY(der_open(out, &list, DER_SEQUENCE));
	TRY(der_open(out, &policy, DER_SEQUENCE));
	TRY(der_oid(out, buf_slice(&content)));
	if (p->cps != NULL || p->notice != NULL) {
		TRY(der_open(out, &qualifiers, DER_SEQUENCE));
		if (p->cps != NULL)
			TRY(qualifier_cps(out, p->cps));
		if (p->notice != NULL)
			TRY(qualifier_notice(out, p->notice));
		TRY(der_close(out, qualifiers));
	}
	TRY(der_close(out, policy));
	return der_close(out, list);
}

/* One distribution point with all the URIs: mirrors of one list (RFC 5280 §4.2.1.13). */
static struct err *distribution_point(struct buf *out, const struct profile_text *urls)
{
	size_t list, point, name, full_name;

	TRY(der_open(out, &list, DER_SEQUENCE));
	TRY(der_open(out, &point, DER_SEQUENCE));
	TRY(der_open(out, &name, DER_CONTEXT_CONSTRUCTED(0)));
	TRY(der_open(out, &full_name, DER_CONTEXT_CONSTRUCTED(0)));
	for (size_t i = 0; i < urls->num; i++)
		TRY(der_tlv(out, DER_CONTEXT(6), SLICE_STR(urls->texts[i])));
	TRY(der_close(out, full_name));
	TRY(der_close(out, name));
	TRY(der_close(out, point));
	return der_close(out, list);
}

static struct err *crl(struct buf *out, const struct extension_source *s)
{
	return distribution_point(out, s->profile->is_ca ? &s->issuer->root_crl : &s->issuer->crl);
}

static struct err *delta_crl(struct buf *out, const struct extension_source *s)
{
	return distribution_point(out, &s->issuer->delta_crl);
}

static struct err *access_description(struct buf *out, enum oid_name method, const char *url)
{
	size_t sequence;

	TRY(der_open(out, &sequence, DER_SEQUENCE));
	TRY(der_oid(out, oid(method)));
	TRY(der_tlv(out, DER_CONTEXT(6), SLICE_STR(url)));
	return der_close(out, sequence);
}

static struct err *ocsp_descriptions(struct buf *out, const struct extension_source *s)
{
	for (size_t i = 0; s->profile->has_ocsp && i < s->issuer->ocsp.num; i++)
		TRY(access_description(out, OID_AD_OCSP, s->issuer->ocsp.texts[i]));
	return NULL;
}

static struct err *authority_info(struct buf *out, const struct extension_source *s)
{
	size_t list;

	TRY(der_open(out, &list, DER_SEQUENCE));
	if (s->profile->ocsp_first)
		TRY(ocsp_descriptions(out, s));
	TRY(access_description(out, OID_AD_CA_ISSUERS, s->profile->is_ca ? s->issuer->root_ca_url : s->issuer->ca_url));
	if (!s->profile->ocsp_first)
		TRY(ocsp_descriptions(out, s));
	return der_close(out, list);
}

static struct err *ocsp_nocheck(struct buf *out, const struct extension_source *s)
{
	(void)s;
	return der_null(out); /* RFC 6960 §4.2.2.2.1 */
}

static const struct {
	enum oid_name id;
	bool critical;
	struct err *(*write)(struct buf *out, const struct extension_source *s);
} extensions[EXT_COUNT] = {
	[EXT_BASIC_CONSTRAINTS] = { OID_BASIC_CONSTRAINTS, true, basic_constraints },
	[EXT_KEY_USAGE] = { OID_KEY_USAGE, true, key_usage },
	[EXT_EXTENDED_KEY_USAGE] = { OID_EXTENDED_KEY_USAGE, false, extended_key_usage },
	[EXT_AUTHORITY_KEY_ID] = { OID_AUTHORITY_KEY_ID, false, authority_key_id },
	[EXT_AUTHORITY_KEY_ID_FULL] = { OID_AUTHORITY_KEY_ID, false, authority_key_id_full },
	[EXT_POLICIES] = { OID_CERTIFICATE_POLICIES, false, policies },
	[EXT_CRL] = { OID_CRL_DISTRIBUTION, false, crl },
	[EXT_DELTA_CRL] = { OID_FRESHEST_CRL, false, delta_crl },
	[EXT_AUTHORITY_INFO] = { OID_AUTHORITY_INFO, false, authority_info },
	[EXT_OCSP_NOCHECK] = { OID_OCSP_NOCHECK, false, ocsp_nocheck },
};

struct err *template_extension(struct buf *out, enum profile_extension extension, const struct extension_source *source)
{
	size_t sequence, octets;

	ENSURE((unsigned)extension < EXT_COUNT && extensions[extension].write != NULL, BUG, "extension %d is not fixed",
	       (int)extension);
	TRY(der_open(out, &sequence, DER_SEQUENCE));
	TRY(der_oid(out, oid(extensions[extension].id)));
	if (extensions[extension].critical)
		TRY(der_boolean(out, true));
	TRY(der_open(out, &octets, DER_OCTET_STRING));
	TRY(extensions[extension].write(out, source));
	TRY(der_close(out, octets));
	return der_close(out, sequence);
}
