/*
 * queries_issue.c - typed wrappers of the statements of the queue, plans and certificates. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/issue/queries.h"

struct err *ca_free_leases(struct db *db, size_t *out_num)
{
	return db_exec(db, out_num, Q_CA_FREE_LEASES, NULL);
}

/* ---- claiming */

static struct err *item_read_plan(struct issue_item *out, const struct db_result *r, size_t row)
{
	if (db_is_null(r, row, 15))
		return NULL;
	TRY(serial_from_octets(&out->serial, db_get_bytes(r, row, 15)));
	out->not_before_at = db_get_int64(r, row, 16);
	out->not_after_at = db_get_int64(r, row, 17);
	TRY(buf_append(&out->tbs, db_get_bytes(r, row, 18)));
	out->has_recorded = true;
	return NULL;
}

static struct err *item_read(struct issue_item *out, const struct db_result *r, size_t row)
{
	*out = (struct issue_item){ .request_id = db_get_int64(r, row, 0),
				    .application_id = db_get_int64(r, row, 1),
				    .attempts = db_get_int64(r, row, 2),
				    .enqueued_ms = db_get_time_ms(r, row, 3),
				    .last_error = db_get_text(r, row, 4),
				    .number = db_get_text(r, row, 5),
				    .kind = db_get_text(r, row, 6),
				    .channel = db_get_text(r, row, 7),
				    .state = db_get_text(r, row, 8),
				    .purpose = db_get_text(r, row, 9),
				    .issuer = db_get_text(r, row, 10),
				    .profile = db_get_text(r, row, 11),
				    .authorisation = db_get_bytes(r, row, 12),
				    .digest = db_get_bytes(r, row, 13),
				    .spki_sha256 = db_get_bytes(r, row, 14),
				    .tbs = BUF_INIT(CERT_TBS_MAX),
				    .certificate = BUF_INIT(CERT_MAX_BYTES) };
	return item_read_plan(out, r, row);
}

struct err *ca_claim(struct db *db, struct issue_batch *batch, int64_t max, int64_t lease_ms)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, max);
	db_int64(&p, lease_ms);
	TRY(db_query(db, &batch->claim, Q_CA_CLAIM, &p));
	size_t num = db_num_rows(batch->claim);
	batch->items = calloc(num + 1, sizeof *batch->items);
	ENSURE(batch->items != NULL, NO_MEMORY, "batch of %zu", num);
	for (size_t i = 0; i < num; i++) {
		batch->num = i + 1; /* what is half read is cleared too */
		TRY(item_read(&batch->items[i], batch->claim, i));
	}
	return NULL;
}

/* ---- decisions */

void ca_evidence_clear(struct ca_evidence *self)
{
	db_result_destroy(&self->rows);
	free(self->decisions);
	free(self->pairs);
	memset(self, 0, sizeof *self);
}

static struct err *read_decisions(struct db *db, struct ca_evidence *out, const int64_t *ids, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, ids, num);
	TRY(db_query(db, &out->rows, Q_CA_DECISIONS, &p));
	out->num_decisions = db_num_rows(out->rows);
	out->decisions = calloc(out->num_decisions + 1, sizeof *out->decisions);
	ENSURE(out->decisions != NULL, NO_MEMORY, "%zu decisions", out->num_decisions);
	for (size_t i = 0; i < out->num_decisions; i++)
		out->decisions[i] = (struct issue_evidence){ .id = db_get_int64(out->rows, i, 0),
							     .digest = db_get_bytes(out->rows, i, 1),
							     .der = db_get_bytes(out->rows, i, 2),
							     .cms = db_get_bytes(out->rows, i, 3),
							     .person = db_get_text(out->rows, i, 4),
							     .expires_at = db_get_int64(out->rows, i, 5) };
	return NULL;
}

/* The decisions stand in order of their ids. */
static struct err *find_decision(size_t *out, const struct ca_evidence *evidence, int64_t id)
{
	size_t low = 0, high = evidence->num_decisions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (evidence->decisions[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	ENSURE(low < evidence->num_decisions && evidence->decisions[low].id == id, BUG, "decision %lld is gone",
	       (long long)id);
	*out = low;
	return NULL;
}

static struct err *read_pairs(struct ca_evidence *out, const struct db_result *members)
{
	out->num_pairs = db_num_rows(members);
	out->pairs = calloc(out->num_pairs + 1, sizeof *out->pairs);
	ENSURE(out->pairs != NULL, NO_MEMORY, "%zu decided members", out->num_pairs);
	for (size_t i = 0; i < out->num_pairs; i++) {
		out->pairs[i].member = (size_t)db_get_int64(members, i, 0);
		TRY(find_decision(&out->pairs[i].decision, out, db_get_int64(members, i, 1)));
	}
	return NULL;
}

struct err *ca_evidence_of(struct db *db, struct ca_evidence *out, int64_t kind, const struct slice *members,
			   size_t num)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_slice_array(&p, members, num);
	db_int64(&p, kind);
	TRY(db_query(db, &r, Q_CA_MEMBERS, &p));
	size_t num_rows = db_num_rows(r);
	int64_t *ids = calloc(num_rows + 1, sizeof *ids);
	ENSURE(ids != NULL, NO_MEMORY, "%zu decided members", num_rows);
	for (size_t i = 0; i < num_rows; i++)
		ids[i] = db_get_int64(r, i, 1);
	struct err *e = read_decisions(db, out, ids, num_rows);
	free(ids);
	return e != NULL ? e : read_pairs(out, r);
}

struct err *ca_evidence(struct db *db, struct issue_batch *batch)
{
	OWN(ca_evidence) evidence = { 0 };
	struct slice *digests = calloc(batch->num + 1, sizeof *digests);

