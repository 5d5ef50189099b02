/*
 * conn.c - a connection's input: bytes are handled where they were read, and kept only when a request is not whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/server_private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/problem.h"

void conn_refuse(struct conn *c, enum http_refusal why, int status, const char *reason)
{
	static const char *const words[] = {
		[HTTP_REFUSED_HEAD_SIZE] = "too_large", [HTTP_REFUSED_BODY_SIZE] = "too_large",
		[HTTP_REFUSED_HEAD_TIME] = "timeout",	[HTTP_REFUSED_BODY_TIME] = "timeout",
		[HTTP_REFUSED_HANDLER_TIME] = "retry",	[HTTP_REFUSALS] = NULL
	};
	struct http_thread *t = c->thread;
	struct http_response r = { .status = status, .content_type = HTTP_PROBLEM_MEDIA_TYPE, .close = true };
	OWN(buf) body = BUF_INIT(4096);
	struct http_request request = { .thread = t, .conn = c };

	stat_add(&t->stats.refused[why], 1);
	struct err *e = http_problem(&body, status, words[why] != NULL ? words[why] : "bad_input", reason, NULL);
	log_err(LOG_WARN, NULL, "http_problem_lost", &e);
	r.body = buf_slice(&body);
	if (status == 405)
		r.headers = (t->server->conf.methods & HTTP_POST) != 0 ? SLICE_STR("Allow: GET, HEAD, POST\r\n")
								       : SLICE_STR("Allow: GET, HEAD\r\n");
	c->state = CONN_HANDLING;
	c->head_only = false;
	c->refused = true;
	c->need = 0;
	http_respond(&request, &r);
}

static enum http_refusal refusal_of(int status)
{
	return status == 431 || status == 414 ? HTTP_REFUSED_HEAD_SIZE : HTTP_REFUSED_MALFORMED;
}

static void handle(struct conn *c, struct slice body)
{
	struct http_thread *t = c->thread;

	t->request.body = body;
	t->request.thread = t;
	t->request.conn = c;
	c->state = CONN_HANDLING;
	c->scanned = c->head_len = c->need = 0;
	c->keep_alive = t->request.head.keep_alive;
	c->head_only = t->request.head.method == HTTP_HEAD;
	c->minor = (uint8_t)t->request.head.minor;
	stat_add(&t->stats.requests, 1);
	t->server->conf.hooks.on_request(&t->request, t->user);
	if (c->state == CONN_HANDLING)
		panic("a request was neither answered nor deferred");
	if (c->state == CONN_READING)
		deadline_arm(c, DEADLINE_IDLE);
}

/* The request did not arrive whole: its deadline runs from its first byte, whatever drips in. A client that writes head
 * and body apart may hold the body back until the head is acknowledged (Nagle): that is not to take 40 ms. */
