/*
 * orders.h - a batch of StatusOrders: decide, write down, answer. policy.h decides about each.
 *
 * An order that was accepted before is accepted again with its number. What is accepted is on disk before the answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_ORDERS_H
#define CA_SIGN_ORDERS_H

#include "ca/sign/state.h"

/* on_order() handles MSG_ORDER. */
struct err *on_order(void *state, struct bus_call *call) ERR_MUST_USE;

/* orders_accept() is the same without the bus: appends the body of MSG_ORDER_OK. */
struct err *orders_accept(struct signd_state *s, const char *peer, const struct msg_order *batch,
			  struct buf *out) ERR_MUST_USE;

#endif
