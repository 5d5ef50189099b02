/*
 * review.c - what has been decided, and what is missing. See review.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/review.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ra/status.h"

void ra_review_clear(struct ra_review *self)
{
	db_result_destroy(&self->request_rows);
	db_result_destroy(&self->decision_rows);
}

bool ra_actor_of(enum ra_actor *out, unsigned roles)
{
	static const struct {
		enum profile_role role;
		enum ra_actor actor;
	} order[] = { { ROLE_IDENTIFICATION, RA_IDENTIFICATION },
		      { ROLE_OPERATOR, RA_OPERATOR },
		      { ROLE_SENIOR, RA_SENIOR },
		      { ROLE_ADMINISTRATOR, RA_ADMINISTRATOR },
		      { ROLE_AUDITOR, RA_AUDITOR },
		      { ROLE_DESK, RA_DESK },
		      { ROLE_HEAD, RA_HEAD },
		      { ROLE_DELEGATE, RA_DELEGATE },
		      { ROLE_HOLDER, RA_HOLDER } };

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		if ((roles & ROLE_BIT(order[i].role)) != 0) {
			*out = order[i].actor;
			return true;
		}
	}
	return false;
}

struct err *ra_certificate_counts(bool *out, struct ra_ctx *ctx, const struct cert *cert)
{
	const struct ra_issuer *issuer = ra_rules_issuer_of(ctx->rules, cert);
	OWN(db_result) rows = NULL;
	struct ra_certificate known;

	*out = false;
	if (issuer == NULL)
		return NULL;
	struct err *e = ra_get_certificate(ctx->db, &rows, issuer->name, serial_slice(&cert->serial));
	if (err_code(e) == ERR_NOT_FOUND) {
		err_destroy(&e);
		return NULL;
	}
	if (e != NULL)
		return e;
	ra_certificate_at(&known, rows, 0);
	*out = slice_equal(known.sha256, SLICE(cert->digest, sizeof cert->digest)) &&
	       ra_status_of(known.action, known.not_after_at, clock_now_s()) == RA_STATUS_VALID;
	return NULL;
}

struct err *ra_verify_decision(struct verified_decision *out, struct ra_ctx *ctx, struct slice der, struct slice cms)
{
	struct authority_signature signature;
	int64_t now = clock_now_s();
	bool counts;

	TRY(decision_decode(&out->decision, der));
	TRY(authority_cms_verify(&signature, cms, der));
	der_sha256(out->digest, der);
	authority_recognise(&out->decider, &ctx->rules->policy, signature.cert.key_hash, now);
	if (ra_rules_issuer_of(ctx->rules, &signature.cert) == NULL)
		return NULL; /* staff and services may hold keys that another CA certified: the Policy names the key */
	TRY(ra_certificate_counts(&counts, ctx, &signature.cert));
	if (!counts)
		out->decider.roles = 0;
	else if (out->decider.roles == 0)
		authority_recognise_holder(&out->decider, &signature.cert, now);
	return NULL;
}

static struct err *load_requests(struct ra_review *out, struct ra_ctx *ctx, const struct ra_application *app)
{
	TRY(ra_get_requests(ctx->db, &out->request_rows, app->id));
	size_t num = db_num_rows(out->request_rows);
	ENSURE(num >= 1 && num <= PROFILE_MAX_REQUESTS, BUG, "an application with %zu requests", num);
	for (size_t i = 0; i < num; i++) {
		ra_request_at(&out->requests[i], out->request_rows, i);
		TRY(authorisation_decode(&out->authorisations[i], out->requests[i].authorisation));
	}
	out->num_requests = num;
	return NULL;
}

/* Only what approves is of interest; what no longer verifies does not count and is passed over. */
static struct err *load_decisions(struct ra_review *out, struct ra_ctx *ctx, const uint8_t *except)
{
	struct slice digests[PROFILE_MAX_REQUESTS];

