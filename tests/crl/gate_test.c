/*
 * gate_test.c - what must never be published: one case for each way in which a list can be wrong.
 */
#include <stdlib.h>

#include "crl/gate.h"
#include "crl_fixture.h"

#define T 1800000000

static struct crl_ca ca;
static struct buf previous = BUF_INIT(65536), list = BUF_INIT(65536);
static struct crl_item items[8];
static size_t num_items;
static struct crl_spec spec, previous_spec;

static void setup(void)
{
	crl_ca_init(&ca, "p256");
	items[0] = crl_item_of("01", CRL_REVOKE, 1, T - 1000, 1);
	items[1] = crl_item_of("0080", CRL_HOLD, 6, T - 1000, 2);
	items[2] = crl_item_of("0100", CRL_REVOKE, 0, T - 1000, 3);
	items[3] = crl_item_of("0200", CRL_REVOKE, 4, T - 1000, 4);
	num_items = 4;
	previous_spec = crl_ca_spec(&ca, 7, T - 100);
	crl_ca_list(&previous, &ca, &previous_spec, items, num_items);
	spec = crl_ca_spec(&ca, 8, T);
}

static void teardown(void)
{
	buf_clear(&previous);
	buf_clear(&list);
	crl_ca_clear(&ca);
}

/* The list that the spec and items make, judged by what `asked` and the ledger say. */
static struct err *judge_as(const struct crl_spec *made, const struct crl_item *made_of, size_t num_made,
			    const struct crl_spec *asked)
{
	OWN(crl_layout) layout = CRL_LAYOUT_INIT;
	struct crl_gate gate = { .spec = asked,
				 .public_key = ca.cert.public_key,
				 .items = items,
				 .num_items = num_items,
				 .previous = buf_slice(&previous) };

	buf_reset(&list);
	crl_ca_list(&list, &ca, made, made_of, num_made);
	ck_ok(crl_layout_measure(&layout, asked, items, num_items));
	gate.num_entries = layout.num_entries;
	gate.size_bytes = list.len;
	return crl_gate_check(&gate, buf_slice(&list));
}

static struct err *judge(void)
{
	return judge_as(&spec, items, num_items, &spec);
}

START_TEST(a_good_list_passes)
{
	ck_ok(judge());
	/* the first list follows nothing */
	buf_reset(&previous);
	ck_ok(judge());
}
END_TEST

START_TEST(entries_must_be_those_of_the_ledger)
{
	struct crl_item other[8];

	memcpy(other, items, sizeof other);
	ck_fails(judge_as(&spec, other, 3, &spec), ERR_CONFLICT, "the list has 3 entries, the ledger more");
	other[4] = crl_item_of("0300", CRL_REVOKE, 4, T - 1000, 4);
	ck_fails(judge_as(&spec, other, 5, &spec), ERR_CONFLICT, "more entries than the ledger");
	memcpy(other, items, sizeof other);
	other[1].serial = other[2].serial;
	other[2].serial.b[1] = 1;
	ck_fails(judge_as(&spec, other, 4, &spec), ERR_CONFLICT, "serial 0100 where the ledger has another");
	memcpy(other, items, sizeof other);
	other[2].reason = 1;
	ck_fails(judge_as(&spec, other, 4, &spec), ERR_CONFLICT, "the entry of serial 0100 is not what was ordered");
	memcpy(other, items, sizeof other);
	other[2].revoked_at++;
	ck_fails(judge_as(&spec, other, 4, &spec), ERR_CONFLICT, "serial 0100 is not what was ordered");
	memcpy(other, items, sizeof other);
	other[2].has_invalidity_at = true;
	ck_fails(judge_as(&spec, other, 4, &spec), ERR_CONFLICT, "serial 0100 is not what was ordered");
	/* the same serial twice: incidents.md row 30 */
	memcpy(other, items, sizeof other);
	other[4] = other[3];
	ck_fails(judge_as(&spec, other, 5, &spec), ERR_CONFLICT, "more entries");
}
END_TEST

START_TEST(fields_must_be_those_asked_for)
{
	struct crl_spec made = spec;
	struct crl_ca other;
	uint8_t key_id[20] = { 1 };

	made.number = 9;
	ck_fails(judge_as(&made, items, num_items, &spec), ERR_CONFLICT, "number 9, not 8");
	made = spec;
	made.next_update_at++;
	ck_fails(judge_as(&made, items, num_items, &spec), ERR_CONFLICT, "other times");
	made = spec;
	made.key_id = SLICE(key_id, 20);
	ck_fails(judge_as(&made, items, num_items, &spec), ERR_CONFLICT, "another authority key identifier");
	made = spec;
	made.kind = CRL_DELTA;
	made.base_number = 7;
	ck_fails(judge_as(&made, items, num_items, &spec), ERR_CONFLICT, "another base");
	made = spec;
	made.next_update_at = made.this_update_at;
	ck_fails(judge_as(&made, items, num_items, &made), ERR_CONFLICT, "other times");
	crl_ca_init(&other, "p256");
	made = spec;
	made.issuer = other.cert.public_key; /* a SEQUENCE of another kind */
	ck_fails(judge_as(&made, items, num_items, &spec), ERR_CONFLICT, "another issuer");
	crl_ca_clear(&other);
}
END_TEST

