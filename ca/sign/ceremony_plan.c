/*
 * ceremony_plan.c - the plan of a key ceremony. See ceremony_plan.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/ceremony_plan.h"

#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct err *first; /* an append that failed */
	struct buf mistakes;
};

static void mistake(struct reading *r, const config_setting_t *at, const char *key, const char *rule)
{
	if (r->first == NULL)
		r->first = buf_printf(&r->mistakes, "%sline %u: %s %s", r->mistakes.len > 0 ? "\n" : "",
				      at == NULL ? 0 : config_setting_source_line(at), key, rule);
}

static bool is_known(const char *name, const char *const *known, size_t num_known)
{
	for (size_t i = 0; i < num_known; i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

static void refuse_unknown(struct reading *r, const config_setting_t *group, const char *const *known, size_t num_known)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(s);

		if (name != NULL && !is_known(name, known, num_known))
			mistake(r, s, name, "is not a key of the plan");
	}
}

static const char *text(struct reading *r, const config_setting_t *group, const char *key, bool required)
{
	const config_setting_t *s = config_setting_get_member(group, key);
	const char *value = s == NULL ? NULL : config_setting_get_string(s);

	if (s != NULL && (value == NULL || strlen(value) > 1000))
		mistake(r, s, key, "must be a text of at most 1000 octets");
	else if (required && (value == NULL || value[0] == '\0'))
		mistake(r, group, key, "is missing");
	return value == NULL ? "" : value;
}

static size_t texts(struct reading *r, const config_setting_t *group, const char *key, const char **out, size_t max)
{
	const config_setting_t *s = config_setting_get_member(group, key);
	size_t num = 0;

	if (s == NULL)
		return 0;
	if (!config_setting_is_aggregate(s) || (size_t)config_setting_length(s) > max) {
		mistake(r, s, key, "must be a list of texts, and not so long");
		return 0;
	}
	for (int i = 0; i < config_setting_length(s); i++) {
		const char *value = config_setting_get_string_elem(s, i);

		if (value == NULL)
			mistake(r, s, key, "must be a list of texts");
		else
			out[num++] = value;
	}
	return num;
}

