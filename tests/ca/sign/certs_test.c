/*
 * certs_test.c - batches of certificates and orders against a whole signer: what it signs once, repeats for ever, refuses by
 * name, and still knows after a restart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signer_world.h"

#include <signal.h>
#include <sys/resource.h>

START_TEST(batch_is_signed)
{
	struct request r[3];
	struct request *list[3] = { &r[0], &r[1], &r[2] };
	OWN(batch_answer) answer = { 0 };
	struct cert ca;

	ck_ok(cert_parse(&ca, buf_slice(&world.ca.issuing)));
	for (int i = 0; i < 3; i++)
		request_init(&r[i], i + 1);
	ck_ok(batch_send(&answer, list, 3));
	ck_assert_uint_eq(answer.ok.num_items, 3);
	for (int i = 0; i < 3; i++) {
		OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
		struct cert c;

		ck_assert_int_eq(answer.ok.items[i].status, MSG_ITEM_DONE);
		ck_assert_int_eq(answer.ok.items[i].seq, i + 1);
		ck_assert(slice_equal(answer.ok.items[i].tbs, r[i].item.tbs));
		ck_ok(cert_assemble(&certificate, answer.ok.items[i].tbs, suite_by_name("ecdsa-p256-sha256"),
				    answer.ok.items[i].signature));
		ck_ok(cert_parse(&c, buf_slice(&certificate)));
		ck_ok(cert_verify(&c, &ca));
		ck_assert(known_has(sw.ca->known, SLICE_STR("rsa"), &r[i].serial, NULL));
		request_clear(&r[i]);
	}
	ck_assert_int_eq(metrics_get(sw.metrics, SIGND_CERTIFICATES), 3);
}
END_TEST

/* One TBS for an Authorisation, for ever: another serial, another time, another run of the signer. */
START_TEST(repeat_gets_the_recorded_one)
{
	OWN(request) r = { 0 };
	OWN(buf) first = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) again = BUF_INIT(CERT_MAX_BYTES);
	struct cert c;
	struct serial another = fixture_serial("5500112233445566778899aabbccddeeff001122");

	request_init(&r, 1);
	issue(&r, &first, &c);
	issue(&r, &again, &c);
	ck_assert(slice_equal(buf_slice(&first), buf_slice(&again)));
	r.serial = another;
	request_render(&r);
	buf_reset(&again);
	issue(&r, &again, &c);
	ck_assert(slice_equal(buf_slice(&first), buf_slice(&again)));
	ca_restart();
	clock_set_for_test((int64_t)(NOW + 5000000) * 1000); /* long after everything expired */
	r.item.tbs = SLICE("\x30\x00", 2);
	buf_reset(&again);
	issue(&r, &again, &c);
	ck_assert(slice_equal(buf_slice(&first), buf_slice(&again)));
	ck_assert(!known_has(sw.ca->known, SLICE_STR("rsa"), &another, NULL));
	ck_assert_int_eq(metrics_get(sw.metrics, SIGND_CERTIFICATES), 1);
	ck_assert_int_eq(metrics_get(sw.metrics, SIGND_REPEATS), 3);
}
END_TEST

START_TEST(twice_in_one_batch)
{
	OWN(request) r = { 0 };
	struct request *list[2] = { &r, &r };
	OWN(batch_answer) answer = { 0 };

	request_init(&r, 1);
	ck_ok(batch_send(&answer, list, 2));
	ck_assert_int_eq(answer.ok.items[0].status, MSG_ITEM_DONE);
	ck_assert_int_eq(answer.ok.items[1].status, MSG_ITEM_RETRY);
	ck_assert(slice_equal(answer.ok.items[1].reason, SLICE_STR("same_batch")));
	expect_one(&r, ""); /* and then it gets the recorded one */
	ck_assert_int_eq(journal_next_seq(sw.ca->journal), 2);
}
END_TEST

