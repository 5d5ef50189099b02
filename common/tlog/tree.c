/*
 * tree.c - the Merkle tree of RFC 6962 §2. See tree.h.
 *
 * Proofs are made from roots of aligned ranges of leaves, each of which is a handful of complete nodes: so one
 * function (range_root) over tree_cover() carries tree_root(), tree_inclusion() and tree_consistency().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tlog/tree.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_md; /* fetched once: looking it up costs more than hashing a node */

static void sha256_fetch(void)
{
	sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256_md == NULL)
		panic("libcrypto has no SHA-256");
}

static void sha256_parts(struct tree_hash *out, const struct slice *parts, size_t num)
{
	(void)pthread_once(&sha256_once, sha256_fetch);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestInit_ex2(ctx, sha256_md, NULL) == 1;

	for (size_t i = 0; ok && i < num; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out->b, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		panic("libcrypto cannot compute SHA-256");
}

void tree_hash_leaf(struct tree_hash *out, struct slice data)
{
	static const uint8_t prefix = 0x00;
	const struct slice parts[] = { SLICE(&prefix, 1), data };

	sha256_parts(out, parts, 2);
}

void tree_hash_node(struct tree_hash *out, const struct tree_hash *left, const struct tree_hash *right)
{
	uint8_t bytes[1 + 2 * TREE_HASH_SIZE];
	const struct slice part = SLICE(bytes, sizeof bytes);

	bytes[0] = 0x01;
	memcpy(bytes + 1, left->b, TREE_HASH_SIZE);
	memcpy(bytes + 1 + TREE_HASH_SIZE, right->b, TREE_HASH_SIZE);
	sha256_parts(out, &part, 1);
}

void tree_hash_empty(struct tree_hash *out)
{
	sha256_parts(out, NULL, 0);
}

void tree_sha256(struct tree_hash *out, struct slice first, struct slice second)
{
	const struct slice parts[] = { first, second };

	sha256_parts(out, parts, 2);
}

bool tree_hash_equal(const struct tree_hash *a, const struct tree_hash *b)
{
	return memcmp(a->b, b->b, TREE_HASH_SIZE) == 0;
}

/* ---------------------------------------------------------------- compact range */

void tree_range_init(struct tree_range *self)
{
	memset(self, 0, sizeof *self);
}

static void range_push(struct tree_range *self, unsigned height, const struct tree_hash *hash)
{
	struct tree_hash acc = *hash;
	unsigned k = height;

	for (; (self->size >> k & 1) != 0; k++)
		tree_hash_node(&acc, &self->h[k], &acc);
	self->h[k] = acc;
	self->size += (uint64_t)1 << height;
}

void tree_range_append(struct tree_range *self, const struct tree_hash *leaf)
{
	range_push(self, 0, leaf);
}

struct err *tree_range_append_node(struct tree_range *self, unsigned height, const struct tree_hash *hash)
{
	ENSURE(height < TREE_HEIGHT_MAX, BAD_INPUT, "a node of height %u is past the limit", height);
	uint64_t width = (uint64_t)1 << height;
	ENSURE(self->size % width == 0, BAD_INPUT, "a node of height %u does not begin at leaf %" PRIu64, height,
	       self->size);
	ENSURE(self->size + width <= (uint64_t)1 << (TREE_HEIGHT_MAX - 1), BAD_INPUT, "the tree is too large");
	range_push(self, height, hash);
	return NULL;
}

void tree_range_root(struct tree_hash *out, const struct tree_range *self)
{
	bool is_first = true;

	if (self->size == 0) {
		tree_hash_empty(out);
		return;
	}
	for (unsigned k = 0; k < TREE_HEIGHT_MAX; k++) {
		if ((self->size >> k & 1) == 0)
			continue;
		if (is_first)
			*out = self->h[k];
		else
			tree_hash_node(out, &self->h[k], out);
		is_first = false;
	}
}

/* ---------------------------------------------------------------- nodes and proofs */

static unsigned floor_log2(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n);
}

size_t tree_cover(struct tree_node out[TREE_PROOF_MAX], uint64_t from, uint64_t to)
{
	size_t num = 0;

	while (from < to && num < TREE_PROOF_MAX) {
		unsigned fits = floor_log2(to - from);
		unsigned aligned = from == 0 ? TREE_HEIGHT_MAX : (unsigned)__builtin_ctzll(from);
		unsigned height = fits < aligned ? fits : aligned;

		out[num++] = (struct tree_node){ .height = height, .index = from >> height };
		from += (uint64_t)1 << height;
	}
	return num;
}

/* The root of the leaves [from, to), which must be a subtree of RFC 6962: from is aligned to the power of two that
 * covers the range. */
