/*
 * follow.c - reading the ledger, round by round. See follow.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/follow.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ocsp/queries.h"

enum {
	AUTHORITIES_MS = 10000, /* between looks at issuer and responder */
	GAP_MS = 5, /* least time between two rounds, however many prompts come */
};

struct follow {
	struct ocsp_state *state;
	struct follow_conf conf;
	struct db *db;
	pthread_t thread;
	bool has_thread;
	int wake_fd;
	atomic_bool stopping;
	bool is_loaded;
	bool had_problem, was_problem_said;
	int64_t next; /* log index */
	int64_t authorities_at_ms;
	atomic_uint_least64_t rounds, failures, loads, refused, certificates, table_bytes;
	atomic_llong log_index, load_ms, lag_ms;
};

struct err *follow_create(struct follow **out, struct ocsp_state *state, const struct follow_conf *conf)
{
	OWN(follow) f = calloc(1, sizeof *f);
	struct db_conf db = { .conninfo = conf->conninfo,
			      .application_name = "ocspd",
			      .statements = ocsp_statements,
			      .num_statements = ocsp_statements_count };

	ENSURE(f != NULL, NO_MEMORY, "follower");
	f->state = state;
	f->conf = *conf;
	f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->wake_fd < 0)
		return ERR_ERRNO("eventfd");
	TRY(db_open(&f->db, &db));
	*out = TAKE(f);
	return NULL;
}

/* ---- issuers and responders */

static struct err *read_issuers(struct follow *f)
{
	OWN(db_result) r = NULL;

	TRY(ocsp_read_issuers(f->db, &r));
	for (size_t i = 0; i < db_num_rows(r); i++) {
		struct ocsp_issuer_row row = ocsp_issuer_row(r, i);
		bool is_new = false;
		TRY(ocsp_state_add_issuer(f->state, &is_new, row.name, row.certificate));
		if (is_new)
			log_info(NULL, "issuer_known", "issuer=%s", row.name);
	}
	return NULL;
}

/* A responder certificate that cannot be used must not keep the others from answering. */
static struct err *read_responders(struct follow *f)
{
	OWN(db_result) r = NULL;

	TRY(ocsp_read_responders(f->db, &r, clock_now_s()));
	for (size_t i = 0; i < db_num_rows(r); i++) {
		struct ocsp_responder_row row = ocsp_responder_row(r, i);
		bool is_new = false;
		struct err *e = ocsp_state_add_responder(f->state, &is_new, row.id, row.issuer, row.certificate);
		log_err(LOG_ERROR, NULL, "responder_unusable", &e);
		if (is_new)
			log_info(NULL, "responder_known", "issuer=%s id=%lld", row.issuer, (long long)row.id);
	}
	return NULL;
}

static struct err *read_authorities(struct follow *f)
{
	TRY(read_issuers(f));
	TRY(read_responders(f));
	f->authorities_at_ms = clock_mono_ms();
	return NULL;
}

/* ---- the load */

static struct err *load_rows(struct follow *f, struct ocsp_table *table)
{
	OWN(db_copy) copy = NULL;
	struct ocsp_status_row row;
	bool has_row = false;

	TRY(ocsp_load_open(f->db, &copy));
	for (;;) {
		TRY(ocsp_load_next(copy, &row, &has_row));
		if (!has_row)
			return NULL;
		ENSURE(!atomic_load_explicit(&f->stopping, memory_order_relaxed), RETRY, "stopping");
		int issuer = ocsp_state_find_issuer(f->state, row.issuer);
		ENSURE(issuer >= 0, BUG, "a certificate of an issuer that the ledger does not have");
		TRY(ocsp_table_put(table, (unsigned)issuer, row.serial, row.word));
	}
}

static struct err *load_snapshot(struct follow *f, struct ocsp_table *table, struct ocsp_log_head *head)
{
	TRY(read_authorities(f));
	TRY(ocsp_read_log_head(f->db, head));
	return load_rows(f, table);
}

