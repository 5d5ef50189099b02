/*
 * conf.h - the settings of cad. The sample with every key and its default is config/cad.conf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_CONF_H
#define CA_ISSUE_CONF_H

#include "daemon/daemon.h"

struct cad_conf {
	struct daemon_conf daemon;
	struct daemon_bus_conf bus;
	struct daemon_db_conf db;
	char *issue_endpoint, *events_endpoint;
	char *sign_ca_endpoint, *sign_ocsp_endpoint;
	char *sign_ca_name, *sign_ocsp_name;
	char *profiles;
	int64_t batch, batches_in_flight;
	int64_t lease_ms, sign_timeout_ms, retry_ms, retry_max_ms;
	int64_t poll_ms;
	int64_t orders_batch, events_batch;
	char *log_vkey;
	int64_t log_batch, log_poll_ms, log_head_ms;
};

enum { CAD_CONF_ROWS = 30 };
extern const struct conf_row cad_conf_rows[];

/* cad_conf_check() adds what rows cannot say: times that contradict each other, mistakes of profiles.conf. */
void cad_conf_check(const void *conf, struct conf_problems *problems);

/* cad_read_file() appends the bytes of a file. *Errors* CONFIG; TOO_LARGE past the maximum of `out`. */
struct err *cad_read_file(struct buf *out, const char *path) ERR_MUST_USE;

#endif
