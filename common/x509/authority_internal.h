/*
 * authority_internal.h - readings that the files of authority share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_AUTHORITY_INTERNAL_H
#define COMMON_X509_AUTHORITY_INTERNAL_H

#include "x509/authority.h"

/* authority_read_text() reads a UTF8String of min..max octets without control or invisible characters. */
struct err *authority_read_text(struct der_reader *r, struct slice *out, size_t min, size_t max,
				const char *what) ERR_MUST_USE;

/* authority_read_choice() reads an ENUMERATED of 1..max. */
struct err *authority_read_choice(struct der_reader *r, int64_t *out, int64_t max, const char *what) ERR_MUST_USE;

/* authority_read_signed_decision() reads one SignedDecision inside a structure. */
struct err *authority_read_signed_decision(struct signed_decision *out, struct der_reader *r) ERR_MUST_USE;

#endif
