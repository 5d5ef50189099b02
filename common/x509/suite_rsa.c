/*
 * suite_rsa.c - RSA keys with SHA-256 and PKCS#1 v1.5 signatures; what makes an applicant's RSA key weak.
 *
 * The checks look for keys that were broken in public: too short, odd exponents, small factors, the primes of Infineon's
 * library (ROCA, CVE-2017-15361), primes too close to each other. They cost some tens of microseconds.
 * RFC 8017 §3.1, §8.2; NIST SP 800-89 §5.3.3; BR 6.1.6.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "asn1/der.h"
#include "x509/suite_internal.h"

enum { FERMAT_STEPS = 100, SMALL_FACTOR_LIMIT = 752 };

OWN_POINTER(bn, BIGNUM *, BN_free)
OWN_POINTER(bn_ctx, BN_CTX *, BN_CTX_free)
OWN_POINTER(param_bld, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
OWN_POINTER(params, OSSL_PARAM *, OSSL_PARAM_free)
OWN_POINTER(pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

/* split() borrows the magnitudes of modulus and exponent: positive, without the sign's zero octet. */
static struct err *split(struct slice *out_n, struct slice *out_e, struct slice key)
{
	struct der_reader whole, fields;
	struct slice *outs[2] = { out_n, out_e };

	der_reader_init(&whole, key);
	TRY(der_expect_sequence(&whole, &fields, "RSAPublicKey"));
	TRY(der_finish(&whole, "RSAPublicKey"));
	for (int i = 0; i < 2; i++) {
		struct slice value;

		TRY(der_expect(&fields, &value, DER_INTEGER, i == 0 ? "modulus" : "publicExponent"));
		bool has_sign_octet = value.len > 1 && value.p[0] == 0;
		if (has_sign_octet)
			value = SLICE(value.p + 1, value.len - 1);
		ENSURE(value.len > 0 && value.p[0] != 0 && has_sign_octet == (value.p[0] >= 0x80), BAD_INPUT,
		       "RSAPublicKey: the %s is not a positive INTEGER", i == 0 ? "modulus" : "exponent");
		*outs[i] = value;
	}
	return der_finish(&fields, "RSAPublicKey");
}

static struct err *rsa_size(int *out_bits, struct slice key)
{
	struct slice n, e;

	TRY(split(&n, &e, key));
	*out_bits = (int)(n.len * 8) - __builtin_clz((unsigned)n.p[0]) + 24;
	return NULL;
}

static struct err *rsa_decode(EVP_PKEY **out, const struct suite *row, struct slice key)
{
	struct slice n, e;
	EVP_PKEY *made = NULL;

	TRY(split(&n, &e, key));
	OWN(bn) bn_n = BN_bin2bn(n.p, (int)n.len, NULL);
	OWN(bn) bn_e = BN_bin2bn(e.p, (int)e.len, NULL);
	OWN(param_bld) builder = OSSL_PARAM_BLD_new();
	if (bn_n == NULL || bn_e == NULL || builder == NULL ||
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, bn_n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, bn_e) != 1)
		return ERR_OPENSSL(NO_MEMORY, "RSA key");
	OWN(params) params = OSSL_PARAM_BLD_to_param(builder);
	OWN(pkey_ctx) ctx = EVP_PKEY_CTX_new_from_name(NULL, row->key_type, NULL);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return ERR_OPENSSL(BAD_INPUT, "the RSA key is refused by libcrypto");
	*out = made;
	return NULL;
}

static struct err *rsa_generate(EVP_PKEY **out, const struct suite *row)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, row->key_type, (size_t)row->bits);

	if (key == NULL)
		return ERR_OPENSSL(SYSTEM, "making a key of %s", row->name);
	*out = key;
	return NULL;
}

/* ---------------------------------------------------------------- weak keys */

static struct err *check_exponent(struct slice e)
{
	int bits = (int)(e.len * 8) - __builtin_clz((unsigned)e.p[0]) + 24;

	ENSURE_FIELD(bits >= 17 && bits <= 256 && (e.p[e.len - 1] & 1) == 1, BAD_INPUT, "csr",
		     "the RSA key is weak: its exponent must be odd, from 65537 up to 256 bits (BR 6.1.6)");
	return NULL;
}

static struct err *check_small_factors(const BIGNUM *n)
{
	for (BN_ULONG p = 2; p < SMALL_FACTOR_LIMIT; p++)
		ENSURE_FIELD(BN_mod_word(n, p) != 0, BAD_INPUT, "csr",
			     "the RSA key is weak: its modulus has the small factor %lu", (unsigned long)p);
	return NULL;
}

/* True when r is a power of 65537 modulo p. */
static bool in_subgroup(BN_ULONG r, BN_ULONG p)
{
	BN_ULONG power = 1;

	do {
		if (power == r)
			return true;
		power = power * (65537 % p) % p;
	} while (power != 1);
	return false;
}

