/*
 * key_test.c - people's own keys: stores, requests in NUC's form, detached CMS, PKCS#12. Foreign judge: the openssl
 * command; our own strict verifier must accept the same signature and refuse each flipped byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ra/cli/decide.h"
#include "cli/files.h"
#include "support/suite.h"
#include "x509/authority.h"
#include "x509/csr.h"
#include "x509/pem.h"

static char folder[64];
static const struct key_password none = { 0 };
static const struct key_password secret = { .text = "geheim-ҚҰПИЯ" };

static void setup(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/nuc-key.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void)
{
	char command[128];

	(void)chdir("/");
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void run(const char *command)
{
	ck_assert_msg(system(command) == 0, "%s", command);
}

/* A key in KEY.pem with a self-signed certificate in CERT.pem, made by openssl. */
static void pair_make(const char *algorithm)
{
	char command[400];

	(void)snprintf(command, sizeof command,
		       "openssl req -x509 -newkey %s -nodes -keyout key.pem -out cert.pem -days 30 -subj '/CN=ТЕСТ' "
		       "-utf8 2>log",
		       algorithm);
	run(command);
}

static void write_file(const char *path, const struct buf *bytes)
{
	ck_ok(file_write(path, buf_slice(bytes), 0600, true));
}

/* ---------------------------------------------------------------- requests */

static const char *const algorithms[] = { "rsa2048", "rsa3072", "p256" };

static void request_make(struct buf *der, const struct key_store *store)
{
	OWN(buf) extensions = BUF_INIT(4096);
	const char *const emails[] = { "person@example.kz" };

	ck_ok(csr_extensions(&extensions, "1.2.398.3.3.5.1.1", emails, 1, NULL, 0));
	ck_ok(key_store_request(der, store, SLICE("\x30\x00", 2), buf_slice(&extensions)));
}

START_TEST(request_is_read_by_openssl_and_by_the_intake)
{
	OWN(key_store) store = NULL;
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES);
	struct csr csr;

	ck_ok(key_store_generate(&store, algorithms[_i]));
	request_make(&der, store);
	ck_ok(csr_read(&csr, buf_slice(&der)));
	ck_assert_str_eq(csr.key_storage, "1.2.398.3.3.5.1.1");
	ck_assert_uint_eq(csr.num_emails, 1);
	ck_assert_str_eq(csr.emails[0], "person@example.kz");
	write_file("r.der", &der);
	run("openssl req -inform DER -in r.der -verify -noout 2>&1 | grep -q 'verify OK'");
	run("openssl req -inform DER -in r.der -noout -text | grep -q email:person@example.kz");
	run("openssl req -inform DER -in r.der -noout -text | grep -q 1.2.398.3.3.5");
	run("test $(openssl asn1parse -inform DER -in r.der | grep -c 'Extension Request') = 1");
	/* One bit of the signature: possession is no longer proven. */
	der.p[der.len - 5] ^= 1;
	ck_fails(csr_read(&csr, buf_slice(&der)), ERR_BAD_INPUT, "");
}
END_TEST

START_TEST(unknown_algorithm_is_named)
{
	OWN(key_store) store = NULL;

	ck_fails(key_store_generate(&store, "rsa1024"), ERR_BAD_INPUT, "rsa1024: the algorithm is one of rsa2048");
	ck_assert_ptr_null(store);
}
END_TEST

/* ---------------------------------------------------------------- stores */

static void same_key(const struct key_store *a, const struct key_store *b)
{
	OWN(buf) one = BUF_INIT(4096);
	OWN(buf) two = BUF_INIT(4096);

	ck_ok(key_store_public(&one, a));
	ck_ok(key_store_public(&two, b));
	ck_assert(slice_equal(buf_slice(&one), buf_slice(&two)));
}

