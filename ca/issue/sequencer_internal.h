/*
 * sequencer_internal.h - what sequencer.c and sequencer_head.c share; nobody else includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_SEQUENCER_INTERNAL_H
#define CA_ISSUE_SEQUENCER_INTERNAL_H

#include "ca/issue/sequencer.h"

enum {
	DEFAULT_BATCH = 4096,
	BATCH_MAX = 16384,
	DEFAULT_POLL_MS = 250,
	DEFAULT_HEAD_INTERVAL_MS = 200,
	SIGNER_TIMEOUT_MS = 10000,
	LEAD_AGAIN_MS = 1000,
	/* Complete tiles that a batch of BATCH_MAX can give: 65 of level 0 and at most one of each other level. */
	TILES_MAX = BATCH_MAX / TREE_TILE_WIDTH + 1 + TREE_TILE_LEVELS
};

enum step { STEP_IDLE, STEP_BEGIN, STEP_MOVE, STEP_TILES, STEP_COMMIT, STEP_HEAD };

/* Tiles that the batch under way completes. */
struct tile_batch {
	size_t num;
	int64_t levels[TILES_MAX], ns[TILES_MAX];
	struct slice slices[TILES_MAX];
	struct tree_hash hashes[TILES_MAX][TREE_TILE_WIDTH];
};

struct sequencer {
	struct sequencer_conf conf;
	struct db *db;
	loop_id timer, watch;
	enum step step;
	bool is_wanted; /* there may be pending entries */
	bool is_halted; /* the ledger and the signer's memory contradict each other: nothing is appended any more */
	size_t moved; /* entries of the batch under way */
	struct tree_edge *edge, *next;
	struct tile_batch *tiles;
	struct tree_hash (*cached)[TREE_TILE_WIDTH]; /* the tile read last, for proofs */
	struct tree_tile cached_tile;

	uint64_t signer_size; /* what the signer remembers, as far as we know: proofs start there */
	bool is_asking; /* a request to the signer is open */
	struct note_checkpoint asked;
	int64_t asked_at_ms; /* monotonic */
	int64_t lead_not_before_ms; /* monotonic: after a failure it waits before it tries to lead again */
	struct note_checkpoint head; /* signed and verified, not yet stored, where note is not empty */
	struct buf note;

	struct sequencer_status status;
	bool is_leader;
	char problem[256];
};

/* ---- sequencer.c */

/* sequencer_problem() consumes an error: logs it under the event and keeps its text for health. */
void sequencer_problem(struct sequencer *self, const char *event, struct err *e);
/* sequencer_proceed() begins the next step; only while step is STEP_IDLE. */
void sequencer_proceed(struct sequencer *self);
/* sequencer_edge_root() is the root of the whole tree. */
void sequencer_edge_root(struct tree_hash *out, const struct tree_edge *edge);

/* ---- sequencer_head.c */

/* sequencer_head_is_due() says whether a head should be asked for now; sequencer_head_ask() does it. *Errors* only a lost
 * database: what the signer says comes later, what the ledger lacks halts the sequencer. */
bool sequencer_head_is_due(const struct sequencer *self);
struct err *sequencer_head_ask(struct sequencer *self) ERR_MUST_USE;

#endif
