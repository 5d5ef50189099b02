/*
 * bus_test.c - endpoints over real sockets: who gets in, who may say what, repeats, parts, garbage, restarts.
 *
 * Server and clients stand in one process, each with a context of its own, and are turned by the test itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/bus_priv.h"
#include "bus/msg_crl.h"
#include "bus/msg_sign.h"
#include "support/bus_net.h"
#include "support/suite.h"

enum { PATIENCE_MS = 10000 };

/* ---- a server that counts and answers ---- */

struct echo {
	int handled;
	int refused;
	enum err_code last_refused;
	struct bus_call *kept;
	enum { ECHO_BYTES, ECHO_FAIL_RETRY, ECHO_DENY, ECHO_KEEP, ECHO_NOTHING, ECHO_KEEP_AND_ANSWER } mode;
};

static struct err *on_echo(void *arg, struct bus_call *call)
{
	struct echo *echo = arg;
	OWN(buf) body = BUF_INIT(64 << 20);

	echo->handled++;
	switch (echo->mode) {
	case ECHO_FAIL_RETRY:
		return ERR(RETRY, "busy");
	case ECHO_DENY:
		return ERR_FIELD(DENIED, "subject", "not allowed");
	case ECHO_KEEP:
		echo->kept = call;
		bus_call_keep(call);
		return NULL;
	case ECHO_NOTHING:
		return NULL;
	case ECHO_KEEP_AND_ANSWER:
		bus_call_keep(call);
		break;
	case ECHO_BYTES:
		break;
	}
	TRY(buf_set(&body, bus_call_body(call)));
	bus_call_answer(call, &body);
	return NULL;
}

static void on_refused(void *arg, const struct bus_call *call, const struct err *e)
{
	struct echo *echo = arg;

	(void)call;
	echo->refused++;
	echo->last_refused = err_code(e);
}

static const struct bus_handler echo_handlers[] = {
	{ MSG_SIGN_CERT, MSG_ROLE_BIT(MSG_ROLE_CAD), on_echo },
	{ MSG_ORDER, MSG_ROLE_BIT(MSG_ROLE_CAD), on_echo },
	{ MSG_CRL_CHUNK, MSG_ROLE_BIT(MSG_ROLE_CRLD), on_echo },
	{ MSG_SIGNER_STATUS, MSG_ROLE_BIT(MSG_ROLE_CAD), on_echo },
	{ 0, 0, NULL },
};

static struct bus_net net;
static struct bus *server_bus, *cad_bus;
static struct bus_server *server;
static struct bus_client *cad;
static struct echo echo;

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static struct bus_server *server_make(void)
{
	struct bus_server_conf conf = { .endpoint = bus_net_endpoint(&net, "sign-ca"),
					.handlers = echo_handlers,
					.arg = &echo,
					.on_refused = on_refused };
	struct bus_server *made = NULL;

	ck_ok(bus_server_create(&made, server_bus, &conf));
	return made;
}

static struct bus_client *client_make(struct bus *bus)
{
	struct bus_client_conf conf = { .server = "signd-ca",
					.endpoint = bus_net_endpoint(&net, "sign-ca"),
					.resend_ms = 100 };
	struct bus_client *made = NULL;

	ck_ok(bus_client_create(&made, bus, &conf));
	return made;
}

static void setup(void)
{
	log_set_sink(quiet, NULL);
	memset(&echo, 0, sizeof echo);
	bus_net_init(&net);
	server_bus = bus_net_bus(&net, "signd-ca");
	cad_bus = bus_net_bus(&net, "cad");
	server = server_make();
	cad = client_make(cad_bus);
}

static void teardown(void)
{
	bus_client_destroy(&cad);
	bus_server_destroy(&server);
	bus_destroy(&cad_bus);
	bus_destroy(&server_bus);
	bus_net_clear(&net);
	log_set_sink(NULL, NULL);
}

/* ---- one question and its answer ---- */

struct asked {
	bool done;
	int times;
	struct err *e;
	struct buf body;
};

static void on_answer(void *arg, struct err *e, struct slice body)
{
	struct asked *a = arg;

	a->done = true;
	a->times++;
	a->e = e;
	a->body.max = 64 << 20;
	if (e == NULL)
		ck_ok(buf_set(&a->body, body));
}

static void asked_clear(struct asked *a)
{
	err_destroy(&a->e);
	buf_clear(&a->body);
}
OWN_TYPE(asked, struct asked, asked_clear)

static void ask(struct bus_client *client, struct asked *a, uint16_t type, struct slice body, int64_t timeout_ms)
{
	OWN(buf) copy = BUF_INIT(64 << 20);

	ck_ok(buf_set(&copy, body));
	ck_ok(bus_client_send(client, type, &copy, timeout_ms, on_answer, a));
}

static struct err *ask_and_wait(struct bus_client *client, uint16_t type, const char *text)
{
	OWN(asked) a = { 0 };

	ask(client, &a, type, SLICE_STR(text), PATIENCE_MS);
	ck_assert(bus_net_turn(server, client, &a.done, PATIENCE_MS + 1000));
	if (a.e == NULL)
		ck_assert(slice_equal(buf_slice(&a.body), SLICE_STR(text)));
	return TAKE(a.e);
}

START_TEST(question_and_answer)
{
	ck_ok(ask_and_wait(cad, MSG_SIGN_CERT, "hello"));
	ck_assert_int_eq(echo.handled, 1);
	ck_assert_uint_eq(bus_server_stats(server).requests, 1);
	ck_assert_uint_eq(bus_client_stats(cad).answered, 1);
	ck_assert_uint_eq(bus_client_in_flight(cad), 0);
	ck_assert_uint_eq(bus_zap_stats(server_bus).admitted, 1);
}
END_TEST

