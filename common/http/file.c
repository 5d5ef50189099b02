/*
 * file.c - files being served. See file.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err *copy_text(char *out, size_t size, const char *text, const char *what)
{
	size_t n = text == NULL ? 0 : strlen(text);

	ENSURE(n < size, TOO_LARGE, "%s of a served file: longer than %zu bytes", what, size - 1);
	if (n > 0)
		memcpy(out, text, n);
	out[n] = '\0';
	return NULL;
}

static struct err *fill(struct http_file *f, const char *path, const struct http_file_conf *conf)
{
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return ERR_ERRNO("%s", path);
	ENSURE(S_ISREG(st.st_mode), NOT_FOUND, "%s: not a regular file", path);
	f->size = (uint64_t)st.st_size;
	f->last_modified_at = conf->last_modified_at != 0 ? conf->last_modified_at : (int64_t)st.st_mtim.tv_sec;
	TRY(copy_text(f->content_type, sizeof f->content_type, conf->content_type, "content type"));
	TRY(copy_text(f->headers, sizeof f->headers, conf->headers, "headers"));
	if (conf->etag != NULL)
		return copy_text(f->etag, sizeof f->etag, conf->etag, "entity tag");
	(void)snprintf(f->etag, sizeof f->etag, "\"%llx-%llx-%llx-%llx\"", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
		       (unsigned long long)st.st_mtim.tv_sec * 1000000000ULL + (unsigned long long)st.st_mtim.tv_nsec);
	return NULL;
}

struct err *http_file_open(struct http_file **out, int dir_fd, const char *path, const struct http_file_conf *conf)
{
	OWN(http_file) f = calloc(1, sizeof *f);

	ENSURE(f != NULL, NO_MEMORY, "a served file");
	atomic_init(&f->references, 1);
	f->fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (f->fd < 0) {
		ENSURE(errno != ENOENT && errno != ELOOP && errno != ENOTDIR, NOT_FOUND, "%s: no such file", path);
		return ERR_ERRNO("%s", path);
	}
	TRY(fill(f, path, conf));
	*out = TAKE(f);
	return NULL;
}

struct http_file *http_file_retain(struct http_file *self)
{
	atomic_fetch_add_explicit(&self->references, 1, memory_order_relaxed);
	return self;
}

void http_file_release(struct http_file **self)
{
	struct http_file *f = *self;

	*self = NULL;
	if (f == NULL || atomic_fetch_sub_explicit(&f->references, 1, memory_order_acq_rel) != 1)
		return;
	if (f->fd >= 0)
		(void)close(f->fd);
	free(f);
}

uint64_t http_file_size(const struct http_file *self)
{
	return self->size;
}

struct slice http_file_etag(const struct http_file *self)
{
	return SLICE_STR(self->etag);
}

int64_t http_file_last_modified_at(const struct http_file *self)
{
	return self->last_modified_at;
}
