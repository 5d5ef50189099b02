/*
 * remote_test.c - the remote channel over real processes: one-time code by SMS, identification service, approval, queue
 * for issuing, delivery; and what goes wrong on the way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client.h"

static void setup(void)
{
	atomic_store(&world.shared->identify_mode, IDENTIFY_MATCHED);
	atomic_store(&world.shared->sms_away, false);
}

static int64_t log_count(const char *number, const char *kind)
{
	return pg_number("SELECT count(*) FROM log_pending p JOIN application a ON a.id = p.application_id WHERE "
			 "a.number = '%s' "
			 "AND p.kind = '%s'",
			 number, kind);
}

START_TEST(an_individual_goes_all_the_way_to_approved)
{
	char number[24];
	int prompts = atomic_load(&world.shared->prompts_issue);

	submit_and_confirm(number, "individual");
	world_wait(strcmp(state_of(number), "approved") == 0);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM issue_queue i JOIN request q ON q.id = i.request_id JOIN application a "
			  "ON a.id = q.application_id WHERE a.number = '%s'",
			  number),
		2);
	ck_assert_int_eq(log_count(number, "application.confirmed"), 1);
	ck_assert_int_eq(log_count(number, "identification.decided"), 1);
	ck_assert_int_eq(log_count(number, "application.state"), 1);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM decision WHERE role = 'identification' AND person = 'identification' "
			  "AND EXISTS (SELECT FROM decision_member m JOIN request q ON q.digest = m.member JOIN "
			  "application a ON a.id = q.application_id WHERE m.decision_id = decision.id AND a.number = "
			  "'%s')",
			  number),
		1);
	world_wait(atomic_load(&world.shared->prompts_issue) > prompts);
	/* The code is nowhere any more. */
	ck_assert_str_eq(
		pg_text("SELECT n.state || n.fields FROM notification n JOIN application a ON a.id = n.application_id "
			"WHERE a.number = '%s'",
			number),
		"sent{}");
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM application WHERE number = '%s' AND code_hash IS NULL", number), 1);
}
END_TEST

START_TEST(a_head_needs_an_operator_besides)
{
	char number[24];

	submit_and_confirm(number, "head");
	world_wait(strcmp(state_of(number), "approved_once") == 0);
	OWN(reply) r = REPLY_INIT;
	decide(&r, "operator1", number, DECISION_APPROVE);
	ck_status(&r, 200);
	ck_assert_str_eq(state_of(number), "approved");
}
END_TEST

START_TEST(wrong_codes_are_counted)
{
	const char *phone = new_phone();
	OWN(json) body = make_application("individual", new_iin(), phone);
	OWN(reply) r = REPLY_INIT;
	int before = atomic_load(&world.shared->num_sms);
	char number[24], code[7], wrong[7];

	submit(number, NULL, body);
	sms_code(code, phone, before);
	memcpy(wrong, code, sizeof wrong);
	wrong[5] = wrong[5] == '9' ? '0' : (char)(wrong[5] + 1);
	for (int left = 4; left >= 0; left--) {
		char text[40];

		(void)snprintf(text, sizeof text, "%d tries", left);
		confirm(&r, number, wrong);
		ck_refused(&r, 400, "code", text);
	}
	confirm(&r, number, code);
	ck_refused(&r, 409, "code", "too many wrong tries");
	ck_assert_str_eq(state_of(number), "awaiting_confirmation");
	/* A new code, and the old one is dead. */
	before = atomic_load(&world.shared->num_sms);
	post_empty(&r, number, "resend");
	ck_status(&r, 200);
	char fresh[7];
	sms_code(fresh, phone, before);
	if (strcmp(fresh, code) != 0) {
		confirm(&r, number, code);
		ck_refused(&r, 400, "code", "4 tries");
	}
	confirm(&r, number, fresh);
	ck_status(&r, 200);
	confirm(&r, number, fresh);
	ck_assert_int_eq(r.status, 409);
	world_wait(strcmp(state_of(number), "approved") == 0);
}
END_TEST

START_TEST(a_code_expires_and_codes_end)
{
	const char *phone = new_phone();
	OWN(json) body = make_application("individual", new_iin(), phone);
	OWN(reply) r = REPLY_INIT;
	int before = atomic_load(&world.shared->num_sms);
	char number[24], code[7];

	submit(number, NULL, body);
	sms_code(code, phone, before);
	pg_sql("UPDATE application SET code_expires_at = now() - interval '1 second' WHERE number = '%s'", number);
	confirm(&r, number, code);
	ck_refused(&r, 409, "code", "expired");
	for (int i = 0; i < 4; i++) {
		post_empty(&r, number, "resend");
		ck_status(&r, 200);
	}
	post_empty(&r, number, "resend");
	ck_refused(&r, 409, "number", "no more codes");
}
END_TEST

