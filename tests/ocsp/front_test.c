/*
 * front_test.c - what is answered: statuses, CertIDs, GET, prepared answers, several certificates, two issuers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "front_fixture.h"

START_TEST(test_statuses)
{
	start();
	for (int i = 0; i < 2; i++) {
		const char *nonce = i == 0 ? NULL : "12345678";
		expect_good(GOOD_SERIAL, nonce);
		expect_cert(REVOKED_SERIAL, nonce, V_OCSP_CERTSTATUS_REVOKED, 1, 1700000000);
		expect_cert(HELD_SERIAL, nonce, V_OCSP_CERTSTATUS_REVOKED, 6, 1710000000);
		expect_cert(ABSENT_SERIAL, nonce, V_OCSP_CERTSTATUS_REVOKED, 6, 0); /* NUC's form */
	}
	struct answer a = ask(GOOD_SERIAL, "nonce of 16 byte");
	int64_t now = clock_now_s();
	ck_assert(a.this_at <= now && a.this_at >= now - 5);
	ck_assert_int_eq(a.next_at, a.this_at + 43200);
	ck_assert_ptr_null(strstr(a.head, "ETag")); /* by POST nothing is to be kept */
	answer_clear(&a);

	world.appears = SLICE_NONE;
	int fd = client();
	a = ask_on(fd, cert_id_of(&world.second_ca, 1, true, GOOD_SERIAL), NULL);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_UNAUTHORIZED); /* RFC 5019 §2.2.3 */
	(void)close(fd);
}
END_TEST

START_TEST(test_unknown_by_setting)
{
	world.conf.status.never_issued = OCSP_NEVER_ISSUED_UNKNOWN;
	start();
	expect_cert(ABSENT_SERIAL, "n", V_OCSP_CERTSTATUS_UNKNOWN, -1, -1);
}
END_TEST

/* Four digests by two forms of the parameters by nonce or none, twice: each answer has its own question's bytes. */
START_TEST(test_every_cert_id)
{
	static const char *const nonces[] = { NULL, "8 octets", "sixteen octets 1" };
	struct slice serials[] = { GOOD_SERIAL, REVOKED_SERIAL, HELD_SERIAL, ABSENT_SERIAL };
	static const int want[] = { V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_REVOKED,
				    V_OCSP_CERTSTATUS_REVOKED };

	start();
	int fd = client();
	for (int n = 0; n < 2 * 4 * 2 * 3 * 4; n++) {
		int which = n % 4, nonce = n / 4 % 3, null = n / 12 % 2, digest = n / 24 % 4;
		struct answer a = ask_on(fd, cert_id_of(&world.ca, digest, null, serials[which]), nonces[nonce]);
		ck_assert_ptr_nonnull(a.basic);
		ck_assert_int_eq(a.cert_status, want[which]);
		answer_clear(&a);
	}
	(void)close(fd);
	/* Without a nonce the second time came from the prepared ones; never-issued ones are never kept. */
	struct ocsp_front_stats s;
	ocsp_front_stats(world.front, &s);
	ck_assert_uint_eq(s.answers[OCSP_GOOD][OCSP_PREPARED], 8);
	ck_assert_uint_eq(s.answers[OCSP_REVOKED][OCSP_PREPARED], 16);
	ck_assert_uint_eq(s.prepared, 24);
}
END_TEST

START_TEST(test_get)
{
	struct answer a;
	char etag[64] = "", fields[160];

	start();
	struct od request = ask_for(cert_id_of(&world.ca, 0, true, GOOD_SERIAL), NULL);
	int fd = client();
	for (int i = 0; i < 3; i++) { /* signed, then prepared: the same answer with the same headers (RFC 5019 §6.2) */
		send_get(fd, request, "");
		hear(fd, &a);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		verify(&a, &world.ca);
		const char *tag = strstr(a.head, "ETag: \"");
		ck_assert_ptr_nonnull(tag);
		if (i > 0)
			ck_assert_int_eq(strncmp(etag, tag + 6, 18), 0);
		(void)snprintf(etag, 19, "%s", tag + 6);
		ck_assert_ptr_nonnull(strstr(a.head, "Last-Modified: "));
		ck_assert_ptr_nonnull(strstr(a.head, "Expires: "));
		ck_assert_ptr_nonnull(
			strstr(a.head, "Cache-Control: max-age=60,public,no-transform,must-revalidate\r\n"));
		answer_clear(&a);
	}
	ck_assert_int_eq(atomic_load(&signer.items), 1);
	(void)snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", etag);
	send_get(fd, request, fields);
	hear(fd, &a);
	ck_assert_int_eq(a.http_status, 304);
	ck_assert_ptr_nonnull(strstr(a.head, etag));
	send_get(fd, request, "If-None-Match: \"other\"\r\n");
	hear(fd, &a);
	ck_assert_int_eq(a.http_status, 200);
	answer_clear(&a);

	send_get(fd, ask_for(cert_id_of(&world.ca, 0, true, GOOD_SERIAL), "12345678"), "");
	hear(fd, &a);
	ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
	ck_assert_ptr_nonnull(strstr(a.head, "Cache-Control: no-store\r\n"));
	ck_assert_ptr_null(strstr(a.head, "ETag"));
	answer_clear(&a);
	send_get(fd, ask_for(cert_id_of(&world.ca, 0, true, ABSENT_SERIAL), NULL), "");
	hear(fd, &a);
	ck_assert_ptr_nonnull(strstr(a.head, "no-store")); /* it may be issued the next moment */
	answer_clear(&a);
	(void)close(fd);
}
END_TEST

