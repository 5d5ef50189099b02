/*
 * suite.c - the table of algorithms and what its rows share. See suite.h.
 *
 * A new algorithm is a row here and, where libcrypto does not know it, a back-end file with its struct suite_ops.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/suite.h"

#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "x509/suite_internal.h"

enum { SPKI_MAX = 2048, SIGNATURE_MAX = 1024 };

static const uint8_t rsa_key[] = { 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
				   0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00 };
static const uint8_t rsa_sha256[] = { 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
				      0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00 };
static const uint8_t p256_key[] = { 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
				    0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07 };
static const uint8_t ecdsa_sha256[] = { 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02 };
static const uint8_t ed25519_id[] = { 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70 };

#define BYTES(a)                                                                                                       \
	{                                                                                                              \
		(a), sizeof(a)                                                                                         \
	}

static const struct suite table[] = {
	{ .name = "rsa2048-sha256",
	  .key_type = "RSA",
	  .digest = "SHA256",
	  .bits = 2048,
	  .min_bits = 2048,
	  .max_bits = 3071,
	  .for_certificates = true,
	  .max_signature_len = 384,
	  .key_algorithm = BYTES(rsa_key),
	  .signature_algorithm = BYTES(rsa_sha256),
	  .ops = &suite_rsa_ops },
	{ .name = "rsa3072-sha256",
	  .key_type = "RSA",
	  .digest = "SHA256",
	  .bits = 3072,
	  .min_bits = 3072,
	  .max_bits = 4095,
	  .for_certificates = true,
	  .max_signature_len = 512,
	  .key_algorithm = BYTES(rsa_key),
	  .signature_algorithm = BYTES(rsa_sha256),
	  .ops = &suite_rsa_ops },
	{ .name = "rsa4096-sha256",
	  .key_type = "RSA",
	  .digest = "SHA256",
	  .bits = 4096,
	  .min_bits = 4096,
	  .max_bits = 4096,
	  .for_certificates = true,
	  .max_signature_len = 512,
	  .key_algorithm = BYTES(rsa_key),
	  .signature_algorithm = BYTES(rsa_sha256),
	  .ops = &suite_rsa_ops },
	{ .name = "ecdsa-p256-sha256",
	  .key_type = "EC",
	  .group = "prime256v1",
	  .digest = "SHA256",
	  .bits = 256,
	  .min_bits = 256,
	  .max_bits = 256,
	  .for_certificates = true,
	  .max_signature_len = 72,
	  .key_algorithm = BYTES(p256_key),
	  .signature_algorithm = BYTES(ecdsa_sha256),
	  .ops = &suite_p256_ops },
	{ .name = "ed25519",
	  .key_type = "ED25519",
	  .bits = 256,
	  .min_bits = 256,
	  .max_bits = 256,
	  .for_certificates = false,
	  .max_signature_len = 64,
	  .key_algorithm = BYTES(ed25519_id),
	  .signature_algorithm = BYTES(ed25519_id),
	  .ops = &suite_ed25519_ops },
};

const struct suite *suite_at(size_t index)
{
	return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

const struct suite *suite_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

/* ---------------------------------------------------------------- keys */

/* split_spki() borrows the AlgorithmIdentifier (whole) and the key's bits. */
static struct err *split_spki(struct slice *out_algorithm, struct slice *out_bits, struct slice spki)
{
	struct der_reader whole, fields;

	ENSURE(spki.len <= SPKI_MAX, TOO_LARGE, "the public key is longer than %d bytes", SPKI_MAX);
	der_reader_init(&whole, spki);
	TRY(der_expect_sequence(&whole, &fields, "SubjectPublicKeyInfo"));
	TRY(der_finish(&whole, "SubjectPublicKeyInfo"));
	TRY(der_expect_whole(&fields, out_algorithm, DER_SEQUENCE, "algorithm of the public key"));
	TRY(der_read_bits(&fields, out_bits, "bits of the public key"));
	return der_finish(&fields, "SubjectPublicKeyInfo");
}

/* The best name there is for an identifier that no row has. */
static const char *spoken_name(char out[OID_TEXT_SIZE], struct slice id)
{
	enum oid_name known;

	if (oid_find(&known, id))
		return oid_word(known);
	OWN(err) e = oid_text(out, id);
	if (e != NULL)
		return "(not an object identifier)";
	int nid = OBJ_txt2nid(out);
	return nid == NID_undef ? out : OBJ_nid2ln(nid);
}

static struct err *refuse_algorithm(struct slice algorithm)
{
	char dotted[OID_TEXT_SIZE], dotted_parameter[OID_TEXT_SIZE];
	struct der_reader whole, fields;
	struct slice id, parameter;

	der_reader_init(&whole, algorithm);
	TRY(der_expect_sequence(&whole, &fields, "algorithm of the public key"));
	TRY(der_read_oid(&fields, &id, "algorithm of the public key"));
	OWN(err) e = der_read_oid(&fields, &parameter, "parameters");
	if (e == NULL)
		return ERR(BAD_INPUT, "keys of the algorithm %s with %s are not accepted", spoken_name(dotted, id),
			   spoken_name(dotted_parameter, parameter));
	return ERR(BAD_INPUT, "keys of the algorithm %s%s are not accepted", spoken_name(dotted, id),
		   oid_is(id, OID_RSA) ? " with these parameters" : "");
}

