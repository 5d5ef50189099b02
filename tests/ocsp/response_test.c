/*
 * response_test.c - ocsp/response.c and ocsp/state.c: the bytes of an answer, judged by OpenSSL and by NUC's own answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/ocsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "ocsp/response.h"
#include "support/ocsp_der.h"
#include "support/sign.h"
#include "support/suite.h"

static struct test_person ca, responder_cert;
static struct ocsp_state *state;
static struct ocsp_responder *responder;
static const struct ocsp_issuer *issuer;

static void make_people(const char *kind)
{
	struct test_cert_spec ca_spec = { .cn = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA) TEST",
					  .basic = "critical,CA:TRUE",
					  .key_usage = "critical,keyCertSign,cRLSign",
					  .serial = 77 };
	struct test_cert_spec r_spec = { .cn = "OCSP RESPONDER",
					 .organisation = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA) TEST",
					 .key_usage = "critical,digitalSignature",
					 .eku = "OCSPSigning",
					 .serial = 78 };

	test_person_init(&ca, "p256", &ca_spec, NULL);
	test_person_init(&responder_cert, kind, &r_spec, &ca);
}

static void begin(const char *kind)
{
	make_people(kind);
	ck_ok(ocsp_state_create(&state));
	ck_ok(ocsp_state_add_issuer(state, NULL, "rsa", buf_slice(&ca.der)));
	ck_ok(ocsp_state_add_responder(state, NULL, 1, "rsa", buf_slice(&responder_cert.der)));
	const struct ocsp_view *view = ocsp_state_enter(state, 0);
	issuer = view->issuers[0];
	responder = ocsp_view_responder(view, 0, clock_now_s());
	ocsp_state_leave(state, 0);
	ck_assert_ptr_nonnull(responder);
}

static void teardown(void)
{
	ocsp_state_destroy(&state);
	test_person_clear(&ca);
	test_person_clear(&responder_cert);
}

/* CertID of our issuer, written by the test. */
static struct od our_id(int digest, bool null, const char *serial, size_t serial_len)
{
	size_t len = ocsp_digest_len((enum ocsp_digest)digest);

	return od_cert_id(od_digest(digest, null), od_wrap(0x04, od_bytes(issuer->ids[digest].name, len)),
			  od_wrap(0x04, od_bytes(issuer->ids[digest].key, len)),
			  od_wrap(0x02, od_bytes(serial, serial_len)));
}

static void sign(struct buf *out, struct slice data)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[1024];
	size_t len = sizeof signature;

	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, responder_cert.key), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len, data.p, data.len), 1);
	ck_ok(buf_set(out, SLICE(signature, len)));
	EVP_MD_CTX_free(ctx);
}

/* The whole answer, verified by OpenSSL against the CA. */
static OCSP_BASICRESP *make(struct buf *out, const struct ocsp_answer *a)
{
	OWN(buf) data = BUF_INIT(8192);
	OWN(buf) signature = BUF_INIT(1024);
	X509_STORE *store = X509_STORE_new();

	ck_ok(ocsp_response_data(&data, a));
	ck_ok(der_strict(buf_slice(&data), 8192));
	ck_assert(ocsp_response_fits(a->responder, data.len));
	sign(&signature, buf_slice(&data));
	ck_ok(ocsp_response_join(out, a->responder, buf_slice(&data), buf_slice(&signature)));
	ck_ok(der_strict(buf_slice(out), 16384));
	ck_assert_uint_le(out->len, OCSP_RESPONSE_MAX_BYTES);
	const uint8_t *p = out->p;
	OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)out->len);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	OCSP_BASICRESP *b = OCSP_response_get1_basic(r);
	ck_assert_ptr_nonnull(b);
	ck_assert_int_eq(X509_STORE_add_cert(store, ca.cert), 1);
	ck_assert_int_eq(OCSP_basic_verify(b, NULL, store, 0), 1);
	X509_STORE_free(store);
	OCSP_RESPONSE_free(r);
	return b;
}

static int64_t time_of(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	ck_assert_int_eq(ASN1_TIME_to_tm(t, &tm), 1);
	return timegm(&tm);
}

