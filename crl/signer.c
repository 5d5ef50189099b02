/*
 * signer.c - crld's conversation with signd-ca. See signer.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/signer.h"

#include "bus/msg_crl.h"
#include "bus/msg_sign.h"

enum { CALL_TIMEOUT_MS = 10000, ANSWER_MAX = 64 * 1024, CHUNK_BODY_MAX = CRL_PIECE_BYTES + 1024 };

struct err *crl_signer_status(struct bus_client *client, struct crl_signer_status *out, const char *issuer)
{
	OWN(buf) body = BUF_INIT(64);
	OWN(buf) answer = BUF_INIT(ANSWER_MAX);
	OWN(msg_signer_status) status = { 0 };
	const struct msg_empty empty = { 0 };

	TRY(msg_empty_encode(&body, &empty));
	TRY(bus_client_call(client, &answer, MSG_SIGNER_STATUS, &body, CALL_TIMEOUT_MS));
	TRY(msg_signer_status_decode(&status, buf_slice(&answer)));
	for (size_t i = 0; i < status.num_issuers; i++) {
		if (!slice_equal(status.issuers[i].name, slice_str(issuer)))
			continue;
		out->crl_number = status.issuers[i].crl_number;
		out->order_seq = status.order_seq;
		return NULL;
	}
	return ERR(NOT_FOUND, "the signer has no issuer %s", issuer);
}

struct stream {
	struct bus_client *client;
	int64_t offset;
};

static struct err *send_chunk(void *arg, struct slice piece)
{
	struct stream *stream = arg;
	OWN(buf) body = BUF_INIT(CHUNK_BODY_MAX);
	OWN(buf) answer = BUF_INIT(ANSWER_MAX);
	OWN(msg_crl_chunk_ok) ok = { 0 };
	const struct msg_crl_chunk chunk = { .offset = stream->offset, .bytes = piece };

	TRY(msg_crl_chunk_encode(&body, &chunk));
	TRY(bus_client_call(stream->client, &answer, MSG_CRL_CHUNK, &body, CALL_TIMEOUT_MS));
	TRY(msg_crl_chunk_ok_decode(&ok, buf_slice(&answer)));
	stream->offset += (int64_t)piece.len;
	ENSURE(ok.received == stream->offset, CONFLICT, "the signer has received another number of bytes");
	return NULL;
}

static struct err *begin(struct bus_client *client, const char *issuer, const char *scope, const struct crl_spec *spec,
			 const struct crl_layout *layout, int64_t order_seq)
{
	OWN(buf) body = BUF_INIT(ANSWER_MAX);
	OWN(buf) answer = BUF_INIT(ANSWER_MAX);
	const struct msg_crl_begin ask = { .issuer = slice_str(issuer),
					   .scope = slice_str(scope),
					   .kind = spec->kind == CRL_FULL ? MSG_CRL_FULL : MSG_CRL_DELTA,
					   .number = spec->number,
					   .has_base_number = spec->kind == CRL_DELTA,
					   .base_number = spec->kind == CRL_DELTA ? spec->base_number : 0,
					   .this_update_at = spec->this_update_at,
					   .next_update_at = spec->next_update_at,
					   .order_seq = order_seq,
					   .tbs_length = (int64_t)layout->tbs_len };

	TRY(msg_crl_begin_encode(&body, &ask));
	return bus_client_call(client, &answer, MSG_CRL_BEGIN, &body, CALL_TIMEOUT_MS);
}

struct err *crl_signer_sign(struct bus_client *client, struct buf *out, const char *issuer, const char *scope,
			    const struct crl_spec *spec, const struct crl_layout *layout, const struct crl_item *items,
			    size_t num_items, int64_t order_seq)
{
	OWN(buf) body = BUF_INIT(64);
	OWN(buf) answer = BUF_INIT(ANSWER_MAX);
	OWN(msg_crl_end_ok) ok = { 0 };
	const struct msg_empty empty = { 0 };
	struct stream stream = { .client = client };

	TRY(begin(client, issuer, scope, spec, layout, order_seq));
	TRY(crl_layout_write(layout, spec, items, num_items, (struct crl_sink){ send_chunk, &stream }));
	TRY(msg_empty_encode(&body, &empty));
	TRY(bus_client_call(client, &answer, MSG_CRL_END, &body, CALL_TIMEOUT_MS));
	TRY(msg_crl_end_ok_decode(&ok, buf_slice(&answer)));
	return buf_append(out, ok.signature);
}
