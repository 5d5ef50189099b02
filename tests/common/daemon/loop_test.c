/*
 * loop_test.c - watches, timers and signals of the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "daemon/loop.h"
#include "support/suite.h"

struct seen {
	struct loop *loop;
	loop_id id, other;
	int calls;
	unsigned ready;
	int fd;
	void *socket;
	int last_signal;
};

static void on_fd(void *arg, unsigned ready)
{
	struct seen *s = arg;
	char c;

	s->calls++;
	s->ready = ready;
	if (read(s->fd, &c, 1) == 0)
		loop_remove(s->loop, s->id);
}

START_TEST(a_descriptor_is_reported_until_it_is_read)
{
	OWN(loop) loop = NULL;
	struct seen s = { 0 };
	int fds[2];

	ck_ok(loop_create(&loop));
	ck_assert_int_eq(pipe(fds), 0);
	s.loop = loop;
	s.fd = fds[0];
	ck_ok(loop_add_fd(loop, &s.id, fds[0], LOOP_READ, on_fd, &s));
	ck_ok(loop_turn(loop, 0));
	ck_assert_int_eq(s.calls, 0);
	ck_assert_int_eq(write(fds[1], "ab", 2), 2);
	ck_ok(loop_turn(loop, 1000));
	ck_ok(loop_turn(loop, 1000));
	ck_assert_int_eq(s.calls, 2);
	ck_assert_uint_eq(s.ready, LOOP_READ);
	ck_ok(loop_turn(loop, 0));
	ck_assert_int_eq(s.calls, 2);
	close(fds[1]);
	ck_ok(loop_turn(loop, 1000));
	ck_assert_int_eq(s.calls, 3);
	ck_assert((s.ready & LOOP_ERROR) != 0);
	ck_ok(loop_turn(loop, 0));
	ck_assert_int_eq(s.calls, 3);
	close(fds[0]);
}
END_TEST

START_TEST(events_can_be_changed)
{
	OWN(loop) loop = NULL;
	struct seen s = { 0 };
	int fds[2];

	ck_ok(loop_create(&loop));
	ck_assert_int_eq(pipe(fds), 0);
	s.loop = loop;
	s.fd = fds[0];
	ck_ok(loop_add_fd(loop, &s.id, fds[0], 0, on_fd, &s));
	ck_assert_int_eq(write(fds[1], "a", 1), 1);
	ck_ok(loop_turn(loop, 0));
	ck_assert_int_eq(s.calls, 0);
	loop_set_events(loop, s.id, LOOP_READ);
	loop_set_events(loop, 999, LOOP_READ);
	ck_ok(loop_turn(loop, 1000));
	ck_assert_int_eq(s.calls, 1);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void remove_other(void *arg, unsigned ready)
{
	struct seen *s = arg;

	(void)ready;
	s->calls++;
	loop_remove(s->loop, s->other);
}

START_TEST(what_is_removed_in_a_turn_is_not_called_in_it)
{
	OWN(loop) loop = NULL;
	struct seen a = { 0 }, b = { 0 };
	int fds[2];

	ck_ok(loop_create(&loop));
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "a", 1), 1);
	a.loop = b.loop = loop;
	ck_ok(loop_add_fd(loop, &a.id, fds[0], LOOP_READ, remove_other, &a));
	ck_ok(loop_add_fd(loop, &b.id, fds[0], LOOP_READ, remove_other, &b));
	a.other = b.id;
	b.other = a.id;
	ck_ok(loop_turn(loop, 1000));
	ck_assert_int_eq(a.calls + b.calls, 1);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void count_call(void *arg)
{
	((struct seen *)arg)->calls++;
}

static void stop_after_three(void *arg)
{
	struct seen *s = arg;

	if (++s->calls == 3)
		loop_stop(s->loop);
}

START_TEST(timers_once_and_again)
{
	OWN(loop) loop = NULL;
	struct seen once = { 0 }, again = { 0 }, later = { 0 }, moved = { 0 };
	loop_id id;

	ck_ok(loop_create(&loop));
	again.loop = loop;
	ck_ok(loop_add_timer(loop, &id, 0, 0, count_call, &once));
	ck_ok(loop_add_timer(loop, &id, 1, 2, stop_after_three, &again));
	ck_ok(loop_add_timer(loop, &later.id, 100000, 0, count_call, &later));
	ck_ok(loop_add_timer(loop, &moved.id, 100000, 0, count_call, &moved));
	loop_set_timer(loop, moved.id, 0);
	ck_ok(loop_run(loop));
	ck_assert_int_eq(once.calls, 1);
	ck_assert_int_eq(again.calls, 3);
	ck_assert_int_eq(later.calls, 0);
	ck_assert_int_eq(moved.calls, 1);
	ck_assert_int_le(loop_last_turn_ms(loop), 10000);
}
END_TEST

static void add_many(void *arg)
{
	struct seen *s = arg;
	loop_id id;

	for (int i = 0; i < 100; i++)
		ck_ok(loop_add_timer(s->loop, &id, 0, 0, count_call, s));
}

START_TEST(a_callback_may_add_more)
{
	OWN(loop) loop = NULL;
	struct seen s = { 0 };
	loop_id id;

	ck_ok(loop_create(&loop));
	s.loop = loop;
	ck_ok(loop_add_timer(loop, &id, 0, 0, add_many, &s));
	ck_ok(loop_turn(loop, 1000));
	ck_assert_int_eq(s.calls, 0);
	ck_ok(loop_turn(loop, 1000));
	ck_assert_int_eq(s.calls, 100);
}
END_TEST

static void on_message(void *arg, unsigned ready)
{
	struct seen *s = arg;
	char text[16];

	s->ready = ready;
	s->calls += zmq_recv(s->socket, text, sizeof text, ZMQ_DONTWAIT) > 0;
}

START_TEST(zmq_sockets_are_level_triggered)
{
	OWN(loop) loop = NULL;
	struct seen s = { 0 };
	void *zmq = zmq_ctx_new();
	void *out = zmq_socket(zmq, ZMQ_PAIR);

	s.socket = zmq_socket(zmq, ZMQ_PAIR);
	ck_assert_int_eq(zmq_bind(s.socket, "inproc://loop"), 0);
	ck_assert_int_eq(zmq_connect(out, "inproc://loop"), 0);
	ck_ok(loop_create(&loop));
	ck_ok(loop_add_zmq(loop, &s.id, s.socket, LOOP_READ, on_message, &s));
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(zmq_send(out, "x", 1, 0), 1);
	for (int i = 0; i < 3; i++)
		ck_ok(loop_turn(loop, 5000));
	ck_assert_int_eq(s.calls, 3);
	ck_assert_uint_eq(s.ready, LOOP_READ);
	loop_remove(loop, s.id);
	zmq_close(s.socket);
	zmq_close(out);
	zmq_ctx_term(zmq);
	ck_ok(loop_turn(loop, 0));
}
END_TEST

static void on_signal(void *arg, int signal_number)
{
	struct seen *s = arg;

	s->calls++;
	s->last_signal = signal_number;
}

START_TEST(signals_are_events)
{
	OWN(loop) loop = NULL;
	struct seen s = { 0 };
	sigset_t set;

	ck_ok(loop_create(&loop));
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	ck_ok(loop_add_signals(loop, &s.id, &set, on_signal, &s));
	ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
	ck_ok(loop_turn(loop, 5000));
	ck_assert_int_eq(s.calls, 1);
	ck_assert_int_eq(s.last_signal, SIGHUP);
	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	ck_ok(loop_turn(loop, 5000));
	ck_assert_int_eq(s.last_signal, SIGUSR1);
}
END_TEST

static void *stop_from_thread(void *arg)
{
	loop_stop(arg);
	return NULL;
}

static void start_thread(void *arg)
{
	struct seen *s = arg;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, stop_from_thread, s->loop), 0);
	ck_assert_int_eq(pthread_detach(thread), 0);
}

START_TEST(another_thread_may_stop_it)
{
	OWN(loop) loop = NULL;
	struct seen s = { 0 };
	loop_id id;
	int64_t begun = clock_mono_ms();

	ck_ok(loop_create(&loop));
	s.loop = loop;
	ck_ok(loop_add_timer(loop, &id, 0, 0, start_thread, &s));
	ck_ok(loop_run(loop));
	ck_assert_int_lt(clock_mono_ms() - begun, 10000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/daemon/loop");
	TCase *t = tcase_create("loop");

	tcase_add_test(t, a_descriptor_is_reported_until_it_is_read);
	tcase_add_test(t, events_can_be_changed);
	tcase_add_test(t, what_is_removed_in_a_turn_is_not_called_in_it);
	tcase_add_test(t, timers_once_and_again);
	tcase_add_test(t, a_callback_may_add_more);
	tcase_add_test(t, zmq_sockets_are_level_triggered);
	tcase_add_test(t, signals_are_events);
	tcase_add_test(t, another_thread_may_stop_it);
	suite_add_tcase(s, t);
	return suite_main(s);
}
