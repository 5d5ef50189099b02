/*
 * conf.c - the table of ocspd's settings. See conf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/conf.h"

#include <string.h>

const struct conf_row ocspd_conf_rows[] = {
	DAEMON_CONF_ROWS(struct ocspd_conf, daemon),
	DAEMON_BUS_CONF_ROWS(struct ocspd_conf, bus),
	CONF_STRING(struct ocspd_conf, events, "bus.events", "ipc:///run/nuc/bus/events/sock", 1, 200, CONF_REQUIRED,
		    "endpoint where cad publishes that the ledger grew"),
	CONF_STRING(struct ocspd_conf, sign_ocsp, "bus.sign_ocsp", "ipc:///run/nuc/bus/sign-ocsp/sock", 1, 200,
		    CONF_REQUIRED, "endpoint of signd-ocsp, which signs the answers"),
	DAEMON_DB_CONF_ROWS(struct ocspd_conf, db),

	CONF_STRING_LIST(struct ocspd_conf, listen, "http.listen", "127.0.0.1:18080", 1, 16, 0,
			 "addresses and ports (HOST:PORT, [IPV6]:PORT, *:PORT)"),
	CONF_INT64(struct ocspd_conf, threads, "http.threads", "2", 1, 64, 0,
		   "threads, each with listeners and a connection to the signer of its own; one a core"),
	CONF_INT64(struct ocspd_conf, max_connections, "http.max_connections", "20000", 1, 1000000, 0,
		   "open connections"),
	CONF_INT64(struct ocspd_conf, max_per_address, "http.max_per_address", "4000", 0, 1000000, 0,
		   "open connections from one address (IPv6: from one /64); 0: no limit"),
	CONF_INT64(struct ocspd_conf, max_head_bytes, "http.max_head_bytes", "12288", 1024, 65536, 0,
		   "octets of a request's line and header; a GET carries the whole request there"),
	CONF_INT64(struct ocspd_conf, head_timeout_ms, "http.head_timeout_ms", "5000", 100, 600000, 0,
		   "milliseconds from the first octet of a request to the end of its header"),
	CONF_INT64(struct ocspd_conf, body_timeout_ms, "http.body_timeout_ms", "5000", 100, 600000, 0,
		   "milliseconds from there to the end of its body"),
	CONF_INT64(struct ocspd_conf, idle_timeout_ms, "http.idle_timeout_ms", "60000", 100, 3600000, 0,
		   "milliseconds that a connection may stay open without a request"),
	CONF_INT64(struct ocspd_conf, max_age_s, "http.max_age_s", "60", 0, 86400, 0,
		   "seconds for which caches may keep the answer to a GET (Cache-Control: max-age)"),

	CONF_STRING(struct ocspd_conf, responder_id, "answer.responder_id", "name", 3, 4, 0,
		    "how answers name the responder: name or key"),
	CONF_STRING(struct ocspd_conf, never_issued, "answer.never_issued", "revoked", 7, 7, 0,
		    "answer for a serial that was never issued: revoked (certificateHold, 1970-01-01, RFC 6960 "
		    "extended-revoke; what NUC answers) or unknown"),
	CONF_INT64(struct ocspd_conf, next_update_s, "answer.next_update_s", "43200", 60, 864000, 0,
		   "seconds from thisUpdate to nextUpdate; never past the end of the responder certificate"),
	CONF_BOOL(struct ocspd_conf, recheck_absent, "answer.recheck_absent", "true", 0,
		  "read the ledger once more before a serial is called never issued"),

	CONF_INT64(struct ocspd_conf, poll_ms, "ledger.poll_ms", "500", 10, 60000, 0,
		   "milliseconds between two readings of the ledger when no prompt comes"),
	CONF_INT64(struct ocspd_conf, ledger_batch, "ledger.batch", "10000", 1, 1000000, 0,
		   "log entries that one reading takes at a time"),
	CONF_INT64(struct ocspd_conf, stale_after_ms, "ledger.stale_after_ms", "5000", 100, 3600000, 0,
		   "milliseconds without a reading of the ledger after which nothing new is answered (tryLater)"),

	CONF_INT64(struct ocspd_conf, sign_queue, "sign.queue", "1024", 1, 65536, 0,
		   "requests of a thread that may wait for the signer; more are answered tryLater at once"),
	CONF_INT64(struct ocspd_conf, sign_batch, "sign.batch", "64", 1, 64, 0, "answers in one message to the signer"),
	CONF_INT64(struct ocspd_conf, sign_deadline_ms, "sign.deadline_ms", "2000", 50, 60000, 0,
		   "milliseconds that a request may wait; then tryLater"),

	CONF_INT64(
		struct ocspd_conf, prepared_entries, "prepared.entries", "32768", 0, 16777216, 0,
		"prepared answers (about 600 octets each) that a thread keeps for requests without a nonce; 0: none"),
	CONF_INT64(
		struct ocspd_conf, prepared_stale_s, "prepared.stale_s", "60", 0, 86400, 0,
		"seconds after thisUpdate for which a prepared answer still goes out while the ledger cannot be read"),
};
_Static_assert(sizeof ocspd_conf_rows / sizeof ocspd_conf_rows[0] == OCSPD_CONF_ROWS, "OCSPD_CONF_ROWS");

void ocspd_conf_check(const void *conf, struct conf_problems *problems)
{
	const struct ocspd_conf *c = conf;

	if (strcmp(c->responder_id, "name") != 0 && strcmp(c->responder_id, "key") != 0)
		conf_problem(problems, "answer.responder_id", "name or key, not \"%s\"", c->responder_id);
	if (strcmp(c->never_issued, "revoked") != 0 && strcmp(c->never_issued, "unknown") != 0)
		conf_problem(problems, "answer.never_issued", "revoked or unknown, not \"%s\"", c->never_issued);
	if (c->stale_after_ms < 2 * c->poll_ms)
		conf_problem(problems, "ledger.stale_after_ms", "at least twice ledger.poll_ms (%lld)",
			     (long long)c->poll_ms);
	if (c->prepared_stale_s > c->next_update_s)
		conf_problem(problems, "prepared.stale_s", "at most answer.next_update_s (%lld)",
			     (long long)c->next_update_s);
}
