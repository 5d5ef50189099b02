/*
 * sequencer.c - pending entries -> log, tree, signed heads. See sequencer.h.
 *
 * One step is under way at a time on the sequencer's connection:
 *
 *	IDLE -> BEGIN -> MOVE -> TILES -> COMMIT -> IDLE        a batch
 *	IDLE -> HEAD -> IDLE                                    a signed note is stored
 *
 * What a batch will change in memory (the right edge of the tree) is prepared in `next` and takes the place of
 * `edge` only when the commit was confirmed. After any failure nothing in memory is believed: the lock's connection
 * is dropped and everything is read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/sequencer_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ca/issue/sequencer_queries.h"

static void progress(struct sequencer *self)
{
	if (self->conf.on_progress != NULL)
		self->conf.on_progress(self->conf.arg, self->status.log_size);
}

static void set_leader(struct sequencer *self, bool is_leader)
{
	if (self->is_leader == is_leader)
		return;
	self->is_leader = is_leader;
	if (is_leader)
		self->status.takeovers++;
	log_info(NULL, is_leader ? "sequencer_leads" : "sequencer_follows", "log_size=%" PRId64 " head_size=%" PRId64,
		 self->status.log_size, self->status.head_size);
	if (self->conf.on_leader != NULL)
		self->conf.on_leader(self->conf.arg, is_leader);
}

static void problem_clear(struct sequencer *self)
{
	self->problem[0] = '\0';
}

/* Consumes an error: logs it and keeps its text for health. */
void sequencer_problem(struct sequencer *self, const char *event, struct err *e)
{
	self->status.failures++;
	(void)err_text(e, self->problem, sizeof self->problem);
	log_err(LOG_WARN, NULL, event, &e);
}

static void note_unsigned(struct sequencer *self)
{
	if (self->status.log_size <= self->status.head_size)
		self->status.unsigned_since_ms = 0;
	else if (self->status.unsigned_since_ms == 0)
		self->status.unsigned_since_ms = clock_now_ms();
}

/* ---------------------------------------------------------------- taking over */

/* The connection may hold an open transaction and the lock: without it both are gone, and another may lead. */
static void disconnect(struct sequencer *self)
{
	if (self->watch != 0)
		loop_remove(self->conf.loop, self->watch);
	self->watch = 0;
	self->step = STEP_IDLE;
	db_destroy(&self->db);
	set_leader(self, false);
}

static struct err *connect_db(struct sequencer *self)
{
	const struct db_conf conf = { .conninfo = self->conf.conninfo,
				      .application_name = "cad sequencer",
				      .statements = sequencer_statements,
				      .num_statements = sequencer_statements_count,
				      .statement_timeout_ms = 30000 };

	if (self->db == NULL)
		TRY(db_open(&self->db, &conf));
	return db_ensure(self->db);
}

/* Reads the right edge of the tree: the open tile of each level. */
static struct err *edge_load(struct sequencer *self, uint64_t size)
{
	struct tree_edge *edge = self->edge;

	tree_edge_init(edge);
	edge->size = size;
	edge->level[0].num = (unsigned)(size % TREE_TILE_WIDTH);
	TRY(sequencer_q_leaves(self->db, edge->level[0].h, (int64_t)(size - edge->level[0].num), edge->level[0].num));
	for (unsigned level = 1; level < TREE_TILE_LEVELS && size >> (TREE_TILE_HEIGHT * level) != 0; level++) {
		uint64_t num = size >> (TREE_TILE_HEIGHT * level);

		edge->level[level].num = (unsigned)(num % TREE_TILE_WIDTH);
		TRY(sequencer_q_tile_roots(self->db, edge->level[level].h, level - 1, num - edge->level[level].num,
					   edge->level[level].num));
	}
	return NULL;
}

void sequencer_edge_root(struct tree_hash *out, const struct tree_edge *edge)
{
	struct tree_range range;

	tree_edge_range(&range, edge);
	tree_range_root(out, &range);
}

/* Compares what is in the ledger with its own last head, where that can be done from the edge alone. */
static struct err *head_compare(struct sequencer *self, const struct note_checkpoint *head)
{
	struct tree_hash root;

	ENSURE(head->size <= self->edge->size, CONFLICT,
	       "the log has %" PRIu64 " entries, its last checkpoint is of %" PRIu64 ": entries are missing",
	       self->edge->size, head->size);
	if (head->size == 0 || head->size != self->edge->size)
		return NULL;
	sequencer_edge_root(&root, self->edge);
	ENSURE(tree_hash_equal(&root, &head->root), CONFLICT,
	       "the log of %" PRIu64 " entries has another root than its checkpoint: entries were changed", head->size);
	return NULL;
}

static struct err *take_over(struct sequencer *self, bool *out_leads)
{
	struct note_checkpoint head;
	int64_t size;

