/*
 * api_applications.c - one application: as its applicant sees it, as operators see it, its certificates, its end by
 * the applicant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "ra/api.h"
#include "ra/json.h"
#include "ra/review.h"
#include "ra/view.h"

/* ---- the applicant */

static struct err *add_issued(json_t *answer, struct ra_call *call, const struct ra_application *app)
{
	OWN(db_result) rows = NULL;
	json_t *list = ra_json_add_array(answer, "certificates");

	if (app->state != RA_ISSUED && app->state != RA_DELIVERED)
		return NULL;
	TRY(ra_get_issued(call->ctx.db, &rows, app->id));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_issued issued;
		json_t *item = ra_json_append_object(list);

		ra_issued_at(&issued, rows, i);
		ra_json_set_str(item, "purpose", issued.purpose);
		ra_json_set_hex(item, "serial", issued.serial);
	}
	return NULL;
}

static struct err *show_to_applicant(struct ra_call *call, const struct ra_application *app)
{
	json_t *answer = ra_call_answer(call, 200);

	ra_json_set_str(answer, "number", app->number);
	ra_json_set_str(answer, "kind", app->kind);
	ra_json_set_str(answer, "channel", app->channel);
	ra_json_set_str(answer, "state", ra_state_word(app->state));
	ra_json_set_time_ms(answer, "submitted_at", app->submitted_ms);
	ra_json_set_time_ms(answer, "state_at", app->state_ms);
	ra_json_set_time_ms(answer, "expires_at", app->expires_ms);
	ra_json_set_bool(answer, "confirmed", app->confirmed_ms != 0);
	ra_json_set_str(answer, "reason", app->reason);
	ra_json_set_str(answer, "reason_text", app->reason_text);
	return add_issued(answer, call, app);
}

struct err *api_application(struct ra_call *call)
{
	OWN(ra_application) app = { .row = NULL };

	TRY(ra_call_application(call, &app, false));
	return show_to_applicant(call, &app);
}

/* ---- steps of the applicant */

struct step {
	struct ra_call *call;
	enum ra_event event;
};

static struct err *log_delivery(struct ra_log *log, struct ra_call *call, const struct ra_application *app,
				const char *how)
{
	OWN(db_result) rows = NULL;
	struct ra_who who = ra_call_who(call);
	uint8_t digests[PROFILE_MAX_REQUESTS][32];
	struct log_entry entry;

	TRY(ra_get_issued(call->ctx.db, &rows, app->id));
	ra_log_begin(&entry, LOG_KIND_CERTIFICATE_DELIVERED, &who, app->number);
	log_entry_what(&entry, "how", how);
	for (size_t i = 0; i < db_num_rows(rows) && i < PROFILE_MAX_REQUESTS; i++) {
		struct ra_issued issued;

		ra_issued_at(&issued, rows, i);
		der_sha256(digests[i], issued.der);
		log_entry_object(&entry, issued.purpose, SLICE(digests[i], 32));
	}
	return ra_log_add(log, &entry);
}

static struct err *step_locked(const struct step *step, struct ra_application *app, const char *how)
{
	struct ra_call *call = step->call;
	OWN(ra_log) log = RA_LOG_INIT;
	struct ra_who who = ra_call_who(call);
	struct ra_step s;
	enum ra_state to;

	ra_call_step(&s, call, app, step->event);
	TRY(ra_state_next(&to, &s));
	if (to == app->state && step->event != RA_EV_DELIVER)
		return NULL;
	if (step->event == RA_EV_DELIVER)
		TRY(log_delivery(&log, call, app, how));
	TRY(ra_log_state(&log, &who, app->number, app->state, to, step->event, ""));
	struct ra_move move = { .id = app->id, .to = to, .reason = step->event == RA_EV_WITHDRAW ? "withdrawn" : "" };
	return ra_move(call->ctx.db, &move, &log);
}

static struct err *step_tx(struct db *db, void *arg)
{
	const struct step *step = arg;
	OWN(ra_application) app = { .row = NULL };

	(void)db;
	TRY(ra_call_application(step->call, &app, true));
	return step_locked(step, &app, "accepted");
}

static struct err *take_step(struct ra_call *call, enum ra_event event)
{
	struct step step = { call, event };
	json_t *none[1];

	TRY(ra_json_fields(none, call->json, "", NULL, 0));
	TRY(db_tx(call->ctx.db, step_tx, &step));
	return api_application(call);
}

struct err *api_withdraw(struct ra_call *call)
{
	return take_step(call, RA_EV_WITHDRAW);
}

struct err *api_accept(struct ra_call *call)
{
	return take_step(call, RA_EV_DELIVER);
}

/* ---- certificates */

static struct err *fetch_tx(struct db *db, void *arg)
{
	const struct step *step = arg;
	OWN(ra_application) app = { .row = NULL };

	(void)db;
	TRY(ra_call_application(step->call, &app, true));
	if (app.state != RA_ISSUED)
		return NULL; /* fetched before */
	return step_locked(step, &app, "fetched");
}

static struct err *show_certificates(struct ra_call *call, const struct ra_application *app)
{
	const struct ra_issuer *issuer = ra_rules_issuer(call->ctx.rules, app->issuer);
	OWN(db_result) rows = NULL;
	json_t *answer = ra_call_answer(call, 200);
	json_t *list = ra_json_add_array(answer, "certificates");
	OWN(buf) chain = BUF_INIT(256 * 1024);
	const char *text;

	ENSURE(issuer != NULL, RETRY, "the issuer %s is not known yet", app->issuer);
	TRY(ra_get_issued(call->ctx.db, &rows, app->id));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_issued issued;
		OWN(buf) pem = BUF_INIT(4 * CERT_MAX_BYTES);
		json_t *item = ra_json_append_object(list);

		ra_issued_at(&issued, rows, i);
		TRY(cert_to_pem(&pem, issued.der));
		TRY(buf_str(&pem, &text));
		ra_json_set_str(item, "purpose", issued.purpose);
		ra_json_set_hex(item, "serial", issued.serial);
		ra_json_set_str(item, "pem", text);
	}
	TRY(buf_append(&chain, buf_slice(&issuer->chain)));
	TRY(buf_str(&chain, &text));
	ra_json_set_str(answer, "chain", text);
	return NULL;
}

struct err *api_certificates_of(struct ra_call *call)
{
	struct step step = { call, RA_EV_DELIVER };
	OWN(ra_application) app = { .row = NULL };

	TRY(ra_call_application(call, &app, false));
	ENSURE_FIELD(app.state == RA_ISSUED || app.state == RA_DELIVERED, CONFLICT, "state",
		     "there are no certificates yet: the application is %s", ra_state_word(app.state));
	if (app.state == RA_ISSUED)
		TRY(db_tx(call->ctx.db, fetch_tx, &step));
	return show_certificates(call, &app);
}

/* ---- the operator */

struct err *api_operator_application(struct ra_call *call)
{
	OWN(ra_application) app = { .row = NULL };
	OWN(ra_review) review = { .num_requests = 0 };
	json_t *answer = ra_call_answer(call, 200);

	TRY(ra_call_application(call, &app, false));
	TRY(ra_review_load(&review, &call->ctx, &app, NULL));
	ra_view_application(answer, &app);
	TRY(ra_view_may_decide(answer, call, &app, &review));
	ra_view_requests(answer, &review);
	ra_view_decisions(answer, &review);
	TRY(ra_view_documents(answer, call, app.id));
	return ra_view_history(answer, call, app.id);
}
