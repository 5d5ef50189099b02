/*
 * problem.h - problem documents (RFC 9457): the one form of an error that a program reads over HTTP.
 *
 * {"type":"urn:nuc:problem:bad_input","title":"...","status":400,"detail":"...","field":"iin"}
 * The type's last part is the word of the error code (base/err_codes.def), stable for scripts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_HTTP_PROBLEM_H
#define COMMON_HTTP_PROBLEM_H

#include "base/buf.h"

#define HTTP_PROBLEM_MEDIA_TYPE "application/problem+json"
#define HTTP_PROBLEM_TYPE	"urn:nuc:problem:"

/* http_problem() appends a document. `detail` and `field` may be NULL or empty: then they are left out. Texts are
 * escaped as JSON asks; bytes that are not well-formed UTF-8 become U+FFFD. */
struct err *http_problem(struct buf *out, int status, const char *word, const char *detail,
			 const char *field) ERR_MUST_USE;

/* http_problem_of() appends the document of an error. A fault of ours (category ERR_FAULT) gives no detail away. */
struct err *http_problem_of(struct buf *out, int status, const struct err *e) ERR_MUST_USE;

/* http_status_of() gives the status that answers an error: 400, 403, 404, 409, 413, 500, 503, 504. */
int http_status_of(enum err_code code);

/* http_reason() gives the reason phrase of a status ("Not Found"), or "Status" when it is none of RFC 9110's. */
const char *http_reason(int status);

#endif
