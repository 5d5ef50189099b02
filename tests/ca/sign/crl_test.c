/*
 * crl_test.c - may this list be signed? Lists made by OpenSSL's own objects against the orders that were accepted.
 *
 * The right list passes, whatever the chunks; every list that lacks, adds or changes something does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/crl.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/pki_asn1.h"
#include "list_make.h"
#include "support/suite.h"

#define NOW 1795000000

static struct known *k;
static EVP_PKEY *key;
static struct buf subject, algorithm;
static const uint8_t key_id[20] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };

enum { FIRST_ORDER = 101 };

static struct serial serial_of(int n)
{
	/* of different lengths, some with a leading 00: ascending by value */
	struct serial s = { 0 };

	if (n < 0x80)
		s = (struct serial){ 1, { (uint8_t)n } };
	else if (n < 0x100)
		s = (struct serial){ 2, { 0, (uint8_t)n } };
	else
		s = (struct serial){ 20, { 0x10, (uint8_t)(n >> 8), (uint8_t)n } };
	return s;
}

struct order {
	int n; /* the serial's number */
	enum known_action action;
	int reason;
	int64_t at, invalidity_at; /* 0: none */
	int64_t not_after_at;
};

/* In the order of their acceptance, from number FIRST_ORDER on. */
static const struct order orders[] = {
	{ 5, KNOWN_REVOKE, 1, NOW - 5000, NOW - 9000, NOW + 1000000 }, /* 101 */
	{ 200, KNOWN_HOLD, 6, NOW - 4000, 0, NOW + 1000000 }, /* 102 */
	{ 7, KNOWN_REVOKE, 0, NOW - 3000, 0, NOW + 1000000 }, /* 103 */
	{ 300, KNOWN_REVOKE, 4, NOW - 2500, 0, NOW - 10 }, /* 104: has expired */
	{ 8, KNOWN_HOLD, 6, NOW - 2000, 0, NOW + 1000000 }, /* 105 */
	{ 8, KNOWN_RELEASE, 8, NOW - 1500, 0, NOW + 1000000 }, /* 106 */
	{ 200, KNOWN_REVOKE, 5, NOW - 1000, 0, NOW + 1000000 }, /* 107 */
	{ 400, KNOWN_REVOKE, 0, NOW - 500, NOW - 600, NOW + 1000000 }, /* 108 */
};
enum { LAST_ORDER = FIRST_ORDER + COUNT_OF(orders) - 1 };

static void known_fill(void)
{
	int64_t seq = 1;

	for (int n = 1; n < 500; n++) {
		struct serial s = serial_of(n);

		ck_ok(known_add(k, SLICE_STR("rsa"), &s, seq));
		ck_ok(known_add(k, SLICE_STR("gost"), &s, seq++));
	}
	for (int i = 0; i < COUNT_OF(orders); i++) {
		struct known_order o = { .action = (uint8_t)orders[i].action,
					 .reason = (uint8_t)orders[i].reason,
					 .has_invalidity_at = orders[i].invalidity_at != 0,
					 .serial = serial_of(orders[i].n),
					 .not_after_at = (uint32_t)orders[i].not_after_at,
					 .at = (uint32_t)orders[i].at,
					 .invalidity_at = (uint32_t)orders[i].invalidity_at,
					 .seq = FIRST_ORDER + i };
		uint8_t digest[32] = { (uint8_t)(i + 1), 1 };

		ck_ok(known_order_add(k, SLICE_STR("rsa"), &o, digest));
	}
}

static void setup(void)
{
	X509_NAME *name = name_of("ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSA)");
	X509_ALGOR *algor = X509_ALGOR_new();
	uint8_t *der = NULL;
	int len = i2d_X509_NAME(name, &der);

	ck_ok(known_create(&k));
	known_fill();
	key = EVP_EC_gen("P-256");
	subject = (struct buf)BUF_INIT(4096);
	ck_ok(buf_set(&subject, SLICE(der, (size_t)len)));
	OPENSSL_free(der);
	X509_NAME_free(name);
	algorithm = (struct buf)BUF_INIT(64);
	der = NULL;
	ck_assert_int_eq(X509_ALGOR_set0(algor, OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL), 1);
	len = i2d_X509_ALGOR(algor, &der);
	ck_ok(buf_set(&algorithm, SLICE(der, (size_t)len)));
	OPENSSL_free(der);
	X509_ALGOR_free(algor);
}

