/*
 * orders_test.c - cad is taken over: it hands the signer orders that nobody gave: revocation of everybody, and back again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "support/red.h"
#include "support/suite.h"
#include "x509/suite.h"

static struct signer_home home;

/* Certificates by what became of them. The holder has the key of his. */
static struct test_person valid, held, revoked, released, holder, auth_holder, revoked_holder;
static struct red_order first_hold; /* of the released one: accepted, and taken back since */

static void accepted(struct signer_peer *cad, const struct test_person *target, enum order_action action,
		     struct red_order *out)
{
	struct red_order order;
	OWN(red_result) got = { 0 };

	red_order_init(&order, &home, target, action);
	red_order_decide(&order, &home.who[WHO_OPERATOR1]);
	if (action == ORDER_RELEASE)
		red_order_decide(&order, &home.who[WHO_OPERATOR2]);
	red_order_send(&got, cad, &order);
	ck_assert_msg(got.is_done, "an honest order was refused: %s: %s", got.word, got.text);
	if (out != NULL)
		*out = order;
	else
		red_order_clear(&order);
}

static void begin(void)
{
	OWN(signer_peer) cad = { 0 };

	signer_home_begin(&home, 1u << SIGNER_CA);
	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	red_issue(&valid, &home, &cad, "individual-auth", "850101300031", NULL);
	red_issue(&held, &home, &cad, "individual-auth", "850101300032", NULL);
	red_issue(&revoked, &home, &cad, "individual-auth", "850101300033", NULL);
	red_issue(&released, &home, &cad, "individual-auth", "850101300034", NULL);
	red_issue(&holder, &home, &cad, "individual-sign", "850101300035", test_key("rsa"));
	red_issue(&auth_holder, &home, &cad, "individual-auth", "850101300031", test_key("rsa"));
	red_issue(&revoked_holder, &home, &cad, "individual-sign", "850101300031", test_key("rsa"));
	accepted(&cad, &held, ORDER_HOLD, NULL);
	accepted(&cad, &revoked, ORDER_REVOKE, NULL);
	accepted(&cad, &released, ORDER_HOLD, &first_hold);
	accepted(&cad, &released, ORDER_RELEASE, NULL);
	accepted(&cad, &revoked_holder, ORDER_REVOKE, NULL);
}

static void end(void)
{
	struct test_person *all[] = { &valid, &held, &revoked, &released, &holder, &auth_holder, &revoked_holder };

	for (int i = 0; i < COUNT_OF(all); i++)
		test_person_clear(all[i]);
	red_order_clear(&first_hold);
	signer_home_end(&home);
}

static void by(struct red_order *o, enum signer_who who)
{
	red_order_decide(o, &home.who[who]);
}

static void operator1(struct red_order *o)
{
	by(o, WHO_OPERATOR1);
}

static void both_operators(struct red_order *o)
{
	by(o, WHO_OPERATOR1);
	by(o, WHO_OPERATOR2);
}

static void nobody(struct red_order *o)
{
	(void)o;
}

static void stranger(struct red_order *o)
{
	by(o, WHO_STRANGER);
}

static void another_holder(struct red_order *o)
{
	red_order_decide(o, &holder);
}

static void with_auth(struct red_order *o)
{
	red_order_decide(o, &auth_holder);
}

static void with_revoked(struct red_order *o)
{
	red_order_decide(o, &revoked_holder);
}

static void auditor(struct red_order *o)
{
	by(o, WHO_AUDITOR);
}

static void desk(struct red_order *o)
{
	by(o, WHO_DESK);
}

static void service(struct red_order *o)
{
	by(o, WHO_SERVICE);
}

static void former(struct red_order *o)
{
	by(o, WHO_FORMER);
}

static void no_ground(struct red_order *o)
{
	o->o.ground = SLICE_NONE;
	red_order_encode(o);
	by(o, WHO_OPERATOR1);
}

static void unknown_serial(struct red_order *o)
{
	o->o.serial.b[7] ^= 1;
	red_order_encode(o);
	by(o, WHO_OPERATOR1);
}

