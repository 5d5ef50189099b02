/*
 * profile_test.c - profiles.conf: what it says of NUC's kinds, and that every mistake is named with its path.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/profile.h"

static struct profiles *all;

static void setup(void)
{
	all = fixture_profiles();
}

static void teardown(void)
{
	profiles_destroy(&all);
}

START_TEST(kinds_and_deciders)
{
	static const struct {
		const char *kind;
		enum profile_channel channel;
		size_t num;
		unsigned first, second;
	} cases[] = {
		{ "individual", CHANNEL_REMOTE, 1, ROLE_BIT(ROLE_IDENTIFICATION), 0 },
		{ "individual", CHANNEL_COUNTER, 1, ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR), 0 },
		{ "individual", CHANNEL_ADMINISTRATION, 0, 0, 0 },
		{ "head", CHANNEL_REMOTE, 2, ROLE_BIT(ROLE_IDENTIFICATION),
		  ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR) },
		{ "head", CHANNEL_COUNTER, 2, ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR),
		  ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR) },
		{ "ocsp", CHANNEL_ADMINISTRATION, 2, ROLE_BIT(ROLE_ADMINISTRATOR), ROLE_BIT(ROLE_ADMINISTRATOR) },
		{ "staff-operator", CHANNEL_ADMINISTRATION, 2, ROLE_BIT(ROLE_ADMINISTRATOR),
		  ROLE_BIT(ROLE_ADMINISTRATOR) },
	};

	for (int i = 0; i < COUNT_OF(cases); i++) {
		const struct profile_kind *kind = NULL;

		ck_ok(profiles_find_kind(&kind, all, cases[i].kind));
		const struct profile_deciders *d = &kind->deciders[cases[i].channel];
		ck_assert_uint_eq(d->num, cases[i].num);
		ck_assert_uint_eq(d->slots[0], cases[i].first);
		ck_assert_uint_eq(d->slots[1], cases[i].second);
	}
}
END_TEST

START_TEST(requests_and_profiles)
{
	static const struct {
		const char *kind, *purpose, *profile;
	} good[] = { { "individual", "auth", "individual-auth" },
		     { "individual", "sign", "individual-sign" },
		     { "head", "auth", "head-auth" },
		     { "head", "sign", "head-sign" },
		     { "ocsp", "service", "ocsp" },
		     { "tls-server", "service", "tls-server" },
		     { "staff-administrator", "service", "staff-administrator" } },
	  bad[] = { { "individual", "service", "purpose" },
		    { "individual", "root", "purpose" },
		    { "nobody", "auth", "kind" },
		    { "issuing", "service", "kind" },
		    { "", "", "kind" } };
	const struct profile *p = NULL;

	for (int i = 0; i < COUNT_OF(good); i++) {
		ck_ok(profiles_find_request(&p, all, good[i].kind, good[i].purpose));
		ck_assert_str_eq(p->name, good[i].profile);
	}
	for (int i = 0; i < COUNT_OF(bad); i++) {
		OWN(err) e = profiles_find_request(&p, all, bad[i].kind, bad[i].purpose);

		ck_assert_int_eq(err_code(e), ERR_NOT_FOUND);
		ck_assert_str_eq(err_field(e), bad[i].profile);
	}
}
END_TEST

START_TEST(validity_by_storage)
{
	const int64_t day = 86400;
	static const struct {
		const char *storage;
		int64_t days; /* 0: refused */
	} cases[] = { { "1.2.398.3.3.5.1.1", 365 },  { "1.2.398.3.3.5.1.2", 365 },
		      { "1.2.398.3.3.5.2.1", 1095 }, { "1.2.398.3.3.5.3.1", 1095 },
		      { "1.2.398.3.3.5.1", 365 },    { "1.2.398.3.3.5.11", 0 },
		      { "1.2.398.3.3.5.4.1", 0 },    { "", 0 } };
	const struct profile *p = NULL;
	int64_t s = 0;

	ck_ok(profiles_find_profile(&p, all, "individual-sign"));
	for (int i = 0; i < COUNT_OF(cases); i++) {
		if (cases[i].days == 0) {
			ck_fails(profile_validity(&s, p, cases[i].storage), ERR_BAD_INPUT, "does not issue");
			continue;
		}
		ck_ok(profile_validity(&s, p, cases[i].storage));
		ck_assert_int_eq(s, cases[i].days * day);
	}
	ck_ok(profiles_find_profile(&p, all, "ocsp"));
	ck_ok(profile_validity(&s, p, ""));
	ck_ok(profile_validity(&s, p, "1.2.398.3.3.5.2.1"));
}
END_TEST

