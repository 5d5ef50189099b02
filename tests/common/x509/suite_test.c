/*
 * suite_test.c - the table of algorithms: keys found, decoded, refused by name; weak keys; signatures.
 */
#include <check.h>
#include <openssl/bn.h>
#include <openssl/x509.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/suite.h"

static void rsa_spki(struct buf *out, const BIGNUM *n, const BIGNUM *e)
{
	OWN(buf) key = BUF_INIT(4096);
	uint8_t bytes[2048];
	size_t sequence, mark;

	ck_ok(der_open(&key, &mark, DER_SEQUENCE));
	ck_ok(der_unsigned(&key, SLICE(bytes, (size_t)BN_bn2bin(n, bytes))));
	ck_ok(der_unsigned(&key, SLICE(bytes, (size_t)BN_bn2bin(e, bytes))));
	ck_ok(der_close(&key, mark));
	buf_reset(out);
	ck_ok(der_open(out, &sequence, DER_SEQUENCE));
	ck_ok(buf_append(out, suite_by_name("rsa2048-sha256")->key_algorithm));
	ck_ok(der_bits(out, buf_slice(&key)));
	ck_ok(der_close(out, sequence));
}

START_TEST(rows_are_whole)
{
	for (size_t i = 0; suite_at(i) != NULL; i++) {
		const struct suite *row = suite_at(i), *found = NULL;
		EVP_PKEY *key = NULL, *again = NULL;
		OWN(buf) spki = BUF_INIT(2048);
		OWN(buf) other = BUF_INIT(2048);
		OWN(buf) signature = BUF_INIT(1024);

		ck_assert_ptr_eq(suite_by_name(row->name), row);
		ck_ok(der_strict(row->key_algorithm, 64));
		ck_ok(der_strict(row->signature_algorithm, 64));
		if (row->bits > 3072)
			continue; /* making the key takes too long; its size is tested below */
		ck_ok(suite_generate(&key, row));
		ck_ok(suite_spki(&spki, key));
		ck_ok(suite_of_spki(&found, buf_slice(&spki)));
		ck_assert_ptr_eq(found, row);
		ck_ok(suite_of_key(&found, key));
		ck_assert_ptr_eq(found, row);
		ck_ok(suite_public_key(&again, buf_slice(&spki)));
		ck_assert_int_eq(EVP_PKEY_eq(key, again), 1);
		ck_ok(suite_spki(&other, again));
		ck_assert(slice_equal(buf_slice(&spki), buf_slice(&other)));
		fixture_sign(&signature, key, SLICE("words", 5));
		ck_assert_uint_le(signature.len, row->max_signature_len);
		ck_ok(suite_verify(again, row->signature_algorithm, SLICE("words", 5), buf_slice(&signature)));
		ck_ok(suite_verify_spki(buf_slice(&spki), row->signature_algorithm, SLICE("words", 5),
					buf_slice(&signature)));
		ck_fails(suite_verify(again, row->signature_algorithm, SLICE("wards", 5), buf_slice(&signature)),
			 ERR_BAD_INPUT, "does not fit");
		signature.p[signature.len / 2] ^= 1;
		ck_fails(suite_verify(again, row->signature_algorithm, SLICE("words", 5), buf_slice(&signature)),
			 ERR_BAD_INPUT, "does not fit");
		ck_fails(suite_verify(again, SLICE("\x30\x00", 2), SLICE("words", 5), buf_slice(&signature)),
			 ERR_BAD_INPUT, "algorithm is not that of the key");
		ck_fails(suite_verify(again, row->signature_algorithm, SLICE("words", 5), SLICE_NONE), ERR_BAD_INPUT,
			 "0 octets");
		if (row->for_certificates)
			ck_ok(suite_check_strength(buf_slice(&spki)));
		else
			ck_fails(suite_check_strength(buf_slice(&spki)), ERR_BAD_INPUT, "not accepted");
		EVP_PKEY_free(key);
		EVP_PKEY_free(again);
	}
	ck_assert_ptr_null(suite_by_name("md5"));
}
END_TEST

