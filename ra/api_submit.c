/*
 * api_submit.c - POST /applications: an application is taken, or refused with the field named.
 *
 * The same for the applicants' port (channel remote) and the operators' (channel counter, entered by the operator). One
 * statement writes everything, so that an answer of 201 is durable and a refusal leaves nothing behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ra/api.h"
#include "ra/json.h"
#include "ra/notices.h"
#include "ra/number.h"
#include "ra/review.h"
#include "ra/verify.h"

struct work {
	struct ra_call *call;
	struct ra_intake *intake;
	char number[RA_NUMBER_SIZE];
	const char *entered_by;
	uint8_t submit_digest[32];
	enum ra_state state;
	int64_t expires_ms;
	struct ra_code_notice notice;
	bool has_notice;
};

static struct err *find_state(struct work *w)
{
	const struct ra_intake *in = w->intake;
	const struct profile_deciders *required = &in->profile_kind->deciders[in->profile_channel];
	struct ra_step step = { .from = RA_SUBMITTED,
				.event = RA_EV_SUBMIT,
				.actor = ra_call_who(w->call).actor,
				.waits_for = ra_waits_of(required->slots, required->num),
				.needs_code = in->profile_channel == CHANNEL_REMOTE };

	TRY(ra_state_next(&w->state, &step));
	w->has_notice = step.needs_code;
	return w->has_notice ? ra_code_notice_make(&w->notice, w->number, 1) : NULL;
}

static struct err *make_log(struct ra_log *log, const struct work *w)
{
	struct ra_who who = ra_call_who(w->call);
	struct log_entry entry;

	ra_log_begin(&entry, LOG_KIND_APPLICATION_SUBMITTED, &who, w->number);
	log_entry_what(&entry, "kind", w->intake->kind);
	log_entry_what(&entry, "channel", w->intake->channel);
	log_entry_what(&entry, "iin", w->intake->iin);
	if (w->intake->bin[0] != '\0')
		log_entry_what(&entry, "bin", w->intake->bin);
	log_entry_what(&entry, "state", ra_state_word(w->state));
	log_entry_object(&entry, "submission", SLICE(w->submit_digest, 32));
	log_entry_object(&entry, "agreement", SLICE(w->intake->agreement, 32));
	for (size_t i = 0; i < w->intake->num_requests; i++)
		log_entry_object(&entry, w->intake->requests[i].purpose, SLICE(w->intake->requests[i].digest, 32));
	return ra_log_add(log, &entry);
}

/* The arrays of the requests, as the statement takes them. */
struct columns {
	struct slice purposes[PROFILE_MAX_REQUESTS], profiles[PROFILE_MAX_REQUESTS], csrs[PROFILE_MAX_REQUESTS];
	struct slice keys[PROFILE_MAX_REQUESTS], authorisations[PROFILE_MAX_REQUESTS], digests[PROFILE_MAX_REQUESTS];
};

static void make_columns(struct columns *out, const struct ra_intake *in)
{
	for (size_t i = 0; i < in->num_requests; i++) {
		const struct ra_intake_request *r = &in->requests[i];

		out->purposes[i] = SLICE_STR(r->purpose);
		out->profiles[i] = SLICE_STR(r->profile->name);
		out->csrs[i] = buf_slice(&r->csr_der);
		out->keys[i] = SLICE(r->csr->key_hash, 32);
		out->authorisations[i] = buf_slice(&r->authorisation);
		out->digests[i] = SLICE(r->digest, 32);
	}
}

