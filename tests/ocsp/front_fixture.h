/*
 * front_fixture.h - the answering side as a whole for tests: HTTP in, a signer on the bus that signs with a test key, HTTP
 * out, and a client.
 *
 * The state is fed by the test, so every moment can be chosen: a status that changes while it is being signed, a ledger
 * that is not read, a signer that is silent, refuses, or has another key. OpenSSL verifies every answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_OCSP_FRONT_FIXTURE_H
#define TESTS_OCSP_FRONT_FIXTURE_H

#include <arpa/inet.h>
#include <openssl/ocsp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "bus/msg_ocsp.h"
#include "bus/msg_sign.h"
#include "ocsp/front.h"
#include "support/bus_fake.h"
#include "support/ocsp_der.h"
#include "support/sign.h"
#include "support/suite.h"

/* ---- the signer */

enum signer_mode { SIGN, SIGN_OTHER_KEY, REFUSE, NOT_ISSUED_YET, RETRY_LATER, SILENT, GARBAGE, FEWER, HOLD };

static struct signer {
	_Atomic(enum signer_mode) mode;
	atomic_int items, messages, until_agreed; /* until_agreed: refusals before NOT_ISSUED_YET signs */
	EVP_PKEY *key, *other_key;
	pthread_mutex_t gate; /* HOLD: answers wait for it */
} signer;

static inline size_t sign_with(EVP_PKEY *key, uint8_t *out, size_t size, struct slice data)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, out, &size, data.p, data.len), 1);
	EVP_MD_CTX_free(ctx);
	return size;
}

static inline void fill_result(struct msg_sign_ocsp_result *out, uint8_t *signature, size_t size, struct slice tbs)
{
	enum signer_mode mode = atomic_load(&signer.mode);

	*out = (struct msg_sign_ocsp_result){ .status = MSG_ITEM_REFUSED, .reason = SLICE_STR("ocsp_form") };
	if (mode == RETRY_LATER) {
		out->status = MSG_ITEM_RETRY;
		out->reason = SLICE_STR("retry");
		return;
	}
	if (mode == NOT_ISSUED_YET && atomic_fetch_sub(&signer.until_agreed, 1) > 0) {
		out->reason = SLICE_STR("ocsp_good_not_issued");
		return;
	}
	if (mode == REFUSE)
		return;
	out->status = MSG_ITEM_DONE;
	out->reason = SLICE_STR("");
	out->signature = SLICE(signature,
			       sign_with(mode == SIGN_OTHER_KEY ? signer.other_key : signer.key, signature, size, tbs));
}

static inline struct err *on_sign(void *arg, struct bus_call *call)
{
	static uint8_t signatures[OCSP_SIGN_BATCH_MAX][512];
	struct msg_sign_ocsp_result results[OCSP_SIGN_BATCH_MAX];
	OWN(msg_sign_ocsp) ask = { 0 };
	OWN(buf) body = BUF_INIT(1 << 20);
	enum signer_mode mode = atomic_load(&signer.mode);

	(void)arg;
	TRY(msg_sign_ocsp_decode(&ask, bus_call_body(call)));
	ENSURE(ask.num_items > 0 && ask.num_items <= OCSP_SIGN_BATCH_MAX, BAD_INPUT, "%zu items", ask.num_items);
	atomic_fetch_add(&signer.messages, 1);
	atomic_fetch_add(&signer.items, (int)ask.num_items);
	if (mode == HOLD) {
		(void)pthread_mutex_lock(&signer.gate);
		(void)pthread_mutex_unlock(&signer.gate);
	}
	if (mode == SILENT) {
		bus_call_keep(call);
		return NULL;
	}
	if (mode == GARBAGE) {
		ck_ok(buf_append_str(&body, "\x30\x01"));
		bus_call_answer(call, &body);
		return NULL;
	}
	for (size_t i = 0; i < ask.num_items; i++) {
		ck_assert(slice_equal(ask.items[i].issuer, SLICE_STR("rsa")) ||
			  slice_equal(ask.items[i].issuer, SLICE_STR("two")));
		fill_result(&results[i], signatures[i], sizeof signatures[i], ask.items[i].tbs);
	}
	struct msg_sign_ocsp_ok ok = { .items = results, .num_items = mode == FEWER ? 0 : ask.num_items };
	TRY(msg_sign_ocsp_ok_encode(&body, &ok));
	bus_call_answer(call, &body);
	return NULL;
}