static const struct {
	struct ocsp_verdict verdict;
	int status, reason;
} verdicts[] = {
	{ { OCSP_GOOD, 0, 0 }, V_OCSP_CERTSTATUS_GOOD, -1 },
	{ { OCSP_REVOKED, 1, 1600000000 }, V_OCSP_CERTSTATUS_REVOKED, 1 },
	{ { OCSP_REVOKED, 0, 1600000000 }, V_OCSP_CERTSTATUS_REVOKED, -1 },
	{ { OCSP_REVOKED, 6, 0 }, V_OCSP_CERTSTATUS_REVOKED, 6 },
	{ { OCSP_REVOKED, 4, 2600000000 }, V_OCSP_CERTSTATUS_REVOKED, 4 },
	{ { OCSP_UNKNOWN, 0, 0 }, V_OCSP_CERTSTATUS_UNKNOWN, -1 },
};

/* Every status by every digest and form of the CertID, with and without a nonce, read back by OpenSSL. */
START_TEST(test_by_openssl)
{
	int64_t now = clock_now_s();

	begin(_i == 0 ? "rsa" : "p256");
	for (int n = 0; n < COUNT_OF(verdicts) * 8 * 2; n++) {
		int which = n / 16, digest = n / 2 % 4, null = n / 8 % 2;
		struct od id = our_id(digest, null, "\x00\x80\x01", 3);
		struct ocsp_answer a = {
			.responder = responder, .this_at = now, .next_at = now + 43200, .num_singles = 1
		};
		OWN(buf) out = BUF_INIT(16384);
		ASN1_GENERALIZEDTIME *revoked_at = NULL, *this_at = NULL, *next_at = NULL;
		int reason = -1;

		a.singles[0] = (struct ocsp_answer_single){ SLICE(id.p, id.len), verdicts[which].verdict };
		if (n % 2 == 1)
			a.nonce = SLICE_STR("\xe4\x08\xff\xb7\x90\x83\x4a\xf2");
		OCSP_BASICRESP *b = make(&out, &a);
		OCSP_SINGLERESP *s = OCSP_resp_get0(b, 0);
		ck_assert_int_eq(OCSP_single_get0_status(s, &reason, &revoked_at, &this_at, &next_at),
				 verdicts[which].status);
		ck_assert_int_eq(time_of(this_at), now);
		ck_assert_int_eq(time_of(next_at), now + 43200);
		ck_assert_int_eq(time_of(OCSP_resp_get0_produced_at(b)), now);
		if (verdicts[which].status == V_OCSP_CERTSTATUS_REVOKED) {
			ck_assert_int_eq(reason, verdicts[which].reason);
			ck_assert_int_eq(time_of(revoked_at), verdicts[which].verdict.revoked_at);
		}
		uint8_t *echoed = NULL;
		int len = i2d_OCSP_CERTID(OCSP_SINGLERESP_get0_id(s), &echoed);
		ck_assert(slice_equal(SLICE(echoed, (size_t)len), SLICE(id.p, id.len)));
		OPENSSL_free(echoed);
		ck_assert_int_ge(OCSP_BASICRESP_get_ext_by_OBJ(b, OBJ_txt2obj("1.3.6.1.5.5.7.48.1.9", 1), -1), 0);
		ck_assert_int_eq(OCSP_BASICRESP_get_ext_count(b), n % 2 == 1 ? 2 : 1);
		OCSP_BASICRESP_free(b);
	}
	teardown();
}
END_TEST

START_TEST(test_by_key)
{
	int64_t now = clock_now_s();
	OWN(buf) out = BUF_INIT(16384);
	const ASN1_OCTET_STRING *key = NULL;
	const X509_NAME *name = NULL;
	uint8_t want[20];

	begin("p256");
	struct od id = our_id(1, true, "\x01", 1);
	struct ocsp_answer a = { .responder = responder,
				 .responder_id = OCSP_BY_KEY,
				 .this_at = now,
				 .next_at = now + 10,
				 .num_singles = 1,
				 .singles = { { SLICE(id.p, id.len), { OCSP_GOOD, 0, 0 } } } };
	OCSP_BASICRESP *b = make(&out, &a);
	ck_assert_int_eq(OCSP_resp_get0_id(b, &key, &name), 1);
	ck_ok(suite_key_id_bits(want, buf_slice(&responder_cert.spki)));
	ck_assert(slice_equal(SLICE(key->data, (size_t)key->length), SLICE(want, 20)));
	OCSP_BASICRESP_free(b);
	teardown();
}
END_TEST