static void teardown(void)
{
	known_destroy(&k);
	EVP_PKEY_free(key);
	buf_clear(&subject);
	buf_clear(&algorithm);
}

/* Right for all orders: full list number 42. */
static struct list full_list(void)
{
	return (struct list){ .number = 42,
			      .this_at = NOW,
			      .next_at = NOW + 97200,
			      .entries = { { 5, 1, NOW - 5000, NOW - 9000 },
					   { 7, -1, NOW - 3000, 0 },
					   { 200, 5, NOW - 1000, 0 },
					   { 300, 4, NOW - 2500, 0 },
					   { 400, -1, NOW - 500, NOW - 600 } },
			      .num = 5 };
}

/* A delta from the list that knew orders up to 102. */
static struct list delta_list(void)
{
	return (struct list){ .number = 42,
			      .base_number = 40,
			      .this_at = NOW,
			      .next_at = NOW + 27000,
			      .entries = { { 7, -1, NOW - 3000, 0 },
					   { 8, 8, NOW - 1500, 0 },
					   { 200, 5, NOW - 1000, 0 },
					   { 300, 4, NOW - 2500, 0 },
					   { 400, -1, NOW - 500, NOW - 600 } },
			      .num = 5 };
}

/* ---- the check of one list */

struct question {
	struct crl_facts facts;
	struct msg_crl_begin begin;
	struct buf tbs;
	size_t chunk;
};

static void question_clear(struct question *q)
{
	buf_clear(&q->tbs);
}
OWN_TYPE(question, struct question, question_clear)

static void question_init(struct question *q, const struct list *l)
{
	*q = (struct question){ .tbs = BUF_INIT(1 << 20), .chunk = 1 << 20 };
	const struct list_ca ca = { key, buf_slice(&subject), SLICE(key_id, sizeof key_id), serial_of };
	list_make(&q->tbs, &ca, l);
	q->facts = (struct crl_facts){ .known = k,
				       .issuer = SLICE_STR("rsa"),
				       .subject = buf_slice(&subject),
				       .key_id = SLICE(key_id, sizeof key_id),
				       .algorithm = buf_slice(&algorithm),
				       .ca_not_after_at = NOW + 10000000,
				       .now = NOW + 5,
				       .last_full = { 40, NOW - 86400, 102 },
				       .last_delta = { 41, NOW - 1800, 106 },
				       .left_out_at = INT64_MAX,
				       .max_validity_s = 864000,
				       .max_age_s = 3600,
				       .order_grace_s = 60 };
	if (l->base_number == 40)
		q->facts.base = q->facts.last_full;
	q->begin = (struct msg_crl_begin){ .issuer = SLICE_STR("rsa"),
					   .scope = SLICE_STR(""),
					   .kind = l->base_number != 0 ? MSG_CRL_DELTA : MSG_CRL_FULL,
					   .number = l->number,
					   .has_base_number = l->base_number != 0,
					   .base_number = l->base_number,
					   .this_update_at = l->this_at,
					   .next_update_at = l->next_at,
					   .order_seq = LAST_ORDER,
					   .tbs_length = (int64_t)q->tbs.len };
}

static struct err *run(const struct question *q, int64_t *out_entries)
{
	OWN(crl_check) check = NULL;

	TRY(crl_check_create(&check, &q->facts, &q->begin));
	for (size_t at = 0; at < q->tbs.len; at += q->chunk)
		TRY(crl_check_feed(check,
				   SLICE(q->tbs.p + at, q->tbs.len - at < q->chunk ? q->tbs.len - at : q->chunk)));
	return crl_check_end(check, out_entries);
}

