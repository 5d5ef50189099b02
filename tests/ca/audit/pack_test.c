/*
 * pack_test.c - exports of a real ledger: an honest one verifies without the database, and every way of tampering with the
 * ledger or with the pack is found and named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "ca/audit/audit.h"
#include "ca/audit/pack.h"
#include "support/pg.h"
#include "support/program_run.h"
#include "support/suite.h"
#include "tlog/note.h"

enum { ENTRIES = 600, STEP_MS = 1000, SQL_MAX = 4 << 20 };
#define BEGAN_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

static char home[64];
static EVP_PKEY *log_key;
static struct note_key note_key;
static struct tree_hash leaves[ENTRIES];

static void write_text(const char *name, struct slice text)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", home, name);
	FILE *f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text.p, 1, text.len, f), text.len);
	ck_assert_int_eq(fclose(f), 0);
}

static void make_entry(struct buf *out, int i)
{
	static const enum log_kind kinds[] = { LOG_KIND_APPLICATION_SUBMITTED, LOG_KIND_CERTIFICATE_ISSUED };
	struct log_entry entry;
	char number[24];

	(void)snprintf(number, sizeof number, "%d", i);
	log_entry_init(&entry, kinds[i % 2], BEGAN_MS + (int64_t)i * STEP_MS);
	log_entry_who(&entry, "operator", "900101300017", SLICE_NONE);
	log_entry_what(&entry, "application", number);
	log_entry_what(&entry, "name", i == 5 ? "=HYPERLINK(\"http://x\")" : "ӘБІЛОВА \"Үміт\", ҚЫЗ");
	ck_ok(log_entry_encode(out, &entry));
}

/* The row of entry i with its salt, as the sequencer would leave it. */
static void add_entry(struct buf *sql, int i)
{
	OWN(buf) entry = BUF_INIT(LOG_ENTRY_MAX);
	OWN(buf) hex = BUF_INIT(2 * LOG_ENTRY_MAX);
	uint8_t salt[LOG_SALT_SIZE];
	char salt_hex[33], leaf_hex[65];
	const char *text;

	memset(salt, i & 0xff, sizeof salt);
	make_entry(&entry, i);
	log_leaf_hash(&leaves[i], SLICE(salt, sizeof salt), buf_slice(&entry));
	ck_ok(text_hex(&hex, buf_slice(&entry)));
	ck_ok(buf_str(&hex, &text));
	ck_ok(buf_printf(sql, "%s(%d, 'x', %lld, '\\x%s', '\\x%s', '\\x%s')", i == 0 ? "" : ",", i,
			 (long long)(BEGAN_MS + (int64_t)i * STEP_MS), text,
			 text_hex_fixed(salt_hex, SLICE(salt, sizeof salt)),
			 text_hex_fixed(leaf_hex, SLICE(leaves[i].b, TREE_HASH_SIZE))));
}

static struct err *put_tile(void *arg, struct tree_tile tile, const struct tree_hash hashes[TREE_TILE_WIDTH])
{
	OWN(buf) hex = BUF_INIT(64 * 1024);
	const char *text;

	(void)arg;
	for (int i = 0; i < TREE_TILE_WIDTH; i++)
		TRY(text_hex(&hex, SLICE(hashes[i].b, TREE_HASH_SIZE)));
	TRY(buf_str(&hex, &text));
	pg_sql("INSERT INTO log_tile VALUES (%u, %llu, '\\x%s')", tile.level, (unsigned long long)tile.n, text);
	return NULL;
}

/* The head over the first `size` entries, signed, as a note. */
static void make_head(struct buf *note, int size)
{
	struct tree_range range;
	struct note_checkpoint head = { .size = (uint64_t)size };
	OWN(buf) body = BUF_INIT(1024);
	uint8_t signature[NOTE_SIGNATURE_SIZE];
	size_t len = sizeof signature;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	tree_range_init(&range);
	for (int i = 0; i < size; i++)
		tree_range_append(&range, &leaves[i]);
	tree_range_root(&head.root, &range);
	(void)snprintf(head.origin, sizeof head.origin, "%s", note_key.name);
	ck_ok(note_body(&body, &head));
	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, log_key), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len, body.p, body.len), 1);
	EVP_MD_CTX_free(ctx);
	ck_ok(note_assemble(note, buf_slice(&body), &note_key, signature));
}

