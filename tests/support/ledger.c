/*
 * ledger.c - see ledger.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/ledger.h"

#include <check.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "support/pg.h"
#include "support/suite.h"

#define IIN "900101300017"

void ledger_init(struct ledger *self, const char *suite)
{
	*self = (struct ledger){ .profiles_text = BUF_INIT(PROFILES_MAX_BYTES),
				 .policy = BUF_INIT(SIGNED_POLICY_MAX_BYTES),
				 .now = clock_now_s() };
	fixture_file(&self->profiles_text, "config/profiles.conf");
	ck_ok(profiles_parse(&self->profiles, buf_slice(&self->profiles_text)));
	fixture_ca_init(&self->ca, self->profiles, suite, self->now - 86400);
	for (int i = 0; i < 2; i++) {
		test_staff_init(&self->operators[i], i == 0 ? "000000000001" : "000000000002");
		test_staff_init(&self->administrators[i], i == 0 ? "000000000003" : "000000000004");
	}
	ledger_policy(self, &self->policy, 1);
}

void ledger_clear(struct ledger *self)
{
	for (int i = 0; i < 2; i++) {
		test_person_clear(&self->operators[i]);
		test_person_clear(&self->administrators[i]);
	}
	fixture_ca_clear(&self->ca);
	profiles_destroy(&self->profiles);
	buf_clear(&self->profiles_text);
	buf_clear(&self->policy);
}

void ledger_policy(struct ledger *self, struct buf *out, int64_t version)
{
	static const char *const persons[] = { "000000000001", "000000000002", "000000000003", "000000000004" };
	const struct test_person *const people[] = { &self->operators[0], &self->operators[1], &self->administrators[0],
						     &self->administrators[1] };
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);
	struct staff staff[4];

	for (int i = 0; i < 4; i++)
		staff[i] = (struct staff){ .person = SLICE_STR(persons[i]),
					   .name = SLICE_STR("ТЕСТОВ"),
					   .role = i < 2 ? ROLE_OPERATOR : ROLE_ADMINISTRATOR,
					   .office = SLICE_NONE,
					   .key_hash = SLICE(people[i]->key_hash, SHA256_LEN),
					   .from_at = self->now - 86400,
					   .to_at = self->now + 10 * 86400 };
	const struct policy policy = { .version = version,
				       .profiles = buf_slice(&self->profiles_text),
				       .staff = staff,
				       .num_staff = 4,
				       .clock_back_s = LEDGER_CLOCK_BACK_S,
				       .clock_ahead_s = 60 };
	ck_ok(policy_encode(&der, &policy));
	test_policy_sign(out, buf_slice(&der), &people[2], 2, self->now);
}

/* Hexadecimal for SQL, in one of a few rotating buffers. */
static const char *hex(struct slice bytes)
{
	static char texts[8][256 * 1024];
	static int next;
	char *text = texts[next++ % 8];

	ck_assert_uint_lt(bytes.len, sizeof texts[0] / 2);
	return text_hex_fixed(text, bytes);
}

void ledger_install(struct ledger *self)
{
	pg_sql("INSERT INTO issuer (name, certificate, root) VALUES ('rsa', '\\x%s', '\\x%s');"
	       "INSERT INTO crl_counter (issuer) VALUES ('rsa');"
	       "INSERT INTO agreement VALUES (sha256('agreement'::bytea), '1', 'agreement');"
	       "INSERT INTO policy (version, der) VALUES (1, '\\x%s')",
	       hex(buf_slice(&self->ca.issuing)), hex(buf_slice(&self->ca.root)), hex(buf_slice(&self->policy)));
}

void ledger_spki(struct ledger *self, struct buf *out)
{
	enum { IN_MODULUS = 100 };
	size_t at = out->len;
	OWN(buf) spki = BUF_INIT(4096);

	fixture_spki(&spki, "rsa2048");
	ck_ok(buf_append(out, buf_slice(&spki)));
	self->num_keys++;
	for (int i = 0; i < 4; i++)
		out->p[at + IN_MODULUS + (size_t)i] ^= (uint8_t)(self->num_keys >> (8 * i));
}

/* ---- applications */

static void make_subject(struct ledger *self, struct buf *out, const char *profile, const char *surname)
{
	const struct name_fields fields = { .surname = surname, .given = "ТЕСТ", .patronymic = "ТЕСТОВИЧ", .iin = IIN };
	const struct profile *p = NULL;

	ck_ok(profiles_find_profile(&p, self->profiles, profile));
	ck_ok(name_build(out, p->subject, p->num_subject, &fields));
}

struct request {
	struct buf authorisation, spki;
	uint8_t digest[SHA256_LEN], key_hash[SHA256_LEN];
};

