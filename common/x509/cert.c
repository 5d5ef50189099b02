/*
 * cert.c - a certificate, read. See cert.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/cert.h"

#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/profile.h"
#include "x509/suite.h"

/* ---------------------------------------------------------------- extensions: one reader a row */

/* Opens the one value that an extension's OCTET STRING holds; all readers below are given such a value. */
static struct err *open_value(struct der_reader *out, struct slice value, const char *what)
{
	struct der_reader whole;

	der_reader_init(&whole, value);
	TRY(der_expect_sequence(&whole, out, what));
	return der_finish(&whole, what);
}

static struct err *read_basic_constraints(struct cert *out, struct slice value)
{
	struct der_reader r;
	int64_t length = -1;

	TRY(open_value(&r, value, "basicConstraints"));
	if (der_peek(&r, DER_BOOLEAN)) {
		TRY(der_read_boolean(&r, &out->is_ca, "cA"));
		ENSURE(out->is_ca, BAD_INPUT, "basicConstraints: cA FALSE is written out (X.690 §11.5)");
	}
	if (der_peek(&r, DER_INTEGER))
		TRY(der_read_uint(&r, &length, "pathLenConstraint"));
	ENSURE(length <= 100 && (length < 0 || out->is_ca), BAD_INPUT, "basicConstraints: pathLenConstraint");
	out->path_length = (int)length;
	return der_finish(&r, "basicConstraints");
}

static struct err *read_key_usage(struct cert *out, struct slice value)
{
	struct der_reader r;
	struct slice bits;

	der_reader_init(&r, value);
	TRY(der_expect(&r, &bits, DER_BIT_STRING, "keyUsage"));
	ENSURE(bits.len >= 2 && bits.len <= 3 && bits.p[0] < 8, BAD_INPUT, "keyUsage has %zu octets", bits.len);
	for (unsigned i = 0; i < (bits.len - 1) * 8; i++)
		if ((bits.p[1 + i / 8] & (0x80u >> (i % 8))) != 0)
			out->key_usage |= KEY_USAGE_BIT(i);
	ENSURE(out->key_usage != 0, BAD_INPUT, "keyUsage is empty (RFC 5280 §4.2.1.3)");
	return der_finish(&r, "keyUsage");
}

static struct err *read_extended_key_usage(struct cert *out, struct slice value)
{
	struct der_reader r;

	TRY(open_value(&r, value, "extendedKeyUsage"));
	do {
		ENSURE(out->num_eku < CERT_MAX_EKU, BAD_INPUT, "extendedKeyUsage has more than %d members",
		       CERT_MAX_EKU);
		TRY(der_read_oid(&r, &out->eku[out->num_eku], "extendedKeyUsage"));
		out->num_eku++;
	} while (!der_reader_done(&r));
	return NULL;
}

static struct err *read_policies(struct cert *out, struct slice value)
{
	struct der_reader r, policy;

	TRY(open_value(&r, value, "certificatePolicies"));
	do {
		ENSURE(out->num_policies < CERT_MAX_POLICY, BAD_INPUT, "certificatePolicies has more than %d members",
		       CERT_MAX_POLICY);
		TRY(der_expect_sequence(&r, &policy, "PolicyInformation"));
		TRY(der_read_oid(&policy, &out->policies[out->num_policies], "policyIdentifier"));
		out->num_policies++;
	} while (!der_reader_done(&r));
	return NULL;
}

static struct err *read_key_id(struct cert *out, struct slice value)
{
	struct der_reader r;

	der_reader_init(&r, value);
	TRY(der_read_octets(&r, &out->key_id, 1, 64, "subjectKeyIdentifier"));
	return der_finish(&r, "subjectKeyIdentifier");
}

static struct err *read_authority_key_id(struct cert *out, struct slice value)
{
	struct der_reader r;

	TRY(open_value(&r, value, "authorityKeyIdentifier"));
	if (der_peek(&r, DER_CONTEXT(0)))
		TRY(der_expect(&r, &out->authority_key_id, DER_CONTEXT(0), "keyIdentifier"));
	return NULL; /* name and serial of older certificates are not used */
}

static struct err *add_name(struct cert_names *names, size_t max, struct slice text, const char *what)
{
	ENSURE(names->num < max, BAD_INPUT, "subjectAltName has more than %zu of %s", max, what);
	for (size_t i = 0; i < text.len; i++)
		ENSURE(text.p[i] > ' ' && text.p[i] < 0x7F, BAD_INPUT,
		       "subjectAltName: %s holds a character that is not "
		       "visible ASCII",
		       what);
	names->items[names->num++] = text;
	return NULL;
}

