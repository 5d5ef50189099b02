/*
 * world.h - a real rad for tests: its own database, CA, staff, Policy, bus keys, a cad that counts prompts, and a
 * simulator of SMS gateway and identification service; and the HTTPS client that talks to it.
 *
 * Made once for a group of tests by world_create() in the parent process (an unchecked fixture); tests run in forked
 * children and see rad only through its ports and the database. What parent and children share is in `shared`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_RA_WORLD_H
#define TESTS_RA_WORLD_H

#include "simulator.h"

#define IIN_OPERATOR1 "680503450037"
#define IIN_OPERATOR2 "800416300257"
#define IIN_OPERATOR3 "871008401427"
#define IIN_ADMIN1    "900101300017"
#define IIN_ADMIN2    "830717350867"
#define IIN_AUDITOR   "061211600012"
#define IIN_RETIRED   "900101300811"

/* ---- files */

static inline void world_write(const char *name, const void *bytes, size_t len)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", world.dir, name);
	FILE *f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static inline void world_write_person(const char *name, const struct test_person *p)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s.pem", world.dir, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, p->cert), 1);
	(void)fclose(f);
	(void)snprintf(path, sizeof path, "%s/%s.key", world.dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
}

static inline void world_append_certificate(const char *name, const struct test_person *p)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s.pem", world.dir, name);
	FILE *f = fopen(path, "a");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(PEM_write_X509(f, p->cert), 1);
	(void)fclose(f);
}

static inline void world_hex(struct buf *out, struct slice bytes)
{
	ck_ok(text_hex(out, bytes));
	ck_ok(buf_append_u8(out, 0));
}

/* ---- people, policy, ledger */

static inline void world_people(void)
{
	static const struct {
		const char *name, *iin;
		enum profile_role role;
	} staff[WORLD_STAFF] = {
		{ "operator1", IIN_OPERATOR1, ROLE_OPERATOR }, { "operator2", IIN_OPERATOR2, ROLE_OPERATOR },
		{ "operator3", IIN_OPERATOR3, ROLE_SENIOR },   { "admin1", IIN_ADMIN1, ROLE_ADMINISTRATOR },
		{ "admin2", IIN_ADMIN2, ROLE_ADMINISTRATOR },  { "auditor", IIN_AUDITOR, ROLE_AUDITOR },
		{ "retired", IIN_RETIRED, ROLE_OPERATOR }
	};
	struct test_cert_spec root = { .cn = "ROOT",
				       .basic = "critical,CA:TRUE",
				       .key_usage = "critical,keyCertSign,cRLSign" };
	struct test_cert_spec issuing = { .cn = "ISSUING",
					  .basic = "critical,CA:TRUE,pathlen:0",
					  .key_usage = "critical,keyCertSign,cRLSign",
					  .serial = 2 };
	struct test_cert_spec server = { .cn = "127.0.0.1", .eku = "serverAuth", .san = "IP:127.0.0.1", .serial = 3 };
	struct test_cert_spec service = { .cn = "IDENTIFICATION", .serial = 4 };

	test_person_init(&world.root, "rsa", &root, NULL);
	test_person_init(&world.issuing, "rsa", &issuing, &world.root);
	test_person_init(&world.server, "rsa", &server, &world.issuing);
	test_person_init(&world.identification, "rsa", &service, &world.issuing);
	for (int i = 0; i < WORLD_STAFF; i++) {
		struct test_cert_spec spec = { .cn = staff[i].name,
					       .iin = staff[i].iin,
					       .key_usage = "critical,digitalSignature,nonRepudiation",
					       .eku = "clientAuth,emailProtection",
					       .serial = 10 + i };

		world.staff[i].name = staff[i].name;
		world.staff[i].iin = staff[i].iin;
		world.staff[i].role = staff[i].role;
		test_person_init(&world.staff[i].person, "rsa", &spec, &world.issuing);
		world_write_person(staff[i].name, &world.staff[i].person);
	}
	struct test_cert_spec stranger = { .cn = "STRANGER", .iin = "991231300007", .eku = "clientAuth", .serial = 90 };
	test_person_init(&world.stranger, "rsa", &stranger, &world.issuing);
	world_write_person("stranger", &world.stranger);
	world_write_person("server", &world.server);
	world_append_certificate("server", &world.issuing);
	world_write_person("root", &world.root);
	world_write_person("issuing", &world.issuing);
}

static inline void world_encode_policy(struct buf *out, int64_t version)
{
	struct staff staff[WORLD_STAFF];
	struct identifier service = { .name = SLICE_STR("identification"), .per_hour = 100000, .per_day = 100000 };
	struct policy p = { .version = version,
			    .profiles = buf_slice(&world.profiles),
			    .staff = staff,
			    .num_staff = WORLD_STAFF,
			    .identifiers = &service,
			    .num_identifiers = 1,
			    .clock_back_s = 3600,
			    .clock_ahead_s = 300 };
	int64_t now = clock_now_s();

	service.key_hash = SLICE(world.identification.key_hash, 32);
	for (int i = 0; i < WORLD_STAFF; i++)
		staff[i] = (struct staff){ .person = SLICE_STR(world.staff[i].iin),
					   .name = SLICE_STR(world.staff[i].name),
					   .role = world.staff[i].role,
					   .office = SLICE_STR("astana"),
					   .key_hash = SLICE(world.staff[i].person.key_hash, 32),
					   .from_at = now - 3600,
					   .to_at = i == WORLD_STAFF - 1 ? now - 60 : now + 86400 };
	ck_ok(policy_encode(out, &p));
}

