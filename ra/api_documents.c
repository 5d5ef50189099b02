/*
 * api_documents.c - documents: added by the applicant or at the counter, asked for and looked at by operators.
 *
 * A document is bytes that are stored and shown, never interpreted: its kind is told by its first octets, not by what
 * the sender calls it, and it leaves again as an attachment that no browser sniffs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "base/text.h"
#include "ra/api.h"
#include "ra/json.h"

enum { NAME_MAX_CHARACTERS = 200 };

static const char *sniff(struct slice bytes)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *type;
	} kinds[] = { { "%PDF-", 5, "application/pdf" },
		      { "\xff\xd8\xff", 3, "image/jpeg" },
		      { "\x89PNG\r\n\x1a\n", 8, "image/png" } };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (bytes.len >= kinds[i].len && memcmp(bytes.p, kinds[i].magic, kinds[i].len) == 0)
			return kinds[i].type;
	return "application/octet-stream";
}

static struct err *check_name(const char *name)
{
	size_t length;

	TRY(text_utf8_length(&length, SLICE_STR(name)));
	ENSURE_FIELD(length >= 1 && length <= NAME_MAX_CHARACTERS && !text_has_control(SLICE_STR(name)) &&
			     strchr(name, '/') == NULL && strchr(name, '\\') == NULL,
		     BAD_INPUT, "name", "1 to %d characters, none of them a slash or a control character",
		     NAME_MAX_CHARACTERS);
	return NULL;
}

struct addition {
	struct ra_call *call;
	const char *name;
	uint8_t sha256[32];
};

static struct err *log_addition(struct ra_log *log, const struct addition *a, const struct ra_application *app,
				enum ra_state to)
{
	struct ra_who who = ra_call_who(a->call);
	struct log_entry entry;

	ra_log_begin(&entry, LOG_KIND_APPLICATION_STATE, &who, app->number);
	log_entry_what(&entry, "event", ra_event_word(RA_EV_SUPPLY_DOCUMENT));
	log_entry_what(&entry, "from", ra_state_word(app->state));
	log_entry_what(&entry, "to", ra_state_word(to));
	log_entry_object(&entry, "document", SLICE(a->sha256, 32));
	return ra_log_add(log, &entry);
}

static struct err *add_tx(struct db *db, void *arg)
{
	const struct addition *a = arg;
	struct ra_call *call = a->call;
	OWN(ra_application) app = { .row = NULL };
	OWN(ra_log) log = RA_LOG_INIT;
	OWN(ra_log) no_log = RA_LOG_INIT;
	struct ra_step step;
	enum ra_state to;
	int64_t count;

	TRY(ra_call_application(call, &app, true));
	ra_call_step(&step, call, &app, RA_EV_SUPPLY_DOCUMENT);
	TRY(ra_state_next(&to, &step));
	TRY(ra_count_documents(db, &count, app.id));
	ENSURE_FIELD(count < call->ctx.ra->conf->document_max_count, CONFLICT, "document",
		     "an application may have %lld documents", (long long)call->ctx.ra->conf->document_max_count);
	TRY(log_addition(&log, a, &app, to));
	TRY(ra_add_document(db, app.id, a->name, sniff(call->body), a->sha256, call->body, ra_call_who(call).person,
			    &log));
	if (to == app.state)
		return NULL;
	struct ra_move move = { .id = app.id, .to = to };
	return ra_move(db, &move, &no_log);
}

struct err *api_add_document(struct ra_call *call)
{
	struct addition a = { .call = call, .name = ra_call_query(call, "name", "document") };

	ENSURE_FIELD(call->body.len > 0, BAD_INPUT, "body", "empty; the document's bytes are expected");
	TRY(check_name(a.name));
	der_sha256(a.sha256, call->body);
	TRY(db_tx(call->ctx.db, add_tx, &a));
	json_t *answer = ra_call_answer(call, 201);
	ra_json_set_str(answer, "name", a.name);
	ra_json_set_str(answer, "media_type", sniff(call->body));
	ra_json_set_hex(answer, "sha256", SLICE(a.sha256, 32));
	return NULL;
}

struct err *api_get_document(struct ra_call *call)
{
	OWN(ra_application) app = { .row = NULL };
	OWN(db_result) row = NULL;
	struct slice bytes;
	const char *type;
	char *end = NULL;

	long long id = strtoll(call->args[1], &end, 10);
	ENSURE_FIELD(end != call->args[1] && *end == '\0', BAD_INPUT, "document", "a number is expected");
	TRY(ra_call_application(call, &app, false));
	TRY(ra_get_document(call->ctx.db, &row, app.id, id));
	ra_document_bytes(&type, &bytes, row);
	TRY(buf_append(&call->raw, bytes));
	call->raw_type = "application/octet-stream";
	return NULL;
}

/* ---- asked for */

struct need {
	struct ra_call *call;
	const char *text;
};

static struct err *need_tx(struct db *db, void *arg)
{
	const struct need *n = arg;
	OWN(ra_application) app = { .row = NULL };
	OWN(ra_log) log = RA_LOG_INIT;
	struct ra_who who = ra_call_who(n->call);
	struct ra_step step;
	enum ra_state to;

	TRY(ra_call_application(n->call, &app, true));
	ra_call_step(&step, n->call, &app, RA_EV_NEED_DOCUMENTS);
	TRY(ra_state_next(&to, &step));
	TRY(ra_log_state(&log, &who, app.number, app.state, to, RA_EV_NEED_DOCUMENTS, n->text));
	struct ra_move move = { .id = app.id, .to = to, .reason = "documents_needed", .reason_text = n->text };
	return ra_move(db, &move, &log);
}

struct err *api_need_documents(struct ra_call *call)
{
	static const struct ra_json_field fields[] = { { "text", RA_JSON_TEXT, true, 2000 } };
	json_t *got[1];
	struct need n = { .call = call };

	TRY(ra_json_fields(got, call->json, "", fields, 1));
	TRY(ra_check_text("text", got[0]));
	n.text = ra_json_str(got[0]);
	TRY(db_tx(call->ctx.db, need_tx, &n));
	return api_operator_application(call);
}
