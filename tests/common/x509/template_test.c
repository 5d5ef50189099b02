/*
 * template_test.c - rendering: libcrypto reads back what we wrote and would write the same; what the profile changes;
 * what it costs.
 */
#include <check.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/cert.h"
#include "x509/person.h"
#include "x509/template.h"

#define PKCS12 "1.2.398.3.3.5.1.1"

enum { BEGIN = 1795383600, DAY = 86400 }; /* 2026-11-22 */

static struct profiles *all;
static struct fixture_ca ca;
static struct buf key = BUF_INIT(2048);

static void setup(void)
{
	static const char *const longer[] = { "days = 9131", "days = 18263", "days = 8395", "days = 18262", NULL };

	all = fixture_profiles_with(longer); /* CAs of 50 years, to see 2050 */
	fixture_ca_init(&ca, all, "rsa2048-sha256", BEGIN);
	fixture_spki(&key, "rsa2048");
}

static void teardown(void)
{
	fixture_ca_clear(&ca);
	buf_clear(&key);
	profiles_destroy(&all);
}

static void compile(struct cert_template **out, const char *profile)
{
	ck_ok(cert_template_compile(out, all, profile, "rsa", buf_slice(&ca.issuing)));
}

static void subject_of(struct buf *out, const struct cert_template *t, const struct name_fields *fields)
{
	const struct profile *p = cert_template_profile(t);

	buf_reset(out);
	ck_ok(name_build(out, p->subject, p->num_subject, fields));
}

static struct cert_data plain(struct slice subject)
{
	return (struct cert_data){
		.subject = subject, .public_key = buf_slice(&key), .key_storage = PKCS12, .max_validity_s = INT64_MAX
	};
}

/* ---------------------------------------------------------------- many inputs */

static unsigned seed;

static unsigned draw(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % below;
}

static void draw_word(char *out, size_t letters)
{
	static const char *const alphabet[] = { "А", "Ә", "Б", "Ғ", "И", "І", "К", "Қ", "Н", "Ң", "О",
						"Ө", "У", "Ұ", "Ү", "Х", "Һ", "Ы", "a", "ж", "э", "Z" };

	out[0] = '\0';
	for (size_t i = 0; i < letters; i++)
		strcat(out, alphabet[draw(COUNT_OF(alphabet))]);
}

static void draw_serial(struct serial *out)
{
	out->len = (uint8_t)(1 + draw(20));
	for (int i = 0; i < out->len; i++)
		out->b[i] = (uint8_t)draw(256);
	out->b[0] &= 0x7F;
	if (out->len > 1 && out->b[0] == 0)
		out->b[1] |= 0x80;
	else if (out->b[0] == 0)
		out->b[0] = 1;
}

static int64_t instant(const ASN1_TIME *t)
{
	struct tm tm;

	ck_assert_int_eq(ASN1_TIME_to_tm(t, &tm), 1);
	return timegm(&tm);
}

/* The certificate as libcrypto reads it holds what we meant, and libcrypto writes the same bytes. */
static void agree(struct slice tbs, const struct cert_data *data, const struct serial *serial, int64_t not_before_at,
		  int64_t not_after_at)
{
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	unsigned char *again = NULL;
	struct cert c;

	fixture_certificate(&der, ca.key, tbs);
	const uint8_t *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(x);
	ck_assert_ptr_eq(p, der.p + der.len);
	ck_assert_int_eq(X509_verify(x, ca.key), 1);
	int len = i2d_X509(x, &again);
	ck_assert(slice_equal(SLICE(again, (size_t)len), buf_slice(&der)));
	OPENSSL_free(again);
	again = NULL;
	len = i2d_re_X509_tbs(x, &again); /* encoded anew from the objects */
	ck_assert(slice_equal(SLICE(again, (size_t)len), tbs));
	OPENSSL_free(again);
	ck_assert_int_eq(instant(X509_get0_notBefore(x)), not_before_at);
	ck_assert_int_eq(instant(X509_get0_notAfter(x)), not_after_at);
	ck_ok(cert_parse(&c, buf_slice(&der)));
	ck_assert(serial_equal(&c.serial, serial));
	ck_assert(slice_equal(c.subject, data->subject));
	ck_assert(slice_equal(c.public_key, data->public_key));
	ck_assert_int_eq(c.not_before_at, not_before_at);
	ck_assert_int_eq(c.not_after_at, not_after_at);
	ck_assert_uint_eq(c.emails.num, data->num_emails);
	X509_free(x);
}

