/*
 * lists_test.c - crld is taken over: it asks for lists that are empty, shrunk, old, eternal, or no lists at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/list_make.h"

#include "base/clock.h"
#include "bus/msg_crl.h"
#include "support/red.h"

enum { VALID, REVOKED, HELD, RELEASED, PEOPLE, NEVER_ISSUED, HONEST_NUMBER = 10, CALL_MAX = 4 << 20 };

static struct signer_home home;
static struct test_person person[PEOPLE];
static struct serial serials[NEVER_ISSUED + 1];
static struct cert issuing;
static EVP_PKEY *rogue_key; /* OpenSSL signs with it to fill in the algorithm */
static int64_t order_seq, ordered_at[PEOPLE];

static void give(struct signer_peer *cad, int n, enum order_action action)
{
	OWN(red_order) order = { 0 };
	OWN(red_result) got = { 0 };

	red_order_init(&order, &home, &person[n], action);
	red_order_decide(&order, &home.who[WHO_OPERATOR1]);
	red_order_decide(&order, &home.who[WHO_OPERATOR2]);
	red_order_send(&got, cad, &order);
	ck_assert_msg(got.is_done, "%s: %s", got.word, got.text);
	order_seq = got.seq;
	ordered_at[n] = order.o.revoked_at;
}

static struct serial serial_of(int n)
{
	return serials[n];
}

/* ---- a list on its way ---- */

struct red_list {
	struct list list;
	struct msg_crl_begin begin;
	struct buf tbs;
	size_t gap; /* octets left out in the middle */
	bool no_begin, no_end, end_early;
};

static void red_list_clear(struct red_list *self)
{
	buf_clear(&self->tbs);
}
OWN_TYPE(red_list, struct red_list, red_list_clear)

static int by_value(const void *a, const void *b)
{
	const struct serial one = serial_of(((const struct entry *)a)->n),
			    two = serial_of(((const struct entry *)b)->n);

	return serial_compare(&one, &two);
}

/* The list as it must be: number 11, everything that was ordered. */
static void red_list_init(struct red_list *l)
{
	const int64_t now = clock_now_s();

	*l = (struct red_list){ .tbs = BUF_INIT(CALL_MAX) };
	l->list =
		(struct list){ .number = HONEST_NUMBER + 1,
			       .this_at = now,
			       .next_at = now + 86400,
			       .entries = { { REVOKED, 1, ordered_at[REVOKED], 0 }, { HELD, 6, ordered_at[HELD], 0 } },
			       .num = 2 };
	l->begin = (struct msg_crl_begin){
		.issuer = SLICE_STR("rsa"), .scope = SLICE_NONE, .kind = MSG_CRL_FULL, .order_seq = order_seq
	};
}

static void red_list_make(struct red_list *l)
{
	const struct list_ca ca = { rogue_key, issuing.subject, issuing.key_id, serial_of };

	qsort(l->list.entries, (size_t)l->list.num, sizeof l->list.entries[0], by_value);
	list_make(&l->tbs, &ca, &l->list);
	l->begin.number = l->list.number;
	l->begin.this_update_at = l->list.this_at;
	l->begin.next_update_at = l->list.next_at;
	l->begin.tbs_length = (int64_t)l->tbs.len;
}

static bool say(struct red_result *got, struct signer_peer *crld, uint16_t type, struct buf *body)
{
	OWN(buf) answer = BUF_INIT(65536);
	OWN(msg_crl_end_ok) end_ok = { 0 };

	if (!red_call(got, crld, &answer, type, body))
		return false;
	if (type == MSG_CRL_END) {
		ck_ok(msg_crl_end_ok_decode(&end_ok, buf_slice(&answer)));
		got->is_done = true;
	}
	return true;
}

static bool say_begin(struct red_result *got, struct signer_peer *crld, const struct red_list *l)
{
	OWN(buf) body = BUF_INIT(1024);

	ck_ok(msg_crl_begin_encode(&body, &l->begin));
	return l->no_begin || say(got, crld, MSG_CRL_BEGIN, &body);
}

