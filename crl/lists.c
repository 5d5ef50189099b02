/*
 * lists.c - the lists of one issuer. See lists.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/pki_asn1.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "crl/build.h"
#include "crl/gate.h"
#include "crl/signer.h"
#include "tlog/leaf.h"
#include "x509/cert.h"
#include "x509/suite.h"

enum { ISSUER_NAME_MAX = 16, SIGNATURE_MAX = 4096, CLOSING_MAX = 8192 };

/* One kind of list. */
struct kind {
	enum crl_kind kind;
	struct crl_rule rule;
	char name[CRL_NAME_MAX]; /* "nca_rsa", "nca_d_rsa" */
	struct crl_lists_status status;
	int failures; /* in a row */
	int64_t failed_at;
	int64_t file_number; /* of the published file, also where the ledger does not know it */
};

struct crl_lists {
	char issuer[ISSUER_NAME_MAX + 1];
	struct buf certificate;
	struct cert cert; /* borrows certificate */
	const struct suite *suite;
	struct crl_lists_conf conf;
	struct crl_set *set;
	struct kind kinds[2]; /* full, delta */
};

/* Everything that one list needs on its way. */
struct job {
	struct crl_lists *lists;
	struct kind *kind;
	struct crl_answer answer;
	struct crl_spec spec;
	int64_t order_seq;
	const struct crl_item *items;
	size_t num_items;
	struct crl_set *window; /* of a delta: the orders since its base */
	struct crl_layout layout;
	struct buf signature;
	struct crl_draft draft;
	struct crl_row row;
	bool may_be_recorded; /* the commit was sent: crl_lists_recover() must look what became of it */
};

static void job_clear(struct job *job)
{
	crl_set_destroy(&job->window);
	crl_layout_clear(&job->layout);
	buf_clear(&job->signature);
	crl_draft_clear(&job->draft);
}
OWN_TYPE(job, struct job, job_clear)

static const char scope[] = ""; /* the whole issuer; shards have their own */

/* ---------------------------------------------------------------- life */

static void kind_init(struct kind *kind, enum crl_kind which, const struct crl_rule *rule, const char *issuer)
{
	kind->kind = which;
	kind->rule = *rule;
	kind->status.is_issued = rule->every_s > 0;
	(void)snprintf(kind->name, sizeof kind->name, which == CRL_FULL ? "nca_%s" : "nca_d_%s", issuer);
}

struct err *crl_lists_create(struct crl_lists **out, const struct crl_lists_conf *conf)
{
	OWN(crl_lists) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "the lists of an issuer");
	self->conf = *conf;
	self->certificate = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	ENSURE(strlen(conf->issuer) <= ISSUER_NAME_MAX, CONFIG, "issuer %s: the name is too long", conf->issuer);
	(void)snprintf(self->issuer, sizeof self->issuer, "%s", conf->issuer);
	TRY(buf_append(&self->certificate, conf->certificate));
	TRY(cert_parse(&self->cert, buf_slice(&self->certificate)));
	ENSURE(self->cert.is_ca && self->cert.key_id.len > 0, CONFIG,
	       "issuer %s: the certificate is no CA's with a key id", conf->issuer);
	TRY(suite_of_spki(&self->suite, self->cert.public_key));
	TRY(crl_set_create(&self->set));
	kind_init(&self->kinds[0], CRL_FULL, &conf->full, self->issuer);
	kind_init(&self->kinds[1], CRL_DELTA, &conf->delta, self->issuer);
	*out = TAKE(self);
	return NULL;
}

void crl_lists_destroy(struct crl_lists **self)
{
	if (*self == NULL)
		return;
	crl_set_destroy(&(*self)->set);
	buf_clear(&(*self)->certificate);
	free(*self);
	*self = NULL;
}

const struct crl_lists_status *crl_lists_status(const struct crl_lists *self, enum crl_kind kind)
{
	return &self->kinds[kind == CRL_FULL ? 0 : 1].status;
}

const char *crl_lists_issuer(const struct crl_lists *self)
{
	return self->issuer;
}

/* ---------------------------------------------------------------- recovery */

static void file_path(char out[CRL_NAME_MAX], const struct kind *kind)
{
	(void)snprintf(out, CRL_NAME_MAX, "%.30s.crl", kind->name);
}

