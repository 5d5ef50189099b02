/*
 * loop.c - one zmq_poll loop: watches, timers, signals. See loop.h.
 *
 * Watches and timers are few (a daemon has some dozens), so both are plain arrays. What is removed during a turn is only
 * marked and swept afterwards, so that the array that poll answered for stays as it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/log.h"

struct watch {
	loop_id id; /* 0: removed */
	int fd; /* when socket is NULL */
	void *socket;
	unsigned events;
	loop_io_fn *fn;
	loop_signal_fn *signal_fn; /* this is a signalfd of ours */
	void *arg;
};

struct timer {
	loop_id id; /* 0: removed */
	int64_t due_ms;
	int64_t every_ms;
	loop_timer_fn *fn;
	void *arg;
};

struct loop {
	struct watch *watches;
	size_t num_watches, cap_watches;
	struct timer *timers;
	size_t num_timers, cap_timers;
	zmq_pollitem_t *items;
	size_t cap_items;
	loop_id last_id;
	int wake_fd;
	bool is_dirty; /* something was removed */
	atomic_bool is_stopped;
	_Atomic int64_t turned_at_ms;
	_Atomic int64_t longest_ms;
};

static void on_wake(void *arg, unsigned ready)
{
	struct loop *self = arg;
	uint64_t n;

	(void)ready;
	ssize_t got = read(self->wake_fd, &n, sizeof n);
	(void)got; /* another wake-up may have been read before */
}

struct err *loop_create(struct loop **out)
{
	OWN(loop) self = calloc(1, sizeof *self);
	loop_id id;

	ENSURE(self != NULL, NO_MEMORY, "loop");
	self->turned_at_ms = clock_mono_ms();
	self->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (self->wake_fd < 0)
		return ERR_ERRNO("eventfd");
	TRY(loop_add_fd(self, &id, self->wake_fd, LOOP_READ, on_wake, self));
	*out = TAKE(self);
	return NULL;
}

static void watch_end(struct watch *w)
{
	if (w->id != 0 && w->signal_fn != NULL)
		(void)close(w->fd);
	w->id = 0;
}

void loop_destroy(struct loop **loop)
{
	struct loop *self = *loop;

	if (self == NULL)
		return;
	*loop = NULL;
	for (size_t i = 0; i < self->num_watches; i++)
		watch_end(&self->watches[i]);
	if (self->wake_fd >= 0)
		(void)close(self->wake_fd);
	free(self->watches);
	free(self->timers);
	free(self->items);
	free(self);
}

/* Makes room for one more element. */
static struct err *grow(void **array, size_t *cap, size_t num, size_t size)
{
	if (num < *cap)
		return NULL;
	size_t bigger = *cap == 0 ? 16 : *cap * 2;
	void *p = realloc(*array, bigger * size);
	ENSURE(p != NULL, NO_MEMORY, "loop with %zu watches", bigger);
	*array = p;
	*cap = bigger;
	return NULL;
}

static struct err *add_watch(struct loop *self, loop_id *out, struct watch w)
{
	void *watches = self->watches;

	struct err *e = grow(&watches, &self->cap_watches, self->num_watches, sizeof w);
	self->watches = watches;
	if (e != NULL)
		return e;
	w.id = ++self->last_id;
	self->watches[self->num_watches++] = w;
	*out = w.id;
	return NULL;
}

struct err *loop_add_fd(struct loop *self, loop_id *out, int fd, unsigned events, loop_io_fn *fn, void *arg)
{
	ENSURE(fd >= 0, BUG, "watching descriptor %d", fd);
	return add_watch(self, out, (struct watch){ .fd = fd, .events = events, .fn = fn, .arg = arg });
}

struct err *loop_add_zmq(struct loop *self, loop_id *out, void *socket, unsigned events, loop_io_fn *fn, void *arg)
{
	ENSURE(socket != NULL, BUG, "watching no socket");
	return add_watch(self, out,
			 (struct watch){ .fd = -1, .socket = socket, .events = events, .fn = fn, .arg = arg });
}

struct err *loop_add_signals(struct loop *self, loop_id *out, const sigset_t *set, loop_signal_fn *fn, void *arg)
{
	int rc = pthread_sigmask(SIG_BLOCK, set, NULL);

	ENSURE(rc == 0, SYSTEM, "blocking signals: %s", strerror(rc));
	int fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return ERR_ERRNO("signalfd");
	struct err *e =
		add_watch(self, out, (struct watch){ .fd = fd, .events = LOOP_READ, .signal_fn = fn, .arg = arg });
	if (e != NULL)
		(void)close(fd);
	return e;
}

struct err *loop_add_timer(struct loop *self, loop_id *out, int64_t first_ms, int64_t every_ms, loop_timer_fn *fn,
			   void *arg)
{
	void *timers = self->timers;

	struct err *e = grow(&timers, &self->cap_timers, self->num_timers, sizeof *self->timers);
	self->timers = timers;
	if (e != NULL)
		return e;
	self->timers[self->num_timers++] = (struct timer){
		.id = ++self->last_id, .due_ms = clock_mono_ms() + first_ms, .every_ms = every_ms, .fn = fn, .arg = arg
	};
	*out = self->last_id;
	return NULL;
}

static struct watch *find_watch(struct loop *self, loop_id id)
{
	for (size_t i = 0; i < self->num_watches; i++)
		if (id != 0 && self->watches[i].id == id)
			return &self->watches[i];
	return NULL;
}

static struct timer *find_timer(struct loop *self, loop_id id)
{
	for (size_t i = 0; i < self->num_timers; i++)
		if (id != 0 && self->timers[i].id == id)
			return &self->timers[i];
	return NULL;
}

