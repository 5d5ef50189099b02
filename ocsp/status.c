/*
 * status.c - ocsp_status_decide(): good, revoked, unknown, or no answer. The table stands in status.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/status.h"

const char *ocsp_outcome_word(enum ocsp_outcome outcome)
{
	static const char *const words[OCSP_OUTCOMES] = { "good",	  "revoked",   "unknown", "try_later",
							  "unauthorized", "malformed", "internal" };

	return outcome < OCSP_OUTCOMES ? words[outcome] : "internal";
}

static struct ocsp_verdict only(enum ocsp_outcome outcome)
{
	return (struct ocsp_verdict){ .outcome = outcome };
}

static struct ocsp_verdict revoked(int reason, int64_t revoked_at)
{
	return (struct ocsp_verdict){ .outcome = OCSP_REVOKED, .reason = reason, .revoked_at = revoked_at };
}

struct ocsp_verdict ocsp_status_decide(const struct ocsp_single *single, enum ocsp_issuer_known issuer, ocsp_word row,
				       struct ocsp_freshness freshness, const struct ocsp_status_settings *settings)
{
	if (!freshness.is_complete)
		return only(OCSP_TRY_LATER);
	if (issuer == OCSP_ISSUER_FOREIGN || single->digest == OCSP_DIGEST_FOREIGN)
		return only(OCSP_UNAUTHORIZED);
	if (issuer == OCSP_ISSUER_MUTE || freshness.age_ms > settings->stale_after_ms)
		return only(OCSP_TRY_LATER);
	switch (ocsp_word_state(row)) {
	case OCSP_LEDGER_VALID:
		return only(OCSP_GOOD);
	case OCSP_LEDGER_HELD:
		return revoked(OCSP_REASON_HOLD, ocsp_word_revoked_at(row));
	case OCSP_LEDGER_REVOKED:
		return revoked(ocsp_word_reason(row), ocsp_word_revoked_at(row));
	case OCSP_LEDGER_ABSENT:
		break;
	}
	if (settings->never_issued == OCSP_NEVER_ISSUED_REVOKED)
		return revoked(OCSP_REASON_HOLD, 0);
	return only(OCSP_UNKNOWN);
}