static void expect(const struct question *q, const char *reason)
{
	int64_t num = -1;
	char text[400];
	struct err *e = run(q, &num);

	(void)err_text(e, text, sizeof text);
	if (reason[0] == '\0') {
		ck_assert_msg(e == NULL, "%s: %s", err_field(e) == NULL ? "" : err_field(e), text);
		return;
	}
	ck_assert_msg(e != NULL, "signed, expected %s", reason);
	ck_assert_int_eq(err_code(e), ERR_DENIED);
	ck_assert_msg(err_field(e) != NULL && strcmp(err_field(e), reason) == 0, "%s instead of %s: %s", err_field(e),
		      reason, text);
	err_destroy(&e);
}

static void expect_list(const struct list *l, const char *reason)
{
	OWN(question) q = { 0 };

	question_init(&q, l);
	expect(&q, reason);
}

/* ---- right lists */

START_TEST(right_full_list)
{
	struct list l = full_list();
	OWN(question) q = { 0 };
	int64_t num;

	question_init(&q, &l);
	ck_ok(run(&q, &num));
	ck_assert_int_eq(num, 5);
	for (q.chunk = 1; q.chunk < 120; q.chunk++) /* wherever the chunks cut it */
		expect(&q, "");
}
END_TEST

START_TEST(right_delta)
{
	struct list l = delta_list();

	expect_list(&l, "");
}
END_TEST

START_TEST(right_empty_list)
{
	struct list l = full_list();
	OWN(question) q = { 0 };

	l.num = 0;
	question_init(&q, &l);
	q.facts.issuer = q.begin.issuer = SLICE_STR("gost"); /* nothing was ordered there */
	q.facts.last_full = q.facts.last_delta = (struct crl_signed){ 0 };
	expect(&q, "");
	q.facts.issuer = q.begin.issuer = SLICE_STR("never-issued");
	expect(&q, "");
}
END_TEST

/* A certificate that has expired may stay on the list or go. */
START_TEST(expired_may_go)
{
	struct list l = full_list();

	memmove(&l.entries[3], &l.entries[4], sizeof l.entries[0]);
	l.num = 4;
	expect_list(&l, "");
}
END_TEST

/* As of an earlier number: the hold still stands, later orders are not there. */
START_TEST(list_of_an_earlier_moment)
{
	struct list l = full_list();
	OWN(question) q = { 0 };

	l.num = 5;
	l.entries[0] = (struct entry){ 5, 1, NOW - 5000, NOW - 9000 };
	l.entries[1] = (struct entry){ 7, -1, NOW - 3000, 0 };
	l.entries[2] = (struct entry){ 8, 6, NOW - 2000, 0 };
	l.entries[3] = (struct entry){ 200, 6, NOW - 4000, 0 };
	l.entries[4] = (struct entry){ 300, 4, NOW - 2500, 0 };
	question_init(&q, &l);
	q.facts.last_delta.order_seq = 105;
	q.begin.order_seq = 105;
	q.facts.left_out_at = q.facts.now - 30;
	expect(&q, "");
	q.facts.left_out_at = q.facts.now - 60;
	expect(&q, "crl_order_seq");
}
END_TEST

/* ---- lists that must not be signed: what is changed, and the reason */

enum change {
	MISSING_FIRST,
	MISSING_LAST,
	MISSING_ALL,
	EXTRA_VALID,
	EXTRA_NEVER_ISSUED,
	EXTRA_RELEASED,
	DOUBLED,
	OUT_OF_ORDER,
	OTHER_DATE,
	OTHER_REASON,
	REASON_LEFT_OUT,
	REASON_ADDED,
	REASON_ZERO,
	OTHER_INVALIDITY,
	INVALIDITY_LEFT_OUT,
	INVALIDITY_ADDED,
	HOLD_INSTEAD_OF_REVOKED,
	OTHER_ISSUER,
	OTHER_HASH,
	VERSION_1,
	NO_NEXT_UPDATE,
	NO_AKI,
	OTHER_AKI,
	EXTRA_EXTENSION,
	NUMBER_CRITICAL,
	DELTA_MARK_ON_FULL,
	CHANGES
};

