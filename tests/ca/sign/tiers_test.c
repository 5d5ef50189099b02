/*
 * tiers_test.c - what the two signers say to each other and to the world: events, lists, OCSP answers, heads, status; and
 * their tables of handlers over the bus.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signer_world.h"

#include <openssl/ocsp.h>

#include "asn1/pki_asn1.h"
#include "ca/sign/answers.h"
#include "ca/sign/events.h"
#include "ca/sign/handlers.h"
#include "ca/sign/lists.h"
#include "list_make.h"
#include "support/bus_net.h"

/* ---- events */

static void give(struct buf *out, int64_t from, int64_t max)
{
	struct msg_events asked = { from, max, NULL };

	buf_reset(out);
	ck_ok(events_give(sw.ca, &asked, out));
}

static int64_t take(struct slice signed_events)
{
	int64_t next = 0;

	ck_ok(events_take(sw.ocsp, signed_events, &next));
	return next;
}

/* Everything that signd-ca has goes to signd-ocsp. */
static void relay(void)
{
	OWN(buf) events = BUF_INIT(16 << 20);

	give(&events, journal_next_seq(sw.ocsp->journal), 1000);
	ck_assert_int_eq(take(buf_slice(&events)), journal_next_seq(sw.ca->journal));
}

/* A certificate and, when `action` is not 0, an order about it. */
static void make_certificate(struct buf *out, struct cert *c, int n, enum order_action action)
{
	OWN(request) r = { 0 };
	OWN(order_request) order = { 0 };

	request_init(&r, n);
	issue(&r, out, c);
	if (action == 0)
		return;
	order_init(&order, c, action, action == ORDER_HOLD ? 6 : 4, (uint8_t)n);
	ck_assert_int_gt(expect_order(&order, ""), 0);
}

START_TEST(events_are_relayed)
{
	OWN(buf) c1 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) c2 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) events = BUF_INIT(16 << 20);
	OWN(msg_signed_events) body = { 0 };
	OWN(msg_event_batch) batch = { 0 };
	struct cert a, b;

	make_certificate(&c1, &a, 1, ORDER_HOLD);
	make_certificate(&c2, &b, 2, 0);
	give(&events, 1, 1000);
	ck_ok(msg_signed_events_decode(&body, buf_slice(&events)));
	ck_ok(msg_event_batch_decode(&batch, body.events));
	ck_assert_int_eq(batch.from, 1);
	ck_assert_int_eq(batch.next, 4);
	ck_assert_int_eq(batch.events[0].kind, MSG_EVENT_ISSUED);
	ck_assert(slice_equal(batch.events[0].digest, SLICE(a.digest, 32)));
	ck_assert_int_eq(batch.events[0].not_after_at, a.not_after_at);
	ck_assert_int_eq(batch.events[1].kind, MSG_EVENT_ORDER);
	ck_assert_int_eq(batch.events[1].action, ORDER_HOLD);
	ck_assert_int_eq(batch.events[1].reason, 6);
	ck_assert_int_eq(batch.events[1].at, NOW - 5);
	ck_assert(serial_equal(&batch.events[2].serial, &b.serial));
	ck_assert_int_eq(take(buf_slice(&events)), 4);
	ck_assert(known_is_listed(known_status(sw.ocsp->known, SLICE_STR("rsa"), &a.serial, INT64_MAX)));
	ck_assert(known_has(sw.ocsp->known, SLICE_STR("rsa"), &b.serial, NULL));
	ck_assert_int_eq(take(buf_slice(&events)), 4); /* again: nothing new */
	ocsp_restart();
	ck_assert(known_is_listed(known_status(sw.ocsp->known, SLICE_STR("rsa"), &a.serial, INT64_MAX)));
	ck_assert_int_eq(take(buf_slice(&events)), 4);
	give(&events, 4, 1000); /* none left */
	ck_assert_int_eq(take(buf_slice(&events)), 4);
}
END_TEST

START_TEST(events_in_pieces)
{
	struct buf certificates[5];
	OWN(buf) events = BUF_INIT(16 << 20);
	struct cert c;

	for (int i = 0; i < 5; i++) {
		certificates[i] = (struct buf)BUF_INIT(CERT_MAX_BYTES);
		make_certificate(&certificates[i], &c, i + 1, 0);
	}
	give(&events, 3, 2); /* a gap: says what it wants */
	ck_assert_int_eq(take(buf_slice(&events)), 1);
	ck_assert_uint_eq(known_num_serials(sw.ocsp->known), 0);
	give(&events, 1, 2);
	ck_assert_int_eq(take(buf_slice(&events)), 3);
	give(&events, 2, 3); /* overlaps */
	ck_assert_int_eq(take(buf_slice(&events)), 5);
	give(&events, 5, 0);
	ck_assert_int_eq(take(buf_slice(&events)), 5);
	give(&events, 5, 9);
	ck_assert_int_eq(take(buf_slice(&events)), 6);
	ck_assert_uint_eq(known_num_serials(sw.ocsp->known), 5);
	struct msg_events asked = { 8, 1, NULL };
	buf_reset(&events);
	ck_fails(events_give(sw.ca, &asked, &events), ERR_BAD_INPUT, "event 8 does not exist, the next is 6");
	asked.from = 0;
	ck_fails(events_give(sw.ca, &asked, &events), ERR_BAD_INPUT, "event 0 does not exist");
	for (int i = 0; i < 5; i++)
		buf_clear(&certificates[i]);
}
END_TEST

