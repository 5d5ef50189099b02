/*
 * sequencer_test.c - the sequencer against a real database and a signer that checks what it is asked to sign.
 *
 * The signer here does what signd-ocsp promises: it remembers (size, root), verifies the consistency proof and never
 * goes back.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/msg_sign.h"
#include "ca/issue/sequencer.h"
#include "support/bus_fake.h"
#include "support/pg.h"
#include "support/suite.h"
#include "tlog/leaf.h"

/* ---------------------------------------------------------------- the signer */

static struct signer {
	pthread_mutex_t lock;
	EVP_PKEY *pkey;
	struct note_key key;
	uint64_t size;
	struct tree_hash root;
	int heads, conflicts, refusals;
	bool is_busy;
} signer = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct bus_fake *fake;
static struct bus_client *client;

static void sign_note(struct buf *out, const struct note_checkpoint *checkpoint)
{
	OWN(buf) body = BUF_INIT(NOTE_MAX);
	uint8_t signature[NOTE_SIGNATURE_SIZE];
	size_t len = sizeof signature;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	ck_ok(note_body(&body, checkpoint));
	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, signer.pkey), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len, body.p, body.len), 1);
	EVP_MD_CTX_free(ctx);
	ck_ok(note_assemble(out, buf_slice(&body), &signer.key, signature));
}

static struct err *head_accept(const struct msg_sign_head *ask, struct note_checkpoint *checkpoint)
{
	struct tree_proof proof = { .num = ask->num_consistency };

	memcpy(checkpoint->root.b, ask->root.p, TREE_HASH_SIZE);
	checkpoint->size = (uint64_t)ask->size;
	(void)snprintf(checkpoint->origin, sizeof checkpoint->origin, "%s", signer.key.name);
	ENSURE(!signer.is_busy, RETRY, "busy");
	if (checkpoint->size == signer.size && tree_hash_equal(&checkpoint->root, &signer.root))
		return NULL;
	if ((uint64_t)ask->old_size != signer.size) {
		signer.conflicts++;
		return ERR_FIELD(CONFLICT, "oldSize", "the last head had %" PRIu64 " entries", signer.size);
	}
	for (size_t i = 0; i < proof.num; i++)
		memcpy(proof.h[i].b, ask->consistency[i].p, TREE_HASH_SIZE);
	struct err *e = tree_consistency_verify(signer.size, &signer.root, checkpoint->size, &checkpoint->root, &proof);
	if (e != NULL) {
		signer.refusals++;
		return ERR_RECODE(e, DENIED, "no proof");
	}
	signer.size = checkpoint->size;
	signer.root = checkpoint->root;
	return NULL;
}

static struct err *on_sign_head(void *arg, struct bus_call *call)
{
	OWN(msg_sign_head) ask = { 0 };
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	OWN(buf) body = BUF_INIT(NOTE_MAX + 100);
	struct note_checkpoint checkpoint = { .size = 0 };

	(void)arg;
	TRY(msg_sign_head_decode(&ask, bus_call_body(call)));
	(void)pthread_mutex_lock(&signer.lock);
	struct err *e = head_accept(&ask, &checkpoint);
	signer.heads += e == NULL;
	(void)pthread_mutex_unlock(&signer.lock);
	TRY(e);
	sign_note(&note, &checkpoint);
	const struct msg_sign_head_ok answer = { .note = buf_slice(&note) };
	TRY(msg_sign_head_ok_encode(&body, &answer));
	bus_call_answer(call, &body);
	return NULL;
}

static struct err *on_status(void *arg, struct bus_call *call)
{
	OWN(buf) body = BUF_INIT(1000);
	struct msg_signer_status status = { 0 };

	(void)arg;
	(void)pthread_mutex_lock(&signer.lock);
	status.log_size = (int64_t)signer.size;
	(void)pthread_mutex_unlock(&signer.lock);
	TRY(msg_signer_status_encode(&body, &status));
	bus_call_answer(call, &body);
	return NULL;
}

