/*
 * metrics.c - rows and publishing of ocspd's metrics.
 *
 * HTTP threads count into memory of their own; once a second the totals are brought here, so that a request touches no
 * line that another thread writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/metrics.h"

#include "base/clock.h"

#define ANSWERS(outcome, word)                                                                                         \
	[OCSP_METRIC_ANSWERS + (outcome)*OCSP_WAYS +                                                                   \
		OCSP_PREPARED] = { "nuc_ocspd_answers_total", METRIC_COUNTER, "outcome=\"" word "\",way=\"prepared\"", \
				   "answers by outcome and way" },                                                     \
		[OCSP_METRIC_ANSWERS + (outcome)*OCSP_WAYS +                                                           \
			OCSP_SIGNED] = { "nuc_ocspd_answers_total", METRIC_COUNTER,                                    \
					 "outcome=\"" word "\",way=\"signed\"", "answers by outcome and way" },        \
		[OCSP_METRIC_ANSWERS + (outcome)*OCSP_WAYS +                                                           \
			OCSP_DIRECT] = { "nuc_ocspd_answers_total", METRIC_COUNTER,                                    \
					 "outcome=\"" word "\",way=\"direct\"", "answers by outcome and way" }
#define MALFORMED(cause, word)                                                                                         \
	[OCSP_METRIC_MALFORMED + (cause)] = { "nuc_ocspd_malformed_total", METRIC_COUNTER, "cause=\"" word "\"",       \
					      "requests answered malformedRequest, by cause" }
#define COUNTER(counter, word)                                                                                         \
	[OCSP_METRIC_COUNTERS + (counter)] = { "nuc_ocspd_events_total", METRIC_COUNTER, "event=\"" word "\"",         \
					       "what happened on the way to answers" }
#define REFUSED(why, word)                                                                                             \
	[OCSP_METRIC_HTTP_REFUSED + (why)] = { "nuc_ocspd_http_refused_total", METRIC_COUNTER, "why=\"" word "\"",     \
					       "connections and requests turned away" }
#define RESPONSES(digit)                                                                                               \
	[OCSP_METRIC_HTTP_RESPONSES + (digit)-2] = { "nuc_ocspd_http_responses_total", METRIC_COUNTER,                 \
						     "class=\"" #digit "xx\"", "HTTP responses by class" }

const struct metric_def ocsp_metric_defs[OCSP_METRICS] = {
	ANSWERS(OCSP_GOOD, "good"),
	ANSWERS(OCSP_REVOKED, "revoked"),
	ANSWERS(OCSP_UNKNOWN, "unknown"),
	ANSWERS(OCSP_TRY_LATER, "try_later"),
	ANSWERS(OCSP_UNAUTHORIZED, "unauthorized"),
	ANSWERS(OCSP_MALFORMED, "malformed"),
	ANSWERS(OCSP_INTERNAL, "internal"),
	MALFORMED(OCSP_MALFORMED_NONE, "none"),
	MALFORMED(OCSP_MALFORMED_SIZE, "size"),
	MALFORMED(OCSP_MALFORMED_ENCODING, "encoding"),
	MALFORMED(OCSP_MALFORMED_DER, "der"),
	MALFORMED(OCSP_MALFORMED_STRUCTURE, "structure"),
	MALFORMED(OCSP_MALFORMED_COUNT, "count"),
	MALFORMED(OCSP_MALFORMED_CERT_ID, "cert_id"),
	MALFORMED(OCSP_MALFORMED_NONCE, "nonce"),
	MALFORMED(OCSP_MALFORMED_EXTENSION, "extension"),
	COUNTER(OCSP_COUNT_GET, "get"),
	COUNTER(OCSP_COUNT_POST, "post"),
	COUNTER(OCSP_COUNT_NONCE, "nonce"),
	COUNTER(OCSP_COUNT_QUEUE_FULL, "queue_full"),
	COUNTER(OCSP_COUNT_DEADLINE, "deadline"),
	COUNTER(OCSP_COUNT_SIGNER_REFUSED, "signer_refused"),
	COUNTER(OCSP_COUNT_SIGNER_RETRY, "signer_retry"),
	COUNTER(OCSP_COUNT_SIGNER_FAILED, "signer_failed"),
	COUNTER(OCSP_COUNT_BAD_SIGNATURE, "bad_signature"),
	COUNTER(OCSP_COUNT_CHANGED, "changed"),
	COUNTER(OCSP_COUNT_RECHECKED, "rechecked"),
	COUNTER(OCSP_COUNT_SHARED, "shared"),
	COUNTER(OCSP_COUNT_REFRESHED, "refreshed"),
	COUNTER(OCSP_COUNT_STALE_SERVED, "stale_served"),
	COUNTER(OCSP_COUNT_CLOCK_BACK, "clock_back"),
	REFUSED(HTTP_REFUSED_CONNECTIONS, "connections"),
	REFUSED(HTTP_REFUSED_ADDRESS, "address"),
	REFUSED(HTTP_REFUSED_MALFORMED, "malformed"),
	REFUSED(HTTP_REFUSED_HEAD_SIZE, "head_size"),
	REFUSED(HTTP_REFUSED_BODY_SIZE, "body_size"),
	REFUSED(HTTP_REFUSED_HEAD_TIME, "head_time"),
	REFUSED(HTTP_REFUSED_BODY_TIME, "body_time"),
	REFUSED(HTTP_REFUSED_WRITE_TIME, "write_time"),
	REFUSED(HTTP_REFUSED_HANDLER_TIME, "handler_time"),
	RESPONSES(2),
	RESPONSES(3),
	RESPONSES(4),
	RESPONSES(5),
	[OCSP_METRIC_HTTP_REQUESTS] = { "nuc_ocspd_http_requests_total", METRIC_COUNTER, NULL, "HTTP requests" },
	[OCSP_METRIC_HTTP_CONNECTIONS] = { "nuc_ocspd_http_connections_total", METRIC_COUNTER, NULL,
					   "connections accepted" },
	[OCSP_METRIC_HTTP_OPEN] = { "nuc_ocspd_http_connections", METRIC_GAUGE, NULL, "connections open" },
	[OCSP_METRIC_HTTP_BYTES_IN] = { "nuc_ocspd_http_in_bytes_total", METRIC_COUNTER, NULL, "bytes received" },
	[OCSP_METRIC_HTTP_BYTES_OUT] = { "nuc_ocspd_http_out_bytes_total", METRIC_COUNTER, NULL, "bytes sent" },
	[OCSP_METRIC_SIGNED_SECONDS] = { "nuc_ocspd_signed_answer_seconds", METRIC_HISTOGRAM, NULL,
					 "request to answer, signed on demand" },
	[OCSP_METRIC_VISIBLE_SECONDS] = { "nuc_ocspd_revocation_visible_seconds", METRIC_HISTOGRAM, NULL,
					  "order committed to known here" },
	[OCSP_METRIC_STATE_AGE_MS] = { "nuc_ocspd_state_age_milliseconds", METRIC_GAUGE, NULL,
				       "since the begin of the last complete reading of the ledger" },
	[OCSP_METRIC_STATE_COMPLETE] = { "nuc_ocspd_state_complete", METRIC_GAUGE, NULL,
					 "1 once everything is loaded" },
	[OCSP_METRIC_CERTIFICATES] = { "nuc_ocspd_certificates", METRIC_GAUGE, NULL, "certificates known" },
	[OCSP_METRIC_TABLE_BYTES] = { "nuc_ocspd_table_bytes", METRIC_GAUGE, NULL, "memory of their table" },
	[OCSP_METRIC_LOG_INDEX] = { "nuc_ocspd_log_index", METRIC_GAUGE, NULL, "log entries below are known" },
	[OCSP_METRIC_ROUNDS] = { "nuc_ocspd_ledger_rounds_total", METRIC_COUNTER, NULL, "readings of the ledger" },
	[OCSP_METRIC_ROUND_FAILURES] = { "nuc_ocspd_ledger_failures_total", METRIC_COUNTER, NULL,
					 "readings of the ledger that failed" },
	[OCSP_METRIC_LOADS] = { "nuc_ocspd_ledger_loads_total", METRIC_COUNTER, NULL, "loads of everything" },
	[OCSP_METRIC_LOAD_MS] = { "nuc_ocspd_ledger_load_milliseconds", METRIC_GAUGE, NULL,
				  "how long the last load took" },
	[OCSP_METRIC_REPLICA_LAG_MS] = { "nuc_ocspd_replica_lag_milliseconds", METRIC_GAUGE, NULL,
					 "how far the replica that is read is behind" },
	[OCSP_METRIC_UNREVOCATIONS] = { "nuc_ocspd_unrevocations_refused_total", METRIC_COUNTER, NULL,
					"revoked certificates that the ledger called valid again; must stay 0" },
	[OCSP_METRIC_CHANGES_REVOKED] = { "nuc_ocspd_status_changes_total", METRIC_COUNTER, "to=\"revoked\"",
					  "changes of status seen in the ledger" },
	[OCSP_METRIC_CHANGES_HELD] = { "nuc_ocspd_status_changes_total", METRIC_COUNTER, "to=\"held\"",
				       "changes of status seen in the ledger" },
	[OCSP_METRIC_CHANGES_VALID] = { "nuc_ocspd_status_changes_total", METRIC_COUNTER, "to=\"valid\"",
					"changes of status seen in the ledger" },
	[OCSP_METRIC_QUEUE] = { "nuc_ocspd_queue", METRIC_GAUGE, NULL,
				"requests waiting for a signature or the ledger" },
	[OCSP_METRIC_PREPARED] = { "nuc_ocspd_prepared", METRIC_GAUGE, NULL, "prepared answers kept" },
	[OCSP_METRIC_RESPONDER_LEFT_S] = { "nuc_ocspd_responder_left_seconds", METRIC_GAUGE, NULL,
					   "until the first issuer's responder certificate ends; 0: none in force" },
};

/* Totals become counters by what was added since last time. */
static void bring_up(struct metrics *m, size_t id, uint64_t total)
{
	metrics_add(m, id, (int64_t)total - metrics_get(m, id));
}

