/*
 * queries.c - the statements of cad. See queries.h.
 *
 * Many rows at once go in as arrays. Times of certificates are given by the program; times of the queue are the
 * database's, so that several instances agree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/queries.h"

#include <stdlib.h>

const struct db_statement ca_statements[CA_STATEMENT_COUNT] = {
	[Q_CA_FREE_LEASES] = { "ca_free_leases", 0,
			       "UPDATE issue_queue SET retry_at = now() WHERE retry_at > now() AND last_error = ''" },
	/* A pair of requests stays together: the siblings of what was picked come with it. */
	[Q_CA_CLAIM] = { "ca_claim_requests", 2,
			 "WITH picked AS MATERIALIZED ("
			 "  SELECT q.request_id, r.application_id FROM issue_queue q JOIN request r ON r.id = "
			 "q.request_id"
			 "  WHERE q.retry_at <= now() ORDER BY q.retry_at, q.request_id LIMIT $1"
			 "  FOR UPDATE OF q SKIP LOCKED),"
			 " siblings AS MATERIALIZED ("
			 "  SELECT q.request_id FROM issue_queue q JOIN request r ON r.id = q.request_id"
			 "  WHERE r.application_id IN (SELECT application_id FROM picked)"
			 "  AND q.request_id NOT IN (SELECT request_id FROM picked) AND q.retry_at <= now()"
			 "  FOR UPDATE OF q SKIP LOCKED),"
			 " leased AS (UPDATE issue_queue q SET attempts = q.attempts + 1,"
			 "  retry_at = now() + $2::bigint * interval '1 millisecond', last_error = ''"
			 "  FROM (SELECT request_id FROM picked UNION ALL SELECT request_id FROM siblings) p,"
			 "   issue_queue before"
			 "  WHERE q.request_id = p.request_id AND before.request_id = p.request_id"
			 "  RETURNING q.request_id, q.attempts, q.enqueued_at, before.last_error)"
			 "SELECT l.request_id, r.application_id, l.attempts, l.enqueued_at, l.last_error,"
			 " a.number, a.kind, a.channel, a.state, r.purpose, r.issuer, r.profile,"
			 " r.authorisation, r.digest, r.spki_sha256, i.serial, i.not_before_at, i.not_after_at, i.tbs "
			 "FROM leased l JOIN request r ON r.id = l.request_id JOIN application a ON a.id = "
			 "r.application_id "
			 "LEFT JOIN LATERAL (SELECT * FROM issuance i WHERE i.request_id = r.id"
			 "  ORDER BY i.not_before_at DESC, i.created_at DESC LIMIT 1) i ON true "
			 "ORDER BY r.application_id, l.request_id" },
	[Q_CA_MEMBERS] = { "ca_list_decision_members", 2,
			   "SELECT m.ord - 1, d.id FROM unnest($1::bytea[]) WITH ORDINALITY m(digest, ord) "
			   "JOIN decision_member dm ON dm.member = m.digest JOIN decision d ON d.id = dm.decision_id "
			   "WHERE d.kind = $2::bigint AND d.verdict = 1 ORDER BY m.ord, d.id" },
	[Q_CA_DECISIONS] = { "ca_list_decisions", 1,
			     "SELECT id, digest, der, cms, person, expires_at FROM decision "
			     "WHERE id = ANY ($1::bigint[]) ORDER BY id" },
	[Q_CA_BEGIN_ISSUE] = { "ca_begin_issue", 1,
			       "UPDATE application SET state = 'issuing', state_at = now() "
			       "WHERE id = ANY ($1::bigint[]) AND state = 'approved' RETURNING id" },
	[Q_CA_ADD_PLANS] = { "ca_add_plans", 6,
			     "INSERT INTO issuance (request_id, issuer, serial, not_before_at, not_after_at, tbs) "
			     "SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], "
			     "$6::bytea[])" },
	[Q_CA_ADD_PLAN] = { "ca_add_plan", 6,
			    "INSERT INTO issuance (request_id, issuer, serial, not_before_at, not_after_at, tbs) "
			    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING" },
	[Q_CA_LOCK_APPLICATIONS] = { "ca_lock_applications", 1,
				     "SELECT id FROM application WHERE id = ANY ($1::bigint[]) ORDER BY id FOR "
				     "UPDATE" },
	[Q_CA_ADD_CERTIFICATES] = { "ca_add_certificates", 16,
				    "INSERT INTO certificate (request_id, issuer, serial, origin, profile, purpose, "
				    "channel, "
				    "iin, bin, common_name, der, sha256, spki_sha256, not_before_at, not_after_at, "
				    "journal_seq) "
				    "SELECT u.request_id, u.issuer, u.serial, $16, u.profile, u.purpose, u.channel, "
				    "u.iin, u.bin, "
				    "u.common_name, u.der, u.sha256, u.spki, u.nb, u.na, u.seq "
				    "FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[], $5::text[], "
				    "$6::text[], "
				    "$7::text[], $8::text[], $9::text[], $10::bytea[], $11::bytea[], $12::bytea[], "
				    "$13::bigint[], $14::bigint[], $15::bigint[]) "
				    "u(request_id, issuer, serial, profile, purpose, channel, iin, bin, common_name, "
				    "der, "
				    "sha256, spki, nb, na, seq) ON CONFLICT DO NOTHING RETURNING id, request_id" },
	[Q_CA_CERTIFICATES_OF] = { "ca_get_certificate_of", 2,
				   "SELECT count(*) FROM certificate WHERE request_id = $1 AND sha256 = $2" },
	[Q_CA_DEQUEUE] = { "ca_dequeue_requests", 1, "DELETE FROM issue_queue WHERE request_id = ANY ($1::bigint[])" },
	[Q_CA_COMPLETE] = { "ca_list_complete", 1,
			    "SELECT a.id, a.number FROM application a WHERE a.id = ANY ($1::bigint[]) AND a.state = "
			    "'issuing' "
			    "AND NOT EXISTS (SELECT FROM request r WHERE r.application_id = a.id AND NOT EXISTS "
			    "(SELECT FROM certificate c WHERE c.request_id = r.id)) ORDER BY a.id" },
	[Q_CA_FINISH] = { "ca_finish_applications", 1,
			  "UPDATE application SET state = 'issued', state_at = now() WHERE id = ANY ($1::bigint[])" },
	[Q_CA_REJECT] = { "ca_reject_application", 3,
			  "WITH before AS (SELECT id, state FROM application WHERE id = $1 "
			  "AND state IN ('approved', 'issuing') FOR UPDATE) "
			  "UPDATE application a SET state = 'rejected', state_at = now(), reason = $2, reason_text = "
			  "$3 "
			  "FROM before WHERE a.id = before.id RETURNING before.state" },
	[Q_CA_DEQUEUE_APPLICATION] = { "ca_dequeue_application", 1,
				       "DELETE FROM issue_queue q USING request r "
				       "WHERE r.application_id = $1 AND q.request_id = r.id" },
	[Q_CA_FREE_KEYS] = { "ca_free_keys", 1,
			     "DELETE FROM key_claim k WHERE k.application_id = $1 AND NOT EXISTS "
			     "(SELECT FROM request r JOIN certificate c ON c.request_id = r.id "
			     "WHERE r.application_id = $1 AND r.spki_sha256 = k.spki_sha256)" },
	[Q_CA_POSTPONE] = { "ca_postpone_requests", 3,
			    "UPDATE issue_queue q SET retry_at = now() + u.wait * interval '1 millisecond', "
			    "last_error = u.error FROM unnest($1::bigint[], $2::bigint[], $3::text[]) u(id, wait, "
			    "error) "
			    "WHERE q.request_id = u.id" },
	[Q_CA_LOG] = { "ca_add_log", 7,
		       "INSERT INTO log_pending (kind, at_ms, entry, salt, application_id, certificate_id, order_id) "
		       "SELECT kind, at_ms, entry, salt, nullif(a, 0), nullif(c, 0), nullif(o, 0) "
		       "FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[], "
		       "$7::bigint[]) WITH ORDINALITY u(kind, at_ms, entry, salt, a, c, o, ord) ORDER BY ord" },
	[Q_CA_ORDERS] = { "ca_list_orders", 2,
			  "SELECT r.id, r.certificate_id, r.issuer, r.serial, r.action, r.der, r.digest, c.der "
			  "FROM revocation r JOIN certificate c ON c.id = r.certificate_id "
			  "WHERE r.id > $1 AND NOT EXISTS (SELECT FROM order_acceptance o WHERE o.order_id = r.id) "
			  "AND NOT EXISTS (SELECT FROM log_entry l WHERE l.order_id = r.id AND l.kind = "
			  "'order.refused') "
			  "AND NOT EXISTS (SELECT FROM log_pending l WHERE l.order_id = r.id AND l.kind = "
			  "'order.refused') "
			  "ORDER BY r.id LIMIT $2" },
	[Q_CA_LAST_ORDER] = { "ca_get_last_order", 0, "SELECT coalesce(max(id), 0) FROM revocation" },
	[Q_CA_ACCEPT_ORDERS] = { "ca_accept_orders", 2,
				 "INSERT INTO order_acceptance (order_id, seq) "
				 "SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING" },
	[Q_CA_ORDER_SEQ] = { "ca_get_order_seq", 0, "SELECT coalesce(max(seq), 0) FROM order_acceptance" },
	[Q_CA_NEWEST_POLICY] = { "ca_get_newest_policy", 0,
				 "SELECT version, der FROM policy ORDER BY version DESC LIMIT 1" },
	[Q_CA_POLICY] = { "ca_get_policy", 1, "SELECT der FROM policy WHERE version = $1" },
	[Q_CA_ISSUERS] = { "ca_list_issuers", 0, "SELECT name, certificate FROM issuer ORDER BY name" },
	[Q_CA_QUEUE_FIGURES] = { "ca_get_queue_figures", 0,
				 "SELECT count(*), coalesce(extract(epoch FROM now() - min(enqueued_at)), 0)::bigint, "
				 "count(*) FILTER (WHERE last_error <> '') FROM issue_queue" },
	[Q_CA_ADD_ISSUER] = { "ca_add_issuer", 3,
			      "INSERT INTO issuer (name, certificate, root) VALUES ($1, $2, $3) ON CONFLICT DO "
			      "NOTHING" },
	[Q_CA_ISSUER] = { "ca_get_issuer", 1, "SELECT certificate, root FROM issuer WHERE name = $1" },
	[Q_CA_ADD_CRL_COUNTER] = { "ca_add_crl_counter", 1,
				   "INSERT INTO crl_counter (issuer) VALUES ($1) ON CONFLICT DO NOTHING" },
	[Q_CA_ADD_RESPONDER] = { "ca_add_responder", 3,
				 "INSERT INTO responder (issuer, certificate, not_after_at) VALUES ($1, $2, $3) "
				 "ON CONFLICT DO NOTHING" },
	[Q_CA_ADD_CEREMONY_CERTIFICATE] = { "ca_add_ceremony_certificate", 12,
					    "INSERT INTO certificate (issuer, serial, origin, profile, channel, iin, "
					    "bin, "
					    "common_name, der, sha256, spki_sha256, not_before_at, not_after_at) "
					    "VALUES ($1, $2, 'ceremony', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
					    "ON CONFLICT DO NOTHING RETURNING id" },
	[Q_CA_CERTIFICATE_DIGEST] = { "ca_get_certificate_digest", 2,
				      "SELECT sha256 FROM certificate WHERE issuer = $1 AND serial = $2" },
	[Q_CA_ADD_KEY_CLAIM] = { "ca_add_key_claim", 1,
				 "INSERT INTO key_claim (spki_sha256) VALUES ($1) ON CONFLICT DO NOTHING" },
	[Q_CA_ADD_POLICY] = { "ca_add_policy", 2,
			      "INSERT INTO policy (version, der) VALUES ($1, $2) ON CONFLICT DO NOTHING" },
};
const size_t ca_statements_count = CA_STATEMENT_COUNT;

