/*
 * api_decisions.c - POST /decisions: an operator's signed decision on one or many applications.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/api.h"
#include "ra/decide.h"
#include "ra/json.h"

struct err *api_decide(struct ra_call *call)
{
	static const struct ra_json_field fields[] = { { "decision", RA_JSON_TEXT, true, 0 },
						       { "signature", RA_JSON_TEXT, true, 2 * AUTHORITY_CMS_MAX_BYTES },
						       { "reason_text", RA_JSON_TEXT, false, 2000 } };
	OWN(buf) der = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(AUTHORITY_CMS_MAX_BYTES);
	OWN(ra_outcomes) outcomes = { .num = 0 };
	json_t *got[3];

	TRY(ra_json_fields(got, call->json, "", fields, 3));
	TRY(ra_json_base64(&der, got[0], "decision"));
	TRY(ra_json_base64(&cms, got[1], "signature"));
	TRY(ra_check_text("reason_text", got[2]));
	struct ra_decision_in in = { .der = buf_slice(&der),
				     .cms = buf_slice(&cms),
				     .person = call->staff->person,
				     .reason_text = ra_json_str(got[2]),
				     .roles = RA_ROLES_DECIDE };
	TRY(ra_decide(&outcomes, &call->ctx, &in));
	json_t *list = ra_json_add_array(ra_call_answer(call, 200), "applications");
	for (size_t i = 0; i < outcomes.num; i++) {
		json_t *item = ra_json_append_object(list);

		ra_json_set_str(item, "number", outcomes.items[i].number);
		ra_json_set_str(item, "state", ra_state_word(outcomes.items[i].state));
	}
	return NULL;
}
