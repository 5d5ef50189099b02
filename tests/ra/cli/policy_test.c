/*
 * policy_test.c - nucctl policy build, sign, assemble, show and staff list, through the program: what the ceremony does. The
 * signer's own rule (policy_accept) judges the result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/policy.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "ra/cli/client.h"
#include "ra/cli/ctl.h"
#include "cli/files.h"
#include "support/program_run.h"
#include "support/sign.h"
#include "support/suite.h"

static char folder[64];
static struct test_person operator1, admin1, admin2, service;

static void person_write(const struct test_person *person, const char *name)
{
	OWN(buf) pem = BUF_INIT(CERT_MAX_BYTES);
	char path[80];

	(void)snprintf(path, sizeof path, "operators/%s.key", name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(PEM_write_PKCS8PrivateKey(file, person->key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
	ck_ok(cert_to_pem(&pem, buf_slice(&person->der)));
	(void)snprintf(path, sizeof path, "operators/%s.pem", name);
	ck_ok(file_write(path, buf_slice(&pem), 0644, true));
}

static void text_write(const char *path, const char *text)
{
	ck_ok(file_write(path, SLICE_STR(text), 0644, true));
}

static void setup(void)
{
	const struct test_cert_spec spec = { .cn = "identification" };
	const char *source = getenv("NUC_SOURCE");
	char command[300];

	(void)snprintf(folder, sizeof folder, "/tmp/nuc-policy.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(command, sizeof command, "cp %s/config/profiles.conf %s/", source != NULL ? source : ".",
		       folder);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("operators", 0700), 0);
	test_staff_init(&operator1, "900101300017");
	test_staff_init(&admin1, "680503450037");
	test_staff_init(&admin2, "800416300257");
	test_person_init(&service, "p256", &spec, NULL);
	person_write(&operator1, "operator1");
	person_write(&admin1, "admin1");
	person_write(&admin2, "admin2");
	person_write(&service, "service");
	(void)unsetenv("NUC_HOME");
}

static void teardown(void)
{
	char command[128];

	test_person_clear(&operator1);
	test_person_clear(&admin1);
	test_person_clear(&admin2);
	test_person_clear(&service);
	(void)chdir("/");
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

#define OPERATOR1                                                                                                      \
	"{ person = \"900101300017\"; name = \"Әлия\"; role = \"operator\"; certificate = "                        \
	"\"operators/operator1.pem\"; }"
#define ADMIN1                                                                                                         \
	"{ person = \"680503450037\"; name = \"A\"; role = \"administrator\"; certificate = "                          \
	"\"operators/admin1.pem\"; }"
#define ADMIN2                                                                                                         \
	"{ person = \"800416300257\"; name = \"B\"; role = \"administrator\"; certificate = "                          \
	"\"operators/admin2.pem\"; "                                                                                   \
	"from = \"2026-01-01T00:00:00Z\"; to = \"2049-01-01T00:00:00Z\"; }"
#define SERVICE "{ name = \"digital-id\"; certificate = \"operators/service.pem\"; per_hour = 1000; per_day = 10000; }"
static const char staff_file[] =
	"version = 1;\nstaff = ( " OPERATOR1 ", " ADMIN1 ", " ADMIN2 " );\nidentification = ( " SERVICE " );\n";

static void expect(int code, const char *part, const char *words)
{
	char line[400];

	(void)snprintf(line, sizeof line, "--home . %s", words);
	program_expect(&nucctl_program, code, part, line);
}

#define BUILD "policy build --profiles profiles.conf --staff staff.conf --out policy.tbs"

START_TEST(the_ceremony_s_commands_make_what_the_signer_accepts)
{
	OWN(buf) der = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(policy) policy = { 0 };
	uint8_t pins[2][SHA256_LEN];

	text_write("staff.conf", staff_file);
	expect(0, "900101300017  Әлия  operator", BUILD);
	expect(0, "digital-id      1000", "--as admin1 policy sign --in policy.tbs --out admin1.sd");
	expect(0, "version           1", "policy sign --as admin2 --in policy.tbs --out admin2.sd");
	expect(0, "administrator",
	       "policy assemble --in policy.tbs --decision admin1.sd --decision admin2.sd --out policy.der");
	expect(0, "800416300257  B     administrator", "policy show policy.der");
	expect(0, "\"version\": 1", "policy show policy.tbs --json");
	ck_assert_int_eq(mkdir("ca", 0700), 0);
	ck_assert_int_eq(rename("policy.der", "ca/policy.der"), 0);
	expect(0, "operator", "staff list");
	ck_ok(file_read(&der, "ca/policy.der", "policy"));
	memcpy(pins[0], admin2.key_hash, SHA256_LEN);
	memcpy(pins[1], admin1.key_hash, SHA256_LEN);
	const struct policy_signers signers = { .pins = (const uint8_t(*)[SHA256_LEN])pins, .num_pins = 2 };
	ck_ok(policy_accept(&policy, buf_slice(&der), &signers, clock_now_s()));
	ck_assert_uint_eq(policy.num_staff, 3);
	ck_assert_int_eq(policy.clock_back_s, 3600);
	ck_assert_int_eq(policy.staff[2].to_at, 2493072000);
}
END_TEST

START_TEST(the_sample_file_is_right)
{
	const char *source = getenv("NUC_SOURCE");

	shell("mkdir -p ca/ceremony && cp operators/service.pem ca/ceremony/identification.pem && cp "
	      "%s/config/staff.conf .",
	      source != NULL ? source : ".");
	expect(0, "900101300017  ТЕСТОВ ТЕСТ        operator       almaty-1", BUILD);
}
END_TEST

START_TEST(too_few_or_the_wrong_signers_make_no_policy)
{
	text_write("staff.conf", staff_file);
	expect(0, "", BUILD);
	expect(0, "", "--as admin1 policy sign --in policy.tbs --out a.sd");
	expect(0, "", "--as admin1 policy sign --in policy.tbs --out b.sd");
	expect(0, "", "--as operator1 policy sign --in policy.tbs --out c.sd");
	expect(1, "", "policy assemble --in policy.tbs --decision a.sd --out policy.der");
	expect(1, "", "policy assemble --in policy.tbs --decision a.sd --decision b.sd --out policy.der");
	expect(1, "", "policy assemble --in policy.tbs --decision a.sd --decision c.sd --out policy.der");
	expect(1, "", "policy assemble --in profiles.conf --decision a.sd --decision c.sd --out policy.der");
	expect(1, "there is no file nothing", "policy assemble --in policy.tbs --decision nothing --out policy.der");
	ck_assert_int_ne(access("policy.der", F_OK), 0);
}
END_TEST

START_TEST(a_decision_over_another_policy_does_not_count)
{
	text_write("staff.conf", staff_file);
	expect(0, "", BUILD);
	expect(0, "", "--as admin1 policy sign --in policy.tbs --out a.sd");
	char second[sizeof staff_file + 4];
	(void)snprintf(second, sizeof second, "%s", staff_file);
	*strchr(second, '1') = '2'; /* version = 2 */
	text_write("staff.conf", second);
	expect(0, "version           2", BUILD);
	expect(0, "", "--as admin2 policy sign --in policy.tbs --out b.sd");
	expect(1, "", "policy assemble --in policy.tbs --decision a.sd --decision b.sd --out policy.der");
	ck_assert_int_ne(access("policy.der", F_OK), 0);
}
END_TEST

