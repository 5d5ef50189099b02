/*
 * crl.c - the check of a list. See crl.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/crl.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"

/* How far a number may be ahead of the last one: a jump to the end of the numbers would end all lists. */
#define NUMBER_STEP_MAX 1000000

enum { FRAME_MAX = 64 * 1024, ENTRY_MAX = 2 + 0x7f, SKEW_S = 120 };
#define LIST_MAX ((int64_t)1 << 31) /* octets; ten million entries are half a gigabyte */

struct crl_check {
	const struct known *known;
	struct slice issuer;
	int64_t order_seq, this_update_at;
	int64_t base_seq; /* of a delta; -1: a full list */
	struct buf head, tail; /* what must stand before the first and after the last entry */
	uint64_t entries_len, total;
	uint64_t offset; /* octets taken */
	uint8_t cut[ENTRY_MAX]; /* an entry that a chunk boundary cuts */
	size_t cut_len;
	struct buf expected; /* one entry as it must be */
	struct serial last;
	int64_t num_entries, num_required, num_required_seen;
};

#define DENY_UNLESS(cond, reason, ...) ENSURE_FIELD(cond, DENIED, reason, __VA_ARGS__)

/* ---- the announcement */

static struct err *number_check(const struct crl_facts *f, const struct msg_crl_begin *b)
{
	const struct crl_signed *same = b->kind == MSG_CRL_FULL ? &f->last_full : &f->last_delta;
	const struct crl_signed *other = b->kind == MSG_CRL_FULL ? &f->last_delta : &f->last_full;

	DENY_UNLESS(b->number > same->number, "crl_number", "RFC 5280 §5.2.3: cRLNumber %lld after %lld",
		    (long long)b->number, (long long)same->number);
	int64_t last = same->number > other->number ? same->number : other->number;
	DENY_UNLESS(b->number - last <= NUMBER_STEP_MAX, "crl_number", "cRLNumber %lld is too far from %lld",
		    (long long)b->number, (long long)last);
	DENY_UNLESS(b->number > other->number || (b->number == other->number && b->order_seq == other->order_seq),
		    "crl_number", "RFC 5280 §5.2.3: cRLNumber %lld belongs to another list of other content",
		    (long long)b->number);
	return NULL;
}

static struct err *base_check(const struct crl_facts *f, const struct msg_crl_begin *b)
{
	DENY_UNLESS(b->has_base_number == (b->kind == MSG_CRL_DELTA), "crl_base",
		    "a delta names its base, a full list has none");
	if (b->kind == MSG_CRL_FULL)
		return NULL;
	DENY_UNLESS(f->base.number == b->base_number && b->base_number > 0, "crl_base",
		    "RFC 5280 §5.2.4: no full list number %lld was signed", (long long)b->base_number);
	DENY_UNLESS(f->base.order_seq <= b->order_seq, "crl_base", "the base holds more orders than the delta");
	return NULL;
}

static struct err *times_check(const struct crl_facts *f, const struct msg_crl_begin *b)
{
	const struct crl_signed *same = b->kind == MSG_CRL_FULL ? &f->last_full : &f->last_delta;

	DENY_UNLESS(b->this_update_at >= same->this_update_at, "crl_time",
		    "thisUpdate is before that of the last list");
	DENY_UNLESS(b->this_update_at <= f->now + SKEW_S, "crl_time", "thisUpdate lies in the future");
	DENY_UNLESS(b->this_update_at >= f->now - f->max_age_s, "crl_time", "thisUpdate is %lld s old",
		    (long long)(f->now - b->this_update_at));
	DENY_UNLESS(b->next_update_at > b->this_update_at, "crl_time", "nextUpdate is not after thisUpdate");
	DENY_UNLESS(b->next_update_at - b->this_update_at <= f->max_validity_s, "crl_time",
		    "nextUpdate is %lld s after thisUpdate, %lld are allowed",
		    (long long)(b->next_update_at - b->this_update_at), (long long)f->max_validity_s);
	DENY_UNLESS(b->this_update_at <= f->ca_not_after_at, "crl_time", "the issuer's certificate has expired");
	return NULL;
}

static struct err *order_seq_check(const struct crl_facts *f, const struct msg_crl_begin *b)
{
	int64_t last =
		f->last_full.order_seq > f->last_delta.order_seq ? f->last_full.order_seq : f->last_delta.order_seq;

