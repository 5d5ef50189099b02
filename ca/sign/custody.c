/*
 * custody.c - see custody.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/custody.h"

#include <libgfshare.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "base/text.h"

struct custody {
	uint8_t set[SHARE_SET_LEN];
	int64_t threshold, shares;
	uint8_t checks[SHARES_MAX][SHA256_LEN];
	bool is_given[SHARES_MAX];
	uint8_t values[SHARES_MAX][SHARE_VALUE_LEN];
};

/* libgfshare's own numbers are random(3)'s. There is no way to report a failure, and none to go on with one. */
static void fill_random(unsigned char *out, unsigned len)
{
	if (RAND_priv_bytes(out, (int)len) != 1)
		abort();
}

OWN_POINTER(gfshare, gfshare_ctx *, gfshare_ctx_free)

static void numbers(unsigned char out[SHARES_MAX], int64_t shares)
{
	for (int64_t i = 0; i < shares; i++)
		out[i] = (unsigned char)(i + 1);
}

/* SHA-256(set || number || value): the value has 256 random bits, so its digest gives nothing away. */
static void check_of(uint8_t out[SHA256_LEN], const uint8_t set[SHARE_SET_LEN], int64_t number,
		     const uint8_t value[SHARE_VALUE_LEN])
{
	uint8_t all[SHARE_SET_LEN + 1 + SHARE_VALUE_LEN];

	memcpy(all, set, SHARE_SET_LEN);
	all[SHARE_SET_LEN] = (uint8_t)number;
	memcpy(all + SHARE_SET_LEN + 1, value, SHARE_VALUE_LEN);
	der_sha256(out, SLICE(all, sizeof all));
	OPENSSL_cleanse(all, sizeof all);
}

static struct err *custody_create(struct custody **out)
{
	struct custody *self = OPENSSL_secure_zalloc(sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "shares");
	*out = self;
	return NULL;
}

void custody_destroy(struct custody **self)
{
	OPENSSL_secure_clear_free(*self, sizeof **self);
	*self = NULL;
}

static struct err *split(struct custody *self)
{
	uint8_t secret[SHARE_VALUE_LEN];
	unsigned char nrs[SHARES_MAX];

	gfshare_fill_rand = fill_random;
	numbers(nrs, self->shares);
	OWN(gfshare)
	ctx = gfshare_ctx_init_enc(nrs, (unsigned)self->shares, (unsigned char)self->threshold, SHARE_VALUE_LEN);
	ENSURE(ctx != NULL, NO_MEMORY, "splitting a secret");
	fill_random(secret, sizeof secret);
	gfshare_ctx_enc_setsecret(ctx, secret);
	OPENSSL_cleanse(secret, sizeof secret);
	for (int64_t i = 0; i < self->shares; i++) {
		gfshare_ctx_enc_getshare(ctx, (unsigned char)i, self->values[i]);
		check_of(self->checks[i], self->set, i + 1, self->values[i]);
		self->is_given[i] = true;
	}
	return NULL;
}

struct err *custody_split(struct custody **out, struct share *out_shares, int64_t threshold, int64_t shares)
{
	OWN(custody) self = NULL;

	ENSURE_FIELD(threshold >= 2 && threshold <= shares && shares <= SHARES_MAX, CONFIG, "custodians",
		     "2 to %d shares, of which 2 or more open the keys: not %lld of %lld", SHARES_MAX,
		     (long long)threshold, (long long)shares);
	TRY(custody_create(&self));
	self->threshold = threshold;
	self->shares = shares;
	if (RAND_bytes(self->set, SHARE_SET_LEN) != 1)
		return ERR_OPENSSL(SYSTEM, "random octets");
	TRY(split(self));
	for (int64_t i = 0; i < shares; i++) {
		out_shares[i] = (struct share){ .number = i + 1, .threshold = threshold, .shares = shares };
		memcpy(out_shares[i].set, self->set, SHARE_SET_LEN);
		memcpy(out_shares[i].value, self->values[i], SHARE_VALUE_LEN);
	}
	*out = TAKE(self);
	return NULL;
}

/* ---------------------------------------------------------------- the public file */

struct err *custody_write(struct buf *out, const struct custody *self)
{
	char hex[2 * SHA256_LEN + 1];

	TRY(buf_printf(out, "%s %lld %lld\n", text_hex_fixed(hex, SLICE(self->set, SHARE_SET_LEN)),
		       (long long)self->threshold, (long long)self->shares));
	for (int64_t i = 0; i < self->shares; i++)
		TRY(buf_printf(out, "%s\n", text_hex_fixed(hex, SLICE(self->checks[i], SHA256_LEN))));
	return NULL;
}

static bool read_hex(uint8_t *out, size_t len, const char *text)
{
	OWN(buf) bytes = BUF_INIT(SHA256_LEN);
	OWN(err) e = text_unhex(&bytes, SLICE_STR(text));

	if (e != NULL || bytes.len != len)
		return false;
	memcpy(out, bytes.p, len);
	return true;
}

