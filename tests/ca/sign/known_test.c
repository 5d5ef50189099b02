/*
 * known_test.c - what the signer knows: serials, the sequence of orders and the status they make, taking back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/sign/table.h"
#include "support/suite.h"

static struct known *k;
#define RSA  SLICE_STR("rsa")
#define GOST SLICE_STR("gost")

static void setup(void)
{
	ck_ok(known_create(&k));
}

static void teardown(void)
{
	known_destroy(&k);
}

static struct serial serial_of(uint32_t n)
{
	struct serial s = { 5, { 0x10, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };

	return s;
}

static int64_t next_seq = 1;

static void add(uint32_t n)
{
	struct serial s = serial_of(n);

	ck_ok(known_add(k, RSA, &s, next_seq++));
}

static struct err *order_n(uint32_t n, enum known_action action, int64_t seq)
{
	struct known_order o = { .action = (uint8_t)action,
				 .reason = action == KNOWN_HOLD ? 6 : 0,
				 .serial = serial_of(n),
				 .at = 1000,
				 .seq = seq };
	uint8_t digest[32] = { 0 };

	memcpy(digest, &seq, sizeof seq);
	digest[31] = 1;
	return known_order_add(k, RSA, &o, digest);
}

START_TEST(serials)
{
	struct serial s = serial_of(1);
	int64_t seq;

	add(1);
	ck_assert(known_has(k, RSA, &s, &seq));
	ck_assert_int_eq(seq, next_seq - 1);
	ck_assert(!known_has(k, GOST, &s, NULL)); /* another issuer's serials are its own */
	ck_fails(known_add(k, RSA, &s, 99), ERR_CONFLICT, "serial 1000000001 was issued before");
	ck_ok(known_add(k, GOST, &s, 100));
	ck_assert(known_has(k, GOST, &s, &seq));
	ck_assert_int_eq(seq, 100);
	ck_assert_uint_eq(known_num_serials(k), 2);
	s.len = 4;
	ck_assert(!known_has(k, RSA, &s, NULL));
	ck_assert_int_eq(known_issuer(k, SLICE_STR("other"), false), -1);
}
END_TEST

/* Lengths are part of the key: 0x10 and 0x1000 differ, and so do 20 octets that end in zeros. */
START_TEST(serials_of_all_lengths)
{
	for (uint8_t len = 1; len <= SERIAL_MAX_LEN; len++) {
		struct serial s = { .len = len, .b = { 0x10 } };

		ck_assert(!known_has(k, RSA, &s, NULL));
		ck_ok(known_add(k, RSA, &s, len));
	}
	ck_assert_uint_eq(known_num_serials(k), SERIAL_MAX_LEN);
}
END_TEST

/* Which order may follow which: RFC 5280 §5.3.1; revoked is for good. */
static const struct {
	enum known_action before[2], then;
	enum err_code code;
	const char *why;
} transitions[] = {
	{ { KNOWN_NONE, KNOWN_NONE }, KNOWN_REVOKE, ERR_OK, NULL },
	{ { KNOWN_NONE, KNOWN_NONE }, KNOWN_HOLD, ERR_OK, NULL },
	{ { KNOWN_NONE, KNOWN_NONE }, KNOWN_RELEASE, ERR_CONFLICT, "is not held" },
	{ { KNOWN_HOLD, KNOWN_NONE }, KNOWN_HOLD, ERR_CONFLICT, "is held already" },
	{ { KNOWN_HOLD, KNOWN_NONE }, KNOWN_REVOKE, ERR_OK, NULL },
	{ { KNOWN_HOLD, KNOWN_NONE }, KNOWN_RELEASE, ERR_OK, NULL },
	{ { KNOWN_HOLD, KNOWN_RELEASE }, KNOWN_RELEASE, ERR_CONFLICT, "is not held" },
	{ { KNOWN_HOLD, KNOWN_RELEASE }, KNOWN_HOLD, ERR_OK, NULL },
	{ { KNOWN_HOLD, KNOWN_RELEASE }, KNOWN_REVOKE, ERR_OK, NULL },
	{ { KNOWN_REVOKE, KNOWN_NONE }, KNOWN_REVOKE, ERR_CONFLICT, "is revoked for good" },
	{ { KNOWN_REVOKE, KNOWN_NONE }, KNOWN_HOLD, ERR_CONFLICT, "is revoked for good" },
	{ { KNOWN_REVOKE, KNOWN_NONE }, KNOWN_RELEASE, ERR_CONFLICT, "is revoked for good" },
	{ { KNOWN_HOLD, KNOWN_REVOKE }, KNOWN_RELEASE, ERR_CONFLICT, "is revoked for good" },
};

