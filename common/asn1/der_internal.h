/*
 * der_internal.h - the one function that reads a tag and a length, shared by the gate and the reader.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_ASN1_DER_INTERNAL_H
#define COMMON_ASN1_DER_INTERNAL_H

#include "asn1/der.h"

struct der_head {
	uint8_t id; /* identifier octet: class, constructed bit, low tag number or 31 */
	size_t header_len;
	size_t content_len;
};

/* der_head_parse() reads identifier and length at p, of which `left` octets are there. It gives NULL, or what is wrong
 * ("length is not minimal"): the callers know where they are and make the error. */
const char *der_head_parse(struct der_head *out, const uint8_t *p, size_t left);

/* der_content_check() says what is wrong with the content of a primitive universal type, NULL when nothing is. */
const char *der_content_check(uint8_t id, struct slice content);

#endif
