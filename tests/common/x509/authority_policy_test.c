/*
 * authority_policy_test.c - the Policy: who is who, and who may change it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/sign.h"
#include "support/suite.h"
#include "support/templates.h"

#define NOW 1795000000

enum { ADMIN1, ADMIN2, ADMIN1B, OPERATOR, STRANGER, SERVICE, NUM_KEYS };
static struct test_person keys[NUM_KEYS];

static void make_keys(void)
{
	for (int i = 0; i < NUM_KEYS; i++)
		test_staff_init(&keys[i], "900101300017");
}

static void drop_keys(void)
{
	for (int i = 0; i < NUM_KEYS; i++)
		test_person_clear(&keys[i]);
}

static struct slice key_hash(int who)
{
	return SLICE(keys[who].key_hash, SHA256_LEN);
}

/* A Policy with two administrators (the first with two keys) and an operator until NOW + 1000. */
struct a_policy {
	struct staff staff[4];
	struct identifier identifiers[1];
	struct policy policy;
};

static void init_policy(struct a_policy *p, int64_t version)
{
	*p = (struct a_policy){
		.staff = { { SLICE_STR("000000000001"), SLICE_STR("ӘЛИХАН"), ROLE_ADMINISTRATOR, SLICE_NONE,
			     key_hash(ADMIN1), 0, NOW + 1000 },
			   { SLICE_STR("000000000002"), SLICE_STR("B"), ROLE_ADMINISTRATOR, SLICE_NONE,
			     key_hash(ADMIN2), 0, NOW + 1000 },
			   { SLICE_STR("000000000001"), SLICE_STR("ӘЛИХАН"), ROLE_ADMINISTRATOR, SLICE_NONE,
			     key_hash(ADMIN1B), 0, NOW + 1000 },
			   { SLICE_STR("000000000003"), SLICE_STR("C"), ROLE_OPERATOR, SLICE_STR("Астана"),
			     key_hash(OPERATOR), NOW, NOW + 1000 } },
		.identifiers = { { SLICE_STR("digital-id"), key_hash(SERVICE), 100, 1000 } },
	};
	p->policy = (struct policy){ .version = version,
				     .profiles = SLICE_STR("issuers = ();"),
				     .staff = p->staff,
				     .num_staff = 4,
				     .identifiers = p->identifiers,
				     .num_identifiers = 1,
				     .clock_back_s = 300,
				     .clock_ahead_s = 60 };
}

START_TEST(both_ways)
{
	struct a_policy p;
	OWN(policy) out = { 0 };
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);
	OWN(buf) again = BUF_INIT(POLICY_MAX_BYTES);

	init_policy(&p, 1);
	if (_i == 1)
		p.policy.num_staff = p.policy.num_identifiers = 0;
	ck_ok(policy_encode(&der, &p.policy));
	template_agrees("Policy", buf_slice(&der));
	ck_ok(policy_decode(&out, buf_slice(&der)));
	ck_ok(policy_encode(&again, &out));
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&again)));
	ck_assert_uint_eq(out.num_staff, p.policy.num_staff);
}
END_TEST

static const char *const faults[] = { "version", "IIN",	 "twice", "twice",   "called by a number", "wider than a year",
				      "to: is",	 "role", "name",  "perHour", "profiles",	   "person" };

START_TEST(refuses)
{
	struct a_policy p;
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);

	init_policy(&p, 1);
	switch (_i) {
	case 0:
		p.policy.version = 0;
		break;
	case 1:
		p.staff[0].person = SLICE_STR("00000000000x");
		break;
	case 2:
		p.staff[1].key_hash = p.staff[0].key_hash;
		break;
	case 3:
		p.identifiers[0].key_hash = p.staff[3].key_hash;
		break;
	case 4:
		p.identifiers[0].name = SLICE_STR("000000000001");
		break;
	case 5:
		p.policy.clock_back_s = 400 * 86400;
		break;
	case 6:
		p.staff[0].to_at = p.staff[0].from_at;
		break;
	case 7:
		p.staff[0].role = ROLE_IDENTIFICATION;
		break;
	case 8:
		p.staff[0].name = SLICE_STR("a\x01");
		break;
	case 9:
		p.identifiers[0].per_hour = -1;
		break;
	case 10:
		p.policy.profiles = SLICE_NONE;
		break;
	default:
		p.staff[0].person = SLICE_STR("1");
		break;
	}
	ck_fails(policy_encode(&der, &p.policy), ERR_BAD_INPUT, faults[_i]);
}
END_TEST

