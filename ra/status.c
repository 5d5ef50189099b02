/*
 * status.c - status of a certificate and the orders it allows. See status.h.
 *
 *             revoke     hold       release
 *   valid     revoked    held       -
 *   held      revoked    -          valid
 *   revoked   -          -          -
 *   expired   -          -          -
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/status.h"

static const char *const words[RA_STATUS_COUNT] = { "valid", "held", "revoked", "expired" };

enum { NONE = RA_STATUS_COUNT };

static const int next[RA_STATUS_COUNT][3] = {
	[RA_STATUS_VALID] = { RA_STATUS_REVOKED, RA_STATUS_HELD, NONE },
	[RA_STATUS_HELD] = { RA_STATUS_REVOKED, NONE, RA_STATUS_VALID },
	[RA_STATUS_REVOKED] = { NONE, NONE, NONE },
	[RA_STATUS_EXPIRED] = { NONE, NONE, NONE },
};

enum ra_status ra_status_of(int64_t action, int64_t not_after_at, int64_t now_s)
{
	if (action == ORDER_REVOKE)
		return RA_STATUS_REVOKED;
	if (now_s > not_after_at)
		return RA_STATUS_EXPIRED;
	return action == ORDER_HOLD ? RA_STATUS_HELD : RA_STATUS_VALID;
}

const char *ra_status_word(enum ra_status status)
{
	return status < RA_STATUS_COUNT ? words[status] : "?";
}

struct err *ra_status_next(enum ra_status *out, enum ra_status from, enum order_action action)
{
	ENSURE(from < RA_STATUS_COUNT && action >= ORDER_REVOKE && action <= ORDER_RELEASE, BUG,
	       "no such status or order");
	int to = next[from][action - ORDER_REVOKE];

	ENSURE_FIELD(to != NONE, CONFLICT, "order", "%s: the certificate is %s", order_action_word(action),
		     ra_status_word(from));
	*out = (enum ra_status)to;
	return NULL;
}
