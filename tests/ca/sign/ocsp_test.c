/*
 * ocsp_test.c - may this answer be signed? ResponseData made by OpenSSL, against what the signer knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/ocsp.h"

#include <openssl/ocsp.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "support/sign.h"
#include "support/suite.h"

#define NOW 1795000000

static struct test_person ca, other_ca, responder, impostor;
static struct cert ca_cert, other_cert, responder_cert;
static struct ocsp_issuer issuer;
static struct known *k;

/* What is known: 1 valid, 2 revoked, 3 held, 4 released, 5 revoked without a reason; 9 nothing. */
enum { VALID = 1, REVOKED, HELD, RELEASED, REVOKED_0, NEVER = 9 };

static struct serial serial_of(int n)
{
	return (struct serial){ 2, { 0x10, (uint8_t)n } };
}

static void order(int n, enum known_action action, int reason, int64_t at)
{
	static int64_t seq = 100;
	struct known_order o = { .action = (uint8_t)action,
				 .reason = (uint8_t)reason,
				 .serial = serial_of(n),
				 .at = (uint32_t)at,
				 .not_after_at = NOW + 100000,
				 .seq = seq };
	uint8_t digest[32] = { 1 };

	memcpy(digest + 1, &seq, sizeof seq);
	seq++;
	ck_ok(known_order_add(k, SLICE_STR("rsa"), &o, digest));
}

static void setup(void)
{
	clock_set_for_test((int64_t)NOW * 1000);
	const struct test_cert_spec ca_spec = { .cn = "CA",
						.basic = "critical,CA:TRUE",
						.key_usage = "critical,keyCertSign,cRLSign" };
	const struct test_cert_spec spec = {
		.cn = "OCSP RESPONDER", .eku = "OCSPSigning", .serial = 77, .not_after_at = NOW + 500000
	};
	test_person_init(&ca, "rsa", &ca_spec, NULL);
	test_person_init(&other_ca, "rsa", &ca_spec, NULL);
	test_person_init(&responder, "rsa", &spec, &ca);
	test_person_init(&impostor, "rsa", &spec, &other_ca);
	ck_ok(cert_parse(&ca_cert, buf_slice(&ca.der)));
	ck_ok(cert_parse(&other_cert, buf_slice(&other_ca.der)));
	ck_ok(cert_parse(&responder_cert, buf_slice(&responder.der)));
	ck_ok(ocsp_issuer_init(&issuer, SLICE_STR("rsa"), &ca_cert, &responder_cert, buf_slice(&responder.spki)));
	ck_ok(known_create(&k));
	for (int n = VALID; n <= REVOKED_0; n++) {
		struct serial s = serial_of(n);

		ck_ok(known_add(k, SLICE_STR("rsa"), &s, n));
	}
	struct serial only_gost = serial_of(8);
	ck_ok(known_add(k, SLICE_STR("gost"), &only_gost, 50));
	order(REVOKED, KNOWN_REVOKE, 1, NOW - 500);
	order(HELD, KNOWN_HOLD, 6, NOW - 400);
	order(RELEASED, KNOWN_HOLD, 6, NOW - 300);
	order(RELEASED, KNOWN_RELEASE, 8, NOW - 200);
	order(REVOKED_0, KNOWN_REVOKE, 0, NOW - 100);
}

static void teardown(void)
{
	known_destroy(&k);
	test_person_clear(&ca);
	test_person_clear(&other_ca);
	test_person_clear(&responder);
	test_person_clear(&impostor);
	clock_unset_for_test();
}

/* ---- an answer as OpenSSL writes it */

struct single {
	int n;
	int status; /* V_OCSP_CERTSTATUS_* */
	int reason; /* -1: none */
	int64_t at;
};

struct answer {
	struct single singles[3];
	int num;
	const char *hash; /* NULL: SHA1 */
	int64_t produced_at, this_at, next_at; /* next_at 0: none */
	size_t nonce; /* octets */
	bool extended_revoke, by_key, single_extension, other_extension, extended_twice;
	struct test_person *ca, *responder; /* NULL: the right ones */
};