START_TEST(broken_bytes_leak_nothing)
{
	struct a_policy p;
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);

	init_policy(&p, 1);
	ck_ok(policy_encode(&der, &p.policy));
	for (size_t n = 0; n < der.len; n++) {
		OWN(policy) out = { 0 };
		OWN(err) cut = policy_decode(&out, SLICE(der.p, n));
		ck_assert_ptr_nonnull(cut);
		der.p[n] ^= 0x40;
		OWN(policy) changed = { 0 };
		OWN(err) e = policy_decode(&changed, buf_slice(&der));
		if (e == NULL)
			template_agrees("Policy", buf_slice(&der));
		der.p[n] ^= 0x40;
	}
}
END_TEST

START_TEST(keys_are_recognised)
{
	struct a_policy p;
	struct decider d;

	init_policy(&p, 1);
	authority_recognise(&d, &p.policy, keys[OPERATOR].key_hash, NOW);
	ck_assert_uint_eq(d.roles, ROLE_BIT(ROLE_OPERATOR));
	ck_assert_str_eq(d.person, "000000000003");
	ck_assert_mem_eq(d.key_hash, keys[OPERATOR].key_hash, SHA256_LEN);
	authority_recognise(&d, &p.policy, keys[OPERATOR].key_hash, NOW - 1); /* not yet */
	ck_assert_uint_eq(d.roles, 0);
	authority_recognise(&d, &p.policy, keys[OPERATOR].key_hash, NOW + 1000); /* no longer */
	ck_assert_uint_eq(d.roles, 0);
	authority_recognise(&d, &p.policy, keys[SERVICE].key_hash, NOW);
	ck_assert_uint_eq(d.roles, ROLE_BIT(ROLE_IDENTIFICATION));
	ck_assert_str_eq(d.person, "digital-id");
	authority_recognise(&d, &p.policy, keys[STRANGER].key_hash, NOW);
	ck_assert_uint_eq(d.roles, 0);
	ck_assert_str_eq(d.person, "");
	ck_assert_ptr_null(policy_staff_find(&p.policy, keys[SERVICE].key_hash, NOW));
	ck_assert_ptr_nonnull(policy_identifier_find(&p.policy, keys[SERVICE].key_hash));
}
END_TEST

static const struct {
	const char *what, *key_usage, *eku, *iin, *bin, *basic;
	int64_t at; /* from NOW */
	unsigned roles;
} holders[] = {
	{ "SIGN", "digitalSignature,nonRepudiation", NULL, "000000000010", NULL, NULL, 0, ROLE_BIT(ROLE_HOLDER) },
	{ "AUTH", "digitalSignature,keyEncipherment", NULL, "000000000010", NULL, NULL, 0, 0 },
	{ "no key usage", NULL, NULL, "000000000010", NULL, NULL, 0, 0 },
	{ "nobody", "nonRepudiation", NULL, NULL, "000000000050", NULL, 0, 0 },
	{ "a CA", "nonRepudiation", NULL, "000000000010", NULL, "critical,CA:TRUE", 0, 0 },
	{ "too early", "nonRepudiation", NULL, "000000000010", NULL, NULL, -1, 0 },
	{ "last second", "nonRepudiation", NULL, "000000000010", NULL, NULL, 100, ROLE_BIT(ROLE_HOLDER) },
	{ "expired", "nonRepudiation", NULL, "000000000010", NULL, NULL, 101, 0 },
	{ "employee", "nonRepudiation", "1.2.398.3.3.4.1.2,1.2.398.3.3.4.1.2.5", "000000000010", "000000000050", NULL,
	  0, ROLE_BIT(ROLE_HOLDER) },
	{ "head", "nonRepudiation", "1.2.398.3.3.4.1.2,1.2.398.3.3.4.1.2.1", "000000000010", "000000000050", NULL, 0,
	  ROLE_BIT(ROLE_HOLDER) | ROLE_BIT(ROLE_HEAD) },
	{ "head of nothing", "nonRepudiation", "1.2.398.3.3.4.1.2.1", "000000000010", NULL, NULL, 0,
	  ROLE_BIT(ROLE_HOLDER) },
};

