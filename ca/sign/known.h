/*
 * known.h - what the signer knows, in memory: issued serials, their status by the orders, used Authorisations.
 *
 * Rebuilt from the journal at each start; the journal is the truth. Both tiers use it: signd-ca fills it from its own
 * records, signd-ocsp from relayed events. 32 bytes a serial and 48 an order before the slack of the tables.
 * Changes between known_begin() and known_commit() can be taken back as a whole (known_rollback()), because they may only
 * stay when the journal has them.
 *
 * Status: the orders of a serial in the sequence of their acceptance. Revoked is absorbing; hold and release alternate;
 * known_order_check() is the one place that says which order may follow which. RFC 5280 §5.3.1
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_KNOWN_H
#define CA_SIGN_KNOWN_H

#include "asn1/serial.h"
#include "base/buf.h"

enum known_action { KNOWN_NONE = 0, KNOWN_REVOKE = 1, KNOWN_HOLD = 2, KNOWN_RELEASE = 3 };

enum { KNOWN_ISSUERS_MAX = 64 };

struct known;

struct err *known_create(struct known **out) ERR_MUST_USE;
void known_destroy(struct known **self);
OWN_TYPE(known, struct known *, known_destroy)

/* One order in the sequence. Times are Unix seconds within 1970..2106. */
struct known_order {
	uint8_t issuer; /* known_issuer() */
	uint8_t action; /* enum known_action */
	uint8_t reason;
	bool has_invalidity_at;
	struct serial serial;
	uint32_t not_after_at; /* of the certificate */
	uint32_t at; /* revokedAt */
	uint32_t invalidity_at;
	uint32_t before; /* the same serial's order before this one: its index + 1; 0 none */
	int64_t seq;
};

/* known_issuer() gives the small number of an issuer name, making it when `may_add`; -1 when there is none. */
int known_issuer(struct known *self, struct slice name, bool may_add);

void known_begin(struct known *self);
void known_commit(struct known *self);
void known_rollback(struct known *self);

/* known_add() makes a serial known. *Errors* CONFLICT when it is known already; NO_MEMORY. */
struct err *known_add(struct known *self, struct slice issuer, const struct serial *serial, int64_t seq) ERR_MUST_USE;
/* known_has() says whether the serial was issued (or adopted) under the issuer; *out_seq (may be NULL) is its event. */
bool known_has(const struct known *self, struct slice issuer, const struct serial *serial, int64_t *out_seq);

/* known_order_check() says whether an order may follow: the serial is known, no order after a revocation, no hold of a
 * held one, no release of one that is not held. *Errors* NOT_FOUND, CONFLICT. */
struct err *known_order_check(const struct known *self, struct slice issuer, const struct serial *serial,
			      enum known_action action) ERR_MUST_USE;
/* known_order_add() takes the order into the sequence (after known_order_check() passed). `digest` is the StatusOrder's
 * SHA-256: known_order_find() gives the event number of an order that was accepted before. */
struct err *known_order_add(struct known *self, struct slice issuer, const struct known_order *order,
			    const uint8_t digest[32]) ERR_MUST_USE;
bool known_order_find(const struct known *self, const uint8_t digest[32], int64_t *out_seq);

/* known_status() gives the last order of a serial with a number up to `order_seq` (INT64_MAX: now), NULL when there is
 * none. known_is_listed() says whether that order puts it on a CRL (revoked or held). */
const struct known_order *known_status(const struct known *self, struct slice issuer, const struct serial *serial,
				       int64_t order_seq);
bool known_is_listed(const struct known_order *order);

/* The sequence of all orders. */
size_t known_num_orders(const struct known *self);
const struct known_order *known_order_at(const struct known *self, size_t index);
/* known_order_seq() is the number of the last order, 0 when there is none. */
int64_t known_order_seq(const struct known *self);

/* Used Authorisations: SHA-256 -> place in the journal. *Errors* CONFLICT when it is there already. */
struct err *known_use_authorisation(struct known *self, const uint8_t digest[32], uint64_t offset) ERR_MUST_USE;
/* known_place_authorisation() corrects the place of one that is there. *Errors* BUG when it is not. */
struct err *known_place_authorisation(struct known *self, const uint8_t digest[32], uint64_t offset) ERR_MUST_USE;
bool known_authorisation(const struct known *self, const uint8_t digest[32], uint64_t *out_offset);

/* Places of events in the journal, by number: contiguous from 1. */
struct err *known_event_add(struct known *self, int64_t seq, uint64_t offset) ERR_MUST_USE;
bool known_event_offset(const struct known *self, int64_t seq, uint64_t *out_offset);

size_t known_num_serials(const struct known *self);

#endif
