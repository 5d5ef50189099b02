/*
 * name.c - subject names: built, checked, read, printed. See name.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/name.h"

#include <stdio.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "base/text.h"
#include "x509/utf8.h"

enum { NAME_MAX_BYTES = 4096 };

/* Type, string type and upper bound in characters of each attribute: nuc-domain.md 1.2, RFC 5280 Appendix A.1 (surname
 * and givenName after X.520's 64 rather than ub-name), RFC 1035 §2.3.4 for DC, RFC 4524 §2.22 for UID. */
static const struct {
	enum oid_name oid;
	uint8_t tag;
	size_t max_chars;
} attributes[NAME_ATTRIBUTE_COUNT] = {
	[NAME_CN] = { OID_COMMON_NAME, DER_UTF8_STRING, 64 },
	[NAME_SURNAME] = { OID_SURNAME, DER_UTF8_STRING, 64 },
	[NAME_SERIALNUMBER] = { OID_SERIAL_NUMBER, DER_PRINTABLE_STRING, 64 },
	[NAME_C] = { OID_COUNTRY, DER_PRINTABLE_STRING, 2 },
	[NAME_L] = { OID_LOCALITY, DER_UTF8_STRING, 128 },
	[NAME_ST] = { OID_STATE, DER_UTF8_STRING, 128 },
	[NAME_O] = { OID_ORGANISATION, DER_UTF8_STRING, 64 },
	[NAME_OU] = { OID_ORGANISATIONAL_UNIT, DER_UTF8_STRING, 64 },
	[NAME_G] = { OID_GIVEN_NAME, DER_UTF8_STRING, 64 },
	[NAME_BUSINESS_CATEGORY] = { OID_BUSINESS_CATEGORY, DER_UTF8_STRING, 128 },
	[NAME_DC] = { OID_DOMAIN_COMPONENT, DER_IA5_STRING, 63 },
	[NAME_UID] = { OID_UID, DER_UTF8_STRING, 256 },
	[NAME_EMAIL] = { OID_EMAIL_ADDRESS, DER_IA5_STRING, 255 },
};

const char *name_attribute_word(enum name_attribute attribute)
{
	return (unsigned)attribute < NAME_ATTRIBUTE_COUNT ? oid_word(attributes[attribute].oid) : NULL;
}

bool name_attribute_parse(enum name_attribute *out, const char *word)
{
	for (int i = 0; i < NAME_ATTRIBUTE_COUNT; i++)
		if (strcmp(oid_word(attributes[i].oid), word) == 0) {
			*out = (enum name_attribute)i;
			return true;
		}
	return false;
}

struct err *name_upper(struct buf *out, struct slice text)
{
	uint32_t c;

	while (utf8_next(&c, &text))
		TRY(utf8_put(out, utf8_upper(c)));
	ENSURE(text.len == 0, BAD_INPUT, "the text is not valid UTF-8");
	return NULL;
}

/* ---------------------------------------------------------------- build */

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static struct err *prefixed(struct buf *value, const char *prefix, const char *digits)
{
	return is_given(digits) ? buf_printf(value, "%s%s", prefix, digits) : NULL;
}

/* CN of people: SURNAME and GIVEN, either alone where a person has one name only. */
static struct err *common_name(struct buf *value, const struct name_fields *f)
{
	if (is_given(f->common_name))
		return buf_append_str(value, f->common_name);
	if (is_given(f->surname))
		TRY(name_upper(value, SLICE_STR(f->surname)));
	if (is_given(f->surname) && is_given(f->given))
		TRY(buf_append_str(value, " "));
	return is_given(f->given) ? name_upper(value, SLICE_STR(f->given)) : NULL;
}

static struct err *as_given(struct buf *value, const char *text)
{
	return is_given(text) ? buf_append_str(value, text) : NULL;
}

static struct err *in_capitals(struct buf *value, const char *text)
{
	return is_given(text) ? name_upper(value, SLICE_STR(text)) : NULL;
}

