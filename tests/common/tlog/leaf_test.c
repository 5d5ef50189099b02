/*
 * leaf_test.c - the one encoding of an entry (a fixture that must verify for ever), its refusals, and its hash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/suite.h"
#include "tlog/leaf.h"

static const uint8_t digest[32] = { 0xd1, 0x6e };
static const uint8_t key_hash[32] = { 0xca, 0xfe };
static const uint8_t salt[LOG_SALT_SIZE] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

/* Version 1, written down once. An encoder that gives other bytes, or a decoder that does not read these, breaks every
 * log that exists. */
static const char fixture[] =
	"3081f20201010c116170706c69636174696f6e2e73746174650206019aad82e55b303a0c086f70657261746f720c0c383030"
	"3130313330303130300420cafe000000000000000000000000000000000000000000000000000000000000304930240c0b61"
	"70706c69636174696f6e0c15374b51322d4d5834442d303030302d303030302d4130110c0466726f6d0c09696e5f72657669"
	"6577300e0c02746f0c08617070726f7665640c1bd29ad2b1d0b6d0b0d182d182d0b0d18020d0b4d2b1d180d18bd181302e30"
	"2c0c086465636973696f6e0420d16e000000000000000000000000000000000000000000000000000000000000";

static void entry_fill(struct log_entry *e)
{
	log_entry_init(e, LOG_KIND_APPLICATION_STATE, INT64_C(1763847628123));
	log_entry_who(e, "operator", "800101300100", SLICE(key_hash, 32));
	log_entry_what(e, "application", "7KQ2-MX4D-0000-0000-A");
	log_entry_what(e, "from", "in_review");
	log_entry_what(e, "to", "approved");
	log_entry_why(e, "Құжаттар дұрыс");
	log_entry_object(e, "decision", SLICE(digest, 32));
}

START_TEST(round_trip)
{
	struct log_entry e, back;
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	OWN(buf) again = BUF_INIT(LOG_ENTRY_MAX);
	OWN(buf) arena = BUF_INIT(LOG_ENTRY_MAX + 1);

	entry_fill(&e);
	ck_ok(log_entry_encode(&der, &e));
	ck_ok(log_entry_decode(&back, &arena, buf_slice(&der)));
	ck_assert_str_eq(back.kind, "application.state");
	ck_assert_int_eq(back.at_ms, INT64_C(1763847628123));
	ck_assert_str_eq(back.role, "operator");
	ck_assert_str_eq(back.person, "800101300100");
	ck_assert(slice_equal(back.key_hash, SLICE(key_hash, 32)));
	ck_assert_uint_eq(back.num_what, 3);
	ck_assert_str_eq(log_entry_value(&back, "from"), "in_review");
	ck_assert_str_eq(log_entry_value(&back, "to"), "approved");
	ck_assert_str_eq(log_entry_value(&back, "nothing"), "");
	ck_assert_str_eq(back.why, "Құжаттар дұрыс");
	ck_assert_uint_eq(back.num_objects, 1);
	ck_assert_str_eq(back.objects[0].name, "decision");
	ck_assert(slice_equal(back.objects[0].sha256, SLICE(digest, 32)));
	ck_ok(log_entry_encode(&again, &back));
	ck_assert(slice_equal(buf_slice(&der), buf_slice(&again)));
}
END_TEST

START_TEST(version_1_never_changes)
{
	struct log_entry e, back;
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	OWN(buf) hex = BUF_INIT(4 * LOG_ENTRY_MAX);
	OWN(buf) arena = BUF_INIT(LOG_ENTRY_MAX + 1);
	struct tree_hash hash;
	char hash_text[65];
	const char *text;

	entry_fill(&e);
	ck_ok(log_entry_encode(&der, &e));
	ck_ok(text_hex(&hex, buf_slice(&der)));
	ck_ok(buf_str(&hex, &text));
	ck_assert_str_eq(text, fixture);
	ck_ok(log_entry_decode(&back, &arena, buf_slice(&der)));
	log_leaf_hash(&hash, SLICE(salt, sizeof salt), buf_slice(&der));
	ck_assert_str_eq(text_hex_fixed(hash_text, SLICE(hash.b, 32)),
			 "48c08d7b6b37f9959803d1430a46aaaac3b15b23061b4fd95947ce826039ed02");
}
END_TEST

