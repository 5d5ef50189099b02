/*
 * lists.h - the lists of one issuer from the ledger to the published file: when due, built, signed, checked, recorded,
 * placed.
 *
 * Every list, in this order: counter's row lock and number - bytes to the signer - file written and flushed - read
 * back and judged (gate.h) - row of table crl, counter and log entry committed - file renamed. A crash anywhere
 * leaves the old list published and no number used twice; one between commit and rename is finished at the next
 * start. What goes wrong keeps the old list, is logged, counted and tried again after a pause.
 *
 * Waits for database and signer, so it belongs to the worker's thread (worker.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_LISTS_H
#define CRL_LISTS_H

#include "bus/bus.h"
#include "crl/folder.h"
#include "crl/queries.h"
#include "crl/schedule.h"

struct crl_lists;

struct crl_lists_conf {
	const char *issuer; /* name; copied, as the certificate is */
	struct slice certificate; /* of the issuing CA, DER */
	struct db *db;
	struct bus_client *signer;
	const struct crl_folder *folder;
	struct crl_rule full, delta;
	int64_t keep_expired_s; /* an entry stays this long after the certificate's expiry, and on one list at least */
};

/* crl_lists_create() reads the certificate. *Errors* BAD_INPUT. *Owns* the caller; db, signer and folder must
 * outlive it. */
struct err *crl_lists_create(struct crl_lists **out, const struct crl_lists_conf *conf) ERR_MUST_USE;
void crl_lists_destroy(struct crl_lists **self);
OWN_TYPE(crl_lists, struct crl_lists *, crl_lists_destroy)

/* crl_lists_recover() looks at what is published and at the ledger: finishes a list that was recorded but not
 * placed, and takes over the published ones. Run once before crl_lists_run(), again after an error. */
struct err *crl_lists_recover(struct crl_lists *self) ERR_MUST_USE;

/* crl_lists_run() follows the ledger and issues what is due. Errors of a list are consumed (logged and counted); an
 * error that comes back means that the ledger cannot be read. *out_look_again_at: nothing is due before that second. */
struct err *crl_lists_run(struct crl_lists *self, int64_t *out_look_again_at) ERR_MUST_USE;

/* What is known of one kind of list, for metrics and health. */
struct crl_lists_status {
	bool is_issued; /* the rule wants lists of this kind */
	bool has_list;
	struct crl_row published;
	const char *alarm; /* NULL: all is well */
	char problem[256]; /* why the last try failed, "" after a success */
	int64_t issued, failed; /* since the start */
	int64_t last_us; /* time that the last list took, from due to placed */
};
const struct crl_lists_status *crl_lists_status(const struct crl_lists *self, enum crl_kind kind);
const char *crl_lists_issuer(const struct crl_lists *self);

#endif
