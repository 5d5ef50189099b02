/*
 * der_test.c - the strict gate, the reader and the writer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/pki_asn1.h"
#include "base/text.h"
#include "support/sign.h"
#include "support/suite.h"

static void unhex(struct buf *out, const char *hex)
{
	ck_ok(text_unhex(out, SLICE_STR(hex)));
}

/* ---- the gate ---- */

static const char *const good_der[] = {
	"0101ff", /* BOOLEAN TRUE */
	"010100",
	"020100",
	"02017f",
	"02020080",
	"0201ff",
	"0202ff7f", /* integers, minimal */
	"0a0101",
	"0500",
	"030100",
	"03020780",
	"0303000102", /* bit strings: empty, one bit, whole octets */
	"0400",
	"0603550403",
	"060388370a", /* 2.999.10 */
	"0c02d29a",
	"1303414243",
	"16026162",
	"1e020041",
	"1c0400000041", /* strings */
	"170d3236313132323031303230335a", /* 261122010203Z */
	"180f32303530303130313030303030305a", /* 20500101000000Z */
	"181132303530303130313030303030302e355a", /* ...00.5Z */
	"3000",
	"3100",
	"30030101ff",
	"a003020101",
	"8000",
	"800101",
	"9f1f00",
	"bf812000", /* [31], [160] */
	"3006020101020102",
	"3106020101020102",
};

START_TEST(gate_lets_der_through)
{
	OWN(buf) der = BUF_INIT(100);

	unhex(&der, good_der[_i]);
	ck_ok(der_strict(buf_slice(&der), 100));
	ck_ok(der_strict_flags(buf_slice(&der), 100, DER_SET_ORDER));
}
END_TEST

static const struct {
	const char *hex, *why;
} bad_der[] = {
	{ "", "nothing is left" },
	{ "30", "the length is missing" },
	{ "020101ff", "1 octets follow" },
	{ "0000", "not allowed in this form" }, /* end of contents */
	{ "3080020101", "indefinite" },
	{ "30800000", "indefinite" },
	{ "02810101", "length is not minimal" },
	{ "0482000100", "length is not minimal" },
	{ "0482008000", "length is not minimal" },
	{ "04850000000001ff", "length is too large" },
	{ "0481", "length is cut off" },
	{ "0482ff", "length is cut off" },
	{ "04ff", "length is too large" },
	{ "0402ff", "value is cut off" },
	{ "3003020101ff", "1 octets follow" },
	{ "30020201", "value is cut off" },
	{ "3003020201", "at octet 2: the value is cut off" },
	{ "1f1e00", "tag number is not minimal" },
	{ "1f801f00", "tag number is not minimal" },
	{ "1f", "tag is cut off" },
	{ "1f8f", "tag is cut off" },
	{ "1f8f8f8f8f8f0100", "tag number is too large" },
	{ "010101", "boolean" },
	{ "0100", "boolean" },
	{ "01020000", "boolean" },
	{ "0200", "integer is empty" },
	{ "0a00", "integer is empty" },
	{ "02020001", "integer is not minimal" },
	{ "0202ffff", "integer is not minimal" },
	{ "0a020001", "integer is not minimal" },
	{ "0300", "unused bits" },
	{ "030101", "unused bits" },
	{ "03020800", "unused bits" },
	{ "03020401", "unused bits are not zero" },
	{ "0600", "object identifier" },
	{ "06025580", "object identifier" },
	{ "0603558001", "object identifier" },
	{ "050100", "null" },
	{ "0c01ff", "not UTF-8" },
	{ "0c0100", "not UTF-8" },
	{ "1e0141", "BMP" },
	{ "1c0141", "universal string" },
	{ "170b323631313232303130325a", "time" }, /* without seconds */
	{ "1711323631313232303130323033302b30353030", "time" },
	{ "170d3236313332323031303230335a", "no date" }, /* month 13 */
	{ "180f32303533303232393030303030305a", "no date" }, /* 29 February 2053 */
	{ "181132303530303130313030303030302e305a", "fraction" },
	{ "181032303530303130313030303030302e5a", "fraction" },
	{ "181132303530303130313030303030302c355a", "fraction" },
	{ "1000", "not allowed in this form" }, /* primitive SEQUENCE */
	{ "1100", "not allowed in this form" },
	{ "2400", "not allowed in constructed form" }, /* constructed OCTET STRING */
	{ "2300", "not allowed in constructed form" },
	{ "0900", "not allowed in this form" }, /* REAL */
};

