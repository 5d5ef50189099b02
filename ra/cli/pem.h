/*
 * pem.h - requests for certificates as PEM text. RFC 7468 §7
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_PEM_H
#define RA_CLI_PEM_H

#include "base/buf.h"

/* request_from_pem() appends the DER of the first request in the text, or the bytes themselves when they are DER.
 * *Errors* BAD_INPUT. request_to_pem() appends PEM. */
struct err *request_from_pem(struct buf *out, struct slice text) ERR_MUST_USE;
struct err *request_to_pem(struct buf *out, struct slice der) ERR_MUST_USE;

#endif
