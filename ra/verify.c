/*
 * verify.c - a submission against the rules, and its Authorisations. See verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/verify.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "asn1/oid.h"
#include "ra/json.h"
#include "x509/name.h"

/* ---- fields of the kind */

/* A field's place in the JSON and its value. */
struct field {
	const char *path, *value;
};

static void list_fields(struct field out[FIELD_COUNT], const struct ra_intake *in)
{
	memset(out, 0, FIELD_COUNT * sizeof *out);
	out[FIELD_IIN] = (struct field){ "person.iin", in->iin };
	out[FIELD_SURNAME] = (struct field){ "person.surname", in->surname };
	out[FIELD_GIVEN] = (struct field){ "person.given", in->given };
	out[FIELD_PATRONYMIC] = (struct field){ "person.patronymic", in->patronymic };
	out[FIELD_EMAIL] = (struct field){ "person.email", in->email };
	out[FIELD_PHONE] = (struct field){ "person.phone", in->phone };
	out[FIELD_BIN] = (struct field){ "organisation.bin", in->bin };
	out[FIELD_ORGANISATION] = (struct field){ "organisation.name", in->organisation };
	out[FIELD_TREASURY_ROLE] = (struct field){ "treasury.role", in->treasury_role };
	out[FIELD_TREASURY_CLIENT] = (struct field){ "treasury.client", in->treasury_client };
	out[FIELD_SYSTEM_OID] = (struct field){ "system_oid", in->system_oid };
	out[FIELD_DNS] = (struct field){ "dns", in->dns_names.p == NULL ? "" : (const char *)in->dns_names.p };
}

static struct err *check_field(enum profile_field id, const struct field *f, unsigned leniency)
{
	struct slice text = SLICE_STR(f->value);

	switch (id) {
	case FIELD_IIN:
		return person_check_iin(f->path, f->value, leniency, NULL);
	case FIELD_BIN:
		return person_check_bin(f->path, f->value, leniency, NULL);
	case FIELD_SURNAME:
	case FIELD_GIVEN:
	case FIELD_PATRONYMIC:
		return person_check_name(f->path, text);
	case FIELD_EMAIL:
		return person_check_email(f->path, text);
	case FIELD_PHONE:
		return person_check_phone(f->path, text);
	case FIELD_ORGANISATION:
		return person_check_organisation(f->path, text);
	case FIELD_TREASURY_ROLE:
	case FIELD_TREASURY_CLIENT:
		return person_check_code(f->path, text, 16);
	case FIELD_SYSTEM_OID:
		return person_check_oid(f->path, text);
	case FIELD_DNS: /* each name was checked as it was read */
	case FIELD_DOCUMENT: /* comes after the number */
	case FIELD_COUNT:
		break;
	}
	return NULL;
}

static struct err *check_fields(const struct ra_intake *in, unsigned leniency)
{
	const struct profile_kind *kind = in->profile_kind;
	struct field fields[FIELD_COUNT];

	list_fields(fields, in);
	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		if (fields[i].path == NULL)
			continue;
		bool is_there = fields[i].value[0] != '\0';
		ENSURE_FIELD(is_there || (kind->required & FIELD_BIT(i)) == 0, BAD_INPUT, fields[i].path,
			     "missing; an application of kind %s needs it", kind->name);
		ENSURE_FIELD(!is_there || ((kind->required | kind->optional) & FIELD_BIT(i)) != 0, BAD_INPUT,
			     fields[i].path, "an application of kind %s has no such field", kind->name);
		if (is_there)
			TRY(check_field((enum profile_field)i, &fields[i], leniency));
	}
	ENSURE_FIELD(in->profile_channel != CHANNEL_REMOTE || in->phone[0] != '\0', BAD_INPUT, "person.phone",
		     "missing; the one-time code of the remote channel goes there");
	return NULL;
}

/* ---- kind, channel, issuer, agreement */

/* A word of ours: offices are named in the staff list. */
static struct err *check_office(const char *office)
{
	for (const char *p = office; *p != '\0'; p++)
		ENSURE_FIELD((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-', BAD_INPUT, "office",
			     "an office is named by small letters, digits and hyphens");
	return NULL;
}

static struct err *check_frame(struct ra_intake *self, const struct ra_intake_rules *against)
{
	const struct profiles *all = against->rules->profiles;
	OWN(err) unknown = profiles_find_kind(&self->profile_kind, all, self->kind);

