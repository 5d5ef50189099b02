/*
 * files.c - whole files. See files.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BLOCK = 16384 };

static void fd_close(const int *fd)
{
	if (*fd > STDERR_FILENO)
		(void)close(*fd);
}
OWN_TYPE(fd, int, fd_close)

struct err *file_read(struct buf *out, const char *path, const char *what)
{
	OWN(fd) fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return ERR_FIELD(NOT_FOUND, what, "there is no file %s", path);
		return ERR_ERRNO("%s cannot be opened", path);
	}
	for (;;) {
		uint8_t extra;
		size_t room = out->max - out->len < FILE_BLOCK ? out->max - out->len : FILE_BLOCK;

		TRY(buf_reserve(out, room));
		ssize_t n = read(fd, room > 0 ? out->p + out->len : &extra, room > 0 ? room : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_ERRNO("%s cannot be read", path);
		if (n == 0)
			return NULL;
		ENSURE_FIELD(room > 0, TOO_LARGE, what, "%s is larger than %zu bytes", path, out->max);
		out->len += (size_t)n;
	}
}

static struct err *fd_write(int fd, const char *path, struct slice bytes)
{
	for (size_t at = 0; at < bytes.len;) {
		ssize_t n = write(fd, bytes.p + at, bytes.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_ERRNO("%s cannot be written", path);
		at += (size_t)n;
	}
	if (fsync(fd) != 0)
		return ERR_ERRNO("%s cannot be flushed to the disk", path);
	return NULL;
}

struct err *file_write(const char *path, struct slice bytes, unsigned mode, bool replace)
{
	char temporary[4096];
	int n = snprintf(temporary, sizeof temporary, "%s.new.%ld", path, (long)getpid());

	ENSURE(n > 0 && (size_t)n < sizeof temporary, TOO_LARGE, "the path of %.80s is too long", path);
	OWN(fd) fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
	if (fd < 0)
		return ERR_ERRNO("%s cannot be made", temporary);
	struct err *e = fd_write(fd, temporary, bytes);
	if (e == NULL) {
		/* link() refuses an existing name, rename() replaces it: both in one step. */
		if ((replace ? rename(temporary, path) : link(temporary, path)) != 0)
			e = errno == EEXIST
				    ? ERR(CONFLICT,
					  "%s exists already; it is not overwritten, name another folder or file", path)
				    : ERR_ERRNO("%s cannot be made", path);
	}
	if (e != NULL || !replace)
		(void)unlink(temporary);
	return e;
}
