/*
 * queries_application.c - wrappers of the statements about applications. See queries.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/queries.h"

#include <stdio.h>
#include <string.h>

/* Columns of APPLICATION in queries.c, in its order. */
enum column {
	C_ID,
	C_NUMBER,
	C_KIND,
	C_CHANNEL,
	C_STATE,
	C_ISSUER,
	C_IIN,
	C_SURNAME,
	C_GIVEN,
	C_PATRONYMIC,
	C_EMAIL,
	C_PHONE,
	C_BIN,
	C_ORGANISATION,
	C_TREASURY_ROLE,
	C_TREASURY_CLIENT,
	C_SYSTEM_OID,
	C_DNS_NAMES,
	C_KEY_STORAGE,
	C_LANGUAGE,
	C_OFFICE,
	C_ENTERED_BY,
	C_AGREEMENT,
	C_SUBMITTED_AT,
	C_STATE_AT,
	C_EXPIRES_AT,
	C_CLAIMED_BY,
	C_CLAIMED_UNTIL,
	C_CODE_HASH,
	C_CODE_TRIES,
	C_CODE_EXPIRES_AT,
	C_CODE_SENDS,
	C_CODE_SENT_AT,
	C_CONFIRMED_AT,
	C_IDENTIFY_AT,
	C_IDENTIFICATION_TRIES,
	C_REASON,
	C_REASON_TEXT,
	C_APPROVERS, /* of the queue only */
	C_TOTAL
};

static int64_t time_or_zero(const struct db_result *r, size_t i, int column)
{
	return db_is_null(r, i, column) ? 0 : db_get_time_ms(r, i, column);
}

void ra_application_clear(struct ra_application *self)
{
	db_result_destroy(&self->row);
}

static void read_texts(struct ra_application *a, const struct db_result *r, size_t i)
{
	a->number = db_get_text(r, i, C_NUMBER);
	a->kind = db_get_text(r, i, C_KIND);
	a->channel = db_get_text(r, i, C_CHANNEL);
	a->issuer = db_get_text(r, i, C_ISSUER);
	a->iin = db_get_text(r, i, C_IIN);
	a->surname = db_get_text(r, i, C_SURNAME);
	a->given = db_get_text(r, i, C_GIVEN);
	a->patronymic = db_get_text(r, i, C_PATRONYMIC);
	a->email = db_get_text(r, i, C_EMAIL);
	a->phone = db_get_text(r, i, C_PHONE);
	a->bin = db_get_text(r, i, C_BIN);
	a->organisation = db_get_text(r, i, C_ORGANISATION);
	a->treasury_role = db_get_text(r, i, C_TREASURY_ROLE);
	a->treasury_client = db_get_text(r, i, C_TREASURY_CLIENT);
	a->system_oid = db_get_text(r, i, C_SYSTEM_OID);
	a->dns_names = db_get_text(r, i, C_DNS_NAMES);
	a->key_storage = db_get_text(r, i, C_KEY_STORAGE);
	a->language = db_get_text(r, i, C_LANGUAGE);
	a->office = db_get_text(r, i, C_OFFICE);
	a->entered_by = db_get_text(r, i, C_ENTERED_BY);
	a->claimed_by = db_is_null(r, i, C_CLAIMED_BY) ? "" : db_get_text(r, i, C_CLAIMED_BY);
	a->reason = db_get_text(r, i, C_REASON);
	a->reason_text = db_get_text(r, i, C_REASON_TEXT);
}

struct err *ra_application_at(struct ra_application *out, const struct db_result *rows, size_t i)
{
	struct ra_application a = { .row = NULL };
	const char *state = db_get_text(rows, i, C_STATE);

