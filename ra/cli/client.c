/*
 * client.c - HTTPS with libcurl, problem documents into errors. See client.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct client {
	CURL *curl;
	char *url;
	bool is_local; /* over a unix socket */
	char message[CURL_ERROR_SIZE];
};

OWN_POINTER(curl_headers, struct curl_slist *, curl_slist_free_all)

void client_destroy(struct client **self)
{
	if (*self == NULL)
		return;
	curl_easy_cleanup((*self)->curl);
	free((*self)->url);
	free(*self);
	*self = NULL;
}

/* ---------------------------------------------------------------- preparing */

static bool is_own_address(const char *url)
{
	static const char *const hosts[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		size_t len = strlen(hosts[i]);
		if (strncmp(url, hosts[i], len) == 0 && (url[len] == ':' || url[len] == '\0'))
			return true;
	}
	return false;
}

struct setting {
	CURLoption option;
	const char *value;
};

static struct err *settings_apply(CURL *curl, const struct client_options *options)
{
	bool is_p12 = options->certificate != NULL && options->key == NULL;
	const struct setting texts[] = {
		{ CURLOPT_CAINFO, options->ca_file },
		{ CURLOPT_SSLCERTTYPE, is_p12 ? "P12" : NULL },
		{ CURLOPT_SSLCERT, options->certificate },
		{ CURLOPT_SSLKEY, options->key },
		{ CURLOPT_KEYPASSWD, options->key_password },
		{ CURLOPT_UNIX_SOCKET_PATH, options->unix_socket },
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		{ CURLOPT_USERAGENT, "nuc/" NUC_VERSION },
		{ CURLOPT_PROXY, "" },
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (texts[i].value == NULL)
			continue;
		ENSURE(curl_easy_setopt(curl, texts[i].option, texts[i].value) == CURLE_OK, SYSTEM,
		       "libcurl refuses an option");
	}
	long timeout_s = options->timeout_s > 0 ? options->timeout_s : 60;
	ENSURE(curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s) == CURLE_OK &&
		       curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L) == CURLE_OK &&
		       curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
		       curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
		       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK,
	       SYSTEM, "libcurl refuses an option");
	return NULL;
}

struct err *client_create(struct client **out, const struct client_options *options)
{
	size_t len = strlen(options->url);

	ENSURE_FIELD(options->unix_socket != NULL || strncmp(options->url, "https://", 8) == 0 ||
			     is_own_address(options->url),
		     BAD_INPUT, "url", "%.100s: the address must begin with https:// (http:// only for this machine)",
		     options->url);
	ENSURE(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, SYSTEM, "libcurl cannot start");
	OWN(client) self = calloc(1, sizeof *self);
	ENSURE(self != NULL, NO_MEMORY, "out of memory");
	self->curl = curl_easy_init();
	self->is_local = options->unix_socket != NULL;
	self->url = strdup(options->url);
	ENSURE(self->curl != NULL && self->url != NULL, NO_MEMORY, "out of memory");
	while (len > 0 && self->url[len - 1] == '/')
		self->url[--len] = '\0';
	ENSURE(curl_easy_setopt(self->curl, CURLOPT_ERRORBUFFER, self->message) == CURLE_OK, SYSTEM,
	       "libcurl refuses an option");
	TRY(settings_apply(self->curl, options));
	*out = TAKE(self);
	return NULL;
}

/* ---------------------------------------------------------------- one exchange */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	OWN(err) e = buf_append(arg, SLICE(bytes, size * n));

	/* Fewer than were given: libcurl ends the transfer with CURLE_WRITE_ERROR. */
	return e == NULL ? size * n : 0;
}

static struct err *unreached(const struct client *self, CURLcode code)
{
	const char *text = self->message[0] != '\0' ? self->message : curl_easy_strerror(code);

	if (code == CURLE_OPERATION_TIMEDOUT)
		return ERR(TIMEOUT, "%s could not be reached: %s; is the service running?", self->url, text);
	if (code == CURLE_WRITE_ERROR)
		return ERR(TOO_LARGE, "%s answers with more than %d bytes", self->url, CLIENT_ANSWER_MAX);
	if (code == CURLE_OUT_OF_MEMORY)
		return ERR(NO_MEMORY, "out of memory");
	if (code == CURLE_SSL_CERTPROBLEM)
		return ERR_FIELD(BAD_INPUT, "key", "the client certificate or its key cannot be used: %s", text);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		return ERR(GONE, "%s could not be verified: %s; check NUC_TLS_CA", self->url, text);
	return ERR(GONE, "%s could not be reached: %s; is the service running?", self->url, text);
}

struct exchange {
	const char *path, *type; /* type of the request's body; NULL: a GET */
	struct slice body;
	struct buf *answer;
	long status;
};

static struct err *exchange_prepare(struct client *self, const struct exchange *x, const char *url,
				    struct curl_slist **headers)
{
	CURL *curl = self->curl;
	bool ok = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
		  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
		  curl_easy_setopt(curl, CURLOPT_WRITEDATA, x->answer) == CURLE_OK;

