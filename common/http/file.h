/*
 * file.h - an open file that is being served: descriptor, size and validators, counted references.
 *
 * Opened once when it is published, handed to any number of requests on any thread, closed when the last reference
 * goes: a file that is replaced by rename(2) is still sent whole to those who began with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_HTTP_FILE_H
#define COMMON_HTTP_FILE_H

#include "base/buf.h"

struct http_file;

struct http_file_conf {
	const char *content_type; /* "application/pkix-crl" */
	const char *etag; /* with its quotes; NULL: made of device, inode, size and time of change */
	const char *headers; /* further lines, each ending in CR LF ("Cache-Control: max-age=60\r\n"), or NULL */
	int64_t last_modified_at; /* Unix s; 0: the file's own time */
};

/* http_file_open() opens a regular file relative to the folder dir_fd (AT_FDCWD: the working folder); a last component
 * that is a symbolic link is refused. Texts are copied. *Errors* NOT_FOUND, TOO_LARGE (texts over 512 bytes), SYSTEM.
 * *Owns* out: the caller, http_file_release(). */
struct err *http_file_open(struct http_file **out, int dir_fd, const char *path,
			   const struct http_file_conf *conf) ERR_MUST_USE;
/* http_file_retain() adds a reference and gives the same pointer. Any thread. */
struct http_file *http_file_retain(struct http_file *self);
/* http_file_release() drops one; NULL-safe; sets *self = NULL. Any thread. */
void http_file_release(struct http_file **self);
OWN_TYPE(http_file, struct http_file *, http_file_release)

uint64_t http_file_size(const struct http_file *self);
struct slice http_file_etag(const struct http_file *self);
int64_t http_file_last_modified_at(const struct http_file *self);

#endif
