/*
 * base_test.c - errors, buffers, texts and time of common/base.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "support/suite.h"

static struct err *inner(int n)
{
	ENSURE_FIELD(n > 0, BAD_INPUT, "n", "must be positive, is %d", n);
	return NULL;
}

static struct err *outer(int n)
{
	struct err *e = inner(n);

	return e == NULL ? NULL : ERR_WRAP(e, "reading the form");
}

START_TEST(error_chain_keeps_code_field_and_text)
{
	OWN(err) e = outer(-1);
	char text[200];

	ck_assert_ptr_null(inner(1));
	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_assert_int_eq(err_category(err_code(e)), ERR_REFUSE);
	ck_assert_str_eq(err_field(e), "n");
	ck_assert_str_eq(err_text(e, text, sizeof text), "reading the form: must be positive, is -1");
	ck_assert_str_eq(err_text(e, text, 8), "reading");
}
END_TEST

START_TEST(buffer_stops_at_its_maximum_and_is_unchanged)
{
	OWN(buf) b = BUF_INIT(4);

	ck_assert_ptr_null(buf_append(&b, SLICE("abc", 3)));
	OWN(err) e = buf_append(&b, SLICE("de", 2));
	ck_assert_int_eq(err_code(e), ERR_TOO_LARGE);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_ptr_null(buf_append_u8(&b, 'd'));
	ck_assert(slice_equal(buf_slice(&b), SLICE_STR("abcd")));
	const char *text;
	ck_assert_ptr_null(buf_str(&b, &text));
	ck_assert_str_eq(text, "abcd");
}
END_TEST

START_TEST(secret_buffer_grows_without_losing_bytes)
{
	OWN(buf) b = BUF_INIT_SECRET(1000);

	for (int i = 0; i < 500; i++)
		ck_assert_ptr_null(buf_append_u8(&b, (uint8_t)i));
	for (int i = 0; i < 500; i++)
		ck_assert_uint_eq(b.p[i], (uint8_t)i);
}
END_TEST

static const struct {
	const char *plain, *base64;
} base64_cases[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" } };

START_TEST(base64_both_ways)
{
	OWN(buf) enc = BUF_INIT(100);
	OWN(buf) dec = BUF_INIT(100);

	ck_assert_ptr_null(text_base64(&enc, SLICE_STR(base64_cases[_i].plain)));
	ck_assert(slice_equal(buf_slice(&enc), SLICE_STR(base64_cases[_i].base64)));
	ck_assert_ptr_null(text_unbase64(&dec, SLICE_STR(base64_cases[_i].base64)));
	ck_assert(slice_equal(buf_slice(&dec), SLICE_STR(base64_cases[_i].plain)));
}
END_TEST

static const char *const bad_base64[] = { "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9\n" };

START_TEST(base64_refuses)
{
	OWN(buf) dec = BUF_INIT(100);
	OWN(err) e = text_unbase64(&dec, SLICE_STR(bad_base64[_i]));

	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_assert_uint_eq(dec.len, 0);
}
END_TEST

START_TEST(hex_both_ways)
{
	OWN(buf) b = BUF_INIT(100);
	char text[9];

	ck_assert_ptr_null(text_unhex(&b, SLICE_STR("00fFa9")));
	ck_assert_str_eq(text_hex_fixed(text, buf_slice(&b)), "00ffa9");
	OWN(err) odd = text_unhex(&b, SLICE_STR("0"));
	OWN(err) bad = text_unhex(&b, SLICE_STR("0g"));
	ck_assert_int_eq(err_code(odd), ERR_BAD_INPUT);
	ck_assert_int_eq(err_code(bad), ERR_BAD_INPUT);
}
END_TEST

static const struct {
	const char *text;
	int length; /* -1: not well formed */
	bool control;
} utf8_cases[] = {
	{ "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA) 2022", 38, false },
	{ "ӘҒҚҢӨҰҮҺІ", 9, false },
	{ "\xf0\x9f\x98\x80", 1, false },
	{ "\xc0\xaf", -1, true },
	{ "\xe0\x80\x80", -1, true },
	{ "\xed\xa0\x80", -1, true },
	{ "\xf4\x90\x80\x80", -1, true },
	{ "\xff", -1, true },
	{ "\xd0", -1, true },
	{ "a\nb", 3, true },
	{ "a\u202eb", 3, true },
	{ "a\u200bb", 3, true },
};

