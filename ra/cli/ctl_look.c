/*
 * ctl_look.c - nucctl's look-ups: certificates, the person, the signer. See ctl.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ra/cli/ctl.h"

const struct option_row cert_options[] = {
	{ "iin", 0, OPTION_TEXT, "IIN", "certificates of this person", false },
	{ "bin", 0, OPTION_TEXT, "BIN", "certificates of this organisation", false },
	{ "query", 'q', OPTION_TEXT, "TEXT", "search by name or number", false },
	{ "issuer", 0, OPTION_TEXT, "NAME", "issuing CA (default: rsa)", false },
	{ "pem", 0, OPTION_FLAG, NULL, "print the certificate itself", false },
	{ 0 },
};

static struct err *fields_show(const struct cli *cli, const json_t *object, const char *const *members)
{
	for (; *members != NULL; members++)
		TRY(cli_field(cli, *members, answer_text_or(object, *members, "")));
	return NULL;
}

static struct err *certificate_show(struct cli *cli, const json_t *certificate)
{
	static const char *const members[] = { "issuer",    "serial",  "state",	  "subject",	 "not_before",
					       "not_after", "profile", "channel", "application", NULL };
	static const struct cli_column orders[] = { { "ACTION", "action" }, { "REASON", "reason" }, { "AT", "at" },
						    { "BY", "ordered_by" }, { "GROUND", "ground" }, { 0 } };
	const char *pem;

	if (cli->json)
		return cli_json(cli, certificate);
	if (options_has(&cli->options, "pem")) {
		TRY(answer_text(&pem, certificate, "pem"));
		return cli_lines(cli, pem);
	}
	TRY(fields_show(cli, certificate, members));
	if (json_array_size(json_object_get(certificate, "orders")) == 0)
		return NULL;
	(void)fprintf(cli->out, "\n");
	return cli_table(cli, orders, json_object_get(certificate, "orders"));
}

static struct err *certificates_find(struct cli *cli, struct client *client)
{
	static const struct cli_column columns[] = {
		{ "SERIAL", "serial" },
		{ "STATE", "state" },
		{ "SUBJECT", "subject" },
		{ "PROFILE", "profile" },
		{ "FROM", "not_before" },
		{ "TO", "not_after" },
		{ 0 },
	};
	static const char *const queries[][2] = { { "iin", "/api/v1/certificates?iin=%s" },
						  { "bin", "/api/v1/certificates?bin=%s" },
						  { "query", "/api/v1/certificates?q=%s" } };
	OWN(json) answer = NULL;
	json_t *rows;

	for (size_t i = 0; answer == NULL && i < sizeof queries / sizeof queries[0]; i++) {
		const char *value = options_text(&cli->options, queries[i][0]);
		if (value != NULL)
			TRY(ctl_get(client, &answer, queries[i][1], value));
	}
	if (answer == NULL)
		return cli_usage(cli, NULL, "cert needs a serial number, --iin, --bin or --query");
	if (cli->json)
		return cli_json(cli, answer);
	TRY(answer_array(&rows, answer, "certificates"));
	return cli_table(cli, columns, rows);
}

struct err *ctl_cert(struct cli *cli)
{
	OWN(client) client = NULL;
	OWN(buf) path = BUF_INIT(1024);
	OWN(json) answer = NULL;
	const char *text;

	TRY(ctl_open(NULL, &client, cli));
	if (cli->options.num_words == 0)
		return certificates_find(cli, client);
	TRY(client_path(&path, "/api/v1/certificates/%s?issuer=%s", cli->options.words[0],
			options_text_or(&cli->options, "issuer", "rsa")));
	TRY(buf_str(&path, &text));
	TRY(client_get(client, &answer, text));
	return certificate_show(cli, answer);
}

struct err *ctl_whoami(struct cli *cli)
{
	static const char *const members[] = { "person", "name", "role", "office", "certificate", NULL };
	OWN(client) client = NULL;
	OWN(json) answer = NULL;

	TRY(ctl_open(NULL, &client, cli));
	TRY(client_get(client, &answer, "/api/v1/whoami"));
	return cli->json ? cli_json(cli, answer) : fields_show(cli, answer, members);
}

/* The admin socket answers 200 when the signer can sign, else says what is missing. */
struct err *ctl_key_status(struct cli *cli)
{
	OWN(client) client = NULL;
	OWN(buf) answer = BUF_INIT(64 * 1024);
	char path[4096];
	const char *text;
	long status = 0;

	TRY(env_path(&cli->env, path, sizeof path, "admin/signd-ca.sock"));
	const struct client_options options = { .url = "http://localhost", .unix_socket = path, .timeout_s = 5 };
	TRY(client_create(&client, &options));
	TRY(client_get_text(client, &answer, &status, "/readyz"));
	TRY(buf_str(&answer, &text));
	if (cli->json) {
		OWN(json) document = json_pack("{s:b, s:s%}", "ready", status == 200, "detail", text, answer.len);
		ENSURE(document != NULL, BAD_INPUT, "the signer's answer is no text");
		TRY(cli_json(cli, document));
	} else {
		TRY(cli_field(cli, "signd-ca", status == 200 ? "ready" : "not ready"));
		TRY(cli_lines(cli, text));
	}
	ENSURE(status == 200, CONFLICT, "the signer is not ready");
	return NULL;
}
