/*
 * queries.c - all SQL of nucaudit. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/audit/queries.h"

#include <stdio.h>
#include <string.h>

enum { Q_HEAD, Q_RANGE, Q_ROWS, Q_LEAVES, Q_TILE, Q_LOG, Q_PENDING, Q_LISTS, Q_CERTIFICATES, Q_ORDERS, Q_COUNT };

const struct db_statement audit_statements[] = {
	[Q_HEAD] = { "audit_get_head", 0,
		     "SELECT size, root, note, at_ms FROM log_checkpoint ORDER BY size DESC LIMIT 1" },
	[Q_RANGE] = { "audit_get_range", 3,
		      "SELECT coalesce(min(idx) FILTER (WHERE at_ms >= $1), $3), "
		      "coalesce(max(idx) FILTER (WHERE at_ms < $2) + 1, 0) FROM log_entry WHERE idx < $3" },
	[Q_ROWS] = { "audit_list_rows", 2,
		     "SELECT idx, salt, entry, leaf_hash FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx" },
	[Q_LEAVES] = { "audit_list_leaves", 2,
		       "SELECT leaf_hash FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx" },
	[Q_TILE] = { "audit_get_tile", 2, "SELECT hashes FROM log_tile WHERE level = $1 AND n = $2" },
	[Q_LOG] = { "audit_add_entry", 4,
		    "INSERT INTO log_pending (kind, at_ms, entry, salt) VALUES ($1, $2, $3, $4)" },
	[Q_PENDING] = { "audit_count_pending", 0, "SELECT count(*) FROM log_pending" },
	[Q_LISTS] = { "audit_list_lists", 0,
		      "SELECT DISTINCT ON (issuer, scope, kind) issuer, kind, number, this_update_at, next_update_at, "
		      "num_entries "
		      "FROM crl ORDER BY issuer, scope, kind, number DESC" },
	[Q_CERTIFICATES] = { "audit_list_certificates", 1,
			     "SELECT c.id, c.issuer, c.common_name, c.not_before_at, c.not_after_at, "
			     "(SELECT min(l.at_ms) FROM log_entry l WHERE l.certificate_id = c.id AND l.kind IN "
			     "('certificate.issued', 'certificate.imported')) FROM certificate c WHERE c.serial = $1" },
	[Q_ORDERS] = { "audit_list_orders", 1,
		       "SELECT r.action, r.reason, r.revoked_at, r.ground, r.ordered_by, "
		       "(SELECT min(l.idx) FROM log_entry l WHERE l.order_id = r.id), "
		       "(SELECT min(l.at_ms) FROM log_entry l WHERE l.order_id = r.id) "
		       "FROM revocation r WHERE r.certificate_id = $1 ORDER BY r.id" },
};
const size_t audit_statements_count = Q_COUNT;

struct err *audit_connect(struct db **out, const struct env *env)
{
	static char conninfo[1024]; /* the connection keeps no copy */
	const char *host, *name, *user;

	TRY(env_need(env, &host, "PGHOST"));
	TRY(env_need(env, &name, "PGDATABASE"));
	TRY(env_need(env, &user, "PGUSER"));
	ENSURE(strpbrk(host, "'\\") == NULL && strpbrk(name, "'\\") == NULL && strpbrk(user, "'\\") == NULL, CONFIG,
	       "PGHOST, PGDATABASE and PGUSER hold no quotes or backslashes");
	(void)snprintf(conninfo, sizeof conninfo, "host='%s' dbname='%s' user='%s'", host, name, user);
	const struct db_conf conf = { .conninfo = conninfo,
				      .application_name = "nucaudit",
				      .statements = audit_statements,
				      .num_statements = audit_statements_count };
	return db_connect(out, &conf);
}

static struct err *copy_hash(struct tree_hash *out, struct slice bytes)
{
	ENSURE(bytes.len == TREE_HASH_SIZE, BAD_INPUT, "a hash of %zu octets in the ledger", bytes.len);
	memcpy(out->b, bytes.p, TREE_HASH_SIZE);
	return NULL;
}

struct err *audit_q_head(struct db *db, uint64_t *out_size, struct tree_hash *out_root, int64_t *out_at_ms,
			 struct buf *note)
{
	OWN(db_result) r = NULL;

