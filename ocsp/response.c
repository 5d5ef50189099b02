/*
 * response.c - assembling answers. See response.h.
 *
 * All lengths are known before the first octet is written, so nothing is moved and nothing is encoded twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/response.h"

#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"

enum { TIME_LEN = 17 /* GeneralizedTime with header */ };

static const uint8_t extended_revoke[] = { 0x30, 0x0f, 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05,
					   0x07, 0x30, 0x01, 0x09, 0x04, 0x02, 0x05, 0x00 };
static const uint8_t basic_oid[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };
static const uint8_t nonce_oid[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02 };

static size_t with_header(size_t content_len)
{
	return der_header_len(content_len) + content_len;
}

int64_t ocsp_response_next_at(const struct ocsp_responder *responder, int64_t this_at, int64_t validity_s)
{
	int64_t next_at = this_at + validity_s;

	return next_at < responder->not_after_at ? next_at : responder->not_after_at;
}

/* RevokedInfo ::= SEQUENCE { revocationTime GeneralizedTime, revocationReason [0] EXPLICIT CRLReason OPTIONAL } */
static size_t revoked_len(const struct ocsp_verdict *v)
{
	return TIME_LEN + (v->reason != 0 ? 5u : 0u);
}

static size_t status_len(const struct ocsp_verdict *v)
{
	return v->outcome == OCSP_REVOKED ? with_header(revoked_len(v)) : 2;
}

/* CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo, unknown [2] IMPLICIT NULL } */
static struct err *put_status(struct buf *out, const struct ocsp_verdict *v)
{
	static const uint8_t good[] = { 0x80, 0x00 }, unknown[] = { 0x82, 0x00 };

	switch (v->outcome) {
	case OCSP_GOOD:
		return buf_append(out, SLICE(good, sizeof good));
	case OCSP_UNKNOWN:
		return buf_append(out, SLICE(unknown, sizeof unknown));
	case OCSP_REVOKED:
		TRY(der_header(out, DER_CONTEXT_CONSTRUCTED(1), revoked_len(v)));
		TRY(der_generalized_time(out, v->revoked_at));
		if (v->reason == 0)
			return NULL;
		TRY(der_header(out, DER_CONTEXT_CONSTRUCTED(0), 3));
		return der_enumerated(out, v->reason);
	default:
		return ERR(BUG, "the verdict %s has no CertStatus", ocsp_outcome_word(v->outcome));
	}
}

static size_t single_len(const struct ocsp_answer_single *s)
{
	return s->cert_id.len + status_len(&s->verdict) + TIME_LEN + with_header(TIME_LEN);
}

/* SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, nextUpdate [0] EXPLICIT GeneralizedTime OPTIONAL, .. } */
static struct err *put_single(struct buf *out, const struct ocsp_answer *a, const struct ocsp_answer_single *s)
{
	TRY(der_header(out, DER_SEQUENCE, single_len(s)));
	TRY(buf_append(out, s->cert_id));
	TRY(put_status(out, &s->verdict));
	TRY(der_generalized_time(out, a->this_at));
	TRY(der_header(out, DER_CONTEXT_CONSTRUCTED(0), TIME_LEN));
	return der_generalized_time(out, a->next_at);
}

/* Extension ::= SEQUENCE { id-pkix-ocsp-nonce, OCTET STRING { OCTET STRING nonce } } */
static size_t nonce_len(struct slice nonce)
{
	return sizeof nonce_oid + with_header(with_header(nonce.len));
}

static size_t extensions_len(const struct ocsp_answer *a)
{
	return (a->nonce.p != NULL ? with_header(nonce_len(a->nonce)) : 0) + sizeof extended_revoke;
}

static struct err *put_extensions(struct buf *out, const struct ocsp_answer *a)
{
	TRY(der_header(out, DER_CONTEXT_CONSTRUCTED(1), with_header(extensions_len(a))));
	TRY(der_header(out, DER_SEQUENCE, extensions_len(a)));
	if (a->nonce.p != NULL) {
		TRY(der_header(out, DER_SEQUENCE, nonce_len(a->nonce)));
		TRY(buf_append(out, SLICE(nonce_oid, sizeof nonce_oid)));
		TRY(der_header(out, DER_OCTET_STRING, with_header(a->nonce.len)));
		TRY(der_octets(out, a->nonce));
	}
	return buf_append(out, SLICE(extended_revoke, sizeof extended_revoke));
}

/* ResponderID ::= CHOICE { byName [1] EXPLICIT Name, byKey [2] EXPLICIT OCTET STRING } */
static size_t responder_id_len(const struct ocsp_answer *a)
{
	return with_header(a->responder_id == OCSP_BY_NAME ? a->responder->name.len
							   : with_header(sizeof a->responder->key_id));
}

