/*
 * authority_rule.c - the rule of design.md section 4: do these decisions suffice, and who is missing?
 *
 *   case                                      slots (one decision each)                      from
 *   individual, remote                        identification                                 profiles.conf
 *   entity's person, remote                   identification, head|delegate                  profiles.conf
 *   head, remote                              identification, operator                       profiles.conf
 *   individual, at the counter                operator                                       profiles.conf
 *   head, at the counter                      operator, operator                             profiles.conf
 *   entity's other people, at the counter     operator, head|delegate                        profiles.conf
 *   renewal                                   holder                                         profiles.conf
 *   staff, services, policy, adoption         administrator, administrator                   profiles.conf, here
 *   revoke, hold                              holder|head|delegate|staff with a ground       here
 *   release, or more than a few orders        two of those                                   here
 *
 * Always: each slot another person; who entered it and who is its subject do not decide (a holder does, on his own).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "x509/authority.h"

#define STAFF_ROLES                                                                                                    \
	(ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR) | ROLE_BIT(ROLE_ADMINISTRATOR) | ROLE_BIT(ROLE_AUDITOR) |     \
	 ROLE_BIT(ROLE_DESK))
#define ORGANISATION_ROLES (ROLE_BIT(ROLE_HEAD) | ROLE_BIT(ROLE_DELEGATE))
#define ORDER_ROLES                                                                                                    \
	(ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR) | ROLE_BIT(ROLE_ADMINISTRATOR) | ROLE_BIT(ROLE_HOLDER) |      \
	 ORGANISATION_ROLES)

static const struct {
	const char *word, *sentence;
} refusals[AUTHORITY_REFUSAL_COUNT] = {
#define AUTHORITY_REFUSAL_ROW(name, word, sentence) [AUTHORITY_##name] = { word, sentence },
	AUTHORITY_REFUSALS(AUTHORITY_REFUSAL_ROW)
#undef AUTHORITY_REFUSAL_ROW
};

const char *authority_refusal_word(enum authority_refusal refusal)
{
	return refusals[refusal].word;
}

const char *authority_refusal_sentence(enum authority_refusal refusal)
{
	return refusals[refusal].sentence;
}

/* Whether a decision, whoever gave it, is one about this object that may count now. */
static enum authority_refusal judge_decision(const struct authority_case *c, const struct decision *d)
{
	if (d->kind != c->kind)
		return AUTHORITY_WRONG_KIND;
	if (!decision_has(d, c->digest))
		return AUTHORITY_NOT_NAMED;
	if (d->verdict != DECISION_APPROVE)
		return AUTHORITY_REJECTED;
	if (d->decided_at > c->now + AUTHORITY_CLOCK_SKEW_S)
		return AUTHORITY_FROM_FUTURE;
	if (d->expires_at <= c->now)
		return AUTHORITY_EXPIRED;
	if (d->expires_at - d->decided_at > AUTHORITY_MAX_DECISION_AGE_S)
		return AUTHORITY_TOO_LONG;
	return AUTHORITY_FITS;
}

static bool same_text(const char *a, const char *b)
{
	return a[0] != '\0' && strcmp(a, b) == 0;
}

/* Takes roles away that do not count here, and says why nothing is left. */
static enum authority_refusal judge_person(const struct authority_case *c, const struct decider *d, unsigned *roles)
{
	unsigned needed = 0;

	for (size_t i = 0; i < c->required->num; i++)
		needed |= c->required->slots[i];
	*roles = d->roles & needed;
	if (d->roles == 0 || d->person[0] == '\0')
		return AUTHORITY_UNKNOWN_SIGNER;
	if (*roles == 0)
		return AUTHORITY_WRONG_ROLE;
	bool holds_it = same_text(c->subject_person, d->person) && !d->has_other_subject;
	if (!holds_it && (*roles &= ~ROLE_BIT(ROLE_HOLDER)) == 0)
		return AUTHORITY_NOT_HOLDER;
	if (same_text(c->subject_person, d->person) && (*roles &= ROLE_BIT(ROLE_HOLDER)) == 0)
		return AUTHORITY_SUBJECT;
	if (same_text(c->entered_by, d->person) && (*roles &= ROLE_BIT(ROLE_HOLDER)) == 0)
		return AUTHORITY_ENTERER;
	if (!same_text(c->subject_bin, d->bin) && (*roles &= ~ORGANISATION_ROLES) == 0)
		return AUTHORITY_OTHER_ORGANISATION;
	if (!c->staff_may && (*roles &= ~STAFF_ROLES) == 0)
		return AUTHORITY_NO_GROUND;
	return AUTHORITY_FITS;
}

/* The persons whose decisions count, with all their roles. */
struct people {
	const char *person[AUTHORITY_MAX_DECISIONS];
	unsigned roles[AUTHORITY_MAX_DECISIONS];
	int slot[AUTHORITY_MAX_DECISIONS]; /* that the person fills, -1: none */
	size_t num;
};

static enum authority_refusal add_person(struct people *p, const char *person, unsigned roles)
{
	for (size_t i = 0; i < p->num; i++) {
		if (strcmp(p->person[i], person) == 0) {
			p->roles[i] |= roles;
			return AUTHORITY_SAME_PERSON;
		}
	}
	p->person[p->num] = person;
	p->roles[p->num] = roles;
	p->slot[p->num] = -1;
	p->num++;
	return AUTHORITY_FITS;
}

/* Finds somebody for the slot, moving others to other slots where that helps (augmenting path). */
static bool fill_slot(struct people *p, const struct profile_deciders *required, size_t slot, unsigned *visited)
{
	for (size_t i = 0; i < p->num; i++) {
		if ((p->roles[i] & required->slots[slot]) == 0 || (*visited & 1u << i) != 0)
			continue;
		*visited |= 1u << i;
		if (p->slot[i] < 0 || fill_slot(p, required, (size_t)p->slot[i], visited)) {
			p->slot[i] = (int)slot;
			return true;
		}
	}
	return false;
}

