/*
 * person_test.c - numbers, names and addresses of applications: the values of nuc-domain.md section 2, and tables of
 * what must not pass.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "support/suite.h"
#include "x509/person.h"

enum verdict { OK, WRONG, UNASSIGNED };

static const struct {
	const char *number;
	enum verdict verdict;
	bool second_pass;
} numbers[] = {
	{ "061211600012", OK, true },	       { "680503450037", OK, false },
	{ "800416300257", OK, false },	       { "871008401427", OK, false },
	{ "830717350867", OK, true },	       { "900101300017", OK, false },
	{ "900101300811", OK, true },	       { "050229500017", OK, false },
	{ "000813159890", UNASSIGNED, false }, { "940140000385", OK, false },
	{ "990140004654", OK, false },	       { "161140016747", OK, false },
	{ "000740000728", OK, false },	       { "930540000147", OK, true },
	{ "190140034595", OK, true },	       { "010840005165", OK, true },
	{ "171140900016", OK, false },	       { "191140008797", WRONG, false },
	{ "123456789011", WRONG, false },      { "123456789021", WRONG, false },
	{ "123456789012", WRONG, false },      { "900101300800", UNASSIGNED, false },
	{ "900101300805", UNASSIGNED, false }, { "900101300809", UNASSIGNED, false },
};

static int first_pass_sum(const char *number)
{
	int sum = 0;

	for (int i = 0; i < 11; i++)
		sum += (number[i] - '0') * (i + 1);
	return sum % 11;
}

START_TEST(check_digits_of_the_domain)
{
	const char *number = numbers[_i].number;

	if (numbers[_i].verdict == OK) {
		ck_ok(person_check_iin("iin", number, PERSON_STRICT, NULL));
		ck_ok(person_check_bin("bin", number, PERSON_STRICT, NULL));
		ck_assert_int_eq(first_pass_sum(number) == 10, numbers[_i].second_pass);
		ck_assert_int_eq(person_check_digit(number), number[11] - '0');
	} else if (numbers[_i].verdict == WRONG) {
		ck_fails(person_check_iin("iin", number, PERSON_STRICT, NULL), ERR_BAD_INPUT, "wrong check digit");
		ck_fails(person_check_bin("bin", number, PERSON_STRICT, NULL), ERR_BAD_INPUT, "the BIN has a wrong");
		ck_ok(person_check_bin("bin", number, PERSON_OVERRIDE_CHECK_DIGIT, NULL));
	} else {
		ck_assert_int_eq(person_check_digit(number), -1);
		ck_fails(person_check_iin("iin", number, PERSON_STRICT, NULL), ERR_BAD_INPUT, "assigned to no one");
	}
}
END_TEST

START_TEST(no_other_last_digit_is_right)
{
	for (int i = 0; i < COUNT_OF(numbers); i++)
		for (char digit = '0'; digit <= '9'; digit++) {
			char other[13];

			memcpy(other, numbers[i].number, 13);
			other[11] = digit;
			if (numbers[i].verdict == OK && digit != numbers[i].number[11])
				ck_fails(person_check_iin("iin", other, PERSON_STRICT, NULL), ERR_BAD_INPUT, "digit");
		}
}
END_TEST

/* About 0.8 % of prefixes have no check digit, about 9 % need the second pass. */
START_TEST(passes_come_as_often_as_computed)
{
	int second = 0, none = 0, all = 0;
	char digits[12];

	for (int n = 0; n < 100000; n++, all++) {
		(void)snprintf(digits, sizeof digits, "9%010d", (int)((n * 7919LL) % 1000000000LL));
		int digit = person_check_digit(digits);
		none += digit == -1;
		second += digit != -1 && first_pass_sum(digits) == 10;
	}
	ck_assert_int_gt(second, all * 7 / 100);
	ck_assert_int_lt(second, all * 10 / 100);
	ck_assert_int_gt(none, all * 5 / 1000);
	ck_assert_int_lt(none, all * 12 / 1000);
}
END_TEST

