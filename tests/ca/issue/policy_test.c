/*
 * policy_test.c - issue_policy_decide() as a table: what is issued, rejected, dropped; what becomes of refusals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "asn1/oid.h"
#include "ca/issue/policy.h"
#include "ca/issue/serial.h"
#include "support/suite.h"
#include "support/x509_fixture.h"

#define NOW 1795000000

static struct profiles *profiles;
static struct buf spki = BUF_INIT(4096);

static void setup(void)
{
	profiles = fixture_profiles();
	fixture_spki(&spki, "rsa2048");
}

static void teardown(void)
{
	profiles_destroy(&profiles);
	buf_clear(&spki);
}

/* The request that is right in every way; each case changes one thing. */
struct change {
	const char *number, *kind, *channel, *state, *purpose, *issuer, *profile; /* in the ledger */
	const char *a_kind, *a_purpose, *a_profile; /* in the Authorisation, when not the same */
	enum profile_channel a_channel;
	int64_t expires_at;
	int decisions; /* 0: as many as needed; -1: none */
	bool wrong_digest, no_issuer, trailing_octet;
};

static const struct {
	const char *name;
	struct change change;
	enum issue_verdict verdict;
	const char *word;
} cases[] = {
	{ "right", { 0 }, ISSUE_GO, "none" },
	{ "claimed again after a crash", { .state = "issuing" }, ISSUE_GO, "none" },
	{ "withdrawn meanwhile", { .state = "withdrawn" }, ISSUE_DROP, "not_approved" },
	{ "already issued", { .state = "issued" }, ISSUE_DROP, "not_approved" },
	{ "more decisions than needed", { .decisions = 3 }, ISSUE_GO, "none" },
	{ "no decision", { .decisions = -1 }, ISSUE_REJECT, "decisions_missing" },
	{ "a head needs two",
	  { .kind = "head", .profile = "head-auth", .decisions = 1 },
	  ISSUE_REJECT,
	  "decisions_missing" },
	{ "a head with two", { .kind = "head", .profile = "head-auth", .decisions = 2 }, ISSUE_GO, "none" },
	{ "expired this second", { .expires_at = NOW }, ISSUE_REJECT, "authorisation_expired" },
	{ "expires the next", { .expires_at = NOW + 1 }, ISSUE_GO, "none" },
	{ "bytes changed", { .wrong_digest = true }, ISSUE_REJECT, "authorisation_differs" },
	{ "not one DER form", { .trailing_octet = true }, ISSUE_REJECT, "malformed" },
	{ "another application's", { .number = "OTHER" }, ISSUE_REJECT, "authorisation_differs" },
	{ "another kind",
	  { .kind = "head", .a_kind = "individual", .profile = "head-auth", .a_profile = "head-auth", .decisions = 2 },
	  ISSUE_REJECT,
	  "authorisation_differs" },
	{ "another purpose", { .purpose = "sign", .a_purpose = "auth" }, ISSUE_REJECT, "authorisation_differs" },
	{ "another profile",
	  { .profile = "individual-sign", .a_profile = "individual-auth" },
	  ISSUE_REJECT,
	  "authorisation_differs" },
	{ "another channel",
	  { .channel = "counter", .a_channel = CHANNEL_REMOTE },
	  ISSUE_REJECT,
	  "authorisation_differs" },
	{ "channel that is none",
	  { .channel = "window", .a_channel = CHANNEL_REMOTE },
	  ISSUE_REJECT,
	  "authorisation_differs" },
	{ "issuer not in the ledger", { .no_issuer = true }, ISSUE_REJECT, "unknown_issuer" },
	{ "kind not in the Policy", { .kind = "notary" }, ISSUE_REJECT, "unknown_kind" },
	{ "purpose not of the kind", { .purpose = "service" }, ISSUE_REJECT, "unknown_kind" },
	{ "profile of another purpose", { .profile = "individual-sign" }, ISSUE_REJECT, "wrong_profile" },
	{ "a CA's profile", { .profile = "issuing" }, ISSUE_REJECT, "wrong_profile" },
	{ "closed channel", { .channel = "renewal", .a_channel = CHANNEL_RENEWAL }, ISSUE_REJECT, "channel_closed" },
};