START_TEST(key_files_plain_and_encrypted)
{
	OWN(key_store) store = NULL;
	OWN(key_store) plain = NULL;
	OWN(key_store) opened = NULL;
	OWN(key_store) wrong = NULL;
	OWN(buf) pem = BUF_INIT_SECRET(KEY_FILE_MAX);
	OWN(buf) encrypted = BUF_INIT_SECRET(KEY_FILE_MAX);
	const struct key_password other = { .text = "other" };
	bool needs = true;

	ck_ok(key_store_generate(&store, "p256"));
	ck_ok(key_store_pem(&pem, store, NULL));
	ck_ok(key_store_pem(&encrypted, store, &secret));
	write_file("plain.key", &pem);
	write_file("locked.key", &encrypted);
	run("openssl pkey -in plain.key -noout -check >log 2>&1");
	run("openssl pkey -in locked.key -passin 'pass:geheim-ҚҰПИЯ' -noout -check >log 2>&1");
	run("openssl asn1parse -in locked.key | grep -q hmacWithSHA256");
	ck_ok(key_file_is_encrypted(&needs, "plain.key"));
	ck_assert(!needs);
	ck_ok(key_file_is_encrypted(&needs, "locked.key"));
	ck_assert(needs);
	ck_ok(key_store_open(&plain, "file:plain.key", &none));
	ck_ok(key_store_open(&opened, "file:locked.key", &secret));
	same_key(store, plain);
	same_key(store, opened);
	ck_fails(key_store_open(&wrong, "file:locked.key", &other), ERR_DENIED,
		 "the password does not open the private key");
	ck_fails(key_store_open(&wrong, "file:locked.key", &none), ERR_DENIED, "needs a password; use --password-file");
}
END_TEST

/* Forms that other tools write: traditional, PKCS#8 in DER, encrypted PKCS#8 in DER. */
static const char *const foreign_forms[] = {
	"openssl genrsa -traditional -out k 2048 2>log",
	"openssl genrsa 2048 2>log | openssl pkcs8 -topk8 -nocrypt -outform DER -out k",
	"openssl genrsa 2048 2>log | openssl pkcs8 -topk8 -passout 'pass:geheim-ҚҰПИЯ' -outform DER -out k",
	"openssl genrsa -traditional -aes128 -passout 'pass:geheim-ҚҰПИЯ' -out k 2048 2>log",
	"openssl ecparam -genkey -name prime256v1 -out k",
};

START_TEST(foreign_key_files_open)
{
	OWN(key_store) store = NULL;

	run(foreign_forms[_i]);
	ck_ok(key_store_open(&store, "file:k", &secret));
}
END_TEST

START_TEST(pkcs12_goes_both_ways)
{
	OWN(key_store) store = NULL;
	OWN(key_store) again = NULL;
	OWN(key_store) foreign = NULL;
	OWN(buf) p12 = BUF_INIT_SECRET(KEY_FILE_MAX);
	OWN(buf) chain = BUF_INIT(KEY_FILE_MAX);

	pair_make("rsa:2048");
	ck_ok(key_store_open(&store, "file:key.pem,cert.pem", &none));
	ck_ok(file_read(&chain, "cert.pem", "chain"));
	ck_ok(key_store_p12(&p12, store, "operator1", buf_slice(&chain), &secret));
	write_file("made.p12", &p12);
	run("openssl pkcs12 -in made.p12 -passin 'pass:geheim-ҚҰПИЯ' -nodes -out out.pem 2>log");
	run("grep -q 'friendlyName: operator1' out.pem && grep -q 'BEGIN PRIVATE KEY' out.pem");
	run("test $(grep -c 'BEGIN CERTIFICATE' out.pem) = 2");
	ck_ok(key_store_open(&again, "p12:made.p12", &secret));
	same_key(store, again);
	ck_assert(slice_equal(key_store_certificate(store), key_store_certificate(again)));
	run("openssl pkcs12 -export -inkey key.pem -in cert.pem -passout 'pass:geheim-ҚҰПИЯ' -out foreign.p12");
	ck_ok(key_store_open(&foreign, "p12:foreign.p12", &secret));
	same_key(store, foreign);
}
END_TEST

