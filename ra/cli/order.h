/*
 * order.h - status orders: revoke, hold, release, signed by the person who gives them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_ORDER_H
#define RA_CLI_ORDER_H

#include "cli/cli.h"
#include "ra/cli/client.h"
#include "ra/cli/decide.h"

struct order_terms {
	enum order_action action;
	const char *issuer; /* short name: "rsa" */
	const char *serial; /* hexadecimal, as the person gave it */
	struct slice certificate; /* DER of the certificate that it is about; its serial must be the one given */
	const char *reason; /* RFC 5280's name; NULL for hold and release, which have only one */
	const char *ground; /* "" for none */
	const char *invalid_since; /* RFC 3339, or NULL */
};

/* order_request() makes a StatusOrder dated now, signs a Decision over it and makes the body of POST /orders.
 * *Owns* the result: the caller. *Errors* BAD_INPUT naming serial, reason or invalid-since. */
struct err *order_request(json_t **out, const struct key_store *store, const struct order_terms *terms) ERR_MUST_USE;

/* order_countersign() makes the body for an order that another person proposed: the order's DER must say the same as the
 * terms (reason and ground are the first person's). *Errors* CONFLICT naming what differs. */
struct err *order_countersign(json_t **out, const struct key_store *store, const struct order_terms *terms,
			      struct slice order) ERR_MUST_USE;

/* order_show() prints the answer. */
struct err *order_show(const struct cli *cli, const json_t *answer) ERR_MUST_USE;

/* order_reasons() is the list of reasons for help texts. */
extern const char order_reasons[];

#endif
