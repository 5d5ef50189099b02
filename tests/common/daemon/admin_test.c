/*
 * admin_test.c - the admin socket: built-in paths, own paths, and clients that misbehave.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/admin.h"
#include "support/suite.h"

static char dir[64], path[96];
static struct loop *loop;
static struct health *health;
static struct admin *admin;
static char last_body[200];

static struct err *on_echo(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	(void)arg;
	(void)snprintf(last_body, sizeof last_body, "%.*s", (int)request->body.len, (const char *)request->body.p);
	ck_assert_uint_eq(request->peer_uid, geteuid());
	*status = 409;
	return buf_printf(out, "%s %s ?%s %zu\n", request->method, request->path, request->query, request->body.len);
}

static struct err *on_error(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	(void)request;
	(void)out;
	(void)status;
	return err_new(*(enum err_code *)arg, __FILE__, __LINE__, NULL, "said no");
}

static enum err_code error_code;

static void setup(void)
{
	int fd = -1;

	(void)snprintf(dir, sizeof dir, "/tmp/nuc-admin-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/sock", dir);
	ck_ok(loop_create(&loop));
	ck_ok(health_create(&health));
	ck_ok(admin_bind(&fd, path, (uid_t)-1, (gid_t)-1));
	ck_ok(admin_create(&admin, fd, loop, NULL, health));
	ck_ok(admin_add(admin, "POST", "/echo", on_echo, NULL));
	ck_ok(admin_add(admin, "GET", "/echo", on_echo, NULL));
	ck_ok(admin_add(admin, "GET", "/error", on_error, &error_code));
}

static void teardown(void)
{
	admin_destroy(&admin);
	health_destroy(&health);
	loop_destroy(&loop);
	unlink(path);
	rmdir(dir);
}

static int client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void say(int fd, const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(fd, text + done, len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		ck_assert(n > 0 || errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
		if (n < 0 && errno != EAGAIN)
			return;
		done += n > 0 ? (size_t)n : 0;
		ck_ok(loop_turn(loop, 10));
	}
}

/* Turns the loop until the server closes; gives what it said. */
static const char *hear(int fd)
{
	static char answer[200000];
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, answer + len, sizeof answer - len - 1, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		len += n > 0 ? (size_t)n : 0;
		ck_ok(loop_turn(loop, 100));
	}
	answer[len] = '\0';
	close(fd);
	return answer;
}

static const char *ask(const char *request)
{
	int fd = client();

	say(fd, request, strlen(request));
	return hear(fd);
}

