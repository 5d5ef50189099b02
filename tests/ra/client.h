/*
 * client.h - the HTTPS client of rad's tests, and what applicants and operators do with it: submit, confirm, decide.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_RA_CLIENT_H
#define TESTS_RA_CLIENT_H

#include "world.h"

/* ---- the HTTPS client */

struct reply {
	long status;
	CURLcode code;
	struct buf body;
	json_t *json;
	char type[64];
};

static inline void reply_clear(struct reply *self)
{
	buf_clear(&self->body);
	json_decref(self->json);
	self->json = NULL;
}
OWN_TYPE(reply, struct reply, reply_clear)
#define REPLY_INIT                                                                                                     \
	{                                                                                                              \
		.body = BUF_INIT(8 << 20)                                                                              \
	}

static inline size_t reply_data(char *bytes, size_t one, size_t n, void *arg)
{
	ck_ok(buf_append(arg, SLICE(bytes, one * n)));
	return one * n;
}

/* Sent with every request while it is set. */
static const char *http_extra_header;

/* One request on a connection of its own. `as`: name of staff for the operators' port, NULL: the applicants'. */
static inline void http_send(struct reply *out, const char *as, const char *path, const char *content_type,
			     struct slice body, bool is_post)
{
	char url[600], file[2][200], header[120];
	CURL *c = curl_easy_init();
	struct curl_slist *headers = NULL;
	char *type = NULL;

	(void)snprintf(url, sizeof url, "https://127.0.0.1:%d%s",
		       as == NULL ? world.applicants_port : world.operators_port, path);
	(void)snprintf(file[0], sizeof file[0], "%s/root.pem", world.dir);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CAINFO, file[0]);
	(void)snprintf(file[1], sizeof file[1], "%s/chain.pem", world.dir);
	if (as != NULL && as[0] != '\0') {
		(void)snprintf(file[0], sizeof file[0], "%s/%s.pem", world.dir, as);
		(void)snprintf(file[1], sizeof file[1], "%s/%s.key", world.dir, as);
		curl_easy_setopt(c, CURLOPT_SSLCERT, file[0]);
		curl_easy_setopt(c, CURLOPT_SSLKEY, file[1]);
	}
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, reply_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &out->body);
	if (is_post) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body.len);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p == NULL ? "" : (const char *)body.p);
		(void)snprintf(header, sizeof header, "Content-Type: %s", content_type);
		headers = curl_slist_append(headers, header);
		headers = curl_slist_append(headers, "Expect:");
	}
	if (http_extra_header != NULL)
		headers = curl_slist_append(headers, http_extra_header);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	reply_clear(out);
	out->code = curl_easy_perform(c);
	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &out->status);
	(void)curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
	(void)snprintf(out->type, sizeof out->type, "%s", type == NULL ? "" : type);
	if (out->body.len > 0)
		out->json = json_loadb((const char *)out->body.p, out->body.len, JSON_REJECT_DUPLICATES, NULL);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
}

static inline void http_get(struct reply *out, const char *as, const char *path)
{
	http_send(out, as, path, "", SLICE_NONE, false);
}

static inline void http_post_text(struct reply *out, const char *as, const char *path, const char *text)
{
	http_send(out, as, path, "application/json", SLICE_STR(text), true);
}

static inline void http_post(struct reply *out, const char *as, const char *path, const json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);

	http_post_text(out, as, path, text);
	free(text);
}

static inline const char *reply_text(const struct reply *r, const char *member)
{
	const char *text = json_string_value(json_object_get(r->json, member));

	return text == NULL ? "" : text;
}

#define ck_status(r, wanted)                                                                                           \
	ck_assert_msg((r)->status == (wanted), "status %ld (curl %d), wanted %d: %.*s", (r)->status, (int)(r)->code,   \
		      (int)(wanted), (int)(r)->body.len, (r)->body.p == NULL ? "" : (const char *)(r)->body.p)

/* A refusal: status, field, and a part of the sentence. */
#define ck_refused(r, wanted, wanted_field, part)                                                                      \
	do {                                                                                                           \
		ck_status(r, wanted);                                                                                  \
		ck_assert_str_eq((r)->type, "application/problem+json");                                               \
		ck_assert_msg(strcmp(reply_text(r, "field"), wanted_field) == 0, "field \"%s\", wanted \"%s\": %s",    \
			      reply_text(r, "field"), wanted_field, reply_text(r, "detail"));                          \
		ck_assert_msg(strstr(reply_text(r, "detail"), part) != NULL, "\"%s\" not in: %s", part,                \
			      reply_text(r, "detail"));                                                                \
	} while (0)