	ENSURE(digests != NULL, NO_MEMORY, "batch of %zu", batch->num);
	for (size_t i = 0; i < batch->num; i++)
		digests[i] = batch->items[i].digest;
	struct err *e = ca_evidence_of(db, &evidence, DECISION_AUTHORISATIONS, digests, batch->num);
	free(digests);
	if (e != NULL)
		return e;
	for (size_t i = 0; i < evidence.num_pairs; i++) {
		struct issue_item *item = &batch->items[evidence.pairs[i].member];
		/* The signer takes no more than this for one request; the first ones are those that approved it. */
		if (item->num_decisions < AUTHORITY_MAX_DECISIONS)
			item->decisions[item->num_decisions++] = evidence.pairs[i].decision;
	}
	batch->decisions = TAKE(evidence.rows);
	batch->evidence = TAKE(evidence.decisions);
	batch->num_evidence = evidence.num_decisions;
	return NULL;
}

/* ---- plans */

struct err *ca_begin_issue(struct db *db, int64_t **out, size_t *out_num, const int64_t *ids, size_t num)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, ids, num);
	TRY(db_query(db, &r, Q_CA_BEGIN_ISSUE, &p));
	size_t n = db_num_rows(r);
	int64_t *begun = calloc(n + 1, sizeof *begun);
	ENSURE(begun != NULL, NO_MEMORY, "%zu applications", n);
	for (size_t i = 0; i < n; i++)
		begun[i] = db_get_int64(r, i, 0);
	*out = begun;
	*out_num = n;
	return NULL;
}

/* Columns of many rows; freed together. */
struct columns {
	int64_t *ints[4];
	struct slice *slices[12];
};

static void columns_clear(struct columns *self)
{
	for (size_t i = 0; i < sizeof self->ints / sizeof self->ints[0]; i++)
		free(self->ints[i]);
	for (size_t i = 0; i < sizeof self->slices / sizeof self->slices[0]; i++)
		free(self->slices[i]);
}
OWN_TYPE(columns, struct columns, columns_clear)

static struct err *columns_init(struct columns *self, size_t num_ints, size_t num_slices, size_t rows)
{
	bool ok = true;

	for (size_t i = 0; i < num_ints; i++)
		ok = (self->ints[i] = calloc(rows + 1, sizeof(int64_t))) != NULL && ok;
	for (size_t i = 0; i < num_slices; i++)
		ok = (self->slices[i] = calloc(rows + 1, sizeof(struct slice))) != NULL && ok;
	ENSURE(ok, NO_MEMORY, "%zu rows", rows);
	return NULL;
}

struct err *ca_add_plans(struct db *db, const struct issue_batch *batch)
{
	OWN(columns) c = { 0 };
	struct db_params p = DB_PARAMS_INIT;
	size_t n = 0;

	TRY(columns_init(&c, 3, 3, batch->num));
	for (size_t i = 0; i < batch->num; i++) {
		const struct issue_item *item = &batch->items[i];
		if (item->outcome != ISSUE_PLANNED || item->has_recorded)
			continue;
		c.ints[0][n] = item->request_id;
		c.slices[0][n] = SLICE_STR(item->issuer);
		c.slices[1][n] = serial_slice(&item->serial);
		c.ints[1][n] = item->not_before_at;
		c.ints[2][n] = item->not_after_at;
		c.slices[2][n++] = buf_slice(&item->tbs);
	}
	if (n == 0)
		return NULL;
	db_int64_array(&p, c.ints[0], n);
	db_slice_array(&p, c.slices[0], n);
	db_slice_array(&p, c.slices[1], n);
	db_int64_array(&p, c.ints[1], n);
	db_int64_array(&p, c.ints[2], n);
	db_slice_array(&p, c.slices[2], n);
	return db_exec(db, NULL, Q_CA_ADD_PLANS, &p);
}

