/*
 * cad.c - see cad.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/cad.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "ca/issue/figures.h"
#include "ca/issue/import.h"
#include "ca/issue/queries.h"

enum { FIGURES_MS = 2000, STATEMENT_TIMEOUT_MS = 30000, IN_FLIGHT_MAX = 4096 };

static const struct cad_conf *conf_of(const struct cad *self)
{
	return self->daemon->conf;
}

/* ---- prompts to the followers */

static struct err *publish(struct cad *self)
{
	OWN(buf) body = BUF_INIT(1024);
	const struct msg_ledger_prompt prompt = { .log_size = sequencer_status(self->sequencer).log_size,
						  .order_seq = self->order_seq,
						  .event_seq = relay_next_event(self->relay) };

	TRY(msg_ledger_prompt_encode(&body, &prompt));
	return bus_pub_send(self->events, MSG_LEDGER_PROMPT, buf_slice(&body));
}

void cad_publish(struct cad *self)
{
	if (self->is_stopping || self->sequencer == NULL || self->relay == NULL)
		return;
	struct err *e = publish(self);
	log_err(LOG_WARN, NULL, "prompt_not_published", &e);
}

/* ---- what the parts tell each other */

static void on_issued(void *arg, int64_t last_seq)
{
	struct cad *self = arg;

	if (self->is_stopping)
		return;
	if (last_seq > 0)
		relay_saw_event(self->relay, last_seq);
	sequencer_prompt(self->sequencer);
	cad_publish(self);
}

static void on_rules_differ(void *arg)
{
	struct cad *self = arg;

	if (!self->is_stopping)
		relay_prompt(self->relay);
}

static void on_orders_accepted(void *arg, int64_t last_seq)
{
	struct cad *self = arg;

	relay_saw_event(self->relay, last_seq);
}

static void on_orders_committed(void *arg, int64_t last_seq)
{
	struct cad *self = arg;

	if (self->is_stopping)
		return;
	if (last_seq > self->order_seq)
		self->order_seq = last_seq;
	sequencer_prompt(self->sequencer);
	cad_publish(self);
}

static void on_rules(void *arg, struct issue_rules *rules)
{
	struct cad *self = arg;

	if (!self->is_stopping)
		issuing_set_rules(self->issuing, rules);
}

static void on_relayed(void *arg, int64_t next)
{
	(void)next;
	cad_publish(arg);
}

static bool is_leader(void *arg)
{
	const struct cad *self = arg;

	return self->sequencer != NULL && sequencer_is_leader(self->sequencer);
}

static void on_log_progress(void *arg, int64_t log_size)
{
	struct cad *self = arg;

	metrics_set(self->daemon->metrics, CAD_LOG_SIZE, log_size);
	cad_publish(self);
}

static void on_leader(void *arg, bool leads)
{
	struct cad *self = arg;

	metrics_set(self->daemon->metrics, CAD_LEADER, leads);
	if (leads && !self->is_stopping)
		relay_prompt(self->relay);
}

/* ---- figures and the log of our own life */

struct look {
	struct lane_job job; /* first: the lane gives it back */
	struct cad *cad;
	struct ca_figures figures;
	int64_t order_seq;
	bool says_started, says_stopped;
};

static struct err *log_life(struct db *db, void *arg)
{
	const struct look *look = arg;
	OWN(ca_log) log = CA_LOG_INIT;
	struct log_entry entry;

	ca_log_begin(&entry, look->says_started ? LOG_KIND_DAEMON_STARTED : LOG_KIND_DAEMON_STOPPED, NULL);
	log_entry_what(&entry, "daemon", "cad");
	log_entry_what(&entry, "version", NUC_VERSION);
	TRY(ca_log_add(&log, &entry, (struct ca_log_refs){ 0 }));
	return ca_add_log(db, &log);
}

static struct err *run_look(struct lane_job *job, struct db *db)
{
	struct look *look = (struct look *)job;

	if (look->says_started || look->says_stopped)
		TRY(db_tx(db, log_life, look));
	TRY(ca_order_seq(db, &look->order_seq));
	return ca_queue_figures(db, &look->figures);
}

static void on_looked(struct lane_job *job, struct err *e)
{
	struct look *look = (struct look *)job;
	struct cad *self = look->cad;
	char text[256];

	self->is_looking = false;
	if (e == NULL) {
		metrics_set(self->daemon->metrics, CAD_QUEUED, look->figures.queued);
		metrics_set(self->daemon->metrics, CAD_QUEUE_OLDEST_S, look->figures.oldest_s);
		metrics_set(self->daemon->metrics, CAD_QUEUE_FAILING, look->figures.failing);
		self->order_seq = look->order_seq > self->order_seq ? look->order_seq : self->order_seq;
		self->has_started = true;
		health_set(self->daemon->health, self->db_check, true, "schema %d", db_schema_expected());
	} else {
		health_set(self->daemon->health, self->db_check, false, "%s", err_text(e, text, sizeof text));
	}
	self->has_said_stopped = self->has_said_stopped || look->says_stopped;
	log_err(LOG_WARN, NULL, "ledger_not_read", &e);
	free(look);
}

