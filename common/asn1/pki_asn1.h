/*
 * pki_asn1.h - the shape that certificates, lists and requests share: what was signed, how, and the signature.
 *
 * OpenSSL 3.0 has no public setter for a certificate's or CRL's signature, so our TBS bytes and signd's signature are
 * joined here. Our own structures are read and written with der.h by the module that owns each (authority.h, msg_*.h,
 * leaf.h; the ASN.1 stands above every struct): a reader that borrows costs a tenth of a template that copies, and knows
 * only the one canonical form. OpenSSL templates of the same ASN.1 are the judge in tests (tests/support/templates.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_ASN1_PKI_ASN1_H
#define COMMON_ASN1_PKI_ASN1_H

#include "base/buf.h"

/*
 * RFC 5280 §4.1, §5.1; RFC 2986 §4.2:
 * SIGNED ::= SEQUENCE { tbs ANY, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
 */

/* pki_signed_join() appends the SEQUENCE from the DER of tbs and AlgorithmIdentifier and the octets of the signature. */
struct err *pki_signed_join(struct buf *out, struct slice tbs, struct slice algorithm,
			    struct slice signature) ERR_MUST_USE;

/* pki_signed_split() takes one apart; the slices borrow `der`, which passed the gate. *Errors* BAD_INPUT. */
struct err *pki_signed_split(struct slice *out_tbs, struct slice *out_algorithm, struct slice *out_signature,
			     struct slice der) ERR_MUST_USE;

#endif