START_TEST(answers_made_later)
{
	OWN(asked) a = { 0 };
	OWN(buf) late = BUF_INIT(64);

	echo.mode = ECHO_KEEP_AND_ANSWER;
	ck_ok(ask_and_wait(cad, MSG_SIGN_CERT, "kept and answered at once"));
	echo.mode = ECHO_KEEP;
	ask(cad, &a, MSG_SIGN_CERT, SLICE_STR("x"), PATIENCE_MS);
	while (echo.kept == NULL)
		(void)bus_net_turn(server, cad, &a.done, 20);
	ck_assert(!a.done);
	ck_assert_str_eq(bus_call_peer(echo.kept), "cad");
	ck_ok(buf_append_str(&late, "later"));
	bus_call_answer(echo.kept, &late);
	ck_assert(bus_net_turn(server, cad, &a.done, PATIENCE_MS));
	ck_assert_ptr_null(a.e);
	ck_assert(slice_equal(buf_slice(&a.body), SLICE_STR("later")));
	ck_assert_int_eq(echo.handled, 2);
}
END_TEST

START_TEST(kept_call_is_freed_with_the_server)
{
	OWN(asked) a = { 0 };

	echo.mode = ECHO_KEEP;
	ask(cad, &a, MSG_SIGN_CERT, SLICE_STR("x"), PATIENCE_MS);
	while (echo.kept == NULL)
		(void)bus_net_turn(server, cad, &a.done, 20);
	bus_server_destroy(&server);
	bus_client_destroy(&cad);
	ck_assert(a.done);
	ck_fails(TAKE(a.e), ERR_GONE, "the connection to signd-ca was closed");
}
END_TEST

START_TEST(errors_come_back)
{
	echo.mode = ECHO_DENY;
	struct err *e = ask_and_wait(cad, MSG_SIGN_CERT, "x");
	ck_assert_str_eq(err_field(e), "subject");
	ck_fails(e, ERR_DENIED, "signd-ca: not allowed");
	ck_assert_int_eq(echo.refused, 1);
	echo.mode = ECHO_NOTHING;
	ck_fails(ask_and_wait(cad, MSG_SIGN_CERT, "x"), ERR_BUG, "the handler of SIGN_CERT gave no answer");
	ck_assert_uint_eq(bus_server_stats(server).failed, 2);
}
END_TEST

START_TEST(wrong_role_is_denied)
{
	struct bus *rad_bus = bus_net_bus(&net, "crld");
	struct bus_client *crld = client_make(rad_bus);

	ck_fails(ask_and_wait(crld, MSG_SIGNER_STATUS, "x"), ERR_DENIED, "SIGNER_STATUS is not for CRLD to send here");
	ck_ok(ask_and_wait(crld, MSG_CRL_CHUNK, "x"));
	ck_assert_int_eq(echo.handled, 1);
	ck_assert_uint_eq(bus_server_stats(server).denied, 1);
	ck_assert_int_eq(echo.last_refused, ERR_DENIED);
	bus_client_destroy(&crld);
	bus_destroy(&rad_bus);
}
END_TEST

START_TEST(type_that_is_not_served)
{
	ck_fails(ask_and_wait(cad, MSG_EVENTS, "x"), ERR_DENIED, "EVENTS is not for CAD to send here");
	ck_assert_int_eq(echo.handled, 0);
}
END_TEST

/* What the list forbids does not even leave. */
START_TEST(client_keeps_to_the_list)
{
	OWN(buf) body = BUF_INIT(2048);
	OWN(asked) a = { 0 };

	ck_fails(bus_client_send(cad, MSG_CRL_CHUNK, &body, 1000, on_answer, &a), ERR_BUG,
		 "cad may not send CRL_CHUNK to signd-ca");
	ck_fails(bus_client_send(cad, MSG_SIGN_CERT_OK, &body, 1000, on_answer, &a), ERR_BUG, "SIGN_CERT_OK");
	ck_fails(bus_client_send(cad, MSG_EVENTS_PUSH, &body, 1000, on_answer, &a), ERR_BUG, "EVENTS_PUSH");
	ck_fails(bus_client_send(cad, 0x7777, &body, 1000, on_answer, &a), ERR_BUG, "?");
	uint8_t *at;
	ck_ok(buf_extend(&body, &at, 1025));
	memset(at, 0, 1025);
	ck_fails(bus_client_send(cad, MSG_EVENTS, &body, 1000, on_answer, &a), ERR_TOO_LARGE, "the limit is 1024");
	ck_assert_int_eq(a.times, 0);
}
END_TEST

START_TEST(handlers_keep_to_the_list)
{
	static const struct bus_handler wrong[][2] = {
		{ { MSG_SIGN_CERT, MSG_ROLE_BIT(MSG_ROLE_RAD), on_echo }, { 0, 0, NULL } },
		{ { MSG_SIGN_OCSP, MSG_ROLE_BIT(MSG_ROLE_OCSPD), on_echo }, { 0, 0, NULL } },
		{ { MSG_SIGN_CERT_OK, MSG_ROLE_BIT(MSG_ROLE_CAD), on_echo }, { 0, 0, NULL } },
	};
	static const char *const why[] = { "does not let it come from", "SIGN_OCSP is not sent to SIGND_CA",
					   "asks nothing" };
	struct bus_server_conf conf = { .endpoint = bus_net_endpoint(&net, "other"), .handlers = wrong[_i] };
	struct bus_server *made = NULL;

	ck_fails(bus_server_create(&made, server_bus, &conf), ERR_CONFIG, why[_i]);
}
END_TEST

