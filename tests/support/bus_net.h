/*
 * bus_net.h - a bus in one test process: a temporary folder with keys and an allow list of every role, and whole
 * `struct bus`es by name, each with a ZeroMQ context of its own, as if they were processes.
 *
 *   struct bus_net net; bus_net_init(&net);
 *   struct bus *cad = bus_net_bus(&net, "cad");          bus_destroy() it before bus_net_clear()
 *   bus_net_endpoint(&net, "sign-ca")                    "ipc:///tmp/.../sign-ca"
 *
 * Names: rad cad crld ocspd signd-ca signd-ocsp. Every function asserts (Check).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_BUS_NET_H
#define TESTS_SUPPORT_BUS_NET_H

#include "bus/bus.h"

struct bus_net {
	char dir[64];
	char keys_dir[80];
	char peers[80];
};

void bus_net_init(struct bus_net *self);
void bus_net_clear(struct bus_net *self);
/* bus_net_bus() creates and starts the bus of a name. */
struct bus *bus_net_bus(struct bus_net *self, const char *name);
/* bus_net_endpoint() gives an ipc endpoint in the folder, until the eighth call after it on the same thread. */
const char *bus_net_endpoint(struct bus_net *self, const char *edge);
/* bus_net_stranger() gives a bus that calls itself `name` with a key that the others' allow list does not have. */
struct bus *bus_net_stranger(struct bus_net *self, const char *name);

/* bus_net_turn() lets a server and a client work until `*done` or for at most `max_ms`. Either may be NULL. Returns *done. */
bool bus_net_turn(struct bus_server *server, struct bus_client *client, const bool *done, int64_t max_ms);

#endif