/* attribute_value() appends the attribute's value, nothing when the fields have none, and names the field it is of. */
static struct err *attribute_value(struct buf *value, const char **out_field, enum name_attribute attribute,
				   const struct name_fields *f)
{
	switch (attribute) {
	case NAME_CN:
		*out_field = is_given(f->common_name) ? "common_name" : "surname";
		return common_name(value, f);
	case NAME_SURNAME:
		*out_field = "surname";
		return in_capitals(value, f->surname);
	case NAME_SERIALNUMBER:
		*out_field = "iin";
		return prefixed(value, "IIN", f->iin);
	case NAME_C:
		*out_field = "country";
		return buf_append_str(value, "KZ");
	case NAME_O:
		*out_field = "organisation";
		return as_given(value, f->organisation);
	case NAME_OU:
		*out_field = "bin";
		return prefixed(value, "BIN", f->bin);
	case NAME_G:
		*out_field = "patronymic";
		return in_capitals(value, f->patronymic);
	case NAME_BUSINESS_CATEGORY:
		*out_field = "treasury_client";
		return as_given(value, f->treasury_client);
	case NAME_DC:
		*out_field = "treasury_role";
		return as_given(value, f->treasury_role);
	case NAME_UID:
		*out_field = "system_oid";
		return as_given(value, f->system_oid);
	default:
		*out_field = "subject";
		return ERR(BUG, "no application has the attribute %s", name_attribute_word(attribute));
	}
}

/* check_value() holds a value to its attribute's string type, length and form; `field` is what a refusal names. */
static struct err *check_value(enum name_attribute attribute, struct slice value, const char *field)
{
	const char *word = name_attribute_word(attribute);
	size_t max = attributes[attribute].max_chars, chars = 0;
	OWN(err) e = text_utf8_length(&chars, value);

	ENSURE_FIELD(e == NULL && chars > 0, BAD_INPUT, field, "subject: %s is empty or not valid UTF-8", word);
	ENSURE_FIELD(chars <= max, BAD_INPUT, field, "subject: %s is longer than %zu characters (RFC 5280 A.1)", word,
		     max);
	ENSURE_FIELD(!text_has_control(value), BAD_INPUT, field, "subject: %s holds a control or invisible character",
		     word);
	if (attribute == NAME_SERIALNUMBER || attribute == NAME_OU) {
		bool ok = value.len == 15 && (memcmp(value.p, "BIN", 3) == 0 ||
					      (attribute == NAME_SERIALNUMBER && memcmp(value.p, "IIN", 3) == 0));

		for (size_t i = 3; ok && i < value.len; i++)
			ok = value.p[i] >= '0' && value.p[i] <= '9';
		ENSURE_FIELD(ok, BAD_INPUT, field, "subject: %s must be %s and 12 digits", word,
			     attribute == NAME_OU ? "BIN" : "IIN");
	}
	if (attribute == NAME_C)
		ENSURE_FIELD(slice_equal(value, SLICE_STR("KZ")), BAD_INPUT, field, "subject: C must be KZ");
	ENSURE_FIELD(attributes[attribute].tag != DER_IA5_STRING || chars == value.len, BAD_INPUT, field,
		     "subject: %s holds a character that is not ASCII", word);
	return NULL;
}

static struct err *append_attribute(struct buf *out, enum name_attribute attribute, struct slice value)
{
	size_t set, sequence;

	TRY(der_open(out, &set, DER_SET));
	TRY(der_open(out, &sequence, DER_SEQUENCE));
	TRY(der_oid(out, oid(attributes[attribute].oid)));
	switch (attributes[attribute].tag) {
	case DER_PRINTABLE_STRING:
		TRY(der_printable(out, value));
		break;
	case DER_IA5_STRING:
		TRY(der_ia5(out, value));
		break;
	default:
		TRY(der_utf8(out, value));
	}
	TRY(der_close(out, sequence));
	return der_close(out, set);
}

