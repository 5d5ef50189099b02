/*
 * own.h - ownership by scope, and the four control-flow macros of the project. There are no others.
 *
 *   OWN(buf) out = BUF_INIT(64);       freed at the end of the scope by its destructor
 *   return TAKE(out);                  hands a pointer on: the scope no longer frees it
 *   TRY(call());                       returns the error of a failed call to the caller
 *   ENSURE(n > 0, BAD_INPUT, "...");   returns a new error when a condition does not hold
 *   ENSURE_FIELD(ok, BAD_INPUT, "iin", "...");  the same, naming the field
 *
 * A header that owns a type makes it known with OWN_TYPE (destructor takes a pointer to the variable) or
 * OWN_POINTER (destructor takes the pointer, as OpenSSL's do).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_OWN_H
#define COMMON_BASE_OWN_H

#include "base/err.h"

#define OWN(tag) __attribute__((cleanup(own_free_##tag), unused)) own_type_##tag

/* `destroy` is called with a pointer to the variable. */
#define OWN_TYPE(tag, ctype, destroy)                                                                                  \
	typedef ctype own_type_##tag;                                                                                  \
	static inline void own_free_##tag(ctype *own_p)                                                                \
	{                                                                                                              \
		destroy(own_p);                                                                                        \
	}

/* `destroy` is called with the variable's value when it is not NULL. */
#define OWN_POINTER(tag, ctype, destroy)                                                                               \
	typedef ctype own_type_##tag;                                                                                  \
	static inline void own_free_##tag(ctype *own_p)                                                                \
	{                                                                                                              \
		if (*own_p != NULL)                                                                                    \
			destroy(*own_p);                                                                               \
	}

#define TAKE(name)                                                                                                     \
	({                                                                                                             \
		__typeof__(name) take_value_ = (name);                                                                 \
		(name) = NULL;                                                                                         \
		take_value_;                                                                                           \
	})

#define TRY(call)                                                                                                      \
	do {                                                                                                           \
		struct err *try_err_ = (call);                                                                         \
		if (__builtin_expect(try_err_ != NULL, 0))                                                             \
			return try_err_;                                                                               \
	} while (0)

#define ENSURE(cond, code, ...)                                                                                        \
	do {                                                                                                           \
		if (__builtin_expect(!(cond), 0))                                                                      \
			return ERR(code, __VA_ARGS__);                                                                 \
	} while (0)

#define ENSURE_FIELD(cond, code, field, ...)                                                                           \
	do {                                                                                                           \
		if (__builtin_expect(!(cond), 0))                                                                      \
			return ERR_FIELD(code, field, __VA_ARGS__);                                                    \
	} while (0)

OWN_TYPE(err, struct err *, err_destroy)

#endif
