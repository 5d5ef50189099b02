/*
 * nuc_usage.c - key usage, extended key usage, user type and policy say the same thing (nuc-domain 1.3, 1.4).
 *
 * NCANode tells SIGN from AUTH by key usage bits, NCALayer and SIGEX by extended key usage, others by policy: a
 * certificate on which they disagree is used for the wrong thing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ca/lint/lint_internal.h"

static bool is_person(const struct lint_view *v)
{
	return v->is_read && lint_is_person(v);
}

static bool is_auth(const struct lint_view *v)
{
	return lint_has_eku(v, OID_EKU_CLIENT_AUTH);
}

static struct err *one_purpose(const struct lint_view *v)
{
	ENSURE(lint_has_eku(v, OID_EKU_CLIENT_AUTH) != lint_has_eku(v, OID_EKU_EMAIL), BAD_INPUT,
	       "a person's certificate must have exactly one of clientAuth (AUTH) and emailProtection (SIGN)");
	return NULL;
}

static struct err *key_usage(const struct lint_view *v)
{
	unsigned auth = KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT;
	unsigned sign = KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION;
	unsigned may_besides = KEY_USAGE_KEY_ENCIPHERMENT | KEY_USAGE_KEY_AGREEMENT; /* GOST: 1.3 */

	if (is_auth(v))
		ENSURE((v->cert.key_usage & KEY_USAGE_NON_REPUDIATION) == 0 && (v->cert.key_usage & auth) == auth,
		       BAD_INPUT, "AUTH needs digitalSignature and keyEncipherment, not nonRepudiation");
	else
		ENSURE((v->cert.key_usage & sign) == sign && (v->cert.key_usage & ~(sign | may_besides)) == 0,
		       BAD_INPUT, "SIGN needs digitalSignature and nonRepudiation");
	return NULL;
}

static struct err *user_type(const struct lint_view *v)
{
	static const enum oid_name roles[] = { OID_NUC_HEAD, OID_NUC_SIGNER,   OID_NUC_FINANCE,
					       OID_NUC_HR,   OID_NUC_EMPLOYEE, OID_NUC_SYSTEM_ENTITY };
	size_t num_roles = 0;

	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		num_roles += lint_has_eku(v, roles[i]) ? 1 : 0;
	if (lint_is_entity_person(v)) {
		ENSURE(num_roles == 1, BAD_INPUT, "the user type of an entity must stand with exactly one role");
		ENSURE(!lint_has_eku(v, OID_NUC_INDIVIDUAL), BAD_INPUT, "both user types stand there");
	} else {
		ENSURE(num_roles == 0, BAD_INPUT, "a role of an entity stands there without the entity's user type");
		ENSURE(lint_has_eku(v, OID_NUC_INDIVIDUAL) || lint_has_eku(v, OID_NUC_SYSTEM_INDIVIDUAL), BAD_INPUT,
		       "there is no user type");
	}
	return NULL;
}

/* 1.2.398.3.3.2.1..4 by user type and purpose; the plain 1.2.398.3.3.2 stands for all of them in the GOST generation. */
static struct err *policy(const struct lint_view *v)
{
	enum oid_name wanted = lint_is_entity_person(v) ? (is_auth(v) ? OID_NUC_POLICY_LE_AUTH : OID_NUC_POLICY_LE_SIGN)
							: (is_auth(v) ? OID_NUC_POLICY_AUTH : OID_NUC_POLICY_SIGN);

	ENSURE(v->cert.num_policies == 1, BAD_INPUT, "there must be one policy");
	ENSURE(oid_is(v->cert.policies[0], wanted) || oid_is(v->cert.policies[0], OID_NUC_POLICY), BAD_INPUT,
	       "the policy is not %s", oid_dotted(wanted));
	return NULL;
}

static bool has_storage(const struct lint_view *v)
{
	return lint_extension(v, OID_NUC_KEY_STORAGE) != NULL;
}

/* KeyStoreInfo holds the storage alone: no path of the applicant's computer. */
static struct err *key_storage(const struct lint_view *v)
{
	static const uint8_t arc[] = { 0x2A, 0x83, 0x0E, 0x03, 0x03, 0x05 };
	struct der_reader info;
	struct slice storage;

	TRY(lint_value(&info, lint_extension(v, OID_NUC_KEY_STORAGE), "KeyStoreInfo"));
	TRY(der_read_oid(&info, &storage, "storage"));
	ENSURE(storage.len > sizeof arc && memcmp(storage.p, arc, sizeof arc) == 0, BAD_INPUT,
	       "the key storage is not under 1.2.398.3.3.5");
	return der_finish(&info, "KeyStoreInfo");
}

static const struct lint lints[] = {
	{ "nuc_one_purpose", "nuc-domain 1.3", EFFECTIVE_NUC, is_person, one_purpose },
	{ "nuc_key_usage", "nuc-domain 1.3", EFFECTIVE_NUC, is_person, key_usage },
	{ "nuc_user_type", "nuc-domain 1.4", EFFECTIVE_NUC, is_person, user_type },
	{ "nuc_policy", "nuc-domain 1.4", EFFECTIVE_NUC, is_person, policy },
	{ "nuc_key_storage", "nuc-domain 1.3, 4", EFFECTIVE_NUC, has_storage, key_storage },
};
const struct lint_table lint_nuc_usage = LINT_TABLE(lints);
