/*
 * json_test.c - strict JSON: what is refused and the place that the refusal names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ra/json.h"
#include "support/suite.h"

static const struct {
	const char *body, *field, *text;
} bad[] = {
	{ "", "body", "empty" },
	{ "[]", "body", "object" },
	{ "{", "body", "too early" },
	{ "{}{}", "body", "after the end" },
	{ "{\"person\":{\"iin\":\"1\",\"iin\":\"2\"}}", "person.iin", "twice" },
	{ "{\"a\":1,\"a\":1}", "a", "twice" },
	{ "{\"person\":{\"iin\":\"1\",\"surname\":\"\xc3\x28\"}}", "person.surname", "UTF-8" },
	{ "{\"requests\":[{\"csr\":\"a\"},{\"csr\":\"\xff\"}]}", "requests[1].csr", "UTF-8" },
	{ "{\"person\":{\"surname\":\"a\\u0000b\"}}", "person.surname", "NUL" },
	{ "{\"kind\":individual}", "kind", "JSON" },
	{ "{\"a\":{\"b\":[1,2,{\"c\":tru}]}}", "a.b[2].c", "JSON" },
	{ "{\"a\\\"b\":tru}", "a??b", "JSON" },
	{ "{\"<script>\":tru}", "?script?", "JSON" },
};

START_TEST(refused_with_its_place)
{
	OWN(json) doc = NULL;
	OWN(err) e = ra_json_read(&doc, SLICE_STR(bad[_i].body));

	ck_assert_ptr_null(doc);
	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_assert_str_eq(err_field(e), bad[_i].field);
	ck_assert_msg(strstr(err_sentence(e), bad[_i].text) != NULL, "%s", err_sentence(e));
}
END_TEST

/* Every prefix and every one-byte change of a text is read or refused, never worse. */
START_TEST(broken_texts_are_followed_safely)
{
	static const char whole[] = "{\"a\":[{\"b\":\"\\\"x\\\\\"},[],[[1]]],\"\\u0041\":{\"c\":null}}";
	char text[sizeof whole];
	char path[RA_JSON_PATH_SIZE];

	for (size_t len = 0; len < sizeof whole; len++) {
		for (unsigned c = 0; c < 256; c += 5) {
			memcpy(text, whole, sizeof text);
			if (len > 0)
				text[len - 1] = (char)c;
			for (size_t at = 0; at <= len; at++)
				ck_assert(strlen(ra_json_path_at(path, SLICE(text, len), at)) < sizeof path);
		}
	}
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	static char deep[40000];
	OWN(json) doc = NULL;

	memset(deep, '[', sizeof deep);
	memcpy(deep, "{\"a\":", 5);
	OWN(err) e = ra_json_read(&doc, SLICE(deep, sizeof deep));
	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_assert(strstr(err_sentence(e), "deeply") != NULL);
}
END_TEST

static const struct ra_json_field fields[] = {
	{ "kind", RA_JSON_TEXT, true, 8 },
	{ "person", RA_JSON_OBJECT, false, 0 },
	{ "list", RA_JSON_ARRAY, false, 2 },
	{ "n", RA_JSON_INTEGER, false, 0 },
};

static const struct {
	const char *body, *path, *field, *text;
} shapes[] = {
	{ "{}", "", "kind", "missing" },
	{ "{\"kind\":null}", "", "kind", "missing" },
	{ "{\"kind\":1}", "", "kind", "a text" },
	{ "{\"kind\":\"123456789\"}", "", "kind", "longer than 8" },
	{ "{\"kind\":\"a\",\"other\":1}", "", "other", "known" },
	{ "{\"kind\":\"a\",\"person\":\"x\"}", "", "person", "an object" },
	{ "{\"kind\":\"a\",\"list\":[1,2,3]}", "", "list", "more than 2" },
	{ "{\"kind\":\"a\",\"n\":1.5}", "", "n", "an integer" },
	{ "{\"kind\":\"a\",\"n\":\"1\"}", "requests[3]", "requests[3].n", "an integer" },
};

