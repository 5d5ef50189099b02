/*
 * nuc_profile.c - the certificate is what its profile says: extensions and their order, usages, URLs, key id.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ca/lint/lint_internal.h"
#include "x509/suite.h"

static const enum oid_name extension_ids[EXT_COUNT] = {
	[EXT_BASIC_CONSTRAINTS] = OID_BASIC_CONSTRAINTS,
	[EXT_KEY_USAGE] = OID_KEY_USAGE,
	[EXT_EXTENDED_KEY_USAGE] = OID_EXTENDED_KEY_USAGE,
	[EXT_AUTHORITY_KEY_ID] = OID_AUTHORITY_KEY_ID,
	[EXT_AUTHORITY_KEY_ID_FULL] = OID_AUTHORITY_KEY_ID,
	[EXT_SUBJECT_KEY_ID] = OID_SUBJECT_KEY_ID,
	[EXT_POLICIES] = OID_CERTIFICATE_POLICIES,
	[EXT_CRL] = OID_CRL_DISTRIBUTION,
	[EXT_DELTA_CRL] = OID_FRESHEST_CRL,
	[EXT_AUTHORITY_INFO] = OID_AUTHORITY_INFO,
	[EXT_SUBJECT_ALT_NAME] = OID_SUBJECT_ALT_NAME,
	[EXT_OCSP_NOCHECK] = OID_OCSP_NOCHECK,
	[EXT_KEY_STORAGE] = OID_NUC_KEY_STORAGE,
};

static struct err *extensions(const struct lint_view *v)
{
	const struct profile *p = v->context->profile;
	size_t at = 0;

	for (size_t i = 0; i < p->num_extensions; i++) {
		enum oid_name id = extension_ids[p->extensions[i]];

		if (at < v->num_extensions && oid_is(v->extensions[at].id, id))
			at++;
		else
			ENSURE(id == OID_SUBJECT_ALT_NAME, BAD_INPUT, "%s is missing or not in its place",
			       oid_word(id));
	}
	ENSURE(at == v->num_extensions, BAD_INPUT, "there is an extension that the profile does not have");
	return NULL;
}

static bool is_read(const struct lint_view *v)
{
	return v->is_read;
}

static struct err *usages(const struct lint_view *v)
{
	const struct profile *p = v->context->profile;

	ENSURE(v->cert.key_usage == p->key_usage, BAD_INPUT, "keyUsage is not the profile's");
	ENSURE(v->cert.num_eku == p->num_extended_key_usage, BAD_INPUT, "extKeyUsage is not the profile's");
	for (size_t i = 0; i < p->num_extended_key_usage; i++) {
		OWN(buf) content = BUF_INIT(OID_MAX_LEN);

		TRY(oid_parse(&content, p->extended_key_usage[i]));
		ENSURE(slice_equal(v->cert.eku[i], buf_slice(&content)), BAD_INPUT, "extKeyUsage is not the profile's");
	}
	return NULL;
}

static struct err *ca_flag(const struct lint_view *v)
{
	const struct profile *p = v->context->profile;

	ENSURE(v->cert.is_ca == p->is_ca && v->cert.path_length == p->path_length, BAD_INPUT,
	       "basicConstraints is not the profile's");
	return NULL;
}

static struct err *policy(const struct lint_view *v)
{
	const struct profile *p = v->context->profile;
	OWN(buf) content = BUF_INIT(OID_MAX_LEN);

	ENSURE(v->cert.num_policies == (p->policy_oid == NULL ? 0u : 1u), BAD_INPUT, "the policy is not the profile's");
	if (p->policy_oid == NULL)
		return NULL;
	TRY(oid_parse(&content, p->policy_oid));
	ENSURE(slice_equal(v->cert.policies[0], buf_slice(&content)), BAD_INPUT, "the policy is not the profile's");
	return NULL;
}

static struct err *key_id(const struct lint_view *v)
{
	uint8_t wanted[20];

	TRY(v->context->profile->key_id == KEY_ID_BITS ? suite_key_id_bits(wanted, v->public_key)
						       : suite_key_id_spki(wanted, v->public_key));
	ENSURE(slice_equal(v->cert.key_id, SLICE(wanted, sizeof wanted)), BAD_INPUT,
	       "subjectKeyIdentifier is not made in the profile's way");
	return NULL;
}

/* The URLs ([6]) of an extension's value in the order in which they stand, however deep. */
struct found_urls {
	struct slice urls[2 * PROFILE_MAX_URLS];
	size_t num;
};

static struct err *collect_urls(struct found_urls *out, struct slice values, int depth)
{
	struct der_reader r;
	struct der_tlv tlv;

