/*
 * follow_db_test.c - ocsp/follow.c and ocsp/queries.c against a real ledger, as the role nuc_ocsp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ocsp/follow.h"
#include "ocsp_ledger.h"

static struct test_person ca, other_ca, responder;
static struct ocsp_state *state;
static struct follow *follow;
static char conninfo[PG_CONNINFO_SIZE];

static struct told {
	atomic_int rounds, changes, problems, recoveries;
	ocsp_word last_before, last_after;
	int64_t last_committed_ms;
} told;

static void on_round(void *arg)
{
	(void)arg;
	atomic_fetch_add(&told.rounds, 1);
}

static void on_change(void *arg, ocsp_word before, ocsp_word after, int64_t committed_ms)
{
	(void)arg;
	told.last_before = before;
	told.last_after = after;
	told.last_committed_ms = committed_ms;
	atomic_fetch_add(&told.changes, 1);
}

static void on_problem(void *arg, const struct err *e)
{
	(void)arg;
	atomic_fetch_add(e != NULL ? &told.problems : &told.recoveries, 1);
}

static void quiet(void *arg, const char *line)
{
	(void)arg;
	if (getenv("NUC_LOG") != NULL)
		(void)fprintf(stderr, "%s\n", line);
}

static void setup(void)
{
	struct test_cert_spec ca_spec = { .cn = "CA", .basic = "critical,CA:TRUE" }, r_spec = { .eku = "OCSPSigning" };

	log_set_sink(quiet, NULL);
	memset(&told, 0, sizeof told);
	test_person_init(&ca, "p256", &ca_spec, NULL);
	ca_spec.cn = "OTHER CA";
	test_person_init(&other_ca, "p256", &ca_spec, NULL);
	test_person_init(&responder, "p256", &r_spec, &ca);
	pg_fresh(conninfo, "nuc_ocsp");
	ol_issuer("rsa", &ca);
	ol_responder("rsa", &responder, clock_now_s() + 86400);
	ck_ok(ocsp_state_create(&state));
}

static void begin(int64_t batch, int64_t poll_ms)
{
	struct follow_conf conf = {
		.conninfo = conninfo, .poll_ms = poll_ms, .batch = batch, .hooks = { on_round, on_change, on_problem }
	};

	ck_ok(follow_create(&follow, state, &conf));
}

static void teardown(void)
{
	follow_destroy(&follow);
	ocsp_state_destroy(&state);
	test_person_clear(&ca);
	test_person_clear(&other_ca);
	test_person_clear(&responder);
}

static ocsp_word word_of(unsigned issuer, const char *serial_hex)
{
	OWN(buf) serial = BUF_INIT(64);

	ck_ok(text_unhex(&serial, SLICE_STR(serial_hex)));
	const struct ocsp_view *view = ocsp_state_enter(state, 3);
	ocsp_word word = ocsp_table_get(view->table, issuer, buf_slice(&serial));
	ocsp_state_leave(state, 3);
	return word;
}

static void expect(const char *serial, enum ocsp_ledger_state want, int reason, int64_t at)
{
	ocsp_word w = word_of(0, serial);

	ck_assert_msg(ocsp_word_state(w) == want, "%s: state %d, expected %d", serial, ocsp_word_state(w), want);
	ck_assert_int_eq(ocsp_word_reason(w), reason);
	ck_assert_int_eq(ocsp_word_revoked_at(w), at);
}

#define expect_valid(serial)  expect(serial, OCSP_LEDGER_VALID, 0, 0)
#define expect_absent(serial) expect(serial, OCSP_LEDGER_ABSENT, 0, 0)

/* ---- loading */

START_TEST(test_load)
{
	static const char twenty[] = "7f0102030405060708090a0b0c0d0e0f10111213";
	int64_t held, released, pending, revoked, both;

	(void)ol_certificate("rsa", "01");
	(void)ol_certificate("rsa", twenty);
	(void)ol_certificate("rsa", "00ff");
	held = ol_certificate("rsa", "02");
	released = ol_certificate("rsa", "03");
	pending = ol_certificate("rsa", "04");
	revoked = ol_certificate("rsa", "05");
	both = ol_certificate("rsa", "06");
	(void)ol_order(held, 2, 6, 1000);
	(void)ol_order(released, 2, 6, 1001);
	(void)ol_order(pending, 2, 6, 1002);
	(void)ol_order(revoked, 1, 4, 1003);
	(void)ol_order(both, 2, 6, 1004);
	(void)ol_order(both, 1, 1, 1005);
	(void)ol_order(released, 3, 8, 1006);
	ol_sequence(1000);
	(void)ol_order(pending, 3, 8, 1007); /* no index yet: does not count */
	(void)ol_order(both, 3, 8, 1008); /* nothing follows on a revocation */
	(void)ol_certificate("rsa", "07"); /* committed, no index yet: known */

	begin(1000, 1000);
	ck_assert(!ocsp_state_freshness(state, clock_mono_ms()).is_complete);
	ck_ok(follow_round(follow));
	ck_assert(ocsp_state_freshness(state, clock_mono_ms()).is_complete);
	expect_valid("01");
	expect_valid(twenty);
	expect_valid("00ff");
	expect_absent("ff");
	expect("02", OCSP_LEDGER_HELD, 6, 1000);
	expect_valid("03");
	expect("04", OCSP_LEDGER_HELD, 6, 1002);
	expect("05", OCSP_LEDGER_REVOKED, 4, 1003);
	expect("06", OCSP_LEDGER_REVOKED, 1, 1005);
	expect_valid("07");
	expect_absent("08");
	ck_assert_uint_eq(ocsp_state_num(state), 9);
	struct follow_stats s = follow_stats(follow);
	ck_assert_uint_eq(s.loads, 1);
	ck_assert_int_eq(s.log_index, 15);
	ck_assert_int_eq(s.lag_ms, 0);
}
END_TEST

