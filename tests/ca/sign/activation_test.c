/*
 * activation_test.c - keys under 2 of 3 custodians: the ceremony's files, share by share, in a signer of the tier ocsp.
 * With one share nothing signs, with two it does, a wrong one changes nothing and is named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/activation.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ca/sign/ceremony.h"
#include "daemon/admin.h"
#include "support/suite.h"

static char home[64];
static char *issuer = (char *)(uintptr_t) "rsa";
static struct signd_conf conf;
static struct signd_state *state;
static char paths[4][256];

static void in_home(char out[256], const char *relative)
{
	(void)snprintf(out, 256, "%s/%s", home, relative);
}

static void write_text(const char *relative, const char *text)
{
	char path[256];

	in_home(path, relative);
	FILE *f = fopen(path, "we");
	ck_assert(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void read_text(struct buf *out, const char *relative)
{
	char path[256], text[SHARE_TEXT_MAX];

	in_home(path, relative);
	FILE *f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s", path);
	size_t n = fread(text, 1, sizeof text, f);
	ck_assert_int_eq(fclose(f), 0);
	buf_reset(out);
	ck_ok(buf_append(out, SLICE(text, n)));
}

static void write_profiles(void)
{
	static char text[256 * 1024];
	char source[512];
	const char *tree = getenv("NUC_SOURCE");

	(void)snprintf(source, sizeof source, "%s/config/profiles.conf", tree == NULL ? "." : tree);
	FILE *f = fopen(source, "re");
	ck_assert_msg(f != NULL, "%s: set NUC_SOURCE to the checkout", source);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	ck_assert_int_eq(fclose(f), 0);
	char *suite = strstr(text, "algorithm = \"rsa4096-sha256\"");
	ck_assert_ptr_nonnull(suite);
	memcpy(suite, "algorithm = \"rsa2048-sha256\"", strlen("algorithm = \"rsa2048-sha256\""));
	write_text("profiles.conf", text);
}

static void hold_ceremony(const char *passphrases)
{
	char text[4096], plan[256];
	FILE *report = fopen("/dev/null", "we");

	ck_assert_ptr_nonnull(report);
	(void)snprintf(
		text, sizeof text,
		"out = \"%s/ca\"; profiles = \"%s/profiles.conf\"; root_keys = \"%s/root\"; ca_keys = \"%s/k-ca\";"
		"ocsp_keys = \"%s/k-ocsp\"; journal = \"%s/journal\"; log_origin = \"test.local/log\";"
		"issuers = ( { name = \"rsa\"; } );\n"
		"custodians = { threshold = 2; shares = ( \"%s/s1\", \"%s/s2\", \"%s/s3\" ); %s };\n",
		home, home, home, home, home, home, home, home, home, passphrases);
	write_text("plan.conf", text);
	in_home(plan, "plan.conf");
	ck_ok(ceremony_run(plan, report));
	ck_assert_int_eq(fclose(report), 0);
}

static void open_state(void)
{
	in_home(paths[0], "ca");
	in_home(paths[1], "k-ocsp");
	in_home(paths[2], "journal.ocsp");
	in_home(paths[3], "ca/journal.pub");
	conf = (struct signd_conf){ .tier = (char *)(uintptr_t) "ocsp",
				    .issuers = { &issuer, 1 },
				    .ca_dir = paths[0],
				    .keys_dir = paths[1],
				    .journal = paths[2],
				    .journal_key = paths[3],
				    .passphrase_file = (char *)(uintptr_t) "",
				    .pkcs11_module = (char *)(uintptr_t) "",
				    .log_origin = (char *)(uintptr_t) "test.local/log" };
	ck_ok(signd_state_open(&state, &conf, NULL));
}

static void set_up(void)
{
	log_setup("test", LOG_ERROR);
	(void)snprintf(home, sizeof home, "/tmp/nuc-activation.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	write_profiles();
	hold_ceremony("");
	open_state();
}

static void tear_down(void)
{
	char command[128];

	signd_state_close(&state);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", home);
	ck_assert_int_eq(system(command), 0);
}

static struct err *give(const char *relative)
{
	OWN(buf) text = BUF_INIT(SHARE_TEXT_MAX);

	read_text(&text, relative);
	return activation_give(state, buf_slice(&text));
}

static struct err *sign(struct signer *signer)
{
	OWN(buf) signature = BUF_INIT(1024);

	return signer_sign(signer, &signature, SLICE_STR("bytes"));
}

static void nothing_signs(const char *sentence)
{
	char text[200];

	ck_fails(sign(state->issuers[0].signer), ERR_RETRY, "not active");
	ck_fails(sign(state->log_signer), ERR_RETRY, "not active");
	activation_text(state, text, sizeof text);
	ck_assert_str_eq(text, sentence);
	ck_assert(!activation_is_complete(state));
}

static void everything_signs(void)
{
	char text[200];

	ck_ok(sign(state->issuers[0].signer));
	ck_ok(sign(state->log_signer));
	activation_text(state, text, sizeof text);
	ck_assert_str_eq(text, "");
}

START_TEST(two_of_three_open_the_keys)
{
	static const char *const pairs[][2] = { { "s1", "s2" }, { "s1", "s3" }, { "s3", "s2" } };

	for (int i = 0; i < COUNT_OF(pairs); i++) {
		nothing_signs("key activation: 0 of 2 shares given");
		ck_ok(give(pairs[i][0]));
		nothing_signs("key activation: 1 of 2 shares given");
		ck_ok(give(pairs[i][1]));
		everything_signs();
		ck_fails(give("s1"), ERR_CONFLICT, "active already");
		ck_ok(activation_end(state));
	}
	nothing_signs("key activation: 0 of 2 shares given");
}
END_TEST

START_TEST(a_share_counts_once)
{
	ck_ok(give("s1"));
	ck_fails(give("s1"), ERR_CONFLICT, "share 1 was given already");
	nothing_signs("key activation: 1 of 2 shares given");
}
END_TEST

/* A share that is whole in itself, but of another set, or with another value. */
START_TEST(wrong_shares_are_named)
{
	OWN(buf) text = BUF_INIT(SHARE_TEXT_MAX);
	struct share share, other;

	ck_ok(give("s1"));
	read_text(&text, "s2");
	ck_ok(share_read(&share, buf_slice(&text), SLICE_NONE));
	other = share;
	other.set[3] ^= 1;
	buf_reset(&text);
	ck_ok(share_write(&text, &other, SLICE_NONE));
	ck_fails(activation_give(state, buf_slice(&text)), ERR_DENIED, "another set");
	other = share;
	other.value[7] ^= 1;
	buf_reset(&text);
	ck_ok(share_write(&text, &other, SLICE_NONE));
	ck_fails(activation_give(state, buf_slice(&text)), ERR_DENIED, "share 2 is not the one");
	read_text(&text, "s2");
	text.p[60] = text.p[60] == 'A' ? 'B' : 'A';
	ck_fails(activation_give(state, buf_slice(&text)), ERR_BAD_INPUT, "no whole share");
	ck_fails(activation_give(state, SLICE_STR("x")), ERR_BAD_INPUT, "no whole share");
	nothing_signs("key activation: 1 of 2 shares given");
	ck_ok(give("s2"));
	everything_signs();
}
END_TEST

