/*
 * import_db_test.c - the ceremony's files into the ledger: once, again, and when they are not what they should be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/issue/import.h"
#include "ca/issue/queries.h"
#include "support/ledger.h"
#include "support/pg.h"
#include "support/suite.h"

static struct ledger ledger;
static struct db *db;
static char out[64], dir[80];
static char manifest[4096];

static void write_file(const char *name, struct slice bytes)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", out, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
	ck_assert_int_eq(fclose(f), 0);
}

static void write_pem(const char *name, struct slice der)
{
	OWN(buf) pem = BUF_INIT(64 * 1024);

	ck_ok(cert_to_pem(&pem, der));
	write_file(name, buf_slice(&pem));
}

static void write_manifest(void)
{
	write_file("ceremony/manifest", SLICE_STR(manifest));
}

/* A certificate of the ceremony with its file and its line. */
static void add_certificate(const char *name, const char *profile, const char *serial, const struct name_fields *fields)
{
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) spki = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(cert_template) template = NULL;
	const struct profile *p = NULL;
	const struct serial number = fixture_serial(serial);
	char file[100];

	ck_ok(profiles_find_profile(&p, ledger.profiles, profile));
	ck_ok(name_build(&subject, p->subject, p->num_subject, fields));
	ledger_spki(&ledger, &spki);
	const struct cert_data data = { .subject = buf_slice(&subject),
					.public_key = buf_slice(&spki),
					.max_validity_s = 100 * 86400 };
	ck_ok(cert_template_compile(&template, ledger.profiles, profile, "rsa", buf_slice(&ledger.ca.issuing)));
	ck_ok(cert_template_render(&tbs, template, &data, &number, ledger.now - 100));
	fixture_certificate(&der, ledger.ca.key, buf_slice(&tbs));
	(void)snprintf(file, sizeof file, "ceremony/%s.pem", name);
	write_pem(file, buf_slice(&der));
	size_t len = strlen(manifest);
	(void)snprintf(manifest + len, sizeof manifest - len, "rsa %s %s %s %s\n", serial, profile, file,
		       fields->iin != NULL ? fields->iin : "-");
}

static void setup_once(void)
{
	ledger_init(&ledger, "ecdsa-p256-sha256");
}

static void teardown_once(void)
{
	ledger_clear(&ledger);
}

