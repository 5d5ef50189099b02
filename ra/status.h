/*
 * status.h - the status of a certificate in the RA's eyes, and which order may follow which.
 *
 * Revoked is for ever; held may be released or revoked; an expired certificate takes no order. Both functions are pure.
 * RFC 5280 §5.3.1; the orders themselves are design section 4.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_STATUS_H
#define RA_STATUS_H

#include "x509/authority.h"

enum ra_status { RA_STATUS_VALID, RA_STATUS_HELD, RA_STATUS_REVOKED, RA_STATUS_EXPIRED, RA_STATUS_COUNT };

/* ra_status_of() folds: `action` is the last order that counts (0: none). */
enum ra_status ra_status_of(int64_t action, int64_t not_after_at, int64_t now_s);
const char *ra_status_word(enum ra_status status);

/* ra_status_next() gives the status after an order. *Errors* CONFLICT, field "order": the status does not allow it. */
struct err *ra_status_next(enum ra_status *out, enum ra_status from, enum order_action action) ERR_MUST_USE;

#endif
