/*
 * lint_test.c - good certificates of every profile pass; for each lint a certificate that breaks its rule, and no lint
 * without one; the token is good once and for the same bytes.
 */
#include <check.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ca/lint/lint.h"
#include "ca/lint/lint_internal.h"
#include "lint_cases.h"
#include "support/suite.h"
#include "support/x509_fixture.h"

enum { BEGIN = 1795383600, DAY = 86400 };
#define PKCS12 "1.2.398.3.3.5.1.1"

static struct profiles *all;
static struct fixture_ca ca;

static void setup(void)
{
	all = fixture_profiles();
	fixture_ca_init(&ca, all, "rsa2048-sha256", BEGIN);
	fixture_spki(&rsa, "rsa2048");
	fixture_spki(&p256, "p256");
}

static void teardown(void)
{
	fixture_ca_clear(&ca);
	buf_clear(&rsa);
	buf_clear(&p256);
	profiles_destroy(&all);
}

/* ---------------------------------------------------------------- good certificates */

static const struct profile *profile_of(const char *name)
{
	const struct profile *p = NULL;

	ck_ok(profiles_find_profile(&p, all, name));
	return p;
}

static void good(struct buf *out, const struct profile *p)
{
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	struct serial serial = fixture_serial("41e45cc8a04c705963e5cd6769848a934d8eaef5");
	struct slice dns = SLICE_STR("a.kz");
	struct name_fields f = fixture_testov_head;

	if (p->is_ca || p->allows_dns || strcmp(p->name, "ocsp") == 0)
		f.common_name = p->allows_dns ? "a.kz" : "SERVICE";
	ck_ok(name_build(&subject, p->subject, p->num_subject, &f));
	struct cert_data data = { .subject = buf_slice(&subject),
				  .public_key = buf_slice(&rsa),
				  .dns_names = &dns,
				  .num_dns_names = p->allows_dns,
				  .key_storage = PKCS12,
				  .max_validity_s = 8000LL * DAY };
	buf_reset(out);
	if (p->is_ca)
		ck_ok(cert_template_compile_ca(&t, all, p->name, "rsa", buf_slice(&ca.root)));
	else
		ck_ok(cert_template_compile(&t, all, p->name, "rsa", buf_slice(&ca.issuing)));
	ck_ok(cert_template_render(out, t, &data, &serial, BEGIN));
}

static struct lint_context context_of(const struct profile *p)
{
	return (struct lint_context){ .profile = p,
				      .issuer = &all->issuers[0],
				      .issuer_certificate = buf_slice(p->is_ca ? &ca.root : &ca.issuing) };
}

START_TEST(good_ones_pass)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);

	for (size_t i = 0; i < all->num_profiles; i++) {
		struct lint_context c = context_of(&all->profiles[i]);
		struct lint_token token;

		if (strcmp(all->profiles[i].name, "root") == 0)
			continue;
		good(&tbs, &all->profiles[i]);
		ck_ok(lint_tbs(&token, &c, buf_slice(&tbs)));
		ck_ok(lint_token_use(&token, buf_slice(&tbs)));
	}
	struct cert root;
	struct lint_context c = { .profile = profile_of("root"), .issuer = &all->issuers[0] };
	struct lint_token token;
	ck_ok(cert_parse(&root, buf_slice(&ca.root)));
	ck_ok(lint_tbs(&token, &c, root.tbs));
}
END_TEST

START_TEST(taking_apart_and_joining_changes_nothing)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) again = BUF_INIT(CERT_TBS_MAX);
	struct parts p;

	good(&tbs, profile_of("head-sign"));
	take_apart(&p, buf_slice(&tbs));
	join(&again, &p);
	ck_assert(slice_equal(buf_slice(&tbs), buf_slice(&again)));
	parts_clear(&p);
}
END_TEST

START_TEST(each_lint_finds_its_certificate)
{
	OWN(buf) tbs = BUF_INIT(CERT_MAX_BYTES);
	const struct profile *profile = profile_of(cases[_i].profile);
	struct lint_context c = context_of(profile);
	struct lint_token token;
	struct parts p;
	char text[2000];

	good(&tbs, profile);
	take_apart(&p, buf_slice(&tbs));
	cases[_i].mutate(&p);
	join(&tbs, &p);
	parts_clear(&p);
	bool found = false;
	for (size_t i = 0; lint_at(i) != NULL;
	     i++) { /* asked one by one: the sentence of all is cut where it gets long */
		struct lint_view v;
		OWN(err) opened = lint_view_open(&v, &c, buf_slice(&tbs));

		ck_assert_msg(opened == NULL, "%s", err_text(opened, text, sizeof text));
		if (strcmp(lint_at(i)->name, cases[_i].lint) != 0)
			continue;
		ck_assert_msg(lint_at(i)->applies == NULL || lint_at(i)->applies(&v), "%s does not apply",
			      cases[_i].lint);
		OWN(err) e = lint_at(i)->check(&v);
		ck_assert_msg(e != NULL, "%s found nothing", cases[_i].lint);
		found = true;
	}
	ck_assert_msg(found, "there is no lint %s", cases[_i].lint);
	OWN(err) e = lint_tbs(&token, &c, buf_slice(&tbs));
	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_fails(lint_token_use(&token, buf_slice(&tbs)), ERR_BUG, "no lint token");
}
END_TEST

START_TEST(no_lint_without_a_bad_certificate)
{
	for (size_t i = 0; lint_at(i) != NULL; i++) {
		bool found = false;

		for (int k = 0; k < COUNT_OF(cases); k++)
			found = found || strcmp(cases[k].lint, lint_at(i)->name) == 0;
		ck_assert_msg(found, "lint %s has no certificate that breaks it", lint_at(i)->name);
		ck_assert(lint_at(i)->citation[0] != '\0' && lint_at(i)->effective_at > 0);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(lint_at(i)->name, lint_at(k)->name);
	}
}
END_TEST

