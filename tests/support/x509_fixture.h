/*
 * x509_fixture.h - files, profiles and keys for the tests of common/x509 and ca/lint. Every function asserts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_X509_FIXTURE_H
#define TESTS_SUPPORT_X509_FIXTURE_H

#include <openssl/evp.h>

#include "x509/profile.h"
#include "x509/template.h"

/* fixture_file() replaces `out` with the bytes of a file of the source tree ($NUC_SOURCE, else the current folder). */
void fixture_file(struct buf *out, const char *path);
/* fixture_sample() is the same for a real sample as DER (PEM is read); false where $NUC_SAMPLES has no such file. */
bool fixture_sample(struct buf *out_der, const char *path);
/* fixture_has_samples() may be asked outside of a test: a test program that needs them exits with 77 where it is false. */
bool fixture_has_samples(void);
/* fixture_compare() holds bytes to a committed file; with NUC_GOLDEN_WRITE=1 in the environment it writes the file. */
void fixture_compare(struct slice bytes, const char *path);

/* fixture_profiles() parses config/profiles.conf; fixture_profiles_with() first replaces texts: pairs (from, to) that end
 * with NULL. *Owns* the result: the caller. */
struct profiles *fixture_profiles(void);
struct profiles *fixture_profiles_with(const char *const *pairs);

/* A CA made by our own templates and signed with a fresh key: a root and an issuing CA under it. */
struct fixture_ca {
	EVP_PKEY *root_key, *key;
	struct buf root, issuing; /* certificates, DER */
};
void fixture_ca_init(struct fixture_ca *out, const struct profiles *all, const char *suite, int64_t not_before_at);
void fixture_ca_clear(struct fixture_ca *self);
OWN_TYPE(fixture_ca, struct fixture_ca, fixture_ca_clear)

/* fixture_sign() appends the signature of the key over bytes by the row's digest; fixture_certificate() assembles. */
void fixture_sign(struct buf *out, EVP_PKEY *key, struct slice bytes);
void fixture_certificate(struct buf *out, EVP_PKEY *key, struct slice tbs);

/* Public keys of applicants that never change: "rsa2048", "p256". Their private halves are not kept. */
void fixture_spki(struct buf *out, const char *name);

/* The person of NUC's samples, as the application would give it. */
extern const struct name_fields fixture_testov, fixture_testov_head;

/* fixture_serial() makes a serial from hexadecimal. */
struct serial fixture_serial(const char *hex);

#endif