static const struct bus_handler handlers[] = {
	{ MSG_SIGN_OCSP, MSG_ROLE_BIT(MSG_ROLE_OCSPD), on_sign },
	{ 0, 0, NULL },
};

/* ---- the world around */

static struct world {
	struct test_person ca, responder, second_ca, second_responder;
	struct bus_fake *bus;
	struct ocsp_state *state;
	struct ocsp_front *front;
	struct http_server *server;
	struct ocsp_front_conf conf;
	atomic_int prompts;
	atomic_bool reads_at_prompt; /* a prompt is followed by a round */
	struct slice appears; /* serial that the next round finds issued */
} world;

static inline void quiet(void *arg, const char *line)
{
	(void)arg;
	if (getenv("NUC_LOG") != NULL)
		(void)fprintf(stderr, "%s\n", line);
}

static inline void round_now(void)
{
	ocsp_state_begin_round(world.state, clock_mono_ms());
	if (world.appears.p != NULL)
		ck_ok(ocsp_state_put(world.state, 0, world.appears, ocsp_word_make(OCSP_LEDGER_VALID, 0, 0)));
	ocsp_state_end_round(world.state, 0);
	if (world.server != NULL)
		http_server_wake(world.server);
}

static inline void on_prompt(void *arg)
{
	(void)arg;
	atomic_fetch_add(&world.prompts, 1);
	if (atomic_load(&world.reads_at_prompt))
		round_now();
}

static inline void make_people(void)
{
	struct test_cert_spec ca = { .cn = "TEST CA",
				     .basic = "critical,CA:TRUE",
				     .key_usage = "critical,keyCertSign" },
			      second = { .cn = "SECOND CA",
					 .basic = "critical,CA:TRUE",
					 .key_usage = "critical,keyCertSign" },
			      responder = { .cn = "OCSP RESPONDER", .eku = "OCSPSigning", .serial = 9 };

	test_person_init(&world.ca, "p256", &ca, NULL);
	test_person_init(&world.second_ca, "p256", &second, NULL);
	test_person_init(&world.responder, "p256", &responder, &world.ca);
	test_person_init(&world.second_responder, "p256", &responder, &world.second_ca);
	signer.key = world.responder.key;
	signer.other_key = world.second_responder.key;
}

#define GOOD_SERIAL    SLICE("\x11\x01", 2)
#define REVOKED_SERIAL SLICE("\x11\x02", 2)
#define HELD_SERIAL    SLICE("\x11\x03", 2)
#define ABSENT_SERIAL  SLICE("\x11\x04", 2)

static inline void setup(void)
{
	struct bus_fake_conf bus = { "signd-ocsp", MSG_ROLE_SIGND_OCSP, "ocspd", MSG_ROLE_OCSPD, handlers, NULL };

	log_set_sink(quiet, NULL);
	memset(&world, 0, sizeof world);
	memset(&signer, 0, sizeof signer);
	(void)pthread_mutex_init(&signer.gate, NULL);
	make_people();
	ck_ok(ocsp_state_create(&world.state));
	ck_ok(ocsp_state_add_issuer(world.state, NULL, "rsa", buf_slice(&world.ca.der)));
	ck_ok(ocsp_state_add_responder(world.state, NULL, 1, "rsa", buf_slice(&world.responder.der)));
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_VALID, 0, 0)));
	ck_ok(ocsp_state_put(world.state, 0, REVOKED_SERIAL, ocsp_word_make(OCSP_LEDGER_REVOKED, 1, 1700000000)));
	ck_ok(ocsp_state_put(world.state, 0, HELD_SERIAL, ocsp_word_make(OCSP_LEDGER_HELD, 6, 1710000000)));
	world.bus = bus_fake_create(&bus);
	world.conf = (struct ocsp_front_conf){ .status = { OCSP_NEVER_ISSUED_REVOKED, 3600000 },
					       .validity_s = 43200,
					       .recheck_absent = true,
					       .prepared_stale_s = 60,
					       .max_age_s = 60,
					       .prepared_entries = 64,
					       .sign_server = "signd-ocsp",
					       .sign_endpoint = bus_fake_endpoint(world.bus),
					       .sign_deadline_ms = 10000,
					       .sign_queue = 128,
					       .sign_batch = 64 };
	atomic_store(&world.reads_at_prompt, true);
}

