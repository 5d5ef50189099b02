/*
 * health.c - named checks behind /readyz. See health.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon/health.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

struct check {
	const char *name;
	bool is_ok;
	char sentence[256];
};

struct health {
	pthread_mutex_t lock;
	size_t num;
	struct check checks[HEALTH_CHECKS_MAX];
};

struct err *health_create(struct health **out)
{
	struct health *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "health");
	if (pthread_mutex_init(&self->lock, NULL) != 0) {
		free(self);
		return ERR(SYSTEM, "mutex of health");
	}
	*out = self;
	return NULL;
}

void health_destroy(struct health **self)
{
	if (*self == NULL)
		return;
	(void)pthread_mutex_destroy(&(*self)->lock);
	free(*self);
	*self = NULL;
}

struct err *health_add(struct health *self, size_t *out_id, const char *name)
{
	(void)pthread_mutex_lock(&self->lock);
	size_t id = self->num;
	if (id < HEALTH_CHECKS_MAX) {
		self->checks[id] = (struct check){ .name = name, .sentence = "not checked yet" };
		self->num++;
	}
	(void)pthread_mutex_unlock(&self->lock);
	ENSURE(id < HEALTH_CHECKS_MAX, BUG, "more than %d health checks", HEALTH_CHECKS_MAX);
	*out_id = id;
	return NULL;
}

void health_set(struct health *self, size_t id, bool is_ok, const char *fmt, ...)
{
	char sentence[sizeof self->checks[0].sentence] = "";

	if (self == NULL)
		return;
	if (fmt != NULL) {
		va_list ap;
		va_start(ap, fmt);
		(void)vsnprintf(sentence, sizeof sentence, fmt, ap);
		va_end(ap);
	}
	(void)pthread_mutex_lock(&self->lock);
	if (id >= self->num)
		panic("health check %zu was never added", id);
	bool was_ok = self->checks[id].is_ok;
	self->checks[id].is_ok = is_ok;
	(void)snprintf(self->checks[id].sentence, sizeof self->checks[id].sentence, "%s", sentence);
	const char *name = self->checks[id].name;
	(void)pthread_mutex_unlock(&self->lock);
	if (is_ok != was_ok)
		log_write(is_ok ? LOG_INFO : LOG_WARN, NULL, is_ok ? "check_ok" : "check_failed",
			  "check=%s text=\"%s\"", name, sentence);
}

bool health_ok(struct health *self)
{
	bool is_ok = true;

	(void)pthread_mutex_lock(&self->lock);
	for (size_t i = 0; i < self->num; i++)
		is_ok = is_ok && self->checks[i].is_ok;
	(void)pthread_mutex_unlock(&self->lock);
	return is_ok;
}

struct err *health_write(struct health *self, struct buf *out)
{
	struct err *e = NULL;

	(void)pthread_mutex_lock(&self->lock);
	for (size_t i = 0; i < self->num && e == NULL; i++) {
		const struct check *c = &self->checks[i];
		e = buf_printf(out, "%s %s%s%s\n", c->is_ok ? "ok" : "failed", c->name,
			       c->sentence[0] != '\0' ? " " : "", c->sentence);
	}
	(void)pthread_mutex_unlock(&self->lock);
	return e;
}
