/*
 * note.c - C2SP signed notes and checkpoints. See note.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tlog/note.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { ALGORITHM_ED25519 = 0x01, KEY_ID_SIZE = 4, SIGNATURES_MAX = 64 };

static const char em_dash[] = "\xe2\x80\x94 ";

OWN_POINTER(note_pkey, EVP_PKEY *, EVP_PKEY_free)
OWN_POINTER(note_md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)

static struct err *name_check(struct slice name)
{
	size_t characters;

	ENSURE_FIELD(name.len > 0 && name.len <= NOTE_NAME_MAX, BAD_INPUT, "name", "must have 1 to %d octets",
		     NOTE_NAME_MAX);
	TRY(text_utf8_length(&characters, name));
	for (size_t i = 0; i < name.len; i++)
		ENSURE_FIELD(name.p[i] > ' ' && name.p[i] != '+' && name.p[i] != 0x7f, BAD_INPUT, "name",
			     "may not hold white space or '+'");
	ENSURE_FIELD(!text_has_control(name), BAD_INPUT, "name", "may not hold control characters");
	return NULL;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---------------------------------------------------------------- keys */

struct err *note_key_init(struct note_key *out, const char *name, const uint8_t public_key[NOTE_KEY_SIZE])
{
	struct tree_hash digest;
	uint8_t tail[2 + NOTE_KEY_SIZE] = { '\n', ALGORITHM_ED25519 };

	TRY(name_check(slice_str(name)));
	memset(out, 0, sizeof *out);
	(void)snprintf(out->name, sizeof out->name, "%s", name);
	memcpy(out->public_key, public_key, NOTE_KEY_SIZE);
	memcpy(tail + 2, public_key, NOTE_KEY_SIZE);
	tree_sha256(&digest, slice_str(name), SLICE(tail, sizeof tail));
	out->id = be32(digest.b);
	return NULL;
}

struct err *note_key_parse(struct note_key *out, struct slice vkey)
{
	OWN(buf) id = BUF_INIT(KEY_ID_SIZE);
	OWN(buf) key = BUF_INIT(NOTE_VKEY_MAX);
	char name[NOTE_NAME_MAX + 1];

	while (vkey.len > 0 && (vkey.p[vkey.len - 1] == '\n' || vkey.p[vkey.len - 1] == '\r'))
		vkey.len--;
	const uint8_t *plus = vkey.len > 0 ? memchr(vkey.p, '+', vkey.len) : NULL;
	size_t name_len = plus == NULL ? 0 : (size_t)(plus - vkey.p);
	ENSURE_FIELD(plus != NULL && vkey.len - name_len > 10 && plus[9] == '+' && name_len <= NOTE_NAME_MAX, BAD_INPUT,
		     "vkey", "not of the form name+hash+key");
	TRY(text_unhex(&id, SLICE(plus + 1, 8)));
	TRY(text_unbase64(&key, SLICE(plus + 10, vkey.len - name_len - 10)));
	ENSURE_FIELD(key.len == 1 + NOTE_KEY_SIZE && key.p[0] == ALGORITHM_ED25519, BAD_INPUT, "vkey",
		     "not an Ed25519 key");
	memcpy(name, vkey.p, name_len);
	name[name_len] = '\0';
	ENSURE_FIELD(strlen(name) == name_len, BAD_INPUT, "vkey", "the name holds a NUL");
	struct note_key parsed;
	TRY(note_key_init(&parsed, name, key.p + 1));
	ENSURE_FIELD(parsed.id == be32(id.p), BAD_INPUT, "vkey", "the hash %08" PRIx32 " does not belong to this key",
		     be32(id.p));
	*out = parsed;
	return NULL;
}

struct err *note_key_format(struct buf *out, const struct note_key *key)
{
	uint8_t typed[1 + NOTE_KEY_SIZE] = { ALGORITHM_ED25519 };

