/*
 * rules.h - the Policy in force, made ready for issuing: profiles, one compiled template for each profile under each
 * issuer, the issuers' keys to verify with.
 *
 * cad does not judge the Policy: it follows the version that the signer has in force (relay.h). An object is immutable
 * and shared by reference count between the loop and the lanes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_RULES_H
#define CA_ISSUE_RULES_H

#include "x509/authority.h"

struct issue_rules;

struct issue_issuer_row {
	const char *name;
	struct slice certificate; /* DER of the issuing CA */
};

/* issue_rules_create() reads a SignedPolicy and compiles every profile but the CA's under every issuer that profiles.conf
 * knows. *Owns* one reference; it copies what it needs. *Errors* CONFIG, BAD_INPUT. */
struct err *issue_rules_create(struct issue_rules **out, struct slice signed_policy,
			       const struct issue_issuer_row *issuers, size_t num_issuers) ERR_MUST_USE;
/* issue_rules_share() takes another reference, issue_rules_release() gives one back and frees with the last. Any thread. */
struct issue_rules *issue_rules_share(struct issue_rules *self);
void issue_rules_release(struct issue_rules **self);
OWN_TYPE(issue_rules, struct issue_rules *, issue_rules_release)

int64_t issue_rules_version(const struct issue_rules *self);
const struct profiles *issue_rules_profiles(const struct issue_rules *self);
int64_t issue_rules_clock_back_s(const struct issue_rules *self);

/* An issuer with its verification key; borrows from the rules. */
struct issue_issuer {
	const char *name;
	const struct profile_issuer *profile;
	struct slice certificate;
	struct cert cert;
	EVP_PKEY *key;
	const struct suite *suite;
};

/* Finders give NULL when there is none. */
const struct issue_issuer *issue_rules_issuer(const struct issue_rules *self, const char *name);
const struct cert_template *issue_rules_template(const struct issue_rules *self, const char *issuer,
						 const char *profile);

#endif
