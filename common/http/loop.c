/*
 * loop.c - one thread of the server: its epoll, its listeners, its deadlines.
 *
 * Connections are watched edge-triggered, once and for all, so that a request costs no epoll_ctl. What is left to do
 * without an edge (a full turn was used, an answer came from elsewhere) is on the ready list. Each kind of deadline has
 * the same length for all connections: a list in order of arrival is in order of expiry.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/server_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* ---- deadlines */

static void deadline_leave(struct conn *c)
{
	struct deadline_list *list;

	if (c->deadline_kind >= DEADLINE_NONE)
		return;
	list = &c->thread->deadlines[c->deadline_kind];
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		list->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		list->last = c->prev;
	c->deadline_kind = DEADLINE_NONE;
}

static int64_t deadline_length(const struct http_conf *conf, enum deadline_kind kind)
{
	switch (kind) {
	case DEADLINE_IDLE:
		return conf->idle_timeout_ms;
	case DEADLINE_HEAD:
		return conf->head_timeout_ms;
	case DEADLINE_BODY:
		return conf->body_timeout_ms;
	case DEADLINE_HANDLER:
		return conf->handler_timeout_ms;
	case DEADLINE_WRITE:
		return conf->write_timeout_ms;
	default:
		return HTTP_LINGER_MS;
	}
}

void deadline_arm(struct conn *c, enum deadline_kind kind)
{
	struct deadline_list *list = &c->thread->deadlines[kind];

	if (c->state == CONN_FREE)
		return;
	deadline_leave(c);
	c->deadline_ms = c->thread->now_ms + deadline_length(&c->thread->server->conf, kind);
	c->deadline_kind = (uint8_t)kind;
	c->prev = list->last;
	c->next = NULL;
	if (list->last != NULL)
		list->last->next = c;
	else
		list->first = c;
	list->last = c;
}

static void on_deadline(struct conn *c)
{
	struct http_thread *t = c->thread;

	switch ((enum deadline_kind)c->deadline_kind) {
	case DEADLINE_HEAD:
		conn_refuse(c, HTTP_REFUSED_HEAD_TIME, 408, "the head of the request did not arrive in time");
		break;
	case DEADLINE_BODY:
		conn_refuse(c, HTTP_REFUSED_BODY_TIME, 408, "the body of the request did not arrive in time");
		break;
	case DEADLINE_HANDLER:
		c->generation++;
		conn_refuse(c, HTTP_REFUSED_HANDLER_TIME, 503, "no answer could be made in time");
		break;
	case DEADLINE_WRITE:
		if (c->written >= t->server->conf.write_min_bytes) {
			c->written = 0;
			deadline_arm(c, DEADLINE_WRITE);
			return;
		}
		stat_add(&t->stats.refused[HTTP_REFUSED_WRITE_TIME], 1);
		conn_free(c);
		return;
	default:
		if (c->deadline_kind == DEADLINE_IDLE)
			stat_add(&t->stats.idle_closed, 1);
		conn_free(c);
		return;
	}
	deadline_leave(c);
	conn_flush(c);
}

static void expire(struct http_thread *t)
{
	for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
		struct conn *c;
		while ((c = t->deadlines[kind].first) != NULL && c->deadline_ms <= t->now_ms)
			on_deadline(c);
	}
}

