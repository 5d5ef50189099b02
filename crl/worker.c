/*
 * worker.c - the thread that makes lists. See worker.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "crl/lists.h"
#include "crl/log_files.h"

enum { ISSUERS_MAX = 64, ISSUERS_AGAIN_MS = 60000, PATH_BYTES = 64 };

const struct metric_def crl_metrics[M_CRL_COUNT] = {
	[M_CRL_FULL_ISSUED] = { "nuc_crld_lists_issued_total", METRIC_COUNTER, "kind=\"full\"", "lists published" },
	[M_CRL_DELTA_ISSUED] = { "nuc_crld_lists_issued_total", METRIC_COUNTER, "kind=\"delta\"", "lists published" },
	[M_CRL_FULL_FAILED] = { "nuc_crld_lists_failed_total", METRIC_COUNTER, "kind=\"full\"",
				"tries that left the old list" },
	[M_CRL_DELTA_FAILED] = { "nuc_crld_lists_failed_total", METRIC_COUNTER, "kind=\"delta\"",
				 "tries that left the old list" },
	[M_CRL_ENTRIES] = { "nuc_crld_list_entries", METRIC_GAUGE, NULL, "entries of the largest published full list" },
	[M_CRL_BYTES] = { "nuc_crld_list_bytes", METRIC_GAUGE, NULL, "size of the largest published full list" },
	[M_CRL_NUMBER] = { "nuc_crld_list_number", METRIC_GAUGE, NULL, "highest number of a published full list" },
	[M_CRL_AGE] = { "nuc_crld_list_age_seconds", METRIC_GAUGE, NULL, "age of the oldest published list" },
	[M_CRL_LEFT] = { "nuc_crld_list_left_seconds", METRIC_GAUGE, NULL,
			 "time to the earliest nextUpdate; negative: a list has expired" },
	[M_CRL_ALARMS] = { "nuc_crld_alarms", METRIC_GAUGE, NULL,
			   "lists that are missing, expired, overdue or could not be made" },
	[M_CRL_SECONDS] = { "nuc_crld_list_seconds", METRIC_HISTOGRAM, NULL, "time from due to published" },
	[M_CRL_LOG_SIZE] = { "nuc_crld_log_size", METRIC_GAUGE, NULL, "entries under the published checkpoint" },
};

struct crl_worker {
	struct crl_worker_conf conf;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_prompted, should_stop;
	size_t database_check, lists_check, log_check;

	struct db *db;
	struct bus_client *signer;
	struct crl_lists *lists[ISSUERS_MAX];
	size_t num_lists;
	int64_t loaded_at_ms; /* monotonic; 0: issuers must be read again */
	bool is_recovered;
	struct crl_log_files *log_files;
};

/* ---------------------------------------------------------------- issuers */

static bool is_wanted(const struct crl_worker *self, const char *name)
{
	for (size_t i = 0; i < self->conf.num_issuers; i++)
		if (strcmp(self->conf.issuers[i], name) == 0)
			return true;
	return self->conf.num_issuers == 0;
}

static struct crl_lists *find_lists(const struct crl_worker *self, const char *name)
{
	for (size_t i = 0; i < self->num_lists; i++)
		if (strcmp(crl_lists_issuer(self->lists[i]), name) == 0)
			return self->lists[i];
	return NULL;
}

static struct err *put_certificates(const struct crl_worker *self, const char *name, struct slice certificate,
				    struct slice root)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof path, "cert/nca_%s.cer", name);
	TRY(crl_folder_put(self->conf.folder, path, certificate));
	(void)snprintf(path, sizeof path, "cert/root_%s.cer", name);
	return crl_folder_put(self->conf.folder, path, root);
}

static struct err *add_issuer(struct crl_worker *self, const char *name, struct slice certificate)
{
	const struct crl_lists_conf conf = { .issuer = name,
					     .certificate = certificate,
					     .db = self->db,
					     .signer = self->signer,
					     .folder = self->conf.folder,
					     .full = self->conf.full,
					     .delta = self->conf.delta,
					     .keep_expired_s = self->conf.keep_expired_s };

	ENSURE(self->num_lists < ISSUERS_MAX, TOO_LARGE, "more than %d issuers", ISSUERS_MAX);
	TRY(crl_lists_create(&self->lists[self->num_lists], &conf));
	self->num_lists++;
	self->is_recovered = false;
	log_info(NULL, "crl_issuer_served", "issuer=%s", name);
	return NULL;
}

/* Takes up issuers that the ledger has and we have not, and publishes their certificates. */
static struct err *load_issuers(struct crl_worker *self)
{
	OWN(db_result) r = NULL;

	TRY(crl_q_issuers(self->db, &r));
	for (size_t i = 0; i < db_num_rows(r); i++) {
		const char *name;
		struct slice certificate, root;

		crl_q_issuer(r, i, &name, &certificate, &root);
		if (!is_wanted(self, name) || find_lists(self, name) != NULL)
			continue;
		TRY(put_certificates(self, name, certificate, root));
		TRY(add_issuer(self, name, certificate));
	}
	self->loaded_at_ms = clock_mono_ms();
	return NULL;
}

