/*
 * fake_signers.h - signd-ca and signd-ocsp for the tests of cad: real ends of the bus on a thread, that remember what a
 * signer must remember and check no rules.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CA_ISSUE_FAKE_SIGNERS_H
#define TESTS_CA_ISSUE_FAKE_SIGNERS_H

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <zmq.h>

#include "base/clock.h"
#include "bus/msg_sign.h"
#include "support/bus_net.h"
#include "support/ledger.h"
#include "support/suite.h"
#include "tlog/note.h"

enum { FAKE_MAX = 256 };

struct fake_event {
	enum msg_event_kind kind;
	struct serial serial;
	int64_t action;
	uint8_t digest[SHA256_LEN]; /* of Authorisation or order: what makes it the same one again */
	struct buf tbs;
};

static struct fakes {
	struct ledger *ledger;
	struct bus *ca_bus, *ocsp_bus;
	char ca_endpoint[128], ocsp_endpoint[128];
	pthread_t thread;
	atomic_bool should_stop;
	bool is_running;
	EVP_PKEY *log_pkey;
	struct note_key log_key;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t policy_version;
	struct fake_event events[FAKE_MAX]; /* number 1 is events[0] */
	int64_t num_events;
	int64_t ocsp_next; /* what signd-ocsp wants */
	int64_t log_size;
	int64_t sign_requests, sign_items, orders_seen, pushes;
	bool is_mute; /* SIGN_CERT is taken and never answered */
	bool refuses_orders;
	bool loses_answers; /* signs, but the answer does not arrive */
} fakes = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static struct fake_event *fake_find(enum msg_event_kind kind, const uint8_t digest[SHA256_LEN], int64_t *out_seq)
{
	for (int64_t i = 0; i < fakes.num_events; i++)
		if (fakes.events[i].kind == kind && memcmp(fakes.events[i].digest, digest, SHA256_LEN) == 0) {
			*out_seq = i + 1;
			return &fakes.events[i];
		}
	ck_assert_int_lt(fakes.num_events, FAKE_MAX);
	struct fake_event *e = &fakes.events[fakes.num_events++];
	*e = (struct fake_event){ .kind = kind, .tbs = BUF_INIT(CERT_TBS_MAX) };
	memcpy(e->digest, digest, SHA256_LEN);
	*out_seq = fakes.num_events;
	return e;
}

static void fake_changed(void)
{
	(void)pthread_cond_broadcast(&fakes.changed);
}

/* ---- signd-ca */

static struct err *fake_sign_items(const struct msg_sign_cert *ask, struct msg_sign_cert_result *results,
				   struct buf *signatures)
{
	for (size_t i = 0; i < ask->num_items; i++) {
		uint8_t digest[SHA256_LEN];
		int64_t seq;
		der_sha256(digest, ask->items[i].authorisation);
		struct fake_event *e = fake_find(MSG_EVENT_ISSUED, digest, &seq);
		if (e->tbs.len == 0) {
			TRY(buf_append(&e->tbs, ask->items[i].tbs));
			e->serial = ask->items[i].serial;
		}
		signatures[i] = (struct buf)BUF_INIT(1024);
		fixture_sign(&signatures[i], fakes.ledger->ca.key, buf_slice(&e->tbs));
		results[i] = (struct msg_sign_cert_result){ .status = MSG_ITEM_DONE,
							    .tbs = buf_slice(&e->tbs),
							    .signature = buf_slice(&signatures[i]),
							    .seq = seq,
							    .reason = SLICE_STR(""),
							    .text = SLICE_STR("") };
	}
	return NULL;
}

static struct err *fake_on_sign(void *arg, struct bus_call *call)
{
	OWN(msg_sign_cert) ask = { 0 };
	OWN(buf) body = BUF_INIT(32 * 1024 * 1024);
	static struct msg_sign_cert_result results[FAKE_MAX];
	static struct buf signatures[FAKE_MAX];