static struct err *put_responder_id(struct buf *out, const struct ocsp_answer *a)
{
	const struct ocsp_responder *r = a->responder;

	if (a->responder_id == OCSP_BY_NAME)
		return der_tlv(out, DER_CONTEXT_CONSTRUCTED(1), r->name);
	TRY(der_header(out, DER_CONTEXT_CONSTRUCTED(2), with_header(sizeof r->key_id)));
	return der_octets(out, SLICE(r->key_id, sizeof r->key_id));
}

struct err *ocsp_response_data(struct buf *out, const struct ocsp_answer *answer)
{
	size_t singles = 0;

	for (size_t i = 0; i < answer->num_singles; i++)
		singles += with_header(single_len(&answer->singles[i]));
	size_t extensions = with_header(with_header(extensions_len(answer)));
	buf_reset(out);
	TRY(der_header(out, DER_SEQUENCE, responder_id_len(answer) + TIME_LEN + with_header(singles) + extensions));
	TRY(put_responder_id(out, answer));
	TRY(der_generalized_time(out, answer->this_at));
	TRY(der_header(out, DER_SEQUENCE, singles));
	for (size_t i = 0; i < answer->num_singles; i++)
		TRY(put_single(out, answer, &answer->singles[i]));
	return put_extensions(out, answer);
}

/* Lengths of the nested wrappers of an OCSPResponse, from the inside out. */
struct wrapping {
	size_t certs, certs_tagged, basic, basic_octets, bytes, bytes_tagged, response;
};

static struct wrapping wrap(const struct ocsp_responder *r, size_t data_len, size_t signature_len)
{
	struct wrapping w;

	w.certs = r->der.len;
	w.certs_tagged = with_header(w.certs);
	w.basic = data_len + r->suite->signature_algorithm.len + with_header(1 + signature_len) +
		  with_header(w.certs_tagged);
	w.basic_octets = with_header(w.basic);
	w.bytes = sizeof basic_oid + with_header(w.basic_octets);
	w.bytes_tagged = with_header(w.bytes);
	w.response = 3 + with_header(w.bytes_tagged);
	return w;
}

/* OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, [0] { SEQUENCE { responseType, response OCTET STRING } } }
 * BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature, certs [0] EXPLICIT SEQUENCE OF } */
struct err *ocsp_response_join(struct buf *out, const struct ocsp_responder *responder, struct slice data,
			       struct slice signature)
{
	struct wrapping w = wrap(responder, data.len, signature.len);

	buf_reset(out);
	TRY(der_header(out, DER_SEQUENCE, w.response));
	TRY(der_enumerated(out, 0));
	TRY(der_header(out, DER_CONTEXT_CONSTRUCTED(0), w.bytes_tagged));
	TRY(der_header(out, DER_SEQUENCE, w.bytes));
	TRY(buf_append(out, SLICE(basic_oid, sizeof basic_oid)));
	TRY(der_header(out, DER_OCTET_STRING, w.basic_octets));
	TRY(der_header(out, DER_SEQUENCE, w.basic));
	TRY(buf_append(out, data));
	TRY(buf_append(out, responder->suite->signature_algorithm));
	TRY(der_bits(out, signature));
	TRY(der_header(out, DER_CONTEXT_CONSTRUCTED(0), w.certs_tagged));
	return der_tlv(out, DER_SEQUENCE, buf_slice(&responder->der));
}

bool ocsp_response_fits(const struct ocsp_responder *responder, size_t data_len)
{
	struct wrapping w = wrap(responder, data_len, responder->signature_max);

	return with_header(w.response) <= OCSP_RESPONSE_MAX_BYTES;
}

struct slice ocsp_response_error(enum ocsp_outcome outcome)
{
	/* OCSPResponseStatus: malformedRequest 1, internalError 2, tryLater 3, unauthorized 6 */
	static const uint8_t malformed[] = { 0x30, 0x03, 0x0a, 0x01, 1 }, internal[] = { 0x30, 0x03, 0x0a, 0x01, 2 },
			     try_later[] = { 0x30, 0x03, 0x0a, 0x01, 3 },
			     unauthorized[] = { 0x30, 0x03, 0x0a, 0x01, 6 };

	switch (outcome) {
	case OCSP_MALFORMED:
		return SLICE(malformed, sizeof malformed);
	case OCSP_TRY_LATER:
		return SLICE(try_later, sizeof try_later);
	case OCSP_UNAUTHORIZED:
		return SLICE(unauthorized, sizeof unauthorized);
	default:
		return SLICE(internal, sizeof internal);
	}
}
