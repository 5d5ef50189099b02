/*
 * share.c - see share.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/share.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "asn1/der.h"
#include "x509/pem.h"

enum { SALT_LEN = 16, TAG_LEN = 16, NONCE_LEN = 12, KEY_LEN = 32, ITERATIONS = 600000, ITERATIONS_MAX = 10000000 };

static const char pem_name[] = "NUC KEY SHARE";

OWN_POINTER(cipher_ctx, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

/* What stands in the file, borrowed. */
struct fields {
	struct slice set, salt, value, head; /* head: the body's contents before the value */
	int64_t number, threshold, shares, iterations;
};

void share_wipe(struct share *self)
{
	OPENSSL_cleanse(self, sizeof *self);
}

static struct err *derive(uint8_t key[KEY_LEN], struct slice passphrase, struct slice salt, int64_t iterations)
{
	if (PKCS5_PBKDF2_HMAC((const char *)passphrase.p, (int)passphrase.len, salt.p, (int)salt.len, (int)iterations,
			      EVP_sha256(), KEY_LEN, key) != 1)
		return ERR_OPENSSL(SYSTEM, "deriving a key from a passphrase");
	return NULL;
}

/* The key is of this salt alone, so the nonce may be fixed. */
static const uint8_t nonce[NONCE_LEN] = { 0 };

static struct err *encrypt(uint8_t out[SHARE_VALUE_LEN + TAG_LEN], const uint8_t key[KEY_LEN], struct slice head,
			   const uint8_t value[SHARE_VALUE_LEN])
{
	OWN(cipher_ctx) ctx = EVP_CIPHER_CTX_new();
	int n = 0;

	if (ctx == NULL || EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, head.p, (int)head.len) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &n, value, SHARE_VALUE_LEN) != 1 ||
	    EVP_EncryptFinal_ex(ctx, out + SHARE_VALUE_LEN, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, out + SHARE_VALUE_LEN) != 1)
		return ERR_OPENSSL(SYSTEM, "encrypting a share");
	return NULL;
}

static struct err *decrypt(uint8_t out[SHARE_VALUE_LEN], const uint8_t key[KEY_LEN], struct slice head,
			   struct slice sealed)
{
	OWN(cipher_ctx) ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG_LEN];
	int n = 0;

	memcpy(tag, sealed.p + SHARE_VALUE_LEN, TAG_LEN);
	if (ctx == NULL || EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, head.p, (int)head.len) != 1 ||
	    EVP_DecryptUpdate(ctx, out, &n, sealed.p, SHARE_VALUE_LEN) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) != 1)
		return ERR_OPENSSL(SYSTEM, "decrypting a share");
	ENSURE_FIELD(EVP_DecryptFinal_ex(ctx, out + SHARE_VALUE_LEN, &n) == 1, DENIED, "share",
		     "the passphrase of the share is wrong");
	return NULL;
}

static struct err *write_head(struct buf *out, const struct share *share, struct slice salt)
{
	TRY(der_int64(out, 1));
	TRY(der_octets(out, SLICE(share->set, SHARE_SET_LEN)));
	TRY(der_int64(out, share->number));
	TRY(der_int64(out, share->threshold));
	TRY(der_int64(out, share->shares));
	TRY(der_int64(out, salt.len > 0 ? ITERATIONS : 0));
	return der_octets(out, salt);
}

static struct err *seal(struct buf *out, const struct share *share, struct slice passphrase, struct slice head,
			struct slice salt)
{
	uint8_t key[KEY_LEN], sealed[SHARE_VALUE_LEN + TAG_LEN];

	if (passphrase.len == 0)
		return der_octets(out, SLICE(share->value, SHARE_VALUE_LEN));
	TRY(derive(key, passphrase, salt, ITERATIONS));
	struct err *e = encrypt(sealed, key, head, share->value);
	OPENSSL_cleanse(key, sizeof key);
	return e != NULL ? e : der_octets(out, SLICE(sealed, sizeof sealed));
}

struct err *share_write(struct buf *out, const struct share *share, struct slice passphrase)
{
	OWN(buf) head = BUF_INIT(512);
	OWN(buf) der = BUF_INIT_SECRET(1024);
	uint8_t salt_bytes[SALT_LEN], check[SHA256_LEN];
	size_t outer, body;

	if (RAND_bytes(salt_bytes, SALT_LEN) != 1)
		return ERR_OPENSSL(SYSTEM, "random octets");
	const struct slice salt = SLICE(salt_bytes, passphrase.len > 0 ? SALT_LEN : 0);
	TRY(write_head(&head, share, salt));
	TRY(der_open(&der, &outer, DER_SEQUENCE));
	size_t begin = der.len;
	TRY(der_open(&der, &body, DER_SEQUENCE));
	TRY(buf_append(&der, buf_slice(&head)));
	TRY(seal(&der, share, passphrase, buf_slice(&head), salt));
	TRY(der_close(&der, body));
	der_sha256(check, SLICE(der.p + begin, der.len - begin));
	TRY(der_octets(&der, SLICE(check, sizeof check)));
	TRY(der_close(&der, outer));
	return pem_write(out, buf_slice(&der), pem_name);
}

