/*
 * bus_client.c - the DEALER end: many requests in flight, resent with the same id until their deadline. See bus.h.
 *
 * A request lives in the table by its id until it is answered or its time is up; what comes for an id that is not in
 * the table is late and dropped. Requests that could not be sent yet (no connection, queue full) wait in order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/bus.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/bus_priv.h"

enum { BUDGET = 256, IN_FLIGHT_DEFAULT = 1024, RESEND_DEFAULT_MS = 1000, RESEND_GROWTH = 8, UNSENT_TICK_MS = 20 };

struct request {
	struct request *chain; /* of the bucket */
	struct request *older, *newer;
	struct msg_header header;
	struct buf body;
	struct bus_parts answer;
	int64_t deadline; /* monotonic ms */
	int64_t resend_at; /* monotonic ms */
	int64_t resend_ms;
	uint32_t unsent_part; /* parts from here on have still to go; num_parts: all went */
	bool was_sent;
	bus_answer_fn fn;
	void *arg;
};

struct bus_client {
	struct bus *bus;
	void *socket;
	const struct bus_peer *server;
	size_t max_in_flight;
	int64_t resend_ms;
	struct request **buckets;
	size_t mask;
	struct request *oldest, *newest;
	size_t num, num_unsent;
	int64_t check_at; /* monotonic ms: no deadline and no resend is due before */
	struct bus_client_stats stats;
	struct bus_log_limit log_limit;
};

OWN_TYPE(bus_client, struct bus_client *, bus_client_destroy)

struct err *bus_client_create(struct bus_client **out, struct bus *bus, const struct bus_client_conf *conf)
{
	OWN(bus_client) self = calloc(1, sizeof *self);
	size_t buckets = 64;

	ENSURE(self != NULL, NO_MEMORY, "bus client");
	self->bus = bus;
	self->max_in_flight = conf->max_in_flight == 0 ? IN_FLIGHT_DEFAULT : conf->max_in_flight;
	self->resend_ms = conf->resend_ms == 0 ? RESEND_DEFAULT_MS : conf->resend_ms;
	self->check_at = INT64_MAX;
	while (buckets < self->max_in_flight)
		buckets *= 2;
	self->mask = buckets - 1;
	self->buckets = calloc(buckets, sizeof(struct request *));
	ENSURE(self->buckets != NULL, NO_MEMORY, "bus client");
	self->server = bus_peer_by_name(bus, conf->server);
	TRY(bus_socket_client(&self->socket, bus, ZMQ_DEALER, conf->server, conf->endpoint));
	*out = TAKE(self);
	return NULL;
}

static struct request **bucket_of(struct bus_client *self, const uint8_t id[MSG_ID_BYTES])
{
	uint64_t h;

	memcpy(&h, id, sizeof h);
	return &self->buckets[h & self->mask];
}

static bool is_unsent(const struct request *r)
{
	return r->unsent_part < r->header.num_parts;
}

static void request_unlink(struct bus_client *self, struct request *r)
{
	struct request **at = bucket_of(self, r->header.id);

	while (*at != r)
		at = &(*at)->chain;
	*at = r->chain;
	*(r->older == NULL ? &self->oldest : &r->older->newer) = r->newer;
	*(r->newer == NULL ? &self->newest : &r->newer->older) = r->older;
	self->num--;
	if (is_unsent(r))
		self->num_unsent--;
}

/* Ends a request: its callback is the last that sees it. `e` is handed on to the callback. */
static void request_end(struct bus_client *self, struct request *r, struct err *e, struct slice body)
{
	request_unlink(self, r);
	r->fn(r->arg, e, body);
	buf_clear(&r->body);
	bus_parts_clear(&r->answer);
	free(r);
}

void bus_client_destroy(struct bus_client **self)
{
	struct bus_client *c = *self;

	if (c == NULL)
		return;
	while (c->oldest != NULL)
		request_end(c, c->oldest, ERR(GONE, "the connection to %s was closed", c->server->name), SLICE_NONE);
	bus_socket_close(&c->socket);
	free(c->buckets);
	free(c);
	*self = NULL;
}

/* ---- sending ---- */

/* Sends what of the request can go now; false when the socket takes no more. */
static bool request_send(struct bus_client *self, struct request *r)
{
	bool was_unsent = is_unsent(r);

	while (is_unsent(r)) {
		r->header.part = r->unsent_part;
		if (bus_send_part(self->socket, NULL, &r->header, buf_slice(&r->body)) != BUS_SENT)
			return false;
		r->unsent_part++;
	}
	if (was_unsent) {
		self->num_unsent--;
		self->stats.sent++;
		r->was_sent = true;
		r->resend_at = clock_mono_ms() + r->resend_ms;
		if (r->resend_at < self->check_at)
			self->check_at = r->resend_at;
	}
	return true;
}