START_TEST(fields_and_keys)
{
	const struct profile_kind *kind = NULL;
	const struct profile *p = NULL;

	ck_ok(profiles_find_kind(&kind, all, "head"));
	ck_assert((kind->required & FIELD_BIT(FIELD_BIN)) != 0);
	ck_assert((kind->required & FIELD_BIT(FIELD_EMAIL)) == 0);
	ck_assert((kind->optional & FIELD_BIT(FIELD_EMAIL)) != 0);
	ck_assert(((kind->required | kind->optional) & FIELD_BIT(FIELD_DNS)) == 0);
	ck_ok(profiles_find_profile(&p, all, "individual-auth"));
	ck_assert(profile_allows_key(p, suite_by_name("rsa2048-sha256")));
	ck_assert(!profile_allows_key(p, suite_by_name("ecdsa-p256-sha256")));
	ck_assert(!profile_allows_key(p, suite_by_name("ed25519")));
	ck_fails(profiles_find_profile(&p, all, "individual"), ERR_NOT_FOUND, "no profile named individual");
}
END_TEST

START_TEST(words_go_both_ways)
{
	enum profile_channel channel;
	enum profile_role role;

	for (int i = 1; i < CHANNEL_COUNT; i++) {
		ck_assert(profile_channel_parse(&channel, profile_channel_word((enum profile_channel)i)));
		ck_assert_int_eq(channel, i);
	}
	for (int i = 1; i < ROLE_COUNT; i++) {
		ck_assert(profile_role_parse(&role, profile_role_word((enum profile_role)i)));
		ck_assert_int_eq(role, i);
	}
	for (int i = 0; i < FIELD_COUNT; i++)
		ck_assert_ptr_nonnull(profile_field_word((enum profile_field)i));
	for (int i = 0; i < EXT_COUNT; i++)
		ck_assert_ptr_nonnull(profile_extension_word((enum profile_extension)i));
	ck_assert(!profile_role_parse(&role, "root"));
	ck_assert(!profile_channel_parse(&channel, ""));
	ck_assert_ptr_null(profile_role_word((enum profile_role)99));
}
END_TEST

/* ---------------------------------------------------------------- mistakes */