START_TEST(libcrypto_reads_and_writes_the_same)
{
	static const char *const profiles[] = { "individual-auth", "individual-sign", "head-auth", "head-sign" };
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);

	seed = 20261122u + (unsigned)_i;
	for (int n = 0; n < 150; n++) {
		OWN(cert_template) t = NULL;
		char surname[300], given[300], patronymic[300], organisation[300], email[2][128];
		struct slice emails[2];
		struct serial serial;
		int64_t not_before_at = BEGIN + draw(45 * 365) * (int64_t)DAY + draw(DAY), not_after_at = 0;

		draw_word(surname, 1 + draw(31));
		draw_word(given, draw(32));
		draw_word(patronymic, draw(3) == 0 ? 0 : 1 + draw(64));
		draw_word(organisation, 1 + draw(64));
		struct name_fields f = { .surname = surname,
					 .given = given,
					 .patronymic = patronymic,
					 .iin = "900101300017",
					 .organisation = organisation,
					 .bin = "940140000385" };
		compile(&t, profiles[_i]);
		subject_of(&subject, t, &f);
		struct cert_data data = plain(buf_slice(&subject));
		data.num_emails = draw(3);
		for (size_t i = 0; i < data.num_emails; i++) {
			(void)snprintf(email[i], sizeof email[i], "%.*s%zu@mail.kz", (int)draw(60),
				       "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij", i);
			emails[i] = SLICE_STR(email[i]);
		}
		data.emails = emails;
		draw_serial(&serial);
		buf_reset(&tbs);
		ck_ok(cert_not_after(&not_after_at, t, &data, not_before_at));
		ck_ok(cert_template_render(&tbs, t, &data, &serial, not_before_at));
		ck_assert_int_eq(not_after_at, not_before_at + 365 * DAY - 1);
		agree(buf_slice(&tbs), &data, &serial, not_before_at, not_after_at);
	}
}
END_TEST

