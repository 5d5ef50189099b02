/*
 * access_test.c - who gets in: TLS, the matrix of every credential against every operation, deadlines and caps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/ssl.h>

#include "client.h"

#define N "/applications/0000-0000-0000-0000-0"

/* Columns: operator1, operator3 (senior), admin1, auditor, retired, stranger. '+' gets past the door, '-' is refused. */
static const char *const people[] = { "operator1", "operator3", "admin1", "auditor", "retired", "stranger" };
static const struct {
	const char *method, *path, *allowed;
} matrix[] = {
	{ "GET", "/whoami", "++++--" },
	{ "GET", "/agreement", "++++--" },
	{ "GET", "/profiles", "++++--" },
	{ "GET", "/queue", "++++--" },
	{ "GET", N, "++++--" },
	{ "GET", N "/documents/1", "+++---" },
	{ "GET", "/orders", "++++--" },
	{ "GET", "/certificates?iin=680503450037", "++++--" },
	{ "GET", "/certificates/10", "++++--" },
	{ "POST", "/applications", "++----" },
	{ "POST", N "/claim", "++----" },
	{ "POST", N "/release", "++----" },
	{ "POST", N "/return", "++----" },
	{ "POST", N "/documents-needed", "++----" },
	{ "POST", N "/documents", "++----" },
	{ "POST", N "/resend", "++----" },
	{ "POST", "/decisions", "+++---" },
	{ "POST", "/orders", "++----" },
};

START_TEST(every_credential_against_every_operation)
{
	for (int p = 0; p < COUNT_OF(people); p++) {
		OWN(reply) r = REPLY_INIT;
		char path[200];
		bool is_post = strcmp(matrix[_i].method, "POST") == 0;

		(void)snprintf(path, sizeof path, "/api/v1%s", matrix[_i].path);
		http_send(&r, people[p], path, "application/json", SLICE_STR("{}"), is_post);
		ck_assert_int_eq(r.code, CURLE_OK);
		ck_assert_msg((r.status != 403) == (matrix[_i].allowed[p] == '+'), "%s %s as %s: %ld",
			      matrix[_i].method, matrix[_i].path, people[p], r.status);
	}
}
END_TEST

START_TEST(operations_of_applicants_do_not_exist_for_operators_and_the_reverse)
{
	OWN(reply) r = REPLY_INIT;

	http_post_text(&r, "operator1", "/api/v1" N "/confirm", "{\"code\":\"000000\"}");
	ck_assert_int_eq(r.status, 404);
	http_post_text(&r, "operator1", "/api/v1" N "/withdraw", "{}");
	ck_assert_int_eq(r.status, 404);
	http_post_text(&r, NULL, "/api/v1" N "/claim", "{}");
	ck_assert_int_eq(r.status, 404);
	http_get(&r, NULL, "/api/v1/whoami");
	ck_assert_int_eq(r.status, 404);
}
END_TEST

START_TEST(without_a_certificate_nobody_gets_in)
{
	OWN(reply) r = REPLY_INIT;

	http_get(&r, "", "/api/v1/whoami");
	ck_assert_int_eq(r.status, 0);
	ck_assert_int_ne(r.code, CURLE_OK);
}
END_TEST

START_TEST(a_certificate_of_another_ca_does_not_get_in)
{
	struct test_cert_spec spec = { .cn = "operator1", .iin = IIN_OPERATOR1, .eku = "clientAuth" };
	struct test_person forger;
	OWN(reply) r = REPLY_INIT;

	test_person_init(&forger, "rsa", &spec, NULL);
	world_write_person("forger", &forger);
	http_get(&r, "forger", "/api/v1/whoami");
	ck_assert_int_eq(r.status, 0);
	test_person_clear(&forger);
}
END_TEST

