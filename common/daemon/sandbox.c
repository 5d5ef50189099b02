/*
 * sandbox.c - dropping privileges, Landlock and seccomp. See sandbox.h.
 *
 * The lists below are the answer to "which daemon may make which system call". Observed with libzmq 4.3.4, OpenSSL 3.0 and
 * glibc 2.36; what glibc may try and lives without (ioctl on a log file, opening a locale) fails with an errno instead
 * of ending the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

const char *sandbox_profile_name(enum sandbox_profile profile)
{
	switch (profile) {
	case SANDBOX_NONE:
		return "none";
	case SANDBOX_NETWORK:
		return "network";
	case SANDBOX_SIGND_TOKEN:
		return "signd-token";
	case SANDBOX_SIGND_FILE:
		break;
	}
	return "signd-file";
}

/* ---- privileges */

struct err *privileges_find(uid_t *out_uid, gid_t *out_gid, const char *user, const char *group)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	if (user != NULL && user[0] != '\0') {
		const struct passwd *pw = getpwnam(user);
		ENSURE_FIELD(pw != NULL, CONFIG, "run.user", "there is no user %s", user);
		uid = pw->pw_uid;
		gid = pw->pw_gid;
	}
	if (group != NULL && group[0] != '\0') {
		const struct group *gr = getgrnam(group);
		ENSURE_FIELD(gr != NULL, CONFIG, "run.group", "there is no group %s", group);
		ENSURE_FIELD(uid != (uid_t)-1, CONFIG, "run.group", "is given without run.user");
		gid = gr->gr_gid;
	}
	*out_uid = uid;
	*out_gid = gid;
	return NULL;
}

static struct err *become(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (geteuid() != 0) {
		ENSURE_FIELD(uid == geteuid(), CONFIG, "run.user", "only root can become another user");
		return NULL;
	}
	if (setgroups(1, &gid) != 0)
		return ERR_ERRNO("setgroups");
	if (setresgid(gid, gid, gid) != 0)
		return ERR_ERRNO("setresgid");
	if (setresuid(uid, uid, uid) != 0)
		return ERR_ERRNO("setresuid");
	if (getresuid(&r, &e, &s) != 0 || getresgid(&rg, &eg, &sg) != 0)
		return ERR_ERRNO("getresuid");
	ENSURE(r == uid && e == uid && s == uid && rg == gid && eg == gid && sg == gid, SYSTEM, "ids were not dropped");
	ENSURE(uid == 0 || (setuid(0) != 0 && seteuid(0) != 0), SYSTEM, "dropped ids could be taken back");
	return NULL;
}

struct err *privileges_drop(uid_t uid, gid_t gid)
{
	const struct rlimit none = { 0, 0 };

	if (uid != (uid_t)-1)
		TRY(become(uid, gid));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ERR_ERRNO("no_new_privs");
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return ERR_ERRNO("RLIMIT_CORE");
#ifndef NUC_SANITIZED /* the leak sanitizer reads its own process by ptrace */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ERR_ERRNO("PR_SET_DUMPABLE");
#endif
	return NULL;
}

/* ---- Landlock: no libc wrappers exist */

enum { ABI_REFER = 2, ABI_TRUNCATE = 3 };

static const uint64_t READ_RIGHTS = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t WRITE_RIGHTS = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
				     LANDLOCK_ACCESS_FS_TRUNCATE;
/* Of these, what means something for a file that is no folder. */
static const uint64_t FILE_RIGHTS =
	LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

static uint64_t handled_rights(int abi)
{
	uint64_t all = (1ULL << 13) - 1; /* version 1 */

	if (abi >= ABI_REFER)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= ABI_TRUNCATE)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return all;
}

/* A path that does not exist needs no rule. */
static struct err *allow_path(int ruleset, const struct sandbox_path *path, uint64_t handled)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = READ_RIGHTS };
	struct stat st;
	struct err *e = NULL;

	rule.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT ? NULL : ERR_ERRNO("%s", path->path);
	if (path->may_write)
		rule.allowed_access |= WRITE_RIGHTS;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FILE_RIGHTS;
	rule.allowed_access &= handled;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		e = ERR_ERRNO("Landlock rule for %s", path->path);
	(void)close(rule.parent_fd);
	return e;
}

/* What libraries read while they start; nothing secret lies there. */
static const struct sandbox_path system_paths[] = {
	{ "/usr", false },
	{ "/lib", false },
	{ "/lib64", false },
	{ "/etc", false },
	{ "/dev/urandom", false },
	{ "/dev/null", true },
	{ "/sys/devices/system/cpu", false },
#ifdef NUC_SANITIZED
	{ "/proc", false }, /* the leak sanitizer looks at its own threads */
#endif
};

