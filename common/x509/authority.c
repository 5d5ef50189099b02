/*
 * authority.c - Authorisation, StatusOrder and Decision: plain structs to DER and back.
 *
 * The reader accepts one encoding for each value, so what decodes is canonical; the encoders refuse what the decoders
 * would refuse, by decoding what they wrote.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/authority.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "x509/authority_internal.h"

#define VALIDITY_MAX_S (100 * 366 * (int64_t)86400)

struct err *authority_read_text(struct der_reader *r, struct slice *out, size_t min, size_t max, const char *what)
{
	struct slice text;

	TRY(der_read_utf8(r, &text, min, max, what));
	ENSURE_FIELD(!text_has_control(text), BAD_INPUT, what, "%s: control or invisible characters", what);
	*out = text;
	return NULL;
}

/* A word of ours: lower-case letters, digits, hyphen and underscore. */
static struct err *read_word(struct der_reader *r, struct slice *out, size_t max, const char *what)
{
	struct slice word;

	TRY(der_read_utf8(r, &word, 1, max, what));
	for (size_t i = 0; i < word.len; i++) {
		uint8_t c = word.p[i];
		ENSURE_FIELD((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_', BAD_INPUT, what,
			     "%s: is no word of a-z, 0-9, - and _", what);
	}
	*out = word;
	return NULL;
}

struct err *authority_read_choice(struct der_reader *r, int64_t *out, int64_t max, const char *what)
{
	int64_t value;

	TRY(der_read_enumerated(r, &value, what));
	ENSURE_FIELD(value >= 1 && value <= max, BAD_INPUT, what, "%s: %lld is no value of it", what, (long long)value);
	*out = value;
	return NULL;
}

static struct err *read_version(struct der_reader *r, const char *what)
{
	int64_t version;

	TRY(der_read_uint(r, &version, what));
	ENSURE_FIELD(version == 1, BAD_INPUT, what, "%s: version %lld is not known", what, (long long)version);
	return NULL;
}

/* ---- Authorisation ---- */

static struct err *read_texts(struct der_reader *r, struct slice *out, size_t *out_num, size_t max_num, size_t max_len,
			      const char *what)
{
	struct der_reader list;
	size_t n = 0;

	TRY(der_expect_sequence(r, &list, what));
	for (; !der_reader_done(&list); n++) {
		ENSURE_FIELD(n < max_num, BAD_INPUT, what, "%s: more than %zu", what, max_num);
		TRY(authority_read_text(&list, &out[n], 1, max_len, what));
	}
	*out_num = n;
	return NULL;
}

static struct err *authorisation_read(struct authorisation *a, struct der_reader *r)
{
	int64_t channel;

	TRY(read_version(r, "Authorisation"));
	TRY(authority_read_text(r, &a->application_number, 1, 64, "applicationNumber"));
	TRY(read_word(r, &a->kind, 32, "kind"));
	TRY(read_word(r, &a->purpose, 32, "purpose"));
	TRY(read_word(r, &a->issuer, 16, "issuer"));
	TRY(read_word(r, &a->profile, 64, "profile"));
	TRY(der_expect_whole(r, &a->subject, DER_SEQUENCE, "subject"));
	TRY(der_expect_whole(r, &a->public_key, DER_SEQUENCE, "publicKey"));
	TRY(read_texts(r, a->emails, &a->num_emails, AUTHORISATION_MAX_EMAILS, 254, "emails"));
	TRY(read_texts(r, a->dns_names, &a->num_dns_names, AUTHORISATION_MAX_DNS, 253, "dnsNames"));
	if (der_peek(r, DER_OID))
		TRY(der_read_oid(r, &a->key_storage, "keyStorage"));
	ENSURE_FIELD(a->key_storage.len <= OID_MAX_LEN, BAD_INPUT, "keyStorage", "keyStorage: too long");
	TRY(der_read_uint(r, &a->max_validity_s, "maxValidity"));
	ENSURE_FIELD(a->max_validity_s > 0 && a->max_validity_s <= VALIDITY_MAX_S, BAD_INPUT, "maxValidity",
		     "maxValidity: %lld seconds", (long long)a->max_validity_s);
	TRY(authority_read_choice(r, &channel, CHANNEL_COUNT - 1, "channel"));
	a->channel = (enum profile_channel)channel;
	TRY(authority_read_text(r, &a->entered_by, 0, AUTHORITY_PERSON_SIZE - 1, "enteredBy"));
	TRY(der_read_octets(r, &a->agreement_digest, SHA256_LEN, SHA256_LEN, "agreementDigest"));
	TRY(der_read_uint(r, &a->expires_at, "expiresAt"));
	TRY(der_read_octets(r, &a->nonce, AUTHORITY_NONCE_LEN, AUTHORITY_NONCE_LEN, "nonce"));
	return der_finish(r, "Authorisation");
}

struct err *authorisation_decode(struct authorisation *out, struct slice der)
{
	struct authorisation a = { 0 };
	struct der_reader whole, r;

