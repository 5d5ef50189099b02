/*
 * profile.c - words, finders and the end of struct profiles. Reading is in profile_read.c. See profile.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/profile_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const channel_words[CHANNEL_COUNT] = {
	[CHANNEL_REMOTE] = "remote",
	[CHANNEL_COUNTER] = "counter",
	[CHANNEL_RENEWAL] = "renewal",
	[CHANNEL_ADMINISTRATION] = "administration",
};

static const char *const role_words[ROLE_COUNT] = {
	[ROLE_OPERATOR] = "operator", [ROLE_SENIOR] = "senior", [ROLE_ADMINISTRATOR] = "administrator",
	[ROLE_AUDITOR] = "auditor",   [ROLE_DESK] = "desk",	[ROLE_IDENTIFICATION] = "identification",
	[ROLE_HOLDER] = "holder",     [ROLE_HEAD] = "head",	[ROLE_DELEGATE] = "delegate",
};

static const char *const field_words[FIELD_COUNT] = {
	[FIELD_IIN] = "iin",
	[FIELD_SURNAME] = "surname",
	[FIELD_GIVEN] = "given",
	[FIELD_PATRONYMIC] = "patronymic",
	[FIELD_EMAIL] = "email",
	[FIELD_PHONE] = "phone",
	[FIELD_BIN] = "bin",
	[FIELD_ORGANISATION] = "organisation",
	[FIELD_TREASURY_ROLE] = "treasury_role",
	[FIELD_TREASURY_CLIENT] = "treasury_client",
	[FIELD_SYSTEM_OID] = "system_oid",
	[FIELD_DNS] = "dns",
	[FIELD_DOCUMENT] = "document",
};

static const char *const extension_words[EXT_COUNT] = {
	[EXT_BASIC_CONSTRAINTS] = "basic_constraints",
	[EXT_KEY_USAGE] = "key_usage",
	[EXT_EXTENDED_KEY_USAGE] = "extended_key_usage",
	[EXT_AUTHORITY_KEY_ID] = "authority_key_id",
	[EXT_AUTHORITY_KEY_ID_FULL] = "authority_key_id_full",
	[EXT_SUBJECT_KEY_ID] = "subject_key_id",
	[EXT_POLICIES] = "policies",
	[EXT_CRL] = "crl",
	[EXT_DELTA_CRL] = "delta_crl",
	[EXT_AUTHORITY_INFO] = "authority_info",
	[EXT_SUBJECT_ALT_NAME] = "subject_alt_name",
	[EXT_OCSP_NOCHECK] = "ocsp_nocheck",
	[EXT_KEY_STORAGE] = "key_storage",
};

/* word_index() finds a word in a list with gaps; -1 when it is not there. */
static int word_index(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (words[i] != NULL && strcmp(words[i], word) == 0)
			return i;
	return -1;
}

const char *profile_channel_word(enum profile_channel channel)
{
	return (unsigned)channel < CHANNEL_COUNT ? channel_words[channel] : NULL;
}

bool profile_channel_parse(enum profile_channel *out, const char *word)
{
	int i = word_index(channel_words, CHANNEL_COUNT, word);

	if (i >= 0)
		*out = (enum profile_channel)i;
	return i >= 0;
}

const char *profile_role_word(enum profile_role role)
{
	return (unsigned)role < ROLE_COUNT ? role_words[role] : NULL;
}

bool profile_role_parse(enum profile_role *out, const char *word)
{
	int i = word_index(role_words, ROLE_COUNT, word);

	if (i >= 0)
		*out = (enum profile_role)i;
	return i >= 0;
}

const char *profile_field_word(enum profile_field field)
{
	return (unsigned)field < FIELD_COUNT ? field_words[field] : NULL;
}

bool profile_field_parse(enum profile_field *out, const char *word)
{
	int i = word_index(field_words, FIELD_COUNT, word);

	if (i >= 0)
		*out = (enum profile_field)i;
	return i >= 0;
}

const char *profile_extension_word(enum profile_extension extension)
{
	return (unsigned)extension < EXT_COUNT ? extension_words[extension] : NULL;
}

bool profile_extension_parse(enum profile_extension *out, const char *word)
{
	int i = word_index(extension_words, EXT_COUNT, word);

	if (i >= 0)
		*out = (enum profile_extension)i;
	return i >= 0;
}

/* ---------------------------------------------------------------- finders */

struct err *profiles_find_issuer(const struct profile_issuer **out, const struct profiles *all, const char *name)
{
	for (size_t i = 0; i < all->num_issuers; i++)
		if (strcmp(all->issuers[i].name, name) == 0) {
			*out = &all->issuers[i];
			return NULL;
		}
	return ERR_FIELD(NOT_FOUND, "issuer", "there is no issuer named %.40s", name);
}

