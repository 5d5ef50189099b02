/*
 * csr_test.c - intake of requests in NUC's form: what passes, and each way of breaking the form.
 */
#include <check.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/csr.h"

#define PKCS12 "1.2.398.3.3.5.1.1"

static EVP_PKEY *key; /* made once */
static struct buf spki = BUF_INIT(2048);

static void setup(void)
{
	ck_ok(suite_generate(&key, suite_by_name("rsa2048-sha256")));
	ck_ok(suite_spki(&spki, key));
}

static void teardown(void)
{
	EVP_PKEY_free(key);
	buf_clear(&spki);
}

static void sign_info(struct buf *out, EVP_PKEY *with, struct slice info)
{
	OWN(buf) signature = BUF_INIT(1024);
	const struct suite *row = NULL;

	ck_ok(suite_of_key(&row, with));
	fixture_sign(&signature, with, info);
	buf_reset(out);
	ck_ok(csr_assemble(out, info, row->signature_algorithm, buf_slice(&signature)));
}

/* A request over an Extensions value. */
static void request(struct buf *out, struct slice extensions)
{
	OWN(buf) info = BUF_INIT(CSR_MAX_BYTES * 2);

	ck_ok(csr_info(&info, SLICE_NONE, buf_slice(&spki), extensions));
	sign_info(out, key, buf_slice(&info));
}

START_TEST(form_of_nuc_passes)
{
	static const char *const emails[] = { "test@mail.kz" };
	static const char *const dns[] = { "a.example.kz", "b.example.kz" };
	OWN(buf) extensions = BUF_INIT(4096);
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES);
	struct csr csr;
	uint8_t hash[32];

	ck_ok(csr_extensions(&extensions, PKCS12, emails, 1, dns, 2));
	request(&der, buf_slice(&extensions));
	ck_ok(csr_read(&csr, buf_slice(&der)));
	ck_assert(slice_equal(csr.public_key, buf_slice(&spki)));
	ck_ok(suite_key_hash(hash, buf_slice(&spki)));
	ck_assert_mem_eq(csr.key_hash, hash, 32);
	ck_assert_uint_eq(csr.num_emails, 1);
	ck_assert_str_eq(csr.emails[0], "test@mail.kz");
	ck_assert_uint_eq(csr.num_dns_names, 2);
	ck_assert_str_eq(csr.dns_names[1], "b.example.kz");
	ck_assert_str_eq(csr.key_storage, PKCS12);
	buf_reset(&extensions);
	ck_ok(csr_extensions(&extensions, "1.2.398.3.3.5.2.1", NULL, 0, NULL, 0));
	request(&der, buf_slice(&extensions));
	ck_ok(csr_read(&csr, buf_slice(&der)));
	ck_assert_uint_eq(csr.num_emails, 0);
	ck_assert_str_eq(csr.key_storage, "1.2.398.3.3.5.2.1");
}
END_TEST

/* libcrypto reads what we make, and we read what libcrypto makes. */
START_TEST(libcrypto_agrees)
{
	static const char *const emails[] = { "test@mail.kz" };
	OWN(buf) extensions = BUF_INIT(4096);
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES);
	struct csr csr;

	ck_ok(csr_extensions(&extensions, PKCS12, emails, 1, NULL, 0));
	request(&der, buf_slice(&extensions));
	const uint8_t *p = der.p;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(req);
	ck_assert_int_eq(X509_REQ_verify(req, key), 1);
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(req);
	ck_assert_int_eq(sk_X509_EXTENSION_num(list), 2);
	X509_REQ *other = X509_REQ_new();
	X509_NAME *name = X509_REQ_get_subject_name(other);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"ДРУГОЙ ЧЕЛОВЕК",
						    -1, -1, 0),
			 1);
	ck_assert_int_eq(X509_REQ_set_pubkey(other, key), 1);
	ck_assert_int_eq(X509_REQ_add_extensions(other, list), 1);
	ck_assert_int_gt(X509_REQ_sign(other, key, EVP_sha256()), 0);
	unsigned char *made = NULL;
	int len = i2d_X509_REQ(other, &made);
	ck_ok(csr_read(&csr, SLICE(made, (size_t)len)));
	ck_assert_str_eq(csr.emails[0], "test@mail.kz");
	ck_assert_str_eq(csr.key_storage, PKCS12);
	OPENSSL_free(made);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(other);
	X509_REQ_free(req);
}
END_TEST

/* ---------------------------------------------------------------- extensions of all kinds */

