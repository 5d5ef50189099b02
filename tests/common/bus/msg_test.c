/*
 * msg_test.c - the list of messages, the envelope, and one golden DER for every message of this version.
 *
 * The golden files are tests/bus/golden/vN/NAME.der. NUC_GOLDEN_WRITE=1 writes those that are missing (after MSG_VERSION
 * was raised); files of a released version never change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "asn1/der.h"
#include "base/text.h"
#include "bus/msg_crl.h"
#include "bus/msg_ocsp.h"
#include "bus/msg_sign.h"
#include "support/msg_any.h"
#include "support/suite.h"

/* ---- one example of each body ---- */

static const uint8_t digest[32] = { 1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15, 16,
				    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };
static struct slice digests[2] = { { digest, 32 }, { digest, 32 } };
static struct slice certificates[1] = { { (const uint8_t *)"\x30\x00", 2 } };
static struct msg_signed_decision evidence[1] = { { { (const uint8_t *)"decision", 8 },
						    { (const uint8_t *)"cms", 3 } } };
static const struct serial serial = {
	20, { 0x5a, 0x71, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 0xff }
};

static struct err *empty_example(struct buf *out)
{
	struct msg_empty body = { 0 };

	return msg_empty_encode(out, &body);
}

static struct err *error_example(struct buf *out)
{
	struct msg_error body = { .code = SLICE_STR("denied"),
				  .field = SLICE_STR("subject"),
				  .text = SLICE_STR("ҚАЗАҚСТАН") };

	return msg_error_encode(out, &body);
}

static struct err *prompt_example(struct buf *out)
{
	struct msg_prompt body = { .what = MSG_PROMPT_ORDER, .number = SLICE_STR("ABCD-EFGH") };

	return msg_prompt_encode(out, &body);
}

static struct err *ledger_example(struct buf *out)
{
	struct msg_ledger_prompt body = { .log_size = 1000000, .order_seq = 12, .event_seq = 128 };

	return msg_ledger_prompt_encode(out, &body);
}

static struct err *sign_cert_example(struct buf *out)
{
	struct msg_sign_cert_item item = {
		SLICE("authorisation", 13), digests, 2, serial, 1700000000, SLICE("tbs", 3)
	};
	struct msg_sign_cert body = { evidence, 1, certificates, 1, &item, 1, NULL };

	return msg_sign_cert_encode(out, &body);
}

static struct err *sign_cert_ok_example(struct buf *out)
{
	struct msg_sign_cert_result items[2] = {
		{ MSG_ITEM_DONE, SLICE("tbs", 3), SLICE("signature", 9), 17, SLICE_STR(""), SLICE_STR("") },
		{ MSG_ITEM_REFUSED, SLICE_NONE, SLICE_NONE, 0, SLICE_STR("tbs_differs"), SLICE_STR("octet 12") },
	};
	struct msg_sign_cert_ok body = { items, 2, NULL };

	return msg_sign_cert_ok_encode(out, &body);
}

static struct err *order_example(struct buf *out)
{
	struct msg_order_item item = { SLICE("order", 5), digests, 1 };
	struct msg_order body = { evidence, 1, certificates, 1, &item, 1, NULL };

	return msg_order_encode(out, &body);
}

static struct err *order_ok_example(struct buf *out)
{
	struct msg_order_result item = { MSG_ITEM_RETRY, 0, SLICE_STR("disk"), SLICE_STR("no room") };
	struct msg_order_ok body = { &item, 1, NULL };

	return msg_order_ok_encode(out, &body);
}

static struct err *events_example(struct buf *out)
{
	struct msg_events body = { .from = 1, .max = 1000 };

	return msg_events_encode(out, &body);
}

static struct msg_event two_events[2] = {
	{ 7,
	  MSG_EVENT_ISSUED,
	  { (const uint8_t *)"rsa", 3 },
	  { 1, { 0x7f } },
	  1800000000,
	  0,
	  0,
	  1700000000,
	  false,
	  0,
	  { digest, 32 } },
	{ 8,
	  MSG_EVENT_ORDER,
	  { (const uint8_t *)"rsa", 3 },
	  { 2, { 0, 0x80 } },
	  1800000000,
	  1,
	  4,
	  1700000001,
	  true,
	  1699999999,
	  { digest, 32 } },
};

