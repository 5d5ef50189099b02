/*
 * queries.c - all SQL of crld. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/queries.h"

#include <inttypes.h>
#include <string.h>

#define LIST_COLUMNS                                                                                                   \
	"number, coalesce(base_number, 0), this_update_at, next_update_at, num_entries, size_bytes, order_seq, sha256"

const struct db_statement crl_statements[Q_CRL_COUNT] = {
	[Q_CRL_ISSUERS] = { "crl_list_issuers", 0, "SELECT name, certificate, root FROM issuer ORDER BY name" },
	[Q_CRL_ORDER_SEQ] = { "crl_get_order_seq", 0, "SELECT coalesce(max(seq), 0) FROM order_acceptance" },
	[Q_CRL_ORDERS] = { "crl_list_orders", 3,
			   "SELECT r.serial, r.action, r.reason, r.revoked_at, r.invalidity_at, a.seq, c.not_after_at "
			   "FROM order_acceptance a JOIN revocation r ON r.id = a.order_id "
			   "JOIN certificate c ON c.id = r.certificate_id "
			   "WHERE a.seq > $2 AND a.seq <= $3 AND r.issuer = $1" },
	[Q_CRL_LISTS] = { "crl_list_lists", 4,
			  "SELECT " LIST_COLUMNS " FROM crl WHERE issuer = $1 AND scope = $2 AND kind = $3 "
			  "ORDER BY number DESC LIMIT $4" },
	[Q_CRL_LIST_BY_DIGEST] = { "crl_get_list", 4,
				   "SELECT " LIST_COLUMNS " FROM crl WHERE issuer = $1 AND scope = $2 AND kind = $3 "
				   "AND sha256 = $4" },
	[Q_CRL_LOCK_COUNTER] = { "crl_lock_counter", 2,
				 "SELECT last_number FROM crl_counter WHERE issuer = $1 AND scope = $2 FOR UPDATE" },
	[Q_CRL_SET_COUNTER] = { "crl_set_counter", 3,
				"UPDATE crl_counter SET last_number = $3 WHERE issuer = $1 AND scope = $2 "
				"AND last_number < $3" },
	[Q_CRL_ADD_LIST] = { "crl_add_list", 11,
			     "INSERT INTO crl (issuer, scope, kind, number, base_number, this_update_at, "
			     "next_update_at, "
			     "num_entries, size_bytes, sha256, order_seq) "
			     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)" },
	[Q_CRL_ADD_LOG] = { "crl_add_log", 4,
			    "INSERT INTO log_pending (kind, at_ms, entry, salt) VALUES ($1, $2, $3, $4)" },
	[Q_CRL_HEAD] = { "crl_get_head", 0, "SELECT size, note FROM log_checkpoint ORDER BY size DESC LIMIT 1" },
	[Q_CRL_TILES] = { "crl_list_tiles", 3,
			  "SELECT n, hashes FROM log_tile WHERE level = $1 AND n >= $2 AND n < $3 ORDER BY n" },
	[Q_CRL_LEAVES] = { "crl_list_leaves", 2,
			   "SELECT idx, leaf_hash FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx" },
};
const size_t crl_statements_count = Q_CRL_COUNT;

struct err *crl_q_issuers(struct db *db, struct db_result **out)
{
	return db_query(db, out, Q_CRL_ISSUERS, NULL);
}

void crl_q_issuer(const struct db_result *r, size_t row, const char **out_name, struct slice *out_certificate,
		  struct slice *out_root)
{
	*out_name = db_get_text(r, row, 0);
	*out_certificate = db_get_bytes(r, row, 1);
	*out_root = db_get_bytes(r, row, 2);
}

struct err *crl_q_order_seq(struct db *db, int64_t *out)
{
	OWN(db_result) r = NULL;

	TRY(db_query_one(db, &r, Q_CRL_ORDER_SEQ, NULL));
	*out = db_get_int64(r, 0, 0);
	return NULL;
}

/* Instants of the ledger fit 32 bits without sign (1970 to 2106), as the signer has them. */
static struct err *instant(uint32_t *out, struct slice field, const char *what)
{
	int64_t at = db_copy_int64(field);

