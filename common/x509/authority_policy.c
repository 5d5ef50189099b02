/*
 * authority_policy.c - the Policy: who is who, and who may change it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/authority_internal.h"

#define WINDOW_MAX_S (366 * 86400)

static struct err *read_staff(struct staff *s, struct der_reader *r)
{
	struct der_reader inner;
	int64_t role;

	TRY(der_expect_sequence(r, &inner, "Staff"));
	TRY(der_read_utf8(&inner, &s->person, 12, 12, "person"));
	for (size_t i = 0; i < 12; i++)
		ENSURE_FIELD(s->person.p[i] >= '0' && s->person.p[i] <= '9', BAD_INPUT, "person",
			     "person: is no IIN of 12 digits");
	TRY(authority_read_text(&inner, &s->name, 1, 256, "name"));
	TRY(authority_read_choice(&inner, &role, ROLE_DESK, "role"));
	s->role = (enum profile_role)role;
	TRY(authority_read_text(&inner, &s->office, 0, 256, "office"));
	TRY(der_read_octets(&inner, &s->key_hash, SHA256_LEN, SHA256_LEN, "keyHash"));
	TRY(der_read_uint(&inner, &s->from_at, "from"));
	TRY(der_read_uint(&inner, &s->to_at, "to"));
	ENSURE_FIELD(s->from_at < s->to_at, BAD_INPUT, "to", "to: is not after from");
	return der_finish(&inner, "Staff");
}

static struct err *read_identifier(struct identifier *id, struct der_reader *r)
{
	struct der_reader inner;
	bool has_other = false;

	TRY(der_expect_sequence(r, &inner, "Identifier"));
	TRY(authority_read_text(&inner, &id->name, 1, AUTHORITY_PERSON_SIZE - 1, "name"));
	for (size_t i = 0; i < id->name.len; i++)
		has_other |= id->name.p[i] < '0' || id->name.p[i] > '9';
	ENSURE_FIELD(has_other, BAD_INPUT, "name", "name: an identification service is not called by a number");
	TRY(der_read_octets(&inner, &id->key_hash, SHA256_LEN, SHA256_LEN, "keyHash"));
	TRY(der_read_uint(&inner, &id->per_hour, "perHour"));
	TRY(der_read_uint(&inner, &id->per_day, "perDay"));
	return der_finish(&inner, "Identifier");
}

/* How many values a SEQUENCE OF holds. */
static struct err *count_values(size_t *out, struct der_reader r, size_t max, const char *what)
{
	struct der_tlv ignored;
	size_t n = 0;

	for (; !der_reader_done(&r); n++) {
		ENSURE_FIELD(n < max, BAD_INPUT, what, "%s: more than %zu", what, max);
		TRY(der_next(&r, &ignored, what));
	}
	*out = n;
	return NULL;
}

static struct err *read_people(struct policy *p, struct der_reader *r)
{
	struct der_reader list;
	size_t num;

	TRY(der_expect_sequence(r, &list, "staff"));
	TRY(count_values(&num, list, POLICY_MAX_STAFF, "staff"));
	p->staff = calloc(num + 1, sizeof *p->staff);
	ENSURE(p->staff != NULL, NO_MEMORY, "Policy: %zu staff", num);
	for (; p->num_staff < num; p->num_staff++)
		TRY(read_staff(&p->staff[p->num_staff], &list));
	TRY(der_expect_sequence(r, &list, "identification"));
	TRY(count_values(&num, list, POLICY_MAX_IDENTIFIERS, "identification"));
	p->identifiers = calloc(num + 1, sizeof *p->identifiers);
	ENSURE(p->identifiers != NULL, NO_MEMORY, "Policy: %zu identification services", num);
	for (; p->num_identifiers < num; p->num_identifiers++)
		TRY(read_identifier(&p->identifiers[p->num_identifiers], &list));
	return NULL;
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, SHA256_LEN);
}