/* The newest list of the ledger was recorded, and its file may still wait under the draft's name. */
static struct err *finish_placing(struct crl_lists *self, struct kind *kind)
{
	OWN(crl_map) map = { SLICE_NONE };
	struct crl_row row;
	size_t num = 0;
	uint8_t digest[SHA256_LEN];

	TRY(crl_q_lists(self->conf.db, &row, &num, 1, self->issuer, scope, kind->kind));
	if (num == 0)
		return crl_folder_sweep(self->conf.folder, kind->name, 0);
	struct err *e = crl_map_draft(&map, self->conf.folder, kind->name, row.number);
	if (e == NULL) {
		der_sha256(digest, map.bytes);
		if (memcmp(digest, row.sha256, sizeof digest) == 0) {
			TRY(crl_folder_place(self->conf.folder, kind->name, row.number));
			log_info(NULL, "crl_placed_after_restart", "issuer=%s kind=%s number=%" PRId64, self->issuer,
				 crl_kind_word(kind->kind), row.number);
		}
	}
	err_destroy(&e); /* no such draft: the usual case */
	return crl_folder_sweep(self->conf.folder, kind->name, 0);
}

/* Reads the published file; it counts only when it is this issuer's and the ledger knows it by its digest. */
static struct err *adopt_published(struct crl_lists *self, struct kind *kind)
{
	OWN(crl_map) map = { SLICE_NONE };
	struct crl_list list;
	char path[CRL_NAME_MAX];
	uint8_t digest[SHA256_LEN];

	file_path(path, kind);
	TRY(crl_map_open(&map, self->conf.folder, path));
	TRY(crl_list_read(&list, map.bytes));
	ENSURE(slice_equal(list.issuer, self->cert.subject), CONFLICT, "%s is a list of another issuer", path);
	TRY(suite_verify_spki(self->cert.public_key, list.algorithm, list.tbs, list.signature));
	kind->file_number = list.number;
	der_sha256(digest, map.bytes);
	TRY(crl_q_list_by_digest(self->conf.db, &kind->status.published, self->issuer, scope, kind->kind, digest));
	kind->status.has_list = true;
	return NULL;
}

struct err *crl_lists_recover(struct crl_lists *self)
{
	for (size_t i = 0; i < 2; i++) {
		struct kind *kind = &self->kinds[i];

		kind->status.has_list = false;
		kind->file_number = 0;
		TRY(finish_placing(self, kind));
		struct err *e = adopt_published(self, kind);
		if (e == NULL)
			continue;
		if (!db_is_connected(self->conf.db))
			return e;
		/* Nothing published, or nothing that can be trusted: a new list is due at once. */
		if (err_code(e) != ERR_NOT_FOUND || kind->file_number > 0)
			log_err(LOG_WARN, NULL, "crl_published_unknown", &e);
		err_destroy(&e);
	}
	crl_set_clear(self->set);
	return NULL;
}

/* ---------------------------------------------------------------- following the ledger */

static struct err *follow(struct crl_lists *self)
{
	int64_t to;
	int64_t from = crl_set_order_seq(self->set);

	TRY(crl_q_order_seq(self->conf.db, &to));
	if (to == from)
		return NULL;
	ENSURE(to > from, CONFLICT, "the ledger's last accepted order is %" PRId64 ", it was %" PRId64, to, from);
	struct err *e = crl_q_orders(self->conf.db, self->set, self->issuer, from, to);
	if (e == NULL)
		return crl_set_commit(self->set, to);
	crl_set_rollback(self->set);
	return e;
}

static int64_t max_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void state_fill(struct crl_state *out, const struct crl_lists *self, const struct kind *kind)
{
	const struct crl_row *row = &kind->status.published;
	const struct crl_lists_status *full = &self->kinds[0].status, *delta = &self->kinds[1].status;

	*out = (struct crl_state){ .has_list = kind->status.has_list,
				   .changed_seq = crl_set_changed_seq(self->set),
				   .ledger_number = kind->file_number,
				   .issuer_not_after_at = self->cert.not_after_at,
				   .failures = kind->failures,
				   .failed_at = kind->failed_at };
	/* A full and a delta list of one second would have to be one (RFC 5280 §5.2.3): they take turns. */
	if (full->has_list)
		out->ledger_this_update_at = full->published.this_update_at;
	if (delta->has_list)
		out->ledger_this_update_at = max_of(out->ledger_this_update_at, delta->published.this_update_at);
	if (!kind->status.has_list)
		return;
	out->number = row->number;
	out->this_update_at = row->this_update_at;
	out->next_update_at = row->next_update_at;
	out->order_seq = row->order_seq;
	out->has_urgent = crl_set_urgent_seq(self->set) > row->order_seq;
}

