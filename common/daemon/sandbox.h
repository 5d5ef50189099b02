/*
 * sandbox.h - what a daemon's process may still ask of the kernel: Landlock, then seccomp.
 *
 * SANDBOX_NONE        no_new_privs only.
 * SANDBOX_NETWORK     every daemon but the signer: no execve, ptrace, mount, module, bpf, kexec and the like.
 * SANDBOX_SIGND_FILE  the signer with keys in files: an allow list. Unix sockets only, no executable memory, no exec, no
 *                     fork; files are opened only beneath the paths given, and not at all where Landlock cannot hold it
 *                     to them.
 * SANDBOX_SIGND_TOKEN the signer with keys in a PKCS#11 token: the same, and the module may lock and open files beneath its
 *                     own folder, which is one of the paths given. Needs Landlock: without it the daemon does not start.
 *
 * Landlock binds only the thread that asks and the threads it makes later, so sandbox_files() comes before the first
 * thread (ZeroMQ's too); seccomp reaches all threads, so sandbox_calls() comes last, when everything has started.
 * A forbidden call of the allow list ends the process (SIGSYS; debug builds name the call first). Opening a file that is
 * not allowed fails with EACCES instead. In sanitised builds the filter only logs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_SANDBOX_H
#define COMMON_DAEMON_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/own.h"

enum sandbox_profile { SANDBOX_NONE, SANDBOX_NETWORK, SANDBOX_SIGND_FILE, SANDBOX_SIGND_TOKEN };

/* A path the process may use after the sandbox is up: a folder with all beneath it, or a file. */
struct sandbox_path {
	const char *path;
	bool may_write; /* create, write, rename and remove too */
};

/* sandbox_files() binds this thread and its later ones to `paths` and the read-only system folders (the signer's profiles
 * only; the others are not bound). out_enforced says whether the kernel does it. *Errors* SYSTEM when a rule cannot be
 * made; a kernel without Landlock is no error. */
struct err *sandbox_files(enum sandbox_profile profile, const struct sandbox_path *paths, size_t num_paths,
			  bool *out_enforced) ERR_MUST_USE;

/* sandbox_calls() installs the seccomp filter in all threads, for ever. may_open: files may still be opened, since
 * sandbox_files() holds the process to its paths. *Errors* SYSTEM. */
struct err *sandbox_calls(enum sandbox_profile profile, bool may_open) ERR_MUST_USE;

const char *sandbox_profile_name(enum sandbox_profile profile);

/* privileges_find() looks user and group up; -1 for what is not named. A user without a group has its own group.
 * *Errors* CONFIG when one is unknown, or a group is named without a user. */
struct err *privileges_find(uid_t *out_uid, gid_t *out_gid, const char *user, const char *group) ERR_MUST_USE;

/* privileges_drop() gives up root for user and group (-1: stay who we are), verifies that there is
 * no way back, sets no_new_privs, RLIMIT_CORE 0 and undumpable. *Errors* CONFIG, SYSTEM. */
struct err *privileges_drop(uid_t uid, gid_t gid) ERR_MUST_USE;

#endif