	struct err *e = der_strict(der, AUTHORISATION_MAX_BYTES);
	if (e != NULL)
		return ERR_WRAP(e, "Authorisation");
	der_reader_init(&whole, der);
	TRY(der_expect_sequence(&whole, &r, "Authorisation"));
	TRY(authorisation_read(&a, &r));
	*out = a;
	return NULL;
}

static struct err *write_texts(struct buf *out, const struct slice *texts, size_t num)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	for (size_t i = 0; i < num; i++)
		TRY(der_utf8(out, texts[i]));
	return der_close(out, mark);
}

static struct err *authorisation_write(struct buf *out, const struct authorisation *in)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_int64(out, 1));
	const struct slice texts[] = { in->application_number, in->kind, in->purpose, in->issuer, in->profile };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		TRY(der_utf8(out, texts[i]));
	TRY(buf_append(out, in->subject));
	TRY(buf_append(out, in->public_key));
	ENSURE(in->num_emails <= AUTHORISATION_MAX_EMAILS && in->num_dns_names <= AUTHORISATION_MAX_DNS, BAD_INPUT,
	       "Authorisation: too many alternative names");
	TRY(write_texts(out, in->emails, in->num_emails));
	TRY(write_texts(out, in->dns_names, in->num_dns_names));
	if (in->key_storage.len > 0)
		TRY(der_oid(out, in->key_storage));
	TRY(der_int64(out, in->max_validity_s));
	TRY(der_enumerated(out, in->channel));
	TRY(der_utf8(out, in->entered_by));
	TRY(der_octets(out, in->agreement_digest));
	TRY(der_int64(out, in->expires_at));
	TRY(der_octets(out, in->nonce));
	return der_close(out, mark);
}

struct err *authorisation_encode(struct buf *out, const struct authorisation *in)
{
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	struct authorisation check;

	TRY(authorisation_write(&der, in));
	TRY(authorisation_decode(&check, buf_slice(&der)));
	return buf_append(out, buf_slice(&der));
}

struct err *authorisation_cert_data(struct cert_data *out, char storage[OID_TEXT_SIZE], const struct authorisation *in)
{
	storage[0] = '\0';
	if (in->key_storage.len > 0)
		TRY(oid_text(storage, in->key_storage));
	*out = (struct cert_data){ .subject = in->subject,
				   .public_key = in->public_key,
				   .emails = in->emails,
				   .num_emails = in->num_emails,
				   .dns_names = in->dns_names,
				   .num_dns_names = in->num_dns_names,
				   .key_storage = storage,
				   .max_validity_s = in->max_validity_s };
	return NULL;
}

/* ---- StatusOrder ---- */

#define REASON_COUNT 11

