/*
 * ctl_test.c - nucctl against a server on a thread: what an operator sees, what is signed, and what is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/ctl.h"

#include <openssl/pem.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "support/program_run.h"
#include "ra/cli/decide.h"
#include "cli/files.h"
#include "ra/cli/order.h"
#include "stub_server.h"
#include "support/sign.h"
#include "support/suite.h"
#include "x509/name.h"

#define PROBLEM "application/problem+json"
enum { ANSWER_SIZE = 32 * 1024 };

static char folder[64];
static struct stub_server server;
static struct test_person operator1, target;
static char application[ANSWER_SIZE], not_mine[ANSWER_SIZE], other_number[ANSWER_SIZE], certificate[ANSWER_SIZE];
static uint8_t digest[SHA256_LEN]; /* of the Authorisation that is shown */

static const struct stub_answer answers[] = {
	{ "GET /api/v1/whoami", 200,
	  "{\"person\":\"900101300017\",\"name\":\"Әлия\",\"role\":\"operator\",\"office\":\"\"}", NULL },
	{ "GET /api/v1/queue", 200,
	  "{\"applications\":[{\"number\":\"AAAA\",\"kind\":\"head\",\"age_s\":5,\"may_decide\":false,\"why_not\":"
	  "\"you entered it\"}],"
	  "\"total\":7}",
	  NULL },
	{ "GET /api/v1/queue?state=in_review&kind=head", 200, "{\"applications\":[],\"total\":0}", NULL },
	{ "GET /api/v1/applications/AAAA", 200, application, NULL },
	{ "GET /api/v1/applications/a-aaa", 200, application, NULL },
	{ "GET /api/v1/applications/BBBB", 200, not_mine, NULL },
	{ "GET /api/v1/applications/CCCC", 200, other_number, NULL },
	{ "POST /api/v1/decisions", 200, "{\"applications\":[{\"number\":\"AAAA\",\"state\":\"approved_once\"}]}",
	  NULL },
	{ "POST /api/v1/applications/AAAA/claim", 200, "{\"number\":\"AAAA\",\"state\":\"in_review\"}", NULL },
	{ "POST /api/v1/applications/AAAA/return", 403, "{\"detail\":\"claimed by somebody else\"}", PROBLEM },
	{ "POST /api/v1/applications/AAAA/documents-needed", 200,
	  "{\"number\":\"AAAA\",\"state\":\"awaiting_documents\"}", NULL },
	{ "GET /api/v1/certificates/7fb1?issuer=rsa", 200, certificate, NULL },
	{ "GET /api/v1/certificates?iin=900101300017", 200,
	  "{\"certificates\":[{\"serial\":\"7fb1\",\"state\":\"valid\"}]}", NULL },
	{ "POST /api/v1/orders", 200, "{\"serial\":\"7fb1\",\"action\":\"revoke\"}", NULL },
	{ NULL, 0, NULL, NULL },
};

/* ---------------------------------------------------------------- what the service answers */

static void authorisation_make(struct buf *out, const char *number)
{
	static const struct name_rule rules[] = { { NAME_CN, false }, { NAME_SERIALNUMBER, false } };
	const struct name_fields fields = { .surname = "ТЕСТОВ", .given = "ТЕСТ", .iin = "800416300257" };
	OWN(buf) subject = BUF_INIT(1024);
	uint8_t zeros[32] = { 0 };
	struct authorisation a = {
		.application_number = SLICE_STR(number),
		.kind = SLICE_STR("individual"),
		.purpose = SLICE_STR("sign"),
		.issuer = SLICE_STR("rsa"),
		.profile = SLICE_STR("individual-sign"),
		.public_key = buf_slice(&target.spki),
		.max_validity_s = 365 * 86400,
		.channel = CHANNEL_COUNTER,
		.entered_by = SLICE_STR("680503450037"),
		.agreement_digest = SLICE(zeros, 32),
		.expires_at = clock_now_s() + 3600,
		.nonce = SLICE(zeros, 16),
	};

	ck_ok(name_build(&subject, rules, COUNT_OF(rules), &fields));
	a.subject = buf_slice(&subject);
	ck_ok(authorisation_encode(out, &a));
}