START_TEST(one_serial_in_two_requests)
{
	OWN(request) a = { 0 };
	OWN(request) b = { 0 };
	struct request *list[2] = { &a, &b };
	OWN(batch_answer) answer = { 0 };

	request_init(&a, 1);
	request_init(&b, 2);
	b.serial = a.serial;
	request_render(&b);
	ck_ok(batch_send(&answer, list, 2));
	ck_assert_int_eq(answer.ok.items[0].status, MSG_ITEM_DONE);
	ck_assert(slice_equal(answer.ok.items[1].reason, SLICE_STR("serial_taken")));
	ca_restart();
	expect_one(&b, "serial_taken");
	b.serial = fixture_serial("4f00");
	request_render(&b);
	expect_one(&b, "");
}
END_TEST

/* What is refused is named, counted, and does not disturb the others of its batch. */
START_TEST(refusals_in_a_batch)
{
	struct request r[5];
	struct request *list[5];
	OWN(batch_answer) answer = { 0 };
	static const char *const reasons[5] = { "tbs_differs", "", "decision_absent", "not_named", "" };
	uint8_t unknown[SHA256_LEN] = { 9 };

	for (int i = 0; i < 5; i++) {
		request_init(&r[i], i + 1);
		list[i] = &r[i];
	}
	r[0].tbs.p[r[0].tbs.len - 1] ^= 1;
	r[2].named[0] = SLICE(unknown, SHA256_LEN);
	r[3].named[0] = r[4].named[0]; /* a decision about another Authorisation */
	ck_ok(batch_send(&answer, list, 5));
	for (int i = 0; i < 5; i++) {
		const struct msg_sign_cert_result *got = &answer.ok.items[i];

		ck_assert_msg(slice_equal(got->reason, SLICE_STR(reasons[i])), "%d: %.*s", i, (int)got->reason.len,
			      (const char *)got->reason.p);
		ck_assert_int_eq(got->status, reasons[i][0] == '\0' ? MSG_ITEM_DONE : MSG_ITEM_REFUSED);
		ck_assert_uint_eq(got->signature.len > 0, reasons[i][0] == '\0');
		if (reasons[i][0] != '\0')
			ck_assert_int_eq(refusals(reasons[i]), 1);
		request_clear(&r[i]);
	}
	ck_assert_int_eq(journal_next_seq(sw.ca->journal), 3);
}
END_TEST

START_TEST(spoilt_decision)
{
	OWN(request) r = { 0 };

	request_init(&r, 1);
	r.decision.signature.p[r.decision.signature.len - 1] ^= 1;
	expect_one(&r, "decision_absent");
	ck_assert_int_ge(refusals("decision_absent"), 1);
	r.evidence.signature = SLICE("\x30\x00", 2);
	expect_one(&r, "decision_absent");
}
END_TEST

START_TEST(empty_batch)
{
	OWN(batch_answer) answer = { 0 };

	ck_ok(batch_send(&answer, NULL, 0));
	ck_assert_uint_eq(answer.ok.num_items, 0);
}
END_TEST

