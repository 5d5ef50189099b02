/*
 * policy.c - may THIS key sign THESE bytes? Read sign_policy_decide() and sign_order_decide(): each line is one rule, in
 * the order in which a refusal is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ca/sign/policy_internal.h"

#define ORDER_BACK_S AUTHORITY_MAX_DECISION_AGE_S

static const struct {
	const char *word, *sentence;
} reasons[SIGN_REASON_COUNT] = {
#define SIGN_REASON_ROW(name, word, sentence) [SIGN_BECAUSE_##name] = { word, sentence },
	SIGN_REASONS(SIGN_REASON_ROW)
#undef SIGN_REASON_ROW
};

/* refuse() sets the answer and is false, so that a rule is one line: `return rule || refuse(...)`. */
static bool ERR_PRINTF(3, 4) refuse(struct sign_answer *a, enum sign_reason reason, const char *fmt, ...)
{
	char detail[160] = "";
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof detail, fmt, ap);
	va_end(ap);
	a->verdict = SIGN_REFUSE;
	a->reason = reason;
	a->word = reasons[reason].word;
	(void)snprintf(a->text, sizeof a->text, "%s%s%s", reasons[reason].sentence, detail[0] != '\0' ? ": " : "",
		       detail);
	return false;
}

static bool refuse_error(struct sign_answer *a, enum sign_reason reason, struct err *e)
{
	OWN(err) owned = e;
	char text[160];

	return refuse(a, reason, "%s", err_text(owned, text, sizeof text));
}

static bool refuse_evidence(struct sign_answer *a, const struct authority_answer *answer)
{
	(void)refuse(a, SIGN_BECAUSE_EVIDENCE, "%s", authority_refusal_sentence(answer->refusal));
	a->refusal = answer->refusal;
	a->word = authority_refusal_word(answer->refusal);
	return false;
}

static void begin(struct sign_answer *a)
{
	*a = (struct sign_answer){ .verdict = SIGN_SIGN, .word = reasons[SIGN_BECAUSE_NONE].word, .identifier = -1 };
}

static bool repeat(struct sign_answer *a)
{
	a->verdict = SIGN_REPEAT;
	return false;
}

/* ---- certificates ---- */

/* What the rules find out about one request on the way. */
struct cert_work {
	struct authorisation a;
	const struct rules_issuer *issuer;
	const struct profile_kind *kind;
	const struct profile *profile;
	struct cert_data data;
	char storage[OID_TEXT_SIZE];
};

static bool read_authorisation(struct sign_answer *out, struct cert_work *w, const struct sign_cert_question *q)
{
	struct err *e = authorisation_decode(&w->a, q->authorisation);

	if (e != NULL)
		return refuse_error(out, SIGN_BECAUSE_MALFORMED, e);
	der_sha256(out->digest, q->authorisation);
	w->issuer = rules_find_issuer(q->rules, w->a.issuer);
	if (w->issuer == NULL)
		return refuse(out, SIGN_BECAUSE_UNKNOWN_ISSUER, "%.*s", (int)w->a.issuer.len,
			      (const char *)w->a.issuer.p);
	(void)snprintf(out->issuer, sizeof out->issuer, "%s", w->issuer->name);
	return true;
}

static bool find_profile(struct sign_answer *out, struct cert_work *w, const struct sign_cert_question *q)
{
	char kind[64], purpose[64];
	const struct profiles *all = q->rules->profiles;

	(void)snprintf(kind, sizeof kind, "%.*s", (int)w->a.kind.len, (const char *)w->a.kind.p);
	(void)snprintf(purpose, sizeof purpose, "%.*s", (int)w->a.purpose.len, (const char *)w->a.purpose.p);
	struct err *e = profiles_find_kind(&w->kind, all, kind);
	if (e == NULL)
		e = profiles_find_request(&w->profile, all, kind, purpose);
	if (e != NULL)
		return refuse_error(out, SIGN_BECAUSE_UNKNOWN_KIND, e);
	if (!slice_equal(SLICE_STR(w->profile->name), w->a.profile) || w->profile->is_ca)
		return refuse(out, SIGN_BECAUSE_WRONG_PROFILE, "%.*s instead of %s", (int)w->a.profile.len,
			      (const char *)w->a.profile.p, w->profile->name);
	return true;
}

/* A holder renews for the very subject of his certificate. */
static const struct verified_decision *as_holder_of(struct verified_decision *room, const struct sign_evidence *e,
						    struct slice subject)
{
	*room = e->verified;
	room->decider.has_other_subject = !slice_equal(e->cert.subject, subject);
	return room;
}

