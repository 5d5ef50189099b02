/*
 * events.h - what the issuing signer tells the other tier: which serials exist and which orders were accepted.
 *
 * signd-ca reads its journal and signs a batch with its journal key; cad carries it; signd-ocsp verifies it with the
 * pinned key, takes what comes next in the sequence, and keeps it in its own journal before it says so. What it has
 * already is passed over; a gap is answered with the number that is wanted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_EVENTS_H
#define CA_SIGN_EVENTS_H

#include "ca/sign/state.h"

enum { EVENTS_BATCH_MAX = 5000 };

/* events_give() appends the body of MSG_EVENTS_OK: at most EVENTS_BATCH_MAX events from number `from` on. */
struct err *events_give(struct signd_state *s, const struct msg_events *asked, struct buf *out) ERR_MUST_USE;

/* events_take() takes a signed batch; *out_next is the number that is wanted next. *Errors* DENIED, field
 * events_signature or events_order; BAD_INPUT; those of the journal. */
struct err *events_take(struct signd_state *s, struct slice signed_events, int64_t *out_next) ERR_MUST_USE;

/* on_events() handles MSG_EVENTS (tier ca), on_events_push() MSG_EVENTS_PUSH (tier ocsp). */
struct err *on_events(void *state, struct bus_call *call) ERR_MUST_USE;
struct err *on_events_push(void *state, struct bus_call *call) ERR_MUST_USE;

#endif
