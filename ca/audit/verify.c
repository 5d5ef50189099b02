/*
 * verify.c - `nucaudit verify`: does a pack prove what it says? Without any database, believing nothing but the log key.
 *
 * Says in plain words what was proven, or the first thing that breaks and where. Exit 0 only when everything holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "ca/audit/audit.h"
#include "ca/audit/pack.h"
#include "cli/files.h"
#include "tlog/note.h"

OWN_POINTER(stream, FILE *, fclose)
OWN_POINTER(md, EVP_MD_CTX *, EVP_MD_CTX_free)

struct check {
	struct cli *cli;
	const char *folder;
	json_t *manifest;
	struct note_key key;
	struct note_checkpoint head;
	uint64_t first, next;
	uint64_t num_full;
};

static struct err *read_file(struct buf *out, const struct check *c, const char *name)
{
	char path[PACK_PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", c->folder, name);
	return file_read(out, path, name);
}

/* ---------------------------------------------------------------- manifest and files */

static struct err *number_of(uint64_t *out, const struct check *c, const char *name)
{
	const json_t *value = json_object_get(c->manifest, name);

	ENSURE(json_is_integer(value) && json_integer_value(value) >= 0, BAD_INPUT, "manifest: %s is no number", name);
	*out = (uint64_t)json_integer_value(value);
	return NULL;
}

static struct err *read_manifest(struct check *c)
{
	OWN(buf) text = BUF_INIT(PACK_MANIFEST_MAX);
	json_error_t why;
	uint64_t version;

	TRY(read_file(&text, c, "manifest.json"));
	c->manifest = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);
	ENSURE(json_is_object(c->manifest), BAD_INPUT, "manifest.json is no JSON object: %s", why.text);
	const char *format = json_string_value(json_object_get(c->manifest, "format"));
	ENSURE(format != NULL && strcmp(format, "nuc-audit-pack") == 0, BAD_INPUT, "manifest: this is no audit pack");
	TRY(number_of(&version, c, "version"));
	ENSURE(version == PACK_VERSION, BAD_INPUT, "manifest: version %llu is not known to this program",
	       (unsigned long long)version);
	TRY(number_of(&c->first, c, "first"));
	return number_of(&c->next, c, "next");
}

static struct err *digest_of(char hex[65], const struct check *c, const char *name)
{
	char path[PACK_PATH_MAX];
	uint8_t piece[16384], digest[32];

	(void)snprintf(path, sizeof path, "%s/%s", c->folder, name);
	OWN(stream) f = fopen(path, "re");
	if (f == NULL)
		return ERR_ERRNO("opening %s", path);
	OWN(md) hash = EVP_MD_CTX_new();
	ENSURE(hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1, NO_MEMORY, "hashing %s", name);
	for (size_t n = fread(piece, 1, sizeof piece, f); n > 0; n = fread(piece, 1, sizeof piece, f))
		ENSURE(EVP_DigestUpdate(hash, piece, n) == 1, BUG, "hashing %s", name);
	if (ferror(f))
		return ERR_ERRNO("reading %s", path);
	ENSURE(EVP_DigestFinal_ex(hash, digest, NULL) == 1, BUG, "hashing %s", name);
	(void)text_hex_fixed(hex, SLICE(digest, sizeof digest));
	return NULL;
}

static struct err *check_files(struct check *c)
{
	json_t *files = json_object_get(c->manifest, "files");
	const char *name;
	json_t *value;
	char hex[65];

	ENSURE(json_object_get(files, "entries.jsonl") != NULL && json_object_get(files, "checkpoint") != NULL,
	       BAD_INPUT, "manifest: files does not name entries.jsonl and checkpoint");
	json_object_foreach(files, name, value)
	{
		ENSURE(strchr(name, '/') == NULL && name[0] != '.', BAD_INPUT, "manifest: %s is no file of the pack",
		       name);
		TRY(digest_of(hex, c, name));
		ENSURE(json_is_string(value) && strcmp(json_string_value(value), hex) == 0, BAD_INPUT,
		       "%s was changed: its SHA-256 is not the one in manifest.json", name);
	}
	return NULL;
}

