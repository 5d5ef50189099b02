/*
 * queries.h - all SQL of rad, one typed wrapper per statement: the only place where column numbers appear.
 *
 * The texts are in queries.c; the wrappers in queries_application.c, queries_certificate.c and queries_work.c. Rows that
 * are read borrow from their result. Log entries of a step go into the same statement as the step.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_QUERIES_H
#define RA_QUERIES_H

#include "asn1/serial.h"
#include "db/db.h"
#include "ra/ledger.h"
#include "ra/number.h"
#include "ra/state.h"

enum ra_statement {
	Q_SUBMIT,
	Q_FIND_SUBMISSION,
	Q_CLAIMED_KEY,
	Q_APPLICATION,
	Q_LOCK_APPLICATION,
	Q_LOCK_BY_REQUESTS,
	Q_REQUESTS,
	Q_MOVE,
	Q_NEW_CODE,
	Q_COUNT_TRY,
	Q_CONFIRM,
	Q_TAKE_IDENTIFICATION,
	Q_POSTPONE_IDENTIFICATION,
	Q_COUNT_IDENTIFICATION,
	Q_ADD_DOCUMENT,
	Q_COUNT_DOCUMENTS,
	Q_DOCUMENTS,
	Q_DOCUMENT,
	Q_HISTORY,
	Q_QUEUE_OPEN,
	Q_QUEUE_STATE,
	Q_ADD_DECISION,
	Q_DECISIONS,
	Q_ISSUED,
	Q_CERTIFICATE,
	Q_FIND_CERTIFICATES,
	Q_LOCK_CERTIFICATE,
	Q_ORDERS,
	Q_ADD_ORDER,
	Q_FIND_ORDER,
	Q_ADD_PENDING_ORDER,
	Q_PENDING_ORDERS,
	Q_DROP_PENDING_ORDERS,
	Q_LEDGER_VERSION,
	Q_POLICIES,
	Q_ISSUERS,
	Q_ADD_AGREEMENT,
	Q_TAKE_NOTICE,
	Q_END_NOTICE,
	Q_EXPIRED,
	Q_LAPSED_CLAIMS,
	Q_LOG,
	Q_TRANSITIONS,
	RA_STATEMENT_COUNT
};

extern const struct db_statement ra_statements[];
extern const size_t ra_statements_count;

/* ra_log_params() appends the four arrays that the log rows of a statement are made from. */
static inline void ra_log_params(struct db_params *p, const struct ra_log *log)
{
	db_slice_array(p, log->kinds, log->num);
	db_int64_array(p, log->at_ms, log->num);
	db_slice_array(p, log->entries, log->num);
	db_slice_array(p, log->salts, log->num);
}

/* ---- applications (queries_application.c) */

/* An application as it stands in the ledger; texts borrow from `row`. Times in Unix ms, 0 for none. */
struct ra_application {
	struct db_result *row;
	int64_t id;
	const char *number, *kind, *channel, *issuer;
	enum ra_state state;
	const char *iin, *surname, *given, *patronymic, *email, *phone, *bin, *organisation;
	const char *treasury_role, *treasury_client, *system_oid, *dns_names, *key_storage, *language, *office;
	const char *entered_by;
	struct slice agreement;
	int64_t submitted_ms, state_ms, expires_ms;
	const char *claimed_by; /* "" for none */
	int64_t claimed_until_ms;
	struct slice code_hash; /* empty for none */
	int64_t code_tries, code_expires_ms, code_sends, code_sent_ms;
	int64_t confirmed_ms, identify_ms, identification_tries;
	const char *reason, *reason_text;
};
void ra_application_clear(struct ra_application *self);
OWN_TYPE(ra_application, struct ra_application, ra_application_clear)

/* ra_application_at() reads row i of a result that selects the columns of an application first; it does not own it. */
struct err *ra_application_at(struct ra_application *out, const struct db_result *rows, size_t i) ERR_MUST_USE;

/* ra_get_application() finds one by its number; with `lock` it is locked until the end of the transaction.
 * *Errors* NOT_FOUND, field "number". */
struct err *ra_get_application(struct db *db, struct ra_application *out, const char *number, bool lock) ERR_MUST_USE;