START_TEST(order_transitions)
{
	int64_t seq = 10;

	add(1);
	for (int i = 0; i < 2 && transitions[_i].before[i] != KNOWN_NONE; i++)
		ck_ok(order_n(1, transitions[_i].before[i], seq++));
	struct err *e = order_n(1, transitions[_i].then, seq);
	if (transitions[_i].code == ERR_OK)
		ck_ok(e);
	else
		ck_fails(e, transitions[_i].code, transitions[_i].why);
}
END_TEST

START_TEST(orders_need_a_serial)
{
	ck_fails(order_n(1, KNOWN_REVOKE, 5), ERR_NOT_FOUND, "was never issued");
	ck_assert_int_eq(known_order_seq(k), 0);
	struct serial s = serial_of(1);
	ck_assert_ptr_null(known_status(k, RSA, &s, INT64_MAX));
}
END_TEST

START_TEST(status_as_of_a_number)
{
	struct serial s = serial_of(1);
	int64_t seq;
	uint8_t digest[32] = { 20 };

	add(1);
	add(2);
	ck_ok(order_n(1, KNOWN_HOLD, 20));
	ck_ok(order_n(2, KNOWN_REVOKE, 21));
	ck_ok(order_n(1, KNOWN_RELEASE, 22));
	ck_ok(order_n(1, KNOWN_REVOKE, 25));
	ck_assert_ptr_null(known_status(k, RSA, &s, 19));
	ck_assert_int_eq(known_status(k, RSA, &s, 20)->action, KNOWN_HOLD);
	ck_assert_int_eq(known_status(k, RSA, &s, 21)->action, KNOWN_HOLD);
	ck_assert_int_eq(known_status(k, RSA, &s, 24)->action, KNOWN_RELEASE);
	ck_assert(!known_is_listed(known_status(k, RSA, &s, 24)));
	ck_assert(known_is_listed(known_status(k, RSA, &s, INT64_MAX)));
	ck_assert(!known_is_listed(NULL));
	ck_assert_int_eq(known_order_seq(k), 25);
	ck_assert_uint_eq(known_num_orders(k), 4);
	ck_assert_int_eq(known_order_at(k, 1)->seq, 21);
	digest[31] = 1;
	ck_assert(known_order_find(k, digest, &seq));
	ck_assert_int_eq(seq, 20);
	digest[0] = 19;
	ck_assert(!known_order_find(k, digest, NULL));
}
END_TEST

START_TEST(taking_back)
{
	struct serial one = serial_of(1), two = serial_of(2);
	uint8_t authorisation[32] = { 7 };
	uint64_t offset;

	add(1);
	ck_ok(order_n(1, KNOWN_HOLD, 10));
	ck_ok(known_event_add(k, 1, 100));
	known_begin(k);
	ck_ok(known_add(k, RSA, &two, 11));
	ck_ok(known_event_add(k, 2, 200));
	ck_ok(order_n(2, KNOWN_REVOKE, 12));
	ck_ok(order_n(1, KNOWN_RELEASE, 13));
	ck_ok(known_use_authorisation(k, authorisation, 5));
	ck_ok(known_place_authorisation(k, authorisation, 6));
	ck_assert(known_authorisation(k, authorisation, &offset));
	ck_assert_uint_eq(offset, 6);
	known_rollback(k);
	ck_assert(!known_has(k, RSA, &two, NULL));
	ck_assert(!known_authorisation(k, authorisation, NULL));
	ck_assert(!known_event_offset(k, 2, &offset));
	ck_assert(known_event_offset(k, 1, &offset));
	ck_assert_int_eq(known_status(k, RSA, &one, INT64_MAX)->action, KNOWN_HOLD);
	ck_assert_uint_eq(known_num_orders(k), 1);
	ck_ok(order_n(1, KNOWN_RELEASE, 13)); /* the same again, to stay */
	known_begin(k);
	ck_ok(known_add(k, RSA, &two, 14));
	known_commit(k);
	known_rollback(k); /* nothing to take back any more */
	ck_assert(known_has(k, RSA, &two, NULL));
}
END_TEST

