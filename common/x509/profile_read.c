/*
 * profile_read.c - profiles.conf into struct profiles, by tables: one row a key, every mistake reported. See profile.h.
 *
 * libconfig reads from memory only: a text that names @include is refused before it is parsed, because these bytes also
 * reach the signer inside the Policy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/person.h"
#include "x509/profile_internal.h"

enum { MISTAKES_MAX = 64 * 1024, DAY_S = 86400, MAX_DAYS = 36500 };

/* ---------------------------------------------------------------- lists of words */

/* list_length() of a list or array of at most `max` elements; -1 after a mistake. */
static int list_length(struct profile_reading *r, const config_setting_t *s, int max)
{
	int type = config_setting_type(s);

	if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST) {
		profile_mistake(r, s, "must be a list [ ... ]");
		return -1;
	}
	if (config_setting_length(s) > max) {
		profile_mistake(r, s, "has more than %d members", max);
		return -1;
	}
	return config_setting_length(s);
}

/* for_words() calls `take` for each text of a list, which reports its own mistakes. */
static void for_words(struct profile_reading *r, const config_setting_t *s, int max,
		      void (*take)(struct profile_reading *, const config_setting_t *, const char *, void *),
		      void *into)
{
	int n = list_length(r, s, max);

	for (int i = 0; i < n; i++) {
		const config_setting_t *item = config_setting_get_elem(s, (unsigned)i);
		const char *text = profile_text_of(r, item);

		if (text != NULL)
			take(r, item, text, into);
	}
}

static bool is_doubled(const config_setting_t *item)
{
	const config_setting_t *list = config_setting_parent(item);
	const char *text = config_setting_get_string(item);

	for (int i = 0; i < config_setting_index(item); i++) {
		const char *other = config_setting_get_string_elem(list, i);

		if (other != NULL && strcmp(other, text) == 0)
			return true;
	}
	return false;
}

static void take_url(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile_text *list = into;

	if (!profile_is_url(text))
		profile_mistake(r, item, "must be http://HOST/... in visible ASCII (RFC 5280 §4.2.1.13, §4.2.2.1)");
	list->texts[list->num++] = profile_duplicate(r, text);
}

static void read_urls(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, PROFILE_MAX_URLS, take_url, into);
}

static void take_request(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile_kind *kind = into;

	if (!profile_is_word(text, 20) || is_doubled(item))
		profile_mistake(r, item, "must be a purpose such as auth or sign, named once");
	kind->requests[kind->num_requests++] = profile_duplicate(r, text);
}

static void read_requests(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, PROFILE_MAX_REQUESTS, take_request, into);
}

static void take_field(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	enum profile_field field;

	if (!profile_field_parse(&field, text) || is_doubled(item))
		profile_mistake(r, item, "%.40s is no field of an application, or is doubled", text);
	else
		*(unsigned *)into |= FIELD_BIT(field);
}

static void read_fields(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, FIELD_COUNT, take_field, into);
}

/* "operator|administrator": any of these roles. A senior is an operator too, a delegate stands for the head. */
static void take_decider(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile_deciders *d = into;
	char copy[80], *rest = copy;
	unsigned roles = 0;

	(void)snprintf(copy, sizeof copy, "%s", text);
	for (char *word = strsep(&rest, "|"); word != NULL; word = strsep(&rest, "|")) {
		enum profile_role role;

		if (!profile_role_parse(&role, word))
			profile_mistake(r, item, "%.40s is no role that decides", word);
		else if (role == ROLE_OPERATOR)
			roles |= ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR);
		else if (role == ROLE_HEAD)
			roles |= ROLE_BIT(ROLE_HEAD) | ROLE_BIT(ROLE_DELEGATE);
		else
			roles |= ROLE_BIT(role);
	}
	d->slots[d->num++] = roles;
}

static void read_deciders(struct profile_reading *r, const config_setting_t *s, void *into)
{
	struct profile_deciders *by_channel = into;

	if (config_setting_type(s) != CONFIG_TYPE_GROUP) {
		profile_mistake(r, s, "must be a group { CHANNEL = [ \"ROLE\" ]; }");
		return;
	}
	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *item = config_setting_get_elem(s, (unsigned)i);
		enum profile_channel channel;

		if (!profile_channel_parse(&channel, config_setting_name(item))) {
			profile_mistake(r, item, "is no channel");
			continue;
		}
		for_words(r, item, PROFILE_MAX_DECIDERS, take_decider, &by_channel[channel]);
		if (by_channel[channel].num == 0)
			profile_mistake(r, item, "names nobody: leave the channel out to close it");
	}
}

