/*
 * queries_test.c - rad's statements against a real ledger, as rad's own role: they prepare, and the transitions that the
 * database lets through are exactly those that state.c can make.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "ra/queries.h"
#include "support/pg.h"
#include "support/suite.h"

static struct db *connect_as_rad(void)
{
	static char conninfo[PG_CONNINFO_SIZE];
	struct db *db = NULL;
	struct db_conf conf = { .conninfo = conninfo,
				.application_name = "test",
				.statements = ra_statements,
				.num_statements = ra_statements_count };

	pg_fresh(conninfo, "nuc_ra");
	ck_ok(db_connect(&db, &conf));
	return db;
}

START_TEST(every_statement_prepares)
{
	OWN(db) db = connect_as_rad();

	ck_assert_uint_eq(ra_statements_count, RA_STATEMENT_COUNT);
	for (size_t i = 0; i < ra_statements_count; i++)
		ck_assert_msg(strncmp(ra_statements[i].name, "ra_", 3) == 0, "statement %zu", i);
	(void)db;
}
END_TEST

/* All pairs (from, to) that ra_state_next() gives for any event, actor and condition. */
static void reachable(bool pairs[RA_STATE_COUNT][RA_STATE_COUNT])
{
	for (unsigned n = 0; n < RA_STATE_COUNT * RA_EVENT_COUNT * RA_ACTOR_COUNT * 4 * 3 * 8; n++) {
		unsigned rest = n;
		struct ra_step s = { .from = RA_SUBMITTED };
		enum ra_state to;

		s.from = (enum ra_state)(rest % RA_STATE_COUNT);
		rest /= RA_STATE_COUNT;
		s.event = (enum ra_event)(rest % RA_EVENT_COUNT);
		rest /= RA_EVENT_COUNT;
		s.actor = (enum ra_actor)(rest % RA_ACTOR_COUNT);
		rest /= RA_ACTOR_COUNT;
		s.waits_for = (enum ra_waits)(rest % 4);
		rest /= 4;
		s.claim = (enum ra_claim)(rest % 3);
		rest /= 3;
		s.needs_code = (rest & 1) != 0;
		s.has_tries = (rest & 2) != 0;
		s.is_reviewed = (rest & 4) != 0;
		OWN(err) e = ra_state_next(&to, &s);
		if (e == NULL && to != s.from)
			pairs[s.from][to] = true;
	}
}

START_TEST(transitions_equal_the_table)
{
	OWN(db) db = connect_as_rad();
	OWN(db_result) rows = NULL;
	bool code[RA_STATE_COUNT][RA_STATE_COUNT] = { { false } };
	bool table[RA_STATE_COUNT][RA_STATE_COUNT] = { { false } };

	reachable(code);
	ck_ok(ra_get_transitions(db, &rows));
	for (size_t i = 0; i < db_num_rows(rows); i++) {
		const char *from_word, *to_word;
		enum ra_state from, to;

		ra_transition_at(&from_word, &to_word, rows, i);
		ck_assert_msg(ra_state_parse(&from, from_word) && ra_state_parse(&to, to_word), "%s -> %s", from_word,
			      to_word);
		table[from][to] = true;
	}
	for (unsigned from = 0; from < RA_STATE_COUNT; from++)
		for (unsigned to = 0; to < RA_STATE_COUNT; to++)
			ck_assert_msg(code[from][to] == table[from][to], "%s -> %s: code %d, table %d",
				      ra_state_word((enum ra_state)from), ra_state_word((enum ra_state)to),
				      code[from][to], table[from][to]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/queries");
	TCase *t = tcase_create("queries");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_statement_prepares);
	tcase_add_test(t, transitions_equal_the_table);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
