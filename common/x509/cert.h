/*
 * cert.h - a certificate, read: one pass over its DER after the strict gate, everything borrowed from it.
 *
 * For certificates that we issued, of people who sign decisions, and adopted ones. Reading judges form only; whether to
 * trust it is the caller's decision (cert_verify() checks one link of a chain, nothing else). Unknown extensions are
 * skipped, and `has_unknown_critical` says whether one of them was critical.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_CERT_H
#define COMMON_X509_CERT_H

#include "asn1/serial.h"
#include "base/buf.h"

#define CERT_MAX_BYTES	16384
#define CERT_MAX_EKU	16
#define CERT_MAX_EMAILS 4
#define CERT_MAX_DNS	16
#define CERT_MAX_POLICY 4

struct cert_names {
	struct slice items[CERT_MAX_DNS];
	size_t num;
};

/* A plain value that borrows the DER it was read from. */
struct cert {
	struct slice der; /* the whole certificate */
	struct slice tbs; /* TBSCertificate, whole DER */
	struct serial serial;
	struct slice issuer; /* Name, whole DER */
	struct slice subject; /* Name, whole DER */
	struct slice public_key; /* SubjectPublicKeyInfo, whole DER */
	struct slice signature_algorithm; /* AlgorithmIdentifier, whole DER */
	struct slice signature; /* content of the BIT STRING, without the count of unused bits */
	struct slice extensions; /* SEQUENCE OF Extension, whole DER; empty when there are none */
	int64_t not_before_at, not_after_at;
	unsigned key_usage; /* sum of KEY_USAGE_BIT() (profile.h); 0 when absent */
	bool is_ca;
	int path_length; /* -1: none */
	struct slice eku[CERT_MAX_EKU]; /* content octets of each OID, in order */
	size_t num_eku;
	struct slice policies[CERT_MAX_POLICY]; /* content octets of each OID */
	size_t num_policies;
	struct slice key_id; /* subjectKeyIdentifier, empty when absent */
	struct slice authority_key_id; /* keyIdentifier of the authority, empty when absent */
	struct cert_names emails, dns_names; /* of subjectAltName */
	struct slice key_storage; /* content octets of the OID in 1.2.398.3.3.5, empty when absent */
	bool has_ocsp_nocheck;
	bool has_unknown_critical;
	char iin[13], bin[13]; /* from the subject, "" when absent */
	uint8_t digest[32]; /* SHA-256 of the whole certificate */
	uint8_t key_hash[32]; /* SHA-256 of the SubjectPublicKeyInfo */
};

/* cert_parse() reads a certificate. *Owns* nothing: `out` borrows `der`. *Errors* BAD_INPUT naming the part. */
struct err *cert_parse(struct cert *out, struct slice der) ERR_MUST_USE;

/* cert_parse_tbs() reads a TBSCertificate: signature, signature_algorithm, der and digest stay empty. The algorithm
 * inside the TBS goes to signature_algorithm. */
struct err *cert_parse_tbs(struct cert *out, struct slice tbs) ERR_MUST_USE;

/* cert_has_eku() says whether the extended key usage (dotted OID) is listed. */
bool cert_has_eku(const struct cert *c, const char *oid);

/* cert_verify() checks that `issuer` signed `c`: names byte for byte, key ids when both are there, issuer is a CA that
 * may sign certificates, signature. Not the time, not the status. *Errors* BAD_INPUT. */
struct err *cert_verify(const struct cert *c, const struct cert *issuer) ERR_MUST_USE;

/* cert_from_pem() appends the DER of the first certificate in PEM text, or the bytes themselves when they are DER.
 * cert_to_pem() appends PEM. *Errors* BAD_INPUT. (RFC 7468) */
struct err *cert_from_pem(struct buf *out_der, struct slice text) ERR_MUST_USE;
struct err *cert_to_pem(struct buf *out, struct slice der) ERR_MUST_USE;

#endif
