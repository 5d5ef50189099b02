/*
 * nuc_subject.c - the subject as NUC writes it: attributes, order, IIN and BIN (nuc-domain 1.2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ca/lint/lint_internal.h"

/* CN, SURNAME, SERIALNUMBER, C, [L, S,] [O, OU,] G, [businessCategory] [DC] [UID]: each once, in this order. */
static int rank_of(struct slice id)
{
	static const enum oid_name order[] = { OID_COMMON_NAME,	     OID_SURNAME,
					       OID_SERIAL_NUMBER,    OID_COUNTRY,
					       OID_LOCALITY,	     OID_STATE,
					       OID_ORGANISATION,     OID_ORGANISATIONAL_UNIT,
					       OID_GIVEN_NAME,	     OID_BUSINESS_CATEGORY,
					       OID_DOMAIN_COMPONENT, OID_UID };

	for (int i = 0; i < (int)(sizeof order / sizeof order[0]); i++)
		if (oid_is(id, order[i]))
			return i;
	return -1;
}

static struct err *order(const struct lint_view *v)
{
	int before = -1;

	for (size_t i = 0; i < v->num_attributes; i++) {
		int rank = rank_of(v->attributes[i].id);

		ENSURE(rank >= 0, BAD_INPUT, "the subject has an attribute that NUC does not use");
		ENSURE(rank > before, BAD_INPUT, "attributes of the subject are doubled or not in NUC's order");
		before = rank;
	}
	return NULL;
}

static bool is_numbered(struct slice value, const char *prefix)
{
	if (value.len != 15 || memcmp(value.p, prefix, 3) != 0)
		return false;
	for (size_t i = 3; i < 15; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
	return true;
}

static struct err *numbers(const struct lint_view *v)
{
	struct slice value;

	if (lint_find_attribute(&value, v, OID_SERIAL_NUMBER))
		ENSURE(is_numbered(value, "IIN") || is_numbered(value, "BIN"), BAD_INPUT,
		       "SERIALNUMBER is not IIN and 12 digits");
	if (lint_find_attribute(&value, v, OID_ORGANISATIONAL_UNIT))
		ENSURE(is_numbered(value, "BIN"), BAD_INPUT, "OU is not BIN and 12 digits");
	return NULL;
}

static struct err *country(const struct lint_view *v)
{
	struct slice value;

	ENSURE(lint_find_attribute(&value, v, OID_COUNTRY) && slice_equal(value, SLICE_STR("KZ")), BAD_INPUT,
	       "C is not KZ");
	return NULL;
}

static bool is_person(const struct lint_view *v)
{
	return v->is_read && lint_is_person(v);
}

static struct err *person(const struct lint_view *v)
{
	struct slice cn, surname;

	ENSURE(v->cert.iin[0] != '\0', BAD_INPUT, "a person's certificate names no IIN");
	ENSURE(lint_find_attribute(&cn, v, OID_COMMON_NAME) && lint_find_attribute(&surname, v, OID_SURNAME), BAD_INPUT,
	       "a person's certificate has no CN or no SURNAME");
	ENSURE(cn.len >= surname.len && memcmp(cn.p, surname.p, surname.len) == 0 &&
		       (cn.len == surname.len || cn.p[surname.len] == ' '),
	       BAD_INPUT, "CN does not begin with SURNAME");
	return NULL;
}

static struct err *organisation(const struct lint_view *v)
{
	struct slice value;
	bool has_o = lint_find_attribute(&value, v, OID_ORGANISATION);
	bool has_ou = lint_find_attribute(&value, v, OID_ORGANISATIONAL_UNIT);

	ENSURE(!lint_is_entity_person(v) || (has_o && has_ou && v->cert.bin[0] != '\0'), BAD_INPUT,
	       "the certificate of an entity's person lacks O or OU with the BIN");
	ENSURE(lint_is_entity_person(v) || (!has_o && !has_ou), BAD_INPUT,
	       "the certificate of an individual names an organisation");
	return NULL;
}

static const struct lint lints[] = {
	{ "nuc_subject_order", "nuc-domain 1.2", EFFECTIVE_NUC, NULL, order },
	{ "nuc_subject_numbers", "nuc-domain 1.2", EFFECTIVE_NUC, lint_is_leaf_profile, numbers },
	{ "nuc_subject_country", "nuc-domain 1.2", EFFECTIVE_NUC, NULL, country },
	{ "nuc_subject_person", "nuc-domain 1.2", EFFECTIVE_NUC, is_person, person },
	{ "nuc_subject_organisation", "nuc-domain 1.2, 3.2", EFFECTIVE_NUC, is_person, organisation },
};
const struct lint_table lint_nuc_subject = LINT_TABLE(lints);