struct err *profiles_find_kind(const struct profile_kind **out, const struct profiles *all, const char *name)
{
	for (size_t i = 0; i < all->num_kinds; i++)
		if (strcmp(all->kinds[i].name, name) == 0) {
			*out = &all->kinds[i];
			return NULL;
		}
	return ERR_FIELD(NOT_FOUND, "kind", "there is no kind of application named %.40s", name);
}

struct err *profiles_find_profile(const struct profile **out, const struct profiles *all, const char *name)
{
	for (size_t i = 0; i < all->num_profiles; i++)
		if (strcmp(all->profiles[i].name, name) == 0) {
			*out = &all->profiles[i];
			return NULL;
		}
	return ERR_FIELD(NOT_FOUND, "profile", "there is no profile named %.60s", name);
}

bool profile_request_matches(const char *profile, const char *kind, const char *purpose)
{
	size_t n = strlen(kind);

	if (strcmp(purpose, PROFILE_SERVICE) == 0)
		return strcmp(profile, kind) == 0;
	return strncmp(profile, kind, n) == 0 && profile[n] == '-' && strcmp(profile + n + 1, purpose) == 0;
}

struct err *profiles_find_request(const struct profile **out, const struct profiles *all, const char *kind,
				  const char *purpose)
{
	const struct profile_kind *k = NULL;

	TRY(profiles_find_kind(&k, all, kind));
	for (size_t i = 0; i < k->num_requests; i++) {
		if (strcmp(k->requests[i], purpose) != 0)
			continue;
		for (size_t p = 0; p < all->num_profiles; p++)
			if (profile_request_matches(all->profiles[p].name, kind, purpose)) {
				*out = &all->profiles[p];
				return NULL;
			}
	}
	return ERR_FIELD(NOT_FOUND, "purpose", "an application of kind %.40s has no request for %.40s", kind, purpose);
}

/* A prefix of an OID ends where an arc ends. */
static bool storage_matches(const char *prefix, const char *storage)
{
	size_t n = strlen(prefix);

	return n == 0 || (strncmp(prefix, storage, n) == 0 && (storage[n] == '\0' || storage[n] == '.'));
}

struct err *profile_validity(int64_t *out_s, const struct profile *profile, const char *storage)
{
	const struct profile_validity *best = NULL;

	for (size_t i = 0; i < profile->num_validities; i++) {
		const struct profile_validity *v = &profile->validities[i];

		if (storage_matches(v->storage, storage) &&
		    (best == NULL || strlen(v->storage) > strlen(best->storage)))
			best = v;
	}
	ENSURE_FIELD(best != NULL, BAD_INPUT, "key_storage", "profile %s does not issue for a key in storage %.64s",
		     profile->name, storage[0] == '\0' ? "(none)" : storage);
	*out_s = best->validity_s;
	return NULL;
}

bool profile_allows_key(const struct profile *profile, const struct suite *row)
{
	for (size_t i = 0; i < profile->num_keys; i++)
		if (profile->keys[i] == row)
			return true;
	return false;
}

/* ---------------------------------------------------------------- end */

static void text_list_clear(struct profile_text *list)
{
	for (size_t i = 0; i < PROFILE_MAX_URLS; i++)
		free(list->texts[i]);
}

static void issuer_clear(struct profile_issuer *issuer)
{
	free(issuer->name);
	free(issuer->common_name);
	free(issuer->root_common_name);
	free(issuer->ca_url);
	free(issuer->root_ca_url);
	text_list_clear(&issuer->ocsp);
	text_list_clear(&issuer->crl);
	text_list_clear(&issuer->delta_crl);
	text_list_clear(&issuer->root_crl);
}

static void profile_clear(struct profile *p)
{
	free(p->name);
	for (size_t i = 0; i < PROFILE_MAX_OIDS; i++)
		free(p->extended_key_usage[i]);
	free(p->policy_oid);
	free(p->cps);
	free(p->notice);
	for (size_t i = 0; i < PROFILE_MAX_VALIDITIES; i++)
		free(p->validities[i].storage);
}

void profiles_destroy(struct profiles **self)
{
	if (self == NULL || *self == NULL)
		return;
	struct profiles *all = *self;

	*self = NULL;
	for (size_t i = 0; i < all->num_issuers; i++)
		issuer_clear(&all->issuers[i]);
	for (size_t i = 0; i < all->num_kinds; i++) {
		free(all->kinds[i].name);
		for (size_t k = 0; k < PROFILE_MAX_REQUESTS; k++)
			free(all->kinds[i].requests[k]);
	}
	for (size_t i = 0; i < all->num_profiles; i++)
		profile_clear(&all->profiles[i]);
	free(all->issuers);
	free(all->kinds);
	free(all->profiles);
	free(all);
}
