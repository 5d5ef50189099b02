/*
 * answers_test.c - ocspd is taken over, then cad beside it: "good" for what is not, answers without end, events that
 * nobody signed, logs that go back or fork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bus/msg_ocsp.h"
#include "bus/msg_sign.h"
#include "support/red.h"
#include "support/suite.h"
#include "tlog/tree.h"
#include "x509/suite.h"

enum { VALID, REVOKED, HELD, PEOPLE, NEVER_ISSUED, ROOM = 1 << 20 };

static struct signer_home home;
static struct test_person person[PEOPLE];
static struct serial serials[NEVER_ISSUED + 1];
static struct cert issuing, responder;
static int64_t ordered_at[PEOPLE];
static struct buf first_events; /* honest batch, as it was relayed */

static void call(struct signer_peer *peer, struct buf *out, uint16_t type, struct buf *body)
{
	OWN(red_result) got = { 0 };

	ck_assert_msg(red_call(&got, peer, out, type, body), "%s: %s", got.word, got.text);
}

static void events_get(struct buf *out, struct signer_peer *cad, int64_t from, int64_t max)
{
	const struct msg_events asked = { .from = from, .max = max };
	OWN(buf) body = BUF_INIT(64);

	ck_ok(msg_events_encode(&body, &asked));
	call(cad, out, MSG_EVENTS, &body);
}

static void give(struct signer_peer *cad, int n, enum order_action action)
{
	OWN(red_order) order = { 0 };
	OWN(red_result) got = { 0 };

	red_order_init(&order, &home, &person[n], action);
	red_order_decide(&order, &home.who[WHO_OPERATOR1]);
	red_order_send(&got, cad, &order);
	ck_assert_msg(got.is_done, "%s: %s", got.word, got.text);
	ordered_at[n] = order.o.revoked_at;
}

static void relay(void)
{
	OWN(signer_peer) cad = { 0 };
	OWN(buf) body = BUF_INIT(ROOM);
	OWN(buf) answer = BUF_INIT(64);

	ck_ok(buf_set(&body, buf_slice(&first_events)));
	signer_peer_open(&cad, &home, "cad", SIGNER_OCSP);
	call(&cad, &answer, MSG_EVENTS_PUSH, &body);
}

static void begin(void)
{
	OWN(signer_peer) cad = { 0 };
	struct cert c;

	signer_home_begin(&home, 1u << SIGNER_CA | 1u << SIGNER_OCSP);
	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	ck_ok(cert_parse(&issuing, buf_slice(&home.issuing)));
	ck_ok(cert_parse(&responder, buf_slice(&home.responder)));
	for (int n = 0; n < PEOPLE; n++) {
		red_issue(&person[n], &home, &cad, "individual-auth", "850101300031", NULL);
		ck_ok(cert_parse(&c, buf_slice(&person[n].der)));
		serials[n] = c.serial;
	}
	serials[NEVER_ISSUED] = serials[VALID];
	serials[NEVER_ISSUED].b[3] ^= 1;
	give(&cad, REVOKED, ORDER_REVOKE);
	give(&cad, HELD, ORDER_HOLD);
	first_events = (struct buf)BUF_INIT(ROOM);
	events_get(&first_events, &cad, 1, 1000);
	relay();
}

static void end(void)
{
	for (int n = 0; n < PEOPLE; n++)
		test_person_clear(&person[n]);
	buf_clear(&first_events);
	signer_home_end(&home);
}

/* ---- answers ---- */

enum status { GOOD, REVOKED_AT, UNKNOWN };

struct answer {
	const char *issuer; /* named in the request */
	int n;
	enum status status;
	int64_t revoked_at, reason; /* reason 0: none */
	int64_t produced_at, this_at, next_at;
	bool other_ca, other_responder, unknown_extension, garbage, octet_behind;
	int times; /* how many SingleResponses */
};

static void sha1(uint8_t out[20], struct slice bytes)
{
	ck_assert_int_eq(EVP_Q_digest(NULL, "SHA1", NULL, bytes.p, bytes.len, out, NULL), 1);
}

static struct slice key_bits(struct slice spki)
{
	struct der_reader in, inner;
	struct slice algorithm, bits;

