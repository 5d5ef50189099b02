/*
 * bus_server.c - the ROUTER end: who asks, may they, is it a repeat, and what answers. See bus.h, PROTOCOL.md.
 *
 * Order of the checks, cheapest first, and all of them before a handler sees a byte: frames, peer's name (from the
 * handshake), header, type and role against the table, deadline, parts and size, request id against its digest.
 * Requests of each peer are remembered apart, so that one peer can use up nobody else's memory of ids.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/bus.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/bus_server_priv.h"

enum { BUDGET = 64, KEPT_DEFAULT = 32 << 20 };

OWN_TYPE(bus_server, struct bus_server *, bus_server_destroy)

static struct err *handlers_check(const struct bus *bus, const struct bus_handler *handlers)
{
	for (const struct bus_handler *h = handlers; h->type != 0; h++) {
		const struct msg_type_info *row = msg_type_find(h->type);

		ENSURE(row != NULL && msg_type_is_ask(h->type), CONFIG, "handler for %#x, which asks nothing",
		       (unsigned)h->type);
		ENSURE((row->to & MSG_ROLE_BIT(bus_role(bus))) != 0, CONFIG, "%s is not sent to %s", row->name,
		       msg_role_word(bus_role(bus)));
		ENSURE((h->roles & ~row->from) == 0 && h->roles != 0, CONFIG,
		       "%s: the list does not let it come from these roles", row->name);
	}
	return NULL;
}

struct err *bus_server_create(struct bus_server **out, struct bus *bus, const struct bus_server_conf *conf)
{
	TRY(handlers_check(bus, conf->handlers));
	OWN(bus_server) self = calloc(1, sizeof *self);
	ENSURE(self != NULL, NO_MEMORY, "bus server");
	self->bus = bus;
	self->conf = *conf;
	if (self->conf.max_kept_bytes == 0)
		self->conf.max_kept_bytes = KEPT_DEFAULT;
	self->peers = calloc(bus->num_peers, sizeof *self->peers);
	ENSURE(self->peers != NULL, NO_MEMORY, "bus server");
	TRY(bus_socket_server(&self->socket, bus, ZMQ_ROUTER, conf->endpoint, conf->socket_mode));
	*out = TAKE(self);
	return NULL;
}

void bus_server_destroy(struct bus_server **self)
{
	struct bus_server *s = *self;

	if (s == NULL)
		return;
	while (s->calls != NULL)
		bus_call_free(s->calls);
	for (size_t i = 0; s->peers != NULL && i < s->bus->num_peers; i++) {
		bus_ids_destroy(&s->peers[i].ids);
		for (size_t k = 0; k < BUS_SERVER_JOINS; k++)
			bus_parts_clear(&s->peers[i].joins[k].parts);
	}
	free(s->peers);
	bus_socket_close(&s->socket);
	free(s);
	*self = NULL;
}

/* ---- receiving ---- */

static const struct bus_handler *handler_of(const struct bus_server *s, uint16_t type, enum msg_role role)
{
	for (const struct bus_handler *h = s->conf.handlers; h->type != 0; h++)
		if (h->type == type && (h->roles & MSG_ROLE_BIT(role)) != 0)
			return h;
	return NULL;
}

/* The slot of a body's parts: the one that its id has, else (for a first part) a free or expired one, else the older. */
static struct join *join_of(struct peer_state *state, const struct msg_header *header, int64_t now)
{
	struct join *best = &state->joins[0];

	for (size_t i = 0; i < BUS_SERVER_JOINS; i++) {
		struct join *j = &state->joins[i];

		if (j->until != 0 && memcmp(j->id, header->id, MSG_ID_BYTES) == 0)
			return j;
		if (j->until < best->until)
			best = j;
	}
	if (header->part != 0)
		return NULL;
	bus_parts_clear(&best->parts);
	memcpy(best->id, header->id, MSG_ID_BYTES);
	best->until = now + BUS_ID_KEEP_MS;
	return best;
}

/* Gives the call its body; *out_whole is false while parts are missing. */
static struct err *body_take(struct bus_call *call, bool *out_whole, struct slice bytes)
{
	const struct msg_type_info *row = msg_type_find(call->header.type);