static void extension(struct buf *out, const char *id, bool critical, struct slice value)
{
	OWN(buf) content = BUF_INIT(64);
	size_t sequence;

	ck_ok(oid_parse(&content, id));
	ck_ok(der_open(out, &sequence, DER_SEQUENCE));
	ck_ok(der_oid(out, buf_slice(&content)));
	if (critical)
		ck_ok(der_boolean(out, true));
	ck_ok(der_octets(out, value));
	ck_ok(der_close(out, sequence));
}

static const uint8_t store_value[] = { 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x83, 0x0E, 0x03, 0x03, 0x05, 0x01, 0x01 };
static const uint8_t store_with_path[] = { 0x30, 0x16, 0x06, 0x08, 0x2A, 0x83, 0x0E, 0x03, 0x03, 0x05, 0x01, 0x01,
					   0x0C, 0x0A, 'C',  ':',  '\\', 'U',  's',  'e',  'r',	 's',  '\\', 'x' };
static const uint8_t san_email[] = { 0x30, 0x08, 0x81, 0x06, 'a', '@', 'b', '.', 'k', 'z' };

#define V(bytes)                                                                                                       \
	{                                                                                                              \
		(const uint8_t *)(bytes), sizeof(bytes) - 1                                                            \
	}
static const struct {
	const char *name;
	struct {
		const char *id;
		struct slice value;
	} list[3];
	const char *says; /* NULL: passes */
} extension_cases[] = {
	{ "store", { { "1.2.398.3.3.5", { store_value, sizeof store_value } } }, NULL },
	{ "path is dropped", { { "1.2.398.3.3.5", { store_with_path, sizeof store_with_path } } }, NULL },
	{ "critical is of no matter",
	  { { "1.2.398.3.3.5", { store_value, sizeof store_value } },
	    { "2.5.29.17", { san_email, sizeof san_email } } },
	  NULL },
	{ "others are dropped",
	  { { "2.5.29.19", V("\x30\x03\x01\x01\xFF") }, { "1.2.398.3.3.5", { store_value, sizeof store_value } } },
	  NULL },
	{ "no store", { { "2.5.29.17", { san_email, sizeof san_email } } }, "lacks the key store extension" },
	{ "doubled store",
	  { { "1.2.398.3.3.5", { store_value, sizeof store_value } },
	    { "1.2.398.3.3.5", { store_value, sizeof store_value } } },
	  "stands there twice" },
	{ "doubled SAN",
	  { { "1.2.398.3.3.5", { store_value, sizeof store_value } },
	    { "2.5.29.17", { san_email, sizeof san_email } },
	    { "2.5.29.17", { san_email, sizeof san_email } } },
	  "stands there twice" },
	{ "store of another arc", { { "1.2.398.3.3.5", V("\x30\x05\x06\x03\x55\x04\x03") } }, "no key storage" },
	{ "store is no SEQUENCE", { { "1.2.398.3.3.5", V("\x04\x00") } }, "key store extension" },
	{ "store with a third member",
	  { { "1.2.398.3.3.5", V("\x30\x0E\x06\x08\x2A\x83\x0E\x03\x03\x05\x01\x01\x0C\x00\x0C\x00") } },
	  "key store extension" },
	{ "store with rubbish behind",
	  { { "1.2.398.3.3.5", V("\x30\x0A\x06\x08\x2A\x83\x0E\x03\x03\x05\x01\x01\x05\x00") } },
	  "key store extension" },
	{ "empty SAN", { { "2.5.29.17", V("\x30\x00") } }, "subjectAltName is empty" },
	{ "SAN otherName", { { "2.5.29.17", V("\x30\x08\xA0\x06\x06\x02\x2A\x03\xA0\x00") } }, "kind otherName" },
	{ "SAN x400Address", { { "2.5.29.17", V("\x30\x04\xA3\x02\x30\x00") } }, "kind x400Address" },
	{ "SAN directoryName", { { "2.5.29.17", V("\x30\x04\xA4\x02\x30\x00") } }, "kind directoryName" },
	{ "SAN ediPartyName", { { "2.5.29.17", V("\x30\x04\xA5\x02\x81\x00") } }, "kind ediPartyName" },
	{ "SAN URI", { { "2.5.29.17", V("\x30\x03\x86\x01x") } }, "kind uniformResourceIdentifier" },
	{ "SAN iPAddress", { { "2.5.29.17", V("\x30\x06\x87\x04\x0A\x00\x00\x01") } }, "kind iPAddress" },
	{ "SAN registeredID", { { "2.5.29.17", V("\x30\x04\x88\x02\x2A\x03") } }, "kind registeredID" },
	{ "SAN of an unknown tag", { { "2.5.29.17", V("\x30\x02\x8F\x00") } }, "kind (unknown)" },
	{ "e-mail with NUL",
	  { { "2.5.29.17", V("\x30\x0B\x81\x09"
			     "a@b.kz\0.x") } },
	  "rfc822Name" },
	{ "e-mail with a line break",
	  { { "2.5.29.17", V("\x30\x09\x81\x07"
			     "a@b.k\nz") } },
	  "rfc822Name" },
	{ "e-mail without domain",
	  { { "2.5.29.17", V("\x30\x04\x81\x02"
			     "a@") } },
	  "rfc822Name" },
	{ "wildcard",
	  { { "2.5.29.17", V("\x30\x0A\x82\x08"
			     "*.ab.abc") } },
	  "wildcard" },
	{ "three e-mails",
	  { { "2.5.29.17", V("\x30\x18\x81\x06"
			     "a@b.kz"
			     "\x81\x06"
			     "b@b.kz"
			     "\x81\x06"
			     "c@b.kz") } },
	  "more than 2" },
};

