/*
 * log_files_test.c - a reader with nothing but the published files can rebuild and verify the log's tree.
 */
#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "crl/log_files.h"
#include "support/pg.h"
#include "support/suite.h"
#include "tlog/note.h"

static char dir[64], conninfo[PG_CONNINFO_SIZE];
static struct db *db;
static struct crl_folder *folder;
static struct crl_log_files *files;
static struct tree_edge *edge;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void setup(void)
{
	const struct db_conf conf = { .conninfo = conninfo,
				      .statements = crl_statements,
				      .num_statements = crl_statements_count };

	pg_fresh(conninfo, "nuc_crl");
	ck_ok(db_connect(&db, &conf));
	(void)snprintf(dir, sizeof dir, "/tmp/nuc-crl-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(crl_folder_open(&folder, dir));
	ck_ok(crl_log_files_create(&files, folder));
	edge = calloc(1, sizeof *edge);
	ck_assert_ptr_nonnull(edge);
}

static void teardown(void)
{
	free(edge);
	crl_log_files_destroy(&files);
	crl_folder_close(&folder);
	db_destroy(&db);
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---------------------------------------------------------------- a ledger as the sequencer writes it */

static struct err *tile_to_ledger(void *arg, struct tree_tile tile, const struct tree_hash hashes[TREE_TILE_WIDTH])
{
	(void)arg;
	OWN(buf) hex = BUF_INIT(32768);
	const char *text;

	TRY(text_hex(&hex, SLICE(hashes, TREE_TILE_WIDTH * sizeof *hashes)));
	TRY(buf_str(&hex, &text));
	pg_sql("INSERT INTO log_tile VALUES (%u, %" PRIu64 ", '\\x%s')", tile.level, tile.n, text);
	return NULL;
}

static void grow(uint64_t to)
{
	for (; edge->size < to;) {
		char text[32];
		struct tree_hash leaf;

		(void)snprintf(text, sizeof text, "%" PRIu64, edge->size);
		tree_hash_leaf(&leaf, SLICE_STR(text));
		ck_ok(tree_edge_append(edge, &leaf, (struct tree_tile_sink){ tile_to_ledger, NULL }));
	}
	pg_sql("INSERT INTO log_entry (idx, kind, at_ms, entry, salt, leaf_hash) SELECT i, 'k', 0, '', decode(md5(''), "
	       "'hex'), "
	       "sha256('\\x00'::bytea || i::text::bytea) FROM generate_series(coalesce((SELECT max(idx) + 1 FROM "
	       "log_entry), 0), "
	       "%" PRIu64 " - 1) i",
	       to);
}

static void head(void)
{
	struct tree_range range;
	struct note_checkpoint checkpoint = { .size = edge->size };
	OWN(buf) body = BUF_INIT(NOTE_MAX);
	const char *text;
	char hex[65];

	tree_edge_range(&range, edge);
	tree_range_root(&checkpoint.root, &range);
	(void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "nuc.local/log");
	ck_ok(note_body(&body, &checkpoint));
	ck_ok(buf_append_str(&body, "\n\xe2\x80\x94 nuc.local/log AAAAAAA=\n"));
	ck_ok(buf_str(&body, &text));
	pg_sql("INSERT INTO log_checkpoint VALUES (%" PRIu64 ", '\\x%s', E'%s', 0)", checkpoint.size,
	       text_hex_fixed(hex, SLICE(checkpoint.root.b, 32)), text);
}

/* ---------------------------------------------------------------- the reader */

static uint64_t tree_size;

static struct err *read_published(void *arg, struct tree_hash *out, struct tree_node node)
{
	OWN(crl_map) map = { SLICE_NONE };
	char path[TREE_TILE_PATH_MAX], under_log[TREE_TILE_PATH_MAX + 8];
	unsigned first, height;
	struct tree_tile tile = tree_tile_of(node, &first, &height);
	struct tree_hash hashes[TREE_TILE_WIDTH];

	(void)arg;
	tile.width = tree_tile_width(tile.level, tile.n, tree_size);
	(void)snprintf(under_log, sizeof under_log, "log/%s", tree_tile_path(path, tile));
	TRY(crl_map_open(&map, folder, under_log));
	ENSURE(map.bytes.len == 32u * tile.width, BUG, "%s has %zu octets", under_log, map.bytes.len);
	memcpy(hashes, map.bytes.p, map.bytes.len);
	tree_tile_fold(out, hashes + first, height);
	return NULL;
}

static void assert_published(uint64_t size)
{
	OWN(crl_map) map = { SLICE_NONE };
	struct note_checkpoint checkpoint;
	struct tree_hash root, leaf;
	struct tree_proof proof;
	struct tree_reader reader = { read_published, NULL };

	ck_ok(crl_map_open(&map, folder, "log/checkpoint"));
	const uint8_t *end = memmem(map.bytes.p, map.bytes.len, "\n\n", 2);
	ck_assert_ptr_nonnull(end);
	ck_ok(note_checkpoint_parse(&checkpoint, SLICE(map.bytes.p, (size_t)(end + 1 - map.bytes.p))));
	ck_assert_uint_eq(checkpoint.size, size);
	tree_size = size;
	ck_ok(tree_root(&root, size, reader));
	ck_assert(tree_hash_equal(&root, &checkpoint.root));
	for (uint64_t i = 0; i < size; i += 1 + size / 7) {
		char text[32];
		(void)snprintf(text, sizeof text, "%" PRIu64, i);
		tree_hash_leaf(&leaf, SLICE_STR(text));
		ck_ok(tree_inclusion(&proof, i, size, reader));
		ck_ok(tree_inclusion_verify(&leaf, i, size, &checkpoint.root, &proof));
	}
}

static int entries_of(const char *sub)
{
	char path[160];
	int num = 0;

	(void)snprintf(path, sizeof path, "%s/%s", dir, sub);
	DIR *d = opendir(path);
	if (d == NULL)
		return -1;
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		num += e->d_name[0] != '.';
	(void)closedir(d);
	return num;
}

START_TEST(nothing_is_published_without_a_head)
{
	ck_ok(crl_log_files_run(files, db));
	ck_assert_int_eq(crl_log_files_size(files), 0);
	ck_assert_int_eq(entries_of("log"), 0);
}
END_TEST

START_TEST(every_head_can_be_read)
{
	static const uint64_t sizes[] = { 1, 2, 255, 256, 257, 700, 1000, 1280 };

	for (int i = 0; i < COUNT_OF(sizes); i++) {
		grow(sizes[i]);
		head();
		ck_ok(crl_log_files_run(files, db));
		ck_assert_int_eq(crl_log_files_size(files), (int64_t)sizes[i]);
		assert_published(sizes[i]);
	}
	/* 1280 = 5 whole tiles; the partial ones of tiles that are whole are gone */
	ck_assert_int_eq(entries_of("log/tile/0"), 5);
	ck_assert_int_eq(entries_of("log/tile/0/000.p"), -1);
	ck_ok(crl_log_files_run(files, db));
}
END_TEST

START_TEST(goes_on_after_a_restart)
{
	grow(300);
	head();
	ck_ok(crl_log_files_run(files, db));
	crl_log_files_destroy(&files);
	ck_ok(crl_log_files_create(&files, folder));
	ck_assert_int_eq(crl_log_files_size(files), 300);
	grow(66000);
	head();
	ck_ok(crl_log_files_run(files, db));
	assert_published(66000);
	ck_assert_int_eq(entries_of("log/tile/0/001.p"), -1);
}
END_TEST

START_TEST(a_shorter_ledger_is_reported_and_changes_nothing)
{
	grow(300);
	head();
	grow(500);
	head();
	ck_ok(crl_log_files_run(files, db));
	pg_sql("DELETE FROM log_checkpoint WHERE size = 500");
	ck_fails(crl_log_files_run(files, db), ERR_CONFLICT,
		 "a checkpoint of 500 entries is published, the ledger's last is of 300");
	assert_published(500);
}
END_TEST

START_TEST(a_missing_tile_keeps_the_old_head)
{
	grow(300);
	head();
	ck_ok(crl_log_files_run(files, db));
	grow(600);
	head();
	pg_sql("DELETE FROM log_tile WHERE level = 0 AND n = 1");
	ck_fails(crl_log_files_run(files, db), ERR_RETRY, "tiles of level 0");
	assert_published(300);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/log_files");
	TCase *c = tcase_create("log_files");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, nothing_is_published_without_a_head);
	tcase_add_test(c, every_head_can_be_read);
	tcase_add_test(c, goes_on_after_a_restart);
	tcase_add_test(c, a_shorter_ledger_is_reported_and_changes_nothing);
	tcase_add_test(c, a_missing_tile_keeps_the_old_head);
	suite_add_tcase(s, c);
	return pg_suite_main(s);
}