	ENSURE(ra_state_parse(&a.state, state), BUG, "an application in the unknown state \"%s\"", state);
	a.id = db_get_int64(rows, i, C_ID);
	read_texts(&a, rows, i);
	a.agreement = db_get_bytes(rows, i, C_AGREEMENT);
	a.submitted_ms = db_get_time_ms(rows, i, C_SUBMITTED_AT);
	a.state_ms = db_get_time_ms(rows, i, C_STATE_AT);
	a.expires_ms = db_get_time_ms(rows, i, C_EXPIRES_AT);
	a.claimed_until_ms = time_or_zero(rows, i, C_CLAIMED_UNTIL);
	a.code_hash = db_is_null(rows, i, C_CODE_HASH) ? SLICE_NONE : db_get_bytes(rows, i, C_CODE_HASH);
	a.code_tries = db_get_int64(rows, i, C_CODE_TRIES);
	a.code_expires_ms = time_or_zero(rows, i, C_CODE_EXPIRES_AT);
	a.code_sends = db_get_int64(rows, i, C_CODE_SENDS);
	a.code_sent_ms = time_or_zero(rows, i, C_CODE_SENT_AT);
	a.confirmed_ms = time_or_zero(rows, i, C_CONFIRMED_AT);
	a.identify_ms = time_or_zero(rows, i, C_IDENTIFY_AT);
	a.identification_tries = db_get_int64(rows, i, C_IDENTIFICATION_TRIES);
	*out = a;
	return NULL;
}

struct err *ra_get_application(struct db *db, struct ra_application *out, const char *number, bool lock)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_text(&p, number);
	TRY(db_query(db, &r, lock ? Q_LOCK_APPLICATION : Q_APPLICATION, &p));
	ENSURE_FIELD(db_num_rows(r) == 1, NOT_FOUND, "number", "there is no application with this number");
	TRY(ra_application_at(out, r, 0));
	out->row = TAKE(r);
	return NULL;
}

struct err *ra_submit(struct db *db, bool *out_is_new, const struct ra_submission *s, const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;
	const char *const texts[] = { s->iin,		s->surname,	    s->given,	   s->patronymic,
				      s->email,		s->phone,	    s->bin,	   s->organisation,
				      s->treasury_role, s->treasury_client, s->system_oid, s->dns_names,
				      s->key_storage,	s->language,	    s->office,	   s->entered_by };

	db_text(&p, s->number);
	db_bytes(&p, SLICE(s->submit_digest, 32));
	db_text(&p, s->kind);
	db_text(&p, s->channel);
	db_text(&p, ra_state_word(s->state));
	db_text(&p, s->issuer);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		db_text(&p, texts[i]);
	db_bytes(&p, SLICE(s->agreement, 32));
	db_int64(&p, s->expires_ms);
	db_bytes(&p, s->code_hash);
	db_int64_or_null(&p, s->code_expires_ms, s->code_hash.p == NULL);
	db_slice_array(&p, s->purposes, s->num_requests);
	db_slice_array(&p, s->profiles, s->num_requests);
	db_slice_array(&p, s->csrs, s->num_requests);
	db_slice_array(&p, s->key_hashes, s->num_requests);
	db_slice_array(&p, s->authorisations, s->num_requests);
	db_slice_array(&p, s->digests, s->num_requests);
	db_text(&p, s->notice_key);
	db_text(&p, s->notice_template);
	db_text(&p, s->notice_fields);
	ra_log_params(&p, log);
	TRY(db_query(db, &r, Q_SUBMIT, &p));
	*out_is_new = db_num_rows(r) == 1;
	return NULL;
}

struct err *ra_find_submission(struct db *db, char out_number[RA_NUMBER_SIZE], enum ra_state *out_state,
			       const uint8_t submit_digest[32])
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_bytes(&p, SLICE(submit_digest, 32));
	TRY(db_query_one(db, &r, Q_FIND_SUBMISSION, &p));
	ENSURE(ra_state_parse(out_state, db_get_text(r, 0, 1)), BUG, "an application in an unknown state");
	(void)snprintf(out_number, RA_NUMBER_SIZE, "%s", db_get_text(r, 0, 0));
	return NULL;
}

