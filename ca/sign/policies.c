/*
 * policies.c - see policies.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/policies.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

enum { PINS_MAX = 16 };

static struct err *rules_make(struct sign_rules **out, const struct signd_state *s, struct slice policy)
{
	struct sign_issuer issuers[SIGND_ISSUERS_MAX];

	for (size_t i = 0; i < s->num_issuers; i++)
		issuers[i] = (struct sign_issuer){ s->issuers[i].name, buf_slice(&s->issuers[i].ca_der) };
	return sign_rules_create(out, policy, issuers, s->num_issuers);
}

static struct err *pins_read(uint8_t out[PINS_MAX][SHA256_LEN], const struct signd_conf *conf)
{
	for (size_t i = 0; i < conf->administrators.num && i < PINS_MAX; i++) {
		OWN(buf) pin = BUF_INIT(SHA256_LEN);

		TRY(text_unhex(&pin, SLICE_STR(conf->administrators.items[i])));
		ENSURE(pin.len == SHA256_LEN, CONFIG, "signer.administrators: not a SHA-256");
		memcpy(out[i], pin.p, SHA256_LEN);
	}
	return NULL;
}

/* Judges the signatures on a SignedPolicy and makes its rules. */
static struct err *accept(struct sign_rules **out, const struct signd_state *s, struct slice der)
{
	uint8_t pins[PINS_MAX][SHA256_LEN];
	struct policy_signers signers = { .in_force = s->rules == NULL ? NULL : sign_rules_policy(s->rules),
					  .pins = pins,
					  .num_pins = s->conf->administrators.num };
	OWN(policy) policy = { 0 };
	struct signed_policy parts;

	TRY(pins_read(pins, s->conf));
	TRY(policy_accept(&policy, der, &signers, clock_now_s()));
	TRY(signed_policy_decode(&parts, der));
	return rules_make(out, s, parts.policy);
}

static struct err *policy_journal(struct signd_state *s, const struct sign_rules *rules, struct slice der,
				  uint8_t out_digest[SHA256_LEN])
{
	struct journal_record record = { .kind = JOURNAL_POLICY };
	struct signed_policy parts;

	TRY(signed_policy_decode(&parts, der));
	der_sha256(out_digest, parts.policy);
	record.policy = (struct journal_policy){ .version = sign_rules_policy(rules)->version,
						 .digest = SLICE(out_digest, SHA256_LEN),
						 .policy = der };
	struct err *e = journal_append(s->journal, &record, NULL);
	if (e != NULL) {
		signd_take_back(s);
		return e;
	}
	return signd_commit(s);
}

static struct err *take_force(struct signd_state *s, struct slice der)
{
	OWN(sign_rules) rules = NULL;
	OWN(buf) kept = BUF_INIT(s->policy.max);
	uint8_t digest[SHA256_LEN];

	TRY(accept(&rules, s, der));
	TRY(buf_set(&kept, der));
	TRY(policy_journal(s, rules, der, digest));
	sign_rules_destroy(&s->rules);
	s->rules = TAKE(rules);
	buf_move(&s->policy, &kept);
	memcpy(s->policy_digest, digest, sizeof digest);
	log_info(NULL, "policy_in_force", "version=%lld", (long long)sign_rules_policy(s->rules)->version);
	return NULL;
}

/* The Policy that the journal says was accepted: its digest must be the recorded one, nothing else is asked again. */
static struct err *restore(struct signd_state *s)
{
	struct signed_policy parts;
	uint8_t digest[SHA256_LEN];

	if (s->policy.len == 0)
		return NULL;
	TRY(signed_policy_decode(&parts, buf_slice(&s->policy)));
	der_sha256(digest, parts.policy);
	ENSURE(memcmp(digest, s->policy_digest, sizeof digest) == 0, BUG, "the journal's Policy is not what it says");
	return rules_make(&s->rules, s, parts.policy);
}

static struct err *version_of(int64_t *out, struct slice der)
{
	OWN(policy) policy = { 0 };
	struct signed_policy parts;

	TRY(signed_policy_decode(&parts, der));
	TRY(policy_decode(&policy, parts.policy));
	*out = policy.version;
	return NULL;
}

struct err *policies_start(struct signd_state *s, struct slice file)
{
	int64_t version;

	TRY(restore(s));
	if (file.len == 0 && s->rules != NULL)
		return NULL;
	struct err *e = version_of(&version, file);
	if (e == NULL && s->rules != NULL && version <= sign_rules_policy(s->rules)->version)
		return NULL;
	if (e == NULL)
		e = take_force(s, file);
	return e == NULL ? NULL : ERR_RECODE(e, CONFIG, "the Policy in %s cannot take force", s->conf->policy);
}

/* A refusal under its one reason; faults of ours keep their own. What is wrong with the profiles of an offered Policy (CONFIG)
 * is the offer's fault, not ours. */
static struct err *as_refusal(struct err *e)
{
	enum err_code code = err_code(e) == ERR_CONFIG ? ERR_BAD_INPUT : err_code(e);
	enum err_category category = err_category(code);
	char text[300];

	if (category != ERR_REFUSE && category != ERR_AUDIT)
		return e;
	OWN(err) owned = e;
	return err_new(code, __FILE__, __LINE__, "policy_refused", "%s", err_text(owned, text, sizeof text));
}

struct err *policies_put(struct signd_state *s, struct slice der)
{
	if (slice_equal(der, buf_slice(&s->policy)))
		return NULL;
	TRY(signd_clock_check(s));
	struct err *e = take_force(s, der);
	return e == NULL ? NULL : as_refusal(e);
}

struct err *on_policy_put(void *state, struct bus_call *call)
{
	struct signd_state *s = state;
	struct msg_policy_put_ok body = { 0 };
	OWN(buf) answer = BUF_INIT(64);

	TRY(policies_put(s, bus_call_body(call)));
	body.version = s->rules == NULL ? 0 : sign_rules_policy(s->rules)->version;
	TRY(msg_policy_put_ok_encode(&answer, &body));
	bus_call_answer(call, &answer);
	return NULL;
}