static struct err *read_alt_names(struct cert *out, struct slice value)
{
	struct der_reader r;
	struct der_tlv name;

	TRY(open_value(&r, value, "subjectAltName"));
	do {
		TRY(der_next(&r, &name, "GeneralName"));
		if (name.tag == DER_CONTEXT(1))
			TRY(add_name(&out->emails, CERT_MAX_EMAILS, name.content, "rfc822Name"));
		else if (name.tag == DER_CONTEXT(2))
			TRY(add_name(&out->dns_names, CERT_MAX_DNS, name.content, "dNSName"));
	} while (!der_reader_done(&r));
	return NULL;
}

static struct err *read_key_storage(struct cert *out, struct slice value)
{
	struct der_reader r;

	TRY(open_value(&r, value, "KeyStoreInfo"));
	return der_read_oid(&r, &out->key_storage, "key storage");
}

static struct err *read_nocheck(struct cert *out, struct slice value)
{
	(void)value; /* NULL; RFC 6960 §4.2.2.2.1 */
	out->has_ocsp_nocheck = true;
	return NULL;
}

static struct err *read_nothing(struct cert *out, struct slice value)
{
	(void)out;
	(void)value;
	return NULL;
}

static const struct {
	enum oid_name id;
	struct err *(*read)(struct cert *out, struct slice value);
} known_extensions[] = {
	{ OID_BASIC_CONSTRAINTS, read_basic_constraints },
	{ OID_KEY_USAGE, read_key_usage },
	{ OID_EXTENDED_KEY_USAGE, read_extended_key_usage },
	{ OID_CERTIFICATE_POLICIES, read_policies },
	{ OID_SUBJECT_KEY_ID, read_key_id },
	{ OID_AUTHORITY_KEY_ID, read_authority_key_id },
	{ OID_SUBJECT_ALT_NAME, read_alt_names },
	{ OID_NUC_KEY_STORAGE, read_key_storage },
	{ OID_OCSP_NOCHECK, read_nocheck },
	{ OID_CRL_DISTRIBUTION, read_nothing },
	{ OID_FRESHEST_CRL, read_nothing },
	{ OID_AUTHORITY_INFO, read_nothing },
};

static struct err *read_extension(struct cert *out, struct der_reader *list, struct slice *out_id)
{
	struct der_reader r;
	struct slice value;
	bool critical = false;

	TRY(der_expect_sequence(list, &r, "Extension"));
	TRY(der_read_oid(&r, out_id, "extnID"));
	if (der_peek(&r, DER_BOOLEAN)) {
		TRY(der_read_boolean(&r, &critical, "critical"));
		ENSURE(critical, BAD_INPUT, "Extension: critical FALSE is written out (X.690 §11.5)");
	}
	TRY(der_read_octets(&r, &value, 0, CERT_MAX_BYTES, "extnValue"));
	TRY(der_finish(&r, "Extension"));
	for (size_t i = 0; i < sizeof known_extensions / sizeof known_extensions[0]; i++)
		if (oid_is(*out_id, known_extensions[i].id))
			return known_extensions[i].read(out, value);
	out->has_unknown_critical = out->has_unknown_critical || critical;
	return NULL;
}

static struct err *read_extensions(struct cert *out, struct der_reader *tbs)
{
	enum { MAX_EXTENSIONS = 32 };
	struct der_reader outer, list;
	struct slice ids[MAX_EXTENSIONS];
	size_t num = 0;

	if (der_reader_done(tbs))
		return NULL;
	TRY(der_enter(tbs, &outer, DER_CONTEXT_CONSTRUCTED(3), "extensions"));
	struct der_reader again = outer;
	TRY(der_expect_whole(&again, &out->extensions, DER_SEQUENCE, "Extensions"));
	TRY(der_expect_sequence(&outer, &list, "Extensions"));
	TRY(der_finish(&outer, "extensions"));
	while (!der_reader_done(&list)) {
		ENSURE(num < MAX_EXTENSIONS, BAD_INPUT, "there are more than %d extensions", MAX_EXTENSIONS);
		TRY(read_extension(out, &list, &ids[num]));
		for (size_t i = 0; i < num; i++)
			ENSURE(!slice_equal(ids[i], ids[num]), BAD_INPUT,
			       "an extension stands there twice (RFC 5280 §4.2)");
		num++;
	}
	return NULL;
}

/* ---------------------------------------------------------------- the whole */

static struct err *read_validity(struct cert *out, struct der_reader *tbs)
{
	struct der_reader r;

	TRY(der_expect_sequence(tbs, &r, "validity"));
	TRY(der_read_time(&r, &out->not_before_at, "notBefore"));
	TRY(der_read_time(&r, &out->not_after_at, "notAfter"));
	return der_finish(&r, "validity");
}

