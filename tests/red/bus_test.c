/*
 * bus_test.c - whoever holds the bus key of a daemon, or none: the wrong role, frames that are no messages, bodies out of
 * bounds, ids used twice, keys that nobody let in, floods. Frames are sent on bare ZeroMQ sockets with the daemon's key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/clock.h"
#include "support/red.h"
#include "support/suite.h"

enum { ROOM = 4 << 20, PATIENCE_MS = 20000, FLOOD = 6000 };

static struct signer_home home;

static void begin(void)
{
	signer_home_begin(&home, 1u << SIGNER_CA | 1u << SIGNER_OCSP);
}

static void end(void)
{
	signer_home_end(&home);
}

/* ---- a bare socket with a daemon's key ---- */

struct raw {
	void *context, *socket;
};

static void raw_close(struct raw *self)
{
	if (self->socket != NULL)
		(void)zmq_close(self->socket);
	if (self->context != NULL)
		(void)zmq_ctx_term(self->context);
}
OWN_TYPE(raw, struct raw, raw_close)

static void key_read(char out[41], const char *name, const char *ending)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s.%s", home.net.keys_dir, name, ending);
	FILE *f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%40s", out), 1);
	(void)fclose(f);
}

static void raw_open_as(struct raw *out, const char *public_key, const char *secret_key, enum signer_tier tier)
{
	char server[41], endpoint[128];
	int linger = 0, patience = PATIENCE_MS;

	key_read(server, signer_name(tier), "public");
	signer_endpoint(endpoint, &home, tier);
	*out = (struct raw){ .context = zmq_ctx_new() };
	out->socket = zmq_socket(out->context, ZMQ_DEALER);
	ck_assert_int_eq(zmq_setsockopt(out->socket, ZMQ_LINGER, &linger, sizeof linger), 0);
	ck_assert_int_eq(zmq_setsockopt(out->socket, ZMQ_RCVTIMEO, &patience, sizeof patience), 0);
	ck_assert_int_eq(zmq_setsockopt(out->socket, ZMQ_CURVE_SERVERKEY, server, 41), 0);
	ck_assert_int_eq(zmq_setsockopt(out->socket, ZMQ_CURVE_PUBLICKEY, public_key, 41), 0);
	ck_assert_int_eq(zmq_setsockopt(out->socket, ZMQ_CURVE_SECRETKEY, secret_key, 41), 0);
	ck_assert_int_eq(zmq_connect(out->socket, endpoint), 0);
}

static void raw_open(struct raw *out, const char *name, enum signer_tier tier)
{
	char public_key[41], secret_key[41];

	key_read(public_key, name, "public");
	key_read(secret_key, name, "secret");
	raw_open_as(out, public_key, secret_key, tier);
}

static void raw_send(struct raw *self, const struct slice *frames, size_t num)
{
	for (size_t i = 0; i < num; i++)
		ck_assert_int_ge(zmq_send(self->socket, frames[i].p, frames[i].len, i + 1 < num ? ZMQ_SNDMORE : 0), 0);
}

/* Waits for the answer to one id and says what it was. */
static void raw_answer(struct red_result *got, struct raw *self, const uint8_t id[MSG_ID_BYTES])
{
	static uint8_t frame[2][1 << 16];
	struct msg_header header;
	OWN(msg_error) e = { 0 };

	*got = (struct red_result){ .tbs = BUF_INIT(16), .signature = BUF_INIT(16) };
	do {
		int first = zmq_recv(self->socket, frame[0], sizeof frame[0], 0);
		ck_assert_msg(first > 0, "no answer: %s", zmq_strerror(zmq_errno()));
		ck_ok(msg_header_decode(&header, SLICE(frame[0], (size_t)first)));
		int second = zmq_recv(self->socket, frame[1], sizeof frame[1], 0);
		ck_assert_int_gt(second, 0);
		got->is_done = header.type != MSG_ERROR;
		if (!got->is_done)
			ck_ok(msg_error_decode(&e, SLICE(frame[1], (size_t)second)));
	} while (memcmp(header.id, id, MSG_ID_BYTES) != 0);
	(void)snprintf(got->word, sizeof got->word, "%.*s", (int)e.code.len, (const char *)e.code.p);
	(void)snprintf(got->text, sizeof got->text, "%.*s", (int)e.text.len, (const char *)e.text.p);
}