/* ---------------------------------------------------------------- head */

static struct err *read_head(struct note_checkpoint *out, const struct check *c, struct slice note, const char *what)
{
	struct err *e = note_checkpoint_open(out, note, &c->key);

	return e == NULL ? NULL : ERR_WRAP(e, "%s is not signed by the trusted log key", what);
}

static struct err *read_key(struct check *c)
{
	const char *path = options_text(&c->cli->options, "log-key");
	OWN(buf) text = BUF_INIT(NOTE_VKEY_MAX + 2);

	if (path == NULL) /* the variable holds the key's text, or its file */
		path = env_get(&c->cli->env, "NUC_LOG_VKEY");
	if (path == NULL)
		return cli_usage(c->cli, "log-key", "name the public key of the log that you trust: --log-key FILE");
	struct err *e = strchr(path, '+') != NULL && strchr(path, '/') == NULL ? buf_append_str(&text, path)
									       : file_read(&text, path, "log-key");
	TRY(e);
	return note_key_parse(&c->key, buf_slice(&text));
}

static struct err *check_head(struct check *c)
{
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	uint64_t size;

	TRY(read_file(&note, c, "checkpoint"));
	TRY(read_head(&c->head, c, buf_slice(&note), "checkpoint"));
	TRY(number_of(&size, c, "size"));
	ENSURE(size == c->head.size, BAD_INPUT, "manifest: size %llu is not that of the signed head, %llu",
	       (unsigned long long)size, (unsigned long long)c->head.size);
	ENSURE(c->first <= c->next && c->next <= size, BAD_INPUT, "manifest: the range is not inside the signed log");
	return NULL;
}

/* ---------------------------------------------------------------- entries and root */

static struct err *append_cover(struct tree_range *range, const struct check *c, const char *name, uint64_t from,
				uint64_t to)
{
	struct tree_node nodes[TREE_PROOF_MAX];
	struct tree_hash hashes[TREE_PROOF_MAX];
	size_t num = 0;
	size_t wanted = tree_cover(nodes, from, to);

	TRY(pack_hashes_read(hashes, TREE_PROOF_MAX, &num, json_object_get(c->manifest, name), name));
	ENSURE(num == wanted, BAD_INPUT, "manifest: %s has %zu hashes where the tree asks for %zu", name, num, wanted);
	for (size_t i = 0; i < num; i++)
		TRY(tree_range_append_node(range, nodes[i].height, &hashes[i]));
	return NULL;
}

static struct err *append_entries(struct tree_range *range, struct check *c)
{
	char path[PACK_PATH_MAX];
	OWN(buf) entry = BUF_INIT(LOG_ENTRY_MAX);
	uint64_t expected = c->first;
	struct pack_line line;
	char *text = NULL;
	size_t room = 0;
	struct err *e = NULL;

	(void)snprintf(path, sizeof path, "%s/entries.jsonl", c->folder);
	OWN(stream) f = fopen(path, "re");
	if (f == NULL)
		return ERR_ERRNO("opening %s", path);
	for (ssize_t len = getline(&text, &room, f); len > 0 && e == NULL; len = getline(&text, &room, f)) {
		e = len > PACK_LINE_MAX ? ERR(TOO_LARGE, "the line is too long")
					: pack_line_read(&line, &entry, SLICE(text, (size_t)len));
		if (e == NULL && line.index != expected)
			e = ERR(BAD_INPUT,
				"index %llu stands where %llu should: an entry was taken out, put in or moved",
				(unsigned long long)line.index, (unsigned long long)expected);
		if (e != NULL) {
			e = ERR_WRAP(e, "entries.jsonl, line %llu (entry %llu)",
				     (unsigned long long)(expected - c->first + 1), (unsigned long long)expected);
			break;
		}
		tree_range_append(range, &line.leaf);
		c->num_full += !line.is_bare;
		expected++;
	}
	free(text);
	TRY(e);
	ENSURE(expected == c->next, BAD_INPUT, "entries.jsonl ends before entry %llu: the tail was cut off",
	       (unsigned long long)expected);
	return NULL;
}