static void request_init(struct ledger *self, struct request *out, const struct ledger_spec *spec, const char *purpose)
{
	OWN(buf) subject = BUF_INIT(4096);
	char profile[32];
	uint8_t nonce[AUTHORITY_NONCE_LEN], agreement[SHA256_LEN] = { 1 };

	*out = (struct request){ .authorisation = BUF_INIT(AUTHORISATION_MAX_BYTES), .spki = BUF_INIT(4096) };
	(void)snprintf(profile, sizeof profile, "individual-%s", purpose);
	make_subject(self, &subject, profile, spec->surname != NULL ? spec->surname : "ТЕСТОВ");
	ledger_spki(self, &out->spki);
	ck_assert_int_eq(RAND_bytes(nonce, sizeof nonce), 1);
	const struct authorisation a = { .application_number = SLICE_STR(spec->number),
					 .kind = SLICE_STR("individual"),
					 .purpose = SLICE_STR(purpose),
					 .issuer = SLICE_STR("rsa"),
					 .profile = SLICE_STR(profile),
					 .subject = buf_slice(&subject),
					 .public_key = buf_slice(&out->spki),
					 .key_storage = oid(OID_NUC_STORAGE_PKCS12),
					 .max_validity_s = 365 * 86400,
					 .channel = CHANNEL_COUNTER,
					 .entered_by = SLICE_STR("000000000002"),
					 .agreement_digest = SLICE(agreement, sizeof agreement),
					 .expires_at =
						 self->now + (spec->expires_in_s != 0 ? spec->expires_in_s : 86400),
					 .nonce = SLICE(nonce, sizeof nonce) };
	ck_ok(authorisation_encode(&out->authorisation, &a));
	der_sha256(out->digest, buf_slice(&out->authorisation));
	der_sha256(out->key_hash, buf_slice(&out->spki));
}

static void write_request(int64_t application, struct request *r, const char *purpose, bool is_queued)
{
	pg_sql("INSERT INTO request (application_id, purpose, issuer, profile, csr, spki_sha256, authorisation, "
	       "digest) "
	       "VALUES (%lld, '%s', 'rsa', 'individual-%s', '', '\\x%s', '\\x%s', '\\x%s');"
	       "INSERT INTO key_claim VALUES ('\\x%s', %lld)",
	       (long long)application, purpose, purpose, hex(SLICE(r->key_hash, SHA256_LEN)),
	       hex(buf_slice(&r->authorisation)), hex(SLICE(r->digest, SHA256_LEN)),
	       hex(SLICE(r->key_hash, SHA256_LEN)), (long long)application);
	if (is_queued)
		pg_sql("INSERT INTO issue_queue (request_id) SELECT id FROM request WHERE digest = '\\x%s'",
		       hex(SLICE(r->digest, SHA256_LEN)));
}

static void write_decision(const struct test_person *who, const char *person, const struct decision *members,
			   const uint8_t (*digests)[SHA256_LEN], size_t num)
{
	OWN(test_decision) d = { 0 };

	test_decide_as(&d, who, members, digests, num);
	pg_sql("INSERT INTO decision (digest, der, cms, kind, verdict, person, role, key_sha256, expires_at) "
	       "VALUES ('\\x%s', '\\x%s', '\\x%s', %d, %d, '%s', 'operator', '\\x%s', %lld)",
	       hex(SLICE(d.digest, SHA256_LEN)), hex(buf_slice(&d.decision)), hex(buf_slice(&d.signature)),
	       (int)members->kind, (int)members->verdict, person, hex(SLICE(who->key_hash, SHA256_LEN)),
	       (long long)members->expires_at);
	for (size_t i = 0; i < num; i++)
		pg_sql("INSERT INTO decision_member SELECT '\\x%s', id FROM decision WHERE digest = '\\x%s'",
		       hex(SLICE(digests[i], SHA256_LEN)), hex(SLICE(d.digest, SHA256_LEN)));
}

int64_t ledger_application(struct ledger *self, const struct ledger_spec *spec)
{
	static const char *const purposes[] = { "auth", "sign" };
	struct request requests[2];
	uint8_t digests[2][SHA256_LEN];

	pg_sql("INSERT INTO application (number, submit_digest, kind, channel, state, issuer, iin, surname, "
	       "given_name, "
	       "key_storage, entered_by, agreement, expires_at) VALUES ('%s', sha256('%s'::bytea), 'individual', "
	       "'counter', "
	       "'%s', "
	       "'rsa', '" IIN "', '%s', 'ТЕСТ', '1.2.398.3.3.5.1.1', '000000000002', sha256('agreement'::bytea), "
	       "now() + interval '1 day')",
	       spec->number, spec->number, spec->state != NULL ? spec->state : "approved",
	       spec->surname != NULL ? spec->surname : "ТЕСТОВ");
	int64_t id = pg_number("SELECT id FROM application WHERE number = '%s'", spec->number);
	for (int i = 0; i < 2; i++) {
		request_init(self, &requests[i], spec, purposes[i]);
		memcpy(digests[i], requests[i].digest, SHA256_LEN);
	}
	/* As rad does: the decision is there before the queue is. */
	for (int i = 0; i < 2; i++)
		write_request(id, &requests[i], purposes[i], false);
	const struct decision members = {
		.kind = DECISION_AUTHORISATIONS,
		.verdict = DECISION_APPROVE,
		.decided_at = self->now - 3600,
		.expires_at = self->now + (spec->decision_expires_in_s != 0 ? spec->decision_expires_in_s : 86400)
	};
	if (!spec->has_no_decision)
		write_decision(&self->operators[0], "000000000001", &members, (const uint8_t(*)[SHA256_LEN])digests, 2);
	if (!spec->is_not_queued)
		pg_sql("INSERT INTO issue_queue (request_id) SELECT id FROM request WHERE application_id = %lld",
		       (long long)id);
	for (int i = 0; i < 2; i++) {
		buf_clear(&requests[i].authorisation);
		buf_clear(&requests[i].spki);
	}
	return id;
}

