/*
 * policy_test.c - may this key sign these bytes? A valid request, and everything that makes it invalid.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy_world.h"

#include "base/text.h"

/* ---- one request, valid until a case changes it ---- */

#define MAX_EVIDENCE 3

struct request {
	struct authorisation a;
	struct buf subject, spki, der, tbs;
	uint8_t digest[SHA256_LEN];
	struct serial serial;
	uint8_t nonce[16], agreement[32];
	struct evidence evidence[MAX_EVIDENCE];
	const struct sign_evidence *list[MAX_EVIDENCE];
	struct sign_cert_question q;
};

static void request_clear(struct request *r)
{
	buf_clear(&r->subject);
	buf_clear(&r->spki);
	buf_clear(&r->der);
	buf_clear(&r->tbs);
	for (int i = 0; i < MAX_EVIDENCE; i++)
		evidence_clear(&r->evidence[i]);
}
OWN_TYPE(request, struct request, request_clear)

/* Encodes the Authorisation as it now is, renders its TBS and fills the question; no evidence yet. */
static void request_encode(struct request *r)
{
	buf_reset(&r->der);
	buf_reset(&r->tbs);
	ck_ok(authorisation_encode(&r->der, &r->a));
	der_sha256(r->digest, buf_slice(&r->der));
	OWN(err) e = world_render(&r->tbs, &r->a, &r->serial, NOW, buf_slice(&world.ca.issuing));
	(void)e; /* a case may be about what cannot be rendered */
	r->q.authorisation = buf_slice(&r->der);
	r->q.tbs = buf_slice(&r->tbs);
	r->q.serial = serial_slice(&r->serial);
}

static void request_init(struct request *r)
{
	*r = (struct request){ .subject = BUF_INIT(4096),
			       .spki = BUF_INIT(4096),
			       .der = BUF_INIT(AUTHORISATION_MAX_BYTES),
			       .tbs = BUF_INIT(CERT_TBS_MAX),
			       .serial = fixture_serial("4f00112233445566778899aabbccddeeff001122") };
	world_subject(&r->subject, "individual-auth", &fixture_testov);
	fixture_spki(&r->spki, "rsa2048");
	r->a = (struct authorisation){ .application_number = SLICE_STR("AAAA-BBBB"),
				       .kind = SLICE_STR("individual"),
				       .purpose = SLICE_STR("auth"),
				       .issuer = SLICE_STR("rsa"),
				       .profile = SLICE_STR("individual-auth"),
				       .subject = buf_slice(&r->subject),
				       .public_key = buf_slice(&r->spki),
				       .emails = { SLICE_STR("test@example.kz") },
				       .num_emails = 1,
				       .key_storage = oid(OID_NUC_STORAGE_PKCS12),
				       .max_validity_s = 365 * 86400,
				       .channel = CHANNEL_REMOTE,
				       .agreement_digest = SLICE(r->agreement, 32),
				       .expires_at = NOW + 1000,
				       .nonce = SLICE(r->nonce, 16) };
	r->q = (struct sign_cert_question){
		.rules = world.rules, .decisions = r->list, .not_before_at = NOW, .now = NOW
	};
	request_encode(r);
}

static void decided_by(struct request *r, const struct test_person *who, const struct known_answer *known)
{
	size_t n = r->q.num_decisions++;

	ck_assert_uint_lt(n, MAX_EVIDENCE);
	evidence_init(&r->evidence[n], who, DECISION_AUTHORISATIONS, r->digest, known);
	r->list[n] = &r->evidence[n].e;
}

static void ask(struct sign_answer *a, const struct request *r)
{
	sign_policy_decide(a, &r->q);
	ck_assert_ptr_nonnull(a->word);
}

#define ck_refused(r, expected)                                                                                        \
	do {                                                                                                           \
		struct sign_answer a_;                                                                                 \
		ask(&a_, (r));                                                                                         \
		ck_assert_int_eq(a_.verdict, SIGN_REFUSE);                                                             \
		ck_assert_msg(strcmp(a_.word, (expected)) == 0, "%s, expected %s: %s", a_.word, (expected), a_.text);  \
		ck_assert_str_ne(a_.text, "");                                                                         \
	} while (0)

