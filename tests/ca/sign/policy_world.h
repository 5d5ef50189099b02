/*
 * policy_world.h - a small world for the tests of the signer's rules: a CA, a Policy, its people, holders, evidence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CA_SIGN_POLICY_WORLD_H
#define TESTS_CA_SIGN_POLICY_WORLD_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ca/sign/policy.h"
#include "support/sign.h"
#include "support/suite.h"
#include "support/x509_fixture.h"

#ifndef NOW
#define NOW 1795000000
#endif

enum world_who { OP1, OP2, OP1B, REMOVED, ADMIN, SERVICE, STRANGER, WORLD_KEYS };

struct world {
	struct profiles *profiles; /* the tests' own copy, to render with */
	struct buf profiles_text;
	struct fixture_ca ca, rogue; /* the rogue CA has the same names and other keys */
	struct test_person who[WORLD_KEYS];
	struct buf policy;
	struct sign_rules *rules;
};
static struct world world;

/* Adds a renewal channel to kind individual, which is the first to name the channel remote. */
static void open_renewal(struct buf *text)
{
	static const char channel[] = "remote = [ \"identification\" ];";
	OWN(buf) out = BUF_INIT(PROFILES_MAX_BYTES);

	const uint8_t *at = memmem(text->p, text->len, channel, strlen(channel));
	ck_assert_ptr_nonnull(at);
	ck_ok(buf_append(&out, SLICE(text->p, (size_t)(at - text->p))));
	ck_ok(buf_append_str(&out, "renewal = [ \"holder\" ]; "));
	ck_ok(buf_append(&out, SLICE(at, text->len - (size_t)(at - text->p))));
	ck_ok(buf_set(text, buf_slice(&out)));
}

static void make_policy(struct buf *out, struct slice profiles)
{
	const struct slice person1 = SLICE_STR("000000000001"), person2 = SLICE_STR("000000000002");
	const struct slice person3 = SLICE_STR("000000000003"), name = SLICE_STR("ОПЕРАТОР");
	struct staff staff[] = {
		{ person1, name, ROLE_OPERATOR, SLICE_NONE, SLICE(world.who[OP1].key_hash, 32), 0, NOW + 9000000 },
		{ person2, name, ROLE_OPERATOR, SLICE_NONE, SLICE(world.who[OP2].key_hash, 32), 0, NOW + 9000000 },
		{ person1, name, ROLE_OPERATOR, SLICE_NONE, SLICE(world.who[OP1B].key_hash, 32), 0, NOW + 9000000 },
		{ person2, name, ROLE_OPERATOR, SLICE_NONE, SLICE(world.who[REMOVED].key_hash, 32), 0, NOW },
		{ person3, name, ROLE_ADMINISTRATOR, SLICE_NONE, SLICE(world.who[ADMIN].key_hash, 32), 0,
		  NOW + 9000000 },
	};
	struct identifier services[] = { { SLICE_STR("digital-id"), SLICE(world.who[SERVICE].key_hash, 32), 3, 5 } };
	const struct policy p = { .version = 1,
				  .profiles = profiles,
				  .staff = staff,
				  .num_staff = COUNT_OF(staff),
				  .identifiers = services,
				  .num_identifiers = COUNT_OF(services),
				  .clock_back_s = 300,
				  .clock_ahead_s = 60 };

	ck_ok(policy_encode(out, &p));
}

static void world_begin(void)
{
	clock_set_for_test((int64_t)NOW * 1000);
	world.profiles_text = (struct buf)BUF_INIT(PROFILES_MAX_BYTES);
	world.policy = (struct buf)BUF_INIT(POLICY_MAX_BYTES);
	fixture_file(&world.profiles_text, "config/profiles.conf");
	open_renewal(&world.profiles_text);
	ck_ok(profiles_parse(&world.profiles, buf_slice(&world.profiles_text)));
	fixture_ca_init(&world.ca, world.profiles, "ecdsa-p256-sha256", NOW - 86400);
	fixture_ca_init(&world.rogue, world.profiles, "ecdsa-p256-sha256", NOW - 86400);
	for (int i = 0; i < WORLD_KEYS; i++)
		test_staff_init(&world.who[i], "000000000001");
	make_policy(&world.policy, buf_slice(&world.profiles_text));
	const struct sign_issuer issuer = { "rsa", buf_slice(&world.ca.issuing) };
	ck_ok(sign_rules_create(&world.rules, buf_slice(&world.policy), &issuer, 1));
}

