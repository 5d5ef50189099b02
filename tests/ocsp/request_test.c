/*
 * request_test.c - ocsp/request.c: what a request may look like, octet by octet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ocsp/request.h"
#include "support/ocsp_der.h"
#include "support/suite.h"

static const size_t hash_len[] = { 20, 32, 48, 64 };

static struct od cert_id(int digest, bool null)
{
	return od_cert_id(od_digest(digest, null), od_filled(0x04, 0xaa, hash_len[digest]),
			  od_filled(0x04, 0xbb, hash_len[digest]), OD("\x02\x03\x01\x02\x03"));
}

static struct od none(void)
{
	return (struct od){ .len = 0 };
}

START_TEST(test_forms)
{
	int digest = _i / 2;
	bool null = _i % 2 == 1;
	struct od id = cert_id(digest, null);
	struct od der = od_request(od_single(id), none());
	struct ocsp_query q;
	enum ocsp_malformed cause;

	ck_ok(ocsp_request_parse(&q, &cause, SLICE(der.p, der.len)));
	ck_assert_int_eq(cause, OCSP_MALFORMED_NONE);
	ck_assert_uint_eq(q.num_singles, 1);
	ck_assert_int_eq((int)q.singles[0].digest, digest);
	ck_assert_int_eq(q.singles[0].has_null, null);
	ck_assert(slice_equal(q.singles[0].cert_id, SLICE(id.p, id.len))); /* as it was sent */
	ck_assert(slice_equal(q.singles[0].serial, SLICE("\x01\x02\x03", 3)));
	ck_assert_uint_eq(q.singles[0].name_hash.len, hash_len[digest]);
	ck_assert_ptr_null(q.nonce.p);
	ck_assert_uint_eq(ocsp_digest_len((enum ocsp_digest)digest), hash_len[digest]);
}
END_TEST

START_TEST(test_nonces)
{
	static const size_t lengths[] = { 1, 8, 16, 32, 128 };
	struct od value = { .len = lengths[_i] };
	struct ocsp_query q;
	enum ocsp_malformed cause;

	for (size_t i = 0; i < value.len; i++)
		value.p[i] = (uint8_t)(i * 7);
	struct od der = od_request(od_single(cert_id(1, true)), od_nonce(value));
	ck_ok(ocsp_request_parse(&q, &cause, SLICE(der.p, der.len)));
	ck_assert(slice_equal(q.nonce, SLICE(value.p, value.len)));
}
END_TEST

START_TEST(test_several)
{
	struct od list = none();
	struct ocsp_query q;
	enum ocsp_malformed cause;

	for (int i = 0; i < OCSP_MAX_SINGLES; i++)
		list = od_join(list, od_single(cert_id(i % 4, i % 3 == 0)));
	struct od der = od_request(list, none());
	ck_ok(ocsp_request_parse(&q, &cause, SLICE(der.p, der.len)));
	ck_assert_uint_eq(q.num_singles, OCSP_MAX_SINGLES);
	ck_assert_int_eq((int)q.singles[7].digest, OCSP_SHA512);
	der = od_request(od_join(list, od_single(cert_id(0, true))), none());
	ck_fails(ocsp_request_parse(&q, &cause, SLICE(der.p, der.len)), ERR_BAD_INPUT, "more than 8");
	ck_assert_int_eq(cause, OCSP_MALFORMED_COUNT);
}
END_TEST

