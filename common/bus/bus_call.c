/*
 * bus_call.c - one request being handled: what it says, and how it is answered, at once or later. See bus.h.
 *
 * An answer is remembered for repeats unless it says "again"; a call that is answered while its handler runs is freed
 * after it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "bus/bus_server_priv.h"

void bus_call_free(struct bus_call *call)
{
	struct bus_server *s = call->server;

	if (call->newer != NULL)
		call->newer->older = call->older;
	else
		s->calls = call->older;
	if (call->older != NULL)
		call->older->newer = call->newer;
	(void)zmq_msg_close(&call->route);
	buf_clear(&call->body);
	free(call);
}

void bus_call_send(struct bus_call *call, uint16_t type, struct slice body)
{
	struct bus_server *s = call->server;
	struct msg_header header = call->header;

	header.type = type;
	header.num_parts = bus_parts_of(body.len);
	for (header.part = 0; header.part < header.num_parts; header.part++) {
		if (bus_send_part(s->socket, &call->route, &header, body) != BUS_SENT) {
			s->stats.lost_answers++;
			return;
		}
	}
}

/* Errors that say "again" leave the id open, so that the same request is handled again. */
static bool is_final(enum err_code code)
{
	enum err_category category = err_category(code);

	return category == ERR_REFUSE || category == ERR_AUDIT;
}

static void remember(struct bus_call *call, uint16_t type, struct slice body, bool final)
{
	if (!call->is_remembered)
		return;
	if (final)
		bus_ids_answered(call->state->ids, call->header.id, type, body);
	else
		bus_ids_forget(call->state->ids, call->header.id);
}

static void answer_error(struct bus_call *call, const struct err *e)
{
	OWN(buf) body = BUF_INIT(65536);
	char text[1024];
	struct msg_error fields;

	msg_error_from(&fields, e, text, sizeof text);
	OWN(err) failed = msg_error_encode(&body, &fields);
	if (failed != NULL) { /* not even the sentence fits: the asker runs into its deadline */
		log_err(LOG_ERROR, NULL, "bus_answer_failed", &failed);
		return;
	}
	remember(call, MSG_ERROR, buf_slice(&body), is_final(err_code(e)));
	bus_call_send(call, MSG_ERROR, buf_slice(&body));
}

static enum log_level level_of(enum err_code code)
{
	switch (err_category(code)) {
	case ERR_AUDIT:
		return LOG_WARN;
	case ERR_FAULT:
		return LOG_ERROR;
	default:
		return LOG_INFO;
	}
}

void bus_call_refuse(struct bus_call *call, struct err *e)
{
	struct bus_server *s = call->server;
	struct log_ctx ctx;
	char text[160];

	if (s->conf.on_refused != NULL)
		s->conf.on_refused(s->conf.arg, call, e);
	answer_error(call, e);
	log_ctx_set(&ctx, "%s", bus_call_text(call, text, sizeof text));
	if (bus_log_may(&s->log_limit) || err_category(err_code(e)) == ERR_FAULT)
		log_err(level_of(err_code(e)), &ctx, "bus_request_refused", &e);
	err_destroy(&e);
}

/* A call that is answered while its handler runs is freed after it. */
static void call_over(struct bus_call *call)
{
	call->is_over = true;
	if (!call->in_handler)
		bus_call_free(call);
}

void bus_call_answer(struct bus_call *call, struct buf *body)
{
	static const uint8_t empty[2] = { 0x30, 0x00 };
	struct slice bytes = body->len == 0 ? SLICE(empty, sizeof empty) : buf_slice(body);
	uint16_t type = msg_type_answer(call->header.type);

	remember(call, type, bytes, true);
	bus_call_send(call, type, bytes);
	buf_clear(body);
	call_over(call);
}

void bus_call_fail(struct bus_call *call, struct err *e)
{
	call->server->stats.failed++;
	bus_call_refuse(call, e);
	call_over(call);
}

void bus_call_keep(struct bus_call *call)
{
	call->is_kept = true;
}

uint16_t bus_call_type(const struct bus_call *call)
{
	return call->header.type;
}

enum msg_role bus_call_role(const struct bus_call *call)
{
	return call->peer->role;
}

const char *bus_call_peer(const struct bus_call *call)
{
	return call->peer->name;
}

const uint8_t *bus_call_id(const struct bus_call *call)
{
	return call->header.id;
}

int64_t bus_call_deadline_ms(const struct bus_call *call)
{
	return call->header.deadline_ms;
}

struct slice bus_call_body(const struct bus_call *call)
{
	return buf_slice(&call->body);
}

const char *bus_call_text(const struct bus_call *call, char *out, size_t out_len)
{
	char id[2 * MSG_ID_BYTES + 1];

	(void)snprintf(out, out_len, "type=%s peer=%s request=%s", msg_type_name(call->header.type), call->peer->name,
		       text_hex_fixed(id, SLICE(call->header.id, MSG_ID_BYTES)));
	return out;
}
