/*
 * person.c - checks of what people write in an application. See person.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/person.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "x509/utf8.h"

static int weighted(const char *digits, const int weights[11])
{
	int sum = 0;

	for (int i = 0; i < 11; i++)
		sum += (digits[i] - '0') * weights[i];
	return sum % 11;
}

int person_check_digit(const char *first_eleven)
{
	static const int first_pass[11] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	static const int second_pass[11] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2 };

	for (int i = 0; i < 11; i++)
		if (first_eleven[i] < '0' || first_eleven[i] > '9')
			return -2;
	int digit = weighted(first_eleven, first_pass);
	if (digit == 10)
		digit = weighted(first_eleven, second_pass);
	return digit == 10 ? -1 : digit;
}

static bool is_test_identity(const char *number)
{
	static const char *const identities[] = { "123456789011", "123456789012", "123456789021" };

	for (size_t i = 0; i < sizeof identities / sizeof identities[0]; i++)
		if (strcmp(number, identities[i]) == 0)
			return true;
	return false;
}

/* The part that IIN and BIN share. */
static struct err *check_number(const char *field, const char *word, const char *number, unsigned leniency)
{
	ENSURE_FIELD(number != NULL && text_is_digits(number, 12), BAD_INPUT, field, "%s must have exactly 12 digits",
		     word);
	if ((leniency & PERSON_TEST_IDENTITIES) != 0 && is_test_identity(number))
		return NULL;
	if ((leniency & PERSON_OVERRIDE_CHECK_DIGIT) != 0)
		return NULL;
	int digit = person_check_digit(number);
	ENSURE_FIELD(digit != -1, BAD_INPUT, field,
		     "%s is impossible: numbers that begin with %.11s have no check digit and are assigned to no one",
		     word, number);
	ENSURE_FIELD(digit == number[11] - '0', BAD_INPUT, field, "%s has a wrong check digit, look for a typing error",
		     word);
	return NULL;
}

static int two(const char *digits)
{
	return (digits[0] - '0') * 10 + (digits[1] - '0');
}

static const char *iin_warning(const char *iin)
{
	int century = iin[6] - '0';
	struct civil date = { .year = 1800 + two(iin), .month = two(iin + 2), .day = two(iin + 4) };

	if (century > 6)
		return "digit 7 of the IIN is not one that is given out";
	if (century > 0)
		date.year += 100 * ((century - 1) / 2);
	else
		date.year += 200; /* foreigners: the century is not told, 2000 has the leap day */
	if (!clock_civil_ok(&date))
		return "the first six digits of the IIN are no date";
	return NULL;
}

static const char *bin_warning(const char *bin)
{
	int month = two(bin + 2);

	if (month < 1 || month > 12)
		return "digits 3 and 4 of the BIN are no month";
	if (bin[4] < '4' || bin[4] > '6')
		return "digit 5 of the BIN is not 4, 5 or 6";
	if (bin[5] > '3')
		return "digit 6 of the BIN is not 0, 1, 2 or 3";
	return NULL;
}

struct err *person_check_iin(const char *field, const char *iin, unsigned leniency, const char **out_warning)
{
	TRY(check_number(field, "the IIN", iin, leniency));
	if (out_warning != NULL)
		*out_warning = iin_warning(iin);
	return NULL;
}

struct err *person_check_bin(const char *field, const char *bin, unsigned leniency, const char **out_warning)
{
	TRY(check_number(field, "the BIN", bin, leniency));
	if (out_warning != NULL)
		*out_warning = bin_warning(bin);
	return NULL;
}

/* ---------------------------------------------------------------- names */

static struct err *check_length(const char *field, struct slice text, size_t max)
{
	size_t length = 0;
	OWN(err) e = text_utf8_length(&length, text);

	ENSURE_FIELD(e == NULL, BAD_INPUT, field, "%s is not valid UTF-8 text", field);
	ENSURE_FIELD(length > 0, BAD_INPUT, field, "%s is empty", field);
	ENSURE_FIELD(length <= max, BAD_INPUT, field, "%s is longer than %zu characters", field, max);
	return NULL;
}

