/*
 * state_test.c - the transition function as a table: every (state, event, actor) triple, then each condition.
 *
 * The list of legal triples below is written out on its own, not derived from the code's table. All others must be
 * refused and change nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "ra/state.h"
#include "support/suite.h"

#define SUB  RA_SUBMITTED
#define CONF RA_AWAITING_CONFIRMATION
#define DOCS RA_AWAITING_DOCUMENTS
#define HEAD RA_AWAITING_HEAD
#define REV  RA_IN_REVIEW
#define RET  RA_RETURNED
#define ONCE RA_APPROVED_ONCE

/* Conditions under which the triple is tried: waits for staff, claim as given, channel remote when needs_code. */
struct legal {
	enum ra_state from;
	enum ra_event event;
	enum ra_actor actor;
	enum ra_state to;
	enum ra_waits waits;
	bool needs_code;
	enum ra_claim claim;
};

#define STAFF_BOTH(from, event, to, waits, code, claim)                                                                \
	{ from, event, RA_OPERATOR, to, waits, code, claim },                                                          \
	{                                                                                                              \
		from, event, RA_SENIOR, to, waits, code, claim                                                         \
	}
#define STAFF_AND_ADMIN(from, event, to, waits)                                                                        \
	STAFF_BOTH(from, event, to, waits, false, RA_CLAIM_NONE),                                                      \
	{                                                                                                              \
		from, event, RA_ADMINISTRATOR, to, waits, false, RA_CLAIM_NONE                                         \
	}
#define APPLICANT_AND_STAFF(from, event, to, code)                                                                     \
	{ from, event, RA_APPLICANT, to, RA_WAITS_STAFF, code, RA_CLAIM_NONE },                                        \
		STAFF_BOTH(from, event, to, RA_WAITS_STAFF, code, RA_CLAIM_NONE)
#define ONE(from, event, actor, to)                                                                                    \
	{                                                                                                              \
		from, event, actor, to, RA_WAITS_STAFF, false, RA_CLAIM_NONE                                           \
	}

