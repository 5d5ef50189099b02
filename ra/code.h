/*
 * code.h - one-time codes: six random digits, kept only as a salted hash, compared in constant time.
 *
 * Six digits protect nothing by their hash alone: what protects is the number of tries, of codes, and the time, all
 * settings, all counted in the ledger before the answer is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CODE_H
#define RA_CODE_H

#include "base/buf.h"

enum { RA_CODE_SIZE = 7, RA_CODE_HASH_SIZE = 16 + 32 };

/* ra_code_new() draws a code, every one of the million equally likely. *Errors* SYSTEM. */
struct err *ra_code_new(char out[RA_CODE_SIZE]) ERR_MUST_USE;

/* ra_code_hash() makes salt || SHA-256(salt || number || code). *Errors* SYSTEM. */
struct err *ra_code_hash(uint8_t out[RA_CODE_HASH_SIZE], const char *number, const char *code) ERR_MUST_USE;

/* ra_code_fits() compares what a person typed with the stored hash. */
bool ra_code_fits(struct slice hash, const char *number, const char *typed);

#endif
