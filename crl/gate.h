/*
 * gate.h - may this list be published? Reads back what was written and believes nothing that was meant.
 *
 * The bytes must be, to our strict reader, exactly the list that was asked for: issuer, algorithm, times, number,
 * key id; each entry the item of the ledger, in order, none more and none less, none dated after thisUpdate; the
 * signature that of the issuer's key. And they must follow the list that is published now: number and times up, and
 * every entry that is gone was released, or expired before a list that still had it. What fails is never published:
 * the old list stays. Pure; incidents.md rows 25 to 35.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_GATE_H
#define CRL_GATE_H

#include "crl/build.h"
#include "crl/read.h"

struct crl_gate {
	const struct crl_spec *spec; /* what was asked for */
	size_t num_entries, size_bytes; /* as measured */
	struct slice public_key; /* of the issuer, SubjectPublicKeyInfo */
	const struct crl_item *items; /* of the ledger */
	size_t num_items;
	struct slice previous; /* the list of this kind that is published now, or empty */
};

/* crl_gate_check() lets the list pass or says why not. *Errors* CONFLICT (what it says does not fit), BAD_INPUT
 * (form or signature). */
struct err *crl_gate_check(const struct crl_gate *gate, struct slice der) ERR_MUST_USE;

#endif
