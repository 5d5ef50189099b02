/*
 * bus.c - the bus of a process: own key, allow list, start and end; key generation. See bus.h.
 *
 * peers.conf (libconfig): peers = ( { name = "cad"; role = "CAD"; key = "40 characters of z85"; }, ... );
 * Names and keys are unique in it; several peers may have one role.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/bus_priv.h"

OWN_POINTER(FILE, FILE *, fclose)
OWN_TYPE(config_t, config_t, config_destroy)
OWN_TYPE(bus, struct bus *, bus_destroy)

const struct bus_peer *bus_peer_by_name(const struct bus *bus, const char *name)
{
	for (size_t i = 0; i < bus->num_peers; i++)
		if (strcmp(bus->peers[i].name, name) == 0)
			return &bus->peers[i];
	return NULL;
}

const struct bus_peer *bus_peer_by_key(const struct bus *bus, const char *key)
{
	for (size_t i = 0; i < bus->num_peers; i++)
		if (CRYPTO_memcmp(bus->peers[i].key, key, BUS_KEY_TEXT) == 0)
			return &bus->peers[i];
	return NULL;
}

static bool key_text_ok(const char *key)
{
	uint8_t bytes[32];

	return strlen(key) == BUS_KEY_TEXT - 1 && zmq_z85_decode(bytes, key) != NULL;
}

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= BUS_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len &&
	       name[0] != '.';
}

static struct err *peer_read(struct bus *bus, config_setting_t *row, const char *path, int line)
{
	const char *name = NULL, *role = NULL, *key = NULL;
	struct bus_peer *peer = &bus->peers[bus->num_peers];

	ENSURE(row != NULL && config_setting_is_group(row) && config_setting_lookup_string(row, "name", &name) &&
		       config_setting_lookup_string(row, "role", &role) &&
		       config_setting_lookup_string(row, "key", &key) && config_setting_length(row) == 3,
	       CONFIG, "%s:%d: a peer needs exactly the texts name, role and key", path, line);
	ENSURE(name_ok(name), CONFIG, "%s:%d: peer name \"%s\": letters, digits, - _ . only, at most %d", path, line,
	       name, BUS_NAME_MAX);
	ENSURE(msg_role_parse(&peer->role, SLICE_STR(role)), CONFIG, "%s:%d: peer \"%s\": unknown role \"%s\"", path,
	       line, name, role);
	ENSURE(key_text_ok(key), CONFIG, "%s:%d: peer \"%s\": key is not 40 characters of z85", path, line, name);
	ENSURE(bus_peer_by_name(bus, name) == NULL, CONFIG, "%s:%d: peer \"%s\" stands twice", path, line, name);
	ENSURE(bus_peer_by_key(bus, key) == NULL, CONFIG, "%s:%d: peer \"%s\" has the key of another peer", path, line,
	       name);
	(void)snprintf(peer->name, sizeof peer->name, "%s", name);
	(void)snprintf(peer->key, sizeof peer->key, "%s", key);
	bus->num_peers++;
	return NULL;
}

struct err *bus_peers_read(struct bus *bus, const char *path)
{
	OWN(config_t) config;

	config_init(&config);
	OWN(FILE) file = fopen(path, "re");
	if (file == NULL)
		return ERR_RECODE(ERR_ERRNO("%s", path), CONFIG, "bus.peers");
	ENSURE_FIELD(config_read(&config, file) == CONFIG_TRUE, CONFIG, "bus.peers", "%s:%d: %s", path,
		     config_error_line(&config), config_error_text(&config));
	config_setting_t *list = config_lookup(&config, "peers");
	ENSURE_FIELD(list != NULL && config_setting_is_list(list) &&
			     config_setting_length(config_root_setting(&config)) == 1,
		     CONFIG, "bus.peers", "%s: must hold one list \"peers\" and nothing else", path);
	int num = config_setting_length(list);
	ENSURE_FIELD(num > 0 && num <= BUS_PEERS_MAX, CONFIG, "bus.peers", "%s: %d peers, 1 to %d expected", path, num,
		     BUS_PEERS_MAX);
	bus->peers = calloc((size_t)num, sizeof *bus->peers);
	ENSURE(bus->peers != NULL, NO_MEMORY, "allow list");
	for (int i = 0; i < num; i++) {
		config_setting_t *row = config_setting_get_elem(list, (unsigned)i);
		TRY(peer_read(bus, row, path, row == NULL ? 0 : (int)config_setting_source_line(row)));
	}
	return NULL;
}

static struct err *key_path(char *out, size_t out_len, const char *keys_dir, const char *name, const char *suffix)
{
	int n = snprintf(out, out_len, "%s/%s.%s", keys_dir, name, suffix);

	ENSURE(n > 0 && (size_t)n < out_len, CONFIG, "path of a bus key is too long");
	return NULL;
}

static struct err *key_read(char out[BUS_KEY_TEXT], const char *keys_dir, const char *name, const char *suffix)
{
	char path[1200];
	char text[64] = "";

	TRY(key_path(path, sizeof path, keys_dir, name, suffix));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ERR_RECODE(ERR_ERRNO("%s", path), CONFIG, "bus.keys_dir");
	ssize_t n = read(fd, text, sizeof text - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	bool is_key = key_text_ok(text);
	if (is_key)
		memcpy(out, text, BUS_KEY_TEXT);
	OPENSSL_cleanse(text, sizeof text);
	ENSURE_FIELD(is_key, CONFIG, "bus.keys_dir", "%s: not 40 characters of z85", path);
	return NULL;
}

static struct err *identity_read(struct bus *bus, const struct bus_conf *conf)
{
	char public[BUS_KEY_TEXT];

	ENSURE_FIELD(name_ok(conf->name), CONFIG, "bus.name", "\"%s\" is no name of a peer", conf->name);
	const struct bus_peer *own = bus_peer_by_name(bus, conf->name);
	ENSURE_FIELD(own != NULL, CONFIG, "bus.name", "%s has no peer \"%s\"", conf->peers_path, conf->name);
	bus->self = (size_t)(own - bus->peers);
	TRY(key_read(bus->secret, conf->keys_dir, conf->name, "secret"));
	ENSURE_FIELD(zmq_curve_public(public, bus->secret) == 0 && strcmp(public, own->key) == 0, CONFIG, "bus.peers",
		     "the key of \"%s\" in %s is not the one of its secret key", conf->name, conf->peers_path);
	return NULL;
}

struct err *bus_create(struct bus **out, const struct bus_conf *conf)
{
	OWN(bus) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "bus");
	self->zap_stop_fd = -1;
	TRY(bus_peers_read(self, conf->peers_path));
	TRY(identity_read(self, conf));
	self->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (self->sha256 == NULL)
		return ERR_OPENSSL(SYSTEM, "SHA-256");
	*out = TAKE(self);
	return NULL;
}

struct err *bus_start(struct bus *bus, void *zmq_context)
{
	ENSURE(bus->context == NULL, BUG, "the bus is started already");
	ENSURE(zmq_has("curve"), SYSTEM, "libzmq was built without CURVE");
	bus->owns_context = zmq_context == NULL;
	bus->context = zmq_context == NULL ? zmq_ctx_new() : zmq_context;
	ENSURE(bus->context != NULL, SYSTEM, "ZeroMQ context: %s", zmq_strerror(zmq_errno()));
	return bus_zap_start(bus);
}

void bus_destroy(struct bus **self)
{
	struct bus *bus = *self;

	if (bus == NULL)
		return;
	bus_zap_stop(bus);
	if (bus->owns_context && bus->context != NULL)
		(void)zmq_ctx_term(bus->context);
	OPENSSL_cleanse(bus->secret, sizeof bus->secret);
	EVP_MD_free(bus->sha256);
	free(bus->peers);
	free(bus);
	*self = NULL;
}

const char *bus_name(const struct bus *bus)
{
	return bus->peers[bus->self].name;
}

enum msg_role bus_role(const struct bus *bus)
{
	return bus->peers[bus->self].role;
}

struct bus_zap_stats bus_zap_stats(const struct bus *bus)
{
	return (struct bus_zap_stats){ atomic_load(&bus->zap_admitted), atomic_load(&bus->zap_refused) };
}

static struct err *key_write(const char *keys_dir, const char *name, const char *suffix, const char *key, mode_t mode)
{
	char path[1200];
	char line[BUS_KEY_TEXT + 1];

	TRY(key_path(path, sizeof path, keys_dir, name, suffix));
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST)
		return ERR(CONFLICT, "%s exists already", path);
	if (fd < 0)
		return ERR_ERRNO("%s", path);
	int n = snprintf(line, sizeof line, "%s\n", key);
	bool is_written = n > 0 && write(fd, line, (size_t)n) == n && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	struct err *e = is_written ? NULL : ERR_ERRNO("%s", path);
	OPENSSL_cleanse(line, sizeof line);
	if (close(fd) != 0 && e == NULL)
		e = ERR_ERRNO("%s", path);
	return e;
}

struct err *bus_keygen(char out_public[BUS_KEY_TEXT], const char *keys_dir, const char *name)
{
	char secret[BUS_KEY_TEXT];

	ENSURE_FIELD(name_ok(name), BAD_INPUT, "name", "\"%s\" is no name of a peer", name);
	ENSURE(zmq_curve_keypair(out_public, secret) == 0, SYSTEM, "CURVE key: %s", zmq_strerror(zmq_errno()));
	struct err *e = key_write(keys_dir, name, "secret", secret, 0600);
	OPENSSL_cleanse(secret, sizeof secret);
	TRY(e);
	return key_write(keys_dir, name, "public", out_public, 0644);
}