static int wait_ms(const struct http_thread *t)
{
	int64_t until = t->timer_at_ms;

	if (t->ready_first != NULL)
		return 0;
	for (int kind = 0; kind < DEADLINE_KINDS; kind++)
		if (t->deadlines[kind].first != NULL && t->deadlines[kind].first->deadline_ms < until)
			until = t->deadlines[kind].first->deadline_ms;
	if (t->is_draining) {
		int64_t stop_at_ms = atomic_load(&t->server->stop_at_ms);
		until = stop_at_ms < until ? stop_at_ms : until;
	}
	if (until == INT64_MAX)
		return -1;
	int64_t wait = until - clock_mono_ms();
	return wait <= 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

/* ---- connections */

void loop_make_ready(struct conn *c)
{
	struct http_thread *t = c->thread;

	if (c->is_ready || c->state == CONN_FREE)
		return;
	c->is_ready = true;
	c->next_ready = NULL;
	if (t->ready_last != NULL)
		t->ready_last->next_ready = c;
	else
		t->ready_first = c;
	t->ready_last = c;
}

void conn_free(struct conn *c)
{
	struct http_thread *t = c->thread;

	if (c->state == CONN_FREE)
		return;
	deadline_leave(c);
	if (t->out_owner == c) {
		t->out_owner = NULL;
		t->out_len = 0;
	}
	(void)close(c->source.fd);
	c->source.fd = -1;
	c->state = CONN_FREE;
	c->generation++;
	if (c->input != NULL) {
		c->input->next = t->free_inputs;
		t->free_inputs = c->input;
		c->input = NULL;
	}
	c->input_len = 0;
	buf_clear(&c->output);
	http_file_release(&c->file);
	addresses_leave(t->server->addresses, c->address);
	atomic_fetch_sub(&t->server->num_open, 1);
	t->num_open--;
	atomic_store_explicit(&t->stats.open, t->num_open, memory_order_relaxed);
	if (!c->is_ready) { /* else when the ready list comes to it */
		c->next_ready = t->dead_conns;
		t->dead_conns = c;
	}
}

static void reap(struct http_thread *t)
{
	while (t->dead_conns != NULL) {
		struct conn *c = t->dead_conns;
		t->dead_conns = c->next_ready;
		c->next_ready = t->free_conns;
		t->free_conns = c;
	}
}

static void run_ready(struct http_thread *t)
{
	struct conn *c = t->ready_first;

	t->ready_first = t->ready_last = NULL;
	while (c != NULL) {
		struct conn *next = c->next_ready;
		c->is_ready = false;
		if (c->state == CONN_FREE) {
			c->next_ready = t->dead_conns;
			t->dead_conns = c;
		} else
			conn_continue(c);
		c = next;
	}
}

/* ---- the loop */

static void begin_draining(struct http_thread *t)
{
	size_t num = t->server->conf.num_listen;

	t->is_draining = true;
	for (size_t i = 0; i < num; i++) {
		if (t->listeners[i].fd >= 0)
			(void)close(t->listeners[i].fd);
		t->listeners[i].fd = -1;
	}
	for (struct conn *c = t->deadlines[DEADLINE_IDLE].first, *next; c != NULL; c = next) {
		next = c->next;
		conn_free(c);
	}
}

static void on_wake(struct http_thread *t)
{
	uint64_t count;

	(void)!read(t->wake.fd, &count, sizeof count);
	if (atomic_load(&t->server->draining) && !t->is_draining)
		begin_draining(t);
	if (atomic_exchange(&t->wanted, false) && t->server->conf.hooks.on_wake != NULL)
		t->server->conf.hooks.on_wake(t, t->user);
}

static void dispatch(struct http_thread *t, const struct epoll_event *event)
{
	struct source *source = event->data.ptr;

	switch (source->kind) {
	case SOURCE_LISTENER:
		if (source->fd >= 0)
			accept_all(t, source->fd);
		break;
	case SOURCE_WAKE:
		on_wake(t);
		break;
	case SOURCE_WATCH: {
		struct watch *w = (struct watch *)source;
		if (w->fn != NULL)
			w->fn(t, w->arg, w->source.fd, event->events);
		break;
	}
	case SOURCE_CONN:
		conn_on_events((struct conn *)source, event->events);
		break;
	}
}

static bool is_over(const struct http_thread *t)
{
	return t->is_draining && (t->num_open == 0 || t->now_ms >= atomic_load(&t->server->stop_at_ms));
}

static void run(struct http_thread *t)
{
	const struct http_hooks *hooks = &t->server->conf.hooks;
	struct epoll_event events[HTTP_EVENTS];

	while (!is_over(t)) {
		int n = epoll_wait(t->epoll_fd, events, HTTP_EVENTS, wait_ms(t));
		if (n < 0 && errno != EINTR)
			panic("epoll_wait: %s", strerror(errno));
		t->now_ms = clock_mono_ms();
		for (int i = 0; i < n; i++)
			dispatch(t, &events[i]);
		run_ready(t);
		expire(t);
		if (t->now_ms >= t->timer_at_ms) {
			t->timer_at_ms = INT64_MAX;
			if (hooks->on_timer != NULL)
				hooks->on_timer(t, t->user);
		}
		if (hooks->on_batch_end != NULL)
			hooks->on_batch_end(t, t->user);
		reap(t);
	}
}

static void tell_started(struct http_thread *t, struct err *e)
{
	struct http_server *s = t->server;

	(void)pthread_mutex_lock(&s->lock);
	s->num_started++;
	if (e != NULL && s->start_error == NULL)
		s->start_error = TAKE(e);
	(void)pthread_cond_signal(&s->started);
	(void)pthread_mutex_unlock(&s->lock);
	err_destroy(&e);
}

void *loop_thread_main(void *arg)
{
	struct http_thread *t = arg;
	const struct http_hooks *hooks = &t->server->conf.hooks;
	struct err *e = NULL;

	t->now_ms = clock_mono_ms();
	t->user = t->server->conf.arg;
	if (hooks->on_start != NULL)
		e = hooks->on_start(t, t->server->conf.arg, &t->user);
	bool is_up = e == NULL;
	tell_started(t, e);
	if (!is_up)
		return NULL;
	run(t);
	for (uint32_t i = 0; i < t->conns_used; i++)
		conn_free(&t->conns[i]);
	if (hooks->on_stop != NULL)
		hooks->on_stop(t, t->user);
	return NULL;
}

/* ---- making and unmaking a thread's things */

static struct err *watch_source(struct http_thread *t, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) != 0)
		return ERR_ERRNO("epoll_ctl");
	return NULL;
}

