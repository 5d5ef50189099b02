/*
 * bus_fake.c - a bus server with a test's handlers. See bus_fake.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/bus_fake.h"

#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "support/suite.h"

struct bus_fake {
	char dir[64], peers[96];
	const struct bus_handler *handlers;
	void *arg;
	char endpoint[128];
	struct bus *server_bus, *client_bus;
	pthread_t thread;
	bool is_running;
	atomic_bool should_stop, is_bound;
};

static void *run(void *arg)
{
	struct bus_fake *self = arg;
	struct bus_server *server = NULL;
	const struct bus_server_conf conf = { .endpoint = self->endpoint,
					      .handlers = self->handlers,
					      .arg = self->arg };

	ck_ok(bus_server_create(&server, self->server_bus, &conf));
	atomic_store(&self->is_bound, true);
	while (!atomic_load(&self->should_stop)) {
		zmq_pollitem_t item = { bus_server_socket(server), 0, ZMQ_POLLIN, 0 };
		(void)zmq_poll(&item, 1, 20);
		bus_server_process(server);
	}
	bus_server_destroy(&server);
	return NULL;
}

void bus_fake_start(struct bus_fake *self)
{
	atomic_store(&self->should_stop, false);
	atomic_store(&self->is_bound, false);
	ck_assert_int_eq(pthread_create(&self->thread, NULL, run, self), 0);
	self->is_running = true;
	while (!atomic_load(&self->is_bound))
		(void)sched_yield();
}

void bus_fake_stop(struct bus_fake *self)
{
	if (!self->is_running)
		return;
	atomic_store(&self->should_stop, true);
	(void)pthread_join(self->thread, NULL);
	self->is_running = false;
}

static const struct {
	const char *name;
	enum msg_role role;
} peers[] = { { "rad", MSG_ROLE_RAD },	   { "cad", MSG_ROLE_CAD },	      { "crld", MSG_ROLE_CRLD },
	      { "ocspd", MSG_ROLE_OCSPD }, { "signd-ca", MSG_ROLE_SIGND_CA }, { "signd-ocsp", MSG_ROLE_SIGND_OCSP } };

static void write_peers(struct bus_fake *self)
{
	FILE *f = fopen(self->peers, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs("peers = (\n", f);
	for (int i = 0; i < COUNT_OF(peers); i++) {
		char key[41];

		ck_ok(bus_keygen(key, self->dir, peers[i].name));
		(void)fprintf(f, "%s{ name = \"%s\"; role = \"%s\"; key = \"%s\"; }", i > 0 ? ",\n" : "", peers[i].name,
			      msg_role_word(peers[i].role), key);
	}
	(void)fputs("\n);\n", f);
	ck_assert_int_eq(fclose(f), 0);
}

static struct bus *bus_of(struct bus_fake *self, const char *name, enum msg_role role)
{
	struct bus *bus = NULL;
	const struct bus_conf conf = { .name = name, .keys_dir = self->dir, .peers_path = self->peers };

	ck_ok(bus_create(&bus, &conf));
	ck_assert_int_eq(bus_role(bus), role);
	ck_ok(bus_start(bus, NULL));
	return bus;
}

struct bus_fake *bus_fake_create(const struct bus_fake_conf *conf)
{
	struct bus_fake *self = calloc(1, sizeof *self);

	ck_assert_ptr_nonnull(self);
	self->handlers = conf->handlers;
	self->arg = conf->arg;
	(void)snprintf(self->dir, sizeof self->dir, "/tmp/nuc-bus-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(self->dir));
	(void)snprintf(self->peers, sizeof self->peers, "%s/peers.conf", self->dir);
	(void)snprintf(self->endpoint, sizeof self->endpoint, "ipc://%s/sock", self->dir);
	write_peers(self);
	self->server_bus = bus_of(self, conf->server, conf->server_role);
	self->client_bus = bus_of(self, conf->client, conf->client_role);
	bus_fake_start(self);
	return self;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void bus_fake_destroy(struct bus_fake **self)
{
	if (*self == NULL)
		return;
	bus_fake_stop(*self);
	bus_destroy(&(*self)->client_bus);
	bus_destroy(&(*self)->server_bus);
	(void)nftw((*self)->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(*self);
	*self = NULL;
}

struct bus *bus_fake_client_bus(struct bus_fake *self)
{
	return self->client_bus;
}

const char *bus_fake_endpoint(const struct bus_fake *self)
{
	return self->endpoint;
}

const char *bus_fake_dir(const struct bus_fake *self)
{
	return self->dir;
}
