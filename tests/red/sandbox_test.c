/*
 * sandbox_test.c - code runs inside signd: what may it still do? Looked at from outside on the running program, and tried
 * from inside in children that wear the signer's profile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sandbox.h"
#include "support/signer.h"
#include "support/suite.h"

static struct signer_home home;

static void begin(void)
{
	struct rlimit core;

	/* the signer must end this by itself */
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0);
	core.rlim_cur = core.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_CORE, &core), 0);
	signer_home_begin(&home, 1u << SIGNER_CA | 1u << SIGNER_OCSP);
}

static void end(void)
{
	signer_home_end(&home);
}

/* ---- from outside ---- */

static void proc_read(char *out, size_t size, pid_t pid, const char *file)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
	FILE *f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	size_t n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	(void)fclose(f);
}

static long long status_value(const char *status, const char *name)
{
	char start[64];

	(void)snprintf(start, sizeof start, "\n%s:\t", name);
	const char *at = strstr(status, start);
	ck_assert_msg(at != NULL, "no %s in /proc/PID/status", name);
	return strtoll(at + strlen(start), NULL, 10);
}

START_TEST(a_running_signer_is_locked_in)
{
	static char status[16384], limits[16384];

	for (int tier = 0; tier < SIGNER_TIERS; tier++) {
		proc_read(status, sizeof status, home.pid[tier], "status");
		proc_read(limits, sizeof limits, home.pid[tier], "limits");
		ck_assert_int_eq(status_value(status, "NoNewPrivs"), 1);
		ck_assert_int_eq(status_value(status, "Seccomp"), 2);
		ck_assert_msg(strstr(limits, "Max core file size        0                    0 ") != NULL, "%s",
			      limits);
		(void)printf("%s: Seccomp 2, NoNewPrivs 1, no core, locked %lld kB\n",
			     signer_name((enum signer_tier)tier), status_value(status, "VmLck"));
	}
}
END_TEST

/* Private halves of keys lie in pages that are locked and left out of dumps. */
START_TEST(key_pages_are_locked)
{
	static char smaps[4 << 20];
	bool has_locked = false;
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%ld/smaps", (long)home.pid[SIGNER_CA]);
	FILE *f = fopen(path, "re");
	if (f == NULL) { /* the signer cannot be looked into by its own user: it is undumpable */
		ck_assert_int_eq(errno, EACCES);
		return;
	}
	size_t n = fread(smaps, 1, sizeof smaps - 1, f);
	smaps[n] = '\0';
	(void)fclose(f);
	if (n == 0)
		return; /* the same, told at the read */
	for (char *at = smaps; (at = strstr(at, "VmFlags:")) != NULL; at++) {
		char line[160];
		(void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
		has_locked |= strstr(line, " lo") != NULL && strstr(line, " dd") != NULL;
	}
	ck_assert_msg(has_locked, "no pages that are locked and not dumped");
}
END_TEST

static bool is_inet(pid_t pid, const char *link)
{
	static const char *const tables[] = { "net/tcp", "net/tcp6", "net/udp", "net/udp6", "net/raw" };
	static char text[1 << 20];
	char inode[40];

	if (sscanf(link, "socket:[%30[0-9]]", inode + 1) != 1)
		return false;
	inode[0] = ' ';
	(void)strcat(inode, " ");
	for (int i = 0; i < COUNT_OF(tables); i++) {
		char path[64];
		(void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, tables[i]);
		if (access(path, R_OK) != 0)
			continue;
		proc_read(text, sizeof text, pid, tables[i]);
		if (strstr(text, inode) != NULL)
			return true;
	}
	return false;
}

START_TEST(no_inet_sockets)
{
	char path[64], link[128];
	int sockets = 0;

	(void)snprintf(path, sizeof path, "/proc/%ld/fd", (long)home.pid[SIGNER_CA]);
	DIR *folder = opendir(path);
	if (folder == NULL) {
		ck_assert_int_eq(errno, EACCES);
		return;
	}
	for (struct dirent *e; (e = readdir(folder)) != NULL;) {
		ssize_t n = readlinkat(dirfd(folder), e->d_name, link, sizeof link - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		sockets += strncmp(link, "socket:", 7) == 0;
		ck_assert_msg(!is_inet(home.pid[SIGNER_CA], link), "%s is an inet socket", link);
	}
	(void)closedir(folder);
	ck_assert_int_gt(sockets, 0);
}
END_TEST

START_TEST(nobody_of_the_same_user_looks_inside)
{
	if (geteuid() == 0)
		return; /* root may */
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, home.pid[SIGNER_CA], NULL, NULL), -1);
	ck_assert_int_eq(errno, EPERM);
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/%ld/mem", (long)home.pid[SIGNER_CA]);
	ck_assert_int_lt(open(path, O_RDONLY), 0);
	(void)snprintf(path, sizeof path, "/proc/%ld/environ", (long)home.pid[SIGNER_CA]);
	ck_assert_int_lt(open(path, O_RDONLY), 0);
}
END_TEST

