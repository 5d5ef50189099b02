/*
 * policy.c - making the Policy. See policy.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/policy.h"

#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "ra/cli/client.h"
#include "cli/files.h"
#include "x509/person.h"
#include "x509/profile.h"

enum { FILE_MAX = 64 * 1024, PATH_SIZE = 4096, WHERE_SIZE = 64 };

static void conf_free(config_t *conf)
{
	config_destroy(conf);
}
OWN_TYPE(conf, config_t, conf_free)

/* What is gathered while the staff file is read; texts borrow from the configuration object. */
struct gathered {
	struct policy policy;
	uint8_t (*hashes)[SHA256_LEN]; /* key hashes of staff, then of identification services */
	const char *folder;
};

static void gathered_clear(struct gathered *self)
{
	free(self->policy.staff);
	free(self->policy.identifiers);
	free(self->hashes);
}
OWN_TYPE(gathered, struct gathered, gathered_clear)

/* ---------------------------------------------------------------- one entry */

static struct err *members_check(const config_setting_t *entry, const char *where, const char *const *names)
{
	ENSURE_FIELD(config_setting_is_group(entry), CONFIG, where, "%s: write { name = value; ... }", where);
	for (unsigned i = 0; i < (unsigned)config_setting_length(entry); i++) {
		const char *name = config_setting_name(config_setting_get_elem(entry, i));
		bool known = false;

		for (size_t n = 0; names[n] != NULL; n++)
			known = known || strcmp(name, names[n]) == 0;
		ENSURE_FIELD(known, CONFIG, where, "%s.%.40s: unknown key", where, name);
	}
	return NULL;
}

static struct err *text_get(const char **out, const config_setting_t *entry, const char *where, const char *name,
			    const char *otherwise)
{
	*out = otherwise;
	(void)config_setting_lookup_string(entry, name, out);
	ENSURE_FIELD(*out != NULL, CONFIG, where, "%s.%s: missing, or no text", where, name);
	return NULL;
}

static struct err *instant_get(int64_t *out, const config_setting_t *entry, const char *where, const char *name,
			       int64_t otherwise)
{
	const char *text;
	int64_t ms;

	*out = otherwise;
	if (!config_setting_lookup_string(entry, name, &text))
		return NULL;
	struct err *e = clock_parse_rfc3339(&ms, text);
	if (e != NULL)
		return ERR_RECODE(e, CONFIG, "%s.%s", where, name);
	*out = ms / 1000;
	return NULL;
}

static struct err *count_get(int64_t *out, const config_setting_t *entry, const char *where, const char *name,
			     int64_t otherwise, int64_t least)
{
	const config_setting_t *setting = config_setting_lookup((config_setting_t *)entry, name);

	*out = otherwise;
	if (setting != NULL) {
		int type = config_setting_type(setting);
		ENSURE_FIELD(type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64, CONFIG, where, "%s.%s: no number",
			     where, name);
		*out = config_setting_get_int64(setting);
	}
	ENSURE_FIELD(*out >= least, CONFIG, where, "%s.%s: missing, or less than %lld", where, name, (long long)least);
	return NULL;
}

/* Reads the certificate of an entry: the key's hash and how long it lives. */
static struct err *certificate_get(uint8_t hash[SHA256_LEN], int64_t times[2], const struct gathered *g,
				   const config_setting_t *entry, const char *where)
{
	OWN(buf) text = BUF_INIT(FILE_MAX);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	char path[PATH_SIZE];
	struct cert cert;
	const char *name;

	TRY(text_get(&name, entry, where, "certificate", NULL));
	int n = snprintf(path, sizeof path, "%s%s%s", name[0] == '/' ? "" : g->folder, name[0] == '/' ? "" : "/", name);
	ENSURE_FIELD(n > 0 && (size_t)n < sizeof path, CONFIG, where, "%s.certificate: the path is too long", where);
	TRY(file_read(&text, path, where));
	TRY(cert_from_pem(&der, buf_slice(&text)));
	TRY(cert_parse(&cert, buf_slice(&der)));
	memcpy(hash, cert.key_hash, SHA256_LEN);
	times[0] = cert.not_before_at;
	times[1] = cert.not_after_at;
	return NULL;
}

/* ---------------------------------------------------------------- staff and identification */

static struct err *staff_read(struct gathered *g, size_t i, const config_setting_t *entry)
{
	static const char *const names[] = { "person", "name", "role", "office", "certificate", "from", "to", NULL };
	struct staff *staff = &g->policy.staff[i];
	const char *person, *name, *role, *office;
	char where[WHERE_SIZE];
	int64_t times[2];