START_TEST(a_valid_request_is_signed)
{
	OWN(request) r = { 0 };
	struct sign_answer a;

	request_init(&r);
	decided_by(&r, &world.who[SERVICE], NULL);
	ask(&a, &r);
	ck_assert_msg(a.verdict == SIGN_SIGN, "%s: %s", a.word, a.text);
	ck_assert_mem_eq(a.digest, r.digest, SHA256_LEN);
	ck_assert_str_eq(a.issuer, "rsa");
	ck_assert(serial_equal(&a.serial, &r.serial));
	ck_assert_int_eq(a.not_after_at, NOW + 365 * 86400 - 1);
	ck_assert_int_eq(a.identifier, 0);
	ck_assert_str_eq(a.suite->name, "ecdsa-p256-sha256");
	ck_assert_str_eq(a.word, "none");
}
END_TEST

/* Cases about everything but the decisions: what is changed, and the word of the refusal ("" = signed). */
enum change {
	NO_RULES,
	GARBAGE,
	EMPTY_AUTHORISATION,
	FOREIGN_ISSUER,
	EXPIRED,
	EXPIRES_NOW,
	UNKNOWN_KIND,
	UNKNOWN_PURPOSE,
	WRONG_PROFILE,
	CA_PROFILE,
	CLOSED_CHANNEL,
	BACK_DATED,
	BACK_LIMIT,
	AHEAD,
	AHEAD_LIMIT,
	SERIAL_LOW,
	SERIAL_HIGH,
	SERIAL_EMPTY,
	SERIAL_LONG,
	SERIAL_NEGATIVE,
	SERIAL_SHORT,
	SERIAL_TAKEN,
	WRONG_SUBJECT_FORM,
	WRONG_KEY,
	TWO_NAMES,
	LONGER,
	SHORTER,
	TBS_EMPTY,
	TBS_LONGER,
	TBS_OTHER_SERIAL,
	TBS_OTHER_TIME,
	TBS_OTHER_KEY,
	TBS_OTHER_EMAIL,
	TBS_MORE_NAMES,
	TBS_LONGER_VALIDITY,
	TBS_OTHER_SUBJECT,
	TBS_OF_A_CA,
	TBS_OF_ROGUE_ISSUER,
	TBS_OTHER_PROFILE,
	STORAGE_UNKNOWN,
};

static const struct {
	enum change change;
	const char *word;
} cases[] = {
	{ NO_RULES, "no_policy" },
	{ GARBAGE, "malformed" },
	{ EMPTY_AUTHORISATION, "malformed" },
	{ FOREIGN_ISSUER, "unknown_issuer" },
	{ EXPIRED, "authorisation_expired" },
	{ EXPIRES_NOW, "authorisation_expired" },
	{ UNKNOWN_KIND, "unknown_kind" },
	{ UNKNOWN_PURPOSE, "unknown_kind" },
	{ WRONG_PROFILE, "wrong_profile" },
	{ CA_PROFILE, "wrong_profile" },
	{ CLOSED_CHANNEL, "no_rule" },
	{ BACK_DATED, "not_before" },
	{ BACK_LIMIT, "" },
	{ AHEAD, "not_before" },
	{ AHEAD_LIMIT, "" },
	{ SERIAL_LOW, "serial_form" },
	{ SERIAL_HIGH, "serial_form" },
	{ SERIAL_EMPTY, "serial_form" },
	{ SERIAL_LONG, "serial_form" },
	{ SERIAL_NEGATIVE, "serial_form" },
	{ SERIAL_SHORT, "" },
	{ SERIAL_TAKEN, "serial_taken" },
	{ WRONG_SUBJECT_FORM, "render" },
	{ WRONG_KEY, "render" },
	{ TWO_NAMES, "render" },
	{ LONGER, "" }, /* the profile's validity is the most */
	{ SHORTER, "" },
	{ TBS_EMPTY, "tbs_differs" },
	{ TBS_LONGER, "tbs_differs" },
	{ TBS_OTHER_SERIAL, "tbs_differs" },
	{ TBS_OTHER_TIME, "tbs_differs" },
	{ TBS_OTHER_KEY, "tbs_differs" },
	{ TBS_OTHER_EMAIL, "tbs_differs" },
	{ TBS_MORE_NAMES, "tbs_differs" },
	{ TBS_LONGER_VALIDITY, "tbs_differs" },
	{ TBS_OTHER_SUBJECT, "tbs_differs" },
	{ TBS_OF_A_CA, "tbs_differs" },
	{ TBS_OF_ROGUE_ISSUER, "tbs_differs" },
	{ TBS_OTHER_PROFILE, "tbs_differs" },
	{ STORAGE_UNKNOWN, "render" },
};

