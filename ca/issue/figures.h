/*
 * figures.h - the metrics of cad, by number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_FIGURES_H
#define CA_ISSUE_FIGURES_H

#include "daemon/metrics.h"

enum cad_figure {
	CAD_QUEUED,
	CAD_QUEUE_OLDEST_S,
	CAD_QUEUE_FAILING,
	CAD_IN_FLIGHT,
	CAD_ISSUED,
	CAD_REJECTED,
	CAD_RETRIED,
	CAD_LATENCY,
	CAD_SIGN_TIME,
	CAD_PLAN_TIME,
	CAD_SETTLE_TIME,
	CAD_ORDERS_ACCEPTED,
	CAD_ORDERS_REFUSED,
	CAD_EVENTS_RELAYED,
	CAD_POLICY_VERSION,
	CAD_LOG_SIZE,
	CAD_LOG_HEAD_SIZE,
	CAD_LOG_FAILURES,
	CAD_LEADER,
	CAD_PROMPTS,
	CAD_FIGURE_COUNT
};

extern const struct metric_def cad_figures[CAD_FIGURE_COUNT];

#endif