	der_reader_init(&in, spki);
	ck_ok(der_expect_sequence(&in, &inner, "spki"));
	ck_ok(der_expect_whole(&inner, &algorithm, DER_SEQUENCE, "algorithm"));
	ck_ok(der_read_bits(&inner, &bits, "bits"));
	return bits;
}

static void write_cert_id(struct buf *out, const struct answer *a)
{
	uint8_t name[20], key[20];
	size_t id, algorithm;

	sha1(name, issuing.subject);
	sha1(key, key_bits(issuing.public_key));
	key[0] ^= a->other_ca;
	ck_ok(der_open(out, &id, DER_SEQUENCE));
	ck_ok(der_open(out, &algorithm, DER_SEQUENCE));
	ck_ok(der_oid(out, oid(OID_SHA1)));
	ck_ok(der_null(out));
	ck_ok(der_close(out, algorithm));
	ck_ok(der_octets(out, SLICE(name, 20)));
	ck_ok(der_octets(out, SLICE(key, 20)));
	ck_ok(der_serial(out, &serials[a->n]));
	ck_ok(der_close(out, id));
}

static void write_status(struct buf *out, const struct answer *a)
{
	size_t revoked, reason;

	if (a->status != REVOKED_AT) {
		ck_ok(der_tlv(out, (uint8_t)DER_CONTEXT(a->status == GOOD ? 0 : 2), SLICE_NONE));
		return;
	}
	ck_ok(der_open(out, &revoked, DER_CONTEXT_CONSTRUCTED(1)));
	ck_ok(der_generalized_time(out, a->revoked_at));
	if (a->reason != 0) {
		ck_ok(der_open(out, &reason, DER_CONTEXT_CONSTRUCTED(0)));
		ck_ok(der_enumerated(out, a->reason));
		ck_ok(der_close(out, reason));
	}
	ck_ok(der_close(out, revoked));
}

static void write_single(struct buf *out, const struct answer *a)
{
	size_t single, next;

	ck_ok(der_open(out, &single, DER_SEQUENCE));
	write_cert_id(out, a);
	write_status(out, a);
	ck_ok(der_generalized_time(out, a->this_at));
	ck_ok(der_open(out, &next, DER_CONTEXT_CONSTRUCTED(0)));
	ck_ok(der_generalized_time(out, a->next_at));
	ck_ok(der_close(out, next));
	ck_ok(der_close(out, single));
}

static void write_extension(struct buf *out)
{
	size_t tagged, list, one;

	ck_ok(der_open(out, &tagged, DER_CONTEXT_CONSTRUCTED(1)));
	ck_ok(der_open(out, &list, DER_SEQUENCE));
	ck_ok(der_open(out, &one, DER_SEQUENCE));
	ck_ok(der_oid(out, oid(OID_CRL_NUMBER)));
	ck_ok(der_octets(out, SLICE("\x05\0", 2)));
	ck_ok(der_close(out, one));
	ck_ok(der_close(out, list));
	ck_ok(der_close(out, tagged));
}

static void write_answer(struct buf *out, const struct answer *a)
{
	size_t data, by_name, singles;

	if (a->garbage) {
		ck_ok(buf_append_str(out, "\x30\x82not an answer"));
		return;
	}
	ck_ok(der_open(out, &data, DER_SEQUENCE));
	ck_ok(der_open(out, &by_name, DER_CONTEXT_CONSTRUCTED(1)));
	ck_ok(buf_append(out, a->other_responder ? issuing.subject : responder.subject));
	ck_ok(der_close(out, by_name));
	ck_ok(der_generalized_time(out, a->produced_at));
	ck_ok(der_open(out, &singles, DER_SEQUENCE));
	for (int i = 0; i < a->times; i++)
		write_single(out, a);
	ck_ok(der_close(out, singles));
	if (a->unknown_extension)
		write_extension(out);
	ck_ok(der_close(out, data));
	if (a->octet_behind)
		ck_ok(buf_append_u8(out, 0));
}