static void publish_front(struct metrics *m, const struct ocsp_front *front)
{
	struct ocsp_front_stats s;

	ocsp_front_stats(front, &s);
	for (size_t i = 0; i < OCSP_OUTCOMES; i++)
		for (size_t k = 0; k < OCSP_WAYS; k++)
			bring_up(m, OCSP_METRIC_ANSWERS + i * OCSP_WAYS + k, s.answers[i][k]);
	for (size_t i = 0; i < OCSP_MALFORMED_CAUSES; i++)
		bring_up(m, OCSP_METRIC_MALFORMED + i, s.malformed[i]);
	for (size_t i = 0; i < OCSP_COUNTERS; i++)
		bring_up(m, OCSP_METRIC_COUNTERS + i, s.counters[i]);
	metrics_set(m, OCSP_METRIC_QUEUE, (int64_t)s.waiting);
	metrics_set(m, OCSP_METRIC_PREPARED, (int64_t)s.prepared);
}

static void publish_http(struct metrics *m, const struct http_server *server)
{
	struct http_stats s;

	http_server_stats(server, &s);
	for (size_t i = 0; i < HTTP_REFUSALS; i++)
		bring_up(m, OCSP_METRIC_HTTP_REFUSED + i, s.refused[i]);
	for (size_t i = 2; i < 6; i++)
		bring_up(m, OCSP_METRIC_HTTP_RESPONSES + i - 2, s.responses[i]);
	bring_up(m, OCSP_METRIC_HTTP_REQUESTS, s.requests);
	bring_up(m, OCSP_METRIC_HTTP_CONNECTIONS, s.connections);
	bring_up(m, OCSP_METRIC_HTTP_BYTES_IN, s.bytes_in);
	bring_up(m, OCSP_METRIC_HTTP_BYTES_OUT, s.bytes_out);
	metrics_set(m, OCSP_METRIC_HTTP_OPEN, (int64_t)s.connections_open);
}