START_TEST(the_chain_verifies)
{
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	struct serial serial = fixture_serial("1234567890");
	struct cert leaf, issuing, root;

	compile(&t, "individual-sign");
	subject_of(&subject, t, &fixture_testov);
	struct cert_data data = plain(buf_slice(&subject));
	ck_ok(cert_template_render(&tbs, t, &data, &serial, BEGIN));
	fixture_certificate(&der, ca.key, buf_slice(&tbs));
	ck_ok(cert_parse(&leaf, buf_slice(&der)));
	ck_ok(cert_parse(&issuing, buf_slice(&ca.issuing)));
	ck_ok(cert_parse(&root, buf_slice(&ca.root)));
	ck_ok(cert_verify(&leaf, &issuing));
	ck_ok(cert_verify(&issuing, &root));
	ck_ok(cert_verify(&root, &root));
	ck_fails(cert_verify(&leaf, &root), ERR_BAD_INPUT, "name");
	ck_assert(slice_equal(leaf.issuer, issuing.subject));
	ck_assert(slice_equal(leaf.issuer, cert_template_issuer_name(t)));
	ck_assert(slice_equal(cert_template_issuer_key(t), issuing.public_key));
	const uint8_t *p[3] = { ca.root.p, ca.issuing.p, der.p };
	X509 *x[3] = { d2i_X509(NULL, &p[0], (long)ca.root.len), d2i_X509(NULL, &p[1], (long)ca.issuing.len),
		       d2i_X509(NULL, &p[2], (long)der.len) };
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = sk_X509_new_null();
	ck_assert_int_eq(X509_STORE_add_cert(store, x[0]), 1);
	ck_assert_int_gt(sk_X509_push(untrusted, x[1]), 0);
	ck_assert_int_eq(X509_STORE_CTX_init(ctx, store, x[2], untrusted), 1);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_STORE_CTX_set_time(ctx, 0, BEGIN + DAY);
	ck_assert_msg(X509_verify_cert(ctx) == 1, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(untrusted);
	for (int i = 0; i < 3; i++)
		X509_free(x[i]);
}
END_TEST

/* The issuer's row decides the signature's algorithm; the leaf's key is the profile's business. */
START_TEST(a_p256_ca_signs_rsa_leaves)
{
	OWN(fixture_ca) ec = { 0 };
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	struct serial serial = fixture_serial("1234567890");
	struct cert leaf, issuing;

	fixture_ca_init(&ec, all, "ecdsa-p256-sha256", BEGIN);
	ck_ok(cert_template_compile(&t, all, "head-auth", "rsa", buf_slice(&ec.issuing)));
	ck_assert_str_eq(cert_template_suite(t)->name, "ecdsa-p256-sha256");
	subject_of(&subject, t, &fixture_testov_head);
	struct cert_data data = plain(buf_slice(&subject));
	ck_ok(cert_template_render(&tbs, t, &data, &serial, BEGIN));
	fixture_certificate(&der, ec.key, buf_slice(&tbs));
	ck_ok(cert_parse(&leaf, buf_slice(&der)));
	ck_ok(cert_parse(&issuing, buf_slice(&ec.issuing)));
	ck_ok(cert_verify(&leaf, &issuing));
	ck_assert(slice_equal(leaf.issuer, cert_template_authority(t)->subject));
}
END_TEST

START_TEST(every_profile_is_read_back)
{
	for (size_t i = 0; i < all->num_profiles; i++) {
		OWN(cert_template) t = NULL;
		OWN(buf) subject = BUF_INIT(4096);
		OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
		const struct profile *p = &all->profiles[i];
		struct serial serial = fixture_serial("7f00000000000000000000000000000000000001");
		struct slice dns = SLICE_STR("localhost");
		struct cert c;

		if (p->is_ca)
			continue;
		compile(&t, p->name);
		subject_of(&subject, t, &fixture_testov_head);
		struct cert_data data = plain(buf_slice(&subject));
		data.dns_names = &dns;
		data.num_dns_names = p->allows_dns;
		ck_ok(cert_template_render(&tbs, t, &data, &serial, BEGIN));
		ck_ok(cert_parse_tbs(&c, buf_slice(&tbs)));
		ck_assert_uint_eq(c.key_usage, p->key_usage);
		ck_assert_uint_eq(c.num_eku, p->num_extended_key_usage);
		for (size_t k = 0; k < c.num_eku; k++)
			ck_assert(cert_has_eku(&c, p->extended_key_usage[k]));
		ck_assert(!c.is_ca && c.path_length == -1);
		ck_assert_uint_eq(c.dns_names.num, p->allows_dns);
		ck_assert(!c.has_unknown_critical);
		ck_assert_int_eq(c.has_ocsp_nocheck, strcmp(p->name, "ocsp") == 0);
	}
}
END_TEST

/* ---------------------------------------------------------------- words and bytes */

START_TEST(the_same_words_give_the_same_bytes)
{
	struct profiles *other = fixture_profiles();
	OWN(cert_template) a = NULL;
	OWN(cert_template) b = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) x = BUF_INIT(2 * CERT_TBS_MAX);
	OWN(buf) y = BUF_INIT(CERT_TBS_MAX);
	struct serial serial = fixture_serial("41e45cc8a04c705963e5cd6769848a934d8eaef5");

	compile(&a, "head-auth");
	ck_ok(cert_template_compile(&b, other, "head-auth", "rsa", buf_slice(&ca.issuing)));
	subject_of(&subject, a, &fixture_testov_head);
	struct cert_data data = plain(buf_slice(&subject));
	ck_ok(buf_append_str(&x, "kept"));
	ck_ok(cert_template_render(&x, a, &data, &serial, BEGIN));
	ck_ok(cert_template_render(&y, b, &data, &serial, BEGIN));
	ck_assert_mem_eq(x.p, "kept", 4);
	ck_assert(slice_equal(SLICE(x.p + 4, x.len - 4), buf_slice(&y)));
	profiles_destroy(&other);
}
END_TEST