static const struct legal legal[] = {
	/* the applicant at the portal, or an operator at the counter, submits */
	{ SUB, RA_EV_SUBMIT, RA_APPLICANT, CONF, RA_WAITS_IDENTIFICATION, true, RA_CLAIM_NONE },
	STAFF_BOTH(SUB, RA_EV_SUBMIT, SUB, RA_WAITS_STAFF, false, RA_CLAIM_NONE),
	{ SUB, RA_EV_SUBMIT, RA_HOLDER, RA_APPROVED, RA_WAITS_NOTHING, false, RA_CLAIM_NONE },
	/* one-time code */
	{ CONF, RA_EV_CONFIRM, RA_APPLICANT, CONF, RA_WAITS_IDENTIFICATION, true, RA_CLAIM_NONE },
	APPLICANT_AND_STAFF(CONF, RA_EV_RESEND, CONF, true),
	{ CONF, RA_EV_RESEND, RA_DESK, CONF, RA_WAITS_STAFF, true, RA_CLAIM_NONE },
	APPLICANT_AND_STAFF(RET, RA_EV_RESEND, CONF, true),
	{ RET, RA_EV_RESEND, RA_DESK, CONF, RA_WAITS_STAFF, true, RA_CLAIM_NONE },
	/* identification */
	{ CONF, RA_EV_APPROVE, RA_IDENTIFICATION, RA_APPROVED, RA_WAITS_NOTHING, true, RA_CLAIM_NONE },
	{ CONF, RA_EV_IDENTIFY_FAIL, RA_IDENTIFICATION, RET, RA_WAITS_STAFF, true, RA_CLAIM_NONE },
	/* the queue */
	STAFF_BOTH(SUB, RA_EV_CLAIM, REV, RA_WAITS_STAFF, false, RA_CLAIM_NONE),
	STAFF_BOTH(REV, RA_EV_CLAIM, REV, RA_WAITS_STAFF, false, RA_CLAIM_OWN),
	STAFF_BOTH(ONCE, RA_EV_CLAIM, ONCE, RA_WAITS_STAFF, false, RA_CLAIM_NONE),
	STAFF_BOTH(REV, RA_EV_RELEASE, SUB, RA_WAITS_STAFF, false, RA_CLAIM_OWN),
	STAFF_BOTH(ONCE, RA_EV_RELEASE, ONCE, RA_WAITS_STAFF, false, RA_CLAIM_OWN),
	ONE(REV, RA_EV_RELEASE, RA_TIMER, SUB),
	STAFF_AND_ADMIN(SUB, RA_EV_APPROVE, RA_APPROVED, RA_WAITS_NOTHING),
	STAFF_AND_ADMIN(REV, RA_EV_APPROVE, RA_APPROVED, RA_WAITS_NOTHING),
	STAFF_AND_ADMIN(ONCE, RA_EV_APPROVE, RA_APPROVED, RA_WAITS_NOTHING),
	{ SUB, RA_EV_APPROVE, RA_HOLDER, RA_APPROVED, RA_WAITS_NOTHING, false, RA_CLAIM_NONE },
	{ HEAD, RA_EV_APPROVE, RA_HEAD, RA_APPROVED, RA_WAITS_NOTHING, false, RA_CLAIM_NONE },
	{ HEAD, RA_EV_APPROVE, RA_DELEGATE, RA_APPROVED, RA_WAITS_NOTHING, false, RA_CLAIM_NONE },
	STAFF_AND_ADMIN(SUB, RA_EV_REJECT, RA_REJECTED, RA_WAITS_STAFF),
	STAFF_AND_ADMIN(REV, RA_EV_REJECT, RA_REJECTED, RA_WAITS_STAFF),
	STAFF_AND_ADMIN(DOCS, RA_EV_REJECT, RA_REJECTED, RA_WAITS_STAFF),
	STAFF_AND_ADMIN(RET, RA_EV_REJECT, RA_REJECTED, RA_WAITS_STAFF),
	STAFF_AND_ADMIN(ONCE, RA_EV_REJECT, RA_REJECTED, RA_WAITS_STAFF),
	ONE(HEAD, RA_EV_REJECT, RA_HEAD, RA_REJECTED),
	ONE(HEAD, RA_EV_REJECT, RA_DELEGATE, RA_REJECTED),
	STAFF_BOTH(REV, RA_EV_RETURN, RET, RA_WAITS_STAFF, false, RA_CLAIM_NONE),
	STAFF_BOTH(ONCE, RA_EV_RETURN, RET, RA_WAITS_STAFF, false, RA_CLAIM_NONE),
	STAFF_BOTH(SUB, RA_EV_NEED_DOCUMENTS, DOCS, RA_WAITS_STAFF, false, RA_CLAIM_NONE),
	STAFF_BOTH(REV, RA_EV_NEED_DOCUMENTS, DOCS, RA_WAITS_STAFF, false, RA_CLAIM_NONE),
	/* documents */
	APPLICANT_AND_STAFF(DOCS, RA_EV_SUPPLY_DOCUMENT, SUB, false),
	APPLICANT_AND_STAFF(RET, RA_EV_SUPPLY_DOCUMENT, SUB, false),
	APPLICANT_AND_STAFF(SUB, RA_EV_SUPPLY_DOCUMENT, SUB, false),
	APPLICANT_AND_STAFF(CONF, RA_EV_SUPPLY_DOCUMENT, CONF, true),
	APPLICANT_AND_STAFF(HEAD, RA_EV_SUPPLY_DOCUMENT, HEAD, false),
	APPLICANT_AND_STAFF(REV, RA_EV_SUPPLY_DOCUMENT, REV, false),
	/* ends */
	ONE(SUB, RA_EV_WITHDRAW, RA_APPLICANT, RA_WITHDRAWN),
	ONE(CONF, RA_EV_WITHDRAW, RA_APPLICANT, RA_WITHDRAWN),
	ONE(DOCS, RA_EV_WITHDRAW, RA_APPLICANT, RA_WITHDRAWN),
	ONE(HEAD, RA_EV_WITHDRAW, RA_APPLICANT, RA_WITHDRAWN),
	ONE(REV, RA_EV_WITHDRAW, RA_APPLICANT, RA_WITHDRAWN),
	ONE(RET, RA_EV_WITHDRAW, RA_APPLICANT, RA_WITHDRAWN),
	ONE(ONCE, RA_EV_WITHDRAW, RA_APPLICANT, RA_WITHDRAWN),
	ONE(RA_APPROVED, RA_EV_WITHDRAW, RA_APPLICANT, RA_WITHDRAWN),
	ONE(SUB, RA_EV_EXPIRE, RA_TIMER, RA_EXPIRED),
	ONE(CONF, RA_EV_EXPIRE, RA_TIMER, RA_EXPIRED),
	ONE(DOCS, RA_EV_EXPIRE, RA_TIMER, RA_EXPIRED),
	ONE(HEAD, RA_EV_EXPIRE, RA_TIMER, RA_EXPIRED),
	ONE(REV, RA_EV_EXPIRE, RA_TIMER, RA_EXPIRED),
	ONE(RET, RA_EV_EXPIRE, RA_TIMER, RA_EXPIRED),
	ONE(ONCE, RA_EV_EXPIRE, RA_TIMER, RA_EXPIRED),
	/* issue and delivery */
	ONE(RA_APPROVED, RA_EV_ISSUE, RA_CA, RA_ISSUING),
	ONE(RA_ISSUING, RA_EV_ISSUED, RA_CA, RA_ISSUED),
	ONE(RA_APPROVED, RA_EV_ISSUE_REFUSED, RA_CA, RA_REJECTED),
	ONE(RA_ISSUING, RA_EV_ISSUE_REFUSED, RA_CA, RA_REJECTED),
	ONE(RA_ISSUED, RA_EV_DELIVER, RA_APPLICANT, RA_DELIVERED),
	ONE(RA_DELIVERED, RA_EV_DELIVER, RA_APPLICANT, RA_DELIVERED),
};