START_TEST(pkcs12_without_a_certificate)
{
	OWN(key_store) store = NULL;
	OWN(key_store) again = NULL;
	OWN(buf) p12 = BUF_INIT_SECRET(KEY_FILE_MAX);

	ck_ok(key_store_generate(&store, "p256"));
	ck_ok(key_store_p12(&p12, store, "sign", SLICE_NONE, &secret));
	write_file("made.p12", &p12);
	ck_ok(key_store_open(&again, "p12:made.p12", &secret));
	same_key(store, again);
	ck_assert_uint_eq(key_store_certificate(again).len, 0);
}
END_TEST

static const struct {
	const char *spec;
	enum err_code code;
	const char *text;
} bad_stores[] = {
	{ "key.pem", ERR_BAD_INPUT, "a key store is file:KEY[,CERTIFICATE], p12:FILE or pkcs11:URI" },
	{ "pkcs11:token=x", ERR_BAD_INPUT, "tokens are not available in this version" },
	{ "file:nothing", ERR_NOT_FOUND, "there is no file nothing" },
	{ "file:cert.pem", ERR_BAD_INPUT, "cert.pem holds no private key" },
	{ "file:key.pem,key.pem", ERR_BAD_INPUT, "" },
	{ "file:other.pem,cert.pem", ERR_BAD_INPUT, "the certificate is not of this private key" },
	{ "p12:key.pem", ERR_BAD_INPUT, "key.pem is no PKCS#12 file" },
	{ "p12:foreign.p12", ERR_DENIED, "the password does not open the PKCS#12 file" },
};

