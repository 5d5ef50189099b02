/*
 * authority_rule_test.c - the rule of who may decide, as a table that reads like design.md section 4.
 *
 * People: "Op1", "Op2", "Sen" staff; "Adm1", "Adm2" administrators; "Aud", "Desk" staff who never decide; "Ident" the
 * identification service; "Subj" the subject and holder; "Head" the head of the same organisation, "Dele" the delegate,
 * "Alien" the head of another one; "Op1b" the first operator with a second certificate; "Nobody" a stranger.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"
#include "x509/authority.h"

#define NOW 1795000000

static const struct {
	const char *name, *person, *bin;
	unsigned roles;
} people[] = {
	{ "Op1", "000000000001", "", ROLE_BIT(ROLE_OPERATOR) },
	{ "Op1b", "000000000001", "", ROLE_BIT(ROLE_OPERATOR) },
	{ "Op2", "000000000002", "", ROLE_BIT(ROLE_OPERATOR) },
	{ "Sen", "000000000003", "", ROLE_BIT(ROLE_SENIOR) },
	{ "Adm1", "000000000004", "", ROLE_BIT(ROLE_ADMINISTRATOR) },
	{ "Adm2", "000000000005", "", ROLE_BIT(ROLE_ADMINISTRATOR) },
	{ "Aud", "000000000006", "", ROLE_BIT(ROLE_AUDITOR) },
	{ "Desk", "000000000007", "", ROLE_BIT(ROLE_DESK) },
	{ "Ident", "identification", "", ROLE_BIT(ROLE_IDENTIFICATION) },
	{ "Subj", "000000000010", "000000000050", ROLE_BIT(ROLE_HOLDER) },
	{ "SubjHead", "000000000010", "000000000050", ROLE_BIT(ROLE_HOLDER) | ROLE_BIT(ROLE_HEAD) },
	{ "SubjOp", "000000000010", "", ROLE_BIT(ROLE_OPERATOR) },
	{ "Head", "000000000011", "000000000050", ROLE_BIT(ROLE_HOLDER) | ROLE_BIT(ROLE_HEAD) },
	{ "Dele", "000000000012", "000000000050", ROLE_BIT(ROLE_HOLDER) | ROLE_BIT(ROLE_DELEGATE) },
	{ "Alien", "000000000013", "000000000060", ROLE_BIT(ROLE_HOLDER) | ROLE_BIT(ROLE_HEAD) },
	{ "HeadOp", "000000000001", "000000000050", ROLE_BIT(ROLE_HOLDER) | ROLE_BIT(ROLE_HEAD) }, /* Op1 himself */
	{ "Nobody", "", "", 0 },
};

/* Slots as profiles.conf writes them: "operator|senior operator|senior". */
static struct profile_deciders slots_of(const char *text)
{
	struct profile_deciders d = { .num = 0 };
	char copy[200], *rest = copy;

	(void)snprintf(copy, sizeof copy, "%s", text);
	for (char *slot = strsep(&rest, " "); slot != NULL && *slot != '\0'; slot = strsep(&rest, " ")) {
		for (char *word = strsep(&slot, "|"); word != NULL; word = strsep(&slot, "|")) {
			enum profile_role role;
			ck_assert_msg(profile_role_parse(&role, word), "%s", word);
			d.slots[d.num] |= ROLE_BIT(role);
		}
		d.num++;
	}
	return d;
}

#define OPERATOR "operator|senior"
#define HEAD	 "head|delegate"