static const struct legal *find_legal(enum ra_state from, enum ra_event event, enum ra_actor actor)
{
	for (int i = 0; i < COUNT_OF(legal); i++)
		if (legal[i].from == from && legal[i].event == event && legal[i].actor == actor)
			return &legal[i];
	return NULL;
}

/* A triple that is not in the list must be refused whatever the other conditions are. */
static void refuse_all_conditions(enum ra_state from, enum ra_event event, enum ra_actor actor)
{
	for (int bits = 0; bits < 256; bits++) {
		struct ra_step s = { .from = from, .event = event, .actor = actor };
		enum ra_state to = RA_STATE_COUNT;

		s.waits_for = (enum ra_waits)(bits & 3);
		s.claim = (enum ra_claim)((bits >> 2) % 3);
		s.needs_code = (bits & 16) != 0;
		s.has_tries = (bits & 32) != 0;
		s.is_reviewed = (bits & 64) != 0;
		s.is_enterer = (bits & 128) != 0;
		OWN(err) e = ra_state_next(&to, &s);
		ck_assert_msg(e != NULL, "%s: %s by %s was allowed", ra_state_word(from), ra_event_word(event),
			      ra_actor_word(actor));
		ck_assert(err_code(e) == ERR_DENIED || err_code(e) == ERR_CONFLICT);
		ck_assert_int_eq(to, RA_STATE_COUNT);
	}
}

START_TEST(every_triple)
{
	enum ra_state from = (enum ra_state)_i;

	for (int event = 0; event < RA_EVENT_COUNT; event++) {
		for (int actor = 0; actor < RA_ACTOR_COUNT; actor++) {
			const struct legal *l = find_legal(from, (enum ra_event)event, (enum ra_actor)actor);
			enum ra_state to = RA_STATE_COUNT;

			if (l == NULL) {
				refuse_all_conditions(from, (enum ra_event)event, (enum ra_actor)actor);
				continue;
			}
			struct ra_step s = { .from = from,
					     .event = l->event,
					     .actor = l->actor,
					     .waits_for = l->waits,
					     .claim = l->claim,
					     .needs_code = l->needs_code,
					     .has_tries = true };
			ck_ok(ra_state_next(&to, &s));
			ck_assert_msg(to == l->to, "%s: %s by %s leads to %s, not %s", ra_state_word(from),
				      ra_event_word(l->event), ra_actor_word(l->actor), ra_state_word(to),
				      ra_state_word(l->to));
		}
	}
}
END_TEST

