/*
 * client_test.c - answers, problem documents and unreachable services, against a server on a thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/client.h"

#include <string.h>

#include "stub_server.h"
#include "support/suite.h"

#define PROBLEM "application/problem+json"

static const struct stub_answer answers[] = {
	{ "GET /ok", 200, "{\"number\":\"A-1\",\"list\":[1],\"bytes\":\"AAEC\"}", NULL },
	{ "POST /ok", 201, "{\"number\":\"B-2\"}", NULL },
	{ "GET /field", 422, "{\"title\":\"refused\",\"detail\":\"check digit\",\"field\":\"person.iin\"}", PROBLEM },
	{ "GET /title", 403, "{\"title\":\"not yours\"}", PROBLEM },
	{ "GET /none", 404, "{\"title\":\"t\",\"detail\":\"there is none\"}", PROBLEM },
	{ "GET /conflict", 409, "{\"detail\":\"not now\"}", PROBLEM },
	{ "GET /large", 413, "{\"detail\":\"too long\"}", PROBLEM },
	{ "GET /busy", 503, "{\"detail\":\"try later\"}", PROBLEM },
	{ "GET /broken", 500, "<html>", "text/html" },
	{ "GET /html", 200, "<html>", "text/html" },
	{ "GET /twice", 200, "{\"a\":1,\"a\":2}", NULL },
	{ "GET /moved", 302, "{}", NULL },
	{ NULL, 0, NULL, NULL },
};

static struct stub_server server;
static struct client *client;

static void setup(void)
{
	stub_start(&server, answers);
	const struct client_options options = { .url = server.url };
	ck_ok(client_create(&client, &options));
}

static void teardown(void)
{
	client_destroy(&client);
	stub_stop(&server);
}

START_TEST(answers_are_taken_apart)
{
	OWN(json) answer = NULL;
	OWN(buf) bytes = BUF_INIT(10);
	const char *text;
	json_t *list;

	ck_ok(client_get(client, &answer, "/ok"));
	ck_ok(answer_text(&text, answer, "number"));
	ck_assert_str_eq(text, "A-1");
	ck_assert_str_eq(answer_text_or(answer, "missing", "none"), "none");
	ck_ok(answer_array(&list, answer, "list"));
	ck_ok(answer_base64(&bytes, answer, "bytes"));
	ck_assert_uint_eq(bytes.len, 3);
	ck_fails(answer_text(&text, answer, "missing"), ERR_BAD_INPUT,
		 "there is no text \"missing\" in what was received");
	ck_fails(answer_text(&text, answer, "list"), ERR_BAD_INPUT, "there is no text \"list\"");
	ck_fails(answer_array(&list, answer, "number"), ERR_BAD_INPUT, "there is no list \"number\"");
}
END_TEST

START_TEST(posts_carry_the_body)
{
	OWN(json) body = json_pack("{s:s}", "surname", "ӨМІР");
	OWN(json) answer = NULL;
	OWN(json) second = NULL;

	ck_ok(client_post(client, &answer, "/ok", body));
	ck_ok(client_post_bytes(client, &second, "/ok", "application/octet-stream", SLICE_STR("raw")));
	ck_assert_uint_eq(server.num_asked, 2);
	ck_assert_str_eq(server.asked[0].body, "{\"surname\":\"ӨМІР\"}");
	ck_assert_str_eq(server.asked[1].body, "raw");
	OWN(json) third = NULL;
	ck_ok(client_get(client, &third, "/ok")); /* a GET after a POST is a GET again */
	ck_assert_str_eq(server.asked[2].request, "GET /ok");
}
END_TEST

