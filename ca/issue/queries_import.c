/*
 * queries_import.c - typed wrappers of the statements that bring the ceremony into the ledger. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/queries.h"

struct err *ca_add_issuer(struct db *db, bool *out_is_new, const char *name, struct slice certificate,
			  struct slice root)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;
	size_t n = 0;

	db_text(&p, name);
	db_bytes(&p, certificate);
	db_bytes(&p, root);
	TRY(db_exec(db, &n, Q_CA_ADD_ISSUER, &p));
	p.num = 1;
	TRY(db_query_one(db, &r, Q_CA_ISSUER, &p));
	ENSURE(slice_equal(db_get_bytes(r, 0, 0), certificate) && slice_equal(db_get_bytes(r, 0, 1), root), CONFLICT,
	       "the ledger has issuer %s with other certificates", name);
	*out_is_new = n == 1;
	return db_exec(db, NULL, Q_CA_ADD_CRL_COUNTER, &p);
}

struct err *ca_add_responder(struct db *db, const char *issuer, struct slice certificate, int64_t not_after_at)
{
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, issuer);
	db_bytes(&p, certificate);
	db_int64(&p, not_after_at);
	return db_exec(db, NULL, Q_CA_ADD_RESPONDER, &p);
}

static struct err *check_same(struct db *db, const struct ca_certificate *row)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;
	char hex[SERIAL_HEX_SIZE];

	db_text(&p, row->issuer);
	db_bytes(&p, serial_slice(&row->serial));
	TRY(db_query_one(db, &r, Q_CA_CERTIFICATE_DIGEST, &p));
	ENSURE(slice_equal(db_get_bytes(r, 0, 0), row->sha256), CONFLICT,
	       "the ledger has another certificate with serial number %s of issuer %s", serial_hex(hex, &row->serial),
	       row->issuer);
	return NULL;
}

struct err *ca_add_ceremony_certificate(struct db *db, int64_t *out_id, const struct ca_certificate *row)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, row->issuer);
	db_bytes(&p, serial_slice(&row->serial));
	db_text(&p, row->profile);
	db_text(&p, row->channel);
	db_text(&p, row->iin);
	db_text(&p, row->bin);
	db_text_slice(&p, row->common_name.p == NULL ? SLICE_STR("") : row->common_name);
	db_bytes(&p, row->der);
	db_bytes(&p, row->sha256);
	db_bytes(&p, row->spki_sha256);
	db_int64(&p, row->not_before_at);
	db_int64(&p, row->not_after_at);
	TRY(db_query(db, &r, Q_CA_ADD_CEREMONY_CERTIFICATE, &p));
	*out_id = db_num_rows(r) == 1 ? db_get_int64(r, 0, 0) : 0;
	if (*out_id == 0)
		TRY(check_same(db, row));
	struct db_params key = DB_PARAMS_INIT;
	db_bytes(&key, row->spki_sha256);
	return db_exec(db, NULL, Q_CA_ADD_KEY_CLAIM, &key);
}

struct err *ca_add_policy(struct db *db, bool *out_is_new, int64_t version, struct slice der)
{
	OWN(buf) known = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	struct db_params p = DB_PARAMS_INIT;
	size_t n = 0;

	db_int64(&p, version);
	db_bytes(&p, der);
	TRY(db_exec(db, &n, Q_CA_ADD_POLICY, &p));
	TRY(ca_get_policy(db, &known, version));
	ENSURE(slice_equal(buf_slice(&known), der), CONFLICT, "the ledger has Policy version %lld with other bytes",
	       (long long)version);
	*out_is_new = n == 1;
	return NULL;
}
