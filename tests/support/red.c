/*
 * red.c - attacks on a running signer. See red.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/red.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus/msg_sign.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/suite.h"

enum { CALL_MS = 20000, BODY_MAX = 4 << 20, METRICS_MAX = 4 << 20 };

void red_result_clear(struct red_result *self)
{
	buf_clear(&self->tbs);
	buf_clear(&self->signature);
}

static void result_error(struct red_result *result, struct err *e)
{
	const char *field = err_field(e);

	(void)snprintf(result->word, sizeof result->word, "%s", field != NULL ? field : err_code_word(err_code(e)));
	(void)snprintf(result->code, sizeof result->code, "%s", err_code_word(err_code(e)));
	(void)err_text(e, result->text, sizeof result->text);
	err_destroy(&e);
}

bool red_call(struct red_result *result, struct signer_peer *peer, struct buf *out, uint16_t type, struct buf *body)
{
	struct err *e = bus_client_call(peer->client, out, type, body, CALL_MS);

	if (e == NULL)
		return true;
	result_error(result, e);
	return false;
}

/* ---- watching ---- */

static void status_read(struct red_watch *w)
{
	OWN(buf) body = BUF_INIT(16);
	OWN(buf) answer = BUF_INIT(65536);
	OWN(msg_signer_status) status = { 0 };

	ck_ok(msg_empty_encode(&body, &(struct msg_empty){ 0 }));
	ck_ok(bus_client_call(w->peer.client, &answer, MSG_SIGNER_STATUS, &body, CALL_MS));
	ck_ok(msg_signer_status_decode(&status, buf_slice(&answer)));
	w->policy_version = status.policy_version;
	w->event_seq = status.event_seq;
	w->order_seq = status.order_seq;
	w->crl_number = status.num_issuers > 0 ? status.issuers[0].crl_number : 0;
	w->log_size = status.log_size;
	w->journal_size = signer_journal_size(w->home, w->tier);
}

void red_watch_begin(struct red_watch *out, struct signer_home *home, enum signer_tier tier)
{
	*out = (struct red_watch){ .home = home, .tier = tier, .metrics = BUF_INIT(METRICS_MAX) };
	signer_peer_open(&out->peer, home, "cad", tier);
	status_read(out);
	signer_metrics(&out->metrics, home, tier);
}

void red_watch_end(struct red_watch *self)
{
	signer_peer_close(&self->peer);
	buf_clear(&self->metrics);
}

static const char *const made[] = { "signd_certificates_total", "signd_orders_total", "signd_lists_total",
				    "signd_ocsp_total", "signd_heads_total" };

static void nothing_made(struct red_watch *w, struct buf *now, const char *attack)
{
	for (int i = 0; i < COUNT_OF(made); i++)
		ck_assert_msg(signer_metric(now, made[i]) == signer_metric(&w->metrics, made[i]), "%s: %s rose", attack,
			      made[i]);
}

void red_unchanged(struct red_watch *self, const char *attack)
{
	struct red_watch now = { .home = self->home, .tier = self->tier, .peer = self->peer };

	status_read(&now);
	ck_assert_msg(now.policy_version == self->policy_version, "%s: another Policy is in force", attack);
	ck_assert_msg(now.event_seq == self->event_seq, "%s: an event was written", attack);
	ck_assert_msg(now.order_seq == self->order_seq, "%s: an order was accepted", attack);
	ck_assert_msg(now.crl_number == self->crl_number, "%s: a list was signed", attack);
	ck_assert_msg(now.log_size == self->log_size, "%s: a head was signed", attack);
	/* the other tier writes down each second how much it answered */
	ck_assert_msg(self->tier == SIGNER_OCSP || now.journal_size == self->journal_size, "%s: the journal grew",
		      attack);
}