/* What is let through without being looked at: RFC 6960 §4.1.1, §4.4. */
START_TEST(test_passed_over)
{
	struct ocsp_query q;
	enum ocsp_malformed cause;
	struct od unknown = od_extension(OD("\x2a\x03\x04"), -1, OD("\x05\x00"));
	struct od single = od_wrap(0x30, od_join(cert_id(0, true), od_wrap(0xa0, od_wrap(0x30, unknown))));
	struct od extensions = od_join(unknown, od_nonce(OD("12345678")));
	struct od name = od_wrap(0xa1, od_wrap(0xa4, od_wrap(0x30, none())));
	struct od tbs =
		od_wrap(0x30, od_join(name, od_join(od_wrap(0x30, single), od_wrap(0xa2, od_wrap(0x30, extensions)))));
	struct od signature = od_wrap(0xa0, od_wrap(0x30, od_join(od_digest(1, true), OD("\x03\x02\x00\xff"))));
	struct od der = od_wrap(0x30, od_join(tbs, signature));

	ck_ok(ocsp_request_parse(&q, &cause, SLICE(der.p, der.len)));
	ck_assert(slice_equal(q.nonce, SLICE_STR("12345678")));

	/* A digest that no issuer here is known by (MD5) is no fault of form: the issuer is foreign. */
	struct od md5 = od_wrap(0x30, OD("\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00"));
	struct od id = od_cert_id(md5, od_filled(0x04, 1, 16), od_filled(0x04, 2, 16), OD("\x02\x01\x05"));
	der = od_request(od_single(id), none());
	ck_ok(ocsp_request_parse(&q, &cause, SLICE(der.p, der.len)));
	ck_assert_int_eq((int)q.singles[0].digest, OCSP_DIGEST_FOREIGN);
}
END_TEST

static struct od with_id(struct od id)
{
	return od_request(od_single(id), none());
}

static struct od with_extension(struct od extension)
{
	return od_request(od_single(cert_id(1, true)), extension);
}

static struct od bad_request(int n)
{
	struct od good = with_id(cert_id(1, true)), unknown = od_extension(OD("\x2a\x03\x04"), -1, OD("\x05\x00"));
	struct od h20 = od_filled(0x04, 1, 20), serial = OD("\x02\x01\x05");

	switch (n) {
	case 0:
		return none();
	case 1:
		return od_join(good, OD("\x00"));
	case 2:
		good.len--;
		return good;
	case 3: /* indefinite length */
		return OD("\x30\x80\x30\x02\x30\x00\x00\x00");
	case 4: /* a length in too many octets */
		return OD("\x30\x81\x04\x30\x02\x30\x00");
	case 5:
		return od_request(none(), none());
	case 6: /* version v1 written out */
		return od_wrap(0x30, od_wrap(0x30, od_join(OD("\xa0\x03\x02\x01\x00"),
							   od_wrap(0x30, od_single(cert_id(1, true))))));
	case 7: /* a hash of another length than its algorithm's */
		return with_id(od_cert_id(od_digest(1, true), h20, h20, serial));
	case 8:
		return with_id(od_cert_id(od_digest(0, true), h20, h20, OD("\x02\x02\x00\x05")));
	case 9:
		return with_id(od_cert_id(od_digest(0, true), h20, h20, OD("\x02\x00")));
	case 10: /* parameters that are neither NULL nor absent */
		return with_id(
			od_cert_id(od_wrap(0x30, OD("\x06\x05\x2b\x0e\x03\x02\x1a\x02\x01\x00")), h20, h20, serial));
	case 11:
		return with_id(od_join(cert_id(0, true), cert_id(0, true)));
	case 12:
		return with_id(od_cert_id(od_digest(0, true), h20, h20, od_filled(0x02, 1, 250)));
	case 25: /* serials that no certificate can have */
		return with_id(od_cert_id(od_digest(0, true), h20, h20, OD("\x02\x01\x00")));
	case 26:
		return with_id(od_cert_id(od_digest(0, true), h20, h20, OD("\x02\x01\xff")));
	case 27:
		return with_id(od_cert_id(od_digest(0, true), h20, h20, od_filled(0x02, 1, 21)));
	case 13:
		return with_extension(od_nonce(none()));
	case 14: {
		struct od value = { .len = 129 };
		memset(value.p, 1, value.len);
		return with_extension(od_nonce(value));
	}
	case 15: /* not an OCTET STRING inside (RFC 9654 §2.1) */
		return with_extension(od_extension(OD_NONCE_OID, -1, OD("12345678")));
	case 16:
		return with_extension(od_extension(OD("\x2a\x03\x04"), 0xff, OD("\x05\x00")));
	case 17:
		return with_extension(od_join(unknown, unknown));
	case 18:
		return with_extension(od_join(od_nonce(OD("1")), od_nonce(OD("1"))));
	case 19: /* critical FALSE written out */
		return with_extension(od_extension(OD("\x2a\x03\x04"), 0, OD("\x05\x00")));
	case 20: /* critical TRUE as 01 */
		return with_extension(od_extension(OD("\x2a\x03\x04"), 1, OD("\x05\x00")));
	case 21: /* an empty list of extensions */
		return od_wrap(0x30, od_wrap(0x30, od_join(od_wrap(0x30, od_single(cert_id(1, true))),
							   OD("\xa2\x02\x30\x00"))));
	case 22: { /* critical in a single request */
		struct od critical = od_extension(OD("\x2a\x03\x04"), 0xff, OD("\x05\x00"));
		return od_request(od_wrap(0x30, od_join(cert_id(1, true), od_wrap(0xa0, od_wrap(0x30, critical)))),
				  none());
	}
	case 23: { /* over 4 KiB */
		struct od big = od_extension(OD("\x2a\x03\x04"), -1, od_filled(0x04, 0, 4090));
		return with_extension(big);
	}
	default: /* nested far beyond any request */
		for (int i = 0; i < 40; i++)
			good = od_wrap(0x30, good);
		return good;
	}
}