static struct answer answer_of(int n, int status, int reason, int64_t at)
{
	return (struct answer){ .singles = { { n, status, reason, at } },
				.num = 1,
				.produced_at = NOW,
				.this_at = NOW,
				.next_at = NOW + 3600,
				.nonce = 8,
				.extended_revoke = true };
}

static struct answer good(int n)
{
	return answer_of(n, V_OCSP_CERTSTATUS_GOOD, -1, 0);
}

static void add_nonce(OCSP_BASICRESP *basic, size_t len)
{
	uint8_t nonce[256] = { 0xab };

	if (len > 0)
		ck_assert_int_eq(OCSP_basic_add1_nonce(basic, nonce, (int)len), 1);
}

static void add_null(OCSP_BASICRESP *basic, int nid)
{
	X509_EXTENSION *ext = X509_EXTENSION_new();
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

	ck_assert_int_eq(ASN1_OCTET_STRING_set(value, (const uint8_t *)"\x05\x00", 2), 1);
	ck_assert_ptr_nonnull(X509_EXTENSION_create_by_NID(&ext, nid, 0, value));
	ck_assert_int_eq(OCSP_BASICRESP_add_ext(basic, ext, -1), 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
}

static void add_single(OCSP_BASICRESP *basic, const struct answer *a, const struct single *s)
{
	struct test_person *from = a->ca == NULL ? &ca : a->ca;
	struct serial serial = serial_of(s->n);
	BIGNUM *bn = BN_bin2bn(serial.b, serial.len, NULL);
	ASN1_INTEGER *number = BN_to_ASN1_INTEGER(bn, NULL);
	OCSP_CERTID *id =
		OCSP_cert_id_new(EVP_get_digestbyname(a->hash == NULL ? "SHA1" : a->hash),
				 X509_get_subject_name(from->cert), X509_get0_pubkey_bitstr(from->cert), number);
	ASN1_TIME *at = ASN1_GENERALIZEDTIME_set(NULL, s->at), *this_at = ASN1_GENERALIZEDTIME_set(NULL, a->this_at);
	ASN1_TIME *next_at = a->next_at == 0 ? NULL : ASN1_GENERALIZEDTIME_set(NULL, a->next_at);

	ck_assert_ptr_nonnull(id);
	OCSP_SINGLERESP *single = OCSP_basic_add1_status(
		basic, id, s->status, s->reason, s->status == V_OCSP_CERTSTATUS_REVOKED ? at : NULL, this_at, next_at);
	ck_assert_ptr_nonnull(single);
	if (a->single_extension)
		ck_assert_int_eq(OCSP_SINGLERESP_add1_ext_i2d(single, NID_id_pkix_OCSP_archiveCutoff, this_at, 0, 0),
				 1);
	OCSP_CERTID_free(id);
	ASN1_INTEGER_free(number);
	BN_free(bn);
	ASN1_TIME_free(at);
	ASN1_TIME_free(this_at);
	ASN1_TIME_free(next_at);
}

static void make(struct buf *out, const struct answer *a)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	struct test_person *by = a->responder == NULL ? &responder : a->responder;
	uint8_t *der = NULL;

	for (int i = 0; i < a->num; i++)
		add_single(basic, a, &a->singles[i]);
	add_nonce(basic, a->nonce);
	if (a->extended_revoke)
		add_null(basic, OBJ_txt2nid("1.3.6.1.5.5.7.48.1.9") == NID_undef
					? OBJ_create("1.3.6.1.5.5.7.48.1.9", "extRevoke", "extended revoke")
					: OBJ_txt2nid("1.3.6.1.5.5.7.48.1.9"));
	if (a->extended_twice)
		add_null(basic, OBJ_txt2nid("1.3.6.1.5.5.7.48.1.9"));
	if (a->other_extension)
		add_null(basic, NID_id_pkix_OCSP_noCheck);
	unsigned long flags = OCSP_NOCERTS | OCSP_NOTIME | (a->by_key ? OCSP_RESPID_KEY : 0);
	ck_assert_int_eq(OCSP_basic_sign(basic, by->cert, by->key, EVP_sha256(), NULL, flags), 1);
	const OCSP_RESPDATA *data = OCSP_resp_get0_respdata(basic);
	ASN1_GENERALIZEDTIME *produced = (ASN1_GENERALIZEDTIME *)OCSP_resp_get0_produced_at(basic);
	ck_assert_ptr_nonnull(ASN1_GENERALIZEDTIME_set(produced, a->produced_at));
	int len = i2d_OCSP_RESPDATA((OCSP_RESPDATA *)data, &der);
	ck_assert_int_gt(len, 0);
	ck_ok(buf_set(out, SLICE(der, (size_t)len)));
	OPENSSL_free(der);
	OCSP_BASICRESP_free(basic);
}

