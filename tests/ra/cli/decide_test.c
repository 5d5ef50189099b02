/*
 * decide_test.c - the operator's own check before signing: each field of the application and of the Authorisation that may
 * differ does, and is named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/decide.h"

#include <string.h>

#include "ra/cli/client.h"
#include "support/suite.h"
#include "x509/name.h"

enum { NOW = 1790000000 };

static uint8_t spki_bytes[512];
static size_t spki_len;

/* What the Authorisation says; each test changes one member. */
struct said {
	const char *number, *kind, *purpose, *issuer, *profile, *channel, *entered_by, *email;
	struct name_fields fields;
	int64_t expires_at;
};

static const struct said right = {
	.number = "AAAA-BBBB",
	.kind = "head",
	.purpose = "sign",
	.issuer = "rsa",
	.profile = "head-sign",
	.channel = "counter",
	.entered_by = "800416300257",
	.email = "head@example.kz",
	.fields = { .surname = "Әбділда",
		    .given = "Үміт",
		    .patronymic = "Өмірқызы",
		    .iin = "900101300017",
		    .organisation = "АО \"ТЕСТ\"",
		    .bin = "940140000385" },
	.expires_at = NOW + 3600,
};

static void key_make(void)
{
	OWN(key_store) store = NULL;
	OWN(buf) spki = BUF_INIT(sizeof spki_bytes);

	ck_ok(key_store_generate(&store, "p256"));
	ck_ok(key_store_public(&spki, store));
	memcpy(spki_bytes, spki.p, spki.len);
	spki_len = spki.len;
}

static void authorisation_make(struct buf *out, const struct said *said)
{
	static const struct name_rule rules[] = {
		{ NAME_CN, false }, { NAME_SURNAME, false }, { NAME_SERIALNUMBER, false },
		{ NAME_C, false },  { NAME_O, true },	     { NAME_OU, true },
		{ NAME_G, true }
	};
	OWN(buf) subject = BUF_INIT(2048);
	OWN(buf) storage = BUF_INIT(64);
	uint8_t zeros[32] = { 0 };
	struct authorisation a = {
		.application_number = SLICE_STR(said->number),
		.kind = SLICE_STR(said->kind),
		.purpose = SLICE_STR(said->purpose),
		.issuer = SLICE_STR(said->issuer),
		.profile = SLICE_STR(said->profile),
		.public_key = SLICE(spki_bytes, spki_len),
		.emails = { SLICE_STR(said->email) },
		.num_emails = 1,
		.max_validity_s = 365 * 86400,
		.entered_by = SLICE_STR(said->entered_by),
		.agreement_digest = SLICE(zeros, 32),
		.expires_at = said->expires_at,
		.nonce = SLICE(zeros, 16),
	};

	ck_ok(name_build(&subject, rules, COUNT_OF(rules), &said->fields));
	ck_ok(oid_parse(&storage, "1.2.398.3.3.5.1.1"));
	a.subject = buf_slice(&subject);
	a.key_storage = buf_slice(&storage);
	ck_assert(profile_channel_parse(&a.channel, said->channel));
	ck_ok(authorisation_encode(out, &a));
}

static json_t *application_make(void)
{
	const struct name_fields *f = &right.fields;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "number", right.number, "kind",
			 right.kind, "channel", right.channel, "issuer", right.issuer, "entered_by", right.entered_by,
			 "email", right.email, "iin", f->iin, "bin", f->bin, "surname", f->surname, "given_name",
			 f->given, "patronymic", f->patronymic, "organisation", f->organisation);
}

static struct err *review(const struct said *said)
{
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	OWN(json) application = application_make();
	OWN(json) request = json_pack("{s:s, s:s}", "purpose", right.purpose, "profile", right.profile);
	struct authorisation read;

	key_make();
	authorisation_make(&der, said);
	return review_authorisation(&read, buf_slice(&der), application, request, NOW);
}

