/*
 * server.c - the server as a whole: configuration, listeners, threads, draining, figures. See server.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/server_private.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

const char *const http_refusal_names[HTTP_REFUSALS] = {
	[HTTP_REFUSED_CONNECTIONS] = "connections",   [HTTP_REFUSED_ADDRESS] = "address",
	[HTTP_REFUSED_MALFORMED] = "malformed",	      [HTTP_REFUSED_HEAD_SIZE] = "head_size",
	[HTTP_REFUSED_BODY_SIZE] = "body_size",	      [HTTP_REFUSED_HEAD_TIME] = "head_time",
	[HTTP_REFUSED_BODY_TIME] = "body_time",	      [HTTP_REFUSED_WRITE_TIME] = "write_time",
	[HTTP_REFUSED_HANDLER_TIME] = "handler_time",
};

struct http_conf http_conf_default(void)
{
	return (struct http_conf){ .num_threads = 1,
				   .methods = HTTP_GET | HTTP_HEAD,
				   .max_head_bytes = 8192,
				   .max_body_bytes = 8192,
				   .max_connections = 10000,
				   .max_connections_per_ip = 1000,
				   .head_timeout_ms = 10000,
				   .body_timeout_ms = 10000,
				   .idle_timeout_ms = 60000,
				   .handler_timeout_ms = 15000,
				   .write_timeout_ms = 20000,
				   .write_min_bytes = 32768 };
}

static struct err *check_conf(const struct http_conf *c)
{
	ENSURE(c->num_listen > 0 && c->num_listen <= 16, CONFIG, "an HTTP server listens at 1 to 16 addresses");
	ENSURE(c->num_threads > 0 && c->num_threads <= 64, CONFIG, "an HTTP server has 1 to 64 threads");
	ENSURE(c->name != NULL && strlen(c->name) <= 9, CONFIG, "the name of an HTTP server has at most 9 characters");
	ENSURE(c->hooks.on_request != NULL, CONFIG, "an HTTP server needs on_request()");
	ENSURE(c->max_head_bytes >= 256 && c->max_head_bytes <= 1u << 20, CONFIG, "head: 256 bytes to 1 MiB");
	ENSURE(c->max_body_bytes <= 64u << 20, CONFIG, "body: at most 64 MiB");
	ENSURE(c->max_connections > 0 && c->max_connections <= 1u << 20, CONFIG, "connections: 1 to 1048576");
	ENSURE(c->head_timeout_ms > 0 && c->body_timeout_ms > 0 && c->idle_timeout_ms > 0 &&
		       c->handler_timeout_ms > 0 && c->write_timeout_ms > 0,
	       CONFIG, "every time limit of an HTTP server is above 0 ms");
	return NULL;
}

/* ---- listeners */

struct endpoint {
	struct sockaddr_storage address;
	socklen_t len;
};

static struct err *parse_endpoint(struct endpoint *out, const char *text)
{
	char host[256];
	const char *colon = strrchr(text, ':');
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *found = NULL;

	ENSURE(colon != NULL && colon != text && (size_t)(colon - text) < sizeof host, CONFIG,
	       "%s: an address to listen at is HOST:PORT", text);
	size_t n = (size_t)(colon - text);
	const char *from = text;
	if (text[0] == '[' && colon[-1] == ']') {
		from++;
		n -= 2;
	}
	memcpy(host, from, n);
	host[n] = '\0';
	char *end = NULL;
	unsigned long port = strtoul(colon + 1, &end, 10);
	ENSURE(colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port <= 65535, CONFIG, "%s: %s is no port", text,
	       colon + 1);
	int got = getaddrinfo(strcmp(host, "*") == 0 ? "::" : host, colon + 1, &hints, &found);
	ENSURE(got == 0, CONFIG, "%s: %s", text, gai_strerror(got));
	memcpy(&out->address, found->ai_addr, found->ai_addrlen);
	out->len = found->ai_addrlen;
	freeaddrinfo(found);
	return NULL;
}

static void set_port(struct endpoint *e, unsigned port)
{
	if (e->address.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&e->address)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)&e->address)->sin_port = htons((uint16_t)port);
}