static struct err *check(struct slice tbs)
{
	const struct ocsp_limits limits = { NOW, 300, 864000 };

	return ocsp_check(&issuer, k, &limits, tbs);
}

static void expect(const struct answer *a, const char *reason)
{
	OWN(buf) tbs = BUF_INIT(65536);
	char text[300];

	make(&tbs, a);
	struct err *e = check(buf_slice(&tbs));
	(void)err_text(e, text, sizeof text);
	if (reason[0] == '\0') {
		ck_assert_msg(e == NULL, "%s: %s", err_field(e) == NULL ? "" : err_field(e), text);
		return;
	}
	ck_assert_msg(e != NULL, "signed, expected %s", reason);
	ck_assert_int_eq(err_code(e), ERR_DENIED);
	ck_assert_msg(err_field(e) != NULL && strcmp(err_field(e), reason) == 0, "%s instead of %s: %s", err_field(e),
		      reason, text);
	err_destroy(&e);
}

/* ---- status by status: what is said of which serial */

#define GOOD	     V_OCSP_CERTSTATUS_GOOD
#define SAYS_REVOKED V_OCSP_CERTSTATUS_REVOKED
#define UNKNOWN	     V_OCSP_CERTSTATUS_UNKNOWN

static const struct {
	struct single single;
	bool extended_revoke;
	const char *reason;
} statuses[] = {
	{ { VALID, GOOD, -1, 0 }, true, "" },
	{ { VALID, GOOD, -1, 0 }, false, "" },
	{ { VALID, SAYS_REVOKED, 1, NOW - 500 }, true, "ocsp_revoked_not_ordered" },
	{ { VALID, SAYS_REVOKED, 6, 0 }, true, "ocsp_revoked_not_ordered" },
	{ { VALID, UNKNOWN, -1, 0 }, true, "ocsp_unknown_but_issued" },
	{ { REVOKED, GOOD, -1, 0 }, true, "ocsp_good_but_revoked" },
	{ { REVOKED, UNKNOWN, -1, 0 }, true, "ocsp_unknown_but_issued" },
	{ { REVOKED, SAYS_REVOKED, 1, NOW - 500 }, true, "" },
	{ { REVOKED, SAYS_REVOKED, 1, NOW - 500 }, false, "" },
	{ { REVOKED, SAYS_REVOKED, 1, NOW - 499 }, true, "ocsp_revoked_differs" },
	{ { REVOKED, SAYS_REVOKED, 4, NOW - 500 }, true, "ocsp_revoked_differs" },
	{ { REVOKED, SAYS_REVOKED, -1, NOW - 500 }, true, "ocsp_revoked_differs" },
	{ { HELD, GOOD, -1, 0 }, true, "ocsp_good_but_revoked" },
	{ { HELD, SAYS_REVOKED, 6, NOW - 400 }, true, "" },
	{ { RELEASED, GOOD, -1, 0 }, true, "" },
	{ { RELEASED, SAYS_REVOKED, 6, NOW - 300 }, true, "ocsp_revoked_not_ordered" },
	{ { REVOKED_0, SAYS_REVOKED, -1, NOW - 100 }, true, "" },
	{ { REVOKED_0, SAYS_REVOKED, 0, NOW - 100 }, true, "ocsp_revoked_differs" },
	{ { NEVER, GOOD, -1, 0 }, true, "ocsp_good_not_issued" },
	{ { NEVER, UNKNOWN, -1, 0 }, false, "" },
	{ { NEVER, SAYS_REVOKED, 6, 0 }, true, "" },
	{ { NEVER, SAYS_REVOKED, 6, 0 }, false, "ocsp_extension" },
	{ { NEVER, SAYS_REVOKED, 1, 0 }, true, "ocsp_revoked_not_ordered" },
	{ { NEVER, SAYS_REVOKED, 6, NOW }, true, "ocsp_revoked_not_ordered" },
	{ { 8, GOOD, -1, 0 }, true, "ocsp_good_not_issued" }, /* issued, but by another issuer */
};

