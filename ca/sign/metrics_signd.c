/*
 * metrics_signd.c - the table. See metrics_signd.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/metrics_signd.h"

#include <string.h>

#include "ca/sign/policy.h"
#include "ca/sign/reasons.h"

#define REFUSED(word)                                                                                                  \
	{ "signd_refused_total", METRIC_COUNTER, "reason=\"" word "\"", "what was asked and refused, by reason" },
#define REFUSED_ROW(name, word, sentence) REFUSED(word)

const struct metric_def signd_metrics[] = {
	[SIGND_CERTIFICATES] = { "signd_certificates_total", METRIC_COUNTER, NULL, "certificates signed" },
	[SIGND_REPEATS] = { "signd_repeats_total", METRIC_COUNTER, NULL,
			    "recorded signatures and acceptances given again" },
	[SIGND_ORDERS] = { "signd_orders_total", METRIC_COUNTER, NULL, "status orders accepted" },
	[SIGND_LISTS] = { "signd_lists_total", METRIC_COUNTER, NULL, "lists of revoked certificates signed" },
	[SIGND_ANSWERS] = { "signd_ocsp_total", METRIC_COUNTER, NULL, "OCSP answers signed" },
	[SIGND_HEADS] = { "signd_heads_total", METRIC_COUNTER, NULL, "heads of the log signed" },
	[SIGND_EVENTS] = { "signd_events_total", METRIC_COUNTER, NULL,
			   "events given out (tier ca) or taken (tier ocsp)" },
	[SIGND_POLICY_VERSION] = { "signd_policy_version", METRIC_GAUGE, NULL, "version of the Policy in force" },
	[SIGND_NEXT_EVENT] = { "signd_next_event", METRIC_GAUGE, NULL, "number that the next event will have" },
	[SIGND_KNOWN_SERIALS] = { "signd_known_serials", METRIC_GAUGE, NULL, "serials known as issued or adopted" },
	[SIGND_KNOWN_ORDERS] = { "signd_known_orders", METRIC_GAUGE, NULL, "status orders known" },
	[SIGND_JOURNAL_BYTES] = { "signd_journal_bytes", METRIC_GAUGE, NULL, "size of the journal" },
	[SIGND_COMMIT_SECONDS] = { "signd_commit_seconds", METRIC_HISTOGRAM, NULL,
				   "time to bring a group to the journal" },
	[SIGND_SIGN_SECONDS] = { "signd_batch_seconds", METRIC_HISTOGRAM, NULL,
				 "time of a batch of certificates, whole" },
	[SIGND_BUS_REQUESTS] = { "signd_bus_requests", METRIC_GAUGE, NULL, "requests handled since the start" },
	[SIGND_BUS_REPEATS] = { "signd_bus_repeats", METRIC_GAUGE, NULL, "repeated requests since the start" },
	[SIGND_BUS_DENIED] = { "signd_bus_denied", METRIC_GAUGE, NULL,
			       "requests that their sender may not make, since the start" },
	[SIGND_BUS_GARBAGE] = { "signd_bus_garbage", METRIC_GAUGE, NULL,
				"frames that are no message, since the start" },
	[SIGND_BUS_PEERS_REFUSED] = { "signd_bus_peers_refused", METRIC_GAUGE, NULL,
				      "handshakes with a key that is not in the allow list" },
	CRL_REASONS(REFUSED) OCSP_REASONS(REFUSED) OTHER_REASONS(REFUSED) SIGN_REASONS(REFUSED_ROW)
		AUTHORITY_REFUSALS(REFUSED_ROW)
};
const size_t signd_num_metrics = sizeof signd_metrics / sizeof signd_metrics[0];

static const char *const words[] = {
#define WORD(word)		       word,
#define WORD_ROW(name, word, sentence) word,
	CRL_REASONS(WORD) OCSP_REASONS(WORD) OTHER_REASONS(WORD) SIGN_REASONS(WORD_ROW) AUTHORITY_REFUSALS(WORD_ROW)
};
enum { NUM_WORDS = sizeof words / sizeof words[0] };

static size_t find(const char *word)
{
	size_t i = 0;

	while (i < NUM_WORDS && strcmp(words[i], word) != 0)
		i++;
	return i;
}

bool signd_reason_known(const char *word)
{
	return find(word) < NUM_WORDS;
}

size_t signd_reason_metric(const char *word)
{
	size_t i = find(word);

	return SIGND_REFUSED + (i < NUM_WORDS ? i : find("other"));
}
