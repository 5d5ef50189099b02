/*
 * rules.c - see rules.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/rules.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct issuer {
	struct issue_issuer view;
	char *name;
	struct buf certificate;
	struct cert_template **templates; /* one for each profile; NULL for a CA's */
};

struct issue_rules {
	atomic_size_t references;
	struct buf der; /* the SignedPolicy, which `policy` borrows */
	struct policy policy;
	struct profiles *profiles;
	struct issuer *issuers;
	size_t num_issuers;
};

static void issuer_clear(struct issuer *self, size_t num_profiles)
{
	for (size_t i = 0; self->templates != NULL && i < num_profiles; i++)
		cert_template_destroy(&self->templates[i]);
	free(self->templates);
	EVP_PKEY_free(self->view.key);
	buf_clear(&self->certificate);
	free(self->name);
}

void issue_rules_release(struct issue_rules **rules)
{
	struct issue_rules *self = *rules;

	*rules = NULL;
	if (self == NULL || atomic_fetch_sub(&self->references, 1) > 1)
		return;
	for (size_t i = 0; i < self->num_issuers; i++)
		issuer_clear(&self->issuers[i], self->profiles->num_profiles);
	free(self->issuers);
	profiles_destroy(&self->profiles);
	policy_clear(&self->policy);
	buf_clear(&self->der);
	free(self);
}

struct issue_rules *issue_rules_share(struct issue_rules *self)
{
	if (self != NULL)
		atomic_fetch_add(&self->references, 1);
	return self;
}

static struct err *compile_templates(struct issuer *self, const struct profiles *profiles)
{
	self->templates = calloc(profiles->num_profiles, sizeof(struct cert_template *));
	ENSURE(self->templates != NULL, NO_MEMORY, "templates of %s", self->name);
	for (size_t i = 0; i < profiles->num_profiles; i++) {
		const struct profile *profile = &profiles->profiles[i];
		if (profile->is_ca)
			continue;
		struct err *e = cert_template_compile(&self->templates[i], profiles, profile->name, self->name,
						      buf_slice(&self->certificate));
		if (e != NULL)
			return ERR_WRAP(e, "profile %s under issuer %s", profile->name, self->name);
	}
	return NULL;
}

static struct err *issuer_init(struct issuer *self, const struct profiles *profiles, const struct issue_issuer_row *row)
{
	self->certificate = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	self->name = strdup(row->name);
	ENSURE(self->name != NULL, NO_MEMORY, "issuer %s", row->name);
	TRY(buf_append(&self->certificate, row->certificate));
	self->view.name = self->name;
	self->view.certificate = buf_slice(&self->certificate);
	TRY(profiles_find_issuer(&self->view.profile, profiles, self->name));
	TRY(cert_parse(&self->view.cert, self->view.certificate));
	TRY(suite_of_spki(&self->view.suite, self->view.cert.public_key));
	TRY(suite_public_key(&self->view.key, self->view.cert.public_key));
	return compile_templates(self, profiles);
}

static bool profiles_have_issuer(const struct profiles *profiles, const char *name)
{
	const struct profile_issuer *found = NULL;
	OWN(err) e = profiles_find_issuer(&found, profiles, name);

	return e == NULL;
}

static struct err *fill(struct issue_rules *self, struct slice signed_policy_der,
			const struct issue_issuer_row *issuers, size_t num_issuers)
{
	struct signed_policy signed_policy;

	TRY(buf_append(&self->der, signed_policy_der));
	TRY(signed_policy_decode(&signed_policy, buf_slice(&self->der)));
	TRY(policy_decode(&self->policy, signed_policy.policy));
	TRY(profiles_parse(&self->profiles, self->policy.profiles));
	self->issuers = calloc(num_issuers + 1, sizeof *self->issuers);
	ENSURE(self->issuers != NULL, NO_MEMORY, "%zu issuers", num_issuers);
	for (size_t i = 0; i < num_issuers; i++) {
		/* An issuer that the Policy no longer knows issues nothing more; its lists and answers are others' work. */
		if (!profiles_have_issuer(self->profiles, issuers[i].name))
			continue;
		TRY(issuer_init(&self->issuers[self->num_issuers++], self->profiles, &issuers[i]));
	}
	return NULL;
}

struct err *issue_rules_create(struct issue_rules **out, struct slice signed_policy,
			       const struct issue_issuer_row *issuers, size_t num_issuers)
{
	OWN(issue_rules) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "rules");
	self->references = 1;
	self->der = (struct buf)BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	TRY(fill(self, signed_policy, issuers, num_issuers));
	*out = TAKE(self);
	return NULL;
}

int64_t issue_rules_version(const struct issue_rules *self)
{
	return self->policy.version;
}

const struct profiles *issue_rules_profiles(const struct issue_rules *self)
{
	return self->profiles;
}

int64_t issue_rules_clock_back_s(const struct issue_rules *self)
{
	return self->policy.clock_back_s;
}

static const struct issuer *find(const struct issue_rules *self, const char *name)
{
	for (size_t i = 0; i < self->num_issuers; i++)
		if (strcmp(self->issuers[i].name, name) == 0)
			return &self->issuers[i];
	return NULL;
}

const struct issue_issuer *issue_rules_issuer(const struct issue_rules *self, const char *name)
{
	const struct issuer *issuer = find(self, name);

	return issuer == NULL ? NULL : &issuer->view;
}

const struct cert_template *issue_rules_template(const struct issue_rules *self, const char *issuer_name,
						 const char *profile)
{
	const struct issuer *issuer = find(self, issuer_name);

	for (size_t i = 0; issuer != NULL && i < self->profiles->num_profiles; i++)
		if (strcmp(self->profiles->profiles[i].name, profile) == 0)
			return issuer->templates[i];
	return NULL;
}
