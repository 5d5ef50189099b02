/*
 * cert_test.c - reading certificates: what a reader must see, what must be refused, PEM both ways.
 */
#include <check.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "asn1/der.h"
#include "support/sign.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/cert.h"
#include "x509/pem.h"

static struct test_person ca, leaf;
static const struct test_cert_spec ca_spec = {
	.cn = "CA", .basic = "critical,CA:TRUE,pathlen:0", .key_usage = "critical,keyCertSign,cRLSign", .serial = 7
};
static const struct test_cert_spec leaf_spec = { .cn = "ТЕСТОВ ТЕСТ",
						 .iin = "900101300017",
						 .bin = "940140000385",
						 .organisation = "АО",
						 .key_usage = "critical,digitalSignature,nonRepudiation",
						 .eku = "emailProtection,1.2.398.3.3.4.1.2,1.2.398.3.3.4.1.2.1",
						 .san = "email:a@b.kz,DNS:b.kz,DNS:c.kz",
						 .serial = 0x80,
						 .not_before_at = 1795383600,
						 .not_after_at = 1826919599 };

static void setup(void)
{
	test_person_init(&ca, "p256", &ca_spec, NULL);
	test_person_init(&leaf, "p256", &leaf_spec, &ca);
}

static void teardown(void)
{
	test_person_clear(&ca);
	test_person_clear(&leaf);
}

START_TEST(everything_is_seen)
{
	struct cert c;
	uint8_t digest[32];

	ck_ok(cert_parse(&c, buf_slice(&leaf.der)));
	ck_assert_str_eq(c.iin, "900101300017");
	ck_assert_str_eq(c.bin, "940140000385");
	ck_assert_uint_eq(c.serial.len, 2);
	ck_assert_mem_eq(c.serial.b, "\x00\x80", 2);
	ck_assert_int_eq(c.not_before_at, 1795383600);
	ck_assert_int_eq(c.not_after_at, 1826919599);
	ck_assert_uint_eq(c.key_usage, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION);
	ck_assert_uint_eq(c.num_eku, 3);
	ck_assert(cert_has_eku(&c, "1.3.6.1.5.5.7.3.4"));
	ck_assert(cert_has_eku(&c, "1.2.398.3.3.4.1.2.1"));
	ck_assert(!cert_has_eku(&c, "1.2.398.3.3.4.1.1"));
	ck_assert(!cert_has_eku(&c, "not an oid"));
	ck_assert_uint_eq(c.emails.num, 1);
	ck_assert(slice_equal(c.emails.items[0], SLICE_STR("a@b.kz")));
	ck_assert_uint_eq(c.dns_names.num, 2);
	ck_assert(slice_equal(c.dns_names.items[1], SLICE_STR("c.kz")));
	ck_assert(!c.is_ca && c.path_length == -1 && !c.has_unknown_critical && !c.has_ocsp_nocheck);
	ck_assert_uint_eq(c.key_id.len, 20);
	ck_assert_uint_eq(c.authority_key_id.len, 20);
	ck_assert_mem_eq(c.key_hash, leaf.key_hash, 32);
	der_sha256(digest, buf_slice(&leaf.der));
	ck_assert_mem_eq(c.digest, digest, 32);
	ck_ok(cert_parse(&c, buf_slice(&ca.der)));
	ck_assert(c.is_ca && c.path_length == 0);
	ck_assert_str_eq(c.iin, "");
	ck_assert_uint_eq(c.key_usage, KEY_USAGE_KEY_CERT_SIGN | KEY_USAGE_CRL_SIGN);
}
END_TEST

START_TEST(a_tbs_alone_has_no_signature)
{
	struct cert whole, tbs, issuer;

	ck_ok(cert_parse(&whole, buf_slice(&leaf.der)));
	ck_ok(cert_parse(&issuer, buf_slice(&ca.der)));
	ck_ok(cert_parse_tbs(&tbs, whole.tbs));
	ck_assert(serial_equal(&tbs.serial, &whole.serial));
	ck_assert_uint_eq(tbs.signature.len, 0);
	ck_assert_uint_eq(tbs.der.len, 0);
	ck_fails(cert_verify(&tbs, &issuer), ERR_BUG, "no signature");
	ck_fails(cert_parse_tbs(&tbs, whole.der), ERR_BAD_INPUT, "");
	ck_fails(cert_parse(&tbs, whole.tbs), ERR_BAD_INPUT, "");
}
END_TEST

