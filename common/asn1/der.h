/*
 * der.h - the strict DER gate, the only callers of ASN1_item_d2i/i2d, and a small reader and writer for hot paths.
 *
 * Every byte that comes from outside passes der_strict() before OpenSSL sees it: d2i accepts trailing bytes, long and
 * indefinite lengths, and objects that cache their encoding give the bad bytes back. The reader is as strict as the
 * gate and borrows from its input; the writer appends canonical DER to a struct buf.
 * Tags are identifier octets as they stand in the encoding (class, constructed bit and low tag number): 0x30, 0xA0.
 * ITU-T X.690 §10, §11; RFC 5280 §4.1.2.5 for times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_ASN1_DER_H
#define COMMON_ASN1_DER_H

#include <openssl/asn1t.h>

#include "asn1/serial.h"
#include "base/buf.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0A,
	DER_UTF8_STRING = 0x0C,
	DER_PRINTABLE_STRING = 0x13,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};
#define DER_CONTEXT(n)		   ((uint8_t)(0x80u | (n))) /* [n] IMPLICIT of a primitive type */
#define DER_CONTEXT_CONSTRUCTED(n) ((uint8_t)(0xA0u | (n))) /* [n] EXPLICIT, or IMPLICIT of a SEQUENCE or SET */

/* ---- the gate ---- */

#define DER_MAX_DEPTH	  16
#define DER_MAX_DEPTH_CMS 20 /* signingCertificateV2 with its issuerSerial inside a SignedData is at 18 */
enum der_flags {
	DER_SET_ORDER =
		1, /* elements of every SET must be in ascending order of their encodings (SET OF, X.690 §11.6) */
	DER_DEEP = 2, /* DER_MAX_DEPTH_CMS levels */
};

/*
 * der_strict() checks that the bytes are exactly one DER value: definite minimal lengths, minimal tag numbers, depth <=
 * 16, primitive and constructed forms as the universal types ask, BOOLEAN 00 or FF, minimal INTEGER and ENUMERATED,
 * BIT STRING unused bits zero, OBJECT IDENTIFIER arcs minimal and ended, NULL empty, times in their DER form, UTF8String
 * well-formed. *Errors* TOO_LARGE past max_len; BAD_INPUT with the offset.
 */
struct err *der_strict(struct slice der, size_t max_len) ERR_MUST_USE;
struct err *der_strict_flags(struct slice der, size_t max_len, unsigned flags) ERR_MUST_USE;

/* ---- OpenSSL templates ---- */

/*
 * der_decode() passes the gate, then decodes by the template. *Owns* *out (a pointer to the template's type): the
 * caller, freed by that type's _free(). *Errors* TOO_LARGE, BAD_INPUT; *out is unchanged then.
 * Call it through DER_DECODE(), which checks the pointer's type: DER_DECODE(&crt, X509, der, limit).
 */
struct err *der_decode(void **out, const ASN1_ITEM *item, struct slice der, size_t max_len) ERR_MUST_USE;
#define DER_DECODE(out, type, der, max_len)                                                                            \
	({                                                                                                             \
		void *der_object_ = NULL;                                                                              \
		struct err *der_err_ = der_decode(&der_object_, ASN1_ITEM_rptr(type), (der), (max_len));               \
		if (der_err_ == NULL)                                                                                  \
			*(type **)(out) = der_object_;                                                                 \
		(void)sizeof((out) == (type **)NULL);                                                                  \
		der_err_;                                                                                              \
	})

/* der_encode() appends the DER of the object. *Errors* TOO_LARGE (buffer's maximum), BUG (an object that has no DER). */
struct err *der_encode(struct buf *out, const ASN1_ITEM *item, const void *object) ERR_MUST_USE;
#define DER_ENCODE(out, type, object)                                                                                  \
	({                                                                                                             \
		const type *der_object_ = (object);                                                                    \
		der_encode((out), ASN1_ITEM_rptr(type), der_object_);                                                  \
	})

/* ---- reader ---- */

struct der_reader {
	const uint8_t *p, *end;
};

struct der_tlv {
	uint8_t tag; /* identifier octet */
	struct slice whole; /* header and content */
	struct slice content;
};

/* der_reader_init() starts over the bytes, which the reader and everything read from it borrow. */
void der_reader_init(struct der_reader *self, struct slice der);
bool der_reader_done(const struct der_reader *self);
/* der_peek() says whether the next value has the tag. */
bool der_peek(const struct der_reader *self, uint8_t tag);
/* der_finish() refuses bytes that are left. `what` names the structure in the sentence. */
struct err *der_finish(const struct der_reader *self, const char *what) ERR_MUST_USE;

/*
 * The reads below move past one value or return BAD_INPUT naming `what`, the field, and leave the reader as it was. All
 * accept only the one DER form. Low tag numbers only.
 */
struct err *der_next(struct der_reader *self, struct der_tlv *out, const char *what) ERR_MUST_USE;
struct err *der_expect(struct der_reader *self, struct slice *out_content, uint8_t tag, const char *what) ERR_MUST_USE;
/* der_expect_whole() gives header and content of a value with the tag (a Name, a SubjectPublicKeyInfo). */
struct err *der_expect_whole(struct der_reader *self, struct slice *out, uint8_t tag, const char *what) ERR_MUST_USE;
/* der_enter() opens a constructed value; out_inner reads its content. */
struct err *der_enter(struct der_reader *self, struct der_reader *out_inner, uint8_t tag,
		      const char *what) ERR_MUST_USE;
