/*
 * daemon_bus.h - a daemon's endpoints on the bus, polled by its loop.
 *
 *   acquire  daemon_bus_create()   reads own key and allow list
 *   start    daemon_bus_start(), then daemon_bus_server/client/pub/sub()
 *   stop     daemon_bus_destroy()  ends the endpoints, then the bus; before anything their callbacks use is freed
 *
 * Every endpoint is also looked at each 50 ms, for what is due without a message: resending and deadlines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_DAEMON_BUS_H
#define COMMON_DAEMON_DAEMON_BUS_H

#include "bus/bus.h"
#include "daemon/daemon.h"

struct daemon_bus;

/* daemon_bus_create() reads keys and peers. *Errors* CONFIG, SYSTEM. *Owns* the caller, daemon_bus_destroy(). */
struct err *daemon_bus_create(struct daemon_bus **out, const struct daemon_bus_conf *conf) ERR_MUST_USE;
void daemon_bus_destroy(struct daemon_bus **self);
OWN_TYPE(daemon_bus, struct daemon_bus *, daemon_bus_destroy)

/* daemon_bus_start() starts the bus on the ZeroMQ context and uses the loop from now on. */
struct err *daemon_bus_start(struct daemon_bus *self, void *zmq, struct loop *loop) ERR_MUST_USE;

/* The bus itself, for endpoints on other threads; those end before daemon_bus_destroy(). */
struct bus *daemon_bus_bus(struct daemon_bus *self);

/* Each makes an endpoint as bus_X_create() does and polls it. *Owns* the daemon_bus: do not destroy the endpoint. */
struct err *daemon_bus_server(struct daemon_bus *self, struct bus_server **out,
			      const struct bus_server_conf *conf) ERR_MUST_USE;
struct err *daemon_bus_client(struct daemon_bus *self, struct bus_client **out,
			      const struct bus_client_conf *conf) ERR_MUST_USE;
struct err *daemon_bus_pub(struct daemon_bus *self, struct bus_pub **out, const char *endpoint) ERR_MUST_USE;
struct err *daemon_bus_sub(struct daemon_bus *self, const char *server, const char *endpoint, bus_message_fn fn,
			   void *arg) ERR_MUST_USE;

#endif
