/*
 * log.c - structured log lines. See log.h.
 *
 * One write() a line, so that lines of several threads never mix.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_BYTES = 2048 };

static char program_name[32] = "?";
static enum log_level least_level = LOG_INFO;
static void (*sink_fn)(void *, const char *);
static void *sink_arg;

static const char *const level_words[] = { "debug", "info", "warn", "error" };

void log_setup(const char *program, enum log_level least)
{
	(void)snprintf(program_name, sizeof program_name, "%s", program);
	least_level = least;
}

bool log_level_parse(enum log_level *out, const char *word)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (strcmp(word, level_words[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set_sink(void (*sink)(void *arg, const char *line), void *arg)
{
	sink_fn = sink;
	sink_arg = arg;
}

void log_ctx_set(struct log_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(ctx->fields, sizeof ctx->fields, fmt, ap);
	va_end(ap);
}

/* Replaces control characters by '?', so that a value cannot end the line or drive a terminal. */
static void line_escape(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

static void line_emit(char *line)
{
	line_escape(line);
	if (sink_fn != NULL) {
		sink_fn(sink_arg, line);
		return;
	}
	size_t len = strlen(line);
	line[len] = '\n';
	/* A log line that cannot be written has nowhere to be reported. */
	ssize_t written = write(STDERR_FILENO, line, len + 1);
	(void)written;
}

void log_write(enum log_level level, const struct log_ctx *ctx, const char *event, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES + 2];
	char at[CLOCK_RFC3339_SIZE];
	va_list ap;

	if (level < least_level)
		return;
	int used = snprintf(line, LINE_MAX_BYTES, "%s %s %s %s", clock_rfc3339_ms(at, clock_now_ms()),
			    level_words[level], program_name, event);
	if (used > 0 && used < LINE_MAX_BYTES && ctx != NULL && ctx->fields[0] != '\0')
		used += snprintf(line + used, (size_t)(LINE_MAX_BYTES - used), " %s", ctx->fields);
	if (used > 0 && used < LINE_MAX_BYTES - 1 && fmt != NULL && fmt[0] != '\0') {
		line[used++] = ' ';
		va_start(ap, fmt);
		(void)vsnprintf(line + used, (size_t)(LINE_MAX_BYTES - used), fmt, ap);
		va_end(ap);
	}
	line_emit(line);
}

void log_err(enum log_level level, const struct log_ctx *ctx, const char *event, struct err **consumed)
{
	char text[1024];

	if (*consumed == NULL)
		return;
	const struct err *e = *consumed;
	const char *field = err_field(e);
	log_write(level, ctx, event, "code=%s%s%s at=%s:%d error=\"%s\"", err_code_word(err_code(e)),
		  field ? " field=" : "", field ? field : "", err_file(e), err_line(e), err_text(e, text, sizeof text));
	err_destroy(consumed);
}

void panic_at(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	log_write(LOG_ERROR, NULL, "panic", "at=%s:%d error=\"%s\"", file, line, text);
	abort();
}