static const struct bus_handler handlers[] = {
	{ MSG_SIGN_HEAD, MSG_ROLE_BIT(MSG_ROLE_CAD), on_sign_head },
	{ MSG_SIGNER_STATUS, MSG_ROLE_BIT(MSG_ROLE_CAD), on_status },
	{ 0, 0, NULL },
};

/* ---------------------------------------------------------------- the loop */

static char conninfo[PG_CONNINFO_SIZE];
static struct loop *loop;
static loop_id watch;
static int64_t progressed_to;
static int leaders;
static bool is_without_signer;

static void on_progress(void *arg, int64_t log_size)
{
	(void)arg;
	progressed_to = log_size;
}

static void on_leader(void *arg, bool is_leader)
{
	(void)arg;
	leaders += is_leader ? 1 : -1;
}

static void on_client(void *arg, unsigned ready)
{
	(void)arg;
	(void)ready;
	bus_client_process(client);
}

static void on_client_timer(void *arg)
{
	on_client(arg, 0);
}

static void setup(void)
{
	static const uint8_t seed[32] = { 1, 2, 3 };
	uint8_t public_key[32];
	size_t len = sizeof public_key;

	pg_fresh(conninfo, "nuc_ca");
	ck_ok(loop_create(&loop));
	signer.pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(signer.pkey, public_key, &len), 1);
	ck_ok(note_key_init(&signer.key, "nuc.local/log", public_key));
}

static void setup_signer(void)
{
	const struct bus_fake_conf conf = { .server = "signd-ocsp",
					    .server_role = MSG_ROLE_SIGND_OCSP,
					    .client = "cad",
					    .client_role = MSG_ROLE_CAD,
					    .handlers = handlers };
	loop_id timer;

	fake = bus_fake_create(&conf);
	const struct bus_client_conf client_conf = { .server = "signd-ocsp", .endpoint = bus_fake_endpoint(fake) };
	ck_ok(bus_client_create(&client, bus_fake_client_bus(fake), &client_conf));
	ck_ok(loop_add_zmq(loop, &watch, bus_client_socket(client), LOOP_READ, on_client, NULL));
	ck_ok(loop_add_timer(loop, &timer, 10, 10, on_client_timer, NULL));
}

static void teardown(void)
{
	if (watch != 0)
		loop_remove(loop, watch);
	bus_client_destroy(&client);
	bus_fake_destroy(&fake);
	loop_destroy(&loop);
	EVP_PKEY_free(signer.pkey);
}

static struct sequencer *sequencer_new(int64_t batch)
{
	struct sequencer *self = NULL;
	const struct sequencer_conf conf = { .loop = loop,
					     .conninfo = conninfo,
					     .signer = is_without_signer ? NULL : client,
					     .log_key = signer.key,
					     .batch = batch,
					     .poll_ms = 20,
					     .head_interval_ms = 20,
					     .on_progress = on_progress,
					     .on_leader = on_leader };

	ck_ok(sequencer_create(&self, &conf));
	return self;
}

