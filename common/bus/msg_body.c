/*
 * msg_body.c - the one reader and the one writer of all bodies. See msg_body.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/msg_body.h"

#include <stdlib.h>
#include <string.h>

/* An array that a decode made. */
struct msg_mem {
	struct msg_mem *next;
	max_align_t bytes[];
};

void msg_mem_free(struct msg_mem **self)
{
	while (*self != NULL) {
		struct msg_mem *next = (*self)->next;

		free(*self);
		*self = next;
	}
}

static struct err *mem_array(void **out, struct msg_mem **mem, size_t num, size_t size)
{
	*out = NULL;
	if (num == 0)
		return NULL;
	struct msg_mem *m = calloc(1, sizeof *m + num * size); /* num and size are bounded by the shape */
	ENSURE(m != NULL, NO_MEMORY, "array of %zu elements", num);
	m->next = *mem;
	*mem = m;
	*out = m->bytes;
	return NULL;
}

/* ---- decode ---- */

/* Counts the elements of a SEQUENCE OF without reading into them. */
static struct err *count_elements(size_t *out, struct der_reader in, const struct msg_field *f)
{
	*out = 0;
	while (!der_reader_done(&in)) {
		struct der_tlv element;

		ENSURE_FIELD(*out < f->num_max, TOO_LARGE, f->name, "more than %zu elements", f->num_max);
		TRY(der_next(&in, &element, f->name));
		(*out)++;
	}
	return NULL;
}

static struct err *list_decode(uint8_t *base, struct msg_mem **mem, const struct msg_field *f, struct der_reader *in)
{
	struct der_reader list;
	size_t num, size = f->kind == MSG_KIND_SLICES ? sizeof(struct slice) : f->shape->size;
	void *array;

	TRY(der_expect_sequence(in, &list, f->name));
	TRY(count_elements(&num, list, f));
	TRY(mem_array(&array, mem, num, size));
	for (size_t i = 0; i < num; i++) {
		uint8_t *element = (uint8_t *)array + i * size;

		if (f->kind == MSG_KIND_SLICES)
			TRY(der_read_octets(&list, (struct slice *)(void *)element, (size_t)f->min, (size_t)f->max,
					    f->name));
		else
			TRY(msg_shape_decode(element, mem, f->shape, &list));
	}
	*(void **)(void *)(base + f->offset) = array;
	*(size_t *)(void *)(base + f->other) = num;
	return NULL;
}

static struct err *optional_decode(uint8_t *base, const struct msg_field *f, struct der_reader *in)
{
	struct der_reader inner;
	bool is_there = der_peek(in, DER_CONTEXT_CONSTRUCTED(0));

	*(bool *)(base + f->other) = is_there;
	if (!is_there)
		return NULL;
	TRY(der_enter(in, &inner, DER_CONTEXT_CONSTRUCTED(0), f->name));
	TRY(der_read_uint(&inner, (int64_t *)(void *)(base + f->offset), f->name));
	return der_finish(&inner, f->name);
}

static struct err *field_decode(uint8_t *base, struct msg_mem **mem, const struct msg_field *f, struct der_reader *in)
{
	void *at = base + f->offset;
	int64_t value;

	switch (f->kind) {
	case MSG_KIND_UINT:
		return der_read_uint(in, at, f->name);
	case MSG_KIND_ENUM:
		TRY(der_read_enumerated(in, &value, f->name));
		ENSURE_FIELD(value >= f->min && value <= f->max, BAD_INPUT, f->name, "unknown value %lld",
			     (long long)value);
		*(int64_t *)at = value;
		return NULL;
	case MSG_KIND_OPTIONAL:
		return optional_decode(base, f, in);
	case MSG_KIND_OCTETS:
		return der_read_octets(in, at, (size_t)f->min, (size_t)f->max, f->name);
	case MSG_KIND_TEXT:
		return der_read_utf8(in, at, (size_t)f->min, (size_t)f->max, f->name);
	case MSG_KIND_SERIAL:
		return der_read_serial(in, at, f->name);
	case MSG_KIND_SLICES:
	case MSG_KIND_LIST:
		break;
	}
	return list_decode(base, mem, f, in);
}

struct err *msg_shape_decode(void *out, struct msg_mem **mem, const struct msg_shape *shape, struct der_reader *in)
{
	struct der_reader inner;

	TRY(der_expect_sequence(in, &inner, "body"));
	for (size_t i = 0; i < shape->num_fields; i++)
		TRY(field_decode(out, mem, &shape->fields[i], &inner));
	return der_finish(&inner, "body");
}

static struct err *whole_decode(void *out, struct msg_mem **mem, const struct msg_shape *shape, struct slice der)
{
	struct der_reader in;