	TRY(connect_db(self));
	TRY(sequencer_q_lock(self->db, out_leads, SEQUENCER_LOCK));
	if (!*out_leads)
		return NULL;
	TRY(sequencer_q_size(self->db, &size));
	TRY(edge_load(self, (uint64_t)size));
	TRY(sequencer_q_head(self->db, &head));
	TRY(head_compare(self, &head));
	self->status.log_size = size;
	self->status.head_size = (int64_t)head.size;
	self->signer_size = head.size;
	self->cached_tile.width = 0;
	buf_reset(&self->note);
	return NULL;
}

/* ---------------------------------------------------------------- a batch */

static struct err *tile_keep(void *arg, struct tree_tile tile, const struct tree_hash hashes[TREE_TILE_WIDTH])
{
	struct tile_batch *tiles = arg;
	size_t i = tiles->num;

	ENSURE(i < TILES_MAX, BUG, "a batch completes more than %d tiles", TILES_MAX);
	tiles->levels[i] = tile.level;
	tiles->ns[i] = (int64_t)tile.n;
	memcpy(tiles->hashes[i], hashes, sizeof tiles->hashes[i]);
	tiles->slices[i] = SLICE(tiles->hashes[i], sizeof tiles->hashes[i]);
	tiles->num++;
	return NULL;
}

static struct err *batch_append(struct sequencer *self, const struct tree_hash *leaves, size_t num)
{
	struct tree_tile_sink sink = { tile_keep, self->tiles };

	memcpy(self->next, self->edge, sizeof *self->next);
	self->tiles->num = 0;
	for (size_t i = 0; i < num; i++)
		TRY(tree_edge_append(self->next, &leaves[i], sink));
	self->moved = num;
	return NULL;
}

/* Takes the moved rows and sends what comes next: the tiles, or at once the commit. */
static struct err *step_moved(struct sequencer *self, const struct db_result *r)
{
	struct tree_hash *leaves = NULL;
	size_t num = 0;

	if (self->is_halted) { /* found out while the batch was under way */
		db_rollback(self->db);
		self->step = STEP_IDLE;
		return NULL;
	}
	TRY(sequencer_q_moved(&leaves, &num, r, (int64_t)self->edge->size));
	struct err *e = batch_append(self, leaves, num);
	free(leaves);
	TRY(e);
	if (self->tiles->num == 0) {
		self->step = STEP_COMMIT;
		return db_send(self->db, Q_SEQ_COMMIT, NULL);
	}
	self->step = STEP_TILES;
	return sequencer_q_send_tiles(self->db, self->tiles->levels, self->tiles->ns, self->tiles->slices,
				      self->tiles->num);
}

static void step_committed(struct sequencer *self)
{
	struct tree_edge *old = self->edge;

	self->step = STEP_IDLE;
	if (self->moved == 0)
		return;
	self->edge = self->next;
	self->next = old;
	self->status.log_size = (int64_t)self->edge->size;
	self->status.entries += (int64_t)self->moved;
	self->status.batches++;
	/* A full batch: there is more. */
	if (self->moved == (size_t)self->conf.batch)
		self->is_wanted = true;
	note_unsigned(self);
	progress(self);
}

static void step_head_stored(struct sequencer *self)
{
	self->step = STEP_IDLE;
	self->status.head_size = (int64_t)self->head.size;
	self->status.heads++;
	buf_reset(&self->note);
	if (!self->is_halted)
		problem_clear(self);
	note_unsigned(self);
	progress(self);
}

static struct err *step_result(struct sequencer *self, const struct db_result *r)
{
	switch (self->step) {
	case STEP_BEGIN:
		self->step = STEP_MOVE;
		return sequencer_q_send_move(self->db, (int64_t)self->edge->size, self->conf.batch);
	case STEP_MOVE:
		return step_moved(self, r);
	case STEP_TILES:
		self->step = STEP_COMMIT;
		return db_send(self->db, Q_SEQ_COMMIT, NULL);
	case STEP_COMMIT:
		step_committed(self);
		return NULL;
	case STEP_HEAD:
		step_head_stored(self);
		return NULL;
	case STEP_IDLE:
		break;
	}
	return ERR(BUG, "a result without a statement");
}

static void on_db(void *arg, unsigned ready)
{
	struct sequencer *self = arg;
	OWN(db_result) r = NULL;
	bool is_done = false;

	(void)ready;
	if (self->step == STEP_IDLE) {
		/* Nothing was asked, so this is the end of the connection. */
		sequencer_problem(self, "sequencer_connection_lost", ERR(GONE, "the database closed the connection"));
		disconnect(self);
		return;
	}
	struct err *e = db_receive(self->db, &r, &is_done);
	if (e == NULL && is_done)
		e = step_result(self, r);
	if (e != NULL) {
		sequencer_problem(self, "sequencer_batch_failed", e);
		disconnect(self);
		return;
	}
	if (self->step == STEP_IDLE)
		sequencer_proceed(self);
}

