/*
 * server.h - a small HTTP/1.1 server for plain OCSP, CRLs and tiles: GET, HEAD and POST, nothing else.
 *
 * One epoll loop a thread, each with SO_REUSEPORT listeners of its own; a connection stays on its thread for life.
 * Keep-alive and pipelining; request bodies with Content-Length only (a chunked body is refused with 411). A request
 * is handled when its body is complete; requests of one connection are answered in order, one at a time. No
 * allocation per request: whole requests are handled in the thread's own buffer, and only what arrives or leaves in
 * parts takes a buffer from the thread's pool. Absolute deadlines for head, body, idle time and progress of writing,
 * limits per server and per address: a dripping, idle or early closing client costs a slot for a while, never a loop.
 *
 * Threads: everything about a connection happens on its thread. A handler may answer later (http_defer()), on the
 * same thread, from a watched descriptor, the timer or the wake-up; the token stays safe when the connection is gone.
 * Never call any function here that says "same thread" from elsewhere.
 *
 * RFC 9110, RFC 9112.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_HTTP_SERVER_H
#define COMMON_HTTP_SERVER_H

#include <sys/epoll.h>

#include "http/file.h"
#include "http/parse.h"

struct http_server;
struct http_thread;

/* A request, valid until the handler returns. */
struct http_request {
	struct http_head head;
	struct slice body;
	struct http_thread *thread;
	void *conn; /* private */
};

/* An answer from memory. Everything is copied or written before http_respond() returns. */
struct http_response {
	int status;
	const char *content_type; /* NULL: none */
	struct slice
		headers; /* further lines, each "Name: value\r\n"; Date, Content-Length and Connection are written here */
	struct slice body;
	bool close; /* close the connection after it */
};

/* The right to answer later. Plain value, may be copied; answers once. */
struct http_deferred {
	uint32_t slot;
	uint32_t generation;
};

struct http_hooks {
	/* on_start() runs first on each thread; what it stores in *out_user is handed to the others. NULL: user is `arg`.
	 * An error keeps the server from starting. on_stop() runs last. */
	struct err *(*on_start)(struct http_thread *thread, void *arg, void **out_user);
	void (*on_stop)(struct http_thread *thread, void *user);
	/* on_request() must call exactly one of http_respond(), http_respond_file(), http_defer(). */
	void (*on_request)(struct http_request *request, void *user);
	/* The rest may be NULL. on_batch_end(): after the events of one turn were handled, before waiting again: the place
	 * to send what the turn's requests gathered. on_timer(): the instant of http_thread_set_timer() has come.
	 * on_wake(): http_server_wake() was called. */
	void (*on_batch_end)(struct http_thread *thread, void *user);
	void (*on_timer)(struct http_thread *thread, void *user);
	void (*on_wake)(struct http_thread *thread, void *user);
};

struct http_conf {
	const char *const
		*listen; /* "127.0.0.1:18080", "[::1]:18080", "*:18080"; port 0: any, see http_server_port() */
	size_t num_listen;
	unsigned num_threads; /* 1..64 */
	const char *name; /* of the threads, at most 9 characters: "ocsp" gives "ocsp.0" */
	unsigned methods; /* or of enum http_method */
	size_t max_head_bytes; /* request line and header lines */
	size_t max_body_bytes;
	unsigned max_connections; /* of the server */
	unsigned max_connections_per_ip; /* an IPv6 address counts as its /64; 0: no limit */
	int64_t head_timeout_ms; /* first byte of a request to the end of its head */
	int64_t body_timeout_ms; /* end of the head to the end of the body */
	int64_t idle_timeout_ms; /* without a byte of a new request */
	int64_t handler_timeout_ms; /* a deferred answer that does not come is a 503 */
	int64_t write_timeout_ms; /* in each such span at least write_min_bytes must leave */
	size_t write_min_bytes;
	struct http_hooks hooks;
	void *arg;
};

/* http_conf_default() gives a configuration for small requests: one thread, 8 KiB heads, 8 KiB bodies, 10,000
 * connections, 1,000 an address, 10 s for a head, 10 s for a body, 60 s idle, 15 s for a deferred answer, 32 KiB every
 * 20 s written, GET and HEAD. listen, name, hooks and arg are empty. */
struct http_conf http_conf_default(void);

/* http_server_create() binds the listeners (do this before privileges are dropped) and checks the configuration; the
 * texts of conf are copied. *Errors* CONFIG, SYSTEM. *Owns* out: the caller. */
