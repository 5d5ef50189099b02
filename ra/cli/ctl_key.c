/*
 * ctl_key.c - nucctl key activate|deactivate: custodians' shares go to the signers of this machine, over their admin
 * sockets alone. See ctl.h. A share under a passphrase is opened here; the signer gets it plain.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "cli/files.h"
#include "ra/cli/ctl.h"
#include "x509/share.h"

const struct option_row key_options[] = {
	{ "signer", 0, OPTION_TEXT, "TIER", "ca or ocsp (default: both)", false },
	{ 0 },
};

const struct option_row key_activate_options[] = {
	{ "share", 0, OPTION_LIST, "FILE", "a custodian's share; may be given several times", true },
	{ "signer", 0, OPTION_TEXT, "TIER", "ca or ocsp (default: both)", false },
	{ 0 },
};

static const char *const tiers[] = { "ca", "ocsp" };
enum { TIERS = 2 };

static struct err *tier_client(struct client **out, struct cli *cli, const char *tier)
{
	char path[4096], relative[64];

	(void)snprintf(relative, sizeof relative, "admin/signd-%s.sock", tier);
	TRY(env_path(&cli->env, path, sizeof path, relative));
	const struct client_options options = { .url = "http://localhost", .unix_socket = path, .timeout_s = 5 };
	return client_create(out, &options);
}

static struct err *tier_post(struct cli *cli, const char *tier, const char *path, struct slice body)
{
	OWN(client) client = NULL;
	OWN(json) answer = NULL;
	char name[32], text[120];

	TRY(tier_client(&client, cli, tier));
	TRY(client_post_bytes(client, &answer, path, "text/plain", body));
	if (cli->json)
		return cli_json(cli, answer);
	bool is_active = json_is_true(json_object_get(answer, "active"));
	(void)snprintf(name, sizeof name, "signd-%s", tier);
	if (is_active)
		return cli_field(cli, name, "active");
	(void)snprintf(text, sizeof text, "not active: %lld of %lld shares given",
		       (long long)json_integer_value(json_object_get(answer, "given")),
		       (long long)json_integer_value(json_object_get(answer, "threshold")));
	return cli_field(cli, name, text);
}

/* The same to every tier that was chosen. */
static struct err *tiers_post(struct cli *cli, const char *path, struct slice body)
{
	const char *chosen = options_text(&cli->options, "signer");

	if (chosen != NULL && strcmp(chosen, "ca") != 0 && strcmp(chosen, "ocsp") != 0)
		return cli_usage(cli, "signer", "is ca or ocsp");
	for (int i = 0; i < TIERS; i++)
		if (chosen == NULL || strcmp(chosen, tiers[i]) == 0)
			TRY(tier_post(cli, tiers[i], path, body));
	return NULL;
}

/* Reads a share's file; under a passphrase (--password-file, NUC_KEY_PASSWORD, or asked for) it is opened. */
static struct err *share_open(struct buf *out, const struct cli *cli, const char *file)
{
	OWN(buf) text = BUF_INIT_SECRET(SHARE_TEXT_MAX);
	OWN(buf) passphrase = BUF_INIT_SECRET(1024);
	const struct key_password sources = { .file = options_text(&cli->options, "password-file"),
					      .variable = "NUC_KEY_PASSWORD",
					      .may_ask = true };
	struct share share;
	bool is_encrypted = false;

	TRY(file_read(&text, file, "share"));
	TRY(share_is_encrypted(&is_encrypted, buf_slice(&text)));
	if (!is_encrypted)
		return buf_append(out, buf_slice(&text));
	TRY(key_password_get(&passphrase, &sources, "the share"));
	TRY(share_read(&share, buf_slice(&text), slice_str((const char *)passphrase.p)));
	struct err *e = share_write(out, &share, SLICE_NONE);
	share_wipe(&share);
	return e;
}

struct err *ctl_key_activate(struct cli *cli)
{
	size_t at = 0;

	for (const char *file = options_next(&cli->options, "share", &at); file != NULL;
	     file = options_next(&cli->options, "share", &at)) {
		OWN(buf) share = BUF_INIT_SECRET(SHARE_TEXT_MAX);

		TRY(share_open(&share, cli, file));
		TRY(tiers_post(cli, "/key/activate", buf_slice(&share)));
	}
	return NULL;
}

struct err *ctl_key_deactivate(struct cli *cli)
{
	return tiers_post(cli, "/key/deactivate", SLICE_NONE);
}
