/*
 * dispatch.c - from an HTTP request to a call and back. See dispatch.h.
 *
 * Order of judging: path, method, who, kind of body, size of body, JSON, handler. A refusal is a problem document
 * (RFC 9457); what was refused to a known operator, or to a stranger with a certificate of ours, goes to the ledger.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/dispatch.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "http/problem.h"
#include "ra/json.h"
#include "ra/review.h"

enum { STRANGERS_PER_MINUTE = 60 };

/* One request on its way through. */
struct work {
	struct evhttp_request *request;
	struct ra_guard *guard;
	const struct ra_route *route;
	struct ra_call call;
	struct ra_operator op;
	struct evkeyvalq query;
	char *path;
	int refusal_status; /* when not what the error's code says */
	int64_t began_us;
	bool close;
};

static const char *header_of(const struct work *w, const char *name)
{
	const char *value = evhttp_find_header(evhttp_request_get_input_headers(w->request), name);

	return value == NULL ? "" : value;
}

/* ---- who */

static struct err *check_certificate(struct work *w)
{
	const struct cert *cert = &w->guard->cert;
	int64_t now = clock_now_s();
	bool counts = true;

	ENSURE(cert->not_before_at <= now && now <= cert->not_after_at, DENIED,
	       "your certificate is not valid at this time");
	if (ra_rules_issuer_of(w->call.ctx.rules, cert) != NULL)
		TRY(ra_certificate_counts(&counts, &w->call.ctx, cert));
	ENSURE(counts, DENIED, "your certificate is revoked, held, or not known here");
	return NULL;
}

static void copy_text(char *out, size_t size, struct slice text)
{
	(void)snprintf(out, size, "%.*s", (int)text.len, (const char *)text.p);
}

static struct err *find_operator(struct work *w)
{
	TRY(ra_guard_certificate(w->guard));
	ENSURE(w->call.ctx.rules != NULL, RETRY, "no policy is in force yet; ask again in a moment");
	const struct cert *cert = &w->guard->cert;
	const struct staff *s = policy_staff_find(&w->call.ctx.rules->policy, cert->key_hash, clock_now_s());

	ENSURE(s != NULL, DENIED, "your certificate's key is not on the list of staff");
	TRY(check_certificate(w));
	copy_text(w->op.person, sizeof w->op.person, s->person);
	copy_text(w->op.name, sizeof w->op.name, s->name);
	copy_text(w->op.office, sizeof w->op.office, s->office);
	w->op.role = s->role;
	memcpy(w->op.key_hash, cert->key_hash, 32);
	w->op.certificate = cert->der;
	ENSURE(ra_actor_of(&w->op.actor, ROLE_BIT(s->role)), BUG, "a role that is no actor");
	w->call.staff = &w->op;
	ENSURE((w->route->roles & ROLE_BIT(s->role)) != 0, DENIED, "not for the role %s", ra_actor_word(w->op.actor));
	return NULL;
}

/* A page of another origin cannot use an operator's certificate. */
static struct err *check_origin(struct work *w)
{
	const char *origin = header_of(w, "Origin");
	char own[300];

	(void)snprintf(own, sizeof own, "https://%s", header_of(w, "Host"));
	ENSURE(origin[0] == '\0' || strcasecmp(origin, own) == 0, DENIED, "requests of another origin are refused");
	return NULL;
}

/* ---- what */

static struct err *read_query(struct work *w, const char *text)
{
	struct evkeyval *kv;
	size_t length;

	if (text == NULL)
		return NULL;
	ENSURE_FIELD(evhttp_parse_query_str(text, &w->query) == 0, BAD_INPUT, "query", "not a query string");
	TAILQ_FOREACH(kv, &w->query, next)
	{
		OWN(err) e = text_utf8_length(&length, SLICE_STR(kv->value));

		ENSURE_FIELD(e == NULL && w->call.num_query < RA_CALL_QUERY, BAD_INPUT, "query",
			     "not UTF-8, or more than %d parameters", RA_CALL_QUERY);
		w->call.query[w->call.num_query].name = kv->key;
		w->call.query[w->call.num_query++].value = kv->value;
	}
	return NULL;
}