START_TEST(a_failed_identification_may_be_repeated_once)
{
	char number[24], code[7];
	OWN(reply) r = REPLY_INIT;

	atomic_store(&world.shared->identify_mode, IDENTIFY_FAILED);
	submit_and_confirm(number, "individual");
	world_wait(strcmp(state_of(number), "returned") == 0);
	ck_assert_str_eq(pg_text("SELECT reason || ': ' || reason_text FROM application WHERE number = '%s'", number),
			 "identification_failed: the face is another one");
	int before = atomic_load(&world.shared->num_sms);
	post_empty(&r, number, "resend");
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "state"), "awaiting_confirmation");
	char phone[24];
	(void)snprintf(phone, sizeof phone, "%s", pg_text("SELECT phone FROM application WHERE number = '%s'", number));
	sms_code(code, phone, before);
	confirm(&r, number, code);
	ck_status(&r, 200);
	world_wait(strcmp(state_of(number), "rejected") == 0);
	/* The keys are free again. */
	ck_assert_int_eq(
		pg_number(
			"SELECT count(*) FROM key_claim k JOIN application a ON a.id = k.application_id WHERE a.number "
			"= '%s'",
			number),
		0);
	post_empty(&r, number, "resend");
	ck_assert_int_eq(r.status, 409);
}
END_TEST

START_TEST(a_service_that_is_away_is_asked_again)
{
	char number[24];
	int calls = atomic_load(&world.shared->identify_calls);

	atomic_store(&world.shared->identify_mode, IDENTIFY_AWAY);
	submit_and_confirm(number, "individual");
	world_wait(atomic_load(&world.shared->identify_calls) > calls);
	/* Another key than the service's, and an answer that is none: neither moves the application. */
	atomic_store(&world.shared->identify_mode, IDENTIFY_OTHER_KEY);
	calls = atomic_load(&world.shared->identify_calls);
	pg_sql("UPDATE application SET identify_at = now() WHERE number = '%s'", number);
	world_wait(atomic_load(&world.shared->identify_calls) > calls);
	atomic_store(&world.shared->identify_mode, IDENTIFY_NONSENSE);
	calls = atomic_load(&world.shared->identify_calls);
	pg_sql("UPDATE application SET identify_at = now() WHERE number = '%s'", number);
	world_wait(atomic_load(&world.shared->identify_calls) > calls);
	ck_assert_str_eq(state_of(number), "awaiting_confirmation");
	ck_assert_int_eq(pg_number("SELECT identification_tries FROM application WHERE number = '%s'", number), 0);
	atomic_store(&world.shared->identify_mode, IDENTIFY_MATCHED);
	/* rad may be noting the last failure still: ask until it listens. */
	world_wait((pg_sql("UPDATE application SET identify_at = now() WHERE number = '%s' AND state = "
			   "'awaiting_confirmation'",
			   number),
		    strcmp(state_of(number), "approved") == 0));
}
END_TEST

START_TEST(the_outbox_waits_for_the_gateway)
{
	const char *phone = new_phone();
	OWN(json) body = make_application("individual", new_iin(), phone);
	int before = atomic_load(&world.shared->num_sms);
	char number[24], code[7];

	atomic_store(&world.shared->sms_away, true);
	submit(number, NULL, body);
	world_wait(pg_number("SELECT coalesce(max(attempts), 0)::bigint FROM notification WHERE address = '%s' AND "
			     "last_error <> ''",
			     phone) > 0);
	atomic_store(&world.shared->sms_away, false);
	sms_code(code, phone, before);
	world_wait(strcmp(pg_text("SELECT state FROM notification WHERE address = '%s'", phone), "sent") == 0);
}
END_TEST

START_TEST(an_applicant_may_withdraw)
{
	OWN(json) body = make_application("individual", new_iin(), new_phone());
	OWN(reply) r = REPLY_INIT;
	char number[24];

	submit(number, NULL, body);
	post_empty(&r, number, "withdraw");
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "state"), "withdrawn");
	post_empty(&r, number, "withdraw");
	ck_assert_int_eq(r.status, 409);
	/* The same keys may be used again, in another application. */
	ra_json_set_str(json_object_get(body, "person"), "patronymic", "ӨМІР");
	char again[24];
	submit(again, NULL, body);
	ck_assert_str_ne(number, again);
}
END_TEST