static void publish_ledger(struct metrics *m, const struct follow *follow, const struct ocsp_state *state)
{
	struct follow_stats s = follow_stats(follow);
	struct ocsp_freshness freshness = ocsp_state_freshness(state, clock_mono_ms());

	metrics_set(m, OCSP_METRIC_STATE_COMPLETE, freshness.is_complete);
	metrics_set(m, OCSP_METRIC_STATE_AGE_MS, freshness.is_complete ? freshness.age_ms : 0);
	metrics_set(m, OCSP_METRIC_LOG_INDEX, s.log_index);
	metrics_set(m, OCSP_METRIC_LOAD_MS, s.load_ms);
	metrics_set(m, OCSP_METRIC_REPLICA_LAG_MS, s.lag_ms);
	metrics_set(m, OCSP_METRIC_CERTIFICATES, (int64_t)s.certificates);
	metrics_set(m, OCSP_METRIC_TABLE_BYTES, (int64_t)s.table_bytes);
	bring_up(m, OCSP_METRIC_ROUNDS, s.rounds);
	bring_up(m, OCSP_METRIC_ROUND_FAILURES, s.failures);
	bring_up(m, OCSP_METRIC_LOADS, s.loads);
	bring_up(m, OCSP_METRIC_UNREVOCATIONS, s.refused_unrevocations);
}

void ocsp_metrics_publish(struct metrics *metrics, const struct ocsp_front *front, const struct http_server *server,
			  const struct follow *follow, const struct ocsp_state *state)
{
	publish_front(metrics, front);
	publish_http(metrics, server);
	publish_ledger(metrics, follow, state);
}
