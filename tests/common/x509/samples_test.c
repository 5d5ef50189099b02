/*
 * samples_test.c - our certificates against NUC's real ones, field by field and, where nothing else differs, octet by
 * octet. Runs where $NUC_SAMPLES holds the samples, else it is skipped (exit 77).
 *
 * Differences that remain, each asserted here:
 *   notAfter            one second earlier (both ends of the validity count, RFC 5280 §4.1.2.5, BR 6.3.2)
 *   L and ST            gone since 2021; the production sample of 2018 has them
 *   head's RSA form     made of the individual's form with subject and EKU of the GOST head (no RSA head was found)
 *   OCSP URLs           two (order 522/НҚ); the samples have one
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/cert.h"
#include "x509/template.h"

#define PKCS12	  "1.2.398.3.3.5.1.1"
#define YEAR_S	  (365 * 86400LL)
#define SAMPLE(n) "ncanode/" n

/* URLs of the test CA of 2022, one of each. */
static const char *const test_urls[] = {
	"\"http://ocsp.pki.gov.kz/\", \"http://ocsp1.pki.gov.kz/\"",
	"\"http://test.pki.gov.kz/ocsp/\"",
	"\"http://crl.pki.gov.kz/nca_rsa.crl\", \"http://crl1.pki.gov.kz/nca_rsa.crl\"",
	"\"http://test.pki.gov.kz/crl/nca_rsa_test.crl\"",
	"\"http://crl.pki.gov.kz/nca_d_rsa.crl\", \"http://crl1.pki.gov.kz/nca_d_rsa.crl\"",
	"\"http://test.pki.gov.kz/crl/nca_d_rsa_test.crl\"",
	"http://pki.gov.kz/cert/nca_rsa.cer",
	"http://test.pki.gov.kz/cert/nca_rsa_test.cer",
	NULL,
};

static void sample(struct buf *out, struct cert *c, const char *path)
{
	ck_assert_msg(fixture_sample(out, path), "no sample %s", path);
	ck_ok(cert_parse(c, buf_slice(out)));
}

static void name_of(struct buf *out, const struct cert_template *t, const struct name_fields *fields)
{
	const struct profile *p = cert_template_profile(t);

	ck_ok(name_build(out, p->subject, p->num_subject, fields));
}

/* ours() renders with key, serial and notBefore of the sample. */
static void ours(struct buf *out, const struct cert_template *t, const struct cert *c, const struct name_fields *fields)
{
	OWN(buf) subject = BUF_INIT(2048);

	name_of(&subject, t, fields);
	struct cert_data data = { .subject = buf_slice(&subject),
				  .public_key = c->public_key,
				  .key_storage = PKCS12,
				  .max_validity_s = YEAR_S };
	ck_ok(cert_template_render(out, t, &data, &c->serial, c->not_before_at));
}

