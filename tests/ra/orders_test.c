/*
 * orders_test.c - status orders over HTTPS: an operator's with a ground, a holder's over their own certificate, release by
 * two, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client.h"

/* A holder with a SIGN certificate of ours, known to the ledger. */
struct holder {
	struct test_person person;
	char iin[13];
	struct cert cert;
};

static void make_holder(struct holder *h)
{
	static int64_t serial = 5000;

	memcpy(h->iin, new_iin(), sizeof h->iin);
	struct test_cert_spec spec = { .cn = "HOLDER",
				       .iin = h->iin,
				       .key_usage = "critical,digitalSignature,nonRepudiation",
				       .eku = "emailProtection,1.2.398.3.3.4.1.1",
				       .serial = serial++ + (int64_t)getpid() * 100 };
	test_person_init(&h->person, "rsa", &spec, &world.issuing);
	ck_ok(cert_parse(&h->cert, buf_slice(&h->person.der)));
	world_know_certificate(&h->person, "individual-sign", h->iin);
}

struct order_spec {
	enum order_action action;
	int64_t reason;
	const char *ground;
	int64_t at; /* seconds from now */
	bool other_digest;
};

static void make_order(struct buf *out, const struct holder *h, const struct order_spec *spec)
{
	static uint8_t nonce[AUTHORITY_NONCE_LEN];
	uint8_t digest[32];
	struct status_order o = { .issuer = SLICE_STR("rsa"),
				  .serial = h->cert.serial,
				  .certificate_digest = SLICE(digest, 32),
				  .action = spec->action,
				  .reason = spec->reason,
				  .revoked_at = clock_now_s() + spec->at,
				  .ground = SLICE_STR(spec->ground),
				  .nonce = SLICE(nonce, sizeof nonce) };

	nonce[0]++;
	memcpy(digest, h->cert.digest, 32);
	digest[0] ^= spec->other_digest;
	ck_ok(status_order_encode(out, &o));
}

static void post_order(struct reply *r, const char *as, const struct test_person *signer, struct slice order)
{
	OWN(test_decision) d = { .decision = { 0 } };
	OWN(json) body = json_object();
	uint8_t digest[1][SHA256_LEN];

	der_sha256(digest[0], order);
	test_decide(&d, signer, DECISION_ORDERS, (const uint8_t(*)[SHA256_LEN])digest, 1, clock_now_s());
	ra_json_set_base64(body, "order", order);
	ra_json_set_base64(body, "decision", buf_slice(&d.decision));
	ra_json_set_base64(body, "signature", buf_slice(&d.signature));
	http_post(r, as, "/api/v1/orders", body);
}

static void order_as(struct reply *r, const char *as, const struct holder *h, enum order_action action, int64_t reason)
{
	struct order_spec spec = { .action = action, .reason = reason, .ground = "заявление владельца" };
	OWN(buf) order = BUF_INIT(STATUS_ORDER_MAX_BYTES);

	make_order(&order, h, &spec);
	post_order(r, as, staff_person(as), buf_slice(&order));
}

static void look(struct reply *r, const struct holder *h)
{
	char path[100], serial[SERIAL_HEX_SIZE];

	(void)snprintf(path, sizeof path, "/api/v1/certificates/%s?issuer=rsa", serial_hex(serial, &h->cert.serial));
	http_get(r, "auditor", path);
	ck_status(r, 200);
}

static int64_t num_orders(const struct holder *h)
{
	return pg_number(
		"SELECT count(*) FROM revocation r JOIN certificate c ON c.id = r.certificate_id WHERE c.iin = '%s'",
		h->iin);
}

START_TEST(an_operator_revokes)
{
	struct holder h;
	OWN(reply) r = REPLY_INIT;
	int prompts = atomic_load(&world.shared->prompts_order);
	char serial[SERIAL_HEX_SIZE];

	make_holder(&h);
	order_as(&r, "operator2", &h, ORDER_REVOKE, 1);
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "serial"), serial_hex(serial, &h.cert.serial));
	ck_assert_str_eq(reply_text(&r, "action"), "revoke");
	ck_assert_str_eq(reply_text(&r, "state"), "revoked");
	ck_assert_int_eq(
		pg_number(
			"SELECT count(*) FROM log_pending p JOIN revocation r ON r.id = p.order_id JOIN certificate c "
			"ON c.id = r.certificate_id WHERE c.iin = '%s' AND p.kind = 'status.revoked' AND "
			"p.certificate_id = c.id",
			h.iin),
		1);
	world_wait(atomic_load(&world.shared->prompts_order) > prompts);
	look(&r, &h);
	ck_assert_str_eq(reply_text(&r, "state"), "revoked");
	json_t *order = json_array_get(json_object_get(r.json, "orders"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(order, "reason")), "keyCompromise");
	ck_assert_str_eq(json_string_value(json_object_get(order, "ordered_by")), IIN_OPERATOR2);
	/* Final: nothing follows. */
	order_as(&r, "operator1", &h, ORDER_REVOKE, 4);
	ck_refused(&r, 409, "order", "revoked");
	order_as(&r, "operator1", &h, ORDER_HOLD, 6);
	ck_refused(&r, 409, "order", "revoked");
	ck_assert_int_eq(num_orders(&h), 1);
	test_person_clear(&h.person);
}
END_TEST

