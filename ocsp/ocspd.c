/*
 * ocspd.c - putting the daemon together: state, follower, HTTP front, bus, health, metrics.
 *
 * Threads: the main one (loop, bus prompts, admin socket), the follower, and the HTTP threads. Requests are taken from the
 * start; until the ledger is loaded they are answered tryLater.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/ocspd.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/msg_sign.h"
#include "daemon/daemon_bus.h"
#include "ocsp/conf.h"
#include "ocsp/metrics.h"

enum {
	PUBLISH_MS = 1000,
	SIGNER_ASK_MS = 5000,
	MAIN_READER = EPOCH_MAX_READERS - 1,
	RESPONDER_WARN_S = 86400,
};

struct ocspd {
	struct ocspd_conf *conf;
	struct daemon *daemon;
	struct daemon_bus *bus;
	struct bus_client *signer; /* of the main thread: asks how it is */
	struct ocsp_state *state;
	struct follow *follow;
	struct ocsp_front *front;
	struct http_server *server;
	size_t ledger_check, signer_check, responder_check;
	loop_id publish_timer, signer_timer;
};

/* ---- the follower tells (on its thread) */

static void on_round(void *arg)
{
	struct ocspd *o = arg;

	http_server_wake(o->server);
}

static void on_change(void *arg, ocsp_word before, ocsp_word after, int64_t committed_ms)
{
	struct metrics *m = ((struct ocspd *)arg)->daemon->metrics;
	enum ocsp_ledger_state state = ocsp_word_state(after);

	if (state == OCSP_LEDGER_VALID) {
		if (before != 0)
			metrics_add(m, OCSP_METRIC_CHANGES_VALID, 1);
		return;
	}
	metrics_add(m, state == OCSP_LEDGER_HELD ? OCSP_METRIC_CHANGES_HELD : OCSP_METRIC_CHANGES_REVOKED, 1);
	if (committed_ms > 0)
		metrics_observe_us(m, OCSP_METRIC_VISIBLE_SECONDS, 1000 * (clock_now_ms() - committed_ms));
}

static void prompt(void *arg)
{
	follow_prompt(((struct ocspd *)arg)->follow);
}

/* ---- the main loop */

static void on_ledger_prompt(void *arg, uint16_t type, struct slice body)
{
	(void)body;
	if (type == MSG_LEDGER_PROMPT)
		prompt(arg);
}

static void check_ledger(struct ocspd *o)
{
	struct ocsp_freshness f = ocsp_state_freshness(o->state, clock_mono_ms());
	bool is_ok = f.is_complete && f.age_ms <= o->conf->stale_after_ms;

	if (!f.is_complete)
		health_set(o->daemon->health, o->ledger_check, false, "not loaded yet");
	else
		health_set(o->daemon->health, o->ledger_check, is_ok, "last read %lld ms ago", (long long)f.age_ms);
}

static void check_responders(struct ocspd *o)
{
	const struct ocsp_view *view = ocsp_state_enter(o->state, MAIN_READER);
	int64_t now_s = clock_now_s(), left_s = INT64_MAX;
	const char *mute = NULL;
	bool has_issuer = view->num_issuers > 0;

	for (size_t i = 0; i < view->num_issuers; i++) {
		const struct ocsp_responder *r = ocsp_view_responder(view, (unsigned)i, now_s);
		if (r == NULL)
			mute = view->issuers[i]->name;
		else if (r->not_after_at - now_s < left_s)
			left_s = r->not_after_at - now_s;
	}
	ocsp_state_leave(o->state, MAIN_READER);
	metrics_set(o->daemon->metrics, OCSP_METRIC_RESPONDER_LEFT_S, mute != NULL || left_s == INT64_MAX ? 0 : left_s);
	if (mute != NULL)
		health_set(o->daemon->health, o->responder_check, false,
			   "issuer %s has no responder certificate in force", mute);
	else if (!has_issuer)
		health_set(o->daemon->health, o->responder_check, false, "no issuer known");
	else
		health_set(o->daemon->health, o->responder_check, true, "%lld s left%s", (long long)left_s,
			   left_s < RESPONDER_WARN_S ? ": renew the responder certificate" : "");
}

