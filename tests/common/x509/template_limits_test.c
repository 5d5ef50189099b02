/*
 * template_limits_test.c - where rendering ends: times at 2049 and 2050, the last second, the issuer's validity, what is
 * refused and with which field, who may make a CA.
 */
#include <check.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/cert.h"
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

/* ---------------------------------------------------------------- time */

START_TEST(times_at_the_border_of_2050)
{
	static const struct {
		const char *not_before;
		int64_t validity_s;
		const char *from, *to; /* as they stand in the certificate */
	} cases[] = {
		{ "2026-11-22T21:40:00Z", 365 * (int64_t)DAY, "261122214000Z", "271122213959Z" },
		{ "2048-12-31T23:59:59Z", 365 * (int64_t)DAY, "481231235959Z", "491231235958Z" },
		{ "2049-01-01T00:00:00Z", 365 * (int64_t)DAY, "490101000000Z", "491231235959Z" },
		{ "2049-01-01T00:00:01Z", 365 * (int64_t)DAY, "490101000001Z", "20500101000000Z" },
		{ "2049-12-31T23:59:59Z", 1, "491231235959Z", "491231235959Z" },
		{ "2049-12-31T23:59:59Z", 2, "491231235959Z", "20500101000000Z" },
		{ "2050-01-01T00:00:00Z", 60, "20500101000000Z", "20500101000059Z" },
		{ "2028-02-29T00:00:00Z", 365 * (int64_t)DAY, "280229000000Z", "290227235959Z" },
	};
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	struct serial serial = fixture_serial("01");

	compile(&t, "individual-sign");
	subject_of(&subject, t, &fixture_testov);
	for (int i = 0; i < COUNT_OF(cases); i++) {
		OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
		OWN(buf) validity = BUF_INIT(64);
		struct cert_data data = plain(buf_slice(&subject));
		int64_t at_ms = 0;
		uint8_t tag[2] = { strlen(cases[i].from) == 13 ? DER_UTC_TIME : DER_GENERALIZED_TIME,
				   strlen(cases[i].to) == 13 ? DER_UTC_TIME : DER_GENERALIZED_TIME };

		data.max_validity_s = cases[i].validity_s;
		ck_ok(clock_parse_rfc3339(&at_ms, cases[i].not_before));
		ck_ok(cert_template_render(&tbs, t, &data, &serial, at_ms / 1000));
		ck_ok(der_tlv(&validity, tag[0], SLICE_STR(cases[i].from)));
		ck_ok(der_tlv(&validity, tag[1], SLICE_STR(cases[i].to)));
		ck_assert_msg(memmem(tbs.p, tbs.len, validity.p, validity.len) != NULL, "%s", cases[i].not_before);
	}
}
END_TEST

START_TEST(validity_is_cut_and_ends_a_second_early)
{
	static const struct {
		const char *storage;
		int64_t max_s, length_s;
	} cases[] = { { PKCS12, INT64_MAX, 365LL * DAY },
		      { "1.2.398.3.3.5.2.1", INT64_MAX, 1095LL * DAY },
		      { "1.2.398.3.3.5.2.1", 365LL * DAY, 365LL * DAY },
		      { PKCS12, 1, 1 },
		      { PKCS12, 3600, 3600 } };
	OWN(cert_template) t = NULL;
	int64_t not_after_at = 0;

	compile(&t, "individual-sign");
	for (int i = 0; i < COUNT_OF(cases); i++) {
		struct cert_data data = { .key_storage = cases[i].storage, .max_validity_s = cases[i].max_s };

		ck_ok(cert_not_after(&not_after_at, t, &data, BEGIN));
		ck_assert_int_eq(not_after_at, BEGIN + cases[i].length_s - 1);
	}
}
END_TEST

/* ---------------------------------------------------------------- refusals */

