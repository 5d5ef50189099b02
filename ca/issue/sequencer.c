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
#include "ca/issue/sequencer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/msg_sign.h"
#include "ca/issue/sequencer_queries.h"

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

static void on_signed_head(void *arg, struct err *e, struct slice body);
static void proceed(struct sequencer *self);

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
static void problem_take(struct sequencer *self, const char *event, struct err *e)
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

static void edge_root(struct tree_hash *out, const struct tree_edge *edge)
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
	edge_root(&root, self->edge);
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
		problem_take(self, "sequencer_connection_lost", ERR(GONE, "the database closed the connection"));
		disconnect(self);
		return;
	}
	struct err *e = db_receive(self->db, &r, &is_done);
	if (e == NULL && is_done)
		e = step_result(self, r);
	if (e != NULL) {
		problem_take(self, "sequencer_batch_failed", e);
		disconnect(self);
		return;
	}
	if (self->step == STEP_IDLE)
		proceed(self);
}

/* ---------------------------------------------------------------- heads */

/* Reads a node for a proof: from the edge, or from a complete tile of the ledger. */
static struct err *node_read(void *arg, struct tree_hash *out, struct tree_node node)
{
	struct sequencer *self = arg;
	unsigned first, height;
	struct tree_tile tile = tree_tile_of(node, &first, &height);
	unsigned width = tree_tile_width(tile.level, tile.n, self->edge->size);

	ENSURE(first + (1u << height) <= width, BUG, "a node past the log's end is needed");
	if (width < TREE_TILE_WIDTH) {
		tree_tile_fold(out, self->edge->level[tile.level].h + first, height);
		return NULL;
	}
	const struct tree_tile *cached = &self->cached_tile;
	if (cached->width == 0 || cached->level != tile.level || cached->n != tile.n) {
		self->cached_tile.width = 0;
		TRY(sequencer_q_tile(self->db, *self->cached, tile.level, tile.n));
		self->cached_tile = tile;
	}
	tree_tile_fold(out, *self->cached + first, height);
	return NULL;
}

static struct err *head_request(struct sequencer *self, struct buf *out)
{
	struct tree_proof proof;
	struct slice hashes[TREE_PROOF_MAX];

	TRY(tree_consistency(&proof, self->signer_size, self->edge->size, (struct tree_reader){ node_read, self }));
	for (size_t i = 0; i < proof.num; i++)
		hashes[i] = SLICE(proof.h[i].b, TREE_HASH_SIZE);
	self->asked.size = self->edge->size;
	edge_root(&self->asked.root, self->edge);
	const struct msg_sign_head body = { .old_size = (int64_t)self->signer_size,
					    .size = (int64_t)self->asked.size,
					    .root = SLICE(self->asked.root.b, TREE_HASH_SIZE),
					    .consistency = hashes,
					    .num_consistency = proof.num };
	return msg_sign_head_encode(out, &body);
}

static struct err *head_ask(struct sequencer *self)
{
	OWN(buf) body = BUF_INIT(64 * 1024);

	TRY(head_request(self, &body));
	TRY(bus_client_send(self->conf.signer, MSG_SIGN_HEAD, &body, SIGNER_TIMEOUT_MS, on_signed_head, self));
	self->is_asking = true;
	return NULL;
}

/* The signer's memory is what counts: a shorter ledger, or one with another beginning, was rolled back or altered. */
static void halt(struct sequencer *self, struct err *e)
{
	self->is_halted = true;
	problem_take(self, "sequencer_halted", e);
}

static void on_signer_status(void *arg, struct err *e, struct slice body)
{
	struct sequencer *self = arg;
	OWN(msg_signer_status) status = { 0 };

	self->is_asking = false;
	if (e == NULL)
		e = msg_signer_status_decode(&status, body);
	if (e != NULL) {
		problem_take(self, "sequencer_head_failed", e);
		return;
	}
	if (status.log_size > self->status.log_size) {
		halt(self, ERR(CONFLICT,
			       "the signer has signed a head of %" PRId64 " entries, the ledger has %" PRId64
			       ": the ledger was rolled back",
			       status.log_size, self->status.log_size));
		return;
	}
	self->signer_size = (uint64_t)status.log_size;
	self->asked_at_ms = 0;
	if (self->step == STEP_IDLE)
		proceed(self);
}

