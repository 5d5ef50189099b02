/*
 * ocsp.c - the check of a ResponseData. See ocsp.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/ocsp.h"

#include <openssl/evp.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"

enum { SKEW_S = 120, NONCE_MAX = 128, REASON_HOLD = 6 };

#define DENY_UNLESS(cond, reason, ...) ENSURE_FIELD(cond, DENIED, reason, __VA_ARGS__)

static const struct {
	enum oid_name oid;
	const char *name;
	size_t len;
} hashes[OCSP_HASHES] = { { OID_SHA1, "SHA1", 20 },
			  { OID_SHA256, "SHA256", 32 },
			  { OID_SHA384, "SHA384", 48 },
			  { OID_SHA512, "SHA512", 64 } };

static struct err *hash(uint8_t *out, size_t i, struct slice bytes)
{
	if (EVP_Q_digest(NULL, hashes[i].name, NULL, bytes.p, bytes.len, out, NULL) != 1)
		return ERR_OPENSSL(SYSTEM, "%s", hashes[i].name);
	return NULL;
}

static struct err *key_bits(struct slice *out, struct slice spki)
{
	struct der_reader in, inner;
	struct slice algorithm;

	der_reader_init(&in, spki);
	TRY(der_expect_sequence(&in, &inner, "subjectPublicKeyInfo"));
	TRY(der_expect_whole(&inner, &algorithm, DER_SEQUENCE, "algorithm"));
	return der_read_bits(&inner, out, "subjectPublicKey");
}

struct err *ocsp_issuer_init(struct ocsp_issuer *out, struct slice name, const struct cert *ca,
			     const struct cert *responder, struct slice responder_spki)
{
	struct slice bits;

	ENSURE_FIELD(slice_equal(responder->issuer, ca->subject), CONFIG, "issuers",
		     "%.*s: the responder's certificate is not of this CA", (int)name.len, (const char *)name.p);
	ENSURE_FIELD(slice_equal(responder->public_key, responder_spki), CONFIG, "keys_dir",
		     "%.*s: the responder's certificate is not of the key here", (int)name.len, (const char *)name.p);
	ENSURE_FIELD(cert_has_eku(responder, oid_dotted(OID_EKU_OCSP_SIGNING)) && !responder->is_ca, CONFIG, "issuers",
		     "%.*s: RFC 6960 §4.2.2.2: the responder's certificate lacks OCSPSigning", (int)name.len,
		     (const char *)name.p);
	out->name = name;
	TRY(key_bits(&bits, ca->public_key));
	for (size_t i = 0; i < OCSP_HASHES; i++) {
		TRY(hash(out->name_hash[i], i, ca->subject));
		TRY(hash(out->key_hash[i], i, bits));
	}
	out->responder = responder->subject;
	TRY(key_bits(&bits, responder->public_key));
	TRY(hash(out->responder_key, 0, bits));
	out->not_before_at = responder->not_before_at;
	out->not_after_at = responder->not_after_at;
	return NULL;
}

/* ---- parts of a ResponseData */

/* ResponderID ::= CHOICE { byName [1] Name, byKey [2] KeyHash }. RFC 6960 §4.2.1 */
static struct err *responder_check(const struct ocsp_issuer *issuer, struct der_reader *in)
{
	struct der_reader inner;
	struct slice id;

	if (der_peek(in, DER_CONTEXT_CONSTRUCTED(1))) {
		TRY(der_enter(in, &inner, DER_CONTEXT_CONSTRUCTED(1), "byName"));
		TRY(der_expect_whole(&inner, &id, DER_SEQUENCE, "byName"));
		DENY_UNLESS(slice_equal(id, issuer->responder), "ocsp_responder",
			    "responderID is not the name of this responder");
	} else {
		TRY(der_enter(in, &inner, DER_CONTEXT_CONSTRUCTED(2), "responderID"));
		TRY(der_read_octets(&inner, &id, 20, 20, "byKey"));
		DENY_UNLESS(slice_equal(id, SLICE(issuer->responder_key, 20)), "ocsp_responder",
			    "responderID is not the key of this responder");
	}
	return der_finish(&inner, "responderID");
}