static struct err *signed_events_example(struct buf *out)
{
	OWN(buf) inner = BUF_INIT(4096);
	struct msg_event_batch batch = { 7, 9, two_events, 2, NULL };

	TRY(msg_event_batch_encode(&inner, &batch));
	struct msg_signed_events body = { buf_slice(&inner), SLICE("signature", 9), NULL };
	return msg_signed_events_encode(out, &body);
}

static struct err *policy_ok_example(struct buf *out)
{
	struct msg_policy_put_ok body = { .version = 2 };

	return msg_policy_put_ok_encode(out, &body);
}

static struct err *status_example(struct buf *out)
{
	struct msg_signer_issuer issuer = { SLICE_STR("rsa"), 41 };
	struct msg_signer_status body = { 1, 129, 12, &issuer, 1, 1000000, NULL };

	return msg_signer_status_encode(out, &body);
}

static struct err *push_ok_example(struct buf *out)
{
	struct msg_events_push_ok body = { .next = 9 };

	return msg_events_push_ok_encode(out, &body);
}

static struct err *head_example(struct buf *out)
{
	struct msg_sign_head body = { 7, 9, SLICE(digest, 32), digests, 2, NULL };

	return msg_sign_head_encode(out, &body);
}

static struct err *head_ok_example(struct buf *out)
{
	struct msg_sign_head_ok body = { .note = SLICE_STR("nuc.local/log\n9\nAAAA\n\n— nuc.local/log BBBB\n") };

	return msg_sign_head_ok_encode(out, &body);
}

static struct err *crl_begin_example(struct buf *out)
{
	struct msg_crl_begin body = {
		SLICE_STR("rsa"), SLICE_STR(""), MSG_CRL_DELTA, 42, true, 40, 1700000000, 1700097200, 12, 422065, NULL
	};

	return msg_crl_begin_encode(out, &body);
}

static struct err *crl_chunk_example(struct buf *out)
{
	struct msg_crl_chunk body = { .offset = 1048576, .bytes = SLICE("bytes", 5) };

	return msg_crl_chunk_encode(out, &body);
}

static struct err *crl_chunk_ok_example(struct buf *out)
{
	struct msg_crl_chunk_ok body = { .received = 1048581 };

	return msg_crl_chunk_ok_encode(out, &body);
}

static struct err *crl_end_ok_example(struct buf *out)
{
	struct msg_crl_end_ok body = { .signature = SLICE("signature", 9), .seq = 130 };

	return msg_crl_end_ok_encode(out, &body);
}

static struct err *ocsp_example(struct buf *out)
{
	struct msg_sign_ocsp_item items[2] = { { SLICE_STR("rsa"), SLICE("one", 3) },
					       { SLICE_STR("gost"), SLICE("two", 3) } };
	struct msg_sign_ocsp body = { items, 2, NULL };

	return msg_sign_ocsp_encode(out, &body);
}

static struct err *ocsp_ok_example(struct buf *out)
{
	struct msg_sign_ocsp_result items[2] = { { MSG_ITEM_DONE, SLICE("signature", 9), SLICE_STR("") },
						 { MSG_ITEM_REFUSED, SLICE_NONE, SLICE_STR("good_but_revoked") } };
	struct msg_sign_ocsp_ok body = { items, 2, NULL };

	return msg_sign_ocsp_ok_encode(out, &body);
}

static struct err *policy_example(struct buf *out)
{
	return buf_append(out, SLICE("\x30\x00", 2)); /* opaque to the bus */
}

