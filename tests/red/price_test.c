/*
 * price_test.c - what the signer's checks cost beside the signature: CPU of the signer's process per certificate, by case.
 *
 * Printed, not judged: only that everything was done is asserted. "checks" is the CPU of batches in which every rule was
 * gone through and the last one (the TBS) refused; "whole" that of the same batches untouched: checks, signature, its
 * verification, journal. The batches are those of cad: 250 certificates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "bus/msg_sign.h"
#include "support/red.h"
#include "support/suite.h"
#include "support/x509_fixture.h"

enum { BATCH = 250, BATCHES_MAX = 4, ROOM = 16 << 20, SIGNATURES = 200 };

static struct signer_home home;
static struct test_person holder;

static void begin(void)
{
	OWN(signer_peer) cad = { 0 };

	signer_home_begin(&home, 1u << SIGNER_CA);
	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	red_issue(&holder, &home, &cad, "individual-sign", fixture_testov.iin, test_key("rsa"));
}

static void end(void)
{
	test_person_clear(&holder);
	signer_home_end(&home);
}

static double cpu_of(pid_t pid)
{
	clockid_t clock;
	struct timespec ts;

	ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
	ck_assert_int_eq(clock_gettime(clock, &ts), 0);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* ---- the cases ---- */

static void bulk(struct red_ask *asks, size_t num)
{
	static uint8_t digests[BATCH * BATCHES_MAX][SHA256_LEN];
	const struct decision members = red_approval();

	for (size_t i = 0; i < num; i++)
		memcpy(digests[i], asks[i].digest, SHA256_LEN);
	for (size_t i = 0; i < num; i += BATCH) { /* each batch carries the one decision again */
		if (i == 0)
			test_decide_as(&asks[0].evidence[0], &home.who[WHO_OPERATOR2], &members,
				       (const uint8_t(*)[SHA256_LEN])digests, num);
		else {
			asks[i].evidence[0] = (struct test_decision){ .decision = BUF_INIT(DECISION_MAX_BYTES),
								      .signature = BUF_INIT(65536) };
			ck_ok(buf_set(&asks[i].evidence[0].decision, buf_slice(&asks[0].evidence[0].decision)));
			ck_ok(buf_set(&asks[i].evidence[0].signature, buf_slice(&asks[0].evidence[0].signature)));
		}
		asks[i].num_evidence = 1;
	}
	for (size_t i = 0; i < num; i++) {
		memcpy(asks[i].named[0], asks[0].evidence[0].digest, SHA256_LEN);
		asks[i].num_named = 1;
	}
}

static void own(struct red_ask *asks, size_t num)
{
	for (size_t i = 0; i < num; i++)
		red_ask_decide(&asks[i], WHO_OPERATOR2);
}

static void by_holder(struct red_ask *asks, size_t num)
{
	const struct decision members = red_approval();

	for (size_t i = 0; i < num; i++)
		red_ask_decide_as(&asks[i], &holder, &members, asks[i].digest);
}

static const struct {
	const char *what;
	void (*decide)(struct red_ask *asks, size_t num);
	bool is_renewal;
	int batches;
} cases[] = {
	{ "bulk decision over 1000 (P-256)", bulk, false, 4 },
	{ "a decision each (P-256)", own, false, 1 },
	{ "the holder's decision each (RSA-2048)", by_holder, true, 1 },
};

/* Sends all in batches of cad's size and gives the signer's CPU a certificate, in microseconds. */
static double batches_send(struct signer_peer *cad, struct red_ask *asks, int batches, int64_t expected)
{
	double from = cpu_of(home.pid[SIGNER_CA]);

	for (int b = 0; b < batches; b++) {
		OWN(buf) body = BUF_INIT(ROOM);
		OWN(buf) answer = BUF_INIT(ROOM);
		OWN(red_result) got = { 0 };
		OWN(msg_sign_cert_ok) ok = { 0 };

		red_batch_body(&body, &asks[b * BATCH], BATCH);
		ck_assert_msg(red_call(&got, cad, &answer, MSG_SIGN_CERT, &body), "%s: %s", got.word, got.text);
		ck_ok(msg_sign_cert_ok_decode(&ok, buf_slice(&answer)));
		for (size_t i = 0; i < ok.num_items; i++)
			ck_assert_msg(ok.items[i].status == expected, "%.*s", (int)ok.items[i].text.len,
				      (const char *)ok.items[i].text.p);
	}
	return (cpu_of(home.pid[SIGNER_CA]) - from) / (BATCH * batches);
}

static void last_octets_flip(struct red_ask *asks, int num)
{
	for (int i = 0; i < num; i++)
		asks[i].tbs.p[asks[i].tbs.len - 1] ^= 1;
}

static void price_of(struct signer_peer *cad, int which)
{
	const int batches = cases[which].batches, num = BATCH * batches;
	struct red_ask *asks = calloc((size_t)num, sizeof *asks);

	ck_assert_ptr_nonnull(asks);
	for (int i = 0; i < num; i++) {
		red_ask_init(&asks[i], &home);
		if (cases[which].is_renewal)
			asks[i].a.channel = CHANNEL_RENEWAL;
		else
			red_ask_entered(&asks[i], signer_person(WHO_OPERATOR1));
		red_ask_encode(&asks[i]);
	}
	/* slices of a moved ask would point into the old one; these never move */
	cases[which].decide(asks, (size_t)num);
	last_octets_flip(asks, num);
	double checks = batches_send(cad, asks, batches, MSG_ITEM_REFUSED);
	last_octets_flip(asks, num);
	double whole = batches_send(cad, asks, batches, MSG_ITEM_DONE);
	(void)printf("price    %-40s checks %7.1f us   whole %8.1f us   checks are %4.1f %%\n", cases[which].what,
		     checks, whole, 100 * checks / whole);
	for (int i = 0; i < num; i++)
		red_ask_clear(&asks[i]);
	free(asks);
}

/* A bare signature by such keys, on this machine, now. */
static void price_of_signature(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);
	uint8_t bytes[1500] = { 0 }, signature[1024];
	struct timespec from, to;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < SIGNATURES; i++) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		size_t len = sizeof signature;

		ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
		ck_assert_int_eq(EVP_DigestSign(ctx, signature, &len, bytes, sizeof bytes), 1);
		EVP_MD_CTX_free(ctx);
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	double us = ((double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3) / SIGNATURES;
	(void)printf("price    RSA-%u signature alone: %.1f us\n", bits, us);
	EVP_PKEY_free(key);
}

START_TEST(what_the_checks_cost)
{
	OWN(signer_peer) cad = { 0 };

	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	for (int i = 0; i < COUNT_OF(cases); i++)
		price_of(&cad, i);
	price_of_signature(2048);
	price_of_signature(4096);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/price");
	TCase *t = tcase_create("cad");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_test(t, what_the_checks_cost);
	suite_add_tcase(s, t);
	return suite_main(s);
}
