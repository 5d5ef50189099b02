/*
 * rfc5280_name.c - RFC 5280 §4.1.2.6 and Appendix A.1: the subject's string types and lengths.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "ca/lint/lint_internal.h"

/* Upper bounds in characters, and the string type: PrintableString where the ASN.1 leaves no choice, IA5String for DC,
 * UTF8String elsewhere. */
static const struct {
	enum oid_name id;
	uint8_t tag;
	size_t max_chars;
} rules[] = {
	{ OID_COMMON_NAME, DER_UTF8_STRING, 64 },	 { OID_SURNAME, DER_UTF8_STRING, 64 },
	{ OID_SERIAL_NUMBER, DER_PRINTABLE_STRING, 64 }, { OID_COUNTRY, DER_PRINTABLE_STRING, 2 },
	{ OID_LOCALITY, DER_UTF8_STRING, 128 },		 { OID_STATE, DER_UTF8_STRING, 128 },
	{ OID_ORGANISATION, DER_UTF8_STRING, 64 },	 { OID_ORGANISATIONAL_UNIT, DER_UTF8_STRING, 64 },
	{ OID_GIVEN_NAME, DER_UTF8_STRING, 64 },	 { OID_BUSINESS_CATEGORY, DER_UTF8_STRING, 128 },
	{ OID_DOMAIN_COMPONENT, DER_IA5_STRING, 63 },	 { OID_UID, DER_UTF8_STRING, 256 },
};

static int rule_of(struct slice id)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (oid_is(id, rules[i].id))
			return (int)i;
	return -1;
}

static struct err *for_attributes(const struct lint_view *v, struct err *(*check)(const struct lint_attribute *))
{
	for (size_t i = 0; i < v->num_attributes; i++)
		TRY(check(&v->attributes[i]));
	return NULL;
}

static struct err *not_empty(const struct lint_view *v)
{
	ENSURE(v->num_attributes > 0, BAD_INPUT, "the subject is empty");
	return NULL;
}

static struct err *type_of_one(const struct lint_attribute *a)
{
	int i = rule_of(a->id);

	ENSURE(i < 0 || a->value.tag == rules[i].tag, BAD_INPUT, "%s has the string type %02x", oid_word(rules[i].id),
	       a->value.tag);
	return NULL;
}

static struct err *string_types(const struct lint_view *v)
{
	return for_attributes(v, type_of_one);
}

static struct err *length_of_one(const struct lint_attribute *a)
{
	int i = rule_of(a->id);
	size_t chars = 0;
	OWN(err) e = text_utf8_length(&chars, a->value.content);

	ENSURE(e == NULL && chars > 0, BAD_INPUT, "an attribute is empty or not UTF-8");
	ENSURE(i < 0 || chars <= rules[i].max_chars, BAD_INPUT, "%s has %zu characters, %zu are allowed",
	       oid_word(rules[i].id), chars, rules[i].max_chars);
	return NULL;
}

static struct err *lengths(const struct lint_view *v)
{
	return for_attributes(v, length_of_one);
}

static struct err *text_of_one(const struct lint_attribute *a)
{
	struct slice s = a->value.content;

	ENSURE(!text_has_control(s), BAD_INPUT, "an attribute holds a control or invisible character");
	ENSURE(s.len > 0 && s.p[0] != ' ' && s.p[s.len - 1] != ' ', BAD_INPUT,
	       "an attribute begins or ends with a space");
	return NULL;
}

static struct err *clean_text(const struct lint_view *v)
{
	return for_attributes(v, text_of_one);
}

static struct err *alone_of_one(const struct lint_attribute *a)
{
	ENSURE(a->is_alone, BAD_INPUT, "an RDN has more than one attribute");
	return NULL;
}

static struct err *single_rdn(const struct lint_view *v)
{
	return for_attributes(v, alone_of_one);
}

static const struct lint lints[] = {
	{ "rfc5280_subject_not_empty", "RFC 5280 §4.1.2.6", EFFECTIVE_RFC5280, NULL, not_empty },
	{ "rfc5280_subject_string_types", "RFC 5280 §4.1.2.4, A.1", EFFECTIVE_RFC5280, NULL, string_types },
	{ "rfc5280_subject_lengths", "RFC 5280 A.1", EFFECTIVE_RFC5280, NULL, lengths },
	{ "rfc5280_subject_text", "RFC 5280 §4.1.2.4", EFFECTIVE_RFC5280, NULL, clean_text },
	{ "rfc5280_subject_single_rdn", "RFC 5280 §4.1.2.4", EFFECTIVE_RFC5280, NULL, single_rdn },
};
const struct lint_table lint_rfc5280_name = LINT_TABLE(lints);