static struct msg_header header_of(uint16_t type)
{
	struct msg_header h = { .type = type, .deadline_ms = clock_now_ms() + PATIENCE_MS, .num_parts = 1 };

	ck_assert_int_eq(RAND_bytes(h.id, sizeof h.id), 1);
	return h;
}

static void raw_ask(struct red_result *got, struct raw *self, const struct msg_header *h, struct slice body)
{
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);

	ck_ok(msg_header_encode(&header, h));
	const struct slice frames[] = { buf_slice(&header), body };
	raw_send(self, frames, 2);
	raw_answer(got, self, h->id);
}

/* ---- the wrong role ---- */

static const struct {
	const char *name;
	enum signer_tier tier;
	uint16_t type;
} roles[] = {
	{ "rad", SIGNER_CA, MSG_SIGN_CERT },	    { "rad", SIGNER_CA, MSG_ORDER },
	{ "rad", SIGNER_CA, MSG_POLICY_PUT },	    { "rad", SIGNER_CA, MSG_EVENTS },
	{ "rad", SIGNER_CA, MSG_CRL_BEGIN },	    { "rad", SIGNER_CA, MSG_SIGNER_STATUS },
	{ "crld", SIGNER_CA, MSG_SIGN_CERT },	    { "crld", SIGNER_CA, MSG_ORDER },
	{ "crld", SIGNER_CA, MSG_POLICY_PUT },	    { "crld", SIGNER_CA, MSG_EVENTS },
	{ "ocspd", SIGNER_CA, MSG_SIGN_CERT },	    { "ocspd", SIGNER_CA, MSG_ORDER },
	{ "ocspd", SIGNER_CA, MSG_CRL_BEGIN },	    { "ocspd", SIGNER_CA, MSG_CRL_END },
	{ "ocspd", SIGNER_CA, MSG_SIGN_OCSP },	    { "cad", SIGNER_CA, MSG_CRL_BEGIN },
	{ "cad", SIGNER_CA, MSG_CRL_END },	    { "cad", SIGNER_CA, MSG_SIGN_HEAD },
	{ "signd-ocsp", SIGNER_CA, MSG_SIGN_CERT }, { "rad", SIGNER_OCSP, MSG_SIGN_OCSP },
	{ "rad", SIGNER_OCSP, MSG_EVENTS_PUSH },    { "rad", SIGNER_OCSP, MSG_SIGN_HEAD },
	{ "crld", SIGNER_OCSP, MSG_SIGN_OCSP },	    { "crld", SIGNER_OCSP, MSG_SIGN_HEAD },
	{ "ocspd", SIGNER_OCSP, MSG_EVENTS_PUSH },  { "ocspd", SIGNER_OCSP, MSG_SIGN_HEAD },
	{ "cad", SIGNER_OCSP, MSG_SIGN_OCSP },	    { "cad", SIGNER_OCSP, MSG_SIGN_CERT },
};

START_TEST(a_role_that_may_not_ask)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_result) got = { 0 };
	OWN(raw) peer = { 0 };
	OWN(red_ask) r = { 0 };
	OWN(buf) body = BUF_INIT(ROOM);
	char attack[80];
	const struct msg_header h = header_of(roles[_i].type);

	red_ask_init(&r, &home);
	red_ask_decide(&r, WHO_SERVICE);
	if (roles[_i].type == MSG_SIGN_CERT) /* one that cad would get a certificate for */
		red_ask_body(&body, &r);
	else
		ck_ok(buf_append(&body, SLICE("\x30\x00", 2)));
	red_watch_begin(&watch, &home, roles[_i].tier);
	raw_open(&peer, roles[_i].name, roles[_i].tier);
	raw_ask(&got, &peer, &h, buf_slice(&body));
	(void)snprintf(attack, sizeof attack, "%s asks %s for %s", roles[_i].name, signer_name(roles[_i].tier),
		       msg_type_name(roles[_i].type));
	red_refused(&watch, attack, &got, "denied");
}
END_TEST

/* ---- frames that are no message ---- */