/* Each case changes the sample in one place. */
static const struct {
	const char *from, *to, *says;
} mistakes[] = {
	{ "issuers = (", "issuers = [", "line" },
	{ "kinds = (", "kind = (", "kind: line" },
	{ "kinds = (", "kind = (", "kinds is missing" },
	{ "		algorithm = \"rsa4096-sha256\"", "		algorithm = \"md5\"",
	  "issuers[0].algorithm: line" },
	{ "		algorithm = \"rsa4096-sha256\"", "		algorithm = \"ed25519\"",
	  "no algorithm for certificates is named ed25519" },
	{ "name = \"rsa\";", "name = \"RSA 1\";", "issuers[0].name" },
	{ "name = \"rsa\";", "name = \"rsa\"; colour = 1;", "issuers[0].colour: line" },
	{ "name = \"rsa\";", "", "issuers[0]: line" },
	{ "name = \"rsa\";", "name = 3;", "must be a text in quotes" },
	{ "ca_url = \"http://pki", "ca_url = \"https://pki", "issuers[0].ca_url" },
	{ "\"http://ocsp.pki.gov.kz/\"", "\"http://ocsp.pki.gov.kz/ x\"", "issuers[0].ocsp[0]" },
	{ "\"http://ocsp.pki.gov.kz/\"", "\"\"", "issuers[0].ocsp[0]" },
	{ "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ", "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ҰЛТТЫҚ КУӘЛАНДЫРУШЫ",
	  "longer than 64 characters" },
	{ "remote = [ \"identification\" ]", "remote = [ \"identifikation\" ]", "kinds[0].deciders.remote[0]" },
	{ "remote = [ \"identification\" ]", "remot = [ \"identification\" ]", "kinds[0].deciders.remot: line" },
	{ "remote = [ \"identification\" ]", "remote = [ ]", "names nobody" },
	{ "required = [ \"iin\", \"surname\", \"given\" ]", "required = [ \"iin\", \"surname\", \"colour\" ]",
	  "colour is no field" },
	{ "required = [ \"iin\", \"surname\", \"given\" ]", "required = [ \"iin\", \"iin\", \"given\" ]", "doubled" },
	{ "required = [ \"iin\", \"surname\", \"given\" ]", "required = [ \"surname\", \"given\" ]",
	  "kinds: individual: profile individual-auth needs for SERIALNUMBER" },
	{ "optional = [ \"patronymic\", \"email\", \"phone\", \"document\" ]", "optional = [ \"iin\", \"patronymic\" ]",
	  "both required and optional" },
	{ "requests = [ \"auth\", \"sign\" ]", "requests = [ \"auth\", \"seal\" ]",
	  "kinds: individual: request seal: there is no profile" },
	{ "requests = [ \"service\" ]", "requests = [ ]", "requests is empty" },
	{ "name = \"head-sign\"", "name = \"head-auth\"", "profiles: the name head-auth is doubled" },
	{ "\"SERIALNUMBER\", \"C\", \"G?\"", "\"SERIALNUMBER\", \"X\", \"G?\"", "X is no attribute" },
	{ "\"SERIALNUMBER\", \"C\", \"G?\"", "\"SERIALNUMBER\", \"C\", \"CN\"", "CN is doubled" },
	{ "key_usage = [ \"digitalSignature\", \"keyEncipherment\" ]",
	  "key_usage = [ \"digitalSignature\", \"keyCertSign\" ]", "keyCertSign and cRLSign are for CAs" },
	{ "key_usage = [ \"digitalSignature\", \"keyEncipherment\" ]", "key_usage = [ \"signing\" ]",
	  "signing is no key usage" },
	{ "key_usage = [ \"digitalSignature\", \"keyEncipherment\" ]", "key_usage = [ ]", "key_usage is missing" },
	{ "\"1.3.6.1.5.5.7.3.9\" ]", "\"1.3.6.1.5.5.7.3.9\", \"1.3.6.1.5.5.7.3.2\" ]",
	  "profiles: ocsp: OCSPSigning must be the only" },
	{ "\"key_usage\", \"ocsp_nocheck\"", "\"key_usage\"", "ocsp_nocheck is not listed" },
	{ "\"1.3.6.1.5.5.7.3.4\", \"1.2.398.3.3.4.1.1\"", "\"1.3.6.1.5.5.7.3.4\", \"2.5.29.37.0\"",
	  "anyExtendedKeyUsage" },
	{ "\"1.3.6.1.5.5.7.3.4\", \"1.2.398.3.3.4.1.1\"", "\"1.3.6.1.5.5.7.3.9\", \"1.2.398.3.3.4.1.1\"",
	  "extended key usage OCSPSigning is set, but" },
	{ "{ oid = \"1.2.398.3.3.2.4\";", "{ oid = \"1.2.398.03\";", "policy.oid" },
	{ "subject_alt_name = [ \"email\" ];", "subject_alt_name = [ \"ip\" ];", "subject_alt_name[0]" },
	{ "subject_alt_name = [ \"email\" ];", "", "subject_alt_name is missing" },
	{ "key_id = \"spki\"", "key_id = \"sha256\"", "key_id: line" },
	{ "days = 365; },\t\t# in a file", "days = 0; },\t\t# in a file", "validity[0].days" },
	{ "storage = \"1.2.398.3.3.5.3\"", "storage = \"1.2.398.3.3.5.2\"", "the storage is doubled" },
	{ "authority_info = [ \"ca_issuers\", \"ocsp\" ]", "authority_info = [ \"ocsp\", \"ocsp\" ]", "named once" },
	{ "\"delta_crl\", \"authority_info\"", "\"delta_crl\", \"delta_crl\", \"authority_info\"", "doubled" },
	{ "\"policies\", \"crl\",", "\"policies\",", "delta_crl without crl" },
	{ "\"authority_key_id\", \"subject_key_id\", \"policies\"", "\"subject_key_id\", \"policies\"",
	  "exactly one of authority_key_id" },
	{ "\"authority_key_id\", \"subject_key_id\", \"policies\"", "\"authority_key_id\", \"policies\"",
	  "subject_key_id is missing" },
	{ "		ca = true;\n		path_length = 0;", "		path_length = 0;",
	  "path_length is for CAs" },
	{ "		ca = true;\n		path_length = 0;",
	  "		ca = 1;\n		path_length = 0;", "must be true or false" },
	{ "path_length = 0;", "path_length = -3;", "path_length: line" },
	{ "keys = [ \"rsa2048-sha256\", \"rsa3072-sha256\", \"rsa4096-sha256\" ]", "keys = [ ]", "keys is empty" },
	{ "keys = [ \"rsa2048-sha256\", \"rsa3072-sha256\", \"rsa4096-sha256\" ]", "keys = [ \"ecdsa-p256-sha256\" ]",
	  "keyEncipherment does not fit" },
	{ "keys = [ \"rsa2048-sha256\", \"rsa3072-sha256\", \"rsa4096-sha256\" ]", "keys = \"rsa2048-sha256\"",
	  "must be a list" },
	{ "# profiles.conf", "@include \"/etc/passwd\"\n#", "@include is not allowed" },
	{ "name = \"individual\";", "name = \"individual\"; name = \"individual\";", "line" },
};

