/*
 * relay.c - see relay.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/relay.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/msg_sign.h"
#include "ca/issue/figures.h"
#include "ca/issue/queries.h"

enum {
	STATUS_TIMEOUT_MS = 2000,
	EVENTS_TIMEOUT_MS = 10000,
	EVENTS_BODY_MAX = 16 * 1024 * 1024 + 1024,
	POLICY_BODY_MAX = SIGNED_POLICY_MAX_BYTES,
};

/* One of the two signers as it is known. */
struct signer {
	struct relay *relay;
	struct bus_client *client;
	size_t check;
	bool is_asking;
};

struct relay {
	struct lane_job job; /* first: the lane gives it back */
	struct relay_conf conf;
	loop_id poll;
	struct signer ca, ocsp;
	size_t policy_check, events_check;
	/* Policy */
	bool is_job_running;
	int64_t in_force; /* at signd-ca; -1: not known */
	int64_t newest; /* in the ledger, as loaded */
	struct buf policy_der; /* newest, when it is newer than what is in force */
	struct issue_rules *loaded, *rules; /* just made; in use */
	bool is_putting;
	/* events: numbers that come next; 0: not known */
	int64_t ca_next, ocsp_next;
	bool is_relaying;
};

/* ---- events */

static void relay_events(struct relay *self);

static void events_failed(struct relay *self, const char *event, struct err *e)
{
	char text[256];

	health_set(self->conf.health, self->events_check, false, "%s", err_text(e, text, sizeof text));
	log_err(LOG_WARN, NULL, event, &e);
	self->is_relaying = false; /* the poll begins again, from what signd-ocsp then wants */
}

static void on_pushed(void *arg, struct err *e, struct slice body)
{
	struct relay *self = arg;
	OWN(msg_events_push_ok) answer = { 0 };

	if (e == NULL)
		e = msg_events_push_ok_decode(&answer, body);
	if (e == NULL && answer.next <= self->ocsp_next)
		e = ERR(RETRY, "signd-ocsp still wants event %lld", (long long)answer.next);
	if (e != NULL) {
		self->ocsp_next = answer.next > 0 ? answer.next : self->ocsp_next;
		events_failed(self, "events_not_taken", e);
		return;
	}
	metrics_add(self->conf.metrics, CAD_EVENTS_RELAYED, answer.next - self->ocsp_next);
	self->ocsp_next = answer.next;
	self->is_relaying = false;
	health_set(self->conf.health, self->events_check, true, "relayed below %lld", (long long)answer.next);
	self->conf.on_relayed(self->conf.arg, answer.next);
	relay_events(self);
}

/* The events' body is passed on as it is: signd-ocsp verifies the journal key's signature over it. */
static struct err *push(struct relay *self, struct slice body)
{
	OWN(msg_signed_events) events = { 0 };
	OWN(msg_event_batch) batch = { 0 };
	OWN(buf) copy = BUF_INIT(EVENTS_BODY_MAX);

	TRY(msg_signed_events_decode(&events, body));
	TRY(msg_event_batch_decode(&batch, events.events));
	ENSURE(batch.from == self->ocsp_next, BAD_INPUT, "signd-ca gives events from %lld, asked from %lld",
	       (long long)batch.from, (long long)self->ocsp_next);
	if (batch.num_events == 0) {
		self->ca_next = batch.next;
		self->is_relaying = false;
		return NULL;
	}
	if (batch.next > self->ca_next)
		self->ca_next = batch.next;
	TRY(buf_append(&copy, body));
	return bus_client_send(self->conf.sign_ocsp, MSG_EVENTS_PUSH, &copy, EVENTS_TIMEOUT_MS, on_pushed, self);
}

static void on_events(void *arg, struct err *e, struct slice body)
{
	struct relay *self = arg;

	if (e == NULL)
		e = push(self, body);
	if (e != NULL)
		events_failed(self, "events_not_relayed", e);
}

static struct err *ask_events(struct relay *self)
{
	OWN(buf) body = BUF_INIT(1024);
	const struct msg_events ask = { .from = self->ocsp_next, .max = self->conf.conf->events_batch };

	TRY(msg_events_encode(&body, &ask));
	return bus_client_send(self->conf.sign_ca, MSG_EVENTS, &body, EVENTS_TIMEOUT_MS, on_events, self);
}

