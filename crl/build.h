/*
 * build.h - TBSCertList as DER, straight from sorted items: measured first, then streamed in pieces.
 *
 * The length of every part follows from counts, so nothing but one piece is ever in memory and the same list can be
 * streamed twice with the same bytes: once to the signer, once into the file. Version 2; issuer and algorithm copied
 * byte for byte; thisUpdate, nextUpdate; entries ascending by serial; cRLNumber, (deltaCRLIndicator,) AKI with keyid.
 * reasonCode is absent for unspecified; invalidityDate stands where the order gave it; a delta says removeFromCRL for
 * what was released. RFC 5280 §5.1, §5.2, §5.3
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_BUILD_H
#define CRL_BUILD_H

#include "base/buf.h"
#include "crl/schedule.h"
#include "crl/set.h"

enum { CRL_PIECE_BYTES = 1 << 20 };

struct crl_spec {
	enum crl_kind kind;
	struct slice issuer; /* Name, whole DER: the subject of the issuing certificate */
	struct slice algorithm; /* AlgorithmIdentifier of the signature, whole DER */
	struct slice key_id; /* subjectKeyIdentifier of the issuing certificate */
	int64_t number, base_number; /* base_number: of a delta */
	int64_t this_update_at, next_update_at;
	int64_t listed_from_at; /* a full list leaves out certificates that expired before; INT64_MIN: none */
};

/* crl_is_listed() says whether the item has an entry in such a list. */
bool crl_is_listed(const struct crl_spec *spec, const struct crl_item *item);
/* crl_entry_reason() is the reasonCode of its entry; 0: none. */
int crl_entry_reason(const struct crl_item *item);

/* A measured list. */
struct crl_layout {
	struct buf head, tail; /* the DER before the first and after the last entry */
	size_t num_entries;
	size_t tbs_len;
};
#define CRL_LAYOUT_INIT                                                                                                \
	{                                                                                                              \
		.head = BUF_INIT(64 * 1024), .tail = BUF_INIT(1024)                                                    \
	}
void crl_layout_clear(struct crl_layout *self);
OWN_TYPE(crl_layout, struct crl_layout, crl_layout_clear)

/* crl_layout_measure() fills the layout. *Errors* BAD_INPUT: times that are no Time of RFC 5280. */
struct err *crl_layout_measure(struct crl_layout *out, const struct crl_spec *spec, const struct crl_item *items,
			       size_t num) ERR_MUST_USE;

/* Gets the TBSCertList piece by piece: all but the last have CRL_PIECE_BYTES. */
struct crl_sink {
	struct err *(*put)(void *arg, struct slice piece);
	void *arg;
};

/* crl_layout_write() streams exactly layout->tbs_len bytes. The items must be those that were measured.
 * *Errors* those of the sink; BUG when the bytes are not as many as were measured. */
struct err *crl_layout_write(const struct crl_layout *layout, const struct crl_spec *spec, const struct crl_item *items,
			     size_t num, struct crl_sink sink) ERR_MUST_USE;

#endif
