/*
 * problem_test.c - common/http/problem.c: RFC 9457 documents, escaped as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "http/problem.h"
#include "support/suite.h"

static void check(const char *detail, const char *field, const char *want)
{
	OWN(buf) b = BUF_INIT(4096);
	const char *text;

	ck_ok(http_problem(&b, 400, "bad_input", detail, field));
	ck_ok(buf_str(&b, &text));
	ck_assert_str_eq(text, want);
}

START_TEST(test_forms)
{
	check(NULL, NULL, "{\"type\":\"urn:nuc:problem:bad_input\",\"title\":\"Bad Request\",\"status\":400}");
	check("a \"b\"\n\\", "iin",
	      "{\"type\":\"urn:nuc:problem:bad_input\",\"title\":\"Bad Request\",\"status\":400,"
	      "\"detail\":\"a \\\"b\\\"\\u000a\\\\\",\"field\":\"iin\"}");
	check("\xd2\xb0\xff\xed\xa0\x80", "",
	      "{\"type\":\"urn:nuc:problem:bad_input\",\"title\":\"Bad Request\",\"status\":400,"
	      "\"detail\":\"\xd2\xb0\\ufffd\\ufffd\\ufffd\\ufffd\"}");
}
END_TEST

START_TEST(test_of_error)
{
	OWN(buf) b = BUF_INIT(4096);
	OWN(err) refused = ERR_FIELD(BAD_INPUT, "bin", "BIN: wrong check digit");
	OWN(err) fault = ERR(SYSTEM, "password file /etc/secret is gone");
	const char *text;

	ck_ok(http_problem_of(&b, http_status_of(err_code(refused)), refused));
	ck_ok(buf_str(&b, &text));
	ck_assert_ptr_nonnull(strstr(text, "\"status\":400,\"detail\":\"BIN: wrong check digit\",\"field\":\"bin\"}"));
	buf_reset(&b);
	ck_ok(http_problem_of(&b, http_status_of(err_code(fault)), fault));
	ck_ok(buf_str(&b, &text));
	ck_assert_ptr_nonnull(strstr(text, "\"status\":500"));
	ck_assert_ptr_null(strstr(text, "secret")); /* a fault of ours tells a stranger nothing */
	ck_assert_int_eq(http_status_of(ERR_DENIED), 403);
	ck_assert_int_eq(http_status_of(ERR_RETRY), 503);
	ck_assert_str_eq(http_reason(299), "Status");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/http/problem");
	TCase *t = tcase_create("problem");

	tcase_add_test(t, test_forms);
	tcase_add_test(t, test_of_error);
	suite_add_tcase(s, t);
	return suite_main(s);
}