START_TEST(form_of_numbers)
{
	static const char *const wrong[] = { "",
					     "12345678901",
					     "1234567890123",
					     "12345678901a",
					     " 23456789011",
					     "12345678901\n",
					     "１２３４５６",
					     "-12345678901" };

	for (int i = 0; i < COUNT_OF(wrong); i++)
		ck_fails(person_check_iin("person.iin", wrong[i], PERSON_TEST_IDENTITIES | PERSON_OVERRIDE_CHECK_DIGIT,
					  NULL),
			 ERR_BAD_INPUT, "12 digits");
	OWN(err) e = person_check_iin("person.iin", NULL, 0, NULL);
	ck_assert_str_eq(err_field(e), "person.iin");
}
END_TEST

START_TEST(test_identities_need_their_switch)
{
	ck_fails(person_check_iin("iin", "123456789011", PERSON_STRICT, NULL), ERR_BAD_INPUT, "check digit");
	ck_ok(person_check_iin("iin", "123456789011", PERSON_TEST_IDENTITIES, NULL));
	ck_ok(person_check_iin("iin", "123456789012", PERSON_TEST_IDENTITIES, NULL));
	ck_ok(person_check_bin("bin", "123456789021", PERSON_TEST_IDENTITIES, NULL));
	ck_fails(person_check_iin("iin", "123456789014", PERSON_TEST_IDENTITIES, NULL), ERR_BAD_INPUT, "check digit");
	ck_fails(person_check_iin("iin", "000813159890", PERSON_TEST_IDENTITIES, NULL), ERR_BAD_INPUT, "check digit");
}
END_TEST

START_TEST(dates_only_warn)
{
	const char *warning = "unset";

	ck_ok(person_check_iin("iin", "050229500017", PERSON_STRICT, &warning)); /* 29 February 2005 */
	ck_assert_ptr_nonnull(warning);
	ck_assert_ptr_nonnull(strstr(warning, "no date"));
	ck_ok(person_check_iin("iin", "900101300017", PERSON_STRICT, &warning));
	ck_assert_ptr_null(warning);
	ck_ok(person_check_bin("bin", "940140000385", PERSON_STRICT, &warning));
	ck_assert_ptr_null(warning);
	ck_ok(person_check_bin("bin", "123456789021", PERSON_TEST_IDENTITIES, &warning));
	ck_assert_ptr_nonnull(warning);
}
END_TEST

/* ---------------------------------------------------------------- names */

static const char *const good_names[] = {
	"БӨКЕЙХАН",  "Әлихан", "НҰРМҰХАМЕДҰЛЫ", "Ғ",	  "Қ",	      "Ң",	    "Ө",	   "Ұ",	     "Ү",
	"Һ",	     "І",      "әғқңөұүһі",	"Ким-Ли", "О'Коннор", "д’Артаньян", "Сейіт Ахмет", "Müller", "Şükrü",
	"ІБРАГИМОВ", "Ц.",     "Ц. Батаа"
};

START_TEST(names_that_pass)
{
	ck_ok(person_check_name("surname", SLICE_STR(good_names[_i])));
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	const char *says;
} bad_names[] = {
	{ "", 0, "empty" },
	{ " ИВАНОВ", 13, "begins" },
	{ "ИВАНОВ ", 13, "ends" },
	{ "ИВАНОВ  ПЕТРОВ", 26, "two in a row" },
	{ "-ИВАНОВ", 13, "begins" },
	{ "ИВАНОВ'; DROP TABLE application;--", 40, "not allowed" },
	{ "<script>alert(1)</script>", 25, "character <" },
	{ "A&B", 3, "character &" },
	{ "A@B", 3, "character @" },
	{ "A*B", 3, "character *" },
	{ "A_B", 3, "character _" },
	{ "ИВАН1", 9, "character 1" },
	{ "ИВАН\xF0\x9F\x98\x80", 12, "U+1F600" },
	{ "ИВ\0АН", 9, "UTF-8" },
	{ "ИВ\xE2\x80\xAE"
	  "АН",
	  11, "U+202E" },
	{ "ИВ\xE2\x80\x8B"
	  "АН",
	  11, "U+200B" },
	{ "ИВ\nАН", 9, "U+000A" },
	{ "И\xCC\x86ОГ", 8, "composed form" },
	{ "\xC0\x80", 2, "UTF-8" },
	{ "\xED\xA0\x80", 3, "UTF-8" },
	{ "\xD0", 1, "UTF-8" },
	{ "שלום", 8, "not allowed" },
	{ "王", 3, "U+738B" },
};