static const struct {
	const char *slots; /* what the kind asks for in the channel */
	const char *entered_by; /* "" or the name of one of the people */
	const char *deciders;
	enum authority_refusal refusal; /* FITS: it suffices */
	const char *missing; /* slots that are left */
} table[] = {
	/* individual, remote: the identification service, 1 */
	{ "identification", "", "Ident", AUTHORITY_FITS, "" },
	{ "identification", "", "", AUTHORITY_MISSING, "identification" },
	{ "identification", "", "Op1", AUTHORITY_WRONG_ROLE, "identification" },
	{ "identification", "", "Subj", AUTHORITY_WRONG_ROLE, "identification" },
	{ "identification", "", "Nobody", AUTHORITY_UNKNOWN_SIGNER, "identification" },
	/* entity's person, remote: also its head or a delegate, 2 */
	{ "identification " HEAD, "", "Ident Head", AUTHORITY_FITS, "" },
	{ "identification " HEAD, "", "Dele Ident", AUTHORITY_FITS, "" },
	{ "identification " HEAD, "", "Ident", AUTHORITY_MISSING, HEAD },
	{ "identification " HEAD, "", "Head", AUTHORITY_MISSING, "identification" },
	{ "identification " HEAD, "", "Ident Alien", AUTHORITY_OTHER_ORGANISATION, HEAD },
	{ "identification " HEAD, "", "Ident Op1", AUTHORITY_WRONG_ROLE, HEAD },
	{ "identification " HEAD, "", "Ident Ident", AUTHORITY_SAME_PERSON, HEAD },
	/* the head, remote: also an operator, 2; his own word as head does not count */
	{ "identification " OPERATOR, "", "Ident Op1", AUTHORITY_FITS, "" },
	{ "identification " OPERATOR, "", "Ident Sen", AUTHORITY_FITS, "" },
	{ "identification " OPERATOR, "", "Ident", AUTHORITY_MISSING, OPERATOR },
	{ "identification " HEAD, "", "Ident SubjHead", AUTHORITY_SUBJECT, HEAD },
	/* individual, at the counter: an operator who did not enter it, 1 */
	{ OPERATOR, "Op1", "Op2", AUTHORITY_FITS, "" },
	{ OPERATOR, "Op1", "Sen", AUTHORITY_FITS, "" },
	{ OPERATOR, "Op1", "Op1", AUTHORITY_ENTERER, OPERATOR },
	{ OPERATOR, "Op1", "Op1b", AUTHORITY_ENTERER, OPERATOR },
	{ OPERATOR, "Op1", "Op1 Op2", AUTHORITY_FITS, "" },
	{ OPERATOR, "Op1", "SubjOp", AUTHORITY_SUBJECT, OPERATOR },
	{ OPERATOR, "Op1", "Aud", AUTHORITY_WRONG_ROLE, OPERATOR },
	{ OPERATOR, "Op1", "Desk", AUTHORITY_WRONG_ROLE, OPERATOR },
	{ OPERATOR, "Op1", "Adm1", AUTHORITY_WRONG_ROLE, OPERATOR },
	{ OPERATOR, "Desk", "Op1", AUTHORITY_FITS, "" },
	{ "operator", "Op1", "Sen", AUTHORITY_WRONG_ROLE, "operator" }, /* the file says who, word for word */
	/* head, at the counter: two operators, neither of whom entered it, 2 */
	{ OPERATOR " " OPERATOR, "Op1", "Op2 Sen", AUTHORITY_FITS, "" },
	{ OPERATOR " " OPERATOR, "Op1", "Op2", AUTHORITY_MISSING, OPERATOR },
	{ OPERATOR " " OPERATOR, "Op1", "Op1 Op2", AUTHORITY_ENTERER, OPERATOR },
	{ OPERATOR " " OPERATOR, "Op2", "Op1 Op1b", AUTHORITY_SAME_PERSON, OPERATOR },
	{ OPERATOR " " OPERATOR, "Op2", "Op1 Op1", AUTHORITY_SAME_PERSON, OPERATOR },
	{ OPERATOR " " OPERATOR, "Desk", "SubjOp Op1", AUTHORITY_SUBJECT, OPERATOR },
	{ OPERATOR " " OPERATOR, "Desk", "", AUTHORITY_MISSING, OPERATOR " " OPERATOR },
	/* entity's other people, at the counter: operator, and the head or a delegate, 2 */
	{ OPERATOR " " HEAD, "Op1", "Op2 Head", AUTHORITY_FITS, "" },
	{ OPERATOR " " HEAD, "Op1", "Dele Op2", AUTHORITY_FITS, "" },
	{ OPERATOR " " HEAD, "Op1", "Op2 Sen", AUTHORITY_MISSING, HEAD },
	{ OPERATOR " " HEAD, "Op2", "Op1 HeadOp", AUTHORITY_SAME_PERSON, HEAD }, /* one person, two roles */
	{ OPERATOR " " HEAD, "Op2", "Op1 HeadOp Sen", AUTHORITY_FITS, "" },
	{ HEAD " " OPERATOR, "Op2", "HeadOp Dele", AUTHORITY_MISSING, OPERATOR },
	{ OPERATOR " " HEAD, "Head", "Op2 Head", AUTHORITY_ENTERER, HEAD },
	/* renewal: the holder, 1 */
	{ "holder", "", "Subj", AUTHORITY_FITS, "" },
	{ "holder", "Subj", "Subj", AUTHORITY_FITS, "" }, /* who enters his own renewal */
	{ "holder", "", "Head", AUTHORITY_NOT_HOLDER, "holder" },
	{ "holder", "", "Op1", AUTHORITY_WRONG_ROLE, "holder" },
	/* staff, services, policy, adoption: administrators, 2 */
	{ "administrator administrator", "Adm1", "Adm1 Adm2", AUTHORITY_ENTERER, "administrator" },
	{ "administrator administrator", "", "Adm1 Adm2", AUTHORITY_FITS, "" },
	{ "administrator administrator", "", "Adm1", AUTHORITY_MISSING, "administrator" },
	{ "administrator administrator", "", "Adm1 Adm1", AUTHORITY_SAME_PERSON, "administrator" },
	{ "administrator administrator", "", "Adm1 Op1", AUTHORITY_WRONG_ROLE, "administrator" },
	/* a closed channel */
	{ "", "", "Adm1 Adm2 Ident Op1", AUTHORITY_NO_RULE, "" },
	/* a slot for anybody is filled so that the others can be filled too */
	{ "operator|head operator", "", "Op1 Head", AUTHORITY_FITS, "" },
	{ "operator operator|head", "", "Head Op1", AUTHORITY_FITS, "" },
	{ "operator|senior senior|head head", "", "Head Sen Op1", AUTHORITY_FITS, "" },
	{ "operator|senior senior|head head", "", "Head Op1", AUTHORITY_MISSING, "head" },
};

