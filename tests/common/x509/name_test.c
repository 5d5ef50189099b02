/*
 * name_test.c - subject names: NUC's bytes, upper case, limits in characters, what is refused, printing.
 */
#include <check.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "base/text.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/name.h"

static const struct name_rule individual[] = {
	{ NAME_CN, false }, { NAME_SURNAME, false }, { NAME_SERIALNUMBER, false }, { NAME_C, false }, { NAME_G, true }
};
static const struct name_rule head[] = { { NAME_CN, false }, { NAME_SURNAME, false }, { NAME_SERIALNUMBER, false },
					 { NAME_C, false },  { NAME_O, false },	      { NAME_OU, false },
					 { NAME_G, true } };
static const struct name_rule treasury[] = {
	{ NAME_CN, false },
	{ NAME_SURNAME, false },
	{ NAME_SERIALNUMBER, false },
	{ NAME_C, false },
	{ NAME_O, false },
	{ NAME_OU, false },
	{ NAME_G, true },
	{ NAME_BUSINESS_CATEGORY, false },
	{ NAME_DC, false },
};

/* The subject of NUC's individual sample of 2022, octet for octet. */
static const char testov_hex[] =
	"3079311e301c06035504030c15d0a2d095d0a1d0a2d09ed09220d0a2d095d0a1d0a23115301306035504040c0cd0a2d095d0a1d0a2"
	"d09ed09231183016060355040513"
	"0f49494e313233343536373839303131310b3009060355040613024b5a31193017060355042a0c10"
	"d0a2d095d0a1d0a2d09ed092d098d0a7";

static struct err *build(struct buf *out, const struct name_rule *rules, size_t num, const struct name_fields *f)
{
	buf_reset(out);
	return name_build(out, rules, num, f);
}

START_TEST(individual_of_the_sample)
{
	OWN(buf) name = BUF_INIT(4096);
	OWN(buf) hex = BUF_INIT(4096);
	const char *text = NULL;

	ck_ok(build(&name, individual, COUNT_OF(individual), &fixture_testov));
	ck_ok(text_hex(&hex, buf_slice(&name)));
	ck_ok(buf_str(&hex, &text));
	ck_assert_str_eq(text, testov_hex);
	ck_ok(name_check(buf_slice(&name), individual, COUNT_OF(individual)));
}
END_TEST

static const char *printed(struct buf *out, struct slice name)
{
	const char *text = NULL;

	buf_reset(out);
	ck_ok(name_print(out, name));
	ck_ok(buf_str(out, &text));
	return text;
}

START_TEST(forms)
{
	static const struct {
		const struct name_rule *rules;
		size_t num;
		struct name_fields fields;
		const char *printed;
	} cases[] = {
		{ individual,
		  COUNT_OF(individual),
		  { .surname = "бөкейхан", .given = "әлихан", .patronymic = "нұрмұхамедұлы", .iin = "123456789012" },
		  "CN=БӨКЕЙХАН ӘЛИХАН,SURNAME=БӨКЕЙХАН,SERIALNUMBER=IIN123456789012,C=KZ,G=НҰРМҰХАМЕДҰЛЫ" },
		{ individual,
		  COUNT_OF(individual),
		  { .surname = "ғқңөұүһі", .given = "ы", .iin = "900101300017" },
		  "CN=ҒҚҢӨҰҮҺІ Ы,SURNAME=ҒҚҢӨҰҮҺІ,SERIALNUMBER=IIN900101300017,C=KZ" },
		{ individual,
		  COUNT_OF(individual),
		  { .surname = "ЦЭРЭН", .patronymic = "", .iin = "900101300017" },
		  "CN=ЦЭРЭН,SURNAME=ЦЭРЭН,SERIALNUMBER=IIN900101300017,C=KZ" },
		{ head,
		  COUNT_OF(head),
		  { .surname = "ТЕСТОВ",
		    .given = "ТЕСТ",
		    .patronymic = "ТЕСТОВИЧ",
		    .iin = "123456789011",
		    .organisation = "АО \"Тест, + <x>\"",
		    .bin = "123456789021" },
		  "CN=ТЕСТОВ ТЕСТ,SURNAME=ТЕСТОВ,SERIALNUMBER=IIN123456789011,C=KZ,O=АО \\\"Тест\\, \\+ \\<x\\>\\\","
		  "OU=BIN123456789021,G=ТЕСТОВИЧ" },
		{ treasury,
		  COUNT_OF(treasury),
		  { .surname = "А",
		    .given = "Б",
		    .iin = "900101300017",
		    .organisation = "О",
		    .bin = "940140000385",
		    .treasury_client = "KS01234",
		    .treasury_role = "ROLE04" },
		  "CN=А Б,SURNAME=А,SERIALNUMBER=IIN900101300017,C=KZ,O=О,OU=BIN940140000385,businessCategory=KS01234,"
		  "DC=ROLE04" },
	};
	OWN(buf) name = BUF_INIT(4096);
	OWN(buf) text = BUF_INIT(4096);

	for (int i = 0; i < COUNT_OF(cases); i++) {
		ck_ok(build(&name, cases[i].rules, cases[i].num, &cases[i].fields));
		ck_assert_str_eq(printed(&text, buf_slice(&name)), cases[i].printed);
		ck_ok(name_check(buf_slice(&name), cases[i].rules, cases[i].num));
	}
}
END_TEST