/* Reserved and not signed: an issuance row without a certificate is no certificate (incidents 21, 38). */
START_TEST(test_reserved)
{
	pg_sql("SET session_replication_role = replica; INSERT INTO issuance (request_id, issuer, serial, "
	       "not_before_at, "
	       "not_after_at, tbs) VALUES (1, 'rsa', '\\x4242', 0, 1, '')");
	begin(1000, 1000);
	ck_ok(follow_round(follow));
	expect_absent("4242");
	(void)ol_certificate("rsa", "4242");
	ck_ok(follow_round(follow));
	expect_valid("4242");
}
END_TEST

/* ---- following */

START_TEST(test_follow)
{
	begin(1000, 1000);
	ck_ok(follow_round(follow));
	int64_t a = ol_certificate("rsa", "0a");
	expect_absent("0a");
	ck_ok(follow_round(follow)); /* committed, not indexed */
	expect_valid("0a");
	ol_sequence(1000);
	int64_t before_ms = clock_now_ms();
	(void)ol_order(a, 2, 6, 2000);
	ck_ok(follow_round(follow));
	expect("0a", OCSP_LEDGER_HELD, 6, 2000);
	ck_assert_int_eq(ocsp_word_state(told.last_before), OCSP_LEDGER_VALID);
	ck_assert(told.last_committed_ms >= before_ms - 1 && told.last_committed_ms <= clock_now_ms());
	(void)ol_order(a, 3, 8, 2001);
	ck_ok(follow_round(follow));
	expect("0a", OCSP_LEDGER_HELD, 6, 2000); /* a release counts by index */
	ol_sequence(1);
	ck_ok(follow_round(follow));
	expect("0a", OCSP_LEDGER_HELD, 6, 2000);
	ol_sequence(1);
	ck_ok(follow_round(follow));
	expect_valid("0a");
	(void)ol_order(a, 1, 1, 2002);
	ck_ok(follow_round(follow));
	expect("0a", OCSP_LEDGER_REVOKED, 1, 2002);
	ol_sequence(1000);
	int changes = atomic_load(&told.changes);
	ck_ok(follow_round(follow));
	ck_ok(follow_round(follow));
	ck_assert_int_eq(atomic_load(&told.changes), changes); /* nothing twice */
	ck_assert_uint_eq(follow_stats(follow).loads, 1);
}
END_TEST

START_TEST(test_small_batches)
{
	char serial[16];

	begin(3, 1000);
	ck_ok(follow_round(follow));
	for (int i = 0; i < 20; i++) {
		(void)snprintf(serial, sizeof serial, "10%02x", i);
		(void)ol_certificate("rsa", serial);
	}
	ol_sequence(1000);
	ck_ok(follow_round(follow)); /* one round takes as many statements as it needs */
	for (int i = 0; i < 20; i++) {
		(void)snprintf(serial, sizeof serial, "10%02x", i);
		expect_valid(serial);
	}
	ck_assert_int_eq(follow_stats(follow).log_index, 20);
}
END_TEST

/* A list of another CA's certificates comes in as one entry: everything is loaded again. */
START_TEST(test_import)
{
	begin(1000, 1000);
	ck_ok(follow_round(follow));
	pg_sql("INSERT INTO certificate (issuer, serial, origin, profile, der, sha256, spki_sha256, not_before_at, "
	       "not_after_at) "
	       "SELECT 'rsa', decode(lpad(to_hex(n + 4096), 8, '0'), 'hex'), 'adopted', '', '', "
	       "sha256(n::text::bytea), "
	       "sha256(n::text::bytea), 0, 1 FROM generate_series(1, 5000) n");
	pg_sql("INSERT INTO log_pending (kind, at_ms, entry, salt) VALUES ('certificate.imported', 0, '', "
	       "'\\x00000000000000000000000000000000')");
	ol_sequence(1);
	ck_ok(follow_round(follow));
	ck_assert_uint_eq(follow_stats(follow).loads, 2);
	ck_assert_uint_eq(ocsp_state_num(state), 5000);
	expect_valid("00001001");
	ck_ok(follow_round(follow));
	ck_assert_uint_eq(follow_stats(follow).loads, 2);
}
END_TEST

