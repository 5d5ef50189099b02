/*
 * rfc5280_extensions.c - RFC 5280 §4.2: which extensions must be there, their criticality and what they may hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "ca/lint/lint_internal.h"
#include "x509/suite.h"

static struct err *no_doubles(const struct lint_view *v)
{
	for (size_t i = 0; i < v->num_extensions; i++)
		for (size_t k = 0; k < i; k++)
			ENSURE(!slice_equal(v->extensions[i].id, v->extensions[k].id), BAD_INPUT,
			       "an extension stands there twice");
	return NULL;
}

static struct err *criticality(const struct lint_view *v)
{
	for (size_t i = 0; i < v->num_extensions; i++) {
		const struct lint_extension *e = &v->extensions[i];
		bool wanted = oid_is(e->id, OID_BASIC_CONSTRAINTS) || oid_is(e->id, OID_KEY_USAGE);
		enum oid_name name;

		ENSURE(e->critical == wanted, BAD_INPUT, "%s must %sbe critical",
		       oid_find(&name, e->id) ? oid_word(name) : "an extension", wanted ? "" : "not ");
	}
	return NULL;
}

static struct err *leaf_is_no_ca(const struct lint_view *v)
{
	const unsigned ca_bits = KEY_USAGE_KEY_CERT_SIGN | KEY_USAGE_CRL_SIGN;

	ENSURE(lint_extension(v, OID_BASIC_CONSTRAINTS) == NULL, BAD_INPUT, "a leaf has basicConstraints");
	ENSURE((v->cert.key_usage & ca_bits) == 0, BAD_INPUT, "a leaf may sign certificates or lists");
	return NULL;
}

static struct err *ca_constraints(const struct lint_view *v)
{
	ENSURE(v->cert.is_ca, BAD_INPUT, "a CA has no basicConstraints with cA");
	ENSURE((v->cert.key_usage & KEY_USAGE_KEY_CERT_SIGN) != 0, BAD_INPUT, "a CA may not sign certificates");
	ENSURE(!v->has_authority || v->authority.path_length != 0, BAD_INPUT, "the issuer may not issue for CAs");
	return NULL;
}

static struct err *key_usage_present(const struct lint_view *v)
{
	ENSURE(lint_extension(v, OID_KEY_USAGE) != NULL, BAD_INPUT, "keyUsage is missing");
	return NULL;
}

static struct err *key_usage_fits_key(const struct lint_view *v)
{
	const struct suite *row = NULL;

	TRY(suite_of_spki(&row, v->public_key));
	ENSURE(row->group == NULL || (v->cert.key_usage & KEY_USAGE_KEY_ENCIPHERMENT) == 0, BAD_INPUT,
	       "keyEncipherment does not fit a key of %s", row->name);
	return NULL;
}

static struct err *subject_key_id(const struct lint_view *v)
{
	uint8_t by_bits[20], by_spki[20];

	ENSURE(v->cert.key_id.len == 20, BAD_INPUT, "subjectKeyIdentifier is missing or has not 20 octets");
	TRY(suite_key_id_bits(by_bits, v->public_key));
	TRY(suite_key_id_spki(by_spki, v->public_key));
	ENSURE(slice_equal(v->cert.key_id, SLICE(by_bits, 20)) || slice_equal(v->cert.key_id, SLICE(by_spki, 20)),
	       BAD_INPUT, "subjectKeyIdentifier is no digest of the key");
	return NULL;
}

static struct err *authority_key_id(const struct lint_view *v)
{
	struct slice wanted = v->has_authority ? v->authority.key_id : v->cert.key_id;

	ENSURE(v->cert.authority_key_id.len > 0, BAD_INPUT, "authorityKeyIdentifier is missing");
	ENSURE(slice_equal(v->cert.authority_key_id, wanted), BAD_INPUT,
	       "authorityKeyIdentifier is not the key id of the issuer");
	return NULL;
}

static bool has_alt_names(const struct lint_view *v)
{
	return lint_extension(v, OID_SUBJECT_ALT_NAME) != NULL;
}

static struct err *alt_name_kinds(const struct lint_view *v)
{
	struct der_reader names;
	struct der_tlv name;

	TRY(lint_value(&names, lint_extension(v, OID_SUBJECT_ALT_NAME), "subjectAltName"));
	ENSURE(!der_reader_done(&names), BAD_INPUT, "subjectAltName is empty");
	while (!der_reader_done(&names)) {
		TRY(der_next(&names, &name, "GeneralName"));
		ENSURE(name.tag == DER_CONTEXT(1) || name.tag == DER_CONTEXT(2), BAD_INPUT,
		       "a name is neither rfc822Name nor dNSName");
		ENSURE(name.content.len > 0, BAD_INPUT, "a name is empty");
		for (size_t i = 0; i < name.content.len; i++)
			ENSURE(name.content.p[i] > ' ' && name.content.p[i] < 0x7F, BAD_INPUT,
			       "a name holds a character that is not visible ASCII");
	}
	return NULL;
}

static bool has_policies(const struct lint_view *v)
{
	return lint_extension(v, OID_CERTIFICATE_POLICIES) != NULL;
}

/* UserNotice: explicitText is a UTF8String of at most 200 characters, noticeRef is not used. */
static struct err *check_notice(struct der_reader *info)
{
	struct der_reader notice;
	struct slice text;
	size_t chars = 0;

