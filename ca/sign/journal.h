/*
 * journal.h - the signer's own memory of what it signed and which orders it accepted: one append-only file.
 *
 * Guarantees: what was committed is on disk (fdatasync) before journal_commit() returns, and nothing that depends on it
 * may leave the process before. Frames are chained by SHA-256, so that no earlier byte can change unseen. A frame that
 * was cut by a crash is dropped at the next start (nothing of it had left); any other damage is an error: the signer
 * does not start. One process at a time (flock). After a failed fdatasync nothing is written any more until a restart.
 *
 * File: "nuc-journal-1\n" and two zero octets, 16 random octets; then frames, one for each commit:
 *   length (4 octets, big-endian) || check (4) || records || SHA-256(chain before || length || check || records)
 * where the first chain value is SHA-256(first 32 octets), check is the beginning of SHA-256(chain before || length), by
 * which a changed length is told from a cut frame, and records are DER, one after the other:
 *   Record ::= SEQUENCE { kind ENUMERATED, at INTEGER (Unix s), seq INTEGER (0: no event), body SEQUENCE }
 * seq is one contiguous sequence of events from 1: certificates, orders, adoptions (tier ca). The bodies are those of
 * the structs below, field by field in their order (journal_record.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_JOURNAL_H
#define CA_SIGN_JOURNAL_H

#include "asn1/serial.h"
#include "base/buf.h"
#include "bus/msg_sign.h"

enum journal_kind {
	JOURNAL_START = 1, /* a signer (or the ceremony) opened the journal */
	JOURNAL_CERTIFICATE = 2, /* event: signed here */
	JOURNAL_ORDER = 3, /* event: a StatusOrder was accepted */
	JOURNAL_ADOPTED = 4, /* event: known as if issued here */
	JOURNAL_CRL = 5,
	JOURNAL_HEAD = 6,
	JOURNAL_POLICY = 7, /* a Policy version was installed */
	JOURNAL_EVENT = 8, /* tier ocsp: an event of signd-ca, as it was relayed; seq is that signer's */
	JOURNAL_OCSP = 9 /* tier ocsp: how much was answered since the last such record */
};

struct journal_start {
	struct slice tier; /* "ca", "ocsp", "root" */
	struct slice version; /* of the program */
};

/* A certificate that this signer made. Without an authorisation: made in the key ceremony. */
struct journal_certificate {
	struct slice issuer;
	struct serial serial;
	int64_t not_after_at;
	struct slice authorisation; /* SHA-256 of the Authorisation, or empty */
	struct slice digest; /* SHA-256 of the certificate */
	struct slice tbs;
	struct slice signature;
	struct slice identifier; /* the identification service whose word was counted, or empty: for its ceilings */
};

struct journal_order {
	struct slice issuer;
	struct serial serial;
	int64_t not_after_at; /* of the certificate */
	int64_t action; /* 1 revoke, 2 hold, 3 release */
	int64_t reason;
	int64_t revoked_at;
	bool has_invalidity_at;
	int64_t invalidity_at;
	struct slice digest; /* SHA-256 of the StatusOrder */
	struct slice order; /* its DER */
};

struct journal_adopted {
	struct slice issuer;
	struct serial serial;
	int64_t not_after_at;
	struct slice digest; /* SHA-256 of the certificate */
};

struct journal_crl {
	struct slice issuer;
	struct slice scope;
	int64_t kind; /* enum msg_crl_kind */
	int64_t number;
	int64_t base_number; /* 0 for full lists */
	int64_t this_update_at;
	int64_t next_update_at;
	int64_t order_seq;
	int64_t num_entries;
	struct slice digest; /* SHA-256 of the TBSCertList */
	struct slice signature;
};

struct journal_head {
	int64_t size;
	struct slice root;
	struct slice note;
};

struct journal_policy {
	int64_t version;
	struct slice digest; /* SHA-256 of the Policy DER */
	struct slice policy; /* the SignedPolicy as it was accepted: in force again after a restart */
};

struct journal_ocsp {
	int64_t from_at;
	int64_t count;
	struct slice digest; /* rolling: SHA-256(previous || SHA-256(ResponseData) || ...) */
};

/* One record. The union member of its kind is set; slices are borrowed. */
struct journal_record {
	enum journal_kind kind;
	int64_t at;
	int64_t seq;
	union {
		struct journal_start start;
		struct journal_certificate certificate;
		struct journal_order order;
		struct journal_adopted adopted;
		struct journal_crl crl;
		struct journal_head head;
		struct journal_policy policy;
		struct msg_event event;
		struct journal_ocsp ocsp;
	};
};

struct journal;

/* Called for each record at opening, in order; `offset` is what journal_read() takes. Slices live during the call. */
typedef struct err *(*journal_replay_fn)(void *arg, const struct journal_record *record, uint64_t offset);

/* journal_open() opens or makes the journal (0600) of a tier ("ca", "ocsp", "root"), locks it, replays it (fn may be
 * NULL) and appends a JOURNAL_START. *Errors* CONFLICT (another process has it), CONFIG (it is another tier's),
 * BUG (damaged: the sentence names the offset), SYSTEM; errors of fn. */
struct err *journal_open(struct journal **out, const char *path, const char *tier, journal_replay_fn fn,
			 void *arg) ERR_MUST_USE;
void journal_close(struct journal **self);
OWN_TYPE(journal, struct journal *, journal_close)

/* journal_append() puts a record into the group that the next journal_commit() writes. Sets record->at when it is 0, and
 * for certificates, orders and adoptions record->seq; *out_offset (may be NULL) will be its place. *Errors* TOO_LARGE
 * (the group), BUG, SYSTEM (broken). A JOURNAL_EVENT brings its own seq, which must be the next one. */
struct err *journal_append(struct journal *self, struct journal_record *record, uint64_t *out_offset) ERR_MUST_USE;

/* journal_commit() writes the group as one frame and waits until it is on disk. After an error nothing of the group
 * counts: numbers are given again, the file is as before. *Errors* RETRY (disk full), SYSTEM (broken until restart). */
struct err *journal_commit(struct journal *self) ERR_MUST_USE;
/* journal_write() is journal_commit() without waiting for the disk: for counts only. */
struct err *journal_write(struct journal *self) ERR_MUST_USE;
/* journal_drop() forgets the group. */
void journal_drop(struct journal *self);

/* journal_read() reads one committed record again; its slices live in `scratch`. */
struct err *journal_read(const struct journal *self, struct journal_record *out, struct buf *scratch,
			 uint64_t offset) ERR_MUST_USE;

/* journal_append_certificate() is the ceremony's short form: one certificate, from its DER, into the group. */
struct err *journal_append_certificate(struct journal *self, const char *issuer, struct slice certificate) ERR_MUST_USE;

/* journal_next_seq() is the number that the next event gets (from 1), not counting the group; journal_last_at() the
 * time of the newest record: the clock may not be behind it. */
int64_t journal_next_seq(const struct journal *self);
/* journal_group_seq() is the number that the next event of the group gets; journal_size() the committed octets: a place
 * at or past it is still in the group. */
int64_t journal_group_seq(const struct journal *self);
uint64_t journal_size(const struct journal *self);
int64_t journal_last_at(const struct journal *self);
/* journal_broken() says that a write failed in a way that only a restart mends. */
bool journal_broken(const struct journal *self);

#endif
