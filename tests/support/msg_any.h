/*
 * msg_any.h - reads a body of any message and writes it again: for golden vectors, mutations and fuzzing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_MSG_ANY_H
#define TESTS_SUPPORT_MSG_ANY_H

#include "bus/msg.h"

/* msg_any_again() decodes `der` as the body of `type` and appends what encoding it gives. *Errors* those of decode;
 * NOT_FOUND for a type whose body the bus does not read (POLICY_PUT). */
struct err *msg_any_again(struct buf *out, uint16_t type, struct slice der) ERR_MUST_USE;

#endif