	(void)arg;
	TRY(msg_sign_cert_decode(&ask, bus_call_body(call)));
	(void)pthread_mutex_lock(&fakes.lock);
	bool is_mute = fakes.is_mute, loses = fakes.loses_answers;
	struct err *e = is_mute ? NULL : fake_sign_items(&ask, results, signatures);
	fakes.sign_requests++;
	fakes.sign_items += (int64_t)ask.num_items;
	fake_changed();
	(void)pthread_mutex_unlock(&fakes.lock);
	TRY(e);
	const struct msg_sign_cert_ok answer = { .items = results, .num_items = is_mute ? 0 : ask.num_items };
	TRY(msg_sign_cert_ok_encode(&body, &answer));
	for (size_t i = 0; i < answer.num_items; i++)
		buf_clear(&signatures[i]);
	if (is_mute || loses)
		bus_call_keep(call);
	else
		bus_call_answer(call, &body);
	return NULL;
}

static struct err *fake_on_order(void *arg, struct bus_call *call)
{
	OWN(msg_order) ask = { 0 };
	OWN(buf) body = BUF_INIT(1024 * 1024);
	struct msg_order_result results[FAKE_MAX];

	(void)arg;
	TRY(msg_order_decode(&ask, bus_call_body(call)));
	ck_assert_uint_eq(ask.num_certificates, ask.num_orders);
	(void)pthread_mutex_lock(&fakes.lock);
	for (size_t i = 0; i < ask.num_orders; i++) {
		struct status_order order;
		uint8_t digest[SHA256_LEN];
		int64_t seq = 0;
		ck_ok(status_order_decode(&order, ask.orders[i].order));
		ck_assert_uint_eq(ask.orders[i].num_decisions, 1);
		der_sha256(digest, ask.orders[i].order);
		if (!fakes.refuses_orders) {
			struct fake_event *e = fake_find(MSG_EVENT_ORDER, digest, &seq);
			e->serial = order.serial;
			e->action = (int64_t)order.action;
		}
		results[i] =
			(struct msg_order_result){ .status = fakes.refuses_orders ? MSG_ITEM_REFUSED : MSG_ITEM_DONE,
						   .seq = seq,
						   .reason = SLICE_STR(fakes.refuses_orders ? "not_holder" : ""),
						   .text = SLICE_STR(fakes.refuses_orders ? "not this one" : "") };
		fakes.orders_seen++;
	}
	fake_changed();
	(void)pthread_mutex_unlock(&fakes.lock);
	const struct msg_order_ok answer = { .items = results, .num_items = ask.num_orders };
	TRY(msg_order_ok_encode(&body, &answer));
	bus_call_answer(call, &body);
	return NULL;
}

static struct err *fake_on_events(void *arg, struct bus_call *call)
{
	OWN(msg_events) ask = { 0 };
	OWN(buf) batch = BUF_INIT(1024 * 1024);
	OWN(buf) body = BUF_INIT(1024 * 1024);
	struct msg_event events[FAKE_MAX];
	size_t n = 0;

	(void)arg;
	TRY(msg_events_decode(&ask, bus_call_body(call)));
	(void)pthread_mutex_lock(&fakes.lock);
	for (int64_t seq = ask.from; seq <= fakes.num_events && (int64_t)n < ask.max; seq++) {
		const struct fake_event *e = &fakes.events[seq - 1];
		events[n++] = (struct msg_event){ .seq = seq,
						  .kind = e->kind,
						  .issuer = SLICE_STR("rsa"),
						  .serial = e->serial,
						  .action = e->action,
						  .at = clock_now_s(),
						  .digest = SLICE(e->digest, SHA256_LEN) };
	}
	(void)pthread_mutex_unlock(&fakes.lock);
	const struct msg_event_batch answer = {
		.from = ask.from, .next = ask.from + (int64_t)n, .events = events, .num_events = n
	};
	TRY(msg_event_batch_encode(&batch, &answer));
	const struct msg_signed_events signed_events = { buf_slice(&batch), SLICE_STR("signature"), NULL };
	TRY(msg_signed_events_encode(&body, &signed_events));
	bus_call_answer(call, &body);
	return NULL;
}

static struct err *fake_on_policy(void *arg, struct bus_call *call)
{
	OWN(buf) body = BUF_INIT(1024);
	OWN(policy) policy = { 0 };
	struct signed_policy signed_policy;