static void wrong_digest(struct red_order *o)
{
	o->certificate_digest[0] ^= 1;
	red_order_encode(o);
	by(o, WHO_OPERATOR1);
}

static void other_issuer(struct red_order *o)
{
	o->o.issuer = SLICE_STR("gost");
	red_order_encode(o);
	by(o, WHO_OPERATOR1);
}

static void dated(struct red_order *o, int64_t from_now)
{
	o->o.revoked_at = clock_now_s() + from_now;
	red_order_encode(o);
	by(o, WHO_OPERATOR1);
}

static void long_ago(struct red_order *o)
{
	dated(o, -31 * 86400);
}

static void in_future(struct red_order *o)
{
	dated(o, 3600);
}

static void octet_behind(struct red_order *o)
{
	ck_ok(buf_append_u8(&o->order, 0));
	der_sha256(o->digest, buf_slice(&o->order));
	by(o, WHO_OPERATOR1);
}

static void swapped(struct red_order *o)
{
	by(o, WHO_OPERATOR1);
	o->o.reason = 4;
	red_order_encode(o);
}

static void forged(struct red_order *o)
{
	by(o, WHO_OPERATOR1);
	o->evidence[0].signature.p[o->evidence[0].signature.len - 3] ^= 1;
}

static void decided_as(struct red_order *o, enum decision_kind kind, enum decision_verdict verdict, int64_t expires_at)
{
	struct decision d = red_approval();

	d.kind = kind;
	d.verdict = verdict;
	d.reason = verdict == DECISION_REJECT ? SLICE_STR("document") : SLICE_NONE;
	d.expires_at = expires_at;
	red_order_decide_as(o, &home.who[WHO_OPERATOR1], &d, o->digest);
}

static void rejected(struct red_order *o)
{
	decided_as(o, DECISION_ORDERS, DECISION_REJECT, clock_now_s() + 1000);
}

static void other_kind(struct red_order *o)
{
	decided_as(o, DECISION_AUTHORISATIONS, DECISION_APPROVE, clock_now_s() + 1000);
}

static void expired(struct red_order *o)
{
	decided_as(o, DECISION_ORDERS, DECISION_APPROVE, clock_now_s() - 1);
}

static void twice_one_person(struct red_order *o)
{
	by(o, WHO_OPERATOR1);
	by(o, WHO_OPERATOR1_AGAIN);
}

static void without_target(struct red_order *o)
{
	o->sends_target = false;
	both_operators(o);
}

/* One decision over eleven orders: bulk, which needs two persons. */
static void bulk(struct red_order *o)
{
	uint8_t digests[11][SHA256_LEN] = { { 0 } };
	struct decision d = red_approval();

	d.kind = DECISION_ORDERS;
	for (int i = 0; i < 10; i++)
		digests[i][0] = (uint8_t)(i + 1);
	memcpy(digests[10], o->digest, SHA256_LEN);
	test_decide_as(&o->evidence[0], &home.who[WHO_OPERATOR1], &d, (const uint8_t(*)[SHA256_LEN])digests, 11);
	o->num_evidence = 1;
}