/* The Authorisation may belong to another number. */
static void application_write(char out[ANSWER_SIZE], const char *number, const char *authorised, bool may_decide)
{
	OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
	OWN(json) request = json_pack("{s:s, s:s}", "purpose", "sign", "profile", "individual-sign");

	authorisation_make(&der, authorised);
	der_sha256(digest, buf_slice(&der));
	ck_ok(request_base64(request, "authorisation", buf_slice(&der)));
	OWN(json)
	answer = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:[O], s:[{s:s}], s:[{s:s}]}", "number",
			   number, "kind", "individual", "channel", "counter", "issuer", "rsa", "entered_by",
			   "680503450037", "iin", "800416300257", "surname", "Тестов", "given_name", "Тест",
			   "may_decide", may_decide, "why_not", may_decide ? "" : "you entered it", "requests", request,
			   "decisions", "person", "680503450037", "history", "to", "submitted");
	char *dump = json_dumps(answer, 0);
	(void)snprintf(out, ANSWER_SIZE, "%s", dump);
	free(dump);
}

static void certificate_write(const char *pending)
{
	OWN(buf) pem = BUF_INIT(CERT_MAX_BYTES);
	const char *text;

	ck_ok(cert_to_pem(&pem, buf_slice(&target.der)));
	ck_ok(buf_str(&pem, &text));
	OWN(json)
	answer = json_pack("{s:s, s:s, s:s, s:[{s:s}]}", "serial", "7fb1", "state", "valid", "pem", text, "orders",
			   "action", "hold");
	if (pending != NULL)
		json_object_set_new(answer, "pending", json_pack("[{s:s}]", "order", pending));
	char *dump = json_dumps(answer, 0);
	(void)snprintf(certificate, sizeof certificate, "%s", dump);
	free(dump);
}

