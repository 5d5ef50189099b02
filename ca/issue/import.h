/*
 * import.h - `cad --import-ceremony DIR`: brings the certificates of the key ceremony and the first Policy into the ledger.
 *
 * DIR is the folder that `signd --ceremony` wrote: DIR/manifest with lines "issuer serial profile file person", files
 * relative to the folder above, where ISSUER/{issuing,root}.pem and policy.der lie. All of it in one transaction, each
 * certificate verified under its issuer first; what is there already is compared and left alone, so it may be repeated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_IMPORT_H
#define CA_ISSUE_IMPORT_H

#include "db/db.h"

struct import_report {
	size_t issuers, certificates, responders; /* new ones */
	int64_t policy; /* version when it is new, else 0 */
};

/* import_ceremony() *Errors* CONFIG (a file is missing or is not what it should be, field: its name), CONFLICT (the ledger
 * has something else under that name or number), and those of the database. */
struct err *import_ceremony(struct db *db, struct import_report *out, const char *dir) ERR_MUST_USE;

#endif