static bool say_chunk(struct red_result *got, struct signer_peer *crld, struct slice bytes, size_t offset)
{
	const struct msg_crl_chunk chunk = { .offset = (int64_t)offset, .bytes = bytes };
	OWN(buf) body = BUF_INIT(CALL_MAX);

	ck_ok(msg_crl_chunk_encode(&body, &chunk));
	return say(got, crld, MSG_CRL_CHUNK, &body);
}

/* Streams it in two pieces; the first refusal ends it. */
static void red_list_send(struct red_result *got, struct signer_peer *crld, const struct red_list *l)
{
	size_t half = l->tbs.len / 2, from = half + l->gap;
	OWN(buf) body = BUF_INIT(16);

	*got = (struct red_result){ .tbs = BUF_INIT(16), .signature = BUF_INIT(16) };
	if (!say_begin(got, crld, l))
		return;
	if (!l->no_begin && !say_chunk(got, crld, SLICE(l->tbs.p, half), 0))
		return;
	if (!l->no_begin && !l->end_early && !say_chunk(got, crld, SLICE(l->tbs.p + from, l->tbs.len - from), from))
		return;
	ck_ok(msg_empty_encode(&body, &(struct msg_empty){ 0 }));
	(void)say(got, crld, MSG_CRL_END, &body);
}

static void sign_honest(int64_t number)
{
	OWN(signer_peer) crld = { 0 };
	OWN(red_list) l = { 0 };
	OWN(red_result) got = { 0 };

	red_list_init(&l);
	l.list.number = number;
	red_list_make(&l);
	signer_peer_open(&crld, &home, "crld", SIGNER_CA);
	red_list_send(&got, &crld, &l);
	ck_assert_msg(got.is_done, "an honest list was refused: %s: %s", got.word, got.text);
}

static void begin(void)
{
	OWN(signer_peer) cad = { 0 };
	struct cert c;

	signer_home_begin(&home, 1u << SIGNER_CA);
	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	ck_ok(cert_parse(&issuing, buf_slice(&home.issuing)));
	rogue_key = test_key("rsa");
	for (int n = 0; n < PEOPLE; n++) {
		red_issue(&person[n], &home, &cad, "individual-auth", "850101300031", NULL);
		ck_ok(cert_parse(&c, buf_slice(&person[n].der)));
		serials[n] = c.serial;
	}
	serials[NEVER_ISSUED] = serials[VALID];
	serials[NEVER_ISSUED].b[3] ^= 1;
	give(&cad, REVOKED, ORDER_REVOKE);
	give(&cad, RELEASED, ORDER_HOLD);
	give(&cad, RELEASED, ORDER_RELEASE);
	give(&cad, HELD, ORDER_HOLD);
	sign_honest(HONEST_NUMBER);
}

static void end(void)
{
	for (int n = 0; n < PEOPLE; n++)
		test_person_clear(&person[n]);
	EVP_PKEY_free(rogue_key);
	signer_home_end(&home);
}

/* ---- what is done to the list before, and to the stream after it was made ---- */

static void empty(struct red_list *l)
{
	l->list.num = 0;
}

static void without_revoked(struct red_list *l)
{
	l->list.entries[0] = l->list.entries[1];
	l->list.num = 1;
}

static void without_held(struct red_list *l)
{
	l->list.num = 1;
}

static void add(struct red_list *l, int n)
{
	l->list.entries[l->list.num++] = (struct entry){ n, 1, clock_now_s() - 100, 0 };
}

static void with_valid(struct red_list *l)
{
	add(l, VALID);
}

static void with_released(struct red_list *l)
{
	add(l, RELEASED);
}

static void with_never_issued(struct red_list *l)
{
	add(l, NEVER_ISSUED);
}

static void doubled(struct red_list *l)
{
	l->list.entries[l->list.num++] = l->list.entries[0];
}

static void other_reason(struct red_list *l)
{
	l->list.entries[0].reason = 4;
}

static void remove_from_list(struct red_list *l)
{
	l->list.entries[0].reason = 8;
}

static void other_date(struct red_list *l)
{
	l->list.entries[0].at += 86400;
}

static void number_back(struct red_list *l)
{
	l->list.number = HONEST_NUMBER - 1;
}

