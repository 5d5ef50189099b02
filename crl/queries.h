/*
 * queries.h - the statements of crld, by number, and one typed wrapper for each. All SQL of crld is in queries.c.
 *
 * They run as nuc_crl: it reads statuses, log and lists, and may insert lists and pending log entries, and move the
 * counters of lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_QUERIES_H
#define CRL_QUERIES_H

#include "crl/schedule.h"
#include "crl/set.h"
#include "db/db.h"
#include "tlog/tree.h"

enum crl_statement {
	Q_CRL_ISSUERS,
	Q_CRL_ORDER_SEQ,
	Q_CRL_ORDERS,
	Q_CRL_LISTS,
	Q_CRL_LIST_BY_DIGEST,
	Q_CRL_LOCK_COUNTER,
	Q_CRL_SET_COUNTER,
	Q_CRL_ADD_LIST,
	Q_CRL_ADD_LOG,
	Q_CRL_HEAD,
	Q_CRL_TILES,
	Q_CRL_LEAVES,
	Q_CRL_COUNT
};

extern const struct db_statement crl_statements[];
extern const size_t crl_statements_count;

/* A row of table crl. */
struct crl_row {
	int64_t number, base_number; /* base_number 0: none */
	int64_t this_update_at, next_update_at;
	int64_t num_entries, size_bytes;
	int64_t order_seq;
	uint8_t sha256[32];
};

/* crl_q_issuers() gives rows of (name, certificate, root): crl_q_issuer() reads row i, slices live as long as `r`. */
struct err *crl_q_issuers(struct db *db, struct db_result **out) ERR_MUST_USE;
void crl_q_issuer(const struct db_result *r, size_t row, const char **out_name, struct slice *out_certificate,
		  struct slice *out_root);

/* crl_q_order_seq() gives the highest number of an accepted order, 0 when there is none. */
struct err *crl_q_order_seq(struct db *db, int64_t *out) ERR_MUST_USE;
/* crl_q_orders() adds to the set the accepted orders of the issuer with from < number <= to; commits nothing. */
struct err *crl_q_orders(struct db *db, struct crl_set *set, const char *issuer, int64_t from, int64_t to) ERR_MUST_USE;

/* crl_q_lists() gives the newest lists of a kind, newest first, at most `max`. */
struct err *crl_q_lists(struct db *db, struct crl_row *out, size_t *out_num, size_t max, const char *issuer,
			const char *scope, enum crl_kind kind) ERR_MUST_USE;
/* crl_q_list_by_digest() finds a list by its bytes. *Errors* NOT_FOUND. */
struct err *crl_q_list_by_digest(struct db *db, struct crl_row *out, const char *issuer, const char *scope,
				 enum crl_kind kind, const uint8_t sha256[32]) ERR_MUST_USE;

/* crl_q_lock_counter() locks the counter's row for the transaction: it orders all writers of that list.
 * *Errors* CONFIG when there is no row. */
struct err *crl_q_lock_counter(struct db *db, int64_t *out_last_number, const char *issuer,
			       const char *scope) ERR_MUST_USE;
struct err *crl_q_set_counter(struct db *db, const char *issuer, const char *scope, int64_t number) ERR_MUST_USE;
struct err *crl_q_add_list(struct db *db, const char *issuer, const char *scope, enum crl_kind kind,
			   const struct crl_row *row) ERR_MUST_USE;
struct err *crl_q_add_log(struct db *db, const char *kind, int64_t at_ms, struct slice entry,
			  struct slice salt) ERR_MUST_USE;

/* crl_q_head() gives the newest checkpoint; *out_size 0 when there is none. The note is appended. */
struct err *crl_q_head(struct db *db, int64_t *out_size, struct buf *out_note) ERR_MUST_USE;
/* crl_q_tiles() reads complete tiles [from, to) of a level into `out`, 256 hashes each. *Errors* RETRY where one is
 * missing. */
struct err *crl_q_tiles(struct db *db, struct tree_hash (*out)[TREE_TILE_WIDTH], unsigned level, int64_t from,
			int64_t to) ERR_MUST_USE;
/* crl_q_leaves() reads `num` leaf hashes from an index on. *Errors* RETRY where one is missing. */
struct err *crl_q_leaves(struct db *db, struct tree_hash *out, int64_t from, size_t num) ERR_MUST_USE;

#endif
