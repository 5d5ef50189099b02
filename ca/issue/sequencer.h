/*
 * sequencer.h - makes one log out of pending entries: contiguous indexes, Merkle tree, tiles, signed heads.
 *
 * Every role leaves rows in log_pending with its changes. The sequencer moves them to log_entry in batches, each
 * batch one transaction with the tiles that it completes; then it has signd-ocsp sign the head, with the proof that
 * the log only grew, and stores the checkpoint. Between these steps anything may die: the next sequencer begins from
 * what is committed.
 *
 * One at a time: it works only while its own connection holds a session-level advisory lock; whoever holds it is also
 * the only publisher of events (is_leader). Should two ever work at once, the primary key of log_entry lets one batch
 * win and the other sequencer starts over from the database. It never deletes or changes what has an index.
 *
 * Runs in the daemon's loop and does not block it: each statement is sent and its result taken when it has come. Only
 * taking over (connect, lock, reading the right edge of the tree) and proofs from older tiles are waited for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_SEQUENCER_H
#define CA_ISSUE_SEQUENCER_H

#include "bus/bus.h"
#include "daemon/loop.h"
#include "db/db.h"
#include "tlog/note.h"

/* Key of the advisory lock (pg_try_advisory_lock). */
#define SEQUENCER_LOCK INT64_C(0x6e75636c6f67) /* "nuclog" */

struct sequencer;

struct sequencer_conf {
	struct loop *loop;
	const char *conninfo; /* an own connection is made, as nuc_ca */
	struct bus_client *signer; /* edge sign-ocsp; NULL: no heads are signed (tests) */
	struct note_key log_key; /* every note is verified with it before it is stored; its name is the log's origin */
	int64_t batch; /* entries moved in one transaction; 0 means 4096 */
	int64_t poll_ms; /* looks for entries without being prompted; 0 means 250 */
	int64_t head_interval_ms; /* at least between two heads; 0 means 200 (five a second) */
	/* After a batch or a checkpoint was committed, and when leadership changes. May be NULL. */
	void (*on_progress)(void *arg, int64_t log_size);
	void (*on_leader)(void *arg, bool is_leader);
	void *arg;
};

/* sequencer_create() puts the sequencer into the loop; it connects by itself and again after a loss. *Owns* the
 * caller; texts of `conf` must outlive it. The signer's client must be polled by its owner. */
struct err *sequencer_create(struct sequencer **out, const struct sequencer_conf *conf) ERR_MUST_USE;
/* sequencer_destroy() leaves the loop and gives the lock up. A request to the signer that is still open may be
 * answered later: destroy the bus client first, or make sure that it is not processed any more. */
void sequencer_destroy(struct sequencer **self);

/* sequencer_prompt() says that there may be pending entries: call it after committing some. Cheap; any number of
 * times. */
void sequencer_prompt(struct sequencer *self);

bool sequencer_is_leader(const struct sequencer *self);

struct sequencer_status {
	int64_t log_size; /* entries that have an index, as far as this one knows */
	int64_t head_size; /* of the last stored checkpoint */
	int64_t entries, batches, heads; /* done by this one since it started */
	int64_t takeovers; /* times it became the leader */
	int64_t failures; /* statements and requests that failed */
	int64_t unsigned_since_ms; /* since when there are entries that no stored head covers; 0: none */
	/* What is wrong, for health, or "". A log that the signer remembers longer than the database has it, or
	 * whose beginning changed, is a problem that stays: the ledger was rolled back or tampered with. */
	const char *problem;
};
struct sequencer_status sequencer_status(const struct sequencer *self);

extern const struct db_statement sequencer_statements[];
extern const size_t sequencer_statements_count;

#endif