/* ---------------------------------------------------------------- one list */

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What other crlds have published since: the newest thisUpdate, and that of the last full list. */
static struct err *newest_lists(struct job *job, struct crl_state *state, int64_t *out_stood_at)
{
	struct crl_lists *self = job->lists;
	static const enum crl_kind kinds[] = { CRL_FULL, CRL_DELTA };

	for (size_t i = 0; i < 2; i++) {
		struct crl_row newest;
		size_t num = 0;

		TRY(crl_q_lists(self->conf.db, &newest, &num, 1, self->issuer, scope, kinds[i]));
		if (num == 0)
			continue;
		state->ledger_this_update_at = max_of(state->ledger_this_update_at, newest.this_update_at);
		if (kinds[i] == CRL_FULL)
			*out_stood_at = newest.this_update_at;
	}
	/* An entry stays until it stood on a list after its expiry: on the ledger's newest and on the one published
	 * here. */
	if (self->kinds[0].status.has_list)
		*out_stood_at = min_of(*out_stood_at, self->kinds[0].status.published.this_update_at);
	return NULL;
}

/* Takes the counter's row lock and looks again whether the list is due: another crld may have been faster. */
static struct err *job_number(struct job *job, const struct crl_signer_status *signer)
{
	struct crl_lists *self = job->lists;
	struct crl_state state;
	int64_t stood_at = INT64_MIN;

	state_fill(&state, self, job->kind);
	TRY(crl_q_lock_counter(self->conf.db, &state.ledger_number, self->issuer, scope));
	TRY(newest_lists(job, &state, &stood_at));
	state.signer_number = signer->crl_number;
	if (state.signer_number < job->kind->file_number)
		state.signer_number = job->kind->file_number;
	crl_schedule_decide(&job->answer, &job->kind->rule, &state, clock_now_s());
	job->spec.listed_from_at = min_of(stood_at, job->answer.this_update_at - self->conf.keep_expired_s);
	return NULL;
}

/* The items of the list: all of the set, or of a delta the orders since its base. */
static struct err *job_items(struct job *job)
{
	struct crl_lists *self = job->lists;
	const struct crl_lists_status *full = &self->kinds[0].status;

	job->order_seq = crl_set_order_seq(self->set);
	if (job->kind->kind == CRL_FULL) {
		job->items = crl_set_items(self->set, &job->num_items);
		return NULL;
	}
	job->spec.base_number = full->published.number;
	TRY(crl_set_create(&job->window));
	TRY(crl_q_orders(self->conf.db, job->window, self->issuer, full->published.order_seq, job->order_seq));
	TRY(crl_set_commit(job->window, job->order_seq));
	job->items = crl_set_items(job->window, &job->num_items);
	return NULL;
}

static struct err *job_measure(struct job *job)
{
	struct crl_lists *self = job->lists;

	job->spec.kind = job->kind->kind;
	job->spec.issuer = self->cert.subject;
	job->spec.algorithm = self->suite->signature_algorithm;
	job->spec.key_id = self->cert.key_id;
	job->spec.number = job->answer.number;
	job->spec.this_update_at = job->answer.this_update_at;
	job->spec.next_update_at = job->answer.next_update_at;
	TRY(job_items(job));
	return crl_layout_measure(&job->layout, &job->spec, job->items, job->num_items);
}

static struct err *draft_piece(void *arg, struct slice piece)
{
	return crl_draft_append(arg, piece);
}

/* CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm, signatureValue } */
static struct err *job_write(struct job *job)
{
	OWN(buf) header = BUF_INIT(16);
	OWN(buf) closing = BUF_INIT(CLOSING_MAX);

	TRY(buf_append(&closing, job->spec.algorithm));
	TRY(der_bits(&closing, buf_slice(&job->signature)));
	TRY(der_header(&header, DER_SEQUENCE, job->layout.tbs_len + closing.len));
	TRY(crl_draft_create(&job->draft, job->lists->conf.folder, job->kind->name, job->spec.number));
	TRY(crl_draft_append(&job->draft, buf_slice(&header)));
	TRY(crl_layout_write(&job->layout, &job->spec, job->items, job->num_items,
			     (struct crl_sink){ draft_piece, &job->draft }));
	TRY(crl_draft_append(&job->draft, buf_slice(&closing)));
	return crl_draft_sync(&job->draft);
}