START_TEST(built_in_paths)
{
	size_t id;
	const char *a = ask("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");

	ck_assert_ptr_nonnull(strstr(a, "HTTP/1.1 200 OK\r\n"));
	ck_ok(health_add(health, &id, "db"));
	a = ask("GET /readyz HTTP/1.1\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "HTTP/1.1 503 "));
	ck_assert_ptr_nonnull(strstr(a, "\r\n\r\nfailed db not checked yet\n"));
	a = ask("GET /livez HTTP/1.0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "\r\n\r\nok\n"));
	a = ask("GET /metrics HTTP/1.1\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "nuc_loop_longest_turn_seconds "));
}
END_TEST

START_TEST(own_paths)
{
	const char *a = ask("POST /echo?x=1 HTTP/1.1\r\ncontent-length: 6\r\n\r\nsecret");

	ck_assert_ptr_nonnull(strstr(a, "HTTP/1.1 409 Conflict\r\n"));
	ck_assert_ptr_nonnull(strstr(a, "Content-Length: 18\r\n"));
	ck_assert_ptr_nonnull(strstr(a, "\r\n\r\nPOST /echo ?x=1 6\n"));
	ck_assert_str_eq(last_body, "secret");
	a = ask("GET /echo HTTP/1.1\r\n\r\nContent-Length: 9999\r\n");
	ck_assert_ptr_nonnull(strstr(a, "GET /echo ? 0\n"));
}
END_TEST

START_TEST(a_request_in_pieces)
{
	const char *text = "POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
	int fd = client();

	for (const char *p = text; *p != '\0'; p++)
		say(fd, p, 1);
	ck_assert_ptr_nonnull(strstr(hear(fd), "POST /echo ? 3\n"));
}
END_TEST

static const struct {
	enum err_code code;
	const char *status;
} error_cases[] = { { ERR_BAD_INPUT, " 400 " }, { ERR_DENIED, " 403 " }, { ERR_NOT_FOUND, " 404 " },
		    { ERR_CONFLICT, " 409 " },	{ ERR_RETRY, " 503 " },	 { ERR_BUG, " 500 " } };

START_TEST(errors_become_statuses)
{
	error_code = error_cases[_i].code;
	const char *a = ask("GET /error HTTP/1.1\r\n\r\n");

	ck_assert_ptr_nonnull(strstr(a, error_cases[_i].status));
	ck_assert_ptr_nonnull(strstr(a, "\r\n\r\nsaid no\n"));
}
END_TEST

static const struct {
	const char *request, *status;
} bad_cases[] = {
	{ "GET /nowhere HTTP/1.1\r\n\r\n", " 404 " },
	{ "DELETE /echo HTTP/1.1\r\n\r\n", " 405 " },
	{ "GARBAGE\r\n\r\n", " 400 " },
	{ "GET echo HTTP/1.1\r\n\r\n", " 400 " },
	{ "GET /echo SMTP\r\n\r\n", " 400 " },
	{ "\r\n\r\n", " 400 " },
	{ "POST /echo HTTP/1.1\r\nContent-Length: 70000\r\n\r\n", " 413 " },
	{ "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", " 413 " },
	{ "POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n", " 413 " },
};

START_TEST(bad_requests)
{
	ck_assert_ptr_nonnull(strstr(ask(bad_cases[_i].request), bad_cases[_i].status));
}
END_TEST

START_TEST(an_endless_head_is_cut)
{
	static char head[20000];
	int fd = client();

	memset(head, 'a', sizeof head);
	say(fd, head, sizeof head);
	ck_assert_ptr_nonnull(strstr(hear(fd), " 413 "));
}
END_TEST

START_TEST(too_many_clients_harm_nobody)
{
	int fds[20];

	for (int i = 0; i < 20; i++) {
		fds[i] = client();
		ck_ok(loop_turn(loop, 100));
	}
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	ck_ok(loop_turn(loop, 100));
	ck_ok(loop_turn(loop, 100));
	ck_assert_ptr_nonnull(strstr(ask("GET /livez HTTP/1.1\r\n\r\n"), " 200 "));
}
END_TEST

START_TEST(binding)
{
	int fd = -1;
	struct stat st;
	char other[128];

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	ck_fails(admin_bind(&fd, path, (uid_t)-1, (gid_t)-1), ERR_CONFLICT, "another process serves this admin socket");
	admin_destroy(&admin);
	ck_ok(admin_bind(&fd, path, (uid_t)-1, (gid_t)-1)); /* the stale one is replaced */
	close(fd);
	(void)snprintf(other, sizeof other, "%s/nowhere/sock", dir);
	ck_fails(admin_bind(&fd, other, (uid_t)-1, (gid_t)-1), ERR_SYSTEM, "bind: No such file");
	memset(other, 'x', sizeof other - 1);
	other[sizeof other - 1] = '\0';
	ck_fails(admin_bind(&fd, other, (uid_t)-1, (gid_t)-1), ERR_CONFIG, "longer than 107 octets");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/daemon/admin");
	TCase *t = tcase_create("admin");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, built_in_paths);
	tcase_add_test(t, own_paths);
	tcase_add_test(t, a_request_in_pieces);
	tcase_add_loop_test(t, errors_become_statuses, 0, COUNT_OF(error_cases));
	tcase_add_loop_test(t, bad_requests, 0, COUNT_OF(bad_cases));
	tcase_add_test(t, an_endless_head_is_cut);
	tcase_add_test(t, too_many_clients_harm_nobody);
	tcase_add_test(t, binding);
	suite_add_tcase(s, t);
	return suite_main(s);
}