static const char *const change_reasons[CHANGES] = {
	[MISSING_FIRST] = "crl_entry_missing",
	[MISSING_LAST] = "crl_entry_missing",
	[MISSING_ALL] = "crl_entry_missing",
	[EXTRA_VALID] = "crl_entry_unknown",
	[EXTRA_NEVER_ISSUED] = "crl_entry_unknown",
	[EXTRA_RELEASED] = "crl_entry_unknown",
	[DOUBLED] = "crl_entry_order",
	[OUT_OF_ORDER] = "crl_entry_order",
	[OTHER_DATE] = "crl_entry_differs",
	[OTHER_REASON] = "crl_entry_differs",
	[REASON_LEFT_OUT] = "crl_entry_differs",
	[REASON_ADDED] = "crl_entry_differs",
	[REASON_ZERO] = "crl_entry_differs",
	[OTHER_INVALIDITY] = "crl_entry_differs",
	[INVALIDITY_LEFT_OUT] = "crl_entry_differs",
	[INVALIDITY_ADDED] = "crl_entry_differs",
	[HOLD_INSTEAD_OF_REVOKED] = "crl_entry_differs",
	[OTHER_ISSUER] = "crl_head",
	[OTHER_HASH] = "crl_head",
	[VERSION_1] = "crl_head",
	[NO_NEXT_UPDATE] = "crl_head",
	[NO_AKI] = "crl_head", /* the lengths no longer fit each other */
	[OTHER_AKI] = "crl_tail",
	[EXTRA_EXTENSION] = "crl_head",
	[NUMBER_CRITICAL] = "crl_head",
	[DELTA_MARK_ON_FULL] = "crl_head",
};

static void insert(struct list *l, int at, struct entry e)
{
	memmove(&l->entries[at + 1], &l->entries[at], (size_t)(l->num - at) * sizeof l->entries[0]);
	l->entries[at] = e;
	l->num++;
}

static void list_change(struct list *l, enum change change)
{
	switch (change) {
	case MISSING_FIRST:
		memmove(&l->entries[0], &l->entries[1], 4 * sizeof l->entries[0]);
		l->num--;
		break;
	case MISSING_LAST:
		l->num--;
		break;
	case MISSING_ALL:
		l->num = 0;
		break;
	case EXTRA_VALID:
		insert(l, 1, (struct entry){ 6, 1, NOW - 100, 0 });
		break;
	case EXTRA_NEVER_ISSUED:
		insert(l, 5, (struct entry){ 999, 1, NOW - 100, 0 });
		break;
	case EXTRA_RELEASED:
		insert(l, 2, (struct entry){ 8, 6, NOW - 2000, 0 });
		break;
	case DOUBLED:
		insert(l, 1, l->entries[0]);
		break;
	case OUT_OF_ORDER:
		l->entries[7] = l->entries[0];
		l->entries[0] = l->entries[1];
		l->entries[1] = l->entries[7];
		break;
	case OTHER_DATE:
		l->entries[1].at++;
		break;
	case OTHER_REASON:
		l->entries[2].reason = 4;
		break;
	case REASON_LEFT_OUT:
		l->entries[2].reason = -1;
		break;
	case REASON_ADDED:
		l->entries[1].reason = 4;
		break;
	case REASON_ZERO:
		l->entries[1].reason = 0;
		break;
	case OTHER_INVALIDITY:
		l->entries[0].invalidity_at++;
		break;
	case INVALIDITY_LEFT_OUT:
		l->entries[0].invalidity_at = 0;
		break;
	case INVALIDITY_ADDED:
		l->entry_extra = true;
		break;
	case HOLD_INSTEAD_OF_REVOKED:
		l->entries[2] = (struct entry){ 200, 6, NOW - 4000, 0 };
		break;
	case OTHER_ISSUER:
		l->issuer = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ (RSB)";
		break;
	case OTHER_HASH:
		l->md = EVP_sha384();
		break;
	case VERSION_1:
		l->version_1 = true;
		break;
	case NO_NEXT_UPDATE:
		l->no_next = true;
		break;
	case NO_AKI:
		l->no_aki = true;
		break;
	case OTHER_AKI:
		l->other_aki = true;
		break;
	case EXTRA_EXTENSION:
		l->extra_extension = true;
		break;
	case NUMBER_CRITICAL:
		l->number_critical = true;
		break;
	case DELTA_MARK_ON_FULL:
		l->base_number = 40;
		break;
	case CHANGES:
		break;
	}
}

