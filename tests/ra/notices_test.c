/*
 * notices_test.c - one-time codes and the texts of notices.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ra/notices.h"
#include "support/suite.h"

START_TEST(a_code_fits_only_itself_and_its_application)
{
	char code[RA_CODE_SIZE];
	uint8_t hash[RA_CODE_HASH_SIZE], again[RA_CODE_HASH_SIZE];

	ck_ok(ra_code_new(code));
	ck_assert_uint_eq(strlen(code), 6);
	ck_assert_uint_eq(strspn(code, "0123456789"), 6);
	ck_ok(ra_code_hash(hash, "N1", code));
	ck_ok(ra_code_hash(again, "N1", code));
	ck_assert(memcmp(hash, again, sizeof hash) != 0);
	ck_assert(ra_code_fits(SLICE(hash, sizeof hash), "N1", code));
	ck_assert(!ra_code_fits(SLICE(hash, sizeof hash), "N2", code));
	ck_assert(!ra_code_fits(SLICE(hash, sizeof hash - 1), "N1", code));
	ck_assert(!ra_code_fits(SLICE_NONE, "N1", code));
	code[0] = code[0] == '9' ? '0' : (char)(code[0] + 1);
	ck_assert(!ra_code_fits(SLICE(hash, sizeof hash), "N1", code));
	ck_assert(!ra_code_fits(SLICE(hash, sizeof hash), "N1", ""));
}
END_TEST

START_TEST(codes_are_spread)
{
	int first[10] = { 0 };
	char code[RA_CODE_SIZE];

	for (int i = 0; i < 5000; i++) {
		ck_ok(ra_code_new(code));
		first[code[0] - '0']++;
	}
	for (int d = 0; d < 10; d++)
		ck_assert_msg(first[d] > 350 && first[d] < 650, "digit %d: %d of 5000", d, first[d]);
}
END_TEST

START_TEST(texts)
{
	static const char *const languages[] = { "kk", "ru", "en" };
	OWN(buf) text = BUF_INIT(1024);
	struct ra_code_notice n;

	for (int i = 0; i < 3; i++) {
		buf_reset(&text);
		ck_ok(ra_notice_text(&text, RA_NOTICE_CODE, languages[i], "{\"code\":\"012345\"}"));
		ck_ok(buf_append_u8(&text, 0));
		ck_assert(strstr((const char *)text.p, "012345") != NULL);
		ck_assert(strchr((const char *)text.p, '{') == NULL);
	}
	ck_fails(ra_notice_text(&text, RA_NOTICE_CODE, "fr", "{\"code\":\"1\"}"), ERR_BAD_INPUT, "no text");
	ck_fails(ra_notice_text(&text, "other", "ru", "{\"code\":\"1\"}"), ERR_BAD_INPUT, "no text");
	ck_fails(ra_notice_text(&text, RA_NOTICE_CODE, "ru", "{}"), ERR_BAD_INPUT, "no such field");
	ck_fails(ra_notice_text(&text, RA_NOTICE_CODE, "ru", "nonsense"), ERR_BAD_INPUT, "JSON");
	ck_ok(ra_code_notice_make(&n, "0123-4567-89AB-CDEF-G", 3));
	ck_assert_str_eq(n.key, "0123-4567-89AB-CDEF-G/code/3");
	buf_reset(&text);
	ck_ok(ra_notice_text(&text, RA_NOTICE_CODE, "en", n.fields));
}
END_TEST

static const struct {
	int64_t attempts, ms;
} pauses[] = { { 0, 1000 }, { 1, 1000 }, { 2, 2000 }, { 5, 16000 }, { 13, 3600000 }, { 1000000, 3600000 } };

START_TEST(pauses_grow_to_an_hour)
{
	ck_assert_int_eq(ra_notice_pause_ms(pauses[_i].attempts), pauses[_i].ms);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/notices");
	TCase *t = tcase_create("notices");

	tcase_add_test(t, a_code_fits_only_itself_and_its_application);
	tcase_add_test(t, codes_are_spread);
	tcase_add_test(t, texts);
	tcase_add_loop_test(t, pauses_grow_to_an_hour, 0, COUNT_OF(pauses));
	suite_add_tcase(s, t);
	return suite_main(s);
}
