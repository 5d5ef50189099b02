/*
 * http.c - listeners and threads of rad's HTTPS. See http.h.
 *
 * The pitfalls that shaped this are in libevent 2.1: TCP_NODELAY must be set on the listening socket, SIGPIPE ignored,
 * and deadlines and caps are ours to keep (guard.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/http.h"

#include <event2/buffer.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ra/dispatch.h"
#include "ra/tls.h"

enum { BACKLOG = 512, NUM_PORTS = 2 };

struct thread;

struct port {
	struct thread *thread;
	enum ra_port which;
	int listen_fd;
	struct evhttp *evhttp;
	struct evhttp_bound_socket *bound;
	struct ra_guard_list guards;
};

struct thread {
	struct ra_http *http;
	pthread_t id;
	bool is_running;
	struct event_base *base;
	struct event *control;
	int control_fd;
	bool is_draining;
	struct port ports[NUM_PORTS];
	struct ra_ctx ctx;
};

struct ra_http {
	struct ra *ra;
	SSL_CTX *tls[NUM_PORTS];
	struct ra_caps caps[NUM_PORTS];
	size_t num_threads;
	struct thread *threads;
	atomic_bool should_drain, should_stop;
};

static struct err *open_listener(int *out, struct sockaddr_storage *address, socklen_t len)
{
	int one = 1;
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ERR_ERRNO("a socket");
	bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
		  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0 &&
		  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
		  bind(fd, (struct sockaddr *)address, len) == 0 && listen(fd, BACKLOG) == 0 &&
		  getsockname(fd, (struct sockaddr *)address, &len) == 0; /* port 0: the next one takes the same */
	if (!ok) {
		struct err *e = ERR_ERRNO("listening");

		(void)close(fd);
		return e;
	}
	*out = fd;
	return NULL;
}

static struct err *open_listeners(struct ra_http *self, enum ra_port which, const char *text)
{
	struct sockaddr_storage address;
	socklen_t len;

	TRY(ra_conf_address(&address, &len, text));
	for (size_t i = 0; i < self->num_threads; i++) {
		struct err *e = open_listener(&self->threads[i].ports[which].listen_fd, &address, len);

		if (e != NULL)
			return ERR_WRAP(e, "%s %s", which == RA_PORT_OPERATORS ? "http.operators" : "http.applicants",
					text);
	}
	return NULL;
}

static struct err *make_threads(struct ra_http *self, size_t num)
{
	self->threads = calloc(num, sizeof *self->threads);
	ENSURE(self->threads != NULL, NO_MEMORY, "%zu threads", num);
	self->num_threads = num;
	for (size_t i = 0; i < num; i++) {
		struct thread *t = &self->threads[i];

		t->http = self;
		t->ctx.ra = self->ra;
		t->control_fd = -1;
		for (int p = 0; p < NUM_PORTS; p++)
			t->ports[p] = (struct port){ .thread = t, .which = (enum ra_port)p, .listen_fd = -1 };
	}
	for (size_t i = 0; i < num; i++) {
		self->threads[i].control_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (self->threads[i].control_fd < 0)
			return ERR_ERRNO("an event descriptor");
	}
	return NULL;
}

static struct err *http_open(struct ra_http *self)
{
	const struct ra_conf *c = self->ra->conf;

	TRY(make_threads(self, (size_t)c->threads));
	TRY(ra_tls_create(&self->tls[RA_PORT_APPLICANTS], c->tls_certificate, c->tls_key, NULL));
	TRY(ra_tls_create(&self->tls[RA_PORT_OPERATORS], c->tls_certificate, c->tls_key, c->operators_ca));
	for (int p = 0; p < NUM_PORTS; p++)
		TRY(ra_caps_init(&self->caps[p], c->max_connections, c->max_per_address, c->request_timeout_s,
				 self->ra->metrics));
	TRY(open_listeners(self, RA_PORT_APPLICANTS, c->applicants));
	return open_listeners(self, RA_PORT_OPERATORS, c->operators);
}

struct err *ra_http_create(struct ra_http **out, struct ra *ra)
{
	struct ra_http *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "the HTTPS front");
	self->ra = ra;
	/* A client that went away must not end the process: writes fail with EPIPE instead. */
	(void)signal(SIGPIPE, SIG_IGN);
	struct err *e = http_open(self);
	if (e != NULL) {
		ra_http_destroy(&self);
		return e;
	}
	*out = self;
	return NULL;
}

static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
	struct port *port = arg;
	struct ra_http *http = port->thread->http;

	return ra_guard_bev(base, http->tls[port->which], &http->caps[port->which], &port->guards);
}