	DENY_UNLESS(b->order_seq >= last, "crl_order_seq", "orders up to %lld stood on the last list, not %lld",
		    (long long)last, (long long)b->order_seq);
	DENY_UNLESS(b->order_seq <= known_order_seq(f->known), "crl_order_seq", "no order %lld was accepted",
		    (long long)b->order_seq);
	DENY_UNLESS(f->left_out_at > f->now - f->order_grace_s, "crl_order_seq",
		    "an order that was accepted %lld s ago is left out", (long long)(f->now - f->left_out_at));
	return NULL;
}

/* ---- what must stand around the entries */

static struct err *head_fields(struct buf *out, const struct crl_facts *f, const struct msg_crl_begin *b)
{
	TRY(der_int64(out, 1)); /* v2 */
	TRY(buf_append(out, f->algorithm));
	TRY(buf_append(out, f->subject));
	TRY(der_time(out, b->this_update_at));
	return der_time(out, b->next_update_at);
}

static struct err *extension(struct buf *out, enum oid_name name, bool is_critical, struct slice value)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_oid(out, oid(name)));
	if (is_critical)
		TRY(der_boolean(out, true));
	TRY(der_octets(out, value));
	return der_close(out, mark);
}

static struct err *number_extension(struct buf *out, enum oid_name name, bool is_critical, int64_t number)
{
	OWN(buf) value = BUF_INIT(16);

	TRY(der_int64(&value, number));
	return extension(out, name, is_critical, buf_slice(&value));
}

static struct err *key_extension(struct buf *out, struct slice key_id)
{
	OWN(buf) value = BUF_INIT(128);
	size_t mark;

	TRY(der_open(&value, &mark, DER_SEQUENCE));
	TRY(der_tlv(&value, DER_CONTEXT(0), key_id));
	TRY(der_close(&value, mark));
	return extension(out, OID_AUTHORITY_KEY_ID, false, buf_slice(&value));
}

static struct err *tail_make(struct buf *out, const struct crl_facts *f, const struct msg_crl_begin *b)
{
	size_t tagged, list;

	TRY(der_open(out, &tagged, DER_CONTEXT_CONSTRUCTED(0)));
	TRY(der_open(out, &list, DER_SEQUENCE));
	TRY(number_extension(out, OID_CRL_NUMBER, false, b->number));
	if (b->kind == MSG_CRL_DELTA)
		TRY(number_extension(out, OID_DELTA_CRL, true, b->base_number));
	TRY(key_extension(out, f->key_id));
	TRY(der_close(out, list));
	return der_close(out, tagged);
}

/* The length of content that makes a value of `whole` octets; false when no DER value has that size. */
static bool content_of(uint64_t *out, uint64_t whole)
{
	for (uint64_t header = 2; header <= 6 && header <= whole; header++) {
		if (der_header_len((size_t)(whole - header)) == header) {
			*out = whole - header;
			return true;
		}
	}
	return false;
}

/* Everything but the entries follows from the announced length: the outer header, the head, the header of the entries. */
static struct err *frame_make(struct crl_check *c, const struct crl_facts *f, const struct msg_crl_begin *b)
{
	OWN(buf) fields = BUF_INIT(FRAME_MAX);
	uint64_t content, entries;

	TRY(head_fields(&fields, f, b));
	TRY(tail_make(&c->tail, f, b));
	c->total = (uint64_t)b->tbs_length;
	DENY_UNLESS(b->tbs_length <= LIST_MAX && content_of(&content, c->total) && content >= fields.len + c->tail.len,
		    "crl_length", "no list of this issuer has %lld octets", (long long)b->tbs_length);
	entries = content - fields.len - c->tail.len;
	TRY(der_header(&c->head, DER_SEQUENCE, (size_t)content));
	TRY(buf_append(&c->head, buf_slice(&fields)));
	if (entries == 0)
		return NULL; /* RFC 5280 §5.1.2.6: absent when there are none */
	DENY_UNLESS(content_of(&c->entries_len, entries) && c->entries_len > 0, "crl_length",
		    "no entries fill %llu octets", (unsigned long long)entries);
	return der_header(&c->head, DER_SEQUENCE, (size_t)c->entries_len);
}

/* ---- which entries must be there */

static bool is_wanted(const struct crl_check *c, const struct known_order *o)
{
	return c->base_seq >= 0 ? o->seq > c->base_seq : known_is_listed(o);
}