START_TEST(stranger_does_not_get_in)
{
	struct bus *bus = bus_net_stranger(&net, "crld");
	struct bus_client *stranger = client_make(bus);
	OWN(asked) a = { 0 };

	ask(stranger, &a, MSG_CRL_CHUNK, SLICE_STR("x"), 1500);
	ck_assert(bus_net_turn(server, stranger, &a.done, 3000));
	ck_fails(TAKE(a.e), ERR_TIMEOUT, "did not answer CRL_CHUNK in time (no connection)");
	ck_assert_int_eq(echo.handled, 0);
	ck_assert_uint_ge(bus_zap_stats(server_bus).refused, 1);
	ck_ok(ask_and_wait(cad, MSG_SIGN_CERT, "others are served"));
	bus_client_destroy(&stranger);
	bus_destroy(&bus);
}
END_TEST

/* A server that cannot prove the key the client has pinned gets nothing. */
START_TEST(false_server_gets_nothing)
{
	bus_server_destroy(&server);
	bus_destroy(&server_bus);
	server_bus = bus_net_stranger(&net, "signd-ca");
	server = server_make();
	OWN(asked) a = { 0 };

	ask(cad, &a, MSG_SIGN_CERT, SLICE_STR("secret"), 1000);
	ck_assert(bus_net_turn(server, cad, &a.done, 3000));
	ck_fails(TAKE(a.e), ERR_TIMEOUT, "no connection");
	ck_assert_int_eq(echo.handled, 0);
}
END_TEST

START_TEST(resend_after_a_restart)
{
	OWN(asked) a = { 0 };

	ck_ok(ask_and_wait(cad, MSG_SIGN_CERT, "first"));
	bus_server_destroy(&server);
	ask(cad, &a, MSG_SIGN_CERT, SLICE_STR("while it is away"), PATIENCE_MS);
	ck_assert(!bus_net_turn(NULL, cad, &a.done, 200));
	server = server_make();
	ck_assert(bus_net_turn(server, cad, &a.done, PATIENCE_MS));
	ck_assert_ptr_null(a.e);
	ck_assert_int_eq(echo.handled, 2);
}
END_TEST

/* A request that the old server took with it is sent again, and then handled once by the new one. */
START_TEST(resend_of_what_was_lost)
{
	OWN(asked) a = { 0 };

	echo.mode = ECHO_KEEP;
	ask(cad, &a, MSG_SIGN_CERT, SLICE_STR("lost"), PATIENCE_MS);
	while (echo.kept == NULL)
		(void)bus_net_turn(server, cad, &a.done, 20);
	bus_server_destroy(&server);
	echo.mode = ECHO_BYTES;
	server = server_make();
	ck_assert(bus_net_turn(server, cad, &a.done, PATIENCE_MS));
	ck_assert_ptr_null(a.e);
	ck_assert_int_eq(echo.handled, 2);
	ck_assert_uint_ge(bus_client_stats(cad).resent, 1);
}
END_TEST

/* A slow answer: the resends find the request being worked on, and then its kept answer; the callback runs once. */
START_TEST(repeats_get_one_handling)
{
	OWN(asked) a = { 0 };
	OWN(buf) body = BUF_INIT(64);

	echo.mode = ECHO_KEEP;
	ask(cad, &a, MSG_SIGN_CERT, SLICE_STR("slow"), PATIENCE_MS);
	while (bus_server_stats(server).repeats == 0)
		(void)bus_net_turn(server, cad, &a.done, 20);
	ck_assert_int_eq(echo.handled, 1);
	ck_ok(buf_append_str(&body, "done"));
	bus_call_answer(echo.kept, &body);
	ck_assert(bus_net_turn(server, cad, &a.done, PATIENCE_MS));
	ck_assert_int_eq(echo.handled, 1);
	ck_assert_int_eq(a.times, 1);
}
END_TEST

START_TEST(time_runs_out)
{
	OWN(asked) a = { 0 };
	OWN(buf) body = BUF_INIT(64);
	bool never = false;

	echo.mode = ECHO_KEEP;
	ask(cad, &a, MSG_SIGN_CERT, SLICE_STR("x"), 300);
	ck_assert(bus_net_turn(server, cad, &a.done, PATIENCE_MS));
	ck_fails(TAKE(a.e), ERR_TIMEOUT, "signd-ca did not answer SIGN_CERT in time");
	ck_ok(buf_append_str(&body, "too late"));
	bus_call_answer(echo.kept, &body);
	while (bus_client_stats(cad).late == 0)
		(void)bus_net_turn(server, cad, &never, 20);
	ck_assert_int_eq(a.times, 1);
	ck_assert_uint_eq(bus_client_stats(cad).timeouts, 1);
}
END_TEST

START_TEST(too_many_in_flight)
{
	struct bus_client_conf conf = { .server = "signd-ca",
					.endpoint = bus_net_endpoint(&net, "sign-ca"),
					.max_in_flight = 3 };
	struct bus_client *small = NULL;
	struct asked a[4] = { 0 };
	OWN(buf) body = BUF_INIT(16);

	ck_ok(bus_client_create(&small, cad_bus, &conf));
	for (int i = 0; i < 3; i++)
		ask(small, &a[i], MSG_SIGN_CERT, SLICE_STR("x"), PATIENCE_MS);
	ck_fails(bus_client_send(small, MSG_SIGN_CERT, &body, 1000, on_answer, &a[3]), ERR_RETRY,
		 "3 requests to signd-ca are in flight");
	for (int i = 0; i < 3; i++)
		ck_assert(bus_net_turn(server, small, &a[i].done, PATIENCE_MS));
	bus_client_destroy(&small);
	for (int i = 0; i < 4; i++)
		asked_clear(&a[i]);
}
END_TEST

