/*
 * endings.c - see endings.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/endings.h"

#include <stdio.h>
#include <stdlib.h>

/* The items of a batch that are looked at. */
struct range {
	const struct issue_batch *batch;
	size_t from, to;
};

static bool is_first_of_application(const struct range *r, size_t i)
{
	const struct issue_batch *batch = r->batch;

	for (size_t k = r->from; k < i; k++)
		if (batch->items[k].outcome == ISSUE_REJECTED && !batch->items[k].is_ended &&
		    batch->items[k].application_id == batch->items[i].application_id)
			return false;
	return true;
}

static struct err *log_rejection(struct ca_log *log, const struct issue_item *item, const char *from)
{
	const struct ca_log_refs refs = { .application_id = item->application_id };
	struct log_entry entry;

	ca_log_begin(&entry, LOG_KIND_REQUEST_REFUSED, item->number);
	log_entry_what(&entry, "purpose", item->purpose);
	log_entry_what(&entry, "reason", item->word);
	log_entry_why(&entry, item->text);
	log_entry_object(&entry, "authorisation", item->digest);
	TRY(ca_log_add(log, &entry, refs));
	if (from[0] == '\0')
		return NULL;
	return ca_log_state(log, item->application_id, item->number, from, "rejected", item->word);
}

static struct err *end_rejected(struct db *db, const struct range *r, struct ca_log *log)
{
	char from[16];

	for (size_t i = r->from; i < r->to; i++) {
		const struct issue_item *item = &r->batch->items[i];
		if (item->outcome != ISSUE_REJECTED || item->is_ended || !is_first_of_application(r, i))
			continue;
		TRY(ca_reject(db, from, item->application_id, item->word, item->text));
		TRY(log_rejection(log, item, from));
	}
	return NULL;
}

static struct err *end_dropped(struct db *db, const struct range *r, int64_t *ids)
{
	size_t n = 0;

	for (size_t i = r->from; i < r->to; i++)
		if (r->batch->items[i].outcome == ISSUE_DROPPED && !r->batch->items[i].is_ended)
			ids[n++] = r->batch->items[i].request_id;
	return n == 0 ? NULL : ca_dequeue(db, ids, n);
}

enum { ERROR_MAX = ISSUE_WORD_MAX + ISSUE_TEXT_MAX };

static struct err *end_postponed(struct db *db, const struct range *r, const struct issue_limits *limits, int64_t *ids)
{
	const struct issue_batch *batch = r->batch;
	int64_t *waits = calloc(batch->num, sizeof *waits);
	struct slice *errors = calloc(batch->num, sizeof *errors);
	char(*texts)[ERROR_MAX] = calloc(batch->num, sizeof *texts);
	struct err *e = NULL;
	size_t n = 0;

	for (size_t i = r->from; i < r->to && waits != NULL && errors != NULL && texts != NULL; i++) {
		const struct issue_item *item = &batch->items[i];
		if ((item->outcome != ISSUE_RETRY && item->outcome != ISSUE_AT_ONCE) || item->is_ended)
			continue;
		int len = item->word[0] == '\0' ? 0 : snprintf(texts[n], ERROR_MAX, "%s: %s", item->word, item->text);
		ids[n] = item->request_id;
		waits[n] = item->outcome == ISSUE_AT_ONCE
				   ? 0
				   : issue_backoff_ms(item->attempts, limits->retry_ms, limits->retry_max_ms);
		errors[n] = SLICE(texts[n], (size_t)len);
		n++;
	}
	if (waits == NULL || errors == NULL || texts == NULL)
		e = ERR(NO_MEMORY, "batch of %zu", batch->num);
	else if (n > 0)
		e = ca_postpone(db, ids, waits, errors, n);
	free(waits);
	free(errors);
	free(texts);
	return e;
}

struct err *issue_end_items(struct db *db, const struct issue_batch *batch, size_t from, size_t to,
			    const struct issue_limits *limits, struct ca_log *log)
{
	const struct range r = { batch, from, to };

	TRY(end_rejected(db, &r, log));
	int64_t *ids = calloc(batch->num + 1, sizeof *ids);
	ENSURE(ids != NULL, NO_MEMORY, "batch of %zu", batch->num);
	struct err *e = end_dropped(db, &r, ids);
	if (e == NULL)
		e = end_postponed(db, &r, limits, ids);
	free(ids);
	return e;
}

void issue_mark_ended(struct issue_batch *batch, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (batch->items[i].outcome != ISSUE_PLANNED)
			batch->items[i].is_ended = true;
}
