/*
 * msg_sign.h - bodies between cad and the two signers: certificates, orders, events, policy, log heads, status.
 *
 * How bodies work: msg_common.h. Authorisation, StatusOrder, Decision and Policy travel as opaque DER (the bytes that
 * people signed); x509/authority.h reads them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_MSG_SIGN_H
#define COMMON_BUS_MSG_SIGN_H

#include "asn1/serial.h"
#include "bus/msg_common.h"

/* Outcome of one item of a batch. RETRY: nothing was decided (disk full, not active), ask again. */
enum msg_item_status { MSG_ITEM_DONE = 1, MSG_ITEM_REFUSED = 2, MSG_ITEM_RETRY = 3 };

/* A Decision with its detached CMS signature; evidence of a batch is sent once and named by digest in the items. */
struct msg_signed_decision {
	struct slice decision, signature;
};

struct msg_sign_cert_item {
	struct slice authorisation;
	struct slice *decisions; /* SHA-256 of Decisions in the batch's evidence */
	size_t num_decisions;
	struct serial serial;
	int64_t not_before_at;
	struct slice tbs; /* what cad rendered; the signer renders its own and compares */
};

/* SignCert: MSG_SIGN_CERT. */
struct msg_sign_cert {
	struct msg_signed_decision *evidence;
	size_t num_evidence;
	struct slice *certificates; /* DER of holder and head certificates of this CA */
	size_t num_certificates;
	struct msg_sign_cert_item *items;
	size_t num_items;
	struct msg_mem *mem;
};
MSG_BODY(msg_sign_cert)

struct msg_sign_cert_result {
	int64_t status; /* enum msg_item_status */
	struct slice tbs; /* the TBS that is signed; another than the sent one when a recorded one is repeated */
	struct slice signature;
	int64_t seq; /* number of the signer's event, 0 when refused */
	struct slice reason, text; /* refusal code word and sentence */
};

/* SignCertOk: MSG_SIGN_CERT_OK, results in the order of the items. */
struct msg_sign_cert_ok {
	struct msg_sign_cert_result *items;
	size_t num_items;
	struct msg_mem *mem;
};
MSG_BODY(msg_sign_cert_ok)

struct msg_order_item {
	struct slice order; /* StatusOrder DER */
	struct slice *decisions;
	size_t num_decisions;
};

/* OrderPut: MSG_ORDER. */
struct msg_order {
	struct msg_signed_decision *evidence;
	size_t num_evidence;
	struct slice *certificates;
	size_t num_certificates;
	struct msg_order_item *orders;
	size_t num_orders;
	struct msg_mem *mem;
};
MSG_BODY(msg_order)

struct msg_order_result {
	int64_t status; /* enum msg_item_status; DONE = accepted */
	int64_t seq;
	struct slice reason, text;
};

/* OrderPutOk: MSG_ORDER_OK. */
struct msg_order_ok {
	struct msg_order_result *items;
	size_t num_items;
	struct msg_mem *mem;
};
MSG_BODY(msg_order_ok)

/* EventsAsk: MSG_EVENTS. Answered with at most `max` events from number `from` on. */
struct msg_events {
	int64_t from;
	int64_t max;
	struct msg_mem *mem;
};
MSG_BODY(msg_events)

/* SignedEvents: MSG_EVENTS_OK and MSG_EVENTS_PUSH. `events` is the DER of msg_event_batch, signed by the journal key. */
struct msg_signed_events {
	struct slice events;
	struct slice signature;
	struct msg_mem *mem;
};
MSG_BODY(msg_signed_events)

enum msg_event_kind { MSG_EVENT_ISSUED = 1, MSG_EVENT_ORDER = 2, MSG_EVENT_ADOPTED = 3 };

struct msg_event {
	int64_t seq;
	int64_t kind; /* enum msg_event_kind */
	struct slice issuer;
	struct serial serial;
	int64_t not_after_at;
	int64_t action; /* of an order: 1 revoke, 2 hold, 3 release; 0 otherwise */
	int64_t reason; /* RFC 5280 code; 0 otherwise */
	int64_t at; /* an order's revokedAt; of a certificate: when it was signed */
	bool has_invalidity_at;
	int64_t invalidity_at;
	struct slice digest; /* of the certificate, or of the StatusOrder */
};

/* Events: contiguous, first number `from`, `next` = number after the last (from = next when there are none). */
struct msg_event_batch {
	int64_t from;
	int64_t next;
	struct msg_event *events;
	size_t num_events;
	struct msg_mem *mem;
};
MSG_BODY(msg_event_batch)

/* PolicyPutOk: MSG_POLICY_PUT_OK. (The body of MSG_POLICY_PUT is the SignedPolicy's own DER.) */
struct msg_policy_put_ok {
	int64_t version;
	struct msg_mem *mem;
};
MSG_BODY(msg_policy_put_ok)

struct msg_signer_issuer {
	struct slice name;
	int64_t crl_number;
};

/* SignerStatus: MSG_SIGNER_STATUS_OK, of either signer. signd-ocsp: policy_version 0, crl_number 0. */
struct msg_signer_status {
	int64_t policy_version;
	int64_t event_seq; /* number that the next event will have */
	int64_t order_seq; /* number of the last accepted order, 0 none */
	struct msg_signer_issuer *issuers;
	size_t num_issuers;
	int64_t log_size; /* of the last head that was signed; 0 in signd-ca */
	struct msg_mem *mem;
};
MSG_BODY(msg_signer_status)

/* EventsPushOk: MSG_EVENTS_PUSH_OK, the number that signd-ocsp wants next. */
struct msg_events_push_ok {
	int64_t next;
	struct msg_mem *mem;
};
MSG_BODY(msg_events_push_ok)

/* SignHead: MSG_SIGN_HEAD. */
struct msg_sign_head {
	int64_t old_size;
	int64_t size;
	struct slice root; /* 32 bytes */
	struct slice *consistency; /* RFC 6962 §2.1.2 proof from old_size to size */
	size_t num_consistency;
	struct msg_mem *mem;
};
MSG_BODY(msg_sign_head)

/* SignHeadOk: MSG_SIGN_HEAD_OK, the whole C2SP signed note. */
struct msg_sign_head_ok {
	struct slice note;
	struct msg_mem *mem;
};
MSG_BODY(msg_sign_head_ok)

#endif
