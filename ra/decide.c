/*
 * decide.c - decisions take effect. See decide.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ra/review.h"

struct work {
	struct ra_ctx *ctx;
	const struct ra_decision_in *in;
	struct verified_decision decision;
	struct ra_who who;
	struct ra_outcomes outcomes;
	bool has_approved;
};

void ra_outcomes_clear(struct ra_outcomes *self)
{
	free(self->items);
	self->items = NULL;
	self->num = 0;
}

struct err *ra_refusal_error(enum authority_refusal refusal)
{
	const char *sentence = authority_refusal_sentence(refusal);

	switch (refusal) {
	case AUTHORITY_SAME_PERSON:
	case AUTHORITY_MISSING:
	case AUTHORITY_NO_RULE:
	case AUTHORITY_TOO_MANY:
		return ERR_FIELD(CONFLICT, "decision", "%s", sentence);
	case AUTHORITY_UNKNOWN_SIGNER:
	case AUTHORITY_WRONG_ROLE:
	case AUTHORITY_ENTERER:
	case AUTHORITY_SUBJECT:
	case AUTHORITY_NOT_HOLDER:
	case AUTHORITY_OTHER_ORGANISATION:
		return ERR_FIELD(DENIED, "decision", "%s", sentence);
	default:
		return ERR_FIELD(BAD_INPUT, "decision", "%s", sentence);
	}
}

/* A rejection is judged as an approval by the same person would be: may they decide on this at all? */
static enum authority_refusal judge(struct ra_missing *out, const struct work *w, const struct ra_review *review)
{
	struct verified_decision as_approval = w->decision;
	int64_t now = clock_now_s();

	as_approval.decision.verdict = DECISION_APPROVE;
	ra_review_missing(out, review, &as_approval, now);
	if (w->decision.decision.verdict == DECISION_REJECT) {
		/* Who approved once may still reject: the same person does not count twice, but may change their mind. */
		bool may = out->refusal == AUTHORITY_FITS || out->refusal == AUTHORITY_SAME_PERSON;

		return may ? AUTHORITY_FITS : out->refusal;
	}
	return out->refusal;
}

static bool has_decided(const struct ra_review *review, const char *person)
{
	for (size_t i = 0; i < review->num_decisions; i++)
		if (strcmp(review->decisions[i].decider.person, person) == 0)
			return true;
	return false;
}

static enum ra_claim claim_of(const struct ra_application *app, const char *person)
{
	if (app->claimed_by[0] == '\0' || app->claimed_until_ms <= clock_now_ms())
		return RA_CLAIM_NONE;
	return strcmp(app->claimed_by, person) == 0 ? RA_CLAIM_OWN : RA_CLAIM_OTHER;
}

static struct err *check_covers(const struct work *w, const struct ra_review *review)
{
	for (size_t i = 0; i < review->num_requests; i++)
		ENSURE_FIELD(decision_has(&w->decision.decision, review->requests[i].digest.p), BAD_INPUT,
			     "decision.digests",
			     "the request \"%s\" of the same application is missing: an application "
			     "is decided as a whole",
			     review->requests[i].purpose);
	return NULL;
}

static struct err *log_step(struct ra_log *log, const struct work *w, const struct ra_application *app,
			    enum ra_state to, enum ra_event event)
{
	bool by_service = w->who.actor == RA_IDENTIFICATION;
	const char *why = w->in->reason_text;
	struct log_entry entry;
	char reason[64];

	ra_log_begin(&entry, by_service ? LOG_KIND_IDENTIFICATION_DECIDED : LOG_KIND_DECISION_RECORDED, &w->who,
		     app->number);
	log_entry_what(&entry, "verdict", w->decision.decision.verdict == DECISION_APPROVE ? "approve" : "reject");
	log_entry_what(&entry, "reason", log_text_fit(reason, sizeof reason, w->decision.decision.reason));
	log_entry_why(&entry, why);
	log_entry_object(&entry, "decision", SLICE(w->decision.digest, 32));
	if (w->decision.decision.evidence.len == 32)
		log_entry_object(&entry, "evidence", w->decision.decision.evidence);
	TRY(ra_log_add(log, &entry));
	return ra_log_state(log, &w->who, app->number, app->state, to, event, why);
}

static struct err *write_move(struct work *w, const struct ra_application *app, enum ra_state to, enum ra_event event)
{
	OWN(ra_log) log = RA_LOG_INIT;
	char reason[64];
	struct ra_move move = { .id = app->id, .to = to };

	if (event == RA_EV_REJECT) {
		move.reason = log_text_fit(reason, sizeof reason, w->decision.decision.reason);
		move.reason_text = w->in->reason_text;
	}
	TRY(log_step(&log, w, app, to, event));
	TRY(ra_move(w->ctx->db, &move, &log));
	w->has_approved = w->has_approved || to == RA_APPROVED;
	return NULL;
}

static struct err *decide_one(struct work *w, const struct ra_application *app, size_t *seen)
{
	OWN(ra_review) review = { .num_requests = 0 };
	struct ra_missing missing;
	enum ra_state to;
	const char *person = w->decision.decider.person;