static bool is_expired(const struct crl_check *c, const struct known_order *o)
{
	return (int64_t)o->not_after_at < c->this_update_at;
}

/* Counts the unexpired serials whose last order up to the watermark puts them on the list. Later orders are looked at
 * first, and each says that the one before it no longer counts. */
static struct err *required_count(struct crl_check *c, int issuer)
{
	size_t num = known_num_orders(c->known);
	uint8_t *superseded = calloc(num / 8 + 1, 1);

	ENSURE(superseded != NULL, NO_MEMORY, "set of orders");
	for (size_t i = num; i-- > 0;) {
		const struct known_order *o = known_order_at(c->known, i);

		if (o->seq > c->order_seq)
			continue;
		if (o->before != 0)
			superseded[(o->before - 1) / 8] |= (uint8_t)(1u << ((o->before - 1) % 8));
		if ((superseded[i / 8] & 1u << (i % 8)) == 0 && o->issuer == issuer && is_wanted(c, o) &&
		    !is_expired(c, o))
			c->num_required++;
	}
	free(superseded);
	return NULL;
}

struct err *crl_check_create(struct crl_check **out, const struct crl_facts *facts, const struct msg_crl_begin *begin)
{
	OWN(crl_check) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "check of a list");
	self->head.max = self->tail.max = FRAME_MAX;
	self->expected.max = ENTRY_MAX * 2;
	self->known = facts->known;
	self->issuer = facts->issuer;
	self->order_seq = begin->order_seq;
	self->this_update_at = begin->this_update_at;
	DENY_UNLESS(begin->scope.len == 0, "crl_scope", "this issuer has no shard \"%.*s\"", (int)begin->scope.len,
		    (const char *)begin->scope.p);
	TRY(base_check(facts, begin));
	TRY(number_check(facts, begin));
	TRY(times_check(facts, begin));
	TRY(order_seq_check(facts, begin));
	self->base_seq = begin->kind == MSG_CRL_DELTA ? facts->base.order_seq : -1;
	TRY(frame_make(self, facts, begin));
	TRY(required_count(self, known_issuer((struct known *)facts->known, facts->issuer, false)));
	*out = TAKE(self);
	return NULL;
}

void crl_check_destroy(struct crl_check **self)
{
	if (*self == NULL)
		return;
	buf_clear(&(*self)->head);
	buf_clear(&(*self)->tail);
	buf_clear(&(*self)->expected);
	free(*self);
	*self = NULL;
}

/* ---- entries */

static struct err *entry_extensions(struct buf *out, const struct known_order *o)
{
	OWN(buf) value = BUF_INIT(32);
	size_t mark;

	if (o->reason == 0 && !o->has_invalidity_at)
		return NULL;
	TRY(der_open(out, &mark, DER_SEQUENCE));
	if (o->reason != 0) {
		TRY(der_enumerated(&value, o->reason));
		TRY(extension(out, OID_CRL_REASON, false, buf_slice(&value)));
		buf_reset(&value);
	}
	if (o->has_invalidity_at) {
		TRY(der_generalized_time(&value, o->invalidity_at));
		TRY(extension(out, OID_INVALIDITY_DATE, false, buf_slice(&value)));
	}
	return der_close(out, mark);
}

/* The one form that the entry of an order has: reasonCode absent for 0, removeFromCRL for a release. RFC 5280 §5.3 */
static struct err *entry_make(struct buf *out, const struct known_order *o)
{
	size_t mark;

	buf_reset(out);
	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_serial(out, &o->serial));
	TRY(der_time(out, o->at));
	TRY(entry_extensions(out, o));
	return der_close(out, mark);
}

static struct err *entry_serial(struct serial *out, struct slice entry)
{
	struct der_reader in, inner;

	der_reader_init(&in, entry);
	TRY(der_expect_sequence(&in, &inner, "entry"));
	return der_read_serial(&inner, out, "userCertificate");
}

static struct err *entry_check(struct crl_check *c, struct slice entry)
{
	struct serial serial;
	char hex[SERIAL_HEX_SIZE];
	struct err *e = entry_serial(&serial, entry);

