/*
 * ocsp_der.h - OCSP requests for tests, written octet by octet: good ones and every way to spoil them.
 *
 * Made without our own writer and without OpenSSL's OCSP calls, so that the parser meets bytes it had no part in.
 * Everything appends to a fixed value: tests build outwards with od_wrap().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_OCSP_DER_H
#define TESTS_SUPPORT_OCSP_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct od {
	size_t len;
	uint8_t p[8192];
};

static inline struct od od_bytes(const void *p, size_t len)
{
	struct od out = { .len = len };

	memcpy(out.p, p, len);
	return out;
}
#define OD(text) od_bytes((text), sizeof(text) - 1)

static inline struct od od_join(struct od a, struct od b)
{
	memcpy(a.p + a.len, b.p, b.len);
	a.len += b.len;
	return a;
}

/* A value with that tag around the content. */
static inline struct od od_wrap(uint8_t tag, struct od content)
{
	struct od out = { .len = 2, .p = { tag } };

	if (content.len < 0x80)
		out.p[1] = (uint8_t)content.len;
	else if (content.len < 0x100) {
		out.p[1] = 0x81;
		out.p[out.len++] = (uint8_t)content.len;
	} else {
		out.p[1] = 0x82;
		out.p[out.len++] = (uint8_t)(content.len >> 8);
		out.p[out.len++] = (uint8_t)content.len;
	}
	return od_join(out, content);
}

static inline struct od od_filled(uint8_t tag, uint8_t byte, size_t len)
{
	struct od content = { .len = len };

	memset(content.p, byte, len);
	return od_wrap(tag, content);
}

/* AlgorithmIdentifiers: index as enum ocsp_digest; null: parameters NULL, else absent. */
static inline struct od od_digest(int digest, bool null)
{
	static const uint8_t sha1[] = { 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a };
	uint8_t sha2[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (uint8_t)digest };
	struct od id = digest == 0 ? od_bytes(sha1, sizeof sha1) : od_bytes(sha2, sizeof sha2);

	return od_wrap(0x30, null ? od_join(id, OD("\x05\x00")) : id);
}

static inline struct od od_cert_id(struct od algorithm, struct od name_hash, struct od key_hash, struct od serial)
{
	return od_wrap(0x30, od_join(od_join(algorithm, name_hash), od_join(key_hash, serial)));
}

/* Extension; value is the content of extnValue. */
static inline struct od od_extension(struct od oid_content, int critical, struct od value)
{
	struct od out = od_wrap(0x06, oid_content);

	if (critical >= 0)
		out = od_join(out, od_filled(0x01, (uint8_t)critical, 1));
	return od_wrap(0x30, od_join(out, od_wrap(0x04, value)));
}

#define OD_NONCE_OID OD("\x2b\x06\x01\x05\x05\x07\x30\x01\x02")

static inline struct od od_nonce(struct od octets)
{
	return od_extension(OD_NONCE_OID, -1, od_wrap(0x04, octets));
}

/* requestExtensions [2] around a list of extensions (len 0: none at all). */
static inline struct od od_request(struct od requests, struct od extensions)
{
	struct od tbs = od_wrap(0x30, requests);

	if (extensions.len > 0)
		tbs = od_join(tbs, od_wrap(0xa2, od_wrap(0x30, extensions)));
	return od_wrap(0x30, od_wrap(0x30, tbs));
}

/* One Request without extensions of its own. */
static inline struct od od_single(struct od cert_id)
{
	return od_wrap(0x30, cert_id);
}

#endif