static void on_sent(struct evhttp_request *request, void *arg)
{
	struct ra_guard *guard = arg;

	(void)request;
	guard->is_busy = false;
	ra_guard_restart(guard);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct port *port = arg;
	struct thread *t = port->thread;
	struct ra_guard *guard = ra_guard_of(request);

	if (guard == NULL) { /* cannot be: without a guard there is no handshake */
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	guard->is_busy = true;
	ra_guard_restart(guard);
	evhttp_request_set_on_complete_cb(request, on_sent, guard);
	ra_dispatch(request, &t->ctx, port->which, guard, t->is_draining);
}

static void thread_drain(struct thread *t)
{
	t->is_draining = true;
	for (int p = 0; p < NUM_PORTS; p++) {
		if (t->ports[p].bound != NULL)
			evhttp_del_accept_socket(t->ports[p].evhttp, t->ports[p].bound);
		t->ports[p].bound = NULL;
		ra_guard_shut_idle(&t->ports[p].guards);
	}
}

static void on_control(evutil_socket_t fd, short what, void *arg)
{
	struct thread *t = arg;
	eventfd_t count;

	(void)what;
	(void)eventfd_read(fd, &count);
	if (atomic_load(&t->http->should_stop))
		(void)event_base_loopbreak(t->base);
	else if (atomic_load(&t->http->should_drain) && !t->is_draining)
		thread_drain(t);
}

static struct err *port_open(struct port *port)
{
	struct thread *t = port->thread;
	const struct ra_conf *c = t->http->ra->conf;
	int64_t max_body = c->document_max_bytes > c->max_body_bytes ? c->document_max_bytes : c->max_body_bytes;

	port->evhttp = evhttp_new(t->base);
	ENSURE(port->evhttp != NULL, NO_MEMORY, "an HTTP server");
	evhttp_set_bevcb(port->evhttp, on_connection, port);
	evhttp_set_gencb(port->evhttp, on_request, port);
	evhttp_set_timeout(port->evhttp, (int)c->request_timeout_s);
	evhttp_set_max_headers_size(port->evhttp, c->max_header_bytes);
	evhttp_set_max_body_size(port->evhttp, max_body);
	evhttp_set_allowed_methods(port->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	port->bound = evhttp_accept_socket_with_handle(port->evhttp, port->listen_fd);
	ENSURE(port->bound != NULL, SYSTEM, "accepting connections");
	port->listen_fd = -1; /* evhttp closes it */
	return NULL;
}

static struct err *thread_open(struct thread *t)
{
	t->base = event_base_new();
	ENSURE(t->base != NULL, NO_MEMORY, "an event base");
	t->control = event_new(t->base, t->control_fd, EV_READ | EV_PERSIST, on_control, t);
	ENSURE(t->control != NULL && event_add(t->control, NULL) == 0, NO_MEMORY, "a control event");
	TRY(ra_open_db(t->http->ra, &t->ctx.db, "rad-http"));
	for (int p = 0; p < NUM_PORTS; p++)
		TRY(port_open(&t->ports[p]));
	return NULL;
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	(void)event_base_dispatch(t->base);
	return NULL;
}

struct err *ra_http_start(struct ra_http *self)
{
	for (size_t i = 0; i < self->num_threads; i++) {
		struct thread *t = &self->threads[i];

		TRY(thread_open(t));
		int failed = pthread_create(&t->id, NULL, thread_main, t);
		ENSURE(failed == 0, SYSTEM, "a thread: error %d", failed);
		t->is_running = true;
	}
	return NULL;
}

static void tell_threads(struct ra_http *self)
{
	for (size_t i = 0; i < self->num_threads; i++)
		if (self->threads[i].control_fd >= 0)
			(void)eventfd_write(self->threads[i].control_fd, 1);
}

void ra_http_drain(struct ra_http *self)
{
	atomic_store(&self->should_drain, true);
	tell_threads(self);
}

bool ra_http_is_drained(const struct ra_http *self)
{
	return atomic_load(&self->caps[RA_PORT_APPLICANTS].connections) == 0 &&
	       atomic_load(&self->caps[RA_PORT_OPERATORS].connections) == 0;
}

static void thread_close(struct thread *t)
{
	if (t->is_running)
		(void)pthread_join(t->id, NULL);
	for (int p = 0; p < NUM_PORTS; p++) {
		if (t->ports[p].evhttp != NULL)
			evhttp_free(t->ports[p].evhttp);
		if (t->ports[p].listen_fd >= 0)
			(void)close(t->ports[p].listen_fd);
	}
	if (t->control != NULL)
		event_free(t->control);
	if (t->base != NULL) {
		/* Connections are freed by the loop: their guards still need the base. */
		(void)event_base_loop(t->base, EVLOOP_NONBLOCK);
		event_base_free(t->base);
	}
	if (t->control_fd >= 0)
		(void)close(t->control_fd);
	ra_ctx_clear(&t->ctx);
}

void ra_http_destroy(struct ra_http **self)
{
	struct ra_http *http = *self;

	if (http == NULL)
		return;
	atomic_store(&http->should_stop, true);
	tell_threads(http);
	for (size_t i = 0; i < http->num_threads; i++)
		thread_close(&http->threads[i]);
	for (int p = 0; p < NUM_PORTS; p++)
		SSL_CTX_free(http->tls[p]);
	free(http->threads);
	free(http);
	*self = NULL;
}