START_TEST(a_revoked_operator_is_refused_at_once)
{
	OWN(reply) r = REPLY_INIT;

	http_get(&r, "operator2", "/api/v1/whoami");
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "person"), IIN_OPERATOR2);
	ck_assert_str_eq(reply_text(&r, "role"), "operator");
	pg_sql("INSERT INTO revocation (certificate_id, issuer, serial, action, reason, revoked_at, der, digest, "
	       "ordered_by) SELECT "
	       "id, issuer, serial, 1, 1, 0, '\\x00', sha256(der), 'x' FROM certificate WHERE iin = '" IIN_OPERATOR2
	       "'");
	http_get(&r, "operator2", "/api/v1/whoami");
	ck_refused(&r, 403, "", "revoked");
}
END_TEST

START_TEST(strangers_are_told_to_the_ledger_within_bounds)
{
	OWN(reply) r = REPLY_INIT;
	int64_t before = pg_number("SELECT count(*) FROM log_pending WHERE kind = 'access.refused'");

	for (int i = 0; i < 3; i++) {
		http_get(&r, "stranger", "/api/v1/whoami");
		ck_refused(&r, 403, "", "not on the list");
	}
	int64_t after = pg_number("SELECT count(*) FROM log_pending WHERE kind = 'access.refused'");
	ck_assert_int_gt(after, before);
	ck_assert_int_le(after, 200);
}
END_TEST

START_TEST(pages_of_another_origin_are_refused)
{
	OWN(reply) r = REPLY_INIT;

	http_extra_header = "Origin: https://evil.example";
	http_get(&r, "operator1", "/api/v1/whoami");
	ck_refused(&r, 403, "", "another origin");
	char own[60];
	(void)snprintf(own, sizeof own, "Origin: https://127.0.0.1:%d", world.operators_port);
	http_extra_header = own;
	http_get(&r, "operator1", "/api/v1/whoami");
	ck_status(&r, 200);
	http_extra_header = NULL;
}
END_TEST

/* ---- the wire */

static int tcp_connect(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* Whether the peer has closed within the time. */
static bool is_closed_within(int fd, int ms)
{
	int64_t until = clock_mono_ms() + ms;

	for (int64_t left = ms; left > 0; left = until - clock_mono_ms()) {
		struct pollfd p = { fd, POLLIN, 0 };
		char bytes[256];

		if (poll(&p, 1, (int)left) > 0 && read(fd, bytes, sizeof bytes) <= 0)
			return true;
	}
	return false;
}

static SSL *tls_connect(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	ck_assert_int_eq(SSL_set_fd(ssl, fd), 1);
	return ssl;
}

START_TEST(a_dripping_client_is_closed_at_the_deadline)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int fd = tcp_connect(world.applicants_port);
	SSL *ssl = tls_connect(ctx, fd);
	static const char request[] = "GET /api/v1/agreement HTTP/1.1\r\nHost: x\r\nX-Slow: ";
	int64_t began = clock_mono_ms();

	ck_assert_int_eq(SSL_connect(ssl), 1);
	ck_assert_int_eq(SSL_write(ssl, request, sizeof request - 1), (int)sizeof request - 1);
	/* A byte each 100 ms: never idle, never whole. */
	while (!is_closed_within(fd, 100)) {
		(void)SSL_write(ssl, "a", 1);
		ck_assert_msg(clock_mono_ms() - began < 15000, "still open after 15 s");
	}
	ck_assert_msg(clock_mono_ms() - began >= 2500, "closed too early");
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	(void)close(fd);
	OWN(reply) r = REPLY_INIT;
	http_get(&r, NULL, "/api/v1/agreement");
	ck_status(&r, 200);
}
END_TEST

START_TEST(a_silent_client_is_closed_at_the_deadline)
{
	int fd = tcp_connect(world.operators_port);
	int64_t began = clock_mono_ms();

	ck_assert(is_closed_within(fd, 15000));
	ck_assert_int_ge(clock_mono_ms() - began, 2500);
	(void)close(fd);
}
END_TEST