static const char *person_named(const char *name)
{
	for (int i = 0; i < COUNT_OF(people); i++)
		if (strcmp(people[i].name, name) == 0)
			return people[i].person;
	return "";
}

static const uint8_t object[SHA256_LEN] = { 7 };

/* Encodes the decision over `object`; the bytes live in `der`. */
static void decide(struct buf *der, struct decision *out, enum decision_kind kind, enum decision_verdict verdict,
		   int64_t decided_at, int64_t expires_at)
{
	static const uint8_t nonce[AUTHORITY_NONCE_LEN] = { 1 };
	const struct decision d = { .kind = kind,
				    .verdict = verdict,
				    .decided_at = decided_at,
				    .expires_at = expires_at,
				    .nonce = SLICE(nonce, sizeof nonce) };

	ck_ok(decision_encode(der, &d, (const uint8_t(*)[SHA256_LEN])object, 1));
	ck_ok(decision_decode(out, buf_slice(der)));
}

struct room {
	struct verified_decision verified[AUTHORITY_MAX_DECISIONS + 1];
	const struct verified_decision *list[AUTHORITY_MAX_DECISIONS + 1];
	size_t num;
};

/* Everybody named gives the same decision. */
static void deciders_named(struct room *r, const char *names, const struct decision *d)
{
	char copy[200], *rest = copy;

	*r = (struct room){ .num = 0 };
	(void)snprintf(copy, sizeof copy, "%s", names);
	for (char *name = strsep(&rest, " "); name != NULL && *name != '\0'; name = strsep(&rest, " ")) {
		int i = 0;
		while (i < COUNT_OF(people) && strcmp(people[i].name, name) != 0)
			i++;
		ck_assert_msg(i < COUNT_OF(people), "%s", name);
		struct verified_decision *v = &r->verified[r->num];
		v->decision = *d;
		v->decider.roles = people[i].roles;
		(void)snprintf(v->decider.person, sizeof v->decider.person, "%s", people[i].person);
		(void)snprintf(v->decider.bin, sizeof v->decider.bin, "%s", people[i].bin);
		r->list[r->num++] = v;
	}
}

static struct authority_case a_case(const struct profile_deciders *slots)
{
	return (struct authority_case){ .kind = DECISION_AUTHORISATIONS,
					.digest = object,
					.required = slots,
					.subject_person = "000000000010",
					.subject_bin = "000000000050",
					.entered_by = "",
					.staff_may = true,
					.now = NOW };
}

START_TEST(who_may_decide)
{
	struct profile_deciders slots = slots_of(table[_i].slots), missing = slots_of(table[_i].missing);
	struct authority_case c = a_case(&slots);
	struct authority_answer answer;
	struct room r;
	OWN(buf) der = BUF_INIT(1000);
	struct decision d;

	decide(&der, &d, DECISION_AUTHORISATIONS, DECISION_APPROVE, NOW - 10, NOW + 10);
	deciders_named(&r, table[_i].deciders, &d);
	c.entered_by = person_named(table[_i].entered_by);
	authority_decide(&answer, &c, r.list, r.num);
	ck_assert_msg(answer.refusal == table[_i].refusal, "[%s] by %s: %s, expected %s", table[_i].slots,
		      table[_i].deciders, authority_refusal_word(answer.refusal),
		      authority_refusal_word(table[_i].refusal));
	ck_assert(answer.suffices == (table[_i].refusal == AUTHORITY_FITS));
	ck_assert_uint_eq(answer.num_missing, missing.num);
	for (size_t i = 0; i < missing.num; i++)
		ck_assert_uint_eq(answer.missing[i], missing.slots[i]);
}
END_TEST