START_TEST(names_that_do_not)
{
	struct slice text = SLICE(bad_names[_i].text, bad_names[_i].len);

	ck_fails(person_check_name("surname", text), ERR_BAD_INPUT, bad_names[_i].says);
	OWN(err) e = person_check_name("surname", text);
	ck_assert_str_eq(err_field(e), "surname");
}
END_TEST

START_TEST(lengths_count_characters)
{
	char text[200] = "";

	for (int i = 0; i < PERSON_NAME_MAX; i++)
		strcat(text, "Ұ");
	ck_ok(person_check_name("surname", SLICE_STR(text)));
	ck_ok(person_check_organisation("organisation", SLICE_STR(text)));
	strcat(text, "Ұ");
	ck_fails(person_check_name("surname", SLICE_STR(text)), ERR_BAD_INPUT, "longer than 64 characters");
	ck_fails(person_check_organisation("organisation", SLICE_STR(text)), ERR_BAD_INPUT, "longer than 64");
}
END_TEST

START_TEST(organisations)
{
	static const char *const good[] = { "АО \"ТЕСТ\"", "\"АЛАШ\" ПАРТИЯСЫ", "ТОО «A&B»",
					    "РМК №1",	   "ИП Иванов И.И.",	"Компания (Казахстан) 2000, LTD" };
	static const struct {
		const char *text, *says;
	} bad[] = { { "", "empty" },
		    { " АО", "begins" },
		    { "АО ", "ends" },
		    { "АО  ТЕСТ", "two in a row" },
		    { "<b>АО</b>", "character <" },
		    { "АО\tТЕСТ", "U+0009" },
		    { "АО\\ТЕСТ", "not allowed" },
		    { "АО \xF0\x9F\x98\x80", "U+1F600" } };

	for (int i = 0; i < COUNT_OF(good); i++)
		ck_ok(person_check_organisation("organisation", SLICE_STR(good[i])));
	for (int i = 0; i < COUNT_OF(bad); i++)
		ck_fails(person_check_organisation("organisation", SLICE_STR(bad[i].text)), ERR_BAD_INPUT, bad[i].says);
}
END_TEST

/* ---------------------------------------------------------------- addresses */

typedef struct err *check_fn(const char *field, struct slice text);

static void table(check_fn *check, const char *const *good, const char *const *bad)
{
	for (; *good != NULL; good++)
		ck_ok(check("field", SLICE_STR(*good)));
	for (; *bad != NULL; bad++) {
		OWN(err) e = check("field", SLICE_STR(*bad));

		ck_assert_msg(err_code(e) == ERR_BAD_INPUT, "passed: %s", *bad);
		ck_assert_str_eq(err_field(e), "field");
	}
}