	*out_whole = false;
	call->body.max = row->max_bytes;
	if (call->header.num_parts == 1) {
		ENSURE(bytes.len <= row->max_bytes, TOO_LARGE, "%s: a body of %zu bytes, the limit is %zu", row->name,
		       bytes.len, row->max_bytes);
		*out_whole = true;
		return buf_set(&call->body, bytes);
	}
	struct join *join = join_of(call->state, &call->header, clock_mono_ms());
	ENSURE(join != NULL, BAD_INPUT, "part %u of a body whose beginning did not come", (unsigned)call->header.part);
	struct err *e = bus_parts_add(&join->parts, out_whole, &call->header, bytes);
	if (e == NULL && *out_whole)
		buf_move(&call->body, &join->parts.body);
	if (e != NULL || *out_whole) {
		bus_parts_clear(&join->parts);
		join->until = 0;
	}
	return e;
}

static struct err *digest_of(uint8_t out[32], const struct bus_call *call)
{
	uint8_t type[2] = { (uint8_t)(call->header.type >> 8), (uint8_t)call->header.type };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, call->server->bus->sha256, NULL) == 1 &&
		  EVP_DigestUpdate(ctx, type, sizeof type) == 1 &&
		  EVP_DigestUpdate(ctx, call->body.p, call->body.len) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? NULL : ERR_OPENSSL(SYSTEM, "digest of a request");
}

/* How long an id is remembered: a minute past its deadline, within bounds. */
static int64_t keep_until(const struct msg_header *header)
{
	int64_t left = header->deadline_ms - clock_now_ms();

	if (left > BUS_ID_KEEP_MAX_MS - BUS_ID_KEEP_MS)
		left = BUS_ID_KEEP_MAX_MS - BUS_ID_KEEP_MS;
	return clock_mono_ms() + (left < 0 ? 0 : left) + BUS_ID_KEEP_MS;
}

/* A repeat of a request that is still being worked on may come over a new connection: the answer goes there. */
static void route_update(struct bus_call *repeat)
{
	for (struct bus_call *c = repeat->server->calls; c != NULL; c = c->older) {
		if (c != repeat && c->state == repeat->state &&
		    memcmp(c->header.id, repeat->header.id, MSG_ID_BYTES) == 0) {
			(void)zmq_msg_move(&c->route, &repeat->route);
			return;
		}
	}
}

/* Looks the request id up; *out_new says that the request is to be handled. A repeat is answered here. */
static struct err *id_take(struct bus_call *call, bool *out_new)
{
	struct bus_server *s = call->server;
	uint8_t digest[32];
	uint16_t type = 0;
	struct slice kept = SLICE_NONE;

	*out_new = false;
	if (call->state->ids == NULL)
		TRY(bus_ids_create(&call->state->ids, s->conf.max_kept_bytes));
	TRY(digest_of(digest, call));
	switch (bus_ids_take(call->state->ids, &type, &kept, call->header.id, digest, keep_until(&call->header))) {
	case BUS_ID_NEW:
		call->is_remembered = true;
		*out_new = true;
		return NULL;
	case BUS_ID_WORKING:
		s->stats.repeats++;
		route_update(call);
		return NULL;
	case BUS_ID_ANSWERED:
		s->stats.repeats++;
		bus_call_send(call, type, kept);
		return NULL;
	case BUS_ID_OTHER_BODY:
		s->stats.denied++;
		return ERR_FIELD(DENIED, "requestId", "the same request id came before with another request");
	case BUS_ID_FULL:
		break;
	}
	return ERR(RETRY, "too many requests of this peer are being worked on");
}

static struct err *call_check(struct bus_call *call, const struct bus_handler **out_handler, struct slice bytes)
{
	struct bus_server *s = call->server;
	bool is_whole, is_new;

	*out_handler = NULL;
	const struct bus_handler *handler = handler_of(s, call->header.type, call->peer->role);
	if (handler == NULL) {
		s->stats.denied++;
		return ERR(DENIED, "%s is not for %s to send here", msg_type_name(call->header.type),
			   msg_role_word(call->peer->role));
	}
	if (call->header.deadline_ms < clock_now_ms()) {
		s->stats.expired++;
		return ERR(TIMEOUT, "the deadline had passed when the request came");
	}
	TRY(body_take(call, &is_whole, bytes));
	if (!is_whole)
		return NULL;
	TRY(id_take(call, &is_new));
	if (is_new)
		*out_handler = handler;
	return NULL;
}

