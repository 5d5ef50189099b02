/*
 * conf.h - settings of ocspd. The table is in conf.c; config/ocspd.conf shows every key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_CONF_H
#define OCSP_CONF_H

#include "daemon/daemon.h"

struct ocspd_conf {
	struct daemon_conf daemon;
	struct daemon_bus_conf bus;
	char *events, *sign_ocsp;
	struct daemon_db_conf db;

	struct conf_strings listen;
	int64_t threads, max_connections, max_per_address, max_head_bytes;
	int64_t head_timeout_ms, body_timeout_ms, idle_timeout_ms, max_age_s;

	char *responder_id, *never_issued;
	int64_t next_update_s;
	bool recheck_absent;

	int64_t poll_ms, ledger_batch, stale_after_ms;

	int64_t sign_queue, sign_batch, sign_deadline_ms;

	int64_t prepared_entries, prepared_stale_s;
};

enum { OCSPD_CONF_ROWS = 33 };
extern const struct conf_row ocspd_conf_rows[];

/* ocspd_conf_check() finds what rows cannot say. */
void ocspd_conf_check(const void *conf, struct conf_problems *problems);

#endif