void red_refused(struct red_watch *self, const char *attack, const struct red_result *got, const char *word)
{
	OWN(buf) now = BUF_INIT(METRICS_MAX);
	char line[96];

	ck_assert_msg(!got->is_done, "%s: was done", attack);
	ck_assert_msg(strcmp(got->word, word) == 0 || strcmp(got->code, word) == 0,
		      "%s: refused as %s, expected %s: %s", attack, got->word, word, got->text);
	red_unchanged(self, attack);
	signer_metrics(&now, self->home, self->tier);
	nothing_made(self, &now, attack);
	(void)snprintf(line, sizeof line, "signd_refused_total{reason=\"%s\"}", word);
	ck_assert_msg(signer_metric(&now, line) > signer_metric(&self->metrics, line), "%s: no alarm: %s", attack,
		      line);
	(void)printf("refused  %-62s %s\n", attack, word);
	(void)fflush(stdout);
}

/* ---- a certificate ---- */

void red_ask_clear(struct red_ask *self)
{
	buf_clear(&self->subject);
	buf_clear(&self->spki);
	buf_clear(&self->authorisation);
	buf_clear(&self->tbs);
	for (size_t i = 0; i < self->num_evidence; i++)
		test_decision_clear(&self->evidence[i]);
}

static void make_subject(struct red_ask *r, const char *profile, const struct name_fields *fields)
{
	const struct profile *p = NULL;

	buf_reset(&r->subject);
	ck_ok(profiles_find_profile(&p, r->home->profiles, profile));
	ck_ok(name_build(&r->subject, p->subject, p->num_subject, fields));
	r->a.subject = buf_slice(&r->subject);
}

/* The template of a profile; the last one is kept. NULL for a profile that has none. */
static const struct cert_template *template_of(const struct signer_home *home, const char *profile)
{
	static struct cert_template *kept;
	static const struct signer_home *kept_home;
	static char kept_profile[65];

	if (kept != NULL && kept_home == home && strcmp(kept_profile, profile) == 0)
		return kept;
	cert_template_destroy(&kept);
	OWN(err) none = cert_template_compile(&kept, home->profiles, profile, "rsa", buf_slice(&home->issuing));
	kept_home = home;
	(void)snprintf(kept_profile, sizeof kept_profile, "%s", profile);
	return none == NULL ? kept : NULL;
}

void red_ask_render(struct red_ask *self, const struct authorisation *a, int64_t not_before_at)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial;
	struct cert_data data;
	char storage[OID_TEXT_SIZE], profile[65];

	(void)snprintf(profile, sizeof profile, "%.*s", (int)a->profile.len, (const char *)a->profile.p);
	const struct cert_template *t = template_of(self->home, profile);
	OWN(err) e = serial_from_octets(&serial, SLICE(self->serial, self->serial_len));
	OWN(err) d = authorisation_cert_data(&data, storage, a);
	if (t == NULL || e != NULL || d != NULL)
		return;
	OWN(err) cannot = cert_template_render(&tbs, t, &data, &serial, not_before_at);
	if (cannot == NULL) /* else the attack is about what cannot be rendered */
		ck_ok(buf_set(&self->tbs, buf_slice(&tbs)));
}

void red_ask_encode(struct red_ask *self)
{
	buf_reset(&self->authorisation);
	ck_ok(authorisation_encode(&self->authorisation, &self->a));
	der_sha256(self->digest, buf_slice(&self->authorisation));
	red_ask_render(self, &self->a, self->not_before_at);
}

void red_ask_init(struct red_ask *out, struct signer_home *home)
{
	*out = (struct red_ask){ .home = home,
				 .subject = BUF_INIT(4096),
				 .spki = BUF_INIT(4096),
				 .authorisation = BUF_INIT(AUTHORISATION_MAX_BYTES),
				 .tbs = BUF_INIT(BODY_MAX),
				 .serial_len = 20,
				 .not_before_at = clock_now_s() };
	ck_assert_int_eq(RAND_bytes(out->serial, 20), 1);
	ck_assert_int_eq(RAND_bytes(out->nonce, sizeof out->nonce), 1);
	out->serial[0] = 0x5a;
	fixture_spki(&out->spki, "rsa2048");
	out->a = (struct authorisation){ .application_number = SLICE_STR("RED1-RED2"),
					 .kind = SLICE_STR("individual"),
					 .purpose = SLICE_STR("auth"),
					 .issuer = SLICE_STR("rsa"),
					 .profile = SLICE_STR("individual-auth"),
					 .public_key = buf_slice(&out->spki),
					 .emails = { SLICE_STR("test@example.kz") },
					 .num_emails = 1,
					 .key_storage = oid(OID_NUC_STORAGE_PKCS12),
					 .max_validity_s = 365 * 86400,
					 .channel = CHANNEL_REMOTE,
					 .agreement_digest = SLICE(out->agreement, 32),
					 .expires_at = clock_now_s() + 86400,
					 .nonce = SLICE(out->nonce, 16) };
	make_subject(out, "individual-auth", &fixture_testov);
	red_ask_encode(out);
}

