/*
 * queries.h - all SQL of nucaudit: reads, and one insert that logs an export.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_AUDIT_QUERIES_H
#define CA_AUDIT_QUERIES_H

#include "asn1/serial.h"
#include "cli/env.h"
#include "db/db.h"
#include "tlog/tree.h"

extern const struct db_statement audit_statements[];
extern const size_t audit_statements_count;

/* audit_connect() connects as the variables of `env` say (PGHOST, PGDATABASE, PGUSER). *Errors* GONE, CONFIG. */
struct err *audit_connect(struct db **out, const struct env *env) ERR_MUST_USE;

/* The newest signed head. *Errors* NOT_FOUND when there is none yet. `note` is appended. */
struct err *audit_q_head(struct db *db, uint64_t *out_size, struct tree_hash *out_root, int64_t *out_at_ms,
			 struct buf *note) ERR_MUST_USE;

/* The indexes [first, next) below `size` that a period covers: from the first entry at or after from_ms to the last
 * before to_ms, everything in between included. Equal when there is none. */
struct err *audit_q_range(struct db *db, uint64_t *out_first, uint64_t *out_next, int64_t from_ms, int64_t to_ms,
			  uint64_t size) ERR_MUST_USE;

/* One row of the log. Slices live until the next call. */
struct audit_row {
	uint64_t index;
	struct slice salt, entry, leaf;
};
struct err *audit_q_rows_open(struct db *db, struct db_copy **out, uint64_t first, uint64_t next) ERR_MUST_USE;
struct err *audit_q_rows_next(struct db_copy *copy, struct audit_row *out, bool *out_row) ERR_MUST_USE;

/* Hashes of leaves [first, first + num) into out. *Errors* BUG when one is missing. */
struct err *audit_q_leaves(struct db *db, struct tree_hash *out, uint64_t first, size_t num) ERR_MUST_USE;
/* A complete tile; *out_found false when the ledger has none. */
struct err *audit_q_tile(struct db *db, struct tree_hash out[TREE_TILE_WIDTH], bool *out_found,
			 struct tree_tile tile) ERR_MUST_USE;

/* Logs the export itself. */
struct err *audit_q_log(struct db *db, const char *kind, int64_t at_ms, struct slice entry,
			struct slice salt) ERR_MUST_USE;

/* Rows for `status`: entries that wait for an index; lists (issuer, kind, number, this_update, next_update, entries). */
struct err *audit_q_pending(struct db *db, int64_t *out_num) ERR_MUST_USE;
struct err *audit_q_lists(struct db *db, struct db_result **out) ERR_MUST_USE;

/* Rows for `status-at`: (id, issuer, common_name, not_before, not_after, logged_at_ms or null); and orders (action,
 * reason, revoked_at, ground, ordered_by, log index or null, logged_at_ms or null) in their order. */
struct err *audit_q_certificates(struct db *db, struct db_result **out, const struct serial *serial) ERR_MUST_USE;
struct err *audit_q_orders(struct db *db, struct db_result **out, int64_t certificate_id) ERR_MUST_USE;

#endif
