/*
 * utf8.h - one code point after another, for the character checks of person.c and name.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_UTF8_H
#define COMMON_X509_UTF8_H

#include "base/buf.h"

/* utf8_next() takes one code point off the front of `rest`; false at the end or where the bytes are not well-formed
 * UTF-8 (overlong forms, surrogates, above U+10FFFF): then rest->len tells which. */
bool utf8_next(uint32_t *out, struct slice *rest);

/* utf8_put() appends one code point. */
struct err *utf8_put(struct buf *out, uint32_t c) ERR_MUST_USE;

/* utf8_is_letter() knows the composed letters of the Latin and Cyrillic scripts, Kazakh ones included. */
bool utf8_is_letter(uint32_t c);

/* utf8_upper() maps a letter of these scripts to upper case one to one; others are given back unchanged. */
uint32_t utf8_upper(uint32_t c);

#endif
