/*
 * signd_test.c - the program itself: its phases, its sandbox, kill -9 in the middle, its answers over the bus and on the
 * admin socket. Needs the built signd in $NUC_BUILD/bin; skipped where there is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

static int64_t world_now; /* the program has the machine's clock, so the world has it too */
#define NOW world_now
#include "signer_world.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/bus.h"
#include "support/bus_net.h"

enum { PATIENCE_MS = 20000 };

static struct bus_net net;
static char program[512], conf_path[128], admin_path[100], log_path[128];
static pid_t pid;

/* ---- the program */

static void conf_write(void)
{
	FILE *f = fopen(conf_path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fprintf(
		f,
		"admin = { socket = \"%s\"; };\nbus = { keys_dir = \"%s\"; name = \"signd-ca\"; peers = \"%s\"; "
		"listen = \"%s\"; };\nsigner = { tier = \"ca\"; issuers = [ \"rsa\" ]; ca_dir = \"%s\"; keys_dir = "
		"\"%s\"; "
		"journal = \"%s\"; policy = \"%s\"; administrators = [ \"%s\", \"%s\" ]; journal_key = \"\"; };\n",
		admin_path, net.keys_dir, net.peers, bus_net_endpoint(&net, "sign-ca"), sw.ca_dir, sw.ca_keys,
		sw.ca_journal, sw.policy_file, sw.pins[0], sw.pins[1]);
	ck_assert_int_eq(fclose(f), 0);
}

static bool log_has(const char *text)
{
	static char bytes[1 << 20];
	FILE *f = fopen(log_path, "r");

	if (f == NULL)
		return false;
	size_t n = fread(bytes, 1, sizeof bytes - 1, f);
	(void)fclose(f);
	bytes[n] = '\0';
	return strstr(bytes, text) != NULL;
}

static void wait_for(const char *text)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (!log_has(text)) {
		ck_assert_msg(clock_mono_ms() < until, "no \"%s\" in %s", text, log_path);
		ck_assert_msg(waitpid(pid, NULL, WNOHANG) == 0, "the program ended; see %s", log_path);
		(void)poll(NULL, 0, 10); /* another process's file: nothing else tells when it grows */
	}
}

static void program_start(void)
{
	(void)remove(log_path);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);

		(void)dup2(fd, STDERR_FILENO);
		/* the leak sanitizer reads /proc at the end, which the sandbox does not allow */
		(void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		(void)execl(program, program, "-c", conf_path, (char *)NULL);
		_exit(127);
	}
	wait_for(" ready ");
}