/* Hundreds at once, more than the queues hold; every one is answered, once, in order of sending. */
START_TEST(many_in_flight)
{
	enum { MANY = 1000 };
	static struct asked a[MANY];
	bool all = false;

	for (int i = 0; i < MANY; i++) {
		char text[16];

		(void)snprintf(text, sizeof text, "%d", i);
		ask(cad, &a[i], MSG_SIGN_CERT, SLICE_STR(text), PATIENCE_MS);
	}
	ck_assert_uint_eq(bus_client_in_flight(cad), MANY);
	while (bus_client_in_flight(cad) > 0)
		(void)bus_net_turn(server, cad, &all, 10);
	for (int i = 0; i < MANY; i++) {
		char text[16];

		(void)snprintf(text, sizeof text, "%d", i);
		ck_assert_ptr_null(a[i].e);
		ck_assert_int_eq(a[i].times, 1);
		ck_assert(slice_equal(buf_slice(&a[i].body), SLICE_STR(text)));
		asked_clear(&a[i]);
	}
	ck_assert_int_eq(echo.handled, MANY);
}
END_TEST

START_TEST(large_bodies_travel_in_parts)
{
	static const size_t sizes[] = {
		0, 1, MSG_PART_BYTES - 1, MSG_PART_BYTES, MSG_PART_BYTES + 1, 3 * MSG_PART_BYTES, 9000000
	};
	OWN(buf) body = BUF_INIT(32 << 20);
	OWN(asked) a = { 0 };
	uint8_t *at;

	if (sizes[_i] > 0) {
		ck_ok(buf_extend(&body, &at, sizes[_i]));
		for (size_t i = 0; i < sizes[_i]; i++)
			at[i] = (uint8_t)(i * 31 + (i >> 12));
	}
	ask(cad, &a, MSG_SIGN_CERT, buf_slice(&body), PATIENCE_MS);
	ck_assert(bus_net_turn(server, cad, &a.done, PATIENCE_MS));
	ck_assert_ptr_null(a.e);
	if (sizes[_i] > 0)
		ck_assert(slice_equal(buf_slice(&a.body), buf_slice(&body)));
	else
		ck_assert(slice_equal(buf_slice(&a.body), SLICE("\x30\x00", 2)));
}
END_TEST

START_TEST(epoll_style)
{
	OWN(asked) a = { 0 };

	ck_assert_int_ge(bus_client_fd(cad), 0);
	ck_assert_int_ge(bus_server_fd(server), 0);
	ck_assert_int_eq(bus_client_timeout_ms(cad), -1);
	ask(cad, &a, MSG_SIGN_CERT, SLICE_STR("x"), PATIENCE_MS);
	int64_t wait = bus_client_timeout_ms(cad);
	ck_assert_int_ge(wait, 0);
	ck_assert_int_le(wait, 1000);
	ck_assert(bus_net_turn(server, cad, &a.done, PATIENCE_MS));
	ck_assert_int_eq(bus_client_timeout_ms(cad) <= PATIENCE_MS, 1);
}
END_TEST

struct caller {
	struct bus_client *client;
	struct buf answer;
	struct err *e;
	atomic_bool is_over;
};

static void *call_run(void *arg)
{
	struct caller *c = arg;
	OWN(buf) body = BUF_INIT(16);

	c->e = buf_append_str(&body, "sync");
	if (c->e == NULL)
		c->e = bus_client_call(c->client, &c->answer, MSG_SIGN_CERT, &body, PATIENCE_MS);
	atomic_store(&c->is_over, true);
	return NULL;
}

/* The waiting form, on a thread of its own as a tool would use it. */
START_TEST(waiting_form)
{
	struct caller c = { .client = cad, .answer = BUF_INIT(64) };
	pthread_t thread;
	bool never = false;

	ck_assert_int_eq(pthread_create(&thread, NULL, call_run, &c), 0);
	while (!atomic_load(&c.is_over))
		(void)bus_net_turn(server, NULL, &never, 10);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_ok(c.e);
	ck_assert(slice_equal(buf_slice(&c.answer), SLICE_STR("sync")));
	buf_clear(&c.answer);
}
END_TEST

/* ---- a peer that does not keep to the protocol: raw frames over a rightly authenticated socket ---- */

static void *raw_connect(void)
{
	void *socket = NULL;

	ck_ok(bus_socket_client(&socket, cad_bus, ZMQ_DEALER, "signd-ca", bus_net_endpoint(&net, "sign-ca")));
	return socket;
}

static void raw_send(void *socket, struct slice bytes, bool more)
{
	int wait = 2000;

	ck_assert_int_eq(zmq_setsockopt(socket, ZMQ_SNDTIMEO, &wait, sizeof wait), 0);
	ck_assert_int_eq(
		zmq_send(socket, bytes.p == NULL ? (const void *)"" : bytes.p, bytes.len, more ? ZMQ_SNDMORE : 0),
		(int)bytes.len);
}

static void raw_header(struct buf *out, uint16_t type, uint8_t id, int64_t deadline_ms, uint32_t part,
		       uint32_t num_parts)
{
	struct msg_header h = { .type = type, .deadline_ms = deadline_ms, .part = part, .num_parts = num_parts };

	h.id[0] = id;
	buf_reset(out);
	ck_ok(msg_header_encode(out, &h));
}

/* Turns the server until the socket has an answer; gives its type and the words of an error. */
static uint16_t raw_answer(void *socket, char *out_text, size_t text_len)
{
	struct bus_frames frames;
	struct msg_header header;
	OWN(msg_error) error = { 0 };
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	out_text[0] = '\0';
	while (!bus_frames_recv(&frames, socket)) {
		zmq_pollitem_t items[2] = { { .socket = socket, .events = ZMQ_POLLIN },
					    { .socket = bus_server_socket(server), .events = ZMQ_POLLIN } };

		ck_assert_msg(clock_mono_ms() < until, "no answer");
		(void)zmq_poll(items, 2, 10);
		bus_server_process(server);
	}
	ck_assert_uint_eq(frames.num, 2);
	ck_ok(msg_header_decode(&header, bus_frame(&frames, 0)));
	if (header.type == MSG_ERROR) {
		ck_ok(msg_error_decode(&error, bus_frame(&frames, 1)));
		(void)snprintf(out_text, text_len, "%.*s: %.*s", (int)error.code.len, (const char *)error.code.p,
			       (int)error.text.len, (const char *)error.text.p);
	}
	bus_frames_close(&frames);
	return header.type;
}