/* The alarm of what is dropped without an answer: the metric says it, after the signer took the frames. */
static void dropped(struct red_watch *watch, struct raw *peer, const char *attack, const char *reason)
{
	const struct msg_header h = header_of(MSG_SIGNER_STATUS);
	OWN(red_result) status = { 0 };
	OWN(red_result) nothing = { 0 };

	raw_ask(&status, peer, &h, SLICE("\x30\x00", 2)); /* comes after the frames, over the same connection */
	ck_assert(status.is_done);
	(void)snprintf(nothing.word, sizeof nothing.word, "%s", reason);
	red_refused(watch, attack, &nothing, reason);
}

enum garbage {
	ONE_FRAME,
	FOUR_FRAMES,
	EMPTY_FRAMES,
	NOISE,
	LONG_HEADER,
	HALF_HEADER,
	VERSION_9,
	TYPE_UNKNOWN,
	AN_ANSWER,
	PART_PAST
};

static const struct {
	const char *attack;
	enum garbage garbage;
} garbages[] = {
	{ "one frame", ONE_FRAME },
	{ "four frames", FOUR_FRAMES },
	{ "empty frames", EMPTY_FRAMES },
	{ "frames of noise", NOISE },
	{ "a header of a megabyte", LONG_HEADER },
	{ "half a header", HALF_HEADER },
	{ "a header of another version", VERSION_9 },
	{ "a type that does not exist", TYPE_UNKNOWN },
	{ "an answer instead of a question", AN_ANSWER },
	{ "a part past the last one", PART_PAST },
};

static void garbage_send(struct raw *peer, enum garbage garbage)
{
	static uint8_t noise[1 << 20];
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	struct msg_header h = header_of(garbage == AN_ANSWER ? MSG_SIGN_CERT_OK : MSG_SIGN_CERT);
	struct slice frames[4] = { SLICE_NONE, SLICE("\x30\x00", 2), SLICE("\x30\x00", 2), SLICE("\x30\x00", 2) };
	size_t num = garbage == ONE_FRAME ? 1 : garbage == FOUR_FRAMES ? 4 : 2;

	ck_assert_int_eq(RAND_bytes(noise, sizeof noise), 1);
	ck_ok(msg_header_encode(&header, &h));
	if (garbage == VERSION_9)
		header.p[4] = 9; /* SEQUENCE, length, INTEGER, length, version */
	if (garbage == TYPE_UNKNOWN)
		header.p[7] = 0x66, header.p[8] = 0x66;
	if (garbage == PART_PAST)
		header.p[header.len - 4] = 7; /* ..., part INTEGER, parts INTEGER */
	frames[0] = buf_slice(&header);
	if (garbage == HALF_HEADER)
		frames[0].len /= 2;
	if (garbage == NOISE || garbage == LONG_HEADER)
		frames[0] = SLICE(noise, garbage == NOISE ? 60 : sizeof noise);
	if (garbage == EMPTY_FRAMES)
		frames[0] = frames[1] = SLICE_NONE;
	raw_send(peer, frames, num);
}

START_TEST(frames_that_are_no_message)
{
	OWN(red_watch) watch = { 0 };
	OWN(raw) peer = { 0 };

	red_watch_begin(&watch, &home, SIGNER_CA);
	raw_open(&peer, "crld", SIGNER_CA);
	garbage_send(&peer, garbages[_i].garbage);
	dropped(&watch, &peer, garbages[_i].attack, garbages[_i].garbage == LONG_HEADER ? "too_large" : "bad_input");
}
END_TEST

/* ---- bodies ---- */

START_TEST(bodies_out_of_bounds)
{
	static uint8_t zeros[64 * 1024];
	const struct {
		const char *attack, *word;
		uint16_t type;
		struct slice body;
	} rows[] = {
		{ "a body over its type's limit", "too_large", MSG_SIGNER_STATUS, SLICE(zeros, sizeof zeros) },
		{ "a body of zeros", "bad_input", MSG_SIGN_CERT, SLICE(zeros, 1000) },
		{ "an empty body", "bad_input", MSG_SIGN_CERT, SLICE_NONE },
		{ "a body of indefinite length", "bad_input", MSG_SIGN_CERT, SLICE("\x30\x80\x00\x00", 4) },
		{ "a body that promises more than there is", "bad_input", MSG_ORDER,
		  SLICE("\x30\x84\x7f\xff\xff\xff", 6) },
		{ "a body with an octet behind it", "bad_input", MSG_EVENTS,
		  SLICE("\x30\x06\x02\x01\x01\x02\x01\x01\x00", 9) },
		{ "events from a negative number", "bad_input", MSG_EVENTS,
		  SLICE("\x30\x06\x02\x01\xff\x02\x01\x01", 8) },
		{ "events that do not exist yet", "bad_input", MSG_EVENTS,
		  SLICE("\x30\x06\x02\x01\x7f\x02\x01\x01", 8) },
	};
	OWN(raw) peer = { 0 };

	raw_open(&peer, "cad", SIGNER_CA);
	for (int i = 0; i < COUNT_OF(rows); i++) {
		OWN(red_watch) watch = { 0 };
		OWN(red_result) got = { 0 };
		const struct msg_header h = header_of(rows[i].type);

		red_watch_begin(&watch, &home, SIGNER_CA);
		raw_ask(&got, &peer, &h, rows[i].body);
		red_refused(&watch, rows[i].attack, &got, rows[i].word);
	}
}
END_TEST