/* Runs in the parent of the signers, which alone may wait for them. */
static bool has_left_a_core;
static int crash_signal;

static void crash(void)
{
	struct signer_home *h = &home;
	int status = 0;

	ck_assert_int_gt(h->pid[SIGNER_OCSP], 0);
	(void)kill(h->pid[SIGNER_OCSP], SIGSEGV);
	ck_assert_int_eq(waitpid(h->pid[SIGNER_OCSP], &status, 0), h->pid[SIGNER_OCSP]);
	h->pid[SIGNER_OCSP] = 0;
	(void)close(h->notify[SIGNER_OCSP]);
	crash_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	has_left_a_core = WIFSIGNALED(status) && WCOREDUMP(status);
}

static void nothing(void)
{
}

START_TEST(a_crash_leaves_no_core)
{
#ifndef NUC_SANITIZED /* the sanitizer ends the process itself */
	ck_assert_int_ne(crash_signal, 0);
#endif
	ck_assert(!has_left_a_core);
}
END_TEST

/* ---- from inside ---- */

static int in_child(bool (*fn)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		(void)dup2(null, STDERR_FILENO);
		_exit(fn() ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool enter(void)
{
	struct err *e = sandbox_calls(SANDBOX_SIGND_FILE, false);
	bool ok = e == NULL;

	err_destroy(&e);
	return ok;
}

static bool opens(void)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/signer/ca/keys", home.net.dir);
	bool entered = enter();
	return !entered || open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES || open(path, O_RDONLY) >= 0 ||
	       errno != EACCES || open("/tmp/red-escape", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES;
}

static bool dials(void)
{
	return enter() && socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool dials_6(void)
{
	return enter() && socket(AF_INET6, SOCK_DGRAM, 0) >= 0;
}

static bool listens_to_packets(void)
{
	return enter() && socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool executes(void)
{
	return enter() && execl("/bin/sh", "sh", "-c", "true", (char *)NULL) == 0;
}

static bool forks(void)
{
	return enter() && fork() >= 0;
}

static bool traces(void)
{
	return enter() && ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static const struct {
	const char *what;
	bool (*escape)(void);
} escapes[] = {
	{ "socket(AF_INET)", dials },
	{ "socket(AF_INET6)", dials_6 },
	{ "socket(AF_PACKET)", listens_to_packets },
	{ "execve", executes },
	{ "fork", forks },
	{ "ptrace", traces },
};

START_TEST(no_way_out)
{
#ifdef NUC_SANITIZED
	return; /* there the filter only logs */
#endif
	int status = in_child(escapes[_i].escape);

	ck_assert_msg(status != 0, "%s succeeded", escapes[_i].what);
	(void)printf("sandbox: %-20s %s\n", escapes[_i].what, status == 128 + SIGSYS ? "killed (SIGSYS)" : "refused");
}
END_TEST

START_TEST(no_file_is_opened)
{
#ifdef NUC_SANITIZED
	return;
#endif
	ck_assert_int_eq(in_child(opens), 1);
	(void)printf("sandbox: %-20s refused (EACCES)\n", "open");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/sandbox");
	TCase *t = tcase_create("outside"), *c = tcase_create("crash");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, begin, nothing);
	tcase_add_test(t, a_running_signer_is_locked_in);
	tcase_add_test(t, key_pages_are_locked);
	tcase_add_test(t, no_inet_sockets);
	tcase_add_test(t, nobody_of_the_same_user_looks_inside);
	tcase_add_loop_test(t, no_way_out, 0, COUNT_OF(escapes));
	tcase_add_test(t, no_file_is_opened);
	tcase_add_unchecked_fixture(c, crash, end);
	tcase_add_test(c, a_crash_leaves_no_core);
	suite_add_tcase(s, t);
	suite_add_tcase(s, c);
	return suite_main(s);
}
