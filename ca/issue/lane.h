/*
 * lane.h - a thread with its own database connection that runs jobs one after another, for the loop.
 *
 * The loop submits a job and gets it back in its own thread when it has run, with the error if there was one. A job that
 * finds no database fails with GONE without having run. Everything but the run callback happens in the loop's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_LANE_H
#define CA_ISSUE_LANE_H

#include "daemon/loop.h"
#include "db/db.h"

struct lane;

/* Embed it in the job's own struct, which must live until `done`. */
struct lane_job {
	struct err *(*run)(struct lane_job *self, struct db *db); /* on the lane's thread */
	void (*done)(struct lane_job *self,
		     struct err *e); /* in the loop; owns `e`, may free the job and submit others */
	struct err *error;
	struct lane_job *next;
};

struct lane_conf {
	struct loop *loop;
	const char *name; /* in pg_stat_activity */
	const char *conninfo;
	const struct db_statement *statements;
	size_t num_statements;
	int64_t statement_timeout_ms;
};

/* lane_create() starts the thread; texts and statements must outlive the lane. *Owns* the caller. */
struct err *lane_create(struct lane **out, const struct lane_conf *conf) ERR_MUST_USE;

/* lane_destroy() lets the running job end, gives all that are left back through `done` (GONE for those that did not run),
 * and ends the thread. */
void lane_destroy(struct lane **self);
OWN_TYPE(lane, struct lane *, lane_destroy)

/* lane_submit() puts a job at the end of the line. */
void lane_submit(struct lane *self, struct lane_job *job);

#endif