static struct err *find_route(struct work *w)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(w->request);
	const struct ra_route *routes = w->call.port == RA_PORT_OPERATORS ? ra_operator_routes : ra_applicant_routes;
	enum ra_method method = evhttp_request_get_command(w->request) == EVHTTP_REQ_POST ? RA_POST : RA_GET;
	const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	size_t len = 0, characters;
	unsigned methods = 0;

	w->path = path == NULL ? NULL : evhttp_uridecode(path, 0, &len);
	ENSURE_FIELD(w->path != NULL && strlen(w->path) == len, BAD_INPUT, "path", "not a path");
	TRY(text_utf8_length(&characters, SLICE(w->path, len)));
	w->route = ra_route_find(routes, method, w->path, w->call.args, &methods);
	if (w->route == NULL && methods != 0)
		w->refusal_status = HTTP_BADMETHOD;
	ENSURE_FIELD(w->route != NULL || methods == 0, BAD_INPUT, "method", "this path knows only %s",
		     methods == RA_GET ? "GET" : "POST");
	ENSURE_FIELD(w->route != NULL, NOT_FOUND, "path", "there is nothing here");
	return read_query(w, evhttp_uri_get_query(uri));
}

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";
	char next = strncasecmp(content_type, json, sizeof json - 1) == 0 ? content_type[sizeof json - 1] : 'x';

	return next == '\0' || next == ';' || next == ' ';
}

static struct err *read_body(struct work *w)
{
	const struct ra_conf *conf = w->call.ctx.ra->conf;
	struct evbuffer *in = evhttp_request_get_input_buffer(w->request);
	size_t len = evbuffer_get_length(in);
	int64_t max = w->route->body == RA_BODY_RAW ? conf->document_max_bytes : conf->max_body_bytes;

	w->call.content_type = header_of(w, "Content-Type");
	if (w->route->body == RA_BODY_NONE)
		return NULL;
	ENSURE_FIELD(len <= (size_t)max, TOO_LARGE, "body", "more than %lld octets", (long long)max);
	const unsigned char *bytes = len == 0 ? NULL : evbuffer_pullup(in, -1);
	w->call.body = SLICE(bytes, len);
	if (w->route->body == RA_BODY_RAW)
		return NULL;
	if (!is_json(w->call.content_type)) {
		w->refusal_status = 415;
		return ERR_FIELD(BAD_INPUT, "Content-Type", "application/json is expected");
	}
	return ra_json_read(&w->call.json, w->call.body);
}

static struct err *serve(struct work *w)
{
	struct ra_ctx *ctx = &w->call.ctx;

	TRY(find_route(w));
	TRY(db_ensure(ctx->db));
	TRY(ra_rules_hold(ctx->ra->rules, &ctx->rules));
	if (w->call.port == RA_PORT_OPERATORS) {
		TRY(find_operator(w));
		TRY(check_origin(w));
	}
	TRY(read_body(w));
	return w->route->handler(&w->call);
}

/* ---- answers */

static int add_to_evbuffer(const char *bytes, size_t len, void *arg)
{
	return evbuffer_add(arg, bytes, len);
}

/* Puts the answer into the output buffer; gives status and media type. */
static int prepare_problem(struct work *w, const char **out_type, const struct err *e)
{
	int status = w->refusal_status != 0 ? w->refusal_status : http_status_of(err_code(e));
	OWN(buf) text = BUF_INIT(8192);
	OWN(err) lost = http_problem_of(&text, status, e);

	if (lost == NULL)
		(void)evbuffer_add(evhttp_request_get_output_buffer(w->request), text.p, text.len);
	*out_type = HTTP_PROBLEM_MEDIA_TYPE;
	return status;
}

static int prepare_answer(struct work *w, const char **out_type)
{
	struct evbuffer *body = evhttp_request_get_output_buffer(w->request);

	if (w->call.raw_type != NULL) {
		(void)evbuffer_add(body, w->call.raw.p, w->call.raw.len);
		*out_type = w->call.raw_type;
	} else {
		(void)json_dump_callback(w->call.answer, add_to_evbuffer, body, JSON_COMPACT);
		(void)evbuffer_add(body, "\n", 1);
		*out_type = "application/json";
	}
	return w->call.status;
}

static void send_reply(struct work *w, int status, const char *type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(w->request);

	(void)evhttp_add_header(headers, "Content-Type", type);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	if (status == HTTP_SERVUNAVAIL)
		(void)evhttp_add_header(headers, "Retry-After", "1");
	if (w->close)
		(void)evhttp_add_header(headers, "Connection", "close");
	evhttp_send_reply(w->request, status, http_reason(status), NULL);
}

