/*
 * http.h - rad's HTTPS: N threads, each with its own event base, its own SO_REUSEPORT listener on both ports and its own
 * database connection. A request is answered synchronously on its thread.
 *
 * Why threads with blocking libpq: a submission is one statement with one commit, and the commits of the threads share
 * their fsyncs. Nothing on the path takes a lock of ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_HTTP_H
#define RA_HTTP_H

#include "ra/ra.h"

struct ra_http;

/* ra_http_create() reads certificates and keys and opens the listening sockets (phase acquire). *Errors* CONFIG, SYSTEM. */
struct err *ra_http_create(struct ra_http **out, struct ra *ra) ERR_MUST_USE;

/* ra_http_start() starts the threads. `ra` must be complete. */
struct err *ra_http_start(struct ra_http *self) ERR_MUST_USE;

/* ra_http_drain() stops accepting and closes idle connections; ra_http_is_drained() says when none is left. */
void ra_http_drain(struct ra_http *self);
bool ra_http_is_drained(const struct ra_http *self);

/* ra_http_destroy() ends the threads and closes everything. NULL-safe. */
void ra_http_destroy(struct ra_http **self);

#endif