/* What a submission writes. Texts are borrowed. */
struct ra_submission {
	const char *number;
	const uint8_t *submit_digest; /* 32 */
	const char *kind, *channel, *issuer;
	enum ra_state state;
	const char *iin, *surname, *given, *patronymic, *email, *phone, *bin, *organisation;
	const char *treasury_role, *treasury_client, *system_oid, *dns_names, *key_storage, *language, *office;
	const char *entered_by;
	const uint8_t *agreement; /* 32 */
	int64_t expires_ms;
	struct slice code_hash; /* empty: no code is sent */
	int64_t code_expires_ms;
	const char *notice_key; /* dedup_key of the notice with the code; NULL: none */
	const char *notice_template, *notice_fields;
	size_t num_requests;
	const struct slice *purposes, *profiles, *csrs, *key_hashes, *authorisations, *digests;
};
/* ra_submit() writes application, requests, key claims, notice and log entries in one statement, which commits by
 * itself outside a transaction. *out_is_new false: the same submission is there already, nothing was written.
 * *Errors* CONFLICT, field "key_claim_pkey": a public key is in use. */
struct err *ra_submit(struct db *db, bool *out_is_new, const struct ra_submission *s,
		      const struct ra_log *log) ERR_MUST_USE;
/* ra_find_submission() gives number and state of an earlier submission. *Errors* NOT_FOUND. */
struct err *ra_find_submission(struct db *db, char out_number[RA_NUMBER_SIZE], enum ra_state *out_state,
			       const uint8_t submit_digest[32]) ERR_MUST_USE;

/* ra_claimed_key() tells which of the keys is in use: its place, or num when none is. */
struct err *ra_claimed_key(struct db *db, size_t *out, const struct slice *key_hashes, size_t num) ERR_MUST_USE;

/* ra_lock_by_requests() locks the applications whose requests have these digests, in order of id. Read them with
 * ra_application_at(). */
struct err *ra_lock_by_requests(struct db *db, struct db_result **out, const struct slice *digests,
				size_t num) ERR_MUST_USE;

/* One request; slices borrow from the result. */
struct ra_request {
	int64_t id;
	const char *purpose, *profile;
	struct slice authorisation, digest, key_hash;
};
struct err *ra_get_requests(struct db *db, struct db_result **out, int64_t application_id) ERR_MUST_USE;
void ra_request_at(struct ra_request *out, const struct db_result *rows, size_t i);

/* A transition, or a claim that keeps the state. */
struct ra_move {
	int64_t id;
	enum ra_state to;
	const char *reason, *reason_text;
	const char *claimed_by; /* NULL: nobody */
	int64_t claimed_until_ms;
};
/* ra_move() writes it with its log entries. Ends without a certificate free the keys and leave the issue queue;
 * `approved` enters it. Identification to come is forgotten unless the state stays. */
struct err *ra_move(struct db *db, const struct ra_move *m, const struct ra_log *log) ERR_MUST_USE;

/* A new one-time code: application, notice and log in one statement. */
struct ra_new_code {
	int64_t id;
	enum ra_state to;
	struct slice code_hash;
	int64_t expires_ms, now_ms;
	const char *phone, *language;
	const char *notice_key, *notice_template, *notice_fields;
};
struct err *ra_new_code(struct db *db, const struct ra_new_code *c, const struct ra_log *log) ERR_MUST_USE;
struct err *ra_count_try(struct db *db, int64_t id) ERR_MUST_USE;
/* ra_confirm() notes that the code was right; identify_ms 0: no identification is to come. */
struct err *ra_confirm(struct db *db, int64_t id, enum ra_state to, int64_t now_ms, int64_t identify_ms,
		       const struct ra_log *log) ERR_MUST_USE;

/* ra_take_identification() takes the next application whose identification is due and puts it off to `until_ms`, so
 * that nobody else takes it meanwhile. *out_number "" : none is due. */
struct err *ra_take_identification(struct db *db, char out_number[RA_NUMBER_SIZE], int64_t now_ms,
				   int64_t until_ms) ERR_MUST_USE;
struct err *ra_postpone_identification(struct db *db, const char *number, int64_t at_ms) ERR_MUST_USE;
struct err *ra_count_identification(struct db *db, int64_t id) ERR_MUST_USE;

