/*
 * policies_test.c - cad is taken over: it offers the signer Policies of its own making, and old ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "bus/msg_sign.h"
#include "support/red.h"
#include "support/suite.h"

enum { ROOM = SIGNED_POLICY_MAX_BYTES };

static struct signer_home home;

static void begin(void)
{
	signer_home_begin(&home, 1u << SIGNER_CA);
}

static void end(void)
{
	signer_home_end(&home);
}

/* A Policy on its way: version 2, the same people and profiles. */
struct offer {
	int64_t version;
	const char *from, *to; /* text of the profiles that is replaced */
	enum decision_kind kind;
	enum decision_verdict verdict;
	int64_t expires_in_s;
	int signers[3]; /* enum signer_who, -1: none */
	bool other_bytes; /* signed over another Policy */
	bool octet_behind, garbage;
};

static void profiles_replace(struct buf *out, const struct offer *o)
{
	const struct buf *all = &home.profiles_text;
	const uint8_t *at = memmem(all->p, all->len, o->from, strlen(o->from));

	ck_assert_msg(at != NULL, "%s", o->from);
	size_t before = (size_t)(at - all->p), after = before + strlen(o->from);
	ck_ok(buf_append(out, SLICE(all->p, before)));
	ck_ok(buf_append_str(out, o->to));
	ck_ok(buf_append(out, SLICE(all->p + after, all->len - after)));
}

static void offer_make(struct buf *out, const struct offer *o)
{
	OWN(buf) profiles = BUF_INIT(PROFILES_MAX_BYTES);
	OWN(buf) policy = BUF_INIT(POLICY_MAX_BYTES);
	struct test_decision decisions[3];
	struct signed_policy s = { .num_decisions = 0 };
	uint8_t digest[1][SHA256_LEN];
	const struct decision members = { .kind = o->kind,
					  .verdict = o->verdict,
					  .reason = o->verdict == DECISION_REJECT ? SLICE_STR("document") : SLICE_NONE,
					  .decided_at = clock_now_s() - 3600,
					  .expires_at = clock_now_s() + o->expires_in_s };

	if (o->garbage) {
		ck_ok(buf_append_str(out, "no Policy"));
		return;
	}
	if (o->from != NULL)
		profiles_replace(&profiles, o);
	else
		ck_ok(buf_set(&profiles, buf_slice(&home.profiles_text)));
	signer_policy(&policy, &home, o->version, buf_slice(&profiles));
	der_sha256(digest[0], buf_slice(&policy));
	digest[0][0] ^= o->other_bytes;
	s.policy = buf_slice(&policy);
	for (; s.num_decisions < 3 && o->signers[s.num_decisions] >= 0; s.num_decisions++) {
		size_t i = s.num_decisions;
		test_decide_as(&decisions[i], &home.who[o->signers[i]], &members, (const uint8_t(*)[SHA256_LEN])digest,
			       1);
		s.decisions[i] = test_signed_decision(&decisions[i]);
	}
	ck_ok(signed_policy_encode(out, &s));
	for (size_t i = 0; i < s.num_decisions; i++)
		test_decision_clear(&decisions[i]);
	if (o->octet_behind)
		ck_ok(buf_append_u8(out, 0));
}

#define BY(a, b)	    .kind = DECISION_POLICY, .verdict = DECISION_APPROVE, .expires_in_s = 1000, .signers = { (a), (b), -1 }
#define BY_BOTH		    BY(WHO_ADMIN1, WHO_ADMIN2)
#define SIGNED_BUT(k, v, t) .kind = (k), .verdict = (v), .expires_in_s = (t), .signers = { WHO_ADMIN1, WHO_ADMIN2, -1 }

