/*
 * queries.c - the texts of all statements of rad. See queries.h.
 *
 * A submission, a transition, an order is one statement with data-modifying CTEs: one round trip, and its log entries
 * cannot be left out. unnest($kinds, $times, $entries, $salts) are the log rows of ledger.h. Values never enter a text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/queries.h"

#define APPLICATION                                                                                                    \
	"a.id, a.number, a.kind, a.channel, a.state, a.issuer, a.iin, a.surname, a.given_name, a.patronymic, "         \
	"a.email, a.phone, a.bin, a.organisation, a.treasury_role, a.treasury_client, a.system_oid, a.dns_names, "     \
	"a.key_storage, a.language, a.office, a.entered_by, a.agreement, a.submitted_at, a.state_at, a.expires_at, "   \
	"a.claimed_by, a.claimed_until, a.code_hash, a.code_tries, a.code_expires_at, a.code_sends, a.code_sent_at, "  \
	"a.confirmed_at, a.identify_at, a.identification_tries, a.reason, a.reason_text "

/* Log rows: from parameter n on. `from` names further tables whose rows they need. */
#define LOG_COLUMNS "log_pending (kind, at_ms, entry, salt"
#define LOG_ROWS(a, b, c, d)                                                                                           \
	"unnest($" #a "::text[], $" #b "::bigint[], $" #c "::bytea[], $" #d "::bytea[]) AS u(kind, at_ms, entry, "     \
	"salt)"

#define COUNTS "(r.action <> 3 OR EXISTS (SELECT FROM log_entry e WHERE e.order_id = r.id))"
#define CERTIFICATE                                                                                                    \
	"c.id, c.issuer, c.serial, c.profile, c.purpose, c.channel, c.der, c.sha256, c.iin, c.bin, c.common_name, "    \
	"c.not_before_at, c.not_after_at, coalesce(a.number, ''), "                                                    \
	"coalesce((SELECT r.action FROM revocation r WHERE r.certificate_id = c.id AND " COUNTS                        \
	" ORDER BY r.id DESC LIMIT 1), 0)::smallint, "                                                                 \
	"coalesce((SELECT r.action FROM revocation r WHERE r.certificate_id = c.id ORDER BY r.id DESC LIMIT 1), "      \
	"0)::smallint "                                                                                                \
	"FROM certificate c LEFT JOIN request q ON q.id = c.request_id LEFT JOIN application a ON a.id = "             \
	"q.application_id "

#define APPROVERS                                                                                                      \
	", coalesce((SELECT string_agg(DISTINCT d.person, ' ') FROM request q JOIN decision_member m ON m.member = "   \
	"q.digest JOIN decision d ON d.id = m.decision_id WHERE q.application_id = a.id AND d.verdict = 1), ''), "     \
	"count(*) OVER () "

#define OPEN "a.state NOT IN ('issued', 'delivered', 'rejected', 'withdrawn', 'expired')"

