/*
 * decide.h - making signed decisions, and what must hold before a person's key signs one.
 *
 * review_authorisation() is the operator's own check, on the operator's machine: what would be signed says the same as the
 * application that is shown, and belongs to it. It is pure. Callers: nucctl, nucapply revoke, simulators.
 * design.md section 4.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_DECIDE_H
#define RA_CLI_DECIDE_H

#include <jansson.h>

#include "ra/cli/key.h"
#include "x509/authority.h"

#define DECIDE_VALID_S (7 * 86400) /* how long a person's decision counts, unless told otherwise */

/* decide_nonce() fills 16 random octets. *Errors* SYSTEM. */
struct err *decide_nonce(uint8_t out[AUTHORITY_NONCE_LEN]) ERR_MUST_USE;

/* What a decision says besides whom it is about and when. */
struct decide_terms {
	enum decision_kind kind;
	enum decision_verdict verdict;
	struct slice evidence; /* 32 octets or empty */
	const char *reason; /* "" or a code */
	int64_t valid_s;
};

/* decide_sign() makes a Decision over the digests, dated now, with a fresh nonce, and signs it. Appends the Decision to
 * out_decision and the detached CMS to out_cms. */
struct err *decide_sign(struct buf *out_decision, struct buf *out_cms, const struct key_store *store,
			const struct decide_terms *terms, const uint8_t (*digests)[SHA256_LEN],
			size_t num_digests) ERR_MUST_USE;

/* review_authorisation() says whether the Authorisation (DER) is the one that the application describes: number, kind,
 * channel, issuer, who entered it; the subject's IIN, BIN and names; e-mail; not expired. `application` is the
 * operators' API's answer, `request` one of its requests. *Errors* CONFLICT, naming the field that differs. */
struct err *review_authorisation(struct authorisation *out, struct slice der, const json_t *application,
				 const json_t *request, int64_t now) ERR_MUST_USE;

/* review_words() appends what the Authorisation would put into a certificate, a line each: "subject  CN=...". */
struct err *review_words(struct buf *out, const struct authorisation *a) ERR_MUST_USE;

#endif
