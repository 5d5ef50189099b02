/*
 * db_test.c - the wrapper over libpq against a real server: types both ways, errors by SQLSTATE, transactions, bulk
 * reading, loss of the connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/db.h"
#include "support/pg.h"
#include "support/suite.h"

enum {
	Q_TYPES,
	Q_INSERT,
	Q_COUNT,
	Q_ARRAYS,
	Q_ALL,
	Q_ONE_NUMBER,
	Q_DIVIDE,
	Q_SLEEP,
	Q_CHILD,
	Q_SERIES,
	Q_BUMP,
	Q_READ,
	Q_FILTER,
	Q_NUM
};

static const struct db_statement statements[Q_NUM] = {
	[Q_TYPES] = { "t_types", 7,
		      "SELECT $1::smallint, $2::integer, $3::bigint, $4::boolean, $5::text, $6::bytea, "
		      "$7::timestamptz" },
	[Q_INSERT] = { "t_insert", 2, "INSERT INTO thing (id, name) VALUES ($1, $2)" },
	[Q_COUNT] = { "t_count", 0, "SELECT count(*) FROM thing" },
	[Q_ARRAYS] = { "t_arrays", 3,
		       "INSERT INTO thing (id, name, bytes) "
		       "SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])" },
	[Q_ALL] = { "t_all", 0, "SELECT id, name, bytes FROM thing ORDER BY id" },
	[Q_ONE_NUMBER] = { "t_number", 1, "SELECT id FROM thing WHERE id >= $1" },
	[Q_DIVIDE] = { "t_divide", 1, "SELECT 1 / $1::integer" },
	[Q_SLEEP] = { "t_sleep", 0, "SELECT pg_sleep(30)::text" },
	[Q_CHILD] = { "t_child", 1, "INSERT INTO child (thing) VALUES ($1)" },
	[Q_SERIES] = { "t_series", 2,
		       "SELECT n::bigint, CASE WHEN n % 3 = 0 THEN NULL ELSE repeat('x', n::int) END "
		       "FROM generate_series($1::bigint, $2::bigint) n ORDER BY n" },
	[Q_BUMP] = { "t_bump", 2, "UPDATE thing SET name = name || $2 WHERE id = $1" },
	[Q_READ] = { "t_read", 1, "SELECT name FROM thing WHERE id = $1" },
	[Q_FILTER] = { "t_filter", 2, "SELECT id FROM thing WHERE name = $1 AND bytes = $2" },
};

static struct db_conf conf_for(const char *conninfo)
{
	return (struct db_conf){
		.conninfo = conninfo, .application_name = "db_test", .statements = statements, .num_statements = Q_NUM
	};
}

static char conninfo[PG_CONNINFO_SIZE];

static struct db *fresh(void)
{
	struct db *db = NULL;

	pg_fresh(conninfo, NULL);
	pg_sql("CREATE TABLE thing (id bigint PRIMARY KEY, name text CHECK (name <> 'bad'), bytes bytea);"
	       "CREATE TABLE child (thing bigint CONSTRAINT child_of_thing REFERENCES thing)");
	struct db_conf conf = conf_for(conninfo);
	ck_ok(db_connect(&db, &conf));
	return db;
}

static struct err *insert(struct db *db, int64_t id, const char *name)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, id);
	db_text(&p, name);
	return db_exec(db, NULL, Q_INSERT, &p);
}

static int64_t count(struct db *db)
{
	OWN(db_result) r = NULL;

	ck_ok(db_query_one(db, &r, Q_COUNT, NULL));
	return db_get_int64(r, 0, 0);
}

START_TEST(every_type_goes_both_ways)
{
	OWN(db) db = fresh();
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;
	const uint8_t bytes[] = { 0, 1, 0xff, '\'', '\\' };

	db_int64(&p, -32768);
	db_int64(&p, INT32_MIN);
	db_int64(&p, INT64_MIN);
	db_bool(&p, true);
	db_text(&p, "ҚАЗАҚ '; DROP");
	db_bytes(&p, SLICE(bytes, sizeof bytes));
	db_int64(&p, 1795384828123);
	ck_ok(db_query_one(db, &r, Q_TYPES, &p));
	ck_assert_int_eq(db_get_int64(r, 0, 0), -32768);
	ck_assert_int_eq(db_get_int64(r, 0, 1), INT32_MIN);
	ck_assert_int_eq(db_get_int64(r, 0, 2), INT64_MIN);
	ck_assert(db_get_bool(r, 0, 3));
	ck_assert_str_eq(db_get_text(r, 0, 4), "ҚАЗАҚ '; DROP");
	ck_assert(slice_equal(db_get_bytes(r, 0, 5), SLICE(bytes, sizeof bytes)));
	ck_assert_int_eq(db_get_time_ms(r, 0, 6), 1795384828123);
}
END_TEST

START_TEST(null_of_every_type)
{
	OWN(db) db = fresh();
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	for (int i = 0; i < 3; i++)
		db_int64_or_null(&p, 1, true);
	db_null(&p);
	db_text(&p, NULL);
	db_bytes(&p, SLICE_NONE);
	db_null(&p);
	ck_ok(db_query_one(db, &r, Q_TYPES, &p));
	for (int i = 0; i < 7; i++)
		ck_assert(db_is_null(r, 0, i));
}
END_TEST

START_TEST(numbers_that_do_not_fit_are_our_bug)
{
	OWN(db) db = fresh();
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, 32768);
	for (int i = 0; i < 6; i++)
		db_null(&p);
	ck_fails(db_query(db, &r, Q_TYPES, &p), ERR_BUG, "t_types: parameter $1: 32768 does not fit");
	p.num = 1;
	ck_fails(db_query(db, &r, Q_TYPES, &p), ERR_BUG, "t_types takes 7 parameters, 1 are given");
	p.num = 0;
	db_text(&p, "12");
	ck_fails(db_query(db, &r, Q_DIVIDE, &p), ERR_BUG, "octets are given");
	p.num = 0;
	for (int i = 0; i < DB_PARAMS_MAX + 1; i++)
		db_null(&p);
	ck_fails(db_query(db, &r, Q_TYPES, &p), ERR_BUG, "7 parameters, 41 are given");
}
END_TEST

START_TEST(arrays_insert_many_rows_at_once)
{
	OWN(db) db = fresh();
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;
	const int64_t ids[] = { 3, 1, 2 };
	const struct slice names[] = { SLICE("c", 1), SLICE("a,{}\"", 5), SLICE_NONE };
	const struct slice bytes[] = { SLICE("\0\1", 2), SLICE_NONE, SLICE("", 0) };
	size_t n = 0;

	db_int64_array(&p, ids, 3);
	db_slice_array(&p, names, 3);
	db_slice_array(&p, bytes, 3);
	ck_ok(db_exec(db, &n, Q_ARRAYS, &p));
	ck_assert_uint_eq(n, 3);
	ck_ok(db_query(db, &r, Q_ALL, NULL));
	ck_assert_uint_eq(db_num_rows(r), 3);
	ck_assert_str_eq(db_get_text(r, 0, 1), "a,{}\"");
	ck_assert(db_is_null(r, 0, 2));
	ck_assert(db_is_null(r, 1, 1));
	ck_assert_uint_eq(db_get_bytes(r, 1, 2).len, 0);
	ck_assert(slice_equal(db_get_bytes(r, 2, 2), SLICE("\0\1", 2)));
	p = (struct db_params)DB_PARAMS_INIT;
	db_int64_array(&p, NULL, 0);
	db_slice_array(&p, NULL, 0);
	db_slice_array(&p, NULL, 0);
	ck_ok(db_exec(db, &n, Q_ARRAYS, &p));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(one_row_means_one)
{
	OWN(db) db = fresh();
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	ck_ok(insert(db, 1, "a"));
	ck_ok(insert(db, 2, "b"));
	db_int64(&p, 0);
	ck_fails(db_query_one(db, &r, Q_ONE_NUMBER, &p), ERR_BUG, "2 rows where one is expected");
	p.num = 0;
	db_int64(&p, 3);
	ck_fails(db_query_one(db, &r, Q_ONE_NUMBER, &p), ERR_NOT_FOUND, "t_number: no row");
	p.num = 0;
	db_int64(&p, 2);
	ck_ok(db_query_one(db, &r, Q_ONE_NUMBER, &p));
	ck_assert_int_eq(db_get_int64(r, 0, 0), 2);
}
END_TEST

START_TEST(errors_follow_sqlstate)
{
	OWN(db) db = fresh();
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	ck_ok(insert(db, 1, "a"));
	OWN(err) unique = insert(db, 1, "a");
	ck_assert_int_eq(err_code(unique), ERR_CONFLICT);
	ck_assert_str_eq(err_field(unique), "thing_pkey");
	ck_assert_str_eq(db_last_constraint(db), "thing_pkey");
	ck_assert_str_eq(db_last_sqlstate(db), "23505");
	OWN(err) check = insert(db, 2, "bad");
	ck_assert_int_eq(err_code(check), ERR_CONFLICT);
	ck_assert_str_eq(err_field(check), "thing_name_check");
	db_int64(&p, 99);
	OWN(err) foreign = db_exec(db, NULL, Q_CHILD, &p);
	ck_assert_int_eq(err_code(foreign), ERR_CONFLICT);
	ck_assert_str_eq(err_field(foreign), "child_of_thing");
	p.num = 0;
	db_int64(&p, 0);
	ck_fails(db_query(db, &r, Q_DIVIDE, &p), ERR_BAD_INPUT, "t_divide: division by zero (22012)");
	ck_fails(insert(db, 3, "\xff\xfe"), ERR_BAD_INPUT, "t_insert: invalid byte sequence");
	ck_ok(db_simple(db, "SET statement_timeout = 1"));
	ck_fails(db_query(db, &r, Q_SLEEP, NULL), ERR_TIMEOUT, "statement timeout");
	ck_ok(db_simple(db, "SET ROLE nuc_ocsp"));
	ck_fails(insert(db, 4, "x"), ERR_DENIED, "t_insert: permission denied for table thing (42501)");
	ck_fails(db_simple(db, "SELEKT"), ERR_BUG, "syntax error");
}
END_TEST

START_TEST(a_statement_that_does_not_prepare_is_named)
{
	static const struct db_statement bad[] = { { "t_good", 0, "SELECT 1" },
						   { "t_broken", 0, "SELECT * FROM nowhere" } };
	static const struct db_statement wrong[] = { { "t_wrong", 2, "SELECT $1::text" } };
	struct db_conf conf;
	struct db *db = NULL;

	pg_fresh(conninfo, "nuc_ca");
	conf = conf_for(conninfo);
	conf.statements = bad;
	conf.num_statements = 2;
	ck_fails(db_connect(&db, &conf), ERR_CONFIG, "a statement does not prepare: t_broken: relation \"nowhere\"");
	conf.statements = wrong;
	conf.num_statements = 1;
	ck_fails(db_connect(&db, &conf), ERR_CONFIG, "t_wrong has 1 parameters, its row says 2");
	ck_assert_ptr_null(db);
}
END_TEST

START_TEST(another_schema_is_refused)
{
	struct db_conf conf;
	struct db *db = NULL;

	pg_fresh(conninfo, "nuc_ocsp");
	conf = conf_for(conninfo);
	conf.num_statements = 0;
	pg_sql("INSERT INTO schema_migration (number, name, sha256) VALUES (%d, 'next', '')", db_schema_expected() + 1);
	ck_fails(db_connect(&db, &conf), ERR_CONFIG, "run schema/migrate");
	conf.any_schema = true;
	ck_ok(db_connect(&db, &conf));
	db_destroy(&db);
	pg_sql("DROP TABLE schema_migration");
	conf.any_schema = false;
	ck_fails(db_connect(&db, &conf), ERR_CONFIG, "the database has no ledger schema");
}
END_TEST

START_TEST(nobody_there_is_gone_and_tries_are_spaced)
{
	struct db_conf conf = conf_for("host=/nonexistent dbname=nuc");
	OWN(db) db = NULL;

	ck_fails(db_connect(&db, &conf), ERR_GONE, "connecting to the database");
	ck_ok(db_open(&db, &conf));
	ck_assert(!db_is_connected(db));
	ck_fails(insert(db, 1, "a"), ERR_GONE, "t_insert: not connected");
	ck_fails(db_ensure(db), ERR_GONE, "connecting to the database");
	ck_fails(db_ensure(db), ERR_GONE, "the next try is in");
}
END_TEST

/* ---- transactions */