/* What a decision must be, whoever gave it. */
static const struct {
	const char *what;
	enum decision_kind kind;
	enum decision_verdict verdict;
	int64_t decided_at, expires_at; /* from now */
	bool other_object;
	enum authority_refusal refusal;
} decisions_table[] = {
	{ "fresh", DECISION_AUTHORISATIONS, DECISION_APPROVE, 0, 1, false, AUTHORITY_FITS },
	{ "of another kind", DECISION_ORDERS, DECISION_APPROVE, 0, 60, false, AUTHORITY_WRONG_KIND },
	{ "about another", DECISION_AUTHORISATIONS, DECISION_APPROVE, 0, 60, true, AUTHORITY_NOT_NAMED },
	{ "a rejection", DECISION_AUTHORISATIONS, DECISION_REJECT, 0, 60, false, AUTHORITY_REJECTED },
	{ "expired now", DECISION_AUTHORISATIONS, DECISION_APPROVE, -60, 0, false, AUTHORITY_EXPIRED },
	{ "expired long ago", DECISION_AUTHORISATIONS, DECISION_APPROVE, -600, -500, false, AUTHORITY_EXPIRED },
	{ "of a clock ahead", DECISION_AUTHORISATIONS, DECISION_APPROVE, AUTHORITY_CLOCK_SKEW_S, 600, false,
	  AUTHORITY_FITS },
	{ "of the future", DECISION_AUTHORISATIONS, DECISION_APPROVE, AUTHORITY_CLOCK_SKEW_S + 1, 600, false,
	  AUTHORITY_FROM_FUTURE },
	{ "long", DECISION_AUTHORISATIONS, DECISION_APPROVE, 0, AUTHORITY_MAX_DECISION_AGE_S, false, AUTHORITY_FITS },
	{ "too long", DECISION_AUTHORISATIONS, DECISION_APPROVE, 0, AUTHORITY_MAX_DECISION_AGE_S + 1, false,
	  AUTHORITY_TOO_LONG },
};

START_TEST(what_a_decision_must_be)
{
	static const uint8_t other[SHA256_LEN] = { 8 };
	struct profile_deciders slots = slots_of("operator");
	struct authority_case c = a_case(&slots);
	struct authority_answer answer;
	struct room r;
	OWN(buf) der = BUF_INIT(1000);
	struct decision d;

	decide(&der, &d, decisions_table[_i].kind, decisions_table[_i].verdict, NOW + decisions_table[_i].decided_at,
	       NOW + decisions_table[_i].expires_at);
	deciders_named(&r, "Op1", &d);
	if (decisions_table[_i].other_object)
		c.digest = other;
	authority_decide(&answer, &c, r.list, r.num);
	ck_assert_msg(answer.refusals[0] == decisions_table[_i].refusal, "%s: %s", decisions_table[_i].what,
		      authority_refusal_word(answer.refusals[0]));
	ck_assert(answer.suffices == (decisions_table[_i].refusal == AUTHORITY_FITS));
}
END_TEST

START_TEST(too_many_decisions)
{
	struct profile_deciders slots = slots_of("operator");
	struct authority_case c = a_case(&slots);
	struct authority_answer answer;
	struct room r;
	OWN(buf) der = BUF_INIT(1000);
	struct decision d;

	decide(&der, &d, DECISION_AUTHORISATIONS, DECISION_APPROVE, NOW, NOW + 10);
	deciders_named(&r, "Op1 Op1 Op1 Op1 Op1 Op1 Op1 Op1 Op1", &d);
	authority_decide(&answer, &c, r.list, r.num);
	ck_assert(!answer.suffices);
	ck_assert_int_eq(answer.refusal, AUTHORITY_TOO_MANY);
}
END_TEST