/* Renders another Authorisation's TBS for this one. */
static void other_tbs(struct request *r, const struct authorisation *a, const char *serial, int64_t not_before_at,
		      const struct fixture_ca *ca)
{
	struct serial s = serial != NULL ? fixture_serial(serial) : r->serial;

	buf_reset(&r->tbs);
	ck_ok(world_render(&r->tbs, a, &s, not_before_at, buf_slice(&ca->issuing)));
	r->q.tbs = buf_slice(&r->tbs);
}

static void set_serial(struct request *r, const char *hex)
{
	static uint8_t octets[32];
	OWN(buf) bytes = BUF_INIT(32);

	ck_ok(text_unhex(&bytes, SLICE_STR(hex)));
	if (bytes.len > 0)
		memcpy(octets, bytes.p, bytes.len);
	r->q.serial = SLICE(octets, bytes.len);
	OWN(err) e = serial_from_octets(&r->serial, r->q.serial);
	if (e == NULL)
		request_encode(r);
	r->q.serial = SLICE(octets, bytes.len);
}

/* Changes of the Authorisation itself. */
static void change_authorisation(struct request *r, enum change change)
{
	static const char *const wrong_name[] = { "1.2.398.3.3.5.9" };
	OWN(buf) storage = BUF_INIT(OID_MAX_LEN);

	switch (change) {
	case FOREIGN_ISSUER:
		r->a.issuer = SLICE_STR("gost");
		break;
	case EXPIRED:
		r->a.expires_at = NOW - 1;
		break;
	case EXPIRES_NOW:
		r->a.expires_at = NOW;
		break;
	case UNKNOWN_KIND:
		r->a.kind = SLICE_STR("emperor");
		break;
	case UNKNOWN_PURPOSE:
		r->a.purpose = SLICE_STR("seal");
		break;
	case WRONG_PROFILE:
		r->a.profile = SLICE_STR("individual-sign");
		break;
	case CLOSED_CHANNEL:
		r->a.channel = CHANNEL_ADMINISTRATION;
		break;
	case TWO_NAMES:
		r->a.dns_names[0] = SLICE_STR("example.kz");
		r->a.num_dns_names = 1;
		break;
	case LONGER:
		r->a.max_validity_s = 5 * 365 * (int64_t)86400;
		break;
	case SHORTER:
		r->a.max_validity_s = 86400;
		break;
	case WRONG_KEY:
		buf_reset(&r->spki);
		fixture_spki(&r->spki, "p256");
		break;
	case WRONG_SUBJECT_FORM:
		buf_reset(&r->subject);
		world_subject(&r->subject, "head-auth", &fixture_testov_head);
		break;
	case STORAGE_UNKNOWN:
		ck_ok(oid_parse(&storage, wrong_name[0]));
		r->a.key_storage = buf_slice(&storage);
		break;
	default:
		break;
	}
	r->a.subject = buf_slice(&r->subject);
	r->a.public_key = buf_slice(&r->spki);
	request_encode(r);
}