/* "G?" is an attribute that is left out when it is empty. */
static void take_rule(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile *p = into;
	struct name_rule *rule = &p->subject[p->num_subject++];
	char copy[32];
	size_t n = strlen(text);

	rule->is_optional = n > 1 && text[n - 1] == '?';
	(void)snprintf(copy, sizeof copy, "%.*s", (int)(rule->is_optional ? n - 1 : n), text);
	if (!name_attribute_parse(&rule->attribute, copy) || rule->attribute == NAME_EMAIL ||
	    rule->attribute == NAME_L || rule->attribute == NAME_ST)
		profile_mistake(r, item, "%.30s is no attribute that a subject is built of", text);
	for (size_t i = 0; i + 1 < p->num_subject; i++)
		if (p->subject[i].attribute == rule->attribute)
			profile_mistake(r, item, "%.30s is doubled", text);
}

static void read_subject(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, PROFILE_MAX_RULES, take_rule, into);
}

static void take_key(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile *p = into;
	const struct suite *row = suite_by_name(text);

	if (row == NULL || !row->for_certificates || is_doubled(item))
		profile_mistake(r, item, "no algorithm for certificates is named %.40s, or it is doubled", text);
	else
		p->keys[p->num_keys++] = row;
}

static void read_keys(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, PROFILE_MAX_KEYS, take_key, into);
}

static void take_key_usage(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	static const char *const words[9] = { "digitalSignature", "nonRepudiation", "keyEncipherment",
					      "dataEncipherment", "keyAgreement",   "keyCertSign",
					      "cRLSign",	  "encipherOnly",   "decipherOnly" };

	for (unsigned bit = 0; bit < 9; bit++)
		if (strcmp(words[bit], text) == 0 && !is_doubled(item)) {
			*(unsigned *)into |= KEY_USAGE_BIT(bit);
			return;
		}
	profile_mistake(r, item, "%.40s is no key usage of RFC 5280 §4.2.1.3, or is doubled", text);
}

static void read_key_usage(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, 9, take_key_usage, into);
}

static void take_eku(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile *p = into;
	OWN(err) e = person_check_oid("oid", SLICE_STR(text));

	if (e != NULL || is_doubled(item))
		profile_mistake(r, item, "must be an object identifier in dotted form, named once");
	p->extended_key_usage[p->num_extended_key_usage++] = profile_duplicate(r, text);
}

static void read_eku(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, PROFILE_MAX_OIDS, take_eku, into);
}

static void take_san(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile *p = into;

	if (strcmp(text, "email") == 0)
		p->allows_email = true;
	else if (strcmp(text, "dns") == 0)
		p->allows_dns = true;
	else if (strcmp(text, "internal") == 0)
		p->allows_internal_names = true;
	else
		profile_mistake(r, item, "must be \"email\", \"dns\" or \"internal\" (names without a dot)");
}

static void read_san(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, 3, take_san, into);
}

static void take_authority_info(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile *p = into;
	bool is_ocsp = strcmp(text, "ocsp") == 0;

	if ((!is_ocsp && strcmp(text, "ca_issuers") != 0) || is_doubled(item))
		profile_mistake(r, item, "must be \"ca_issuers\" or \"ocsp\", named once");
	p->has_ocsp = p->has_ocsp || is_ocsp;
	p->ocsp_first = p->ocsp_first || (is_ocsp && config_setting_index(item) == 0);
}

static void read_authority_info(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, 2, take_authority_info, into);
}

static void take_extension(struct profile_reading *r, const config_setting_t *item, const char *text, void *into)
{
	struct profile *p = into;

	if (!profile_extension_parse(&p->extensions[p->num_extensions], text) || is_doubled(item))
		profile_mistake(r, item, "%.40s is no extension that a profile may have, or is doubled", text);
	else
		p->num_extensions++;
}

static void read_extensions(struct profile_reading *r, const config_setting_t *s, void *into)
{
	for_words(r, s, PROFILE_MAX_EXTENSIONS, take_extension, into);
}

/* ---------------------------------------------------------------- groups */

static void read_policy(struct profile_reading *r, const config_setting_t *s, void *into)
{
	static const struct profile_key_row rows[] = {
		{ "oid", profile_read_oid, offsetof(struct profile, policy_oid), true },
		{ "cps", profile_read_url, offsetof(struct profile, cps), false },
		{ "notice", profile_read_text, offsetof(struct profile, notice), false },
	};

	profile_read_group(r, s, rows, sizeof rows / sizeof rows[0], into);
}

