/*
 * admin.h - the admin socket of a daemon: a unix socket (mode 0660) that speaks just enough HTTP/1.1 for curl.
 *
 * GET /metrics, /livez and /readyz (200 or 503) are always there; a daemon adds its own paths, e.g. for `nucctl key`.
 * One request a connection, header block <= 8 KiB, body <= 64 KiB, 5 s for the whole exchange; a slow or broken client
 * is dropped and harms nobody. Runs in the daemon's loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_ADMIN_H
#define COMMON_DAEMON_ADMIN_H

#include <sys/types.h>

#include "base/buf.h"
#include "daemon/health.h"
#include "daemon/loop.h"
#include "daemon/metrics.h"

struct admin;

struct admin_request {
	const char *method; /* "GET" or "POST" */
	const char *path; /* without the query */
	const char *query; /* after '?', "" when there is none */
	struct slice body; /* wiped after the handler returns */
	uid_t peer_uid; /* SO_PEERCRED */
};

/* Answers by appending text to `out` (200, or *status when it sets it). An error is answered with a status by its
 * category (400, 403, 503, 500) and its text. Must not block. */
typedef struct err *admin_fn(void *arg, const struct admin_request *request, struct buf *out, int *status);

/* admin_bind() makes the listening socket at `path` (a stale one is replaced, a live one is an error). Done before the
 * ids are dropped: the socket is given to uid:gid when they are not -1. */
struct err *admin_bind(int *out_fd, const char *path, uid_t uid, gid_t gid) ERR_MUST_USE;

/* admin_create() serves the listening descriptor, which it takes over, in the loop. metrics and health must outlive it. */
struct err *admin_create(struct admin **out, int listen_fd, struct loop *loop, struct metrics *metrics,
			 struct health *health) ERR_MUST_USE;
void admin_destroy(struct admin **self);
OWN_TYPE(admin, struct admin *, admin_destroy)

/* admin_add() adds a path; `method` and `path` must outlive the object. */
struct err *admin_add(struct admin *self, const char *method, const char *path, admin_fn *fn, void *arg) ERR_MUST_USE;

#endif