static struct err *algorithm_read(size_t *out, struct der_reader *in)
{
	struct der_reader algorithm;
	struct slice name, parameters;

	TRY(der_expect_sequence(in, &algorithm, "hashAlgorithm"));
	TRY(der_read_oid(&algorithm, &name, "hashAlgorithm"));
	if (!der_reader_done(&algorithm))
		TRY(der_expect(&algorithm, &parameters, DER_NULL, "hashAlgorithm"));
	TRY(der_finish(&algorithm, "hashAlgorithm"));
	for (size_t i = 0; i < OCSP_HASHES; i++) {
		if (oid_is(name, hashes[i].oid)) {
			*out = i;
			return NULL;
		}
	}
	return ERR_FIELD(DENIED, "ocsp_cert_id", "a CertID by a hash that is not one of SHA-1, -256, -384, -512");
}

/* CertID ::= SEQUENCE { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }. RFC 6960 §4.1.1 */
static struct err *cert_id_check(struct serial *out, const struct ocsp_issuer *issuer, struct der_reader *in)
{
	struct der_reader id;
	struct slice name_hash, key_hash;
	size_t i = 0;

	TRY(der_expect_sequence(in, &id, "certID"));
	TRY(algorithm_read(&i, &id));
	TRY(der_read_octets(&id, &name_hash, 20, OCSP_HASH_MAX, "issuerNameHash"));
	TRY(der_read_octets(&id, &key_hash, 20, OCSP_HASH_MAX, "issuerKeyHash"));
	DENY_UNLESS(slice_equal(name_hash, SLICE(issuer->name_hash[i], hashes[i].len)) &&
			    slice_equal(key_hash, SLICE(issuer->key_hash[i], hashes[i].len)),
		    "ocsp_cert_id", "the CertID is of another issuer than %.*s", (int)issuer->name.len,
		    (const char *)issuer->name.p);
	TRY(der_read_serial(&id, out, "serialNumber"));
	return der_finish(&id, "certID");
}

struct single {
	struct serial serial;
	enum { SINGLE_GOOD, SINGLE_REVOKED, SINGLE_UNKNOWN } status;
	int64_t revoked_at;
	int64_t reason;
	int64_t this_at, next_at;
	bool was_never_issued;
};

static struct err *revoked_read(struct single *out, struct der_reader *in)
{
	struct der_reader info, tagged;

	out->status = SINGLE_REVOKED;
	TRY(der_enter(in, &info, DER_CONTEXT_CONSTRUCTED(1), "revoked"));
	TRY(der_read_generalized_time(&info, &out->revoked_at, "revocationTime"));
	if (!der_reader_done(&info)) {
		TRY(der_enter(&info, &tagged, DER_CONTEXT_CONSTRUCTED(0), "revocationReason"));
		TRY(der_read_enumerated(&tagged, &out->reason, "revocationReason"));
		TRY(der_finish(&tagged, "revocationReason"));
		DENY_UNLESS(out->reason != 0, "ocsp_revoked_differs", "a reason of 0 is left out");
	}
	return der_finish(&info, "revoked");
}

/* CertStatus ::= CHOICE { good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL }. RFC 6960 §4.2.1 */
static struct err *status_read(struct single *out, struct der_reader *in)
{
	struct slice none;

	if (der_peek(in, DER_CONTEXT_CONSTRUCTED(1)))
		return revoked_read(out, in);
	bool is_good = der_peek(in, DER_CONTEXT(0));
	out->status = is_good ? SINGLE_GOOD : SINGLE_UNKNOWN;
	TRY(der_expect(in, &none, is_good ? DER_CONTEXT(0) : DER_CONTEXT(2), "certStatus"));
	DENY_UNLESS(none.len == 0, "ocsp_form", "certStatus has a value");
	return NULL;
}

static struct err *single_read(struct single *out, const struct ocsp_issuer *issuer, struct der_reader *in)
{
	struct der_reader single, tagged;

