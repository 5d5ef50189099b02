/*
 * signer_world.h - a whole signer of either tier in a temporary folder: keys, certificates, Policy, journal; and what its
 * peers send it: requests for certificates and orders, decided by the world's people.
 *
 * Builds on policy_world.h (its CA, its people, its clock).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CA_SIGN_SIGNER_WORLD_H
#define TESTS_CA_SIGN_SIGNER_WORLD_H

#pragma GCC diagnostic ignored "-Wunused-function"

#include "policy_world.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "ca/sign/certs.h"
#include "ca/sign/orders.h"
#include "ca/sign/policies.h"
#include "base/text.h"
#include "x509/pem.h"

enum { PER_HOUR = 20, PER_DAY = 30 };

struct signer_world {
	char dir[64];
	char ca_dir[96], ca_keys[96], ocsp_keys[96], ca_journal[96], ocsp_journal[96], policy_file[96], journal_pub[96];
	char pins[2][65];
	struct test_person admin2, responder;
	struct buf policy; /* the SignedPolicy, version 1 */
	struct signd_conf ca_conf, ocsp_conf; /* a test may change them */
	struct signd_conf ca_owned, ocsp_owned;
	struct metrics *metrics;
	struct signd_state *ca, *ocsp;
};
static struct signer_world sw;