START_TEST(one_address_has_its_cap)
{
	enum { MANY = 90 }; /* the fixture's cap is 60 */
	int fds[MANY];
	int closed = 0;

	for (int i = 0; i < MANY; i++)
		fds[i] = tcp_connect(world.applicants_port);
	int64_t until = clock_mono_ms() + 1500;
	while (closed < MANY - 60 && clock_mono_ms() < until) {
		closed = 0;
		for (int i = 0; i < MANY; i++)
			closed += is_closed_within(fds[i], 1);
	}
	ck_assert_int_ge(closed, MANY - 60);
	ck_assert_int_lt(closed, MANY);
	for (int i = 0; i < MANY; i++)
		(void)close(fds[i]);
	OWN(reply) r = REPLY_INIT;
	world_wait((http_get(&r, NULL, "/api/v1/agreement"), r.status == 200));
}
END_TEST

START_TEST(old_tls_is_refused)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int fd = tcp_connect(world.applicants_port);

	SSL_CTX_set_security_level(ctx, 0);
	ck_assert_int_eq(SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION), 1);
	SSL *ssl = tls_connect(ctx, fd);
	ck_assert_int_ne(SSL_connect(ssl), 1);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	(void)close(fd);
}
END_TEST

static const char *const garbage[] = {
	"GET /api/v1/agreement\r\n\r\n",
	"\r\n\r\n\r\n\r\n",
	"POST /api/v1/applications HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
	"POST /api/v1/applications HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
	"POST /api/v1/applications HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	"DELETE /api/v1/applications HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /api/v1/agreement HTTP/9.9\r\nHost: x\r\n\r\n",
	"\x16\x03\x01\x02garbage",
};

START_TEST(garbage_ends_no_process)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int fd = tcp_connect(world.applicants_port);
	SSL *ssl = tls_connect(ctx, fd);
	OWN(reply) r = REPLY_INIT;

	ck_assert_int_eq(SSL_connect(ssl), 1);
	(void)SSL_write(ssl, garbage[_i], (int)strlen(garbage[_i]));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	(void)close(fd);
	http_get(&r, NULL, "/api/v1/agreement");
	ck_status(&r, 200);
}
END_TEST

START_TEST(a_connection_serves_many_requests)
{
	char url[100], ca[200];
	CURL *c = curl_easy_init();
	OWN(buf) body = BUF_INIT(1 << 20);
	long connects = 0, total = 0;

	(void)snprintf(url, sizeof url, "https://127.0.0.1:%d/api/v1/agreement", world.applicants_port);
	(void)snprintf(ca, sizeof ca, "%s/root.pem", world.dir);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, reply_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
	int64_t began = clock_mono_ms();
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(curl_easy_perform(c), CURLE_OK);
		curl_easy_getinfo(c, CURLINFO_NUM_CONNECTS, &connects);
		total += connects;
	}
	ck_assert_int_eq(total, 1);
	/* Nagle and delayed acknowledgements together would take 40 ms each. */
	ck_assert_msg(clock_mono_ms() - began < 200 * 30, "%lld ms", (long long)(clock_mono_ms() - began));
	curl_easy_cleanup(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/access");
	TCase *t = tcase_create("access");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, world_create, world_destroy);
	tcase_add_loop_test(t, every_credential_against_every_operation, 0, COUNT_OF(matrix));
	tcase_add_test(t, operations_of_applicants_do_not_exist_for_operators_and_the_reverse);
	tcase_add_test(t, without_a_certificate_nobody_gets_in);
	tcase_add_test(t, a_certificate_of_another_ca_does_not_get_in);
	tcase_add_test(t, a_revoked_operator_is_refused_at_once);
	tcase_add_test(t, strangers_are_told_to_the_ledger_within_bounds);
	tcase_add_test(t, pages_of_another_origin_are_refused);
	tcase_add_test(t, a_dripping_client_is_closed_at_the_deadline);
	tcase_add_test(t, a_silent_client_is_closed_at_the_deadline);
	tcase_add_test(t, one_address_has_its_cap);
	tcase_add_test(t, old_tls_is_refused);
	tcase_add_loop_test(t, garbage_ends_no_process, 0, COUNT_OF(garbage));
	tcase_add_test(t, a_connection_serves_many_requests);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