static struct bus_call *call_new(struct bus_server *s, const struct bus_peer *peer, const struct msg_header *header,
				 zmq_msg_t *route)
{
	struct bus_call *call = calloc(1, sizeof *call);

	if (call == NULL)
		return NULL;
	call->server = s;
	call->peer = peer;
	call->state = &s->peers[peer - s->bus->peers];
	call->header = *header;
	(void)zmq_msg_init(&call->route);
	(void)zmq_msg_move(&call->route, route);
	call->older = s->calls;
	if (s->calls != NULL)
		s->calls->newer = call;
	s->calls = call;
	return call;
}

/* The call may be gone when this returns: answered later and freed, or freed here. */
static void call_run(struct bus_call *call, struct slice bytes)
{
	const struct bus_handler *handler;
	struct err *e = call_check(call, &handler, bytes);

	if (e != NULL) {
		bus_call_refuse(call, e);
		bus_call_free(call);
		return;
	}
	if (handler == NULL) {
		bus_call_free(call);
		return;
	}
	struct bus_server *s = call->server;
	s->stats.requests++;
	call->in_handler = true;
	e = handler->fn(s->conf.arg, call);
	if (e == NULL && !call->is_over && !call->is_kept)
		e = ERR(BUG, "the handler of %s gave no answer", msg_type_name(call->header.type));
	if (e != NULL && !call->is_over)
		bus_call_fail(call, TAKE(e));
	log_err(LOG_ERROR, NULL, "bus_error_after_answer", &e);
	call->in_handler = false;
	if (call->is_over)
		bus_call_free(call);
}

static struct err *message_check(struct bus_server *s, const struct bus_peer **out_peer, struct msg_header *out_header,
				 struct bus_frames *f)
{
	ENSURE(f->num == 3, BAD_INPUT, "a message of %zu frames, 2 expected", f->num - 1);
	const char *name = zmq_msg_gets(&f->frame[1], "User-Id");
	*out_peer = name == NULL ? NULL : bus_peer_by_name(s->bus, name);
	ENSURE(*out_peer != NULL, DENIED, "a message of a peer without a name");
	struct err *e = msg_header_decode(out_header, bus_frame(f, 1));
	if (e == NULL && !msg_type_is_ask(out_header->type))
		e = ERR(BAD_INPUT, "%s asks nothing", msg_type_name(out_header->type));
	return e == NULL ? NULL : ERR_WRAP(e, "message of %s", (*out_peer)->name);
}

static void message_take(struct bus_server *s, struct bus_frames *f)
{
	const struct bus_peer *peer = NULL;
	struct msg_header header;
	struct err *e = message_check(s, &peer, &header, f);

	if (e != NULL) {
		s->stats.garbage++;
		if (s->conf.on_refused != NULL)
			s->conf.on_refused(s->conf.arg, NULL, e);
		if (bus_log_may(&s->log_limit))
			log_err(LOG_WARN, NULL, "bus_garbage", &e);
		err_destroy(&e);
		return;
	}
	struct bus_call *call = call_new(s, peer, &header, &f->frame[0]);
	if (call != NULL)
		call_run(call, bus_frame(f, 2));
	else
		s->stats.lost_answers++; /* no memory for it: the peer asks again */
}

void bus_server_process(struct bus_server *self)
{
	struct bus_frames frames;

	for (int i = 0; i < BUDGET && bus_frames_recv(&frames, self->socket); i++) {
		message_take(self, &frames);
		bus_frames_close(&frames);
	}
}

void *bus_server_socket(const struct bus_server *self)
{
	return self->socket;
}

int bus_server_fd(const struct bus_server *self)
{
	return bus_socket_fd(self->socket);
}

int64_t bus_server_timeout_ms(const struct bus_server *self)
{
	return bus_socket_readable(self->socket) ? 0 : -1;
}

struct bus_server_stats bus_server_stats(const struct bus_server *self)
{
	return self->stats;
}
