/*
 * queries.h - all SQL of cad (but the sequencer's), one typed wrapper per statement: the only place where column numbers
 * appear.
 *
 * The texts are in queries.c; the wrappers in queries_issue.c (queue, plans, certificates), queries_status.c (orders,
 * Policy, figures) and queries_import.c (the ceremony). Rows that are read borrow from their result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_QUERIES_H
#define CA_ISSUE_QUERIES_H

#include "ca/issue/batch.h"
#include "ca/issue/ledger.h"

enum ca_statement {
	Q_CA_FREE_LEASES,
	Q_CA_CLAIM,
	Q_CA_MEMBERS,
	Q_CA_DECISIONS,
	Q_CA_BEGIN_ISSUE,
	Q_CA_ADD_PLANS,
	Q_CA_ADD_PLAN,
	Q_CA_LOCK_APPLICATIONS,
	Q_CA_ADD_CERTIFICATES,
	Q_CA_CERTIFICATES_OF,
	Q_CA_DEQUEUE,
	Q_CA_COMPLETE,
	Q_CA_FINISH,
	Q_CA_REJECT,
	Q_CA_DEQUEUE_APPLICATION,
	Q_CA_FREE_KEYS,
	Q_CA_POSTPONE,
	Q_CA_LOG,
	Q_CA_ORDERS,
	Q_CA_LAST_ORDER,
	Q_CA_ACCEPT_ORDERS,
	Q_CA_ORDER_SEQ,
	Q_CA_NEWEST_POLICY,
	Q_CA_POLICY,
	Q_CA_ISSUERS,
	Q_CA_QUEUE_FIGURES,
	Q_CA_ADD_ISSUER,
	Q_CA_ISSUER,
	Q_CA_ADD_CRL_COUNTER,
	Q_CA_ADD_RESPONDER,
	Q_CA_ADD_CEREMONY_CERTIFICATE,
	Q_CA_CERTIFICATE_DIGEST,
	Q_CA_ADD_KEY_CLAIM,
	Q_CA_ADD_POLICY,
	CA_STATEMENT_COUNT
};

extern const struct db_statement ca_statements[];
extern const size_t ca_statements_count;

/* ca_add_log() writes the collected entries. Nothing happens when there are none. */
struct err *ca_add_log(struct db *db, const struct ca_log *log) ERR_MUST_USE;

/* ---- queries_issue.c */

/* ca_free_leases() lets requests be claimed at once whose claim a dead process left behind. */
struct err *ca_free_leases(struct db *db, size_t *out_num) ERR_MUST_USE;

/* ca_claim() claims up to `max` requests that are due (and the siblings of the last one) for `lease_ms` and fills the
 * batch's items from them, with the newest recorded plan of each. */
struct err *ca_claim(struct db *db, struct issue_batch *batch, int64_t max, int64_t lease_ms) ERR_MUST_USE;

/* ca_evidence() reads the approving decisions of the batch's items. */
struct err *ca_evidence(struct db *db, struct issue_batch *batch) ERR_MUST_USE;

/* ca_begin_issue() moves applications from approved to issuing; *out gets the ids (malloc) of those that were approved. */
struct err *ca_begin_issue(struct db *db, int64_t **out, size_t *out_num, const int64_t *ids, size_t num) ERR_MUST_USE;

/* ca_add_plans() records the plans of items that are ISSUE_PLANNED and not recorded. */
struct err *ca_add_plans(struct db *db, const struct issue_batch *batch) ERR_MUST_USE;

/* ca_add_plan() records the plan that a certificate was really made from, if it is not there. */
struct err *ca_add_plan(struct db *db, const struct issue_item *item, const struct cert *tbs) ERR_MUST_USE;

/* ca_lock_applications() locks them in order, so that two settlements never see half of each other. */
struct err *ca_lock_applications(struct db *db, const int64_t *ids, size_t num) ERR_MUST_USE;

/* What the row of a certificate says; borrows. */
struct ca_certificate {
	int64_t request_id; /* 0: none */
	const char *issuer;
	struct serial serial;
	const char *profile, *purpose, *channel, *iin, *bin;
	struct slice common_name, der, sha256, spki_sha256;
	int64_t not_before_at, not_after_at, seq;
};
/* ca_add_certificates() inserts those that are not there; out_ids[i] becomes the row's id, 0 when it was there (or, which
 * the caller must find out, when another stands in its way). */
struct err *ca_add_certificates(struct db *db, int64_t *out_ids, const struct ca_certificate *rows,
				size_t num) ERR_MUST_USE;
/* ca_has_certificate() says whether the request has exactly this certificate. */
struct err *ca_has_certificate(struct db *db, bool *out, int64_t request_id, struct slice sha256) ERR_MUST_USE;