static bool within_ceilings(struct sign_answer *out, const struct sign_cert_question *q,
			    const struct authority_answer *answer)
{
	for (size_t i = 0; i < q->num_decisions; i++) {
		int n = q->decisions[i]->identifier;
		if (n < 0 || answer->refusals[i] != AUTHORITY_FITS)
			continue;
		const struct identifier *id = &q->rules->policy.identifiers[n];
		if (q->hour_counts != NULL && q->hour_counts[n] >= id->per_hour)
			return refuse(out, SIGN_BECAUSE_CEILING_HOUR, "%lld", (long long)id->per_hour);
		if (q->day_counts != NULL && q->day_counts[n] >= id->per_day)
			return refuse(out, SIGN_BECAUSE_CEILING_DAY, "%lld", (long long)id->per_day);
		if (id->per_hour == 0 || id->per_day == 0)
			return refuse(out, SIGN_BECAUSE_CEILING_DAY, "0");
		out->identifier = n;
	}
	return true;
}

static bool check_decisions(struct sign_answer *out, struct cert_work *w, const struct sign_cert_question *q)
{
	struct verified_decision room[AUTHORITY_MAX_DECISIONS];
	const struct verified_decision *list[AUTHORITY_MAX_DECISIONS];
	struct authority_case c;
	struct authority_room texts;
	struct authority_answer answer;

	for (size_t i = 0; i < q->num_decisions && i < AUTHORITY_MAX_DECISIONS; i++) {
		if (q->decisions[i] == NULL)
			return refuse(out, SIGN_BECAUSE_DECISION_ABSENT, "number %zu", i);
		list[i] = as_holder_of(&room[i], q->decisions[i], w->a.subject);
	}
	authority_case_of_authorisation(&c, &texts, &w->a, out->digest, &w->kind->deciders[w->a.channel], q->now);
	authority_decide(&answer, &c, list, q->num_decisions);
	if (!answer.suffices)
		return refuse_evidence(out, &answer);
	return within_ceilings(out, q, &answer);
}

static bool check_serial(struct sign_answer *out, const struct sign_cert_question *q)
{
	struct err *e = serial_from_octets(&out->serial, q->serial);

	if (e != NULL)
		return refuse_error(out, SIGN_BECAUSE_SERIAL_FORM, e);
	if (q->serial.p[0] < 0x10 || q->serial.p[0] > 0x7F)
		return refuse(out, SIGN_BECAUSE_SERIAL_FORM, "the first octet is %02X", q->serial.p[0]);
	if (q->serial_taken)
		return refuse(out, SIGN_BECAUSE_SERIAL_TAKEN, "%s", "");
	return true;
}

static bool check_not_before(struct sign_answer *out, const struct sign_cert_question *q)
{
	const struct policy *p = &q->rules->policy;

	if (q->not_before_at < q->now - p->clock_back_s || q->not_before_at > q->now + p->clock_ahead_s)
		return refuse(out, SIGN_BECAUSE_NOT_BEFORE, "%lld s from now", (long long)(q->not_before_at - q->now));
	return true;
}

static size_t first_difference(struct slice a, struct slice b)
{
	size_t i = 0;

	while (i < a.len && i < b.len && a.p[i] == b.p[i])
		i++;
	return i;
}

static bool check_tbs(struct sign_answer *out, struct cert_work *w, const struct sign_cert_question *q)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	const struct cert_template *t = rules_find_template(q->rules, w->issuer, w->profile);

	struct err *e = authorisation_cert_data(&w->data, w->storage, &w->a);
	if (e == NULL)
		e = cert_template_render(&tbs, t, &w->data, &out->serial, q->not_before_at);
	if (e == NULL)
		e = cert_not_after(&out->not_after_at, t, &w->data, q->not_before_at);
	if (e != NULL)
		return refuse_error(out, SIGN_BECAUSE_RENDER, e);
	if (!slice_equal(buf_slice(&tbs), q->tbs))
		return refuse(out, SIGN_BECAUSE_TBS_DIFFERS, "from octet %zu on",
			      first_difference(buf_slice(&tbs), q->tbs));
	out->suite = cert_template_suite(t);
	return true;
}

void sign_policy_decide(struct sign_answer *out, const struct sign_cert_question *q)
{
	struct cert_work w = { 0 };

	begin(out);
	(void)((q->rules != NULL || refuse(out, SIGN_BECAUSE_NO_POLICY, "%s", "")) && read_authorisation(out, &w, q) &&
	       (!q->authorisation_signed || repeat(out)) &&
	       (w.a.expires_at > q->now || refuse(out, SIGN_BECAUSE_AUTHORISATION_EXPIRED, "%s", "")) &&
	       find_profile(out, &w, q) && check_decisions(out, &w, q) && check_not_before(out, q) &&
	       check_serial(out, q) && check_tbs(out, &w, q));
}

