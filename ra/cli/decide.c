/*
 * decide.c - signed decisions. See decide.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/decide.h"

#include <openssl/rand.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "ra/cli/client.h"
#include "x509/csr.h"
#include "x509/name.h"
#include "x509/suite.h"

enum { WORDS_MAX = 4096 };

struct err *decide_nonce(uint8_t out[AUTHORITY_NONCE_LEN])
{
	if (RAND_bytes(out, AUTHORITY_NONCE_LEN) != 1)
		return ERR_OPENSSL(SYSTEM, "no random octets");
	return NULL;
}

struct err *decide_sign(struct buf *out_decision, struct buf *out_cms, const struct key_store *store,
			const struct decide_terms *terms, const uint8_t (*digests)[SHA256_LEN], size_t num_digests)
{
	uint8_t nonce[AUTHORITY_NONCE_LEN];
	int64_t now = clock_now_s();
	struct decision decision = {
		.kind = terms->kind,
		.verdict = terms->verdict,
		.evidence = terms->evidence,
		.reason = SLICE_STR(terms->reason),
		.decided_at = now,
		.expires_at = now + terms->valid_s,
	};

	TRY(decide_nonce(nonce));
	decision.nonce = SLICE(nonce, sizeof nonce);
	TRY(decision_encode(out_decision, &decision, digests, num_digests));
	return key_store_sign(out_cms, store, buf_slice(out_decision));
}

/* ---------------------------------------------------------------- review */

static struct err *same_text(const char *field, struct slice signed_text, const char *shown)
{
	ENSURE_FIELD(slice_equal(signed_text, SLICE_STR(shown)), CONFLICT, field,
		     "what would be signed says %s \"%.*s\", the application says \"%.100s\"; nothing was signed",
		     field, (int)(signed_text.len < 100 ? signed_text.len : 100), (const char *)signed_text.p, shown);
	return NULL;
}

/* The attribute of the subject, when it is there, is the application's text in upper case. */
static struct err *same_attribute(const char *field, const struct authorisation *a, enum name_attribute attribute,
				  struct slice shown, bool is_upper)
{
	OWN(buf) upper = BUF_INIT(WORDS_MAX);
	struct slice value;

	if (!name_get(&value, a->subject, attribute))
		return NULL;
	if (is_upper)
		TRY(name_upper(&upper, shown));
	else
		TRY(buf_append(&upper, shown));
	ENSURE_FIELD(
		slice_equal(value, buf_slice(&upper)), CONFLICT, field,
		"the subject that would be signed has %s=\"%.*s\", the application says \"%.*s\"; nothing was signed",
		name_attribute_word(attribute), (int)(value.len < 100 ? value.len : 100), (const char *)value.p,
		(int)(upper.len < 100 ? upper.len : 100), (const char *)upper.p);
	return NULL;
}

static struct err *review_subject(const struct authorisation *a, const json_t *application)
{
	const char *surname = answer_text_or(application, "surname", "");
	const char *given = answer_text_or(application, "given_name", "");
	const char *patronymic = answer_text_or(application, "patronymic", "");
	const char *organisation = answer_text_or(application, "organisation", "");
	OWN(buf) common = BUF_INIT(WORDS_MAX);
	char iin[13], bin[13];

	name_person(iin, bin, a->subject);
	TRY(same_text("iin", SLICE_STR(iin), answer_text_or(application, "iin", "")));
	TRY(same_text("bin", SLICE_STR(bin), answer_text_or(application, "bin", "")));
	if (surname[0] != '\0') {
		TRY(buf_printf(&common, "%s %s", surname, given));
		TRY(same_attribute("surname", a, NAME_CN, buf_slice(&common), true));
	}
	TRY(same_attribute("surname", a, NAME_SURNAME, SLICE_STR(surname), true));
	TRY(same_attribute("patronymic", a, NAME_G, SLICE_STR(patronymic), true));
	return same_attribute("organisation", a, NAME_O, SLICE_STR(organisation), false);
}

static struct err *same_emails(const struct authorisation *a, const char *shown)
{
	for (size_t i = 0; i < a->num_emails; i++) {
		bool same = a->emails[i].len == strlen(shown) &&
			    strncasecmp((const char *)a->emails[i].p, shown, a->emails[i].len) == 0;
		if (!same)
			TRY(same_text("email", a->emails[i], shown));
	}
	return NULL;
}

struct err *review_authorisation(struct authorisation *out, struct slice der, const json_t *application,
				 const json_t *request, int64_t now)
{
	const char *channel;

	TRY(authorisation_decode(out, der));
	channel = profile_channel_word(out->channel);
	TRY(same_text("number", out->application_number, answer_text_or(application, "number", "")));
	TRY(same_text("kind", out->kind, answer_text_or(application, "kind", "")));
	TRY(same_text("issuer", out->issuer, answer_text_or(application, "issuer", "")));
	TRY(same_text("channel", SLICE_STR(channel != NULL ? channel : ""),
		      answer_text_or(application, "channel", "")));
	TRY(same_text("entered_by", out->entered_by, answer_text_or(application, "entered_by", "")));
	TRY(same_text("purpose", out->purpose, answer_text_or(request, "purpose", "")));
	TRY(same_text("profile", out->profile, answer_text_or(request, "profile", "")));
	TRY(same_emails(out, answer_text_or(application, "email", "")));
	ENSURE_FIELD(out->expires_at > now, CONFLICT, "expires_at",
		     "the application's authorisation has expired; the applicant must submit anew");
	return review_subject(out, application);
}

/* ---------------------------------------------------------------- words */

static struct err *list_words(struct buf *out, const char *name, const struct slice *items, size_t num)
{
	for (size_t i = 0; i < num; i++)
		TRY(buf_printf(out, "%-12s%.*s\n", name, (int)items[i].len, (const char *)items[i].p));
	return NULL;
}

static struct err *storage_words(struct buf *out, const struct authorisation *a)
{
	char dotted[OID_TEXT_SIZE];

	if (a->key_storage.len == 0)
		return NULL;
	TRY(oid_text(dotted, a->key_storage));
	const char *name = csr_storage_name(dotted);
	return buf_printf(out, "%-12s%s\n", "key storage", name != NULL ? name : dotted);
}

static struct err *key_words(struct buf *out, const struct authorisation *a)
{
	const struct suite *suite;
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	TRY(suite_of_spki(&suite, a->public_key));
	TRY(suite_key_hash(hash, a->public_key));
	return buf_printf(out, "%-12s%s, SHA-256 %s\n", "public key", suite->name,
			  text_hex_fixed(hex, SLICE(hash, sizeof hash)));
}

struct err *review_words(struct buf *out, const struct authorisation *a)
{
	char at[CLOCK_RFC3339_SIZE];

	TRY(buf_printf(out, "%-12s%.*s by issuer %.*s\n", "certificate", (int)a->profile.len,
		       (const char *)a->profile.p, (int)a->issuer.len, (const char *)a->issuer.p));
	TRY(buf_printf(out, "%-12s", "subject"));
	TRY(name_print(out, a->subject));
	TRY(buf_append_str(out, "\n"));
	TRY(key_words(out, a));
	TRY(storage_words(out, a));
	TRY(list_words(out, "e-mail", a->emails, a->num_emails));
	TRY(list_words(out, "domain", a->dns_names, a->num_dns_names));
	TRY(buf_printf(out, "%-12s%lld days at most\n", "validity", (long long)(a->max_validity_s / 86400)));
	return buf_printf(out, "%-12s%s\n", "decide by", clock_rfc3339(at, a->expires_at));
}