static void read_storage(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = config_setting_type(s) == CONFIG_TYPE_STRING ? config_setting_get_string(s) : NULL;

	if (text != NULL && text[0] == '\0')
		*(char **)into = profile_duplicate(r, ""); /* every storage, and none */
	else
		profile_read_oid(r, s, into);
}

static void read_days(struct profile_reading *r, const config_setting_t *s, void *into)
{
	int days = 0;

	if (profile_int_of(r, s, 1, MAX_DAYS, &days))
		*(int64_t *)into = (int64_t)days * DAY_S;
}

static void read_validities(struct profile_reading *r, const config_setting_t *s, void *into)
{
	static const struct profile_key_row rows[] = {
		{ "storage", read_storage, offsetof(struct profile_validity, storage), true },
		{ "days", read_days, offsetof(struct profile_validity, validity_s), true },
	};
	struct profile *p = into;
	int n = list_length(r, s, PROFILE_MAX_VALIDITIES);

	for (int i = 0; i < n; i++) {
		const config_setting_t *item = config_setting_get_elem(s, (unsigned)i);
		struct profile_validity *v = &p->validities[i];

		p->num_validities++;
		profile_read_group(r, item, rows, sizeof rows / sizeof rows[0], v);
		for (int k = 0; k < i && v->storage != NULL; k++)
			if (p->validities[k].storage != NULL && strcmp(p->validities[k].storage, v->storage) == 0)
				profile_mistake(r, item, "the storage is doubled");
	}
}

static void read_issuer(struct profile_reading *r, const config_setting_t *s, void *into)
{
	static const struct profile_key_row rows[] = {
		{ "name", profile_read_issuer_name, offsetof(struct profile_issuer, name), true },
		{ "algorithm", profile_read_suite, offsetof(struct profile_issuer, suite), true },
		{ "common_name", profile_read_common_name, offsetof(struct profile_issuer, common_name), true },
		{ "root_common_name", profile_read_common_name, offsetof(struct profile_issuer, root_common_name),
		  true },
		{ "ca_url", profile_read_url, offsetof(struct profile_issuer, ca_url), true },
		{ "root_ca_url", profile_read_url, offsetof(struct profile_issuer, root_ca_url), true },
		{ "ocsp", read_urls, offsetof(struct profile_issuer, ocsp), true },
		{ "crl", read_urls, offsetof(struct profile_issuer, crl), true },
		{ "delta_crl", read_urls, offsetof(struct profile_issuer, delta_crl), true },
		{ "root_crl", read_urls, offsetof(struct profile_issuer, root_crl), true },
	};

	profile_read_group(r, s, rows, sizeof rows / sizeof rows[0], into);
}

static void read_kind(struct profile_reading *r, const config_setting_t *s, void *into)
{
	static const struct profile_key_row rows[] = {
		{ "name", profile_read_word, offsetof(struct profile_kind, name), true },
		{ "requests", read_requests, 0, true },
		{ "deciders", read_deciders, offsetof(struct profile_kind, deciders), true },
		{ "required", read_fields, offsetof(struct profile_kind, required), false },
		{ "optional", read_fields, offsetof(struct profile_kind, optional), false },
	};

	profile_read_group(r, s, rows, sizeof rows / sizeof rows[0], into);
}

static void read_profile(struct profile_reading *r, const config_setting_t *s, void *into)
{
	static const struct profile_key_row rows[] = {
		{ "name", profile_read_word, offsetof(struct profile, name), true },
		{ "ca", profile_read_bool, offsetof(struct profile, is_ca), false },
		{ "path_length", profile_read_path_length, offsetof(struct profile, path_length), false },
		{ "subject", read_subject, 0, true },
		{ "keys", read_keys, 0, true },
		{ "key_usage", read_key_usage, offsetof(struct profile, key_usage), true },
		{ "extended_key_usage", read_eku, 0, false },
		{ "policy", read_policy, 0, false },
		{ "subject_alt_name", read_san, 0, false },
		{ "key_id", profile_read_key_id, offsetof(struct profile, key_id), true },
		{ "authority_info", read_authority_info, 0, false },
		{ "extensions", read_extensions, 0, true },
		{ "validity", read_validities, 0, true },
	};

	((struct profile *)into)->path_length = -1;
	profile_read_group(r, s, rows, sizeof rows / sizeof rows[0], into);
}