static void expect_events_refused(struct slice bytes, const char *field)
{
	int64_t next = 0;
	struct err *e = events_take(sw.ocsp, bytes, &next);

	ck_assert_int_eq(err_code(e), ERR_DENIED);
	ck_assert_str_eq(err_field(e), field);
	err_destroy(&e);
	ck_assert_int_eq(journal_next_seq(sw.ocsp->journal), 1);
}

/* Whoever carries the events cannot change, invent or reorder them. */
START_TEST(events_are_only_the_signers)
{
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) events = BUF_INIT(16 << 20);
	OWN(buf) forged = BUF_INIT(16 << 20);
	OWN(buf) inner = BUF_INIT(16 << 20);
	OWN(msg_signed_events) body = { 0 };
	OWN(msg_event_batch) batch = { 0 };
	struct cert c;

	make_certificate(&certificate, &c, 1, ORDER_REVOKE);
	give(&events, 1, 10);
	ck_ok(msg_signed_events_decode(&body, buf_slice(&events)));
	ck_ok(msg_event_batch_decode(&batch, body.events));
	batch.events[1].action = ORDER_RELEASE;
	ck_ok(msg_event_batch_encode(&inner, &batch));
	struct msg_signed_events changed = { buf_slice(&inner), body.signature, NULL };
	ck_ok(msg_signed_events_encode(&forged, &changed));
	expect_events_refused(buf_slice(&forged), "events_signature");
	/* signed by another key of the house */
	OWN(buf) signature = BUF_INIT(512);
	ck_ok(signer_sign(sw.ocsp->log_signer, &signature, body.events));
	changed = (struct msg_signed_events){ body.events, buf_slice(&signature), NULL };
	buf_reset(&forged);
	ck_ok(msg_signed_events_encode(&forged, &changed));
	expect_events_refused(buf_slice(&forged), "events_signature");
	/* rightly signed, but numbered wrongly */
	batch.events[1].action = ORDER_REVOKE;
	batch.events[1].seq = 3;
	buf_reset(&inner);
	ck_ok(msg_event_batch_encode(&inner, &batch));
	buf_reset(&signature);
	ck_ok(signer_sign(sw.ca->journal_signer, &signature, buf_slice(&inner)));
	changed = (struct msg_signed_events){ buf_slice(&inner), buf_slice(&signature), NULL };
	buf_reset(&forged);
	ck_ok(msg_signed_events_encode(&forged, &changed));
	expect_events_refused(buf_slice(&forged), "events_order");
}
END_TEST

/* An event that contradicts what is known: nothing of its batch is taken. */
START_TEST(contradicting_events)
{
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) events = BUF_INIT(16 << 20);
	OWN(buf) inner = BUF_INIT(16 << 20);
	OWN(buf) signature = BUF_INIT(512);
	OWN(msg_signed_events) body = { 0 };
	OWN(msg_event_batch) batch = { 0 };
	struct cert c;
	int64_t next = 0;

	make_certificate(&certificate, &c, 1, ORDER_REVOKE);
	give(&events, 1, 10);
	ck_ok(msg_signed_events_decode(&body, buf_slice(&events)));
	ck_ok(msg_event_batch_decode(&batch, body.events));
	batch.events[1].action = ORDER_RELEASE; /* of one that is not held */
	ck_ok(msg_event_batch_encode(&inner, &batch));
	ck_ok(signer_sign(sw.ca->journal_signer, &signature, buf_slice(&inner)));
	struct msg_signed_events changed = { buf_slice(&inner), buf_slice(&signature), NULL };
	OWN(buf) wrong = BUF_INIT(16 << 20);
	ck_ok(msg_signed_events_encode(&wrong, &changed));
	ck_fails(events_take(sw.ocsp, buf_slice(&wrong), &next), ERR_CONFLICT, "event 2: serial");
	ck_assert_uint_eq(known_num_serials(sw.ocsp->known), 0);
	ck_assert_int_eq(take(buf_slice(&events)), 3);
}
END_TEST

/* ---- lists */

static struct serial listed[8];

static struct serial serial_at(int n)
{
	return listed[n];
}

