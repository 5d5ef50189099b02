/*
 * queries.c - ocspd's statements. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/queries.h"

enum ocsp_statement { Q_ISSUERS, Q_RESPONDERS, Q_LOG_HEAD, Q_LOAD, Q_CHANGES };

/* How far a replica is behind: nothing when all that was received is replayed and the receiver is at work, else the age of
 * the last transaction replayed. */
#define LAG_MS                                                                                                         \
	"CASE WHEN NOT pg_is_in_recovery() THEN 0 "                                                                    \
	"WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) "     \
	"THEN 0 "                                                                                                      \
	"ELSE coalesce((extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::bigint, "     \
	"2147483647) END"
#define LOG_SIZE "(SELECT coalesce(max(idx) + 1, 0) FROM log_entry)"

/* An order counts: revoke (1) and hold (2) at once, release (3) by its index in the log. */
#define COUNTS "(r.action <> 3 OR EXISTS (SELECT FROM log_entry e WHERE e.order_id = r.id))"
/* The order that decides: a revocation if there is one, else the latest. */
#define DECIDES "(r.action = 1) DESC, r.id DESC"

const struct db_statement ocsp_statements[] = {
	[Q_ISSUERS] = { "ocsp_list_issuers", 0, "SELECT name, certificate FROM issuer ORDER BY created_at, name" },
	[Q_RESPONDERS] = { "ocsp_list_responders", 1,
			   "SELECT id, issuer, certificate FROM responder WHERE not_after_at > $1 ORDER BY id" },
	[Q_LOG_HEAD] = { "ocsp_get_log_head", 0, "SELECT " LOG_SIZE ", " LAG_MS },
	[Q_LOAD] = { "ocsp_load_statuses", 0,
		     "SELECT c.issuer, c.serial, s.action, s.reason, s.revoked_at FROM certificate c LEFT JOIN "
		     "(SELECT DISTINCT ON (r.certificate_id) r.certificate_id, r.action, r.reason, r.revoked_at "
		     "FROM revocation r WHERE " COUNTS " ORDER BY r.certificate_id, " DECIDES
		     ") s ON s.certificate_id = c.id" },
	[Q_CHANGES] = { "ocsp_list_changes", 2,
			"WITH touched AS ("
			"SELECT certificate_id, order_id, kind FROM log_entry WHERE idx >= $1 AND idx < $1 + $2 "
			"UNION ALL SELECT certificate_id, order_id, kind FROM log_pending "
			"WHERE certificate_id IS NOT NULL OR order_id IS NOT NULL), "
			"ids AS (SELECT certificate_id AS id FROM touched WHERE certificate_id IS NOT NULL "
			"UNION SELECT r.certificate_id FROM touched t JOIN revocation r ON r.id = t.order_id) "
			"SELECT 0 AS part, NULL AS issuer, NULL AS serial, " LOG_SIZE " AS a, " LAG_MS " AS b, "
			"(SELECT count(*) FROM touched WHERE kind = 'certificate.imported' AND certificate_id IS NULL) "
			"AS c, 0::bigint AS d "
			"UNION ALL SELECT 1, c.issuer, c.serial, s.action::bigint, s.reason::bigint, s.revoked_at, "
			"s.committed_ms FROM ids JOIN certificate c ON c.id = ids.id LEFT JOIN LATERAL "
			"(SELECT r.action, r.reason, r.revoked_at, (extract(epoch FROM r.created_at) * 1000)::bigint "
			"AS committed_ms FROM revocation r WHERE r.certificate_id = c.id AND " COUNTS
			" ORDER BY " DECIDES " LIMIT 1) s ON true ORDER BY part" },
};
const size_t ocsp_statements_count = sizeof ocsp_statements / sizeof ocsp_statements[0];

struct err *ocsp_read_issuers(struct db *db, struct db_result **out)
{
	return db_query(db, out, Q_ISSUERS, NULL);
}

struct ocsp_issuer_row ocsp_issuer_row(const struct db_result *r, size_t i)
{
	return (struct ocsp_issuer_row){ db_get_text(r, i, 0), db_get_bytes(r, i, 1) };
}

struct err *ocsp_read_responders(struct db *db, struct db_result **out, int64_t now_s)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, now_s);
	return db_query(db, out, Q_RESPONDERS, &p);
}

struct ocsp_responder_row ocsp_responder_row(const struct db_result *r, size_t i)
{
	return (struct ocsp_responder_row){ db_get_int64(r, i, 0), db_get_text(r, i, 1), db_get_bytes(r, i, 2) };
}

struct err *ocsp_read_log_head(struct db *db, struct ocsp_log_head *out)
{
	OWN(db_result) r = NULL;

	TRY(db_query_one(db, &r, Q_LOG_HEAD, NULL));
	*out = (struct ocsp_log_head){ db_get_int64(r, 0, 0), db_get_int64(r, 0, 1) };
	return NULL;
}

static ocsp_word word_of(int64_t action, int64_t reason, int64_t revoked_at)
{
	switch (action) {
	case 1:
		return ocsp_word_make(OCSP_LEDGER_REVOKED, (int)reason, revoked_at);
	case 2:
		return ocsp_word_make(OCSP_LEDGER_HELD, OCSP_REASON_HOLD, revoked_at);
	default: /* never an order, or released */
		return ocsp_word_make(OCSP_LEDGER_VALID, 0, 0);
	}
}

struct err *ocsp_load_open(struct db *db, struct db_copy **out)
{
	return db_copy_open(db, out, Q_LOAD, NULL);
}

struct err *ocsp_load_next(struct db_copy *copy, struct ocsp_status_row *out, bool *out_row)
{
	struct slice f[5];

	TRY(db_copy_next(copy, f, 5, out_row));
	if (!*out_row)
		return NULL;
	*out = (struct ocsp_status_row){ .issuer = f[0], .serial = f[1], .word = word_of(0, 0, 0) };
	if (f[2].p != NULL)
		out->word = word_of(db_copy_int64(f[2]), db_copy_int64(f[3]), db_copy_int64(f[4]));
	return NULL;
}

struct err *ocsp_read_changes(struct db *db, struct db_result **out, struct ocsp_changes *out_changes, int64_t from,
			      int64_t max)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, from);
	db_int64(&p, max);
	TRY(db_query(db, out, Q_CHANGES, &p));
	*out_changes = (struct ocsp_changes){ .head = { db_get_int64(*out, 0, 3), db_get_int64(*out, 0, 4) },
					      .has_import = db_get_int64(*out, 0, 5) > 0,
					      .num = db_num_rows(*out) - 1 };
	return NULL;
}

struct ocsp_status_row ocsp_change_row(const struct db_result *r, size_t i)
{
	size_t row = i + 1;
	struct ocsp_status_row out = { .issuer = db_get_bytes(r, row, 1),
				       .serial = db_get_bytes(r, row, 2),
				       .word = word_of(0, 0, 0) };

	if (!db_is_null(r, row, 3)) {
		out.word = word_of(db_get_int64(r, row, 3), db_get_int64(r, row, 4), db_get_int64(r, row, 5));
		out.committed_ms = db_get_int64(r, row, 6);
	}
	return out;
}
