/*
 * queue_test.c - operators over mTLS: the queue, claims, decisions, four eyes, and everything that nobody may do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client.h"

static void enter(char number[24], const char *as, const char *kind)
{
	OWN(json) body = make_application(kind, new_iin(), "+77010000001");

	submit(number, as, body);
	ck_assert_str_eq(state_of(number), "submitted");
}

static void act(struct reply *r, const char *as, const char *number, const char *action, const char *body)
{
	char path[120];

	(void)snprintf(path, sizeof path, "/api/v1/applications/%s/%s", number, action);
	http_post_text(r, as, path, body);
}

static void look(struct reply *r, const char *as, const char *number)
{
	char path[120];

	(void)snprintf(path, sizeof path, "/api/v1/applications/%s", number);
	http_get(r, as, path);
	ck_status(r, 200);
}

static int64_t refusals_in_ledger(void)
{
	return pg_number("SELECT count(*) FROM log_pending WHERE kind = 'access.refused'");
}

START_TEST(four_eyes)
{
	OWN(reply) r = REPLY_INIT;
	char number[24];
	int64_t refusals = refusals_in_ledger();
	int prompts = atomic_load(&world.shared->prompts_issue);

	enter(number, "operator1", "head");
	decide(&r, "operator1", number, DECISION_APPROVE);
	ck_refused(&r, 403, "", "you entered");
	ck_assert_int_eq(refusals_in_ledger(), refusals + 1);
	ck_assert_int_eq(
		pg_number(
			"SELECT count(*) FROM decision_member m JOIN request q ON q.digest = m.member JOIN application "
			"a ON a.id = q.application_id WHERE a.number = '%s'",
			number),
		0);
	look(&r, "operator2", number);
	ck_assert(json_is_true(json_object_get(r.json, "may_decide")));
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "still_needed")), 2);
	decide(&r, "operator2", number, DECISION_APPROVE);
	ck_status(&r, 200);
	json_t *first = json_array_get(json_object_get(r.json, "applications"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(first, "number")), number);
	ck_assert_str_eq(json_string_value(json_object_get(first, "state")), "approved_once");
	decide(&r, "operator2", number, DECISION_APPROVE);
	ck_refused(&r, 409, "", "another person");
	look(&r, "operator2", number);
	ck_assert(json_is_false(json_object_get(r.json, "may_decide")));
	ck_assert_str_ne(reply_text(&r, "why_not"), "");
	act(&r, "operator2", number, "claim", "{}");
	ck_assert_int_eq(r.status, 409);
	decide(&r, "operator3", number, DECISION_APPROVE);
	ck_status(&r, 200);
	ck_assert_str_eq(state_of(number), "approved");
	world_wait(atomic_load(&world.shared->prompts_issue) > prompts);
	look(&r, "auditor", number);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "still_needed")), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "decisions")), 2);
	ck_assert_uint_ge(json_array_size(json_object_get(r.json, "history")), 5);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM issue_queue i JOIN request q ON q.id = i.request_id JOIN application a "
			  "ON a.id = q.application_id WHERE a.number = '%s'",
			  number),
		2);
}
END_TEST

START_TEST(one_operator_suffices_for_an_individual)
{
	OWN(reply) r = REPLY_INIT;
	char number[24];

	enter(number, "operator1", "individual");
	ck_assert_str_eq(pg_text("SELECT channel || ' ' || entered_by FROM application WHERE number = '%s'", number),
			 "counter " IIN_OPERATOR1);
	decide(&r, "admin1", number, DECISION_APPROVE);
	ck_refused(&r, 403, "decision", "role");
	decide(&r, "operator2", number, DECISION_APPROVE);
	ck_status(&r, 200);
	ck_assert_str_eq(state_of(number), "approved");
}
END_TEST

START_TEST(nobody_decides_on_their_own)
{
	OWN(json) body = make_application("individual", IIN_OPERATOR2, "+77010000001");
	OWN(reply) r = REPLY_INIT;
	char number[24];

	submit(number, "operator1", body);
	decide(&r, "operator2", number, DECISION_APPROVE);
	ck_refused(&r, 403, "", "your own");
	act(&r, "operator2", number, "claim", "{}");
	ck_refused(&r, 403, "", "your own");
	ck_assert_str_eq(state_of(number), "submitted");
}
END_TEST

START_TEST(claims)
{
	OWN(reply) r = REPLY_INIT;
	char number[24];

	enter(number, "operator1", "individual");
	act(&r, "operator2", number, "claim", "{}");
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "state"), "in_review");
	ck_assert_str_eq(reply_text(&r, "claimed_by"), IIN_OPERATOR2);
	act(&r, "operator3", number, "claim", "{}");
	ck_refused(&r, 409, "", "claimed");
	decide(&r, "operator3", number, DECISION_APPROVE);
	ck_refused(&r, 409, "", "claimed");
	act(&r, "operator3", number, "release", "{}");
	ck_refused(&r, 409, "", "not claimed");
	act(&r, "operator2", number, "release", "{}");
	ck_status(&r, 200);
	ck_assert_str_eq(state_of(number), "submitted");
	/* A lease that ran out gives it back by itself. */
	act(&r, "operator2", number, "claim", "{}");
	ck_status(&r, 200);
	pg_sql("UPDATE application SET claimed_until = now() WHERE number = '%s'", number);
	world_wait(strcmp(state_of(number), "submitted") == 0);
	act(&r, "operator3", number, "claim", "{}");
	ck_status(&r, 200);
	decide(&r, "operator3", number, DECISION_APPROVE);
	ck_status(&r, 200);
	ck_assert_str_eq(state_of(number), "approved");
}
END_TEST

