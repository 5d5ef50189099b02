/*
 * copy.c - COPY ... TO STDOUT in binary format: the fastest way out of the ledger. See db.h.
 *
 * PostgreSQL promises no relation between rows and messages, so rows are cut from the stream; in practice each message
 * holds one row and nothing is copied. Format: PostgreSQL documentation, COPY, "Binary Format".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_priv.h"

enum { SIGNATURE_LEN = 11, HEADER_LEN = SIGNATURE_LEN + 8, ROW_MAX = 256 * 1024 * 1024 };

struct db_copy {
	struct db *db;
	const char *name;
	char *message; /* libpq's, holds what `rest` points into unless that is in `pending` */
	struct slice rest;
	struct buf pending;
	bool has_header;
	bool is_done; /* nothing more will come */
};

/* ---- the statement with its parameters as literals */

static struct err *append_literal(PGconn *pg, struct buf *sql, const struct db_param *param)
{
	OWN(buf) text = BUF_INIT(1024 * 1024);
	const char *z;

	switch (param->kind) {
	case DB_PARAM_NULL:
		return buf_append_str(sql, "NULL");
	case DB_PARAM_INT:
		/* Quoted, so that a minus sign cannot join an operator before it. */
		return buf_printf(sql, "'%lld'", (long long)param->number);
	case DB_PARAM_BOOL:
		return buf_append_str(sql, param->number != 0 ? "true" : "false");
	case DB_PARAM_BYTES:
		break;
	case DB_PARAM_INTS:
	case DB_PARAM_SLICES:
		return ERR(BUG, "COPY takes no arrays");
	}
	TRY(buf_append(&text, param->bytes));
	TRY(buf_str(&text, &z));
	char *quoted = PQescapeLiteral(pg, z, text.len);
	ENSURE(quoted != NULL, BAD_INPUT, "a text cannot be quoted: %s", PQerrorMessage(pg));
	struct err *e = buf_append_str(sql, quoted);
	PQfreemem(quoted);
	return e;
}

static struct err *append_bytea_literal(struct buf *sql, struct slice bytes)
{
	TRY(buf_append_str(sql, "'\\x"));
	for (size_t i = 0; i < bytes.len; i++)
		TRY(buf_printf(sql, "%02x", bytes.p[i]));
	return buf_append_str(sql, "'::bytea");
}

static struct err *append_param(struct db *db, struct buf *sql, size_t statement, const struct db_params *p, long n)
{
	ENSURE(n >= 1 && n <= p->num, BUG, "there is no parameter $%ld", n);
	const struct db_param *param = &p->items[n - 1];
	Oid type = db->prepared[statement].types[n - 1];
	if (param->kind == DB_PARAM_BYTES && type != OID_TEXT && type != OID_VARCHAR && type != OID_NAME)
		return append_bytea_literal(sql, param->bytes);
	return append_literal(db->pg, sql, param);
}

static struct err *copy_sql(struct db *db, struct buf *sql, size_t statement, const struct db_params *p)
{
	const char *at = db->conf.statements[statement].sql;

	TRY(buf_append_str(sql, "COPY ("));
	while (*at != '\0') {
		if (at[0] == '$' && isdigit((unsigned char)at[1])) {
			char *end;
			long n = strtol(at + 1, &end, 10);
			TRY(append_param(db, sql, statement, p, n));
			at = end;
		} else {
			TRY(buf_append_u8(sql, (uint8_t)*at++));
		}
	}
	return buf_append_str(sql, ") TO STDOUT (FORMAT binary)");
}

struct err *db_copy_open(struct db *self, struct db_copy **out, size_t statement, const struct db_params *p)
{
	static const struct db_params none = DB_PARAMS_INIT;
	OWN(buf) sql = BUF_INIT(1024 * 1024);
	const char *text;

	ENSURE(statement < self->conf.num_statements, BUG, "statement %zu is not in the list", statement);
	const struct db_statement *st = &self->conf.statements[statement];
	if (!db_is_connected(self))
		return db_error(self, st->name, NULL);
	p = p == NULL ? &none : p;
	ENSURE(p->num == st->num_params, BUG, "%s takes %d parameters, %d are given", st->name, st->num_params, p->num);
	TRY(copy_sql(self, &sql, statement, p));
	TRY(buf_str(&sql, &text));
	PGresult *r = PQexec(self->pg, text);
	struct err *e = PQresultStatus(r) == PGRES_COPY_OUT ? NULL : db_error(self, st->name, r);
	PQclear(r);
	if (e != NULL)
		return e;
	struct db_copy *copy = calloc(1, sizeof *copy);
	ENSURE(copy != NULL, NO_MEMORY, "COPY");
	*copy = (struct db_copy){ .db = self, .name = st->name, .pending = BUF_INIT(ROW_MAX) };
	*out = copy;
	return NULL;
}

/* ---- the stream */

