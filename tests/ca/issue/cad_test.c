/*
 * cad_test.c - the whole daemon as a process of its own, between a real ledger and signers on a real bus; and what is left
 * when it is killed at the worst moments.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/issue/cad.h"
#include "ca/issue/queries.h"
#include "fake_signers.h"
#include "support/pg.h"

static struct ledger ledger;
static struct bus_net net;
static char conf_path[100], log_path[100], admin_path[100];

/* ---- cad's process: started by a helper that was forked while we had no threads */

static int helper_in, helper_out;
static pid_t helper, cad_pid;

static void run_cad(void)
{
	char *argv[] = { (char *)(uintptr_t) "cad", (char *)(uintptr_t) "-c", conf_path, NULL };
	int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (getenv("CAD_TEST_VERBOSE") == NULL)
		(void)dup2(fd, STDERR_FILENO);
	close(fd);
	exit(daemon_main(3, argv, &cad_spec));
}

/* Each octet read starts a cad; its pid is the answer, and its status when it has ended. */
static void helper_main(int in, int out)
{
	char c;

	while (read(in, &c, 1) == 1) {
		int status = 0;
		pid_t pid = fork();
		if (pid == 0) {
			close(in);
			close(out);
			run_cad();
		}
		if (write(out, &pid, sizeof pid) != sizeof pid || waitpid(pid, &status, 0) != pid ||
		    write(out, &status, sizeof status) != sizeof status)
			_exit(1);
	}
	_exit(0);
}