struct err *ca_dequeue(struct db *db, const int64_t *request_ids, size_t num) ERR_MUST_USE;

/* ca_complete() finds the applications among `ids` that are issuing and whose requests all have certificates; read them
 * with ca_complete_at(). ca_finish() makes them issued. */
struct err *ca_complete(struct db *db, struct db_result **out, const int64_t *ids, size_t num) ERR_MUST_USE;
void ca_complete_at(const struct db_result *rows, size_t i, int64_t *out_id, const char **out_number);
struct err *ca_finish(struct db *db, const int64_t *ids, size_t num) ERR_MUST_USE;

/* ca_reject() ends an application that is approved or issuing: its requests leave the queue, its keys are free but for
 * those that have a certificate. *out_from gets the state it had, "" when it was in another one and nothing was done. */
struct err *ca_reject(struct db *db, char out_from[16], int64_t application_id, const char *word,
		      const char *text) ERR_MUST_USE;

/* ca_postpone() lets requests wait for the milliseconds given, each with its last error. */
struct err *ca_postpone(struct db *db, const int64_t *request_ids, const int64_t *waits_ms, const struct slice *errors,
			size_t num) ERR_MUST_USE;

/* ---- queries_status.c */

/* An order that the signer has not heard of; borrows from the result. */
struct ca_order {
	int64_t id, certificate_id;
	const char *issuer;
	struct serial serial;
	int64_t action;
	struct slice der, digest, certificate;
};
/* ca_orders() gives orders with an id above `after`, neither accepted nor refused, in order. */
struct err *ca_orders(struct db *db, struct db_result **out, int64_t after, int64_t max) ERR_MUST_USE;
struct err *ca_order_at(struct ca_order *out, const struct db_result *rows, size_t i) ERR_MUST_USE;
/* ca_last_order() gives the highest id there is, 0 for none. */
struct err *ca_last_order(struct db *db, int64_t *out_id) ERR_MUST_USE;
/* ca_evidence_of() reads the approving decisions of a kind over the members. out_member_decision: pairs of indexes. */
struct ca_evidence_pair {
	size_t member, decision;
};
struct ca_evidence {
	struct db_result *rows;
	struct issue_evidence *decisions;
	size_t num_decisions;
	struct ca_evidence_pair *pairs; /* by member */
	size_t num_pairs;
};
void ca_evidence_clear(struct ca_evidence *self);
OWN_TYPE(ca_evidence, struct ca_evidence, ca_evidence_clear)
struct err *ca_evidence_of(struct db *db, struct ca_evidence *out, int64_t kind, const struct slice *members,
			   size_t num) ERR_MUST_USE;
struct err *ca_accept_orders(struct db *db, const int64_t *order_ids, const int64_t *seqs, size_t num) ERR_MUST_USE;
struct err *ca_order_seq(struct db *db, int64_t *out_seq) ERR_MUST_USE;

/* ca_newest_policy() gives version and SignedPolicy; ca_get_policy() that of a version. *Errors* NOT_FOUND. */
struct err *ca_newest_policy(struct db *db, int64_t *out_version, struct buf *out_der) ERR_MUST_USE;
struct err *ca_get_policy(struct db *db, struct buf *out_der, int64_t version) ERR_MUST_USE;
struct err *ca_issuers(struct db *db, struct db_result **out) ERR_MUST_USE;
void ca_issuer_at(struct issue_issuer_row *out, const struct db_result *rows, size_t i);

struct ca_figures {
	int64_t queued, oldest_s, failing; /* failing: those that were tried and have to be tried again */
};
struct err *ca_queue_figures(struct db *db, struct ca_figures *out) ERR_MUST_USE;

/* ---- queries_import.c */

/* ca_add_issuer() adds an issuer with its CRL counter. *Errors* CONFLICT when it is there with other certificates. */
struct err *ca_add_issuer(struct db *db, bool *out_is_new, const char *name, struct slice certificate,
			  struct slice root) ERR_MUST_USE;
struct err *ca_add_responder(struct db *db, const char *issuer, struct slice certificate,
			     int64_t not_after_at) ERR_MUST_USE;
/* ca_add_ceremony_certificate() adds a certificate with its key claim; *out_id is 0 when it was there. *Errors* CONFLICT
 * when another one has its serial number. */
struct err *ca_add_ceremony_certificate(struct db *db, int64_t *out_id, const struct ca_certificate *row) ERR_MUST_USE;
/* ca_add_policy() adds a version. *Errors* CONFLICT when it is there with other bytes. */
struct err *ca_add_policy(struct db *db, bool *out_is_new, int64_t version, struct slice der) ERR_MUST_USE;

#endif
