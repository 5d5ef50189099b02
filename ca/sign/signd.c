/*
 * signd.c - the signer as a daemon: phases, one-shot commands. See signd.h.
 *
 * Files (keys, certificates, policy, journal) are opened in phase "acquire" and never again; the bus socket is the only
 * folder that the process may touch afterwards. No database, no inet sockets with an ipc:// endpoint.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/signd.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ca/sign/activation.h"
#include "ca/sign/answers.h"
#include "ca/sign/ceremony.h"
#include "ca/sign/handlers.h"
#include "ca/sign/pkcs11.h"
#include "daemon/daemon_bus.h"

enum { SECOND_MS = 1000, EXIT_USAGE_STATUS = 2 };

struct signd {
	struct daemon *daemon;
	struct daemon_bus *bus;
	struct bus_server *server;
	struct signd_state *state;
	loop_id second;
	size_t journal_health, policy_health, keys_health;
};

/* ---- each second */

static void health_update(struct signd *d)
{
	struct health *health = d->daemon->health;
	struct err *e = signd_clock_check(d->state);
	char text[300];

	health_set(health, d->journal_health, e == NULL, "%s", e == NULL ? "" : err_text(e, text, sizeof text));
	err_destroy(&e);
	activation_text(d->state, text, sizeof text);
	health_set(health, d->keys_health, text[0] == '\0', "%s", text);
	if (d->state->is_ca)
		health_set(health, d->policy_health, d->state->rules != NULL, "%s",
			   d->state->rules != NULL ? "" : "no Policy is in force");
}

/* ---- keys, over the admin socket; /readyz knows at once */

static struct err *on_status(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	struct signd *d = arg;

	return on_key_status(d->state, request, out, status);
}

static struct err *on_activate(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	struct signd *d = arg;
	struct err *e = on_key_activate(d->state, request, out, status);

	health_update(d);
	return e;
}

static struct err *on_deactivate(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	struct signd *d = arg;
	struct err *e = on_key_deactivate(d->state, request, out, status);

	health_update(d);
	return e;
}

static void on_second(void *arg)
{
	struct signd *d = arg;
	struct metrics *metrics = d->daemon->metrics;
	struct bus_server_stats bus = bus_server_stats(d->server);
	struct err *e = answers_record(d->state);

	log_err(LOG_ERROR, NULL, "answers_record_failed", &e);
	signd_gauges(d->state);
	metrics_set(metrics, SIGND_BUS_REQUESTS, (int64_t)bus.requests);
	metrics_set(metrics, SIGND_BUS_REPEATS, (int64_t)bus.repeats);
	metrics_set(metrics, SIGND_BUS_DENIED, (int64_t)bus.denied);
	metrics_set(metrics, SIGND_BUS_GARBAGE, (int64_t)bus.garbage);
	metrics_set(metrics, SIGND_BUS_PEERS_REFUSED, (int64_t)bus_zap_stats(daemon_bus_bus(d->bus)).refused);
	health_update(d);
}

/* ---- phases */

static struct err *socket_folder(struct daemon *daemon, const char *endpoint)
{
	char path[256];

	if (strncmp(endpoint, "ipc://", 6) != 0)
		return NULL;
	ENSURE((size_t)snprintf(path, sizeof path, "%s", endpoint + 6) < sizeof path, CONFIG,
	       "bus.listen: the path is too long");
	return daemon_sandbox_path(daemon, dirname(path), true);
}

static struct err *acquire(struct daemon *daemon)
{
	const struct signd_conf *conf = daemon->conf;
	struct signd *d = calloc(1, sizeof *d);

	ENSURE(d != NULL, NO_MEMORY, "signer");
	d->daemon = daemon;
	daemon->state = d;
	TRY(health_add(daemon->health, &d->journal_health, "journal"));
	TRY(health_add(daemon->health, &d->keys_health, "keys"));
	if (signd_is_ca(conf))
		TRY(health_add(daemon->health, &d->policy_health, "policy"));
	TRY(socket_folder(daemon, conf->listen));
	if (signd_has_token(conf) && conf->pkcs11_folder[0] != '\0')
		TRY(daemon_sandbox_path(daemon, conf->pkcs11_folder, true));
	TRY(daemon_bus_create(&d->bus, &conf->bus));
	return signd_state_open(&d->state, conf, daemon->metrics);
}

static struct err *start(struct daemon *daemon)
{
	struct signd *d = daemon->state;
	const struct signd_conf *conf = daemon->conf;
	struct bus_server_conf server = { .endpoint = conf->listen,
					  .handlers = handlers_of(d->state->is_ca),
					  .arg = d->state,
					  .on_refused = signd_on_refused };

	TRY(admin_add(daemon->admin, "GET", "/key/status", on_status, d));
	TRY(admin_add(daemon->admin, "POST", "/key/activate", on_activate, d));
	TRY(admin_add(daemon->admin, "POST", "/key/deactivate", on_deactivate, d));
	TRY(daemon_bus_start(d->bus, daemon->zmq, daemon->loop));
	TRY(daemon_bus_server(d->bus, &d->server, &server));
	return loop_add_timer(daemon->loop, &d->second, SECOND_MS, SECOND_MS, on_second, d);
}

