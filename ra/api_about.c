/*
 * api_about.c - what the service tells of itself: agreement, kinds of applications, and who the caller is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "ra/api.h"
#include "ra/json.h"

struct err *api_agreement(struct ra_call *call)
{
	const struct ra_agreement *a = &call->ctx.ra->agreement;
	json_t *answer = ra_call_answer(call, 200);

	ra_json_set_hex(answer, "digest", SLICE(a->digest, 32));
	ra_json_set_str(answer, "version", a->version);
	ENSURE(json_object_set_new(answer, "text", json_stringn((const char *)a->text.p, a->text.len)) == 0, NO_MEMORY,
	       "the agreement");
	return NULL;
}

static void add_fields(json_t *out, const char *name, unsigned set)
{
	json_t *list = ra_json_add_array(out, name);

	for (unsigned i = 0; i < FIELD_COUNT; i++)
		if ((set & FIELD_BIT(i)) != 0)
			(void)json_array_append_new(list, json_string(profile_field_word((enum profile_field)i)));
}

static void add_kind(json_t *list, const struct profile_kind *kind)
{
	json_t *item = ra_json_append_object(list);

	ra_json_set_str(item, "kind", kind->name);
	json_t *requests = ra_json_add_array(item, "requests");
	for (size_t i = 0; i < kind->num_requests; i++)
		(void)json_array_append_new(requests, json_string(kind->requests[i]));
	json_t *channels = ra_json_add_array(item, "channels");
	for (unsigned c = CHANNEL_REMOTE; c < CHANNEL_COUNT; c++)
		if (kind->deciders[c].num > 0)
			(void)json_array_append_new(channels,
						    json_string(profile_channel_word((enum profile_channel)c)));
	add_fields(item, "required", kind->required);
	add_fields(item, "optional", kind->optional);
}

/* Kinds that people apply for; those of the centre's own services are not offered. */
struct err *api_profiles(struct ra_call *call)
{
	const struct profiles *all = call->ctx.rules->profiles;
	json_t *answer = ra_call_answer(call, 200);
	json_t *kinds = ra_json_add_array(answer, "kinds");
	json_t *issuers = ra_json_add_array(answer, "issuers");

	for (size_t i = 0; i < all->num_kinds; i++)
		if (all->kinds[i].deciders[CHANNEL_REMOTE].num > 0 || all->kinds[i].deciders[CHANNEL_COUNTER].num > 0)
			add_kind(kinds, &all->kinds[i]);
	for (size_t i = 0; i < call->ctx.rules->num_issuers; i++)
		(void)json_array_append_new(issuers, json_string(call->ctx.rules->issuers[i].name));
	return NULL;
}

struct err *api_whoami(struct ra_call *call)
{
	const struct ra_operator *op = call->staff;
	json_t *answer = ra_call_answer(call, 200);
	OWN(buf) pem = BUF_INIT(4 * CERT_MAX_BYTES);
	char serial[SERIAL_HEX_SIZE];
	struct cert cert;
	const char *text;

	TRY(cert_parse(&cert, op->certificate));
	TRY(cert_to_pem(&pem, op->certificate));
	TRY(buf_str(&pem, &text));
	ra_json_set_str(answer, "person", op->person);
	ra_json_set_str(answer, "name", op->name);
	ra_json_set_str(answer, "role", ra_actor_word(op->actor));
	ra_json_set_str(answer, "office", op->office);
	ra_json_set_hex(answer, "key_hash", SLICE(op->key_hash, 32));
	ra_json_set_str(answer, "certificate", serial_hex(serial, &cert.serial));
	ra_json_set_str(answer, "pem", text);
	return NULL;
}