START_TEST(extensions_of_the_request)
{
	OWN(buf) list = BUF_INIT(4096);
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES);
	struct csr csr;
	size_t sequence;

	ck_ok(der_open(&list, &sequence, DER_SEQUENCE));
	for (int i = 0; i < 3 && extension_cases[_i].list[i].id != NULL; i++)
		extension(&list, extension_cases[_i].list[i].id, _i == 2, extension_cases[_i].list[i].value);
	ck_ok(der_close(&list, sequence));
	request(&der, buf_slice(&list));
	if (extension_cases[_i].says == NULL) {
		ck_ok(csr_read(&csr, buf_slice(&der)));
		ck_assert_str_eq(csr.key_storage, PKCS12);
		return;
	}
	ck_fails(csr_read(&csr, buf_slice(&der)), ERR_BAD_INPUT, extension_cases[_i].says);
	OWN(err) e = csr_read(&csr, buf_slice(&der));
	ck_assert_str_eq(err_field(e), "csr");
	ck_assert_uint_eq(csr.public_key.len, 0);
}
END_TEST

/* ---------------------------------------------------------------- the frame */

/* attributes_of() writes `count` extensionRequest attributes, each with `values` values. */
static void attributes_of(struct buf *info, int count, int values)
{
	OWN(buf) extensions = BUF_INIT(4096);
	size_t attribute, set;

	ck_ok(csr_extensions(&extensions, PKCS12, NULL, 0, NULL, 0));
	for (int i = 0; i < count; i++) {
		ck_ok(der_open(info, &attribute, DER_SEQUENCE));
		ck_ok(der_oid(info, oid(OID_EXTENSION_REQUEST)));
		ck_ok(der_open(info, &set, DER_SET));
		for (int k = 0; k < values; k++)
			ck_ok(buf_append(info, buf_slice(&extensions)));
		ck_ok(der_close(info, set));
		ck_ok(der_close(info, attribute));
	}
}

static void frame(struct buf *out, int64_t version, int count, int values)
{
	OWN(buf) info = BUF_INIT(CSR_MAX_BYTES);
	size_t sequence, attributes;

	ck_ok(der_open(&info, &sequence, DER_SEQUENCE));
	ck_ok(der_int64(&info, version));
	ck_ok(der_tlv(&info, DER_SEQUENCE, SLICE_NONE));
	ck_ok(buf_append(&info, buf_slice(&spki)));
	ck_ok(der_open(&info, &attributes, 0xA0));
	attributes_of(&info, count, values);
	ck_ok(der_close(&info, attributes));
	ck_ok(der_close(&info, sequence));
	sign_info(out, key, buf_slice(&info));
}

START_TEST(frames)
{
	static const struct {
		int64_t version;
		int count, values;
		const char *says;
	} cases[] = { { 0, 1, 1, NULL },
		      { 1, 1, 1, "version" },
		      { 0, 0, 0, "extensionRequest is missing" },
		      { 0, 2, 1, "stands there twice" },
		      { 0, 1, 0, "has no value" },
		      { 0, 1, 2, "more than one value" } };
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES);
	struct csr csr;

	for (int i = 0; i < COUNT_OF(cases); i++) {
		frame(&der, cases[i].version, cases[i].count, cases[i].values);
		if (cases[i].says == NULL)
			ck_ok(csr_read(&csr, buf_slice(&der)));
		else
			ck_fails(csr_read(&csr, buf_slice(&der)), ERR_BAD_INPUT, cases[i].says);
	}
}
END_TEST

