/*
 * suite.h - the table of algorithms: one row for each key type with its signature, and nothing outside it names one.
 *
 * A row tells the DER AlgorithmIdentifiers of key and signature, how a SubjectPublicKeyInfo is decoded, how a signature
 * is verified, how a key is generated and when an applicant's key is too weak. It never signs: the CA's keys are used
 * in ca/sign/sign.c alone, people's own keys in ra/cli/key.c, both with the row's `key_type` and `digest`.
 * Keys and signatures come from strangers: callers pass DER that went through the gate (asn1/der.h), lengths are
 * checked here again.
 *
 * References: RFC 3279 §2.3.1, RFC 5480 §2, RFC 8410, RFC 8017 §8.2, NIST SP 800-56A §5.6.2.3.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_SUITE_H
#define COMMON_X509_SUITE_H

#include <openssl/evp.h>

#include "base/buf.h"

struct suite_ops; /* the row's functions, private to suite.c and the row's back-end */

struct suite {
	const char *name; /* "rsa2048-sha256": what configuration, commands and the ledger call it */
	const char *key_type; /* libcrypto's name of the key type: "RSA", "EC", "ED25519" */
	const char *group; /* curve, or NULL */
	const char *digest; /* libcrypto's digest name; NULL when the signature hashes by itself */
	int bits; /* of a key that is generated for this row */
	int min_bits, max_bits; /* of a key that belongs to this row */
	bool for_certificates; /* false: log and journal only */
	size_t max_signature_len;
	struct slice key_algorithm; /* AlgorithmIdentifier of the SPKI, whole DER */
	struct slice signature_algorithm; /* AlgorithmIdentifier of the signature, whole DER */
	const struct suite_ops *ops;
};

/* suite_at() gives the rows in order, NULL past the last: for lists in `--help`, benches and tests. */
const struct suite *suite_at(size_t index);

/* suite_by_name() finds a row; NULL when there is none. */
const struct suite *suite_by_name(const char *name);

/* suite_of_spki() finds the row that a public key belongs to, from its DER alone (no libcrypto object, well under a
 * microsecond). *Errors* BAD_INPUT: not a SubjectPublicKeyInfo, or an algorithm or size that no row has; the sentence
 * names it (its OID, or its bits). */
struct err *suite_of_spki(const struct suite **out, struct slice spki) ERR_MUST_USE;

/* suite_of_key() finds the row of a libcrypto key. *Errors* BAD_INPUT. */
struct err *suite_of_key(const struct suite **out, EVP_PKEY *key) ERR_MUST_USE;

/* suite_public_key() decodes a SubjectPublicKeyInfo without libcrypto's slow decoder. *Owns* the key: the caller,
 * EVP_PKEY_free(). *Errors* BAD_INPUT. */
struct err *suite_public_key(EVP_PKEY **out, struct slice spki) ERR_MUST_USE;

/* suite_spki() appends the SubjectPublicKeyInfo of a key. */
struct err *suite_spki(struct buf *out, EVP_PKEY *key) ERR_MUST_USE;

/* suite_verify() checks a signature with the key. `algorithm` is the AlgorithmIdentifier found beside the signature
 * and must be, byte for byte, the one of the key's row. *Errors* BAD_INPUT: other algorithm, or the signature is not
 * of this key over these bytes. RFC 5280 §4.1.1.2-3 */
struct err *suite_verify(EVP_PKEY *key, struct slice algorithm, struct slice signed_bytes,
			 struct slice signature) ERR_MUST_USE;

/* suite_verify_spki() is suite_verify() from the key's DER. */
struct err *suite_verify_spki(struct slice spki, struct slice algorithm, struct slice signed_bytes,
			      struct slice signature) ERR_MUST_USE;

/* suite_check_strength() refuses weak keys of applicants: RSA outside 2048..4096 bits or not a multiple of 8, exponent
 * other than 65537 or an odd one above 65536, small factors, the ROCA fingerprint, primes that Fermat's method finds in
 * a bounded number of steps; a point that is not on its curve; rows that are not for certificates.
 * *Errors* BAD_INPUT, field "csr", naming the weakness. BR 6.1.5, 6.1.6 */
struct err *suite_check_strength(struct slice spki) ERR_MUST_USE;

/* suite_generate() makes a key of the row. *Owns* the key: the caller. */
struct err *suite_generate(EVP_PKEY **out, const struct suite *row) ERR_MUST_USE;

/* suite_key_hash() is the SHA-256 of the whole SPKI: how staff, identifiers and keys in use are recognised.
 * suite_key_id_bits() is the SHA-1 of the BIT STRING's contents (RFC 5280 §4.2.1.2 method 1);
 * suite_key_id_spki() is the SHA-1 of the whole SPKI, as NUC's RSA certificates have it. */
struct err *suite_key_hash(uint8_t out[32], struct slice spki) ERR_MUST_USE;
struct err *suite_key_id_bits(uint8_t out[20], struct slice spki) ERR_MUST_USE;
struct err *suite_key_id_spki(uint8_t out[20], struct slice spki) ERR_MUST_USE;

#endif