static void helper_start(void)
{
	int to[2], from[2];

	ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
	helper = fork();
	ck_assert_int_ge(helper, 0);
	if (helper == 0) {
		close(to[1]);
		close(from[0]);
		helper_main(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	helper_in = to[1];
	helper_out = from[0];
}

static void cad_start_process(void)
{
	ck_assert_int_eq(write(helper_in, "s", 1), 1);
	ck_assert_int_eq(read(helper_out, &cad_pid, sizeof cad_pid), sizeof cad_pid);
}

/* Sends the signal (0: none) and waits for the end; gives the status as a shell would. */
static int cad_end(int signal_number)
{
	int status;

	if (signal_number != 0)
		ck_assert_int_eq(kill(cad_pid, signal_number), 0);
	ck_assert_int_eq(read(helper_out, &status, sizeof status), sizeof status);
	cad_pid = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- the followers' and rad's ends of the bus: what wakes us up */

static struct bus *crld_bus, *rad_bus;
static struct bus_sub *sub;
static struct bus_client *rad;
static struct msg_ledger_prompt last_prompt;
static int num_prompts;

static void on_prompt(void *arg, uint16_t type, struct slice body)
{
	OWN(msg_ledger_prompt) prompt = { 0 };

	(void)arg;
	ck_assert_uint_eq(type, MSG_LEDGER_PROMPT);
	ck_ok(msg_ledger_prompt_decode(&prompt, body));
	last_prompt = prompt;
	num_prompts++;
}

/* Waits until the query gives the value; looks again at each prompt of cad's. */
static void wait_for(int64_t value, const char *fmt, ...) ERR_PRINTF(2, 3);

static void wait_for(int64_t value, const char *fmt, ...)
{
	char sql[1000];
	va_list ap;
	int64_t until = clock_mono_ms() + 30000;

	va_start(ap, fmt);
	(void)vsnprintf(sql, sizeof sql, fmt, ap);
	va_end(ap);
	while (pg_number("%s", sql) != value) {
		zmq_pollitem_t item = { bus_sub_socket(sub), 0, ZMQ_POLLIN, 0 };
		ck_assert_msg(clock_mono_ms() < until, "still not %lld: %s", (long long)value, sql);
		(void)zmq_poll(&item, 1, 100);
		bus_sub_process(sub);
	}
}

static void prompt(enum msg_prompt_what what)
{
	OWN(buf) body = BUF_INIT(100);
	OWN(buf) answer = BUF_INIT(100);
	const struct msg_prompt p = { .what = what, .number = SLICE_STR("") };

	ck_ok(msg_prompt_encode(&body, &p));
	ck_ok(bus_client_call(rad, &answer, MSG_ISSUE_PROMPT, &body, 10000));
}

/* ---- the world */

static void write_conf(void)
{
	OWN(buf) vkey = BUF_INIT(NOTE_VKEY_MAX + 2);
	char conninfo[PG_CONNINFO_SIZE], path[160];
	const char *text;

	ck_ok(note_key_format(&vkey, &fakes.log_key));
	ck_ok(buf_str(&vkey, &text));
	(void)snprintf(path, sizeof path, "%s/log.vkey", net.dir);
	FILE *f = fopen(path, "w");
	(void)fprintf(f, "%s\n", text);
	(void)fclose(f);
	pg_conninfo(conninfo, "nuc_ca");
	f = fopen(conf_path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(
		f,
		"admin: { socket = \"%s\"; };\nlog: { vkey = \"%s\"; poll_ms = 50; };\n"
		"bus: { keys_dir = \"%s\"; name = \"cad\"; peers = \"%s\"; issue = \"ipc://%s/issue\"; "
		"events = \"ipc://%s/events\"; sign_ca = \"ipc://%s/sign-ca\"; sign_ocsp = \"ipc://%s/sign-ocsp\"; };\n"
		"db: { conninfo = \"%s\"; };\nissue: { poll_ms = 200; sign_timeout_ms = 2000; lease_ms = 20000; };\n",
		admin_path, path, net.keys_dir, net.peers, net.dir, net.dir, net.dir, net.dir, conninfo);
	(void)fclose(f);
}

static void setup_once(void)
{
	ledger_init(&ledger, "ecdsa-p256-sha256");
}

static void teardown_once(void)
{
	ledger_clear(&ledger);
}

static void setup(void)
{
	char conninfo[PG_CONNINFO_SIZE], endpoint[160];

	pg_fresh(conninfo, NULL);
	ledger_install(&ledger);
	bus_net_init(&net);
	(void)snprintf(conf_path, sizeof conf_path, "%s/cad.conf", net.dir);
	(void)snprintf(log_path, sizeof log_path, "%s/cad.log", net.dir);
	(void)snprintf(admin_path, sizeof admin_path, "%s/admin", net.dir);
	fakes_make_log_key();
	write_conf();
	helper_start();
	fakes_begin(&net, &ledger);
	crld_bus = bus_net_bus(&net, "crld");
	rad_bus = bus_net_bus(&net, "rad");
	(void)snprintf(endpoint, sizeof endpoint, "ipc://%s/events", net.dir);
	ck_ok(bus_sub_create(&sub, crld_bus, "cad", endpoint, on_prompt, NULL));
	(void)snprintf(endpoint, sizeof endpoint, "ipc://%s/issue", net.dir);
	const struct bus_client_conf conf = { .server = "cad", .endpoint = endpoint, .resend_ms = 100 };
	ck_ok(bus_client_create(&rad, rad_bus, &conf));
	cad_start_process();
}

static void teardown(void)
{
	if (cad_pid > 0)
		(void)cad_end(SIGKILL);
	close(helper_in);
	(void)waitpid(helper, NULL, 0);
	bus_client_destroy(&rad);
	bus_sub_destroy(&sub);
	bus_destroy(&rad_bus);
	bus_destroy(&crld_bus);
	fakes_end();
	bus_net_clear(&net);
}

static void approve(const char *number)
{
	const struct ledger_spec spec = { .number = number };

	(void)ledger_application(&ledger, &spec);
}

static void check_certificates(int64_t num)
{
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate WHERE origin = 'issued'"), num);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate c JOIN issuance i USING (issuer, serial) "
				   "WHERE c.request_id = i.request_id"),
			 num);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue"), 0);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM (SELECT kind FROM log_entry UNION ALL SELECT kind FROM log_pending) l "
			  "WHERE kind = 'certificate.issued'"),
		num);
	ck_assert_int_eq(fakes_get(&fakes.num_events), num);
}

