/*
 * policy.h - may THIS key sign THESE bytes? The signer's rules on certificates and on orders, pure.
 *
 * struct sign_rules is a Policy in force, made ready: its staff, its parsed profiles.conf and one compiled template for
 * each profile under each issuer that this signer holds. sign_policy_decide() answers for one certificate,
 * sign_order_decide() for one StatusOrder; both look only at what they are given: the bytes, the evidence (each
 * decision's CMS verified once by sign_evidence_verify()), the clock's reading, and what the signer's own sets say. They
 * keep no state and sign nothing. Every refusal has a stable word (reasons below) and a sentence.
 * Nothing of another process is believed: kinds, roles, profiles and ceilings come from the signed Policy, the TBS is
 * rendered here from the Authorisation and compared byte for byte.
 * design.md section 4; incidents.md section 6, controls 1 and 3.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_POLICY_H
#define CA_SIGN_POLICY_H

#include "x509/authority.h"

/* ---- the rules in force ---- */

/* An issuer whose key this signer holds; both borrowed during sign_rules_create() only. */
struct sign_issuer {
	const char *name; /* "rsa" */
	struct slice certificate; /* the issuing CA's, DER */
};

struct sign_rules;

/* sign_rules_create() makes a Policy (its DER, already accepted by policy_accept()) ready: parses its profiles, checks
 * that every open channel asks for enough deciders (authority_required_floor()), compiles the templates of every profile
 * but the CA's under every issuer. *Owns* the result: the caller; it copies what it needs.
 * *Errors* CONFIG, BAD_INPUT: the Policy may not take force. */
struct err *sign_rules_create(struct sign_rules **out, struct slice policy, const struct sign_issuer *issuers,
			      size_t num_issuers) ERR_MUST_USE;
void sign_rules_destroy(struct sign_rules **self);
OWN_TYPE(sign_rules, struct sign_rules *, sign_rules_destroy)

/* Getters borrow. sign_rules_issuer() gives the issuing CA's certificate, empty when this signer has no such issuer. */
const struct policy *sign_rules_policy(const struct sign_rules *rules);
const struct profiles *sign_rules_profiles(const struct sign_rules *rules);
struct slice sign_rules_issuer(const struct sign_rules *rules, const char *name);

/* ---- evidence ---- */

/* What the signer's own set says of a certificate. */
enum sign_status { SIGN_UNKNOWN, SIGN_VALID, SIGN_HELD, SIGN_REVOKED };

/* How sign_evidence_verify() asks about the certificate of a holder or head: the status of a serial of an issuer, and the
 * digest that it was recorded with (32 octets, not written when unknown). */
typedef enum sign_status sign_status_of(void *arg, const char *issuer, const struct serial *serial,
					uint8_t out_digest[SHA256_LEN]);

/* One Decision with what was found out about its signature. Borrows the decision's and the signature's bytes. */
struct sign_evidence {
	struct verified_decision verified; /* decider.roles are 0 for somebody we do not know */
	struct cert cert; /* the signer's certificate */
	int identifier; /* index among the Policy's identification services, -1 for none */
};

/*
 * sign_evidence_verify() decodes a Decision, verifies its CMS and finds out who signed: staff or identification service
 * by the Policy; else the holder of a certificate that one of our issuers signed, whose recorded digest is the same and
 * that is neither revoked nor held. Done once for each decision of a batch, however many items name it. A good signature
 * of somebody unknown is no error: the decision then counts for nothing. *Errors* BAD_INPUT, TOO_LARGE.
 */
struct err *sign_evidence_verify(struct sign_evidence *out, const struct sign_rules *rules,
				 const struct signed_decision *signed_decision, sign_status_of *status_of, void *arg,
				 int64_t now) ERR_MUST_USE;

/* ---- ceilings of the identification services ---- */

/* Counts of the last hour and day, to the minute. Zero-initialised; one for each service, kept by the caller. */
struct sign_window {
	uint32_t minutes[1440];
	int64_t last_minute;
	int64_t day; /* sum of minutes[] */
};
void sign_window_add(struct sign_window *self, int64_t at);
/* sign_window_count() gives the counts of the 60 and 1440 minutes that end with the minute of `now`. */
void sign_window_count(struct sign_window *self, int64_t now, int64_t *out_hour, int64_t *out_day);

/* ---- verdicts ---- */

enum sign_verdict {
	SIGN_SIGN = 1, /* cert: sign the TBS; order: accept it */
	SIGN_REFUSE = 2,
	SIGN_REPEAT = 3, /* done before: give the recorded answer again, sign nothing new */
};

