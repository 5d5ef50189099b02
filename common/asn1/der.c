/*
 * der.c - decoding and encoding by OpenSSL templates, behind the gate; SHA-256.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/evp.h>
#include <pthread.h>

#include "asn1/der.h"
#include "base/log.h"

struct err *der_decode(void **out, const ASN1_ITEM *item, struct slice der, size_t max_len)
{
	TRY(der_strict(der, max_len));
	const uint8_t *p = der.p;
	ASN1_VALUE *value = ASN1_item_d2i(NULL, &p, (long)der.len, item);
	if (value == NULL)
		return ERR_OPENSSL(BAD_INPUT, "DER: not in the form of its type");
	if (p != der.p + der.len) {
		ASN1_item_free(value, item);
		return ERR(BAD_INPUT, "DER: octets follow the value");
	}
	*out = value;
	return NULL;
}

struct err *der_encode(struct buf *out, const ASN1_ITEM *item, const void *object)
{
	size_t before = out->len;
	int len = ASN1_item_i2d(object, NULL, item);

	if (len <= 0)
		return ERR_OPENSSL(BUG, "DER: the object has no encoding");
	uint8_t *p;
	TRY(buf_extend(out, &p, (size_t)len));
	if (ASN1_item_i2d(object, &p, item) != len) {
		out->len = before;
		return ERR_OPENSSL(BUG, "DER: the object changed while it was encoded");
	}
	return NULL;
}

static EVP_MD *sha256_method;

static void sha256_fetch(void)
{
	sha256_method = EVP_MD_fetch(NULL, "SHA2-256", NULL);
}

void der_sha256(uint8_t out[SHA256_LEN], struct slice bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (pthread_once(&once, sha256_fetch) != 0 || sha256_method == NULL ||
	    EVP_Digest(bytes.p, bytes.len, out, NULL, sha256_method, NULL) != 1)
		panic("SHA-256 does not work");
}