/* What else is asked: times, serials, sets. */
static void change_question(struct request *r, enum change change)
{
	switch (change) {
	case NO_RULES:
		r->q.rules = NULL;
		break;
	case BACK_DATED:
		r->q.not_before_at = NOW - 301;
		other_tbs(r, &r->a, NULL, NOW - 301, &world.ca);
		break;
	case BACK_LIMIT:
		r->q.not_before_at = NOW - 300;
		other_tbs(r, &r->a, NULL, NOW - 300, &world.ca);
		break;
	case AHEAD:
		r->q.not_before_at = NOW + 61;
		other_tbs(r, &r->a, NULL, NOW + 61, &world.ca);
		break;
	case AHEAD_LIMIT:
		r->q.not_before_at = NOW + 60;
		other_tbs(r, &r->a, NULL, NOW + 60, &world.ca);
		break;
	case SERIAL_LOW:
		set_serial(r, "0f00112233445566778899aabbccddeeff001122");
		break;
	case SERIAL_HIGH:
		set_serial(r, "0080112233445566778899aabbccddeeff001122");
		break;
	case SERIAL_EMPTY:
		set_serial(r, "");
		break;
	case SERIAL_LONG:
		set_serial(r, "4f00112233445566778899aabbccddeeff00112233");
		break;
	case SERIAL_NEGATIVE:
		set_serial(r, "ff00112233445566778899aabbccddeeff001122");
		break;
	case SERIAL_SHORT:
		set_serial(r, "10");
		break;
	case SERIAL_TAKEN:
		r->q.serial_taken = true;
		break;
	default:
		break;
	}
}

static void tbs_of_a_ca(struct request *r)
{
	OWN(cert_template) t = NULL;
	OWN(buf) name = BUF_INIT(4096);
	const struct name_fields fields = { .common_name = "ROGUE CA" };

	world_subject(&name, "issuing", &fields);
	ck_ok(cert_template_compile_ca(&t, world.profiles, "issuing", "rsa", buf_slice(&world.ca.root)));
	const struct cert_data data = { .subject = buf_slice(&name),
					.public_key = r->a.public_key,
					.max_validity_s = 365 * 86400 };
	buf_reset(&r->tbs);
	ck_ok(cert_template_render(&r->tbs, t, &data, &r->serial, NOW));
	r->q.tbs = buf_slice(&r->tbs);
}

/* TBS of something else than what was authorised. */
static void change_tbs(struct request *r, enum change change)
{
	struct authorisation a = r->a;
	OWN(buf) key = BUF_INIT(4096);
	OWN(buf) name = BUF_INIT(4096);
	OWN(test_person) other = { 0 };
	struct name_fields fields = fixture_testov;

	switch (change) {
	case TBS_EMPTY:
		r->q.tbs = SLICE_NONE;
		break;
	case TBS_LONGER:
		ck_ok(buf_append_u8(&r->tbs, 0));
		r->q.tbs = buf_slice(&r->tbs);
		break;
	case TBS_OTHER_SERIAL:
		other_tbs(r, &a, "4f00112233445566778899aabbccddeeff001123", NOW, &world.ca);
		break;
	case TBS_OTHER_TIME:
		other_tbs(r, &a, NULL, NOW - 1, &world.ca);
		break;
	case TBS_OTHER_KEY:
		other.key = test_key("rsa");
		ck_ok(suite_spki(&key, other.key));
		a.public_key = buf_slice(&key);
		other_tbs(r, &a, NULL, NOW, &world.ca);
		break;
	case TBS_OTHER_EMAIL:
		a.emails[0] = SLICE_STR("evil@example.kz");
		other_tbs(r, &a, NULL, NOW, &world.ca);
		break;
	case TBS_MORE_NAMES:
		a.emails[1] = SLICE_STR("evil@example.kz");
		a.num_emails = 2;
		other_tbs(r, &a, NULL, NOW, &world.ca);
		break;
	case TBS_LONGER_VALIDITY:
		r->a.max_validity_s = 86400;
		request_encode(r);
		other_tbs(r, &a, NULL, NOW, &world.ca);
		break;
	case TBS_OTHER_SUBJECT:
		fields.iin = "900101300017";
		world_subject(&name, "individual-auth", &fields);
		a.subject = buf_slice(&name);
		other_tbs(r, &a, NULL, NOW, &world.ca);
		break;
	case TBS_OF_A_CA:
		tbs_of_a_ca(r);
		break;
	case TBS_OF_ROGUE_ISSUER:
		other_tbs(r, &a, NULL, NOW, &world.rogue);
		break;
	case TBS_OTHER_PROFILE:
		a.profile = SLICE_STR("individual-sign");
		other_tbs(r, &a, NULL, NOW, &world.ca);
		break;
	default:
		break;
	}
}

