/*
 * web.c - rad as an HTTP client. See web.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/web.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "ra/json.h"

enum { ANSWER_MAX = 256 * 1024 };

struct ra_web {
	CURL *curl;
	struct curl_slist *headers;
	struct buf answer;
	char problem[CURL_ERROR_SIZE];
};

struct err *ra_web_global(void)
{
	ENSURE(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, SYSTEM, "libcurl does not start");
	return NULL;
}

static size_t on_data(char *bytes, size_t one, size_t n, void *arg)
{
	struct ra_web *self = arg;
	OWN(err) e = buf_append(&self->answer, SLICE(bytes, one * n));

	return e == NULL ? one * n : 0; /* 0: libcurl ends the transfer with CURLE_WRITE_ERROR */
}

void ra_web_destroy(struct ra_web **self)
{
	if (*self == NULL)
		return;
	if ((*self)->curl != NULL)
		curl_easy_cleanup((*self)->curl);
	curl_slist_free_all((*self)->headers);
	buf_clear(&(*self)->answer);
	free(*self);
	*self = NULL;
}

struct err *ra_web_create(struct ra_web **out)
{
	OWN(ra_web) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "an HTTP client");
	self->answer = (struct buf)BUF_INIT(ANSWER_MAX);
	self->curl = curl_easy_init();
	self->headers = curl_slist_append(NULL, "Content-Type: application/json");
	ENSURE(self->curl != NULL && self->headers != NULL, NO_MEMORY, "an HTTP client");
	*out = TAKE(self);
	return NULL;
}

static void set_options(struct ra_web *self, const char *url, const char *body, int64_t timeout_ms)
{
	CURL *c = self->curl;

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout_ms < 5000 ? timeout_ms : 5000));
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, self->headers);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, self);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, self->problem);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "nuc-rad/" NUC_VERSION);
}

struct err *ra_web_post(struct ra_web *self, json_t **out, const char *url, const json_t *body, int64_t timeout_ms)
{
	char *text = json_dumps(body, JSON_COMPACT);
	long status = 0;

	ENSURE(text != NULL, NO_MEMORY, "a request as JSON");
	buf_reset(&self->answer);
	self->problem[0] = '\0';
	set_options(self, url, text, timeout_ms);
	CURLcode code = curl_easy_perform(self->curl);
	free(text);
	ENSURE(code != CURLE_OPERATION_TIMEDOUT, TIMEOUT, "%s: no answer in %lld ms", url, (long long)timeout_ms);
	ENSURE(code == CURLE_OK, GONE, "%s: %s", url,
	       self->problem[0] != '\0' ? self->problem : curl_easy_strerror(code));
	(void)curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
	ENSURE(status < 500, GONE, "%s: status %ld", url, status);
	ENSURE(status == 200, BAD_INPUT, "%s: status %ld", url, status);
	struct err *e = ra_json_read(out, buf_slice(&self->answer));
	return e == NULL ? NULL : ERR_WRAP(e, "%s: the answer", url);
}
