/*
 * conf.c - the settings of cad as a table. See conf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "x509/profile.h"

#define C struct cad_conf

const struct conf_row cad_conf_rows[] = {
	DAEMON_CONF_ROWS(C, daemon),
	DAEMON_BUS_CONF_ROWS(C, bus),
	CONF_STRING(C, issue_endpoint, "bus.issue", "ipc:///run/nuc/bus/issue/sock", 1, 200, CONF_REQUIRED,
		    "endpoint where prompts of rad are taken"),
	CONF_STRING(C, events_endpoint, "bus.events", "ipc:///run/nuc/bus/events/sock", 1, 200, CONF_REQUIRED,
		    "endpoint where the followers are prompted"),
	CONF_STRING(C, sign_ca_endpoint, "bus.sign_ca", "ipc:///run/nuc/bus/sign-ca/sock", 1, 200, CONF_REQUIRED,
		    "endpoint of the signer of certificates"),
	CONF_STRING(C, sign_ocsp_endpoint, "bus.sign_ocsp", "ipc:///run/nuc/bus/sign-ocsp/sock", 1, 200, CONF_REQUIRED,
		    "endpoint of the signer of OCSP answers and log heads"),
	CONF_STRING(C, sign_ca_name, "bus.sign_ca_name", "signd-ca", 1, 64, 0,
		    "name in bus.peers of the signer of certificates"),
	CONF_STRING(C, sign_ocsp_name, "bus.sign_ocsp_name", "signd-ocsp", 1, 64, 0,
		    "name in bus.peers of the signer of OCSP answers and log heads"),
	DAEMON_DB_CONF_ROWS(C, db),
	CONF_STRING(C, profiles, "profiles", "", 0, 1000, 0,
		    "profiles.conf for -t to check; work follows the signed Policy alone; empty: none"),
	CONF_INT64(C, batch, "issue.batch", "64", 1, 1000, CONF_RELOADABLE, "requests claimed and signed together"),
	CONF_INT64(C, batches_in_flight, "issue.batches_in_flight", "8", 1, 100, CONF_RELOADABLE,
		   "batches between claim and commit"),
	CONF_INT64(C, lease_ms, "issue.lease_ms", "30000", 1000, 600000, CONF_RELOADABLE,
		   "milliseconds that a claim lasts before another instance may repeat it"),
	CONF_INT64(C, sign_timeout_ms, "issue.sign_timeout_ms", "10000", 100, 600000, CONF_RELOADABLE,
		   "milliseconds that the signer may take for a batch"),
	CONF_INT64(C, retry_ms, "issue.retry_ms", "200", 1, 60000, CONF_RELOADABLE,
		   "milliseconds before the first repeat of what failed; doubles each time"),
	CONF_INT64(C, retry_max_ms, "issue.retry_max_ms", "60000", 1, 3600000, CONF_RELOADABLE,
		   "milliseconds between repeats at most"),
	CONF_INT64(C, poll_ms, "issue.poll_ms", "1000", 10, 60000, 0,
		   "milliseconds between looks into the ledger without a prompt"),
	CONF_INT64(C, orders_batch, "orders.batch", "100", 1, 1000, CONF_RELOADABLE,
		   "orders put to the signer together"),
	CONF_INT64(C, events_batch, "orders.events_batch", "1000", 1, 10000, CONF_RELOADABLE,
		   "events relayed to the OCSP signer together"),
	CONF_STRING(C, log_vkey, "log.vkey", "/var/lib/nuc/ca/log.vkey", 1, 1000, CONF_REQUIRED,
		    "file with the public key of the log (C2SP vkey), which names its origin"),
	CONF_INT64(C, log_batch, "log.batch", "4096", 1, 16384, 0, "entries sequenced in one transaction"),
	CONF_INT64(C, log_poll_ms, "log.poll_ms", "250", 10, 60000, 0,
		   "milliseconds between looks for pending entries without a prompt"),
	CONF_INT64(C, log_head_ms, "log.head_ms", "200", 200, 60000, 0,
		   "milliseconds between two signed heads at least"),
};
_Static_assert(sizeof cad_conf_rows / sizeof cad_conf_rows[0] == CAD_CONF_ROWS, "the header counts the rows");

struct err *cad_read_file(struct buf *out, const char *path)
{
	uint8_t piece[8192];
	struct err *e = NULL;
	size_t n;
	FILE *f = fopen(path, "re");

	ENSURE(f != NULL, CONFIG, "%s: %s", path, strerror(errno));
	while (e == NULL && (n = fread(piece, 1, sizeof piece, f)) > 0)
		e = buf_append(out, SLICE(piece, n));
	if (e == NULL && ferror(f) != 0)
		e = ERR(CONFIG, "%s: cannot be read", path);
	(void)fclose(f);
	return e == NULL ? NULL : ERR_WRAP(e, "%s", path);
}

static struct err *check_profiles(const char *path, struct conf_problems *problems)
{
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES);
	OWN(buf) mistakes = BUF_INIT(256 * 1024);
	const char *line;

	TRY(cad_read_file(&text, path));
	TRY(profiles_mistakes(&mistakes, buf_slice(&text)));
	TRY(buf_str(&mistakes, &line));
	while (*line != '\0') {
		size_t len = strcspn(line, "\n");
		conf_problem(problems, path, "%.*s", (int)len, line);
		line += len + (line[len] == '\n' ? 1 : 0);
	}
	return NULL;
}

void cad_conf_check(const void *conf, struct conf_problems *problems)
{
	const struct cad_conf *c = conf;

	if (c->lease_ms <= c->sign_timeout_ms)
		conf_problem(problems, "issue.lease_ms", "must be longer than issue.sign_timeout_ms (%lld)",
			     (long long)c->sign_timeout_ms);
	if (c->retry_max_ms < c->retry_ms)
		conf_problem(problems, "issue.retry_max_ms", "must not be shorter than issue.retry_ms (%lld)",
			     (long long)c->retry_ms);
	if (c->profiles[0] != '\0') {
		OWN(err) e = check_profiles(c->profiles, problems);
		char text[300];
		if (e != NULL)
			conf_problem(problems, "profiles", "%s", err_text(e, text, sizeof text));
	}
}
