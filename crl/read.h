/*
 * read.h - a CertificateList read strictly: what publish.c holds against what should have been written.
 *
 * Reads in one pass over bytes that stay where they are (a mapped file). Knows exactly the form that build.c writes
 * and no other: what it does not expect is an error, so a list that was damaged, or belongs to somebody else, never
 * passes. RFC 5280 §5
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_READ_H
#define CRL_READ_H

#include "asn1/der.h"

struct crl_list {
	struct slice tbs; /* whole DER */
	struct slice algorithm; /* AlgorithmIdentifier, whole DER; the inner one is the same */
	struct slice signature; /* of the BIT STRING */
	struct slice issuer; /* Name, whole DER */
	int64_t this_update_at, next_update_at;
	int64_t number;
	bool is_delta;
	int64_t base_number;
	struct slice key_id;
	struct der_reader entries; /* for crl_list_next() */
};

struct crl_list_entry {
	struct serial serial;
	int64_t revoked_at;
	int reason; /* 0: none */
	bool has_invalidity_at;
	int64_t invalidity_at;
};

/* crl_list_read() reads all but the entries. *Owns* nothing: `out` borrows `der`. *Errors* BAD_INPUT naming the
 * part. */
struct err *crl_list_read(struct crl_list *out, struct slice der) ERR_MUST_USE;

/* crl_list_next() reads the next entry; *out_more false: there is none. *Errors* BAD_INPUT. */
struct err *crl_list_next(struct crl_list *self, struct crl_list_entry *out, bool *out_more) ERR_MUST_USE;

#endif