struct err *http_server_create(struct http_server **out, const struct http_conf *conf) ERR_MUST_USE;
/* http_server_start() starts the threads and waits for each on_start(). *Errors* of on_start(), SYSTEM. */
struct err *http_server_start(struct http_server *self) ERR_MUST_USE;
/* http_server_drain() stops accepting, closes idle connections and lets the others finish, until none is left or
 * deadline_ms have passed; then the threads end (on_stop) and are joined. Without a start it does nothing. */
void http_server_drain(struct http_server *self, int64_t deadline_ms);
/* http_server_destroy() drains with no patience and frees. NULL-safe. */
void http_server_destroy(struct http_server **self);

/* http_server_port() gives the port of listener n of the configuration. */
unsigned http_server_port(const struct http_server *self, size_t n);
/* http_server_wake() has on_wake() called on every thread; from any thread, cheap, several calls may become one. */
void http_server_wake(struct http_server *self);
unsigned http_server_num_threads(const struct http_server *self);

/* --- answers: same thread only --- */

/* http_respond() answers now. For HEAD the body is measured and not sent. */
void http_respond(struct http_request *request, const struct http_response *response);
/* http_respond_file() answers with the file: 200, 206 for one range, 304 by If-None-Match or If-Modified-Since, 416.
 * Retains the file while it is being sent. */
void http_respond_file(struct http_request *request, struct http_file *file);
/* http_respond_problem() answers with a problem document (http/problem.h); word and detail are not copied. */
void http_respond_problem(struct http_request *request, int status, const char *word, const char *detail);
/* http_defer() keeps the connection waiting for http_answer(); the request's slices end with the handler. */
struct http_deferred http_defer(struct http_request *request);
/* http_answer() answers a deferred request. False when the connection has gone or the time was over: nothing is sent. */
bool http_answer(struct http_thread *thread, struct http_deferred deferred, const struct http_response *response);
/* http_is_waiting() says whether http_answer() would still reach somebody. */
bool http_is_waiting(struct http_thread *thread, struct http_deferred deferred);

/* http_not_modified() says whether the conditions of a GET or HEAD allow 304: If-None-Match against the entity tag
 * (quoted), else If-Modified-Since against last_modified_at. (RFC 9110 §13.2.2) */
bool http_not_modified(const struct http_head *head, struct slice etag, int64_t last_modified_at);

/* --- threads --- */

unsigned http_thread_index(const struct http_thread *thread);
struct http_server *http_thread_server(struct http_thread *thread);
/* http_thread_now_ms() gives clock_mono_ms() as of the start of this turn of the loop. */
int64_t http_thread_now_ms(const struct http_thread *thread);
/* http_thread_watch() has fn called on this thread when the descriptor has one of the epoll events (level-triggered
 * unless EPOLLET is given). At most 16 a thread. http_thread_unwatch() ends it; it does not close fd. Same thread
 * (on_start included). *Errors* SYSTEM, CONFLICT. */
typedef void http_watch_fn(struct http_thread *thread, void *arg, int fd, uint32_t events);
struct err *http_thread_watch(struct http_thread *thread, int fd, uint32_t events, http_watch_fn *fn,
			      void *arg) ERR_MUST_USE;
void http_thread_unwatch(struct http_thread *thread, int fd);
/* http_thread_set_timer() has on_timer() called once at that instant of clock_mono_ms(); INT64_MAX: never. One timer a
 * thread; a second call replaces the first. Same thread. */
void http_thread_set_timer(struct http_thread *thread, int64_t at_mono_ms);

/* --- figures --- */

enum http_refusal { /* why a connection or request was turned away */
		    HTTP_REFUSED_CONNECTIONS, /* max_connections */
		    HTTP_REFUSED_ADDRESS, /* max_connections_per_ip */
		    HTTP_REFUSED_MALFORMED, /* 400, 405, 411, 417, 501, 505 by the parser */
		    HTTP_REFUSED_HEAD_SIZE, /* 414, 431 */
		    HTTP_REFUSED_BODY_SIZE, /* 413 */
		    HTTP_REFUSED_HEAD_TIME, /* 408 */
		    HTTP_REFUSED_BODY_TIME, /* 408 */
		    HTTP_REFUSED_WRITE_TIME, /* closed */
		    HTTP_REFUSED_HANDLER_TIME, /* 503 */
		    HTTP_REFUSALS
};
extern const char *const http_refusal_names[HTTP_REFUSALS];

struct http_stats {
	uint64_t connections_open;
	uint64_t connections; /* accepted since the start */
	uint64_t requests; /* handed to on_request() */
	uint64_t responses[6]; /* by first digit of the status; [0] unused */
	uint64_t bytes_in, bytes_out;
	uint64_t refused[HTTP_REFUSALS];
	uint64_t idle_closed;
};
/* http_server_stats() adds up the figures of all threads; from any thread. */
void http_server_stats(const struct http_server *self, struct http_stats *out);

#endif