static void make_dir(const char *name)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", out, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void setup(void)
{
	static char conninfo[PG_CONNINFO_SIZE];
	const struct name_fields staff = { .surname = "ОПЕРАТОРОВА", .given = "АЙГҮЛ", .iin = "900101300017" };
	const struct name_fields service = { .common_name = "OCSP RESPONDER", .organisation = "НУЦ" };

	pg_fresh(conninfo, "nuc_ca");
	const struct db_conf conf = { .conninfo = conninfo,
				      .application_name = "import_db_test",
				      .statements = ca_statements,
				      .num_statements = ca_statements_count };
	ck_ok(db_connect(&db, &conf));
	(void)snprintf(out, sizeof out, "/tmp/nuc-import-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(out));
	(void)snprintf(dir, sizeof dir, "%s/ceremony", out);
	make_dir("rsa");
	make_dir("ceremony");
	write_pem("rsa/issuing.pem", buf_slice(&ledger.ca.issuing));
	write_pem("rsa/root.pem", buf_slice(&ledger.ca.root));
	write_file("policy.der", buf_slice(&ledger.policy));
	manifest[0] = '\0';
	add_certificate("operator1", "staff", "1111", &staff);
	add_certificate("ocsp", "ocsp", "2222", &service);
	write_manifest();
}

static void teardown(void)
{
	char command[100];

	db_destroy(&db);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", out);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(once_and_again)
{
	struct import_report report;

	ck_ok(import_ceremony(db, &report, dir));
	ck_assert_uint_eq(report.issuers, 1);
	ck_assert_uint_eq(report.certificates, 2);
	ck_assert_uint_eq(report.responders, 1);
	ck_assert_int_eq(report.policy, 1);
	ck_assert_str_eq(pg_text("SELECT string_agg(encode(serial, 'hex') || ' ' || origin || ' ' || profile || ' ' || "
				 "iin || ' ' "
				 "|| common_name, ', ' ORDER BY serial) FROM certificate"),
			 "1111 ceremony staff 900101300017 ОПЕРАТОРОВА АЙГҮЛ, 2222 ceremony ocsp  OCSP RESPONDER");
	ck_assert_int_eq(pg_number("SELECT count(*) FROM responder r JOIN certificate c ON c.der = r.certificate "
				   "WHERE r.not_after_at = c.not_after_at"),
			 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM key_claim"), 2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM crl_counter WHERE issuer = 'rsa' AND last_number = 0"), 1);
	ck_assert_str_eq(pg_text("SELECT string_agg(kind, ' ' ORDER BY id) FROM log_pending"),
			 "certificate.imported certificate.imported policy.installed ceremony.imported");
	ck_ok(import_ceremony(db, &report, dir));
	ck_assert_uint_eq(report.issuers + report.certificates + report.responders, 0);
	ck_assert_int_eq(report.policy, 0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending"), 4);
}
END_TEST

START_TEST(more_of_it_later)
{
	struct import_report report;
	const struct name_fields staff = { .surname = "ОПЕРАТОРОВ", .given = "БОЛАТ", .iin = "900101300017" };

	ck_ok(import_ceremony(db, &report, dir));
	add_certificate("operator2", "staff", "3333", &staff);
	write_manifest();
	ck_ok(import_ceremony(db, &report, dir));
	ck_assert_uint_eq(report.certificates, 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate"), 3);
}
END_TEST

static const struct {
	const char *line, *text;
} bad_lines[] = {
	{ "rsa 1112 staff ceremony/operator1.pem 900101300017",
	  "manifest:3: ceremony/operator1.pem has another serial number" },
	{ "rsa 1111 staff ceremony/operator1.pem 900101300018", "is of another person" },
	{ "rsa 1111 staff ceremony/operator1.pem", "expected \"issuer serial profile file person\"" },
	{ "rsa 1111 staff ceremony/operator1.pem 900101300017 more", "expected \"issuer serial profile file person\"" },
	{ "rsa xy staff ceremony/operator1.pem 900101300017", "manifest:3" },
	{ "rsa 1111 staff ceremony/nobody.pem 900101300017", "nobody.pem: No such file" },
	{ "gost 1111 staff ceremony/operator1.pem 900101300017", "gost/issuing.pem: No such file" },
	{ "a-name-that-is-far-too-long 1111 staff ceremony/operator1.pem -", "the name of an issuer is too long" },
};

START_TEST(a_bad_line_stops_everything)
{
	struct import_report report;
	size_t len = strlen(manifest);

	(void)snprintf(manifest + len, sizeof manifest - len, "%s\n", bad_lines[_i].line);
	write_manifest();
	OWN(err) e = import_ceremony(db, &report, dir);
	char text[600];
	ck_assert_ptr_nonnull(e);
	ck_assert_msg(strstr(err_text(e, text, sizeof text), bad_lines[_i].text) != NULL, "%s", text);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate"), 0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending"), 0);
}
END_TEST

START_TEST(a_certificate_of_another_ca)
{
	OWN(fixture_ca) other = { 0 };
	struct import_report report;

	fixture_ca_init(&other, ledger.profiles, "ecdsa-p256-sha256", ledger.now - 86400);
	write_pem("rsa/issuing.pem", buf_slice(&other.issuing));
	write_pem("rsa/root.pem", buf_slice(&other.root));
	ck_fails(import_ceremony(db, &report, dir), ERR_CONFIG, "was not signed by issuer rsa");
	write_pem("rsa/issuing.pem", buf_slice(&ledger.ca.issuing));
	ck_fails(import_ceremony(db, &report, dir), ERR_CONFIG, "the root did not sign the issuing certificate");
}
END_TEST

START_TEST(what_contradicts_the_ledger)
{
	struct import_report report;
	OWN(buf) policy = BUF_INIT(SIGNED_POLICY_MAX_BYTES);

	ck_ok(import_ceremony(db, &report, dir));
	ledger_policy(&ledger, &policy, 1); /* the same version, signed anew */
	write_file("policy.der", buf_slice(&policy));
	ck_fails(import_ceremony(db, &report, dir), ERR_CONFLICT, "the ledger has Policy version 1 with other bytes");
	write_file("policy.der", buf_slice(&ledger.policy));
	pg_sql("UPDATE certificate SET sha256 = sha256('other'::bytea) WHERE serial = '\\x1111'");
	ck_fails(import_ceremony(db, &report, dir), ERR_CONFLICT, "another certificate with serial number 1111");
	pg_sql("UPDATE issuer SET root = 'x'");
	ck_fails(import_ceremony(db, &report, dir), ERR_CONFLICT, "the ledger has issuer rsa with other certificates");
}
END_TEST

START_TEST(files_that_are_missing_or_broken)
{
	struct import_report report;

	ck_fails(import_ceremony(db, &report, "/nonexistent"), ERR_CONFIG, "/nonexistent/manifest: No such file");
	write_file("policy.der", SLICE_STR("rubbish"));
	ck_fails(import_ceremony(db, &report, dir), ERR_CONFIG, "policy.der");
	write_file("ceremony/manifest", SLICE_STR("\n"));
	ck_fails(import_ceremony(db, &report, dir), ERR_CONFIG, "names no certificate");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/issue/import_db");
	TCase *t = tcase_create("import");

	tcase_add_unchecked_fixture(t, setup_once, teardown_once);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, once_and_again);
	tcase_add_test(t, more_of_it_later);
	tcase_add_loop_test(t, a_bad_line_stops_everything, 0, COUNT_OF(bad_lines));
	tcase_add_test(t, a_certificate_of_another_ca);
	tcase_add_test(t, what_contradicts_the_ledger);
	tcase_add_test(t, files_that_are_missing_or_broken);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