START_TEST(what_fits_is_right)
{
	ck_ok(review(&right));
}
END_TEST

#define DIFFERS(member, value, field_, text_)                                                                          \
	{                                                                                                              \
		offsetof(struct said, member), value, field_, text_                                                    \
	}
static const struct {
	size_t offset;
	const char *value, *field, *text;
} cases[] = {
	DIFFERS(number, "AAAA-CCCC", "number", "\"AAAA-CCCC\", the application says \"AAAA-BBBB\""),
	DIFFERS(kind, "individual", "kind", "the application says \"head\""),
	DIFFERS(purpose, "auth", "purpose", "nothing was signed"),
	DIFFERS(issuer, "gost", "issuer", "nothing was signed"),
	DIFFERS(profile, "head-auth", "profile", "nothing was signed"),
	DIFFERS(channel, "remote", "channel", "nothing was signed"),
	DIFFERS(entered_by, "", "entered_by", "nothing was signed"),
	DIFFERS(email, "other@example.kz", "email", "nothing was signed"),
	DIFFERS(fields.iin, "800416300257", "iin", "\"800416300257\", the application says \"900101300017\""),
	DIFFERS(fields.bin, "990140004654", "bin", "nothing was signed"),
	DIFFERS(fields.surname, "Әбділдә", "surname", "CN=\"ӘБДІЛДӘ ҮМІТ\", the application says \"ӘБДІЛДА ҮМІТ\""),
	DIFFERS(fields.given, "Умит", "surname", "nothing was signed"),
	DIFFERS(fields.patronymic, "Омиркызы", "patronymic", "nothing was signed"),
	DIFFERS(fields.organisation, "АО \"ТЕСТ 2\"", "organisation", "nothing was signed"),
};

START_TEST(what_differs_is_named)
{
	struct said said = right;

	memcpy((char *)&said + cases[_i].offset, &cases[_i].value, sizeof cases[_i].value);
	struct err *e = review(&said);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(err_field(e), cases[_i].field);
	ck_fails(e, ERR_CONFLICT, cases[_i].text);
}
END_TEST

START_TEST(an_expired_authorisation_is_not_signed)
{
	struct said said = right;

	said.expires_at = NOW;
	ck_fails(review(&said), ERR_CONFLICT, "has expired; the applicant must submit anew");
}
END_TEST

START_TEST(garbage_is_no_authorisation)
{
	OWN(json) application = application_make();
	struct authorisation read;

	ck_fails(review_authorisation(&read, SLICE_STR("0"), application, application, NOW), ERR_BAD_INPUT, "");
}
END_TEST

START_TEST(words_say_everything_that_is_signed)
{
	static const char *const parts[] = { "certificate head-sign by issuer rsa\n",
					     "CN=ӘБДІЛДА ҮМІТ",
					     "OU=BIN940140000385",
					     "ecdsa-p256-sha256",
					     "key storage PKCS12\n",
					     "e-mail      head@example.kz\n",
					     "validity    365 days at most\n" };
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	OWN(buf) words = BUF_INIT(8192);
	struct authorisation read;
	const char *text;

	key_make();
	authorisation_make(&der, &right);
	ck_ok(authorisation_decode(&read, buf_slice(&der)));
	ck_ok(review_words(&words, &read));
	ck_ok(buf_str(&words, &text));
	for (int i = 0; i < COUNT_OF(parts); i++)
		ck_assert_msg(strstr(text, parts[i]) != NULL, "%s not in:\n%s", parts[i], text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/decide");
	TCase *t = tcase_create("decide");

	tcase_add_test(t, what_fits_is_right);
	tcase_add_loop_test(t, what_differs_is_named, 0, COUNT_OF(cases));
	tcase_add_test(t, an_expired_authorisation_is_not_signed);
	tcase_add_test(t, garbage_is_no_authorisation);
	tcase_add_test(t, words_say_everything_that_is_signed);
	suite_add_tcase(s, t);
	return suite_main(s);
}