static inline void start_threads(unsigned threads)
{
	static const char *const listen_at[] = { "127.0.0.1:0" };
	struct http_conf http = http_conf_default();

	ck_ok(ocsp_front_create(&world.front, &world.conf, world.state, bus_fake_client_bus(world.bus), NULL, on_prompt,
				NULL));
	http.listen = listen_at;
	http.num_listen = 1;
	http.name = "ocsp";
	http.num_threads = threads;
	http.methods |= HTTP_POST;
	http.max_body_bytes = OCSP_REQUEST_MAX_BYTES;
	http.hooks = ocsp_front_hooks();
	http.arg = world.front;
	ck_ok(http_server_create(&world.server, &http));
	ck_ok(http_server_start(world.server));
}

static inline void start(void)
{
	start_threads(1);
	round_now();
}

static inline void teardown(void)
{
	clock_unset_for_test();
	http_server_destroy(&world.server);
	ocsp_front_destroy(&world.front);
	bus_fake_destroy(&world.bus);
	ocsp_state_destroy(&world.state);
	test_person_clear(&world.ca);
	test_person_clear(&world.responder);
	test_person_clear(&world.second_ca);
	test_person_clear(&world.second_responder);
}

static inline uint64_t counted(enum ocsp_counter which)
{
	struct ocsp_front_stats s;

	ocsp_front_stats(world.front, &s);
	return s.counters[which];
}

/* ---- a client */

static inline struct od cert_id_of(const struct test_person *ca, int digest, bool null, struct slice serial)
{
	const EVP_MD *mds[] = { EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512() };
	uint8_t name[64], key[64];
	unsigned len = 0;
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(ca->cert);

	ck_assert_int_eq(X509_NAME_digest(X509_get_subject_name(ca->cert), mds[digest], name, &len), 1);
	ck_assert_int_eq(EVP_Digest(bits->data, (size_t)bits->length, key, &len, mds[digest], NULL), 1);
	return od_cert_id(od_digest(digest, null), od_wrap(0x04, od_bytes(name, len)),
			  od_wrap(0x04, od_bytes(key, len)), od_wrap(0x02, od_bytes(serial.p, serial.len)));
}

static inline struct od ask_for(struct od cert_id, const char *nonce)
{
	struct od extensions = { .len = 0 };

	if (nonce != NULL)
		extensions = od_nonce(od_bytes(nonce, strlen(nonce)));
	return od_request(od_single(cert_id), extensions);
}

static inline int client(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)http_server_port(world.server, 0)),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval patience = { 20, 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static inline void send_post(int fd, struct od request)
{
	char head[256];
	int n = snprintf(
		head, sizeof head,
		"POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/ocsp-request\r\nContent-Length: %zu\r\n\r\n",
		request.len);

	ck_assert_int_eq(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
	ck_assert_int_eq(send(fd, request.p, request.len, MSG_NOSIGNAL), (ssize_t)request.len);
}

static inline void send_get(int fd, struct od request, const char *fields)
{
	OWN(buf) text = BUF_INIT(16384);

	ck_ok(buf_append_str(&text, "GET /"));
	ck_ok(text_base64(&text, SLICE(request.p, request.len)));
	ck_ok(buf_printf(&text, " HTTP/1.1\r\nHost: t\r\n%s\r\n", fields));
	ck_assert_int_eq(send(fd, text.p, text.len, MSG_NOSIGNAL), (ssize_t)text.len);
}

struct answer {
	char head[2048];
	int http_status;
	struct od der;
	int status; /* OCSPResponseStatus */
	OCSP_BASICRESP *basic; /* NULL unless successful */
	int cert_status, reason;
	int64_t revoked_at, this_at, next_at;
};

static inline void answer_clear(struct answer *a)
{
	OCSP_BASICRESP_free(a->basic);
	a->basic = NULL;
}

static inline int64_t time_of(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	return t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ? -1 : timegm(&tm);
}

static inline void read_bytes(int fd, void *out, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(fd, (uint8_t *)out + got, len - got, 0);
		ck_assert_msg(n > 0, "the connection ended");
		got += (size_t)n;
	}
}

static inline void hear(int fd, struct answer *a)
{
	size_t n = 0;

	memset(a, 0, sizeof *a);
	while (n < 4 || memcmp(a->head + n - 4, "\r\n\r\n", 4) != 0) {
		ck_assert_uint_lt(n, sizeof a->head - 1);
		read_bytes(fd, a->head + n++, 1);
	}
	ck_assert_int_eq(sscanf(a->head, "HTTP/1.1 %d", &a->http_status), 1);
	const char *length = strstr(a->head, "Content-Length: ");
	a->der.len = length == NULL ? 0 : strtoul(length + 16, NULL, 10);
	ck_assert_uint_le(a->der.len, OCSP_RESPONSE_MAX_BYTES);
	read_bytes(fd, a->der.p, a->der.len);
	if (a->http_status != 200)
		return;
	ck_assert_ptr_nonnull(strstr(a->head, "Content-Type: application/ocsp-response\r\n"));
	const uint8_t *p = a->der.p;
	OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)a->der.len);
	ck_assert_ptr_nonnull(r);
	a->status = OCSP_response_status(r);
	a->basic = OCSP_response_get1_basic(r);
	OCSP_RESPONSE_free(r);
	if (a->basic == NULL)
		return;
	ASN1_GENERALIZEDTIME *revoked_at = NULL, *this_at = NULL, *next_at = NULL;
	a->reason = -1;
	a->cert_status =
		OCSP_single_get0_status(OCSP_resp_get0(a->basic, 0), &a->reason, &revoked_at, &this_at, &next_at);
	a->revoked_at = time_of(revoked_at);
	a->this_at = time_of(this_at);
	a->next_at = time_of(next_at);
}

