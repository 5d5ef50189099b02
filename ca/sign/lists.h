/*
 * lists.h - a list of revoked certificates over the bus: begun, streamed, signed. crl.h judges it.
 *
 * One unfinished list at a time; it belongs to the peer that began it, and a new CRL_BEGIN drops it. Chunks come in order
 * and without gaps; one that came before is answered and passed over. The list is hashed as it streams; it is signed,
 * and the signature verified, when its last octet was right. Numbers that were signed are in the journal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_LISTS_H
#define CA_SIGN_LISTS_H

#include "ca/sign/state.h"

struct err *on_crl_begin(void *state, struct bus_call *call) ERR_MUST_USE;
struct err *on_crl_chunk(void *state, struct bus_call *call) ERR_MUST_USE;
struct err *on_crl_end(void *state, struct bus_call *call) ERR_MUST_USE;

/* The same without the bus: `peer` says whose list it is. */
struct err *lists_begin(struct signd_state *s, const char *peer, const struct msg_crl_begin *begin) ERR_MUST_USE;
struct err *lists_chunk(struct signd_state *s, const char *peer, const struct msg_crl_chunk *chunk,
			int64_t *out_received) ERR_MUST_USE;
struct err *lists_end(struct signd_state *s, const char *peer, struct buf *out_signature,
		      int64_t *out_seq) ERR_MUST_USE;

void lists_session_destroy(struct lists_session **self);

#endif