START_TEST(test_malformed)
{
	static const char *const gets[] = { "GET / HTTP/1.1\r\nHost: t\r\n\r\n",
					    "GET /favicon.ico HTTP/1.1\r\nHost: t\r\n\r\n",
					    "GET /YWJj HTTP/1.1\r\nHost: t\r\n\r\n",
					    "GET /%zz HTTP/1.1\r\nHost: t\r\n\r\n" };
	struct answer a;
	struct ocsp_front_stats s;

	start();
	int fd = client();
	for (int i = 0; i < COUNT_OF(gets); i++) {
		ck_assert_int_gt(send(fd, gets[i], strlen(gets[i]), MSG_NOSIGNAL), 0);
		hear(fd, &a);
		ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
		ck_assert_ptr_nonnull(strstr(a.head, "no-store"));
	}
	send_post(fd, OD("\x30\x00"));
	hear(fd, &a);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
	struct answer good = ask_on(fd, cert_id_of(&world.ca, 1, true, GOOD_SERIAL), NULL); /* the connection goes on */
	ck_assert_int_eq(good.cert_status, V_OCSP_CERTSTATUS_GOOD);
	answer_clear(&good);
	ocsp_front_stats(world.front, &s);
	ck_assert_uint_eq(s.answers[OCSP_MALFORMED][OCSP_DIRECT], 5);
	ck_assert_uint_eq(s.malformed[OCSP_MALFORMED_ENCODING], 3);
	ck_assert_int_eq(atomic_load(&signer.items), 1);
	(void)close(fd);
}
END_TEST

START_TEST(test_several)
{
	struct slice serials[] = { GOOD_SERIAL, REVOKED_SERIAL, ABSENT_SERIAL, HELD_SERIAL };
	static const int want[] = { V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_REVOKED,
				    V_OCSP_CERTSTATUS_REVOKED };
	struct od list = { .len = 0 };
	struct answer a;

	ck_ok(ocsp_state_add_issuer(world.state, NULL, "two", buf_slice(&world.second_ca.der)));
	ck_ok(ocsp_state_add_responder(world.state, NULL, 2, "two", buf_slice(&world.second_responder.der)));
	start();
	for (int i = 0; i < 4; i++)
		list = od_join(list, od_single(cert_id_of(&world.ca, i, i % 2 == 0, serials[i])));
	int fd = client();
	send_post(fd, od_request(list, od_nonce(OD("nonce"))));
	hear(fd, &a);
	ck_assert_ptr_nonnull(a.basic);
	verify(&a, &world.ca);
	ck_assert_int_eq(OCSP_resp_count(a.basic), 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(OCSP_single_get0_status(OCSP_resp_get0(a.basic, i), NULL, NULL, NULL, NULL), want[i]);
	answer_clear(&a);
	/* Another issuer's certificate among them: no one signer may answer for both. */
	send_post(fd, od_request(od_join(list, od_single(cert_id_of(&world.second_ca, 1, true, GOOD_SERIAL))),
				 (struct od){ .len = 0 }));
	hear(fd, &a);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_UNAUTHORIZED);
	(void)close(fd);
}
END_TEST

