/*
 * authority.h - who may cause a signature: Authorisation, StatusOrder, Decision, Policy, and the rule that joins them.
 *
 * The objects are canonical DER, read by the strict reader into plain structs that borrow the bytes they were read
 * from; what decodes, encodes to the same bytes. Texts are slices of UTF-8. Tags are IMPLICIT. Digests are SHA-256.
 * authority_cms_verify() proves that a key signed; who that key belongs to is said by authority_recognise() (staff and
 * identification service: the signed Policy) and authority_recognise_holder() (certificates of this CA);
 * authority_decide() is the ONE rule that says whether decisions suffice, used by rad (what is still missing) and by
 * signd (may it be signed). Nothing here builds chains, asks a clock or keeps state.
 * design.md section 4; RFC 5652, RFC 5035.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_AUTHORITY_H
#define COMMON_X509_AUTHORITY_H

#include "asn1/der.h"
#include "asn1/oid.h"
#include "x509/cert.h"
#include "x509/profile.h"
#include "x509/template.h"

#define AUTHORISATION_MAX_BYTES	     (16 * 1024)
#define AUTHORISATION_MAX_EMAILS     4
#define AUTHORISATION_MAX_DNS	     16
#define STATUS_ORDER_MAX_BYTES	     4096
#define STATUS_ORDER_MAX_GROUND	     1024
#define DECISION_MAX_DIGESTS	     100000
#define DECISION_MAX_BYTES	     (DECISION_MAX_DIGESTS * 34 + 1024)
#define AUTHORITY_CMS_MAX_BYTES	     (24 * 1024)
#define POLICY_MAX_BYTES	     (1024 * 1024)
#define POLICY_MAX_STAFF	     4096
#define POLICY_MAX_IDENTIFIERS	     16
#define SIGNED_POLICY_MAX_DECISIONS  4
#define SIGNED_POLICY_MAX_BYTES	     (POLICY_MAX_BYTES + 256 * 1024)
#define AUTHORITY_NONCE_LEN	     16
#define AUTHORITY_PERSON_SIZE	     65 /* an IIN, or the name of an identification service; with NUL */
#define AUTHORITY_MAX_DECISIONS	     8 /* that may be named for one Authorisation or StatusOrder */
#define AUTHORITY_MAX_DECISION_AGE_S (30 * 86400) /* longest time between decidedAt and expiresAt */
#define AUTHORITY_CLOCK_SKEW_S	     120 /* how far in the future decidedAt may lie */
#define AUTHORITY_BULK_ORDERS	     10 /* a decision over more orders than this is bulk and needs two persons */

/* ---- Authorisation ---- */

/*
 * Authorisation ::= SEQUENCE { version INTEGER (1), applicationNumber UTF8String, kind UTF8String, purpose UTF8String,
 *    issuer UTF8String, profile UTF8String, subject Name, publicKey SubjectPublicKeyInfo,
 *    emails SEQUENCE OF UTF8String, dnsNames SEQUENCE OF UTF8String, keyStorage OBJECT IDENTIFIER OPTIONAL,
 *    maxValidity INTEGER, channel ENUMERATED { remote(1), counter(2), renewal(3), administration(4) },
 *    enteredBy UTF8String, agreementDigest OCTET STRING (32), expiresAt INTEGER, nonce OCTET STRING (16) }
 * One for each request for a certificate: everything in the certificate that the profile does not fix.
 */
struct authorisation {
	struct slice application_number; /* 1..64 octets; for ceremonies and services a name of theirs */
	struct slice kind, purpose, issuer, profile;
	struct slice subject; /* Name, whole DER */
	struct slice public_key; /* SubjectPublicKeyInfo, whole DER */
	struct slice emails[AUTHORISATION_MAX_EMAILS];
	size_t num_emails;
	struct slice dns_names[AUTHORISATION_MAX_DNS];
	size_t num_dns_names;
	struct slice key_storage; /* content octets of the OID, empty when absent */
	int64_t max_validity_s;
	enum profile_channel channel;
	struct slice entered_by; /* person, or empty: the applicant */
	struct slice agreement_digest; /* 32 octets */
	int64_t expires_at;
	struct slice nonce; /* 16 octets */
};

