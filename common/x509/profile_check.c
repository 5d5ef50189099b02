/*
 * profile_check.c - rules of profiles.conf that look at more than one value. See profile.h.
 *
 * They keep a slip in a text file from becoming a wrong certificate: what a subject needs the kind must ask for, each
 * extension has its data and each datum its extension, leaves never look like a CA, OCSPSigning stands alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "x509/profile_internal.h"

#define OID_OCSP_SIGNING "1.3.6.1.5.5.7.3.9"

static bool has_extension(const struct profile *p, enum profile_extension extension)
{
	for (size_t i = 0; i < p->num_extensions; i++)
		if (p->extensions[i] == extension)
			return true;
	return false;
}

static bool has_eku(const struct profile *p, const char *oid)
{
	for (size_t i = 0; i < p->num_extended_key_usage; i++)
		if (strcmp(p->extended_key_usage[i], oid) == 0)
			return true;
	return false;
}

/* RULE(condition, sentence): a mistake unless the condition holds; uses `r`. */
#define RULE(cond, ...)                                                                                                \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			profile_mistake(r, NULL, __VA_ARGS__);                                                         \
	} while (0)

/* Data and extension come together or not at all. */
static void check_pair(struct profile_reading *r, const struct profile *p, enum profile_extension extension,
		       bool has_data, const char *datum)
{
	const char *word = profile_extension_word(extension);

	RULE(!has_extension(p, extension) || has_data, "profiles: %s: extension %s is listed, but %s is missing",
	     p->name, word, datum);
	RULE(!has_data || has_extension(p, extension), "profiles: %s: %s is set, but extension %s is not listed",
	     p->name, datum, word);
}

static void check_extensions(struct profile_reading *r, const struct profile *p)
{
	bool names = p->allows_email || p->allows_dns;

	check_pair(r, p, EXT_KEY_USAGE, p->key_usage != 0, "key_usage");
	check_pair(r, p, EXT_EXTENDED_KEY_USAGE, p->num_extended_key_usage > 0, "extended_key_usage");
	check_pair(r, p, EXT_POLICIES, p->policy_oid != NULL, "policy");
	check_pair(r, p, EXT_SUBJECT_ALT_NAME, names, "subject_alt_name");
	check_pair(r, p, EXT_BASIC_CONSTRAINTS, p->is_ca, "ca = true");
	check_pair(r, p, EXT_OCSP_NOCHECK, has_eku(p, OID_OCSP_SIGNING), "extended key usage OCSPSigning");
	RULE(has_extension(p, EXT_SUBJECT_KEY_ID),
	     "profiles: %s: extension subject_key_id is missing (RFC 5280 §4.2.1.2)", p->name);
	RULE(has_extension(p, EXT_AUTHORITY_KEY_ID) != has_extension(p, EXT_AUTHORITY_KEY_ID_FULL),
	     "profiles: %s: exactly one of authority_key_id and authority_key_id_full must be listed", p->name);
	RULE(!p->has_ocsp || has_extension(p, EXT_AUTHORITY_INFO),
	     "profiles: %s: authority_info is set, but the extension is not listed", p->name);
	RULE(has_extension(p, EXT_CRL) || !has_extension(p, EXT_DELTA_CRL),
	     "profiles: %s: delta_crl without crl (RFC 5280 §4.2.1.15)", p->name);
	RULE(!p->allows_internal_names || p->allows_dns, "profiles: %s: \"internal\" without \"dns\"", p->name);
}

static void check_usage(struct profile_reading *r, const struct profile *p)
{
	unsigned ca_bits = KEY_USAGE_KEY_CERT_SIGN | KEY_USAGE_CRL_SIGN;

	if (p->is_ca) {
		RULE((p->key_usage & KEY_USAGE_KEY_CERT_SIGN) != 0,
		     "profiles: %s: a CA needs keyCertSign (RFC 5280 §4.2.1.3)", p->name);
		RULE(p->num_extended_key_usage == 0, "profiles: %s: a CA here has no extended key usage", p->name);
	} else {
		RULE((p->key_usage & ca_bits) == 0, "profiles: %s: keyCertSign and cRLSign are for CAs", p->name);
		RULE(p->path_length == -1, "profiles: %s: path_length is for CAs", p->name);
		RULE(p->num_extended_key_usage > 0, "profiles: %s: extended_key_usage is missing", p->name);
	}
	RULE(!has_eku(p, OID_OCSP_SIGNING) || p->num_extended_key_usage == 1,
	     "profiles: %s: OCSPSigning must be the only extended key usage (BR 7.1.2.8.5)", p->name);
	RULE(!has_eku(p, "2.5.29.37.0"), "profiles: %s: anyExtendedKeyUsage is not allowed (BR 7.1.2.7.10)", p->name);
	for (size_t i = 0; i < p->num_keys; i++)
		RULE(strcmp(p->keys[i]->key_type, "EC") != 0 || (p->key_usage & KEY_USAGE_KEY_ENCIPHERMENT) == 0,
		     "profiles: %s: keyEncipherment does not fit keys of %s (RFC 5480 §3)", p->name, p->keys[i]->name);
	RULE(p->num_keys > 0, "profiles: %s: keys is empty", p->name);
	RULE(p->num_subject > 0, "profiles: %s: subject is empty", p->name);
	RULE(p->num_validities > 0, "profiles: %s: validity is empty", p->name);
}