void red_ask_head(struct red_ask *self)
{
	self->a.kind = SLICE_STR("head");
	self->a.profile = SLICE_STR("head-auth");
	make_subject(self, "head-auth", &fixture_testov_head);
}

void red_ask_entered(struct red_ask *self, const char *person)
{
	self->a.channel = CHANNEL_COUNTER;
	self->a.entered_by = SLICE_STR(person);
}

struct decision red_approval(void)
{
	const int64_t now = clock_now_s();

	return (struct decision){ .kind = DECISION_AUTHORISATIONS,
				  .verdict = DECISION_APPROVE,
				  .decided_at = now - 3600,
				  .expires_at = now + 86400 };
}

void red_ask_decide_as(struct red_ask *self, const struct test_person *who, const struct decision *members,
		       const uint8_t digest[SHA256_LEN])
{
	size_t i = self->num_evidence++;

	ck_assert_uint_lt(i, RED_DECISIONS);
	test_decide_as(&self->evidence[i], who, members, (const uint8_t(*)[SHA256_LEN])digest, 1);
	memcpy(self->named[self->num_named++], self->evidence[i].digest, SHA256_LEN);
}

void red_ask_decide(struct red_ask *self, enum signer_who who)
{
	const struct decision members = red_approval();

	red_ask_decide_as(self, &self->home->who[who], &members, self->digest);
}

static void write_evidence(struct buf *out, const struct test_decision *evidence, size_t num)
{
	size_t one;

	for (size_t i = 0; i < num; i++) {
		ck_ok(der_open(out, &one, DER_SEQUENCE));
		ck_ok(der_octets(out, buf_slice(&evidence[i].decision)));
		ck_ok(der_octets(out, buf_slice(&evidence[i].signature)));
		ck_ok(der_close(out, one));
	}
}

static void write_item(struct buf *out, const struct red_ask *r)
{
	size_t item, names;

	ck_ok(der_open(out, &item, DER_SEQUENCE));
	ck_ok(der_octets(out, buf_slice(&r->authorisation)));
	ck_ok(der_open(out, &names, DER_SEQUENCE));
	for (size_t i = 0; i < r->num_named; i++)
		ck_ok(der_octets(out, SLICE(r->named[i], SHA256_LEN)));
	ck_ok(der_close(out, names));
	ck_ok(der_tlv(out, DER_INTEGER, SLICE(r->serial, r->serial_len)));
	ck_ok(der_int64(out, r->not_before_at));
	ck_ok(der_octets(out, buf_slice(&r->tbs)));
	ck_ok(der_close(out, item));
}

void red_batch_body(struct buf *out, const struct red_ask *asks, size_t num)
{
	size_t whole, list;

	ck_ok(der_open(out, &whole, DER_SEQUENCE));
	ck_ok(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < num; i++)
		write_evidence(out, asks[i].evidence, asks[i].num_evidence);
	ck_ok(der_close(out, list));
	ck_ok(der_open(out, &list, DER_SEQUENCE)); /* no certificates */
	ck_ok(der_close(out, list));
	ck_ok(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < num; i++)
		write_item(out, &asks[i]);
	ck_ok(der_close(out, list));
	ck_ok(der_close(out, whole));
}

void red_ask_body(struct buf *out, const struct red_ask *self)
{
	red_batch_body(out, self, 1);
}