struct err *name_build(struct buf *out, const struct name_rule *rules, size_t num_rules,
		       const struct name_fields *fields)
{
	OWN(buf) name = BUF_INIT(NAME_MAX_BYTES);
	OWN(buf) value = BUF_INIT(NAME_MAX_BYTES);

	for (size_t i = 0; i < num_rules; i++) {
		enum name_attribute attribute = rules[i].attribute;
		const char *field = NULL;

		buf_reset(&value);
		struct err *e = attribute_value(&value, &field, attribute, fields);
		if (err_code(e) == ERR_TOO_LARGE || err_code(e) == ERR_BAD_INPUT) {
			err_destroy(&e);
			return ERR_FIELD(BAD_INPUT, field, "subject: %s is too long or not valid UTF-8",
					 name_attribute_word(attribute));
		}
		TRY(e);
		if (value.len == 0 && rules[i].is_optional)
			continue;
		ENSURE_FIELD(value.len > 0, BAD_INPUT, field, "%s is missing", field);
		TRY(check_value(attribute, buf_slice(&value), field));
		TRY(append_attribute(&name, attribute, buf_slice(&value)));
	}
	return der_tlv(out, DER_SEQUENCE, buf_slice(&name));
}

/* ---------------------------------------------------------------- read */

struct attribute_view {
	struct slice oid;
	struct der_tlv value;
};

/* One RDN of one attribute; `out_more` says whether the RDN has others, which our names never have. */
static struct err *next_attribute(struct der_reader *names, struct attribute_view *out, bool *out_more)
{
	struct der_reader set, sequence;

	TRY(der_enter(names, &set, DER_SET, "RelativeDistinguishedName"));
	TRY(der_expect_sequence(&set, &sequence, "AttributeTypeAndValue"));
	TRY(der_read_oid(&sequence, &out->oid, "attribute type"));
	TRY(der_next(&sequence, &out->value, "attribute value"));
	TRY(der_finish(&sequence, "AttributeTypeAndValue"));
	*out_more = !der_reader_done(&set);
	return NULL;
}

static struct err *open_name(struct der_reader *out, struct slice name)
{
	struct der_reader whole;

	der_reader_init(&whole, name);
	TRY(der_expect_sequence(&whole, out, "Name"));
	return der_finish(&whole, "Name");
}

struct err *name_check(struct slice name, const struct name_rule *rules, size_t num_rules)
{
	struct der_reader names;
	size_t i = 0;

	ENSURE_FIELD(name.len <= NAME_MAX_BYTES, TOO_LARGE, "subject", "subject: longer than %d bytes", NAME_MAX_BYTES);
	TRY(open_name(&names, name));
	while (!der_reader_done(&names)) {
		struct attribute_view a;
		bool more = false;

		TRY(next_attribute(&names, &a, &more));
		ENSURE_FIELD(!more, BAD_INPUT, "subject", "subject: an RDN has more than one attribute");
		size_t next = i; /* what a reader of the refusal expects to see here */
		while (i < num_rules && rules[i].is_optional && !oid_is(a.oid, attributes[rules[i].attribute].oid))
			i++;
		ENSURE_FIELD(i < num_rules && oid_is(a.oid, attributes[rules[i].attribute].oid), BAD_INPUT, "subject",
			     "subject: attributes or their order are not the profile's, expected %s",
			     next < num_rules ? name_attribute_word(rules[next].attribute) : "the end");
		enum name_attribute attribute = rules[i++].attribute;
		ENSURE_FIELD(a.value.tag == attributes[attribute].tag, BAD_INPUT, "subject",
			     "subject: %s has a wrong string type", name_attribute_word(attribute));
		TRY(check_value(attribute, a.value.content, "subject"));
	}
	for (; i < num_rules; i++)
		ENSURE_FIELD(rules[i].is_optional, BAD_INPUT, "subject", "subject: %s is missing",
			     name_attribute_word(rules[i].attribute));
	return NULL;
}

static bool is_text_tag(uint8_t tag)
{
	return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING || tag == DER_IA5_STRING;
}

bool name_get(struct slice *out, struct slice name, enum name_attribute attribute)
{
	struct der_reader names;
	struct attribute_view a;
	bool more = false;
	OWN(err) e = open_name(&names, name);

	while (e == NULL && !der_reader_done(&names)) {
		e = next_attribute(&names, &a, &more);
		if (e == NULL && oid_is(a.oid, attributes[attribute].oid) && is_text_tag(a.value.tag)) {
			*out = a.value.content;
			return true;
		}
	}
	return false;
}

