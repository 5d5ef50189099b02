/*
 * red.h - attacks on a running signer: what a taken-over daemon can send, and the proof that it got nothing.
 *
 * An attack is made between red_watch_begin() and red_refused(). The latter asserts: no signature and no acceptance came
 * back, the refusal has its name, the signer's sequence, lists, heads and journal are what they were, and the alarm metric
 * signd_refused_total{reason="NAME"} rose; and it prints a row of the attack table.
 * Requests start honest and whole: red_ask_init() is a certificate that would be signed, red_order_init() an order that
 * would be accepted; an attack then spoils one thing. The bodies are written here octet by octet, not by the bus's
 * encoders, so that what those refuse to write can be sent too. Every function asserts (Check).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_RED_H
#define TESTS_SUPPORT_RED_H

#include "support/signer.h"

/* What the attacker got. */
struct red_result {
	bool is_done; /* something was signed, accepted or taken */
	char word[48]; /* reason of the refusal */
	char code[16]; /* of the error, when the whole request was refused */
	char text[300];
	struct buf tbs, signature; /* of a certificate that was signed */
	int64_t seq;
};
void red_result_clear(struct red_result *self);
OWN_TYPE(red_result, struct red_result, red_result_clear)

struct red_watch {
	struct signer_home *home;
	enum signer_tier tier;
	struct signer_peer peer; /* cad's connection: the attacker's, where cad is taken over */
	struct buf metrics;
	int64_t policy_version, event_seq, order_seq, crl_number, log_size, journal_size;
};
void red_watch_begin(struct red_watch *out, struct signer_home *home, enum signer_tier tier);
void red_watch_end(struct red_watch *self);
OWN_TYPE(red_watch, struct red_watch, red_watch_end)
/* red_refused() is the proof. `attack` names it for people, `word` is the reason that must be given and counted. */
void red_refused(struct red_watch *self, const char *attack, const struct red_result *got, const char *word);
/* red_unchanged() asserts the part about the signer's state alone. */
void red_unchanged(struct red_watch *self, const char *attack);

/* red_call() sends a body that is consumed and waits; the answer's bytes go to `out`. False: refused, `result` says why. */
bool red_call(struct red_result *result, struct signer_peer *peer, struct buf *out, uint16_t type, struct buf *body);

/* ---- a certificate that is asked for ---- */

enum { RED_DECISIONS = 12 };

struct red_ask {
	struct signer_home *home;
	struct authorisation a;
	struct buf subject, spki; /* of `a` */
	struct buf authorisation; /* DER that is sent */
	uint8_t digest[SHA256_LEN];
	uint8_t serial[32];
	size_t serial_len;
	int64_t not_before_at;
	struct buf tbs;
	struct test_decision evidence[RED_DECISIONS];
	size_t num_evidence;
	uint8_t named[RED_DECISIONS][SHA256_LEN]; /* what the item names */
	size_t num_named;
	uint8_t nonce[16], agreement[32];
};
void red_ask_clear(struct red_ask *self);
OWN_TYPE(red_ask, struct red_ask, red_ask_clear)

/* red_ask_init() is kind individual, purpose auth, remote, encoded and rendered; nobody has decided yet. */
void red_ask_init(struct red_ask *out, struct signer_home *home);
/* red_ask_head() makes it one for the head of an entity; red_ask_entered() one at the counter. Then encode again. */
void red_ask_head(struct red_ask *self);
void red_ask_entered(struct red_ask *self, const char *person);
/* red_ask_encode() encodes `a` and renders the TBS as cad would; the TBS stays what it was
 * where that cannot be rendered. */
void red_ask_encode(struct red_ask *self);
/* red_ask_render() renders the TBS alone, from another Authorisation if need be. */
void red_ask_render(struct red_ask *self, const struct authorisation *a, int64_t not_before_at);
/* red_ask_decide() lets somebody approve, an hour ago; _as() with the members given. */
void red_ask_decide(struct red_ask *self, enum signer_who who);
void red_ask_decide_as(struct red_ask *self, const struct test_person *who, const struct decision *members,
		       const uint8_t digest[SHA256_LEN]);
struct decision red_approval(void);

/* red_ask_body() appends the body of SIGN_CERT with this one item; red_batch_body() with many. */
void red_batch_body(struct buf *out, const struct red_ask *asks, size_t num);
void red_ask_body(struct buf *out, const struct red_ask *self);
/* red_ask_send() sends it and reads the one result. */
void red_ask_send(struct red_result *out, struct signer_peer *peer, const struct red_ask *self);

/* red_issue() has an honest certificate issued. `key` NULL: an applicant's key of which nobody has the private half. */
void red_issue(struct test_person *out, struct signer_home *home, struct signer_peer *cad, const char *profile,
	       const char *iin, EVP_PKEY *key);

/* ---- an order ---- */

struct red_order {
	struct signer_home *home;
	struct status_order o;
	struct cert target;
	bool sends_target;
	struct buf order;
	uint8_t digest[SHA256_LEN], nonce[16], certificate_digest[SHA256_LEN];
	struct test_decision evidence[4];
	size_t num_evidence;
};
void red_order_clear(struct red_order *self);
OWN_TYPE(red_order, struct red_order, red_order_clear)

/* red_order_init() is an order with a ground about a certificate; nobody has decided yet. */
void red_order_init(struct red_order *out, struct signer_home *home, const struct test_person *target,
		    enum order_action action);
void red_order_encode(struct red_order *self);
void red_order_decide(struct red_order *self, const struct test_person *who);
void red_order_decide_as(struct red_order *self, const struct test_person *who, const struct decision *members,
			 const uint8_t digest[SHA256_LEN]);
void red_order_send(struct red_result *out, struct signer_peer *peer, const struct red_order *self);

#endif
