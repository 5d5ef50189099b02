/*
 * ocspd_db_test.c - the program ocspd itself: a ledger in PostgreSQL, a signer on the bus, clients that are not ours.
 *
 * openssl ocsp asks and verifies; where they are installed, tests/judge/judge.sh has GnuTLS, Java and Python look at the
 * same answers. Then: revocation with and without prompts, kill -9, the ledger away, a signer away, TERM.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "asn1/serial.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/msg_ocsp.h"
#include "bus/msg_sign.h"
#include "ocsp_ledger.h"
#include "support/bus_net.h"

enum { PATIENCE_MS = 60000 };

/* ---- the signer, on a thread */

static struct world {
	char dir[64], conninfo[PG_CONNINFO_SIZE];
	struct bus_net net;
	struct bus *signd_bus, *cad_bus;
	struct bus_pub *pub;
	pthread_t thread;
	atomic_bool stop, is_away;
	atomic_int signed_items;
	struct test_person root, ca, responder, good, revoked, stranger;
	int64_t good_id, revoked_id;
	pid_t pid;
	unsigned port;
} w;

static struct err *on_sign(void *arg, struct bus_call *call)
{
	static uint8_t signatures[64][512];
	struct msg_sign_ocsp_result results[64];
	OWN(msg_sign_ocsp) ask = { 0 };
	OWN(buf) body = BUF_INIT(1 << 20);

	(void)arg;
	ENSURE(!atomic_load(&w.is_away), RETRY, "away");
	TRY(msg_sign_ocsp_decode(&ask, bus_call_body(call)));
	for (size_t i = 0; i < ask.num_items; i++) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		size_t len = sizeof signatures[i];
		ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, w.responder.key), 1);
		ck_assert_int_eq(EVP_DigestSign(ctx, signatures[i], &len, ask.items[i].tbs.p, ask.items[i].tbs.len), 1);
		EVP_MD_CTX_free(ctx);
		results[i] = (struct msg_sign_ocsp_result){ MSG_ITEM_DONE, SLICE(signatures[i], len), SLICE_STR("") };
	}
	atomic_fetch_add(&w.signed_items, (int)ask.num_items);
	struct msg_sign_ocsp_ok ok = { .items = results, .num_items = ask.num_items };
	TRY(msg_sign_ocsp_ok_encode(&body, &ok));
	bus_call_answer(call, &body);
	return NULL;
}

static struct err *on_status(void *arg, struct bus_call *call)
{
	struct msg_signer_status status = { .event_seq = 1 };
	OWN(buf) body = BUF_INIT(4096);

	(void)arg;
	TRY(msg_signer_status_encode(&body, &status));
	bus_call_answer(call, &body);
	return NULL;
}

static const struct bus_handler handlers[] = {
	{ MSG_SIGN_OCSP, MSG_ROLE_BIT(MSG_ROLE_OCSPD), on_sign },
	{ MSG_SIGNER_STATUS, MSG_ROLE_BIT(MSG_ROLE_OCSPD), on_status },
	{ 0, 0, NULL },
};

static void *signd(void *arg)
{
	struct bus_server_conf conf = { .endpoint = bus_net_endpoint(&w.net, "sign-ocsp"), .handlers = handlers };
	struct bus_server *server = NULL;

	(void)arg;
	ck_ok(bus_server_create(&server, w.signd_bus, &conf));
	while (!atomic_load(&w.stop)) {
		zmq_pollitem_t item = { bus_server_socket(server), 0, ZMQ_POLLIN, 0 };
		(void)zmq_poll(&item, 1, 20);
		bus_server_process(server);
	}
	bus_server_destroy(&server);
	return NULL;
}

/* ---- the world */

static void write_pem(const char *name, const struct test_person *p)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s.pem", w.dir, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, p->cert), 1);
	ck_assert_int_eq(fclose(f), 0);
}

static void make_people(void)
{
	struct test_cert_spec root = { .cn = "ROOT",
				       .basic = "critical,CA:TRUE",
				       .key_usage = "critical,keyCertSign,cRLSign" },
			      ca = { .cn = "ISSUING",
				     .basic = "critical,CA:TRUE,pathlen:0",
				     .key_usage = "critical,keyCertSign,cRLSign",
				     .serial = 2 },
			      responder = { .cn = "OCSP RESPONDER",
					    .key_usage = "critical,digitalSignature",
					    .eku = "OCSPSigning",
					    .serial = 3 },
			      leaf = { .cn = "ТЕСТОВ ТЕСТ",
				       .iin = "123456789011",
				       .key_usage = "critical,digitalSignature",
				       .eku = "clientAuth",
				       .serial = 0x1122334455667788 };

	test_person_init(&w.root, "p256", &root, NULL);
	test_person_init(&w.ca, "p256", &ca, &w.root);
	test_person_init(&w.responder, "rsa", &responder, &w.ca);
	test_person_init(&w.good, "p256", &leaf, &w.ca);
	leaf.serial++;
	test_person_init(&w.revoked, "p256", &leaf, &w.ca);
	leaf.serial++;
	test_person_init(&w.stranger, "p256", &leaf, &w.ca);
	write_pem("root", &w.root);
	write_pem("ca", &w.ca);
	write_pem("good", &w.good);
	write_pem("revoked", &w.revoked);
	write_pem("stranger", &w.stranger);
}

