/*
 * order.h - a signed status order takes effect: verified, judged, written, in one transaction.
 *
 * From an operator (with a ground; release and hold lifted by two persons), or from the holder of a certificate of this
 * CA over their own certificate. Whether the decisions suffice is said by the same rule as in signd; an order that needs
 * another person waits in order_pending. A committed revocation counts at once for relying parties.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_ORDER_H
#define RA_ORDER_H

#include "ra/ra.h"
#include "ra/status.h"

struct ra_order_in {
	struct slice order, decision, cms;
	const char *person; /* who sent it must be who signed it; NULL: the signer is the sender */
	unsigned roles; /* that may order this way, sum of ROLE_BIT() */
};

struct ra_order_out {
	char serial[SERIAL_HEX_SIZE];
	enum order_action action;
	enum ra_status status; /* of the certificate now */
	bool is_pending; /* another person has to decide, too */
	size_t num_missing;
};

/* ra_order() applies an order and prompts cad. Sending it twice changes nothing the second time.
 * *Errors* BAD_INPUT, NOT_FOUND (no such certificate), DENIED (who may not), CONFLICT (its status does not allow it). */
struct err *ra_order(struct ra_order_out *out, struct ra_ctx *ctx, const struct ra_order_in *in) ERR_MUST_USE;

#endif