	(void)snprintf(where, sizeof where, "staff[%zu]", i);
	TRY(members_check(entry, where, names));
	TRY(text_get(&person, entry, where, "person", NULL));
	TRY(text_get(&name, entry, where, "name", NULL));
	TRY(text_get(&role, entry, where, "role", NULL));
	TRY(text_get(&office, entry, where, "office", ""));
	TRY(certificate_get(g->hashes[i], times, g, entry, where));
	struct err *e = person_check_iin("person", person, PERSON_TEST_IDENTITIES, NULL);
	if (e != NULL)
		return ERR_RECODE(e, CONFIG, "%s.person", where);
	ENSURE_FIELD(profile_role_parse(&staff->role, role) && staff->role <= ROLE_DESK, CONFIG, where,
		     "%s.role: %.40s is none of operator, senior, administrator, auditor, desk", where, role);
	TRY(instant_get(&staff->from_at, entry, where, "from", times[0]));
	TRY(instant_get(&staff->to_at, entry, where, "to", times[1]));
	ENSURE_FIELD(staff->from_at < staff->to_at, CONFIG, where, "%s: from is not before to", where);
	staff->person = SLICE_STR(person);
	staff->name = SLICE_STR(name);
	staff->office = SLICE_STR(office);
	staff->key_hash = SLICE(g->hashes[i], SHA256_LEN);
	return NULL;
}

static struct err *identifier_read(struct gathered *g, size_t i, const config_setting_t *entry)
{
	static const char *const names[] = { "name", "certificate", "per_hour", "per_day", NULL };
	struct identifier *identifier = &g->policy.identifiers[i];
	uint8_t *hash = g->hashes[g->policy.num_staff + i];
	const char *name;
	char where[WHERE_SIZE];
	int64_t times[2];

	(void)snprintf(where, sizeof where, "identification[%zu]", i);
	TRY(members_check(entry, where, names));
	TRY(text_get(&name, entry, where, "name", NULL));
	TRY(certificate_get(hash, times, g, entry, where));
	TRY(count_get(&identifier->per_hour, entry, where, "per_hour", 0, 1));
	TRY(count_get(&identifier->per_day, entry, where, "per_day", 0, 1));
	identifier->name = SLICE_STR(name);
	identifier->key_hash = SLICE(hash, SHA256_LEN);
	return NULL;
}

static struct err *list_get(config_setting_t **out, size_t *out_num, const config_t *conf, const char *name)
{
	*out = config_lookup(conf, name);
	*out_num = *out == NULL ? 0 : (size_t)config_setting_length(*out);
	ENSURE_FIELD(*out == NULL || config_setting_is_list(*out), CONFIG, name, "%s: write ( { ... }, { ... } )",
		     name);
	return NULL;
}

static struct err *lists_read(struct gathered *g, const config_t *conf)
{
	config_setting_t *staff, *identification;
	struct policy *p = &g->policy;

	TRY(list_get(&staff, &p->num_staff, conf, "staff"));
	TRY(list_get(&identification, &p->num_identifiers, conf, "identification"));
	ENSURE_FIELD(p->num_staff <= POLICY_MAX_STAFF && p->num_identifiers <= POLICY_MAX_IDENTIFIERS, CONFIG, "staff",
		     "more than %d staff or %d identification services", POLICY_MAX_STAFF, POLICY_MAX_IDENTIFIERS);
	p->staff = calloc(p->num_staff + 1, sizeof *p->staff);
	p->identifiers = calloc(p->num_identifiers + 1, sizeof *p->identifiers);
	g->hashes = calloc(p->num_staff + p->num_identifiers + 1, SHA256_LEN);
	ENSURE(p->staff != NULL && p->identifiers != NULL && g->hashes != NULL, NO_MEMORY, "out of memory");
	for (size_t i = 0; i < p->num_staff; i++)
		TRY(staff_read(g, i, config_setting_get_elem(staff, (unsigned)i)));
	for (size_t i = 0; i < p->num_identifiers; i++)
		TRY(identifier_read(g, i, config_setting_get_elem(identification, (unsigned)i)));
	return NULL;
}

/* Two administrators are needed for the next Policy; with fewer nothing could ever be changed. */
static struct err *administrators_check(const struct policy *p)
{
	struct slice first = SLICE_NONE;

	for (size_t i = 0; i < p->num_staff; i++) {
		if (p->staff[i].role != ROLE_ADMINISTRATOR)
			continue;
		if (first.len > 0 && !slice_equal(first, p->staff[i].person))
			return NULL;
		first = p->staff[i].person;
	}
	return ERR_FIELD(CONFIG, "staff", "staff: two administrators are needed, who are different persons");
}

static struct err *profiles_check(struct slice text)
{
	OWN(profiles) profiles = NULL;

	TRY(profiles_parse(&profiles, text));
	for (size_t i = 0; i < profiles->num_kinds; i++) {
		for (int channel = CHANNEL_REMOTE; channel < CHANNEL_COUNT; channel++) {
			if (profiles->kinds[i].deciders[channel].num > 0)
				TRY(authority_required_floor(&profiles->kinds[i], (enum profile_channel)channel));
		}
	}
	return NULL;
}

struct err *policy_build(struct buf *out, struct slice profiles, struct slice staff_text, const char *folder)
{
	static const char *const names[] = { "version", "clock_window_back_s", "clock_window_ahead_s",
					     "staff",	"identification",      NULL };
	OWN(gathered) g = { .folder = folder, .policy.profiles = profiles };
	OWN(buf) text = BUF_INIT(POLICY_MAX_BYTES);
	const char *staff_file;