static const struct {
	uint16_t type;
	struct err *(*make)(struct buf *out);
} examples[] = {
	{ MSG_ERROR, error_example },
	{ MSG_ISSUE_PROMPT, prompt_example },
	{ MSG_ISSUE_PROMPT_OK, empty_example },
	{ MSG_LEDGER_PROMPT, ledger_example },
	{ MSG_SIGN_CERT, sign_cert_example },
	{ MSG_SIGN_CERT_OK, sign_cert_ok_example },
	{ MSG_ORDER, order_example },
	{ MSG_ORDER_OK, order_ok_example },
	{ MSG_EVENTS, events_example },
	{ MSG_EVENTS_OK, signed_events_example },
	{ MSG_POLICY_PUT, policy_example },
	{ MSG_POLICY_PUT_OK, policy_ok_example },
	{ MSG_SIGNER_STATUS, empty_example },
	{ MSG_SIGNER_STATUS_OK, status_example },
	{ MSG_EVENTS_PUSH, signed_events_example },
	{ MSG_EVENTS_PUSH_OK, push_ok_example },
	{ MSG_SIGN_HEAD, head_example },
	{ MSG_SIGN_HEAD_OK, head_ok_example },
	{ MSG_CRL_BEGIN, crl_begin_example },
	{ MSG_CRL_BEGIN_OK, empty_example },
	{ MSG_CRL_CHUNK, crl_chunk_example },
	{ MSG_CRL_CHUNK_OK, crl_chunk_ok_example },
	{ MSG_CRL_END, empty_example },
	{ MSG_CRL_END_OK, crl_end_ok_example },
	{ MSG_SIGN_OCSP, ocsp_example },
	{ MSG_SIGN_OCSP_OK, ocsp_ok_example },
};

/* ---- golden ---- */

static void golden_path(char out[512], const char *name)
{
	const char *top = getenv("NUC_SOURCE");

	(void)snprintf(out, 512, "%s/tests/bus/golden/v%d/%s", top == NULL ? "." : top, MSG_VERSION, name);
}

static void golden_compare(const char *name, struct slice bytes)
{
	char path[512];
	uint8_t stored[8192];

	golden_path(path, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL && getenv("NUC_GOLDEN_WRITE") != NULL) {
		f = fopen(path, "wb");
		ck_assert_msg(f != NULL, "%s", path);
		ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
		ck_assert_int_eq(fclose(f), 0);
		return;
	}
	ck_assert_msg(f != NULL, "%s is missing", path);
	size_t n = fread(stored, 1, sizeof stored, f);
	(void)fclose(f);
	ck_assert_msg(slice_equal(SLICE(stored, n), bytes), "%s differs: raise MSG_VERSION", path);
}

START_TEST(golden_bodies)
{
	OWN(buf) out = BUF_INIT(8192);
	char name[64];
	size_t num;

	(void)msg_type_list(&num);
	ck_assert_uint_eq(num, (size_t)COUNT_OF(examples));
	ck_ok(examples[_i].make(&out));
	ck_ok(der_strict(buf_slice(&out), 8192));
	(void)snprintf(name, sizeof name, "%s.der", msg_type_name(examples[_i].type));
	golden_compare(name, buf_slice(&out));
}
END_TEST

/* The whole list in one text: numbers, names, roles, limits and bodies. */
START_TEST(golden_list)
{
	OWN(buf) text = BUF_INIT(65536);
	size_t num;
	const struct msg_type_info *list = msg_type_list(&num);

	for (size_t i = 0; i < num; i++)
		ck_ok(buf_printf(&text, "%04x %s from=%02x to=%02x max=%zu %s\n", (unsigned)list[i].number,
				 list[i].name, list[i].from, list[i].to, list[i].max_bytes, list[i].body));
	golden_compare("LIST.txt", buf_slice(&text));
}
END_TEST

START_TEST(list_is_sound)
{
	size_t num;
	const struct msg_type_info *list = msg_type_list(&num);

	for (size_t i = 0; i < num; i++) {
		ck_assert_msg(i == 0 || list[i - 1].number < list[i].number, "%s is out of order", list[i].name);
		ck_assert_ptr_eq(msg_type_find(list[i].number), &list[i]);
		ck_assert_uint_le((list[i].max_bytes + MSG_PART_BYTES - 1) / MSG_PART_BYTES, MSG_PARTS_MAX);
		if (!msg_type_is_ask(list[i].number) || list[i].number == MSG_LEDGER_PROMPT)
			continue;
		const struct msg_type_info *answer = msg_type_find(msg_type_answer(list[i].number));
		ck_assert_ptr_nonnull(answer);
		ck_assert_uint_eq(answer->from, list[i].to);
		ck_assert_uint_eq(answer->to, list[i].from);
	}
	ck_assert_ptr_null(msg_type_find(0));
	ck_assert_str_eq(msg_type_name(0xffff), "?");
}
END_TEST

