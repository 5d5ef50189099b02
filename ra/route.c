/*
 * route.c - the two tables of routes: every operation that exists, and who may. See api.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ra/json.h"
#include "ra/number.h"

#define PREFIX "/api/v1"

const struct ra_route ra_applicant_routes[] = {
	{ RA_GET, "/agreement", RA_BODY_NONE, RA_ROLE_ANY, api_agreement },
	{ RA_GET, "/profiles", RA_BODY_NONE, RA_ROLE_ANY, api_profiles },
	{ RA_POST, "/applications", RA_BODY_JSON, RA_ROLE_ANY, api_submit },
	{ RA_GET, "/applications/*", RA_BODY_NONE, RA_ROLE_ANY, api_application },
	{ RA_POST, "/applications/*/confirm", RA_BODY_JSON, RA_ROLE_ANY, api_confirm },
	{ RA_POST, "/applications/*/resend", RA_BODY_JSON, RA_ROLE_ANY, api_resend },
	{ RA_POST, "/applications/*/withdraw", RA_BODY_JSON, RA_ROLE_ANY, api_withdraw },
	{ RA_POST, "/applications/*/accept", RA_BODY_JSON, RA_ROLE_ANY, api_accept },
	{ RA_POST, "/applications/*/documents", RA_BODY_RAW, RA_ROLE_ANY, api_add_document },
	{ RA_GET, "/applications/*/certificates", RA_BODY_NONE, RA_ROLE_ANY, api_certificates_of },
	{ RA_POST, "/orders", RA_BODY_JSON, RA_ROLE_ANY, api_order },
	{ RA_GET, NULL, RA_BODY_NONE, 0, NULL },
};

const struct ra_route ra_operator_routes[] = {
	{ RA_GET, "/whoami", RA_BODY_NONE, RA_ROLES_LOOK, api_whoami },
	{ RA_GET, "/agreement", RA_BODY_NONE, RA_ROLES_LOOK, api_agreement },
	{ RA_GET, "/profiles", RA_BODY_NONE, RA_ROLES_LOOK, api_profiles },
	{ RA_GET, "/queue", RA_BODY_NONE, RA_ROLES_LOOK, api_queue },
	{ RA_POST, "/applications", RA_BODY_JSON, RA_ROLES_WORK, api_submit },
	{ RA_GET, "/applications/*", RA_BODY_NONE, RA_ROLES_LOOK, api_operator_application },
	{ RA_POST, "/applications/*/claim", RA_BODY_JSON, RA_ROLES_WORK, api_claim },
	{ RA_POST, "/applications/*/release", RA_BODY_JSON, RA_ROLES_WORK, api_release },
	{ RA_POST, "/applications/*/return", RA_BODY_JSON, RA_ROLES_WORK, api_return },
	{ RA_POST, "/applications/*/documents-needed", RA_BODY_JSON, RA_ROLES_WORK, api_need_documents },
	{ RA_POST, "/applications/*/documents", RA_BODY_RAW, RA_ROLES_WORK, api_add_document },
	{ RA_GET, "/applications/*/documents/*", RA_BODY_NONE, RA_ROLES_DECIDE, api_get_document },
	{ RA_POST, "/applications/*/resend", RA_BODY_JSON, RA_ROLES_WORK | ROLE_BIT(ROLE_DESK), api_resend },
	{ RA_POST, "/decisions", RA_BODY_JSON, RA_ROLES_DECIDE, api_decide },
	{ RA_POST, "/orders", RA_BODY_JSON, RA_ROLES_WORK, api_order },
	{ RA_GET, "/orders", RA_BODY_NONE, RA_ROLES_LOOK, api_pending_orders },
	{ RA_GET, "/certificates", RA_BODY_NONE, RA_ROLES_LOOK, api_find_certificates },
	{ RA_GET, "/certificates/*", RA_BODY_NONE, RA_ROLES_LOOK, api_certificate },
	{ RA_GET, NULL, RA_BODY_NONE, 0, NULL },
};

/* Whether the path has the pattern's form; what stands at a star goes to args. Too long a segment fits no pattern. */
static bool path_fits(const char *pattern, const char *path, char args[RA_CALL_ARGS][RA_CALL_ARG_SIZE])
{
	size_t num_args = 0;

	while (*pattern != '\0') {
		if (*pattern != '*') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		size_t len = strcspn(path, "/");
		if (len == 0 || len >= RA_CALL_ARG_SIZE || num_args == RA_CALL_ARGS)
			return false;
		memcpy(args[num_args], path, len);
		args[num_args++][len] = '\0';
		path += len;
		pattern++;
	}
	return *path == '\0';
}

const struct ra_route *ra_route_find(const struct ra_route *routes, enum ra_method method, const char *path,
				     char args[RA_CALL_ARGS][RA_CALL_ARG_SIZE], unsigned *out_methods)
{
	*out_methods = 0;
	if (strncmp(path, PREFIX, sizeof PREFIX - 1) != 0)
		return NULL;
	for (const struct ra_route *r = routes; r->handler != NULL; r++) {
		if (!path_fits(r->path, path + sizeof PREFIX - 1, args))
			continue;
		if (r->method == method)
			return r;
		*out_methods |= r->method;
	}
	return NULL;
}

const char *ra_call_query(const struct ra_call *call, const char *name, const char *otherwise)
{
	for (size_t i = 0; i < call->num_query; i++)
		if (strcmp(call->query[i].name, name) == 0)
			return call->query[i].value;
	return otherwise;
}

struct err *ra_call_query_int(const struct ra_call *call, int64_t *out, const char *name, int64_t otherwise,
			      int64_t min, int64_t max)
{
	const char *text = ra_call_query(call, name, NULL);
	char *end = NULL;

	*out = otherwise;
	if (text == NULL)
		return NULL;
	long long value = strtoll(text, &end, 10);
	ENSURE_FIELD(end != text && *end == '\0' && value >= min && value <= max, BAD_INPUT, name,
		     "a number from %lld to %lld is expected", (long long)min, (long long)max);
	*out = value;
	return NULL;
}

struct ra_who ra_call_who(const struct ra_call *call)
{
	const struct ra_operator *op = call->staff;

	if (op == NULL)
		return (struct ra_who){ .actor = RA_APPLICANT, .person = "" };
	return (struct ra_who){ .actor = op->actor, .person = op->person, .key_hash = op->key_hash };
}

json_t *ra_call_answer(struct ra_call *call, int status)
{
	json_decref(call->answer);
	call->answer = json_object();
	call->status = status;
	return call->answer;
}

struct err *ra_call_application(struct ra_call *call, struct ra_application *out, bool lock)
{
	char number[RA_NUMBER_SIZE];

	TRY(ra_number_parse(number, call->args[0]));
	return ra_get_application(call->ctx.db, out, number, lock);
}

void ra_call_step(struct ra_step *out, const struct ra_call *call, const struct ra_application *app,
		  enum ra_event event)
{
	struct ra_who who = ra_call_who(call);
	bool is_claimed = app->claimed_by[0] != '\0' && app->claimed_until_ms > clock_now_ms();

	*out = (struct ra_step){ .from = app->state, .event = event, .actor = who.actor };
	out->needs_code = strcmp(app->channel, "remote") == 0;
	if (is_claimed)
		out->claim = strcmp(app->claimed_by, who.person) == 0 ? RA_CLAIM_OWN : RA_CLAIM_OTHER;
	if (call->staff != NULL) {
		out->is_enterer = strcmp(app->entered_by, who.person) == 0;
		out->is_subject = strcmp(app->iin, who.person) == 0;
	}
}
