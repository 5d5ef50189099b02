/*
 * build_test.c - the DER of lists: read back by our strict reader and by OpenSSL, byte by byte where it matters.
 */
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "crl/read.h"
#include "crl_fixture.h"

#define T 1800000000

static struct crl_ca ca;

static void setup(void)
{
	crl_ca_init(&ca, "p256");
}

static void teardown(void)
{
	crl_ca_clear(&ca);
}

/* Reads with our reader: the entries must be exactly the listed items. */
static void assert_reads(struct slice der, const struct crl_spec *spec, const struct crl_item *items, size_t num)
{
	struct crl_list list;
	struct crl_list_entry entry;
	bool more;

	ck_ok(crl_list_read(&list, der));
	ck_assert(slice_equal(list.issuer, spec->issuer));
	ck_assert(slice_equal(list.key_id, spec->key_id));
	ck_assert_int_eq(list.number, spec->number);
	ck_assert_int_eq(list.this_update_at, spec->this_update_at);
	ck_assert_int_eq(list.next_update_at, spec->next_update_at);
	ck_assert_int_eq(list.is_delta, spec->kind == CRL_DELTA);
	ck_ok(suite_verify_spki(ca.cert.public_key, list.algorithm, list.tbs, list.signature));
	for (size_t i = 0; i < num; i++) {
		if (!crl_is_listed(spec, &items[i]))
			continue;
		ck_ok(crl_list_next(&list, &entry, &more));
		ck_assert(more);
		ck_assert(serial_equal(&entry.serial, &items[i].serial));
		ck_assert_int_eq(entry.revoked_at, items[i].revoked_at);
		ck_assert_int_eq(entry.reason, crl_entry_reason(&items[i]));
		ck_assert_int_eq(entry.has_invalidity_at, items[i].has_invalidity_at);
		if (entry.has_invalidity_at)
			ck_assert_int_eq(entry.invalidity_at, items[i].invalidity_at);
	}
	ck_ok(crl_list_next(&list, &entry, &more));
	ck_assert(!more);
}

static X509_CRL *openssl_reads(struct slice der)
{
	const uint8_t *p = der.p;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);

	ck_assert_ptr_nonnull(crl);
	ck_assert_ptr_eq(p, der.p + der.len);
	ck_assert_int_eq(X509_CRL_verify(crl, ca.person.key), 1);
	return crl;
}

static int openssl_finds(X509_CRL *crl, const char *serial_hex)
{
	struct serial serial;
	ASN1_INTEGER *integer = NULL;
	X509_REVOKED *revoked = NULL;

	ck_ok(serial_from_hex(&serial, serial_hex));
	ck_ok(serial_to_asn1(&integer, &serial));
	int found = X509_CRL_get0_by_serial(crl, &revoked, integer);
	ASN1_INTEGER_free(integer);
	return found;
}

START_TEST(empty_list_has_no_revoked_certificates)
{
	OWN(buf) der = BUF_INIT(4096);
	struct crl_spec spec = crl_ca_spec(&ca, 1, T);

	crl_ca_list(&der, &ca, &spec, NULL, 0);
	assert_reads(buf_slice(&der), &spec, NULL, 0);
	ck_ok(der_strict(buf_slice(&der), 4096));
	X509_CRL *crl = openssl_reads(buf_slice(&der));
	ck_assert_int_eq(X509_CRL_get_version(crl), 1);
	ck_assert_ptr_null(X509_CRL_get_REVOKED(crl));
	ck_assert_int_eq(X509_CRL_get_ext_count(crl), 2);
	X509_CRL_free(crl);
}
END_TEST

/* RFC 5280 §5.2.3 and NUC's form: cRLNumber first, then AKI with keyid only. */
START_TEST(bytes_of_the_extensions)
{
	OWN(crl_layout) layout = CRL_LAYOUT_INIT;
	OWN(buf) hex = BUF_INIT(4096);
	struct crl_spec spec = crl_ca_spec(&ca, 57725, T);
	const char *text;
	uint8_t key_id[20] = { 0xaa, 0xbb };

	spec.key_id = SLICE(key_id, 20);
	ck_ok(crl_layout_measure(&layout, &spec, NULL, 0));
	ck_ok(text_hex(&hex, buf_slice(&layout.tail)));
	ck_ok(buf_str(&hex, &text));
	ck_assert_str_eq(text, "a031302f300c0603551d1404050203"
			       "00e17d301f0603551d2304183016"
			       "8014aabb000000000000000000000000000000000000");
	spec.kind = CRL_DELTA;
	spec.base_number = 1346;
	ck_ok(crl_layout_measure(&layout, &spec, NULL, 0));
	buf_reset(&hex);
	ck_ok(text_hex(&hex, buf_slice(&layout.tail)));
	ck_ok(buf_str(&hex, &text));
	ck_assert_ptr_nonnull(strstr(text, "300e0603551d1b0101ff040402020542"));
}
END_TEST

