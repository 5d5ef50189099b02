/*
 * notices.h - what people are told: texts in three languages, put into the outbox with the change they tell of, sent by
 * a worker of their own.
 *
 * The outbox is table `notification`: a row per notice, unique by its key, tried with growing pauses until sent or given
 * up. A notice may arrive twice when rad dies between sending and noting it; it never gets lost.
 * The one-time code stands in the row only until it is sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_NOTICES_H
#define RA_NOTICES_H

#include "ra/code.h"
#include "ra/worker.h"

#define RA_NOTICE_CODE "confirm_code"

/* A one-time code with everything that goes into the ledger about it. */
struct ra_code_notice {
	char key[64]; /* dedup_key */
	char fields[64]; /* JSON */
	uint8_t hash[RA_CODE_HASH_SIZE];
};
/* ra_code_notice_make() draws a code for an application; `send` counts its codes from 1. */
struct err *ra_code_notice_make(struct ra_code_notice *out, const char *number, int64_t send) ERR_MUST_USE;

/* ra_notice_text() writes the text of a notice in its language. *Errors* BAD_INPUT: unknown template, missing field. */
struct err *ra_notice_text(struct buf *out, const char *template, const char *language,
			   const char *fields) ERR_MUST_USE;

/* ra_notice_pause_ms() is the time until the next try after `attempts` tries: 1 s, doubling, at most an hour. */
int64_t ra_notice_pause_ms(int64_t attempts);

/* The worker that sends. */
extern const struct ra_worker_kind ra_notices_kind;

#endif