void loop_set_events(struct loop *self, loop_id id, unsigned events)
{
	struct watch *w = find_watch(self, id);

	if (w != NULL)
		w->events = events;
}

void loop_set_timer(struct loop *self, loop_id id, int64_t delay_ms)
{
	struct timer *t = find_timer(self, id);

	if (t != NULL)
		t->due_ms = clock_mono_ms() + delay_ms;
}

void loop_remove(struct loop *self, loop_id id)
{
	struct watch *w = find_watch(self, id);
	struct timer *t = find_timer(self, id);

	if (w != NULL)
		watch_end(w);
	if (t != NULL)
		t->id = 0;
	self->is_dirty = self->is_dirty || w != NULL || t != NULL;
}

static void sweep(struct loop *self)
{
	size_t n = 0;

	if (!self->is_dirty)
		return;
	for (size_t i = 0; i < self->num_watches; i++)
		if (self->watches[i].id != 0)
			self->watches[n++] = self->watches[i];
	self->num_watches = n;
	n = 0;
	for (size_t i = 0; i < self->num_timers; i++)
		if (self->timers[i].id != 0)
			self->timers[n++] = self->timers[i];
	self->num_timers = n;
	self->is_dirty = false;
}

static struct err *fill_items(struct loop *self)
{
	if (self->cap_items < self->num_watches) {
		zmq_pollitem_t *items = realloc(self->items, self->cap_watches * sizeof *items);
		ENSURE(items != NULL, NO_MEMORY, "loop with %zu watches", self->cap_watches);
		self->items = items;
		self->cap_items = self->cap_watches;
	}
	for (size_t i = 0; i < self->num_watches; i++) {
		const struct watch *w = &self->watches[i];
		unsigned events =
			(w->events & LOOP_READ ? ZMQ_POLLIN : 0U) | (w->events & LOOP_WRITE ? ZMQ_POLLOUT : 0U);
		if (w->socket == NULL)
			events |= ZMQ_POLLERR;
		self->items[i] = (zmq_pollitem_t){ w->socket, w->fd, (short)events, 0 };
	}
	return NULL;
}

static int64_t next_timeout(const struct loop *self, int64_t max_wait_ms)
{
	int64_t now = clock_mono_ms();
	int64_t wait = max_wait_ms;

	for (size_t i = 0; i < self->num_timers; i++) {
		int64_t left = self->timers[i].due_ms - now;
		if (left < wait)
			wait = left;
	}
	return wait < 0 ? 0 : wait;
}

static void dispatch_signals(struct loop *self, size_t index)
{
	struct signalfd_siginfo info;
	loop_id id = self->watches[index].id;

	/* A callback may remove the watch, which closes the descriptor, or move the array. */
	while (self->watches[index].id == id &&
	       read(self->watches[index].fd, &info, sizeof info) == (ssize_t)sizeof info)
		self->watches[index].signal_fn(self->watches[index].arg, (int)info.ssi_signo);
}

static void dispatch_watches(struct loop *self, size_t num_items)
{
	for (size_t i = 0; i < num_items; i++) {
		unsigned revents = (unsigned)self->items[i].revents;

		if (revents == 0 || self->watches[i].id == 0)
			continue;
		if (self->watches[i].signal_fn != NULL)
			dispatch_signals(self, i);
		else
			self->watches[i].fn(self->watches[i].arg, (revents & ZMQ_POLLIN ? LOOP_READ : 0U) |
									  (revents & ZMQ_POLLOUT ? LOOP_WRITE : 0U) |
									  (revents & ZMQ_POLLERR ? LOOP_ERROR : 0U));
	}
}

static void dispatch_timers(struct loop *self)
{
	int64_t now = clock_mono_ms();
	size_t num = self->num_timers; /* what callbacks add waits for the next turn */

	for (size_t i = 0; i < num; i++) {
		struct timer t = self->timers[i];

		if (t.id == 0 || t.due_ms > now)
			continue;
		if (t.every_ms > 0) {
			self->timers[i].due_ms = now + t.every_ms;
		} else {
			self->timers[i].id = 0;
			self->is_dirty = true;
		}
		t.fn(t.arg);
	}
}

struct err *loop_turn(struct loop *self, int64_t max_wait_ms)
{
	sweep(self);
	TRY(fill_items(self));
	size_t num_items = self->num_watches;
	int rc = zmq_poll(self->items, (int)num_items, (long)next_timeout(self, max_wait_ms));
	if (rc < 0) {
		ENSURE(errno == EINTR, SYSTEM, "zmq_poll: %s", zmq_strerror(errno));
		return NULL;
	}
	int64_t begun = clock_mono_ms();
	self->turned_at_ms = begun;
	if (rc > 0)
		dispatch_watches(self, num_items);
	dispatch_timers(self);
	int64_t took = clock_mono_ms() - begun;
	if (took > self->longest_ms)
		self->longest_ms = took;
	return NULL;
}

struct err *loop_run(struct loop *self)
{
	enum { WAIT_MAX_MS = 500 }; /* so that loop_last_turn_ms() stays small while nothing happens */

	self->is_stopped = false;
	while (!self->is_stopped)
		TRY(loop_turn(self, WAIT_MAX_MS));
	return NULL;
}

void loop_stop(struct loop *self)
{
	self->is_stopped = true;
	loop_wake(self);
}

void loop_wake(struct loop *self)
{
	uint64_t one = 1;
	ssize_t written = write(self->wake_fd, &one, sizeof one);

	(void)written; /* full: it is awake anyway */
}

int64_t loop_last_turn_ms(const struct loop *self)
{
	return clock_mono_ms() - self->turned_at_ms;
}

int64_t loop_longest_turn_ms(struct loop *self)
{
	return atomic_exchange(&self->longest_ms, 0);
}