	der_reader_init(&in, der);
	TRY(msg_shape_decode(out, mem, shape, &in));
	return der_finish(&in, "body");
}

struct err *msg_body_decode(void *out, struct msg_mem **mem, const struct msg_shape *shape, struct slice der,
			    unsigned type)
{
	const struct msg_type_info *row = msg_type_find(type);

	ENSURE(row != NULL, BUG, "message %#x is not in the list", type);
	ENSURE(der.len <= row->max_bytes, TOO_LARGE, "%s: a body of %zu bytes, the limit is %zu", row->name, der.len,
	       row->max_bytes);
	struct err *e = whole_decode(out, mem, shape, der);
	if (e == NULL)
		return NULL;
	msg_mem_free(mem);
	return ERR_WRAP(e, "%s", row->name);
}

/* ---- encode ---- */

static struct err *octets_encode(struct buf *out, const struct msg_field *f, struct slice bytes)
{
	ENSURE_FIELD(bytes.len >= (size_t)f->min && bytes.len <= (size_t)f->max, BUG, f->name,
		     "%zu octets, %lld to %lld expected", bytes.len, (long long)f->min, (long long)f->max);
	return f->kind == MSG_KIND_TEXT ? der_utf8(out, bytes) : der_octets(out, bytes);
}

static struct err *list_encode(struct buf *out, const struct msg_field *f, const uint8_t *base)
{
	const uint8_t *array = *(const uint8_t *const *)(const void *)(base + f->offset);
	size_t num = *(const size_t *)(const void *)(base + f->other);
	size_t mark;

	ENSURE_FIELD(num <= f->num_max, TOO_LARGE, f->name, "%zu elements, the limit is %zu", num, f->num_max);
	TRY(der_open(out, &mark, DER_SEQUENCE));
	for (size_t i = 0; i < num; i++) {
		if (f->kind == MSG_KIND_SLICES)
			TRY(octets_encode(out, f, ((const struct slice *)(const void *)array)[i]));
		else
			TRY(msg_shape_encode(out, f->shape, array + i * f->shape->size));
	}
	return der_close(out, mark);
}

static struct err *optional_encode(struct buf *out, const struct msg_field *f, const uint8_t *base)
{
	size_t mark;

	if (!*(const bool *)(base + f->other))
		return NULL;
	TRY(der_open(out, &mark, DER_CONTEXT_CONSTRUCTED(0)));
	TRY(der_int64(out, *(const int64_t *)(const void *)(base + f->offset)));
	return der_close(out, mark);
}

static struct err *number_encode(struct buf *out, const struct msg_field *f, int64_t value)
{
	int64_t max = f->kind == MSG_KIND_ENUM ? f->max : INT64_MAX;

	ENSURE_FIELD(value >= f->min && value <= max, BUG, f->name, "value %lld is out of its range", (long long)value);
	return f->kind == MSG_KIND_ENUM ? der_enumerated(out, value) : der_int64(out, value);
}

static struct err *field_encode(struct buf *out, const struct msg_field *f, const uint8_t *base)
{
	const void *at = base + f->offset;

	switch (f->kind) {
	case MSG_KIND_UINT:
	case MSG_KIND_ENUM:
		return number_encode(out, f, *(const int64_t *)at);
	case MSG_KIND_OPTIONAL:
		return optional_encode(out, f, base);
	case MSG_KIND_OCTETS:
	case MSG_KIND_TEXT:
		return octets_encode(out, f, *(const struct slice *)at);
	case MSG_KIND_SERIAL:
		return der_serial(out, at);
	case MSG_KIND_SLICES:
	case MSG_KIND_LIST:
		break;
	}
	return list_encode(out, f, base);
}

struct err *msg_shape_encode(struct buf *out, const struct msg_shape *shape, const void *object)
{
	const uint8_t *base = object;
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	for (size_t i = 0; i < shape->num_fields; i++)
		TRY(field_encode(out, &shape->fields[i], base));
	return der_close(out, mark);
}

struct err *msg_body_encode(struct buf *out, const struct msg_shape *shape, const void *body, unsigned type)
{
	const struct msg_type_info *row = msg_type_find(type);
	size_t before = out->len;

	ENSURE(row != NULL, BUG, "message %#x is not in the list", type);
	struct err *e = msg_shape_encode(out, shape, body);
	if (e == NULL && out->len - before > row->max_bytes)
		e = ERR(TOO_LARGE, "a body of %zu bytes, the limit is %zu", out->len - before, row->max_bytes);
	if (e == NULL)
		return NULL;
	out->len = before;
	return ERR_WRAP(e, "%s", row->name);
}
