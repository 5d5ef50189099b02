/*
 * sandbox.h - what a daemon's process may still ask of the kernel once it is ready: Landlock, then seccomp.
 *
 * SANDBOX_NONE        no_new_privs only.
 * SANDBOX_NETWORK     every daemon but the signer: no execve, ptrace, mount, module, bpf, kexec and the like.
 * SANDBOX_SIGND_FILE  the signer with keys in files: an allow list. Unix sockets only, no executable memory, no exec; files
 *                     are opened only beneath the paths given, and not at all where Landlock cannot hold it to them.
 *
 * A forbidden call of the allow list ends the process (SIGSYS; debug builds name the call first). Opening a file that is
 * not allowed fails with EACCES instead. In sanitised builds the filter only logs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_SANDBOX_H
#define COMMON_DAEMON_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

enum sandbox_profile { SANDBOX_NONE, SANDBOX_NETWORK, SANDBOX_SIGND_FILE };

/* A path the process may use after the sandbox is up: a folder with all beneath it, or a file. */
struct sandbox_path {
	const char *path;
	bool may_write; /* create, write, rename and remove too */
};

/* sandbox_enter() confines all threads of the process, for ever. `paths` bind SANDBOX_SIGND_FILE only.
 * *Errors* SYSTEM when a rule cannot be installed; a kernel without Landlock is no error (out_landlock says so). */
struct err *sandbox_enter(enum sandbox_profile profile, const struct sandbox_path *paths, size_t num_paths,
			  bool *out_landlock) ERR_MUST_USE;

const char *sandbox_profile_name(enum sandbox_profile profile);

/* privileges_drop() gives up root for user and group (NULL or "": stay who we are; a group alone is an error), verifies
 * that there is no way back, sets no_new_privs, RLIMIT_CORE 0 and undumpable. *Errors* CONFIG, SYSTEM. */
struct err *privileges_drop(const char *user, const char *group) ERR_MUST_USE;

#endif