static struct err *recover(struct crl_worker *self)
{
	for (size_t i = 0; i < self->num_lists; i++)
		TRY(crl_lists_recover(self->lists[i]));
	self->is_recovered = true;
	return NULL;
}

/* ---------------------------------------------------------------- what others see */

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct figures {
	int64_t issued[2], failed[2], entries, bytes, number, age_s, left_s, alarms;
	char why[320];
};

static void figures_add(struct figures *f, const char *issuer, const struct crl_lists_status *status,
			enum crl_kind kind, int64_t now)
{
	size_t i = kind == CRL_FULL ? 0 : 1;

	if (!status->is_issued)
		return;
	f->issued[i] += status->issued;
	f->failed[i] += status->failed;
	if (status->has_list) {
		const struct crl_row *row = &status->published;

		f->age_s = -min_of(-f->age_s, -(now - row->this_update_at));
		f->left_s = min_of(f->left_s, row->next_update_at - now);
		if (kind == CRL_FULL) {
			f->entries = -min_of(-f->entries, -row->num_entries);
			f->bytes = -min_of(-f->bytes, -row->size_bytes);
			f->number = -min_of(-f->number, -row->number);
		}
	}
	if (status->alarm == NULL && status->problem[0] == '\0')
		return;
	f->alarms++;
	(void)snprintf(f->why, sizeof f->why, "%s list of %s: %s%s%s", crl_kind_word(kind), issuer,
		       status->alarm != NULL ? status->alarm : "",
		       status->alarm != NULL && status->problem[0] != '\0' ? "; " : "", status->problem);
}

static void count_up(struct metrics *metrics, size_t id, int64_t total)
{
	metrics_add(metrics, id, total - metrics_get(metrics, id));
}

static void show(const struct crl_worker *self)
{
	struct figures f = { .left_s = INT64_MAX };
	int64_t now = clock_now_s();
	struct metrics *metrics = self->conf.metrics;

	for (size_t i = 0; i < self->num_lists; i++) {
		const char *issuer = crl_lists_issuer(self->lists[i]);

		figures_add(&f, issuer, crl_lists_status(self->lists[i], CRL_FULL), CRL_FULL, now);
		figures_add(&f, issuer, crl_lists_status(self->lists[i], CRL_DELTA), CRL_DELTA, now);
	}
	if (self->num_lists == 0)
		(void)snprintf(f.why, sizeof f.why, "the ledger has no issuer yet");
	health_set(self->conf.health, self->lists_check, f.why[0] == '\0', f.why[0] == '\0' ? NULL : "%s", f.why);
	if (metrics == NULL)
		return;
	count_up(metrics, M_CRL_FULL_ISSUED, f.issued[0]);
	count_up(metrics, M_CRL_DELTA_ISSUED, f.issued[1]);
	count_up(metrics, M_CRL_FULL_FAILED, f.failed[0]);
	count_up(metrics, M_CRL_DELTA_FAILED, f.failed[1]);
	metrics_set(metrics, M_CRL_ENTRIES, f.entries);
	metrics_set(metrics, M_CRL_BYTES, f.bytes);
	metrics_set(metrics, M_CRL_NUMBER, f.number);
	metrics_set(metrics, M_CRL_AGE, f.age_s);
	metrics_set(metrics, M_CRL_LEFT, f.left_s == INT64_MAX ? 0 : f.left_s);
	metrics_set(metrics, M_CRL_ALARMS, f.alarms);
	metrics_set(metrics, M_CRL_LOG_SIZE, crl_log_files_size(self->log_files));
}

/* ---------------------------------------------------------------- the thread */

static bool should_stop(struct crl_worker *self)
{
	(void)pthread_mutex_lock(&self->lock);
	bool stop = self->should_stop;
	(void)pthread_mutex_unlock(&self->lock);
	return stop;
}

static struct err *run_lists(struct crl_worker *self, int64_t *out_look_again_at)
{
	*out_look_again_at = INT64_MAX;
	for (size_t i = 0; i < self->num_lists && !should_stop(self); i++) {
		int64_t look_again_at = INT64_MAX;
		const struct crl_lists_status *full = crl_lists_status(self->lists[i], CRL_FULL);
		int64_t issued = full->issued;

		TRY(crl_lists_run(self->lists[i], &look_again_at));
		if (full->issued > issued)
			metrics_observe_us(self->conf.metrics, M_CRL_SECONDS, full->last_us);
		*out_look_again_at = min_of(*out_look_again_at, look_again_at);
	}
	return NULL;
}

