/*
 * sign.c - bytes become a signature, checked before it leaves. See sign.h.
 *
 * The bytes are hashed once; the digest is signed and then verified with kept contexts. Keys that hash by themselves
 * (Ed25519) go through the one-shot calls. Where the private key is, is the back-end's business: in memory, or in a token.
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
	EVP_PKEY_CTX *verify;
	void *session; /* of the key's back-end */
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

static struct err *digest_of(const EVP_MD **out, const struct suite *suite)
{
	*out = suite->digest == NULL ? NULL : EVP_get_digestbyname(suite->digest);
	ENSURE(suite->digest == NULL || *out != NULL, BUG, "no digest %s", suite->digest);
	return NULL;
}

/* ---------------------------------------------------------------- back-end: key in a file */

struct file_session {
	EVP_PKEY *key; /* borrowed */
	EVP_PKEY_CTX *sign; /* NULL: the key hashes by itself */
	EVP_MD_CTX *whole;
};

static void file_close(void *session)
{
	struct file_session *s = session;

	EVP_PKEY_CTX_free(s->sign);
	EVP_MD_CTX_free(s->whole);
	free(s);
}
OWN_POINTER(file_session, struct file_session *, file_close)

static struct err *file_open(void **out, const struct sign_key *key)
{
	OWN(file_session) s = calloc(1, sizeof *s);
	const EVP_MD *md;

	ENSURE(s != NULL, NO_MEMORY, "signer");
	ENSURE(!sign_key_is_locked(key), RETRY, "the key is not active: its custodians have to give their shares");
	s->key = sign_key_private(key);
	TRY(digest_of(&md, sign_key_suite(key)));
	if (md != NULL) {
		TRY(pkey_ctx(&s->sign, s->key, md, EVP_PKEY_sign_init));
	} else {
		s->whole = EVP_MD_CTX_new();
		ENSURE(s->whole != NULL, NO_MEMORY, "signer");
	}
	*out = TAKE(s);
	return NULL;
}

static struct err *file_sign(void *session, uint8_t *out, size_t *len, struct slice input)
{
	struct file_session *s = session;

	if (s->sign != NULL) {
		if (EVP_PKEY_sign(s->sign, out, len, input.p, input.len) != 1)
			return ERR_OPENSSL(SYSTEM, "the key does not sign");
		return NULL;
	}
	EVP_MD_CTX_reset(s->whole);
	if (EVP_DigestSignInit(s->whole, NULL, NULL, NULL, s->key) != 1 ||
	    EVP_DigestSign(s->whole, out, len, input.p, input.len) != 1)
		return ERR_OPENSSL(SYSTEM, "the key does not sign");
	return NULL;
}

const struct sign_backend sign_backend_file = { "file", file_open, file_sign, file_close };

/* ---------------------------------------------------------------- back-end: key in a token */

static struct err *token_open(void **out, const struct sign_key *key)
{
	struct pkcs11_session *session = NULL;

	TRY(pkcs11_session_open(&session, sign_key_token(key), sign_key_label(key), sign_key_suite(key)));
	*out = session;
	return NULL;
}

static struct err *token_sign(void *session, uint8_t *out, size_t *len, struct slice input)
{
	return pkcs11_session_sign(session, out, len, input);
}

static void token_close(void *session)
{
	struct pkcs11_session *s = session;

	pkcs11_session_close(&s);
}

const struct sign_backend sign_backend_pkcs11 = { "pkcs11", token_open, token_sign, token_close };

/* ---------------------------------------------------------------- signers */

static void close_session(struct signer *self)
{
	if (self->session != NULL)
		sign_key_backend(self->key)->close(self->session);
	self->session = NULL;
}

static struct err *open_session(struct signer *self)
{
	return self->session != NULL ? NULL : sign_key_backend(self->key)->open(&self->session, self->key);
}

struct err *signer_create(struct signer **out, const struct sign_key *key)
{
	OWN(signer) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "signer");
	self->key = key;
	self->hash = EVP_MD_CTX_new();
	ENSURE(self->hash != NULL, NO_MEMORY, "signer");
	TRY(digest_of(&self->md, sign_key_suite(key)));
	if (self->md != NULL)
		TRY(pkey_ctx(&self->verify, sign_key_public(key), self->md, EVP_PKEY_verify_init));
	if (!sign_key_is_locked(key)) /* a locked one is asked for when it is used */
		TRY(open_session(self));
	*out = TAKE(self);
	return NULL;
}

void signer_destroy(struct signer **self)
{
	if (*self == NULL)
		return;
	close_session(*self);
	EVP_PKEY_CTX_free((*self)->verify);
	EVP_MD_CTX_free((*self)->hash);
	free(*self);
	*self = NULL;
}

void signer_forget(struct signer *self)
{
	if (self != NULL)
		close_session(self);
}

const struct sign_key *signer_key(const struct signer *self)
{
	return self->key;
}

static struct err *verify_digest(struct signer *self, struct slice signature, struct slice digest)
{
	if (EVP_PKEY_verify(self->verify, signature.p, signature.len, digest.p, digest.len) != 1)
		return ERR_OPENSSL(BUG, "a signature by the key %s does not verify; it was thrown away",
				   sign_key_label(self->key));
	return NULL;
}

static struct err *verify_whole(struct signer *self, struct slice signature, struct slice bytes)
{
	EVP_MD_CTX_reset(self->hash);
	if (EVP_DigestVerifyInit(self->hash, NULL, NULL, NULL, sign_key_public(self->key)) != 1 ||
	    EVP_DigestVerify(self->hash, signature.p, signature.len, bytes.p, bytes.len) != 1)
		return ERR_OPENSSL(BUG, "a signature by the key %s does not verify; it was thrown away",
				   sign_key_label(self->key));
	return NULL;
}

/* The digest that was gathered, or the bytes of a key that hashes by itself. */
static struct err *sign_and_verify(struct signer *self, uint8_t *out, size_t *len, struct slice bytes)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	struct slice input = bytes;

	if (self->md != NULL) {
		if (EVP_DigestFinal_ex(self->hash, digest, &digest_len) != 1)
			return ERR_OPENSSL(SYSTEM, "hashing");
		input = SLICE(digest, digest_len);
	}
	struct err *e = open_session(self);
	if (e == NULL)
		e = sign_key_backend(self->key)->sign(self->session, out, len, input);
	if (e != NULL)
		return ERR_WRAP(e, "signing with the key %s", sign_key_label(self->key));
	if (self->md == NULL)
		return verify_whole(self, SLICE(out, *len), input);
	return sign_key_use(self->key) == SIGN_USE_OCSP ? NULL : verify_digest(self, SLICE(out, *len), input);
}

/* Signs into room taken in `out`; `bytes` only for keys that hash by themselves. */
static struct err *sign_into(struct signer *self, struct buf *out, struct slice bytes)
{
	size_t len = sign_key_suite(self->key)->max_signature_len;
	uint8_t *at;
	size_t before = out->len;

	TRY(buf_extend(out, &at, len));
	struct err *e = sign_and_verify(self, at, &len, bytes);
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
