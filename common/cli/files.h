/*
 * files.h - whole files of the command-line tools: read with a limit, made without overwriting, secrets with mode 0600.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_CLI_FILES_H
#define COMMON_CLI_FILES_H

#include "base/buf.h"

/* file_read() appends a whole regular file of at most the buffer's maximum. The name "-" is standard input.
 * *Errors* NOT_FOUND, SYSTEM, TOO_LARGE; `what` names the field. */
struct err *file_read(struct buf *out, const char *path, const char *what) ERR_MUST_USE;

/* file_write() makes a new file and flushes it to the disk; with mode 0600 for secrets. An existing file is replaced
 * only with `replace` (by rename, so that a reader sees the old or the new one), else refused.
 * *Errors* CONFLICT, SYSTEM. */
struct err *file_write(const char *path, struct slice bytes, unsigned mode, bool replace) ERR_MUST_USE;

#endif
