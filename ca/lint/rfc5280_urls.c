/*
 * rfc5280_urls.c - RFC 5280 §4.2.1.13, §4.2.1.15, §4.2.2.1: where lists, answers and CA certificates are said to be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ca/lint/lint_internal.h"

static struct err *check_url(struct slice url)
{
	ENSURE(url.len > 8 && memcmp(url.p, "http://", 7) == 0 && url.p[7] != '/', BAD_INPUT,
	       "a URL does not begin with http://HOST");
	for (size_t i = 0; i < url.len; i++)
		ENSURE(url.p[i] > ' ' && url.p[i] < 0x7F && strchr("\"<>\\^`{|}", url.p[i]) == NULL, BAD_INPUT,
		       "a URL holds a space, a line break or another character that URLs do not have");
	return NULL;
}

/* One DistributionPoint with fullName of http URIs, nothing else in it. */
static struct err *check_points(const struct lint_extension *e)
{
	struct der_reader list, point, name, full_name;
	struct slice url;

	TRY(lint_value(&list, e, "CRLDistributionPoints"));
	TRY(der_expect_sequence(&list, &point, "DistributionPoint"));
	TRY(der_finish(&list, "CRLDistributionPoints"));
	TRY(der_enter(&point, &name, DER_CONTEXT_CONSTRUCTED(0), "distributionPoint"));
	TRY(der_finish(&point, "DistributionPoint"));
	TRY(der_enter(&name, &full_name, DER_CONTEXT_CONSTRUCTED(0), "fullName"));
	TRY(der_finish(&name, "distributionPoint"));
	ENSURE(!der_reader_done(&full_name), BAD_INPUT, "fullName is empty");
	while (!der_reader_done(&full_name)) {
		TRY(der_expect(&full_name, &url, DER_CONTEXT(6), "uniformResourceIdentifier"));
		TRY(check_url(url));
	}
	return NULL;
}

static bool has_crl(const struct lint_view *v)
{
	return lint_extension(v, OID_CRL_DISTRIBUTION) != NULL;
}

static struct err *crl_points(const struct lint_view *v)
{
	return check_points(lint_extension(v, OID_CRL_DISTRIBUTION));
}

static bool has_freshest(const struct lint_view *v)
{
	return lint_extension(v, OID_FRESHEST_CRL) != NULL;
}

static struct err *freshest_points(const struct lint_view *v)
{
	ENSURE(has_crl(v), BAD_INPUT, "freshestCRL without cRLDistributionPoints");
	return check_points(lint_extension(v, OID_FRESHEST_CRL));
}

static bool has_authority_info(const struct lint_view *v)
{
	return lint_extension(v, OID_AUTHORITY_INFO) != NULL;
}

static struct err *authority_info(const struct lint_view *v)
{
	struct der_reader list, description;
	struct slice method, url;

	TRY(lint_value(&list, lint_extension(v, OID_AUTHORITY_INFO), "AuthorityInfoAccess"));
	ENSURE(!der_reader_done(&list), BAD_INPUT, "authorityInfoAccess is empty");
	while (!der_reader_done(&list)) {
		TRY(der_expect_sequence(&list, &description, "AccessDescription"));
		TRY(der_read_oid(&description, &method, "accessMethod"));
		ENSURE(oid_is(method, OID_AD_OCSP) || oid_is(method, OID_AD_CA_ISSUERS), BAD_INPUT,
		       "an access method is neither OCSP nor caIssuers");
		TRY(der_expect(&description, &url, DER_CONTEXT(6), "accessLocation"));
		TRY(der_finish(&description, "AccessDescription"));
		TRY(check_url(url));
	}
	return NULL;
}

static const struct lint lints[] = {
	{ "rfc5280_crl_points", "RFC 5280 §4.2.1.13", EFFECTIVE_RFC5280, has_crl, crl_points },
	{ "rfc5280_freshest_points", "RFC 5280 §4.2.1.15", EFFECTIVE_RFC5280, has_freshest, freshest_points },
	{ "rfc5280_authority_info", "RFC 5280 §4.2.2.1", EFFECTIVE_RFC5280, has_authority_info, authority_info },
};
const struct lint_table lint_rfc5280_urls = LINT_TABLE(lints);
