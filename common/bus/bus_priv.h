/*
 * bus_priv.h - what the files of common/bus share and nobody else includes: peers, sockets, frames, parts, ids.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_BUS_PRIV_H
#define COMMON_BUS_BUS_PRIV_H

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <zmq.h>

#include "bus/bus.h"

enum {
	BUS_NAME_MAX = 63,
	BUS_PEERS_MAX = 256,
	BUS_KEY_TEXT = 41, /* 40 characters of z85 and NUL */
	BUS_FRAMES_MAX = 3,
	BUS_SERVER_HWM = 128,
	BUS_CLIENT_HWM = 1024
};

struct bus_peer {
	char name[BUS_NAME_MAX + 1];
	char key[BUS_KEY_TEXT];
	enum msg_role role;
};

struct bus {
	struct bus_peer *peers;
	size_t num_peers;
	size_t self; /* own row in peers */
	char secret[BUS_KEY_TEXT];
	EVP_MD *sha256;
	void *context;
	bool owns_context;
	pthread_t zap_thread;
	bool zap_runs;
	int zap_stop_fd;
	void *zap_socket;
	_Atomic uint64_t zap_admitted, zap_refused;
};

/* bus_peers_read() reads the allow list. *Errors* CONFIG naming file and line or peer. */
struct err *bus_peers_read(struct bus *bus, const char *path) ERR_MUST_USE;
/* Rows of the allow list; NULL when there is none. */
const struct bus_peer *bus_peer_by_name(const struct bus *bus, const char *name);
const struct bus_peer *bus_peer_by_key(const struct bus *bus, const char *key);

struct err *bus_zap_start(struct bus *bus) ERR_MUST_USE;
void bus_zap_stop(struct bus *bus);

/* A few lines a second of one kind, the rest only counted. */
struct bus_log_limit {
	int64_t second;
	unsigned used;
};
bool bus_log_may(struct bus_log_limit *limit);

/* ---- sockets (bus_socket.c) ---- */

/* bus_socket_server() makes a socket that asks the allow list, and binds it; bus_socket_client() one that pins the
 * server's key, and connects it. */
struct err *bus_socket_server(void **out, struct bus *bus, int type, const char *endpoint, unsigned mode) ERR_MUST_USE;
struct err *bus_socket_client(void **out, struct bus *bus, int type, const char *server,
			      const char *endpoint) ERR_MUST_USE;
void bus_socket_close(void **socket);
int bus_socket_fd(void *socket);
/* bus_socket_readable() asks ZMQ_EVENTS (which also turns the edge of ZMQ_FD). */
bool bus_socket_readable(void *socket);

/* The frames of one message; num > BUS_FRAMES_MAX says that it had more than are kept. */
struct bus_frames {
	zmq_msg_t frame[BUS_FRAMES_MAX];
	size_t num;
};
/* bus_frames_recv() takes one whole message without waiting; false when there is none. */
bool bus_frames_recv(struct bus_frames *out, void *socket);
void bus_frames_close(struct bus_frames *self);
struct slice bus_frame(struct bus_frames *self, size_t i);

enum bus_sent { BUS_SENT, BUS_SENT_LATER, BUS_SENT_NEVER };
/* bus_send_part() sends [route if not NULL][header][bytes of the header's part of body] without waiting. LATER: queue
 * full or not connected. NEVER: the peer is gone, or the header could not be written. */
enum bus_sent bus_send_part(void *socket, zmq_msg_t *route, const struct msg_header *header, struct slice body);
/* bus_parts_of() is the number of parts that a body travels in. */
uint32_t bus_parts_of(size_t body_len);

/* ---- joining parts (bus_parts.c) ---- */

struct bus_parts {
	struct buf body;
	uint32_t next;
};
void bus_parts_clear(struct bus_parts *self);
/* bus_parts_add() appends a part; *out_whole says that it was the last. *Errors* BAD_INPUT (out of order, sizes that do
 * not fit), TOO_LARGE; then what was joined so far is dropped. */
struct err *bus_parts_add(struct bus_parts *self, bool *out_whole, const struct msg_header *header,
			  struct slice bytes) ERR_MUST_USE;

/* ---- request ids of one peer and the answers kept for repeats (bus_ids.c) ---- */

enum { BUS_IDS_MAX = 4096, BUS_ID_KEEP_MS = 60 * 1000, BUS_ID_KEEP_MAX_MS = 11 * 60 * 1000 };

struct bus_ids;
struct err *bus_ids_create(struct bus_ids **out, size_t max_kept_bytes) ERR_MUST_USE;
void bus_ids_destroy(struct bus_ids **self);

enum bus_id_state { BUS_ID_NEW, BUS_ID_WORKING, BUS_ID_ANSWERED, BUS_ID_OTHER_BODY, BUS_ID_FULL };
/* bus_ids_take() looks an id up and, when it is new, remembers it as being worked on until `keep_until` (monotonic ms).
 * ANSWERED: the kept answer is lent in *out_type and *out_body until the next call. An id whose answer was not kept is
 * NEW again, for the same digest. */
enum bus_id_state bus_ids_take(struct bus_ids *self, uint16_t *out_type, struct slice *out_body,
			       const uint8_t id[MSG_ID_BYTES], const uint8_t digest[32], int64_t keep_until);
/* bus_ids_answered() keeps the answer (copies it) if there is room for it; bus_ids_forget() lets the id be handled
 * again. */
void bus_ids_answered(struct bus_ids *self, const uint8_t id[MSG_ID_BYTES], uint16_t type, struct slice body);
void bus_ids_forget(struct bus_ids *self, const uint8_t id[MSG_ID_BYTES]);

#endif