/* One refused character, in words that help: a decomposed letter looks right on a screen. */
static struct err *refuse_character(const char *field, uint32_t c)
{
	if (c >= 0x0300 && c <= 0x036F)
		return ERR_FIELD(BAD_INPUT, field,
				 "%s holds a combining mark (U+%04X): write letters in composed form (NFC)", field,
				 (unsigned)c);
	if (c >= 0x21 && c < 0x7F)
		return ERR_FIELD(BAD_INPUT, field, "%s holds the character %c, which is not allowed here", field,
				 (char)c);
	return ERR_FIELD(BAD_INPUT, field, "%s holds the character U+%04X, which is not allowed here", field,
			 (unsigned)c);
}

static bool in_set(uint32_t c, const uint32_t *set)
{
	for (; *set != 0; set++)
		if (*set == c)
			return true;
	return false;
}

/* Joins: one between two words, none at the ends; a full stop may end a word ("ОРАЛ."). */
static const uint32_t name_joins[] = { ' ', '-', '\'', 0x2019, 0x02BC, '.', 0 };

struct err *person_check_name(const char *field, struct slice text)
{
	uint32_t c, before = ' ';
	struct slice rest = text;

	TRY(check_length(field, text, PERSON_NAME_MAX));
	while (utf8_next(&c, &rest)) {
		bool join = in_set(c, name_joins);

		if (!join && !utf8_is_letter(c))
			return refuse_character(field, c);
		ENSURE_FIELD(!join || !in_set(before, name_joins) || (before == '.' && (c == ' ' || c == '-')),
			     BAD_INPUT, field, "%s begins with a space or a mark, or has two in a row", field);
		before = c;
	}
	ENSURE_FIELD(before == '.' || !in_set(before, name_joins), BAD_INPUT, field, "%s ends with a space or a mark",
		     field);
	return NULL;
}

static const uint32_t organisation_marks[] = { ' ',    '"',    '\'',   '&',    '+',    '.',    ',',    ':',    ';',
					       '(',    ')',    '/',    '-',    '!',    '?',    '%',    '*',    '@',
					       '_',    '#',    '=',    0xAB,   0xBB,   0x2013, 0x2014, 0x2018, 0x2019,
					       0x201A, 0x201C, 0x201D, 0x201E, 0x2116, 0x02BC, 0 };

struct err *person_check_organisation(const char *field, struct slice text)
{
	uint32_t c, before = ' ';
	struct slice rest = text;

	TRY(check_length(field, text, PERSON_ORGANISATION_MAX));
	while (utf8_next(&c, &rest)) {
		if (!utf8_is_letter(c) && !(c >= '0' && c <= '9') && !in_set(c, organisation_marks))
			return refuse_character(field, c);
		ENSURE_FIELD(c != ' ' || before != ' ', BAD_INPUT, field, "%s begins with a space or has two in a row",
			     field);
		before = c;
	}
	ENSURE_FIELD(before != ' ', BAD_INPUT, field, "%s ends with a space", field);
	return NULL;
}

/* ---------------------------------------------------------------- addresses */

static bool is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static struct err *check_label(const char *field, struct slice label)
{
	ENSURE_FIELD(label.len >= 1 && label.len <= 63, BAD_INPUT, field,
		     "%s: a part of the domain between dots is empty or longer than 63 characters", field);
	for (size_t i = 0; i < label.len; i++)
		ENSURE_FIELD(is_alnum(label.p[i]) || label.p[i] == '-', BAD_INPUT, field,
			     "%s: a domain holds letters, digits, hyphens and dots only", field);
	ENSURE_FIELD(label.p[0] != '-' && label.p[label.len - 1] != '-', BAD_INPUT, field,
		     "%s: a part of the domain begins or ends with a hyphen", field);
	return NULL;
}

/* A domain of two labels or more whose last is not all digits (that would be an address). */
static struct err *check_domain(const char *field, struct slice domain)
{
	size_t start = 0, labels = 0;
	bool digits_only = true;

	ENSURE_FIELD(domain.len <= PERSON_DNS_MAX, BAD_INPUT, field, "%s: the domain is longer than %d characters",
		     field, PERSON_DNS_MAX);
	for (size_t i = 0; i <= domain.len; i++) {
		if (i < domain.len && domain.p[i] != '.')
			continue;
		TRY(check_label(field, SLICE(domain.p + start, i - start)));
		digits_only = true;
		for (size_t k = start; k < i; k++)
			digits_only = digits_only && domain.p[k] >= '0' && domain.p[k] <= '9';
		labels++;
		start = i + 1;
	}
	ENSURE_FIELD(labels >= 2, BAD_INPUT, field, "%s: the domain needs at least one dot", field);
	ENSURE_FIELD(!digits_only, BAD_INPUT, field, "%s: an address in digits is not a domain name", field);
	return NULL;
}

