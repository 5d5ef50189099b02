/*
 * lint.h - checks of a finished TBSCertificate against the documents that bind us, before a key touches it.
 *
 * The issue path is plan -> lint -> record -> sign. Lints read the TBS itself (a throw-away signature would cost as
 * much as the real one) through their own eyes: the DER is parsed anew, nothing of the template is believed. Each lint
 * is one rule with its citation and the day from which it binds; the registry runs all that apply and reports every
 * rule broken, not the first. What passes gets a token that is good for one signature over exactly these bytes.
 *
 * Callers: ca/issue, for each certificate; tests. The signer has its own check: it renders the bytes itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_LINT_LINT_H
#define CA_LINT_LINT_H

#include "x509/cert.h"
#include "x509/profile.h"

/* What a TBS is judged against; all borrowed. */
struct lint_context {
	const struct profile *profile;
	const struct profile_issuer *issuer;
	struct slice issuer_certificate; /* DER; of the root itself: empty */
	const struct cert *authority; /* the same, read before (cert_template_authority()); NULL: it is read here */
};

/* Good for one signature over the bytes that were linted. Made by lint_tbs() only. */
struct lint_token {
	uint8_t digest[32];
	uint32_t state;
};

/* lint_tbs() runs every lint that is in force at the certificate's notBefore. *Errors* BAD_INPUT with every broken rule
 * ("nuc_subject_order: nuc-domain 1.2: ..."), joined by "; "; the token is then not given. */
struct err *lint_tbs(struct lint_token *out, const struct lint_context *context, struct slice tbs) ERR_MUST_USE;

/* lint_token_use() spends the token. *Errors* BUG when it was not given, was spent, or is of other bytes. */
struct err *lint_token_use(struct lint_token *token, struct slice tbs) ERR_MUST_USE;

#endif