struct err *ra_add_document(struct db *db, int64_t application_id, const char *name, const char *media_type,
			    const uint8_t sha256[32], struct slice bytes, const char *added_by,
			    const struct ra_log *log) ERR_MUST_USE;
struct err *ra_count_documents(struct db *db, int64_t *out, int64_t application_id) ERR_MUST_USE;
struct ra_document {
	int64_t id, size, added_ms;
	const char *name, *media_type, *added_by;
	struct slice sha256;
};
struct err *ra_get_documents(struct db *db, struct db_result **out, int64_t application_id) ERR_MUST_USE;
void ra_document_at(struct ra_document *out, const struct db_result *rows, size_t i);
/* ra_get_document() gives one document with its bytes. *Errors* NOT_FOUND. */
struct err *ra_get_document(struct db *db, struct db_result **out, int64_t application_id, int64_t id) ERR_MUST_USE;
void ra_document_bytes(const char **out_media_type, struct slice *out_bytes, const struct db_result *row);

struct ra_history {
	const char *kind;
	int64_t at_ms;
	struct slice entry;
};
struct err *ra_get_history(struct db *db, struct db_result **out, int64_t application_id) ERR_MUST_USE;
void ra_history_at(struct ra_history *out, const struct db_result *rows, size_t i);

/* ra_get_queue() lists applications, oldest first: all open ones when `state` is "", else those in that state; `kind` ""
 * means any. *out_total counts all that match. approvers(row): persons who approved, separated by spaces. */
struct err *ra_get_queue(struct db *db, struct db_result **out, const char *state, const char *kind, int64_t limit,
			 int64_t offset) ERR_MUST_USE;
const char *ra_queue_approvers(const struct db_result *rows, size_t i);
int64_t ra_queue_total(const struct db_result *rows);

/* ---- decisions, certificates, orders (queries_certificate.c) */

struct ra_new_decision {
	const uint8_t *digest; /* 32 */
	struct slice der, cms;
	int64_t kind, verdict;
	const char *person, *role;
	const uint8_t *key_hash; /* 32 */
	int64_t expires_at;
	const struct slice *members;
	size_t num_members;
};
/* ra_add_decision() stores a decision and its members. *out_is_new false: it is there already. */
struct err *ra_add_decision(struct db *db, bool *out_is_new, const struct ra_new_decision *d) ERR_MUST_USE;

struct ra_decision {
	struct slice der, cms, digest;
	const char *person, *role;
	int64_t verdict, at_ms;
};
/* ra_get_decisions() lists the decisions that name any of the digests, in the order they came. */
struct err *ra_get_decisions(struct db *db, struct db_result **out, const struct slice *members,
			     size_t num) ERR_MUST_USE;
void ra_decision_at(struct ra_decision *out, const struct db_result *rows, size_t i);

/* Certificates issued for an application. */
struct ra_issued {
	const char *purpose;
	struct slice serial, der;
};
struct err *ra_get_issued(struct db *db, struct db_result **out, int64_t application_id) ERR_MUST_USE;
void ra_issued_at(struct ra_issued *out, const struct db_result *rows, size_t i);

struct ra_certificate {
	int64_t id;
	const char *issuer, *profile, *purpose, *channel, *iin, *bin, *common_name;
	struct slice serial, der, sha256;
	int64_t not_before_at, not_after_at;
	const char *application; /* number, or "" */
	int64_t action; /* last one that counts for relying parties, 0 none */
	int64_t last_action; /* last one ordered, 0 none */
};
struct err *ra_get_certificate(struct db *db, struct db_result **out, const char *issuer,
			       struct slice serial) ERR_MUST_USE;
/* ra_find_certificates() searches by IIN, BIN or part of the common name ("" each: not asked for). */
struct err *ra_find_certificates(struct db *db, struct db_result **out, const char *iin, const char *bin,
				 const char *name, int64_t limit) ERR_MUST_USE;
void ra_certificate_at(struct ra_certificate *out, const struct db_result *rows, size_t i);
/* ra_lock_certificate() lets one transaction at a time order something for this certificate. */
struct err *ra_lock_certificate(struct db *db, int64_t id) ERR_MUST_USE;

