/*
 * pkcs11_test.c - keys in a token of SoftHSM2: made there and not extractable, signatures that libcrypto verifies,
 * lost sessions come back by themselves, a lost token is RETRY, a key that is not there is named.
 *
 * Skipped (exit 77) where SoftHSM2 (package softhsm2) is not installed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/pkcs11.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/sign/keys.h"
#include "ca/sign/sign.h"
#include "support/softhsm.h"
#include "support/suite.h"

enum { THREADS = 4, ROUNDS = 25 };

static struct softhsm hsm;
static struct pkcs11 *token;
static struct keys *keys;

static void set_up(void)
{
	softhsm_create(&hsm, "test");
	ck_ok(pkcs11_open(&token, SOFTHSM_MODULE, "test", hsm.pin_file));
	ck_ok(keys_create(&keys));
}

static void tear_down(void)
{
	keys_destroy(&keys);
	pkcs11_close(&token);
	softhsm_destroy(&hsm);
}

/* The module's own functions, to take sessions and the token away behind our back. */
static CK_FUNCTION_LIST *module_functions(void)
{
	CK_FUNCTION_LIST *f = NULL;
	CK_C_GetFunctionList get = NULL;
	void *module = dlopen(SOFTHSM_MODULE, RTLD_NOW | RTLD_NOLOAD);

	ck_assert_ptr_nonnull(module);
	void *symbol = dlsym(module, "C_GetFunctionList");
	memcpy(&get, &symbol, sizeof get);
	ck_assert_uint_eq(get(&f), CKR_OK);
	return f;
}

static void close_all_sessions(void)
{
	CK_FUNCTION_LIST *f = module_functions();
	CK_SLOT_ID slots[8];
	CK_ULONG num = 8;

	ck_assert_uint_eq(f->C_GetSlotList(CK_TRUE, slots, &num), CKR_OK);
	for (CK_ULONG i = 0; i < num; i++)
		ck_assert_uint_eq(f->C_CloseAllSessions(slots[i]), CKR_OK);
}

static const struct sign_key *make(enum sign_use use, const char *suite)
{
	const struct sign_key *key = NULL;

	ck_ok(keys_generate_token(&key, keys, token, use, "rsa", suite_by_name(suite)));
	return key;
}

static void signs(struct signer *signer, const char *text)
{
	OWN(buf) signature = BUF_INIT(4096);
	const struct sign_key *key = signer_key(signer);

	ck_ok(signer_sign(signer, &signature, SLICE_STR(text)));
	ck_ok(suite_verify_spki(sign_key_spki(key), sign_key_suite(key)->signature_algorithm, SLICE_STR(text),
				buf_slice(&signature)));
}

static const char *const suites[] = { "rsa2048-sha256", "rsa3072-sha256", "ecdsa-p256-sha256" };

START_TEST(makes_finds_and_signs)
{
	const struct sign_key *key = make(SIGN_USE_CA, suites[_i]), *found = NULL;
	OWN(signer) signer = NULL;
	OWN(keys) other = NULL;

	ck_assert_str_eq(sign_key_suite(key)->name, suites[_i]);
	ck_assert_str_eq(sign_key_backend(key)->name, "pkcs11");
	ck_assert_ptr_null(sign_key_private(key));
	ck_ok(signer_create(&signer, key));
	for (int i = 0; i < 20; i++) { /* r and s of an ECDSA signature are now and then shorter */
		char text[16];

		(void)snprintf(text, sizeof text, "message %d", i);
		signs(signer, text);
	}
	ck_ok(keys_create(&other));
	ck_ok(keys_add_token(&found, other, token, SIGN_USE_CA, "rsa"));
	ck_assert(slice_equal(sign_key_spki(found), sign_key_spki(key)));
	ck_assert_ptr_eq(keys_find(other, SIGN_USE_CA, "rsa"), found);
}
END_TEST

START_TEST(streams)
{
	OWN(signer) signer = NULL;
	OWN(buf) signature = BUF_INIT(4096);
	const struct sign_key *key = make(SIGN_USE_CA, "rsa2048-sha256");

	ck_ok(signer_create(&signer, key));
	ck_ok(signer_stream_begin(signer));
	ck_ok(signer_stream_update(signer, SLICE_STR("a list in ")));
	ck_ok(signer_stream_update(signer, SLICE_STR("two pieces")));
	ck_ok(signer_stream_end(signer, &signature));
	ck_ok(suite_verify_spki(sign_key_spki(key), sign_key_suite(key)->signature_algorithm,
				SLICE_STR("a list in two pieces"), buf_slice(&signature)));
}
END_TEST

