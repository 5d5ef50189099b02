/*
 * plan.c - issue_plan(): from the queue to recorded plans. See issue.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ca/issue/endings.h"
#include "ca/issue/issue.h"
#include "ca/issue/serial.h"

/* ---- one request */

static void reject(struct issue_item *item, enum issue_reason reason, const struct err *e)
{
	char detail[160], text[ISSUE_TEXT_MAX];

	(void)snprintf(text, sizeof text, "%s: %s", issue_reason_sentence(reason), err_text(e, detail, sizeof detail));
	issue_item_end(item, ISSUE_REJECTED, SLICE_STR(issue_reason_word(reason)), SLICE_STR(text));
}

/* Approvals by different persons that are still fresh. */
static size_t fresh_decisions(const struct issue_batch *batch, const struct issue_item *item, int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < item->num_decisions; i++) {
		const struct issue_evidence *d = &batch->evidence[item->decisions[i]];
		bool is_counted = d->expires_at <= now;
		for (size_t k = 0; k < i && !is_counted; k++)
			is_counted = strcmp(batch->evidence[item->decisions[k]].person, d->person) == 0;
		n += !is_counted;
	}
	return n;
}

/* A plan that the signer would find too old, or that it refused for its serial number, is made anew. */
static bool may_use_recorded(const struct issue_rules *rules, const struct issue_item *item, int64_t now)
{
	int64_t age_s = now - item->not_before_at;

	return item->has_recorded && age_s <= issue_rules_clock_back_s(rules) / 2 &&
	       !issue_item_failed_by(item, SLICE_STR("serial_taken")) &&
	       !issue_item_failed_by(item, SLICE_STR("not_before"));
}

static struct err *render(struct issue_item *item, const struct cert_template *template,
			  const struct authorisation *authorisation, int64_t now)
{
	struct cert_data data;
	char storage[OID_TEXT_SIZE];

	item->has_recorded = false;
	buf_reset(&item->tbs);
	item->not_before_at = now;
	TRY(authorisation_cert_data(&data, storage, authorisation));
	TRY(issue_serial_random(&item->serial));
	TRY(cert_template_render(&item->tbs, template, &data, &item->serial, now));
	return cert_not_after(&item->not_after_at, template, &data, now);
}

/* Consumes the error of a step that looks at the request's own data: that kind of error ends it, others pass. A request
 * whose plan may have been signed is never ended here. */
static void take_error(struct issue_item *item, bool was_recorded, enum issue_reason reason, struct err *e)
{
	char text[ISSUE_TEXT_MAX];
	enum err_category category = err_category(err_code(e));

	if (!was_recorded && (category == ERR_REFUSE || category == ERR_AUDIT))
		reject(item, reason, e);
	else
		issue_item_end(item, ISSUE_RETRY, SLICE_STR(err_code_word(err_code(e))),
			       SLICE_STR(err_text(e, text, sizeof text)));
	log_err(LOG_WARN, NULL, "plan_failed", &e);
}

/* authorisation NULL: the recorded plan as it is. */
static void make_plan(const struct issue_batch *batch, struct issue_item *item,
		      const struct authorisation *authorisation, int64_t now)
{
	const struct issue_issuer *issuer = issue_rules_issuer(batch->rules, item->issuer);
	const struct cert_template *template = issue_rules_template(batch->rules, item->issuer, item->profile);
	bool was_recorded = item->has_recorded;
	struct err *e = NULL;

	if (issuer == NULL || template == NULL)
		e = ERR(DENIED, "profile %s under issuer %s issues nothing", item->profile, item->issuer);
	else if (authorisation != NULL && !may_use_recorded(batch->rules, item, now))
		e = render(item, template, authorisation, now);
	if (e != NULL) {
		take_error(item, was_recorded, ISSUE_BECAUSE_RENDER, e);
		return;
	}
	const struct lint_context context = { .profile = cert_template_profile(template),
					      .issuer = issuer->profile,
					      .issuer_certificate = issuer->certificate,
					      .authority = cert_template_authority(template) };
	e = lint_tbs(&item->token, &context, buf_slice(&item->tbs));
	if (e != NULL)
		take_error(item, was_recorded, ISSUE_BECAUSE_LINT, e);
	else
		item->outcome = ISSUE_PLANNED;
}

