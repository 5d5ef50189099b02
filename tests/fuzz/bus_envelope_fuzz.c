/*
 * bus_envelope_fuzz.c - the header of bus messages and the joining of parts against arbitrary bytes.
 *
 * Input: records of [length of header][header][length / 8 of part][part], fed one after the other as one peer would. Beside
 * not crashing: what is read as a header is, encoded again, the same bytes; a joined body never passes its type's limit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "bus/bus_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_header(const struct msg_header *header, struct slice der)
{
	OWN(buf) again = BUF_INIT(MSG_HEADER_MAX);
	OWN(err) e = msg_header_encode(&again, header);

	if (e != NULL || !slice_equal(buf_slice(&again), der))
		abort();
	if (header->part >= header->num_parts || header->num_parts > MSG_PARTS_MAX)
		abort();
}

static struct slice take(const uint8_t **at, const uint8_t *end, size_t unit)
{
	if (*at == end)
		return SLICE_NONE;
	size_t n = (size_t) * (*at)++ * unit;
	if (n > (size_t)(end - *at))
		n = (size_t)(end - *at);
	struct slice taken = SLICE(*at, n);
	*at += n;
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *end = data + size;
	struct bus_parts parts = { .body = BUF_INIT(0) };

	while (at < end) {
		struct slice der = take(&at, end, 1);
		struct slice part = take(&at, end, 8);
		struct msg_header header;
		bool is_whole = false;
		OWN(err) e = msg_header_decode(&header, der);

		if (e != NULL)
			continue;
		check_header(&header, der);
		OWN(err) joined = bus_parts_add(&parts, &is_whole, &header, part);
		if (parts.body.len > msg_type_find(header.type)->max_bytes)
			abort();
	}
	bus_parts_clear(&parts);
	return 0;
}
