/*
 * view.c - what operators see of an application. See view.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/view.h"

#include <string.h>

#include "base/clock.h"
#include "ra/json.h"

static void set_time(json_t *out, const char *name, int64_t at_ms)
{
	if (at_ms != 0)
		ra_json_set_time_ms(out, name, at_ms);
}

void ra_view_application(json_t *out, const struct ra_application *app)
{
	const struct {
		const char *name, *value;
	} texts[] = { { "number", app->number },
		      { "kind", app->kind },
		      { "channel", app->channel },
		      { "state", ra_state_word(app->state) },
		      { "reason", app->reason },
		      { "reason_text", app->reason_text },
		      { "issuer", app->issuer },
		      { "iin", app->iin },
		      { "surname", app->surname },
		      { "given_name", app->given },
		      { "patronymic", app->patronymic },
		      { "email", app->email },
		      { "phone", app->phone },
		      { "bin", app->bin },
		      { "organisation", app->organisation },
		      { "treasury_role", app->treasury_role },
		      { "treasury_client", app->treasury_client },
		      { "system_oid", app->system_oid },
		      { "dns_names", app->dns_names },
		      { "key_storage", app->key_storage },
		      { "language", app->language },
		      { "office", app->office },
		      { "entered_by", app->entered_by },
		      { "claimed_by", app->claimed_by } };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		ra_json_set_str(out, texts[i].name, texts[i].value);
	ra_json_set_hex(out, "agreement", app->agreement);
	ra_json_set_int(out, "identification_tries", app->identification_tries);
	set_time(out, "submitted_at", app->submitted_ms);
	set_time(out, "state_at", app->state_ms);
	set_time(out, "expires_at", app->expires_ms);
	set_time(out, "claimed_until", app->claimed_until_ms);
	set_time(out, "confirmed_at", app->confirmed_ms);
}

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p += len)
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	return false;
}

/* What would happen if this operator approved now? The transition function answers. */
static struct err *would_approve(const struct ra_call *call, const struct ra_application *app, const unsigned *slots,
				 size_t num_slots, bool has_decided)
{
	unsigned left[PROFILE_MAX_DECIDERS];
	size_t num_left = 0;
	bool is_mine = false;
	enum ra_state to;
	struct ra_step step;

	for (size_t i = 0; i < num_slots; i++) {
		if (!is_mine && (slots[i] & ROLE_BIT(call->staff->role)) != 0)
			is_mine = true;
		else
			left[num_left++] = slots[i];
	}
	ra_call_step(&step, call, app, RA_EV_APPROVE);
	step.waits_for = ra_waits_of(left, num_left);
	step.has_decided = has_decided;
	TRY(ra_state_next(&to, &step));
	ENSURE(is_mine, DENIED, "no decision of your role is needed");
	return NULL;
}

/* The refusal is the answer here; only faults are errors. */
static struct err *set_may_decide(json_t *out, struct err *refusal)
{
	if (refusal != NULL && err_category(err_code(refusal)) != ERR_REFUSE &&
	    err_category(err_code(refusal)) != ERR_AUDIT)
		return refusal;
	ra_json_set_bool(out, "may_decide", refusal == NULL);
	ra_json_set_str(out, "why_not", err_sentence(refusal));
	err_destroy(&refusal);
	return NULL;
}

static const char *slot_word(unsigned slot)
{
	for (unsigned role = ROLE_OPERATOR; role < ROLE_COUNT; role++)
		if ((slot & ROLE_BIT(role)) != 0)
			return profile_role_word((enum profile_role)role);
	return "?";
}

struct err *ra_view_may_decide(json_t *out, const struct ra_call *call, const struct ra_application *app,
			       const struct ra_review *review)
{
	struct ra_missing missing;
	bool has_decided = false;
	json_t *list = ra_json_add_array(out, "still_needed");
	bool is_open = app->state < RA_APPROVED;

	ra_review_missing(&missing, review, NULL, clock_now_s());
	for (size_t i = 0; is_open && i < missing.num_slots; i++)
		(void)json_array_append_new(list, json_string(slot_word(missing.slots[i])));
	for (size_t i = 0; i < review->num_decisions; i++)
		has_decided = has_decided || strcmp(review->decisions[i].decider.person, call->staff->person) == 0;
	return set_may_decide(out, would_approve(call, app, missing.slots, missing.num_slots, has_decided));
}