START_TEST(bad_stores_are_refused_by_name)
{
	OWN(key_store) store = NULL;

	pair_make("rsa:2048");
	run("openssl genrsa -out other.pem 2048 2>log");
	run("openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass:another -out foreign.p12");
	ck_fails(key_store_open(&store, bad_stores[_i].spec, &secret), bad_stores[_i].code, bad_stores[_i].text);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(passwords_come_from_file_variable_or_not_at_all)
{
	OWN(buf) out = BUF_INIT_SECRET(64);
	const struct key_password file = { .file = "pw", .variable = "NUC_KEY_PASSWORD" };
	const struct key_password variable = { .variable = "NUC_KEY_PASSWORD" };
	OWN(buf) text = BUF_INIT(64);

	ck_ok(buf_append_str(&text, "from file\r\nsecond line"));
	write_file("pw", &text);
	(void)setenv("NUC_KEY_PASSWORD", "from variable", 1);
	ck_ok(key_password_get(&out, &file, "it"));
	ck_assert_str_eq((const char *)out.p, "from file");
	ck_ok(key_password_get(&out, &variable, "it"));
	ck_assert_str_eq((const char *)out.p, "from variable");
	(void)unsetenv("NUC_KEY_PASSWORD");
	ck_fails(key_password_get(&out, &variable, "it"), ERR_DENIED, "or set NUC_KEY_PASSWORD");
}
END_TEST

/* ---------------------------------------------------------------- signatures */

static const char *const signers[] = { "rsa:2048", "rsa:4096", "ec -pkeyopt ec_paramgen_curve:P-256" };

static void decision_make(struct buf *decision, struct buf *cms, const struct key_store *store)
{
	const struct decide_terms terms = {
		.kind = DECISION_AUTHORISATIONS, .verdict = DECISION_APPROVE, .reason = "", .valid_s = DECIDE_VALID_S
	};
	const uint8_t digests[2][SHA256_LEN] = { { 7 }, { 3 } };

	ck_ok(decide_sign(decision, cms, store, &terms, digests, 2));
}

START_TEST(decision_is_accepted_by_openssl_and_by_the_strict_verifier)
{
	OWN(key_store) store = NULL;
	OWN(buf) decision = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	struct authority_signature signature;
	struct decision read;

	pair_make(signers[_i]);
	ck_ok(key_store_open(&store, "file:key.pem,cert.pem", &none));
	decision_make(&decision, &cms, store);
	ck_ok(authority_cms_verify(&signature, buf_slice(&cms), buf_slice(&decision)));
	ck_assert(slice_equal(signature.cert.der, key_store_certificate(store)));
	ck_ok(decision_decode(&read, buf_slice(&decision)));
	ck_assert_uint_eq(read.num_digests, 2);
	ck_assert_int_eq(read.expires_at - read.decided_at, DECIDE_VALID_S);
	write_file("d", &decision);
	write_file("s", &cms);
	run("openssl cms -verify -binary -cades -inform DER -in s -content d -CAfile cert.pem -purpose any -out out "
	    "2>log");
	run("cmp d out");
	run("openssl cms -cmsout -print -inform DER -in s >printed");
	/* That there are no others is for the strict verifier to say. */
	run("test $(grep -cE 'object: (contentType|messageDigest|signingTime|id-smime-aa-signingCertificateV2) ' "
	    "printed) -eq 4");
	run("grep -q id-smime-aa-signingCertificateV2 printed && ! grep -q S/MIME.Capabilities printed");
	run("grep -A3 eContent: printed | grep -q ABSENT");
}
END_TEST

START_TEST(every_flipped_byte_is_refused)
{
	OWN(key_store) store = NULL;
	OWN(buf) decision = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	struct authority_signature signature;
	struct cert own;

	pair_make("ec -pkeyopt ec_paramgen_curve:P-256");
	ck_ok(key_store_open(&store, "file:key.pem,cert.pem", &none));
	ck_ok(cert_parse(&own, key_store_certificate(store)));
	decision_make(&decision, &cms, store);
	for (size_t i = 0; i < decision.len; i++) {
		decision.p[i] ^= 1;
		OWN(err) e = authority_cms_verify(&signature, buf_slice(&cms), buf_slice(&decision));
		ck_assert_msg(e != NULL, "content, octet %zu", i);
		decision.p[i] ^= 1;
	}
	for (size_t i = 0; i < cms.len; i++) {
		cms.p[i] ^= 1;
		OWN(err) e = authority_cms_verify(&signature, buf_slice(&cms), buf_slice(&decision));
		ck_assert_msg(e != NULL, "signature, octet %zu", i);
		cms.p[i] ^= 1;
	}
	ck_ok(authority_cms_verify(&signature, buf_slice(&cms), buf_slice(&decision)));
}
END_TEST

START_TEST(without_a_certificate_nothing_is_signed)
{
	OWN(key_store) store = NULL;
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);

	ck_ok(key_store_generate(&store, "p256"));
	ck_fails(key_store_sign(&cms, store, SLICE_STR("x")), ERR_BAD_INPUT,
		 "the key has no certificate; give it with --cert");
	ck_assert_uint_eq(cms.len, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/key");
	TCase *t = tcase_create("key");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, request_is_read_by_openssl_and_by_the_intake, 0, COUNT_OF(algorithms));
	tcase_add_test(t, unknown_algorithm_is_named);
	tcase_add_test(t, key_files_plain_and_encrypted);
	tcase_add_loop_test(t, foreign_key_files_open, 0, COUNT_OF(foreign_forms));
	tcase_add_test(t, pkcs12_goes_both_ways);
	tcase_add_test(t, pkcs12_without_a_certificate);
	tcase_add_loop_test(t, bad_stores_are_refused_by_name, 0, COUNT_OF(bad_stores));
	tcase_add_test(t, passwords_come_from_file_variable_or_not_at_all);
	tcase_add_loop_test(t, decision_is_accepted_by_openssl_and_by_the_strict_verifier, 0, COUNT_OF(signers));
	tcase_add_test(t, every_flipped_byte_is_refused);
	tcase_add_test(t, without_a_certificate_nothing_is_signed);
	suite_add_tcase(s, t);
	return suite_main(s);
}