START_TEST(rejection)
{
	OWN(reply) r = REPLY_INIT;
	char number[24], path[100];

	enter(number, "operator1", "head");
	decide(&r, "operator2", number, DECISION_REJECT);
	ck_status(&r, 200);
	(void)snprintf(path, sizeof path, "/api/v1/applications/%s", number);
	http_get(&r, NULL, path);
	ck_assert_str_eq(reply_text(&r, "state"), "rejected");
	ck_assert_str_eq(reply_text(&r, "reason"), "photo");
	ck_assert_str_eq(reply_text(&r, "reason_text"), "the photograph does not fit");
	ck_assert_int_eq(
		pg_number(
			"SELECT count(*) FROM key_claim k JOIN application a ON a.id = k.application_id WHERE a.number "
			"= '%s'",
			number),
		0);
	decide(&r, "operator3", number, DECISION_APPROVE);
	ck_assert_int_eq(r.status, 409);
}
END_TEST

START_TEST(returned_and_documents)
{
	OWN(reply) r = REPLY_INIT;
	char number[24], path[160];

	enter(number, "operator1", "individual");
	act(&r, "operator2", number, "return", "{\"reason\":\"photo\",\"text\":\"once more, please\"}");
	ck_assert_int_eq(r.status, 409); /* claim it first */
	act(&r, "operator2", number, "claim", "{}");
	act(&r, "operator2", number, "return", "{\"reason\":\"no code\"}");
	ck_refused(&r, 400, "reason", "code");
	act(&r, "operator2", number, "return", "{\"reason\":\"photo\",\"text\":\"once more, please\"}");
	ck_status(&r, 200);
	ck_assert_str_eq(state_of(number), "returned");
	(void)snprintf(path, sizeof path, "/api/v1/applications/%s/documents?name=%s", number, "id.pdf");
	http_send(&r, NULL, path, "application/octet-stream", SLICE_STR("%PDF-1.4 x"), true);
	ck_status(&r, 201);
	ck_assert_str_eq(reply_text(&r, "media_type"), "application/pdf");
	ck_assert_str_eq(state_of(number), "submitted");
	act(&r, "operator2", number, "documents-needed", "{\"text\":\"power of attorney\"}");
	ck_status(&r, 200);
	ck_assert_str_eq(state_of(number), "awaiting_documents");
	http_send(&r, "operator1", path, "application/octet-stream", SLICE_STR("\xff\xd8\xff..."), true);
	ck_status(&r, 201);
	ck_assert_str_eq(state_of(number), "submitted");
	look(&r, "operator3", number);
	json_t *documents = json_object_get(r.json, "documents");
	ck_assert_uint_eq(json_array_size(documents), 2);
	(void)snprintf(path, sizeof path, "/api/v1/applications/%s/documents/%lld", number,
		       (long long)json_integer_value(json_object_get(json_array_get(documents, 0), "id")));
	http_get(&r, "operator3", path);
	ck_status(&r, 200);
	ck_assert(slice_equal(buf_slice(&r.body), SLICE_STR("%PDF-1.4 x")));
	ck_assert_str_eq(r.type, "application/octet-stream");
	(void)snprintf(path, sizeof path, "/api/v1/applications/%s/documents?name=..%%2f..%%2fetc", number);
	http_send(&r, NULL, path, "application/octet-stream", SLICE_STR("x"), true);
	ck_refused(&r, 400, "name", "slash");
}
END_TEST

/* ---- decisions that are not as they should be */