/* Reads the file back, judges it, and fills the row of the ledger. */
static struct err *job_judge(struct job *job)
{
	struct crl_lists *self = job->lists;
	OWN(crl_map) map = { SLICE_NONE };
	OWN(crl_map) previous = { SLICE_NONE };
	char path[CRL_NAME_MAX];

	file_path(path, job->kind);
	TRY(crl_map_draft(&map, self->conf.folder, job->kind->name, job->spec.number));
	if (job->kind->status.has_list)
		TRY(crl_map_open(&previous, self->conf.folder, path));
	const struct crl_gate gate = { .spec = &job->spec,
				       .num_entries = job->layout.num_entries,
				       .size_bytes = job->draft.len,
				       .public_key = self->cert.public_key,
				       .items = job->items,
				       .num_items = job->num_items,
				       .previous = previous.bytes };
	TRY(crl_gate_check(&gate, map.bytes));
	job->row = (struct crl_row){ .number = job->spec.number,
				     .base_number = job->spec.base_number,
				     .this_update_at = job->spec.this_update_at,
				     .next_update_at = job->spec.next_update_at,
				     .num_entries = (int64_t)job->layout.num_entries,
				     .size_bytes = (int64_t)job->draft.len,
				     .order_seq = job->order_seq };
	der_sha256(job->row.sha256, map.bytes);
	return NULL;
}

static struct err *job_log(const struct job *job)
{
	struct log_entry entry;
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	uint8_t salt[LOG_SALT_SIZE];
	char number[24], base[24], entries[24], seq[24], this_at[CLOCK_RFC3339_SIZE], next_at[CLOCK_RFC3339_SIZE];

	(void)snprintf(number, sizeof number, "%" PRId64, job->row.number);
	(void)snprintf(base, sizeof base, "%" PRId64, job->row.base_number);
	(void)snprintf(entries, sizeof entries, "%" PRId64, job->row.num_entries);
	(void)snprintf(seq, sizeof seq, "%" PRId64, job->row.order_seq);
	log_entry_init(&entry, LOG_KIND_CRL_ISSUED, clock_now_ms());
	log_entry_who(&entry, "crld", "", SLICE_NONE);
	log_entry_what(&entry, "issuer", job->lists->issuer);
	log_entry_what(&entry, "scope", scope);
	log_entry_what(&entry, "list", crl_kind_word(job->kind->kind));
	log_entry_what(&entry, "number", number);
	if (job->kind->kind == CRL_DELTA)
		log_entry_what(&entry, "base", base);
	log_entry_what(&entry, "this_update", clock_rfc3339(this_at, job->row.this_update_at));
	log_entry_what(&entry, "next_update", clock_rfc3339(next_at, job->row.next_update_at));
	log_entry_what(&entry, "entries", entries);
	log_entry_what(&entry, "order_seq", seq);
	log_entry_why(&entry, crl_due_word(job->answer.due));
	log_entry_object(&entry, "crl", SLICE(job->row.sha256, sizeof job->row.sha256));
	TRY(log_entry_encode(&der, &entry));
	TRY(log_salt(salt));
	return crl_q_add_log(job->lists->conf.db, entry.kind, entry.at_ms, buf_slice(&der), SLICE(salt, sizeof salt));
}

/* Everything inside the transaction that holds the counter's row. *out_is_due false: another was faster. */
static struct err *job_transaction(struct job *job, bool *out_is_due)
{
	struct crl_lists *self = job->lists;
	struct crl_signer_status signer = { 0 };

	TRY(crl_signer_status(self->conf.signer, &signer, self->issuer));
	TRY(job_number(job, &signer));
	*out_is_due = job->answer.due != CRL_NOT_DUE;
	if (!*out_is_due)
		return NULL;
	TRY(job_measure(job));
	TRY(crl_signer_sign(self->conf.signer, &job->signature, self->issuer, scope, &job->spec, &job->layout,
			    job->items, job->num_items, job->order_seq));
	TRY(job_write(job));
	TRY(job_judge(job));
	TRY(crl_q_add_list(self->conf.db, self->issuer, scope, job->kind->kind, &job->row));
	TRY(crl_q_set_counter(self->conf.db, self->issuer, scope, job->row.number));
	return job_log(job);
}

