/*
 * daemon_test.c - daemon_main() from outside: arguments, phases, signals, privileges, and what is left behind.
 *
 * The daemon runs in a forked child; its log is read from a pipe, so that the test waits for events, not for time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "support/suite.h"

struct demo_conf {
	struct daemon_conf daemon;
	int64_t work;
	int64_t fixed;
	char *fail;
};

static const struct conf_row demo_rows[] = {
	DAEMON_CONF_ROWS(struct demo_conf, daemon),
	CONF_INT64(struct demo_conf, work, "demo.work", "3", 0, 1000000, CONF_RELOADABLE, "turns that draining takes"),
	CONF_INT64(struct demo_conf, fixed, "demo.fixed", "1", 0, 9, 0, "cannot be reloaded"),
	CONF_STRING(struct demo_conf, fail, "demo.fail", "", 0, 20, 0, "phase that fails"),
};

static const struct metric_def demo_metrics[] = { { "nuc_demo_total", METRIC_COUNTER, NULL, "Demo." } };

static int64_t left;

static struct err *fail_in(const struct daemon *d, const char *phase)
{
	const struct demo_conf *conf = d->conf;

	log_info(NULL, "callback", "name=%s uid=%d", phase, (int)geteuid());
	ENSURE(strcmp(conf->fail, phase) != 0, CONFLICT, "told to fail in %s", phase);
	return NULL;
}

static struct err *demo_acquire(struct daemon *d)
{
	ck_assert_ptr_nonnull(d->metrics);
	ck_assert_ptr_nonnull(d->health);
	ck_assert_ptr_null(d->zmq);
	return fail_in(d, "acquire");
}

static struct err *on_hello(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	(void)arg;
	(void)request;
	(void)status;
	return buf_append_str(out, "hello\n");
}

static struct err *demo_start(struct daemon *d)
{
	size_t check;

	ck_assert_ptr_nonnull(d->zmq);
	ck_assert_ptr_nonnull(d->loop);
	metrics_add(d->metrics, 0, 1);
	TRY(health_add(d->health, &check, "demo"));
	health_set(d->health, check, true, "fine");
	TRY(admin_add(d->admin, "GET", "/hello", on_hello, d));
	return fail_in(d, "start");
}

static struct err *demo_ready(struct daemon *d)
{
	return fail_in(d, "ready");
}

static void demo_reload(struct daemon *d)
{
	log_info(NULL, "callback", "name=reload work=%lld", (long long)((struct demo_conf *)d->conf)->work);
}

static void demo_dump(struct daemon *d)
{
	(void)d;
	log_info(NULL, "callback", "name=dump");
}

static void demo_drain(struct daemon *d)
{
	left = ((struct demo_conf *)d->conf)->work;
	log_info(NULL, "callback", "name=drain");
}

static bool demo_is_drained(struct daemon *d)
{
	(void)d;
	return left-- <= 0;
}

static void demo_stop(struct daemon *d)
{
	(void)d;
	log_info(NULL, "callback", "name=stop");
}

static void demo_check(const void *conf, struct conf_problems *problems)
{
	const struct demo_conf *c = conf;

	if (c->work == 13)
		conf_problem(problems, "demo.work", "is unlucky");
}

static struct err *demo_command(struct daemon *d, const char *argument, int *out_status)
{
	ENSURE_FIELD(strcmp(argument, "bad") != 0, BAD_INPUT, "argument", "is bad");
	(void)printf("work %lld on %s\n", (long long)((struct demo_conf *)d->conf)->work, argument);
	*out_status = 3;
	return NULL;
}

static struct err *demo_bare(struct daemon *d, const char *argument, int *out_status)
{
	(void)d;
	(void)argument;
	(void)out_status;
	(void)printf("bare\n");
	return NULL;
}

static const struct daemon_command demo_commands[] = {
	{ "--do", "THING", "does it", true, demo_command },
	{ "--bare", NULL, "needs nothing", false, demo_bare },
};

static struct daemon_spec spec = {
	.name = "demo",
	.summary = "a daemon for tests",
	.conf_rows = demo_rows,
	.num_conf_rows = sizeof demo_rows / sizeof demo_rows[0],
	.conf_size = sizeof(struct demo_conf),
	.conf_offset = offsetof(struct demo_conf, daemon),
	.metrics = demo_metrics,
	.num_metrics = 1,
	.sandbox = SANDBOX_NETWORK,
	.commands = demo_commands,
	.num_commands = 2,
	.check = demo_check,
	.acquire = demo_acquire,
	.start = demo_start,
	.ready = demo_ready,
	.reload = demo_reload,
	.dump = demo_dump,
	.drain = demo_drain,
	.is_drained = demo_is_drained,
	.stop = demo_stop,
};

/* ---- the child */