START_TEST(gate_refuses)
{
	OWN(buf) der = BUF_INIT(100);

	unhex(&der, bad_der[_i].hex);
	ck_fails(der_strict(buf_slice(&der), 100), ERR_BAD_INPUT, bad_der[_i].why);
}
END_TEST

START_TEST(gate_stops_at_the_limit_and_at_depth)
{
	OWN(buf) der = BUF_INIT(200);

	ck_fails(der_strict(SLICE("\x04\x01\x00", 3), 2), ERR_TOO_LARGE, "at most 2");
	for (int depth = 15; depth <= 17; depth++) {
		buf_reset(&der);
		for (int i = depth; i-- > 0;) { /* SEQUENCEs in SEQUENCEs */
			ck_ok(buf_append_u8(&der, DER_SEQUENCE));
			ck_ok(buf_append_u8(&der, (uint8_t)(2 * i)));
		}
		if (depth <= DER_MAX_DEPTH)
			ck_ok(der_strict(buf_slice(&der), 200));
		else
			ck_fails(der_strict(buf_slice(&der), 200), ERR_BAD_INPUT, "too deep");
	}
}
END_TEST

START_TEST(gate_checks_set_order_only_when_asked)
{
	OWN(buf) der = BUF_INIT(100);

	unhex(&der, "3106020102020101");
	ck_ok(der_strict(buf_slice(&der), 100));
	ck_fails(der_strict_flags(buf_slice(&der), 100, DER_SET_ORDER), ERR_BAD_INPUT, "not in order");
}
END_TEST