static const struct {
	const char *text, *error;
} bad[] = {
	{ "version = 1; staff = ( " ADMIN1 " );", "two administrators are needed" },
	{ "version = 0;", "staff file.version: missing, or less than 1" },
	{ "staff = ();", "two administrators are needed" },
	{ "version = \"1\";", "staff file.version: no number" },
	{ "version = 1; stuff = ();", "staff file.stuff: unknown key" },
	{ "version = 1; staff = { };", "staff: write ( { ... }, { ... } )" },
	{ "version = 1; staff = ( { person = \"900101300018\"; name = \"x\"; role = \"operator\"; certificate = "
	  "\"operators/admin1.pem\"; } );",
	  "staff[0].person: the IIN has a wrong check digit" },
	{ "version = 1; staff = ( { person = \"900101300017\"; name = \"x\"; role = \"holder\"; certificate = "
	  "\"operators/admin1.pem\"; } );",
	  "staff[0].role: holder is none of operator" },
	{ "version = 1; staff = ( { person = \"900101300017\"; role = \"operator\"; certificate = "
	  "\"operators/admin1.pem\"; } );",
	  "staff[0].name: missing" },
	{ "version = 1; staff = ( { person = \"900101300017\"; name = \"x\"; role = \"operator\"; certificate = "
	  "\"none.pem\"; } );",
	  "there is no file ./none.pem" },
	{ "version = 1; staff = ( { person = \"900101300017\"; name = \"x\"; role = \"operator\"; certificate = "
	  "\"operators/admin1.pem\"; "
	  "from = \"tomorrow\"; } );",
	  "staff[0].from: not a time" },
	{ "version = 1; identification = ( { name = \"x\"; certificate = \"operators/service.pem\"; per_hour = 1; } );",
	  "identification[0].per_day: missing" },
	{ "version = 1; staff = ( " ADMIN1 ", " ADMIN2 ", " ADMIN1 " );", "" },
	{ "version = ", "staff file line 1: syntax error" },
};

START_TEST(mistakes_of_the_staff_file_are_named)
{
	text_write("staff.conf", bad[_i].text);
	expect(1, bad[_i].error, BUILD);
	ck_assert_int_ne(access("policy.tbs", F_OK), 0);
}
END_TEST

START_TEST(profiles_with_mistakes_make_no_policy)
{
	text_write("staff.conf", staff_file);
	text_write("profiles.conf", "kinds = (");
	expect(1, "", BUILD);
	ck_assert_int_ne(access("policy.tbs", F_OK), 0);
}
END_TEST

START_TEST(who_signs_must_be_named_and_exist)
{
	text_write("staff.conf", staff_file);
	expect(0, "", BUILD);
	expect(2, "who are you? give --as NAME", "policy sign --in policy.tbs --out x");
	expect(1, "there is no file ./operators/nobody.key", "--as nobody policy sign --in policy.tbs --out x");
	expect(1, "is no name of an operator", "--as ../x policy sign --in policy.tbs --out x");
	expect(0, "", "--store file:operators/admin1.key,operators/admin1.pem policy sign --in policy.tbs --out x");
	expect(1, "the certificate is not of this private key",
	       "--store file:operators/admin1.key,operators/admin2.pem policy sign --in policy.tbs --out x");
	expect(1, "tokens are not available in this version", "--store pkcs11:x policy sign --in policy.tbs --out x");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/policy");
	TCase *t = tcase_create("policy");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_ceremony_s_commands_make_what_the_signer_accepts);
	tcase_add_test(t, the_sample_file_is_right);
	tcase_add_test(t, too_few_or_the_wrong_signers_make_no_policy);
	tcase_add_test(t, a_decision_over_another_policy_does_not_count);
	tcase_add_loop_test(t, mistakes_of_the_staff_file_are_named, 0, COUNT_OF(bad));
	tcase_add_test(t, profiles_with_mistakes_make_no_policy);
	tcase_add_test(t, who_signs_must_be_named_and_exist);
	suite_add_tcase(s, t);
	return suite_main(s);
}
