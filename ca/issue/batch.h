/*
 * batch.h - requests on their way from the queue to certificates, and the message that has them signed.
 *
 * A batch is made by issue_plan() on one lane, sent and answered in the loop, and ended by issue_settle() on another lane;
 * one of them holds it at a time. Texts and slices of an item borrow from the batch's results.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_BATCH_H
#define CA_ISSUE_BATCH_H

#include "bus/msg_sign.h"
#include "ca/issue/policy.h"
#include "ca/issue/rules.h"
#include "ca/lint/lint.h"
#include "db/db.h"

enum {
	ISSUE_WORD_MAX = 48, /* reason word */
	ISSUE_TEXT_MAX = 256, /* its sentence */
	ISSUE_EVIDENCE_MAX = 24 * 1024 * 1024, /* octets of decisions in one message */
};

enum issue_outcome {
	ISSUE_CLAIMED, /* nothing decided yet */
	ISSUE_PLANNED, /* serial and TBS are recorded */
	ISSUE_SIGNED, /* the signer's answer is here */
	ISSUE_REJECTED,
	ISSUE_RETRY, /* later, by its attempts */
	ISSUE_AT_ONCE, /* again as soon as possible: it did not fit in, or needs another plan */
	ISSUE_DROPPED,
};

struct issue_item {
	/* as the ledger has it */
	int64_t request_id, application_id;
	int64_t attempts, enqueued_ms;
	const char *last_error;
	const char *number, *kind, *channel, *state;
	const char *purpose, *issuer, *profile;
	struct slice authorisation, digest, spki_sha256;
	size_t decisions[AUTHORITY_MAX_DECISIONS]; /* indexes in the batch's evidence */
	size_t num_decisions;
	/* the plan */
	bool has_recorded; /* the ledger had it already */
	struct serial serial;
	int64_t not_before_at, not_after_at;
	struct buf tbs;
	struct lint_token token;
	/* what came of it */
	enum issue_outcome outcome;
	char word[ISSUE_WORD_MAX], text[ISSUE_TEXT_MAX]; /* of a rejection or failure */
	struct slice signed_tbs, signature; /* borrow the batch's answer */
	int64_t seq;
	struct buf certificate; /* assembled and verified */
	struct cert cert; /* the certificate, read */
	bool is_new; /* this process inserted its row */
	bool is_ended; /* the outcome is written in the ledger */
};

/* A Decision with its CMS; borrows the batch's result. */
struct issue_evidence {
	int64_t id;
	struct slice digest, der, cms;
	const char *person;
	int64_t expires_at;
};

struct issue_batch {
	struct issue_rules *rules;
	struct db_result *claim, *decisions;
	struct issue_item *items;
	size_t num;
	struct issue_evidence *evidence;
	size_t num_evidence;
	struct buf answer; /* the signer's, which items borrow */
	int64_t begun_us; /* monotonic, when it was claimed */
};

/* issue_batch_create() makes an empty batch that shares the rules. */
struct err *issue_batch_create(struct issue_batch **out, struct issue_rules *rules) ERR_MUST_USE;
void issue_batch_destroy(struct issue_batch **self);
OWN_TYPE(issue_batch, struct issue_batch *, issue_batch_destroy)
/* issue_batch_reset() forgets everything but the rules. */
void issue_batch_reset(struct issue_batch *self);

/* issue_item_end() sets an outcome with its reason; the text is cut to fit and made printable. */
void issue_item_end(struct issue_item *self, enum issue_outcome outcome, struct slice word, struct slice text);

/* issue_item_failed_by() says whether the last try ended with this reason word. */
bool issue_item_failed_by(const struct issue_item *self, struct slice word);

/* issue_batch_count() counts the items with an outcome. */
size_t issue_batch_count(const struct issue_batch *self, enum issue_outcome outcome);

/* issue_batch_request() spends the lint tokens of the planned items and appends the body of MSG_SIGN_CERT. Evidence that
 * is named by several items travels once. *Errors* BUG (a token), TOO_LARGE. */
struct err *issue_batch_request(struct issue_batch *self, struct buf *out) ERR_MUST_USE;

/* issue_batch_answer() takes the body of MSG_SIGN_CERT_OK: each planned item becomes signed, rejected, or to be tried
 * again. *Errors* BAD_INPUT when it is no answer to this batch; nothing is changed then. */
struct err *issue_batch_answer(struct issue_batch *self, struct slice body) ERR_MUST_USE;

/* issue_batch_failed() ends all planned items as to be tried again, because of the error. */
void issue_batch_failed(struct issue_batch *self, const struct err *e);

#endif
