/*
 * signer.c - real signers for tests. See signer.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "support/suite.h"
#include "support/x509_fixture.h"

enum { READY_MS = 60000, FILE_MAX = 4 << 20, PATH_ROOM = 200 };

static const struct {
	const char *person;
	enum profile_role role; /* ROLE_IDENTIFICATION: a service */
} people[WHO_COUNT] = {
	[WHO_ADMIN1] = { "700101300011", ROLE_ADMINISTRATOR },
	[WHO_ADMIN2] = { "710101300012", ROLE_ADMINISTRATOR },
	[WHO_OPERATOR1] = { "900101300017", ROLE_OPERATOR },
	[WHO_OPERATOR2] = { "910101300018", ROLE_OPERATOR },
	[WHO_OPERATOR1_AGAIN] = { "900101300017", ROLE_SENIOR },
	[WHO_AUDITOR] = { "920101300019", ROLE_AUDITOR },
	[WHO_DESK] = { "930101300020", ROLE_DESK },
	[WHO_FORMER] = { "940101300021", ROLE_OPERATOR },
	[WHO_SERVICE] = { "digital-id", ROLE_IDENTIFICATION },
	[WHO_SMALL_SERVICE] = { "small-id", ROLE_IDENTIFICATION },
	[WHO_STRANGER] = { "950101300022", ROLE_OPERATOR },
};

const char *signer_person(enum signer_who who)
{
	return people[who].person;
}

const char *signer_name(enum signer_tier tier)
{
	return tier == SIGNER_CA ? "signd-ca" : "signd-ocsp";
}

static void path_of(char out[PATH_ROOM], const struct signer_home *self, const char *relative)
{
	(void)snprintf(out, PATH_ROOM, "%s/%s", self->net.dir, relative);
}

static void path_of_tier(char out[PATH_ROOM], const struct signer_home *self, enum signer_tier tier, const char *ending)
{
	(void)snprintf(out, PATH_ROOM, "%s/%s%s", self->net.dir, signer_name(tier), ending);
}

static void write_file(const struct signer_home *self, const char *relative, struct slice bytes)
{
	char path[PATH_ROOM];

	path_of(path, self, relative);
	FILE *f = fopen(path, "we");
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
	ck_assert_int_eq(fclose(f), 0);
}

static void read_path(struct buf *out, const char *path)
{
	uint8_t block[8192];
	size_t n;
	FILE *f = fopen(path, "re");

	ck_assert_msg(f != NULL, "%s", path);
	buf_reset(out);
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		ck_ok(buf_append(out, SLICE(block, n)));
	(void)fclose(f);
}

static void read_certificate(struct buf *out, const struct signer_home *self, const char *relative)
{
	OWN(buf) text = BUF_INIT(FILE_MAX);
	char path[PATH_ROOM];

	path_of(path, self, relative);
	read_path(&text, path);
	*out = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	ck_ok(cert_from_pem(out, buf_slice(&text)));
}

/* ---- processes ---- */

/* In the child: its own process group, gone when the test is gone, output to `log`. */
static void become(const char *program, char *const argv[], const char *log, const char *notify)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setpgid(0, 0);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(125);
	if (notify != NULL)
		(void)setenv("NOTIFY_SOCKET", notify, 1);
	(void)execv(program, argv);
	_exit(126);
}

static pid_t spawn(const struct signer_home *self, char *const argv[], const char *log, const char *notify)
{
	char program[512];
	const char *build = getenv("NUC_BUILD");
	(void)self;

	(void)snprintf(program, sizeof program, "%s/bin/signd", build == NULL ? "." : build);
	ck_assert_msg(access(program, X_OK) == 0, "%s: set NUC_BUILD to the build folder", program);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become(program, argv, log, notify);
	return pid;
}

static void print_log(const char *path)
{
	OWN(buf) text = BUF_INIT(FILE_MAX);
	const char *str;

	read_path(&text, path);
	ck_ok(buf_str(&text, &str));
	(void)fprintf(stderr, "%s\n", str);
}

