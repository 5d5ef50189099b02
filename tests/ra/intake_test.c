/*
 * intake_test.c - submissions over real HTTPS against a real rad: what is taken, and the bad ones of which each is refused
 * with its field named and leaves no application behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client.h"

#define PHONE "+77010000001"

static int64_t num_applications(void)
{
	return pg_number("SELECT count(*) FROM application");
}

START_TEST(an_application_is_taken_once)
{
	OWN(json) body = make_application("individual", new_iin(), PHONE);
	OWN(reply) r = REPLY_INIT;
	char number[24];
	int64_t before = num_applications();

	http_post(&r, NULL, "/api/v1/applications", body);
	ck_status(&r, 201);
	ck_assert_str_eq(reply_text(&r, "state"), "awaiting_confirmation");
	(void)snprintf(number, sizeof number, "%s", reply_text(&r, "number"));
	ck_assert_uint_eq(strlen(number), 21);
	http_post(&r, NULL, "/api/v1/applications", body);
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "number"), number);
	ck_assert_int_eq(num_applications(), before + 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM request q JOIN application a ON a.id = q.application_id WHERE "
				   "a.number = '%s'",
				   number),
			 2);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM log_pending p JOIN application a ON a.id = p.application_id WHERE "
			  "a.number = '%s' AND p.kind = 'application.submitted'",
			  number),
		1);
	/* The members in another order are the same submission; another e-mail is another one, with keys in use. */
	OWN(json) again = json_object();
	json_object_update(again, body);
	json_t *requests = json_object_get(again, "requests");
	json_t *first = json_incref(json_array_get(requests, 0));
	json_array_remove(requests, 0);
	json_array_append_new(requests, first);
	http_post(&r, NULL, "/api/v1/applications", again);
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "number"), number);
	json_object_set_new(json_object_get(again, "person"), "phone", json_string("+77010000009"));
	http_post(&r, NULL, "/api/v1/applications", again);
	ck_refused(&r, 409, "requests[1].csr", "another application or certificate");
	ck_assert_int_eq(num_applications(), before + 1);
}
END_TEST

START_TEST(the_authorisation_says_what_the_application_says)
{
	const char *iin = new_iin();
	OWN(json) body = make_application("individual", iin, PHONE);
	OWN(buf) der = BUF_INIT(64 * 1024);
	struct authorisation a;
	struct slice value;
	char number[24];

	submit(number, NULL, body);
	ck_ok(text_unhex(&der,
			 SLICE_STR(pg_text("SELECT encode(q.authorisation, 'hex') FROM request q JOIN application a ON "
					   "a.id = q.application_id WHERE a.number = '%s' AND purpose = 'sign'",
					   number))));
	ck_ok(authorisation_decode(&a, buf_slice(&der)));
	ck_assert(slice_equal(a.application_number, SLICE_STR(number)));
	ck_assert(slice_equal(a.profile, SLICE_STR("individual-sign")));
	ck_assert(name_get(&value, a.subject, NAME_CN));
	ck_assert(slice_equal(value, SLICE_STR("ӘБДІҒАЛИҚЫЗЫ ҮМІТ")));
	ck_assert(name_get(&value, a.subject, NAME_G));
	ck_assert(slice_equal(value, SLICE_STR("ӨМІРҰЛЫ")));
	ck_assert_int_eq(a.channel, CHANNEL_REMOTE);
	ck_assert_int_eq(a.max_validity_s, 365 * 86400);
	ck_assert_uint_eq(a.num_emails, 1);
	ck_assert(slice_equal(a.emails[0], SLICE_STR("person@example.kz")));
	ck_assert_uint_eq(a.entered_by.len, 0);
}
END_TEST

/* ---- the bad ones. Each function spoils a right submission. */

static void wrong_check_digit(json_t *body)
{
	const char *iin = json_string_value(json_object_get(json_object_get(body, "person"), "iin"));
	char wrong[13];

	(void)snprintf(wrong, sizeof wrong, "%.11s%c", iin, iin[11] == '9' ? '0' : iin[11] + 1);
	ra_json_set_str(json_object_get(body, "person"), "iin", wrong);
}

