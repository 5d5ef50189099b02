/*
 * intake.c - the form of a submission: JSON to struct ra_intake, and its digest. See verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "ra/json.h"
#include "ra/verify.h"

enum { TEXT_MAX = 1024, CSR_BASE64_MAX = CSR_MAX_BYTES / 3 * 4 + 8, DNS_MAX = 64 };

void ra_intake_clear(struct ra_intake *self)
{
	buf_clear(&self->dns_names);
	for (size_t i = 0; i < PROFILE_MAX_REQUESTS; i++) {
		buf_clear(&self->requests[i].csr_der);
		buf_clear(&self->requests[i].authorisation);
		free(self->requests[i].csr);
		self->requests[i].csr = NULL;
	}
}

static struct err *read_person(struct ra_intake *out, json_t *object)
{
	static const struct ra_json_field fields[] = {
		{ "iin", RA_JSON_TEXT, false, TEXT_MAX },   { "surname", RA_JSON_TEXT, false, TEXT_MAX },
		{ "given", RA_JSON_TEXT, false, TEXT_MAX }, { "patronymic", RA_JSON_TEXT, false, TEXT_MAX },
		{ "email", RA_JSON_TEXT, false, TEXT_MAX }, { "phone", RA_JSON_TEXT, false, TEXT_MAX },
	};
	json_t *got[6] = { NULL };

	if (object != NULL)
		TRY(ra_json_fields(got, object, "person", fields, 6));
	out->iin = ra_json_str(got[0]);
	out->surname = ra_json_str(got[1]);
	out->given = ra_json_str(got[2]);
	out->patronymic = ra_json_str(got[3]);
	out->email = ra_json_str(got[4]);
	out->phone = ra_json_str(got[5]);
	return NULL;
}

static struct err *read_pair(const char **out_a, const char **out_b, json_t *object, const char *path, const char *a,
			     const char *b)
{
	const struct ra_json_field fields[] = { { a, RA_JSON_TEXT, false, TEXT_MAX },
						{ b, RA_JSON_TEXT, false, TEXT_MAX } };
	json_t *got[2] = { NULL };

	if (object != NULL)
		TRY(ra_json_fields(got, object, path, fields, 2));
	*out_a = ra_json_str(got[0]);
	*out_b = ra_json_str(got[1]);
	return NULL;
}

static struct err *read_dns(struct ra_intake *out, const json_t *list)
{
	out->dns_names = (struct buf)BUF_INIT(DNS_MAX * (PERSON_DNS_MAX + 1) + 1);
	for (size_t i = 0; i < json_array_size(list); i++) {
		char path[RA_JSON_PATH_SIZE];
		const json_t *name = json_array_get(list, i);

		(void)snprintf(path, sizeof path, "dns[%zu]", i);
		ENSURE_FIELD(json_is_string(name), BAD_INPUT, path, "a text is expected");
		TRY(person_check_dns(path, ra_json_text(name)));
		if (i > 0)
			TRY(buf_append_u8(&out->dns_names, ' '));
		TRY(buf_append(&out->dns_names, ra_json_text(name)));
	}
	return buf_append_u8(&out->dns_names, 0);
}

/* A refusal of the CSR's reader gets the place of this CSR as its field. */
static struct err *name_csr(struct err *e, const char *path)
{
	char text[400];

	if (e == NULL || err_category(err_code(e)) != ERR_REFUSE)
		return e;
	(void)err_text(e, text, sizeof text);
	err_destroy(&e);
	return ERR_FIELD(BAD_INPUT, path, "%s", text);
}

static struct err *read_request(struct ra_intake_request *out, json_t *object, size_t i)
{
	static const struct ra_json_field fields[] = {
		{ "purpose", RA_JSON_TEXT, true, 32 },
		{ "csr", RA_JSON_TEXT, true, CSR_BASE64_MAX },
	};
	char path[RA_JSON_PATH_SIZE], csr_path[RA_JSON_PATH_SIZE];
	json_t *got[2];

	(void)snprintf(path, sizeof path, "requests[%zu]", i);
	(void)snprintf(csr_path, sizeof csr_path, "requests[%zu].csr", i);
	TRY(ra_json_fields(got, object, path, fields, 2));
	out->purpose = ra_json_str(got[0]);
	out->index = i;
	out->csr_der = (struct buf)BUF_INIT(CSR_MAX_BYTES);
	out->authorisation = (struct buf)BUF_INIT(AUTHORISATION_MAX_BYTES);
	TRY(ra_json_base64(&out->csr_der, got[1], csr_path));
	out->csr = calloc(1, sizeof *out->csr);
	ENSURE(out->csr != NULL, NO_MEMORY, "a request");
	return name_csr(csr_read(out->csr, buf_slice(&out->csr_der)), csr_path);
}

