/*
 * crl_fixture.h - lists for tests: a CA, items, and a signed CertificateList in memory. Every function asserts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CRL_FIXTURE_H
#define TESTS_CRL_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "asn1/pki_asn1.h"
#include "base/text.h"
#include "crl/build.h"
#include "support/sign.h"
#include "support/suite.h"
#include "x509/suite.h"

struct crl_ca {
	struct test_person person;
	struct cert cert;
	const struct suite *suite;
};

static inline void crl_ca_init(struct crl_ca *ca, const char *key_kind)
{
	static const struct test_cert_spec spec = { .cn = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)",
						    .basic = "critical,CA:TRUE,pathlen:0",
						    .key_usage = "critical,keyCertSign,cRLSign",
						    .not_before_at = 1700000000,
						    .not_after_at = 2200000000 };

	memset(ca, 0, sizeof *ca);
	test_person_init(&ca->person, key_kind, &spec, NULL);
	ck_ok(cert_parse(&ca->cert, buf_slice(&ca->person.der)));
	ck_ok(suite_of_spki(&ca->suite, ca->cert.public_key));
}

static inline void crl_ca_clear(struct crl_ca *ca)
{
	test_person_clear(&ca->person);
}

static inline struct crl_spec crl_ca_spec(const struct crl_ca *ca, int64_t number, int64_t this_update_at)
{
	return (struct crl_spec){ .kind = CRL_FULL,
				  .issuer = ca->cert.subject,
				  .algorithm = ca->suite->signature_algorithm,
				  .key_id = ca->cert.key_id,
				  .number = number,
				  .this_update_at = this_update_at,
				  .next_update_at = this_update_at + 97200,
				  .listed_from_at = INT64_MIN };
}

static inline struct crl_item crl_item_of(const char *serial_hex, int action, int reason, uint32_t revoked_at,
					  int64_t seq)
{
	struct crl_item item = { .action = (uint8_t)action,
				 .reason = (uint8_t)reason,
				 .not_after_at = 2000000000,
				 .revoked_at = revoked_at,
				 .seq = seq };

	ck_ok(serial_from_hex(&item.serial, serial_hex));
	return item;
}

static inline struct err *crl_collect(void *arg, struct slice piece)
{
	return buf_append(arg, piece);
}

/* The signature of the CA's key over bytes. */
static inline void crl_ca_sign(struct buf *out, const struct crl_ca *ca, struct slice bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *at;
	size_t len = ca->suite->max_signature_len;

	ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, NULL, ca->suite->digest, NULL, NULL, ca->person.key, NULL), 1);
	ck_ok(buf_extend(out, &at, len));
	ck_assert_int_eq(EVP_DigestSign(ctx, at, &len, bytes.p, bytes.len), 1);
	out->len = len;
	EVP_MD_CTX_free(ctx);
}

/* A whole CertificateList over the items. */
static inline void crl_ca_list(struct buf *out, const struct crl_ca *ca, const struct crl_spec *spec,
			       const struct crl_item *items, size_t num)
{
	OWN(crl_layout) layout = CRL_LAYOUT_INIT;
	OWN(buf) tbs = BUF_INIT(256u << 20);
	OWN(buf) signature = BUF_INIT(4096);

	ck_ok(crl_layout_measure(&layout, spec, items, num));
	ck_ok(crl_layout_write(&layout, spec, items, num, (struct crl_sink){ crl_collect, &tbs }));
	ck_assert_uint_eq(tbs.len, layout.tbs_len);
	crl_ca_sign(&signature, ca, buf_slice(&tbs));
	ck_ok(pki_signed_join(out, buf_slice(&tbs), spec->algorithm, buf_slice(&signature)));
}

#endif
