/*
 * status.h - the one place where the answer about a certificate is decided.
 *
 *   known of the issuer and the certificate               answer                                          reference
 *   ----------------------------------------------------  ----------------------------------------------  ------------------
 *   the state is not complete yet, or too old              tryLater                                        RFC 6960 §2.3
 *   the issuer is none of ours                             unauthorized                                    RFC 5019 §2.2.3
 *   ours, but no responder certificate is in force         tryLater                                        RFC 6960 §2.3
 *   issued, no revocation counts                           good                                            RFC 6960 §2.2
 *   held                                                   revoked, certificateHold, time of the order     RFC 5280 §5.3.1
 *   revoked                                                revoked, its reason (absent when unspecified)   RFC 6960 §4.2.1
 *   never issued; reserved but not signed                  revoked, certificateHold, 1970-01-01 (NUC's     RFC 6960 §2.2,
 *                                                          form), or unknown: a setting                    §4.4.8
 *   expired                                                as before it expired                            RFC 6960 §4.4.4
 *
 * Pure: no clock, no ledger, no memory of its own. "good" comes from exactly one row above, and it needs a row of the
 * ledger, complete and fresh.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_STATUS_H
#define OCSP_STATUS_H

#include "ocsp/request.h"

/* A certificate as the ledger has it, in one word that changes at once: state, reason and time of the order. */
typedef uint64_t ocsp_word;
enum ocsp_ledger_state { OCSP_LEDGER_ABSENT = 0, OCSP_LEDGER_VALID = 1, OCSP_LEDGER_HELD = 2, OCSP_LEDGER_REVOKED = 3 };

static inline ocsp_word ocsp_word_make(enum ocsp_ledger_state state, int reason, int64_t revoked_at)
{
	return (ocsp_word)state | (ocsp_word)(reason & 15) << 2 | (ocsp_word)revoked_at << 6;
}
static inline enum ocsp_ledger_state ocsp_word_state(ocsp_word word)
{
	return (enum ocsp_ledger_state)(word & 3);
}
static inline int ocsp_word_reason(ocsp_word word)
{
	return (int)(word >> 2 & 15);
}
static inline int64_t ocsp_word_revoked_at(ocsp_word word)
{
	return (int64_t)(word >> 6);
}

enum ocsp_never_issued { OCSP_NEVER_ISSUED_REVOKED, OCSP_NEVER_ISSUED_UNKNOWN };

struct ocsp_status_settings {
	enum ocsp_never_issued never_issued;
	int64_t stale_after_ms; /* a ledger not read for longer than this decides nothing new */
};

/* How far the state can be trusted. */
struct ocsp_freshness {
	bool is_complete; /* everything was loaded once */
	int64_t age_ms; /* since the begin of the last complete reading of the ledger */
};

/* What is known about the issuer named by the CertID. */
enum ocsp_issuer_known { OCSP_ISSUER_FOREIGN, OCSP_ISSUER_MUTE /* ours, no responder in force */, OCSP_ISSUER_SERVED };

enum ocsp_outcome {
	OCSP_GOOD,
	OCSP_REVOKED,
	OCSP_UNKNOWN,
	OCSP_TRY_LATER, /* from here on: the whole message is answered with an OCSPResponseStatus */
	OCSP_UNAUTHORIZED,
	OCSP_MALFORMED,
	OCSP_INTERNAL,
	OCSP_OUTCOMES
};
const char *ocsp_outcome_word(enum ocsp_outcome outcome);
static inline bool ocsp_outcome_is_status(enum ocsp_outcome outcome)
{
	return outcome <= OCSP_UNKNOWN;
}

#define OCSP_REASON_HOLD 6 /* CRLReason certificateHold */

struct ocsp_verdict {
	enum ocsp_outcome outcome;
	int reason; /* CRLReason; 0: none is sent */
	int64_t revoked_at; /* Unix s */
};

/* ocsp_status_decide() decides one Request. `row` is OCSP_LEDGER_ABSENT (0) when the ledger has no certificate of that
 * issuer with that serial: never issued, or reserved without having been signed. */
struct ocsp_verdict ocsp_status_decide(const struct ocsp_single *single, enum ocsp_issuer_known issuer, ocsp_word row,
				       struct ocsp_freshness freshness, const struct ocsp_status_settings *settings);

#endif
