/*
 * front_test.c - the answering side as a whole: HTTP in, a signer on the bus that signs with a test key, HTTP out.
 *
 * The state is fed by the test, so every moment can be chosen: a status that changes while it is being signed, a ledger
 * that is not read, a signer that is silent, refuses, or has another key. OpenSSL verifies every answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
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

static size_t sign_with(EVP_PKEY *key, uint8_t *out, size_t size, struct slice data)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, out, &size, data.p, data.len), 1);
	EVP_MD_CTX_free(ctx);
	return size;
}

static void fill_result(struct msg_sign_ocsp_result *out, uint8_t *signature, size_t size, struct slice tbs)
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

static struct err *on_sign(void *arg, struct bus_call *call)
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

static void quiet(void *arg, const char *line)
{
	(void)arg;
	if (getenv("NUC_LOG") != NULL)
		(void)fprintf(stderr, "%s\n", line);
}

static void round_now(void)
{
	ocsp_state_begin_round(world.state, clock_mono_ms());
	if (world.appears.p != NULL)
		ck_ok(ocsp_state_put(world.state, 0, world.appears, ocsp_word_make(OCSP_LEDGER_VALID, 0, 0)));
	ocsp_state_end_round(world.state, 0);
	if (world.server != NULL)
		http_server_wake(world.server);
}

static void on_prompt(void *arg)
{
	(void)arg;
	atomic_fetch_add(&world.prompts, 1);
	if (atomic_load(&world.reads_at_prompt))
		round_now();
}

static void make_people(void)
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

static void setup(void)
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

static void start_threads(unsigned threads)
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

static void start(void)
{
	start_threads(1);
	round_now();
}

static void teardown(void)
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

static uint64_t counted(enum ocsp_counter which)
{
	struct ocsp_front_stats s;

	ocsp_front_stats(world.front, &s);
	return s.counters[which];
}

/* ---- a client */

static struct od cert_id_of(const struct test_person *ca, int digest, bool null, struct slice serial)
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

static struct od ask_for(struct od cert_id, const char *nonce)
{
	struct od extensions = { .len = 0 };

	if (nonce != NULL)
		extensions = od_nonce(od_bytes(nonce, strlen(nonce)));
	return od_request(od_single(cert_id), extensions);
}

static int client(void)
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

static void send_post(int fd, struct od request)
{
	char head[256];
	int n = snprintf(
		head, sizeof head,
		"POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/ocsp-request\r\nContent-Length: %zu\r\n\r\n",
		request.len);

	ck_assert_int_eq(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
	ck_assert_int_eq(send(fd, request.p, request.len, MSG_NOSIGNAL), (ssize_t)request.len);
}

static void send_get(int fd, struct od request, const char *fields)
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

static void answer_clear(struct answer *a)
{
	OCSP_BASICRESP_free(a->basic);
	a->basic = NULL;
}

static int64_t time_of(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	return t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ? -1 : timegm(&tm);
}

static void read_bytes(int fd, void *out, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(fd, (uint8_t *)out + got, len - got, 0);
		ck_assert_msg(n > 0, "the connection ended");
		got += (size_t)n;
	}
}

static void hear(int fd, struct answer *a)
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

static void verify(const struct answer *a, const struct test_person *ca)
{
	X509_STORE *store = X509_STORE_new();

	ck_assert_int_eq(X509_STORE_add_cert(store, ca->cert), 1);
	ck_assert_msg(OCSP_basic_verify(a->basic, NULL, store, 0) == 1, "the signature does not verify");
	X509_STORE_free(store);
}

/* One question by POST, one answer, verified; its first CertID is the one that was asked for. */
static struct answer ask_on(int fd, struct od cert_id, const char *nonce)
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

static struct answer ask(struct slice serial, const char *nonce)
{
	int fd = client();
	struct answer a = ask_on(fd, cert_id_of(&world.ca, 1, true, serial), nonce);

	(void)close(fd);
	return a;
}

static void expect_status(struct slice serial, const char *nonce, int status)
{
	struct answer a = ask(serial, nonce);

	ck_assert_int_eq(a.status, status);
	answer_clear(&a);
}

