/*
 * apply_test.c - nucapply against a server on a thread: what it sends, writes and prints, and its exit codes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/apply.h"

#include <sys/stat.h>
#include <unistd.h>

#include "support/program_run.h"
#include "ra/cli/client.h"
#include "cli/files.h"
#include "stub_server.h"
#include "support/suite.h"

#define PROBLEM	  "application/problem+json"
#define AGREEMENT "ff32c1bb918f5fb5aeb2b487a33b57990f9fa217017e26a4f5c058d57cad0c40"
#define WHO	  "--kind individual --iin 900101300017 --surname ӨМІР --given ҮМІТ --email a@example.kz --phone +77011234567"

static char folder[64];
static struct stub_server server;
static char certificates[64 * 1024]; /* answer of GET .../certificates */

static const struct stub_answer answers[] = {
	{ "GET /api/v1/profiles", 200,
	  "{\"kinds\":[{\"kind\":\"head\",\"requests\":[\"x\"]},{\"kind\":\"individual\",\"requests\":[\"auth\","
	  "\"sign\"]},"
	  "{\"kind\":\"evil\",\"requests\":[\"../x\"]}]}",
	  NULL },
	{ "GET /api/v1/agreement", 200,
	  "{\"digest\":\"ff32c1bb918f5fb5aeb2b487a33b57990f9fa217017e26a4f5c058d57cad0c40\",\"version\":\"7\",\"text\":"
	  "\"Шарт\\nсоңы\"}",
	  NULL },
	{ "POST /api/v1/applications", 201, "{\"number\":\"AAAA-BBBB\",\"state\":\"submitted\"}", NULL },
	{ "GET /api/v1/applications/AAAA-BBBB", 200,
	  "{\"number\":\"AAAA-BBBB\",\"kind\":\"individual\",\"state\":\"issued\",\"reason\":\"\",\"certificates\":[{"
	  "\"purpose\":\"auth\","
	  "\"serial\":\"10ab\"}]}",
	  NULL },
	{ "GET /api/v1/applications/CCCC", 404, "{\"title\":\"not found\",\"detail\":\"there is no application CCCC\"}",
	  PROBLEM },
	{ "POST /api/v1/applications/AAAA-BBBB/confirm", 200, "{\"number\":\"AAAA-BBBB\",\"state\":\"submitted\"}",
	  NULL },
	{ "POST /api/v1/applications/AAAA-BBBB/withdraw", 409,
	  "{\"detail\":\"it is issued already\",\"field\":\"state\"}", PROBLEM },
	{ "POST /api/v1/applications/AAAA-BBBB/documents?name=a%20b.pdf", 201, "{\"id\":1}", NULL },
	{ "GET /api/v1/applications/AAAA-BBBB/certificates", 200, certificates, NULL },
	{ "POST /api/v1/orders", 200, "{\"serial\":\"10ab\",\"state\":\"revoked\"}", NULL },
	{ NULL, 0, NULL, NULL },
};

static const struct stub_answer false_agreement[] = {
	{ "GET /api/v1/agreement", 200, "{\"digest\":\"" AGREEMENT "\",\"version\":\"7\",\"text\":\"another\"}", NULL },
	{ NULL, 0, NULL, NULL },
};

static void setup(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/nuc-apply.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	stub_start(&server, answers);
	(void)unsetenv("NUC_HOME");
	(void)setenv("NUC_RA_URL", server.url, 1);
}

static void teardown(void)
{
	stub_stop(&server);
	(void)chdir("/");
	shell("rm -rf %s", folder);
}

static void expect(int code, const char *part, const char *words)
{
	program_expect(&nucapply_program, code, part, words);
}

/* ---------------------------------------------------------------- keys */

