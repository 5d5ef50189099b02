/*
 * mutation_test.c - a request that would be signed, with one value of it changed after the other, over the bus: in the
 * Authorisation, the Decision, its CMS, the TBS and the item around them. Each is refused; untouched, it is signed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "asn1/der.h"
#include "support/red.h"
#include "support/suite.h"

static struct signer_home home;

static void begin(void)
{
	signer_home_begin(&home, 1u << SIGNER_CA);
}

static void end(void)
{
	signer_home_end(&home);
}

/* The request of a test, what is being changed in it, and how often that was done. */
struct mutation {
	struct red_ask *r;
	struct signer_peer *cad;
	const char *what;
	int done;
};

static void refused(struct mutation *m, const char *detail, size_t at)
{
	OWN(red_result) got = { 0 };

	red_ask_send(&got, m->cad, m->r);
	ck_assert_msg(!got.is_done, "%s: %s at octet %zu was signed", m->what, detail, at);
	ck_assert_msg(got.word[0] != '\0', "%s: a refusal without a name", m->what);
	m->done++;
}

static void flip(struct mutation *m, uint8_t *octet, uint8_t bits, const char *detail, size_t at)
{
	*octet ^= bits;
	refused(m, detail, at);
	*octet ^= bits;
}

/* Each value of the DER: its tag, and the last octet of each primitive one. */
static void flip_values(struct mutation *m, uint8_t *start, struct slice der)
{
	struct der_reader in;

	der_reader_init(&in, der);
	while (!der_reader_done(&in)) {
		struct der_tlv value;

		ck_ok(der_next(&in, &value, m->what));
		size_t at = (size_t)(value.whole.p - start);
		if ((value.tag & 0x20) != 0) {
			flip_values(m, start, value.content);
			continue;
		}
		flip(m, start + at, 0x01, "a tag changed", at);
		if (value.content.len > 0)
			flip(m, start + at + value.whole.len - 1, 0x01, "a value changed", at);
	}
}

static void flip_item(struct mutation *m)
{
	struct red_ask *r = m->r;

	m->what = "item";
	for (size_t i = 0; i < SHA256_LEN; i += 31)
		flip(m, &r->named[0][i], 0x80, "digest of the decision", i);
	for (size_t i = 0; i < r->serial_len; i++)
		flip(m, &r->serial[i], 0x01, "serial", i);
	for (int bit = 0; bit < 62; bit += 6) {
		r->not_before_at ^= (int64_t)1 << bit;
		refused(m, "notBefore", (size_t)bit);
		r->not_before_at ^= (int64_t)1 << bit;
	}
	r->num_named = 0;
	refused(m, "no decision named", 0);
	r->num_named = 1;
	r->num_evidence = 0;
	refused(m, "no decision sent", 0);
	r->num_evidence = 1;
}

START_TEST(each_changed_value_is_refused)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_ask) r = { 0 };
	OWN(red_result) got = { 0 };

	red_ask_init(&r, &home);
	red_ask_decide(&r, WHO_SERVICE);
	red_watch_begin(&watch, &home, SIGNER_CA);
	struct mutation m = { .r = &r, .cad = &watch.peer };
	const struct {
		const char *what;
		struct buf *bytes;
	} all[] = { { "Authorisation", &r.authorisation },
		    { "Decision", &r.evidence[0].decision },
		    { "CMS", &r.evidence[0].signature },
		    { "TBS", &r.tbs } };
	for (int i = 0; i < COUNT_OF(all); i++) {
		int before = m.done;

		m.what = all[i].what;
		flip_values(&m, all[i].bytes->p, buf_slice(all[i].bytes));
		(void)printf("mutated  %-62s %d values, all refused\n", all[i].what, m.done - before);
	}
	flip_item(&m);
	red_unchanged(&watch, "mutations");
	red_ask_send(&got, &watch.peer, &r);
	ck_assert_msg(got.is_done, "untouched it was refused: %s: %s", got.word, got.text);
	(void)printf("mutated  %-62s %d requests, all refused; untouched: signed\n", "in all", m.done);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/mutation");
	TCase *t = tcase_create("cad");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_test(t, each_changed_value_is_refused);
	suite_add_tcase(s, t);
	return suite_main(s);
}