void red_ask_send(struct red_result *out, struct signer_peer *peer, const struct red_ask *self)
{
	OWN(buf) body = BUF_INIT(BODY_MAX);
	OWN(buf) answer = BUF_INIT(BODY_MAX);
	OWN(msg_sign_cert_ok) ok = { 0 };

	*out = (struct red_result){ .tbs = BUF_INIT(CERT_TBS_MAX), .signature = BUF_INIT(1024) };
	red_ask_body(&body, self);
	if (!red_call(out, peer, &answer, MSG_SIGN_CERT, &body))
		return;
	ck_ok(msg_sign_cert_ok_decode(&ok, buf_slice(&answer)));
	ck_assert_uint_eq(ok.num_items, 1);
	out->is_done = ok.items[0].status == MSG_ITEM_DONE || ok.items[0].signature.len > 0 || ok.items[0].seq != 0;
	out->seq = ok.items[0].seq;
	ck_ok(buf_set(&out->tbs, ok.items[0].tbs));
	ck_ok(buf_set(&out->signature, ok.items[0].signature));
	(void)snprintf(out->word, sizeof out->word, "%.*s", (int)ok.items[0].reason.len,
		       (const char *)ok.items[0].reason.p);
	(void)snprintf(out->text, sizeof out->text, "%.*s", (int)ok.items[0].text.len,
		       (const char *)ok.items[0].text.p);
}

static void keep_issued(struct test_person *out, const struct red_ask *r, const struct red_result *got, EVP_PKEY *key)
{
	struct cert issuing;
	const struct suite *row;

	ck_ok(cert_parse(&issuing, buf_slice(&r->home->issuing)));
	ck_ok(suite_of_spki(&row, issuing.public_key));
	*out = (struct test_person){ .key = key, .der = BUF_INIT(CERT_MAX_BYTES), .spki = BUF_INIT(4096) };
	ck_ok(cert_assemble(&out->der, buf_slice(&got->tbs), row, buf_slice(&got->signature)));
	ck_ok(buf_set(&out->spki, buf_slice(&r->spki)));
	der_sha256(out->key_hash, buf_slice(&out->spki));
	const uint8_t *p = out->der.p;
	out->cert = d2i_X509(NULL, &p, (long)out->der.len);
	ck_assert_ptr_nonnull(out->cert);
	struct cert made_cert;
	ck_ok(cert_parse(&made_cert, buf_slice(&out->der)));
	ck_ok(cert_verify(&made_cert, &issuing));
}

void red_issue(struct test_person *out, struct signer_home *home, struct signer_peer *cad, const char *profile,
	       const char *iin, EVP_PKEY *key)
{
	OWN(red_ask) r = { 0 };
	OWN(red_result) got = { 0 };
	bool is_head = strncmp(profile, "head", 4) == 0;
	struct name_fields fields = is_head ? fixture_testov_head : fixture_testov;

	red_ask_init(&r, home);
	fields.iin = iin;
	r.a.kind = SLICE_STR(is_head ? "head" : "individual");
	r.a.purpose = SLICE_STR(strstr(profile, "sign") != NULL ? "sign" : "auth");
	r.a.profile = SLICE_STR(profile);
	make_subject(&r, profile, &fields);
	if (key != NULL) {
		buf_reset(&r.spki);
		ck_ok(suite_spki(&r.spki, key));
		r.a.public_key = buf_slice(&r.spki);
	}
	red_ask_encode(&r);
	red_ask_decide(&r, WHO_SERVICE);
	if (is_head)
		red_ask_decide(&r, WHO_OPERATOR1);
	red_ask_send(&got, cad, &r);
	ck_assert_msg(got.is_done, "an honest request was refused: %s: %s", got.word, got.text);
	keep_issued(out, &r, &got, key);
}

/* ---- an order ---- */

void red_order_clear(struct red_order *self)
{
	buf_clear(&self->order);
	for (size_t i = 0; i < self->num_evidence; i++)
		test_decision_clear(&self->evidence[i]);
}