const struct db_statement ra_statements[] = {
	[Q_SUBMIT] = { "ra_submit_application", 39,
		       "WITH a AS (INSERT INTO application (number, submit_digest, kind, channel, state, issuer, iin, "
		       "surname, given_name, patronymic, email, phone, bin, organisation, treasury_role, "
		       "treasury_client, system_oid, dns_names, key_storage, language, office, entered_by, agreement, "
		       "expires_at, code_hash, code_expires_at, code_sends, code_sent_at) "
		       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
		       "$20, $21, $22, $23, $24, $25, $26, ($25::bytea IS NOT NULL)::int, "
		       "CASE WHEN $25::bytea IS NOT NULL THEN now() END) "
		       "ON CONFLICT (submit_digest) DO NOTHING RETURNING id), "
		       "r AS (INSERT INTO request (application_id, purpose, issuer, profile, csr, spki_sha256, "
		       "authorisation, digest) SELECT a.id, v.purpose, $6, v.profile, v.csr, v.spki, v.auth, v.digest "
		       "FROM a, unnest($27::text[], $28::text[], $29::bytea[], $30::bytea[], $31::bytea[], "
		       "$32::bytea[]) AS v(purpose, profile, csr, spki, auth, digest)), "
		       "k AS (INSERT INTO key_claim (spki_sha256, application_id) SELECT s, a.id FROM a, "
		       "unnest($30::bytea[]) AS s), "
		       "n AS (INSERT INTO notification (dedup_key, application_id, medium, address, template, "
		       "language, fields) SELECT $33, a.id, 'sms', $12, $34, $20, $35 FROM a WHERE $33::text IS NOT "
		       "NULL), "
		       "l AS (INSERT INTO " LOG_COLUMNS ", application_id) SELECT u.kind, u.at_ms, u.entry, u.salt, "
		       "a.id FROM a, " LOG_ROWS(36, 37, 38, 39) ") SELECT id FROM a" },
	[Q_FIND_SUBMISSION] = { "ra_find_submission", 1,
				"SELECT number, state FROM application WHERE submit_digest = $1" },
	[Q_CLAIMED_KEY] = { "ra_get_claimed_keys", 1,
			    "SELECT spki_sha256 FROM key_claim WHERE spki_sha256 = ANY ($1::bytea[])" },
	[Q_APPLICATION] = { "ra_get_application", 1, "SELECT " APPLICATION "FROM application a WHERE a.number = $1" },
	[Q_LOCK_APPLICATION] = { "ra_lock_application", 1,
				 "SELECT " APPLICATION "FROM application a WHERE a.number = $1 FOR UPDATE" },
	[Q_LOCK_BY_REQUESTS] = { "ra_lock_applications_by_requests", 1,
				 "SELECT " APPLICATION "FROM application a WHERE a.id IN (SELECT q.application_id FROM "
				 "request q WHERE q.digest = ANY ($1::bytea[])) ORDER BY a.id FOR UPDATE" },
	[Q_REQUESTS] = { "ra_get_requests", 1,
			 "SELECT id, purpose, profile, authorisation, digest, spki_sha256 FROM request WHERE "
			 "application_id = $1 ORDER BY purpose" },
	[Q_MOVE] = { "ra_move_application", 12,
		     "WITH a AS (UPDATE application SET state = $2, "
		     "state_at = CASE WHEN state = $2 THEN state_at ELSE now() END, "
		     "identify_at = CASE WHEN state = $2 THEN identify_at END, "
		     "reason = $3, reason_text = $4, claimed_by = $5, claimed_until = $6 WHERE id = $1 RETURNING id), "
		     "k AS (DELETE FROM key_claim WHERE $7::boolean AND application_id = $1 AND spki_sha256 IN (SELECT "
		     "spki_sha256 FROM request WHERE application_id = $1)), "
		     "d AS (DELETE FROM issue_queue WHERE $7::boolean AND request_id IN (SELECT id FROM request WHERE "
		     "application_id = $1)), "
		     "i AS (INSERT INTO issue_queue (request_id) SELECT id FROM request WHERE $8::boolean AND "
		     "application_id = $1), "
		     "l AS (INSERT INTO " LOG_COLUMNS ", application_id) SELECT u.kind, u.at_ms, u.entry, u.salt, a.id "
		     "FROM a, " LOG_ROWS(9, 10, 11, 12) ") SELECT id FROM a" },
	[Q_NEW_CODE] = { "ra_set_code", 14,
			 "WITH a AS (UPDATE application SET state = $2, "
			 "state_at = CASE WHEN state = $2 THEN state_at ELSE now() END, code_hash = $3, code_tries = "
			 "0, "
			 "code_expires_at = $4, code_sends = code_sends + 1, code_sent_at = $5, confirmed_at = NULL, "
			 "identify_at = NULL, reason = '', reason_text = '' WHERE id = $1 RETURNING id), "
			 "n AS (INSERT INTO notification (dedup_key, application_id, medium, address, template, "
			 "language, fields) SELECT $6, a.id, 'sms', $7, $8, $9, $10 FROM a), "
			 "l AS (INSERT INTO " LOG_COLUMNS ", application_id) SELECT u.kind, u.at_ms, u.entry, u.salt, "
			 "a.id FROM a, " LOG_ROWS(11, 12, 13, 14) ") SELECT id FROM a" },
	[Q_COUNT_TRY] = { "ra_count_code_try", 1, "UPDATE application SET code_tries = code_tries + 1 WHERE id = $1" },
	[Q_CONFIRM] = { "ra_confirm_application", 8,
			"WITH a AS (UPDATE application SET state = $2, "
			"state_at = CASE WHEN state = $2 THEN state_at ELSE now() END, code_hash = NULL, "
			"confirmed_at = $3, identify_at = $4 WHERE id = $1 RETURNING id), "
			"l AS (INSERT INTO " LOG_COLUMNS ", application_id) SELECT u.kind, u.at_ms, u.entry, u.salt, "
			"a.id FROM a, " LOG_ROWS(5, 6, 7, 8) ") SELECT id FROM a" },
	[Q_TAKE_IDENTIFICATION] = { "ra_take_identification", 2,
				    "UPDATE application SET identify_at = $2 WHERE id = (SELECT id FROM application "
				    "WHERE identify_at <= $1 ORDER BY identify_at LIMIT 1 FOR UPDATE SKIP LOCKED) "
				    "RETURNING number" },
	[Q_POSTPONE_IDENTIFICATION] = { "ra_postpone_identification", 2,
					"UPDATE application SET identify_at = $2 WHERE number = $1 AND identify_at IS "
					"NOT NULL" },
	[Q_COUNT_IDENTIFICATION] = { "ra_count_identification", 1,
				     "UPDATE application SET identification_tries = identification_tries + 1, "
				     "identify_at = NULL, confirmed_at = NULL WHERE id = $1" },
	[Q_ADD_DOCUMENT] = { "ra_add_document", 10,
			     "WITH d AS (INSERT INTO application_document (application_id, name, media_type, sha256, "
			     "bytes, added_by) VALUES ($1, $2, $3, $4, $5, $6) RETURNING application_id) "
			     "INSERT INTO " LOG_COLUMNS ", application_id) SELECT u.kind, u.at_ms, u.entry, u.salt, "
			     "d.application_id FROM d, " LOG_ROWS(7, 8, 9, 10) },
	[Q_COUNT_DOCUMENTS] = { "ra_count_documents", 1,
				"SELECT count(*) FROM application_document WHERE application_id = $1" },
	[Q_DOCUMENTS] = { "ra_get_documents", 1,
			  "SELECT id, name, media_type, sha256, octet_length(bytes)::bigint, added_by, created_at FROM "
			  "application_document WHERE application_id = $1 ORDER BY id" },
	[Q_DOCUMENT] = { "ra_get_document", 2,
			 "SELECT media_type, bytes FROM application_document WHERE application_id = $1 AND id = $2" },
	[Q_HISTORY] = { "ra_get_history", 1,
			"SELECT kind, at_ms, entry FROM log_entry WHERE application_id = $1 UNION ALL SELECT kind, "
			"at_ms, entry FROM log_pending WHERE application_id = $1 ORDER BY 2" },
	[Q_QUEUE_OPEN] = { "ra_get_queue_open", 3,
			   "SELECT " APPLICATION APPROVERS "FROM application a WHERE " OPEN
			   " AND ($1::text = '' OR a.kind = $1) ORDER BY a.submitted_at, a.id LIMIT $2 OFFSET $3" },
	[Q_QUEUE_STATE] = { "ra_get_queue_state", 4,
			    "SELECT " APPLICATION APPROVERS "FROM application a WHERE a.state = $4 AND ($1::text = '' "
			    "OR a.kind = $1) ORDER BY a.submitted_at, a.id LIMIT $2 OFFSET $3" },
	[Q_ADD_DECISION] = { "ra_add_decision", 10,
			     "WITH d AS (INSERT INTO decision (digest, der, cms, kind, verdict, person, role, "
			     "key_sha256, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (digest) "
			     "DO NOTHING RETURNING id), m AS (INSERT INTO decision_member (member, decision_id) SELECT "
			     "v, d.id FROM d, unnest($10::bytea[]) AS v) SELECT id FROM d" },
	[Q_DECISIONS] = { "ra_get_decisions", 1,
			  "SELECT der, cms, digest, person, role, verdict, created_at FROM decision WHERE id IN "
			  "(SELECT decision_id FROM decision_member WHERE member = ANY ($1::bytea[])) ORDER BY id" },
	[Q_ISSUED] = { "ra_get_issued", 1,
		       "SELECT q.purpose, c.serial, c.der FROM request q JOIN certificate c ON c.request_id = q.id "
		       "WHERE q.application_id = $1 ORDER BY q.purpose" },
	[Q_CERTIFICATE] = { "ra_get_certificate", 2, "SELECT " CERTIFICATE "WHERE c.issuer = $1 AND c.serial = $2" },
	[Q_FIND_CERTIFICATES] = { "ra_find_certificates", 4,
				  "SELECT " CERTIFICATE "WHERE ($1::text = '' OR c.iin = $1) AND ($2::text = '' OR "
				  "c.bin = $2) AND ($3::text = '' OR position(lower($3) IN lower(c.common_name)) > 0) "
				  "ORDER BY c.id DESC LIMIT $4" },
	[Q_LOCK_CERTIFICATE] = { "ra_lock_certificate", 1,
				 "SELECT pg_advisory_xact_lock(7201, ($1::bigint % 2147483647)::integer)::text" },
	[Q_ORDERS] = { "ra_get_orders", 1,
		       "SELECT r.action, r.reason, r.revoked_at, r.created_at, r.ground, r.ordered_by, "
		       "EXISTS (SELECT FROM order_acceptance o WHERE o.order_id = r.id) FROM revocation r WHERE "
		       "r.certificate_id = $1 ORDER BY r.id" },
	[Q_ADD_ORDER] = { "ra_add_order", 15,
			  "WITH o AS (INSERT INTO revocation (certificate_id, issuer, serial, action, reason, "
			  "invalidity_at, revoked_at, ground, der, digest, ordered_by) VALUES ($1, $2, $3, $4, $5, $6, "
			  "$7, $8, $9, $10, $11) ON CONFLICT (digest) DO NOTHING RETURNING id), "
			  "p AS (DELETE FROM order_pending WHERE digest = $10), "
			  "l AS (INSERT INTO " LOG_COLUMNS ", certificate_id, order_id) SELECT u.kind, u.at_ms, "
			  "u.entry, u.salt, $1, o.id FROM o, " LOG_ROWS(12, 13, 14, 15) ") SELECT id FROM o" },
	[Q_FIND_ORDER] = { "ra_find_order", 1, "SELECT EXISTS (SELECT FROM revocation WHERE digest = $1)" },
	[Q_ADD_PENDING_ORDER] = { "ra_add_pending_order", 9,
				  "WITH o AS (INSERT INTO order_pending (digest, certificate_id, der, ordered_by, "
				  "expires_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING RETURNING "
				  "certificate_id) INSERT INTO " LOG_COLUMNS ", certificate_id) SELECT u.kind, "
				  "u.at_ms, u.entry, u.salt, o.certificate_id FROM o, " LOG_ROWS(6, 7, 8, 9) },
	[Q_PENDING_ORDERS] = { "ra_get_pending_orders", 1,
			       "SELECT der, digest, ordered_by, created_at, expires_at FROM order_pending WHERE "
			       "expires_at > $1 ORDER BY created_at LIMIT 1000" },
	[Q_DROP_PENDING_ORDERS] = { "ra_drop_pending_orders", 1, "DELETE FROM order_pending WHERE expires_at <= $1" },
	[Q_LEDGER_VERSION] = { "ra_get_ledger_version", 0,
			       "SELECT coalesce((SELECT max(version) FROM policy), 0), (SELECT count(*) FROM issuer)" },
	[Q_POLICIES] = { "ra_get_policies", 1, "SELECT version, der FROM policy WHERE version > $1 ORDER BY version" },
	[Q_ISSUERS] = { "ra_get_issuers", 0, "SELECT name, certificate, root FROM issuer ORDER BY name" },
	[Q_ADD_AGREEMENT] = { "ra_add_agreement", 7,
			      "WITH g AS (INSERT INTO agreement (digest, version, text) VALUES ($1, $2, $3) ON "
			      "CONFLICT (digest) DO NOTHING RETURNING digest) INSERT INTO " LOG_COLUMNS
			      ") SELECT u.kind, u.at_ms, u.entry, u.salt FROM g, " LOG_ROWS(4, 5, 6, 7) },
	[Q_TAKE_NOTICE] = { "ra_take_notice", 2,
			    "UPDATE notification SET attempts = attempts + 1, next_at = $2 WHERE id = (SELECT id FROM "
			    "notification WHERE state = 'pending' AND next_at <= $1 ORDER BY next_at LIMIT 1 FOR "
			    "UPDATE SKIP LOCKED) RETURNING id, attempts, medium, address, template, language, fields, "
			    "dedup_key" },
	[Q_END_NOTICE] = { "ra_end_notice", 4,
			   "UPDATE notification SET state = $2, next_at = $3, last_error = $4, fields = CASE WHEN $2 = "
			   "'pending' THEN fields ELSE '{}' END WHERE id = $1" },
	[Q_EXPIRED] = { "ra_get_expired", 1,
			"SELECT a.number FROM application a WHERE " OPEN " AND a.state NOT IN ('approved', 'issuing') "
			"AND a.expires_at <= $1 ORDER BY a.id LIMIT 200" },
	[Q_LAPSED_CLAIMS] = { "ra_get_lapsed_claims", 1,
			      "SELECT a.number FROM application a WHERE a.state = 'in_review' AND a.claimed_until <= "
			      "$1 "
			      "ORDER BY a.id LIMIT 200" },
	[Q_LOG] = { "ra_write_log", 4,
		    "INSERT INTO " LOG_COLUMNS ") SELECT u.kind, u.at_ms, u.entry, u.salt FROM " LOG_ROWS(1, 2, 3, 4) },
	[Q_TRANSITIONS] = { "ra_get_transitions", 0,
			    "SELECT from_state, to_state FROM application_transition ORDER BY 1, 2" },
};
const size_t ra_statements_count = sizeof ra_statements / sizeof ra_statements[0];