static void answer_send(struct red_result *got, struct signer_peer *ocspd, const struct answer *a)
{
	OWN(buf) tbs = BUF_INIT(ROOM);
	OWN(buf) body = BUF_INIT(ROOM);
	OWN(buf) out = BUF_INIT(ROOM);
	OWN(msg_sign_ocsp_ok) ok = { 0 };

	*got = (struct red_result){ .tbs = BUF_INIT(16), .signature = BUF_INIT(16) };
	write_answer(&tbs, a);
	struct msg_sign_ocsp_item item = { SLICE_STR(a->issuer), buf_slice(&tbs) };
	const struct msg_sign_ocsp asked = { .items = &item, .num_items = 1 };
	ck_ok(msg_sign_ocsp_encode(&body, &asked));
	if (!red_call(got, ocspd, &out, MSG_SIGN_OCSP, &body))
		return;
	ck_ok(msg_sign_ocsp_ok_decode(&ok, buf_slice(&out)));
	ck_assert_uint_eq(ok.num_items, 1);
	got->is_done = ok.items[0].status == MSG_ITEM_DONE || ok.items[0].signature.len > 0;
	(void)snprintf(got->word, sizeof got->word, "%.*s", (int)ok.items[0].reason.len,
		       (const char *)ok.items[0].reason.p);
}

static void good_revoked(struct answer *a)
{
	a->n = REVOKED;
}

static void good_held(struct answer *a)
{
	a->n = HELD;
}

static void good_never_issued(struct answer *a)
{
	a->n = NEVER_ISSUED;
}

static void revoke(struct answer *a, int n, int64_t at, int64_t reason)
{
	a->n = n;
	a->status = REVOKED_AT;
	a->revoked_at = at;
	a->reason = reason;
}

static void revoked_valid(struct answer *a)
{
	revoke(a, VALID, clock_now_s() - 100, 1);
}

static void revoked_at_another_time(struct answer *a)
{
	revoke(a, REVOKED, ordered_at[REVOKED] + 3600, 1);
}

static void revoked_for_another_reason(struct answer *a)
{
	revoke(a, REVOKED, ordered_at[REVOKED], 4);
}

static void revoked_never_issued(struct answer *a)
{
	revoke(a, NEVER_ISSUED, clock_now_s() - 100, 1);
}

static void never_issued_without_extension(struct answer *a)
{
	revoke(a, NEVER_ISSUED, 0, 6);
}

static void unknown_issued(struct answer *a)
{
	a->status = UNKNOWN;
}

static void far(struct answer *a)
{
	a->next_at = a->this_at + 864001;
}

static void past(struct answer *a)
{
	a->this_at -= 600;
}

static void produced_in_the_past(struct answer *a)
{
	a->produced_at -= 600;
}

static void ahead(struct answer *a)
{
	a->this_at += 600;
	a->next_at += 600;
}

static void backwards(struct answer *a)
{
	a->next_at = a->this_at - 1;
}

static void beyond_responder(struct answer *a)
{
	a->next_at = responder.not_after_at + 1;
}

static void foreign(struct answer *a)
{
	a->issuer = "gost";
}

static void other_ca(struct answer *a)
{
	a->other_ca = true;
}

static void other_responder(struct answer *a)
{
	a->other_responder = true;
}

static void garbage(struct answer *a)
{
	a->garbage = true;
}

static void octet_behind(struct answer *a)
{
	a->octet_behind = true;
}

static void extension(struct answer *a)
{
	a->unknown_extension = true;
}

static void no_single(struct answer *a)
{
	a->times = 0;
}

static void many_singles(struct answer *a)
{
	a->times = 65;
}

static const struct {
	const char *attack;
	void (*spoil)(struct answer *a);
	const char *word;
} attacks[] = {
	{ "good for a revoked certificate", good_revoked, "ocsp_good_but_revoked" },
	{ "good for a held certificate", good_held, "ocsp_good_but_revoked" },
	{ "good for a serial that was never issued", good_never_issued, "ocsp_good_not_issued" },
	{ "revoked for a valid certificate", revoked_valid, "ocsp_revoked_not_ordered" },
	{ "revoked at another time than ordered", revoked_at_another_time, "ocsp_revoked_differs" },
	{ "revoked for another reason than ordered", revoked_for_another_reason, "ocsp_revoked_differs" },
	{ "revoked for a serial that was never issued", revoked_never_issued, "ocsp_revoked_not_ordered" },
	{ "never issued without extended-revoke", never_issued_without_extension, "ocsp_extension" },
	{ "unknown for a certificate that was issued", unknown_issued, "ocsp_unknown_but_issued" },
	{ "nextUpdate of an answer far away", far, "ocsp_time" },
	{ "thisUpdate of an answer in the past", past, "ocsp_time" },
	{ "producedAt in the past", produced_in_the_past, "ocsp_time" },
	{ "thisUpdate of an answer in the future", ahead, "ocsp_time" },
	{ "nextUpdate of an answer before thisUpdate", backwards, "ocsp_time" },
	{ "nextUpdate past the end of the responder's certificate", beyond_responder, "ocsp_time" },
	{ "an answer for an issuer without a key here", foreign, "ocsp_issuer" },
	{ "a CertID of another CA", other_ca, "ocsp_cert_id" },
	{ "another responder's name", other_responder, "ocsp_responder" },
	{ "a ResponseData that is none", garbage, "ocsp_form" },
	{ "an octet behind the ResponseData", octet_behind, "ocsp_form" },
	{ "an unknown extension in an answer", extension, "ocsp_extension" },
	{ "an answer about nothing", no_single, "ocsp_form" },
	{ "an answer about 65 certificates", many_singles, "ocsp_form" },
};