START_TEST(test_new_issuer)
{
	begin(1000, 1000);
	ck_ok(follow_round(follow));
	ol_issuer("gost", &other_ca);
	(void)ol_certificate("gost", "0c");
	int64_t c = ol_certificate("rsa", "0c");
	(void)ol_order(c, 1, 3, 7);
	ck_ok(follow_round(follow));
	ck_assert_int_eq(ocsp_word_state(word_of(1, "0c")), OCSP_LEDGER_VALID);
	ck_assert_int_eq(ocsp_word_state(word_of(0, "0c")), OCSP_LEDGER_REVOKED);
	ck_assert_int_eq(ocsp_state_find_issuer(state, SLICE_STR("gost")), 1);
}
END_TEST

/* ---- what must not happen */

START_TEST(test_never_unrevoked)
{
	begin(1000, 1000);
	int64_t a = ol_certificate("rsa", "0d");
	(void)ol_order(a, 1, 1, 5);
	ol_sequence(1000);
	ck_ok(follow_round(follow));
	expect("0d", OCSP_LEDGER_REVOKED, 1, 5);
	/* Somebody with the whole database takes the row away and touches the certificate. */
	pg_sql("DELETE FROM revocation; INSERT INTO log_pending (kind, at_ms, entry, salt, certificate_id) VALUES "
	       "('x', 0, '', "
	       "'\\x00000000000000000000000000000000', %lld)",
	       (long long)a);
	ck_ok(follow_round(follow));
	expect("0d", OCSP_LEDGER_REVOKED, 1, 5);
	ck_assert_uint_eq(follow_stats(follow).refused_unrevocations, 1);
}
END_TEST

START_TEST(test_log_goes_back)
{
	begin(1000, 1000);
	(void)ol_certificate("rsa", "0e");
	(void)ol_certificate("rsa", "0f");
	ol_sequence(1000);
	ck_ok(follow_round(follow));
	pg_sql("DELETE FROM log_entry WHERE idx = 1");
	ck_ok(follow_round(follow));
	ck_assert_uint_eq(follow_stats(follow).loads, 2);
	ck_assert_int_eq(follow_stats(follow).log_index, 1);
	expect_valid("0f");
}
END_TEST

/* The ledger goes away for a while: the state stays and grows old, then follows on. */
START_TEST(test_ledger_away)
{
	begin(1000, 20);
	int64_t a = ol_certificate("rsa", "1a");
	ck_ok(follow_start(follow));
	while (atomic_load(&told.rounds) < 2)
		follow_prompt(follow);
	expect_valid("1a");
	pg_stop_hard();
	while (atomic_load(&told.problems) == 0)
		(void)sched_yield();
	expect_valid("1a");
	int64_t age_ms = ocsp_state_freshness(state, clock_mono_ms()).age_ms;
	while (ocsp_state_freshness(state, clock_mono_ms()).age_ms <= age_ms)
		(void)sched_yield();
	pg_start_again();
	(void)ol_order(a, 1, 1, 99);
	while (ocsp_word_state(word_of(0, "1a")) != OCSP_LEDGER_REVOKED)
		(void)sched_yield();
	ck_assert_int_ge(atomic_load(&told.recoveries), 1);
	ck_assert_uint_eq(follow_stats(follow).loads, 1); /* nothing was missed: no second load */
	expect("1a", OCSP_LEDGER_REVOKED, 1, 99);
}
END_TEST

/* Without any prompt a round comes by itself; with one it comes at once. */
START_TEST(test_prompt_and_poll)
{
	begin(1000, _i == 0 ? 50 : 60000);
	ck_ok(follow_start(follow));
	while (atomic_load(&told.rounds) == 0)
		(void)sched_yield();
	(void)ol_certificate("rsa", "1b");
	if (_i == 1)
		follow_prompt(follow);
	while (word_of(0, "1b") == 0)
		(void)sched_yield();
	int64_t wanted = (int64_t)ocsp_state_round_wanted(state);
	follow_prompt(follow);
	while ((int64_t)ocsp_state_rounds_done(state) < wanted)
		(void)sched_yield();
}
END_TEST