/* A key stands for one person in one role, or nothing that looks keys up would be sure. */
static struct err *check_keys_differ(const struct policy *p)
{
	size_t num = p->num_staff + p->num_identifiers;
	const uint8_t **hashes = calloc(num + 1, sizeof *hashes);
	bool is_doubled = false;

	ENSURE(hashes != NULL, NO_MEMORY, "Policy: %zu keys", num);
	for (size_t i = 0; i < p->num_staff; i++)
		hashes[i] = p->staff[i].key_hash.p;
	for (size_t i = 0; i < p->num_identifiers; i++)
		hashes[p->num_staff + i] = p->identifiers[i].key_hash.p;
	qsort(hashes, num, sizeof *hashes, compare_hashes);
	for (size_t i = 1; i < num; i++)
		is_doubled |= memcmp(hashes[i - 1], hashes[i], SHA256_LEN) == 0;
	free(hashes);
	ENSURE_FIELD(!is_doubled, BAD_INPUT, "keyHash", "keyHash: a key stands in the Policy twice");
	return NULL;
}

static struct err *policy_read(struct policy *p, struct der_reader *r)
{
	TRY(der_read_uint(r, &p->version, "version"));
	ENSURE_FIELD(p->version >= 1, BAD_INPUT, "version", "version: begins with 1");
	TRY(der_read_octets(r, &p->profiles, 1, PROFILES_MAX_BYTES, "profiles"));
	TRY(read_people(p, r));
	TRY(check_keys_differ(p));
	TRY(der_read_uint(r, &p->clock_back_s, "clockWindowBack"));
	TRY(der_read_uint(r, &p->clock_ahead_s, "clockWindowAhead"));
	ENSURE_FIELD(p->clock_back_s <= WINDOW_MAX_S && p->clock_ahead_s <= WINDOW_MAX_S, BAD_INPUT, "clockWindowBack",
		     "the clock's window is wider than a year");
	return der_finish(r, "Policy");
}

struct err *policy_decode(struct policy *out, struct slice der)
{
	OWN(policy) p = { 0 };
	struct der_reader whole, r;

	ENSURE(der.len <= POLICY_MAX_BYTES, TOO_LARGE, "Policy: %zu octets, at most %d are allowed", der.len,
	       POLICY_MAX_BYTES);
	der_reader_init(&whole, der);
	TRY(der_expect_sequence(&whole, &r, "Policy"));
	TRY(der_finish(&whole, "Policy"));
	TRY(policy_read(&p, &r));
	*out = p;
	p = (struct policy){ 0 };
	return NULL;
}

void policy_clear(struct policy *self)
{
	free(self->staff);
	free(self->identifiers);
	*self = (struct policy){ 0 };
}

static struct err *write_staff(struct buf *out, const struct staff *s)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_utf8(out, s->person));
	TRY(der_utf8(out, s->name));
	TRY(der_enumerated(out, s->role));
	TRY(der_utf8(out, s->office));
	TRY(der_octets(out, s->key_hash));
	TRY(der_int64(out, s->from_at));
	TRY(der_int64(out, s->to_at));
	return der_close(out, mark);
}

static struct err *write_identifier(struct buf *out, const struct identifier *id)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_utf8(out, id->name));
	TRY(der_octets(out, id->key_hash));
	TRY(der_int64(out, id->per_hour));
	TRY(der_int64(out, id->per_day));
	return der_close(out, mark);
}

static struct err *policy_write(struct buf *out, const struct policy *in)
{
	size_t whole, list;

	TRY(der_open(out, &whole, DER_SEQUENCE));
	TRY(der_int64(out, in->version));
	TRY(der_octets(out, in->profiles));
	TRY(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < in->num_staff; i++)
		TRY(write_staff(out, &in->staff[i]));
	TRY(der_close(out, list));
	TRY(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < in->num_identifiers; i++)
		TRY(write_identifier(out, &in->identifiers[i]));
	TRY(der_close(out, list));
	TRY(der_int64(out, in->clock_back_s));
	TRY(der_int64(out, in->clock_ahead_s));
	return der_close(out, whole);
}