/* ---- orders ---- */

static bool read_order(struct sign_answer *out, struct status_order *o, const struct sign_order_question *q)
{
	struct err *e = status_order_decode(o, q->order);

	if (e != NULL)
		return refuse_error(out, SIGN_BECAUSE_MALFORMED, e);
	der_sha256(out->digest, q->order);
	const struct rules_issuer *issuer = rules_find_issuer(q->rules, o->issuer);
	if (issuer == NULL)
		return refuse(out, SIGN_BECAUSE_UNKNOWN_ISSUER, "%.*s", (int)o->issuer.len, (const char *)o->issuer.p);
	(void)snprintf(out->issuer, sizeof out->issuer, "%s", issuer->name);
	out->serial = o->serial;
	return true;
}

static bool check_target(struct sign_answer *out, const struct status_order *o, const struct sign_order_question *q)
{
	if (q->status == SIGN_UNKNOWN || q->known_digest == NULL)
		return refuse(out, SIGN_BECAUSE_UNKNOWN_SERIAL, "%s", "");
	if (!slice_equal(o->certificate_digest, SLICE(q->known_digest, SHA256_LEN)))
		return refuse(out, SIGN_BECAUSE_WRONG_CERTIFICATE, "%s", "");
	if (q->target != NULL && !slice_equal(o->certificate_digest, SLICE(q->target->digest, SHA256_LEN)))
		return refuse(out, SIGN_BECAUSE_WRONG_CERTIFICATE, "another one was sent");
	if (q->target == NULL && o->action == ORDER_RELEASE)
		return refuse(out, SIGN_BECAUSE_TARGET_ABSENT, "%s", "");
	return true;
}

/* Which action may follow which status: revoked is final, hold and release alternate. RFC 5280 §5.3.1 */
static bool check_transition(struct sign_answer *out, const struct status_order *o, enum sign_status status)
{
	if (status == SIGN_REVOKED)
		return refuse(out, SIGN_BECAUSE_ALREADY_REVOKED, "%s", "");
	if (o->action == ORDER_HOLD && status == SIGN_HELD)
		return refuse(out, SIGN_BECAUSE_ALREADY_HELD, "%s", "");
	if (o->action == ORDER_RELEASE && status != SIGN_HELD)
		return refuse(out, SIGN_BECAUSE_NOT_HELD, "%s", "");
	return true;
}

static bool check_order_time(struct sign_answer *out, const struct status_order *o, int64_t now)
{
	if (o->revoked_at < now - ORDER_BACK_S || o->revoked_at > now + AUTHORITY_CLOCK_SKEW_S)
		return refuse(out, SIGN_BECAUSE_ORDER_TIME, "%lld s from now", (long long)(o->revoked_at - now));
	return true;
}

static bool check_order_decisions(struct sign_answer *out, const struct status_order *o,
				  const struct sign_order_question *q)
{
	const struct verified_decision *list[AUTHORITY_MAX_DECISIONS];
	struct authority_case c;
	struct authority_room room;
	struct authority_answer answer;
	bool is_bulk = false;

	for (size_t i = 0; i < q->num_decisions && i < AUTHORITY_MAX_DECISIONS; i++) {
		if (q->decisions[i] == NULL)
			return refuse(out, SIGN_BECAUSE_DECISION_ABSENT, "number %zu", i);
		list[i] = &q->decisions[i]->verified;
		is_bulk |= list[i]->decision.num_digests > AUTHORITY_BULK_ORDERS;
	}
	authority_case_of_order(&c, &room, o, out->digest, q->target != NULL ? q->target->subject : SLICE_NONE, is_bulk,
				q->now);
	authority_decide(&answer, &c, list, q->num_decisions);
	return answer.suffices || refuse_evidence(out, &answer);
}

void sign_order_decide(struct sign_answer *out, const struct sign_order_question *q)
{
	struct status_order o = { 0 };

	begin(out);
	(void)((q->rules != NULL || refuse(out, SIGN_BECAUSE_NO_POLICY, "%s", "")) && read_order(out, &o, q) &&
	       (!q->order_accepted || repeat(out)) && check_target(out, &o, q) &&
	       check_transition(out, &o, q->status) && check_order_time(out, &o, q->now) &&
	       check_order_decisions(out, &o, q));
}