struct err *loop_thread_init(struct http_thread *t)
{
	const struct http_conf *conf = &t->server->conf;

	t->timer_at_ms = INT64_MAX;
	t->input_size = conf->max_head_bytes + conf->max_body_bytes + 4096;
	t->conns = calloc(conf->max_connections, sizeof *t->conns);
	t->read_buffer = malloc(t->input_size);
	t->out = malloc(HTTP_OUT_BYTES);
	ENSURE(t->conns != NULL && t->read_buffer != NULL && t->out != NULL, NO_MEMORY, "buffers of an HTTP thread");
	t->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	t->wake = (struct source){ SOURCE_WAKE, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (t->epoll_fd < 0 || t->wake.fd < 0)
		return ERR_ERRNO("epoll or eventfd");
	TRY(watch_source(t, &t->wake, EPOLLIN));
	for (size_t i = 0; i < conf->num_listen; i++)
		TRY(watch_source(t, &t->listeners[i], EPOLLIN));
	return NULL;
}

void loop_thread_clear(struct http_thread *t)
{
	int fds[] = { t->epoll_fd, t->spare_fd, t->wake.fd };

	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	for (size_t i = 0; t->listeners != NULL && i < t->server->conf.num_listen; i++)
		if (t->listeners[i].fd >= 0)
			(void)close(t->listeners[i].fd);
	while (t->free_inputs != NULL) {
		struct input *next = t->free_inputs->next;
		free(t->free_inputs);
		t->free_inputs = next;
	}
	free(t->listeners);
	free(t->conns);
	free(t->read_buffer);
	free(t->out);
}

/* ---- what owners of a thread call */

unsigned http_thread_index(const struct http_thread *thread)
{
	return thread->index;
}

struct http_server *http_thread_server(struct http_thread *thread)
{
	return thread->server;
}

int64_t http_thread_now_ms(const struct http_thread *thread)
{
	return thread->now_ms;
}

void http_thread_set_timer(struct http_thread *thread, int64_t at_mono_ms)
{
	thread->timer_at_ms = at_mono_ms;
}

struct err *http_thread_watch(struct http_thread *thread, int fd, uint32_t events, http_watch_fn *fn, void *arg)
{
	for (size_t i = 0; i < HTTP_MAX_WATCHES; i++) {
		struct watch *w = &thread->watches[i];
		if (w->fn != NULL)
			continue;
		w->source = (struct source){ SOURCE_WATCH, fd };
		TRY(watch_source(thread, &w->source, events));
		w->fn = fn;
		w->arg = arg;
		return NULL;
	}
	return ERR(CONFLICT, "an HTTP thread watches %d descriptors at most", HTTP_MAX_WATCHES);
}

void http_thread_unwatch(struct http_thread *thread, int fd)
{
	for (size_t i = 0; i < HTTP_MAX_WATCHES; i++) {
		struct watch *w = &thread->watches[i];
		if (w->fn == NULL || w->source.fd != fd)
			continue;
		(void)epoll_ctl(thread->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		w->fn = NULL;
	}
}
