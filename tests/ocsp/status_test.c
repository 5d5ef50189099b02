/*
 * status_test.c - ocsp_status_decide() as a table that reads like RFC 6960, RFC 5019 and NUC's practice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ocsp/status.h"
#include "support/suite.h"

enum { NOW_MS = 1000, OLD_MS = 5001, HELD_AT = 1700000000, REVOKED_AT = 1600000000 };

#define VALID	     ocsp_word_make(OCSP_LEDGER_VALID, 0, 0)
#define HELD	     ocsp_word_make(OCSP_LEDGER_HELD, OCSP_REASON_HOLD, HELD_AT)
#define REVOKED(why) ocsp_word_make(OCSP_LEDGER_REVOKED, (why), REVOKED_AT)
#define ABSENT	     ((ocsp_word)0)
#define COMPLETE     true
#define LOADING	     false
#define AS_NUC	     OCSP_NEVER_ISSUED_REVOKED
#define AS_UNKNOWN   OCSP_NEVER_ISSUED_UNKNOWN

struct status_case {
	const char *rule;
	ocsp_word row;
	enum ocsp_issuer_known issuer;
	enum ocsp_digest digest;
	bool complete;
	int64_t age_ms;
	enum ocsp_never_issued setting;
	enum ocsp_outcome outcome;
	int reason;
	int64_t revoked_at;
};

#define OURS OCSP_ISSUER_SERVED, OCSP_SHA256, COMPLETE, NOW_MS

static struct status_case cases[] = {
	{ "issued and not revoked is good (RFC 6960 §2.2)", 0, OURS, AS_NUC, OCSP_GOOD, 0, 0 },
	{ "held is revoked with certificateHold (RFC 5280 §5.3.1)", 1, OURS, AS_NUC, OCSP_REVOKED, 6, HELD_AT },
	{ "revoked for keyCompromise says so", 2, OURS, AS_NUC, OCSP_REVOKED, 1, REVOKED_AT },
	{ "revoked for superseded says so", 3, OURS, AS_NUC, OCSP_REVOKED, 4, REVOKED_AT },
	{ "revoked without a reason sends none (RFC 6960 §4.2.1)", 4, OURS, AS_NUC, OCSP_REVOKED, 0, REVOKED_AT },
	{ "never issued, or reserved and not signed: NUC's form (RFC 6960 §2.2)", 5, OURS, AS_NUC, OCSP_REVOKED, 6, 0 },
	{ "never issued, by setting: unknown", 5, OURS, AS_UNKNOWN, OCSP_UNKNOWN, 0, 0 },
	{ "the setting does not touch known ones", 0, OURS, AS_UNKNOWN, OCSP_GOOD, 0, 0 },
	{ "the setting does not touch revoked ones", 2, OURS, AS_UNKNOWN, OCSP_REVOKED, 1, REVOKED_AT },
	{ "a foreign issuer is not ours to speak of (RFC 5019 §2.2.3)", 5, OCSP_ISSUER_FOREIGN, OCSP_SHA1, COMPLETE,
	  NOW_MS, AS_NUC, OCSP_UNAUTHORIZED, 0, 0 },
	{ "an issuer named by a digest that is not known here is foreign", 5, OCSP_ISSUER_SERVED, OCSP_DIGEST_FOREIGN,
	  COMPLETE, NOW_MS, AS_NUC, OCSP_UNAUTHORIZED, 0, 0 },
	{ "no responder certificate in force: later", 0, OCSP_ISSUER_MUTE, OCSP_SHA256, COMPLETE, NOW_MS, AS_NUC,
	  OCSP_TRY_LATER, 0, 0 },
	{ "nothing before the state is complete", 0, OCSP_ISSUER_SERVED, OCSP_SHA256, LOADING, 0, AS_NUC,
	  OCSP_TRY_LATER, 0, 0 },
	{ "not even unauthorized: the issuer may be loaded yet", 5, OCSP_ISSUER_FOREIGN, OCSP_SHA256, LOADING, 0,
	  AS_NUC, OCSP_TRY_LATER, 0, 0 },
	{ "a state that is too old decides no good", 0, OCSP_ISSUER_SERVED, OCSP_SHA256, COMPLETE, OLD_MS, AS_NUC,
	  OCSP_TRY_LATER, 0, 0 },
	{ "nor a revoked", 2, OCSP_ISSUER_SERVED, OCSP_SHA256, COMPLETE, OLD_MS, AS_NUC, OCSP_TRY_LATER, 0, 0 },
	{ "nor a never issued", 5, OCSP_ISSUER_SERVED, OCSP_SHA256, COMPLETE, OLD_MS, AS_NUC, OCSP_TRY_LATER, 0, 0 },
	{ "a foreign issuer stays foreign in an old state", 5, OCSP_ISSUER_FOREIGN, OCSP_SHA256, COMPLETE, OLD_MS,
	  AS_NUC, OCSP_UNAUTHORIZED, 0, 0 },
	{ "the bound itself is not too old", 0, OCSP_ISSUER_SERVED, OCSP_SHA256, COMPLETE, 5000, AS_NUC, OCSP_GOOD, 0,
	  0 },
	{ "absent parameters and SHA-1 make no difference", 0, OCSP_ISSUER_SERVED, OCSP_SHA1, COMPLETE, NOW_MS, AS_NUC,
	  OCSP_GOOD, 0, 0 },
	{ "SHA-512 makes no difference", 1, OCSP_ISSUER_SERVED, OCSP_SHA512, COMPLETE, NOW_MS, AS_NUC, OCSP_REVOKED, 6,
	  HELD_AT },
};

static ocsp_word row_of(ocsp_word index)
{
	const ocsp_word rows[] = { VALID, HELD, REVOKED(1), REVOKED(4), REVOKED(0), ABSENT };

	return rows[index];
}

START_TEST(test_table)
{
	const struct status_case *c = &cases[_i];
	struct ocsp_status_settings settings = { .never_issued = c->setting, .stale_after_ms = 5000 };
	struct ocsp_single single = { .digest = c->digest };
	struct ocsp_freshness fresh = { .is_complete = c->complete, .age_ms = c->age_ms };
	struct ocsp_verdict v = ocsp_status_decide(&single, c->issuer, row_of(c->row), fresh, &settings);

	ck_assert_msg(v.outcome == c->outcome, "%s: %s", c->rule, ocsp_outcome_word(v.outcome));
	ck_assert_msg(v.reason == c->reason, "%s: reason %d", c->rule, v.reason);
	ck_assert_msg(v.revoked_at == c->revoked_at, "%s: at %lld", c->rule, (long long)v.revoked_at);
}
END_TEST

/* Over every combination: good needs a valid row, complete, fresh, of an issuer that is served. */
START_TEST(test_good_is_rare)
{
	int good = 0;

	for (ocsp_word row = 0; row < 6; row++)
		for (int issuer = 0; issuer <= OCSP_ISSUER_SERVED; issuer++)
			for (int digest = 0; digest <= OCSP_DIGEST_FOREIGN; digest++)
				for (int complete = 0; complete < 2; complete++)
					for (int64_t age = 0; age <= 10000; age += 5000)
						for (int setting = 0; setting < 2; setting++) {
							struct ocsp_single single = {
								.digest = (enum ocsp_digest)digest
							};
							struct ocsp_status_settings s = {
								(enum ocsp_never_issued)setting, 5000
							};
							struct ocsp_freshness f = { complete == 1, age };
							bool is_good = ocsp_status_decide(
									       &single, (enum ocsp_issuer_known)issuer,
									       row_of(row), f, &s)
									       .outcome == OCSP_GOOD;
							bool may = row == 0 && issuer == OCSP_ISSUER_SERVED &&
								   digest < OCSP_DIGEST_FOREIGN && complete &&
								   age <= 5000;
							ck_assert_int_eq(is_good, may);
							good += is_good;
						}
	ck_assert_int_eq(good, 4 * 2 * 2);
}
END_TEST

START_TEST(test_words)
{
	ocsp_word w = ocsp_word_make(OCSP_LEDGER_REVOKED, 10, 253402300799); /* 9999-12-31T23:59:59Z */

	ck_assert_int_eq(ocsp_word_state(w), OCSP_LEDGER_REVOKED);
	ck_assert_int_eq(ocsp_word_reason(w), 10);
	ck_assert_int_eq(ocsp_word_revoked_at(w), 253402300799);
	ck_assert_int_eq(ocsp_word_state(0), OCSP_LEDGER_ABSENT);
	ck_assert_uint_ne(VALID, 0);
	for (int i = 0; i < OCSP_OUTCOMES; i++)
		ck_assert_int_eq(ocsp_outcome_is_status((enum ocsp_outcome)i), i < 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/status");
	TCase *t = tcase_create("status");

	tcase_add_loop_test(t, test_table, 0, COUNT_OF(cases));
	tcase_add_test(t, test_good_is_rare);
	tcase_add_test(t, test_words);
	suite_add_tcase(s, t);
	return suite_main(s);
}
