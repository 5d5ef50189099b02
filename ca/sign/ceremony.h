/*
 * ceremony.h - the key ceremony: `signd --ceremony PLAN.conf`, without sockets and without a daemon.
 *
 * Makes what must exist before a daemon starts: root, issuing and responder keys with their certificates for each
 * issuer, log and journal keys, the root's empty CRL, certificates of staff, services and the identification service
 * from request files. It refuses where keys exist, writes private keys only into their signer's own folder (0600), signs
 * through sign.c alone, writes every certificate that an issuing key signs to the journal before it leaves, and keeps a
 * transcript with the digest of everything. The first Policy is signed afterwards, by the administrators with nucctl.
 * The plan is a libconfig file; config/ceremony.conf shows every key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_CEREMONY_H
#define CA_SIGN_CEREMONY_H

#include <stdio.h>

#include "base/err.h"

/* ceremony_run() carries out the plan and prints each step to `report`. Nothing is overwritten: *Errors* CONFLICT where
 * a file exists, CONFIG with every mistake of the plan, BAD_INPUT for a request file (field = the entry's name),
 * SYSTEM. What was written before an error stays, and the next run refuses until it is removed. */
struct err *ceremony_run(const char *plan_file, FILE *report) ERR_MUST_USE;

/* ceremony_check() reads the plan and the files it names and changes nothing. */
struct err *ceremony_check(const char *plan_file, FILE *report) ERR_MUST_USE;

#endif
