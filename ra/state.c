/*
 * state.c - the transition function of applications. See state.h; the states' meaning is design section 3.
 *
 * One table: a row allows an event to some actors in some states and names the next state, or the rule that finds it.
 * (state, event, actor) selects at most one row. Conditions on the person (entered it, is its subject, claimed by
 * another) are the same for all staff events and are checked first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/state.h"

#include <string.h>

#define S_BIT(value) (1u << (unsigned)(value))
#define S(name)	     S_BIT(RA_##name)
#define STAFF	     (S(OPERATOR) | S(SENIOR))
#define DECIDES	     (STAFF | S(ADMINISTRATOR))

/* Rules that find the next state; numbers above the states. */
enum {
	TO_SAME = RA_STATE_COUNT,
	TO_ENTERED, /* submitted: by code, then by whose decision is missing */
	TO_CONFIRMED, /* the code was right */
	TO_DECIDED, /* a decision was added */
	TO_FAILED, /* identification: again, or no more */
	TO_CODE, /* a new code: only where the channel has one */
	TO_SUPPLIED, /* returned: the applicant at the counter has corrected it */
	TO_FREED /* a claim ended */
};

static const struct rule {
	enum ra_event event;
	unsigned from;
	unsigned actors;
	unsigned to;
} rules[] = {
	{ RA_EV_SUBMIT, S(SUBMITTED), S(APPLICANT) | STAFF | S(HOLDER), TO_ENTERED },
	{ RA_EV_CONFIRM, S(AWAITING_CONFIRMATION), S(APPLICANT), TO_CONFIRMED },
	{ RA_EV_RESEND, S(AWAITING_CONFIRMATION) | S(RETURNED), S(APPLICANT) | STAFF | S(DESK), TO_CODE },
	{ RA_EV_IDENTIFY_FAIL, S(AWAITING_CONFIRMATION), S(IDENTIFICATION), TO_FAILED },
	{ RA_EV_CLAIM, S(SUBMITTED) | S(IN_REVIEW), STAFF, RA_IN_REVIEW },
	{ RA_EV_CLAIM, S(APPROVED_ONCE), STAFF, TO_SAME },
	{ RA_EV_RELEASE, S(IN_REVIEW), STAFF | S(TIMER), TO_FREED },
	{ RA_EV_RELEASE, S(APPROVED_ONCE), STAFF, TO_FREED },
	{ RA_EV_APPROVE, S(AWAITING_CONFIRMATION), S(IDENTIFICATION), TO_DECIDED },
	{ RA_EV_APPROVE, S(SUBMITTED) | S(IN_REVIEW) | S(APPROVED_ONCE), DECIDES, TO_DECIDED },
	{ RA_EV_APPROVE, S(SUBMITTED), S(HOLDER), TO_DECIDED },
	{ RA_EV_APPROVE, S(AWAITING_HEAD), S(HEAD) | S(DELEGATE), TO_DECIDED },
	{ RA_EV_REJECT, S(SUBMITTED) | S(IN_REVIEW) | S(AWAITING_DOCUMENTS) | S(RETURNED) | S(APPROVED_ONCE), DECIDES,
	  RA_REJECTED },
	{ RA_EV_REJECT, S(AWAITING_HEAD), S(HEAD) | S(DELEGATE), RA_REJECTED },
	{ RA_EV_RETURN, S(IN_REVIEW) | S(APPROVED_ONCE), STAFF, RA_RETURNED },
	{ RA_EV_NEED_DOCUMENTS, S(SUBMITTED) | S(IN_REVIEW), STAFF, RA_AWAITING_DOCUMENTS },
	{ RA_EV_SUPPLY_DOCUMENT, S(AWAITING_DOCUMENTS), S(APPLICANT) | STAFF, RA_SUBMITTED },
	{ RA_EV_SUPPLY_DOCUMENT, S(RETURNED), S(APPLICANT) | STAFF, TO_SUPPLIED },
	{ RA_EV_SUPPLY_DOCUMENT, S(SUBMITTED) | S(AWAITING_CONFIRMATION) | S(AWAITING_HEAD) | S(IN_REVIEW),
	  S(APPLICANT) | STAFF, TO_SAME },
	{ RA_EV_WITHDRAW,
	  S(SUBMITTED) | S(AWAITING_CONFIRMATION) | S(AWAITING_DOCUMENTS) | S(AWAITING_HEAD) | S(IN_REVIEW) |
		  S(RETURNED) | S(APPROVED_ONCE) | S(APPROVED),
	  S(APPLICANT), RA_WITHDRAWN },
	{ RA_EV_EXPIRE,
	  S(SUBMITTED) | S(AWAITING_CONFIRMATION) | S(AWAITING_DOCUMENTS) | S(AWAITING_HEAD) | S(IN_REVIEW) |
		  S(RETURNED) | S(APPROVED_ONCE),
	  S(TIMER), RA_EXPIRED },
	{ RA_EV_ISSUE, S(APPROVED), S(CA), RA_ISSUING },
	{ RA_EV_ISSUED, S(ISSUING), S(CA), RA_ISSUED },
	{ RA_EV_ISSUE_REFUSED, S(APPROVED) | S(ISSUING), S(CA), RA_REJECTED },
	{ RA_EV_DELIVER, S(ISSUED) | S(DELIVERED), S(APPLICANT), RA_DELIVERED },
};

