/*
 * policy_rules.c - what policy.c decides by: a Policy made ready, the evidence, the counts of the last hour and day.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/sign/policy_internal.h"

static struct err *keep_issuers(struct sign_rules *r, const struct sign_issuer *issuers, size_t num)
{
	r->issuers = calloc(num + 1, sizeof *r->issuers);
	ENSURE(r->issuers != NULL, NO_MEMORY, "%zu issuers", num);
	for (; r->num_issuers < num; r->num_issuers++) {
		struct rules_issuer *i = &r->issuers[r->num_issuers];
		const struct sign_issuer *in = &issuers[r->num_issuers];
		i->certificate = (struct buf)BUF_INIT(CERT_MAX_BYTES);
		ENSURE(strlen(in->name) < sizeof i->name, CONFIG, "issuer %s: the name is too long", in->name);
		(void)snprintf(i->name, sizeof i->name, "%s", in->name);
		TRY(buf_append(&i->certificate, in->certificate));
		TRY(cert_parse(&i->cert, buf_slice(&i->certificate)));
	}
	return NULL;
}

static struct err *check_kinds(const struct profiles *all)
{
	for (size_t k = 0; k < all->num_kinds; k++)
		for (int channel = CHANNEL_REMOTE; channel < CHANNEL_COUNT; channel++)
			TRY(authority_required_floor(&all->kinds[k], (enum profile_channel)channel));
	return NULL;
}

/* Templates lie by issuer, then by profile, NULL where the profile is the CA's. */
static struct err *compile_templates(struct sign_rules *r)
{
	r->templates = calloc(r->num_issuers * r->profiles->num_profiles + 1, sizeof(struct cert_template *));
	ENSURE(r->templates != NULL, NO_MEMORY, "templates");
	for (size_t i = 0; i < r->num_issuers; i++) {
		for (size_t p = 0; p < r->profiles->num_profiles; p++) {
			const struct profile *profile = &r->profiles->profiles[p];
			if (profile->is_ca)
				continue;
			TRY(cert_template_compile(&r->templates[i * r->profiles->num_profiles + p], r->profiles,
						  profile->name, r->issuers[i].name,
						  buf_slice(&r->issuers[i].certificate)));
		}
	}
	return NULL;
}

static struct err *fill_rules(struct sign_rules *r, struct slice policy, const struct sign_issuer *issuers, size_t num)
{
	TRY(buf_append(&r->der, policy));
	TRY(policy_decode(&r->policy, buf_slice(&r->der)));
	TRY(profiles_parse(&r->profiles, r->policy.profiles));
	TRY(check_kinds(r->profiles));
	TRY(keep_issuers(r, issuers, num));
	return compile_templates(r);
}

struct err *sign_rules_create(struct sign_rules **out, struct slice policy, const struct sign_issuer *issuers,
			      size_t num_issuers)
{
	OWN(sign_rules) r = calloc(1, sizeof *r);

	ENSURE(r != NULL, NO_MEMORY, "rules");
	r->der = (struct buf)BUF_INIT(POLICY_MAX_BYTES);
	struct err *e = fill_rules(r, policy, issuers, num_issuers);
	if (e != NULL)
		return ERR_WRAP(e, "the Policy cannot take force");
	*out = TAKE(r);
	return NULL;
}

void sign_rules_destroy(struct sign_rules **self)
{
	struct sign_rules *r = *self;

	if (r == NULL)
		return;
	for (size_t i = 0; r->templates != NULL && i < r->num_issuers * r->profiles->num_profiles; i++)
		cert_template_destroy(&r->templates[i]);
	free(r->templates);
	for (size_t i = 0; i < r->num_issuers; i++)
		buf_clear(&r->issuers[i].certificate);
	free(r->issuers);
	profiles_destroy(&r->profiles);
	policy_clear(&r->policy);
	buf_clear(&r->der);
	free(r);
	*self = NULL;
}

const struct policy *sign_rules_policy(const struct sign_rules *rules)
{
	return &rules->policy;
}

const struct profiles *sign_rules_profiles(const struct sign_rules *rules)
{
	return rules->profiles;
}

