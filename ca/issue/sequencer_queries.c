/*
 * sequencer_queries.c - all SQL of the sequencer. See sequencer_queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/sequencer_queries.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/issue/sequencer.h"

const struct db_statement sequencer_statements[Q_SEQ_COUNT] = {
	[Q_SEQ_LOCK] = { "ca_lock_log", 1, "SELECT pg_try_advisory_lock($1)" },
	[Q_SEQ_SIZE] = { "ca_get_log_size", 0, "SELECT coalesce(max(idx) + 1, 0) FROM log_entry" },
	[Q_SEQ_LEAVES] = { "ca_list_log_leaves", 1,
			   "SELECT idx, leaf_hash FROM log_entry WHERE idx >= $1 ORDER BY idx" },
	[Q_SEQ_TILES] = { "ca_list_log_tiles", 2,
			  "SELECT n, hashes FROM log_tile WHERE level = $1 AND n >= $2 ORDER BY n" },
	[Q_SEQ_TILE] = { "ca_get_log_tile", 2, "SELECT hashes FROM log_tile WHERE level = $1 AND n = $2" },
	[Q_SEQ_HEAD] = { "ca_get_log_head", 0, "SELECT size, root FROM log_checkpoint ORDER BY size DESC LIMIT 1" },
	[Q_SEQ_BEGIN] = { "ca_begin_log_batch", 0, "BEGIN" },
	/* Entries get their index in the order of their ids among those that are committed now; a transaction that
	 * commits later comes later. RFC 6962 §2.1: leaf hash = SHA-256(0x00 || data), data = SHA-256(salt || entry). */
	[Q_SEQ_MOVE] = { "ca_move_log_batch", 2,
			 "WITH batch AS (SELECT id FROM log_pending ORDER BY id LIMIT $2), "
			 "moved AS (DELETE FROM log_pending p USING batch b WHERE p.id = b.id RETURNING p.*) "
			 "INSERT INTO log_entry "
			 "(idx, kind, at_ms, entry, salt, leaf_hash, application_id, certificate_id, order_id) "
			 "SELECT $1 + row_number() OVER (ORDER BY id) - 1, kind, at_ms, entry, salt, "
			 "sha256('\\x00'::bytea || sha256(salt || entry)), application_id, certificate_id, order_id "
			 "FROM moved ORDER BY id RETURNING idx, leaf_hash" },
	[Q_SEQ_ADD_TILES] = { "ca_add_log_tiles", 3,
			      "INSERT INTO log_tile (level, n, hashes) "
			      "SELECT level::smallint, n, hashes "
			      "FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS t (level, n, hashes)" },
	[Q_SEQ_COMMIT] = { "ca_commit_log_batch", 0, "COMMIT" },
	[Q_SEQ_ADD_HEAD] = { "ca_add_log_head", 4,
			     "INSERT INTO log_checkpoint (size, root, note, at_ms) VALUES ($1, $2, $3, $4) "
			     "ON CONFLICT (size) DO NOTHING" },
};
const size_t sequencer_statements_count = Q_SEQ_COUNT;

static struct err *hash_copy(struct tree_hash *out, struct slice bytes)
{
	ENSURE(bytes.len == TREE_HASH_SIZE, BUG, "a hash of %zu octets in the ledger", bytes.len);
	memcpy(out->b, bytes.p, TREE_HASH_SIZE);
	return NULL;
}

struct err *sequencer_q_lock(struct db *db, bool *out_held, int64_t key)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, key);
	TRY(db_query_one(db, &r, Q_SEQ_LOCK, &p));
	*out_held = db_get_bool(r, 0, 0);
	return NULL;
}

struct err *sequencer_q_size(struct db *db, int64_t *out_size)
{
	OWN(db_result) r = NULL;

	TRY(db_query_one(db, &r, Q_SEQ_SIZE, NULL));
	*out_size = db_get_int64(r, 0, 0);
	return NULL;
}

struct err *sequencer_q_head(struct db *db, struct note_checkpoint *out)
{
	OWN(db_result) r = NULL;

