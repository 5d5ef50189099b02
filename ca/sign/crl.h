/*
 * crl.h - may this list be signed? The streamed check of a TBSCertList against the orders that this signer accepted.
 *
 * What was announced (CRL_BEGIN) is judged first: number and times advance and are bounded, the watermark of orders
 * neither goes back nor leaves out what has been known for a while. From the announcement and the signer's own facts every
 * octet of the list but its entries follows, and is compared as it comes; each entry must be, octet for octet, what the
 * serial's last order up to the watermark says. A list holds exactly the unexpired serials that are revoked or held (a
 * delta: every serial with an order since its base); those that have expired may stay or go. Entries ascend, so that none
 * stands twice. A million entries take no copy: only the entry that a chunk boundary cuts is kept.
 * Keeps no state between lists; hashes and signs nothing. RFC 5280 §5.1, §5.2.3, §5.2.4, §5.3; design.md section 4.
 *
 * Every refusal is an error DENIED whose field is a word of CRL_REASONS (reasons.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_CRL_H
#define CA_SIGN_CRL_H

#include "bus/msg_crl.h"
#include "ca/sign/known.h"

/* A list that was signed before: what the next one must go on from. Zero when there is none. */
struct crl_signed {
	int64_t number;
	int64_t this_update_at;
	int64_t order_seq;
};

/* What the signer knows beside the announcement. Slices must outlive the check. */
struct crl_facts {
	const struct known *known;
	struct slice issuer; /* issuer name, as in CRL_BEGIN */
	struct slice subject; /* Name of the issuing certificate, whole DER */
	struct slice key_id; /* its subjectKeyIdentifier */
	struct slice algorithm; /* AlgorithmIdentifier of the signature, whole DER */
	int64_t ca_not_after_at;
	int64_t now;
	struct crl_signed last_full, last_delta;
	struct crl_signed base; /* of a delta: the full list with the number that it names; zero when it is not known */
	/* When the oldest accepted order with a number past the watermark was accepted; INT64_MAX when there is none. */
	int64_t left_out_at;
	int64_t max_validity_s; /* nextUpdate - thisUpdate */
	int64_t max_age_s; /* how far thisUpdate may lie back */
	int64_t order_grace_s; /* how long an accepted order may be left out */
};

struct crl_check;

/* crl_check_create() judges the announcement. *Errors* DENIED, NO_MEMORY. */
struct err *crl_check_create(struct crl_check **out, const struct crl_facts *facts,
			     const struct msg_crl_begin *begin) ERR_MUST_USE;
void crl_check_destroy(struct crl_check **self);
OWN_TYPE(crl_check, struct crl_check *, crl_check_destroy)

/* crl_check_feed() takes the next bytes of the list, in order. *Errors* DENIED; the check is then over. */
struct err *crl_check_feed(struct crl_check *self, struct slice bytes) ERR_MUST_USE;

/* crl_check_end() says whether the list is whole and complete. */
struct err *crl_check_end(struct crl_check *self, int64_t *out_num_entries) ERR_MUST_USE;

#endif