/* authorisation_decode() reads one. *Owns* nothing: borrows `der`. *Errors* TOO_LARGE, BAD_INPUT naming the field. */
struct err *authorisation_decode(struct authorisation *out, struct slice der) ERR_MUST_USE;
/* authorisation_encode() appends the DER. *Errors* BAD_INPUT for what authorisation_decode() would refuse. */
struct err *authorisation_encode(struct buf *out, const struct authorisation *in) ERR_MUST_USE;
/* authorisation_cert_data() gives what cert_template_render() needs. `out` borrows `in` and `storage`. */
struct err *authorisation_cert_data(struct cert_data *out, char storage[OID_TEXT_SIZE],
				    const struct authorisation *in) ERR_MUST_USE;

/* ---- StatusOrder ---- */

enum order_action { ORDER_REVOKE = 1, ORDER_HOLD = 2, ORDER_RELEASE = 3 };

/*
 * StatusOrder ::= SEQUENCE { version INTEGER (1), issuer UTF8String, serial INTEGER, certificateDigest OCTET STRING (32),
 *    action ENUMERATED { revoke(1), hold(2), release(3) }, reason ENUMERATED, invalidityAt [0] INTEGER OPTIONAL,
 *    revokedAt INTEGER, ground UTF8String, nonce OCTET STRING (16) }
 * reason: RFC 5280 §5.3.1. revoke: 0, 1, 3, 4, 5, 9, 10; hold: 6; release: 8.
 */
struct status_order {
	struct slice issuer;
	struct serial serial;
	struct slice certificate_digest; /* SHA-256 of the certificate */
	enum order_action action;
	int64_t reason;
	bool has_invalidity_at;
	int64_t invalidity_at;
	int64_t revoked_at;
	struct slice ground; /* may be empty */
	struct slice nonce;
};

/* status_order_decode() and _encode(): as for the Authorisation. A reason that does not fit the action is BAD_INPUT. */
struct err *status_order_decode(struct status_order *out, struct slice der) ERR_MUST_USE;
struct err *status_order_encode(struct buf *out, const struct status_order *in) ERR_MUST_USE;

/* order_reason_word() gives RFC 5280's name of a reason code ("keyCompromise"), NULL for a number that is none;
 * order_reason_parse() reads one; order_reason_fits() says whether it may stand with the action. */
const char *order_reason_word(int64_t reason);
bool order_reason_parse(int64_t *out, const char *word);
bool order_reason_fits(enum order_action action, int64_t reason);
const char *order_action_word(enum order_action action); /* "revoke", "hold", "release" */

/* ---- Decision ---- */

enum decision_kind {
	DECISION_AUTHORISATIONS = 1,
	DECISION_ORDERS = 2,
	DECISION_POLICY = 3,
	DECISION_ADOPTION = 4,
	DECISION_DELEGATION = 5,
	DECISION_RECONCILIATION = 6,
};
enum decision_verdict { DECISION_APPROVE = 1, DECISION_REJECT = 2 };

/*
 * Decision ::= SEQUENCE { version INTEGER (1), kind ENUMERATED { authorisations(1), orders(2), policy(3), adoption(4),
 *    delegation(5), reconciliation(6) }, verdict ENUMERATED { approve(1), reject(2) },
 *    digests SEQUENCE SIZE (1..100000) OF OCTET STRING (32), evidence [0] OCTET STRING (32) OPTIONAL,
 *    reason UTF8String, decidedAt INTEGER, expiresAt INTEGER, nonce OCTET STRING (16) }
 * The digests stand in strictly ascending order: none twice, and a look-up is a binary search in the bytes.
 */
struct decision {
	enum decision_kind kind;
	enum decision_verdict verdict;
	struct slice digests; /* content of the SEQUENCE OF: 34 octets each */
	size_t num_digests;
	struct slice evidence; /* 32 octets, or empty */
	struct slice reason; /* code of a rejection, or empty */
	int64_t decided_at, expires_at;
	struct slice nonce;
};

