/*
 * result.c - typed reading of query results in binary format. See db.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/log.h"
#include "db/db_priv.h"

#define PG_EPOCH_MS INT64_C(946684800000)

void db_result_destroy(struct db_result **self)
{
	if (*self == NULL)
		return;
	PQclear((*self)->pg);
	free(*self);
	*self = NULL;
}

size_t db_num_rows(const struct db_result *r)
{
	return (size_t)PQntuples(r->pg);
}

bool db_is_null(const struct db_result *r, size_t row, int column)
{
	return PQgetisnull(r->pg, (int)row, column) != 0;
}

static struct slice value_of(const struct db_result *r, size_t row, int column)
{
	if (row >= db_num_rows(r) || column >= PQnfields(r->pg))
		panic("result has no row %zu, column %d", row, column);
	if (db_is_null(r, row, column))
		panic("column %s is NULL", PQfname(r->pg, column));
	return SLICE(PQgetvalue(r->pg, (int)row, column), (size_t)PQgetlength(r->pg, (int)row, column));
}

_Noreturn static void wrong_type(const struct db_result *r, int column, const char *wanted)
{
	panic("column %s has type %u and is read as %s", PQfname(r->pg, column), PQftype(r->pg, column), wanted);
}

int64_t db_get_int64(const struct db_result *r, size_t row, int column)
{
	struct slice v = value_of(r, row, column);
	Oid type = PQftype(r->pg, column);

	if (type != OID_INT2 && type != OID_INT4 && type != OID_INT8)
		wrong_type(r, column, "integer");
	return db_be_int(v.p, v.len);
}

bool db_get_bool(const struct db_result *r, size_t row, int column)
{
	struct slice v = value_of(r, row, column);

	if (PQftype(r->pg, column) != OID_BOOL)
		wrong_type(r, column, "boolean");
	return v.p[0] != 0;
}

static bool is_text(Oid type)
{
	return type == OID_TEXT || type == OID_VARCHAR || type == OID_NAME;
}

const char *db_get_text(const struct db_result *r, size_t row, int column)
{
	struct slice v = value_of(r, row, column);

	if (!is_text(PQftype(r->pg, column)))
		wrong_type(r, column, "text");
	return (const char *)v.p; /* libpq ends every value with a NUL */
}

struct slice db_get_bytes(const struct db_result *r, size_t row, int column)
{
	struct slice v = value_of(r, row, column);

	if (PQftype(r->pg, column) != OID_BYTEA && !is_text(PQftype(r->pg, column)))
		wrong_type(r, column, "octets");
	return v;
}

int64_t db_get_time_ms(const struct db_result *r, size_t row, int column)
{
	struct slice v = value_of(r, row, column);

	if (PQftype(r->pg, column) != OID_TIMESTAMPTZ)
		wrong_type(r, column, "time");
	int64_t us = db_be_int(v.p, v.len);
	int64_t ms = us / 1000 - (us % 1000 < 0 ? 1 : 0);
	return ms + PG_EPOCH_MS;
}