/* Two issuers, one serial, one of the two revoked (incidents 37). */
START_TEST(test_same_serial)
{
	struct answer a;

	ck_ok(ocsp_state_add_issuer(world.state, NULL, "two", buf_slice(&world.second_ca.der)));
	ck_ok(ocsp_state_add_responder(world.state, NULL, 2, "two", buf_slice(&world.second_responder.der)));
	ck_ok(ocsp_state_put(world.state, 1, REVOKED_SERIAL, ocsp_word_make(OCSP_LEDGER_VALID, 0, 0)));
	start();
	for (int n = 0; n < 16; n++) {
		expect_cert(REVOKED_SERIAL, n % 2 ? "x" : NULL, V_OCSP_CERTSTATUS_REVOKED, 1, 1700000000);
		signer.key = world.second_responder.key;
		int fd = client();
		send_post(fd,
			  ask_for(cert_id_of(&world.second_ca, n / 2 % 4, n / 8, REVOKED_SERIAL), n % 2 ? "x" : NULL));
		hear(fd, &a);
		ck_assert_ptr_nonnull(a.basic);
		verify(&a, &world.second_ca);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		answer_clear(&a);
		(void)close(fd);
		signer.key = world.responder.key;
	}
}
END_TEST

/* A change of status replaces the prepared answer at once, both ways. */
START_TEST(test_prepared_follow_the_status)
{
	start();
	expect_good(GOOD_SERIAL, NULL);
	expect_good(GOOD_SERIAL, NULL);
	ck_assert_int_eq(atomic_load(&signer.items), 1);
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_HELD, 6, 1720000000)));
	expect_cert(GOOD_SERIAL, NULL, V_OCSP_CERTSTATUS_REVOKED, 6, 1720000000);
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_VALID, 0, 0)));
	expect_good(GOOD_SERIAL, NULL);
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_REVOKED, 4, 1730000000)));
	expect_cert(GOOD_SERIAL, NULL, V_OCSP_CERTSTATUS_REVOKED, 4, 1730000000);
	expect_cert(GOOD_SERIAL, NULL, V_OCSP_CERTSTATUS_REVOKED, 4, 1730000000);
	ck_assert_int_eq(atomic_load(&signer.items), 4);
}
END_TEST

/* Hot answers are renewed before half of their life; past half of it nothing is sent that was not renewed. */
START_TEST(test_refresh)
{
	int64_t t0 = clock_now_ms() + 10000;
	struct answer a;

	start();
	clock_set_for_test(t0);
	expect_good(GOOD_SERIAL, NULL);
	clock_set_for_test(t0 + 16000 * 1000); /* 3/8 of 12 h are 16,200 s */
	expect_good(GOOD_SERIAL, NULL);
	ck_assert_int_eq(atomic_load(&signer.items), 1);
	clock_set_for_test(t0 + 16300 * 1000);
	a = ask(GOOD_SERIAL, NULL);
	ck_assert_int_eq(a.this_at, t0 / 1000); /* the old one, and meanwhile a new one is made */
	answer_clear(&a);
	while (counted(OCSP_COUNT_REFRESHED) != 1 || a.this_at != t0 / 1000 + 16300) {
		a = ask(GOOD_SERIAL, NULL);
		answer_clear(&a);
	}
	ck_assert_int_eq(atomic_load(&signer.items), 2);
	clock_set_for_test(t0 + (16300 + 21600) * 1000);
	a = ask(GOOD_SERIAL, NULL);
	ck_assert_int_eq(a.this_at, t0 / 1000 + 16300 + 21600);
	answer_clear(&a);
	/* The signer is away: what is past half of its life still serves to its end, then nothing does. */
	world.conf.sign_deadline_ms = 10000;
	atomic_store(&signer.mode, REFUSE);
	clock_set_for_test(t0 + (16300 + 21600 + 43199) * 1000LL);
	a = ask(GOOD_SERIAL, NULL);
	ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
	ck_assert_int_eq(a.this_at, t0 / 1000 + 16300 + 21600);
	answer_clear(&a);
	clock_set_for_test(t0 + (16300 + 21600 + 43200) * 1000LL);
	expect_status(GOOD_SERIAL, NULL, OCSP_RESPONSE_STATUS_TRYLATER);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/front");
	TCase *t = tcase_create("front");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_statuses);
	tcase_add_test(t, test_unknown_by_setting);
	tcase_add_test(t, test_every_cert_id);
	tcase_add_test(t, test_get);
	tcase_add_test(t, test_malformed);
	tcase_add_test(t, test_several);
	tcase_add_test(t, test_same_serial);
	tcase_add_test(t, test_prepared_follow_the_status);
	tcase_add_test(t, test_refresh);
	suite_add_tcase(s, t);
	return suite_main(s);
}