struct err *decision_decode(struct decision *out, struct slice der) ERR_MUST_USE;
/* decision_encode() writes the decision over the given digests (any order; `in->digests` is not read).
 * *Errors* BAD_INPUT when a digest is doubled or there are none or too many. */
struct err *decision_encode(struct buf *out, const struct decision *in, const uint8_t (*digests)[SHA256_LEN],
			    size_t num_digests) ERR_MUST_USE;
/* decision_has() says whether a digest is among the members; decision_digest() borrows member number i. */
bool decision_has(const struct decision *d, const uint8_t digest[SHA256_LEN]);
const uint8_t *decision_digest(const struct decision *d, size_t i);

/* SignedDecision ::= SEQUENCE { decision OCTET STRING, signature OCTET STRING }  -- detached CMS over the Decision */
struct signed_decision {
	struct slice decision;
	struct slice signature;
};
struct err *signed_decision_decode(struct signed_decision *out, struct slice der) ERR_MUST_USE;
struct err *signed_decision_encode(struct buf *out, const struct signed_decision *in) ERR_MUST_USE;

/* ---- Policy ---- */

/* Staff ::= SEQUENCE { person UTF8String, name UTF8String, role ENUMERATED { operator(1), senior(2), administrator(3),
 *    auditor(4), desk(5) }, office UTF8String, keyHash OCTET STRING (32), from INTEGER, to INTEGER } */
struct staff {
	struct slice person; /* IIN, 12 digits */
	struct slice name;
	enum profile_role role; /* ROLE_OPERATOR..ROLE_DESK */
	struct slice office;
	struct slice key_hash; /* SHA-256 of the SubjectPublicKeyInfo */
	int64_t from_at, to_at; /* valid while from <= now < to */
};

/* Identifier ::= SEQUENCE { name UTF8String, keyHash OCTET STRING (32), perHour INTEGER, perDay INTEGER } */
struct identifier {
	struct slice name; /* never 12 digits */
	struct slice key_hash;
	int64_t per_hour, per_day; /* ceilings of certificates on this service's word */
};

/* Policy ::= SEQUENCE { version INTEGER, profiles OCTET STRING, staff SEQUENCE OF Staff,
 *    identification SEQUENCE OF Identifier, clockWindowBack INTEGER, clockWindowAhead INTEGER }
 * No key hash stands in it twice; one person may have several keys. */
struct policy {
	int64_t version; /* from 1; only grows */
	struct slice profiles; /* exact bytes of profiles.conf */
	struct staff *staff;
	size_t num_staff;
	struct identifier *identifiers;
	size_t num_identifiers;
	int64_t clock_back_s, clock_ahead_s; /* notBefore may lie in [now - back, now + ahead] */
};

/* policy_decode() reads one. *Owns* the two arrays: the caller, policy_clear(); slices borrow `der`.
 * It does not parse profiles.conf. */
struct err *policy_decode(struct policy *out, struct slice der) ERR_MUST_USE;
struct err *policy_encode(struct buf *out, const struct policy *in) ERR_MUST_USE;
void policy_clear(struct policy *self);
OWN_TYPE(policy, struct policy, policy_clear)

/* policy_staff_find() finds the entry of a key that is valid now, NULL when there is none. */
const struct staff *policy_staff_find(const struct policy *p, const uint8_t key_hash[SHA256_LEN], int64_t now);
const struct identifier *policy_identifier_find(const struct policy *p, const uint8_t key_hash[SHA256_LEN]);

/* SignedPolicy ::= SEQUENCE { policy OCTET STRING, decisions SEQUENCE OF SignedDecision } */
struct signed_policy {
	struct slice policy;
	struct signed_decision decisions[SIGNED_POLICY_MAX_DECISIONS];
	size_t num_decisions;
};
struct err *signed_policy_decode(struct signed_policy *out, struct slice der) ERR_MUST_USE;
struct err *signed_policy_encode(struct buf *out, const struct signed_policy *in) ERR_MUST_USE;