static struct answer honest(void)
{
	const int64_t now = clock_now_s();

	return (struct answer){
		.issuer = "rsa", .n = VALID, .produced_at = now, .this_at = now, .next_at = now + 3600, .times = 1
	};
}

START_TEST(an_answer_that_is_not_true)
{
	OWN(red_watch) watch = { 0 };
	OWN(signer_peer) ocspd = { 0 };
	OWN(red_result) got = { 0 };
	struct answer a = honest();

	attacks[_i].spoil(&a);
	red_watch_begin(&watch, &home, SIGNER_OCSP);
	signer_peer_open(&ocspd, &home, "ocspd", SIGNER_OCSP);
	answer_send(&got, &ocspd, &a);
	red_refused(&watch, attacks[_i].attack, &got, attacks[_i].word);
}
END_TEST

START_TEST(an_honest_answer_is_still_signed)
{
	OWN(signer_peer) ocspd = { 0 };
	OWN(red_result) got = { 0 };
	struct answer a = honest();

	signer_peer_open(&ocspd, &home, "ocspd", SIGNER_OCSP);
	answer_send(&got, &ocspd, &a);
	ck_assert_msg(got.is_done, "%s: %s", got.word, got.text);
}
END_TEST

/* ---- events between the tiers ---- */

struct events_attack {
	const char *attack;
	const char *word; /* "": nothing is taken, and the number that is wanted is named again */
	void (*make)(struct buf *out, struct msg_signed_events *honest);
};

static void forged_signature(struct buf *out, struct msg_signed_events *e)
{
	OWN(buf) signature = BUF_INIT(256);

	ck_ok(buf_set(&signature, e->signature));
	signature.p[7] ^= 1;
	e->signature = buf_slice(&signature);
	ck_ok(msg_signed_events_encode(out, e));
}

static void changed_events(struct buf *out, struct msg_signed_events *e)
{
	OWN(buf) events = BUF_INIT(ROOM);

	ck_ok(buf_set(&events, e->events));
	events.p[events.len - 1] ^= 1;
	e->events = buf_slice(&events);
	ck_ok(msg_signed_events_encode(out, e));
}

/* A release of the revoked one, signed by a key of cad's own making. */
static void own_release(struct buf *out, struct msg_signed_events *e)
{
	OWN(msg_event_batch) batch = { 0 };
	OWN(buf) der = BUF_INIT(ROOM);
	EVP_PKEY *key = test_key("ed25519");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[64];
	size_t len = sizeof signature;

	ck_ok(msg_event_batch_decode(&batch, e->events));
	struct msg_event event = batch.events[batch.num_events - 1];
	event.seq = batch.next;
	event.action = 3;
	event.reason = 8;
	const struct msg_event_batch more = { batch.next, batch.next + 1, &event, 1, NULL };
	ck_ok(msg_event_batch_encode(&der, &more));
	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len, der.p, der.len), 1);
	const struct msg_signed_events body = { buf_slice(&der), SLICE(signature, len), NULL };
	ck_ok(msg_signed_events_encode(out, &body));
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void unsigned_events(struct buf *out, struct msg_signed_events *e)
{
	size_t whole;

	ck_ok(der_open(out, &whole, DER_SEQUENCE));
	ck_ok(der_octets(out, e->events));
	ck_ok(der_octets(out, SLICE_NONE));
	ck_ok(der_close(out, whole));
}

