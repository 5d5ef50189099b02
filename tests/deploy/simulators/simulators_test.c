/*
 * simulators_test.c - the simulators' rules, and the program over HTTP.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/simulators/server.h"

#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "deploy/simulators/identify.h"
#include "deploy/simulators/program.h"
#include "deploy/simulators/register.h"
#include "ra/cli/client.h"
#include "support/sign.h"
#include "support/suite.h"
#include "x509/name.h"

static struct test_person service;
static struct key_store *store;

static void store_make(void)
{
	const struct key_password none = { 0 };
	char path[] = "/tmp/nuc-sim.XXXXXX", spec[64];
	FILE *file = fdopen(mkstemp(path), "w");

	ck_assert_int_eq(PEM_write_PKCS8PrivateKey(file, service.key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
	(void)snprintf(spec, sizeof spec, "file:%s", path);
	ck_ok(key_store_open(&store, spec, &none));
	(void)remove(path);
	ck_ok(key_store_set_certificate(store, buf_slice(&service.der)));
}

static void setup(void)
{
	const struct test_cert_spec spec = { .cn = "identification" };

	test_person_init(&service, "p256", &spec, NULL);
	store_make();
}

static void teardown(void)
{
	key_store_destroy(&store);
	test_person_clear(&service);
}

/* ---------------------------------------------------------------- identification */

struct said {
	const char *number, *kind, *purpose, *iin, *given;
	enum profile_channel channel;
	int64_t valid_s;
};
static const struct said right = { "AAAA", "individual", "sign", "900101300017", "ҮМІТ", CHANNEL_REMOTE, 3600 };

static void authorisation_make(struct buf *out, const struct said *said)
{
	static const struct name_rule rules[] = { { NAME_CN, false },
						  { NAME_SURNAME, false },
						  { NAME_SERIALNUMBER, false } };
	const struct name_fields fields = { .surname = "ӨМІР", .given = said->given, .iin = said->iin };
	OWN(buf) subject = BUF_INIT(1024);
	uint8_t zeros[32] = { 0 };
	struct authorisation a = {
		.application_number = SLICE_STR(said->number),
		.kind = SLICE_STR(said->kind),
		.purpose = SLICE_STR(said->purpose),
		.issuer = SLICE_STR("rsa"),
		.profile = SLICE_STR("individual-sign"),
		.public_key = buf_slice(&service.spki),
		.max_validity_s = 86400,
		.channel = said->channel,
		.agreement_digest = SLICE(zeros, 32),
		.expires_at = clock_now_s() + said->valid_s,
		.nonce = SLICE(zeros, 16),
	};

	ck_ok(name_build(&subject, rules, COUNT_OF(rules), &fields));
	a.subject = buf_slice(&subject);
	ck_ok(authorisation_encode(out, &a));
}

/* Asks about `iin` with one Authorisation that says `said`. */
static json_t *question_make(const struct said *said, const char *iin, uint8_t digest[SHA256_LEN])
{
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	OWN(buf) text = BUF_INIT(2 * AUTHORISATION_MAX_BYTES);

	authorisation_make(&der, said);
	der_sha256(digest, buf_slice(&der));
	ck_ok(text_base64(&text, buf_slice(&der)));
	return json_pack("{s:s, s:s, s:s, s:[s], s:[s%]}", "number", "AAAA", "iin", iin, "kind", "individual",
			 "purposes", "sign", "authorisations", text.p, text.len);
}

START_TEST(a_person_who_is_recognised_gets_a_signed_decision)
{
	OWN(json) file = json_object();
	uint8_t digest[SHA256_LEN];
	OWN(json) question = question_make(&right, right.iin, digest);
	OWN(json) answer = NULL;
	OWN(buf) der = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	struct authority_signature signature;
	struct decision decision;

	ck_ok(identify(&answer, question, file, store));
	ck_assert_str_eq(answer_text_or(answer, "outcome", ""), "matched");
	ck_ok(answer_base64(&der, answer, "decision"));
	ck_ok(answer_base64(&cms, answer, "signature"));
	ck_ok(authority_cms_verify(&signature, buf_slice(&cms), buf_slice(&der)));
	ck_assert(memcmp(signature.cert.key_hash, service.key_hash, SHA256_LEN) == 0);
	ck_ok(decision_decode(&decision, buf_slice(&der)));
	ck_assert(decision_has(&decision, digest));
	ck_assert_uint_eq(decision.num_digests, 1);
	ck_assert_uint_eq(decision.evidence.len, 32);
	ck_assert_int_eq(decision.verdict, DECISION_APPROVE);
}
END_TEST

static const char register_text[] = "{\"persons\":[{\"iin\":\"680503450037\",\"surname\":\"Басқа\",\"given\":\"Адам\"},"
				    "{\"iin\":\"800416300257\",\"surname\":\"Өмір\",\"given\":\"Үміт\"}]}";

