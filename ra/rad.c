/*
 * rad.c - rad's phases: what is opened before the ids are dropped, started after, and ended in reverse.
 *
 * The main thread has the bus: it prompts cad and hears that the ledger grew. HTTP threads and workers have everything
 * else; a prompt of theirs is a bit and a wake-up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/rad.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon_bus.h"
#include "ra/connectors.h"
#include "ra/http.h"
#include "ra/notices.h"
#include "ra/queries.h"
#include "ra/timer.h"
#include "ra/web.h"

enum { PROMPT_TIMEOUT_MS = 10000 };

struct rad {
	struct ra ra;
	struct ra_http *http;
	struct daemon_bus *bus;
	struct bus_client *issue;
	struct loop *loop;
	loop_id prompt_watch;
};

const struct metric_def ra_metrics[] = {
	[RA_METRIC_APPLICANT_OK] = { "nuc_rad_requests_total", METRIC_COUNTER, "port=\"applicants\",result=\"ok\"",
				     "HTTP requests answered" },
	[RA_METRIC_APPLICANT_REFUSED] = { "nuc_rad_requests_total", METRIC_COUNTER,
					  "port=\"applicants\",result=\"refused\"", "HTTP requests answered" },
	[RA_METRIC_APPLICANT_FAILED] = { "nuc_rad_requests_total", METRIC_COUNTER,
					 "port=\"applicants\",result=\"failed\"", "HTTP requests answered" },
	[RA_METRIC_OPERATOR_OK] = { "nuc_rad_requests_total", METRIC_COUNTER, "port=\"operators\",result=\"ok\"",
				    "HTTP requests answered" },
	[RA_METRIC_OPERATOR_REFUSED] = { "nuc_rad_requests_total", METRIC_COUNTER,
					 "port=\"operators\",result=\"refused\"", "HTTP requests answered" },
	[RA_METRIC_OPERATOR_FAILED] = { "nuc_rad_requests_total", METRIC_COUNTER,
					"port=\"operators\",result=\"failed\"", "HTTP requests answered" },
	[RA_METRIC_REQUEST_SECONDS] = { "nuc_rad_request_seconds", METRIC_HISTOGRAM, NULL,
					"time from a whole request to its answer" },
	[RA_METRIC_CONNECTIONS] = { "nuc_rad_connections", METRIC_GAUGE, NULL, "open connections" },
	[RA_METRIC_CONNECTIONS_CAPPED] = { "nuc_rad_connections_closed_total", METRIC_COUNTER, "why=\"cap\"",
					   "connections that were shut down" },
	[RA_METRIC_CONNECTIONS_LATE] = { "nuc_rad_connections_closed_total", METRIC_COUNTER, "why=\"deadline\"",
					 "connections that were shut down" },
	[RA_METRIC_SUBMITTED] = { "nuc_rad_applications_total", METRIC_COUNTER, NULL, "applications accepted" },
	[RA_METRIC_DECISIONS] = { "nuc_rad_decisions_total", METRIC_COUNTER, NULL, "decisions recorded" },
	[RA_METRIC_ORDERS] = { "nuc_rad_orders_total", METRIC_COUNTER, NULL, "status orders recorded" },
	[RA_METRIC_IDENTIFIED] = { "nuc_rad_identifications_total", METRIC_COUNTER, "result=\"matched\"",
				   "answers of the identification service" },
	[RA_METRIC_IDENTIFICATION_FAILED] = { "nuc_rad_identifications_total", METRIC_COUNTER, "result=\"failed\"",
					      "answers of the identification service" },
	[RA_METRIC_CONNECTOR_ERRORS] = { "nuc_rad_connector_errors_total", METRIC_COUNTER, NULL,
					 "questions to the identification service without a usable answer" },
	[RA_METRIC_NOTICES_SENT] = { "nuc_rad_notices_total", METRIC_COUNTER, "result=\"sent\"", "notices tried" },
	[RA_METRIC_NOTICES_FAILED] = { "nuc_rad_notices_total", METRIC_COUNTER, "result=\"failed\"", "notices tried" },
	[RA_METRIC_EXPIRED] = { "nuc_rad_expired_total", METRIC_COUNTER, NULL, "applications that expired" },
	[RA_METRIC_POLICY_VERSION] = { "nuc_rad_policy_version", METRIC_GAUGE, NULL, "version of the policy in force" },
};
const size_t ra_num_metrics = sizeof ra_metrics / sizeof ra_metrics[0];

static struct err *make_rules(struct ra *ra)
{
	uint8_t(*pins)[32] = NULL;
	size_t num;

	TRY(ra_conf_pins(&pins, &num, ra->conf));
	struct err *e = ra_rules_keeper_create(&ra->rules, (const uint8_t(*)[32])pins, num);
	free(pins);
	return e;
}

struct err *rad_acquire(struct daemon *d)
{
	struct rad *rad = calloc(1, sizeof *rad);

	ENSURE(rad != NULL, NO_MEMORY, "rad");
	d->state = rad;
	rad->ra.conf = d->conf;
	rad->ra.metrics = d->metrics;
	rad->ra.health = d->health;
	rad->ra.prompt_fd = -1;
	TRY(health_add(d->health, &rad->ra.health_db, "database"));
	TRY(health_add(d->health, &rad->ra.health_policy, "policy"));
	TRY(ra_agreement_read(&rad->ra.agreement, rad->ra.conf->agreement_file, rad->ra.conf->agreement_version));
	TRY(make_rules(&rad->ra));
	TRY(daemon_bus_create(&rad->bus, &rad->ra.conf->bus));
	TRY(ra_web_global());
	return ra_http_create(&rad->http, &rad->ra);
}

/* ---- the bus */