static const char *const state_words[RA_STATE_COUNT] = {
	[RA_SUBMITTED] = "submitted",
	[RA_AWAITING_CONFIRMATION] = "awaiting_confirmation",
	[RA_AWAITING_DOCUMENTS] = "awaiting_documents",
	[RA_AWAITING_HEAD] = "awaiting_head",
	[RA_IN_REVIEW] = "in_review",
	[RA_RETURNED] = "returned",
	[RA_APPROVED_ONCE] = "approved_once",
	[RA_APPROVED] = "approved",
	[RA_ISSUING] = "issuing",
	[RA_ISSUED] = "issued",
	[RA_DELIVERED] = "delivered",
	[RA_REJECTED] = "rejected",
	[RA_WITHDRAWN] = "withdrawn",
	[RA_EXPIRED] = "expired",
};

static const char *const event_words[RA_EVENT_COUNT] = {
	[RA_EV_SUBMIT] = "submit",
	[RA_EV_CONFIRM] = "confirm",
	[RA_EV_RESEND] = "resend",
	[RA_EV_IDENTIFY_FAIL] = "identification failed",
	[RA_EV_CLAIM] = "claim",
	[RA_EV_RELEASE] = "give back",
	[RA_EV_APPROVE] = "approve",
	[RA_EV_REJECT] = "reject",
	[RA_EV_RETURN] = "return",
	[RA_EV_NEED_DOCUMENTS] = "ask for documents",
	[RA_EV_SUPPLY_DOCUMENT] = "add a document",
	[RA_EV_WITHDRAW] = "withdraw",
	[RA_EV_EXPIRE] = "expire",
	[RA_EV_ISSUE] = "issue",
	[RA_EV_ISSUED] = "issued",
	[RA_EV_ISSUE_REFUSED] = "refused by the signer",
	[RA_EV_DELIVER] = "deliver",
};

static const char *const actor_words[RA_ACTOR_COUNT] = {
	[RA_APPLICANT] = "applicant",
	[RA_OPERATOR] = "operator",
	[RA_SENIOR] = "senior",
	[RA_ADMINISTRATOR] = "administrator",
	[RA_AUDITOR] = "auditor",
	[RA_DESK] = "desk",
	[RA_IDENTIFICATION] = "identification",
	[RA_HOLDER] = "holder",
	[RA_HEAD] = "head",
	[RA_DELEGATE] = "delegate",
	[RA_TIMER] = "timer",
	[RA_CA] = "ca",
};

static const char *word_of(const char *const *words, unsigned count, unsigned i)
{
	return i < count ? words[i] : "?";
}

const char *ra_state_word(enum ra_state state)
{
	return word_of(state_words, RA_STATE_COUNT, state);
}

const char *ra_event_word(enum ra_event event)
{
	return word_of(event_words, RA_EVENT_COUNT, event);
}

const char *ra_actor_word(enum ra_actor actor)
{
	return word_of(actor_words, RA_ACTOR_COUNT, actor);
}

bool ra_state_parse(enum ra_state *out, const char *word)
{
	for (unsigned i = 0; i < RA_STATE_COUNT; i++) {
		if (strcmp(word, state_words[i]) == 0) {
			*out = (enum ra_state)i;
			return true;
		}
	}
	return false;
}

bool ra_actor_parse(enum ra_actor *out, const char *word)
{
	for (unsigned i = 0; i < RA_ACTOR_COUNT; i++) {
		if (strcmp(word, actor_words[i]) == 0) {
			*out = (enum ra_actor)i;
			return true;
		}
	}
	return false;
}

bool ra_state_is_end(enum ra_state state)
{
	return state == RA_REJECTED || state == RA_WITHDRAWN || state == RA_EXPIRED;
}

/* Staff who work on an application: not their own, not what they entered, not what another holds. */
static struct err *check_person(const struct ra_step *s)
{
	const char *what = ra_event_word(s->event);
	bool decides = s->event == RA_EV_APPROVE || s->event == RA_EV_REJECT;
	bool works = decides || s->event == RA_EV_CLAIM || s->event == RA_EV_RETURN || s->event == RA_EV_NEED_DOCUMENTS;

