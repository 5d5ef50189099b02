/*
 * authority_cms.c - the signature of a decision: detached CMS in one fixed form.
 *
 * A CAdES-BES signature as CMS_sign() with CMS_CADES makes it, and nothing else: every field is expected in its place, so
 * there is no option left with which two readers could see two things. RFC 5652 §5, §11; RFC 5035 §3, §4.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "x509/authority_internal.h"
#include "x509/suite.h"

#define ATTRIBUTES_MAX_BYTES 2048

/* What is read of a SignerInfo before anything is computed. */
struct signer_info {
	struct slice attributes; /* [0] whole */
	struct slice algorithm; /* AlgorithmIdentifier, whole */
	struct slice signature;
	struct slice message_digest;
	struct slice signing_certificate; /* value of the attribute, whole */
	int64_t signed_at;
};

/* AlgorithmIdentifier of SHA-256: parameters absent or NULL (RFC 5754 §2). */
static struct err *read_sha256(struct der_reader *r, const char *what)
{
	struct der_reader inner;
	struct slice algorithm, parameters;

	TRY(der_expect_sequence(r, &inner, what));
	TRY(der_read_oid(&inner, &algorithm, what));
	ENSURE(oid_is(algorithm, OID_SHA256), BAD_INPUT, "%s: is not SHA-256", what);
	if (!der_reader_done(&inner))
		TRY(der_expect(&inner, &parameters, DER_NULL, what));
	return der_finish(&inner, what);
}

static struct err *expect_oid(struct der_reader *r, enum oid_name name, const char *what)
{
	struct slice id;

	TRY(der_read_oid(r, &id, what));
	ENSURE(oid_is(id, name), BAD_INPUT, "%s: is not %s", what, oid_word(name));
	return NULL;
}

/* The value of one attribute, by its type; each type once. */
static struct err *read_attribute(struct signer_info *s, struct der_reader *r, unsigned *seen)
{
	struct der_reader attribute, values;
	struct slice type, content_type;
	enum { CONTENT_TYPE = 1, DIGEST = 2, TIME = 4, CERTIFICATE = 8 } which;

	TRY(der_expect_sequence(r, &attribute, "signed attribute"));
	TRY(der_read_oid(&attribute, &type, "signed attribute"));
	TRY(der_enter(&attribute, &values, DER_SET, "values of a signed attribute"));
	TRY(der_finish(&attribute, "signed attribute"));
	if (oid_is(type, OID_ATTR_CONTENT_TYPE)) {
		which = CONTENT_TYPE;
		TRY(der_read_oid(&values, &content_type, "contentType"));
		ENSURE(oid_is(content_type, OID_CMS_DATA), BAD_INPUT, "RFC 5652 §11.1: contentType: is not id-data");
	} else if (oid_is(type, OID_ATTR_MESSAGE_DIGEST)) {
		which = DIGEST;
		TRY(der_read_octets(&values, &s->message_digest, SHA256_LEN, SHA256_LEN, "messageDigest"));
	} else if (oid_is(type, OID_ATTR_SIGNING_TIME)) {
		which = TIME;
		TRY(der_read_time(&values, &s->signed_at, "signingTime"));
	} else if (oid_is(type, OID_ATTR_SIGNING_CERT_V2)) {
		which = CERTIFICATE;
		TRY(der_expect_whole(&values, &s->signing_certificate, DER_SEQUENCE, "signingCertificateV2"));
	} else {
		return ERR(BAD_INPUT, "a signed attribute is none of contentType, messageDigest, signingTime, "
				      "signingCertificateV2");
	}
	ENSURE((*seen & which) == 0, BAD_INPUT, "a signed attribute is there twice");
	*seen |= which;
	return der_finish(&values, "values of a signed attribute");
}

static struct err *read_attributes(struct signer_info *s)
{
	struct der_reader whole, r;
	unsigned seen = 0;
	struct slice before = SLICE_NONE;

	ENSURE(s->attributes.len <= ATTRIBUTES_MAX_BYTES, BAD_INPUT, "the signed attributes are too long");
	der_reader_init(&whole, s->attributes);
	TRY(der_enter(&whole, &r, DER_CONTEXT_CONSTRUCTED(0), "signedAttrs"));
	while (!der_reader_done(&r)) {
		const uint8_t *start = r.p;
		TRY(read_attribute(s, &r, &seen));
		struct slice attribute = SLICE(start, (size_t)(r.p - start));
		ENSURE(before.p == NULL || slice_compare(before, attribute) < 0, BAD_INPUT,
		       "RFC 5652 §5.4: the signed attributes are not in DER order");
		before = attribute;
	}
	ENSURE(seen == 15, BAD_INPUT,
	       "a signed attribute is missing of contentType, messageDigest, signingTime, signingCertificateV2");
	return NULL;
}

