/*
 * response.h - ResponseData from a verdict, and the OCSPResponse from ResponseData and a signature.
 *
 * Nothing is signed here: the signature comes from signd-ocsp over the bus. Form of NUC (nuc-domain 1.7): responderID
 * byName, producedAt = thisUpdate, the CertID as it was sent, the nonce, the extended-revoke extension always, the
 * delegated certificate included; nextUpdate is always sent. RFC 6960 §4.2, RFC 5019 §2.2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_RESPONSE_H
#define OCSP_RESPONSE_H

#include "ocsp/state.h"

#define OCSP_RESPONSE_MAX_BYTES 4095 /* what SIGEX's monitor takes (nuc-domain 4) */

enum ocsp_responder_id { OCSP_BY_NAME, OCSP_BY_KEY };

struct ocsp_answer_single {
	struct slice cert_id; /* whole DER, echoed */
	struct ocsp_verdict verdict; /* good, revoked or unknown */
};

struct ocsp_answer {
	const struct ocsp_responder *responder;
	enum ocsp_responder_id responder_id;
	int64_t this_at, next_at; /* thisUpdate (and producedAt), nextUpdate */
	size_t num_singles;
	struct ocsp_answer_single singles[OCSP_MAX_SINGLES];
	struct slice nonce; /* octets; p == NULL: none */
};

/* ocsp_response_next_at() gives nextUpdate: thisUpdate + validity, but never past the responder's certificate. */
int64_t ocsp_response_next_at(const struct ocsp_responder *responder, int64_t this_at, int64_t validity_s);

/* ocsp_response_data() writes the ResponseData over what `out` held. The same answer gives the same bytes. */
struct err *ocsp_response_data(struct buf *out, const struct ocsp_answer *answer) ERR_MUST_USE;

/* ocsp_response_join() writes the OCSPResponse (successful) over what `out` held. */
struct err *ocsp_response_join(struct buf *out, const struct ocsp_responder *responder, struct slice data,
			       struct slice signature) ERR_MUST_USE;

/* ocsp_response_fits() says whether an answer with ResponseData of that length stays within OCSP_RESPONSE_MAX_BYTES. */
bool ocsp_response_fits(const struct ocsp_responder *responder, size_t data_len);

/* ocsp_response_error() gives the whole OCSPResponse of a verdict that is no status: five octets, static. */
struct slice ocsp_response_error(enum ocsp_outcome outcome);

#endif