static const struct {
	const char *path;
	enum err_code code;
	const char *text, *field;
} refusals[] = {
	{ "/field", ERR_BAD_INPUT, "check digit", "person.iin" },
	{ "/title", ERR_DENIED, "not yours", NULL },
	{ "/none", ERR_NOT_FOUND, "there is none", NULL },
	{ "/conflict", ERR_CONFLICT, "not now", NULL },
	{ "/large", ERR_TOO_LARGE, "too long", NULL },
	{ "/busy", ERR_RETRY, "try later", NULL },
	{ "/broken", ERR_SYSTEM, "with status 500 and no reason", NULL },
	{ "/html", ERR_GONE, "something that is no JSON object", NULL },
	{ "/twice", ERR_GONE, "something that is no JSON object", NULL },
	{ "/moved", ERR_BAD_INPUT, "with status 302", NULL },
	{ "/absent", ERR_NOT_FOUND, "with status 404", NULL },
};

START_TEST(refusals_name_the_field)
{
	OWN(json) answer = NULL;
	struct err *e = client_get(client, &answer, refusals[_i].path);

	ck_assert_ptr_nonnull(e);
	if (refusals[_i].field != NULL)
		ck_assert_str_eq(err_field(e), refusals[_i].field);
	else
		ck_assert_ptr_null(err_field(e));
	ck_fails(e, refusals[_i].code, refusals[_i].text);
	ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(nobody_there)
{
	OWN(client) other = NULL;
	OWN(json) answer = NULL;
	char url[64];

	(void)snprintf(url, sizeof url, "%s", server.url);
	(void)shutdown(server.fd, SHUT_RDWR);
	const struct client_options options = { .url = url };
	ck_ok(client_create(&other, &options));
	ck_fails(client_get(other, &answer, "/ok"), ERR_GONE, "could not be reached");
}
END_TEST

START_TEST(socket_that_is_not_there)
{
	OWN(client) other = NULL;
	OWN(buf) out = BUF_INIT(100);
	long status;
	const struct client_options options = { .url = "http://localhost", .unix_socket = "/tmp/nuc-no-such-socket" };

	ck_ok(client_create(&other, &options));
	ck_fails(client_get_text(other, &out, &status, "/readyz"), ERR_GONE, "could not be reached");
}
END_TEST

static const char *const bad_urls[] = { "http://example.kz", "ftp://localhost", "localhost:18082",
					"http://127.0.0.1.example.kz", "" };

START_TEST(only_https_or_this_machine)
{
	OWN(client) other = NULL;
	const struct client_options options = { .url = bad_urls[_i] };

	ck_fails(client_create(&other, &options), ERR_BAD_INPUT, "the address must begin with https://");
}
END_TEST

START_TEST(paths_are_encoded)
{
	OWN(buf) path = BUF_INIT(200);
	const char *text;

	ck_ok(client_path(&path, "/a/%s/b?q=%s", "../x y", "Ә&%"));
	ck_ok(buf_str(&path, &text));
	ck_assert_str_eq(text, "/a/..%2Fx%20y/b?q=%D3%98%26%25");
}
END_TEST

START_TEST(requests_refuse_what_is_no_text)
{
	OWN(json) object = json_object();

	ck_ok(request_text(object, "surname", "Ә", "surname"));
	ck_ok(request_text(object, "given", NULL, "given"));
	ck_fails(request_text(object, "given", "\xff", "given"), ERR_BAD_INPUT, "not well-formed UTF-8");
	ck_ok(request_base64(object, "csr", SLICE("\x00\x01", 2)));
	ck_assert_str_eq(json_string_value(json_object_get(object, "csr")), "AAE=");
	ck_assert_uint_eq(json_object_size(object), 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/client");
	TCase *t = tcase_create("client");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, answers_are_taken_apart);
	tcase_add_test(t, posts_carry_the_body);
	tcase_add_loop_test(t, refusals_name_the_field, 0, COUNT_OF(refusals));
	tcase_add_test(t, nobody_there);
	tcase_add_test(t, socket_that_is_not_there);
	tcase_add_loop_test(t, only_https_or_this_machine, 0, COUNT_OF(bad_urls));
	tcase_add_test(t, paths_are_encoded);
	tcase_add_test(t, requests_refuse_what_is_no_text);
	suite_add_tcase(s, t);
	return suite_main(s);
}
