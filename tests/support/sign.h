/*
 * sign.h - keys, certificates and signed decisions for tests: what people hold in their own stores.
 *
 * A test_ca issues certificates of any profile-less shape with OpenSSL's own calls (a judge that is not our template
 * code). test_person is a key with a certificate. test_decide() makes a SignedDecision the way ra/cli/key.c and any
 * other CAdES signer does: CMS_sign() with CMS_CADES, detached. Every function asserts (Check): tests need no errors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_SIGN_H
#define TESTS_SUPPORT_SIGN_H

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "x509/authority.h"

/* test_key() makes a key: "rsa" (2048 bits), "rsa1024", "p256", "p384", "ed25519". *Owns* the caller, EVP_PKEY_free(). */
EVP_PKEY *test_key(const char *kind);

struct test_person {
	EVP_PKEY *key;
	X509 *cert;
	struct buf der; /* the certificate */
	struct buf spki;
	uint8_t key_hash[SHA256_LEN]; /* SHA-256 of the SubjectPublicKeyInfo */
};
void test_person_clear(struct test_person *self);
OWN_TYPE(test_person, struct test_person, test_person_clear)

/* What a test certificate shall hold. NULL members are left out. */
struct test_cert_spec {
	const char *cn; /* default "TEST" */
	const char *iin, *bin, *organisation; /* serialNumber IIN..., OU BIN..., O */
	const char *key_usage; /* as openssl's config: "critical,digitalSignature,nonRepudiation" */
	const char *eku; /* "clientAuth,1.2.398.3.3.4.1.2.1" */
	const char *basic; /* "critical,CA:TRUE,pathlen:0" */
	const char *san;
	int64_t serial; /* default 1 */
	int64_t not_before_at, not_after_at; /* default: an hour ago, a year on, by clock_now_s() */
};

/* test_person_init() makes a key of the kind and a certificate of the spec, signed by `issuer`, or by itself when that
 * is NULL. SKI (and AKI) are set. */
void test_person_init(struct test_person *out, const char *key_kind, const struct test_cert_spec *spec,
		      const struct test_person *issuer);
/* test_staff_init() is a self-signed person with an IIN: enough for staff, whom the Policy recognises by key. */
void test_staff_init(struct test_person *out, const char *iin);

/* test_cms() appends the detached CMS over content as nucctl makes it. test_cms_flags() with other CMS_sign() flags. */
#define TEST_CMS_FLAGS (CMS_BINARY | CMS_DETACHED | CMS_CADES | CMS_NOSMIMECAP)
void test_cms(struct buf *out, const struct test_person *signer, struct slice content);
void test_cms_flags(struct buf *out, const struct test_person *signer, struct slice content, unsigned flags);

/* A signed decision, owned. */
struct test_decision {
	struct buf decision;
	struct buf signature;
	uint8_t digest[SHA256_LEN]; /* of the Decision */
};
void test_decision_clear(struct test_decision *self);
OWN_TYPE(test_decision, struct test_decision, test_decision_clear)

/* test_decide() approves digests of objects, decided at `now` and good for a day. */
void test_decide(struct test_decision *out, const struct test_person *who, enum decision_kind kind,
		 const uint8_t (*digests)[SHA256_LEN], size_t num_digests, int64_t now);
/* test_decide_as() signs a decision with the members given (digests and nonce are filled in). */
void test_decide_as(struct test_decision *out, const struct test_person *who, const struct decision *members,
		    const uint8_t (*digests)[SHA256_LEN], size_t num_digests);
/* test_signed_decision() borrows it in the form of authority.h. */
struct signed_decision test_signed_decision(const struct test_decision *d);

/* test_policy_sign() appends the SignedPolicy over a Policy by these administrators. */
void test_policy_sign(struct buf *out, struct slice policy, const struct test_person *const *administrators,
		      size_t num_administrators, int64_t now);

#endif
