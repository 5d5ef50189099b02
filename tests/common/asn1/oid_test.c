/*
 * oid_test.c - identifiers by name, dotted text both ways; serial numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "base/text.h"
#include "support/suite.h"

START_TEST(every_name_agrees_with_openssl)
{
	for (int i = 0; i < OID_COUNT; i++) {
		char text[OID_TEXT_SIZE];
		enum oid_name found = OID_COUNT;
		ASN1_OBJECT *judge = OBJ_txt2obj(oid_dotted((enum oid_name)i), 1);
		ck_assert_ptr_nonnull(judge);
		ck_assert(slice_equal(oid_from_asn1(judge), oid((enum oid_name)i)));
		ASN1_OBJECT_free(judge);
		ck_ok(oid_text(text, oid((enum oid_name)i)));
		ck_assert_str_eq(text, oid_dotted((enum oid_name)i));
		ck_assert(oid_find(&found, oid((enum oid_name)i)));
		ck_assert_int_eq(found, i); /* no identifier is in the list twice */
		ck_assert(oid_find_word(&found, oid_word((enum oid_name)i)));
		ck_assert_int_eq(found, i); /* nor is a word */
	}
}
END_TEST

START_TEST(unknown_ones_are_not_found)
{
	enum oid_name found;

	ck_assert(!oid_find(&found, SLICE("\x2A\x03", 2)));
	ck_assert(!oid_find_word(&found, "nothing"));
}
END_TEST

static const char *const good_text[] = { "0.0",
					 "0.39",
					 "1.0",
					 "1.39.0",
					 "2.0",
					 "2.999.10",
					 "2.100.3",
					 "1.2.398.3.3.4.1.2.6.164",
					 "2.25.922337203685477579" };

START_TEST(text_both_ways)
{
	OWN(buf) content = BUF_INIT(OID_MAX_LEN);
	char text[OID_TEXT_SIZE];

	ck_ok(oid_parse(&content, good_text[_i]));
	ck_assert(oid_check(buf_slice(&content)));
	ck_ok(oid_text(text, buf_slice(&content)));
	ck_assert_str_eq(text, good_text[_i]);
}
END_TEST

static const char *const bad_text[] = { "",
					"1",
					"1.",
					".1",
					"1..2",
					"1.40",
					"3.1",
					"1.02",
					"01.2",
					"1.2a",
					"1.2 ",
					"1.-2",
					"1.2.99999999999999999999",
					"a.b",
					"1.2." };

START_TEST(text_refuses)
{
	OWN(buf) content = BUF_INIT(OID_MAX_LEN);

	ck_fails(oid_parse(&content, bad_text[_i]), ERR_BAD_INPUT, "object identifier");
	ck_assert_uint_eq(content.len, 0);
}
END_TEST