/* The list of what two certificates were ordered, and its announcement. */
static void list_init(struct list *l, struct msg_crl_begin *begin, struct buf *tbs, int64_t number)
{
	struct cert ca;

	ck_ok(cert_parse(&ca, buf_slice(&world.ca.issuing)));
	const struct list_ca of = { world.ca.key, ca.subject, ca.key_id, serial_at };
	*l = (struct list){ .number = number,
			    .this_at = clock_now_s(),
			    .next_at = clock_now_s() + 97200,
			    .entries = { { 0, 4, NOW - 5, 0 }, { 1, 6, NOW - 5, 0 } },
			    .num = 2 };
	list_make(tbs, &of, l);
	*begin = (struct msg_crl_begin){ .issuer = SLICE_STR("rsa"),
					 .scope = SLICE_STR(""),
					 .kind = MSG_CRL_FULL,
					 .number = number,
					 .this_update_at = l->this_at,
					 .next_update_at = l->next_at,
					 .order_seq = known_order_seq(sw.ca->known),
					 .tbs_length = (int64_t)tbs->len };
}

static struct err *list_send(const char *peer, const struct msg_crl_begin *begin, struct slice tbs, size_t piece,
			     struct buf *signature, int64_t *seq)
{
	int64_t received;

	TRY(lists_begin(sw.ca, peer, begin));
	for (size_t at = 0; at < tbs.len; at += piece) {
		struct msg_crl_chunk chunk = { (int64_t)at,
					       SLICE(tbs.p + at, tbs.len - at < piece ? tbs.len - at : piece), NULL };

		TRY(lists_chunk(sw.ca, peer, &chunk, &received));
		ck_assert_int_eq(received, (int64_t)(at + chunk.bytes.len));
		TRY(lists_chunk(sw.ca, peer, &chunk, &received)); /* resent */
		ck_assert_int_eq(received, (int64_t)(at + chunk.bytes.len));
	}
	return lists_end(sw.ca, peer, signature, seq);
}

static void two_listed(struct buf *c1, struct buf *c2)
{
	struct cert a, b;

	make_certificate(c1, &a, 1, ORDER_REVOKE);
	make_certificate(c2, &b, 2, ORDER_HOLD);
	listed[0] = a.serial;
	listed[1] = b.serial;
}

static void expect_list_refused(struct err *e, const char *field)
{
	char text[300];

	(void)err_text(e, text, sizeof text);
	ck_assert_msg(e != NULL && err_field(e) != NULL && strcmp(err_field(e), field) == 0, "%s instead of %s: %s",
		      err_field(e), field, text);
	err_destroy(&e);
}

START_TEST(list_is_signed)
{
	OWN(buf) c1 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) c2 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) tbs = BUF_INIT(65536);
	OWN(buf) signature = BUF_INIT(4096);
	struct msg_crl_begin begin;
	struct list l;
	struct cert ca;
	int64_t seq = 0;

	two_listed(&c1, &c2);
	list_init(&l, &begin, &tbs, 7);
	ck_ok(list_send("crld", &begin, buf_slice(&tbs), 50, &signature, &seq));
	ck_ok(cert_parse(&ca, buf_slice(&world.ca.issuing)));
	ck_ok(suite_verify_spki(ca.public_key, suite_by_name("ecdsa-p256-sha256")->signature_algorithm, buf_slice(&tbs),
				buf_slice(&signature)));
	expect_list_refused(list_send("crld", &begin, buf_slice(&tbs), 50, &signature, &seq), "crl_number");
	ca_restart(); /* the number is in the journal */
	expect_list_refused(list_send("crld", &begin, buf_slice(&tbs), 50, &signature, &seq), "crl_number");
	list_init(&l, &begin, &tbs, 8);
	begin.this_update_at--;
	expect_list_refused(list_send("crld", &begin, buf_slice(&tbs), 50, &signature, &seq), "crl_time");
	clock_set_for_test((int64_t)(NOW + 60) * 1000);
	list_init(&l, &begin, &tbs, 8);
	ck_ok(list_send("crld", &begin, buf_slice(&tbs), 1 << 20, &signature, &seq));
	ck_assert_int_eq(metrics_get(sw.metrics, SIGND_LISTS), 2);
}
END_TEST