	(void)arg;
	TRY(signed_policy_decode(&signed_policy, bus_call_body(call)));
	TRY(policy_decode(&policy, signed_policy.policy));
	(void)pthread_mutex_lock(&fakes.lock);
	fakes.policy_version = policy.version;
	fake_changed();
	(void)pthread_mutex_unlock(&fakes.lock);
	const struct msg_policy_put_ok answer = { .version = policy.version };
	TRY(msg_policy_put_ok_encode(&body, &answer));
	bus_call_answer(call, &body);
	return NULL;
}

static struct err *fake_on_status(void *arg, struct bus_call *call)
{
	OWN(buf) body = BUF_INIT(1024);
	struct msg_signer_status status = { 0 };

	(void)pthread_mutex_lock(&fakes.lock);
	if (arg != NULL) {
		status.policy_version = fakes.policy_version;
		status.event_seq = fakes.num_events + 1;
	} else {
		status.event_seq = fakes.ocsp_next;
		status.log_size = fakes.log_size;
	}
	(void)pthread_mutex_unlock(&fakes.lock);
	TRY(msg_signer_status_encode(&body, &status));
	bus_call_answer(call, &body);
	return NULL;
}

static const struct bus_handler fake_ca_handlers[] = {
	{ MSG_SIGN_CERT, MSG_ROLE_BIT(MSG_ROLE_CAD), fake_on_sign },
	{ MSG_ORDER, MSG_ROLE_BIT(MSG_ROLE_CAD), fake_on_order },
	{ MSG_EVENTS, MSG_ROLE_BIT(MSG_ROLE_CAD), fake_on_events },
	{ MSG_POLICY_PUT, MSG_ROLE_BIT(MSG_ROLE_CAD), fake_on_policy },
	{ MSG_SIGNER_STATUS, MSG_ROLE_BIT(MSG_ROLE_CAD), fake_on_status },
	{ 0, 0, NULL },
};

/* ---- signd-ocsp */

static struct err *fake_on_push(void *arg, struct bus_call *call)
{
	OWN(msg_signed_events) ask = { 0 };
	OWN(msg_event_batch) batch = { 0 };
	OWN(buf) body = BUF_INIT(1024);

	(void)arg;
	TRY(msg_signed_events_decode(&ask, bus_call_body(call)));
	TRY(msg_event_batch_decode(&batch, ask.events));
	(void)pthread_mutex_lock(&fakes.lock);
	ck_assert(slice_equal(ask.signature, SLICE_STR("signature")));
	if (batch.from == fakes.ocsp_next)
		fakes.ocsp_next = batch.next;
	fakes.pushes++;
	const struct msg_events_push_ok answer = { .next = fakes.ocsp_next };
	fake_changed();
	(void)pthread_mutex_unlock(&fakes.lock);
	TRY(msg_events_push_ok_encode(&body, &answer));
	bus_call_answer(call, &body);
	return NULL;
}

static struct err *fake_note(struct buf *out, const struct msg_sign_head *ask)
{
	struct note_checkpoint checkpoint = { .size = (uint64_t)ask->size };
	OWN(buf) text = BUF_INIT(NOTE_MAX);
	uint8_t signature[NOTE_SIGNATURE_SIZE];
	size_t len = sizeof signature;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	(void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "%s", fakes.log_key.name);
	memcpy(checkpoint.root.b, ask->root.p, TREE_HASH_SIZE);
	TRY(note_body(&text, &checkpoint));
	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, fakes.log_pkey), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len, text.p, text.len), 1);
	EVP_MD_CTX_free(ctx);
	return note_assemble(out, buf_slice(&text), &fakes.log_key, signature);
}

static struct err *fake_on_head(void *arg, struct bus_call *call)
{
	OWN(msg_sign_head) ask = { 0 };
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	OWN(buf) body = BUF_INIT(NOTE_MAX + 1024);

	(void)arg;
	TRY(msg_sign_head_decode(&ask, bus_call_body(call)));
	(void)pthread_mutex_lock(&fakes.lock);
	fakes.log_size = ask.size;
	fake_changed();
	(void)pthread_mutex_unlock(&fakes.lock);
	TRY(fake_note(&note, &ask));
	const struct msg_sign_head_ok answer = { buf_slice(&note), NULL };
	TRY(msg_sign_head_ok_encode(&body, &answer));
	bus_call_answer(call, &body);
	return NULL;
}

