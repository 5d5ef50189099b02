/*
 * msg_sign.c - bodies between cad and the signers. See msg_sign.h, PROTOCOL.md "Bodies".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/msg_sign.h"

#include "bus/msg_body.h"

enum {
	OBJECT_MAX = 64 * 1024, /* Authorisation, TBS, certificate, StatusOrder */
	DECISION_MAX = 4 << 20, /* a Decision over 100,000 digests */
	CMS_MAX = 64 * 1024,
	SIGNATURE_MAX = 4096,
	EVIDENCE_MAX = 20000,
	CERTIFICATES_MAX = 20000,
	DECISIONS_MAX = 16, /* of one item */
	ITEMS_MAX = 10000,
	ORDERS_MAX = 100000,
	EVENTS_MAX = 100000,
	ISSUERS_MAX = 64,
	NAME_MAX_BYTES = 64,
	REASON_MAX = 64,
	TEXT_MAX = 1024,
	NOTE_MAX_BYTES = 4096,
	PROOF_MAX = 128
};

MSG_SHAPE(msg_signed_decision, MSG_OCTETS(struct msg_signed_decision, decision, 1, DECISION_MAX),
	  MSG_OCTETS(struct msg_signed_decision, signature, 1, CMS_MAX))

MSG_SHAPE(msg_sign_cert_item, MSG_OCTETS(struct msg_sign_cert_item, authorisation, 1, OBJECT_MAX),
	  MSG_DIGESTS(struct msg_sign_cert_item, decisions, num_decisions, DECISIONS_MAX),
	  MSG_SERIAL(struct msg_sign_cert_item, serial), MSG_UINT(struct msg_sign_cert_item, not_before_at),
	  MSG_OCTETS(struct msg_sign_cert_item, tbs, 1, OBJECT_MAX))

MSG_BODY_DEFINE(msg_sign_cert, MSG_SIGN_CERT,
		MSG_LIST(struct msg_sign_cert, evidence, num_evidence, EVIDENCE_MAX, struct msg_signed_decision,
			 msg_signed_decision_shape),
		MSG_SLICES(struct msg_sign_cert, certificates, num_certificates, CERTIFICATES_MAX, 1, OBJECT_MAX),
		MSG_LIST(struct msg_sign_cert, items, num_items, ITEMS_MAX, struct msg_sign_cert_item,
			 msg_sign_cert_item_shape))

MSG_SHAPE(msg_sign_cert_result, MSG_ENUM(struct msg_sign_cert_result, status, MSG_ITEM_RETRY),
	  MSG_OCTETS(struct msg_sign_cert_result, tbs, 0, OBJECT_MAX),
	  MSG_OCTETS(struct msg_sign_cert_result, signature, 0, SIGNATURE_MAX),
	  MSG_UINT(struct msg_sign_cert_result, seq), MSG_TEXT(struct msg_sign_cert_result, reason, REASON_MAX),
	  MSG_TEXT(struct msg_sign_cert_result, text, TEXT_MAX))

MSG_BODY_DEFINE(msg_sign_cert_ok, MSG_SIGN_CERT_OK,
		MSG_LIST(struct msg_sign_cert_ok, items, num_items, ITEMS_MAX, struct msg_sign_cert_result,
			 msg_sign_cert_result_shape))

MSG_SHAPE(msg_order_item, MSG_OCTETS(struct msg_order_item, order, 1, OBJECT_MAX),
	  MSG_DIGESTS(struct msg_order_item, decisions, num_decisions, DECISIONS_MAX))

MSG_BODY_DEFINE(msg_order, MSG_ORDER,
		MSG_LIST(struct msg_order, evidence, num_evidence, EVIDENCE_MAX, struct msg_signed_decision,
			 msg_signed_decision_shape),
		MSG_SLICES(struct msg_order, certificates, num_certificates, CERTIFICATES_MAX, 1, OBJECT_MAX),
		MSG_LIST(struct msg_order, orders, num_orders, ORDERS_MAX, struct msg_order_item, msg_order_item_shape))

MSG_SHAPE(msg_order_result, MSG_ENUM(struct msg_order_result, status, MSG_ITEM_RETRY),
	  MSG_UINT(struct msg_order_result, seq), MSG_TEXT(struct msg_order_result, reason, REASON_MAX),
	  MSG_TEXT(struct msg_order_result, text, TEXT_MAX))

MSG_BODY_DEFINE(msg_order_ok, MSG_ORDER_OK,
		MSG_LIST(struct msg_order_ok, items, num_items, ORDERS_MAX, struct msg_order_result,
			 msg_order_result_shape))

MSG_BODY_DEFINE(msg_events, MSG_EVENTS, MSG_UINT(struct msg_events, from), MSG_UINT(struct msg_events, max))

MSG_BODY_DEFINE(msg_signed_events, MSG_EVENTS_OK, MSG_OCTETS(struct msg_signed_events, events, 1, 16 << 20),
		MSG_OCTETS(struct msg_signed_events, signature, 1, SIGNATURE_MAX))

MSG_SHAPE(msg_event, MSG_UINT(struct msg_event, seq), MSG_ENUM(struct msg_event, kind, MSG_EVENT_ADOPTED),
	  MSG_TEXT(struct msg_event, issuer, NAME_MAX_BYTES), MSG_SERIAL(struct msg_event, serial),
	  MSG_UINT(struct msg_event, not_after_at), MSG_UINT(struct msg_event, action),
	  MSG_UINT(struct msg_event, reason), MSG_UINT(struct msg_event, at),
	  MSG_OPTIONAL(struct msg_event, has_invalidity_at, invalidity_at), MSG_DIGEST(struct msg_event, digest))

const struct msg_shape *const msg_shape_of_event = &msg_event_shape;

MSG_BODY_DEFINE(msg_event_batch, MSG_EVENTS_OK, MSG_UINT(struct msg_event_batch, from),
		MSG_UINT(struct msg_event_batch, next),
		MSG_LIST(struct msg_event_batch, events, num_events, EVENTS_MAX, struct msg_event, msg_event_shape))

MSG_BODY_DEFINE(msg_policy_put_ok, MSG_POLICY_PUT_OK, MSG_UINT(struct msg_policy_put_ok, version))

MSG_SHAPE(msg_signer_issuer, MSG_TEXT(struct msg_signer_issuer, name, NAME_MAX_BYTES),
	  MSG_UINT(struct msg_signer_issuer, crl_number))

MSG_BODY_DEFINE(msg_signer_status, MSG_SIGNER_STATUS_OK, MSG_UINT(struct msg_signer_status, policy_version),
		MSG_UINT(struct msg_signer_status, event_seq), MSG_UINT(struct msg_signer_status, order_seq),
		MSG_LIST(struct msg_signer_status, issuers, num_issuers, ISSUERS_MAX, struct msg_signer_issuer,
			 msg_signer_issuer_shape),
		MSG_UINT(struct msg_signer_status, log_size))

MSG_BODY_DEFINE(msg_events_push_ok, MSG_EVENTS_PUSH_OK, MSG_UINT(struct msg_events_push_ok, next))

MSG_BODY_DEFINE(msg_sign_head, MSG_SIGN_HEAD, MSG_UINT(struct msg_sign_head, old_size),
		MSG_UINT(struct msg_sign_head, size), MSG_DIGEST(struct msg_sign_head, root),
		MSG_DIGESTS(struct msg_sign_head, consistency, num_consistency, PROOF_MAX))

MSG_BODY_DEFINE(msg_sign_head_ok, MSG_SIGN_HEAD_OK, MSG_TEXT(struct msg_sign_head_ok, note, NOTE_MAX_BYTES))