START_TEST(list_refused_in_the_stream)
{
	OWN(buf) c1 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) c2 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) tbs = BUF_INIT(65536);
	OWN(buf) signature = BUF_INIT(4096);
	struct msg_crl_begin begin;
	struct msg_crl_chunk chunk = { 0, SLICE("x", 1), NULL };
	struct list l;
	int64_t seq = 0;

	expect_list_refused(lists_chunk(sw.ca, "crld", &chunk, &seq), "crl_not_begun");
	expect_list_refused(lists_end(sw.ca, "crld", &signature, &seq), "crl_not_begun");
	two_listed(&c1, &c2);
	list_init(&l, &begin, &tbs, 7);
	tbs.p[tbs.len / 2] ^= 1;
	struct err *e = list_send("crld", &begin, buf_slice(&tbs), 50, &signature, &seq);
	ck_assert_int_eq(err_code(e), ERR_DENIED);
	err_destroy(&e);
	expect_list_refused(lists_end(sw.ca, "crld", &signature, &seq), "crl_not_begun"); /* it is over */
	tbs.p[tbs.len / 2] ^= 1;
	ck_ok(lists_begin(sw.ca, "crld", &begin));
	expect_list_refused(lists_end(sw.ca, "crld", &signature, &seq), "crl_length");
	ck_ok(lists_begin(sw.ca, "crld", &begin));
	chunk.offset = 5;
	expect_list_refused(lists_chunk(sw.ca, "crld", &chunk, &seq), "crl_offset");
	chunk.offset = 0;
	expect_list_refused(lists_chunk(sw.ca, "crld2", &chunk, &seq), "crl_not_begun"); /* another's list */
	ck_ok(list_send("crld2", &begin, buf_slice(&tbs), 50, &signature, &seq));
	expect_list_refused(lists_end(sw.ca, "crld", &signature, &seq), "crl_not_begun");
	begin.issuer = SLICE_STR("gost");
	expect_list_refused(lists_begin(sw.ca, "crld", &begin), "crl_issuer");
}
END_TEST

/* Orders that were accepted a minute ago cannot be left out; younger ones may. */
START_TEST(list_that_leaves_orders_out)
{
	OWN(buf) c1 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) c2 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) tbs = BUF_INIT(65536);
	OWN(buf) signature = BUF_INIT(4096);
	struct msg_crl_begin begin;
	struct list l;
	struct cert ca;
	int64_t seq = 0;

	two_listed(&c1, &c2);
	ck_ok(cert_parse(&ca, buf_slice(&world.ca.issuing)));
	const struct list_ca of = { world.ca.key, ca.subject, ca.key_id, serial_at };
	clock_set_for_test((int64_t)(NOW + 60) * 1000);
	list_init(&l, &begin, &tbs, 7);
	l.num = 1; /* without the second order */
	list_make(&tbs, &of, &l);
	begin.tbs_length = (int64_t)tbs.len;
	begin.order_seq = 2;
	expect_list_refused(list_send("crld", &begin, buf_slice(&tbs), 500, &signature, &seq), "crl_order_seq");
	clock_set_for_test((int64_t)(NOW + 59) * 1000);
	ck_ok(list_send("crld", &begin, buf_slice(&tbs), 500, &signature, &seq));
}
END_TEST

/* Two crld at once: the later BEGIN takes over, and a number is signed once. */
START_TEST(lists_of_two)
{
	OWN(buf) c1 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) c2 = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) tbs = BUF_INIT(65536);
	OWN(buf) signature = BUF_INIT(4096);
	struct msg_crl_begin begin;
	struct msg_crl_chunk chunk;
	struct list l;
	int64_t seq = 0;

	two_listed(&c1, &c2);
	list_init(&l, &begin, &tbs, 7);
	chunk = (struct msg_crl_chunk){ 0, buf_slice(&tbs), NULL };
	ck_ok(lists_begin(sw.ca, "crld", &begin));
	ck_ok(lists_chunk(sw.ca, "crld", &chunk, &seq));
	ck_ok(lists_begin(sw.ca, "crld2", &begin));
	expect_list_refused(lists_end(sw.ca, "crld", &signature, &seq), "crl_not_begun");
	ck_ok(lists_chunk(sw.ca, "crld2", &chunk, &seq));
	ck_ok(lists_end(sw.ca, "crld2", &signature, &seq));
	/* certificates signed while a list streams do not disturb its hash */
	clock_set_for_test((int64_t)(NOW + 1) * 1000);
	list_init(&l, &begin, &tbs, 8);
	chunk = (struct msg_crl_chunk){ 0, SLICE(tbs.p, 100), NULL };
	ck_ok(lists_begin(sw.ca, "crld", &begin));
	ck_ok(lists_chunk(sw.ca, "crld", &chunk, &seq));
	OWN(request) r = { 0 };
	request_init(&r, 9);
	expect_one(&r, "");
	chunk = (struct msg_crl_chunk){ 100, SLICE(tbs.p + 100, tbs.len - 100), NULL };
	ck_ok(lists_chunk(sw.ca, "crld", &chunk, &seq));
	buf_reset(&signature);
	ck_ok(lists_end(sw.ca, "crld", &signature, &seq));
	struct cert ca;
	ck_ok(cert_parse(&ca, buf_slice(&world.ca.issuing)));
	ck_ok(suite_verify_spki(ca.public_key, suite_by_name("ecdsa-p256-sha256")->signature_algorithm, buf_slice(&tbs),
				buf_slice(&signature)));
}
END_TEST

