/*
 * evidence.h - the evidence of one batch, verified once: decisions by their digest, certificates by theirs.
 *
 * A decision whose signature does not verify is no error of the batch: items that name it are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_EVIDENCE_H
#define CA_SIGN_EVIDENCE_H

#include "ca/sign/state.h"

struct evidence;

/* evidence_create() verifies what a batch brought; everything borrows the message. */
struct err *evidence_create(struct evidence **out, struct signd_state *s, const struct msg_signed_decision *decisions,
			    size_t num_decisions, const struct slice *certificates, size_t num_certificates,
			    int64_t now) ERR_MUST_USE;
void evidence_destroy(struct evidence **self);
OWN_TYPE(evidence, struct evidence *, evidence_destroy)

/* evidence_decision() finds a decision by its digest; NULL when it was not sent or does not verify. */
const struct sign_evidence *evidence_decision(const struct evidence *self, const uint8_t digest[32]);

/* evidence_decisions() looks up those that an item names; `out` has room for AUTHORITY_MAX_DECISIONS. Returns their
 * number, of which more may have been named than are looked up. */
size_t evidence_decisions(const struct evidence *self, const struct sign_evidence *out[AUTHORITY_MAX_DECISIONS],
			  const struct slice *digests, size_t num);

/* evidence_certificate() finds a certificate by its digest; NULL when it was not sent or is none. */
const struct cert *evidence_certificate(const struct evidence *self, const uint8_t digest[32]);

#endif
