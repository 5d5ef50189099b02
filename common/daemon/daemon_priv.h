/*
 * daemon_priv.h - what daemon.c and daemon_args.c share; nobody else includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_DAEMON_PRIV_H
#define COMMON_DAEMON_DAEMON_PRIV_H

#include "daemon/daemon.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, SANDBOX_PATHS_MAX = 16 };

/* The public part first: callbacks get a pointer to it. */
struct run {
	struct daemon d;
	bool is_check; /* -t */
	const struct daemon_command *command;
	const char *argument;
	int admin_fd;
	int pid_fd;
	bool was_acquired;
	bool has_landlock;
	struct sandbox_path paths[SANDBOX_PATHS_MAX];
	size_t num_paths;
	loop_id drain_timer;
	int64_t drain_until_ms;
};

/* daemon_parse_args() reads the command line into *run. Returns -1 to go on, otherwise the exit status: what was asked for
 * is done, or the usage is on standard error. */
int daemon_parse_args(struct run *run, int argc, char **argv);

#endif
