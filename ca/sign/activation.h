/*
 * activation.h - keys under k of n custodians, in a running signer: shares come in over the local admin socket, never over
 * the bus; with enough of them the encrypted key files, read at the start, are opened in memory.
 *
 *   GET /key/status        {"active", "given", "threshold"}
 *   POST /key/activate     the text of a share (plain); answers as status
 *   POST /key/deactivate   wipes shares and private keys; answers as status
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_ACTIVATION_H
#define CA_SIGN_ACTIVATION_H

#include "ca/sign/state.h"

/* activation_is_complete() says whether nothing is locked; activation_text() writes "" or the sentence for /readyz. */
bool activation_is_complete(const struct signd_state *s);
void activation_text(const struct signd_state *s, char *out, size_t len);

/* activation_give() takes the text of a share; with the last one that is needed the keys open. A wrong share changes
 * nothing; when the joined secret does not open the keys, all shares are forgotten. Logged in any case.
 * *Errors* BAD_INPUT, DENIED, CONFLICT; field "share". */
struct err *activation_give(struct signd_state *s, struct slice share_text) ERR_MUST_USE;

/* activation_end() locks the keys again. *Errors* CONFLICT when they are not in custody. */
struct err *activation_end(struct signd_state *s) ERR_MUST_USE;

/* The handlers; `arg` is the state. */
struct admin_request;
struct err *on_key_status(void *arg, const struct admin_request *request, struct buf *out, int *status) ERR_MUST_USE;
struct err *on_key_activate(void *arg, const struct admin_request *request, struct buf *out, int *status) ERR_MUST_USE;
struct err *on_key_deactivate(void *arg, const struct admin_request *request, struct buf *out,
			      int *status) ERR_MUST_USE;

#endif