static const struct {
	const char *attack;
	const struct test_person *target;
	enum order_action action;
	void (*spoil)(struct red_order *o);
	const char *word;
} attacks[] = {
	{ "a revocation without any decision", &valid, ORDER_REVOKE, nobody, "decisions_missing" },
	{ "a revocation by a stranger", &valid, ORDER_REVOKE, stranger, "unknown_signer" },
	{ "a revocation by the holder of another certificate", &valid, ORDER_REVOKE, another_holder, "not_holder" },
	{ "a revocation by the person's AUTH key", &valid, ORDER_REVOKE, with_auth, "unknown_signer" },
	{ "a revocation by the person's revoked key", &valid, ORDER_REVOKE, with_revoked, "unknown_signer" },
	{ "a revocation by an auditor", &valid, ORDER_REVOKE, auditor, "wrong_role" },
	{ "a revocation by the desk", &valid, ORDER_REVOKE, desk, "wrong_role" },
	{ "a revocation by the identification service", &valid, ORDER_REVOKE, service, "wrong_role" },
	{ "a revocation by an operator whose term has ended", &valid, ORDER_REVOKE, former, "unknown_signer" },
	{ "a revocation by an operator without a ground", &valid, ORDER_REVOKE, no_ground, "no_ground" },
	{ "a revocation of a serial that was never issued", &valid, ORDER_REVOKE, unknown_serial, "unknown_serial" },
	{ "a revocation that names another certificate", &valid, ORDER_REVOKE, wrong_digest, "wrong_certificate" },
	{ "a revocation for an issuer without a key here", &valid, ORDER_REVOKE, other_issuer, "unknown_issuer" },
	{ "a revocation dated a month back", &valid, ORDER_REVOKE, long_ago, "order_time" },
	{ "a revocation dated in the future", &valid, ORDER_REVOKE, in_future, "order_time" },
	{ "an order with an octet behind it", &valid, ORDER_REVOKE, octet_behind, "malformed" },
	{ "a reason changed after the decision", &valid, ORDER_REVOKE, swapped, "not_named" },
	{ "a forged decision about an order", &valid, ORDER_REVOKE, forged, "decision_absent" },
	{ "a rejected order", &valid, ORDER_REVOKE, rejected, "rejected" },
	{ "an order by a decision about Authorisations", &valid, ORDER_REVOKE, other_kind, "wrong_kind" },
	{ "an order by an expired decision", &valid, ORDER_REVOKE, expired, "decision_expired" },
	{ "bulk revocation by one person", &valid, ORDER_REVOKE, bulk, "decisions_missing" },
	{ "un-revocation: release of a revoked certificate", &revoked, ORDER_RELEASE, both_operators,
	  "already_revoked" },
	{ "un-revocation: hold of a revoked certificate", &revoked, ORDER_HOLD, operator1, "already_revoked" },
	{ "revocation of a revoked certificate, with another reason", &revoked, ORDER_REVOKE, operator1,
	  "already_revoked" },
	{ "release by one person", &held, ORDER_RELEASE, operator1, "decisions_missing" },
	{ "release by one person with two certificates", &held, ORDER_RELEASE, twice_one_person, "same_person" },
	{ "release without the certificate", &held, ORDER_RELEASE, without_target, "target_absent" },
	{ "release of what is not held", &valid, ORDER_RELEASE, both_operators, "not_held" },
	{ "hold twice", &held, ORDER_HOLD, operator1, "already_held" },
};

START_TEST(an_order_that_was_not_given)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_order) order = { 0 };
	OWN(red_result) got = { 0 };

	red_order_init(&order, &home, attacks[_i].target, attacks[_i].action);
	attacks[_i].spoil(&order);
	red_watch_begin(&watch, &home, SIGNER_CA);
	red_order_send(&got, &watch.peer, &order);
	red_refused(&watch, attacks[_i].attack, &got, attacks[_i].word);
}
END_TEST

/* The hold that was released since, sent again: it is known, and nothing happens. */
START_TEST(an_old_order_replayed)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_result) got = { 0 };

	red_watch_begin(&watch, &home, SIGNER_CA);
	red_order_send(&got, &watch.peer, &first_hold);
	ck_assert(got.is_done); /* its first number again */
	ck_assert_int_lt(got.seq, watch.order_seq);
	red_unchanged(&watch, "an old hold replayed after its release");
	(void)printf("repeated %-62s its old number\n", "an old hold replayed after its release");
}
END_TEST

START_TEST(an_honest_order_is_still_accepted)
{
	OWN(signer_peer) cad = { 0 };
	OWN(test_person) person = { 0 };

	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	red_issue(&person, &home, &cad, "individual-auth", "860101300055", NULL);
	accepted(&cad, &person, ORDER_REVOKE, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/orders");
	TCase *t = tcase_create("cad");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_loop_test(t, an_order_that_was_not_given, 0, COUNT_OF(attacks));
	tcase_add_test(t, an_old_order_replayed);
	tcase_add_test(t, an_honest_order_is_still_accepted);
	suite_add_tcase(s, t);
	return suite_main(s);
}