static void make_key(void)
{
	uint8_t public_key[NOTE_KEY_SIZE];
	size_t len = sizeof public_key;
	OWN(buf) text = BUF_INIT(NOTE_VKEY_MAX);

	log_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(log_key, public_key, &len), 1);
	ck_ok(note_key_init(&note_key, "test.local/log", public_key));
	ck_ok(note_key_format(&text, &note_key));
	write_text("log.vkey", buf_slice(&text));
}

static void make_ledger(void)
{
	struct tree_edge *edge = calloc(1, sizeof *edge);
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	OWN(buf) old = BUF_INIT(NOTE_MAX);
	OWN(buf) sql = BUF_INIT(SQL_MAX);
	const char *text;

	ck_ok(buf_append_str(&sql, "INSERT INTO log_entry (idx, kind, at_ms, entry, salt, leaf_hash) VALUES "));
	tree_edge_init(edge);
	for (int i = 0; i < ENTRIES; i++) {
		add_entry(&sql, i);
		ck_ok(tree_edge_append(edge, &leaves[i], (struct tree_tile_sink){ put_tile, NULL }));
	}
	free(edge);
	ck_ok(buf_str(&sql, &text));
	pg_sql("%s", text);
	make_head(&note, ENTRIES);
	make_head(&old, 77);
	write_text("old.checkpoint", buf_slice(&old));
	ck_ok(buf_str(&note, &text));
	pg_sql("INSERT INTO log_checkpoint VALUES (%d, decode('%064d', 'hex'), $note$%s$note$, 0)", ENTRIES, 0, text);
}

