/*
 * sandbox_test.c - what each profile lets a process do, tried in forked children of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/sandbox.h"
#include "support/suite.h"

static char dir[64];

/* Runs fn in a child; 0 when it returned true, 1 when false, 128 + signal when it was killed. */
static int in_child(bool (*fn)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* The name of the call that debug builds write would only disturb the test's output. */
		int null = open("/dev/null", O_WRONLY);
		dup2(null, STDERR_FILENO);
		_exit(fn() ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool enter(enum sandbox_profile profile, bool may_open)
{
	struct err *e = sandbox_calls(profile, may_open);
	bool ok = e == NULL;

	err_destroy(&e);
	return ok;
}

static void *thread_main(void *arg)
{
	*(bool *)arg = true;
	return NULL;
}

static bool thread_works(void)
{
	pthread_t thread;
	bool ran = false;

	return pthread_create(&thread, NULL, thread_main, &ran) == 0 && pthread_join(thread, NULL) == 0 && ran;
}

static bool sign_works(EVP_PKEY *key)
{
	unsigned char sig[200];
	size_t len = sizeof sig;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(ctx, sig, &len, (const unsigned char *)"x", 1) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* A signer as it is once ready: key, journal, bus and worker threads still work. */
static bool signer_works(void)
{
	char path[96], endpoint[128], got[8];
	uint8_t random[16];
	EVP_PKEY *key = EVP_EC_gen("P-256");

	(void)snprintf(path, sizeof path, "%s/journal", dir);
	(void)snprintf(endpoint, sizeof endpoint, "ipc://%s/sock", dir);
	int journal = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	void *zmq = zmq_ctx_new();
	void *server = zmq_socket(zmq, ZMQ_REP);
	void *client = zmq_socket(zmq, ZMQ_REQ);
	if (zmq_bind(server, endpoint) != 0 || RAND_bytes(random, sizeof random) != 1)
		return false;
	if (!enter(SANDBOX_SIGND_FILE, false))
		return false;
	bool ok = zmq_connect(client, endpoint) == 0;
	for (int i = 0; i < 100; i++)
		ok = ok && zmq_send(client, "sign", 4, 0) == 4 && zmq_recv(server, got, sizeof got, 0) == 4 &&
		     sign_works(key) && write(journal, "entry\n", 6) == 6 && fsync(journal) == 0 &&
		     zmq_send(server, "ok", 2, 0) == 2 && zmq_recv(client, got, sizeof got, 0) == 2;
	ok = ok && pread(journal, got, 5, 0) == 5 && ftruncate(journal, 6) == 0 && thread_works() &&
	     RAND_priv_bytes(random, sizeof random) == 1;
	zmq_close(client);
	zmq_close(server);
	zmq_ctx_term(zmq);
	return ok;
}

START_TEST(a_signer_can_do_its_work)
{
	ck_assert_int_eq(in_child(signer_works), 0);
}
END_TEST

static bool opening_is_refused(void)
{
	char path[96];

	(void)snprintf(path, sizeof path, "%s/new", dir);
	return enter(SANDBOX_SIGND_FILE, false) && open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES &&
	       open(path, O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES && unlink("/etc/hostname") < 0 &&
	       errno == EACCES;
}

START_TEST(a_signer_opens_nothing)
{
#ifdef NUC_SANITIZED
	return; /* there nothing is refused */
#endif
	ck_assert_int_eq(in_child(opening_is_refused), 0);
}
END_TEST

static bool only_own_folder(void)
{
	struct sandbox_path paths[] = { { dir, true }, { "/nonexistent/path", true } };
	char path[96], other[96];
	bool enforced = false;
	struct err *e = sandbox_files(SANDBOX_SIGND_FILE, paths, 2, &enforced);

	(void)snprintf(path, sizeof path, "%s/state.new", dir);
	(void)snprintf(other, sizeof other, "%s/state", dir);
	if (e != NULL || !enforced)
		return false;
	/* no_new_privs must be set before Landlock; enter() sets it again for seccomp. */
	if (!enter(SANDBOX_SIGND_FILE, true))
		return false;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	return fd >= 0 && write(fd, "x", 1) == 1 && rename(path, other) == 0 && open(other, O_RDONLY) >= 0 &&
	       unlink(other) == 0 && open("/tmp/nuc-sandbox-escape", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES &&
	       open("/root/.profile", O_RDONLY) < 0 && open("/proc/self/mem", O_RDWR) < 0 && errno == EACCES &&
	       open("/etc/passwd", O_RDONLY) >= 0;
}

static bool no_new_privs_first(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && only_own_folder();
}

START_TEST(with_landlock_a_signer_writes_only_in_its_folder)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
		return; /* a kernel without it: opening is then refused altogether */
	ck_assert_int_eq(in_child(no_new_privs_first), 0);
}
END_TEST

static bool try_inet(void)
{
	return enter(SANDBOX_SIGND_FILE, true) && socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool try_exec(void)
{
	return enter(SANDBOX_SIGND_FILE, true) && execl("/bin/true", "true", (char *)NULL) == 0;
}

static bool try_fork(void)
{
	return enter(SANDBOX_SIGND_FILE, true) && fork() >= 0;
}

static bool try_ptrace(void)
{
	return enter(SANDBOX_SIGND_FILE, true) && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool try_code(void)
{
	return enter(SANDBOX_SIGND_FILE, true) &&
	       mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool network_exec(void)
{
	return enter(SANDBOX_NETWORK, false) && execl("/bin/true", "true", (char *)NULL) == 0;
}

static bool network_ptrace(void)
{
	return enter(SANDBOX_NETWORK, false) && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool (*const deadly[])(void) = {
	try_inet, try_exec, try_fork, try_ptrace, try_code, network_exec, network_ptrace
};

START_TEST(forbidden_calls_end_the_process)
{
#ifdef NUC_SANITIZED
	return; /* there the filter only logs */
#endif
	ck_assert_int_eq(in_child(deadly[_i]), 128 + SIGSYS);
}
END_TEST

static void *exec_in_thread(void *arg)
{
	char c;

	ck_assert_int_eq(read(*(int *)arg, &c, 1), 1);
	return execl("/bin/true", "true", (char *)NULL) == 0 ? arg : NULL;
}

static bool older_thread_execs(void)
{
	int fds[2];
	pthread_t thread;

	if (pipe(fds) != 0 || pthread_create(&thread, NULL, exec_in_thread, &fds[0]) != 0)
		return false;
	if (!enter(SANDBOX_NETWORK, false) || write(fds[1], "x", 1) != 1)
		return false;
	pthread_join(thread, NULL);
	return true;
}

START_TEST(the_filter_reaches_threads_that_were_there_before)
{
#ifdef NUC_SANITIZED
	return;
#endif
	ck_assert_int_eq(in_child(older_thread_execs), 128 + SIGSYS);
}
END_TEST

static bool network_works(void)
{
	return enter(SANDBOX_NETWORK, false) && socket(AF_INET, SOCK_STREAM, 0) >= 0 &&
	       open("/etc/passwd", O_RDONLY) >= 0 && thread_works();
}

START_TEST(a_network_daemon_can_do_its_work)
{
	ck_assert_int_eq(in_child(network_works), 0);
}
END_TEST

/* ---- privileges */

static bool drop_to_nobody(void)
{
	struct rlimit core;
	uid_t uid;
	gid_t gid, groups[4];
	struct err *e = privileges_find(&uid, &gid, "nobody", "");

	if (e != NULL || uid == (uid_t)-1 || gid == (gid_t)-1)
		return false;
	e = privileges_drop(uid, gid);
	if (e != NULL)
		return false;
	return geteuid() == uid && getegid() == gid && getgroups(4, groups) == 1 && groups[0] == gid &&
	       setuid(0) != 0 && getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 &&
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

START_TEST(root_becomes_the_user_for_good)
{
	if (geteuid() == 0)
		ck_assert_int_eq(in_child(drop_to_nobody), 0);
}
END_TEST

static bool staying_is_undumpable(void)
{
	struct err *e = privileges_drop((uid_t)-1, (gid_t)-1);

#ifdef NUC_SANITIZED
	return e == NULL;
#endif
	return e == NULL && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
}

START_TEST(even_who_stays_becomes_undumpable)
{
	ck_assert_int_eq(in_child(staying_is_undumpable), 0);
}
END_TEST

START_TEST(unknown_users_are_refused)
{
	uid_t uid;
	gid_t gid;

	ck_fails(privileges_find(&uid, &gid, "no-such-user", ""), ERR_CONFIG, "there is no user no-such-user");
	ck_fails(privileges_find(&uid, &gid, "nobody", "no-such-group"), ERR_CONFIG, "there is no group");
	ck_fails(privileges_find(&uid, &gid, "", "nogroup"), ERR_CONFIG, "is given without run.user");
	ck_ok(privileges_find(&uid, &gid, "", ""));
	ck_assert(uid == (uid_t)-1 && gid == (gid_t)-1);
}
END_TEST

static void setup(void)
{
	(void)snprintf(dir, sizeof dir, "/tmp/nuc-sandbox-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	static const char *const names[] = { "journal", "sock", "state", "state.new" };
	char path[96];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

int main(void)
{
	Suite *s = suite_create("common/daemon/sandbox");
	TCase *t = tcase_create("sandbox");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_signer_can_do_its_work);
	tcase_add_test(t, a_signer_opens_nothing);
	tcase_add_test(t, with_landlock_a_signer_writes_only_in_its_folder);
	tcase_add_loop_test(t, forbidden_calls_end_the_process, 0, COUNT_OF(deadly));
	tcase_add_test(t, the_filter_reaches_threads_that_were_there_before);
	tcase_add_test(t, a_network_daemon_can_do_its_work);
	tcase_add_test(t, root_becomes_the_user_for_good);
	tcase_add_test(t, even_who_stays_becomes_undumpable);
	tcase_add_test(t, unknown_users_are_refused);
	suite_add_tcase(s, t);
	return suite_main(s);
}
