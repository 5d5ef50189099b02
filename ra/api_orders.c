/*
 * api_orders.c - POST /orders: revoke, hold, release; GET /orders: those that wait for a second person.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "ra/api.h"
#include "ra/json.h"
#include "ra/order.h"
#include "ra/view.h"

struct err *api_order(struct ra_call *call)
{
	static const struct ra_json_field fields[] = { { "order", RA_JSON_TEXT, true, 2 * STATUS_ORDER_MAX_BYTES },
						       { "decision", RA_JSON_TEXT, true, 2 * STATUS_ORDER_MAX_BYTES },
						       { "signature", RA_JSON_TEXT, true,
							 2 * AUTHORITY_CMS_MAX_BYTES } };
	OWN(buf) order = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(buf) decision = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(AUTHORITY_CMS_MAX_BYTES);
	struct ra_order_out outcome;
	bool by_staff = call->port == RA_PORT_OPERATORS;
	json_t *got[3];

	TRY(ra_json_fields(got, call->json, "", fields, 3));
	TRY(ra_json_base64(&order, got[0], "order"));
	TRY(ra_json_base64(&decision, got[1], "decision"));
	TRY(ra_json_base64(&cms, got[2], "signature"));
	struct ra_order_in in = { .order = buf_slice(&order),
				  .decision = buf_slice(&decision),
				  .cms = buf_slice(&cms),
				  .person = by_staff ? call->staff->person : NULL,
				  .roles = by_staff ? RA_ROLES_WORK
						    : ROLE_BIT(ROLE_HOLDER) | ROLE_BIT(ROLE_HEAD) |
							      ROLE_BIT(ROLE_DELEGATE) };
	TRY(ra_order(&outcome, &call->ctx, &in));
	json_t *answer = ra_call_answer(call, outcome.is_pending ? 202 : 200);
	ra_json_set_str(answer, "serial", outcome.serial);
	ra_json_set_str(answer, "action", order_action_word(outcome.action));
	ra_json_set_str(answer, "state", outcome.is_pending ? "pending" : ra_status_word(outcome.status));
	json_t *needed = ra_json_add_array(answer, "still_needed");
	for (size_t i = 0; outcome.is_pending && i < outcome.num_missing; i++)
		(void)json_array_append_new(needed, json_string(profile_role_word(ROLE_OPERATOR)));
	return NULL;
}

struct err *ra_view_pending_orders(json_t *out, const char *name, struct ra_call *call, const char *issuer,
				   const struct serial *serial)
{
	OWN(db_result) rows = NULL;
	json_t *list = ra_json_add_array(out, name);

	TRY(ra_get_pending_orders(call->ctx.db, &rows, clock_now_s()));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_pending_order row;
		struct status_order o;
		char hex[SERIAL_HEX_SIZE], text[32];

		ra_pending_order_at(&row, rows, i);
		TRY(status_order_decode(&o, row.der));
		if (serial != NULL && (!serial_equal(&o.serial, serial) || !slice_equal(o.issuer, SLICE_STR(issuer))))
			continue;
		json_t *item = ra_json_append_object(list);
		ra_json_set_base64(item, "order", row.der);
		ra_json_set_hex(item, "digest", row.digest);
		ra_json_set_str(item, "issuer", log_text_fit(text, sizeof text, o.issuer));
		ra_json_set_str(item, "serial", serial_hex(hex, &o.serial));
		ra_json_set_str(item, "action", order_action_word(o.action));
		ra_json_set_str(item, "ordered_by", row.ordered_by);
		ra_json_set_time_ms(item, "at", row.created_ms);
		ra_json_set_time_s(item, "expires_at", row.expires_at);
	}
	return NULL;
}

struct err *api_pending_orders(struct ra_call *call)
{
	return ra_view_pending_orders(ra_call_answer(call, 200), "orders", call, NULL, NULL);
}
