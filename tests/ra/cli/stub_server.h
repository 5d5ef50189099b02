/*
 * stub_server.h - an HTTP server for tests of the command-line tools: on a thread, on a free port of 127.0.0.1, answering from
 * a list of prepared answers, and keeping what it was asked.
 *
 * An answer is chosen by method and path (exactly, with the query); what has none is answered 404 without a body that
 * means anything. One connection at a time, closed after each answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_RA_CLI_STUB_SERVER_H
#define TESTS_RA_CLI_STUB_SERVER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct stub_answer {
	const char *request; /* "GET /api/v1/agreement" */
	int status;
	const char *body;
	const char *type; /* NULL: application/json */
};

enum { STUB_ASKED_MAX = 16, STUB_BODY_MAX = 256 * 1024 };

struct stub_server {
	int fd;
	pthread_t thread;
	char url[64];
	const struct stub_answer *answers; /* ends with a NULL request */
	size_t num_asked;
	struct {
		char request[512];
		char *body;
	} asked[STUB_ASKED_MAX];
};

/* Reads header and body of one request into a new text; *body points into it. */
static inline char *stub_read(int fd, char **body)
{
	char *text = calloc(1, STUB_BODY_MAX);
	size_t len = 0, want = 0;

	*body = NULL;
	for (;;) {
		ssize_t n = read(fd, text + len, STUB_BODY_MAX - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		char *end = strstr(text, "\r\n\r\n");
		if (end != NULL && *body == NULL) {
			char *length = strcasestr(text, "content-length:");
			*body = end + 4;
			want = length != NULL && length < end ? (size_t)strtoul(length + 15, NULL, 10) : 0;
		}
		if (*body != NULL && (size_t)(text + len - *body) >= want)
			break;
	}
	return text;
}

static inline void stub_answer(struct stub_server *self, int fd)
{
	char *body;
	char *text = stub_read(fd, &body);
	char *space = strchr(text, ' ');
	char *end = space != NULL ? strchr(space + 1, ' ') : NULL;
	const struct stub_answer *answer = self->answers;

	if (end != NULL && body != NULL && self->num_asked < STUB_ASKED_MAX) {
		*end = '\0';
		(void)snprintf(self->asked[self->num_asked].request, sizeof self->asked[0].request, "%s", text);
		self->asked[self->num_asked].body = strdup(body);
		self->num_asked++;
	}
	while (answer->request != NULL && strcmp(answer->request, text) != 0)
		answer++;
	const char *content = answer->request != NULL ? answer->body : "?";
	dprintf(fd, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		answer->request != NULL ? answer->status : 404,
		answer->type != NULL ? answer->type : "application/json", strlen(content), content);
	free(text);
}

static inline void *stub_run(void *arg)
{
	struct stub_server *self = arg;
	int fd;

	while ((fd = accept(self->fd, NULL, NULL)) >= 0) {
		stub_answer(self, fd);
		(void)close(fd);
	}
	return NULL;
}

static inline void stub_start(struct stub_server *self, const struct stub_answer *answers)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;

	memset(self, 0, sizeof *self);
	self->answers = answers;
	self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(self->fd, 0);
	ck_assert_int_eq(bind(self->fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(self->fd, 8), 0);
	ck_assert_int_eq(getsockname(self->fd, (struct sockaddr *)&address, &len), 0);
	(void)snprintf(self->url, sizeof self->url, "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	ck_assert_int_eq(pthread_create(&self->thread, NULL, stub_run, self), 0);
}

static inline void stub_stop(struct stub_server *self)
{
	(void)shutdown(self->fd, SHUT_RDWR); /* ends accept() */
	(void)pthread_join(self->thread, NULL);
	(void)close(self->fd);
	for (size_t i = 0; i < self->num_asked; i++)
		free(self->asked[i].body);
}

#endif
