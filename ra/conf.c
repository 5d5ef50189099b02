/*
 * conf.c - the table of rad's settings. See conf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/conf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const struct conf_row ra_conf_rows[] = {
	DAEMON_CONF_ROWS(struct ra_conf, daemon),
	DAEMON_BUS_CONF_ROWS(struct ra_conf, bus),
	CONF_STRING(struct ra_conf, issue, "bus.issue", "ipc:///run/nuc/bus/issue/sock", 1, 200, CONF_REQUIRED,
		    "endpoint where cad takes prompts"),
	CONF_STRING(struct ra_conf, events, "bus.events", "ipc:///run/nuc/bus/events/sock", 1, 200, CONF_REQUIRED,
		    "endpoint where cad publishes that the ledger grew"),
	DAEMON_DB_CONF_ROWS(struct ra_conf, db),
	CONF_INT64(struct ra_conf, statement_timeout_ms, "db.statement_timeout_ms", "10000", 100, 600000, 0,
		   "milliseconds that one statement may take"),

	CONF_STRING(struct ra_conf, applicants, "http.applicants", "127.0.0.1:18082", 1, 64, 0,
		    "address and port of the applicants' HTTPS; an IPv6 address stands in brackets"),
	CONF_STRING(struct ra_conf, operators, "http.operators", "127.0.0.1:18083", 1, 64, 0,
		    "address and port of the operators' HTTPS, where a client certificate is required"),
	CONF_INT64(struct ra_conf, threads, "http.threads", "8", 1, 128, 0,
		   "threads, each with a listener and a database connection of its own"),
	CONF_INT64(struct ra_conf, max_connections, "http.max_connections", "2000", 1, 100000, 0,
		   "open connections of each of the two ports"),
	CONF_INT64(struct ra_conf, max_per_address, "http.max_per_address", "500", 1, 100000, 0,
		   "open connections from one address (IPv6: from one /64)"),
	CONF_INT64(struct ra_conf, request_timeout_s, "http.request_timeout_s", "30", 1, 3600, 0,
		   "seconds until a request has arrived whole, counted from the connection or the last answer"),
	CONF_INT64(struct ra_conf, max_header_bytes, "http.max_header_bytes", "16384", 1024, 65536, 0,
		   "octets of a request's header"),
	CONF_INT64(struct ra_conf, max_body_bytes, "http.max_body_bytes", "131072", 4096, 4194304, 0,
		   "octets of a JSON body"),

	CONF_STRING(struct ra_conf, tls_certificate, "tls.certificate", "/etc/nuc/tls/rad.pem", 1, 1000, CONF_REQUIRED,
		    "PEM file: the server's certificate and the issuing CA's after it"),
	CONF_STRING(struct ra_conf, tls_key, "tls.key", "/etc/nuc/tls/rad.key", 1, 1000, CONF_REQUIRED,
		    "PEM file: its private key"),
	CONF_STRING(struct ra_conf, operators_ca, "tls.operators_ca", "/etc/nuc/ca/rsa/chain.pem", 1, 1000,
		    CONF_REQUIRED, "PEM file: the CA certificates that operators' certificates are verified against"),

	CONF_STRING_LIST(struct ra_conf, policy_pins, "policy.pins",
			 "0000000000000000000000000000000000000000000000000000000000000000", 1, 16, CONF_REQUIRED,
			 "SHA-256 (hexadecimal) of the public keys of the administrators who may sign version 1"),

	CONF_STRING(struct ra_conf, default_issuer, "applications.issuer", "rsa", 1, 16, 0,
		    "issuer of an application that names none"),
	CONF_INT64(struct ra_conf, expire_days, "applications.expire_days", "30", 1, 365, 0,
		   "days after which an application that nobody finished expires"),
	CONF_BOOL(
		struct ra_conf, test_identities, "applications.test_identities", "false", 0,
		"let the identities of NUC's SDK through, whose check digits are wrong; for demonstrations and tests"),
	CONF_INT64(struct ra_conf, document_max_bytes, "applications.document_max_bytes", "5242880", 1024, 104857600, 0,
		   "octets of one document"),
	CONF_INT64(struct ra_conf, document_max_count, "applications.document_max_count", "20", 1, 1000, 0,
		   "documents of one application"),
	CONF_INT64(struct ra_conf, claim_lease_s, "applications.claim_lease_s", "1800", 10, 86400, 0,
		   "seconds that an operator's claim lasts"),

	CONF_STRING(struct ra_conf, agreement_file, "agreement.file", "/etc/nuc/agreement.txt", 1, 1000, CONF_REQUIRED,
		    "UTF-8 text that applicants accept; its SHA-256 is part of what is decided"),
	CONF_STRING(struct ra_conf, agreement_version, "agreement.version", "1", 1, 64, 0, "its name for people"),

	CONF_INT64(struct ra_conf, code_expire_s, "code.expire_s", "600", 30, 86400, 0,
		   "seconds that a one-time code is valid"),
	CONF_INT64(struct ra_conf, code_tries, "code.tries", "5", 1, 20, 0, "wrong tries that one code allows"),
	CONF_INT64(struct ra_conf, code_sends, "code.sends", "5", 1, 100, 0, "codes that are sent for one application"),
	CONF_INT64(struct ra_conf, code_resend_s, "code.resend_s", "30", 0, 3600, 0,
		   "seconds between two codes of one application"),

	CONF_STRING(struct ra_conf, identification_url, "identification.url", "", 0, 1000, 0,
		    "URL of the identification service; empty: off, confirmed applications wait"),
	CONF_INT64(struct ra_conf, identification_timeout_ms, "identification.timeout_ms", "10000", 100, 120000, 0,
		   "milliseconds that one answer may take"),
	CONF_INT64(struct ra_conf, identification_attempts, "identification.attempts", "5", 1, 20, 0,
		   "failed identifications after which an application is rejected (the counter is open then)"),
	CONF_INT64(struct ra_conf, identification_workers, "identification.workers", "2", 1, 32, 0,
		   "threads that ask the service"),

	CONF_STRING(struct ra_conf, sms_url, "sms.url", "", 0, 1000, 0,
		    "URL of the SMS gateway; empty: off, notices wait in the outbox"),
	CONF_INT64(struct ra_conf, sms_timeout_ms, "sms.timeout_ms", "5000", 100, 120000, 0,
		   "milliseconds that one answer may take"),
	CONF_INT64(struct ra_conf, notice_attempts, "sms.attempts", "8", 1, 100, 0,
		   "times that a notice is tried, with growing pauses"),
};
const size_t ra_conf_num_rows = sizeof ra_conf_rows / sizeof ra_conf_rows[0];

struct err *ra_conf_address(struct sockaddr_storage *out, socklen_t *out_len, const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	char *end = NULL;

	ENSURE(colon != NULL && (size_t)(colon - text) < sizeof host, CONFIG, "ADDRESS:PORT is expected");
	unsigned long port = strtoul(colon + 1, &end, 10);
	ENSURE(end != colon + 1 && *end == '\0' && port <= 65535, CONFIG, "not a port: %s", colon + 1);
	(void)snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	memset(out, 0, sizeof *out);
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

		host[strlen(host) - 1] = '\0';
		ENSURE(inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1, CONFIG, "not an IPv6 address: %s", host + 1);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*out_len = sizeof *v6;
		return NULL;
	}
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	ENSURE(inet_pton(AF_INET, host, &v4->sin_addr) == 1, CONFIG, "not an IP address: %s", host);
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	*out_len = sizeof *v4;
	return NULL;
}

struct err *ra_conf_pins(uint8_t (**out)[32], size_t *out_num, const struct ra_conf *conf)
{
	size_t num = conf->policy_pins.num;
	OWN(buf) all = BUF_INIT(32 * 1024);

	for (size_t i = 0; i < num; i++) {
		OWN(err) e = text_unhex(&all, SLICE_STR(conf->policy_pins.items[i]));

		ENSURE_FIELD(e == NULL && all.len == 32 * (i + 1), CONFIG, "policy.pins",
			     "item %zu: 64 hexadecimal digits are expected", i + 1);
	}
	uint8_t(*pins)[32] = calloc(num > 0 ? num : 1, sizeof *pins);
	ENSURE(pins != NULL, NO_MEMORY, "the pinned keys");
	if (all.len > 0)
		memcpy(pins, all.p, all.len);
	*out = pins;
	*out_num = num;
	return NULL;
}

static void check_address(struct conf_problems *problems, const char *path, const char *text)
{
	struct sockaddr_storage address;
	socklen_t len;
	OWN(err) e = ra_conf_address(&address, &len, text);

	if (e != NULL)
		conf_problem(problems, path, "%s", err_sentence(e));
}

static void check_url(struct conf_problems *problems, const char *path, const char *url)
{
	if (url[0] != '\0' && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		conf_problem(problems, path, "an http:// or https:// URL is expected");
}

void ra_conf_check(const void *conf, struct conf_problems *problems)
{
	const struct ra_conf *c = conf;
	uint8_t(*pins)[32] = NULL;
	size_t num;
	OWN(err) e = ra_conf_pins(&pins, &num, c);

	if (e != NULL)
		conf_problem(problems, "policy.pins", "%s", err_sentence(e));
	free(pins);
	check_address(problems, "http.applicants", c->applicants);
	check_address(problems, "http.operators", c->operators);
	if (strcmp(c->applicants, c->operators) == 0 && strstr(c->applicants, ":0") == NULL)
		conf_problem(problems, "http.operators", "the same as http.applicants");
	check_url(problems, "identification.url", c->identification_url);
	check_url(problems, "sms.url", c->sms_url);
}
