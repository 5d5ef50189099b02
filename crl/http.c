/*
 * http.c - what crld serves. See http.h.
 *
 * Files are opened for each request: a list that was just renamed into place is what the next request gets, and
 * whoever began with the old one gets all of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/http.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tlog/tree.h"

/* Lists and checkpoint change under one name: always asked again, which costs 304 when nothing changed. */
#define REVALIDATE "Cache-Control: public, no-cache\r\n"
#define A_DAY	   "Cache-Control: public, max-age=86400\r\n"
#define FOR_EVER   "Cache-Control: public, max-age=31536000, immutable\r\n"

static const struct {
	const char *folder, *suffix, *content_type, *headers;
} forms[] = {
	{ "", ".crl", "application/pkix-crl", REVALIDATE },
	{ "archive/", ".crl", "application/pkix-crl", FOR_EVER },
	{ "cert/", ".cer", "application/pkix-cert", A_DAY },
};

static bool starts_with(struct slice text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.p, prefix, len) == 0;
}

/* A plain file name: letters, digits, '_', '-' and '.', no dot at the beginning. */
static bool is_name(struct slice name)
{
	if (name.len == 0 || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '-' || c == '.'))
			return false;
	}
	return true;
}

static bool ends_with(struct slice text, const char *suffix)
{
	size_t len = strlen(suffix);

	return text.len > len && memcmp(text.p + text.len - len, suffix, len) == 0;
}

static bool route_log(struct crl_http_file *out, struct slice rest)
{
	struct tree_tile tile;

	if (slice_equal(rest, slice_str("checkpoint"))) {
		out->content_type = "text/plain; charset=utf-8";
		out->headers = REVALIDATE;
		return true;
	}
	OWN(err) e = tree_tile_parse(&tile, rest);
	out->content_type = "application/octet-stream";
	out->headers = FOR_EVER;
	return e == NULL;
}

bool crl_http_route(struct crl_http_file *out, struct slice path)
{
	struct crl_http_file file = { .content_type = NULL };

	if (path.len < 2 || path.len > sizeof file.path || path.p[0] != '/')
		return false;
	struct slice rest = SLICE(path.p + 1, path.len - 1);
	(void)snprintf(file.path, sizeof file.path, "%.*s", (int)rest.len, (const char *)rest.p);
	if (starts_with(rest, "log/")) {
		if (!route_log(&file, SLICE(rest.p + 4, rest.len - 4)))
			return false;
		*out = file;
		return true;
	}
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		size_t len = strlen(forms[i].folder);

		if (!starts_with(rest, forms[i].folder) || !is_name(SLICE(rest.p + len, rest.len - len)) ||
		    !ends_with(rest, forms[i].suffix))
			continue;
		file.content_type = forms[i].content_type;
		file.headers = forms[i].headers;
		*out = file;
		return true;
	}
	return false;
}

static void on_request(struct http_request *request, void *user)
{
	const struct crl_folder *folder = user;
	struct crl_http_file found;
	OWN(http_file) file = NULL;

	if (!crl_http_route(&found, request->head.path)) {
		http_respond_problem(request, 404, "not_found", "nothing is published under this path");
		return;
	}
	const struct http_file_conf conf = { .content_type = found.content_type, .headers = found.headers };
	struct err *e = http_file_open(&file, crl_folder_fd(folder), found.path, &conf);
	if (e == NULL) {
		http_respond_file(request, file);
		return;
	}
	if (err_code(e) == ERR_NOT_FOUND) {
		err_destroy(&e);
		http_respond_problem(request, 404, "not_found", "nothing is published under this path");
		return;
	}
	log_err(LOG_WARN, NULL, "http_file_failed", &e);
	http_respond_problem(request, 503, "system", "the file cannot be opened now");
}

struct http_hooks crl_http_hooks(void)
{
	return (struct http_hooks){ .on_request = on_request };
}
