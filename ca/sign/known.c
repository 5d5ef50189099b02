/*
 * known.c - issued serials, the sequence of orders, used Authorisations. See known.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/known.h"

#include <stdlib.h>
#include <string.h>

#include "ca/sign/table.h"

/* 32 octets a serial. The key: length, issuer + 1 (never zero), the serial's octets. */
struct cert_entry {
	uint8_t len;
	uint8_t issuer_1;
	uint8_t serial[SERIAL_MAX_LEN];
	uint8_t seq[6]; /* big-endian: event numbers stay far below 2^48 */
	uint32_t last_order; /* index + 1 of its last order; 0 none */
};
enum { CERT_KEY = 2 + SERIAL_MAX_LEN };
_Static_assert(sizeof(struct cert_entry) == 32, "the memory of a serial is promised");

struct digest_entry {
	uint8_t digest[32];
	uint64_t value; /* place in the journal, or an event's number */
};

enum undo_what { UNDO_CERT, UNDO_ORDER, UNDO_AUTHORISATION, UNDO_EVENT };

/* What known_rollback() takes back, newest first. */
struct undo {
	enum undo_what what;
	uint8_t key[32];
};

struct known {
	char *issuers[KNOWN_ISSUERS_MAX];
	size_t num_issuers;
	struct table certs, orders_by_digest, authorisations;
	struct known_order *orders;
	size_t num_orders, cap_orders;
	uint64_t *events; /* places, by number - 1 */
	size_t num_events, cap_events;
	struct undo *undo;
	size_t num_undo, cap_undo;
	bool in_change;
};

struct err *known_create(struct known **out)
{
	OWN(known) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "known serials");
	TRY(table_init(&self->certs, sizeof(struct cert_entry), CERT_KEY));
	TRY(table_init(&self->orders_by_digest, sizeof(struct digest_entry), 32));
	TRY(table_init(&self->authorisations, sizeof(struct digest_entry), 32));
	*out = TAKE(self);
	return NULL;
}

void known_destroy(struct known **self)
{
	struct known *k = *self;

	if (k == NULL)
		return;
	for (size_t i = 0; i < k->num_issuers; i++)
		free(k->issuers[i]);
	table_clear(&k->certs);
	table_clear(&k->orders_by_digest);
	table_clear(&k->authorisations);
	free(k->orders);
	free(k->events);
	free(k->undo);
	free(k);
	*self = NULL;
}

/* Makes room for one more element; grows by half, so that little lies idle at ten million. */
static struct err *room(void **array, size_t num, size_t *cap, size_t size)
{
	if (num < *cap)
		return NULL;
	size_t bigger = *cap < 64 ? 64 : *cap + *cap / 2;
	void *p = reallocarray(*array, bigger, size);
	ENSURE(p != NULL, NO_MEMORY, "array of %zu elements", bigger);
	*array = p;
	*cap = bigger;
	return NULL;
}

int known_issuer(struct known *self, struct slice name, bool may_add)
{
	for (size_t i = 0; i < self->num_issuers; i++)
		if (slice_equal(SLICE_STR(self->issuers[i]), name))
			return (int)i;
	if (!may_add || self->num_issuers == KNOWN_ISSUERS_MAX)
		return -1;
	char *copy = strndup((const char *)name.p, name.len);
	if (copy == NULL)
		return -1;
	self->issuers[self->num_issuers] = copy;
	return (int)self->num_issuers++;
}

/* ---- taking back ---- */

static struct err *undo_note(struct known *self, enum undo_what what, const void *key, size_t key_len)
{
	if (!self->in_change)
		return NULL;
	TRY(room((void **)&self->undo, self->num_undo, &self->cap_undo, sizeof *self->undo));
	struct undo *u = &self->undo[self->num_undo++];
	memset(u, 0, sizeof *u);
	u->what = what;
	memcpy(u->key, key, key_len);
	return NULL;
}

void known_begin(struct known *self)
{
	self->num_undo = 0;
	self->in_change = true;
}

void known_commit(struct known *self)
{
	self->num_undo = 0;
	self->in_change = false;
}

