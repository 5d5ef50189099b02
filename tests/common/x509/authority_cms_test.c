/*
 * authority_cms_test.c - the decisions' CMS: what OpenSSL's CMS_sign() makes is taken in its one fixed form, nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "support/sign.h"
#include "support/suite.h"

#define CONTENT SLICE_STR("the bytes of a Decision")

static void person(struct test_person *out, const char *key_kind, const struct test_person *issuer)
{
	const struct test_cert_spec spec = { .cn = "ОПЕРАТОР", .iin = "900101300017", .serial = 77 };

	test_person_init(out, key_kind, &spec, issuer);
}

static const struct {
	const char *key;
	unsigned flags;
} accepted[] = {
	{ "rsa", TEST_CMS_FLAGS },
	{ "p256", TEST_CMS_FLAGS },
	{ "rsa", TEST_CMS_FLAGS | CMS_USE_KEYID }, /* SignerInfo version 3 */
	{ "p256", TEST_CMS_FLAGS | CMS_USE_KEYID },
};

START_TEST(what_openssl_makes_is_accepted)
{
	OWN(test_person) ca = { 0 };
	OWN(test_person) who = { 0 };
	OWN(buf) cms = BUF_INIT(AUTHORITY_CMS_MAX_BYTES);
	struct authority_signature signature;
	int64_t before = clock_now_s();

	person(&ca, "p256", NULL);
	person(&who, accepted[_i].key, &ca);
	test_cms_flags(&cms, &who, CONTENT, accepted[_i].flags);
	ck_ok(authority_cms_verify(&signature, buf_slice(&cms), CONTENT));
	ck_assert(slice_equal(signature.cert.der, buf_slice(&who.der)));
	ck_assert_mem_eq(signature.cert.key_hash, who.key_hash, SHA256_LEN);
	ck_assert_str_eq(signature.cert.iin, "900101300017");
	ck_assert_int_ge(signature.signed_at, before);
	ck_assert_int_le(signature.signed_at, clock_now_s());
	ck_fails(authority_cms_verify(&signature, buf_slice(&cms), SLICE_STR("other bytes")), ERR_BAD_INPUT,
		 "messageDigest");
}
END_TEST

static const struct {
	const char *what, *key;
	unsigned flags;
	const char *why;
} refused[] = {
	{ "without CAdES", "p256", CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP, "is missing" },
	{ "with S/MIME capabilities", "p256", CMS_BINARY | CMS_DETACHED | CMS_CADES, "is none of" },
	{ "without attributes", "p256", CMS_BINARY | CMS_DETACHED | CMS_NOATTR, "signedAttrs" },
	{ "with its content", "p256", CMS_BINARY | CMS_CADES | CMS_NOSMIMECAP, "detached" },
	{ "without certificate", "p256", TEST_CMS_FLAGS | CMS_NOCERTS, "certificates" },
	{ "P-384", "p384", TEST_CMS_FLAGS, "" },
	{ "RSA-1024", "rsa1024", TEST_CMS_FLAGS, "short" },
};

START_TEST(other_forms_are_refused)
{
	OWN(test_person) who = { 0 };
	OWN(buf) cms = BUF_INIT(64 * 1024);
	struct authority_signature signature;

	person(&who, refused[_i].key, NULL);
	test_cms_flags(&cms, &who, CONTENT, refused[_i].flags);
	ck_fails(authority_cms_verify(&signature, buf_slice(&cms), CONTENT), ERR_BAD_INPUT, refused[_i].why);
}
END_TEST

static CMS_ContentInfo *sign_partly(const struct test_person *who, BIO **in, unsigned flags)
{
	*in = BIO_new_mem_buf(CONTENT.p, (int)CONTENT.len);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, *in, flags | CMS_PARTIAL);
	ck_assert_ptr_nonnull(cms);
	ck_assert_ptr_nonnull(CMS_add1_signer(cms, who->cert, who->key, EVP_sha256(), flags));
	return cms;
}

