/*
 * schedule_test.c - when a list is due: a table that reads like the rules.
 */
#include <string.h>

#include "crl/schedule.h"
#include "support/suite.h"

#define H *3600
#define M *60
#define T 1800000000 /* thisUpdate of the published list in most cases */

/* NUC's: daily with 27 h; deltas each 30 minutes with 7.5 h. */
static const struct crl_rule daily = { 24 H, 27 H, 0, false };
static const struct crl_rule eager = { 24 H, 27 H, 60, true };
static const struct crl_rule urgent = { 24 H, 27 H, 0, true };
static const struct crl_rule delta = { 30 M, 450 M, 0, false };
static const struct crl_rule off = { 0, 27 H, 1, true };

#define FAR    INT64_MAX
#define LIST   .has_list = true, .number = 7, .this_update_at = T, .next_update_at = T + 27 H, .order_seq = 100
#define DELTA  .has_list = true, .number = 7, .this_update_at = T, .next_update_at = T + 450 M, .order_seq = 100
#define LEDGER .ledger_number = 7, .ledger_this_update_at = T, .signer_number = 7, .issuer_not_after_at = T + 9000000

static const struct {
	const char *name;
	const struct crl_rule *rule;
	struct crl_state state;
	int64_t now;
	enum crl_due due;
	int64_t number;
	int64_t look_again_at; /* when not due */
	const char *alarm;
} cases[] = {
	{ "nothing yet", &daily, { .issuer_not_after_at = FAR }, T, CRL_DUE_FIRST, 1, 0, "no list is published" },
	{ "nothing here, but the ledger has lists of another crld",
	  &daily,
	  { LEDGER },
	  T + 5,
	  CRL_DUE_FIRST,
	  8,
	  0,
	  "no list is published" },
	{ "nothing here, the ledger's newest is of this second",
	  &daily,
	  { LEDGER },
	  T,
	  CRL_NOT_DUE,
	  0,
	  T + 1,
	  "no list is published" },
	{ "fresh", &daily, { LIST, LEDGER, .changed_seq = 100 }, T + 1, CRL_NOT_DUE, 0, T + 24 H, NULL },
	{ "one second before the period ends", &daily, { LIST, LEDGER }, T + 24 H - 1, CRL_NOT_DUE, 0, T + 24 H, NULL },
	{ "the period ends, nothing was revoked",
	  &daily,
	  { LIST, LEDGER, .changed_seq = 100 },
	  T + 24 H,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  NULL },
	{ "an order waits for the period",
	  &daily,
	  { LIST, LEDGER, .changed_seq = 101 },
	  T + 12 H,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H,
	  NULL },
	{ "an order waits for the shortest distance",
	  &eager,
	  { LIST, LEDGER, .changed_seq = 101 },
	  T + 59,
	  CRL_NOT_DUE,
	  0,
	  T + 60,
	  NULL },
	{ "and then it does not wait",
	  &eager,
	  { LIST, LEDGER, .changed_seq = 101 },
	  T + 60,
	  CRL_DUE_CHANGED,
	  8,
	  0,
	  NULL },
	{ "an old order is no change",
	  &eager,
	  { LIST, LEDGER, .changed_seq = 99 },
	  T + 60,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H,
	  NULL },
	{ "a key compromise goes at once",
	  &eager,
	  { LIST, LEDGER, .changed_seq = 101, .has_urgent = true },
	  T + 1,
	  CRL_DUE_URGENT,
	  8,
	  0,
	  NULL },
	{ "also where other orders wait for the period",
	  &urgent,
	  { LIST, LEDGER, .changed_seq = 101, .has_urgent = true },
	  T + 1,
	  CRL_DUE_URGENT,
	  8,
	  0,
	  NULL },
	{ "not in the second of the list before",
	  &urgent,
	  { LIST, LEDGER, .changed_seq = 101, .has_urgent = true },
	  T,
	  CRL_NOT_DUE,
	  0,
	  T + 1,
	  NULL },
	{ "not where it was switched off",
	  &daily,
	  { LIST, LEDGER, .changed_seq = 101, .has_urgent = true },
	  T + 1,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H,
	  NULL },
	{ "a missed run is caught up",
	  &daily,
	  { LIST, LEDGER },
	  T + 26 H,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  "the published list is older than half its life and overdue" },
	{ "overdue by less than five minutes is no alarm",
	  &daily,
	  { LIST, LEDGER },
	  T + 24 H + 299,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  NULL },
	{ "an expired list",
	  &daily,
	  { LIST, LEDGER },
	  T + 27 H,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  "the published list has expired" },
	{ "a delta, fresh", &delta, { DELTA, LEDGER }, T + 29 M, CRL_NOT_DUE, 0, T + 30 M, NULL },
	{ "a delta, due and not half of its life old", &delta, { DELTA, LEDGER }, T + 3 H, CRL_DUE_PERIOD, 8, 0, NULL },
	{ "a delta, half of its life old",
	  &delta,
	  { DELTA, LEDGER },
	  T + 225 M,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  "the published list is older than half its life and overdue" },
	{ "the signer remembers a number whose answer was lost",
	  &daily,
	  { LIST, .ledger_number = 7, .ledger_this_update_at = T, .signer_number = 9, .issuer_not_after_at = FAR },
	  T + 24 H,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  NULL },
	{ "another crld issued a newer list: this one still holds",
	  &daily,
	  { LIST, .ledger_number = 12, .ledger_this_update_at = T + 20 H, .issuer_not_after_at = FAR },
	  T + 21 H,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H,
	  NULL },
	{ "and is followed in its time",
	  &daily,
	  { LIST, .ledger_number = 12, .ledger_this_update_at = T + 20 H, .issuer_not_after_at = FAR },
	  T + 24 H,
	  CRL_DUE_PERIOD,
	  13,
	  0,
	  NULL },
	{ "after a failure it waits a second",
	  &daily,
	  { LIST, LEDGER, .failures = 1, .failed_at = T + 24 H },
	  T + 24 H,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H + 1,
	  NULL },
	{ "after three four",
	  &daily,
	  { LIST, LEDGER, .failures = 3, .failed_at = T + 24 H },
	  T + 24 H + 3,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H + 4,
	  NULL },
	{ "after many a minute",
	  &daily,
	  { LIST, LEDGER, .failures = 50, .failed_at = T + 24 H },
	  T + 24 H + 59,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H + 60,
	  NULL },
	{ "and no longer",
	  &daily,
	  { LIST, LEDGER, .failures = 50, .failed_at = T + 24 H },
	  T + 24 H + 60,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  NULL },
	{ "a failure in the future does not hold it up",
	  &daily,
	  { LIST, LEDGER, .failures = 2, .failed_at = T + 90 H },
	  T + 24 H,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  NULL },
	{ "the clock is back by a little",
	  &eager,
	  { LIST, LEDGER, .changed_seq = 101, .has_urgent = true },
	  T - 3,
	  CRL_NOT_DUE,
	  0,
	  T + 1,
	  NULL },
	{ "the clock went back",
	  &daily,
	  { LIST, LEDGER },
	  T - 1 H,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H,
	  "the clock went back before the newest list's thisUpdate" },
	{ "the issuer's certificate ends: no nextUpdate beyond",
	  &daily,
	  { LIST, .ledger_number = 7, .ledger_this_update_at = T, .issuer_not_after_at = T + 30 H },
	  T + 24 H,
	  CRL_DUE_PERIOD,
	  8,
	  0,
	  NULL },
	{ "the issuer's certificate has expired",
	  &daily,
	  { LIST, .ledger_number = 7, .ledger_this_update_at = T, .issuer_not_after_at = T + 23 H },
	  T + 24 H,
	  CRL_NOT_DUE,
	  0,
	  T + 24 H + 1,
	  "the issuer's certificate has expired: no list can be signed" },
	{ "switched off", &off, { .issuer_not_after_at = FAR }, T, CRL_NOT_DUE, 0, INT64_MAX, NULL },
};