START_TEST(shape_is_held)
{
	OWN(json) doc = NULL;
	json_t *got[COUNT_OF(fields)];

	ck_ok(ra_json_read(&doc, SLICE_STR(shapes[_i].body)));
	OWN(err) e = ra_json_fields(got, doc, shapes[_i].path, fields, COUNT_OF(fields));
	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_assert_str_eq(err_field(e), shapes[_i].field);
	ck_assert_msg(strstr(err_sentence(e), shapes[_i].text) != NULL, "%s", err_sentence(e));
}
END_TEST

START_TEST(values_are_found)
{
	OWN(json) doc = NULL;
	json_t *got[COUNT_OF(fields)];

	ck_ok(ra_json_read(&doc, SLICE_STR("{\"kind\":\"\xd2\xaf\",\"n\":9007199254740993}")));
	ck_ok(ra_json_fields(got, doc, "", fields, COUNT_OF(fields)));
	ck_assert_str_eq(ra_json_str(got[0]), "\xd2\xaf");
	ck_assert_uint_eq(ra_json_text(got[0]).len, 2);
	ck_assert_str_eq(ra_json_str(got[1]), "");
	ck_assert_ptr_null(got[2]);
	ck_assert(json_integer_value(got[3]) == 9007199254740993);
}
END_TEST

START_TEST(base64_and_digests)
{
	OWN(buf) bytes = BUF_INIT(4);
	OWN(json) ok = json_string("AAEC");
	OWN(json) bad_text = json_string("AAE");
	OWN(json) large = json_string("AAECAwQF");
	OWN(json) digest = json_string("zz");
	uint8_t hash[32];

	ck_ok(ra_json_base64(&bytes, ok, "csr"));
	ck_assert(slice_equal(buf_slice(&bytes), SLICE("\0\1\2", 3)));
	buf_reset(&bytes);
	ck_fails(ra_json_base64(&bytes, bad_text, "csr"), ERR_BAD_INPUT, "base64");
	ck_fails(ra_json_base64(&bytes, large, "csr"), ERR_BAD_INPUT, "limit");
	ck_fails(ra_json_hex32(hash, digest, "agreement"), ERR_BAD_INPUT, "64 hexadecimal");
}
END_TEST

START_TEST(answers_are_made)
{
	OWN(json) doc = json_object();

	ra_json_set_str(doc, "name", "<b>\"&");
	ra_json_set_hex(doc, "hex", SLICE("\xab", 1));
	ra_json_set_base64(doc, "b64", SLICE("\xab", 1));
	ra_json_set_time_s(doc, "at", 0);
	ra_json_set_time_ms(doc, "at_ms", 1);
	json_t *list = ra_json_add_array(doc, "list");
	ra_json_set_bool(ra_json_append_object(list), "yes", true);
	ra_json_set_int(ra_json_add_object(doc, "o"), "n", -1);
	char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(text,
			 "{\"at\":\"1970-01-01T00:00:00Z\",\"at_ms\":\"1970-01-01T00:00:00.001Z\",\"b64\":\"qw==\","
			 "\"hex\":\"ab\",\"list\":[{\"yes\":true}],\"name\":\"<b>\\\"&\",\"o\":{\"n\":-1}}");
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/json");
	TCase *t = tcase_create("json");

	tcase_add_loop_test(t, refused_with_its_place, 0, COUNT_OF(bad));
	tcase_add_test(t, broken_texts_are_followed_safely);
	tcase_add_test(t, deep_nesting_is_refused);
	tcase_add_loop_test(t, shape_is_held, 0, COUNT_OF(shapes));
	tcase_add_test(t, values_are_found);
	tcase_add_test(t, base64_and_digests);
	tcase_add_test(t, answers_are_made);
	suite_add_tcase(s, t);
	return suite_main(s);
}