static struct err *ready(struct daemon *daemon)
{
	on_second(daemon->state);
	return NULL;
}

static void stop(struct daemon *daemon)
{
	struct signd *d = daemon->state;

	if (d == NULL)
		return;
	if (daemon->loop != NULL)
		loop_remove(daemon->loop, d->second);
	daemon_bus_destroy(&d->bus);
	if (d->state != NULL) {
		struct err *e = answers_record(d->state);

		log_err(LOG_ERROR, NULL, "answers_record_failed", &e);
	}
	signd_state_close(&d->state);
	free(d);
	daemon->state = NULL;
}

/* ---- commands */

static struct err *run_ceremony(struct daemon *daemon, const char *plan, int *out_status)
{
	(void)daemon;
	(void)out_status;
	return ceremony_run(plan, stdout);
}

static struct err *run_ceremony_check(struct daemon *daemon, const char *plan, int *out_status)
{
	(void)daemon;
	(void)out_status;
	return ceremony_check(plan, stdout);
}

/* `--bus-keygen NAME DIR` has two arguments, which signd_main() looks at; whoever comes here gave one. */
static struct err *run_keygen(struct daemon *daemon, const char *name, int *out_status)
{
	(void)daemon;
	(void)name;
	*out_status = EXIT_USAGE_STATUS;
	(void)fprintf(stderr, "usage: signd --bus-keygen NAME DIR\n");
	return NULL;
}

static int keygen(const char *name, const char *folder)
{
	char key[41], text[300];
	struct err *e = bus_keygen(key, folder, name);

	if (e == NULL) {
		(void)printf("%s\n", key);
		return 0;
	}
	(void)fprintf(stderr, "signd: %s\n", err_text(e, text, sizeof text));
	err_destroy(&e);
	return 1;
}

/* One line a key of this signer's token; exit status 1 when one could be taken out of it. */
static struct err *run_token_check(struct daemon *daemon, const char *argument, int *out_status)
{
	const struct signd_conf *conf = daemon->conf;
	OWN(pkcs11) token = NULL;
	char label[PKCS11_LABEL_MAX + 1];

	(void)argument;
	ENSURE_FIELD(signd_has_token(conf), CONFIG, "signer.pkcs11_module", "is empty: the keys are files");
	TRY(pkcs11_open(&token, conf->pkcs11_module, conf->pkcs11_token, conf->pkcs11_pin_file));
	for (size_t i = 0; i < conf->issuers.num; i++) {
		bool is_locked_in = false;

		(void)snprintf(label, sizeof label, "%s.%s", conf->issuers.items[i],
			       sign_use_word(signd_is_ca(conf) ? SIGN_USE_CA : SIGN_USE_OCSP));
		TRY(pkcs11_is_locked_in(token, &is_locked_in, label));
		(void)printf("%s %s\n", label, is_locked_in ? "sensitive, never extractable" : "EXTRACTABLE");
		if (!is_locked_in)
			*out_status = 1;
	}
	return NULL;
}

static const struct daemon_command commands[] = {
	{ "--ceremony", "PLAN", "carry out the key ceremony of the plan; refuses where keys exist", false,
	  run_ceremony },
	{ "--ceremony-check", "PLAN", "check a plan and the files it names; changes nothing", false,
	  run_ceremony_check },
	{ "--token-check", NULL, "say of each key of the token whether it could be taken out; exit 1 if one could",
	  true, run_token_check },
	{ "--bus-keygen", "NAME DIR", "make a key for the bus: DIR/NAME.public and .secret; prints the public one",
	  false, run_keygen },
};

static enum sandbox_profile choose_sandbox(const void *conf)
{
	return signd_has_token(conf) ? SANDBOX_SIGND_TOKEN : SANDBOX_SIGND_FILE;
}

int signd_main(int argc, char **argv)
{
	const struct daemon_spec spec = {
		.name = "signd",
		.summary = "the signer: holds the keys, signs only what accountable people authorised",
		.conf_rows = signd_conf_rows,
		.num_conf_rows = signd_num_conf_rows,
		.conf_size = sizeof(struct signd_conf),
		.conf_offset = offsetof(struct signd_conf, daemon),
		.metrics = signd_metrics,
		.num_metrics = signd_num_metrics,
		.sandbox = SANDBOX_SIGND_FILE,
		.choose_sandbox = choose_sandbox,
		.commands = commands,
		.num_commands = sizeof commands / sizeof commands[0],
		.check = signd_conf_check,
		.acquire = acquire,
		.start = start,
		.ready = ready,
		.stop = stop,
	};

	if (argc == 4 && strcmp(argv[1], "--bus-keygen") == 0)
		return keygen(argv[2], argv[3]);
	return daemon_main(argc, argv, &spec);
}