struct err *ra_claimed_key(struct db *db, size_t *out, const struct slice *key_hashes, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	*out = num;
	db_slice_array(&p, key_hashes, num);
	TRY(db_query(db, &r, Q_CLAIMED_KEY, &p));
	for (size_t i = 0; i < db_num_rows(r); i++)
		for (size_t k = 0; k < *out; k++)
			if (slice_equal(db_get_bytes(r, i, 0), key_hashes[k]))
				*out = k;
	return NULL;
}

struct err *ra_lock_by_requests(struct db *db, struct db_result **out, const struct slice *digests, size_t num)
{
	struct db_params p = DB_PARAMS_INIT;

	db_slice_array(&p, digests, num);
	return db_query(db, out, Q_LOCK_BY_REQUESTS, &p);
}

struct err *ra_get_requests(struct db *db, struct db_result **out, int64_t application_id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, application_id);
	return db_query(db, out, Q_REQUESTS, &p);
}

void ra_request_at(struct ra_request *out, const struct db_result *rows, size_t i)
{
	out->id = db_get_int64(rows, i, 0);
	out->purpose = db_get_text(rows, i, 1);
	out->profile = db_get_text(rows, i, 2);
	out->authorisation = db_get_bytes(rows, i, 3);
	out->digest = db_get_bytes(rows, i, 4);
	out->key_hash = db_get_bytes(rows, i, 5);
}

/* One row comes back from each statement that changes an application and writes its log entries. */
static struct err *run_change(struct db *db, size_t statement, const struct db_params *p)
{
	OWN(db_result) r = NULL;

	return db_query_one(db, &r, statement, p);
}

struct err *ra_move(struct db *db, const struct ra_move *m, const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, m->id);
	db_text(&p, ra_state_word(m->to));
	db_text(&p, m->reason == NULL ? "" : m->reason);
	db_text(&p, m->reason_text == NULL ? "" : m->reason_text);
	db_text(&p, m->claimed_by);
	db_int64_or_null(&p, m->claimed_until_ms, m->claimed_by == NULL);
	db_bool(&p, ra_state_is_end(m->to));
	db_bool(&p, m->to == RA_APPROVED);
	ra_log_params(&p, log);
	return run_change(db, Q_MOVE, &p);
}

struct err *ra_new_code(struct db *db, const struct ra_new_code *c, const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, c->id);
	db_text(&p, ra_state_word(c->to));
	db_bytes(&p, c->code_hash);
	db_int64(&p, c->expires_ms);
	db_int64(&p, c->now_ms);
	db_text(&p, c->notice_key);
	db_text(&p, c->phone);
	db_text(&p, c->notice_template);
	db_text(&p, c->language);
	db_text(&p, c->notice_fields);
	ra_log_params(&p, log);
	return run_change(db, Q_NEW_CODE, &p);
}

struct err *ra_count_try(struct db *db, int64_t id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, id);
	return db_exec(db, NULL, Q_COUNT_TRY, &p);
}

struct err *ra_confirm(struct db *db, int64_t id, enum ra_state to, int64_t now_ms, int64_t identify_ms,
		       const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, id);
	db_text(&p, ra_state_word(to));
	db_int64(&p, now_ms);
	db_int64_or_null(&p, identify_ms, identify_ms == 0);
	ra_log_params(&p, log);
	return run_change(db, Q_CONFIRM, &p);
}

struct err *ra_take_identification(struct db *db, char out_number[RA_NUMBER_SIZE], int64_t now_ms, int64_t until_ms)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_int64(&p, now_ms);
	db_int64(&p, until_ms);
	TRY(db_query(db, &r, Q_TAKE_IDENTIFICATION, &p));
	(void)snprintf(out_number, RA_NUMBER_SIZE, "%s", db_num_rows(r) == 0 ? "" : db_get_text(r, 0, 0));
	return NULL;
}

