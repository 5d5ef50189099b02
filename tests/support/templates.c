/*
 * templates.c - see templates.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/templates.h"

#include <check.h>
#include <string.h>

#include "asn1/der.h"
#include "support/suite.h"

typedef struct {
	int64_t version;
	ASN1_UTF8STRING *applicationNumber, *kind, *purpose, *issuer, *profile;
	ASN1_TYPE *subject, *publicKey; /* their forms are judged where they are used */
	STACK_OF(ASN1_UTF8STRING) * emails, *dnsNames;
	ASN1_OBJECT *keyStorage;
	int64_t maxValidity;
	ASN1_ENUMERATED *channel;
	ASN1_UTF8STRING *enteredBy;
	ASN1_OCTET_STRING *agreementDigest;
	int64_t expiresAt;
	ASN1_OCTET_STRING *nonce;
} AUTHORISATION;

ASN1_SEQUENCE(AUTHORISATION) = {
	ASN1_EMBED(AUTHORISATION, version, INT64),
	ASN1_SIMPLE(AUTHORISATION, applicationNumber, ASN1_UTF8STRING),
	ASN1_SIMPLE(AUTHORISATION, kind, ASN1_UTF8STRING),
	ASN1_SIMPLE(AUTHORISATION, purpose, ASN1_UTF8STRING),
	ASN1_SIMPLE(AUTHORISATION, issuer, ASN1_UTF8STRING),
	ASN1_SIMPLE(AUTHORISATION, profile, ASN1_UTF8STRING),
	ASN1_SIMPLE(AUTHORISATION, subject, ASN1_ANY),
	ASN1_SIMPLE(AUTHORISATION, publicKey, ASN1_ANY),
	ASN1_SEQUENCE_OF(AUTHORISATION, emails, ASN1_UTF8STRING),
	ASN1_SEQUENCE_OF(AUTHORISATION, dnsNames, ASN1_UTF8STRING),
	ASN1_OPT(AUTHORISATION, keyStorage, ASN1_OBJECT),
	ASN1_EMBED(AUTHORISATION, maxValidity, INT64),
	ASN1_SIMPLE(AUTHORISATION, channel, ASN1_ENUMERATED),
	ASN1_SIMPLE(AUTHORISATION, enteredBy, ASN1_UTF8STRING),
	ASN1_SIMPLE(AUTHORISATION, agreementDigest, ASN1_OCTET_STRING),
	ASN1_EMBED(AUTHORISATION, expiresAt, INT64),
	ASN1_SIMPLE(AUTHORISATION, nonce, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(AUTHORISATION)

typedef struct {
	int64_t version;
	ASN1_UTF8STRING *issuer;
	ASN1_INTEGER *serial;
	ASN1_OCTET_STRING *certificateDigest;
	ASN1_ENUMERATED *action, *reason;
	ASN1_INTEGER *invalidityAt;
	int64_t revokedAt;
	ASN1_UTF8STRING *ground;
	ASN1_OCTET_STRING *nonce;
} STATUS_ORDER;

ASN1_SEQUENCE(STATUS_ORDER) = {
	ASN1_EMBED(STATUS_ORDER, version, INT64),
	ASN1_SIMPLE(STATUS_ORDER, issuer, ASN1_UTF8STRING),
	ASN1_SIMPLE(STATUS_ORDER, serial, ASN1_INTEGER),
	ASN1_SIMPLE(STATUS_ORDER, certificateDigest, ASN1_OCTET_STRING),
	ASN1_SIMPLE(STATUS_ORDER, action, ASN1_ENUMERATED),
	ASN1_SIMPLE(STATUS_ORDER, reason, ASN1_ENUMERATED),
	ASN1_IMP_OPT(STATUS_ORDER, invalidityAt, ASN1_INTEGER, 0),
	ASN1_EMBED(STATUS_ORDER, revokedAt, INT64),
	ASN1_SIMPLE(STATUS_ORDER, ground, ASN1_UTF8STRING),
	ASN1_SIMPLE(STATUS_ORDER, nonce, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(STATUS_ORDER)

typedef struct {
	int64_t version;
	ASN1_ENUMERATED *kind, *verdict;
	STACK_OF(ASN1_OCTET_STRING) * digests;
	ASN1_OCTET_STRING *evidence;
	ASN1_UTF8STRING *reason;
	int64_t decidedAt, expiresAt;
	ASN1_OCTET_STRING *nonce;
} DECISION;

ASN1_SEQUENCE(DECISION) = {
	ASN1_EMBED(DECISION, version, INT64),
	ASN1_SIMPLE(DECISION, kind, ASN1_ENUMERATED),
	ASN1_SIMPLE(DECISION, verdict, ASN1_ENUMERATED),
	ASN1_SEQUENCE_OF(DECISION, digests, ASN1_OCTET_STRING),
	ASN1_IMP_OPT(DECISION, evidence, ASN1_OCTET_STRING, 0),
	ASN1_SIMPLE(DECISION, reason, ASN1_UTF8STRING),
	ASN1_EMBED(DECISION, decidedAt, INT64),
	ASN1_EMBED(DECISION, expiresAt, INT64),
	ASN1_SIMPLE(DECISION, nonce, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(DECISION)

typedef struct {
	ASN1_OCTET_STRING *decision, *signature;
} SIGNED_DECISION;

ASN1_SEQUENCE(SIGNED_DECISION) = {
	ASN1_SIMPLE(SIGNED_DECISION, decision, ASN1_OCTET_STRING),
	ASN1_SIMPLE(SIGNED_DECISION, signature, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(SIGNED_DECISION)

typedef struct {
	ASN1_UTF8STRING *person, *name;
	ASN1_ENUMERATED *role;
	ASN1_UTF8STRING *office;
	ASN1_OCTET_STRING *keyHash;
	int64_t from, to;
} STAFF;

ASN1_SEQUENCE(STAFF) = {
	ASN1_SIMPLE(STAFF, person, ASN1_UTF8STRING),
	ASN1_SIMPLE(STAFF, name, ASN1_UTF8STRING),
	ASN1_SIMPLE(STAFF, role, ASN1_ENUMERATED),
	ASN1_SIMPLE(STAFF, office, ASN1_UTF8STRING),
	ASN1_SIMPLE(STAFF, keyHash, ASN1_OCTET_STRING),
	ASN1_EMBED(STAFF, from, INT64),
	ASN1_EMBED(STAFF, to, INT64),
} static_ASN1_SEQUENCE_END(STAFF)

typedef struct {
	ASN1_UTF8STRING *name;
	ASN1_OCTET_STRING *keyHash;
	int64_t perHour, perDay;
} IDENTIFIER;

ASN1_SEQUENCE(IDENTIFIER) = {
	ASN1_SIMPLE(IDENTIFIER, name, ASN1_UTF8STRING),
	ASN1_SIMPLE(IDENTIFIER, keyHash, ASN1_OCTET_STRING),
	ASN1_EMBED(IDENTIFIER, perHour, INT64),
	ASN1_EMBED(IDENTIFIER, perDay, INT64),
} static_ASN1_SEQUENCE_END(IDENTIFIER)

typedef struct {
	int64_t version;
	ASN1_OCTET_STRING *profiles;
	STACK_OF(STAFF) * staff;
	STACK_OF(IDENTIFIER) * identification;
	int64_t clockWindowBack, clockWindowAhead;
} POLICY;

ASN1_SEQUENCE(POLICY) = {
	ASN1_EMBED(POLICY, version, INT64),
	ASN1_SIMPLE(POLICY, profiles, ASN1_OCTET_STRING),
	ASN1_SEQUENCE_OF(POLICY, staff, STAFF),
	ASN1_SEQUENCE_OF(POLICY, identification, IDENTIFIER),
	ASN1_EMBED(POLICY, clockWindowBack, INT64),
	ASN1_EMBED(POLICY, clockWindowAhead, INT64),
} static_ASN1_SEQUENCE_END(POLICY)

typedef struct {
	ASN1_OCTET_STRING *policy;
	STACK_OF(SIGNED_DECISION) * decisions;
} SIGNED_POLICY;

ASN1_SEQUENCE(SIGNED_POLICY) = {
	ASN1_SIMPLE(SIGNED_POLICY, policy, ASN1_OCTET_STRING),
	ASN1_SEQUENCE_OF(SIGNED_POLICY, decisions, SIGNED_DECISION),
} static_ASN1_SEQUENCE_END(SIGNED_POLICY)

static const ASN1_ITEM *item_of(const char *object)
{
	const struct {
		const char *name;
		const ASN1_ITEM *item;
	} rows[] = {
		{ "Authorisation", ASN1_ITEM_rptr(AUTHORISATION) },
		{ "StatusOrder", ASN1_ITEM_rptr(STATUS_ORDER) },
		{ "Decision", ASN1_ITEM_rptr(DECISION) },
		{ "SignedDecision", ASN1_ITEM_rptr(SIGNED_DECISION) },
		{ "Policy", ASN1_ITEM_rptr(POLICY) },
		{ "SignedPolicy", ASN1_ITEM_rptr(SIGNED_POLICY) },
	};

	for (int i = 0; i < COUNT_OF(rows); i++)
		if (strcmp(rows[i].name, object) == 0)
			return rows[i].item;
	ck_abort_msg("no template of %s", object);
	return NULL;
}

bool template_says(const char *object, struct slice der)
{
	const ASN1_ITEM *item = item_of(object);
	void *value = NULL;
	OWN(buf) again = BUF_INIT(8 * 1024 * 1024);
	OWN(err) e = der_decode(&value, item, der, der.len);

	if (e != NULL)
		return false;
	OWN(err) encode = der_encode(&again, item, value);
	ASN1_item_free(value, item);
	return encode == NULL && slice_equal(buf_slice(&again), der);
}

void template_agrees(const char *object, struct slice der)
{
	ck_assert_msg(template_says(object, der), "OpenSSL's template of %s does not agree", object);
}
