/*
 * issuing.c - see issuing.h.
 *
 * A batch is at one place at a time: the plan lane, the signer, the settle lane. What the loop keeps is how many there
 * are, whether a claim is running, and whether one is wanted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/issuing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ca/issue/figures.h"
#include "ca/issue/issue.h"
#include "ca/issue/lane.h"
#include "ca/issue/queries.h"

enum { STATEMENT_TIMEOUT_MS = 30000, SETTLE_AGAIN_MS = 250 };

struct issuing {
	struct issuing_conf conf;
	struct lane *plan_lane, *settle_lane;
	struct issue_rules *rules;
	loop_id poll;
	bool is_planning;
	bool is_wanted;
	bool is_draining;
	bool is_ending; /* destroy has begun: nothing new is sent or submitted */
	bool has_freed_leases; /* what a dead process of ours had claimed is free again */
	size_t in_flight; /* batches from the claim on */
	struct trip *trips; /* all of them */
};

/* A batch on its way. */
struct trip {
	struct lane_job job; /* first: the lanes give it back */
	struct trip *next, **at; /* in the list of all; *at is this one */
	struct issuing *issuing;
	struct issue_batch *batch;
	struct issue_limits limits;
	int64_t sent_us, settle_us;
	bool frees_leases;
	loop_id again; /* timer of the next try to settle */
};

static void pump(struct issuing *self);

static void trip_begin(struct issuing *self, struct trip *trip)
{
	trip->next = self->trips;
	trip->at = &self->trips;
	if (trip->next != NULL)
		trip->next->at = &trip->next;
	self->trips = trip;
	self->in_flight++;
	metrics_set(self->conf.metrics, CAD_IN_FLIGHT, (int64_t)self->in_flight);
}

static void trip_end(struct trip *trip)
{
	struct issuing *self = trip->issuing;

	*trip->at = trip->next;
	if (trip->next != NULL)
		trip->next->at = trip->at;
	loop_remove(self->conf.loop, trip->again);
	issue_batch_destroy(&trip->batch);
	free(trip);
	self->in_flight--;
	metrics_set(self->conf.metrics, CAD_IN_FLIGHT, (int64_t)self->in_flight);
	pump(self);
}

/* ---- settling */

static int64_t count_outcomes(struct issuing *self, const struct issue_batch *batch)
{
	int64_t now_ms = clock_now_ms();
	int64_t last_seq = 0;
	bool rules_differ = false;

	for (size_t i = 0; i < batch->num; i++) {
		const struct issue_item *item = &batch->items[i];
		if (item->outcome == ISSUE_SIGNED && item->is_new) {
			metrics_add(self->conf.metrics, CAD_ISSUED, 1);
			metrics_observe_us(self->conf.metrics, CAD_LATENCY, (now_ms - item->enqueued_ms) * 1000);
		}
		if (item->outcome == ISSUE_SIGNED && item->seq > last_seq)
			last_seq = item->seq;
		metrics_add(self->conf.metrics, CAD_REJECTED, item->outcome == ISSUE_REJECTED);
		metrics_add(self->conf.metrics, CAD_RETRIED, item->outcome == ISSUE_RETRY);
		if (item->outcome == ISSUE_RETRY)
			log_warn(NULL, "request_postponed", "request=%lld attempts=%lld reason=%s text=\"%s\"",
				 (long long)item->request_id, (long long)item->attempts, item->word, item->text);
		if (item->outcome == ISSUE_REJECTED)
			log_warn(NULL, "request_rejected", "request=%lld reason=%s text=\"%s\"",
				 (long long)item->request_id, item->word, item->text);
		rules_differ = rules_differ || slice_equal(SLICE_STR(item->word), SLICE_STR("tbs_differs")) ||
			       slice_equal(SLICE_STR(item->word), SLICE_STR("no_policy"));
	}
	if (rules_differ)
		self->conf.on_rules_differ(self->conf.arg);
	return last_seq;
}