START_TEST(status_by_status)
{
	struct answer a = good(VALID);

	a.singles[0] = statuses[_i].single;
	a.extended_revoke = statuses[_i].extended_revoke;
	expect(&a, statuses[_i].reason);
}
END_TEST

START_TEST(several_at_once)
{
	struct answer a = good(VALID);

	a.num = 3;
	a.singles[1] = (struct single){ REVOKED, SAYS_REVOKED, 1, NOW - 500 };
	a.singles[2] = (struct single){ NEVER, SAYS_REVOKED, 6, 0 };
	expect(&a, "");
	a.singles[2] = (struct single){ REVOKED, GOOD, -1, 0 }; /* each of them counts */
	expect(&a, "ocsp_good_but_revoked");
	a.num = 0;
	expect(&a, "ocsp_form");
}
END_TEST

START_TEST(hashes)
{
	static const char *const names[] = { "SHA1", "SHA256", "SHA384", "SHA512" };
	struct answer a = good(VALID);

	for (int i = 0; i < COUNT_OF(names); i++) {
		a.hash = names[i];
		a.ca = NULL;
		expect(&a, "");
		a.ca = &other_ca; /* the same name, another key */
		expect(&a, "ocsp_cert_id");
	}
	a.ca = NULL;
	a.hash = "SHA224";
	expect(&a, "ocsp_cert_id");
	a.hash = "MD5";
	expect(&a, "ocsp_cert_id");
}
END_TEST

START_TEST(responder_ids)
{
	struct answer a = good(VALID);

	a.by_key = true;
	expect(&a, "");
	a.responder = &ca;
	expect(&a, "ocsp_responder");
	a.by_key = false;
	expect(&a, "ocsp_responder");
	a.responder = &impostor; /* the same name: nothing of the answer says more; our key signs it */
	expect(&a, "");
	a.by_key = true;
	expect(&a, "ocsp_responder");
}
END_TEST

START_TEST(answer_times)
{
	static const struct {
		int64_t produced_at, this_at, next_at;
		const char *reason;
	} rows[] = {
		{ NOW, NOW, NOW + 1, "" },
		{ NOW, NOW, NOW, "ocsp_time" },
		{ NOW, NOW, NOW - 1, "ocsp_time" },
		{ NOW, NOW, 0, "ocsp_form" }, /* nextUpdate is always sent */
		{ NOW, NOW, NOW + 500000, "" },
		{ NOW, NOW, NOW + 500001, "ocsp_time" }, /* past the responder's certificate */
		{ NOW - 300, NOW, NOW + 60, "" },
		{ NOW - 301, NOW, NOW + 60, "ocsp_time" },
		{ NOW + 121, NOW, NOW + 60, "ocsp_time" },
		{ NOW, NOW - 300, NOW + 60, "" },
		{ NOW, NOW - 301, NOW + 60, "ocsp_time" },
		{ NOW, NOW + 120, NOW + 600, "" },
		{ NOW, NOW + 121, NOW + 600, "ocsp_time" },
	};

	for (int i = 0; i < COUNT_OF(rows); i++) {
		struct answer a = good(VALID);

		a.produced_at = rows[i].produced_at;
		a.this_at = rows[i].this_at;
		a.next_at = rows[i].next_at;
		expect(&a, rows[i].reason);
	}
}
END_TEST

START_TEST(valid_for_too_long)
{
	OWN(buf) tbs = BUF_INIT(65536);
	const struct ocsp_limits limits = { NOW, 300, 3599 };
	struct answer a = good(VALID);

	make(&tbs, &a);
	struct err *e = ocsp_check(&issuer, k, &limits, buf_slice(&tbs));
	ck_assert_str_eq(err_field(e), "ocsp_time");
	err_destroy(&e);
}
END_TEST

