/*
 * ctl_queue.c - nucctl's commands about applications that need no signature. See ctl.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "ra/cli/application.h"
#include "ra/cli/ctl.h"
#include "ra/cli/decide.h"

enum { WORDS_MAX = 16 * 1024, PATH_MAX_LEN = 1024 };

const struct option_row queue_options[] = {
	{ "state", 0, OPTION_TEXT, "STATE", "only applications in this state", false },
	{ "kind", 0, OPTION_TEXT, "KIND", "only this kind", false },
	{ "limit", 0, OPTION_TEXT, "N", "at most so many", false },
	{ "offset", 0, OPTION_TEXT, "N", "leave out the first N", false },
	{ 0 },
};

const struct option_row reason_options[] = {
	{ "reason", 0, OPTION_TEXT, "CODE", "reason code", true },
	{ "text", 0, OPTION_TEXT, "TEXT", "what the applicant is told", false },
	{ 0 },
};

const struct option_row documents_options[] = {
	{ "need", 0, OPTION_TEXT, "TEXT", "which documents are needed", true },
	{ 0 },
};

static struct err *query_add(struct buf *path, const struct cli *cli, const char *name, char *separator)
{
	const char *value = options_text(&cli->options, name);

	if (value == NULL)
		return NULL;
	TRY(buf_append_u8(path, (uint8_t)*separator));
	*separator = '&';
	TRY(buf_append_str(path, name));
	return client_path(path, "=%s", value);
}

struct err *ctl_queue(struct cli *cli)
{
	static const struct cli_column columns[] = {
		{ "NUMBER", "number" },	   { "KIND", "kind" },		 { "CHANNEL", "channel" },
		{ "STATE", "state" },	   { "APPLICANT", "applicant" }, { "IIN", "iin" },
		{ "BIN", "bin" },	   { "AGE S", "age_s" },	 { "CLAIMED BY", "claimed_by" },
		{ "YOURS", "may_decide" }, { "WHY NOT", "why_not" },	 { 0 },
	};
	OWN(client) client = NULL;
	OWN(buf) path = BUF_INIT(PATH_MAX_LEN);
	OWN(json) answer = NULL;
	const char *text;
	char separator = '?';
	json_t *rows;

	TRY(ctl_open(NULL, &client, cli));
	TRY(buf_append_str(&path, "/api/v1/queue"));
	for (const struct option_row *row = queue_options; row->name != NULL; row++)
		TRY(query_add(&path, cli, row->name, &separator));
	TRY(buf_str(&path, &text));
	TRY(client_get(client, &answer, text));
	if (cli->json)
		return cli_json(cli, answer);
	TRY(answer_array(&rows, answer, "applications"));
	TRY(cli_table(cli, columns, rows));
	json_int_t total = json_integer_value(json_object_get(answer, "total"));
	if ((size_t)total > json_array_size(rows))
		(void)fprintf(cli->out, "%zu of %lld; see --limit and --offset\n", json_array_size(rows),
			      (long long)total);
	return NULL;
}

/* ---------------------------------------------------------------- show */

static struct err *request_show(const struct cli *cli, const json_t *application, const json_t *request)
{
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	OWN(buf) words = BUF_INIT(WORDS_MAX);
	struct authorisation authorisation;
	const char *text;

	TRY(answer_base64(&der, request, "authorisation"));
	(void)fprintf(cli->out, "\n");
	struct err *e = review_authorisation(&authorisation, buf_slice(&der), application, request, clock_now_s());
	if (e != NULL) {
		/* What cannot be signed is still worth seeing; approve refuses it. */
		char reason[600];

		(void)err_text(e, reason, sizeof reason);
		err_destroy(&e);
		TRY(cli_field(cli, "attention", reason));
		TRY(authorisation_decode(&authorisation, buf_slice(&der)));
	}
	TRY(review_words(&words, &authorisation));
	TRY(buf_str(&words, &text));
	return cli_lines(cli, text);
}