/* find_row() finds the row and gives the key's bits. */
static struct err *find_row(const struct suite **out, struct slice *out_bits, struct slice spki)
{
	struct slice algorithm;
	int bits = 0, most = 0;

	TRY(split_spki(&algorithm, out_bits, spki));
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct suite *row = &table[i];

		if (!slice_equal(row->key_algorithm, algorithm))
			continue;
		if (bits == 0)
			TRY(row->ops->size(&bits, *out_bits));
		if (bits >= row->min_bits && bits <= row->max_bits) {
			*out = row;
			return NULL;
		}
		most = row->max_bits;
	}
	if (bits == 0)
		return refuse_algorithm(algorithm);
	return ERR(BAD_INPUT, "a key of %d bits is too %s", bits, bits > most ? "long" : "short");
}

struct err *suite_of_spki(const struct suite **out, struct slice spki)
{
	struct slice bits;

	return find_row(out, &bits, spki);
}

struct err *suite_public_key(EVP_PKEY **out, struct slice spki)
{
	const struct suite *row = NULL;
	struct slice bits;

	TRY(find_row(&row, &bits, spki));
	return row->ops->decode(out, row, bits);
}

struct err *suite_spki(struct buf *out, EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0)
		return ERR_OPENSSL(BAD_INPUT, "the key has no public part that can be written");
	struct err *e = buf_append(out, SLICE(der, (size_t)len));
	OPENSSL_free(der);
	return e;
}

struct err *suite_of_key(const struct suite **out, EVP_PKEY *key)
{
	OWN(buf) spki = BUF_INIT(SPKI_MAX);

	TRY(suite_spki(&spki, key));
	return suite_of_spki(out, buf_slice(&spki));
}

struct err *suite_check_strength(struct slice spki)
{
	const struct suite *row = NULL;
	struct slice bits;
	struct err *e = find_row(&row, &bits, spki);

	if (e != NULL) {
		struct err *named = ERR_FIELD(BAD_INPUT, "csr", "%s", err_sentence(e));

		err_destroy(&e);
		return named;
	}
	ENSURE_FIELD(row->for_certificates, BAD_INPUT, "csr", "keys of the algorithm %s are not accepted", row->name);
	return row->ops->strength(row, bits);
}

struct err *suite_generate(EVP_PKEY **out, const struct suite *row)
{
	return row->ops->generate(out, row);
}

/* ---------------------------------------------------------------- signatures */

struct err *suite_verify(EVP_PKEY *key, struct slice algorithm, struct slice signed_bytes, struct slice signature)
{
	const struct suite *row = NULL;

	TRY(suite_of_key(&row, key));
	ENSURE(slice_equal(algorithm, row->signature_algorithm), BAD_INPUT,
	       "the signature's algorithm is not that of the key, %s", row->name);
	ENSURE(signature.len > 0 && signature.len <= SIGNATURE_MAX, BAD_INPUT, "the signature has %zu octets",
	       signature.len);
	return row->ops->verify(row, key, signed_bytes, signature);
}

struct err *suite_verify_spki(struct slice spki, struct slice algorithm, struct slice signed_bytes,
			      struct slice signature)
{
	EVP_PKEY *key = NULL;

	TRY(suite_public_key(&key, spki));
	struct err *e = suite_verify(key, algorithm, signed_bytes, signature);
	EVP_PKEY_free(key);
	return e;
}

struct err *suite_evp_verify(const struct suite *row, EVP_PKEY *key, struct slice signed_bytes, struct slice signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = 0;

	if (ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, row->digest, NULL, NULL, key, NULL) == 1)
		ok = EVP_DigestVerify(ctx, signature.p, signature.len, signed_bytes.p, signed_bytes.len);
	EVP_MD_CTX_free(ctx);
	if (ok != 1)
		return ERR_OPENSSL(BAD_INPUT, "the signature does not fit the key and the signed bytes (%s)",
				   row->name);
	return NULL;
}

/* ---------------------------------------------------------------- digests of keys */

static EVP_MD *sha1;
static pthread_once_t sha1_once = PTHREAD_ONCE_INIT;

static void fetch_sha1(void)
{
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

static struct err *sha1_of(uint8_t out[20], struct slice bytes)
{
	(void)pthread_once(&sha1_once, fetch_sha1);
	if (sha1 == NULL || EVP_Digest(bytes.p, bytes.len, out, NULL, sha1, NULL) != 1)
		return ERR_OPENSSL(SYSTEM, "SHA-1 of a public key");
	return NULL;
}

struct err *suite_key_hash(uint8_t out[32], struct slice spki)
{
	struct slice algorithm, bits;

	TRY(split_spki(&algorithm, &bits, spki));
	der_sha256(out, spki);
	return NULL;
}

struct err *suite_key_id_bits(uint8_t out[20], struct slice spki)
{
	struct slice algorithm, bits;

	TRY(split_spki(&algorithm, &bits, spki));
	return sha1_of(out, bits);
}

struct err *suite_key_id_spki(uint8_t out[20], struct slice spki)
{
	struct slice algorithm, bits;

	TRY(split_spki(&algorithm, &bits, spki));
	return sha1_of(out, spki);
}
