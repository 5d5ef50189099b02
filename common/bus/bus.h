/*
 * bus.h - endpoints of the bus between the daemons: ROUTER servers, DEALER clients, PUB and SUB, on ZeroMQ.
 *
 * Guarantees: every connection is CURVE-encrypted and authenticated by a key of the allow list (ZAP), on ipc:// and
 * tcp:// alike; the key, never a name in a message, says which role the peer has; a message is handed to a handler only
 * if the list (msg_types.def) and the server's own table allow it from that role. Requests carry an id that is bound to
 * their bytes. Clients resend until the deadline; a repeated request gets the kept answer and is not handled twice.
 * Nothing that a peer sends ends a process. Messages are prompts: whoever needs exactly-once keeps it in its ledger
 * or journal.
 *
 * Threads: a `struct bus` is made once and shared; each server, client, pub, sub belongs to one thread. Nothing here
 * runs by itself: whoever owns an endpoint polls its socket and calls its _process():
 *
 *   zmq_poll:  item { bus_X_socket(x), 0, ZMQ_POLLIN }, wait at most bus_X_timeout_ms(x), then bus_X_process(x)
 *   epoll:     bus_X_fd(x) readable (EPOLLIN), wait at most bus_X_timeout_ms(x), then bus_X_process(x). The descriptor
 *              is edge-like; _timeout_ms() is 0 while something waits that it will not announce.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_BUS_H
#define COMMON_BUS_BUS_H

#include "bus/msg.h"
#include "bus/msg_common.h"

/* ---- the bus of a process: own key, allow list, ZeroMQ context ---- */

struct bus;

struct bus_conf {
	const char *name; /* own name in peers.conf: NAME.secret in keys_dir */
	const char *keys_dir; /* NAME.public, NAME.secret (z85), as bus_keygen() writes them */
	const char *peers_path; /* allow list */
};

/* bus_create() reads own key and allow list (phase "acquire": files are opened here and never again) and checks that
 * the list has us with the same key. No thread, no socket yet. *Errors* CONFIG, SYSTEM. */
struct err *bus_create(struct bus **out, const struct bus_conf *conf) ERR_MUST_USE;

/* bus_start() starts the ZAP thread on the ZeroMQ context, which stays the caller's (daemon.h: d->zmq); NULL: makes one
 * of its own. After ids were dropped, before the sandbox. One bus a context. */
struct err *bus_start(struct bus *bus, void *zmq_context) ERR_MUST_USE;

/* bus_destroy() ends the thread (and a context of its own); every endpoint must have been destroyed before. */
void bus_destroy(struct bus **self);

const char *bus_name(const struct bus *bus);
enum msg_role bus_role(const struct bus *bus);

/* Handshakes let in and refused by the allow list since the start. Any thread. */
struct bus_zap_stats {
	uint64_t admitted, refused;
};
struct bus_zap_stats bus_zap_stats(const struct bus *bus);

/* bus_keygen() writes NAME.public (0644) and NAME.secret (0600), each one line of z85, and gives the public key (40
 * characters and NUL). *Errors* CONFLICT when one exists already, SYSTEM. */
struct err *bus_keygen(char out_public[41], const char *keys_dir, const char *name) ERR_MUST_USE;

/* ---- server ---- */

struct bus_server;
struct bus_call; /* one request being handled */

/* A handler answers by bus_call_answer() before it returns NULL, or keeps the call (bus_call_keep()) and answers later,
 * or returns an error, which the bus sends as MSG_ERROR and logs. */
typedef struct err *(*bus_handler_fn)(void *arg, struct bus_call *call);

struct bus_handler {
	uint16_t type;
	unsigned roles; /* MSG_ROLE_BIT()s; a subset of the list's "from" */
	bus_handler_fn fn;
};

struct bus_server_conf {
	const char *endpoint; /* ipc://PATH or tcp://ADDRESS:PORT */
	const struct bus_handler *handlers; /* ends with type 0; must outlive the server */
	void *arg; /* for handlers and on_refused */
	/* Told of every request that was not answered with success, before the answer leaves; may be NULL. `call` is NULL
	 * for what was no message at all. For the owner's metrics and ledger; the bus has logged it. */
	void (*on_refused)(void *arg, const struct bus_call *call, const struct err *e);
	unsigned socket_mode; /* of an ipc socket; 0 means 0660 */
	size_t max_kept_bytes; /* of answers kept for repeats, per peer; 0 means 32 MiB */
};

/* bus_server_create() binds. *Errors* CONFIG (a handler that the list does not allow), SYSTEM (cannot bind). */
struct err *bus_server_create(struct bus_server **out, struct bus *bus,
			      const struct bus_server_conf *conf) ERR_MUST_USE;
void bus_server_destroy(struct bus_server **self);

void *bus_server_socket(const struct bus_server *self);
int bus_server_fd(const struct bus_server *self);
int64_t bus_server_timeout_ms(const struct bus_server *self); /* -1: no need to wake up */
/* bus_server_process() takes up to a bounded number of messages and runs their handlers. */
void bus_server_process(struct bus_server *self);

