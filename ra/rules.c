/*
 * rules.c - the rules in force. See rules.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/rules.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ra/queries.h"

struct ra_rules_keeper {
	pthread_mutex_t lock; /* of `current` and of all reference counts */
	_Atomic(struct ra_rules *) current;
	uint8_t (*pins)[32];
	size_t num_pins;
	int64_t seen; /* highest version looked at: what was refused is told once, and does not stop later ones */
};

struct err *ra_rules_keeper_create(struct ra_rules_keeper **out, const uint8_t (*pins)[32], size_t num_pins)
{
	struct ra_rules_keeper *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "the rules");
	self->pins = calloc(num_pins + 1, sizeof *self->pins);
	if (self->pins == NULL) {
		free(self);
		return ERR(NO_MEMORY, "the pinned keys");
	}
	if (num_pins > 0)
		memcpy(self->pins, pins, num_pins * sizeof *pins);
	self->num_pins = num_pins;
	(void)pthread_mutex_init(&self->lock, NULL);
	*out = self;
	return NULL;
}

static void rules_free(struct ra_rules *rules)
{
	policy_clear(&rules->policy);
	profiles_destroy(&rules->profiles);
	for (size_t i = 0; i < rules->num_issuers; i++) {
		buf_clear(&rules->issuers[i].certificate);
		buf_clear(&rules->issuers[i].root);
		buf_clear(&rules->issuers[i].chain);
	}
	buf_clear(&rules->der);
	free(rules);
}

void ra_rules_put(struct ra_rules **self)
{
	struct ra_rules *rules = *self;

	*self = NULL;
	if (rules == NULL)
		return;
	if (rules->keeper != NULL) {
		pthread_mutex_t *lock = &rules->keeper->lock;

		(void)pthread_mutex_lock(lock);
		int left = --rules->refs;
		(void)pthread_mutex_unlock(lock);
		if (left > 0)
			return;
	}
	rules_free(rules);
}

void ra_rules_keeper_destroy(struct ra_rules_keeper **self)
{
	if (*self == NULL)
		return;
	struct ra_rules *last = atomic_exchange(&(*self)->current, NULL);
	ra_rules_put(&last);
	(void)pthread_mutex_destroy(&(*self)->lock);
	free((*self)->pins);
	free(*self);
	*self = NULL;
}

static struct err *read_issuer(struct ra_issuer *out, const char *name, struct slice certificate, struct slice root)
{
	(void)snprintf(out->name, sizeof out->name, "%s", name);
	out->certificate = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	out->root = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	out->chain = (struct buf)BUF_INIT(8 * CERT_MAX_BYTES);
	TRY(buf_append(&out->certificate, certificate));
	TRY(buf_append(&out->root, root));
	TRY(cert_parse(&out->cert, buf_slice(&out->certificate)));
	TRY(cert_to_pem(&out->chain, certificate));
	return cert_to_pem(&out->chain, root);
}

static struct err *read_issuers(struct ra_rules *rules, struct db *db)
{
	OWN(db_result) rows = NULL;

	TRY(ra_get_issuers(db, &rows));
	size_t num = db_num_rows(rows);
	ENSURE(num <= RA_ISSUERS_MAX, CONFIG, "%zu issuers; at most %d are provided for", num, RA_ISSUERS_MAX);
	for (size_t i = 0; i < num; i++) {
		const char *name;
		struct slice certificate, root;

		ra_issuer_at(&name, &certificate, &root, rows, i);
		rules->num_issuers = i + 1;
		struct err *e = read_issuer(&rules->issuers[i], name, certificate, root);
		if (e != NULL)
			return ERR_WRAP(e, "issuer %s", name);
	}
	return NULL;
}

/* Makes rules of a SignedPolicy; `before` is what is in force, or NULL. */
static struct err *rules_make(struct ra_rules **out, struct ra_rules_keeper *keeper, struct slice signed_policy,
			      const struct ra_rules *before, struct db *db)
{
	OWN(ra_rules) rules = calloc(1, sizeof *rules);
	struct policy_signers signers = { .in_force = before == NULL ? NULL : &before->policy,
					  .pins = (const uint8_t(*)[SHA256_LEN])keeper->pins,
					  .num_pins = keeper->num_pins,
					  .is_stored = true };

	ENSURE(rules != NULL, NO_MEMORY, "the rules");
	rules->der = (struct buf)BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	TRY(buf_append(&rules->der, signed_policy));
	TRY(policy_accept(&rules->policy, buf_slice(&rules->der), &signers, clock_now_s()));
	TRY(profiles_parse(&rules->profiles, rules->policy.profiles));
	TRY(read_issuers(rules, db));
	rules->refs = 1;
	rules->keeper = keeper;
	*out = TAKE(rules);
	return NULL;
}

