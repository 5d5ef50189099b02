/*
 * client.h - asks the registration authority over HTTPS (and a daemon's admin socket) and takes JSON answers apart.
 *
 * One request at a time over one kept connection. Redirects are not followed, TLS 1.2 or later, the server's certificate
 * is always verified; plain http:// is accepted for this machine's own addresses alone. A problem document (RFC 9457)
 * becomes one error with its field; what cannot be reached becomes GONE, TIMEOUT or RETRY, so that the program exits 3.
 * An answer is never trusted to have a member, a type or a length.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_CLIENT_H
#define RA_CLI_CLIENT_H

#include <jansson.h>

#include "base/buf.h"

#define CLIENT_ANSWER_MAX (32 * 1024 * 1024)

struct client;

struct client_options {
	const char *url; /* http(s)://host:port, without a path */
	const char *ca_file; /* PEM; NULL: the system's */
	const char *certificate; /* PEM of the client, or a PKCS#12 file when key is NULL; NULL: none */
	const char *key; /* PEM */
	const char *key_password; /* NULL: none */
	const char *unix_socket; /* instead of host and port */
	long timeout_s; /* of a whole request; 0: 60 */
};

/* client_create() prepares; nothing is connected yet. *Owns* copies of the options. *Errors* BAD_INPUT for the URL. */
struct err *client_create(struct client **out, const struct client_options *options) ERR_MUST_USE;
void client_destroy(struct client **self);
OWN_TYPE(client, struct client *, client_destroy)
OWN_POINTER(json, json_t *, json_decref)

/* Each sends a request to the path (which begins with "/") and gives the JSON object of a 2xx answer; the caller owns it.
 * *Errors* GONE, TIMEOUT, RETRY: not reached or busy; others by the status: BAD_INPUT (400, 422), DENIED (401, 403),
 * NOT_FOUND (404), CONFLICT (409), TOO_LARGE (413). */
struct err *client_get(struct client *self, json_t **out, const char *path) ERR_MUST_USE;
struct err *client_post(struct client *self, json_t **out, const char *path, const json_t *body) ERR_MUST_USE;
struct err *client_post_bytes(struct client *self, json_t **out, const char *path, const char *type,
			      struct slice body) ERR_MUST_USE;
/* client_get_text() gives the body as it is: for the admin socket. *out_status may be any. */
struct err *client_get_text(struct client *self, struct buf *out, long *out_status, const char *path) ERR_MUST_USE;

/* client_path() appends a path: `%s` in the format stands for a text that is percent-encoded (RFC 3986 §2.1); nothing else
 * is a conversion. */
struct err *client_path(struct buf *out, const char *fmt, ...) ERR_MUST_USE;

/* Members of an answer. answer_text() refuses when the member is missing or no text; answer_text_or() gives `otherwise`
 * then. Texts live as long as the object. answer_base64() appends the bytes of a base64 member. *Errors* BAD_INPUT. */
struct err *answer_text(const char **out, const json_t *object, const char *member) ERR_MUST_USE;
const char *answer_text_or(const json_t *object, const char *member, const char *otherwise);
struct err *answer_array(json_t **out, const json_t *object, const char *member) ERR_MUST_USE;
struct err *answer_base64(struct buf *out, const json_t *object, const char *member) ERR_MUST_USE;

/* Making a request: text_set() refuses text that is not UTF-8, naming the field; both refuse when memory is out. NULL
 * values set nothing. */
struct err *request_text(json_t *object, const char *member, const char *value, const char *field) ERR_MUST_USE;
struct err *request_base64(json_t *object, const char *member, struct slice bytes) ERR_MUST_USE;

#endif
