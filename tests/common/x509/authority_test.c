/*
 * authority_test.c - Authorisation, StatusOrder, Decision: both ways, judged by OpenSSL's templates, and refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/sign.h"
#include "support/suite.h"
#include "support/templates.h"

#define NOW 1795000000

static const uint8_t ones[32] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
				  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static const uint8_t name_der[] = { 0x30, 0x0D, 0x31, 0x0B, 0x30, 0x09, 0x06, 0x03,
				    0x55, 0x04, 0x06, 0x13, 0x02, 'K',	'Z' };
static const uint8_t key_der[] = { 0x30, 0x05, 0x03, 0x03, 0x00, 0x11, 0x22 };

static struct authorisation an_authorisation(void)
{
	return (struct authorisation){ .application_number = SLICE_STR("ABCD-EFGH-IJKL"),
				       .kind = SLICE_STR("individual"),
				       .purpose = SLICE_STR("auth"),
				       .issuer = SLICE_STR("rsa"),
				       .profile = SLICE_STR("individual-auth"),
				       .subject = SLICE(name_der, sizeof name_der),
				       .public_key = SLICE(key_der, sizeof key_der),
				       .emails = { SLICE_STR("a@example.kz"), SLICE_STR("b@example.kz") },
				       .num_emails = 2,
				       .dns_names = { SLICE_STR("example.kz") },
				       .num_dns_names = 1,
				       .key_storage = oid(OID_NUC_STORAGE_PKCS12),
				       .max_validity_s = 31536000,
				       .channel = CHANNEL_COUNTER,
				       .entered_by = SLICE_STR("900101300017"),
				       .agreement_digest = SLICE(ones, 32),
				       .expires_at = NOW,
				       .nonce = SLICE(ones, 16) };
}

static struct status_order an_order(void)
{
	return (struct status_order){ .issuer = SLICE_STR("rsa"),
				      .serial = { 3, { 0x11, 0x22, 0x33 } },
				      .certificate_digest = SLICE(ones, 32),
				      .action = ORDER_REVOKE,
				      .reason = 1,
				      .has_invalidity_at = true,
				      .invalidity_at = NOW - 500,
				      .revoked_at = NOW,
				      .ground = SLICE_STR("өтініш"),
				      .nonce = SLICE(ones, 16) };
}

static struct decision a_decision(void)
{
	return (struct decision){ .kind = DECISION_ORDERS,
				  .verdict = DECISION_REJECT,
				  .evidence = SLICE(ones, 32),
				  .reason = SLICE_STR("unreadable"),
				  .decided_at = NOW,
				  .expires_at = NOW + 60,
				  .nonce = SLICE(ones, 16) };
}

START_TEST(authorisation_both_ways)
{
	struct authorisation in = an_authorisation(), out;
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	OWN(buf) again = BUF_INIT(AUTHORISATION_MAX_BYTES);
	struct cert_data data;
	char storage[OID_TEXT_SIZE];

	if (_i == 1) { /* all that is optional is absent */
		in.num_emails = in.num_dns_names = 0;
		in.key_storage = in.entered_by = SLICE_NONE;
	}
	ck_ok(authorisation_encode(&der, &in));
	template_agrees("Authorisation", buf_slice(&der));
	ck_ok(authorisation_decode(&out, buf_slice(&der)));
	ck_ok(authorisation_encode(&again, &out));
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&again)));
	ck_assert(slice_equal(out.subject, in.subject));
	ck_assert_uint_eq(out.num_emails, in.num_emails);
	ck_assert_int_eq(out.channel, CHANNEL_COUNTER);
	ck_ok(authorisation_cert_data(&data, storage, &out));
	ck_assert_str_eq(data.key_storage, _i == 1 ? "" : "1.2.398.3.3.5.1.1");
}
END_TEST

/* One wrong member each; the sentence names it. */
static struct err *authorisation_with(int which)
{
	struct authorisation a = an_authorisation();
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	static const char long_text[] = "0123456789012345678901234567890123456789012345678901234567890123456789";