/* Who may sign the next Policy: the administrators of the Policy in force, or, while there is none, pinned keys. */
struct policy_signers {
	const struct policy *in_force; /* NULL: the pins count */
	const uint8_t (*pins)[SHA256_LEN]; /* SHA-256 of SubjectPublicKeyInfo, from signd's own configuration */
	size_t num_pins;
	bool is_stored; /* it was accepted before and is read again: each decision is judged as of its own day, so that a
			 * chain of stored Policies can be walked from the first, which the pins judge */
};

/* policy_accept() says whether a SignedPolicy may take force: two administrators, different persons (with pins: as the
 * new Policy itself names them), approved exactly these bytes; the version is higher than the one in force.
 * `out` borrows `der`. *Errors* BAD_INPUT, DENIED (who signed), CONFLICT (version). */
struct err *policy_accept(struct policy *out, struct slice der, const struct policy_signers *signers,
			  int64_t now) ERR_MUST_USE;

/* ---- the signature of a decision ---- */

struct authority_signature {
	struct cert cert; /* the signer's certificate, borrows the CMS; cert.der, cert.key_hash */
	int64_t signed_at; /* signingTime */
};

/*
 * authority_cms_verify() checks a detached CMS SignedData over `content`, in one fixed form (RFC 5652 §5): one
 * SignerInfo, SHA-256, signed attributes exactly contentType (id-data), messageDigest, signingTime and
 * signingCertificateV2 (RFC 5035 §3, SHA-256 by default), the signer's certificate and no other, no CRLs, no content, no
 * unsigned attributes. The key comes from that certificate; no chain is built and no time is judged: the caller looks
 * the key hash up. `out` borrows `cms`. *Errors* TOO_LARGE, BAD_INPUT naming the part, field "signature".
 */
struct err *authority_cms_verify(struct authority_signature *out, struct slice cms, struct slice content) ERR_MUST_USE;

/* ---- the rule ---- */

/* Who a verified signer is. `roles` is a sum of ROLE_BIT(); 0: nobody we know. */
struct decider {
	unsigned roles;
	char person[AUTHORITY_PERSON_SIZE]; /* IIN, or the identification service's name */
	char bin[13]; /* holder, head, delegate: of their certificate; else "" */
	bool has_other_subject; /* set by who knows the object: the holder's certificate has another subject than the
				 * Authorisation, so that this is no renewal by the holder */
	uint8_t key_hash[SHA256_LEN];
};

/* authority_recognise() looks a key up in the Policy: staff valid now, or an identification service. */
void authority_recognise(struct decider *out, const struct policy *p, const uint8_t key_hash[SHA256_LEN], int64_t now);

/* authority_recognise_holder() reads what a certificate of this CA says: its person as HOLDER, and HEAD besides when it
 * is a head's. Roles are 0 unless it is a SIGN certificate (nonRepudiation) that is valid now. That this CA signed it
 * and that it is neither revoked nor held was found out by the caller. */
void authority_recognise_holder(struct decider *out, const struct cert *c, int64_t now);

/* A decision whose signature was verified. */
struct verified_decision {
	struct decision decision;
	uint8_t digest[SHA256_LEN]; /* of the Decision */
	struct decider decider;
};

/* Why a decision does not count, or why decisions do not suffice. X(NAME, "stable word", "sentence") */
#define AUTHORITY_REFUSALS(X)                                                                                          \
	X(FITS, "fits", "the decision counts")                                                                         \
	X(NOT_NAMED, "not_named", "the decision is not about this object")                                             \
	X(WRONG_KIND, "wrong_kind", "the decision is about another kind of object")                                    \
	X(REJECTED, "rejected", "the decision rejects")                                                                \
	X(FROM_FUTURE, "decision_from_future", "the decision is dated in the future")                                  \
	X(EXPIRED, "decision_expired", "the decision has expired")                                                     \
	X(TOO_LONG, "decision_too_long", "the decision wants to be valid for too long")                                \
	X(UNKNOWN_SIGNER, "unknown_signer", "the signer is nobody who may decide")                                     \
	X(WRONG_ROLE, "wrong_role", "the signer's role is not one that is needed")                                     \
	X(ENTERER, "enterer", "the signer entered the application")                                                    \
	X(SUBJECT, "subject", "the signer is the subject")                                                             \
	X(NOT_HOLDER, "not_holder", "the signer does not hold the certificate")                                        \
	X(OTHER_ORGANISATION, "other_organisation", "the signer belongs to another organisation")                      \
	X(NO_GROUND, "no_ground", "an order of the staff needs a ground")                                              \
	X(SAME_PERSON, "same_person", "the signer is a person whose decision counts already")                          \
	X(MISSING, "decisions_missing", "decisions are missing")                                                       \
	X(NO_RULE, "no_rule", "no number of decisions suffices: the channel is closed to this kind")                   \
	X(TOO_MANY, "too_many_decisions", "more decisions are named than one object may have")