/* ---- OCSP */

static void answer_make(struct buf *out, const struct cert *c, int status, int64_t at)
{
	const uint8_t *p = world.ca.issuing.p;
	X509 *ca = d2i_X509(NULL, &p, (long)world.ca.issuing.len);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	BIGNUM *bn = BN_bin2bn(c->serial.b, c->serial.len, NULL);
	ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(bn, NULL);
	OCSP_CERTID *id =
		OCSP_cert_id_new(EVP_sha256(), X509_get_subject_name(ca), X509_get0_pubkey_bitstr(ca), serial);
	ASN1_TIME *now = ASN1_GENERALIZEDTIME_set(NULL, clock_now_s()),
		  *next = ASN1_GENERALIZEDTIME_set(NULL, clock_now_s() + 3600);
	ASN1_TIME *revoked = ASN1_GENERALIZEDTIME_set(NULL, at);
	uint8_t *der = NULL;

	ck_assert_ptr_nonnull(OCSP_basic_add1_status(basic, id, status, status == V_OCSP_CERTSTATUS_REVOKED ? 4 : -1,
						     revoked, now, next));
	ck_assert_int_eq(OCSP_basic_sign(basic, sw.responder.cert, sw.responder.key, EVP_sha256(), NULL,
					 OCSP_NOCERTS | OCSP_NOTIME),
			 1);
	ck_assert_ptr_nonnull(
		ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)OCSP_resp_get0_produced_at(basic), clock_now_s()));
	int len = i2d_OCSP_RESPDATA((OCSP_RESPDATA *)OCSP_resp_get0_respdata(basic), &der);
	ck_ok(buf_set(out, SLICE(der, (size_t)len)));
	OPENSSL_free(der);
	OCSP_CERTID_free(id);
	OCSP_BASICRESP_free(basic);
	ASN1_INTEGER_free(serial);
	BN_free(bn);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	ASN1_TIME_free(revoked);
	X509_free(ca);
}

static void expect_answer(struct slice tbs, const char *issuer, const char *reason)
{
	struct msg_sign_ocsp_item item = { SLICE_STR(issuer), tbs };
	struct msg_sign_ocsp batch = { &item, 1, NULL };
	OWN(buf) der = BUF_INIT(4 << 20);
	OWN(msg_sign_ocsp_ok) ok = { 0 };

	ck_ok(answers_sign(sw.ocsp, "ocspd", &batch, &der));
	ck_ok(msg_sign_ocsp_ok_decode(&ok, buf_slice(&der)));
	ck_assert_msg(slice_equal(ok.items[0].reason, SLICE_STR(reason)), "%.*s", (int)ok.items[0].reason.len,
		      (const char *)ok.items[0].reason.p);
	if (reason[0] == '\0')
		ck_ok(suite_verify_spki(buf_slice(&sw.responder.spki),
					suite_by_name("ecdsa-p256-sha256")->signature_algorithm, tbs,
					ok.items[0].signature));
	else
		ck_assert_int_eq(refusals(reason), 1);
}

START_TEST(answers_follow_the_events)
{
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) good = BUF_INIT(65536);
	OWN(buf) revoked = BUF_INIT(65536);
	OWN(order_request) order = { 0 };
	struct cert c;

	make_certificate(&certificate, &c, 1, 0);
	answer_make(&good, &c, V_OCSP_CERTSTATUS_GOOD, 0);
	answer_make(&revoked, &c, V_OCSP_CERTSTATUS_REVOKED, NOW - 5);
	expect_answer(buf_slice(&good), "rsa", "ocsp_good_not_issued"); /* nobody told it yet */
	relay();
	expect_answer(buf_slice(&good), "rsa", "");
	expect_answer(buf_slice(&revoked), "rsa", "ocsp_revoked_not_ordered");
	expect_answer(buf_slice(&good), "gost", "ocsp_issuer");
	order_init(&order, &c, ORDER_REVOKE, 4, 1);
	ck_assert_int_eq(expect_order(&order, ""), 2);
	relay();
	expect_answer(buf_slice(&good), "rsa", "ocsp_good_but_revoked");
	expect_answer(buf_slice(&revoked), "rsa", "");
	ck_assert_int_eq(metrics_get(sw.metrics, SIGND_ANSWERS), 2);
}
END_TEST

struct counted {
	int records;
	int64_t answers;
};

static struct err *count_records(void *arg, const struct journal_record *r, uint64_t offset)
{
	struct counted *c = arg;

	(void)offset;
	if (r->kind == JOURNAL_OCSP) {
		c->records++;
		c->answers += r->ocsp.count;
	}
	return NULL;
}