static const char *or_default(const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

static void make_authorisation(struct buf *out, const struct change *c)
{
	OWN(buf) subject = BUF_INIT(4096);
	static const uint8_t zeros[32];
	const struct profile *p = NULL;

	ck_ok(profiles_find_profile(&p, profiles, "head-auth"));
	ck_ok(name_build(&subject, p->subject, p->num_subject, &fixture_testov_head));
	const struct authorisation a = { .application_number = SLICE_STR("N1"),
					 .kind = SLICE_STR(or_default(c->a_kind, or_default(c->kind, "individual"))),
					 .purpose = SLICE_STR(or_default(c->a_purpose, or_default(c->purpose, "auth"))),
					 .issuer = SLICE_STR("rsa"),
					 .profile = SLICE_STR(
						 or_default(c->a_profile, or_default(c->profile, "individual-auth"))),
					 .subject = buf_slice(&subject),
					 .public_key = buf_slice(&spki),
					 .key_storage = oid(OID_NUC_STORAGE_PKCS12),
					 .max_validity_s = 86400,
					 .channel = c->a_channel != 0 ? c->a_channel : CHANNEL_COUNTER,
					 .agreement_digest = SLICE(zeros, 32),
					 .expires_at = c->expires_at != 0 ? c->expires_at : NOW + 100,
					 .nonce = SLICE(zeros, 16) };
	ck_ok(authorisation_encode(out, &a));
}

START_TEST(decisions)
{
	const struct change *c = &cases[_i].change;
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	uint8_t digest[SHA256_LEN];
	struct issue_answer answer;

	make_authorisation(&der, c);
	if (c->trailing_octet)
		ck_ok(buf_append_u8(&der, 0));
	der_sha256(digest, buf_slice(&der));
	if (c->wrong_digest)
		digest[0] ^= 1;
	const struct issue_question q = { .number = or_default(c->number, "N1"),
					  .kind = or_default(c->kind, "individual"),
					  .channel = or_default(c->channel, "counter"),
					  .state = or_default(c->state, "approved"),
					  .purpose = or_default(c->purpose, "auth"),
					  .issuer = or_default(c->issuer, "rsa"),
					  .profile = or_default(c->profile, "individual-auth"),
					  .digest = SLICE(digest, sizeof digest),
					  .authorisation = buf_slice(&der),
					  .num_decisions = c->decisions < 0    ? 0
							   : c->decisions == 0 ? 1
									       : (size_t)c->decisions,
					  .profiles = profiles,
					  .has_issuer = !c->no_issuer,
					  .now = NOW };
	issue_policy_decide(&answer, &q);
	ck_assert_msg(answer.verdict == cases[_i].verdict, "%s: verdict %d: %s", cases[_i].name, answer.verdict,
		      answer.text);
	ck_assert_msg(strcmp(issue_reason_word(answer.reason), cases[_i].word) == 0, "%s: %s", cases[_i].name,
		      answer.text);
	ck_assert_ptr_nonnull(strstr(answer.text, issue_reason_sentence(answer.reason)));
}
END_TEST

static const struct {
	const char *word;
	enum issue_refusal refusal;
	bool is_final_for_orders;
} refusal_cases[] = {
	{ "no_policy", ISSUE_REFUSAL_RETRY, false },
	{ "tbs_differs", ISSUE_REFUSAL_RETRY, true },
	{ "ceiling_hour", ISSUE_REFUSAL_RETRY, true },
	{ "decision_absent", ISSUE_REFUSAL_RETRY, false },
	{ "not_before", ISSUE_REFUSAL_REPLAN, true },
	{ "serial_taken", ISSUE_REFUSAL_REPLAN, true },
	{ "enterer", ISSUE_REFUSAL_FINAL, true },
	{ "decisions_missing", ISSUE_REFUSAL_FINAL, true },
	{ "authorisation_expired", ISSUE_REFUSAL_FINAL, true },
	{ "order_time", ISSUE_REFUSAL_FINAL, false },
	{ "a word of the future", ISSUE_REFUSAL_FINAL, true },
	{ "", ISSUE_REFUSAL_FINAL, true },
};

START_TEST(refusals)
{
	struct slice word = SLICE_STR(refusal_cases[_i].word);

	ck_assert_int_eq(issue_refusal_decide(word), refusal_cases[_i].refusal);
	ck_assert(issue_order_refusal_is_final(word) == refusal_cases[_i].is_final_for_orders);
}
END_TEST

START_TEST(waits_double_up_to_the_longest)
{
	ck_assert_int_eq(issue_backoff_ms(0, 200, 60000), 200);
	ck_assert_int_eq(issue_backoff_ms(1, 200, 60000), 200);
	ck_assert_int_eq(issue_backoff_ms(2, 200, 60000), 400);
	ck_assert_int_eq(issue_backoff_ms(5, 200, 60000), 3200);
	ck_assert_int_eq(issue_backoff_ms(20, 200, 60000), 60000);
	ck_assert_int_eq(issue_backoff_ms(INT64_MAX, 200, 60000), 60000);
}
END_TEST

/* incidents.md no. 1: every random bit is one in 45..55 % of the numbers, and none comes twice. */
START_TEST(serial_numbers_are_random)
{
	enum { DRAWS = 20000, BITS = SERIAL_MAX_LEN * 8 };
	static struct serial drawn[DRAWS];
	static int ones[BITS];

	for (int i = 0; i < DRAWS; i++) {
		ck_ok(issue_serial_random(&drawn[i]));
		ck_assert_uint_eq(drawn[i].len, SERIAL_MAX_LEN);
		ck_assert(drawn[i].b[0] >= 0x10 && drawn[i].b[0] <= 0x7f);
		for (int bit = 0; bit < BITS; bit++)
			ones[bit] += drawn[i].b[bit / 8] >> (7 - bit % 8) & 1;
	}
	for (int bit = 8; bit < BITS; bit++)
		ck_assert_msg(ones[bit] > DRAWS * 45 / 100 && ones[bit] < DRAWS * 55 / 100, "bit %d: %d of %d", bit,
			      ones[bit], DRAWS);
	qsort(drawn, DRAWS, sizeof drawn[0], (int (*)(const void *, const void *))serial_compare);
	for (int i = 1; i < DRAWS; i++)
		ck_assert(!serial_equal(&drawn[i - 1], &drawn[i]));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/issue/policy");
	TCase *t = tcase_create("policy");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, decisions, 0, COUNT_OF(cases));
	tcase_add_loop_test(t, refusals, 0, COUNT_OF(refusal_cases));
	tcase_add_test(t, waits_double_up_to_the_longest);
	tcase_add_test(t, serial_numbers_are_random);
	suite_add_tcase(s, t);
	return suite_main(s);
}
