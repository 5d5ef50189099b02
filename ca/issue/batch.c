/*
 * batch.c - see batch.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tlog/leaf.h"

enum { ANSWER_MAX = 32 * 1024 * 1024 };

struct err *issue_batch_create(struct issue_batch **out, struct issue_rules *rules)
{
	struct issue_batch *self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "batch");
	self->rules = issue_rules_share(rules);
	self->answer = (struct buf)BUF_INIT(ANSWER_MAX);
	self->begun_us = clock_mono_us();
	*out = self;
	return NULL;
}

void issue_batch_reset(struct issue_batch *self)
{
	for (size_t i = 0; i < self->num; i++) {
		buf_clear(&self->items[i].tbs);
		buf_clear(&self->items[i].certificate);
	}
	free(self->items);
	free(self->evidence);
	self->items = NULL;
	self->evidence = NULL;
	self->num = 0;
	self->num_evidence = 0;
	db_result_destroy(&self->claim);
	db_result_destroy(&self->decisions);
	buf_clear(&self->answer);
}

void issue_batch_destroy(struct issue_batch **batch)
{
	if (*batch == NULL)
		return;
	issue_batch_reset(*batch);
	issue_rules_release(&(*batch)->rules);
	free(*batch);
	*batch = NULL;
}

void issue_item_end(struct issue_item *self, enum issue_outcome outcome, struct slice word, struct slice text)
{
	self->outcome = outcome;
	(void)log_text_fit(self->word, sizeof self->word, word);
	(void)log_text_fit(self->text, sizeof self->text, text);
}

bool issue_item_failed_by(const struct issue_item *self, struct slice word)
{
	size_t len = strcspn(self->last_error, ":");

	return len > 0 && slice_equal(SLICE(self->last_error, len), word);
}

size_t issue_batch_count(const struct issue_batch *self, enum issue_outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < self->num; i++)
		n += self->items[i].outcome == outcome;
	return n;
}

/* ---- the request */

/* Arrays that the message borrows while it is encoded. */
struct request_room {
	struct msg_signed_decision *evidence;
	struct msg_sign_cert_item *items;
	struct slice *decisions; /* AUTHORITY_MAX_DECISIONS for each item */
};

static void room_clear(struct request_room *self)
{
	free(self->evidence);
	free(self->items);
	free(self->decisions);
}
OWN_TYPE(request_room, struct request_room, room_clear)

static void fill_item(struct msg_sign_cert_item *out, struct slice *decisions, const struct issue_batch *batch,
		      const struct issue_item *item)
{
	for (size_t d = 0; d < item->num_decisions; d++)
		decisions[d] = batch->evidence[item->decisions[d]].digest;
	*out = (struct msg_sign_cert_item){ .authorisation = item->authorisation,
					    .decisions = decisions,
					    .num_decisions = item->num_decisions,
					    .serial = item->serial,
					    .not_before_at = item->not_before_at,
					    .tbs = buf_slice(&item->tbs) };
}

/* The decisions that planned items name; returns how many. */
static size_t gather_evidence(struct msg_signed_decision *out, const struct issue_batch *batch)
{
	size_t n = 0;

	for (size_t e = 0; e < batch->num_evidence; e++) {
		bool is_named = false;
		for (size_t i = 0; i < batch->num && !is_named; i++)
			for (size_t d = 0; d < batch->items[i].num_decisions && !is_named; d++)
				is_named =
					batch->items[i].outcome == ISSUE_PLANNED && batch->items[i].decisions[d] == e;
		if (is_named)
			out[n++] = (struct msg_signed_decision){ batch->evidence[e].der, batch->evidence[e].cms };
	}
	return n;
}

struct err *issue_batch_request(struct issue_batch *self, struct buf *out)
{
	OWN(request_room)
	room = { calloc(self->num_evidence + 1, sizeof *room.evidence), calloc(self->num + 1, sizeof *room.items),
		 calloc((self->num + 1) * AUTHORITY_MAX_DECISIONS, sizeof *room.decisions) };
	struct msg_sign_cert message = { .evidence = room.evidence, .items = room.items };

	ENSURE(room.evidence != NULL && room.items != NULL && room.decisions != NULL, NO_MEMORY,
	       "request to the signer");
	message.num_evidence = gather_evidence(room.evidence, self);
	for (size_t i = 0; i < self->num; i++) {
		struct issue_item *item = &self->items[i];
		if (item->outcome != ISSUE_PLANNED)
			continue;
		TRY(lint_token_use(&item->token, buf_slice(&item->tbs)));
		fill_item(&room.items[message.num_items], &room.decisions[message.num_items * AUTHORITY_MAX_DECISIONS],
			  self, item);
		message.num_items++;
	}
	return msg_sign_cert_encode(out, &message);
}

/* ---- the answer */

static void take_refusal(struct issue_item *item, const struct msg_sign_cert_result *result)
{
	switch (issue_refusal_decide(result->reason)) {
	case ISSUE_REFUSAL_FINAL:
		issue_item_end(item, ISSUE_REJECTED, result->reason, result->text);
		return;
	case ISSUE_REFUSAL_REPLAN:
		/* Twice in a row it is not the plan that is wrong. */
		issue_item_end(item, issue_item_failed_by(item, result->reason) ? ISSUE_RETRY : ISSUE_AT_ONCE,
			       result->reason, result->text);
		return;
	case ISSUE_REFUSAL_RETRY:
		break;
	}
	issue_item_end(item, ISSUE_RETRY, result->reason, result->text);
}

static void take_result(struct issue_item *item, const struct msg_sign_cert_result *result)
{
	if (result->status == MSG_ITEM_DONE) {
		item->outcome = ISSUE_SIGNED;
		item->signed_tbs = result->tbs;
		item->signature = result->signature;
		item->seq = result->seq;
	} else if (result->status == MSG_ITEM_REFUSED) {
		take_refusal(item, result);
	} else {
		issue_item_end(item, ISSUE_RETRY, SLICE_STR("signer_busy"), result->text);
	}
}

struct err *issue_batch_answer(struct issue_batch *self, struct slice body)
{
	OWN(msg_sign_cert_ok) message = { 0 };
	size_t next = 0;

	/* The body lives only as long as the bus says: ours lives with the batch. */
	TRY(buf_set(&self->answer, body));
	TRY(msg_sign_cert_ok_decode(&message, buf_slice(&self->answer)));
	ENSURE(message.num_items == issue_batch_count(self, ISSUE_PLANNED), BAD_INPUT,
	       "the signer answers %zu items of %zu", message.num_items, issue_batch_count(self, ISSUE_PLANNED));
	for (size_t i = 0; i < self->num; i++)
		if (self->items[i].outcome == ISSUE_PLANNED)
			take_result(&self->items[i], &message.items[next++]);
	return NULL;
}

void issue_batch_failed(struct issue_batch *self, const struct err *e)
{
	char text[ISSUE_TEXT_MAX];

	(void)err_text(e, text, sizeof text);
	for (size_t i = 0; i < self->num; i++)
		if (self->items[i].outcome == ISSUE_PLANNED)
			issue_item_end(&self->items[i], ISSUE_RETRY, SLICE_STR(err_code_word(err_code(e))),
				       SLICE_STR(text));
}