/* The disk is full: nothing leaves, nothing is remembered; with room again the same request is signed. */
START_TEST(journal_without_room)
{
	OWN(request) r = { 0 };
	OWN(batch_answer) answer = { 0 };
	struct request *list[1] = { &r };
	struct rlimit limit, small;
	uint8_t digest[SHA256_LEN];

	request_init(&r, 1);
	der_sha256(digest, buf_slice(&r.der));
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ journal_size(sw.ca->journal) + 100, limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct err *e = batch_send(&answer, list, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_str_eq(err_field(e), "journal");
	ck_fails(e, ERR_RETRY, "no room for the journal");
	ck_assert(!known_has(sw.ca->known, SLICE_STR("rsa"), &r.serial, NULL));
	ck_assert(!known_authorisation(sw.ca->known, digest, NULL));
	expect_one(&r, "");
	ck_assert_int_eq(journal_next_seq(sw.ca->journal), 2);
	ca_restart();
	ck_assert(known_has(sw.ca->known, SLICE_STR("rsa"), &r.serial, NULL));
}
END_TEST

START_TEST(clock_behind_the_journal)
{
	OWN(request) r = { 0 };
	OWN(batch_answer) answer = { 0 };
	struct request *list[1] = { &r };

	request_init(&r, 1);
	clock_set_for_test((int64_t)(NOW - 2) * 1000);
	ck_ok(signd_clock_check(sw.ca));
	clock_set_for_test((int64_t)(NOW - 3) * 1000);
	struct err *e = batch_send(&answer, list, 1);
	ck_assert_str_eq(err_field(e), "clock_back");
	ck_fails(e, ERR_RETRY, "the clock is 3 s behind the journal");
	clock_set_for_test((int64_t)NOW * 1000);
	expect_one(&r, "");
}
END_TEST

/* The identification service's ceilings hold across a restart, and pass with the time. */
START_TEST(ceilings)
{
	struct request r[PER_HOUR];
	struct request *list[PER_HOUR];
	OWN(batch_answer) answer = { 0 };
	OWN(request) more = { 0 };

	for (int i = 0; i < PER_HOUR; i++) {
		request_init(&r[i], i + 1);
		list[i] = &r[i];
	}
	request_init(&more, 100);
	ck_ok(batch_send(&answer, list, PER_HOUR - 1));
	ck_assert_int_eq(answer.ok.items[PER_HOUR - 2].status, MSG_ITEM_DONE);
	ca_restart();
	expect_one(&r[PER_HOUR - 1], "");
	expect_one(&more, "ceiling_hour");
	expect_one(&r[0], ""); /* a repeat costs nothing */
	ca_restart();
	expect_one(&more, "ceiling_hour");
	ck_assert_int_eq(refusals("ceiling_hour"), 2);
	clock_set_for_test((int64_t)(NOW + 3661) * 1000);
	request_render(&more);
	expect_one(&more, "");
	for (int i = 0; i < PER_HOUR; i++)
		request_clear(&r[i]);
}
END_TEST

/* ---- orders */

START_TEST(orders_are_accepted_once)
{
	OWN(request) r = { 0 };
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	OWN(order_request) hold = { 0 };
	OWN(order_request) release = { 0 };
	OWN(order_request) revoke = { 0 };
	OWN(order_request) again = { 0 };
	struct cert c;

	request_init(&r, 1);
	issue(&r, &certificate, &c);
	order_init(&hold, &c, ORDER_HOLD, 6, 1);
	order_init(&release, &c, ORDER_RELEASE, 8, 2);
	order_init(&revoke, &c, ORDER_REVOKE, 1, 3);
	order_init(&again, &c, ORDER_REVOKE, 4, 4);
	(void)expect_order(&release, "not_held");
	ck_assert_int_eq(expect_order(&hold, ""), 2);
	ck_assert_int_eq(expect_order(&hold, ""), 2); /* repeated: the same number */
	ca_restart();
	ck_assert_int_eq(expect_order(&hold, ""), 2);
	ck_assert_int_eq(expect_order(&release, ""), 3);
	ck_assert_int_eq(expect_order(&revoke, ""), 4);
	(void)expect_order(&again, "already_revoked");
	ca_restart();
	(void)expect_order(&again, "already_revoked");
	ck_assert_int_eq(refusals("already_revoked"), 2);
	const struct known_order *o = known_status(sw.ca->known, SLICE_STR("rsa"), &c.serial, INT64_MAX);
	ck_assert_int_eq(o->reason, 1);
	ck_assert_int_eq(o->not_after_at, (uint32_t)c.not_after_at);
	ck_assert_int_eq(o->at, NOW - 5);
}
END_TEST

START_TEST(orders_refused)
{
	OWN(request) r = { 0 };
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	OWN(order_request) order = { 0 };
	struct cert c, other;

	request_init(&r, 1);
	issue(&r, &certificate, &c);
	other = c;
	other.digest[0] ^= 1;
	order_init(&order, &other, ORDER_REVOKE, 1, 1);
	(void)expect_order(&order, "wrong_certificate");
	order_request_clear(&order);
	other = c;
	other.serial = fixture_serial("4f99");
	order_init(&order, &other, ORDER_REVOKE, 1, 2);
	(void)expect_order(&order, "unknown_serial");
	order_request_clear(&order);
	order_init(&order, &c, ORDER_REVOKE, 1, 3);
	order.item.num_decisions = 0;
	(void)expect_order(&order, "decisions_missing");
	order.item.order = SLICE("\x30\x00", 2);
	(void)expect_order(&order, "malformed");
	ck_assert_int_eq(known_order_seq(sw.ca->known), 0);
}
END_TEST

/* A batch in which one order follows another on the same certificate. */
START_TEST(orders_in_one_batch)
{
	OWN(request) r = { 0 };
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	OWN(order_request) hold = { 0 };
	OWN(order_request) revoke = { 0 };
	OWN(buf) der = BUF_INIT(32 << 20);
	OWN(msg_order_ok) ok = { 0 };
	struct cert c;

	request_init(&r, 1);
	issue(&r, &certificate, &c);
	order_init(&hold, &c, ORDER_HOLD, 6, 1);
	order_init(&revoke, &c, ORDER_REVOKE, 1, 2);
	struct msg_signed_decision evidence[2] = { hold.evidence[0], revoke.evidence[0] };
	struct msg_order_item items[4] = { hold.item, revoke.item, hold.item, revoke.item };
	struct msg_order batch = { evidence, 2, hold.certificates, 1, items, 4, NULL };
	ck_ok(orders_accept(sw.ca, "cad", &batch, &der));
	ck_ok(msg_order_ok_decode(&ok, buf_slice(&der)));
	ck_assert_int_eq(ok.items[0].seq, 2);
	ck_assert_int_eq(ok.items[1].seq, 3);
	ck_assert_int_eq(ok.items[2].seq, 2);
	ck_assert_int_eq(ok.items[3].seq, 3);
}
END_TEST

START_TEST(orders_without_room)
{
	OWN(request) r = { 0 };
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	OWN(order_request) revoke = { 0 };
	OWN(buf) der = BUF_INIT(32 << 20);
	struct rlimit limit, small;
	struct cert c;

	request_init(&r, 1);
	issue(&r, &certificate, &c);
	order_init(&revoke, &c, ORDER_REVOKE, 1, 2);
	struct msg_order batch = { revoke.evidence, 1, revoke.certificates, 1, &revoke.item, 1, NULL };
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ journal_size(sw.ca->journal) + 10, limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct err *e = orders_accept(sw.ca, "cad", &batch, &der);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_fails(e, ERR_RETRY, "no room for the journal");
	ck_assert_ptr_null(known_status(sw.ca->known, SLICE_STR("rsa"), &c.serial, INT64_MAX));
	ck_assert_int_eq(expect_order(&revoke, ""), 2);
}
END_TEST

/* ---- policies */

START_TEST(policies_only_go_forward)
{
	OWN(buf) second = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(buf) one_signer = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(buf) wrong_signer = BUF_INIT(SIGNED_POLICY_MAX_BYTES);

	ck_assert_int_eq(sign_rules_policy(sw.ca->rules)->version, 1);
	ck_ok(policies_put(sw.ca, buf_slice(&sw.policy))); /* the one in force: nothing happens */
	policy_signed(&one_signer, 2, &world.who[ADMIN], NULL);
	struct err *e = policies_put(sw.ca, buf_slice(&one_signer));
	ck_assert_str_eq(err_field(e), "policy_refused");
	ck_assert_int_eq(err_code(e), ERR_DENIED);
	err_destroy(&e);
	policy_signed(&wrong_signer, 2, &world.who[ADMIN], &world.who[OP1]);
	ck_fails(policies_put(sw.ca, buf_slice(&wrong_signer)), ERR_DENIED, "");
	ck_fails(policies_put(sw.ca, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "");
	ck_assert_int_eq(sign_rules_policy(sw.ca->rules)->version, 1);
	policy_signed(&second, 2, &world.who[ADMIN], &sw.admin2);
	ck_ok(policies_put(sw.ca, buf_slice(&second)));
	ck_assert_int_eq(sign_rules_policy(sw.ca->rules)->version, 2);
	ck_fails(policies_put(sw.ca, buf_slice(&sw.policy)), ERR_CONFLICT, "");
	ca_restart(); /* the file still has version 1 */
	ck_assert_int_eq(sign_rules_policy(sw.ca->rules)->version, 2);
	OWN(request) r = { 0 };
	request_init(&r, 1);
	expect_one(&r, "");
}
END_TEST

START_TEST(newer_policy_from_the_file)
{
	OWN(buf) third = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	struct signd_state *none = NULL;

	policy_signed(&third, 3, &world.who[ADMIN], &sw.admin2);
	write_file(sw.policy_file, buf_slice(&third), 0600);
	ca_restart();
	ck_assert_int_eq(sign_rules_policy(sw.ca->rules)->version, 3);
	policy_signed(&third, 4, &world.who[ADMIN], &world.who[OP1]); /* not by two administrators */
	write_file(sw.policy_file, buf_slice(&third), 0600);
	signd_state_close(&sw.ca);
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "cannot take force");
}
END_TEST

/* ---- opening */

static void set_aside(const char *folder, const char *name)
{
	char from[200], to[220];

	(void)snprintf(from, sizeof from, "%s/%s", folder, name);
	(void)snprintf(to, sizeof to, "%s.aside", from);
	ck_assert_int_eq(rename(from, to), 0);
}

START_TEST(what_is_missing_is_named)
{
	struct signd_state *none = NULL;
	char issuing[200];

	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFLICT, "is in use by another process");
	signd_state_close(&sw.ca);
	signd_state_close(&sw.ocsp);
	sw.ca_conf.passphrase_file = "/nonexistent";
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "/nonexistent");
	sw.ca_conf.passphrase_file = "";
	sw.ca_conf.policy = "/nonexistent";
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "/nonexistent");
	sw.ca_conf.policy = sw.policy_file;
	(void)snprintf(issuing, sizeof issuing, "%s/rsa", sw.ca_dir);
	write_cert("issuing", buf_slice(&sw.responder.der));
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "is no CA's certificate");
	write_cert("issuing", buf_slice(&world.rogue.issuing));
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "is not the certificate of the key here");
	ck_fails(signd_state_open(&none, &sw.ocsp_conf, NULL), ERR_BAD_INPUT, "");
	set_aside(issuing, "issuing.pem");
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "issuing.pem");
	write_cert("issuing", buf_slice(&world.ca.issuing));
	set_aside(sw.ca_keys, "journal.key");
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "there is no key journal.key");
	set_aside(sw.ca_keys, "rsa.ca.key");
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "there is no key");
	set_aside(sw.ocsp_keys, "log.key");
	ck_fails(signd_state_open(&none, &sw.ocsp_conf, NULL), ERR_CONFIG, "there is no key log.key");
	sw.ocsp_conf.journal_key = sw.policy_file;
	ck_fails(signd_state_open(&none, &sw.ocsp_conf, NULL), ERR_CONFIG, "policy.der");
}
END_TEST