/* What house-style says of d2i: it takes these, we do not. */
START_TEST(decode_refuses_what_d2i_takes)
{
	OWN(buf) der = BUF_INIT(100);
	ASN1_INTEGER *n = NULL;

	unhex(&der, "02810105"); /* long form of a short length */
	const uint8_t *p = der.p;
	ASN1_INTEGER *taken = d2i_ASN1_INTEGER(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(taken);
	ASN1_INTEGER_free(taken);
	ck_fails(DER_DECODE(&n, ASN1_INTEGER, buf_slice(&der), 100), ERR_BAD_INPUT, "not minimal");
	ck_assert_ptr_null(n);
	ck_fails(DER_DECODE(&n, ASN1_INTEGER, SLICE("\x04\x00", 2), 100), ERR_BAD_INPUT, "form of its type");
	ck_fails(DER_DECODE(&n, ASN1_INTEGER, SLICE("\x02\x01\x05", 3), 2), ERR_TOO_LARGE, "at most 2");
}
END_TEST

START_TEST(decode_and_encode_by_template)
{
	OWN(test_person) who = { 0 };
	struct test_cert_spec spec = { .cn = "ҚАЗАҚСТАН" };
	X509 *cert = NULL;
	OWN(buf) again = BUF_INIT(64 * 1024);

	test_person_init(&who, "p256", &spec, NULL);
	ck_ok(DER_DECODE(&cert, X509, buf_slice(&who.der), 64 * 1024));
	ck_ok(DER_ENCODE(&again, X509, cert));
	ck_assert(slice_equal(buf_slice(&again), buf_slice(&who.der)));
	X509_free(cert);
}
END_TEST

/* ---- the reader ---- */

START_TEST(reader_walks_a_structure)
{
	OWN(buf) der = BUF_INIT(200);
	struct der_reader whole, r, inner;
	int64_t number = 0, choice = 0, at = 0;
	bool flag = false;
	struct slice text, octets, id, bits, any;
	struct serial serial;

	unhex(&der, "3037"
		    "0202ff7f"
		    "0a0103"
		    "0101ff"
		    "0c02d29a"
		    "04021122"
		    "0603550403"
		    "03020055"
		    "020411223344"
		    "170d3236313132323031303230335a"
		    "a003020107"
		    "3000");
	der_reader_init(&whole, buf_slice(&der));
	ck_ok(der_expect_sequence(&whole, &r, "outer"));
	ck_ok(der_finish(&whole, "outer"));
	ck_ok(der_read_int64(&r, &number, "number"));
	ck_assert_int_eq(number, -129);
	ck_ok(der_read_enumerated(&r, &choice, "choice"));
	ck_assert_int_eq(choice, 3);
	ck_ok(der_read_boolean(&r, &flag, "flag"));
	ck_assert(flag);
	ck_ok(der_read_utf8(&r, &text, 1, 10, "text"));
	ck_assert(slice_equal(text, SLICE_STR("Қ")));
	ck_ok(der_read_octets(&r, &octets, 2, 2, "octets"));
	ck_ok(der_read_oid(&r, &id, "id"));
	ck_assert(oid_is(id, OID_COMMON_NAME));
	ck_ok(der_read_bits(&r, &bits, "bits"));
	ck_assert(slice_equal(bits, SLICE("\x55", 1)));
	ck_ok(der_read_serial(&r, &serial, "serial"));
	ck_assert_uint_eq(serial.len, 4);
	ck_ok(der_read_time(&r, &at, "time"));
	ck_assert_int_eq(at, 1795309323);
	ck_assert(der_peek(&r, 0xA0));
	ck_ok(der_enter(&r, &inner, DER_CONTEXT_CONSTRUCTED(0), "tagged"));
	ck_ok(der_read_uint(&inner, &number, "tagged"));
	ck_assert_int_eq(number, 7);
	ck_ok(der_expect_whole(&r, &any, DER_SEQUENCE, "any"));
	ck_assert_uint_eq(any.len, 2);
	ck_ok(der_finish(&r, "outer"));
}
END_TEST

static struct err *read_as(const char *how, struct slice der)
{
	struct der_reader r;
	int64_t number;
	struct slice bytes;
	struct serial serial;
	struct err *e = NULL;

	der_reader_init(&r, der);
	const uint8_t *start = r.p;
	if (strcmp(how, "int64") == 0)
		e = der_read_int64(&r, &number, "field");
	else if (strcmp(how, "uint") == 0)
		e = der_read_uint(&r, &number, "field");
	else if (strcmp(how, "octets") == 0)
		e = der_read_octets(&r, &bytes, 2, 4, "field");
	else if (strcmp(how, "utf8") == 0)
		e = der_read_utf8(&r, &bytes, 1, 4, "field");
	else if (strcmp(how, "bits") == 0)
		e = der_read_bits(&r, &bytes, "field");
	else if (strcmp(how, "serial") == 0)
		e = der_read_serial(&r, &serial, "field");
	else if (strcmp(how, "time") == 0)
		e = der_read_time(&r, &number, "field");
	else if (strcmp(how, "sequence") == 0)
		e = der_expect_whole(&r, &bytes, DER_SEQUENCE, "field");
	if (e != NULL)
		ck_assert_ptr_eq(r.p, start); /* a refusal moves nothing */
	return e;
}

static const struct {
	const char *how, *hex, *why;
} bad_reads[] = {
	{ "int64", "", "is missing" },
	{ "int64", "0a0101", "tag 0A instead of 02" },
	{ "int64", "0209008000000000000000", "too large" },
	{ "int64", "02020001", "not minimal" },
	{ "uint", "0201ff", "negative" },
	{ "octets", "040101", "1 octets, must be 2 to 4" },
	{ "octets", "04050102030405", "5 octets" },
	{ "octets", "0403", "cut off" },
	{ "utf8", "0c00", "0 octets" },
	{ "utf8", "0c02ff41", "not UTF-8" },
	{ "bits", "03020780", "do not fill" },
	{ "serial", "0201ff", "negative" },
	{ "serial", "020100", "zero" },
	{ "serial", "0215010203040506070809101112131415161718192021", "1 to 20 octets, not 21" },
	{ "time", "180f32303439313233313233353935395a", "must be UTCTime" },
	{ "time", "020100", "tag 02" },
	{ "sequence", "3103020101", "tag 31 instead of 30" },
};

START_TEST(reader_refuses)
{
	OWN(buf) der = BUF_INIT(100);

	unhex(&der, bad_reads[_i].hex);
	ck_fails(read_as(bad_reads[_i].how, buf_slice(&der)), ERR_BAD_INPUT, bad_reads[_i].why);
}
END_TEST

START_TEST(reader_names_what_is_left)
{
	struct der_reader r;

	der_reader_init(&r, SLICE("\x05", 1));
	ck_fails(der_finish(&r, "Thing"), ERR_BAD_INPUT, "Thing: 1 octets are left over");
}
END_TEST

/* ---- the writer ---- */

static const int64_t numbers[] = { 0,	  1,	 -1,	 127,	 128,	    -128,      -129,  255,	  256,
				   32767, 32768, -32768, -32769, INT64_MAX, INT64_MIN, 65535, 4294967296, -256 };

START_TEST(numbers_both_ways)
{
	OWN(buf) der = BUF_INIT(20);
	OWN(buf) judge = BUF_INIT(20);
	struct der_reader r;
	int64_t again = 0;
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	ck_ok(der_int64(&der, numbers[_i]));
	ck_ok(der_strict(buf_slice(&der), 20));
	der_reader_init(&r, buf_slice(&der));
	ck_ok(der_read_int64(&r, &again, "n"));
	ck_assert_int_eq(again, numbers[_i]);
	ck_assert_int_eq(ASN1_INTEGER_set_int64(n, numbers[_i]), 1);
	ck_ok(DER_ENCODE(&judge, ASN1_INTEGER, n));
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&judge)));
	ASN1_INTEGER_free(n);
}
END_TEST

