/*
 * api_queue.c - the operators' queue: what waits, claim with a lease, give back, return to the applicant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "ra/api.h"
#include "ra/json.h"
#include "ra/view.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500, REASON_TEXT_MAX = 2000 };

static struct err *add_row(json_t *list, struct ra_call *call, const struct db_result *rows, size_t i)
{
	struct ra_application app;
	json_t *item = ra_json_append_object(list);
	char applicant[600];

	TRY(ra_application_at(&app, rows, i));
	(void)snprintf(applicant, sizeof applicant, "%s %s%s%s", app.surname, app.given,
		       app.patronymic[0] == '\0' ? "" : " ", app.patronymic);
	ra_json_set_str(item, "number", app.number);
	ra_json_set_str(item, "kind", app.kind);
	ra_json_set_str(item, "channel", app.channel);
	ra_json_set_str(item, "state", ra_state_word(app.state));
	ra_json_set_str(item, "applicant", applicant);
	ra_json_set_str(item, "iin", app.iin);
	ra_json_set_str(item, "bin", app.bin);
	ra_json_set_str(item, "organisation", app.organisation);
	ra_json_set_time_ms(item, "submitted_at", app.submitted_ms);
	ra_json_set_int(item, "age_s", (clock_now_ms() - app.submitted_ms) / 1000);
	ra_json_set_str(item, "claimed_by", app.claimed_until_ms > clock_now_ms() ? app.claimed_by : "");
	ra_json_set_str(item, "entered_by", app.entered_by);
	return ra_view_may_decide_queue(item, call, &app, ra_queue_approvers(rows, i));
}

struct err *api_queue(struct ra_call *call)
{
	const char *state = ra_call_query(call, "state", "");
	const char *kind = ra_call_query(call, "kind", "");
	OWN(db_result) rows = NULL;
	enum ra_state known;
	int64_t limit, offset;

	ENSURE_FIELD(state[0] == '\0' || ra_state_parse(&known, state), BAD_INPUT, "state", "no such state");
	TRY(ra_call_query_int(call, &limit, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX));
	TRY(ra_call_query_int(call, &offset, "offset", 0, 0, 1000000000));
	TRY(ra_get_queue(call->ctx.db, &rows, state, kind, limit, offset));
	json_t *answer = ra_call_answer(call, 200);
	json_t *list = ra_json_add_array(answer, "applications");
	for (size_t i = 0; i < db_num_rows(rows); i++)
		TRY(add_row(list, call, rows, i));
	ra_json_set_int(answer, "total", ra_queue_total(rows));
	return NULL;
}

/* ---- steps of an operator */

struct step {
	struct ra_call *call;
	enum ra_event event;
	const char *reason, *text;
};

/* A claim is refused to who approved already: the second approval is another person's. */
static struct err *has_approved(bool *out, struct ra_call *call, const struct ra_application *app)
{
	OWN(ra_review) review = { .num_requests = 0 };

	*out = false;
	if (app->state != RA_APPROVED_ONCE)
		return NULL;
	TRY(ra_review_load(&review, &call->ctx, app, NULL));
	for (size_t i = 0; i < review.num_decisions; i++)
		*out = *out || strcmp(review.decisions[i].decider.person, call->staff->person) == 0;
	return NULL;
}

static struct err *step_tx(struct db *db, void *arg)
{
	const struct step *s = arg;
	struct ra_call *call = s->call;
	OWN(ra_application) app = { .row = NULL };
	OWN(ra_log) log = RA_LOG_INIT;
	struct ra_who who = ra_call_who(call);
	struct ra_step step;
	enum ra_state to;

	TRY(ra_call_application(call, &app, true));
	ra_call_step(&step, call, &app, s->event);
	if (s->event == RA_EV_CLAIM)
		TRY(has_approved(&step.has_decided, call, &app));
	TRY(ra_state_next(&to, &step));
	TRY(ra_log_state(&log, &who, app.number, app.state, to, s->event, s->text));
	struct ra_move move = { .id = app.id, .to = to, .reason = s->reason, .reason_text = s->text };
	if (s->event == RA_EV_CLAIM) {
		move.claimed_by = who.person;
		move.claimed_until_ms = clock_now_ms() + call->ctx.ra->conf->claim_lease_s * 1000;
	}
	return ra_move(db, &move, &log);
}

static struct err *take_step(struct ra_call *call, struct step *step)
{
	TRY(db_tx(call->ctx.db, step_tx, step));
	return api_operator_application(call);
}

struct err *api_claim(struct ra_call *call)
{
	struct step step = { call, RA_EV_CLAIM, "", "" };
	json_t *none[1];

	TRY(ra_json_fields(none, call->json, "", NULL, 0));
	return take_step(call, &step);
}

struct err *api_release(struct ra_call *call)
{
	struct step step = { call, RA_EV_RELEASE, "", "" };
	json_t *none[1];

	TRY(ra_json_fields(none, call->json, "", NULL, 0));
	return take_step(call, &step);
}

struct err *ra_check_text(const char *field, const json_t *value)
{
	if (value == NULL)
		return NULL;
	ENSURE_FIELD(!text_has_control(ra_json_text(value)), BAD_INPUT, field, "control or invisible characters");
	return NULL;
}

struct err *ra_check_reason(const char *field, const json_t *value)
{
	const char *text = ra_json_str(value);

	ENSURE_FIELD(text[0] != '\0' &&
			     strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
				     strlen(text),
		     BAD_INPUT, field, "a reason code is expected: letters, digits, _ and -");
	return NULL;
}

struct err *api_return(struct ra_call *call)
{
	static const struct ra_json_field fields[] = { { "reason", RA_JSON_TEXT, true, 40 },
						       { "text", RA_JSON_TEXT, false, REASON_TEXT_MAX } };
	json_t *got[2];

	TRY(ra_json_fields(got, call->json, "", fields, 2));
	TRY(ra_check_reason("reason", got[0]));
	TRY(ra_check_text("text", got[1]));
	struct step step = { call, RA_EV_RETURN, ra_json_str(got[0]), ra_json_str(got[1]) };
	return take_step(call, &step);
}
