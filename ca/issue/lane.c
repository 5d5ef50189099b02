/*
 * lane.c - see lane.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/lane.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"

struct line {
	struct lane_job *first, *last;
};

struct lane {
	struct loop *loop;
	struct db *db;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* over the lines and is_stopping */
	pthread_cond_t wake;
	struct line waiting, ended;
	bool is_stopping;
	int event_fd; /* readable when a job has ended */
	loop_id watch;
};

static void line_push(struct line *line, struct lane_job *job)
{
	job->next = NULL;
	if (line->last == NULL)
		line->first = job;
	else
		line->last->next = job;
	line->last = job;
}

static struct lane_job *line_pop(struct line *line)
{
	struct lane_job *job = line->first;

	if (job == NULL)
		return NULL;
	line->first = job->next;
	if (line->first == NULL)
		line->last = NULL;
	return job;
}

/* ---- the thread */

static struct lane_job *wait_for_job(struct lane *self)
{
	(void)pthread_mutex_lock(&self->lock);
	while (self->waiting.first == NULL && !self->is_stopping)
		(void)pthread_cond_wait(&self->wake, &self->lock);
	struct lane_job *job = self->is_stopping ? NULL : line_pop(&self->waiting);
	(void)pthread_mutex_unlock(&self->lock);
	return job;
}

static void *lane_main(void *arg)
{
	struct lane *self = arg;
	struct lane_job *job;
	uint64_t one = 1;

	while ((job = wait_for_job(self)) != NULL) {
		job->error = db_ensure(self->db);
		if (job->error == NULL)
			job->error = job->run(job, self->db);
		(void)pthread_mutex_lock(&self->lock);
		line_push(&self->ended, job);
		(void)pthread_mutex_unlock(&self->lock);
		ssize_t written = write(self->event_fd, &one, sizeof one);
		(void)written; /* the counter cannot overflow within a loop's turn */
	}
	return NULL;
}

/* ---- the loop */

static struct lane_job *pop_ended(struct lane *self)
{
	(void)pthread_mutex_lock(&self->lock);
	struct lane_job *job = line_pop(&self->ended);
	(void)pthread_mutex_unlock(&self->lock);
	return job;
}

static void give_back(struct lane *self)
{
	struct lane_job *job;

	while ((job = pop_ended(self)) != NULL) {
		struct err *e = job->error;
		job->error = NULL;
		job->done(job, e);
	}
}

static void on_ended(void *arg, unsigned ready)
{
	struct lane *self = arg;
	uint64_t n;

	(void)ready;
	ssize_t got = read(self->event_fd, &n, sizeof n);
	(void)got; /* jobs may have been given back by an earlier call */
	give_back(self);
}

void lane_submit(struct lane *self, struct lane_job *job)
{
	(void)pthread_mutex_lock(&self->lock);
	line_push(&self->waiting, job);
	(void)pthread_cond_signal(&self->wake);
	(void)pthread_mutex_unlock(&self->lock);
}

static struct err *start(struct lane *self, const struct lane_conf *conf)
{
	const struct db_conf db_conf = { .conninfo = conf->conninfo,
					 .application_name = conf->name,
					 .statements = conf->statements,
					 .num_statements = conf->num_statements,
					 .statement_timeout_ms = conf->statement_timeout_ms };

	TRY(db_open(&self->db, &db_conf));
	self->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (self->event_fd < 0)
		return ERR_ERRNO("eventfd");
	TRY(loop_add_fd(self->loop, &self->watch, self->event_fd, LOOP_READ, on_ended, self));
	int rc = pthread_create(&self->thread, NULL, lane_main, self);
	ENSURE(rc == 0, SYSTEM, "thread of lane %s: %s", conf->name, strerror(rc));
	self->has_thread = true;
	return NULL;
}

struct err *lane_create(struct lane **out, const struct lane_conf *conf)
{
	OWN(lane) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "lane %s", conf->name);
	self->loop = conf->loop;
	self->event_fd = -1;
	(void)pthread_mutex_init(&self->lock, NULL);
	(void)pthread_cond_init(&self->wake, NULL);
	TRY(start(self, conf));
	*out = TAKE(self);
	return NULL;
}

void lane_destroy(struct lane **lane)
{
	struct lane *self = *lane;
	struct lane_job *job;

	if (self == NULL)
		return;
	*lane = NULL;
	(void)pthread_mutex_lock(&self->lock);
	self->is_stopping = true;
	(void)pthread_cond_signal(&self->wake);
	(void)pthread_mutex_unlock(&self->lock);
	if (self->has_thread)
		(void)pthread_join(self->thread, NULL);
	loop_remove(self->loop, self->watch);
	give_back(self);
	while ((job = line_pop(&self->waiting)) != NULL)
		job->done(job, ERR(GONE, "the lane ends"));
	db_destroy(&self->db);
	if (self->event_fd >= 0)
		(void)close(self->event_fd);
	(void)pthread_cond_destroy(&self->wake);
	(void)pthread_mutex_destroy(&self->lock);
	free(self);
}