START_TEST(entries_of_every_kind)
{
	struct crl_item items[] = {
		crl_item_of("01", CRL_REVOKE, 0, 1700000000, 1),
		crl_item_of("7f", CRL_REVOKE, 1, 1700000000, 2),
		crl_item_of("0080", CRL_HOLD, 6, 1700000000, 3),
		crl_item_of("00ff", CRL_RELEASE, 8, 1700000000, 4),
		crl_item_of("0100", CRL_REVOKE, 4, 2524607999, 5),
		crl_item_of("7fff", CRL_REVOKE, 0, 2524608000, 6),
		crl_item_of("10ffffffffffffffffffffffffffffffffffffff", CRL_REVOKE, 1, 1790000000, 7),
	};
	OWN(buf) der = BUF_INIT(4096);
	struct crl_spec spec = crl_ca_spec(&ca, 2, T);

	items[1].has_invalidity_at = true;
	items[1].invalidity_at = 1600000000;
	items[5].has_invalidity_at = true;
	items[5].invalidity_at = 0;
	crl_ca_list(&der, &ca, &spec, items, COUNT_OF(items));
	ck_ok(der_strict(buf_slice(&der), 4096));
	assert_reads(buf_slice(&der), &spec, items, COUNT_OF(items));
	X509_CRL *crl = openssl_reads(buf_slice(&der));
	ck_assert_int_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 6);
	ck_assert_int_eq(openssl_finds(crl, "01"), 1);
	ck_assert_int_eq(openssl_finds(crl, "7f"), 1);
	ck_assert_int_eq(openssl_finds(crl, "0080"), 1);
	ck_assert_int_eq(openssl_finds(crl, "00ff"), 0);
	ck_assert_int_eq(openssl_finds(crl, "0100"), 1);
	ck_assert_int_eq(openssl_finds(crl, "7fff"), 1);
	ck_assert_int_eq(openssl_finds(crl, "10ffffffffffffffffffffffffffffffffffffff"), 1);
	ck_assert_int_eq(openssl_finds(crl, "08"), 0);
	X509_CRL_free(crl);
}
END_TEST

START_TEST(expired_ones_are_left_out)
{
	struct crl_item items[] = {
		crl_item_of("01", CRL_REVOKE, 0, 1700000000, 1),
		crl_item_of("02", CRL_REVOKE, 0, 1700000000, 2),
		crl_item_of("03", CRL_REVOKE, 0, 1700000000, 3),
	};
	OWN(buf) der = BUF_INIT(4096);
	struct crl_spec spec = crl_ca_spec(&ca, 2, T);

	items[0].not_after_at = T - 1;
	items[1].not_after_at = T;
	items[2].not_after_at = T + 1;
	spec.listed_from_at = T;
	crl_ca_list(&der, &ca, &spec, items, COUNT_OF(items));
	X509_CRL *crl = openssl_reads(buf_slice(&der));
	ck_assert_int_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 2);
	ck_assert_int_eq(openssl_finds(crl, "01"), 0);
	X509_CRL_free(crl);
}
END_TEST

START_TEST(delta_removes_what_was_released)
{
	struct crl_item items[] = {
		crl_item_of("01", CRL_RELEASE, 8, 1700000000, 1),
		crl_item_of("02", CRL_REVOKE, 1, 1700000000, 2),
	};
	OWN(buf) der = BUF_INIT(4096);
	struct crl_spec spec = crl_ca_spec(&ca, 9, T);

	spec.kind = CRL_DELTA;
	spec.base_number = 7;
	spec.listed_from_at = INT64_MAX;
	crl_ca_list(&der, &ca, &spec, items, COUNT_OF(items));
	assert_reads(buf_slice(&der), &spec, items, COUNT_OF(items));
	X509_CRL *crl = openssl_reads(buf_slice(&der));
	ASN1_INTEGER *base = X509_CRL_get_ext_d2i(crl, NID_delta_crl, NULL, NULL);
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(ASN1_INTEGER_get(base), 7);
	ASN1_INTEGER_free(base);
	ck_assert_int_eq(openssl_finds(crl, "01"), 2); /* removeFromCRL */
	ck_assert_int_eq(openssl_finds(crl, "02"), 1);
	X509_CRL_free(crl);
}
END_TEST

struct pieces {
	size_t num, total, small;
};