	memset(out, 0, sizeof *out);
	TRY(der_expect_sequence(in, &single, "SingleResponse"));
	TRY(cert_id_check(&out->serial, issuer, &single));
	TRY(status_read(out, &single));
	TRY(der_read_generalized_time(&single, &out->this_at, "thisUpdate"));
	TRY(der_enter(&single, &tagged, DER_CONTEXT_CONSTRUCTED(0), "nextUpdate"));
	TRY(der_read_generalized_time(&tagged, &out->next_at, "nextUpdate"));
	TRY(der_finish(&tagged, "nextUpdate"));
	return der_finish(&single, "SingleResponse");
}

/* ---- what is true */

static struct err *issued_check(const struct single *s, const struct known_order *last, const char *hex)
{
	if (known_is_listed(last)) {
		DENY_UNLESS(s->status != SINGLE_GOOD, "ocsp_good_but_revoked", "serial %s is %s", hex,
			    last->action == KNOWN_HOLD ? "held" : "revoked");
		DENY_UNLESS(s->status != SINGLE_UNKNOWN, "ocsp_unknown_but_issued", "serial %s was issued", hex);
		DENY_UNLESS(s->revoked_at == (int64_t)last->at && s->reason == last->reason, "ocsp_revoked_differs",
			    "serial %s was ordered with another time or reason", hex);
		return NULL;
	}
	DENY_UNLESS(s->status != SINGLE_UNKNOWN, "ocsp_unknown_but_issued", "serial %s was issued", hex);
	DENY_UNLESS(s->status == SINGLE_GOOD, "ocsp_revoked_not_ordered", "nobody ordered serial %s revoked", hex);
	return NULL;
}

/* RFC 6960 §2.2, §4.4.8: never issued is "unknown", or revoked / certificateHold / 1970 with the extension. */
static struct err *never_issued_check(struct single *s, const char *hex)
{
	s->was_never_issued = true;
	DENY_UNLESS(s->status != SINGLE_GOOD, "ocsp_good_not_issued", "serial %s was never issued", hex);
	DENY_UNLESS(s->status == SINGLE_UNKNOWN || (s->revoked_at == 0 && s->reason == REASON_HOLD),
		    "ocsp_revoked_not_ordered", "serial %s was never issued", hex);
	return NULL;
}

static struct err *single_times_check(const struct single *s, const struct ocsp_issuer *issuer,
				      const struct ocsp_limits *l)
{
	DENY_UNLESS(s->this_at <= l->now + SKEW_S && s->this_at >= l->now - l->max_age_s, "ocsp_time",
		    "thisUpdate is %lld s from now", (long long)(s->this_at - l->now));
	DENY_UNLESS(s->next_at > s->this_at && s->next_at - s->this_at <= l->max_validity_s, "ocsp_time",
		    "nextUpdate is %lld s after thisUpdate", (long long)(s->next_at - s->this_at));
	DENY_UNLESS(s->next_at <= issuer->not_after_at, "ocsp_time",
		    "nextUpdate is past the end of the responder's certificate");
	return NULL;
}

static struct err *single_check(struct single *s, const struct ocsp_issuer *issuer, const struct known *known,
				const struct ocsp_limits *limits)
{
	char hex[SERIAL_HEX_SIZE];

	(void)serial_hex(hex, &s->serial);
	TRY(single_times_check(s, issuer, limits));
	if (!known_has(known, issuer->name, &s->serial, NULL))
		return never_issued_check(s, hex);
	return issued_check(s, known_status(known, issuer->name, &s->serial, INT64_MAX), hex);
}

/* ---- extensions */

struct extensions {
	bool has_nonce, has_extended_revoke;
};

static struct err *extension_read(struct extensions *out, struct der_reader *in)
{
	struct der_reader extension, inner;
	struct slice name, value, octets;

