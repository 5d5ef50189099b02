/*
 * issue.h - the ordered writes of issuing: plan -> lint -> record -> (sign) -> verify -> record.
 *
 * issue_plan() commits serial and TBS before the signer is asked; issue_settle() commits certificates and everything that
 * follows from the answers. A process may die anywhere: what was planned is claimed again with the same plan, the signer
 * gives the recorded signature again, and the certificate of a request is unique. Both run on a lane, with a connection of
 * its own; neither knows of the bus.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_ISSUE_H
#define CA_ISSUE_ISSUE_H

#include "ca/issue/batch.h"

struct issue_limits {
	int64_t batch; /* requests claimed at once */
	int64_t lease_ms;
	int64_t retry_ms, retry_max_ms;
};

/* issue_plan() claims requests that are due, decides on each, makes and lints the plans, and commits all of it. The batch
 * is empty when nothing is due. Items that are ISSUE_PLANNED afterwards are to be signed. *Errors* of the database. */
struct err *issue_plan(struct db *db, struct issue_batch *batch, const struct issue_limits *limits) ERR_MUST_USE;

/* issue_settle() verifies what was signed and commits it: certificates, states, log, or the reason why not. *Errors* of the
 * database: everything stays as it was and the requests are claimed again when their lease is over. */
struct err *issue_settle(struct db *db, struct issue_batch *batch, const struct issue_limits *limits) ERR_MUST_USE;

#endif
