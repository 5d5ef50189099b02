/*
 * bus_socket.c - sockets with our options, and whole messages through them without waiting. See bus_priv.h.
 *
 * Every socket is CURVE; servers ask the allow list (bus_zap.c), clients pin the server's key. Limits hold before
 * anything of ours looks at a byte: frame size, queue lengths, time for the handshake. PROTOCOL.md "Limits".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "bus/bus_priv.h"

enum { HANDSHAKE_MS = 5000, HEARTBEAT_MS = 2000, PATIENCE_MS = 6000, RECONNECT_MS = 100, RECONNECT_MAX_MS = 2000 };

bool bus_log_may(struct bus_log_limit *limit)
{
	int64_t second = clock_mono_ms() / 1000;

	if (limit->second != second) {
		limit->second = second;
		limit->used = 0;
	}
	return limit->used++ < 5;
}

static struct err *set(void *socket, int option, const void *value, size_t len)
{
	ENSURE(zmq_setsockopt(socket, option, value, len) == 0, SYSTEM, "option %d of a bus socket: %s", option,
	       zmq_strerror(zmq_errno()));
	return NULL;
}

static struct err *set_int(void *socket, int option, int value)
{
	return set(socket, option, &value, sizeof value);
}

static struct err *set_common(void *socket, int hwm)
{
	int64_t frame_max = (int64_t)MSG_PART_BYTES + 1024;

	TRY(set(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max));
	TRY(set_int(socket, ZMQ_LINGER, 0));
	TRY(set_int(socket, ZMQ_RCVHWM, hwm));
	TRY(set_int(socket, ZMQ_SNDHWM, BUS_CLIENT_HWM));
	TRY(set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS));
	TRY(set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS));
	TRY(set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, PATIENCE_MS));
	return set_int(socket, ZMQ_HEARTBEAT_TTL, PATIENCE_MS);
}

static struct err *socket_new(void **out, const struct bus *bus, int type)
{
	ENSURE(bus->context != NULL, BUG, "the bus has not been started");
	*out = zmq_socket(bus->context, type);
	ENSURE(*out != NULL, SYSTEM, "bus socket: %s", zmq_strerror(zmq_errno()));
	return NULL;
}

static struct err *server_setup(void *socket, const struct bus *bus, int type, const char *endpoint, unsigned mode)
{
	TRY(set_common(socket, BUS_SERVER_HWM));
	if (type == ZMQ_ROUTER)
		TRY(set_int(socket, ZMQ_ROUTER_MANDATORY, 1));
	TRY(set_int(socket, ZMQ_CURVE_SERVER, 1));
	TRY(set(socket, ZMQ_CURVE_SECRETKEY, bus->secret, BUS_KEY_TEXT));
	TRY(set(socket, ZMQ_ZAP_DOMAIN, "nuc", 3));
	ENSURE_FIELD(zmq_bind(socket, endpoint) == 0, SYSTEM, "bus", "cannot bind %s: %s", endpoint,
		     zmq_strerror(zmq_errno()));
	if (strncmp(endpoint, "ipc://", 6) == 0 && endpoint[6] != '@' && chmod(endpoint + 6, mode) != 0)
		return ERR_ERRNO("mode of %s", endpoint + 6);
	return NULL;
}

struct err *bus_socket_server(void **out, struct bus *bus, int type, const char *endpoint, unsigned mode)
{
	void *socket = NULL;

	TRY(socket_new(&socket, bus, type));
	struct err *e = server_setup(socket, bus, type, endpoint, mode == 0 ? 0660 : mode);
	if (e != NULL) {
		bus_socket_close(&socket);
		return e;
	}
	*out = socket;
	return NULL;
}

static struct err *client_setup(void *socket, const struct bus *bus, int type, const struct bus_peer *server,
				const char *endpoint)
{
	TRY(set_common(socket, BUS_CLIENT_HWM));
	if (type == ZMQ_DEALER)
		TRY(set_int(socket, ZMQ_IMMEDIATE, 1));
	TRY(set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS));
	TRY(set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS));
	TRY(set(socket, ZMQ_CURVE_SERVERKEY, server->key, BUS_KEY_TEXT));
	TRY(set(socket, ZMQ_CURVE_PUBLICKEY, bus->peers[bus->self].key, BUS_KEY_TEXT));
	TRY(set(socket, ZMQ_CURVE_SECRETKEY, bus->secret, BUS_KEY_TEXT));
	if (type == ZMQ_SUB)
		TRY(set(socket, ZMQ_SUBSCRIBE, "", 0));
	ENSURE_FIELD(zmq_connect(socket, endpoint) == 0, CONFIG, "bus", "cannot connect to %s: %s", endpoint,
		     zmq_strerror(zmq_errno()));
	return NULL;
}

struct err *bus_socket_client(void **out, struct bus *bus, int type, const char *server, const char *endpoint)
{
	const struct bus_peer *peer = bus_peer_by_name(bus, server);
	void *socket = NULL;

	ENSURE_FIELD(peer != NULL, CONFIG, "bus.peers", "the allow list has no peer \"%s\"", server);
	TRY(socket_new(&socket, bus, type));
	struct err *e = client_setup(socket, bus, type, peer, endpoint);
	if (e != NULL) {
		bus_socket_close(&socket);
		return e;
	}
	*out = socket;
	return NULL;
}

void bus_socket_close(void **socket)
{
	if (*socket != NULL)
		(void)zmq_close(*socket);
	*socket = NULL;
}

int bus_socket_fd(void *socket)
{
	int fd = -1;
	size_t len = sizeof fd;

	return zmq_getsockopt(socket, ZMQ_FD, &fd, &len) == 0 ? fd : -1;
}

bool bus_socket_readable(void *socket)
{
	int events = 0;
	size_t len = sizeof events;

	return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len) == 0 && (events & ZMQ_POLLIN) != 0;
}

static bool frame_recv(zmq_msg_t *out, void *socket)
{
	int n;

	do
		n = zmq_msg_recv(out, socket, ZMQ_DONTWAIT);
	while (n < 0 && zmq_errno() == EINTR);
	return n >= 0;
}

bool bus_frames_recv(struct bus_frames *out, void *socket)
{
	bool more = true;

	out->num = 0;
	while (more) {
		zmq_msg_t msg;

		(void)zmq_msg_init(&msg);
		if (!frame_recv(&msg, socket)) {
			(void)zmq_msg_close(&msg);
			bus_frames_close(out);
			return false;
		}
		more = zmq_msg_more(&msg) != 0;
		if (out->num < BUS_FRAMES_MAX) {
			(void)zmq_msg_init(&out->frame[out->num]);
			(void)zmq_msg_move(&out->frame[out->num], &msg);
		}
		(void)zmq_msg_close(&msg);
		out->num++;
	}
	return true;
}

void bus_frames_close(struct bus_frames *self)
{
	for (size_t i = 0; i < self->num && i < BUS_FRAMES_MAX; i++)
		(void)zmq_msg_close(&self->frame[i]);
	self->num = 0;
}

struct slice bus_frame(struct bus_frames *self, size_t i)
{
	return SLICE(zmq_msg_data(&self->frame[i]), zmq_msg_size(&self->frame[i]));
}

static int bytes_send(void *socket, struct slice bytes, int flags)
{
	int n;

	do
		n = zmq_send(socket, bytes.p == NULL ? (const void *)"" : bytes.p, bytes.len, flags | ZMQ_DONTWAIT);
	while (n < 0 && zmq_errno() == EINTR);
	return n;
}

enum bus_sent bus_send_part(void *socket, zmq_msg_t *route, const struct msg_header *header, struct slice body)
{
	OWN(buf) head = BUF_INIT(MSG_HEADER_MAX);
	size_t from = (size_t)header->part * MSG_PART_BYTES;
	size_t len = body.len - from < MSG_PART_BYTES ? body.len - from : MSG_PART_BYTES;
	OWN(err) e = msg_header_encode(&head, header);

	if (e != NULL)
		return BUS_SENT_NEVER;
	if (route != NULL && bytes_send(socket, SLICE(zmq_msg_data(route), zmq_msg_size(route)), ZMQ_SNDMORE) < 0)
		return zmq_errno() == EAGAIN ? BUS_SENT_LATER : BUS_SENT_NEVER;
	if (bytes_send(socket, buf_slice(&head), ZMQ_SNDMORE) < 0 ||
	    bytes_send(socket, SLICE(body.p == NULL ? NULL : body.p + from, len), 0) < 0)
		return zmq_errno() == EAGAIN ? BUS_SENT_LATER : BUS_SENT_NEVER;
	return BUS_SENT;
}