START_TEST(utf8_length_and_control)
{
	size_t length = 0;
	OWN(err) e = text_utf8_length(&length, SLICE_STR(utf8_cases[_i].text));

	if (utf8_cases[_i].length < 0)
		ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	else
		ck_assert_uint_eq(length, (size_t)utf8_cases[_i].length);
	ck_assert(text_has_control(SLICE_STR(utf8_cases[_i].text)) == utf8_cases[_i].control);
}
END_TEST

START_TEST(nul_inside_utf8_is_refused)
{
	size_t length;
	OWN(err) e = text_utf8_length(&length, SLICE("a\0b", 3));

	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
}
END_TEST

static const struct {
	int64_t at;
	const char *text;
} time_cases[] = { { 0, "1970-01-01T00:00:00Z" },	   { 1582934400, "2020-02-29T00:00:00Z" },
		   { 2524607999, "2049-12-31T23:59:59Z" }, { 2524608000, "2050-01-01T00:00:00Z" },
		   { 4107542400, "2100-03-01T00:00:00Z" }, { -1, "1969-12-31T23:59:59Z" } };

START_TEST(rfc3339_both_ways)
{
	char text[CLOCK_RFC3339_SIZE];
	int64_t ms;

	ck_assert_str_eq(clock_rfc3339(text, time_cases[_i].at), time_cases[_i].text);
	ck_assert_ptr_null(clock_parse_rfc3339(&ms, time_cases[_i].text));
	ck_assert_int_eq(ms, time_cases[_i].at * 1000);
}
END_TEST

static const char *const bad_times[] = { "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",      "2016-12-31T23:59:60Z",
					 "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+05:00", "",
					 "2026-1-1T0:0:0Z" };

START_TEST(rfc3339_refuses)
{
	int64_t ms;
	OWN(err) e = clock_parse_rfc3339(&ms, bad_times[_i]);

	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
}
END_TEST

static void keep_line(void *arg, const char *line)
{
	(void)snprintf(arg, 400, "%s", line);
}

START_TEST(log_line_cannot_be_forged)
{
	char line[400] = "";
	struct log_ctx ctx;

	clock_set_for_test(1000);
	log_set_sink(keep_line, line);
	log_ctx_set(&ctx, "peer=%s", "crld");
	log_info(&ctx, "name_seen", "name=\"%s\"", "a\n1970 error fake");
	log_set_sink(NULL, NULL);
	clock_unset_for_test();
	ck_assert_str_eq(line, "1970-01-01T00:00:01.000Z info ? name_seen peer=crld name=\"a?1970 error fake\"");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/base");
	TCase *t = tcase_create("base");

	tcase_add_test(t, error_chain_keeps_code_field_and_text);
	tcase_add_test(t, buffer_stops_at_its_maximum_and_is_unchanged);
	tcase_add_test(t, secret_buffer_grows_without_losing_bytes);
	tcase_add_loop_test(t, base64_both_ways, 0, COUNT_OF(base64_cases));
	tcase_add_loop_test(t, base64_refuses, 0, COUNT_OF(bad_base64));
	tcase_add_test(t, hex_both_ways);
	tcase_add_loop_test(t, utf8_length_and_control, 0, COUNT_OF(utf8_cases));
	tcase_add_test(t, nul_inside_utf8_is_refused);
	tcase_add_loop_test(t, rfc3339_both_ways, 0, COUNT_OF(time_cases));
	tcase_add_loop_test(t, rfc3339_refuses, 0, COUNT_OF(bad_times));
	tcase_add_test(t, log_line_cannot_be_forged);
	suite_add_tcase(s, t);
	return suite_main(s);
}
