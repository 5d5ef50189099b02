/*
 * policy_order_test.c - may this order be accepted? Status by status, decider by decider.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy_world.h"

#define MAX_EVIDENCE 2

/* An order about a head's certificate, with everything that the signer knows of it. */
struct question {
	struct status_order o;
	struct buf der;
	uint8_t digest[SHA256_LEN], nonce[16];
	struct evidence evidence[MAX_EVIDENCE];
	const struct sign_evidence *list[MAX_EVIDENCE];
	struct sign_order_question q;
};

static void question_clear(struct question *x)
{
	buf_clear(&x->der);
	for (int i = 0; i < MAX_EVIDENCE; i++)
		evidence_clear(&x->evidence[i]);
}
OWN_TYPE(question, struct question, question_clear)

static struct holder target; /* the certificate that the orders are about: the head of BIN 123456789021 */
static struct holder personal; /* another certificate of the same person */
static struct holder colleague; /* another head of the same organisation */
static struct holder alien; /* the head of another organisation */

static void begin(void)
{
	struct name_fields fields = fixture_testov_head;

	world_begin();
	holder_init(&target, "head-sign", &fixture_testov_head, &world.ca);
	holder_init(&personal, "individual-sign", &fixture_testov, &world.ca);
	fields.iin = "900101300017";
	holder_init(&colleague, "head-sign", &fields, &world.ca);
	fields.bin = "940140000385";
	holder_init(&alien, "head-sign", &fields, &world.ca);
}

static void end(void)
{
	holder_clear(&target);
	holder_clear(&personal);
	holder_clear(&colleague);
	holder_clear(&alien);
	world_end();
}

static void encode(struct question *x)
{
	buf_reset(&x->der);
	ck_ok(status_order_encode(&x->der, &x->o));
	der_sha256(x->digest, buf_slice(&x->der));
	x->q.order = buf_slice(&x->der);
}

static void init(struct question *x, enum order_action action)
{
	*x = (struct question){ .der = BUF_INIT(STATUS_ORDER_MAX_BYTES) };
	x->o = (struct status_order){ .issuer = SLICE_STR("rsa"),
				      .serial = target.cert.serial,
				      .certificate_digest = SLICE(target.cert.digest, SHA256_LEN),
				      .action = action,
				      .reason = action == ORDER_REVOKE ? 1
						: action == ORDER_HOLD ? 6
								       : 8,
				      .revoked_at = NOW,
				      .ground = SLICE_STR("a court's decision"),
				      .nonce = SLICE(x->nonce, 16) };
	x->q = (struct sign_order_question){ .rules = world.rules,
					     .decisions = x->list,
					     .target = &target.cert,
					     .now = NOW,
					     .status = action == ORDER_RELEASE ? SIGN_HELD : SIGN_VALID,
					     .known_digest = target.cert.digest };
	encode(x);
}

static void ordered_by(struct question *x, const struct test_person *who, const struct cert *cert)
{
	size_t n = x->q.num_decisions++;
	struct known_answer known = { .status = cert != NULL ? SIGN_VALID : SIGN_UNKNOWN };

	if (cert != NULL)
		memcpy(known.digest, cert->digest, SHA256_LEN);
	evidence_init(&x->evidence[n], who, DECISION_ORDERS, x->digest, &known);
	x->list[n] = &x->evidence[n].e;
}

/* "" = accepted */
static void expect(const struct question *x, const char *word)
{
	struct sign_answer a;

	sign_order_decide(&a, &x->q);
	bool accepted = word[0] == '\0';
	ck_assert_msg(a.verdict == (accepted ? SIGN_SIGN : SIGN_REFUSE), "%s: %s", a.word, a.text);
	ck_assert_str_eq(a.word, accepted ? "none" : word);
	if (accepted) {
		ck_assert_mem_eq(a.digest, x->digest, SHA256_LEN);
		ck_assert_str_eq(a.issuer, "rsa");
		ck_assert(serial_equal(&a.serial, &target.cert.serial));
	}
}

/* Which action may follow which status. */
static const struct {
	enum order_action action;
	enum sign_status status;
	const char *word;
} transitions[] = {
	{ ORDER_REVOKE, SIGN_VALID, "" },
	{ ORDER_REVOKE, SIGN_HELD, "" },
	{ ORDER_REVOKE, SIGN_REVOKED, "already_revoked" },
	{ ORDER_REVOKE, SIGN_UNKNOWN, "unknown_serial" },
	{ ORDER_HOLD, SIGN_VALID, "" },
	{ ORDER_HOLD, SIGN_HELD, "already_held" },
	{ ORDER_HOLD, SIGN_REVOKED, "already_revoked" },
	{ ORDER_HOLD, SIGN_UNKNOWN, "unknown_serial" },
	{ ORDER_RELEASE, SIGN_VALID, "not_held" },
	{ ORDER_RELEASE, SIGN_HELD, "" },
	{ ORDER_RELEASE, SIGN_REVOKED, "already_revoked" }, /* revoked is final */
	{ ORDER_RELEASE, SIGN_UNKNOWN, "unknown_serial" },
};

