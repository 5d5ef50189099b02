/*
 * fake_signd.h - the signer's end of the CRL conversation for tests: keeps (number, thisUpdate, orderSeq), takes the chunks,
 * reads the list strictly, compares it with the serials it was told are revoked, signs. Handlers run on its thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CRL_FAKE_SIGND_H
#define TESTS_CRL_FAKE_SIGND_H

#include <pthread.h>

#include "bus/msg_crl.h"
#include "bus/msg_sign.h"
#include "crl/read.h"
#include "crl_fixture.h"
#include "support/bus_fake.h"

static struct fake_signd {
	pthread_mutex_t lock;
	const struct crl_ca *ca;
	int64_t number, this_update_at, order_seq;
	/* what must be on a full list: checked when not empty */
	struct serial must[64];
	size_t num_must;
	bool is_busy, is_refusing, damages_signature;
	int signed_lists, refused, begun;
	struct msg_crl_begin begin;
	struct buf tbs;
} fake_signd = { .lock = PTHREAD_MUTEX_INITIALIZER, .tbs = BUF_INIT(64u << 20) };

static inline struct err *fake_begin(struct bus_call *call)
{
	OWN(msg_crl_begin) ask = { 0 };
	OWN(buf) body = BUF_INIT(64);
	const struct msg_empty empty = { 0 };

	TRY(msg_crl_begin_decode(&ask, bus_call_body(call)));
	fake_signd.begun++;
	ENSURE(!fake_signd.is_busy, RETRY, "not active");
	ENSURE(slice_equal(ask.issuer, SLICE_STR("rsa")), NOT_FOUND, "no such issuer");
	ENSURE(ask.number > fake_signd.number, CONFLICT, "number does not rise");
	ENSURE(ask.this_update_at > fake_signd.this_update_at, CONFLICT, "thisUpdate does not rise");
	ENSURE(ask.order_seq >= fake_signd.order_seq, CONFLICT, "orderSeq goes back");
	fake_signd.begin = ask;
	buf_reset(&fake_signd.tbs);
	TRY(msg_empty_encode(&body, &empty));
	bus_call_answer(call, &body);
	return NULL;
}

static inline struct err *fake_chunk(struct bus_call *call)
{
	OWN(msg_crl_chunk) ask = { 0 };
	OWN(buf) body = BUF_INIT(64);

	TRY(msg_crl_chunk_decode(&ask, bus_call_body(call)));
	ENSURE(ask.offset == (int64_t)fake_signd.tbs.len, CONFLICT, "a gap");
	TRY(buf_append(&fake_signd.tbs, ask.bytes));
	const struct msg_crl_chunk_ok ok = { .received = (int64_t)fake_signd.tbs.len };
	TRY(msg_crl_chunk_ok_encode(&body, &ok));
	bus_call_answer(call, &body);
	return NULL;
}

/* The serials that must be there are there. */
static inline struct err *fake_inspect(struct slice signature)
{
	OWN(buf) der = BUF_INIT(65u << 20);
	struct crl_list list;
	struct crl_list_entry entry;
	size_t found = 0;
	bool more = true;

	TRY(pki_signed_join(&der, buf_slice(&fake_signd.tbs), fake_signd.ca->suite->signature_algorithm, signature));
	TRY(crl_list_read(&list, buf_slice(&der)));
	ENSURE(list.number == fake_signd.begin.number && list.this_update_at == fake_signd.begin.this_update_at,
	       CONFLICT, "another list than was announced");
	while (more) {
		TRY(crl_list_next(&list, &entry, &more));
		for (size_t i = 0; more && i < fake_signd.num_must; i++)
			found += serial_equal(&entry.serial, &fake_signd.must[i]);
	}
	ENSURE(list.is_delta || found == fake_signd.num_must, CONFLICT, "an ordered revocation is missing");
	return NULL;
}

static inline struct err *fake_end(struct bus_call *call)
{
	OWN(buf) body = BUF_INIT(8192);
	OWN(buf) signature = BUF_INIT(4096);

	ENSURE((int64_t)fake_signd.tbs.len == fake_signd.begin.tbs_length, CONFLICT, "another length");
	ENSURE(!fake_signd.is_refusing, DENIED, "the list is not what was ordered");
	crl_ca_sign(&signature, fake_signd.ca, buf_slice(&fake_signd.tbs));
	TRY(fake_inspect(buf_slice(&signature)));
	fake_signd.number = fake_signd.begin.number;
	fake_signd.this_update_at = fake_signd.begin.this_update_at;
	fake_signd.order_seq = fake_signd.begin.order_seq;
	fake_signd.signed_lists++;
	if (fake_signd.damages_signature)
		signature.p[signature.len - 1] ^= 1;
	const struct msg_crl_end_ok ok = { .signature = buf_slice(&signature), .seq = fake_signd.signed_lists };
	TRY(msg_crl_end_ok_encode(&body, &ok));
	bus_call_answer(call, &body);
	return NULL;
}

static inline struct err *fake_status(struct bus_call *call)
{
	OWN(buf) body = BUF_INIT(1024);
	struct msg_signer_issuer issuer = { .name = SLICE_STR("rsa"), .crl_number = fake_signd.number };
	const struct msg_signer_status status = { .issuers = &issuer, .num_issuers = 1 };

	TRY(msg_signer_status_encode(&body, &status));
	bus_call_answer(call, &body);
	return NULL;
}

static inline struct err *on_fake(void *arg, struct bus_call *call)
{
	struct err *e;

	(void)arg;
	(void)pthread_mutex_lock(&fake_signd.lock);
	switch (bus_call_type(call)) {
	case MSG_CRL_BEGIN:
		e = fake_begin(call);
		break;
	case MSG_CRL_CHUNK:
		e = fake_chunk(call);
		break;
	case MSG_CRL_END:
		e = fake_end(call);
		break;
	default:
		e = fake_status(call);
		break;
	}
	fake_signd.refused += e != NULL;
	(void)pthread_mutex_unlock(&fake_signd.lock);
	return e;
}

static const struct bus_handler fake_handlers[] = {
	{ MSG_CRL_BEGIN, MSG_ROLE_BIT(MSG_ROLE_CRLD), on_fake },
	{ MSG_CRL_CHUNK, MSG_ROLE_BIT(MSG_ROLE_CRLD), on_fake },
	{ MSG_CRL_END, MSG_ROLE_BIT(MSG_ROLE_CRLD), on_fake },
	{ MSG_SIGNER_STATUS, MSG_ROLE_BIT(MSG_ROLE_CRLD), on_fake },
	{ 0, 0, NULL },
};

static inline struct bus_fake *fake_signd_start(const struct crl_ca *ca)
{
	const struct bus_fake_conf conf = { .server = "signd-ca",
					    .server_role = MSG_ROLE_SIGND_CA,
					    .client = "crld",
					    .client_role = MSG_ROLE_CRLD,
					    .handlers = fake_handlers };

	fake_signd.ca = ca;
	return bus_fake_create(&conf);
}

#endif