	switch (which) {
	case 0:
		a.application_number = SLICE_NONE;
		break;
	case 1:
		a.application_number = SLICE_STR(long_text);
		break;
	case 2:
		a.kind = SLICE_STR("Individual");
		break;
	case 3:
		a.purpose = SLICE_STR("");
		break;
	case 4:
		a.issuer = SLICE_STR("a very long issuer");
		break;
	case 5:
		a.profile = SLICE_STR("individual/auth");
		break;
	case 6:
		a.subject = SLICE("\x31\x00", 2);
		break;
	case 7:
		a.public_key = SLICE("\x04\x00", 2);
		break;
	case 8:
		a.emails[1] = SLICE_NONE;
		break;
	case 9:
		a.max_validity_s = 0;
		break;
	case 10:
		a.max_validity_s = -1;
		break;
	case 11:
		a.channel = (enum profile_channel)5;
		break;
	case 12:
		a.channel = (enum profile_channel)0;
		break;
	case 13:
		a.entered_by = SLICE_STR("a\nb");
		break;
	case 14:
		a.agreement_digest = SLICE(ones, 31);
		break;
	case 15:
		a.expires_at = -1;
		break;
	case 16:
		a.nonce = SLICE(ones, 15);
		break;
	case 17:
		a.max_validity_s = INT64_MAX;
		break;
	case 18:
		a.dns_names[0] = SLICE_STR("a\u202eb");
		break;
	case 19:
		a.num_emails = 5;
		break;
	default:
		a.subject = SLICE("\x30\x02\x05\x01", 4);
		break; /* broken inside */
	}
	return authorisation_encode(&der, &a);
}

static const char *const authorisation_faults[] = { "applicationNumber",
						    "applicationNumber",
						    "kind",
						    "purpose",
						    "issuer",
						    "profile",
						    "subject",
						    "publicKey",
						    "emails",
						    "maxValidity",
						    "maxValidity",
						    "channel",
						    "channel",
						    "enteredBy",
						    "agreementDigest",
						    "expiresAt",
						    "nonce",
						    "maxValidity",
						    "dnsNames",
						    "too many",
						    "cut off" };

START_TEST(authorisation_refuses)
{
	ck_fails(authorisation_with(_i), ERR_BAD_INPUT, authorisation_faults[_i]);
}
END_TEST

START_TEST(authorisation_takes_one_encoding_only)
{
	struct authorisation in = an_authorisation(), out;
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES + 10);

	ck_ok(authorisation_encode(&der, &in));
	uint8_t *version = memmem(der.p, der.len, "\x02\x01\x01", 3);
	ck_assert_ptr_nonnull(version);
	version[2] = 2;
	ck_fails(authorisation_decode(&out, buf_slice(&der)), ERR_BAD_INPUT, "version 2");
	ck_ok(buf_append_u8(&der, 0));
	ck_fails(authorisation_decode(&out, buf_slice(&der)), ERR_BAD_INPUT, "1 octets follow");
	ck_fails(authorisation_decode(&out, SLICE(der.p, der.len - 2)), ERR_BAD_INPUT, "cut off");
	OWN(buf) huge = BUF_INIT(AUTHORISATION_MAX_BYTES + 1);
	uint8_t *room;
	ck_ok(buf_extend(&huge, &room, AUTHORISATION_MAX_BYTES + 1));
	memset(room, 0, huge.len);
	ck_fails(authorisation_decode(&out, buf_slice(&huge)), ERR_TOO_LARGE, "at most 16384");
}
END_TEST

/* Every bit of a valid object flipped: it is refused, or it is another object with one encoding of its own. */
START_TEST(no_flipped_bit_gives_a_second_encoding)
{
	struct authorisation a = an_authorisation();
	struct status_order o = an_order();
	struct decision d = a_decision();
	OWN(buf) der = BUF_INIT(4096);
	const char *const names[] = { "Authorisation", "StatusOrder", "Decision" };

	if (_i == 0)
		ck_ok(authorisation_encode(&der, &a));
	else if (_i == 1)
		ck_ok(status_order_encode(&der, &o));
	else
		ck_ok(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])ones, 1));
	for (size_t bit = 0; bit < 8 * der.len; bit++) {
		OWN(buf) again = BUF_INIT(4096);
		der.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		OWN(err)
		e = _i == 0   ? authorisation_decode(&a, buf_slice(&der))
		    : _i == 1 ? status_order_decode(&o, buf_slice(&der))
			      : decision_decode(&d, buf_slice(&der));
		if (e == NULL)
			template_agrees(names[_i], buf_slice(&der));
		if (e == NULL && _i < 2) {
			ck_ok(_i == 0 ? authorisation_encode(&again, &a) : status_order_encode(&again, &o));
			ck_assert(slice_equal(buf_slice(&again), buf_slice(&der)));
		}
		der.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(order_both_ways)
{
	struct status_order in = an_order(), out;
	OWN(buf) der = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(buf) again = BUF_INIT(STATUS_ORDER_MAX_BYTES);

	if (_i == 1) {
		in.has_invalidity_at = false;
		in.ground = SLICE_NONE;
	}
	ck_ok(status_order_encode(&der, &in));
	template_agrees("StatusOrder", buf_slice(&der));
	ck_ok(status_order_decode(&out, buf_slice(&der)));
	ck_ok(status_order_encode(&again, &out));
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&again)));
	ck_assert(out.has_invalidity_at == in.has_invalidity_at);
	ck_assert(serial_equal(&out.serial, &in.serial));
}
END_TEST