static void on_publish(void *arg)
{
	struct ocspd *o = arg;

	check_ledger(o);
	check_responders(o);
	ocsp_metrics_publish(o->daemon->metrics, o->front, o->server, o->follow, o->state);
}

static void on_signer_status(void *arg, struct err *e, struct slice body)
{
	struct ocspd *o = arg;
	OWN(msg_signer_status) status = { 0 };
	char text[256];

	if (e == NULL)
		e = msg_signer_status_decode(&status, body);
	if (e == NULL)
		health_set(o->daemon->health, o->signer_check, true, "event %lld", (long long)status.event_seq);
	else
		health_set(o->daemon->health, o->signer_check, false, "%s", err_text(e, text, sizeof text));
	err_destroy(&e);
}

static void on_ask_signer(void *arg)
{
	struct ocspd *o = arg;
	OWN(buf) body = BUF_INIT(64);
	struct msg_empty empty = { 0 };

	struct err *e = msg_empty_encode(&body, &empty);
	if (e == NULL)
		e = bus_client_send(o->signer, MSG_SIGNER_STATUS, &body, SIGNER_ASK_MS - 500, on_signer_status, o);
	log_err(LOG_WARN, NULL, "signer_not_asked", &e);
}

/* ---- phases */

static struct err *make_server(struct ocspd *o)
{
	struct ocspd_conf *c = o->conf;
	struct http_conf http = http_conf_default();

	http.listen = (const char *const *)c->listen.items;
	http.num_listen = c->listen.num;
	http.num_threads = (unsigned)c->threads;
	http.name = "ocsp";
	http.methods = HTTP_GET | HTTP_HEAD | HTTP_POST;
	http.max_head_bytes = (size_t)c->max_head_bytes;
	http.max_body_bytes = OCSP_REQUEST_MAX_BYTES;
	http.max_connections = (unsigned)c->max_connections;
	http.max_connections_per_ip = (unsigned)c->max_per_address;
	http.head_timeout_ms = c->head_timeout_ms;
	http.body_timeout_ms = c->body_timeout_ms;
	http.idle_timeout_ms = c->idle_timeout_ms;
	http.handler_timeout_ms = c->sign_deadline_ms + 5000;
	http.hooks = ocsp_front_hooks();
	http.arg = o->front;
	return http_server_create(&o->server, &http);
}

static struct err *make_front(struct ocspd *o)
{
	const struct ocspd_conf *c = o->conf;
	struct ocsp_front_conf front = {
		.responder_id = strcmp(c->responder_id, "key") == 0 ? OCSP_BY_KEY : OCSP_BY_NAME,
		.status = { .never_issued = strcmp(c->never_issued, "unknown") == 0 ? OCSP_NEVER_ISSUED_UNKNOWN
										    : OCSP_NEVER_ISSUED_REVOKED,
			    .stale_after_ms = c->stale_after_ms },
		.validity_s = c->next_update_s,
		.recheck_absent = c->recheck_absent,
		.prepared_stale_s = c->prepared_stale_s,
		.max_age_s = c->max_age_s,
		.prepared_entries = (size_t)c->prepared_entries,
		.sign_server = "signd-ocsp",
		.sign_endpoint = c->sign_ocsp,
		.sign_deadline_ms = c->sign_deadline_ms,
		.sign_queue = (size_t)c->sign_queue,
		.sign_batch = (size_t)c->sign_batch,
	};

	return ocsp_front_create(&o->front, &front, o->state, daemon_bus_bus(o->bus), o->daemon->metrics, prompt, o);
}

static struct err *ocspd_acquire(struct daemon *d)
{
	struct ocspd *o = calloc(1, sizeof *o);