static void finish(struct buf *out, CMS_ContentInfo *cms, BIO *in, unsigned flags)
{
	uint8_t *der = NULL;

	ck_assert_int_eq(CMS_final(cms, in, NULL, flags), 1);
	int len = i2d_CMS_ContentInfo(cms, &der);
	ck_assert_int_gt(len, 0);
	ck_ok(buf_append(out, SLICE(der, (size_t)len)));
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

START_TEST(additions_are_refused)
{
	OWN(test_person) who = { 0 };
	OWN(test_person) second = { 0 };
	OWN(buf) cms = BUF_INIT(64 * 1024);
	struct authority_signature signature;
	BIO *in = NULL;
	const char *const why[] = {
		"exactly one certificate", "signerInfos", "unsigned attributes", "is none of", "signerInfos", "SHA-256"
	};

	person(&who, "p256", NULL);
	person(&second, "p256", NULL);
	unsigned flags = TEST_CMS_FLAGS;
	CMS_ContentInfo *info = _i == 5 ? NULL : sign_partly(&who, &in, flags);
	CMS_SignerInfo *signer = info != NULL ? sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(info), 0) : NULL;
	X509_CRL *crl = X509_CRL_new();
	switch (_i) {
	case 0: /* a second certificate */
		ck_assert_int_eq(CMS_add1_cert(info, second.cert), 1);
		break;
	case 1: /* a second signer, whose certificate is left out */
		ck_assert_ptr_nonnull(
			CMS_add1_signer(info, second.cert, second.key, EVP_sha256(), flags | CMS_NOCERTS));
		break;
	case 2: /* an unsigned attribute */
		ck_assert_int_eq(
			CMS_unsigned_add1_attr_by_NID(signer, NID_pkcs9_unstructuredName, V_ASN1_UTF8STRING, "x", 1),
			1);
		break;
	case 3: /* a signed attribute more */
		ck_assert_int_eq(
			CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_unstructuredName, V_ASN1_UTF8STRING, "x", 1), 1);
		break;
	case 4: /* a CRL */
		ck_assert_int_eq(X509_CRL_set_issuer_name(crl, X509_get_subject_name(who.cert)), 1);
		ck_assert_int_eq(X509_CRL_set1_lastUpdate(crl, X509_get0_notBefore(who.cert)), 1);
		ck_assert_int_gt(X509_CRL_sign(crl, who.key, EVP_sha256()), 0);
		ck_assert_int_eq(CMS_add1_crl(info, crl), 1);
		break;
	default: /* SHA-384 */
		in = BIO_new_mem_buf(CONTENT.p, (int)CONTENT.len);
		info = CMS_sign(NULL, NULL, NULL, in, flags | CMS_PARTIAL);
		ck_assert_ptr_nonnull(CMS_add1_signer(info, who.cert, who.key, EVP_sha384(), flags));
	}
	finish(&cms, info, in, flags);
	ck_fails(authority_cms_verify(&signature, buf_slice(&cms), CONTENT), ERR_BAD_INPUT, why[_i]);
	X509_CRL_free(crl);
}
END_TEST

/* A certificate of the same key, issuer and serial, but another one: signingCertificateV2 says which it was. */
START_TEST(another_certificate_of_the_same_key_is_refused)
{
	OWN(test_person) who = { 0 };
	OWN(buf) cms = BUF_INIT(64 * 1024);
	OWN(buf) other = BUF_INIT(64 * 1024);
	struct authority_signature signature;
	uint8_t *der = NULL;

	person(&who, "rsa", NULL);
	test_cms(&cms, &who, CONTENT);
	X509 *cert = X509_dup(who.cert);
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(cert), clock_now_s() + 5000));
	ck_assert_int_gt(X509_sign(cert, who.key, EVP_sha256()), 0);
	int len = i2d_X509(cert, &der);
	ck_assert_int_eq(len, (int)who.der.len);
	uint8_t *at = memmem(cms.p, cms.len, who.der.p, who.der.len);
	ck_assert_ptr_nonnull(at);
	memcpy(at, der, who.der.len);
	ck_fails(authority_cms_verify(&signature, buf_slice(&cms), CONTENT), ERR_BAD_INPUT,
		 "signingCertificateV2 names another certificate");
	OPENSSL_free(der);
	X509_free(cert);
}
END_TEST

/* One bit of each octet flipped, another for each octet: nothing of it is accepted. */
START_TEST(every_octet_matters)
{
	OWN(test_person) who = { 0 };
	OWN(buf) cms = BUF_INIT(64 * 1024);
	struct authority_signature signature;

	person(&who, "p256", NULL);
	test_cms(&cms, &who, CONTENT);
	ck_ok(authority_cms_verify(&signature, buf_slice(&cms), CONTENT));
	for (size_t i = 0; i < cms.len; i++) {
		uint8_t bit = (uint8_t)(1u << (i * 5 + 3) % 8);
		cms.p[i] ^= bit;
		OWN(err) e = authority_cms_verify(&signature, buf_slice(&cms), CONTENT);
		ck_assert_msg(e != NULL, "octet %zu with bit %02X flipped was accepted", i, bit);
		ck_assert_int_eq(err_category(err_code(e)), ERR_REFUSE);
		cms.p[i] ^= bit;
	}
	ck_ok(buf_append_u8(&cms, 0));
	ck_fails(authority_cms_verify(&signature, buf_slice(&cms), CONTENT), ERR_BAD_INPUT, "1 octets follow");
	for (size_t n = 0; n < cms.len - 1; n++) {
		OWN(err) e = authority_cms_verify(&signature, SLICE(cms.p, n), CONTENT);
		ck_assert_ptr_nonnull(e);
	}
}
END_TEST

START_TEST(an_error_names_the_field)
{
	struct authority_signature signature;
	OWN(err) e = authority_cms_verify(&signature, SLICE("\x30\x00", 2), CONTENT);

	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_assert_str_eq(err_field(e), "signature");
	OWN(buf) huge = BUF_INIT(AUTHORITY_CMS_MAX_BYTES + 1);
	uint8_t *room;
	ck_ok(buf_extend(&huge, &room, AUTHORITY_CMS_MAX_BYTES + 1));
	memset(room, 0, huge.len);
	ck_fails(authority_cms_verify(&signature, buf_slice(&huge), CONTENT), ERR_TOO_LARGE, "at most");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/x509/authority_cms");
	TCase *t = tcase_create("cms");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, what_openssl_makes_is_accepted, 0, COUNT_OF(accepted));
	tcase_add_loop_test(t, other_forms_are_refused, 0, COUNT_OF(refused));
	tcase_add_loop_test(t, additions_are_refused, 0, 6);
	tcase_add_test(t, another_certificate_of_the_same_key_is_refused);
	tcase_add_test(t, every_octet_matters);
	tcase_add_test(t, an_error_names_the_field);
	suite_add_tcase(s, t);
	return suite_main(s);
}