static struct err *bound_port(unsigned *out, int fd)
{
	struct endpoint e = { .len = sizeof e.address };

	if (getsockname(fd, (struct sockaddr *)&e.address, &e.len) != 0)
		return ERR_ERRNO("getsockname");
	*out = e.address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&e.address)->sin6_port)
					       : ntohs(((struct sockaddr_in *)&e.address)->sin_port);
	return NULL;
}

static struct err *listen_at(int *out, const struct endpoint *e, const char *text)
{
	int on = 1, off = 0;
	int fd = socket(e->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ERR_ERRNO("%s: socket", text);
	bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
		  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0; /* accepted sockets inherit it */
	if (ok && e->address.ss_family == AF_INET6)
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
	ok = ok && bind(fd, (const struct sockaddr *)&e->address, e->len) == 0 && listen(fd, 4096) == 0;
	if (!ok) {
		struct err *err = ERR_ERRNO("cannot listen at %s", text);
		(void)close(fd);
		return err;
	}
	*out = fd;
	return NULL;
}

/* SO_REUSEPORT lets another process of ours join an address by mistake; the first bind is done without it to find out. */
static struct err *probe(const struct endpoint *e, const char *text)
{
	int on = 1;
	int fd = socket(e->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ERR_ERRNO("%s: socket", text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	struct err *err = NULL;
	if (bind(fd, (const struct sockaddr *)&e->address, e->len) != 0)
		err = ERR_ERRNO("cannot listen at %s", text);
	(void)close(fd);
	return err;
}

static struct err *open_listeners(struct http_server *s)
{
	for (size_t i = 0; i < s->conf.num_listen; i++) {
		struct endpoint e;
		const char *text = s->conf.listen[i];

		TRY(parse_endpoint(&e, text));
		TRY(probe(&e, text));
		for (unsigned t = 0; t < s->conf.num_threads; t++) {
			TRY(listen_at(&s->threads[t].listeners[i].fd, &e, text));
			if (t == 0) {
				TRY(bound_port(&s->ports[i], s->threads[t].listeners[i].fd));
				set_port(&e, s->ports[i]);
			}
		}
	}
	return NULL;
}

/* ---- making */

static struct err *make_threads(struct http_server *s)
{
	s->threads = calloc(s->conf.num_threads, sizeof *s->threads);
	s->ports = calloc(s->conf.num_listen, sizeof *s->ports);
	ENSURE(s->threads != NULL && s->ports != NULL, NO_MEMORY, "HTTP server");
	for (unsigned i = 0; i < s->conf.num_threads; i++) {
		struct http_thread *t = &s->threads[i];
		t->server = s;
		t->index = i;
		t->epoll_fd = t->spare_fd = t->wake.fd = -1;
		t->listeners = calloc(s->conf.num_listen, sizeof *t->listeners);
		ENSURE(t->listeners != NULL, NO_MEMORY, "HTTP server");
		for (size_t k = 0; k < s->conf.num_listen; k++)
			t->listeners[k] = (struct source){ SOURCE_LISTENER, -1 };
	}
	TRY(addresses_create(&s->addresses, s->conf.max_connections));
	TRY(open_listeners(s));
	for (unsigned i = 0; i < s->conf.num_threads; i++)
		TRY(loop_thread_init(&s->threads[i]));
	return NULL;
}

/* Each connection is a descriptor: the soft limit is raised as far as the hard one lets it. What is missing then is met
 * as it comes (accept.c). */
static void raise_descriptors(unsigned max_connections)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)max_connections + 256;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

struct err *http_server_create(struct http_server **out, const struct http_conf *conf)
{
	pthread_condattr_t attr;