struct err *person_check_email(const char *field, struct slice text)
{
	static const char marks[] = "!#$%&'*+/=?^_`{|}~-"; /* atext of RFC 5321 §4.1.2 besides letters and digits */
	size_t at = 0;

	ENSURE_FIELD(text.len > 0, BAD_INPUT, field, "%s is empty", field);
	ENSURE_FIELD(text.len <= PERSON_EMAIL_MAX, BAD_INPUT, field, "%s is longer than %d characters", field,
		     PERSON_EMAIL_MAX);
	while (at < text.len && text.p[at] != '@')
		at++;
	ENSURE_FIELD(at >= 1 && at <= 64 && at < text.len, BAD_INPUT, field,
		     "%s must be NAME@DOMAIN with a name of 1 to 64 characters", field);
	for (size_t i = 0; i < at; i++) {
		uint8_t c = text.p[i];

		if (c == '.')
			ENSURE_FIELD(i > 0 && i + 1 < at && text.p[i - 1] != '.', BAD_INPUT, field,
				     "%s: the name begins or ends with a dot or has two in a row", field);
		else
			ENSURE_FIELD(is_alnum(c) || (c != '\0' && strchr(marks, c) != NULL), BAD_INPUT, field,
				     "%s holds a character that the name before @ may not have", field);
	}
	return check_domain(field, SLICE(text.p + at + 1, text.len - at - 1));
}

struct err *person_check_phone(const char *field, struct slice text)
{
	bool ok = text.len >= 9 && text.len <= 16 && text.p[0] == '+' && text.p[1] != '0';

	for (size_t i = 1; ok && i < text.len; i++)
		ok = text.p[i] >= '0' && text.p[i] <= '9';
	ENSURE_FIELD(ok, BAD_INPUT, field, "%s must be + and 8 to 15 digits, such as +77011234567", field);
	return NULL;
}

struct err *person_check_dns(const char *field, struct slice text)
{
	ENSURE_FIELD(text.len > 0, BAD_INPUT, field, "%s is empty", field);
	ENSURE_FIELD(memchr(text.p, '*', text.len) == NULL, BAD_INPUT, field, "%s: wildcard names are not issued",
		     field);
	for (size_t i = 0; i < text.len; i++)
		ENSURE_FIELD(!(text.p[i] >= 'A' && text.p[i] <= 'Z'), BAD_INPUT, field,
			     "%s must be in lower-case letters", field);
	return check_domain(field, text);
}

struct err *person_check_oid(const char *field, struct slice text)
{
	size_t arcs = 0;
	bool ok = text.len >= 3 && text.len <= 63;
	uint64_t first = 0;

	for (size_t i = 0; ok && i < text.len; arcs++) {
		uint64_t arc = 0;
		size_t start = i;

		while (i < text.len && text.p[i] >= '0' && text.p[i] <= '9' && arc <= UINT32_MAX)
			arc = arc * 10 + (uint64_t)(text.p[i++] - '0');
		ok = i > start && arc <= UINT32_MAX && (text.p[start] != '0' || i == start + 1) &&
		     (i == text.len || (text.p[i] == '.' && i + 1 < text.len));
		if (arcs == 0)
			first = arc;
		ok = ok && (arcs != 0 || arc <= 2) && (arcs != 1 || first == 2 || arc <= 39);
		i++;
	}
	ENSURE_FIELD(ok && arcs >= 2, BAD_INPUT, field, "%s must be an object identifier in dotted form", field);
	return NULL;
}

struct err *person_check_code(const char *field, struct slice text, size_t max)
{
	ENSURE_FIELD(text.len >= 1 && text.len <= max, BAD_INPUT, field, "%s must have 1 to %zu characters", field,
		     max);
	for (size_t i = 0; i < text.len; i++)
		ENSURE_FIELD((text.p[i] >= 'A' && text.p[i] <= 'Z') || (text.p[i] >= '0' && text.p[i] <= '9'),
			     BAD_INPUT, field, "%s holds capital Latin letters and digits only", field);
	return NULL;
}