static const struct {
	const char *iin, *given, *text; /* NULL: recognised */
} people[] = {
	{ "900101300017", "ҮМІТ", NULL },
	{ "900101300017", "СБОЙ", "the face was not recognised" },
	{ "900101300017", "НЕСБОЙ", NULL },
	{ "999999300011", "ҮМІТ", "the face was not recognised" },
	{ "000000000010", "ҮМІТ", "the register does not have this person" },
	{ "680503450037", "ҮМІТ", "the register has this person under another name" },
	{ "800416300257", "ҮМІТ", NULL },
};

START_TEST(who_is_recognised)
{
	OWN(json) file = json_loads(register_text, 0, NULL);
	OWN(json) answer = NULL;
	struct said said = right;
	uint8_t digest[SHA256_LEN];

	said.iin = people[_i].iin;
	said.given = people[_i].given;
	OWN(json) question = question_make(&said, said.iin, digest);
	ck_ok(identify(&answer, question, file, store));
	if (people[_i].text == NULL) {
		ck_assert_str_eq(answer_text_or(answer, "outcome", ""), "matched");
		return;
	}
	ck_assert_str_eq(answer_text_or(answer, "outcome", ""), "failed");
	ck_assert_ptr_nonnull(strstr(answer_text_or(answer, "text", ""), people[_i].text));
	ck_assert_ptr_null(json_object_get(answer, "signature"));
}
END_TEST

static const struct {
	struct said said;
	const char *field;
} foreign[] = {
	{ { "BBBB", "individual", "sign", "900101300017", "ҮМІТ", CHANNEL_REMOTE, 3600 }, "number" },
	{ { "AAAA", "head", "sign", "900101300017", "ҮМІТ", CHANNEL_REMOTE, 3600 }, "kind" },
	{ { "AAAA", "individual", "auth", "900101300017", "ҮМІТ", CHANNEL_REMOTE, 3600 }, "purposes" },
	{ { "AAAA", "individual", "sign", "800416300257", "ҮМІТ", CHANNEL_REMOTE, 3600 }, "iin" },
	{ { "AAAA", "individual", "sign", "900101300017", "ҮМІТ", CHANNEL_COUNTER, 3600 }, "authorisations" },
	{ { "AAAA", "individual", "sign", "900101300017", "ҮМІТ", CHANNEL_REMOTE, -1 }, "authorisations" },
};

START_TEST(authorisations_about_something_else_are_not_signed)
{
	OWN(json) file = json_object();
	OWN(json) answer = NULL;
	uint8_t digest[SHA256_LEN];
	OWN(json) question = question_make(&foreign[_i].said, "900101300017", digest);
	OWN(err) e = identify(&answer, question, file, store);

	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_assert_str_eq(err_field(e), foreign[_i].field);
	ck_assert_ptr_null(answer);
}
END_TEST

/* ---------------------------------------------------------------- registers and messages */

START_TEST(registers_answer_the_same_each_time)
{
	OWN(json) file = json_loads(register_text, 0, NULL);
	OWN(json) first = NULL;
	OWN(json) second = NULL;
	OWN(json) listed = NULL;
	OWN(json) organisation = NULL;
	OWN(json) none = NULL;

	ck_ok(register_person(&first, file, "900101300017"));
	ck_ok(register_person(&second, file, "900101300017"));
	ck_assert(json_equal(first, second));
	ck_assert(json_is_true(json_object_get(first, "made_up")));
	ck_ok(register_person(&listed, file, "680503450037"));
	ck_assert_str_eq(answer_text_or(listed, "surname", ""), "Басқа");
	ck_assert(json_is_false(json_object_get(listed, "made_up")));
	ck_ok(register_organisation(&organisation, file, "940140000385"));
	ck_assert_ptr_nonnull(strstr(answer_text_or(organisation, "name", ""), "ДЕМО"));
	ck_fails(register_person(&none, file, "900101300018"), ERR_BAD_INPUT, "check digit");
	ck_fails(register_organisation(&none, file, "1"), ERR_BAD_INPUT, "");
}
END_TEST

