/*
 * export.c - `nucaudit export`: a period of the log as a pack that proves itself (pack.h).
 *
 * Reads the ledger as nuc_auditor in one pass with constant memory, and logs the export itself. Nothing of an existing
 * folder is overwritten. Entries that no signed head covers yet are not exported; the program says how many.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "ca/audit/audit.h"
#include "ca/audit/pack.h"
#include "ca/audit/queries.h"
#include "ca/audit/reader.h"
#include "cli/files.h"
#include "tlog/note.h"

static const char readme_text[] =
	"This folder is an export of the log of a certification centre. It proves itself:\n"
	"\n"
	"  nucaudit verify THIS-FOLDER --log-key log.vkey\n"
	"\n"
	"needs nothing but the public key of the log, which you must have from elsewhere. By hand:\n"
	"\n"
	"- files:  the SHA-256 of each file stands in manifest.json (sha256sum entries.jsonl).\n"
	"- leaf:   of a line of entries.jsonl, leaf = SHA-256(0x00 || SHA-256(salt || entry)), with salt in "
	"hexadecimal and entry\n"
	"          in base64; the entry is DER: base64 -d | openssl asn1parse -inform DER.\n"
	"- tree:   RFC 6962 section 2.1. The subtree hashes \"before\" of the manifest, the leaves of all lines in "
	"order, and the\n"
	"          subtree hashes \"after\" make the root that stands in the file checkpoint.\n"
	"- head:   checkpoint is a C2SP signed note: its first three lines are signed by the log's Ed25519 key.\n";

/* A file that is hashed while it is written. */
struct out_file {
	FILE *f;
	EVP_MD_CTX *hash;
	const char *name;
};

struct export
{
	struct cli *cli;
	struct db *db;
	const char *folder;
	int64_t from_ms, to_ms;
	uint64_t first, next, size;
	struct tree_hash root;
	int64_t head_at_ms;
	struct buf note;
	json_t *files; /* name -> SHA-256 */
	uint64_t num_full;
};

static struct err *out_open(struct out_file *out, const struct export *x, const char *name)
{
	char path[PACK_PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s", x->folder, name);
	*out = (struct out_file){ fopen(path, "wxe"), EVP_MD_CTX_new(), name };
	if (out->f == NULL)
		return ERR_ERRNO("creating %s", path);
	ENSURE(out->hash != NULL && EVP_DigestInit_ex(out->hash, EVP_sha256(), NULL) == 1, NO_MEMORY, "hashing %s",
	       name);
	return NULL;
}

static struct err *out_write(struct out_file *out, struct slice bytes)
{
	if (fwrite(bytes.p, 1, bytes.len, out->f) != bytes.len)
		return ERR_ERRNO("writing %s", out->name);
	ENSURE(EVP_DigestUpdate(out->hash, bytes.p, bytes.len) == 1, BUG, "hashing %s", out->name);
	return NULL;
}

/* Flushes to the disk and notes the digest. */
static struct err *out_finish(struct out_file *out, struct export *x)
{
	uint8_t digest[32];
	char hex[65];

	ENSURE(EVP_DigestFinal_ex(out->hash, digest, NULL) == 1, BUG, "hashing %s", out->name);
	if (fflush(out->f) != 0 || fsync(fileno(out->f)) != 0)
		return ERR_ERRNO("writing %s", out->name);
	ENSURE(json_object_set_new(x->files, out->name, json_string(text_hex_fixed(hex, SLICE(digest, 32)))) == 0,
	       NO_MEMORY, "manifest");
	return NULL;
}

static void out_close(struct out_file *out)
{
	if (out->f != NULL)
		(void)fclose(out->f);
	EVP_MD_CTX_free(out->hash);
	*out = (struct out_file){ NULL, NULL, NULL };
}
OWN_TYPE(out_file, struct out_file, out_close)

static struct err *write_text(struct export *x, const char *name, struct slice text)
{
	OWN(out_file) out = { NULL, NULL, NULL };

