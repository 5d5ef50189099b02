/*
 * keys.h - the key files of a signer: made once, opened at the start, never exported.
 *
 * A key is a PKCS#8 file in the signer's own folder: ISSUER.USE.key ("rsa.ca.key", "rsa.ocsp.key") or USE.key ("log.key",
 * "journal.key"). Every file of the folder is loaded in phase "acquire", before the sandbox; afterwards nothing can
 * be opened. Private numbers live in libcrypto's secure heap: locked, left out of cores, wiped. Other files see only
 * the handle and the public half; signing itself is sign.h's.
 *
 * A key of root, CA or responder may live in a PKCS#11 token instead (pkcs11.h), under the label ISSUER.USE. How a key
 * signs is its back-end, one function table a kind of storage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_KEYS_H
#define CA_SIGN_KEYS_H

#include <openssl/evp.h>

#include "base/buf.h"
#include "ca/sign/pkcs11.h"
#include "x509/suite.h"

enum sign_use {
	SIGN_USE_ROOT, /* root certificate and its list: only in the ceremony */
	SIGN_USE_CA, /* certificates and lists of an issuer */
	SIGN_USE_OCSP, /* OCSP answers of an issuer */
	SIGN_USE_LOG, /* heads of the log; no issuer */
	SIGN_USE_JOURNAL, /* batches of events; no issuer */
	SIGN_USE_COUNT
};

/* sign_use_word() gives "root", "ca", "ocsp", "log", "journal". */
const char *sign_use_word(enum sign_use use);

/* One key: a handle, valid as long as the table it came from. */
struct sign_key;
enum sign_use sign_key_use(const struct sign_key *key);
const char *sign_key_issuer(const struct sign_key *key); /* "" for log and journal */
const struct suite *sign_key_suite(const struct sign_key *key);
struct slice sign_key_spki(const struct sign_key *key); /* SubjectPublicKeyInfo, DER */

/* How a key signs. A session belongs to one signer and so to one thread. Both tables are in sign.c.
 *   sign   the digest, or the whole message for suites that hash by themselves, becomes at most *len octets in out;
 *          *Errors* RETRY when the key cannot be reached now, SYSTEM. */
struct sign_backend {
	const char *name; /* "file", "pkcs11" */
	struct err *(*open)(void **out_session, const struct sign_key *key);
	struct err *(*sign)(void *session, uint8_t *out, size_t *len, struct slice input);
	void (*close)(void *session);
};
extern const struct sign_backend sign_backend_file, sign_backend_pkcs11;
const struct sign_backend *sign_key_backend(const struct sign_key *key);

/* The table of keys of one process. */
struct keys;

/* keys_open() loads every *.key file of the folder; a file that is no key, has a name of another form, or is readable by
 * others is an error. `passphrase` opens encrypted files; empty for plain ones. *Owns* the result: the caller.
 * *Errors* CONFIG, SYSTEM, DENIED (wrong passphrase). */
struct err *keys_open(struct keys **out, const char *folder, struct slice passphrase) ERR_MUST_USE;
void keys_destroy(struct keys **self);
OWN_TYPE(keys, struct keys *, keys_destroy)

/* Encrypted files whose passphrase was not given are held locked, if their public key stands beside them in the file (as
 * keys_generate() writes it): known, but without a private number; signing with them is RETRY. keys_num_locked() counts
 * them, keys_unlock() opens all of them, from memory, or none. keys_lock() wipes what was opened from such a file;
 * signers must have let go before (signer_forget()). *Errors* DENIED: another passphrase. */
size_t keys_num_locked(const struct keys *self);
struct err *keys_unlock(struct keys *self, struct slice passphrase) ERR_MUST_USE;
void keys_lock(struct keys *self);
bool sign_key_is_locked(const struct sign_key *key);

/* keys_find() gives the key for (use, issuer); issuer "" for log and journal. NULL when there is none. */
const struct sign_key *keys_find(const struct keys *self, enum sign_use use, const char *issuer);
size_t keys_count(const struct keys *self);
const struct sign_key *keys_at(const struct keys *self, size_t index);

/* keys_generate() makes a key of the suite, writes it to the folder (mode 0600, flushed, folder flushed) and adds it to
 * the table, which may be empty (keys_create()). *Errors* CONFLICT when the file exists: nothing is overwritten. */
struct err *keys_create(struct keys **out) ERR_MUST_USE;
struct err *keys_generate(const struct sign_key **out, struct keys *self, const char *folder, enum sign_use use,
			  const char *issuer, const struct suite *suite, struct slice passphrase) ERR_MUST_USE;

/* keys_add_token() finds a key of root, CA or responder in a token, which must outlive the table. keys_generate_token()
 * makes it there. *Errors* those of pkcs11_public_key(), pkcs11_generate(). */
struct err *keys_add_token(const struct sign_key **out, struct keys *self, struct pkcs11 *token, enum sign_use use,
			   const char *issuer) ERR_MUST_USE;
struct err *keys_generate_token(const struct sign_key **out, struct keys *self, struct pkcs11 *token, enum sign_use use,
				const char *issuer, const struct suite *suite) ERR_MUST_USE;

/* keys_exist() says whether the folder has any key file. */
struct err *keys_exist(bool *out, const char *folder) ERR_MUST_USE;

/* For sign.c alone, borrowed: the public key, to verify with; the private one of a file; token and label of the others. */
EVP_PKEY *sign_key_public(const struct sign_key *key);
EVP_PKEY *sign_key_private(const struct sign_key *key);
struct pkcs11 *sign_key_token(const struct sign_key *key);
const char *sign_key_label(const struct sign_key *key);

#endif