static void set_up(void)
{
	char conninfo[PG_CONNINFO_SIZE], variables[512];

	(void)snprintf(home, sizeof home, "/tmp/audit-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	pg_fresh(conninfo, NULL);
	int n = snprintf(variables, sizeof variables, "PGHOST=%s\nPGDATABASE=%s\nPGUSER=nuc_auditor\n", pg_dir(),
			 pg_text("SELECT current_database()"));
	write_text("env", SLICE(variables, (size_t)n));
	make_key();
	make_ledger();
}

static void tear_down(void)
{
	shell("rm -rf '%s'", home);
	EVP_PKEY_free(log_key);
}

static void expect(int code, const char *part, const char *fmt, ...) ERR_PRINTF(3, 4);
static void expect(int code, const char *part, const char *fmt, ...)
{
	char words[1000];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	program_expect(&nucaudit_program, code, part, words);
}

/* Entries 100 to 399. */
static void export_some(const char *more)
{
	expect(0, "300 entries", "export --home %s --from 2026-01-01T00:01:40Z --to 2026-01-01T00:06:40Z -o %s/pack%s",
	       home, home, more);
}

static void verify(int code, const char *part)
{
	expect(code, part, "verify %s/pack --log-key %s/log.vkey", home, home);
}

START_TEST(honest_export_verifies_without_the_database)
{
	export_some("");
	pg_sql("TRUNCATE log_entry, log_tile, log_checkpoint");
	verify(0, "entries 100 to 400: complete and unchanged; 300 shown, 0 as bare hashes");
	expect(0, "\"verified\": true", "verify %s/pack --log-key %s/log.vkey --json", home, home);
}
END_TEST

START_TEST(filtered_export_still_proves_completeness)
{
	export_some(" --kind certificate.issued");
	verify(0, "150 shown, 150 as bare hashes");
}
END_TEST

START_TEST(empty_and_whole_periods)
{
	expect(0, "0 entries", "export --home %s --from 2020-01-01T00:00:00Z --to 2020-01-02T00:00:00Z -o %s/pack",
	       home, home);
	verify(0, "verified");
	shell("rm -r %s/pack", home);
	expect(0, "600 entries", "export --home %s --from 2020-01-01T00:00:00Z --to 2030-01-02T00:00:00Z -o %s/pack",
	       home, home);
	verify(0, "entries 0 to 600");
}
END_TEST

START_TEST(continues_the_head_that_the_auditor_kept)
{
	char previous[128];

	(void)snprintf(previous, sizeof previous, " --previous %s/old.checkpoint", home);
	export_some(previous);
	expect(0, "continues the head", "verify %s/pack --log-key %s/log.vkey --checkpoint %s/old.checkpoint", home,
	       home, home);
}
END_TEST

START_TEST(a_rewritten_log_does_not_continue_the_kept_head)
{
	OWN(buf) old = BUF_INIT(NOTE_MAX);
	char previous[128];

	leaves[3].b[0] ^= 1; /* the log was another one when this head was signed */
	make_head(&old, 77);
	leaves[3].b[0] ^= 1;
	write_text("old.checkpoint", buf_slice(&old));
	(void)snprintf(previous, sizeof previous, " --previous %s/old.checkpoint", home);
	export_some(previous);
	expect(1, "not a continuation", "verify %s/pack --log-key %s/log.vkey --checkpoint %s/old.checkpoint", home,
	       home, home);
}
END_TEST

START_TEST(export_is_logged_and_overwrites_nothing)
{
	export_some("");
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'export.made'"), 1);
	expect(1, "exists", "export --home %s --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z -o %s/pack", home,
	       home);
}
END_TEST

START_TEST(csv_neutralises_formulas)
{
	expect(0, "600 entries",
	       "export --home %s --from 2020-01-01T00:00:00Z --to 2030-01-02T00:00:00Z --format csv -o %s/pack", home,
	       home);
	shell("grep -q ӘБІЛОВА %s/pack/entries.csv", home);
	shell("test $(grep -c '\"=' %s/pack/entries.csv) -eq 0", home);
	shell("test $(wc -l < %s/pack/entries.csv) -eq 601", home);
	verify(0, "verified");
}
END_TEST

/* What a database administrator may do to the ledger before the export; each is found there or in the pack. */
static const struct {
	const char *sql;
	int export_code;
	const char *part;
} ledger_cases[] = {
	{ "UPDATE log_entry SET entry = set_byte(entry, 40, get_byte(entry, 40) # 1) WHERE idx = 150", 0,
	  "do not give its leaf hash" },
	{ "UPDATE log_entry SET entry = set_byte(entry, 40, get_byte(entry, 40) # 1) WHERE idx = 150;"
	  "UPDATE log_entry SET leaf_hash = sha256('\\x00'::bytea || sha256(salt || entry)) WHERE idx = 150",
	  0, "do not make the signed root" },
	{ "UPDATE log_entry SET salt = '\\x00000000000000000000000000000000' WHERE idx = 150", 0,
	  "do not give its leaf hash" },
	{ "DELETE FROM log_entry WHERE idx = 150", 1, "entry 150 is missing" },
	{ "DELETE FROM log_entry WHERE idx = 150; UPDATE log_entry SET idx = idx - 1 WHERE idx > 150", 1, "missing" },
	{ "UPDATE log_entry SET idx = 1000 WHERE idx = 150; UPDATE log_entry SET idx = 150 WHERE idx = 151;"
	  "UPDATE log_entry SET idx = 151 WHERE idx = 1000",
	  0, "do not make the signed root" },
	{ "DELETE FROM log_entry WHERE idx >= 300", 1, "missing" },
	{ "UPDATE log_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE level = 0 AND n = 0", 0,
	  "do not make the signed root" },
	{ "UPDATE log_checkpoint SET note = replace(note, '600', '601'), size = 601", 1, "missing" },
	{ "DELETE FROM log_checkpoint", 1, "no signed head yet" },
};

START_TEST(tampering_with_the_ledger_is_found)
{
	OWN(program_result) r = { 0 };
	char words[400];

	pg_sql("%s", ledger_cases[_i].sql);
	(void)snprintf(words, sizeof words,
		       "export --home %s --from 2026-01-01T00:01:40Z --to 2026-01-01T00:06:40Z -o %s/pack", home, home);
	program_run(&r, &nucaudit_program, words);
	ck_assert_msg(r.code == ledger_cases[_i].export_code, "exit %d: %s", r.code, r.err);
	if (r.code == 0)
		verify(1, ledger_cases[_i].part);
	else
		ck_assert_msg(strstr(r.err, ledger_cases[_i].part) != NULL, "%s", r.err);
}
END_TEST

/* What may be done to the pack; with the digests of the manifest made right again. */
static const struct {
	const char *command; /* in the pack's folder */
	bool mend;
	const char *part;
} pack_cases[] = {
	{ "sed -i 's/900101300017/900101300018/' entries.jsonl", false, "entries.jsonl was changed" },
	{ "sed -i 's/900101300017/900101300018/' entries.jsonl", true, "not what its bytes say" },
	{ "sed -i 10d entries.jsonl", true, "taken out, put in or moved" },
	{ "sed -i '10{h;d};11{G}' entries.jsonl", true, "taken out, put in or moved" },
	{ "head -n 200 entries.jsonl > x && mv x entries.jsonl", true, "the tail was cut off" },
	{ "sed -i 10p entries.jsonl", true, "taken out, put in or moved" },
	{ "head -n 200 entries.jsonl > x && mv x entries.jsonl && sed -i 's/\"next\": 400/\"next\": 300/' "
	  "manifest.json",
	  true, "manifest: after has" },
	{ "sed -i 's/\"size\": 600/\"size\": 601/' manifest.json", true, "is not that of the signed head" },
	{ "sed -i 's/^600$/601/' checkpoint", true, "not signed by the trusted log key" },
	{ "echo '{}' > manifest.json", false, "no audit pack" },
	{ "echo x > manifest.json", false, "no JSON object" },
	{ "sed -i 's/\"leaf\":\"./\"leaf\":\"g/' entries.jsonl", true, "hexadecimal" },
	{ "sed -i 's/^{/{\"index\":1,/' entries.jsonl", true, "no JSON object" },
	{ "rm checkpoint", false, "checkpoint" },
};

START_TEST(tampering_with_the_pack_is_found)
{
	export_some("");
	shell("cd %s/pack && %s", home, pack_cases[_i].command);
	if (pack_cases[_i].mend)
		shell("cd %s/pack && for f in entries.jsonl checkpoint README.txt; do sed -i "
		      "\"s/\\\"$f\\\": \\\"[0-9a-f]*\\\"/\\\"$f\\\": \\\"$(sha256sum < $f | cut -d' ' -f1)\\\"/\" "
		      "manifest.json; done",
		      home);
	verify(1, pack_cases[_i].part);
}
END_TEST

START_TEST(another_log_key_is_refused)
{
	export_some("");
	EVP_PKEY_free(log_key);
	make_key();
	verify(1, "not signed by the trusted log key");
}
END_TEST

START_TEST(usage)
{
	expect(2, "--to must be later", "export --home %s --from 2026-01-02T00:00:00Z --to 2026-01-01T00:00:00Z -o x",
	       home);
	expect(1, "--from", "export --home %s --from yesterday --to 2026-01-01T00:00:00Z -o x", home);
	expect(2, "jsonl or csv",
	       "export --home %s --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z --format xml -o x", home);
	expect(2, "log-key", "verify %s", home);
	expect(0, "log: 600 entries", "status --home %s", home);
	expect(1, "no certificate", "status-at 10ab 2026-01-01T00:00:00Z --home %s", home);
	expect(1, "SERIAL", "status-at xx 2026-01-01T00:00:00Z --home %s", home);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/audit/pack");
	TCase *t = tcase_create("pack");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, honest_export_verifies_without_the_database);
	tcase_add_test(t, filtered_export_still_proves_completeness);
	tcase_add_test(t, empty_and_whole_periods);
	tcase_add_test(t, continues_the_head_that_the_auditor_kept);
	tcase_add_test(t, a_rewritten_log_does_not_continue_the_kept_head);
	tcase_add_test(t, export_is_logged_and_overwrites_nothing);
	tcase_add_test(t, csv_neutralises_formulas);
	tcase_add_loop_test(t, tampering_with_the_ledger_is_found, 0, COUNT_OF(ledger_cases));
	tcase_add_loop_test(t, tampering_with_the_pack_is_found, 0, COUNT_OF(pack_cases));
	tcase_add_test(t, another_log_key_is_refused);
	tcase_add_test(t, usage);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
