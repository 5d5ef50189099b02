/*
 * msg_crl.h - bodies between crld and signd-ca: one TBSCertList, announced, streamed in chunks, signed at the end.
 *
 * One list at a time from one crld: BEGIN throws away an unfinished one. How bodies work: msg_common.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_MSG_CRL_H
#define COMMON_BUS_MSG_CRL_H

#include "bus/msg_common.h"

enum msg_crl_kind { MSG_CRL_FULL = 1, MSG_CRL_DELTA = 2 };
enum { MSG_CRL_CHUNK_BYTES = 1 << 20 };

/* CrlBegin: MSG_CRL_BEGIN. */
struct msg_crl_begin {
	struct slice issuer; /* issuer name, "rsa" */
	struct slice scope; /* shard, "" for the whole issuer */
	int64_t kind; /* enum msg_crl_kind */
	int64_t number;
	bool has_base_number; /* deltas only */
	int64_t base_number;
	int64_t this_update_at;
	int64_t next_update_at;
	int64_t order_seq; /* the list holds the fold of all orders with a number up to this */
	int64_t tbs_length;
	struct msg_mem *mem;
};
MSG_BODY(msg_crl_begin)

/* CrlChunk: MSG_CRL_CHUNK, in order and without gaps; at most MSG_CRL_CHUNK_BYTES. Several may be in flight. */
struct msg_crl_chunk {
	int64_t offset;
	struct slice bytes;
	struct msg_mem *mem;
};
MSG_BODY(msg_crl_chunk)

/* CrlChunkOk: MSG_CRL_CHUNK_OK, bytes received so far. */
struct msg_crl_chunk_ok {
	int64_t received;
	struct msg_mem *mem;
};
MSG_BODY(msg_crl_chunk_ok)

/* CrlEndOk: MSG_CRL_END_OK. */
struct msg_crl_end_ok {
	struct slice signature;
	int64_t seq; /* the signer's journal number of this list */
	struct msg_mem *mem;
};
MSG_BODY(msg_crl_end_ok)

#endif
