/*
 * apply.c - the table of nucapply's commands, and those that ask about one application. See apply.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/apply.h"

#include <string.h>

#include "ra/cli/application.h"
#include "ra/cli/who.h"

enum { PATH_MAX_LEN = 1024 };

const struct option_row password_options[] = {
	{ "password-file", 0, OPTION_TEXT, "FILE", "password of the key (first line; or NUC_KEY_PASSWORD)", false },
	{ 0 },
};

static const struct option_row confirm_options[] = {
	{ "code", 0, OPTION_TEXT, "CODE", "one-time code from the SMS", true },
	{ 0 },
};

void password_sources(struct key_password *out, const struct cli *cli)
{
	*out = (struct key_password){ .file = options_text(&cli->options, "password-file"),
				      .variable = "NUC_KEY_PASSWORD",
				      .may_ask = true };
}

/* ---------------------------------------------------------------- one application */

static struct err *certificates_show(const struct cli *cli, const json_t *application)
{
	size_t i;
	json_t *certificate;

	json_array_foreach(json_object_get(application, "certificates"), i, certificate)
	{
		OWN(buf) name = BUF_INIT(128);
		const char *text;

		TRY(buf_printf(&name, "certificate %.60s", answer_text_or(certificate, "purpose", "")));
		TRY(buf_str(&name, &text));
		TRY(cli_field(cli, text, answer_text_or(certificate, "serial", "")));
	}
	return NULL;
}

static struct err *application_show(const struct cli *cli, const json_t *application)
{
	static const char *const members[] = { "number",       "kind",	   "channel", "state",
					       "submitted_at", "state_at", "reason",  "reason_text" };

	if (cli->json)
		return cli_json(cli, application);
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		TRY(cli_field(cli, members[i], answer_text_or(application, members[i], "")));
	return certificates_show(cli, application);
}

static struct err *status_run(struct cli *cli)
{
	OWN(client) client = NULL;
	OWN(buf) path = BUF_INIT(PATH_MAX_LEN);
	OWN(json) answer = NULL;
	const char *text;

	TRY(application_client(&client, cli));
	TRY(client_path(&path, "/api/v1/applications/%s", cli->options.words[0]));
	TRY(buf_str(&path, &text));
	TRY(client_get(client, &answer, text));
	return application_show(cli, answer);
}

/* Posts to /applications/NUMBER/ACTION and shows what came of it. */
static struct err *action_run(struct cli *cli, const char *action, const json_t *body)
{
	OWN(client) client = NULL;
	OWN(buf) path = BUF_INIT(PATH_MAX_LEN);
	OWN(json) answer = NULL;
	const char *text;

	TRY(application_client(&client, cli));
	TRY(client_path(&path, "/api/v1/applications/%s/%s", cli->options.words[0], action));
	TRY(buf_str(&path, &text));
	TRY(client_post(client, &answer, text, body));
	return application_show(cli, answer);
}

static struct err *empty_action_run(struct cli *cli)
{
	OWN(json) body = json_object();

	return action_run(cli, cli->command->name, body);
}

static struct err *confirm_run(struct cli *cli)
{
	OWN(json) body = json_object();

	TRY(request_text(body, "code", options_text(&cli->options, "code"), "code"));
	return action_run(cli, "confirm", body);
}

static struct err *document_run(struct cli *cli)
{
	OWN(client) client = NULL;

	TRY(application_client(&client, cli));
	for (size_t i = 1; i < cli->options.num_words; i++)
		TRY(application_document(client, cli->options.words[0], cli->options.words[i]));
	return NULL;
}

static struct err *submit_run(struct cli *cli)
{
	OWN(client) client = NULL;

	TRY(application_client(&client, cli));
	return application_send(cli, client, "remote");
}

static struct err *agreement_run(struct cli *cli)
{
	OWN(client) client = NULL;
	OWN(json) answer = NULL;

	TRY(application_client(&client, cli));
	TRY(application_agreement(&answer, client));
	if (cli->json)
		return cli_json(cli, answer);
	TRY(cli_field(cli, "version", answer_text_or(answer, "version", "")));
	TRY(cli_field(cli, "digest", answer_text_or(answer, "digest", "")));
	(void)fprintf(cli->out, "\n");
	return cli_lines(cli, answer_text_or(answer, "text", ""));
}

/* ---------------------------------------------------------------- the table */

static const struct option_row no_options[] = { { 0 } };

static const struct cli_command commands[] = {
	{ "agreement", "", "show the agreement that --agree accepts", { NULL }, 0, 0, agreement_run },
	{ "keys",
	  "",
	  "make a key and a request for each certificate of the kind",
	  { who_options, keys_options },
	  0,
	  0,
	  apply_keys },
	{ "submit",
	  "",
	  "submit an application, print its number",
	  { who_options, application_options },
	  0,
	  0,
	  submit_run },
	{ "status", "NUMBER", "show an application", { NULL }, 1, 1, status_run },
	{ "confirm", "NUMBER", "confirm with the one-time code", { confirm_options }, 1, 1, confirm_run },
	{ "resend", "NUMBER", "have the one-time code sent again", { NULL }, 1, 1, empty_action_run },
	{ "document", "NUMBER FILE...", "add documents", { NULL }, 2, CLI_MANY_WORDS, document_run },
	{ "fetch", "NUMBER", "fetch the certificates and the chain", { fetch_options }, 1, 1, apply_fetch },
	{ "accept", "NUMBER", "say that the certificates are received and right", { NULL }, 1, 1, empty_action_run },
	{ "withdraw", "NUMBER", "withdraw an application", { NULL }, 1, 1, empty_action_run },
	{ "revoke", "", "revoke a certificate of one's own", { revoke_options }, 0, 0, apply_revoke },
	{ "consent", "NUMBER", "consent as the organisation's head or delegate", { NULL }, 0, 0, NULL },
	{ "delegate", "IIN", "delegate approval to a person", { NULL }, 0, 0, NULL },
	{ "renew", "", "renew with a valid SIGN certificate", { NULL }, 0, 0, NULL },
	{ "list", "", "list one's own certificates", { NULL }, 0, 0, NULL },
	{ "settings", "", "contact data and notices", { NULL }, 0, 0, NULL },
	{ "password", "STORE", "change a store's password", { NULL }, 0, 0, NULL },
	{ 0 },
};

const struct cli_program nucapply_program = {
	.name = "nucapply",
	.summary = "applications for key certificates",
	.notes = "WHO is --kind KIND --iin IIN --surname S --given G and what the kind needs besides. Addresses come "
		 "from\n"
		 "HOME/env (NUC_RA_URL, NUC_TLS_CA). Passwords come from --password-file, NUC_KEY_PASSWORD or the "
		 "terminal.",
	.options = no_options,
	.commands = commands,
};