	TRY(profiles_check(profiles));
	TRY(buf_append(&text, staff_text));
	TRY(buf_str(&text, &staff_file));
	OWN(conf) conf;
	config_init(&conf);
	if (config_read_string(&conf, staff_file) != CONFIG_TRUE)
		return ERR_FIELD(CONFIG, "staff", "staff file line %d: %s", config_error_line(&conf),
				 config_error_text(&conf));
	const config_setting_t *root = config_root_setting(&conf);
	TRY(members_check(root, "staff file", names));
	TRY(count_get(&g.policy.version, root, "staff file", "version", 1, 1));
	TRY(count_get(&g.policy.clock_back_s, root, "staff file", "clock_window_back_s", 3600, 0));
	TRY(count_get(&g.policy.clock_ahead_s, root, "staff file", "clock_window_ahead_s", 300, 0));
	TRY(lists_read(&g, &conf));
	TRY(administrators_check(&g.policy));
	return policy_encode(out, &g.policy);
}

/* ---------------------------------------------------------------- joining and showing */

struct err *policy_join(struct buf *out, struct slice policy, const struct slice *decisions, size_t num_decisions,
			int64_t now)
{
	struct signed_policy joined = { .policy = policy, .num_decisions = num_decisions };
	uint8_t pins[SIGNED_POLICY_MAX_DECISIONS][SHA256_LEN];
	OWN(policy) accepted = { 0 };
	size_t before = out->len;

	ENSURE_FIELD(num_decisions <= SIGNED_POLICY_MAX_DECISIONS, TOO_LARGE, "decision", "more than %d decisions",
		     SIGNED_POLICY_MAX_DECISIONS);
	for (size_t i = 0; i < num_decisions; i++) {
		struct authority_signature signature;

		TRY(signed_decision_decode(&joined.decisions[i], decisions[i]));
		TRY(authority_cms_verify(&signature, joined.decisions[i].signature, joined.decisions[i].decision));
		memcpy(pins[i], signature.cert.key_hash, SHA256_LEN);
	}
	TRY(signed_policy_encode(out, &joined));
	const struct policy_signers signers = { .pins = (const uint8_t(*)[SHA256_LEN])pins, .num_pins = num_decisions };
	struct err *e = policy_accept(&accepted, SLICE(out->p + before, out->len - before), &signers, now);
	if (e != NULL)
		out->len = before;
	return e;
}

static json_t *json_slice(struct slice text)
{
	return json_stringn((const char *)text.p, text.len);
}

static json_t *json_instant(int64_t at)
{
	char text[CLOCK_RFC3339_SIZE];

	return json_string(clock_rfc3339(text, at));
}

static json_t *json_hash(struct slice hash)
{
	char hex[2 * SHA256_LEN + 1];

	return json_string(text_hex_fixed(hex, SLICE(hash.p, hash.len <= SHA256_LEN ? hash.len : SHA256_LEN)));
}

struct err *policy_describe(json_t **out, struct slice der)
{
	OWN(policy) p = { 0 };
	uint8_t digest[SHA256_LEN], profiles_digest[SHA256_LEN];

	TRY(policy_decode(&p, der));
	OWN(json) staff = json_array();
	OWN(json) identification = json_array();
	ENSURE(staff != NULL && identification != NULL, NO_MEMORY, "out of memory");
	for (size_t i = 0; i < p.num_staff; i++) {
		const struct staff *s = &p.staff[i];
		json_t *row = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "person", json_slice(s->person), "name",
					json_slice(s->name), "role", profile_role_word(s->role), "office",
					json_slice(s->office), "from", json_instant(s->from_at), "to",
					json_instant(s->to_at), "key", json_hash(s->key_hash));
		ENSURE(json_array_append_new(staff, row) == 0, NO_MEMORY, "out of memory");
	}
	for (size_t i = 0; i < p.num_identifiers; i++) {
		const struct identifier *s = &p.identifiers[i];
		json_t *row = json_pack("{s:o, s:I, s:I, s:o}", "name", json_slice(s->name), "per_hour",
					(json_int_t)s->per_hour, "per_day", (json_int_t)s->per_day, "key",
					json_hash(s->key_hash));
		ENSURE(json_array_append_new(identification, row) == 0, NO_MEMORY, "out of memory");
	}
	der_sha256(digest, der);
	der_sha256(profiles_digest, p.profiles);
	*out = json_pack("{s:I, s:o, s:o, s:I, s:I, s:O, s:O}", "version", (json_int_t)p.version, "digest",
			 json_hash(SLICE(digest, sizeof digest)), "profiles_digest",
			 json_hash(SLICE(profiles_digest, sizeof profiles_digest)), "clock_window_back_s",
			 (json_int_t)p.clock_back_s, "clock_window_ahead_s", (json_int_t)p.clock_ahead_s, "staff",
			 staff, "identification", identification);
	ENSURE(*out != NULL, NO_MEMORY, "out of memory");
	return NULL;
}
