/*
 * set.h - the revoked and held certificates of one list in memory: the fold of accepted orders, sorted by serial.
 *
 * One item a certificate: its last accepted order. Orders come in batches (crl_set_add ... crl_set_commit) and are
 * merged in one pass, so that a list that changed a little costs one copy. A released certificate stays, as
 * released, until it is pruned: the gate before publishing must know why an entry is gone. 48 bytes an item. No I/O,
 * no clock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_SET_H
#define CRL_SET_H

#include "asn1/serial.h"

enum crl_action { CRL_REVOKE = 1, CRL_HOLD = 2, CRL_RELEASE = 3 }; /* as in the column and in StatusOrder */
enum { CRL_CODE_KEY_COMPROMISE = 1, CRL_CODE_HOLD = 6, CRL_CODE_REMOVE = 8 };

struct crl_item {
	struct serial serial;
	uint8_t action; /* enum crl_action */
	uint8_t reason; /* RFC 5280 §5.3.1 */
	bool has_invalidity_at;
	uint32_t not_after_at; /* of the certificate; Unix seconds, as the others */
	uint32_t revoked_at;
	uint32_t invalidity_at;
	int64_t seq; /* the signer's number of the order */
};

struct crl_set;

struct err *crl_set_create(struct crl_set **out) ERR_MUST_USE;
void crl_set_destroy(struct crl_set **self);
OWN_TYPE(crl_set, struct crl_set *, crl_set_destroy)

/* crl_set_add() takes an order into the batch; orders may come in any sequence. *Errors* NO_MEMORY, TOO_LARGE. */
struct err *crl_set_add(struct crl_set *self, const struct crl_item *item) ERR_MUST_USE;
/* crl_set_commit() merges the batch: of each serial the order with the highest number stays. `order_seq` is the
 * watermark from now on. *Errors* NO_MEMORY: the set is unchanged and the batch is kept. */
struct err *crl_set_commit(struct crl_set *self, int64_t order_seq) ERR_MUST_USE;
/* crl_set_rollback() forgets the batch. crl_set_clear() forgets everything: the ledger is read again from the start. */
void crl_set_rollback(struct crl_set *self);
void crl_set_clear(struct crl_set *self);
/* crl_set_prune() drops items of certificates that expired before the instant. */
void crl_set_prune(struct crl_set *self, int64_t not_after_before);

/* The items, ascending by serial; valid until the next commit, prune or clear. */
const struct crl_item *crl_set_items(const struct crl_set *self, size_t *out_num);
/* crl_set_find() finds a serial, NULL where it is not. */
const struct crl_item *crl_set_find(const struct crl_set *self, const struct serial *serial);

int64_t crl_set_order_seq(const struct crl_set *self); /* watermark; 0: nothing was read yet */
int64_t crl_set_changed_seq(const struct crl_set *self); /* highest number of an order in it */
int64_t crl_set_urgent_seq(const struct crl_set *self); /* the same, of revocations for key compromise */

#endif