START_TEST(the_gate_and_the_signature)
{
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES * 4);
	OWN(buf) other = BUF_INIT(CSR_MAX_BYTES);
	struct csr csr;

	frame(&der, 0, 1, 1);
	ck_ok(buf_append_u8(&der, 0)); /* a trailing octet, which d2i lets through */
	ck_fails(csr_read(&csr, buf_slice(&der)), ERR_BAD_INPUT, "request");
	der.len--;
	ck_ok(csr_read(&csr, buf_slice(&der)));
	der.p[der.len - 10] ^= 1;
	ck_fails(csr_read(&csr, buf_slice(&der)), ERR_BAD_INPUT, "possession");
	der.p[der.len - 10] ^= 1;
	der.p[300] ^= 1; /* in the modulus */
	OWN(err) e = csr_read(&csr, buf_slice(&der));
	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	der.p[300] ^= 1;
	for (size_t n = 0; n < der.len; n += 7) {
		OWN(err) cut = csr_read(&csr, SLICE(der.p, n));

		ck_assert_int_eq(err_code(cut), ERR_BAD_INPUT);
		ck_assert_str_eq(err_field(cut), "csr");
	}
	ck_ok(buf_extend(&der, &(uint8_t *){ NULL }, CSR_MAX_BYTES));
	ck_fails(csr_read(&csr, buf_slice(&der)), ERR_TOO_LARGE, "request");
}
END_TEST

START_TEST(another_persons_key_is_not_possession)
{
	OWN(buf) extensions = BUF_INIT(4096);
	OWN(buf) info = BUF_INIT(CSR_MAX_BYTES);
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES);
	EVP_PKEY *mine = NULL;
	struct csr csr;

	ck_ok(suite_generate(&mine, suite_by_name("rsa2048-sha256")));
	ck_ok(csr_extensions(&extensions, PKCS12, NULL, 0, NULL, 0));
	ck_ok(csr_info(&info, SLICE_NONE, buf_slice(&spki), buf_slice(&extensions)));
	sign_info(&der, mine, buf_slice(&info));
	ck_fails(csr_read(&csr, buf_slice(&der)), ERR_BAD_INPUT, "does not prove possession");
	EVP_PKEY_free(mine);
}
END_TEST

START_TEST(weak_keys_are_refused)
{
	OWN(buf) extensions = BUF_INIT(4096);
	OWN(buf) weak_spki = BUF_INIT(2048);
	OWN(buf) info = BUF_INIT(CSR_MAX_BYTES);
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES);
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	struct csr csr;

	ck_ok(csr_extensions(&extensions, PKCS12, NULL, 0, NULL, 0));
	ck_ok(suite_spki(&weak_spki, weak));
	ck_ok(csr_info(&info, SLICE_NONE, buf_slice(&weak_spki), buf_slice(&extensions)));
	ck_ok(csr_assemble(&der, buf_slice(&info), suite_by_name("rsa2048-sha256")->signature_algorithm,
			   SLICE("not looked at", 13)));
	ck_fails(csr_read(&csr, buf_slice(&der)), ERR_BAD_INPUT, "1024 bits is too short");
	EVP_PKEY_free(weak);
}
END_TEST

START_TEST(storages_have_names)
{
	ck_assert_str_eq(csr_storage_oid("PKCS12"), PKCS12);
	ck_assert_str_eq(csr_storage_oid("pkcs12"), PKCS12);
	ck_assert_str_eq(csr_storage_oid("1.2.398.3.3.5.2.1"), "1.2.398.3.3.5.2.1");
	ck_assert_str_eq(csr_storage_name("1.2.398.3.3.5.2.2"), "KAZTOKEN");
	ck_assert_ptr_null(csr_storage_oid("floppy"));
	ck_assert_ptr_null(csr_storage_oid("1.2.398.3.3.4.1.1"));
	ck_assert_ptr_null(csr_storage_name("1.2.398.3.3.5"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/csr");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, form_of_nuc_passes);
	tcase_add_test(t, libcrypto_agrees);
	tcase_add_loop_test(t, extensions_of_the_request, 0, COUNT_OF(extension_cases));
	tcase_add_test(t, frames);
	tcase_add_test(t, the_gate_and_the_signature);
	tcase_add_test(t, another_persons_key_is_not_possession);
	tcase_add_test(t, weak_keys_are_refused);
	tcase_add_test(t, storages_have_names);
	suite_add_tcase(s, t);
	return suite_main(s);
}
