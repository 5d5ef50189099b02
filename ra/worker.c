/*
 * worker.c - threads that look for work. See worker.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "ra/queries.h"
#include "ra/web.h"

enum { PAUSE_AFTER_ERROR_MS = 1000 };

struct ra_worker {
	struct ra *ra;
	const struct ra_worker_kind *kind;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_woken, is_stopping;
};

/* Sleeps until woken, stopped, or the time is over. False: stop. */
static bool worker_sleep(struct ra_worker *self, int64_t ms)
{
	struct timespec until;
	int64_t at = clock_mono_ms() + ms;

	until.tv_sec = (time_t)(at / 1000);
	until.tv_nsec = (long)(at % 1000) * 1000000;
	(void)pthread_mutex_lock(&self->lock);
	while (!self->is_woken && !self->is_stopping && clock_mono_ms() < at)
		(void)pthread_cond_timedwait(&self->wake, &self->lock, &until);
	self->is_woken = false;
	bool go_on = !self->is_stopping;
	(void)pthread_mutex_unlock(&self->lock);
	return go_on;
}

static struct err *worker_turn(struct ra_worker *self, struct ra_ctx *ctx, struct ra_web *web, bool *out_more)
{
	*out_more = false;
	TRY(db_ensure(ctx->db));
	/* Not every work needs a policy; those that do refuse without. */
	OWN(err) none = ra_rules_hold(self->ra->rules, &ctx->rules);
	(void)none;
	return self->kind->turn(ctx, web, out_more);
}

static void worker_loop(struct ra_worker *self, struct ra_ctx *ctx, struct ra_web *web)
{
	int64_t pause_ms = 0;

	while (worker_sleep(self, pause_ms)) {
		bool more = false;
		struct err *e = worker_turn(self, ctx, web, &more);

		pause_ms = more ? 0 : self->kind->pause_ms;
		if (e != NULL) {
			struct log_ctx lc;

			log_ctx_set(&lc, "worker=%s", self->kind->name);
			log_err(LOG_WARN, &lc, "work_failed", &e);
			pause_ms = PAUSE_AFTER_ERROR_MS;
		}
	}
}

static void *worker_main(void *arg)
{
	struct ra_worker *self = arg;
	struct ra_ctx ctx = { .ra = self->ra };
	OWN(ra_web) web = NULL;
	struct err *e = ra_open_db(self->ra, &ctx.db, self->kind->name);

	if (e == NULL && self->kind->needs_web)
		e = ra_web_create(&web);
	if (e != NULL)
		log_err(LOG_ERROR, NULL, "worker_failed", &e);
	else
		worker_loop(self, &ctx, web);
	ra_ctx_clear(&ctx);
	return NULL;
}

struct err *ra_worker_start(struct ra_worker **out, struct ra *ra, const struct ra_worker_kind *kind)
{
	struct ra_worker *self = calloc(1, sizeof *self);
	pthread_condattr_t attr;

	ENSURE(self != NULL, NO_MEMORY, "a worker");
	self->ra = ra;
	self->kind = kind;
	(void)pthread_mutex_init(&self->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&self->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	int failed = pthread_create(&self->thread, NULL, worker_main, self);
	if (failed != 0) {
		free(self);
		return ERR(SYSTEM, "the thread of worker %s: error %d", kind->name, failed);
	}
	*out = self;
	return NULL;
}

void ra_worker_wake(struct ra_worker *self)
{
	if (self == NULL)
		return;
	(void)pthread_mutex_lock(&self->lock);
	self->is_woken = true;
	(void)pthread_cond_signal(&self->wake);
	(void)pthread_mutex_unlock(&self->lock);
}

void ra_worker_stop(struct ra_worker **self)
{
	struct ra_worker *w = *self;

	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->is_stopping = true;
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	(void)pthread_cond_destroy(&w->wake);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
	*self = NULL;
}
