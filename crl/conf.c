/*
 * conf.c - settings of crld. See conf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/conf.h"

#define YEAR_S 31536000

const struct conf_row crld_conf_rows[] = {
	DAEMON_CONF_ROWS(struct crld_conf, daemon),
	DAEMON_BUS_CONF_ROWS(struct crld_conf, bus),
	CONF_STRING(struct crld_conf, sign_ca, "bus.sign_ca", "ipc:///run/nuc/bus/sign-ca/sock", 7, 200, CONF_REQUIRED,
		    "endpoint of the signer that holds the issuing keys"),
	CONF_STRING(struct crld_conf, sign_ca_name, "bus.sign_ca_name", "signd-ca", 1, 64, 0,
		    "its name in bus.peers: the key that it must have"),
	CONF_STRING(struct crld_conf, events, "bus.events", "ipc:///run/nuc/bus/events/sock", 7, 200, CONF_REQUIRED,
		    "endpoint where cad publishes that the ledger grew"),
	CONF_STRING(struct crld_conf, events_name, "bus.events_name", "cad", 1, 64, 0, "cad's name in bus.peers"),
	DAEMON_DB_CONF_ROWS(struct crld_conf, db),

	CONF_STRING_LIST(struct crld_conf, listen, "http.listen", "127.0.0.1:18081", 1, 16, 0,
			 "addresses and ports of plain HTTP; an IPv6 address stands in brackets, * means all"),
	CONF_INT64(struct crld_conf, threads, "http.threads", "1", 1, 64, 0, "threads, each with a loop of its own"),
	CONF_INT64(struct crld_conf, max_connections, "http.max_connections", "10000", 1, 1000000, 0,
		   "open connections"),
	CONF_INT64(struct crld_conf, max_connections_per_ip, "http.max_connections_per_ip", "1000", 0, 1000000, 0,
		   "open connections from one address (IPv6: from one /64); 0: no limit"),

	CONF_STRING(struct crld_conf, folder, "publish.folder", "/var/lib/nuc/www", 1, 1000, CONF_REQUIRED,
		    "folder of the published files: lists, archive, CA certificates, log"),
	CONF_STRING_LIST(struct crld_conf, issuers, "crl.issuers", "", 0, 64, 0,
			 "names of the issuers whose lists are made here; none: all of the ledger"),
	CONF_INT64(struct crld_conf, poll_ms, "crl.poll_ms", "500", 10, 60000, 0,
		   "milliseconds between two looks at the ledger when nobody prompts"),
	CONF_INT64(struct crld_conf, keep_expired_s, "crl.keep_expired_s", "86400", 0, 100 * (int64_t)YEAR_S, 0,
		   "seconds that an entry stays after its certificate's expiry (and on one list at least)"),
	CONF_INT64(struct crld_conf, full_every_s, "crl.full_every_s", "86400", 1, YEAR_S, 0,
		   "seconds from one full list to the next"),
	CONF_INT64(struct crld_conf, full_validity_s, "crl.full_validity_s", "97200", 2, YEAR_S, 0,
		   "seconds from thisUpdate to nextUpdate of a full list"),
	CONF_INT64(struct crld_conf, full_changed_every_s, "crl.full_changed_every_s", "300", 0, YEAR_S, 0,
		   "seconds at least between two full lists when orders were accepted meanwhile; 0: they wait"),
	CONF_BOOL(struct crld_conf, is_urgent_at_once, "crl.urgent_at_once", "true", 0,
		  "an accepted revocation for key compromise does not wait for crl.full_changed_every_s"),
	CONF_INT64(struct crld_conf, delta_every_s, "crl.delta_every_s", "1800", 0, YEAR_S, 0,
		   "seconds from one delta list to the next; 0: no delta lists"),
	CONF_INT64(struct crld_conf, delta_validity_s, "crl.delta_validity_s", "27000", 2, YEAR_S, 0,
		   "seconds from thisUpdate to nextUpdate of a delta list"),
	CONF_INT64(struct crld_conf, delta_changed_every_s, "crl.delta_changed_every_s", "0", 0, YEAR_S, 0,
		   "seconds at least between two delta lists when orders were accepted meanwhile; 0: they wait"),
};

void crld_conf_check(const void *conf, struct conf_problems *problems)
{
	const struct crld_conf *c = conf;

	if (c->full_validity_s <= c->full_every_s)
		conf_problem(problems, "crl.full_validity_s",
			     "must be longer than crl.full_every_s, or a list expires before the next one comes");
	if (c->delta_every_s > 0 && c->delta_validity_s <= c->delta_every_s)
		conf_problem(problems, "crl.delta_validity_s",
			     "must be longer than crl.delta_every_s, or a list expires before the next one comes");
	if (c->delta_every_s > 0 && c->delta_every_s > c->full_every_s)
		conf_problem(problems, "crl.delta_every_s", "must not be longer than crl.full_every_s");
}

struct crl_rule crld_conf_full(const struct crld_conf *conf)
{
	return (struct crl_rule){ .every_s = conf->full_every_s,
				  .validity_s = conf->full_validity_s,
				  .changed_every_s = conf->full_changed_every_s,
				  .is_urgent_at_once = conf->is_urgent_at_once };
}

struct crl_rule crld_conf_delta(const struct crld_conf *conf)
{
	return (struct crl_rule){ .every_s = conf->delta_every_s,
				  .validity_s = conf->delta_validity_s,
				  .changed_every_s = conf->delta_changed_every_s,
				  .is_urgent_at_once = conf->is_urgent_at_once };
}
