/*
 * daemon_bus.c - bus endpoints in the loop of a daemon. See daemon_bus.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon/daemon_bus.h"

#include <stdlib.h>

enum { ENDPOINTS_MAX = 16, TICK_MS = 50 };

struct endpoint {
	struct bus_server *server;
	struct bus_client *client;
	struct bus_pub *pub;
	struct bus_sub *sub;
	loop_id watch;
};

struct daemon_bus {
	struct bus *bus;
	struct loop *loop; /* NULL before the start */
	loop_id tick;
	size_t num;
	struct endpoint endpoints[ENDPOINTS_MAX];
};

struct err *daemon_bus_create(struct daemon_bus **out, const struct daemon_bus_conf *conf)
{
	OWN(daemon_bus) self = calloc(1, sizeof *self);
	const struct bus_conf bus_conf = { .name = conf->name, .keys_dir = conf->keys_dir, .peers_path = conf->peers };

	ENSURE(self != NULL, NO_MEMORY, "bus of a daemon");
	TRY(bus_create(&self->bus, &bus_conf));
	*out = TAKE(self);
	return NULL;
}

static void endpoint_end(struct daemon_bus *self, struct endpoint *ep)
{
	loop_remove(self->loop, ep->watch);
	if (ep->server != NULL)
		bus_server_destroy(&ep->server);
	if (ep->client != NULL)
		bus_client_destroy(&ep->client);
	if (ep->pub != NULL)
		bus_pub_destroy(&ep->pub);
	if (ep->sub != NULL)
		bus_sub_destroy(&ep->sub);
}

void daemon_bus_destroy(struct daemon_bus **bus)
{
	struct daemon_bus *self = *bus;

	if (self == NULL)
		return;
	*bus = NULL;
	if (self->loop != NULL) {
		loop_remove(self->loop, self->tick);
		while (self->num > 0)
			endpoint_end(self, &self->endpoints[--self->num]);
	}
	if (self->bus != NULL)
		bus_destroy(&self->bus);
	free(self);
}

static void endpoint_process(struct endpoint *ep)
{
	if (ep->server != NULL)
		bus_server_process(ep->server);
	if (ep->client != NULL)
		bus_client_process(ep->client);
	if (ep->sub != NULL)
		bus_sub_process(ep->sub);
}

static void on_ready(void *arg, unsigned ready)
{
	(void)ready;
	endpoint_process(arg);
}

static void on_tick(void *arg)
{
	struct daemon_bus *self = arg;

	for (size_t i = 0; i < self->num; i++)
		endpoint_process(&self->endpoints[i]);
}

struct err *daemon_bus_start(struct daemon_bus *self, void *zmq, struct loop *loop)
{
	TRY(bus_start(self->bus, zmq));
	TRY(loop_add_timer(loop, &self->tick, TICK_MS, TICK_MS, on_tick, self));
	self->loop = loop;
	return NULL;
}

struct bus *daemon_bus_bus(struct daemon_bus *self)
{
	return self->bus;
}

/* The next endpoint, still empty; it counts only when endpoint_watch() succeeds. */
static struct err *endpoint_next(struct daemon_bus *self, struct endpoint **out)
{
	ENSURE(self->loop != NULL, BUG, "an endpoint before the bus was started");
	ENSURE(self->num < ENDPOINTS_MAX, BUG, "more than %d endpoints", ENDPOINTS_MAX);
	*out = &self->endpoints[self->num];
	**out = (struct endpoint){ 0 };
	return NULL;
}

/* Takes over the endpoint in any case. */
static struct err *endpoint_watch(struct daemon_bus *self, struct endpoint *ep, void *socket)
{
	struct err *e = socket == NULL ? NULL : loop_add_zmq(self->loop, &ep->watch, socket, LOOP_READ, on_ready, ep);

	if (e != NULL)
		endpoint_end(self, ep);
	else
		self->num++;
	return e;
}

struct err *daemon_bus_server(struct daemon_bus *self, struct bus_server **out, const struct bus_server_conf *conf)
{
	struct endpoint *ep = NULL;

	TRY(endpoint_next(self, &ep));
	TRY(bus_server_create(&ep->server, self->bus, conf));
	TRY(endpoint_watch(self, ep, bus_server_socket(ep->server)));
	*out = ep->server;
	return NULL;
}

struct err *daemon_bus_client(struct daemon_bus *self, struct bus_client **out, const struct bus_client_conf *conf)
{
	struct endpoint *ep = NULL;

	TRY(endpoint_next(self, &ep));
	TRY(bus_client_create(&ep->client, self->bus, conf));
	TRY(endpoint_watch(self, ep, bus_client_socket(ep->client)));
	*out = ep->client;
	return NULL;
}

struct err *daemon_bus_pub(struct daemon_bus *self, struct bus_pub **out, const char *endpoint)
{
	struct endpoint *ep = NULL;

	TRY(endpoint_next(self, &ep));
	TRY(bus_pub_create(&ep->pub, self->bus, endpoint, 0));
	TRY(endpoint_watch(self, ep, NULL));
	*out = ep->pub;
	return NULL;
}

struct err *daemon_bus_sub(struct daemon_bus *self, const char *server, const char *endpoint, bus_message_fn fn,
			   void *arg)
{
	struct endpoint *ep = NULL;

	TRY(endpoint_next(self, &ep));
	TRY(bus_sub_create(&ep->sub, self->bus, server, endpoint, fn, arg));
	return endpoint_watch(self, ep, bus_sub_socket(ep->sub));
}
