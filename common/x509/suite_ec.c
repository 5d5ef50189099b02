/*
 * suite_ec.c - keys on curves: P-256 with ECDSA for certificates, Ed25519 for log heads and the journal.
 *
 * Points are accepted in the uncompressed form alone and must lie on the curve (RFC 5480 §2.2, SP 800-56A §5.6.2.3.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#include "x509/suite_internal.h"

enum { P256_POINT = 65, ED25519_POINT = 32 };

OWN_POINTER(ec_pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
OWN_POINTER(ec_pkey, EVP_PKEY *, EVP_PKEY_free)

static struct err *p256_size(int *out_bits, struct slice key)
{
	ENSURE(key.len == P256_POINT && key.p[0] == 0x04, BAD_INPUT,
	       "the key's point must be in uncompressed form, 65 octets (RFC 5480 §2.2)");
	*out_bits = 256;
	return NULL;
}

static struct err *p256_decode(EVP_PKEY **out, const struct suite *row, struct slice key)
{
	EVP_PKEY *made = NULL;
	uint8_t point[P256_POINT];
	char group[16];
	int bits = 0;

	TRY(p256_size(&bits, key));
	memcpy(point, key.p, sizeof point);
	memcpy(group, row->group, strlen(row->group) + 1);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
		OSSL_PARAM_construct_end(),
	};
	OWN(ec_pkey_ctx) ctx = EVP_PKEY_CTX_new_from_name(NULL, row->key_type, NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return ERR_OPENSSL(BAD_INPUT, "the key's point is not on the curve");
	*out = made;
	return NULL;
}

static struct err *p256_strength(const struct suite *row, struct slice key)
{
	OWN(ec_pkey) decoded = NULL;
	OWN(err) e = p256_decode(&decoded, row, key);

	ENSURE_FIELD(e == NULL, BAD_INPUT, "csr", "the key is broken: its point is not on the curve %s", row->group);
	OWN(ec_pkey_ctx) ctx = EVP_PKEY_CTX_new_from_pkey(NULL, decoded, NULL);
	ENSURE_FIELD(ctx != NULL && EVP_PKEY_public_check(ctx) == 1, BAD_INPUT, "csr",
		     "the key is broken: its point is no valid one of the curve %s", row->group);
	return NULL;
}

static struct err *p256_generate(EVP_PKEY **out, const struct suite *row)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, row->key_type, row->group);

	if (key == NULL)
		return ERR_OPENSSL(SYSTEM, "making a key of %s", row->name);
	*out = key;
	return NULL;
}

const struct suite_ops suite_p256_ops = {
	.size = p256_size,
	.decode = p256_decode,
	.strength = p256_strength,
	.verify = suite_evp_verify,
	.generate = p256_generate,
};

static struct err *ed25519_size(int *out_bits, struct slice key)
{
	ENSURE(key.len == ED25519_POINT, BAD_INPUT, "an Ed25519 key has 32 octets (RFC 8410 §4)");
	*out_bits = 256;
	return NULL;
}

static struct err *ed25519_decode(EVP_PKEY **out, const struct suite *row, struct slice key)
{
	int bits = 0;

	TRY(ed25519_size(&bits, key));
	EVP_PKEY *made = EVP_PKEY_new_raw_public_key_ex(NULL, row->key_type, NULL, key.p, key.len);
	if (made == NULL)
		return ERR_OPENSSL(BAD_INPUT, "the key is refused by libcrypto");
	*out = made;
	return NULL;
}

static struct err *ed25519_strength(const struct suite *row, struct slice key)
{
	(void)key;
	return ERR_FIELD(BAD_INPUT, "csr", "keys of the algorithm %s are not accepted", row->name);
}

static struct err *ed25519_generate(EVP_PKEY **out, const struct suite *row)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, row->key_type);

	if (key == NULL)
		return ERR_OPENSSL(SYSTEM, "making a key of %s", row->name);
	*out = key;
	return NULL;
}

const struct suite_ops suite_ed25519_ops = {
	.size = ed25519_size,
	.decode = ed25519_decode,
	.strength = ed25519_strength,
	.verify = suite_evp_verify,
	.generate = ed25519_generate,
};