/* A name becomes a file name, so it has the letters of one. */
static bool is_file_word(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

static void read_certificate(struct reading *r, struct plan_certificate *out, const config_setting_t *group)
{
	static const char *const known[] = { "name",	"request", "profile",	 "issuer", "common_name",
					     "surname", "given",   "patronymic", "person", "organisation",
					     "bin",	"email",   "dns" };

	if (!config_setting_is_group(group)) {
		mistake(r, group, "certificates", "must be a list of groups");
		return;
	}
	refuse_unknown(r, group, known, sizeof known / sizeof known[0]);
	out->name = text(r, group, "name", true);
	if (out->name[0] != '\0' && !is_file_word(out->name))
		mistake(r, group, "name", "must have 1 to 64 Latin letters, digits, - or _");
	out->request = text(r, group, "request", true);
	out->profile = text(r, group, "profile", true);
	out->issuer = text(r, group, "issuer", true);
	out->common_name = text(r, group, "common_name", false);
	out->surname = text(r, group, "surname", false);
	out->given = text(r, group, "given", false);
	out->patronymic = text(r, group, "patronymic", false);
	out->person = text(r, group, "person", false);
	out->organisation = text(r, group, "organisation", false);
	out->bin = text(r, group, "bin", false);
	out->email = text(r, group, "email", false);
	out->num_dns = texts(r, group, "dns", out->dns, PLAN_MAX_DNS);
}

static void read_certificates(struct reading *r, struct ceremony_plan *plan, const config_setting_t *root)
{
	const config_setting_t *list = config_setting_get_member(root, "certificates");

	if (list == NULL)
		return;
	if (!config_setting_is_list(list) || config_setting_length(list) > PLAN_MAX_CERTIFICATES) {
		mistake(r, list, "certificates", "must be a list of at most 64 groups");
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++) {
		struct plan_certificate *c = &plan->certificates[plan->num_certificates++];

		read_certificate(r, c, config_setting_get_elem(list, (unsigned)i));
		for (size_t j = 0; j + 1 < plan->num_certificates; j++)
			if (c->name != NULL && strcmp(plan->certificates[j].name, c->name) == 0)
				mistake(r, list, c->name, "stands twice in the list of certificates");
	}
}

static void read_issuers(struct reading *r, struct ceremony_plan *plan, const config_setting_t *root)
{
	static const char *const known[] = { "name", "responder_suite" };
	const config_setting_t *list = config_setting_get_member(root, "issuers");
	int num = list == NULL || !config_setting_is_list(list) ? 0 : config_setting_length(list);

	if (num < 1 || num > PLAN_MAX_ISSUERS) {
		mistake(r, list, "issuers",
			"must be a list of 1 to 8 groups, each with the name of an issuer of profiles.conf");
		return;
	}
	for (int i = 0; i < num; i++) {
		const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		struct plan_issuer *issuer = &plan->issuers[plan->num_issuers++];

		issuer->name = issuer->responder_suite = "";
		if (!config_setting_is_group(group)) {
			mistake(r, group, "issuers", "must be a list of groups");
			continue;
		}
		refuse_unknown(r, group, known, sizeof known / sizeof known[0]);
		issuer->name = text(r, group, "name", true);
		issuer->responder_suite = text(r, group, "responder_suite", false);
	}
}

static void read_custodians(struct reading *r, struct ceremony_plan *plan, const config_setting_t *root)
{
	static const char *const known[] = { "threshold", "shares", "passphrase_files" };
	const config_setting_t *group = config_setting_get_member(root, "custodians");
	int threshold = 0;

	if (group == NULL)
		return;
	if (!config_setting_is_group(group)) {
		mistake(r, group, "custodians", "must be a group");
		return;
	}
	refuse_unknown(r, group, known, sizeof known / sizeof known[0]);
	plan->num_shares = texts(r, group, "shares", plan->shares, PLAN_MAX_CUSTODIANS);
	plan->num_share_passphrases = texts(r, group, "passphrase_files", plan->share_passphrases, PLAN_MAX_CUSTODIANS);
	if (config_setting_lookup_int(group, "threshold", &threshold) != CONFIG_TRUE || threshold < 2 ||
	    (size_t)threshold > plan->num_shares)
		mistake(r, group, "threshold", "must be 2 or more, and not more than there are shares");
	if (plan->num_share_passphrases != 0 && plan->num_share_passphrases != plan->num_shares)
		mistake(r, group, "passphrase_files", "must name a file for each share, or be left out");
	plan->threshold = threshold;
}

static void read_plan(struct reading *r, struct ceremony_plan *plan, const config_setting_t *root)
{
	static const char *const known[] = { "out",	      "profiles",     "root_keys",	 "ca_keys",
					     "ocsp_keys",     "journal",      "log_origin",	 "root_list_days",
					     "pkcs11_module", "pkcs11_token", "pkcs11_pin_file", "issuers",
					     "custodians",    "certificates" };
	int days = 30;

	refuse_unknown(r, root, known, sizeof known / sizeof known[0]);
	plan->out = text(r, root, "out", true);
	plan->profiles = text(r, root, "profiles", true);
	plan->root_keys = text(r, root, "root_keys", true);
	plan->ca_keys = text(r, root, "ca_keys", true);
	plan->ocsp_keys = text(r, root, "ocsp_keys", true);
	plan->journal = text(r, root, "journal", true);
	plan->log_origin = text(r, root, "log_origin", true);
	plan->pkcs11_module = text(r, root, "pkcs11_module", false);
	plan->pkcs11_token = text(r, root, "pkcs11_token", plan->pkcs11_module[0] != '\0');
	plan->pkcs11_pin_file = text(r, root, "pkcs11_pin_file", plan->pkcs11_module[0] != '\0');
	const config_setting_t *s = config_setting_get_member(root, "root_list_days");
	if (s != NULL && config_setting_type(s) != CONFIG_TYPE_INT)
		mistake(r, s, "root_list_days", "must be a number of days");
	else if (s != NULL)
		days = config_setting_get_int(s);
	if (days < 1 || days > 366)
		mistake(r, s, "root_list_days", "must be 1 to 366 days");
	plan->root_list_days = days;
	read_custodians(r, plan, root);
	read_issuers(r, plan, root);
	read_certificates(r, plan, root);
}

void ceremony_plan_destroy(struct ceremony_plan **self)
{
	if (*self == NULL)
		return;
	if ((*self)->config != NULL)
		config_destroy((*self)->config);
	free((*self)->config);
	free(*self);
	*self = NULL;
}

struct err *ceremony_plan_read(struct ceremony_plan **out, const char *file)
{
	OWN(ceremony_plan) plan = calloc(1, sizeof *plan);

	ENSURE(plan != NULL, NO_MEMORY, "plan");
	config_t *config = calloc(1, sizeof *config);
	ENSURE(config != NULL, NO_MEMORY, "plan");
	config_init(config);
	plan->config = config;
	if (config_read_file(config, file) != CONFIG_TRUE)
		return ERR(CONFIG, "%s line %d: %s", file, config_error_line(config), config_error_text(config));
	struct reading r = { NULL, BUF_INIT(32 * 1024) };
	read_plan(&r, plan, config_root_setting(config));
	const char *lines = "";
	struct err *e = r.first != NULL ? r.first : buf_str(&r.mistakes, &lines);
	if (e == NULL && r.mistakes.len > 0)
		e = ERR(CONFIG, "%s: %s", file, lines);
	buf_clear(&r.mistakes);
	TRY(e);
	*out = TAKE(plan);
	return NULL;
}
