/*
 * db.c - one connection to the ledger: connect, prepare all, run, retry. See db.h.
 *
 * A lost connection is never replaced behind the caller's back: calls fail with GONE until db_ensure(), because a
 * transaction that was open is gone with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/db_priv.h"

#ifndef NUC_SCHEMA_VERSION
#error "the build counts the files of schema/ into NUC_SCHEMA_VERSION"
#endif

enum { RETRY_FIRST_MS = 50, RETRY_MAX_MS = 5000, TX_TRIES = 10, SCRATCH_MAX = 512 * 1024 * 1024 };

int db_schema_expected(void)
{
	return NUC_SCHEMA_VERSION;
}

/* ---- errors */

static const struct {
	const char *prefix; /* of the SQLSTATE; the first match wins */
	enum err_code code;
} sqlstates[] = {
	{ "08", ERR_GONE },	   { "57P", ERR_GONE },	      { "25006", ERR_GONE },	 { "40", ERR_RETRY },
	{ "55P03", ERR_RETRY },	   { "57014", ERR_TIMEOUT },  { "23505", ERR_CONFLICT }, { "23514", ERR_CONFLICT },
	{ "23503", ERR_CONFLICT }, { "23P01", ERR_CONFLICT }, { "42501", ERR_DENIED },	 { "22", ERR_BAD_INPUT },
	{ "53", ERR_SYSTEM },	   { "58", ERR_SYSTEM },      { "XX", ERR_SYSTEM },
};

static enum err_code code_of(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof sqlstates / sizeof sqlstates[0]; i++)
		if (strncmp(sqlstate, sqlstates[i].prefix, strlen(sqlstates[i].prefix)) == 0)
			return sqlstates[i].code;
	return ERR_BUG;
}

static const char *field_or_empty(const PGresult *result, int field)
{
	const char *text = result == NULL ? NULL : PQresultErrorField(result, field);

	return text == NULL ? "" : text;
}

struct err *db_error(struct db *self, const char *what, const PGresult *result)
{
	const char *state = field_or_empty(result, PG_DIAG_SQLSTATE);
	const char *message = field_or_empty(result, PG_DIAG_MESSAGE_PRIMARY);
	enum err_code code = code_of(state);
	bool is_dead = self->pg == NULL || PQstatus(self->pg) != CONNECTION_OK;

	(void)snprintf(self->sqlstate, sizeof self->sqlstate, "%s", state);
	(void)snprintf(self->constraint, sizeof self->constraint, "%s",
		       field_or_empty(result, PG_DIAG_CONSTRAINT_NAME));
	/* Without an SQLSTATE it was libpq that failed, not the server; after a failed write PQstatus() may still be fine. */
	if (state[0] == '\0' || is_dead) {
		code = ERR_GONE;
		message = self->pg == NULL ? "not connected" : PQerrorMessage(self->pg);
	}
	self->is_lost = self->is_lost || code == ERR_GONE;
	size_t len = strcspn(message, "\n");
	return err_new(code, __FILE__, __LINE__, self->constraint[0] != '\0' ? self->constraint : NULL,
		       "%s: %.*s%s%s%s", what, (int)(len < 300 ? len : 300), message, state[0] != '\0' ? " (" : "",
		       state, state[0] != '\0' ? ")" : "");
}

const char *db_last_constraint(const struct db *self)
{
	return self->constraint;
}

const char *db_last_sqlstate(const struct db *self)
{
	return self->sqlstate;
}

/* ---- connection */

static void on_notice(void *arg, const char *message)
{
	(void)arg;
	log_debug(NULL, "db_notice", "text=\"%.*s\"", (int)strcspn(message, "\n"), message);
}

static void disconnect(struct db *self)
{
	PQclear(self->received);
	self->received = NULL;
	err_destroy(&self->receive_error);
	self->is_sending = false;
	PQfinish(self->pg);
	self->pg = NULL;
}

