/*
 * sequencer_queries.h - the statements of the sequencer, by number; the SQL is in sequencer_queries.c.
 *
 * They run on the sequencer's own connection, as nuc_ca. Column numbers appear in the wrappers of sequencer_queries.c
 * and nowhere else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_SEQUENCER_QUERIES_H
#define CA_ISSUE_SEQUENCER_QUERIES_H

#include "db/db.h"
#include "tlog/note.h"

enum sequencer_statement {
	Q_SEQ_LOCK,
	Q_SEQ_SIZE,
	Q_SEQ_LEAVES,
	Q_SEQ_TILES,
	Q_SEQ_TILE,
	Q_SEQ_HEAD,
	Q_SEQ_BEGIN,
	Q_SEQ_MOVE,
	Q_SEQ_ADD_TILES,
	Q_SEQ_COMMIT,
	Q_SEQ_ADD_HEAD,
	Q_SEQ_COUNT
};

/* ---- waited for: taking over */

/* sequencer_q_lock() tries to take the advisory lock for the session. */
struct err *sequencer_q_lock(struct db *db, bool *out_held, int64_t key) ERR_MUST_USE;
struct err *sequencer_q_size(struct db *db, int64_t *out_size) ERR_MUST_USE;
/* sequencer_q_head() gives the last stored checkpoint; size 0 where there is none. */
struct err *sequencer_q_head(struct db *db, struct note_checkpoint *out) ERR_MUST_USE;
/* sequencer_q_leaves() reads the leaf hashes from an index on, which must be exactly `num` in a row. *Errors* CONFLICT
 * naming the index that is missing. */
struct err *sequencer_q_leaves(struct db *db, struct tree_hash *out, int64_t from, size_t num) ERR_MUST_USE;
/* sequencer_q_tile_roots() gives the roots of `num` complete tiles of a level from tile n on. *Errors* CONFLICT. */
struct err *sequencer_q_tile_roots(struct db *db, struct tree_hash *out, unsigned level, uint64_t n,
				   size_t num) ERR_MUST_USE;
/* sequencer_q_tile() reads one complete tile. *Errors* NOT_FOUND. */
struct err *sequencer_q_tile(struct db *db, struct tree_hash out[TREE_TILE_WIDTH], unsigned level,
			     uint64_t n) ERR_MUST_USE;

/* ---- sent, the result taken later */

struct err *sequencer_q_send_move(struct db *db, int64_t from, int64_t max) ERR_MUST_USE;
/* sequencer_q_moved() reads the result: leaf hashes in order of their indexes. *Errors* BUG when they are not exactly
 * `from`, `from` + 1, ... *Owns* out_leaves (malloc): the caller. */
struct err *sequencer_q_moved(struct tree_hash **out_leaves, size_t *out_num, const struct db_result *r,
			      int64_t from) ERR_MUST_USE;
struct err *sequencer_q_send_tiles(struct db *db, const int64_t *levels, const int64_t *ns, const struct slice *hashes,
				   size_t num) ERR_MUST_USE;
struct err *sequencer_q_send_head(struct db *db, const struct note_checkpoint *head, struct slice note,
				  int64_t at_ms) ERR_MUST_USE;

#endif