/* revoke, hold, release: holder; or head or delegate for the entity's people; or operator with a ground (release: two) */
static const struct {
	enum order_action action;
	bool has_ground, is_bulk, subject_known;
	const char *deciders;
	enum authority_refusal refusal;
} orders_table[] = {
	{ ORDER_REVOKE, true, false, true, "Op1", AUTHORITY_FITS },
	{ ORDER_REVOKE, true, false, false, "Op1", AUTHORITY_FITS },
	{ ORDER_REVOKE, false, false, true, "Op1", AUTHORITY_NO_GROUND },
	{ ORDER_REVOKE, false, false, true, "Subj", AUTHORITY_FITS },
	{ ORDER_REVOKE, false, false, false, "Subj", AUTHORITY_NOT_HOLDER },
	{ ORDER_REVOKE, false, false, true, "Head", AUTHORITY_FITS },
	{ ORDER_REVOKE, false, false, true, "Dele", AUTHORITY_FITS },
	{ ORDER_REVOKE, false, false, true, "Alien", AUTHORITY_OTHER_ORGANISATION },
	{ ORDER_REVOKE, false, false, false, "Head", AUTHORITY_OTHER_ORGANISATION },
	{ ORDER_REVOKE, true, false, true, "SubjOp", AUTHORITY_SUBJECT },
	{ ORDER_REVOKE, true, false, true, "Ident", AUTHORITY_WRONG_ROLE },
	{ ORDER_REVOKE, true, false, true, "Aud", AUTHORITY_WRONG_ROLE },
	{ ORDER_REVOKE, true, false, true, "", AUTHORITY_MISSING },
	{ ORDER_HOLD, true, false, true, "Sen", AUTHORITY_FITS },
	{ ORDER_HOLD, false, false, true, "Subj", AUTHORITY_FITS },
	{ ORDER_RELEASE, true, false, true, "Op1", AUTHORITY_MISSING },
	{ ORDER_RELEASE, true, false, true, "Op1 Op1b", AUTHORITY_SAME_PERSON },
	{ ORDER_RELEASE, true, false, true, "Op1 Op2", AUTHORITY_FITS },
	{ ORDER_RELEASE, false, false, true, "Op1 Op2", AUTHORITY_NO_GROUND },
	{ ORDER_RELEASE, false, false, true, "Subj", AUTHORITY_MISSING },
	{ ORDER_RELEASE, true, false, true, "Subj Op1", AUTHORITY_FITS },
	{ ORDER_REVOKE, true, true, true, "Op1", AUTHORITY_MISSING },
	{ ORDER_REVOKE, true, true, true, "Op1 Sen", AUTHORITY_FITS },
};

/* CN=A, serialNumber=IIN000000000010, OU=BIN000000000050 */
static void subject_name(struct buf *out)
{
	static const struct {
		enum oid_name type;
		uint8_t tag;
		const char *text;
	} parts[] = { { OID_COMMON_NAME, DER_UTF8_STRING, "A" },
		      { OID_SERIAL_NUMBER, DER_PRINTABLE_STRING, "IIN000000000010" },
		      { OID_ORGANISATIONAL_UNIT, DER_UTF8_STRING, "BIN000000000050" } };
	size_t name, set, pair;

	ck_ok(der_open(out, &name, DER_SEQUENCE));
	for (int i = 0; i < COUNT_OF(parts); i++) {
		ck_ok(der_open(out, &set, DER_SET));
		ck_ok(der_open(out, &pair, DER_SEQUENCE));
		ck_ok(der_oid(out, oid(parts[i].type)));
		ck_ok(der_tlv(out, parts[i].tag, SLICE_STR(parts[i].text)));
		ck_ok(der_close(out, pair));
		ck_ok(der_close(out, set));
	}
	ck_ok(der_close(out, name));
}

START_TEST(who_may_order)
{
	OWN(buf) name = BUF_INIT(1000);
	OWN(buf) der = BUF_INIT(1000);
	struct status_order o = { .action = orders_table[_i].action,
				  .ground = orders_table[_i].has_ground ? SLICE_STR("a court") : SLICE_NONE };
	struct authority_case c;
	struct authority_room texts;
	struct authority_answer answer;
	struct room r;
	struct decision d;

	subject_name(&name);
	decide(&der, &d, DECISION_ORDERS, DECISION_APPROVE, NOW, NOW + 10);
	deciders_named(&r, orders_table[_i].deciders, &d);
	authority_case_of_order(&c, &texts, &o, object, orders_table[_i].subject_known ? buf_slice(&name) : SLICE_NONE,
				orders_table[_i].is_bulk, NOW);
	authority_decide(&answer, &c, r.list, r.num);
	ck_assert_msg(answer.refusal == orders_table[_i].refusal, "%s by %s: %s", order_action_word(o.action),
		      orders_table[_i].deciders, authority_refusal_word(answer.refusal));
	ck_assert(answer.suffices == (answer.refusal == AUTHORITY_FITS));
}
END_TEST

