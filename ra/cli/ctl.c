/*
 * ctl.c - the table of nucctl's commands, and how the person's key is found. See ctl.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/ctl.h"

#include <string.h>

#include "ra/cli/application.h"
#include "ra/cli/who.h"

enum { PATH_SIZE = 4096, PASSWORD_SIZE = 256 };

/* ---------------------------------------------------------------- the person's key */

/* Where the key is: a store's text, and what libcurl wants for the same key. */
struct place {
	char spec[2 * PATH_SIZE + 8];
	char key[PATH_SIZE], certificate[PATH_SIZE]; /* PKCS#12: key is empty */
};

static struct err *place_of_name(struct place *out, const struct cli *cli, const char *name)
{
	char relative[128];

	ENSURE_FIELD(name[0] != '\0' && strlen(name) <= 64 && strchr(name, '/') == NULL && name[0] != '.', BAD_INPUT,
		     "as", "%.40s is no name of an operator", name);
	(void)snprintf(relative, sizeof relative, "operators/%s.key", name);
	TRY(env_path(&cli->env, out->key, sizeof out->key, relative));
	(void)snprintf(relative, sizeof relative, "operators/%s.pem", name);
	TRY(env_path(&cli->env, out->certificate, sizeof out->certificate, relative));
	(void)snprintf(out->spec, sizeof out->spec, "file:%s,%s", out->key, out->certificate);
	return NULL;
}

static struct err *place_of_store(struct place *out, const char *store)
{
	const char *comma = strrchr(store, ',');
	const char *colon = strchr(store, ':');
	bool is_file = strncmp(store, "file:", 5) == 0;

	ENSURE_FIELD(strlen(store) < PATH_SIZE && colon != NULL, BAD_INPUT, "store",
		     "a key store is file:KEY,CERTIFICATE or p12:FILE");
	ENSURE_FIELD(!is_file || comma != NULL, BAD_INPUT, "store", "name the certificate too: file:KEY,CERTIFICATE");
	(void)snprintf(out->spec, sizeof out->spec, "%s", store);
	if (is_file) {
		(void)snprintf(out->key, sizeof out->key, "%.*s", (int)(comma - colon - 1), colon + 1);
		(void)snprintf(out->certificate, sizeof out->certificate, "%s", comma + 1);
	} else {
		out->key[0] = '\0';
		(void)snprintf(out->certificate, sizeof out->certificate, "%s", colon + 1);
	}
	return NULL;
}

static struct err *place_find(struct place *out, struct cli *cli)
{
	const char *name = options_text(&cli->options, "as");
	const char *store = options_text(&cli->options, "store");

	if (store != NULL)
		return place_of_store(out, store);
	if (name == NULL)
		return cli_usage(cli, "as", "who are you? give --as NAME (HOME/operators/NAME.key) or --store");
	return place_of_name(out, cli, name);
}

/* The password, when the key needs one: asked for once, although the key is opened twice (TLS and signing). */
static struct err *password_find(struct buf *out, const struct cli *cli, const struct place *place)
{
	struct key_password sources = { .file = options_text(&cli->options, "password-file"),
					.variable = "NUC_KEY_PASSWORD",
					.may_ask = true };
	bool needs = strncmp(place->spec, "p12:", 4) == 0;

	if (place->key[0] != '\0')
		TRY(key_file_is_encrypted(&needs, place->key));
	return needs ? key_password_get(out, &sources, "your key") : NULL;
}

static struct err *client_open(struct client **out, const struct cli *cli, const struct place *place,
			       const char *password)
{
	struct client_options options = {
		.ca_file = env_get(&cli->env, "NUC_TLS_CA"),
		.certificate = place->certificate,
		.key = place->key[0] != '\0' ? place->key : NULL,
		.key_password = password,
	};

	TRY(env_need(&cli->env, &options.url, "NUC_OPERATOR_URL"));
	return client_create(out, &options);
}

struct err *ctl_open(struct key_store **out_store, struct client **out_client, struct cli *cli)
{
	OWN(buf) password = BUF_INIT_SECRET(PASSWORD_SIZE);
	OWN(key_store) store = NULL;
	OWN(client) client = NULL;
	struct place place;

	TRY(place_find(&place, cli));
	TRY(password_find(&password, cli, &place));
	const char *text = password.len > 0 ? (const char *)password.p : NULL;
	const struct key_password known = { .text = text };
	if (out_store != NULL)
		TRY(key_store_open(&store, place.spec, &known));
	if (out_client != NULL)
		TRY(client_open(&client, cli, &place, text));
	if (out_store != NULL)
		*out_store = TAKE(store);
	if (out_client != NULL)
		*out_client = TAKE(client);
	return NULL;
}

