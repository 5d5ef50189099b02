/*
 * policy_internal.h - what policy.c sees of the rules in force.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_POLICY_INTERNAL_H
#define CA_SIGN_POLICY_INTERNAL_H

#include "ca/sign/policy.h"

struct rules_issuer {
	char name[17];
	struct buf certificate;
	struct cert cert; /* borrows certificate */
};

struct sign_rules {
	struct buf der;
	struct policy policy; /* borrows der */
	struct profiles *profiles;
	struct rules_issuer *issuers;
	size_t num_issuers;
	struct cert_template **templates;
};

/* rules_find_issuer() gives NULL for an issuer that this signer does not hold. */
const struct rules_issuer *rules_find_issuer(const struct sign_rules *rules, struct slice name);
/* rules_find_template() takes an issuer and a profile of these rules; NULL for a profile of CAs. */
const struct cert_template *rules_find_template(const struct sign_rules *rules, const struct rules_issuer *issuer,
						const struct profile *profile);

#endif
