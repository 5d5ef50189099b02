/*
 * queries_certificate.c - wrappers of the statements about decisions, certificates and orders. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/queries.h"

struct err *ra_add_decision(struct db *db, bool *out_is_new, const struct ra_new_decision *d)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_bytes(&p, SLICE(d->digest, 32));
	db_bytes(&p, d->der);
	db_bytes(&p, d->cms);
	db_int64(&p, d->kind);
	db_int64(&p, d->verdict);
	db_text(&p, d->person);
	db_text(&p, d->role);
	db_bytes(&p, SLICE(d->key_hash, 32));
	db_int64(&p, d->expires_at);
	db_slice_array(&p, d->members, d->num_members);
	TRY(db_query(db, &r, Q_ADD_DECISION, &p));
	*out_is_new = db_num_rows(r) == 1;
	return NULL;
}

struct err *ra_get_decisions(struct db *db, struct db_result **out, const struct slice *members, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_slice_array(&p, members, num);
	return db_query(db, out, Q_DECISIONS, &p);
}

void ra_decision_at(struct ra_decision *out, const struct db_result *rows, size_t i)
{
	out->der = db_get_bytes(rows, i, 0);
	out->cms = db_get_bytes(rows, i, 1);
	out->digest = db_get_bytes(rows, i, 2);
	out->person = db_get_text(rows, i, 3);
	out->role = db_get_text(rows, i, 4);
	out->verdict = db_get_int64(rows, i, 5);
	out->at_ms = db_get_time_ms(rows, i, 6);
}

struct err *ra_get_issued(struct db *db, struct db_result **out, int64_t application_id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, application_id);
	return db_query(db, out, Q_ISSUED, &p);
}

void ra_issued_at(struct ra_issued *out, const struct db_result *rows, size_t i)
{
	out->purpose = db_get_text(rows, i, 0);
	out->serial = db_get_bytes(rows, i, 1);
	out->der = db_get_bytes(rows, i, 2);
}

struct err *ra_get_certificate(struct db *db, struct db_result **out, const char *issuer, struct slice serial)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_text(&p, issuer);
	db_bytes(&p, serial);
	TRY(db_query(db, &r, Q_CERTIFICATE, &p));
	ENSURE_FIELD(db_num_rows(r) == 1, NOT_FOUND, "serial", "there is no certificate with this serial number");
	*out = TAKE(r);
	return NULL;
}

struct err *ra_find_certificates(struct db *db, struct db_result **out, const char *iin, const char *bin,
				 const char *name, int64_t limit)
{
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, iin);
	db_text(&p, bin);
	db_text(&p, name);
	db_int64(&p, limit);
	return db_query(db, out, Q_FIND_CERTIFICATES, &p);
}

void ra_certificate_at(struct ra_certificate *out, const struct db_result *rows, size_t i)
{
	out->id = db_get_int64(rows, i, 0);
	out->issuer = db_get_text(rows, i, 1);
	out->serial = db_get_bytes(rows, i, 2);
	out->profile = db_get_text(rows, i, 3);
	out->purpose = db_get_text(rows, i, 4);
	out->channel = db_get_text(rows, i, 5);
	out->der = db_get_bytes(rows, i, 6);
	out->sha256 = db_get_bytes(rows, i, 7);
	out->iin = db_get_text(rows, i, 8);
	out->bin = db_get_text(rows, i, 9);
	out->common_name = db_get_text(rows, i, 10);
	out->not_before_at = db_get_int64(rows, i, 11);
	out->not_after_at = db_get_int64(rows, i, 12);
	out->application = db_get_text(rows, i, 13);
	out->action = db_get_int64(rows, i, 14);
	out->last_action = db_get_int64(rows, i, 15);
}

struct err *ra_lock_certificate(struct db *db, int64_t id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, id);
	return db_exec(db, NULL, Q_LOCK_CERTIFICATE, &p);
}

struct err *ra_get_orders(struct db *db, struct db_result **out, int64_t certificate_id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, certificate_id);
	return db_query(db, out, Q_ORDERS, &p);
}

void ra_order_at(struct ra_order *out, const struct db_result *rows, size_t i)
{
	out->action = db_get_int64(rows, i, 0);
	out->reason = db_get_int64(rows, i, 1);
	out->revoked_at = db_get_int64(rows, i, 2);
	out->created_ms = db_get_time_ms(rows, i, 3);
	out->ground = db_get_text(rows, i, 4);
	out->ordered_by = db_get_text(rows, i, 5);
	out->is_accepted = db_get_bool(rows, i, 6);
}

struct err *ra_add_order(struct db *db, bool *out_is_new, const struct ra_new_order *o, const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_int64(&p, o->certificate_id);
	db_text(&p, o->issuer);
	db_bytes(&p, o->serial);
	db_int64(&p, o->action);
	db_int64(&p, o->reason);
	db_int64_or_null(&p, o->invalidity_at, !o->has_invalidity_at);
	db_int64(&p, o->revoked_at);
	db_text_slice(&p, o->ground.p == NULL ? SLICE("", 0) : o->ground);
	db_bytes(&p, o->der);
	db_bytes(&p, SLICE(o->digest, 32));
	db_text(&p, o->ordered_by);
	ra_log_params(&p, log);
	TRY(db_query(db, &r, Q_ADD_ORDER, &p));
	*out_is_new = db_num_rows(r) == 1;
	return NULL;
}

struct err *ra_find_order(struct db *db, bool *out_found, const uint8_t digest[32])
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_bytes(&p, SLICE(digest, 32));
	TRY(db_query_one(db, &r, Q_FIND_ORDER, &p));
	*out_found = db_get_bool(r, 0, 0);
	return NULL;
}

struct err *ra_add_pending_order(struct db *db, const struct ra_new_order *o, int64_t expires_at,
				 const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;

	db_bytes(&p, SLICE(o->digest, 32));
	db_int64(&p, o->certificate_id);
	db_bytes(&p, o->der);
	db_text(&p, o->ordered_by);
	db_int64(&p, expires_at);
	ra_log_params(&p, log);
	return db_exec(db, NULL, Q_ADD_PENDING_ORDER, &p);
}

struct err *ra_get_pending_orders(struct db *db, struct db_result **out, int64_t now_s)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, now_s);
	return db_query(db, out, Q_PENDING_ORDERS, &p);
}

void ra_pending_order_at(struct ra_pending_order *out, const struct db_result *rows, size_t i)
{
	out->der = db_get_bytes(rows, i, 0);
	out->digest = db_get_bytes(rows, i, 1);
	out->ordered_by = db_get_text(rows, i, 2);
	out->created_ms = db_get_time_ms(rows, i, 3);
	out->expires_at = db_get_int64(rows, i, 4);
}

struct err *ra_drop_pending_orders(struct db *db, int64_t now_s)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, now_s);
	return db_exec(db, NULL, Q_DROP_PENDING_ORDERS, &p);
}