/* What is read is what is written. */
START_TEST(bodies_round_trip)
{
	OWN(buf) out = BUF_INIT(8192);
	OWN(buf) again = BUF_INIT(8192);

	if (examples[_i].type == MSG_POLICY_PUT)
		return;
	ck_ok(examples[_i].make(&out));
	ck_ok(msg_any_again(&again, examples[_i].type, buf_slice(&out)));
	ck_assert(slice_equal(buf_slice(&out), buf_slice(&again)));
}
END_TEST

/* Every octet of every body cut off, one appended, and each octet changed: refused, or read as what it then says. */
START_TEST(bodies_mutated)
{
	OWN(buf) out = BUF_INIT(8192);

	if (examples[_i].type == MSG_POLICY_PUT)
		return;
	ck_ok(examples[_i].make(&out));
	for (size_t n = 0; n < out.len; n++) {
		OWN(buf) again = BUF_INIT(8192);

		ck_fails(msg_any_again(&again, examples[_i].type, SLICE(out.p, n)), ERR_BAD_INPUT, "");
	}
	for (size_t n = 0; n < out.len; n++) {
		for (int bit = 0; bit < 8; bit++) {
			OWN(buf) again = BUF_INIT(8192);

			out.p[n] ^= (uint8_t)(1u << bit);
			struct err *e = msg_any_again(&again, examples[_i].type, buf_slice(&out));
			ck_assert(e != NULL || slice_equal(buf_slice(&out), buf_slice(&again)));
			err_destroy(&e);
			out.p[n] ^= (uint8_t)(1u << bit);
		}
	}
	OWN(buf) again = BUF_INIT(8192);
	ck_ok(buf_append_u8(&out, 0));
	ck_fails(msg_any_again(&again, examples[_i].type, buf_slice(&out)), ERR_BAD_INPUT, "");
}
END_TEST

START_TEST(limits_of_bodies)
{
	OWN(buf) out = BUF_INIT(1 << 20);
	OWN(msg_crl_chunk) chunk = { 0 };
	struct msg_sign_head head = { 0, 1, SLICE(digest, 31), NULL, 0, NULL };
	struct msg_prompt prompt = { .what = 9, .number = SLICE_STR("") };
	struct msg_error text = { .code = SLICE_STR("x"), .field = SLICE_STR(""), .text = SLICE("\xff", 1) };
	struct msg_events negative = { .from = -1, .max = 1 };
	static const uint8_t long_body[2000];

	ck_fails(msg_sign_head_encode(&out, &head), ERR_BUG, "31 octets, 32 to 32 expected");
	ck_fails(msg_prompt_encode(&out, &prompt), ERR_BUG, "value 9 is out of its range");
	ck_fails(msg_error_encode(&out, &text), ERR_BAD_INPUT, "UTF-8");
	ck_fails(msg_events_encode(&out, &negative), ERR_BUG, "out of its range");
	ck_assert_uint_eq(out.len, 0);
	OWN(msg_prompt) read = { 0 };
	ck_fails(msg_prompt_decode(&read, SLICE(long_body, sizeof long_body)), ERR_TOO_LARGE, "the limit is 1024");
	ck_fails(msg_crl_chunk_decode(&chunk, SLICE("\x30\x05\x02\x01\x00\x04\x00", 7)), ERR_BAD_INPUT, "CRL_CHUNK");
}
END_TEST