/* SignerIdentifier: issuer and serial (version 1) or subject key id (version 3) of the one certificate. */
static struct err *check_signer_id(struct der_reader *r, int64_t version, const struct cert *c)
{
	if (version == 1) {
		struct der_reader inner;
		struct slice issuer;
		struct serial serial;
		TRY(der_expect_sequence(r, &inner, "sid"));
		TRY(der_expect_whole(&inner, &issuer, DER_SEQUENCE, "sid issuer"));
		TRY(der_read_serial(&inner, &serial, "sid serial"));
		TRY(der_finish(&inner, "sid"));
		ENSURE(slice_equal(issuer, c->issuer) && serial_equal(&serial, &c->serial), BAD_INPUT,
		       "RFC 5652 §5.3: the signer is not the certificate that is included");
		return NULL;
	}
	struct slice key_id;
	ENSURE(version == 3, BAD_INPUT, "RFC 5652 §5.3: SignerInfo of version %lld", (long long)version);
	TRY(der_expect(r, &key_id, DER_CONTEXT(0), "sid"));
	ENSURE(c->key_id.len > 0 && slice_equal(key_id, c->key_id), BAD_INPUT,
	       "RFC 5652 §5.3: the signer is not the certificate that is included");
	return NULL;
}

static struct err *read_signer_info(struct signer_info *s, struct der_reader *r, int64_t cms_version,
				    const struct cert *c)
{
	struct der_reader set, inner;
	int64_t version;

	TRY(der_enter(r, &set, DER_SET, "signerInfos"));
	TRY(der_expect_sequence(&set, &inner, "SignerInfo"));
	TRY(der_finish(&set, "signerInfos"));
	TRY(der_read_uint(&inner, &version, "version of the SignerInfo"));
	ENSURE(version == cms_version, BAD_INPUT, "RFC 5652 §5.1: SignedData of version %lld with SignerInfo of %lld",
	       (long long)cms_version, (long long)version);
	TRY(check_signer_id(&inner, version, c));
	TRY(read_sha256(&inner, "digestAlgorithm"));
	TRY(der_expect_whole(&inner, &s->attributes, DER_CONTEXT_CONSTRUCTED(0), "signedAttrs"));
	TRY(der_expect_whole(&inner, &s->algorithm, DER_SEQUENCE, "signatureAlgorithm"));
	TRY(der_read_octets(&inner, &s->signature, 1, 1024, "signature"));
	ENSURE(der_reader_done(&inner), BAD_INPUT, "RFC 5652 §5.3: unsigned attributes are not allowed");
	return read_attributes(s);
}

static struct err *read_signed_data(struct signer_info *s, struct cert *c, struct slice cms)
{
	struct der_reader whole, info, content, data, set, inner;
	struct slice certificate;
	int64_t version;

	der_reader_init(&whole, cms);
	TRY(der_expect_sequence(&whole, &info, "ContentInfo"));
	TRY(expect_oid(&info, OID_CMS_SIGNED_DATA, "contentType"));
	TRY(der_enter(&info, &content, DER_CONTEXT_CONSTRUCTED(0), "content"));
	TRY(der_finish(&info, "ContentInfo"));
	TRY(der_expect_sequence(&content, &data, "SignedData"));
	TRY(der_finish(&content, "content"));
	TRY(der_read_uint(&data, &version, "version"));
	TRY(der_enter(&data, &set, DER_SET, "digestAlgorithms"));
	TRY(read_sha256(&set, "digestAlgorithms"));
	TRY(der_finish(&set, "digestAlgorithms"));
	TRY(der_expect_sequence(&data, &inner, "encapContentInfo"));
	TRY(expect_oid(&inner, OID_CMS_DATA, "eContentType"));
	ENSURE(der_reader_done(&inner), BAD_INPUT, "RFC 5652 §5.2: the content must be detached");
	TRY(der_enter(&data, &set, DER_CONTEXT_CONSTRUCTED(0), "certificates"));
	TRY(der_expect_whole(&set, &certificate, DER_SEQUENCE, "certificates"));
	ENSURE(der_reader_done(&set), BAD_INPUT, "exactly one certificate must be included");
	TRY(cert_parse(c, certificate));
	TRY(read_signer_info(s, &data, version, c));
	return der_finish(&data, "SignedData");
}

/* IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber INTEGER }, with the issuer as one directoryName. */
static struct err *check_issuer_serial(struct der_reader *r, const struct cert *c)
{
	struct der_reader inner, names, directory;
	struct slice issuer;
	struct serial serial;

