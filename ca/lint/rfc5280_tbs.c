/*
 * rfc5280_tbs.c - RFC 5280 §4.1: version, serial, times, issuer, key and what else stands outside the extensions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ca/lint/lint_internal.h"
#include "x509/suite.h"

static struct err *form(const struct lint_view *v)
{
	ENSURE(v->is_read, BAD_INPUT, "%s", v->fault);
	return NULL;
}

static struct err *version(const struct lint_view *v)
{
	static const uint8_t v3[] = { 0xA0, 0x03, 0x02, 0x01, 0x02 };

	ENSURE(slice_equal(v->version.whole, SLICE(v3, sizeof v3)), BAD_INPUT, "version is not v3");
	return NULL;
}

static struct err *serial_form(const struct lint_view *v)
{
	struct slice s = v->serial.content;

	ENSURE(v->serial.tag == DER_INTEGER && s.len >= 1 && s.len <= 20, BAD_INPUT, "%zu octets, 1 to 20 are allowed",
	       s.len);
	ENSURE((s.p[0] & 0x80) == 0, BAD_INPUT, "the serial is negative");
	ENSURE(s.len > 1 || s.p[0] != 0, BAD_INPUT, "the serial is zero");
	return NULL;
}

static struct err *algorithm(const struct lint_view *v)
{
	const struct suite *row = NULL;

	TRY(suite_of_spki(&row, v->has_authority ? v->authority.public_key : v->public_key));
	ENSURE(slice_equal(v->algorithm, row->signature_algorithm), BAD_INPUT,
	       "the signature algorithm is not that of the issuer's key, %s", row->name);
	return NULL;
}

static struct err *time_encoding(struct der_tlv t, const char *what)
{
	int64_t at = 0;
	const int64_t year_2050 = 2524608000;

	ENSURE(t.tag == DER_UTC_TIME || t.tag == DER_GENERALIZED_TIME, BAD_INPUT, "%s is no time", what);
	size_t len = t.tag == DER_UTC_TIME ? 13 : 15;
	ENSURE(t.content.len == len && t.content.p[len - 1] == 'Z', BAD_INPUT,
	       "%s must have seconds, no fraction and end with Z", what);
	for (size_t i = 0; i + 1 < len; i++)
		ENSURE(t.content.p[i] >= '0' && t.content.p[i] <= '9', BAD_INPUT,
		       "%s holds a character that is no digit", what);
	TRY(der_time_decode(&at, t.tag, t.content));
	ENSURE((at < year_2050) == (t.tag == DER_UTC_TIME), BAD_INPUT,
	       "%s must be UTCTime through 2049 and GeneralizedTime from 2050", what);
	return NULL;
}

static struct err *validity_encoding(const struct lint_view *v)
{
	TRY(time_encoding(v->not_before, "notBefore"));
	return time_encoding(v->not_after, "notAfter");
}

static bool is_read(const struct lint_view *v)
{
	return v->is_read;
}

static struct err *validity_order(const struct lint_view *v)
{
	ENSURE(v->cert.not_before_at <= v->cert.not_after_at, BAD_INPUT, "notAfter lies before notBefore");
	return NULL;
}

static bool has_authority(const struct lint_view *v)
{
	return v->is_read && v->has_authority;
}

static struct err *within_issuer(const struct lint_view *v)
{
	ENSURE(v->cert.not_before_at >= v->authority.not_before_at && v->cert.not_after_at <= v->authority.not_after_at,
	       BAD_INPUT, "the validity reaches outside that of the issuer's certificate");
	return NULL;
}

static struct err *issuer_bytes(const struct lint_view *v)
{
	struct slice wanted = v->has_authority ? v->authority.subject : v->subject;

	ENSURE(slice_equal(v->issuer, wanted), BAD_INPUT, "the issuer is not, byte for byte, the subject of the CA");
	return NULL;
}

static struct err *unique_ids(const struct lint_view *v)
{
	ENSURE(!v->has_unique_ids, BAD_INPUT, "unique identifiers must not be used");
	return NULL;
}

static struct err *key_algorithm(const struct lint_view *v)
{
	const struct suite *row = NULL;

	TRY(suite_of_spki(&row, v->public_key));
	ENSURE(row->for_certificates, BAD_INPUT, "keys of %s do not belong into certificates", row->name);
	return NULL;
}

static const struct lint lints[] = {
	{ "rfc5280_form", "RFC 5280 §4.1, X.690", EFFECTIVE_RFC5280, NULL, form },
	{ "rfc5280_version", "RFC 5280 §4.1.2.1", EFFECTIVE_RFC5280, NULL, version },
	{ "rfc5280_serial_form", "RFC 5280 §4.1.2.2", EFFECTIVE_RFC5280, NULL, serial_form },
	{ "rfc5280_algorithm", "RFC 5280 §4.1.2.3", EFFECTIVE_RFC5280, NULL, algorithm },
	{ "rfc5280_issuer_bytes", "RFC 5280 §4.1.2.4", EFFECTIVE_RFC5280, NULL, issuer_bytes },
	{ "rfc5280_validity_encoding", "RFC 5280 §4.1.2.5", EFFECTIVE_RFC5280, NULL, validity_encoding },
	{ "rfc5280_validity_order", "RFC 5280 §4.1.2.5", EFFECTIVE_RFC5280, is_read, validity_order },
	{ "rfc5280_within_issuer", "RFC 5280 §6.1.3 a 2", EFFECTIVE_RFC5280, has_authority, within_issuer },
	{ "rfc5280_key_algorithm", "RFC 5280 §4.1.2.7", EFFECTIVE_RFC5280, NULL, key_algorithm },
	{ "rfc5280_unique_ids", "RFC 5280 §4.1.2.8", EFFECTIVE_RFC5280, NULL, unique_ids },
};
const struct lint_table lint_rfc5280_tbs = LINT_TABLE(lints);
