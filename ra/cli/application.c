/*
 * application.c - making an application. See application.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/application.h"

#include <string.h>

#include "asn1/der.h"
#include "base/text.h"
#include "cli/files.h"
#include "ra/cli/who.h"
#include "x509/csr.h"
#include "x509/pem.h"

enum { REQUEST_FILE_MAX = 64 * 1024, DOCUMENT_MAX = 20 * 1024 * 1024, PATH_MAX_LEN = 1024 };

const struct option_row application_options[] = {
	{ "csr", 0, OPTION_LIST, "PURPOSE=FILE", "request for a certificate (PEM or DER), e.g. auth=auth.csr", true },
	{ "storage", 0, OPTION_TEXT, "NAME", "key storage (default: what the first request says)", false },
	{ "channel", 0, OPTION_TEXT, "CHANNEL", "remote or counter", false },
	{ "document", 0, OPTION_LIST, "FILE", "document to add", false },
	{ "agree", 0, OPTION_FLAG, NULL, "the applicant accepts the agreement (see nucapply agreement)", false },
	{ 0 },
};

struct err *application_client(struct client **out, const struct cli *cli)
{
	struct client_options options = { .ca_file = env_get(&cli->env, "NUC_TLS_CA") };

	TRY(env_need(&cli->env, &options.url, "NUC_RA_URL"));
	return client_create(out, &options);
}

/* Reads PURPOSE=FILE into {"purpose", "csr"}; *storage is set from the request when it is still NULL and the request can
 * be read. What is wrong with a request is for the registration authority to say. */
static struct err *request_add(json_t *requests, const char *text, char storage[CSR_STORAGE_SIZE])
{
	OWN(buf) file = BUF_INIT(REQUEST_FILE_MAX);
	OWN(buf) der = BUF_INIT(REQUEST_FILE_MAX);
	OWN(buf) purpose = BUF_INIT(64);
	OWN(json) object = json_object();
	const char *equals = strchr(text, '=');
	const char *name;
	struct csr csr;

	ENSURE(object != NULL, NO_MEMORY, "out of memory");
	ENSURE_FIELD(equals != NULL && equals != text, BAD_INPUT, "csr",
		     "--csr %.60s: write PURPOSE=FILE, e.g. --csr auth=auth.csr", text);
	TRY(buf_append(&purpose, SLICE(text, (size_t)(equals - text))));
	TRY(buf_str(&purpose, &name));
	TRY(file_read(&file, equals + 1, "csr"));
	TRY(pem_read(&der, buf_slice(&file), PEM_REQUEST));
	TRY(request_text(object, "purpose", name, "csr"));
	TRY(request_base64(object, "csr", buf_slice(&der)));
	ENSURE(json_array_append(requests, object) == 0, NO_MEMORY, "out of memory");
	OWN(err) unreadable = csr_read(&csr, buf_slice(&der));
	if (unreadable == NULL && storage[0] == '\0')
		(void)snprintf(storage, CSR_STORAGE_SIZE, "%s", csr.key_storage);
	return NULL;
}

static struct err *requests_add(json_t *body, const struct cli *cli)
{
	OWN(json) requests = json_array();
	char found[CSR_STORAGE_SIZE] = "";
	const char *text, *storage;
	size_t at = 0;

	ENSURE(requests != NULL, NO_MEMORY, "out of memory");
	while ((text = options_next(&cli->options, "csr", &at)) != NULL)
		TRY(request_add(requests, text, found));
	ENSURE(json_object_set(body, "requests", requests) == 0, NO_MEMORY, "out of memory");
	TRY(who_storage(&storage, options_text(&cli->options, "storage")));
	if (storage == NULL)
		storage = found[0] != '\0' ? found : csr_storage_oid("PKCS12");
	return request_text(body, "key_storage", storage, "storage");
}

struct err *application_agreement(json_t **out, struct client *api)
{
	OWN(json) agreement = NULL;
	const char *digest, *text;
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	TRY(client_get(api, &agreement, "/api/v1/agreement"));
	TRY(answer_text(&digest, agreement, "digest"));
	TRY(answer_text(&text, agreement, "text"));
	der_sha256(hash, SLICE_STR(text));
	ENSURE_FIELD(strcmp(text_hex_fixed(hex, SLICE(hash, sizeof hash)), digest) == 0, CONFLICT, "agreement",
		     "the service's digest is not that of its text; nothing was accepted");
	*out = TAKE(agreement);
	return NULL;
}

static struct err *body_make(json_t **out, const struct cli *cli, struct client *api, const char *channel)
{
	OWN(json) body = NULL;
	OWN(json) agreement = NULL;
	const char *digest;

	ENSURE_FIELD(options_has(&cli->options, "agree"), BAD_INPUT, "agreement",
		     "the agreement was not accepted; read it (nucapply agreement) and give --agree");
	TRY(who_json(&body, cli));
	TRY(request_text(body, "channel", options_text_or(&cli->options, "channel", channel), "channel"));
	TRY(requests_add(body, cli));
	TRY(application_agreement(&agreement, api));
	TRY(answer_text(&digest, agreement, "digest"));
	TRY(request_text(body, "agreement", digest, "agreement"));
	*out = TAKE(body);
	return NULL;
}

struct err *application_document(struct client *api, const char *number, const char *path)
{
	OWN(buf) bytes = BUF_INIT(DOCUMENT_MAX);
	OWN(buf) url = BUF_INIT(PATH_MAX_LEN);
	OWN(json) answer = NULL;
	const char *slash = strrchr(path, '/');
	const char *text;

	TRY(file_read(&bytes, path, "document"));
	TRY(client_path(&url, "/api/v1/applications/%s/documents?name=%s", number, slash != NULL ? slash + 1 : path));
	TRY(buf_str(&url, &text));
	return client_post_bytes(api, &answer, text, "application/octet-stream", buf_slice(&bytes));
}

struct err *application_send(struct cli *cli, struct client *api, const char *channel)
{
	OWN(json) body = NULL;
	OWN(json) answer = NULL;
	const char *number, *path;
	size_t at = 0;

	TRY(body_make(&body, cli, api, channel));
	TRY(client_post(api, &answer, "/api/v1/applications", body));
	TRY(answer_text(&number, answer, "number"));
	if (cli->json)
		TRY(cli_json(cli, answer));
	else
		(void)fprintf(cli->out, "%s\n", number);
	/* The number is out before anything else can fail: it is how the applicant comes back. */
	if (fflush(cli->out) != 0)
		return ERR_ERRNO("the number cannot be written");
	while ((path = options_next(&cli->options, "document", &at)) != NULL)
		TRY(application_document(api, number, path));
	return NULL;
}