struct err *ctl_get(struct client *client, json_t **out, const char *fmt, const char *text)
{
	OWN(buf) path = BUF_INIT(2048);
	const char *shown;

	TRY(client_path(&path, fmt, text));
	TRY(buf_str(&path, &shown));
	return client_get(client, out, shown);
}

/* ---------------------------------------------------------------- the table */

static const struct option_row person_options[] = {
	{ "as", 0, OPTION_TEXT, "NAME", "act as this person: HOME/operators/NAME.{key,pem}", false },
	{ "store", 0, OPTION_TEXT, "STORE", "the person's key: file:KEY,CERTIFICATE or p12:FILE", false },
	{ "password-file", 0, OPTION_TEXT, "FILE", "password of the key (first line; or NUC_KEY_PASSWORD)", false },
	{ 0 },
};

static const struct cli_command commands[] = {
	{ "queue",
	  "",
	  "applications that wait, and which of them are yours to decide",
	  { queue_options },
	  0,
	  0,
	  ctl_queue },
	{ "show", "NUMBER", "everything about an application", { NULL }, 1, 1, ctl_show },
	{ "claim", "NUMBER...", "claim applications for a while", { NULL }, 1, CLI_MANY_WORDS, ctl_claim },
	{ "approve", "NUMBER...", "approve with one signature", { approve_options }, 1, CLI_MANY_WORDS, ctl_approve },
	{ "reject", "NUMBER...", "reject with one signature", { reject_options }, 1, CLI_MANY_WORDS, ctl_reject },
	{ "return", "NUMBER", "return for correction", { reason_options }, 1, 1, ctl_return },
	{ "documents", "NUMBER", "ask for documents", { documents_options }, 1, 1, ctl_documents },
	{ "enter",
	  "",
	  "enter an application at the counter, print its number",
	  { who_options, application_options },
	  0,
	  0,
	  ctl_enter },
	{ "revoke", "SERIAL", "revoke a certificate", { order_options }, 1, 1, ctl_revoke },
	{ "hold", "SERIAL", "suspend a certificate", { order_only_options }, 1, 1, ctl_hold },
	{ "release", "SERIAL", "end a suspension (two persons)", { order_only_options }, 1, 1, ctl_release },
	{ "cert", "[SERIAL]", "show a certificate, or find some", { cert_options }, 0, 1, ctl_cert },
	{ "whoami", "", "who the service takes you for", { NULL }, 0, 0, ctl_whoami },
	{ "staff list", "", "the staff of the Policy installed here", { NULL }, 0, 0, ctl_staff_list },
	{ "policy build",
	  "",
	  "make a Policy from profiles and staff",
	  { policy_build_options },
	  0,
	  0,
	  ctl_policy_build },
	{ "policy sign", "", "sign a Policy as an administrator", { policy_sign_options }, 0, 0, ctl_policy_sign },
	{ "policy assemble",
	  "",
	  "join a Policy and two administrators' decisions",
	  { policy_assemble_options },
	  0,
	  0,
	  ctl_policy_assemble },
	{ "policy show", "FILE", "show a Policy, signed or not", { NULL }, 1, 1, ctl_policy_show },
	{ "key status", "", "state of the signer on this machine", { NULL }, 0, 0, ctl_key_status },
	{ "key activate",
	  "",
	  "give the signers custodians' shares of their keys",
	  { key_activate_options },
	  0,
	  0,
	  ctl_key_activate },
	{ "key deactivate", "", "wipe the signers' keys from memory", { key_options }, 0, 0, ctl_key_deactivate },
	{ "staff", "...", "enrol, suspend, renew staff", { NULL }, 0, 0, NULL },
	{ "incident", "plan|run", "revoke and replace in bulk", { NULL }, 0, 0, NULL },
	{ "adopt", "...", "take over another CA's certificates", { NULL }, 0, 0, NULL },
	{ 0 },
};

const struct cli_program nucctl_program = {
	.name = "nucctl",
	.summary = "the operators' and administrators' command line",
	.notes = "Addresses come from HOME/env (NUC_OPERATOR_URL, NUC_RA_URL, NUC_TLS_CA).",
	.options = person_options,
	.commands = commands,
};