static bool parse(struct custody *self, FILE *in)
{
	char hex[2 * SHA256_LEN + 1];
	long long threshold = 0, shares = 0;

	if (fscanf(in, "%64s %lld %lld", hex, &threshold, &shares) != 3 || threshold < 2 || threshold > shares ||
	    shares > SHARES_MAX || !read_hex(self->set, SHARE_SET_LEN, hex))
		return false;
	self->threshold = threshold;
	self->shares = shares;
	for (int64_t i = 0; i < shares; i++)
		if (fscanf(in, "%64s", hex) != 1 || !read_hex(self->checks[i], SHA256_LEN, hex))
			return false;
	return true;
}

struct err *custody_read(struct custody **out, struct slice text)
{
	OWN(custody) self = NULL;

	TRY(custody_create(&self));
	FILE *in = text.len == 0 ? NULL : fmemopen((void *)(uintptr_t)text.p, text.len, "r");
	bool is_right = in != NULL && parse(self, in);
	if (in != NULL)
		(void)fclose(in);
	ENSURE_FIELD(is_right, CONFIG, "signer.keys_dir", "the file %s there is damaged", CUSTODY_FILE);
	*out = TAKE(self);
	return NULL;
}

/* ---------------------------------------------------------------- joining */

struct err *custody_give(struct custody *self, const struct share *share)
{
	uint8_t check[SHA256_LEN];

	ENSURE_FIELD(memcmp(share->set, self->set, SHARE_SET_LEN) == 0, DENIED, "share",
		     "share %lld is of another set: another ceremony's", (long long)share->number);
	ENSURE_FIELD(share->number >= 1 && share->number <= self->shares, DENIED, "share", "there is no share %lld",
		     (long long)share->number);
	check_of(check, self->set, share->number, share->value);
	ENSURE_FIELD(memcmp(check, self->checks[share->number - 1], SHA256_LEN) == 0, DENIED, "share",
		     "share %lld is not the one that was made at the ceremony", (long long)share->number);
	ENSURE_FIELD(!self->is_given[share->number - 1], CONFLICT, "share", "share %lld was given already",
		     (long long)share->number);
	memcpy(self->values[share->number - 1], share->value, SHARE_VALUE_LEN);
	self->is_given[share->number - 1] = true;
	return NULL;
}

int64_t custody_given(const struct custody *self)
{
	int64_t given = 0;

	for (int64_t i = 0; i < self->shares; i++)
		given += self->is_given[i];
	return given;
}

int64_t custody_threshold(const struct custody *self)
{
	return self->threshold;
}

void custody_forget(struct custody *self)
{
	OPENSSL_cleanse(self->values, sizeof self->values);
	memset(self->is_given, 0, sizeof self->is_given);
}

static struct err *join(uint8_t out[SHARE_VALUE_LEN], const struct custody *self)
{
	unsigned char nrs[SHARES_MAX];

	gfshare_fill_rand = fill_random;
	numbers(nrs, self->shares);
	OWN(gfshare) ctx = gfshare_ctx_init_dec(nrs, (unsigned)self->shares, SHARE_VALUE_LEN);
	ENSURE(ctx != NULL, NO_MEMORY, "joining shares");
	for (int64_t i = 0; i < self->shares; i++)
		nrs[i] = self->is_given[i] ? (unsigned char)(i + 1) : 0; /* 0: not given */
	gfshare_ctx_dec_newshares(ctx, nrs);
	for (int64_t i = 0; i < self->shares; i++)
		if (self->is_given[i])
			gfshare_ctx_dec_giveshare(ctx, (unsigned char)i, (unsigned char *)(uintptr_t)self->values[i]);
	gfshare_ctx_dec_extract(ctx, out);
	return NULL;
}

struct err *custody_passphrase(struct buf *out, const struct custody *self, const char *tier)
{
	uint8_t secret[SHARE_VALUE_LEN], mac[EVP_MAX_MD_SIZE];
	char hex[2 * SHA256_LEN + 1], purpose[64];
	unsigned mac_len = 0;

	ENSURE_FIELD(custody_given(self) >= self->threshold, RETRY, "key_inactive",
		     "key activation: %lld of %lld shares given", (long long)custody_given(self),
		     (long long)self->threshold);
	TRY(join(secret, self));
	int purpose_len = snprintf(purpose, sizeof purpose, "nuc key files: %s", tier);
	bool ok = HMAC(EVP_sha256(), secret, sizeof secret, (const uint8_t *)purpose, (size_t)purpose_len, mac,
		       &mac_len) != NULL;
	OPENSSL_cleanse(secret, sizeof secret);
	ENSURE(ok, SYSTEM, "HMAC");
	struct err *e = buf_append_str(out, text_hex_fixed(hex, SLICE(mac, SHA256_LEN)));
	OPENSSL_cleanse(mac, sizeof mac);
	OPENSSL_cleanse(hex, sizeof hex);
	return e;
}