START_TEST(test_wrong_ledger)
{
	struct follow_conf conf = { .conninfo = "host=/nonexistent dbname=nuc", .poll_ms = 50, .batch = 10 };

	ck_ok(follow_create(&follow, state, &conf));
	ck_fails(follow_round(follow), ERR_GONE, "");
	ck_assert(!ocsp_state_freshness(state, clock_mono_ms()).is_complete);
	follow_destroy(&follow);
	(void)ol_certificate("rsa", "1c");
	pg_sql("UPDATE issuer SET certificate = '\\x3000'");
	begin(10, 1000);
	ck_fails(follow_round(follow), ERR_BAD_INPUT, "issuer rsa");
	ck_assert(!ocsp_state_freshness(state, clock_mono_ms()).is_complete);
}
END_TEST

/* ---- random orders and indexes, against a fold of the test's own */

enum { NUM = 8, STEPS = 150 };

static struct model {
	int64_t id;
	int num;
	struct {
		int64_t order;
		int action, reason;
		int64_t at;
		bool has_index;
	} orders[STEPS];
} models[NUM];

static ocsp_word fold(const struct model *m)
{
	ocsp_word word = ocsp_word_make(OCSP_LEDGER_VALID, 0, 0);

	for (int i = 0; i < m->num; i++) {
		if (m->orders[i].action == 1)
			return ocsp_word_make(OCSP_LEDGER_REVOKED, m->orders[i].reason, m->orders[i].at);
		if (m->orders[i].action == 2)
			word = ocsp_word_make(OCSP_LEDGER_HELD, 6, m->orders[i].at);
		if (m->orders[i].action == 3 && m->orders[i].has_index)
			word = ocsp_word_make(OCSP_LEDGER_VALID, 0, 0);
	}
	return word;
}

/* Which releases have their index by now. */
static void note_indexes(void)
{
	const char *list = pg_text("SELECT ',' || coalesce(string_agg(order_id::text, ','), '') || ',' FROM log_entry");
	char wanted[32];

	for (int i = 0; i < NUM; i++)
		for (int k = 0; k < models[i].num; k++) {
			(void)snprintf(wanted, sizeof wanted, ",%lld,", (long long)models[i].orders[k].order);
			models[i].orders[k].has_index = strstr(list, wanted) != NULL;
		}
}

static void check_models(void)
{
	char serial[16];

	for (int i = 0; i < NUM; i++) {
		if (models[i].id == 0)
			continue;
		(void)snprintf(serial, sizeof serial, "70%02x", i);
		ck_assert_msg(word_of(0, serial) == fold(&models[i]), "certificate %d after %d orders", i,
			      models[i].num);
	}
}

START_TEST(test_random_walk)
{
	char serial[16];
	uint32_t x = (uint32_t)_i + 1;

	memset(models, 0, sizeof models);
	begin(2, 1000);
	ck_ok(follow_round(follow));
	for (int step = 0; step < STEPS; step++) {
		x = x * 1664525u + 1013904223u;
		struct model *m = &models[(x >> 8) % NUM];
		unsigned what = (x >> 24) % 16;
		if (m->id == 0) {
			(void)snprintf(serial, sizeof serial, "70%02x", (int)(m - models));
			m->id = ol_certificate("rsa", serial);
		} else if (what < 9) {
			int action = what == 0 ? 1 : what < 5 ? 2 : 3;
			bool has_revocation = ocsp_word_state(fold(m)) == OCSP_LEDGER_REVOKED;
			if (action == 1 && has_revocation)
				continue;
			int n = m->num++;
			m->orders[n].action = action;
			m->orders[n].reason = action == 1 ? 1 : action == 2 ? 6 : 8;
			m->orders[n].at = step;
			m->orders[n].order = ol_order(m->id, action, m->orders[n].reason, step);
		} else if (what < 12) {
			ol_sequence((int)(x >> 20 & 3) + 1);
			note_indexes();
		} else {
			ck_ok(follow_round(follow));
			check_models();
		}
	}
	ck_ok(follow_round(follow));
	check_models();
	/* A fresh load comes to the same. */
	follow_destroy(&follow);
	ocsp_state_destroy(&state);
	ck_ok(ocsp_state_create(&state));
	begin(1000, 1000);
	ck_ok(follow_round(follow));
	check_models();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/follow_db");
	TCase *t = tcase_create("follow");

	tcase_set_timeout(t, 180);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_load);
	tcase_add_test(t, test_reserved);
	tcase_add_test(t, test_follow);
	tcase_add_test(t, test_small_batches);
	tcase_add_test(t, test_import);
	tcase_add_test(t, test_new_issuer);
	tcase_add_test(t, test_never_unrevoked);
	tcase_add_test(t, test_log_goes_back);
	tcase_add_test(t, test_ledger_away);
	tcase_add_loop_test(t, test_prompt_and_poll, 0, 2);
	tcase_add_test(t, test_wrong_ledger);
	tcase_add_loop_test(t, test_random_walk, 0, 2);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
