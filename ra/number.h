/*
 * number.h - the number of an application: 80 random bits, written so that a person can read it to another.
 *
 *   4T9K-0Q2M-8XZR-77HB-C      16 digits of Crockford's base 32, four to a group, then one check digit
 *
 * Who knows the number may see the state and take the certificates, so it comes from the system's CSPRNG and is never
 * derived from anything. The check digit is a weighted sum over GF(32) with sixteen different weights: one wrong digit
 * and any two exchanged ones are always found. That is for people's mistakes; it protects nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_NUMBER_H
#define RA_NUMBER_H

#include "base/buf.h"

enum { RA_NUMBER_SIZE = 22 }; /* 16 digits, 4 hyphens, check digit, NUL */

/* ra_number_new() draws a number. *Errors* SYSTEM. */
struct err *ra_number_new(char out[RA_NUMBER_SIZE]) ERR_MUST_USE;

/* ra_number_format() writes the number of ten octets: for tests. */
void ra_number_format(char out[RA_NUMBER_SIZE], const uint8_t bits[10]);

/* ra_number_parse() brings what a person typed into the one form: either case, O read as 0, I and L as 1, hyphens and
 * spaces anywhere or missing. *Errors* BAD_INPUT, field "number". */
struct err *ra_number_parse(char out[RA_NUMBER_SIZE], const char *text) ERR_MUST_USE;

#endif