START_TEST(what_may_be_signed)
{
	OWN(request) r = { 0 };
	struct sign_answer a;
	enum change change = cases[_i].change;

	request_init(&r);
	change_authorisation(&r, change);
	change_question(&r, change);
	change_tbs(&r, change);
	decided_by(&r, &world.who[SERVICE], NULL);
	if (change == GARBAGE)
		r.q.authorisation = SLICE_STR("garbage");
	if (change == EMPTY_AUTHORISATION)
		r.q.authorisation = SLICE_NONE;
	if (change == CA_PROFILE) {
		r.a.profile = SLICE_STR("issuing");
		buf_reset(&r.der);
		ck_ok(authorisation_encode(&r.der, &r.a));
		r.q.authorisation = buf_slice(&r.der);
	}
	if (cases[_i].word[0] != '\0') {
		ck_refused(&r, cases[_i].word);
	} else {
		ask(&a, &r);
		ck_assert_msg(a.verdict == SIGN_SIGN, "case %d: %s: %s", change, a.word, a.text);
	}
}
END_TEST

START_TEST(a_repeated_request_gets_the_recorded_answer)
{
	OWN(request) r = { 0 };
	struct sign_answer a;

	request_init(&r);
	r.q.authorisation_signed = true;
	r.q.tbs = SLICE_STR("another proposal"); /* what was recorded counts */
	ask(&a, &r);
	ck_assert_int_eq(a.verdict, SIGN_REPEAT);
	ck_assert_mem_eq(a.digest, r.digest, SHA256_LEN);
}
END_TEST

/* ---- decisions ---- */

static const struct {
	const char *kind; /* "individual" or "head" */
	enum profile_channel channel;
	const char *entered_by;
	int who[MAX_EVIDENCE]; /* enum world_who, -1 for none */
	const char *word;
} decided[] = {
	{ "individual", CHANNEL_REMOTE, "", { SERVICE, -1, -1 }, "" },
	{ "individual", CHANNEL_REMOTE, "", { -1, -1, -1 }, "decisions_missing" },
	{ "individual", CHANNEL_REMOTE, "", { OP1, -1, -1 }, "wrong_role" },
	{ "individual", CHANNEL_REMOTE, "", { STRANGER, -1, -1 }, "unknown_signer" },
	{ "individual", CHANNEL_COUNTER, "000000000001", { OP2, -1, -1 }, "" },
	{ "individual", CHANNEL_COUNTER, "000000000001", { OP1, -1, -1 }, "enterer" },
	{ "individual", CHANNEL_COUNTER, "000000000001", { OP1B, -1, -1 }, "enterer" },
	{ "individual", CHANNEL_COUNTER, "000000000001", { REMOVED, -1, -1 }, "unknown_signer" },
	{ "individual", CHANNEL_COUNTER, "000000000001", { ADMIN, -1, -1 }, "wrong_role" },
	{ "individual", CHANNEL_COUNTER, "000000000001", { SERVICE, -1, -1 }, "wrong_role" },
	{ "head", CHANNEL_REMOTE, "", { SERVICE, OP1, -1 }, "" },
	{ "head", CHANNEL_REMOTE, "", { SERVICE, -1, -1 }, "decisions_missing" },
	{ "head", CHANNEL_COUNTER, "000000000009", { OP1, OP2, -1 }, "" },
	{ "head", CHANNEL_COUNTER, "000000000009", { OP1, OP1B, -1 }, "same_person" },
	{ "head", CHANNEL_COUNTER, "000000000001", { OP1, OP2, -1 }, "enterer" },
};

static void make_head(struct request *r)
{
	buf_reset(&r->subject);
	world_subject(&r->subject, "head-auth", &fixture_testov_head);
	r->a.subject = buf_slice(&r->subject);
	r->a.kind = SLICE_STR("head");
	r->a.profile = SLICE_STR("head-auth");
}

START_TEST(who_decided)
{
	OWN(request) r = { 0 };
	struct sign_answer a;

	request_init(&r);
	if (strcmp(decided[_i].kind, "head") == 0)
		make_head(&r);
	r.a.channel = decided[_i].channel;
	r.a.entered_by = SLICE_STR(decided[_i].entered_by);
	request_encode(&r);
	for (int i = 0; i < MAX_EVIDENCE && decided[_i].who[i] >= 0; i++)
		decided_by(&r, &world.who[decided[_i].who[i]], NULL);
	if (decided[_i].word[0] != '\0') {
		ck_refused(&r, decided[_i].word);
	} else {
		ask(&a, &r);
		ck_assert_msg(a.verdict == SIGN_SIGN, "case %d: %s: %s", _i, a.word, a.text);
	}
}
END_TEST