/* ---- applications */

static inline void make_csr(struct buf *out, EVP_PKEY *key, const char *email)
{
	OWN(buf) extensions = BUF_INIT(4096);
	OWN(buf) info = BUF_INIT(8192);
	OWN(buf) spki = BUF_INIT(4096);
	OWN(buf) signature = BUF_INIT(4096);
	const struct suite *row;

	ck_ok(csr_extensions(&extensions, "1.2.398.3.3.5.1.1", &email, email == NULL ? 0 : 1, NULL, 0));
	ck_ok(suite_spki(&spki, key));
	ck_ok(csr_info(&info, SLICE_NONE, buf_slice(&spki), buf_slice(&extensions)));
	fixture_sign(&signature, key, buf_slice(&info));
	ck_ok(suite_of_key(&row, key));
	ck_ok(csr_assemble(out, buf_slice(&info), row->signature_algorithm, buf_slice(&signature)));
}

static inline void add_csr(json_t *requests, const char *purpose, EVP_PKEY *key, const char *email)
{
	OWN(buf) der = BUF_INIT(16384);
	json_t *item = ra_json_append_object(requests);

	make_csr(&der, key, email);
	ra_json_set_str(item, "purpose", purpose);
	ra_json_set_base64(item, "csr", buf_slice(&der));
}

/* A right submission with fresh keys: of an individual, or of a head. */
static inline json_t *make_application(const char *kind, const char *iin, const char *phone)
{
	json_t *body = json_object();
	json_t *person = ra_json_add_object(body, "person");
	json_t *requests = ra_json_add_array(body, "requests");
	static const char *const purposes[] = { "auth", "sign" };

	ra_json_set_str(body, "kind", kind);
	ra_json_set_str(person, "iin", iin);
	ra_json_set_str(person, "surname", "ӘБДІҒАЛИҚЫЗЫ");
	ra_json_set_str(person, "given", "ҮМІТ");
	ra_json_set_str(person, "patronymic", "ӨМІРҰЛЫ");
	ra_json_set_str(person, "email", "person@example.kz");
	ra_json_set_str(person, "phone", phone);
	if (strcmp(kind, "head") == 0) {
		json_t *organisation = ra_json_add_object(body, "organisation");

		ra_json_set_str(organisation, "bin", "940140000385");
		ra_json_set_str(organisation, "name", "АО \"ТЕСТ\"");
	}
	for (int i = 0; i < 2; i++) {
		EVP_PKEY *key = test_key("rsa");

		add_csr(requests, purposes[i], key, "person@example.kz");
		EVP_PKEY_free(key);
	}
	ra_json_set_str(body, "agreement", world.agreement_hex);
	return body;
}

/* Twelve digits that nobody has used yet, with a right check digit. */
static inline const char *new_iin(void)
{
	static char iin[16];
	static int counter;
	int digit = -1;

	while (digit < 0) {
		unsigned n = (unsigned)getpid() * 131u + (unsigned)counter * 7u;

		(void)snprintf(iin, sizeof iin, "85%02u%02u3%04u", 1 + n % 12, 1 + n / 12 % 28, n / 336 % 10000);
		counter++;
		digit = person_check_digit(iin);
	}
	iin[11] = (char)('0' + digit);
	iin[12] = '\0';
	return iin;
}

static inline const struct test_person *staff_person(const char *name)
{
	for (int i = 0; i < WORLD_STAFF; i++)
		if (strcmp(world.staff[i].name, name) == 0)
			return &world.staff[i].person;
	ck_abort_msg("nobody is called %s", name);
	return NULL;
}

static inline void submit(char number[24], const char *as, const json_t *body)
{
	OWN(reply) r = REPLY_INIT;

	http_post(&r, as, "/api/v1/applications", body);
	ck_status(&r, 201);
	(void)snprintf(number, 24, "%s", reply_text(&r, "number"));
}