	if ((S_BIT(s->actor) & DECIDES) == 0 || s->event == RA_EV_SUBMIT)
		return NULL;
	ENSURE(!s->is_subject, DENIED, "%s: this is your own application; another person has to do that", what);
	ENSURE(!works || !s->is_enterer, DENIED, "%s: you entered this application; another person has to do that",
	       what);
	ENSURE(!works || s->claim != RA_CLAIM_OTHER, CONFLICT, "%s: another operator has claimed this application",
	       what);
	ENSURE(!s->has_decided || (s->event != RA_EV_APPROVE && s->event != RA_EV_CLAIM), CONFLICT,
	       "%s: you approved this application already; the second approval is another person's", what);
	ENSURE(s->event != RA_EV_RELEASE || s->claim == RA_CLAIM_OWN, CONFLICT, "%s: you have not claimed it", what);
	return NULL;
}

static struct err *after_decision(enum ra_state *out, const struct ra_step *s)
{
	switch (s->waits_for) {
	case RA_WAITS_NOTHING:
		*out = RA_APPROVED;
		return NULL;
	case RA_WAITS_STAFF:
		/* A head's consent is no approval by staff: the operators' review begins. */
		*out = s->from == RA_AWAITING_HEAD && !s->is_reviewed ? RA_SUBMITTED : RA_APPROVED_ONCE;
		return NULL;
	case RA_WAITS_HEAD:
		if (s->from == RA_AWAITING_CONFIRMATION || s->from == RA_AWAITING_HEAD) {
			*out = RA_AWAITING_HEAD;
			return NULL;
		}
		return ERR(CONFLICT, "approve: the consent of the organisation's head is missing");
	case RA_WAITS_IDENTIFICATION:
	case RA_WAITS_COUNT:
		break;
	}
	return ERR(CONFLICT, "approve: the identification service has not decided yet");
}

/* Nobody's decision missing at submission is possible only where the holder signed it (renewal). */
static struct err *after_entry(enum ra_state *out, const struct ra_step *s)
{
	static const enum ra_state to[RA_WAITS_COUNT] = { RA_APPROVED, RA_AWAITING_CONFIRMATION, RA_AWAITING_HEAD,
							  RA_SUBMITTED };

	ENSURE(s->waits_for < RA_WAITS_COUNT, BUG, "no such decider");
	if (s->event == RA_EV_SUBMIT && s->needs_code) {
		*out = RA_AWAITING_CONFIRMATION;
		return NULL;
	}
	ENSURE(s->waits_for != RA_WAITS_NOTHING || s->actor == RA_HOLDER, CONFLICT,
	       "%s: the policy names nobody who decides on this", ra_event_word(s->event));
	*out = to[s->waits_for];
	return NULL;
}

static struct err *find_target(enum ra_state *out, const struct ra_step *s, unsigned to)
{
	switch (to) {
	case TO_ENTERED:
	case TO_CONFIRMED:
		return after_entry(out, s);
	case TO_DECIDED:
		return after_decision(out, s);
	case TO_FAILED:
		*out = s->has_tries ? RA_RETURNED : RA_REJECTED;
		return NULL;
	case TO_CODE:
		ENSURE(s->needs_code, CONFLICT, "resend: this application has no one-time code");
		*out = RA_AWAITING_CONFIRMATION;
		return NULL;
	case TO_SUPPLIED:
		*out = s->needs_code ? RA_RETURNED : RA_SUBMITTED;
		return NULL;
	case TO_FREED:
		ENSURE(s->actor != RA_TIMER || s->claim == RA_CLAIM_NONE, CONFLICT, "give back: the lease runs still");
		*out = s->from == RA_IN_REVIEW ? RA_SUBMITTED : s->from;
		return NULL;
	case TO_SAME:
		*out = s->from;
		return NULL;
	default:
		*out = (enum ra_state)to;
		return NULL;
	}
}

struct err *ra_state_next(enum ra_state *out, const struct ra_step *step)
{
	unsigned states = 0;

	ENSURE(step->from < RA_STATE_COUNT && step->event < RA_EVENT_COUNT && step->actor < RA_ACTOR_COUNT, BUG,
	       "no such state, event or actor");
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		const struct rule *r = &rules[i];

		if (r->event != step->event || (r->actors & S_BIT(step->actor)) == 0)
			continue;
		states |= r->from;
		if ((r->from & S_BIT(step->from)) == 0)
			continue;
		TRY(check_person(step));
		return find_target(out, step, r->to);
	}
	ENSURE(states != 0, DENIED, "%s: not for a person or program in the role %s", ra_event_word(step->event),
	       ra_actor_word(step->actor));
	return ERR(CONFLICT, "%s: not possible while the application is %s", ra_event_word(step->event),
		   ra_state_word(step->from));
}