void red_order_encode(struct red_order *self)
{
	buf_reset(&self->order);
	ck_ok(status_order_encode(&self->order, &self->o));
	der_sha256(self->digest, buf_slice(&self->order));
}

void red_order_init(struct red_order *out, struct signer_home *home, const struct test_person *target,
		    enum order_action action)
{
	static const int64_t reasons[] = { [ORDER_REVOKE] = 1, [ORDER_HOLD] = 6, [ORDER_RELEASE] = 8 };

	*out = (struct red_order){ .home = home, .sends_target = true, .order = BUF_INIT(STATUS_ORDER_MAX_BYTES) };
	ck_ok(cert_parse(&out->target, buf_slice(&target->der)));
	memcpy(out->certificate_digest, out->target.digest, SHA256_LEN);
	ck_assert_int_eq(RAND_bytes(out->nonce, sizeof out->nonce), 1);
	out->o = (struct status_order){ .issuer = SLICE_STR("rsa"),
					.serial = out->target.serial,
					.certificate_digest = SLICE(out->certificate_digest, SHA256_LEN),
					.action = action,
					.reason = reasons[action],
					.revoked_at = clock_now_s() - 10,
					.ground = SLICE_STR("a court's decision"),
					.nonce = SLICE(out->nonce, 16) };
	red_order_encode(out);
}

void red_order_decide_as(struct red_order *self, const struct test_person *who, const struct decision *members,
			 const uint8_t digest[SHA256_LEN])
{
	ck_assert_uint_lt(self->num_evidence, COUNT_OF(self->evidence));
	test_decide_as(&self->evidence[self->num_evidence++], who, members, (const uint8_t(*)[SHA256_LEN])digest, 1);
}

void red_order_decide(struct red_order *self, const struct test_person *who)
{
	struct decision members = red_approval();

	members.kind = DECISION_ORDERS;
	red_order_decide_as(self, who, &members, self->digest);
}

static void order_body(struct buf *out, const struct red_order *self)
{
	size_t whole, list, item, names;

	ck_ok(der_open(out, &whole, DER_SEQUENCE));
	ck_ok(der_open(out, &list, DER_SEQUENCE));
	write_evidence(out, self->evidence, self->num_evidence);
	ck_ok(der_close(out, list));
	ck_ok(der_open(out, &list, DER_SEQUENCE));
	if (self->sends_target)
		ck_ok(der_octets(out, self->target.der));
	ck_ok(der_close(out, list));
	ck_ok(der_open(out, &list, DER_SEQUENCE));
	ck_ok(der_open(out, &item, DER_SEQUENCE));
	ck_ok(der_octets(out, buf_slice(&self->order)));
	ck_ok(der_open(out, &names, DER_SEQUENCE));
	for (size_t i = 0; i < self->num_evidence; i++)
		ck_ok(der_octets(out, SLICE(self->evidence[i].digest, SHA256_LEN)));
	ck_ok(der_close(out, names));
	ck_ok(der_close(out, item));
	ck_ok(der_close(out, list));
	ck_ok(der_close(out, whole));
}

void red_order_send(struct red_result *out, struct signer_peer *peer, const struct red_order *self)
{
	OWN(buf) body = BUF_INIT(BODY_MAX);
	OWN(buf) answer = BUF_INIT(BODY_MAX);
	OWN(msg_order_ok) ok = { 0 };

	*out = (struct red_result){ .tbs = BUF_INIT(16), .signature = BUF_INIT(16) };
	order_body(&body, self);
	if (!red_call(out, peer, &answer, MSG_ORDER, &body))
		return;
	ck_ok(msg_order_ok_decode(&ok, buf_slice(&answer)));
	ck_assert_uint_eq(ok.num_items, 1);
	out->is_done = ok.items[0].status == MSG_ITEM_DONE;
	out->seq = ok.items[0].seq;
	(void)snprintf(out->word, sizeof out->word, "%.*s", (int)ok.items[0].reason.len,
		       (const char *)ok.items[0].reason.p);
	(void)snprintf(out->text, sizeof out->text, "%.*s", (int)ok.items[0].text.len,
		       (const char *)ok.items[0].text.p);
}
