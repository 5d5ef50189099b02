/*
 * custody.h - k of n custodians: the secret under which a ceremony's key files are encrypted, split into shares (Shamir's
 * scheme, libgfshare with our own random numbers) and put together again in a running signer.
 *
 * Each folder of keys holds a public file `custodians`: which set it is, k, n, and a SHA-256 of each share, so that a wrong
 * share is named by itself. The shares go to their custodians' files (x509/share.h). Each tier's key files have a
 * passphrase of their own, derived from the secret: what opens one tier's files opens no other's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_CUSTODY_H
#define CA_SIGN_CUSTODY_H

#include "base/buf.h"
#include "x509/share.h"

#define CUSTODY_FILE "custodians"

enum { CUSTODY_FILE_MAX = 4096 };

struct custody; /* the public file, and the shares given so far */

/* custody_split() makes a new set with a random secret: shares[0..n) and what the folders of keys get. *Owns* *out: the
 * caller; all shares count as given to it. *Errors* CONFIG for a k or n that makes no sense. */
struct err *custody_split(struct custody **out, struct share *out_shares, int64_t threshold,
			  int64_t shares) ERR_MUST_USE;
struct err *custody_write(struct buf *out, const struct custody *self) ERR_MUST_USE;

/* custody_read() reads the public file; no share is given yet. *Errors* CONFIG. */
struct err *custody_read(struct custody **out, struct slice text) ERR_MUST_USE;
void custody_destroy(struct custody **self);
OWN_TYPE(custody, struct custody *, custody_destroy)

/* custody_give() takes a share. *Errors* DENIED, field "share": of another set, or not the share that it says it is;
 * CONFLICT: given already. */
struct err *custody_give(struct custody *self, const struct share *share) ERR_MUST_USE;
int64_t custody_given(const struct custody *self);
int64_t custody_threshold(const struct custody *self);
/* custody_forget() wipes the shares that were given. */
void custody_forget(struct custody *self);

/* custody_passphrase() joins the shares and appends the passphrase of the tier's key files ("root", "ca", "ocsp").
 * *Errors* RETRY while shares are missing. */
struct err *custody_passphrase(struct buf *out, const struct custody *self, const char *tier) ERR_MUST_USE;

#endif