static char dir[64], conf_path[96], sock_path[96], pid_path[96], notify_path[96];
static pid_t child;
static FILE *output;
static char seen[65536]; /* everything the child wrote so far */

static void write_conf(const char *fmt, ...) ERR_PRINTF(1, 2);

static void write_conf(const char *fmt, ...)
{
	FILE *f = fopen(conf_path, "w");
	va_list ap;

	ck_assert_ptr_nonnull(f);
	va_start(ap, fmt);
	(void)fprintf(f, "admin: { socket = \"%s\"; };\n", sock_path);
	(void)vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static void run_child(const char *const *args)
{
	char *argv[10] = { (char *)(uintptr_t) "demo" };
	int fds[2], argc = 1;

	for (; args[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		int status = daemon_main(argc, argv, &spec);
		exit(status);
	}
	close(fds[1]);
	output = fdopen(fds[0], "r");
	seen[0] = '\0';
}

#define RUN(...) run_child((const char *const[]){ __VA_ARGS__, NULL })

/* Reads the child's output until a line holds the text; fails at its end. */
static void wait_line(const char *text)
{
	char line[2048];

	while (fgets(line, sizeof line, output) != NULL) {
		size_t len = strlen(seen);
		(void)snprintf(seen + len, sizeof seen - len, "%s", line);
		if (strstr(line, text) != NULL)
			return;
	}
	ck_abort_msg("the child never wrote \"%s\" but\n%s", text, seen);
}

/* Reads the rest and gives the exit status (128 + signal when it was killed). */
static int wait_exit(void)
{
	char line[2048];
	int status;

	while (fgets(line, sizeof line, output) != NULL) {
		size_t len = strlen(seen);
		(void)snprintf(seen + len, sizeof seen - len, "%s", line);
	}
	fclose(output);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool has_seen(const char *text)
{
	return strstr(seen, text) != NULL;
}

static void setup(void)
{
	(void)snprintf(dir, sizeof dir, "/tmp/nuc-daemon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0777), 0);
	(void)snprintf(conf_path, sizeof conf_path, "%s/demo.conf", dir);
	(void)snprintf(sock_path, sizeof sock_path, "%s/sock", dir);
	(void)snprintf(pid_path, sizeof pid_path, "%s/pid", dir);
	(void)snprintf(notify_path, sizeof notify_path, "%s/notify", dir);
	write_conf("run: { pid_file = \"%s\"; };", pid_path);
}

static void teardown(void)
{
	unlink(conf_path);
	unlink(sock_path);
	unlink(notify_path);
	unlink(pid_path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static const char *ask(const char *request)
{
	static char answer[65536];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t len = 0;
	ssize_t n;

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", sock_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	while ((n = read(fd, answer + len, sizeof answer - len - 1)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	close(fd);
	return answer;
}

/* ---- arguments */

START_TEST(arguments_without_a_daemon)
{
	RUN("--version");
	ck_assert_int_eq(wait_exit(), 0);
	ck_assert(has_seen("demo 0.1.0\n") || has_seen("demo " NUC_VERSION));
	RUN("--help");
	ck_assert_int_eq(wait_exit(), 0);
	ck_assert(has_seen("a daemon for tests") && has_seen("--do THING"));
	RUN("--print-config");
	ck_assert_int_eq(wait_exit(), 0);
	ck_assert(has_seen("demo: {") && has_seen("# turns that draining takes (0 to 1000000) [reloadable]"));
	RUN("--what");
	ck_assert_int_eq(wait_exit(), 2);
	RUN("-c");
	ck_assert_int_eq(wait_exit(), 2);
	RUN("-t");
	ck_assert_int_eq(wait_exit(), 2);
	RUN("--do", "x");
	ck_assert_int_eq(wait_exit(), 2);
	RUN("--bare");
	ck_assert_int_eq(wait_exit(), 0);
	ck_assert(has_seen("bare\n"));
}
END_TEST

START_TEST(checking_a_configuration)
{
	RUN("-t", "-c", conf_path);
	ck_assert_int_eq(wait_exit(), 0);
	ck_assert(has_seen("demo.conf is right"));
	write_conf("demo: { work = -1; fixed = 10; }; log: { level = \"noisy\"; };\nfoo = 1;");
	RUN("-t", "-c", conf_path);
	ck_assert_int_eq(wait_exit(), 1);
	ck_assert(has_seen("demo.conf:2: demo.work: must be 0 to 1000000, is -1\n"));
	ck_assert(has_seen("demo.conf:2: demo.fixed: must be 0 to 9, is 10\n"));
	ck_assert(has_seen("demo.conf:3: foo: no such setting\n"));
	ck_assert(has_seen("demo: 3 mistakes in "));
	write_conf("demo: { work = 13; }; log: { level = \"noisy\"; };");
	RUN("-c", conf_path);
	ck_assert_int_eq(wait_exit(), 1);
	ck_assert(has_seen("demo.work: is unlucky\n"));
	ck_assert(has_seen("log.level: must be debug, info, warn or error, is \"noisy\"\n"));
	RUN("-c", "/nonexistent.conf");
	ck_assert_int_eq(wait_exit(), 1);
	ck_assert(has_seen("/nonexistent.conf: cannot be read"));
}
END_TEST

START_TEST(commands)
{
	RUN("-c", conf_path, "--do", "it");
	ck_assert_int_eq(wait_exit(), 3);
	ck_assert(has_seen("work 3 on it\n"));
	RUN("--do", "bad", "-c", conf_path);
	ck_assert_int_eq(wait_exit(), 1);
	ck_assert(has_seen("demo: argument: is bad\n"));
}
END_TEST

/* ---- the whole life */

static int bind_notify(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", notify_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(chmod(notify_path, 0777), 0);
	return fd;
}

static void expect_notice(int fd, const char *text)
{
	char got[64] = "";

	ck_assert_int_gt(recv(fd, got, sizeof got - 1, 0), 0);
	ck_assert_str_eq(got, text);
}

START_TEST(from_ready_to_stopped)
{
	int notices = bind_notify();
	char pid[32] = "";

	setenv("NOTIFY_SOCKET", notify_path, 1);
	RUN("-c", conf_path);
	expect_notice(notices, "READY=1\n");
	FILE *f = fopen(pid_path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(pid, sizeof pid, f));
	fclose(f);
	ck_assert_int_eq(atoi(pid), child);
	wait_line(" ready ");
	ck_assert_ptr_nonnull(strstr(ask("GET /readyz HTTP/1.1\r\n\r\n"), "\r\n\r\nok demo fine\n"));
	ck_assert_ptr_nonnull(strstr(ask("GET /metrics HTTP/1.1\r\n\r\n"), "\nnuc_demo_total 1\n"));
	ck_assert_ptr_nonnull(strstr(ask("GET /hello HTTP/1.1\r\n\r\n"), "\r\n\r\nhello\n"));
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	expect_notice(notices, "STOPPING=1\n");
	ck_assert_int_eq(wait_exit(), 0);
	ck_assert_int_ne(access(pid_path, F_OK), 0);
	ck_assert_int_ne(access(sock_path, F_OK), 0);
	static const char *const order[] = { "phase name=acquire", "callback name=acquire", "phase name=drop",
					     "phase name=start",   "callback name=start",   "phase name=sandbox",
					     "phase name=ready",   "callback name=ready",   " ready ",
					     "drain signal=TERM",  "callback name=drain",   "phase name=stop",
					     "callback name=stop", "stopped status=0" };
	const char *at = seen;
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		const char *found = strstr(at, order[i]);
		ck_assert_msg(found != NULL, "\"%s\" is missing or out of order in\n%s", order[i], seen);
		at = found;
	}
	close(notices);
}
END_TEST

START_TEST(who_waits_for_notices_may_be_gone)
{
	int notices = bind_notify();

	setenv("NOTIFY_SOCKET", notify_path, 1);
	RUN("-c", conf_path);
	expect_notice(notices, "READY=1\n");
	close(notices);
	ck_assert_int_eq(unlink(notify_path), 0); /* the child inherited the socket itself */
	ck_assert_int_eq(kill(child, SIGTERM), 0);
	ck_assert_int_eq(wait_exit(), 0);
	ck_assert(has_seen("notify_failed"));
}
END_TEST

START_TEST(hup_reloads_what_may_change)
{
	RUN("-c", conf_path);
	wait_line(" ready ");
	write_conf("demo: { work = 0; fixed = 2; }; log: { level = \"debug\"; }; run: { pid_file = \"%s\"; };",
		   pid_path);
	kill(child, SIGHUP);
	wait_line(" demo reloaded");
	ck_assert(has_seen("reload_setting text=\"demo.work: reloaded\""));
	ck_assert(has_seen("reload_setting text=\"demo.fixed: needs a restart\""));
	ck_assert(has_seen("callback name=reload work=0"));
	write_conf("demo: { work = -5; };");
	kill(child, SIGHUP);
	wait_line("reload_failed");
	ck_assert(has_seen("demo.work: must be 0 to 1000000, is -5"));
	kill(child, SIGUSR1);
	wait_line("callback name=dump");
	ck_assert(has_seen("dump text=\"ok demo fine\""));
	kill(child, SIGINT);
	ck_assert_int_eq(wait_exit(), 0);
}
END_TEST

START_TEST(draining_ends_at_the_deadline_or_when_asked_twice)
{
	write_conf("demo: { work = 1000000; }; run: { drain_ms = 30; };");
	RUN("-c", conf_path);
	wait_line(" ready ");
	kill(child, SIGTERM);
	wait_line("drain_gave_up");
	ck_assert_int_eq(wait_exit(), 0);
	write_conf("demo: { work = 1000000; }; run: { drain_ms = 600000; };");
	RUN("-c", conf_path);
	wait_line(" ready ");
	kill(child, SIGTERM);
	wait_line("callback name=drain");
	kill(child, SIGTERM);
	ck_assert_int_eq(wait_exit(), 0);
}
END_TEST

static const char *const failing[] = { "acquire", "start", "ready" };

START_TEST(a_failed_phase_cleans_up)
{
	write_conf("demo: { fail = \"%s\"; };", failing[_i]);
	RUN("-c", conf_path);
	ck_assert_int_eq(wait_exit(), 1);
	ck_assert(has_seen("told to fail in "));
	ck_assert(has_seen("callback name=stop"));
	ck_assert(!has_seen(" ready version"));
	ck_assert_int_ne(access(sock_path, F_OK), 0);
}
END_TEST

START_TEST(a_second_instance_is_refused)
{
	RUN("-c", conf_path);
	wait_line(" ready ");
	pid_t first = child;
	FILE *first_output = output;
	RUN("-c", conf_path);
	ck_assert_int_eq(wait_exit(), 1);
	ck_assert(has_seen("another process serves this admin socket"));
	child = first;
	output = first_output;
	ck_assert_ptr_nonnull(strstr(ask("GET /livez HTTP/1.1\r\n\r\n"), " 200 "));
	kill(child, SIGTERM);
	ck_assert_int_eq(wait_exit(), 0);
}
END_TEST

START_TEST(root_drops_its_ids_after_acquire)
{
	char line[64];
	struct stat st;

	if (geteuid() != 0)
		return;
	const struct passwd *nobody = getpwnam("nobody");
	uid_t uid = nobody->pw_uid;
	write_conf("run: { user = \"nobody\"; };");
	RUN("-c", conf_path);
	wait_line(" ready ");
	ck_assert(has_seen("callback name=acquire uid=0"));
	(void)snprintf(line, sizeof line, "callback name=start uid=%d", (int)uid);
	ck_assert(has_seen(line));
	ck_assert_int_eq(stat(sock_path, &st), 0);
	ck_assert_uint_eq(st.st_uid, uid);
	kill(child, SIGTERM);
	ck_assert_int_eq(wait_exit(), 0);
	write_conf("run: { user = \"no-such-user\"; };");
	RUN("-c", conf_path);
	ck_assert_int_eq(wait_exit(), 1);
	ck_assert(has_seen("there is no user no-such-user"));
}
END_TEST

START_TEST(the_signers_profile_runs_too)
{
	spec.sandbox = SANDBOX_SIGND_FILE;
	RUN("-c", conf_path);
	wait_line(" ready ");
	ck_assert(has_seen("sandbox=signd-file"));
	ck_assert_ptr_nonnull(strstr(ask("GET /hello HTTP/1.1\r\n\r\n"), "hello"));
	kill(child, SIGHUP);
	wait_line("reload_refused");
	kill(child, SIGTERM);
	ck_assert_int_eq(wait_exit(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/daemon/daemon");
	TCase *t = tcase_create("daemon");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, arguments_without_a_daemon);
	tcase_add_test(t, checking_a_configuration);
	tcase_add_test(t, commands);
	tcase_add_test(t, from_ready_to_stopped);
	tcase_add_test(t, who_waits_for_notices_may_be_gone);
	tcase_add_test(t, hup_reloads_what_may_change);
	tcase_add_test(t, draining_ends_at_the_deadline_or_when_asked_twice);
	tcase_add_loop_test(t, a_failed_phase_cleans_up, 0, COUNT_OF(failing));
	tcase_add_test(t, a_second_instance_is_refused);
	tcase_add_test(t, root_drops_its_ids_after_acquire);
	tcase_add_test(t, the_signers_profile_runs_too);
	suite_add_tcase(s, t);
	return suite_main(s);
}
