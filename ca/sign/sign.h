/*
 * sign.h - the only place that uses a CA's private key. What may be signed is decided elsewhere (policy.h, crl.h, ocsp.h);
 * here bytes become a signature, and every signature is verified with the public key before it is given out: a fault
 * in memory or in a signing module must not leave the house (RFC 5280 says nothing; incidents do). Only OCSP answers are
 * not verified but counted (design.md section 4): they live for hours, and with P-256 the check costs twice the signature.
 *
 * A signer belongs to one thread and keeps its contexts; several signers may share a key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_SIGN_H
#define CA_SIGN_SIGN_H

#include "ca/sign/keys.h"

struct signer;

/* signer_create() prepares the contexts of a key, which must outlive the signer. */
struct err *signer_create(struct signer **out, const struct sign_key *key) ERR_MUST_USE;
void signer_destroy(struct signer **self);
OWN_TYPE(signer, struct signer *, signer_destroy)

/* signer_forget() lets go of the private key, so that it can be wiped (keys_lock()); the next signature asks for it again. */
void signer_forget(struct signer *self);

const struct sign_key *signer_key(const struct signer *self);

/* signer_sign() appends the signature over the bytes: the octets that go into a BIT STRING. *Errors* BUG when the
 * signature does not verify, SYSTEM when the key cannot sign, RETRY while it is locked or its token is lost. On error nothing is appended. */
struct err *signer_sign(struct signer *self, struct buf *out_signature, struct slice bytes) ERR_MUST_USE;

/* The same over bytes that come in pieces, hashed on the fly (lists of many megabytes). One stream at a time a signer;
 * _begin() starts over. Not for keys that hash by themselves (Ed25519): BUG. */
struct err *signer_stream_begin(struct signer *self) ERR_MUST_USE;
struct err *signer_stream_update(struct signer *self, struct slice piece) ERR_MUST_USE;
struct err *signer_stream_end(struct signer *self, struct buf *out_signature) ERR_MUST_USE;

#endif
