/*
 * journal_record.h - the DER of the journal's records. For journal.c and what reads journals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_JOURNAL_RECORD_H
#define CA_SIGN_JOURNAL_RECORD_H

#include "asn1/der.h"
#include "ca/sign/journal.h"

/* journal_record_encode() appends a record. *Errors* BUG (a value out of its range), TOO_LARGE. */
struct err *journal_record_encode(struct buf *out, const struct journal_record *record) ERR_MUST_USE;

/* journal_record_decode() reads the next record; its slices borrow what `in` reads. *Errors* BAD_INPUT. */
struct err *journal_record_decode(struct journal_record *out, struct der_reader *in) ERR_MUST_USE;

/* journal_kind_is_event() says whether records of the kind are numbered. */
bool journal_kind_is_event(enum journal_kind kind);

#endif