static void run_to_end(const struct signer_home *self, char *const argv[])
{
	char log[PATH_ROOM];
	int status;

	path_of(log, self, "ceremony.log");
	pid_t pid = spawn(self, argv, log, NULL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		print_log(log);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "signd %s: status %x", argv[1], (unsigned)status);
}

static int notify_socket(struct sockaddr_un *address, const struct signer_home *self, enum signer_tier tier)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(address->sun_path, sizeof address->sun_path, "%s/%s.notify", self->net.dir, signer_name(tier));
	(void)unlink(address->sun_path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)address, sizeof *address), 0);
	return fd;
}

/* Waits for READY=1, or for the end of the process. */
static bool wait_ready(int fd, pid_t pid)
{
	int64_t until = clock_mono_ms() + READY_MS;
	char text[64];
	int status;

	while (clock_mono_ms() < until) {
		struct pollfd item = { .fd = fd, .events = POLLIN };
		if (poll(&item, 1, 200) > 0)
			return recv(fd, text, sizeof text, 0) >= 7 && memcmp(text, "READY=1", 7) == 0;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return false;
	}
	return false;
}

void signer_start(struct signer_home *self, enum signer_tier tier)
{
	char conf[PATH_ROOM], log[PATH_ROOM];
	char *argv[] = { "signd", "-c", conf, NULL };
	struct sockaddr_un address;

	path_of_tier(conf, self, tier, ".conf");
	path_of_tier(log, self, tier, ".log");
	self->notify[tier] = notify_socket(&address, self, tier);
	self->pid[tier] = spawn(self, argv, log, address.sun_path);
	bool is_ready = wait_ready(self->notify[tier], self->pid[tier]);
	if (!is_ready)
		print_log(log);
	ck_assert_msg(is_ready, "%s did not become ready", signer_name(tier));
}

void signer_stop(struct signer_home *self, enum signer_tier tier)
{
	int status = 0;

	if (self->pid[tier] <= 0)
		return;
	(void)kill(self->pid[tier], SIGTERM);
	ck_assert_int_eq(waitpid(self->pid[tier], &status, 0), self->pid[tier]);
	self->pid[tier] = 0;
	(void)close(self->notify[tier]);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with status %x", signer_name(tier),
		      (unsigned)status);
}

/* ---- what a home holds ---- */

static void replace_once(struct buf *text, const char *from, const char *to)
{
	OWN(buf) out = BUF_INIT(PROFILES_MAX_BYTES);
	const uint8_t *at = memmem(text->p, text->len, from, strlen(from));

	ck_assert_msg(at != NULL, "config/profiles.conf has no \"%s\"", from);
	size_t before = (size_t)(at - text->p), after = before + strlen(from);
	ck_ok(buf_append(&out, SLICE(text->p, before)));
	ck_ok(buf_append_str(&out, to));
	ck_ok(buf_append(&out, SLICE(text->p + after, text->len - after)));
	ck_ok(buf_set(text, buf_slice(&out)));
}

static void make_profiles(struct signer_home *self)
{
	self->profiles_text = (struct buf)BUF_INIT(PROFILES_MAX_BYTES);
	fixture_file(&self->profiles_text, "config/profiles.conf");
	replace_once(&self->profiles_text, "algorithm = \"rsa4096-sha256\"", "algorithm = \"rsa2048-sha256\"");
	replace_once(&self->profiles_text, "remote = [ \"identification\" ];",
		     "remote = [ \"identification\" ]; renewal = [ \"holder\" ];");
	write_file(self, "profiles.conf", buf_slice(&self->profiles_text));
	ck_ok(profiles_parse(&self->profiles, buf_slice(&self->profiles_text)));
}

