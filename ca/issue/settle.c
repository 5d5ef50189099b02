/*
 * settle.c - issue_settle(): from the signer's answers to certificates in the ledger. See issue.h.
 *
 * A signature that exists is never thrown away: even when its application has ended meanwhile, its certificate goes into
 * the ledger, so that it can be found and revoked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ca/issue/endings.h"
#include "ca/issue/issue.h"

/* ---- what the signer gave */

/* The certificate must be for this request's key, under this issuer, and the issuer's key must have signed it. */
static struct err *assemble(const struct issue_batch *batch, struct issue_item *item)
{
	const struct issue_issuer *issuer = issue_rules_issuer(batch->rules, item->issuer);

	ENSURE(issuer != NULL, BUG, "issuer %s is gone", item->issuer);
	buf_reset(&item->certificate);
	TRY(cert_assemble(&item->certificate, item->signed_tbs, issuer->suite, item->signature));
	TRY(cert_parse(&item->cert, buf_slice(&item->certificate)));
	ENSURE(slice_equal(SLICE(item->cert.key_hash, sizeof item->cert.key_hash), item->spki_sha256), BAD_INPUT,
	       "the certificate is for another key");
	ENSURE(slice_equal(item->cert.issuer, issuer->cert.subject), BAD_INPUT, "the certificate is of another issuer");
	return suite_verify(issuer->key, item->cert.signature_algorithm, item->cert.tbs, item->cert.signature);
}

static void check_signed(const struct issue_batch *batch, struct issue_item *item)
{
	char text[ISSUE_TEXT_MAX];
	struct log_ctx ctx;
	struct err *e = assemble(batch, item);

	if (e == NULL)
		return;
	issue_item_end(item, ISSUE_RETRY, SLICE_STR("bad_signature"), SLICE_STR(err_text(e, text, sizeof text)));
	log_ctx_set(&ctx, "request=%lld", (long long)item->request_id);
	log_err(LOG_ERROR, &ctx, "signer_answer_wrong", &e);
}

/* ---- the transaction */

struct settlement {
	struct issue_batch *batch;
	const struct issue_limits *limits;
	size_t from, to; /* items of the batch that are settled together */
	/* of the signed items */
	size_t num;
	struct issue_item **items;
	struct ca_certificate *rows;
	int64_t *ids, *request_ids, *application_ids;
	size_t num_applications;
};

static void settlement_clear(struct settlement *self)
{
	free(self->items);
	free(self->rows);
	free(self->ids);
	free(self->request_ids);
	free(self->application_ids);
}
OWN_TYPE(settlement, struct settlement, settlement_clear)

static void fill_row(struct ca_certificate *row, const struct issue_item *item)
{
	const struct cert *c = &item->cert;

	*row = (struct ca_certificate){ .request_id = item->request_id,
					.issuer = item->issuer,
					.serial = c->serial,
					.profile = item->profile,
					.purpose = item->purpose,
					.channel = item->channel,
					.iin = c->iin,
					.bin = c->bin,
					.der = c->der,
					.sha256 = SLICE(c->digest, sizeof c->digest),
					.spki_sha256 = item->spki_sha256,
					.not_before_at = c->not_before_at,
					.not_after_at = c->not_after_at,
					.seq = item->seq };
	if (!name_get(&row->common_name, c->subject, NAME_CN))
		row->common_name = SLICE_NONE;
}

static struct err *settlement_init(struct settlement *self, struct issue_batch *batch)
{
	size_t n = batch->num + 1;

	self->items = calloc(n, sizeof *self->items);
	self->rows = calloc(n, sizeof *self->rows);
	self->ids = calloc(n, sizeof *self->ids);
	self->request_ids = calloc(n, sizeof *self->request_ids);
	self->application_ids = calloc(n, sizeof *self->application_ids);
	ENSURE(self->items != NULL && self->rows != NULL && self->ids != NULL && self->request_ids != NULL &&
		       self->application_ids != NULL,
	       NO_MEMORY, "batch of %zu", batch->num);
	for (size_t i = self->from; i < self->to; i++) {
		struct issue_item *item = &batch->items[i];
		if (item->is_ended || (item->outcome != ISSUE_SIGNED && item->outcome != ISSUE_REJECTED))
			continue;
		/* Items stand in order of their applications. */
		if (self->num_applications == 0 ||
		    self->application_ids[self->num_applications - 1] != item->application_id)
			self->application_ids[self->num_applications++] = item->application_id;
		if (item->outcome != ISSUE_SIGNED)
			continue;
		fill_row(&self->rows[self->num], item);
		self->request_ids[self->num] = item->request_id;
		self->items[self->num++] = item;
	}
	return NULL;
}

static struct err *log_issued(struct ca_log *log, const struct issue_item *item, int64_t certificate_id)
{
	const struct ca_log_refs refs = { .application_id = item->application_id, .certificate_id = certificate_id };
	char hex[SERIAL_HEX_SIZE];
	struct log_entry entry;