static inline const char *state_of(const char *number)
{
	return pg_text("SELECT state FROM application WHERE number = '%s'", number);
}

/* The code in the newest SMS to this number; waits for it. `after` texts were there before. */
static inline void sms_code(char out[7], const char *phone, int after)
{
	const char *found = NULL;

	while (found == NULL) {
		world_wait(atomic_load(&world.shared->num_sms) > after);
		for (int i = atomic_load(&world.shared->num_sms) - 1; i >= after && found == NULL; i--)
			if (strcmp(world.shared->sms[i % WORLD_SMS].to, phone) == 0)
				found = world.shared->sms[i % WORLD_SMS].text;
		if (found == NULL)
			after = atomic_load(&world.shared->num_sms);
	}
	size_t at = strcspn(found, "0123456789");
	(void)snprintf(out, 7, "%.6s", found + at);
}

static inline void confirm(struct reply *out, const char *number, const char *code)
{
	char path[100];
	OWN(json) body = json_object();

	(void)snprintf(path, sizeof path, "/api/v1/applications/%s/confirm", number);
	ra_json_set_str(body, "code", code);
	http_post(out, NULL, path, body);
}

/* Signs a decision over all requests of the applications and posts it as the person. */
static inline void post_decision(struct reply *out, const char *as, const char *signer, const char *const *numbers,
				 size_t num, enum decision_verdict verdict, const char *reason)
{
	uint8_t digests[64][SHA256_LEN];
	size_t num_digests = 0;
	OWN(test_decision) d = { .decision = { 0 } };
	OWN(json) body = json_object();

	for (size_t i = 0; i < num; i++) {
		char path[100];
		OWN(reply) r = REPLY_INIT;
		json_t *request;
		size_t k;

		(void)snprintf(path, sizeof path, "/api/v1/applications/%s", numbers[i]);
		http_get(&r, as, path);
		ck_status(&r, 200);
		json_array_foreach(json_object_get(r.json, "requests"), k, request)
		{
			OWN(buf) hash = BUF_INIT(32);
			ck_ok(text_unhex(&hash, SLICE_STR(json_string_value(json_object_get(request, "digest")))));
			memcpy(digests[num_digests++], hash.p, 32);
		}
	}
	struct decision members = { .kind = DECISION_AUTHORISATIONS,
				    .verdict = verdict,
				    .reason = SLICE_STR(reason),
				    .decided_at = clock_now_s(),
				    .expires_at = clock_now_s() + 86400 };
	test_decide_as(&d, staff_person(signer), &members, (const uint8_t(*)[SHA256_LEN])digests, num_digests);
	ra_json_set_base64(body, "decision", buf_slice(&d.decision));
	ra_json_set_base64(body, "signature", buf_slice(&d.signature));
	if (verdict == DECISION_REJECT)
		ra_json_set_str(body, "reason_text", "the photograph does not fit");
	http_post(out, as, "/api/v1/decisions", body);
}

static inline void decide(struct reply *out, const char *as, const char *number, enum decision_verdict verdict)
{
	post_decision(out, as, as, &number, 1, verdict, verdict == DECISION_REJECT ? "photo" : "");
}

/* A telephone number of this test's own. */
static inline const char *new_phone(void)
{
	static char phone[24];
	static unsigned n;

	(void)snprintf(phone, sizeof phone, "+7702%05u%02u", (unsigned)getpid() % 100000u, n++ % 100u);
	return phone;
}

static inline void post_empty(struct reply *r, const char *number, const char *action)
{
	char path[100];

	(void)snprintf(path, sizeof path, "/api/v1/applications/%s/%s", number, action);
	http_post_text(r, NULL, path, "{}");
}

/* Submits and confirms with the code that came by SMS. */
static inline void submit_and_confirm(char number[24], const char *kind)
{
	const char *phone = new_phone();
	OWN(json) body = make_application(kind, new_iin(), phone);
	OWN(reply) r = REPLY_INIT;
	int before = atomic_load(&world.shared->num_sms);
	char code[7];

	submit(number, NULL, body);
	sms_code(code, phone, before);
	confirm(&r, number, code);
	ck_status(&r, 200);
	ck_assert(json_is_true(json_object_get(r.json, "confirmed")) ||
		  strcmp(reply_text(&r, "state"), "approved") == 0);
}

#endif