/* Which field of an application an attribute is made of. CN of people is made of the two names. */
static unsigned fields_of(enum name_attribute attribute)
{
	switch (attribute) {
	case NAME_CN:
		return FIELD_BIT(FIELD_SURNAME) | FIELD_BIT(FIELD_GIVEN);
	case NAME_SURNAME:
		return FIELD_BIT(FIELD_SURNAME);
	case NAME_SERIALNUMBER:
		return FIELD_BIT(FIELD_IIN);
	case NAME_O:
		return FIELD_BIT(FIELD_ORGANISATION);
	case NAME_OU:
		return FIELD_BIT(FIELD_BIN);
	case NAME_G:
		return FIELD_BIT(FIELD_PATRONYMIC);
	case NAME_BUSINESS_CATEGORY:
		return FIELD_BIT(FIELD_TREASURY_CLIENT);
	case NAME_DC:
		return FIELD_BIT(FIELD_TREASURY_ROLE);
	case NAME_UID:
		return FIELD_BIT(FIELD_SYSTEM_OID);
	default:
		return 0;
	}
}

static void check_request(struct profile_reading *r, const struct profiles *all, const struct profile_kind *kind,
			  const char *purpose)
{
	const struct profile *p = NULL;
	OWN(err) e = profiles_find_request(&p, all, kind->name, purpose);

	if (e != NULL) {
		profile_mistake(r, NULL, "kinds: %s: request %s: there is no profile for it", kind->name, purpose);
		return;
	}
	RULE(!p->is_ca, "kinds: %s: request %s: profile %s is a CA's", kind->name, purpose, p->name);
	if (strcmp(purpose, PROFILE_SERVICE) == 0)
		return; /* the subject comes from administrators as it is */
	for (size_t i = 0; i < p->num_subject; i++) {
		unsigned needed = fields_of(p->subject[i].attribute);
		unsigned asked = kind->required | (p->subject[i].is_optional ? kind->optional : 0);

		RULE((needed & asked) == needed, "kinds: %s: profile %s needs for %s what the kind does not ask for",
		     kind->name, p->name, name_attribute_word(p->subject[i].attribute));
	}
}

static void check_kind(struct profile_reading *r, const struct profiles *all, const struct profile_kind *kind)
{
	size_t open_channels = 0;

	for (int c = 0; c < CHANNEL_COUNT; c++)
		open_channels += kind->deciders[c].num > 0 ? 1 : 0;
	RULE(open_channels > 0, "kinds: %s: deciders is empty, nobody could approve it", kind->name);
	RULE((kind->required & kind->optional) == 0, "kinds: %s: a field is both required and optional", kind->name);
	RULE(kind->num_requests > 0, "kinds: %s: requests is empty", kind->name);
	for (size_t i = 0; i < kind->num_requests; i++)
		check_request(r, all, kind, kind->requests[i]);
}

static void check_issuer(struct profile_reading *r, const struct profile_issuer *issuer)
{
	RULE(issuer->crl.num > 0, "issuers: %s: crl is empty", issuer->name);
	RULE(issuer->ocsp.num > 0, "issuers: %s: ocsp is empty", issuer->name);
	RULE(issuer->delta_crl.num > 0, "issuers: %s: delta_crl is empty", issuer->name);
	RULE(issuer->root_crl.num > 0, "issuers: %s: root_crl is empty", issuer->name);
}

static void check_unique(struct profile_reading *r, const char *list, const void *items, size_t num, size_t size)
{
	/* the name is the first member of each */
	for (size_t i = 0; i < num; i++)
		for (size_t k = 0; k < i; k++) {
			const char *a = *(char *const *)((const char *)items + i * size);
			const char *b = *(char *const *)((const char *)items + k * size);

			RULE(strcmp(a, b) != 0, "%s: the name %s is doubled", list, a);
		}
}

void profile_check_all(struct profile_reading *r, const struct profiles *all)
{
	_Static_assert(offsetof(struct profile_issuer, name) == 0 && offsetof(struct profile_kind, name) == 0 &&
			       offsetof(struct profile, name) == 0,
		       "check_unique() takes the first member");
	check_unique(r, "issuers", all->issuers, all->num_issuers, sizeof all->issuers[0]);
	check_unique(r, "kinds", all->kinds, all->num_kinds, sizeof all->kinds[0]);
	check_unique(r, "profiles", all->profiles, all->num_profiles, sizeof all->profiles[0]);
	for (size_t i = 0; i < all->num_issuers; i++)
		check_issuer(r, &all->issuers[i]);
	for (size_t i = 0; i < all->num_profiles; i++) {
		check_extensions(r, &all->profiles[i]);
		check_usage(r, &all->profiles[i]);
	}
	for (size_t i = 0; i < all->num_kinds; i++)
		check_kind(r, all, &all->kinds[i]);
}