static struct err *run_settle(struct lane_job *job, struct db *db)
{
	struct trip *trip = (struct trip *)job;

	return issue_settle(db, trip->batch, &trip->limits);
}

static void settle(struct trip *trip);

static void on_settle_again(void *arg)
{
	struct trip *trip = arg;

	trip->again = 0;
	settle(trip);
}

/* The database was away: the batch is settled when it is back, but not beyond its lease, when another may have it. */
static void settle_later(struct trip *trip, struct err *e)
{
	struct issuing *self = trip->issuing;
	int64_t age_ms = (clock_mono_us() - trip->batch->begun_us) / 1000;
	bool is_over = self->is_ending || age_ms + SETTLE_AGAIN_MS > trip->limits.lease_ms;

	log_err(is_over ? LOG_ERROR : LOG_WARN, NULL, is_over ? "settle_given_up" : "settle_postponed", &e);
	if (!is_over) {
		e = loop_add_timer(self->conf.loop, &trip->again, SETTLE_AGAIN_MS, 0, on_settle_again, trip);
		if (e == NULL)
			return;
		log_err(LOG_ERROR, NULL, "settle_given_up", &e);
	}
	trip_end(trip);
}

static void on_settled(struct lane_job *job, struct err *e)
{
	struct trip *trip = (struct trip *)job;
	struct issuing *self = trip->issuing;

	if (e != NULL) {
		settle_later(trip, e);
		return;
	}
	metrics_observe_us(self->conf.metrics, CAD_SETTLE_TIME, clock_mono_us() - trip->settle_us);
	int64_t last_seq = count_outcomes(self, trip->batch);
	self->conf.on_committed(self->conf.arg, last_seq);
	/* What goes again at once is due already. */
	self->is_wanted = self->is_wanted || issue_batch_count(trip->batch, ISSUE_AT_ONCE) > 0;
	trip_end(trip);
}

static void settle(struct trip *trip)
{
	trip->job.run = run_settle;
	trip->job.done = on_settled;
	trip->settle_us = clock_mono_us();
	lane_submit(trip->issuing->settle_lane, &trip->job);
}

/* ---- signing */

static void on_signed(void *arg, struct err *e, struct slice body)
{
	struct trip *trip = arg;
	struct issuing *self = trip->issuing;

	if (e == NULL)
		e = issue_batch_answer(trip->batch, body);
	metrics_observe_us(self->conf.metrics, CAD_SIGN_TIME, clock_mono_us() - trip->sent_us);
	if (e != NULL) {
		issue_batch_failed(trip->batch, e);
		log_err(LOG_WARN, NULL, "sign_failed", &e);
	}
	if (self->is_ending)
		trip_end(trip);
	else
		settle(trip);
}

static void sign(struct trip *trip)
{
	struct issuing *self = trip->issuing;
	OWN(buf) body = BUF_INIT(32 * 1024 * 1024);

	trip->sent_us = clock_mono_us();
	struct err *e = issue_batch_request(trip->batch, &body);
	if (e == NULL)
		e = bus_client_send(self->conf.signer, MSG_SIGN_CERT, &body, self->conf.conf->sign_timeout_ms,
				    on_signed, trip);
	if (e == NULL)
		return;
	issue_batch_failed(trip->batch, e);
	log_err(LOG_WARN, NULL, "sign_not_sent", &e);
	settle(trip);
}

/* ---- planning */

static struct err *run_plan(struct lane_job *job, struct db *db)
{
	struct trip *trip = (struct trip *)job;
	size_t freed = 0;

	if (trip->frees_leases) {
		TRY(ca_free_leases(db, &freed));
		if (freed > 0)
			log_info(NULL, "leases_freed", "requests=%zu", freed);
	}
	return issue_plan(db, trip->batch, &trip->limits);
}

