/*
 * db.h - the ledger over libpq: prepared statements, typed parameters and results, errors by SQLSTATE.
 *
 * A daemon lists its statements once in its queries.c; all of them are prepared at connect, so that a broken or forbidden
 * one stops the start and is named. Everything is binary on the wire: no value is ever printed into SQL.
 * One object is one connection and belongs to one thread. Calls are synchronous; db_send()/db_receive() with db_socket()
 * serve a loop.
 *
 *   enum { Q_CERT_BY_SERIAL, ... };
 *   const struct db_statement ca_statements[] = {
 *           [Q_CERT_BY_SERIAL] = { "ca_get_certificate", 2, "SELECT id, der FROM certificate WHERE issuer = $1 AND serial = $2" },
 *   };
 *   struct db_params p = DB_PARAMS_INIT;
 *   OWN(db_result) r = NULL;
 *   db_text(&p, "rsa");
 *   db_bytes(&p, serial);
 *   TRY(db_query(db, &r, Q_CERT_BY_SERIAL, &p));
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DB_DB_H
#define COMMON_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct db_statement {
	const char *name;
	int num_params;
	const char *sql; /* a statement for db_copy_open() is the plain SELECT */
};

struct db;

struct db_conf {
	const char *conninfo;
	const char *application_name; /* shown in pg_stat_activity */
	const struct db_statement *statements;
	size_t num_statements;
	int64_t statement_timeout_ms; /* 0: none */
	bool any_schema; /* do not compare the schema's number with the one this program was built for */
};

/* ---- connection */

/* db_connect() connects, compares schema_migration with the number of migrations this program was built with, and
 * prepares every statement. *Owns* the caller; `conf` is copied but its texts and statements must outlive the object.
 * *Errors* GONE (not reachable), CONFIG (other schema, or a statement that does not prepare: names it). */
struct err *db_connect(struct db **out, const struct db_conf *conf) ERR_MUST_USE;

/* db_open() makes the object without connecting: db_ensure() does. For daemons that must start without a database. */
struct err *db_open(struct db **out, const struct db_conf *conf) ERR_MUST_USE;

void db_destroy(struct db **self);
OWN_TYPE(db, struct db *, db_destroy)

/* db_ensure() connects (again) when there is no live connection; failed tries are spaced by 50 ms doubling to 5 s, and
 * in between it fails at once with GONE. A transaction that was open is lost. */
struct err *db_ensure(struct db *self) ERR_MUST_USE;
bool db_is_connected(const struct db *self);

/* db_schema_expected() is the number of migrations this program was built with. */
int db_schema_expected(void);

/* db_raw() is libpq's PGconn*, for pipelines; leave it idle and out of pipeline mode afterwards. NULL when there is no
 * connection. A new one after each reconnect. */
struct pg_conn *db_raw(struct db *self);

/* ---- parameters: fixed size, no errors to handle; the bytes given must live until the call that uses them */

enum { DB_PARAMS_MAX = 40 };

struct db_param {
	enum { DB_PARAM_NULL, DB_PARAM_INT, DB_PARAM_BOOL, DB_PARAM_BYTES, DB_PARAM_INTS, DB_PARAM_SLICES } kind;
	int64_t number;
	struct slice bytes;
	const int64_t *ints;
	const struct slice *slices;
	size_t num;
};
struct db_params {
	int num;
	struct db_param items[DB_PARAMS_MAX];
};
#define DB_PARAMS_INIT                                                                                                 \
	{                                                                                                              \
		.num = 0                                                                                               \
	}

/* Each appends the next parameter. Integers are sent as what the statement declares (smallint, integer, bigint; also
 * timestamptz from Unix milliseconds); a value out of its range fails the call with BUG. */
void db_null(struct db_params *p);
void db_int64(struct db_params *p, int64_t value);
void db_int64_or_null(struct db_params *p, int64_t value, bool is_null);
void db_bool(struct db_params *p, bool value);
void db_text(struct db_params *p, const char *text); /* NULL: SQL NULL */
void db_text_slice(struct db_params *p, struct slice text);
void db_bytes(struct db_params *p, struct slice bytes); /* p == NULL: SQL NULL */
/* Arrays, for unnest($1::bigint[]), unnest($2::bytea[]), unnest($3::text[]). In slices p == NULL is a NULL element. */
void db_int64_array(struct db_params *p, const int64_t *values, size_t num);
void db_slice_array(struct db_params *p, const struct slice *values, size_t num);

/* ---- calls: `statement` is the index in the array. `p` may be NULL for a statement without parameters. */

struct db_result;
void db_result_destroy(struct db_result **self);
OWN_TYPE(db_result, struct db_result *, db_result_destroy)