/* Turns the loop until the condition holds; fails after 60 s. */
#define TURN_UNTIL(condition)                                                                                          \
	do {                                                                                                           \
		int64_t end_ = clock_mono_ms() + 60000;                                                                \
		while (!(condition)) {                                                                                 \
			ck_assert_msg(clock_mono_ms() < end_, "waited in vain for %s", #condition);                    \
			ck_ok(loop_turn(loop, 20));                                                                    \
		}                                                                                                      \
	} while (0)

static void turn_for(int64_t ms)
{
	for (int64_t end = clock_mono_ms() + ms; clock_mono_ms() < end;)
		ck_ok(loop_turn(loop, 10));
}

static void add_pending(int from, int to)
{
	pg_sql("INSERT INTO log_pending (kind, at_ms, entry, salt) SELECT 'daemon.started', i, "
	       "convert_to('entry ' || i, 'UTF8'), decode(md5(i::text), 'hex') FROM generate_series(%d, %d) i",
	       from, to - 1);
}

/* The whole log is as RFC 6962 wants it: contiguous, each leaf hash right, tiles right. Gives the root. */
static struct tree_hash assert_log(int64_t size)
{
	char superuser[PG_CONNINFO_SIZE];
	static const struct db_statement statements[] = {
		{ "leaves", 0, "SELECT idx, entry, salt, leaf_hash FROM log_entry ORDER BY idx" },
		{ "tiles", 0, "SELECT level, n, hashes FROM log_tile ORDER BY level, n" },
	};
	OWN(db) db = NULL;
	OWN(db_result) r = NULL;
	OWN(db_result) tiles = NULL;
	struct tree_range range;
	struct tree_hash root;

	pg_conninfo(superuser, NULL);
	const struct db_conf conf = { .conninfo = superuser, .statements = statements, .num_statements = 2 };
	ck_ok(db_connect(&db, &conf));
	ck_ok(db_query(db, &r, 0, NULL));
	ck_ok(db_query(db, &tiles, 1, NULL));
	ck_assert_uint_eq(db_num_rows(r), (size_t)size);
	tree_range_init(&range);
	for (size_t i = 0; i < (size_t)size; i++) {
		struct tree_hash leaf;
		ck_assert_int_eq(db_get_int64(r, i, 0), (int64_t)i);
		log_leaf_hash(&leaf, db_get_bytes(r, i, 2), db_get_bytes(r, i, 1));
		ck_assert(slice_equal(db_get_bytes(r, i, 3), SLICE(leaf.b, 32)));
		tree_range_append(&range, &leaf);
	}
	ck_assert_uint_eq(db_num_rows(tiles), (size_t)(size / 256 + size / 65536));
	for (size_t i = 0; i < db_num_rows(tiles) && db_get_int64(tiles, i, 0) == 0; i++)
		for (size_t k = 0; k < 256; k++)
			ck_assert(slice_equal(SLICE(db_get_bytes(tiles, i, 2).p + 32 * k, 32),
					      db_get_bytes(r, 256 * i + k, 3)));
	tree_range_root(&root, &range);
	return root;
}

static void assert_heads(int64_t size)
{
	struct note_checkpoint checkpoint;
	struct tree_hash root = assert_log(size);
	const char *note = pg_text("SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1");

	ck_ok(note_checkpoint_open(&checkpoint, SLICE_STR(note), &signer.key));
	ck_assert_uint_eq(checkpoint.size, (uint64_t)size);
	ck_assert(tree_hash_equal(&checkpoint.root, &root));
}

/* ---------------------------------------------------------------- cases */

START_TEST(pending_entries_become_a_log)
{
	struct sequencer *s = sequencer_new(0);

	add_pending(0, 3);
	TURN_UNTIL(progressed_to == 3);
	ck_assert(sequencer_is_leader(s));
	ck_assert_int_eq(leaders, 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending"), 0);
	(void)assert_log(3);
	ck_assert_str_eq(sequencer_status(s).problem, "");
	ck_assert_int_gt(sequencer_status(s).unsigned_since_ms, 0);

	add_pending(3, 700);
	sequencer_prompt(s);
	TURN_UNTIL(progressed_to == 700);
	(void)assert_log(700);
	sequencer_destroy(&s);
	ck_assert_ptr_null(s);
}
END_TEST

START_TEST(order_is_that_of_the_pending_ids)
{
	struct sequencer *s = sequencer_new(100);

	add_pending(0, 1000);
	TURN_UNTIL(progressed_to == 1000);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_entry WHERE at_ms <> idx"), 0);
	ck_assert_int_ge(sequencer_status(s).batches, 10);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(tiles_of_the_second_level)
{
	struct sequencer *s = sequencer_new(16384);

	add_pending(0, 66000);
	TURN_UNTIL(progressed_to == 66000);
	sequencer_destroy(&s);
	s = sequencer_new(0);
	add_pending(66000, 66001);
	TURN_UNTIL(progressed_to == 66001);
	(void)assert_log(66001);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(another_takes_over)
{
	for (int round = 0; round < 6; round++) {
		struct sequencer *s = sequencer_new(200);
		add_pending(round * 190, (round + 1) * 190);
		TURN_UNTIL(progressed_to == (round + 1) * 190);
		sequencer_destroy(&s);
	}
	(void)assert_log(1140);
}
END_TEST

START_TEST(one_at_a_time)
{
	struct sequencer *a = sequencer_new(50), *b = sequencer_new(50);

	add_pending(0, 500);
	TURN_UNTIL(progressed_to == 500);
	ck_assert_int_eq(leaders, 1);
	ck_assert(sequencer_is_leader(a) != sequencer_is_leader(b));
	if (sequencer_is_leader(a))
		sequencer_destroy(&a);
	else
		sequencer_destroy(&b);
	leaders = 0;
	add_pending(500, 1000);
	TURN_UNTIL(progressed_to == 1000);
	ck_assert_int_eq(leaders, 1);
	(void)assert_log(1000);
	sequencer_destroy(&a);
	sequencer_destroy(&b);
}
END_TEST

/* Should the lock ever fail us, the primary key of log_entry lets one batch win; the loser starts over. */
START_TEST(a_second_writer_makes_no_fork)
{
	struct sequencer *s = sequencer_new(0);

	add_pending(0, 10);
	TURN_UNTIL(progressed_to == 10);
	pg_sql("INSERT INTO log_entry (idx, kind, at_ms, entry, salt, leaf_hash) SELECT 10, 'daemon.started', 10, e, "
	       "s, "
	       "sha256('\\x00'::bytea || sha256(s || e)) FROM (VALUES ('foreign'::bytea, decode(md5('x'), 'hex'))) "
	       "v(e, s)");
	add_pending(11, 20);
	TURN_UNTIL(progressed_to == 20);
	ck_assert_int_ge(sequencer_status(s).failures, 1);
	ck_assert_int_eq(sequencer_status(s).takeovers, 2);
	(void)assert_log(20);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(connection_is_cut_at_every_step)
{
	struct sequencer *s = sequencer_new(7);
	int added = 0;

	for (int turns = 0; turns < 24; turns++) {
		add_pending(added, added + 30);
		added += 30;
		TURN_UNTIL(sequencer_is_leader(s));
		sequencer_prompt(s);
		for (int i = 0; i < turns; i++)
			ck_ok(loop_turn(loop, 5));
		pg_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cad "
		       "sequencer'");
	}
	TURN_UNTIL(progressed_to == added);
	(void)assert_log(added);
	ck_assert_int_eq(pg_number("SELECT count(DISTINCT at_ms) FROM log_entry"), added);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(database_is_stopped_hard_and_comes_back)
{
	struct sequencer *s = sequencer_new(0);

	add_pending(0, 10);
	TURN_UNTIL(progressed_to == 10);
	pg_stop_hard();
	TURN_UNTIL(!sequencer_is_leader(s));
	ck_assert_str_ne(sequencer_status(s).problem, "");
	pg_start_again();
	add_pending(10, 20);
	TURN_UNTIL(progressed_to == 20);
	ck_assert_str_eq(sequencer_status(s).problem, "");
	(void)assert_log(20);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(heads_are_signed_with_proofs)
{
	setup_signer();
	struct sequencer *s = sequencer_new(0);
	int size = 0;

	for (int step = 1; step < 40; step++) {
		add_pending(size, size + step * 13);
		size += step * 13;
		sequencer_prompt(s);
		TURN_UNTIL(sequencer_status(s).head_size == size);
	}
	assert_heads(size);
	ck_assert_int_ge(signer.heads, 39);
	ck_assert_int_eq(signer.refusals, 0);
	ck_assert_int_eq(signer.conflicts, 0);
	ck_assert_int_eq(sequencer_status(s).unsigned_since_ms, 0);
	ck_assert_str_eq(sequencer_status(s).problem, "");
	bus_client_destroy(&client);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(heads_go_on_after_a_takeover)
{
	setup_signer();
	for (int round = 1; round < 6; round++) {
		struct sequencer *s = sequencer_new(0);
		add_pending((round - 1) * 77, round * 77);
		TURN_UNTIL(sequencer_status(s).head_size == round * 77);
		turn_for(30);
		sequencer_destroy(&s);
	}
	assert_heads(5 * 77);
	ck_assert_int_eq(signer.conflicts, 0);
}
END_TEST

/* The signer signed a head whose answer was lost: it remembers more than the ledger's last checkpoint. */
START_TEST(a_lost_answer_is_found_out)
{
	setup_signer();
	struct sequencer *s = sequencer_new(0);

	add_pending(0, 300);
	TURN_UNTIL(sequencer_status(s).head_size == 300);
	add_pending(300, 500);
	TURN_UNTIL(sequencer_status(s).head_size == 500);
	sequencer_destroy(&s);
	pg_sql("DELETE FROM log_checkpoint WHERE size = 500");
	s = sequencer_new(0);
	TURN_UNTIL(sequencer_status(s).head_size == 500);
	assert_heads(500);
	sequencer_destroy(&s);

	/* And the log grew before anybody asked again: only the signer knows where the proof must begin. */
	pg_sql("DELETE FROM log_checkpoint");
	is_without_signer = true;
	s = sequencer_new(0);
	add_pending(500, 900);
	TURN_UNTIL(progressed_to == 900);
	sequencer_destroy(&s);
	is_without_signer = false;
	s = sequencer_new(0);
	TURN_UNTIL(sequencer_status(s).head_size == 900);
	ck_assert_int_eq(signer.conflicts, 1);
	assert_heads(900);
	bus_client_destroy(&client);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(a_busy_or_absent_signer_only_delays)
{
	setup_signer();
	struct sequencer *s = sequencer_new(0);

	signer.is_busy = true;
	add_pending(0, 10);
	TURN_UNTIL(progressed_to == 10 && sequencer_status(s).failures > 0);
	ck_assert_ptr_nonnull(strstr(sequencer_status(s).problem, "busy"));
	signer.is_busy = false;
	TURN_UNTIL(sequencer_status(s).head_size == 10);
	ck_assert_str_eq(sequencer_status(s).problem, "");
	bus_fake_stop(fake);
	add_pending(10, 20);
	TURN_UNTIL(progressed_to == 20);
	bus_fake_start(fake);
	TURN_UNTIL(sequencer_status(s).head_size == 20);
	assert_heads(20);
	bus_client_destroy(&client);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(a_ledger_that_was_rolled_back_is_halted)
{
	setup_signer();
	struct sequencer *s = sequencer_new(0);

	add_pending(0, 20);
	TURN_UNTIL(sequencer_status(s).head_size == 20);
	sequencer_destroy(&s);
	/* As an older backup would be. */
	pg_sql("DELETE FROM log_entry WHERE idx >= 15; DELETE FROM log_checkpoint");
	s = sequencer_new(0);
	TURN_UNTIL(strstr(sequencer_status(s).problem, "rolled back") != NULL);
	add_pending(15, 40);
	turn_for(200);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_entry"), 15);
	ck_assert_ptr_nonnull(strstr(sequencer_status(s).problem, "head of 20 entries, the ledger has 15"));
	bus_client_destroy(&client);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(a_changed_beginning_is_halted)
{
	setup_signer();
	struct sequencer *s = sequencer_new(0);

	add_pending(0, 300);
	TURN_UNTIL(sequencer_status(s).head_size == 300);
	sequencer_destroy(&s);
	/* Somebody rewrites an entry, its hash and its tile, all of it consistently. */
	pg_sql("UPDATE log_entry SET entry = 'other', leaf_hash = sha256('\\x00'::bytea || sha256(salt || "
	       "'other'::bytea)) "
	       "WHERE idx = 100; "
	       "UPDATE log_tile SET hashes = (SELECT string_agg(leaf_hash::bytea, ''::bytea ORDER BY idx) FROM "
	       "log_entry "
	       "WHERE idx < 256)");
	add_pending(300, 310);
	s = sequencer_new(0);
	TURN_UNTIL(strstr(sequencer_status(s).problem, "has another root than its checkpoint") != NULL);
	ck_assert(!sequencer_is_leader(s));
	sequencer_destroy(&s);
	/* And he removes the checkpoint too: the signer remembers. */
	pg_sql("DELETE FROM log_checkpoint");
	s = sequencer_new(0);
	TURN_UNTIL(strstr(sequencer_status(s).problem, "the log's beginning was changed") != NULL);
	ck_assert_int_ge(signer.refusals, 1);
	bus_client_destroy(&client);
	sequencer_destroy(&s);
}
END_TEST

START_TEST(missing_rows_are_named)
{
	static const struct {
		const char *damage, *problem;
	} cases[] = {
		{ "DELETE FROM log_entry WHERE idx = 599", "entries are missing" },
		{ "DELETE FROM log_entry WHERE idx = 590", "log_entry has no row 590" },
		{ "UPDATE log_entry SET leaf_hash = sha256('x'::bytea) WHERE idx = 598", "entries were changed" },
		{ "DELETE FROM log_tile WHERE n = 0", "log_tile has no tile 0 of level 0" },
		{ "UPDATE log_tile SET hashes = decode(repeat('00', 8192), 'hex') WHERE n = 1",
		  "entries were changed" },
	};

	for (int i = 0; i < COUNT_OF(cases); i++) {
		struct sequencer *s;
		struct note_checkpoint checkpoint = { .size = 600 };

		pg_fresh(conninfo, "nuc_ca");
		progressed_to = 0;
		s = sequencer_new(0);
		add_pending(0, 600);
		TURN_UNTIL(progressed_to == 600);
		sequencer_destroy(&s);
		checkpoint.root = assert_log(600);
		char hex[65];
		for (int k = 0; k < 32; k++)
			(void)snprintf(hex + 2 * k, 3, "%02x", checkpoint.root.b[k]);
		pg_sql("INSERT INTO log_checkpoint VALUES (600, '\\x%s', 'note', 0)", hex);
		pg_sql("%s", cases[i].damage);
		s = sequencer_new(0);
		TURN_UNTIL(sequencer_status(s).problem[0] != '\0');
		ck_assert_msg(strstr(sequencer_status(s).problem, cases[i].problem) != NULL, "%s: %s", cases[i].damage,
			      sequencer_status(s).problem);
		sequencer_destroy(&s);
	}
}
END_TEST

START_TEST(a_batch_that_is_too_large_is_refused)
{
	struct sequencer *s = NULL;
	const struct sequencer_conf conf = { .loop = loop, .conninfo = conninfo, .batch = 16385 };

	ck_fails(sequencer_create(&s, &conf), ERR_CONFIG, "at most 16384");
	ck_assert_ptr_null(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/issue/sequencer");
	TCase *c = tcase_create("sequencer");

	log_setup("sequencer_test", LOG_ERROR);
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, pending_entries_become_a_log);
	tcase_add_test(c, order_is_that_of_the_pending_ids);
	tcase_add_test(c, tiles_of_the_second_level);
	tcase_add_test(c, another_takes_over);
	tcase_add_test(c, one_at_a_time);
	tcase_add_test(c, a_second_writer_makes_no_fork);
	tcase_add_test(c, connection_is_cut_at_every_step);
	tcase_add_test(c, database_is_stopped_hard_and_comes_back);
	tcase_add_test(c, heads_are_signed_with_proofs);
	tcase_add_test(c, heads_go_on_after_a_takeover);
	tcase_add_test(c, a_lost_answer_is_found_out);
	tcase_add_test(c, a_busy_or_absent_signer_only_delays);
	tcase_add_test(c, a_ledger_that_was_rolled_back_is_halted);
	tcase_add_test(c, a_changed_beginning_is_halted);
	tcase_add_test(c, missing_rows_are_named);
	tcase_add_test(c, a_batch_that_is_too_large_is_refused);
	suite_add_tcase(s, c);
	return pg_suite_main(s);
}