/* The COPY has ended: says how. */
static struct err *finish(struct db_copy *self)
{
	struct err *e = NULL;
	PGresult *r;

	self->is_done = true;
	while ((r = PQgetResult(self->db->pg)) != NULL) {
		if (e == NULL && PQresultStatus(r) != PGRES_COMMAND_OK)
			e = db_error(self->db, self->name, r);
		PQclear(r);
	}
	if (e == NULL && PQstatus(self->db->pg) != CONNECTION_OK)
		e = db_error(self->db, self->name, NULL);
	return e;
}

/* Appends the next message to what is left of the stream. *out_more false: there is none. */
static struct err *read_message(struct db_copy *self, bool *out_more)
{
	char *message = NULL;
	bool is_pending = self->rest.len > 0;

	*out_more = false;
	if (self->is_done)
		return NULL;
	if (is_pending) {
		OWN(buf) left = BUF_INIT(ROW_MAX);
		TRY(buf_append(&left, self->rest));
		buf_move(&self->pending, &left);
	}
	int n = PQgetCopyData(self->db->pg, &message, 0);
	if (n < 0)
		return finish(self);
	PQfreemem(self->message);
	self->message = message;
	self->rest = SLICE(message, (size_t)n);
	if (is_pending) {
		TRY(buf_append(&self->pending, self->rest));
		self->rest = buf_slice(&self->pending);
	}
	*out_more = true;
	return NULL;
}

static bool take(struct slice *from, struct slice *out, size_t len)
{
	if (from->len < len)
		return false;
	*out = SLICE(from->p, len);
	*from = SLICE(from->p + len, from->len - len);
	return true;
}

static struct err *parse_header(struct db_copy *self, bool *out_complete)
{
	struct slice at = self->rest, head, extension;

	*out_complete = false;
	if (!take(&at, &head, HEADER_LEN))
		return NULL;
	ENSURE(memcmp(head.p, "PGCOPY\n\377\r\n\0", SIGNATURE_LEN) == 0, BUG, "%s: this is no binary COPY", self->name);
	int64_t len = db_be_int(head.p + SIGNATURE_LEN + 4, 4);
	ENSURE(len >= 0, BUG, "%s: bad COPY header", self->name);
	if (!take(&at, &extension, (size_t)len))
		return NULL;
	self->rest = at;
	self->has_header = true;
	*out_complete = true;
	return NULL;
}

/* *out_complete false: the row goes on in the next message. *out_row false: the end mark. */
static struct err *parse_row(struct db_copy *self, struct slice *fields, size_t num, bool *out_complete, bool *out_row)
{
	struct slice at = self->rest, number;

	*out_complete = false;
	*out_row = false;
	if (!take(&at, &number, 2))
		return NULL;
	int64_t count = db_be_int(number.p, 2);
	if (count != -1) {
		ENSURE(count == (int64_t)num, BUG, "%s: rows have %lld columns, %zu are asked for", self->name,
		       (long long)count, num);
		for (size_t i = 0; i < num; i++) {
			if (!take(&at, &number, 4))
				return NULL;
			int64_t len = db_be_int(number.p, 4);
			fields[i] = SLICE_NONE;
			if (len >= 0 && !take(&at, &fields[i], (size_t)len))
				return NULL;
		}
		*out_row = true;
	}
	self->rest = at;
	*out_complete = true;
	return NULL;
}

struct err *db_copy_next(struct db_copy *self, struct slice *fields, size_t num_fields, bool *out_row)
{
	for (;;) {
		bool is_complete = false, more;

		*out_row = false;
		if (!self->has_header)
			TRY(parse_header(self, &is_complete));
		if (self->has_header)
			TRY(parse_row(self, fields, num_fields, &is_complete, out_row));
		if (is_complete && *out_row)
			return NULL;
		TRY(read_message(self, &more));
		if (!more) {
			ENSURE(self->rest.len == 0, BUG, "%s: the stream ends within a row", self->name);
			return NULL;
		}
	}
}

int64_t db_copy_int64(struct slice field)
{
	return db_be_int(field.p, field.len);
}

void db_copy_destroy(struct db_copy **copy)
{
	struct db_copy *self = *copy;

	if (self == NULL)
		return;
	*copy = NULL;
	if (!self->is_done && self->db->pg != NULL) {
		char reason[256];
		PGcancel *cancel = PQgetCancel(self->db->pg);
		char *message = NULL;

		if (cancel == NULL || PQcancel(cancel, reason, sizeof reason) != 1)
			self->db->is_lost = true; /* the rows would go on coming */
		PQfreeCancel(cancel);
		while (!self->db->is_lost && PQgetCopyData(self->db->pg, &message, 0) > 0)
			PQfreemem(message);
		struct err *e = self->db->is_lost ? NULL : finish(self);
		err_destroy(&e); /* "canceling statement due to user request" is what we asked for */
	}
	PQfreemem(self->message);
	buf_clear(&self->pending);
	free(self);
}