	memcpy(typed + 1, key->public_key, NOTE_KEY_SIZE);
	TRY(buf_printf(out, "%s+%08" PRIx32 "+", key->name, key->id));
	return text_base64(out, SLICE(typed, sizeof typed));
}

/* ---------------------------------------------------------------- writing */

struct err *note_body(struct buf *out, const struct note_checkpoint *checkpoint)
{
	TRY(name_check(slice_str(checkpoint->origin)));
	TRY(buf_printf(out, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size));
	TRY(text_base64(out, SLICE(checkpoint->root.b, TREE_HASH_SIZE)));
	return buf_append_u8(out, '\n');
}

struct err *note_assemble(struct buf *out, struct slice body, const struct note_key *key,
			  const uint8_t signature[NOTE_SIGNATURE_SIZE])
{
	uint8_t bytes[KEY_ID_SIZE + NOTE_SIGNATURE_SIZE] = { (uint8_t)(key->id >> 24), (uint8_t)(key->id >> 16),
							     (uint8_t)(key->id >> 8), (uint8_t)key->id };

	ENSURE(body.len > 0 && body.p[body.len - 1] == '\n', BUG, "the text of a note ends with a line end");
	memcpy(bytes + KEY_ID_SIZE, signature, NOTE_SIGNATURE_SIZE);
	TRY(buf_append(out, body));
	TRY(buf_printf(out, "\n%s%s ", em_dash, key->name));
	TRY(text_base64(out, SLICE(bytes, sizeof bytes)));
	return buf_append_u8(out, '\n');
}

/* ---------------------------------------------------------------- reading */

/* Takes the next line, without its end, off `rest`. False where no whole line is left. */
static bool next_line(struct slice *rest, struct slice *out)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->p, '\n', rest->len) : NULL;

	if (end == NULL)
		return false;
	*out = SLICE(rest->p, (size_t)(end - rest->p));
	*rest = SLICE(end + 1, rest->len - out->len - 1);
	return true;
}

static struct err *note_text_check(struct slice note)
{
	size_t characters;

	ENSURE(note.len > 0 && note.len <= NOTE_MAX, BAD_INPUT, "a note has 1 to %d octets", NOTE_MAX);
	TRY(text_utf8_length(&characters, note));
	for (size_t i = 0; i < note.len; i++)
		ENSURE(note.p[i] >= ' ' || note.p[i] == '\n', BAD_INPUT, "the note holds a control character");
	return NULL;
}

/* Where the signature lines begin: after the last empty line. */
static struct err *note_split(struct slice *out_body, struct slice *out_signatures, struct slice note)
{
	for (size_t i = note.len - 1; i-- > 0;) {
		if (note.p[i] == '\n' && note.p[i + 1] == '\n') {
			*out_body = SLICE(note.p, i + 1);
			*out_signatures = SLICE(note.p + i + 2, note.len - i - 2);
			return NULL;
		}
	}
	return ERR(BAD_INPUT, "the note has no signature");
}

static struct err *signature_check(const struct note_key *key, struct slice signature, struct slice body)
{
	OWN(note_pkey) pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->public_key, NOTE_KEY_SIZE);
	OWN(note_md_ctx) ctx = EVP_MD_CTX_new();

	if (pkey == NULL || ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) != 1)
		return ERR_OPENSSL(BUG, "preparing to verify a note");
	if (EVP_DigestVerify(ctx, signature.p, signature.len, body.p, body.len) != 1)
		return ERR_OPENSSL(DENIED, "the signature of %s does not fit the note", key->name);
	return NULL;
}

/* Reads one line "— name base64". */
static struct err *signature_line(struct slice *out_name, struct buf *out_signature, struct slice line)
{
	size_t prefix = strlen(em_dash);

