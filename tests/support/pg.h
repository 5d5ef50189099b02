/*
 * pg.h - a private PostgreSQL cluster for one test program: fresh, on a unix socket in a temporary folder, with the
 * ledger's schema and roles, removed at exit. Trust authentication: a test logs in as any role. fsync is off.
 *
 *   int main(void) { Suite *s = ...; return pg_suite_main(s); }      starts the cluster, runs the suite, stops it
 *   START_TEST(x) { char conninfo[PG_CONNINFO_SIZE]; pg_fresh(conninfo, "nuc_ca"); ... }
 *
 * pg_fresh() makes a new database by copying the migrated template (tens of milliseconds), so that no test sees
 * another's rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_PG_H
#define TESTS_SUPPORT_PG_H

#include <check.h>

#include "db/db.h"

enum { PG_CONNINFO_SIZE = 256 };

/* pg_suite_main() is suite_main() with a cluster around it. Exit 77 (skipped) where PostgreSQL is not installed. */
int pg_suite_main(Suite *s);

/* pg_fresh() copies the template into a new database, makes it the current one, and writes the conninfo for the role
 * (NULL: the superuser "postgres"). Fails the test on any error. */
void pg_fresh(char conninfo[PG_CONNINFO_SIZE], const char *role);

/* pg_conninfo() writes the conninfo of the current database for another role. */
void pg_conninfo(char conninfo[PG_CONNINFO_SIZE], const char *role);

/* pg_sql() runs SQL (several statements allowed) in the current database as superuser; printf-like. Fails the test on
 * error. */
void pg_sql(const char *fmt, ...) ERR_PRINTF(1, 2);

/* pg_number() gives the single bigint that a query of the superuser returns; pg_text() the single text, in a static buffer. */
int64_t pg_number(const char *fmt, ...) ERR_PRINTF(1, 2);
const char *pg_text(const char *fmt, ...) ERR_PRINTF(1, 2);

/* pg_stop_hard()/pg_start_again() stop the cluster at once (as kill -9 would) and start it again. */
void pg_stop_hard(void);
void pg_start_again(void);

/* pg_dir() is the folder of the cluster's sockets. */
const char *pg_dir(void);

#endif
