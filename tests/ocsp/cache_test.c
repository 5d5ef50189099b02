/*
 * cache_test.c - ocsp/cache.c: keys, bounds, who gives way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ocsp/cache.h"
#include "support/suite.h"

static struct ocsp_single named(const uint8_t *serial, size_t len, enum ocsp_digest digest, bool has_null)
{
	return (struct ocsp_single){ .digest = digest, .has_null = has_null, .serial = SLICE(serial, len) };
}

START_TEST(test_keys)
{
	OWN(ocsp_cache) c = NULL;
	const uint8_t a[] = { 1, 2, 3 }, b[] = { 1, 2 };
	struct ocsp_single s = named(a, 3, OCSP_SHA256, true),
			   others[] = { named(a, 3, OCSP_SHA256, false), named(a, 3, OCSP_SHA1, true),
					named(b, 2, OCSP_SHA256, true) };

	ck_ok(ocsp_cache_create(&c, 100));
	ck_assert_uint_ge(ocsp_cache_capacity(c), 100);
	ck_assert_ptr_null(ocsp_cache_find(c, 0, &s));
	struct ocsp_cache_entry *e = ocsp_cache_take(c, 0, &s);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->signature_len, 0);
	e->signature_len = 7;
	ck_assert_ptr_eq(ocsp_cache_find(c, 0, &s), e);
	ck_assert_ptr_eq(ocsp_cache_take(c, 0, &s), e);
	ck_assert_uint_eq(e->signature_len, 7); /* what is there stays until it is replaced */
	ck_assert_ptr_null(ocsp_cache_find(c, 1, &s));
	for (int i = 0; i < COUNT_OF(others); i++)
		ck_assert_ptr_null(ocsp_cache_find(c, 0, &others[i]));
	ck_assert_uint_eq(ocsp_cache_num(c), 1);
}
END_TEST

START_TEST(test_bound)
{
	OWN(ocsp_cache) c = NULL;
	uint8_t serial[4] = { 1 };

	ck_ok(ocsp_cache_create(&c, 8)); /* one set */
	struct ocsp_single s = named(serial, 4, OCSP_SHA256, true);
	for (uint8_t i = 0; i < 8; i++) {
		serial[3] = i;
		ocsp_cache_take(c, 0, &s)->pending = i == 0;
	}
	serial[3] = 1; /* asked for again: it is 2 now that gives way, 0 is pending */
	ck_assert_ptr_nonnull(ocsp_cache_find(c, 0, &s));
	serial[3] = 100;
	ck_assert_ptr_nonnull(ocsp_cache_take(c, 0, &s));
	ck_assert_uint_eq(ocsp_cache_num(c), 8);
	for (uint8_t i = 0; i < 8; i++) {
		serial[3] = i;
		ck_assert_int_eq(ocsp_cache_find(c, 0, &s) != NULL, i != 2);
	}
	for (uint8_t i = 0; i < 8; i++) {
		serial[3] = i == 2 ? 100 : i;
		ocsp_cache_find(c, 0, &s)->pending = 1;
	}
	serial[3] = 101;
	ck_assert_ptr_null(ocsp_cache_take(c, 0, &s)); /* all are being made */
}
END_TEST

START_TEST(test_none)
{
	OWN(ocsp_cache) c = NULL;
	const uint8_t longer[21] = { 1 };
	struct ocsp_single s = named(longer, 20, OCSP_SHA256, true), never = named(longer, 21, OCSP_SHA256, true);

	ck_ok(ocsp_cache_create(&c, 0));
	ck_assert_ptr_null(ocsp_cache_take(c, 0, &s));
	ck_assert_ptr_null(ocsp_cache_find(c, 0, &s));
	ocsp_cache_destroy(&c);
	ck_ok(ocsp_cache_create(&c, 10));
	ck_assert_ptr_null(ocsp_cache_take(c, 0, &never));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/cache");
	TCase *t = tcase_create("cache");

	tcase_add_test(t, test_keys);
	tcase_add_test(t, test_bound);
	tcase_add_test(t, test_none);
	suite_add_tcase(s, t);
	return suite_main(s);
}
