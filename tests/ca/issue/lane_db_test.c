/*
 * lane_db_test.c - jobs go to the lane's thread and come back in the loop's, in order, whatever happens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <string.h>

#include "ca/issue/lane.h"
#include "support/pg.h"
#include "support/suite.h"

static const struct db_statement statements[] = { { "t_add", 1, "INSERT INTO thing VALUES ($1)" } };

enum { JOBS = 100 };

struct job {
	struct lane_job job;
	int number;
	pthread_t ran_on;
	bool did_run;
};

static struct loop *loop;
static struct lane *lane;
static struct job jobs[JOBS];
static int num_done, last_done;
static enum err_code last_code;
static bool submits_again;
static char conninfo[PG_CONNINFO_SIZE];

static struct err *run(struct lane_job *self, struct db *db)
{
	struct job *job = (struct job *)self;
	struct db_params p = DB_PARAMS_INIT;

	job->ran_on = pthread_self();
	job->did_run = true;
	db_int64(&p, job->number);
	return db_exec(db, NULL, 0, &p);
}

static void done(struct lane_job *self, struct err *e)
{
	struct job *job = (struct job *)self;

	ck_assert_int_eq(job->number, last_done + 1);
	last_done = job->number;
	last_code = err_code(e);
	num_done++;
	err_destroy(&e);
	if (submits_again && job->number + 1 <= JOBS)
		lane_submit(lane, &jobs[job->number].job);
	if (num_done == JOBS)
		loop_stop(loop);
}

static void begin(const char *where)
{
	const struct lane_conf conf = {
		.loop = loop, .name = "lane_test", .conninfo = where, .statements = statements, .num_statements = 1
	};

	ck_ok(lane_create(&lane, &conf));
}

static void setup(void)
{
	pg_fresh(conninfo, NULL);
	pg_sql("CREATE TABLE thing (n bigint PRIMARY KEY CHECK (n <> 50))");
	ck_ok(loop_create(&loop));
	for (int i = 0; i < JOBS; i++)
		jobs[i] = (struct job){ .job = { .run = run, .done = done }, .number = i + 1 };
}

static void teardown(void)
{
	lane_destroy(&lane);
	loop_destroy(&loop);
}

START_TEST(in_order_on_one_other_thread)
{
	begin(conninfo);
	for (int i = 0; i < JOBS; i++)
		lane_submit(lane, &jobs[i].job);
	ck_ok(loop_run(loop));
	ck_assert_int_eq(num_done, JOBS);
	for (int i = 0; i < JOBS; i++) {
		ck_assert(jobs[i].did_run && pthread_equal(jobs[i].ran_on, jobs[0].ran_on));
		ck_assert(!pthread_equal(jobs[i].ran_on, pthread_self()));
	}
	/* Number 50 failed and held nobody up. */
	ck_assert_int_eq(pg_number("SELECT count(*) FROM thing"), JOBS - 1);
}
END_TEST

START_TEST(a_job_that_comes_back_may_submit_the_next)
{
	begin(conninfo);
	submits_again = true;
	lane_submit(lane, &jobs[0].job);
	ck_ok(loop_run(loop));
	ck_assert_int_eq(num_done, JOBS);
}
END_TEST

START_TEST(without_a_database_jobs_fail_and_do_not_run)
{
	begin("host=/nonexistent dbname=nuc");
	for (int i = 0; i < JOBS; i++)
		lane_submit(lane, &jobs[i].job);
	ck_ok(loop_run(loop));
	ck_assert_int_eq(last_code, ERR_GONE);
	ck_assert(!jobs[0].did_run && !jobs[JOBS - 1].did_run);
}
END_TEST

START_TEST(the_end_gives_everything_back)
{
	begin(conninfo);
	for (int i = 0; i < JOBS; i++)
		lane_submit(lane, &jobs[i].job);
	lane_destroy(&lane);
	ck_assert_int_eq(num_done, JOBS);
	for (int i = 1; i < JOBS; i++)
		ck_assert(jobs[i - 1].did_run || !jobs[i].did_run);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/issue/lane_db");
	TCase *t = tcase_create("lane");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, in_order_on_one_other_thread);
	tcase_add_test(t, a_job_that_comes_back_may_submit_the_next);
	tcase_add_test(t, without_a_database_jobs_fail_and_do_not_run);
	tcase_add_test(t, the_end_gives_everything_back);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