	ENSURE_FIELD(unknown == NULL, BAD_INPUT, "kind", "no such kind of application is known");
	if (self->channel[0] == '\0')
		self->channel = profile_channel_word(against->channel);
	ENSURE_FIELD(profile_channel_parse(&self->profile_channel, self->channel) &&
			     self->profile_channel == against->channel,
		     BAD_INPUT, "channel", "here only \"%s\" is taken", profile_channel_word(against->channel));
	ENSURE_FIELD(self->profile_kind->deciders[self->profile_channel].num > 0, BAD_INPUT, "kind",
		     "applications of kind %s are not taken by channel %s", self->profile_kind->name, self->channel);
	if (self->issuer[0] == '\0')
		self->issuer = against->default_issuer;
	ENSURE_FIELD(ra_rules_issuer(against->rules, self->issuer) != NULL, BAD_INPUT, "issuer",
		     "no such issuer is known");
	ENSURE_FIELD(memcmp(self->agreement, against->agreement->digest, 32) == 0, BAD_INPUT, "agreement",
		     "this is not the digest of the agreement in force (GET /api/v1/agreement)");
	ENSURE_FIELD(strcmp(self->language, "kk") == 0 || strcmp(self->language, "ru") == 0 ||
			     strcmp(self->language, "en") == 0,
		     BAD_INPUT, "language", "kk, ru or en is expected");
	return check_office(self->office);
}

/* ---- requests */

static struct err *order_requests(struct ra_intake *self)
{
	const struct profile_kind *kind = self->profile_kind;
	char path[RA_JSON_PATH_SIZE];

	for (size_t i = 0; i < self->num_requests; i++) {
		size_t place = 0;

		while (place < kind->num_requests && strcmp(kind->requests[place], self->requests[i].purpose) != 0)
			place++;
		(void)snprintf(path, sizeof path, "requests[%zu].purpose", i);
		ENSURE_FIELD(place < kind->num_requests, BAD_INPUT, path,
			     "an application of kind %s has no such request", kind->name);
		for (size_t k = 0; k < i; k++)
			ENSURE_FIELD(strcmp(self->requests[k].purpose, self->requests[i].purpose) != 0, BAD_INPUT, path,
				     "the same purpose stands here twice");
	}
	for (size_t place = 0; place < kind->num_requests; place++) {
		size_t i = place;

		while (i < self->num_requests && strcmp(kind->requests[place], self->requests[i].purpose) != 0)
			i++;
		ENSURE_FIELD(i < self->num_requests, BAD_INPUT, "requests", "the request for \"%s\" is missing",
			     kind->requests[place]);
		struct ra_intake_request found = self->requests[i];
		self->requests[i] = self->requests[place];
		self->requests[place] = found;
	}
	return NULL;
}

/* Ordering has moved the requests: the place is the one in the JSON. */
static const char *request_path(char out[RA_JSON_PATH_SIZE], const struct ra_intake_request *r)
{
	(void)snprintf(out, RA_JSON_PATH_SIZE, "requests[%zu].csr", r->index);
	return out;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p += len)
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	return false;
}

static struct err *check_names(const struct ra_intake *self, const struct ra_intake_request *r)
{
	char path[RA_JSON_PATH_SIZE];
	const char *dns = (const char *)self->dns_names.p;

	(void)request_path(path, r);
	for (size_t i = 0; i < r->csr->num_emails; i++)
		ENSURE_FIELD(strcasecmp(r->csr->emails[i], self->email) == 0, BAD_INPUT, path,
			     "the e-mail address in the request is not the application's");
	for (size_t i = 0; i < r->csr->num_dns_names; i++)
		ENSURE_FIELD(has_word(dns, r->csr->dns_names[i]), BAD_INPUT, path,
			     "a domain name in the request is not one of the application's");
	return NULL;
}

static struct err *check_request(struct ra_intake *self, struct ra_intake_request *r, const struct ra_rules *rules)
{
	char path[RA_JSON_PATH_SIZE];
	const struct suite *row;
	int64_t validity;

	(void)request_path(path, r);
	TRY(profiles_find_request(&r->profile, rules->profiles, self->kind, r->purpose));
	TRY(suite_of_spki(&row, r->csr->public_key));
	ENSURE_FIELD(profile_allows_key(r->profile, row), BAD_INPUT, path,
		     "a key of kind %s is not taken for this purpose", row->name);
	ENSURE_FIELD(strcmp(r->csr->key_storage, self->key_storage) == 0, BAD_INPUT, path,
		     "the key store in the request is not the application's (key_storage)");
	TRY(profile_validity(&validity, r->profile, self->key_storage));
	return check_names(self, r);
}