static inline void world_policy(void)
{
	const struct test_person *administrators[2] = { &world.staff[3].person, &world.staff[4].person };
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);

	world.profiles = (struct buf)BUF_INIT(PROFILES_MAX_BYTES);
	fixture_file(&world.profiles, "config/profiles.conf");
	world_encode_policy(&der, 1);
	world.policy = (struct buf)BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	test_policy_sign(&world.policy, buf_slice(&der), administrators, 2, clock_now_s());
}

/* A certificate of ours in the ledger, as the import of a ceremony writes it. */
static inline void world_know_certificate(const struct test_person *p, const char *profile, const char *iin)
{
	OWN(buf) der = BUF_INIT(64 * 1024);
	OWN(buf) key = BUF_INIT(80);
	struct cert c;
	char serial[SERIAL_HEX_SIZE];

	ck_ok(cert_parse(&c, buf_slice(&p->der)));
	world_hex(&der, c.der);
	world_hex(&key, SLICE(p->key_hash, 32));
	pg_sql("INSERT INTO certificate (issuer, serial, origin, profile, purpose, channel, der, sha256, spki_sha256, "
	       "iin, "
	       "common_name, not_before_at, not_after_at) VALUES ('rsa', '\\x%s', 'ceremony', '%s', 'sign', "
	       "'administration', "
	       "'\\x%s', sha256('\\x%s'::bytea), '\\x%s', '%s', 'NAME', %lld, %lld)",
	       serial_hex(serial, &c.serial), profile, (const char *)der.p, (const char *)der.p, (const char *)key.p,
	       iin, (long long)c.not_before_at, (long long)c.not_after_at);
	pg_sql("INSERT INTO key_claim (spki_sha256) VALUES ('\\x%s')", (const char *)key.p);
}

static inline void world_ledger(void)
{
	OWN(buf) issuing = BUF_INIT(64 * 1024);
	OWN(buf) root = BUF_INIT(64 * 1024);
	OWN(buf) policy = BUF_INIT(2 * SIGNED_POLICY_MAX_BYTES);

	world_hex(&issuing, buf_slice(&world.issuing.der));
	world_hex(&root, buf_slice(&world.root.der));
	world_hex(&policy, buf_slice(&world.policy));
	pg_sql("INSERT INTO issuer (name, certificate, root) VALUES ('rsa', '\\x%s', '\\x%s')", (const char *)issuing.p,
	       (const char *)root.p);
	pg_sql("INSERT INTO policy (version, der) VALUES (1, '\\x%s')", (const char *)policy.p);
	for (int i = 0; i < WORLD_STAFF; i++)
		world_know_certificate(&world.staff[i].person, "staff", world.staff[i].iin);
	world_know_certificate(&world.stranger, "individual-sign", "991231300007");
	world_know_certificate(&world.identification, "identification", "");
}

/* ---- rad itself */

static inline int world_free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	(void)close(fd);
	return ntohs(address.sin_port);
}

static inline void world_conf(const char *conninfo, const char *more)
{
	OWN(buf) conf = BUF_INIT(65536);
	OWN(buf) pins = BUF_INIT(200);
	char pin[65];

	ck_ok(buf_printf(&pins, "\"%s\", ", text_hex_fixed(pin, SLICE(world.staff[3].person.key_hash, 32))));
	ck_ok(buf_printf(&pins, "\"%s\"", text_hex_fixed(pin, SLICE(world.staff[4].person.key_hash, 32))));
	ck_ok(buf_printf(&conf,
			 "admin: { socket = \"%s\"; };\n"
			 "bus: { keys_dir = \"%s\"; name = \"rad\"; peers = \"%s\"; issue = \"%s\"; "
			 "events = \"ipc://%s/events\"; };\n"
			 "db: { conninfo = \"%s\"; };\n"
			 "tls: { certificate = \"%s/server.pem\"; key = \"%s/server.key\"; operators_ca = "
			 "\"%s/issuing.pem\"; };\n"
			 "policy: { pins = [ %.*s ]; };\n"
			 "agreement: { file = \"%s/agreement.txt\"; };\n",
			 world.admin_socket, world.dir, world.peers, world.issue_endpoint, world.dir, conninfo,
			 world.dir, world.dir, world.dir, (int)pins.len, (const char *)pins.p, world.dir));
	ck_ok(buf_printf(
		&conf,
		"identification: { url = \"http://127.0.0.1:%d/identify\"; timeout_ms = 5000; attempts = 2; };\n"
		"sms: { url = \"http://127.0.0.1:%d/sms\"; };\n"
		"http: { applicants = \"127.0.0.1:%d\"; operators = \"127.0.0.1:%d\"; threads = 3; "
		"request_timeout_s = 3; max_per_address = 60; };\n"
		"code: { resend_s = 0; };\n%s\n",
		world.simulator_port, world.simulator_port, world.applicants_port, world.operators_port, more));
	world_write("rad.conf", conf.p, conf.len);
}

