/*
 * reader.c - hashes of nodes from the ledger. See reader.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/audit/reader.h"

#include "ca/audit/queries.h"

struct err *audit_reader_node(struct db *db, struct tree_hash *out, struct tree_node node)
{
	struct tree_hash hashes[TREE_TILE_WIDTH];
	unsigned first = 0, height = 0;
	bool found = false;
	struct tree_tile tile = tree_tile_of(node, &first, &height);

	TRY(audit_q_tile(db, hashes, &found, tile));
	if (found) {
		tree_tile_fold(out, &hashes[first], height);
		return NULL;
	}
	if (node.height < TREE_TILE_HEIGHT) {
		TRY(audit_q_leaves(db, hashes, node.index << node.height, (size_t)1 << node.height));
		tree_tile_fold(out, hashes, node.height);
		return NULL;
	}
	struct tree_hash left, right;
	TRY(audit_reader_node(db, &left, (struct tree_node){ node.height - 1, 2 * node.index }));
	TRY(audit_reader_node(db, &right, (struct tree_node){ node.height - 1, 2 * node.index + 1 }));
	tree_hash_node(out, &left, &right);
	return NULL;
}

static struct err *read_node(void *arg, struct tree_hash *out, struct tree_node node)
{
	return audit_reader_node(arg, out, node);
}

struct tree_reader audit_reader(struct db *db)
{
	return (struct tree_reader){ read_node, db };
}
