/*
 * conf.h - the settings of rad: one struct, one table (conf.c), one commented sample (config/rad.conf).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CONF_H
#define RA_CONF_H

#include <netinet/in.h>

#include "daemon/daemon.h"

struct ra_conf {
	struct daemon_conf daemon;
	struct daemon_bus_conf bus;
	struct daemon_db_conf db;
	char *issue; /* bus endpoint of cad */
	char *events; /* bus endpoint of cad's PUB */

	char *applicants, *operators; /* ADDRESS:PORT */
	int64_t threads;
	int64_t max_connections, max_per_address;
	int64_t request_timeout_s;
	int64_t max_header_bytes, max_body_bytes;

	char *tls_certificate, *tls_key;
	char *operators_ca;

	struct conf_strings policy_pins;

	char *default_issuer;
	int64_t expire_days;
	bool test_identities;

	char *agreement_file, *agreement_version;

	int64_t code_expire_s, code_tries, code_sends, code_resend_s;
	int64_t claim_lease_s;
	int64_t document_max_bytes, document_max_count;

	char *identification_url;
	int64_t identification_timeout_ms, identification_attempts, identification_workers;

	char *sms_url;
	int64_t sms_timeout_ms, notice_attempts;

	int64_t statement_timeout_ms;
};

extern const struct conf_row ra_conf_rows[];
extern const size_t ra_conf_num_rows;

/* ra_conf_check() names what the rows alone cannot find: addresses, pins, URLs. No side effects. */
void ra_conf_check(const void *conf, struct conf_problems *problems);

/* ra_conf_address() reads ADDRESS:PORT (IPv4, or IPv6 in brackets). *Errors* CONFIG. */
struct err *ra_conf_address(struct sockaddr_storage *out, socklen_t *out_len, const char *text) ERR_MUST_USE;

/* ra_conf_pins() reads policy.pins. *Owns* the array: the caller, free(). *Errors* CONFIG. */
struct err *ra_conf_pins(uint8_t (**out)[32], size_t *out_num, const struct ra_conf *conf) ERR_MUST_USE;

#endif