START_TEST(changed_lists)
{
	struct list l = full_list();
	OWN(question) q = { 0 };

	list_change(&l, (enum change)_i);
	question_init(&q, &l);
	q.begin.kind = MSG_CRL_FULL;
	q.begin.has_base_number = false;
	q.begin.base_number = 0;
	expect(&q, change_reasons[_i]);
}
END_TEST

START_TEST(changed_deltas)
{
	struct list l = delta_list();

	l.entries[1].reason = 6; /* said to be held instead of released */
	expect_list(&l, "crl_entry_differs");
	l = delta_list();
	memmove(&l.entries[1], &l.entries[2], 3 * sizeof l.entries[0]); /* the release is kept back */
	l.num--;
	expect_list(&l, "crl_entry_missing");
	l = delta_list();
	insert(&l, 0, (struct entry){ 5, 1, NOW - 5000, NOW - 9000 }); /* stands on the base already */
	expect_list(&l, "crl_entry_unknown");
	l = delta_list();
	l.base_number = 39; /* no such list */
	expect_list(&l, "crl_base");
}
END_TEST

/* ---- announcements */

START_TEST(numbers)
{
	static const struct {
		int64_t number, full, delta, delta_seq;
		const char *reason;
	} rows[] = {
		{ 42, 40, 41, 106, "" },
		{ 41, 40, 40, 106, "" },
		{ 40, 40, 0, 0, "crl_number" }, /* again */
		{ 39, 40, 0, 0, "crl_number" }, /* back */
		{ 41, 40, 41, 106, "crl_number" }, /* the delta with that number holds other orders */
		{ 41, 40, 41, LAST_ORDER, "" }, /* made together with the delta */
		{ 41, 40, 42, 106, "crl_number" },
		{ 1, 0, 0, 0, "" },
		{ 1000041, 40, 41, 106, "" },
		{ 1000042, 40, 41, 106, "crl_number" }, /* a jump */
		{ INT64_MAX, 40, 41, 106, "crl_number" },
	};

	for (int i = 0; i < COUNT_OF(rows); i++) {
		struct list l = full_list();
		OWN(question) q = { 0 };

		l.number = rows[i].number;
		question_init(&q, &l);
		q.facts.last_full.number = rows[i].full;
		q.facts.last_delta = (struct crl_signed){ rows[i].delta, NOW - 1800, rows[i].delta_seq };
		expect(&q, rows[i].reason);
	}
}
END_TEST

START_TEST(times)
{
	static const struct {
		int64_t this_at, next_at, last_at;
		const char *reason;
	} rows[] = {
		{ NOW, NOW + 864000, 0, "" },
		{ NOW, NOW + 864001, 0, "crl_time" }, /* valid for too long */
		{ NOW, NOW, 0, "crl_time" },
		{ NOW, NOW - 1, 0, "crl_time" },
		{ NOW - 3595, NOW + 1000, 0, "" },
		{ NOW - 3596, NOW + 1000, 0, "crl_time" }, /* too old */
		{ NOW + 125, NOW + 1000, 0, "" },
		{ NOW + 126, NOW + 1000, 0, "crl_time" }, /* in the future */
		{ NOW - 100, NOW + 1000, NOW - 99, "crl_time" }, /* before the last list */
		{ NOW - 100, NOW + 1000, NOW - 100, "" },
	};

	for (int i = 0; i < COUNT_OF(rows); i++) {
		struct list l = full_list();
		OWN(question) q = { 0 };

		l.this_at = rows[i].this_at;
		l.next_at = rows[i].next_at;
		question_init(&q, &l);
		q.facts.last_full.this_update_at = rows[i].last_at;
		expect(&q, rows[i].reason);
	}
	struct list l = full_list();
	OWN(question) q = { 0 };
	question_init(&q, &l);
	q.facts.ca_not_after_at = NOW - 1;
	expect(&q, "crl_time");
}
END_TEST