	ENSURE(line.len > prefix && memcmp(line.p, em_dash, prefix) == 0, BAD_INPUT,
	       "a signature line of the note has "
	       "another form");
	struct slice rest = SLICE(line.p + prefix, line.len - prefix);
	const uint8_t *space = memchr(rest.p, ' ', rest.len);
	ENSURE(space != NULL, BAD_INPUT, "a signature line of the note has another form");
	*out_name = SLICE(rest.p, (size_t)(space - rest.p));
	TRY(name_check(*out_name));
	buf_reset(out_signature);
	TRY(text_unbase64(out_signature, SLICE(space + 1, rest.len - out_name->len - 1)));
	ENSURE(out_signature->len > KEY_ID_SIZE, BAD_INPUT, "a signature of the note is too short");
	return NULL;
}

struct err *note_open(struct slice *out_body, struct slice note, const struct note_key *key)
{
	OWN(buf) signature = BUF_INIT(NOTE_MAX);
	struct slice body = SLICE_NONE, rest = SLICE_NONE, line = SLICE_NONE, name = SLICE_NONE;
	bool is_signed = false;
	size_t num = 0;

	TRY(note_text_check(note));
	TRY(note_split(&body, &rest, note));
	for (; next_line(&rest, &line); num++) {
		ENSURE(num < SIGNATURES_MAX, BAD_INPUT, "the note has more than %d signatures", SIGNATURES_MAX);
		TRY(signature_line(&name, &signature, line));
		if (!slice_equal(name, slice_str(key->name)) || be32(signature.p) != key->id)
			continue;
		TRY(signature_check(key, SLICE(signature.p + KEY_ID_SIZE, signature.len - KEY_ID_SIZE), body));
		is_signed = true;
	}
	ENSURE(rest.len == 0, BAD_INPUT, "the note ends without a line end");
	ENSURE(is_signed, DENIED, "the note has no signature by %s+%08" PRIx32, key->name, key->id);
	*out_body = body;
	return NULL;
}

static struct err *size_parse(uint64_t *out, struct slice line)
{
	uint64_t size = 0;

	ENSURE_FIELD(line.len > 0 && line.len <= 18 && (line.p[0] != '0' || line.len == 1), BAD_INPUT, "size",
		     "the second line is no decimal number");
	for (size_t i = 0; i < line.len; i++) {
		ENSURE_FIELD(line.p[i] >= '0' && line.p[i] <= '9', BAD_INPUT, "size",
			     "the second line is no decimal number");
		size = size * 10 + (uint64_t)(line.p[i] - '0');
	}
	*out = size;
	return NULL;
}

struct err *note_checkpoint_parse(struct note_checkpoint *out, struct slice body)
{
	OWN(buf) root = BUF_INIT(NOTE_MAX);
	struct slice rest = body, origin = SLICE_NONE, size = SLICE_NONE, hash = SLICE_NONE, more = SLICE_NONE;
	struct note_checkpoint parsed = { .size = 0 };

	ENSURE(next_line(&rest, &origin) && next_line(&rest, &size) && next_line(&rest, &hash), BAD_INPUT,
	       "a checkpoint has at least three lines");
	TRY(name_check(origin));
	TRY(size_parse(&parsed.size, size));
	TRY(text_unbase64(&root, hash));
	ENSURE_FIELD(root.len == TREE_HASH_SIZE, BAD_INPUT, "root", "the third line is not 32 octets in base64");
	while (next_line(&rest, &more))
		ENSURE(more.len > 0, BAD_INPUT, "a checkpoint has an empty line");
	ENSURE(rest.len == 0, BAD_INPUT, "the checkpoint ends without a line end");
	memcpy(parsed.origin, origin.p, origin.len);
	memcpy(parsed.root.b, root.p, TREE_HASH_SIZE);
	*out = parsed;
	return NULL;
}

struct err *note_checkpoint_open(struct note_checkpoint *out, struct slice note, const struct note_key *key)
{
	struct slice body;
	struct note_checkpoint parsed;

	TRY(note_open(&body, note, key));
	TRY(note_checkpoint_parse(&parsed, body));
	ENSURE_FIELD(strcmp(parsed.origin, key->name) == 0, DENIED, "origin", "the checkpoint is of %s, the key of %s",
		     parsed.origin, key->name);
	*out = parsed;
	return NULL;
}