static void relay_events(struct relay *self)
{
	if (!self->conf.is_leader(self->conf.arg)) {
		health_set(self->conf.health, self->events_check, true, "another instance relays");
		return;
	}
	if (self->is_relaying || self->ca_next == 0 || self->ocsp_next == 0)
		return;
	if (self->ocsp_next > self->ca_next) {
		health_set(self->conf.health, self->events_check, false,
			   "signd-ocsp has events up to %lld, signd-ca up to %lld: one of them lost its journal",
			   (long long)self->ocsp_next - 1, (long long)self->ca_next - 1);
		return;
	}
	if (self->ocsp_next == self->ca_next) {
		health_set(self->conf.health, self->events_check, true, "relayed below %lld",
			   (long long)self->ocsp_next);
		return;
	}
	self->is_relaying = true;
	struct err *e = ask_events(self);
	if (e != NULL)
		events_failed(self, "events_not_asked", e);
}

void relay_saw_event(struct relay *self, int64_t seq)
{
	if (seq + 1 > self->ca_next)
		self->ca_next = seq + 1;
	relay_events(self);
}

int64_t relay_next_event(const struct relay *self)
{
	return self->ocsp_next;
}

/* ---- Policy */

static struct err *load_rules(struct relay *self, struct db *db)
{
	OWN(db_result) rows = NULL;
	OWN(buf) der = BUF_INIT(SIGNED_POLICY_MAX_BYTES);

	TRY(ca_get_policy(db, &der, self->in_force));
	TRY(ca_issuers(db, &rows));
	size_t num = db_num_rows(rows);
	struct issue_issuer_row *issuers = calloc(num + 1, sizeof *issuers);
	ENSURE(issuers != NULL, NO_MEMORY, "%zu issuers", num);
	for (size_t i = 0; i < num; i++)
		ca_issuer_at(&issuers[i], rows, i);
	struct err *e = issue_rules_create(&self->loaded, buf_slice(&der), issuers, num);
	free(issuers);
	return e;
}

/* On the lane. The loop does not touch what is used here while the job runs. */
static struct err *run_policy(struct lane_job *job, struct db *db)
{
	struct relay *self = (struct relay *)job;

	struct err *e = ca_newest_policy(db, &self->newest, &self->policy_der);
	if (err_code(e) == ERR_NOT_FOUND) {
		err_destroy(&e);
		return ERR(NOT_FOUND, "the ledger has no Policy");
	}
	if (e != NULL)
		return e;
	if (self->in_force > 0 && (self->rules == NULL || issue_rules_version(self->rules) != self->in_force)) {
		e = load_rules(self, db);
		if (err_code(e) == ERR_NOT_FOUND)
			return ERR_RECODE(e, NOT_FOUND, "signd-ca works by Policy %lld, which the ledger does not have",
					  (long long)self->in_force);
	}
	return e;
}

static void policy_failed(struct relay *self, const char *event, struct err *e)
{
	char text[256];

	health_set(self->conf.health, self->policy_check, false, "%s", err_text(e, text, sizeof text));
	log_err(LOG_WARN, NULL, event, &e);
}

static void on_put(void *arg, struct err *e, struct slice body)
{
	struct relay *self = arg;
	OWN(msg_policy_put_ok) answer = { 0 };

	self->is_putting = false;
	if (e == NULL)
		e = msg_policy_put_ok_decode(&answer, body);
	if (e != NULL) {
		policy_failed(self, "policy_not_taken", e);
		return;
	}
	log_info(NULL, "policy_in_force", "version=%lld", (long long)answer.version);
	relay_prompt(self);
}

static void put_policy(struct relay *self)
{
	OWN(buf) body = BUF_INIT(POLICY_BODY_MAX);

	struct err *e = buf_append(&body, buf_slice(&self->policy_der));
	if (e == NULL)
		e = bus_client_send(self->conf.sign_ca, MSG_POLICY_PUT, &body, EVENTS_TIMEOUT_MS, on_put, self);
	if (e != NULL)
		policy_failed(self, "policy_not_sent", e);
	else
		self->is_putting = true;
}