START_TEST(missing_fields_are_named)
{
	static const struct {
		struct name_fields fields;
		const char *field;
	} cases[] = {
		{ { .given = "", .iin = "900101300017", .organisation = "О", .bin = "940140000385" }, "surname" },
		{ { .surname = "А", .organisation = "О", .bin = "940140000385" }, "iin" },
		{ { .surname = "А", .iin = "900101300017", .bin = "940140000385" }, "organisation" },
		{ { .surname = "А", .iin = "900101300017", .organisation = "О" }, "bin" },
		{ { .surname = "А", .iin = "90010130001", .organisation = "О", .bin = "940140000385" }, "iin" },
		{ { .surname = "А", .iin = "900101300017", .organisation = "О", .bin = "94014000038x" }, "bin" },
		{ { .surname = "А\n", .iin = "900101300017", .organisation = "О", .bin = "940140000385" }, "surname" },
		{ { .surname = "А\xFF", .iin = "900101300017", .organisation = "О", .bin = "940140000385" },
		  "surname" },
	};
	OWN(buf) name = BUF_INIT(4096);

	for (int i = 0; i < COUNT_OF(cases); i++) {
		OWN(err) e = build(&name, head, COUNT_OF(head), &cases[i].fields);

		ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
		ck_assert_str_eq(err_field(e), cases[i].field);
		ck_assert_uint_eq(name.len, 0);
	}
}
END_TEST

START_TEST(limits_count_characters)
{
	char organisation[200] = "", surname[200] = "";
	OWN(buf) name = BUF_INIT(4096);

	for (int i = 0; i < 64; i++)
		strcat(organisation, "Ұ");
	for (int i = 0; i < 32; i++)
		strcat(surname, "Ә");
	struct name_fields f = { .surname = surname,
				 .given = surname + 2,
				 .iin = "900101300017",
				 .organisation = organisation,
				 .bin = "940140000385" };
	ck_ok(build(&name, head, COUNT_OF(head), &f)); /* CN: 32 + 1 + 31 */
	f.given = surname;
	OWN(err) e = build(&name, head, COUNT_OF(head), &f);
	ck_assert_str_eq(err_field(e), "surname");
	ck_assert_ptr_nonnull(strstr(err_sentence(e), "CN is longer than 64 characters"));
	f.given = surname + 2;
	strcat(organisation, "Ұ");
	ck_fails(build(&name, head, COUNT_OF(head), &f), ERR_BAD_INPUT, "O is longer than 64 characters");
}
END_TEST