START_TEST(journal_of_the_other_tier)
{
	struct signd_state *none = NULL;

	signd_state_close(&sw.ca);
	sw.ca_conf.journal = sw.ocsp_journal;
	signd_state_close(&sw.ocsp);
	ck_fails(signd_state_open(&none, &sw.ca_conf, NULL), ERR_CONFIG, "is the journal of tier \"ocsp\"");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/certs");
	TCase *t = tcase_create("certs");

	tcase_add_checked_fixture(t, signer_world_begin, signer_world_end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, batch_is_signed);
	tcase_add_test(t, repeat_gets_the_recorded_one);
	tcase_add_test(t, twice_in_one_batch);
	tcase_add_test(t, one_serial_in_two_requests);
	tcase_add_test(t, refusals_in_a_batch);
	tcase_add_test(t, spoilt_decision);
	tcase_add_test(t, empty_batch);
	tcase_add_test(t, journal_without_room);
	tcase_add_test(t, clock_behind_the_journal);
	tcase_add_test(t, ceilings);
	tcase_add_test(t, orders_are_accepted_once);
	tcase_add_test(t, orders_refused);
	tcase_add_test(t, orders_in_one_batch);
	tcase_add_test(t, orders_without_room);
	tcase_add_test(t, policies_only_go_forward);
	tcase_add_test(t, newer_policy_from_the_file);
	tcase_add_test(t, what_is_missing_is_named);
	tcase_add_test(t, journal_of_the_other_tier);
	suite_add_tcase(s, t);
	return suite_main(s);
}