/* A list of many tiny elements is refused before memory is taken for them. */
START_TEST(list_of_too_many)
{
	OWN(buf) der = BUF_INIT(1 << 20);
	OWN(msg_sign_ocsp) body = { 0 };
	size_t outer, list;

	ck_ok(der_open(&der, &outer, DER_SEQUENCE));
	ck_ok(der_open(&der, &list, DER_SEQUENCE));
	for (int i = 0; i < 5000; i++)
		ck_ok(der_null(&der));
	ck_ok(der_close(&der, list));
	ck_ok(der_close(&der, outer));
	ck_fails(msg_sign_ocsp_decode(&body, buf_slice(&der)), ERR_TOO_LARGE, "more than 4096 elements");
}
END_TEST

/* ---- errors across the bus ---- */

START_TEST(errors_travel)
{
	OWN(buf) der = BUF_INIT(65536);
	OWN(msg_error) read = { 0 };
	char text[256];
	struct msg_error body;
	struct err *e = ERR_FIELD(DENIED, "decisions", "одно решение отсутствует");

	e = ERR_WRAP(e, "item 3");
	msg_error_from(&body, e, text, sizeof text);
	ck_ok(msg_error_encode(&der, &body));
	err_destroy(&e);
	ck_ok(msg_error_decode(&read, buf_slice(&der)));
	e = msg_error_to(&read, "signd-ca");
	ck_assert_str_eq(err_field(e), "decisions");
	ck_fails(e, ERR_DENIED, "signd-ca: item 3: одно решение отсутствует");
	read.code = SLICE_STR("no_such_word");
	ck_fails(msg_error_to(&read, "x"), ERR_BUG, "x: ");
	e = ERR(BAD_INPUT, "cut \xd0");
	msg_error_from(&body, e, text, sizeof text);
	der.len = 0;
	ck_ok(msg_error_encode(&der, &body));
	err_destroy(&e);
}
END_TEST

/* ---- header ---- */

static struct msg_header a_header(void)
{
	struct msg_header h = { .type = MSG_SIGN_CERT, .deadline_ms = 1795383628123, .part = 1, .num_parts = 3 };

	memcpy(h.id, digest, MSG_ID_BYTES);
	return h;
}

START_TEST(header_golden)
{
	OWN(buf) out = BUF_INIT(MSG_HEADER_MAX);
	struct msg_header h = a_header(), read;

	ck_ok(msg_header_encode(&out, &h));
	golden_compare("HEADER.der", buf_slice(&out));
	ck_ok(msg_header_decode(&read, buf_slice(&out)));
	ck_assert_uint_eq(read.type, h.type);
	ck_assert_mem_eq(read.id, h.id, MSG_ID_BYTES);
	ck_assert_int_eq(read.deadline_ms, h.deadline_ms);
	ck_assert_uint_eq(read.part, 1);
	ck_assert_uint_eq(read.num_parts, 3);
	h.deadline_ms = INT64_MAX;
	h.type = MSG_SIGN_OCSP_OK;
	out.len = 0;
	ck_ok(msg_header_encode(&out, &h)); /* the largest header fits the limit */
}
END_TEST

/* A header written field by field, so that each can be wrong. */
static void header_write(struct buf *out, int64_t version, int64_t type, size_t id_len, int64_t deadline, int64_t part,
			 int64_t num_parts)
{
	size_t mark;

	ck_ok(der_open(out, &mark, DER_SEQUENCE));
	ck_ok(der_int64(out, version));
	ck_ok(der_int64(out, type));
	ck_ok(der_octets(out, SLICE(digest, id_len)));
	ck_ok(der_int64(out, deadline));
	ck_ok(der_int64(out, part));
	ck_ok(der_int64(out, num_parts));
	ck_ok(der_close(out, mark));
}