static void make_row(struct ra_submission *s, const struct work *w, const struct columns *c)
{
	const struct ra_intake *in = w->intake;

	*s = (struct ra_submission){
		.number = w->number,
		.submit_digest = w->submit_digest,
		.kind = in->kind,
		.channel = in->channel,
		.issuer = in->issuer,
		.state = w->state,
		.iin = in->iin,
		.surname = in->surname,
		.given = in->given,
		.patronymic = in->patronymic,
		.email = in->email,
		.phone = in->phone,
		.bin = in->bin,
		.organisation = in->organisation,
		.treasury_role = in->treasury_role,
		.treasury_client = in->treasury_client,
		.system_oid = in->system_oid,
		.dns_names = (const char *)in->dns_names.p,
		.key_storage = in->key_storage,
		.language = in->language,
		.office = in->office,
		.entered_by = w->entered_by,
		.agreement = in->agreement,
		.expires_ms = w->expires_ms,
		.num_requests = in->num_requests,
		.purposes = c->purposes,
		.profiles = c->profiles,
		.csrs = c->csrs,
		.key_hashes = c->keys,
		.authorisations = c->authorisations,
		.digests = c->digests,
	};
	if (w->has_notice) {
		s->code_hash = SLICE(w->notice.hash, sizeof w->notice.hash);
		s->code_expires_ms = clock_now_ms() + w->call->ctx.ra->conf->code_expire_s * 1000;
		s->notice_key = w->notice.key;
		s->notice_template = RA_NOTICE_CODE;
		s->notice_fields = w->notice.fields;
	}
}

/* Which of the keys is in use already? The constraint alone does not say. Consumes the error of the database. */
static struct err *name_the_key(struct work *w, const struct columns *c, struct err *e)
{
	size_t num = w->intake->num_requests;
	char path[RA_JSON_PATH_SIZE];
	size_t which = num;

	if (err_code(e) != ERR_CONFLICT || err_field(e) == NULL || strcmp(err_field(e), "key_claim_pkey") != 0)
		return e;
	err_destroy(&e);
	TRY(ra_claimed_key(w->call->ctx.db, &which, c->keys, num));
	if (which < num)
		(void)snprintf(path, sizeof path, "requests[%zu].csr", w->intake->requests[which].index);
	return ERR_FIELD(CONFLICT, which < num ? path : "requests",
			 "this public key belongs to another application or certificate; make a new key pair");
}

static struct err *store(struct work *w)
{
	struct columns columns = { 0 };
	struct ra_submission row;
	OWN(ra_log) log = RA_LOG_INIT;
	bool is_new;

	make_columns(&columns, w->intake);
	TRY(make_log(&log, w));
	make_row(&row, w, &columns);
	struct err *e = ra_submit(w->call->ctx.db, &is_new, &row, &log);
	if (e != NULL)
		return name_the_key(w, &columns, e);
	if (!is_new)
		TRY(ra_find_submission(w->call->ctx.db, w->number, &w->state, w->submit_digest));
	json_t *answer = ra_call_answer(w->call, is_new ? 201 : 200);
	ra_json_set_str(answer, "number", w->number);
	ra_json_set_str(answer, "state", ra_state_word(w->state));
	if (is_new)
		metrics_add(w->call->ctx.ra->metrics, RA_METRIC_SUBMITTED, 1);
	if (is_new && w->has_notice)
		ra_wake_notices(w->call->ctx.ra);
	return NULL;
}

struct err *api_submit(struct ra_call *call)
{
	const struct ra_conf *conf = call->ctx.ra->conf;
	OWN(ra_intake) intake = { .num_requests = 0 };
	bool at_counter = call->port == RA_PORT_OPERATORS;
	struct work w = { .call = call, .intake = &intake, .entered_by = at_counter ? call->staff->person : "" };
	struct ra_intake_rules against = { .rules = call->ctx.rules,
					   .agreement = &call->ctx.ra->agreement,
					   .default_issuer = conf->default_issuer,
					   .channel = at_counter ? CHANNEL_COUNTER : CHANNEL_REMOTE,
					   .test_identities = conf->test_identities };

	TRY(ra_intake_read(&intake, call->json));
	TRY(ra_intake_check(&intake, &against));
	TRY(ra_intake_digest(w.submit_digest, &intake, w.entered_by));
	TRY(ra_number_new(w.number));
	w.expires_ms = clock_now_ms() + conf->expire_days * 86400 * 1000;
	TRY(ra_intake_authorise(&intake, w.number, w.entered_by, w.expires_ms / 1000));
	TRY(find_state(&w));
	return store(&w);
}
