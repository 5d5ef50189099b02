/*
 * order_test.c - signed orders: what they say, who is refused, and the second person's signature on the first one's order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/order.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include <openssl/pem.h>
#include "support/sign.h"
#include "support/suite.h"

static struct test_person holder, other;
static struct key_store *store;

/* The store of a test_person: a file for as long as it is opened. */
static void store_make(struct key_store **out, const struct test_person *person)
{
	char path[] = "/tmp/nuc-order.XXXXXX", spec[64];
	const struct key_password none = { 0 };
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	ck_assert_int_eq(PEM_write_PrivateKey(file, person->key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
	(void)snprintf(spec, sizeof spec, "file:%s", path);
	ck_ok(key_store_open(out, spec, &none));
	(void)remove(path);
	ck_ok(key_store_set_certificate(*out, buf_slice(&person->der)));
}

static void setup(void)
{
	const struct test_cert_spec spec = { .cn = "HOLDER", .iin = "900101300017", .serial = 0x7fb1 };
	const struct test_cert_spec other_spec = { .cn = "OTHER", .serial = 0x11 };

	test_person_init(&holder, "p256", &spec, NULL);
	test_person_init(&other, "p256", &other_spec, NULL);
	store_make(&store, &holder);
}

static void teardown(void)
{
	key_store_destroy(&store);
	test_person_clear(&holder);
	test_person_clear(&other);
	clock_unset_for_test();
}

static struct order_terms terms_make(void)
{
	return (struct order_terms){ .action = ORDER_REVOKE,
				     .issuer = "rsa",
				     .serial = "7FB1",
				     .certificate = buf_slice(&holder.der),
				     .reason = "keyCompromise",
				     .ground = "заявление" };
}

static void member_get(struct buf *out, const json_t *body, const char *member)
{
	out->len = 0;
	ck_ok(answer_base64(out, body, member));
}

START_TEST(an_order_says_what_was_asked)
{
	OWN(json) body = NULL;
	OWN(buf) order_der = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(buf) decision_der = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	struct order_terms terms = terms_make();
	struct status_order order;
	struct decision decision;
	struct authority_signature signature;
	uint8_t digest[SHA256_LEN];

	terms.invalid_since = "2026-11-01T00:00:00Z";
	ck_ok(order_request(&body, store, &terms));
	member_get(&order_der, body, "order");
	member_get(&decision_der, body, "decision");
	member_get(&cms, body, "signature");
	ck_ok(status_order_decode(&order, buf_slice(&order_der)));
	ck_assert_int_eq(order.action, ORDER_REVOKE);
	ck_assert_int_eq(order.reason, 1);
	ck_assert_int_eq(order.invalidity_at, 1793491200);
	ck_assert(slice_equal(serial_slice(&order.serial), SLICE("\x7f\xb1", 2)));
	ck_assert(slice_equal(order.ground, SLICE_STR("заявление")));
	der_sha256(digest, buf_slice(&holder.der));
	ck_assert(slice_equal(order.certificate_digest, SLICE(digest, sizeof digest)));
	ck_ok(decision_decode(&decision, buf_slice(&decision_der)));
	ck_assert_int_eq(decision.kind, DECISION_ORDERS);
	der_sha256(digest, buf_slice(&order_der));
	ck_assert(decision_has(&decision, digest));
	ck_ok(authority_cms_verify(&signature, buf_slice(&cms), buf_slice(&decision_der)));
	ck_assert(memcmp(signature.cert.key_hash, holder.key_hash, SHA256_LEN) == 0);
}
END_TEST

static const struct {
	enum order_action action;
	const char *serial, *reason, *invalid_since;
	enum err_code code;
	const char *text;
} bad[] = {
	{ ORDER_REVOKE, "7fb2", "superseded", NULL, ERR_CONFLICT,
	  "the certificate at hand has serial number 7fb1, not 7fb2" },
	{ ORDER_REVOKE, "xyz", "superseded", NULL, ERR_BAD_INPUT, "xyz is no serial number" },
	{ ORDER_REVOKE, "7fb1", "lost", NULL, ERR_BAD_INPUT, "lost is no reason for revoke; use one of unspecified" },
	{ ORDER_REVOKE, "7fb1", "certificateHold", NULL, ERR_BAD_INPUT, "certificateHold is no reason for revoke" },
	{ ORDER_REVOKE, "7fb1", NULL, NULL, ERR_BAD_INPUT, "is no reason for revoke" },
	{ ORDER_REVOKE, "7fb1", "superseded", "yesterday", ERR_BAD_INPUT, "invalid-since: not a time" },
};

START_TEST(mistakes_are_named)
{
	OWN(json) body = NULL;
	struct order_terms terms = terms_make();

	terms.action = bad[_i].action;
	terms.serial = bad[_i].serial;
	terms.reason = bad[_i].reason;
	terms.invalid_since = bad[_i].invalid_since;
	ck_fails(order_request(&body, store, &terms), bad[_i].code, bad[_i].text);
	ck_assert_ptr_null(body);
}
END_TEST

START_TEST(hold_and_release_have_their_own_reasons)
{
	static const struct {
		enum order_action action;
		int64_t reason;
	} rows[] = { { ORDER_HOLD, 6 }, { ORDER_RELEASE, 8 } };

	for (int i = 0; i < COUNT_OF(rows); i++) {
		OWN(json) body = NULL;
		OWN(buf) der = BUF_INIT(STATUS_ORDER_MAX_BYTES);
		struct order_terms terms = terms_make();
		struct status_order order;

		terms.action = rows[i].action;
		terms.reason = NULL;
		ck_ok(order_request(&body, store, &terms));
		member_get(&der, body, "order");
		ck_ok(status_order_decode(&order, buf_slice(&der)));
		ck_assert_int_eq(order.reason, rows[i].reason);
	}
}
END_TEST

START_TEST(the_second_person_signs_the_same_order)
{
	OWN(json) first = NULL;
	OWN(json) second = NULL;
	OWN(json) third = NULL;
	OWN(buf) proposed = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(buf) again = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	struct order_terms terms = terms_make();

	terms.action = ORDER_RELEASE;
	ck_ok(order_request(&first, store, &terms));
	member_get(&proposed, first, "order");
	ck_ok(order_countersign(&second, store, &terms, buf_slice(&proposed)));
	member_get(&again, second, "order");
	ck_assert(slice_equal(buf_slice(&proposed), buf_slice(&again)));
	terms.action = ORDER_HOLD;
	ck_fails(order_countersign(&third, store, &terms, buf_slice(&proposed)), ERR_CONFLICT,
		 "is about something else");
	terms.action = ORDER_RELEASE;
	terms.serial = "11";
	terms.certificate = buf_slice(&other.der);
	ck_fails(order_countersign(&third, store, &terms, buf_slice(&proposed)), ERR_CONFLICT,
		 "is about something else");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/cli/order");
	TCase *t = tcase_create("order");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_order_says_what_was_asked);
	tcase_add_loop_test(t, mistakes_are_named, 0, COUNT_OF(bad));
	tcase_add_test(t, hold_and_release_have_their_own_reasons);
	tcase_add_test(t, the_second_person_signs_the_same_order);
	suite_add_tcase(s, t);
	return suite_main(s);
}
