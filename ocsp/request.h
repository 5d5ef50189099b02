/*
 * request.h - an OCSPRequest as bytes to a struct ocsp_query: syntax only, no decision about any certificate.
 *
 * Strict DER in one pass of the gate and one of the reader; nothing is allocated, all slices borrow the request.
 * RFC 6960 §4.1, RFC 5019 §2.1, RFC 9654 §2.1. What is refused here is answered malformedRequest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_REQUEST_H
#define OCSP_REQUEST_H

#include "asn1/serial.h"
#include "base/buf.h"

#define OCSP_REQUEST_MAX_BYTES 4096
#define OCSP_CERT_ID_MAX_BYTES 256
enum {
	OCSP_MAX_SINGLES = 8, /* certificates asked about in one message */
	OCSP_NONCE_MAX = 128,
};

enum ocsp_digest { OCSP_SHA1, OCSP_SHA256, OCSP_SHA384, OCSP_SHA512, OCSP_DIGESTS, OCSP_DIGEST_FOREIGN = OCSP_DIGESTS };
#define OCSP_DIGEST_MAX_LEN 64
/* ocsp_digest_len() gives the length in bytes; ocsp_digest_name() libcrypto's name ("SHA2-256"). */
size_t ocsp_digest_len(enum ocsp_digest digest);
const char *ocsp_digest_name(enum ocsp_digest digest);

/* One Request of the list. */
struct ocsp_single {
	struct slice cert_id; /* the whole CertID, echoed byte for byte */
	enum ocsp_digest digest; /* OCSP_DIGEST_FOREIGN: an algorithm that no issuer here is known by */
	bool has_null; /* parameters NULL; absent otherwise */
	struct slice name_hash, key_hash;
	struct slice serial; /* content octets of the INTEGER: 1..20, positive */
};

struct ocsp_query {
	size_t num_singles; /* 1..OCSP_MAX_SINGLES */
	struct ocsp_single singles[OCSP_MAX_SINGLES];
	struct slice nonce; /* the nonce's own octets (1..128); p == NULL: none was sent */
};

/* Why a request was refused: names for metrics. */
enum ocsp_malformed {
	OCSP_MALFORMED_NONE,
	OCSP_MALFORMED_SIZE, /* over OCSP_REQUEST_MAX_BYTES, or too long an answer */
	OCSP_MALFORMED_ENCODING, /* not base64 or percent-encoding (GET) */
	OCSP_MALFORMED_DER,
	OCSP_MALFORMED_STRUCTURE,
	OCSP_MALFORMED_COUNT, /* no request, or more than OCSP_MAX_SINGLES */
	OCSP_MALFORMED_CERT_ID,
	OCSP_MALFORMED_NONCE,
	OCSP_MALFORMED_EXTENSION, /* unknown and critical, or twice */
	OCSP_MALFORMED_CAUSES
};
const char *ocsp_malformed_word(enum ocsp_malformed cause);

/* ocsp_request_parse() reads the DER. *out_cause says why it failed (OCSP_MALFORMED_NONE on success).
 * *Errors* BAD_INPUT, TOO_LARGE. Slices of *out live as long as der. */
struct err *ocsp_request_parse(struct ocsp_query *out, enum ocsp_malformed *out_cause, struct slice der) ERR_MUST_USE;

/* ocsp_request_from_path() decodes the path of a GET (RFC 6960 App. A.1): after the first '/', percent-encoding around
 * base64 around DER. `scratch` and `out` are emptied first and keep their memory. */
struct err *ocsp_request_from_path(struct buf *out, struct buf *scratch, enum ocsp_malformed *out_cause,
				   struct slice path) ERR_MUST_USE;

#endif
