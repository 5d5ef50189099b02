/*
 * schedule.h - is a list due, and with which number and times? The whole decision, pure.
 *
 * A list is due when there is none, when its period is over, when orders were accepted since (but not more often
 * than the rule says) or at once after a key compromise. Nothing depends on a revocation happening. Validity is
 * longer than the period, so that a missed run leaves no gap. A clock that went back makes nothing due and raises
 * the alarm: thisUpdate and numbers only grow. RFC 5280 §5.1.2.4-5, §5.2.3
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_SCHEDULE_H
#define CRL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum crl_kind { CRL_FULL = 1, CRL_DELTA = 2 };
const char *crl_kind_word(enum crl_kind kind); /* "full", "delta": column kind */

/* The settings of one kind of list. */
struct crl_rule {
	int64_t every_s; /* period; 0: lists of this kind are not issued */
	int64_t validity_s; /* nextUpdate - thisUpdate */
	int64_t changed_every_s; /* after accepted orders, at most this often; 0: they wait for the period */
	bool is_urgent_at_once; /* an accepted key compromise does not wait */
};

/* What the decision looks at. Instants are Unix seconds. */
struct crl_state {
	/* the list of this kind that is published here */
	bool has_list;
	int64_t number, this_update_at, next_update_at, order_seq;
	/* the ledger and the signer */
	int64_t changed_seq; /* last accepted order that concerns this list; 0 none */
	bool has_urgent; /* among those past order_seq is a key compromise */
	int64_t ledger_number; /* last number given by the ledger */
	int64_t ledger_this_update_at; /* of the newest list of this kind in the ledger, by whomever; 0 none */
	int64_t signer_number; /* last number that the signer remembers */
	int64_t issuer_not_after_at; /* of the issuing certificate */
	/* tries that failed since the last success */
	int failures;
	int64_t failed_at;
};

enum crl_due { CRL_NOT_DUE, CRL_DUE_FIRST, CRL_DUE_PERIOD, CRL_DUE_CHANGED, CRL_DUE_URGENT };
const char *crl_due_word(enum crl_due due); /* "first", "period", ...: for logs */

struct crl_answer {
	enum crl_due due;
	/* of the list to be issued, when one is due */
	int64_t number, this_update_at, next_update_at;
	/* when to look again, when none is due (earlier when the ledger changes) */
	int64_t look_again_at;
	/* what people must know, or NULL: the list is missing, expired, older than half its life, ... */
	const char *alarm;
};

enum {
	CRL_BACKOFF_MAX_S = 60, /* after 1, 2, 4, ... seconds */
	CRL_CLOCK_SLACK_S = 5, /* a clock that is back by less only makes us wait */
	CRL_OVERDUE_S = 300 /* a list that is due for less is not overdue yet */
};

void crl_schedule_decide(struct crl_answer *out, const struct crl_rule *rule, const struct crl_state *state,
			 int64_t now);

#endif