enum authority_refusal {
#define AUTHORITY_REFUSAL_ENUM(name, word, sentence) AUTHORITY_##name,
	AUTHORITY_REFUSALS(AUTHORITY_REFUSAL_ENUM)
#undef AUTHORITY_REFUSAL_ENUM
		AUTHORITY_REFUSAL_COUNT
};
const char *authority_refusal_word(enum authority_refusal refusal);
const char *authority_refusal_sentence(enum authority_refusal refusal);

/* What is decided on. Texts are NUL-terminated, "" for none. */
struct authority_case {
	enum decision_kind kind; /* of the decisions that count: DECISION_AUTHORISATIONS, DECISION_ORDERS, ... */
	const uint8_t *digest; /* SHA-256 of the object */
	const struct profile_deciders *required; /* one slot for each decision that is needed */
	const char *subject_person; /* IIN of the subject */
	const char *subject_bin; /* BIN of the subject's organisation */
	const char *entered_by; /* person who entered it */
	bool staff_may; /* false: staff roles do not count (an order without a ground) */
	int64_t now;
};

struct authority_answer {
	bool suffices;
	enum authority_refusal refusal; /* FITS, or the most telling reason */
	unsigned missing[PROFILE_MAX_DECIDERS]; /* slots that nobody fills yet, sums of ROLE_BIT() */
	size_t num_missing;
	enum authority_refusal refusals[AUTHORITY_MAX_DECISIONS]; /* one for each decision, in order */
};

/*
 * authority_decide() is the rule: each slot is filled by the decision of another person whose role is in the slot, who
 * neither entered the application nor is its subject (a holder, for renewal and for the own certificate, is both and may
 * be), head and delegate for their own organisation only; each decision is of the right kind, approves, names the object
 * and is fresh. No slot: nothing suffices. Pure.
 */
void authority_decide(struct authority_answer *out, const struct authority_case *c,
		      const struct verified_decision *const *decisions, size_t num_decisions);

/* authority_case_of_authorisation() and _of_order() fill a case; `person`, `bin`, `entered_by` are the caller's room for
 * its texts. _of_authorisation(): `required` is the kind's for the channel, NULL when there is none.
 * _of_order(): slots and subject by design.md section 4: revoke and hold one, release and bulk (num_digests of the
 * decision past AUTHORITY_BULK_ORDERS) two; staff only with a ground. `subject` is the Name of the certificate that the order is about. */
struct authority_room {
	char person[13], bin[13], entered_by[AUTHORITY_PERSON_SIZE];
	struct profile_deciders required;
};
void authority_case_of_authorisation(struct authority_case *out, struct authority_room *room,
				     const struct authorisation *a, const uint8_t digest[SHA256_LEN],
				     const struct profile_deciders *required, int64_t now);
void authority_case_of_order(struct authority_case *out, struct authority_room *room, const struct status_order *o,
			     const uint8_t digest[SHA256_LEN], struct slice subject, bool is_bulk, int64_t now);

/* authority_required_floor() says whether what profiles.conf asks for is at least what design.md section 4 asks for:
 * somebody decides; remote: the identification service among them, and a second for entities; counter: staff among
 * them, and a second for entities; renewal: the holder; administration: two administrators. Checked when a Policy is
 * taken into force. *Errors* CONFIG, field = the kind. */
struct err *authority_required_floor(const struct profile_kind *kind, enum profile_channel channel) ERR_MUST_USE;

#endif