static const char *ask_admin(const char *path)
{
	static char answer[65536];
	char request[200];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t len = 0;
	ssize_t n;

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", admin_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	int request_len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", path);
	ck_assert_int_eq(write(fd, request, (size_t)request_len), request_len);
	while ((n = read(fd, answer + len, sizeof answer - len - 1)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	close(fd);
	return answer;
}

/* ---- the work */

START_TEST(from_prompt_to_certificate_event_log_and_head)
{
	approve("N1");
	prompt(MSG_PROMPT_ISSUE);
	wait_for(2, "SELECT count(*) FROM certificate");
	check_certificates(2);
	wait_for(1, "SELECT count(*) FROM application WHERE state = 'issued'");
	/* The Policy was put to the signer, the events reached the OCSP signer, the log was sequenced and signed. */
	ck_assert_int_eq(fakes_get(&fakes.policy_version), 1);
	fakes_wait(&fakes.pushes, 1);
	wait_for(0, "SELECT count(*) FROM log_pending");
	wait_for(1, "SELECT count(*) FROM log_entry WHERE kind = 'daemon.started'");
	wait_for(1, "SELECT (max(size) = (SELECT count(*) FROM log_entry))::int FROM log_checkpoint");
	ck_assert_int_gt(num_prompts, 0);
	fakes_wait(&fakes.ocsp_next, 3);
	ck_assert_ptr_nonnull(strstr(ask_admin("/metrics"), "nuc_cad_requests_total{result=\"issued\"} 2\n"));
	const char *ready = ask_admin("/readyz");
	for (int64_t until = clock_mono_ms() + 10000; strstr(ready, " 200 ") == NULL && clock_mono_ms() < until;)
		ready = ask_admin("/readyz");
	ck_assert_msg(strstr(ready, " 200 ") != NULL, "%s", ready);
	ck_assert_ptr_nonnull(strstr(ready, "ok policy version 1\n"));
}
END_TEST

START_TEST(lost_prompts_cost_only_time)
{
	approve("N1");
	wait_for(2, "SELECT count(*) FROM certificate");
	approve("N2");
	wait_for(4, "SELECT count(*) FROM certificate");
	check_certificates(4);
}
END_TEST

START_TEST(many_in_flight)
{
	char number[16];

	for (int i = 0; i < 40; i++) {
		(void)snprintf(number, sizeof number, "N%d", i);
		approve(number);
		if (i % 7 == 0)
			prompt(MSG_PROMPT_ISSUE);
	}
	wait_for(40, "SELECT count(*) FROM application WHERE state = 'issued'");
	check_certificates(80);
	fakes_wait(&fakes.ocsp_next, 81);
}
END_TEST

START_TEST(a_new_policy_goes_to_the_signer_first)
{
	OWN(buf) der = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	static char hex[2 * 1024 * 1024];

	approve("N1");
	wait_for(2, "SELECT count(*) FROM certificate");
	ledger_policy(&ledger, &der, 2);
	ck_assert_uint_lt(der.len * 2, sizeof hex);
	for (size_t i = 0; i < der.len; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", der.p[i]);
	pg_sql("INSERT INTO policy (version, der) VALUES (2, '\\x%s')", hex);
	prompt(MSG_PROMPT_POLICY);
	int64_t until = clock_mono_ms() + 20000;
	while (strstr(ask_admin("/metrics"), "nuc_cad_policy_version 2\n") == NULL)
		ck_assert_int_lt(clock_mono_ms(), until);
	ck_assert_int_eq(fakes_get(&fakes.policy_version), 2);
	approve("N2");
	wait_for(4, "SELECT count(*) FROM certificate");
}
END_TEST

/* ---- orders */

START_TEST(orders_are_put_accepted_and_relayed)
{
	int64_t certificate = ledger_certificate(&ledger, "1234567890");

	int64_t hold = ledger_order(&ledger, certificate, ORDER_HOLD, 6);
	prompt(MSG_PROMPT_ORDER);
	wait_for(1, "SELECT count(*) FROM order_acceptance WHERE order_id = %lld AND seq = 1", (long long)hold);
	int64_t release = ledger_order(&ledger, certificate, ORDER_RELEASE, 8);
	int64_t revoke = ledger_order(&ledger, certificate, ORDER_REVOKE, 1);
	wait_for(1, "SELECT count(*) FROM order_acceptance WHERE order_id = %lld AND seq = 2", (long long)release);
	wait_for(1, "SELECT count(*) FROM order_acceptance WHERE order_id = %lld AND seq = 3", (long long)revoke);
	wait_for(3, "SELECT count(*) FROM log_entry WHERE kind = 'order.accepted' AND order_id IS NOT NULL");
	fakes_wait(&fakes.ocsp_next, 4);
	for (int64_t until = clock_mono_ms() + 20000; last_prompt.order_seq < 3;) {
		ck_assert_int_lt(clock_mono_ms(), until);
		wait_for(3, "SELECT count(*) FROM order_acceptance");
		zmq_pollitem_t item = { bus_sub_socket(sub), 0, ZMQ_POLLIN, 0 };
		(void)zmq_poll(&item, 1, 100);
		bus_sub_process(sub);
	}
	ck_assert_int_eq(fakes_get(&fakes.orders_seen), 3);
}
END_TEST

START_TEST(a_refused_order_is_logged_once)
{
	int64_t certificate = ledger_certificate(&ledger, "1234567890");

	fakes_set(&fakes.refuses_orders, true);
	(void)ledger_order(&ledger, certificate, ORDER_REVOKE, 1);
	prompt(MSG_PROMPT_ORDER);
	wait_for(1, "SELECT count(*) FROM log_entry WHERE kind = 'order.refused'");
	prompt(MSG_PROMPT_ORDER);
	/* Work that came later is done, and the refused one was not asked for again. */
	fakes_set(&fakes.refuses_orders, false);
	int64_t other = ledger_certificate(&ledger, "1234567891");
	(void)ledger_order(&ledger, other, ORDER_REVOKE, 1);
	prompt(MSG_PROMPT_ORDER);
	wait_for(1, "SELECT count(*) FROM order_acceptance");
	ck_assert_int_eq(fakes_get(&fakes.orders_seen), 2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_entry WHERE kind = 'order.refused'"), 1);
}
END_TEST

/* ---- deaths */

START_TEST(killed_between_plan_and_signature)
{
	fakes_set(&fakes.is_mute, true);
	approve("N1");
	prompt(MSG_PROMPT_ISSUE);
	fakes_wait(&fakes.sign_requests, 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 2);
	ck_assert_int_eq(cad_end(SIGKILL), 128 + SIGKILL);
	fakes_set(&fakes.is_mute, false);
	cad_start_process();
	wait_for(1, "SELECT count(*) FROM application WHERE state = 'issued'");
	check_certificates(2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 2);
}
END_TEST

START_TEST(killed_before_the_answer_came)
{
	fakes_set(&fakes.loses_answers, true);
	approve("N1");
	prompt(MSG_PROMPT_ISSUE);
	fakes_wait(&fakes.sign_requests, 1);
	ck_assert_int_eq(cad_end(SIGKILL), 128 + SIGKILL);
	fakes_set(&fakes.loses_answers, false);
	cad_start_process();
	wait_for(1, "SELECT count(*) FROM application WHERE state = 'issued'");
	check_certificates(2);
}
END_TEST

START_TEST(killed_in_the_middle_of_the_last_commit)
{
	/* The insert waits for a lock that we hold. */
	pg_sql("CREATE TABLE gate (a int); GRANT SELECT, UPDATE ON gate TO nuc_ca; INSERT INTO gate VALUES (1);"
	       "CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
	       "PERFORM FROM gate FOR UPDATE; RETURN NEW; END $$;"
	       "CREATE TRIGGER wait_at_gate BEFORE INSERT ON certificate FOR EACH ROW EXECUTE FUNCTION wait_at_gate()");
	char conninfo[PG_CONNINFO_SIZE];
	pg_conninfo(conninfo, NULL);
	const struct db_conf conf = { .conninfo = conninfo, .application_name = "gate" };
	OWN(db) gate = NULL;
	ck_ok(db_connect(&gate, &conf));
	ck_ok(db_simple(gate, "BEGIN; SELECT FROM gate FOR UPDATE"));
	approve("N1");
	prompt(MSG_PROMPT_ISSUE);
	wait_for(1, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cad settle' AND wait_event_type = "
		    "'Lock'");
	ck_assert_int_eq(cad_end(SIGKILL), 128 + SIGKILL);
	ck_ok(db_simple(gate, "COMMIT"));
	cad_start_process();
	wait_for(1, "SELECT count(*) FROM application WHERE state = 'issued'");
	check_certificates(2);
}
END_TEST

START_TEST(the_signer_is_away_for_a_while)
{
	approve("N1");
	wait_for(1, "SELECT count(*) FROM application WHERE state = 'issued'");
	fakes_stop();
	approve("N2");
	wait_for(2, "SELECT count(*) FROM issue_queue WHERE attempts = 1");
	fakes_start();
	wait_for(2, "SELECT count(*) FROM application WHERE state = 'issued'");
	check_certificates(4);
}
END_TEST

START_TEST(lost_answers_end_in_one_certificate)
{
	fakes_set(&fakes.loses_answers, true);
	approve("N1");
	prompt(MSG_PROMPT_ISSUE);
	wait_for(2, "SELECT count(*) FROM issue_queue WHERE last_error LIKE 'timeout: %%'");
	fakes_set(&fakes.loses_answers, false);
	wait_for(1, "SELECT count(*) FROM application WHERE state = 'issued'");
	check_certificates(2);
}
END_TEST

START_TEST(the_database_goes_down_and_comes_back)
{
	approve("N1");
	wait_for(2, "SELECT count(*) FROM certificate");
	pg_stop_hard();
	pg_start_again();
	approve("N2");
	wait_for(2, "SELECT count(*) FROM application WHERE state = 'issued'");
	check_certificates(4);
}
END_TEST

START_TEST(term_finishes_what_is_in_hand)
{
	approve("N1");
	prompt(MSG_PROMPT_ISSUE);
	fakes_wait(&fakes.sign_requests, 1);
	ck_assert_int_eq(cad_end(SIGTERM), 0);
	check_certificates(2);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM (SELECT kind FROM log_entry UNION ALL SELECT kind FROM log_pending) l "
			  "WHERE kind = 'daemon.stopped'"),
		1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/issue/cad");
	TCase *t = tcase_create("cad");

	tcase_add_unchecked_fixture(t, setup_once, teardown_once);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 90);
	tcase_add_test(t, from_prompt_to_certificate_event_log_and_head);
	tcase_add_test(t, lost_prompts_cost_only_time);
	tcase_add_test(t, many_in_flight);
	tcase_add_test(t, a_new_policy_goes_to_the_signer_first);
	tcase_add_test(t, orders_are_put_accepted_and_relayed);
	tcase_add_test(t, a_refused_order_is_logged_once);
	tcase_add_test(t, killed_between_plan_and_signature);
	tcase_add_test(t, killed_before_the_answer_came);
	tcase_add_test(t, killed_in_the_middle_of_the_last_commit);
	tcase_add_test(t, the_signer_is_away_for_a_while);
	tcase_add_test(t, lost_answers_end_in_one_certificate);
	tcase_add_test(t, the_database_goes_down_and_comes_back);
	tcase_add_test(t, term_finishes_what_is_in_hand);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