static struct err *read_body(struct fields *out, struct slice whole)
{
	struct der_reader r, body;
	int64_t version;

	der_reader_init(&r, whole);
	TRY(der_expect_sequence(&r, &body, "share"));
	TRY(der_read_uint(&body, &version, "version"));
	ENSURE(version == 1, BAD_INPUT, "a share of version %lld", (long long)version);
	const uint8_t *begin = body.p - 3; /* INTEGER 1 */
	TRY(der_read_octets(&body, &out->set, SHARE_SET_LEN, SHARE_SET_LEN, "set"));
	TRY(der_read_uint(&body, &out->number, "number"));
	TRY(der_read_uint(&body, &out->threshold, "threshold"));
	TRY(der_read_uint(&body, &out->shares, "shares"));
	TRY(der_read_uint(&body, &out->iterations, "iterations"));
	size_t salt_len = out->iterations > 0 ? SALT_LEN : 0;
	TRY(der_read_octets(&body, &out->salt, salt_len, salt_len, "salt"));
	out->head = SLICE(begin, (size_t)(body.p - begin));
	size_t value_len = SHARE_VALUE_LEN + (out->iterations > 0 ? TAG_LEN : 0);
	TRY(der_read_octets(&body, &out->value, value_len, value_len, "value"));
	TRY(der_finish(&body, "share"));
	ENSURE(out->iterations <= ITERATIONS_MAX, BAD_INPUT, "too many iterations");
	ENSURE(out->threshold >= 1 && out->threshold <= out->shares && out->shares <= SHARES_MAX && out->number >= 1 &&
		       out->number <= out->shares,
	       BAD_INPUT, "its numbers do not fit together");
	return NULL;
}

static struct err *read_checked(struct fields *out, struct buf *der, struct slice text)
{
	struct der_reader r, outer;
	struct slice body, check;
	uint8_t digest[SHA256_LEN];

	TRY(pem_read(der, text, pem_name));
	der_reader_init(&r, buf_slice(der));
	TRY(der_expect_sequence(&r, &outer, "share"));
	TRY(der_finish(&r, "share"));
	TRY(der_expect_whole(&outer, &body, DER_SEQUENCE, "share"));
	TRY(der_read_octets(&outer, &check, SHA256_LEN, SHA256_LEN, "checksum"));
	TRY(der_finish(&outer, "share"));
	der_sha256(digest, body);
	ENSURE(slice_equal(check, SLICE(digest, SHA256_LEN)), BAD_INPUT, "its checksum is wrong");
	return read_body(out, body);
}

static struct err *read_fields(struct fields *out, struct buf *der, struct slice text)
{
	OWN(err) e = read_checked(out, der, text);
	char why[300];

	ENSURE_FIELD(e == NULL, BAD_INPUT, "share", "this is no whole share: %s", err_text(e, why, sizeof why));
	return NULL;
}

struct err *share_is_encrypted(bool *out, struct slice text)
{
	OWN(buf) der = BUF_INIT_SECRET(SHARE_TEXT_MAX);
	struct fields f;

	TRY(read_fields(&f, &der, text));
	*out = f.iterations > 0;
	return NULL;
}

static struct err *read_value(struct share *out, const struct fields *f, struct slice passphrase)
{
	uint8_t key[KEY_LEN];

	if (f->iterations == 0) {
		memcpy(out->value, f->value.p, SHARE_VALUE_LEN);
		return NULL;
	}
	ENSURE_FIELD(passphrase.len > 0, DENIED, "share",
		     "the share is encrypted; its custodian's passphrase is missing");
	TRY(derive(key, passphrase, f->salt, f->iterations));
	struct err *e = decrypt(out->value, key, f->head, f->value);
	OPENSSL_cleanse(key, sizeof key);
	return e;
}

struct err *share_read(struct share *out, struct slice text, struct slice passphrase)
{
	OWN(buf) der = BUF_INIT_SECRET(SHARE_TEXT_MAX);
	struct fields f;
	struct share share;

	TRY(read_fields(&f, &der, text));
	memcpy(share.set, f.set.p, SHARE_SET_LEN);
	share.number = f.number;
	share.threshold = f.threshold;
	share.shares = f.shares;
	struct err *e = read_value(&share, &f, passphrase);
	if (e == NULL)
		*out = share;
	share_wipe(&share);
	return e;
}
