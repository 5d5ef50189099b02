/*
 * note_test.c - keys, notes and checkpoints: the specification's own example, one of our own, and damaged ones.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "support/suite.h"
#include "tlog/note.h"

/* The example of golang.org/x/mod/sumdb/note. */
static const char peter_key[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char peter_note[] =
	"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
	"\xe2\x80\x94 PeterNeumann "
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
	"\n";

/* A key of our own, fixed, so that the note is the same in each run. */
static const uint8_t seed[32] = { 7, 1, 2, 3 };
static const char name[] = "nuc.local/log";

static EVP_PKEY *own_pkey(void)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
	ck_assert_ptr_nonnull(pkey);
	return pkey;
}

static struct note_key own_key(void)
{
	struct note_key key;
	uint8_t public_key[32];
	size_t len = sizeof public_key;
	EVP_PKEY *pkey = own_pkey();

	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, public_key, &len), 1);
	EVP_PKEY_free(pkey);
	ck_ok(note_key_init(&key, name, public_key));
	return key;
}

static void sign_note(struct buf *out, const char *body, const struct note_key *key)
{
	uint8_t signature[NOTE_SIGNATURE_SIZE];
	size_t len = sizeof signature;
	EVP_PKEY *pkey = own_pkey();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len, (const uint8_t *)body, strlen(body)), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ck_ok(note_assemble(out, SLICE_STR(body), key, signature));
}

START_TEST(key_of_the_specification)
{
	OWN(buf) text = BUF_INIT(NOTE_VKEY_MAX);
	struct note_key key;
	const char *again;

	ck_ok(note_key_parse(&key, SLICE_STR(peter_key)));
	ck_assert_str_eq(key.name, "PeterNeumann");
	ck_assert_uint_eq(key.id, 0xc74f20a3);
	ck_ok(note_key_format(&text, &key));
	ck_ok(buf_str(&text, &again));
	ck_assert_str_eq(again, peter_key);
}
END_TEST

START_TEST(note_of_the_specification)
{
	struct note_key key;
	struct slice body;

	ck_ok(note_key_parse(&key, SLICE_STR(peter_key)));
	ck_ok(note_open(&body, SLICE_STR(peter_note), &key));
	ck_assert_uint_eq(body.len, (size_t)(strstr(peter_note, "\n\n") + 1 - peter_note));
}
END_TEST

