/*
 * ocsp_ledger.h - rows of the ledger that ocspd reads, written as rad and cad would leave them, for its tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_OCSP_OCSP_LEDGER_H
#define TESTS_OCSP_OCSP_LEDGER_H

#include "base/text.h"
#include "support/pg.h"
#include "support/sign.h"
#include "support/suite.h"

static inline const char *ol_hex(struct buf *scratch, struct slice bytes)
{
	const char *text = NULL;

	buf_reset(scratch);
	ck_ok(text_hex(scratch, bytes));
	ck_ok(buf_str(scratch, &text));
	return text;
}

static inline void ol_issuer(const char *name, const struct test_person *ca)
{
	OWN(buf) hex = BUF_INIT(1 << 20);

	pg_sql("INSERT INTO issuer (name, certificate, root) VALUES ('%s', '\\x%s', '\\x00')", name,
	       ol_hex(&hex, buf_slice(&ca->der)));
}

static inline void ol_responder(const char *issuer, const struct test_person *responder, int64_t not_after_at)
{
	OWN(buf) hex = BUF_INIT(1 << 20);

	pg_sql("INSERT INTO responder (issuer, certificate, not_after_at) VALUES ('%s', '\\x%s', %lld)", issuer,
	       ol_hex(&hex, buf_slice(&responder->der)), (long long)not_after_at);
}

/* A certificate with its pending log entry, committed together; returns its id. */
static inline int64_t ol_certificate(const char *issuer, const char *serial)
{
	return pg_number(
		"WITH c AS (INSERT INTO certificate (issuer, serial, origin, profile, der, sha256, spki_sha256, "
		"not_before_at, not_after_at) VALUES ('%s', '\\x%s', 'issued', 'x', '', sha256('%s%s'::bytea), "
		"sha256('k%s%s'::bytea), 0, 9999999999) RETURNING id), "
		"l AS (INSERT INTO log_pending (kind, at_ms, entry, salt, certificate_id) SELECT "
		"'certificate.issued', 0, '', '\\x00000000000000000000000000000000', id FROM c) "
		"SELECT id FROM c",
		issuer, serial, issuer, serial, issuer, serial);
}

/* An order (1 revoke, 2 hold, 3 release) with its pending log entry; returns its id. */
static inline int64_t ol_order(int64_t certificate, int action, int reason, int64_t at)
{
	return pg_number(
		"WITH r AS (INSERT INTO revocation (certificate_id, issuer, serial, action, reason, revoked_at, der, "
		"digest, ordered_by) SELECT id, issuer, serial, %d, %d, %lld, '', "
		"sha256(convert_to(gen_random_uuid()::text, 'UTF8')), 'x' FROM certificate WHERE id = %lld RETURNING "
		"id), "
		"l AS (INSERT INTO log_pending (kind, at_ms, entry, salt, certificate_id, order_id) SELECT "
		"'status.revoked', 0, '', '\\x00000000000000000000000000000000', %lld, id FROM r) "
		"SELECT id FROM r",
		action, reason, (long long)at, (long long)certificate, (long long)certificate);
}

/* What the sequencer does: the first `max` pending entries get their indexes. */
static inline void ol_sequence(int max)
{
	pg_sql("WITH gone AS (DELETE FROM log_pending WHERE id IN (SELECT id FROM log_pending ORDER BY id LIMIT %d) "
	       "RETURNING *) "
	       "INSERT INTO log_entry (idx, kind, at_ms, entry, salt, leaf_hash, application_id, certificate_id, "
	       "order_id) "
	       "SELECT (SELECT coalesce(max(idx) + 1, 0) FROM log_entry) + row_number() OVER (ORDER BY id) - 1, kind, "
	       "at_ms, "
	       "entry, salt, sha256(''::bytea), application_id, certificate_id, order_id FROM gone",
	       max);
}

#endif
