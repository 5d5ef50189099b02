/*
 * wire.c - typed parameters to PostgreSQL's binary format. See db.h.
 *
 * The server tells at PREPARE which type each parameter has; an integer is sent in the width it wants. Nothing here
 * allocates but the scratch buffer, which is bounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "db/db_priv.h"

/* Unix time of PostgreSQL's epoch, 2000-01-01T00:00:00Z. */
#define PG_EPOCH_MS INT64_C(946684800000)

static struct db_param *next_param(struct db_params *p)
{
	/* One too many is noticed by db_wire_encode(): the count is then past the maximum. */
	static struct db_param overflow;

	p->num++;
	return p->num <= DB_PARAMS_MAX ? &p->items[p->num - 1] : &overflow;
}

void db_null(struct db_params *p)
{
	*next_param(p) = (struct db_param){ .kind = DB_PARAM_NULL };
}

void db_int64(struct db_params *p, int64_t value)
{
	*next_param(p) = (struct db_param){ .kind = DB_PARAM_INT, .number = value };
}

void db_int64_or_null(struct db_params *p, int64_t value, bool is_null)
{
	if (is_null)
		db_null(p);
	else
		db_int64(p, value);
}

void db_bool(struct db_params *p, bool value)
{
	*next_param(p) = (struct db_param){ .kind = DB_PARAM_BOOL, .number = value };
}

void db_bytes(struct db_params *p, struct slice bytes)
{
	*next_param(p) = (struct db_param){ .kind = bytes.p == NULL ? DB_PARAM_NULL : DB_PARAM_BYTES, .bytes = bytes };
}

void db_text(struct db_params *p, const char *text)
{
	if (text == NULL)
		db_null(p);
	else
		db_text_slice(p, slice_str(text));
}

void db_text_slice(struct db_params *p, struct slice text)
{
	*next_param(p) = (struct db_param){ .kind = text.p == NULL ? DB_PARAM_NULL : DB_PARAM_BYTES, .bytes = text };
}

void db_int64_array(struct db_params *p, const int64_t *values, size_t num)
{
	*next_param(p) = (struct db_param){ .kind = DB_PARAM_INTS, .ints = values, .num = num };
}

void db_slice_array(struct db_params *p, const struct slice *values, size_t num)
{
	*next_param(p) = (struct db_param){ .kind = DB_PARAM_SLICES, .slices = values, .num = num };
}