static struct err *range_root(struct tree_hash *out, uint64_t from, uint64_t to, struct tree_reader reader)
{
	struct tree_node nodes[TREE_PROOF_MAX];
	size_t num = tree_cover(nodes, from, to);
	struct tree_hash acc, left;

	TRY(reader.read(reader.arg, &acc, nodes[num - 1]));
	for (size_t i = num - 1; i-- > 0;) {
		TRY(reader.read(reader.arg, &left, nodes[i]));
		tree_hash_node(&acc, &left, &acc);
	}
	*out = acc;
	return NULL;
}

struct err *tree_root(struct tree_hash *out, uint64_t size, struct tree_reader reader)
{
	if (size == 0) {
		tree_hash_empty(out);
		return NULL;
	}
	return range_root(out, 0, size, reader);
}

/* The largest power of two below n, n > 1. */
static uint64_t split_of(uint64_t n)
{
	return (uint64_t)1 << floor_log2(n - 1);
}

static struct err *proof_push(struct tree_proof *proof, uint64_t from, uint64_t to, struct tree_reader reader)
{
	ENSURE(proof->num < TREE_PROOF_MAX, BUG, "a proof of more than %d hashes", TREE_PROOF_MAX);
	TRY(range_root(&proof->h[proof->num], from, to, reader));
	proof->num++;
	return NULL;
}

static struct err *inclusion_path(struct tree_proof *proof, uint64_t index, uint64_t from, uint64_t to,
				  struct tree_reader reader)
{
	if (to - from == 1)
		return NULL;
	uint64_t mid = from + split_of(to - from);
	if (index < mid) {
		TRY(inclusion_path(proof, index, from, mid, reader));
		return proof_push(proof, mid, to, reader);
	}
	TRY(inclusion_path(proof, index, mid, to, reader));
	return proof_push(proof, from, mid, reader);
}

struct err *tree_inclusion(struct tree_proof *out, uint64_t index, uint64_t size, struct tree_reader reader)
{
	ENSURE(index < size, BAD_INPUT, "leaf %" PRIu64 " is not in a tree of %" PRIu64 " leaves", index, size);
	struct tree_proof proof = { .num = 0 };
	TRY(inclusion_path(&proof, index, 0, size, reader));
	*out = proof;
	return NULL;
}

/* SUBPROOF(m, D[from:to], is_whole) of RFC 6962 §2.1.2; m counts from `from`. */
static struct err *consistency_path(struct tree_proof *proof, uint64_t m, uint64_t from, uint64_t to, bool is_whole,
				    struct tree_reader reader)
{
	if (m == to - from)
		return is_whole ? NULL : proof_push(proof, from, to, reader);
	uint64_t k = split_of(to - from);
	if (m <= k) {
		TRY(consistency_path(proof, m, from, from + k, is_whole, reader));
		return proof_push(proof, from + k, to, reader);
	}
	TRY(consistency_path(proof, m - k, from + k, to, false, reader));
	return proof_push(proof, from, from + k, reader);
}

struct err *tree_consistency(struct tree_proof *out, uint64_t old_size, uint64_t size, struct tree_reader reader)
{
	ENSURE(old_size <= size, BAD_INPUT, "a tree of %" PRIu64 " leaves is no beginning of one of %" PRIu64, old_size,
	       size);
	struct tree_proof proof = { .num = 0 };
	if (old_size > 0)
		TRY(consistency_path(&proof, old_size, 0, size, true, reader));
	*out = proof;
	return NULL;
}

/* ---------------------------------------------------------------- verification */

/* The walk from a node up to the root that both proofs share. Positions count from 0: fn is the node's, sn the last
 * one's of the level. RFC 9162 §2.1.3.2 */
struct walk {
	uint64_t fn, sn;
};

static void walk_up(struct walk *w)
{
	w->fn >>= 1;
	w->sn >>= 1;
}

/* Says whether the next hash stands on the left, and goes up. */
static bool walk_step(struct walk *w)
{
	bool is_left = (w->fn & 1) != 0 || w->fn == w->sn;

	if (is_left)
		while (w->fn != 0 && (w->fn & 1) == 0)
			walk_up(w);
	walk_up(w);
	return is_left;
}

