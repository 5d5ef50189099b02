/*
 * decide.h - a signed decision on applications takes effect: verified, stored, and the applications moved, all in one
 * transaction.
 *
 * Operators' decisions (HTTP) and the identification service's (connector) both come through here. A decision names
 * whole applications: every request of each. Sending it twice changes nothing the second time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_DECIDE_H
#define RA_DECIDE_H

#include "ra/number.h"
#include "ra/ra.h"
#include "ra/state.h"

struct ra_decision_in {
	struct slice der, cms;
	const char *person; /* who sent it must be who signed it; NULL: anyone (the connector) */
	const char *reason_text; /* for the applicant; "" for none */
	const char *only; /* the one application it may be about; NULL: any */
	unsigned roles; /* that may send decisions this way, sum of ROLE_BIT() */
};

struct ra_outcome {
	char number[RA_NUMBER_SIZE];
	enum ra_state state;
};

struct ra_outcomes {
	struct ra_outcome *items;
	size_t num;
};
void ra_outcomes_clear(struct ra_outcomes *self);
OWN_TYPE(ra_outcomes, struct ra_outcomes, ra_outcomes_clear)

/* ra_decide() applies a decision and prompts cad for what is approved now. *Errors* BAD_INPUT (the decision or its
 * signature), NOT_FOUND (a digest of no application), DENIED (who may not), CONFLICT (the state does not allow it). */
struct err *ra_decide(struct ra_outcomes *out, struct ra_ctx *ctx, const struct ra_decision_in *in) ERR_MUST_USE;

/* ra_refusal_error() makes the error that tells why a decision does not count. */
struct err *ra_refusal_error(enum authority_refusal refusal) ERR_MUST_USE;

#endif