static struct err *check_schema(struct db *self)
{
	PGresult *r = PQexec(self->pg, "SELECT coalesce(max(number), 0) FROM schema_migration");
	struct err *e = NULL;

	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		e = db_error(self, "schema version", r);
		if (err_code(e) != ERR_GONE)
			e = ERR_RECODE(e, CONFIG, "the database has no ledger schema; run schema/migrate");
	} else if (atoi(PQgetvalue(r, 0, 0)) != NUC_SCHEMA_VERSION) {
		e = ERR(CONFIG, "the database's schema has number %s, this program needs %d; run schema/migrate",
			PQgetvalue(r, 0, 0), NUC_SCHEMA_VERSION);
	}
	PQclear(r);
	return e;
}

static struct err *prepare_one(struct db *self, size_t i)
{
	const struct db_statement *st = &self->conf.statements[i];
	struct err *e = NULL;

	ENSURE(st->name != NULL && st->sql != NULL, BUG, "statement %zu of the list is empty", i);
	ENSURE(st->num_params <= DB_PARAMS_MAX, BUG, "%s has more than %d parameters", st->name, DB_PARAMS_MAX);
	PGresult *r = PQprepare(self->pg, st->name, st->sql, 0, NULL);
	if (PQresultStatus(r) == PGRES_COMMAND_OK) {
		PQclear(r);
		r = PQdescribePrepared(self->pg, st->name);
	}
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		e = db_error(self, st->name, r);
	else if (PQnparams(r) != st->num_params)
		e = ERR(BUG, "%s has %d parameters, its row says %d", st->name, PQnparams(r), st->num_params);
	else
		for (int k = 0; k < st->num_params; k++)
			self->prepared[i].types[k] = PQparamtype(r, k);
	PQclear(r);
	if (e != NULL && err_code(e) != ERR_GONE)
		e = ERR_RECODE(e, CONFIG, "a statement does not prepare");
	return e;
}

static struct err *session_setup(struct db *self)
{
	char text[64];

	(void)snprintf(text, sizeof text, "SET statement_timeout = %lld", (long long)self->conf.statement_timeout_ms);
	TRY(db_simple(self, text));
	if (!self->conf.any_schema)
		TRY(check_schema(self));
	for (size_t i = 0; i < self->conf.num_statements; i++)
		TRY(prepare_one(self, i));
	return NULL;
}

static struct err *connect_now(struct db *self)
{
	/* What stands in conninfo overrides what stands before it. */
	const char *const keys[] = { "connect_timeout", "application_name", "dbname", "client_encoding", NULL };
	const char *const values[] = { "5", self->conf.application_name, self->conf.conninfo, "UTF8", NULL };

	disconnect(self);
	self->is_lost = false;
	self->pg = PQconnectdbParams(keys, values, 1);
	if (PQstatus(self->pg) != CONNECTION_OK) {
		struct err *e = db_error(self, "connecting to the database", NULL);
		disconnect(self);
		return e;
	}
	(void)PQsetNoticeProcessor(self->pg, on_notice, NULL);
	struct err *e = session_setup(self);
	if (e != NULL)
		disconnect(self);
	return e;
}

struct err *db_open(struct db **out, const struct db_conf *conf)
{
	struct db *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "database connection");
	self->conf = *conf;
	self->prepared = calloc(conf->num_statements + 1, sizeof *self->prepared);
	if (self->prepared == NULL) {
		free(self);
		return ERR(NO_MEMORY, "%zu statements", conf->num_statements);
	}
	*out = self;
	return NULL;
}

struct err *db_connect(struct db **out, const struct db_conf *conf)
{
	OWN(db) self = NULL;

	TRY(db_open(&self, conf));
	TRY(connect_now(self));
	*out = TAKE(self);
	return NULL;
}

void db_destroy(struct db **self)
{
	if (*self == NULL)
		return;
	disconnect(*self);
	free((*self)->prepared);
	free(*self);
	*self = NULL;
}