static void server_turn_until(const uint64_t *counter_of_stats, uint64_t value)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	size_t offset = (size_t)counter_of_stats; /* of the member */

	for (;;) {
		struct bus_server_stats stats = bus_server_stats(server);
		uint64_t now;

		memcpy(&now, (const uint8_t *)&stats + offset, sizeof now);
		if (now >= value)
			return;
		ck_assert_msg(clock_mono_ms() < until, "the server did not see it");
		zmq_pollitem_t item = { .socket = bus_server_socket(server), .events = ZMQ_POLLIN };
		(void)zmq_poll(&item, 1, 10);
		bus_server_process(server);
	}
}
#define TURN_UNTIL(member, value)                                                                                      \
	server_turn_until((const uint64_t *)offsetof(struct bus_server_stats, member), (value))

START_TEST(garbage_frames)
{
	void *raw = raw_connect();
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	static const uint8_t noise[300] = { 0x30, 0x82, 0xff, 0xff };
	int64_t later = clock_now_ms() + 60000;

	raw_send(raw, SLICE_NONE, false); /* one empty frame */
	raw_send(raw, SLICE(noise, sizeof noise), true);
	raw_send(raw, SLICE(noise, sizeof noise), false); /* a header that is none */
	raw_header(&header, MSG_SIGN_CERT, 1, later, 0, 1);
	raw_send(raw, buf_slice(&header), false); /* a header alone */
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE_STR("a"), true);
	raw_send(raw, SLICE_STR("b"), false); /* three frames */
	for (int i = 0; i < 50; i++)
		raw_send(raw, SLICE_STR("c"), i < 49); /* fifty */
	raw_header(&header, MSG_SIGN_CERT_OK, 2, later, 0, 1);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE_STR("an answer that nobody asked for"), false);
	raw_header(&header, MSG_ERROR, 3, later, 0, 1);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE_STR("x"), false);
	TURN_UNTIL(garbage, 7);
	ck_assert_int_eq(echo.handled, 0);
	ck_ok(ask_and_wait(cad, MSG_SIGN_CERT, "still there"));
	bus_socket_close(&raw);
}
END_TEST

START_TEST(same_id_with_another_body)
{
	void *raw = raw_connect();
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	char text[200];
	int64_t later = clock_now_ms() + 60000;

	raw_header(&header, MSG_SIGN_CERT, 9, later, 0, 1);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE_STR("one"), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_SIGN_CERT_OK);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE_STR("one"), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_SIGN_CERT_OK);
	ck_assert_int_eq(echo.handled, 1);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE_STR("two"), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_str_eq(text, "denied: the same request id came before with another request");
	raw_header(&header, MSG_ORDER, 9, later, 0, 1); /* same bytes, another type */
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE_STR("one"), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_int_eq(echo.handled, 1);
	ck_assert_uint_eq(bus_server_stats(server).denied, 2);
	bus_socket_close(&raw);
}
END_TEST

/* A refusal is kept like an answer; "try again" is not. */
START_TEST(which_errors_are_kept)
{
	void *raw = raw_connect();
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	char text[200];
	int64_t later = clock_now_ms() + 60000;

	for (uint8_t id = 1; id <= 2; id++) {
		echo.mode = id == 1 ? ECHO_DENY : ECHO_FAIL_RETRY;
		echo.handled = 0;
		raw_header(&header, MSG_SIGN_CERT, id, later, 0, 1);
		for (int i = 0; i < 2; i++) {
			raw_send(raw, buf_slice(&header), true);
			raw_send(raw, SLICE_STR("x"), false);
			ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
		}
		ck_assert_int_eq(echo.handled, id == 1 ? 1 : 2);
	}
	bus_socket_close(&raw);
}
END_TEST

START_TEST(deadline_has_passed)
{
	void *raw = raw_connect();
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	char text[200];

	raw_header(&header, MSG_SIGN_CERT, 4, clock_now_ms() - 1, 0, 1);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE_STR("x"), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_str_eq(text, "timeout: the deadline had passed when the request came");
	ck_assert_int_eq(echo.handled, 0);
	ck_assert_uint_eq(bus_server_stats(server).expired, 1);
	bus_socket_close(&raw);
}
END_TEST

START_TEST(parts_out_of_order)
{
	static const uint8_t part[MSG_PART_BYTES];
	void *raw = raw_connect();
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	char text[200];
	int64_t later = clock_now_ms() + 60000;

	raw_header(&header, MSG_SIGN_CERT, 5, later, 1, 3); /* no beginning */
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(part, sizeof part), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_str_eq(text, "bad_input: part 1 of a body whose beginning did not come");
	raw_header(&header, MSG_SIGN_CERT, 6, later, 0, 3);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(part, sizeof part), false);
	raw_header(&header, MSG_SIGN_CERT, 6, later, 2, 3); /* one left out */
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(part, 5), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_str_eq(text, "bad_input: part 2 of a body came where part 1 was due");
	raw_header(&header, MSG_SIGN_CERT, 7, later, 0, 2); /* a first part that is too short */
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(part, 5), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_str_eq(text, "bad_input: part 0 of 2 has 5 bytes");
	raw_header(&header, MSG_SIGN_CERT, 8, later, 0, 64); /* more than the type's limit */
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(part, sizeof part), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_ptr_nonnull(strstr(text, "too_large: SIGN_CERT: a body in 64 parts"));
	ck_assert_int_eq(echo.handled, 0);
	bus_socket_close(&raw);
}
END_TEST