START_TEST(extensions)
{
	struct answer a = good(VALID);

	a.nonce = 0;
	expect(&a, "");
	a.nonce = 128;
	expect(&a, "");
	a.nonce = 129;
	expect(&a, "ocsp_form");
	a.nonce = 0;
	a.extended_revoke = false; /* no extensions at all */
	expect(&a, "");
	a.other_extension = true;
	expect(&a, "ocsp_extension");
	a = good(VALID);
	a.extended_twice = true;
	expect(&a, "ocsp_extension");
	a = good(VALID);
	a.single_extension = true;
	expect(&a, "ocsp_form");
}
END_TEST

START_TEST(trailing_and_cut)
{
	OWN(buf) tbs = BUF_INIT(65536);
	struct answer a = good(VALID);

	make(&tbs, &a);
	for (size_t n = 0; n < tbs.len; n++) {
		struct err *e = check(SLICE(tbs.p, n));

		ck_assert_str_eq(err_field(e), "ocsp_form");
		err_destroy(&e);
	}
	ck_ok(buf_append_u8(&tbs, 0));
	struct err *e = check(buf_slice(&tbs));
	ck_assert_str_eq(err_field(e), "ocsp_form");
	err_destroy(&e);
	static const uint8_t long_one[OCSP_TBS_MAX + 1];
	e = check(SLICE(long_one, sizeof long_one));
	ck_assert_str_eq(err_field(e), "ocsp_form");
	err_destroy(&e);
}
END_TEST

/* Every bit of a right "good": what is still accepted differs only where the answer may (times, the nonce). */
START_TEST(every_bit)
{
	OWN(buf) tbs = BUF_INIT(65536);
	struct answer a = good(VALID);
	int accepted = 0;

	a.nonce = 0;
	make(&tbs, &a);
	for (size_t i = 0; i < tbs.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			tbs.p[i] ^= (uint8_t)(1u << bit);
			struct err *e = check(buf_slice(&tbs));
			ck_assert(e == NULL || err_code(e) == ERR_DENIED);
			accepted += e == NULL;
			err_destroy(&e);
			tbs.p[i] ^= (uint8_t)(1u << bit);
		}
	}
	ck_assert_int_lt(accepted, 60); /* digits of the three times, and the flipped hash parameters */
}
END_TEST

START_TEST(issuers_refused)
{
	struct ocsp_issuer made;
	struct test_person plain;
	struct cert plain_cert;
	const struct test_cert_spec spec = { .cn = "OCSP RESPONDER", .eku = "clientAuth" };

	test_person_init(&plain, "rsa", &spec, &ca);
	ck_ok(cert_parse(&plain_cert, buf_slice(&plain.der)));
	ck_fails(ocsp_issuer_init(&made, SLICE_STR("rsa"), &ca_cert, &plain_cert, buf_slice(&plain.spki)), ERR_CONFIG,
		 "lacks OCSPSigning");
	ck_fails(ocsp_issuer_init(&made, SLICE_STR("rsa"), &ca_cert, &responder_cert, buf_slice(&plain.spki)),
		 ERR_CONFIG, "is not of the key here");
	ck_fails(ocsp_issuer_init(&made, SLICE_STR("rsa"), &plain_cert, &responder_cert, buf_slice(&responder.spki)),
		 ERR_CONFIG, "is not of this CA");
	test_person_clear(&plain);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/ocsp");
	TCase *t = tcase_create("ocsp");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, status_by_status, 0, COUNT_OF(statuses));
	tcase_add_test(t, several_at_once);
	tcase_add_test(t, hashes);
	tcase_add_test(t, responder_ids);
	tcase_add_test(t, answer_times);
	tcase_add_test(t, valid_for_too_long);
	tcase_add_test(t, extensions);
	tcase_add_test(t, trailing_and_cut);
	tcase_add_test(t, every_bit);
	tcase_add_test(t, issuers_refused);
	suite_add_tcase(s, t);
	return suite_main(s);
}