static void expect_cert(struct slice serial, const char *nonce, int cert_status, int reason, int64_t revoked_at)
{
	struct answer a = ask(serial, nonce);

	ck_assert_msg(a.basic != NULL, "response status %d", a.status);
	ck_assert_int_eq(a.cert_status, cert_status);
	ck_assert_int_eq(a.reason, reason);
	ck_assert_int_eq(a.revoked_at, revoked_at);
	answer_clear(&a);
}

#define expect_good(serial, nonce) expect_cert(serial, nonce, V_OCSP_CERTSTATUS_GOOD, -1, -1)

/* ---- tests */

START_TEST(test_statuses)
{
	start();
	for (int i = 0; i < 2; i++) {
		const char *nonce = i == 0 ? NULL : "12345678";
		expect_good(GOOD_SERIAL, nonce);
		expect_cert(REVOKED_SERIAL, nonce, V_OCSP_CERTSTATUS_REVOKED, 1, 1700000000);
		expect_cert(HELD_SERIAL, nonce, V_OCSP_CERTSTATUS_REVOKED, 6, 1710000000);
		expect_cert(ABSENT_SERIAL, nonce, V_OCSP_CERTSTATUS_REVOKED, 6, 0); /* NUC's form */
	}
	struct answer a = ask(GOOD_SERIAL, "nonce of 16 byte");
	int64_t now = clock_now_s();
	ck_assert(a.this_at <= now && a.this_at >= now - 5);
	ck_assert_int_eq(a.next_at, a.this_at + 43200);
	ck_assert_ptr_null(strstr(a.head, "ETag")); /* by POST nothing is to be kept */
	answer_clear(&a);

	world.appears = SLICE_NONE;
	int fd = client();
	a = ask_on(fd, cert_id_of(&world.second_ca, 1, true, GOOD_SERIAL), NULL);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_UNAUTHORIZED); /* RFC 5019 §2.2.3 */
	(void)close(fd);
}
END_TEST

START_TEST(test_unknown_by_setting)
{
	world.conf.status.never_issued = OCSP_NEVER_ISSUED_UNKNOWN;
	start();
	expect_cert(ABSENT_SERIAL, "n", V_OCSP_CERTSTATUS_UNKNOWN, -1, -1);
}
END_TEST

/* Four digests by two forms of the parameters by nonce or none, twice: each answer has its own question's bytes. */
START_TEST(test_every_cert_id)
{
	static const char *const nonces[] = { NULL, "8 octets", "sixteen octets 1" };
	struct slice serials[] = { GOOD_SERIAL, REVOKED_SERIAL, HELD_SERIAL, ABSENT_SERIAL };
	static const int want[] = { V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_REVOKED,
				    V_OCSP_CERTSTATUS_REVOKED };

	start();
	int fd = client();
	for (int n = 0; n < 2 * 4 * 2 * 3 * 4; n++) {
		int which = n % 4, nonce = n / 4 % 3, null = n / 12 % 2, digest = n / 24 % 4;
		struct answer a = ask_on(fd, cert_id_of(&world.ca, digest, null, serials[which]), nonces[nonce]);
		ck_assert_ptr_nonnull(a.basic);
		ck_assert_int_eq(a.cert_status, want[which]);
		answer_clear(&a);
	}
	(void)close(fd);
	/* Without a nonce the second time came from the prepared ones; never-issued ones are never kept. */
	struct ocsp_front_stats s;
	ocsp_front_stats(world.front, &s);
	ck_assert_uint_eq(s.answers[OCSP_GOOD][OCSP_PREPARED], 8);
	ck_assert_uint_eq(s.answers[OCSP_REVOKED][OCSP_PREPARED], 16);
	ck_assert_uint_eq(s.prepared, 24);
}
END_TEST