START_TEST(test_several_and_size)
{
	int64_t now = clock_now_s();
	OWN(buf) out = BUF_INIT(16384);
	OWN(buf) data = BUF_INIT(16384);
	static struct od ids[OCSP_MAX_SINGLES];
	struct ocsp_answer a = { .this_at = now, .next_at = now + 10, .num_singles = OCSP_MAX_SINGLES };

	begin("rsa");
	a.responder = responder;
	for (int i = 0; i < OCSP_MAX_SINGLES; i++) {
		char serial = (char)(i + 1);
		ids[i] = our_id(i % 2, true, &serial, 1);
		a.singles[i] = (struct ocsp_answer_single){ SLICE(ids[i].p, ids[i].len),
							    verdicts[i % COUNT_OF(verdicts)].verdict };
	}
	OCSP_BASICRESP *b = make(&out, &a);
	ck_assert_int_eq(OCSP_resp_count(b), OCSP_MAX_SINGLES);
	OCSP_BASICRESP_free(b);
	ck_ok(ocsp_response_data(&data, &a));
	ck_assert(!ocsp_response_fits(responder, 4000));
	/* Not a byte more than OCSP_RESPONSE_MAX_BYTES, not a byte less is used. */
	size_t len = 1;
	while (ocsp_response_fits(responder, len))
		len++;
	uint8_t *bytes = calloc(1, len);
	ck_assert_ptr_nonnull(bytes);
	uint8_t signature[256] = { 1 };
	ck_ok(ocsp_response_join(&out, responder, SLICE(bytes, len - 1), SLICE(signature, 256)));
	ck_assert_uint_eq(out.len, OCSP_RESPONSE_MAX_BYTES);
	free(bytes);

	a.singles[0].verdict.outcome = OCSP_TRY_LATER;
	ck_fails(ocsp_response_data(&data, &a), ERR_BUG, "try_later");
	teardown();
}
END_TEST

START_TEST(test_errors)
{
	static const struct {
		enum ocsp_outcome outcome;
		int status;
	} errors[] = { { OCSP_MALFORMED, 1 }, { OCSP_INTERNAL, 2 }, { OCSP_TRY_LATER, 3 }, { OCSP_UNAUTHORIZED, 6 } };

	for (int i = 0; i < COUNT_OF(errors); i++) {
		struct slice s = ocsp_response_error(errors[i].outcome);
		const uint8_t *p = s.p;
		OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)s.len);
		ck_assert_ptr_nonnull(r);
		ck_assert_int_eq(OCSP_response_status(r), errors[i].status);
		ck_assert_ptr_null(OCSP_response_get1_basic(r));
		OCSP_RESPONSE_free(r);
	}
}
END_TEST

START_TEST(test_next_update)
{
	struct ocsp_responder r = { .not_after_at = 100000 };

	ck_assert_int_eq(ocsp_response_next_at(&r, 1000, 43200), 44200);
	ck_assert_int_eq(ocsp_response_next_at(&r, 90000, 43200), 100000); /* RFC 6960 §4.2.2.1: never past its end */
	ck_assert_int_eq(ocsp_response_next_at(&r, 99999, 43200), 100000);
}
END_TEST

/* ---- the form of NUC's own answers */

static size_t read_sample(const char *name, uint8_t *out, size_t size)
{
	const char *folder = getenv("NUC_SAMPLES");
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/ncanode/%s", folder == NULL ? "" : folder, name);
	FILE *f = folder == NULL ? NULL : fopen(path, "rb");
	if (f == NULL)
		return 0;
	size_t len = fread(out, 1, size, f);
	(void)fclose(f);
	return len;
}

