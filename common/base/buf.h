/*
 * buf.h - bytes: `struct slice` borrows, `struct buf` owns.
 *
 * A slice is valid until the owner of its bytes changes or ends. A buf has a maximum, given when it is made, that no
 * append can pass: input of a peer can never make us allocate without bound.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"

struct slice {
	const uint8_t *p;
	size_t len;
};

#define SLICE(ptr, n) ((struct slice){ (const uint8_t *)(ptr), (n) })
#define SLICE_NONE    ((struct slice){ NULL, 0 })
/* SLICE_STR() borrows a NUL-terminated text, without its NUL. */
struct slice slice_str(const char *text);
#define SLICE_STR(text) slice_str(text)

bool slice_equal(struct slice a, struct slice b); /* not constant time */
int slice_compare(struct slice a, struct slice b); /* memcmp order, shorter first on a common prefix */

struct buf {
	uint8_t *p;
	size_t len;
	size_t cap;
	size_t max;
	bool secret; /* wiped when freed or moved */
};

/* BUF_INIT(max) / BUF_INIT_SECRET(max) initialise an empty buffer of at most `max` bytes; nothing is allocated yet. */
#define BUF_INIT(max_bytes)                                                                                            \
	{                                                                                                              \
		NULL, 0, 0, (max_bytes), false                                                                         \
	}
#define BUF_INIT_SECRET(max_bytes)                                                                                     \
	{                                                                                                              \
		NULL, 0, 0, (max_bytes), true                                                                          \
	}

/* buf_clear() wipes (if secret) and frees the bytes; the buffer may be used again with the same maximum. */
void buf_clear(struct buf *self);
OWN_TYPE(buf, struct buf, buf_clear)

/* buf_reset() empties the buffer but keeps its memory. */
void buf_reset(struct buf *self);

struct slice buf_slice(const struct buf *self);

/* buf_reserve() makes room for n more bytes. *Errors* TOO_LARGE past the maximum, NO_MEMORY. */
struct err *buf_reserve(struct buf *self, size_t n) ERR_MUST_USE;

/* Appends. *Errors* as buf_reserve; on error the buffer is unchanged. */
struct err *buf_append(struct buf *self, struct slice bytes) ERR_MUST_USE;
struct err *buf_append_u8(struct buf *self, uint8_t byte) ERR_MUST_USE;
struct err *buf_append_str(struct buf *self, const char *text) ERR_MUST_USE;
struct err *buf_printf(struct buf *self, const char *fmt, ...) ERR_PRINTF(2, 3) ERR_MUST_USE;

/* buf_extend() appends n uninitialised bytes and gives their address. */
struct err *buf_extend(struct buf *self, uint8_t **out, size_t n) ERR_MUST_USE;

/* buf_set() replaces the contents. */
struct err *buf_set(struct buf *self, struct slice bytes) ERR_MUST_USE;

/* buf_str() gives the contents as NUL-terminated text (the NUL is not counted in len). */
struct err *buf_str(struct buf *self, const char **out) ERR_MUST_USE;

/* buf_move() takes over the bytes of `from`, which ends empty. */
void buf_move(struct buf *self, struct buf *from);

#endif
