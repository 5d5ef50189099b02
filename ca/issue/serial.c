/*
 * serial.c - see serial.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/serial.h"

#include <openssl/rand.h>

enum { FIRST_LEAST = 0x10, FIRST_VALUES = 0x70 };

struct err *issue_serial_random(struct serial *out)
{
	/* Values that would favour some first octets are drawn again: 224 is the largest multiple of 112 in an octet. */
	do {
		if (RAND_bytes(out->b, SERIAL_MAX_LEN) != 1)
			return ERR_OPENSSL(SYSTEM, "no random serial number");
	} while (out->b[0] >= 2 * FIRST_VALUES);
	out->b[0] = (uint8_t)(FIRST_LEAST + out->b[0] % FIRST_VALUES);
	out->len = SERIAL_MAX_LEN;
	return NULL;
}
