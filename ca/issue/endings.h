/*
 * endings.h - what plan.c and settle.c share: the ends of requests that get no certificate now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_ENDINGS_H
#define CA_ISSUE_ENDINGS_H

#include "ca/issue/issue.h"
#include "ca/issue/queries.h"

/* issue_end_items() writes the ends of items number from..to-1 that are rejected, dropped or to be tried again and not yet ended; entries
 * for the log are added to `log`. Inside a transaction. */
struct err *issue_end_items(struct db *db, const struct issue_batch *batch, size_t from, size_t to,
			    const struct issue_limits *limits, struct ca_log *log) ERR_MUST_USE;

/* issue_mark_ended() notes, once the transaction is committed, that these ends are written. */
void issue_mark_ended(struct issue_batch *batch, size_t from, size_t to);

#endif