static const struct bus_handler fake_ocsp_handlers[] = {
	{ MSG_EVENTS_PUSH, MSG_ROLE_BIT(MSG_ROLE_CAD), fake_on_push },
	{ MSG_SIGN_HEAD, MSG_ROLE_BIT(MSG_ROLE_CAD), fake_on_head },
	{ MSG_SIGNER_STATUS, MSG_ROLE_BIT(MSG_ROLE_CAD), fake_on_status },
	{ 0, 0, NULL },
};

/* ---- both */

static void *fakes_main(void *arg)
{
	struct bus_server *ca = NULL, *ocsp = NULL;
	const struct bus_server_conf ca_conf = { .endpoint = fakes.ca_endpoint,
						 .handlers = fake_ca_handlers,
						 .arg = &fakes };
	const struct bus_server_conf ocsp_conf = { .endpoint = fakes.ocsp_endpoint, .handlers = fake_ocsp_handlers };

	ck_ok(bus_server_create(&ca, fakes.ca_bus, &ca_conf));
	ck_ok(bus_server_create(&ocsp, fakes.ocsp_bus, &ocsp_conf));
	while (!atomic_load(&fakes.should_stop)) {
		zmq_pollitem_t items[] = { { bus_server_socket(ca), 0, ZMQ_POLLIN, 0 },
					   { bus_server_socket(ocsp), 0, ZMQ_POLLIN, 0 } };
		(void)zmq_poll(items, 2, 10);
		bus_server_process(ca);
		bus_server_process(ocsp);
	}
	bus_server_destroy(&ca);
	bus_server_destroy(&ocsp);
	return arg;
}

static void fakes_start(void)
{
	atomic_store(&fakes.should_stop, false);
	ck_assert_int_eq(pthread_create(&fakes.thread, NULL, fakes_main, NULL), 0);
	fakes.is_running = true;
}

static void fakes_stop(void)
{
	if (!fakes.is_running)
		return;
	atomic_store(&fakes.should_stop, true);
	(void)pthread_join(fakes.thread, NULL);
	fakes.is_running = false;
}

/* The log's key pair; its vkey goes into cad's configuration. */
static void fakes_make_log_key(void)
{
	uint8_t raw[NOTE_KEY_SIZE];
	size_t len = sizeof raw;

	fakes.log_pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(fakes.log_pkey, raw, &len), 1);
	ck_ok(note_key_init(&fakes.log_key, "nuc.local/log", raw));
}

static void fakes_begin(struct bus_net *net, struct ledger *ledger)
{
	fakes.ledger = ledger;
	fakes.ocsp_next = 1;
	fakes.ca_bus = bus_net_bus(net, "signd-ca");
	fakes.ocsp_bus = bus_net_bus(net, "signd-ocsp");
	(void)snprintf(fakes.ca_endpoint, sizeof fakes.ca_endpoint, "%s", bus_net_endpoint(net, "sign-ca"));
	(void)snprintf(fakes.ocsp_endpoint, sizeof fakes.ocsp_endpoint, "%s", bus_net_endpoint(net, "sign-ocsp"));
	fakes_start();
}

static void fakes_end(void)
{
	fakes_stop();
	bus_destroy(&fakes.ca_bus);
	bus_destroy(&fakes.ocsp_bus);
	for (int64_t i = 0; i < fakes.num_events; i++)
		buf_clear(&fakes.events[i].tbs);
	EVP_PKEY_free(fakes.log_pkey);
}

/* Waits until a number of the fakes has at least this value. */
static void fakes_wait(const int64_t *number, int64_t value)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	(void)pthread_mutex_lock(&fakes.lock);
	while (*number < value)
		ck_assert_int_eq(pthread_cond_timedwait(&fakes.changed, &fakes.lock, &until), 0);
	(void)pthread_mutex_unlock(&fakes.lock);
}

static int64_t fakes_get(const int64_t *number)
{
	(void)pthread_mutex_lock(&fakes.lock);
	int64_t value = *number;
	(void)pthread_mutex_unlock(&fakes.lock);
	return value;
}

static void fakes_set(bool *flag, bool value)
{
	(void)pthread_mutex_lock(&fakes.lock);
	*flag = value;
	(void)pthread_mutex_unlock(&fakes.lock);
}

#endif