struct err *der_expect_sequence(struct der_reader *self, struct der_reader *out_inner, const char *what) ERR_MUST_USE;
struct err *der_read_int64(struct der_reader *self, int64_t *out, const char *what) ERR_MUST_USE;
/* der_read_uint() reads an INTEGER of 0..INT64_MAX. */
struct err *der_read_uint(struct der_reader *self, int64_t *out, const char *what) ERR_MUST_USE;
struct err *der_read_enumerated(struct der_reader *self, int64_t *out, const char *what) ERR_MUST_USE;
struct err *der_read_serial(struct der_reader *self, struct serial *out, const char *what) ERR_MUST_USE;
struct err *der_read_boolean(struct der_reader *self, bool *out, const char *what) ERR_MUST_USE;
/* der_read_oid() gives the content octets (oid.h compares and prints them). */
struct err *der_read_oid(struct der_reader *self, struct slice *out, const char *what) ERR_MUST_USE;
/* der_read_octets() gives an OCTET STRING of min..max octets. */
struct err *der_read_octets(struct der_reader *self, struct slice *out, size_t min, size_t max,
			    const char *what) ERR_MUST_USE;
/* der_read_utf8() gives a UTF8String of min..max octets: well-formed, without NUL. */
struct err *der_read_utf8(struct der_reader *self, struct slice *out, size_t min, size_t max,
			  const char *what) ERR_MUST_USE;
/* der_read_bits() gives a BIT STRING whose bits fill its octets (a signature, a key). */
struct err *der_read_bits(struct der_reader *self, struct slice *out, const char *what) ERR_MUST_USE;
/* der_read_time() reads UTCTime or GeneralizedTime in the form of RFC 5280 §4.1.2.5 (UTCTime through 2049). */
struct err *der_read_time(struct der_reader *self, int64_t *out_at, const char *what) ERR_MUST_USE;
/* der_read_generalized_time() reads GeneralizedTime without fraction, of any year (invalidityDate, OCSP). */
struct err *der_read_generalized_time(struct der_reader *self, int64_t *out_at, const char *what) ERR_MUST_USE;
/* der_time_decode() is der_read_time() over content octets. */
struct err *der_time_decode(int64_t *out_at, uint8_t tag, struct slice content) ERR_MUST_USE;

/* der_civil_decode() reads "YYMMDDHHMMSSZ" or, for GeneralizedTime, "YYYYMMDDHHMMSSZ" of any year; false when it is none
 * (OCSP's and CRLs' own times have other rules of which type is used when). */
bool der_civil_decode(int64_t *out_at, uint8_t tag, struct slice content);

/* ---- writer: every call appends one canonical value ---- */

/* der_open() begins a constructed value of unknown length; der_close() with the same mark ends it (and moves the
 * content by the size of its length: for very long contents write der_header() with a counted length instead). */
struct err *der_open(struct buf *out, size_t *mark, uint8_t tag) ERR_MUST_USE;
struct err *der_close(struct buf *out, size_t mark) ERR_MUST_USE;
/* der_header() appends tag and length of content that the caller appends next; der_header_len() is its size. */
struct err *der_header(struct buf *out, uint8_t tag, size_t content_len) ERR_MUST_USE;
size_t der_header_len(size_t content_len);
/* der_tlv() appends a value with given content. */
struct err *der_tlv(struct buf *out, uint8_t tag, struct slice content) ERR_MUST_USE;
struct err *der_int64(struct buf *out, int64_t value) ERR_MUST_USE;
/* der_int64_tagged() is der_int64() under another tag: ENUMERATED, or [n] IMPLICIT INTEGER. */
struct err *der_int64_tagged(struct buf *out, uint8_t tag, int64_t value) ERR_MUST_USE;
struct err *der_enumerated(struct buf *out, int64_t value) ERR_MUST_USE;
/* der_unsigned() appends an INTEGER from a big-endian magnitude (leading zeros allowed). */
struct err *der_unsigned(struct buf *out, struct slice magnitude) ERR_MUST_USE;
struct err *der_serial(struct buf *out, const struct serial *serial) ERR_MUST_USE;
struct err *der_boolean(struct buf *out, bool value) ERR_MUST_USE;
struct err *der_null(struct buf *out) ERR_MUST_USE;
struct err *der_oid(struct buf *out, struct slice content) ERR_MUST_USE;
struct err *der_octets(struct buf *out, struct slice octets) ERR_MUST_USE;
/* der_bits() appends a BIT STRING without unused bits. */
struct err *der_bits(struct buf *out, struct slice octets) ERR_MUST_USE;
/* der_named_bits() appends a BIT STRING of named bits, bit 0 of the ASN.1 type being 1 << 0 here; trailing zeros are
 * dropped (X.690 §11.2.2). For KeyUsage and ReasonFlags: at most 16 bits. */
struct err *der_named_bits(struct buf *out, unsigned bits) ERR_MUST_USE;
/* der_utf8() appends a UTF8String. *Errors* BAD_INPUT when the text is not well-formed or holds a NUL. */
struct err *der_utf8(struct buf *out, struct slice text) ERR_MUST_USE;
/* der_printable() and der_ia5() refuse characters that their types do not have. */
struct err *der_printable(struct buf *out, struct slice text) ERR_MUST_USE;
struct err *der_ia5(struct buf *out, struct slice text) ERR_MUST_USE;
/* der_time() appends UTCTime through 2049 and GeneralizedTime after (RFC 5280 §4.1.2.5). Years 1950..9999. */
struct err *der_time(struct buf *out, int64_t at) ERR_MUST_USE;
/* der_generalized_time() appends GeneralizedTime without fraction (OCSP, TSP). */
struct err *der_generalized_time(struct buf *out, int64_t at) ERR_MUST_USE;

/* ---- digests ---- */

#define SHA256_LEN 32
/* der_sha256() hashes bytes; it cannot fail short of a broken libcrypto (panic). */
void der_sha256(uint8_t out[SHA256_LEN], struct slice bytes);

#endif
