/*
 * bus_fake.h - the other end of an edge for tests: a bus server with the test's own handlers, on a thread of its own, and
 * the bus of a client that may talk to it. Keys, allow list and socket live in a temporary folder; the list has a key of
 * every daemon.
 *
 * Handlers run on the server's thread. The server can be stopped and started again, to be "away" for a while.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_BUS_FAKE_H
#define TESTS_SUPPORT_BUS_FAKE_H

#include "bus/bus.h"

struct bus_fake;

struct bus_fake_conf {
	const char *server; /* rad cad crld ocspd signd-ca signd-ocsp, each with its role */
	enum msg_role server_role;
	const char *client;
	enum msg_role client_role;
	const struct bus_handler *handlers; /* ends with type 0 */
	void *arg;
};

/* Each fails the test on an error. */
struct bus_fake *bus_fake_create(const struct bus_fake_conf *conf);
void bus_fake_start(struct bus_fake *self); /* after _create() it runs already */
void bus_fake_stop(struct bus_fake *self); /* a second call does nothing */
void bus_fake_destroy(struct bus_fake **self); /* after the client's endpoints */

struct bus *bus_fake_client_bus(struct bus_fake *self);
const char *bus_fake_endpoint(const struct bus_fake *self);
/* The folder with NAME.public and NAME.secret of every daemon, and peers.conf. */
const char *bus_fake_dir(const struct bus_fake *self);

#endif
