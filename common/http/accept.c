/*
 * accept.c - new connections: limits, slots, and what to do when descriptors run out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/server_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct conn *take_slot(struct http_thread *t)
{
	struct conn *c = t->free_conns;

	if (c != NULL)
		t->free_conns = c->next_ready;
	else if (t->conns_used < t->server->conf.max_connections) {
		c = &t->conns[t->conns_used];
		c->slot = t->conns_used++;
	}
	return c;
}

/* The peer learns why, if it reads; nothing waits for it. */
static void turn_away(struct http_thread *t, int fd, enum http_refusal why)
{
	static const char text[] =
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: "
		"close\r\n\r\n";

	stat_add(&t->stats.refused[why], 1);
	(void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

static void begin_conn(struct http_thread *t, int fd, struct address address)
{
	struct conn *c = take_slot(t);
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

	if (c == NULL) {
		addresses_leave(t->server->addresses, address);
		atomic_fetch_sub(&t->server->num_open, 1);
		turn_away(t, fd, HTTP_REFUSED_CONNECTIONS);
		return;
	}
	uint32_t slot = c->slot, generation = c->generation + 1;
	*c = (struct conn){ .source = { SOURCE_CONN, fd },
			    .thread = t,
			    .slot = slot,
			    .generation = generation,
			    .state = CONN_READING,
			    .deadline_kind = DEADLINE_NONE,
			    .keep_alive = true,
			    .minor = 1,
			    .address = address };
	t->num_open++;
	stat_add(&t->stats.connections, 1);
	atomic_store_explicit(&t->stats.open, t->num_open, memory_order_relaxed);
	deadline_arm(c, DEADLINE_IDLE);
	event.data.ptr = &c->source;
	if (epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		conn_free(c);
}

static void admit(struct http_thread *t, int fd, const struct sockaddr_storage *peer)
{
	struct http_server *s = t->server;
	struct address address = addresses_of(peer);

	if (atomic_fetch_add(&s->num_open, 1) >= s->conf.max_connections) {
		atomic_fetch_sub(&s->num_open, 1);
		turn_away(t, fd, HTTP_REFUSED_CONNECTIONS);
	} else if (!addresses_enter(s->addresses, address, s->conf.max_connections_per_ip)) {
		atomic_fetch_sub(&s->num_open, 1);
		turn_away(t, fd, HTTP_REFUSED_ADDRESS);
	} else
		begin_conn(t, fd, address);
}

/* Out of descriptors: one is kept back to take a connection off the queue and close it, so that the loop does not spin. */
static bool accept_spare(struct http_thread *t, int listen_fd)
{
	if (t->spare_fd < 0)
		return false;
	(void)close(t->spare_fd);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(t, fd, HTTP_REFUSED_CONNECTIONS);
	t->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

void accept_all(struct http_thread *t, int listen_fd)
{
	for (int i = 0; i < 64; i++) {
		struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
		socklen_t len = sizeof peer;
		int fd = accept4(listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			admit(t, fd, &peer);
		else if (errno == EMFILE || errno == ENFILE) {
			if (!accept_spare(t, listen_fd))
				return;
		} else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}
