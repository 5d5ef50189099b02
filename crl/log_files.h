/*
 * log_files.h - the log's checkpoint and tiles as files, so that heads leave the database at once and anybody may
 * audit.
 *
 * C2SP tlog-tiles under log/: tile/LEVEL/N, partial tile/LEVEL/N.p/WIDTH, and checkpoint, which is written last:
 * whoever reads a checkpoint finds every tile that it needs. Partial tiles go once the whole one is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_LOG_FILES_H
#define CRL_LOG_FILES_H

#include "crl/folder.h"
#include "crl/queries.h"

struct crl_log_files;

/* crl_log_files_create() goes on from the checkpoint that the folder has. *Owns* the caller; folder outlives it. */
struct err *crl_log_files_create(struct crl_log_files **out, const struct crl_folder *folder) ERR_MUST_USE;
void crl_log_files_destroy(struct crl_log_files **self);
OWN_TYPE(crl_log_files, struct crl_log_files *, crl_log_files_destroy)

/* crl_log_files_run() publishes the ledger's newest checkpoint when it is newer. *Errors* CONFLICT when the ledger's
 * log is shorter than what was published (it was rolled back), and those of database and files. */
struct err *crl_log_files_run(struct crl_log_files *self, struct db *db) ERR_MUST_USE;

int64_t crl_log_files_size(const struct crl_log_files *self); /* of the published checkpoint */

#endif