static struct err *count_piece(void *arg, struct slice piece)
{
	struct pieces *pieces = arg;

	pieces->num++;
	pieces->total += piece.len;
	pieces->small += piece.len < CRL_PIECE_BYTES;
	ck_assert_uint_gt(piece.len, 0);
	ck_assert_uint_le(piece.len, CRL_PIECE_BYTES);
	return NULL;
}

/* Bugs 33 and 34 of other CAs came with lists over one megabyte. */
START_TEST(large_list_in_pieces)
{
	enum { NUM = 60000 };
	struct crl_item *items = calloc(NUM, sizeof *items);
	OWN(crl_layout) layout = CRL_LAYOUT_INIT;
	OWN(buf) der = BUF_INIT(64u << 20);
	struct crl_spec spec = crl_ca_spec(&ca, 3, T);
	struct pieces pieces = { 0 };

	ck_assert_ptr_nonnull(items);
	for (size_t i = 0; i < NUM; i++) {
		items[i] = crl_item_of("10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", CRL_REVOKE,
				       (int)(i % 7) == 2 ? 0 : (int)(i % 7), 1700000000u + (uint32_t)i, (int64_t)i);
		items[i].serial.b[1] = (uint8_t)(i >> 16);
		items[i].serial.b[2] = (uint8_t)(i >> 8);
		items[i].serial.b[3] = (uint8_t)i;
	}
	ck_ok(crl_layout_measure(&layout, &spec, items, NUM));
	ck_ok(crl_layout_write(&layout, &spec, items, NUM, (struct crl_sink){ count_piece, &pieces }));
	ck_assert_uint_eq(pieces.total, layout.tbs_len);
	ck_assert_uint_eq(pieces.num, layout.tbs_len / CRL_PIECE_BYTES + 1);
	ck_assert_uint_eq(pieces.small, 1);
	ck_assert_uint_eq(layout.num_entries, NUM);
	crl_ca_list(&der, &ca, &spec, items, NUM);
	assert_reads(buf_slice(&der), &spec, items, NUM);
	X509_CRL *crl = openssl_reads(buf_slice(&der));
	ck_assert_int_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), NUM);
	X509_CRL_free(crl);
	free(items);
}
END_TEST

static struct err *fail_second(void *arg, struct slice piece)
{
	(void)piece;
	ENSURE((*(int *)arg)++ == 0, RETRY, "the signer is away");
	return NULL;
}

START_TEST(an_error_of_the_sink_comes_back)
{
	enum { NUM = 40000 };
	struct crl_item *items = calloc(NUM, sizeof *items);
	OWN(crl_layout) layout = CRL_LAYOUT_INIT;
	struct crl_spec spec = crl_ca_spec(&ca, 3, T);
	int calls = 0;

	ck_assert_ptr_nonnull(items);
	for (size_t i = 0; i < NUM; i++)
		items[i] = crl_item_of("10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", CRL_REVOKE, 1, 1700000000, 1);
	ck_ok(crl_layout_measure(&layout, &spec, items, NUM));
	ck_fails(crl_layout_write(&layout, &spec, items, NUM, (struct crl_sink){ fail_second, &calls }), ERR_RETRY,
		 "the signer is away");
	ck_fails(crl_layout_write(&layout, &spec, items, NUM - 1,
				  (struct crl_sink){ count_piece, &(struct pieces){ 0 } }),
		 ERR_BUG, "was measured as");
	free(items);
}
END_TEST

/* Every octet of a list changed in turn: either the reader refuses it, or the signature does not fit. */
START_TEST(no_octet_may_change)
{
	struct crl_item items[] = { crl_item_of("01", CRL_REVOKE, 1, 1700000000, 1),
				    crl_item_of("7f", CRL_HOLD, 6, 1700000000, 2) };
	OWN(buf) der = BUF_INIT(4096);
	struct crl_spec spec = crl_ca_spec(&ca, 2, T);
	struct crl_list list;

	items[0].has_invalidity_at = true;
	items[0].invalidity_at = 1500000000;
	crl_ca_list(&der, &ca, &spec, items, COUNT_OF(items));
	for (size_t i = 0; i < der.len; i++) {
		der.p[i] ^= 0x04;
		OWN(err) e = crl_list_read(&list, buf_slice(&der));
		if (e == NULL)
			e = suite_verify_spki(ca.cert.public_key, list.algorithm, list.tbs, list.signature);
		ck_assert_msg(e != NULL, "octet %zu may be changed", i);
		der.p[i] ^= 0x04;
	}
	for (size_t i = 0; i < der.len; i++) {
		OWN(err) e = crl_list_read(&list, SLICE(der.p, i));
		ck_assert_msg(e != NULL, "may be cut at octet %zu", i);
	}
}
END_TEST

