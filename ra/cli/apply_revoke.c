/*
 * apply_revoke.c - `nucapply revoke`: the holder's own signed order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "ra/cli/application.h"
#include "ra/cli/apply.h"
#include "cli/files.h"
#include "ra/cli/order.h"

const struct option_row revoke_options[] = {
	{ "cert", 0, OPTION_TEXT, "FILE", "the holder's valid SIGN certificate", true },
	{ "key", 0, OPTION_TEXT, "FILE", "its key, or a store: p12:FILE", true },
	{ "serial", 0, OPTION_TEXT, "HEX", "serial number of the certificate to revoke", true },
	{ "target", 0, OPTION_TEXT, "FILE", "the certificate to revoke, when it is not --cert", false },
	{ "reason", 0, OPTION_TEXT, "REASON", "keyCompromise, superseded, cessationOfOperation, ...", true },
	{ "ground", 0, OPTION_TEXT, "TEXT", "why, in words", false },
	{ "issuer", 0, OPTION_TEXT, "NAME", "issuing CA (default: rsa)", false },
	{ "password-file", 0, OPTION_TEXT, "FILE", "password of the key (or NUC_KEY_PASSWORD)", false },
	{ 0 },
};

static struct err *store_open(struct key_store **out, const struct cli *cli)
{
	OWN(buf) spec = BUF_INIT(8192);
	OWN(buf) certificate = BUF_INIT(KEY_FILE_MAX);
	OWN(key_store) store = NULL;
	struct key_password password;
	const char *key = options_text(&cli->options, "key");
	bool is_store =
		strncmp(key, "p12:", 4) == 0 || strncmp(key, "pkcs11:", 7) == 0 || strncmp(key, "file:", 5) == 0;
	const char *text;

	password_sources(&password, cli);
	TRY(buf_printf(&spec, "%s%s", is_store ? "" : "file:", key));
	TRY(buf_str(&spec, &text));
	TRY(key_store_open(&store, text, &password));
	TRY(file_read(&certificate, options_text(&cli->options, "cert"), "cert"));
	TRY(key_store_set_certificate(store, buf_slice(&certificate)));
	*out = TAKE(store);
	return NULL;
}

static struct err *target_read(struct buf *out, const struct cli *cli)
{
	OWN(buf) text = BUF_INIT(KEY_FILE_MAX);
	const char *path = options_text_or(&cli->options, "target", options_text(&cli->options, "cert"));

	TRY(file_read(&text, path, "target"));
	return cert_from_pem(out, buf_slice(&text));
}

struct err *apply_revoke(struct cli *cli)
{
	OWN(key_store) store = NULL;
	OWN(client) client = NULL;
	OWN(buf) target = BUF_INIT(CERT_MAX_BYTES);
	OWN(json) body = NULL;
	OWN(json) answer = NULL;
	struct order_terms terms = {
		.action = ORDER_REVOKE,
		.issuer = options_text_or(&cli->options, "issuer", "rsa"),
		.serial = options_text(&cli->options, "serial"),
		.reason = options_text(&cli->options, "reason"),
		.ground = options_text_or(&cli->options, "ground", ""),
	};

	TRY(target_read(&target, cli));
	terms.certificate = buf_slice(&target);
	TRY(store_open(&store, cli));
	TRY(order_request(&body, store, &terms));
	TRY(application_client(&client, cli));
	TRY(client_post(client, &answer, "/api/v1/orders", body));
	return order_show(cli, answer);
}