static struct err *restrict_files(int ruleset, const struct sandbox_path *paths, size_t num_paths, uint64_t handled)
{
	for (size_t i = 0; i < sizeof system_paths / sizeof system_paths[0]; i++)
		TRY(allow_path(ruleset, &system_paths[i], handled));
	for (size_t i = 0; i < num_paths; i++)
		TRY(allow_path(ruleset, &paths[i], handled));
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return ERR_ERRNO("Landlock");
	return NULL;
}

struct err *sandbox_files(enum sandbox_profile profile, const struct sandbox_path *paths, size_t num_paths,
			  bool *out_enforced)
{
	*out_enforced = false;
	if (profile != SANDBOX_SIGND_FILE && profile != SANDBOX_SIGND_TOKEN)
		return NULL;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	ENSURE(abi >= 1 || profile != SANDBOX_SIGND_TOKEN, SYSTEM,
	       "this kernel has no Landlock: a PKCS#11 module cannot be held to its folder");
	if (abi < 1)
		return NULL;
	struct landlock_ruleset_attr attr = { .handled_access_fs = handled_rights((int)abi) };
	long ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (ruleset < 0)
		return ERR_ERRNO("Landlock");
	struct err *e = restrict_files((int)ruleset, paths, num_paths, attr.handled_access_fs);
	(void)close((int)ruleset);
	*out_enforced = e == NULL;
	return e;
}

/* ---- seccomp */

static const char *const network_denied[] = {
	"execve",
	"execveat",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"bpf",
	"perf_event_open",
	"reboot",
	"swapon",
	"swapoff",
	"setns",
	"unshare",
	"userfaultfd",
	"keyctl",
	"add_key",
	"request_key",
	"open_by_handle_at",
};

static const char *const signd_allowed[] = {
	/* bytes */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"pwritev",
	"lseek",
	"close",
	"fsync",
	"fdatasync",
	"sync_file_range",
	"ftruncate",
	"fallocate",
	"flock",
	"fcntl",
	"dup",
	"dup3",
	/* metadata: reveals names and sizes only */
	"fstat",
	"newfstatat",
	"stat",
	"lstat",
	"statx",
	"access",
	"faccessat",
	"faccessat2",
	"getdents64",
	"readlink",
	"readlinkat",
	"getcwd",
	"fstatfs",
	"statfs",
	/* sockets (socket() itself: below) and waiting */
	"recvmsg",
	"sendmsg",
	"recvfrom",
	"sendto",
	"connect",
	"accept",
	"accept4",
	"bind",
	"listen",
	"getsockopt",
	"setsockopt",
	"getsockname",
	"getpeername",
	"shutdown",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_ctl",
	"epoll_create1",
	"eventfd2",
	"pipe2",
	"signalfd4",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	/* memory (mmap and mprotect: below) */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"mlock",
	"mlock2",
	"munlock",
	"msync",
	"memfd_secret",
	/* threads (clone: below) */
	"futex",
	"set_robust_list",
	"rseq",
	"gettid",
	"getpid",
	"getppid",
	"tgkill",
	"sched_yield",
	"sched_getaffinity",
	"sched_getscheduler",
	"sched_setscheduler",
	"sched_getparam",
	"getcpu",
	"membarrier",
	"exit",
	"exit_group",
	"restart_syscall",
	"set_tid_address",
	/* signals */
	"rt_sigprocmask",
	"rt_sigaction",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"rt_sigpending",
	"sigaltstack",
	/* time, chance, self */
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"getrandom",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getgroups",
	"getresuid",
	"getresgid",
	"getrusage",
	"times",
	"uname",
	"sysinfo",
	"prctl",
	"getrlimit",
	"umask",
};

/* Allowed when Landlock holds the process to its paths, refused with EACCES when it does not. */
static const char *const file_calls[] = {
	"open", "openat", "creat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "truncate", "fchmod",
};

/* Refused with an errno that callers live with. */
static const struct {
	const char *name;
	int error;
} soft_denied[] = {
	{ "openat2", EACCES },	 { "mkdir", EACCES },
	{ "mkdirat", EACCES },	 { "chmod", EACCES },
	{ "fchmodat", EACCES },	 { "chown", EACCES },
	{ "link", EACCES },	 { "linkat", EACCES },
	{ "symlink", EACCES },	 { "ioctl", ENOTTY },
	{ "prlimit64", EACCES }, { "clone3", ENOSYS /* glibc then uses clone, whose flags can be looked at */ },
};

