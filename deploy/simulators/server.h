/*
 * server.h - the HTTP front of the SIMULATORS, on 127.0.0.1 alone.
 *
 *   POST /identify          remote identification (identify.h)
 *   POST /sms {to, text}    SMS gateway: {"id"}        GET /sms?to=NUMBER: what was "sent" to a number
 *   GET /person/IIN         register of persons        GET /organisation/BIN: register of organisations
 *
 * Mistakes are answered with problem documents (RFC 9457). One thread; nothing outlives the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEPLOY_SIMULATORS_SERVER_H
#define DEPLOY_SIMULATORS_SERVER_H

#include "deploy/simulators/messages.h"
#include "ra/cli/key.h"

struct simulators;

/* simulators_create() binds the port (0: any). *Owns* the result: the caller; on success it takes over
 * store and register. */
struct err *simulators_create(struct simulators **out, uint16_t port, struct key_store *store,
			      json_t *file) ERR_MUST_USE;
void simulators_destroy(struct simulators **self);
OWN_TYPE(simulators, struct simulators *, simulators_destroy)

uint16_t simulators_port(const struct simulators *self);

/* simulators_run() serves until SIGTERM or SIGINT. */
struct err *simulators_run(struct simulators *self) ERR_MUST_USE;

#endif
