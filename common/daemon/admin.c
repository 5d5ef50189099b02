/*
 * admin.c - the admin socket: a few lines of HTTP/1.1 over a unix socket. See admin.h.
 *
 * Whoever can open the socket is of the daemon's group; still, nothing that a client sends or leaves out can hold the
 * loop up: descriptors are non-blocking, everything has a length limit, and each connection ends within its deadline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon/admin.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

enum {
	HEAD_MAX = 8 * 1024,
	BODY_MAX = 64 * 1024,
	ANSWER_MAX = 16 * 1024 * 1024,
	CONNECTIONS_MAX = 16,
	ROUTES_MAX = 32,
	DEADLINE_MS = 5000,
	BACKLOG = 16
};

struct route {
	const char *method;
	const char *path;
	admin_fn *fn;
	void *arg;
};

struct connection {
	struct admin *admin;
	int fd;
	loop_id watch, timer;
	struct buf in;
	struct buf out;
	size_t written;
	bool is_answered;
};

struct admin {
	int fd;
	struct loop *loop;
	loop_id watch;
	struct metrics *metrics;
	struct health *health;
	size_t num_routes;
	struct route routes[ROUTES_MAX];
	struct connection *connections[CONNECTIONS_MAX];
};

/* ---- the listening socket */

static struct err *refuse_if_live(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return ERR_ERRNO("admin socket");
	int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
	(void)close(fd);
	ENSURE(rc != 0, CONFLICT, "%s: another process serves this admin socket", address->sun_path);
	return NULL;
}

static struct err *bind_at(int fd, const struct sockaddr_un *address, uid_t uid, gid_t gid)
{
	const char *path = address->sun_path;

	/* Between bind() and chmod() nobody else may connect. */
	mode_t before = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)address, sizeof *address);
	(void)umask(before);
	if (rc != 0)
		return ERR_ERRNO("%s: bind", path);
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && lchown(path, uid, gid) != 0)
		return ERR_ERRNO("%s: chown", path);
	if (chmod(path, 0660) != 0)
		return ERR_ERRNO("%s: chmod", path);
	if (listen(fd, BACKLOG) != 0)
		return ERR_ERRNO("%s: listen", path);
	return NULL;
}

struct err *admin_bind(int *out_fd, const char *path, uid_t uid, gid_t gid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	ENSURE(strlen(path) < sizeof address.sun_path, CONFIG, "%s: longer than %zu octets", path,
	       sizeof address.sun_path - 1);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	TRY(refuse_if_live(&address));
	if (unlink(path) != 0 && errno != ENOENT)
		return ERR_ERRNO("%s: removing the stale socket", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR_ERRNO("admin socket");
	struct err *e = bind_at(fd, &address, uid, gid);
	if (e != NULL) {
		(void)close(fd);
		return e;
	}
	*out_fd = fd;
	return NULL;
}

/* ---- answers */

static const char *reason_of(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

static int status_of(const struct err *e)
{
	if (err_code(e) == ERR_NOT_FOUND)
		return 404;
	if (err_code(e) == ERR_CONFLICT)
		return 409;
	switch (err_category(err_code(e))) {
	case ERR_REFUSE:
		return 400;
	case ERR_AUDIT:
		return 403;
	case ERR_RETRY_LATER:
		return 503;
	case ERR_FAULT:
		break;
	}
	return 500;
}

static struct err *write_answer(struct connection *c, int status, struct slice body, const char *type)
{
	TRY(buf_printf(&c->out,
		       "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
		       "Connection: close\r\n\r\n",
		       status, reason_of(status), type, body.len));
	return buf_append(&c->out, body);
}

static void connection_close(struct connection *c)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (c->admin->connections[i] == c)
			c->admin->connections[i] = NULL;
	loop_remove(c->admin->loop, c->watch);
	loop_remove(c->admin->loop, c->timer);
	(void)close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c);
}

/* Writes what is left; closes at the end. */
static void connection_write(struct connection *c)
{
	while (c->written < c->out.len) {
		ssize_t n = send(c->fd, c->out.p + c->written, c->out.len - c->written, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			loop_set_events(c->admin->loop, c->watch, LOOP_WRITE);
			return;
		}
		if (n <= 0)
			break;
		c->written += (size_t)n;
	}
	connection_close(c);
}

static void connection_answer(struct connection *c, int status, struct slice body, const char *type)
{
	c->is_answered = true;
	struct err *e = write_answer(c, status, body, type);
	if (e != NULL) {
		log_err(LOG_ERROR, NULL, "admin_answer_failed", &e);
		connection_close(c);
		return;
	}
	connection_write(c);
}

