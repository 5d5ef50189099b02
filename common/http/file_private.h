/*
 * file_private.h - inside of struct http_file, for common/http only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_HTTP_FILE_PRIVATE_H
#define COMMON_HTTP_FILE_PRIVATE_H

#include <stdatomic.h>

#include "http/file.h"

struct http_file {
	atomic_uint references;
	int fd;
	uint64_t size;
	int64_t last_modified_at;
	char content_type[64];
	char etag[128];
	char headers[512];
};

#endif