/* read_items() fills a new array of groups. The array is as long as the list, so that indexes in paths agree. */
static void read_items(struct profile_reading *r, const config_setting_t *s, profile_read_value *read, size_t size,
		       void **out, size_t *out_num)
{
	int n = config_setting_type(s) == CONFIG_TYPE_LIST ? config_setting_length(s) : 0;

	if (n < 1 || n > 200) {
		profile_mistake(r, s, "must be a list ( { ... }, { ... } ) of 1 to 200 groups");
		return;
	}
	char *items = calloc((size_t)n, size);
	if (items == NULL) {
		r->fault = r->fault != NULL ? r->fault : ERR(NO_MEMORY, "profiles.conf");
		return;
	}
	*out = items;
	*out_num = (size_t)n;
	for (int i = 0; i < n; i++)
		read(r, config_setting_get_elem(s, (unsigned)i), items + (size_t)i * size);
}

static void read_issuers(struct profile_reading *r, const config_setting_t *s, void *into)
{
	struct profiles *all = into;
	void *items = NULL;

	read_items(r, s, read_issuer, sizeof *all->issuers, &items, &all->num_issuers);
	all->issuers = items;
}

static void read_kinds(struct profile_reading *r, const config_setting_t *s, void *into)
{
	struct profiles *all = into;
	void *items = NULL;

	read_items(r, s, read_kind, sizeof *all->kinds, &items, &all->num_kinds);
	all->kinds = items;
}

static void read_profiles(struct profile_reading *r, const config_setting_t *s, void *into)
{
	struct profiles *all = into;
	void *items = NULL;

	read_items(r, s, read_profile, sizeof *all->profiles, &items, &all->num_profiles);
	all->profiles = items;
}

/* ---------------------------------------------------------------- the whole */

static void read_all(struct profile_reading *r, const char *text, struct profiles *all)
{
	static const struct profile_key_row rows[] = {
		{ "issuers", read_issuers, 0, true },
		{ "kinds", read_kinds, 0, true },
		{ "profiles", read_profiles, 0, true },
	};
	config_t config;

	if (strstr(text, "@include") != NULL) {
		profile_mistake(r, NULL, "@include is not allowed: the Policy carries this text whole");
		return;
	}
	config_init(&config);
	if (config_read_string(&config, text) != CONFIG_TRUE)
		profile_mistake(r, NULL, "line %d: %s", config_error_line(&config), config_error_text(&config));
	else
		profile_read_group(r, config_root_setting(&config), rows, sizeof rows / sizeof rows[0], all);
	config_destroy(&config);
	if (r->num_mistakes == 0 && r->fault == NULL)
		profile_check_all(r, all);
}

static struct err *read_into(struct profile_reading *r, struct slice text, struct profiles *all)
{
	OWN(buf) copy = BUF_INIT(PROFILES_MAX_BYTES + 1);
	const char *terminated = NULL;

	ENSURE(text.len <= PROFILES_MAX_BYTES, TOO_LARGE, "profiles.conf is longer than %d bytes", PROFILES_MAX_BYTES);
	if (text.len > 0 && memchr(text.p, '\0', text.len) != NULL) {
		profile_mistake(r, NULL, "the text holds a NUL byte");
		return NULL;
	}
	TRY(buf_append(&copy, text));
	TRY(buf_str(&copy, &terminated));
	read_all(r, terminated, all);
	return TAKE(r->fault);
}

struct err *profiles_mistakes(struct buf *out, struct slice text)
{
	struct profile_reading r = { BUF_INIT(MISTAKES_MAX), 0, NULL };
	OWN(profiles) all = calloc(1, sizeof *all);

	ENSURE(all != NULL, NO_MEMORY, "profiles.conf");
	struct err *e = read_into(&r, text, all);
	if (e == NULL)
		e = buf_append(out, buf_slice(&r.mistakes));
	buf_clear(&r.mistakes);
	return e;
}

struct err *profiles_parse(struct profiles **out, struct slice text)
{
	struct profile_reading r = { BUF_INIT(MISTAKES_MAX), 0, NULL };
	OWN(profiles) all = calloc(1, sizeof *all);

	ENSURE(all != NULL, NO_MEMORY, "profiles.conf");
	struct err *e = read_into(&r, text, all);
	if (e == NULL && r.num_mistakes > 0)
		e = ERR(CONFIG, "profiles.conf has %zu mistake%s: %.*s", r.num_mistakes, r.num_mistakes == 1 ? "" : "s",
			(int)(r.mistakes.len > 0 ? r.mistakes.len - 1 : 0), (const char *)r.mistakes.p);
	buf_clear(&r.mistakes);
	if (e == NULL)
		*out = TAKE(all);
	return e;
}