/* ---- statuses */

int64_t ledger_certificate(struct ledger *self, const char *serial_hex_text)
{
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) spki = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(cert_template) template = NULL;
	const struct serial serial = fixture_serial(serial_hex_text);
	struct cert c;

	make_subject(self, &subject, "individual-sign", "ТЕСТОВ");
	ledger_spki(self, &spki);
	const struct cert_data data = { .subject = buf_slice(&subject),
					.public_key = buf_slice(&spki),
					.key_storage = "1.2.398.3.3.5.1.1",
					.max_validity_s = 365 * 86400 };
	ck_ok(cert_template_compile(&template, self->profiles, "individual-sign", "rsa", buf_slice(&self->ca.issuing)));
	ck_ok(cert_template_render(&tbs, template, &data, &serial, self->now - 1000));
	fixture_certificate(&der, self->ca.key, buf_slice(&tbs));
	ck_ok(cert_parse(&c, buf_slice(&der)));
	pg_sql("INSERT INTO certificate (issuer, serial, origin, profile, der, sha256, spki_sha256, iin, "
	       "not_before_at, "
	       "not_after_at) VALUES ('rsa', '\\x%s', 'issued', 'individual-sign', '\\x%s', '\\x%s', '\\x%s', '%s', "
	       "%lld, %lld)",
	       serial_hex_text, hex(buf_slice(&der)), hex(SLICE(c.digest, 32)), hex(SLICE(c.key_hash, 32)), c.iin,
	       (long long)c.not_before_at, (long long)c.not_after_at);
	return pg_number("SELECT id FROM certificate WHERE serial = '\\x%s'", serial_hex_text);
}

int64_t ledger_order(struct ledger *self, int64_t certificate_id, enum order_action action, int64_t reason)
{
	OWN(buf) der = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(buf) sha256 = BUF_INIT(64);
	uint8_t nonce[AUTHORITY_NONCE_LEN], digest[1][SHA256_LEN];
	char serial[64];

	(void)snprintf(
		serial, sizeof serial, "%s",
		pg_text("SELECT encode(serial, 'hex') FROM certificate WHERE id = %lld", (long long)certificate_id));
	ck_ok(text_unhex(&sha256, SLICE_STR(pg_text("SELECT encode(sha256, 'hex') FROM certificate WHERE id = %lld",
						    (long long)certificate_id))));
	ck_assert_int_eq(RAND_bytes(nonce, sizeof nonce), 1);
	const struct status_order order = { .issuer = SLICE_STR("rsa"),
					    .serial = fixture_serial(serial),
					    .certificate_digest = buf_slice(&sha256),
					    .action = action,
					    .reason = reason,
					    .revoked_at = self->now,
					    .ground = SLICE_STR("test"),
					    .nonce = SLICE(nonce, sizeof nonce) };
	ck_ok(status_order_encode(&der, &order));
	der_sha256(digest[0], buf_slice(&der));
	const struct decision members = { .kind = DECISION_ORDERS,
					  .verdict = DECISION_APPROVE,
					  .decided_at = self->now - 3600,
					  .expires_at = self->now + 86400 };
	write_decision(&self->operators[0], "000000000001", &members, (const uint8_t(*)[SHA256_LEN])digest, 1);
	pg_sql("INSERT INTO revocation (certificate_id, issuer, serial, action, reason, revoked_at, ground, der, "
	       "digest, "
	       "ordered_by) VALUES (%lld, 'rsa', '\\x%s', %d, %lld, %lld, 'test', '\\x%s', '\\x%s', '000000000001')",
	       (long long)certificate_id, serial, (int)action, (long long)reason, (long long)self->now,
	       hex(buf_slice(&der)), hex(SLICE(digest[0], SHA256_LEN)));
	return pg_number("SELECT max(id) FROM revocation");
}