START_TEST(keys_makes_a_pair_for_each_request_of_the_kind)
{
	struct stat st;

	expect(0, "sign     k/sign.key  k/sign.csr\n", "keys " WHO " -o k");
	ck_assert_int_eq(stat("k/auth.key", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	shell("test $(ls k | wc -l) = 4");
	shell("openssl req -in k/auth.csr -verify -noout 2>&1 | grep -q OK");
	shell("openssl req -in k/sign.csr -noout -subject -nameopt utf8 | grep -q 'ӨМІР ҮМІТ'");
	shell("openssl pkey -in k/auth.key -noout -text | grep -q '2048 bit'");
	shell("test \"$(openssl req -in k/auth.csr -pubkey -noout)\" != \"$(openssl req -in k/sign.csr -pubkey "
	      "-noout)\"");
	expect(1, "k/auth.key exists already; a key is never overwritten", "keys " WHO " -o k");
}
END_TEST

START_TEST(keys_of_other_forms)
{
	(void)setenv("NUC_KEY_PASSWORD", "Geheim12", 1);
	expect(0, "p/auth.p12", "keys " WHO " -o p --p12 --alg p256");
	shell("openssl pkcs12 -in p/auth.p12 -passin pass:Geheim12 -nocerts -nodes 2>log | openssl pkey -noout -text | "
	      "grep -q prime256v1");
	expect(0, "e/auth.key", "keys " WHO " -o e --encrypt --storage KAZTOKEN");
	shell("grep -q 'BEGIN ENCRYPTED' e/auth.key");
	shell("openssl req -in e/auth.csr -noout -text | grep -q 1.2.398.3.3.5");
	(void)unsetenv("NUC_KEY_PASSWORD");
	expect(1, "tokens are not available in this version", "keys " WHO " -o t --pkcs11 pkcs11:x");
	expect(1, "alg: rsa1024: the algorithm is one of", "keys " WHO " -o t --alg rsa1024");
	expect(1, "storage: floppy is no key storage; use file, pkcs12", "keys " WHO " -o u --storage floppy");
}
END_TEST

START_TEST(keys_of_unknown_kinds_and_bad_names_of_files)
{
	expect(1, "kind: nobody is no kind of application here", "keys --kind nobody -o k");
	expect(1, "cannot be a file's name", "keys --kind evil -o k");
	expect(2, "option --kind KIND is missing", "keys -o k");
	expect(2, "option --output DIR is missing", "keys --kind individual");
}
END_TEST

START_TEST(keys_without_a_service_read_the_installed_profiles)
{
	const char *source = getenv("NUC_SOURCE");

	(void)setenv("NUC_RA_URL", "https://127.0.0.1:1", 1);
	expect(3, "could not be reached", "keys " WHO " -o k");
	shell("mkdir -p run/conf && cp %s/config/profiles.conf run/conf/", source != NULL ? source : ".");
	expect(0, "k/sign.csr", "keys " WHO " -o k");
	(void)unsetenv("NUC_RA_URL");
	expect(0, "m/sign.csr", "keys " WHO " -o m");
}
END_TEST

START_TEST(texts_that_make_no_subject_leave_it_empty)
{
	expect(0, "k/auth.csr", "keys --kind individual --iin 1 --surname <b> --given ';DROP' -o k");
	shell("openssl req -in k/auth.csr -verify -noout 2>&1 | grep -q OK");
}
END_TEST

/* ---------------------------------------------------------------- submit */

START_TEST(submit_prints_the_number_alone_and_sends_what_was_said)
{
	OWN(program_result) r = { 0 };

	expect(0, "", "keys " WHO " -o k --storage id_card");
	shell("printf x >'a b.pdf'");
	size_t before = server.num_asked;
	program_run(&r, &nucapply_program,
		    "submit " WHO " --bin 940140000385 --org АО~\"Т\" --csr auth=k/auth.csr --csr sign=k/sign.csr "
		    "--agree --document a~b.pdf");
	ck_assert_msg(r.code == 0, "%s", r.err);
	ck_assert_str_eq(r.out, "AAAA-BBBB\n");
	ck_assert_str_eq(server.asked[before].request, "GET /api/v1/agreement");
	OWN(json) body = json_loads(server.asked[before + 1].body, 0, NULL);
	ck_assert_ptr_nonnull(body);
	ck_assert_str_eq(answer_text_or(body, "agreement", ""), AGREEMENT);
	ck_assert_str_eq(answer_text_or(body, "channel", ""), "remote");
	ck_assert_str_eq(answer_text_or(body, "key_storage", ""), "1.2.398.3.3.5.2.1");
	ck_assert_str_eq(answer_text_or(json_object_get(body, "person"), "surname", ""), "ӨМІР");
	ck_assert_str_eq(answer_text_or(json_object_get(body, "organisation"), "name", ""), "АО \"Т\"");
	ck_assert_uint_eq(json_array_size(json_object_get(body, "requests")), 2);
	ck_assert_ptr_null(json_object_get(body, "dns"));
	ck_assert_str_eq(server.asked[before + 2].body, "x");
	/* The same command sends the same bytes. */
	expect(0, "\"number\": \"AAAA-BBBB\"",
	       "submit " WHO
	       " --bin 940140000385 --org АО~\"Т\" --csr auth=k/auth.csr --csr sign=k/sign.csr --agree --json");
	ck_assert_str_eq(server.asked[before + 1].body, server.asked[before + 4].body);
}
END_TEST

START_TEST(submit_refuses_before_it_asks)
{
	expect(1, "agreement: the agreement was not accepted; read it (nucapply agreement) and give --agree",
	       "submit " WHO " --csr auth=k/auth.csr");
	expect(1, "csr: there is no file nothing", "submit " WHO " --csr auth=nothing --agree");
	expect(1, "csr: --csr file: write PURPOSE=FILE", "submit " WHO " --csr file --agree");
	expect(1, "surname: the text is not well-formed UTF-8",
	       "submit --kind individual --surname \xff --csr a=b --agree");
	expect(2, "option --csr PURPOSE=FILE is missing", "submit " WHO " --agree");
	ck_assert_uint_eq(server.num_asked, 0);
}
END_TEST

START_TEST(a_digest_of_another_text_is_not_accepted)
{
	expect(0, "", "keys " WHO " -o k");
	server.answers = false_agreement;
	expect(1, "agreement: the service's digest is not that of its text",
	       "submit " WHO " --csr auth=k/auth.csr --agree");
	expect(1, "agreement: the service's digest is not that of its text", "agreement");
}
END_TEST

/* ---------------------------------------------------------------- one application */

START_TEST(status_and_actions)
{
	expect(0, "state             issued\ncertificate auth  10ab\n", "status AAAA-BBBB");
	expect(0, "\"state\": \"issued\"", "status AAAA-BBBB --json");
	expect(1, "nucapply: there is no application CCCC\n", "status CCCC");
	expect(0, "state             submitted", "confirm AAAA-BBBB --code 123456");
	ck_assert_str_eq(server.asked[server.num_asked - 1].body, "{\"code\":\"123456\"}");
	expect(1, "nucapply: state: it is issued already\n", "withdraw AAAA-BBBB");
	expect(2, "option --code CODE is missing", "confirm AAAA-BBBB");
	expect(2, "status needs NUMBER", "status");
	expect(0, "Шарт\nсоңы\n", "agreement");
	expect(1, "renew is not available in this version", "renew --cert x");
	expect(1, "delegate is not available in this version", "delegate 900101300017");
}
END_TEST

START_TEST(nobody_there_is_exit_three)
{
	(void)setenv("NUC_RA_URL", "https://127.0.0.1:1", 1);
	expect(3, "could not be reached", "status AAAA-BBBB");
	(void)unsetenv("NUC_RA_URL");
	expect(1, "NUC_RA_URL is not set; name the installation's folder", "status AAAA-BBBB");
}
END_TEST

/* Certificates of the keys in folder k, made by openssl, as the service would answer. */
static void certificates_make(const char *key)
{
	OWN(buf) pem = BUF_INIT(16 * 1024);
	const char *text;

	shell("openssl req -x509 -key %s -out cert.pem -days 30 -subj /CN=x -set_serial 0x10ab", key);
	ck_ok(file_read(&pem, "cert.pem", "cert"));
	ck_ok(buf_str(&pem, &text));
	OWN(json)
	answer = json_pack("{s:[{s:s, s:s}], s:s}", "certificates", "purpose", "auth", "pem", text, "chain", text);
	char *dump = json_dumps(answer, 0);
	(void)snprintf(certificates, sizeof certificates, "%s", dump);
	free(dump);
}

START_TEST(fetch_writes_what_belongs_to_the_keys)
{
	expect(0, "", "keys " WHO " -o k");
	certificates_make("k/auth.key");
	expect(0, "k/auth.pem", "fetch AAAA-BBBB -o k");
	shell("cmp cert.pem k/auth.pem && cmp cert.pem k/chain.pem");
	expect(0, "k/auth.pem", "fetch AAAA-BBBB -o k"); /* again */
	expect(0, "new/auth.pem", "fetch AAAA-BBBB -o new"); /* without the keys */
	(void)setenv("NUC_KEY_PASSWORD", "Geheim12", 1);
	expect(0, "", "fetch AAAA-BBBB -o k --p12");
	shell("openssl pkcs12 -in k/auth.p12 -passin pass:Geheim12 -nodes 2>log | grep -c BEGIN | grep -q 3");
	(void)unsetenv("NUC_KEY_PASSWORD");
	certificates_make("k/sign.key");
	shell("rm k/auth.pem");
	expect(1, "the certificate is not of the key in k/auth.csr", "fetch AAAA-BBBB -o k");
	ck_assert_int_ne(access("k/auth.pem", F_OK), 0);
}
END_TEST

START_TEST(fetch_trusts_no_name_of_a_file)
{
	(void)snprintf(certificates, sizeof certificates,
		       "{\"certificates\":[{\"purpose\":\"../x\",\"pem\":\"\"}],\"chain\":\"\"}");
	expect(1, "cannot be a file's name", "fetch AAAA-BBBB -o k");
	(void)snprintf(certificates, sizeof certificates, "{\"certificates\":[],\"chain\":\"\"}");
	expect(1, "there are no certificates yet", "fetch AAAA-BBBB -o k");
	ck_assert_int_ne(access("k", F_OK), 0);
}
END_TEST

START_TEST(the_holder_revokes)
{
	expect(0, "", "keys " WHO " -o k");
	certificates_make("k/sign.key");
	expect(0, "state             revoked",
	       "revoke --cert cert.pem --key k/sign.key --serial 10AB --reason keyCompromise --ground lost");
	expect(1, "serial number 10ab, not 10ac",
	       "revoke --cert cert.pem --key k/sign.key --serial 10ac --reason keyCompromise");
	expect(1, "the certificate is not of this private key",
	       "revoke --cert cert.pem --key k/auth.key --serial 10ab --reason keyCompromise");
	expect(1, "lost is no reason for revoke",
	       "revoke --cert cert.pem --key k/sign.key --serial 10ab --reason lost");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/apply");
	TCase *t = tcase_create("apply");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, keys_makes_a_pair_for_each_request_of_the_kind);
	tcase_add_test(t, keys_of_other_forms);
	tcase_add_test(t, keys_of_unknown_kinds_and_bad_names_of_files);
	tcase_add_test(t, keys_without_a_service_read_the_installed_profiles);
	tcase_add_test(t, texts_that_make_no_subject_leave_it_empty);
	tcase_add_test(t, submit_prints_the_number_alone_and_sends_what_was_said);
	tcase_add_test(t, submit_refuses_before_it_asks);
	tcase_add_test(t, a_digest_of_another_text_is_not_accepted);
	tcase_add_test(t, status_and_actions);
	tcase_add_test(t, nobody_there_is_exit_three);
	tcase_add_test(t, fetch_writes_what_belongs_to_the_keys);
	tcase_add_test(t, fetch_trusts_no_name_of_a_file);
	tcase_add_test(t, the_holder_revokes);
	suite_add_tcase(s, t);
	return suite_main(s);
}