struct err *policy_encode(struct buf *out, const struct policy *in)
{
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);
	OWN(policy) check = { 0 };

	TRY(policy_write(&der, in));
	TRY(policy_decode(&check, buf_slice(&der)));
	return buf_append(out, buf_slice(&der));
}

static const struct staff *find_staff(const struct policy *p, const uint8_t key_hash[SHA256_LEN])
{
	for (size_t i = 0; i < p->num_staff; i++)
		if (memcmp(p->staff[i].key_hash.p, key_hash, SHA256_LEN) == 0)
			return &p->staff[i];
	return NULL;
}

const struct staff *policy_staff_find(const struct policy *p, const uint8_t key_hash[SHA256_LEN], int64_t now)
{
	const struct staff *s = find_staff(p, key_hash);

	return s != NULL && s->from_at <= now && now < s->to_at ? s : NULL;
}

const struct identifier *policy_identifier_find(const struct policy *p, const uint8_t key_hash[SHA256_LEN])
{
	for (size_t i = 0; i < p->num_identifiers; i++)
		if (memcmp(p->identifiers[i].key_hash.p, key_hash, SHA256_LEN) == 0)
			return &p->identifiers[i];
	return NULL;
}

static void set_person(struct decider *d, struct slice person)
{
	(void)snprintf(d->person, sizeof d->person, "%.*s", (int)person.len, (const char *)person.p);
}

void authority_recognise(struct decider *out, const struct policy *p, const uint8_t key_hash[SHA256_LEN], int64_t now)
{
	const struct staff *s = policy_staff_find(p, key_hash, now);
	const struct identifier *id = policy_identifier_find(p, key_hash);

	*out = (struct decider){ 0 };
	memcpy(out->key_hash, key_hash, SHA256_LEN);
	if (s != NULL) {
		out->roles = ROLE_BIT(s->role);
		set_person(out, s->person);
	} else if (id != NULL) {
		out->roles = ROLE_BIT(ROLE_IDENTIFICATION);
		set_person(out, id->name);
	}
}

static bool has_eku(const struct cert *c, enum oid_name name)
{
	for (size_t i = 0; i < c->num_eku; i++)
		if (oid_is(c->eku[i], name))
			return true;
	return false;
}

void authority_recognise_holder(struct decider *out, const struct cert *c, int64_t now)
{
	*out = (struct decider){ 0 };
	memcpy(out->key_hash, c->key_hash, SHA256_LEN);
	if ((c->key_usage & KEY_USAGE_NON_REPUDIATION) == 0 || c->is_ca || c->iin[0] == '\0' ||
	    now < c->not_before_at || now > c->not_after_at)
		return;
	out->roles = ROLE_BIT(ROLE_HOLDER);
	set_person(out, SLICE_STR(c->iin));
	memcpy(out->bin, c->bin, sizeof out->bin);
	if (c->bin[0] != '\0' && has_eku(c, OID_NUC_HEAD))
		out->roles |= ROLE_BIT(ROLE_HEAD);
}

/* ---- SignedPolicy ---- */

struct err *signed_policy_decode(struct signed_policy *out, struct slice der)
{
	struct signed_policy s = { 0 };
	struct der_reader whole, r, list;

	ENSURE(der.len <= SIGNED_POLICY_MAX_BYTES, TOO_LARGE, "SignedPolicy: %zu octets, at most %d are allowed",
	       der.len, SIGNED_POLICY_MAX_BYTES);
	der_reader_init(&whole, der);
	TRY(der_expect_sequence(&whole, &r, "SignedPolicy"));
	TRY(der_finish(&whole, "SignedPolicy"));
	TRY(der_read_octets(&r, &s.policy, 1, POLICY_MAX_BYTES, "policy"));
	TRY(der_expect_sequence(&r, &list, "decisions"));
	TRY(der_finish(&r, "SignedPolicy"));
	for (; !der_reader_done(&list); s.num_decisions++) {
		ENSURE_FIELD(s.num_decisions < SIGNED_POLICY_MAX_DECISIONS, BAD_INPUT, "decisions",
			     "decisions: more than %d", SIGNED_POLICY_MAX_DECISIONS);
		TRY(authority_read_signed_decision(&s.decisions[s.num_decisions], &list));
	}
	*out = s;
	return NULL;
}

