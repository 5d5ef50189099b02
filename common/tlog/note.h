/*
 * note.h - C2SP signed notes and checkpoints with Ed25519: the signed head of the log.
 *
 *   nuc.local/log                                      origin, equal to the name of the key
 *   1234                                               number of leaves
 *   TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=       root, base64
 *
 *   — nuc.local/log 8tAk7...                           em dash, key name, base64(key id (4) || signature (64))
 *
 * Parses, verifies and gives the text to be signed; signing itself is ca/sign/sign.c's. Unknown signature lines are
 * passed over, as the specification asks; everything else is strict. Public key text (vkey): name+hex8+base64(0x01
 * || key).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_TLOG_NOTE_H
#define COMMON_TLOG_NOTE_H

#include "base/buf.h"
#include "tlog/tree.h"

enum {
	NOTE_MAX = 16 * 1024, /* octets of a whole note */
	NOTE_NAME_MAX = 128, /* octets of a key name or origin */
	NOTE_KEY_SIZE = 32, /* Ed25519 */
	NOTE_SIGNATURE_SIZE = 64,
	NOTE_VKEY_MAX = NOTE_NAME_MAX + 64
};

struct note_key {
	char name[NOTE_NAME_MAX + 1];
	uint32_t id; /* first four octets, big-endian, of SHA-256(name || 0x0a || 0x01 || key) */
	uint8_t public_key[NOTE_KEY_SIZE];
};

/* note_key_init() computes the id. *Errors* BAD_INPUT: a name that is empty, too long, not UTF-8, or holds '+' or
 * white space. */
struct err *note_key_init(struct note_key *out, const char *name, const uint8_t public_key[NOTE_KEY_SIZE]) ERR_MUST_USE;
/* note_key_parse() reads a vkey; a line end after it is passed over. *Errors* BAD_INPUT (also when the id does not
 * fit the key). */
struct err *note_key_parse(struct note_key *out, struct slice vkey) ERR_MUST_USE;
/* note_key_format() appends the vkey without a line end. */
struct err *note_key_format(struct buf *out, const struct note_key *key) ERR_MUST_USE;

struct note_checkpoint {
	char origin[NOTE_NAME_MAX + 1];
	uint64_t size;
	struct tree_hash root;
};

/* note_body() appends the text that is signed: origin, size and root, each with its line end. */
struct err *note_body(struct buf *out, const struct note_checkpoint *checkpoint) ERR_MUST_USE;
/* note_assemble() appends the whole note: body, an empty line, and one signature line. */
struct err *note_assemble(struct buf *out, struct slice body, const struct note_key *key,
			  const uint8_t signature[NOTE_SIGNATURE_SIZE]) ERR_MUST_USE;

/* note_open() verifies that `key` signed the note and gives its text (within `note`). *Errors* BAD_INPUT (form),
 * DENIED (no signature by this key, or a wrong one). */
struct err *note_open(struct slice *out_body, struct slice note, const struct note_key *key) ERR_MUST_USE;
/* note_checkpoint_parse() reads a checkpoint's body; lines after the third are passed over. *Errors* BAD_INPUT. */
struct err *note_checkpoint_parse(struct note_checkpoint *out, struct slice body) ERR_MUST_USE;
/* note_checkpoint_open() is note_open(), note_checkpoint_parse() and the check that the origin is the key's name. */
struct err *note_checkpoint_open(struct note_checkpoint *out, struct slice note,
				 const struct note_key *key) ERR_MUST_USE;

#endif
