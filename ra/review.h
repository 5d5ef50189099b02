/*
 * review.h - what has been decided on an application so far, and whose decision is still missing.
 *
 * The decisions are read from the ledger and verified anew each time by the very functions that signd uses
 * (common/x509/authority.h): a row of table decision proves nothing by being there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_REVIEW_H
#define RA_REVIEW_H

#include "ra/queries.h"
#include "ra/ra.h"

struct ra_review {
	const struct profile_kind *kind;
	enum profile_channel channel;
	const struct profile_deciders *required;
	size_t num_requests;
	struct ra_request requests[PROFILE_MAX_REQUESTS];
	struct authorisation authorisations[PROFILE_MAX_REQUESTS];
	size_t num_decisions;
	struct verified_decision decisions[AUTHORITY_MAX_DECISIONS];
	struct db_result *request_rows, *decision_rows;
};
void ra_review_clear(struct ra_review *self);
OWN_TYPE(ra_review, struct ra_review, ra_review_clear)

/* ra_review_load() reads requests and decisions of an application; the decision with the digest `except` (or NULL) is
 * left out. *Errors* RETRY without a policy, NOT_FOUND for a kind
 * that the policy no longer has. */
struct err *ra_review_load(struct ra_review *out, struct ra_ctx *ctx, const struct ra_application *app,
			   const uint8_t *except) ERR_MUST_USE;

/* Whose decision is missing, when `extra` (or NULL) is counted, too. */
struct ra_missing {
	enum ra_waits waits_for;
	unsigned slots[PROFILE_MAX_DECIDERS]; /* sums of ROLE_BIT(), one for each decision that is missing */
	size_t num_slots;
	bool is_reviewed; /* staff approved already, `extra` aside */
	enum authority_refusal refusal; /* of `extra`: FITS when it counts for every request */
};
void ra_review_missing(struct ra_missing *out, const struct ra_review *review, const struct verified_decision *extra,
		       int64_t now_s);

/* ra_waits_of() says whose turn it is: the identification service first, then the head, then staff. Pure. */
enum ra_waits ra_waits_of(const unsigned *slots, size_t num_slots);

/* ra_verify_decision() decodes a Decision, verifies its CMS and finds out who signed. `out` borrows `der`.
 * A signer whom nobody knows, or whose certificate of ours is revoked, held or not the one we issued, has roles 0.
 * *Errors* BAD_INPUT, TOO_LARGE. */
struct err *ra_verify_decision(struct verified_decision *out, struct ra_ctx *ctx, struct slice der,
			       struct slice cms) ERR_MUST_USE;

/* ra_certificate_counts() says whether a certificate is one that we issued and that is valid (not revoked, held or
 * expired). Certificates of other issuers do not count. */
struct err *ra_certificate_counts(bool *out, struct ra_ctx *ctx, const struct cert *cert) ERR_MUST_USE;

/* ra_actor_of() picks the actor for a step from a decider's roles. False: nobody. */
bool ra_actor_of(enum ra_actor *out, unsigned roles);

#endif