/* More unfinished bodies than a peer may have: the oldest is dropped, nothing piles up, the others go on. */
START_TEST(unfinished_bodies)
{
	static const uint8_t part[MSG_PART_BYTES];
	void *raw = raw_connect();
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	char text[200];
	int64_t later = clock_now_ms() + 60000;

	for (uint8_t id = 1; id <= 3; id++) {
		raw_header(&header, MSG_SIGN_CERT, id, later, 0, 2);
		raw_send(raw, buf_slice(&header), true);
		raw_send(raw, SLICE(part, sizeof part), false);
	}
	raw_header(&header, MSG_SIGN_CERT, 1, later, 1, 2);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(part, 1), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_ptr_nonnull(strstr(text, "beginning did not come"));
	raw_header(&header, MSG_SIGN_CERT, 3, later, 1, 2);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(part, 1), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_SIGN_CERT_OK);
	bus_socket_close(&raw);
}
END_TEST

/* A frame over the limit costs the peer its connection, and nobody else anything. */
START_TEST(oversized)
{
	static const uint8_t big[MSG_PART_BYTES + 2000];
	void *raw = raw_connect();
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	char text[200];
	int64_t later = clock_now_ms() + 60000;

	raw_header(&header, MSG_EVENTS, 1, later, 0, 1);
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(big, sizeof big), false);
	ck_ok(ask_and_wait(cad, MSG_SIGN_CERT, "others are served"));
	ck_assert_int_eq(echo.handled, 1);
	raw_header(&header, MSG_SIGNER_STATUS, 2, later, 0, 1); /* within a frame, over the type's limit */
	raw_send(raw, buf_slice(&header), true);
	raw_send(raw, SLICE(big, 17), false);
	ck_assert_uint_eq(raw_answer(raw, text, sizeof text), MSG_ERROR);
	ck_assert_str_eq(text, "too_large: SIGNER_STATUS: a body of 17 bytes, the limit is 16");
	bus_socket_close(&raw);
}
END_TEST

/* Whatever octets the two frames hold, the server lives and serves. */
START_TEST(noise)
{
	void *raw = raw_connect();
	uint8_t bytes[200];

	srandom(1);
	for (int i = 0; i < 300; i++) {
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)random();
		raw_send(raw, SLICE(bytes, (size_t)random() % sizeof bytes), true);
		raw_send(raw, SLICE(bytes, (size_t)random() % sizeof bytes), false);
	}
	TURN_UNTIL(garbage, 300);
	ck_ok(ask_and_wait(cad, MSG_SIGN_CERT, "still there"));
	bus_socket_close(&raw);
}
END_TEST

/* ---- ids without sockets ---- */

START_TEST(ids_are_bounded)
{
	struct bus_ids *ids = NULL;
	uint8_t id[MSG_ID_BYTES] = { 0 };
	uint8_t body_digest[32] = { 1 };
	uint16_t type;
	struct slice kept;
	int64_t later = clock_mono_ms() + 60000;

	ck_ok(bus_ids_create(&ids, 10000));
	for (uint32_t i = 0; i < BUS_IDS_MAX; i++) {
		memcpy(id, &i, sizeof i);
		ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_NEW);
	}
	memset(id, 0xff, sizeof id);
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_FULL);
	memset(id, 0, sizeof id);
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_WORKING);
	bus_ids_answered(ids, id, MSG_ORDER_OK, SLICE_STR("answer"));
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_ANSWERED);
	ck_assert_uint_eq(type, MSG_ORDER_OK);
	ck_assert(slice_equal(kept, SLICE_STR("answer")));
	memset(id, 0xff, sizeof id); /* room is made by the answered one */
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_NEW);
	bus_ids_destroy(&ids);
}
END_TEST

START_TEST(ids_and_kept_bytes)
{
	struct bus_ids *ids = NULL;
	static const uint8_t answer[4000];
	uint8_t id[MSG_ID_BYTES] = { 0 };
	uint8_t body_digest[32] = { 1 }, other[32] = { 2 };
	uint16_t type;
	struct slice kept;
	int64_t later = clock_mono_ms() + 60000;

	ck_ok(bus_ids_create(&ids, 10000));
	for (id[0] = 1; id[0] <= 3; id[0]++) {
		ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_NEW);
		bus_ids_answered(ids, id, MSG_ORDER_OK, SLICE(answer, sizeof answer));
	}
	id[0] = 1; /* its answer made room: handled again, but only for the same request */
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, other, later), BUS_ID_OTHER_BODY);
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_NEW);
	id[0] = 3;
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_ANSWERED);
	id[0] = 4;
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, clock_mono_ms() - 1), BUS_ID_NEW);
	bus_ids_forget(ids, id);
	ck_assert_int_eq(bus_ids_take(ids, &type, &kept, id, body_digest, later), BUS_ID_NEW);
	bus_ids_destroy(&ids);
}
END_TEST

/* ---- publish and subscribe ---- */

struct heard {
	bool done;
	int times;
	int64_t log_size;
};

static void on_message(void *arg, uint16_t type, struct slice body)
{
	struct heard *h = arg;
	OWN(msg_ledger_prompt) prompt = { 0 };

	ck_assert_uint_eq(type, MSG_LEDGER_PROMPT);
	ck_ok(msg_ledger_prompt_decode(&prompt, body));
	h->log_size = prompt.log_size;
	h->times++;
	h->done = true;
}