static void hold_ceremony(struct signer_home *self)
{
	OWN(buf) text = BUF_INIT(8192);
	char plan[PATH_ROOM];
	char *argv[] = { "signd", "--ceremony", plan, NULL };
	const char *d = self->net.dir;

	path_of(plan, self, "plan.conf");
	ck_ok(buf_printf(&text,
			 "out = \"%s/ca\"; profiles = \"%s/profiles.conf\"; root_keys = \"%s/root/keys\";\n"
			 "ca_keys = \"%s/signer/ca/keys\"; ocsp_keys = \"%s/signer/ocsp/keys\";\n"
			 "journal = \"%s/signer/ca/journal\"; log_origin = \"red.local/log\"; root_list_days = 30;\n"
			 "issuers = ( { name = \"rsa\"; responder_suite = \"rsa2048-sha256\"; } );\n"
			 "certificates = ( );\n",
			 d, d, d, d, d, d));
	write_file(self, "plan.conf", buf_slice(&text));
	run_to_end(self, argv);
	read_certificate(&self->root, self, "ca/rsa/root.pem");
	read_certificate(&self->issuing, self, "ca/rsa/issuing.pem");
	read_certificate(&self->responder, self, "ca/rsa/ocsp.pem");
}

void signer_policy(struct buf *out, const struct signer_home *self, int64_t version, struct slice profiles)
{
	struct staff staff[WHO_COUNT];
	struct identifier services[2];
	struct policy p = { .version = version,
			    .profiles = profiles,
			    .staff = staff,
			    .identifiers = services,
			    .clock_back_s = 3600,
			    .clock_ahead_s = 300 };
	const int64_t now = clock_now_s();

	for (int i = 0; i < WHO_STRANGER; i++) {
		struct slice person = SLICE_STR(people[i].person), hash = SLICE(self->who[i].key_hash, SHA256_LEN);
		if (people[i].role == ROLE_IDENTIFICATION) {
			int64_t ceiling = i == WHO_SMALL_SERVICE ? 1 : 100000;
			services[p.num_identifiers++] = (struct identifier){ person, hash, ceiling, ceiling };
			continue;
		}
		staff[p.num_staff++] = (struct staff){ .person = person,
						       .name = SLICE_STR("ТЕСТОВ ТЕСТ"),
						       .role = people[i].role,
						       .key_hash = hash,
						       .from_at = now - 90 * 86400,
						       .to_at = i == WHO_FORMER ? now - 60 : now + 900 * 86400 };
	}
	ck_ok(policy_encode(out, &p));
}

static void make_people(struct signer_home *self)
{
	OWN(buf) policy = BUF_INIT(POLICY_MAX_BYTES);
	const struct test_person *administrators[] = { &self->who[WHO_ADMIN1], &self->who[WHO_ADMIN2] };

	for (int i = 0; i < WHO_COUNT; i++)
		test_staff_init(&self->who[i], people[i].person);
	signer_policy(&policy, self, 1, buf_slice(&self->profiles_text));
	self->policy = (struct buf)BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	test_policy_sign(&self->policy, buf_slice(&policy), administrators, 2, clock_now_s());
	write_file(self, "signer/ca/policy.der", buf_slice(&self->policy));
}

static void write_conf(struct signer_home *self, enum signer_tier tier)
{
	OWN(buf) text = BUF_INIT(8192);
	char name[64], pins[2][2 * SHA256_LEN + 1];
	const char *d = self->net.dir, *word = tier == SIGNER_CA ? "ca" : "ocsp";

	for (int i = 0; i < 2; i++)
		(void)text_hex_fixed(pins[i], SLICE(self->who[WHO_ADMIN1 + i].key_hash, SHA256_LEN));
	ck_ok(buf_printf(
		&text,
		"admin: { socket = \"%s/%s.admin\"; };\n"
		"bus: { keys_dir = \"%s\"; name = \"%s\"; peers = \"%s\"; listen = \"ipc://%s/bus-%s/sock\"; };\n"
		"signer: { tier = \"%s\"; issuers = [ \"rsa\" ]; ca_dir = \"%s/ca\"; keys_dir = "
		"\"%s/signer/%s/keys\";\n"
		"journal = \"%s/signer/%s/journal\"; log_origin = \"red.local/log\";\n",
		d, signer_name(tier), self->net.keys_dir, signer_name(tier), self->net.peers, d, word, word, d, d, word,
		d, word));
	if (tier == SIGNER_CA)
		ck_ok(buf_printf(&text,
				 "policy = \"%s/signer/ca/policy.der\"; administrators = [ \"%s\", \"%s\" ];\n"
				 "journal_key = \"\"; };\n",
				 d, pins[0], pins[1]));
	else
		ck_ok(buf_printf(&text,
				 "policy = \"\"; administrators = [ ]; journal_key = \"%s/ca/journal.pub\"; };\n", d));
	(void)snprintf(name, sizeof name, "%s.conf", signer_name(tier));
	write_file(self, name, buf_slice(&text));
	(void)snprintf(name, sizeof name, "bus-%s", word);
	char folder[PATH_ROOM];
	path_of(folder, self, name);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
}