static void on_prompted(void *arg, struct err *e, struct slice body)
{
	(void)arg, (void)body;
	if (e == NULL)
		return;
	/* cad looks for itself, too: a lost prompt is a delay. */
	log_err(LOG_INFO, NULL, "prompt_not_taken", &e);
}

static struct err *send_prompt(struct rad *rad, enum msg_prompt_what what)
{
	struct msg_prompt prompt = { .what = what, .number = SLICE("", 0) };
	OWN(buf) body = BUF_INIT(1024);

	TRY(msg_prompt_encode(&body, &prompt));
	return bus_client_send(rad->issue, MSG_ISSUE_PROMPT, &body, PROMPT_TIMEOUT_MS, on_prompted, rad);
}

static void on_prompts(void *arg, unsigned ready)
{
	struct rad *rad = arg;
	eventfd_t count;

	(void)ready;
	(void)eventfd_read(rad->ra.prompt_fd, &count);
	unsigned bits = atomic_exchange(&rad->ra.prompts, 0);
	for (unsigned what = MSG_PROMPT_ISSUE; what <= MSG_PROMPT_LOG; what++) {
		struct err *e = (bits & 1u << what) == 0 ? NULL : send_prompt(rad, (enum msg_prompt_what)what);

		if (e != NULL)
			log_err(LOG_WARN, NULL, "prompt_not_sent", &e);
	}
}

/* The ledger grew: a newer policy may be there. */
static void on_ledger(void *arg, uint16_t type, struct slice body)
{
	struct rad *rad = arg;

	(void)type, (void)body;
	ra_worker_wake(rad->ra.timer);
}

static struct err *start_bus(struct rad *rad, struct daemon *d)
{
	struct bus_client_conf issue = { .server = "cad", .endpoint = rad->ra.conf->issue };

	rad->loop = d->loop;
	rad->ra.prompt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (rad->ra.prompt_fd < 0)
		return ERR_ERRNO("an event descriptor");
	TRY(daemon_bus_start(rad->bus, d->zmq, d->loop));
	TRY(daemon_bus_client(rad->bus, &rad->issue, &issue));
	TRY(daemon_bus_sub(rad->bus, "cad", rad->ra.conf->events, on_ledger, rad));
	return loop_add_fd(d->loop, &rad->prompt_watch, rad->ra.prompt_fd, LOOP_READ, on_prompts, rad);
}

/* ---- the ledger at start and stop */

/* A statement that does not prepare, or another schema, ends the start; a database that is away for a while does not. */
static struct err *try_ledger(struct rad *rad)
{
	OWN(db) db = NULL;

	TRY(ra_open_db(&rad->ra, &db, "rad-start"));
	struct err *e = db_ensure(db);
	if (e == NULL || err_category(err_code(e)) != ERR_RETRY_LATER)
		return e;
	log_err(LOG_WARN, NULL, "database_away", &e);
	return NULL;
}

static struct err *start_workers(struct rad *rad)
{
	struct ra *ra = &rad->ra;

	TRY(ra_worker_start(&ra->timer, ra, &ra_timer_kind));
	TRY(ra_worker_start(&ra->notices, ra, &ra_notices_kind));
	for (int64_t i = 0; i < ra->conf->identification_workers && i < RA_WORKERS_MAX; i++) {
		TRY(ra_worker_start(&ra->identification[i], ra, &ra_identification_kind));
		ra->num_identification++;
	}
	return NULL;
}

struct err *rad_start(struct daemon *d)
{
	struct rad *rad = d->state;

	TRY(try_ledger(rad));
	TRY(start_bus(rad, d));
	TRY(start_workers(rad));
	return ra_http_start(rad->http);
}

void rad_drain(struct daemon *d)
{
	struct rad *rad = d->state;

	ra_http_drain(rad->http);
}

bool rad_is_drained(struct daemon *d)
{
	struct rad *rad = d->state;

	return ra_http_is_drained(rad->http) && atomic_load(&rad->ra.prompts) == 0;
}

static void stop_workers(struct ra *ra)
{
	for (size_t i = 0; i < ra->num_identification; i++)
		ra_worker_stop(&ra->identification[i]);
	ra_worker_stop(&ra->notices);
	ra_worker_stop(&ra->timer);
}

static void tell_stopped(struct rad *rad)
{
	OWN(db) db = NULL;
	struct err *e = ra_open_db(&rad->ra, &db, "rad-stop");

	if (e == NULL)
		e = db_ensure(db);
	if (e == NULL)
		e = ra_tell_daemon(db, LOG_KIND_DAEMON_STOPPED);
	if (e != NULL)
		log_err(LOG_WARN, NULL, "stop_not_in_ledger", &e);
}

void rad_stop(struct daemon *d)
{
	struct rad *rad = d->state;

	if (rad == NULL)
		return;
	ra_http_destroy(&rad->http);
	stop_workers(&rad->ra);
	if (rad->ra.is_introduced)
		tell_stopped(rad);
	if (rad->prompt_watch != 0)
		loop_remove(rad->loop, rad->prompt_watch);
	daemon_bus_destroy(&rad->bus);
	if (rad->ra.prompt_fd >= 0)
		(void)close(rad->ra.prompt_fd);
	ra_rules_keeper_destroy(&rad->ra.rules);
	ra_agreement_clear(&rad->ra.agreement);
	free(rad);
	d->state = NULL;
}
