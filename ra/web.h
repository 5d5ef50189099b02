/*
 * web.h - rad as a client: JSON over HTTP to the services it uses (identification, SMS), with limits.
 *
 * One object is one libcurl handle and belongs to one thread. No redirects, http and https only, whole answer within
 * the timeout and 256 KiB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_WEB_H
#define RA_WEB_H

#include <jansson.h>
#include <stdint.h>

#include "base/own.h"

struct ra_web;

/* ra_web_global() prepares libcurl, once, before threads. *Errors* SYSTEM. */
struct err *ra_web_global(void) ERR_MUST_USE;

struct err *ra_web_create(struct ra_web **out) ERR_MUST_USE;
void ra_web_destroy(struct ra_web **self);
OWN_TYPE(ra_web, struct ra_web *, ra_web_destroy)

/* ra_web_post() posts `body` as JSON and reads the JSON object that is answered with 200. *Errors* GONE (not reachable, or
 * an answer of 5xx), TIMEOUT, BAD_INPUT (any other status, or what is no JSON object). */
struct err *ra_web_post(struct ra_web *self, json_t **out, const char *url, const json_t *body,
			int64_t timeout_ms) ERR_MUST_USE;

#endif