START_TEST(one_link_of_a_chain)
{
	struct cert c, issuer, other;
	struct test_person stranger, no_ca, sub_ca;
	static const struct test_cert_spec no_ca_spec = { .cn = "CA", .key_usage = "critical,keyCertSign" };

	ck_ok(cert_parse(&c, buf_slice(&leaf.der)));
	ck_ok(cert_parse(&issuer, buf_slice(&ca.der)));
	ck_ok(cert_verify(&c, &issuer));
	ck_fails(cert_verify(&issuer, &c), ERR_BAD_INPUT, "name");
	test_person_init(&stranger, "p256", &ca_spec, NULL); /* the same name, another key */
	ck_ok(cert_parse(&other, buf_slice(&stranger.der)));
	ck_fails(cert_verify(&c, &other), ERR_BAD_INPUT, "key id");
	struct cert without = c;
	without.authority_key_id = SLICE_NONE;
	ck_fails(cert_verify(&without, &other), ERR_BAD_INPUT, "does not fit");
	test_person_init(&no_ca, "p256", &no_ca_spec, NULL);
	ck_ok(cert_parse(&other, buf_slice(&no_ca.der)));
	ck_fails(cert_verify(&without, &other), ERR_BAD_INPUT, "not that of a CA");
	test_person_init(&sub_ca, "p256", &ca_spec, &ca);
	ck_ok(cert_parse(&other, buf_slice(&sub_ca.der)));
	ck_fails(cert_verify(&other, &issuer), ERR_BAD_INPUT, "pathlen 0");
	test_person_clear(&stranger);
	test_person_clear(&no_ca);
	test_person_clear(&sub_ca);
}
END_TEST

START_TEST(every_cut_and_every_flipped_bit)
{
	struct cert c, issuer;
	OWN(buf) copy = BUF_INIT(CERT_MAX_BYTES);

	ck_ok(cert_parse(&issuer, buf_slice(&ca.der)));
	for (size_t n = 0; n < leaf.der.len; n++) {
		OWN(err) e = cert_parse(&c, SLICE(leaf.der.p, n));

		ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	}
	ck_ok(buf_append(&copy, buf_slice(&leaf.der)));
	for (size_t bit = 0; bit < leaf.der.len * 8; bit++) {
		copy.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		OWN(err) e = cert_parse(&c, buf_slice(&copy));
		if (e == NULL)
			e = cert_verify(&c, &issuer);
		ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
		copy.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	ck_ok(buf_append_u8(&copy, 0));
	ck_fails(cert_parse(&c, buf_slice(&copy)), ERR_BAD_INPUT, "");
}
END_TEST

/* A certificate with one more extension, signed by the CA. */
static void with_extension(struct buf *out, const char *oid, bool critical, const uint8_t *value, size_t len)
{
	unsigned char *der = NULL;
	ASN1_OBJECT *id = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();

	ck_assert_int_eq(ASN1_OCTET_STRING_set(octets, value, (int)len), 1);
	X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, id, critical, octets);
	X509 *x = X509_dup(leaf.cert);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	ck_assert_int_gt(X509_sign(x, ca.key, EVP_sha256()), 0);
	int n = i2d_X509(x, &der);
	buf_reset(out);
	ck_ok(buf_append(out, SLICE(der, (size_t)n)));
	OPENSSL_free(der);
	X509_free(x);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(id);
}