struct err *ra_view_may_decide_queue(json_t *out, const struct ra_call *call, const struct ra_application *app,
				     const char *approvers)
{
	const struct profile_kind *kind;
	enum profile_channel channel;
	/* One slot that is this operator's, if the kind has any: the states of the queue say that it is staff's turn. */
	unsigned mine = 0;

	struct err *e = profiles_find_kind(&kind, call->ctx.rules->profiles, app->kind);
	if (e == NULL && profile_channel_parse(&channel, app->channel))
		for (size_t i = 0; i < kind->deciders[channel].num; i++)
			mine |= kind->deciders[channel].slots[i] & ROLE_BIT(call->staff->role);
	err_destroy(&e); /* a kind that the policy no longer has: nobody decides on it */
	return set_may_decide(
		out, would_approve(call, app, &mine, mine == 0 ? 0 : 1, list_has(approvers, call->staff->person)));
}

void ra_view_requests(json_t *out, const struct ra_review *review)
{
	json_t *list = ra_json_add_array(out, "requests");

	for (size_t i = 0; i < review->num_requests; i++) {
		json_t *item = ra_json_append_object(list);

		ra_json_set_str(item, "purpose", review->requests[i].purpose);
		ra_json_set_str(item, "profile", review->requests[i].profile);
		ra_json_set_base64(item, "authorisation", review->requests[i].authorisation);
		ra_json_set_hex(item, "digest", review->requests[i].digest);
	}
}

void ra_view_decisions(json_t *out, const struct ra_review *review)
{
	json_t *list = ra_json_add_array(out, "decisions");

	for (size_t i = 0; i < db_num_rows(review->decision_rows); i++) {
		struct ra_decision row;
		json_t *item = ra_json_append_object(list);

		ra_decision_at(&row, review->decision_rows, i);
		ra_json_set_str(item, "person", row.person);
		ra_json_set_str(item, "role", row.role);
		ra_json_set_str(item, "verdict", row.verdict == DECISION_APPROVE ? "approve" : "reject");
		ra_json_set_time_ms(item, "at", row.at_ms);
		ra_json_set_hex(item, "digest", row.digest);
	}
}

struct err *ra_view_documents(json_t *out, struct ra_call *call, int64_t application_id)
{
	OWN(db_result) rows = NULL;
	json_t *list = ra_json_add_array(out, "documents");

	TRY(ra_get_documents(call->ctx.db, &rows, application_id));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_document d;
		json_t *item = ra_json_append_object(list);

		ra_document_at(&d, rows, i);
		ra_json_set_int(item, "id", d.id);
		ra_json_set_str(item, "name", d.name);
		ra_json_set_str(item, "media_type", d.media_type);
		ra_json_set_int(item, "size", d.size);
		ra_json_set_hex(item, "sha256", d.sha256);
		ra_json_set_str(item, "added_by", d.added_by);
		ra_json_set_time_ms(item, "added_at", d.added_ms);
	}
	return NULL;
}

struct err *ra_view_history(json_t *out, struct ra_call *call, int64_t application_id)
{
	OWN(db_result) rows = NULL;
	OWN(buf) arena = BUF_INIT(2 * LOG_ENTRY_MAX);
	json_t *list = ra_json_add_array(out, "history");

	TRY(ra_get_history(call->ctx.db, &rows, application_id));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_history h;
		struct log_entry entry;
		json_t *item = ra_json_append_object(list);

		ra_history_at(&h, rows, i);
		TRY(log_entry_decode(&entry, &arena, h.entry));
		ra_json_set_time_ms(item, "at", h.at_ms);
		ra_json_set_str(item, "kind", h.kind);
		ra_json_set_str(item, "event", log_entry_value(&entry, "event"));
		ra_json_set_str(item, "from", log_entry_value(&entry, "from"));
		ra_json_set_str(item, "to", log_entry_value(&entry, "to"));
		ra_json_set_str(item, "who", entry.person[0] != '\0' ? entry.person : entry.role);
		ra_json_set_str(item, "role", entry.role);
		ra_json_set_str(item, "why", entry.why);
	}
	return NULL;
}
