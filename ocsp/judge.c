/*
 * judge.c - a whole message against the state, inside one epoch: which issuer, which responder, which verdicts.
 *
 * One BasicOCSPResponse has one signer, so all certificates of a message must be of one issuer of ours; otherwise the
 * message is answered unauthorized. Every verdict comes from ocsp_status_decide().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/front_private.h"

#include "base/clock.h"

/* What the message is answered when not every certificate in it has a status: unauthorized before tryLater. */
static void join_verdict(struct judged *out, enum ocsp_outcome outcome, bool is_first)
{
	if (is_first)
		out->outcome = outcome;
	else if (!ocsp_outcome_is_status(outcome) &&
		 (ocsp_outcome_is_status(out->outcome) || outcome == OCSP_UNAUTHORIZED))
		out->outcome = outcome;
}

static void judge_single(const struct ocsp_view *view, const struct ocsp_query *query, size_t i, struct judged *out,
			 struct ocsp_freshness freshness, const struct ocsp_status_settings *settings, int64_t now_s)
{
	const struct ocsp_single *single = &query->singles[i];
	const struct ocsp_issuer *issuer = ocsp_view_issuer(view, single);
	enum ocsp_issuer_known known = OCSP_ISSUER_FOREIGN;

	if (i == 0 && issuer != NULL) {
		out->issuer = issuer;
		out->responder = ocsp_view_responder(view, issuer->index, now_s);
	}
	out->words[i] = OCSP_LEDGER_ABSENT;
	if (issuer != NULL && issuer == out->issuer) {
		known = out->responder != NULL ? OCSP_ISSUER_SERVED : OCSP_ISSUER_MUTE;
		out->words[i] = ocsp_table_get(view->table, issuer->index, single->serial);
	}
	out->verdicts[i] = ocsp_status_decide(single, known, out->words[i], freshness, settings);
	out->has_absent |= ocsp_word_state(out->words[i]) == OCSP_LEDGER_ABSENT;
	join_verdict(out, out->verdicts[i].outcome, i == 0);
}

void judge(struct ocsp_worker *w, const struct ocsp_query *query, struct judged *out)
{
	struct ocsp_state *state = w->front->state;
	struct ocsp_freshness freshness = ocsp_state_freshness(state, clock_mono_ms());
	const struct ocsp_view *view = ocsp_state_enter(state, w->reader);

	out->issuer = NULL;
	out->responder = NULL;
	out->has_absent = false;
	for (size_t i = 0; i < query->num_singles; i++)
		judge_single(view, query, i, out, freshness, &w->front->conf.status, w->now_s);
	ocsp_state_leave(state, w->reader);
}

bool judge_has_changed(struct ocsp_worker *w, const struct ocsp_query *query, const struct judged *before)
{
	struct ocsp_state *state = w->front->state;
	const struct ocsp_view *view = ocsp_state_enter(state, w->reader);
	bool has_changed = false;

	for (size_t i = 0; i < query->num_singles; i++)
		has_changed |= ocsp_table_get(view->table, before->issuer->index, query->singles[i].serial) !=
			       before->words[i];
	ocsp_state_leave(state, w->reader);
	return has_changed;
}