static void number_again(struct red_list *l)
{
	l->list.number = HONEST_NUMBER;
}

static void number_jump(struct red_list *l)
{
	l->list.number = INT64_MAX;
}

static void this_update_back(struct red_list *l)
{
	l->list.this_at -= 600;
}

static void this_update_ahead(struct red_list *l)
{
	l->list.this_at += 600;
}

static void next_update_far(struct red_list *l)
{
	l->list.next_at = l->list.this_at + 864001;
}

static void next_before_this(struct red_list *l)
{
	l->list.next_at = l->list.this_at - 1;
}

static void other_issuer(struct red_list *l)
{
	l->list.issuer = "ROGUE CA";
}

static void other_aki(struct red_list *l)
{
	l->list.other_aki = true;
}

static void no_aki(struct red_list *l)
{
	l->list.no_aki = true;
}

static void extra_extension(struct red_list *l)
{
	l->list.extra_extension = true;
}

static void sha_1(struct red_list *l)
{
	l->list.md = EVP_sha1();
}

static void version_1(struct red_list *l)
{
	l->list.version_1 = true;
}

static void no_next_update(struct red_list *l)
{
	l->list.no_next = true;
}

static void entry_extension(struct red_list *l)
{
	l->list.entry_extra = true;
}

static void nothing(struct red_list *l)
{
	(void)l;
}

/* after */

static void orders_behind(struct red_list *l)
{
	l->begin.order_seq--;
}

static void orders_ahead(struct red_list *l)
{
	l->begin.order_seq++;
}

static void octets_behind(struct red_list *l)
{
	ck_ok(buf_append_u8(&l->tbs, 0));
}

static void announced_octets_behind(struct red_list *l)
{
	ck_ok(buf_append_u8(&l->tbs, 0));
	l->begin.tbs_length++;
}

static void a_certificate(struct red_list *l)
{
	struct cert c;

	ck_ok(cert_parse(&c, buf_slice(&person[VALID].der)));
	ck_ok(buf_set(&l->tbs, c.tbs));
	l->begin.tbs_length = (int64_t)l->tbs.len;
}

static void announced_other_number(struct red_list *l)
{
	l->begin.number++;
}

static void shard(struct red_list *l)
{
	l->begin.scope = SLICE_STR("7");
}

static void foreign(struct red_list *l)
{
	l->begin.issuer = SLICE_STR("gost");
}

static void delta_without_base(struct red_list *l)
{
	l->begin.kind = MSG_CRL_DELTA;
}

static void delta_of_unknown_base(struct red_list *l)
{
	l->begin.kind = MSG_CRL_DELTA;
	l->begin.has_base_number = true;
	l->begin.base_number = HONEST_NUMBER - 3;
}

/* A delta of the right base that claims nothing was ordered since, streamed as a full list. */
static void delta_with_full_entries(struct red_list *l)
{
	l->begin.kind = MSG_CRL_DELTA;
	l->begin.has_base_number = true;
	l->begin.base_number = HONEST_NUMBER;
}

static void end_without_begin(struct red_list *l)
{
	l->no_begin = true;
}

static void end_early(struct red_list *l)
{
	l->end_early = true;
}

static void gap(struct red_list *l)
{
	l->gap = 1;
}

static void huge(struct red_list *l)
{
	l->begin.tbs_length = INT64_MAX;
}

static void flipped(struct red_list *l)
{
	l->tbs.p[l->tbs.len / 2 + 5] ^= 1;
}