static void cert_key(uint8_t out[CERT_KEY], int issuer, const struct serial *serial)
{
	memset(out, 0, CERT_KEY);
	out[0] = serial->len;
	out[1] = (uint8_t)(issuer + 1);
	memcpy(out + 2, serial->b, serial->len);
}

static void order_take_back(struct known *self, const uint8_t digest[32])
{
	const struct known_order *o = &self->orders[self->num_orders - 1];
	uint8_t key[CERT_KEY];

	cert_key(key, o->issuer, &o->serial);
	struct cert_entry *cert = table_find(&self->certs, key);
	if (cert != NULL)
		cert->last_order = o->before;
	self->num_orders--;
	table_remove(&self->orders_by_digest, digest);
}

void known_rollback(struct known *self)
{
	while (self->num_undo > 0) {
		const struct undo *u = &self->undo[--self->num_undo];

		switch (u->what) {
		case UNDO_CERT:
			table_remove(&self->certs, u->key);
			break;
		case UNDO_ORDER:
			order_take_back(self, u->key);
			break;
		case UNDO_AUTHORISATION:
			table_remove(&self->authorisations, u->key);
			break;
		case UNDO_EVENT:
			self->num_events--;
			break;
		}
	}
	self->in_change = false;
}

/* ---- serials ---- */

static struct cert_entry *cert_find(const struct known *self, struct slice issuer, const struct serial *serial)
{
	uint8_t key[CERT_KEY];
	int number = known_issuer((struct known *)self, issuer, false);

	if (number < 0)
		return NULL;
	cert_key(key, number, serial);
	return table_find(&self->certs, key);
}

static int64_t seq_of(const struct cert_entry *cert)
{
	int64_t seq = 0;

	for (size_t i = 0; i < sizeof cert->seq; i++)
		seq = seq << 8 | cert->seq[i];
	return seq;
}

struct err *known_add(struct known *self, struct slice issuer, const struct serial *serial, int64_t seq)
{
	struct cert_entry cert = { 0 };
	char hex[SERIAL_HEX_SIZE];
	int number = known_issuer(self, issuer, true);

	ENSURE(number >= 0, BUG, "no room for another issuer");
	cert_key((uint8_t *)&cert, number, serial);
	ENSURE_FIELD(table_find(&self->certs, &cert) == NULL, CONFLICT, "serial", "serial %s was issued before",
		     serial_hex(hex, serial));
	for (size_t i = 0; i < sizeof cert.seq; i++)
		cert.seq[i] = (uint8_t)((uint64_t)seq >> (8 * (sizeof cert.seq - 1 - i)));
	TRY(undo_note(self, UNDO_CERT, &cert, CERT_KEY));
	return table_add(&self->certs, &cert);
}

bool known_has(const struct known *self, struct slice issuer, const struct serial *serial, int64_t *out_seq)
{
	const struct cert_entry *cert = cert_find(self, issuer, serial);

	if (cert == NULL)
		return false;
	if (out_seq != NULL)
		*out_seq = seq_of(cert);
	return true;
}

size_t known_num_serials(const struct known *self)
{
	return self->certs.num;
}

/* ---- orders ---- */

bool known_is_listed(const struct known_order *order)
{
	return order != NULL && (order->action == KNOWN_REVOKE || order->action == KNOWN_HOLD);
}

const struct known_order *known_status(const struct known *self, struct slice issuer, const struct serial *serial,
				       int64_t order_seq)
{
	const struct cert_entry *cert = cert_find(self, issuer, serial);
	uint32_t index = cert == NULL ? 0 : cert->last_order;

	while (index != 0 && self->orders[index - 1].seq > order_seq)
		index = self->orders[index - 1].before;
	return index == 0 ? NULL : &self->orders[index - 1];
}

struct err *known_order_check(const struct known *self, struct slice issuer, const struct serial *serial,
			      enum known_action action)
{
	const struct known_order *last = known_status(self, issuer, serial, INT64_MAX);
	char hex[SERIAL_HEX_SIZE];

	(void)serial_hex(hex, serial);
	ENSURE_FIELD(known_has(self, issuer, serial, NULL), NOT_FOUND, "serial", "serial %s was never issued", hex);
	ENSURE_FIELD(last == NULL || last->action != KNOWN_REVOKE, CONFLICT, "action", "serial %s is revoked for good",
		     hex);
	bool is_held = last != NULL && last->action == KNOWN_HOLD;
	ENSURE_FIELD(action != KNOWN_HOLD || !is_held, CONFLICT, "action", "serial %s is held already", hex);
	ENSURE_FIELD(action != KNOWN_RELEASE || is_held, CONFLICT, "action", "serial %s is not held", hex);
	return NULL;
}