	memset(out, 0, sizeof *out);
	TRY(db_query(db, &r, Q_SEQ_HEAD, NULL));
	if (db_num_rows(r) == 0)
		return NULL;
	out->size = (uint64_t)db_get_int64(r, 0, 0);
	return hash_copy(&out->root, db_get_bytes(r, 0, 1));
}

struct err *sequencer_q_leaves(struct db *db, struct tree_hash *out, int64_t from, size_t num)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, from);
	TRY(db_query(db, &r, Q_SEQ_LEAVES, &p));
	for (size_t i = 0; i < num; i++) {
		ENSURE(i < db_num_rows(r) && db_get_int64(r, i, 0) == from + (int64_t)i, CONFLICT,
		       "log_entry has no row %" PRId64, from + (int64_t)i);
		TRY(hash_copy(&out[i], db_get_bytes(r, i, 1)));
	}
	ENSURE(db_num_rows(r) == num, RETRY, "log_entry grew while it was read");
	return NULL;
}

struct err *sequencer_q_tile_roots(struct db *db, struct tree_hash *out, unsigned level, uint64_t n, size_t num)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;
	struct tree_hash hashes[TREE_TILE_WIDTH];

	db_int64(&p, level);
	db_int64(&p, (int64_t)n);
	TRY(db_query(db, &r, Q_SEQ_TILES, &p));
	for (size_t i = 0; i < num; i++) {
		ENSURE(i < db_num_rows(r) && db_get_int64(r, i, 0) == (int64_t)(n + i), CONFLICT,
		       "log_tile has no tile %" PRIu64 " of level %u", n + i, level);
		struct slice bytes = db_get_bytes(r, i, 1);
		ENSURE(bytes.len == sizeof hashes, BUG, "a tile of %zu octets", bytes.len);
		memcpy(hashes, bytes.p, sizeof hashes);
		tree_tile_fold(&out[i], hashes, TREE_TILE_HEIGHT);
	}
	return NULL;
}

struct err *sequencer_q_tile(struct db *db, struct tree_hash out[TREE_TILE_WIDTH], unsigned level, uint64_t n)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, level);
	db_int64(&p, (int64_t)n);
	TRY(db_query_one(db, &r, Q_SEQ_TILE, &p));
	struct slice bytes = db_get_bytes(r, 0, 0);
	ENSURE(bytes.len == sizeof *out * TREE_TILE_WIDTH, BUG, "a tile of %zu octets", bytes.len);
	memcpy(out, bytes.p, bytes.len);
	return NULL;
}

struct err *sequencer_q_send_move(struct db *db, int64_t from, int64_t max)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, from);
	db_int64(&p, max);
	return db_send(db, Q_SEQ_MOVE, &p);
}

struct err *sequencer_q_moved(struct tree_hash **out_leaves, size_t *out_num, const struct db_result *r, int64_t from)
{
	size_t num = db_num_rows(r);
	struct tree_hash *leaves = calloc(num > 0 ? num : 1, sizeof *leaves);
	struct err *e = leaves == NULL ? ERR(NO_MEMORY, "leaves of a batch") : NULL;

	for (size_t i = 0; e == NULL && i < num; i++) {
		if (db_get_int64(r, i, 0) != from + (int64_t)i)
			e = ERR(BUG, "the batch has index %" PRId64 " where %" PRId64 " was expected",
				db_get_int64(r, i, 0), from + (int64_t)i);
		else
			e = hash_copy(&leaves[i], db_get_bytes(r, i, 1));
	}
	if (e != NULL) {
		free(leaves);
		return e;
	}
	*out_leaves = leaves;
	*out_num = num;
	return NULL;
}

struct err *sequencer_q_send_tiles(struct db *db, const int64_t *levels, const int64_t *ns, const struct slice *hashes,
				   size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, levels, num);
	db_int64_array(&p, ns, num);
	db_slice_array(&p, hashes, num);
	return db_send(db, Q_SEQ_ADD_TILES, &p);
}

struct err *sequencer_q_send_head(struct db *db, const struct note_checkpoint *head, struct slice note, int64_t at_ms)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, (int64_t)head->size);
	db_bytes(&p, SLICE(head->root.b, TREE_HASH_SIZE));
	db_text_slice(&p, note);
	db_int64(&p, at_ms);
	return db_send(db, Q_SEQ_ADD_HEAD, &p);
}