	TRY(der_expect_sequence(in, &extension, "extension"));
	TRY(der_read_oid(&extension, &name, "extnID"));
	TRY(der_read_octets(&extension, &value, 0, 2 + 2 * NONCE_MAX, "extnValue"));
	TRY(der_finish(&extension, "extension"));
	der_reader_init(&inner, value);
	if (oid_is(name, OID_OCSP_NONCE) && !out->has_nonce) {
		out->has_nonce = true;
		TRY(der_read_octets(&inner, &octets, 1, NONCE_MAX, "nonce"));
		return der_finish(&inner, "nonce");
	}
	DENY_UNLESS(oid_is(name, OID_OCSP_EXTENDED_REVOKE) && !out->has_extended_revoke, "ocsp_extension",
		    "an extension that this signer does not know, or twice the same");
	out->has_extended_revoke = true;
	TRY(der_expect(&inner, &octets, DER_NULL, "extended-revoke"));
	return der_finish(&inner, "extended-revoke");
}

static struct err *extensions_read(struct extensions *out, struct der_reader *in)
{
	struct der_reader tagged, list;

	if (der_reader_done(in))
		return NULL;
	TRY(der_enter(in, &tagged, DER_CONTEXT_CONSTRUCTED(1), "responseExtensions"));
	TRY(der_expect_sequence(&tagged, &list, "responseExtensions"));
	TRY(der_finish(&tagged, "responseExtensions"));
	DENY_UNLESS(!der_reader_done(&list), "ocsp_extension", "an empty list of extensions");
	while (!der_reader_done(&list))
		TRY(extension_read(out, &list));
	return NULL;
}

/* ---- the whole */

static struct err *data_check(const struct ocsp_issuer *issuer, const struct known *known,
			      const struct ocsp_limits *limits, struct slice tbs)
{
	struct der_reader in, data, singles;
	struct extensions extensions = { 0 };
	bool any_never_issued = false;
	int64_t produced_at;
	size_t num = 0;

	der_reader_init(&in, tbs);
	TRY(der_expect_sequence(&in, &data, "ResponseData"));
	TRY(der_finish(&in, "ResponseData"));
	TRY(responder_check(issuer, &data));
	TRY(der_read_generalized_time(&data, &produced_at, "producedAt"));
	DENY_UNLESS(produced_at <= limits->now + SKEW_S && produced_at >= limits->now - limits->max_age_s, "ocsp_time",
		    "producedAt is %lld s from now", (long long)(produced_at - limits->now));
	DENY_UNLESS(produced_at >= issuer->not_before_at, "ocsp_time", "the responder's certificate is not valid yet");
	TRY(der_expect_sequence(&data, &singles, "responses"));
	for (; !der_reader_done(&singles); num++) {
		struct single s;

		DENY_UNLESS(num < OCSP_SINGLES_MAX, "ocsp_form", "more than %d SingleResponses", OCSP_SINGLES_MAX);
		TRY(single_read(&s, issuer, &singles));
		TRY(single_check(&s, issuer, known, limits));
		any_never_issued |= s.was_never_issued && s.status == SINGLE_REVOKED;
	}
	DENY_UNLESS(num > 0, "ocsp_form", "no SingleResponse");
	TRY(extensions_read(&extensions, &data));
	DENY_UNLESS(!any_never_issued || extensions.has_extended_revoke, "ocsp_extension",
		    "RFC 6960 §4.4.8: revoked for a serial that was never issued needs extended-revoke");
	return der_finish(&data, "ResponseData");
}

struct err *ocsp_check(const struct ocsp_issuer *issuer, const struct known *known, const struct ocsp_limits *limits,
		       struct slice tbs)
{
	DENY_UNLESS(tbs.len <= OCSP_TBS_MAX, "ocsp_form", "a ResponseData of %zu octets", tbs.len);
	struct err *e = data_check(issuer, known, limits, tbs);

	if (e == NULL || err_code(e) != ERR_BAD_INPUT)
		return e;
	OWN(err) owned = e;
	char text[300];
	return ERR_FIELD(DENIED, "ocsp_form", "%s", err_text(owned, text, sizeof text));
}
