/*
 * err.h - the one error convention of the project.
 *
 * A function that can fail returns `struct err *`: NULL is success, anything else is an error that the caller owns.
 * An error carries a code (err_codes.def), the field it speaks of (when there is one), a sentence, file and line, and
 * the error that caused it. The function that consumes an error logs it, once; nobody both logs and returns.
 * Out of memory returns a static object, so that creating an error cannot fail.
 * Never put key bytes, PINs or whole request bodies into a sentence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum err_category { ERR_REFUSE, ERR_AUDIT, ERR_RETRY_LATER, ERR_FAULT };

enum err_code {
	ERR_OK = 0,
#define ERR_CODE(name, category, word) ERR_##name,
#include "base/err_codes.def"
#undef ERR_CODE
	ERR_CODE_COUNT
};

#define ERR_PRINTF(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#define ERR_MUST_USE			  __attribute__((warn_unused_result))

/* err_new() makes an error; use the macros below instead. `field` may be NULL. *Owns* the result: the caller, err_destroy(). */
struct err *err_new(enum err_code code, const char *file, int line, const char *field, const char *fmt, ...)
	ERR_PRINTF(5, 6) ERR_MUST_USE;

/* err_wrap() makes an error with the code and field of `cause` (or `code` if not ERR_OK), which it takes over. */
struct err *err_wrap(struct err *cause, enum err_code code, const char *file, int line, const char *fmt, ...)
	ERR_PRINTF(5, 6) ERR_MUST_USE;

#define ERR(code, ...)		    err_new(ERR_##code, __FILE__, __LINE__, NULL, __VA_ARGS__)
#define ERR_FIELD(code, field, ...) err_new(ERR_##code, __FILE__, __LINE__, (field), __VA_ARGS__)
/* ERR_WRAP() adds a sentence of context and keeps the code; ERR_RECODE() also changes the code. */
#define ERR_WRAP(cause, ...)	     err_wrap((cause), ERR_OK, __FILE__, __LINE__, __VA_ARGS__)
#define ERR_RECODE(cause, code, ...) err_wrap((cause), ERR_##code, __FILE__, __LINE__, __VA_ARGS__)

/* ERR_ERRNO() absorbs errno (code SYSTEM; ENOMEM becomes NO_MEMORY) behind the sentence. */
struct err *err_errno(const char *file, int line, const char *fmt, ...) ERR_PRINTF(3, 4) ERR_MUST_USE;
#define ERR_ERRNO(...) err_errno(__FILE__, __LINE__, __VA_ARGS__)

/* ERR_OPENSSL() absorbs and drains OpenSSL's error queue behind the sentence, with the code given. */
struct err *err_openssl(enum err_code code, const char *file, int line, const char *fmt, ...)
	ERR_PRINTF(4, 5) ERR_MUST_USE;
#define ERR_OPENSSL(code, ...) err_openssl(ERR_##code, __FILE__, __LINE__, __VA_ARGS__)

/* err_destroy() frees the error and its causes. NULL-safe; sets *self = NULL. */
void err_destroy(struct err **self);

/* Getters; all accept NULL (code ERR_OK, texts ""). Texts live as long as the error. */
enum err_code err_code(const struct err *e);
enum err_category err_category(enum err_code code);
const char *err_code_word(enum err_code code);
const char *err_field(const struct err *e); /* nearest field in the chain, or NULL */
const char *err_sentence(const struct err *e); /* of this error alone, without causes */
const struct err *err_cause(const struct err *e);
const char *err_file(const struct err *e);
int err_line(const struct err *e);

/* err_text() writes "sentence: cause: cause" into out (always terminated, cut if need be) and returns out. */
const char *err_text(const struct err *e, char *out, size_t out_len);

#endif
