/*
 * cabf_br_server.c - Baseline Requirements for TLS servers, as far as a national CA outside the browsers' stores keeps to
 * them: names in subjectAltName, the common name one of them, 398 days.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ca/lint/lint_internal.h"

static bool is_server(const struct lint_view *v)
{
	return v->is_read && lint_has_eku(v, OID_EKU_SERVER_AUTH);
}

static struct err *names(const struct lint_view *v)
{
	const struct cert_names *dns = &v->cert.dns_names;
	struct slice cn;

	ENSURE(dns->num > 0, BAD_INPUT, "a TLS server without a dNSName");
	if (!lint_find_attribute(&cn, v, OID_COMMON_NAME))
		return NULL;
	for (size_t i = 0; i < dns->num; i++)
		if (slice_equal(dns->items[i], cn))
			return NULL;
	return ERR(BAD_INPUT, "the common name is none of the dNSNames");
}

static struct err *internal_names(const struct lint_view *v)
{
	for (size_t i = 0; i < v->cert.dns_names.num; i++) {
		struct slice name = v->cert.dns_names.items[i];

		ENSURE(v->context->profile->allows_internal_names || memchr(name.p, '.', name.len) != NULL, BAD_INPUT,
		       "a dNSName without a dot");
		ENSURE(memchr(name.p, '_', name.len) == NULL && memchr(name.p, '*', name.len) == NULL, BAD_INPUT,
		       "a dNSName with an underscore or a wildcard");
	}
	return NULL;
}

static struct err *validity(const struct lint_view *v)
{
	const int64_t longest = 398LL * 86400;

	ENSURE(v->cert.not_after_at - v->cert.not_before_at + 1 <= longest, BAD_INPUT, "longer than 398 days");
	return NULL;
}

static const struct lint lints[] = {
	{ "cabf_br_server_names", "BR 7.1.2.7.12, 7.1.4.3", EFFECTIVE_BR, is_server, names },
	{ "cabf_br_internal_names", "BR 7.1.2.7.12", 1475280000 /* 2016-10-01 */, is_server, internal_names },
	{ "cabf_br_server_validity", "BR 6.3.2", 1598918400 /* 2020-09-01 */, is_server, validity },
};
const struct lint_table lint_cabf_br_server = LINT_TABLE(lints);