static const struct {
	enum ocsp_malformed cause;
	enum err_code code;
	const char *text;
} bad_causes[] = {
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_COUNT, ERR_BAD_INPUT, "empty" },
	{ OCSP_MALFORMED_STRUCTURE, ERR_BAD_INPUT, "version" },
	{ OCSP_MALFORMED_CERT_ID, ERR_BAD_INPUT, "not as long" },
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_CERT_ID, ERR_BAD_INPUT, "hashAlgorithm" },
	{ OCSP_MALFORMED_STRUCTURE, ERR_BAD_INPUT, "Request" },
	{ OCSP_MALFORMED_CERT_ID, ERR_BAD_INPUT, "over 256 octets" },
	{ OCSP_MALFORMED_NONCE, ERR_BAD_INPUT, "nonce" },
	{ OCSP_MALFORMED_NONCE, ERR_BAD_INPUT, "nonce" },
	{ OCSP_MALFORMED_NONCE, ERR_BAD_INPUT, "nonce" },
	{ OCSP_MALFORMED_EXTENSION, ERR_BAD_INPUT, "critical" },
	{ OCSP_MALFORMED_EXTENSION, ERR_BAD_INPUT, "twice" },
	{ OCSP_MALFORMED_EXTENSION, ERR_BAD_INPUT, "twice" },
	{ OCSP_MALFORMED_EXTENSION, ERR_BAD_INPUT, "FALSE" },
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_EXTENSION, ERR_BAD_INPUT, "empty" },
	{ OCSP_MALFORMED_EXTENSION, ERR_BAD_INPUT, "critical" },
	{ OCSP_MALFORMED_SIZE, ERR_TOO_LARGE, "4096" },
	{ OCSP_MALFORMED_DER, ERR_BAD_INPUT, "" },
	{ OCSP_MALFORMED_CERT_ID, ERR_BAD_INPUT, "serialNumber" },
	{ OCSP_MALFORMED_CERT_ID, ERR_BAD_INPUT, "serialNumber" },
	{ OCSP_MALFORMED_CERT_ID, ERR_BAD_INPUT, "serialNumber" },
};