int64_t db_be_int(const uint8_t *p, size_t len)
{
	uint64_t v = len > 0 && (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static struct err *append_be(struct buf *out, int64_t value, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)((uint64_t)value >> (8 * (width - 1 - i)));
	return buf_append(out, SLICE(bytes, width));
}

/* The width of an integer on the wire and the type of an array's elements; 0 when it is none. */
static size_t int_width(Oid type)
{
	switch (type) {
	case OID_INT2:
		return 2;
	case OID_INT4:
		return 4;
	case OID_INT8:
	case OID_TIMESTAMPTZ:
		return 8;
	default:
		return 0;
	}
}

static Oid element_type(Oid array)
{
	switch (array) {
	case OID_INT2_ARRAY:
		return OID_INT2;
	case OID_INT4_ARRAY:
		return OID_INT4;
	case OID_INT8_ARRAY:
		return OID_INT8;
	case OID_BYTEA_ARRAY:
		return OID_BYTEA;
	case OID_TEXT_ARRAY:
		return OID_TEXT;
	default:
		return 0;
	}
}

static struct err *append_int(struct buf *out, int64_t value, Oid type)
{
	size_t width = int_width(type);

	ENSURE(width != 0, BUG, "an integer is given for a parameter of type %u", type);
	if (type == OID_TIMESTAMPTZ) {
		ENSURE(value > INT64_MIN / 2000 && value < INT64_MAX / 2000, BUG, "time %lld is out of range",
		       (long long)value);
		value = (value - PG_EPOCH_MS) * 1000;
	}
	ENSURE(width == 8 || (value >= -(INT64_C(1) << (8 * width - 1)) && value < INT64_C(1) << (8 * width - 1)), BUG,
	       "%lld does not fit into a parameter of %zu octets", (long long)value, width);
	return append_be(out, value, width);
}

/* PostgreSQL: src/backend/utils/adt/arrayfuncs.c array_recv(): dimensions, has-null flag, element type, length, lower
 * bound, then each element behind its length (-1: NULL). */
static struct err *append_array(struct buf *out, const struct db_param *param, Oid type)
{
	Oid element = element_type(type);

	ENSURE(element != 0 && (param->kind == DB_PARAM_INTS) == (int_width(element) != 0), BUG,
	       "an array of another kind is given for a parameter of type %u", type);
	ENSURE(param->num <= INT32_MAX / 8, BUG, "array of %zu elements", param->num);
	TRY(append_be(out, param->num == 0 ? 0 : 1, 4));
	TRY(append_be(out, 1, 4));
	TRY(append_be(out, element, 4));
	if (param->num == 0)
		return NULL;
	TRY(append_be(out, (int64_t)param->num, 4));
	TRY(append_be(out, 1, 4));
	for (size_t i = 0; i < param->num; i++) {
		if (param->kind == DB_PARAM_INTS) {
			TRY(append_be(out, (int64_t)int_width(element), 4));
			TRY(append_int(out, param->ints[i], element));
		} else if (param->slices[i].p == NULL) {
			TRY(append_be(out, -1, 4));
		} else {
			ENSURE(param->slices[i].len <= INT32_MAX, TOO_LARGE, "array element of %zu octets",
			       param->slices[i].len);
			TRY(append_be(out, (int64_t)param->slices[i].len, 4));
			TRY(buf_append(out, param->slices[i]));
		}
	}
	return NULL;
}

static struct err *append_param(struct buf *out, const struct db_param *param, Oid type)
{
	switch (param->kind) {
	case DB_PARAM_INT:
		return append_int(out, param->number, type);
	case DB_PARAM_BOOL:
		ENSURE(type == OID_BOOL, BUG, "a boolean is given for a parameter of type %u", type);
		return buf_append_u8(out, (uint8_t)param->number);
	case DB_PARAM_INTS:
	case DB_PARAM_SLICES:
		return append_array(out, param, type);
	case DB_PARAM_BYTES:
		ENSURE(int_width(type) == 0 && type != OID_BOOL && element_type(type) == 0, BUG,
		       "octets are given for a parameter of type %u", type);
		break;
	case DB_PARAM_NULL:
		break;
	}
	return NULL;
}

struct err *db_wire_encode(struct db_wire *wire, const struct db_statement *st, const struct db_prepared *prepared,
			   const struct db_params *p)
{
	int num = p == NULL ? 0 : p->num;
	size_t starts[DB_PARAMS_MAX];

	ENSURE(num == st->num_params && num <= DB_PARAMS_MAX, BUG, "%s takes %d parameters, %d are given", st->name,
	       st->num_params, num);
	for (int i = 0; i < num; i++) {
		starts[i] = wire->scratch.len;
		struct err *e = append_param(&wire->scratch, &p->items[i], prepared->types[i]);
		if (e != NULL)
			return ERR_WRAP(e, "%s: parameter $%d", st->name, i + 1);
	}
	for (int i = 0; i < num; i++) {
		const struct db_param *param = &p->items[i];
		size_t end = i + 1 < num ? starts[i + 1] : wire->scratch.len;

		wire->formats[i] = 1;
		wire->values[i] = NULL;
		wire->lengths[i] = 0;
		if (param->kind == DB_PARAM_BYTES) {
			ENSURE(param->bytes.len <= INT_MAX, TOO_LARGE, "%s: parameter $%d has %zu octets", st->name,
			       i + 1, param->bytes.len);
			wire->values[i] = (const char *)param->bytes.p;
			wire->lengths[i] = (int)param->bytes.len;
		} else if (param->kind != DB_PARAM_NULL) {
			wire->values[i] = (const char *)wire->scratch.p + starts[i];
			wire->lengths[i] = (int)(end - starts[i]);
		}
	}
	return NULL;
}