/* Right shares over key files of another ceremony: closed, and the shares are forgotten. */
START_TEST(keys_of_another_ceremony_stay_closed)
{
	struct custody *made = NULL;
	struct share shares[SHARES_MAX];
	OWN(buf) text = BUF_INIT(SHARE_TEXT_MAX);

	ck_ok(custody_split(&made, shares, 2, 2));
	custody_destroy(&state->custody);
	state->custody = made;
	custody_forget(made);
	for (int i = 0; i < 2; i++) {
		buf_reset(&text);
		ck_ok(share_write(&text, &shares[i], SLICE_NONE));
		struct err *e = activation_give(state, buf_slice(&text));
		if (i == 0)
			ck_ok(e);
		else
			ck_fails(e, ERR_DENIED, "passphrase is wrong");
	}
	nothing_signs("key activation: 0 of 2 shares given");
}
END_TEST

START_TEST(over_the_admin_socket)
{
	OWN(buf) out = BUF_INIT(4096);
	OWN(buf) text = BUF_INIT(SHARE_TEXT_MAX);
	struct admin_request request = { .method = "POST" };
	const char *answer;
	int status = 200;

	for (int i = 1; i <= 2; i++) {
		char name[4];

		(void)snprintf(name, sizeof name, "s%d", i);
		read_text(&text, name);
		request.body = buf_slice(&text);
		buf_reset(&out);
		ck_ok(on_key_activate(state, &request, &out, &status));
	}
	ck_ok(buf_str(&out, &answer));
	ck_assert_str_eq(answer, "{\"active\":true,\"given\":0,\"threshold\":2}\n");
	everything_signs();
	buf_reset(&out);
	ck_ok(on_key_deactivate(state, &request, &out, &status));
	ck_ok(buf_str(&out, &answer));
	ck_assert_str_eq(answer, "{\"active\":false,\"given\":0,\"threshold\":2}\n");
	nothing_signs("key activation: 0 of 2 shares given");
}
END_TEST