static void write_file(const char *dir, const char *name, struct slice bytes)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
	ck_assert_int_eq(fclose(f), 0);
}

static void write_pem(const char *dir, const char *name, const struct test_person *person)
{
	OWN(buf) pem = BUF_INIT(65536);

	ck_ok(cert_to_pem(&pem, buf_slice(&person->der)));
	write_file(dir, name, buf_slice(&pem));
}

/* OpenSSL, GnuTLS, NSS, Java and Python say what we say: revoked for the revoked, good for the good (row 32 of incidents:
 * serials that begin with an octet of 0x80 and above). */
START_TEST(judges_that_are_not_ours)
{
	static const struct test_cert_spec root_spec = { .cn = "Root",
							 .basic = "critical,CA:TRUE",
							 .key_usage = "critical,keyCertSign,cRLSign" };
	static const struct test_cert_spec issuing_spec = { .cn = "Issuing",
							    .serial = 2,
							    .basic = "critical,CA:TRUE,pathlen:0",
							    .key_usage = "critical,keyCertSign,cRLSign" };
	static const struct test_cert_spec revoked_spec = {
		.cn = "Revoked", .serial = 0xff01, .key_usage = "critical,digitalSignature", .eku = "clientAuth"
	};
	static const struct test_cert_spec good_spec = {
		.cn = "Good", .serial = 0x7f01, .key_usage = "critical,digitalSignature", .eku = "clientAuth"
	};
	OWN(test_person) root = { 0 };
	OWN(test_person) revoked = { 0 };
	OWN(test_person) good = { 0 };
	struct crl_ca issuing = { 0 };
	OWN(buf) der = BUF_INIT(65536);
	char dir[64] = "/tmp/nuc-judge-XXXXXX", command[1024];
	const char *source = getenv("NUC_SOURCE");
	int64_t now = clock_now_s();

	if (system("command -v openssl certtool certutil crlutil java dumpasn1 >/dev/null 2>&1") != 0)
		return; /* tests/judge says in its own name that judges are missing */
	test_person_init(&root, "rsa", &root_spec, NULL);
	test_person_init(&issuing.person, "rsa", &issuing_spec, &root);
	ck_ok(cert_parse(&issuing.cert, buf_slice(&issuing.person.der)));
	ck_ok(suite_of_spki(&issuing.suite, issuing.cert.public_key));
	test_person_init(&revoked, "rsa", &revoked_spec, &issuing.person);
	test_person_init(&good, "rsa", &good_spec, &issuing.person);
	struct crl_item items[] = {
		crl_item_of("7f", CRL_REVOKE, 0, (uint32_t)now - 100, 1),
		crl_item_of("00ff01", CRL_REVOKE, 1, (uint32_t)now - 100, 2),
		crl_item_of("10ffffffffffffffffffffffffffffffffffffff", CRL_HOLD, 6, (uint32_t)now - 100, 3),
	};
	items[1].has_invalidity_at = true;
	items[1].invalidity_at = (uint32_t)now - 100000;
	struct crl_spec asked = crl_ca_spec(&issuing, 12345, now - 10);
	crl_ca_list(&der, &issuing, &asked, items, COUNT_OF(items));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_pem(dir, "root.pem", &root);
	write_pem(dir, "issuing.pem", &issuing.person);
	write_pem(dir, "revoked.pem", &revoked);
	write_pem(dir, "good.pem", &good);
	write_file(dir, "list.crl", buf_slice(&der));
	(void)snprintf(
		command, sizeof command,
		"cd %s && %s/tests/judge/judge.sh crl root.pem issuing.pem list.crl revoked.pem good.pem >out 2>&1; "
		"code=$?; [ $code -eq 0 ] || cat out; rm -rf %s; exit $code",
		dir, source != NULL ? source : ".", dir);
	ck_assert_int_eq(system(command), 0);
	crl_ca_clear(&issuing);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/build");
	TCase *c = tcase_create("build");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, empty_list_has_no_revoked_certificates);
	tcase_add_test(c, bytes_of_the_extensions);
	tcase_add_test(c, entries_of_every_kind);
	tcase_add_test(c, expired_ones_are_left_out);
	tcase_add_test(c, delta_removes_what_was_released);
	tcase_add_test(c, large_list_in_pieces);
	tcase_add_test(c, an_error_of_the_sink_comes_back);
	tcase_add_test(c, no_octet_may_change);
	tcase_add_test(c, judges_that_are_not_ours);
	suite_add_tcase(s, c);
	return suite_main(s);
}