	ENSURE_FIELD(at >= 0 && at <= UINT32_MAX, BUG, what, "%" PRId64 " is no time of this century", at);
	*out = (uint32_t)at;
	return NULL;
}

static struct err *order_of(struct crl_item *out, const struct slice f[7])
{
	memset(out, 0, sizeof *out);
	TRY(serial_from_octets(&out->serial, f[0]));
	out->action = (uint8_t)db_copy_int64(f[1]);
	out->reason = (uint8_t)db_copy_int64(f[2]);
	TRY(instant(&out->revoked_at, f[3], "revoked_at"));
	out->has_invalidity_at = f[4].p != NULL;
	if (out->has_invalidity_at)
		TRY(instant(&out->invalidity_at, f[4], "invalidity_at"));
	out->seq = db_copy_int64(f[5]);
	/* A certificate of the next century counts as never expired here. */
	int64_t not_after_at = db_copy_int64(f[6]);
	out->not_after_at = not_after_at > UINT32_MAX ? UINT32_MAX : (uint32_t)not_after_at;
	return NULL;
}

struct err *crl_q_orders(struct db *db, struct crl_set *set, const char *issuer, int64_t from, int64_t to)
{
	OWN(db_copy) copy = NULL;
	struct db_params p = DB_PARAMS_INIT;
	struct slice fields[7];
	struct crl_item item;
	bool has_row = false;

	db_text(&p, issuer);
	db_int64(&p, from);
	db_int64(&p, to);
	TRY(db_copy_open(db, &copy, Q_CRL_ORDERS, &p));
	for (;;) {
		TRY(db_copy_next(copy, fields, 7, &has_row));
		if (!has_row)
			return NULL;
		TRY(order_of(&item, fields));
		TRY(crl_set_add(set, &item));
	}
}

static struct err *row_of(struct crl_row *out, const struct db_result *r, size_t row)
{
	struct slice digest = db_get_bytes(r, row, 7);

	ENSURE(digest.len == sizeof out->sha256, BUG, "a digest of %zu octets", digest.len);
	*out = (struct crl_row){ .number = db_get_int64(r, row, 0),
				 .base_number = db_get_int64(r, row, 1),
				 .this_update_at = db_get_int64(r, row, 2),
				 .next_update_at = db_get_int64(r, row, 3),
				 .num_entries = db_get_int64(r, row, 4),
				 .size_bytes = db_get_int64(r, row, 5),
				 .order_seq = db_get_int64(r, row, 6) };
	memcpy(out->sha256, digest.p, sizeof out->sha256);
	return NULL;
}

struct err *crl_q_lists(struct db *db, struct crl_row *out, size_t *out_num, size_t max, const char *issuer,
			const char *scope, enum crl_kind kind)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, issuer);
	db_text(&p, scope);
	db_text(&p, crl_kind_word(kind));
	db_int64(&p, (int64_t)max);
	TRY(db_query(db, &r, Q_CRL_LISTS, &p));
	*out_num = db_num_rows(r);
	for (size_t i = 0; i < *out_num && i < max; i++)
		TRY(row_of(&out[i], r, i));
	return NULL;
}

struct err *crl_q_list_by_digest(struct db *db, struct crl_row *out, const char *issuer, const char *scope,
				 enum crl_kind kind, const uint8_t sha256[32])
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, issuer);
	db_text(&p, scope);
	db_text(&p, crl_kind_word(kind));
	db_bytes(&p, SLICE(sha256, 32));
	TRY(db_query_one(db, &r, Q_CRL_LIST_BY_DIGEST, &p));
	return row_of(out, r, 0);
}

struct err *crl_q_lock_counter(struct db *db, int64_t *out_last_number, const char *issuer, const char *scope)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, issuer);
	db_text(&p, scope);
	TRY(db_query(db, &r, Q_CRL_LOCK_COUNTER, &p));
	ENSURE(db_num_rows(r) == 1, CONFIG, "crl_counter has no row for issuer %s, scope \"%s\"", issuer, scope);
	*out_last_number = db_get_int64(r, 0, 0);
	return NULL;
}

