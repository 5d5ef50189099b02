/*
 * ledger.h - a filled ledger for tests: an issuer with a CA, a Policy, people, and applications that were approved.
 *
 * The rows are written as superuser into the current database of support/pg.h, as rad and the ceremony would leave them.
 * Every function asserts (Check).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_LEDGER_H
#define TESTS_SUPPORT_LEDGER_H

#include "support/sign.h"
#include "support/x509_fixture.h"

enum { LEDGER_CLOCK_BACK_S = 600 };

struct ledger {
	struct buf profiles_text;
	struct profiles *profiles;
	struct fixture_ca ca;
	struct test_person operators[2], administrators[2];
	struct buf policy; /* SignedPolicy, version 1 */
	int64_t now;
	int num_keys; /* drawn by ledger_spki() */
};

/* ledger_init() makes CA (suite "ecdsa-p256-sha256", "rsa2048-sha256"), people and Policy; no database is needed. */
void ledger_init(struct ledger *self, const char *suite);
void ledger_clear(struct ledger *self);
OWN_TYPE(ledger, struct ledger, ledger_clear)

/* ledger_policy() appends a SignedPolicy of another version with the same contents. */
void ledger_policy(struct ledger *self, struct buf *out, int64_t version);

/* ledger_install() writes issuer "rsa", agreement and Policy 1. */
void ledger_install(struct ledger *self);

/* ledger_spki() appends a public key that no other call gave: RSA-2048 in form, nobody has the private half. */
void ledger_spki(struct ledger *self, struct buf *out);

/* An application to write. Zero members mean: kind individual, channel counter, state approved, one operator approved
 * both requests a moment ago, queued, the Authorisations expire in a day. */
struct ledger_spec {
	const char *number; /* needed */
	const char *state;
	int64_t expires_in_s; /* of the Authorisations; negative: expired */
	int64_t decision_expires_in_s;
	bool has_no_decision;
	bool is_not_queued;
	const char *surname; /* default ТЕСТОВ */
};
/* ledger_application() writes it with requests `auth` and `sign`; returns its id. */
int64_t ledger_application(struct ledger *self, const struct ledger_spec *spec);

/* ledger_certificate() writes an issued certificate (a row of certificate with a DER of its own) for request-less tests of
 * statuses; returns its id. ledger_order() writes an order on it, decided by operator 1; returns its id. */
int64_t ledger_certificate(struct ledger *self, const char *serial_hex);
int64_t ledger_order(struct ledger *self, int64_t certificate_id, enum order_action action, int64_t reason);

#endif