START_TEST(messages_are_kept_and_bounded)
{
	OWN(messages) messages = { 0 };
	OWN(json) mine = NULL;
	OWN(json) old = NULL;
	uint64_t id;

	ck_ok(messages_init(&messages));
	ck_ok(messages_take(&messages, &id, "+77000000001", "the first"));
	for (int i = 0; i < MESSAGES_KEPT - 1; i++)
		ck_ok(messages_take(&messages, &id, "+77000000002", i % 2 == 0 ? "even" : "odd"));
	ck_ok(messages_of(&mine, &messages, "+77000000002"));
	const json_t *list = json_object_get(mine, "messages");
	ck_assert_uint_eq(json_array_size(list), MESSAGES_SHOWN);
	ck_assert_str_eq(answer_text_or(json_array_get(list, MESSAGES_SHOWN - 1), "text", ""),
			 "even"); /* the newest is last */
	ck_ok(messages_of(&old, &messages, "+77000000001"));
	ck_assert_uint_eq(json_array_size(json_object_get(old, "messages")), 1);
	ck_ok(messages_take(&messages, &id, "+77000000002", "one more"));
	OWN(json) gone = NULL;
	ck_ok(messages_of(&gone, &messages, "+77000000001"));
	ck_assert_uint_eq(json_array_size(json_object_get(gone, "messages")), 0);
	ck_fails(messages_take(&messages, &id, "12", "x"), ERR_BAD_INPUT, "");
	ck_fails(messages_take(&messages, &id, "+77000000002", ""), ERR_BAD_INPUT, "the text has 1 to 1000 octets");
	ck_fails(messages_take(&messages, &id, "+77000000002", "\xff"), ERR_BAD_INPUT, "UTF-8");
}
END_TEST

/* ---------------------------------------------------------------- over HTTP */

START_TEST(served_over_http_until_terminated)
{
	OWN(simulators) simulators = NULL;
	OWN(client) client = NULL;
	OWN(json) sms = json_pack("{s:s, s:s}", "to", "+77011234567", "text", "код 123456");
	OWN(json) sent = NULL;
	OWN(json) shown = NULL;
	OWN(json) matched = NULL;
	OWN(json) none = NULL;
	uint8_t digest[SHA256_LEN];
	OWN(json) question = question_make(&right, right.iin, digest);
	char url[64];
	int status;

	ck_ok(simulators_create(&simulators, 0, store, json_object()));
	store = NULL;
	pid_t child = fork();
	if (child == 0) {
		struct err *e = simulators_run(simulators);
		simulators_destroy(&simulators);
		_exit(e == NULL ? 0 : 1);
	}
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)simulators_port(simulators));
	const struct client_options options = { .url = url, .timeout_s = 20 };
	ck_ok(client_create(&client, &options));
	ck_ok(client_post(client, &sent, "/sms", sms));
	ck_ok(client_get(client, &shown, "/sms?to=%2B77011234567"));
	const json_t *last = json_array_get(json_object_get(shown, "messages"), 0);
	ck_assert_str_eq(answer_text_or(last, "text", ""), "код 123456");
	ck_ok(client_post(client, &matched, "/identify", question));
	ck_assert_str_eq(answer_text_or(matched, "outcome", ""), "matched");
	ck_fails(client_get(client, &none, "/person/900101300018"), ERR_BAD_INPUT, "check digit");
	ck_fails(client_get(client, &none, "/organisation/"), ERR_BAD_INPUT, "");
	ck_fails(client_get(client, &none, "/identify"), ERR_NOT_FOUND, "no such resource");
	ck_fails(client_get(client, &none, "/sms"), ERR_BAD_INPUT, "name the number");
	ck_fails(client_post_bytes(client, &none, "/sms", "application/json", SLICE_STR("[1]")), ERR_BAD_INPUT,
		 "no JSON object");
	ck_fails(client_post_bytes(client, &none, "/sms", "application/json", SLICE_STR("{\"to\":1}")), ERR_BAD_INPUT,
		 "to");
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

static const struct {
	const char *line;
	int code;
	const char *text;
} lines[] = {
	{ "sim --help", 0,
	  "SIMULATORS of state systems for demonstrations and tests. Nothing here is the real thing." },
	{ "sim --version", 0, "nuc-simulators " },
	{ "sim --key k --cert c", 2, "option --port N is missing" },
	{ "sim --port 1 --key k --cert c x", 2, "nothing is expected here" },
	{ "sim --port a --key k --cert c", 1, "--port is a number" },
	{ "sim --port 1 --key nothing --cert c", 1, "there is no file nothing" },
};

START_TEST(command_line)
{
	char line[100], *argv[10], *text = NULL;
	size_t len;
	int argc = 0;
	FILE *out = open_memstream(&text, &len);

	(void)snprintf(line, sizeof line, "%s", lines[_i].line);
	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	int code = simulators_main(argc, argv, out, out);
	(void)fclose(out);
	ck_assert_int_eq(code, lines[_i].code);
	ck_assert_msg(strstr(text, lines[_i].text) != NULL, "%s", text);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("deploy/simulators/simulators");
	TCase *t = tcase_create("simulators");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_person_who_is_recognised_gets_a_signed_decision);
	tcase_add_loop_test(t, who_is_recognised, 0, COUNT_OF(people));
	tcase_add_loop_test(t, authorisations_about_something_else_are_not_signed, 0, COUNT_OF(foreign));
	tcase_add_test(t, registers_answer_the_same_each_time);
	tcase_add_test(t, messages_are_kept_and_bounded);
	tcase_add_test(t, served_over_http_until_terminated);
	tcase_add_loop_test(t, command_line, 0, COUNT_OF(lines));
	suite_add_tcase(s, t);
	return suite_main(s);
}
