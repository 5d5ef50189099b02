/*
 * list_make.h - a TBSCertList as OpenSSL's objects write it, right or spoilt, for the tests of what checks lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CA_SIGN_LIST_MAKE_H
#define TESTS_CA_SIGN_LIST_MAKE_H

#include <openssl/x509v3.h>
#include <string.h>

#include "asn1/pki_asn1.h"
#include "asn1/serial.h"
#include "support/suite.h"

/* Whose list it is. */
struct list_ca {
	EVP_PKEY *key; /* of the CA's suite: it fills in the algorithm */
	struct slice subject, key_id;
	struct serial (*serial_of)(int n);
};

struct entry {
	int n;
	int reason; /* -1: none */
	int64_t at, invalidity_at;
};

struct list {
	int64_t number, base_number; /* 0: none */
	int64_t this_at, next_at;
	const char *issuer; /* NULL: the right one */
	const EVP_MD *md; /* NULL: SHA-256 */
	bool version_1, no_next, no_aki, other_aki, extra_extension, number_critical, entry_extra;
	struct entry entries[16];
	int num;
};

static X509_NAME *name_of(const char *cn)
{
	X509_NAME *name = X509_NAME_new();

	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0), 1);
	return name;
}

static void add_number(X509_CRL *crl, int nid, int64_t number, bool critical)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	ck_assert_int_eq(ASN1_INTEGER_set_int64(n, number), 1);
	ck_assert_int_eq(X509_CRL_add1_ext_i2d(crl, nid, n, critical, 0), 1);
	ASN1_INTEGER_free(n);
}

static void add_aki(X509_CRL *crl, struct slice key_id, bool other)
{
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	uint8_t id[64];

	ck_assert_uint_le(key_id.len, sizeof id);
	memcpy(id, key_id.p, key_id.len);
	id[0] ^= other;
	aki->keyid = ASN1_OCTET_STRING_new();
	ck_assert_int_eq(ASN1_OCTET_STRING_set(aki->keyid, id, (int)key_id.len), 1);
	ck_assert_int_eq(X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0, 0), 1);
	AUTHORITY_KEYID_free(aki);
}

static void add_entry(X509_CRL *crl, const struct list_ca *ca, const struct entry *e, bool extra)
{
	X509_REVOKED *r = X509_REVOKED_new();
	struct serial s = ca->serial_of(e->n);
	BIGNUM *bn = BN_bin2bn(s.b, s.len, NULL);
	ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(bn, NULL);
	ASN1_TIME *at = ASN1_TIME_set(NULL, e->at);

	ck_assert_int_eq(X509_REVOKED_set_serialNumber(r, serial), 1);
	ck_assert_int_eq(X509_REVOKED_set_revocationDate(r, at), 1);
	if (e->reason >= 0) {
		ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
		ck_assert_int_eq(ASN1_ENUMERATED_set(reason, e->reason), 1);
		ck_assert_int_eq(X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0), 1);
		ASN1_ENUMERATED_free(reason);
	}
	if (e->invalidity_at != 0 || extra) {
		ASN1_GENERALIZEDTIME *t = ASN1_GENERALIZEDTIME_set(NULL, e->invalidity_at);
		ck_assert_int_eq(X509_REVOKED_add1_ext_i2d(r, NID_invalidity_date, t, 0, 0), 1);
		ASN1_GENERALIZEDTIME_free(t);
	}
	ck_assert_int_eq(X509_CRL_add0_revoked(crl, r), 1);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(at);
	BN_free(bn);
}

/* Appends the TBSCertList; signed with a key of the test only because OpenSSL fills in the algorithm then. */
static void list_make(struct buf *out, const struct list_ca *ca, const struct list *l)
{
	X509_CRL *crl = X509_CRL_new();
	const uint8_t *p = ca->subject.p;
	X509_NAME *name = l->issuer == NULL ? d2i_X509_NAME(NULL, &p, (long)ca->subject.len) : name_of(l->issuer);
	ASN1_TIME *this_at = ASN1_TIME_set(NULL, l->this_at), *next_at = ASN1_TIME_set(NULL, l->next_at);
	uint8_t *der = NULL;
	struct slice tbs, unused_algorithm, unused_signature;

	if (!l->version_1)
		ck_assert_int_eq(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
	ck_assert_int_eq(X509_CRL_set_issuer_name(crl, name), 1);
	ck_assert_int_eq(X509_CRL_set1_lastUpdate(crl, this_at), 1);
	if (!l->no_next)
		ck_assert_int_eq(X509_CRL_set1_nextUpdate(crl, next_at), 1);
	for (int i = 0; i < l->num; i++)
		add_entry(crl, ca, &l->entries[i], l->entry_extra && i == 1);
	if (!l->version_1) {
		add_number(crl, NID_crl_number, l->number, l->number_critical);
		if (l->base_number != 0)
			add_number(crl, NID_delta_crl, l->base_number, true);
		if (!l->no_aki)
			add_aki(crl, ca->key_id, l->other_aki);
		if (l->extra_extension)
			add_number(crl, NID_basic_constraints, 1, false);
	}
	ck_assert_int_gt(X509_CRL_sign(crl, ca->key, l->md == NULL ? EVP_sha256() : l->md), 0);
	int len = i2d_X509_CRL(crl, &der);
	ck_ok(pki_signed_split(&tbs, &unused_algorithm, &unused_signature, SLICE(der, (size_t)len)));
	ck_ok(buf_set(out, tbs));
	OPENSSL_free(der);
	X509_CRL_free(crl);
	X509_NAME_free(name);
	ASN1_TIME_free(this_at);
	ASN1_TIME_free(next_at);
}

#endif
