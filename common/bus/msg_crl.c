/*
 * msg_crl.c - bodies between crld and signd-ca. See msg_crl.h, PROTOCOL.md "Bodies".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/msg_crl.h"

#include "bus/msg_body.h"

MSG_BODY_DEFINE(msg_crl_begin, MSG_CRL_BEGIN, MSG_TEXT(struct msg_crl_begin, issuer, 64),
		MSG_TEXT(struct msg_crl_begin, scope, 64), MSG_ENUM(struct msg_crl_begin, kind, MSG_CRL_DELTA),
		MSG_UINT(struct msg_crl_begin, number),
		MSG_OPTIONAL(struct msg_crl_begin, has_base_number, base_number),
		MSG_UINT(struct msg_crl_begin, this_update_at), MSG_UINT(struct msg_crl_begin, next_update_at),
		MSG_UINT(struct msg_crl_begin, order_seq), MSG_UINT(struct msg_crl_begin, tbs_length))

MSG_BODY_DEFINE(msg_crl_chunk, MSG_CRL_CHUNK, MSG_UINT(struct msg_crl_chunk, offset),
		MSG_OCTETS(struct msg_crl_chunk, bytes, 1, MSG_CRL_CHUNK_BYTES))

MSG_BODY_DEFINE(msg_crl_chunk_ok, MSG_CRL_CHUNK_OK, MSG_UINT(struct msg_crl_chunk_ok, received))

MSG_BODY_DEFINE(msg_crl_end_ok, MSG_CRL_END_OK, MSG_OCTETS(struct msg_crl_end_ok, signature, 1, 4096),
		MSG_UINT(struct msg_crl_end_ok, seq))
