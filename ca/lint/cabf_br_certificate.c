/*
 * cabf_br_certificate.c - CA/Browser Forum Baseline Requirements that make sense for every certificate here: serials,
 * keys, validity to the second, extended key usages. NUC is in no browser's store, so the rest of BR is not applied.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ca/lint/lint_internal.h"
#include "x509/suite.h"

/* 64 bits of randomness need at least 8 octets; what is drawn is tested with the allocator (ca/issue/serial.c). */
static struct err *serial_entropy(const struct lint_view *v)
{
	ENSURE(v->serial.content.len >= 8, BAD_INPUT, "a serial of %zu octets cannot hold 64 random bits",
	       v->serial.content.len);
	return NULL;
}

static struct err *key_allowed(const struct lint_view *v)
{
	const struct suite *row = NULL;

	TRY(suite_of_spki(&row, v->public_key));
	ENSURE(profile_allows_key(v->context->profile, row), BAD_INPUT, "the profile does not allow keys of %s",
	       row->name);
	return NULL;
}

static bool is_read(const struct lint_view *v)
{
	return v->is_read;
}

/* Both ends of the validity count, so L seconds end at notBefore + L - 1. */
static struct err *extra_second(const struct lint_view *v)
{
	const struct profile *p = v->context->profile;
	int64_t length = v->cert.not_after_at - v->cert.not_before_at + 1, longest = 0;

	for (size_t i = 0; i < p->num_validities; i++)
		if (p->validities[i].validity_s > longest)
			longest = p->validities[i].validity_s;
	ENSURE(length <= longest, BAD_INPUT, "the validity of %lld s is longer than the profile's %lld s",
	       (long long)length, (long long)longest);
	return NULL;
}

static bool is_leaf(const struct lint_view *v)
{
	return v->is_read && lint_is_leaf_profile(v);
}

static struct err *extended_key_usage(const struct lint_view *v)
{
	ENSURE(v->cert.num_eku > 0, BAD_INPUT, "extKeyUsage is missing");
	ENSURE(!lint_has_eku(v, OID_EKU_ANY), BAD_INPUT, "anyExtendedKeyUsage is not allowed");
	for (size_t i = 0; i < v->cert.num_eku; i++)
		for (size_t k = 0; k < i; k++)
			ENSURE(!slice_equal(v->cert.eku[i], v->cert.eku[k]), BAD_INPUT,
			       "an extended key usage stands there twice");
	return NULL;
}

static const struct lint lints[] = {
	{ "cabf_br_serial_entropy", "BR 7.1", 1475193600 /* 2016-09-30 */, NULL, serial_entropy },
	{ "cabf_br_key_allowed", "BR 6.1.1.3, 6.1.5", EFFECTIVE_BR, NULL, key_allowed },
	{ "cabf_br_extra_second", "BR 6.3.2", EFFECTIVE_BR, is_read, extra_second },
	{ "cabf_br_extended_key_usage", "BR 7.1.2.7.10", EFFECTIVE_BR, is_leaf, extended_key_usage },
};
const struct lint_table lint_cabf_br_certificate = LINT_TABLE(lints);