/* Those that wait go in their order; a CRL's chunks must not overtake each other. */
static void send_waiting(struct bus_client *self)
{
	for (struct request *r = self->oldest; r != NULL && self->num_unsent > 0; r = r->newer)
		if (is_unsent(r) && !request_send(self, r))
			return;
}

static struct err *request_new(struct request **out, const struct bus_client *self, uint16_t type, int64_t timeout_ms)
{
	struct request *r = calloc(1, sizeof *r);

	ENSURE(r != NULL, NO_MEMORY, "request");
	if (RAND_bytes(r->header.id, MSG_ID_BYTES) != 1) {
		free(r);
		return ERR_OPENSSL(SYSTEM, "random request id");
	}
	r->header.type = type;
	r->header.deadline_ms = clock_now_ms() + timeout_ms;
	r->deadline = clock_mono_ms() + timeout_ms;
	r->resend_ms = self->resend_ms;
	*out = r;
	return NULL;
}

struct err *bus_client_send(struct bus_client *self, uint16_t type, struct buf *body, int64_t timeout_ms,
			    bus_answer_fn fn, void *arg)
{
	const struct msg_type_info *row = msg_type_find(type);
	struct request *r = NULL;

	ENSURE(row != NULL && msg_type_is_ask(type) && (row->from & MSG_ROLE_BIT(bus_role(self->bus))) != 0 &&
		       (row->to & MSG_ROLE_BIT(self->server->role)) != 0,
	       BUG, "%s may not send %s to %s", bus_name(self->bus), msg_type_name(type), self->server->name);
	ENSURE(body->len <= row->max_bytes, TOO_LARGE, "%s: a body of %zu bytes, the limit is %zu", row->name,
	       body->len, row->max_bytes);
	ENSURE(self->num < self->max_in_flight, RETRY, "%zu requests to %s are in flight already", self->num,
	       self->server->name);
	TRY(request_new(&r, self, type, timeout_ms));
	r->header.num_parts = bus_parts_of(body->len);
	r->body.max = body->max;
	buf_move(&r->body, body);
	r->fn = fn;
	r->arg = arg;
	struct request **bucket = bucket_of(self, r->header.id);
	r->chain = *bucket;
	*bucket = r;
	r->older = self->newest;
	*(self->newest == NULL ? &self->oldest : &self->newest->newer) = r;
	self->newest = r;
	self->num++;
	self->num_unsent++;
	if (r->deadline < self->check_at)
		self->check_at = r->deadline;
	if (self->num_unsent > 1)
		send_waiting(self);
	else
		(void)request_send(self, r);
	return NULL;
}

/* ---- answers ---- */

static struct request *request_find(struct bus_client *self, const uint8_t id[MSG_ID_BYTES])
{
	for (struct request *r = *bucket_of(self, id); r != NULL; r = r->chain)
		if (memcmp(r->header.id, id, MSG_ID_BYTES) == 0)
			return r;
	return NULL;
}

static void answer_error(struct bus_client *self, struct request *r, struct slice der)
{
	OWN(msg_error) body = { 0 };
	struct err *e = msg_error_decode(&body, der);

	if (e == NULL)
		e = msg_error_to(&body, self->server->name);
	self->stats.failed++;
	request_end(self, r, e, SLICE_NONE);
}

static void answer_whole(struct bus_client *self, struct request *r, uint16_t type, struct slice body)
{
	if (type == MSG_ERROR) {
		answer_error(self, r, body);
		return;
	}
	self->stats.answered++;
	request_end(self, r, NULL, body);
}

static struct err *answer_take(struct bus_client *self, struct request *r, const struct msg_header *header,
			       struct slice bytes)
{
	bool is_whole;

	ENSURE(header->type == msg_type_answer(r->header.type) || header->type == MSG_ERROR, BAD_INPUT,
	       "%s was answered with %s", msg_type_name(r->header.type), msg_type_name(header->type));
	if (header->num_parts == 1) {
		ENSURE(bytes.len <= msg_type_find(header->type)->max_bytes, TOO_LARGE, "an answer of %zu bytes",
		       bytes.len);
		answer_whole(self, r, header->type, bytes);
		return NULL;
	}
	TRY(bus_parts_add(&r->answer, &is_whole, header, bytes));
	if (is_whole) {
		OWN(buf) whole = BUF_INIT(r->answer.body.max);

		buf_move(&whole, &r->answer.body);
		answer_whole(self, r, header->type, buf_slice(&whole));
	}
	return NULL;
}