/* What cad does when it has issued, in the shortest form. */
static void issue(const char *number)
{
	pg_sql("UPDATE application SET state = 'issuing' WHERE number = '%s'", number);
	for (int i = 0; i < 2; i++) {
		struct test_cert_spec spec = { .cn = "ISSUED", .serial = 1000 + i + (getpid() % 1000) * 10 };
		struct test_person p;
		OWN(buf) der = BUF_INIT(64 * 1024);
		struct cert c;
		char serial[SERIAL_HEX_SIZE];

		test_person_init(&p, "rsa", &spec, &world.issuing);
		world_hex(&der, buf_slice(&p.der));
		ck_ok(cert_parse(&c, buf_slice(&p.der)));
		pg_sql("INSERT INTO certificate (issuer, serial, request_id, origin, profile, purpose, der, sha256, "
		       "spki_sha256, "
		       "not_before_at, not_after_at) SELECT 'rsa', '\\x%s', q.id, 'issued', q.profile, q.purpose, "
		       "'\\x%s', "
		       "sha256('\\x%s'::bytea), q.spki_sha256, %lld, %lld FROM request q JOIN application a ON a.id = "
		       "q.application_id WHERE a.number = '%s' AND q.purpose = '%s'",
		       serial_hex(serial, &c.serial), (const char *)der.p, (const char *)der.p,
		       (long long)c.not_before_at, (long long)c.not_after_at, number, i == 0 ? "auth" : "sign");
		test_person_clear(&p);
	}
	pg_sql("UPDATE application SET state = 'issued' WHERE number = '%s'", number);
}

START_TEST(certificates_are_delivered)
{
	OWN(reply) r = REPLY_INIT;
	char number[24], path[100];

	submit_and_confirm(number, "individual");
	world_wait(strcmp(state_of(number), "approved") == 0);
	(void)snprintf(path, sizeof path, "/api/v1/applications/%s/certificates", number);
	http_get(&r, NULL, path);
	ck_refused(&r, 409, "state", "approved");
	issue(number);
	http_get(&r, NULL, path);
	ck_status(&r, 200);
	json_t *list = json_object_get(r.json, "certificates");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "purpose")), "auth");
	ck_assert(strncmp(json_string_value(json_object_get(json_array_get(list, 1), "pem")), "-----BEGIN CERTIFICATE",
			  22) == 0);
	ck_assert(strstr(reply_text(&r, "chain"), "-----END CERTIFICATE-----\n-----BEGIN") != NULL);
	ck_assert_str_eq(state_of(number), "delivered");
	ck_assert_int_eq(log_count(number, "certificate.delivered"), 1);
	http_get(&r, NULL, path);
	ck_status(&r, 200);
	ck_assert_int_eq(log_count(number, "certificate.delivered"), 1);
	post_empty(&r, number, "accept");
	ck_status(&r, 200);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "certificates")), 2);
	ck_assert_int_eq(log_count(number, "certificate.delivered"), 2);
}
END_TEST

START_TEST(an_application_expires)
{
	OWN(json) body = make_application("individual", new_iin(), new_phone());
	char number[24];

	submit(number, NULL, body);
	pg_sql("UPDATE application SET expires_at = now() WHERE number = '%s'", number);
	world_wait(strcmp(state_of(number), "expired") == 0);
	ck_assert_int_eq(log_count(number, "application.state"), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/remote");
	TCase *t = tcase_create("remote");

	/* In one process: a forked child loses sight of what libcrypto keeps for the simulator's thread, and the leak checker
	 * would tell. */
	(void)setenv("CK_FORK", "no", 1);
	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, world_create, world_destroy);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, an_individual_goes_all_the_way_to_approved);
	tcase_add_test(t, a_head_needs_an_operator_besides);
	tcase_add_test(t, wrong_codes_are_counted);
	tcase_add_test(t, a_code_expires_and_codes_end);
	tcase_add_test(t, a_failed_identification_may_be_repeated_once);
	tcase_add_test(t, a_service_that_is_away_is_asked_again);
	tcase_add_test(t, the_outbox_waits_for_the_gateway);
	tcase_add_test(t, an_applicant_may_withdraw);
	tcase_add_test(t, certificates_are_delivered);
	tcase_add_test(t, an_application_expires);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