struct err *tree_inclusion_verify(const struct tree_hash *leaf, uint64_t index, uint64_t size,
				  const struct tree_hash *root, const struct tree_proof *proof)
{
	ENSURE(index < size, BAD_INPUT, "leaf %" PRIu64 " is not in a tree of %" PRIu64 " leaves", index, size);
	ENSURE(proof->num <= TREE_PROOF_MAX, BAD_INPUT, "a proof of %zu hashes", proof->num);
	struct walk w = { .fn = index, .sn = size - 1 };
	struct tree_hash acc = *leaf;

	for (size_t i = 0; i < proof->num; i++) {
		ENSURE(w.sn != 0, BAD_INPUT, "RFC 6962 §2.1.1: the inclusion proof has too many hashes");
		if (walk_step(&w))
			tree_hash_node(&acc, &proof->h[i], &acc);
		else
			tree_hash_node(&acc, &acc, &proof->h[i]);
	}
	ENSURE(w.sn == 0, BAD_INPUT, "RFC 6962 §2.1.1: the inclusion proof has too few hashes");
	ENSURE(tree_hash_equal(&acc, root), BAD_INPUT,
	       "RFC 6962 §2.1.1: leaf %" PRIu64 " is not under the root of %" PRIu64 " leaves", index, size);
	return NULL;
}

/* The part of tree_consistency_verify() for 0 < old_size < size. */
static struct err *consistency_walk(struct tree_hash *out_old, struct tree_hash *out_new, struct walk w,
				    const struct tree_hash *path, size_t num)
{
	ENSURE(num > 0, BAD_INPUT, "RFC 6962 §2.1.2: the consistency proof is empty");
	while ((w.fn & 1) != 0)
		walk_up(&w);
	*out_old = path[0];
	*out_new = path[0];
	for (size_t i = 1; i < num; i++) {
		ENSURE(w.sn != 0, BAD_INPUT, "RFC 6962 §2.1.2: the consistency proof has too many hashes");
		if (walk_step(&w)) {
			tree_hash_node(out_old, &path[i], out_old);
			tree_hash_node(out_new, &path[i], out_new);
		} else {
			tree_hash_node(out_new, out_new, &path[i]);
		}
	}
	ENSURE(w.sn == 0, BAD_INPUT, "RFC 6962 §2.1.2: the consistency proof has too few hashes");
	return NULL;
}

struct err *tree_consistency_verify(uint64_t old_size, const struct tree_hash *old_root, uint64_t size,
				    const struct tree_hash *root, const struct tree_proof *proof)
{
	struct tree_hash path[TREE_PROOF_MAX + 1], from_old, from_new;
	size_t num = 0;

	ENSURE(old_size <= size, BAD_INPUT, "a tree of %" PRIu64 " leaves is no beginning of one of %" PRIu64, old_size,
	       size);
	ENSURE(proof->num <= TREE_PROOF_MAX, BAD_INPUT, "a proof of %zu hashes", proof->num);
	if (old_size == 0 || old_size == size) {
		ENSURE(proof->num == 0, BAD_INPUT, "RFC 6962 §2.1.2: the consistency proof has too many hashes");
		ENSURE(old_size == 0 || tree_hash_equal(old_root, root), BAD_INPUT,
		       "RFC 6962 §2.1.2: two roots of %" PRIu64 " leaves differ", size);
		return NULL;
	}
	if ((old_size & (old_size - 1)) == 0)
		path[num++] = *old_root;
	memcpy(path + num, proof->h, proof->num * sizeof *path);
	num += proof->num;
	TRY(consistency_walk(&from_old, &from_new, (struct walk){ .fn = old_size - 1, .sn = size - 1 }, path, num));
	ENSURE(tree_hash_equal(&from_old, old_root) && tree_hash_equal(&from_new, root), BAD_INPUT,
	       "RFC 6962 §2.1.2: the tree of %" PRIu64 " leaves is not the beginning of that of %" PRIu64, old_size,
	       size);
	return NULL;
}

/* ---------------------------------------------------------------- tiles */

unsigned tree_tile_width(unsigned level, uint64_t n, uint64_t size)
{
	if (level >= TREE_TILE_LEVELS || n > UINT64_MAX / TREE_TILE_WIDTH)
		return 0;
	uint64_t num = size >> (TREE_TILE_HEIGHT * level);
	uint64_t first = n * TREE_TILE_WIDTH;
	if (num <= first)
		return 0;
	return num - first < TREE_TILE_WIDTH ? (unsigned)(num - first) : TREE_TILE_WIDTH;
}

const char *tree_tile_path(char out[TREE_TILE_PATH_MAX], struct tree_tile tile)
{
	char groups[7][5];
	size_t num = 0;
	uint64_t n = tile.n;

	do {
		(void)snprintf(groups[num], sizeof groups[num], "%s%03u", num == 0 ? "" : "x", (unsigned)(n % 1000));
		num++;
		n /= 1000;
	} while (n != 0);
	int used = snprintf(out, TREE_TILE_PATH_MAX, "tile/%u", tile.level);
	while (num-- > 0)
		used += snprintf(out + used, (size_t)(TREE_TILE_PATH_MAX - used), "/%s", groups[num]);
	if (tile.width < TREE_TILE_WIDTH)
		(void)snprintf(out + used, (size_t)(TREE_TILE_PATH_MAX - used), ".p/%u", tile.width);
	return out;
}

