/*
 * gate.c - may this list be published? See gate.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/gate.h"

#include <inttypes.h>

#include "x509/suite.h"

static struct err *check_fields(const struct crl_gate *gate, const struct crl_list *list)
{
	const struct crl_spec *spec = gate->spec;

	ENSURE(slice_equal(list->issuer, spec->issuer), CONFLICT, "the list has another issuer");
	ENSURE(slice_equal(list->algorithm, spec->algorithm), CONFLICT, "the list has another signature algorithm");
	ENSURE(slice_equal(list->key_id, spec->key_id), CONFLICT, "the list has another authority key identifier");
	ENSURE(list->number == spec->number, CONFLICT, "the list has number %" PRId64 ", not %" PRId64, list->number,
	       spec->number);
	ENSURE(list->this_update_at == spec->this_update_at && list->next_update_at == spec->next_update_at &&
		       list->this_update_at < list->next_update_at,
	       CONFLICT, "the list has other times");
	ENSURE(list->is_delta == (spec->kind == CRL_DELTA) &&
		       (!list->is_delta ||
			(list->base_number == spec->base_number && spec->base_number < spec->number)),
	       CONFLICT, "the list has another base");
	return NULL;
}

static struct err *check_entry(const struct crl_gate *gate, const struct crl_list_entry *entry,
			       const struct crl_item *item)
{
	char hex[SERIAL_HEX_SIZE];

	ENSURE(serial_equal(&entry->serial, &item->serial), CONFLICT,
	       "the list has serial %s where the ledger has another", serial_hex(hex, &entry->serial));
	ENSURE(entry->revoked_at == item->revoked_at && entry->reason == crl_entry_reason(item) &&
		       entry->has_invalidity_at == item->has_invalidity_at &&
		       (!entry->has_invalidity_at || entry->invalidity_at == item->invalidity_at),
	       CONFLICT, "the entry of serial %s is not what was ordered", serial_hex(hex, &entry->serial));
	ENSURE(entry->revoked_at <= gate->spec->this_update_at, CONFLICT,
	       "the entry of serial %s is dated after thisUpdate", serial_hex(hex, &entry->serial));
	return NULL;
}

/* Walks the list and the ledger side by side. */
static struct err *check_entries(const struct crl_gate *gate, struct crl_list *list)
{
	struct crl_list_entry entry;
	size_t at = 0, num = 0;
	bool more = false;

	for (;; at++, num++) {
		while (at < gate->num_items && !crl_is_listed(gate->spec, &gate->items[at]))
			at++;
		TRY(crl_list_next(list, &entry, &more));
		if (!more || at == gate->num_items)
			break;
		TRY(check_entry(gate, &entry, &gate->items[at]));
	}
	ENSURE(!more, CONFLICT, "the list has more entries than the ledger");
	ENSURE(at == gate->num_items && num == gate->num_entries, CONFLICT, "the list has %zu entries, the ledger more",
	       num);
	return NULL;
}

/* Finds the serial, first where the walk stands: previous lists are sorted as ours are. */
static const struct crl_item *find_item(const struct crl_gate *gate, const struct serial *serial, size_t *at)
{
	size_t low = 0, high = gate->num_items;

	if (*at < high && serial_equal(&gate->items[*at].serial, serial))
		return &gate->items[(*at)++];
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = serial_compare(&gate->items[mid].serial, serial);

		if (order == 0) {
			*at = mid + 1;
			return &gate->items[mid];
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static struct err *check_gone(const struct crl_gate *gate, const struct crl_list *previous,
			      const struct crl_list_entry *entry, const struct crl_item *item)
{
	char hex[SERIAL_HEX_SIZE];

	ENSURE(item != NULL, CONFLICT, "serial %s of list %" PRId64 " is unknown to the ledger",
	       serial_hex(hex, &entry->serial), previous->number);
	if (crl_is_listed(gate->spec, item) || item->action == CRL_RELEASE)
		return NULL;
	/* RFC 5280 §3.3: an entry stands on one list after the certificate has expired. */
	ENSURE(item->not_after_at < previous->this_update_at, CONFLICT,
	       "serial %s of list %" PRId64 " would be dropped before it stood on a list after its expiry",
	       serial_hex(hex, &entry->serial), previous->number);
	return NULL;
}

static struct err *check_previous(const struct crl_gate *gate, const struct crl_list *list)
{
	struct crl_list previous;
	struct crl_list_entry entry;
	size_t at = 0;
	bool more = false;

	TRY(crl_list_read(&previous, gate->previous));
	ENSURE(slice_equal(previous.issuer, list->issuer), CONFLICT, "the published list is of another issuer");
	ENSURE(previous.is_delta == list->is_delta, CONFLICT, "the published list is of another kind");
	ENSURE(list->number > previous.number, CONFLICT, "number %" PRId64 " does not follow %" PRId64, list->number,
	       previous.number);
	ENSURE(list->this_update_at > previous.this_update_at, CONFLICT,
	       "thisUpdate does not follow that of list %" PRId64, previous.number);
	/* A delta holds the orders since its base, not since the delta before. */
	while (!list->is_delta) {
		TRY(crl_list_next(&previous, &entry, &more));
		if (!more)
			break;
		TRY(check_gone(gate, &previous, &entry, find_item(gate, &entry.serial, &at)));
	}
	return NULL;
}

struct err *crl_gate_check(const struct crl_gate *gate, struct slice der)
{
	struct crl_list list;

	ENSURE(der.len == gate->size_bytes, CONFLICT, "the list has %zu bytes, %zu were written", der.len,
	       gate->size_bytes);
	TRY(crl_list_read(&list, der));
	TRY(check_fields(gate, &list));
	TRY(suite_verify_spki(gate->public_key, list.algorithm, list.tbs, list.signature));
	if (gate->previous.len > 0)
		TRY(check_previous(gate, &list));
	return check_entries(gate, &list);
}