START_TEST(individual_is_the_sample_but_for_the_last_second)
{
	static const struct {
		const char *profile, *path;
	} cases[] = { { "individual-sign", SAMPLE("individual_valid_sign_2004_rsa.cer") },
		      { "individual-auth", SAMPLE("individual_valid_sign_2004_rsa_auth.cer") } };
	struct profiles *all = fixture_profiles_with(test_urls);
	OWN(buf) issuer = BUF_INIT(CERT_MAX_BYTES);
	struct cert authority;

	sample(&issuer, &authority, SAMPLE("nca_rsa_test.crt"));
	for (int i = 0; i < COUNT_OF(cases); i++) {
		OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
		OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
		OWN(cert_template) t = NULL;
		struct cert c;
		size_t differences = 0;

		sample(&der, &c, cases[i].path);
		ck_ok(cert_verify(&c, &authority));
		ck_ok(cert_template_compile(&t, all, cases[i].profile, "rsa", buf_slice(&issuer)));
		ours(&tbs, t, &c, &fixture_testov);
		ck_assert_uint_eq(tbs.len, c.tbs.len);
		struct cert mine;
		ck_ok(cert_parse_tbs(&mine, buf_slice(&tbs)));
		ck_assert_int_eq(mine.not_after_at, c.not_after_at - 1);
		for (size_t k = 0; k < tbs.len; k++)
			differences += tbs.p[k] != c.tbs.p[k];
		/* 230118043850Z and 230118043849Z: two digits; 43849 and 43848: one */
		ck_assert_uint_le(differences, 2);
		OWN(buf) hidden = BUF_INIT(CERT_TBS_MAX);
		OWN(buf) wanted = BUF_INIT(32), given = BUF_INIT(32);
		ck_ok(der_time(&wanted, c.not_after_at));
		ck_ok(der_time(&given, mine.not_after_at));
		ck_ok(buf_append(&hidden, buf_slice(&tbs)));
		uint8_t *at = memmem(hidden.p, hidden.len, given.p, given.len);
		ck_assert_ptr_nonnull(at);
		memcpy(at, wanted.p, wanted.len);
		ck_assert(slice_equal(buf_slice(&hidden), c.tbs)); /* octet for octet */
	}
	profiles_destroy(&all);
}
END_TEST

/* The production sample of 2018: 4-octet key id of the CA, two URIs in each point, L and ST in the subject. */
START_TEST(production_sample_has_our_extensions)
{
	static const char *const pairs[] = { "\"http://ocsp.pki.gov.kz/\", \"http://ocsp1.pki.gov.kz/\"",
					     "\"http://ocsp.pki.gov.kz\"", NULL };
	struct profiles *all = fixture_profiles_with(pairs);
	OWN(buf) issuer = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) printed = BUF_INIT(1024);
	OWN(cert_template) t = NULL;
	struct cert authority, c, mine;
	const char *text = NULL;

	sample(&issuer, &authority, "edscheck-desktop/nca_rsa.pem");
	sample(&der, &c, "ncanode-docs/testov_rsa_2018_prodca.cer");
	ck_ok(cert_verify(&c, &authority));
	ck_ok(cert_template_compile(&t, all, "individual-auth", "rsa", buf_slice(&issuer)));
	ours(&tbs, t, &c, &fixture_testov);
	ck_ok(cert_parse_tbs(&mine, buf_slice(&tbs)));
	ck_assert(slice_equal(mine.extensions, c.extensions));
	ck_assert(slice_equal(mine.issuer, c.issuer));
	ck_ok(name_print(&printed, c.subject));
	ck_ok(buf_str(&printed, &text));
	ck_assert_str_eq(
		text, "CN=ТЕСТОВ ТЕСТ,SURNAME=ТЕСТОВ,SERIALNUMBER=IIN123456789011,C=KZ,L=АЛМАТЫ,ST=АЛМАТЫ,G=ТЕСТОВИЧ");
	profiles_destroy(&all);
}
END_TEST

/* extension_of() borrows the value of an extension of a certificate. */
static struct slice extension_of(const struct cert *c, enum oid_name id)
{
	struct der_reader whole, list, one;
	struct slice oid_found, value;
	bool critical = false;

	der_reader_init(&whole, c->extensions);
	ck_ok(der_expect_sequence(&whole, &list, "Extensions"));
	while (!der_reader_done(&list)) {
		ck_ok(der_expect_sequence(&list, &one, "Extension"));
		ck_ok(der_read_oid(&one, &oid_found, "id"));
		if (der_peek(&one, DER_BOOLEAN))
			ck_ok(der_read_boolean(&one, &critical, "critical"));
		ck_ok(der_expect(&one, &value, DER_OCTET_STRING, "value"));
		if (oid_is(oid_found, id))
			return value;
	}
	ck_abort_msg("extension %s is missing", oid_word(id));
}