static void look(struct cad *self, bool says_stopped)
{
	if (self->is_looking && !says_stopped)
		return;
	struct look *job = calloc(1, sizeof *job);
	if (job == NULL) {
		log_error(NULL, "figures_failed", "text=\"out of memory\"");
		self->has_said_stopped = self->has_said_stopped || says_stopped;
		return;
	}
	*job = (struct look){ .job = { .run = run_look, .done = on_looked },
			      .cad = self,
			      .says_started = !self->has_started && !says_stopped,
			      .says_stopped = says_stopped };
	self->is_looking = true;
	lane_submit(self->lane, &job->job);
}

static void on_figures(void *arg)
{
	struct cad *self = arg;
	struct metrics *metrics = self->daemon->metrics;
	struct sequencer_status status = sequencer_status(self->sequencer);

	metrics_set(metrics, CAD_LOG_SIZE, status.log_size);
	metrics_set(metrics, CAD_LOG_HEAD_SIZE, status.head_size);
	metrics_set(metrics, CAD_LOG_FAILURES, status.failures);
	health_set(self->daemon->health, self->log_check, status.problem[0] == '\0', "%s", status.problem);
	look(self, false);
}

/* ---- phases */

static struct err *read_log_key(struct cad *self)
{
	OWN(buf) text = BUF_INIT(NOTE_VKEY_MAX + 2);

	TRY(cad_read_file(&text, conf_of(self)->log_vkey));
	struct err *e = note_key_parse(&self->log_key, buf_slice(&text));
	return e == NULL ? NULL : ERR_RECODE(e, CONFIG, "log.vkey: %s", conf_of(self)->log_vkey);
}

static struct err *cad_acquire(struct daemon *d)
{
	struct cad *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "cad");
	self->daemon = d;
	d->state = self;
	TRY(health_add(d->health, &self->db_check, "database"));
	TRY(health_add(d->health, &self->log_check, "log"));
	TRY(read_log_key(self));
	return daemon_bus_create(&self->bus, &conf_of(self)->bus);
}

static struct err *start_bus(struct cad *self)
{
	const struct cad_conf *c = conf_of(self);
	const struct bus_server_conf issue = { .endpoint = c->issue_endpoint, .handlers = cad_handlers, .arg = self };
	const struct bus_client_conf ca = { .server = c->sign_ca_name,
					    .endpoint = c->sign_ca_endpoint,
					    .max_in_flight = IN_FLIGHT_MAX };
	const struct bus_client_conf ocsp = { .server = c->sign_ocsp_name, .endpoint = c->sign_ocsp_endpoint };
	struct bus_server *server = NULL;

	TRY(daemon_bus_start(self->bus, self->daemon->zmq, self->daemon->loop));
	TRY(daemon_bus_pub(self->bus, &self->events, c->events_endpoint));
	TRY(daemon_bus_client(self->bus, &self->sign_ca, &ca));
	TRY(daemon_bus_client(self->bus, &self->sign_ocsp, &ocsp));
	return daemon_bus_server(self->bus, &server, &issue);
}

static struct err *start_followers_of_the_signer(struct cad *self)
{
	const struct orders_conf orders = { .loop = self->daemon->loop,
					    .conf = conf_of(self),
					    .lane = self->lane,
					    .signer = self->sign_ca,
					    .metrics = self->daemon->metrics,
					    .on_accepted = on_orders_accepted,
					    .on_committed = on_orders_committed,
					    .arg = self };
	const struct relay_conf relay = { .loop = self->daemon->loop,
					  .conf = conf_of(self),
					  .lane = self->lane,
					  .sign_ca = self->sign_ca,
					  .sign_ocsp = self->sign_ocsp,
					  .metrics = self->daemon->metrics,
					  .health = self->daemon->health,
					  .on_rules = on_rules,
					  .on_relayed = on_relayed,
					  .is_leader = is_leader,
					  .arg = self };

	TRY(orders_create(&self->orders, &orders));
	return relay_create(&self->relay, &relay);
}

static struct err *start_sequencer(struct cad *self)
{
	const struct cad_conf *c = conf_of(self);
	const struct sequencer_conf conf = { .loop = self->daemon->loop,
					     .conninfo = c->db.conninfo,
					     .signer = self->sign_ocsp,
					     .log_key = self->log_key,
					     .batch = c->log_batch,
					     .poll_ms = c->log_poll_ms,
					     .head_interval_ms = c->log_head_ms,
					     .on_progress = on_log_progress,
					     .on_leader = on_leader,
					     .arg = self };

