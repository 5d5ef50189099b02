/*
 * front_trouble_test.c - load and trouble: sharing, batches, bounds, a signer or a ledger that fails, clocks, renewal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "front_fixture.h"

/* Many ask the same at the same time: one signature. */
START_TEST(test_sharing)
{
	enum { NUM = 60 };
	int fds[NUM];
	struct answer a;

	start();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	struct od request = ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), NULL);
	for (int i = 0; i < NUM; i++) {
		fds[i] = client();
		if (i % 2 == 0)
			send_post(fds[i], request);
		else
			send_get(fds[i], request, "");
	}
	while (counted(OCSP_COUNT_SHARED) < NUM - 1)
		(void)sched_yield();
	(void)pthread_mutex_unlock(&signer.gate);
	for (int i = 0; i < NUM; i++) {
		hear(fds[i], &a);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		ck_assert_int_eq(strstr(a.head, "ETag") != NULL, i % 2);
		verify(&a, &world.ca);
		answer_clear(&a);
		(void)close(fds[i]);
	}
	ck_assert_int_eq(atomic_load(&signer.items), 1);
}
END_TEST

/* Questions that come together leave together. */
START_TEST(test_batches)
{
	enum { NUM = 100 };
	int fds[NUM];
	struct answer a;

	start();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	for (int i = 0; i < NUM; i++) {
		char nonce[32];
		(void)snprintf(nonce, sizeof nonce, "nonce %d", i);
		fds[i] = client();
		send_post(fds[i], ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), nonce));
	}
	struct ocsp_front_stats s;
	do
		ocsp_front_stats(world.front, &s);
	while (s.waiting < NUM);
	(void)pthread_mutex_unlock(&signer.gate);
	for (int i = 0; i < NUM; i++) {
		hear(fds[i], &a);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		answer_clear(&a);
		(void)close(fds[i]);
	}
	ck_assert_int_eq(atomic_load(&signer.items), NUM);
	do
		ocsp_front_stats(world.front, &s);
	while (s.waiting > 0);
}
END_TEST

START_TEST(test_queue_bound)
{
	int fds[6];
	struct answer a;

	world.conf.sign_queue = 4;
	start();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	for (int i = 0; i < 6; i++) {
		fds[i] = client();
		send_post(fds[i], ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), "n"));
		struct ocsp_front_stats s;
		do /* one after the other */
			ocsp_front_stats(world.front, &s);
		while (s.waiting + s.counters[OCSP_COUNT_QUEUE_FULL] < (uint64_t)i + 1);
	}
	for (int i = 4; i < 6; i++) { /* early, while the others wait */
		hear(fds[i], &a);
		ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	}
	(void)pthread_mutex_unlock(&signer.gate);
	for (int i = 0; i < 4; i++) {
		hear(fds[i], &a);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		answer_clear(&a);
	}
	for (int i = 0; i < 6; i++)
		(void)close(fds[i]);
	ck_assert_uint_eq(counted(OCSP_COUNT_QUEUE_FULL), 2);
}
END_TEST

static const struct {
	enum signer_mode mode;
	enum ocsp_counter counter;
} troubles[] = {
	{ SILENT, OCSP_COUNT_DEADLINE },	  { REFUSE, OCSP_COUNT_SIGNER_REFUSED },
	{ RETRY_LATER, OCSP_COUNT_SIGNER_RETRY }, { GARBAGE, OCSP_COUNT_SIGNER_FAILED },
	{ FEWER, OCSP_COUNT_SIGNER_FAILED },	  { SIGN_OTHER_KEY, OCSP_COUNT_BAD_SIGNATURE },
};

/* Whatever the signer does, the answer is tryLater, others go on, and when it is well again so are the answers. */
START_TEST(test_troubles)
{
	struct answer a;

	world.conf.sign_deadline_ms = 150;
	start();
	int fd = client();
	atomic_store(&signer.mode, troubles[_i].mode);
	send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), "n"));
	hear(fd, &a);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	ck_assert_uint_ge(counted(troubles[_i].counter), 1);
	send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), NULL));
	hear(fd, &a);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	atomic_store(&signer.mode, SIGN);
	do {
		answer_clear(&a);
		a = ask_on(fd, cert_id_of(&world.ca, 1, true, GOOD_SERIAL), NULL);
	} while (a.basic == NULL);
	answer_clear(&a);
	(void)close(fd);
}
END_TEST

