/*
 * set_test.c - the fold of orders: last order counts, whatever the sequence in which they come.
 */
#include <stdlib.h>
#include <string.h>

#include "crl/set.h"
#include "support/suite.h"

static struct crl_item item(const char *serial, int action, int reason, int64_t seq)
{
	struct crl_item i = { .action = (uint8_t)action, .reason = (uint8_t)reason, .seq = seq, .not_after_at = 1000 };

	ck_ok(serial_from_hex(&i.serial, serial));
	return i;
}

static void add(struct crl_set *set, const char *serial, int action, int reason, int64_t seq)
{
	struct crl_item i = item(serial, action, reason, seq);

	ck_ok(crl_set_add(set, &i));
}

static const struct crl_item *find(const struct crl_set *set, const char *hex)
{
	struct serial serial;

	ck_ok(serial_from_hex(&serial, hex));
	return crl_set_find(set, &serial);
}

START_TEST(last_order_counts)
{
	OWN(crl_set) set = NULL;
	size_t num;

	ck_ok(crl_set_create(&set));
	(void)crl_set_items(set, &num);
	ck_assert_uint_eq(num, 0);
	add(set, "05", CRL_HOLD, 6, 10);
	add(set, "05", CRL_RELEASE, 8, 12);
	add(set, "05", CRL_HOLD, 6, 11);
	add(set, "03", CRL_REVOKE, 1, 3);
	ck_ok(crl_set_commit(set, 12));
	(void)crl_set_items(set, &num);
	ck_assert_uint_eq(num, 2);
	ck_assert_uint_eq(find(set, "05")->action, CRL_RELEASE);
	ck_assert_int_eq(crl_set_order_seq(set), 12);
	ck_assert_int_eq(crl_set_changed_seq(set), 12);
	ck_assert_int_eq(crl_set_urgent_seq(set), 3);

	add(set, "05", CRL_REVOKE, 4, 20);
	add(set, "03", CRL_HOLD, 6, 2); /* read again, late: an older order changes nothing */
	add(set, "04", CRL_REVOKE, 0, 15);
	ck_ok(crl_set_commit(set, 25));
	const struct crl_item *items = crl_set_items(set, &num);
	ck_assert_uint_eq(num, 3);
	ck_assert_uint_eq(items[0].serial.b[0], 3);
	ck_assert_uint_eq(items[0].action, CRL_REVOKE);
	ck_assert_uint_eq(items[1].serial.b[0], 4);
	ck_assert_uint_eq(items[2].reason, 4);
	ck_assert_int_eq(crl_set_order_seq(set), 25);
	ck_assert_int_eq(crl_set_changed_seq(set), 20);
}
END_TEST

START_TEST(sorted_by_value_not_by_bytes)
{
	static const char *const ascending[] = { "01",
						 "7f",
						 "0080",
						 "00ff",
						 "0100",
						 "7fff",
						 "008000",
						 "10ffffffffffffffffffffffffffffffffffffff",
						 "7fffffffffffffffffffffffffffffffffffffff" };
	OWN(crl_set) set = NULL;
	size_t num;

	ck_ok(crl_set_create(&set));
	for (int i = COUNT_OF(ascending); i-- > 0;)
		add(set, ascending[i], CRL_REVOKE, 0, i + 1);
	ck_ok(crl_set_commit(set, 100));
	const struct crl_item *items = crl_set_items(set, &num);
	ck_assert_uint_eq(num, COUNT_OF(ascending));
	for (int i = 0; i < COUNT_OF(ascending); i++) {
		ck_assert_int_eq(items[i].seq, i + 1);
		ck_assert_ptr_eq(find(set, ascending[i]), &items[i]);
	}
	ck_assert_ptr_null(find(set, "02"));
}
END_TEST

START_TEST(a_batch_that_is_rolled_back_leaves_nothing)
{
	OWN(crl_set) set = NULL;
	size_t num;

	ck_ok(crl_set_create(&set));
	add(set, "01", CRL_REVOKE, 0, 1);
	ck_ok(crl_set_commit(set, 1));
	add(set, "02", CRL_REVOKE, 0, 2);
	crl_set_rollback(set);
	ck_ok(crl_set_commit(set, 5));
	(void)crl_set_items(set, &num);
	ck_assert_uint_eq(num, 1);
	crl_set_clear(set);
	(void)crl_set_items(set, &num);
	ck_assert_uint_eq(num, 0);
	ck_assert_int_eq(crl_set_order_seq(set), 0);
}
END_TEST

START_TEST(expired_ones_are_pruned)
{
	OWN(crl_set) set = NULL;
	size_t num;

	ck_ok(crl_set_create(&set));
	for (int i = 1; i < 100; i++) {
		struct crl_item one = { .action = CRL_REVOKE, .seq = i, .not_after_at = (uint32_t)i };
		one.serial.len = 1;
		one.serial.b[0] = (uint8_t)i;
		ck_ok(crl_set_add(set, &one));
	}
	ck_ok(crl_set_commit(set, 99));
	crl_set_prune(set, 50);
	const struct crl_item *items = crl_set_items(set, &num);
	ck_assert_uint_eq(num, 50);
	ck_assert_uint_eq(items[0].not_after_at, 50);
}
END_TEST

/* Against the obvious way: an array indexed by serial. */
START_TEST(many_batches_fold_like_an_array)
{
	static struct crl_item last[4096];
	OWN(crl_set) set = NULL;
	size_t num, expected = 0;
	unsigned seed = 1;
	int64_t seq = 0;

	ck_ok(crl_set_create(&set));
	for (int batch = 0; batch < 40; batch++) {
		for (int i = 0; i < 200; i++) {
			int n = rand_r(&seed) % 4096;
			struct crl_item one = { .action = (uint8_t)(1 + rand_r(&seed) % 3), .seq = ++seq };
			one.serial.len = 2;
			one.serial.b[0] = (uint8_t)(n >> 8 | 0x10);
			one.serial.b[1] = (uint8_t)n;
			last[n] = one;
			ck_ok(crl_set_add(set, &one));
		}
		ck_ok(crl_set_commit(set, seq));
	}
	const struct crl_item *items = crl_set_items(set, &num);
	for (int n = 0; n < 4096; n++) {
		if (last[n].seq == 0)
			continue;
		ck_assert_int_eq(items[expected].seq, last[n].seq);
		ck_assert_uint_eq(items[expected].action, last[n].action);
		expected++;
	}
	ck_assert_uint_eq(num, expected);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/set");
	TCase *c = tcase_create("set");

	tcase_add_test(c, last_order_counts);
	tcase_add_test(c, sorted_by_value_not_by_bytes);
	tcase_add_test(c, a_batch_that_is_rolled_back_leaves_nothing);
	tcase_add_test(c, expired_ones_are_pruned);
	tcase_add_test(c, many_batches_fold_like_an_array);
	suite_add_tcase(s, c);
	return suite_main(s);
}