START_TEST(empty_entry)
{
	struct log_entry e, back;
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	OWN(buf) arena = BUF_INIT(LOG_ENTRY_MAX + 1);

	log_entry_init(&e, LOG_KIND_DAEMON_STARTED, 0);
	ck_ok(log_entry_encode(&der, &e));
	ck_ok(log_entry_decode(&back, &arena, buf_slice(&der)));
	ck_assert_str_eq(back.person, "");
	ck_assert_uint_eq(back.num_what + back.num_objects + back.key_hash.len, 0);
}
END_TEST

START_TEST(encoding_refuses)
{
	struct log_entry e;
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	char long_value[LOG_VALUE_MAX + 2];

	memset(long_value, 'x', sizeof long_value);
	long_value[sizeof long_value - 1] = '\0';
	entry_fill(&e);
	log_entry_what(&e, "comment", long_value);
	ck_fails(log_entry_encode(&der, &e), ERR_BAD_INPUT, "more than 4096");
	entry_fill(&e);
	log_entry_why(&e, "\xd2");
	ck_fails(log_entry_encode(&der, &e), ERR_BAD_INPUT, "UTF-8");
	entry_fill(&e);
	log_entry_who(&e, "operator", "800101300100", SLICE(key_hash, 31));
	ck_fails(log_entry_encode(&der, &e), ERR_BUG, "31 octets");
	entry_fill(&e);
	log_entry_object(&e, "decision", SLICE(digest, 20));
	ck_fails(log_entry_encode(&der, &e), ERR_BUG, "20 octets");
	entry_fill(&e);
	log_entry_what(&e, "", "x");
	ck_fails(log_entry_encode(&der, &e), ERR_BUG, "is empty");
	entry_fill(&e);
	for (int i = 0; i < LOG_FIELDS_MAX; i++)
		log_entry_what(&e, "n", "v");
	ck_fails(log_entry_encode(&der, &e), ERR_BUG, "at most 24 fields");
	entry_fill(&e);
	for (int i = 0; i < LOG_OBJECTS_MAX; i++)
		log_entry_object(&e, "n", SLICE(digest, 32));
	ck_fails(log_entry_encode(&der, &e), ERR_BUG, "24 objects");
	long_value[LOG_VALUE_MAX] = '\0';
	entry_fill(&e);
	for (int i = 0; i < 17; i++)
		log_entry_what(&e, "comment", long_value);
	ck_fails(log_entry_encode(&der, &e), ERR_TOO_LARGE, "limit");
	ck_assert_uint_eq(der.len, 0);
}
END_TEST

START_TEST(decoding_refuses_every_cut_and_tail)
{
	struct log_entry e, back;
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	OWN(buf) arena = BUF_INIT(LOG_ENTRY_MAX + 1);

	entry_fill(&e);
	ck_ok(log_entry_encode(&der, &e));
	for (size_t i = 0; i < der.len; i++) {
		uint8_t *exact = malloc(i > 0 ? i : 1);
		ck_assert_ptr_nonnull(exact);
		memcpy(exact, der.p, i);
		OWN(err) bad = log_entry_decode(&back, &arena, SLICE(exact, i));
		ck_assert_msg(bad != NULL, "cut at octet %zu is read", i);
		free(exact);
	}
	ck_ok(buf_append_u8(&der, 0));
	ck_fails(log_entry_decode(&back, &arena, buf_slice(&der)), ERR_BAD_INPUT, "LogEntry");
}
END_TEST