struct err *ca_add_plan(struct db *db, const struct issue_item *item, const struct cert *tbs)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, item->request_id);
	db_text(&p, item->issuer);
	db_bytes(&p, serial_slice(&tbs->serial));
	db_int64(&p, tbs->not_before_at);
	db_int64(&p, tbs->not_after_at);
	db_bytes(&p, tbs->tbs);
	return db_exec(db, NULL, Q_CA_ADD_PLAN, &p);
}

/* ---- certificates */

struct err *ca_lock_applications(struct db *db, const int64_t *ids, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, ids, num);
	return db_exec(db, NULL, Q_CA_LOCK_APPLICATIONS, &p);
}

/* Octets of an empty text must not become NULL. */
static struct slice text_or_empty(struct slice text)
{
	return text.p == NULL ? SLICE_STR("") : text;
}

static void certificate_columns(struct columns *c, const struct ca_certificate *rows, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		const struct ca_certificate *row = &rows[i];
		const struct slice texts[] = { SLICE_STR(row->issuer),
					       serial_slice(&row->serial),
					       SLICE_STR(row->profile),
					       SLICE_STR(row->purpose),
					       SLICE_STR(row->channel),
					       SLICE_STR(row->iin),
					       SLICE_STR(row->bin),
					       text_or_empty(row->common_name),
					       row->der,
					       row->sha256,
					       row->spki_sha256 };
		for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
			c->slices[k][i] = texts[k];
		c->ints[0][i] = row->request_id;
		c->ints[1][i] = row->not_before_at;
		c->ints[2][i] = row->not_after_at;
		c->ints[3][i] = row->seq;
	}
}

struct err *ca_add_certificates(struct db *db, int64_t *out_ids, const struct ca_certificate *rows, size_t num)
{
	OWN(columns) c = { 0 };
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	TRY(columns_init(&c, 4, 11, num));
	certificate_columns(&c, rows, num);
	db_int64_array(&p, c.ints[0], num);
	for (size_t k = 0; k < 11; k++)
		db_slice_array(&p, c.slices[k], num);
	for (size_t k = 1; k < 4; k++)
		db_int64_array(&p, c.ints[k], num);
	db_text(&p, "issued");
	TRY(db_query(db, &r, Q_CA_ADD_CERTIFICATES, &p));
	memset(out_ids, 0, num * sizeof *out_ids);
	for (size_t i = 0; i < db_num_rows(r); i++) {
		size_t at = 0;
		while (at < num && rows[at].request_id != db_get_int64(r, i, 1))
			at++;
		ENSURE(at < num, BUG, "a certificate of another request came back");
		out_ids[at] = db_get_int64(r, i, 0);
	}
	return NULL;
}

struct err *ca_has_certificate(struct db *db, bool *out, int64_t request_id, struct slice sha256)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, request_id);
	db_bytes(&p, sha256);
	TRY(db_query_one(db, &r, Q_CA_CERTIFICATES_OF, &p));
	*out = db_get_int64(r, 0, 0) == 1;
	return NULL;
}

struct err *ca_dequeue(struct db *db, const int64_t *request_ids, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, request_ids, num);
	return db_exec(db, NULL, Q_CA_DEQUEUE, &p);
}

/* ---- applications */

struct err *ca_complete(struct db *db, struct db_result **out, const int64_t *ids, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, ids, num);
	return db_query(db, out, Q_CA_COMPLETE, &p);
}

void ca_complete_at(const struct db_result *rows, size_t i, int64_t *out_id, const char **out_number)
{
	*out_id = db_get_int64(rows, i, 0);
	*out_number = db_get_text(rows, i, 1);
}

struct err *ca_finish(struct db *db, const int64_t *ids, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, ids, num);
	return db_exec(db, NULL, Q_CA_FINISH, &p);
}

struct err *ca_reject(struct db *db, char out_from[16], int64_t application_id, const char *word, const char *text)
{
	OWN(db_result) r = NULL;
	struct db_params p = DB_PARAMS_INIT;

	out_from[0] = '\0';
	db_int64(&p, application_id);
	db_text(&p, word);
	db_text(&p, text);
	TRY(db_query(db, &r, Q_CA_REJECT, &p));
	if (db_num_rows(r) == 1)
		(void)snprintf(out_from, 16, "%s", db_get_text(r, 0, 0));
	p.num = 1;
	TRY(db_exec(db, NULL, Q_CA_DEQUEUE_APPLICATION, &p));
	return db_exec(db, NULL, Q_CA_FREE_KEYS, &p);
}

struct err *ca_postpone(struct db *db, const int64_t *request_ids, const int64_t *waits_ms, const struct slice *errors,
			size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64_array(&p, request_ids, num);
	db_int64_array(&p, waits_ms, num);
	db_slice_array(&p, errors, num);
	return db_exec(db, NULL, Q_CA_POSTPONE, &p);
}