static struct err *check_entries(struct check *c)
{
	struct tree_range range;
	struct tree_hash root;

	tree_range_init(&range);
	TRY(append_cover(&range, c, "before", 0, c->first));
	TRY(append_entries(&range, c));
	TRY(append_cover(&range, c, "after", c->next, c->head.size));
	tree_range_root(&root, &range);
	ENSURE(tree_hash_equal(&root, &c->head.root), BAD_INPUT,
	       "the entries do not make the signed root: an entry and its hash were changed, taken out or put in");
	return NULL;
}

/* ---------------------------------------------------------------- a head that the auditor kept */

static struct err *check_kept(struct check *c, bool *out_checked)
{
	const char *path = options_text(&c->cli->options, "checkpoint");
	const json_t *previous = json_object_get(c->manifest, "previous");
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	struct note_checkpoint kept;
	struct tree_proof proof;

	*out_checked = path != NULL;
	if (path == NULL)
		return NULL;
	TRY(file_read(&note, path, "checkpoint"));
	TRY(read_head(&kept, c, buf_slice(&note), path));
	if (kept.size == c->head.size) {
		ENSURE(tree_hash_equal(&kept.root, &c->head.root), BAD_INPUT,
		       "two heads of %llu entries with different roots: the log was forked",
		       (unsigned long long)kept.size);
		return NULL;
	}
	ENSURE(json_is_object(previous) &&
		       json_integer_value(json_object_get(previous, "size")) == (json_int_t)kept.size,
	       NOT_FOUND, "the pack has no proof from the head of %llu entries; export it with --previous %s",
	       (unsigned long long)kept.size, path);
	TRY(pack_hashes_read(proof.h, TREE_PROOF_MAX, &proof.num, json_object_get(previous, "proof"),
			     "previous.proof"));
	struct err *e = tree_consistency_verify(kept.size, &kept.root, c->head.size, &c->head.root, &proof);
	return e == NULL ? NULL : ERR_WRAP(e, "the log is not a continuation of the head that you kept");
}

/* ---------------------------------------------------------------- the command */

static struct err *verify_run(struct check *c)
{
	FILE *out = c->cli->out;
	bool kept = false;

	TRY(read_key(c));
	TRY(read_manifest(c));
	TRY(check_files(c));
	TRY(check_head(c));
	TRY(check_entries(c));
	TRY(check_kept(c, &kept));
	if (c->cli->json) {
		OWN(json)
		record = json_pack("{s:b, s:I, s:I, s:I, s:I, s:b}", "verified", 1, "first", (json_int_t)c->first,
				   "next", (json_int_t)c->next, "shown", (json_int_t)c->num_full, "size",
				   (json_int_t)c->head.size, "continues", (int)kept);
		return cli_json(c->cli, record);
	}
	(void)fprintf(out, "head: %llu entries, signed by the log key %s\n", (unsigned long long)c->head.size,
		      c->key.name);
	(void)fprintf(out, "entries %llu to %llu: complete and unchanged; %llu shown, %llu as bare hashes\n",
		      (unsigned long long)c->first, (unsigned long long)c->next, (unsigned long long)c->num_full,
		      (unsigned long long)(c->next - c->first - c->num_full));
	if (kept)
		(void)fprintf(out, "the log continues the head that you kept: nothing before it was changed\n");
	(void)fprintf(out, "verified: the pack proves what it says\n");
	return NULL;
}

struct err *audit_verify(struct cli *cli)
{
	struct check c = { .cli = cli, .folder = cli->options.words[0] };
	struct err *e = verify_run(&c);

	json_decref(c.manifest);
	return e == NULL ? NULL : ERR_WRAP(e, "not verified");
}