struct ra_order {
	int64_t action, reason, revoked_at, created_ms;
	const char *ground, *ordered_by;
	bool is_accepted; /* by the signer */
};
struct err *ra_get_orders(struct db *db, struct db_result **out, int64_t certificate_id) ERR_MUST_USE;
void ra_order_at(struct ra_order *out, const struct db_result *rows, size_t i);

struct ra_new_order {
	int64_t certificate_id;
	const char *issuer;
	struct slice serial;
	int64_t action, reason;
	bool has_invalidity_at;
	int64_t invalidity_at, revoked_at;
	struct slice ground;
	struct slice der;
	const uint8_t *digest; /* 32 */
	const char *ordered_by;
};
/* ra_add_order() writes the order, its log entries, and removes it from those that wait. *out_is_new false: it is there
 * already. */
struct err *ra_add_order(struct db *db, bool *out_is_new, const struct ra_new_order *o,
			 const struct ra_log *log) ERR_MUST_USE;
struct err *ra_find_order(struct db *db, bool *out_found, const uint8_t digest[32]) ERR_MUST_USE;
struct err *ra_add_pending_order(struct db *db, const struct ra_new_order *o, int64_t expires_at,
				 const struct ra_log *log) ERR_MUST_USE;
struct ra_pending_order {
	struct slice der, digest;
	const char *ordered_by;
	int64_t created_ms, expires_at;
};
struct err *ra_get_pending_orders(struct db *db, struct db_result **out, int64_t now_s) ERR_MUST_USE;
void ra_pending_order_at(struct ra_pending_order *out, const struct db_result *rows, size_t i);
struct err *ra_drop_pending_orders(struct db *db, int64_t now_s) ERR_MUST_USE;

/* ---- policy, issuers, agreement, outbox, timers (queries_work.c) */

/* ra_get_ledger_version() gives the highest policy version (0: none) and the number of issuers. */
struct err *ra_get_ledger_version(struct db *db, int64_t *out_policy, int64_t *out_issuers) ERR_MUST_USE;
struct err *ra_get_policies(struct db *db, struct db_result **out, int64_t above) ERR_MUST_USE;
void ra_policy_at(int64_t *out_version, struct slice *out_der, const struct db_result *rows, size_t i);
struct err *ra_get_issuers(struct db *db, struct db_result **out) ERR_MUST_USE;
void ra_issuer_at(const char **out_name, struct slice *out_certificate, struct slice *out_root,
		  const struct db_result *rows, size_t i);
/* ra_add_agreement() stores the text; its log entries only when it is new. */
struct err *ra_add_agreement(struct db *db, const uint8_t digest[32], const char *version, struct slice text,
			     const struct ra_log *log) ERR_MUST_USE;

struct ra_notice {
	int64_t id, attempts;
	const char *medium, *address, *template, *language, *fields, *dedup_key;
};
/* ra_take_notice() takes the next notice that is due and puts it off to `until_ms`. *out NULL: none. */
struct err *ra_take_notice(struct db *db, struct db_result **out, int64_t now_ms, int64_t until_ms) ERR_MUST_USE;
void ra_notice_of(struct ra_notice *out, const struct db_result *row);
/* ra_end_notice() notes the outcome: sent or failed (its fields are wiped), or pending again at next_ms. */
struct err *ra_end_notice(struct db *db, int64_t id, const char *state, int64_t next_ms,
			  const char *error) ERR_MUST_USE;

/* ra_get_expired() and ra_get_lapsed_claims() list numbers of applications whose time, or whose claim, ran out. */
struct err *ra_get_expired(struct db *db, struct db_result **out, int64_t now_ms) ERR_MUST_USE;
struct err *ra_get_lapsed_claims(struct db *db, struct db_result **out, int64_t now_ms) ERR_MUST_USE;
const char *ra_number_at(const struct db_result *rows, size_t i);

/* ra_write_log() writes entries that belong to no other change (refusals, start and stop). */
struct err *ra_write_log(struct db *db, const struct ra_log *log) ERR_MUST_USE;

/* ra_get_transitions() lists the pairs that the database lets through: for the test that compares them with state.c. */
struct err *ra_get_transitions(struct db *db, struct db_result **out) ERR_MUST_USE;
void ra_transition_at(const char **out_from, const char **out_to, const struct db_result *rows, size_t i);

#endif
