/*
 * sign.c - bytes become a signature, checked before it leaves. See sign.h.
 *
 * The bytes are hashed once; the digest is signed and then verified with kept contexts. Keys that hash by themselves
 * (Ed25519) go through the one-shot calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/sign.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

struct signer {
	const struct sign_key *key;
	const EVP_MD *md; /* NULL: the key hashes by itself */
	EVP_MD_CTX *hash;
	EVP_PKEY_CTX *sign, *verify;
	bool in_stream;
};

static struct err *pkey_ctx(EVP_PKEY_CTX **out, EVP_PKEY *key, const EVP_MD *md, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	if (ctx == NULL || init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, md) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return ERR_OPENSSL(SYSTEM, "preparing a key for signatures");
	}
	*out = ctx;
	return NULL;
}

struct err *signer_create(struct signer **out, const struct sign_key *key)
{
	OWN(signer) self = calloc(1, sizeof *self);
	const char *digest = sign_key_suite(key)->digest;

	ENSURE(self != NULL, NO_MEMORY, "signer");
	self->key = key;
	self->hash = EVP_MD_CTX_new();
	ENSURE(self->hash != NULL, NO_MEMORY, "signer");
	if (digest != NULL) {
		self->md = EVP_get_digestbyname(digest);
		ENSURE(self->md != NULL, BUG, "no digest %s", digest);
		TRY(pkey_ctx(&self->sign, sign_key_private(key), self->md, EVP_PKEY_sign_init));
		TRY(pkey_ctx(&self->verify, sign_key_private(key), self->md, EVP_PKEY_verify_init));
	}
	*out = TAKE(self);
	return NULL;
}

void signer_destroy(struct signer **self)
{
	if (*self == NULL)
		return;
	EVP_PKEY_CTX_free((*self)->sign);
	EVP_PKEY_CTX_free((*self)->verify);
	EVP_MD_CTX_free((*self)->hash);
	free(*self);
	*self = NULL;
}

const struct sign_key *signer_key(const struct signer *self)
{
	return self->key;
}

static struct err *sign_digest(struct signer *self, uint8_t *out, size_t *len)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;

	if (EVP_DigestFinal_ex(self->hash, digest, &digest_len) != 1 ||
	    EVP_PKEY_sign(self->sign, out, len, digest, digest_len) != 1)
		return ERR_OPENSSL(SYSTEM, "signing with the key %s.%s", sign_key_issuer(self->key),
				   sign_use_word(sign_key_use(self->key)));
	if (sign_key_use(self->key) == SIGN_USE_OCSP)
		return NULL;
	if (EVP_PKEY_verify(self->verify, out, *len, digest, digest_len) != 1)
		return ERR_OPENSSL(BUG, "a signature by the key %s.%s does not verify; it was thrown away",
				   sign_key_issuer(self->key), sign_use_word(sign_key_use(self->key)));
	return NULL;
}

static struct err *sign_whole(struct signer *self, uint8_t *out, size_t *len, struct slice bytes)
{
	EVP_PKEY *key = sign_key_private(self->key);

	EVP_MD_CTX_reset(self->hash);
	if (EVP_DigestSignInit(self->hash, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(self->hash, out, len, bytes.p, bytes.len) != 1)
		return ERR_OPENSSL(SYSTEM, "signing with the key %s", sign_use_word(sign_key_use(self->key)));
	EVP_MD_CTX_reset(self->hash);
	if (EVP_DigestVerifyInit(self->hash, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestVerify(self->hash, out, *len, bytes.p, bytes.len) != 1)
		return ERR_OPENSSL(BUG, "a signature by the key %s does not verify; it was thrown away",
				   sign_use_word(sign_key_use(self->key)));
	return NULL;
}

/* Signs into room taken in `out`; `bytes` only for keys that hash by themselves. */
static struct err *sign_into(struct signer *self, struct buf *out, struct slice bytes)
{
	size_t len = sign_key_suite(self->key)->max_signature_len;
	uint8_t *at;
	size_t before = out->len;

	TRY(buf_extend(out, &at, len));
	struct err *e = self->md == NULL ? sign_whole(self, at, &len, bytes) : sign_digest(self, at, &len);
	out->len = e == NULL ? before + len : before;
	return e;
}

struct err *signer_sign(struct signer *self, struct buf *out_signature, struct slice bytes)
{
	if (self->md != NULL) {
		TRY(signer_stream_begin(self));
		TRY(signer_stream_update(self, bytes));
	}
	self->in_stream = false;
	return sign_into(self, out_signature, bytes);
}

struct err *signer_stream_begin(struct signer *self)
{
	ENSURE(self->md != NULL, BUG, "this key cannot sign a stream");
	if (EVP_DigestInit_ex(self->hash, self->md, NULL) != 1)
		return ERR_OPENSSL(SYSTEM, "hashing");
	self->in_stream = true;
	return NULL;
}

struct err *signer_stream_update(struct signer *self, struct slice piece)
{
	ENSURE(self->in_stream, BUG, "a piece outside a stream");
	if (EVP_DigestUpdate(self->hash, piece.p, piece.len) != 1)
		return ERR_OPENSSL(SYSTEM, "hashing");
	return NULL;
}

struct err *signer_stream_end(struct signer *self, struct buf *out_signature)
{
	ENSURE(self->in_stream, BUG, "the end of a stream that was not begun");
	self->in_stream = false;
	return sign_into(self, out_signature, SLICE_NONE);
}
