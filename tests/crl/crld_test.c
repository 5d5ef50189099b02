/*
 * crld_test.c - the program: serves its lists by HTTP, follows the ledger without being prompted, survives kill -9, ends
 * when told to.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "fake_signd.h"
#include "support/pg.h"

static struct crl_ca ca;
static struct bus_fake *fake;
static char dir[64], conf_path[80], conninfo[PG_CONNINFO_SIZE];
static int port;
static pid_t pid;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	(void)close(fd);
	return ntohs(address.sin_port);
}

static void write_conf(void)
{
	FILE *f = fopen(conf_path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "admin: { socket = \"%s/admin\"; };\nlog: { level = \"error\"; };\n", dir);
	(void)fprintf(f, "bus: { keys_dir = \"%s\"; name = \"crld\"; peers = \"%s/peers.conf\"; sign_ca = \"%s\"; ",
		      bus_fake_dir(fake), bus_fake_dir(fake), bus_fake_endpoint(fake));
	(void)fprintf(f, "events = \"ipc://%s/events\"; };\n", bus_fake_dir(fake));
	(void)fprintf(f, "db: { conninfo = \"%s\"; };\nhttp: { listen = [ \"127.0.0.1:%d\" ]; };\n", conninfo, port);
	(void)fprintf(f, "publish: { folder = \"%s/www\"; };\n", dir);
	(void)fprintf(f, "crl: { poll_ms = 50; full_changed_every_s = 1; };\n");
	ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
	OWN(buf) hex = BUF_INIT(16384);
	const char *text;

	crl_ca_init(&ca, "p256");
	pg_fresh(conninfo, "nuc_crl");
	ck_ok(text_hex(&hex, buf_slice(&ca.person.der)));
	ck_ok(buf_str(&hex, &text));
	pg_sql("INSERT INTO issuer (name, certificate, root) VALUES ('rsa', '\\x%s', '\\x%s'); "
	       "INSERT INTO crl_counter (issuer) VALUES ('rsa')",
	       text, text);
	fake = fake_signd_start(&ca);
	(void)snprintf(dir, sizeof dir, "/tmp/nuc-crld-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(conf_path, sizeof conf_path, "%s/crld.conf", dir);
	port = free_port();
	write_conf();
}

static void teardown(void)
{
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	bus_fake_destroy(&fake);
	buf_clear(&fake_signd.tbs);
	crl_ca_clear(&ca);
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static pid_t launch(const char *option)
{
	char program[512];
	const char *build = getenv("NUC_BUILD");

	(void)snprintf(program, sizeof program, "%s/bin/crld", build != NULL ? build : ".");
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)execl(program, "crld", "-c", conf_path, option, (char *)NULL);
		_exit(127);
	}
	return child;
}

static int ended(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* One exchange; gives the whole answer, empty where nobody answers. */
static void exchange(struct buf *out, int fd, const struct sockaddr *address, socklen_t len, const char *request)
{
	uint8_t bytes[4096];

	buf_reset(out);
	if (connect(fd, address, len) == 0 && write(fd, request, strlen(request)) == (ssize_t)strlen(request))
		for (ssize_t n = read(fd, bytes, sizeof bytes); n > 0; n = read(fd, bytes, sizeof bytes))
			ck_ok(buf_append(out, SLICE(bytes, (size_t)n)));
	(void)close(fd);
}

static void get(struct buf *out, const char *path, const char *headers)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((uint16_t)port) };
	char request[512];

	(void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n",
		       path, headers);
	exchange(out, socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address, request);
}