static struct err *check_requests(struct ra_intake *self, const struct ra_rules *rules)
{
	TRY(order_requests(self));
	if (self->key_storage[0] == '\0')
		self->key_storage = self->requests[0].csr->key_storage;
	ENSURE_FIELD(csr_storage_name(self->key_storage) != NULL, BAD_INPUT, "key_storage",
		     "not the identifier of a known key store (1.2.398.3.3.5...)");
	for (size_t i = 0; i < self->num_requests; i++) {
		char path[RA_JSON_PATH_SIZE];

		TRY(check_request(self, &self->requests[i], rules));
		for (size_t k = 0; k < i; k++)
			ENSURE_FIELD(memcmp(self->requests[i].csr->key_hash, self->requests[k].csr->key_hash, 32) != 0,
				     BAD_INPUT, request_path(path, &self->requests[i]),
				     "the same key as in the request for \"%s\": each needs a key of its own",
				     self->requests[k].purpose);
	}
	return NULL;
}

struct err *ra_intake_check(struct ra_intake *self, const struct ra_intake_rules *against)
{
	TRY(check_frame(self, against));
	TRY(check_fields(self, against->test_identities ? PERSON_TEST_IDENTITIES : PERSON_STRICT));
	return check_requests(self, against->rules);
}

/* ---- Authorisations */

static struct err *build_subject(struct buf *out, const struct ra_intake *in, const struct profile *profile)
{
	const struct name_fields fields = { .surname = in->surname,
					    .given = in->given,
					    .patronymic = in->patronymic,
					    .iin = in->iin,
					    .organisation = in->organisation,
					    .bin = in->bin,
					    .treasury_client = in->treasury_client,
					    .treasury_role = in->treasury_role,
					    .system_oid = in->system_oid };

	return name_build(out, profile->subject, profile->num_subject, &fields);
}

/* The names that the certificate will carry: those of the request that the profile lets through. */
static void copy_names(struct authorisation *a, const struct ra_intake_request *r)
{
	if (r->profile->allows_email)
		for (size_t i = 0; i < r->csr->num_emails && i < AUTHORISATION_MAX_EMAILS; i++)
			a->emails[a->num_emails++] = SLICE_STR(r->csr->emails[i]);
	if (r->profile->allows_dns)
		for (size_t i = 0; i < r->csr->num_dns_names && i < AUTHORISATION_MAX_DNS; i++)
			a->dns_names[a->num_dns_names++] = SLICE_STR(r->csr->dns_names[i]);
}

static struct err *authorise(struct ra_intake *self, struct ra_intake_request *r, const char *number,
			     const char *entered_by, int64_t expires_at)
{
	uint8_t nonce[AUTHORITY_NONCE_LEN];
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) storage = BUF_INIT(OID_MAX_LEN);
	struct authorisation a = { .application_number = SLICE_STR(number),
				   .kind = SLICE_STR(self->kind),
				   .purpose = SLICE_STR(r->purpose),
				   .issuer = SLICE_STR(self->issuer),
				   .profile = SLICE_STR(r->profile->name),
				   .public_key = r->csr->public_key,
				   .channel = self->profile_channel,
				   .entered_by = SLICE_STR(entered_by),
				   .agreement_digest = SLICE(self->agreement, 32),
				   .expires_at = expires_at,
				   .nonce = SLICE(nonce, sizeof nonce) };

	if (RAND_bytes(nonce, sizeof nonce) != 1)
		return ERR_OPENSSL(SYSTEM, "drawing a nonce");
	TRY(build_subject(&subject, self, r->profile));
	TRY(oid_parse(&storage, self->key_storage));
	TRY(profile_validity(&a.max_validity_s, r->profile, self->key_storage));
	a.subject = buf_slice(&subject);
	a.key_storage = buf_slice(&storage);
	copy_names(&a, r);
	buf_reset(&r->authorisation);
	TRY(authorisation_encode(&r->authorisation, &a));
	der_sha256(r->digest, buf_slice(&r->authorisation));
	return NULL;
}

struct err *ra_intake_authorise(struct ra_intake *self, const char *number, const char *entered_by, int64_t expires_at)
{
	for (size_t i = 0; i < self->num_requests; i++) {
		struct err *e = authorise(self, &self->requests[i], number, entered_by, expires_at);

		if (e != NULL)
			return ERR_WRAP(e, "the request for \"%s\"", self->requests[i].purpose);
	}
	return NULL;
}
