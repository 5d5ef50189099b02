/*
 * tree.h - the Merkle tree of RFC 6962 §2: hashes, the growing edge, tiles, proofs and their verification.
 *
 * A node (height, index) is the root of the perfect subtree over leaves [index << height, (index + 1) << height).
 * Tiles are those of C2SP tlog-tiles: 256 hashes of nodes of height 8 * level, path tile/LEVEL/x001/234, partial
 * .p/WIDTH. Everything here is pure: hashes come in through arguments or a reader callback, nothing is stored or
 * fetched. Verification never trusts a length that came with a proof. Sizes and indexes are below 2^63.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_TLOG_TREE_H
#define COMMON_TLOG_TREE_H

#include "base/buf.h"

enum {
	TREE_HASH_SIZE = 32,
	TREE_HEIGHT_MAX = 63,
	TREE_PROOF_MAX = 128, /* hashes; inclusion needs at most 63, consistency 64, a cover 126 */
	TREE_TILE_WIDTH = 256,
	TREE_TILE_HEIGHT = 8,
	TREE_TILE_LEVELS = 8,
	TREE_TILE_PATH_MAX = 80
};

struct tree_hash {
	uint8_t b[TREE_HASH_SIZE];
};

/* tree_hash_leaf() is SHA-256(0x00 || data), tree_hash_node() SHA-256(0x01 || left || right), tree_hash_empty() the
 * root of no leaves, SHA-256(). tree_sha256() is the plain digest of two parts in a row. */
void tree_hash_leaf(struct tree_hash *out, struct slice data);
void tree_hash_node(struct tree_hash *out, const struct tree_hash *left, const struct tree_hash *right);
void tree_hash_empty(struct tree_hash *out);
void tree_sha256(struct tree_hash *out, struct slice first, struct slice second);
bool tree_hash_equal(const struct tree_hash *a, const struct tree_hash *b);

/* ---- The compact range: the edge of a growing tree in at most 63 hashes. */
struct tree_range {
	uint64_t size;
	struct tree_hash h[TREE_HEIGHT_MAX]; /* h[k] is used where bit k of size is set */
};

void tree_range_init(struct tree_range *self);
/* tree_range_append() adds one leaf hash. */
void tree_range_append(struct tree_range *self, const struct tree_hash *leaf);
/* tree_range_append_node() adds a whole perfect subtree. *Errors* BAD_INPUT where size is no multiple of 1 <<
 * height. */
struct err *tree_range_append_node(struct tree_range *self, unsigned height, const struct tree_hash *hash) ERR_MUST_USE;
void tree_range_root(struct tree_hash *out, const struct tree_range *self);

/* ---- Nodes */
struct tree_node {
	unsigned height;
	uint64_t index;
};

/* tree_cover() lists the fewest perfect subtrees that cover the leaves [from, to), left to right. Returns their
 * number. */
size_t tree_cover(struct tree_node out[TREE_PROOF_MAX], uint64_t from, uint64_t to);

/* A reader gives the hash of a complete node. */
struct tree_reader {
	struct err *(*read)(void *arg, struct tree_hash *out, struct tree_node node);
	void *arg;
};

/* tree_root() computes the root of the first `size` leaves. */
struct err *tree_root(struct tree_hash *out, uint64_t size, struct tree_reader reader) ERR_MUST_USE;

/* ---- Proofs. RFC 6962 §2.1.1, §2.1.2 */
struct tree_proof {
	size_t num;
	struct tree_hash h[TREE_PROOF_MAX];
};

/* tree_inclusion() and tree_consistency() make proofs. *Errors* BAD_INPUT (index or old size past the size), those
 * of the reader. */
struct err *tree_inclusion(struct tree_proof *out, uint64_t index, uint64_t size,
			   struct tree_reader reader) ERR_MUST_USE;
struct err *tree_consistency(struct tree_proof *out, uint64_t old_size, uint64_t size,
			     struct tree_reader reader) ERR_MUST_USE;

/* tree_inclusion_verify() shows that `leaf` stands at `index` under `root`; tree_consistency_verify() that the tree
 * of old_root is the beginning of the tree of root (old size 0: always, with an empty proof). *Errors* BAD_INPUT
 * with what does not fit. */
struct err *tree_inclusion_verify(const struct tree_hash *leaf, uint64_t index, uint64_t size,
				  const struct tree_hash *root, const struct tree_proof *proof) ERR_MUST_USE;
struct err *tree_consistency_verify(uint64_t old_size, const struct tree_hash *old_root, uint64_t size,
				    const struct tree_hash *root, const struct tree_proof *proof) ERR_MUST_USE;

/* ---- Tiles. C2SP tlog-tiles */
struct tree_tile {
	unsigned level;
	uint64_t n;
	unsigned width; /* 1 to 256; below 256 a partial tile */
};

/* tree_tile_width() is the number of hashes that tile (level, n) has in a tree of that size: 0 (none yet) to 256. */
unsigned tree_tile_width(unsigned level, uint64_t n, uint64_t size);
/* tree_tile_path() writes "tile/0/x001/234" or "tile/0/x001/234.p/17" with NUL. Returns out. */
const char *tree_tile_path(char out[TREE_TILE_PATH_MAX], struct tree_tile tile);
/* tree_tile_parse() reads such a path, strictly. *Errors* BAD_INPUT. */
struct err *tree_tile_parse(struct tree_tile *out, struct slice path) ERR_MUST_USE;
/* tree_tile_of() gives the tile that holds (or computes) the node, with full width, and the first of its 1 <<
 * *out_height hashes that make the node. */
struct tree_tile tree_tile_of(struct tree_node node, unsigned *out_first, unsigned *out_height);
/* tree_tile_fold() computes the root of `1 << height` hashes in a row. */
void tree_tile_fold(struct tree_hash *out, const struct tree_hash *first, unsigned height);

/* The right edge of all tile levels: what a log keeps in memory to append to its tiles. 64 KiB. */
struct tree_edge {
	uint64_t size;
	struct {
		unsigned num;
		struct tree_hash h[TREE_TILE_WIDTH];
	} level[TREE_TILE_LEVELS];
};

/* Called with each tile when it becomes complete, lower levels first. */
struct tree_tile_sink {
	struct err *(*put)(void *arg, struct tree_tile tile, const struct tree_hash hashes[TREE_TILE_WIDTH]);
	void *arg;
};

void tree_edge_init(struct tree_edge *self);
/* tree_edge_append() adds a leaf hash and hands complete tiles to the sink. *Errors* those of the sink. */
struct err *tree_edge_append(struct tree_edge *self, const struct tree_hash *leaf,
			     struct tree_tile_sink sink) ERR_MUST_USE;
/* tree_edge_range() gives the compact range of the edge. */
void tree_edge_range(struct tree_range *out, const struct tree_edge *self);

#endif
