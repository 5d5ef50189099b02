/*
 * ledger.h - entries for the log, collected for the one statement that makes the change they tell of.
 *
 * Every step that rad takes is told in log_pending, in the transaction of the change itself: a statement of queries.c
 * takes the rows collected here as arrays. Entries carry application numbers and persons (the auditor needs them); the
 * daemon's own log lines do not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_LEDGER_H
#define RA_LEDGER_H

#include "ra/state.h"
#include "tlog/leaf.h"

/* Who takes a step. Texts are borrowed. */
struct ra_who {
	enum ra_actor actor;
	const char *person; /* IIN, name of an identification service, or "" */
	const uint8_t *key_hash; /* 32 octets, or NULL */
};

enum { RA_LOG_MAX = 8 };

struct ra_log {
	size_t num;
	struct slice kinds[RA_LOG_MAX];
	int64_t at_ms[RA_LOG_MAX];
	struct slice entries[RA_LOG_MAX];
	struct slice salts[RA_LOG_MAX];
	struct buf bytes[RA_LOG_MAX];
	uint8_t salt_bytes[RA_LOG_MAX][LOG_SALT_SIZE];
};
#define RA_LOG_INIT                                                                                                    \
	{                                                                                                              \
		.num = 0                                                                                               \
	}
void ra_log_clear(struct ra_log *self);
OWN_TYPE(ra_log, struct ra_log, ra_log_clear)

/* ra_log_begin() starts an entry by `who` at the present time, about application `number` ("" or NULL: none). */
void ra_log_begin(struct log_entry *out, enum log_kind kind, const struct ra_who *who, const char *number);

/* ra_log_add() encodes the entry, salts it and adds it. *Errors* as log_entry_encode(); BUG past RA_LOG_MAX. */
struct err *ra_log_add(struct ra_log *self, const struct log_entry *entry) ERR_MUST_USE;

/* ra_log_state() adds application.state with from and to, if they differ. `why` may be "". */
struct err *ra_log_state(struct ra_log *self, const struct ra_who *who, const char *number, enum ra_state from,
			 enum ra_state to, enum ra_event event, const char *why) ERR_MUST_USE;

#endif