static void await(struct conn *c, enum deadline_kind kind)
{
	int on = 1;

	if (c->deadline_kind == kind)
		return;
	deadline_arm(c, kind);
	(void)setsockopt(c->source.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* Judges what stands at p. Result: bytes used up; 0 when more must come. */
static size_t try_request(struct conn *c, const uint8_t *p, size_t len)
{
	struct http_thread *t = c->thread;
	const struct http_conf *conf = &t->server->conf;
	struct http_head *head = &t->request.head;
	const char *reason = "";

	if (c->need > len)
		return 0;
	long n = c->head_len > 0 ? (long)c->head_len : http_scan_head(p, len, &c->scanned);
	if (n < 0) {
		conn_refuse(c, HTTP_REFUSED_MALFORMED, 400, "a line ends in a bare LF or holds a NUL");
		return len;
	}
	if ((n == 0 ? len : (size_t)n) > conf->max_head_bytes) {
		bool is_target = memchr(p, '\n', conf->max_head_bytes) == NULL;
		conn_refuse(c, HTTP_REFUSED_HEAD_SIZE, is_target ? 414 : 431, "the head is too long");
		return len;
	}
	if (n == 0) {
		await(c, DEADLINE_HEAD);
		return 0;
	}
	int status = http_parse_head(head, &reason, SLICE(p, (size_t)n));
	if (status == 0 && (conf->methods & head->method) == 0) {
		status = 405;
		reason = "the method is not served here";
	}
	if (status != 0) {
		conn_refuse(c, refusal_of(status), status, reason);
		return len;
	}
	if (head->content_length > conf->max_body_bytes) {
		conn_refuse(c, HTTP_REFUSED_BODY_SIZE, 413, "the body is too long");
		return len;
	}
	size_t total = (size_t)n + (size_t)head->content_length;
	if (total > len) {
		if (c->need == 0 && head->expects_continue)
			conn_send_continue(c);
		c->head_len = (size_t)n;
		c->need = total;
		await(c, DEADLINE_BODY);
		return 0;
	}
	handle(c, SLICE(p + n, (size_t)head->content_length));
	return total;
}

static void drop_input(struct conn *c)
{
	struct http_thread *t = c->thread;

	if (c->input != NULL) {
		c->input->next = t->free_inputs;
		t->free_inputs = c->input;
		c->input = NULL;
	}
	c->input_len = 0;
}

/* Keeps the bytes that are not used up, in the connection's own buffer. */
static void keep_rest(struct conn *c, const uint8_t *p, size_t len)
{
	struct http_thread *t = c->thread;

	if (len == 0 || c->state == CONN_FREE || c->closing) {
		drop_input(c);
		return;
	}
	if (c->input == NULL) {
		c->input = t->free_inputs;
		if (c->input != NULL)
			t->free_inputs = c->input->next;
		else
			c->input = malloc(sizeof *c->input + t->input_size);
		if (c->input == NULL) {
			c->refused = c->closing = true;
			return;
		}
		memcpy(c->input->p, p, len);
	} else if (p != c->input->p)
		memmove(c->input->p, p, len);
	c->input_len = len;
}

/* Handles the whole requests in data. True when the connection may go on reading at once. */
static bool process(struct conn *c, const uint8_t *data, size_t len, unsigned *budget)
{
	size_t at = 0;

	while (c->state == CONN_READING && !c->closing && !conn_is_writing(c) && at<len && * budget> 0) {
		if (c->scanned <= 1 && c->need == 0) {
			size_t skipped = http_skip_empty_lines(data + at, len - at);
			at += skipped;
			c->scanned = skipped > 0 ? 0 : c->scanned;
			if (at == len)
				break;
		}
		size_t used = try_request(c, data + at, len - at);
		if (used == 0)
			break;
		at += used;
		c->scanned = 0;
		(*budget)--;
	}
	keep_rest(c, data + at, len - at);
	conn_flush(c);
	return c->state == CONN_READING && !c->closing && !conn_is_writing(c);
}

static void swallow(struct conn *c)
{
	struct http_thread *t = c->thread;

	for (;;) {
		ssize_t n = recv(c->source.fd, t->read_buffer, t->input_size, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || (c->lingered += (size_t)n) > HTTP_LINGER_BYTES) {
			conn_free(c);
			return;
		}
	}
}

/* One read and what it brings. False when there is nothing more to do now. */
static bool read_once(struct conn *c, unsigned *budget)
{
	struct http_thread *t = c->thread;
	uint8_t *base = c->input != NULL ? c->input->p : t->read_buffer;
	size_t have = c->input_len, room = t->input_size - have;
	ssize_t n = recv(c->source.fd, base + have, room, MSG_DONTWAIT);

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN) {
		c->readable = false;
		return false;
	}
	if (n <= 0) {
		conn_free(c);
		return false;
	}
	stat_add(&t->stats.bytes_in, (uint64_t)n);
	if ((size_t)n < room && !c->peer_done)
		c->readable = false; /* a new edge will come (epoll(7)) */
	return process(c, base, have + (size_t)n, budget);
}

void conn_continue(struct conn *c)
{
	unsigned budget = HTTP_TURN_REQUESTS;
	bool go_on = c->state == CONN_READING && !c->closing && !conn_is_writing(c);

	if (c->state == CONN_LINGERING) {
		swallow(c);
		return;
	}
	if (c->state == CONN_FREE)
		return;
	if (conn_is_writing(c)) {
		conn_write(c);
		return;
	}
	if (go_on && c->input_len > 0)
		go_on = process(c, c->input->p, c->input_len, &budget);
	while (go_on && c->readable && budget > 0)
		go_on = read_once(c, &budget);
	if (go_on && budget == 0 && (c->readable || c->input_len > 0))
		loop_make_ready(c);
}

void conn_on_events(struct conn *c, uint32_t events)
{
	if (c->state == CONN_FREE)
		return;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		conn_free(c);
		return;
	}
	c->peer_done |= (events & EPOLLRDHUP) != 0;
	c->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
	if ((events & EPOLLOUT) != 0 && conn_is_writing(c))
		conn_write(c);
	if (c->readable && c->state != CONN_FREE && !conn_is_writing(c))
		conn_continue(c);
}