static int program_end(int signal_number)
{
	int status = 0;

	ck_assert_int_eq(kill(pid, signal_number), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void setup(void)
{
	world_now = clock_now_s();
	signer_world_begin();
	signd_state_close(&sw.ca); /* the program opens it */
	clock_unset_for_test();
	bus_net_init(&net);
	(void)snprintf(conf_path, sizeof conf_path, "%s/signd.conf", net.dir);
	(void)snprintf(admin_path, sizeof admin_path, "%s/admin.sock", net.dir);
	(void)snprintf(log_path, sizeof log_path, "%s/signd.log", net.dir);
	conf_write();
	program_start();
}

static void teardown(void)
{
	bus_net_clear(&net);
	signer_world_end();
}

/* ---- asking it */

static struct err *ask(uint16_t type, struct slice body, struct buf *out)
{
	struct bus *bus = bus_net_bus(&net, "cad");
	struct bus_client_conf conf = { .server = "signd-ca", .endpoint = bus_net_endpoint(&net, "sign-ca") };
	struct bus_client *client = NULL;
	OWN(buf) copy = BUF_INIT(32 << 20);

	ck_ok(bus_client_create(&client, bus, &conf));
	ck_ok(buf_set(&copy, body));
	buf_reset(out);
	struct err *e = bus_client_call(client, out, type, &copy, PATIENCE_MS);
	bus_client_destroy(&client);
	bus_destroy(&bus);
	return e;
}

/* Sends the request; gives the signature. */
static void sign(const struct request *r, struct buf *out_signature)
{
	struct msg_sign_cert batch = { (struct msg_signed_decision *)&r->evidence, 1, NULL, 0,
				       (struct msg_sign_cert_item *)&r->item,	   1, NULL };
	OWN(buf) body = BUF_INIT(32 << 20);
	OWN(buf) answer = BUF_INIT(32 << 20);
	OWN(msg_sign_cert_ok) ok = { 0 };

	ck_ok(msg_sign_cert_encode(&body, &batch));
	ck_ok(ask(MSG_SIGN_CERT, buf_slice(&body), &answer));
	ck_ok(msg_sign_cert_ok_decode(&ok, buf_slice(&answer)));
	ck_assert_msg(ok.items[0].status == MSG_ITEM_DONE, "%.*s", (int)ok.items[0].text.len,
		      (const char *)ok.items[0].text.p);
	ck_ok(buf_set(out_signature, ok.items[0].signature));
}

static void admin_get(const char *path, char *out, size_t out_len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char request[200];
	size_t used = 0;
	ssize_t n;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", admin_path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: admin\r\n\r\n", path);
	ck_assert_int_eq(write(fd, request, (size_t)len), len);
	while (used + 1 < out_len && (n = read(fd, out + used, out_len - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	(void)close(fd);
}

static void proc_status(const char *file, char *out, size_t out_len)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	size_t n = fread(out, 1, out_len - 1, f);
	out[n] = '\0';
	(void)fclose(f);
}

START_TEST(lives_and_ends)
{
	static char text[1 << 20];
	OWN(buf) answer = BUF_INIT(1 << 20);
	OWN(msg_signer_status) status = { 0 };

	ck_ok(ask(MSG_SIGNER_STATUS, SLICE("\x30\x00", 2), &answer));
	ck_ok(msg_signer_status_decode(&status, buf_slice(&answer)));
	ck_assert_int_eq(status.policy_version, 1);
	admin_get("/readyz", text, sizeof text);
	ck_assert_msg(strstr(text, "200") != NULL && strstr(text, "ok journal") != NULL &&
			      strstr(text, "ok policy") != NULL,
		      "%s", text);
	admin_get("/metrics", text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "signd_policy_version 1"));
	ck_assert_ptr_nonnull(strstr(text, "signd_refused_total{reason=\"tbs_differs\"} 0"));
	ck_assert_int_eq(WEXITSTATUS(program_end(SIGTERM)), 0);
	ck_assert(log_has("stopped"));
}
END_TEST

START_TEST(sandboxed)
{
	static char text[65536];
	OWN(request) r = { 0 };
	OWN(buf) signature = BUF_INIT(4096);

	request_init(&r, 1);
	sign(&r, &signature); /* works inside */
	proc_status("status", text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "NoNewPrivs:\t1"));
#ifndef NUC_SANITIZED
	ck_assert_ptr_nonnull(strstr(text, "Seccomp:\t2"));
#endif
	proc_status("limits", text, sizeof text);
	ck_assert_ptr_nonnull(strstr(strstr(text, "Max core file size"), "0 "));
	ck_assert_int_eq(WEXITSTATUS(program_end(SIGTERM)), 0);
}
END_TEST

/* Killed at any moment after the answer, it gives the same signature again. */
START_TEST(killed_and_started_again)
{
	OWN(request) r = { 0 };
	OWN(buf) first = BUF_INIT(4096);
	OWN(buf) again = BUF_INIT(4096);

	request_init(&r, 1);
	sign(&r, &first);
	(void)program_end(SIGKILL);
	program_start();
	r.serial = fixture_serial("4f99");
	request_render(&r);
	sign(&r, &again);
	ck_assert(slice_equal(buf_slice(&first), buf_slice(&again)));
	ck_assert_int_eq(WEXITSTATUS(program_end(SIGTERM)), 0);
}
END_TEST

START_TEST(one_at_a_time)
{
	char command[1200];
	int status;

	(void)snprintf(command, sizeof command,
		       "sed 's#admin.sock#admin2.sock#' '%s' > '%s.2' && '%s' -c '%s.2' 2>'%s.2'", conf_path, conf_path,
		       program, conf_path, log_path);
	status = system(command);
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	(void)snprintf(command, sizeof command, "grep -q 'is in use by another process' '%s.2'", log_path);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(WEXITSTATUS(program_end(SIGTERM)), 0);
}
END_TEST

START_TEST(commands)
{
	char command[1200];

	(void)program_end(SIGTERM);
	(void)snprintf(command, sizeof command, "'%s' --bus-keygen fresh '%s' | grep -qE '^.{40}$'", program,
		       net.keys_dir);
	ck_assert_int_eq(system(command), 0);
	(void)snprintf(command, sizeof command, "'%s' --bus-keygen fresh '%s' 2>/dev/null", program, net.keys_dir);
	ck_assert_int_eq(WEXITSTATUS(system(command)), 1);
	(void)snprintf(command, sizeof command, "'%s' --bus-keygen fresh 2>/dev/null", program);
	ck_assert_int_eq(WEXITSTATUS(system(command)), 2);
	(void)snprintf(command, sizeof command, "'%s' -t -c '%s' | grep -q 'is right'", program, conf_path);
	ck_assert_int_eq(system(command), 0);
	(void)snprintf(command, sizeof command, "'%s' --help | grep -q -- --bus-keygen", program);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	const char *build = getenv("NUC_BUILD");

	(void)snprintf(program, sizeof program, "%s/bin/signd", build == NULL ? "build/dev" : build);
	if (access(program, X_OK) != 0) {
		(void)fprintf(stderr, "no %s\n", program);
		return 77;
	}
	Suite *s = suite_create("ca/sign/signd");
	TCase *t = tcase_create("signd");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, lives_and_ends);
	tcase_add_test(t, sandboxed);
	tcase_add_test(t, killed_and_started_again);
	tcase_add_test(t, one_at_a_time);
	tcase_add_test(t, commands);
	suite_add_tcase(s, t);
	return suite_main(s);
}