/* Arrays of one column each, for the log. */
struct log_columns {
	struct slice *kinds, *entries, *salts;
	int64_t *at_ms, *applications, *certificates, *orders;
};

static void columns_clear(struct log_columns *self)
{
	free(self->kinds);
	free(self->entries);
	free(self->salts);
	free(self->at_ms);
	free(self->applications);
	free(self->certificates);
	free(self->orders);
}
OWN_TYPE(log_columns, struct log_columns, columns_clear)

static struct err *columns_init(struct log_columns *self, const struct ca_log *log)
{
	size_t n = log->num;

	*self = (struct log_columns){ calloc(n, sizeof(struct slice)), calloc(n, sizeof(struct slice)),
				      calloc(n, sizeof(struct slice)), calloc(n, sizeof(int64_t)),
				      calloc(n, sizeof(int64_t)),      calloc(n, sizeof(int64_t)),
				      calloc(n, sizeof(int64_t)) };
	ENSURE(self->kinds != NULL && self->entries != NULL && self->salts != NULL && self->at_ms != NULL &&
		       self->applications != NULL && self->certificates != NULL && self->orders != NULL,
	       NO_MEMORY, "%zu log entries", n);
	for (size_t i = 0; i < n; i++) {
		const struct ca_log_row *row = &log->rows[i];
		self->kinds[i] = SLICE_STR(row->kind);
		self->entries[i] = buf_slice(&row->entry);
		self->salts[i] = SLICE(row->salt, LOG_SALT_SIZE);
		self->at_ms[i] = row->at_ms;
		self->applications[i] = row->application_id;
		self->certificates[i] = row->certificate_id;
		self->orders[i] = row->order_id;
	}
	return NULL;
}

struct err *ca_add_log(struct db *db, const struct ca_log *log)
{
	OWN(log_columns) c = { 0 };
	struct db_params p = DB_PARAMS_INIT;

	if (log->num == 0)
		return NULL;
	TRY(columns_init(&c, log));
	db_slice_array(&p, c.kinds, log->num);
	db_int64_array(&p, c.at_ms, log->num);
	db_slice_array(&p, c.entries, log->num);
	db_slice_array(&p, c.salts, log->num);
	db_int64_array(&p, c.applications, log->num);
	db_int64_array(&p, c.certificates, log->num);
	db_int64_array(&p, c.orders, log->num);
	return db_exec(db, NULL, Q_CA_LOG, &p);
}