static void connection_answer_text(struct connection *c, int status, const char *text)
{
	connection_answer(c, status, slice_str(text), "text/plain; charset=utf-8");
}

/* Consumes the error. */
static void connection_answer_err(struct connection *c, struct err *e)
{
	char text[600];
	OWN(buf) line = BUF_INIT(sizeof text + 2);

	(void)err_text(e, text, sizeof text);
	struct err *full = buf_printf(&line, "%s\n", text);
	err_destroy(&full);
	int status = status_of(e);
	err_destroy(&e);
	connection_answer(c, status, buf_slice(&line), "text/plain; charset=utf-8");
}

/* ---- routes that every daemon has */

static struct err *on_metrics(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	struct admin *self = arg;

	(void)request;
	(void)status;
	TRY(buf_printf(
		out,
		"# HELP nuc_loop_longest_turn_seconds Longest time the loop's callbacks took since the last scrape.\n"
		"# TYPE nuc_loop_longest_turn_seconds gauge\nnuc_loop_longest_turn_seconds %.3f\n",
		(double)loop_longest_turn_ms(self->loop) / 1000));
	return self->metrics == NULL ? NULL : metrics_write(self->metrics, out);
}

static struct err *on_livez(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	(void)arg;
	(void)request;
	(void)status;
	/* The loop itself answers: an answer is the proof. Whoever asks gives it a second. */
	return buf_append_str(out, "ok\n");
}

static struct err *on_readyz(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	struct admin *self = arg;

	(void)request;
	*status = health_ok(self->health) ? 200 : 503;
	return health_write(self->health, out);
}

/* ---- requests */

static void run_route(struct connection *c, const struct route *route, const struct admin_request *request)
{
	OWN(buf) body = BUF_INIT(ANSWER_MAX);
	int status = 200;

	struct err *e = route->fn(route->arg, request, &body, &status);
	if (e != NULL)
		connection_answer_err(c, e);
	else
		connection_answer(c, status, buf_slice(&body), "text/plain; version=0.0.4; charset=utf-8");
}

static void dispatch(struct connection *c, struct admin_request *request)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof peer;
	bool is_path_known = false;

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		connection_answer_err(c, ERR_ERRNO("SO_PEERCRED"));
		return;
	}
	request->peer_uid = peer.uid;
	for (size_t i = 0; i < c->admin->num_routes; i++) {
		const struct route *route = &c->admin->routes[i];
		if (strcmp(route->path, request->path) != 0)
			continue;
		is_path_known = true;
		if (strcmp(route->method, request->method) == 0) {
			run_route(c, route, request);
			return;
		}
	}
	connection_answer_text(c, is_path_known ? 405 : 404, is_path_known ? "method not allowed\n" : "no such path\n");
}

/* Value of Content-Length in the header block; 0 when there is none, SIZE_MAX when it is no number or out of bounds. */
static size_t content_length(const char *head)
{
	static const char name[] = "\r\nContent-Length:";

	for (const char *at = head; (at = strchr(at, '\r')) != NULL; at++) {
		char *end;
		if (strncasecmp(at, name, sizeof name - 1) != 0)
			continue;
		at += sizeof name - 1;
		at += strspn(at, " \t");
		unsigned long n = strtoul(at, &end, 10);
		return end == at || (*end != '\r' && *end != '\0') || *at == '-' || n > BODY_MAX ? SIZE_MAX : n;
	}
	return 0;
}

/* Cuts "GET /path?query HTTP/1.1" apart in place; false when it is none. */
static bool parse_request_line(char *line, struct admin_request *request)
{
	char *save = NULL;
	char *method = strtok_r(line, " ", &save);
	char *target = strtok_r(NULL, " ", &save);
	char *version = strtok_r(NULL, " ", &save);

	if (version == NULL || strncmp(version, "HTTP/1.", 7) != 0 || target[0] != '/')
		return false;
	char *query = strchr(target, '?');
	if (query != NULL)
		*query++ = '\0';
	request->method = method;
	request->path = target;
	request->query = query == NULL ? "" : query;
	return true;
}

/* The header block is whole, as a text of its own: answers when the body is, too. */
static void connection_head(struct connection *c, char *head, struct slice rest)
{
	struct admin_request request = { 0 };
	size_t length = content_length(head);

	if (length == SIZE_MAX) {
		connection_answer_text(c, 413, "request too large\n");
		return;
	}
	if (rest.len < length)
		return;
	request.body = SLICE(rest.p, length);
	head[strcspn(head, "\r")] = '\0';
	if (!parse_request_line(head, &request))
		connection_answer_text(c, 400, "bad request line\n");
	else
		dispatch(c, &request);
}

