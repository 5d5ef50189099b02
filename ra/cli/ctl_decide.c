/*
 * ctl_decide.c - nucctl's commands that sign: approve, reject, revoke, hold, release. See ctl.h.
 *
 * One command is one signature, whatever the number of applications. Everything is fetched, checked and shown before the
 * key is used; if one application is not right, nothing is signed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "ra/cli/ctl.h"
#include "ra/cli/decide.h"
#include "ra/cli/order.h"

enum { WORDS_MAX = 16 * 1024 };

const struct option_row approve_options[] = {
	{ "valid-days", 0, OPTION_TEXT, "N", "how long the decision counts, 1..30 (default 7)", false },
	{ 0 },
};

const struct option_row reject_options[] = {
	{ "reason", 0, OPTION_TEXT, "CODE", "reason code", true },
	{ "text", 0, OPTION_TEXT, "TEXT", "what the applicant is told", false },
	{ "valid-days", 0, OPTION_TEXT, "N", "how long the decision counts, 1..30 (default 7)", false },
	{ 0 },
};

const struct option_row order_options[] = {
	{ "reason", 0, OPTION_TEXT, "REASON", "keyCompromise, superseded, cessationOfOperation, ...", true },
	{ "ground", 0, OPTION_TEXT, "TEXT", "why: the document or request it rests on", true },
	{ "invalid-since", 0, OPTION_TEXT, "TIME", "when the key is thought lost (2026-11-22T10:00:00Z)", false },
	{ "issuer", 0, OPTION_TEXT, "NAME", "issuing CA (default: rsa)", false },
	{ 0 },
};

const struct option_row order_only_options[] = {
	{ "ground", 0, OPTION_TEXT, "TEXT", "why: the document or request it rests on", false },
	{ "issuer", 0, OPTION_TEXT, "NAME", "issuing CA (default: rsa)", false },
	{ 0 },
};

/* ---------------------------------------------------------------- what is decided on */

struct members {
	uint8_t (*digests)[SHA256_LEN];
	size_t num;
};

static void members_clear(struct members *self)
{
	free(self->digests);
}
OWN_TYPE(members, struct members, members_clear)

static struct err *member_add(struct members *self, const uint8_t digest[SHA256_LEN])
{
	uint8_t(*more)[SHA256_LEN] = realloc(self->digests, (self->num + 1) * SHA256_LEN);

	ENSURE(more != NULL, NO_MEMORY, "out of memory");
	self->digests = more;
	memcpy(more[self->num++], digest, SHA256_LEN);
	return NULL;
}

static struct err *request_review(struct members *members, const struct cli *cli, const json_t *application,
				  const json_t *request)
{
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	OWN(buf) words = BUF_INIT(WORDS_MAX);
	struct authorisation authorisation;
	uint8_t digest[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	const char *text;

	TRY(answer_base64(&der, request, "authorisation"));
	der_sha256(digest, buf_slice(&der));
	ENSURE_FIELD(
		strcmp(text_hex_fixed(hex, SLICE(digest, sizeof digest)), answer_text_or(request, "digest", hex)) == 0,
		CONFLICT, "digest",
		"the service names another digest than that of the authorisation; nothing was signed");
	TRY(review_authorisation(&authorisation, buf_slice(&der), application, request, clock_now_s()));
	if (!cli->json) {
		TRY(review_words(&words, &authorisation));
		TRY(buf_str(&words, &text));
		TRY(cli_lines(cli, text));
	}
	return member_add(members, digest);
}

/* A person may write the number in lower case, without hyphens, with O for 0 and I or L for 1. */
static bool same_number(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "- ");
		b += strspn(b, "- ");
		int x = toupper((unsigned char)*a), y = toupper((unsigned char)*b);
		x = x == 'O' ? '0' : x == 'I' || x == 'L' ? '1' : x;
		y = y == 'O' ? '0' : y == 'I' || y == 'L' ? '1' : y;
		if (x != y)
			return false;
		if (x == '\0')
			return true;
	}
}

static struct err *application_review(struct members *members, struct cli *cli, struct client *client,
				      const char *number, enum decision_verdict verdict)
{
	OWN(json) application = NULL;
	json_t *requests, *request;
	size_t i;

	TRY(ctl_get(client, &application, "/api/v1/applications/%s", number));
	ENSURE_FIELD(same_number(answer_text_or(application, "number", ""), number), CONFLICT, "number",
		     "the service answers with another application than %.40s; nothing was signed", number);
	if (verdict == DECISION_APPROVE && json_is_false(json_object_get(application, "may_decide")))
		return ERR_FIELD(CONFLICT, "number", "%.40s is not yours to decide: %.200s", number,
				 answer_text_or(application, "why_not", "see nucctl show"));
	TRY(answer_array(&requests, application, "requests"));
	ENSURE_FIELD(json_array_size(requests) > 0, CONFLICT, "requests", "the application asks for no certificate");
	json_array_foreach(requests, i, request) TRY(request_review(members, cli, application, request));
	return NULL;
}

static struct err *valid_find(int64_t *out_s, struct cli *cli)
{
	const char *text = options_text(&cli->options, "valid-days");
	char *end;