const struct rules_issuer *rules_find_issuer(const struct sign_rules *rules, struct slice name)
{
	for (size_t i = 0; i < rules->num_issuers; i++)
		if (slice_equal(SLICE_STR(rules->issuers[i].name), name))
			return &rules->issuers[i];
	return NULL;
}

struct slice sign_rules_issuer(const struct sign_rules *rules, const char *name)
{
	const struct rules_issuer *i = rules_find_issuer(rules, SLICE_STR(name));

	return i != NULL ? buf_slice(&i->certificate) : SLICE_NONE;
}

const struct cert_template *rules_find_template(const struct sign_rules *rules, const struct rules_issuer *issuer,
						const struct profile *profile)
{
	size_t i = (size_t)(issuer - rules->issuers), p = (size_t)(profile - rules->profiles->profiles);

	return rules->templates[i * rules->profiles->num_profiles + p];
}

/* ---- evidence ---- */

/* Whether one of our issuers made the certificate, and it stands as we recorded it. */
static bool is_valid_of_ours(const struct sign_rules *rules, const struct cert *c, sign_status_of *status_of, void *arg)
{
	for (size_t i = 0; i < rules->num_issuers; i++) {
		const struct rules_issuer *issuer = &rules->issuers[i];
		uint8_t digest[SHA256_LEN] = { 0 };
		if (!slice_equal(c->issuer, issuer->cert.subject))
			continue;
		OWN(err) e = cert_verify(c, &issuer->cert);
		if (e != NULL)
			continue;
		return status_of(arg, issuer->name, &c->serial, digest) == SIGN_VALID &&
		       memcmp(digest, c->digest, SHA256_LEN) == 0;
	}
	return false;
}

struct err *sign_evidence_verify(struct sign_evidence *out, const struct sign_rules *rules,
				 const struct signed_decision *signed_decision, sign_status_of *status_of, void *arg,
				 int64_t now)
{
	struct sign_evidence e = { .identifier = -1 };
	struct authority_signature signature;
	struct decider *who = &e.verified.decider;

	TRY(decision_decode(&e.verified.decision, signed_decision->decision));
	TRY(authority_cms_verify(&signature, signed_decision->signature, signed_decision->decision));
	der_sha256(e.verified.digest, signed_decision->decision);
	e.cert = signature.cert;
	authority_recognise(who, &rules->policy, e.cert.key_hash, now);
	const struct identifier *id = policy_identifier_find(&rules->policy, e.cert.key_hash);
	if ((who->roles & ROLE_BIT(ROLE_IDENTIFICATION)) != 0 && id != NULL)
		e.identifier = (int)(id - rules->policy.identifiers);
	if (who->roles == 0 && is_valid_of_ours(rules, &e.cert, status_of, arg))
		authority_recognise_holder(who, &e.cert, now);
	*out = e;
	return NULL;
}

/* ---- counts ---- */

#define MINUTES_A_DAY ((int64_t)(sizeof((struct sign_window *)0)->minutes / sizeof(uint32_t)))

/* Forgets the minutes between the last one that was touched and `minute`. */
static void window_advance(struct sign_window *w, int64_t minute)
{
	int64_t forget = minute - w->last_minute;

	if (forget <= 0)
		return; /* the clock went back: counts stay with the latest minute */
	for (int64_t i = 1; i <= forget && i <= MINUTES_A_DAY; i++) {
		uint32_t *count = &w->minutes[(w->last_minute + i) % MINUTES_A_DAY];
		w->day -= *count;
		*count = 0;
	}
	w->last_minute = minute;
}

void sign_window_add(struct sign_window *self, int64_t at)
{
	window_advance(self, at / 60);
	self->minutes[self->last_minute % MINUTES_A_DAY]++;
	self->day++;
}

void sign_window_count(struct sign_window *self, int64_t now, int64_t *out_hour, int64_t *out_day)
{
	int64_t hour = 0;

	window_advance(self, now / 60);
	for (int64_t i = 0; i < 60; i++)
		hour += self->minutes[(self->last_minute + MINUTES_A_DAY - i) % MINUTES_A_DAY];
	*out_hour = hour;
	*out_day = self->day;
}