	return sequencer_create(&self->sequencer, &conf);
}

static struct err *cad_start(struct daemon *d)
{
	struct cad *self = d->state;
	const struct lane_conf lane = { .loop = d->loop,
					.name = "cad relay",
					.conninfo = conf_of(self)->db.conninfo,
					.statements = ca_statements,
					.num_statements = ca_statements_count,
					.statement_timeout_ms = STATEMENT_TIMEOUT_MS };

	TRY(start_bus(self));
	TRY(lane_create(&self->lane, &lane));
	TRY(start_followers_of_the_signer(self));
	const struct issuing_conf issuing = { .loop = d->loop,
					      .conf = conf_of(self),
					      .signer = self->sign_ca,
					      .metrics = d->metrics,
					      .on_committed = on_issued,
					      .on_rules_differ = on_rules_differ,
					      .arg = self };
	TRY(issuing_create(&self->issuing, &issuing));
	TRY(start_sequencer(self));
	return loop_add_timer(d->loop, &self->figures_timer, 0, FIGURES_MS, on_figures, self);
}

static void cad_dump(struct daemon *d)
{
	const struct cad *self = d->state;
	struct sequencer_status status = sequencer_status(self->sequencer);

	log_info(NULL, "dump", "order_seq=%" PRId64 " next_event=%" PRId64 " log_size=%" PRId64 " leader=%d",
		 self->order_seq, relay_next_event(self->relay), status.log_size, sequencer_is_leader(self->sequencer));
}

static void cad_drain(struct daemon *d)
{
	struct cad *self = d->state;

	issuing_drain(self->issuing);
	look(self, true);
}

static bool cad_is_drained(struct daemon *d)
{
	const struct cad *self = d->state;

	return issuing_is_idle(self->issuing) && orders_is_idle(self->orders) && self->has_said_stopped;
}

static void cad_stop(struct daemon *d)
{
	struct cad *self = d->state;

	if (self == NULL)
		return;
	self->is_stopping = true;
	/* First the bus, whose open requests come back to the parts; then the lanes, whose jobs do. */
	daemon_bus_destroy(&self->bus);
	sequencer_destroy(&self->sequencer);
	issuing_destroy(&self->issuing);
	lane_destroy(&self->lane);
	orders_destroy(&self->orders);
	relay_destroy(&self->relay);
	free(self);
	d->state = NULL;
}

/* ---- commands */

static struct err *on_import(struct daemon *d, const char *dir, int *out_status)
{
	const struct cad_conf *c = d->conf;
	const struct db_conf conf = { .conninfo = c->db.conninfo,
				      .application_name = "cad import",
				      .statements = ca_statements,
				      .num_statements = ca_statements_count,
				      .statement_timeout_ms = STATEMENT_TIMEOUT_MS };
	struct import_report report = { 0 };
	OWN(db) db = NULL;

	struct err *e = db_connect(&db, &conf);
	if (e == NULL)
		e = import_ceremony(db, &report, dir);
	if (err_code(e) == ERR_GONE) {
		char text[300];
		(void)fprintf(stderr, "cad: %s\n", err_text(e, text, sizeof text));
		err_destroy(&e);
		*out_status = 3;
		return NULL;
	}
	if (e != NULL)
		return e;
	(void)printf("imported %zu issuers, %zu certificates (%zu responders)", report.issuers, report.certificates,
		     report.responders);
	if (report.policy != 0)
		(void)printf(", Policy version %" PRId64, report.policy);
	(void)printf("\n");
	return NULL;
}

static const struct daemon_command commands[] = {
	{ "--import-ceremony", "DIR", "bring the ceremony's certificates and first Policy into the ledger, and exit",
	  true, on_import },
};

const struct daemon_spec cad_spec = {
	.name = "cad",
	.summary = "issues certificates, relays orders and events, sequences the log",
	.conf_rows = cad_conf_rows,
	.num_conf_rows = CAD_CONF_ROWS,
	.conf_size = sizeof(struct cad_conf),
	.conf_offset = offsetof(struct cad_conf, daemon),
	.metrics = cad_figures,
	.num_metrics = CAD_FIGURE_COUNT,
	.sandbox = SANDBOX_NETWORK,
	.commands = commands,
	.num_commands = sizeof commands / sizeof commands[0],
	.check = cad_conf_check,
	.acquire = cad_acquire,
	.start = cad_start,
	.dump = cad_dump,
	.drain = cad_drain,
	.is_drained = cad_is_drained,
	.stop = cad_stop,
};