START_TEST(an_order_sent_twice_is_one_order)
{
	struct holder h;
	OWN(reply) r = REPLY_INIT;
	struct order_spec spec = { .action = ORDER_HOLD, .reason = 6, .ground = "запрос" };
	OWN(buf) order = BUF_INIT(STATUS_ORDER_MAX_BYTES);

	make_holder(&h);
	make_order(&order, &h, &spec);
	for (int i = 0; i < 3; i++) {
		post_order(&r, "operator1", staff_person("operator1"), buf_slice(&order));
		ck_status(&r, 200);
		ck_assert_str_eq(reply_text(&r, "state"), "held");
	}
	ck_assert_int_eq(num_orders(&h), 1);
	test_person_clear(&h.person);
}
END_TEST

START_TEST(a_release_needs_two)
{
	struct holder h;
	OWN(reply) r = REPLY_INIT;
	struct order_spec spec = { .action = ORDER_RELEASE, .reason = 8, .ground = "ключ найден" };
	OWN(buf) order = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	OWN(buf) again = BUF_INIT(STATUS_ORDER_MAX_BYTES);

	make_holder(&h);
	order_as(&r, "operator1", &h, ORDER_RELEASE, 8);
	ck_refused(&r, 409, "order", "valid");
	order_as(&r, "operator1", &h, ORDER_HOLD, 6);
	ck_status(&r, 200);
	make_order(&order, &h, &spec);
	post_order(&r, "operator2", staff_person("operator2"), buf_slice(&order));
	ck_status(&r, 202);
	ck_assert_str_eq(reply_text(&r, "state"), "pending");
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "still_needed")), 1);
	post_order(&r, "operator2", staff_person("operator2"), buf_slice(&order));
	ck_refused(&r, 409, "decision", "counts already");
	look(&r, &h);
	ck_assert_str_eq(reply_text(&r, "state"), "held");
	json_t *pending = json_array_get(json_object_get(r.json, "pending"), 0);
	ck_assert_ptr_nonnull(pending);
	ck_ok(ra_json_base64(&again, json_object_get(pending, "order"), "order"));
	ck_assert(slice_equal(buf_slice(&again), buf_slice(&order)));
	http_get(&r, "operator3", "/api/v1/orders");
	ck_status(&r, 200);
	ck_assert_uint_ge(json_array_size(json_object_get(r.json, "orders")), 1);
	post_order(&r, "operator3", staff_person("operator3"), buf_slice(&order));
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "state"), "valid");
	ck_assert_int_eq(num_orders(&h), 2);
	/* It counts for relying parties only when it has its place in the log. */
	look(&r, &h);
	ck_assert_str_eq(reply_text(&r, "state"), "held");
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "pending")), 0);
	pg_sql("INSERT INTO log_entry (idx, kind, at_ms, entry, salt, leaf_hash, order_id) SELECT 900000 + p.id, "
	       "p.kind, p.at_ms, "
	       "p.entry, p.salt, sha256(p.entry), p.order_id FROM log_pending p JOIN revocation r ON r.id = p.order_id "
	       "JOIN "
	       "certificate c ON c.id = r.certificate_id WHERE c.iin = '%s' AND r.action = 3",
	       h.iin);
	look(&r, &h);
	ck_assert_str_eq(reply_text(&r, "state"), "valid");
	test_person_clear(&h.person);
}
END_TEST

START_TEST(a_holder_revokes_their_own_and_no_other)
{
	struct holder mine, other;
	OWN(reply) r = REPLY_INIT;
	struct order_spec spec = { .action = ORDER_REVOKE, .reason = 4, .ground = "" };
	OWN(buf) order = BUF_INIT(STATUS_ORDER_MAX_BYTES);

	make_holder(&mine);
	make_holder(&other);
	make_order(&order, &other, &spec);
	post_order(&r, NULL, &mine.person, buf_slice(&order));
	ck_refused(&r, 403, "decision", "does not hold");
	buf_reset(&order);
	make_order(&order, &mine, &spec);
	post_order(&r, NULL, &mine.person, buf_slice(&order));
	ck_status(&r, 200);
	ck_assert_str_eq(reply_text(&r, "state"), "revoked");
	/* A revoked certificate decides nothing any more. */
	buf_reset(&order);
	make_order(&order, &mine, &spec);
	post_order(&r, NULL, &mine.person, buf_slice(&order));
	ck_refused(&r, 403, "signature", "nobody");
	ck_assert_int_eq(num_orders(&other), 0);
	test_person_clear(&mine.person);
	test_person_clear(&other.person);
}
END_TEST