static void no_events(struct buf *out, struct msg_signed_events *e)
{
	(void)e;
	ck_ok(buf_append_str(out, "no events"));
}

static const struct events_attack events_attacks[] = {
	{ "events with a forged signature", "events_signature", forged_signature },
	{ "events changed after they were signed", "events_signature", changed_events },
	{ "a release event that cad signed itself", "events_signature", own_release },
	{ "events without a signature", "bad_input", unsigned_events },
	{ "events that are none", "bad_input", no_events },
};

START_TEST(events_that_nobody_signed)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_result) got = { 0 };
	OWN(msg_signed_events) e = { 0 };
	OWN(buf) body = BUF_INIT(ROOM);
	OWN(buf) answer = BUF_INIT(64);
	const struct events_attack *a = &events_attacks[_i];

	ck_ok(msg_signed_events_decode(&e, buf_slice(&first_events)));
	a->make(&body, &e);
	red_watch_begin(&watch, &home, SIGNER_OCSP);
	got.is_done = red_call(&got, &watch.peer, &answer, MSG_EVENTS_PUSH, &body);
	red_refused(&watch, a->attack, &got, a->word);
}
END_TEST

/* Signed events past a gap, and old ones again: nothing is taken, the number that is wanted is told. */
START_TEST(events_with_a_gap)
{
	OWN(signer_peer) ca = { 0 };
	OWN(buf) more = BUF_INIT(ROOM);
	OWN(buf) answer = BUF_INIT(64);
	OWN(red_watch) watch = { 0 };
	OWN(msg_events_push_ok) ok = { 0 };
	OWN(test_person) first = { 0 }, second = { 0 };

	red_watch_begin(&watch, &home, SIGNER_OCSP);
	signer_peer_open(&ca, &home, "cad", SIGNER_CA);
	red_issue(&first, &home, &ca, "individual-auth", "850101300041", NULL);
	red_issue(&second, &home, &ca, "individual-auth", "850101300042", NULL);
	events_get(&more, &ca, watch.event_seq + 1, 10);
	call(&watch.peer, &answer, MSG_EVENTS_PUSH, &more);
	ck_ok(msg_events_push_ok_decode(&ok, buf_slice(&answer)));
	ck_assert_int_eq(ok.next, watch.event_seq);
	red_unchanged(&watch, "events past a gap");
	(void)printf("ignored  %-62s the number wanted\n", "events past a gap");
	relay();
	red_unchanged(&watch, "old events again");
	(void)printf("ignored  %-62s the number wanted\n", "old events again");
}
END_TEST

/* ---- heads of the log ---- */

enum { LEAVES = 9 };
static struct tree_hash leaves[2][LEAVES]; /* the log, and a fork of it */

static struct err *node_of(void *arg, struct tree_hash *out, struct tree_node node)
{
	const struct tree_hash *log = arg;

	if (node.height == 0) {
		*out = log[node.index];
		return NULL;
	}
	struct tree_hash left, right;
	TRY(node_of(arg, &left, (struct tree_node){ node.height - 1, 2 * node.index }));
	TRY(node_of(arg, &right, (struct tree_node){ node.height - 1, 2 * node.index + 1 }));
	tree_hash_node(out, &left, &right);
	return NULL;
}

static void leaves_fill(void)
{
	for (int fork = 0; fork < 2; fork++)
		for (uint8_t i = 0; i < LEAVES; i++) {
			const uint8_t text[2] = { i, i > 1 ? (uint8_t)fork : 0 };
			tree_hash_leaf(&leaves[fork][i], SLICE(text, 2));
		}
}

/* A head of log or fork, with the proof from the old size that is said. */
static bool head_send(struct red_result *got, struct signer_peer *cad, int fork, uint64_t old_size, uint64_t size,
		      bool spoil_proof)
{
	struct tree_hash root;
	struct tree_proof proof = { 0 };
	struct slice hashes[TREE_PROOF_MAX];
	const struct tree_reader reader = { node_of, leaves[fork] };
	OWN(buf) body = BUF_INIT(65536);
	OWN(buf) answer = BUF_INIT(65536);

	ck_ok(tree_root(&root, size, reader));
	if (old_size > 0 && old_size < size)
		ck_ok(tree_consistency(&proof, old_size, size, reader));
	if (spoil_proof)
		proof.h[0].b[0] ^= 1;
	for (size_t i = 0; i < proof.num; i++)
		hashes[i] = SLICE(proof.h[i].b, TREE_HASH_SIZE);
	const struct msg_sign_head asked = { .old_size = (int64_t)old_size,
					     .size = (int64_t)size,
					     .root = SLICE(root.b, TREE_HASH_SIZE),
					     .consistency = hashes,
					     .num_consistency = proof.num };
	ck_ok(msg_sign_head_encode(&body, &asked));
	return red_call(got, cad, &answer, MSG_SIGN_HEAD, &body);
}