static void world_end(void)
{
	sign_rules_destroy(&world.rules);
	for (int i = 0; i < WORLD_KEYS; i++)
		test_person_clear(&world.who[i]);
	fixture_ca_clear(&world.ca);
	fixture_ca_clear(&world.rogue);
	profiles_destroy(&world.profiles);
	buf_clear(&world.profiles_text);
	buf_clear(&world.policy);
	clock_unset_for_test();
}

/* The subject that the profile of a request asks for. */
static void world_subject(struct buf *out, const char *profile, const struct name_fields *fields)
{
	const struct profile *p = NULL;

	ck_ok(profiles_find_profile(&p, world.profiles, profile));
	ck_ok(name_build(out, p->subject, p->num_subject, fields));
}

/* Renders as cad does. */
static struct err *world_render(struct buf *out, const struct authorisation *a, const struct serial *serial,
				int64_t not_before_at, struct slice issuer)
{
	OWN(cert_template) t = NULL;
	struct cert_data data;
	char storage[OID_TEXT_SIZE], profile[65];

	(void)snprintf(profile, sizeof profile, "%.*s", (int)a->profile.len, (const char *)a->profile.p);
	ck_ok(cert_template_compile(&t, world.profiles, profile, "rsa", issuer));
	TRY(authorisation_cert_data(&data, storage, a));
	return cert_template_render(out, t, &data, serial, not_before_at);
}

/* ---- holders: people with certificates of the CA ---- */

struct holder {
	struct test_person person; /* key, X509, DER */
	struct cert cert;
};

static void holder_clear(struct holder *self)
{
	test_person_clear(&self->person);
}
OWN_TYPE(holder, struct holder, holder_clear)

/* A certificate of the profile ("head-sign") for these fields, issued by the CA given. */
static void holder_init(struct holder *out, const char *profile, const struct name_fields *fields,
			const struct fixture_ca *ca)
{
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial = fixture_serial("1122334455667788");
	struct holder h = { .person = { .key = test_key("rsa") } };

	h.person.spki = (struct buf)BUF_INIT(4096);
	h.person.der = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	ck_ok(suite_spki(&h.person.spki, h.person.key));
	der_sha256(h.person.key_hash, buf_slice(&h.person.spki));
	world_subject(&subject, profile, fields);
	struct authorisation a = { .profile = SLICE_STR(profile),
				   .subject = buf_slice(&subject),
				   .public_key = buf_slice(&h.person.spki),
				   .key_storage = oid(OID_NUC_STORAGE_PKCS12),
				   .max_validity_s = 365 * 86400 };
	ck_ok(world_render(&tbs, &a, &serial, NOW - 1000, buf_slice(&ca->issuing)));
	fixture_certificate(&h.person.der, ca->key, buf_slice(&tbs));
	const uint8_t *p = h.person.der.p;
	h.person.cert = d2i_X509(NULL, &p, (long)h.person.der.len);
	ck_assert_ptr_nonnull(h.person.cert);
	*out = h;
	ck_ok(cert_parse(&out->cert, buf_slice(&out->person.der)));
}

/* ---- evidence ---- */

/* What the signer's set says, for sign_evidence_verify(). */
struct known_answer {
	enum sign_status status;
	uint8_t digest[SHA256_LEN];
};

static enum sign_status answer_known(void *arg, const char *issuer, const struct serial *serial,
				     uint8_t out_digest[SHA256_LEN])
{
	const struct known_answer *k = arg;

	ck_assert_str_eq(issuer, "rsa");
	ck_assert_uint_gt(serial->len, 0);
	memcpy(out_digest, k->digest, SHA256_LEN);
	return k->status;
}

struct evidence {
	struct test_decision decision;
	struct sign_evidence e;
};

static void evidence_clear(struct evidence *self)
{
	test_decision_clear(&self->decision);
}
OWN_TYPE(evidence, struct evidence, evidence_clear)

/* A decision of staff over one digest, verified. */
static void evidence_init(struct evidence *out, const struct test_person *who, enum decision_kind kind,
			  const uint8_t digest[SHA256_LEN], const struct known_answer *known)
{
	struct known_answer nothing = { .status = SIGN_UNKNOWN };
	struct known_answer answer = known != NULL ? *known : nothing;

	test_decide(&out->decision, who, kind, (const uint8_t(*)[SHA256_LEN])digest, 1, NOW);
	struct signed_decision sd = test_signed_decision(&out->decision);
	ck_ok(sign_evidence_verify(&out->e, world.rules, &sd, answer_known, &answer, NOW));
}

#endif