enum {
	F_KIND,
	F_CHANNEL,
	F_ISSUER,
	F_PERSON,
	F_ORGANISATION,
	F_TREASURY,
	F_SYSTEM_OID,
	F_DNS,
	F_REQUESTS,
	F_KEY_STORAGE,
	F_AGREEMENT,
	F_LANGUAGE,
	F_OFFICE,
	F_COUNT
};

static const struct ra_json_field top_fields[F_COUNT] = {
	[F_KIND] = { "kind", RA_JSON_TEXT, true, 64 },
	[F_CHANNEL] = { "channel", RA_JSON_TEXT, false, 32 },
	[F_ISSUER] = { "issuer", RA_JSON_TEXT, false, 16 },
	[F_PERSON] = { "person", RA_JSON_OBJECT, false, 0 },
	[F_ORGANISATION] = { "organisation", RA_JSON_OBJECT, false, 0 },
	[F_TREASURY] = { "treasury", RA_JSON_OBJECT, false, 0 },
	[F_SYSTEM_OID] = { "system_oid", RA_JSON_TEXT, false, 128 },
	[F_DNS] = { "dns", RA_JSON_ARRAY, false, CSR_MAX_DNS_NAMES },
	[F_REQUESTS] = { "requests", RA_JSON_ARRAY, true, PROFILE_MAX_REQUESTS },
	[F_KEY_STORAGE] = { "key_storage", RA_JSON_TEXT, false, 64 },
	[F_AGREEMENT] = { "agreement", RA_JSON_TEXT, true, 64 },
	[F_LANGUAGE] = { "language", RA_JSON_TEXT, false, 2 },
	[F_OFFICE] = { "office", RA_JSON_TEXT, false, 64 },
};

struct err *ra_intake_read(struct ra_intake *out, json_t *json)
{
	json_t *got[F_COUNT];

	TRY(ra_json_fields(got, json, "", top_fields, F_COUNT));
	out->kind = ra_json_str(got[F_KIND]);
	out->channel = ra_json_str(got[F_CHANNEL]);
	out->issuer = ra_json_str(got[F_ISSUER]);
	out->system_oid = ra_json_str(got[F_SYSTEM_OID]);
	out->key_storage = ra_json_str(got[F_KEY_STORAGE]);
	out->language = got[F_LANGUAGE] == NULL ? "ru" : ra_json_str(got[F_LANGUAGE]);
	out->office = ra_json_str(got[F_OFFICE]);
	TRY(ra_json_hex32(out->agreement, got[F_AGREEMENT], "agreement"));
	TRY(read_person(out, got[F_PERSON]));
	TRY(read_pair(&out->bin, &out->organisation, got[F_ORGANISATION], "organisation", "bin", "name"));
	TRY(read_pair(&out->treasury_role, &out->treasury_client, got[F_TREASURY], "treasury", "role", "client"));
	TRY(read_dns(out, got[F_DNS]));
	for (size_t i = 0; i < json_array_size(got[F_REQUESTS]); i++) {
		out->num_requests = i + 1;
		TRY(read_request(&out->requests[i], json_array_get(got[F_REQUESTS], i), i));
	}
	return NULL;
}

/* Length and bytes of each part, so that no two different lists of texts look alike. */
static struct err *append_part(struct buf *out, struct slice part)
{
	uint8_t len[4] = { (uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16), (uint8_t)(part.len >> 8),
			   (uint8_t)part.len };

	TRY(buf_append(out, SLICE(len, 4)));
	return buf_append(out, part);
}

struct err *ra_intake_digest(uint8_t out[32], const struct ra_intake *self, const char *entered_by)
{
	const char *const texts[] = {
		"application/1",  entered_by,	     self->kind,	 self->channel,	      self->issuer,
		self->iin,	  self->surname,     self->given,	 self->patronymic,    self->email,
		self->phone,	  self->bin,	     self->organisation, self->treasury_role, self->treasury_client,
		self->system_oid, self->key_storage, self->language,	 self->office
	};
	OWN(buf) all = BUF_INIT(256 * 1024);

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		TRY(append_part(&all, SLICE_STR(texts[i])));
	TRY(append_part(&all, buf_slice(&self->dns_names)));
	TRY(append_part(&all, SLICE(self->agreement, sizeof self->agreement)));
	for (size_t i = 0; i < self->num_requests; i++) {
		TRY(append_part(&all, SLICE_STR(self->requests[i].purpose)));
		TRY(append_part(&all, buf_slice(&self->requests[i].csr_der)));
	}
	der_sha256(out, buf_slice(&all));
	return NULL;
}
