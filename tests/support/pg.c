/*
 * pg.c - a private PostgreSQL cluster for one test program. See pg.h.
 *
 * The cluster lives in the parent; Check's forked children only connect. PostgreSQL refuses to run as root, so root
 * starts it as the user "postgres".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/pg.h"

#include <libpq-fe.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/suite.h"

#define PG_BIN "/usr/lib/postgresql/15/bin"

static char dir[64];
static char database[64] = "nuc";
static pid_t owner;
static bool is_running;

static bool shell(const char *fmt, ...) ERR_PRINTF(1, 2);

/* Runs a shell command whose words are ours alone; false when it fails. */
static bool shell(const char *fmt, ...)
{
	char command[1600];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof command)
		return false;
	int status = system(command); /* NOLINT: fixed commands of a test */
	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *as_postgres(void)
{
	return geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups --" : "";
}

static bool cluster_run(void)
{
	is_running = shell("cd / && %s " PG_BIN "/pg_ctl -D %s/data -w -s -l %s/log -o \"-k %s -c listen_addresses='' "
			   "-c fsync=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=32MB "
			   "-c unix_socket_permissions=0777\" start",
			   as_postgres(), dir, dir, dir);
	return is_running;
}

static bool cluster_stop(const char *mode)
{
	is_running = false;
	return shell("cd / && %s " PG_BIN "/pg_ctl -D %s/data -w -s -m %s stop >/dev/null 2>&1", as_postgres(), dir,
		     mode);
}

/* NUC_SOURCE is set by ctest; a test that is run by hand finds schema/ from its own build path's cache. */
static const char *source_dir(void)
{
	const char *source = getenv("NUC_SOURCE");

	return source != NULL ? source : NUC_SOURCE_DIR;
}

static bool cluster_create(void)
{
	(void)snprintf(dir, sizeof dir, "/tmp/nuc-pg-XXXXXX");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		return false;
	owner = getpid();
	if (geteuid() == 0 && !shell("chown postgres:postgres %s", dir))
		return false;
	return shell("cd / && %s " PG_BIN "/initdb -D %s/data -U postgres -A trust --locale=C.UTF-8 -E UTF8 --no-sync "
		     ">%s.initdb 2>&1 || { cat %s.initdb >&2; exit 1; }; rm -f %s.initdb",
		     as_postgres(), dir, dir, dir, dir) &&
	       cluster_run() &&
	       shell("export PGHOST=%s PGUSER=postgres; unset PGPORT PGSERVICE PGPASSWORD PGOPTIONS; "
		     "psql -X -q -d postgres -c 'CREATE DATABASE nuc TEMPLATE template0' && PGDATABASE=nuc "
		     "%s/schema/migrate "
		     ">/dev/null",
		     dir, source_dir());
}

static void cluster_remove(void)
{
	if (dir[0] == '\0' || getpid() != owner)
		return;
	if (is_running)
		(void)cluster_stop("immediate");
	if (!shell("rm -rf %s", dir))
		fprintf(stderr, "%s was not removed\n", dir);
	dir[0] = '\0';
}

int pg_suite_main(Suite *s)
{
	if (access(PG_BIN "/initdb", X_OK) != 0) {
		fprintf(stderr, "skipped: PostgreSQL is not installed in " PG_BIN "\n");
		return 77;
	}
	(void)atexit(cluster_remove);
	if (!cluster_create()) {
		fprintf(stderr, "the test cluster did not start\n");
		return 1;
	}
	int status = suite_main(s);
	cluster_remove();
	return status;
}

const char *pg_dir(void)
{
	return dir;
}

void pg_conninfo(char conninfo[PG_CONNINFO_SIZE], const char *role)
{
	(void)snprintf(conninfo, PG_CONNINFO_SIZE, "host=%s dbname=%s user=%s", dir, database,
		       role == NULL ? "postgres" : role);
}

static PGconn *superuser(const char *db)
{
	char conninfo[PG_CONNINFO_SIZE];

	(void)snprintf(conninfo, sizeof conninfo,
		       "host=%s dbname=%s user=postgres options='-c client_min_messages=warning'", dir, db);
	PGconn *pg = PQconnectdb(conninfo);
	ck_assert_msg(PQstatus(pg) == CONNECTION_OK, "%s", PQerrorMessage(pg));
	return pg;
}

void pg_fresh(char conninfo[PG_CONNINFO_SIZE], const char *role)
{
	static int count;
	char sql[160];
	PGconn *pg = superuser("postgres");

	(void)snprintf(database, sizeof database, "t%d_%d", (int)getpid(), ++count);
	(void)snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE nuc OWNER nuc_owner STRATEGY file_copy", database);
	PGresult *r = PQexec(pg, sql);
	ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK, "%s", PQerrorMessage(pg));
	PQclear(r);
	PQfinish(pg);
	pg_conninfo(conninfo, role);
}

/* The superuser's connection to the current database, kept from call to call. A forked child makes its own. */
static struct {
	PGconn *pg;
	pid_t pid;
	char database[sizeof database];
	PGconn *of_parent; /* not ours to end; remembered, so that a leak checker finds it */
} kept;

static PGconn *kept_connection(void)
{
	if (kept.pg != NULL && kept.pid == getpid() && strcmp(kept.database, database) == 0 &&
	    PQstatus(kept.pg) == CONNECTION_OK)
		return kept.pg;
	if (kept.pg != NULL && kept.pid == getpid())
		PQfinish(kept.pg);
	else
		kept.of_parent = kept.pg;
	kept.pg = superuser(database);
	kept.pid = getpid();
	(void)snprintf(kept.database, sizeof kept.database, "%s", database);
	return kept.pg;
}

static void drop_kept_connection(void)
{
	if (kept.pg != NULL && kept.pid == getpid())
		PQfinish(kept.pg);
	kept.pg = NULL;
}

/* Runs the formatted SQL in the current database. *Owns* the caller, PQclear(). */
static PGresult *run(const char *fmt, va_list ap)
{
	char *sql = NULL;

	ck_assert_int_ge(vasprintf(&sql, fmt, ap), 0);
	PGconn *pg = kept_connection();
	PGresult *r = PQexec(pg, sql);
	ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK, "%s\n%.600s",
		      PQerrorMessage(pg), sql);
	free(sql);
	return r;
}

void pg_sql(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	PQclear(run(fmt, ap));
	va_end(ap);
}

int64_t pg_number(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	PGresult *r = run(fmt, ap);
	va_end(ap);
	ck_assert_int_eq(PQntuples(r), 1);
	int64_t value = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return value;
}

const char *pg_text(const char *fmt, ...)
{
	static char text[4096];
	va_list ap;

	va_start(ap, fmt);
	PGresult *r = run(fmt, ap);
	va_end(ap);
	ck_assert_int_eq(PQntuples(r), 1);
	(void)snprintf(text, sizeof text, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
	return text;
}

void pg_stop_hard(void)
{
	drop_kept_connection();
	ck_assert_msg(cluster_stop("immediate"), "the cluster did not stop");
}

void pg_start_again(void)
{
	ck_assert_msg(cluster_run(), "the cluster did not start again");
}
