/*
 * ceremony_test.c - the key ceremony: what it makes verifies, is journalled, is private where it must be; it never
 * overwrites; mistakes of the plan and bad requests are named before a key is made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/sign/ceremony.h"
#include "ca/sign/ceremony_plan.h"
#include "support/softhsm.h"
#include "support/suite.h"

static char home[64];
static FILE *report;

static void path_of(char out[512], const char *relative)
{
	(void)snprintf(out, 512, "%s/%s", home, relative);
}

static void write_text(const char *relative, const char *text)
{
	char path[512];

	path_of(path, relative);
	FILE *f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* The project's own profiles, with keys that are quick to make. */
static void write_profiles(void)
{
	static char text[256 * 1024];
	char source[512];
	const char *tree = getenv("NUC_SOURCE");

	(void)snprintf(source, sizeof source, "%s/config/profiles.conf", tree == NULL ? "." : tree);
	FILE *f = fopen(source, "re");
	ck_assert_msg(f != NULL, "%s: set NUC_SOURCE to the checkout", source);
	size_t n = fread(text, 1, sizeof text - 1, f);
	ck_assert_int_eq(fclose(f), 0);
	text[n] = '\0';
	char *suite = strstr(text, "algorithm = \"rsa4096-sha256\"");
	ck_assert_ptr_nonnull(suite);
	memcpy(suite, "algorithm = \"rsa2048-sha256\"", strlen("algorithm = \"rsa2048-sha256\""));
	write_text("profiles.conf", text);
}

static void write_request(const char *relative, int bits, bool spoil)
{
	char path[512];
	EVP_PKEY *key = EVP_RSA_gen((unsigned)bits);
	X509_REQ *request = X509_REQ_new();

	path_of(path, relative);
	ck_assert(X509_REQ_set_pubkey(request, key) == 1 && X509_REQ_sign(request, key, EVP_sha256()) > 0);
	if (spoil) {
		EVP_PKEY *other = EVP_RSA_gen(2048);
		ck_assert_int_eq(X509_REQ_set_pubkey(request, other), 1);
		EVP_PKEY_free(other);
	}
	FILE *f = fopen(path, "we");
	ck_assert(f != NULL && PEM_write_X509_REQ(f, request) == 1);
	ck_assert_int_eq(fclose(f), 0);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
}

static const char *more_plan = "";

static void write_plan(const char *certificates)
{
	static char text[16384];

	(void)snprintf(text, sizeof text,
		       "out = \"%s/ca\"; profiles = \"%s/profiles.conf\"; root_keys = \"%s/root/keys\";\n"
		       "ca_keys = \"%s/signer/keys\"; ocsp_keys = \"%s/ocsp/keys\"; journal = \"%s/signer/journal\";\n"
		       "log_origin = \"test.local/log\"; root_list_days = 30;\n"
		       "issuers = ( { name = \"rsa\"; responder_suite = \"rsa2048-sha256\"; } );\n"
		       "certificates = ( %s );\n%s",
		       home, home, home, home, home, home, certificates, more_plan);
	write_text("plan.conf", text);
}

static char *staff(const char *request)
{
	static char text[1024];

	(void)snprintf(text, sizeof text,
		       "{ name = \"operator1\"; request = \"%s/%s\"; profile = \"staff\"; issuer = \"rsa\"; surname = "
		       "\"ӘБІЛОВА\";"
		       " given = \"ҮМІТ\"; person = \"900101300017\"; }",
		       home, request);
	return text;
}

static void set_up(void)
{
	(void)snprintf(home, sizeof home, "/tmp/ceremony-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	report = fopen("/dev/null", "we");
	ck_assert_ptr_nonnull(report);
	write_profiles();
	write_request("operator1.csr", 2048, false);
	write_plan(staff("operator1.csr"));
}

static void tear_down(void)
{
	char command[128];

	(void)fclose(report);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", home);
	ck_assert_int_eq(system(command), 0);
}

static struct err *run(void)
{
	char plan[512];

	path_of(plan, "plan.conf");
	return ceremony_run(plan, report);
}

static X509 *certificate(const char *relative)
{
	char path[512];

	path_of(path, relative);
	FILE *f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s is not there", path);
	X509 *x = PEM_read_X509(f, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(x);
	(void)fclose(f);
	return x;
}

/* Verifies strictly against the root and the issuing CA. */
static void verifies(const char *relative)
{
	X509 *root = certificate("ca/rsa/root.pem"), *issuing = certificate("ca/rsa/issuing.pem"),
	     *leaf = certificate(relative);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = sk_X509_new_null();

	ck_assert(X509_STORE_add_cert(store, root) == 1 && X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT) == 1);
	ck_assert_int_gt(sk_X509_push(untrusted, issuing), 0);
	ck_assert_int_eq(X509_STORE_CTX_init(ctx, store, leaf, untrusted), 1);
	int ok = X509_verify_cert(ctx);
	ck_assert_msg(ok == 1, "%s: %s", relative, X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(untrusted);
	X509_free(root);
	X509_free(issuing);
	X509_free(leaf);
}

static void has_mode(const char *relative, mode_t mode)
{
	char path[512];
	struct stat st;

	path_of(path, relative);
	ck_assert_msg(stat(path, &st) == 0, "%s is not there", path);
	ck_assert_msg((st.st_mode & 0777) == mode, "%s has mode %o", path, st.st_mode & 0777);
}

START_TEST(makes_a_hierarchy_that_verifies)
{
	static const char *const keys[] = { "root/keys/rsa.root.key", "signer/keys/rsa.ca.key",
					    "ocsp/keys/rsa.ocsp.key", "ocsp/keys/log.key", "signer/keys/journal.key" };

	ck_ok(run());
	verifies("ca/rsa/issuing.pem");
	verifies("ca/rsa/ocsp.pem");
	verifies("ca/ceremony/operator1.pem");
	for (int i = 0; i < COUNT_OF(keys); i++)
		has_mode(keys[i], 0600);
	has_mode("signer/keys", 0700);
	has_mode("ca/rsa/root.crl", 0644);
	has_mode("ca/log.vkey", 0644);
}
END_TEST

START_TEST(manifest_names_what_the_issuing_key_signed)
{
	char path[512], line[512];
	int lines = 0, staff_lines = 0;

	ck_ok(run());
	path_of(path, "ca/ceremony/manifest");
	FILE *f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f) != NULL) {
		lines++;
		staff_lines += strstr(line, " staff ceremony/operator1.pem 900101300017\n") != NULL;
	}
	(void)fclose(f);
	ck_assert_int_eq(lines, 2);
	ck_assert_int_eq(staff_lines, 1);
}
END_TEST