/* The most telling reason: of the first decision that does not count for a reason of its own, else that one is missing. */
static enum authority_refusal sum_up(const struct authority_answer *a, size_t num_decisions)
{
	for (size_t i = 0; i < num_decisions; i++)
		if (a->refusals[i] != AUTHORITY_FITS)
			return a->refusals[i];
	return AUTHORITY_MISSING;
}

void authority_decide(struct authority_answer *out, const struct authority_case *c,
		      const struct verified_decision *const *decisions, size_t num_decisions)
{
	struct people people = { .num = 0 };
	struct authority_answer a = { .suffices = true };

	if (c->required == NULL || c->required->num == 0 || num_decisions > AUTHORITY_MAX_DECISIONS) {
		bool has_rule = c->required != NULL && c->required->num > 0;
		*out = (struct authority_answer){ .refusal = has_rule ? AUTHORITY_TOO_MANY : AUTHORITY_NO_RULE };
		return;
	}
	for (size_t i = 0; i < num_decisions; i++) {
		const struct decider *who = &decisions[i]->decider;
		unsigned roles = 0;
		a.refusals[i] = judge_decision(c, &decisions[i]->decision);
		if (a.refusals[i] == AUTHORITY_FITS)
			a.refusals[i] = judge_person(c, who, &roles);
		if (a.refusals[i] == AUTHORITY_FITS)
			a.refusals[i] = add_person(&people, who->person, roles);
	}
	for (size_t slot = 0; slot < c->required->num; slot++) {
		unsigned visited = 0;
		if (!fill_slot(&people, c->required, slot, &visited)) {
			a.suffices = false;
			a.missing[a.num_missing++] = c->required->slots[slot];
		}
	}
	a.refusal = a.suffices ? AUTHORITY_FITS : sum_up(&a, num_decisions);
	*out = a;
}

static void copy_text(char *out, size_t size, struct slice text)
{
	(void)snprintf(out, size, "%.*s", (int)text.len, (const char *)text.p);
}

void authority_case_of_authorisation(struct authority_case *out, struct authority_room *room,
				     const struct authorisation *a, const uint8_t digest[SHA256_LEN],
				     const struct profile_deciders *required, int64_t now)
{
	name_person(room->person, room->bin, a->subject);
	copy_text(room->entered_by, sizeof room->entered_by, a->entered_by);
	*out = (struct authority_case){ .kind = DECISION_AUTHORISATIONS,
					.digest = digest,
					.required = required,
					.subject_person = room->person,
					.subject_bin = room->bin,
					.entered_by = room->entered_by,
					.staff_may = true,
					.now = now };
}

void authority_case_of_order(struct authority_case *out, struct authority_room *room, const struct status_order *o,
			     const uint8_t digest[SHA256_LEN], struct slice subject, bool is_bulk, int64_t now)
{
	bool needs_two = o->action == ORDER_RELEASE || is_bulk;

	room->person[0] = room->bin[0] = room->entered_by[0] = '\0';
	if (subject.len > 0)
		name_person(room->person, room->bin, subject);
	room->required = (struct profile_deciders){ .slots = { ORDER_ROLES, ORDER_ROLES }, .num = needs_two ? 2 : 1 };
	*out = (struct authority_case){ .kind = DECISION_ORDERS,
					.digest = digest,
					.required = &room->required,
					.subject_person = room->person,
					.subject_bin = room->bin,
					.entered_by = room->entered_by,
					.staff_may = o->ground.len > 0,
					.now = now };
}

/* ---- the floor under profiles.conf ---- */

static bool has_slot(const struct profile_deciders *d, unsigned roles)
{
	for (size_t i = 0; i < d->num; i++)
		if (d->slots[i] != 0 && (d->slots[i] & ~roles) == 0)
			return true;
	return false;
}

static size_t count_slots(const struct profile_deciders *d, unsigned roles)
{
	size_t n = 0;

	for (size_t i = 0; i < d->num; i++)
		n += d->slots[i] != 0 && (d->slots[i] & ~roles) == 0 ? 1 : 0;
	return n;
}

/* Kinds whose certificate names an organisation. */
static bool is_entity(const struct profile_kind *kind)
{
	return ((kind->required | kind->optional) & FIELD_BIT(FIELD_BIN)) != 0;
}

struct err *authority_required_floor(const struct profile_kind *kind, enum profile_channel channel)
{
	const unsigned desk_roles = ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR);
	const struct profile_deciders *d = &kind->deciders[channel];
	bool is_enough = true;

	switch (channel) {
	case CHANNEL_REMOTE:
		is_enough = has_slot(d, ROLE_BIT(ROLE_IDENTIFICATION)) && (!is_entity(kind) || d->num >= 2);
		break;
	case CHANNEL_COUNTER:
		is_enough = has_slot(d, desk_roles) && (!is_entity(kind) || d->num >= 2);
		break;
	case CHANNEL_RENEWAL:
		is_enough = has_slot(d, ROLE_BIT(ROLE_HOLDER));
		break;
	case CHANNEL_ADMINISTRATION:
		is_enough = count_slots(d, ROLE_BIT(ROLE_ADMINISTRATOR)) >= 2;
		break;
	case CHANNEL_COUNT:
		break;
	}
	ENSURE_FIELD(d->num == 0 || is_enough, CONFIG, kind->name,
		     "kinds: %s: deciders.%s asks for less than the rules of authority allow", kind->name,
		     profile_channel_word(channel));
	return NULL;
}
