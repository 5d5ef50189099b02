/*
 * bus_pubsub.c - publish and subscribe: wake-ups that may be lost. See bus.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/log.h"
#include "bus/bus_priv.h"

enum { BUDGET = 256 };

struct bus_pub {
	const struct bus *bus;
	void *socket;
};

struct bus_sub {
	void *socket;
	const struct bus_peer *server;
	enum msg_role role;
	bus_message_fn fn;
	void *arg;
	struct bus_log_limit log_limit;
};

OWN_TYPE(bus_pub, struct bus_pub *, bus_pub_destroy)
OWN_TYPE(bus_sub, struct bus_sub *, bus_sub_destroy)

struct err *bus_pub_create(struct bus_pub **out, struct bus *bus, const char *endpoint, unsigned socket_mode)
{
	OWN(bus_pub) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "publisher");
	self->bus = bus;
	TRY(bus_socket_server(&self->socket, bus, ZMQ_PUB, endpoint, socket_mode));
	*out = TAKE(self);
	return NULL;
}

void bus_pub_destroy(struct bus_pub **self)
{
	if (*self == NULL)
		return;
	bus_socket_close(&(*self)->socket);
	free(*self);
	*self = NULL;
}

struct err *bus_pub_send(struct bus_pub *self, uint16_t type, struct slice body)
{
	const struct msg_type_info *row = msg_type_find(type);
	struct msg_header header = { .type = type, .num_parts = 1 };

	ENSURE(row != NULL && (row->from & MSG_ROLE_BIT(bus_role(self->bus))) != 0, BUG, "%s may not publish %s",
	       bus_name(self->bus), msg_type_name(type));
	ENSURE(body.len <= row->max_bytes && body.len <= MSG_PART_BYTES, TOO_LARGE, "%s: a body of %zu bytes",
	       row->name, body.len);
	ENSURE(bus_send_part(self->socket, NULL, &header, body) != BUS_SENT_NEVER, SYSTEM, "cannot publish %s: %s",
	       row->name, zmq_strerror(zmq_errno()));
	return NULL;
}

struct err *bus_sub_create(struct bus_sub **out, struct bus *bus, const char *server, const char *endpoint,
			   bus_message_fn fn, void *arg)
{
	OWN(bus_sub) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "subscriber");
	self->role = bus_role(bus);
	self->server = bus_peer_by_name(bus, server);
	self->fn = fn;
	self->arg = arg;
	TRY(bus_socket_client(&self->socket, bus, ZMQ_SUB, server, endpoint));
	*out = TAKE(self);
	return NULL;
}

void bus_sub_destroy(struct bus_sub **self)
{
	if (*self == NULL)
		return;
	bus_socket_close(&(*self)->socket);
	free(*self);
	*self = NULL;
}

static struct err *message_check(const struct bus_sub *self, struct msg_header *out, struct bus_frames *f)
{
	ENSURE(f->num == 2, BAD_INPUT, "a published message of %zu frames, 2 expected", f->num);
	TRY(msg_header_decode(out, bus_frame(f, 0)));
	const struct msg_type_info *row = msg_type_find(out->type);
	ENSURE(out->num_parts == 1 && (row->from & MSG_ROLE_BIT(self->server->role)) != 0 &&
		       (row->to & MSG_ROLE_BIT(self->role)) != 0 && bus_frame(f, 1).len <= row->max_bytes,
	       DENIED, "%s is not for %s to publish", row->name, self->server->name);
	return NULL;
}

void bus_sub_process(struct bus_sub *self)
{
	struct bus_frames frames;

	for (int i = 0; i < BUDGET && bus_frames_recv(&frames, self->socket); i++) {
		struct msg_header header;
		struct err *e = message_check(self, &header, &frames);

		if (e == NULL)
			self->fn(self->arg, header.type, bus_frame(&frames, 1));
		else if (bus_log_may(&self->log_limit))
			log_err(LOG_WARN, NULL, "bus_garbage", &e);
		err_destroy(&e);
		bus_frames_close(&frames);
	}
}

void *bus_sub_socket(const struct bus_sub *self)
{
	return self->socket;
}

int bus_sub_fd(const struct bus_sub *self)
{
	return bus_socket_fd(self->socket);
}