START_TEST(test_signer_away)
{
	world.conf.sign_deadline_ms = 200;
	start();
	expect_good(GOOD_SERIAL, "n");
	bus_fake_stop(world.bus);
	expect_status(GOOD_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	bus_fake_start(world.bus);
	struct answer a;
	do
		a = ask(GOOD_SERIAL, "n");
	while (a.basic == NULL);
	answer_clear(&a);
}
END_TEST

/* The certificate is in the ledger, the signer has not heard of it yet: it is asked again until it has. */
START_TEST(test_signer_behind)
{
	start();
	atomic_store(&signer.until_agreed, 3);
	atomic_store(&signer.mode, NOT_ISSUED_YET);
	expect_good(GOOD_SERIAL, "n");
	ck_assert_uint_eq(counted(OCSP_COUNT_SIGNER_RETRY), 3);
}
END_TEST

/* Revoked while "good" was being signed: the "good" does not leave. */
START_TEST(test_changed_while_signing)
{
	struct answer a;

	start();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	int fd = client();
	send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), "n"));
	while (atomic_load(&signer.items) == 0)
		(void)sched_yield();
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_REVOKED, 1, 1740000000)));
	(void)pthread_mutex_unlock(&signer.gate);
	hear(fd, &a);
	ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_REVOKED);
	ck_assert_int_eq(a.revoked_at, 1740000000);
	answer_clear(&a);
	ck_assert_uint_eq(counted(OCSP_COUNT_CHANGED), 1);
	(void)close(fd);
}
END_TEST

/* A serial that the state does not know may have been issued a moment ago: the ledger is read before it is called never
 * issued. */
START_TEST(test_recheck)
{
	start();
	world.appears = ABSENT_SERIAL;
	expect_good(ABSENT_SERIAL, "n");
	ck_assert_uint_eq(counted(OCSP_COUNT_RECHECKED), 1);
	ck_assert_int_ge(atomic_load(&world.prompts), 1);
	expect_cert(SLICE("\x11\x05", 2), "n", V_OCSP_CERTSTATUS_REVOKED, 6, 0);
}
END_TEST

START_TEST(test_recheck_cannot_be_done)
{
	world.conf.sign_deadline_ms = 100;
	start();
	atomic_store(&world.reads_at_prompt, false);
	expect_status(ABSENT_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	ck_assert_int_eq(atomic_load(&signer.items), 0);
	expect_good(GOOD_SERIAL, "n");
}
END_TEST

START_TEST(test_no_recheck_by_setting)
{
	world.conf.recheck_absent = false;
	start();
	atomic_store(&world.reads_at_prompt, false);
	expect_cert(ABSENT_SERIAL, "n", V_OCSP_CERTSTATUS_REVOKED, 6, 0);
}
END_TEST

START_TEST(test_not_loaded)
{
	start_threads(1);
	expect_status(GOOD_SERIAL, NULL, OCSP_RESPONSE_STATUS_TRYLATER);
	int fd = client();
	struct answer a = ask_on(fd, cert_id_of(&world.second_ca, 1, true, GOOD_SERIAL), NULL);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	(void)close(fd);
	round_now();
	expect_good(GOOD_SERIAL, NULL);
}
END_TEST

/* The ledger is not read any more: nothing new is decided; what was prepared goes out, with its own time, for a while. */
START_TEST(test_stale)
{
	int64_t t0 = clock_now_ms() + 10000;

	world.conf.status.stale_after_ms = 150;
	start();
	atomic_store(&world.reads_at_prompt, false);
	clock_set_for_test(t0);
	round_now();
	expect_good(GOOD_SERIAL, NULL);
	struct answer a;
	do
		a = ask(HELD_SERIAL, "n");
	while (a.basic != NULL && (answer_clear(&a), true));
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	clock_set_for_test(t0 + 60000);
	a = ask(GOOD_SERIAL, NULL);
	ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
	ck_assert_int_eq(a.this_at, t0 / 1000);
	answer_clear(&a);
	expect_status(GOOD_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	expect_status(REVOKED_SERIAL, NULL, OCSP_RESPONSE_STATUS_TRYLATER);
	clock_set_for_test(t0 + 61000);
	expect_status(GOOD_SERIAL, NULL, OCSP_RESPONSE_STATUS_TRYLATER);
	ck_assert_uint_ge(counted(OCSP_COUNT_STALE_SERVED), 1);
	int64_t began_ms = clock_mono_ms();
	do { /* recovery by itself */
		round_now();
		a = ask(GOOD_SERIAL, "n");
		ck_assert_int_lt(clock_mono_ms() - began_ms, 10000);
	} while (a.basic == NULL);
	answer_clear(&a);
}
END_TEST

START_TEST(test_clock_goes_back)
{
	int64_t t0 = clock_now_ms() + 10000;

	start();
	clock_set_for_test(t0);
	expect_good(GOOD_SERIAL, "n");
	clock_set_for_test(t0 - 60000);
	expect_status(GOOD_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	ck_assert_uint_eq(counted(OCSP_COUNT_CLOCK_BACK), 1);
	clock_set_for_test(t0 - 1000);
	struct answer a = ask(GOOD_SERIAL, "n");
	ck_assert_int_eq(a.this_at, t0 / 1000);
	answer_clear(&a);
}
END_TEST

/* The ledger has a newer responder certificate than the signer has a key for: answers go on under the old one. */
START_TEST(test_responder_renewed_early)
{
	struct test_person next;
	struct test_cert_spec spec = { .cn = "OCSP RESPONDER",
				       .eku = "OCSPSigning",
				       .not_before_at = clock_now_s() - 10,
				       .not_after_at = clock_now_s() + 3600 };

	test_person_init(&next, "p256", &spec, &world.ca);
	start();
	expect_good(GOOD_SERIAL, "n");
	ck_ok(ocsp_state_add_responder(world.state, NULL, 2, "rsa", buf_slice(&next.der)));
	struct answer a = ask(GOOD_SERIAL, "n");
	ck_assert_ptr_nonnull(a.basic);
	answer_clear(&a);
	signer.key = next.key; /* now the signer changes over */
	for (int i = 0; i < 300; i++) { /* noticed within the answers of which one is verified */
		int fd = client();
		send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), "n"));
		hear(fd, &a);
		(void)close(fd);
		if (a.basic != NULL && i == 299)
			verify(&a, &world.ca);
		answer_clear(&a);
	}
	test_person_clear(&next);
}
END_TEST