static const struct {
	const char *attack;
	int fork;
	uint64_t old_size, size;
	bool spoil_proof;
	const char *word;
} head_attacks[] = {
	{ "roll-back of the log", 0, 0, 3, false, "head_goes_back" },
	{ "roll-back of the log with the old size right", 0, 5, 4, false, "head_goes_back" },
	{ "an empty log", 0, 5, 1, false, "head_goes_back" },
	{ "a fork of the same size", 1, 5, 5, false, "head_forks" },
	{ "a fork that goes on", 1, 5, 7, false, "head_proof" },
	{ "a wrong consistency proof", 0, 5, 7, true, "head_proof" },
	{ "a proof from another size", 0, 4, 7, false, "oldSize" },
	{ "a new log without a proof", 1, 0, 9, false, "oldSize" },
};

/* From the true log of 4 entries to one of 2^62 made-up ones: the proof holds, and no true log could ever follow. */
static void a_log_of_made_up_entries(void)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_result) got = { 0 };
	OWN(buf) body = BUF_INIT(65536);
	OWN(buf) answer = BUF_INIT(65536);
	struct tree_hash root;
	struct slice hashes[60];

	ck_ok(tree_root(&root, 4, (struct tree_reader){ node_of, leaves[0] }));
	for (int i = 0; i < COUNT_OF(hashes); i++) {
		hashes[i] = SLICE(leaves[1][i % LEAVES].b, TREE_HASH_SIZE);
		tree_hash_node(&root, &root, &leaves[1][i % LEAVES]);
	}
	const struct msg_sign_head asked = { .old_size = 4,
					     .size = (int64_t)1 << 62,
					     .root = SLICE(root.b, TREE_HASH_SIZE),
					     .consistency = hashes,
					     .num_consistency = COUNT_OF(hashes) };
	ck_ok(msg_sign_head_encode(&body, &asked));
	red_watch_begin(&watch, &home, SIGNER_OCSP);
	got.is_done = red_call(&got, &watch.peer, &answer, MSG_SIGN_HEAD, &body);
	red_refused(&watch, "a log that jumps to 2^62 made-up entries", &got, "head_jumps");
}

START_TEST(logs_that_go_back_or_fork)
{
	OWN(signer_peer) cad = { 0 };
	OWN(red_result) honest_one = { 0 };

	leaves_fill();
	signer_peer_open(&cad, &home, "cad", SIGNER_OCSP);
	ck_assert(head_send(&honest_one, &cad, 0, 0, 4, false));
	a_log_of_made_up_entries();
	ck_assert(head_send(&honest_one, &cad, 0, 4, 5, false));
	for (int i = 0; i < COUNT_OF(head_attacks); i++) {
		OWN(red_watch) watch = { 0 };
		OWN(red_result) got = { 0 };

		red_watch_begin(&watch, &home, SIGNER_OCSP);
		got.is_done = head_send(&got, &cad, head_attacks[i].fork, head_attacks[i].old_size,
					head_attacks[i].size, head_attacks[i].spoil_proof);
		red_refused(&watch, head_attacks[i].attack, &got, head_attacks[i].word);
	}
	ck_assert(head_send(&honest_one, &cad, 0, 5, 9, false)); /* and the log goes on */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/answers");
	TCase *t = tcase_create("ocspd and cad");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_loop_test(t, an_answer_that_is_not_true, 0, COUNT_OF(attacks));
	tcase_add_loop_test(t, events_that_nobody_signed, 0, COUNT_OF(events_attacks));
	tcase_add_test(t, events_with_a_gap);
	tcase_add_test(t, logs_that_go_back_or_fork);
	tcase_add_test(t, an_honest_answer_is_still_signed);
	suite_add_tcase(s, t);
	return suite_main(s);
}