START_TEST(case_of_an_authorisation)
{
	OWN(buf) name = BUF_INIT(1000);
	struct authorisation a = { .entered_by = SLICE_STR("000000000001") };
	struct authority_case c;
	struct authority_room texts;

	subject_name(&name);
	a.subject = buf_slice(&name);
	authority_case_of_authorisation(&c, &texts, &a, object, NULL, NOW);
	ck_assert_str_eq(c.subject_person, "000000000010");
	ck_assert_str_eq(c.subject_bin, "000000000050");
	ck_assert_str_eq(c.entered_by, "000000000001");
	ck_assert_int_eq(c.kind, DECISION_AUTHORISATIONS);
	struct authority_answer answer;
	authority_decide(&answer, &c, NULL, 0);
	ck_assert_int_eq(answer.refusal, AUTHORITY_NO_RULE);
}
END_TEST

/* profiles.conf may ask for more than the rules, never for less. */
static const struct {
	bool is_entity;
	enum profile_channel channel;
	const char *slots;
	bool is_enough;
} floors[] = {
	{ false, CHANNEL_REMOTE, "", true }, /* closed */
	{ false, CHANNEL_REMOTE, "identification", true },
	{ false, CHANNEL_REMOTE, "identification " OPERATOR, true },
	{ false, CHANNEL_REMOTE, OPERATOR, false },
	{ false, CHANNEL_REMOTE, "identification|operator", false },
	{ true, CHANNEL_REMOTE, "identification", false },
	{ true, CHANNEL_REMOTE, "identification " HEAD, true },
	{ false, CHANNEL_COUNTER, OPERATOR, true },
	{ false, CHANNEL_COUNTER, "desk", false },
	{ false, CHANNEL_COUNTER, "identification", false },
	{ true, CHANNEL_COUNTER, OPERATOR, false },
	{ true, CHANNEL_COUNTER, OPERATOR " " OPERATOR, true },
	{ true, CHANNEL_COUNTER, OPERATOR " " HEAD, true },
	{ true, CHANNEL_COUNTER, HEAD " " HEAD, false },
	{ false, CHANNEL_RENEWAL, "holder", true },
	{ false, CHANNEL_RENEWAL, OPERATOR, false },
	{ false, CHANNEL_ADMINISTRATION, "administrator administrator", true },
	{ false, CHANNEL_ADMINISTRATION, "administrator", false },
	{ false, CHANNEL_ADMINISTRATION, "administrator operator", false },
};

START_TEST(floor_under_the_profiles)
{
	char kind_name[] = "somebody";
	struct profile_kind kind = { .name = kind_name,
				     .required = floors[_i].is_entity ? FIELD_BIT(FIELD_BIN) : FIELD_BIT(FIELD_IIN) };

	kind.deciders[floors[_i].channel] = slots_of(floors[_i].slots);
	if (floors[_i].is_enough)
		ck_ok(authority_required_floor(&kind, floors[_i].channel));
	else
		ck_fails(authority_required_floor(&kind, floors[_i].channel), ERR_CONFIG, "somebody: deciders.");
}
END_TEST

START_TEST(refusals_have_words_of_their_own)
{
	for (int i = 0; i < AUTHORITY_REFUSAL_COUNT; i++) {
		ck_assert_str_ne(authority_refusal_sentence((enum authority_refusal)i), "");
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(authority_refusal_word((enum authority_refusal)i),
					 authority_refusal_word((enum authority_refusal)j));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/x509/authority_rule");
	TCase *t = tcase_create("rule");

	tcase_add_loop_test(t, who_may_decide, 0, COUNT_OF(table));
	tcase_add_loop_test(t, what_a_decision_must_be, 0, COUNT_OF(decisions_table));
	tcase_add_test(t, too_many_decisions);
	tcase_add_loop_test(t, who_may_order, 0, COUNT_OF(orders_table));
	tcase_add_test(t, case_of_an_authorisation);
	tcase_add_loop_test(t, floor_under_the_profiles, 0, COUNT_OF(floors));
	tcase_add_test(t, refusals_have_words_of_their_own);
	suite_add_tcase(s, t);
	return suite_main(s);
}
