/*
 * apply_keys.c - `nucapply keys`: a key and a request for each certificate that the kind of application brings.
 *
 * Which requests a kind has is asked from the registration authority, or read from the home's profiles.conf where it
 * cannot be reached. Nothing is written when any of the files exists: a key is never overwritten.
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
#include "ra/cli/who.h"
#include "x509/csr.h"
#include "x509/pem.h"
#include "x509/profile.h"

enum { PATH_SIZE = 4096 };

const struct option_row keys_options[] = {
	{ "output", 'o', OPTION_TEXT, "DIR", "folder for PURPOSE.key and PURPOSE.csr", true },
	{ "alg", 0, OPTION_TEXT, "WORD", "rsa2048 (default), rsa3072, rsa4096, p256", false },
	{ "storage", 0, OPTION_TEXT, "NAME", "key storage named in the request (default: pkcs12)", false },
	{ "p12", 0, OPTION_FLAG, NULL, "write PURPOSE.p12 instead of PURPOSE.key", false },
	{ "pkcs11", 0, OPTION_TEXT, "URI", "make the keys on a token (not available in this version)", false },
	{ "encrypt", 0, OPTION_FLAG, NULL, "encrypt PURPOSE.key with a password", false },
	{ "password-file", 0, OPTION_TEXT, "FILE", "the password (first line; or NUC_KEY_PASSWORD)", false },
	{ 0 },
};

/* ---------------------------------------------------------------- which requests */

static struct err *purposes_asked(json_t *out, const struct cli *cli, const char *kind)
{
	OWN(client) client = NULL;
	OWN(json) answer = NULL;
	json_t *kinds, *row, *requests, *purpose;
	size_t i, j;

	TRY(application_client(&client, cli));
	TRY(client_get(client, &answer, "/api/v1/profiles"));
	TRY(answer_array(&kinds, answer, "kinds"));
	json_array_foreach(kinds, i, row)
	{
		if (strcmp(answer_text_or(row, "kind", ""), kind) != 0)
			continue;
		TRY(answer_array(&requests, row, "requests"));
		json_array_foreach(requests, j, purpose)
			ENSURE(json_array_append(out, purpose) == 0, NO_MEMORY, "out of memory");
		return NULL;
	}
	return ERR_FIELD(NOT_FOUND, "kind", "%.60s is no kind of application here", kind);
}

static struct err *purposes_read(json_t *out, const struct cli *cli, const char *kind)
{
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES);
	OWN(profiles) profiles = NULL;
	const struct profile_kind *found;
	char path[PATH_SIZE];

	TRY(env_path(&cli->env, path, sizeof path, "conf/profiles.conf"));
	TRY(file_read(&text, path, "profiles"));
	TRY(profiles_parse(&profiles, buf_slice(&text)));
	TRY(profiles_find_kind(&found, profiles, kind));
	for (size_t i = 0; i < found->num_requests; i++)
		ENSURE(json_array_append_new(out, json_string(found->requests[i])) == 0, NO_MEMORY, "out of memory");
	return NULL;
}

static struct err *purposes_find(json_t *out, const struct cli *cli, const char *kind)
{
	struct err *e = purposes_asked(out, cli, kind);

	if (err_category(err_code(e)) != ERR_RETRY_LATER && err_code(e) != ERR_CONFIG)
		return e;
	OWN(err) unread = purposes_read(out, cli, kind);
	if (unread == NULL)
		err_destroy(&e);
	return e;
}

