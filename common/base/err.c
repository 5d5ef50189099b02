/*
 * err.c - errors with a code, a field, a sentence, a place and a cause. See err.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCE_MAX = 512, FIELD_MAX = 64 };

struct err {
	enum err_code code;
	int line;
	const char *file;
	struct err *cause;
	bool is_static;
	char field[FIELD_MAX];
	char sentence[SENTENCE_MAX];
};

static struct err out_of_memory = { .code = ERR_NO_MEMORY, .file = "", .is_static = true, .sentence = "out of memory" };

static const struct {
	enum err_category category;
	const char *word;
} codes[ERR_CODE_COUNT] = {
#define ERR_CODE(name, category, word) [ERR_##name] = { ERR_CATEGORY_##category, word },
#define ERR_CATEGORY_REFUSE	       ERR_REFUSE
#define ERR_CATEGORY_AUDIT	       ERR_AUDIT
#define ERR_CATEGORY_RETRY	       ERR_RETRY_LATER
#define ERR_CATEGORY_FAULT	       ERR_FAULT
#include "base/err_codes.def"
#undef ERR_CODE
};

static struct err *err_make(enum err_code code, const char *file, int line, const char *field, const char *fmt,
			    va_list ap)
{
	struct err *e = calloc(1, sizeof *e);

	if (e == NULL)
		return &out_of_memory;
	e->code = code;
	e->file = file;
	e->line = line;
	if (field != NULL)
		(void)snprintf(e->field, sizeof e->field, "%s", field);
	(void)vsnprintf(e->sentence, sizeof e->sentence, fmt, ap);
	return e;
}

struct err *err_new(enum err_code code, const char *file, int line, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct err *e = err_make(code, file, line, field, fmt, ap);
	va_end(ap);
	return e;
}

struct err *err_wrap(struct err *cause, enum err_code code, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (code == ERR_OK)
		code = err_code(cause);
	va_start(ap, fmt);
	struct err *e = err_make(code, file, line, NULL, fmt, ap);
	va_end(ap);
	if (e->is_static)
		err_destroy(&cause);
	else
		e->cause = cause;
	return e;
}

struct err *err_errno(const char *file, int line, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	char text[SENTENCE_MAX];

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_new(saved == ENOMEM ? ERR_NO_MEMORY : ERR_SYSTEM, file, line, NULL, "%s: %s", text, strerror(saved));
}

struct err *err_openssl(enum err_code code, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	char text[SENTENCE_MAX];
	char reason[256] = "no reason given by libcrypto";
	unsigned long first = ERR_get_error();

	if (first != 0)
		ERR_error_string_n(first, reason, sizeof reason);
	ERR_clear_error();
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_new(code, file, line, NULL, "%s: %s", text, reason);
}

void err_destroy(struct err **self)
{
	if (self == NULL)
		return;
	struct err *e = *self;
	*self = NULL;
	while (e != NULL && !e->is_static) {
		struct err *cause = e->cause;

		free(e);
		e = cause;
	}
}

enum err_code err_code(const struct err *e)
{
	return e == NULL ? ERR_OK : e->code;
}

enum err_category err_category(enum err_code code)
{
	return codes[code].category;
}

const char *err_code_word(enum err_code code)
{
	return code == ERR_OK ? "ok" : codes[code].word;
}

const char *err_field(const struct err *e)
{
	for (; e != NULL; e = e->cause)
		if (e->field[0] != '\0')
			return e->field;
	return NULL;
}

const char *err_sentence(const struct err *e)
{
	return e == NULL ? "" : e->sentence;
}

const struct err *err_cause(const struct err *e)
{
	return e == NULL ? NULL : e->cause;
}

const char *err_file(const struct err *e)
{
	return e == NULL ? "" : e->file;
}

int err_line(const struct err *e)
{
	return e == NULL ? 0 : e->line;
}

const char *err_text(const struct err *e, char *out, size_t out_len)
{
	size_t used = 0;

	if (out_len == 0)
		return out;
	out[0] = '\0';
	for (; e != NULL && used + 1 < out_len; e = e->cause) {
		int n = snprintf(out + used, out_len - used, "%s%s", used == 0 ? "" : ": ", e->sentence);

		if (n < 0)
			break;
		used += (size_t)n;
	}
	return out;
}