START_TEST(a_decision_about_another_authorisation)
{
	OWN(request) r = { 0 };

	request_init(&r);
	decided_by(&r, &world.who[SERVICE], NULL);
	r.a.emails[0] = SLICE_STR("evil@example.kz"); /* swapped after the decision */
	request_encode(&r);
	ck_refused(&r, "not_named");
}
END_TEST

START_TEST(a_named_decision_that_is_not_there)
{
	OWN(request) r = { 0 };

	request_init(&r);
	decided_by(&r, &world.who[SERVICE], NULL);
	r.list[1] = NULL;
	r.q.num_decisions = 2;
	ck_refused(&r, "decision_absent");
	r.q.num_decisions = AUTHORITY_MAX_DECISIONS + 1;
	const struct sign_evidence *many[AUTHORITY_MAX_DECISIONS + 1];
	for (int i = 0; i <= AUTHORITY_MAX_DECISIONS; i++)
		many[i] = r.list[0];
	r.q.decisions = many;
	ck_refused(&r, "too_many_decisions");
}
END_TEST

START_TEST(ceilings_of_the_identification_service)
{
	OWN(request) r = { 0 };
	int64_t hour = 2, day = 4;
	struct sign_answer a;

	request_init(&r);
	decided_by(&r, &world.who[SERVICE], NULL);
	r.q.hour_counts = &hour;
	r.q.day_counts = &day;
	ask(&a, &r);
	ck_assert_int_eq(a.verdict, SIGN_SIGN);
	hour = 3;
	ck_refused(&r, "ceiling_hour");
	hour = 0;
	day = 5;
	ck_refused(&r, "ceiling_day");
}
END_TEST

/* ---- holders ---- */

START_TEST(renewal_by_the_holder)
{
	OWN(request) r = { 0 };
	OWN(holder) h = { 0 };
	OWN(holder) same_person = { 0 };
	OWN(holder) other = { 0 };
	struct name_fields fields = fixture_testov;
	struct sign_answer a;

	request_init(&r);
	r.a.channel = CHANNEL_RENEWAL;
	request_encode(&r);
	holder_init(&h, "individual-sign", &fixture_testov, &world.ca);
	struct known_answer known = { .status = SIGN_VALID };
	memcpy(known.digest, h.cert.digest, SHA256_LEN);
	decided_by(&r, &h.person, &known);
	ask(&a, &r);
	ck_assert_msg(a.verdict == SIGN_SIGN, "%s: %s", a.word, a.text);
	/* the same person with a certificate of another subject */
	holder_init(&same_person, "head-sign", &fixture_testov_head, &world.ca);
	memcpy(known.digest, same_person.cert.digest, SHA256_LEN);
	r.q.num_decisions = 0;
	evidence_clear(&r.evidence[0]);
	decided_by(&r, &same_person.person, &known);
	ck_refused(&r, "not_holder");
	/* somebody else */
	fields.iin = "900101300017";
	holder_init(&other, "individual-sign", &fields, &world.ca);
	memcpy(known.digest, other.cert.digest, SHA256_LEN);
	r.q.num_decisions = 0;
	evidence_clear(&r.evidence[0]);
	decided_by(&r, &other.person, &known);
	ck_refused(&r, "not_holder");
}
END_TEST

static const struct {
	const char *what, *profile;
	bool rogue, wrong_digest;
	enum sign_status status;
	bool is_holder;
} holders[] = {
	{ "valid", "individual-sign", false, false, SIGN_VALID, true },
	{ "held", "individual-sign", false, false, SIGN_HELD, false },
	{ "revoked", "individual-sign", false, false, SIGN_REVOKED, false },
	{ "never issued", "individual-sign", false, false, SIGN_UNKNOWN, false },
	{ "recorded otherwise", "individual-sign", false, true, SIGN_VALID, false },
	{ "of a rogue CA", "individual-sign", true, false, SIGN_VALID, false },
	{ "AUTH", "individual-auth", false, false, SIGN_VALID, false },
	{ "a head", "head-sign", false, false, SIGN_VALID, true },
};

