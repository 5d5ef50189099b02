/*
 * who.h - the person (and organisation) of an application: one table of options for `keys`, `submit` and `enter`, and the
 * JSON and request subject made of them. Nothing is judged here: the registration authority refuses and names the field.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_WHO_H
#define RA_CLI_WHO_H

#include "cli/cli.h"
#include "ra/cli/client.h"

extern const struct option_row who_options[];

/* who_json() makes the members of an application that describe who it is for, the kind, the issuer and the language.
 * *Owns* the result: the caller. *Errors* BAD_INPUT when a text is not UTF-8, naming the field. */
struct err *who_json(json_t **out, const struct cli *cli) ERR_MUST_USE;

/* who_subject() appends a Name for the request, which is for information only (the certificate's subject comes from the
 * application): an empty Name when the texts make none. */
struct err *who_subject(struct buf *out, const struct cli *cli) ERR_MUST_USE;

/* who_extensions() appends the Extensions of a request in NUC's form: e-mail or domain names, and the key store. */
struct err *who_extensions(struct buf *out, const struct cli *cli, const char *storage_oid) ERR_MUST_USE;

/* who_storage() gives the OID of --storage NAME (`file` is pkcs12), NULL when it is not given.
 * *Errors* BAD_INPUT, field "storage". */
struct err *who_storage(const char **out, const char *name) ERR_MUST_USE;

#endif
