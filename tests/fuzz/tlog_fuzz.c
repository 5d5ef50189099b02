/*
 * tlog_fuzz.c - entries, notes, keys, checkpoints and tile paths against arbitrary bytes: the first octet chooses which.
 *
 * Beside not crashing: what is accepted has exactly one form and is written the same way again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "tlog/leaf.h"
#include "tlog/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(struct err *e)
{
	if (e != NULL)
		abort();
}

static void must_equal(const struct buf *again, struct slice input)
{
	if (!slice_equal(buf_slice(again), input))
		abort();
}

static struct err *read_entry(struct slice input)
{
	struct log_entry entry;
	OWN(buf) arena = BUF_INIT(LOG_ENTRY_MAX + 1);
	OWN(buf) again = BUF_INIT(LOG_ENTRY_MAX);

	TRY(log_entry_decode(&entry, &arena, input));
	must(log_entry_encode(&again, &entry));
	must_equal(&again, input);
	return NULL;
}

static struct err *read_note(struct slice input)
{
	struct note_key key;
	struct note_checkpoint checkpoint;
	static const uint8_t public_key[NOTE_KEY_SIZE] = { 1 };

	must(note_key_init(&key, "nuc.local/log", public_key));
	return note_checkpoint_open(&checkpoint, input, &key);
}

static struct err *read_checkpoint(struct slice input)
{
	struct note_checkpoint checkpoint;
	OWN(buf) again = BUF_INIT(NOTE_MAX);

	TRY(note_checkpoint_parse(&checkpoint, input));
	must(note_body(&again, &checkpoint));
	/* Extension lines may follow. */
	if (again.len > input.len || memcmp(again.p, input.p, again.len) != 0)
		abort();
	return NULL;
}

static struct err *read_key(struct slice input)
{
	struct note_key key, same;
	OWN(buf) again = BUF_INIT(NOTE_VKEY_MAX);

	TRY(note_key_parse(&key, input));
	must(note_key_format(&again, &key));
	must(note_key_parse(&same, buf_slice(&again)));
	if (same.id != key.id || strcmp(same.name, key.name) != 0)
		abort();
	return NULL;
}

static struct err *read_tile(struct slice input)
{
	struct tree_tile tile;
	char again[TREE_TILE_PATH_MAX];

	TRY(tree_tile_parse(&tile, input));
	if (!slice_equal(slice_str(tree_tile_path(again, tile)), input))
		abort();
	return NULL;
}

static struct err *fit_text(struct slice input)
{
	char out[64];
	struct log_entry entry;
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);

	log_entry_init(&entry, LOG_KIND_ACCESS_REFUSED, 0);
	log_entry_why(&entry, log_text_fit(out, sizeof out, input));
	must(log_entry_encode(&der, &entry));
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct err *(*const reads[])(struct slice) = { read_entry, read_note, read_checkpoint,
							      read_key,	  read_tile, fit_text };

	if (size == 0)
		return 0;
	OWN(err) e = reads[data[0] % (sizeof reads / sizeof *reads)](SLICE(data + 1, size - 1));
	return 0;
}
