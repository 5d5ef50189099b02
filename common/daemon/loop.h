/*
 * loop.h - the one loop of a daemon: bus sockets, raw descriptors, timers and signals over zmq_poll.
 *
 * Level-triggered and single-threaded: a callback runs to its end before the next one is looked at, and one that leaves
 * data unread is called again on the next turn. A callback consumes its own errors (logs them); it has nobody to return
 * them to. It may add and remove watches, itself included, and must never block.
 * Nothing but loop_stop() and loop_wake() may be called from another thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_LOOP_H
#define COMMON_DAEMON_LOOP_H

#include <signal.h>
#include <stdint.h>

#include "base/own.h"

struct loop;

/* Names a watch or timer; never reused, 0 is none. */
typedef uint64_t loop_id;

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_ERROR = 4 };

typedef void loop_io_fn(void *arg, unsigned ready); /* ready: LOOP_* bits */
typedef void loop_timer_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signal_number);

/* loop_create() makes an empty loop. *Owns* the caller, loop_destroy(). */
struct err *loop_create(struct loop **out) ERR_MUST_USE;
void loop_destroy(struct loop **self);
OWN_TYPE(loop, struct loop *, loop_destroy)

/* loop_add_fd() watches a descriptor, which stays the caller's. LOOP_ERROR (hang-up) is always reported. */
struct err *loop_add_fd(struct loop *self, loop_id *out, int fd, unsigned events, loop_io_fn *fn,
			void *arg) ERR_MUST_USE;

/* loop_add_zmq() watches a ZeroMQ socket, which stays the caller's; remove the watch before zmq_close(). */
struct err *loop_add_zmq(struct loop *self, loop_id *out, void *socket, unsigned events, loop_io_fn *fn,
			 void *arg) ERR_MUST_USE;

/* loop_add_timer() calls fn first after `first_ms`, then every `every_ms` (0: once, then it is removed). A late
 * periodic timer is called once, not once for each period missed. */
struct err *loop_add_timer(struct loop *self, loop_id *out, int64_t first_ms, int64_t every_ms, loop_timer_fn *fn,
			   void *arg) ERR_MUST_USE;

/* loop_add_signals() blocks the signals of the set in the calling thread (threads made later inherit that) and reads
 * them from a signalfd. */
struct err *loop_add_signals(struct loop *self, loop_id *out, const sigset_t *set, loop_signal_fn *fn,
			     void *arg) ERR_MUST_USE;

/* loop_set_events() changes what a watch waits for. Unknown ids are ignored. */
void loop_set_events(struct loop *self, loop_id id, unsigned events);

/* loop_set_timer() lets a timer fire next in `delay_ms` from now. Unknown ids are ignored. */
void loop_set_timer(struct loop *self, loop_id id, int64_t delay_ms);

/* loop_remove() forgets a watch or timer; its callback is not called again, not even in this turn. 0 and unknown ids
 * are ignored. */
void loop_remove(struct loop *self, loop_id id);

/* loop_run() turns until loop_stop(). *Errors* SYSTEM when polling itself fails. */
struct err *loop_run(struct loop *self) ERR_MUST_USE;

/* loop_turn() waits at most `max_wait_ms` for one turn and dispatches it: for tests and for draining. */
struct err *loop_turn(struct loop *self, int64_t max_wait_ms) ERR_MUST_USE;

/* loop_stop() ends loop_run() after the current callback. Any thread. */
void loop_stop(struct loop *self);

/* loop_wake() lets the loop turn at once. Any thread. */
void loop_wake(struct loop *self);

/* loop_last_turn_ms() is the time since the loop last came out of poll, loop_longest_turn_ms() the longest time that
 * one turn's callbacks took since the last question (which resets it). */
int64_t loop_last_turn_ms(const struct loop *self);
int64_t loop_longest_turn_ms(struct loop *self);

#endif