static struct od od_of(struct slice s)
{
	return od_bytes(s.p, s.len);
}

/* Fields of a ResponseData as they stand in a real answer. */
struct fields {
	struct slice name, cert_id, status, nonce;
	int64_t produced_at, this_at;
	struct der_reader rest;
};

static void read_sample_data(struct fields *out, struct slice der)
{
	struct der_reader r, in, basic, data, list, single, extensions, extension;
	struct slice content, any;

	der_reader_init(&r, der);
	ck_ok(der_expect_sequence(&r, &in, "OCSPResponse"));
	ck_ok(der_expect(&in, &any, DER_ENUMERATED, "status"));
	ck_ok(der_enter(&in, &r, 0xa0, "responseBytes"));
	ck_ok(der_expect_sequence(&r, &in, "ResponseBytes"));
	ck_ok(der_read_oid(&in, &any, "type"));
	ck_ok(der_expect(&in, &content, DER_OCTET_STRING, "response"));
	der_reader_init(&r, content);
	ck_ok(der_expect_sequence(&r, &basic, "BasicOCSPResponse"));
	ck_ok(der_expect_sequence(&basic, &data, "ResponseData"));
	ck_ok(der_expect(&data, &out->name, 0xa1, "byName"));
	ck_ok(der_expect(&data, &any, DER_GENERALIZED_TIME, "producedAt"));
	ck_assert(der_civil_decode(&out->produced_at, DER_GENERALIZED_TIME, any));
	ck_ok(der_expect_sequence(&data, &list, "responses"));
	ck_ok(der_expect_sequence(&list, &single, "SingleResponse"));
	ck_ok(der_finish(&list, "responses"));
	ck_ok(der_expect_whole(&single, &out->cert_id, DER_SEQUENCE, "certID"));
	struct der_tlv tlv;
	ck_ok(der_next(&single, &tlv, "certStatus"));
	out->status = tlv.whole;
	ck_ok(der_expect(&single, &any, DER_GENERALIZED_TIME, "thisUpdate"));
	ck_assert(der_civil_decode(&out->this_at, DER_GENERALIZED_TIME, any));
	ck_ok(der_finish(&single, "SingleResponse")); /* NUC sends no nextUpdate: the one difference of ours */
	ck_ok(der_enter(&data, &extensions, 0xa1, "responseExtensions"));
	ck_ok(der_finish(&data, "ResponseData"));
	ck_ok(der_expect_sequence(&extensions, &list, "Extensions"));
	ck_ok(der_expect_sequence(&list, &extension, "nonce"));
	ck_ok(der_read_oid(&extension, &any, "nonce"));
	ck_ok(der_expect(&extension, &content, DER_OCTET_STRING, "nonce"));
	der_reader_init(&r, content);
	ck_ok(der_read_octets(&r, &out->nonce, 1, 128, "nonce"));
	ck_ok(der_expect_sequence(&list, &extension, "extended-revoke"));
	ck_ok(der_finish(&list, "Extensions")); /* exactly these two, in this order */
}

static struct ocsp_verdict verdict_of(struct slice status)
{
	struct ocsp_verdict v = { OCSP_GOOD, 0, 0 };
	struct der_reader r, in;
	struct slice any;
	int64_t reason = 0;

	if (status.p[0] == 0x80)
		return v;
	der_reader_init(&r, status);
	v.outcome = OCSP_REVOKED;
	ck_ok(der_enter(&r, &in, 0xa1, "revoked"));
	ck_ok(der_expect(&in, &any, DER_GENERALIZED_TIME, "revocationTime"));
	ck_assert(der_civil_decode(&v.revoked_at, DER_GENERALIZED_TIME, any));
	if (!der_reader_done(&in)) {
		ck_ok(der_enter(&in, &r, 0xa0, "revocationReason"));
		ck_ok(der_read_enumerated(&r, &reason, "reason"));
		v.reason = (int)reason;
	}
	return v;
}