START_TEST(test_get)
{
	struct answer a;
	char etag[64] = "", fields[160];

	start();
	struct od request = ask_for(cert_id_of(&world.ca, 0, true, GOOD_SERIAL), NULL);
	int fd = client();
	for (int i = 0; i < 3; i++) { /* signed, then prepared: the same answer with the same headers (RFC 5019 §6.2) */
		send_get(fd, request, "");
		hear(fd, &a);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		verify(&a, &world.ca);
		const char *tag = strstr(a.head, "ETag: \"");
		ck_assert_ptr_nonnull(tag);
		if (i > 0)
			ck_assert_int_eq(strncmp(etag, tag + 6, 18), 0);
		(void)snprintf(etag, 19, "%s", tag + 6);
		ck_assert_ptr_nonnull(strstr(a.head, "Last-Modified: "));
		ck_assert_ptr_nonnull(strstr(a.head, "Expires: "));
		ck_assert_ptr_nonnull(
			strstr(a.head, "Cache-Control: max-age=60,public,no-transform,must-revalidate\r\n"));
		answer_clear(&a);
	}
	ck_assert_int_eq(atomic_load(&signer.items), 1);
	(void)snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", etag);
	send_get(fd, request, fields);
	hear(fd, &a);
	ck_assert_int_eq(a.http_status, 304);
	ck_assert_ptr_nonnull(strstr(a.head, etag));
	send_get(fd, request, "If-None-Match: \"other\"\r\n");
	hear(fd, &a);
	ck_assert_int_eq(a.http_status, 200);
	answer_clear(&a);

	send_get(fd, ask_for(cert_id_of(&world.ca, 0, true, GOOD_SERIAL), "12345678"), "");
	hear(fd, &a);
	ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
	ck_assert_ptr_nonnull(strstr(a.head, "Cache-Control: no-store\r\n"));
	ck_assert_ptr_null(strstr(a.head, "ETag"));
	answer_clear(&a);
	send_get(fd, ask_for(cert_id_of(&world.ca, 0, true, ABSENT_SERIAL), NULL), "");
	hear(fd, &a);
	ck_assert_ptr_nonnull(strstr(a.head, "no-store")); /* it may be issued the next moment */
	answer_clear(&a);
	(void)close(fd);
}
END_TEST

START_TEST(test_malformed)
{
	static const char *const gets[] = { "GET / HTTP/1.1\r\nHost: t\r\n\r\n",
					    "GET /favicon.ico HTTP/1.1\r\nHost: t\r\n\r\n",
					    "GET /YWJj HTTP/1.1\r\nHost: t\r\n\r\n",
					    "GET /%zz HTTP/1.1\r\nHost: t\r\n\r\n" };
	struct answer a;
	struct ocsp_front_stats s;

	start();
	int fd = client();
	for (int i = 0; i < COUNT_OF(gets); i++) {
		ck_assert_int_gt(send(fd, gets[i], strlen(gets[i]), MSG_NOSIGNAL), 0);
		hear(fd, &a);
		ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
		ck_assert_ptr_nonnull(strstr(a.head, "no-store"));
	}
	send_post(fd, OD("\x30\x00"));
	hear(fd, &a);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
	struct answer good = ask_on(fd, cert_id_of(&world.ca, 1, true, GOOD_SERIAL), NULL); /* the connection goes on */
	ck_assert_int_eq(good.cert_status, V_OCSP_CERTSTATUS_GOOD);
	answer_clear(&good);
	ocsp_front_stats(world.front, &s);
	ck_assert_uint_eq(s.answers[OCSP_MALFORMED][OCSP_DIRECT], 5);
	ck_assert_uint_eq(s.malformed[OCSP_MALFORMED_ENCODING], 3);
	ck_assert_int_eq(atomic_load(&signer.items), 1);
	(void)close(fd);
}
END_TEST