bool db_is_connected(const struct db *self)
{
	return self->pg != NULL && !self->is_lost && PQstatus(self->pg) == CONNECTION_OK;
}

struct err *db_ensure(struct db *self)
{
	int64_t now = clock_mono_ms();

	if (db_is_connected(self))
		return NULL;
	ENSURE(now >= self->retry_at_ms, GONE, "no database; the next try is in %lld ms",
	       (long long)(self->retry_at_ms - now));
	struct err *e = connect_now(self);
	if (e == NULL) {
		self->retry_delay_ms = 0;
		return NULL;
	}
	self->retry_delay_ms = self->retry_delay_ms == 0 ? RETRY_FIRST_MS : self->retry_delay_ms * 2;
	if (self->retry_delay_ms > RETRY_MAX_MS)
		self->retry_delay_ms = RETRY_MAX_MS;
	self->retry_at_ms = clock_mono_ms() + self->retry_delay_ms;
	return e;
}

struct pg_conn *db_raw(struct db *self)
{
	return self->pg;
}

/* ---- calls */

static bool is_success(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* Takes over r. */
static struct err *wrap_result(struct db_result **out, PGresult *r)
{
	struct db_result *self = malloc(sizeof *self);

	if (self == NULL) {
		PQclear(r);
		return ERR(NO_MEMORY, "query result");
	}
	self->pg = r;
	*out = self;
	return NULL;
}

static struct err *check_call(struct db *self, size_t statement)
{
	ENSURE(statement < self->conf.num_statements, BUG, "statement %zu is not in the list", statement);
	ENSURE(!self->is_sending, BUG, "%s: another statement is under way", self->conf.statements[statement].name);
	self->sqlstate[0] = '\0';
	self->constraint[0] = '\0';
	if (!db_is_connected(self))
		return db_error(self, self->conf.statements[statement].name, NULL);
	return NULL;
}

/* *out is NULL when libpq could not even send. */
static struct err *run(struct db *self, PGresult **out, size_t statement, const struct db_params *p)
{
	struct db_wire wire = { .scratch = BUF_INIT(SCRATCH_MAX) };
	const struct db_statement *st = &self->conf.statements[statement];

	struct err *e = db_wire_encode(&wire, st, &self->prepared[statement], p);
	if (e == NULL)
		*out = PQexecPrepared(self->pg, st->name, st->num_params, wire.values, wire.lengths, wire.formats, 1);
	buf_clear(&wire.scratch);
	return e;
}

struct err *db_query(struct db *self, struct db_result **out, size_t statement, const struct db_params *p)
{
	PGresult *r = NULL;

	TRY(check_call(self, statement));
	TRY(run(self, &r, statement, p));
	if (!is_success(r)) {
		struct err *e = db_error(self, self->conf.statements[statement].name, r);
		PQclear(r);
		return e;
	}
	return wrap_result(out, r);
}

struct err *db_query_one(struct db *self, struct db_result **out, size_t statement, const struct db_params *p)
{
	OWN(db_result) r = NULL;

	TRY(db_query(self, &r, statement, p));
	ENSURE(db_num_rows(r) != 0, NOT_FOUND, "%s: no row", self->conf.statements[statement].name);
	ENSURE(db_num_rows(r) == 1, BUG, "%s: %zu rows where one is expected", self->conf.statements[statement].name,
	       db_num_rows(r));
	*out = TAKE(r);
	return NULL;
}

struct err *db_exec(struct db *self, size_t *out_affected, size_t statement, const struct db_params *p)
{
	OWN(db_result) r = NULL;

	TRY(db_query(self, &r, statement, p));
	if (out_affected != NULL)
		*out_affected = (size_t)strtoull(PQcmdTuples(r->pg), NULL, 10);
	return NULL;
}

struct err *db_simple(struct db *self, const char *sql)
{
	struct err *e = NULL;

	self->sqlstate[0] = '\0';
	self->constraint[0] = '\0';
	if (!db_is_connected(self))
		return db_error(self, sql, NULL);
	PGresult *r = PQexec(self->pg, sql);
	if (!is_success(r))
		e = db_error(self, sql, r);
	PQclear(r);
	return e;
}

/* ---- transactions */

struct err *db_begin(struct db *self)
{
	return db_simple(self, "BEGIN");
}

struct err *db_commit(struct db *self)
{
	struct err *e = NULL;

	if (!db_is_connected(self))
		return db_error(self, "COMMIT", NULL);
	PGresult *r = PQexec(self->pg, "COMMIT");
	if (!is_success(r))
		e = db_error(self, "COMMIT", r);
	else if (strcmp(PQcmdStatus(r), "COMMIT") != 0)
		/* In a transaction that failed before, COMMIT "succeeds" by rolling back. */
		e = ERR(BUG, "COMMIT of a failed transaction");
	PQclear(r);
	return e;
}

void db_rollback(struct db *self)
{
	if (!db_is_connected(self) || PQtransactionStatus(self->pg) == PQTRANS_IDLE)
		return;
	PGresult *r = PQexec(self->pg, "ROLLBACK");
	self->is_lost = self->is_lost || !is_success(r);
	PQclear(r);
}

struct err *db_tx(struct db *self, db_tx_fn *fn, void *arg)
{
	for (int left = TX_TRIES;; left--) {
		TRY(db_begin(self));
		struct err *e = fn(self, arg);
		if (e == NULL)
			e = db_commit(self);
		if (e == NULL)
			return NULL;
		/* The rollback must not hide what the failed statement said. */
		char sqlstate[sizeof self->sqlstate];
		memcpy(sqlstate, self->sqlstate, sizeof sqlstate);
		db_rollback(self);
		bool again = strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0;
		if (!again || left <= 1 || err_code(e) != ERR_RETRY)
			return e;
		err_destroy(&e);
	}
}

/* ---- in a loop */

struct err *db_send(struct db *self, size_t statement, const struct db_params *p)
{
	struct db_wire wire = { .scratch = BUF_INIT(SCRATCH_MAX) };

	TRY(check_call(self, statement));
	const struct db_statement *st = &self->conf.statements[statement];
	struct err *e = db_wire_encode(&wire, st, &self->prepared[statement], p);
	if (e == NULL &&
	    PQsendQueryPrepared(self->pg, st->name, st->num_params, wire.values, wire.lengths, wire.formats, 1) != 1)
		e = db_error(self, st->name, NULL);
	buf_clear(&wire.scratch);
	if (e == NULL) {
		self->is_sending = true;
		self->sent_statement = statement;
	}
	return e;
}

int db_socket(const struct db *self)
{
	return self->pg == NULL ? -1 : PQsocket(self->pg);
}

/* Keeps the last result with rows, and the first error. */
static void keep_received(struct db *self, PGresult *r)
{
	if (is_success(r)) {
		PQclear(self->received);
		self->received = r;
		return;
	}
	if (self->receive_error == NULL)
		self->receive_error = db_error(self, self->conf.statements[self->sent_statement].name, r);
	PQclear(r);
}

struct err *db_receive(struct db *self, struct db_result **out, bool *out_done)
{
	ENSURE(self->is_sending, BUG, "nothing was sent");
	if (PQconsumeInput(self->pg) != 1) {
		self->is_sending = false;
		return db_error(self, self->conf.statements[self->sent_statement].name, NULL);
	}
	*out_done = false;
	while (PQisBusy(self->pg) == 0) {
		PGresult *r = PQgetResult(self->pg);
		if (r != NULL) {
			keep_received(self, r);
			continue;
		}
		PGresult *received = self->received;
		struct err *e = self->receive_error;
		self->is_sending = false;
		self->received = NULL;
		self->receive_error = NULL;
		*out_done = true;
		if (e != NULL)
			PQclear(received);
		return e != NULL ? e : wrap_result(out, received);
	}
	return NULL;
}
