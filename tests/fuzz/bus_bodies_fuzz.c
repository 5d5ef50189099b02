/*
 * bus_bodies_fuzz.c - every body of the bus against arbitrary bytes: the first octet chooses the message.
 *
 * Beside not crashing: a body that is accepted is, encoded again, the same bytes, so each has exactly one form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "support/msg_any.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t num;
	const struct msg_type_info *list = msg_type_list(&num);

	if (size == 0)
		return 0;
	OWN(buf) again = BUF_INIT(64 << 20);
	OWN(err) e = msg_any_again(&again, list[data[0] % num].number, SLICE(data + 1, size - 1));
	if (e == NULL && !slice_equal(buf_slice(&again), SLICE(data + 1, size - 1)))
		abort();
	return 0;
}