START_TEST(answers_are_counted)
{
	OWN(buf) certificate = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) good = BUF_INIT(65536);
	struct cert c;
	struct counted counted = { 0 };
	uint8_t before[32];

	make_certificate(&certificate, &c, 1, 0);
	relay();
	answer_make(&good, &c, V_OCSP_CERTSTATUS_GOOD, 0);
	ck_ok(answers_record(sw.ocsp)); /* nothing to record */
	for (int i = 0; i < 3; i++)
		expect_answer(buf_slice(&good), "rsa", "");
	ck_ok(answers_record(sw.ocsp));
	expect_answer(buf_slice(&good), "rsa", "");
	ck_ok(answers_record(sw.ocsp));
	memcpy(before, sw.ocsp->count_digest, sizeof before);
	ocsp_restart();
	ck_assert_mem_eq(before, sw.ocsp->count_digest, sizeof before); /* the hash rolls on */
	signd_state_close(&sw.ocsp);
	struct journal *j = NULL;
	ck_ok(journal_open(&j, sw.ocsp_journal, "ocsp", count_records, &counted));
	journal_close(&j);
	ck_assert_int_eq(counted.records, 2);
	ck_assert_int_eq(counted.answers, 4);
}
END_TEST

/* ---- heads */

static struct tree_hash leaves[16];

static struct err *node(void *arg, struct tree_hash *out, struct tree_node n)
{
	struct tree_hash left, right;

	if (n.height == 0) {
		*out = leaves[n.index];
		return NULL;
	}
	TRY(node(arg, &left, (struct tree_node){ n.height - 1, 2 * n.index }));
	TRY(node(arg, &right, (struct tree_node){ n.height - 1, 2 * n.index + 1 }));
	tree_hash_node(out, &left, &right);
	return NULL;
}

static struct err *head_ask(struct buf *out_note, uint64_t old_size, uint64_t size)
{
	const struct tree_reader reader = { node, NULL };
	struct tree_hash root;
	struct tree_proof proof;
	struct slice slices[TREE_PROOF_MAX];

	ck_ok(tree_root(&root, size, reader));
	ck_ok(tree_consistency(&proof, old_size, size, reader));
	for (size_t i = 0; i < proof.num; i++)
		slices[i] = SLICE(proof.h[i].b, TREE_HASH_SIZE);
	struct msg_sign_head asked = { (int64_t)old_size, (int64_t)size, SLICE(root.b, TREE_HASH_SIZE), slices,
				       proof.num,	  NULL };
	buf_reset(out_note);
	return heads_sign(sw.ocsp, &asked, out_note);
}

START_TEST(heads_go_on)
{
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	OWN(buf) again = BUF_INIT(NOTE_MAX);
	struct note_checkpoint checkpoint;

	for (int i = 0; i < 16; i++)
		tree_hash_leaf(&leaves[i], SLICE(&i, sizeof i));
	ck_ok(head_ask(&note, 0, 5));
	ck_ok(note_checkpoint_open(&checkpoint, buf_slice(&note), &sw.ocsp->log_key));
	ck_assert_uint_eq(checkpoint.size, 5);
	ck_assert_str_eq(checkpoint.origin, "nuc.local/log");
	ck_ok(head_ask(&again, 0, 5));
	ck_assert(slice_equal(buf_slice(&note), buf_slice(&again)));
	ocsp_restart();
	ck_ok(head_ask(&again, 0, 5));
	ck_assert(slice_equal(buf_slice(&note), buf_slice(&again)));
	struct err *e = head_ask(&again, 0, 9);
	ck_assert_str_eq(err_field(e), "oldSize");
	ck_assert_int_eq(err_code(e), ERR_CONFLICT);
	err_destroy(&e);
	ck_ok(head_ask(&again, 5, 9));
	ck_fails(head_ask(&again, 0, 5), ERR_DENIED, "a log of 5 entries after one of 9");
	leaves[1].b[0] ^= 1;
	ck_fails(head_ask(&again, 9, 12), ERR_DENIED, "does not go on");
	ck_fails(head_ask(&again, 0, 9), ERR_DENIED, "another log of 9 entries was signed");
	ck_assert_int_eq(metrics_get(sw.metrics, SIGND_HEADS), 2);
}
END_TEST

/* ---- over the bus */

struct link {
	struct bus *server_bus, *client_bus;
	struct bus_server *server;
	struct bus_client *client;
};

static void link_make(struct link *l, struct bus_net *net, const char *client, bool is_ca)
{
	struct bus_server_conf server = { .endpoint = bus_net_endpoint(net, "sign"),
					  .handlers = handlers_of(is_ca),
					  .arg = is_ca ? sw.ca : sw.ocsp,
					  .on_refused = signd_on_refused };
	struct bus_client_conf conf = { .server = is_ca ? "signd-ca" : "signd-ocsp", .endpoint = server.endpoint };

	l->server_bus = bus_net_bus(net, conf.server);
	l->client_bus = bus_net_bus(net, client);
	ck_ok(bus_server_create(&l->server, l->server_bus, &server));
	ck_ok(bus_client_create(&l->client, l->client_bus, &conf));
}