static void message_take(struct bus_client *self, struct bus_frames *f)
{
	struct msg_header header;
	struct err *e = NULL;

	if (f->num != 2)
		e = ERR(BAD_INPUT, "a message of %zu frames, 2 expected", f->num);
	if (e == NULL)
		e = msg_header_decode(&header, bus_frame(f, 0));
	if (e == NULL) {
		struct request *r = request_find(self, header.id);

		if (r == NULL) {
			self->stats.late++;
			return;
		}
		e = answer_take(self, r, &header, bus_frame(f, 1));
	}
	if (e == NULL)
		return;
	self->stats.garbage++;
	if (bus_log_may(&self->log_limit))
		log_err(LOG_WARN, NULL, "bus_garbage", &e);
	err_destroy(&e);
}

/* ---- time ---- */

static void request_resend(struct bus_client *self, struct request *r, int64_t now)
{
	if (is_unsent(r))
		return;
	self->stats.resent++;
	r->unsent_part = 0;
	self->num_unsent++;
	bus_parts_clear(&r->answer);
	if (r->resend_ms < self->resend_ms * RESEND_GROWTH)
		r->resend_ms *= 2;
	r->resend_at = now + r->resend_ms;
}

/* Ends what is past its deadline and sends again what is due. A callback may add requests: they stand at the new end. */
static void check_times(struct bus_client *self, int64_t now)
{
	struct request *next;

	self->check_at = INT64_MAX;
	for (struct request *r = self->oldest; r != NULL; r = next) {
		next = r->newer;
		if (r->deadline <= now) {
			self->stats.timeouts++;
			request_end(self, r,
				    ERR(TIMEOUT, "%s did not answer %s in time%s", self->server->name,
					msg_type_name(r->header.type), r->was_sent ? "" : " (no connection)"),
				    SLICE_NONE);
			continue;
		}
		if (r->was_sent && r->resend_at <= now)
			request_resend(self, r, now);
		int64_t due = r->was_sent && r->resend_at < r->deadline ? r->resend_at : r->deadline;
		if (due < self->check_at)
			self->check_at = due;
	}
}

void bus_client_process(struct bus_client *self)
{
	struct bus_frames frames;

	for (int i = 0; i < BUDGET && bus_frames_recv(&frames, self->socket); i++) {
		message_take(self, &frames);
		bus_frames_close(&frames);
	}
	int64_t now = clock_mono_ms();
	if (now >= self->check_at)
		check_times(self, now);
	if (self->num_unsent > 0)
		send_waiting(self);
}

int64_t bus_client_timeout_ms(const struct bus_client *self)
{
	int64_t wait = self->check_at == INT64_MAX ? -1 : self->check_at - clock_mono_ms();

	if (bus_socket_readable(self->socket))
		return 0;
	if (self->check_at != INT64_MAX && wait < 0)
		return 0;
	if (self->num_unsent > 0 && (wait < 0 || wait > UNSENT_TICK_MS))
		return UNSENT_TICK_MS;
	return wait;
}

void *bus_client_socket(const struct bus_client *self)
{
	return self->socket;
}

int bus_client_fd(const struct bus_client *self)
{
	return bus_socket_fd(self->socket);
}

size_t bus_client_in_flight(const struct bus_client *self)
{
	return self->num;
}

struct bus_client_stats bus_client_stats(const struct bus_client *self)
{
	return self->stats;
}

/* ---- the waiting form ---- */

struct waiting {
	struct buf *out;
	struct err *e;
	bool is_over;
};

static void on_waited(void *arg, struct err *e, struct slice body)
{
	struct waiting *w = arg;

	w->e = e == NULL ? buf_set(w->out, body) : e;
	w->is_over = true;
}

struct err *bus_client_call(struct bus_client *self, struct buf *out, uint16_t type, struct buf *body,
			    int64_t timeout_ms)
{
	struct waiting w = { .out = out };

	TRY(bus_client_send(self, type, body, timeout_ms, on_waited, &w));
	while (!w.is_over) {
		zmq_pollitem_t item = { .socket = self->socket, .events = ZMQ_POLLIN };

		(void)zmq_poll(&item, 1, (long)bus_client_timeout_ms(self));
		bus_client_process(self);
	}
	return w.e;
}