START_TEST(whose_certificate_counts)
{
	OWN(holder) h = { 0 };
	OWN(evidence) e = { 0 };
	const uint8_t digest[SHA256_LEN] = { 1 };
	bool is_head = strcmp(holders[_i].profile, "head-sign") == 0;
	struct known_answer known = { .status = holders[_i].status };

	holder_init(&h, holders[_i].profile, is_head ? &fixture_testov_head : &fixture_testov,
		    holders[_i].rogue ? &world.rogue : &world.ca);
	memcpy(known.digest, h.cert.digest, SHA256_LEN);
	known.digest[0] ^= holders[_i].wrong_digest ? 1 : 0;
	evidence_init(&e, &h.person, DECISION_AUTHORISATIONS, digest, &known);
	unsigned expected = !holders[_i].is_holder ? 0 : ROLE_BIT(ROLE_HOLDER) | (is_head ? ROLE_BIT(ROLE_HEAD) : 0);
	ck_assert_msg(e.e.verified.decider.roles == expected, "%s: %x", holders[_i].what, e.e.verified.decider.roles);
	ck_assert_int_eq(e.e.identifier, -1);
}
END_TEST

START_TEST(broken_evidence_is_an_error)
{
	struct test_decision d;
	struct sign_evidence e;
	struct known_answer known = { .status = SIGN_UNKNOWN };
	const uint8_t digest[1][SHA256_LEN] = { { 1 } };

	test_decide(&d, &world.who[OP1], DECISION_ORDERS, digest, 1, NOW);
	struct signed_decision sd = test_signed_decision(&d);
	ck_ok(sign_evidence_verify(&e, world.rules, &sd, answer_known, &known, NOW));
	for (size_t i = 0; i < d.decision.len; i++) {
		d.decision.p[i] ^= 0x20;
		ck_fails(sign_evidence_verify(&e, world.rules, &sd, answer_known, &known, NOW), ERR_BAD_INPUT, "");
		d.decision.p[i] ^= 0x20;
	}
	test_decision_clear(&d);
}
END_TEST

/* ---- every field of a valid request flipped: each is refused ---- */

static void flip_each(struct request *r, uint8_t *bytes, size_t len, const char *what)
{
	struct sign_answer a;

	for (size_t i = 0; i < len; i++) {
		uint8_t bit = (uint8_t)(1u << i % 8);
		bytes[i] ^= bit;
		sign_policy_decide(&a, &r->q);
		ck_assert_msg(a.verdict == SIGN_REFUSE, "%s: octet %zu flipped by %02X was not refused", what, i, bit);
		bytes[i] ^= bit;
	}
}

START_TEST(each_flipped_field_is_refused)
{
	OWN(request) r = { 0 };
	struct sign_answer a;

	request_init(&r);
	decided_by(&r, &world.who[SERVICE], NULL);
	flip_each(&r, r.der.p, r.der.len, "Authorisation");
	flip_each(&r, r.tbs.p, r.tbs.len, "TBS");
	flip_each(&r, r.serial.b, r.serial.len, "serial");
	for (int bit = 0; bit < 63; bit++) {
		r.q.not_before_at = NOW ^ (int64_t)1 << bit;
		sign_policy_decide(&a, &r.q);
		ck_assert_int_eq(a.verdict, SIGN_REFUSE);
	}
	r.q.not_before_at = NOW;
	sign_policy_decide(&a, &r.q); /* and back again it is signed */
	ck_assert_int_eq(a.verdict, SIGN_SIGN);
}
END_TEST

/* ---- the rules themselves ---- */

static const struct {
	const char *from, *to, *why;
} bad_profiles[] = {
	{ "counter = [ \"operator\"", "counter = [ \"desk\"", "asks for less" },
	{ "renewal = [ \"holder\" ];", "renewal = [ \"operator\" ];", "asks for less" },
	{ "name = \"rsa\";", "name = \"ecc\";", "rsa" },
	{ "issuers = (", "issuers = ", "" },
};