static struct err *order_index(struct known *self, struct cert_entry *cert, const struct known_order *order,
			       const uint8_t digest[32])
{
	struct digest_entry by_digest = { .value = (uint64_t)order->seq };

	memcpy(by_digest.digest, digest, sizeof by_digest.digest);
	ENSURE_FIELD(table_find(&self->orders_by_digest, digest) == NULL, CONFLICT, "order",
		     "this order was accepted before");
	ENSURE(self->num_orders < UINT32_MAX - 1, BUG, "no room for more orders");
	TRY(room((void **)&self->orders, self->num_orders, &self->cap_orders, sizeof *self->orders));
	TRY(undo_note(self, UNDO_ORDER, digest, 32));
	struct err *e = table_add(&self->orders_by_digest, &by_digest);
	if (e != NULL) {
		self->num_undo -= self->in_change;
		return e;
	}
	self->orders[self->num_orders] = *order;
	self->orders[self->num_orders].before = cert->last_order;
	self->orders[self->num_orders].issuer = (uint8_t)(cert->issuer_1 - 1);
	cert->last_order = (uint32_t)++self->num_orders;
	return NULL;
}

struct err *known_order_add(struct known *self, struct slice issuer, const struct known_order *order,
			    const uint8_t digest[32])
{
	TRY(known_order_check(self, issuer, &order->serial, order->action));
	return order_index(self, cert_find(self, issuer, &order->serial), order, digest);
}

bool known_order_find(const struct known *self, const uint8_t digest[32], int64_t *out_seq)
{
	const struct digest_entry *found = table_find(&self->orders_by_digest, digest);

	if (found != NULL && out_seq != NULL)
		*out_seq = (int64_t)found->value;
	return found != NULL;
}

size_t known_num_orders(const struct known *self)
{
	return self->num_orders;
}

const struct known_order *known_order_at(const struct known *self, size_t index)
{
	return &self->orders[index];
}

int64_t known_order_seq(const struct known *self)
{
	return self->num_orders == 0 ? 0 : self->orders[self->num_orders - 1].seq;
}

/* ---- Authorisations and events ---- */

struct err *known_use_authorisation(struct known *self, const uint8_t digest[32], uint64_t offset)
{
	struct digest_entry used = { .value = offset };

	memcpy(used.digest, digest, sizeof used.digest);
	ENSURE_FIELD(table_find(&self->authorisations, digest) == NULL, CONFLICT, "authorisation",
		     "this Authorisation was used before");
	TRY(undo_note(self, UNDO_AUTHORISATION, digest, 32));
	return table_add(&self->authorisations, &used);
}

struct err *known_place_authorisation(struct known *self, const uint8_t digest[32], uint64_t offset)
{
	struct digest_entry *found = table_find(&self->authorisations, digest);

	ENSURE(found != NULL, BUG, "an Authorisation that was not used");
	found->value = offset;
	return NULL;
}

bool known_authorisation(const struct known *self, const uint8_t digest[32], uint64_t *out_offset)
{
	const struct digest_entry *found = table_find(&self->authorisations, digest);

	if (found != NULL && out_offset != NULL)
		*out_offset = found->value;
	return found != NULL;
}

struct err *known_event_add(struct known *self, int64_t seq, uint64_t offset)
{
	ENSURE(seq == (int64_t)self->num_events + 1, BUG, "event %lld where %zu is due", (long long)seq,
	       self->num_events + 1);
	TRY(room((void **)&self->events, self->num_events, &self->cap_events, sizeof *self->events));
	TRY(undo_note(self, UNDO_EVENT, "", 0));
	self->events[self->num_events++] = offset;
	return NULL;
}

bool known_event_offset(const struct known *self, int64_t seq, uint64_t *out_offset)
{
	if (seq < 1 || (uint64_t)seq > self->num_events)
		return false;
	*out_offset = self->events[seq - 1];
	return true;
}