/* Primes of the weak library are powers of 65537 modulo every small prime, so moduli are too; other moduli pass all of
 * these with a chance of about 2^-154. (Nemec and others, CCS 2017, section 2.3.2: the fingerprint) */
static struct err *check_roca(const BIGNUM *n)
{
	static const BN_ULONG primes[] = { 3,	5,   7,	  11,  13,  17,	 19,  23,  29,	31,  37,  41,  43,
					   47,	53,  59,  61,  67,  71,	 73,  79,  83,	89,  97,  101, 103,
					   107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };

	for (size_t i = 0; i < sizeof primes / sizeof primes[0]; i++)
		if (!in_subgroup(BN_mod_word(n, primes[i]), primes[i]))
			return NULL;
	return ERR_FIELD(BAD_INPUT, "csr",
			 "the RSA key is weak: it was made by a library whose keys can be factored (CVE-2017-15361)");
}

/* root := the integer part of the square root of n, by Newton's method from above. */
static bool integer_root(BIGNUM *root, const BIGNUM *n, BN_CTX *ctx)
{
	OWN(bn) next = BN_new();
	OWN(bn) quotient = BN_new();

	if (next == NULL || quotient == NULL || BN_set_word(root, 0) != 1 ||
	    BN_set_bit(root, (BN_num_bits(n) + 1) / 2) != 1)
		return false;
	for (;;) {
		if (BN_div(quotient, NULL, n, root, ctx) != 1 || BN_add(next, root, quotient) != 1 ||
		    BN_rshift1(next, next) != 1)
			return false;
		if (BN_cmp(next, root) >= 0)
			return true;
		if (BN_copy(root, next) == NULL)
			return false;
	}
}

/* 1 when x is a perfect square, 0 when not, -1 on a fault. Most are sorted out by residues. */
static int is_square(const BIGNUM *x, BN_CTX *ctx)
{
	static const uint64_t squares_mod_64 = 0x0202021202030213ULL;

	if (((squares_mod_64 >> (BN_mod_word(x, 64) & 63)) & 1) == 0)
		return 0;
	OWN(bn) root = BN_new();
	OWN(bn) square = BN_new();
	if (root == NULL || square == NULL)
		return -1;
	if (BN_is_zero(x))
		return 1;
	if (!integer_root(root, x, ctx) || BN_sqr(square, root, ctx) != 1)
		return -1;
	return BN_cmp(square, x) == 0 ? 1 : 0;
}

/* Fermat: n = a^2 - b^2 with a just above the root of n when the primes are close. */
static struct err *check_fermat(const BIGNUM *n, BN_CTX *ctx)
{
	OWN(bn) a = BN_new();
	OWN(bn) b2 = BN_new();

	if (a == NULL || b2 == NULL || !integer_root(a, n, ctx))
		return ERR(NO_MEMORY, "RSA key");
	for (int step = 0; step <= FERMAT_STEPS; step++) {
		if (BN_sqr(b2, a, ctx) != 1 || BN_sub(b2, b2, n) != 1)
			return ERR(NO_MEMORY, "RSA key");
		int square = BN_is_negative(b2) ? 0 : is_square(b2, ctx);
		ENSURE(square >= 0, NO_MEMORY, "RSA key");
		ENSURE_FIELD(square == 0, BAD_INPUT, "csr",
			     "the RSA key is weak: its primes are so close that it can be factored (Fermat's method)");
		ENSURE(BN_add_word(a, 1) == 1, NO_MEMORY, "RSA key");
	}
	return NULL;
}

static struct err *rsa_strength(const struct suite *row, struct slice key)
{
	struct slice n, e;
	int bits = 0;

	(void)row; /* the size was checked when the row was found */
	TRY(rsa_size(&bits, key));
	TRY(split(&n, &e, key));
	ENSURE_FIELD(bits % 8 == 0, BAD_INPUT, "csr", "the RSA key has %d bits, which is no multiple of 8 (BR 6.1.5)",
		     bits);
	TRY(check_exponent(e));
	OWN(bn) bn_n = BN_bin2bn(n.p, (int)n.len, NULL);
	OWN(bn_ctx) ctx = BN_CTX_new();
	ENSURE(bn_n != NULL && ctx != NULL, NO_MEMORY, "RSA key");
	TRY(check_small_factors(bn_n));
	TRY(check_roca(bn_n));
	return check_fermat(bn_n, ctx);
}

const struct suite_ops suite_rsa_ops = {
	.size = rsa_size,
	.decode = rsa_decode,
	.strength = rsa_strength,
	.verify = suite_evp_verify,
	.generate = rsa_generate,
};
