/*
 * pkcs11.h - keys that stay in a PKCS#11 token: found by label, used, made there, never read.
 *
 * A struct pkcs11 is one token of one module: dlopen()ed, initialised with the module's own locks, logged in once. Each
 * signer has a session of its own on it. A private key and its public half carry the label "ISSUER.USE" ("rsa.ca").
 * When the token goes away (closed sessions, removed, restarted) the next signature connects and logs in anew, once; if
 * that does not help it is refused with RETRY. Nothing may fork after pkcs11_open(). Some modules open files with
 * each use: those need the sandbox SANDBOX_SIGND_TOKEN and their folder named.
 *
 * References: PKCS#11 v2.40 (OASIS) §5.4-5.14; RFC 8017 §9.2 (DigestInfo); RFC 3279 §2.2.3 (ECDSA-Sig-Value).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_PKCS11_H
#define CA_SIGN_PKCS11_H

#include "base/buf.h"
#include "x509/suite.h"

enum { PKCS11_LABEL_MAX = 40 };

struct pkcs11;

/* pkcs11_open() loads the module, finds the token by its label and logs in with the PIN, the first line of a file that
 * only its owner may read. *Errors* CONFIG (module, file), NOT_FOUND (no such token), DENIED (PIN refused), SYSTEM. */
struct err *pkcs11_open(struct pkcs11 **out, const char *module, const char *token, const char *pin_file) ERR_MUST_USE;
void pkcs11_close(struct pkcs11 **self);
OWN_TYPE(pkcs11, struct pkcs11 *, pkcs11_close)

/* pkcs11_public_key() appends the SubjectPublicKeyInfo of the key pair with this label. *Errors* NOT_FOUND, CONFLICT when
 * there are several, BAD_INPUT for a key that no suite has, RETRY. */
struct err *pkcs11_public_key(struct pkcs11 *self, struct buf *out_spki, const char *label) ERR_MUST_USE;

/* pkcs11_generate() makes a pair in the token: sensitive, not extractable, kept. *Errors* CONFLICT when the label is
 * taken, CONFIG for an algorithm that tokens are not asked for. */
struct err *pkcs11_generate(struct pkcs11 *self, struct buf *out_spki, const char *label,
			    const struct suite *suite) ERR_MUST_USE;

/* pkcs11_is_locked_in() says whether the private key is marked sensitive and not extractable, and always was. */
struct err *pkcs11_is_locked_in(struct pkcs11 *self, bool *out, const char *label) ERR_MUST_USE;

/* A session with one private key, for one thread. The token must outlive it. */
struct pkcs11_session;
struct err *pkcs11_session_open(struct pkcs11_session **out, struct pkcs11 *token, const char *label,
				const struct suite *suite) ERR_MUST_USE;
void pkcs11_session_close(struct pkcs11_session **self);
OWN_TYPE(pkcs11_session, struct pkcs11_session *, pkcs11_session_close)

/* pkcs11_session_sign() signs a digest of the suite's algorithm into out, which has room for *len octets; *len becomes
 * the signature's length. For sign.c alone. *Errors* RETRY when the token is lost, SYSTEM. */
struct err *pkcs11_session_sign(struct pkcs11_session *self, uint8_t *out, size_t *len,
				struct slice digest) ERR_MUST_USE;

#endif