/* ---- telling */

/* Strangers could fill the ledger: a bounded number of entries a minute, for the whole process. */
static bool may_tell_of_stranger(struct ra *ra)
{
	int64_t minute = clock_mono_ms() / 60000;

	if (atomic_exchange(&ra->stranger_minute, minute) != minute)
		atomic_store(&ra->stranger_entries, STRANGERS_PER_MINUTE);
	return atomic_fetch_sub(&ra->stranger_entries, 1) > 0;
}

static struct err *tell_ledger(struct work *w, const struct err *refused)
{
	OWN(ra_log) log = RA_LOG_INIT;
	struct log_entry entry;
	char path[200], why[400];
	struct ra_who who = ra_call_who(&w->call);

	if (w->call.staff == NULL && !may_tell_of_stranger(w->call.ctx.ra))
		return NULL;
	if (w->call.staff == NULL)
		who.key_hash = w->guard->certificate.len > 0 ? w->guard->cert.key_hash : NULL;
	ra_log_begin(&entry, LOG_KIND_ACCESS_REFUSED, &who, NULL);
	entry.person = w->call.staff == NULL ? w->guard->cert.iin : who.person;
	log_entry_what(&entry, "path", log_text_fit(path, sizeof path, SLICE_STR(w->path)));
	log_entry_what(&entry, "address", w->guard->address);
	(void)err_text(refused, why, sizeof why);
	log_entry_why(&entry, why);
	TRY(ra_log_add(&log, &entry));
	return ra_write_log(w->call.ctx.db, &log);
}

static void tell(struct work *w, int status, struct err *refused)
{
	static const enum ra_metric by_port[2][3] = {
		{ RA_METRIC_APPLICANT_OK, RA_METRIC_APPLICANT_REFUSED, RA_METRIC_APPLICANT_FAILED },
		{ RA_METRIC_OPERATOR_OK, RA_METRIC_OPERATOR_REFUSED, RA_METRIC_OPERATOR_FAILED },
	};
	struct metrics *m = w->call.ctx.ra->metrics;
	struct log_ctx lc;

	metrics_add(m, by_port[w->call.port][status < 400 ? 0 : status < 500 ? 1 : 2], 1);
	metrics_observe_us(m, RA_METRIC_REQUEST_SECONDS, clock_mono_us() - w->began_us);
	if (refused == NULL)
		return;
	log_ctx_set(&lc, "address=%s route=%s", w->guard->address, w->route == NULL ? "?" : w->route->path);
	if (status >= 500) {
		log_err(LOG_ERROR, &lc, "request_failed", &refused);
		return;
	}
	/* The sentence may hold what a person typed: the log gets the code and the field. */
	log_info(&lc, "request_refused", "status=%d code=%s field=%s", status, err_code_word(err_code(refused)),
		 err_field(refused) == NULL ? "-" : err_field(refused));
	if (err_code(refused) == ERR_DENIED && w->call.port == RA_PORT_OPERATORS) {
		struct err *e = tell_ledger(w, refused);

		if (e != NULL)
			log_err(LOG_ERROR, &lc, "refusal_not_in_ledger", &e);
	}
	err_destroy(&refused);
}

void ra_dispatch(struct evhttp_request *request, struct ra_ctx *ctx, enum ra_port port, struct ra_guard *guard,
		 bool close)
{
	struct work w = { .request = request,
			  .guard = guard,
			  .call = { .ctx = *ctx, .port = port, .status = 200, .raw = BUF_INIT(64u * 1024 * 1024) },
			  .began_us = clock_mono_us(),
			  .close = close };

	TAILQ_INIT(&w.query);
	struct err *refused = serve(&w);
	if (refused == NULL && w.call.answer == NULL && w.call.raw_type == NULL)
		refused = ERR(NO_MEMORY, "an answer");
	ctx->rules = w.call.ctx.rules; /* the thread goes on holding what this call held */
	const char *type;
	int status = refused == NULL ? prepare_answer(&w, &type) : prepare_problem(&w, &type, refused);
	tell(&w, status, refused);
	send_reply(&w, status, type);
	evhttp_clear_headers(&w.query);
	json_decref(w.call.answer);
	json_decref(w.call.json);
	buf_clear(&w.call.raw);
	free(w.path);
}