static struct err *load(struct follow *f, int64_t *out_lag_ms)
{
	struct ocsp_log_head head;
	struct ocsp_table *table = NULL;
	int64_t began_ms = clock_mono_ms();

	TRY(db_simple(f->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
	struct err *e = ocsp_state_new_table(f->state, &table);
	if (e == NULL)
		e = load_snapshot(f, table, &head);
	if (e == NULL)
		e = db_commit(f->db);
	else
		db_rollback(f->db);
	if (e == NULL)
		e = ocsp_state_swap_table(f->state, &table);
	ocsp_table_destroy(&table);
	if (e != NULL)
		return ERR_WRAP(e, "loading the statuses");
	f->is_loaded = true;
	f->next = head.size;
	*out_lag_ms = head.lag_ms;
	atomic_store(&f->log_index, f->next);
	atomic_store(&f->load_ms, clock_mono_ms() - began_ms);
	atomic_fetch_add(&f->loads, 1);
	log_info(NULL, "ledger_loaded", "certificates=%llu bytes=%llu log_size=%lld took_ms=%lld",
		 (unsigned long long)ocsp_state_num(f->state), (unsigned long long)ocsp_state_bytes(f->state),
		 (long long)f->next, (long long)(clock_mono_ms() - began_ms));
	return NULL;
}

/* ---- the log */

static struct err *apply(struct follow *f, const struct ocsp_status_row *row)
{
	int issuer = ocsp_state_find_issuer(f->state, row->issuer);
	ocsp_word before;

	if (issuer < 0) { /* a new issuer whose certificates came before our next look at the issuers */
		TRY(read_authorities(f));
		issuer = ocsp_state_find_issuer(f->state, row->issuer);
		ENSURE(issuer >= 0, BUG, "a certificate of an issuer that the ledger does not have");
	}
	before = ocsp_state_peek(f->state, (unsigned)issuer, row->serial);
	if (ocsp_word_state(before) == OCSP_LEDGER_REVOKED && ocsp_word_state(row->word) != OCSP_LEDGER_REVOKED) {
		atomic_fetch_add(&f->refused, 1);
		log_error(NULL, "unrevocation_refused", "issuer=%.*s", (int)row->issuer.len, row->issuer.p);
		return NULL;
	}
	if (before == row->word)
		return NULL;
	TRY(ocsp_state_put(f->state, (unsigned)issuer, row->serial, row->word));
	if (f->conf.hooks.on_change != NULL)
		f->conf.hooks.on_change(f->conf.arg, before, row->word, row->committed_ms);
	return NULL;
}

/* One statement's worth. *out_more: the log goes on. */
static struct err *follow_log(struct follow *f, int64_t *out_lag_ms, bool *out_more)
{
	OWN(db_result) r = NULL;
	struct ocsp_changes changes;

	TRY(ocsp_read_changes(f->db, &r, &changes, f->next, f->conf.batch));
	*out_more = false;
	*out_lag_ms = changes.head.lag_ms;
	if (changes.has_import || changes.head.size < f->next) {
		if (changes.head.size < f->next)
			log_error(NULL, "ledger_went_back", "log_index=%lld log_size=%lld", (long long)f->next,
				  (long long)changes.head.size);
		f->is_loaded = false;
		return NULL;
	}
	for (size_t i = 0; i < changes.num; i++) {
		struct ocsp_status_row row = ocsp_change_row(r, i);
		TRY(apply(f, &row));
	}
	int64_t next = f->next + f->conf.batch;
	f->next = next < changes.head.size ? next : changes.head.size;
	atomic_store(&f->log_index, f->next);
	*out_more = f->next < changes.head.size;
	return NULL;
}

struct err *follow_round(struct follow *self)
{
	int64_t lag_ms = 0;
	bool more = true;

	TRY(db_ensure(self->db));
	ocsp_state_begin_round(self->state, clock_mono_ms());
	if (self->is_loaded && clock_mono_ms() - self->authorities_at_ms >= AUTHORITIES_MS)
		TRY(read_authorities(self));
	while (more) {
		more = false;
		if (self->is_loaded)
			TRY(follow_log(self, &lag_ms, &more));
		if (!self->is_loaded)
			TRY(load(self, &lag_ms));
	}
	atomic_store(&self->lag_ms, lag_ms);
	atomic_store(&self->certificates, ocsp_state_num(self->state));
	atomic_store(&self->table_bytes, ocsp_state_bytes(self->state));
	ocsp_state_end_round(self->state, lag_ms);
	atomic_fetch_add(&self->rounds, 1);
	return NULL;
}

/* ---- the thread */

static void tell(struct follow *f, struct err *e)
{
	if (e == NULL) {
		if (f->had_problem && f->conf.hooks.on_problem != NULL)
			f->conf.hooks.on_problem(f->conf.arg, NULL);
		if (f->was_problem_said)
			log_info(NULL, "ledger_read_again", NULL);
		f->had_problem = f->was_problem_said = false;
		if (f->conf.hooks.on_round != NULL)
			f->conf.hooks.on_round(f->conf.arg);
		return;
	}
	atomic_fetch_add(&f->failures, 1);
	if (f->conf.hooks.on_problem != NULL)
		f->conf.hooks.on_problem(f->conf.arg, e);
	if (f->was_problem_said) /* once; the age of the state is in the metrics */
		err_destroy(&e);
	log_err(LOG_WARN, NULL, "ledger_unreadable", &e);
	f->had_problem = f->was_problem_said = true;
}

static void wait_for_prompt(struct follow *f, int64_t timeout_ms)
{
	struct pollfd p = { .fd = f->wake_fd, .events = POLLIN };
	uint64_t count;

	if (poll(&p, 1, (int)timeout_ms) > 0)
		(void)!read(f->wake_fd, &count, sizeof count);
}

static void *follow_main(void *arg)
{
	struct follow *f = arg;

	f->had_problem = true; /* until the first round has ended */
	while (!atomic_load(&f->stopping)) {
		int64_t began_ms = clock_mono_ms();
		tell(f, follow_round(f));
		wait_for_prompt(f, f->had_problem && f->conf.poll_ms > 100 ? 100 : f->conf.poll_ms);
		int64_t rest_ms = GAP_MS - (clock_mono_ms() - began_ms);
		if (rest_ms > 0 && !atomic_load(&f->stopping))
			(void)poll(NULL, 0, (int)rest_ms);
	}
	return NULL;
}

struct err *follow_start(struct follow *self)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int got = pthread_create(&self->thread, NULL, follow_main, self);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = got;
	if (got != 0)
		return ERR_ERRNO("the follower's thread");
	(void)pthread_setname_np(self->thread, "follow");
	self->has_thread = true;
	return NULL;
}

void follow_prompt(struct follow *self)
{
	uint64_t one = 1;

	(void)!write(self->wake_fd, &one, sizeof one);
}

void follow_destroy(struct follow **self)
{
	struct follow *f = *self;

	*self = NULL;
	if (f == NULL)
		return;
	atomic_store(&f->stopping, true);
	if (f->wake_fd >= 0)
		follow_prompt(f);
	if (f->has_thread)
		(void)pthread_join(f->thread, NULL);
	db_destroy(&f->db);
	if (f->wake_fd >= 0)
		(void)close(f->wake_fd);
	free(f);
}

struct follow_stats follow_stats(const struct follow *self)
{
	return (struct follow_stats){ .rounds = atomic_load(&self->rounds),
				      .failures = atomic_load(&self->failures),
				      .loads = atomic_load(&self->loads),
				      .log_index = atomic_load(&self->log_index),
				      .load_ms = atomic_load(&self->load_ms),
				      .refused_unrevocations = atomic_load(&self->refused),
				      .lag_ms = atomic_load(&self->lag_ms),
				      .certificates = atomic_load(&self->certificates),
				      .table_bytes = atomic_load(&self->table_bytes) };
}