START_TEST(holders_are_recognised)
{
	OWN(test_person) who = { 0 };
	const struct test_cert_spec spec = { .iin = holders[_i].iin,
					     .bin = holders[_i].bin,
					     .key_usage = holders[_i].key_usage,
					     .eku = holders[_i].eku,
					     .basic = holders[_i].basic,
					     .not_before_at = NOW,
					     .not_after_at = NOW + 100 };
	struct cert c;
	struct decider d;

	test_person_init(&who, "p256", &spec, NULL);
	ck_ok(cert_parse(&c, buf_slice(&who.der)));
	authority_recognise_holder(&d, &c, NOW + holders[_i].at);
	ck_assert_msg(d.roles == holders[_i].roles, "%s: %x", holders[_i].what, d.roles);
	if (d.roles != 0)
		ck_assert_str_eq(d.person, "000000000010");
}
END_TEST

/* ---- who may change it ---- */

static void sign(struct buf *out, const struct policy *p, const int *who, size_t num, int64_t at)
{
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);
	const struct test_person *list[SIGNED_POLICY_MAX_DECISIONS];

	for (size_t i = 0; i < num; i++)
		list[i] = &keys[who[i]];
	ck_ok(policy_encode(&der, p));
	test_policy_sign(out, buf_slice(&der), list, num, at);
	template_agrees("SignedPolicy", buf_slice(out));
}

static const struct {
	const char *what;
	int signers[3];
	size_t num;
	int64_t signed_at; /* from NOW; decisions are good for a day */
	bool has_pins, is_stored;
	int64_t in_force; /* version, 0: none */
	enum err_code code; /* ERR_OK: accepted */
	const char *why;
} changes[] = {
	{ "the first, by both pinned", { ADMIN1, ADMIN2 }, 2, 0, true, false, 0, ERR_OK, "" },
	{ "the first, by one", { ADMIN1 }, 1, 0, true, false, 0, ERR_DENIED, "two administrators" },
	{ "the first, twice by one", { ADMIN1, ADMIN1 }, 2, 0, true, false, 0, ERR_DENIED, "counts already" },
	{ "the first, by one with two keys", { ADMIN1, ADMIN1B }, 2, 0, true, false, 0, ERR_DENIED, "counts already" },
	{ "the first, by the unpinned", { ADMIN1, STRANGER }, 2, 0, true, false, 0, ERR_DENIED, "nobody" },
	{ "the first, without pins", { ADMIN1, ADMIN2 }, 2, 0, false, false, 0, ERR_DENIED, "nobody" },
	{ "the first, with an operator", { ADMIN1, OPERATOR }, 2, 0, true, false, 0, ERR_DENIED, "nobody" },
	{ "the next, by both", { ADMIN2, ADMIN1 }, 2, 0, false, false, 4, ERR_OK, "" },
	{ "the next, by both and a third", { ADMIN2, ADMIN1, STRANGER }, 3, 0, false, false, 4, ERR_OK, "" },
	{ "the next, pins do not help", { ADMIN1, STRANGER }, 2, 0, true, false, 4, ERR_DENIED, "nobody" },
	{ "the same version", { ADMIN1, ADMIN2 }, 2, 0, true, false, 5, ERR_CONFLICT, "not higher than 5" },
	{ "an older version", { ADMIN1, ADMIN2 }, 2, 0, true, false, 6, ERR_CONFLICT, "not higher than 6" },
	{ "signed long ago", { ADMIN1, ADMIN2 }, 2, -86400, true, false, 0, ERR_DENIED, "expired" },
	{ "signed tomorrow", { ADMIN1, ADMIN2 }, 2, 5000, true, false, 0, ERR_DENIED, "future" },
	{ "kept since long ago", { ADMIN1, ADMIN2 }, 2, -86400 * 400, true, true, 0, ERR_OK, "" },
	{ "kept since long ago, after others", { ADMIN1, ADMIN2 }, 2, -86400 * 400, false, true, 4, ERR_OK, "" },
	{ "kept, by the unpinned", { ADMIN1, STRANGER }, 2, -86400 * 400, true, true, 0, ERR_DENIED, "nobody" },
	{ "kept, without pins", { ADMIN1, ADMIN2 }, 2, 0, false, true, 0, ERR_DENIED, "nobody" },
	{ "kept, signed by one", { ADMIN1, ADMIN1 }, 2, 0, true, true, 0, ERR_DENIED, "counts already" },
};