struct err *ra_postpone_identification(struct db *db, const char *number, int64_t at_ms)
{
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, number);
	db_int64(&p, at_ms);
	return db_exec(db, NULL, Q_POSTPONE_IDENTIFICATION, &p);
}

struct err *ra_count_identification(struct db *db, int64_t id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, id);
	return db_exec(db, NULL, Q_COUNT_IDENTIFICATION, &p);
}

struct err *ra_add_document(struct db *db, int64_t application_id, const char *name, const char *media_type,
			    const uint8_t sha256[32], struct slice bytes, const char *added_by,
			    const struct ra_log *log)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, application_id);
	db_text(&p, name);
	db_text(&p, media_type);
	db_bytes(&p, SLICE(sha256, 32));
	db_bytes(&p, bytes);
	db_text(&p, added_by);
	ra_log_params(&p, log);
	return db_exec(db, NULL, Q_ADD_DOCUMENT, &p);
}

struct err *ra_count_documents(struct db *db, int64_t *out, int64_t application_id)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_int64(&p, application_id);
	TRY(db_query_one(db, &r, Q_COUNT_DOCUMENTS, &p));
	*out = db_get_int64(r, 0, 0);
	return NULL;
}

struct err *ra_get_documents(struct db *db, struct db_result **out, int64_t application_id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, application_id);
	return db_query(db, out, Q_DOCUMENTS, &p);
}

void ra_document_at(struct ra_document *out, const struct db_result *rows, size_t i)
{
	out->id = db_get_int64(rows, i, 0);
	out->name = db_get_text(rows, i, 1);
	out->media_type = db_get_text(rows, i, 2);
	out->sha256 = db_get_bytes(rows, i, 3);
	out->size = db_get_int64(rows, i, 4);
	out->added_by = db_get_text(rows, i, 5);
	out->added_ms = db_get_time_ms(rows, i, 6);
}

struct err *ra_get_document(struct db *db, struct db_result **out, int64_t application_id, int64_t id)
{
	struct db_params p = DB_PARAMS_INIT;
	OWN(db_result) r = NULL;

	db_int64(&p, application_id);
	db_int64(&p, id);
	TRY(db_query(db, &r, Q_DOCUMENT, &p));
	ENSURE_FIELD(db_num_rows(r) == 1, NOT_FOUND, "document", "this application has no such document");
	*out = TAKE(r);
	return NULL;
}

void ra_document_bytes(const char **out_media_type, struct slice *out_bytes, const struct db_result *row)
{
	*out_media_type = db_get_text(row, 0, 0);
	*out_bytes = db_get_bytes(row, 0, 1);
}

struct err *ra_get_history(struct db *db, struct db_result **out, int64_t application_id)
{
	struct db_params p = DB_PARAMS_INIT;

	db_int64(&p, application_id);
	return db_query(db, out, Q_HISTORY, &p);
}

void ra_history_at(struct ra_history *out, const struct db_result *rows, size_t i)
{
	out->kind = db_get_text(rows, i, 0);
	out->at_ms = db_get_int64(rows, i, 1);
	out->entry = db_get_bytes(rows, i, 2);
}

struct err *ra_get_queue(struct db *db, struct db_result **out, const char *state, const char *kind, int64_t limit,
			 int64_t offset)
{
	struct db_params p = DB_PARAMS_INIT;

	db_text(&p, kind);
	db_int64(&p, limit);
	db_int64(&p, offset);
	if (state[0] == '\0')
		return db_query(db, out, Q_QUEUE_OPEN, &p);
	db_text(&p, state);
	return db_query(db, out, Q_QUEUE_STATE, &p);
}

const char *ra_queue_approvers(const struct db_result *rows, size_t i)
{
	return db_get_text(rows, i, C_APPROVERS);
}

int64_t ra_queue_total(const struct db_result *rows)
{
	return db_num_rows(rows) == 0 ? 0 : db_get_int64(rows, 0, C_TOTAL);
}