START_TEST(octets_refuse)
{
	char text[OID_TEXT_SIZE];

	ck_fails(oid_text(text, SLICE_NONE), ERR_BAD_INPUT, "malformed");
	ck_fails(oid_text(text, SLICE("\x55\x80\x01", 3)), ERR_BAD_INPUT, "malformed");
	ck_fails(oid_text(text, SLICE("\x55\x81", 2)), ERR_BAD_INPUT, "malformed");
	ck_fails(oid_text(text, SLICE("\x55\x83\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11)), ERR_TOO_LARGE, "arc");
}
END_TEST

START_TEST(nuc_names_are_registered_once)
{
	ck_ok(oid_register());
	ck_ok(oid_register());
	ck_assert_int_ne(OBJ_txt2nid("1.2.398.3.3.4.1.2.1"), NID_undef);
	ck_assert_str_eq(OBJ_nid2sn(OBJ_txt2nid("1.2.398.3.3.4.1.2.1")), "nucHead");
}
END_TEST

/* ---- serial numbers ---- */

static const char *const good_serials[] = { "01",
					    "7f",
					    "0080",
					    "00ff",
					    "1000",
					    "7fffffffffffffffffffffffffffffffffffffff",
					    "00ffffffffffffffffffffffffffffffffffffff" };

START_TEST(serials_both_ways)
{
	struct serial serial, again;
	char hex[SERIAL_HEX_SIZE];
	ASN1_INTEGER *n = NULL;
	OWN(buf) ours = BUF_INIT(40);
	OWN(buf) judge = BUF_INIT(40);

	ck_ok(serial_from_hex(&serial, good_serials[_i]));
	ck_assert_str_eq(serial_hex(hex, &serial), good_serials[_i]);
	ck_ok(serial_to_asn1(&n, &serial));
	ck_ok(serial_from_asn1(&again, n));
	ck_assert(serial_equal(&serial, &again));
	ck_ok(der_serial(&ours, &serial));
	ck_ok(DER_ENCODE(&judge, ASN1_INTEGER, n));
	ck_assert(slice_equal(buf_slice(&ours), buf_slice(&judge)));
	ASN1_INTEGER_free(n);
}
END_TEST

static const struct {
	const char *hex, *why;
} bad_serials[] = {
	{ "", "1 to 20" },     { "00", "zero" },     { "0000", "zero" },
	{ "0001", "minimal" }, { "80", "negative" }, { "ff", "negative" },
	{ "1", "" },	       { "zz", "" },	     { "010203040506070809101112131415161718192021", "" },
};

START_TEST(serials_refuse)
{
	struct serial serial;
	OWN(err) e = serial_from_hex(&serial, bad_serials[_i].hex);
	char text[300];

	ck_assert_ptr_nonnull(e);
	ck_assert_ptr_nonnull(strstr(err_text(e, text, sizeof text), bad_serials[_i].why));
}
END_TEST

START_TEST(negative_integers_of_openssl_are_no_serials)
{
	struct serial serial;
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	ck_assert_int_eq(ASN1_INTEGER_set_int64(n, -5), 1);
	ck_fails(serial_from_asn1(&serial, n), ERR_BAD_INPUT, "negative");
	ck_assert_int_eq(ASN1_INTEGER_set_int64(n, 0), 1);
	ck_fails(serial_from_asn1(&serial, n), ERR_BAD_INPUT, "zero");
	ASN1_INTEGER_free(n);
}
END_TEST

START_TEST(serials_order_by_value)
{
	const char *const ascending[] = { "01", "02", "7f", "0080", "00ff", "0100", "7fff", "010000" };
	struct serial a, b;

	for (int i = 0; i < COUNT_OF(ascending); i++) {
		for (int j = 0; j < COUNT_OF(ascending); j++) {
			ck_ok(serial_from_hex(&a, ascending[i]));
			ck_ok(serial_from_hex(&b, ascending[j]));
			int order = serial_compare(&a, &b);
			ck_assert_int_eq(order < 0, i < j);
			ck_assert_int_eq(order > 0, i > j);
			ck_assert(serial_equal(&a, &b) == (i == j));
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/asn1/oid");
	TCase *oids = tcase_create("oid"), *serials = tcase_create("serial");

	tcase_add_test(oids, every_name_agrees_with_openssl);
	tcase_add_test(oids, unknown_ones_are_not_found);
	tcase_add_loop_test(oids, text_both_ways, 0, COUNT_OF(good_text));
	tcase_add_loop_test(oids, text_refuses, 0, COUNT_OF(bad_text));
	tcase_add_test(oids, octets_refuse);
	tcase_add_test(oids, nuc_names_are_registered_once);
	suite_add_tcase(s, oids);
	tcase_add_loop_test(serials, serials_both_ways, 0, COUNT_OF(good_serials));
	tcase_add_loop_test(serials, serials_refuse, 0, COUNT_OF(bad_serials));
	tcase_add_test(serials, negative_integers_of_openssl_are_no_serials);
	tcase_add_test(serials, serials_order_by_value);
	suite_add_tcase(s, serials);
	return suite_main(s);
}
