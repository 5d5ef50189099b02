/*
 * sign.c - see sign.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/sign.h"

#include <check.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "support/suite.h"
#include "x509/suite.h"

EVP_PKEY *test_key(const char *kind)
{
	EVP_PKEY *key = NULL;

	if (strcmp(kind, "rsa") == 0)
		key = EVP_RSA_gen(2048);
	else if (strcmp(kind, "rsa1024") == 0)
		key = EVP_RSA_gen(1024);
	else if (strcmp(kind, "p256") == 0)
		key = EVP_EC_gen("P-256");
	else if (strcmp(kind, "p384") == 0)
		key = EVP_EC_gen("P-384");
	else if (strcmp(kind, "ed25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ck_assert_msg(key != NULL, "no key of kind %s", kind);
	return key;
}

void test_person_clear(struct test_person *self)
{
	EVP_PKEY_free(self->key);
	X509_free(self->cert);
	buf_clear(&self->der);
	buf_clear(&self->spki);
	self->key = NULL;
	self->cert = NULL;
}

static void add_attribute(X509_NAME *name, const char *field, int type, const char *prefix, const char *value)
{
	char text[256];

	if (value == NULL)
		return;
	(void)snprintf(text, sizeof text, "%s%s", prefix, value);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, field, type, (const uint8_t *)text, -1, -1, 0), 1);
}

static void set_name(X509 *cert, const struct test_cert_spec *spec)
{
	X509_NAME *name = X509_get_subject_name(cert);

	add_attribute(name, "CN", V_ASN1_UTF8STRING, "", spec->cn != NULL ? spec->cn : "TEST");
	add_attribute(name, "serialNumber", V_ASN1_PRINTABLESTRING, "IIN", spec->iin);
	add_attribute(name, "C", V_ASN1_PRINTABLESTRING, "", "KZ");
	add_attribute(name, "O", V_ASN1_UTF8STRING, "", spec->organisation);
	add_attribute(name, "OU", V_ASN1_UTF8STRING, "BIN", spec->bin);
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	if (value == NULL)
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_msg(e != NULL, "extension %s = %s", OBJ_nid2sn(nid), value);
	ck_assert_int_eq(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void keep_encodings(struct test_person *p)
{
	uint8_t *der = NULL;
	int len = i2d_X509(p->cert, &der);

	ck_assert_int_gt(len, 0);
	p->der = (struct buf)BUF_INIT(64 * 1024);
	p->spki = (struct buf)BUF_INIT(8 * 1024);
	ck_ok(buf_append(&p->der, SLICE(der, (size_t)len)));
	OPENSSL_free(der);
	ck_ok(suite_spki(&p->spki, p->key));
	der_sha256(p->key_hash, buf_slice(&p->spki));
}

void test_person_init(struct test_person *out, const char *key_kind, const struct test_cert_spec *spec,
		      const struct test_person *issuer)
{
	struct test_person p = { .key = test_key(key_kind), .cert = X509_new() };
	X509 *issuer_cert = issuer != NULL ? issuer->cert : p.cert;
	EVP_PKEY *issuer_key = issuer != NULL ? issuer->key : p.key;
	int64_t from = spec->not_before_at != 0 ? spec->not_before_at : clock_now_s() - 3600;
	int64_t to = spec->not_after_at != 0 ? spec->not_after_at : from + 365 * 86400;

	ck_assert_int_eq(X509_set_version(p.cert, 2), 1);
	ck_assert_int_eq(ASN1_INTEGER_set_int64(X509_get_serialNumber(p.cert), spec->serial != 0 ? spec->serial : 1),
			 1);
	set_name(p.cert, spec);
	ck_assert_int_eq(X509_set_issuer_name(p.cert, X509_get_subject_name(issuer_cert)), 1);
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notBefore(p.cert), from));
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(p.cert), to));
	ck_assert_int_eq(X509_set_pubkey(p.cert, p.key), 1);
	add_extension(p.cert, issuer_cert, NID_subject_key_identifier, "hash");
	if (issuer != NULL)
		add_extension(p.cert, issuer_cert, NID_authority_key_identifier, "keyid:always");
	add_extension(p.cert, issuer_cert, NID_basic_constraints, spec->basic);
	add_extension(p.cert, issuer_cert, NID_key_usage, spec->key_usage);
	add_extension(p.cert, issuer_cert, NID_ext_key_usage, spec->eku);
	add_extension(p.cert, issuer_cert, NID_subject_alt_name, spec->san);
	bool hashes_itself = EVP_PKEY_is_a(issuer_key, "ED25519") == 1;
	ck_assert_int_gt(X509_sign(p.cert, issuer_key, hashes_itself ? NULL : EVP_sha256()), 0);
	keep_encodings(&p);
	*out = p;
}

void test_staff_init(struct test_person *out, const char *iin)
{
	struct test_cert_spec spec = { .cn = "STAFF", .iin = iin, .key_usage = "critical,digitalSignature" };

	test_person_init(out, "p256", &spec, NULL);
}

void test_cms_flags(struct buf *out, const struct test_person *signer, struct slice content, unsigned flags)
{
	BIO *in = BIO_new_mem_buf(content.p, (int)content.len);
	CMS_ContentInfo *cms = CMS_sign(signer->cert, signer->key, NULL, in, flags);
	uint8_t *der = NULL;

	ck_assert_ptr_nonnull(cms);
	int len = i2d_CMS_ContentInfo(cms, &der);
	ck_assert_int_gt(len, 0);
	ck_ok(buf_append(out, SLICE(der, (size_t)len)));
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

void test_cms(struct buf *out, const struct test_person *signer, struct slice content)
{
	test_cms_flags(out, signer, content, TEST_CMS_FLAGS);
}

void test_decision_clear(struct test_decision *self)
{
	buf_clear(&self->decision);
	buf_clear(&self->signature);
}

void test_decide_as(struct test_decision *out, const struct test_person *who, const struct decision *members,
		    const uint8_t (*digests)[SHA256_LEN], size_t num_digests)
{
	struct test_decision d = { .decision = BUF_INIT(DECISION_MAX_BYTES), .signature = BUF_INIT(64 * 1024) };
	struct decision in = *members;
	uint8_t nonce[AUTHORITY_NONCE_LEN];

	ck_assert_int_eq(RAND_bytes(nonce, sizeof nonce), 1);
	in.nonce = SLICE(nonce, sizeof nonce);
	ck_ok(decision_encode(&d.decision, &in, digests, num_digests));
	test_cms(&d.signature, who, buf_slice(&d.decision));
	der_sha256(d.digest, buf_slice(&d.decision));
	*out = d;
}

void test_decide(struct test_decision *out, const struct test_person *who, enum decision_kind kind,
		 const uint8_t (*digests)[SHA256_LEN], size_t num_digests, int64_t now)
{
	const struct decision members = {
		.kind = kind, .verdict = DECISION_APPROVE, .decided_at = now, .expires_at = now + 86400
	};

	test_decide_as(out, who, &members, digests, num_digests);
}

struct signed_decision test_signed_decision(const struct test_decision *d)
{
	return (struct signed_decision){ buf_slice(&d->decision), buf_slice(&d->signature) };
}

void test_policy_sign(struct buf *out, struct slice policy, const struct test_person *const *administrators,
		      size_t num_administrators, int64_t now)
{
	uint8_t digest[1][SHA256_LEN];
	struct test_decision decisions[SIGNED_POLICY_MAX_DECISIONS];
	struct signed_policy s = { .policy = policy, .num_decisions = num_administrators };

	ck_assert_uint_le(num_administrators, SIGNED_POLICY_MAX_DECISIONS);
	der_sha256(digest[0], policy);
	for (size_t i = 0; i < num_administrators; i++) {
		test_decide(&decisions[i], administrators[i], DECISION_POLICY, (const uint8_t(*)[SHA256_LEN])digest, 1,
			    now);
		s.decisions[i] = test_signed_decision(&decisions[i]);
	}
	ck_ok(signed_policy_encode(out, &s));
	for (size_t i = 0; i < num_administrators; i++)
		test_decision_clear(&decisions[i]);
}