/* RFC 5280 section 5.3.1: which reason may stand with which action. */
static const struct {
	int64_t reason;
	const char *word;
	enum order_action action; /* 0: none */
} reason_table[] = {
	{ 0, "unspecified", ORDER_REVOKE },
	{ 1, "keyCompromise", ORDER_REVOKE },
	{ 2, "cACompromise", 0 },
	{ 3, "affiliationChanged", ORDER_REVOKE },
	{ 4, "superseded", ORDER_REVOKE },
	{ 5, "cessationOfOperation", ORDER_REVOKE },
	{ 6, "certificateHold", ORDER_HOLD },
	{ 7, NULL, 0 },
	{ 8, "removeFromCRL", ORDER_RELEASE },
	{ 9, "privilegeWithdrawn", ORDER_REVOKE },
	{ 10, "aACompromise", ORDER_REVOKE },
	{ 11, NULL, 0 },
	{ -1, NULL, 0 },
};

START_TEST(reasons_fit_their_actions)
{
	const char *word = order_reason_word(reason_table[_i].reason);
	int64_t parsed = -5;

	if (reason_table[_i].word == NULL) {
		ck_assert_ptr_null(word);
	} else {
		ck_assert_str_eq(word, reason_table[_i].word);
		ck_assert(order_reason_parse(&parsed, word));
		ck_assert_int_eq(parsed, reason_table[_i].reason);
	}
	for (int action = ORDER_REVOKE; action <= ORDER_RELEASE; action++) {
		struct status_order o = an_order();
		OWN(buf) der = BUF_INIT(STATUS_ORDER_MAX_BYTES);
		bool fits = action == (int)reason_table[_i].action;
		o.action = (enum order_action)action;
		o.reason = reason_table[_i].reason;
		ck_assert(order_reason_fits(o.action, o.reason) == fits);
		if (fits)
			ck_ok(status_order_encode(&der, &o));
		else
			ck_fails(status_order_encode(&der, &o), ERR_BAD_INPUT, "does not fit the action");
	}
}
END_TEST

START_TEST(order_refuses)
{
	struct status_order o = an_order();
	OWN(buf) der = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	int64_t ignored;

	o.invalidity_at = o.revoked_at + 1;
	ck_fails(status_order_encode(&der, &o), ERR_BAD_INPUT, "invalidityAt is after revokedAt");
	o = an_order();
	o.action = (enum order_action)4;
	ck_fails(status_order_encode(&der, &o), ERR_BAD_INPUT, "action");
	o = an_order();
	o.certificate_digest = SLICE(ones, 20);
	ck_fails(status_order_encode(&der, &o), ERR_BAD_INPUT, "certificateDigest");
	o = an_order();
	o.serial.len = 0;
	ck_fails(status_order_encode(&der, &o), ERR_BUG, "serial");
	ck_assert(!order_reason_parse(&ignored, "nothing"));
	ck_assert_ptr_null(order_action_word((enum order_action)9));
	ck_assert_str_eq(order_action_word(ORDER_HOLD), "hold");
}
END_TEST

