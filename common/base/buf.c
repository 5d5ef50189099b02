/*
 * buf.c - borrowed and owned bytes. See buf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_str(const char *text)
{
	return SLICE(text, text == NULL ? 0 : strlen(text));
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

int slice_compare(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.p, b.p, common);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

void buf_clear(struct buf *self)
{
	if (self->p != NULL && self->secret)
		OPENSSL_cleanse(self->p, self->cap);
	free(self->p);
	self->p = NULL;
	self->len = 0;
	self->cap = 0;
}

void buf_reset(struct buf *self)
{
	if (self->p != NULL && self->secret)
		OPENSSL_cleanse(self->p, self->cap);
	self->len = 0;
}

struct slice buf_slice(const struct buf *self)
{
	return SLICE(self->p, self->len);
}

/* A secret buffer is never realloc()ed: the old copy would stay behind unwiped. */
static struct err *buf_grow(struct buf *self, size_t cap)
{
	uint8_t *p = self->secret ? malloc(cap) : realloc(self->p, cap);

	if (p == NULL)
		return ERR(NO_MEMORY, "buffer of %zu bytes", cap);
	if (self->secret && self->p != NULL) {
		memcpy(p, self->p, self->len);
		OPENSSL_cleanse(self->p, self->cap);
		free(self->p);
	}
	self->p = p;
	self->cap = cap;
	return NULL;
}

struct err *buf_reserve(struct buf *self, size_t n)
{
	ENSURE(n <= self->max && self->len <= self->max - n, TOO_LARGE, "more than the limit of %zu bytes", self->max);
	size_t need = self->len + n;
	if (need <= self->cap && self->p != NULL)
		return NULL;
	size_t cap = self->cap < 32 ? 64 : self->cap * 2;
	if (cap < need)
		cap = need;
	if (cap > self->max)
		cap = self->max > 0 ? self->max : 1;
	return buf_grow(self, cap);
}

struct err *buf_extend(struct buf *self, uint8_t **out, size_t n)
{
	TRY(buf_reserve(self, n));
	*out = self->p + self->len;
	self->len += n;
	return NULL;
}

struct err *buf_append(struct buf *self, struct slice bytes)
{
	uint8_t *at;

	if (bytes.len == 0)
		return NULL;
	TRY(buf_extend(self, &at, bytes.len));
	memcpy(at, bytes.p, bytes.len);
	return NULL;
}

struct err *buf_append_u8(struct buf *self, uint8_t byte)
{
	return buf_append(self, SLICE(&byte, 1));
}

struct err *buf_append_str(struct buf *self, const char *text)
{
	return buf_append(self, slice_str(text));
}

struct err *buf_printf(struct buf *self, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = NULL;
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return ERR(NO_MEMORY, "formatting a text");
	struct err *e = buf_append(self, SLICE(text, (size_t)n));
	free(text);
	return e;
}

struct err *buf_set(struct buf *self, struct slice bytes)
{
	ENSURE(bytes.len <= self->max, TOO_LARGE, "more than the limit of %zu bytes", self->max);
	buf_reset(self);
	return buf_append(self, bytes);
}

struct err *buf_str(struct buf *self, const char **out)
{
	if (self->p == NULL || self->len == self->cap) {
		size_t cap = self->len + 1;
		TRY(buf_grow(self, cap));
	}
	self->p[self->len] = '\0';
	*out = (const char *)self->p;
	return NULL;
}

void buf_move(struct buf *self, struct buf *from)
{
	buf_clear(self);
	self->p = from->p;
	self->len = from->len;
	self->cap = from->cap;
	self->secret = self->secret || from->secret;
	from->p = NULL;
	from->len = 0;
	from->cap = 0;
}