/* db_query() runs a statement and gives its rows (0 or more). *Errors* see db_last_*(). */
struct err *db_query(struct db *self, struct db_result **out, size_t statement, const struct db_params *p) ERR_MUST_USE;

/* db_query_one() expects exactly one row. *Errors* besides: NOT_FOUND for none, BUG for more. */
struct err *db_query_one(struct db *self, struct db_result **out, size_t statement,
			 const struct db_params *p) ERR_MUST_USE;

/* db_exec() runs a statement whose rows nobody reads; out_affected (or NULL) gets the number of rows. */
struct err *db_exec(struct db *self, size_t *out_affected, size_t statement, const struct db_params *p) ERR_MUST_USE;

/* Errors of all calls, by SQLSTATE: connection lost GONE · 40001, 40P01, 55P03 RETRY · 57014 TIMEOUT · 23505 unique,
 * 23514 check, 23503 foreign key, 23P01 exclusion CONFLICT (err_field() is the constraint's name) · 42501 DENIED ·
 * 22xxx BAD_INPUT · 53xxx, 58xxx SYSTEM · all else BUG. The sentence names the statement.
 * db_last_constraint()/db_last_sqlstate() speak of the last failed call; "" when it had none. */
const char *db_last_constraint(const struct db *self);
const char *db_last_sqlstate(const struct db *self);

/* ---- results: columns from 0. A getter of another type than the column's, or of NULL, ends the process (our bug):
 * ask db_is_null() where a column may be NULL. Slices and texts live as long as the result. */

size_t db_num_rows(const struct db_result *r);
bool db_is_null(const struct db_result *r, size_t row, int column);
int64_t db_get_int64(const struct db_result *r, size_t row, int column); /* smallint, integer, bigint */
bool db_get_bool(const struct db_result *r, size_t row, int column);
const char *db_get_text(const struct db_result *r, size_t row, int column);
struct slice db_get_bytes(const struct db_result *r, size_t row, int column); /* bytea, also the octets of a text */
int64_t db_get_time_ms(const struct db_result *r, size_t row, int column); /* timestamptz as Unix ms */

/* ---- transactions */

struct err *db_begin(struct db *self) ERR_MUST_USE;
struct err *db_commit(struct db *self) ERR_MUST_USE;
/* db_rollback() ends a transaction whatever its state; a lost connection is no error. */
void db_rollback(struct db *self);

/* db_tx() runs fn inside a transaction and commits; when fn or the commit fails, it rolls back. A serialization failure or
 * deadlock (40001, 40P01) runs fn again, up to 10 times: fn must start from nothing each time. */
typedef struct err *db_tx_fn(struct db *self, void *arg);
struct err *db_tx(struct db *self, db_tx_fn *fn, void *arg) ERR_MUST_USE;

/* db_simple() runs fixed SQL text that cannot be prepared (SET, LOCK, advisory locks at session level); never built
 * from data. */
struct err *db_simple(struct db *self, const char *sql) ERR_MUST_USE;

/* ---- in a loop: one statement at a time */

/* db_send() starts a statement without waiting. *Errors* as db_query; BUG while one is under way. */
struct err *db_send(struct db *self, size_t statement, const struct db_params *p) ERR_MUST_USE;
/* db_socket() is the descriptor to watch for reading (-1 when there is no connection); it changes at reconnect. */
int db_socket(const struct db *self);
/* db_receive() takes what has arrived. *out_done false: watch on. */
struct err *db_receive(struct db *self, struct db_result **out, bool *out_done) ERR_MUST_USE;

/* ---- bulk reading */

struct db_copy;

/* db_copy_open() starts COPY (statement) TO STDOUT in binary format. Parameters (integers, texts, bytes) go in as quoted
 * literals, since COPY takes none. The connection serves nothing else until db_copy_destroy(). */
struct err *db_copy_open(struct db *self, struct db_copy **out, size_t statement,
			 const struct db_params *p) ERR_MUST_USE;

/* db_copy_next() gives the fields of the next row in wire format (bytea: the octets; bigint: 8 octets, see
 * db_copy_int64); p == NULL is SQL NULL. *out_row false: the end. `num_fields` must be the number of columns.
 * *Owns* the slices live until the next call. */
struct err *db_copy_next(struct db_copy *self, struct slice *fields, size_t num_fields, bool *out_row) ERR_MUST_USE;

/* db_copy_int64() reads a smallint, integer or bigint field. */
int64_t db_copy_int64(struct slice field);

/* db_copy_destroy() ends the reading; before the end of the rows it cancels the statement. */
void db_copy_destroy(struct db_copy **self);
OWN_TYPE(db_copy, struct db_copy *, db_copy_destroy)

#endif