START_TEST(who_may_change_it)
{
	struct a_policy next, now;
	OWN(buf) der = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(policy) out = { 0 };
	uint8_t pins[3][SHA256_LEN];

	init_policy(&next, 5);
	init_policy(&now, changes[_i].in_force);
	memcpy(pins[0], keys[ADMIN1].key_hash, SHA256_LEN);
	memcpy(pins[1], keys[ADMIN2].key_hash, SHA256_LEN);
	memcpy(pins[2], keys[ADMIN1B].key_hash, SHA256_LEN);
	sign(&der, &next.policy, changes[_i].signers, changes[_i].num, NOW + changes[_i].signed_at);
	struct policy_signers signers = { .in_force = changes[_i].in_force > 0 ? &now.policy : NULL,
					  .pins = (const uint8_t(*)[SHA256_LEN])pins,
					  .num_pins = changes[_i].has_pins ? 3 : 0,
					  .is_stored = changes[_i].is_stored };
	if (changes[_i].code == ERR_OK) {
		ck_ok(policy_accept(&out, buf_slice(&der), &signers, NOW));
		ck_assert_int_eq(out.version, 5);
	} else {
		ck_fails(policy_accept(&out, buf_slice(&der), &signers, NOW), changes[_i].code, changes[_i].why);
		ck_assert_ptr_null(out.staff);
	}
}
END_TEST

/* The Policy in force says who is an administrator, not the one that wants to be. */
START_TEST(nobody_makes_himself_administrator)
{
	struct a_policy next, now;
	OWN(buf) der = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(policy) out = { 0 };
	const int both[] = { ADMIN1, OPERATOR };

	init_policy(&now, 4);
	init_policy(&next, 5);
	next.staff[3].role = ROLE_ADMINISTRATOR;
	sign(&der, &next.policy, both, 2, NOW);
	struct policy_signers signers = { .in_force = &now.policy };
	ck_fails(policy_accept(&out, buf_slice(&der), &signers, NOW), ERR_DENIED, "role");
	/* nor is a removed one, of today or of a stored Policy */
	const int old_ones[] = { ADMIN1, ADMIN2 };
	buf_reset(&der);
	sign(&der, &next.policy, old_ones, 2, NOW);
	now.staff[1].to_at = NOW;
	ck_fails(policy_accept(&out, buf_slice(&der), &signers, NOW), ERR_DENIED, "nobody");
	signers.is_stored = true;
	ck_fails(policy_accept(&out, buf_slice(&der), &signers, NOW + 5000), ERR_DENIED, "nobody");
	now.staff[1].to_at = NOW + 1; /* he was one on the day */
	ck_ok(policy_accept(&out, buf_slice(&der), &signers, NOW + 5000));
}
END_TEST

START_TEST(other_bytes_are_not_what_was_signed)
{
	struct a_policy p;
	OWN(buf) der = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(buf) mixed = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(buf) other = BUF_INIT(POLICY_MAX_BYTES);
	OWN(policy) out = { 0 };
	struct signed_policy s;
	const int both[] = { ADMIN1, ADMIN2 };
	uint8_t pins[2][SHA256_LEN];

	memcpy(pins[0], keys[ADMIN1].key_hash, SHA256_LEN);
	memcpy(pins[1], keys[ADMIN2].key_hash, SHA256_LEN);
	struct policy_signers signers = { .pins = (const uint8_t(*)[SHA256_LEN])pins, .num_pins = 2 };
	init_policy(&p, 5);
	sign(&der, &p.policy, both, 2, NOW);
	ck_ok(signed_policy_decode(&s, buf_slice(&der)));
	p.policy.clock_back_s = 86400;
	ck_ok(policy_encode(&other, &p.policy));
	s.policy = buf_slice(&other);
	ck_ok(signed_policy_encode(&mixed, &s));
	ck_fails(policy_accept(&out, buf_slice(&mixed), &signers, NOW), ERR_DENIED, "not about this object");
	signers.is_stored = true;
	ck_fails(policy_accept(&out, buf_slice(&mixed), &signers, NOW), ERR_DENIED, "not about this object");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/x509/authority_policy");
	TCase *t = tcase_create("policy");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, make_keys, drop_keys);
	tcase_add_loop_test(t, both_ways, 0, 2);
	tcase_add_loop_test(t, refuses, 0, COUNT_OF(faults));
	tcase_add_test(t, broken_bytes_leak_nothing);
	tcase_add_test(t, keys_are_recognised);
	tcase_add_loop_test(t, holders_are_recognised, 0, COUNT_OF(holders));
	tcase_add_loop_test(t, who_may_change_it, 0, COUNT_OF(changes));
	tcase_add_test(t, nobody_makes_himself_administrator);
	tcase_add_test(t, other_bytes_are_not_what_was_signed);
	suite_add_tcase(s, t);
	return suite_main(s);
}