START_TEST(table)
{
	int i = _i;
	struct crl_answer a;

	crl_schedule_decide(&a, cases[i].rule, &cases[i].state, cases[i].now);
	ck_assert_msg(a.due == cases[i].due, "%s: due %s", cases[i].name, crl_due_word(a.due));
	ck_assert_msg((a.alarm == NULL) == (cases[i].alarm == NULL) &&
			      (a.alarm == NULL || strcmp(a.alarm, cases[i].alarm) == 0),
		      "%s: alarm %s", cases[i].name, a.alarm ? a.alarm : "none");
	if (a.due == CRL_NOT_DUE) {
		ck_assert_msg(a.look_again_at == cases[i].look_again_at, "%s: look again at %lld", cases[i].name,
			      (long long)(a.look_again_at - T));
		return;
	}
	int64_t number = cases[i].state.signer_number == 9 ? 10 : cases[i].number;
	ck_assert_msg(a.number == number, "%s: number %lld", cases[i].name, (long long)a.number);
	ck_assert_int_eq(a.this_update_at, cases[i].now);
	ck_assert_int_gt(a.this_update_at, cases[i].state.ledger_this_update_at);
	ck_assert_int_le(a.next_update_at, cases[i].state.issuer_not_after_at);
	ck_assert(a.next_update_at == cases[i].now + cases[i].rule->validity_s ||
		  a.next_update_at == cases[i].state.issuer_not_after_at);
}
END_TEST

/* Walks a year second by second of decisions: whatever happens, numbers and times only grow, and no gap opens. */
START_TEST(a_year_has_no_gap)
{
	struct crl_state s = { .issuer_not_after_at = FAR };
	struct crl_answer a;
	int issued = 0;

	for (int64_t now = T; now < T + 365 * 24 H; now += 977) {
		if (now / 977 % 50 == 0)
			s.changed_seq++;
		crl_schedule_decide(&a, &daily, &s, now);
		if (a.due == CRL_NOT_DUE) {
			ck_assert_int_gt(a.look_again_at, now);
			continue;
		}
		ck_assert_int_gt(a.number, s.number);
		ck_assert(issued == 0 || a.this_update_at < s.next_update_at);
		s.has_list = true;
		s.ledger_number = s.number = a.number;
		s.ledger_this_update_at = s.this_update_at = a.this_update_at;
		s.next_update_at = a.next_update_at;
		s.order_seq = s.changed_seq;
		issued++;
	}
	ck_assert_int_ge(issued, 360);
	ck_assert_int_le(issued, 366);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/schedule");
	TCase *c = tcase_create("schedule");

	tcase_add_loop_test(c, table, 0, COUNT_OF(cases));
	tcase_add_test(c, a_year_has_no_gap);
	suite_add_tcase(s, c);
	return suite_main(s);
}