static void pub_until_heard(struct bus_pub *pub, struct bus_sub *sub, struct heard *h)
{
	OWN(buf) body = BUF_INIT(64);
	struct msg_ledger_prompt prompt = { .log_size = 77 };
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	ck_ok(msg_ledger_prompt_encode(&body, &prompt));
	while (!h->done && clock_mono_ms() < until) {
		zmq_pollitem_t item = { .socket = bus_sub_socket(sub), .events = ZMQ_POLLIN };

		ck_ok(bus_pub_send(pub, MSG_LEDGER_PROMPT, buf_slice(&body)));
		(void)zmq_poll(&item, 1, 20);
		bus_sub_process(sub);
	}
	ck_assert(h->done);
}

START_TEST(publish_and_subscribe)
{
	struct bus *crld_bus = bus_net_bus(&net, "crld");
	struct bus_pub *pub = NULL;
	struct bus_sub *sub = NULL;
	struct heard h = { 0 };

	ck_ok(bus_sub_create(&sub, crld_bus, "cad", bus_net_endpoint(&net, "events"), on_message, &h));
	ck_ok(bus_pub_create(&pub, cad_bus, bus_net_endpoint(&net, "events"), 0));
	pub_until_heard(pub, sub, &h);
	ck_assert_int_eq(h.log_size, 77);
	ck_fails(bus_pub_send(pub, MSG_SIGN_OCSP, SLICE_NONE), ERR_BUG, "cad may not publish SIGN_OCSP");
	bus_pub_destroy(&pub); /* and the publisher comes back */
	h.done = false;
	ck_ok(bus_pub_create(&pub, cad_bus, bus_net_endpoint(&net, "events"), 0));
	pub_until_heard(pub, sub, &h);
	bus_sub_destroy(&sub);
	bus_pub_destroy(&pub);
	bus_destroy(&crld_bus);
}
END_TEST

/* A publisher of messages that are not for us is not heard. */
START_TEST(publisher_keeps_to_the_list)
{
	struct bus *signer_bus = bus_net_bus(&net, "signd-ocsp");
	struct bus_sub *sub = NULL;
	struct heard h = { 0 };
	void *raw = NULL;
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);

	ck_ok(bus_socket_server(&raw, cad_bus, ZMQ_PUB, bus_net_endpoint(&net, "events"), 0));
	ck_ok(bus_sub_create(&sub, signer_bus, "cad", bus_net_endpoint(&net, "events"), on_message, &h));
	raw_header(&header, MSG_LEDGER_PROMPT, 0, 0, 0, 1); /* not for SIGND_OCSP */
	for (int i = 0; i < 20; i++) {
		zmq_pollitem_t item = { .socket = bus_sub_socket(sub), .events = ZMQ_POLLIN };

		raw_send(raw, buf_slice(&header), true);
		raw_send(raw, SLICE_STR("x"), false);
		if (zmq_poll(&item, 1, 20) > 0)
			bus_sub_process(sub);
	}
	ck_assert_int_eq(h.times, 0);
	bus_socket_close(&raw);
	bus_sub_destroy(&sub);
	bus_destroy(&signer_bus);
}
END_TEST

/* ---- keys and the allow list ---- */