START_TEST(test_several)
{
	struct slice serials[] = { GOOD_SERIAL, REVOKED_SERIAL, ABSENT_SERIAL, HELD_SERIAL };
	static const int want[] = { V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_REVOKED,
				    V_OCSP_CERTSTATUS_REVOKED };
	struct od list = { .len = 0 };
	struct answer a;

	ck_ok(ocsp_state_add_issuer(world.state, NULL, "two", buf_slice(&world.second_ca.der)));
	ck_ok(ocsp_state_add_responder(world.state, NULL, 2, "two", buf_slice(&world.second_responder.der)));
	start();
	for (int i = 0; i < 4; i++)
		list = od_join(list, od_single(cert_id_of(&world.ca, i, i % 2 == 0, serials[i])));
	int fd = client();
	send_post(fd, od_request(list, od_nonce(OD("nonce"))));
	hear(fd, &a);
	ck_assert_ptr_nonnull(a.basic);
	verify(&a, &world.ca);
	ck_assert_int_eq(OCSP_resp_count(a.basic), 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(OCSP_single_get0_status(OCSP_resp_get0(a.basic, i), NULL, NULL, NULL, NULL), want[i]);
	answer_clear(&a);
	/* Another issuer's certificate among them: no one signer may answer for both. */
	send_post(fd, od_request(od_join(list, od_single(cert_id_of(&world.second_ca, 1, true, GOOD_SERIAL))),
				 (struct od){ .len = 0 }));
	hear(fd, &a);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_UNAUTHORIZED);
	(void)close(fd);
}
END_TEST

/* Two issuers, one serial, one of the two revoked (incidents 37). */
START_TEST(test_same_serial)
{
	struct answer a;

	ck_ok(ocsp_state_add_issuer(world.state, NULL, "two", buf_slice(&world.second_ca.der)));
	ck_ok(ocsp_state_add_responder(world.state, NULL, 2, "two", buf_slice(&world.second_responder.der)));
	ck_ok(ocsp_state_put(world.state, 1, REVOKED_SERIAL, ocsp_word_make(OCSP_LEDGER_VALID, 0, 0)));
	start();
	for (int n = 0; n < 16; n++) {
		expect_cert(REVOKED_SERIAL, n % 2 ? "x" : NULL, V_OCSP_CERTSTATUS_REVOKED, 1, 1700000000);
		signer.key = world.second_responder.key;
		int fd = client();
		send_post(fd,
			  ask_for(cert_id_of(&world.second_ca, n / 2 % 4, n / 8, REVOKED_SERIAL), n % 2 ? "x" : NULL));
		hear(fd, &a);
		ck_assert_ptr_nonnull(a.basic);
		verify(&a, &world.second_ca);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		answer_clear(&a);
		(void)close(fd);
		signer.key = world.responder.key;
	}
}
END_TEST

/* A change of status replaces the prepared answer at once, both ways. */
START_TEST(test_prepared_follow_the_status)
{
	start();
	expect_good(GOOD_SERIAL, NULL);
	expect_good(GOOD_SERIAL, NULL);
	ck_assert_int_eq(atomic_load(&signer.items), 1);
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_HELD, 6, 1720000000)));
	expect_cert(GOOD_SERIAL, NULL, V_OCSP_CERTSTATUS_REVOKED, 6, 1720000000);
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_VALID, 0, 0)));
	expect_good(GOOD_SERIAL, NULL);
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_REVOKED, 4, 1730000000)));
	expect_cert(GOOD_SERIAL, NULL, V_OCSP_CERTSTATUS_REVOKED, 4, 1730000000);
	expect_cert(GOOD_SERIAL, NULL, V_OCSP_CERTSTATUS_REVOKED, 4, 1730000000);
	ck_assert_int_eq(atomic_load(&signer.items), 4);
}
END_TEST

