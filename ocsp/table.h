/*
 * table.h - every certificate's status in memory: 40 to 50 bytes a certificate, read without a lock.
 *
 * Open addressing in 1,024 segments, each between 64 and 80 % full and growing by itself, so that no insertion stops
 * the world. A row is 32 bytes: the status word, which changes in one atomic store, and issuer and serial, which never
 * change. Rows are never removed. One writer; readers are inside an epoch (epoch.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_TABLE_H
#define OCSP_TABLE_H

#include "asn1/serial.h"
#include "ocsp/epoch.h"
#include "ocsp/status.h"

struct ocsp_table;

/* ocsp_table_create() makes an empty table whose segments are retired into the epoch. *Owns* out: the caller. */
struct err *ocsp_table_create(struct ocsp_table **out, struct epoch *epoch) ERR_MUST_USE;
/* ocsp_table_destroy() frees it; no reader may be left. */
void ocsp_table_destroy(struct ocsp_table **self);

/* ocsp_table_get() gives the word of a certificate, 0 when there is none. Any reader, inside an epoch. */
ocsp_word ocsp_table_get(const struct ocsp_table *self, unsigned issuer, struct slice serial);

/* ocsp_table_put() sets the word (not 0), inserting the certificate when it is new. The writer. *Errors* NO_MEMORY;
 * BAD_INPUT for a serial that is none, BUG for an issuer > 255. */
struct err *ocsp_table_put(struct ocsp_table *self, unsigned issuer, struct slice serial, ocsp_word word) ERR_MUST_USE;

uint64_t ocsp_table_num(const struct ocsp_table *self);
uint64_t ocsp_table_bytes(const struct ocsp_table *self);

#endif
