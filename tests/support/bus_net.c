/*
 * bus_net.c - see bus_net.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/bus_net.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "support/suite.h"

#include <string.h>

static const struct {
	const char *name, *role;
} peers[] = { { "rad", "RAD" },	    { "cad", "CAD" },		{ "crld", "CRLD" },
	      { "ocspd", "OCSPD" }, { "signd-ca", "SIGND_CA" }, { "signd-ocsp", "SIGND_OCSP" } };

static void peers_write(const char *path, const char *keys_dir, bool may_make)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs("peers = (\n", f);
	for (int i = 0; i < COUNT_OF(peers); i++) {
		char key[41];
		char file[256];

		(void)snprintf(file, sizeof file, "%s/%s.public", keys_dir, peers[i].name);
		if (may_make)
			ck_ok(bus_keygen(key, keys_dir, peers[i].name));
		FILE *k = fopen(file, "r");
		ck_assert_ptr_nonnull(k);
		ck_assert_int_eq(fscanf(k, "%40s", key), 1);
		(void)fclose(k);
		(void)fprintf(f, "\t{ name = \"%s\"; role = \"%s\"; key = \"%s\"; }%s\n", peers[i].name, peers[i].role,
			      key, i + 1 < COUNT_OF(peers) ? "," : "");
	}
	(void)fputs(");\n", f);
	ck_assert_int_eq(fclose(f), 0);
}

void bus_net_init(struct bus_net *self)
{
	(void)snprintf(self->dir, sizeof self->dir, "/tmp/nuc-bus-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(self->dir));
	(void)snprintf(self->keys_dir, sizeof self->keys_dir, "%s/keys", self->dir);
	(void)snprintf(self->peers, sizeof self->peers, "%s/peers.conf", self->dir);
	ck_assert_int_eq(mkdir(self->keys_dir, 0700), 0);
	peers_write(self->peers, self->keys_dir, true);
}

void bus_net_clear(struct bus_net *self)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", self->dir);
	ck_assert_int_eq(system(command), 0);
}

static struct bus *bus_make(const char *name, const char *keys_dir, const char *peers_path)
{
	struct bus_conf conf = { .name = name, .keys_dir = keys_dir, .peers_path = peers_path };
	struct bus *bus = NULL;

	ck_ok(bus_create(&bus, &conf));
	ck_ok(bus_start(bus, NULL));
	return bus;
}

struct bus *bus_net_bus(struct bus_net *self, const char *name)
{
	return bus_make(name, self->keys_dir, self->peers);
}

const char *bus_net_endpoint(struct bus_net *self, const char *edge)
{
	static _Thread_local char texts[8][160]; /* endpoints are asked for by several threads */
	static _Thread_local unsigned next;
	char *text = texts[next++ % 8];

	(void)snprintf(text, sizeof texts[0], "ipc://%s/%s", self->dir, edge);
	return text;
}

struct bus *bus_net_stranger(struct bus_net *self, const char *name)
{
	char dir[128], list[160], key[41], command[512];

	(void)snprintf(dir, sizeof dir, "%s/stranger", self->dir);
	(void)snprintf(list, sizeof list, "%s/peers.conf", dir);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	(void)snprintf(command, sizeof command, "cp '%s'/*.public '%s' && rm '%s'/%s.public", self->keys_dir, dir, dir,
		       name);
	ck_assert_int_eq(system(command), 0);
	ck_ok(bus_keygen(key, dir, name));
	peers_write(list, dir, false);
	return bus_make(name, dir, list);
}

bool bus_net_turn(struct bus_server *server, struct bus_client *client, const bool *done, int64_t max_ms)
{
	int64_t until = clock_mono_ms() + max_ms;

	while (!*done && clock_mono_ms() < until) {
		zmq_pollitem_t items[2];
		int n = 0;

		if (server != NULL)
			items[n++] = (zmq_pollitem_t){ .socket = bus_server_socket(server), .events = ZMQ_POLLIN };
		if (client != NULL)
			items[n++] = (zmq_pollitem_t){ .socket = bus_client_socket(client), .events = ZMQ_POLLIN };
		(void)zmq_poll(items, n, 5);
		if (server != NULL)
			bus_server_process(server);
		if (client != NULL)
			bus_client_process(client);
	}
	return *done;
}