/* take_number() keeps the 12 digits behind the prefix; the first that fits stays. */
static void take_number(char out[13], struct slice value, const char *prefix)
{
	if (out[0] != '\0' || value.len != 15 || memcmp(value.p, prefix, 3) != 0)
		return;
	for (size_t i = 3; i < 15; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return;
	memcpy(out, value.p + 3, 12);
	out[12] = '\0';
}

void name_person(char iin[13], char bin[13], struct slice name)
{
	struct der_reader names;
	struct attribute_view a;
	char entity[13] = ""; /* a certificate without a person: serialNumber BIN... */
	bool more = false;
	OWN(err) e = open_name(&names, name);

	iin[0] = bin[0] = '\0';
	while (e == NULL && !der_reader_done(&names)) {
		e = next_attribute(&names, &a, &more);
		if (e != NULL || !is_text_tag(a.value.tag))
			continue;
		if (oid_is(a.oid, OID_SERIAL_NUMBER)) {
			take_number(iin, a.value.content, "IIN");
			take_number(entity, a.value.content, "BIN");
		} else if (oid_is(a.oid, OID_ORGANISATIONAL_UNIT)) {
			take_number(bin, a.value.content, "BIN");
		}
	}
	if (bin[0] == '\0')
		memcpy(bin, entity, sizeof entity);
}

/* ---------------------------------------------------------------- print */

static struct err *print_escaped(struct buf *out, struct slice text)
{
	size_t last = text.len;

	for (struct slice rest = text; rest.len > 0;) {
		const uint8_t *at = rest.p;
		uint32_t c = 0;
		bool ok = utf8_next(&c, &rest);

		if (!ok)
			rest = SLICE(rest.p + 1, rest.len - 1);
		struct slice bytes = SLICE(at, (size_t)(rest.p - at));
		size_t offset = (size_t)(at - text.p);
		bool edge = (c == ' ' && (offset == 0 || offset + 1 == last)) || (c == '#' && offset == 0);

		if (ok && !edge && !text_has_control(bytes)) {
			if (c < 0x80 && strchr(",+\"\\<>;", (int)c) != NULL)
				TRY(buf_append_str(out, "\\"));
			TRY(buf_append(out, bytes));
			continue;
		}
		for (size_t i = 0; i < bytes.len; i++)
			TRY(buf_printf(out, "\\%02X", bytes.p[i]));
	}
	return NULL;
}

static struct err *print_attribute(struct buf *out, const struct attribute_view *a)
{
	char dotted[OID_TEXT_SIZE];
	int known = -1;

	for (int i = 0; i < NAME_ATTRIBUTE_COUNT; i++)
		if (oid_is(a->oid, attributes[i].oid))
			known = i;
	if (known >= 0) {
		TRY(buf_printf(out, "%s=", name_attribute_word((enum name_attribute)known)));
	} else {
		TRY(oid_text(dotted, a->oid));
		TRY(buf_printf(out, "%s=", dotted));
	}
	if (known >= 0 && is_text_tag(a->value.tag))
		return print_escaped(out, a->value.content);
	TRY(buf_append_str(out, "#")); /* RFC 4514 §2.4: the BER of the value in hexadecimal */
	return text_hex(out, a->value.whole);
}

struct err *name_print(struct buf *out, struct slice name)
{
	struct der_reader names;
	bool first = true;

	TRY(open_name(&names, name));
	while (!der_reader_done(&names)) {
		struct der_reader set;

		TRY(der_enter(&names, &set, DER_SET, "RelativeDistinguishedName"));
		for (bool in_set = false; !der_reader_done(&set); in_set = true, first = false) {
			struct der_reader sequence;
			struct attribute_view a;

			TRY(der_expect_sequence(&set, &sequence, "AttributeTypeAndValue"));
			TRY(der_read_oid(&sequence, &a.oid, "attribute type"));
			TRY(der_next(&sequence, &a.value, "attribute value"));
			if (!first)
				TRY(buf_append_str(out, in_set ? "+" : ","));
			TRY(print_attribute(out, &a));
		}
	}
	return NULL;
}