/* The same Policy once more, for issuers that came after it. */
static struct err *rules_again(struct ra_rules **out, const struct ra_rules *current, struct db *db)
{
	OWN(ra_rules) rules = calloc(1, sizeof *rules);
	struct signed_policy sp;

	ENSURE(rules != NULL, NO_MEMORY, "the rules");
	rules->der = (struct buf)BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	TRY(buf_append(&rules->der, buf_slice(&current->der)));
	TRY(signed_policy_decode(&sp, buf_slice(&rules->der)));
	TRY(policy_decode(&rules->policy, sp.policy));
	TRY(profiles_parse(&rules->profiles, rules->policy.profiles));
	TRY(read_issuers(rules, db));
	rules->refs = 1;
	rules->keeper = current->keeper;
	*out = TAKE(rules);
	return NULL;
}

static void replace(struct ra_rules_keeper *self, struct ra_rules *fresh)
{
	(void)pthread_mutex_lock(&self->lock);
	struct ra_rules *old = atomic_exchange(&self->current, fresh);
	(void)pthread_mutex_unlock(&self->lock);
	ra_rules_put(&old);
}

/* One thread refreshes (the timer's), so that `current` does not change underneath. All versions are walked in their
 * order: each counts by the one in force before it. */
static struct err *take_policies(struct ra_rules_keeper *self, struct db *db)
{
	OWN(db_result) rows = NULL;
	OWN(err) refused = NULL;

	TRY(ra_get_policies(db, &rows, self->seen));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_rules *fresh = NULL;
		struct slice der;
		int64_t version;

		ra_policy_at(&version, &der, rows, i);
		struct err *e = rules_make(&fresh, self, der, self->current, db);
		if (e != NULL && err_category(err_code(e)) == ERR_RETRY_LATER)
			return e;
		self->seen = version;
		if (e == NULL)
			replace(self, fresh);
		else if (refused == NULL)
			refused = ERR_WRAP(e, "policy version %lld is not taken into force", (long long)version);
		else
			err_destroy(&e);
	}
	return TAKE(refused);
}

struct err *ra_rules_refresh(struct ra_rules_keeper *self, struct db *db, bool *out_changed)
{
	int64_t version, issuers;
	const struct ra_rules *before = self->current;
	OWN(err) refused = NULL;

	if (out_changed != NULL)
		*out_changed = false;
	TRY(ra_get_ledger_version(db, &version, &issuers));
	if (self->seen < version)
		refused = take_policies(self, db);
	if (self->current != NULL && self->current->num_issuers < (size_t)issuers) {
		struct ra_rules *fresh = NULL;

		TRY(rules_again(&fresh, self->current, db));
		replace(self, fresh);
	}
	if (out_changed != NULL)
		*out_changed = self->current != before;
	return TAKE(refused);
}

/* A held object cannot be freed, so its address cannot come back as another's: comparing the pointers is enough. */
struct err *ra_rules_hold(struct ra_rules_keeper *self, struct ra_rules **held)
{
	if (*held != NULL && atomic_load(&self->current) == *held)
		return NULL;
	(void)pthread_mutex_lock(&self->lock);
	struct ra_rules *rules = atomic_load(&self->current);
	if (rules != NULL)
		rules->refs++;
	(void)pthread_mutex_unlock(&self->lock);
	ENSURE(rules != NULL, RETRY, "no policy is in force yet; ask again in a moment");
	ra_rules_put(held);
	*held = rules;
	return NULL;
}

const struct ra_issuer *ra_rules_issuer(const struct ra_rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->num_issuers; i++)
		if (strcmp(rules->issuers[i].name, name) == 0)
			return &rules->issuers[i];
	return NULL;
}

const struct ra_issuer *ra_rules_issuer_of(const struct ra_rules *rules, const struct cert *cert)
{
	for (size_t i = 0; i < rules->num_issuers; i++)
		if (slice_equal(rules->issuers[i].cert.subject, cert->issuer))
			return &rules->issuers[i];
	return NULL;
}
