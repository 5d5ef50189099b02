/*
 * dispatch.h - one HTTP request becomes one call of the API, and its outcome one answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_DISPATCH_H
#define RA_DISPATCH_H

#include "ra/api.h"
#include "ra/guard.h"

/* ra_dispatch() answers a request; always. `close` asks the client to close the connection afterwards. */
void ra_dispatch(struct evhttp_request *request, struct ra_ctx *ctx, enum ra_port port, struct ra_guard *guard,
		 bool close);

#endif