START_TEST(test_clipped_by_the_responder)
{
	struct test_person brief;
	int64_t now = clock_now_s();
	struct test_cert_spec spec = {
		.cn = "OCSP RESPONDER", .eku = "OCSPSigning", .not_before_at = now - 10, .not_after_at = now + 600
	};

	test_person_init(&brief, "p256", &spec, &world.ca);
	ck_ok(ocsp_state_add_responder(world.state, NULL, 2, "rsa", buf_slice(&brief.der)));
	signer.key = brief.key;
	start();
	struct answer a = ask(GOOD_SERIAL, NULL);
	ck_assert_ptr_nonnull(a.basic);
	ck_assert_int_eq(a.next_at, now + 600);
	answer_clear(&a);
	clock_set_for_test((now + 400 * 86400) * 1000); /* all are over */
	expect_status(GOOD_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	test_person_clear(&brief);
}
END_TEST

/* Clients that leave while their answer is made. */
START_TEST(test_clients_that_leave)
{
	struct linger reset = { 1, 0 };

	start_threads(2);
	round_now();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	for (int i = 0; i < 100; i++) {
		int fd = client();
		send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), i % 2 ? "n" : NULL));
		if (i % 3 == 0)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		(void)close(fd);
	}
	(void)pthread_mutex_unlock(&signer.gate);
	atomic_store(&signer.mode, SIGN);
	expect_good(GOOD_SERIAL, NULL);
	struct ocsp_front_stats s;
	do
		ocsp_front_stats(world.front, &s);
	while (s.waiting > 0);
}
END_TEST

/* Random serials: none is good (incidents 21). */
START_TEST(test_random_serials)
{
	uint8_t bytes[20];
	uint32_t x = 1;

	start();
	int fd = client();
	for (int n = 0; n < 2000; n++) {
		size_t len = (size_t)(n % 19) + 2;
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
		bytes[0] = (uint8_t)(0x20 | (bytes[0] & 0x1f));
		struct answer a = ask_on(fd, cert_id_of(&world.ca, 1, true, SLICE(bytes, len)), n % 2 ? "n" : NULL);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_REVOKED);
		ck_assert_int_eq(a.revoked_at, 0);
		answer_clear(&a);
	}
	(void)close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/front_trouble");
	TCase *t = tcase_create("front");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_sharing);
	tcase_add_test(t, test_batches);
	tcase_add_test(t, test_queue_bound);
	tcase_add_loop_test(t, test_troubles, 0, COUNT_OF(troubles));
	tcase_add_test(t, test_signer_away);
	tcase_add_test(t, test_signer_behind);
	tcase_add_test(t, test_changed_while_signing);
	tcase_add_test(t, test_recheck);
	tcase_add_test(t, test_recheck_cannot_be_done);
	tcase_add_test(t, test_no_recheck_by_setting);
	tcase_add_test(t, test_not_loaded);
	tcase_add_test(t, test_stale);
	tcase_add_test(t, test_clock_goes_back);
	tcase_add_test(t, test_responder_renewed_early);
	tcase_add_test(t, test_clipped_by_the_responder);
	tcase_add_test(t, test_clients_that_leave);
	tcase_add_test(t, test_random_serials);
	suite_add_tcase(s, t);
	return suite_main(s);
}
