/*
 * timer.c - what happens by itself. See timer.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/timer.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ra/queries.h"

struct step {
	const char *number;
	enum ra_event event;
};

static struct err *step_tx(struct db *db, void *arg)
{
	const struct step *step = arg;
	static const struct ra_who self = { .actor = RA_TIMER, .person = "" };
	OWN(ra_application) app = { .row = NULL };
	OWN(ra_log) log = RA_LOG_INIT;
	int64_t now = clock_now_ms();
	enum ra_state to;

	TRY(ra_get_application(db, &app, step->number, true));
	bool is_due = step->event == RA_EV_EXPIRE ? app.expires_ms <= now : app.claimed_until_ms <= now;
	struct ra_step s = { .from = app.state, .event = step->event, .actor = RA_TIMER };
	OWN(err) not_now = ra_state_next(&to, &s);
	if (!is_due || not_now != NULL)
		return NULL; /* somebody was faster */
	struct ra_move move = { .id = app.id, .to = to, .reason = step->event == RA_EV_EXPIRE ? "expired" : "" };
	TRY(ra_log_state(&log, &self, app.number, app.state, to, step->event, ""));
	return ra_move(db, &move, &log);
}

static struct err *step_all(struct ra_ctx *ctx, enum ra_event event, bool *out_more)
{
	OWN(db_result) rows = NULL;
	int64_t now = clock_now_ms();

	if (event == RA_EV_EXPIRE)
		TRY(ra_get_expired(ctx->db, &rows, now));
	else
		TRY(ra_get_lapsed_claims(ctx->db, &rows, now));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct step step = { ra_number_at(rows, i), event };

		TRY(db_tx(ctx->db, step_tx, &step));
		if (event == RA_EV_EXPIRE)
			metrics_add(ctx->ra->metrics, RA_METRIC_EXPIRED, 1);
	}
	*out_more = *out_more || db_num_rows(rows) > 0;
	return NULL;
}

struct err *ra_tell_daemon(struct db *db, enum log_kind kind)
{
	static const struct ra_who self = { .actor = RA_TIMER, .person = "" };
	OWN(ra_log) log = RA_LOG_INIT;
	struct log_entry entry;

	ra_log_begin(&entry, kind, &self, NULL);
	entry.role = "rad";
	log_entry_what(&entry, "version", NUC_VERSION);
	TRY(ra_log_add(&log, &entry));
	return ra_write_log(db, &log);
}

/* Before anything else: no application is taken until rules are in force, and those come after the agreement. */
static struct err *introduce(struct ra_ctx *ctx)
{
	if (ctx->ra->is_introduced)
		return NULL;
	TRY(ra_agreement_store(&ctx->ra->agreement, ctx->db));
	TRY(ra_tell_daemon(ctx->db, LOG_KIND_DAEMON_STARTED));
	ctx->ra->is_introduced = true;
	return NULL;
}

/* A version that is refused must not stop the rest, but everybody is to hear of it, once. */
static struct err *refresh_rules(struct ra_ctx *ctx)
{
	struct ra *ra = ctx->ra;
	bool changed;
	struct err *e = ra_rules_refresh(ra->rules, ctx->db, &changed);

	if (e != NULL && err_category(err_code(e)) == ERR_RETRY_LATER)
		return e;
	if (e != NULL)
		log_err(LOG_ERROR, NULL, "policy_refused", &e);
	struct err *none = ra_rules_hold(ra->rules, &ctx->rules);
	if (none != NULL || ctx->rules->num_issuers == 0) {
		err_destroy(&none);
		health_set(ra->health, ra->health_policy, false, "no policy or no issuer in the ledger yet");
		return NULL;
	}
	int64_t version = ctx->rules->policy.version;
	if (changed)
		log_info(NULL, "policy_in_force", "version=%lld issuers=%zu", (long long)version,
			 ctx->rules->num_issuers);
	metrics_set(ra->metrics, RA_METRIC_POLICY_VERSION, version);
	health_set(ra->health, ra->health_policy, true, "version %lld", (long long)version);
	return NULL;
}

struct err *ra_timer_turn(struct ra_ctx *ctx, struct ra_web *web, bool *out_more)
{
	(void)web;
	*out_more = false;
	TRY(introduce(ctx));
	TRY(refresh_rules(ctx));
	TRY(step_all(ctx, RA_EV_EXPIRE, out_more));
	TRY(step_all(ctx, RA_EV_RELEASE, out_more));
	return ra_drop_pending_orders(ctx->db, clock_now_s());
}

/* The database is well when a whole look went through. */
static struct err *timer_turn(struct ra_ctx *ctx, struct ra_web *web, bool *out_more)
{
	struct err *e = ra_timer_turn(ctx, web, out_more);
	char text[300];

	health_set(ctx->ra->health, ctx->ra->health_db, e == NULL, "%s", err_text(e, text, sizeof text));
	return e;
}

const struct ra_worker_kind ra_timer_kind = { .name = "timer", .pause_ms = 1000, .turn = timer_turn };
