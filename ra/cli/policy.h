/*
 * policy.h - making the Policy that tells the signer who may decide: from profiles.conf and a staff file, off line.
 *
 * The staff file (libconfig) says:
 *
 *   version = 1;                       # higher than the Policy in force; left out: 1, the first
 *   clock_window_back_s = 3600;        # notBefore of a certificate may lie so far behind and ahead of the signer's clock
 *   clock_window_ahead_s = 300;
 *   staff = ( { person = "900101300017"; name = "..."; role = "operator"; office = "";
 *               certificate = "operators/operator1.pem"; from = "2026-01-01T00:00:00Z"; to = "2027-01-01T00:00:00Z"; } );
 *   identification = ( { name = "digital-id"; certificate = "sim/identification.pem"; per_hour = 1000; per_day = 10000; } );
 *
 * Certificates are named relative to the staff file; from and to may be left out (the certificate's own). Unknown keys are
 * refused. Nothing here signs or installs: see ctl_policy.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_POLICY_H
#define RA_CLI_POLICY_H

#include <jansson.h>

#include "x509/authority.h"

/* policy_build() appends the Policy's DER. `folder` is where the staff file stands. *Errors* CONFIG naming the entry
 * ("staff[2].role: ..."), also when the profiles ask for fewer deciders than design.md section 4 does, or when there are
 * fewer than two administrators. */
struct err *policy_build(struct buf *out, struct slice profiles, struct slice staff_text,
			 const char *folder) ERR_MUST_USE;

/* policy_join() appends the SignedPolicy of the Policy and the SignedDecisions, after the same check that the signer makes
 * (policy_accept()) with the signers themselves as the pinned keys. *Errors* as policy_accept(). */
struct err *policy_join(struct buf *out, struct slice policy, const struct slice *decisions, size_t num_decisions,
			int64_t now) ERR_MUST_USE;

/* policy_describe() makes a JSON object of a Policy: version, windows, staff, identification, digest. *Owns* the result:
 * the caller. */
struct err *policy_describe(json_t **out, struct slice policy) ERR_MUST_USE;

#endif
