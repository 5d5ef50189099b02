/*
 * queries_work.c - wrappers of the statements about policy, agreement, outbox and timers. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/queries.h"

struct err *ra_get_ledger_version(struct db *db, int64_t *out_policy, int64_t *out_issuers)
{
	OWN(db_result) r = NULL;

	TRY(db_query_one(db, &r, Q_LEDGER_VERSION, NULL));
	*out_policy = db_get_int64(r, 0, 0);
	*out_issuers = db_get_int64(r, 0, 1);
	return NULL;
}

struct err *ra_get_policies(struct db *db, struct db_result **out, int64_t above)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, above);
	return db_query(db, out, Q_POLICIES, &p);
}

void ra_policy_at(int64_t *out_version, struct slice *out_der, const struct db_result *rows, size_t i)
{
	*out_version = db_get_int64(rows, i, 0);
	*out_der = db_get_bytes(rows, i, 1);
}

struct err *ra_get_issuers(struct db *db, struct db_result **out)
{
	return db_query(db, out, Q_ISSUERS, NULL);
}

void ra_issuer_at(const char **out_name, struct slice *out_certificate, struct slice *out_root,
		  const struct db_result *rows, size_t i)
{
	*out_name = db_get_text(rows, i, 0);
	*out_certificate = db_get_bytes(rows, i, 1);
	*out_root = db_get_bytes(rows, i, 2);
}

struct err *ra_add_agreement(struct db *db, const uint8_t digest[32], const char *version, struct slice text,
			     const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;

	db_bytes(&p, SLICE(digest, 32));
	db_text(&p, version);
	db_bytes(&p, text);
	ra_log_params(&p, log);
	return db_exec(db, NULL, Q_ADD_AGREEMENT, &p);
}

struct err *ra_take_notice(struct db *db, struct db_result **out, int64_t now_ms, int64_t until_ms)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_int64(&p, now_ms);
	db_int64(&p, until_ms);
	TRY(db_query(db, &r, Q_TAKE_NOTICE, &p));
	if (db_num_rows(r) == 0)
		return NULL;
	*out = TAKE(r);
	return NULL;
}

void ra_notice_of(struct ra_notice *out, const struct db_result *row)
{
	out->id = db_get_int64(row, 0, 0);
	out->attempts = db_get_int64(row, 0, 1);
	out->medium = db_get_text(row, 0, 2);
	out->address = db_get_text(row, 0, 3);
	out->template = db_get_text(row, 0, 4);
	out->language = db_get_text(row, 0, 5);
	out->fields = db_get_text(row, 0, 6);
	out->dedup_key = db_get_text(row, 0, 7);
}

struct err *ra_end_notice(struct db *db, int64_t id, const char *state, int64_t next_ms, const char *error)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, id);
	db_text(&p, state);
	db_int64(&p, next_ms);
	db_text(&p, error);
	return db_exec(db, NULL, Q_END_NOTICE, &p);
}

struct err *ra_get_expired(struct db *db, struct db_result **out, int64_t now_ms)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, now_ms);
	return db_query(db, out, Q_EXPIRED, &p);
}

struct err *ra_get_lapsed_claims(struct db *db, struct db_result **out, int64_t now_ms)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, now_ms);
	return db_query(db, out, Q_LAPSED_CLAIMS, &p);
}

const char *ra_number_at(const struct db_result *rows, size_t i)
{
	return db_get_text(rows, i, 0);
}

struct err *ra_write_log(struct db *db, const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;

	if (log->num == 0)
		return NULL;
	ra_log_params(&p, log);
	return db_exec(db, NULL, Q_LOG, &p);
}

struct err *ra_get_transitions(struct db *db, struct db_result **out)
{
	return db_query(db, out, Q_TRANSITIONS, NULL);
}

void ra_transition_at(const char **out_from, const char **out_to, const struct db_result *rows, size_t i)
{
	*out_from = db_get_text(rows, i, 0);
	*out_to = db_get_text(rows, i, 1);
}