START_TEST(keys_cannot_leave)
{
	CK_FUNCTION_LIST *f = module_functions();
	const struct sign_key *key = make(SIGN_USE_CA, "rsa2048-sha256");
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted = { CKA_CLASS, &class, sizeof class };
	CK_SLOT_ID slots[8];
	CK_ULONG num = 8, num_found = 0;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE object = 0;
	uint8_t secret[1024];
	bool is_locked_in = false;

	ck_ok(pkcs11_is_locked_in(token, &is_locked_in, sign_key_label(key)));
	ck_assert(is_locked_in);
	/* Whoever has the PIN and the module still does not get the number. */
	ck_assert_uint_eq(f->C_GetSlotList(CK_TRUE, slots, &num), CKR_OK);
	ck_assert_uint_eq(f->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
	ck_assert_uint_eq(f->C_FindObjectsInit(session, &wanted, 1), CKR_OK);
	ck_assert_uint_eq(f->C_FindObjects(session, &object, 1, &num_found), CKR_OK);
	ck_assert_uint_eq(num_found, 1);
	CK_ATTRIBUTE exponent = { CKA_PRIVATE_EXPONENT, secret, sizeof secret };
	ck_assert_uint_eq(f->C_GetAttributeValue(session, object, &exponent, 1), CKR_ATTRIBUTE_SENSITIVE);
}
END_TEST

START_TEST(lost_sessions_come_back)
{
	OWN(signer) first = NULL;
	OWN(signer) second = NULL;
	const struct sign_key *key = make(SIGN_USE_OCSP, "ecdsa-p256-sha256");

	ck_ok(signer_create(&first, key));
	ck_ok(signer_create(&second, key));
	signs(first, "before");
	close_all_sessions();
	signs(first, "after");
	signs(second, "after, by a session of the old connection");
	close_all_sessions();
	signs(second, "again");
	ck_assert_uint_eq(module_functions()->C_Finalize(NULL), CKR_OK);
	signs(first, "after the module ended");
}
END_TEST

START_TEST(lost_token_is_retry)
{
	OWN(signer) signer = NULL;
	OWN(buf) signature = BUF_INIT(4096);
	char aside[512];

	ck_ok(signer_create(&signer, make(SIGN_USE_CA, "rsa2048-sha256")));
	signs(signer, "before");
	(void)snprintf(aside, sizeof aside, "%s.aside", hsm.tokens);
	ck_assert_int_eq(rename(hsm.tokens, aside), 0);
	ck_assert_int_eq(mkdir(hsm.tokens, 0700), 0);
	ck_assert_uint_eq(module_functions()->C_Finalize(NULL), CKR_OK);
	ck_fails(signer_sign(signer, &signature, SLICE_STR("x")), ERR_RETRY, "nothing was signed");
	ck_assert_uint_eq(signature.len, 0);
	ck_assert_int_eq(rmdir(hsm.tokens), 0);
	ck_assert_int_eq(rename(aside, hsm.tokens), 0);
	ck_assert_uint_eq(module_functions()->C_Finalize(NULL), CKR_OK);
	signs(signer, "it is there again");
}
END_TEST

static void *sign_many(void *arg)
{
	const struct sign_key *key = arg;
	OWN(signer) signer = NULL;

	ck_ok(signer_create(&signer, key));
	for (int i = 0; i < ROUNDS; i++)
		signs(signer, "in a thread");
	return NULL;
}

START_TEST(a_session_a_thread)
{
	const struct sign_key *key = make(SIGN_USE_OCSP, "ecdsa-p256-sha256");
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, sign_many, (void *)(uintptr_t)key), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

START_TEST(names_what_is_wrong)
{
	const struct sign_key *key = NULL;
	struct pkcs11 *other = NULL;
	char wrong[512];

	ck_fails(keys_add_token(&key, keys, token, SIGN_USE_CA, "gost"), ERR_NOT_FOUND, "no key gost.ca in the token");
	(void)make(SIGN_USE_CA, "rsa2048-sha256");
	ck_fails(keys_generate_token(&key, keys, token, SIGN_USE_CA, "rsa", suite_by_name("rsa2048-sha256")),
		 ERR_CONFLICT, "holds a key rsa.ca already");
	ck_fails(keys_generate_token(&key, keys, token, SIGN_USE_OCSP, "rsa", suite_by_name("ed25519")), ERR_CONFIG,
		 "ed25519");
	ck_fails(keys_generate_token(&key, keys, token, SIGN_USE_LOG, "", suite_by_name("ed25519")), ERR_BUG, "file");
	ck_fails(pkcs11_open(&other, "/nonexistent.so", "test", hsm.pin_file), ERR_CONFIG, "/nonexistent.so");
	ck_fails(pkcs11_open(&other, "libcrypto.so.3", "test", hsm.pin_file), ERR_CONFIG, "no PKCS#11 module");
	ck_fails(pkcs11_open(&other, SOFTHSM_MODULE, "other", hsm.pin_file), ERR_NOT_FOUND, "there is no token other");
	ck_fails(pkcs11_open(&other, SOFTHSM_MODULE, "test", "/nonexistent"), ERR_CONFIG, "PIN");
	softhsm_write_pin(&hsm, wrong, "9999", 0600);
	close_all_sessions(); /* or we are logged in already */
	ck_fails(pkcs11_open(&other, SOFTHSM_MODULE, "test", wrong), ERR_DENIED, "PIN was refused");
	softhsm_write_pin(&hsm, wrong, SOFTHSM_PIN, 0644);
	ck_fails(pkcs11_open(&other, SOFTHSM_MODULE, "test", wrong), ERR_CONFIG, "chmod 600");
}
END_TEST

int main(void)
{
	if (!softhsm_is_installed())
		return 77;
	Suite *s = suite_create("ca/sign/pkcs11");
	TCase *t = tcase_create("pkcs11");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, makes_finds_and_signs, 0, COUNT_OF(suites));
	tcase_add_test(t, streams);
	tcase_add_test(t, keys_cannot_leave);
	tcase_add_test(t, lost_sessions_come_back);
	tcase_add_test(t, lost_token_is_retry);
	tcase_add_test(t, a_session_a_thread);
	tcase_add_test(t, names_what_is_wrong);
	suite_add_tcase(s, t);
	return suite_main(s);
}
