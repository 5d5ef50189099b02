/*
 * daemon.h - a daemon is data: struct daemon_spec says what is special about it, daemon_main() does the rest.
 *
 * Phases, always these and in this order, each logged:
 *   args      -c FILE, -t (check the configuration, print every mistake, exit), -V/--version, --help, the spec's commands
 *   config    through the tables; unknown keys are errors
 *   acquire   admin socket; spec.acquire: listening sockets, key files, certificates (still with the ids we came with)
 *   drop      user and group, no_new_privs, RLIMIT_CORE 0, undumpable; Landlock (it binds only threads made later)
 *   start     ZeroMQ context (its threads inherit the dropped ids), loop, signals; spec.start: bus, database, threads
 *   sandbox   seccomp, all threads
 *   ready     spec.ready: self-test; pid file, READY=1 on NOTIFY_SOCKET, log event `ready`
 *   loop      TERM/INT drain, HUP reload, USR1 dump
 *   drain     spec.drain begins, until spec.is_drained or run.drain_ms
 *   stop      spec.stop, then everything in reverse
 * There is no forking into the background: a supervisor or deploy/quickstart starts and watches the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_DAEMON_H
#define COMMON_DAEMON_DAEMON_H

#include "daemon/admin.h"
#include "daemon/conf.h"
#include "daemon/health.h"
#include "daemon/loop.h"
#include "daemon/metrics.h"
#include "daemon/sandbox.h"

/* Settings that every daemon has. It is a member of the daemon's own struct; spec.conf_offset says where. */
struct daemon_conf {
	char *log_level;
	char *admin_socket;
	char *user;
	char *group;
	char *pid_file;
	int64_t drain_ms;
};
#define DAEMON_CONF_ROWS(type, member)                                                                                 \
	CONF_STRING(type, member.log_level, "log.level", "info", 4, 5, CONF_RELOADABLE,                                \
		    "least level that is written: debug, info, warn or error"),                                        \
		CONF_STRING(type, member.admin_socket, "admin.socket", "/run/nuc/admin.sock", 1, 107, CONF_REQUIRED,   \
			    "unix socket of /metrics, /livez and /readyz"),                                            \
		CONF_STRING(type, member.user, "run.user", "", 0, 64, 0,                                               \
			    "user to become when started as root; empty: stay"),                                       \
		CONF_STRING(type, member.group, "run.group", "", 0, 64, 0, "group to become; empty: the user's own"),  \
		CONF_STRING(type, member.pid_file, "run.pid_file", "", 0, 1000, 0,                                     \
			    "file that holds the process id while ready; empty: none"),                                \
		CONF_INT64(type, member.drain_ms, "run.drain_ms", "5000", 0, 600000, CONF_RELOADABLE,                  \
			   "milliseconds that work in hand may take after TERM")

/* Settings of a daemon that is on the bus; its endpoints are rows of its own ("bus.issue", ...). */
struct daemon_bus_conf {
	char *keys_dir;
	char *name;
	char *peers;
};
#define DAEMON_BUS_CONF_ROWS(type, member)                                                                             \
	CONF_STRING(type, member.keys_dir, "bus.keys_dir", "/etc/nuc/bus/keys", 1, 1000, CONF_REQUIRED,                \
		    "folder of NAME.public and NAME.secret (CURVE, Z85)"),                                             \
		CONF_STRING(type, member.name, "bus.name", "name", 1, 64, CONF_REQUIRED,                               \
			    "own name in that folder and in bus.peers"),                                               \
		CONF_STRING(type, member.peers, "bus.peers", "/etc/nuc/bus/peers.conf", 1, 1000, CONF_REQUIRED,        \
			    "file with the allow list: names, roles and public keys")

/* Settings of a daemon that uses the database. */
struct daemon_db_conf {
	char *conninfo;
};
#define DAEMON_DB_CONF_ROWS(type, member)                                                                              \
	CONF_STRING(type, member.conninfo, "db.conninfo", "host=/run/postgresql dbname=nuc", 1, 1000,                  \
		    CONF_REQUIRED | CONF_SECRET, "libpq connection string of the ledger, with this daemon's own role")

struct daemon_spec;

/* What the callbacks get. Members are NULL before the phase that makes them. */
struct daemon {
	const struct daemon_spec *spec;
	void *conf; /* the daemon's own struct, filled */
	struct daemon_conf *common; /* its struct daemon_conf */
	const char *conf_file;
	struct metrics *metrics; /* from acquire on */
	struct health *health; /* from acquire on */
	void *zmq; /* from start on */
	struct loop *loop; /* from start on */
	struct admin *admin; /* from start on */
	void *state; /* the daemon's own */
};

/* A one-shot command of the program, e.g. --import-ceremony DIR: runs after the config phase instead of the daemon.
 * Returns the exit status (0 done, 1 refused, 2 usage, 3 could not reach a service) or an error, which exits 1. */
struct daemon_command {
	const char *option; /* "--import-ceremony" */
	const char *argument; /* "DIR", or NULL when it takes none */
	const char *help;
	bool needs_conf; /* -c FILE must be given and right */
	struct err *(*run)(struct daemon *d, const char *argument, int *out_status);
};

struct daemon_spec {
	const char *name; /* "cad": also the name in log lines */
	const char *summary; /* one line for --help */
	const struct conf_row *conf_rows;
	size_t num_conf_rows;
	size_t conf_size;
	size_t conf_offset; /* of its struct daemon_conf */
	const struct metric_def *metrics;
	size_t num_metrics;
	enum sandbox_profile sandbox;
	enum sandbox_profile (*choose_sandbox)(const void *conf); /* instead of `sandbox`; may be NULL */
	const struct daemon_command *commands;
	size_t num_commands;

	/* All optional. */
	void (*check)(const void *conf,
		      struct conf_problems *problems); /* what rows cannot say; no side effects; also for -t */
	struct err *(*acquire)(struct daemon *d);
	struct err *(*start)(struct daemon *d);
	struct err *(*ready)(struct daemon *d);
	void (*reload)(struct daemon *d); /* after d->conf took over reloadable values */
	void (*dump)(struct daemon *d); /* USR1: writes its state to the log */
	void (*drain)(struct daemon *d); /* stop accepting; the loop still turns */
	bool (*is_drained)(struct daemon *d); /* asked after each turn while draining */
	void (*stop)(struct daemon *d); /* frees d->state; called whenever acquire was called, also after an error */
};

/* daemon_main() is the whole of a daemon's main(). Returns the exit status: 0 drained, 1 failed, 2 usage. */
int daemon_main(int argc, char **argv, const struct daemon_spec *spec);

/* daemon_sandbox_path() allows a path for the signer's profiles, from acquire only: a folder with all beneath it (that of an
 * ipc socket which is bound in start, too), or a file. Without any, nothing can be opened once the daemon is ready. The
 * text is copied. */
struct err *daemon_sandbox_path(struct daemon *d, const char *path, bool may_write) ERR_MUST_USE;

#endif