static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 16777215, 16777216 };

START_TEST(lengths_are_minimal)
{
	OWN(buf) opened = BUF_INIT(20000000);
	OWN(buf) counted = BUF_INIT(20000000);
	size_t mark = 0;
	uint8_t *content;

	ck_ok(der_open(&opened, &mark, DER_OCTET_STRING));
	ck_ok(buf_extend(&opened, &content, lengths[_i]));
	memset(content, 0x5A, lengths[_i]);
	if (lengths[_i] > 0)
		content[lengths[_i] - 1] = 0xA5;
	ck_ok(der_close(&opened, mark));
	ck_ok(der_strict(buf_slice(&opened), 20000000));
	ck_ok(der_header(&counted, DER_OCTET_STRING, lengths[_i]));
	ck_assert_uint_eq(counted.len, der_header_len(lengths[_i]));
	ck_assert_uint_eq(opened.len, counted.len + lengths[_i]);
	ck_assert_mem_eq(opened.p, counted.p, counted.len);
	if (lengths[_i] > 0)
		ck_assert_uint_eq(opened.p[opened.len - 1], 0xA5);
}
END_TEST

START_TEST(nested_values_close_inside_out)
{
	OWN(buf) der = BUF_INIT(2000);
	size_t outer = 0, inner = 0;
	uint8_t *content;

	ck_ok(der_open(&der, &outer, DER_SEQUENCE));
	ck_ok(der_null(&der));
	ck_ok(der_open(&der, &inner, DER_CONTEXT_CONSTRUCTED(0)));
	ck_ok(buf_extend(&der, &content, 0)); /* nothing */
	for (int i = 0; i < 100; i++)
		ck_ok(der_boolean(&der, i % 2 == 0));
	ck_ok(der_close(&der, inner));
	ck_ok(der_close(&der, outer));
	ck_ok(der_strict(buf_slice(&der), 2000));
	ck_assert_uint_eq(der.len, 4 + 2 + 4 + 300);
}
END_TEST

static const struct {
	unsigned bits;
	const char *hex;
} named_bits[] = {
	{ 0, "030100" },	  { 1, "03020780" },	{ 3, "030206c0" },	  { 1 << 7, "03020001" },
	{ 1 << 8, "0303070080" }, { 0x60, "03020106" }, { 0x8000, "0303000001" },
};

START_TEST(named_bits_drop_trailing_zeros)
{
	OWN(buf) der = BUF_INIT(20);
	OWN(buf) expected = BUF_INIT(20);

	ck_ok(der_named_bits(&der, named_bits[_i].bits));
	unhex(&expected, named_bits[_i].hex);
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&expected)));
	ck_ok(der_strict(buf_slice(&der), 20));
}
END_TEST

static const struct {
	int64_t at;
	uint8_t tag;
	const char *text;
} times[] = {
	{ 0, DER_UTC_TIME, "700101000000Z" },
	{ -631152000, DER_UTC_TIME, "500101000000Z" },
	{ 2524607999, DER_UTC_TIME, "491231235959Z" },
	{ 2524608000, DER_GENERALIZED_TIME, "20500101000000Z" },
	{ 253402300799, DER_GENERALIZED_TIME, "99991231235959Z" },
};

START_TEST(times_switch_in_2050)
{
	OWN(buf) der = BUF_INIT(40);
	struct der_reader r;
	int64_t again = 0;

	ck_ok(der_time(&der, times[_i].at));
	ck_assert_uint_eq(der.p[0], times[_i].tag);
	ck_assert(slice_equal(SLICE(der.p + 2, der.len - 2), SLICE_STR(times[_i].text)));
	der_reader_init(&r, buf_slice(&der));
	ck_ok(der_read_time(&r, &again, "time"));
	ck_assert_int_eq(again, times[_i].at);
}
END_TEST