/* Hot answers are renewed before half of their life; past half of it nothing is sent that was not renewed. */
START_TEST(test_refresh)
{
	int64_t t0 = clock_now_ms() + 10000;
	struct answer a;

	start();
	clock_set_for_test(t0);
	expect_good(GOOD_SERIAL, NULL);
	clock_set_for_test(t0 + 16000 * 1000); /* 3/8 of 12 h are 16,200 s */
	expect_good(GOOD_SERIAL, NULL);
	ck_assert_int_eq(atomic_load(&signer.items), 1);
	clock_set_for_test(t0 + 16300 * 1000);
	a = ask(GOOD_SERIAL, NULL);
	ck_assert_int_eq(a.this_at, t0 / 1000); /* the old one, and meanwhile a new one is made */
	answer_clear(&a);
	while (counted(OCSP_COUNT_REFRESHED) != 1 || a.this_at != t0 / 1000 + 16300) {
		a = ask(GOOD_SERIAL, NULL);
		answer_clear(&a);
	}
	ck_assert_int_eq(atomic_load(&signer.items), 2);
	clock_set_for_test(t0 + (16300 + 21600) * 1000);
	a = ask(GOOD_SERIAL, NULL);
	ck_assert_int_eq(a.this_at, t0 / 1000 + 16300 + 21600);
	answer_clear(&a);
	/* The signer is away: what is past half of its life still serves to its end, then nothing does. */
	world.conf.sign_deadline_ms = 10000;
	atomic_store(&signer.mode, REFUSE);
	clock_set_for_test(t0 + (16300 + 21600 + 43199) * 1000LL);
	a = ask(GOOD_SERIAL, NULL);
	ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
	ck_assert_int_eq(a.this_at, t0 / 1000 + 16300 + 21600);
	answer_clear(&a);
	clock_set_for_test(t0 + (16300 + 21600 + 43200) * 1000LL);
	expect_status(GOOD_SERIAL, NULL, OCSP_RESPONSE_STATUS_TRYLATER);
}
END_TEST

/* Many ask the same at the same time: one signature. */
START_TEST(test_sharing)
{
	enum { NUM = 60 };
	int fds[NUM];
	struct answer a;

	start();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	struct od request = ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), NULL);
	for (int i = 0; i < NUM; i++) {
		fds[i] = client();
		if (i % 2 == 0)
			send_post(fds[i], request);
		else
			send_get(fds[i], request, "");
	}
	while (counted(OCSP_COUNT_SHARED) < NUM - 1)
		(void)sched_yield();
	(void)pthread_mutex_unlock(&signer.gate);
	for (int i = 0; i < NUM; i++) {
		hear(fds[i], &a);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		ck_assert_int_eq(strstr(a.head, "ETag") != NULL, i % 2);
		verify(&a, &world.ca);
		answer_clear(&a);
		(void)close(fds[i]);
	}
	ck_assert_int_eq(atomic_load(&signer.items), 1);
}
END_TEST

/* Questions that come together leave together. */
START_TEST(test_batches)
{
	enum { NUM = 100 };
	int fds[NUM];
	struct answer a;

	start();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	for (int i = 0; i < NUM; i++) {
		char nonce[32];
		(void)snprintf(nonce, sizeof nonce, "nonce %d", i);
		fds[i] = client();
		send_post(fds[i], ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), nonce));
	}
	struct ocsp_front_stats s;
	do
		ocsp_front_stats(world.front, &s);
	while (s.waiting < NUM);
	(void)pthread_mutex_unlock(&signer.gate);
	for (int i = 0; i < NUM; i++) {
		hear(fds[i], &a);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		answer_clear(&a);
		(void)close(fds[i]);
	}
	ck_assert_int_eq(atomic_load(&signer.items), NUM);
	do
		ocsp_front_stats(world.front, &s);
	while (s.waiting > 0);
}
END_TEST

START_TEST(test_queue_bound)
{
	int fds[6];
	struct answer a;

	world.conf.sign_queue = 4;
	start();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	for (int i = 0; i < 6; i++) {
		fds[i] = client();
		send_post(fds[i], ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), "n"));
		struct ocsp_front_stats s;
		do /* one after the other */
			ocsp_front_stats(world.front, &s);
		while (s.waiting + s.counters[OCSP_COUNT_QUEUE_FULL] < (uint64_t)i + 1);
	}
	for (int i = 4; i < 6; i++) { /* early, while the others wait */
		hear(fds[i], &a);
		ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	}
	(void)pthread_mutex_unlock(&signer.gate);
	for (int i = 0; i < 4; i++) {
		hear(fds[i], &a);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
		answer_clear(&a);
	}
	for (int i = 0; i < 6; i++)
		(void)close(fds[i]);
	ck_assert_uint_eq(counted(OCSP_COUNT_QUEUE_FULL), 2);
}
END_TEST