static const struct {
	const char *name;
	enum ocsp_outcome outcome;
	int reason;
	bool is_never_issued;
} samples[] = {
	{ "ocsp_response_individual_2015.bin", OCSP_REVOKED, 6, true },
	{ "ocsp_response_individual_sign_2004.bin", OCSP_GOOD, 0, false },
	{ "ocsp_response_ceo_2015_revoked.bin", OCSP_REVOKED, -1, false },
	{ "ocsp_response_ceo_sign_2004_revoked.bin", OCSP_REVOKED, -1, false },
};

/* ResponseData made by us from the fields of NUC's, with NUC's nextUpdate (none) put back, is NUC's byte for byte. */
START_TEST(test_samples)
{
	static uint8_t bytes[8192];
	size_t len = read_sample(samples[_i].name, bytes, sizeof bytes);
	struct fields f;
	OWN(buf) data = BUF_INIT(8192);

	if (len == 0)
		return;
	ck_ok(der_strict(SLICE(bytes, len), sizeof bytes));
	read_sample_data(&f, SLICE(bytes, len));
	ck_assert_int_eq(f.produced_at, f.this_at);
	struct ocsp_verdict v = verdict_of(f.status);
	ck_assert_int_eq(v.outcome, samples[_i].outcome);
	if (samples[_i].reason >= 0)
		ck_assert_int_eq(v.reason, samples[_i].reason);
	ck_assert_int_eq(v.outcome == OCSP_REVOKED && v.revoked_at == 0, samples[_i].is_never_issued);

	struct ocsp_responder r = { .name = f.name };
	struct ocsp_answer a = { .responder = &r,
				 .this_at = f.this_at,
				 .next_at = f.this_at + 60,
				 .num_singles = 1,
				 .singles = { { f.cert_id, v } },
				 .nonce = f.nonce };
	ck_ok(ocsp_response_data(&data, &a));
	struct od time = OD("\x18\x0f"), next = { .len = 0 };
	OWN(buf) text = BUF_INIT(64);
	ck_ok(der_generalized_time(&text, a.this_at));
	time = od_of(buf_slice(&text));
	buf_reset(&text);
	ck_ok(der_generalized_time(&text, a.next_at));
	next = od_wrap(0xa0, od_of(buf_slice(&text)));
	/* Rebuilt outwards from the sample's own parts, nextUpdate added: what we must have written. */
	struct od single = od_join(od_join(od_of(f.cert_id), od_of(f.status)), od_join(time, next));
	struct od list = od_wrap(0x30, od_wrap(0x30, single));
	struct od extensions = od_join(od_nonce(od_of(f.nonce)),
				       od_extension(OD("\x2b\x06\x01\x05\x05\x07\x30\x01\x09"), -1, OD("\x05\x00")));
	struct od want = od_wrap(0x30, od_join(od_join(od_wrap(0xa1, od_of(f.name)), time),
					       od_join(list, od_wrap(0xa1, od_wrap(0x30, extensions)))));
	ck_assert(slice_equal(buf_slice(&data), SLICE(want.p, want.len)));
}
END_TEST

/* ---- the state around it */

static struct ocsp_single single_of(int digest, const struct ocsp_issuer *by)
{
	size_t len = ocsp_digest_len((enum ocsp_digest)digest);

	return (struct ocsp_single){ .digest = (enum ocsp_digest)digest,
				     .name_hash = SLICE(by->ids[digest].name, len),
				     .key_hash = SLICE(by->ids[digest].key, len) };
}

