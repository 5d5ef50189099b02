/*
 * suite_internal.h - what a row of the table does; for suite.c and its back-ends only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_SUITE_INTERNAL_H
#define COMMON_X509_SUITE_INTERNAL_H

#include "x509/suite.h"

struct suite_ops {
	/* size() gives the key's bits from the contents of the SPKI's BIT STRING, never 0. */
	struct err *(*size)(int *out_bits, struct slice key)ERR_MUST_USE;
	struct err *(*decode)(EVP_PKEY **out, const struct suite *row, struct slice key)ERR_MUST_USE;
	/* strength() is suite_check_strength() for a key of this row. */
	struct err *(*strength)(const struct suite *row, struct slice key)ERR_MUST_USE;
	struct err *(*verify)(const struct suite *row, EVP_PKEY *key, struct slice signed_bytes,
			      struct slice signature)ERR_MUST_USE;
	struct err *(*generate)(EVP_PKEY **out, const struct suite *row)ERR_MUST_USE;
};

extern const struct suite_ops suite_rsa_ops; /* suite_rsa.c */
extern const struct suite_ops suite_p256_ops; /* suite_ec.c */
extern const struct suite_ops suite_ed25519_ops; /* suite_ec.c */

/* suite_evp_verify() is verify() for what libcrypto knows. */
struct err *suite_evp_verify(const struct suite *row, EVP_PKEY *key, struct slice signed_bytes,
			     struct slice signature) ERR_MUST_USE;

#endif