	TRY(der_expect_sequence(info, &notice, "UserNotice"));
	TRY(der_expect(&notice, &text, DER_UTF8_STRING, "explicitText"));
	TRY(text_utf8_length(&chars, text));
	ENSURE(chars >= 1 && chars <= 200, BAD_INPUT, "explicitText has %zu characters, 200 are allowed", chars);
	return der_finish(&notice, "UserNotice");
}

static struct err *check_qualifiers(struct der_reader *policy)
{
	struct der_reader list, info;
	struct slice id, url;

	if (der_reader_done(policy))
		return NULL;
	TRY(der_expect_sequence(policy, &list, "policyQualifiers"));
	ENSURE(!der_reader_done(&list), BAD_INPUT, "policyQualifiers is empty");
	while (!der_reader_done(&list)) {
		TRY(der_expect_sequence(&list, &info, "PolicyQualifierInfo"));
		TRY(der_read_oid(&info, &id, "policyQualifierId"));
		if (oid_is(id, OID_QUALIFIER_NOTICE)) {
			TRY(check_notice(&info));
		} else {
			ENSURE(oid_is(id, OID_QUALIFIER_CPS), BAD_INPUT,
			       "a policy qualifier is neither CPS nor notice");
			TRY(der_expect(&info, &url, DER_IA5_STRING, "cPSuri"));
			ENSURE(url.len > 0 && url.p[0] > ' ', BAD_INPUT, "cPSuri is empty or begins with a space");
		}
		TRY(der_finish(&info, "PolicyQualifierInfo"));
	}
	return der_finish(policy, "PolicyInformation");
}

static struct err *policies(const struct lint_view *v)
{
	static const uint8_t any_policy[] = { 0x55, 0x1D, 0x20, 0x00 };
	struct der_reader list, policy;
	struct slice id, before = SLICE_NONE;

	TRY(lint_value(&list, lint_extension(v, OID_CERTIFICATE_POLICIES), "certificatePolicies"));
	ENSURE(!der_reader_done(&list), BAD_INPUT, "certificatePolicies is empty");
	while (!der_reader_done(&list)) {
		TRY(der_expect_sequence(&list, &policy, "PolicyInformation"));
		TRY(der_read_oid(&policy, &id, "policyIdentifier"));
		ENSURE(!slice_equal(id, SLICE(any_policy, sizeof any_policy)), BAD_INPUT, "anyPolicy is not allowed");
		ENSURE(!slice_equal(id, before), BAD_INPUT, "a policy stands there twice");
		before = id;
		TRY(check_qualifiers(&policy));
	}
	return NULL;
}

static bool is_read_leaf(const struct lint_view *v)
{
	return v->is_read && lint_is_leaf_profile(v);
}

static bool is_read_ca(const struct lint_view *v)
{
	return v->is_read && lint_is_ca_profile(v);
}

static bool is_read(const struct lint_view *v)
{
	return v->is_read;
}

static const struct lint lints[] = {
	{ "rfc5280_no_doubled_extension", "RFC 5280 §4.2", EFFECTIVE_RFC5280, NULL, no_doubles },
	{ "rfc5280_criticality", "RFC 5280 §4.2", EFFECTIVE_RFC5280, NULL, criticality },
	{ "rfc5280_authority_key_id", "RFC 5280 §4.2.1.1", EFFECTIVE_RFC5280, is_read, authority_key_id },
	{ "rfc5280_subject_key_id", "RFC 5280 §4.2.1.2", EFFECTIVE_RFC5280, is_read, subject_key_id },
	{ "rfc5280_key_usage_present", "RFC 5280 §4.2.1.3", EFFECTIVE_RFC5280, NULL, key_usage_present },
	{ "rfc5280_key_usage_fits_key", "RFC 5480 §3", EFFECTIVE_RFC5280, is_read, key_usage_fits_key },
	{ "rfc5280_policies", "RFC 5280 §4.2.1.4", EFFECTIVE_RFC5280, has_policies, policies },
	{ "rfc5280_alt_name_kinds", "RFC 5280 §4.2.1.6", EFFECTIVE_RFC5280, has_alt_names, alt_name_kinds },
	{ "rfc5280_leaf_is_no_ca", "RFC 5280 §4.2.1.9", EFFECTIVE_RFC5280, is_read_leaf, leaf_is_no_ca },
	{ "rfc5280_ca_constraints", "RFC 5280 §4.2.1.9", EFFECTIVE_RFC5280, is_read_ca, ca_constraints },
};
const struct lint_table lint_rfc5280_extensions = LINT_TABLE(lints);