static struct err *job_run(struct job *job, bool *out_is_due)
{
	struct crl_lists *self = job->lists;

	TRY(db_begin(self->conf.db));
	struct err *e = job_transaction(job, out_is_due);
	if (e != NULL || !*out_is_due) {
		db_rollback(self->conf.db);
		return e;
	}
	/* Whether a commit that fails took effect is not known: the draft stays for crl_lists_recover(). */
	crl_draft_keep(&job->draft);
	job->may_be_recorded = true;
	TRY(db_commit(self->conf.db));
	return crl_folder_place(self->conf.folder, job->kind->name, job->row.number);
}

static void issue_succeeded(struct job *job, int64_t began_us)
{
	struct kind *kind = job->kind;

	kind->status.published = job->row;
	kind->status.has_list = true;
	kind->file_number = job->row.number;
	kind->status.issued++;
	kind->status.problem[0] = '\0';
	kind->status.alarm = NULL;
	kind->status.last_us = clock_mono_us() - began_us;
	kind->failures = 0;
	if (kind->kind == CRL_FULL)
		crl_set_prune(job->lists->set, job->spec.listed_from_at);
	log_info(NULL, "crl_issued",
		 "issuer=%s kind=%s number=%" PRId64 " entries=%" PRId64 " bytes=%" PRId64 " order_seq=%" PRId64
		 " why=%s took_ms=%" PRId64,
		 job->lists->issuer, crl_kind_word(kind->kind), job->row.number, job->row.num_entries,
		 job->row.size_bytes, job->row.order_seq, crl_due_word(job->answer.due), kind->status.last_us / 1000);
}

/* Keeps the old list. What the signer or the gate refused may come from a set that missed an order: it is read anew. */
static void issue_failed(struct crl_lists *self, struct kind *kind, struct err *e)
{
	enum err_category category = err_category(err_code(e));

	kind->status.failed++;
	kind->failures++;
	kind->failed_at = clock_now_s();
	(void)err_text(e, kind->status.problem, sizeof kind->status.problem);
	if (category == ERR_REFUSE || category == ERR_AUDIT)
		crl_set_clear(self->set);
	log_err(LOG_ERROR, NULL, "crl_failed", &e);
}

static struct err *issue(struct crl_lists *self, struct kind *kind)
{
	OWN(job)
	job = { .lists = self,
		.kind = kind,
		.layout = CRL_LAYOUT_INIT,
		.signature = BUF_INIT(SIGNATURE_MAX),
		.draft = CRL_DRAFT_NONE };
	int64_t began_us = clock_mono_us();
	bool is_due = false;
	struct err *e = job_run(&job, &is_due);

	if (e != NULL) {
		issue_failed(self, kind, e);
		ENSURE(!job.may_be_recorded, RETRY, "a list was recorded or not, and is not placed");
		ENSURE(db_is_connected(self->conf.db), GONE, "the database was lost while a list was made");
		return NULL;
	}
	if (is_due)
		issue_succeeded(&job, began_us);
	return NULL;
}

/* ---------------------------------------------------------------- what is due */

static struct err *kind_run(struct crl_lists *self, struct kind *kind, int64_t *out_look_again_at)
{
	struct crl_state state;
	struct crl_answer answer;

	/* A delta needs a full list to stand on. */
	if (kind->kind == CRL_DELTA && !self->kinds[0].status.has_list)
		return NULL;
	state_fill(&state, self, kind);
	crl_schedule_decide(&answer, &kind->rule, &state, clock_now_s());
	kind->status.alarm = answer.alarm;
	if (answer.due == CRL_NOT_DUE) {
		*out_look_again_at = min_of(*out_look_again_at, answer.look_again_at);
		return NULL;
	}
	*out_look_again_at = clock_now_s() + 1;
	return issue(self, kind);
}

struct err *crl_lists_run(struct crl_lists *self, int64_t *out_look_again_at)
{
	*out_look_again_at = INT64_MAX;
	TRY(follow(self));
	TRY(kind_run(self, &self->kinds[0], out_look_again_at));
	return kind_run(self, &self->kinds[1], out_look_again_at);
}