	/* No "Expect: 100-continue": it costs a second with servers that do not answer it. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	OWN(curl_headers) kept = list;
	ENSURE(list != NULL && ok, NO_MEMORY, "out of memory");
	if (x->type != NULL) {
		OWN(buf) line = BUF_INIT(200);
		const char *text;

		TRY(buf_printf(&line, "Content-Type: %s", x->type));
		TRY(buf_str(&line, &text));
		list = curl_slist_append(kept, text);
		ENSURE(list != NULL, NO_MEMORY, "out of memory");
		ok = curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
		     curl_easy_setopt(curl, CURLOPT_POSTFIELDS, x->body.len > 0 ? (const char *)x->body.p : "") ==
			     CURLE_OK &&
		     curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.len) == CURLE_OK;
	} else {
		ok = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	}
	ENSURE(ok && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, kept) == CURLE_OK, SYSTEM, "libcurl refuses an option");
	*headers = TAKE(kept);
	return NULL;
}

static struct err *exchange_run(struct client *self, struct exchange *x)
{
	OWN(buf) url = BUF_INIT(8192);
	OWN(curl_headers) headers = NULL;
	const char *text;

	TRY(buf_printf(&url, "%s%s", self->url, x->path));
	TRY(buf_str(&url, &text));
	TRY(exchange_prepare(self, x, text, &headers));
	self->message[0] = '\0';
	CURLcode code = curl_easy_perform(self->curl);
	(void)curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, NULL);
	if (code != CURLE_OK)
		return unreached(self, code);
	(void)curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &x->status);
	return NULL;
}

/* ---------------------------------------------------------------- answers */

static enum err_code code_of_status(long status)
{
	static const struct {
		long status;
		enum err_code code;
	} rows[] = { { 401, ERR_DENIED },   { 403, ERR_DENIED },    { 404, ERR_NOT_FOUND },
		     { 409, ERR_CONFLICT }, { 413, ERR_TOO_LARGE }, { 500, ERR_SYSTEM },
		     { 502, ERR_RETRY },    { 503, ERR_RETRY },	    { 504, ERR_RETRY } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].status == status)
			return rows[i].code;
	return ERR_BAD_INPUT;
}

static size_t line_len(const struct buf *text)
{
	const uint8_t *end = text->len == 0 ? NULL : memchr(text->p, '\n', text->len);
	size_t len = end == NULL ? text->len : (size_t)(end - text->p);

	return len > 400 ? 400 : len;
}

/* RFC 9457: title says what, detail says it of this request, field (ours) names the member. */
static struct err *problem(const struct client *self, const struct exchange *x)
{
	OWN(json) document = json_loadb((const char *)x->answer->p, x->answer->len, JSON_REJECT_DUPLICATES, NULL);
	const char *title = answer_text_or(document, "title", NULL);
	const char *detail = answer_text_or(document, "detail", NULL);
	const char *field = answer_text_or(document, "field", NULL);
	enum err_code code = code_of_status(x->status);

	if (field != NULL && field[0] == '\0')
		field = NULL;
	if (detail == NULL || detail[0] == '\0')
		detail = title;
	if (detail == NULL && document == NULL && self->is_local) /* an admin socket answers a line of text */
		return err_new(code, __FILE__, __LINE__, NULL, "%.*s", (int)line_len(x->answer),
			       (const char *)x->answer->p);
	if (detail == NULL)
		return err_new(code, __FILE__, __LINE__, NULL, "%s answers %s with status %ld and no reason", self->url,
			       x->path, x->status);
	return err_new(code, __FILE__, __LINE__, field, "%.400s", detail);
}

static struct err *exchange_json(struct client *self, json_t **out, struct exchange *x)
{
	OWN(buf) answer = BUF_INIT(CLIENT_ANSWER_MAX);
	json_error_t where;

	x->answer = &answer;
	TRY(exchange_run(self, x));
	if (x->status < 200 || x->status > 299)
		return problem(self, x);
	OWN(json) document = json_loadb((const char *)answer.p, answer.len, JSON_REJECT_DUPLICATES, &where);
	ENSURE(document != NULL && json_is_object(document), GONE,
	       "%s answers %s with something that is no JSON object; is it the right address?", self->url, x->path);
	*out = TAKE(document);
	return NULL;
}

struct err *client_get(struct client *self, json_t **out, const char *path)
{
	struct exchange x = { .path = path };

	return exchange_json(self, out, &x);
}

static void dump_free(char *text)
{
	free(text);
}
OWN_POINTER(json_dump, char *, dump_free)

struct err *client_post(struct client *self, json_t **out, const char *path, const json_t *body)
{
	OWN(json_dump) text = json_dumps(body, JSON_COMPACT);

	ENSURE(text != NULL, NO_MEMORY, "the request cannot be encoded as JSON");
	struct exchange x = { .path = path, .type = "application/json", .body = SLICE_STR(text) };
	return exchange_json(self, out, &x);
}

struct err *client_post_bytes(struct client *self, json_t **out, const char *path, const char *type, struct slice body)
{
	struct exchange x = { .path = path, .type = type, .body = body };

	return exchange_json(self, out, &x);
}

struct err *client_get_text(struct client *self, struct buf *out, long *out_status, const char *path)
{
	struct exchange x = { .path = path, .answer = out };

	TRY(exchange_run(self, &x));
	*out_status = x.status;
	return NULL;
}
