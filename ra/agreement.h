/*
 * agreement.h - the user agreement: one UTF-8 text in all languages; what an applicant accepts is its SHA-256.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_AGREEMENT_H
#define RA_AGREEMENT_H

#include "db/db.h"

enum { RA_AGREEMENT_MAX = 256 * 1024 };

struct ra_agreement {
	struct buf text;
	uint8_t digest[32];
	const char *version; /* borrowed from the settings */
};
void ra_agreement_clear(struct ra_agreement *self);

/* ra_agreement_read() reads the file. *Errors* CONFIG: not readable, too large, not UTF-8, empty. */
struct err *ra_agreement_read(struct ra_agreement *out, const char *file, const char *version) ERR_MUST_USE;

/* ra_agreement_store() makes the text known to the ledger, once. */
struct err *ra_agreement_store(const struct ra_agreement *a, struct db *db) ERR_MUST_USE;

#endif