/* Reads up to `digits` decimal digits at *at; false where there is none. */
static bool scan_number(const char *text, size_t *at, size_t digits, uint64_t *out)
{
	size_t begin = *at;

	*out = 0;
	while (*at - begin < digits && text[*at] >= '0' && text[*at] <= '9')
		*out = *out * 10 + (uint64_t)(text[(*at)++] - '0');
	return *at > begin;
}

static bool scan_groups(const char *text, size_t *at, uint64_t *out_n)
{
	uint64_t n = 0, group;

	for (size_t num = 0; num < 7; num++) {
		bool is_last = text[*at] != 'x';
		size_t begin = *at + (is_last ? 0 : 1);

		*at = begin;
		if (!scan_number(text, at, 3, &group) || *at - begin != 3 || n > (UINT64_MAX >> 1) / 1000 - 1)
			return false;
		n = n * 1000 + group;
		if (is_last) {
			*out_n = n;
			return true;
		}
		if (text[(*at)++] != '/')
			return false;
	}
	return false;
}

struct err *tree_tile_parse(struct tree_tile *out, struct slice path)
{
	char text[TREE_TILE_PATH_MAX], again[TREE_TILE_PATH_MAX];
	uint64_t level = 0, width = TREE_TILE_WIDTH, n = 0;
	size_t at = 5;

	ENSURE(path.len > 5 && path.len < sizeof text && memcmp(path.p, "tile/", 5) == 0 &&
		       memchr(path.p, '\0', path.len) == NULL,
	       BAD_INPUT, "not the path of a tile");
	memcpy(text, path.p, path.len);
	text[path.len] = '\0';
	bool ok = scan_number(text, &at, 2, &level) && text[at++] == '/' && scan_groups(text, &at, &n);
	if (ok && strncmp(text + at, ".p/", 3) == 0) {
		at += 3;
		ok = scan_number(text, &at, 3, &width) && width > 0 && width < TREE_TILE_WIDTH;
	}
	ENSURE(ok && at == path.len && level < TREE_TILE_LEVELS, BAD_INPUT, "not the path of a tile");
	struct tree_tile tile = { .level = (unsigned)level, .n = n, .width = (unsigned)width };
	/* One spelling for each tile: no leading zeros, no empty groups. */
	ENSURE(strcmp(tree_tile_path(again, tile), text) == 0, BAD_INPUT, "not the path of a tile");
	*out = tile;
	return NULL;
}

struct tree_tile tree_tile_of(struct tree_node node, unsigned *out_first, unsigned *out_height)
{
	unsigned level = node.height / TREE_TILE_HEIGHT;
	unsigned height = node.height % TREE_TILE_HEIGHT;
	uint64_t at = node.index << height;

	*out_first = (unsigned)(at % TREE_TILE_WIDTH);
	*out_height = height;
	return (struct tree_tile){ .level = level, .n = at / TREE_TILE_WIDTH, .width = TREE_TILE_WIDTH };
}

void tree_tile_fold(struct tree_hash *out, const struct tree_hash *first, unsigned height)
{
	struct tree_range range;

	tree_range_init(&range);
	for (size_t i = 0; i < (size_t)1 << height; i++)
		tree_range_append(&range, &first[i]);
	tree_range_root(out, &range);
}

/* ---------------------------------------------------------------- edge */

void tree_edge_init(struct tree_edge *self)
{
	memset(self, 0, sizeof *self);
}

struct err *tree_edge_append(struct tree_edge *self, const struct tree_hash *leaf, struct tree_tile_sink sink)
{
	struct tree_hash hash = *leaf;

	for (unsigned level = 0; level < TREE_TILE_LEVELS; level++) {
		unsigned *num = &self->level[level].num;
		struct tree_hash *hashes = self->level[level].h;

		hashes[(*num)++] = hash;
		if (*num < TREE_TILE_WIDTH)
			break;
		struct tree_tile tile = { .level = level,
					  .n = self->size >> (TREE_TILE_HEIGHT * (level + 1)),
					  .width = TREE_TILE_WIDTH };
		TRY(sink.put(sink.arg, tile, hashes));
		tree_tile_fold(&hash, hashes, TREE_TILE_HEIGHT);
		*num = 0;
	}
	self->size++;
	return NULL;
}

void tree_edge_range(struct tree_range *out, const struct tree_edge *self)
{
	tree_range_init(out);
	for (unsigned level = TREE_TILE_LEVELS; level-- > 0;)
		for (unsigned i = 0; i < self->level[level].num; i++)
			range_push(out, TREE_TILE_HEIGHT * level, &self->level[level].h[i]);
}