	TRY(check_conf(conf));
	raise_descriptors(conf->max_connections);
	struct http_server *s = calloc(1, sizeof *s);
	ENSURE(s != NULL, NO_MEMORY, "HTTP server");
	s->conf = *conf;
	(void)snprintf(s->name, sizeof s->name, "%s", conf->name);
	atomic_init(&s->stop_at_ms, INT64_MAX);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_cond_init(&s->started, &attr);
	(void)pthread_condattr_destroy(&attr);
	struct err *e = make_threads(s);
	s->conf.listen = NULL; /* the caller's texts are not used after this */
	s->conf.name = s->name;
	if (e != NULL) {
		http_server_destroy(&s);
		return e;
	}
	*out = s;
	return NULL;
}

/* ---- running */

static struct err *start_thread(struct http_server *s, struct http_thread *t)
{
	char name[16];
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int got = pthread_create(&t->id, NULL, loop_thread_main, t);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = got;
	if (got != 0)
		return ERR_ERRNO("a thread of the HTTP server");
	t->has_thread = true;
	(void)snprintf(name, sizeof name, "%s.%u", s->name, t->index);
	(void)pthread_setname_np(t->id, name);
	return NULL;
}

struct err *http_server_start(struct http_server *self)
{
	struct err *e = NULL;
	unsigned num = 0;

	self->is_running = true;
	while (e == NULL && num < self->conf.num_threads) {
		e = start_thread(self, &self->threads[num]);
		num += e == NULL;
	}
	(void)pthread_mutex_lock(&self->lock);
	while (self->num_started < num)
		(void)pthread_cond_wait(&self->started, &self->lock);
	if (e == NULL)
		e = TAKE(self->start_error);
	(void)pthread_mutex_unlock(&self->lock);
	if (e != NULL)
		http_server_drain(self, 0);
	return e;
}

static void wake_all(struct http_server *self)
{
	uint64_t one = 1;

	for (unsigned i = 0; i < self->conf.num_threads; i++)
		(void)!write(self->threads[i].wake.fd, &one, sizeof one);
}

void http_server_drain(struct http_server *self, int64_t deadline_ms)
{
	if (!self->is_running)
		return;
	atomic_store(&self->stop_at_ms, clock_mono_ms() + deadline_ms);
	atomic_store(&self->draining, true);
	wake_all(self);
	for (unsigned i = 0; i < self->conf.num_threads; i++) {
		if (self->threads[i].has_thread)
			(void)pthread_join(self->threads[i].id, NULL);
		self->threads[i].has_thread = false;
	}
	self->is_running = false;
}

void http_server_destroy(struct http_server **self)
{
	struct http_server *s = *self;

	*self = NULL;
	if (s == NULL)
		return;
	http_server_drain(s, 0);
	for (unsigned i = 0; s->threads != NULL && i < s->conf.num_threads; i++)
		loop_thread_clear(&s->threads[i]);
	addresses_destroy(&s->addresses);
	err_destroy(&s->start_error);
	(void)pthread_cond_destroy(&s->started);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->threads);
	free(s->ports);
	free(s);
}

unsigned http_server_port(const struct http_server *self, size_t n)
{
	return n < self->conf.num_listen ? self->ports[n] : 0;
}

unsigned http_server_num_threads(const struct http_server *self)
{
	return self->conf.num_threads;
}

void http_server_wake(struct http_server *self)
{
	uint64_t one = 1;

	for (unsigned i = 0; i < self->conf.num_threads; i++)
		if (!atomic_exchange(&self->threads[i].wanted, true))
			(void)!write(self->threads[i].wake.fd, &one, sizeof one);
}

static uint64_t get(const atomic_uint_least64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void http_server_stats(const struct http_server *self, struct http_stats *out)
{
	*out = (struct http_stats){ 0 };
	for (unsigned i = 0; i < self->conf.num_threads; i++) {
		const struct thread_stats *s = &self->threads[i].stats;
		out->connections_open += get(&s->open);
		out->connections += get(&s->connections);
		out->requests += get(&s->requests);
		out->bytes_in += get(&s->bytes_in);
		out->bytes_out += get(&s->bytes_out);
		out->idle_closed += get(&s->idle_closed);
		for (int k = 0; k < 6; k++)
			out->responses[k] += get(&s->responses[k]);
		for (int k = 0; k < HTTP_REFUSALS; k++)
			out->refused[k] += get(&s->refused[k]);
	}
}
