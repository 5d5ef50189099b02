/*
 * crld.c - the daemon: HTTP in front, the worker behind, prompts from cad in between.
 *
 * The published folder is served from the first moment, also while database or signer are away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/crld.h"

#include <stdlib.h>

#include "base/log.h"
#include "crl/conf.h"
#include "crl/http.h"
#include "crl/worker.h"
#include "daemon/daemon_bus.h"

struct crld {
	struct daemon_bus *bus;
	struct crl_folder *folder;
	struct http_server *http;
	struct crl_worker *worker;
};

/* The folder is opened by whom we became, so it is not there yet when the listeners are bound. */
static struct err *on_http_start(struct http_thread *thread, void *arg, void **out_user)
{
	const struct crld *self = arg;

	(void)thread;
	*out_user = self->folder;
	return NULL;
}

static struct err *bind_http(struct crld *self, const struct crld_conf *conf)
{
	struct http_conf http = http_conf_default();

	http.listen = (const char *const *)conf->listen.items;
	http.num_listen = conf->listen.num;
	http.num_threads = (unsigned)conf->threads;
	http.name = "crl";
	http.max_connections = (unsigned)conf->max_connections;
	http.max_connections_per_ip = (unsigned)conf->max_connections_per_ip;
	http.hooks = crl_http_hooks();
	http.hooks.on_start = on_http_start;
	http.arg = self;
	return http_server_create(&self->http, &http);
}

/* Listeners, keys and the allow list, while we may still be root. */
static struct err *acquire(struct daemon *d)
{
	const struct crld_conf *conf = d->conf;
	struct crld *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "crld");
	d->state = self;
	TRY(daemon_bus_create(&self->bus, &conf->bus));
	return bind_http(self, conf);
}

static void on_prompt(void *arg, uint16_t type, struct slice body)
{
	struct crld *self = arg;

	(void)type;
	(void)body; /* the ledger says what happened; this only says when to look */
	if (self->worker != NULL)
		crl_worker_prompt(self->worker);
}

static struct err *start(struct daemon *d)
{
	const struct crld_conf *conf = d->conf;
	struct crld *self = d->state;

	TRY(crl_folder_open(&self->folder, conf->folder));
	TRY(http_server_start(self->http));
	TRY(daemon_bus_start(self->bus, d->zmq, d->loop));
	TRY(daemon_bus_sub(self->bus, conf->events_name, conf->events, on_prompt, self));
	const struct crl_worker_conf worker = { .conninfo = conf->db.conninfo,
						.bus = daemon_bus_bus(self->bus),
						.signer_name = conf->sign_ca_name,
						.signer_endpoint = conf->sign_ca,
						.folder = self->folder,
						.issuers = (const char *const *)conf->issuers.items,
						.num_issuers = conf->issuers.num,
						.full = crld_conf_full(conf),
						.delta = crld_conf_delta(conf),
						.keep_expired_s = conf->keep_expired_s,
						.poll_ms = conf->poll_ms,
						.metrics = d->metrics,
						.health = d->health };
	return crl_worker_start(&self->worker, &worker);
}

static void drain(struct daemon *d)
{
	struct crld *self = d->state;

	crl_worker_stop(&self->worker);
	if (self->http != NULL)
		http_server_drain(self->http, 1000);
}

static void stop(struct daemon *d)
{
	struct crld *self = d->state;

	if (self == NULL)
		return;
	crl_worker_stop(&self->worker);
	http_server_destroy(&self->http);
	daemon_bus_destroy(&self->bus);
	crl_folder_close(&self->folder);
	free(self);
	d->state = NULL;
}

static void dump(struct daemon *d)
{
	const struct crld *self = d->state;
	struct http_stats http;

	http_server_stats(self->http, &http);
	log_info(NULL, "crld_state", "http_requests=%llu http_open=%llu", (unsigned long long)http.requests,
		 (unsigned long long)http.connections_open);
}

const struct daemon_spec crld_spec = {
	.name = "crld",
	.summary = "makes certificate revocation lists from the ledger and serves them by HTTP",
	.conf_rows = crld_conf_rows,
	.num_conf_rows = CRLD_CONF_ROWS,
	.conf_size = sizeof(struct crld_conf),
	.conf_offset = offsetof(struct crld_conf, daemon),
	.metrics = crl_metrics,
	.num_metrics = M_CRL_COUNT,
	.sandbox = SANDBOX_NETWORK,
	.check = crld_conf_check,
	.acquire = acquire,
	.start = start,
	.drain = drain,
	.stop = stop,
	.dump = dump,
};