static void on_planned(struct lane_job *job, struct err *e)
{
	struct trip *trip = (struct trip *)job;
	struct issuing *self = trip->issuing;

	self->is_planning = false;
	if (e != NULL) {
		log_err(LOG_WARN, NULL, "plan_failed", &e);
		trip_end(trip);
		return;
	}
	self->has_freed_leases = true;
	if (trip->batch->num == 0 || self->is_ending) {
		trip_end(trip);
		return;
	}
	metrics_observe_us(self->conf.metrics, CAD_PLAN_TIME, clock_mono_us() - trip->batch->begun_us);
	self->is_wanted = true; /* there may be more; the claim that finds nothing ends it */
	if (issue_batch_count(trip->batch, ISSUE_PLANNED) > 0) {
		sign(trip);
		pump(self);
		return;
	}
	(void)count_outcomes(self, trip->batch);
	self->conf.on_committed(self->conf.arg, 0);
	trip_end(trip);
}

static struct err *begin_trip(struct issuing *self)
{
	const struct cad_conf *c = self->conf.conf;
	struct trip *trip = calloc(1, sizeof *trip);

	ENSURE(trip != NULL, NO_MEMORY, "batch");
	*trip = (struct trip){ .job = { .run = run_plan, .done = on_planned },
			       .issuing = self,
			       .limits = { c->batch, c->lease_ms, c->retry_ms, c->retry_max_ms },
			       .frees_leases = !self->has_freed_leases };
	struct err *e = issue_batch_create(&trip->batch, self->rules);
	if (e != NULL) {
		free(trip);
		return e;
	}
	self->is_planning = true;
	self->is_wanted = false;
	trip_begin(self, trip);
	lane_submit(self->plan_lane, &trip->job);
	return NULL;
}

/* Starts the next claim when one is wanted and possible. */
static void pump(struct issuing *self)
{
	if (self->rules == NULL || !self->is_wanted || self->is_planning || self->is_draining || self->is_ending ||
	    self->in_flight >= (size_t)self->conf.conf->batches_in_flight)
		return;
	struct err *e = begin_trip(self);
	log_err(LOG_ERROR, NULL, "claim_failed", &e);
}

static void on_poll(void *arg)
{
	issuing_prompt(arg);
}

/* ---- the object */

static struct err *make_lane(struct issuing *self, struct lane **out, const char *name)
{
	const struct lane_conf conf = { .loop = self->conf.loop,
					.name = name,
					.conninfo = self->conf.conf->db.conninfo,
					.statements = ca_statements,
					.num_statements = ca_statements_count,
					.statement_timeout_ms = STATEMENT_TIMEOUT_MS };

	return lane_create(out, &conf);
}

struct err *issuing_create(struct issuing **out, const struct issuing_conf *conf)
{
	OWN(issuing) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "issuing");
	self->conf = *conf;
	TRY(make_lane(self, &self->plan_lane, "cad plan"));
	TRY(make_lane(self, &self->settle_lane, "cad settle"));
	TRY(loop_add_timer(conf->loop, &self->poll, conf->conf->poll_ms, conf->conf->poll_ms, on_poll, self));
	*out = TAKE(self);
	return NULL;
}

void issuing_destroy(struct issuing **issuing)
{
	struct issuing *self = *issuing;

	if (self == NULL)
		return;
	*issuing = NULL;
	self->is_ending = true;
	loop_remove(self->conf.loop, self->poll);
	lane_destroy(&self->plan_lane);
	lane_destroy(&self->settle_lane);
	while (self->trips != NULL) /* those that waited for their next try */
		trip_end(self->trips);
	issue_rules_release(&self->rules);
	free(self);
}

void issuing_set_rules(struct issuing *self, struct issue_rules *rules)
{
	struct issue_rules *before = self->rules;

	self->rules = issue_rules_share(rules);
	issue_rules_release(&before);
	issuing_prompt(self);
}

void issuing_prompt(struct issuing *self)
{
	self->is_wanted = true;
	pump(self);
}

void issuing_drain(struct issuing *self)
{
	self->is_draining = true;
}

bool issuing_is_idle(const struct issuing *self)
{
	return self->in_flight == 0;
}