static void key_of_another(json_t *body)
{
	json_t *requests = json_object_get(body, "requests");

	json_array_remove(requests, 1);
	add_csr(requests, "sign", world.stranger.key, NULL);
}

static void weak_key(json_t *body)
{
	json_t *requests = json_object_get(body, "requests");
	EVP_PKEY *key = test_key("rsa1024");
	OWN(buf) der = BUF_INIT(16384);
	X509_REQ *req = X509_REQ_new();
	uint8_t *bytes = NULL;

	ck_ok(csr_extensions(&der, "1.2.398.3.3.5.1.1", NULL, 0, NULL, 0));
	const uint8_t *at = der.p;
	X509_EXTENSIONS *extensions = d2i_X509_EXTENSIONS(NULL, &at, (long)der.len);
	ck_assert_int_eq(X509_REQ_add_extensions(req, extensions), 1);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_REQ_set_pubkey(req, key);
	ck_assert_int_ne(X509_REQ_sign(req, key, EVP_sha256()), 0);
	int len = i2d_X509_REQ(req, &bytes);
	json_array_remove(requests, 1);
	json_t *item = ra_json_append_object(requests);
	ra_json_set_str(item, "purpose", "sign");
	ra_json_set_base64(item, "csr", SLICE(bytes, (size_t)len));
	OPENSSL_free(bytes);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

static void broken_signature(json_t *body)
{
	json_t *item = json_array_get(json_object_get(body, "requests"), 1);
	OWN(buf) der = BUF_INIT(16384);

	ck_ok(text_unbase64(&der, SLICE_STR(json_string_value(json_object_get(item, "csr")))));
	der.p[der.len - 1] ^= 1;
	ra_json_set_base64(item, "csr", buf_slice(&der));
}

static void no_agreement(json_t *body)
{
	json_object_del(body, "agreement");
}

static void other_agreement(json_t *body)
{
	ra_json_set_str(body, "agreement", "0000000000000000000000000000000000000000000000000000000000000000");
}

static void unknown_kind(json_t *body)
{
	ra_json_set_str(body, "kind", "emperor");
}

static void kind_of_the_centre(json_t *body)
{
	ra_json_set_str(body, "kind", "staff-operator");
}

static void sql_in_name(json_t *body)
{
	ra_json_set_str(json_object_get(body, "person"), "surname", "ТЕСТ'); DROP TABLE application; --");
}

static void markup_in_name(json_t *body)
{
	ra_json_set_str(json_object_get(body, "person"), "given", "<script>alert(1)</script>");
}

static void control_in_name(json_t *body)
{
	ra_json_set_str(json_object_get(body, "person"), "patronymic", "А\u202eБ");
}

static void markup_in_organisation(json_t *body)
{
	json_t *o = ra_json_add_object(body, "organisation");

	ra_json_set_str(body, "kind", "head");
	ra_json_set_str(o, "bin", "940140000385");
	ra_json_set_str(o, "name", "<b>ТЕСТ</b>");
}

static void same_keys(json_t *body)
{
	json_t *requests = json_object_get(body, "requests");

	ra_json_set_str(json_array_get(requests, 1), "csr",
			json_string_value(json_object_get(json_array_get(requests, 0), "csr")));
}

static void one_request(json_t *body)
{
	json_array_remove(json_object_get(body, "requests"), 0);
}

static void purpose_twice(json_t *body)
{
	ra_json_set_str(json_array_get(json_object_get(body, "requests"), 1), "purpose", "auth");
}

static void other_email(json_t *body)
{
	ra_json_set_str(json_object_get(body, "person"), "email", "somebody@example.kz");
}

static void no_phone(json_t *body)
{
	json_object_del(json_object_get(body, "person"), "phone");
}

static void unknown_field(json_t *body)
{
	ra_json_set_str(json_object_get(body, "person"), "passport", "N1");
}

static void field_of_another_kind(json_t *body)
{
	ra_json_set_str(ra_json_add_object(body, "treasury"), "role", "ROLE01");
}

static void number_for_text(json_t *body)
{
	ra_json_set_int(json_object_get(body, "person"), "iin", 850101300017);
}

static void wrong_channel(json_t *body)
{
	ra_json_set_str(body, "channel", "counter");
}

static void other_store(json_t *body)
{
	ra_json_set_str(body, "key_storage", "1.2.398.3.3.5.2.2");
}

static void unknown_issuer(json_t *body)
{
	ra_json_set_str(body, "issuer", "gost");
}

static void test_identity(json_t *body)
{
	ra_json_set_str(json_object_get(body, "person"), "iin", "123456789011");
}

static const struct {
	void (*spoil)(json_t *);
	int status;
	const char *field, *text;
} bad[] = {
	{ wrong_check_digit, 400, "person.iin", "check digit" },
	{ key_of_another, 409, "requests[1].csr", "another application or certificate" },
	{ weak_key, 400, "requests[1].csr", "1024" },
	{ broken_signature, 400, "requests[1].csr", "signature" },
	{ no_agreement, 400, "agreement", "missing" },
	{ other_agreement, 400, "agreement", "digest" },
	{ unknown_kind, 400, "kind", "no such kind" },
	{ kind_of_the_centre, 400, "kind", "not taken" },
	{ sql_in_name, 400, "person.surname", "" },
	{ markup_in_name, 400, "person.given", "" },
	{ control_in_name, 400, "person.patronymic", "" },
	{ markup_in_organisation, 400, "organisation.name", "" },
	{ same_keys, 400, "requests[1].csr", "same key" },
	{ one_request, 400, "requests", "missing" },
	{ purpose_twice, 400, "requests[1].purpose", "twice" },
	{ other_email, 400, "requests[0].csr", "e-mail" },
	{ no_phone, 400, "person.phone", "missing" },
	{ unknown_field, 400, "person.passport", "known" },
	{ field_of_another_kind, 400, "treasury.role", "no such field" },
	{ number_for_text, 400, "person.iin", "a text" },
	{ wrong_channel, 400, "channel", "remote" },
	{ other_store, 400, "requests[0].csr", "key store" },
	{ unknown_issuer, 400, "issuer", "no such issuer" },
	{ test_identity, 400, "person.iin", "" },
};

START_TEST(bad_submission)
{
	OWN(json) body = make_application("individual", new_iin(), PHONE);
	OWN(reply) r = REPLY_INIT;
	int64_t before = num_applications();

	bad[_i].spoil(body);
	http_post(&r, NULL, "/api/v1/applications", body);
	ck_refused(&r, bad[_i].status, bad[_i].field, bad[_i].text);
	ck_assert_int_eq(num_applications(), before);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM request q WHERE NOT EXISTS (SELECT FROM application a WHERE a.id = "
			  "q.application_id)"),
		0);
}
END_TEST