START_TEST(orders_that_are_refused)
{
	struct holder h;
	OWN(reply) r = REPLY_INIT;
	OWN(buf) order = BUF_INIT(STATUS_ORDER_MAX_BYTES);
	struct order_spec no_ground = { .action = ORDER_REVOKE, .reason = 1, .ground = "" };
	struct order_spec old = { .action = ORDER_REVOKE, .reason = 1, .ground = "x", .at = -200000 };
	struct order_spec future = { .action = ORDER_REVOKE, .reason = 1, .ground = "x", .at = 1000 };
	struct order_spec digest = { .action = ORDER_REVOKE, .reason = 1, .ground = "x", .other_digest = true };
	struct order_spec good = { .action = ORDER_REVOKE, .reason = 1, .ground = "x" };

	make_holder(&h);
	make_order(&order, &h, &no_ground);
	post_order(&r, "operator1", staff_person("operator1"), buf_slice(&order));
	ck_refused(&r, 400, "decision", "ground");
	buf_reset(&order);
	make_order(&order, &h, &old);
	post_order(&r, "operator1", staff_person("operator1"), buf_slice(&order));
	ck_refused(&r, 400, "order.revokedAt", "from now");
	buf_reset(&order);
	make_order(&order, &h, &future);
	post_order(&r, "operator1", staff_person("operator1"), buf_slice(&order));
	ck_refused(&r, 400, "order.revokedAt", "from now");
	buf_reset(&order);
	make_order(&order, &h, &digest);
	post_order(&r, "operator1", staff_person("operator1"), buf_slice(&order));
	ck_refused(&r, 400, "order.certificateDigest", "another");
	buf_reset(&order);
	make_order(&order, &h, &good);
	post_order(&r, "operator1", staff_person("operator2"), buf_slice(&order));
	ck_refused(&r, 403, "signature", "another person");
	post_order(&r, NULL, staff_person("operator1"), buf_slice(&order));
	ck_refused(&r, 403, "signature", "nobody");
	post_order(&r, "auditor", staff_person("auditor"), buf_slice(&order));
	ck_assert_int_eq(r.status, 403);
	post_order(&r, "operator1", staff_person("operator1"), SLICE_STR("not DER"));
	ck_assert_int_eq(r.status, 400);
	h.cert.serial.b[0] = 0x11;
	buf_reset(&order);
	make_order(&order, &h, &good);
	post_order(&r, "operator1", staff_person("operator1"), buf_slice(&order));
	ck_refused(&r, 404, "serial", "no certificate");
	ck_assert_int_eq(num_orders(&h), 0);
	http_get(&r, "operator1", "/api/v1/certificates/zz");
	ck_refused(&r, 400, "serial", "hexadecimal");
	test_person_clear(&h.person);
}
END_TEST

START_TEST(certificates_are_found)
{
	struct holder h;
	OWN(reply) r = REPLY_INIT;
	char path[100];

	make_holder(&h);
	(void)snprintf(path, sizeof path, "/api/v1/certificates?iin=%s", h.iin);
	http_get(&r, "operator1", path);
	ck_status(&r, 200);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "certificates")), 1);
	json_t *c = json_array_get(json_object_get(r.json, "certificates"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(c, "state")), "valid");
	ck_assert(strstr(json_string_value(json_object_get(c, "subject")), "HOLDER") != NULL);
	http_get(&r, "operator1", "/api/v1/certificates?q=%25");
	ck_assert_int_eq(r.status, 400);
	http_get(&r, "operator1", "/api/v1/certificates?q=%25%25%25");
	ck_status(&r, 200);
	ck_assert_uint_eq(json_array_size(json_object_get(r.json, "certificates")), 0);
	test_person_clear(&h.person);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/orders");
	TCase *t = tcase_create("orders");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, world_create, world_destroy);
	tcase_add_test(t, an_operator_revokes);
	tcase_add_test(t, an_order_sent_twice_is_one_order);
	tcase_add_test(t, a_release_needs_two);
	tcase_add_test(t, a_holder_revokes_their_own_and_no_other);
	tcase_add_test(t, orders_that_are_refused);
	tcase_add_test(t, certificates_are_found);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
