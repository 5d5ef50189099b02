/*
 * order.c - status orders take effect. See order.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ra/decide.h"
#include "ra/review.h"

/* How long after its making an order may still be sent: what waits for a second person is at most this old. */
enum { ORDER_BACK_S = 86400, ORDER_CLOCK_S = 120 };

struct work {
	struct ra_ctx *ctx;
	const struct ra_order_in *in;
	struct status_order order;
	char issuer[32];
	uint8_t digest[32];
	struct verified_decision decision;
	struct ra_who who;
	struct db_result *rows;
	struct ra_certificate certificate;
	struct cert cert;
	struct ra_order_out out;
	bool is_written;
};

static struct err *check_form(struct work *w)
{
	int64_t now = clock_now_s();
	const struct status_order *o = &w->order;

	TRY(status_order_decode(&w->order, w->in->order));
	der_sha256(w->digest, w->in->order);
	(void)log_text_fit(w->issuer, sizeof w->issuer, o->issuer);
	ENSURE_FIELD(o->revoked_at >= now - ORDER_BACK_S && o->revoked_at <= now + ORDER_CLOCK_S, BAD_INPUT,
		     "order.revokedAt", "the order was made %lld seconds from now; make a new one",
		     (long long)(o->revoked_at - now));
	ENSURE_FIELD(!o->has_invalidity_at || o->invalidity_at <= o->revoked_at, BAD_INPUT, "order.invalidityAt",
		     "later than the order itself");
	return NULL;
}

static struct err *check_sender(struct work *w)
{
	const struct decider *who = &w->decision.decider;

	TRY(ra_verify_decision(&w->decision, w->ctx, w->in->decision, w->in->cms));
	ENSURE_FIELD(w->decision.decision.kind == DECISION_ORDERS, BAD_INPUT, "decision",
		     "this is no decision on orders");
	ENSURE_FIELD(w->decision.decision.num_digests == 1 && decision_has(&w->decision.decision, w->digest), BAD_INPUT,
		     "decision.digests", "the decision is not about this order alone");
	ENSURE_FIELD((who->roles & w->in->roles) != 0 && ra_actor_of(&w->who.actor, who->roles), DENIED, "signature",
		     "the signer is nobody who may order this here");
	ENSURE_FIELD(w->in->person == NULL || strcmp(w->in->person, who->person) == 0, DENIED, "signature",
		     "the decision was signed by another person than the one who sends it");
	w->who.person = who->person;
	w->who.key_hash = who->key_hash;
	return NULL;
}

static struct err *find_certificate(struct work *w)
{
	db_result_destroy(&w->rows);
	TRY(ra_get_certificate(w->ctx->db, &w->rows, w->issuer, serial_slice(&w->order.serial)));
	ra_certificate_at(&w->certificate, w->rows, 0);
	ENSURE_FIELD(slice_equal(w->certificate.sha256, w->order.certificate_digest), BAD_INPUT,
		     "order.certificateDigest", "the certificate with this serial number is another one");
	return cert_parse(&w->cert, w->certificate.der);
}

/* The decisions that are there, and the new one, under the rule. */
static struct err *judge(struct work *w, struct authority_answer *answer)
{
	const struct verified_decision *all[AUTHORITY_MAX_DECISIONS];
	struct verified_decision *stored = calloc(AUTHORITY_MAX_DECISIONS, sizeof *stored);
	struct slice member = SLICE(w->digest, 32);
	OWN(db_result) rows = NULL;
	struct authority_case c;
	struct authority_room room;
	size_t num = 0;
	struct err *e = stored == NULL ? ERR(NO_MEMORY, "decisions") : ra_get_decisions(w->ctx->db, &rows, &member, 1);

	for (size_t i = 0; e == NULL && i < db_num_rows(rows) && num < AUTHORITY_MAX_DECISIONS - 1; i++) {
		struct ra_decision row;

		ra_decision_at(&row, rows, i);
		if (slice_equal(row.digest, SLICE(w->decision.digest, 32)))
			continue;
		e = ra_verify_decision(&stored[num], w->ctx, row.der, row.cms);
		all[num] = &stored[num];
		if (e == NULL)
			num++;
		else if (err_category(err_code(e)) == ERR_REFUSE) /* no longer verifies: does not count */
			err_destroy(&e);
	}
	if (e == NULL) {
		all[num++] = &w->decision;
		authority_case_of_order(&c, &room, &w->order, w->digest, w->cert.subject, false, clock_now_s());
		authority_decide(answer, &c, all, num);
		if (answer->refusals[num - 1] != AUTHORITY_FITS)
			e = ra_refusal_error(answer->refusals[num - 1]);
	}
	free(stored);
	return e;
}

