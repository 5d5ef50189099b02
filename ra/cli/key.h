/*
 * key.h - people's own private keys: the only file of the command-line tools that uses one.
 *
 * A key store is named by text: `file:KEY[,CERTIFICATE]` (PEM or DER, PKCS#8 or traditional, encrypted or not),
 * `p12:FILE` (PKCS#12), `pkcs11:URI` (tokens; not in this version, refused by name). A key never leaves its store object:
 * callers ask the store to sign. Passwords come from a file, the environment or the terminal, never from the command
 * line, and are wiped after use.
 *
 * It must never sign a bare digest: what is signed is a certification request of the key itself, or a Decision.
 * Callers: nucapply, nucctl, the simulators of deploy/simulators. References: RFC 5652, RFC 5035 §3, RFC 2986, RFC 7292.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_KEY_H
#define RA_CLI_KEY_H

#include "base/buf.h"

#define KEY_FILE_MAX (256 * 1024)
#define KEY_CMS_MAX  (64 * 1024)

/* Where a password may come from, in this order; the first that is set counts. */
struct key_password {
	const char *text; /* known already; NULL: not */
	const char *file; /* its first line; NULL: none */
	const char *variable; /* name of an environment variable; NULL: none */
	bool may_ask; /* ask at the terminal, without echo */
};

struct key_store;

/* key_store_open() opens a store. *Owns* the result: the caller. *Errors* BAD_INPUT (unknown or unsupported kind of
 * store, no key in it, key and certificate do not fit), NOT_FOUND, DENIED (wrong password, or none to be had). */
struct err *key_store_open(struct key_store **out, const char *spec, const struct key_password *password) ERR_MUST_USE;

/* key_store_generate() makes a fresh key in memory. `algorithm` is a word: rsa2048 rsa3072 rsa4096 p256.
 * *Errors* BAD_INPUT, field "alg", naming the words. */
struct err *key_store_generate(struct key_store **out, const char *algorithm) ERR_MUST_USE;

void key_store_destroy(struct key_store **self);
OWN_TYPE(key_store, struct key_store *, key_store_destroy)

/* key_store_certificate() gives the DER of the certificate that goes with the key (empty when there is none); lives as
 * long as the store. key_store_set_certificate() (PEM or DER) replaces it. *Errors* BAD_INPUT: of another key. */
struct slice key_store_certificate(const struct key_store *self);
struct err *key_store_set_certificate(struct key_store *self, struct slice text) ERR_MUST_USE;

/* key_store_public() appends the SubjectPublicKeyInfo. */
struct err *key_store_public(struct buf *out, const struct key_store *self) ERR_MUST_USE;

/* key_store_request() appends a PKCS#10 request in NUC's form: the extensions (csr_extensions()) in one
 * extensionRequest; `subject` is a Name in DER, for information only. RFC 2986 §4.2 */
struct err *key_store_request(struct buf *out, const struct key_store *self, struct slice subject,
			      struct slice extensions) ERR_MUST_USE;

/* key_store_sign() appends a detached CMS SignedData over the content: one SignerInfo, SHA-256, signed attributes
 * contentType, messageDigest, signingTime and signingCertificateV2 and no others, the signer's certificate included.
 * *Errors* BAD_INPUT when the store has no certificate. RFC 5652 §5, RFC 5035 §3 */
struct err *key_store_sign(struct buf *out, const struct key_store *self, struct slice content) ERR_MUST_USE;

/* key_store_pem() appends the key as PKCS#8 in PEM, encrypted (PBES2, AES-256-CBC, PBKDF2 with HMAC-SHA-256) when a
 * password is given. `out` should be BUF_INIT_SECRET. RFC 5958 */
struct err *key_store_pem(struct buf *out, const struct key_store *self,
			  const struct key_password *password) ERR_MUST_USE;

/* key_store_p12() appends a PKCS#12 file with the key, its certificate and the chain (PEM certificates, may be empty).
 * *Errors* DENIED when no password is to be had. RFC 7292 */
struct err *key_store_p12(struct buf *out, const struct key_store *self, const char *friendly_name,
			  struct slice chain_pem, const struct key_password *password) ERR_MUST_USE;

/* key_file_is_encrypted() says whether a file store's key needs a password, as far as PEM text tells. */
struct err *key_file_is_encrypted(bool *out, const char *path) ERR_MUST_USE;

/* key_password_get() sets the buffer (BUF_INIT_SECRET) to the password as NUL-terminated text; `what` is said when it is
 * asked for. *Errors* DENIED when no source has one. */
struct err *key_password_get(struct buf *out, const struct key_password *password, const char *what) ERR_MUST_USE;

#endif