static void decide(const struct issue_batch *batch, struct issue_item *item, int64_t now)
{
	const struct issue_question question = { .number = item->number,
						 .kind = item->kind,
						 .channel = item->channel,
						 .state = item->state,
						 .purpose = item->purpose,
						 .issuer = item->issuer,
						 .profile = item->profile,
						 .digest = item->digest,
						 .authorisation = item->authorisation,
						 .num_decisions = fresh_decisions(batch, item, now),
						 .profiles = issue_rules_profiles(batch->rules),
						 .has_issuer = issue_rules_issuer(batch->rules, item->issuer) != NULL,
						 .now = now };
	struct issue_answer answer;

	issue_policy_decide(&answer, &question);
	if (answer.verdict == ISSUE_GO)
		make_plan(batch, item, &answer.authorisation, now);
	else if (answer.verdict == ISSUE_REJECT && item->has_recorded)
		/* The signer may have signed it before it became too late: it knows, and repeats or refuses. */
		make_plan(batch, item, NULL, now);
	else
		issue_item_end(item, answer.verdict == ISSUE_REJECT ? ISSUE_REJECTED : ISSUE_DROPPED,
			       SLICE_STR(issue_reason_word(answer.reason)), SLICE_STR(answer.text));
}

/* ---- the batch */

/* Items whose decisions would make the message too large wait for the next batch. */
static void limit_evidence(struct issue_batch *batch)
{
	bool *is_used = calloc(batch->num_evidence + 1, sizeof *is_used);
	size_t total = 0;

	for (size_t i = 0; i < batch->num && is_used != NULL; i++) {
		struct issue_item *item = &batch->items[i];
		size_t more = 0;
		for (size_t d = 0; d < item->num_decisions; d++) {
			const struct issue_evidence *e = &batch->evidence[item->decisions[d]];
			more += is_used[item->decisions[d]] ? 0 : e->der.len + e->cms.len;
		}
		if (total > 0 && total + more > ISSUE_EVIDENCE_MAX) {
			issue_item_end(item, ISSUE_AT_ONCE, SLICE_STR(""), SLICE_STR(""));
			continue;
		}
		total += more;
		for (size_t d = 0; d < item->num_decisions; d++)
			is_used[item->decisions[d]] = true;
	}
	free(is_used);
}

/* One request that is refused ends its whole application, and with it the other requests; but not while the plan of one of
 * them may have been signed: that one is asked for first. */
static void spread_rejection(struct issue_batch *batch, struct issue_item *bad)
{
	bool must_wait = false;

	for (size_t k = 0; k < batch->num; k++)
		must_wait = must_wait || (batch->items[k].application_id == bad->application_id &&
					  batch->items[k].outcome == ISSUE_PLANNED && batch->items[k].has_recorded);
	if (must_wait) {
		bad->outcome = ISSUE_RETRY;
		return;
	}
	for (size_t k = 0; k < batch->num; k++) {
		struct issue_item *other = &batch->items[k];
		if (other != bad && other->application_id == bad->application_id && other->outcome != ISSUE_DROPPED)
			issue_item_end(other, ISSUE_REJECTED, SLICE_STR(bad->word), SLICE_STR(bad->text));
	}
}

static void spread_rejections(struct issue_batch *batch)
{
	for (size_t i = 0; i < batch->num; i++)
		if (batch->items[i].outcome == ISSUE_REJECTED)
			spread_rejection(batch, &batch->items[i]);
}