struct err *crl_q_set_counter(struct db *db, const char *issuer, const char *scope, int64_t number)
{
	struct db_params p = DB_PARAMS_INIT;
	size_t affected = 0;

	db_text(&p, issuer);
	db_text(&p, scope);
	db_int64(&p, number);
	TRY(db_exec(db, &affected, Q_CRL_SET_COUNTER, &p));
	ENSURE(affected == 1, CONFLICT, "number %" PRId64 " is not above the counter", number);
	return NULL;
}

struct err *crl_q_add_list(struct db *db, const char *issuer, const char *scope, enum crl_kind kind,
			   const struct crl_row *row)
{
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, issuer);
	db_text(&p, scope);
	db_text(&p, crl_kind_word(kind));
	db_int64(&p, row->number);
	db_int64_or_null(&p, row->base_number, kind != CRL_DELTA);
	db_int64(&p, row->this_update_at);
	db_int64(&p, row->next_update_at);
	db_int64(&p, row->num_entries);
	db_int64(&p, row->size_bytes);
	db_bytes(&p, SLICE(row->sha256, sizeof row->sha256));
	db_int64(&p, row->order_seq);
	return db_exec(db, NULL, Q_CRL_ADD_LIST, &p);
}

struct err *crl_q_add_log(struct db *db, const char *kind, int64_t at_ms, struct slice entry, struct slice salt)
{
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, kind);
	db_int64(&p, at_ms);
	db_bytes(&p, entry);
	db_bytes(&p, salt);
	return db_exec(db, NULL, Q_CRL_ADD_LOG, &p);
}

struct err *crl_q_head(struct db *db, int64_t *out_size, struct buf *out_note)
{
	OWN(db_result) r = NULL;

	*out_size = 0;
	TRY(db_query(db, &r, Q_CRL_HEAD, NULL));
	if (db_num_rows(r) == 0)
		return NULL;
	*out_size = db_get_int64(r, 0, 0);
	return buf_append(out_note, db_get_bytes(r, 0, 1));
}

struct err *crl_q_tiles(struct db *db, struct tree_hash (*out)[TREE_TILE_WIDTH], unsigned level, int64_t from,
			int64_t to)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, level);
	db_int64(&p, from);
	db_int64(&p, to);
	TRY(db_query(db, &r, Q_CRL_TILES, &p));
	ENSURE(db_num_rows(r) == (size_t)(to - from), RETRY,
	       "the ledger has %zu tiles of level %u from %" PRId64 " on, %" PRId64 " are needed", db_num_rows(r),
	       level, from, to - from);
	for (size_t i = 0; i < db_num_rows(r); i++) {
		struct slice hashes = db_get_bytes(r, i, 1);

		ENSURE(db_get_int64(r, i, 0) == from + (int64_t)i && hashes.len == sizeof out[i], BUG,
		       "tile %" PRId64 " of level %u is not whole", from + (int64_t)i, level);
		memcpy(out[i], hashes.p, hashes.len);
	}
	return NULL;
}

struct err *crl_q_leaves(struct db *db, struct tree_hash *out, int64_t from, size_t num)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, from);
	db_int64(&p, from + (int64_t)num);
	TRY(db_query(db, &r, Q_CRL_LEAVES, &p));
	ENSURE(db_num_rows(r) == num, RETRY, "the ledger has %zu leaves from %" PRId64 " on, %zu are needed",
	       db_num_rows(r), from, num);
	for (size_t i = 0; i < num; i++) {
		struct slice hash = db_get_bytes(r, i, 1);

		ENSURE(hash.len == TREE_HASH_SIZE, BUG, "a leaf hash of %zu octets", hash.len);
		memcpy(out[i].b, hash.p, TREE_HASH_SIZE);
	}
	return NULL;
}