/* Thousands of serials and orders in a change that grows the tables, taken back whole. */
START_TEST(taking_back_much)
{
	for (uint32_t n = 0; n < 1000; n++)
		add(n);
	for (uint32_t n = 0; n < 1000; n += 2)
		ck_ok(order_n(n, KNOWN_HOLD, next_seq++));
	known_begin(k);
	for (uint32_t n = 1000; n < 9000; n++)
		add(n);
	for (uint32_t n = 0; n < 9000; n++)
		ck_ok(order_n(n, KNOWN_REVOKE, next_seq++));
	known_rollback(k);
	ck_assert_uint_eq(known_num_serials(k), 1000);
	ck_assert_uint_eq(known_num_orders(k), 500);
	for (uint32_t n = 0; n < 9000; n++) {
		struct serial s = serial_of(n);
		const struct known_order *o = known_status(k, RSA, &s, INT64_MAX);

		ck_assert_int_eq(known_has(k, RSA, &s, NULL), n < 1000);
		ck_assert_int_eq(o != NULL, n < 1000 && n % 2 == 0);
	}
}
END_TEST

START_TEST(authorisations_and_events)
{
	uint8_t digest[32] = { 1 };
	uint64_t offset;

	ck_ok(known_use_authorisation(k, digest, 77));
	ck_fails(known_use_authorisation(k, digest, 78), ERR_CONFLICT, "this Authorisation was used before");
	ck_assert(known_authorisation(k, digest, &offset));
	ck_assert_uint_eq(offset, 77);
	digest[0] = 2;
	ck_fails(known_place_authorisation(k, digest, 1), ERR_BUG, "was not used");
	ck_ok(known_event_add(k, 1, 11));
	ck_fails(known_event_add(k, 3, 33), ERR_BUG, "event 3 where 2 is due");
	ck_assert(known_event_offset(k, 1, &offset));
	ck_assert(!known_event_offset(k, 0, &offset));
	ck_assert(!known_event_offset(k, -1, &offset));
}
END_TEST

START_TEST(doubled_order)
{
	add(1);
	add(2);
	ck_ok(order_n(1, KNOWN_REVOKE, 10));
	struct known_order o = { .action = KNOWN_REVOKE, .serial = serial_of(2), .seq = 11 };
	uint8_t digest[32] = { 10 };
	digest[31] = 1;
	ck_fails(known_order_add(k, RSA, &o, digest), ERR_CONFLICT, "this order was accepted before");
	struct serial two = serial_of(2);
	ck_assert_ptr_null(known_status(k, RSA, &two, INT64_MAX));
}
END_TEST

/* The table beside a plain array: random additions and removals. */
START_TEST(table_model)
{
	enum { KEYS = 4000 };
	struct entry {
		uint32_t key, value;
	};
	static bool is_in[KEYS];
	static uint32_t values[KEYS];
	struct table t;
	size_t num = 0;

	ck_ok(table_init(&t, sizeof(struct entry), sizeof(uint32_t)));
	srandom(5);
	memset(is_in, 0, sizeof is_in);
	for (int i = 0; i < 30000; i++) {
		uint32_t n = (uint32_t)random() % (KEYS - 1) + 1;
		struct entry e = { n, (uint32_t)i };

		if (is_in[n]) {
			const struct entry *found = table_find(&t, &n);
			ck_assert_ptr_nonnull(found);
			ck_assert_uint_eq(found->value, values[n]);
			table_remove(&t, &n);
			num--;
		} else {
			ck_assert_ptr_null(table_find(&t, &n));
			table_remove(&t, &n); /* nothing happens */
			ck_ok(table_add(&t, &e));
			values[n] = e.value;
			num++;
		}
		is_in[n] = !is_in[n];
		ck_assert_uint_eq(t.num, num);
	}
	struct entry zero = { 0, 1 };
	ck_fails(table_add(&t, &zero), ERR_BUG, "a table key of zeros");
	table_clear(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/known");
	TCase *t = tcase_create("known");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, serials);
	tcase_add_test(t, serials_of_all_lengths);
	tcase_add_loop_test(t, order_transitions, 0, COUNT_OF(transitions));
	tcase_add_test(t, orders_need_a_serial);
	tcase_add_test(t, status_as_of_a_number);
	tcase_add_test(t, taking_back);
	tcase_add_test(t, taking_back_much);
	tcase_add_test(t, authorisations_and_events);
	tcase_add_test(t, doubled_order);
	tcase_add_test(t, table_model);
	suite_add_tcase(s, t);
	return suite_main(s);
}