/* Two CAs of one name with other keys, and a third that shares the key of the first: each is told from the others. */
START_TEST(test_issuers)
{
	struct test_person same_name, same_key;
	struct test_cert_spec spec = { .cn = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA) TEST", .basic = "critical,CA:TRUE" },
			      other = { .cn = "Another", .basic = "critical,CA:TRUE" };
	bool is_new = true;

	begin("p256");
	test_person_init(&same_name, "p256", &spec, NULL);
	test_person_init(&same_key, "p256", &other, NULL);
	ck_assert_int_eq(X509_set_pubkey(same_key.cert, ca.key), 1);
	ck_assert_int_gt(X509_sign(same_key.cert, ca.key, EVP_sha256()), 0);
	uint8_t *der = NULL;
	int len = i2d_X509(same_key.cert, &der);
	ck_ok(ocsp_state_add_issuer(state, &is_new, "rsa", buf_slice(&ca.der)));
	ck_assert(!is_new);
	ck_ok(ocsp_state_add_issuer(state, &is_new, "gost", buf_slice(&same_name.der)));
	ck_assert(is_new);
	ck_ok(ocsp_state_add_issuer(state, NULL, "third", SLICE(der, (size_t)len)));
	const struct ocsp_view *view = ocsp_state_enter(state, 0);
	for (int d = 0; d < OCSP_DIGESTS; d++) {
		for (size_t i = 0; i < 3; i++) {
			struct ocsp_single s = single_of(d, view->issuers[i]);
			ck_assert_ptr_eq(ocsp_view_issuer(view, &s), view->issuers[i]);
		}
		struct ocsp_single mixed = single_of(d, view->issuers[1]);
		mixed.name_hash = single_of(d, view->issuers[2]).name_hash;
		ck_assert_ptr_null(ocsp_view_issuer(view, &mixed));
	}
	ocsp_state_leave(state, 0);
	ck_assert_int_eq(ocsp_state_find_issuer(state, SLICE_STR("third")), 2);
	ck_assert_int_eq(ocsp_state_find_issuer(state, SLICE_STR("none")), -1);
	/* OpenSSL counts the same hashes. */
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha256(), NULL, ca.cert);
	ck_assert_ptr_nonnull(id);
	OCSP_CERTID_free(id);
	ck_fails(ocsp_state_add_issuer(state, NULL, "bad", SLICE_STR("\x30\x00")), ERR_BAD_INPUT, "issuer bad");
	OPENSSL_free(der);
	test_person_clear(&same_name);
	test_person_clear(&same_key);
	teardown();
}
END_TEST

START_TEST(test_responders)
{
	struct test_person newer, foreign, plain, ended;
	int64_t now = clock_now_s();
	struct test_cert_spec spec = { .cn = "OCSP RESPONDER",
				       .organisation = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA) TEST",
				       .eku = "OCSPSigning",
				       .not_before_at = now - 60,
				       .not_after_at = now + 86400 },
			      no_eku = { .cn = "X" };
	struct test_cert_spec over = spec;
	OWN(buf) signature = BUF_INIT(1024);

	begin("p256");
	over.not_before_at = now - 100;
	over.not_after_at = now - 50;
	test_person_init(&newer, "p256", &spec, &ca);
	test_person_init(&foreign, "p256", &spec, NULL);
	test_person_init(&plain, "p256", &no_eku, &ca);
	test_person_init(&ended, "p256", &over, &ca);
	ck_fails(ocsp_state_add_responder(state, NULL, 2, "rsa", buf_slice(&foreign.der)), ERR_BAD_INPUT,
		 "not issued by");
	ck_fails(ocsp_state_add_responder(state, NULL, 3, "rsa", buf_slice(&plain.der)), ERR_BAD_INPUT, "OCSPSigning");
	ck_fails(ocsp_state_add_responder(state, NULL, 4, "none", buf_slice(&newer.der)), ERR_BAD_INPUT, "none");
	ck_ok(ocsp_state_add_responder(state, NULL, 5, "rsa", buf_slice(&ended.der)));
	const struct ocsp_view *view = ocsp_state_enter(state, 0);
	ck_assert_ptr_eq(ocsp_view_responder(view, 0, now), responder);
	ocsp_state_leave(state, 0);
	ck_ok(ocsp_state_add_responder(state, NULL, 6, "rsa", buf_slice(&newer.der)));
	view = ocsp_state_enter(state, 0);
	struct ocsp_responder *r = ocsp_view_responder(view, 0, now); /* the newest in force */
	ck_assert_int_eq(r->id, 6);
	/* The signer still has the old key: its signature proves the old certificate and puts the new one in doubt. */
	sign(&signature, SLICE_STR("data"));
	ck_assert_ptr_eq(ocsp_view_doubt(view, r, now, SLICE_STR("data"), buf_slice(&signature)), responder);
	ck_assert_ptr_eq(ocsp_view_responder(view, 0, now), responder);
	ck_assert_ptr_null(ocsp_view_doubt(view, responder, now, SLICE_STR("other"), buf_slice(&signature)));
	ck_assert_ptr_null(ocsp_view_responder(view, 0, now + 400 * 86400));
	ck_assert_int_eq(ocsp_view_responder(view, 0, now + 2 * 86400)->id, 1);
	ocsp_state_leave(state, 0);
	test_person_clear(&newer);
	test_person_clear(&foreign);
	test_person_clear(&plain);
	test_person_clear(&ended);
	teardown();
}
END_TEST