static const struct {
	const char *word;
	enum order_action action; /* with which the reason may stand; 0: none */
} reasons[REASON_COUNT] = {
	[0] = { "unspecified", ORDER_REVOKE },
	[1] = { "keyCompromise", ORDER_REVOKE },
	[2] = { "cACompromise", 0 }, /* of CA certificates, which no order of ours is about */
	[3] = { "affiliationChanged", ORDER_REVOKE },
	[4] = { "superseded", ORDER_REVOKE },
	[5] = { "cessationOfOperation", ORDER_REVOKE },
	[6] = { "certificateHold", ORDER_HOLD },
	[8] = { "removeFromCRL", ORDER_RELEASE },
	[9] = { "privilegeWithdrawn", ORDER_REVOKE },
	[10] = { "aACompromise", ORDER_REVOKE },
};

const char *order_reason_word(int64_t reason)
{
	return reason >= 0 && reason < REASON_COUNT ? reasons[reason].word : NULL;
}

bool order_reason_parse(int64_t *out, const char *word)
{
	for (int64_t i = 0; i < REASON_COUNT; i++) {
		if (reasons[i].word != NULL && strcmp(reasons[i].word, word) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

bool order_reason_fits(enum order_action action, int64_t reason)
{
	return order_reason_word(reason) != NULL && reasons[reason].action == action;
}

const char *order_action_word(enum order_action action)
{
	static const char *const words[] = {
		[ORDER_REVOKE] = "revoke", [ORDER_HOLD] = "hold", [ORDER_RELEASE] = "release"
	};

	return action >= ORDER_REVOKE && action <= ORDER_RELEASE ? words[action] : NULL;
}

static struct err *read_invalidity(struct status_order *o, struct der_reader *r)
{
	struct slice content;

	if (!der_peek(r, DER_CONTEXT(0)))
		return NULL;
	TRY(der_expect(r, &content, DER_CONTEXT(0), "invalidityAt"));
	/* [0] IMPLICIT INTEGER: the content is an INTEGER's */
	uint8_t integer[10] = { DER_INTEGER, (uint8_t)content.len };
	ENSURE_FIELD(content.len >= 1 && content.len <= 8, BAD_INPUT, "invalidityAt", "invalidityAt: %zu octets",
		     content.len);
	memcpy(integer + 2, content.p, content.len);
	struct der_reader inner;
	der_reader_init(&inner, SLICE(integer, 2 + content.len));
	TRY(der_read_uint(&inner, &o->invalidity_at, "invalidityAt"));
	o->has_invalidity_at = true;
	return NULL;
}

static struct err *status_order_read(struct status_order *o, struct der_reader *r)
{
	int64_t action;

	TRY(read_version(r, "StatusOrder"));
	TRY(read_word(r, &o->issuer, 16, "issuer"));
	TRY(der_read_serial(r, &o->serial, "serial"));
	TRY(der_read_octets(r, &o->certificate_digest, SHA256_LEN, SHA256_LEN, "certificateDigest"));
	TRY(authority_read_choice(r, &action, ORDER_RELEASE, "action"));
	o->action = (enum order_action)action;
	TRY(der_read_enumerated(r, &o->reason, "reason"));
	ENSURE_FIELD(order_reason_fits(o->action, o->reason), BAD_INPUT, "reason",
		     "RFC 5280 §5.3.1: reason %lld does not fit the action %s", (long long)o->reason,
		     order_action_word(o->action));
	TRY(read_invalidity(o, r));
	TRY(der_read_uint(r, &o->revoked_at, "revokedAt"));
	ENSURE_FIELD(!o->has_invalidity_at || o->invalidity_at <= o->revoked_at, BAD_INPUT, "invalidityAt",
		     "RFC 5280 §5.3.2: invalidityAt is after revokedAt");
	TRY(authority_read_text(r, &o->ground, 0, STATUS_ORDER_MAX_GROUND, "ground"));
	TRY(der_read_octets(r, &o->nonce, AUTHORITY_NONCE_LEN, AUTHORITY_NONCE_LEN, "nonce"));
	return der_finish(r, "StatusOrder");
}

struct err *status_order_decode(struct status_order *out, struct slice der)
{
	struct status_order o = { 0 };
	struct der_reader whole, r;

	ENSURE(der.len <= STATUS_ORDER_MAX_BYTES, TOO_LARGE, "StatusOrder: %zu octets, at most %d are allowed", der.len,
	       STATUS_ORDER_MAX_BYTES);
	der_reader_init(&whole, der);
	TRY(der_expect_sequence(&whole, &r, "StatusOrder"));
	TRY(der_finish(&whole, "StatusOrder"));
	TRY(status_order_read(&o, &r));
	*out = o;
	return NULL;
}

static struct err *status_order_write(struct buf *out, const struct status_order *in)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_int64(out, 1));
	TRY(der_utf8(out, in->issuer));
	TRY(der_serial(out, &in->serial));
	TRY(der_octets(out, in->certificate_digest));
	TRY(der_enumerated(out, in->action));
	TRY(der_enumerated(out, in->reason));
	if (in->has_invalidity_at)
		TRY(der_int64_tagged(out, DER_CONTEXT(0), in->invalidity_at));
	TRY(der_int64(out, in->revoked_at));
	TRY(der_utf8(out, in->ground));
	TRY(der_octets(out, in->nonce));
	return der_close(out, mark);
}

struct err *status_order_encode(struct buf *out, const struct status_order *in)
{
	OWN(buf) der = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	struct status_order check;

	TRY(status_order_write(&der, in));
	TRY(status_order_decode(&check, buf_slice(&der)));
	return buf_append(out, buf_slice(&der));
}

/* ---- Decision ---- */

#define MEMBER_LEN (2 + SHA256_LEN)

static struct err *read_members(struct decision *d, struct der_reader *r)
{
	struct slice content;

	TRY(der_expect(r, &content, DER_SEQUENCE, "digests"));
	size_t n = content.len / MEMBER_LEN;
	ENSURE_FIELD(n >= 1 && n <= DECISION_MAX_DIGESTS && content.len == n * MEMBER_LEN, BAD_INPUT, "digests",
		     "digests: not 1 to %d digests of 32 octets", DECISION_MAX_DIGESTS);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *member = content.p + i * MEMBER_LEN;
		ENSURE_FIELD(member[0] == DER_OCTET_STRING && member[1] == SHA256_LEN, BAD_INPUT, "digests",
			     "digests: number %zu is no OCTET STRING of 32 octets", i);
		ENSURE_FIELD(i == 0 || memcmp(member - MEMBER_LEN, member, MEMBER_LEN) < 0, BAD_INPUT, "digests",
			     "digests: number %zu is not greater than the one before", i);
	}
	d->digests = content;
	d->num_digests = n;
	return NULL;
}

