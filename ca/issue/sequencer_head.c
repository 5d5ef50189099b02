/*
 * sequencer_head.c - heads of the log: the proof that it only grew, the request to the signer, what it answers.
 *
 * The signer's memory is what counts. It is asked with a proof from the size that it should remember; where an answer was
 * lost it says so, and is asked what it remembers. A ledger that is shorter, or begins otherwise, halts the sequencer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/msg_sign.h"
#include "ca/issue/sequencer_internal.h"
#include "ca/issue/sequencer_queries.h"

static void on_signed_head(void *arg, struct err *e, struct slice body);

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
	sequencer_edge_root(&self->asked.root, self->edge);
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
	sequencer_problem(self, "sequencer_halted", e);
}

static void on_signer_status(void *arg, struct err *e, struct slice body)
{
	struct sequencer *self = arg;
	OWN(msg_signer_status) status = { 0 };

	self->is_asking = false;
	if (e == NULL)
		e = msg_signer_status_decode(&status, body);
	if (e != NULL) {
		sequencer_problem(self, "sequencer_head_failed", e);
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
		sequencer_proceed(self);
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
			sequencer_proceed(self);
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
		sequencer_problem(self, "sequencer_head_failed", e);
}

bool sequencer_head_is_due(const struct sequencer *self)
{
	return self->conf.signer != NULL && !self->is_asking && !self->is_halted && self->note.len == 0 &&
	       self->status.log_size > self->status.head_size &&
	       (self->asked_at_ms == 0 || clock_mono_ms() - self->asked_at_ms >= self->conf.head_interval_ms);
}

/* Sorts an error of head_ask(): a lost database goes on to the caller, a busy signer is asked again later, and a
 * tile that is missing or does not fit is a ledger that was altered. */
static struct err *head_problem(struct sequencer *self, struct err *e)
{
	if (e == NULL || !db_is_connected(self->db))
		return e;
	if (err_category(err_code(e)) == ERR_RETRY_LATER)
		sequencer_problem(self, "sequencer_head_failed", e);
	else
		halt(self, ERR_WRAP(e, "the proof that the log only grew cannot be made"));
	return NULL;
}

struct err *sequencer_head_ask(struct sequencer *self)
{
	return head_problem(self, head_ask(self));
}