START_TEST(emails)
{
	static const char *const good[] = { "a@b.kz", "test.testov+egov@mail.gov.kz", "x_y-z'q@a-b.example",
					    "1234567890123456789012345678901234567890123456789012345678901234@a.kz",
					    NULL };
	static const char *const bad[] = { "",
					   "a",
					   "@b.kz",
					   "a@",
					   "a@b",
					   "a@b.",
					   "a@.kz",
					   "a..b@c.kz",
					   ".a@c.kz",
					   "a.@c.kz",
					   "a b@c.kz",
					   "a@b c.kz",
					   "a@b@c.kz",
					   "тест@mail.kz",
					   "a@почта.kz",
					   "a@-b.kz",
					   "a@b-.kz",
					   "a@1.2.3.4",
					   "\"a b\"@c.kz",
					   "a@c.kz\n",
					   "a\r@c.kz",
					   "<a@c.kz>",
					   "12345678901234567890123456789012345678901234567890123456789012345@a.kz",
					   NULL };

	table(person_check_email, good, bad);
	char text[400];
	memset(text, 'a', sizeof text);
	memcpy(text, "x@", 2);
	for (int i = 50; i < 300; i += 50)
		text[i] = '.';
	ck_fails(person_check_email("e", SLICE(text, 255)), ERR_BAD_INPUT, "longer than 254");
	ck_fails(person_check_email("e", SLICE("a@b\0.kz", 7)), ERR_BAD_INPUT, "domain");
}
END_TEST

START_TEST(phones_and_codes)
{
	static const char *const good[] = { "+77011234567", "+12345678", "+123456789012345", NULL };
	static const char *const bad[] = { "",
					   "+",
					   "77011234567",
					   "+7701 123 45 67",
					   "+0701123456",
					   "+1234567",
					   "+1234567890123456",
					   "+7701123456x",
					   NULL };
	static const char *const good_oid[] = { "1.2.398.3.3.5.1.1", "0.9.2342.19200300.100.1.25", "2.999", "1.0",
						NULL };
	static const char *const bad_oid[] = {
		"", "1", "1.", ".1", "1..2", "3.1", "1.40", "1.02", "1.2.", "1.2.a", "1.2.99999999999", "1 2", NULL
	};

	table(person_check_phone, good, bad);
	table(person_check_oid, good_oid, bad_oid);
	ck_ok(person_check_code("treasury_role", SLICE_STR("ROLE04"), 20));
	ck_fails(person_check_code("treasury_role", SLICE_STR("role04"), 20), ERR_BAD_INPUT, "capital");
	ck_fails(person_check_code("treasury_role", SLICE_STR(""), 20), ERR_BAD_INPUT, "1 to 20");
	ck_fails(person_check_code("treasury_role", SLICE_STR("A B"), 20), ERR_BAD_INPUT, "capital");
}
END_TEST

START_TEST(domain_names)
{
	static const char *const good[] = { "example.kz", "a.b.c.gov.kz", "xn--e1afmkfd.kz", "a-b.kz", "1.kz", NULL };
	static const char *const bad[] = { "",
					   "kz",
					   "Example.kz",
					   "*.example.kz",
					   "example.kz.",
					   ".example.kz",
					   "exa_mple.kz",
					   "exa mple.kz",
					   "10.0.0.1",
					   "-a.kz",
					   "a-.kz",
					   "пример.kz",
					   "a..kz",
					   "http://a.kz",
					   "a123456789012345678901234567890123456789012345678901234567890123.kz",
					   NULL };

	table(person_check_dns, good, bad);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/person");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, check_digits_of_the_domain, 0, COUNT_OF(numbers));
	tcase_add_test(t, no_other_last_digit_is_right);
	tcase_add_test(t, passes_come_as_often_as_computed);
	tcase_add_test(t, form_of_numbers);
	tcase_add_test(t, test_identities_need_their_switch);
	tcase_add_test(t, dates_only_warn);
	tcase_add_loop_test(t, names_that_pass, 0, COUNT_OF(good_names));
	tcase_add_loop_test(t, names_that_do_not, 0, COUNT_OF(bad_names));
	tcase_add_test(t, lengths_count_characters);
	tcase_add_test(t, organisations);
	tcase_add_test(t, emails);
	tcase_add_test(t, phones_and_codes);
	tcase_add_test(t, domain_names);
	suite_add_tcase(s, t);
	return suite_main(s);
}