/* X(NAME, "stable word", "sentence") */
#define SIGN_REASONS(X)                                                                                                \
	X(NONE, "none", "nothing speaks against it")                                                                   \
	X(NO_POLICY, "no_policy", "no Policy is in force")                                                             \
	X(MALFORMED, "malformed", "the object is not in its one DER form")                                             \
	X(AUTHORISATION_EXPIRED, "authorisation_expired", "the Authorisation has expired")                             \
	X(UNKNOWN_ISSUER, "unknown_issuer", "this signer has no key of that issuer")                                   \
	X(UNKNOWN_KIND, "unknown_kind", "the Policy has no such kind and purpose")                                     \
	X(WRONG_PROFILE, "wrong_profile", "the profile is not the one of that kind and purpose")                       \
	X(EVIDENCE, "evidence", "the decisions do not suffice")                                                        \
	X(DECISION_ABSENT, "decision_absent", "a decision that is named was not sent or does not verify")              \
	X(CEILING_HOUR, "ceiling_hour", "the identification service is over its certificates an hour")                 \
	X(CEILING_DAY, "ceiling_day", "the identification service is over its certificates a day")                     \
	X(NOT_BEFORE, "not_before", "notBefore is outside the window of the signer's clock")                           \
	X(SERIAL_FORM, "serial_form", "the serial number is not in the form of this CA")                               \
	X(SERIAL_TAKEN, "serial_taken", "a certificate with this serial number exists")                                \
	X(RENDER, "render", "the profile does not allow what the Authorisation says")                                  \
	X(TBS_DIFFERS, "tbs_differs", "the TBS is not what this signer renders")                                       \
	X(UNKNOWN_SERIAL, "unknown_serial", "no certificate with this serial number is known")                         \
	X(WRONG_CERTIFICATE, "wrong_certificate", "the order names another certificate than the known one")            \
	X(ALREADY_REVOKED, "already_revoked", "the certificate is revoked, which is final")                            \
	X(ALREADY_HELD, "already_held", "the certificate is held already")                                             \
	X(NOT_HELD, "not_held", "only a held certificate can be released")                                             \
	X(TARGET_ABSENT, "target_absent", "the certificate that the order is about was not sent")                      \
	X(ORDER_TIME, "order_time", "the time of the order does not fit the signer's clock")

enum sign_reason {
#define SIGN_REASON_ENUM(name, word, sentence) SIGN_BECAUSE_##name,
	SIGN_REASONS(SIGN_REASON_ENUM)
#undef SIGN_REASON_ENUM
		SIGN_REASON_COUNT
};

struct sign_answer {
	enum sign_verdict verdict;
	enum sign_reason reason;
	enum authority_refusal refusal; /* why the decisions do not suffice, when reason is EVIDENCE */
	const char *word; /* stable word of the reason, or of the refusal (static) */
	char text[256]; /* sentence for people, with the detail */
	uint8_t digest[SHA256_LEN]; /* of the Authorisation or StatusOrder */
	int identifier; /* index of the identification service whose word counts, -1 for none: to be counted */
	/* of a certificate that may be signed */
	char issuer[17];
	struct serial serial;
	int64_t not_after_at;
	const struct suite *suite; /* row of the issuer's key */
};

/* ---- certificates ---- */

struct sign_cert_question {
	const struct sign_rules *rules; /* NULL: no Policy is in force, nothing is signed */
	struct slice authorisation; /* DER */
	const struct sign_evidence *const *decisions; /* those that the item names; NULL for one that did not verify */
	size_t num_decisions;
	struct slice serial; /* content octets */
	int64_t not_before_at;
	struct slice tbs; /* what is asked for */
	int64_t now;
	/* what the signer's own sets say */
	bool authorisation_signed; /* a certificate for exactly this Authorisation was signed before */
	bool serial_taken; /* the issuer has signed, adopted or reserved this serial */
	const int64_t *hour_counts, *day_counts; /* by identification service; NULL: all zero */
};

/* sign_policy_decide() decides on one certificate. Everything of design.md section 4: the decisions suffice, are fresh
 * and for exactly this Authorisation; expiry, channel, kind, profile, ceilings; notBefore in [now - back, now + ahead]
 * and not after expiry of the issuer; serial of 1..20 octets, positive, first octet 0x10..0x7F; the TBS equals the
 * rendering. Pure. Never fails: what cannot be decided is refused. */
void sign_policy_decide(struct sign_answer *out, const struct sign_cert_question *q);

/* ---- orders ---- */

struct sign_order_question {
	const struct sign_rules *rules;
	struct slice order; /* DER */
	const struct sign_evidence *const *decisions;
	size_t num_decisions;
	const struct cert
		*target; /* the certificate with the digest that the order names; NULL: not sent. Without it only
				    * staff may decide, and nothing is released */
	int64_t now;
	/* what the signer's own sets say */
	bool order_accepted; /* exactly this order was accepted before */
	enum sign_status status; /* of (issuer, serial) */
	const uint8_t *known_digest; /* SHA-256 that the certificate was recorded with; NULL with SIGN_UNKNOWN */
};

/* sign_order_decide() decides on one StatusOrder: known serial, right certificate, revoked absorbs, hold from valid and
 * release from held only, time, and decisions as authority_case_of_order() asks. Pure. */
void sign_order_decide(struct sign_answer *out, const struct sign_order_question *q);

#endif