START_TEST(what_is_refused_names_its_field)
{
	static const struct slice emails[] = { { (const uint8_t *)"a@b.kz", 6 },
					       { (const uint8_t *)"a@b.kz", 6 },
					       { (const uint8_t *)"a@b", 3 } };
	static const struct slice dns[] = { { (const uint8_t *)"a.kz", 4 } };
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) head = BUF_INIT(4096);
	OWN(buf) ec = BUF_INIT(2048);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(cert_template) head_template = NULL;

	compile(&t, "individual-sign");
	compile(&head_template, "head-sign");
	subject_of(&subject, t, &fixture_testov);
	subject_of(&head, head_template, &fixture_testov_head);
	fixture_spki(&ec, "p256");
	struct cert_data good = plain(buf_slice(&subject));
	struct {
		const char *field;
		enum err_code code;
		struct cert_data data;
		struct serial serial;
		int64_t at;
	} cases[14];
	for (int i = 0; i < COUNT_OF(cases); i++) {
		cases[i].data = good;
		cases[i].code = ERR_BAD_INPUT;
		cases[i].serial = fixture_serial("10");
		cases[i].at = BEGIN;
	}
	int n = 0;
	cases[n].field = "subject", cases[n++].data.subject = buf_slice(&head);
	cases[n].field = "public_key", cases[n++].data.public_key = buf_slice(&ec);
	cases[n].field = "public_key", cases[n++].data.public_key = SLICE(key.p, key.len - 1);
	cases[n].field = "emails", cases[n].data.emails = emails, cases[n++].data.num_emails = 2;
	cases[n].field = "emails", cases[n].data.emails = emails + 2, cases[n++].data.num_emails = 1;
	cases[n].field = "dns_names", cases[n].data.dns_names = dns, cases[n++].data.num_dns_names = 1;
	cases[n].field = "key_storage", cases[n++].data.key_storage = "1.2.3";
	cases[n].field = "key_storage", cases[n++].data.key_storage = "";
	cases[n].field = "max_validity", cases[n++].data.max_validity_s = 0;
	cases[n].field = "max_validity", cases[n++].data.max_validity_s = -1;
	cases[n].field = "serial", cases[n++].serial.len = 0;
	cases[n].field = "serial", cases[n++].serial.b[0] = 0x80;
	cases[n].field = NULL, cases[n].code = ERR_CONFLICT, cases[n++].at = BEGIN - 1;
	cases[n].field = NULL, cases[n].code = ERR_CONFLICT, cases[n++].at = BEGIN + 18262LL * DAY - 365LL * DAY + 1;
	ck_assert_int_eq(n, COUNT_OF(cases));
	for (int i = 0; i < n; i++) {
		OWN(err) e = cert_template_render(&tbs, t, &cases[i].data, &cases[i].serial, cases[i].at);

		ck_assert_msg(err_code(e) == cases[i].code, "case %d", i);
		if (cases[i].field != NULL)
			ck_assert_str_eq(err_field(e), cases[i].field);
		ck_assert_uint_eq(tbs.len, 0);
	}
	ck_ok(cert_template_render(&tbs, t, &good, &cases[0].serial, BEGIN + 18262LL * DAY - 365LL * DAY));
}
END_TEST

START_TEST(nobody_else_makes_a_ca)
{
	OWN(cert_template) t = NULL;
	struct serial serial = fixture_serial("10");
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) leaf = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) subject = BUF_INIT(4096);

	ck_fails(cert_template_compile(&t, all, "issuing", "rsa", buf_slice(&ca.root)), ERR_DENIED,
		 "only the key ceremony");
	ck_fails(cert_template_compile(&t, all, "root", "rsa", buf_slice(&ca.root)), ERR_DENIED,
		 "only the key ceremony");
	ck_fails(cert_template_compile_ca(&t, all, "head-sign", "rsa", buf_slice(&ca.root)), ERR_DENIED,
		 "does not make a CA");
	ck_fails(cert_template_compile_ca(&t, all, "issuing", "rsa", buf_slice(&ca.issuing)), ERR_DENIED, "pathlen 0");
	ck_fails(cert_template_compile(&t, all, "ghost", "rsa", buf_slice(&ca.issuing)), ERR_NOT_FOUND, "ghost");
	ck_fails(cert_template_compile(&t, all, "ocsp", "gost", buf_slice(&ca.issuing)), ERR_NOT_FOUND, "gost");
	ck_fails(cert_template_compile(&t, all, "ocsp", "rsa", SLICE("x", 1)), ERR_BAD_INPUT, "");
	compile(&t, "individual-sign");
	subject_of(&subject, t, &fixture_testov);
	struct cert_data data = plain(buf_slice(&subject));
	ck_ok(cert_template_render(&tbs, t, &data, &serial, BEGIN));
	fixture_certificate(&leaf, ca.key, buf_slice(&tbs));
	cert_template_destroy(&t);
	ck_fails(cert_template_compile(&t, all, "ocsp", "rsa", buf_slice(&leaf)), ERR_BAD_INPUT, "not that of a CA");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/template_limits");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, times_at_the_border_of_2050);
	tcase_add_test(t, validity_is_cut_and_ends_a_second_early);
	tcase_add_test(t, what_is_refused_names_its_field);
	tcase_add_test(t, nobody_else_makes_a_ca);
	suite_add_tcase(s, t);
	return suite_main(s);
}
