/*
 * head.h - may this head of the log be signed? Only if the tree it stands for begins with the tree of the last head.
 *
 * The signer keeps (size, root) of the last head it signed and never goes back; a repeated question about that very head
 * gets the same note. What is new must come with a consistency proof (RFC 6962 §2.1.2). The note is a C2SP checkpoint.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_HEAD_H
#define CA_SIGN_HEAD_H

#include "bus/msg_sign.h"
#include "tlog/note.h"

enum head_verdict { HEAD_SIGN = 1, HEAD_REPEAT = 2 };

/* The last head that was signed; size 0 and the root of no leaves before the first. */
struct head {
	uint64_t size;
	struct tree_hash root;
};
void head_init(struct head *out);

/* head_check() decides. Pure. *Errors* CONFLICT, field "oldSize": the question starts from another size than the kept
 * one; DENIED, field head_goes_back, head_forks or head_proof. */
struct err *head_check(enum head_verdict *out, const struct head *last, const struct msg_sign_head *asked) ERR_MUST_USE;

#endif