/* Bodies that are no submission at all. */
static const struct {
	const char *body;
	int status;
	const char *field, *text;
} bodies[] = {
	{ "{\"kind\":\"individual\",\"person\":{\"iin\":\"680503450037\",\"iin\":\"680503450038\"}}", 400, "person.iin",
	  "twice" },
	{ "{\"kind\":\"individual\",\"person\":{\"surname\":\"\xc3\x28\"}}", 400, "person.surname", "UTF-8" },
	{ "{\"kind\":", 400, "kind", "too early" },
	{ "", 400, "body", "empty" },
	{ "[]", 400, "body", "object" },
	{ "{}", 400, "kind", "missing" },
};

START_TEST(bad_body)
{
	OWN(reply) r = REPLY_INIT;
	int64_t before = num_applications();

	http_post_text(&r, NULL, "/api/v1/applications", bodies[_i].body);
	ck_refused(&r, bodies[_i].status, bodies[_i].field, bodies[_i].text);
	ck_assert_int_eq(num_applications(), before);
}
END_TEST

START_TEST(body_over_the_limit)
{
	size_t len = 200000;
	char *text = malloc(len);
	OWN(reply) r = REPLY_INIT;
	int64_t before = num_applications();

	memset(text, ' ', len);
	text[0] = '{';
	text[len - 1] = '}';
	http_send(&r, NULL, "/api/v1/applications", "application/json", SLICE(text, len), true);
	ck_refused(&r, 413, "body", "131072");
	ck_assert_int_eq(num_applications(), before);
	free(text);
	/* Past what the connection takes at all: refused before it is read. */
	len = 6000000;
	text = calloc(1, len);
	http_send(&r, NULL, "/api/v1/applications", "application/json", SLICE(text, len), true);
	ck_assert_msg(r.status == 413 || r.status == 0, "status %ld", r.status);
	free(text);
	ck_assert_int_eq(num_applications(), before);
	http_get(&r, NULL, "/api/v1/agreement");
	ck_status(&r, 200);
}
END_TEST