static const struct {
	enum signer_mode mode;
	enum ocsp_counter counter;
} troubles[] = {
	{ SILENT, OCSP_COUNT_DEADLINE },	  { REFUSE, OCSP_COUNT_SIGNER_REFUSED },
	{ RETRY_LATER, OCSP_COUNT_SIGNER_RETRY }, { GARBAGE, OCSP_COUNT_SIGNER_FAILED },
	{ FEWER, OCSP_COUNT_SIGNER_FAILED },	  { SIGN_OTHER_KEY, OCSP_COUNT_BAD_SIGNATURE },
};

/* Whatever the signer does, the answer is tryLater, others go on, and when it is well again so are the answers. */
START_TEST(test_troubles)
{
	struct answer a;

	world.conf.sign_deadline_ms = 150;
	start();
	int fd = client();
	atomic_store(&signer.mode, troubles[_i].mode);
	send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), "n"));
	hear(fd, &a);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	ck_assert_uint_ge(counted(troubles[_i].counter), 1);
	send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), NULL));
	hear(fd, &a);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	atomic_store(&signer.mode, SIGN);
	do {
		answer_clear(&a);
		a = ask_on(fd, cert_id_of(&world.ca, 1, true, GOOD_SERIAL), NULL);
	} while (a.basic == NULL);
	answer_clear(&a);
	(void)close(fd);
}
END_TEST

START_TEST(test_signer_away)
{
	world.conf.sign_deadline_ms = 200;
	start();
	expect_good(GOOD_SERIAL, "n");
	bus_fake_stop(world.bus);
	expect_status(GOOD_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	bus_fake_start(world.bus);
	struct answer a;
	do
		a = ask(GOOD_SERIAL, "n");
	while (a.basic == NULL);
	answer_clear(&a);
}
END_TEST

/* The certificate is in the ledger, the signer has not heard of it yet: it is asked again until it has. */
START_TEST(test_signer_behind)
{
	start();
	atomic_store(&signer.until_agreed, 3);
	atomic_store(&signer.mode, NOT_ISSUED_YET);
	expect_good(GOOD_SERIAL, "n");
	ck_assert_uint_eq(counted(OCSP_COUNT_SIGNER_RETRY), 3);
}
END_TEST

/* Revoked while "good" was being signed: the "good" does not leave. */
START_TEST(test_changed_while_signing)
{
	struct answer a;

	start();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	int fd = client();
	send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), "n"));
	while (atomic_load(&signer.items) == 0)
		(void)sched_yield();
	ck_ok(ocsp_state_put(world.state, 0, GOOD_SERIAL, ocsp_word_make(OCSP_LEDGER_REVOKED, 1, 1740000000)));
	(void)pthread_mutex_unlock(&signer.gate);
	hear(fd, &a);
	ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_REVOKED);
	ck_assert_int_eq(a.revoked_at, 1740000000);
	answer_clear(&a);
	ck_assert_uint_eq(counted(OCSP_COUNT_CHANGED), 1);
	(void)close(fd);
}
END_TEST

/* A serial that the state does not know may have been issued a moment ago: the ledger is read before it is called never
 * issued. */
START_TEST(test_recheck)
{
	start();
	world.appears = ABSENT_SERIAL;
	expect_good(ABSENT_SERIAL, "n");
	ck_assert_uint_eq(counted(OCSP_COUNT_RECHECKED), 1);
	ck_assert_int_ge(atomic_load(&world.prompts), 1);
	expect_cert(SLICE("\x11\x05", 2), "n", V_OCSP_CERTSTATUS_REVOKED, 6, 0);
}
END_TEST