/* Conditions: the step, then the state or the refusal. */
static const struct condition {
	struct ra_step step;
	int to; /* -1: refused */
	enum err_code code;
	const char *text;
} conditions[] = {
	/* whose decision is missing decides where it goes */
	{ { CONF, RA_EV_APPROVE, RA_IDENTIFICATION, .waits_for = RA_WAITS_STAFF }, ONCE, 0, "" },
	{ { CONF, RA_EV_APPROVE, RA_IDENTIFICATION, .waits_for = RA_WAITS_HEAD }, HEAD, 0, "" },
	{ { CONF, RA_EV_APPROVE, RA_IDENTIFICATION, .waits_for = RA_WAITS_IDENTIFICATION },
	  -1,
	  ERR_CONFLICT,
	  "identification" },
	{ { CONF, RA_EV_CONFIRM, RA_APPLICANT, .waits_for = RA_WAITS_STAFF, .needs_code = true }, SUB, 0, "" },
	{ { CONF, RA_EV_CONFIRM, RA_APPLICANT, .waits_for = RA_WAITS_HEAD, .needs_code = true }, HEAD, 0, "" },
	{ { CONF, RA_EV_CONFIRM, RA_APPLICANT, .waits_for = RA_WAITS_NOTHING, .needs_code = true },
	  -1,
	  ERR_CONFLICT,
	  "names nobody" },
	{ { SUB, RA_EV_SUBMIT, RA_OPERATOR, .waits_for = RA_WAITS_HEAD }, HEAD, 0, "" },
	{ { SUB, RA_EV_SUBMIT, RA_APPLICANT, .waits_for = RA_WAITS_NOTHING }, -1, ERR_CONFLICT, "names nobody" },
	{ { SUB, RA_EV_APPROVE, RA_OPERATOR, .waits_for = RA_WAITS_STAFF }, ONCE, 0, "" },
	{ { REV, RA_EV_APPROVE, RA_OPERATOR, .waits_for = RA_WAITS_STAFF }, ONCE, 0, "" },
	{ { ONCE, RA_EV_APPROVE, RA_OPERATOR, .waits_for = RA_WAITS_STAFF }, ONCE, 0, "" },
	{ { REV, RA_EV_APPROVE, RA_OPERATOR, .waits_for = RA_WAITS_HEAD }, -1, ERR_CONFLICT, "consent" },
	{ { SUB, RA_EV_APPROVE, RA_OPERATOR, .waits_for = RA_WAITS_IDENTIFICATION },
	  -1,
	  ERR_CONFLICT,
	  "identification" },
	{ { HEAD, RA_EV_APPROVE, RA_HEAD, .waits_for = RA_WAITS_STAFF }, SUB, 0, "" },
	{ { HEAD, RA_EV_APPROVE, RA_HEAD, .waits_for = RA_WAITS_STAFF, .is_reviewed = true }, ONCE, 0, "" },
	{ { CONF, RA_EV_IDENTIFY_FAIL, RA_IDENTIFICATION, .has_tries = false }, RA_REJECTED, 0, "" },
	/* nobody decides on what they entered, on their own application, or twice */
	{ { SUB, RA_EV_APPROVE, RA_OPERATOR, .is_enterer = true }, -1, ERR_DENIED, "you entered" },
	{ { SUB, RA_EV_REJECT, RA_SENIOR, .is_enterer = true }, -1, ERR_DENIED, "you entered" },
	{ { SUB, RA_EV_CLAIM, RA_OPERATOR, .is_enterer = true }, -1, ERR_DENIED, "you entered" },
	{ { REV, RA_EV_RETURN, RA_OPERATOR, .is_enterer = true }, -1, ERR_DENIED, "you entered" },
	{ { SUB, RA_EV_NEED_DOCUMENTS, RA_OPERATOR, .is_enterer = true }, -1, ERR_DENIED, "you entered" },
	{ { DOCS, RA_EV_SUPPLY_DOCUMENT, RA_OPERATOR, .is_enterer = true }, SUB, 0, "" },
	{ { SUB, RA_EV_APPROVE, RA_OPERATOR, .is_subject = true }, -1, ERR_DENIED, "your own" },
	{ { DOCS, RA_EV_SUPPLY_DOCUMENT, RA_OPERATOR, .is_subject = true }, -1, ERR_DENIED, "your own" },
	{ { ONCE, RA_EV_APPROVE, RA_OPERATOR, .has_decided = true }, -1, ERR_CONFLICT, "another person" },
	{ { ONCE, RA_EV_CLAIM, RA_OPERATOR, .has_decided = true }, -1, ERR_CONFLICT, "another person" },
	{ { ONCE, RA_EV_REJECT, RA_OPERATOR, .has_decided = true }, RA_REJECTED, 0, "" },
	/* claims */
	{ { REV, RA_EV_CLAIM, RA_OPERATOR, .claim = RA_CLAIM_OTHER }, -1, ERR_CONFLICT, "claimed" },
	{ { REV, RA_EV_CLAIM, RA_OPERATOR, .claim = RA_CLAIM_NONE }, REV, 0, "" },
	{ { REV, RA_EV_APPROVE, RA_OPERATOR, .claim = RA_CLAIM_OTHER }, -1, ERR_CONFLICT, "claimed" },
	{ { REV, RA_EV_REJECT, RA_OPERATOR, .claim = RA_CLAIM_OTHER }, -1, ERR_CONFLICT, "claimed" },
	{ { REV, RA_EV_RELEASE, RA_OPERATOR, .claim = RA_CLAIM_OTHER }, -1, ERR_CONFLICT, "not claimed" },
	{ { REV, RA_EV_RELEASE, RA_TIMER, .claim = RA_CLAIM_OTHER }, -1, ERR_CONFLICT, "lease" },
	{ { REV, RA_EV_WITHDRAW, RA_APPLICANT, .claim = RA_CLAIM_OTHER }, RA_WITHDRAWN, 0, "" },
	/* channel */
	{ { RET, RA_EV_RESEND, RA_APPLICANT, .needs_code = false }, -1, ERR_CONFLICT, "no one-time code" },
	{ { RET, RA_EV_SUPPLY_DOCUMENT, RA_APPLICANT, .needs_code = true }, RET, 0, "" },
	/* what is no state, event or actor */
	{ { RA_STATE_COUNT, RA_EV_CLAIM, RA_OPERATOR, .needs_code = false }, -1, ERR_BUG, "no such" },
	{ { SUB, RA_EVENT_COUNT, RA_OPERATOR, .needs_code = false }, -1, ERR_BUG, "no such" },
};