START_TEST(upper_case)
{
	static const char *const pairs[][2] = {
		{ "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ" },
		{ "әғқңөұүһі", "ӘҒҚҢӨҰҮҺІ" },
		{ "ӘҒҚҢӨҰҮҺІ", "ӘҒҚҢӨҰҮҺІ" },
		{ "azÀàÿşığçəßöü", "AZÀÀŸŞIĞÇƏßÖÜ" },
		{ "ђѓєїљњћќўџѡѣӏӂҗҙҝҡһӱԓ", "ЂЃЄЇЉЊЋЌЎЏѠѢӀӁҖҘҜҠҺӰԒ" },
		{ "123 -'’ʼ№", "123 -'’ʼ№" },
	};
	const char *text = NULL;

	for (int i = 0; i < COUNT_OF(pairs); i++) {
		OWN(buf) out = BUF_INIT(400);

		ck_ok(name_upper(&out, SLICE_STR(pairs[i][0])));
		ck_ok(buf_str(&out, &text));
		ck_assert_str_eq(text, pairs[i][1]);
	}
}
END_TEST

/* ---------------------------------------------------------------- check and read */

static void attribute(struct buf *out, enum oid_name id, uint8_t tag, const char *value)
{
	size_t set, sequence;

	ck_ok(der_open(out, &set, DER_SET));
	ck_ok(der_open(out, &sequence, DER_SEQUENCE));
	ck_ok(der_oid(out, oid(id)));
	ck_ok(der_tlv(out, tag, SLICE_STR(value)));
	ck_ok(der_close(out, sequence));
	ck_ok(der_close(out, set));
}

struct raw {
	enum oid_name id;
	uint8_t tag;
	const char *value;
};

static void raw_name(struct buf *out, const struct raw *list, size_t num)
{
	size_t sequence;

	buf_reset(out);
	ck_ok(der_open(out, &sequence, DER_SEQUENCE));
	for (size_t i = 0; i < num; i++)
		attribute(out, list[i].id, list[i].tag, list[i].value);
	ck_ok(der_close(out, sequence));
}

#define U DER_UTF8_STRING
#define P DER_PRINTABLE_STRING

START_TEST(other_forms_are_refused)
{
	static const struct {
		struct raw list[6];
		size_t num;
		const char *says;
	} cases[] = {
		{ { { OID_SURNAME, U, "А" }, { OID_COMMON_NAME, U, "А" } }, 2, "expected CN" }, /* incident 15 */
		{ { { OID_COMMON_NAME, P, "A" } }, 1, "CN has a wrong string type" },
		{ { { OID_COMMON_NAME, U, "" } }, 1, "CN is empty" },
		{ { { OID_COMMON_NAME, U, "A\x01" } }, 1, "control" },
		{ { { OID_COMMON_NAME, U, "A\xE2\x80\xAE" } }, 1, "control" },
		{ { { OID_COMMON_NAME, U, "A\xC0\x80" } }, 1, "UTF-8" },
		{ { { OID_COMMON_NAME, U, "А" }, { OID_SURNAME, U, "А" }, { OID_SERIAL_NUMBER, U, "IIN900101300017" } },
		  3,
		  "SERIALNUMBER has a wrong string type" },
		{ { { OID_COMMON_NAME, U, "А" }, { OID_SURNAME, U, "А" }, { OID_SERIAL_NUMBER, P, "900101300017" } },
		  3,
		  "must be IIN and 12 digits" },
		{ { { OID_COMMON_NAME, U, "А" },
		    { OID_SURNAME, U, "А" },
		    { OID_SERIAL_NUMBER, P, "IIN900101300017" },
		    { OID_COUNTRY, P, "RU" } },
		  4,
		  "C must be KZ" },
		{ { { OID_COMMON_NAME, U, "А" }, { OID_SURNAME, U, "А" }, { OID_SERIAL_NUMBER, P, "IIN900101300017" } },
		  3,
		  "C is missing" },
		{ { { OID_COMMON_NAME, U, "А" },
		    { OID_SURNAME, U, "А" },
		    { OID_SERIAL_NUMBER, P, "IIN900101300017" },
		    { OID_COUNTRY, P, "KZ" },
		    { OID_ORGANISATION, U, "О" } },
		  5,
		  "expected G" },
		{ { { OID_COMMON_NAME, U, "А" },
		    { OID_SURNAME, U, "А" },
		    { OID_SERIAL_NUMBER, P, "IIN900101300017" },
		    { OID_COUNTRY, P, "KZ" },
		    { OID_GIVEN_NAME, U, "О" },
		    { OID_GIVEN_NAME, U, "О" } },
		  6,
		  "expected the end" },
		{ { { OID_COMMON_NAME, U, "А" } }, 0, "CN is missing" },
	};
	OWN(buf) name = BUF_INIT(4096);

	for (int i = 0; i < COUNT_OF(cases); i++) {
		raw_name(&name, cases[i].list, cases[i].num);
		ck_fails(name_check(buf_slice(&name), individual, COUNT_OF(individual)), ERR_BAD_INPUT, cases[i].says);
	}
	ck_fails(name_check(SLICE("\x31\x00", 2), individual, COUNT_OF(individual)), ERR_BAD_INPUT, "Name");
	ck_fails(name_check(SLICE_NONE, individual, COUNT_OF(individual)), ERR_BAD_INPUT, "Name");
}
END_TEST

