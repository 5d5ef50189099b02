/*
 * bus_zap.c - who may connect: the ZAP handler (ZeroMQ RFC 27) over the allow list, on a thread of its own.
 *
 * libzmq asks it during each handshake with a server socket of ours. A key that is in the allow list is admitted as
 * the name that the list gives it; that name comes back with every frame as "User-Id". The thread reads only the
 * allow list, which does not change while it runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/bus_priv.h"

enum { ZAP_FRAMES = 7, ZAP_FIELD_MAX = 255, CURVE_KEY_BYTES = 32 };
enum { ZAP_VERSION, ZAP_REQUEST, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_CREDENTIALS };

struct zap_field {
	uint8_t b[ZAP_FIELD_MAX + 1];
	size_t len;
};

/* Reads one whole request; false when it is not of the form of RFC 27. */
static bool zap_read(void *socket, struct zap_field field[ZAP_FRAMES])
{
	bool is_right = true, more = true;
	size_t num = 0;

	memset(field, 0, ZAP_FRAMES * sizeof field[0]);
	for (; more; num++) {
		zmq_msg_t msg;

		(void)zmq_msg_init(&msg);
		if (zmq_msg_recv(&msg, socket, 0) < 0) {
			(void)zmq_msg_close(&msg);
			return false;
		}
		more = zmq_msg_more(&msg) != 0;
		size_t len = zmq_msg_size(&msg);
		if (num < ZAP_FRAMES && len <= ZAP_FIELD_MAX) {
			memcpy(field[num].b, zmq_msg_data(&msg), len);
			field[num].len = len;
		} else {
			is_right = false;
		}
		(void)zmq_msg_close(&msg);
	}
	return is_right && num == ZAP_FRAMES;
}

static bool field_is(const struct zap_field *field, const char *text)
{
	return slice_equal(SLICE(field->b, field->len), SLICE_STR(text));
}

static const struct bus_peer *zap_decide(const struct bus *bus, const struct zap_field field[ZAP_FRAMES],
					 char key[BUS_KEY_TEXT])
{
	if (!field_is(&field[ZAP_VERSION], "1.0") || !field_is(&field[ZAP_MECHANISM], "CURVE") ||
	    field[ZAP_CREDENTIALS].len != CURVE_KEY_BYTES)
		return NULL;
	if (zmq_z85_encode(key, field[ZAP_CREDENTIALS].b, CURVE_KEY_BYTES) == NULL)
		return NULL;
	return bus_peer_by_key(bus, key);
}

static void zap_send(void *socket, const void *bytes, size_t len, int flags)
{
	/* inproc to libzmq itself; when it fails the handshake fails, which is the safe side */
	(void)zmq_send(socket, bytes, len, flags);
}

static void zap_answer(struct bus *bus, struct bus_log_limit *limit)
{
	struct zap_field field[ZAP_FRAMES];
	char key[BUS_KEY_TEXT] = "";
	bool is_whole = zap_read(bus->zap_socket, field);
	const struct bus_peer *peer = is_whole ? zap_decide(bus, field, key) : NULL;
	const char *name = peer == NULL ? "" : peer->name;

	zap_send(bus->zap_socket, "1.0", 3, ZMQ_SNDMORE);
	zap_send(bus->zap_socket, field[ZAP_REQUEST].b, field[ZAP_REQUEST].len, ZMQ_SNDMORE);
	zap_send(bus->zap_socket, peer == NULL ? "400" : "200", 3, ZMQ_SNDMORE);
	zap_send(bus->zap_socket, "", 0, ZMQ_SNDMORE);
	zap_send(bus->zap_socket, name, strlen(name), ZMQ_SNDMORE);
	zap_send(bus->zap_socket, "", 0, 0);
	if (peer != NULL) {
		atomic_fetch_add(&bus->zap_admitted, 1);
		return;
	}
	atomic_fetch_add(&bus->zap_refused, 1);
	if (bus_log_may(limit))
		log_warn(NULL, "bus_peer_refused", "address=\"%.*s\" key=%.8s", (int)field[ZAP_ADDRESS].len,
			 (const char *)field[ZAP_ADDRESS].b, key[0] == '\0' ? "none" : key);
}

static void *zap_run(void *arg)
{
	struct bus *bus = arg;
	struct bus_log_limit limit = { 0, 0 };

	for (;;) {
		zmq_pollitem_t items[2] = { { .socket = bus->zap_socket, .events = ZMQ_POLLIN },
					    { .fd = bus->zap_stop_fd, .events = ZMQ_POLLIN } };

		if (zmq_poll(items, 2, -1) < 0 && zmq_errno() != EINTR)
			break;
		if (items[1].revents != 0)
			break;
		if (items[0].revents != 0)
			zap_answer(bus, &limit);
	}
	(void)zmq_close(bus->zap_socket);
	return NULL;
}

static struct err *zap_thread_start(struct bus *bus)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&bus->zap_thread, NULL, zap_run, bus);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	ENSURE(failed == 0, SYSTEM, "thread of the allow list: %s", strerror(failed));
	bus->zap_runs = true;
	return NULL;
}

struct err *bus_zap_start(struct bus *bus)
{
	bus->zap_stop_fd = eventfd(0, EFD_CLOEXEC);
	if (bus->zap_stop_fd < 0)
		return ERR_ERRNO("eventfd of the allow list");
	bus->zap_socket = zmq_socket(bus->context, ZMQ_REP);
	ENSURE(bus->zap_socket != NULL, SYSTEM, "socket of the allow list: %s", zmq_strerror(zmq_errno()));
	struct err *e = NULL;
	if (zmq_bind(bus->zap_socket, "inproc://zeromq.zap.01") != 0)
		e = ERR(BUG, "a bus runs already in this context: %s", zmq_strerror(zmq_errno()));
	else
		e = zap_thread_start(bus);
	if (e != NULL)
		bus_socket_close(&bus->zap_socket);
	return e;
}

void bus_zap_stop(struct bus *bus)
{
	uint64_t one = 1;

	if (bus->zap_runs) {
		ssize_t n = write(bus->zap_stop_fd, &one, sizeof one);

		if (n == (ssize_t)sizeof one)
			(void)pthread_join(bus->zap_thread, NULL);
		bus->zap_runs = false;
	}
	if (bus->zap_stop_fd >= 0)
		(void)close(bus->zap_stop_fd);
	bus->zap_stop_fd = -1;
}
