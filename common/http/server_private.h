/*
 * server_private.h - inside of the HTTP server, for common/http only.
 *
 * server.c     configuration, listeners, threads, draining, figures
 * loop.c       one thread's loop: events, deadlines, watches
 * accept.c     new connections: limits, slots
 * conn.c       a connection's input: from bytes to on_request()
 * respond.c    a connection's output: answers, partial writes, files, closing
 * addresses.c  how many connections an address has
 *
 * A connection moves READING -> HANDLING -> (DEFERRED ->) READING; while output is pending (conn_is_writing()) nothing
 * more is read from it; LINGERING swallows what a refused client still sends so that it can see the answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_HTTP_SERVER_PRIVATE_H
#define COMMON_HTTP_SERVER_PRIVATE_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/file_private.h"
#include "http/server.h"

enum {
	HTTP_OUT_BYTES = 64 * 1024, /* answers of one turn of a connection, joined into one write */
	HTTP_MAX_WATCHES = 16,
	HTTP_EVENTS = 256,
	HTTP_TURN_REQUESTS = 64, /* of one connection before others get their turn */
	HTTP_TURN_FILE_BYTES = 1024 * 1024,
	HTTP_LINGER_MS = 2000,
	HTTP_LINGER_BYTES = 256 * 1024
};

struct address {
	uint64_t high, low;
};

/* addresses.c: counts connections per address; any thread. */
struct addresses;
struct err *addresses_create(struct addresses **out, unsigned max_connections) ERR_MUST_USE;
void addresses_destroy(struct addresses **self);
/* addresses_of() is the key of a peer: an IPv4 address (mapped or not), or the /64 of an IPv6 one. */
struct address addresses_of(const struct sockaddr_storage *peer);
/* addresses_enter() counts one more unless there are already `limit`; addresses_leave() one less. */
bool addresses_enter(struct addresses *self, struct address address, unsigned limit);
void addresses_leave(struct addresses *self, struct address address);

enum source_kind { SOURCE_LISTENER, SOURCE_WAKE, SOURCE_WATCH, SOURCE_CONN };
struct source { /* first member of whatever epoll points at */
	enum source_kind kind;
	int fd;
};

struct watch {
	struct source source;
	http_watch_fn *fn; /* NULL: free */
	void *arg;
};

enum conn_state { CONN_FREE, CONN_READING, CONN_HANDLING, CONN_DEFERRED, CONN_LINGERING };
enum deadline_kind {
	DEADLINE_IDLE,
	DEADLINE_HEAD,
	DEADLINE_BODY,
	DEADLINE_HANDLER,
	DEADLINE_WRITE,
	DEADLINE_LINGER,
	DEADLINE_KINDS,
	DEADLINE_NONE = DEADLINE_KINDS
};

struct input { /* bytes of a request that has not arrived whole */
	struct input *next;
	uint8_t p[];
};

struct conn {
	struct source source;
	struct http_thread *thread;
	uint32_t slot, generation;
	uint8_t state; /* enum conn_state */
	uint8_t deadline_kind; /* enum deadline_kind */
	uint8_t minor;
	bool readable; /* the socket may hold more */
	bool peer_done; /* the peer has sent its last byte */
	bool keep_alive;
	bool head_only; /* the request being answered is a HEAD */
	bool closing; /* close when the output has left */
	bool refused; /* input was not read to its end: linger */
	bool is_ready; /* on the ready list */
	struct conn *next_ready; /* also links free slots */
	struct conn *prev, *next; /* deadline list */
	int64_t deadline_ms;
	struct address address;
	struct input *input;
	size_t input_len, scanned, head_len, need;
	size_t lingered;
	struct buf output; /* what a write left behind */
	size_t output_at;
	struct http_file *file;
	uint64_t file_at, file_end;
	size_t written; /* since the write deadline was set */
};

struct deadline_list {
	struct conn *first, *last;
};

/* Counters are written by their thread alone and read by any. */
struct thread_stats {
	atomic_uint_least64_t open, connections, requests, responses[6], bytes_in, bytes_out, refused[HTTP_REFUSALS],
		idle_closed;
};

static inline void stat_add(atomic_uint_least64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

struct http_thread {
	struct http_server *server;
	unsigned index;
	pthread_t id;
	bool has_thread;
	void *user;
	int epoll_fd;
	int spare_fd; /* given up to accept and close a connection when descriptors run out */
	struct source wake;
	atomic_bool wanted; /* http_server_wake() */
	struct source *listeners;
	struct watch watches[HTTP_MAX_WATCHES];
	int64_t now_ms;
	int64_t timer_at_ms;
	int64_t date_s;
	char date[HTTP_DATE_SIZE];
	bool is_draining;
	struct conn *conns;
	struct conn *free_conns, *dead_conns; /* dead: closed in this turn, stale events may still name them */
	struct conn *ready_first, *ready_last;
	uint32_t conns_used; /* slots that were ever taken */
	uint32_t num_open;
	struct deadline_list deadlines[DEADLINE_KINDS];
	struct input *free_inputs;
	size_t input_size;
	uint8_t *read_buffer; /* input_size bytes */
	uint8_t *out; /* HTTP_OUT_BYTES, of out_owner */
	size_t out_len;
	struct conn *out_owner;
	struct http_request request; /* the one being handled */
	struct thread_stats stats;
};

struct http_server {
	struct http_conf conf;
	char name[10];
	struct http_thread *threads;
	unsigned *ports;
	struct addresses *addresses;
	atomic_uint num_open;
	atomic_bool draining;
	atomic_llong stop_at_ms;
	pthread_mutex_t lock;
	pthread_cond_t started;
	unsigned num_started;
	struct err *start_error;
	bool is_running;
};

/* loop.c */
void *loop_thread_main(void *arg);
struct err *loop_thread_init(struct http_thread *t) ERR_MUST_USE;
void loop_thread_clear(struct http_thread *t);
void loop_make_ready(struct conn *c);
void deadline_arm(struct conn *c, enum deadline_kind kind);
/* conn_free() ends a connection at once. */
void conn_free(struct conn *c);

/* accept.c */
void accept_all(struct http_thread *t, int listen_fd);

/* conn.c */
void conn_on_events(struct conn *c, uint32_t events);
/* conn_continue() goes on with what is buffered and what the socket holds. */
void conn_continue(struct conn *c);
/* conn_refuse() answers with a problem document and closes. */
void conn_refuse(struct conn *c, enum http_refusal why, int status, const char *reason);

/* respond.c */
static inline bool conn_is_writing(const struct conn *c)
{
	return c->output.len > 0 || c->file != NULL;
}
/* conn_flush() writes what the turn has gathered; may free the connection. */
void conn_flush(struct conn *c);
/* conn_write() goes on with pending output; may free the connection. */
void conn_write(struct conn *c);
/* conn_finish() follows on a complete answer: closes, or goes on reading. */
void conn_finish(struct conn *c);
void conn_send_continue(struct conn *c);

#endif