START_TEST(persons_are_read)
{
	OWN(buf) name = BUF_INIT(4096);
	char iin[13], bin[13];
	struct slice value;

	ck_ok(build(&name, head, COUNT_OF(head), &fixture_testov_head));
	name_person(iin, bin, buf_slice(&name));
	ck_assert_str_eq(iin, "123456789011");
	ck_assert_str_eq(bin, "123456789021");
	ck_assert(name_get(&value, buf_slice(&name), NAME_O));
	ck_assert(slice_equal(value, SLICE_STR("АО \"ТЕСТ\"")));
	ck_assert(!name_get(&value, buf_slice(&name), NAME_UID));
	static const struct raw entity[] = { { OID_SERIAL_NUMBER, P, "BIN940140000385" },
					     { OID_ORGANISATIONAL_UNIT, U, "IIN123456789011" } };
	raw_name(&name, entity, COUNT_OF(entity));
	name_person(iin, bin, buf_slice(&name));
	ck_assert_str_eq(iin, "");
	ck_assert_str_eq(bin, "940140000385");
	name_person(iin, bin, SLICE("rubbish", 7));
	ck_assert_str_eq(iin, "");
	ck_assert_str_eq(bin, "");
}
END_TEST

START_TEST(printing_escapes)
{
	static const struct raw list[] = { { OID_COMMON_NAME, U, "#a\n\xE2\x80\xAE,b " },
					   { OID_SURNAME, U,
					     " \xFF"
					     "c" },
					   { OID_EMAIL_ADDRESS, DER_IA5_STRING, "a@b.kz" },
					   { OID_ORGANISATION, 0x1E, "\x04\x10" }, /* BMPString */
					   { OID_NUC_HEAD, U, "x" } };
	OWN(buf) name = BUF_INIT(4096);
	OWN(buf) text = BUF_INIT(4096);

	raw_name(&name, list, COUNT_OF(list));
	ck_assert_str_eq(printed(&text, buf_slice(&name)),
			 "CN=\\23a\\0A\\E2\\80\\AE\\,b\\20,SURNAME=\\20\\FFc,emailAddress=a@b.kz,O=#1e020410,"
			 "1.2.398.3.3.4.1.2.1=#0c0178");
	ck_fails(name_print(&text, SLICE("\x30\x02\x31\x01", 4)), ERR_BAD_INPUT, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/name");
	TCase *t = tcase_create("all");

	tcase_add_test(t, individual_of_the_sample);
	tcase_add_test(t, forms);
	tcase_add_test(t, missing_fields_are_named);
	tcase_add_test(t, limits_count_characters);
	tcase_add_test(t, upper_case);
	tcase_add_test(t, other_forms_are_refused);
	tcase_add_test(t, persons_are_read);
	tcase_add_test(t, printing_escapes);
	suite_add_tcase(s, t);
	return suite_main(s);
}
