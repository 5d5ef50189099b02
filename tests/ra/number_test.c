/*
 * number_test.c - numbers of applications: form, what people mistype, and that none is like another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "ra/number.h"
#include "support/suite.h"

static const uint8_t sample[10] = { 0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf };
#define SAMPLE_DIGITS "0123-4567-89AB-CDEF-"

START_TEST(form_of_a_number)
{
	char number[RA_NUMBER_SIZE];

	ra_number_format(number, sample);
	ck_assert_uint_eq(strlen(number), RA_NUMBER_SIZE - 1);
	ck_assert_msg(strncmp(number, SAMPLE_DIGITS, 20) == 0, "%s", number);
}
END_TEST

START_TEST(every_wrong_digit_is_found)
{
	char number[RA_NUMBER_SIZE], typed[RA_NUMBER_SIZE], read[RA_NUMBER_SIZE];
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	ra_number_format(number, sample);
	for (size_t i = 0; i + 1 < sizeof number; i++) {
		if (number[i] == '-')
			continue;
		for (const char *d = digits; *d != '\0'; d++) {
			memcpy(typed, number, sizeof typed);
			typed[i] = *d;
			OWN(err) e = ra_number_parse(read, typed);
			ck_assert_msg((e == NULL) == (*d == number[i]), "%s", typed);
		}
	}
}
END_TEST

START_TEST(every_exchange_of_two_digits_is_found)
{
	char number[RA_NUMBER_SIZE], typed[RA_NUMBER_SIZE], read[RA_NUMBER_SIZE];

	for (int round = 0; round < 50; round++) {
		ck_ok(ra_number_new(number));
		for (size_t i = 0; i < 19; i++) {
			for (size_t k = i + 1; k < 19; k++) {
				if (number[i] == '-' || number[k] == '-' || number[i] == number[k])
					continue;
				memcpy(typed, number, sizeof typed);
				typed[i] = number[k];
				typed[k] = number[i];
				OWN(err) e = ra_number_parse(read, typed);
				ck_assert_msg(e != NULL, "%s taken for %s", typed, number);
			}
		}
	}
}
END_TEST

START_TEST(what_people_type)
{
	char number[RA_NUMBER_SIZE], typed[64], read[RA_NUMBER_SIZE];

	ra_number_format(number, sample);
	(void)snprintf(typed, sizeof typed, " oi23 4567 89ab cdef %c", number[20]);
	ck_ok(ra_number_parse(read, typed));
	ck_assert_str_eq(read, number);
	(void)snprintf(typed, sizeof typed, "0L23456789ABCDEF%c", number[20]);
	ck_ok(ra_number_parse(read, typed));
	ck_assert_str_eq(read, number);
}
END_TEST

static const char *const bad[] = { "",
				   "-",
				   "0123-4567-89AB-CDEF",
				   "0123-4567-89AB-CDEF-0-0",
				   "U123-4567-89AB-CDEF-0",
				   "0123-4567-89AB-CDE\xd0-0",
				   "../../etc/passwd",
				   "0123-4567-89AB-CDEF-0000000000000000" };

START_TEST(refused)
{
	char read[RA_NUMBER_SIZE];
	OWN(err) e = ra_number_parse(read, bad[_i]);

	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_assert_str_eq(err_field(e), "number");
}
END_TEST

/* 80 random bits: in 2,000 numbers every bit is one about half of the time, and no number comes twice. */
START_TEST(bits_are_random)
{
	enum { N = 2000 };
	static char numbers[N][RA_NUMBER_SIZE];
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	int ones[80] = { 0 };

	for (int i = 0; i < N; i++) {
		ck_ok(ra_number_new(numbers[i]));
		int bit = 0;
		for (int k = 0; k < 19; k++) {
			if (numbers[i][k] == '-')
				continue;
			int value = (int)(strchr(digits, numbers[i][k]) - digits);
			for (int b = 4; b >= 0; b--)
				ones[bit++] += (value >> b) & 1;
		}
		for (int k = 0; k < i; k++)
			if (strcmp(numbers[i], numbers[k]) == 0)
				ck_abort_msg("%s twice", numbers[i]);
	}
	for (int b = 0; b < 80; b++)
		ck_assert_msg(ones[b] > N * 42 / 100 && ones[b] < N * 58 / 100, "bit %d: %d of %d", b, ones[b], N);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/number");
	TCase *t = tcase_create("number");

	tcase_add_test(t, form_of_a_number);
	tcase_add_test(t, every_wrong_digit_is_found);
	tcase_add_test(t, every_exchange_of_two_digits_is_found);
	tcase_add_test(t, what_people_type);
	tcase_add_loop_test(t, refused, 0, COUNT_OF(bad));
	tcase_add_test(t, bits_are_random);
	suite_add_tcase(s, t);
	return suite_main(s);
}
