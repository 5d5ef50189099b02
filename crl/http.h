/*
 * http.h - what crld serves: lists, their archive, CA certificates, checkpoint and tiles, all of them files.
 *
 * A path is served only when it has one of the few forms below; nothing else of the folder can be named.
 *
 *	/nca_rsa.crl /nca_d_rsa.crl /root_rsa.crl   /archive/nca_rsa.17.crl   /cert/nca_rsa.cer
 *	/log/checkpoint   /log/tile/0/x001/234   /log/tile/0/000.p/17
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_HTTP_H
#define CRL_HTTP_H

#include "crl/folder.h"
#include "http/server.h"

struct crl_http_file {
	char path[128]; /* in the published folder */
	const char *content_type;
	const char *headers; /* how long it may be kept */
};

/* crl_http_route() says which file a path names; false: none. Pure. */
bool crl_http_route(struct crl_http_file *out, struct slice path);

/* crl_http_hooks() gives the hooks of a server whose `arg` is the folder. */
struct http_hooks crl_http_hooks(void);

#endif