START_TEST(writer_refuses_and_leaves_nothing)
{
	OWN(buf) der = BUF_INIT(10);

	ck_fails(der_time(&der, -700000000), ERR_BAD_INPUT, "year 1947");
	ck_fails(der_time(&der, 253402300800), ERR_BAD_INPUT, "not representable");
	ck_fails(der_printable(&der, SLICE_STR("a@b")), ERR_BAD_INPUT, "40 is not allowed");
	ck_fails(der_ia5(&der, SLICE_STR("Қ")), ERR_BAD_INPUT, "D2 is not allowed");
	ck_fails(der_utf8(&der, SLICE("\xff", 1)), ERR_BAD_INPUT, "");
	ck_fails(der_octets(&der, SLICE("123456789", 9)), ERR_TOO_LARGE, "");
	ck_fails(der_bits(&der, SLICE("123456789", 9)), ERR_TOO_LARGE, "");
	ck_fails(der_unsigned(&der, SLICE("\x80"
					  "23456789",
					  9)),
		 ERR_TOO_LARGE, "");
	ck_assert_uint_eq(der.len, 0);
}
END_TEST

START_TEST(unsigned_magnitudes)
{
	OWN(buf) der = BUF_INIT(30);
	OWN(buf) expected = BUF_INIT(30);

	ck_ok(der_unsigned(&der, SLICE("\x00\x00", 2)));
	ck_ok(der_unsigned(&der, SLICE("\x00\x80", 2)));
	ck_ok(der_unsigned(&der, SLICE("\x7f", 1)));
	unhex(&expected, "0201000202008002017f");
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&expected)));
}
END_TEST

START_TEST(signed_objects_split_and_join)
{
	OWN(test_person) who = { 0 };
	struct test_cert_spec spec = { .cn = "A" };
	struct slice tbs, algorithm, signature;
	OWN(buf) again = BUF_INIT(64 * 1024);

	test_person_init(&who, "rsa", &spec, NULL);
	ck_ok(pki_signed_split(&tbs, &algorithm, &signature, buf_slice(&who.der)));
	ck_assert_uint_eq(signature.len, 256);
	ck_ok(pki_signed_join(&again, tbs, algorithm, signature));
	ck_assert(slice_equal(buf_slice(&again), buf_slice(&who.der)));
	ck_fails(pki_signed_split(&tbs, &algorithm, &signature, SLICE(who.der.p, who.der.len - 1)), ERR_BAD_INPUT,
		 "cut off");
}
END_TEST

START_TEST(sha256_of_abc)
{
	uint8_t digest[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	der_sha256(digest, SLICE_STR("abc"));
	ck_assert_str_eq(text_hex_fixed(hex, SLICE(digest, sizeof digest)),
			 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/asn1/der");
	TCase *gate = tcase_create("gate"), *reader = tcase_create("reader"), *writer = tcase_create("writer");

	tcase_add_loop_test(gate, gate_lets_der_through, 0, COUNT_OF(good_der));
	tcase_add_loop_test(gate, gate_refuses, 0, COUNT_OF(bad_der));
	tcase_add_test(gate, gate_stops_at_the_limit_and_at_depth);
	tcase_add_test(gate, gate_checks_set_order_only_when_asked);
	tcase_add_test(gate, decode_refuses_what_d2i_takes);
	tcase_add_test(gate, decode_and_encode_by_template);
	suite_add_tcase(s, gate);
	tcase_add_test(reader, reader_walks_a_structure);
	tcase_add_loop_test(reader, reader_refuses, 0, COUNT_OF(bad_reads));
	tcase_add_test(reader, reader_names_what_is_left);
	suite_add_tcase(s, reader);
	tcase_add_loop_test(writer, numbers_both_ways, 0, COUNT_OF(numbers));
	tcase_add_loop_test(writer, lengths_are_minimal, 0, COUNT_OF(lengths));
	tcase_add_test(writer, nested_values_close_inside_out);
	tcase_add_loop_test(writer, named_bits_drop_trailing_zeros, 0, COUNT_OF(named_bits));
	tcase_add_loop_test(writer, times_switch_in_2050, 0, COUNT_OF(times));
	tcase_add_test(writer, writer_refuses_and_leaves_nothing);
	tcase_add_test(writer, unsigned_magnitudes);
	tcase_add_test(writer, signed_objects_split_and_join);
	tcase_add_test(writer, sha256_of_abc);
	suite_add_tcase(s, writer);
	return suite_main(s);
}
