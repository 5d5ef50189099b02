/*
 * pem.h - the textual form of certificates, requests and lists (RFC 7468), strict about its base64.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_PEM_H
#define COMMON_X509_PEM_H

#include "base/buf.h"

#define PEM_CERTIFICATE "CERTIFICATE"
#define PEM_REQUEST	"CERTIFICATE REQUEST"
#define PEM_CRL		"X509 CRL"

/* pem_read() appends the DER of the first block with the label, or the bytes themselves when they are DER already. White
 * space between base64 lines is allowed, headers are not. *Errors* BAD_INPUT. */
struct err *pem_read(struct buf *out_der, struct slice text, const char *label) ERR_MUST_USE;

/* pem_next() takes the first block off the front of `rest` (chain files); *out_found is false when there is none. */
struct err *pem_next(struct buf *out_der, bool *out_found, struct slice *rest, const char *label) ERR_MUST_USE;

/* pem_write() appends one block with lines of 64 characters. */
struct err *pem_write(struct buf *out, struct slice der, const char *label) ERR_MUST_USE;

#endif
