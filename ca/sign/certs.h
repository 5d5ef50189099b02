/*
 * certs.h - a batch of certificates: decide, sign, write down, answer.
 *
 * Each Authorisation has one TBS for ever: who asks again gets the recorded TBS and signature, whatever TBS he sends.
 * The batch is one group in the journal: it is on disk before the first signature of it is given. If signing or the
 * journal fails, the whole batch is taken back and may be asked for again. policy.h decides about each item.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_CERTS_H
#define CA_SIGN_CERTS_H

#include "ca/sign/state.h"

/* on_sign_cert() handles MSG_SIGN_CERT. */
struct err *on_sign_cert(void *state, struct bus_call *call) ERR_MUST_USE;

/* certs_sign() is the same without the bus: appends the body of MSG_SIGN_CERT_OK. */
struct err *certs_sign(struct signd_state *s, const char *peer, const struct msg_sign_cert *batch,
		       struct buf *out) ERR_MUST_USE;

#endif