static void use_loaded(struct relay *self)
{
	struct issue_rules *before = self->rules;

	self->rules = self->loaded;
	self->loaded = NULL;
	issue_rules_release(&before);
	metrics_set(self->conf.metrics, CAD_POLICY_VERSION, issue_rules_version(self->rules));
	log_info(NULL, "rules_loaded", "policy=%lld", (long long)issue_rules_version(self->rules));
	self->conf.on_rules(self->conf.arg, self->rules);
}

static void on_policy(struct lane_job *job, struct err *e)
{
	struct relay *self = (struct relay *)job;

	self->is_job_running = false;
	if (self->loaded != NULL)
		use_loaded(self);
	if (e != NULL)
		policy_failed(self, "policy_not_loaded", e);
	else if (self->newest > self->in_force && !self->is_putting)
		put_policy(self);
	else if (self->rules != NULL && issue_rules_version(self->rules) == self->in_force)
		health_set(self->conf.health, self->policy_check, true, "version %lld", (long long)self->in_force);
}

static void look_at_policy(struct relay *self)
{
	if (self->is_job_running)
		return;
	self->is_job_running = true;
	self->job.run = run_policy;
	self->job.done = on_policy;
	lane_submit(self->conf.lane, &self->job);
}

/* ---- status */

static struct err *take_status(struct signer *signer, struct slice body)
{
	struct relay *self = signer->relay;
	OWN(msg_signer_status) status = { 0 };

	TRY(msg_signer_status_decode(&status, body));
	if (signer == &self->ocsp) {
		/* While a batch is on its way, its answer says more. */
		if (!self->is_relaying)
			self->ocsp_next = status.event_seq;
	} else {
		if (!self->is_job_running)
			self->in_force = status.policy_version;
		if (status.event_seq > self->ca_next)
			self->ca_next = status.event_seq;
		look_at_policy(self);
	}
	health_set(self->conf.health, signer->check, true, NULL);
	relay_events(self);
	return NULL;
}

static void on_status(void *arg, struct err *e, struct slice body)
{
	struct signer *signer = arg;
	char text[256];

	signer->is_asking = false;
	if (e == NULL)
		e = take_status(signer, body);
	if (e == NULL)
		return;
	health_set(signer->relay->conf.health, signer->check, false, "%s", err_text(e, text, sizeof text));
	log_err(LOG_DEBUG, NULL, "signer_silent", &e); /* the change of the check was logged */
}

static void ask_status(struct signer *signer)
{
	OWN(buf) body = BUF_INIT(64);
	const struct msg_empty empty = { NULL };

	if (signer->is_asking)
		return;
	struct err *e = msg_empty_encode(&body, &empty);
	if (e == NULL)
		e = bus_client_send(signer->client, MSG_SIGNER_STATUS, &body, STATUS_TIMEOUT_MS, on_status, signer);
	signer->is_asking = e == NULL;
	log_err(LOG_WARN, NULL, "status_not_asked", &e);
}

void relay_prompt(struct relay *self)
{
	ask_status(&self->ca);
	ask_status(&self->ocsp);
}

static void on_poll(void *arg)
{
	relay_prompt(arg);
}

/* ---- the object */

struct err *relay_create(struct relay **out, const struct relay_conf *conf)
{
	OWN(relay) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "relay");
	self->conf = *conf;
	self->in_force = -1;
	self->policy_der = (struct buf)BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	self->ca = (struct signer){ .relay = self, .client = conf->sign_ca };
	self->ocsp = (struct signer){ .relay = self, .client = conf->sign_ocsp };
	TRY(health_add(conf->health, &self->ca.check, "signd-ca"));
	TRY(health_add(conf->health, &self->ocsp.check, "signd-ocsp"));
	TRY(health_add(conf->health, &self->policy_check, "policy"));
	TRY(health_add(conf->health, &self->events_check, "events"));
	TRY(loop_add_timer(conf->loop, &self->poll, 0, conf->conf->poll_ms, on_poll, self));
	*out = TAKE(self);
	return NULL;
}

void relay_destroy(struct relay **relay)
{
	struct relay *self = *relay;

	if (self == NULL)
		return;
	*relay = NULL;
	loop_remove(self->conf.loop, self->poll);
	issue_rules_release(&self->loaded);
	issue_rules_release(&self->rules);
	buf_clear(&self->policy_der);
	free(self);
}
