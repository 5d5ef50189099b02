/*
 * messages.c - SIMULATOR of an SMS gateway. See messages.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/simulators/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "x509/person.h"

struct err *messages_init(struct messages *self)
{
	self->num = 0;
	self->ring = calloc(MESSAGES_KEPT, sizeof *self->ring);
	ENSURE(self->ring != NULL, NO_MEMORY, "out of memory");
	return NULL;
}

void messages_clear(struct messages *self)
{
	free(self->ring);
	self->ring = NULL;
}

struct err *messages_take(struct messages *self, uint64_t *out_id, const char *to, const char *text)
{
	size_t length;

	TRY(person_check_phone("to", SLICE_STR(to)));
	ENSURE_FIELD(text[0] != '\0' && strlen(text) < MESSAGE_TEXT_SIZE, BAD_INPUT, "text",
		     "the text has 1 to %d octets", MESSAGE_TEXT_SIZE - 1);
	TRY(text_utf8_length(&length, SLICE_STR(text)));
	struct message *message = &self->ring[self->num % MESSAGES_KEPT];
	message->id = self->num++;
	message->at = clock_now_s();
	(void)snprintf(message->to, sizeof message->to, "%s", to);
	(void)snprintf(message->text, sizeof message->text, "%s", text);
	*out_id = message->id;
	return NULL;
}

static struct err *message_add(json_t *list, const struct message *message)
{
	char at[CLOCK_RFC3339_SIZE];
	json_t *row = json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)message->id, "to", message->to, "text",
				message->text, "at", clock_rfc3339(at, message->at));

	ENSURE(json_array_insert_new(list, 0, row) == 0, NO_MEMORY, "out of memory");
	return NULL;
}

struct err *messages_of(json_t **out, const struct messages *self, const char *to)
{
	uint64_t oldest = self->num > MESSAGES_KEPT ? self->num - MESSAGES_KEPT : 0;
	json_t *answer = json_object();
	json_t *list = json_array();

	if (answer == NULL || list == NULL || json_object_set_new(answer, "messages", list) != 0) {
		json_decref(answer);
		return ERR(NO_MEMORY, "out of memory");
	}
	*out = answer;
	for (uint64_t id = self->num; id > oldest && json_array_size(list) < MESSAGES_SHOWN; id--) {
		const struct message *message = &self->ring[(id - 1) % MESSAGES_KEPT];
		if (strcmp(message->to, to) == 0)
			TRY(message_add(list, message));
	}
	return NULL;
}