START_TEST(head_has_subject_usage_and_policy_of_the_gost_head)
{
	struct profiles *all = fixture_profiles_with(test_urls);
	OWN(buf) issuer = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) individual = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(cert_template) t = NULL;
	struct cert authority, head, rsa, mine;
	static const enum oid_name same[] = { OID_KEY_USAGE,	    OID_EXTENDED_KEY_USAGE, OID_CERTIFICATE_POLICIES,
					      OID_CRL_DISTRIBUTION, OID_FRESHEST_CRL,	    OID_AUTHORITY_INFO };

	sample(&issuer, &authority, SAMPLE("nca_rsa_test.crt"));
	sample(&individual, &rsa, SAMPLE("individual_valid_sign_2004_rsa.cer"));
	sample(&der, &head, SAMPLE("ceo_valid_sign_2004_gost.cer"));
	ck_ok(cert_template_compile(&t, all, "head-sign", "rsa", buf_slice(&issuer)));
	ours(&tbs, t, &rsa, &fixture_testov_head);
	ck_ok(cert_parse_tbs(&mine, buf_slice(&tbs)));
	ck_assert(slice_equal(mine.subject, head.subject));
	for (int i = 0; i < COUNT_OF(same); i++)
		ck_assert_msg(slice_equal(extension_of(&mine, same[i]), extension_of(&head, same[i])), "%s",
			      oid_word(same[i]));
	ck_assert_str_eq(head.iin, "123456789011");
	ck_assert_str_eq(head.bin, "123456789021");
	ck_assert(cert_has_eku(&head, "1.2.398.3.3.4.1.2.1"));
	profiles_destroy(&all);
}
END_TEST

/* CA certificates: the same extensions with the same criticality in the same order as those of 2020 and 2022. */
START_TEST(ca_certificates_have_the_same_form)
{
	static const struct {
		const char *path, *profile;
		int path_length;
	} cases[] = { { "edscheck-desktop/root_rsa_2020.cer", "root", -1 },
		      { "edscheck-desktop/nca_rsa_2022.cer", "issuing", 0 } };
	struct profiles *all = fixture_profiles();
	static const enum oid_name ids[EXT_COUNT] = {
		[EXT_BASIC_CONSTRAINTS] = OID_BASIC_CONSTRAINTS,    [EXT_KEY_USAGE] = OID_KEY_USAGE,
		[EXT_AUTHORITY_KEY_ID_FULL] = OID_AUTHORITY_KEY_ID, [EXT_SUBJECT_KEY_ID] = OID_SUBJECT_KEY_ID,
		[EXT_POLICIES] = OID_CERTIFICATE_POLICIES,	    [EXT_CRL] = OID_CRL_DISTRIBUTION,
		[EXT_AUTHORITY_INFO] = OID_AUTHORITY_INFO,
	};

	for (int i = 0; i < COUNT_OF(cases); i++) {
		OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
		const struct profile *p = NULL;
		struct der_reader whole, list, one;
		struct slice id;
		struct serial serial;
		struct cert c;

		sample(&der, &c, cases[i].path);
		ck_ok(profiles_find_profile(&p, all, cases[i].profile));
		ck_assert_int_eq(c.path_length, cases[i].path_length);
		ck_assert_int_eq(c.path_length, p->path_length);
		ck_assert_uint_eq(c.key_usage, p->key_usage);
		der_reader_init(&whole, c.extensions);
		ck_ok(der_expect_sequence(&whole, &list, "Extensions"));
		for (size_t k = 0; k < p->num_extensions; k++) {
			ck_ok(der_expect_sequence(&list, &one, "Extension"));
			ck_ok(der_read_oid(&one, &id, "id"));
			ck_assert(oid_is(id, ids[p->extensions[k]]));
			ck_assert_int_eq(der_peek(&one, DER_BOOLEAN), p->extensions[k] == EXT_BASIC_CONSTRAINTS ||
									      p->extensions[k] == EXT_KEY_USAGE);
		}
		ck_assert(der_reader_done(&list));
		ck_ok(cert_serial_of_key(&serial, c.public_key));
		ck_assert(serial_equal(&serial, &c.serial)); /* NUC's rule: the serial is the masked key id */
		ck_ok(name_check(c.subject, p->subject, p->num_subject));
	}
	profiles_destroy(&all);
}
END_TEST