static void changed(struct buf *out, const char *from, const char *to)
{
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES);

	fixture_file(&text, "config/profiles.conf");
	const uint8_t *at = memmem(text.p, text.len, from, strlen(from));
	ck_assert_msg(at != NULL, "not in the sample: %s", from);
	size_t before = (size_t)(at - text.p);
	ck_ok(buf_append(out, SLICE(text.p, before)));
	ck_ok(buf_append_str(out, to));
	ck_ok(buf_append(out, SLICE(at + strlen(from), text.len - before - strlen(from))));
}

START_TEST(a_mistake_is_named)
{
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES);
	OWN(buf) found = BUF_INIT(1 << 20);
	struct profiles *none = NULL;
	const char *lines = NULL;

	changed(&text, mistakes[_i].from, mistakes[_i].to);
	ck_ok(profiles_mistakes(&found, buf_slice(&text)));
	ck_ok(buf_str(&found, &lines));
	ck_assert_msg(strstr(lines, mistakes[_i].says) != NULL, "\"%s\" not in: %s", mistakes[_i].says, lines);
	OWN(err) e = profiles_parse(&none, buf_slice(&text));
	ck_assert_int_eq(err_code(e), ERR_CONFIG);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(all_mistakes_at_once)
{
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES);
	OWN(buf) found = BUF_INIT(1 << 20);
	const char *lines = NULL;

	changed(&text, "key_id = \"spki\";", "key_id = \"md5\"; shape = \"round\"; policy2 = { };");
	ck_ok(profiles_mistakes(&found, buf_slice(&text)));
	ck_ok(buf_str(&found, &lines));
	ck_assert_ptr_nonnull(strstr(lines, "profiles[0].key_id"));
	ck_assert_ptr_nonnull(strstr(lines, "profiles[0].shape"));
	ck_assert_ptr_nonnull(strstr(lines, "profiles[0].policy2"));
}
END_TEST

START_TEST(rubbish_is_survived)
{
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES + 10);
	struct profiles *none = NULL;
	static const char *const texts[] = { "",
					     "a",
					     "issuers = ();",
					     "issuers = 1; kinds = \"x\"; profiles = {};",
					     "issuers = ( 1, \"x\", {} ); kinds = ( [ 1 ] ); profiles = ( { } );",
					     "((((((((((((((((((((",
					     "a = ( ( ( ( ( ( ( (" };

	for (int i = 0; i < COUNT_OF(texts); i++) {
		OWN(err) e = profiles_parse(&none, SLICE_STR(texts[i]));

		ck_assert_int_eq(err_code(e), ERR_CONFIG);
	}
	ck_fails(profiles_parse(&none, SLICE("a\0b", 3)), ERR_CONFIG, "NUL");
	fixture_file(&text, "config/profiles.conf");
	for (size_t n = 0; n < text.len; n += 977) {
		OWN(err) e = profiles_parse(&none, SLICE(text.p, n));

		ck_assert_int_eq(err_code(e), ERR_CONFIG);
	}
	buf_reset(&text);
	uint8_t *p = NULL;
	ck_ok(buf_extend(&text, &p, PROFILES_MAX_BYTES + 1));
	memset(p, ' ', PROFILES_MAX_BYTES + 1);
	ck_fails(profiles_parse(&none, buf_slice(&text)), ERR_TOO_LARGE, "longer than");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/profile");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, kinds_and_deciders);
	tcase_add_test(t, requests_and_profiles);
	tcase_add_test(t, validity_by_storage);
	tcase_add_test(t, fields_and_keys);
	tcase_add_test(t, words_go_both_ways);
	tcase_add_loop_test(t, a_mistake_is_named, 0, COUNT_OF(mistakes));
	tcase_add_test(t, all_mistakes_at_once);
	tcase_add_test(t, rubbish_is_survived);
	suite_add_tcase(s, t);
	return suite_main(s);
}
