/*
 * pack.h - the form of an export: a folder that proves itself with a log key alone.
 *
 *   manifest.json    what the pack says of itself: period, first and next index, size and root of the tree, hashes of the
 *                    subtrees before and after the range, proof from the previous export, SHA-256 of the other files
 *   checkpoint       the signed head of the log (C2SP)
 *   entries.jsonl    one line for each index of the range: {"index","leaf","salt","entry","at","kind","who","what","why",
 *                    "objects"}; an entry outside the filter has only {"index","leaf"}
 *   entries.csv      the same for spreadsheets, when asked for; a convenience, not evidence
 *   README.txt       how to check the main parts with openssl and sha256sum
 *
 * Completeness: the hashes before the range, the leaf of every index in it and the hashes after it make the root that
 * the head signs (RFC 6962 §2.1); nothing can be left out, moved or changed without another root.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_AUDIT_PACK_H
#define CA_AUDIT_PACK_H

#include <jansson.h>

#include "base/buf.h"
#include "tlog/leaf.h"
#include "tlog/tree.h"

enum { PACK_VERSION = 1, PACK_LINE_MAX = 512 * 1024, PACK_MANIFEST_MAX = 256 * 1024, PACK_PATH_MAX = 2048 };

OWN_POINTER(json, json_t *, json_decref)

/* One line, read or to be written. A bare one has only index and leaf. */
struct pack_line {
	uint64_t index;
	struct tree_hash leaf;
	bool is_bare;
	uint8_t salt[LOG_SALT_SIZE];
	struct slice entry; /* DER */
};

/* pack_line_json() makes the line's object, the entry decoded beside its bytes; bytes that are no LogEntry are marked
 * "unreadable". */
struct err *pack_line_json(json_t **out, const struct pack_line *line) ERR_MUST_USE;

/* pack_line_read() reads a line and checks that it contradicts itself in nothing: the bytes give the leaf, and what is
 * shown is what the bytes say. `entry` keeps the bytes. *Errors* BAD_INPUT in plain words. */
struct err *pack_line_read(struct pack_line *out, struct buf *entry, struct slice text) ERR_MUST_USE;

/* Hashes as hexadecimal texts of a JSON array, both ways. */
struct err *pack_hashes_json(json_t **out, const struct tree_hash *hashes, size_t num) ERR_MUST_USE;
struct err *pack_hashes_read(struct tree_hash *out, size_t max, size_t *out_num, const json_t *array,
			     const char *what) ERR_MUST_USE;

/* pack_csv_header() and pack_csv_line() append a line of entries.csv. Cells that a spreadsheet would take for a formula
 * get an apostrophe in front. RFC 4180 */
struct err *pack_csv_header(struct buf *out) ERR_MUST_USE;
struct err *pack_csv_line(struct buf *out, const struct pack_line *line) ERR_MUST_USE;

#endif