START_TEST(watermarks)
{
	struct list l = full_list();
	OWN(question) q = { 0 };

	question_init(&q, &l);
	q.begin.order_seq = LAST_ORDER + 1; /* orders that nobody accepted */
	expect(&q, "crl_order_seq");
	q.begin.order_seq = 105; /* the last delta had more */
	expect(&q, "crl_order_seq");
	q.begin.order_seq = LAST_ORDER;
	q.begin.scope = SLICE_STR("7");
	expect(&q, "crl_scope");
	q.begin.scope = SLICE_STR("");
	q.begin.kind = MSG_CRL_DELTA;
	expect(&q, "crl_base");
	q.begin.has_base_number = true;
	q.begin.base_number = 40;
	expect(&q, "crl_base"); /* facts know no such list */
}
END_TEST

/* What is announced must be what comes. */
START_TEST(announced_and_sent)
{
	struct list l = full_list();
	OWN(question) q = { 0 };

	question_init(&q, &l);
	q.begin.number = 43;
	expect(&q, "crl_tail");
	q.begin.number = 42;
	q.begin.next_update_at++;
	expect(&q, "crl_head");
	q.begin.next_update_at--;
	q.begin.this_update_at--;
	expect(&q, "crl_head");
}
END_TEST

START_TEST(lengths)
{
	struct list l = full_list();
	OWN(question) q = { 0 };
	int64_t num;

	question_init(&q, &l);
	ck_ok(buf_append_u8(&q.tbs, 0)); /* a trailing octet */
	expect(&q, "crl_length");
	q.tbs.len -= 2; /* one too few */
	expect(&q, "crl_length");
	for (int64_t n = 0; n < 200; n++) { /* lengths that no list has */
		OWN(crl_check) check = NULL;

		q.begin.tbs_length = n;
		struct err *e = crl_check_create(&check, &q.facts, &q.begin);
		if (e == NULL)
			e = crl_check_end(check, &num);
		ck_assert_str_eq(err_field(e), "crl_length");
		err_destroy(&e);
	}
	q.begin.tbs_length = INT64_MAX;
	expect(&q, "crl_length");
}
END_TEST

/* Every octet of a right list, changed in every bit: never signed. */
START_TEST(every_bit)
{
	struct list l = full_list();
	OWN(question) q = { 0 };
	int64_t num;

	question_init(&q, &l);
	for (size_t i = 0; i < q.tbs.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			q.tbs.p[i] ^= (uint8_t)(1u << bit);
			struct err *e = run(&q, &num);
			ck_assert_msg(err_code(e) == ERR_DENIED, "octet %zu bit %d", i, bit);
			err_destroy(&e);
			q.tbs.p[i] ^= (uint8_t)(1u << bit);
		}
	}
	expect(&q, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/crl");
	TCase *t = tcase_create("crl");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, right_full_list);
	tcase_add_test(t, right_delta);
	tcase_add_test(t, right_empty_list);
	tcase_add_test(t, expired_may_go);
	tcase_add_test(t, list_of_an_earlier_moment);
	tcase_add_loop_test(t, changed_lists, 0, CHANGES);
	tcase_add_test(t, changed_deltas);
	tcase_add_test(t, numbers);
	tcase_add_test(t, times);
	tcase_add_test(t, watermarks);
	tcase_add_test(t, announced_and_sent);
	tcase_add_test(t, lengths);
	tcase_add_test(t, every_bit);
	suite_add_tcase(s, t);
	return suite_main(s);
}