static struct err *decision_read(struct decision *d, struct der_reader *r)
{
	int64_t kind, verdict;

	TRY(read_version(r, "Decision"));
	TRY(authority_read_choice(r, &kind, DECISION_RECONCILIATION, "kind"));
	d->kind = (enum decision_kind)kind;
	TRY(authority_read_choice(r, &verdict, DECISION_REJECT, "verdict"));
	d->verdict = (enum decision_verdict)verdict;
	TRY(read_members(d, r));
	if (der_peek(r, DER_CONTEXT(0))) {
		TRY(der_expect(r, &d->evidence, DER_CONTEXT(0), "evidence"));
		ENSURE_FIELD(d->evidence.len == SHA256_LEN, BAD_INPUT, "evidence", "evidence: %zu octets, must be 32",
			     d->evidence.len);
	}
	TRY(authority_read_text(r, &d->reason, 0, 64, "reason"));
	TRY(der_read_uint(r, &d->decided_at, "decidedAt"));
	TRY(der_read_uint(r, &d->expires_at, "expiresAt"));
	ENSURE_FIELD(d->expires_at > d->decided_at, BAD_INPUT, "expiresAt", "expiresAt: is not after decidedAt");
	TRY(der_read_octets(r, &d->nonce, AUTHORITY_NONCE_LEN, AUTHORITY_NONCE_LEN, "nonce"));
	return der_finish(r, "Decision");
}