START_TEST(a_deadline_that_has_passed)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_result) got = { 0 };
	OWN(raw) peer = { 0 };
	OWN(red_ask) r = { 0 };
	OWN(buf) body = BUF_INIT(ROOM);
	struct msg_header h = header_of(MSG_SIGN_CERT);

	h.deadline_ms = clock_now_ms() - 1000;
	red_ask_init(&r, &home);
	red_ask_decide(&r, WHO_SERVICE);
	red_ask_body(&body, &r);
	red_watch_begin(&watch, &home, SIGNER_CA);
	raw_open(&peer, "cad", SIGNER_CA);
	raw_ask(&got, &peer, &h, buf_slice(&body));
	red_refused(&watch, "an old request, recorded and sent again after its deadline", &got, "timeout");
}
END_TEST

/* A signed request, its id, and another body under it; then the first again: its kept answer and no second signature. */
START_TEST(one_id_with_two_bodies)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_result) first = { 0 };
	OWN(red_result) other = { 0 };
	OWN(red_result) again = { 0 };
	OWN(raw) peer = { 0 };
	OWN(red_ask) r = { 0 };
	OWN(red_ask) r2 = { 0 };
	OWN(buf) body = BUF_INIT(ROOM);
	OWN(buf) body2 = BUF_INIT(ROOM);
	const struct msg_header h = header_of(MSG_SIGN_CERT);

	red_ask_init(&r, &home);
	red_ask_decide(&r, WHO_SERVICE);
	red_ask_body(&body, &r);
	red_ask_init(&r2, &home);
	red_ask_decide(&r2, WHO_SERVICE);
	red_ask_body(&body2, &r2);
	raw_open(&peer, "cad", SIGNER_CA);
	raw_ask(&first, &peer, &h, buf_slice(&body));
	ck_assert(first.is_done);
	red_watch_begin(&watch, &home, SIGNER_CA);
	raw_ask(&other, &peer, &h, buf_slice(&body2));
	red_refused(&watch, "one request id with another body", &other, "denied");
	raw_ask(&again, &peer, &h, buf_slice(&body));
	ck_assert(again.is_done);
	red_unchanged(&watch, "one request id with the same body");
}
END_TEST

/* A frame over the transport's limit: the connection ends, and nothing else. */
START_TEST(a_frame_over_the_limit)
{
	static uint8_t zeros[3 << 20];
	OWN(red_watch) watch = { 0 };
	OWN(raw) peer = { 0 };
	const struct slice frames[] = { SLICE(zeros, 50), SLICE(zeros, sizeof zeros) };
	struct msg_header h = header_of(MSG_SIGNER_STATUS);
	OWN(red_result) got = { 0 };

	red_watch_begin(&watch, &home, SIGNER_CA);
	raw_open(&peer, "crld", SIGNER_CA);
	raw_send(&peer, frames, 2);
	red_unchanged(&watch, "a frame over the limit");
	OWN(raw) next = { 0 };
	raw_open(&next, "crld", SIGNER_CA);
	raw_ask(&got, &next, &h, SLICE("\x30\x00", 2));
	ck_assert(got.is_done);
	red_unchanged(&watch, "a frame over the limit");
	(void)printf("dropped  %-62s connection closed\n", "a frame over the limit");
}
END_TEST

/* ---- keys ---- */