	TRY(out_open(&out, x, name));
	TRY(out_write(&out, text));
	return out_finish(&out, x);
}

/* ---------------------------------------------------------------- entries */

static bool is_wanted(const struct export *x, struct slice entry_der)
{
	size_t at = 0;
	const char *kind = options_next(&x->cli->options, "kind", &at);
	struct log_entry entry;
	OWN(buf) arena = BUF_INIT(128 * 1024);

	if (kind == NULL)
		return true;
	OWN(err) e = log_entry_decode(&entry, &arena, entry_der);
	if (e != NULL)
		return true; /* shown as it is, so that the auditor sees what is wrong */
	for (; kind != NULL; kind = options_next(&x->cli->options, "kind", &at))
		if (strcmp(kind, entry.kind) == 0)
			return true;
	return false;
}

static struct err *write_row(struct export *x, struct out_file *lines, struct out_file *csv,
			     const struct audit_row *row)
{
	struct pack_line line = { .index = row->index, .entry = row->entry };
	OWN(json) object = NULL;
	OWN(buf) cells = BUF_INIT(PACK_LINE_MAX);

	ENSURE(row->salt.len == LOG_SALT_SIZE && row->leaf.len == TREE_HASH_SIZE, BAD_INPUT,
	       "entry %llu of the ledger has a salt or leaf hash of another length", (unsigned long long)row->index);
	memcpy(line.salt, row->salt.p, LOG_SALT_SIZE);
	memcpy(line.leaf.b, row->leaf.p, TREE_HASH_SIZE);
	line.is_bare = !is_wanted(x, row->entry);
	x->num_full += !line.is_bare;
	struct err *e = pack_line_json(&object, &line);
	if (e != NULL)
		return ERR_WRAP(e, "entry %llu of the ledger", (unsigned long long)row->index);
	char *text = json_dumps(object, JSON_COMPACT);
	ENSURE(text != NULL, NO_MEMORY, "a line of the pack");
	e = out_write(lines, slice_str(text));
	free(text);
	TRY(e);
	TRY(out_write(lines, SLICE_STR("\n")));
	if (csv->f == NULL)
		return NULL;
	TRY(pack_csv_line(&cells, &line));
	return out_write(csv, buf_slice(&cells));
}

static void show_progress(const struct export *x, uint64_t done)
{
	if (isatty(fileno(x->cli->err)) && (done % 10000 == 0 || done == x->next - x->first))
		(void)fprintf(x->cli->err, "\r%llu of %llu entries", (unsigned long long)done,
			      (unsigned long long)(x->next - x->first));
}

static struct err *write_entries(struct export *x, bool with_csv)
{
	OWN(out_file) lines = { NULL, NULL, NULL };
	OWN(out_file) csv = { NULL, NULL, NULL };
	OWN(db_copy) copy = NULL;
	OWN(buf) header = BUF_INIT(256);
	uint64_t expected = x->first;
	struct audit_row row;
	bool has_row = true;

	TRY(out_open(&lines, x, "entries.jsonl"));
	if (with_csv) {
		TRY(out_open(&csv, x, "entries.csv"));
		TRY(pack_csv_header(&header));
		TRY(out_write(&csv, buf_slice(&header)));
	}
	TRY(audit_q_rows_open(x->db, &copy, x->first, x->next));
	for (;;) {
		TRY(audit_q_rows_next(copy, &row, &has_row));
		if (!has_row)
			break;
		ENSURE(row.index == expected, BAD_INPUT, "entry %llu is missing in the ledger",
		       (unsigned long long)expected);
		TRY(write_row(x, &lines, &csv, &row));
		expected++;
		show_progress(x, expected - x->first);
	}
	ENSURE(expected == x->next, BAD_INPUT, "entry %llu is missing in the ledger", (unsigned long long)expected);
	TRY(out_finish(&lines, x));
	return with_csv ? out_finish(&csv, x) : NULL;
}

/* ---------------------------------------------------------------- manifest */

static struct err *cover_json(json_t **out, struct export *x, uint64_t from, uint64_t to)
{
	struct tree_node nodes[TREE_PROOF_MAX];
	struct tree_hash hashes[TREE_PROOF_MAX];
	size_t num = tree_cover(nodes, from, to);

	for (size_t i = 0; i < num; i++)
		TRY(audit_reader_node(x->db, &hashes[i], nodes[i]));
	return pack_hashes_json(out, hashes, num);
}

/* {"size", "root", "proof"} from the head of the previous export, or null. */
static struct err *previous_json(json_t **out, struct export *x)
{
	const char *path = options_text(&x->cli->options, "previous");
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	struct note_checkpoint old;
	struct tree_proof proof;
	OWN(json) hashes = NULL;
	char root[65];

	if (path == NULL) {
		*out = json_null();
		return NULL;
	}
	TRY(file_read(&note, path, "previous"));
	const uint8_t *blank = memmem(note.p, note.len, "\n\n", 2); /* the signature follows; `verify` checks it */
	ENSURE_FIELD(blank != NULL, BAD_INPUT, "previous", "%s is no signed head of the log", path);
	TRY(note_checkpoint_parse(&old, SLICE(note.p, (size_t)(blank - note.p) + 1)));
	ENSURE_FIELD(old.size <= x->size, CONFLICT, "previous",
		     "the log has %llu entries now, fewer than the %llu of %s", (unsigned long long)x->size,
		     (unsigned long long)old.size, path);
	TRY(tree_consistency(&proof, old.size, x->size, audit_reader(x->db)));
	TRY(pack_hashes_json(&hashes, proof.h, proof.num));
	*out = json_pack("{s:I, s:s, s:O}", "size", (json_int_t)old.size, "root",
			 text_hex_fixed(root, SLICE(old.root.b, TREE_HASH_SIZE)), "proof", hashes);
	ENSURE(*out != NULL, NO_MEMORY, "manifest");
	return NULL;
}

static struct err *write_manifest(struct export *x)
{
	OWN(json) before = NULL;
	OWN(json) after = NULL;
	OWN(json) previous = NULL;
	char from[CLOCK_RFC3339_SIZE], to[CLOCK_RFC3339_SIZE], made[CLOCK_RFC3339_SIZE], root[65], path[PACK_PATH_MAX];

