/*
 * figures.c - see figures.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/figures.h"

const struct metric_def cad_figures[CAD_FIGURE_COUNT] = {
	[CAD_QUEUED] = { "nuc_cad_queue_depth", METRIC_GAUGE, NULL, "Approved requests without a certificate." },
	[CAD_QUEUE_OLDEST_S] = { "nuc_cad_queue_oldest_seconds", METRIC_GAUGE, NULL, "Age of the oldest of them." },
	[CAD_QUEUE_FAILING] = { "nuc_cad_queue_failing", METRIC_GAUGE, NULL, "Those whose last try failed." },
	[CAD_IN_FLIGHT] = { "nuc_cad_batches_in_flight", METRIC_GAUGE, NULL, "Batches between claim and commit." },
	[CAD_ISSUED] = { "nuc_cad_requests_total", METRIC_COUNTER, "result=\"issued\"", "Requests that ended a try." },
	[CAD_REJECTED] = { "nuc_cad_requests_total", METRIC_COUNTER, "result=\"rejected\"",
			   "Requests that ended a try." },
	[CAD_RETRIED] = { "nuc_cad_requests_total", METRIC_COUNTER, "result=\"retry\"", "Requests that ended a try." },
	[CAD_LATENCY] = { "nuc_cad_issue_seconds", METRIC_HISTOGRAM, NULL,
			  "From approval to the committed certificate." },
	[CAD_SIGN_TIME] = { "nuc_cad_sign_seconds", METRIC_HISTOGRAM, NULL, "Time of a batch at the signer." },
	[CAD_PLAN_TIME] = { "nuc_cad_plan_seconds", METRIC_HISTOGRAM, NULL, "Time to claim and plan a batch." },
	[CAD_SETTLE_TIME] = { "nuc_cad_settle_seconds", METRIC_HISTOGRAM, NULL, "Time to verify and commit a batch." },
	[CAD_ORDERS_ACCEPTED] = { "nuc_cad_orders_total", METRIC_COUNTER, "result=\"accepted\"",
				  "Orders put to the signer." },
	[CAD_ORDERS_REFUSED] = { "nuc_cad_orders_total", METRIC_COUNTER, "result=\"refused\"",
				 "Orders put to the signer." },
	[CAD_EVENTS_RELAYED] = { "nuc_cad_events_relayed_total", METRIC_COUNTER, NULL,
				 "Events relayed to the OCSP signer." },
	[CAD_POLICY_VERSION] = { "nuc_cad_policy_version", METRIC_GAUGE, NULL,
				 "Version of the Policy that is worked by." },
	[CAD_LOG_SIZE] = { "nuc_cad_log_size", METRIC_GAUGE, NULL, "Entries of the log that have an index." },
	[CAD_LOG_HEAD_SIZE] = { "nuc_cad_log_head_size", METRIC_GAUGE, NULL,
				"Entries that the last signed head covers." },
	[CAD_LOG_FAILURES] = { "nuc_cad_log_failures", METRIC_GAUGE, NULL,
			       "Failed steps of the sequencer since the start." },
	[CAD_LEADER] = { "nuc_cad_is_leader", METRIC_GAUGE, NULL, "1 while this instance sequences the log." },
	[CAD_PROMPTS] = { "nuc_cad_prompts_total", METRIC_COUNTER, NULL, "Prompts that came over the bus." },
};
