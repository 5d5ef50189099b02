/*
 * share.h - the file that a custodian holds: one share of the secret that opens a signer's keys.
 *
 *   Share ::= SEQUENCE { body Body, check OCTET STRING (SHA-256 of the Body's DER) }
 *   Body ::= SEQUENCE { version INTEGER (1), set OCTET STRING (16), number INTEGER, threshold INTEGER, shares INTEGER,
 *      iterations INTEGER (0: plain), salt OCTET STRING (16, or empty when plain), value OCTET STRING }
 * in PEM, "NUC KEY SHARE". The value has 32 octets; under a passphrase it is AES-256-GCM (tag appended) with the key of
 * PBKDF2-HMAC-SHA-256, and the fields before it are authenticated with it. Splitting and joining: ca/sign/custody.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_SHARE_H
#define COMMON_X509_SHARE_H

#include "base/buf.h"

enum { SHARE_VALUE_LEN = 32, SHARE_SET_LEN = 16, SHARE_TEXT_MAX = 4096, SHARES_MAX = 16 };

struct share {
	uint8_t set[SHARE_SET_LEN]; /* which ceremony */
	int64_t number, threshold, shares; /* number: 1.. */
	uint8_t value[SHARE_VALUE_LEN];
};

void share_wipe(struct share *self);

/* share_write() appends the file's text; an empty passphrase leaves the value plain. */
struct err *share_write(struct buf *out, const struct share *share, struct slice passphrase) ERR_MUST_USE;

/* share_is_encrypted() says whether share_read() needs the custodian's passphrase. */
struct err *share_is_encrypted(bool *out, struct slice text) ERR_MUST_USE;

/* share_read() reads the file's text. *Errors* BAD_INPUT, field "share": no share, or its checksum is wrong; DENIED, field
 * "share": the passphrase is wrong. */
struct err *share_read(struct share *out, struct slice text, struct slice passphrase) ERR_MUST_USE;

#endif
