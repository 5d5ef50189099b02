/*
 * handlers.h - who may ask this signer what: one table a tier. A type that is not in the table, or from another role, is
 * answered `denied` by the bus.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_HANDLERS_H
#define CA_SIGN_HANDLERS_H

#include "ca/sign/state.h"

/* handlers_of() gives the table of a tier, ended by type 0. */
const struct bus_handler *handlers_of(bool is_ca);

/* on_signer_status() handles MSG_SIGNER_STATUS. */
struct err *on_signer_status(void *state, struct bus_call *call) ERR_MUST_USE;

#endif
