/*
 * golden_test.c - every profile of config/profiles.conf against its committed bytes (tests/vectors/golden/README.md).
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/cert.h"
#include "x509/template.h"

enum { YEAR_2026 = 1795383600 }; /* 2026-11-22T21:40:00Z: notBefore of leaves; CAs began a day before */

static struct profiles *all;
static struct buf root = BUF_INIT(8192), issuing = BUF_INIT(8192);

/* The certificate of a CA with a signature that nobody checks here: compiling a template reads the rest. */
static void certificate(struct buf *out, struct slice tbs)
{
	uint8_t signature[256];

	memset(signature, 0x5A, sizeof signature);
	ck_ok(cert_assemble(out, tbs, suite_by_name("rsa2048-sha256"), SLICE(signature, sizeof signature)));
}

static void fill_name(struct buf *out, const char *profile, const struct name_fields *fields)
{
	const struct profile *p = NULL;

	ck_ok(profiles_find_profile(&p, all, profile));
	ck_ok(name_build(out, p->subject, p->num_subject, fields));
}

static void setup(void)
{
	const struct profile_issuer *issuer = NULL;
	OWN(buf) key = BUF_INIT(2048);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) subject = BUF_INIT(2048);
	OWN(cert_template) t = NULL;
	struct serial serial;

	all = fixture_profiles();
	ck_ok(profiles_find_issuer(&issuer, all, "rsa"));
	fixture_spki(&key, "root");
	ck_ok(cert_serial_of_key(&serial, buf_slice(&key)));
	ck_ok(cert_render_root(&tbs, all, "rsa", buf_slice(&key), &serial, YEAR_2026 - 86400));
	fixture_compare(buf_slice(&tbs), "tests/vectors/golden/root.der");
	certificate(&root, buf_slice(&tbs));
	fixture_spki(&key, "ca");
	ck_ok(cert_serial_of_key(&serial, buf_slice(&key)));
	struct name_fields fields = { .common_name = issuer->common_name };
	fill_name(&subject, "issuing", &fields);
	struct cert_data data = { .subject = buf_slice(&subject),
				  .public_key = buf_slice(&key),
				  .max_validity_s = INT64_MAX };
	ck_ok(cert_template_compile_ca(&t, all, "issuing", "rsa", buf_slice(&root)));
	buf_reset(&tbs);
	ck_ok(cert_template_render(&tbs, t, &data, &serial, YEAR_2026 - 86400));
	fixture_compare(buf_slice(&tbs), "tests/vectors/golden/issuing.der");
	certificate(&issuing, buf_slice(&tbs));
}

static void teardown(void)
{
	buf_clear(&root);
	buf_clear(&issuing);
	profiles_destroy(&all);
}

#define PKCS12 "1.2.398.3.3.5.1.1"
#define TESTOV                                                                                                         \
	{                                                                                                              \
		.surname = "ТЕСТОВ", .given = "ТЕСТ", .patronymic = "ТЕСТОВИЧ", .iin = "123456789011"                  \
	}
static const struct {
	const char *profile;
	struct name_fields fields;
	const char *email, *dns, *storage, *key;
} cases[] = {
	{ "individual-auth", TESTOV, NULL, NULL, PKCS12, "rsa2048" },
	{ "individual-sign", TESTOV, NULL, NULL, PKCS12, "rsa2048" },
	{ "head-auth",
	  { .surname = "БӨКЕЙХАН",
	    .given = "ӘЛИХАН",
	    .patronymic = "НҰРМҰХАМЕДҰЛЫ",
	    .iin = "123456789012",
	    .organisation = "\"АЛАШ\" ПАРТИЯСЫ",
	    .bin = "012345678912" },
	  "alikhan@alash.kz",
	  NULL,
	  "1.2.398.3.3.5.2.1",
	  "rsa2048" },
	{ "head-sign",
	  { .surname = "ТЕСТОВ",
	    .given = "ТЕСТ",
	    .patronymic = "ТЕСТОВИЧ",
	    .iin = "123456789011",
	    .organisation = "АО \"ТЕСТ\"",
	    .bin = "123456789021" },
	  NULL,
	  NULL,
	  PKCS12,
	  "rsa2048" },
	{ "staff", TESTOV, NULL, NULL, NULL, "p256" },
	{ "staff-operator", TESTOV, NULL, NULL, NULL, "rsa2048" },
	{ "staff-manager", TESTOV, NULL, NULL, NULL, "rsa2048" },
	{ "staff-administrator", TESTOV, "admin@pki.gov.kz", NULL, NULL, "rsa2048" },
	{ "identification", { .common_name = "IDENTIFICATION SERVICE" }, NULL, NULL, NULL, "p256" },
	{ "tls-server", { .common_name = "ra.pki.gov.kz" }, NULL, "ra.pki.gov.kz", NULL, "rsa2048" },
	{ "ocsp",
	  { .common_name = "OCSP RESPONDER", .organisation = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA) TEST 2026" },
	  NULL,
	  NULL,
	  NULL,
	  "rsa2048" },
};

START_TEST(bytes_are_the_committed_ones)
{
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(2048);
	OWN(buf) key = BUF_INIT(2048);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial = fixture_serial("41e45cc8a04c705963e5cd6769848a934d8eaef5");
	struct slice email = SLICE_STR(cases[_i].email == NULL ? "" : cases[_i].email);
	struct slice dns = SLICE_STR(cases[_i].dns == NULL ? "" : cases[_i].dns);
	char path[128];

	fill_name(&subject, cases[_i].profile, &cases[_i].fields);
	fixture_spki(&key, cases[_i].key);
	struct cert_data data = { .subject = buf_slice(&subject),
				  .public_key = buf_slice(&key),
				  .emails = &email,
				  .num_emails = email.len > 0,
				  .dns_names = &dns,
				  .num_dns_names = dns.len > 0,
				  .key_storage = cases[_i].storage,
				  .max_validity_s = INT64_MAX };
	ck_ok(cert_template_compile(&t, all, cases[_i].profile, "rsa", buf_slice(&issuing)));
	ck_ok(cert_template_render(&tbs, t, &data, &serial, YEAR_2026));
	(void)snprintf(path, sizeof path, "tests/vectors/golden/%s.der", cases[_i].profile);
	fixture_compare(buf_slice(&tbs), path);
}
END_TEST

START_TEST(no_profile_is_forgotten)
{
	for (size_t i = 0; i < all->num_profiles; i++) {
		bool found = all->profiles[i].is_ca;

		for (int k = 0; k < COUNT_OF(cases); k++)
			found = found || strcmp(cases[k].profile, all->profiles[i].name) == 0;
		ck_assert_msg(found, "profile %s has no golden bytes", all->profiles[i].name);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/golden");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, bytes_are_the_committed_ones, 0, COUNT_OF(cases));
	tcase_add_test(t, no_profile_is_forgotten);
	suite_add_tcase(s, t);
	return suite_main(s);
}