START_TEST(files_are_encrypted_and_tiers_differ)
{
	static const char *const files[] = { "root/rsa.root.key", "k-ca/rsa.ca.key", "k-ca/journal.key",
					     "k-ocsp/rsa.ocsp.key", "k-ocsp/log.key" };
	OWN(buf) text = BUF_INIT(SHARE_TEXT_MAX);
	OWN(buf) pass = BUF_INIT(256);
	OWN(keys) keys = NULL;
	char folder[256];
	struct share share;

	for (int i = 0; i < COUNT_OF(files); i++) {
		read_text(&text, files[i]);
		ck_assert(memmem(text.p, text.len, "BEGIN ENCRYPTED PRIVATE KEY", 27) != NULL);
		ck_assert(memmem(text.p, text.len, "BEGIN PRIVATE KEY", 17) == NULL);
	}
	for (int i = 1; i <= 2; i++) {
		read_text(&text, i == 1 ? "s1" : "s2");
		ck_ok(share_read(&share, buf_slice(&text), SLICE_NONE));
		ck_ok(custody_give(state->custody, &share));
	}
	ck_ok(custody_passphrase(&pass, state->custody, "ocsp"));
	in_home(folder, "k-ca");
	ck_fails(keys_open(&keys, folder, buf_slice(&pass)), ERR_DENIED, "passphrase is wrong");
	buf_reset(&pass);
	ck_ok(custody_passphrase(&pass, state->custody, "ca"));
	ck_ok(keys_open(&keys, folder, buf_slice(&pass)));
	ck_assert_uint_eq(keys_num_locked(keys), 0);
}
END_TEST

START_TEST(shares_under_passphrases)
{
	OWN(buf) text = BUF_INIT(SHARE_TEXT_MAX);
	struct share share = { .number = 2, .threshold = 2, .shares = 3, .value = { 1, 2, 3 } }, back;
	bool is_encrypted = false;

	ck_ok(share_write(&text, &share, SLICE_STR("correct horse")));
	ck_ok(share_is_encrypted(&is_encrypted, buf_slice(&text)));
	ck_assert(is_encrypted);
	ck_ok(share_read(&back, buf_slice(&text), SLICE_STR("correct horse")));
	ck_assert_int_eq(memcmp(&back, &share, sizeof share), 0);
	ck_fails(share_read(&back, buf_slice(&text), SLICE_STR("wrong")), ERR_DENIED,
		 "passphrase of the share is wrong");
	ck_fails(share_read(&back, buf_slice(&text), SLICE_NONE), ERR_DENIED, "passphrase is missing");
	ck_fails(activation_give(state, buf_slice(&text)), ERR_DENIED, "passphrase is missing");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/activation");
	TCase *t = tcase_create("activation");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, two_of_three_open_the_keys);
	tcase_add_test(t, a_share_counts_once);
	tcase_add_test(t, wrong_shares_are_named);
	tcase_add_test(t, keys_of_another_ceremony_stay_closed);
	tcase_add_test(t, over_the_admin_socket);
	tcase_add_test(t, files_are_encrypted_and_tiers_differ);
	tcase_add_test(t, shares_under_passphrases);
	suite_add_tcase(s, t);
	return suite_main(s);
}
