/*
 * pki_asn1.c - see pki_asn1.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "asn1/pki_asn1.h"

#include "asn1/der.h"

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