static void get_admin(struct buf *out, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char request[128];

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/admin", dir);
	(void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	exchange(out, socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address, request);
}

static int status_of(const struct buf *answer)
{
	return answer->len < 12 ? 0 : atoi((const char *)answer->p + 9);
}

static struct slice body_of(const struct buf *answer)
{
	const uint8_t *end = memmem(answer->p, answer->len, "\r\n\r\n", 4);

	ck_assert_ptr_nonnull(end);
	return SLICE(end + 4, answer->len - (size_t)(end + 4 - answer->p));
}

/* Asks until the condition holds: a process has no event to wait for, so this looks every 20 ms, for at most 60 s. */
#define ASK_UNTIL(ask, condition)                                                                                      \
	do {                                                                                                           \
		int64_t end_ = clock_mono_ms() + 60000;                                                                \
		for (;;) {                                                                                             \
			ask;                                                                                           \
			if (condition)                                                                                 \
				break;                                                                                 \
			ck_assert_msg(clock_mono_ms() < end_, "waited in vain for %s", #condition);                    \
			(void)usleep(20000);                                                                           \
		}                                                                                                      \
	} while (0)

static int64_t number_of(const struct buf *answer)
{
	struct crl_list list;

	if (status_of(answer) != 200)
		return 0;
	ck_ok(crl_list_read(&list, body_of(answer)));
	ck_ok(suite_verify_spki(ca.cert.public_key, list.algorithm, list.tbs, list.signature));
	return list.number;
}

static bool lists(const struct buf *answer, const char *serial_hex)
{
	struct crl_list list;
	struct crl_list_entry entry;
	struct serial serial;
	bool more = true;

	if (status_of(answer) != 200)
		return false;
	ck_ok(serial_from_hex(&serial, serial_hex));
	ck_ok(crl_list_read(&list, body_of(answer)));
	while (more) {
		ck_ok(crl_list_next(&list, &entry, &more));
		if (more && serial_equal(&entry.serial, &serial))
			return true;
	}
	return false;
}

static void revoke_serial(const char *serial, int reason)
{
	pg_sql("INSERT INTO certificate (issuer, serial, origin, profile, der, sha256, spki_sha256, not_before_at, "
	       "not_after_at) VALUES ('rsa', '\\x%s', 'adopted', 'p', '', sha256('%s'::bytea), sha256('%s'::bytea), 0, "
	       "4000000000)",
	       serial, serial, serial);
	pg_sql("INSERT INTO revocation (certificate_id, issuer, serial, action, reason, revoked_at, der, digest, "
	       "ordered_by) "
	       "SELECT id, issuer, serial, 1, %d, %" PRId64
	       ", '', sha256, 'p' FROM certificate WHERE serial = '\\x%s'; "
	       "INSERT INTO order_acceptance SELECT id, id * 3 FROM revocation ORDER BY id DESC LIMIT 1",
	       reason, clock_now_s() - 1, serial);
}

START_TEST(configuration_is_checked)
{
	pid_t child = launch("-t");

	ck_assert_int_eq(ended(child), 0);
	FILE *f = fopen(conf_path, "a");
	ck_assert_ptr_nonnull(f);
	(void)fputs("nonsense: { key = 1; };\n", f);
	ck_assert_int_eq(fclose(f), 0);
	child = launch("-t");
	ck_assert_int_eq(ended(child), 1);
}
END_TEST

START_TEST(serves_and_follows)
{
	OWN(buf) answer = BUF_INIT(1 << 20);
	char etag[200] = "";

	pid = launch(NULL);
	ASK_UNTIL(get(&answer, "/nca_rsa.crl", ""), number_of(&answer) == 1);
	ck_assert_ptr_nonnull(memmem(answer.p, answer.len, "application/pkix-crl", 20));
	const char *tag = strstr((const char *)answer.p, "ETag: ");
	ck_assert_ptr_nonnull(tag);
	(void)snprintf(etag, sizeof etag, "If-None-Match: %.*s\r\n", (int)strcspn(tag + 6, "\r"), tag + 6);
	get(&answer, "/nca_rsa.crl", etag);
	ck_assert_int_eq(status_of(&answer), 304);
	get(&answer, "/archive/nca_rsa.1.crl", "");
	ck_assert_int_eq(number_of(&answer), 1);
	get(&answer, "/cert/nca_rsa.cer", "");
	ck_assert(slice_equal(body_of(&answer), buf_slice(&ca.person.der)));
	get(&answer, "/cert/root_rsa.cer", "");
	ck_assert_int_eq(status_of(&answer), 200);
	get(&answer, "/crld.conf", "");
	ck_assert_int_eq(status_of(&answer), 404);
	ASK_UNTIL(get(&answer, "/nca_d_rsa.crl", ""), number_of(&answer) == 2);

	/* nobody prompts */
	revoke_serial("05", 4);
	ASK_UNTIL(get(&answer, "/nca_rsa.crl", ""), lists(&answer, "05"));
	revoke_serial("0080", 1);
	ASK_UNTIL(get(&answer, "/nca_rsa.crl", ""), lists(&answer, "0080") && lists(&answer, "05"));

	ASK_UNTIL(get_admin(&answer, "/readyz"), status_of(&answer) == 200);
	get_admin(&answer, "/metrics");
	ck_assert_ptr_nonnull(memmem(answer.p, answer.len, "nuc_crld_list_entries 2", 23));
	ck_assert_ptr_nonnull(memmem(answer.p, answer.len, "nuc_crld_alarms 0", 17));
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(ended(pid), 0);
	pid = 0;
}
END_TEST

START_TEST(kill_loses_nothing)
{
	OWN(buf) answer = BUF_INIT(1 << 20);
	int64_t before = 0;

	pid = launch(NULL);
	ASK_UNTIL(get(&answer, "/nca_rsa.crl", ""), number_of(&answer) > 0);
	for (int i = 0; i < 4; i++) {
		char serial[8];

		(void)snprintf(serial, sizeof serial, "%02x", 0x10 + i);
		revoke_serial(serial, 1);
		(void)usleep((useconds_t)(i * 37000)); /* somewhere in the middle of the next list */
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		(void)waitpid(pid, NULL, 0);
		pid = launch(NULL);
		ASK_UNTIL(get(&answer, "/nca_rsa.crl", ""), lists(&answer, serial));
		ck_assert_int_gt(number_of(&answer), before);
		before = number_of(&answer);
	}
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM (SELECT number FROM crl GROUP BY number HAVING count(*) > 1) x"), 0);
	ck_assert_int_eq(fake_signd.refused, 0);
}
END_TEST

START_TEST(signer_away_is_not_ready_and_serves_on)
{
	OWN(buf) answer = BUF_INIT(1 << 20);

	pid = launch(NULL);
	ASK_UNTIL(get(&answer, "/nca_rsa.crl", ""), number_of(&answer) == 1);
	(void)pthread_mutex_lock(&fake_signd.lock);
	fake_signd.is_busy = true;
	(void)pthread_mutex_unlock(&fake_signd.lock);
	revoke_serial("05", 1);
	ASK_UNTIL(get_admin(&answer, "/readyz"),
		  status_of(&answer) == 503 && memmem(answer.p, answer.len, "not active", 10) != NULL);
	get(&answer, "/nca_rsa.crl", "");
	ck_assert_int_gt(number_of(&answer), 0);
	(void)pthread_mutex_lock(&fake_signd.lock);
	fake_signd.is_busy = false;
	(void)pthread_mutex_unlock(&fake_signd.lock);
	ASK_UNTIL(get(&answer, "/nca_rsa.crl", ""), lists(&answer, "05"));
	ASK_UNTIL(get_admin(&answer, "/readyz"), status_of(&answer) == 200);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/crld");
	TCase *c = tcase_create("crld");

	tcase_set_timeout(c, 300);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, configuration_is_checked);
	tcase_add_test(c, serves_and_follows);
	tcase_add_test(c, kill_loses_nothing);
	tcase_add_test(c, signer_away_is_not_ready_and_serves_on);
	suite_add_tcase(s, c);
	return pg_suite_main(s);
}
