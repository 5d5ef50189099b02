/*
 * application.h - making an application: what `nucapply submit` and `nucctl enter` have in common.
 *
 * The same command sent twice sends the same bytes, so that the registration authority finds the number that it gave
 * before. The number is printed alone on the first line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_APPLICATION_H
#define RA_CLI_APPLICATION_H

#include "cli/cli.h"
#include "ra/cli/client.h"

/* --csr, --storage, --document, --agree, --channel; together with who_options. */
extern const struct option_row application_options[];

/* application_client() opens the applicants' API (NUC_RA_URL, NUC_TLS_CA). *Owns* the result: the caller. */
struct err *application_client(struct client **out, const struct cli *cli) ERR_MUST_USE;

/* application_agreement() fetches the agreement: {"digest", "version", "text"}; the digest is that of the text.
 * *Owns* the result: the caller. *Errors* CONFLICT when it is not. */
struct err *application_agreement(json_t **out, struct client *api) ERR_MUST_USE;

/* application_send() asks the API (the applicants' or the operators') for the agreement, sends the application, prints the
 * number, and adds the documents. `channel` is used when --channel is not given.
 * *Errors* BAD_INPUT, field "agreement", without --agree; and what the API refuses. */
struct err *application_send(struct cli *cli, struct client *api, const char *channel) ERR_MUST_USE;

/* application_document() adds one file to an application. */
struct err *application_document(struct client *api, const char *number, const char *path) ERR_MUST_USE;

#endif
