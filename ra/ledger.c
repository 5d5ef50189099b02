/*
 * ledger.c - entries for the log. See ledger.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/ledger.h"

#include "base/clock.h"

void ra_log_clear(struct ra_log *self)
{
	for (size_t i = 0; i < self->num; i++)
		buf_clear(&self->bytes[i]);
	self->num = 0;
}

void ra_log_begin(struct log_entry *out, enum log_kind kind, const struct ra_who *who, const char *number)
{
	log_entry_init(out, kind, clock_now_ms());
	log_entry_who(out, ra_actor_word(who->actor), who->person,
		      who->key_hash == NULL ? SLICE_NONE : SLICE(who->key_hash, 32));
	if (number != NULL && number[0] != '\0')
		log_entry_what(out, "application", number);
}

struct err *ra_log_add(struct ra_log *self, const struct log_entry *entry)
{
	size_t i = self->num;

	ENSURE(i < RA_LOG_MAX, BUG, "more than %d log entries in one step", RA_LOG_MAX);
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	TRY(log_entry_encode(&der, entry));
	TRY(log_salt(self->salt_bytes[i]));
	self->bytes[i] = (struct buf)BUF_INIT(LOG_ENTRY_MAX);
	buf_move(&self->bytes[i], &der);
	self->kinds[i] = SLICE_STR(entry->kind);
	self->at_ms[i] = entry->at_ms;
	self->entries[i] = buf_slice(&self->bytes[i]);
	self->salts[i] = SLICE(self->salt_bytes[i], LOG_SALT_SIZE);
	self->num++;
	return NULL;
}

struct err *ra_log_state(struct ra_log *self, const struct ra_who *who, const char *number, enum ra_state from,
			 enum ra_state to, enum ra_event event, const char *why)
{
	struct log_entry entry;

	if (from == to)
		return NULL;
	ra_log_begin(&entry, LOG_KIND_APPLICATION_STATE, who, number);
	log_entry_what(&entry, "event", ra_event_word(event));
	log_entry_what(&entry, "from", ra_state_word(from));
	log_entry_what(&entry, "to", ra_state_word(to));
	log_entry_why(&entry, why);
	return ra_log_add(self, &entry);
}