/* cert_render_root() with the root's own names gives the bytes of the real root of 2020. */
START_TEST(root_of_2020_octet_for_octet)
{
	static const char *const pairs[] = { "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA) TEST 2026",
					     "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)", NULL };
	struct profiles *all = fixture_profiles_with(pairs);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) wanted = BUF_INIT(32), given = BUF_INIT(32);
	struct cert c, mine;

	sample(&der, &c, "edscheck-desktop/root_rsa_2020.cer");
	ck_ok(cert_render_root(&tbs, all, "rsa", c.public_key, &c.serial, c.not_before_at));
	ck_ok(cert_parse_tbs(&mine, buf_slice(&tbs)));
	ck_assert_int_eq(mine.not_after_at, c.not_after_at - 1);
	ck_ok(der_time(&wanted, c.not_after_at));
	ck_ok(der_time(&given, mine.not_after_at));
	uint8_t *at = memmem(tbs.p, tbs.len, given.p, given.len);
	ck_assert_ptr_nonnull(at);
	memcpy(at, wanted.p, wanted.len);
	ck_assert(slice_equal(buf_slice(&tbs), c.tbs));
	profiles_destroy(&all);
}
END_TEST

START_TEST(every_sample_is_read)
{
	static const char *const paths[] = {
		"edscheck-desktop/root_rsa.pem",
		"edscheck-desktop/nca_gost_2022.pem",
		"edscheck-desktop/nca_rsa.pem",
		"edscheck-desktop/nca_rsa_2022.cer",
		"edscheck-desktop/root_gost_2022.pem",
		"edscheck-desktop/root_gost.pem",
		"edscheck-desktop/btsd_gost.cer",
		"edscheck-desktop/ucgo_gost.cer",
		"edscheck-desktop/root_gost_2020.cer",
		"edscheck-desktop/nca_gost.pem",
		"edscheck-desktop/root_rsa_2020.cer",
		SAMPLE("individual_valid_sign_2004_rsa.cer"),
		SAMPLE("nca_gost2015_test.cer"),
		SAMPLE("nca_gost_test.crt"),
		"gokalkan/test_gost1.cer",
		"mitwork-kalkan-testkeys/legal_valid.pem",
		"mitwork-kalkan-testkeys/legal_revoked.pem",
		"ncanode-testkeys/key_ceo_revoked_2015.pem",
	};

	for (int i = 0; i < COUNT_OF(paths); i++) {
		OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
		OWN(buf) printed = BUF_INIT(4096);
		struct cert c;

		ck_assert(fixture_sample(&der, paths[i]));
		OWN(err) e = cert_parse(&c, buf_slice(&der));
		char text[400];
		ck_assert_msg(e == NULL, "%s: %s", paths[i], err_text(e, text, sizeof text));
		ck_ok(name_print(&printed, c.subject));
	}
}
END_TEST

int main(void)
{
	if (!fixture_has_samples()) {
		printf("skipped: no samples ($NUC_SAMPLES)\n");
		return 77;
	}
	Suite *s = suite_create("x509/samples");
	TCase *t = tcase_create("all");

	tcase_add_test(t, individual_is_the_sample_but_for_the_last_second);
	tcase_add_test(t, production_sample_has_our_extensions);
	tcase_add_test(t, head_has_subject_usage_and_policy_of_the_gost_head);
	tcase_add_test(t, ca_certificates_have_the_same_form);
	tcase_add_test(t, root_of_2020_octet_for_octet);
	tcase_add_test(t, every_sample_is_read);
	suite_add_tcase(s, t);
	return suite_main(s);
}
