/*
 * serial.c - certificate serial numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "asn1/serial.h"
#include "base/text.h"

struct err *serial_from_octets(struct serial *out, struct slice octets)
{
	ENSURE_FIELD(octets.len >= 1 && octets.len <= SERIAL_MAX_LEN, BAD_INPUT, "serial",
		     "RFC 5280 §4.1.2.2: a serial number has 1 to 20 octets, not %zu", octets.len);
	ENSURE_FIELD(octets.p[0] < 0x80, BAD_INPUT, "serial", "RFC 5280 §4.1.2.2: the serial number is negative");
	ENSURE_FIELD(octets.p[0] != 0 || (octets.len > 1 && octets.p[1] >= 0x80), BAD_INPUT, "serial",
		     "RFC 5280 §4.1.2.2: the serial number is zero or not minimal");
	*out = (struct serial){ .len = (uint8_t)octets.len };
	memcpy(out->b, octets.p, octets.len);
	return NULL;
}

struct err *serial_from_hex(struct serial *out, const char *hex)
{
	OWN(buf) octets = BUF_INIT(SERIAL_MAX_LEN);

	struct err *e = text_unhex(&octets, SLICE_STR(hex));
	if (e != NULL)
		return ERR_WRAP(e, "serial number");
	return serial_from_octets(out, buf_slice(&octets));
}

struct err *serial_from_asn1(struct serial *out, const ASN1_INTEGER *in)
{
	uint8_t octets[SERIAL_MAX_LEN + 2];

	ENSURE_FIELD(ASN1_STRING_type(in) == V_ASN1_INTEGER, BAD_INPUT, "serial",
		     "RFC 5280 §4.1.2.2: the serial number is negative");
	struct slice magnitude = SLICE(ASN1_STRING_get0_data(in), (size_t)ASN1_STRING_length(in));
	ENSURE_FIELD(magnitude.len >= 1 && magnitude.len <= SERIAL_MAX_LEN, BAD_INPUT, "serial",
		     "RFC 5280 §4.1.2.2: a serial number has 1 to 20 octets, not %zu", magnitude.len);
	octets[0] = 0;
	memcpy(octets + 1, magnitude.p, magnitude.len);
	bool needs_zero = octets[1] >= 0x80;
	return serial_from_octets(out, SLICE(octets + (needs_zero ? 0 : 1), magnitude.len + (needs_zero ? 1 : 0)));
}

struct err *serial_to_asn1(ASN1_INTEGER **out, const struct serial *in)
{
	size_t skip = in->len > 1 && in->b[0] == 0 ? 1 : 0;
	ASN1_INTEGER *n = ASN1_INTEGER_new();

	if (n == NULL || ASN1_STRING_set(n, in->b + skip, (int)(in->len - skip)) != 1) {
		ASN1_INTEGER_free(n);
		return ERR_OPENSSL(NO_MEMORY, "serial number");
	}
	*out = n;
	return NULL;
}

struct slice serial_slice(const struct serial *self)
{
	return SLICE(self->b, self->len);
}

const char *serial_hex(char out[SERIAL_HEX_SIZE], const struct serial *self)
{
	return text_hex_fixed(out, serial_slice(self));
}

bool serial_equal(const struct serial *a, const struct serial *b)
{
	return slice_equal(serial_slice(a), serial_slice(b));
}

int serial_compare(const struct serial *a, const struct serial *b)
{
	if (a->len != b->len) /* positive and minimal: the longer is the greater */
		return a->len < b->len ? -1 : 1;
	return memcmp(a->b, b->b, a->len);
}
