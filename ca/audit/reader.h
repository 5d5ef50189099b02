/*
 * reader.h - hashes of nodes of the log's tree, from the ledger's tiles and, where a tile is not complete, its leaves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_AUDIT_READER_H
#define CA_AUDIT_READER_H

#include "db/db.h"
#include "tlog/tree.h"

/* audit_reader_node() gives the hash of a complete node. *Errors* BAD_INPUT when leaves are missing. */
struct err *audit_reader_node(struct db *db, struct tree_hash *out, struct tree_node node) ERR_MUST_USE;

/* audit_reader() is the same as a callback of tree.h. */
struct tree_reader audit_reader(struct db *db);

#endif