START_TEST(bad_keys)
{
	static const struct {
		const char *vkey, *part;
	} cases[] = {
		{ "", "not of the form" },
		{ "PeterNeumann", "not of the form" },
		{ "PeterNeumann+c74f20a3+", "not of the form" },
		{ "PeterNeumann+c74f20a3-ARpc", "not of the form" },
		{ "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "1 to 128 octets" },
		{ "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "does not belong" },
		{ "Peterneumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "does not belong" },
		{ "PeterNeumann+c74f20ag+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "hexadecimal" },
		{ "PeterNeumann+c74f20a3+AhpcAA==", "not an Ed25519 key" },
		{ "PeterNeumann+c74f20a3+!!!!", "base64" },
	};
	struct note_key key;

	for (int i = 0; i < COUNT_OF(cases); i++)
		ck_fails(note_key_parse(&key, SLICE_STR(cases[i].vkey)), ERR_BAD_INPUT, cases[i].part);
	ck_fails(note_key_init(&key, "a name", seed), ERR_BAD_INPUT, "white space");
	ck_fails(note_key_init(&key, "a+b", seed), ERR_BAD_INPUT, "'+'");
	ck_fails(note_key_init(&key, "a\xff", seed), ERR_BAD_INPUT, "UTF-8");
}
END_TEST

START_TEST(checkpoint_round_trip)
{
	struct note_key key = own_key();
	struct note_checkpoint checkpoint = { .size = 20852163 }, read;
	OWN(buf) body = BUF_INIT(NOTE_MAX);
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	const char *text;

	(void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "%s", name);
	memset(checkpoint.root.b, 0x5a, TREE_HASH_SIZE);
	ck_ok(note_body(&body, &checkpoint));
	ck_ok(buf_str(&body, &text));
	ck_assert_str_eq(text, "nuc.local/log\n20852163\nWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=\n");
	sign_note(&note, text, &key);
	ck_ok(note_checkpoint_open(&read, buf_slice(&note), &key));
	ck_assert_uint_eq(read.size, checkpoint.size);
	ck_assert(tree_hash_equal(&read.root, &checkpoint.root));
	ck_assert_str_eq(read.origin, name);
}
END_TEST

START_TEST(altered_notes_are_refused)
{
	struct note_key key = own_key(), peter;
	struct note_checkpoint read;
	struct slice body;
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	const char *text = "nuc.local/log\n5\nWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=\n";

	sign_note(&note, text, &key);
	ck_ok(note_checkpoint_open(&read, buf_slice(&note), &key));
	for (size_t i = 0; i < note.len; i++) {
		OWN(err) e = NULL;
		note.p[i] ^= 1;
		e = note_checkpoint_open(&read, buf_slice(&note), &key);
		ck_assert_msg(e != NULL, "octet %zu may be changed", i);
		note.p[i] ^= 1;
	}
	for (size_t i = 0; i < note.len; i++) {
		OWN(err) e = note_checkpoint_open(&read, SLICE(note.p, i), &key);
		ck_assert_msg(e != NULL, "may be cut at octet %zu", i);
	}
	ck_ok(note_key_parse(&peter, SLICE_STR(peter_key)));
	ck_fails(note_open(&body, buf_slice(&note), &peter), ERR_DENIED, "no signature by PeterNeumann+c74f20a3");
}
END_TEST

START_TEST(forms_of_notes)
{
	static const struct {
		const char *note, *part;
	} cases[] = {
		{ "", "1 to 16384" },
		{ "x", "no signature" },
		{ "text\n", "no signature" },
		{ "text\n\n", "no signature by" },
		{ "text\n\nother line\n", "another form" },
		{ "text\n\n\xe2\x80\x94 name\n", "another form" },
		{ "text\n\n\xe2\x80\x94 name AAAA\n", "too short" },
		{ "text\n\n\xe2\x80\x94 name AAAAAAA=", "without a line end" },
		{ "text\n\n\xe2\x80\x94 na+me AAAAAAA=\n", "'+'" },
		{ "text\ttext\n\n\xe2\x80\x94 name AAAAAAA=\n", "control character" },
		{ "text\xc3\n\n\xe2\x80\x94 name AAAAAAA=\n", "UTF-8" },
	};
	struct note_key key = own_key();
	struct slice body;

	for (int i = 0; i < COUNT_OF(cases); i++) {
		OWN(err) e = note_open(&body, SLICE_STR(cases[i].note), &key);
		char text[300];
		ck_assert_msg(e != NULL && strstr(err_text(e, text, sizeof text), cases[i].part) != NULL, "case %d: %s",
			      i, err_text(e, text, sizeof text));
	}
}
END_TEST

START_TEST(unknown_signatures_are_passed_over)
{
	struct note_key key = own_key();
	struct slice body;
	OWN(buf) note = BUF_INIT(NOTE_MAX);

	sign_note(&note, "hello\n", &key);
	ck_ok(buf_append_str(&note, "\xe2\x80\x94 witness.example/w AAAAAAAAAAA=\n"));
	ck_ok(note_open(&body, buf_slice(&note), &key));
	ck_assert(slice_equal(body, SLICE_STR("hello\n")));
	ck_ok(buf_append_str(&note, "\xe2\x80\x94 witness.example/w AAAAAAAAAAA"));
	ck_fails(note_open(&body, buf_slice(&note), &key), ERR_BAD_INPUT, "without a line end");
}
END_TEST

START_TEST(forms_of_checkpoints)
{
#define ROOT "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo="
	static const struct {
		const char *body, *part;
	} cases[] = {
		{ "log\n5\n", "three lines" },
		{ "log\n5\n" ROOT, "three lines" },
		{ "log\n05\n" ROOT "\n", "decimal" },
		{ "log\n-5\n" ROOT "\n", "decimal" },
		{ "log\n\n" ROOT "\n", "decimal" },
		{ "log\n9999999999999999999\n" ROOT "\n", "decimal" },
		{ "log\n5\nWlo=\n", "32 octets" },
		{ "log\n5\n" ROOT "=\n", "base64" },
		{ "\n5\n" ROOT "\n", "1 to 128" },
		{ "log\n5\n" ROOT "\n\nmore\n", "empty line" },
		{ "log\n5\n" ROOT "\nmore", "without a line end" },
	};
	struct note_checkpoint read;

	for (int i = 0; i < COUNT_OF(cases); i++)
		ck_fails(note_checkpoint_parse(&read, SLICE_STR(cases[i].body)), ERR_BAD_INPUT, cases[i].part);
	ck_ok(note_checkpoint_parse(&read, SLICE_STR("log\n0\n" ROOT "\nextension\n")));
	ck_assert_uint_eq(read.size, 0);
#undef ROOT
}
END_TEST

START_TEST(origin_must_be_the_name_of_the_key)
{
	struct note_key key = own_key();
	struct note_checkpoint read;
	OWN(buf) note = BUF_INIT(NOTE_MAX);

	sign_note(&note, "other.example/log\n5\nWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=\n", &key);
	ck_fails(note_checkpoint_open(&read, buf_slice(&note), &key), ERR_DENIED,
		 "the checkpoint is of other.example/log");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/tlog/note");
	TCase *c = tcase_create("note");

	tcase_add_test(c, key_of_the_specification);
	tcase_add_test(c, note_of_the_specification);
	tcase_add_test(c, bad_keys);
	tcase_add_test(c, checkpoint_round_trip);
	tcase_add_test(c, altered_notes_are_refused);
	tcase_add_test(c, forms_of_notes);
	tcase_add_test(c, unknown_signatures_are_passed_over);
	tcase_add_test(c, forms_of_checkpoints);
	tcase_add_test(c, origin_must_be_the_name_of_the_key);
	suite_add_tcase(s, c);
	return suite_main(s);
}