	der_reader_init(&r, values);
	while (!der_reader_done(&r)) {
		TRY(der_next(&r, &tlv, "extension"));
		if (tlv.tag == DER_CONTEXT(6)) {
			ENSURE(out->num < sizeof out->urls / sizeof out->urls[0], BAD_INPUT, "too many URLs");
			out->urls[out->num++] = tlv.content;
		} else if ((tlv.tag & 0x20) != 0 && depth < DER_MAX_DEPTH) {
			TRY(collect_urls(out, tlv.content, depth + 1));
		}
	}
	return NULL;
}

/* check_urls() says whether exactly these URLs stand in this order in the extension. */
static struct err *check_urls(const struct lint_extension *e, const char *const *urls, size_t num, const char *what)
{
	struct found_urls found = { .num = 0 };

	ENSURE(e != NULL, BAD_INPUT, "%s is missing", what);
	TRY(collect_urls(&found, e->value, 0));
	ENSURE(found.num == num, BAD_INPUT, "%s: %zu URLs, %zu are the issuer's", what, found.num, num);
	for (size_t i = 0; i < num; i++)
		ENSURE(slice_equal(found.urls[i], SLICE_STR(urls[i])), BAD_INPUT, "%s: URL %zu is not the issuer's",
		       what, i + 1);
	return NULL;
}

static bool has(const struct lint_view *v, enum profile_extension extension)
{
	const struct profile *p = v->context->profile;

	for (size_t i = 0; i < p->num_extensions; i++)
		if (p->extensions[i] == extension)
			return true;
	return false;
}

static struct err *list_urls(const struct lint_view *v)
{
	const struct profile_issuer *issuer = v->context->issuer;
	const struct profile_text *crl = lint_is_ca_profile(v) ? &issuer->root_crl : &issuer->crl;

	if (has(v, EXT_CRL))
		TRY(check_urls(lint_extension(v, OID_CRL_DISTRIBUTION), (const char *const *)crl->texts, crl->num,
			       "cRLDistributionPoints"));
	if (has(v, EXT_DELTA_CRL))
		TRY(check_urls(lint_extension(v, OID_FRESHEST_CRL), (const char *const *)issuer->delta_crl.texts,
			       issuer->delta_crl.num, "freshestCRL"));
	return NULL;
}

static struct err *authority_info_urls(const struct lint_view *v)
{
	const struct profile_issuer *issuer = v->context->issuer;
	const struct profile *p = v->context->profile;
	const char *urls[PROFILE_MAX_URLS + 1];
	size_t num = 0;

	if (!has(v, EXT_AUTHORITY_INFO))
		return NULL;
	if (!p->ocsp_first)
		urls[num++] = p->is_ca ? issuer->root_ca_url : issuer->ca_url;
	for (size_t i = 0; p->has_ocsp && i < issuer->ocsp.num; i++)
		urls[num++] = issuer->ocsp.texts[i];
	if (p->ocsp_first)
		urls[num++] = p->is_ca ? issuer->root_ca_url : issuer->ca_url;
	return check_urls(lint_extension(v, OID_AUTHORITY_INFO), urls, num, "authorityInfoAccess");
}

static struct err *alt_names(const struct lint_view *v)
{
	const struct profile *p = v->context->profile;

	ENSURE(v->cert.emails.num == 0 || p->allows_email, BAD_INPUT, "the profile has no e-mail names");
	ENSURE(v->cert.dns_names.num == 0 || p->allows_dns, BAD_INPUT, "the profile has no domain names");
	return NULL;
}

static const struct lint lints[] = {
	{ "nuc_profile_extensions", "profiles.conf", EFFECTIVE_NUC, NULL, extensions },
	{ "nuc_profile_usages", "profiles.conf", EFFECTIVE_NUC, is_read, usages },
	{ "nuc_profile_ca_flag", "profiles.conf", EFFECTIVE_NUC, is_read, ca_flag },
	{ "nuc_profile_policy", "profiles.conf", EFFECTIVE_NUC, is_read, policy },
	{ "nuc_profile_key_id", "profiles.conf", EFFECTIVE_NUC, is_read, key_id },
	{ "nuc_profile_list_urls", "profiles.conf, nuc-domain 1.5", EFFECTIVE_NUC, NULL, list_urls },
	{ "nuc_profile_authority_info", "profiles.conf, nuc-domain 1.5", EFFECTIVE_NUC, NULL, authority_info_urls },
	{ "nuc_profile_alt_names", "profiles.conf", EFFECTIVE_NUC, is_read, alt_names },
};
const struct lint_table lint_nuc_profile = LINT_TABLE(lints);