START_TEST(extensions_of_all_kinds)
{
	static const struct {
		const char *oid;
		const char *value;
		size_t len;
		const char *says; /* NULL: read */
	} cases[] = {
		{ "2.5.29.19", "\x30\x00", 2, NULL },
		{ "2.5.29.19", "\x30\x03\x01\x01\x00", 5, "cA FALSE" },
		{ "2.5.29.19", "\x30\x03\x02\x01\x00", 5, "pathLenConstraint" },
		{ "2.5.29.19", "\x30\x05\x01\x01\xFF\x05\x00", 7, "basicConstraints" },
		{ "2.5.29.15", "\x03\x02\x06\xC0", 4, "stands there twice" },
		{ "2.5.29.37", "\x30\x00", 2, "extendedKeyUsage" },
		{ "2.5.29.32", "\x30\x00", 2, "" },
		{ "2.5.29.32", "\x30\x06\x30\x04\x06\x02\x2A\x03", 8, NULL },
		{ "1.2.398.3.3.5", "\x30\x0A\x06\x08\x2A\x83\x0E\x03\x03\x05\x01\x01", 12, NULL },
		{ "1.2.398.3.3.5", "\x05\x00", 2, "KeyStoreInfo" },
		{ "1.3.6.1.5.5.7.48.1.5", "\x05\x00", 2, NULL },
		{ "1.2.3.4.5", "\xFF", 1, NULL },
	};
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);

	for (int i = 0; i < COUNT_OF(cases); i++) {
		struct cert c;

		with_extension(&der, cases[i].oid, false, (const uint8_t *)cases[i].value, cases[i].len);
		if (cases[i].says == NULL) {
			ck_ok(cert_parse(&c, buf_slice(&der)));
			ck_assert(!c.has_unknown_critical);
		} else {
			ck_fails(cert_parse(&c, buf_slice(&der)), ERR_BAD_INPUT, cases[i].says);
		}
	}
	struct cert c;
	with_extension(&der, "1.2.3.4.5", true, (const uint8_t *)"\xFF", 1);
	ck_ok(cert_parse(&c, buf_slice(&der)));
	ck_assert(c.has_unknown_critical);
	with_extension(&der, "1.3.6.1.5.5.7.48.1.5", false, (const uint8_t *)"\x05\x00", 2);
	ck_ok(cert_parse(&c, buf_slice(&der)));
	ck_assert(c.has_ocsp_nocheck);
}
END_TEST

START_TEST(pem_both_ways)
{
	OWN(buf) pem = BUF_INIT(1 << 16);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) chain = BUF_INIT(1 << 16);
	bool found = false;

	ck_ok(cert_to_pem(&pem, buf_slice(&leaf.der)));
	ck_ok(cert_from_pem(&der, buf_slice(&pem)));
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&leaf.der)));
	buf_reset(&der);
	ck_ok(cert_from_pem(&der, buf_slice(&leaf.der))); /* DER is taken as it is */
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&leaf.der)));
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(x);
	X509_free(x);
	BIO_free(bio);
	ck_ok(buf_append_str(&chain, "subject=/CN=x\r\n"));
	ck_ok(buf_append(&chain, buf_slice(&pem)));
	ck_ok(cert_to_pem(&chain, buf_slice(&ca.der)));
	struct slice rest = buf_slice(&chain);
	buf_reset(&der);
	ck_ok(pem_next(&der, &found, &rest, PEM_CERTIFICATE));
	ck_assert(found);
	buf_reset(&der);
	ck_ok(pem_next(&der, &found, &rest, PEM_CERTIFICATE));
	ck_assert(found && slice_equal(buf_slice(&der), buf_slice(&ca.der)));
	ck_ok(pem_next(&der, &found, &rest, PEM_CERTIFICATE));
	ck_assert(!found);
	ck_fails(cert_from_pem(&der, SLICE_STR("hello")), ERR_BAD_INPUT, "neither DER nor");
	ck_fails(cert_from_pem(&der, SLICE_NONE), ERR_BAD_INPUT, "neither DER nor");
	ck_fails(cert_from_pem(&der, SLICE_STR("-----BEGIN CERTIFICATE-----\nMIIB")), ERR_BAD_INPUT,
		 "no line -----END");
	ck_fails(cert_from_pem(&der, SLICE_STR("-----BEGIN CERTIFICATE-----\nM!IB\n-----END CERTIFICATE-----")),
		 ERR_BAD_INPUT, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/cert");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, everything_is_seen);
	tcase_add_test(t, a_tbs_alone_has_no_signature);
	tcase_add_test(t, one_link_of_a_chain);
	tcase_add_test(t, every_cut_and_every_flipped_bit);
	tcase_add_test(t, extensions_of_all_kinds);
	tcase_add_test(t, pem_both_ways);
	suite_add_tcase(s, t);
	return suite_main(s);
}