	*out_s = DECIDE_VALID_S;
	if (text == NULL)
		return NULL;
	long days = strtol(text, &end, 10);
	if (*end != '\0' || days < 1 || days > AUTHORITY_MAX_DECISION_AGE_S / 86400)
		return cli_usage(cli, "valid-days", "--valid-days is a number from 1 to %d",
				 AUTHORITY_MAX_DECISION_AGE_S / 86400);
	*out_s = days * 86400;
	return NULL;
}

static struct err *decision_body(json_t **out, const struct cli *cli, const struct decide_terms *terms,
				 const struct key_store *store, const struct members *members)
{
	OWN(buf) decision = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	OWN(json) body = json_object();

	ENSURE(body != NULL, NO_MEMORY, "out of memory");
	TRY(decide_sign(&decision, &cms, store, terms, members->digests, members->num));
	TRY(request_base64(body, "decision", buf_slice(&decision)));
	TRY(request_base64(body, "signature", buf_slice(&cms)));
	if (terms->verdict == DECISION_REJECT)
		TRY(request_text(body, "reason_text", options_text(&cli->options, "text"), "text"));
	*out = TAKE(body);
	return NULL;
}

static struct err *decide_run(struct cli *cli, enum decision_verdict verdict, const char *reason)
{
	static const struct cli_column columns[] = { { "NUMBER", "number" }, { "STATE", "state" }, { 0 } };
	struct decide_terms terms = { .kind = DECISION_AUTHORISATIONS, .verdict = verdict, .reason = reason };
	OWN(members) members = { 0 };
	OWN(key_store) store = NULL;
	OWN(client) client = NULL;
	OWN(json) body = NULL;
	OWN(json) answer = NULL;
	json_t *rows;

	TRY(valid_find(&terms.valid_s, cli));
	TRY(ctl_open(&store, &client, cli));
	for (size_t i = 0; i < cli->options.num_words; i++)
		TRY(application_review(&members, cli, client, cli->options.words[i], verdict));
	TRY(decision_body(&body, cli, &terms, store, &members));
	TRY(client_post(client, &answer, "/api/v1/decisions", body));
	if (cli->json)
		return cli_json(cli, answer);
	TRY(answer_array(&rows, answer, "applications"));
	return cli_table(cli, columns, rows);
}

struct err *ctl_approve(struct cli *cli)
{
	return decide_run(cli, DECISION_APPROVE, "");
}

struct err *ctl_reject(struct cli *cli)
{
	return decide_run(cli, DECISION_REJECT, options_text(&cli->options, "reason"));
}

/* ---------------------------------------------------------------- orders */

/* Finds the open order of this action that waits for a second person; empty when there is none. */
static struct err *pending_find(struct buf *out, const json_t *certificate, enum order_action action)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(certificate, "pending"), i, row)
	{
		struct status_order order;

		buf_reset(out);
		TRY(answer_base64(out, row, "order"));
		TRY(status_order_decode(&order, buf_slice(out)));
		if (order.action == action)
			return NULL;
	}
	buf_reset(out);
	return NULL;
}

static struct err *certificate_get(struct buf *out_der, json_t **out, struct client *client,
				   const struct order_terms *terms)
{
	OWN(buf) path = BUF_INIT(1024);
	const char *text, *pem;

	TRY(client_path(&path, "/api/v1/certificates/%s?issuer=%s", terms->serial, terms->issuer));
	TRY(buf_str(&path, &text));
	TRY(client_get(client, out, text));
	TRY(answer_text(&pem, *out, "pem"));
	return cert_from_pem(out_der, SLICE_STR(pem));
}

static struct err *order_run(struct cli *cli, enum order_action action)
{
	OWN(key_store) store = NULL;
	OWN(client) client = NULL;
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) pending = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(json) certificate = NULL;
	OWN(json) body = NULL;
	OWN(json) answer = NULL;
	struct order_terms terms = {
		.action = action,
		.serial = cli->options.words[0],
		.issuer = options_text_or(&cli->options, "issuer", "rsa"),
		.ground = options_text_or(&cli->options, "ground", ""),
	};

	if (action == ORDER_REVOKE) {
		terms.reason = options_text(&cli->options, "reason");
		terms.invalid_since = options_text(&cli->options, "invalid-since");
	}
	TRY(ctl_open(&store, &client, cli));
	TRY(certificate_get(&der, &certificate, client, &terms));
	terms.certificate = buf_slice(&der);
	TRY(pending_find(&pending, certificate, action));
	if (pending.len > 0)
		TRY(order_countersign(&body, store, &terms, buf_slice(&pending)));
	else
		TRY(order_request(&body, store, &terms));
	TRY(client_post(client, &answer, "/api/v1/orders", body));
	return order_show(cli, answer);
}

struct err *ctl_revoke(struct cli *cli)
{
	return order_run(cli, ORDER_REVOKE);
}

struct err *ctl_hold(struct cli *cli)
{
	return order_run(cli, ORDER_HOLD);
}

struct err *ctl_release(struct cli *cli)
{
	return order_run(cli, ORDER_RELEASE);
}
