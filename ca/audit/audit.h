/*
 * audit.h - the table of nucaudit's commands.
 *
 * `verify` is the one that must not trust us: verify.c uses no database and believes nothing but the log key it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_AUDIT_AUDIT_H
#define CA_AUDIT_AUDIT_H

#include "cli/cli.h"

extern const struct cli_program nucaudit_program;

/* The commands; each returns the error that ends it. */
struct err *audit_export(struct cli *cli) ERR_MUST_USE;
struct err *audit_verify(struct cli *cli) ERR_MUST_USE;
struct err *audit_status(struct cli *cli) ERR_MUST_USE;
struct err *audit_status_at(struct cli *cli) ERR_MUST_USE;

#endif
