/*
 * schedule.c - is a list due? See schedule.h.
 *
 *	first    no list is published here
 *	period   now >= thisUpdate + every
 *	urgent   an accepted key compromise is not on it
 *	changed  an accepted order is not on it, and now >= thisUpdate + changed_every
 *
 * and in any of these cases only when now is past thisUpdate of the newest list, and past the pause after a failure.
 * Alarm: no list, an expired one, or one older than half its life that should have been followed by another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/schedule.h"

#include <stddef.h>

const char *crl_kind_word(enum crl_kind kind)
{
	return kind == CRL_FULL ? "full" : "delta";
}

const char *crl_due_word(enum crl_due due)
{
	static const char *const words[] = { [CRL_NOT_DUE] = "not",
					     [CRL_DUE_FIRST] = "first",
					     [CRL_DUE_PERIOD] = "period",
					     [CRL_DUE_CHANGED] = "changed",
					     [CRL_DUE_URGENT] = "urgent" };

	return words[due];
}

static int64_t max_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the published list has to be followed by the next, and why. */
static int64_t due_at(const struct crl_rule *rule, const struct crl_state *s, enum crl_due *out_due)
{
	if (!s->has_list) {
		*out_due = CRL_DUE_FIRST;
		return 0;
	}
	bool is_changed = s->changed_seq > s->order_seq;
	int64_t period_at = s->this_update_at + rule->every_s;

	if (is_changed && s->has_urgent && rule->is_urgent_at_once) {
		*out_due = CRL_DUE_URGENT;
		return s->this_update_at;
	}
	if (is_changed && rule->changed_every_s > 0 && s->this_update_at + rule->changed_every_s < period_at) {
		*out_due = CRL_DUE_CHANGED;
		return s->this_update_at + rule->changed_every_s;
	}
	*out_due = CRL_DUE_PERIOD;
	return period_at;
}

/* The first second in which a new list may be dated: after the newest one, and after the pause that follows a
 * failure (a failure dated in the future was seen by a clock that has gone back since: no reason to wait). */
static int64_t allowed_at(const struct crl_state *s, int64_t now)
{
	int64_t newest = max_of(s->has_list ? s->this_update_at : 0, s->ledger_this_update_at);
	int64_t pause_s =
		s->failures > 6 ? CRL_BACKOFF_MAX_S : min_of(CRL_BACKOFF_MAX_S, (int64_t)1 << s->failures >> 1);

	if (s->failures == 0 || s->failed_at > now)
		return newest + 1;
	return max_of(newest + 1, s->failed_at + pause_s);
}

static const char *alarm_of(const struct crl_rule *rule, const struct crl_state *s, int64_t now)
{
	int64_t newest = max_of(s->has_list ? s->this_update_at : 0, s->ledger_this_update_at);

	if (now >= s->issuer_not_after_at)
		return "the issuer's certificate has expired: no list can be signed";
	if (now < newest - CRL_CLOCK_SLACK_S)
		return "the clock went back before the newest list's thisUpdate";
	if (!s->has_list)
		return "no list is published";
	if (now >= s->next_update_at)
		return "the published list has expired";
	int64_t half_at = s->this_update_at + (s->next_update_at - s->this_update_at) / 2;
	if (now >= half_at && now >= s->this_update_at + rule->every_s + CRL_OVERDUE_S)
		return "the published list is older than half its life and overdue";
	return NULL;
}

void crl_schedule_decide(struct crl_answer *out, const struct crl_rule *rule, const struct crl_state *state,
			 int64_t now)
{
	enum crl_due why = CRL_NOT_DUE;

	*out = (struct crl_answer){ .due = CRL_NOT_DUE, .look_again_at = INT64_MAX };
	if (rule->every_s == 0)
		return;
	out->alarm = alarm_of(rule, state, now);
	int64_t at = max_of(due_at(rule, state, &why), allowed_at(state, now));
	if (now < at || now >= state->issuer_not_after_at) {
		out->look_again_at = max_of(at, now + 1);
		return;
	}
	out->due = why;
	out->number =
		1 + max_of(max_of(state->ledger_number, state->signer_number), state->has_list ? state->number : 0);
	out->this_update_at = now;
	out->next_update_at = min_of(now + rule->validity_s, state->issuer_not_after_at);
}