/* Each octet of the extensions flipped: something notices, or the key itself would (mutation test, incident 11). */
START_TEST(every_octet_of_the_extensions_matters)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	const struct profile *profile = profile_of("individual-sign");
	struct lint_context c = context_of(profile);
	struct cert read;

	good(&tbs, profile);
	ck_ok(cert_parse_tbs(&read, buf_slice(&tbs)));
	size_t begin = (size_t)(read.extensions.p - tbs.p);
	/* the texts of CPS and notice are free, so their octets may be others */
	const uint8_t *cps = memmem(tbs.p, tbs.len, "http://pki.gov.kz/cps", 21);
	const uint8_t *notice = memmem(cps + 1, tbs.len - (size_t)(cps + 1 - tbs.p), "http://pki.gov.kz/cps", 21);
	for (size_t i = begin; i < tbs.len; i++) {
		struct lint_token token;
		bool is_free =
			(tbs.p + i >= cps && tbs.p + i < cps + 21) || (tbs.p + i >= notice && tbs.p + i < notice + 21);

		tbs.p[i] ^= 0x01;
		OWN(err) e = lint_tbs(&token, &c, buf_slice(&tbs));
		ck_assert_msg(is_free || e != NULL, "octet %zu (%02x) may be changed", i - begin, tbs.p[i]);
		tbs.p[i] ^= 0x01;
	}
}
END_TEST

START_TEST(rules_bind_from_their_day)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	const struct profile *profile = profile_of("tls-server");
	struct lint_context c = context_of(profile);
	struct lint_token token;
	struct parts p;

	good(&tbs, profile);
	take_apart(&p, buf_slice(&tbs));
	SET(&p.not_before, "\x17\x0D"
			   "200831235959Z"); /* the day before 398 days became the limit */
	SET(&p.not_after, "\x17\x0D"
			  "260101000000Z");
	join(&tbs, &p);
	OWN(err) e = lint_tbs(&token, &c, buf_slice(&tbs));
	ck_assert_ptr_null(strstr(err_sentence(e), "cabf_br_server_validity"));
	SET(&p.not_before, "\x17\x0D"
			   "200901000000Z");
	join(&tbs, &p);
	parts_clear(&p);
	OWN(err) later = lint_tbs(&token, &c, buf_slice(&tbs));
	ck_assert_ptr_nonnull(strstr(err_sentence(later), "cabf_br_server_validity"));
}
END_TEST

START_TEST(the_token_is_good_once)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct lint_context c = context_of(profile_of("individual-sign"));
	struct lint_token token, none = { { 0 }, 0 };

	good(&tbs, c.profile);
	ck_fails(lint_token_use(&none, buf_slice(&tbs)), ERR_BUG, "no lint token");
	ck_ok(lint_tbs(&token, &c, buf_slice(&tbs)));
	ck_ok(lint_token_use(&token, buf_slice(&tbs)));
	ck_fails(lint_token_use(&token, buf_slice(&tbs)), ERR_BUG, "spent before");
	ck_ok(lint_tbs(&token, &c, buf_slice(&tbs)));
	tbs.p[20] ^= 1;
	ck_fails(lint_token_use(&token, buf_slice(&tbs)), ERR_BUG, "not those that were linted");
	tbs.p[20] ^= 1;
	ck_fails(lint_token_use(&token, buf_slice(&tbs)), ERR_BUG, "spent before");
}
END_TEST

START_TEST(rubbish_is_no_certificate)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct lint_context c = context_of(profile_of("individual-sign"));
	struct lint_token token;

	ck_fails(lint_tbs(&token, &c, SLICE_NONE), ERR_BAD_INPUT, "rfc5280_form");
	ck_fails(lint_tbs(&token, &c, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "rfc5280_form");
	good(&tbs, c.profile);
	for (size_t n = 0; n < tbs.len; n += 3) {
		OWN(err) e = lint_tbs(&token, &c, SLICE(tbs.p, n));

		ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	}
}
END_TEST

START_TEST(cost)
{
	enum { ROUNDS = 5000 };
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct lint_context c = context_of(profile_of("head-sign"));
	struct cert authority;
	size_t num = 0;

	ck_ok(cert_parse(&authority, c.issuer_certificate));
	c.authority = &authority;

	good(&tbs, c.profile);
	while (lint_at(num) != NULL)
		num++;
	clock_t began = clock();
	for (int i = 0; i < ROUNDS; i++) {
		struct lint_token token;
		OWN(err) e = lint_tbs(&token, &c, buf_slice(&tbs));

		if (e != NULL)
			ck_abort_msg("lint failed");
	}
	printf("lint: %.1f us of CPU for %zu lints\n", (double)(clock() - began) * 1e6 / CLOCKS_PER_SEC / ROUNDS, num);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/lint");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, good_ones_pass);
	tcase_add_test(t, taking_apart_and_joining_changes_nothing);
	tcase_add_loop_test(t, each_lint_finds_its_certificate, 0, COUNT_OF(cases));
	tcase_add_test(t, no_lint_without_a_bad_certificate);
	tcase_add_test(t, every_octet_of_the_extensions_matters);
	tcase_add_test(t, rules_bind_from_their_day);
	tcase_add_test(t, the_token_is_good_once);
	tcase_add_test(t, rubbish_is_no_certificate);
	tcase_add_test(t, cost);
	suite_add_tcase(s, t);
	return suite_main(s);
}