START_TEST(which_action_may_follow)
{
	OWN(question) x = { 0 };

	init(&x, transitions[_i].action);
	x.q.status = transitions[_i].status;
	ordered_by(&x, &world.who[OP1], NULL);
	ordered_by(&x, &world.who[OP2], NULL);
	expect(&x, transitions[_i].word);
}
END_TEST

/* Who may order; head and holder are seen through their real certificates. */
enum by_whom {
	BY_NOBODY,
	BY_OP1,
	BY_OP2,
	BY_OP1B,
	BY_ADMIN,
	BY_SERVICE,
	BY_STRANGER,
	BY_ITSELF,
	BY_PERSONAL,
	BY_COLLEAGUE,
	BY_ALIEN
};
static const struct {
	enum order_action action;
	enum by_whom first, second;
	bool has_ground, has_target;
	const char *word;
} by[] = {
	{ ORDER_REVOKE, BY_OP1, BY_NOBODY, true, true, "" },
	{ ORDER_REVOKE, BY_OP1, BY_NOBODY, true, false, "" },
	{ ORDER_REVOKE, BY_OP1, BY_NOBODY, false, true, "no_ground" },
	{ ORDER_REVOKE, BY_ADMIN, BY_NOBODY, true, true, "" },
	{ ORDER_REVOKE, BY_NOBODY, BY_NOBODY, true, true, "decisions_missing" },
	{ ORDER_REVOKE, BY_SERVICE, BY_NOBODY, true, true, "wrong_role" },
	{ ORDER_REVOKE, BY_STRANGER, BY_NOBODY, true, true, "unknown_signer" },
	{ ORDER_REVOKE, BY_ITSELF, BY_NOBODY, false, true, "" },
	{ ORDER_REVOKE, BY_PERSONAL, BY_NOBODY, false, false, "not_holder" },
	{ ORDER_REVOKE, BY_ITSELF, BY_NOBODY, false, false, "other_organisation" },
	{ ORDER_REVOKE, BY_PERSONAL, BY_NOBODY, false, true, "" },
	{ ORDER_REVOKE, BY_COLLEAGUE, BY_NOBODY, false, true, "" },
	{ ORDER_REVOKE, BY_ALIEN, BY_NOBODY, false, true, "other_organisation" },
	{ ORDER_HOLD, BY_OP1, BY_NOBODY, true, true, "" },
	{ ORDER_HOLD, BY_COLLEAGUE, BY_NOBODY, false, true, "" },
	{ ORDER_RELEASE, BY_OP1, BY_NOBODY, true, true, "decisions_missing" },
	{ ORDER_RELEASE, BY_OP1, BY_OP2, true, true, "" },
	{ ORDER_RELEASE, BY_OP1, BY_OP2, true, false, "target_absent" },
	{ ORDER_RELEASE, BY_OP1, BY_OP1B, true, true, "same_person" },
	{ ORDER_RELEASE, BY_OP1, BY_ITSELF, true, true, "" },
	{ ORDER_RELEASE, BY_ITSELF, BY_PERSONAL, true, true, "same_person" },
};

static void add_decider(struct question *x, enum by_whom who)
{
	const struct holder *h = who == BY_ITSELF      ? &target
				 : who == BY_PERSONAL  ? &personal
				 : who == BY_COLLEAGUE ? &colleague
				 : who == BY_ALIEN     ? &alien
						       : NULL;
	static const int staff[] = { [BY_OP1] = OP1,	 [BY_OP2] = OP2,	 [BY_OP1B] = OP1B,
				     [BY_ADMIN] = ADMIN, [BY_SERVICE] = SERVICE, [BY_STRANGER] = STRANGER };

	if (h != NULL)
		ordered_by(x, &h->person, &h->cert);
	else if (who != BY_NOBODY)
		ordered_by(x, &world.who[staff[who]], NULL);
}

START_TEST(who_may_order)
{
	OWN(question) x = { 0 };

	init(&x, by[_i].action);
	if (!by[_i].has_ground)
		x.o.ground = SLICE_NONE;
	if (!by[_i].has_target)
		x.q.target = NULL;
	encode(&x);
	add_decider(&x, by[_i].first);
	add_decider(&x, by[_i].second);
	expect(&x, by[_i].word);
}
END_TEST

