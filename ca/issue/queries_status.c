/*
 * queries_status.c - typed wrappers of the statements of orders, Policy and figures. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/queries.h"

struct err *ca_orders(struct db *db, struct db_result **out, int64_t after, int64_t max)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, after);
	db_int64(&p, max);
	return db_query(db, out, Q_CA_ORDERS, &p);
}

struct err *ca_order_at(struct ca_order *out, const struct db_result *rows, size_t i)
{
	*out = (struct ca_order){ .id = db_get_int64(rows, i, 0),
				  .certificate_id = db_get_int64(rows, i, 1),
				  .issuer = db_get_text(rows, i, 2),
				  .action = db_get_int64(rows, i, 4),
				  .der = db_get_bytes(rows, i, 5),
				  .digest = db_get_bytes(rows, i, 6),
				  .certificate = db_get_bytes(rows, i, 7) };
	return serial_from_octets(&out->serial, db_get_bytes(rows, i, 3));
}

static struct err *one_number(struct db *db, int64_t *out, enum ca_statement statement)
{
	OWN(db_result) r = NULL;

	TRY(db_query_one(db, &r, statement, NULL));
	*out = db_get_int64(r, 0, 0);
	return NULL;
}

struct err *ca_last_order(struct db *db, int64_t *out_id)
{
	return one_number(db, out_id, Q_CA_LAST_ORDER);
}

struct err *ca_order_seq(struct db *db, int64_t *out_seq)
{
	return one_number(db, out_seq, Q_CA_ORDER_SEQ);
}

struct err *ca_accept_orders(struct db *db, const int64_t *order_ids, const int64_t *seqs, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, order_ids, num);
	db_int64_array(&p, seqs, num);
	return db_exec(db, NULL, Q_CA_ACCEPT_ORDERS, &p);
}

struct err *ca_newest_policy(struct db *db, int64_t *out_version, struct buf *out_der)
{
	OWN(db_result) r = NULL;

	TRY(db_query_one(db, &r, Q_CA_NEWEST_POLICY, NULL));
	TRY(buf_set(out_der, db_get_bytes(r, 0, 1)));
	*out_version = db_get_int64(r, 0, 0);
	return NULL;
}

struct err *ca_get_policy(struct db *db, struct buf *out_der, int64_t version)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, version);
	TRY(db_query_one(db, &r, Q_CA_POLICY, &p));
	return buf_set(out_der, db_get_bytes(r, 0, 0));
}

struct err *ca_issuers(struct db *db, struct db_result **out)
{
	return db_query(db, out, Q_CA_ISSUERS, NULL);
}

void ca_issuer_at(struct issue_issuer_row *out, const struct db_result *rows, size_t i)
{
	*out = (struct issue_issuer_row){ db_get_text(rows, i, 0), db_get_bytes(rows, i, 1) };
}

struct err *ca_queue_figures(struct db *db, struct ca_figures *out)
{
	OWN(db_result) r = NULL;

	TRY(db_query_one(db, &r, Q_CA_QUEUE_FIGURES, NULL));
	*out = (struct ca_figures){ db_get_int64(r, 0, 0), db_get_int64(r, 0, 1), db_get_int64(r, 0, 2) };
	return NULL;
}
