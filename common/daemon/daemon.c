/*
 * daemon.c - daemon_main(): the fixed phases of every daemon. See daemon.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon/daemon_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/log.h"

enum { DRAIN_TICK_MS = 10 };

/* ---- config */

static enum sandbox_profile sandbox_of(const struct run *run)
{
	const struct daemon_spec *spec = run->d.spec;

	return spec->choose_sandbox == NULL ? spec->sandbox : spec->choose_sandbox(run->d.conf);
}

static void phase(const char *name)
{
	log_info(NULL, "phase", "name=%s", name);
}

static void apply_log_level(const struct run *run)
{
	enum log_level level = LOG_INFO;

	if (log_level_parse(&level, run->d.common->log_level))
		log_setup(run->d.spec->name, level);
}

static void check_conf(const struct daemon_spec *spec, const void *conf, struct conf_problems *problems)
{
	const struct daemon_conf *common = (const void *)((const char *)conf + spec->conf_offset);
	enum log_level level;

	if (!log_level_parse(&level, common->log_level))
		conf_problem(problems, "log.level", "must be debug, info, warn or error, is \"%s\"", common->log_level);
	if (spec->check != NULL)
		spec->check(conf, problems);
}

/* Reads and checks; problems go to `problems`. */
static struct err *read_conf(const struct daemon_spec *spec, const char *file, void *conf,
			     struct conf_problems *problems)
{
	TRY(conf_read(conf, spec->conf_rows, spec->num_conf_rows, file, problems));
	/* Settings that were not understood have no value that could be checked further. */
	if (problems->num == 0)
		check_conf(spec, conf, problems);
	return NULL;
}

/* -1: go on; otherwise the exit status. */
static int load_conf(struct run *run)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text = "";

	struct err *e = read_conf(run->d.spec, run->d.conf_file, run->d.conf, &problems);
	if (e != NULL) {
		char line[600];
		(void)fprintf(stderr, "%s: %s\n", run->d.spec->name, err_text(e, line, sizeof line));
		err_destroy(&e);
		return EXIT_FAILED;
	}
	if (problems.num > 0) {
		e = buf_str(&problems.text, &text);
		(void)fprintf(stderr, "%s%s: %zu mistake%s in %s\n", text, run->d.spec->name, problems.num,
			      problems.num == 1 ? "" : "s", run->d.conf_file);
		err_destroy(&e);
		return EXIT_FAILED;
	}
	if (run->is_check) {
		(void)printf("%s: %s is right\n", run->d.spec->name, run->d.conf_file);
		return EXIT_DONE;
	}
	apply_log_level(run);
	return -1;
}

/* ---- acquire, drop */

struct err *daemon_sandbox_path(struct daemon *d, const char *path, bool may_write)
{
	struct run *run = (struct run *)d;

	ENSURE(run->num_paths < SANDBOX_PATHS_MAX, BUG, "more than %d sandbox paths", SANDBOX_PATHS_MAX);
	char *copy = strdup(path);
	ENSURE(copy != NULL, NO_MEMORY, "sandbox path");
	run->paths[run->num_paths++] = (struct sandbox_path){ copy, may_write };
	return NULL;
}

static struct err *open_pid_file(struct run *run)
{
	const char *path = run->d.common->pid_file;

	if (path[0] == '\0')
		return NULL;
	run->pid_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	return run->pid_fd >= 0 ? NULL : ERR_ERRNO("%s", path);
}

static struct err *acquire(struct run *run, uid_t uid, gid_t gid)
{
	struct daemon *d = &run->d;
	uint8_t warm[16];

	/* Whatever libcrypto reads or opens at first use, it does now: later the sandbox may say no. */
	ENSURE(OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) == 1 &&
		       RAND_bytes(warm, sizeof warm) == 1 && RAND_priv_bytes(warm, sizeof warm) == 1,
	       SYSTEM, "libcrypto does not start");
	TRY(metrics_create(&d->metrics, d->spec->metrics, d->spec->num_metrics));
	TRY(health_create(&d->health));
	TRY(admin_bind(&run->admin_fd, d->common->admin_socket, uid, gid));
	TRY(open_pid_file(run));
	run->was_acquired = true;
	return d->spec->acquire == NULL ? NULL : d->spec->acquire(d);
}

static struct err *drop(struct run *run, uid_t uid, gid_t gid)
{
	TRY(privileges_drop(uid, gid));
	return sandbox_files(sandbox_of(run), run->paths, run->num_paths, &run->has_landlock);
}

/* ---- signals */

