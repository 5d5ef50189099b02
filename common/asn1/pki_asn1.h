/*
 * pki_asn1.h - every OpenSSL template of ours, grouped by the document that defines it; the ASN.1 stands above each.
 *
 * Member names are those of the document. Decode with DER_DECODE(), encode with DER_ENCODE() (der.h), nothing else.
 * Message bodies of the bus have their templates in common/bus/msg_*.c and use SIGNED_DECISION from here.
 * What is read once per signature (Authorisation, StatusOrder, Decision, the decisions' CMS) is read by the strict
 * reader of der.h in common/x509/authority*.c instead: it borrows where a template copies field by field.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_ASN1_PKI_ASN1_H
#define COMMON_ASN1_PKI_ASN1_H

#include <openssl/asn1t.h>
#include <openssl/x509.h>

#include "base/buf.h"

/* ---- RFC 5280 §4.1, §5.1; RFC 6960 §4.2.1 ---- */

/*
 * SIGNED ::= SEQUENCE { tbs ANY, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
 * The common shape of Certificate, CertificateList and CertificationRequest.
 */
typedef struct {
	ASN1_TYPE *tbs;
	X509_ALGOR *signatureAlgorithm;
	ASN1_BIT_STRING *signature;
} PKI_SIGNED;
DECLARE_ASN1_FUNCTIONS(PKI_SIGNED)

/* pki_signed_join() appends SEQUENCE { tbs, algorithm, BIT STRING signature } from ready DER; pki_signed_split() takes
 * one apart without copying (slices borrow). `algorithm` is the DER of an AlgorithmIdentifier. *Errors* BAD_INPUT. */
struct err *pki_signed_join(struct buf *out, struct slice tbs, struct slice algorithm,
			    struct slice signature) ERR_MUST_USE;
struct err *pki_signed_split(struct slice *out_tbs, struct slice *out_algorithm, struct slice *out_signature,
			     struct slice der) ERR_MUST_USE;

/* ---- NUC ---- */

/* KeyStoreInfo ::= SEQUENCE { storage OBJECT IDENTIFIER, path UTF8String OPTIONAL }   -- extension 1.2.398.3.3.5 */
typedef struct {
	ASN1_OBJECT *storage;
	ASN1_TYPE *path; /* any string type is met in requests; it is dropped, never copied */
} NUC_KEY_STORE_INFO;
DECLARE_ASN1_FUNCTIONS(NUC_KEY_STORE_INFO)

/* ---- ours: signed authority objects as they travel in messages (common/x509/authority.h reads what is inside) ---- */

/* SignedDecision ::= SEQUENCE { decision OCTET STRING, signature OCTET STRING } */
typedef struct {
	ASN1_OCTET_STRING *decision;
	ASN1_OCTET_STRING *signature;
} SIGNED_DECISION;
DECLARE_ASN1_FUNCTIONS(SIGNED_DECISION)
DEFINE_STACK_OF(SIGNED_DECISION)

/* SignedPolicy ::= SEQUENCE { policy OCTET STRING, decisions SEQUENCE OF SignedDecision } */
typedef struct {
	ASN1_OCTET_STRING *policy;
	STACK_OF(SIGNED_DECISION) * decisions;
} SIGNED_POLICY;
DECLARE_ASN1_FUNCTIONS(SIGNED_POLICY)

/* Destructors for OWN(). */
OWN_POINTER(pki_signed, PKI_SIGNED *, PKI_SIGNED_free)
OWN_POINTER(nuc_key_store_info, NUC_KEY_STORE_INFO *, NUC_KEY_STORE_INFO_free)
OWN_POINTER(signed_decision, SIGNED_DECISION *, SIGNED_DECISION_free)
OWN_POINTER(signed_policy_asn1, SIGNED_POLICY *, SIGNED_POLICY_free)

#endif