START_TEST(test_refused)
{
	struct od der = bad_request(_i);
	struct ocsp_query q;
	enum ocsp_malformed cause = OCSP_MALFORMED_NONE;

	uint8_t *exact = malloc(der.len + 1); /* so that a sanitizer sees a read past the end */
	ck_assert_ptr_nonnull(exact);
	memcpy(exact, der.p, der.len);
	ck_fails(ocsp_request_parse(&q, &cause, SLICE(exact, der.len)), bad_causes[_i].code, bad_causes[_i].text);
	ck_assert_msg(cause == bad_causes[_i].cause, "case %d: %s, expected %s", _i, ocsp_malformed_word(cause),
		      ocsp_malformed_word(bad_causes[_i].cause));
	free(exact);
}
END_TEST

static void from_path(const char *path, enum err_code code, const char *want)
{
	OWN(buf) out = BUF_INIT(8192);
	OWN(buf) scratch = BUF_INIT(32768);
	enum ocsp_malformed cause;

	if (code == ERR_OK) {
		ck_ok(ocsp_request_from_path(&out, &scratch, &cause, SLICE_STR(path)));
		ck_assert(slice_equal(buf_slice(&out), SLICE_STR(want)));
		return;
	}
	ck_fails(ocsp_request_from_path(&out, &scratch, &cause, SLICE_STR(path)), code, want);
	ck_assert_int_eq(cause, OCSP_MALFORMED_ENCODING);
}

START_TEST(test_paths)
{
	from_path("/YWJj", ERR_OK, "abc");
	from_path("/YWI%3D", ERR_OK, "ab");
	from_path("/YWI=", ERR_OK, "ab");
	from_path("/Pz8%2f", ERR_OK, "???"); /* "Pz8/" */
	from_path("/Pz8/", ERR_OK, "???");
	from_path("/", ERR_BAD_INPUT, "no request");
	from_path("/YWI", ERR_BAD_INPUT, "");
	from_path("/Y%", ERR_BAD_INPUT, "percent");
	from_path("/YW Jj", ERR_BAD_INPUT, "");
}
END_TEST

/* Requests as OpenSSL makes them are read to the same values. */
START_TEST(test_openssl_request)
{
	const EVP_MD *md = _i == 0 ? EVP_sha1() : EVP_sha256();
	X509_NAME *name = X509_NAME_new();
	ASN1_BIT_STRING *key = ASN1_BIT_STRING_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	uint8_t *der = NULL;
	struct ocsp_query q;
	enum ocsp_malformed cause;

	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)"x", -1, -1, 0), 1);
	ck_assert_int_eq(ASN1_BIT_STRING_set(key, (uint8_t *)"key", 3), 1);
	ck_assert_int_eq(ASN1_INTEGER_set_uint64(serial, 0x8001020304050607u), 1);
	ck_assert_ptr_nonnull(OCSP_request_add0_id(r, OCSP_cert_id_new(md, name, key, serial)));
	ck_assert_int_eq(OCSP_request_add1_nonce(r, NULL, 16), 1);
	int len = i2d_OCSP_REQUEST(r, &der);
	ck_ok(ocsp_request_parse(&q, &cause, SLICE(der, (size_t)len)));
	ck_assert_int_eq((int)q.singles[0].digest, _i == 0 ? OCSP_SHA1 : OCSP_SHA256);
	ck_assert(q.singles[0].has_null);
	ck_assert(slice_equal(q.singles[0].serial, SLICE("\x00\x80\x01\x02\x03\x04\x05\x06\x07", 9)));
	ck_assert_uint_eq(q.nonce.len, 16);
	OPENSSL_free(der);
	OCSP_REQUEST_free(r);
	ASN1_INTEGER_free(serial);
	ASN1_BIT_STRING_free(key);
	X509_NAME_free(name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/request");
	TCase *t = tcase_create("request");

	tcase_add_loop_test(t, test_forms, 0, 8);
	tcase_add_loop_test(t, test_nonces, 0, 5);
	tcase_add_test(t, test_several);
	tcase_add_test(t, test_passed_over);
	tcase_add_loop_test(t, test_refused, 0, COUNT_OF(bad_causes));
	tcase_add_test(t, test_paths);
	tcase_add_loop_test(t, test_openssl_request, 0, 2);
	suite_add_tcase(s, t);
	return suite_main(s);
}
