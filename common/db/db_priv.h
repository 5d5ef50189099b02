/*
 * db_priv.h - what the files of common/db share; nobody else includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DB_DB_PRIV_H
#define COMMON_DB_DB_PRIV_H

#include <libpq-fe.h>

#include "db/db.h"

/* PostgreSQL's built-in type numbers (catalog pg_type.dat): part of its wire protocol, they never change. */
enum db_oid {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_NAME = 19,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_BYTEA_ARRAY = 1001,
	OID_INT2_ARRAY = 1005,
	OID_INT4_ARRAY = 1007,
	OID_TEXT_ARRAY = 1009,
	OID_INT8_ARRAY = 1016,
	OID_VARCHAR = 1043,
	OID_TIMESTAMPTZ = 1184
};

/* Types of a prepared statement's parameters, as the server inferred them. */
struct db_prepared {
	Oid types[DB_PARAMS_MAX];
};

struct db {
	struct db_conf conf;
	PGconn *pg; /* NULL: not connected */
	struct db_prepared *prepared; /* one for each statement */
	bool is_sending; /* db_send() without its db_receive() */
	PGresult *received;
	struct err *receive_error;
	size_t sent_statement;
	int64_t retry_delay_ms;
	int64_t retry_at_ms; /* clock_mono_ms() before which no connection is tried */
	bool is_lost; /* PQstatus() may not know it yet */
	char constraint[64];
	char sqlstate[6];
};

struct db_result {
	PGresult *pg;
};

/* Parameters in libpq's form; `scratch` holds what had to be encoded. */
struct db_wire {
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX];
	int formats[DB_PARAMS_MAX];
	struct buf scratch;
};

/* db_wire_encode() encodes the parameters for the types of the statement. *Owns* the caller clears wire->scratch; the
 * values borrow from it and from the parameters. *Errors* BUG (count, range, type). */
struct err *db_wire_encode(struct db_wire *wire, const struct db_statement *st, const struct db_prepared *prepared,
			   const struct db_params *p) ERR_MUST_USE;

/* db_error() turns a failed result (or, when NULL, the connection's state) into an error and keeps SQLSTATE and constraint. */
struct err *db_error(struct db *self, const char *what, const PGresult *result) ERR_MUST_USE;

int64_t db_be_int(const uint8_t *p, size_t len);

#endif