START_TEST(test_clock_and_freshness)
{
	int64_t at = 0;

	ck_ok(ocsp_state_create(&state));
	ck_assert(!ocsp_state_freshness(state, 5000).is_complete);
	ck_assert_uint_eq(ocsp_state_round_wanted(state), 1);
	ocsp_state_begin_round(state, 5000);
	ck_assert(!ocsp_state_freshness(state, 5000).is_complete);
	ck_assert_uint_eq(ocsp_state_round_wanted(state), 2); /* the one under way may have looked too early */
	ocsp_state_end_round(state, 0);
	ck_assert_uint_eq(ocsp_state_rounds_done(state), 1);
	ck_assert(ocsp_state_freshness(state, 6000).is_complete);
	ck_assert_int_eq(ocsp_state_freshness(state, 6000).age_ms, 1000);
	ocsp_state_begin_round(state, 7000);
	ocsp_state_end_round(state, 500); /* a replica behind its primary */
	ck_assert_int_eq(ocsp_state_freshness(state, 7000).age_ms, 500);

	ck_assert(ocsp_state_sign_time(state, 1000, &at));
	ck_assert_int_eq(at, 1000);
	ck_assert(ocsp_state_sign_time(state, 1005, &at));
	ck_assert(ocsp_state_sign_time(state, 1003, &at)); /* a little back: the time given stays */
	ck_assert_int_eq(at, 1005);
	ck_assert(!ocsp_state_sign_time(state, 1002, &at)); /* further: nothing is signed until it has caught up */
	ck_assert(ocsp_state_sign_time(state, 1006, &at));
	ck_assert_int_eq(at, 1006);
	ocsp_state_destroy(&state);
}
END_TEST

START_TEST(test_swap_table)
{
	struct ocsp_table *fresh = NULL;
	struct slice a = SLICE("\x01\x02", 2), b = SLICE("\x01\x03", 2);

	ck_ok(ocsp_state_create(&state));
	ck_ok(ocsp_state_put(state, 0, a, 5));
	const struct ocsp_view *old = ocsp_state_enter(state, 7);
	ck_ok(ocsp_state_new_table(state, &fresh));
	ck_ok(ocsp_table_put(fresh, 0, b, 9));
	ck_ok(ocsp_state_swap_table(state, &fresh));
	ck_assert_ptr_null(fresh);
	ck_assert_uint_eq(ocsp_table_get(old->table, 0, a), 5); /* who began before sees what was */
	const struct ocsp_view *now = ocsp_state_enter(state, 8);
	ck_assert_uint_eq(ocsp_table_get(now->table, 0, a), 0);
	ck_assert_uint_eq(ocsp_table_get(now->table, 0, b), 9);
	ocsp_state_leave(state, 8);
	ocsp_state_leave(state, 7);
	ck_assert_uint_eq(ocsp_state_num(state), 1);
	ocsp_state_destroy(&state);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/response");
	TCase *t = tcase_create("response");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_by_openssl, 0, 2);
	tcase_add_test(t, test_by_key);
	tcase_add_test(t, test_several_and_size);
	tcase_add_test(t, test_errors);
	tcase_add_test(t, test_next_update);
	tcase_add_loop_test(t, test_samples, 0, COUNT_OF(samples));
	tcase_add_test(t, test_issuers);
	tcase_add_test(t, test_responders);
	tcase_add_test(t, test_clock_and_freshness);
	tcase_add_test(t, test_swap_table);
	suite_add_tcase(s, t);
	return suite_main(s);
}
