/*
 * signer.h - crld's conversation with signd-ca: what it remembers, and one list from BEGIN to END.
 *
 * Waits for answers, so it belongs to the worker's thread. The signer checks each entry on its own and refuses a
 * list that is not exactly what was ordered; nothing here tries to talk it into anything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_SIGNER_H
#define CRL_SIGNER_H

#include "bus/bus.h"
#include "crl/build.h"

struct crl_signer_status {
	int64_t crl_number; /* last number signed for the issuer */
	int64_t order_seq; /* last accepted order */
};

/* crl_signer_status() asks what the signer remembers of the issuer. *Errors* NOT_FOUND (not an issuer of this
 * signer), and those of the bus. */
struct err *crl_signer_status(struct bus_client *client, struct crl_signer_status *out,
			      const char *issuer) ERR_MUST_USE;

/* crl_signer_sign() streams the measured list and appends the signature to `out`. *Errors* what the signer answers
 * (BAD_INPUT, DENIED, CONFLICT: it does not accept the list), TIMEOUT, GONE. */
struct err *crl_signer_sign(struct bus_client *client, struct buf *out, const char *issuer, const char *scope,
			    const struct crl_spec *spec, const struct crl_layout *layout, const struct crl_item *items,
			    size_t num_items, int64_t order_seq) ERR_MUST_USE;

#endif
