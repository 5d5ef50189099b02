/*
 * health.h - named checks of a daemon: what /readyz answers, each with a sentence that says what is wrong.
 *
 * A check begins as failed ("not checked yet"), so that a daemon is ready only when everything it named has been seen
 * to work. Any thread may set a check.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_HEALTH_H
#define COMMON_DAEMON_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { HEALTH_CHECKS_MAX = 32 };

struct health;

struct err *health_create(struct health **out) ERR_MUST_USE;
void health_destroy(struct health **self);
OWN_TYPE(health, struct health *, health_destroy)

/* health_add() names a check; `name` must outlive the object. *Errors* BUG past HEALTH_CHECKS_MAX. */
struct err *health_add(struct health *self, size_t *out_id, const char *name) ERR_MUST_USE;

/* health_set() says whether the check holds, with a sentence (NULL: none). Ignored on a NULL object. */
void health_set(struct health *self, size_t id, bool is_ok, const char *fmt, ...) ERR_PRINTF(4, 5);

/* health_ok() says whether every check holds. */
bool health_ok(struct health *self);

/* health_write() appends one line a check: "ok|failed NAME SENTENCE". */
struct err *health_write(struct health *self, struct buf *out) ERR_MUST_USE;

#endif