START_TEST(decision_over_many_digests)
{
	enum { MANY = 1000 };
	uint8_t(*digests)[SHA256_LEN] = calloc(MANY, SHA256_LEN);
	OWN(buf) der = BUF_INIT(DECISION_MAX_BYTES);
	struct decision in = a_decision(), out;
	uint8_t other[SHA256_LEN];

	for (uint32_t i = 0; i < MANY; i++)
		der_sha256(digests[i], SLICE(&i, sizeof i));
	ck_ok(decision_encode(&der, &in, (const uint8_t(*)[SHA256_LEN])digests, MANY));
	template_agrees("Decision", buf_slice(&der));
	ck_ok(decision_decode(&out, buf_slice(&der)));
	ck_assert_uint_eq(out.num_digests, MANY);
	for (size_t i = 0; i < MANY; i++)
		ck_assert(decision_has(&out, digests[i]));
	for (uint32_t i = MANY; i < 2 * MANY; i++) {
		der_sha256(other, SLICE(&i, sizeof i));
		ck_assert(!decision_has(&out, other));
	}
	for (size_t i = 1; i < MANY; i++)
		ck_assert_int_lt(memcmp(decision_digest(&out, i - 1), decision_digest(&out, i), SHA256_LEN), 0);
	free(digests);
}
END_TEST

START_TEST(decision_refuses)
{
	OWN(buf) der = BUF_INIT(DECISION_MAX_BYTES);
	struct decision d = a_decision(), out;
	uint8_t twice[2][SHA256_LEN] = { { 1 }, { 1 } };
	uint8_t two[2][SHA256_LEN] = { { 2 }, { 1 } };

	ck_fails(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])twice, 2), ERR_BAD_INPUT, "not greater");
	ck_fails(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])twice, 0), ERR_BAD_INPUT, "1 to 100000");
	ck_fails(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])twice, 100001), ERR_BAD_INPUT, "1 to 100000");
	d.expires_at = d.decided_at;
	ck_fails(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])two, 2), ERR_BAD_INPUT, "expiresAt");
	d = a_decision();
	d.evidence = SLICE(ones, 31);
	ck_fails(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])two, 2), ERR_BAD_INPUT, "evidence");
	d = a_decision();
	d.kind = (enum decision_kind)7;
	ck_fails(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])two, 2), ERR_BAD_INPUT, "kind");
	d = a_decision();
	d.verdict = (enum decision_verdict)3;
	ck_fails(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])two, 2), ERR_BAD_INPUT, "verdict");
	d = a_decision();
	ck_ok(decision_encode(&der, &d, (const uint8_t(*)[SHA256_LEN])two, 2));
	/* the members the other way round: another encoding of the same set */
	uint8_t *first = memmem(der.p, der.len, "\x04\x20\x01", 3);
	ck_assert_ptr_nonnull(first);
	first[2] = 2;
	first[34 + 2] = 1;
	ck_fails(decision_decode(&out, buf_slice(&der)), ERR_BAD_INPUT, "not greater than the one before");
	ck_fails(decision_decode(&out, SLICE(der.p, DECISION_MAX_BYTES + 1)), ERR_TOO_LARGE, "at most");
}
END_TEST

START_TEST(signed_decision_both_ways)
{
	OWN(buf) der = BUF_INIT(1000);
	struct signed_decision in = { SLICE_STR("decision"), SLICE_STR("signature") }, out;

	ck_ok(signed_decision_encode(&der, &in));
	template_agrees("SignedDecision", buf_slice(&der));
	ck_ok(signed_decision_decode(&out, buf_slice(&der)));
	ck_assert(slice_equal(out.decision, in.decision));
	ck_assert(slice_equal(out.signature, in.signature));
	ck_ok(buf_append_u8(&der, 0));
	ck_fails(signed_decision_decode(&out, buf_slice(&der)), ERR_BAD_INPUT, "left over");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/x509/authority");
	TCase *objects = tcase_create("objects");

	tcase_add_loop_test(objects, authorisation_both_ways, 0, 2);
	tcase_add_loop_test(objects, authorisation_refuses, 0, COUNT_OF(authorisation_faults));
	tcase_add_test(objects, authorisation_takes_one_encoding_only);
	tcase_add_loop_test(objects, no_flipped_bit_gives_a_second_encoding, 0, 3);
	tcase_add_loop_test(objects, order_both_ways, 0, 2);
	tcase_add_loop_test(objects, reasons_fit_their_actions, 0, COUNT_OF(reason_table));
	tcase_add_test(objects, order_refuses);
	tcase_add_test(objects, decision_over_many_digests);
	tcase_add_test(objects, decision_refuses);
	tcase_add_test(objects, signed_decision_both_ways);
	suite_add_tcase(s, objects);
	return suite_main(s);
}
