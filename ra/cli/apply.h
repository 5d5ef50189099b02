/*
 * apply.h - the commands of nucapply, the reference client of applicants. One function a command; the table is in apply.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_APPLY_H
#define RA_CLI_APPLY_H

#include "cli/cli.h"
#include "ra/cli/key.h"

extern const struct cli_program nucapply_program;

/* --password-file; passwords also come from the variable NUC_KEY_PASSWORD or the terminal. */
extern const struct option_row password_options[];
/* password_sources() says where a password may come from. `out` borrows the options. */
void password_sources(struct key_password *out, const struct cli *cli);

/* apply_keys.c */
extern const struct option_row keys_options[];
struct err *apply_keys(struct cli *cli) ERR_MUST_USE;

/* apply_fetch.c */
extern const struct option_row fetch_options[];
struct err *apply_fetch(struct cli *cli) ERR_MUST_USE;

/* apply_revoke.c */
extern const struct option_row revoke_options[];
struct err *apply_revoke(struct cli *cli) ERR_MUST_USE;

#endif