	ca_log_begin(&entry, LOG_KIND_CERTIFICATE_ISSUED, item->number);
	log_entry_what(&entry, "issuer", item->issuer);
	log_entry_what(&entry, "serial", serial_hex(hex, &item->cert.serial));
	log_entry_what(&entry, "profile", item->profile);
	log_entry_object(&entry, "certificate", SLICE(item->cert.digest, sizeof item->cert.digest));
	log_entry_object(&entry, "authorisation", item->digest);
	return ca_log_add(log, &entry, refs);
}

/* The signer repeated a plan that is not the one just sent. */
static struct err *record_other_plans(struct db *db, const struct settlement *s)
{
	for (size_t i = 0; i < s->num; i++)
		if (!slice_equal(s->items[i]->signed_tbs, buf_slice(&s->items[i]->tbs)))
			TRY(ca_add_plan(db, s->items[i], &s->items[i]->cert));
	return NULL;
}

static struct err *add_certificates(struct db *db, const struct settlement *s, struct ca_log *log)
{
	TRY(record_other_plans(db, s));
	TRY(ca_add_certificates(db, s->ids, s->rows, s->num));
	for (size_t i = 0; i < s->num; i++) {
		bool is_there = true;
		s->items[i]->is_new = s->ids[i] != 0;
		if (s->items[i]->is_new)
			TRY(log_issued(log, s->items[i], s->ids[i]));
		else
			TRY(ca_has_certificate(db, &is_there, s->items[i]->request_id, s->rows[i].sha256));
		ENSURE(is_there, CONFLICT, "request %lld: another certificate stands in the way",
		       (long long)s->items[i]->request_id);
	}
	return ca_dequeue(db, s->request_ids, s->num);
}

static struct err *finish_applications(struct db *db, const struct settlement *s, struct ca_log *log)
{
	OWN(db_result) complete = NULL;

	TRY(ca_complete(db, &complete, s->application_ids, s->num_applications));
	size_t n = db_num_rows(complete);
	int64_t *ids = calloc(n + 1, sizeof *ids);
	ENSURE(ids != NULL, NO_MEMORY, "%zu applications", n);
	struct err *e = NULL;
	for (size_t i = 0; i < n && e == NULL; i++) {
		const char *number;
		ca_complete_at(complete, i, &ids[i], &number);
		e = ca_log_state(log, ids[i], number, "issuing", "issued", "");
	}
	if (e == NULL && n > 0)
		e = ca_finish(db, ids, n);
	free(ids);
	return e;
}

static struct err *settle(struct db *db, void *arg)
{
	struct settlement *s = arg;
	OWN(ca_log) log = CA_LOG_INIT;

	if (s->num_applications > 0)
		TRY(ca_lock_applications(db, s->application_ids, s->num_applications));
	if (s->num > 0)
		TRY(add_certificates(db, s, &log));
	TRY(issue_end_items(db, s->batch, s->from, s->to, s->limits, &log));
	if (s->num > 0)
		TRY(finish_applications(db, s, &log));
	return ca_add_log(db, &log);
}

static struct err *settle_range(struct db *db, struct issue_batch *batch, size_t from, size_t to,
				const struct issue_limits *limits)
{
	OWN(settlement) s = { .batch = batch, .limits = limits, .from = from, .to = to };

	TRY(settlement_init(&s, batch));
	TRY(db_tx(db, settle, &s));
	issue_mark_ended(batch, from, to);
	return NULL;
}

/* The ledger does not take one of them: each is settled alone, and that one is tried again later. */
static struct err *settle_singly(struct db *db, struct issue_batch *batch, const struct issue_limits *limits)
{
	char text[ISSUE_TEXT_MAX];

	for (size_t i = 0; i < batch->num; i++) {
		struct issue_item *item = &batch->items[i];
		OWN(err) e = settle_range(db, batch, i, i + 1, limits);
		if (e == NULL)
			continue;
		if (err_category(err_code(e)) == ERR_RETRY_LATER)
			return TAKE(e);
		(void)err_text(e, text, sizeof text);
		log_error(NULL, "settle_failed", "request=%lld text=\"%s\"", (long long)item->request_id, text);
		issue_item_end(item, ISSUE_RETRY, SLICE_STR("ledger"), SLICE_STR(text));
		TRY(settle_range(db, batch, i, i + 1, limits));
	}
	return NULL;
}

struct err *issue_settle(struct db *db, struct issue_batch *batch, const struct issue_limits *limits)
{
	for (size_t i = 0; i < batch->num; i++)
		if (batch->items[i].outcome == ISSUE_SIGNED && !batch->items[i].is_ended)
			check_signed(batch, &batch->items[i]);
	OWN(err) e = settle_range(db, batch, 0, batch->num, limits);
	if (e != NULL && err_category(err_code(e)) != ERR_RETRY_LATER)
		return settle_singly(db, batch, limits);
	return TAKE(e);
}
