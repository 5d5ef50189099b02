/*
 * tree_test.c - the tree of RFC 6962 against known roots, a naive second implementation, and every small size.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/suite.h"
#include "tlog/tree.h"

enum { LEAVES_MAX = 70000 };

static struct tree_hash leaves[LEAVES_MAX];

static void leaves_fill(void)
{
	for (int i = 0; i < LEAVES_MAX; i++) {
		char text[32];
		(void)snprintf(text, sizeof text, "leaf %d", i);
		tree_hash_leaf(&leaves[i], SLICE_STR(text));
	}
}

/* MTH(D[from:to]) written down as RFC 6962 §2.1 says it. */
static struct tree_hash naive_root(const struct tree_hash *h, uint64_t n)
{
	struct tree_hash out, left, right;
	uint64_t k = 1;

	if (n == 0) {
		tree_hash_empty(&out);
		return out;
	}
	if (n == 1)
		return h[0];
	while (k * 2 < n)
		k *= 2;
	left = naive_root(h, k);
	right = naive_root(h + k, n - k);
	tree_hash_node(&out, &left, &right);
	return out;
}

static struct err *read_naive(void *arg, struct tree_hash *out, struct tree_node node)
{
	const uint64_t *size = arg;

	ENSURE((node.index + 1) << node.height <= *size, BUG, "a node past the tree was asked for");
	*out = naive_root(leaves + (node.index << node.height), (uint64_t)1 << node.height);
	return NULL;
}

static void assert_hex(const struct tree_hash *hash, const char *hex)
{
	char text[2 * TREE_HASH_SIZE + 1];

	ck_assert_str_eq(text_hex_fixed(text, SLICE(hash->b, TREE_HASH_SIZE)), hex);
}