	for (size_t i = 0; i < out->num_requests; i++)
		digests[i] = out->requests[i].digest;
	TRY(ra_get_decisions(ctx->db, &out->decision_rows, digests, out->num_requests));
	for (size_t i = 0; i < db_num_rows(out->decision_rows); i++) {
		struct ra_decision row;

		ra_decision_at(&row, out->decision_rows, i);
		bool is_excepted = except != NULL && slice_equal(row.digest, SLICE(except, 32));

		if (is_excepted || row.verdict != DECISION_APPROVE || out->num_decisions == AUTHORITY_MAX_DECISIONS - 1)
			continue;
		struct err *e = ra_verify_decision(&out->decisions[out->num_decisions], ctx, row.der, row.cms);
		if (e == NULL)
			out->num_decisions++;
		else if (err_category(err_code(e)) != ERR_REFUSE)
			return e;
		else
			err_destroy(&e);
	}
	return NULL;
}

struct err *ra_review_load(struct ra_review *out, struct ra_ctx *ctx, const struct ra_application *app,
			   const uint8_t *except)
{
	struct ra_review review = { .num_requests = 0 };
	struct err *e;

	ENSURE(ctx->rules != NULL, RETRY, "no policy is in force yet; ask again in a moment");
	ENSURE(profile_channel_parse(&review.channel, app->channel), BUG, "the unknown channel \"%s\"", app->channel);
	TRY(profiles_find_kind(&review.kind, ctx->rules->profiles, app->kind));
	review.required = &review.kind->deciders[review.channel];
	e = load_requests(&review, ctx, app);
	if (e == NULL)
		e = load_decisions(&review, ctx, except);
	if (e != NULL) {
		ra_review_clear(&review);
		return e;
	}
	*out = review;
	return NULL;
}

enum ra_waits ra_waits_of(const unsigned *slots, size_t num_slots)
{
	enum ra_waits waits = RA_WAITS_NOTHING;

	for (size_t i = 0; i < num_slots; i++) {
		enum ra_waits this = RA_WAITS_STAFF;

		if ((slots[i] & ROLE_BIT(ROLE_IDENTIFICATION)) != 0)
			this = RA_WAITS_IDENTIFICATION;
		else if ((slots[i] & (ROLE_BIT(ROLE_HEAD) | ROLE_BIT(ROLE_DELEGATE))) != 0)
			this = RA_WAITS_HEAD;
		if (waits == RA_WAITS_NOTHING || this < waits)
			waits = this;
	}
	return waits;
}

static void judge_request(struct authority_answer *out, const struct ra_review *review, size_t request,
			  const struct verified_decision *const *decisions, size_t num, int64_t now_s)
{
	struct authority_case c;
	struct authority_room room;

	authority_case_of_authorisation(&c, &room, &review->authorisations[request], review->requests[request].digest.p,
					review->required, now_s);
	authority_decide(out, &c, decisions, num);
}

void ra_review_missing(struct ra_missing *out, const struct ra_review *review, const struct verified_decision *extra,
		       int64_t now_s)
{
	const struct verified_decision *decisions[AUTHORITY_MAX_DECISIONS];
	size_t num = review->num_decisions;
	struct ra_missing m = { .refusal = AUTHORITY_FITS };

	for (size_t i = 0; i < num; i++) {
		unsigned staff = ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR) | ROLE_BIT(ROLE_ADMINISTRATOR);

		decisions[i] = &review->decisions[i];
		m.is_reviewed = m.is_reviewed || (decisions[i]->decider.roles & staff) != 0;
	}
	if (extra != NULL)
		decisions[num++] = extra;
	for (size_t r = 0; r < review->num_requests; r++) {
		struct authority_answer answer;

		judge_request(&answer, review, r, decisions, num, now_s);
		if (extra != NULL && answer.refusals[num - 1] != AUTHORITY_FITS)
			m.refusal = answer.refusals[num - 1];
		if (answer.num_missing > m.num_slots) {
			m.num_slots = answer.num_missing;
			memcpy(m.slots, answer.missing, sizeof m.slots);
		}
	}
	m.waits_for = ra_waits_of(m.slots, m.num_slots);
	*out = m;
}