START_TEST(the_right_certificate)
{
	OWN(question) x = { 0 };

	init(&x, ORDER_REVOKE);
	ordered_by(&x, &world.who[OP1], NULL);
	x.q.known_digest = alien.cert.digest;
	expect(&x, "wrong_certificate");
	x.q.known_digest = target.cert.digest;
	x.q.target = &alien.cert;
	expect(&x, "wrong_certificate");
	x.q.known_digest = NULL;
	expect(&x, "unknown_serial");
}
END_TEST

static const struct {
	int64_t at; /* from NOW */
	const char *word;
} moments[] = { { 0, "" },
		{ AUTHORITY_CLOCK_SKEW_S, "" },
		{ AUTHORITY_CLOCK_SKEW_S + 1, "order_time" },
		{ -AUTHORITY_MAX_DECISION_AGE_S, "" },
		{ -AUTHORITY_MAX_DECISION_AGE_S - 1, "order_time" } };

START_TEST(the_time_of_an_order)
{
	OWN(question) x = { 0 };

	init(&x, ORDER_REVOKE);
	x.o.revoked_at = NOW + moments[_i].at;
	encode(&x);
	ordered_by(&x, &world.who[OP1], NULL);
	expect(&x, moments[_i].word);
}
END_TEST

START_TEST(bulk_needs_two)
{
	OWN(question) x = { 0 };
	uint8_t digests[AUTHORITY_BULK_ORDERS + 1][SHA256_LEN] = { 0 };
	struct known_answer known = { .status = SIGN_UNKNOWN };

	init(&x, ORDER_REVOKE);
	for (uint8_t i = 0; i <= AUTHORITY_BULK_ORDERS; i++)
		digests[i][0] = i;
	memcpy(digests[3], x.digest, SHA256_LEN);
	for (int more = 0; more < 2; more++) {
		evidence_clear(&x.evidence[0]);
		test_decide(&x.evidence[0].decision, &world.who[OP1], DECISION_ORDERS,
			    (const uint8_t(*)[SHA256_LEN])digests, AUTHORITY_BULK_ORDERS + (size_t)more, NOW);
		struct signed_decision sd = test_signed_decision(&x.evidence[0].decision);
		ck_ok(sign_evidence_verify(&x.evidence[0].e, world.rules, &sd, answer_known, &known, NOW));
		x.list[0] = &x.evidence[0].e;
		x.q.num_decisions = 1;
		expect(&x, more == 0 ? "" : "decisions_missing");
	}
	ordered_by(&x, &world.who[OP2], NULL);
	expect(&x, "");
}
END_TEST

START_TEST(repeats_and_nonsense)
{
	OWN(question) x = { 0 };
	struct sign_answer a;

	init(&x, ORDER_REVOKE);
	ordered_by(&x, &world.who[OP1], NULL);
	x.q.order_accepted = true;
	x.q.status = SIGN_REVOKED; /* by this very order */
	sign_order_decide(&a, &x.q);
	ck_assert_int_eq(a.verdict, SIGN_REPEAT);
	x.q.order_accepted = false;
	x.q.status = SIGN_VALID;
	x.q.rules = NULL;
	expect(&x, "no_policy");
	x.q.rules = world.rules;
	x.q.order = SLICE_STR("garbage");
	expect(&x, "malformed");
	x.o.issuer = SLICE_STR("gost");
	encode(&x);
	expect(&x, "unknown_issuer");
	x.o.issuer = SLICE_STR("rsa");
	encode(&x);
	x.list[0] = NULL;
	expect(&x, "decision_absent");
}
END_TEST

START_TEST(each_flipped_field_is_refused)
{
	OWN(question) x = { 0 };
	struct sign_answer a;

	init(&x, ORDER_REVOKE);
	ordered_by(&x, &world.who[OP1], NULL);
	expect(&x, "");
	for (size_t bit = 0; bit < 8 * x.der.len; bit++) {
		x.der.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		sign_order_decide(&a, &x.q);
		ck_assert_msg(a.verdict == SIGN_REFUSE, "bit %zu was not refused", bit);
		x.der.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	expect(&x, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/policy_order");
	TCase *t = tcase_create("orders");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_loop_test(t, which_action_may_follow, 0, COUNT_OF(transitions));
	tcase_add_loop_test(t, who_may_order, 0, COUNT_OF(by));
	tcase_add_test(t, the_right_certificate);
	tcase_add_loop_test(t, the_time_of_an_order, 0, COUNT_OF(moments));
	tcase_add_test(t, bulk_needs_two);
	tcase_add_test(t, repeats_and_nonsense);
	tcase_add_test(t, each_flipped_field_is_refused);
	suite_add_tcase(s, t);
	return suite_main(s);
}