/* Looks whether the request is complete and answers it. */
static void connection_parse(struct connection *c)
{
	const uint8_t *end = c->in.len == 0 ? NULL : memmem(c->in.p, c->in.len, "\r\n\r\n", 4);
	size_t head_len = end == NULL ? c->in.len : (size_t)(end - c->in.p);

	if (head_len >= HEAD_MAX) {
		connection_answer_text(c, 413, "request too large\n");
		return;
	}
	if (end == NULL)
		return;
	char *head = strndup((const char *)c->in.p, head_len);
	if (head == NULL)
		connection_answer_text(c, 500, "out of memory\n");
	else
		connection_head(c, head, SLICE(end + 4, c->in.len - head_len - 4));
	free(head);
}

static void connection_read(struct connection *c)
{
	uint8_t piece[4096];
	ssize_t n = 0;

	while (!c->is_answered && (n = recv(c->fd, piece, sizeof piece, 0)) > 0) {
		struct err *e = buf_append(&c->in, SLICE(piece, (size_t)n));
		OPENSSL_cleanse(piece, (size_t)n);
		if (e != NULL) {
			connection_answer_err(c, e);
			return;
		}
		if ((size_t)n < sizeof piece) {
			connection_parse(c);
			return;
		}
	}
	if (n < 0 && errno == EAGAIN)
		connection_parse(c);
	else
		connection_close(c);
}

static void on_connection(void *arg, unsigned ready)
{
	struct connection *c = arg;

	if (c->is_answered)
		connection_write(c);
	else if ((ready & LOOP_READ) != 0)
		connection_read(c);
	else
		connection_close(c);
}

static void on_deadline(void *arg)
{
	connection_close(arg);
}

static struct err *connection_create(struct admin *self, int fd, size_t slot)
{
	struct connection *c = calloc(1, sizeof *c);

	if (c == NULL) {
		(void)close(fd);
		return ERR(NO_MEMORY, "admin connection");
	}
	*c = (struct connection){
		.admin = self, .fd = fd, .in = BUF_INIT_SECRET(HEAD_MAX + BODY_MAX), .out = BUF_INIT(ANSWER_MAX + 1024)
	};
	self->connections[slot] = c;
	struct err *e = loop_add_fd(self->loop, &c->watch, fd, LOOP_READ, on_connection, c);
	if (e == NULL)
		e = loop_add_timer(self->loop, &c->timer, DEADLINE_MS, 0, on_deadline, c);
	if (e != NULL)
		connection_close(c);
	return e;
}

static void on_listening(void *arg, unsigned ready)
{
	struct admin *self = arg;

	(void)ready;
	for (size_t slot = 0; slot < CONNECTIONS_MAX; slot++) {
		if (self->connections[slot] != NULL)
			continue;
		int fd = accept4(self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		struct err *e = connection_create(self, fd, slot);
		log_err(LOG_WARN, NULL, "admin_connection_failed", &e);
	}
	/* All are taken: whoever comes now is turned away, so that the loop does not spin on the waiting one. */
	int fd = accept4(self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
}

struct err *admin_create(struct admin **out, int listen_fd, struct loop *loop, struct metrics *metrics,
			 struct health *health)
{
	OWN(admin) self = calloc(1, sizeof *self);

	if (self == NULL) {
		(void)close(listen_fd);
		return ERR(NO_MEMORY, "admin socket");
	}
	*self = (struct admin){ .fd = listen_fd, .loop = loop, .metrics = metrics, .health = health };
	TRY(admin_add(self, "GET", "/metrics", on_metrics, self));
	TRY(admin_add(self, "GET", "/livez", on_livez, self));
	TRY(admin_add(self, "GET", "/readyz", on_readyz, self));
	TRY(loop_add_fd(loop, &self->watch, listen_fd, LOOP_READ, on_listening, self));
	*out = TAKE(self);
	return NULL;
}

void admin_destroy(struct admin **admin)
{
	struct admin *self = *admin;

	if (self == NULL)
		return;
	*admin = NULL;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (self->connections[i] != NULL)
			connection_close(self->connections[i]);
	loop_remove(self->loop, self->watch);
	(void)close(self->fd);
	free(self);
}

struct err *admin_add(struct admin *self, const char *method, const char *path, admin_fn *fn, void *arg)
{
	ENSURE(self->num_routes < ROUTES_MAX, BUG, "more than %d admin paths", ROUTES_MAX);
	self->routes[self->num_routes++] = (struct route){ method, path, fn, arg };
	return NULL;
}
