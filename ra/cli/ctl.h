/*
 * ctl.h - the commands of nucctl, the operators' and administrators' command line. The table is in ctl.c.
 *
 * The person is the key: --as NAME takes HOME/operators/NAME.{key,pem}, --store any key store. The same key opens the TLS
 * connection and signs decisions; what is signed is checked here first (decide.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CLI_CTL_H
#define RA_CLI_CTL_H

#include "cli/cli.h"
#include "ra/cli/client.h"
#include "ra/cli/key.h"

extern const struct cli_program nucctl_program;

/* ctl_open() opens the person's key with its certificate and connects to the operators' API with it (NUC_OPERATOR_URL,
 * NUC_TLS_CA); either pointer may be NULL. A password is asked for once. *Owns* the results: the caller.
 * *Errors* BAD_INPUT, field "as", when nobody is named. */
struct err *ctl_open(struct key_store **out_store, struct client **out_client, struct cli *cli) ERR_MUST_USE;

/* ctl_get() asks for a path made by client_path() of the format and one text. */
struct err *ctl_get(struct client *client, json_t **out, const char *fmt, const char *text) ERR_MUST_USE;

/* ctl_queue.c: applications */
extern const struct option_row queue_options[], reason_options[], documents_options[];
struct err *ctl_queue(struct cli *cli) ERR_MUST_USE;
struct err *ctl_show(struct cli *cli) ERR_MUST_USE;
struct err *ctl_claim(struct cli *cli) ERR_MUST_USE;
struct err *ctl_return(struct cli *cli) ERR_MUST_USE;
struct err *ctl_documents(struct cli *cli) ERR_MUST_USE;
struct err *ctl_enter(struct cli *cli) ERR_MUST_USE;

/* ctl_decide.c: signed decisions */
extern const struct option_row approve_options[], reject_options[], order_options[], order_only_options[];
struct err *ctl_approve(struct cli *cli) ERR_MUST_USE;
struct err *ctl_reject(struct cli *cli) ERR_MUST_USE;
struct err *ctl_revoke(struct cli *cli) ERR_MUST_USE;
struct err *ctl_hold(struct cli *cli) ERR_MUST_USE;
struct err *ctl_release(struct cli *cli) ERR_MUST_USE;

/* ctl_look.c: certificates, who am I, the signer */
extern const struct option_row cert_options[];
struct err *ctl_cert(struct cli *cli) ERR_MUST_USE;
struct err *ctl_whoami(struct cli *cli) ERR_MUST_USE;
struct err *ctl_key_status(struct cli *cli) ERR_MUST_USE;

/* ctl_key.c: custodians' shares, to the signers of this machine */
extern const struct option_row key_options[], key_activate_options[];
struct err *ctl_key_activate(struct cli *cli) ERR_MUST_USE;
struct err *ctl_key_deactivate(struct cli *cli) ERR_MUST_USE;

/* ctl_policy.c: the Policy, off line */
extern const struct option_row policy_build_options[], policy_sign_options[], policy_assemble_options[];
struct err *ctl_policy_build(struct cli *cli) ERR_MUST_USE;
struct err *ctl_policy_sign(struct cli *cli) ERR_MUST_USE;
struct err *ctl_policy_assemble(struct cli *cli) ERR_MUST_USE;
struct err *ctl_policy_show(struct cli *cli) ERR_MUST_USE;
struct err *ctl_staff_list(struct cli *cli) ERR_MUST_USE;

#endif