static void link_end(struct link *l)
{
	bus_client_destroy(&l->client);
	bus_server_destroy(&l->server);
	bus_destroy(&l->client_bus);
	bus_destroy(&l->server_bus);
}

struct asked {
	bool done;
	struct err *e;
	struct buf body;
};

static void on_answer(void *arg, struct err *e, struct slice body)
{
	struct asked *a = arg;

	a->done = true;
	a->e = e;
	a->body.max = 32 << 20;
	ck_ok(buf_set(&a->body, body));
}

/* Asks and gives the error, or the answer's bytes. */
static struct err *ask(const struct link *l, struct buf *out, uint16_t type, struct slice body)
{
	struct asked a = { 0 };
	OWN(buf) copy = BUF_INIT(32 << 20);

	ck_ok(buf_set(&copy, body));
	ck_ok(bus_client_send(l->client, type, &copy, 10000, on_answer, &a));
	ck_assert(bus_net_turn(l->server, l->client, &a.done, 11000));
	ck_ok(buf_set(out, buf_slice(&a.body)));
	buf_clear(&a.body);
	return a.e;
}

START_TEST(ca_over_the_bus)
{
	struct bus_net net;
	struct link l;
	OWN(buf) answer = BUF_INIT(32 << 20);
	OWN(buf) body = BUF_INIT(32 << 20);
	OWN(msg_signer_status) status = { 0 };
	OWN(msg_sign_cert_ok) signed_ok = { 0 };
	OWN(request) r = { 0 };

	clock_unset_for_test(); /* deadlines of the bus are by the true clock */
	int64_t behind = journal_last_at(sw.ca->journal) - clock_now_s();
	bus_net_init(&net);
	link_make(&l, &net, "cad", true);
	ck_ok(ask(&l, &answer, MSG_SIGNER_STATUS, SLICE("\x30\x00", 2)));
	ck_ok(msg_signer_status_decode(&status, buf_slice(&answer)));
	ck_assert_int_eq(status.policy_version, 1);
	ck_assert_int_eq(status.event_seq, 1);
	ck_assert_uint_eq(status.num_issuers, 1);
	ck_assert(slice_equal(status.issuers[0].name, SLICE_STR("rsa")));
	ck_assert_int_eq(status.log_size, 0);
	int64_t before = refusals("bad_input");
	ck_fails(ask(&l, &answer, MSG_SIGN_CERT, SLICE("garbage", 7)), ERR_BAD_INPUT, "SIGN_CERT");
	ck_assert_int_eq(refusals("bad_input"), before + 1);
	ck_fails(ask(&l, &answer, MSG_ORDER, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "ORDER");
	request_init(&r, 1);
	struct msg_sign_cert batch = { &r.evidence, 1, NULL, 0, &r.item, 1, NULL };
	ck_ok(msg_sign_cert_encode(&body, &batch));
	struct err *e = ask(&l, &answer, MSG_SIGN_CERT, buf_slice(&body));
	if (behind > 2) { /* the world's clock is ahead of this machine's */
		ck_assert_str_eq(err_field(e), "clock_back");
		err_destroy(&e);
	} else {
		ck_ok(e);
		ck_ok(msg_sign_cert_ok_decode(&signed_ok, buf_slice(&answer)));
		ck_assert_uint_eq(signed_ok.num_items, 1);
	}
	e = ask(&l, &answer, MSG_POLICY_PUT, SLICE("\x30\x00", 2));
	ck_assert(err_field(e) != NULL);
	err_destroy(&e);
	link_end(&l);
	bus_net_clear(&net);
}
END_TEST

/* Who may ask what: each role at each tier, by the answer to an empty body. */
START_TEST(tables_of_roles)
{
	static const char *const names[] = { "cad", "crld", "ocspd" };
	static const struct {
		uint16_t type;
		bool is_ca;
		const char *who;
	} rows[] = {
		{ MSG_SIGN_CERT, true, "cad" },	   { MSG_ORDER, true, "cad" },	      { MSG_EVENTS, true, "cad" },
		{ MSG_POLICY_PUT, true, "cad" },   { MSG_CRL_BEGIN, true, "crld" },   { MSG_CRL_CHUNK, true, "crld" },
		{ MSG_CRL_END, true, "crld" },	   { MSG_EVENTS_PUSH, false, "cad" }, { MSG_SIGN_HEAD, false, "cad" },
		{ MSG_SIGN_OCSP, false, "ocspd" },
	};
	size_t num;
	const struct msg_type_info *list = msg_type_list(&num);

	for (int i = 0; i < COUNT_OF(rows); i++) {
		for (int n = 0; n < COUNT_OF(names); n++) {
			bool may = false;
			enum msg_role role = n == 0 ? MSG_ROLE_CAD : n == 1 ? MSG_ROLE_CRLD : MSG_ROLE_OCSPD;

			for (const struct bus_handler *h = handlers_of(rows[i].is_ca); h->type != 0; h++)
				may |= h->type == rows[i].type && (h->roles & MSG_ROLE_BIT(role)) != 0;
			ck_assert_msg(may == (strcmp(names[n], rows[i].who) == 0), "%s from %s",
				      msg_type_name(rows[i].type), names[n]);
		}
	}
	/* every question that the list sends to a signer has its handler there, from exactly the list's roles */
	for (size_t i = 0; i < num; i++) {
		for (int tier = 0; tier < 2; tier++) {
			enum msg_role role = tier == 0 ? MSG_ROLE_SIGND_CA : MSG_ROLE_SIGND_OCSP;
			unsigned roles = 0;

			if (!msg_type_is_ask(list[i].number) || (list[i].to & MSG_ROLE_BIT(role)) == 0)
				continue;
			for (const struct bus_handler *h = handlers_of(tier == 0); h->type != 0; h++)
				roles |= h->type == list[i].number ? h->roles : 0;
			ck_assert_uint_ne(roles, 0);
			ck_assert_uint_eq(roles & ~list[i].from, 0);
		}
	}
}
END_TEST

START_TEST(wrong_roles_over_the_bus)
{
	struct bus_net net;
	struct link l;
	OWN(buf) answer = BUF_INIT(1 << 20);
	OWN(msg_signer_status) status = { 0 };

	clock_unset_for_test();
	bus_net_init(&net);
	link_make(&l, &net, "ocspd", false);
	ck_ok(ask(&l, &answer, MSG_SIGNER_STATUS, SLICE("\x30\x00", 2)));
	ck_ok(msg_signer_status_decode(&status, buf_slice(&answer)));
	ck_assert_int_eq(status.policy_version, 0);
	ck_fails(ask(&l, &answer, MSG_SIGN_OCSP, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "SIGN_OCSP");
	link_end(&l);
	link_make(&l, &net, "crld", true);
	ck_ok(ask(&l, &answer, MSG_SIGNER_STATUS, SLICE("\x30\x00", 2)));
	ck_fails(ask(&l, &answer, MSG_CRL_END, SLICE("\x30\x00", 2)), ERR_CONFLICT, "no list of this peer");
	ck_fails(ask(&l, &answer, MSG_CRL_BEGIN, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "CRL_BEGIN");
	ck_fails(ask(&l, &answer, MSG_CRL_CHUNK, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "CRL_CHUNK");
	link_end(&l);
	link_make(&l, &net, "cad", false);
	ck_fails(ask(&l, &answer, MSG_EVENTS_PUSH, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "");
	ck_fails(ask(&l, &answer, MSG_SIGN_HEAD, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "SIGN_HEAD");
	link_end(&l);
	bus_net_clear(&net);
}
END_TEST

START_TEST(reasons_have_metrics)
{
	for (size_t i = SIGND_REFUSED; i < signd_num_metrics; i++) {
		const char *from = strchr(signd_metrics[i].labels, '"') + 1;
		char word[64];

		(void)snprintf(word, sizeof word, "%.*s", (int)strcspn(from, "\""), from);
		ck_assert_msg(signd_reason_metric(word) == i, "%s stands twice", word);
		ck_assert(signd_reason_known(word));
	}
	ck_assert(!signd_reason_known("no such word"));
	ck_assert_uint_eq(signd_reason_metric("no such word"), signd_reason_metric("other"));
	signd_gauges(sw.ca);
	ck_assert_int_eq(metrics_get(sw.metrics, SIGND_POLICY_VERSION), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/tiers");
	TCase *t = tcase_create("tiers");

	tcase_add_checked_fixture(t, signer_world_begin, signer_world_end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, events_are_relayed);
	tcase_add_test(t, events_in_pieces);
	tcase_add_test(t, events_are_only_the_signers);
	tcase_add_test(t, contradicting_events);
	tcase_add_test(t, list_is_signed);
	tcase_add_test(t, list_refused_in_the_stream);
	tcase_add_test(t, list_that_leaves_orders_out);
	tcase_add_test(t, lists_of_two);
	tcase_add_test(t, answers_follow_the_events);
	tcase_add_test(t, answers_are_counted);
	tcase_add_test(t, heads_go_on);
	tcase_add_test(t, ca_over_the_bus);
	tcase_add_test(t, tables_of_roles);
	tcase_add_test(t, wrong_roles_over_the_bus);
	tcase_add_test(t, reasons_have_metrics);
	suite_add_tcase(s, t);
	return suite_main(s);
}
