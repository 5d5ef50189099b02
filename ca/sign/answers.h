/*
 * answers.h - OCSP answers and heads of the log: what the tier `ocsp` signs. ocsp.h and head.h judge them.
 *
 * Answers are not written down one by one: each second the journal gets their number and a rolling hash over them.
 * A head is in the journal, with its note, before it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_ANSWERS_H
#define CA_SIGN_ANSWERS_H

#include "ca/sign/state.h"

/* answers_sign() appends the body of MSG_SIGN_OCSP_OK. */
struct err *answers_sign(struct signd_state *s, const char *peer, const struct msg_sign_ocsp *batch,
			 struct buf *out) ERR_MUST_USE;
/* answers_record() writes the count since the last time into the journal, if there is any. Called each second. */
struct err *answers_record(struct signd_state *s) ERR_MUST_USE;

/* heads_sign() appends the signed note of a head. */
struct err *heads_sign(struct signd_state *s, const struct msg_sign_head *asked, struct buf *out_note) ERR_MUST_USE;

struct err *on_sign_ocsp(void *state, struct bus_call *call) ERR_MUST_USE;
struct err *on_sign_head(void *state, struct bus_call *call) ERR_MUST_USE;

#endif