static struct err *scalars_show(const struct cli *cli, const json_t *application)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)application, name, value)
	{
		char number[32];

		if (json_is_string(value))
			TRY(cli_field(cli, name, json_string_value(value)));
		else if (json_is_boolean(value))
			TRY(cli_field(cli, name, json_is_true(value) ? "yes" : "no"));
		else if (json_is_integer(value)) {
			(void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
			TRY(cli_field(cli, name, number));
		}
	}
	return NULL;
}

/* An empty list is not shown. */
static struct err *list_show(const struct cli *cli, const json_t *answer, const char *member,
			     const struct cli_column *columns)
{
	const json_t *rows = json_object_get(answer, member);

	if (json_array_size(rows) == 0)
		return NULL;
	(void)fprintf(cli->out, "\n");
	return cli_table(cli, columns, rows);
}

struct err *ctl_show(struct cli *cli)
{
	static const struct cli_column documents[] = { { "DOCUMENT", "id" },
						       { "NAME", "name" },
						       { "TYPE", "media_type" },
						       { "SIZE", "size" },
						       { "ADDED BY", "added_by" },
						       { "AT", "added_at" },
						       { 0 } };
	static const struct cli_column decisions[] = {
		{ "DECIDED BY", "person" }, { "ROLE", "role" }, { "VERDICT", "verdict" }, { "AT", "at" }, { 0 }
	};
	static const struct cli_column history[] = { { "AT", "at" },   { "FROM", "from" }, { "TO", "to" },
						     { "WHO", "who" }, { "WHY", "why" },   { 0 } };
	OWN(client) client = NULL;
	OWN(json) answer = NULL;
	json_t *requests, *request;
	size_t i;

	TRY(ctl_open(NULL, &client, cli));
	TRY(ctl_get(client, &answer, "/api/v1/applications/%s", cli->options.words[0]));
	if (cli->json)
		return cli_json(cli, answer);
	TRY(scalars_show(cli, answer));
	TRY(answer_array(&requests, answer, "requests"));
	json_array_foreach(requests, i, request) TRY(request_show(cli, answer, request));
	TRY(list_show(cli, answer, "documents", documents));
	TRY(list_show(cli, answer, "decisions", decisions));
	return list_show(cli, answer, "history", history);
}

/* ---------------------------------------------------------------- claim, return, documents, enter */

static struct err *action_post(struct cli *cli, const char *number, const char *action, const json_t *body)
{
	OWN(client) client = NULL;
	OWN(buf) path = BUF_INIT(PATH_MAX_LEN);
	OWN(json) answer = NULL;
	const char *text;

	TRY(ctl_open(NULL, &client, cli));
	TRY(client_path(&path, "/api/v1/applications/%s/%s", number, action));
	TRY(buf_str(&path, &text));
	TRY(client_post(client, &answer, text, body));
	if (cli->json)
		return cli_json(cli, answer);
	TRY(cli_field(cli, "number", answer_text_or(answer, "number", number)));
	return cli_field(cli, "state", answer_text_or(answer, "state", ""));
}

struct err *ctl_claim(struct cli *cli)
{
	OWN(json) body = json_object();

	for (size_t i = 0; i < cli->options.num_words; i++)
		TRY(action_post(cli, cli->options.words[i], "claim", body));
	return NULL;
}

struct err *ctl_return(struct cli *cli)
{
	OWN(json) body = json_object();

	TRY(request_text(body, "reason", options_text(&cli->options, "reason"), "reason"));
	TRY(request_text(body, "text", options_text(&cli->options, "text"), "text"));
	return action_post(cli, cli->options.words[0], "return", body);
}

struct err *ctl_documents(struct cli *cli)
{
	OWN(json) body = json_object();

	TRY(request_text(body, "text", options_text(&cli->options, "need"), "need"));
	return action_post(cli, cli->options.words[0], "documents-needed", body);
}

struct err *ctl_enter(struct cli *cli)
{
	OWN(client) client = NULL;

	TRY(ctl_open(NULL, &client, cli));
	return application_send(cli, client, "counter");
}
