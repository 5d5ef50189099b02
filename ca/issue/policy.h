/*
 * policy.h - may this request be issued under this profile? cad's own answer, before anything is written or signed.
 *
 * Pure: looks at the request as the ledger has it, the Authorisation that people decided on, the profiles of the Policy in
 * force and the clock's reading. The signer asks harder (ca/sign/policy.c verifies the decisions themselves); here it is
 * found out early, without a plan or a signature, and said to the applicant. Also decided here: what becomes of a request
 * that the signer refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_POLICY_H
#define CA_ISSUE_POLICY_H

#include "x509/authority.h"

enum issue_verdict {
	ISSUE_GO = 1,
	ISSUE_REJECT = 2, /* for good: the application is rejected with the reason */
	ISSUE_DROP = 3, /* there is nothing to issue any more: the request leaves the queue */
};

/* X(NAME, "stable word", "sentence") */
#define ISSUE_REASONS(X)                                                                                               \
	X(NONE, "none", "nothing speaks against it")                                                                   \
	X(NOT_APPROVED, "not_approved", "the application is not approved")                                             \
	X(MALFORMED, "malformed", "the Authorisation is not in its one DER form")                                      \
	X(DIFFERS, "authorisation_differs", "the Authorisation does not say what the ledger says")                     \
	X(EXPIRED, "authorisation_expired", "the Authorisation has expired")                                           \
	X(UNKNOWN_ISSUER, "unknown_issuer", "there is no such issuer")                                                 \
	X(UNKNOWN_KIND, "unknown_kind", "the Policy has no such kind and purpose")                                     \
	X(WRONG_PROFILE, "wrong_profile", "the profile is not the one of that kind and purpose")                       \
	X(CHANNEL_CLOSED, "channel_closed", "the Policy does not open this channel to that kind")                      \
	X(DECISIONS_MISSING, "decisions_missing", "there are fewer fresh decisions than the Policy asks for")          \
	X(RENDER, "render", "the profile does not allow what the Authorisation says")                                  \
	X(LINT, "lint", "the certificate would break a rule")

enum issue_reason {
#define ISSUE_REASON_ENUM(name, word, sentence) ISSUE_BECAUSE_##name,
	ISSUE_REASONS(ISSUE_REASON_ENUM)
#undef ISSUE_REASON_ENUM
		ISSUE_REASON_COUNT
};
const char *issue_reason_word(enum issue_reason reason);
const char *issue_reason_sentence(enum issue_reason reason);

struct issue_question {
	/* the ledger's rows */
	const char *number, *kind, *channel, *state;
	const char *purpose, *issuer, *profile;
	struct slice digest; /* of the Authorisation, as recorded */
	struct slice authorisation; /* DER */
	size_t num_decisions; /* approvals by different persons that have not expired */
	/* what is in force */
	const struct profiles *profiles;
	bool has_issuer; /* the ledger has this issuer's certificate */
	int64_t now;
};

struct issue_answer {
	enum issue_verdict verdict;
	enum issue_reason reason;
	char text[256]; /* sentence for people, with the detail */
	struct authorisation authorisation; /* with ISSUE_GO; borrows the question's */
};

/* issue_policy_decide() decides. Never fails: what cannot be decided is rejected. */
void issue_policy_decide(struct issue_answer *out, const struct issue_question *q);

enum issue_refusal {
	ISSUE_REFUSAL_FINAL = 1, /* the application is rejected */
	ISSUE_REFUSAL_RETRY = 2, /* it has nothing to do with the request: ask again later */
	ISSUE_REFUSAL_REPLAN = 3, /* ask again with another serial number and notBefore */
};

/* issue_refusal_decide() says what a reason word of the signer means for the request. Words that are not known here are
 * final: the signer looked at this very request. */
enum issue_refusal issue_refusal_decide(struct slice word);

/* issue_order_refusal_is_final() is the same for orders: false means ask again later. */
bool issue_order_refusal_is_final(struct slice word);

/* issue_backoff_ms() is the wait before the next try after `attempts` of them: first, doubled each time, at most max. */
int64_t issue_backoff_ms(int64_t attempts, int64_t first_ms, int64_t max_ms);

#endif
