/*
 * ledger.c - see ledger.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/ledger.h"

#include <stdlib.h>

#include "base/clock.h"

void ca_log_clear(struct ca_log *self)
{
	for (size_t i = 0; i < self->num; i++)
		buf_clear(&self->rows[i].entry);
	free(self->rows);
	*self = (struct ca_log)CA_LOG_INIT;
}

void ca_log_begin(struct log_entry *out, enum log_kind kind, const char *number)
{
	log_entry_init(out, kind, clock_now_ms());
	log_entry_who(out, "cad", "", SLICE_NONE);
	if (number != NULL && number[0] != '\0')
		log_entry_what(out, "application", number);
}

struct err *ca_log_add(struct ca_log *self, const struct log_entry *entry, struct ca_log_refs refs)
{
	if (self->num == self->cap) {
		size_t cap = self->cap == 0 ? 16 : self->cap * 2;
		struct ca_log_row *rows = realloc(self->rows, cap * sizeof *rows);
		ENSURE(rows != NULL, NO_MEMORY, "%zu log entries", cap);
		self->rows = rows;
		self->cap = cap;
	}
	struct ca_log_row *row = &self->rows[self->num];
	*row = (struct ca_log_row){ .kind = entry->kind,
				    .at_ms = entry->at_ms,
				    .entry = BUF_INIT(LOG_ENTRY_MAX),
				    .application_id = refs.application_id,
				    .certificate_id = refs.certificate_id,
				    .order_id = refs.order_id };
	self->num++;
	TRY(log_entry_encode(&row->entry, entry));
	return log_salt(row->salt);
}

struct err *ca_log_state(struct ca_log *self, int64_t application_id, const char *number, const char *from,
			 const char *to, const char *why)
{
	struct log_entry entry;

	ca_log_begin(&entry, LOG_KIND_APPLICATION_STATE, number);
	log_entry_what(&entry, "from", from);
	log_entry_what(&entry, "to", to);
	log_entry_why(&entry, why);
	return ca_log_add(self, &entry, (struct ca_log_refs){ .application_id = application_id });
}
