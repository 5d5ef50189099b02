/*
 * number.c - numbers of applications. See number.h.
 *
 * GF(32) is taken modulo x^5 + x^2 + 1, where x generates all 31 powers: the weights x^1 .. x^16 are all different.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/number.h"

#include <ctype.h>
#include <openssl/rand.h>
#include <string.h>

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { NUM_DIGITS = 16 };

static unsigned gf32_times_x(unsigned a)
{
	a <<= 1;
	return (a & 0x20) != 0 ? a ^ 0x25 : a;
}

static unsigned gf32_times(unsigned a, unsigned b)
{
	unsigned product = 0;

	for (; b != 0; b >>= 1) {
		if ((b & 1) != 0)
			product ^= a;
		a = gf32_times_x(a);
	}
	return product;
}

static unsigned check_digit(const uint8_t values[NUM_DIGITS])
{
	unsigned sum = 0;
	unsigned weight = 1;

	for (int i = 0; i < NUM_DIGITS; i++) {
		weight = gf32_times_x(weight);
		sum ^= gf32_times(weight, values[i]);
	}
	return sum;
}

static void write_values(char out[RA_NUMBER_SIZE], const uint8_t values[NUM_DIGITS])
{
	char *p = out;

	for (int i = 0; i < NUM_DIGITS; i++) {
		*p++ = digits[values[i]];
		if (i % 4 == 3)
			*p++ = '-';
	}
	*p++ = digits[check_digit(values)];
	*p = '\0';
}

void ra_number_format(char out[RA_NUMBER_SIZE], const uint8_t bits[10])
{
	uint8_t values[NUM_DIGITS];

	for (size_t i = 0; i < NUM_DIGITS; i++) {
		size_t bit = i * 5;
		unsigned pair = (unsigned)bits[bit / 8] << 8 | (bit / 8 + 1 < 10 ? bits[bit / 8 + 1] : 0u);

		values[i] = (pair >> (11 - bit % 8)) & 31;
	}
	write_values(out, values);
}

struct err *ra_number_new(char out[RA_NUMBER_SIZE])
{
	uint8_t bits[10];

	if (RAND_bytes(bits, sizeof bits) != 1)
		return ERR_OPENSSL(SYSTEM, "drawing the number of an application");
	ra_number_format(out, bits);
	return NULL;
}

/* The value of a character as people type it, or -1. */
static int value_of(char c)
{
	int up = toupper((unsigned char)c);

	if (up == 'O')
		up = '0';
	if (up == 'I' || up == 'L')
		up = '1';
	const char *at = up == '\0' ? NULL : strchr(digits, up);
	return at == NULL ? -1 : (int)(at - digits);
}

struct err *ra_number_parse(char out[RA_NUMBER_SIZE], const char *text)
{
	uint8_t values[NUM_DIGITS + 1];
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == '-' || *text == ' ')
			continue;
		int value = value_of(*text);

		ENSURE_FIELD(value >= 0 && n <= NUM_DIGITS, BAD_INPUT, "number",
			     "not the number of an application (form: XXXX-XXXX-XXXX-XXXX-C)");
		values[n++] = (uint8_t)value;
	}
	ENSURE_FIELD(n == NUM_DIGITS + 1, BAD_INPUT, "number",
		     "not the number of an application (form: XXXX-XXXX-XXXX-XXXX-C)");
	ENSURE_FIELD(check_digit(values) == values[NUM_DIGITS], BAD_INPUT, "number",
		     "mistyped: the last digit does not fit the others");
	write_values(out, values);
	return NULL;
}
