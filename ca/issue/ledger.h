/*
 * ledger.h - entries for the log, collected during a transaction and written with it by one statement.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_LEDGER_H
#define CA_ISSUE_LEDGER_H

#include "db/db.h"
#include "tlog/leaf.h"

struct ca_log_row {
	const char *kind; /* static */
	int64_t at_ms;
	struct buf entry;
	uint8_t salt[LOG_SALT_SIZE];
	int64_t application_id, certificate_id, order_id; /* 0: none */
};

struct ca_log {
	struct ca_log_row *rows;
	size_t num, cap;
};
#define CA_LOG_INIT                                                                                                    \
	{                                                                                                              \
		NULL, 0, 0                                                                                             \
	}
void ca_log_clear(struct ca_log *self);
OWN_TYPE(ca_log, struct ca_log, ca_log_clear)

/* What a row of log_pending refers to; 0: none. */
struct ca_log_refs {
	int64_t application_id, certificate_id, order_id;
};

/* ca_log_begin() starts an entry at the present time in the name of cad. `number` NULL or "": no application. */
void ca_log_begin(struct log_entry *out, enum log_kind kind, const char *number);

/* ca_log_add() encodes and salts the entry and keeps it. *Errors* as log_entry_encode(). */
struct err *ca_log_add(struct ca_log *self, const struct log_entry *entry, struct ca_log_refs refs) ERR_MUST_USE;

/* ca_log_state() adds application.state. `why` may be "". */
struct err *ca_log_state(struct ca_log *self, int64_t application_id, const char *number, const char *from,
			 const char *to, const char *why) ERR_MUST_USE;

#endif
