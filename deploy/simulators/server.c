/*
 * server.c - the HTTP front of the SIMULATORS. See server.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/simulators/server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "deploy/simulators/identify.h"
#include "deploy/simulators/register.h"

enum { BODY_MAX = 1024 * 1024, HEADERS_MAX = 16 * 1024, TIMEOUT_S = 60 };

struct simulators {
	struct event_base *base;
	struct evhttp *http;
	struct event *term, *interrupt;
	uint16_t port;
	struct key_store *store;
	json_t *file;
	struct messages messages;
};

/* What a request is about; `rest` is what follows the route's path. */
struct asked {
	struct simulators *self;
	struct evhttp_request *request;
	const json_t *body; /* of a POST */
	const char *rest;
};

/* ---------------------------------------------------------------- routes */

static struct err *on_identify(json_t **out, const struct asked *asked)
{
	return identify(out, asked->body, asked->self->file, asked->self->store);
}

static struct err *on_sms_post(json_t **out, const struct asked *asked)
{
	const char *to, *text;
	uint64_t id;

	TRY(answer_text(&to, asked->body, "to"));
	TRY(answer_text(&text, asked->body, "text"));
	TRY(messages_take(&asked->self->messages, &id, to, text));
	*out = json_pack("{s:I}", "id", (json_int_t)id);
	return NULL;
}

static struct err *on_sms_get(json_t **out, const struct asked *asked)
{
	struct evkeyvalq query = { 0 };
	const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(asked->request));

	ENSURE_FIELD(text != NULL && evhttp_parse_query_str(text, &query) == 0, BAD_INPUT, "to",
		     "name the number: /sms?to=+7...");
	char *to = (char *)evhttp_find_header(&query, "to");
	if (to != NULL && to[0] == ' ')
		to[0] = '+'; /* a plus sign that was not percent-encoded */
	struct err *e = to != NULL ? messages_of(out, &asked->self->messages, to)
				   : ERR_FIELD(BAD_INPUT, "to", "name the number: /sms?to=+7...");
	evhttp_clear_headers(&query);
	return e;
}

static struct err *on_person(json_t **out, const struct asked *asked)
{
	return register_person(out, asked->self->file, asked->rest);
}

static struct err *on_organisation(json_t **out, const struct asked *asked)
{
	return register_organisation(out, asked->self->file, asked->rest);
}

static const struct {
	enum evhttp_cmd_type method;
	const char *path;
	bool takes_rest;
	struct err *(*answer)(json_t **out, const struct asked *asked);
} routes[] = {
	{ EVHTTP_REQ_POST, "/identify", false, on_identify },
	{ EVHTTP_REQ_POST, "/sms", false, on_sms_post },
	{ EVHTTP_REQ_GET, "/sms", false, on_sms_get },
	{ EVHTTP_REQ_GET, "/person/", true, on_person },
	{ EVHTTP_REQ_GET, "/organisation/", true, on_organisation },
};

/* ---------------------------------------------------------------- one exchange */

static struct err *body_read(json_t **out, struct evhttp_request *request)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	size_t len = evbuffer_get_length(in);
	json_error_t where;

	const unsigned char *bytes = evbuffer_pullup(in, -1);
	*out = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(*out))
		return ERR_FIELD(BAD_INPUT, "body", "the body is no JSON object");
	return NULL;
}

static struct err *answer_find(json_t **out, struct simulators *self, struct evhttp_request *request)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
	OWN(json) body = NULL;

	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		size_t len = strlen(routes[i].path);
		bool fits = path != NULL && (routes[i].takes_rest ? strncmp(path, routes[i].path, len) == 0
								  : strcmp(path, routes[i].path) == 0);

		if (!fits || routes[i].method != evhttp_request_get_command(request))
			continue;
		if (routes[i].method == EVHTTP_REQ_POST)
			TRY(body_read(&body, request));
		const struct asked asked = { self, request, body, path + len };
		TRY(routes[i].answer(out, &asked));
		ENSURE(*out != NULL, NO_MEMORY, "out of memory");
		return NULL;
	}
	return ERR_FIELD(NOT_FOUND, "path", "the simulators have no such resource");
}