/* ---------------------------------------------------------------- what to do next */

static struct err *proceed_step(struct sequencer *self)
{
	if (self->note.len > 0) {
		self->step = STEP_HEAD;
		return sequencer_q_send_head(self->db, &self->head, buf_slice(&self->note), clock_now_ms());
	}
	if (sequencer_head_is_due(self)) {
		self->asked_at_ms = clock_mono_ms();
		TRY(sequencer_head_ask(self));
	}
	if (!self->is_wanted || self->is_halted)
		return NULL;
	self->is_wanted = false;
	self->step = STEP_BEGIN;
	return db_send(self->db, Q_SEQ_BEGIN, NULL);
}

void sequencer_proceed(struct sequencer *self)
{
	struct err *e = proceed_step(self);

	if (e != NULL) {
		sequencer_problem(self, "sequencer_failed", e);
		disconnect(self);
		return;
	}
	/* The next head is due before the next poll. */
	if (self->conf.signer != NULL && self->status.log_size > self->status.head_size && !self->is_asking) {
		int64_t wait = self->asked_at_ms + self->conf.head_interval_ms - clock_mono_ms();

		if (wait > 0 && wait < self->conf.poll_ms)
			loop_set_timer(self->conf.loop, self->timer, wait);
	}
}

static void lead(struct sequencer *self)
{
	bool leads = false;
	struct err *e = take_over(self, &leads);

	if (e == NULL && leads)
		e = loop_add_fd(self->conf.loop, &self->watch, db_socket(self->db), LOOP_READ, on_db, self);
	if (e != NULL) {
		sequencer_problem(self, "sequencer_take_over_failed", e);
		disconnect(self);
		self->lead_not_before_ms = clock_mono_ms() + LEAD_AGAIN_MS;
		return;
	}
	problem_clear(self);
	if (!leads)
		return;
	self->is_wanted = true;
	self->is_halted = false;
	note_unsigned(self);
	set_leader(self, true);
}

static void on_timer(void *arg)
{
	struct sequencer *self = arg;

	if (!self->is_leader && clock_mono_ms() >= self->lead_not_before_ms)
		lead(self);
	self->is_wanted = true;
	if (self->is_leader && self->step == STEP_IDLE)
		sequencer_proceed(self);
}

/* ---------------------------------------------------------------- life */

static struct err *allocate(struct sequencer *self)
{
	self->edge = calloc(1, sizeof *self->edge);
	self->next = calloc(1, sizeof *self->next);
	self->tiles = calloc(1, sizeof *self->tiles);
	self->cached = calloc(1, sizeof *self->cached);
	ENSURE(self->edge != NULL && self->next != NULL && self->tiles != NULL && self->cached != NULL, NO_MEMORY,
	       "the sequencer's tree");
	return NULL;
}

OWN_TYPE(sequencer, struct sequencer *, sequencer_destroy)

struct err *sequencer_create(struct sequencer **out, const struct sequencer_conf *conf)
{
	OWN(sequencer) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "the sequencer");
	ENSURE(conf->batch >= 0 && conf->batch <= BATCH_MAX, CONFIG, "a batch has at most %d entries", BATCH_MAX);
	self->conf = *conf;
	self->conf.batch = conf->batch > 0 ? conf->batch : DEFAULT_BATCH;
	self->conf.poll_ms = conf->poll_ms > 0 ? conf->poll_ms : DEFAULT_POLL_MS;
	self->conf.head_interval_ms = conf->head_interval_ms > 0 ? conf->head_interval_ms : DEFAULT_HEAD_INTERVAL_MS;
	self->note = (struct buf)BUF_INIT(NOTE_MAX);
	TRY(allocate(self));
	TRY(loop_add_timer(self->conf.loop, &self->timer, 0, self->conf.poll_ms, on_timer, self));
	*out = TAKE(self);
	return NULL;
}

void sequencer_destroy(struct sequencer **self)
{
	struct sequencer *s = *self;

	if (s == NULL)
		return;
	*self = NULL;
	s->conf.on_leader = NULL;
	if (s->timer != 0)
		loop_remove(s->conf.loop, s->timer);
	disconnect(s);
	buf_clear(&s->note);
	free(s->edge);
	free(s->next);
	free(s->tiles);
	free(s->cached);
	free(s);
}

void sequencer_prompt(struct sequencer *self)
{
	self->is_wanted = true;
	if (self->is_leader && self->step == STEP_IDLE)
		loop_set_timer(self->conf.loop, self->timer, 0);
}

bool sequencer_is_leader(const struct sequencer *self)
{
	return self->is_leader;
}

struct sequencer_status sequencer_status(const struct sequencer *self)
{
	struct sequencer_status status = self->status;

	status.problem = self->problem;
	return status;
}
