/*
 * ocsp.h - may this answer be signed? The check of a ResponseData against what this signer knows. Pure.
 *
 * Each SingleResponse: the CertID is of the issuer that was named (SHA-1, -256, -384 or -512); "good" only for a serial
 * that was issued or adopted and is neither revoked nor held; "revoked" only as ordered, same time and reason, or for a
 * serial that was never issued in the one form that RFC 6960 §2.2 gives; "unknown" only for what was never issued. Times:
 * producedAt and thisUpdate near the signer's clock, nextUpdate there, bounded, and not past the responder's certificate.
 * ResponderID is our responder; extensions are the nonce and extended-revoke, nothing else. RFC 6960 §4.2, RFC 9654.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_OCSP_H
#define CA_SIGN_OCSP_H

#include "ca/sign/known.h"
#include "x509/cert.h"

enum { OCSP_HASHES = 4, OCSP_HASH_MAX = 64, OCSP_TBS_MAX = 16 * 1024, OCSP_SINGLES_MAX = 64 };

/* An issuer and its responder, made ready once. */
struct ocsp_issuer {
	struct slice name; /* issuer name, "rsa" */
	uint8_t name_hash[OCSP_HASHES][OCSP_HASH_MAX]; /* of the CA's subject: SHA-1, -256, -384, -512 */
	uint8_t key_hash[OCSP_HASHES][OCSP_HASH_MAX]; /* of its key's BIT STRING */
	struct slice responder; /* subject of the responder's certificate, whole DER */
	uint8_t responder_key[20]; /* SHA-1 of its key's BIT STRING */
	int64_t not_before_at, not_after_at; /* of the responder's certificate */
};

/* ocsp_issuer_init() borrows `name` and the certificates. *Errors* CONFIG: the responder's certificate is not of this CA,
 * lacks the extended key usage OCSPSigning, or has a key that is not `responder_spki`. */
struct err *ocsp_issuer_init(struct ocsp_issuer *out, struct slice name, const struct cert *ca,
			     const struct cert *responder, struct slice responder_spki) ERR_MUST_USE;

struct ocsp_limits {
	int64_t now;
	int64_t max_age_s; /* how far producedAt and thisUpdate may lie back */
	int64_t max_validity_s; /* nextUpdate - thisUpdate */
};

/* ocsp_check() says whether the ResponseData may be signed. *Errors* DENIED; the field is a word of OCSP_REASONS. */
struct err *ocsp_check(const struct ocsp_issuer *issuer, const struct known *known, const struct ocsp_limits *limits,
		       struct slice tbs) ERR_MUST_USE;

#endif