	ENSURE_FIELD(w->in->only == NULL || strcmp(w->in->only, app->number) == 0, BAD_INPUT, "decision.digests",
		     "the decision is about another application");
	TRY(ra_review_load(&review, w->ctx, app, w->decision.digest));
	TRY(check_covers(w, &review));
	*seen += review.num_requests;
	enum authority_refusal refusal = judge(&missing, w, &review);
	struct ra_step step = { .from = app->state,
				.event =
					w->decision.decision.verdict == DECISION_APPROVE ? RA_EV_APPROVE : RA_EV_REJECT,
				.actor = w->who.actor,
				.waits_for = missing.waits_for,
				.claim = claim_of(app, person),
				.needs_code = review.channel == CHANNEL_REMOTE,
				.is_reviewed = missing.is_reviewed,
				.is_enterer = strcmp(app->entered_by, person) == 0,
				.is_subject = strcmp(app->iin, person) == 0,
				.has_decided = has_decided(&review, person) };
	TRY(ra_state_next(&to, &step));
	if (refusal != AUTHORITY_FITS)
		return ra_refusal_error(refusal);
	ENSURE_FIELD(app->state != RA_AWAITING_CONFIRMATION || app->confirmed_ms != 0, CONFLICT, "number",
		     "the one-time code has not been confirmed");
	TRY(write_move(w, app, to, step.event));
	struct ra_outcome *o = &w->outcomes.items[w->outcomes.num++];
	(void)snprintf(o->number, sizeof o->number, "%s", app->number);
	o->state = to;
	return NULL;
}

/* The decision is there already: tell what has become of the applications. */
static struct err *tell_again(struct work *w, const struct db_result *rows)
{
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_application app;
		struct ra_outcome *o = &w->outcomes.items[w->outcomes.num];

		TRY(ra_application_at(&app, rows, i));
		(void)snprintf(o->number, sizeof o->number, "%s", app.number);
		o->state = app.state;
		w->outcomes.num++;
	}
	return NULL;
}

static struct err *store_decision(struct work *w, bool *out_is_new, const struct slice *members)
{
	const struct decision *d = &w->decision.decision;
	struct ra_new_decision row = { .digest = w->decision.digest,
				       .der = w->in->der,
				       .cms = w->in->cms,
				       .kind = d->kind,
				       .verdict = d->verdict,
				       .person = w->decision.decider.person,
				       .role = ra_actor_word(w->who.actor),
				       .key_hash = w->decision.decider.key_hash,
				       .expires_at = d->expires_at,
				       .members = members,
				       .num_members = d->num_digests };

	return ra_add_decision(w->ctx->db, out_is_new, &row);
}

static struct err *decide_all(struct work *w, const struct slice *members)
{
	OWN(db_result) rows = NULL;
	size_t num_members = w->decision.decision.num_digests;
	size_t seen = 0;
	bool is_new;

	TRY(ra_lock_by_requests(w->ctx->db, &rows, members, num_members));
	free(w->outcomes.items); /* a transaction that is tried again starts anew */
	w->outcomes.num = 0;
	w->has_approved = false;
	w->outcomes.items = calloc(db_num_rows(rows) + 1, sizeof *w->outcomes.items);
	ENSURE(w->outcomes.items != NULL, NO_MEMORY, "the outcome of a decision");
	ENSURE_FIELD(db_num_rows(rows) > 0, NOT_FOUND, "decision.digests", "no application has these requests");
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_application app;

		TRY(ra_application_at(&app, rows, i));
		if (i == 0) {
			TRY(store_decision(w, &is_new, members));
			if (!is_new)
				return tell_again(w, rows);
		}
		struct err *e = decide_one(w, &app, &seen);
		/* Who decided on many is told which; a number has no business in our own log. */
		if (e != NULL)
			return db_num_rows(rows) == 1 ? e : ERR_WRAP(e, "application %s", app.number);
	}
	ENSURE_FIELD(seen == num_members, NOT_FOUND, "decision.digests", "%zu of the digests belong to no application",
		     num_members - seen);
	return NULL;
}

static struct err *decide_tx(struct db *db, void *arg)
{
	struct work *w = arg;
	const struct decision *d = &w->decision.decision;
	struct slice *members = calloc(d->num_digests, sizeof *members);

	(void)db;
	ENSURE(members != NULL, NO_MEMORY, "a decision over %zu requests", d->num_digests);
	for (size_t i = 0; i < d->num_digests; i++)
		members[i] = SLICE(decision_digest(d, i), 32);
	struct err *e = decide_all(w, members);
	free(members);
	return e;
}

static struct err *check_sender(struct work *w)
{
	const struct decider *who = &w->decision.decider;

	ENSURE_FIELD(w->decision.decision.kind == DECISION_AUTHORISATIONS, BAD_INPUT, "decision",
		     "this is no decision on applications");
	ENSURE_FIELD((who->roles & w->in->roles) != 0 && ra_actor_of(&w->who.actor, who->roles), DENIED, "signature",
		     "the signer is nobody who may decide on applications");
	ENSURE_FIELD(w->in->person == NULL || strcmp(w->in->person, who->person) == 0, DENIED, "signature",
		     "the decision was signed by another person than the one who sends it");
	w->who.person = who->person;
	w->who.key_hash = who->key_hash;
	return NULL;
}

struct err *ra_decide(struct ra_outcomes *out, struct ra_ctx *ctx, const struct ra_decision_in *in)
{
	struct work w = { .ctx = ctx, .in = in };

	ENSURE(ctx->rules != NULL, RETRY, "no policy is in force yet; ask again in a moment");
	TRY(ra_verify_decision(&w.decision, ctx, in->der, in->cms));
	TRY(check_sender(&w));
	struct err *e = db_tx(ctx->db, decide_tx, &w);
	if (e != NULL) {
		ra_outcomes_clear(&w.outcomes);
		return e;
	}
	metrics_add(ctx->ra->metrics, RA_METRIC_DECISIONS, 1);
	if (w.has_approved)
		ra_prompt(ctx->ra, MSG_PROMPT_ISSUE);
	*out = w.outcomes;
	return NULL;
}