struct tx_arg {
	int calls;
	const char *name;
	struct db *other;
};

static struct err *tx_two_rows(struct db *db, void *arg)
{
	struct tx_arg *a = arg;

	a->calls++;
	TRY(insert(db, 10, "ten"));
	return insert(db, 11, a->name);
}

START_TEST(a_transaction_is_whole_or_nothing)
{
	OWN(db) db = fresh();
	struct tx_arg arg = { .name = "bad" };

	ck_fails(db_tx(db, tx_two_rows, &arg), ERR_CONFLICT, "thing_name_check");
	ck_assert_int_eq(arg.calls, 1);
	ck_assert_int_eq(count(db), 0);
	arg.name = "eleven";
	ck_ok(db_tx(db, tx_two_rows, &arg));
	ck_assert_int_eq(count(db), 2);
}
END_TEST

/* The other connection changes the row between our snapshot and our write, the first time only. */
static struct err *tx_serialised(struct db *db, void *arg)
{
	struct tx_arg *a = arg;
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	TRY(db_simple(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"));
	db_int64(&p, 1);
	TRY(db_query_one(db, &r, Q_READ, &p));
	db_text(&p, "+");
	if (a->calls++ == 0)
		TRY(db_exec(a->other, NULL, Q_BUMP, &p));
	return db_exec(db, NULL, Q_BUMP, &p);
}

START_TEST(a_serialization_failure_runs_again)
{
	OWN(db) db = fresh();
	OWN(db) other = NULL;
	struct db_conf conf = conf_for(conninfo);
	struct tx_arg arg = { 0 };

	ck_ok(insert(db, 1, "a"));
	ck_ok(db_connect(&other, &conf));
	arg.other = other;
	ck_ok(db_tx(db, tx_serialised, &arg));
	ck_assert_int_eq(arg.calls, 2);
	ck_assert_str_eq(pg_text("SELECT name FROM thing"), "a++");
}
END_TEST

static struct err *tx_swallows(struct db *db, void *arg)
{
	struct err *e = insert(db, 1, "bad");

	(void)arg;
	err_destroy(&e);
	return NULL;
}

START_TEST(commit_of_a_failed_transaction_is_no_success)
{
	OWN(db) db = fresh();

	ck_fails(db_tx(db, tx_swallows, NULL), ERR_BUG, "COMMIT of a failed transaction");
	ck_assert_int_eq(count(db), 0);
}
END_TEST

/* ---- in a loop */

static void wait_for(struct db *db, struct db_result **out, struct err **error)
{
	bool is_done = false;

	*error = NULL;
	while (!is_done && *error == NULL) {
		struct pollfd fd = { db_socket(db), POLLIN, 0 };
		ck_assert_int_eq(poll(&fd, 1, 10000), 1);
		*error = db_receive(db, out, &is_done);
	}
}

START_TEST(sent_statements_are_received)
{
	OWN(db) db = fresh();
	OWN(db_result) r = NULL;
	struct err *e;

	ck_ok(insert(db, 5, "five"));
	ck_ok(db_send(db, Q_ALL, NULL));
	ck_fails(db_send(db, Q_ALL, NULL), ERR_BUG, "another statement is under way");
	ck_fails(insert(db, 6, "x"), ERR_BUG, "another statement is under way");
	wait_for(db, &r, &e);
	ck_ok(e);
	ck_assert_str_eq(db_get_text(r, 0, 1), "five");
	db_result_destroy(&r);
	struct db_params p = DB_PARAMS_INIT;
	db_int64(&p, 0);
	ck_ok(db_send(db, Q_DIVIDE, &p));
	wait_for(db, &r, &e);
	ck_fails(e, ERR_BAD_INPUT, "division by zero");
	ck_assert_ptr_null(r);
	ck_assert_int_eq(count(db), 1);
}
END_TEST

/* ---- bulk reading */

START_TEST(copy_reads_every_row)
{
	OWN(db) db = fresh();
	OWN(db_copy) copy = NULL;
	struct db_params p = DB_PARAMS_INIT;
	struct slice fields[2];
	int64_t expected = -2;
	bool has_row;

	db_int64(&p, -2);
	db_int64(&p, 3000);
	ck_ok(db_copy_open(db, &copy, Q_SERIES, &p));
	for (;;) {
		ck_ok(db_copy_next(copy, fields, 2, &has_row));
		if (!has_row)
			break;
		ck_assert_int_eq(db_copy_int64(fields[0]), expected);
		if (expected % 3 == 0)
			ck_assert_ptr_null(fields[1].p);
		else
			ck_assert_uint_eq(fields[1].len, expected < 0 ? 0 : (size_t)expected);
		expected++;
	}
	ck_assert_int_eq(expected, 3001);
	ck_ok(db_copy_next(copy, fields, 2, &has_row));
	ck_assert(!has_row);
	db_copy_destroy(&copy);
	ck_assert_int_eq(count(db), 0);
}
END_TEST

START_TEST(copy_quotes_what_it_is_given)
{
	OWN(db) db = fresh();
	OWN(db_copy) copy = NULL;
	struct db_params p = DB_PARAMS_INIT;
	struct slice field;
	const char *name = "x' OR true; -- \\";
	bool has_row;

	ck_ok(insert(db, 1, "other"));
	pg_sql("INSERT INTO thing VALUES (2, $q$%s$q$, '\\x00ff27')", name);
	db_text(&p, name);
	db_bytes(&p, SLICE("\0\xff'", 3));
	ck_ok(db_copy_open(db, &copy, Q_FILTER, &p));
	ck_ok(db_copy_next(copy, &field, 1, &has_row));
	ck_assert(has_row);
	ck_assert_int_eq(db_copy_int64(field), 2);
	ck_ok(db_copy_next(copy, &field, 1, &has_row));
	ck_assert(!has_row);
}
END_TEST

START_TEST(copy_may_be_left_early)
{
	OWN(db) db = fresh();
	OWN(db_copy) copy = NULL;
	struct db_params p = DB_PARAMS_INIT;
	struct slice fields[2];
	bool has_row;

	db_int64(&p, 1);
	db_int64(&p, 20000);
	ck_ok(db_copy_open(db, &copy, Q_SERIES, &p));
	ck_ok(db_copy_next(copy, fields, 2, &has_row));
	ck_assert(has_row);
	ck_fails(db_copy_next(copy, fields, 1, &has_row), ERR_BUG, "rows have 2 columns, 1 are asked for");
	db_copy_destroy(&copy);
	ck_assert_int_eq(count(db), 0);
}
END_TEST

/* ---- loss (last: the cluster goes down and comes back) */

START_TEST(a_lost_connection_is_gone_until_ensured)
{
	OWN(db) db = fresh();
	OWN(err) e = NULL;

	ck_ok(insert(db, 1, "a"));
	ck_ok(db_begin(db));
	pg_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'db_test'");
	ck_fails(insert(db, 2, "b"), ERR_GONE, "t_insert: ");
	ck_assert(!db_is_connected(db));
	ck_fails(insert(db, 2, "b"), ERR_GONE, "t_insert: ");
	db_rollback(db);
	ck_ok(db_ensure(db));
	ck_ok(insert(db, 2, "b"));
	ck_assert_int_eq(count(db), 2);
	pg_stop_hard();
	ck_fails(insert(db, 3, "c"), ERR_GONE, "t_insert: ");
	ck_fails(db_ensure(db), ERR_GONE, "connecting to the database");
	pg_start_again();
	int64_t until = clock_mono_ms() + 10000;
	while ((e = db_ensure(db)) != NULL && clock_mono_ms() < until)
		err_destroy(&e);
	ck_assert_ptr_null(e);
	ck_assert_int_eq(count(db), 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/db/db");
	TCase *t = tcase_create("db");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_type_goes_both_ways);
	tcase_add_test(t, null_of_every_type);
	tcase_add_test(t, numbers_that_do_not_fit_are_our_bug);
	tcase_add_test(t, arrays_insert_many_rows_at_once);
	tcase_add_test(t, one_row_means_one);
	tcase_add_test(t, errors_follow_sqlstate);
	tcase_add_test(t, a_statement_that_does_not_prepare_is_named);
	tcase_add_test(t, another_schema_is_refused);
	tcase_add_test(t, nobody_there_is_gone_and_tries_are_spaced);
	tcase_add_test(t, a_transaction_is_whole_or_nothing);
	tcase_add_test(t, a_serialization_failure_runs_again);
	tcase_add_test(t, commit_of_a_failed_transaction_is_no_success);
	tcase_add_test(t, sent_statements_are_received);
	tcase_add_test(t, copy_reads_every_row);
	tcase_add_test(t, copy_quotes_what_it_is_given);
	tcase_add_test(t, copy_may_be_left_early);
	tcase_add_test(t, a_lost_connection_is_gone_until_ensured);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