/* read_tbs() reads the fields; the bytes went through the gate. */
static struct err *read_tbs(struct cert *out, struct slice tbs)
{
	struct der_reader whole, r, version;
	int64_t number = 0;

	der_reader_init(&whole, tbs);
	TRY(der_expect_sequence(&whole, &r, "TBSCertificate"));
	TRY(der_finish(&whole, "TBSCertificate"));
	out->tbs = tbs;
	out->path_length = -1;
	TRY(der_enter(&r, &version, DER_CONTEXT_CONSTRUCTED(0), "version"));
	TRY(der_read_uint(&version, &number, "version"));
	ENSURE(number == 2 && der_reader_done(&version), BAD_INPUT, "the version is not v3 (RFC 5280 §4.1.2.1)");
	TRY(der_read_serial(&r, &out->serial, "serialNumber"));
	TRY(der_expect_whole(&r, &out->signature_algorithm, DER_SEQUENCE, "signature"));
	TRY(der_expect_whole(&r, &out->issuer, DER_SEQUENCE, "issuer"));
	TRY(read_validity(out, &r));
	TRY(der_expect_whole(&r, &out->subject, DER_SEQUENCE, "subject"));
	TRY(der_expect_whole(&r, &out->public_key, DER_SEQUENCE, "subjectPublicKeyInfo"));
	TRY(suite_key_hash(out->key_hash, out->public_key));
	TRY(read_extensions(out, &r));
	name_person(out->iin, out->bin, out->subject);
	return der_finish(&r, "TBSCertificate");
}

struct err *cert_parse_tbs(struct cert *out, struct slice tbs)
{
	struct cert c = { .path_length = -1 };

	TRY(der_strict(tbs, CERT_MAX_BYTES));
	TRY(read_tbs(&c, tbs));
	*out = c;
	return NULL;
}

struct err *cert_parse(struct cert *out, struct slice der)
{
	struct cert c = { .path_length = -1 };
	struct der_reader whole, r;
	struct slice tbs, algorithm;

	TRY(der_strict(der, CERT_MAX_BYTES));
	der_reader_init(&whole, der);
	TRY(der_expect_sequence(&whole, &r, "Certificate"));
	TRY(der_expect_whole(&r, &tbs, DER_SEQUENCE, "tbsCertificate"));
	TRY(der_expect_whole(&r, &algorithm, DER_SEQUENCE, "signatureAlgorithm"));
	TRY(der_read_bits(&r, &c.signature, "signature"));
	TRY(der_finish(&r, "Certificate"));
	TRY(read_tbs(&c, tbs));
	ENSURE(slice_equal(algorithm, c.signature_algorithm), BAD_INPUT,
	       "the two signature algorithms differ (RFC 5280 §4.1.1.2)");
	c.der = der;
	der_sha256(c.digest, der);
	*out = c;
	return NULL;
}

bool cert_has_eku(const struct cert *c, const char *oid)
{
	OWN(buf) content = BUF_INIT(OID_MAX_LEN);
	OWN(err) e = oid_parse(&content, oid);

	for (size_t i = 0; e == NULL && i < c->num_eku; i++)
		if (slice_equal(c->eku[i], buf_slice(&content)))
			return true;
	return false;
}

struct err *cert_verify(const struct cert *c, const struct cert *issuer)
{
	ENSURE(slice_equal(c->issuer, issuer->subject), BAD_INPUT,
	       "the issuer's name is not the subject of the issuer's certificate");
	ENSURE(c->authority_key_id.len == 0 || issuer->key_id.len == 0 ||
		       slice_equal(c->authority_key_id, issuer->key_id),
	       BAD_INPUT, "the authority's key id is not that of the issuer's key");
	ENSURE(issuer->is_ca && (issuer->key_usage & KEY_USAGE_KEY_CERT_SIGN) != 0, BAD_INPUT,
	       "the issuer's certificate is not that of a CA (RFC 5280 §6.1.4 k, n)");
	ENSURE(issuer->path_length != 0 || !c->is_ca, BAD_INPUT, "the issuer may not issue for CAs (pathlen 0)");
	ENSURE(c->der.len > 0, BUG, "a TBSCertificate has no signature to verify");
	return suite_verify_spki(issuer->public_key, c->signature_algorithm, c->tbs, c->signature);
}

struct err *cert_from_pem(struct buf *out_der, struct slice text)
{
	return pem_read(out_der, text, PEM_CERTIFICATE);
}

struct err *cert_to_pem(struct buf *out, struct slice der)
{
	return pem_write(out, der, PEM_CERTIFICATE);
}
