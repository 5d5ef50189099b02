/*
 * status_test.c - status of a certificate: the fold, and which order may follow, as tables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ra/status.h"
#include "support/suite.h"

static const struct {
	int64_t action, not_after, now;
	enum ra_status status;
} folds[] = {
	{ 0, 100, 100, RA_STATUS_VALID },
	{ 0, 100, 101, RA_STATUS_EXPIRED },
	{ ORDER_REVOKE, 100, 50, RA_STATUS_REVOKED },
	{ ORDER_REVOKE, 100, 101, RA_STATUS_REVOKED },
	{ ORDER_HOLD, 100, 50, RA_STATUS_HELD },
	{ ORDER_HOLD, 100, 101, RA_STATUS_EXPIRED },
	{ ORDER_RELEASE, 100, 50, RA_STATUS_VALID },
};

START_TEST(fold)
{
	ck_assert_int_eq(ra_status_of(folds[_i].action, folds[_i].not_after, folds[_i].now), folds[_i].status);
}
END_TEST

/* Rows: from; columns: revoke, hold, release. '-': refused. */
static const char next[RA_STATUS_COUNT][4] = { "rh-", "r-v", "---", "---" };

START_TEST(every_order_on_every_status)
{
	static const char letters[] = "vhre";

	for (int from = 0; from < RA_STATUS_COUNT; from++) {
		for (int action = ORDER_REVOKE; action <= ORDER_RELEASE; action++) {
			enum ra_status to = RA_STATUS_COUNT;
			OWN(err) e = ra_status_next(&to, (enum ra_status)from, (enum order_action)action);
			char wanted = next[from][action - ORDER_REVOKE];

			if (wanted == '-') {
				ck_assert_int_eq(err_code(e), ERR_CONFLICT);
				ck_assert_str_eq(err_field(e), "order");
				ck_assert_int_eq(to, RA_STATUS_COUNT);
			} else {
				ck_assert_ptr_null(e);
				ck_assert_int_eq(letters[to], wanted);
			}
		}
	}
	enum ra_status to;
	ck_fails(ra_status_next(&to, RA_STATUS_VALID, (enum order_action)4), ERR_BUG, "no such");
	ck_assert_str_eq(ra_status_word(RA_STATUS_HELD), "held");
	ck_assert_str_eq(ra_status_word(RA_STATUS_COUNT), "?");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/status");
	TCase *t = tcase_create("status");

	tcase_add_loop_test(t, fold, 0, COUNT_OF(folds));
	tcase_add_test(t, every_order_on_every_status);
	suite_add_tcase(s, t);
	return suite_main(s);
}
