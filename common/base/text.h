/*
 * text.h - hexadecimal, base64, UTF-8 and small text helpers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_TEXT_H
#define COMMON_BASE_TEXT_H

#include "base/buf.h"

/* text_hex() appends lower-case hexadecimal. */
struct err *text_hex(struct buf *out, struct slice bytes) ERR_MUST_USE;
/* text_hex_fixed() writes 2*len+1 characters into out, which must be large enough. Returns out. */
const char *text_hex_fixed(char *out, struct slice bytes);
/* text_unhex() appends the bytes of a hexadecimal text of even length (either case). *Errors* BAD_INPUT. */
struct err *text_unhex(struct buf *out, struct slice hex) ERR_MUST_USE;

/* text_base64() appends standard base64 with padding, one line. text_unbase64() is strict: alphabet, padding, no
 * white space, no non-zero trailing bits. *Errors* BAD_INPUT. (RFC 4648 §4) */
struct err *text_base64(struct buf *out, struct slice bytes) ERR_MUST_USE;
struct err *text_unbase64(struct buf *out, struct slice text) ERR_MUST_USE;

/* text_utf8_length() counts characters (code points). *Errors* BAD_INPUT when the bytes are not well-formed UTF-8
 * (overlong forms, surrogates and NUL included). */
struct err *text_utf8_length(size_t *out, struct slice text) ERR_MUST_USE;

/* text_has_control() says whether well-formed UTF-8 text holds a control character (C0, C1, DEL) or a
 * bidirectional-override or invisible format character (U+200B..200F, U+202A..202E, U+2060..2069, U+FEFF). */
bool text_has_control(struct slice text);

/* text_is_digits() says whether the text is exactly n ASCII digits. */
bool text_is_digits(const char *text, size_t n);

#endif