struct err *signed_policy_encode(struct buf *out, const struct signed_policy *in)
{
	size_t whole, list;

	TRY(der_open(out, &whole, DER_SEQUENCE));
	TRY(der_octets(out, in->policy));
	TRY(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < in->num_decisions; i++)
		TRY(signed_decision_encode(out, &in->decisions[i]));
	TRY(der_close(out, list));
	return der_close(out, whole);
}

static bool is_pinned(const struct policy_signers *signers, const uint8_t key_hash[SHA256_LEN])
{
	for (size_t i = 0; i < signers->num_pins; i++)
		if (memcmp(signers->pins[i], key_hash, SHA256_LEN) == 0)
			return true;
	return false;
}

/* Who signed: by the Policy in force, or, for the first, a pinned key as the new Policy names its person. */
static void recognise_signer(struct decider *out, const struct policy *p, const struct policy_signers *signers,
			     const uint8_t key_hash[SHA256_LEN], int64_t now)
{
	const struct staff *s = NULL;

	if (signers->in_force != NULL)
		s = policy_staff_find(signers->in_force, key_hash, now);
	else if (is_pinned(signers, key_hash))
		s = policy_staff_find(p, key_hash, now);
	*out = (struct decider){ 0 };
	if (s != NULL) {
		out->roles = ROLE_BIT(s->role);
		set_person(out, s->person);
	}
}

static struct err *verify_policy_decision(struct verified_decision *out, const struct policy *p,
					  const struct signed_decision *sd, const struct policy_signers *signers,
					  int64_t now)
{
	struct authority_signature signature;

	TRY(decision_decode(&out->decision, sd->decision));
	TRY(authority_cms_verify(&signature, sd->signature, sd->decision));
	der_sha256(out->digest, sd->decision);
	recognise_signer(&out->decider, p, signers, signature.cert.key_hash,
			 signers->is_stored ? out->decision.decided_at : now);
	if (signers->is_stored) {
		out->decision.expires_at = now + 1;
		out->decision.decided_at = now;
	}
	return NULL;
}

struct err *policy_accept(struct policy *out, struct slice der, const struct policy_signers *signers, int64_t now)
{
	static const struct profile_deciders two_administrators = {
		.slots = { ROLE_BIT(ROLE_ADMINISTRATOR), ROLE_BIT(ROLE_ADMINISTRATOR) }, .num = 2
	};
	struct signed_policy s;
	OWN(policy) p = { 0 };
	uint8_t digest[SHA256_LEN];
	struct verified_decision verified[SIGNED_POLICY_MAX_DECISIONS];
	const struct verified_decision *list[SIGNED_POLICY_MAX_DECISIONS];
	struct authority_answer answer;

	TRY(signed_policy_decode(&s, der));
	TRY(policy_decode(&p, s.policy));
	ENSURE_FIELD(signers->in_force == NULL || p.version > signers->in_force->version, CONFLICT, "version",
		     "Policy: version %lld is not higher than %lld, which is in force", (long long)p.version,
		     (long long)signers->in_force->version);
	der_sha256(digest, s.policy);
	for (size_t i = 0; i < s.num_decisions; i++) {
		TRY(verify_policy_decision(&verified[i], &p, &s.decisions[i], signers, now));
		list[i] = &verified[i];
	}
	struct authority_case c = { .kind = DECISION_POLICY,
				    .digest = digest,
				    .required = &two_administrators,
				    .subject_person = "",
				    .subject_bin = "",
				    .entered_by = "",
				    .staff_may = true,
				    .now = now };
	authority_decide(&answer, &c, list, s.num_decisions);
	ENSURE_FIELD(answer.suffices, DENIED, "decisions", "Policy: two administrators must sign it: %s",
		     authority_refusal_sentence(answer.refusal));
	*out = p;
	p = (struct policy){ 0 };
	return NULL;
}