/* An odd number of exactly so many bits without factors below 752. */
static void number_of_bits(BIGNUM *out, int bits)
{
	bool clean = false;

	while (!clean) {
		ck_assert_int_eq(BN_rand(out, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
		clean = true;
		for (BN_ULONG p = 3; clean && p < 752; p += 2)
			clean = BN_mod_word(out, p) != 0;
	}
}

START_TEST(sizes_of_rsa)
{
	static const struct {
		int bits;
		const char *row; /* NULL: refused */
		const char *says;
		bool strong;
	} cases[] = { { 512, NULL, "512 bits is too short", false },
		      { 1024, NULL, "1024 bits is too short", false },
		      { 2047, NULL, "2047 bits is too short", false },
		      { 2048, "rsa2048-sha256", "", true },
		      { 2049, "rsa2048-sha256", "no multiple of 8", false },
		      { 2056, "rsa2048-sha256", "", true },
		      { 3072, "rsa3072-sha256", "", true },
		      { 4096, "rsa4096-sha256", "", true },
		      { 4104, NULL, "4104 bits is too long", false },
		      { 8192, NULL, "8192 bits is too long", false } };
	BIGNUM *n = BN_new(), *e = BN_new();
	OWN(buf) spki = BUF_INIT(4096);

	ck_assert_int_eq(BN_set_word(e, 65537), 1);
	for (int i = 0; i < COUNT_OF(cases); i++) {
		const struct suite *row = NULL;

		number_of_bits(n, cases[i].bits);
		rsa_spki(&spki, n, e);
		if (cases[i].row == NULL) {
			ck_fails(suite_of_spki(&row, buf_slice(&spki)), ERR_BAD_INPUT, cases[i].says);
		} else {
			ck_ok(suite_of_spki(&row, buf_slice(&spki)));
			ck_assert_str_eq(row->name, cases[i].row);
		}
		if (cases[i].strong)
			ck_ok(suite_check_strength(buf_slice(&spki)));
		else
			ck_fails(suite_check_strength(buf_slice(&spki)), ERR_BAD_INPUT, cases[i].says);
	}
	BN_free(n);
	BN_free(e);
}
END_TEST

START_TEST(exponents)
{
	static const struct {
		const char *hex;
		bool good;
	} cases[] = { { "1", false },	  { "3", false },     { "11", false },
		      { "FFFF", false },  { "10000", false }, { "10001", true },
		      { "10002", false }, { "10003", true },  { "100000001", true } };
	BIGNUM *n = BN_new(), *e = NULL;
	OWN(buf) spki = BUF_INIT(4096);

	number_of_bits(n, 2048);
	for (int i = 0; i < COUNT_OF(cases); i++) {
		ck_assert_int_gt(BN_hex2bn(&e, cases[i].hex), 0);
		rsa_spki(&spki, n, e);
		if (cases[i].good)
			ck_ok(suite_check_strength(buf_slice(&spki)));
		else
			ck_fails(suite_check_strength(buf_slice(&spki)), ERR_BAD_INPUT, "exponent");
	}
	ck_assert_int_eq(BN_rand(e, 257, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	rsa_spki(&spki, n, e);
	ck_fails(suite_check_strength(buf_slice(&spki)), ERR_BAD_INPUT, "exponent");
	BN_free(n);
	BN_free(e);
}
END_TEST

START_TEST(small_factors)
{
	static const BN_ULONG factors[] = { 3, 5, 7, 251, 739, 743, 751 };
	BIGNUM *n = BN_new(), *e = BN_new();
	OWN(buf) spki = BUF_INIT(4096);

	ck_assert_int_eq(BN_set_word(e, 65537), 1);
	for (int i = 0; i < COUNT_OF(factors); i++) {
		ck_assert_int_eq(BN_rand(n, 2048, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD), 1);
		while (BN_mod_word(n, factors[i]) != 0)
			ck_assert_int_eq(BN_add_word(n, 2), 1);
		rsa_spki(&spki, n, e);
		ck_fails(suite_check_strength(buf_slice(&spki)), ERR_BAD_INPUT, "small factor");
	}
	BN_free(n);
	BN_free(e);
}
END_TEST

/* Moduli of the broken library are powers of 65537 modulo the product of the small primes. */
START_TEST(roca)
{
	BIGNUM *n = BN_new(), *e = BN_new(), *m = BN_new(), *r = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	OWN(buf) spki = BUF_INIT(4096);

	ck_assert_int_eq(BN_set_word(e, 65537) & BN_one(m), 1);
	for (BN_ULONG p = 2; p <= 167; p++) {
		bool prime = true;

		for (BN_ULONG d = 2; d * d <= p; d++)
			prime = prime && p % d != 0;
		if (prime)
			ck_assert_int_eq(BN_mul_word(m, p), 1);
	}
	bool clean = false;
	while (!clean) {
		ck_assert_int_eq(BN_rand(r, 64, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
		ck_assert_int_eq(BN_mod_exp(r, e, r, m, ctx), 1);
		ck_assert_int_eq(BN_rand(n, 2048, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
		BIGNUM *rest = BN_new();
		ck_assert_int_eq(BN_mod(rest, n, m, ctx) & BN_sub(n, n, rest) & BN_add(n, n, r), 1);
		BN_free(rest);
		clean = BN_num_bits(n) == 2048 && BN_is_odd(n);
		for (BN_ULONG p = 3; clean && p < 752; p += 2)
			clean = BN_mod_word(n, p) != 0;
	}
	rsa_spki(&spki, n, e);
	ck_fails(suite_check_strength(buf_slice(&spki)), ERR_BAD_INPUT, "CVE-2017-15361");
	BN_free(n);
	BN_free(e);
	BN_free(m);
	BN_free(r);
	BN_CTX_free(ctx);
}
END_TEST

/* n = p * q with q the next odd numbers after p: Fermat's method needs few steps however large they are. */
START_TEST(fermat)
{
	BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new(), *e = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	OWN(buf) spki = BUF_INIT(4096);
	static const int distance_bits[] = { 2, 20, 100, 500, 514 };

	ck_assert_int_eq(BN_set_word(e, 65537), 1);
	for (int i = 0; i < COUNT_OF(distance_bits); i++) {
		bool clean = false;

		while (!clean) {
			number_of_bits(p, 1024);
			ck_assert_int_eq(BN_set_bit(p, 1022), 1);
			ck_assert_int_eq(BN_rand(q, distance_bits[i], BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), 1);
			(void)BN_clear_bit(q, 0);
			ck_assert_int_eq(BN_add(q, q, p) & BN_mul(n, p, q, ctx), 1);
			clean = BN_num_bits(n) == 2048;
			for (BN_ULONG d = 2; clean && d < 752; d++)
				clean = BN_mod_word(n, d) != 0;
		}
		rsa_spki(&spki, n, e);
		ck_fails(suite_check_strength(buf_slice(&spki)), ERR_BAD_INPUT, "Fermat");
	}
	BN_free(p);
	BN_free(q);
	BN_free(n);
	BN_free(e);
	BN_CTX_free(ctx);
}
END_TEST

START_TEST(points_of_p256)
{
	OWN(buf) spki = BUF_INIT(2048);
	const struct suite *row = NULL;
	EVP_PKEY *key = NULL;

	fixture_spki(&spki, "p256");
	ck_ok(suite_check_strength(buf_slice(&spki)));
	spki.p[spki.len - 1] ^= 1; /* off the curve */
	ck_ok(suite_of_spki(&row, buf_slice(&spki)));
	ck_fails(suite_public_key(&key, buf_slice(&spki)), ERR_BAD_INPUT, "not on the curve");
	ck_fails(suite_check_strength(buf_slice(&spki)), ERR_BAD_INPUT, "not on the curve");
	spki.p[spki.len - 65] = 0x02; /* compressed form has 33 octets */
	ck_fails(suite_of_spki(&row, buf_slice(&spki)), ERR_BAD_INPUT, "uncompressed");
}
END_TEST

START_TEST(others_are_refused_by_name)
{
	static const char *const kinds[][3] = { { "EC", "P-384", "secp384r1" },
						{ "EC", "secp256k1", "secp256k1" },
						{ "X25519", NULL, "X25519" },
						{ "ED448", NULL, "ED448" },
						{ "RSA-PSS", "2048", "rsassaPss" } };

	for (int i = 0; i < COUNT_OF(kinds); i++) {
		OWN(buf) spki = BUF_INIT(2048);
		const struct suite *row = NULL;
		EVP_PKEY *key = strcmp(kinds[i][0], "RSA-PSS") == 0 ? NULL
				: kinds[i][1] != NULL		    ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", kinds[i][1])
								    : EVP_PKEY_Q_keygen(NULL, NULL, kinds[i][0]);

		if (key == NULL) {
			EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
			ck_assert_int_eq(EVP_PKEY_keygen_init(ctx), 1);
			ck_assert_int_eq(EVP_PKEY_generate(ctx, &key), 1);
			EVP_PKEY_CTX_free(ctx);
		}
		ck_ok(suite_spki(&spki, key));
		EVP_PKEY_free(key);
		ck_fails(suite_of_spki(&row, buf_slice(&spki)), ERR_BAD_INPUT, kinds[i][2]);
		OWN(err) e = suite_check_strength(buf_slice(&spki));
		ck_assert_str_eq(err_field(e), "csr");
	}
}
END_TEST

START_TEST(gost_samples_are_refused_by_name)
{
	OWN(buf) der = BUF_INIT(1 << 16);
	const struct suite *row = NULL;

	if (!fixture_sample(&der, "mitwork-kalkan-testkeys/individual_valid.pem"))
		return;
	const uint8_t *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	unsigned char *spki = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	ck_fails(suite_of_spki(&row, SLICE(spki, (size_t)len)), ERR_BAD_INPUT, "1.2.398.3.10.1.1.2.2");
	OPENSSL_free(spki);
	X509_free(x);
}
END_TEST

START_TEST(broken_keys)
{
	OWN(buf) good = BUF_INIT(2048);
	const struct suite *row = NULL;

	fixture_spki(&good, "rsa2048");
	for (size_t n = 0; n < good.len; n++) {
		OWN(err) e = suite_of_spki(&row, SLICE(good.p, n));

		ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	}
	good.p[32] |= 0x80; /* sign octet of the modulus: 00 becomes 80, one octet too many and negative */
	OWN(err) e = suite_of_spki(&row, buf_slice(&good));
	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
}
END_TEST

START_TEST(key_ids)
{
	uint8_t bits[20], spki_id[20], hash[32];
	OWN(buf) spki = BUF_INIT(2048);
	unsigned len = 0;
	uint8_t wanted[20];

	fixture_spki(&spki, "rsa2048");
	ck_ok(suite_key_id_bits(bits, buf_slice(&spki)));
	ck_ok(suite_key_id_spki(spki_id, buf_slice(&spki)));
	ck_ok(suite_key_hash(hash, buf_slice(&spki)));
	ck_assert_int_eq(EVP_Digest(spki.p, spki.len, wanted, &len, EVP_sha1(), NULL), 1);
	ck_assert_mem_eq(spki_id, wanted, 20);
	const uint8_t *p = spki.p;
	X509_PUBKEY *key = d2i_X509_PUBKEY(NULL, &p, (long)spki.len);
	X509 *x = X509_new();
	ck_assert_int_eq(X509_set_pubkey(x, X509_PUBKEY_get0(key)), 1);
	ck_assert_int_eq(X509_pubkey_digest(x, EVP_sha1(), wanted, &len), 1);
	ck_assert_mem_eq(bits, wanted, 20);
	X509_free(x);
	X509_PUBKEY_free(key);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("x509/suite");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, rows_are_whole);
	tcase_add_test(t, sizes_of_rsa);
	tcase_add_test(t, exponents);
	tcase_add_test(t, small_factors);
	tcase_add_test(t, roca);
	tcase_add_test(t, fermat);
	tcase_add_test(t, points_of_p256);
	tcase_add_test(t, others_are_refused_by_name);
	tcase_add_test(t, gost_samples_are_refused_by_name);
	tcase_add_test(t, broken_keys);
	tcase_add_test(t, key_ids);
	suite_add_tcase(s, t);
	return suite_main(s);
}
