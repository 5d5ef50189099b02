/*
 * api_confirm.c - the one-time code: confirm, and send another.
 *
 * Tries are counted in the ledger before the answer is given, codes and their pauses are limited, and a code dies with its
 * application's state. RA_EV_CONFIRM keeps an application waiting while the identification service has to be asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "ra/api.h"
#include "ra/json.h"
#include "ra/notices.h"
#include "ra/review.h"

/* The refusal leaves the transaction as a value: the counted try must be committed. */
struct confirm {
	struct ra_call *call;
	const char *code;
	struct err *refusal;
	bool identifies;
};

static struct err *refuse(struct confirm *c, struct err *refusal)
{
	err_destroy(&c->refusal);
	c->refusal = refusal;
	return NULL;
}

/* Whether a code may be tried at all. */
static struct err *check_code_alive(const struct ra_application *app, const struct ra_conf *conf)
{
	ENSURE_FIELD(app->confirmed_ms == 0, CONFLICT, "code", "confirmed already; identification is under way");
	ENSURE_FIELD(app->code_hash.len > 0, CONFLICT, "code", "no code was sent for this application");
	ENSURE_FIELD(app->code_tries < conf->code_tries, CONFLICT, "code",
		     "too many wrong tries; ask for another code (resend)");
	ENSURE_FIELD(app->code_expires_ms > clock_now_ms(), CONFLICT, "code",
		     "this code has expired; ask for another (resend)");
	return NULL;
}

static struct err *write_confirmed(struct confirm *c, const struct ra_application *app, enum ra_state to,
				   bool identifies)
{
	struct ra_call *call = c->call;
	OWN(ra_log) log = RA_LOG_INIT;
	struct ra_who who = ra_call_who(call);
	struct log_entry entry;
	int64_t now = clock_now_ms();

	ra_log_begin(&entry, LOG_KIND_APPLICATION_CONFIRMED, &who, app->number);
	TRY(ra_log_add(&log, &entry));
	TRY(ra_log_state(&log, &who, app->number, app->state, to, RA_EV_CONFIRM, ""));
	c->identifies = identifies;
	return ra_confirm(call->ctx.db, app->id, to, now, identifies ? now : 0, &log);
}

static struct err *confirm_locked(struct confirm *c, struct ra_application *app)
{
	struct ra_call *call = c->call;
	const struct ra_conf *conf = call->ctx.ra->conf;
	OWN(ra_review) review = { .num_requests = 0 };
	struct ra_missing missing;
	struct ra_step step;
	enum ra_state to;

	TRY(ra_review_load(&review, &call->ctx, app, NULL));
	ra_review_missing(&missing, &review, NULL, clock_now_s());
	ra_call_step(&step, call, app, RA_EV_CONFIRM);
	step.waits_for = missing.waits_for;
	TRY(ra_state_next(&to, &step));
	TRY(check_code_alive(app, conf));
	if (!ra_code_fits(app->code_hash, app->number, c->code)) {
		TRY(ra_count_try(call->ctx.db, app->id));
		return refuse(c, ERR_FIELD(BAD_INPUT, "code", "this is not the code that was sent; %lld tries are left",
					   (long long)(conf->code_tries - app->code_tries - 1)));
	}
	return write_confirmed(c, app, to, missing.waits_for == RA_WAITS_IDENTIFICATION);
}

static struct err *confirm_tx(struct db *db, void *arg)
{
	struct confirm *c = arg;
	OWN(ra_application) app = { .row = NULL };

	(void)db;
	TRY(refuse(c, NULL));
	TRY(ra_call_application(c->call, &app, true));
	return confirm_locked(c, &app);
}

struct err *api_confirm(struct ra_call *call)
{
	static const struct ra_json_field fields[] = { { "code", RA_JSON_TEXT, true, 16 } };
	json_t *got[1];
	struct confirm c = { .call = call };

	TRY(ra_json_fields(got, call->json, "", fields, 1));
	c.code = ra_json_str(got[0]);
	struct err *e = db_tx(call->ctx.db, confirm_tx, &c);
	if (e != NULL) {
		err_destroy(&c.refusal);
		return e;
	}
	if (c.refusal != NULL)
		return c.refusal;
	if (c.identifies)
		ra_wake_identification(call->ctx.ra);
	return api_application(call);
}

/* ---- another code */

static struct err *check_resend(const struct ra_application *app, const struct ra_conf *conf)
{
	int64_t wait_ms = app->code_sent_ms + conf->code_resend_s * 1000 - clock_now_ms();

	ENSURE_FIELD(app->state == RA_RETURNED || app->confirmed_ms == 0, CONFLICT, "number",
		     "the code was confirmed; identification is under way");
	ENSURE_FIELD(app->code_sends < conf->code_sends, CONFLICT, "number",
		     "no more codes are sent for this application; please come to a service centre");
	ENSURE_FIELD(wait_ms <= 0, CONFLICT, "number", "a code was sent just now; wait %lld seconds",
		     (long long)(wait_ms / 1000 + 1));
	return NULL;
}

static struct err *resend_tx(struct db *db, void *arg)
{
	struct ra_call *call = arg;
	const struct ra_conf *conf = call->ctx.ra->conf;
	OWN(ra_application) app = { .row = NULL };
	OWN(ra_log) log = RA_LOG_INIT;
	struct ra_who who = ra_call_who(call);
	struct ra_code_notice notice;
	struct ra_step step;
	enum ra_state to;

	TRY(ra_call_application(call, &app, true));
	ra_call_step(&step, call, &app, RA_EV_RESEND);
	TRY(ra_state_next(&to, &step));
	TRY(check_resend(&app, conf));
	TRY(ra_code_notice_make(&notice, app.number, app.code_sends + 1));
	TRY(ra_log_state(&log, &who, app.number, app.state, to, RA_EV_RESEND, ""));
	struct ra_new_code code = { .id = app.id,
				    .to = to,
				    .code_hash = SLICE(notice.hash, sizeof notice.hash),
				    .now_ms = clock_now_ms(),
				    .expires_ms = clock_now_ms() + conf->code_expire_s * 1000,
				    .phone = app.phone,
				    .language = app.language,
				    .notice_key = notice.key,
				    .notice_template = RA_NOTICE_CODE,
				    .notice_fields = notice.fields };
	return ra_new_code(db, &code, &log);
}

struct err *api_resend(struct ra_call *call)
{
	json_t *none[1];

	TRY(ra_json_fields(none, call->json, "", NULL, 0));
	TRY(db_tx(call->ctx.db, resend_tx, call));
	ra_wake_notices(call->ctx.ra);
	return call->port == RA_PORT_OPERATORS ? api_operator_application(call) : api_application(call);
}