struct bus_server_stats {
	uint64_t requests; /* whole requests handed to a handler */
	uint64_t repeats; /* same id, same bytes: kept answer sent again, or still being worked on */
	uint64_t denied; /* type not in the table, wrong role, same id with other bytes */
	uint64_t garbage; /* frames that are no message: dropped */
	uint64_t expired; /* deadline had passed on arrival */
	uint64_t failed; /* handlers that returned an error */
	uint64_t lost_answers; /* peer gone or its queue full; it will ask again */
};
struct bus_server_stats bus_server_stats(const struct bus_server *self);

/* The call. Slices live until it is answered. */
uint16_t bus_call_type(const struct bus_call *call);
enum msg_role bus_call_role(const struct bus_call *call);
const char *bus_call_peer(const struct bus_call *call); /* name in peers.conf */
const uint8_t *bus_call_id(const struct bus_call *call); /* MSG_ID_BYTES */
int64_t bus_call_deadline_ms(const struct bus_call *call);
struct slice bus_call_body(const struct bus_call *call);
/* bus_call_text() writes "SIGN_CERT from cad id=6f..": for log contexts. */
const char *bus_call_text(const struct bus_call *call, char *out, size_t out_len);

/* bus_call_answer() answers with success; takes over the bytes of `body` (which may be empty: an empty SEQUENCE is sent).
 * A handler calls it at most once and must not touch the call after it returned. */
void bus_call_answer(struct bus_call *call, struct buf *body);
/* bus_call_fail() answers with an error, which it consumes. */
void bus_call_fail(struct bus_call *call, struct err *e);
/* bus_call_keep() makes the call outlive the handler; answer later from the same thread with bus_call_answer() or
 * bus_call_fail(). A server that is destroyed frees the calls that are still kept. */
void bus_call_keep(struct bus_call *call);

/* ---- client ---- */

struct bus_client;

struct bus_client_conf {
	const char *server; /* the server's name in peers.conf: its key is pinned */
	const char *endpoint;
	size_t max_in_flight; /* requests without an answer; 0 means 1024 */
	int64_t resend_ms; /* first resend after this, then doubling up to 8 times it; 0 means 1000 */
};

struct err *bus_client_create(struct bus_client **out, struct bus *bus,
			      const struct bus_client_conf *conf) ERR_MUST_USE;
/* bus_client_destroy() ends all open requests: their callbacks get GONE. */
void bus_client_destroy(struct bus_client **self);

/* Called once for each request: `e` is NULL and `body` the answer's bytes (until the callback returns), or `e` is the
 * error, which the callback owns: TIMEOUT, GONE, or what the server answered (msg_error_to()). May send new requests. */
typedef void (*bus_answer_fn)(void *arg, struct err *e, struct slice body);

/* bus_client_send() sends a request and returns at once. Takes over the bytes of `body` when it succeeds.
 * *Errors* RETRY (max_in_flight reached), TOO_LARGE, BUG (the list does not let us say that to the server). */
struct err *bus_client_send(struct bus_client *self, uint16_t type, struct buf *body, int64_t timeout_ms,
			    bus_answer_fn fn, void *arg) ERR_MUST_USE;

/* bus_client_call() sends and waits, polling the socket itself (other requests' callbacks may run meanwhile). For tools
 * and tests. `out` gets the answer's bytes. */
struct err *bus_client_call(struct bus_client *self, struct buf *out, uint16_t type, struct buf *body,
			    int64_t timeout_ms) ERR_MUST_USE;

void *bus_client_socket(const struct bus_client *self);
int bus_client_fd(const struct bus_client *self);
int64_t bus_client_timeout_ms(const struct bus_client *self);
/* bus_client_process() takes answers, resends what is due, ends what is past its deadline. */
void bus_client_process(struct bus_client *self);
size_t bus_client_in_flight(const struct bus_client *self);

struct bus_client_stats {
	uint64_t sent, answered, failed, timeouts;
	uint64_t resent; /* sent again, the same id */
	uint64_t late; /* answers to requests that are over: dropped */
	uint64_t garbage; /* answers that are no message or of the wrong type: dropped */
};
struct bus_client_stats bus_client_stats(const struct bus_client *self);

/* ---- publish and subscribe: wake-ups only, may be lost ---- */

struct bus_pub;
struct err *bus_pub_create(struct bus_pub **out, struct bus *bus, const char *endpoint,
			   unsigned socket_mode) ERR_MUST_USE;
void bus_pub_destroy(struct bus_pub **self);
/* bus_pub_send() never blocks; slow subscribers miss messages. */
struct err *bus_pub_send(struct bus_pub *self, uint16_t type, struct slice body) ERR_MUST_USE;

struct bus_sub;
typedef void (*bus_message_fn)(void *arg, uint16_t type, struct slice body);
struct err *bus_sub_create(struct bus_sub **out, struct bus *bus, const char *server, const char *endpoint,
			   bus_message_fn fn, void *arg) ERR_MUST_USE;
void bus_sub_destroy(struct bus_sub **self);
void *bus_sub_socket(const struct bus_sub *self);
int bus_sub_fd(const struct bus_sub *self);
void bus_sub_process(struct bus_sub *self);

#endif