/* A purpose becomes a file's name. */
static struct err *purpose_check(const char *purpose)
{
	ENSURE_FIELD(purpose != NULL && purpose[0] != '\0' && strlen(purpose) <= 32 &&
			     purpose[strspn(purpose, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0',
		     BAD_INPUT, "requests", "the service names a request that cannot be a file's name");
	return NULL;
}

/* ---------------------------------------------------------------- files */

struct names {
	char key[PATH_SIZE], csr[PATH_SIZE];
	bool is_p12;
};

static struct err *names_make(struct names *out, const struct cli *cli, const char *purpose)
{
	const char *folder = options_text(&cli->options, "output");

	out->is_p12 = options_has(&cli->options, "p12");
	int a = snprintf(out->key, sizeof out->key, "%s/%s.%s", folder, purpose, out->is_p12 ? "p12" : "key");
	int b = snprintf(out->csr, sizeof out->csr, "%s/%s.csr", folder, purpose);
	ENSURE_FIELD(a > 0 && (size_t)a < sizeof out->key && b > 0 && (size_t)b < sizeof out->csr, TOO_LARGE, "output",
		     "the folder's path is too long");
	ENSURE_FIELD(access(out->key, F_OK) != 0, CONFLICT, "output",
		     "%s exists already; a key is never overwritten, name another folder with -o", out->key);
	ENSURE_FIELD(access(out->csr, F_OK) != 0, CONFLICT, "output", "%s exists already; name another folder with -o",
		     out->csr);
	return NULL;
}

static struct err *key_write(const struct cli *cli, const struct key_store *store, const struct names *names,
			     const char *purpose)
{
	OWN(buf) bytes = BUF_INIT_SECRET(KEY_FILE_MAX);
	struct key_password password;
	bool encrypted = options_has(&cli->options, "encrypt") || options_has(&cli->options, "password-file");

	password_sources(&password, cli);
	if (names->is_p12)
		TRY(key_store_p12(&bytes, store, purpose, SLICE_NONE, &password));
	else
		TRY(key_store_pem(&bytes, store, encrypted ? &password : NULL));
	return file_write(names->key, buf_slice(&bytes), 0600, false);
}

static struct err *request_write(const struct cli *cli, const struct key_store *store, const struct names *names)
{
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) extensions = BUF_INIT(CSR_MAX_BYTES);
	OWN(buf) der = BUF_INIT(CSR_MAX_BYTES);
	OWN(buf) pem = BUF_INIT(2 * CSR_MAX_BYTES);
	const char *storage;

	TRY(who_storage(&storage, options_text_or(&cli->options, "storage", "pkcs12")));
	TRY(who_subject(&subject, cli));
	TRY(who_extensions(&extensions, cli, storage));
	TRY(key_store_request(&der, store, buf_slice(&subject), buf_slice(&extensions)));
	TRY(pem_write(&pem, buf_slice(&der), PEM_REQUEST));
	return file_write(names->csr, buf_slice(&pem), 0644, false);
}

static struct err *pair_make(json_t *made, const struct cli *cli, const char *purpose)
{
	OWN(key_store) store = NULL;
	struct names names;

	TRY(names_make(&names, cli, purpose));
	TRY(key_store_generate(&store, options_text_or(&cli->options, "alg", "rsa2048")));
	TRY(key_write(cli, store, &names, purpose));
	TRY(request_write(cli, store, &names));
	ENSURE(json_array_append_new(
		       made, json_pack("{s:s, s:s, s:s}", "purpose", purpose, "key", names.key, "csr", names.csr)) == 0,
	       NO_MEMORY, "out of memory");
	return NULL;
}

struct err *apply_keys(struct cli *cli)
{
	static const struct cli_column columns[] = {
		{ "PURPOSE", "purpose" }, { "KEY", "key" }, { "REQUEST", "csr" }, { 0 }
	};
	OWN(json) purposes = json_array();
	OWN(json) made = json_array();
	const char *folder = options_text(&cli->options, "output");
	struct names names;
	json_t *purpose;
	size_t i;

	ENSURE(purposes != NULL && made != NULL, NO_MEMORY, "out of memory");
	ENSURE_FIELD(!options_has(&cli->options, "pkcs11"), BAD_INPUT, "pkcs11",
		     "tokens are not available in this version; leave --pkcs11 out, or use --p12");
	TRY(purposes_find(purposes, cli, options_text(&cli->options, "kind")));
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return ERR_ERRNO("the folder %s cannot be made", folder);
	json_array_foreach(purposes, i, purpose)
	{
		TRY(purpose_check(json_string_value(purpose)));
		TRY(names_make(&names, cli, json_string_value(purpose)));
	}
	json_array_foreach(purposes, i, purpose) TRY(pair_make(made, cli, json_string_value(purpose)));
	return cli->json ? cli_json(cli, made) : cli_table(cli, columns, made);
}
