/*
 * messages.h - SIMULATOR of an SMS gateway: messages are kept in memory, the oldest fall out, nothing is ever sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEPLOY_SIMULATORS_MESSAGES_H
#define DEPLOY_SIMULATORS_MESSAGES_H

#include <jansson.h>

#include "base/buf.h"

#define MESSAGES_KEPT	  4096
#define MESSAGES_SHOWN	  20 /* of one number, the newest ones */
#define MESSAGE_TEXT_SIZE 1001

struct messages {
	uint64_t num; /* ever taken; the id of the next one */
	struct message {
		uint64_t id;
		int64_t at;
		char to[20];
		char text[MESSAGE_TEXT_SIZE];
	} * ring; /* MESSAGES_KEPT places */
};

struct err *messages_init(struct messages *self) ERR_MUST_USE;
void messages_clear(struct messages *self);
OWN_TYPE(messages, struct messages, messages_clear)

/* messages_take() keeps a message. *Errors* BAD_INPUT naming `to` (a phone number) or `text` (1..1000 octets of UTF-8). */
struct err *messages_take(struct messages *self, uint64_t *out_id, const char *to, const char *text) ERR_MUST_USE;

/* messages_of() gives {"messages": [{"id", "to", "text", "at"}]} of a number, the newest last. *Owns*: the caller. */
struct err *messages_of(json_t **out, const struct messages *self, const char *to) ERR_MUST_USE;

#endif