static void run_log_files(struct crl_worker *self)
{
	struct err *e = crl_log_files_run(self->log_files, self->db);
	char text[256];

	health_set(self->conf.health, self->log_check, e == NULL, e == NULL ? NULL : "%s",
		   err_text(e, text, sizeof text));
	log_err(LOG_WARN, NULL, "log_files_failed", &e);
}

static struct err *turn(struct crl_worker *self, int64_t *out_look_again_at)
{
	TRY(db_ensure(self->db));
	if (self->num_lists == 0 || clock_mono_ms() - self->loaded_at_ms > ISSUERS_AGAIN_MS)
		TRY(load_issuers(self));
	if (!self->is_recovered)
		TRY(recover(self));
	TRY(run_lists(self, out_look_again_at));
	run_log_files(self);
	return NULL;
}

/* Waits for a prompt, at most for poll_ms or until the second in which something is due. */
static bool wait_for_work(struct crl_worker *self, int64_t look_again_at)
{
	int64_t wait_ms = self->conf.poll_ms;
	struct timespec until;

	if (look_again_at != INT64_MAX && look_again_at * 1000 - clock_now_ms() < wait_ms)
		wait_ms = look_again_at * 1000 - clock_now_ms();
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms > 0 ? wait_ms / 1000 : 0;
	until.tv_nsec += wait_ms > 0 ? wait_ms % 1000 * 1000000 : 0;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_mutex_lock(&self->lock);
	while (!self->is_prompted && !self->should_stop &&
	       pthread_cond_timedwait(&self->wake, &self->lock, &until) != ETIMEDOUT)
		continue;
	self->is_prompted = false;
	bool stop = self->should_stop;
	(void)pthread_mutex_unlock(&self->lock);
	return !stop;
}

static void *run(void *arg)
{
	struct crl_worker *self = arg;
	int64_t look_again_at = INT64_MAX;

	do {
		char text[256];
		struct err *e = turn(self, &look_again_at);

		health_set(self->conf.health, self->database_check, e == NULL, e == NULL ? NULL : "%s",
			   err_text(e, text, sizeof text));
		if (e != NULL) {
			/* What became of a list under way, only the ledger knows. */
			self->is_recovered = false;
			look_again_at = INT64_MAX;
			log_err(LOG_WARN, NULL, "crld_turn_failed", &e);
		}
		show(self);
	} while (wait_for_work(self, look_again_at));
	return NULL;
}

/* ---------------------------------------------------------------- life */

static void worker_free(struct crl_worker *self)
{
	for (size_t i = 0; i < self->num_lists; i++)
		crl_lists_destroy(&self->lists[i]);
	crl_log_files_destroy(&self->log_files);
	bus_client_destroy(&self->signer);
	db_destroy(&self->db);
	(void)pthread_cond_destroy(&self->wake);
	(void)pthread_mutex_destroy(&self->lock);
	free(self);
}

static struct err *worker_prepare(struct crl_worker *self)
{
	const struct db_conf db = { .conninfo = self->conf.conninfo,
				    .application_name = "crld",
				    .statements = crl_statements,
				    .num_statements = crl_statements_count,
				    .statement_timeout_ms = 60000 };
	const struct bus_client_conf signer = { .server = self->conf.signer_name,
						.endpoint = self->conf.signer_endpoint };

	if (self->conf.health != NULL) {
		TRY(health_add(self->conf.health, &self->database_check, "database"));
		TRY(health_add(self->conf.health, &self->lists_check, "lists"));
		TRY(health_add(self->conf.health, &self->log_check, "log_files"));
	}
	TRY(db_open(&self->db, &db));
	TRY(bus_client_create(&self->signer, self->conf.bus, &signer));
	TRY(crl_log_files_create(&self->log_files, self->conf.folder));
	if (pthread_create(&self->thread, NULL, run, self) != 0)
		return ERR_ERRNO("starting the worker's thread");
	return NULL;
}

struct err *crl_worker_start(struct crl_worker **out, const struct crl_worker_conf *conf)
{
	struct crl_worker *self = calloc(1, sizeof *self);
	pthread_condattr_t attributes;

	ENSURE(self != NULL, NO_MEMORY, "the worker");
	self->conf = *conf;
	(void)pthread_mutex_init(&self->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&self->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	struct err *e = worker_prepare(self);
	if (e != NULL) {
		worker_free(self);
		return e;
	}
	*out = self;
	return NULL;
}

static void signal_worker(struct crl_worker *self, bool stop)
{
	(void)pthread_mutex_lock(&self->lock);
	self->is_prompted = true;
	self->should_stop = self->should_stop || stop;
	(void)pthread_cond_signal(&self->wake);
	(void)pthread_mutex_unlock(&self->lock);
}

void crl_worker_prompt(struct crl_worker *self)
{
	signal_worker(self, false);
}

void crl_worker_stop(struct crl_worker **self)
{
	if (*self == NULL)
		return;
	signal_worker(*self, true);
	(void)pthread_join((*self)->thread, NULL);
	worker_free(*self);
	*self = NULL;
}
