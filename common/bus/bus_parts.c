/*
 * bus_parts.c - joins the parts of a large body. See bus_priv.h and PROTOCOL.md "Envelope".
 *
 * Parts of one body come in order over one connection; anything else means that some were lost with a connection, and
 * the body begins anew with its part 0. Memory is bounded by the limit of the message's type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/bus_priv.h"

uint32_t bus_parts_of(size_t body_len)
{
	return body_len == 0 ? 1 : (uint32_t)((body_len + MSG_PART_BYTES - 1) / MSG_PART_BYTES);
}

void bus_parts_clear(struct bus_parts *self)
{
	buf_clear(&self->body);
	self->next = 0;
}

static struct err *parts_add(struct bus_parts *self, const struct msg_header *header, struct slice bytes)
{
	const struct msg_type_info *row = msg_type_find(header->type);
	bool is_last = header->part + 1 == header->num_parts;

	ENSURE(row != NULL, BAD_INPUT, "unknown type");
	if (header->part == 0) {
		bus_parts_clear(self);
		self->body.max = row->max_bytes;
	}
	ENSURE(header->part == self->next, BAD_INPUT, "part %u of a body came where part %u was due",
	       (unsigned)header->part, (unsigned)self->next);
	ENSURE(is_last ? bytes.len <= MSG_PART_BYTES : bytes.len == MSG_PART_BYTES, BAD_INPUT,
	       "part %u of %u has %zu bytes", (unsigned)header->part, (unsigned)header->num_parts, bytes.len);
	ENSURE((size_t)header->num_parts <= bus_parts_of(row->max_bytes), TOO_LARGE,
	       "%s: a body in %u parts is more than the limit of %zu bytes", row->name, (unsigned)header->num_parts,
	       row->max_bytes);
	TRY(buf_append(&self->body, bytes));
	self->next++;
	return NULL;
}

struct err *bus_parts_add(struct bus_parts *self, bool *out_whole, const struct msg_header *header, struct slice bytes)
{
	struct err *e = parts_add(self, header, bytes);

	if (e != NULL) {
		bus_parts_clear(self);
		return e;
	}
	*out_whole = self->next == header->num_parts;
	return NULL;
}
