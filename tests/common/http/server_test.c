/*
 * server_test.c - common/http over real sockets: pipelining, split bytes, limits, deadlines, files, early ends.
 *
 * Nothing sleeps: a client that waits for the server to close a connection reads until it does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/server.h"
#include "support/suite.h"

enum { BIG = 3 * 1024 * 1024 };

/* ---- a server with one handler that knows a few paths */

struct fixture {
	struct http_server *server;
	struct http_conf conf;
	struct http_file *file;
	char folder[64];
	uint8_t *big;
	struct http_deferred waiting[64]; /* of thread 0 */
	size_t num_waiting;
	atomic_int num_deferred, num_lost, num_batches, num_timers;
};

static struct fixture fx;
static const char *const listen_any[] = { "127.0.0.1:0" };

static bool path_is(const struct http_request *r, const char *path)
{
	return slice_equal(r->head.path, SLICE_STR(path));
}

static void on_request(struct http_request *r, void *user)
{
	struct http_response a = { .status = 200, .content_type = "text/plain" };

	(void)user;
	if (path_is(r, "/defer") || path_is(r, "/never")) {
		struct http_deferred d = http_defer(r);
		if (path_is(r, "/defer"))
			fx.waiting[fx.num_waiting++] = d;
		atomic_fetch_add(&fx.num_deferred, 1);
		return;
	}
	if (path_is(r, "/file")) {
		http_respond_file(r, fx.file);
		return;
	}
	if (path_is(r, "/none")) {
		http_respond_problem(r, 404, "not_found", "no such thing");
		return;
	}
	if (path_is(r, "/big"))
		a.body = SLICE(fx.big, BIG);
	else if (path_is(r, "/close"))
		a.close = true;
	else if (r->body.len > 0)
		a.body = r->body;
	else
		a.body = r->head.path;
	a.headers = SLICE_STR("X-Test: yes\r\n");
	http_respond(r, &a);
}

static void answer_waiting(struct http_thread *thread, void *user)
{
	struct http_response a = { .status = 200, .body = SLICE_STR("later") };

	(void)user;
	if (http_thread_index(thread) != 0)
		return;
	for (size_t i = 0; i < fx.num_waiting; i++)
		if (!http_answer(thread, fx.waiting[i], &a) || http_answer(thread, fx.waiting[i], &a))
			atomic_fetch_add(&fx.num_lost, 1);
	fx.num_waiting = 0;
}

static void on_batch_end(struct http_thread *thread, void *user)
{
	(void)thread;
	(void)user;
	atomic_fetch_add(&fx.num_batches, 1);
}

static void make_file(void)
{
	char path[96];
	struct http_file_conf conf = { .content_type = "application/pkix-crl",
				       .etag = "\"e1\"",
				       .headers = "Cache-Control: max-age=60\r\n",
				       .last_modified_at = 784111777 };

	(void)snprintf(fx.folder, sizeof fx.folder, "/tmp/nuc-http-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fx.folder));
	(void)snprintf(path, sizeof path, "%s/list.crl", fx.folder);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(fx.big, 1, BIG, f), BIG);
	ck_assert_int_eq(fclose(f), 0);
	ck_ok(http_file_open(&fx.file, AT_FDCWD, path, &conf));
	ck_assert_int_eq(unlink(path), 0); /* an open file outlives its name */
	ck_assert_int_eq(rmdir(fx.folder), 0);
}

static void setup(void)
{
	struct rlimit files = { 8192, 8192 };

	(void)setrlimit(RLIMIT_NOFILE, &files);
	memset(&fx, 0, sizeof fx);
	fx.big = malloc(BIG);
	ck_assert_ptr_nonnull(fx.big);
	for (size_t i = 0; i < BIG; i++)
		fx.big[i] = (uint8_t)(i * 2654435761u >> 24);
	make_file();
	fx.conf = http_conf_default();
	fx.conf.listen = listen_any;
	fx.conf.num_listen = 1;
	fx.conf.name = "test";
	fx.conf.methods |= HTTP_POST;
	fx.conf.max_head_bytes = 1024;
	fx.conf.max_body_bytes = 4096;
	fx.conf.max_connections = 3000;
	fx.conf.max_connections_per_ip = 2000;
	fx.conf.hooks.on_request = on_request;
	fx.conf.hooks.on_wake = answer_waiting;
	fx.conf.hooks.on_batch_end = on_batch_end;
}

