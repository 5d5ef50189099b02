/*
 * identify.h - SIMULATOR of the remote identification service (face, one-time code, digital ID). Not the real thing.
 *
 * It decides by a rule without randomness: the Authorisations must be about the person that is asked for; then everybody is
 * recognised, except
 *   - a person whose given name is СБОЙ ("failure"),
 *   - a person whose IIN begins with 999999,
 *   - a person whom the register does not have (IIN begins with 000000), or has under another name (register file).
 * Who is recognised gets a Decision over the SHA-256 of each Authorisation, signed with the service's own key, which the
 * Policy names; its evidence is the digest of a made-up record. It never signs for an Authorisation that is about somebody else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEPLOY_SIMULATORS_IDENTIFY_H
#define DEPLOY_SIMULATORS_IDENTIFY_H

#include "ra/cli/client.h"
#include "ra/cli/key.h"

/* identify() answers POST /identify {"number", "iin", "kind", "purposes", "authorisations": [base64]}: {"outcome": "matched",
 * "decision", "signature"} or {"outcome": "failed", "text"}. *Owns* the result: the caller.
 * *Errors* BAD_INPUT when an Authorisation says something else than the request, naming the field. */
struct err *identify(json_t **out, const json_t *request, const json_t *file,
		     const struct key_store *store) ERR_MUST_USE;

#endif