static struct err *status_ask(struct sequencer *self)
{
	OWN(buf) body = BUF_INIT(64);
	const struct msg_empty empty = { 0 };

	TRY(msg_empty_encode(&body, &empty));
	TRY(bus_client_send(self->conf.signer, MSG_SIGNER_STATUS, &body, SIGNER_TIMEOUT_MS, on_signer_status, self));
	self->is_asking = true;
	return NULL;
}

static struct err *head_take(struct sequencer *self, struct slice body)
{
	OWN(msg_sign_head_ok) answer = { 0 };
	struct note_checkpoint head;

	TRY(msg_sign_head_ok_decode(&answer, body));
	TRY(note_checkpoint_open(&head, answer.note, &self->conf.log_key));
	ENSURE(head.size == self->asked.size && tree_hash_equal(&head.root, &self->asked.root), CONFLICT,
	       "the signer signed a head of %" PRIu64 " entries that was not asked for", head.size);
	TRY(buf_set(&self->note, answer.note));
	self->head = head;
	self->signer_size = head.size;
	return NULL;
}

static void on_signed_head(void *arg, struct err *e, struct slice body)
{
	struct sequencer *self = arg;

	self->is_asking = false;
	if (e == NULL)
		e = head_take(self, body);
	if (e == NULL) {
		if (self->is_leader && self->step == STEP_IDLE)
			proceed(self);
		return;
	}
	const char *field = err_field(e);
	if (err_code(e) == ERR_CONFLICT && field != NULL && strcmp(field, "oldSize") == 0) {
		/* An answer was lost, ours or our predecessor's: prove from what the signer remembers. */
		err_destroy(&e);
		e = status_ask(self);
	} else if (err_code(e) == ERR_DENIED || err_code(e) == ERR_BAD_INPUT) {
		halt(self, ERR_WRAP(e, "the signer refuses the head: the log's beginning was changed"));
		return;
	}
	if (e != NULL)
		problem_take(self, "sequencer_head_failed", e);
}

static bool head_is_due(const struct sequencer *self)
{
	return self->conf.signer != NULL && !self->is_asking && !self->is_halted && self->note.len == 0 &&
	       self->status.log_size > self->status.head_size &&
	       (self->asked_at_ms == 0 || clock_mono_ms() - self->asked_at_ms >= self->conf.head_interval_ms);
}

/* ---------------------------------------------------------------- what to do next */

/* Sorts an error of head_ask(): a lost database goes on to the caller, a busy signer is asked again later, and a
 * tile that is missing or does not fit is a ledger that was altered. */
static struct err *head_problem(struct sequencer *self, struct err *e)
{
	if (e == NULL || !db_is_connected(self->db))
		return e;
	if (err_category(err_code(e)) == ERR_RETRY_LATER)
		problem_take(self, "sequencer_head_failed", e);
	else
		halt(self, ERR_WRAP(e, "the proof that the log only grew cannot be made"));
	return NULL;
}

static struct err *proceed_step(struct sequencer *self)
{
	if (self->note.len > 0) {
		self->step = STEP_HEAD;
		return sequencer_q_send_head(self->db, &self->head, buf_slice(&self->note), clock_now_ms());
	}
	if (head_is_due(self)) {
		self->asked_at_ms = clock_mono_ms();
		TRY(head_problem(self, head_ask(self)));
	}
	if (!self->is_wanted || self->is_halted)
		return NULL;
	self->is_wanted = false;
	self->step = STEP_BEGIN;
	return db_send(self->db, Q_SEQ_BEGIN, NULL);
}

static void proceed(struct sequencer *self)
{
	struct err *e = proceed_step(self);

	if (e != NULL) {
		problem_take(self, "sequencer_failed", e);
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
		problem_take(self, "sequencer_take_over_failed", e);
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
		proceed(self);
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