	ENSURE(o != NULL, NO_MEMORY, "ocspd");
	d->state = o;
	o->daemon = d;
	o->conf = d->conf;
	TRY(health_add(d->health, &o->ledger_check, "ledger"));
	TRY(health_add(d->health, &o->signer_check, "signer"));
	TRY(health_add(d->health, &o->responder_check, "responder"));
	TRY(daemon_bus_create(&o->bus, &o->conf->bus));
	TRY(ocsp_state_create(&o->state));
	TRY(make_front(o));
	return make_server(o);
}

static struct err *ocspd_start(struct daemon *d)
{
	struct ocspd *o = d->state;
	struct follow_conf follow = { .conninfo = o->conf->db.conninfo,
				      .poll_ms = o->conf->poll_ms,
				      .batch = o->conf->ledger_batch,
				      .hooks = { .on_round = on_round, .on_change = on_change },
				      .arg = o };
	struct bus_client_conf signer = { .server = "signd-ocsp", .endpoint = o->conf->sign_ocsp };

	TRY(daemon_bus_start(o->bus, d->zmq, d->loop));
	TRY(daemon_bus_sub(o->bus, "cad", o->conf->events, on_ledger_prompt, o));
	TRY(daemon_bus_client(o->bus, &o->signer, &signer));
	TRY(follow_create(&o->follow, o->state, &follow));
	TRY(http_server_start(o->server));
	TRY(follow_start(o->follow));
	TRY(loop_add_timer(d->loop, &o->publish_timer, 50, PUBLISH_MS, on_publish, o));
	TRY(loop_add_timer(d->loop, &o->signer_timer, 0, SIGNER_ASK_MS, on_ask_signer, o));
	for (size_t i = 0; i < o->conf->listen.num; i++)
		log_info(NULL, "listening", "address=%s port=%u", o->conf->listen.items[i],
			 http_server_port(o->server, i));
	return NULL;
}

static void ocspd_dump(struct daemon *d)
{
	struct ocspd *o = d->state;
	struct follow_stats s = follow_stats(o->follow);

	log_info(NULL, "state", "certificates=%llu table_bytes=%llu log_index=%lld rounds=%llu failures=%llu",
		 (unsigned long long)s.certificates, (unsigned long long)s.table_bytes, (long long)s.log_index,
		 (unsigned long long)s.rounds, (unsigned long long)s.failures);
}

/* HTTP threads finish by themselves; nothing else of ours has work in hand. */
static void ocspd_drain(struct daemon *d)
{
	struct ocspd *o = d->state;

	http_server_drain(o->server, d->common->drain_ms);
}

static void ocspd_stop(struct daemon *d)
{
	struct ocspd *o = d->state;

	if (o == NULL)
		return;
	/* The follower wakes the server, the HTTP threads use the bus and the state: each ends before what it uses. */
	if (o->server != NULL)
		http_server_drain(o->server, 0);
	follow_destroy(&o->follow);
	http_server_destroy(&o->server);
	ocsp_front_destroy(&o->front);
	daemon_bus_destroy(&o->bus);
	ocsp_state_destroy(&o->state);
	free(o);
	d->state = NULL;
}

const struct daemon_spec ocspd_spec = {
	.name = "ocspd",
	.summary = "answers over HTTP which certificates are good and which are revoked (OCSP)",
	.conf_rows = ocspd_conf_rows,
	.num_conf_rows = OCSPD_CONF_ROWS,
	.conf_size = sizeof(struct ocspd_conf),
	.conf_offset = offsetof(struct ocspd_conf, daemon),
	.metrics = ocsp_metric_defs,
	.num_metrics = OCSP_METRICS,
	.sandbox = SANDBOX_NETWORK,
	.check = ocspd_conf_check,
	.acquire = ocspd_acquire,
	.start = ocspd_start,
	.dump = ocspd_dump,
	.drain = ocspd_drain,
	.stop = ocspd_stop,
};