	TRY(cover_json(&before, x, 0, x->first));
	TRY(cover_json(&after, x, x->next, x->size));
	TRY(previous_json(&previous, x));
	OWN(json)
	manifest =
		json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:O, s:O, s:O, s:O}", "format",
			  "nuc-audit-pack", "version", PACK_VERSION, "from", clock_rfc3339_ms(from, x->from_ms), "to",
			  clock_rfc3339_ms(to, x->to_ms), "made", clock_rfc3339_ms(made, clock_now_ms()), "first",
			  (json_int_t)x->first, "next", (json_int_t)x->next, "shown", (json_int_t)x->num_full, "size",
			  (json_int_t)x->size, "root", text_hex_fixed(root, SLICE(x->root.b, TREE_HASH_SIZE)), "before",
			  before, "after", after, "previous", previous, "files", x->files);
	ENSURE(manifest != NULL, NO_MEMORY, "manifest");
	char *text = json_dumps(manifest, JSON_INDENT(2));
	ENSURE(text != NULL, NO_MEMORY, "manifest");
	(void)snprintf(path, sizeof path, "%s/manifest.json", x->folder);
	struct err *e = file_write(path, slice_str(text), 0644, false);
	free(text);
	return e;
}

/* ---------------------------------------------------------------- the command */

static struct err *log_export(struct export *x)
{
	struct log_entry entry;
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	uint8_t salt[LOG_SALT_SIZE];
	char first[24], next[24];
	int64_t now = clock_now_ms();
	const char *person = getenv("USER");

	(void)snprintf(first, sizeof first, "%llu", (unsigned long long)x->first);
	(void)snprintf(next, sizeof next, "%llu", (unsigned long long)x->next);
	log_entry_init(&entry, LOG_KIND_EXPORT_MADE, now);
	log_entry_who(&entry, "auditor", "", SLICE_NONE);
	log_entry_what(&entry, "first", first);
	log_entry_what(&entry, "next", next);
	log_entry_what(&entry, "account", person == NULL ? "" : person);
	TRY(log_entry_encode(&der, &entry));
	TRY(log_salt(salt));
	return audit_q_log(x->db, log_kind_word(LOG_KIND_EXPORT_MADE), now, buf_slice(&der), SLICE(salt, sizeof salt));
}

static struct err *make_pack(struct export *x, bool with_csv)
{
	if (mkdir(x->folder, 0755) != 0)
		return errno == EEXIST
			       ? ERR_FIELD(CONFLICT, "output", "%s exists; name a folder that does not", x->folder)
			       : ERR_ERRNO("making the folder %s", x->folder);
	TRY(write_entries(x, with_csv));
	TRY(write_text(x, "checkpoint", buf_slice(&x->note)));
	TRY(write_text(x, "README.txt", slice_str(readme_text)));
	TRY(write_manifest(x));
	return log_export(x);
}

static struct err *read_period(struct export *x)
{
	struct err *e = clock_parse_rfc3339(&x->from_ms, options_text(&x->cli->options, "from"));

	if (e != NULL)
		return ERR_WRAP(e, "--from");
	e = clock_parse_rfc3339(&x->to_ms, options_text(&x->cli->options, "to"));
	if (e != NULL)
		return ERR_WRAP(e, "--to");
	return x->from_ms < x->to_ms ? NULL : cli_usage(x->cli, "to", "--to must be later than --from");
}

static struct err *export_run(struct export *x)
{
	const char *format = options_text_or(&x->cli->options, "format", "jsonl");
	bool with_csv = strcmp(format, "csv") == 0;
	int64_t waiting = 0;

	if (!with_csv && strcmp(format, "jsonl") != 0)
		return cli_usage(x->cli, "format", "--format is jsonl or csv");
	TRY(read_period(x));
	TRY(audit_connect(&x->db, &x->cli->env));
	TRY(audit_q_head(x->db, &x->size, &x->root, &x->head_at_ms, &x->note));
	TRY(audit_q_range(x->db, &x->first, &x->next, x->from_ms, x->to_ms, x->size));
	TRY(audit_q_pending(x->db, &waiting));
	TRY(make_pack(x, with_csv));
	if (waiting > 0)
		cli_note(x->cli, "%lld entries wait for a signed head and are not in the pack", (long long)waiting);
	(void)fprintf(x->cli->out, "%llu entries (%llu shown) under the head of %llu entries: %s\n",
		      (unsigned long long)(x->next - x->first), (unsigned long long)x->num_full,
		      (unsigned long long)x->size, x->folder);
	return NULL;
}

struct err *audit_export(struct cli *cli)
{
	struct export x = { .cli = cli,
			    .folder = options_text(&cli->options, "output"),
			    .note = BUF_INIT(NOTE_MAX),
			    .files = json_object() };
	struct err *e = x.files == NULL ? ERR(NO_MEMORY, "manifest") : export_run(&x);

	db_destroy(&x.db);
	buf_clear(&x.note);
	json_decref(x.files);
	return e;
}