START_TEST(decoding_names_the_field)
{
	static const struct {
		const char *hex, *field;
	} cases[] = {
		{ "3003020102", "version" },
		{ "300302017f", "version" },
		{ "30060201010c0178", "atMs" },
		{ "30050201010c00", "kind" },
		{ "300a0201010c01780201003000", "LogEntry" },
		{ "300b0201010c01780201003000", "role" },
		{ "30120201010c017802010030070c000c00040100", "keyHash" },
		{ "30180201010c017802010030060c000c00040030050c013f0c00", "what" },
	};
	struct log_entry back;
	OWN(buf) arena = BUF_INIT(LOG_ENTRY_MAX + 1);

	for (int i = 0; i < COUNT_OF(cases); i++) {
		OWN(buf) der = BUF_INIT(1024);
		ck_ok(text_unhex(&der, SLICE_STR(cases[i].hex)));
		OWN(err) e = log_entry_decode(&back, &arena, buf_slice(&der));
		char text[300];
		ck_assert_msg(e != NULL, "case %d is read", i);
		(void)err_text(e, text, sizeof text);
		const char *field = err_field(e);
		ck_assert_msg((field != NULL && strncmp(field, cases[i].field, strlen(cases[i].field)) == 0) ||
				      strstr(text, cases[i].field) != NULL,
			      "case %d: field %s: %s", i, field ? field : "none", text);
	}
}
END_TEST

START_TEST(words_of_kinds_are_distinct)
{
	for (int i = 0; i < LOG_KIND_COUNT; i++)
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(log_kind_word((enum log_kind)i), log_kind_word((enum log_kind)k));
	ck_assert_str_eq(log_kind_word(LOG_KIND_CRL_ISSUED), "crl.issued");
}
END_TEST

START_TEST(texts_of_strangers_are_made_to_fit)
{
	char out[12];

	ck_assert_str_eq(log_text_fit(out, sizeof out,
				      SLICE_STR("a\nb\xff"
						"c\x80\x80"
						"d")),
			 "a?b?c??d");
	ck_assert_str_eq(log_text_fit(out, sizeof out, SLICE_STR("Қазақстан")), "Қазақ");
	ck_assert_str_eq(log_text_fit(out, sizeof out, SLICE("x\0y", 3)), "x?y");
	ck_assert_str_eq(log_text_fit(out, sizeof out, SLICE_NONE), "");
	ck_assert_str_eq(log_text_fit(out, 4,
				      SLICE_STR("\xe2\x80\xae"
						"abc")),
			 "?ab");
}
END_TEST

START_TEST(leaf_hash_is_salted)
{
	struct tree_hash a, b, data, want;
	uint8_t drawn[LOG_SALT_SIZE], other[LOG_SALT_SIZE];
	struct slice entry = SLICE_STR("entry");

	ck_ok(log_salt(drawn));
	ck_ok(log_salt(other));
	ck_assert_mem_ne(drawn, other, LOG_SALT_SIZE);
	log_leaf_hash(&a, SLICE(drawn, LOG_SALT_SIZE), entry);
	log_leaf_hash(&b, SLICE(other, LOG_SALT_SIZE), entry);
	ck_assert(!tree_hash_equal(&a, &b));
	tree_sha256(&data, SLICE(drawn, LOG_SALT_SIZE), entry);
	tree_hash_leaf(&want, SLICE(data.b, 32));
	ck_assert(tree_hash_equal(&a, &want));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/tlog/leaf");
	TCase *c = tcase_create("leaf");

	tcase_add_test(c, round_trip);
	tcase_add_test(c, version_1_never_changes);
	tcase_add_test(c, empty_entry);
	tcase_add_test(c, encoding_refuses);
	tcase_add_test(c, decoding_refuses_every_cut_and_tail);
	tcase_add_test(c, decoding_names_the_field);
	tcase_add_test(c, words_of_kinds_are_distinct);
	tcase_add_test(c, texts_of_strangers_are_made_to_fit);
	tcase_add_test(c, leaf_hash_is_salted);
	suite_add_tcase(s, c);
	return suite_main(s);
}
