/*
 * msg_common.c - bodies that several edges share. See msg_common.h, PROTOCOL.md "Bodies".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/msg_common.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bus/msg_body.h"

MSG_BODY_DEFINE(msg_error, MSG_ERROR, MSG_TEXT(struct msg_error, code, 32), MSG_TEXT(struct msg_error, field, 64),
		MSG_TEXT(struct msg_error, text, 4096))

MSG_BODY_DEFINE(msg_prompt, MSG_ISSUE_PROMPT, MSG_ENUM(struct msg_prompt, what, MSG_PROMPT_LOG),
		MSG_TEXT(struct msg_prompt, number, 128))

MSG_BODY_DEFINE(msg_ledger_prompt, MSG_LEDGER_PROMPT, MSG_UINT(struct msg_ledger_prompt, log_size),
		MSG_UINT(struct msg_ledger_prompt, order_seq), MSG_UINT(struct msg_ledger_prompt, event_seq))

static const struct msg_shape msg_empty_shape = { sizeof(struct msg_empty), NULL, 0 };
MSG_BODY_FUNCTIONS(msg_empty, MSG_SIGNER_STATUS)

void msg_error_from(struct msg_error *out, const struct err *e, char *text, size_t text_len)
{
	const char *field = err_field(e);
	size_t chars;

	memset(out, 0, sizeof *out);
	(void)err_text(e, text, text_len);
	out->code = SLICE_STR(err_code_word(err_code(e)));
	out->field = SLICE_STR(field == NULL ? "" : field);
	out->text = SLICE_STR(text);
	OWN(err) broken = text_utf8_length(&chars, out->text);
	if (broken != NULL) /* a sentence that was cut inside a character, or quotes bytes of a peer */
		out->text = SLICE_STR("(the sentence is not UTF-8; see the log)");
}

static enum err_code code_of_word(struct slice word)
{
	for (int i = ERR_OK + 1; i < ERR_CODE_COUNT; i++)
		if (slice_equal(word, SLICE_STR(err_code_word((enum err_code)i))))
			return (enum err_code)i;
	return ERR_BUG;
}

struct err *msg_error_to(const struct msg_error *body, const char *peer)
{
	char field[65];

	(void)snprintf(field, sizeof field, "%.*s", (int)body->field.len, (const char *)body->field.p);
	return err_new(code_of_word(body->code), __FILE__, __LINE__, field[0] == '\0' ? NULL : field, "%s: %.*s", peer,
		       (int)body->text.len, (const char *)body->text.p);
}
