/*
 * conf.h - settings of crld. config/crld.conf shows every key with its default.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_CONF_H
#define CRL_CONF_H

#include "crl/schedule.h"
#include "daemon/daemon.h"

struct crld_conf {
	struct daemon_conf daemon;
	struct daemon_bus_conf bus;
	struct daemon_db_conf db;
	char *sign_ca, *sign_ca_name;
	char *events, *events_name;

	struct conf_strings listen;
	int64_t threads, max_connections, max_connections_per_ip;

	char *folder;
	struct conf_strings issuers;
	int64_t poll_ms, keep_expired_s;
	int64_t full_every_s, full_validity_s, full_changed_every_s;
	bool is_urgent_at_once;
	int64_t delta_every_s, delta_validity_s, delta_changed_every_s;
};

enum { CRLD_CONF_ROWS = 29 };
extern const struct conf_row crld_conf_rows[CRLD_CONF_ROWS];

/* crld_conf_check() notes what single rows cannot say: a validity that is not longer than its period, and the like. */
void crld_conf_check(const void *conf, struct conf_problems *problems);

struct crl_rule crld_conf_full(const struct crld_conf *conf);
struct crl_rule crld_conf_delta(const struct crld_conf *conf);

#endif