START_TEST(test_recheck_cannot_be_done)
{
	world.conf.sign_deadline_ms = 100;
	start();
	atomic_store(&world.reads_at_prompt, false);
	expect_status(ABSENT_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	ck_assert_int_eq(atomic_load(&signer.items), 0);
	expect_good(GOOD_SERIAL, "n");
}
END_TEST

START_TEST(test_no_recheck_by_setting)
{
	world.conf.recheck_absent = false;
	start();
	atomic_store(&world.reads_at_prompt, false);
	expect_cert(ABSENT_SERIAL, "n", V_OCSP_CERTSTATUS_REVOKED, 6, 0);
}
END_TEST

START_TEST(test_not_loaded)
{
	start_threads(1);
	expect_status(GOOD_SERIAL, NULL, OCSP_RESPONSE_STATUS_TRYLATER);
	int fd = client();
	struct answer a = ask_on(fd, cert_id_of(&world.second_ca, 1, true, GOOD_SERIAL), NULL);
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	(void)close(fd);
	round_now();
	expect_good(GOOD_SERIAL, NULL);
}
END_TEST

/* The ledger is not read any more: nothing new is decided; what was prepared goes out, with its own time, for a while. */
START_TEST(test_stale)
{
	int64_t t0 = clock_now_ms() + 10000;

	world.conf.status.stale_after_ms = 150;
	start();
	atomic_store(&world.reads_at_prompt, false);
	clock_set_for_test(t0);
	round_now();
	expect_good(GOOD_SERIAL, NULL);
	struct answer a;
	do
		a = ask(HELD_SERIAL, "n");
	while (a.basic != NULL && (answer_clear(&a), true));
	ck_assert_int_eq(a.status, OCSP_RESPONSE_STATUS_TRYLATER);
	clock_set_for_test(t0 + 60000);
	a = ask(GOOD_SERIAL, NULL);
	ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_GOOD);
	ck_assert_int_eq(a.this_at, t0 / 1000);
	answer_clear(&a);
	expect_status(GOOD_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	expect_status(REVOKED_SERIAL, NULL, OCSP_RESPONSE_STATUS_TRYLATER);
	clock_set_for_test(t0 + 61000);
	expect_status(GOOD_SERIAL, NULL, OCSP_RESPONSE_STATUS_TRYLATER);
	ck_assert_uint_ge(counted(OCSP_COUNT_STALE_SERVED), 1);
	int64_t began_ms = clock_mono_ms();
	do { /* recovery by itself */
		round_now();
		a = ask(GOOD_SERIAL, "n");
		ck_assert_int_lt(clock_mono_ms() - began_ms, 10000);
	} while (a.basic == NULL);
	answer_clear(&a);
}
END_TEST

START_TEST(test_clock_goes_back)
{
	int64_t t0 = clock_now_ms() + 10000;

	start();
	clock_set_for_test(t0);
	expect_good(GOOD_SERIAL, "n");
	clock_set_for_test(t0 - 60000);
	expect_status(GOOD_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	ck_assert_uint_eq(counted(OCSP_COUNT_CLOCK_BACK), 1);
	clock_set_for_test(t0 - 1000);
	struct answer a = ask(GOOD_SERIAL, "n");
	ck_assert_int_eq(a.this_at, t0 / 1000);
	answer_clear(&a);
}
END_TEST

/* The ledger has a newer responder certificate than the signer has a key for: answers go on under the old one. */
START_TEST(test_responder_renewed_early)
{
	struct test_person next;
	struct test_cert_spec spec = { .cn = "OCSP RESPONDER",
				       .eku = "OCSPSigning",
				       .not_before_at = clock_now_s() - 10,
				       .not_after_at = clock_now_s() + 3600 };

	test_person_init(&next, "p256", &spec, &world.ca);
	start();
	expect_good(GOOD_SERIAL, "n");
	ck_ok(ocsp_state_add_responder(world.state, NULL, 2, "rsa", buf_slice(&next.der)));
	struct answer a = ask(GOOD_SERIAL, "n");
	ck_assert_ptr_nonnull(a.basic);
	answer_clear(&a);
	signer.key = next.key; /* now the signer changes over */
	for (int i = 0; i < 300; i++) { /* noticed within the answers of which one is verified */
		int fd = client();
		send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), "n"));
		hear(fd, &a);
		(void)close(fd);
		if (a.basic != NULL && i == 299)
			verify(&a, &world.ca);
		answer_clear(&a);
	}
	test_person_clear(&next);
}
END_TEST