static int64_t peers_refused(void)
{
	OWN(buf) metrics = BUF_INIT(ROOM);

	signer_metrics(&metrics, &home, SIGNER_CA);
	return signer_metric(&metrics, "signd_bus_peers_refused");
}

START_TEST(a_key_that_nobody_let_in)
{
	OWN(red_watch) watch = { 0 };
	OWN(raw) peer = { 0 };
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	char public_key[41], secret_key[41];
	const struct msg_header h = header_of(MSG_SIGNER_STATUS);
	int64_t before = peers_refused(), until = clock_mono_ms() + PATIENCE_MS;
	uint8_t byte;

	ck_assert_int_eq(zmq_curve_keypair(public_key, secret_key), 0);
	red_watch_begin(&watch, &home, SIGNER_CA);
	raw_open_as(&peer, public_key, secret_key, SIGNER_CA);
	ck_ok(msg_header_encode(&header, &h));
	const struct slice frames[] = { buf_slice(&header), SLICE("\x30\x00", 2) };
	raw_send(&peer, frames, 2);
	while (peers_refused() <= before && clock_mono_ms() < until)
		(void)poll(NULL, 0, 50); /* the gauge is written each second */
	ck_assert_int_gt(peers_refused(), before);
	ck_assert_int_lt(zmq_recv(peer.socket, &byte, 1, ZMQ_DONTWAIT), 0);
	red_unchanged(&watch, "a key that is not in the allow list");
	(void)printf("refused  %-62s signd_bus_peers_refused\n", "a key that is not in the allow list");
}
END_TEST

/* ---- a flood ---- */

START_TEST(a_flood_does_not_keep_an_honest_peer_waiting)
{
	OWN(red_watch) watch = { 0 };
	OWN(raw) crld = { 0 };
	OWN(test_person) person = { 0 };
	OWN(buf) header = BUF_INIT(MSG_HEADER_MAX);
	OWN(buf) metrics = BUF_INIT(ROOM);
	int64_t longest = 0;
	int sent = 0;

	red_watch_begin(&watch, &home, SIGNER_CA);
	raw_open(&crld, "crld", SIGNER_CA);
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < FLOOD / 6; i++) {
			const struct msg_header h = header_of(MSG_SIGN_CERT);

			buf_reset(&header);
			ck_ok(msg_header_encode(&header, &h));
			if (zmq_send(crld.socket, header.p, header.len, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
				sent += zmq_send(crld.socket, "\x30\x00", 2, ZMQ_DONTWAIT) >= 0;
		}
		int64_t from = clock_mono_ms();
		red_issue(&person, &home, &watch.peer, "individual-auth", "850101300041", NULL);
		int64_t took = clock_mono_ms() - from;
		longest = took > longest ? took : longest;
		test_person_clear(&person);
		person = (struct test_person){ 0 };
	}
	signer_metrics(&metrics, &home, SIGNER_CA);
	const char line[] = "signd_refused_total{reason=\"denied\"}";
	int64_t refused = signer_metric(&metrics, line) - signer_metric(&watch.metrics, line);
	ck_assert_int_gt(refused, 100);
	ck_assert_int_lt(longest, PATIENCE_MS);
	(void)printf(
		"flooded  %d refused requests sent, %lld handled; six honest certificates, the slowest in %lld ms\n",
		sent, (long long)refused, (long long)longest);
}
END_TEST

START_TEST(an_honest_request_is_still_signed)
{
	OWN(signer_peer) cad = { 0 };
	OWN(test_person) person = { 0 };

	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	red_issue(&person, &home, &cad, "individual-auth", "850101300041", NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/bus");
	TCase *t = tcase_create("peers");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_loop_test(t, a_role_that_may_not_ask, 0, COUNT_OF(roles));
	tcase_add_loop_test(t, frames_that_are_no_message, 0, COUNT_OF(garbages));
	tcase_add_test(t, bodies_out_of_bounds);
	tcase_add_test(t, a_deadline_that_has_passed);
	tcase_add_test(t, one_id_with_two_bodies);
	tcase_add_test(t, a_frame_over_the_limit);
	tcase_add_test(t, a_key_that_nobody_let_in);
	tcase_add_test(t, a_flood_does_not_keep_an_honest_peer_waiting);
	tcase_add_test(t, an_honest_request_is_still_signed);
	suite_add_tcase(s, t);
	return suite_main(s);
}