static const char *serial_of(const struct test_person *p, char out[SERIAL_HEX_SIZE])
{
	struct serial serial;

	ck_ok(serial_from_asn1(&serial, X509_get0_serialNumber(p->cert)));
	return serial_hex(out, &serial);
}

static void write_conf(void)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/ocspd.conf", w.dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f,
		      "admin = { socket = \"%s/admin\"; };\nrun = { pid_file = \"%s/pid\"; };\n"
		      "bus = { keys_dir = \"%s\"; name = \"ocspd\"; peers = \"%s\"; events = \"ipc://%s/events\"; "
		      "sign_ocsp = \"ipc://%s/sign-ocsp\"; };\ndb = { conninfo = \"%s\"; };\n"
		      "http = { listen = [ \"127.0.0.1:0\" ]; };\n"
		      "ledger = { poll_ms = 200; stale_after_ms = 1000; };\nsign = { deadline_ms = 1000; };\n"
		      "prepared = { stale_s = 0; };\n",
		      w.dir, w.dir, w.net.keys_dir, w.net.peers, w.net.dir, w.net.dir, w.conninfo);
	ck_assert_int_eq(fclose(f), 0);
}

static const char *build_folder(void)
{
	const char *build = getenv("NUC_BUILD");

	ck_assert_ptr_nonnull(build);
	return build;
}

static void start_daemon(void)
{
	char program[1024], conf[128], log[128];

	(void)snprintf(program, sizeof program, "%s/bin/ocspd", build_folder());
	(void)snprintf(conf, sizeof conf, "%s/ocspd.conf", w.dir);
	(void)snprintf(log, sizeof log, "%s/log", w.dir);
	w.port = 0;
	(void)unlink(log); /* what the one before said is not to be read as this one's */
	w.pid = fork();
	ck_assert_int_ge(w.pid, 0);
	if (w.pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		(void)dup2(fd, 2);
		(void)execl(program, "ocspd", "-c", conf, (char *)NULL);
		_exit(127);
	}
}

static int end_daemon(int signal_number)
{
	int status = 0;

	if (w.pid <= 0)
		return -1;
	(void)kill(w.pid, signal_number);
	ck_assert_int_eq(waitpid(w.pid, &status, 0), w.pid);
	w.pid = 0;
	return status;
}