static struct err *store_decision(struct work *w, bool *out_is_new)
{
	struct slice member = SLICE(w->digest, 32);
	struct ra_new_decision row = { .digest = w->decision.digest,
				       .der = w->in->decision,
				       .cms = w->in->cms,
				       .kind = DECISION_ORDERS,
				       .verdict = w->decision.decision.verdict,
				       .person = w->decision.decider.person,
				       .role = ra_actor_word(w->who.actor),
				       .key_hash = w->decision.decider.key_hash,
				       .expires_at = w->decision.decision.expires_at,
				       .members = &member,
				       .num_members = 1 };

	return ra_add_decision(w->ctx->db, out_is_new, &row);
}

static struct err *log_order(struct ra_log *log, const struct work *w, enum log_kind kind)
{
	char serial[SERIAL_HEX_SIZE], ground[1100];
	const char *reason = order_reason_word(w->order.reason);
	struct log_entry entry;

	ra_log_begin(&entry, kind, &w->who, w->certificate.application);
	log_entry_what(&entry, "issuer", w->issuer);
	log_entry_what(&entry, "serial", serial_hex(serial, &w->order.serial));
	log_entry_what(&entry, "action", order_action_word(w->order.action));
	log_entry_what(&entry, "reason", reason == NULL ? "?" : reason);
	log_entry_why(&entry, log_text_fit(ground, sizeof ground, w->order.ground));
	log_entry_object(&entry, "certificate", w->certificate.sha256);
	log_entry_object(&entry, "order", SLICE(w->digest, 32));
	log_entry_object(&entry, "decision", SLICE(w->decision.digest, 32));
	return ra_log_add(log, &entry);
}

static void make_row(struct ra_new_order *row, const struct work *w)
{
	*row = (struct ra_new_order){ .certificate_id = w->certificate.id,
				      .issuer = w->issuer,
				      .serial = serial_slice(&w->order.serial),
				      .action = w->order.action,
				      .reason = w->order.reason,
				      .has_invalidity_at = w->order.has_invalidity_at,
				      .invalidity_at = w->order.invalidity_at,
				      .revoked_at = w->order.revoked_at,
				      .ground = w->order.ground,
				      .der = w->in->order,
				      .digest = w->digest,
				      .ordered_by = w->decision.decider.person };
}

static struct err *write_order(struct work *w, bool suffices)
{
	static const enum log_kind kinds[] = { LOG_KIND_STATUS_REVOKED, LOG_KIND_STATUS_HELD,
					       LOG_KIND_STATUS_RELEASED };
	OWN(ra_log) log = RA_LOG_INIT;
	struct ra_new_order row;

	make_row(&row, w);
	if (!suffices) {
		TRY(log_order(&log, w, LOG_KIND_DECISION_RECORDED));
		return ra_add_pending_order(w->ctx->db, &row, w->decision.decision.expires_at, &log);
	}
	TRY(log_order(&log, w, kinds[w->order.action - ORDER_REVOKE]));
	return ra_add_order(w->ctx->db, &w->is_written, &row, &log);
}

static void set_out(struct work *w, enum ra_status status, const struct authority_answer *answer)
{
	(void)serial_hex(w->out.serial, &w->order.serial);
	w->out.action = w->order.action;
	w->out.status = status;
	w->out.is_pending = !answer->suffices;
	w->out.num_missing = answer->num_missing;
}

static struct err *order_tx(struct db *db, void *arg)
{
	struct work *w = arg;
	struct authority_answer answer = { .suffices = true };
	enum ra_status status, next;
	bool is_done, is_new;

	w->is_written = false;
	TRY(find_certificate(w));
	TRY(ra_lock_certificate(db, w->certificate.id));
	TRY(find_certificate(w)); /* as it stands under the lock */
	TRY(ra_find_order(db, &is_done, w->digest));
	status = ra_status_of(w->certificate.last_action, w->certificate.not_after_at, clock_now_s());
	if (is_done) {
		set_out(w, status, &answer);
		return NULL;
	}
	TRY(judge(w, &answer));
	TRY(ra_status_next(&next, status, w->order.action));
	TRY(store_decision(w, &is_new));
	TRY(write_order(w, answer.suffices));
	set_out(w, answer.suffices ? next : status, &answer);
	return NULL;
}

struct err *ra_order(struct ra_order_out *out, struct ra_ctx *ctx, const struct ra_order_in *in)
{
	struct work w = { .ctx = ctx, .in = in };

	ENSURE(ctx->rules != NULL, RETRY, "no policy is in force yet; ask again in a moment");
	TRY(check_form(&w));
	TRY(check_sender(&w));
	struct err *e = db_tx(ctx->db, order_tx, &w);
	db_result_destroy(&w.rows);
	if (e != NULL)
		return e;
	if (w.is_written) {
		metrics_add(ctx->ra->metrics, RA_METRIC_ORDERS, 1);
		ra_prompt(ctx->ra, MSG_PROMPT_ORDER);
	}
	*out = w.out;
	return NULL;
}