START_TEST(header_refused)
{
	static const struct {
		int64_t version, type;
		size_t id_len;
		int64_t deadline, part, num_parts;
		const char *why;
	} rows[] = {
		{ 2, MSG_SIGN_CERT, 16, 1, 0, 1, "protocol version 2, this side speaks 1" },
		{ 0, MSG_SIGN_CERT, 16, 1, 0, 1, "protocol version 0" },
		{ 1, 0x0202, 16, 1, 0, 1, "unknown message type 514" },
		{ 1, 0x10200, 16, 1, 0, 1, "unknown message type" },
		{ 1, MSG_SIGN_CERT, 15, 1, 0, 1, "requestId" },
		{ 1, MSG_SIGN_CERT, 17, 1, 0, 1, "requestId" },
		{ 1, MSG_SIGN_CERT, 16, -1, 0, 1, "deadline" },
		{ 1, MSG_SIGN_CERT, 16, 1, 1, 1, "chunk 1 of 1" },
		{ 1, MSG_SIGN_CERT, 16, 1, 0, 0, "chunk 0 of 0" },
		{ 1, MSG_SIGN_CERT, 16, 1, 0, 65, "chunk 0 of 65" },
	};
	OWN(buf) out = BUF_INIT(MSG_HEADER_MAX);
	struct msg_header read = { .type = 7 };

	header_write(&out, rows[_i].version, rows[_i].type, rows[_i].id_len, rows[_i].deadline, rows[_i].part,
		     rows[_i].num_parts);
	struct err *e = msg_header_decode(&read, buf_slice(&out));
	const char *field = err_field(e);
	ck_assert_msg(strstr(rows[_i].why, field == NULL ? "" : field) != NULL || field != NULL, "no field");
	ck_assert_int_eq(read.type, 7);
	char text[300];
	ck_assert_msg(strstr(err_text(e, text, sizeof text), rows[_i].why) != NULL ||
			      (field != NULL && strcmp(field, rows[_i].why) == 0),
		      "%s: %s", rows[_i].why, text);
	err_destroy(&e);
}
END_TEST

START_TEST(header_cut)
{
	OWN(buf) out = BUF_INIT(MSG_HEADER_MAX + 8);
	struct msg_header h = a_header(), read;
	static const uint8_t long_header[MSG_HEADER_MAX + 1];

	ck_ok(msg_header_encode(&out, &h));
	for (size_t n = 0; n < out.len; n++) {
		struct err *e = msg_header_decode(&read, SLICE(out.p, n));

		ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
		err_destroy(&e);
	}
	ck_ok(buf_append_u8(&out, 0));
	ck_fails(msg_header_decode(&read, buf_slice(&out)), ERR_BAD_INPUT, "header");
	ck_fails(msg_header_decode(&read, SLICE(long_header, sizeof long_header)), ERR_TOO_LARGE, "the limit is 96");
}
END_TEST

START_TEST(roles)
{
	enum msg_role role;

	for (int i = MSG_ROLE_NONE + 1; i < MSG_ROLE_COUNT; i++) {
		ck_assert(msg_role_parse(&role, SLICE_STR(msg_role_word((enum msg_role)i))));
		ck_assert_int_eq(role, i);
	}
	ck_assert(!msg_role_parse(&role, SLICE_STR("NONE")));
	ck_assert(!msg_role_parse(&role, SLICE_STR("cad")));
	ck_assert_str_eq(msg_role_word((enum msg_role)77), "NONE");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("common/bus/msg");
	TCase *golden = tcase_create("golden");
	TCase *bodies = tcase_create("bodies");
	TCase *header = tcase_create("header");

	tcase_add_loop_test(golden, golden_bodies, 0, COUNT_OF(examples));
	tcase_add_test(golden, golden_list);
	tcase_add_test(golden, list_is_sound);
	suite_add_tcase(s, golden);
	tcase_add_loop_test(bodies, bodies_round_trip, 0, COUNT_OF(examples));
	tcase_add_loop_test(bodies, bodies_mutated, 0, COUNT_OF(examples));
	tcase_add_test(bodies, limits_of_bodies);
	tcase_add_test(bodies, list_of_too_many);
	tcase_add_test(bodies, errors_travel);
	suite_add_tcase(s, bodies);
	tcase_add_test(header, header_golden);
	tcase_add_loop_test(header, header_refused, 0, 10);
	tcase_add_test(header, header_cut);
	tcase_add_test(header, roles);
	suite_add_tcase(s, header);
	return suite_main(s);
}