void signer_home_begin(struct signer_home *self, unsigned tiers)
{
	*self = (struct signer_home){ 0 };
	bus_net_init(&self->net);
	make_profiles(self);
	hold_ceremony(self);
	make_people(self);
	for (int tier = 0; tier < SIGNER_TIERS; tier++) {
		write_conf(self, (enum signer_tier)tier);
		if ((tiers & 1u << tier) != 0)
			signer_start(self, (enum signer_tier)tier);
	}
}

void signer_home_end(struct signer_home *self)
{
	for (int tier = 0; tier < SIGNER_TIERS; tier++)
		signer_stop(self, (enum signer_tier)tier);
	for (int i = 0; i < WHO_COUNT; i++)
		test_person_clear(&self->who[i]);
	profiles_destroy(&self->profiles);
	buf_clear(&self->profiles_text);
	buf_clear(&self->policy);
	buf_clear(&self->root);
	buf_clear(&self->issuing);
	buf_clear(&self->responder);
	bus_net_clear(&self->net);
}

/* ---- looking at a signer ---- */

void signer_endpoint(char out[128], const struct signer_home *self, enum signer_tier tier)
{
	(void)snprintf(out, 128, "ipc://%s/bus-%s/sock", self->net.dir, tier == SIGNER_CA ? "ca" : "ocsp");
}

static int admin_connect(const struct signer_home *self, enum signer_tier tier)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.admin", self->net.dir, signer_name(tier));
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0, "%s: %s", address.sun_path,
		      strerror(errno));
	return fd;
}

void signer_metrics(struct buf *out, const struct signer_home *self, enum signer_tier tier)
{
	static const char ask[] = "GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n";
	uint8_t block[16384];
	ssize_t n;
	int fd = admin_connect(self, tier);

	buf_reset(out);
	ck_assert_int_eq(send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL), (ssize_t)sizeof ask - 1);
	while ((n = recv(fd, block, sizeof block, 0)) > 0)
		ck_ok(buf_append(out, SLICE(block, (size_t)n)));
	(void)close(fd);
}

int64_t signer_metric(struct buf *metrics, const char *line)
{
	const char *text;
	char start[160];

	ck_ok(buf_str(metrics, &text));
	(void)snprintf(start, sizeof start, "\n%s ", line);
	const char *at = strstr(text, start);
	return at == NULL ? -1 : strtoll(at + strlen(start), NULL, 10);
}

int64_t signer_journal_size(const struct signer_home *self, enum signer_tier tier)
{
	char path[PATH_ROOM];
	struct stat st;

	path_of(path, self, tier == SIGNER_CA ? "signer/ca/journal" : "signer/ocsp/journal");
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

void signer_log(struct buf *out, const struct signer_home *self, enum signer_tier tier)
{
	char path[PATH_ROOM];

	path_of_tier(path, self, tier, ".log");
	read_path(out, path);
}

void signer_peer_open(struct signer_peer *out, struct signer_home *home, const char *name, enum signer_tier tier)
{
	char endpoint[128];
	struct bus_client_conf conf = { .server = signer_name(tier), .endpoint = endpoint };

	*out = (struct signer_peer){ 0 };
	signer_endpoint(endpoint, home, tier);
	out->bus = bus_net_bus(&home->net, name);
	ck_ok(bus_client_create(&out->client, out->bus, &conf));
}

void signer_peer_close(struct signer_peer *self)
{
	bus_client_destroy(&self->client);
	bus_destroy(&self->bus);
}