/* A profile with NUC's key-store extension and OCSP first, as the GOST generation has them. */
START_TEST(storage_and_order_follow_the_profile)
{
	static const char *const pairs[] = { "\"authority_info\", \"subject_alt_name\" ]",
					     "\"authority_info\", \"key_storage\", \"subject_alt_name\" ]",
					     "\"ca_issuers\", \"ocsp\"",
					     "\"ocsp\", \"ca_issuers\"",
					     "key_id = \"spki\"",
					     "key_id = \"bits\"",
					     NULL };
	struct profiles *other = fixture_profiles_with(pairs);
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial = fixture_serial("10");
	uint8_t id[20];
	struct cert c;

	ck_ok(cert_template_compile(&t, other, "individual-sign", "rsa", buf_slice(&ca.issuing)));
	subject_of(&subject, t, &fixture_testov);
	struct cert_data data = plain(buf_slice(&subject));
	ck_ok(cert_template_render(&tbs, t, &data, &serial, BEGIN));
	ck_ok(cert_parse_tbs(&c, buf_slice(&tbs)));
	static const uint8_t storage[] = { 0x30, 0x16, 0x06, 0x06, 0x2A, 0x83, 0x0E, 0x03, 0x03, 0x05, 0x04, 0x0C,
					   0x30, 0x0A, 0x06, 0x08, 0x2A, 0x83, 0x0E, 0x03, 0x03, 0x05, 0x01, 0x01 };
	ck_assert_ptr_nonnull(memmem(tbs.p, tbs.len, storage, sizeof storage));
	ck_assert(slice_equal(c.key_storage, SLICE(storage + 16, 8)));
	ck_ok(suite_key_id_bits(id, buf_slice(&key)));
	ck_assert(slice_equal(c.key_id, SLICE(id, 20)));
	const uint8_t *ocsp = memmem(tbs.p, tbs.len, "http://ocsp.pki", 15);
	const uint8_t *issuers = memmem(tbs.p, tbs.len, "http://pki.gov.kz/cert", 22);
	ck_assert(ocsp != NULL && issuers != NULL && ocsp < issuers);
	profiles_destroy(&other);
}
END_TEST

START_TEST(serial_of_a_key_is_masked)
{
	struct serial s;
	uint8_t id[20];

	ck_ok(cert_serial_of_key(&s, buf_slice(&key)));
	ck_ok(suite_key_id_bits(id, buf_slice(&key)));
	ck_assert_uint_eq(s.len, 20);
	ck_assert_uint_ge(s.b[0], 0x10);
	ck_assert_uint_le(s.b[0], 0x7F);
	ck_assert_mem_eq(s.b + 1, id + 1, 19);
}
END_TEST

/* ---------------------------------------------------------------- cost: printed, never judged */

START_TEST(cost)
{
	enum { ROUNDS = 20000 };
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial = fixture_serial("41e45cc8a04c705963e5cd6769848a934d8eaef5");

	compile(&t, "individual-sign");
	subject_of(&subject, t, &fixture_testov);
	struct cert_data data = plain(buf_slice(&subject));
	clock_t began = clock();
	for (int i = 0; i < ROUNDS; i++) { /* no ck_ok() here: it costs as much as the rendering */
		buf_reset(&tbs);
		serial.b[19] = (uint8_t)i;
		OWN(err) e = cert_template_render(&tbs, t, &data, &serial, BEGIN + i);
		if (e != NULL)
			ck_abort_msg("render failed");
	}
	double took = (double)(clock() - began) * 1e6 / CLOCKS_PER_SEC;
	printf("render: %.2f us of CPU for %zu octets\n", took / ROUNDS, tbs.len);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/template");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, libcrypto_reads_and_writes_the_same, 0, 4);
	tcase_add_test(t, the_chain_verifies);
	tcase_add_test(t, a_p256_ca_signs_rsa_leaves);
	tcase_add_test(t, every_profile_is_read_back);
	tcase_add_test(t, the_same_words_give_the_same_bytes);
	tcase_add_test(t, storage_and_order_follow_the_profile);
	tcase_add_test(t, serial_of_a_key_is_masked);
	tcase_add_test(t, cost);
	suite_add_tcase(s, t);
	return suite_main(s);
}