START_TEST(a_policy_that_may_not_take_force)
{
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES);
	OWN(buf) policy = BUF_INIT(POLICY_MAX_BYTES);
	const struct slice all = buf_slice(&world.profiles_text);
	const char *from = bad_profiles[_i].from;
	OWN(sign_rules) rules = NULL;

	const uint8_t *at = memmem(all.p, all.len, from, strlen(from));
	ck_assert_ptr_nonnull(at);
	size_t before = (size_t)(at - all.p);
	ck_ok(buf_append(&text, SLICE(all.p, before)));
	ck_ok(buf_append_str(&text, bad_profiles[_i].to));
	ck_ok(buf_append(&text, SLICE(at + strlen(from), all.len - before - strlen(from))));
	make_policy(&policy, buf_slice(&text));
	const struct sign_issuer issuer = { "rsa", buf_slice(&world.ca.issuing) };
	OWN(err) e = sign_rules_create(&rules, buf_slice(&policy), &issuer, 1);
	char sentence[500];
	ck_assert_ptr_nonnull(e);
	ck_assert_ptr_null(rules);
	ck_assert_msg(strstr(err_text(e, sentence, sizeof sentence), bad_profiles[_i].why) != NULL, "%s", sentence);
}
END_TEST

START_TEST(rules_tell_what_is_in_force)
{
	ck_assert_int_eq(sign_rules_policy(world.rules)->version, 1);
	ck_assert_uint_gt(sign_rules_profiles(world.rules)->num_profiles, 3);
	ck_assert(slice_equal(sign_rules_issuer(world.rules, "rsa"), buf_slice(&world.ca.issuing)));
	ck_assert_uint_eq(sign_rules_issuer(world.rules, "gost").len, 0);
}
END_TEST

/* ---- counts ---- */

START_TEST(counts_of_the_last_hour_and_day)
{
	struct sign_window *w = calloc(1, sizeof *w);
	const int64_t start = (int64_t)NOW / 60 * 60;
	int64_t hour = 0, day = 0;

	for (int i = 0; i < 10; i++)
		sign_window_add(w, start);
	sign_window_add(w, start + 1800);
	sign_window_count(w, start + 1800, &hour, &day);
	ck_assert_int_eq(hour, 11);
	sign_window_count(w, start + 3599, &hour, &day);
	ck_assert_int_eq(hour, 11);
	sign_window_count(w, start + 3600, &hour, &day); /* the first minute has left the hour */
	ck_assert_int_eq(hour, 1);
	ck_assert_int_eq(day, 11);
	sign_window_count(w, start + 86399, &hour, &day);
	ck_assert_int_eq(hour, 0);
	ck_assert_int_eq(day, 11);
	sign_window_count(w, start + 86400, &hour, &day);
	ck_assert_int_eq(day, 1);
	sign_window_add(w, start); /* the clock went back: counted, not forgotten */
	sign_window_count(w, start, &hour, &day);
	ck_assert_int_eq(hour, 1);
	ck_assert_int_eq(day, 2);
	sign_window_count(w, start + 86400 * 400, &hour, &day);
	ck_assert_int_eq(hour, 0);
	ck_assert_int_eq(day, 0);
	free(w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/policy");
	TCase *t = tcase_create("certificates");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, world_begin, world_end);
	tcase_add_test(t, a_valid_request_is_signed);
	tcase_add_loop_test(t, what_may_be_signed, 0, COUNT_OF(cases));
	tcase_add_test(t, a_repeated_request_gets_the_recorded_answer);
	tcase_add_loop_test(t, who_decided, 0, COUNT_OF(decided));
	tcase_add_test(t, a_decision_about_another_authorisation);
	tcase_add_test(t, a_named_decision_that_is_not_there);
	tcase_add_test(t, ceilings_of_the_identification_service);
	tcase_add_test(t, renewal_by_the_holder);
	tcase_add_loop_test(t, whose_certificate_counts, 0, COUNT_OF(holders));
	tcase_add_test(t, broken_evidence_is_an_error);
	tcase_add_test(t, each_flipped_field_is_refused);
	tcase_add_loop_test(t, a_policy_that_may_not_take_force, 0, COUNT_OF(bad_profiles));
	tcase_add_test(t, rules_tell_what_is_in_force);
	tcase_add_test(t, counts_of_the_last_hour_and_day);
	suite_add_tcase(s, t);
	return suite_main(s);
}