static const char *const good_names[] = { "О'Брайен-Смит", "O'Brien-Smith", "ӘҒҚҢӨҰҮҺІ", "Тест-оглы", "de la Cruz" };

START_TEST(names_that_must_pass)
{
	OWN(json) body = make_application("individual", new_iin(), PHONE);
	char number[24];

	ra_json_set_str(json_object_get(body, "person"), "surname", good_names[_i]);
	submit(number, NULL, body);
	ck_assert_str_eq(pg_text("SELECT surname FROM application WHERE number = '%s'", number), good_names[_i]);
}
END_TEST

START_TEST(the_service_tells_of_itself)
{
	OWN(reply) r = REPLY_INIT;
	uint8_t digest[32];
	char hex[65];

	http_get(&r, NULL, "/api/v1/agreement");
	ck_status(&r, 200);
	der_sha256(digest, SLICE_STR(reply_text(&r, "text")));
	ck_assert_str_eq(reply_text(&r, "digest"), text_hex_fixed(hex, SLICE(digest, 32)));
	http_get(&r, NULL, "/api/v1/profiles");
	ck_status(&r, 200);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "kinds")), 2);
	json_t *individual = json_array_get(json_object_get(r.json, "kinds"), 0);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(individual, "requests"), 1)), "sign");
}
END_TEST

static const struct {
	const char *path, *type;
	bool is_post;
	int status;
	const char *field;
} strays[] = {
	{ "/", "", false, 404, "path" },
	{ "/api/v1", "", false, 404, "path" },
	{ "/api/v1/queue", "", false, 404, "path" },
	{ "/api/v1/decisions", "application/json", true, 404, "path" },
	{ "/api/v1/agreement", "application/json", true, 405, "method" },
	{ "/api/v1/applications", "text/plain", true, 415, "Content-Type" },
	{ "/api/v1/applications/nonsense", "", false, 400, "number" },
	{ "/api/v1/applications/0000-0000-0000-0000-0", "", false, 404, "number" },
	{ "/api/v1/applications/0000-0000-0000-0000-1", "", false, 400, "number" },
	{ "/api/v1/applications/%2e%2e%2fetc", "", false, 404, "path" },
	{ "/api/v1/applications/%ff%fe", "", false, 400, "" },
	{ "/api/v1/applications/a%00b", "", false, 400, "path" },
};

START_TEST(paths_that_do_not_exist)
{
	OWN(reply) r = REPLY_INIT;

	http_send(&r, NULL, strays[_i].path, strays[_i].type, SLICE_STR("{}"), strays[_i].is_post);
	ck_refused(&r, strays[_i].status, strays[_i].field, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/intake");
	TCase *t = tcase_create("intake");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, world_create, world_destroy);
	tcase_add_test(t, an_application_is_taken_once);
	tcase_add_test(t, the_authorisation_says_what_the_application_says);
	tcase_add_loop_test(t, bad_submission, 0, COUNT_OF(bad));
	tcase_add_loop_test(t, bad_body, 0, COUNT_OF(bodies));
	tcase_add_test(t, body_over_the_limit);
	tcase_add_loop_test(t, names_that_must_pass, 0, COUNT_OF(good_names));
	tcase_add_test(t, the_service_tells_of_itself);
	tcase_add_loop_test(t, paths_that_do_not_exist, 0, COUNT_OF(strays));
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
