/*
 * code.c - one-time codes. See code.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/code.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "asn1/der.h"

enum { SALT = 16 };

struct err *ra_code_new(char out[RA_CODE_SIZE])
{
	uint32_t value;

	/* 4,294 whole millions fit in 32 bits; what is above them is drawn anew, so that no code is likelier. */
	do {
		if (RAND_bytes((unsigned char *)&value, sizeof value) != 1)
			return ERR_OPENSSL(SYSTEM, "drawing a one-time code");
	} while (value >= 4294000000u);
	(void)snprintf(out, RA_CODE_SIZE, "%06u", value % 1000000u);
	return NULL;
}

static struct err *digest(uint8_t out[32], const uint8_t *salt, const char *number, const char *code)
{
	OWN(buf) text = BUF_INIT_SECRET(256);

	TRY(buf_append(&text, SLICE(salt, SALT)));
	TRY(buf_append_str(&text, number));
	TRY(buf_append_u8(&text, 0));
	TRY(buf_append_str(&text, code));
	der_sha256(out, buf_slice(&text));
	return NULL;
}

struct err *ra_code_hash(uint8_t out[RA_CODE_HASH_SIZE], const char *number, const char *code)
{
	if (RAND_bytes(out, SALT) != 1)
		return ERR_OPENSSL(SYSTEM, "drawing a salt");
	return digest(out + SALT, out, number, code);
}

bool ra_code_fits(struct slice hash, const char *number, const char *typed)
{
	uint8_t got[32];

	if (hash.len != RA_CODE_HASH_SIZE)
		return false;
	OWN(err) e = digest(got, hash.p, number, typed);
	return e == NULL && CRYPTO_memcmp(got, hash.p + SALT, sizeof got) == 0;
}
