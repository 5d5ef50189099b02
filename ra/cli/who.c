/*
 * who.c - the person of an application. See who.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/who.h"

#include <string.h>
#include <strings.h>

#include "asn1/der.h"
#include "x509/csr.h"
#include "x509/name.h"

const struct option_row who_options[] = {
	{ "kind", 0, OPTION_TEXT, "KIND", "individual, head, ...", true },
	{ "iin", 0, OPTION_TEXT, "IIN", "12 digits", false },
	{ "surname", 0, OPTION_TEXT, "NAME", "as in the register", false },
	{ "given", 0, OPTION_TEXT, "NAME", "given name", false },
	{ "patronymic", 0, OPTION_TEXT, "NAME", "patronymic", false },
	{ "email", 0, OPTION_TEXT, "ADDRESS", "e-mail for notices and the certificate", false },
	{ "phone", 0, OPTION_TEXT, "NUMBER", "+77011234567: the one-time code goes there", false },
	{ "bin", 0, OPTION_TEXT, "BIN", "organisation's number, 12 digits", false },
	{ "org", 0, OPTION_TEXT, "NAME", "organisation's name", false },
	{ "role", 0, OPTION_TEXT, "ROLE", "treasury role", false },
	{ "client", 0, OPTION_TEXT, "CODE", "treasury client code", false },
	{ "system-oid", 0, OPTION_TEXT, "OID", "digital system's identifier", false },
	{ "dns", 0, OPTION_LIST, "NAME", "domain name", false },
	{ "issuer", 0, OPTION_TEXT, "NAME", "issuing CA (default: the service's)", false },
	{ "language", 0, OPTION_TEXT, "kk|ru|en", "language of notices", false },
	{ 0 },
};

/* An option's place in the JSON: a member of a group, or of the top when group is NULL. */
static const struct {
	const char *option, *group, *member;
} places[] = {
	{ "kind", NULL, "kind" },
	{ "issuer", NULL, "issuer" },
	{ "language", NULL, "language" },
	{ "iin", "person", "iin" },
	{ "surname", "person", "surname" },
	{ "given", "person", "given" },
	{ "patronymic", "person", "patronymic" },
	{ "email", "person", "email" },
	{ "phone", "person", "phone" },
	{ "bin", "organisation", "bin" },
	{ "org", "organisation", "name" },
	{ "role", "treasury", "role" },
	{ "client", "treasury", "client" },
	{ "system-oid", NULL, "system_oid" },
};

static struct err *place_set(json_t *top, const char *group, const char *member, const char *value, const char *option)
{
	json_t *object = top;

	if (value == NULL)
		return NULL;
	if (group != NULL) {
		object = json_object_get(top, group);
		if (object == NULL) {
			object = json_object();
			ENSURE(json_object_set_new(top, group, object) == 0, NO_MEMORY, "out of memory");
		}
	}
	return request_text(object, member, value, option);
}

struct err *who_json(json_t **out, const struct cli *cli)
{
	OWN(json) top = json_object();
	OWN(json) names = json_array();
	size_t at = 0;
	const char *name;

	ENSURE(top != NULL && names != NULL, NO_MEMORY, "out of memory");
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		TRY(place_set(top, places[i].group, places[i].member, options_text(&cli->options, places[i].option),
			      places[i].option));
	while ((name = options_next(&cli->options, "dns", &at)) != NULL)
		ENSURE_FIELD(json_array_append_new(names, json_string(name)) == 0, BAD_INPUT, "dns",
			     "the domain name is not well-formed UTF-8");
	if (json_array_size(names) > 0)
		ENSURE(json_object_set(top, "dns", names) == 0, NO_MEMORY, "out of memory");
	*out = TAKE(top);
	return NULL;
}

struct err *who_subject(struct buf *out, const struct cli *cli)
{
	static const struct name_rule rules[] = {
		{ NAME_CN, true }, { NAME_SURNAME, true }, { NAME_SERIALNUMBER, true },
		{ NAME_C, false }, { NAME_O, true },	   { NAME_OU, true },
		{ NAME_G, true },
	};
	const struct options *o = &cli->options;
	const struct name_fields fields = {
		.surname = options_text(o, "surname"),
		.given = options_text(o, "given"),
		.patronymic = options_text(o, "patronymic"),
		.iin = options_text(o, "iin"),
		.organisation = options_text(o, "org"),
		.bin = options_text(o, "bin"),
	};
	size_t before = out->len;
	struct err *e = name_build(out, rules, sizeof rules / sizeof rules[0], &fields);

	if (err_code(e) != ERR_BAD_INPUT)
		return e;
	/* Whether the texts are right is for the registration authority to say. */
	err_destroy(&e);
	out->len = before;
	return der_tlv(out, DER_SEQUENCE, SLICE_NONE);
}

struct err *who_extensions(struct buf *out, const struct cli *cli, const char *storage_oid)
{
	const char *email = options_text(&cli->options, "email");
	const char *names[CSR_MAX_DNS_NAMES];
	size_t num = 0, at = 0;
	const char *name;

	while ((name = options_next(&cli->options, "dns", &at)) != NULL) {
		ENSURE_FIELD(num < CSR_MAX_DNS_NAMES, TOO_LARGE, "dns", "more than %d domain names", CSR_MAX_DNS_NAMES);
		names[num++] = name;
	}
	return csr_extensions(out, storage_oid, &email, email != NULL ? 1 : 0, names, num);
}

struct err *who_storage(const char **out, const char *name)
{
	*out = NULL;
	if (name == NULL)
		return NULL;
	*out = csr_storage_oid(strcasecmp(name, "file") == 0 ? "PKCS12" : name);
	ENSURE_FIELD(*out != NULL, BAD_INPUT, "storage",
		     "%.40s is no key storage; use file, pkcs12, jks, id_card, kaztoken, etoken_72k, etoken_5110, "
		     "jacarta, akey, "
		     "sim, certex_cloud or an OID",
		     name);
	return NULL;
}