static void request_digests(uint8_t (*out)[SHA256_LEN], const char *number)
{
	static const char *const purposes[] = { "auth", "sign" };

	for (int i = 0; i < 2; i++) {
		OWN(buf) hash = BUF_INIT(32);
		ck_ok(text_unhex(
			&hash, SLICE_STR(pg_text("SELECT encode(q.digest, 'hex') FROM request q JOIN application a ON "
						 "a.id = q.application_id WHERE a.number = '%s' AND q.purpose = '%s'",
						 number, purposes[i]))));
		memcpy(out[i], hash.p, 32);
	}
}

static void post_raw(struct reply *r, const char *as, const char *signer, const struct decision *members,
		     const uint8_t (*digests)[SHA256_LEN], size_t num, bool spoil)
{
	OWN(test_decision) d = { .decision = { 0 } };
	OWN(json) body = json_object();

	test_decide_as(&d, staff_person(signer), members, digests, num);
	if (spoil)
		d.signature.p[d.signature.len - 5] ^= 1;
	ra_json_set_base64(body, "decision", buf_slice(&d.decision));
	ra_json_set_base64(body, "signature", buf_slice(&d.signature));
	http_post(r, as, "/api/v1/decisions", body);
}

START_TEST(decisions_that_do_not_count)
{
	OWN(reply) r = REPLY_INIT;
	char number[24];
	uint8_t digests[3][SHA256_LEN];
	int64_t now = clock_now_s();
	struct decision good = { .kind = DECISION_AUTHORISATIONS,
				 .verdict = DECISION_APPROVE,
				 .decided_at = now,
				 .expires_at = now + 3600 };
	struct decision expired = { .kind = DECISION_AUTHORISATIONS,
				    .verdict = DECISION_APPROVE,
				    .decided_at = now - 7200,
				    .expires_at = now - 3600 };
	struct decision orders = {
		.kind = DECISION_ORDERS, .verdict = DECISION_APPROVE, .decided_at = now, .expires_at = now + 3600
	};
	const uint8_t(*all)[SHA256_LEN] = (const uint8_t(*)[SHA256_LEN])digests;

	enter(number, "operator1", "individual");
	request_digests(digests, number);
	memset(digests[2], 7, SHA256_LEN);
	post_raw(&r, "operator3", "operator2", &good, all, 2, false);
	ck_refused(&r, 403, "signature", "another person");
	post_raw(&r, "operator2", "retired", &good, all, 2, false);
	ck_refused(&r, 403, "signature", "nobody");
	post_raw(&r, "operator2", "operator2", &good, all, 1, false);
	ck_refused(&r, 400, "decision.digests", "as a whole");
	post_raw(&r, "operator2", "operator2", &good, all, 3, false);
	ck_refused(&r, 404, "decision.digests", "no application");
	post_raw(&r, "operator2", "operator2", &good, all, 2, true);
	ck_assert_int_eq(r.status, 400);
	post_raw(&r, "operator2", "operator2", &expired, all, 2, false);
	ck_refused(&r, 400, "decision", "expired");
	post_raw(&r, "operator2", "operator2", &orders, all, 2, false);
	ck_refused(&r, 400, "decision", "no decision on applications");
	ck_assert_str_eq(state_of(number), "submitted");
	ck_assert_int_eq(
		pg_number(
			"SELECT count(*) FROM decision_member m JOIN request q ON q.digest = m.member JOIN application "
			"a ON a.id = q.application_id WHERE a.number = '%s'",
			number),
		0);
}
END_TEST

START_TEST(a_decision_sent_twice_counts_once)
{
	OWN(reply) r = REPLY_INIT;
	OWN(test_decision) d = { .decision = { 0 } };
	OWN(json) body = json_object();
	char number[24];
	uint8_t digests[2][SHA256_LEN];

	enter(number, "operator1", "head");
	request_digests(digests, number);
	test_decide(&d, staff_person("operator2"), DECISION_AUTHORISATIONS, (const uint8_t(*)[SHA256_LEN])digests, 2,
		    clock_now_s());
	ra_json_set_base64(body, "decision", buf_slice(&d.decision));
	ra_json_set_base64(body, "signature", buf_slice(&d.signature));
	for (int i = 0; i < 3; i++) {
		http_post(&r, "operator2", "/api/v1/decisions", body);
		ck_status(&r, 200);
		ck_assert_str_eq(state_of(number), "approved_once");
	}
	ck_assert_int_eq(
		pg_number(
			"SELECT count(*) FROM decision_member m JOIN request q ON q.digest = m.member JOIN application "
			"a ON a.id = q.application_id WHERE a.number = '%s'",
			number),
		2);
}
END_TEST

