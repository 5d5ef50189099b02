/*
 * lint.c - runs the lints and hands out tokens. See lint.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/lint/lint.h"

#include <string.h>

#include "ca/lint/lint_internal.h"

/* A token that lint_tbs() did not make is all zeros or rubbish, never this. */
enum { TOKEN_GOOD = 0x4C696E74, TOKEN_SPENT = 0x55736564, REPORT_MAX = 8192 };

static struct err *run(struct buf *report, const struct lint_view *v)
{
	char text[400];

	for (size_t i = 0; lint_at(i) != NULL; i++) {
		const struct lint *l = lint_at(i);

		if ((v->is_read && v->cert.not_before_at < l->effective_at) || (l->applies != NULL && !l->applies(v)))
			continue;
		OWN(err) e = l->check(v);
		if (err_category(err_code(e)) == ERR_FAULT && e != NULL)
			return TAKE(e);
		if (e != NULL)
			TRY(buf_printf(report, "%s%s: %s: %s", report->len == 0 ? "" : "; ", l->name, l->citation,
				       err_text(e, text, sizeof text)));
	}
	return NULL;
}

struct err *lint_tbs(struct lint_token *out, const struct lint_context *context, struct slice tbs)
{
	OWN(buf) report = BUF_INIT(REPORT_MAX);
	struct lint_view v;
	const char *lines = NULL;
	struct err *e = lint_view_open(&v, context, tbs);

	memset(out, 0, sizeof *out);
	if (e != NULL)
		return ERR_WRAP(e, "rfc5280_form: RFC 5280 §4.1: the frame cannot be read");
	TRY(run(&report, &v));
	if (report.len > 0) {
		TRY(buf_str(&report, &lines));
		return ERR(BAD_INPUT, "%s", lines);
	}
	der_sha256(out->digest, tbs);
	out->state = TOKEN_GOOD;
	return NULL;
}

struct err *lint_token_use(struct lint_token *token, struct slice tbs)
{
	uint8_t digest[SHA256_LEN];

	ENSURE(token->state != TOKEN_SPENT, BUG, "the lint token was spent before");
	ENSURE(token->state == TOKEN_GOOD, BUG, "there is no lint token: the certificate was not linted, or failed");
	token->state = TOKEN_SPENT;
	der_sha256(digest, tbs);
	ENSURE(memcmp(digest, token->digest, sizeof digest) == 0, BUG,
	       "the bytes to be signed are not those that were linted");
	return NULL;
}