static const struct {
	const char *attack;
	struct offer offer;
} attacks[] = {
	{ "a Policy of the same version with other bytes",
	  { .version = 1, .from = "days = 1095", .to = "days = 1094", BY_BOTH } },
	{ "a Policy that nobody signed", { .version = 2, BY(-1, -1) } },
	{ "a Policy that one administrator signed", { .version = 2, BY(WHO_ADMIN1, -1) } },
	{ "a Policy that one administrator signed twice", { .version = 2, BY(WHO_ADMIN1, WHO_ADMIN1) } },
	{ "a Policy that operators signed", { .version = 2, BY(WHO_OPERATOR1, WHO_OPERATOR2) } },
	{ "a Policy that an administrator and an operator signed", { .version = 2, BY(WHO_ADMIN1, WHO_OPERATOR1) } },
	{ "a Policy that an administrator and a stranger signed", { .version = 2, BY(WHO_ADMIN1, WHO_STRANGER) } },
	{ "a Policy by decisions about Authorisations",
	  { .version = 2, SIGNED_BUT(DECISION_AUTHORISATIONS, DECISION_APPROVE, 1000) } },
	{ "a Policy that was rejected", { .version = 2, SIGNED_BUT(DECISION_POLICY, DECISION_REJECT, 1000) } },
	{ "a Policy by expired decisions", { .version = 2, SIGNED_BUT(DECISION_POLICY, DECISION_APPROVE, -1) } },
	{ "a Policy with decisions about another one", { .version = 2, .other_bytes = true, BY_BOTH } },
	{ "a Policy with an octet behind it", { .version = 2, .octet_behind = true, BY_BOTH } },
	{ "a Policy that is none", { .version = 2, .garbage = true } },
	{ "profiles below the floor: the desk decides at the counter",
	  { .version = 2, .from = "counter = [ \"operator\" ]", .to = "counter = [ \"desk\" ]", BY_BOTH } },
	{ "profiles below the floor: a head by one person",
	  { .version = 2,
	    .from = "counter = [ \"operator\", \"operator\" ]",
	    .to = "counter = [ \"operator\" ]",
	    BY_BOTH } },
	{ "profiles below the floor: a head without identification",
	  { .version = 2,
	    .from = "remote = [ \"identification\", \"operator\" ]",
	    .to = "remote = [ \"operator\", \"operator\" ]",
	    BY_BOTH } },
	{ "profiles below the floor: one administrator for staff",
	  { .version = 2,
	    .from = "administration = [ \"administrator\", \"administrator\" ]",
	    .to = "administration = [ \"administrator\" ]",
	    BY_BOTH } },
	{ "profiles that cannot be read", { .version = 2, .from = "issuers = (", .to = "issuers = ", BY_BOTH } },
};

static bool put(struct red_result *got, struct signer_peer *cad, const struct offer *o)
{
	OWN(buf) body = BUF_INIT(ROOM);
	OWN(buf) answer = BUF_INIT(1024);

	offer_make(&body, o);
	return red_call(got, cad, &answer, MSG_POLICY_PUT, &body);
}

START_TEST(a_policy_that_may_not_take_force)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_result) got = { 0 };

	red_watch_begin(&watch, &home, SIGNER_CA);
	got.is_done = put(&got, &watch.peer, &attacks[_i].offer);
	red_refused(&watch, attacks[_i].attack, &got, "policy_refused");
}
END_TEST

/* The right one takes force, and then the one before does not come back. */
START_TEST(an_honest_policy_takes_force_and_the_old_one_stays_away)
{
	static const struct offer second = { .version = 2, BY_BOTH };
	OWN(signer_peer) cad = { 0 };
	OWN(red_result) first = { 0 };
	OWN(red_result) got = { 0 };
	OWN(red_watch) watch = { 0 };
	OWN(buf) body = BUF_INIT(ROOM);
	OWN(buf) answer = BUF_INIT(1024);
	OWN(test_person) person = { 0 };

	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	ck_assert_msg(put(&first, &cad, &second), "%s: %s", first.word, first.text);
	red_watch_begin(&watch, &home, SIGNER_CA);
	ck_assert_int_eq(watch.policy_version, 2);
	ck_ok(buf_set(&body, buf_slice(&home.policy)));
	got.is_done = red_call(&got, &watch.peer, &answer, MSG_POLICY_PUT, &body);
	red_refused(&watch, "the Policy before, with its true signatures", &got, "policy_refused");
	red_issue(&person, &home, &cad, "individual-auth", "850101300041", NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/policies");
	TCase *t = tcase_create("cad");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_loop_test(t, a_policy_that_may_not_take_force, 0, COUNT_OF(attacks));
	tcase_add_test(t, an_honest_policy_takes_force_and_the_old_one_stays_away);
	suite_add_tcase(s, t);
	return suite_main(s);
}