static void person_write(void)
{
	OWN(buf) pem = BUF_INIT(CERT_MAX_BYTES);

	ck_assert_int_eq(mkdir("operators", 0700), 0);
	FILE *file = fopen("operators/operator1.key", "w");
	ck_assert_int_eq(PEM_write_PKCS8PrivateKey(file, operator1.key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
	ck_ok(cert_to_pem(&pem, buf_slice(&operator1.der)));
	ck_ok(file_write("operators/operator1.pem", buf_slice(&pem), 0644, true));
}

static void setup(void)
{
	const struct test_cert_spec spec = { .cn = "TARGET", .serial = 0x7fb1 };

	(void)snprintf(folder, sizeof folder, "/tmp/nuc-ctl.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	test_staff_init(&operator1, "900101300017");
	test_person_init(&target, "p256", &spec, NULL);
	person_write();
	application_write(not_mine, "BBBB", "BBBB", false);
	application_write(other_number, "CCCC", "AAAA", true);
	application_write(application, "AAAA", "AAAA", true);
	certificate_write(NULL);
	stub_start(&server, answers);
	(void)unsetenv("NUC_HOME");
	(void)setenv("NUC_OPERATOR_URL", server.url, 1);
}

static void teardown(void)
{
	stub_stop(&server);
	test_person_clear(&operator1);
	test_person_clear(&target);
	(void)chdir("/");
	shell("rm -rf %s", folder);
}

static void expect(int code, const char *part, const char *words)
{
	char line[400];

	(void)snprintf(line, sizeof line, "--home . --as operator1 %s", words);
	program_expect(&nucctl_program, code, part, line);
}

/* The member of the last body that was posted. */
static void posted(struct buf *out, const char *member)
{
	OWN(json) body = json_loads(server.asked[server.num_asked - 1].body, 0, NULL);

	out->len = 0;
	ck_assert_ptr_nonnull(body);
	ck_ok(answer_base64(out, body, member));
}

/* ---------------------------------------------------------------- looking */

START_TEST(looking)
{
	expect(0, "name              Әлия\nrole              operator\n", "whoami");
	expect(0,
	       "NUMBER  KIND  CHANNEL  STATE  APPLICANT  IIN  BIN  AGE S  CLAIMED BY  YOURS  WHY NOT\n"
	       "AAAA    head  -        -      -          -    -    5      -           no     you entered it\n"
	       "1 of 7; see --limit",
	       "queue");
	expect(0, "NUMBER", "queue --state in_review --kind head");
	expect(0, "\"total\": 7", "queue --json");
	expect(0, "subject     CN=ТЕСТОВ ТЕСТ", "show AAAA");
	expect(0, "attention         what would be signed says number \"AAAA\", the application says \"CCCC\"",
	       "show CCCC");
	expect(0, "state             valid", "cert 7fb1");
	expect(0, "BEGIN CERTIFICATE", "cert 7fb1 --pem");
	expect(0, "7fb1", "cert --iin 900101300017");
	expect(2, "cert needs a serial number, --iin, --bin or --query", "cert");
	expect(1, "incident is not available in this version", "incident plan");
	expect(2, "option --share FILE is missing", "key activate");
}
END_TEST

START_TEST(work_without_a_signature)
{
	expect(0, "state             in_review", "claim AAAA");
	expect(1, "nucctl: claimed by somebody else\n", "return AAAA --reason photo --text blurred");
	ck_assert_str_eq(server.asked[server.num_asked - 1].body, "{\"reason\":\"photo\",\"text\":\"blurred\"}");
	expect(0, "awaiting_documents", "documents AAAA --need charter");
	expect(2, "option --need TEXT is missing", "documents AAAA");
}
END_TEST

/* ---------------------------------------------------------------- deciding */

START_TEST(approve_signs_exactly_what_was_shown)
{
	OWN(buf) der = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	struct authority_signature signature;
	struct decision decision;

	expect(0, "CN=ТЕСТОВ ТЕСТ", "approve a-aaa");
	expect(0, "AAAA    approved_once", "approve AAAA --valid-days 2");
	ck_assert_str_eq(server.asked[server.num_asked - 1].request, "POST /api/v1/decisions");
	posted(&der, "decision");
	posted(&cms, "signature");
	ck_ok(authority_cms_verify(&signature, buf_slice(&cms), buf_slice(&der)));
	ck_assert(memcmp(signature.cert.key_hash, operator1.key_hash, SHA256_LEN) == 0);
	ck_ok(decision_decode(&decision, buf_slice(&der)));
	ck_assert_int_eq(decision.kind, DECISION_AUTHORISATIONS);
	ck_assert_int_eq(decision.verdict, DECISION_APPROVE);
	ck_assert_int_eq(decision.expires_at - decision.decided_at, 2 * 86400);
	ck_assert_uint_eq(decision.num_digests, 1);
	ck_assert(decision_has(&decision, digest));
}
END_TEST

START_TEST(reject_signs_with_its_reason)
{
	OWN(buf) der = BUF_INIT(DECISION_MAX_BYTES);
	struct decision decision;

	expect(0, "approved_once", "reject AAAA --reason false_data --text no~such~person");
	posted(&der, "decision");
	ck_ok(decision_decode(&decision, buf_slice(&der)));
	ck_assert_int_eq(decision.verdict, DECISION_REJECT);
	ck_assert(slice_equal(decision.reason, SLICE_STR("false_data")));
	ck_assert_ptr_nonnull(strstr(server.asked[server.num_asked - 1].body, "\"reason_text\":\"no such person\""));
	expect(2, "option --reason CODE is missing", "reject AAAA");
	expect(0, "", "reject BBBB --reason false_data"); /* what is not mine to approve may still be refused */
}
END_TEST

START_TEST(nothing_is_signed_when_one_is_not_right)
{
	expect(1, "BBBB is not yours to decide: you entered it", "approve AAAA BBBB");
	expect(1, "number: what would be signed says number \"AAAA\", the application says \"CCCC\"",
	       "approve AAAA CCCC");
	expect(1, "with status 404", "approve AAAA DDDD");
	expect(2, "--valid-days is a number from 1 to 30", "approve AAAA --valid-days 31");
	for (size_t i = 0; i < server.num_asked; i++)
		ck_assert_msg(strncmp(server.asked[i].request, "POST", 4) != 0, "%s", server.asked[i].request);
}
END_TEST

/* ---------------------------------------------------------------- orders */

START_TEST(revoke_names_the_certificate_by_its_digest)
{
	OWN(buf) der = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	struct status_order order;
	uint8_t expected[SHA256_LEN];

	expect(0, "action            revoke", "revoke 7fb1 --reason keyCompromise --ground заявление");
	posted(&der, "order");
	ck_ok(status_order_decode(&order, buf_slice(&der)));
	der_sha256(expected, buf_slice(&target.der));
	ck_assert(slice_equal(order.certificate_digest, SLICE(expected, sizeof expected)));
	expect(2, "option --ground TEXT is missing", "revoke 7fb1 --reason keyCompromise");
	expect(1, "lost is no reason for revoke", "revoke 7fb1 --reason lost --ground x");
}
END_TEST

START_TEST(release_signs_the_order_that_waits)
{
	OWN(key_store) store = NULL;
	OWN(json) first = NULL;
	OWN(buf) proposed = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(buf) signed_order = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	const struct key_password none = { 0 };
	const struct order_terms terms = { .action = ORDER_RELEASE,
					   .issuer = "rsa",
					   .serial = "7fb1",
					   .certificate = buf_slice(&target.der),
					   .ground = "first" };

	ck_ok(key_store_open(&store, "file:operators/operator1.key,operators/operator1.pem", &none));
	ck_ok(order_request(&first, store, &terms));
	ck_ok(answer_base64(&proposed, first, "order"));
	certificate_write(answer_text_or(first, "order", ""));
	expect(0, "", "release 7fb1 --ground second");
	posted(&signed_order, "order");
	ck_assert(slice_equal(buf_slice(&proposed), buf_slice(&signed_order)));
	expect(0, "", "hold 7fb1 --ground other"); /* another action: an order of its own */
	posted(&signed_order, "order");
	ck_assert(!slice_equal(buf_slice(&proposed), buf_slice(&signed_order)));
}
END_TEST

/* ---------------------------------------------------------------- the signer's socket */

static void *admin_run(void *arg)
{
	int *listener = arg;
	char text[2000];
	int fd = accept(*listener, NULL, NULL);

	if (read(fd, text, sizeof text) > 0)
		dprintf(fd, "HTTP/1.1 503 X\r\nContent-Length: 17\r\nConnection: close\r\n\r\nkeys: not loaded\n");
	(void)close(fd);
	return NULL;
}

START_TEST(key_status_over_the_admin_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "admin/signd-ca.sock" };
	pthread_t thread;

	expect(3, "could not be reached", "key status");
	ck_assert_int_eq(mkdir("admin", 0700), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, admin_run, &fd), 0);
	expect(1, "signd-ca          not ready\nkeys: not loaded\n", "key status");
	(void)pthread_join(thread, NULL);
	(void)close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/ctl");
	TCase *t = tcase_create("ctl");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, looking);
	tcase_add_test(t, work_without_a_signature);
	tcase_add_test(t, approve_signs_exactly_what_was_shown);
	tcase_add_test(t, reject_signs_with_its_reason);
	tcase_add_test(t, nothing_is_signed_when_one_is_not_right);
	tcase_add_test(t, revoke_names_the_certificate_by_its_digest);
	tcase_add_test(t, release_signs_the_order_that_waits);
	tcase_add_test(t, key_status_over_the_admin_socket);
	suite_add_tcase(s, t);
	return suite_main(s);
}
