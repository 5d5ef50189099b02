/*
 * durable_test.c - what survives: rad killed, rad stopped, the database gone and back, a newer Policy, a forged one.
 *
 * These tests end and start rad themselves, so they run in the fixture's own process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client.h"

START_TEST(a_confirmed_application_survives_kill_9)
{
	char number[24];
	int calls = atomic_load(&world.shared->identify_calls);

	atomic_store(&world.shared->identify_mode, IDENTIFY_AWAY);
	submit_and_confirm(number, "individual");
	world_wait(atomic_load(&world.shared->identify_calls) > calls);
	ck_assert_int_eq(world_end_rad(SIGKILL), 128 + SIGKILL);
	atomic_store(&world.shared->identify_mode, IDENTIFY_MATCHED);
	ck_assert_str_eq(state_of(number), "awaiting_confirmation");
	world_start_rad();
	world_wait((pg_sql("UPDATE application SET identify_at = now() WHERE number = '%s' AND state = "
			   "'awaiting_confirmation'",
			   number),
		    strcmp(state_of(number), "approved") == 0));
}
END_TEST

START_TEST(it_stops_when_asked_and_says_so_in_the_ledger)
{
	int64_t started = pg_number("SELECT count(*) FROM log_pending WHERE kind = 'daemon.started'");
	int64_t stopped = pg_number("SELECT count(*) FROM log_pending WHERE kind = 'daemon.stopped'");

	ck_assert_int_eq(world_end_rad(SIGTERM), 0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'daemon.stopped'"), stopped + 1);
	world_start_rad();
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'daemon.started'"), started + 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM agreement"), 1);
}
END_TEST

START_TEST(the_database_goes_and_comes_back)
{
	OWN(json) body = make_application("individual", new_iin(), new_phone());
	OWN(reply) r = REPLY_INIT;

	pg_stop_hard();
	http_post(&r, NULL, "/api/v1/applications", body);
	ck_status(&r, 503);
	ck_assert_str_eq(r.type, "application/problem+json");
	pg_start_again();
	world_wait((http_post(&r, NULL, "/api/v1/applications", body), r.status == 201 || r.status == 200));
	world_wait(world_is_ready());
}
END_TEST

static void add_policy(int64_t version, const struct test_person *first, const struct test_person *second)
{
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);
	OWN(buf) signed_der = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(buf) hex = BUF_INIT(2 * SIGNED_POLICY_MAX_BYTES);
	const struct test_person *signers[2] = { first, second };

	world_encode_policy(&der, version);
	test_policy_sign(&signed_der, buf_slice(&der), signers, 2, clock_now_s());
	world_hex(&hex, buf_slice(&signed_der));
	pg_sql("INSERT INTO policy (version, der) VALUES (%lld, '\\x%s')", (long long)version, (const char *)hex.p);
}

static int64_t policy_version(void)
{
	OWN(buf) text = BUF_INIT(1 << 20);
	const char *str;

	world_admin_text(&text, "http://localhost/metrics");
	ck_ok(buf_str(&text, &str));
	const char *at = strstr(str, "\nnuc_rad_policy_version ");
	ck_assert_ptr_nonnull(at);
	return strtoll(at + 24, NULL, 10);
}

START_TEST(a_forged_policy_is_refused_and_a_right_one_taken)
{
	struct test_person forgers[2];
	OWN(reply) r = REPLY_INIT;

	test_staff_init(&forgers[0], IIN_ADMIN1);
	test_staff_init(&forgers[1], IIN_ADMIN2);
	add_policy(2, &forgers[0], &forgers[1]);
	add_policy(3, &world.staff[0].person, &world.staff[3].person);
	add_policy(4, &world.staff[3].person, &world.staff[4].person);
	world_wait(policy_version() == 4);
	http_get(&r, "operator1", "/api/v1/whoami");
	ck_status(&r, 200);
	/* The same again after a restart: all versions are walked. */
	ck_assert_int_eq(world_end_rad(SIGTERM), 0);
	world_start_rad();
	ck_assert_int_eq(policy_version(), 4);
	test_person_clear(&forgers[0]);
	test_person_clear(&forgers[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/durable");
	TCase *t = tcase_create("durable");

	(void)setenv("CK_FORK", "no", 1);
	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, world_create, world_destroy);
	tcase_add_test(t, a_confirmed_application_survives_kill_9);
	tcase_add_test(t, it_stops_when_asked_and_says_so_in_the_ledger);
	tcase_add_test(t, the_database_goes_and_comes_back);
	tcase_add_test(t, a_forged_policy_is_refused_and_a_right_one_taken);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