	TRY(db_query(db, &r, Q_HEAD, NULL));
	ENSURE(db_num_rows(r) == 1, NOT_FOUND, "the log has no signed head yet: is cad running?");
	*out_size = (uint64_t)db_get_int64(r, 0, 0);
	TRY(copy_hash(out_root, db_get_bytes(r, 0, 1)));
	*out_at_ms = db_get_int64(r, 0, 3);
	return buf_append(note, db_get_bytes(r, 0, 2));
}

struct err *audit_q_range(struct db *db, uint64_t *out_first, uint64_t *out_next, int64_t from_ms, int64_t to_ms,
			  uint64_t size)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, from_ms);
	db_int64(&p, to_ms);
	db_int64(&p, (int64_t)size);
	TRY(db_query_one(db, &r, Q_RANGE, &p));
	*out_first = (uint64_t)db_get_int64(r, 0, 0);
	*out_next = (uint64_t)db_get_int64(r, 0, 1);
	if (*out_next < *out_first)
		*out_next = *out_first;
	return NULL;
}

struct err *audit_q_rows_open(struct db *db, struct db_copy **out, uint64_t first, uint64_t next)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, (int64_t)first);
	db_int64(&p, (int64_t)next);
	return db_copy_open(db, out, Q_ROWS, &p);
}

struct err *audit_q_rows_next(struct db_copy *copy, struct audit_row *out, bool *out_row)
{
	struct slice fields[4];

	TRY(db_copy_next(copy, fields, 4, out_row));
	if (*out_row)
		*out = (struct audit_row){ (uint64_t)db_copy_int64(fields[0]), fields[1], fields[2], fields[3] };
	return NULL;
}

struct err *audit_q_leaves(struct db *db, struct tree_hash *out, uint64_t first, size_t num)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, (int64_t)first);
	db_int64(&p, (int64_t)(first + num));
	TRY(db_query(db, &r, Q_LEAVES, &p));
	ENSURE(db_num_rows(r) == num, BAD_INPUT, "entries between %llu and %llu are missing in the ledger",
	       (unsigned long long)first, (unsigned long long)(first + num));
	for (size_t i = 0; i < num; i++)
		TRY(copy_hash(&out[i], db_get_bytes(r, i, 0)));
	return NULL;
}

struct err *audit_q_tile(struct db *db, struct tree_hash out[TREE_TILE_WIDTH], bool *out_found, struct tree_tile tile)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, tile.level);
	db_int64(&p, (int64_t)tile.n);
	TRY(db_query(db, &r, Q_TILE, &p));
	*out_found = db_num_rows(r) == 1;
	if (!*out_found)
		return NULL;
	struct slice hashes = db_get_bytes(r, 0, 0);
	ENSURE(hashes.len == TREE_TILE_WIDTH * TREE_HASH_SIZE, BAD_INPUT, "a tile of %zu octets in the ledger",
	       hashes.len);
	for (size_t i = 0; i < TREE_TILE_WIDTH; i++)
		memcpy(out[i].b, hashes.p + i * TREE_HASH_SIZE, TREE_HASH_SIZE);
	return NULL;
}

struct err *audit_q_log(struct db *db, const char *kind, int64_t at_ms, struct slice entry, struct slice salt)
{
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, kind);
	db_int64(&p, at_ms);
	db_bytes(&p, entry);
	db_bytes(&p, salt);
	return db_exec(db, NULL, Q_LOG, &p);
}

struct err *audit_q_pending(struct db *db, int64_t *out_num)
{
	OWN(db_result) r = NULL;

	TRY(db_query_one(db, &r, Q_PENDING, NULL));
	*out_num = db_get_int64(r, 0, 0);
	return NULL;
}

struct err *audit_q_lists(struct db *db, struct db_result **out)
{
	return db_query(db, out, Q_LISTS, NULL);
}

struct err *audit_q_certificates(struct db *db, struct db_result **out, const struct serial *serial)
{
	struct db_params p = DB_PARAMS_INIT;

	db_bytes(&p, serial_slice(serial));
	return db_query(db, out, Q_CERTIFICATES, &p);
}

struct err *audit_q_orders(struct db *db, struct db_result **out, int64_t certificate_id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, certificate_id);
	return db_query(db, out, Q_ORDERS, &p);
}