static char *slurp(const char *name)
{
	static char text[1 << 18];
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", w.dir, name);
	FILE *f = fopen(path, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	if (f != NULL)
		(void)fclose(f);
	return text;
}

/* The admin socket; NULL while it cannot be asked. */
static const char *admin(const char *path)
{
	static char text[1 << 18];
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t n = 0;

	(void)snprintf(to.sun_path, sizeof to.sun_path, "%s/admin", w.dir);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		(void)close(fd);
		return NULL;
	}
	(void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	(void)!write(fd, text, strlen(text));
	for (ssize_t got; (got = read(fd, text + n, sizeof text - 1 - n)) > 0;)
		n += (size_t)got;
	(void)close(fd);
	text[n] = '\0';
	return text;
}

static void wait_ready(void)
{
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	const char *said = NULL;

	do {
		ck_assert_msg(clock_mono_ms() < until_ms, "not ready: %s\n%s", said == NULL ? "" : said, slurp("log"));
		ck_assert_msg(waitpid(w.pid, NULL, WNOHANG) == 0, "ended: %s", slurp("log"));
		(void)sched_yield();
		said = admin("/readyz");
	} while (said == NULL || strstr(said, "200 OK") == NULL);
	const char *port = strstr(slurp("log"), "listening address=127.0.0.1:0 port=");
	ck_assert_ptr_nonnull(port);
	w.port = (unsigned)strtoul(port + 35, NULL, 10);
	ck_assert_uint_gt(w.port, 0);
}

static void setup(void)
{
	char serial[SERIAL_HEX_SIZE];

	memset(&w, 0, sizeof w);
	(void)snprintf(w.dir, sizeof w.dir, "/tmp/nuc-ocspd-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w.dir));
	make_people();
	pg_fresh(w.conninfo, "nuc_ocsp");
	ol_issuer("rsa", &w.ca);
	ol_responder("rsa", &w.responder, clock_now_s() + 30 * 86400);
	w.good_id = ol_certificate("rsa", serial_of(&w.good, serial));
	w.revoked_id = ol_certificate("rsa", serial_of(&w.revoked, serial));
	(void)ol_order(w.revoked_id, 1, 1, clock_now_s() - 100);
	ol_sequence(100);
	bus_net_init(&w.net);
	w.signd_bus = bus_net_bus(&w.net, "signd-ocsp");
	w.cad_bus = bus_net_bus(&w.net, "cad");
	ck_assert_int_eq(pthread_create(&w.thread, NULL, signd, NULL), 0);
	ck_ok(bus_pub_create(&w.pub, w.cad_bus, bus_net_endpoint(&w.net, "events"), 0));
	write_conf();
	start_daemon();
	wait_ready();
}

static void teardown(void)
{
	char command[128];

	(void)end_daemon(SIGKILL);
	atomic_store(&w.stop, true);
	(void)pthread_join(w.thread, NULL);
	bus_pub_destroy(&w.pub);
	bus_destroy(&w.cad_bus);
	bus_destroy(&w.signd_bus);
	bus_net_clear(&w.net);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", w.dir);
	(void)!system(command);
	struct test_person *people[] = { &w.root, &w.ca, &w.responder, &w.good, &w.revoked, &w.stranger };
	for (int i = 0; i < COUNT_OF(people); i++)
		test_person_clear(people[i]);
}

/* ---- asking with openssl */

/* Asks about NAME.pem; what was said, in a static buffer. */
static const char *ask(const char *name, const char *options)
{
	static char text[8192];
	char command[1024];

	(void)snprintf(
		command, sizeof command,
		"cd %s && openssl ocsp -issuer ca.pem %s -cert %s.pem -url http://127.0.0.1:%u/ -CAfile root.pem "
		"-verify_other ca.pem -respout %s.der 2>&1",
		w.dir, options, name, w.port, name);
	FILE *p = popen(command, "r");
	ck_assert_ptr_nonnull(p);
	size_t n = fread(text, 1, sizeof text - 1, p);
	text[n] = '\0';
	(void)pclose(p);
	return text;
}

static bool says(const char *text, const char *name, const char *status)
{
	char line[64];

	(void)snprintf(line, sizeof line, "%s.pem: %s", name, status);
	return strstr(text, "Response verify OK") != NULL && strstr(text, line) != NULL;
}

static void expect(const char *name, const char *options, const char *status)
{
	const char *text = ask(name, options);

	ck_assert_msg(says(text, name, status), "%s %s, expected %s: %s\n%s", name, options, status, text,
		      slurp("log"));
}

static void await(const char *name, const char *status)
{
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;

	while (!says(ask(name, ""), name, status))
		ck_assert_msg(clock_mono_ms() < until_ms, "%s is not %s:\n%s", name, status, slurp("log"));
}

static void await_text(const char *name, const char *part)
{
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;

	const char *text = "";

	while (strstr(text = ask(name, ""), part) == NULL)
		ck_assert_msg(clock_mono_ms() < until_ms, "%s: no %s: %s\n%s", name, part, text, slurp("log"));
}

/* ---- tests */

static void judge(const char *name, const char *status)
{
	const char *source = getenv("NUC_SOURCE");
	char command[1024];

	if (source == NULL ||
	    system("for tool in ocsptool java dumpasn1; do command -v $tool >/dev/null || exit 1; done; "
		   "/usr/bin/python3 -c 'import cryptography, asn1crypto' 2>/dev/null") != 0)
		return; /* OpenSSL has judged already; the other judges are not installed here */
	(void)snprintf(command, sizeof command,
		       "%s/tests/judge/judge.sh ocsp %s/root.pem %s/ca.pem %s/%s.pem %s/%s.der %s >%s/judged 2>&1",
		       source, w.dir, w.dir, w.dir, name, w.dir, name, status, w.dir);
	int objections = system(command);
	/* dumpasn1 finds 1970, the date of a serial that was never issued, too long ago; nobody else objects. */
	bool is_1970 = strcmp(name, "stranger") == 0 && WIFEXITED(objections) && WEXITSTATUS(objections) == 1 &&
		       strstr(slurp("judged"), "FAIL dumpasn1") != NULL;
	ck_assert_msg(objections == 0 || is_1970, "%s", slurp("judged"));
}

START_TEST(test_judges)
{
	static const char *const options[] = { "", "-no_nonce", "-sha256", "-sha256 -no_nonce", "-sha384", "-sha512" };

	for (int i = 0; i < COUNT_OF(options); i++) {
		expect("good", options[i], "good");
		expect("revoked", options[i], "revoked");
		expect("stranger", options[i], "revoked"); /* never issued: extended-revoke, as NUC answers */
	}
	const char *text = ask("stranger", "");
	ck_assert_msg(strstr(text, "certificateHold") != NULL && strstr(text, "Jan  1 00:00:00 1970") != NULL, "%s",
		      text);
	ck_assert_msg(strstr(ask("revoked", ""), "keyCompromise") != NULL, "%s", ask("revoked", ""));
	(void)ask("good", "-no_nonce");
	judge("good", "good");
	(void)ask("revoked", "-no_nonce");
	judge("revoked", "revoked");
	(void)ask("stranger", "-no_nonce");
	judge("stranger", "revoked");
}
END_TEST

static void publish_prompt(void)
{
	struct msg_ledger_prompt prompt = { .log_size = 1 };
	OWN(buf) body = BUF_INIT(256);

	ck_ok(msg_ledger_prompt_encode(&body, &prompt));
	ck_ok(bus_pub_send(w.pub, MSG_LEDGER_PROMPT, buf_slice(&body)));
}

/* Revocation, hold and release reach OCSP; without a single prompt, too (case 1). */
START_TEST(test_changes)
{
	bool with_prompts = _i == 0;

	expect("good", "", "good");
	(void)ol_order(w.good_id, 2, 6, clock_now_s());
	if (with_prompts)
		publish_prompt();
	await("good", "revoked");
	(void)ol_order(w.good_id, 3, 8, clock_now_s());
	expect("good", "", "revoked"); /* a release counts by its index */
	ol_sequence(100);
	if (with_prompts)
		publish_prompt();
	await("good", "good");
	(void)ol_order(w.good_id, 1, 4, clock_now_s());
	if (with_prompts)
		publish_prompt();
	await("good", "revoked");
	char serial[SERIAL_HEX_SIZE];
	(void)ol_certificate("rsa", serial_of(&w.stranger, serial));
	expect("stranger", "", "good"); /* at once: the ledger is read again before a serial is called never issued */
	ck_assert_msg(strstr(slurp("log"), serial) == NULL, "a serial in the log");
	/* The figures are brought up once a second. */
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	while (strstr(admin("/metrics"), "nuc_ocspd_status_changes_total{to=\"revoked\"} 1") == NULL ||
	       strstr(admin("/metrics"), "nuc_ocspd_certificates 3") == NULL)
		ck_assert_msg(clock_mono_ms() < until_ms, "%s", admin("/metrics"));
}
END_TEST

START_TEST(test_kill_and_restart)
{
	expect("good", "", "good");
	(void)end_daemon(SIGKILL);
	(void)ol_order(w.good_id, 1, 1, clock_now_s());
	start_daemon();
	wait_ready();
	expect("good", "", "revoked");
	int status = end_daemon(SIGTERM);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d: %s", status, slurp("log"));
}
END_TEST

START_TEST(test_ledger_away)
{
	expect("good", "", "good");
	pg_stop_hard();
	await_text("good", "trylater");
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	while (strstr(admin("/readyz"), "503") == NULL)
		ck_assert_msg(clock_mono_ms() < until_ms, "%s", admin("/readyz"));
	pg_start_again();
	await("good", "good");
	(void)ol_order(w.good_id, 1, 1, clock_now_s());
	await("good", "revoked");
	wait_ready();
}
END_TEST

START_TEST(test_signer_away)
{
	expect("good", "", "good");
	atomic_store(&w.is_away, true);
	await_text("good", "trylater");
	atomic_store(&w.is_away, false);
	await("good", "good");
}
END_TEST

/* Started before there is a ledger: tryLater until it is loaded, then answers. */
START_TEST(test_started_without_ledger)
{
	(void)end_daemon(SIGTERM);
	pg_stop_hard();
	start_daemon();
	int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	const char *port = NULL;
	while ((port = strstr(slurp("log"), "listening address=127.0.0.1:0 port=")) == NULL)
		ck_assert_msg(clock_mono_ms() < until_ms, "%s", slurp("log"));
	w.port = (unsigned)strtoul(port + 35, NULL, 10);
	await_text("good", "trylater");
	pg_start_again();
	await("good", "good");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ocsp/ocspd_db");
	TCase *t = tcase_create("ocspd");

	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_judges);
	tcase_add_loop_test(t, test_changes, 0, 2);
	tcase_add_test(t, test_kill_and_restart);
	tcase_add_test(t, test_ledger_away);
	tcase_add_test(t, test_signer_away);
	tcase_add_test(t, test_started_without_ledger);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