START_TEST(numbers_and_times_must_rise)
{
	spec.number = 7;
	ck_fails(judge(), ERR_CONFLICT, "number 7 does not follow 7");
	spec.number = 6;
	ck_fails(judge(), ERR_CONFLICT, "number 6 does not follow 7");
	spec.number = 8;
	spec.this_update_at = T - 100;
	ck_fails(judge(), ERR_CONFLICT, "thisUpdate does not follow");
}
END_TEST

START_TEST(no_entry_goes_without_a_reason)
{
	/* a ledger that has lost a row */
	items[2] = items[3];
	num_items = 3;
	ck_fails(judge(), ERR_CONFLICT, "serial 0100 of list 7 is unknown to the ledger");
}
END_TEST

START_TEST(a_release_takes_an_entry_off)
{
	items[1].action = CRL_RELEASE;
	items[1].reason = 8;
	ck_ok(judge());
}
END_TEST

START_TEST(an_expired_entry_goes_after_one_more_list)
{
	items[2].not_after_at = T - 50;
	spec.listed_from_at = T - 40;
	ck_fails(judge(), ERR_CONFLICT,
		 "serial 0100 of list 7 would be dropped before it stood on a list after its expiry");
	items[2].not_after_at = T - 101;
	ck_ok(judge());
	items[2].not_after_at = T - 100; /* thisUpdate of list 7: expired a second later */
	ck_fails(judge(), ERR_CONFLICT, "would be dropped");
}
END_TEST

START_TEST(no_entry_is_dated_after_the_list)
{
	items[3].revoked_at = T + 1;
	ck_fails(judge(), ERR_CONFLICT, "the entry of serial 0200 is dated after thisUpdate");
}
END_TEST

START_TEST(signature_of_another_key)
{
	struct crl_ca other;
	struct crl_gate gate = { .spec = &spec, .num_entries = num_items, .items = items, .num_items = num_items };

	crl_ca_init(&other, "p256");
	crl_ca_list(&list, &ca, &spec, items, num_items);
	gate.size_bytes = list.len;
	gate.public_key = other.cert.public_key;
	ck_fails(crl_gate_check(&gate, buf_slice(&list)), ERR_BAD_INPUT, "signature does not fit");
	crl_ca_clear(&other);
}
END_TEST

START_TEST(a_cut_or_longer_file)
{
	struct crl_gate gate = { .spec = &spec,
				 .public_key = ca.cert.public_key,
				 .num_entries = num_items,
				 .items = items,
				 .num_items = num_items };

	crl_ca_list(&list, &ca, &spec, items, num_items);
	gate.size_bytes = list.len;
	ck_ok(crl_gate_check(&gate, buf_slice(&list)));
	ck_fails(crl_gate_check(&gate, SLICE(list.p, list.len - 1)), ERR_CONFLICT, "bytes");
	gate.size_bytes--;
	ck_fails(crl_gate_check(&gate, SLICE(list.p, list.len - 1)), ERR_BAD_INPUT, "CertificateList");
	gate.size_bytes += 2;
	ck_ok(buf_append_u8(&list, 0));
	ck_fails(crl_gate_check(&gate, buf_slice(&list)), ERR_BAD_INPUT, "CertificateList");
}
END_TEST

START_TEST(previous_list_of_another_issuer_or_kind)
{
	struct crl_spec other = previous_spec;

	other.kind = CRL_DELTA;
	other.base_number = 3;
	buf_reset(&previous);
	crl_ca_list(&previous, &ca, &other, items, num_items);
	ck_fails(judge(), ERR_CONFLICT, "of another kind");
	buf_reset(&previous);
	other = previous_spec;
	other.issuer = ca.cert.public_key;
	crl_ca_list(&previous, &ca, &other, items, num_items);
	ck_fails(judge(), ERR_CONFLICT, "of another issuer");
}
END_TEST

/* A list that was sorted by somebody else, as an adopted one may be, is compared all the same. */
START_TEST(previous_list_in_another_order)
{
	struct crl_item shuffled[4] = { items[3], items[1], items[0], items[2] };

	buf_reset(&previous);
	crl_ca_list(&previous, &ca, &previous_spec, shuffled, 4);
	ck_ok(judge());
	items[2] = items[3];
	num_items = 3;
	ck_fails(judge(), ERR_CONFLICT, "serial 0100 of list 7 is unknown");
}
END_TEST

START_TEST(a_delta_is_judged_by_its_window)
{
	spec.kind = CRL_DELTA;
	spec.base_number = 7;
	buf_reset(&previous);
	items[0].action = CRL_RELEASE;
	ck_ok(judge());
	spec.base_number = 8;
	ck_fails(judge(), ERR_CONFLICT, "another base");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/gate");
	TCase *c = tcase_create("gate");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_good_list_passes);
	tcase_add_test(c, entries_must_be_those_of_the_ledger);
	tcase_add_test(c, fields_must_be_those_asked_for);
	tcase_add_test(c, numbers_and_times_must_rise);
	tcase_add_test(c, no_entry_goes_without_a_reason);
	tcase_add_test(c, a_release_takes_an_entry_off);
	tcase_add_test(c, an_expired_entry_goes_after_one_more_list);
	tcase_add_test(c, no_entry_is_dated_after_the_list);
	tcase_add_test(c, signature_of_another_key);
	tcase_add_test(c, a_cut_or_longer_file);
	tcase_add_test(c, previous_list_of_another_issuer_or_kind);
	tcase_add_test(c, previous_list_in_another_order);
	tcase_add_test(c, a_delta_is_judged_by_its_window);
	suite_add_tcase(s, c);
	return suite_main(s);
}
