/*
 * table_test.c - ocsp/table.c and ocsp/epoch.c: every certificate found, its size, readers beside a writer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <string.h>

#include "ocsp/table.h"
#include "support/suite.h"

static struct epoch epoch;
static struct ocsp_table *table;

static void setup(void)
{
	epoch_init(&epoch);
	ck_ok(ocsp_table_create(&table, &epoch));
}

static void teardown(void)
{
	epoch_clear(&epoch);
	ocsp_table_destroy(&table);
}

/* Serials of 1 to 20 octets, all different. */
static struct slice serial_of(uint8_t out[20], uint32_t n)
{
	size_t len = n % 17 + 4;

	memset(out, 0x5a, 20);
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> 8 * (3 - i));
	return SLICE(out, len);
}

START_TEST(test_find_all)
{
	enum { NUM = 200000 };
	uint8_t s[20];

	for (uint32_t n = 0; n < NUM; n++)
		ck_ok(ocsp_table_put(table, n % 3, serial_of(s, n), n * 4 + 1));
	ck_assert_uint_eq(ocsp_table_num(table), NUM);
	for (uint32_t n = 0; n < NUM; n++) {
		ck_assert_uint_eq(ocsp_table_get(table, n % 3, serial_of(s, n)), n * 4 + 1);
		ck_assert_uint_eq(ocsp_table_get(table, (n + 1) % 3, serial_of(s, n)), 0); /* another issuer's */
	}
	for (uint32_t n = NUM; n < 2 * NUM; n++)
		ck_assert_uint_eq(ocsp_table_get(table, n % 3, serial_of(s, n)), 0);
	for (uint32_t n = 0; n < NUM; n += 7)
		ck_ok(ocsp_table_put(table, n % 3, serial_of(s, n), 3));
	ck_assert_uint_eq(ocsp_table_num(table), NUM);
	for (uint32_t n = 0; n < NUM; n++)
		ck_assert_uint_eq(ocsp_table_get(table, n % 3, serial_of(s, n)), n % 7 == 0 ? 3 : n * 4 + 1);
	ck_assert_msg(ocsp_table_bytes(table) <= (uint64_t)NUM * 64, "%llu bytes for %d certificates",
		      (unsigned long long)ocsp_table_bytes(table), NUM);
}
END_TEST

START_TEST(test_serials_that_look_alike)
{
	ck_ok(ocsp_table_put(table, 0, SLICE("\x01", 1), 1));
	ck_ok(ocsp_table_put(table, 0, SLICE("\x01\x00", 2), 2));
	ck_ok(ocsp_table_put(table, 0, SLICE("\x00\x80", 2), 3));
	ck_ok(ocsp_table_put(table, 255, SLICE("\x01", 1), 4));
	ck_assert_uint_eq(ocsp_table_get(table, 0, SLICE("\x01", 1)), 1);
	ck_assert_uint_eq(ocsp_table_get(table, 0, SLICE("\x01\x00", 2)), 2);
	ck_assert_uint_eq(ocsp_table_get(table, 0, SLICE("\x80", 1)), 0);
	ck_assert_uint_eq(ocsp_table_get(table, 255, SLICE("\x01", 1)), 4);
	ck_assert_uint_eq(ocsp_table_get(table, 0, SLICE_NONE), 0);
	ck_assert_uint_eq(ocsp_table_get(table, 0, SLICE("123456789012345678901", 21)), 0);
	ck_fails(ocsp_table_put(table, 0, SLICE("123456789012345678901", 21), 1), ERR_BAD_INPUT, "serial");
	ck_fails(ocsp_table_put(table, 0, SLICE_NONE, 1), ERR_BAD_INPUT, "serial");
	ck_fails(ocsp_table_put(table, 256, SLICE("\x01", 1), 1), ERR_BUG, "issuer");
	ck_fails(ocsp_table_put(table, 0, SLICE("\x01", 1), 0), ERR_BUG, "word");
}
END_TEST

/* ---- readers beside a writer */

enum { TOTAL = 60000 };
static atomic_uint written;

static void *read_on(void *arg)
{
	unsigned reader = *(unsigned *)arg;
	uint32_t seen = 0, n = reader;
	uint8_t s[20];

	while (seen < TOTAL) {
		seen = atomic_load(&written);
		if (seen == 0)
			continue;
		n = (n * 1103515245u + 12345u) % seen;
		epoch_enter(&epoch, reader);
		ocsp_word word = ocsp_table_get(table, 1, serial_of(s, n));
		epoch_leave(&epoch, reader);
		if (word != 5 && word != 9) /* what was written before must be found, old or new */
			return "lost";
	}
	return NULL;
}

START_TEST(test_readers_beside_a_writer)
{
	static unsigned numbers[] = { 0, 1 };
	pthread_t threads[2];
	void *said = NULL;
	uint8_t s[20];

	atomic_store(&written, 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_on, &numbers[i]), 0);
	for (uint32_t n = 0; n < TOTAL; n++) {
		ck_ok(ocsp_table_put(table, 1, serial_of(s, n), 5));
		ck_ok(ocsp_table_put(table, 1, serial_of(s, n / 2), 9));
		atomic_store(&written, n + 1);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &said), 0);
		ck_assert_msg(said == NULL, "%s", (const char *)said);
	}
	epoch_collect(&epoch);
	ck_assert_ptr_null(epoch.retired);
}
END_TEST

static int freed;
static void count_freed(void *p)
{
	freed += *(int *)p;
}

START_TEST(test_epochs)
{
	static int one = 1, ten = 10;

	epoch_enter(&epoch, 3);
	epoch_retire(&epoch, &one, count_freed);
	epoch_collect(&epoch);
	ck_assert_int_eq(freed, 0); /* reader 3 may hold it */
	epoch_enter(&epoch, 4);
	epoch_retire(&epoch, &ten, count_freed);
	epoch_leave(&epoch, 3);
	epoch_collect(&epoch);
	ck_assert_int_eq(freed, 1); /* reader 4 began after the first was gone, before the second */
	epoch_leave(&epoch, 4);
	epoch_collect(&epoch);
	ck_assert_int_eq(freed, 11);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/table");
	TCase *t = tcase_create("table");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_find_all);
	tcase_add_test(t, test_serials_that_look_alike);
	tcase_add_test(t, test_readers_beside_a_writer);
	tcase_add_test(t, test_epochs);
	suite_add_tcase(s, t);
	return suite_main(s);
}
