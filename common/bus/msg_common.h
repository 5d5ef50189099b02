/*
 * msg_common.h - bodies that several edges share: the error answer, prompts, the empty body.
 *
 * How all bodies work: a body is a plain struct of integers, slices and arrays. MSG_BODY(name) declares
 *
 *   name_encode(out, body)   appends the DER; the struct may point anywhere, `mem` is ignored
 *   name_decode(out, der)    reads strictly (whole input, minimal DER, UTF-8 checked, limits of lists and texts). Slices
 *                            borrow from `der`; arrays belong to the struct and live until name_clear()
 *   name_clear(self)         frees what a decode made; harmless on a struct that is all zero or was filled by hand
 *   OWN(name)                frees at the end of the scope:   OWN(msg_prompt) body = { 0 };
 *
 * *Errors* of decode: BAD_INPUT naming the field, TOO_LARGE (the limit of the message's row in msg_types.def),
 * NO_MEMORY; of encode: TOO_LARGE, BAD_INPUT (a text that is not UTF-8), BUG (a value out of its range).
 * Texts are slices of UTF-8 without NUL. Instants are Unix seconds unless they end in _ms. Digests are 32 bytes,
 * checked both ways.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_MSG_COMMON_H
#define COMMON_BUS_MSG_COMMON_H

#include "bus/msg.h"

struct msg_mem;

#define MSG_BODY(name)                                                                                                 \
	struct err *name##_encode(struct buf *out, const struct name *body) ERR_MUST_USE;                              \
	struct err *name##_decode(struct name *out, struct slice der) ERR_MUST_USE;                                    \
	void name##_clear(struct name *self);                                                                          \
	OWN_TYPE(name, struct name, name##_clear)

/* BusError: MSG_ERROR. `code` is a word of err_codes.def, `field` may be empty. */
struct msg_error {
	struct slice code, field, text;
	struct msg_mem *mem;
};
MSG_BODY(msg_error)

/* msg_error_from() fills a body from an error; its slices live as long as `e` and `text`. */
void msg_error_from(struct msg_error *out, const struct err *e, char *text, size_t text_len);
/* msg_error_to() makes an error of ours from a received body: same code (an unknown word becomes BUG), field and text,
 * "PEER: " before the text. */
struct err *msg_error_to(const struct msg_error *body, const char *peer) ERR_MUST_USE;

/* Prompt: MSG_ISSUE_PROMPT. A wake-up; the ledger holds the truth. */
enum msg_prompt_what { MSG_PROMPT_ISSUE = 1, MSG_PROMPT_ORDER = 2, MSG_PROMPT_POLICY = 3, MSG_PROMPT_LOG = 4 };
struct msg_prompt {
	int64_t what; /* enum msg_prompt_what; unknown values are refused */
	struct slice number; /* application number or "" */
	struct msg_mem *mem;
};
MSG_BODY(msg_prompt)

/* LedgerPrompt: MSG_LEDGER_PROMPT, published by cad after each batch. */
struct msg_ledger_prompt {
	int64_t log_size;
	int64_t order_seq;
	int64_t event_seq;
	struct msg_mem *mem;
};
MSG_BODY(msg_ledger_prompt)

/* Empty: an empty SEQUENCE (MSG_ISSUE_PROMPT_OK, MSG_SIGNER_STATUS, MSG_CRL_BEGIN_OK, MSG_CRL_END). */
struct msg_empty {
	struct msg_mem *mem;
};
MSG_BODY(msg_empty)

#endif
