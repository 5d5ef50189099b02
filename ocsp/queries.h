/*
 * queries.h - all SQL of ocspd, one typed wrapper per statement: the only place where column numbers appear.
 *
 * It reads only. A certificate's status is a fold of its revocation rows: an order to revoke or hold counts as soon as it
 * is committed, a release only once the log has its entry; a revocation is for ever. The same fold serves the load of
 * everything and the look at what has changed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_QUERIES_H
#define OCSP_QUERIES_H

#include "db/db.h"
#include "ocsp/status.h"

extern const struct db_statement ocsp_statements[];
extern const size_t ocsp_statements_count;

struct ocsp_issuer_row {
	const char *name;
	struct slice certificate;
};
struct ocsp_responder_row {
	int64_t id;
	const char *issuer;
	struct slice certificate;
};

/* ocsp_read_issuers() gives all issuers, ocsp_read_responders() the responder certificates that are not over by `now_s`;
 * row i of a result by ocsp_issuer_row() and ocsp_responder_row(), which borrow from it. */
struct err *ocsp_read_issuers(struct db *db, struct db_result **out) ERR_MUST_USE;
struct ocsp_issuer_row ocsp_issuer_row(const struct db_result *r, size_t i);
struct err *ocsp_read_responders(struct db *db, struct db_result **out, int64_t now_s) ERR_MUST_USE;
struct ocsp_responder_row ocsp_responder_row(const struct db_result *r, size_t i);

/* Where the ledger stands. */
struct ocsp_log_head {
	int64_t size; /* of the log */
	int64_t lag_ms; /* of a replica behind its primary; 0 on the primary */
};
struct err *ocsp_read_log_head(struct db *db, struct ocsp_log_head *out) ERR_MUST_USE;

/* A certificate with its status. */
struct ocsp_status_row {
	struct slice issuer; /* name */
	struct slice serial;
	ocsp_word word;
	int64_t committed_ms; /* when the order that counts was recorded, Unix ms; 0: none */
};

/* ocsp_load_open() starts reading every certificate with its status; rows by ocsp_load_next(), until *out_row is false.
 * Run it in a transaction of one snapshot. */
struct err *ocsp_load_open(struct db *db, struct db_copy **out) ERR_MUST_USE;
struct err *ocsp_load_next(struct db_copy *copy, struct ocsp_status_row *out, bool *out_row) ERR_MUST_USE;

/* One look at what has happened since log index `from`, in one statement and so in one snapshot: the certificates that
 * entries `from` .. `from + max - 1` speak of, and those of everything committed that has no index yet. */
struct ocsp_changes {
	struct ocsp_log_head head;
	bool has_import; /* a list of another CA's certificates came in as one entry: load everything again */
	size_t num;
};
struct err *ocsp_read_changes(struct db *db, struct db_result **out, struct ocsp_changes *out_changes, int64_t from,
			      int64_t max) ERR_MUST_USE;
/* ocsp_change_row() gives row i < changes.num; it borrows from the result. */
struct ocsp_status_row ocsp_change_row(const struct db_result *r, size_t i);

#endif