START_TEST(test_clipped_by_the_responder)
{
	struct test_person brief;
	int64_t now = clock_now_s();
	struct test_cert_spec spec = {
		.cn = "OCSP RESPONDER", .eku = "OCSPSigning", .not_before_at = now - 10, .not_after_at = now + 600
	};

	test_person_init(&brief, "p256", &spec, &world.ca);
	ck_ok(ocsp_state_add_responder(world.state, NULL, 2, "rsa", buf_slice(&brief.der)));
	signer.key = brief.key;
	start();
	struct answer a = ask(GOOD_SERIAL, NULL);
	ck_assert_ptr_nonnull(a.basic);
	ck_assert_int_eq(a.next_at, now + 600);
	answer_clear(&a);
	clock_set_for_test((now + 400 * 86400) * 1000); /* all are over */
	expect_status(GOOD_SERIAL, "n", OCSP_RESPONSE_STATUS_TRYLATER);
	test_person_clear(&brief);
}
END_TEST

/* Clients that leave while their answer is made. */
START_TEST(test_clients_that_leave)
{
	struct linger reset = { 1, 0 };

	start_threads(2);
	round_now();
	atomic_store(&signer.mode, HOLD);
	(void)pthread_mutex_lock(&signer.gate);
	for (int i = 0; i < 100; i++) {
		int fd = client();
		send_post(fd, ask_for(cert_id_of(&world.ca, 1, true, GOOD_SERIAL), i % 2 ? "n" : NULL));
		if (i % 3 == 0)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		(void)close(fd);
	}
	(void)pthread_mutex_unlock(&signer.gate);
	atomic_store(&signer.mode, SIGN);
	expect_good(GOOD_SERIAL, NULL);
	struct ocsp_front_stats s;
	do
		ocsp_front_stats(world.front, &s);
	while (s.waiting > 0);
}
END_TEST

/* Random serials: none is good (incidents 21). */
START_TEST(test_random_serials)
{
	uint8_t bytes[20];
	uint32_t x = 1;

	start();
	int fd = client();
	for (int n = 0; n < 2000; n++) {
		size_t len = (size_t)(n % 19) + 2;
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
		bytes[0] = (uint8_t)(0x20 | (bytes[0] & 0x1f));
		struct answer a = ask_on(fd, cert_id_of(&world.ca, 1, true, SLICE(bytes, len)), n % 2 ? "n" : NULL);
		ck_assert_int_eq(a.cert_status, V_OCSP_CERTSTATUS_REVOKED);
		ck_assert_int_eq(a.revoked_at, 0);
		answer_clear(&a);
	}
	(void)close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/front");
	TCase *t = tcase_create("front");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_statuses);
	tcase_add_test(t, test_unknown_by_setting);
	tcase_add_test(t, test_every_cert_id);
	tcase_add_test(t, test_get);
	tcase_add_test(t, test_malformed);
	tcase_add_test(t, test_several);
	tcase_add_test(t, test_same_serial);
	tcase_add_test(t, test_prepared_follow_the_status);
	tcase_add_test(t, test_refresh);
	tcase_add_test(t, test_sharing);
	tcase_add_test(t, test_batches);
	tcase_add_test(t, test_queue_bound);
	tcase_add_loop_test(t, test_troubles, 0, COUNT_OF(troubles));
	tcase_add_test(t, test_signer_away);
	tcase_add_test(t, test_signer_behind);
	tcase_add_test(t, test_changed_while_signing);
	tcase_add_test(t, test_recheck);
	tcase_add_test(t, test_recheck_cannot_be_done);
	tcase_add_test(t, test_no_recheck_by_setting);
	tcase_add_test(t, test_not_loaded);
	tcase_add_test(t, test_stale);
	tcase_add_test(t, test_clock_goes_back);
	tcase_add_test(t, test_responder_renewed_early);
	tcase_add_test(t, test_clipped_by_the_responder);
	tcase_add_test(t, test_clients_that_leave);
	tcase_add_test(t, test_random_serials);
	suite_add_tcase(s, t);
	return suite_main(s);
}