static bool contains(const int64_t *ids, size_t num, int64_t id)
{
	for (size_t i = 0; i < num; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* What is still approved becomes issuing; what is no longer, because somebody withdrew it meanwhile, is dropped. */
static struct err *begin(struct db *db, struct issue_batch *batch, struct ca_log *log, int64_t *ids)
{
	int64_t *begun = NULL;
	size_t num = 0, num_begun = 0;
	struct err *e = NULL;

	for (size_t i = 0; i < batch->num; i++)
		if (batch->items[i].outcome == ISSUE_PLANNED && strcmp(batch->items[i].state, "approved") == 0 &&
		    !contains(ids, num, batch->items[i].application_id))
			ids[num++] = batch->items[i].application_id;
	if (num == 0)
		return NULL;
	TRY(ca_begin_issue(db, &begun, &num_begun, ids, num));
	for (size_t i = 0; i < batch->num && e == NULL; i++) {
		struct issue_item *item = &batch->items[i];
		if (!contains(ids, num, item->application_id) || item->outcome != ISSUE_PLANNED)
			continue;
		if (!contains(begun, num_begun, item->application_id))
			issue_item_end(item, ISSUE_DROPPED, SLICE_STR("not_approved"), SLICE_STR(""));
		else if (i == 0 || batch->items[i - 1].application_id != item->application_id)
			e = ca_log_state(log, item->application_id, item->number, "approved", "issuing", "");
	}
	free(begun);
	return e;
}

struct plan_job {
	struct issue_batch *batch;
	const struct issue_limits *limits;
};

/* Inside the transaction. Starts from nothing each time. */
static struct err *plan(struct db *db, void *arg)
{
	const struct plan_job *job = arg;
	struct issue_batch *batch = job->batch;
	OWN(ca_log) log = CA_LOG_INIT;
	int64_t now = clock_now_s();

	issue_batch_reset(batch);
	TRY(ca_claim(db, batch, job->limits->batch, job->limits->lease_ms));
	if (batch->num == 0)
		return NULL;
	TRY(ca_evidence(db, batch));
	limit_evidence(batch);
	for (size_t i = 0; i < batch->num; i++)
		if (batch->items[i].outcome == ISSUE_CLAIMED)
			decide(batch, &batch->items[i], now);
	spread_rejections(batch);
	int64_t *ids = calloc(batch->num, sizeof *ids);
	ENSURE(ids != NULL, NO_MEMORY, "batch of %zu", batch->num);
	struct err *e = begin(db, batch, &log, ids);
	free(ids);
	if (e != NULL)
		return e;
	TRY(ca_add_plans(db, batch));
	TRY(issue_end_items(db, batch, 0, batch->num, job->limits, &log));
	return ca_add_log(db, &log);
}

/* What made the transaction fail was one application alone: it waits, so that the others go on. */
static struct err *postpone_failed(struct db *db, const struct issue_batch *batch, const struct issue_limits *limits,
				   const struct err *cause)
{
	char text[ISSUE_TEXT_MAX];
	struct err *e = NULL;

	(void)err_text(cause, text, sizeof text);
	for (size_t i = 0; i < batch->num && e == NULL; i++) {
		const struct issue_item *item = &batch->items[i];
		int64_t wait = issue_backoff_ms(item->attempts, limits->retry_ms, limits->retry_max_ms);
		struct slice error = SLICE_STR(text);
		log_error(NULL, "plan_failed", "request=%lld text=\"%s\"", (long long)item->request_id, text);
		e = ca_postpone(db, &item->request_id, &wait, &error, 1);
	}
	return e;
}

struct err *issue_plan(struct db *db, struct issue_batch *batch, const struct issue_limits *limits)
{
	struct issue_limits single = *limits;
	struct plan_job job = { batch, limits };

	batch->begun_us = clock_mono_us();
	OWN(err) e = db_tx(db, plan, &job);
	if (e != NULL && err_category(err_code(e)) != ERR_RETRY_LATER && batch->num > 0) {
		/* Nothing was written: the first one that is due is tried alone, and put off when it fails again. */
		err_destroy(&e);
		single.batch = 1;
		job.limits = &single;
		e = db_tx(db, plan, &job);
		if (e != NULL && err_category(err_code(e)) != ERR_RETRY_LATER && batch->num > 0) {
			struct err *failed = postpone_failed(db, batch, limits, e);
			issue_batch_reset(batch);
			return failed;
		}
	}
	if (e != NULL)
		issue_batch_reset(batch);
	else
		issue_mark_ended(batch, 0, batch->num);
	return TAKE(e);
}