static void write_file(const char *path, struct slice bytes, mode_t mode)
{
	FILE *f = fopen(path, "wb");

	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void write_key(const char *folder, const char *name, EVP_PKEY *key)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "wb");
	ck_assert(f != NULL && PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static void write_cert(const char *name, struct slice der)
{
	OWN(buf) text = BUF_INIT(65536);
	char path[200];

	(void)snprintf(path, sizeof path, "%s/rsa/%s.pem", sw.ca_dir, name);
	ck_ok(pem_write(&text, der, PEM_CERTIFICATE));
	write_file(path, buf_slice(&text), 0644);
}

/* Staff as in policy_world.h and a second administrator; appends the Policy of that version. */
static void policy_text(struct buf *out, int64_t version)
{
	const struct slice name = SLICE_STR("ОПЕРАТОР");
	struct staff staff[] = {
		{ SLICE_STR("000000000001"), name, ROLE_OPERATOR, SLICE_NONE, SLICE(world.who[OP1].key_hash, 32), 0,
		  NOW + 9000000 },
		{ SLICE_STR("000000000002"), name, ROLE_OPERATOR, SLICE_NONE, SLICE(world.who[OP2].key_hash, 32), 0,
		  NOW + 9000000 },
		{ SLICE_STR("000000000003"), name, ROLE_ADMINISTRATOR, SLICE_NONE, SLICE(world.who[ADMIN].key_hash, 32),
		  0, NOW + 9000000 },
		{ SLICE_STR("000000000004"), name, ROLE_ADMINISTRATOR, SLICE_NONE, SLICE(sw.admin2.key_hash, 32), 0,
		  NOW + 9000000 },
	};
	struct identifier services[] = { { SLICE_STR("digital-id"), SLICE(world.who[SERVICE].key_hash, 32), PER_HOUR,
					   PER_DAY } };
	const struct policy p = { .version = version,
				  .profiles = buf_slice(&world.profiles_text),
				  .staff = staff,
				  .num_staff = COUNT_OF(staff),
				  .identifiers = services,
				  .num_identifiers = COUNT_OF(services),
				  .clock_back_s = 300,
				  .clock_ahead_s = 60 };

	ck_ok(policy_encode(out, &p));
}

static void policy_signed(struct buf *out, int64_t version, const struct test_person *first,
			  const struct test_person *second)
{
	OWN(buf) policy = BUF_INIT(POLICY_MAX_BYTES);
	const struct test_person *who[2] = { first, second };

	policy_text(&policy, version);
	buf_reset(out);
	test_policy_sign(out, buf_slice(&policy), who, second == NULL ? 1 : 2, clock_now_s());
}

/* Reads settings through their table, so that what a test does not name has its default. */
static void conf_fill(struct signd_conf *out, struct signd_conf *owned, bool is_ca)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	char path[128];
	const char *text = "";

	(void)snprintf(path, sizeof path, "%s/signd.conf", sw.dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(
		f,
		"admin = { socket = \"unused\"; };\nbus = { keys_dir = \"unused\"; name = \"x\"; peers = \"unused\"; "
		"listen = \"ipc:///unused\"; };\nsigner = { tier = \"%s\"; issuers = [ \"rsa\" ]; ca_dir = \"%s\"; "
		"keys_dir = \"%s\"; journal = \"%s\"; policy = \"%s\"; administrators = [ %s%s%s%s%s ]; "
		"journal_key = \"%s\"; };\n",
		is_ca ? "ca" : "ocsp", sw.ca_dir, is_ca ? sw.ca_keys : sw.ocsp_keys,
		is_ca ? sw.ca_journal : sw.ocsp_journal, is_ca ? sw.policy_file : "", is_ca ? "\"" : "",
		is_ca ? sw.pins[0] : "", is_ca ? "\", \"" : "", is_ca ? sw.pins[1] : "", is_ca ? "\"" : "",
		is_ca ? "" : sw.journal_pub);
	ck_assert_int_eq(fclose(f), 0);
	ck_ok(conf_read(owned, signd_conf_rows, signd_num_conf_rows, path, &problems));
	signd_conf_check(owned, &problems);
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(problems.num == 0, "%s", text);
	*out = *owned;
}

static void keys_make(void)
{
	OWN(buf) text = BUF_INIT(4096);
	OWN(buf) spki = BUF_INIT(4096);
	EVP_PKEY *log_key = test_key("ed25519"), *journal_key = test_key("ed25519");
	const uint8_t *p = world.ca.issuing.p;
	struct test_person issuing = { .key = world.ca.key, .cert = d2i_X509(NULL, &p, (long)world.ca.issuing.len) };
	const struct test_cert_spec spec = {
		.cn = "OCSP RESPONDER", .eku = "OCSPSigning", .serial = 77, .not_after_at = NOW + 5000000
	};

	test_person_init(&sw.responder, "p256", &spec, &issuing);
	X509_free(issuing.cert);
	write_key(sw.ca_keys, "rsa.ca.key", world.ca.key);
	write_key(sw.ca_keys, "journal.key", journal_key);
	write_key(sw.ocsp_keys, "rsa.ocsp.key", sw.responder.key);
	write_key(sw.ocsp_keys, "log.key", log_key);
	ck_ok(suite_spki(&spki, journal_key));
	ck_ok(pem_write(&text, buf_slice(&spki), "PUBLIC KEY"));
	write_file(sw.journal_pub, buf_slice(&text), 0644);
	write_cert("issuing", buf_slice(&world.ca.issuing));
	write_cert("ocsp", buf_slice(&sw.responder.der));
	EVP_PKEY_free(log_key);
	EVP_PKEY_free(journal_key);
}

static void silent(void *arg, const char *line)
{
	(void)arg;
	if (getenv("NUC_TEST_LOG") != NULL)
		(void)fprintf(stderr, "%s\n", line);
}

static struct signd_state *signer_open(bool is_ca)
{
	struct signd_state *s = NULL;

	ck_ok(signd_state_open(&s, is_ca ? &sw.ca_conf : &sw.ocsp_conf, sw.metrics));
	return s;
}

/* The signer dies and comes back. */
static void ca_restart(void)
{
	signd_state_close(&sw.ca);
	sw.ca = signer_open(true);
}

static void ocsp_restart(void)
{
	signd_state_close(&sw.ocsp);
	sw.ocsp = signer_open(false);
}

static void paths_make(void)
{
	char path[128];

	(void)snprintf(sw.dir, sizeof sw.dir, "/tmp/nuc-signer-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(sw.dir));
	(void)snprintf(sw.ca_dir, sizeof sw.ca_dir, "%s/ca", sw.dir);
	(void)snprintf(sw.ca_keys, sizeof sw.ca_keys, "%s/ca-keys", sw.dir);
	(void)snprintf(sw.ocsp_keys, sizeof sw.ocsp_keys, "%s/ocsp-keys", sw.dir);
	(void)snprintf(sw.ca_journal, sizeof sw.ca_journal, "%s/ca.journal", sw.dir);
	(void)snprintf(sw.ocsp_journal, sizeof sw.ocsp_journal, "%s/ocsp.journal", sw.dir);
	(void)snprintf(sw.policy_file, sizeof sw.policy_file, "%s/policy.der", sw.dir);
	(void)snprintf(sw.journal_pub, sizeof sw.journal_pub, "%s/journal.pub", sw.dir);
	(void)snprintf(path, sizeof path, "%s/rsa", sw.ca_dir);
	ck_assert(mkdir(sw.ca_dir, 0755) == 0 && mkdir(path, 0755) == 0 && mkdir(sw.ca_keys, 0700) == 0 &&
		  mkdir(sw.ocsp_keys, 0700) == 0);
}

static void signer_world_begin(void)
{
	log_set_sink(silent, NULL);
	world_begin();
	memset(&sw, 0, sizeof sw);
	paths_make();
	test_staff_init(&sw.admin2, "000000000004");
	keys_make();
	(void)text_hex_fixed(sw.pins[0], SLICE(world.who[ADMIN].key_hash, 32));
	(void)text_hex_fixed(sw.pins[1], SLICE(sw.admin2.key_hash, 32));
	sw.policy = (struct buf)BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	policy_signed(&sw.policy, 1, &world.who[ADMIN], &sw.admin2);
	write_file(sw.policy_file, buf_slice(&sw.policy), 0600);
	conf_fill(&sw.ca_conf, &sw.ca_owned, true);
	conf_fill(&sw.ocsp_conf, &sw.ocsp_owned, false);
	ck_ok(metrics_create(&sw.metrics, signd_metrics, signd_num_metrics));
	sw.ca = signer_open(true);
	sw.ocsp = signer_open(false);
}

static void signer_world_end(void)
{
	char command[128];

	signd_state_close(&sw.ca);
	signd_state_close(&sw.ocsp);
	metrics_destroy(&sw.metrics);
	conf_clear(&sw.ca_owned, signd_conf_rows, signd_num_conf_rows);
	conf_clear(&sw.ocsp_owned, signd_conf_rows, signd_num_conf_rows);
	test_person_clear(&sw.admin2);
	test_person_clear(&sw.responder);
	buf_clear(&sw.policy);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", sw.dir);
	ck_assert_int_eq(system(command), 0);
	world_end();
	log_set_sink(NULL, NULL);
}

static int64_t refusals(const char *word)
{
	return metrics_get(sw.metrics, signd_reason_metric(word));
}

/* ---- a request for a certificate, decided by the identification service */

struct request {
	struct authorisation a;
	struct buf subject, spki, der, tbs;
	char number[16];
	uint8_t nonce[16], agreement[32], digest[SHA256_LEN];
	struct serial serial;
	struct test_decision decision;
	struct msg_signed_decision evidence;
	struct slice named[1];
	struct msg_sign_cert_item item;
};

static void request_clear(struct request *r)
{
	buf_clear(&r->subject);
	buf_clear(&r->spki);
	buf_clear(&r->der);
	buf_clear(&r->tbs);
	test_decision_clear(&r->decision);
}
OWN_TYPE(request, struct request, request_clear)

/* Renders the TBS again after the serial was changed. */
static void request_render(struct request *r)
{
	buf_reset(&r->tbs);
	ck_ok(world_render(&r->tbs, &r->a, &r->serial, clock_now_s(), buf_slice(&world.ca.issuing)));
	r->item.tbs = buf_slice(&r->tbs);
	r->item.serial = r->serial;
	r->item.not_before_at = clock_now_s();
}

static void request_init(struct request *r, int n)
{
	char hex[41];

	*r = (struct request){ .subject = BUF_INIT(4096),
			       .spki = BUF_INIT(4096),
			       .der = BUF_INIT(AUTHORISATION_MAX_BYTES),
			       .tbs = BUF_INIT(CERT_TBS_MAX) };
	(void)snprintf(r->number, sizeof r->number, "AAAA-%04d", n);
	(void)snprintf(hex, sizeof hex, "4f0011223344556677889900aabbccddeef%05x", (unsigned)n);
	r->serial = fixture_serial(hex);
	r->nonce[0] = (uint8_t)n;
	r->nonce[1] = (uint8_t)(n >> 8);
	world_subject(&r->subject, "individual-auth", &fixture_testov);
	fixture_spki(&r->spki, "rsa2048");
	r->a = (struct authorisation){ .application_number = SLICE_STR(r->number),
				       .kind = SLICE_STR("individual"),
				       .purpose = SLICE_STR("auth"),
				       .issuer = SLICE_STR("rsa"),
				       .profile = SLICE_STR("individual-auth"),
				       .subject = buf_slice(&r->subject),
				       .public_key = buf_slice(&r->spki),
				       .emails = { SLICE_STR("test@example.kz") },
				       .num_emails = 1,
				       .key_storage = oid(OID_NUC_STORAGE_PKCS12),
				       .max_validity_s = 365 * 86400,
				       .channel = CHANNEL_REMOTE,
				       .agreement_digest = SLICE(r->agreement, 32),
				       .expires_at = NOW + 10000000,
				       .nonce = SLICE(r->nonce, 16) };
	ck_ok(authorisation_encode(&r->der, &r->a));
	der_sha256(r->digest, buf_slice(&r->der));
	test_decide(&r->decision, &world.who[SERVICE], DECISION_AUTHORISATIONS, (const uint8_t(*)[SHA256_LEN])r->digest,
		    1, clock_now_s());
	r->evidence =
		(struct msg_signed_decision){ buf_slice(&r->decision.decision), buf_slice(&r->decision.signature) };
	r->named[0] = SLICE(r->decision.digest, SHA256_LEN);
	r->item = (struct msg_sign_cert_item){ .authorisation = buf_slice(&r->der),
					       .decisions = r->named,
					       .num_decisions = 1 };
	request_render(r);
}

/* The answer to a batch of requests, decoded. */
struct batch_answer {
	struct buf der;
	struct msg_sign_cert_ok ok;
};

static void batch_answer_clear(struct batch_answer *self)
{
	msg_sign_cert_ok_clear(&self->ok);
	buf_clear(&self->der);
}
OWN_TYPE(batch_answer, struct batch_answer, batch_answer_clear)

static struct err *batch_send(struct batch_answer *out, struct request *const *requests, size_t num)
{
	struct msg_signed_decision evidence[64];
	struct msg_sign_cert_item items[64];
	struct msg_sign_cert batch = { evidence, num, NULL, 0, items, num, NULL };

	for (size_t i = 0; i < num; i++) {
		evidence[i] = requests[i]->evidence;
		items[i] = requests[i]->item;
	}
	*out = (struct batch_answer){ .der = BUF_INIT(32 << 20) };
	TRY(certs_sign(sw.ca, "cad", &batch, &out->der));
	return msg_sign_cert_ok_decode(&out->ok, buf_slice(&out->der));
}

/* Sends one and expects its outcome; reason "" = signed. */
static void expect_one(struct request *r, const char *reason)
{
	OWN(batch_answer) answer = { 0 };
	struct request *list[1] = { r };

	ck_ok(batch_send(&answer, list, 1));
	ck_assert_uint_eq(answer.ok.num_items, 1);
	const struct msg_sign_cert_result *got = &answer.ok.items[0];
	ck_assert_msg(slice_equal(got->reason, SLICE_STR(reason)), "\"%.*s\" instead of \"%s\": %.*s",
		      (int)got->reason.len, (const char *)got->reason.p, reason, (int)got->text.len,
		      (const char *)got->text.p);
	ck_assert_int_eq(got->status == MSG_ITEM_DONE, reason[0] == '\0');
}

/* Signs a certificate and gives it whole. */
static void issue(struct request *r, struct buf *out_certificate, struct cert *out)
{
	OWN(batch_answer) answer = { 0 };
	struct request *list[1] = { r };
	struct cert ca;

	ck_ok(batch_send(&answer, list, 1));
	ck_assert_msg(answer.ok.items[0].status == MSG_ITEM_DONE, "%.*s", (int)answer.ok.items[0].text.len,
		      (const char *)answer.ok.items[0].text.p);
	ck_ok(cert_assemble(out_certificate, answer.ok.items[0].tbs, suite_by_name("ecdsa-p256-sha256"),
			    answer.ok.items[0].signature));
	ck_ok(cert_parse(out, buf_slice(out_certificate)));
	ck_ok(cert_parse(&ca, buf_slice(&world.ca.issuing)));
	ck_ok(cert_verify(out, &ca));
}

/* ---- an order about a certificate, decided by operators */

struct order_request {
	struct status_order o;
	struct buf der;
	uint8_t nonce[16], digest[SHA256_LEN], target[SHA256_LEN];
	struct test_decision decisions[2];
	struct msg_signed_decision evidence[2];
	struct slice named[2], certificates[1];
	struct msg_order_item item;
	size_t num;
};

static void order_request_clear(struct order_request *r)
{
	buf_clear(&r->der);
	for (int i = 0; i < 2; i++)
		test_decision_clear(&r->decisions[i]);
}
OWN_TYPE(order_request, struct order_request, order_request_clear)

static void order_init(struct order_request *r, const struct cert *c, enum order_action action, int64_t reason,
		       uint8_t nonce)
{
	*r = (struct order_request){ .der = BUF_INIT(STATUS_ORDER_MAX_BYTES),
				     .nonce = { nonce },
				     .num = action == ORDER_RELEASE ? 2 : 1 };
	memcpy(r->target, c->digest, SHA256_LEN);
	r->o = (struct status_order){ .issuer = SLICE_STR("rsa"),
				      .serial = c->serial,
				      .certificate_digest = SLICE(r->target, SHA256_LEN),
				      .action = action,
				      .reason = reason,
				      .revoked_at = clock_now_s() - 5,
				      .ground = SLICE_STR("решение суда"),
				      .nonce = SLICE(r->nonce, 16) };
	r->certificates[0] = c->der;
	ck_ok(status_order_encode(&r->der, &r->o));
	der_sha256(r->digest, buf_slice(&r->der));
	for (size_t i = 0; i < r->num; i++) {
		test_decide(&r->decisions[i], &world.who[i == 0 ? OP1 : OP2], DECISION_ORDERS,
			    (const uint8_t(*)[SHA256_LEN])r->digest, 1, clock_now_s());
		r->evidence[i] = (struct msg_signed_decision){ buf_slice(&r->decisions[i].decision),
							       buf_slice(&r->decisions[i].signature) };
		r->named[i] = SLICE(r->decisions[i].digest, SHA256_LEN);
	}
	r->item = (struct msg_order_item){ buf_slice(&r->der), r->named, r->num };
}

/* Sends one order and expects its outcome; gives its number. */
static int64_t expect_order(struct order_request *r, const char *reason)
{
	struct msg_order batch = { r->evidence, r->num, r->certificates, 1, &r->item, 1, NULL };
	OWN(buf) der = BUF_INIT(32 << 20);
	OWN(msg_order_ok) ok = { 0 };

	ck_ok(orders_accept(sw.ca, "cad", &batch, &der));
	ck_ok(msg_order_ok_decode(&ok, buf_slice(&der)));
	ck_assert_uint_eq(ok.num_items, 1);
	ck_assert_msg(slice_equal(ok.items[0].reason, SLICE_STR(reason)), "\"%.*s\" instead of \"%s\": %.*s",
		      (int)ok.items[0].reason.len, (const char *)ok.items[0].reason.p, reason,
		      (int)ok.items[0].text.len, (const char *)ok.items[0].text.p);
	ck_assert_int_eq(ok.items[0].status == MSG_ITEM_DONE, reason[0] == '\0');
	return ok.items[0].seq;
}

#endif
