/*
 * x509_fixture.c - files, profiles and keys for tests. See x509_fixture.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/x509_fixture.h"

#include <check.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "support/suite.h"
#include "x509/pem.h"

const struct name_fields fixture_testov = {
	.surname = "ТЕСТОВ", .given = "ТЕСТ", .patronymic = "ТЕСТОВИЧ", .iin = "123456789011"
};
const struct name_fields fixture_testov_head = { .surname = "ТЕСТОВ",
						 .given = "ТЕСТ",
						 .patronymic = "ТЕСТОВИЧ",
						 .iin = "123456789011",
						 .organisation = "АО \"ТЕСТ\"",
						 .bin = "123456789021" };

static void source_path(char *out, size_t size, const char *path)
{
	const char *top = getenv("NUC_SOURCE");

	(void)snprintf(out, size, "%s/%s", top == NULL ? "." : top, path);
}

static bool read_file(struct buf *out, const char *full)
{
	uint8_t block[4096];
	FILE *f = fopen(full, "rb");
	size_t n;

	if (f == NULL)
		return false;
	buf_reset(out);
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		ck_ok(buf_append(out, SLICE(block, n)));
	(void)fclose(f);
	return true;
}

void fixture_file(struct buf *out, const char *path)
{
	char full[1024];

	source_path(full, sizeof full, path);
	ck_assert_msg(read_file(out, full), "cannot read %s (NUC_SOURCE is the source tree)", full);
}

bool fixture_sample(struct buf *out_der, const char *path)
{
	const char *samples = getenv("NUC_SAMPLES");
	char full[1024];
	OWN(buf) text = BUF_INIT(1 << 20);

	if (samples == NULL)
		return false;
	(void)snprintf(full, sizeof full, "%s/%s", samples, path);
	if (!read_file(&text, full))
		return false;
	buf_reset(out_der);
	ck_ok(pem_read(out_der, buf_slice(&text), PEM_CERTIFICATE));
	return true;
}

bool fixture_has_samples(void)
{
	const char *samples = getenv("NUC_SAMPLES");
	char full[1024];

	if (samples == NULL)
		return false;
	(void)snprintf(full, sizeof full, "%s/MANIFEST.md", samples);
	FILE *f = fopen(full, "rb");
	if (f != NULL)
		(void)fclose(f);
	return f != NULL;
}

void fixture_compare(struct slice bytes, const char *path)
{
	char full[1024];
	const char *write = getenv("NUC_GOLDEN_WRITE");
	OWN(buf) wanted = BUF_INIT(1 << 20);

	source_path(full, sizeof full, path);
	if (write != NULL && strcmp(write, "1") == 0) {
		FILE *f = fopen(full, "wb");

		ck_assert_msg(f != NULL, "cannot write %s", full);
		ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
		ck_assert_int_eq(fclose(f), 0);
		return;
	}
	ck_assert_msg(read_file(&wanted, full), "cannot read %s (NUC_GOLDEN_WRITE=1 makes it anew)", full);
	size_t at = 0;
	while (at < wanted.len && at < bytes.len && wanted.p[at] == bytes.p[at])
		at++;
	ck_assert_msg(slice_equal(bytes, buf_slice(&wanted)), "%s: differs at offset %zu (%zu and %zu octets)", path,
		      at, bytes.len, wanted.len);
}

struct profiles *fixture_profiles_with(const char *const *pairs)
{
	struct profiles *all = NULL;
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES);
	OWN(buf) next = BUF_INIT(PROFILES_MAX_BYTES);

	fixture_file(&text, "config/profiles.conf");
	for (; pairs != NULL && pairs[0] != NULL; pairs += 2) {
		struct slice rest = buf_slice(&text);
		const uint8_t *at;

		buf_reset(&next);
		while ((at = memmem(rest.p, rest.len, pairs[0], strlen(pairs[0]))) != NULL) {
			ck_ok(buf_append(&next, SLICE(rest.p, (size_t)(at - rest.p))));
			ck_ok(buf_append_str(&next, pairs[1]));
			rest.len -= (size_t)(at - rest.p) + strlen(pairs[0]);
			rest.p = at + strlen(pairs[0]);
		}
		ck_ok(buf_append(&next, rest));
		ck_ok(buf_set(&text, buf_slice(&next)));
	}
	ck_ok(profiles_parse(&all, buf_slice(&text)));
	return all;
}

struct profiles *fixture_profiles(void)
{
	return fixture_profiles_with(NULL);
}

void fixture_sign(struct buf *out, EVP_PKEY *key, struct slice bytes)
{
	const struct suite *row = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[1024];
	size_t len = sizeof signature;

	ck_ok(suite_of_key(&row, key));
	ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, NULL, row->digest, NULL, NULL, key, NULL), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len, bytes.p, bytes.len), 1);
	EVP_MD_CTX_free(ctx);
	ck_ok(buf_append(out, SLICE(signature, len)));
}

void fixture_certificate(struct buf *out, EVP_PKEY *key, struct slice tbs)
{
	const struct suite *row = NULL;
	OWN(buf) signature = BUF_INIT(1024);

	ck_ok(suite_of_key(&row, key));
	fixture_sign(&signature, key, tbs);
	ck_ok(cert_assemble(out, tbs, row, buf_slice(&signature)));
}

static void make_issuing(struct fixture_ca *out, const struct profiles *all, int64_t not_before_at)
{
	const struct profile_issuer *issuer = NULL;
	const struct profile *p = NULL;
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(1024);
	OWN(buf) spki = BUF_INIT(1024);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial;

	ck_ok(profiles_find_issuer(&issuer, all, "rsa"));
	ck_ok(profiles_find_profile(&p, all, "issuing"));
	struct name_fields fields = { .common_name = issuer->common_name };
	ck_ok(name_build(&subject, p->subject, p->num_subject, &fields));
	ck_ok(suite_spki(&spki, out->key));
	ck_ok(cert_serial_of_key(&serial, buf_slice(&spki)));
	struct cert_data data = { .subject = buf_slice(&subject),
				  .public_key = buf_slice(&spki),
				  .max_validity_s = INT64_MAX };
	ck_ok(cert_template_compile_ca(&t, all, "issuing", "rsa", buf_slice(&out->root)));
	ck_ok(cert_template_render(&tbs, t, &data, &serial, not_before_at));
	fixture_certificate(&out->issuing, out->root_key, buf_slice(&tbs));
}

void fixture_ca_init(struct fixture_ca *out, const struct profiles *all, const char *suite, int64_t not_before_at)
{
	OWN(buf) spki = BUF_INIT(1024);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial;

	*out = (struct fixture_ca){ .root = BUF_INIT(8192), .issuing = BUF_INIT(8192) };
	ck_ok(suite_generate(&out->root_key, suite_by_name(suite)));
	ck_ok(suite_generate(&out->key, suite_by_name(suite)));
	ck_ok(suite_spki(&spki, out->root_key));
	ck_ok(cert_serial_of_key(&serial, buf_slice(&spki)));
	ck_ok(cert_render_root(&tbs, all, "rsa", buf_slice(&spki), &serial, not_before_at));
	fixture_certificate(&out->root, out->root_key, buf_slice(&tbs));
	make_issuing(out, all, not_before_at);
}

void fixture_ca_clear(struct fixture_ca *self)
{
	EVP_PKEY_free(self->root_key);
	EVP_PKEY_free(self->key);
	self->root_key = self->key = NULL;
	buf_clear(&self->root);
	buf_clear(&self->issuing);
}

void fixture_spki(struct buf *out, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof path, "tests/vectors/golden/keys/%s.spki", name);
	fixture_file(out, path);
}

struct serial fixture_serial(const char *hex)
{
	struct serial s;

	ck_ok(serial_from_hex(&s, hex));
	return s;
}