static const struct {
	const char *attack;
	void (*before)(struct red_list *l);
	void (*after)(struct red_list *l);
	const char *word;
} attacks[] = {
	{ "an empty list while orders exist", empty, nothing, "crl_entry_missing" },
	{ "a list without the revoked one", without_revoked, nothing, "crl_entry_missing" },
	{ "a list without the held one", without_held, nothing, "crl_entry_missing" },
	{ "a list with a valid one", with_valid, nothing, "crl_entry_unknown" },
	{ "a list with a released one", with_released, nothing, "crl_entry_unknown" },
	{ "a list with a serial that was never issued", with_never_issued, nothing, "crl_entry_unknown" },
	{ "an entry twice", doubled, nothing, "crl_entry_order" },
	{ "an entry with another reason", other_reason, nothing, "crl_entry_differs" },
	{ "an entry that says removeFromCRL", remove_from_list, nothing, "crl_entry_differs" },
	{ "an entry with another date", other_date, nothing, "crl_entry_differs" },
	{ "an entry with an extension more", entry_extension, nothing, "crl_entry_differs" },
	{ "an octet of an entry flipped", nothing, flipped, "" },
	{ "the number goes back", number_back, nothing, "crl_number" },
	{ "the number of a signed list with other content", number_again, nothing, "crl_number" },
	{ "the number jumps to the end", number_jump, nothing, "crl_number" },
	{ "another number than was announced", nothing, announced_other_number, "crl_tail" },
	{ "thisUpdate goes back", this_update_back, nothing, "crl_time" },
	{ "thisUpdate in the future", this_update_ahead, nothing, "crl_time" },
	{ "nextUpdate far away", next_update_far, nothing, "crl_time" },
	{ "nextUpdate before thisUpdate", next_before_this, nothing, "crl_time" },
	{ "no nextUpdate", no_next_update, nothing, "crl_head" },
	{ "another issuer's name in the list", other_issuer, nothing, "crl_head" },
	{ "another authority key id", other_aki, nothing, "crl_tail" },
	{ "no authority key id", no_aki, nothing, "crl_head" },
	{ "an extension more in the list", extra_extension, nothing, "crl_head" },
	{ "another algorithm (SHA-1)", sha_1, nothing, "crl_head" },
	{ "a list of version 1", version_1, nothing, "crl_head" },
	{ "orders left out: the watermark goes back", nothing, orders_behind, "crl_order_seq" },
	{ "a watermark of orders that do not exist", nothing, orders_ahead, "crl_order_seq" },
	{ "octets behind the list", nothing, octets_behind, "crl_length" },
	{ "octets behind the list, announced", nothing, announced_octets_behind, "crl_head" },
	{ "octets that parse as a certificate", nothing, a_certificate, "crl_head" },
	{ "a shard that does not exist", nothing, shard, "crl_scope" },
	{ "an issuer without a key here", nothing, foreign, "crl_issuer" },
	{ "a delta without a base", nothing, delta_without_base, "crl_base" },
	{ "a delta of a list that was never signed", nothing, delta_of_unknown_base, "crl_base" },
	{ "a full list announced as a delta", nothing, delta_with_full_entries, "crl_head" },
	{ "END without BEGIN", nothing, end_without_begin, "crl_not_begun" },
	{ "END before all octets came", nothing, end_early, "crl_length" },
	{ "a gap between the chunks", nothing, gap, "crl_offset" },
	{ "a list of all the memory there is", nothing, huge, "crl_length" },
};

START_TEST(a_list_that_is_not_true)
{
	OWN(red_watch) watch = { 0 };
	OWN(signer_peer) crld = { 0 };
	OWN(red_list) l = { 0 };
	OWN(red_result) got = { 0 };

	red_list_init(&l);
	attacks[_i].before(&l);
	red_list_make(&l);
	attacks[_i].after(&l);
	red_watch_begin(&watch, &home, SIGNER_CA);
	signer_peer_open(&crld, &home, "crld", SIGNER_CA);
	red_list_send(&got, &crld, &l);
	/* a flipped octet may be of the serial, the date or the form */
	const char *word = attacks[_i].word[0] != '\0' ? attacks[_i].word : got.word;
	ck_assert_msg(strncmp(word, "crl_", 4) == 0, "%s: %s", attacks[_i].attack, word);
	red_refused(&watch, attacks[_i].attack, &got, word);
}
END_TEST

START_TEST(an_honest_list_is_still_signed)
{
	sign_honest(HONEST_NUMBER + 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/lists");
	TCase *t = tcase_create("crld");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_loop_test(t, a_list_that_is_not_true, 0, COUNT_OF(attacks));
	tcase_add_test(t, an_honest_list_is_still_signed);
	suite_add_tcase(s, t);
	return suite_main(s);
}