static inline size_t world_admin_data(char *bytes, size_t one, size_t n, void *arg)
{
	ck_ok(buf_append(arg, SLICE(bytes, one * n)));
	return one * n;
}

/* Asks the admin socket; the status, or 0 when nobody answers. */
static inline long world_admin_text(struct buf *out, const char *url)
{
	CURL *c = curl_easy_init();
	long status = 0;

	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, world.admin_socket);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, world_admin_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	if (curl_easy_perform(c) == CURLE_OK)
		(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(c);
	return status;
}

/* Waits for something that another process does: looks each 10 ms, for at most 20 s. */
#define world_wait(cond)                                                                                               \
	do {                                                                                                           \
		int64_t until_ = clock_mono_ms() + 20000;                                                              \
		while (!(cond)) {                                                                                      \
			ck_assert_msg(clock_mono_ms() < until_, "waited in vain for: %s", #cond);                      \
			(void)poll(NULL, 0, 10);                                                                       \
		}                                                                                                      \
	} while (0)

static inline bool world_is_ready(void)
{
	OWN(buf) text = BUF_INIT(1 << 20);

	return world_admin_text(&text, "http://localhost/readyz") == 200;
}

static inline void world_start_rad(void)
{
	char program[300], conf[200];
	const char *build = getenv("NUC_BUILD");

	ck_assert_msg(build != NULL, "NUC_BUILD is not set");
	(void)snprintf(program, sizeof program, "%s/bin/rad", build);
	(void)snprintf(conf, sizeof conf, "%s/rad.conf", world.dir);
	world.rad = fork();
	if (world.rad == 0) {
		if (getenv("NUC_TEST_LOG") == NULL) {
			char log[200];

			(void)snprintf(log, sizeof log, "%s/rad.log", world.dir);
			(void)!freopen(log, "a", stderr);
		}
		(void)execl(program, "rad", "-c", conf, (char *)NULL);
		_exit(127);
	}
	world_wait(world_is_ready());
}

/* Ends rad with the signal; its exit status, or 128 + the signal that it died of. */
static inline int world_end_rad(int signal_number)
{
	int status = 0;

	(void)kill(world.rad, signal_number);
	ck_assert_int_eq(waitpid(world.rad, &status, 0), world.rad);
	world.rad = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void world_create_with(const char *more_conf)
{
	static const char agreement[] = "Соглашение\nКелісім\nAgreement\n";
	uint8_t digest[32];
	char conninfo[PG_CONNINFO_SIZE];

	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(world.dir, sizeof world.dir, "/tmp/nuc-ra-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world.dir));
	(void)snprintf(world.admin_socket, sizeof world.admin_socket, "%s/admin.sock", world.dir);
	world.shared = mmap(NULL, sizeof *world.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(world.shared != MAP_FAILED);
	world_write("agreement.txt", agreement, sizeof agreement - 1);
	der_sha256(digest, SLICE(agreement, sizeof agreement - 1));
	(void)text_hex_fixed(world.agreement_hex, SLICE(digest, 32));
	world_people();
	world_policy();
	pg_fresh(conninfo, "nuc_ra");
	world_ledger();
	world_start_cad();
	world_start_simulator();
	world.applicants_port = world_free_port();
	world.operators_port = world_free_port();
	world_conf(conninfo, more_conf);
	world_start_rad();
}

static inline void world_create(void)
{
	world_create_with("");
}

static inline void world_remove_dir(void)
{
	char command[200];

	(void)snprintf(command, sizeof command, "rm -rf %s", world.dir);
	(void)!system(command);
}

static inline void world_destroy(void)
{
	if (world.rad != 0) {
		int status = world_end_rad(SIGTERM);

		ck_assert_msg(status == 0, "rad ended with %d", status);
	}
	(void)!write(world_stop_pipe[1], "x", 1);
	(void)pthread_join(world.simulator, NULL);
	event_free(world_stop_event);
	evhttp_free(world_http);
	event_base_free(world.simulator_base);
	world_end_cad();
	for (int i = 0; i < WORLD_STAFF; i++)
		test_person_clear(&world.staff[i].person);
	test_person_clear(&world.root);
	test_person_clear(&world.issuing);
	test_person_clear(&world.server);
	test_person_clear(&world.identification);
	test_person_clear(&world.stranger);
	buf_clear(&world.profiles);
	buf_clear(&world.policy);
	(void)munmap(world.shared, sizeof *world.shared);
	world_remove_dir();
}

#endif
