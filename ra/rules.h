/*
 * rules.h - the rules in force: the signed Policy, the profiles in it, and the issuers, as one immutable snapshot.
 *
 * The table `policy` is only where the Policy is carried: each version counts when two administrators of the version
 * before signed it (version 1: administrators whose keys are pinned in rad.conf). A row that does not verify is refused,
 * logged, and the version in force stays. Threads hold a counted reference for the length of a request; a newer version
 * is taken over between requests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_RULES_H
#define RA_RULES_H

#include "db/db.h"
#include "x509/authority.h"
#include "x509/profile.h"

enum { RA_ISSUERS_MAX = 8 };

struct ra_issuer {
	char name[17];
	struct buf certificate, root;
	struct cert cert; /* of `certificate` */
	struct buf chain; /* PEM: issuing CA, then root */
};

struct ra_rules {
	struct policy policy;
	struct profiles *profiles;
	struct ra_issuer issuers[RA_ISSUERS_MAX];
	size_t num_issuers;
	/* private */
	struct buf der;
	int refs;
	struct ra_rules_keeper *keeper;
};

struct ra_rules_keeper;

/* ra_rules_keeper_create() makes a keeper without rules. `pins` are copied. */
struct err *ra_rules_keeper_create(struct ra_rules_keeper **out, const uint8_t (*pins)[32],
				   size_t num_pins) ERR_MUST_USE;
void ra_rules_keeper_destroy(struct ra_rules_keeper **self);
OWN_TYPE(ra_rules_keeper, struct ra_rules_keeper *, ra_rules_keeper_destroy)

/* ra_rules_refresh() takes over what is new in the ledger. *out_changed (or NULL) says whether anything was. One thread.
 * *Errors* of the database; a refused version (DENIED, CONFLICT, BAD_INPUT, CONFIG) is told once: what was in force
 * stays, and later versions are looked at all the same. */
struct err *ra_rules_refresh(struct ra_rules_keeper *self, struct db *db, bool *out_changed) ERR_MUST_USE;

/* ra_rules_hold() brings *held (NULL at first) to the rules in force: without a lock when they did not change.
 * *Errors* RETRY when there are none yet. *Owns* the caller, ra_rules_put(). */
struct err *ra_rules_hold(struct ra_rules_keeper *self, struct ra_rules **held) ERR_MUST_USE;
void ra_rules_put(struct ra_rules **self);
OWN_TYPE(ra_rules, struct ra_rules *, ra_rules_put)

/* ra_rules_issuer() finds an issuer by name, ra_rules_issuer_of() the one that a certificate names as its issuer. NULL
 * when it is none of ours. */
const struct ra_issuer *ra_rules_issuer(const struct ra_rules *rules, const char *name);
const struct ra_issuer *ra_rules_issuer_of(const struct ra_rules *rules, const struct cert *cert);

#endif