static void start(void)
{
	ck_ok(http_server_create(&fx.server, &fx.conf));
	ck_ok(http_server_start(fx.server));
}

static void teardown(void)
{
	http_server_destroy(&fx.server);
	http_file_release(&fx.file);
	free(fx.big);
}

/* ---- a client */

static int client(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(fx.server, 0)) };
	struct timeval patience = { 20, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	size_t n = strlen(text);
	ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

struct answer {
	int status;
	char head[2048];
	uint8_t *body;
	size_t body_len;
};

static bool hear_bytes(int fd, uint8_t *out, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(fd, out + got, len - got, 0);
		if (n < 0 && errno == EINTR)
			continue;
		ck_assert_msg(n >= 0 || errno == ECONNRESET, "recv: %s", strerror(errno));
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* Reads one answer; `is_head`: no body follows. False when the connection ended instead. */
static bool hear(int fd, struct answer *out, bool is_head)
{
	size_t n = 0;

	memset(out, 0, sizeof *out);
	while (n < 4 || memcmp(out->head + n - 4, "\r\n\r\n", 4) != 0) {
		ck_assert_uint_lt(n, sizeof out->head - 1);
		if (!hear_bytes(fd, (uint8_t *)out->head + n, 1)) {
			ck_assert_uint_eq(n, 0);
			return false;
		}
		n++;
	}
	ck_assert_int_eq(sscanf(out->head, "HTTP/1.1 %d ", &out->status), 1);
	ck_assert_ptr_nonnull(strstr(out->head, "\r\nDate: "));
	const char *length = strstr(out->head, "\r\nContent-Length: ");
	if (is_head || out->status == 304 || length == NULL)
		return true;
	out->body_len = strtoul(length + 18, NULL, 10);
	out->body = malloc(out->body_len + 1);
	ck_assert_ptr_nonnull(out->body);
	ck_assert(hear_bytes(fd, out->body, out->body_len));
	out->body[out->body_len] = 0;
	return true;
}

static void expect(int fd, int status, const char *body)
{
	struct answer a;

	ck_assert(hear(fd, &a, false));
	ck_assert_msg(a.status == status, "%s", a.head);
	if (body != NULL)
		ck_assert_msg(strstr((char *)a.body, body) != NULL, "%s: %s", a.head, a.body);
	free(a.body);
}

static void expect_end(int fd)
{
	uint8_t byte;
	ck_assert(!hear_bytes(fd, &byte, 1));
	(void)close(fd);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"

/* ---- tests */

START_TEST(test_keep_alive_and_pipelining)
{
	start();
	int fd = client();

	say(fd, GET("/a"));
	expect(fd, 200, "/a");
	say(fd, GET("/b") GET("/c") "\r\nPOST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nbody" GET("/d"));
	expect(fd, 200, "/b");
	expect(fd, 200, "/c");
	expect(fd, 200, "body");
	expect(fd, 200, "/d");
	for (int i = 0; i < 500; i++)
		say(fd, GET("/pipe"));
	for (int i = 0; i < 500; i++)
		expect(fd, 200, "/pipe");
	say(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	expect(fd, 200, NULL);
	say(fd, "GET / HTTP/1.0\r\n\r\n");
	expect(fd, 200, NULL);
	expect_end(fd);

	fd = client();
	say(fd, "GET /a HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	expect(fd, 200, "/a");
	expect_end(fd);
	fd = client();
	say(fd, GET("/close"));
	expect(fd, 200, NULL);
	expect_end(fd);
}
END_TEST

START_TEST(test_split_bytes)
{
	static const char text[] = "POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n0123456789" GET("/y");

	start();
	int fd = client();
	for (size_t i = 0; i < sizeof text - 1; i++)
		ck_assert_int_eq(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
	expect(fd, 200, "0123456789");
	expect(fd, 200, "/y");
	(void)close(fd);
}
END_TEST

START_TEST(test_head_and_problem)
{
	struct answer a;

	start();
	int fd = client();
	say(fd, "HEAD /abc HTTP/1.1\r\nHost: t\r\n\r\n" GET("/next"));
	ck_assert(hear(fd, &a, true));
	ck_assert_ptr_nonnull(strstr(a.head, "Content-Length: 4\r\n"));
	ck_assert_ptr_nonnull(strstr(a.head, "X-Test: yes\r\n"));
	expect(fd, 200, "/next");
	say(fd, GET("/none"));
	expect(fd, 404, "urn:nuc:problem:not_found");
	(void)close(fd);
}
END_TEST

START_TEST(test_big_answer_to_a_slow_reader)
{
	struct answer a;

	start();
	int fd = client(), other = client();
	say(fd, GET("/big") GET("/file") GET("/after"));
	say(other, GET("/quick")); /* others are served meanwhile */
	expect(other, 200, "/quick");
	for (int i = 0; i < 2; i++) {
		ck_assert(hear(fd, &a, false));
		ck_assert_uint_eq(a.body_len, BIG);
		ck_assert_int_eq(memcmp(a.body, fx.big, BIG), 0);
		free(a.body);
	}
	expect(fd, 200, "/after");
	(void)close(fd);
	(void)close(other);
}
END_TEST

static const struct {
	const char *fields;
	int status;
	size_t offset, len;
	const char *line;
} file_cases[] = {
	{ "", 200, 0, BIG, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n" },
	{ "", 200, 0, BIG, "Cache-Control: max-age=60\r\n" },
	{ "Range: bytes=0-9\r\n", 206, 0, 10, "Content-Range: bytes 0-9/3145728\r\n" },
	{ "Range: bytes=-5\r\n", 206, BIG - 5, 5, "Content-Range: bytes 3145723-3145727/3145728\r\n" },
	{ "Range: bytes=1000000-\r\n", 206, 1000000, BIG - 1000000, "ETag: \"e1\"\r\n" },
	{ "Range: bytes=9999999-\r\n", 416, 0, 0, "Content-Range: bytes */3145728\r\n" },
	{ "Range: bytes=0-1,5-6\r\n", 200, 0, BIG, "Accept-Ranges: bytes\r\n" },
	{ "Range: bytes=0-9\r\nIf-Range: \"e1\"\r\n", 206, 0, 10, "Content-Length: 10\r\n" },
	{ "Range: bytes=0-9\r\nIf-Range: \"old\"\r\n", 200, 0, BIG, "Content-Length: 3145728\r\n" },
	{ "Range: bytes=0-9\r\nIf-Range: W/\"e1\"\r\n", 200, 0, BIG, "" },
	{ "If-None-Match: \"e1\"\r\n", 304, 0, 0, "ETag: \"e1\"\r\n" },
	{ "If-None-Match: \"e2\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200, 0, BIG, "" },
	{ "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 304, 0, 0, "" },
	{ "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 200, 0, BIG, "" },
};

START_TEST(test_files)
{
	struct answer a;
	char text[512];

	start();
	int fd = client();
	for (int i = 0; i < COUNT_OF(file_cases); i++) {
		(void)snprintf(text, sizeof text, "GET /file HTTP/1.1\r\nHost: t\r\n%s\r\n", file_cases[i].fields);
		say(fd, text);
		ck_assert(hear(fd, &a, false));
		ck_assert_msg(a.status == file_cases[i].status, "%s-> %s", file_cases[i].fields, a.head);
		ck_assert_msg(strstr(a.head, file_cases[i].line) != NULL, "%s-> %s", file_cases[i].fields, a.head);
		ck_assert_uint_eq(a.body_len, file_cases[i].len);
		if (a.body_len > 0)
			ck_assert_int_eq(memcmp(a.body, fx.big + file_cases[i].offset, a.body_len), 0);
		free(a.body);
	}
	say(fd, "HEAD /file HTTP/1.1\r\nHost: t\r\nRange: bytes=0-9\r\n\r\n");
	ck_assert(hear(fd, &a, true));
	ck_assert_ptr_nonnull(strstr(a.head, "Content-Length: 3145728\r\n"));
	(void)close(fd);
	ck_fails(http_file_open(&(struct http_file *){ NULL }, AT_FDCWD, "/tmp/nuc-no-such-file",
				&(struct http_file_conf){ 0 }),
		 ERR_NOT_FOUND, "no such file");
	ck_fails(http_file_open(&(struct http_file *){ NULL }, AT_FDCWD, "/tmp", &(struct http_file_conf){ 0 }),
		 ERR_NOT_FOUND, "not a regular file");
}
END_TEST

static const struct {
	const char *text;
	int status;
} refusals[] = {
	{ "GET / HTTP/1.1\nHost: t\n\n", 400 },
	{ "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\nHost: t\r\n\r\n", 405 },
	{ "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411 },
	{ "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4097\r\n\r\n", 413 },
	{ "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400 },
	{ "GET / HTTP/3.0\r\nHost: t\r\n\r\n", 505 },
	{ "\x16\x03\x01\x02\x01\x01\n", 400 },
};

START_TEST(test_refusals)
{
	struct http_stats stats;
	OWN(buf) longer = BUF_INIT(8192);
	const char *text;

	start();
	for (int i = 0; i < COUNT_OF(refusals); i++) {
		int fd = client();
		say(fd, GET("/ok"));
		say(fd, refusals[i].text);
		say(fd, GET("/ignored")); /* after a refusal nothing more is read as a request */
		expect(fd, 200, "/ok");
		expect(fd, refusals[i].status, "urn:nuc:problem:");
		(void)shutdown(fd, SHUT_WR);
		expect_end(fd);
	}
	for (int is_target = 0; is_target < 2; is_target++) {
		int fd = client();
		buf_reset(&longer);
		ck_ok(buf_append_str(&longer, is_target ? "GET /" : "GET / HTTP/1.1\r\nHost: t\r\nX: "));
		for (int i = 0; i < 1100; i++)
			ck_ok(buf_append_u8(&longer, 'a'));
		ck_ok(buf_str(&longer, &text));
		say(fd, text);
		expect(fd, is_target ? 414 : 431, "too_large");
		expect_end(fd);
	}
	http_server_stats(fx.server, &stats);
	ck_assert_uint_eq(stats.refused[HTTP_REFUSED_MALFORMED], 7);
	ck_assert_uint_eq(stats.refused[HTTP_REFUSED_BODY_SIZE], 1);
	ck_assert_uint_eq(stats.refused[HTTP_REFUSED_HEAD_SIZE], 2);
	ck_assert_uint_eq(stats.requests, COUNT_OF(refusals));
}
END_TEST

START_TEST(test_expect_continue)
{
	char line[26] = "";

	start();
	int fd = client();
	say(fd, "POST /x HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	ck_assert(hear_bytes(fd, (uint8_t *)line, 25));
	ck_assert_str_eq(line, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "abc");
	expect(fd, 200, "abc");
	(void)close(fd);
}
END_TEST

/* A dripping client holds its slot for the time given, then it is answered 408 and closed, however often it sends. */
START_TEST(test_slow_clients)
{
	struct http_stats stats;

	fx.conf.head_timeout_ms = 80;
	fx.conf.body_timeout_ms = 80;
	fx.conf.idle_timeout_ms = 150;
	start();
	int head = client(), body = client(), idle = client();
	say(head, "GET / HT");
	say(body, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc");
	expect(head, 408, "timeout");
	expect(body, 408, "timeout");
	expect_end(head);
	expect_end(body);
	expect_end(idle);
	http_server_stats(fx.server, &stats);
	ck_assert_uint_eq(stats.refused[HTTP_REFUSED_HEAD_TIME], 1);
	ck_assert_uint_eq(stats.refused[HTTP_REFUSED_BODY_TIME], 1);
	ck_assert_uint_eq(stats.idle_closed, 1);
}
END_TEST

/* A deadline is absolute: bytes that keep coming do not move it. */
START_TEST(test_dripping_client)
{
	fx.conf.head_timeout_ms = 200;
	start();
	int fd = client();
	int64_t began_ms = clock_mono_ms();
	struct timeval patience = { 0, 20000 };
	uint8_t byte;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	for (;;) { /* a byte every 20 ms */
		if (send(fd, "G", 1, MSG_NOSIGNAL) < 0)
			break;
		if (recv(fd, &byte, 1, 0) >= 0)
			break;
		ck_assert_int_lt(clock_mono_ms() - began_ms, 10000);
	}
	ck_assert_int_ge(clock_mono_ms() - began_ms, 150);
	(void)close(fd);
}
END_TEST

START_TEST(test_reader_that_stops)
{
	struct http_stats stats;
	int small = 4096;

	fx.conf.write_timeout_ms = 100;
	start();
	int fd = client();
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	for (int i = 0; i < 20; i++)
		say(fd, GET("/file"));
	do /* the server closes it at its deadline */
		http_server_stats(fx.server, &stats);
	while (stats.refused[HTTP_REFUSED_WRITE_TIME] == 0 || stats.connections_open > 0);
	(void)close(fd);
}
END_TEST

static void wait_deferred(int n)
{
	while (atomic_load(&fx.num_deferred) < n)
		(void)sched_yield();
}

START_TEST(test_deferred)
{
	start();
	int fds[20];
	for (int i = 0; i < 20; i++) {
		fds[i] = client();
		say(fds[i], GET("/first") GET("/defer") GET("/last"));
	}
	wait_deferred(20);
	for (int i = 0; i < 20; i++)
		expect(fds[i], 200, "/first"); /* what came before is not held up */
	http_server_wake(fx.server);
	for (int i = 0; i < 20; i++) {
		expect(fds[i], 200, "later");
		expect(fds[i], 200, "/last");
		(void)close(fds[i]);
	}
	ck_assert_int_eq(atomic_load(&fx.num_lost), 0);
	ck_assert_int_gt(atomic_load(&fx.num_batches), 0);
}
END_TEST

START_TEST(test_deferred_but_gone)
{
	struct http_stats stats;
	struct linger reset = { 1, 0 };

	start();
	int fd = client(), other = client();
	say(fd, GET("/defer"));
	wait_deferred(1);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	(void)close(fd); /* a reset: the connection is gone at once */
	do
		http_server_stats(fx.server, &stats);
	while (stats.connections_open > 1);
	http_server_wake(fx.server);
	do {
		say(other, GET("/x"));
		expect(other, 200, "/x");
	} while (atomic_load(&fx.num_lost) == 0);
	ck_assert_int_eq(atomic_load(&fx.num_lost), 1);
	(void)close(other);
}
END_TEST

START_TEST(test_handler_too_late)
{
	fx.conf.handler_timeout_ms = 60;
	start();
	int fd = client();
	say(fd, GET("/defer"));
	expect(fd, 503, "retry");
	expect_end(fd);
	http_server_wake(fx.server);
	fd = client();
	while (atomic_load(&fx.num_lost) == 0) {
		say(fd, GET("/x"));
		expect(fd, 200, "/x");
	}
	(void)close(fd);
}
END_TEST

/* An early half-close still gets its answers; a close without reading harms nobody. */
START_TEST(test_early_ends)
{
	struct http_stats stats;

	start();
	int fd = client();
	say(fd, GET("/a") GET("/b"));
	(void)shutdown(fd, SHUT_WR);
	expect(fd, 200, "/a");
	expect(fd, 200, "/b");
	expect_end(fd);
	for (int i = 0; i < 200; i++) {
		fd = client();
		say(fd, i % 3 == 0 ? GET("/big") : i % 3 == 1 ? "GET / HT" : GET("/file"));
		(void)close(fd);
	}
	fd = client();
	do {
		say(fd, GET("/x"));
		expect(fd, 200, "/x");
		http_server_stats(fx.server, &stats);
	} while (stats.connections_open > 1 || stats.connections < 202);
	(void)close(fd);
}
END_TEST

START_TEST(test_limits_of_connections)
{
	struct http_stats stats;
	int fds[12];

	fx.conf.max_connections = 8;
	fx.conf.max_connections_per_ip = _i == 0 ? 5 : 0;
	start();
	int limit = _i == 0 ? 5 : 8;
	for (int i = 0; i < 12; i++) {
		fds[i] = client();
		if (i >= limit) { /* turned away before a word is said */
			char line[13] = "";
			ck_assert(hear_bytes(fds[i], (uint8_t *)line, 12));
			ck_assert_str_eq(line, "HTTP/1.1 503");
		} else {
			say(fds[i], GET("/x"));
			expect(fds[i], 200, "/x");
		}
	}
	http_server_stats(fx.server, &stats);
	ck_assert_uint_eq(stats.connections_open, (uint64_t)limit);
	ck_assert_uint_eq(stats.refused[_i == 0 ? HTTP_REFUSED_ADDRESS : HTTP_REFUSED_CONNECTIONS],
			  (uint64_t)(12 - limit));
	for (int i = 0; i < 12; i++)
		(void)close(fds[i]);
	do /* freed slots are used again */
		http_server_stats(fx.server, &stats);
	while (stats.connections_open > 0);
	fds[0] = client();
	say(fds[0], GET("/again"));
	expect(fds[0], 200, "/again");
	(void)close(fds[0]);
}
END_TEST

START_TEST(test_idle_crowd)
{
	static int crowd[1500];

	fx.conf.num_threads = 2;
	start();
	for (int i = 0; i < COUNT_OF(crowd); i++) {
		crowd[i] = client();
		if (i % 3 != 0) /* a third says nothing, a third drips, a third stops within a body */
			say(crowd[i], i % 3 == 1 ? "GET / HTTP/1.1\r\nHo"
						 : "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nx");
	}
	int fd = client();
	int64_t began_ms = clock_mono_ms();
	for (int i = 0; i < 1000; i++) {
		say(fd, GET("/busy"));
		expect(fd, 200, "/busy");
	}
	ck_assert_int_lt(clock_mono_ms() - began_ms, 15000);
	for (int i = 0; i < COUNT_OF(crowd); i++)
		(void)close(crowd[i]);
	(void)close(fd);
}
END_TEST

static void *drain(void *arg)
{
	(void)arg;
	http_server_drain(fx.server, 20000);
	return NULL;
}

START_TEST(test_drain)
{
	pthread_t thread;
	struct answer a;

	start();
	int idle = client(), busy = client();
	say(idle, GET("/x"));
	expect(idle, 200, "/x");
	say(busy, GET("/defer"));
	wait_deferred(1);
	ck_assert_int_eq(pthread_create(&thread, NULL, drain, NULL), 0);
	expect_end(idle); /* closed at once */
	http_server_wake(fx.server);
	ck_assert(hear(busy, &a, false)); /* finished first, and told that this is the end */
	ck_assert_ptr_nonnull(strstr(a.head, "Connection: close\r\n"));
	free(a.body);
	expect_end(busy);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

static struct err *on_start_fails(struct http_thread *thread, void *arg, void **out_user)
{
	(void)arg;
	(void)out_user;
	ENSURE(http_thread_index(thread) != 1, CONFIG, "thread 1 has no luck");
	return NULL;
}

static void on_watched(struct http_thread *thread, void *arg, int fd, uint32_t events)
{
	char byte;

	(void)events;
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	*(char *)arg = byte;
	http_thread_unwatch(thread, fd);
	http_thread_set_timer(thread, clock_mono_ms() + 1);
}

static char watched_byte;
static int watched_fds[2];

static struct err *on_start_watches(struct http_thread *thread, void *arg, void **out_user)
{
	(void)arg;
	*out_user = NULL;
	return http_thread_watch(thread, watched_fds[0], EPOLLIN, on_watched, &watched_byte);
}

static void on_timer(struct http_thread *thread, void *user)
{
	(void)thread;
	(void)user;
	atomic_fetch_add(&fx.num_timers, 1);
}

START_TEST(test_watches_and_timer)
{
	ck_assert_int_eq(pipe2(watched_fds, O_CLOEXEC), 0);
	fx.conf.hooks.on_start = on_start_watches;
	fx.conf.hooks.on_timer = on_timer;
	start();
	ck_assert_int_eq(write(watched_fds[1], "w", 1), 1);
	while (atomic_load(&fx.num_timers) == 0)
		(void)sched_yield();
	ck_assert_int_eq(watched_byte, 'w');
	http_server_drain(fx.server, 0);
	ck_assert_int_eq(atomic_load(&fx.num_timers), 1);
	(void)close(watched_fds[0]);
	(void)close(watched_fds[1]);
}
END_TEST

START_TEST(test_bad_configurations)
{
	static const char *const bad[] = { "localhost", "127.0.0.1:", "nohost.invalid:1", "127.0.0.1:99999" };
	const char *one[1];

	for (int i = 0; i < COUNT_OF(bad); i++) {
		one[0] = bad[i];
		fx.conf.listen = one;
		ck_fails(http_server_create(&fx.server, &fx.conf), ERR_CONFIG, bad[i]);
	}
	fx.conf.listen = listen_any;
	fx.conf.num_threads = 0;
	ck_fails(http_server_create(&fx.server, &fx.conf), ERR_CONFIG, "threads");
	fx.conf.num_threads = 3;
	fx.conf.hooks.on_start = on_start_fails;
	ck_ok(http_server_create(&fx.server, &fx.conf));
	ck_fails(http_server_start(fx.server), ERR_CONFIG, "no luck");
	http_server_destroy(&fx.server);

	/* A port that another server holds is refused, though SO_REUSEPORT would share it. */
	fx.conf.hooks.on_start = NULL;
	start();
	struct http_server *second = NULL;
	char taken[32];
	(void)snprintf(taken, sizeof taken, "127.0.0.1:%u", http_server_port(fx.server, 0));
	one[0] = taken;
	fx.conf.listen = one;
	ck_fails(http_server_create(&second, &fx.conf), ERR_SYSTEM, "cannot listen at");
}
END_TEST

START_TEST(test_ipv6_and_many_addresses)
{
	static const char *const both[] = { "127.0.0.1:0", "[::1]:0", "*:0" };
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	if (probe < 0 || bind(probe, (struct sockaddr *)&to, sizeof to) != 0)
		return; /* a machine without IPv6 */
	(void)close(probe);
	fx.conf.listen = both;
	fx.conf.num_listen = 3;
	fx.conf.num_threads = 2;
	start();
	for (size_t i = 1; i < 3; i++) {
		int fd = socket(AF_INET6, SOCK_STREAM, 0);
		to.sin6_port = htons((uint16_t)http_server_port(fx.server, i));
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
		say(fd, GET("/six"));
		expect(fd, 200, "/six");
		(void)close(fd);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/http/server");
	TCase *t = tcase_create("server");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_keep_alive_and_pipelining);
	tcase_add_test(t, test_split_bytes);
	tcase_add_test(t, test_head_and_problem);
	tcase_add_test(t, test_big_answer_to_a_slow_reader);
	tcase_add_test(t, test_files);
	tcase_add_test(t, test_refusals);
	tcase_add_test(t, test_expect_continue);
	tcase_add_test(t, test_slow_clients);
	tcase_add_test(t, test_dripping_client);
	tcase_add_test(t, test_reader_that_stops);
	tcase_add_test(t, test_deferred);
	tcase_add_test(t, test_deferred_but_gone);
	tcase_add_test(t, test_handler_too_late);
	tcase_add_test(t, test_early_ends);
	tcase_add_loop_test(t, test_limits_of_connections, 0, 2);
	tcase_add_test(t, test_idle_crowd);
	tcase_add_test(t, test_drain);
	tcase_add_test(t, test_watches_and_timer);
	tcase_add_test(t, test_bad_configurations);
	tcase_add_test(t, test_ipv6_and_many_addresses);
	suite_add_tcase(s, t);
	return suite_main(s);
}
