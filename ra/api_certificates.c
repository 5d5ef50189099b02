/*
 * api_certificates.c - certificates as operators see them: one by its serial number, or found by person and name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "asn1/serial.h"
#include "base/clock.h"
#include "ra/api.h"
#include "ra/json.h"
#include "ra/status.h"
#include "ra/view.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500 };

static struct err *set_subject(json_t *out, struct slice der)
{
	OWN(buf) text = BUF_INIT(16 * 1024);
	struct cert cert;
	const char *str;

	TRY(cert_parse(&cert, der));
	TRY(name_print(&text, cert.subject));
	TRY(buf_str(&text, &str));
	ra_json_set_str(out, "subject", str);
	return NULL;
}

static struct err *set_certificate(json_t *out, const struct ra_certificate *c)
{
	ra_json_set_str(out, "issuer", c->issuer);
	ra_json_set_hex(out, "serial", c->serial);
	TRY(set_subject(out, c->der));
	ra_json_set_str(out, "state", ra_status_word(ra_status_of(c->action, c->not_after_at, clock_now_s())));
	ra_json_set_time_s(out, "not_before", c->not_before_at);
	ra_json_set_time_s(out, "not_after", c->not_after_at);
	ra_json_set_str(out, "profile", c->profile);
	ra_json_set_str(out, "purpose", c->purpose);
	ra_json_set_str(out, "channel", c->channel);
	ra_json_set_str(out, "iin", c->iin);
	ra_json_set_str(out, "bin", c->bin);
	ra_json_set_str(out, "application", c->application);
	return NULL;
}

static struct err *add_orders(json_t *out, struct ra_call *call, int64_t certificate_id)
{
	OWN(db_result) rows = NULL;
	json_t *list = ra_json_add_array(out, "orders");

	TRY(ra_get_orders(call->ctx.db, &rows, certificate_id));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_order o;
		json_t *item = ra_json_append_object(list);

		ra_order_at(&o, rows, i);
		const char *reason = order_reason_word(o.reason);
		ra_json_set_str(item, "action", order_action_word((enum order_action)o.action));
		ra_json_set_str(item, "reason", reason == NULL ? "" : reason);
		ra_json_set_time_s(item, "at", o.revoked_at);
		ra_json_set_time_ms(item, "recorded_at", o.created_ms);
		ra_json_set_str(item, "ground", o.ground);
		ra_json_set_str(item, "ordered_by", o.ordered_by);
		ra_json_set_bool(item, "accepted", o.is_accepted);
	}
	return NULL;
}

static struct err *set_pem(json_t *out, struct slice der)
{
	OWN(buf) pem = BUF_INIT(4 * CERT_MAX_BYTES);
	const char *text;

	TRY(cert_to_pem(&pem, der));
	TRY(buf_str(&pem, &text));
	ra_json_set_str(out, "pem", text);
	return NULL;
}

struct err *api_certificate(struct ra_call *call)
{
	const char *issuer = ra_call_query(call, "issuer", call->ctx.ra->conf->default_issuer);
	OWN(db_result) rows = NULL;
	struct ra_certificate c;
	struct serial serial;

	struct err *e = serial_from_hex(&serial, call->args[0]);
	if (e != NULL) {
		err_destroy(&e);
		return ERR_FIELD(BAD_INPUT, "serial", "a serial number in hexadecimal digits is expected");
	}
	TRY(ra_get_certificate(call->ctx.db, &rows, issuer, serial_slice(&serial)));
	ra_certificate_at(&c, rows, 0);
	json_t *answer = ra_call_answer(call, 200);
	TRY(set_certificate(answer, &c));
	TRY(set_pem(answer, c.der));
	TRY(add_orders(answer, call, c.id));
	return ra_view_pending_orders(answer, "pending", call, c.issuer, &serial);
}

struct err *api_find_certificates(struct ra_call *call)
{
	const char *iin = ra_call_query(call, "iin", "");
	const char *bin = ra_call_query(call, "bin", "");
	const char *name = ra_call_query(call, "q", "");
	OWN(db_result) rows = NULL;
	int64_t limit;

	ENSURE_FIELD(iin[0] != '\0' || bin[0] != '\0' || strlen(name) >= 3, BAD_INPUT, "q",
		     "give iin, bin, or at least 3 octets of a name");
	TRY(ra_call_query_int(call, &limit, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX));
	TRY(ra_find_certificates(call->ctx.db, &rows, iin, bin, name, limit));
	json_t *list = ra_json_add_array(ra_call_answer(call, 200), "certificates");
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		struct ra_certificate c;

		ra_certificate_at(&c, rows, i);
		TRY(set_certificate(ra_json_append_object(list), &c));
	}
	return NULL;
}