static void on_drain_tick(void *arg)
{
	struct run *run = arg;
	struct daemon *d = &run->d;
	bool is_over = clock_mono_ms() >= run->drain_until_ms;
	bool is_drained = d->spec->is_drained == NULL || d->spec->is_drained(d);

	if (!is_over && !is_drained)
		return;
	if (!is_drained)
		log_warn(NULL, "drain_gave_up", "after_ms=%lld", (long long)d->common->drain_ms);
	loop_stop(d->loop);
}

static void begin_drain(struct run *run, int signal_number)
{
	struct daemon *d = &run->d;

	if (run->drain_timer != 0) { /* asked twice: at once */
		loop_stop(d->loop);
		return;
	}
	log_info(NULL, "drain", "signal=%s", sigabbrev_np(signal_number));
	if (d->spec->drain != NULL)
		d->spec->drain(d);
	run->drain_until_ms = clock_mono_ms() + d->common->drain_ms;
	struct err *e = loop_add_timer(d->loop, &run->drain_timer, 0, DRAIN_TICK_MS, on_drain_tick, run);
	if (e != NULL) {
		log_err(LOG_ERROR, NULL, "drain_failed", &e);
		loop_stop(d->loop);
	}
}

static void log_lines(enum log_level level, const char *event, struct buf *lines)
{
	const char *text = "";
	struct err *e = buf_str(lines, &text);

	err_destroy(&e);
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		log_write(level, NULL, event, "text=\"%.*s\"", (int)len, text);
		text += len + (text[len] == '\n' ? 1 : 0);
	}
}

static struct err *reload_into(struct run *run, void *fresh)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	OWN(buf) changes = BUF_INIT(64 * 1024);
	struct daemon *d = &run->d;

	TRY(read_conf(d->spec, d->conf_file, fresh, &problems));
	if (problems.num > 0) {
		log_lines(LOG_ERROR, "reload_mistake", &problems.text);
		return ERR(CONFIG, "%s has %zu mistakes; everything stays as it was", d->conf_file, problems.num);
	}
	TRY(conf_reload(d->conf, fresh, d->spec->conf_rows, d->spec->num_conf_rows, &changes));
	log_lines(LOG_INFO, "reload_setting", &changes);
	apply_log_level(run);
	if (d->spec->reload != NULL)
		d->spec->reload(d);
	return NULL;
}

static void reload(struct run *run)
{
	const struct daemon_spec *spec = run->d.spec;

	if (sandbox_of(run) == SANDBOX_SIGND_FILE || sandbox_of(run) == SANDBOX_SIGND_TOKEN) {
		log_warn(NULL, "reload_refused", "text=\"this program opens no files once it is ready; restart it\"");
		return;
	}
	void *fresh = calloc(1, spec->conf_size);
	struct err *e = fresh == NULL ? ERR(NO_MEMORY, "settings") : reload_into(run, fresh);
	if (fresh != NULL)
		conf_clear(fresh, spec->conf_rows, spec->num_conf_rows);
	free(fresh);
	if (e == NULL)
		log_info(NULL, "reloaded", NULL);
	log_err(LOG_ERROR, NULL, "reload_failed", &e);
}

static void dump(struct run *run)
{
	OWN(buf) lines = BUF_INIT(64 * 1024);

	struct err *e = health_write(run->d.health, &lines);
	log_lines(LOG_INFO, "dump", &lines);
	log_err(LOG_ERROR, NULL, "dump_failed", &e);
	if (run->d.spec->dump != NULL)
		run->d.spec->dump(&run->d);
}

static void on_signal(void *arg, int signal_number)
{
	if (signal_number == SIGHUP)
		reload(arg);
	else if (signal_number == SIGUSR1)
		dump(arg);
	else
		begin_drain(arg, signal_number);
}

/* ---- start, ready, loop, stop */

static struct err *start(struct run *run)
{
	struct daemon *d = &run->d;
	sigset_t signals;
	loop_id id;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGUSR1);
	TRY(loop_create(&d->loop));
	/* Before the first thread, so that all of them have these signals blocked. */
	TRY(loop_add_signals(d->loop, &id, &signals, on_signal, run));
	d->zmq = zmq_ctx_new();
	ENSURE(d->zmq != NULL, SYSTEM, "ZeroMQ context: %s", zmq_strerror(errno));
	int fd = run->admin_fd;
	run->admin_fd = -1;
	TRY(admin_create(&d->admin, fd, d->loop, d->metrics, d->health));
	return d->spec->start == NULL ? NULL : d->spec->start(d);
}

/* systemd's protocol, without its library: one datagram to $NOTIFY_SOCKET. */
static struct err *notify_send(const char *message)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path == NULL ? 0 : strlen(path);

	if (len == 0)
		return NULL;
	ENSURE(len < sizeof address.sun_path && (path[0] == '/' || path[0] == '@'), CONFIG,
	       "NOTIFY_SOCKET is no socket's path");
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_ERRNO("notify socket");
	socklen_t address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	ssize_t sent =
		sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address, address_len);
	struct err *e = sent < 0 ? ERR_ERRNO("NOTIFY_SOCKET") : NULL;
	(void)close(fd);
	return e;
}

