/*
 * serial.h - certificate serial numbers: the content octets of a positive, minimal DER INTEGER of 1 to 20 octets.
 *
 * In texts a serial is the lower-case hexadecimal of these octets (even length, a leading 00 included where DER needs
 * one). RFC 5280 §4.1.2.2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_ASN1_SERIAL_H
#define COMMON_ASN1_SERIAL_H

#include <openssl/asn1.h>

#include "base/buf.h"

#define SERIAL_MAX_LEN	20
#define SERIAL_HEX_SIZE (2 * SERIAL_MAX_LEN + 1)

struct serial {
	uint8_t len;
	uint8_t b[SERIAL_MAX_LEN];
};

/* serial_from_octets() takes content octets. *Errors* BAD_INPUT unless 1..20 octets, minimal, positive (not zero). */
struct err *serial_from_octets(struct serial *out, struct slice octets) ERR_MUST_USE;

/* serial_from_hex() reads hexadecimal text (either case, even length). *Errors* BAD_INPUT as above. */
struct err *serial_from_hex(struct serial *out, const char *hex) ERR_MUST_USE;

/* serial_from_asn1() and serial_to_asn1() convert to and from OpenSSL's integers. *Owns* *out: the caller. */
struct err *serial_from_asn1(struct serial *out, const ASN1_INTEGER *in) ERR_MUST_USE;
struct err *serial_to_asn1(ASN1_INTEGER **out, const struct serial *in) ERR_MUST_USE;

/* serial_slice() borrows the content octets. */
struct slice serial_slice(const struct serial *self);

/* serial_hex() writes lower-case hexadecimal and returns out. */
const char *serial_hex(char out[SERIAL_HEX_SIZE], const struct serial *self);

/* serial_equal(); serial_compare() orders by value (<0, 0, >0). */
bool serial_equal(const struct serial *a, const struct serial *b);
int serial_compare(const struct serial *a, const struct serial *b);

#endif
