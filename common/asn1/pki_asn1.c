/*
 * pki_asn1.c - the templates declared in pki_asn1.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "asn1/pki_asn1.h"
#include "asn1/der.h"

/* ---- RFC 5280 §4.1, §5.1 ---- */

ASN1_SEQUENCE(PKI_SIGNED) = {
	ASN1_SIMPLE(PKI_SIGNED, tbs, ASN1_ANY),
	ASN1_SIMPLE(PKI_SIGNED, signatureAlgorithm, X509_ALGOR),
	ASN1_SIMPLE(PKI_SIGNED, signature, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(PKI_SIGNED)
IMPLEMENT_ASN1_FUNCTIONS(PKI_SIGNED)

struct err *pki_signed_join(struct buf *out, struct slice tbs, struct slice algorithm, struct slice signature)
{
	size_t before = out->len;
	size_t bits_len = der_header_len(signature.len + 1) + signature.len + 1;

	struct err *e = der_header(out, DER_SEQUENCE, tbs.len + algorithm.len + bits_len);
	if (e == NULL)
		e = buf_append(out, tbs);
	if (e == NULL)
		e = buf_append(out, algorithm);
	if (e == NULL)
		e = der_bits(out, signature);
	if (e != NULL)
		out->len = before;
	return e;
}

struct err *pki_signed_split(struct slice *out_tbs, struct slice *out_algorithm, struct slice *out_signature,
			     struct slice der)
{
	struct der_reader outer, inner;
	struct slice tbs, algorithm, signature;

	der_reader_init(&outer, der);
	TRY(der_expect_sequence(&outer, &inner, "signed object"));
	TRY(der_finish(&outer, "signed object"));
	TRY(der_expect_whole(&inner, &tbs, DER_SEQUENCE, "tbs"));
	TRY(der_expect_whole(&inner, &algorithm, DER_SEQUENCE, "signatureAlgorithm"));
	TRY(der_read_bits(&inner, &signature, "signature"));
	TRY(der_finish(&inner, "signed object"));
	*out_tbs = tbs;
	*out_algorithm = algorithm;
	*out_signature = signature;
	return NULL;
}

/* ---- NUC ---- */

ASN1_SEQUENCE(NUC_KEY_STORE_INFO) = {
	ASN1_SIMPLE(NUC_KEY_STORE_INFO, storage, ASN1_OBJECT),
	ASN1_OPT(NUC_KEY_STORE_INFO, path, ASN1_ANY),
} ASN1_SEQUENCE_END(NUC_KEY_STORE_INFO)
IMPLEMENT_ASN1_FUNCTIONS(NUC_KEY_STORE_INFO)

/* ---- ours ---- */

ASN1_SEQUENCE(SIGNED_DECISION) = {
	ASN1_SIMPLE(SIGNED_DECISION, decision, ASN1_OCTET_STRING),
	ASN1_SIMPLE(SIGNED_DECISION, signature, ASN1_OCTET_STRING),
} ASN1_SEQUENCE_END(SIGNED_DECISION)
IMPLEMENT_ASN1_FUNCTIONS(SIGNED_DECISION)

ASN1_SEQUENCE(SIGNED_POLICY) = {
	ASN1_SIMPLE(SIGNED_POLICY, policy, ASN1_OCTET_STRING),
	ASN1_SEQUENCE_OF(SIGNED_POLICY, decisions, SIGNED_DECISION),
} ASN1_SEQUENCE_END(SIGNED_POLICY)
IMPLEMENT_ASN1_FUNCTIONS(SIGNED_POLICY)
