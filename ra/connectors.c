/*
 * connectors.c - the identification service is asked. See connectors.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/connectors.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "ra/decide.h"
#include "ra/json.h"
#include "ra/queries.h"
#include "ra/review.h"
#include "ra/web.h"

/* What the service answered. */
struct answer {
	bool is_matched;
	struct buf decision, signature;
	char text[256];
};

static void answer_clear(struct answer *self)
{
	buf_clear(&self->decision);
	buf_clear(&self->signature);
}
OWN_TYPE(answer, struct answer, answer_clear)

static struct err *make_question(json_t **out, const struct ra_application *app, const struct ra_review *review)
{
	OWN(json) body = json_object();
	json_t *purposes = ra_json_add_array(body, "purposes");
	json_t *authorisations = ra_json_add_array(body, "authorisations");

	ra_json_set_str(body, "number", app->number);
	ra_json_set_str(body, "iin", app->iin);
	ra_json_set_str(body, "kind", app->kind);
	for (size_t i = 0; i < review->num_requests; i++) {
		OWN(buf) text = BUF_INIT(2 * AUTHORISATION_MAX_BYTES);

		TRY(text_base64(&text, review->requests[i].authorisation));
		ENSURE(json_array_append_new(purposes, json_string(review->requests[i].purpose)) == 0 &&
			       json_array_append_new(authorisations, json_stringn((const char *)text.p, text.len)) == 0,
		       NO_MEMORY, "a question to the identification service");
	}
	*out = TAKE(body);
	return NULL;
}

static struct err *read_answer(struct answer *out, json_t *body)
{
	static const struct ra_json_field fields[] = {
		{ "outcome", RA_JSON_TEXT, true, 16 },
		{ "decision", RA_JSON_TEXT, false, 2 * 65536 },
		{ "signature", RA_JSON_TEXT, false, 2 * AUTHORITY_CMS_MAX_BYTES },
		{ "text", RA_JSON_TEXT, false, 1024 },
	};
	json_t *got[4];

	TRY(ra_json_fields(got, body, "", fields, 4));
	out->is_matched = strcmp(ra_json_str(got[0]), "matched") == 0;
	ENSURE_FIELD(out->is_matched || strcmp(ra_json_str(got[0]), "failed") == 0, BAD_INPUT, "outcome",
		     "neither matched nor failed");
	(void)log_text_fit(out->text, sizeof out->text, ra_json_text(got[3]));
	if (!out->is_matched)
		return NULL;
	ENSURE_FIELD(got[1] != NULL, BAD_INPUT, "decision", "missing");
	ENSURE_FIELD(got[2] != NULL, BAD_INPUT, "signature", "missing");
	TRY(ra_json_base64(&out->decision, got[1], "decision"));
	return ra_json_base64(&out->signature, got[2], "signature");
}

static struct err *ask(struct answer *out, struct ra_ctx *ctx, struct ra_web *web, const struct ra_application *app)
{
	const struct ra_conf *conf = ctx->ra->conf;
	OWN(ra_review) review = { .num_requests = 0 };
	OWN(json) question = NULL;
	OWN(json) body = NULL;

	TRY(ra_review_load(&review, ctx, app, NULL));
	TRY(make_question(&question, app, &review));
	TRY(ra_web_post(web, &body, conf->identification_url, question, conf->identification_timeout_ms));
	return read_answer(out, body);
}

struct failure {
	struct ra_ctx *ctx;
	const char *number, *text;
};

/* The person was not recognised: back to the applicant, or the end of the remote way. */
static struct err *fail_tx(struct db *db, void *arg)
{
	const struct failure *f = arg;
	static const struct ra_who service = { .actor = RA_IDENTIFICATION, .person = "" };
	OWN(ra_application) app = { .row = NULL };
	OWN(ra_log) log = RA_LOG_INIT;
	struct log_entry entry;
	enum ra_state to;

	TRY(ra_get_application(db, &app, f->number, true));
	if (app.state != RA_AWAITING_CONFIRMATION || app.confirmed_ms == 0)
		return NULL; /* withdrawn or expired meanwhile */
	struct ra_step step = { .from = app.state,
				.event = RA_EV_IDENTIFY_FAIL,
				.actor = RA_IDENTIFICATION,
				.has_tries = app.identification_tries + 1 < f->ctx->ra->conf->identification_attempts };
	TRY(ra_state_next(&to, &step));
	ra_log_begin(&entry, LOG_KIND_IDENTIFICATION_DECIDED, &service, app.number);
	log_entry_what(&entry, "verdict", "failed");
	log_entry_why(&entry, f->text);
	TRY(ra_log_add(&log, &entry));
	TRY(ra_log_state(&log, &service, app.number, app.state, to, step.event, f->text));
	TRY(ra_count_identification(db, app.id));
	struct ra_move move = { .id = app.id, .to = to, .reason = "identification_failed", .reason_text = f->text };
	return ra_move(db, &move, &log);
}

static struct err *apply(struct ra_ctx *ctx, const struct answer *answer, const char *number)
{
	OWN(ra_outcomes) outcomes = { .num = 0 };

	if (!answer->is_matched) {
		struct failure f = { ctx, number, answer->text };

		metrics_add(ctx->ra->metrics, RA_METRIC_IDENTIFICATION_FAILED, 1);
		return db_tx(ctx->db, fail_tx, &f);
	}
	struct ra_decision_in in = { .der = buf_slice(&answer->decision),
				     .cms = buf_slice(&answer->signature),
				     .reason_text = "",
				     .only = number,
				     .roles = ROLE_BIT(ROLE_IDENTIFICATION) };
	TRY(ra_decide(&outcomes, ctx, &in));
	metrics_add(ctx->ra->metrics, RA_METRIC_IDENTIFIED, 1);
	return NULL;
}

static struct err *identify(struct ra_ctx *ctx, struct ra_web *web, const char *number)
{
	OWN(ra_application) app = { .row = NULL };
	OWN(answer) answer = { .decision = BUF_INIT(65536), .signature = BUF_INIT(AUTHORITY_CMS_MAX_BYTES) };

	TRY(ra_get_application(ctx->db, &app, number, false));
	if (app.state != RA_AWAITING_CONFIRMATION || app.confirmed_ms == 0)
		return NULL; /* withdrawn or expired meanwhile: the move has cleared what was to come */
	TRY(ask(&answer, ctx, web, &app));
	return apply(ctx, &answer, number);
}

static struct err *identify_next(struct ra_ctx *ctx, struct ra_web *web, bool *out_more)
{
	const struct ra_conf *conf = ctx->ra->conf;
	int64_t now = clock_now_ms();
	char number[RA_NUMBER_SIZE];

	*out_more = false;
	if (conf->identification_url[0] == '\0' || ctx->rules == NULL)
		return NULL;
	TRY(ra_take_identification(ctx->db, number, now, now + 2 * conf->identification_timeout_ms + 1000));
	if (number[0] == '\0')
		return NULL;
	*out_more = true;
	struct err *e = identify(ctx, web, number);
	if (e == NULL)
		return NULL;
	metrics_add(ctx->ra->metrics, RA_METRIC_CONNECTOR_ERRORS, 1);
	log_err(LOG_WARN, NULL, "identification_not_done", &e);
	return ra_postpone_identification(ctx->db, number, clock_now_ms() + RA_IDENTIFICATION_PAUSE_MS);
}

const struct ra_worker_kind ra_identification_kind = {
	.name = "identification", .pause_ms = 1000, .needs_web = true, .turn = identify_next
};
