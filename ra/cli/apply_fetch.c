/*
 * apply_fetch.c - `nucapply fetch`: the certificates of an application and their chain, into a folder.
 *
 * A certificate whose key is not the one of the request beside it is refused before anything is written. With --p12 each
 * becomes PURPOSE.p12 together with its key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ra/cli/application.h"
#include "ra/cli/apply.h"
#include "cli/files.h"
#include "x509/cert.h"
#include "x509/csr.h"
#include "x509/pem.h"

enum { PATH_SIZE = 4096 };

const struct option_row fetch_options[] = {
	{ "output", 'o', OPTION_TEXT, "DIR", "folder for PURPOSE.pem and chain.pem", true },
	{ "p12", 0, OPTION_FLAG, NULL, "also make PURPOSE.p12 with the key of DIR", false },
	{ "password-file", 0, OPTION_TEXT, "FILE", "password of the key and the PKCS#12 file (or NUC_KEY_PASSWORD)",
	  false },
	{ 0 },
};

static struct err *path_make(char out[PATH_SIZE], const struct cli *cli, const char *name, const char *suffix)
{
	int n = snprintf(out, PATH_SIZE, "%s/%s.%s", options_text(&cli->options, "output"), name, suffix);

	ENSURE_FIELD(n > 0 && n < PATH_SIZE, TOO_LARGE, "output", "the folder's path is too long");
	return NULL;
}

/* The certificate must be of the key that the request beside it asked for, where there is one. */
static struct err *certificate_check(const struct cli *cli, const char *purpose, struct slice pem)
{
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) file = BUF_INIT(2 * CSR_MAX_BYTES);
	OWN(buf) request = BUF_INIT(CSR_MAX_BYTES);
	char path[PATH_SIZE];
	struct cert cert;
	struct csr csr;

	ENSURE_FIELD(purpose[0] != '\0' && purpose[strspn(purpose, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0',
		     BAD_INPUT, "purpose", "the service names a certificate that cannot be a file's name");
	TRY(cert_from_pem(&der, pem));
	TRY(cert_parse(&cert, buf_slice(&der)));
	TRY(path_make(path, cli, purpose, "csr"));
	if (access(path, F_OK) != 0)
		return NULL;
	TRY(file_read(&file, path, "csr"));
	TRY(pem_read(&request, buf_slice(&file), PEM_REQUEST));
	TRY(csr_read(&csr, buf_slice(&request)));
	ENSURE_FIELD(memcmp(csr.key_hash, cert.key_hash, sizeof csr.key_hash) == 0, CONFLICT, "output",
		     "the certificate is not of the key in %s; name the folder that the keys were made in", path);
	return NULL;
}

static struct err *p12_write(const struct cli *cli, const char *purpose, struct slice pem, struct slice chain)
{
	OWN(buf) bytes = BUF_INIT_SECRET(KEY_FILE_MAX);
	OWN(key_store) store = NULL;
	struct key_password password;
	char path[PATH_SIZE], spec[PATH_SIZE + 8];

	password_sources(&password, cli);
	TRY(path_make(path, cli, purpose, "key"));
	bool is_p12 = access(path, F_OK) != 0;
	if (is_p12)
		TRY(path_make(path, cli, purpose, "p12"));
	(void)snprintf(spec, sizeof spec, "%s%s", is_p12 ? "p12:" : "file:", path);
	TRY(key_store_open(&store, spec, &password));
	TRY(key_store_set_certificate(store, pem));
	TRY(key_store_p12(&bytes, store, purpose, chain, &password));
	TRY(path_make(path, cli, purpose, "p12"));
	return file_write(path, buf_slice(&bytes), 0600, true);
}

static struct err *certificate_write(json_t *written, const struct cli *cli, const json_t *row, const char *chain)
{
	const char *purpose, *pem;
	char path[PATH_SIZE];

	TRY(answer_text(&purpose, row, "purpose"));
	TRY(answer_text(&pem, row, "pem"));
	TRY(path_make(path, cli, purpose, "pem"));
	TRY(file_write(path, SLICE_STR(pem), 0644, true));
	if (options_has(&cli->options, "p12"))
		TRY(p12_write(cli, purpose, SLICE_STR(pem), SLICE_STR(chain)));
	ENSURE(json_array_append_new(written, json_pack("{s:s, s:s}", "purpose", purpose, "file", path)) == 0,
	       NO_MEMORY, "out of memory");
	return NULL;
}

struct err *apply_fetch(struct cli *cli)
{
	static const struct cli_column columns[] = { { "CERTIFICATE", "purpose" }, { "FILE", "file" }, { 0 } };
	OWN(client) client = NULL;
	OWN(buf) path = BUF_INIT(1024);
	OWN(json) answer = NULL;
	OWN(json) written = json_array();
	const char *text, *chain, *purpose, *pem;
	char chain_path[PATH_SIZE];
	json_t *rows, *row;
	size_t i;

	TRY(application_client(&client, cli));
	TRY(client_path(&path, "/api/v1/applications/%s/certificates", cli->options.words[0]));
	TRY(buf_str(&path, &text));
	TRY(client_get(client, &answer, text));
	TRY(answer_array(&rows, answer, "certificates"));
	TRY(answer_text(&chain, answer, "chain"));
	ENSURE_FIELD(json_array_size(rows) > 0, CONFLICT, "state",
		     "there are no certificates yet; ask nucapply status");
	json_array_foreach(rows, i, row)
	{
		TRY(answer_text(&purpose, row, "purpose"));
		TRY(answer_text(&pem, row, "pem"));
		TRY(certificate_check(cli, purpose, SLICE_STR(pem)));
	}
	if (mkdir(options_text(&cli->options, "output"), 0700) != 0 && errno != EEXIST)
		return ERR_ERRNO("the folder %s cannot be made", options_text(&cli->options, "output"));
	json_array_foreach(rows, i, row) TRY(certificate_write(written, cli, row, chain));
	TRY(path_make(chain_path, cli, "chain", "pem"));
	TRY(file_write(chain_path, SLICE_STR(chain), 0644, true));
	return cli->json ? cli_json(cli, written) : cli_table(cli, columns, written);
}
