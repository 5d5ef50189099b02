/*
 * leaf.h - entries of the log in their one canonical form, and the hashes of their leaves.
 *
 *   LogEntry ::= SEQUENCE { version INTEGER (1), kind UTF8String, atMs INTEGER,
 *      who SEQUENCE { role UTF8String, person UTF8String, keyHash OCTET STRING (0 or 32 octets) },
 *      what SEQUENCE OF SEQUENCE { name UTF8String, value UTF8String }, why UTF8String,
 *      objects SEQUENCE OF SEQUENCE { name UTF8String, sha256 OCTET STRING (32) } }
 *
 * The bytes are what is hashed, for ever: version 1 is never encoded differently. The leaf of the Merkle tree is
 * SHA-256(salt || entry), so a published tile tells nothing of the persons in an entry.
 * Every role writes the row of log_pending (kind, at_ms, entry, salt) in the transaction of the change it tells of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_TLOG_LEAF_H
#define COMMON_TLOG_LEAF_H

#include "base/buf.h"
#include "tlog/tree.h"

enum {
	LOG_ENTRY_VERSION = 1,
	LOG_ENTRY_MAX = 64 * 1024, /* octets of one LogEntry */
	LOG_SALT_SIZE = 16,
	LOG_FIELDS_MAX = 24,
	LOG_OBJECTS_MAX = 24,
	LOG_NAME_MAX = 64, /* octets of kind, role, person and of the names of fields and objects */
	LOG_VALUE_MAX = 4096 /* octets of a value or of why */
};

enum log_kind {
#define LOG_KIND(name, word) LOG_KIND_##name,
#include "tlog/log_kinds.def"
#undef LOG_KIND
	LOG_KIND_COUNT
};

/* log_kind_word() gives the text of a kind ("certificate.issued"), as it stands in the column kind. */
const char *log_kind_word(enum log_kind kind);

/* One entry. Texts are borrowed: they must live until log_entry_encode(). Fill it with the functions below:
 *
 *	struct log_entry entry;
 *	log_entry_init(&entry, LOG_KIND_APPLICATION_STATE, clock_now_ms());
 *	log_entry_who(&entry, "operator", person, SLICE(key_sha256, 32));
 *	log_entry_what(&entry, "application", number);
 *	log_entry_what(&entry, "from", "in_review");
 *	log_entry_what(&entry, "to", "approved");
 *	log_entry_why(&entry, reason_text);
 *	log_entry_object(&entry, "decision", SLICE(decision_sha256, 32));
 *	TRY(log_entry_encode(&der, &entry));
 *	TRY(log_salt(salt));
 */
struct log_entry {
	const char *kind;
	int64_t at_ms;
	const char
		*role; /* operator, senior, ..., holder, applicant, or the daemon's name (rad, cad, crld, nucaudit) */
	const char *person; /* IIN, or "" where a daemon acts of itself */
	struct slice key_hash; /* SHA-256 of the actor's SPKI, or empty */
	struct {
		const char *name, *value;
	} what[LOG_FIELDS_MAX];
	size_t num_what;
	const char *why;
	struct {
		const char *name;
		struct slice sha256;
	} objects[LOG_OBJECTS_MAX];
	size_t num_objects;
	bool is_overfull; /* more fields or objects were given than fit; log_entry_encode() refuses it */
};

void log_entry_init(struct log_entry *self, enum log_kind kind, int64_t at_ms);
void log_entry_who(struct log_entry *self, const char *role, const char *person, struct slice key_hash);
/* log_entry_what() adds an identifier. Names are lower-case words; the same name may come again (a list). */
void log_entry_what(struct log_entry *self, const char *name, const char *value);
void log_entry_why(struct log_entry *self, const char *text);
/* log_entry_object() adds the SHA-256 of a thing kept elsewhere (certificate, decision, order, CRL, agreement). */
void log_entry_object(struct log_entry *self, const char *name, struct slice sha256);

/* log_entry_encode() appends the canonical DER. *Errors* BAD_INPUT (a text is not UTF-8, holds a NUL or is too long:
 * the field is named; cut what a stranger sent with log_text_fit() first), TOO_LARGE, BUG (overfull, digest of
 * another length). */
struct err *log_entry_encode(struct buf *out, const struct log_entry *entry) ERR_MUST_USE;

/* log_entry_decode() reads an entry strictly; the texts of `out` live in `arena`, which is emptied first and must
 * not change while they are used; slices point into `der`. *Errors* BAD_INPUT naming the field, also for a version
 * not known here. */
struct err *log_entry_decode(struct log_entry *out, struct buf *arena, struct slice der) ERR_MUST_USE;

/* log_entry_value() gives the first value of that name in `what`, or "". */
const char *log_entry_value(const struct log_entry *entry, const char *name);

/* log_text_fit() copies text into out so that it may stand in an entry: ill-formed UTF-8 and control characters
 * become '?', the text is cut to out_size - 1 octets at a character's border. Returns out. For what strangers sent
 * (refusals). */
const char *log_text_fit(char *out, size_t out_size, struct slice text);

/* log_salt() draws a salt. *Errors* SYSTEM. */
struct err *log_salt(uint8_t out[LOG_SALT_SIZE]) ERR_MUST_USE;

/* log_leaf_hash() computes SHA-256(0x00 || SHA-256(salt || entry)). RFC 6962 §2.1. `salt` has LOG_SALT_SIZE octets. */
void log_leaf_hash(struct tree_hash *out, struct slice salt, struct slice entry);

#endif