START_TEST(one_decision_over_many_is_all_or_nothing)
{
	OWN(reply) r = REPLY_INIT;
	char numbers[3][24];
	const char *list[3];

	for (int i = 0; i < 3; i++) {
		enter(numbers[i], "operator1", "individual");
		list[i] = numbers[i];
	}
	act(&r, "operator3", numbers[1], "claim", "{}");
	ck_status(&r, 200);
	post_decision(&r, "operator2", "operator2", list, 3, DECISION_APPROVE, "");
	ck_refused(&r, 409, "", numbers[1]);
	for (int i = 0; i < 3; i++)
		ck_assert_str_eq(state_of(numbers[i]), i == 1 ? "in_review" : "submitted");
	act(&r, "operator3", numbers[1], "release", "{}");
	post_decision(&r, "operator2", "operator2", list, 3, DECISION_APPROVE, "");
	ck_status(&r, 200);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "applications")), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_str_eq(state_of(numbers[i]), "approved");
}
END_TEST

/* ---- the queue */

START_TEST(the_queue_says_why)
{
	OWN(reply) r = REPLY_INIT;
	char number[24];
	size_t i;
	json_t *item;
	bool found = false;

	enter(number, "operator1", "head");
	http_get(&r, "operator1", "/api/v1/queue?state=submitted&kind=head&limit=500");
	ck_status(&r, 200);
	json_array_foreach(json_object_get(r.json, "applications"), i, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "number")), number) != 0)
			continue;
		found = true;
		ck_assert(json_is_false(json_object_get(item, "may_decide")));
		ck_assert(strstr(json_string_value(json_object_get(item, "why_not")), "you entered") != NULL);
		ck_assert_str_eq(json_string_value(json_object_get(item, "applicant")), "ӘБДІҒАЛИҚЫЗЫ ҮМІТ ӨМІРҰЛЫ");
	}
	ck_assert(found);
	http_get(&r, "auditor", "/api/v1/queue?limit=1");
	ck_status(&r, 200);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "applications")), 1);
	ck_assert(json_integer_value(json_object_get(r.json, "total")) >= 1);
	ck_assert(json_is_false(
		json_object_get(json_array_get(json_object_get(r.json, "applications"), 0), "may_decide")));
	http_get(&r, "operator1", "/api/v1/queue?state=nowhere");
	ck_refused(&r, 400, "state", "no such state");
	http_get(&r, "operator1", "/api/v1/queue?limit=0");
	ck_refused(&r, 400, "limit", "1 to 500");
	http_get(&r, "operator1", "/api/v1/queue?kind=%27%20OR%201%3D1");
	ck_status(&r, 200);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "applications")), 0);
}
END_TEST

/* Three operators claim the same twenty applications at once: each is claimed by exactly one. */
START_TEST(two_operators_cannot_both_win)
{
	enum { N = 20 };
	static const char *const names[] = { "operator2", "operator3" };
	char numbers[N][24];
	pid_t pids[2];
	int wins = 0;

	for (int i = 0; i < N; i++)
		enter(numbers[i], "operator1", "individual");
	for (int p = 0; p < 2; p++) {
		pids[p] = fork();
		if (pids[p] != 0)
			continue;
		int won = 0;
		for (int i = 0; i < N; i++) {
			OWN(reply) r = REPLY_INIT;
			act(&r, names[p], numbers[p == 0 ? i : N - 1 - i], "claim", "{}");
			won += r.status == 200;
			if (r.status != 200 && r.status != 409)
				_exit(255);
		}
		_exit(won);
	}
	for (int p = 0; p < 2; p++) {
		int status;

		ck_assert_int_eq(waitpid(pids[p], &status, 0), pids[p]);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 255);
		wins += WEXITSTATUS(status);
	}
	ck_assert_int_eq(wins, N);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/queue");
	TCase *t = tcase_create("queue");

	tcase_set_timeout(t, 180);
	tcase_add_unchecked_fixture(t, world_create, world_destroy);
	tcase_add_test(t, four_eyes);
	tcase_add_test(t, one_operator_suffices_for_an_individual);
	tcase_add_test(t, nobody_decides_on_their_own);
	tcase_add_test(t, claims);
	tcase_add_test(t, rejection);
	tcase_add_test(t, returned_and_documents);
	tcase_add_test(t, decisions_that_do_not_count);
	tcase_add_test(t, a_decision_sent_twice_counts_once);
	tcase_add_test(t, one_decision_over_many_is_all_or_nothing);
	tcase_add_test(t, the_queue_says_why);
	tcase_add_test(t, two_operators_cannot_both_win);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
