/*
 * policy.c - see policy.h. The order of the questions is the order in which an applicant would want to hear the answers:
 * is there something to issue, is it what was decided on, does the Policy allow it, did enough people decide.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/policy.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *word, *sentence;
} reasons[ISSUE_REASON_COUNT] = {
#define ISSUE_REASON_ROW(name, word, sentence) [ISSUE_BECAUSE_##name] = { word, sentence },
	ISSUE_REASONS(ISSUE_REASON_ROW)
#undef ISSUE_REASON_ROW
};

const char *issue_reason_word(enum issue_reason reason)
{
	return reason < ISSUE_REASON_COUNT ? reasons[reason].word : "?";
}

const char *issue_reason_sentence(enum issue_reason reason)
{
	return reason < ISSUE_REASON_COUNT ? reasons[reason].sentence : "?";
}

static void answer(struct issue_answer *out, enum issue_verdict verdict, enum issue_reason reason, const char *fmt, ...)
	ERR_PRINTF(4, 5);

static void answer(struct issue_answer *out, enum issue_verdict verdict, enum issue_reason reason, const char *fmt, ...)
{
	char detail[160];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof detail, fmt, ap);
	va_end(ap);
	out->verdict = verdict;
	out->reason = reason;
	(void)snprintf(out->text, sizeof out->text, "%s%s%s", reasons[reason].sentence, detail[0] != '\0' ? ": " : "",
		       detail);
}

static bool says(struct slice text, const char *expected)
{
	return slice_equal(text, SLICE_STR(expected));
}

/* The first member in which Authorisation and ledger disagree, NULL when they agree. */
static const char *difference(const struct authorisation *a, const struct issue_question *q)
{
	enum profile_channel channel;
	uint8_t digest[SHA256_DIGEST_LENGTH];

	(void)SHA256(q->authorisation.p, q->authorisation.len, digest);
	if (!slice_equal(q->digest, SLICE(digest, sizeof digest)))
		return "digest";
	if (!says(a->application_number, q->number))
		return "number";
	if (!says(a->kind, q->kind))
		return "kind";
	if (!says(a->purpose, q->purpose))
		return "purpose";
	if (!says(a->issuer, q->issuer))
		return "issuer";
	if (!says(a->profile, q->profile))
		return "profile";
	if (!profile_channel_parse(&channel, q->channel) || channel != a->channel)
		return "channel";
	return NULL;
}

/* What the Policy in force says of kind, purpose, profile, channel and number of decisions. */
static void decide_by_profiles(struct issue_answer *out, const struct issue_question *q)
{
	const struct profile_kind *kind = NULL;
	const struct profile *profile = NULL;
	const struct authorisation *a = &out->authorisation;

	OWN(err) no_kind = profiles_find_kind(&kind, q->profiles, q->kind);
	OWN(err)
	no_profile = no_kind != NULL ? NULL : profiles_find_request(&profile, q->profiles, q->kind, q->purpose);
	if (no_kind != NULL || no_profile != NULL) {
		answer(out, ISSUE_REJECT, ISSUE_BECAUSE_UNKNOWN_KIND, "%s-%s", q->kind, q->purpose);
		return;
	}
	if (strcmp(profile->name, q->profile) != 0) {
		answer(out, ISSUE_REJECT, ISSUE_BECAUSE_WRONG_PROFILE, "%s instead of %s", q->profile, profile->name);
		return;
	}
	const struct profile_deciders *deciders = &kind->deciders[a->channel];
	if (deciders->num == 0)
		answer(out, ISSUE_REJECT, ISSUE_BECAUSE_CHANNEL_CLOSED, "%s", q->channel);
	else if (q->num_decisions < deciders->num)
		answer(out, ISSUE_REJECT, ISSUE_BECAUSE_DECISIONS_MISSING, "%zu of %zu", q->num_decisions,
		       deciders->num);
	else
		answer(out, ISSUE_GO, ISSUE_BECAUSE_NONE, "%s", "");
}

void issue_policy_decide(struct issue_answer *out, const struct issue_question *q)
{
	char text[160];

	memset(out, 0, sizeof *out);
	if (strcmp(q->state, "approved") != 0 && strcmp(q->state, "issuing") != 0) {
		answer(out, ISSUE_DROP, ISSUE_BECAUSE_NOT_APPROVED, "%s", q->state);
		return;
	}
	OWN(err) malformed = authorisation_decode(&out->authorisation, q->authorisation);
	if (malformed != NULL) {
		answer(out, ISSUE_REJECT, ISSUE_BECAUSE_MALFORMED, "%s", err_text(malformed, text, sizeof text));
		return;
	}
	const char *differs = difference(&out->authorisation, q);
	if (differs != NULL)
		answer(out, ISSUE_REJECT, ISSUE_BECAUSE_DIFFERS, "%s", differs);
	else if (out->authorisation.expires_at <= q->now)
		answer(out, ISSUE_REJECT, ISSUE_BECAUSE_EXPIRED, "%s", "");
	else if (!q->has_issuer)
		answer(out, ISSUE_REJECT, ISSUE_BECAUSE_UNKNOWN_ISSUER, "%s", q->issuer);
	else
		decide_by_profiles(out, q);
}

/* ---- the signer's refusals */

static const struct {
	const char *word;
	enum issue_refusal refusal;
} refusals[] = {
	/* The signer's Policy, clock or ceilings speak, not the request. */
	{ "no_policy", ISSUE_REFUSAL_RETRY },
	{ "tbs_differs",
	  ISSUE_REFUSAL_RETRY }, /* it has another Policy than we: the status poll brings them together */
	{ "unknown_issuer", ISSUE_REFUSAL_RETRY },
	{ "decision_absent", ISSUE_REFUSAL_RETRY },
	{ "decision_from_future", ISSUE_REFUSAL_RETRY },
	{ "ceiling_hour", ISSUE_REFUSAL_RETRY },
	{ "ceiling_day", ISSUE_REFUSAL_RETRY },
	{ "not_before", ISSUE_REFUSAL_REPLAN },
	{ "serial_taken", ISSUE_REFUSAL_REPLAN },
};

enum issue_refusal issue_refusal_decide(struct slice word)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		if (says(word, refusals[i].word))
			return refusals[i].refusal;
	return ISSUE_REFUSAL_FINAL;
}

bool issue_order_refusal_is_final(struct slice word)
{
	static const char *const passing[] = { "no_policy",	  "unknown_issuer",
					       "decision_absent", "decision_from_future",
					       "order_time",	  "target_absent" };

	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		if (says(word, passing[i]))
			return false;
	return true;
}

int64_t issue_backoff_ms(int64_t attempts, int64_t first_ms, int64_t max_ms)
{
	int64_t ms = first_ms;

	for (int64_t i = 1; i < attempts && ms < max_ms; i++)
		ms *= 2;
	return ms < max_ms ? ms : max_ms;
}