	TRY(der_expect_sequence(r, &inner, "issuerSerial"));
	TRY(der_expect_sequence(&inner, &names, "issuerSerial"));
	TRY(der_enter(&names, &directory, DER_CONTEXT_CONSTRUCTED(4), "issuerSerial"));
	TRY(der_finish(&names, "issuerSerial"));
	TRY(der_expect_whole(&directory, &issuer, DER_SEQUENCE, "issuerSerial"));
	TRY(der_finish(&directory, "issuerSerial"));
	TRY(der_read_serial(&inner, &serial, "issuerSerial"));
	TRY(der_finish(&inner, "issuerSerial"));
	ENSURE(slice_equal(issuer, c->issuer) && serial_equal(&serial, &c->serial), BAD_INPUT,
	       "RFC 5035 §4: issuerSerial names another certificate");
	return NULL;
}

/* SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2 }, ESSCertIDv2 ::= SEQUENCE { hashAlgorithm DEFAULT
 * SHA-256 (so absent), certHash OCTET STRING, issuerSerial OPTIONAL }: one, and no policies. */
static struct err *check_signing_certificate(struct slice value, const struct cert *c)
{
	struct der_reader whole, outer, certs, inner;
	struct slice hash;

	der_reader_init(&whole, value);
	TRY(der_expect_sequence(&whole, &outer, "signingCertificateV2"));
	TRY(der_expect_sequence(&outer, &certs, "signingCertificateV2"));
	TRY(der_finish(&outer, "signingCertificateV2"));
	TRY(der_expect_sequence(&certs, &inner, "ESSCertIDv2"));
	TRY(der_finish(&certs, "signingCertificateV2"));
	TRY(der_read_octets(&inner, &hash, SHA256_LEN, SHA256_LEN, "certHash"));
	if (!der_reader_done(&inner))
		TRY(check_issuer_serial(&inner, c));
	TRY(der_finish(&inner, "ESSCertIDv2"));
	ENSURE(slice_equal(hash, SLICE(c->digest, SHA256_LEN)), BAD_INPUT,
	       "RFC 5035 §4: signingCertificateV2 names another certificate");
	return NULL;
}

/* The algorithm of the key's row; RSA may also be named by the key's own identifier (RFC 5754 §3.2). */
static struct err *row_algorithm(struct slice *out, const struct signer_info *s, struct slice spki)
{
	const struct suite *row;

	TRY(suite_of_spki(&row, spki));
	ENSURE(row->for_certificates && row->digest != NULL && strcmp(row->digest, "SHA256") == 0, BAD_INPUT,
	       "signatures by %s keys are not accepted here", row->name);
	bool is_rsa_by_key = strcmp(row->key_type, "RSA") == 0 && slice_equal(s->algorithm, row->key_algorithm);
	*out = is_rsa_by_key ? row->signature_algorithm : s->algorithm;
	return NULL;
}

static struct err *verify_signature(const struct signer_info *s, const struct cert *c, struct slice content)
{
	uint8_t digest[SHA256_LEN];
	uint8_t attributes[ATTRIBUTES_MAX_BYTES];
	struct slice algorithm;

	der_sha256(digest, content);
	ENSURE(slice_equal(s->message_digest, SLICE(digest, sizeof digest)), BAD_INPUT,
	       "RFC 5652 §5.6: messageDigest: the signature is over other content");
	TRY(check_signing_certificate(s->signing_certificate, c));
	memcpy(attributes, s->attributes.p, s->attributes.len);
	attributes[0] = DER_SET; /* RFC 5652 §5.4: signed as SET OF, not as [0] */
	TRY(row_algorithm(&algorithm, s, c->public_key));
	return suite_verify_spki(c->public_key, algorithm, SLICE(attributes, s->attributes.len), s->signature);
}

static struct err *verify(struct authority_signature *out, struct slice cms, struct slice content)
{
	struct signer_info s = { 0 };
	struct cert c = { 0 };

	TRY(der_strict_flags(cms, AUTHORITY_CMS_MAX_BYTES, DER_DEEP));
	TRY(read_signed_data(&s, &c, cms));
	TRY(verify_signature(&s, &c, content));
	out->cert = c;
	out->signed_at = s.signed_at;
	return NULL;
}

struct err *authority_cms_verify(struct authority_signature *out, struct slice cms, struct slice content)
{
	struct err *e = verify(out, cms, content);
	char text[400];

	if (e == NULL || err_code(e) != ERR_BAD_INPUT)
		return e;
	OWN(err) inner = e;
	return ERR_FIELD(BAD_INPUT, "signature", "CMS: %s", err_text(inner, text, sizeof text));
}