static inline void verify(const struct answer *a, const struct test_person *ca)
{
	X509_STORE *store = X509_STORE_new();

	ck_assert_int_eq(X509_STORE_add_cert(store, ca->cert), 1);
	ck_assert_msg(OCSP_basic_verify(a->basic, NULL, store, 0) == 1, "the signature does not verify");
	X509_STORE_free(store);
}

/* One question by POST, one answer, verified; its first CertID is the one that was asked for. */
static inline struct answer ask_on(int fd, struct od cert_id, const char *nonce)
{
	struct answer a;

	send_post(fd, ask_for(cert_id, nonce));
	hear(fd, &a);
	ck_assert_int_eq(a.http_status, 200);
	if (a.basic == NULL)
		return a;
	verify(&a, &world.ca);
	uint8_t *echoed = NULL;
	int len = i2d_OCSP_CERTID(OCSP_SINGLERESP_get0_id(OCSP_resp_get0(a.basic, 0)), &echoed);
	ck_assert(slice_equal(SLICE(echoed, (size_t)len), SLICE(cert_id.p, cert_id.len)));
	OPENSSL_free(echoed);
	int at = OCSP_BASICRESP_get_ext_by_NID(a.basic, NID_id_pkix_OCSP_Nonce, -1);
	ck_assert_int_eq(at >= 0, nonce != NULL);
	if (nonce != NULL) {
		struct od want = od_wrap(0x04, od_bytes(nonce, strlen(nonce)));
		const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(OCSP_BASICRESP_get_ext(a.basic, at));
		ck_assert(slice_equal(SLICE(v->data, (size_t)v->length), SLICE(want.p, want.len)));
	}
	return a;
}

static inline struct answer ask(struct slice serial, const char *nonce)
{
	int fd = client();
	struct answer a = ask_on(fd, cert_id_of(&world.ca, 1, true, serial), nonce);

	(void)close(fd);
	return a;
}

static inline void expect_status(struct slice serial, const char *nonce, int status)
{
	struct answer a = ask(serial, nonce);

	ck_assert_int_eq(a.status, status);
	answer_clear(&a);
}

static inline void expect_cert(struct slice serial, const char *nonce, int cert_status, int reason, int64_t revoked_at)
{
	struct answer a = ask(serial, nonce);

	ck_assert_msg(a.basic != NULL, "response status %d", a.status);
	ck_assert_int_eq(a.cert_status, cert_status);
	ck_assert_int_eq(a.reason, reason);
	ck_assert_int_eq(a.revoked_at, revoked_at);
	answer_clear(&a);
}

#define expect_good(serial, nonce) expect_cert(serial, nonce, V_OCSP_CERTSTATUS_GOOD, -1, -1)

#endif