/* The roots of certificate-transparency-go's and RFC 9162's reference tests. */
START_TEST(known_roots)
{
	static const char *const data[] = {
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
	};
	static const char *const roots[] = {
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	struct tree_range range;
	struct tree_hash leaf, root;

	tree_range_init(&range);
	tree_range_root(&root, &range);
	assert_hex(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (int i = 0; i < COUNT_OF(data); i++) {
		OWN(buf) bytes = BUF_INIT(64);
		ck_ok(text_unhex(&bytes, SLICE_STR(data[i])));
		tree_hash_leaf(&leaf, buf_slice(&bytes));
		tree_range_append(&range, &leaf);
		tree_range_root(&root, &range);
		assert_hex(&root, roots[i]);
	}
}
END_TEST

START_TEST(range_root_and_reader_agree_with_the_definition)
{
	struct tree_range range;

	tree_range_init(&range);
	for (uint64_t n = 0; n < 300; n++) {
		struct tree_hash want = naive_root(leaves, n), got;
		tree_range_root(&got, &range);
		ck_assert(tree_hash_equal(&got, &want));
		ck_ok(tree_root(&got, n, (struct tree_reader){ read_naive, &n }));
		ck_assert(tree_hash_equal(&got, &want));
		tree_range_append(&range, &leaves[n]);
	}
}
END_TEST

START_TEST(cover_is_exact_and_rebuilds_the_root)
{
	for (uint64_t size = 1; size < 40; size++) {
		for (uint64_t from = 0; from <= size; from++) {
			struct tree_node nodes[TREE_PROOF_MAX];
			struct tree_range range;
			struct tree_hash hash, root, want = naive_root(leaves, size);
			size_t num = tree_cover(nodes, 0, from);
			tree_range_init(&range);
			for (size_t i = 0; i < num; i++) {
				ck_ok(read_naive(&size, &hash, nodes[i]));
				ck_ok(tree_range_append_node(&range, nodes[i].height, &hash));
			}
			ck_assert_uint_eq(range.size, from);
			num = tree_cover(nodes, from, size);
			for (size_t i = 0; i < num; i++) {
				ck_ok(read_naive(&size, &hash, nodes[i]));
				ck_ok(tree_range_append_node(&range, nodes[i].height, &hash));
			}
			tree_range_root(&root, &range);
			ck_assert_uint_eq(range.size, size);
			ck_assert(tree_hash_equal(&root, &want));
		}
	}
	struct tree_node nodes[TREE_PROOF_MAX];
	ck_assert_uint_le(tree_cover(nodes, 1, UINT64_C(1) << 62), 126);
	ck_assert_uint_eq(tree_cover(nodes, 5, 5), 0);
}
END_TEST

START_TEST(range_refuses_a_node_that_does_not_fit)
{
	struct tree_range range;

	tree_range_init(&range);
	tree_range_append(&range, &leaves[0]);
	ck_fails(tree_range_append_node(&range, 1, &leaves[1]), ERR_BAD_INPUT, "does not begin at leaf 1");
	ck_fails(tree_range_append_node(&range, 63, &leaves[1]), ERR_BAD_INPUT, "height 63");
	ck_assert_uint_eq(range.size, 1);
}
END_TEST

START_TEST(inclusion_of_every_leaf)
{
	for (uint64_t size = 1; size < 70; size++) {
		struct tree_hash root = naive_root(leaves, size);
		struct tree_reader reader = { read_naive, &size };
		for (uint64_t i = 0; i < size; i++) {
			struct tree_proof proof, bad;
			ck_ok(tree_inclusion(&proof, i, size, reader));
			ck_ok(tree_inclusion_verify(&leaves[i], i, size, &root, &proof));
			if (size > 1)
				ck_fails(tree_inclusion_verify(&leaves[i], (i + 1) % size, size, &root, &proof),
					 ERR_BAD_INPUT, "RFC 6962 §2.1.1");
			ck_fails(tree_inclusion_verify(&leaves[i + 1], i, size, &root, &proof), ERR_BAD_INPUT,
				 "is not under the root");
			for (size_t k = 0; k < proof.num; k++) {
				bad = proof;
				bad.h[k].b[k % 32] ^= 1;
				ck_fails(tree_inclusion_verify(&leaves[i], i, size, &root, &bad), ERR_BAD_INPUT,
					 "is not under the root");
			}
			bad = proof;
			bad.h[bad.num++] = leaves[0];
			ck_fails(tree_inclusion_verify(&leaves[i], i, size, &root, &bad), ERR_BAD_INPUT, "too many");
			bad.num = proof.num - 1;
			if (proof.num > 0)
				ck_fails(tree_inclusion_verify(&leaves[i], i, size, &root, &bad), ERR_BAD_INPUT,
					 "too few");
		}
	}
}
END_TEST

START_TEST(consistency_of_every_pair)
{
	for (uint64_t size = 0; size < 60; size++) {
		struct tree_hash root = naive_root(leaves, size);
		struct tree_reader reader = { read_naive, &size };
		for (uint64_t old = 0; old <= size; old++) {
			struct tree_hash old_root = naive_root(leaves, old), other = old_root;
			struct tree_proof proof, bad;
			ck_ok(tree_consistency(&proof, old, size, reader));
			ck_ok(tree_consistency_verify(old, &old_root, size, &root, &proof));
			other.b[0] ^= 1;
			if (old > 0) {
				ck_fails(tree_consistency_verify(old, &other, size, &root, &proof), ERR_BAD_INPUT,
					 "RFC 6962 §2.1.2");
				ck_fails(tree_consistency_verify(old, &old_root, size, &other, &proof), ERR_BAD_INPUT,
					 "RFC 6962 §2.1.2");
			}
			for (size_t k = 0; k < proof.num; k++) {
				bad = proof;
				bad.h[k].b[31] ^= 0x80;
				ck_fails(tree_consistency_verify(old, &old_root, size, &root, &bad), ERR_BAD_INPUT,
					 "is not the beginning");
			}
			bad = proof;
			bad.h[bad.num++] = leaves[0];
			ck_fails(tree_consistency_verify(old, &old_root, size, &root, &bad), ERR_BAD_INPUT, "too many");
			bad.num = proof.num - 1;
			if (proof.num > 0)
				ck_fails(tree_consistency_verify(old, &old_root, size, &root, &bad), ERR_BAD_INPUT,
					 "RFC 6962 §2.1.2");
		}
	}
}
END_TEST

START_TEST(proofs_refuse_what_is_outside)
{
	uint64_t size = 5;
	struct tree_reader reader = { read_naive, &size };
	struct tree_proof proof = { .num = 0 };

	ck_fails(tree_inclusion(&proof, 5, 5, reader), ERR_BAD_INPUT, "leaf 5 is not in a tree of 5");
	ck_fails(tree_consistency(&proof, 6, 5, reader), ERR_BAD_INPUT, "no beginning");
	ck_fails(tree_inclusion_verify(&leaves[0], 0, 0, &leaves[0], &proof), ERR_BAD_INPUT, "not in a tree of 0");
	ck_fails(tree_consistency_verify(6, &leaves[0], 5, &leaves[0], &proof), ERR_BAD_INPUT, "no beginning");
	proof.num = TREE_PROOF_MAX + 1;
	ck_fails(tree_inclusion_verify(&leaves[0], 0, 1, &leaves[0], &proof), ERR_BAD_INPUT, "a proof of 129");
}
END_TEST

START_TEST(tile_paths)
{
	static const struct {
		struct tree_tile tile;
		const char *path;
	} cases[] = {
		{ { 0, 0, 256 }, "tile/0/000" },
		{ { 1, 5, 17 }, "tile/1/005.p/17" },
		{ { 0, 1234, 256 }, "tile/0/x001/234" },
		{ { 7, 1234067, 1 }, "tile/7/x001/x234/067.p/1" },
		{ { 0, UINT64_C(36028797018963967), 255 }, "tile/0/x036/x028/x797/x018/x963/967.p/255" },
	};
	static const char *const bad[] = { "",
					   "tile/",
					   "tile/0",
					   "tile/0/",
					   "tile/0/0",
					   "tile/00/000",
					   "tile/0/0000",
					   "tile/0/x000/001",
					   "tile/0/001/002",
					   "tile/0/x001",
					   "tile/0/x001/",
					   "tile/0/000.p/0",
					   "tile/0/000.p/256",
					   "tile/0/000.p/017",
					   "tile/0/000.p/",
					   "tile/8/000",
					   "tile/-1/000",
					   "tile/0/000/",
					   "tile/8/0/000",
					   "tile/0/+01",
					   "tile/0/x999/x999/x999/x999/x999/x999/x999/999" };
	char path[TREE_TILE_PATH_MAX];
	struct tree_tile tile;

	for (int i = 0; i < COUNT_OF(cases); i++) {
		ck_assert_str_eq(tree_tile_path(path, cases[i].tile), cases[i].path);
		ck_ok(tree_tile_parse(&tile, SLICE_STR(path)));
		ck_assert_uint_eq(tile.level, cases[i].tile.level);
		ck_assert_uint_eq(tile.n, cases[i].tile.n);
		ck_assert_uint_eq(tile.width, cases[i].tile.width);
	}
	for (int i = 0; i < COUNT_OF(bad); i++)
		ck_fails(tree_tile_parse(&tile, SLICE_STR(bad[i])), ERR_BAD_INPUT, "not the path of a tile");
	ck_fails(tree_tile_parse(&tile, SLICE("tile/0/000\0", 11)), ERR_BAD_INPUT, "not the path of a tile");
}
END_TEST

START_TEST(tile_widths)
{
	ck_assert_uint_eq(tree_tile_width(0, 0, 0), 0);
	ck_assert_uint_eq(tree_tile_width(0, 0, 1), 1);
	ck_assert_uint_eq(tree_tile_width(0, 0, 256), 256);
	ck_assert_uint_eq(tree_tile_width(0, 1, 256), 0);
	ck_assert_uint_eq(tree_tile_width(0, 1, 300), 44);
	ck_assert_uint_eq(tree_tile_width(1, 0, 255), 0);
	ck_assert_uint_eq(tree_tile_width(1, 0, 70000), 256);
	ck_assert_uint_eq(tree_tile_width(1, 1, 70000), 17);
	ck_assert_uint_eq(tree_tile_width(2, 0, 70000), 1);
	ck_assert_uint_eq(tree_tile_width(8, 0, UINT64_MAX), 0);
	ck_assert_uint_eq(tree_tile_width(0, UINT64_MAX, UINT64_MAX), 0);
}
END_TEST

/* Tiles as they come out of the edge. */
static struct tree_hash tiles[3][LEAVES_MAX / 256 + 1][TREE_TILE_WIDTH];
static uint64_t num_tiles[3];

static struct err *keep_tile(void *arg, struct tree_tile tile, const struct tree_hash hashes[TREE_TILE_WIDTH])
{
	(void)arg;
	ENSURE(tile.level < 3 && tile.n == num_tiles[tile.level] && tile.width == 256, BUG, "tile %u %" PRIu64,
	       tile.level, tile.n);
	memcpy(tiles[tile.level][tile.n], hashes, sizeof tiles[0][0]);
	num_tiles[tile.level]++;
	return NULL;
}

/* Reads nodes from complete tiles, or from the edge. */
static struct err *read_tile(void *arg, struct tree_hash *out, struct tree_node node)
{
	const struct tree_edge *edge = arg;
	unsigned first, height;
	struct tree_tile tile = tree_tile_of(node, &first, &height);

	if (tile.n < num_tiles[tile.level]) {
		tree_tile_fold(out, tiles[tile.level][tile.n] + first, height);
		return NULL;
	}
	ENSURE(first + (1u << height) <= edge->level[tile.level].num, BUG, "node past the edge");
	tree_tile_fold(out, edge->level[tile.level].h + first, height);
	return NULL;
}

START_TEST(edge_makes_tiles_that_prove)
{
	struct tree_edge *edge = calloc(1, sizeof *edge);
	struct tree_range range, from_edge;
	struct tree_hash root, other;
	struct tree_proof proof;
	static const uint64_t olds[] = { 1, 255, 256, 257, 511, 65535, 65536, 65537, 69999 };

	ck_assert_ptr_nonnull(edge);
	memset(num_tiles, 0, sizeof num_tiles);
	tree_edge_init(edge);
	tree_range_init(&range);
	for (uint64_t i = 0; i < LEAVES_MAX; i++) {
		ck_ok(tree_edge_append(edge, &leaves[i], (struct tree_tile_sink){ keep_tile, NULL }));
		tree_range_append(&range, &leaves[i]);
	}
	ck_assert_uint_eq(edge->size, LEAVES_MAX);
	ck_assert_uint_eq(num_tiles[0], LEAVES_MAX / 256);
	ck_assert_uint_eq(num_tiles[1], 1);
	tree_edge_range(&from_edge, edge);
	ck_assert_uint_eq(from_edge.size, LEAVES_MAX);
	tree_range_root(&root, &range);
	tree_range_root(&other, &from_edge);
	ck_assert(tree_hash_equal(&root, &other));

	struct tree_reader reader = { read_tile, edge };
	ck_ok(tree_root(&other, LEAVES_MAX, reader));
	ck_assert(tree_hash_equal(&root, &other));
	for (int i = 0; i < COUNT_OF(olds); i++) {
		ck_ok(tree_inclusion(&proof, olds[i], LEAVES_MAX, reader));
		ck_ok(tree_inclusion_verify(&leaves[olds[i]], olds[i], LEAVES_MAX, &root, &proof));
		struct tree_hash old_root;
		ck_ok(tree_root(&old_root, olds[i], reader));
		ck_ok(tree_consistency(&proof, olds[i], LEAVES_MAX, reader));
		ck_ok(tree_consistency_verify(olds[i], &old_root, LEAVES_MAX, &root, &proof));
	}
	free(edge);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/tlog/tree");
	TCase *c = tcase_create("tree");

	leaves_fill();
	tcase_set_timeout(c, 60);
	tcase_add_test(c, known_roots);
	tcase_add_test(c, range_root_and_reader_agree_with_the_definition);
	tcase_add_test(c, cover_is_exact_and_rebuilds_the_root);
	tcase_add_test(c, range_refuses_a_node_that_does_not_fit);
	tcase_add_test(c, inclusion_of_every_leaf);
	tcase_add_test(c, consistency_of_every_pair);
	tcase_add_test(c, proofs_refuse_what_is_outside);
	tcase_add_test(c, tile_paths);
	tcase_add_test(c, tile_widths);
	tcase_add_test(c, edge_makes_tiles_that_prove);
	suite_add_tcase(s, c);
	return suite_main(s);
}