START_TEST(keygen)
{
	char key[41], path[200];
	struct stat st;

	ck_ok(bus_keygen(key, net.keys_dir, "new"));
	ck_assert_uint_eq(strlen(key), 40);
	(void)snprintf(path, sizeof path, "%s/new.secret", net.keys_dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_fails(bus_keygen(key, net.keys_dir, "new"), ERR_CONFLICT, "exists already");
	ck_fails(bus_keygen(key, net.keys_dir, "../x"), ERR_BAD_INPUT, "no name of a peer");
	ck_fails(bus_keygen(key, "/nonexistent", "x"), ERR_SYSTEM, "/nonexistent/x.secret");
}
END_TEST

#define KEY_A "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define KEY_B "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

START_TEST(allow_list_mistakes)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "peers = (", "syntax error" },
		{ "x = 1;", "must hold one list" },
		{ "peers = (); ", "0 peers" },
		{ "peers = ( 1 );", "a peer needs exactly the texts" },
		{ "peers = ( { name = \"cad\"; role = \"CAD\"; } );", "a peer needs exactly the texts" },
		{ "peers = ( { name = \"cad\"; role = \"CAD\"; key = \"" KEY_A "\"; x = 1; } );",
		  "a peer needs exactly the texts" },
		{ "peers = ( { name = \"c/d\"; role = \"CAD\"; key = \"" KEY_A "\"; } );", "peer name \"c/d\"" },
		{ "peers = ( { name = \"cad\"; role = \"cad\"; key = \"" KEY_A "\"; } );", "unknown role \"cad\"" },
		{ "peers = ( { name = \"cad\"; role = \"CAD\"; key = \"short\"; } );", "not 40 characters of z85" },
		{ "peers = ( { name = \"a\"; role = \"CAD\"; key = \"" KEY_A
		  "\"; }, { name = \"a\"; role = \"RAD\"; key = \"" KEY_B "\"; } );",
		  "peer \"a\" stands twice" },
		{ "peers = ( { name = \"a\"; role = \"CAD\"; key = \"" KEY_A
		  "\"; }, { name = \"b\"; role = \"RAD\"; key = \"" KEY_A "\"; } );",
		  "has the key of another peer" },
		{ "peers = ( { name = \"a\"; role = \"CAD\"; key = \"" KEY_A "\"; } );", "has no peer \"cad\"" },
		{ "peers = ( { name = \"cad\"; role = \"CAD\"; key = \"" KEY_A "\"; } );",
		  "is not the one of its secret key" },
	};
	struct bus_conf conf = { .name = "cad", .keys_dir = net.keys_dir, .peers_path = net.peers };
	struct bus *bus = NULL;
	FILE *f = fopen(net.peers, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(rows[_i].text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_fails(bus_create(&bus, &conf), ERR_CONFIG, rows[_i].why);
}
END_TEST

START_TEST(own_key_mistakes)
{
	char path[200];
	struct bus_conf conf = { .name = "cad", .keys_dir = net.keys_dir, .peers_path = net.peers };
	struct bus *bus = NULL;

	(void)snprintf(path, sizeof path, "%s/cad.secret", net.keys_dir);
	ck_assert_int_eq(truncate(path, 10), 0);
	ck_fails(bus_create(&bus, &conf), ERR_CONFIG, "not 40 characters of z85");
	ck_assert_int_eq(unlink(path), 0);
	ck_fails(bus_create(&bus, &conf), ERR_CONFIG, "cad.secret");
	conf.peers_path = "/nonexistent";
	ck_fails(bus_create(&bus, &conf), ERR_CONFIG, "/nonexistent");
	conf = (struct bus_conf){ .name = "", .keys_dir = net.keys_dir, .peers_path = net.peers };
	ck_fails(bus_create(&bus, &conf), ERR_CONFIG, "no name of a peer");
}
END_TEST

START_TEST(endpoints_that_do_not_bind)
{
	struct bus_server_conf conf = { .endpoint = "ipc:///nonexistent/x", .handlers = echo_handlers };
	struct bus_client_conf to = { .server = "nobody", .endpoint = "ipc:///tmp/x" };
	struct bus_server *made = NULL;
	struct bus_client *client = NULL;

	ck_fails(bus_server_create(&made, server_bus, &conf), ERR_SYSTEM, "cannot bind ipc:///nonexistent/x");
	conf.endpoint = "nonsense";
	ck_fails(bus_server_create(&made, server_bus, &conf), ERR_SYSTEM, "cannot bind nonsense");
	ck_fails(bus_client_create(&client, cad_bus, &to), ERR_CONFIG, "the allow list has no peer \"nobody\"");
	ck_fails(bus_start(cad_bus, NULL), ERR_BUG, "started already");
}
END_TEST

START_TEST(socket_mode)
{
	char path[200];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/sign-ca", net.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
}
END_TEST

/* The same keys and the same rules over tcp. */
START_TEST(over_tcp)
{
	struct bus_server_conf conf = { .endpoint = "tcp://127.0.0.1:*", .handlers = echo_handlers, .arg = &echo };
	struct bus_server *tcp_server = NULL;
	struct bus_client *client = NULL;
	char endpoint[128];
	size_t len = sizeof endpoint;
	OWN(asked) a = { 0 };

	ck_ok(bus_server_create(&tcp_server, server_bus, &conf));
	ck_assert_int_eq(zmq_getsockopt(bus_server_socket(tcp_server), ZMQ_LAST_ENDPOINT, endpoint, &len), 0);
	struct bus_client_conf to = { .server = "signd-ca", .endpoint = endpoint };
	ck_ok(bus_client_create(&client, cad_bus, &to));
	ask(client, &a, MSG_SIGN_CERT, SLICE_STR("x"), PATIENCE_MS);
	ck_assert(bus_net_turn(tcp_server, client, &a.done, PATIENCE_MS));
	ck_assert_ptr_null(a.e);
	bus_client_destroy(&client);
	bus_server_destroy(&tcp_server);
}
END_TEST

static TCase *case_add(Suite *s, const char *name)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return t;
}

int main(void)
{
	Suite *s = suite_create("common/bus/bus");
	TCase *t = case_add(s, "questions");

	tcase_add_test(t, question_and_answer);
	tcase_add_test(t, answers_made_later);
	tcase_add_test(t, kept_call_is_freed_with_the_server);
	tcase_add_test(t, errors_come_back);
	tcase_add_test(t, many_in_flight);
	tcase_add_test(t, too_many_in_flight);
	tcase_add_loop_test(t, large_bodies_travel_in_parts, 0, 7);
	tcase_add_test(t, epoll_style);
	tcase_add_test(t, waiting_form);
	tcase_add_test(t, over_tcp);
	t = case_add(s, "permission");
	tcase_add_test(t, wrong_role_is_denied);
	tcase_add_test(t, type_that_is_not_served);
	tcase_add_test(t, client_keeps_to_the_list);
	tcase_add_loop_test(t, handlers_keep_to_the_list, 0, 3);
	tcase_add_test(t, stranger_does_not_get_in);
	tcase_add_test(t, false_server_gets_nothing);
	t = case_add(s, "time");
	tcase_add_test(t, resend_after_a_restart);
	tcase_add_test(t, resend_of_what_was_lost);
	tcase_add_test(t, repeats_get_one_handling);
	tcase_add_test(t, time_runs_out);
	tcase_add_test(t, deadline_has_passed);
	t = case_add(s, "hostile");
	tcase_add_test(t, garbage_frames);
	tcase_add_test(t, same_id_with_another_body);
	tcase_add_test(t, which_errors_are_kept);
	tcase_add_test(t, parts_out_of_order);
	tcase_add_test(t, unfinished_bodies);
	tcase_add_test(t, oversized);
	tcase_add_test(t, noise);
	tcase_add_test(t, ids_are_bounded);
	tcase_add_test(t, ids_and_kept_bytes);
	t = case_add(s, "publish");
	tcase_add_test(t, publish_and_subscribe);
	tcase_add_test(t, publisher_keeps_to_the_list);
	t = case_add(s, "keys");
	tcase_add_test(t, keygen);
	tcase_add_loop_test(t, allow_list_mistakes, 0, 13);
	tcase_add_test(t, own_key_mistakes);
	tcase_add_test(t, endpoints_that_do_not_bind);
	tcase_add_test(t, socket_mode);
	return suite_main(s);
}