static void reply(struct evhttp_request *request, int status, const char *type, const json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT);
	struct evbuffer *out = evhttp_request_get_output_buffer(request);

	(void)evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
	if (text != NULL)
		(void)evbuffer_add(out, text, strlen(text));
	free(text);
	evhttp_send_reply(request, text != NULL ? status : 500, NULL, NULL);
}

static int status_of(const struct err *e)
{
	switch (err_category(err_code(e))) {
	case ERR_REFUSE:
		return err_code(e) == ERR_NOT_FOUND ? 404 : 422;
	case ERR_AUDIT:
		return 403;
	default:
		return 500;
	}
}

static void reply_problem(struct evhttp_request *request, const struct err *e)
{
	char text[600], type[80];
	int status = status_of(e);
	const char *field = err_field(e);

	(void)snprintf(type, sizeof type, "urn:nuc:problem:%s", err_code_word(err_code(e)));
	OWN(json)
	document = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title", "refused by the simulator", "status",
			     status, "detail", err_text(e, text, sizeof text), "field", field != NULL ? field : "");
	reply(request, status, "application/problem+json", document);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	OWN(json) answer = NULL;
	struct err *e = answer_find(&answer, arg, request);

	if (e == NULL) {
		reply(request, 200, "application/json", answer);
		return;
	}
	reply_problem(request, e);
	log_err(LOG_INFO, NULL, "refused", &e);
}

/* ---------------------------------------------------------------- life */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)event_base_loopbreak(arg);
}

static struct err *port_bind(struct simulators *self, uint16_t port)
{
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(self->http, "127.0.0.1", port);
	struct sockaddr_in address = { 0 };
	socklen_t len = sizeof address;
	int one = 1;

	if (bound == NULL)
		return ERR_ERRNO("port %u of 127.0.0.1 cannot be bound; is something else using it?", (unsigned)port);
	int fd = evhttp_bound_socket_get_fd(bound);
	/* Inherited by connections: without it keep-alive exchanges wait for delayed acknowledgements. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return ERR_ERRNO("the port is not known");
	self->port = ntohs(address.sin_port);
	return NULL;
}

struct err *simulators_create(struct simulators **out, uint16_t port, struct key_store *store, json_t *file)
{
	OWN(simulators) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "out of memory");
	TRY(messages_init(&self->messages));
	self->base = event_base_new();
	ENSURE(self->base != NULL, SYSTEM, "no event loop");
	self->http = evhttp_new(self->base);
	ENSURE(self->http != NULL, NO_MEMORY, "out of memory");
	evhttp_set_max_body_size(self->http, BODY_MAX);
	evhttp_set_max_headers_size(self->http, HEADERS_MAX);
	evhttp_set_timeout(self->http, TIMEOUT_S);
	evhttp_set_allowed_methods(self->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_gencb(self->http, on_request, self);
	TRY(port_bind(self, port));
	self->term = evsignal_new(self->base, SIGTERM, on_signal, self->base);
	self->interrupt = evsignal_new(self->base, SIGINT, on_signal, self->base);
	ENSURE(self->term != NULL && self->interrupt != NULL && event_add(self->term, NULL) == 0 &&
		       event_add(self->interrupt, NULL) == 0,
	       SYSTEM, "signals cannot be watched");
	self->store = store;
	self->file = file;
	*out = TAKE(self);
	return NULL;
}

void simulators_destroy(struct simulators **self)
{
	struct simulators *s = *self;

	if (s == NULL)
		return;
	if (s->term != NULL)
		event_free(s->term);
	if (s->interrupt != NULL)
		event_free(s->interrupt);
	if (s->http != NULL)
		evhttp_free(s->http);
	if (s->base != NULL)
		event_base_free(s->base);
	messages_clear(&s->messages);
	key_store_destroy(&s->store);
	json_decref(s->file);
	free(s);
	*self = NULL;
}

uint16_t simulators_port(const struct simulators *self)
{
	return self->port;
}

struct err *simulators_run(struct simulators *self)
{
	ENSURE(event_base_dispatch(self->base) == 0, SYSTEM, "the event loop failed");
	return NULL;
}
