/*
 * metrics.h - the metrics of ocspd: rows of metrics.c, indexed by these numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OCSP_METRICS_H
#define OCSP_METRICS_H

#include "daemon/metrics.h"
#include "http/server.h"
#include "ocsp/follow.h"
#include "ocsp/front.h"

enum ocsp_metric {
	OCSP_METRIC_ANSWERS, /* one row for each outcome and way */
	OCSP_METRIC_MALFORMED = OCSP_METRIC_ANSWERS + OCSP_OUTCOMES * OCSP_WAYS,
	OCSP_METRIC_COUNTERS = OCSP_METRIC_MALFORMED + OCSP_MALFORMED_CAUSES,
	OCSP_METRIC_HTTP_REFUSED = OCSP_METRIC_COUNTERS + OCSP_COUNTERS,
	OCSP_METRIC_HTTP_RESPONSES = OCSP_METRIC_HTTP_REFUSED + HTTP_REFUSALS, /* by first digit, from 2 */
	OCSP_METRIC_HTTP_REQUESTS = OCSP_METRIC_HTTP_RESPONSES + 4,
	OCSP_METRIC_HTTP_CONNECTIONS,
	OCSP_METRIC_HTTP_OPEN,
	OCSP_METRIC_HTTP_BYTES_IN,
	OCSP_METRIC_HTTP_BYTES_OUT,
	OCSP_METRIC_SIGNED_SECONDS,
	OCSP_METRIC_VISIBLE_SECONDS,
	OCSP_METRIC_STATE_AGE_MS,
	OCSP_METRIC_STATE_COMPLETE,
	OCSP_METRIC_CERTIFICATES,
	OCSP_METRIC_TABLE_BYTES,
	OCSP_METRIC_LOG_INDEX,
	OCSP_METRIC_ROUNDS,
	OCSP_METRIC_ROUND_FAILURES,
	OCSP_METRIC_LOADS,
	OCSP_METRIC_LOAD_MS,
	OCSP_METRIC_REPLICA_LAG_MS,
	OCSP_METRIC_UNREVOCATIONS,
	OCSP_METRIC_CHANGES_REVOKED,
	OCSP_METRIC_CHANGES_HELD,
	OCSP_METRIC_CHANGES_VALID,
	OCSP_METRIC_QUEUE,
	OCSP_METRIC_PREPARED,
	OCSP_METRIC_RESPONDER_LEFT_S,
	OCSP_METRICS
};

extern const struct metric_def ocsp_metric_defs[OCSP_METRICS];

/* ocsp_metrics_publish() brings the set up to what the parts have counted. */
void ocsp_metrics_publish(struct metrics *metrics, const struct ocsp_front *front, const struct http_server *server,
			  const struct follow *follow, const struct ocsp_state *state);

#endif