/* Whoever wanted to know may be gone: that is no reason to end, or to end badly. */
static void notify(const char *message)
{
	struct err *e = notify_send(message);

	log_err(LOG_WARN, NULL, "notify_failed", &e);
}

static struct err *write_pid(struct run *run)
{
	char text[24];

	if (run->pid_fd < 0)
		return NULL;
	int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(run->pid_fd, 0) != 0 || pwrite(run->pid_fd, text, (size_t)len, 0) != len)
		return ERR_ERRNO("%s", run->d.common->pid_file);
	return NULL;
}

static struct err *ready(struct run *run)
{
	struct daemon *d = &run->d;

	if (d->spec->ready != NULL)
		TRY(d->spec->ready(d));
	TRY(write_pid(run));
	notify("READY=1\n");
	log_info(NULL, "ready", "version=%s pid=%ld sandbox=%s landlock=%s", NUC_VERSION, (long)getpid(),
		 sandbox_profile_name(sandbox_of(run)), run->has_landlock ? "yes" : "no");
	return NULL;
}

static struct err *all_phases(struct run *run)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	phase("acquire");
	TRY(privileges_find(&uid, &gid, run->d.common->user, run->d.common->group));
	TRY(acquire(run, uid, gid));
	phase("drop");
	TRY(drop(run, uid, gid));
	phase("start");
	TRY(start(run));
	phase("sandbox");
	TRY(sandbox_calls(sandbox_of(run), run->has_landlock && run->num_paths > 0));
	phase("ready");
	TRY(ready(run));
	TRY(loop_run(run->d.loop));
	notify("STOPPING=1\n");
	return NULL;
}

static void stop(struct run *run)
{
	struct daemon *d = &run->d;

	phase("stop");
	if (d->spec->stop != NULL && run->was_acquired)
		d->spec->stop(d);
	if (d->admin != NULL || run->admin_fd >= 0)
		(void)unlink(d->common->admin_socket); /* may stay behind in the sandbox; the next start replaces it */
	admin_destroy(&d->admin);
	if (run->admin_fd >= 0)
		(void)close(run->admin_fd);
	if (d->zmq != NULL)
		(void)zmq_ctx_term(d->zmq);
	loop_destroy(&d->loop);
	health_destroy(&d->health);
	metrics_destroy(&d->metrics);
	if (run->pid_fd >= 0) {
		int rc = ftruncate(run->pid_fd, 0); /* for when the sandbox does not let it be removed */
		(void)rc;
		(void)unlink(d->common->pid_file);
		(void)close(run->pid_fd);
	}
	for (size_t i = 0; i < run->num_paths; i++)
		free((char *)(uintptr_t)run->paths[i].path);
}

static int run_command(struct run *run)
{
	int status = EXIT_DONE;
	struct err *e = run->command->run(&run->d, run->argument, &status);

	if (e == NULL)
		return status;
	char line[600];
	(void)fprintf(stderr, "%s: %s%s%s\n", run->d.spec->name, err_field(e) != NULL ? err_field(e) : "",
		      err_field(e) != NULL ? ": " : "", err_text(e, line, sizeof line));
	err_destroy(&e);
	return EXIT_FAILED;
}

static int run_daemon(struct run *run)
{
	struct err *e = all_phases(run);
	int status = e == NULL ? EXIT_DONE : EXIT_FAILED;

	log_err(LOG_ERROR, NULL, "failed", &e);
	stop(run);
	log_info(NULL, "stopped", "status=%d", status);
	return status;
}

int daemon_main(int argc, char **argv, const struct daemon_spec *spec)
{
	struct run run = { .d = { .spec = spec }, .admin_fd = -1, .pid_fd = -1 };

	log_setup(spec->name, LOG_INFO);
	int status = daemon_parse_args(&run, argc, argv);
	if (status >= 0)
		return status;
	(void)signal(SIGPIPE, SIG_IGN);
	run.d.conf = calloc(1, spec->conf_size);
	if (run.d.conf == NULL)
		return EXIT_FAILED;
	run.d.common = (struct daemon_conf *)(void *)((char *)run.d.conf + spec->conf_offset);
	if (run.d.conf_file != NULL)
		status = load_conf(&run);
	if (status < 0)
		status = run.command != NULL ? run_command(&run) : run_daemon(&run);
	conf_clear(run.d.conf, spec->conf_rows, spec->num_conf_rows);
	free(run.d.conf);
	return status;
}
