/*
 * metrics_signd.h - the metrics of signd, with a counter for every named reason of a refusal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_METRICS_SIGND_H
#define CA_SIGN_METRICS_SIGND_H

#include "daemon/metrics.h"

enum signd_metric {
	SIGND_CERTIFICATES,
	SIGND_REPEATS,
	SIGND_ORDERS,
	SIGND_LISTS,
	SIGND_ANSWERS,
	SIGND_HEADS,
	SIGND_EVENTS,
	SIGND_POLICY_VERSION,
	SIGND_NEXT_EVENT,
	SIGND_KNOWN_SERIALS,
	SIGND_KNOWN_ORDERS,
	SIGND_JOURNAL_BYTES,
	SIGND_COMMIT_SECONDS,
	SIGND_SIGN_SECONDS,
	SIGND_BUS_REQUESTS,
	SIGND_BUS_REPEATS,
	SIGND_BUS_DENIED,
	SIGND_BUS_GARBAGE,
	SIGND_BUS_PEERS_REFUSED,
	SIGND_REFUSED /* the first of the rows by reason */
};

extern const struct metric_def signd_metrics[];
extern const size_t signd_num_metrics;

/* signd_reason_metric() gives the row of a reason's word; that of "other" for a word that no list has. */
size_t signd_reason_metric(const char *word);
/* signd_reason_known() says whether a word is one of the lists. */
bool signd_reason_known(const char *word);

#endif