START_TEST(each_condition)
{
	const struct condition *c = &conditions[_i];
	enum ra_state to = RA_STATE_COUNT;

	if (c->to >= 0) {
		ck_ok(ra_state_next(&to, &c->step));
		ck_assert_str_eq(ra_state_word(to), ra_state_word((enum ra_state)c->to));
	} else {
		ck_fails(ra_state_next(&to, &c->step), c->code, c->text);
		ck_assert_int_eq(to, RA_STATE_COUNT);
	}
}
END_TEST

START_TEST(words_both_ways)
{
	for (int i = 0; i < RA_STATE_COUNT; i++) {
		enum ra_state s;

		ck_assert(ra_state_parse(&s, ra_state_word((enum ra_state)i)));
		ck_assert_int_eq((int)s, i);
	}
	for (int i = 0; i < RA_ACTOR_COUNT; i++) {
		enum ra_actor a;

		ck_assert(ra_actor_parse(&a, ra_actor_word((enum ra_actor)i)));
		ck_assert_int_eq((int)a, i);
	}
	enum ra_state s;
	enum ra_actor a;
	ck_assert(!ra_state_parse(&s, "Submitted"));
	ck_assert(!ra_actor_parse(&a, ""));
	ck_assert_str_eq(ra_state_word(RA_STATE_COUNT), "?");
	ck_assert(ra_state_is_end(RA_REJECTED) && ra_state_is_end(RA_EXPIRED) && !ra_state_is_end(RA_DELIVERED));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/state");
	TCase *t = tcase_create("state");

	tcase_add_loop_test(t, every_triple, 0, RA_STATE_COUNT);
	tcase_add_loop_test(t, each_condition, 0, COUNT_OF(conditions));
	tcase_add_test(t, words_both_ways);
	suite_add_tcase(s, t);
	return suite_main(s);
}
