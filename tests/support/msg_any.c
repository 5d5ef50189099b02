/*
 * msg_any.c - see msg_any.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/msg_any.h"

#include "bus/msg_crl.h"
#include "bus/msg_ocsp.h"
#include "bus/msg_sign.h"

#define AGAIN(name)                                                                                                    \
	static struct err *name##_again(struct buf *out, struct slice der)                                             \
	{                                                                                                              \
		OWN(name) body = { 0 };                                                                                \
                                                                                                                       \
		TRY(name##_decode(&body, der));                                                                        \
		return name##_encode(out, &body);                                                                      \
	}
AGAIN(msg_error)
AGAIN(msg_prompt)
AGAIN(msg_ledger_prompt)
AGAIN(msg_empty)
AGAIN(msg_sign_cert)
AGAIN(msg_sign_cert_ok)
AGAIN(msg_order)
AGAIN(msg_order_ok)
AGAIN(msg_events)
AGAIN(msg_policy_put_ok)
AGAIN(msg_signer_status)
AGAIN(msg_events_push_ok)
AGAIN(msg_sign_head)
AGAIN(msg_sign_head_ok)
AGAIN(msg_crl_begin)
AGAIN(msg_crl_chunk)
AGAIN(msg_crl_chunk_ok)
AGAIN(msg_crl_end_ok)
AGAIN(msg_sign_ocsp)
AGAIN(msg_sign_ocsp_ok)

/* The batch inside is read and written too. */
static struct err *signed_events_again(struct buf *out, struct slice der)
{
	OWN(msg_signed_events) body = { 0 };
	OWN(msg_event_batch) batch = { 0 };
	OWN(buf) inner = BUF_INIT(16 << 20);

	TRY(msg_signed_events_decode(&body, der));
	TRY(msg_event_batch_decode(&batch, body.events));
	TRY(msg_event_batch_encode(&inner, &batch));
	body.events = buf_slice(&inner);
	return msg_signed_events_encode(out, &body);
}

struct err *msg_any_again(struct buf *out, uint16_t type, struct slice der)
{
	static const struct {
		uint16_t type;
		struct err *(*again)(struct buf *out, struct slice der);
	} rows[] = {
		{ MSG_ERROR, msg_error_again },
		{ MSG_ISSUE_PROMPT, msg_prompt_again },
		{ MSG_ISSUE_PROMPT_OK, msg_empty_again },
		{ MSG_LEDGER_PROMPT, msg_ledger_prompt_again },
		{ MSG_SIGN_CERT, msg_sign_cert_again },
		{ MSG_SIGN_CERT_OK, msg_sign_cert_ok_again },
		{ MSG_ORDER, msg_order_again },
		{ MSG_ORDER_OK, msg_order_ok_again },
		{ MSG_EVENTS, msg_events_again },
		{ MSG_EVENTS_OK, signed_events_again },
		{ MSG_POLICY_PUT_OK, msg_policy_put_ok_again },
		{ MSG_SIGNER_STATUS, msg_empty_again },
		{ MSG_SIGNER_STATUS_OK, msg_signer_status_again },
		{ MSG_EVENTS_PUSH, signed_events_again },
		{ MSG_EVENTS_PUSH_OK, msg_events_push_ok_again },
		{ MSG_SIGN_HEAD, msg_sign_head_again },
		{ MSG_SIGN_HEAD_OK, msg_sign_head_ok_again },
		{ MSG_CRL_BEGIN, msg_crl_begin_again },
		{ MSG_CRL_BEGIN_OK, msg_empty_again },
		{ MSG_CRL_CHUNK, msg_crl_chunk_again },
		{ MSG_CRL_CHUNK_OK, msg_crl_chunk_ok_again },
		{ MSG_CRL_END, msg_empty_again },
		{ MSG_CRL_END_OK, msg_crl_end_ok_again },
		{ MSG_SIGN_OCSP, msg_sign_ocsp_again },
		{ MSG_SIGN_OCSP_OK, msg_sign_ocsp_ok_again },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].type == type)
			return rows[i].again(out, der);
	return ERR(NOT_FOUND, "%s has no body of the bus's own", msg_type_name(type));
}