	if (e != NULL) {
		OWN(err) owned = e;
		char text[200];

		return ERR_FIELD(DENIED, "crl_entry_form", "entry %lld: %s", (long long)c->num_entries + 1,
				 err_text(owned, text, sizeof text));
	}
	(void)serial_hex(hex, &serial);
	DENY_UNLESS(c->last.len == 0 || serial_compare(&serial, &c->last) > 0, "crl_entry_order",
		    "serial %s does not come after the one before it", hex);
	const struct known_order *o = known_status(c->known, c->issuer, &serial, c->order_seq);
	DENY_UNLESS(o != NULL && is_wanted(c, o), "crl_entry_unknown", "serial %s was not ordered onto this list", hex);
	TRY(entry_make(&c->expected, o));
	DENY_UNLESS(slice_equal(buf_slice(&c->expected), entry), "crl_entry_differs",
		    "the entry of serial %s is not what was ordered", hex);
	c->last = serial;
	c->num_entries++;
	c->num_required_seen += !is_expired(c, o);
	return NULL;
}

/* Takes entries off the front of `bytes`; a cut one is kept. The entries end where `left` is used up. */
static struct err *entries_feed(struct crl_check *c, struct slice bytes)
{
	while (bytes.len > 0) {
		struct slice entry = bytes;

		if (c->cut_len > 0 || bytes.len < 2 || bytes.len < 2u + bytes.p[1]) {
			c->cut[c->cut_len++] = bytes.p[0];
			bytes.p++;
			bytes.len--;
			DENY_UNLESS(c->cut_len < 2 || c->cut[1] < 0x80, "crl_entry_form",
				    "an entry of more than 127 octets");
			if (c->cut_len < 2 || c->cut_len < 2u + c->cut[1])
				continue;
			entry = SLICE(c->cut, c->cut_len);
			c->cut_len = 0;
		} else {
			DENY_UNLESS(bytes.p[1] < 0x80, "crl_entry_form", "an entry of more than 127 octets");
			entry.len = 2u + bytes.p[1];
			bytes.p += entry.len;
			bytes.len -= entry.len;
		}
		TRY(entry_check(c, entry));
	}
	return NULL;
}

/* ---- the stream: head, entries, tail */

/* Compares the part of `bytes` that lies within [from, from + want) with it; gives how many octets that was. */
static struct err *compare(const struct crl_check *c, size_t *out_taken, struct slice bytes, uint64_t from,
			   const struct buf *want, const char *reason)
{
	size_t at = (size_t)(c->offset - from);
	size_t n = want->len - at < bytes.len ? want->len - at : bytes.len;

	for (size_t i = 0; i < n; i++)
		DENY_UNLESS(bytes.p[i] == want->p[at + i], reason, "octet %llu of the list is not what it must be",
			    (unsigned long long)(c->offset + i));
	*out_taken = n;
	return NULL;
}

static struct err *piece_feed(struct crl_check *c, size_t *out_taken, struct slice bytes)
{
	uint64_t entries_end = c->head.len + c->entries_len;

	if (c->offset < c->head.len)
		return compare(c, out_taken, bytes, 0, &c->head, "crl_head");
	if (c->offset >= entries_end) {
		DENY_UNLESS(c->cut_len == 0, "crl_entry_form", "the last entry is cut");
		return compare(c, out_taken, bytes, entries_end, &c->tail, "crl_tail");
	}
	uint64_t left = entries_end - c->offset;
	*out_taken = left < bytes.len ? (size_t)left : bytes.len;
	return entries_feed(c, SLICE(bytes.p, *out_taken));
}

struct err *crl_check_feed(struct crl_check *self, struct slice bytes)
{
	DENY_UNLESS(bytes.len <= self->total - self->offset, "crl_length", "more octets than were announced");
	while (bytes.len > 0) {
		size_t taken = 0;

		TRY(piece_feed(self, &taken, bytes));
		self->offset += taken;
		bytes.p += taken;
		bytes.len -= taken;
	}
	return NULL;
}

struct err *crl_check_end(struct crl_check *self, int64_t *out_num_entries)
{
	DENY_UNLESS(self->offset == self->total, "crl_length", "%llu of %llu octets came",
		    (unsigned long long)self->offset, (unsigned long long)self->total);
	DENY_UNLESS(self->num_required_seen == self->num_required, "crl_entry_missing",
		    "%lld of the %lld serials that must be listed are missing",
		    (long long)(self->num_required - self->num_required_seen), (long long)self->num_required);
	*out_num_entries = self->num_entries;
	return NULL;
}
