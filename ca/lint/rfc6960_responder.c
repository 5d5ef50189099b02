/*
 * rfc6960_responder.c - RFC 6960 §4.2.2.2 and BR 7.1.2.8: who may answer for the CA, and nobody else.
 *
 * An EKU of OCSPSigning makes its holder answer for every certificate of the issuer, so it stands alone, never in a CA,
 * and only with id-pkix-ocsp-nocheck (otherwise the responder's own status would have to be asked of itself).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/lint/lint_internal.h"

static bool is_responder(const struct lint_view *v)
{
	return v->is_read && lint_has_eku(v, OID_EKU_OCSP_SIGNING);
}

static struct err *nocheck(const struct lint_view *v)
{
	static const uint8_t null_value[] = { DER_NULL, 0x00 };
	const struct lint_extension *e = lint_extension(v, OID_OCSP_NOCHECK);

	ENSURE(e != NULL, BAD_INPUT, "a responder without id-pkix-ocsp-nocheck");
	ENSURE(slice_equal(e->value, SLICE(null_value, sizeof null_value)), BAD_INPUT,
	       "the value of id-pkix-ocsp-nocheck is not NULL");
	return NULL;
}

static struct err *alone(const struct lint_view *v)
{
	ENSURE(v->cert.num_eku == 1, BAD_INPUT, "OCSPSigning stands beside another extended key usage");
	ENSURE(!v->cert.is_ca && lint_is_leaf_profile(v), BAD_INPUT, "a CA may not have OCSPSigning");
	ENSURE(v->cert.key_usage == KEY_USAGE_DIGITAL_SIGNATURE, BAD_INPUT,
	       "the key usage of a responder is digitalSignature alone");
	return NULL;
}

static struct err *no_points(const struct lint_view *v)
{
	ENSURE(lint_extension(v, OID_CRL_DISTRIBUTION) == NULL && lint_extension(v, OID_FRESHEST_CRL) == NULL,
	       BAD_INPUT, "a responder with nocheck names a revocation list");
	return NULL;
}

static bool has_nocheck(const struct lint_view *v)
{
	return lint_extension(v, OID_OCSP_NOCHECK) != NULL;
}

static struct err *nocheck_only_there(const struct lint_view *v)
{
	ENSURE(lint_has_eku(v, OID_EKU_OCSP_SIGNING), BAD_INPUT,
	       "id-pkix-ocsp-nocheck in a certificate that is no responder's");
	return NULL;
}

static const struct lint lints[] = {
	{ "rfc6960_nocheck", "RFC 6960 §4.2.2.2.1, BR 7.1.2.8.2", EFFECTIVE_RFC6960, is_responder, nocheck },
	{ "rfc6960_responder_alone", "RFC 6960 §4.2.2.2, BR 7.1.2.8.5", EFFECTIVE_RFC6960, is_responder, alone },
	{ "rfc6960_responder_no_points", "BR 7.1.2.8.2", EFFECTIVE_RFC6960, is_responder, no_points },
	{ "rfc6960_nocheck_only_there", "RFC 6960 §4.2.2.2.1", EFFECTIVE_RFC6960, has_nocheck, nocheck_only_there },
};
const struct lint_table lint_rfc6960_responder = LINT_TABLE(lints);