START_TEST(is_not_held_twice)
{
	ck_ok(run());
	ck_fails(run(), ERR_CONFLICT, "holds keys already");
}
END_TEST

START_TEST(refuses_a_request_that_its_key_did_not_sign)
{
	char path[512];
	struct stat st;

	write_request("bad.csr", 2048, true);
	write_plan(staff("bad.csr"));
	ck_fails(run(), ERR_BAD_INPUT, "operator1");
	path_of(path, "root");
	ck_assert_msg(stat(path, &st) != 0, "keys were made before everything was checked");
}
END_TEST

START_TEST(refuses_a_weak_key)
{
	write_request("weak.csr", 1024, false);
	write_plan(staff("weak.csr"));
	ck_fails(run(), ERR_BAD_INPUT, "1024");
}
END_TEST

START_TEST(refuses_a_ca_profile)
{
	char text[1200];

	(void)snprintf(text, sizeof text,
		       "{ name = \"evil\"; request = \"%s/operator1.csr\"; profile = \"issuing\"; issuer = \"rsa\"; }",
		       home);
	write_plan(text);
	ck_fails(run(), ERR_DENIED, "is a CA's");
}
END_TEST

/* Keys of the issuer in a token: no file of theirs anywhere, the hierarchy verifies, and it is not held twice. */
START_TEST(keys_in_a_token)
{
	static const char *const absent[] = { "root/keys/rsa.root.key", "signer/keys/rsa.ca.key",
					      "ocsp/keys/rsa.ocsp.key" };
	static char text[512];
	struct softhsm hsm;
	struct stat st;
	char path[512];

	if (!softhsm_is_installed())
		return;
	softhsm_create(&hsm, "ceremony");
	(void)snprintf(text, sizeof text,
		       "pkcs11_module = \"" SOFTHSM_MODULE
		       "\"; pkcs11_token = \"ceremony\"; pkcs11_pin_file = \"%s\";\n",
		       hsm.pin_file);
	more_plan = text;
	write_plan(staff("operator1.csr"));
	ck_ok(run());
	verifies("ca/rsa/ocsp.pem");
	verifies("ca/ceremony/operator1.pem");
	for (int i = 0; i < COUNT_OF(absent); i++) {
		path_of(path, absent[i]);
		ck_assert_msg(stat(path, &st) != 0, "%s is there", path);
	}
	has_mode("ocsp/keys/log.key", 0600);
	has_mode("signer/keys/journal.key", 0600);
	(void)snprintf(path, sizeof path, "rm -rf '%s/signer' '%s/ocsp' '%s/root'", home, home, home);
	ck_assert_int_eq(system(path), 0);
	ck_fails(run(), ERR_CONFLICT, "holds keys already (rsa.root)");
	softhsm_destroy(&hsm);
	more_plan = "";
}
END_TEST

static const struct {
	const char *plan, *part;
} bad_plans[] = {
	{ "out = ", "syntax error" },
	{ "", "out is missing" },
	{ "", "issuers must be a list" },
	{ "outt = \"x\";", "outt is not a key of the plan" },
	{ "pkcs11_module = \"x\";", "pkcs11_token is missing" },
	{ "root_list_days = 0;", "must be 1 to 366 days" },
	{ "issuers = ( { nam = \"rsa\"; } );", "nam is not a key" },
	{ "certificates = ( { name = \"../x\"; } );", "1 to 64 Latin letters" },
	{ "certificates = ( { name = \"a\"; }, { name = \"a\"; } );", "stands twice" },
	{ "certificates = ( { name = \"a\"; dns = ( 1 ); } );", "dns must be a list of texts" },
};

START_TEST(names_every_mistake_of_the_plan)
{
	write_text("plan.conf", bad_plans[_i].plan);
	ck_fails(run(), ERR_CONFIG, bad_plans[_i].part);
}
END_TEST

START_TEST(check_changes_nothing)
{
	char plan[512], path[512];
	struct stat st;

	path_of(plan, "plan.conf");
	ck_ok(ceremony_check(plan, report));
	path_of(path, "ca");
	ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/ceremony");
	TCase *t = tcase_create("ceremony");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, makes_a_hierarchy_that_verifies);
	tcase_add_test(t, manifest_names_what_the_issuing_key_signed);
	tcase_add_test(t, is_not_held_twice);
	tcase_add_test(t, refuses_a_request_that_its_key_did_not_sign);
	tcase_add_test(t, refuses_a_weak_key);
	tcase_add_test(t, refuses_a_ca_profile);
	tcase_add_loop_test(t, names_every_mistake_of_the_plan, 0, COUNT_OF(bad_plans));
	tcase_add_test(t, check_changes_nothing);
	tcase_add_test(t, keys_in_a_token);
	suite_add_tcase(s, t);
	return suite_main(s);
}