static struct err *add_rule(scmp_filter_ctx filter, uint32_t action, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	/* A call that this libseccomp or this processor does not have needs no rule. */
	if (number == __NR_SCMP_ERROR || number < 0)
		return NULL;
	int rc = seccomp_rule_add(filter, action, number, 0);
	ENSURE(rc == 0, SYSTEM, "seccomp rule for %s: %s", name, strerror(-rc));
	return NULL;
}

static struct err *add_rule_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp condition)
{
	int rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(name), 1, &condition);

	ENSURE(rc == 0, SYSTEM, "seccomp rule for %s: %s", name, strerror(-rc));
	return NULL;
}

/* A sanitizer's own calls must not fail: there the default, which logs, stays. */
static struct err *add_soft_denial(scmp_filter_ctx filter, const char *name, int error)
{
#ifdef NUC_SANITIZED
	(void)filter;
	(void)name;
	(void)error;
	return NULL;
#else
	return add_rule(filter, SCMP_ACT_ERRNO((uint32_t)error), name);
#endif
}

static struct err *fill_network(scmp_filter_ctx filter, uint32_t denial)
{
	for (size_t i = 0; i < sizeof network_denied / sizeof network_denied[0]; i++)
		TRY(add_rule(filter, denial, network_denied[i]));
	return NULL;
}

static struct err *fill_signd(scmp_filter_ctx filter, bool may_open)
{
	const struct scmp_arg_cmp is_unix = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX };
	const struct scmp_arg_cmp not_executable = {
		.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0
	};
	const struct scmp_arg_cmp is_thread = {
		.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = CLONE_THREAD
	};

	for (size_t i = 0; i < sizeof signd_allowed / sizeof signd_allowed[0]; i++)
		TRY(add_rule(filter, SCMP_ACT_ALLOW, signd_allowed[i]));
	for (size_t i = 0; i < sizeof file_calls / sizeof file_calls[0]; i++)
		TRY(may_open ? add_rule(filter, SCMP_ACT_ALLOW, file_calls[i])
			     : add_soft_denial(filter, file_calls[i], EACCES));
	for (size_t i = 0; i < sizeof soft_denied / sizeof soft_denied[0]; i++)
		TRY(add_soft_denial(filter, soft_denied[i].name, soft_denied[i].error));
	TRY(add_rule_if(filter, "socket", is_unix));
	TRY(add_rule_if(filter, "socketpair", is_unix));
	TRY(add_rule_if(filter, "mmap", not_executable));
	TRY(add_rule_if(filter, "mprotect", not_executable));
	return add_rule_if(filter, "clone", is_thread);
}

#if defined NUC_SANITIZED
#define DENIAL SCMP_ACT_LOG
#elif defined NDEBUG
#define DENIAL SCMP_ACT_KILL_PROCESS
#else
#define DENIAL SCMP_ACT_TRAP
#endif

/* Debug builds: names the call, then dies by the same signal. */
static void on_sigsys(int signal_number, siginfo_t *info, void *context)
{
	char text[128];

	(void)context;
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);
	int len = snprintf(text, sizeof text, "sandbox: system call %d (%s) is not allowed\n", info->si_syscall,
			   name == NULL ? "?" : name);
	ssize_t written = write(STDERR_FILENO, text, len < 0 ? 0 : (size_t)len);
	(void)written;
	(void)signal(signal_number, SIG_DFL);
	(void)raise(signal_number);
}

static struct err *load_filter(scmp_filter_ctx filter, enum sandbox_profile profile, bool may_open)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	ENSURE(rc == 0, SYSTEM, "seccomp for all threads: %s", strerror(-rc));
	TRY(profile == SANDBOX_NETWORK ? fill_network(filter, DENIAL) : fill_signd(filter, may_open));
	rc = seccomp_load(filter);
	ENSURE(rc == 0, SYSTEM, "loading the seccomp filter: %s", strerror(-rc));
	return NULL;
}

struct err *sandbox_calls(enum sandbox_profile profile, bool may_open)
{
	const struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	if (profile == SANDBOX_NONE)
		return NULL;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ERR_ERRNO("no_new_privs");
	if (DENIAL == SCMP_ACT_TRAP && sigaction(SIGSYS, &action, NULL) != 0)
		return ERR_ERRNO("sigaction");
	scmp_filter_ctx filter = seccomp_init(profile == SANDBOX_NETWORK ? SCMP_ACT_ALLOW : DENIAL);
	ENSURE(filter != NULL, NO_MEMORY, "seccomp filter");
	struct err *e = load_filter(filter, profile, may_open);
	seccomp_release(filter);
	return e;
}
