/*
 * tls.h - the TLS contexts of rad's two ports.
 *
 * TLS 1.2 and later. The operators' port asks for a client certificate and verifies it against the CA file; who its
 * holder is, is said by the Policy on every request (http.c), since a resumed session does not verify again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_TLS_H
#define RA_TLS_H

#include <openssl/ssl.h>

#include "base/own.h"

OWN_POINTER(ssl_ctx, SSL_CTX *, SSL_CTX_free)

/* ra_tls_create() makes a server context. `clients_ca` NULL: no client certificate is asked for. *Owns* the caller,
 * SSL_CTX_free(). *Errors* CONFIG naming the file. */
struct err *ra_tls_create(SSL_CTX **out, const char *certificate, const char *key, const char *clients_ca) ERR_MUST_USE;

#endif
