/*
 * tls.c - TLS contexts. See tls.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/tls.h"

#include <openssl/err.h>

static struct err *load_own(SSL_CTX *ctx, const char *certificate, const char *key)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return ERR_OPENSSL(CONFIG, "tls.certificate %s", certificate);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return ERR_OPENSSL(CONFIG, "tls.key %s", key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return ERR_OPENSSL(CONFIG, "tls.key %s is not the key of tls.certificate %s", key, certificate);
	return NULL;
}

static struct err *load_clients_ca(SSL_CTX *ctx, const char *file)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	if (SSL_CTX_load_verify_locations(ctx, file, NULL) != 1)
		return ERR_OPENSSL(CONFIG, "tls.operators_ca %s", file);
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
	if (names == NULL)
		return ERR_OPENSSL(CONFIG, "tls.operators_ca %s", file);
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify_depth(ctx, 4);
	/* The file may hold the issuing CA alone. */
	ENSURE(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1, SYSTEM, "verification flags");
	return NULL;
}

struct err *ra_tls_create(SSL_CTX **out, const char *certificate, const char *key, const char *clients_ca)
{
	static const unsigned char applicants[] = "rad/applicants", operators[] = "rad/operators";
	const unsigned char *id = clients_ca == NULL ? applicants : operators;
	size_t id_len = (clients_ca == NULL ? sizeof applicants : sizeof operators) - 1;
	OWN(ssl_ctx) ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		return ERR_OPENSSL(SYSTEM, "a TLS context");
	ENSURE(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1, SYSTEM, "TLS 1.2");
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
		return ERR_OPENSSL(SYSTEM, "cipher suites");
	if (SSL_CTX_set_session_id_context(ctx, id, (unsigned)id_len) != 1)
		return ERR_OPENSSL(SYSTEM, "session id context");
	TRY(load_own(ctx, certificate, key));
	if (clients_ca != NULL)
		TRY(load_clients_ca(ctx, clients_ca));
	*out = TAKE(ctx);
	return NULL;
}