struct err *decision_decode(struct decision *out, struct slice der)
{
	struct decision d = { 0 };
	struct der_reader whole, r;

	ENSURE(der.len <= DECISION_MAX_BYTES, TOO_LARGE, "Decision: %zu octets, at most %d are allowed", der.len,
	       DECISION_MAX_BYTES);
	der_reader_init(&whole, der);
	TRY(der_expect_sequence(&whole, &r, "Decision"));
	TRY(der_finish(&whole, "Decision"));
	TRY(decision_read(&d, &r));
	*out = d;
	return NULL;
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_LEN);
}

static struct err *decision_write(struct buf *out, const struct decision *in, const uint8_t (*sorted)[SHA256_LEN],
				  size_t num)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_int64(out, 1));
	TRY(der_enumerated(out, in->kind));
	TRY(der_enumerated(out, in->verdict));
	TRY(der_header(out, DER_SEQUENCE, num * MEMBER_LEN));
	for (size_t i = 0; i < num; i++)
		TRY(der_octets(out, SLICE(sorted[i], SHA256_LEN)));
	if (in->evidence.len > 0)
		TRY(der_tlv(out, DER_CONTEXT(0), in->evidence));
	TRY(der_utf8(out, in->reason));
	TRY(der_int64(out, in->decided_at));
	TRY(der_int64(out, in->expires_at));
	TRY(der_octets(out, in->nonce));
	return der_close(out, mark);
}

struct err *decision_encode(struct buf *out, const struct decision *in, const uint8_t (*digests)[SHA256_LEN],
			    size_t num_digests)
{
	OWN(buf) sorted = BUF_INIT((size_t)DECISION_MAX_DIGESTS * SHA256_LEN);
	OWN(buf) der = BUF_INIT(DECISION_MAX_BYTES);
	struct decision check;

	ENSURE_FIELD(num_digests >= 1 && num_digests <= DECISION_MAX_DIGESTS, BAD_INPUT, "digests",
		     "digests: %zu, must be 1 to %d", num_digests, DECISION_MAX_DIGESTS);
	TRY(buf_append(&sorted, SLICE(digests, num_digests * SHA256_LEN)));
	qsort(sorted.p, num_digests, SHA256_LEN, compare_digests);
	TRY(decision_write(&der, in, (const uint8_t(*)[SHA256_LEN])sorted.p, num_digests));
	TRY(decision_decode(&check, buf_slice(&der)));
	return buf_append(out, buf_slice(&der));
}

const uint8_t *decision_digest(const struct decision *d, size_t i)
{
	return d->digests.p + i * MEMBER_LEN + 2;
}

bool decision_has(const struct decision *d, const uint8_t digest[SHA256_LEN])
{
	size_t low = 0, high = d->num_digests;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(digest, decision_digest(d, middle), SHA256_LEN);
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* ---- SignedDecision ---- */

struct err *authority_read_signed_decision(struct signed_decision *out, struct der_reader *r)
{
	struct der_reader inner;
	struct signed_decision s;

	TRY(der_expect_sequence(r, &inner, "SignedDecision"));
	TRY(der_read_octets(&inner, &s.decision, 1, DECISION_MAX_BYTES, "decision"));
	TRY(der_read_octets(&inner, &s.signature, 1, AUTHORITY_CMS_MAX_BYTES, "signature"));
	TRY(der_finish(&inner, "SignedDecision"));
	*out = s;
	return NULL;
}

struct err *signed_decision_decode(struct signed_decision *out, struct slice der)
{
	struct der_reader r;
	struct signed_decision s;

	der_reader_init(&r, der);
	TRY(authority_read_signed_decision(&s, &r));
	TRY(der_finish(&r, "SignedDecision"));
	*out = s;
	return NULL;
}

struct err *signed_decision_encode(struct buf *out, const struct signed_decision *in)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_octets(out, in->decision));
	TRY(der_octets(out, in->signature));
	return der_close(out, mark);
}
