/*
 * log.h - structured log lines on standard error, one event a line:
 *
 *   2026-11-22T21:40:28.123Z info cad certificate_issued request=17 serial=4F02.. took_ms=4
 *
 * The event name is stable (people search for it); the rest are fields `name=value`. Values with spaces are quoted by
 * the caller ("reason=\"%s\""); control characters and line breaks are escaped here, so that a name can never forge
 * a line. Never log keys, PINs, one-time codes or request bodies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdarg.h>

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* log_setup() names the program and the least level that is written (default: "?", LOG_INFO). Thread-safe after. */
void log_setup(const char *program, enum log_level least);
/* log_level_parse() reads debug|info|warn|error; false when it is none of them. */
bool log_level_parse(enum log_level *out, const char *word);

/* Context attached once and repeated on each line: "peer=crld request=6f.." Lives as long as the caller keeps it. */
struct log_ctx {
	char fields[192];
};
void log_ctx_set(struct log_ctx *ctx, const char *fmt, ...) ERR_PRINTF(2, 3);

/* ctx may be NULL; fmt may be NULL for an event without fields. */
void log_write(enum log_level level, const struct log_ctx *ctx, const char *event, const char *fmt, ...)
	ERR_PRINTF(4, 5);
#define log_debug(ctx, event, ...) log_write(LOG_DEBUG, ctx, event, __VA_ARGS__)
#define log_info(ctx, event, ...)  log_write(LOG_INFO, ctx, event, __VA_ARGS__)
#define log_warn(ctx, event, ...)  log_write(LOG_WARN, ctx, event, __VA_ARGS__)
#define log_error(ctx, event, ...) log_write(LOG_ERROR, ctx, event, __VA_ARGS__)

/* log_err() consumes an error: writes it with its chain, code and place, and frees it. NULL-safe. */
void log_err(enum log_level level, const struct log_ctx *ctx, const char *event, struct err **consumed);

/* Tests catch lines here instead of standard error; NULL restores. */
void log_set_sink(void (*sink)(void *arg, const char *line), void *arg);

/* panic() is for broken invariants only: writes the sentence and aborts. Never reached by a peer's input. */
_Noreturn void panic_at(const char *file, int line, const char *fmt, ...) ERR_PRINTF(3, 4);
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

#endif
