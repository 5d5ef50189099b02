/*
 * lint_test.c - good certificates of every profile pass; for each lint a certificate that breaks its rule, and no lint
 * without one; the token is good once and for the same bytes.
 */
#include <check.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ca/lint/lint.h"
#include "ca/lint/lint_internal.h"
#include "support/suite.h"
#include "support/x509_fixture.h"

enum { BEGIN = 1795383600, DAY = 86400, MAX_EXT = 40 };
#define PKCS12 "1.2.398.3.3.5.1.1"

static struct profiles *all;
static struct fixture_ca ca;
static struct buf rsa = BUF_INIT(2048), p256 = BUF_INIT(2048);

static void setup(void)
{
	all = fixture_profiles();
	fixture_ca_init(&ca, all, "rsa2048-sha256", BEGIN);
	fixture_spki(&rsa, "rsa2048");
	fixture_spki(&p256, "p256");
}

static void teardown(void)
{
	fixture_ca_clear(&ca);
	buf_clear(&rsa);
	buf_clear(&p256);
	profiles_destroy(&all);
}

/* ---------------------------------------------------------------- a TBS in pieces */

struct parts {
	struct buf version, serial, algorithm, issuer, not_before, not_after, subject, key, unique;
	struct buf ext[MAX_EXT];
	size_t num_ext;
};

static void put(struct buf *out, struct slice bytes)
{
	out->max = CERT_MAX_BYTES;
	ck_ok(buf_set(out, bytes));
}

static void take_apart(struct parts *out, struct slice tbs)
{
	struct der_reader whole, r, validity, outer, list;
	struct der_tlv tlv;
	struct buf *pieces[] = { &out->version, &out->serial, &out->algorithm, &out->issuer };

	memset(out, 0, sizeof *out);
	out->unique.max = CERT_MAX_BYTES;
	der_reader_init(&whole, tbs);
	ck_ok(der_expect_sequence(&whole, &r, "tbs"));
	for (int i = 0; i < COUNT_OF(pieces); i++) {
		ck_ok(der_next(&r, &tlv, "piece"));
		put(pieces[i], tlv.whole);
	}
	ck_ok(der_expect_sequence(&r, &validity, "validity"));
	ck_ok(der_next(&validity, &tlv, "notBefore"));
	put(&out->not_before, tlv.whole);
	ck_ok(der_next(&validity, &tlv, "notAfter"));
	put(&out->not_after, tlv.whole);
	ck_ok(der_next(&r, &tlv, "subject"));
	put(&out->subject, tlv.whole);
	ck_ok(der_next(&r, &tlv, "key"));
	put(&out->key, tlv.whole);
	ck_ok(der_enter(&r, &outer, 0xA3, "extensions"));
	ck_ok(der_expect_sequence(&outer, &list, "extensions"));
	while (!der_reader_done(&list)) {
		ck_ok(der_next(&list, &tlv, "extension"));
		put(&out->ext[out->num_ext++], tlv.whole);
	}
}

static void join(struct buf *out, const struct parts *p)
{
	const struct buf *before[] = { &p->version, &p->serial, &p->algorithm, &p->issuer };
	size_t tbs, validity, outer, list;

	buf_reset(out);
	ck_ok(der_open(out, &tbs, DER_SEQUENCE));
	for (int i = 0; i < COUNT_OF(before); i++)
		ck_ok(buf_append(out, buf_slice(before[i])));
	ck_ok(der_open(out, &validity, DER_SEQUENCE));
	ck_ok(buf_append(out, buf_slice(&p->not_before)));
	ck_ok(buf_append(out, buf_slice(&p->not_after)));
	ck_ok(der_close(out, validity));
	ck_ok(buf_append(out, buf_slice(&p->subject)));
	ck_ok(buf_append(out, buf_slice(&p->key)));
	ck_ok(buf_append(out, buf_slice(&p->unique)));
	ck_ok(der_open(out, &outer, 0xA3));
	ck_ok(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < p->num_ext; i++)
		ck_ok(buf_append(out, buf_slice(&p->ext[i])));
	ck_ok(der_close(out, list));
	ck_ok(der_close(out, outer));
	ck_ok(der_close(out, tbs));
}

static void parts_clear(struct parts *p)
{
	struct buf *all_of[] = { &p->version,	&p->serial,  &p->algorithm, &p->issuer, &p->not_before,
				 &p->not_after, &p->subject, &p->key,	    &p->unique };

	for (int i = 0; i < COUNT_OF(all_of); i++)
		buf_clear(all_of[i]);
	for (size_t i = 0; i < MAX_EXT; i++)
		buf_clear(&p->ext[i]);
}

/* ---------------------------------------------------------------- mutations */

static struct buf *ext_of(struct parts *p, enum oid_name id)
{
	for (size_t i = 0; i < p->num_ext; i++) {
		struct der_reader whole, r;
		struct slice found;

		der_reader_init(&whole, buf_slice(&p->ext[i]));
		ck_ok(der_expect_sequence(&whole, &r, "ext"));
		ck_ok(der_read_oid(&r, &found, "id"));
		if (oid_is(found, id))
			return &p->ext[i];
	}
	return NULL;
}

static void drop(struct parts *p, enum oid_name id)
{
	struct buf *e = ext_of(p, id);

	ck_assert_ptr_nonnull(e);
	size_t i = (size_t)(e - p->ext);
	buf_clear(e);
	memmove(e, e + 1, (p->num_ext - i - 1) * sizeof *e);
	p->num_ext--;
	memset(&p->ext[p->num_ext], 0, sizeof *e);
}

static void write_ext(struct buf *out, enum oid_name id, bool critical, const char *value, size_t len)
{
	size_t sequence;

	out->max = CERT_MAX_BYTES;
	buf_reset(out);
	ck_ok(der_open(out, &sequence, DER_SEQUENCE));
	ck_ok(der_oid(out, oid(id)));
	if (critical)
		ck_ok(der_boolean(out, true));
	ck_ok(der_octets(out, SLICE(value, len)));
	ck_ok(der_close(out, sequence));
}

static void set_ext(struct parts *p, enum oid_name id, bool critical, const char *value, size_t len)
{
	struct buf *e = ext_of(p, id);

	write_ext(e != NULL ? e : &p->ext[p->num_ext++], id, critical, value, len);
}
#define SET_EXT(p, id, critical, value) set_ext((p), (id), (critical), (value), sizeof(value) - 1)

static void set_raw(struct buf *b, const char *bytes, size_t len)
{
	put(b, SLICE(bytes, len));
}
#define SET(b, bytes) set_raw((b), (bytes), sizeof(bytes) - 1)

struct attr {
	enum oid_name id;
	uint8_t tag;
	const char *value;
};
#define U DER_UTF8_STRING
#define P DER_PRINTABLE_STRING

static void set_subject(struct parts *p, const struct attr *list, size_t num)
{
	size_t name, set, sequence;

	buf_reset(&p->subject);
	ck_ok(der_open(&p->subject, &name, DER_SEQUENCE));
	for (size_t i = 0; i < num; i++) {
		ck_ok(der_open(&p->subject, &set, DER_SET));
		ck_ok(der_open(&p->subject, &sequence, DER_SEQUENCE));
		ck_ok(der_oid(&p->subject, oid(list[i].id)));
		ck_ok(der_tlv(&p->subject, list[i].tag, SLICE_STR(list[i].value)));
		ck_ok(der_close(&p->subject, sequence));
		ck_ok(der_close(&p->subject, set));
	}
	ck_ok(der_close(&p->subject, name));
}
#define SUBJECT(p, ...)                                                                                                \
	do {                                                                                                           \
		const struct attr list_[] = { __VA_ARGS__ };                                                           \
		set_subject((p), list_, sizeof list_ / sizeof list_[0]);                                               \
	} while (0)

static void m_depth(struct parts *p)
{
	SET_EXT(p, OID_AUTHORITY_KEY_ID, false, "\x30\x03\x80\x01"); /* cut off inside */
}
static void m_version(struct parts *p)
{
	SET(&p->version, "\xA0\x03\x02\x01\x01");
}
static void m_no_version(struct parts *p)
{
	buf_reset(&p->version);
}
static void m_serial_negative(struct parts *p)
{
	SET(&p->serial, "\x02\x08\x80\x01\x02\x03\x04\x05\x06\x07");
}
static void m_serial_zero(struct parts *p)
{
	SET(&p->serial, "\x02\x01\x00");
}
static void m_serial_long(struct parts *p)
{
	SET(&p->serial, "\x02\x15\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10\x11\x12\x13\x14\x15");
}
static void m_serial_short(struct parts *p)
{
	SET(&p->serial, "\x02\x07\x01\x02\x03\x04\x05\x06\x07");
}
static void m_algorithm(struct parts *p)
{
	put(&p->algorithm, suite_by_name("ecdsa-p256-sha256")->signature_algorithm);
}
/* The same name with CN as PrintableString: incident 17. */
static void m_issuer(struct parts *p)
{
	uint8_t *utf8 = memchr(p->issuer.p, DER_UTF8_STRING, p->issuer.len);

	*utf8 = DER_PRINTABLE_STRING;
}
static void m_generalized_early(struct parts *p)
{
	SET(&p->not_before, "\x18\x0F"
			    "20261122214000Z");
}
static void m_utc_late(struct parts *p)
{
	SET(&p->not_after, "\x18\x0F"
			   "20490101000000Z");
}
static void m_backwards(struct parts *p)
{
	SET(&p->not_after, "\x17\x0D"
			   "261122213959Z");
}
static void m_before_issuer(struct parts *p)
{
	SET(&p->not_before, "\x17\x0D"
			    "261121000000Z");
}
static void m_after_issuer(struct parts *p)
{
	SET(&p->not_after, "\x18\x0F"
			   "20700101000000Z");
}
static void m_extra_second(struct parts *p)
{
	SET(&p->not_after, "\x17\x0D"
			   "291121214000Z"); /* 1095 days and a second: incident 13 */
}
static void m_key_ed25519(struct parts *p)
{
	SET(&p->key, "\x30\x2A\x30\x05\x06\x03\x2B\x65\x70\x03\x21\x00"
		     "0123456789abcdef0123456789abcdef");
}
static void m_key_p256(struct parts *p)
{
	put(&p->key, buf_slice(&p256));
}
static void m_unique(struct parts *p)
{
	SET(&p->unique, "\x82\x02\x00\x01");
}

static void m_subject_empty(struct parts *p)
{
	SET(&p->subject, "\x30\x00");
}
static void m_subject_type(struct parts *p)
{
	SUBJECT(p, { OID_COMMON_NAME, U, "А Б" }, { OID_SURNAME, U, "А" }, { OID_SERIAL_NUMBER, U, "IIN900101300017" },
		{ OID_COUNTRY, P, "KZ" });
}
static void m_subject_long(struct parts *p)
{
	SUBJECT(p,
		{ OID_COMMON_NAME, U, "А23456789012345678901234567890123456789012345678901234567890123456789012345" },
		{ OID_SURNAME, U, "А23456789012345678901234567890123456789012345678901234567890123456789012345" },
		{ OID_SERIAL_NUMBER, P, "IIN900101300017" }, { OID_COUNTRY, P, "KZ" });
}
static void m_subject_control(struct parts *p)
{
	SUBJECT(p, { OID_COMMON_NAME, U, "А\n Б" }, { OID_SURNAME, U, "А\n" },
		{ OID_SERIAL_NUMBER, P, "IIN900101300017" }, { OID_COUNTRY, P, "KZ" });
}
static void m_subject_joined(struct parts *p)
{
	SET(&p->subject,
	    "\x30\x18\x31\x16\x30\x09\x06\x03\x55\x04\x03\x0C\x02\xD0\x90\x30\x09\x06\x03\x55\x04\x04\x0C\x02"
	    "\xD0\x90");
}
static void m_subject_order(struct parts *p)
{
	SUBJECT(p, { OID_COUNTRY, P, "KZ" }, { OID_SERIAL_NUMBER, P, "IIN900101300017" }, { OID_SURNAME, U, "А" },
		{ OID_COMMON_NAME, U, "А Б" });
}
static void m_subject_email(struct parts *p)
{
	SUBJECT(p, { OID_COMMON_NAME, U, "А Б" }, { OID_EMAIL_ADDRESS, DER_IA5_STRING, "a@b.kz" });
}
static void m_subject_iin(struct parts *p)
{
	SUBJECT(p, { OID_COMMON_NAME, U, "А Б" }, { OID_SURNAME, U, "А" }, { OID_SERIAL_NUMBER, P, "900101300017" },
		{ OID_COUNTRY, P, "KZ" });
}
static void m_subject_country(struct parts *p)
{
	SUBJECT(p, { OID_COMMON_NAME, U, "А Б" }, { OID_SURNAME, U, "А" }, { OID_SERIAL_NUMBER, P, "IIN900101300017" },
		{ OID_COUNTRY, P, "RU" });
}
static void m_subject_surname(struct parts *p)
{
	SUBJECT(p, { OID_COMMON_NAME, U, "АБ" }, { OID_SURNAME, U, "А" }, { OID_SERIAL_NUMBER, P, "IIN900101300017" },
		{ OID_COUNTRY, P, "KZ" });
}
static void m_subject_no_person(struct parts *p)
{
	SUBJECT(p, { OID_COMMON_NAME, U, "А Б" }, { OID_SURNAME, U, "А" }, { OID_COUNTRY, P, "KZ" });
}
static void m_subject_organisation(struct parts *p)
{
	SUBJECT(p, { OID_COMMON_NAME, U, "А Б" }, { OID_SURNAME, U, "А" }, { OID_SERIAL_NUMBER, P, "IIN900101300017" },
		{ OID_COUNTRY, P, "KZ" }, { OID_ORGANISATION, U, "О" });
}

static void m_double(struct parts *p)
{
	put(&p->ext[p->num_ext], buf_slice(ext_of(p, OID_KEY_USAGE)));
	p->num_ext++;
}
static void m_critical_eku(struct parts *p)
{
	SET_EXT(p, OID_EXTENDED_KEY_USAGE, true,
		"\x30\x14\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x04\x06\x08\x2A\x83\x0E\x03\x03\x04\x01\x01");
}
static void m_key_usage_not_critical(struct parts *p)
{
	SET_EXT(p, OID_KEY_USAGE, false, "\x03\x02\x06\xC0");
}
static void m_no_aki(struct parts *p)
{
	drop(p, OID_AUTHORITY_KEY_ID);
}
static void m_other_aki(struct parts *p)
{
	SET_EXT(p, OID_AUTHORITY_KEY_ID, false, "\x30\x06\x80\x04\x5B\x6A\x74\x11");
}
static void m_no_ski(struct parts *p)
{
	drop(p, OID_SUBJECT_KEY_ID);
}
static void m_other_ski(struct parts *p)
{
	SET_EXT(p, OID_SUBJECT_KEY_ID, false,
		"\x04\x14"
		"01234567890123456789");
}
static void m_ski_of_bits(struct parts *p)
{
	uint8_t id[22] = { 0x04, 0x14 };

	ck_ok(suite_key_id_bits(id + 2, buf_slice(&p->key)));
	set_ext(p, OID_SUBJECT_KEY_ID, false, (const char *)id, sizeof id);
}
static void m_no_key_usage(struct parts *p)
{
	drop(p, OID_KEY_USAGE);
}
static void m_any_policy(struct parts *p)
{
	SET_EXT(p, OID_CERTIFICATE_POLICIES, false, "\x30\x08\x30\x06\x06\x04\x55\x1D\x20\x00");
}
/* A CPS URI that begins with a space, as in both CA certificates of 2022. */
static void m_cps_space(struct parts *p)
{
	SET_EXT(p, OID_CERTIFICATE_POLICIES, false,
		"\x30\x1C\x30\x1A\x06\x07\x2A\x83\x0E\x03\x03\x02\x03\x30\x0F\x30\x0D\x06\x08\x2B\x06\x01\x05\x05\x07"
		"\x02"
		"\x01\x16\x01\x20");
}
static void m_other_policy(struct parts *p)
{
	SET_EXT(p, OID_CERTIFICATE_POLICIES, false, "\x30\x0B\x30\x09\x06\x07\x2A\x83\x0E\x03\x03\x02\x01");
}
static void m_plain_policy(struct parts *p)
{
	SET_EXT(p, OID_CERTIFICATE_POLICIES, false, "\x30\x0A\x30\x08\x06\x06\x2A\x83\x0E\x03\x03\x02");
}
static void m_san_ip(struct parts *p)
{
	SET_EXT(p, OID_SUBJECT_ALT_NAME, false, "\x30\x06\x87\x04\x0A\x00\x00\x01");
}
static void m_san_empty(struct parts *p)
{
	SET_EXT(p, OID_SUBJECT_ALT_NAME, false, "\x30\x00");
}
static void m_san_dns(struct parts *p)
{
	SET_EXT(p, OID_SUBJECT_ALT_NAME, false,
		"\x30\x06\x82\x04"
		"a.kz");
}
static void m_ca(struct parts *p)
{
	SET_EXT(p, OID_BASIC_CONSTRAINTS, true, "\x30\x03\x01\x01\xFF"); /* incident 11 */
}
static void m_ca_bits(struct parts *p)
{
	SET_EXT(p, OID_KEY_USAGE, true, "\x03\x02\x01\x06");
}
static void m_no_ca(struct parts *p)
{
	SET_EXT(p, OID_BASIC_CONSTRAINTS, true, "\x30\x00");
}
static void m_no_path(struct parts *p)
{
	SET_EXT(p, OID_BASIC_CONSTRAINTS, true, "\x30\x03\x01\x01\xFF");
}
static void m_crl_https(struct parts *p)
{
	SET_EXT(p, OID_CRL_DISTRIBUTION, false,
		"\x30\x12\x30\x10\xA0\x0E\xA0\x0C\x86\x0A"
		"https://ab");
}
/* A line break inside a URI, as in the CA certificates of 2018. */
static void m_crl_line_break(struct parts *p)
{
	SET_EXT(p, OID_CRL_DISTRIBUTION, false,
		"\x30\x14\x30\x12\xA0\x10\xA0\x0E\x86\x0C"
		"http://ab\r\nU");
}
static void m_crl_other(struct parts *p)
{
	SET_EXT(p, OID_CRL_DISTRIBUTION, false,
		"\x30\x14\x30\x12\xA0\x10\xA0\x0E\x86\x0C"
		"http://ab/ab");
}
static void m_freshest_alone(struct parts *p)
{
	drop(p, OID_CRL_DISTRIBUTION);
}
static void m_aia_ldap(struct parts *p)
{
	SET_EXT(p, OID_AUTHORITY_INFO, false,
		"\x30\x18\x30\x16\x06\x08\x2B\x06\x01\x05\x05\x07\x30\x01\x86\x0A"
		"ldap://abc");
}
static void m_aia_other(struct parts *p)
{
	SET_EXT(p, OID_AUTHORITY_INFO, false,
		"\x30\x18\x30\x16\x06\x08\x2B\x06\x01\x05\x05\x07\x30\x01\x86\x0A"
		"http://abc");
}
static void m_no_nocheck(struct parts *p)
{
	drop(p, OID_OCSP_NOCHECK);
}
static void m_nocheck(struct parts *p)
{
	SET_EXT(p, OID_OCSP_NOCHECK, false, "\x05\x00");
}
static void m_ocsp_and_client(struct parts *p)
{
	SET_EXT(p, OID_EXTENDED_KEY_USAGE, false,
		"\x30\x14\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x09\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x02");
}
static void m_responder_crl(struct parts *p)
{
	m_crl_other(p);
}
static void m_no_eku(struct parts *p)
{
	drop(p, OID_EXTENDED_KEY_USAGE);
}
static void m_any_eku(struct parts *p)
{
	SET_EXT(p, OID_EXTENDED_KEY_USAGE, false, "\x30\x06\x06\x04\x55\x1D\x25\x00");
}
static void m_both_purposes(struct parts *p)
{
	SET_EXT(p, OID_EXTENDED_KEY_USAGE, false,
		"\x30\x1E\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x04\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x02\x06\x08\x2A"
		"\x83"
		"\x0E\x03\x03\x04\x01\x01");
}
static void m_sign_as_auth(struct parts *p)
{
	SET_EXT(p, OID_KEY_USAGE, true, "\x03\x02\x05\xA0");
}
static void m_entity_without_role(struct parts *p)
{
	SET_EXT(p, OID_EXTENDED_KEY_USAGE, false,
		"\x30\x14\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x04\x06\x08\x2A\x83\x0E\x03\x03\x04\x01\x02");
}
static void m_storage_path(struct parts *p)
{
	SET_EXT(p, OID_NUC_KEY_STORAGE, false,
		"\x30\x0E\x06\x08\x2A\x83\x0E\x03\x03\x05\x01\x01\x0C\x02"
		"C:");
}
static void m_storage_other(struct parts *p)
{
	SET_EXT(p, OID_NUC_KEY_STORAGE, false, "\x30\x04\x06\x02\x2A\x03");
}
static void m_swap(struct parts *p)
{
	struct buf first = p->ext[0];

	p->ext[0] = p->ext[1];
	p->ext[1] = first;
}
static void m_server_without_names(struct parts *p)
{
	drop(p, OID_SUBJECT_ALT_NAME);
}
static void m_server_other_cn(struct parts *p)
{
	SET_EXT(p, OID_SUBJECT_ALT_NAME, false,
		"\x30\x06\x82\x04"
		"b.kz");
}
static void m_server_wildcard(struct parts *p)
{
	SET_EXT(p, OID_SUBJECT_ALT_NAME, false,
		"\x30\x08\x82\x06"
		"*.b.kz");
}
static void m_server_long(struct parts *p)
{
	SET(&p->not_after, "\x17\x0D"
			   "271226000000Z"); /* 398 days and some hours */
}

static const struct {
	const char *profile;
	void (*mutate)(struct parts *p);
	const char *lint;
} cases[] = {
	{ "individual-sign", m_depth, "rfc5280_form" },
	{ "individual-sign", m_version, "rfc5280_version" },
	{ "individual-sign", m_no_version, "rfc5280_version" },
	{ "individual-sign", m_serial_negative, "rfc5280_serial_form" },
	{ "individual-sign", m_serial_zero, "rfc5280_serial_form" },
	{ "individual-sign", m_serial_long, "rfc5280_serial_form" },
	{ "individual-sign", m_serial_short, "cabf_br_serial_entropy" },
	{ "individual-sign", m_algorithm, "rfc5280_algorithm" },
	{ "individual-sign", m_issuer, "rfc5280_issuer_bytes" },
	{ "individual-sign", m_generalized_early, "rfc5280_validity_encoding" },
	{ "individual-sign", m_utc_late, "rfc5280_validity_encoding" },
	{ "individual-sign", m_backwards, "rfc5280_validity_order" },
	{ "individual-sign", m_before_issuer, "rfc5280_within_issuer" },
	{ "individual-sign", m_after_issuer, "rfc5280_within_issuer" },
	{ "individual-sign", m_extra_second, "cabf_br_extra_second" },
	{ "individual-sign", m_key_ed25519, "rfc5280_key_algorithm" },
	{ "individual-sign", m_key_p256, "cabf_br_key_allowed" },
	{ "individual-auth", m_key_p256, "rfc5280_key_usage_fits_key" },
	{ "individual-sign", m_unique, "rfc5280_unique_ids" },
	{ "individual-sign", m_subject_empty, "rfc5280_subject_not_empty" },
	{ "individual-sign", m_subject_type, "rfc5280_subject_string_types" },
	{ "individual-sign", m_subject_long, "rfc5280_subject_lengths" },
	{ "individual-sign", m_subject_control, "rfc5280_subject_text" },
	{ "individual-sign", m_subject_joined, "rfc5280_subject_single_rdn" },
	{ "individual-sign", m_subject_order, "nuc_subject_order" },
	{ "individual-sign", m_subject_email, "nuc_subject_order" },
	{ "individual-sign", m_subject_iin, "nuc_subject_numbers" },
	{ "individual-sign", m_subject_country, "nuc_subject_country" },
	{ "individual-sign", m_subject_surname, "nuc_subject_person" },
	{ "individual-sign", m_subject_no_person, "nuc_subject_person" },
	{ "individual-sign", m_subject_organisation, "nuc_subject_organisation" },
	{ "head-sign", m_subject_country, "nuc_subject_organisation" },
	{ "individual-sign", m_double, "rfc5280_no_doubled_extension" },
	{ "individual-sign", m_critical_eku, "rfc5280_criticality" },
	{ "individual-sign", m_key_usage_not_critical, "rfc5280_criticality" },
	{ "individual-sign", m_no_aki, "rfc5280_authority_key_id" },
	{ "individual-sign", m_other_aki, "rfc5280_authority_key_id" },
	{ "individual-sign", m_no_ski, "rfc5280_subject_key_id" },
	{ "individual-sign", m_other_ski, "rfc5280_subject_key_id" },
	{ "individual-sign", m_ski_of_bits, "nuc_profile_key_id" },
	{ "individual-sign", m_no_key_usage, "rfc5280_key_usage_present" },
	{ "individual-sign", m_any_policy, "rfc5280_policies" },
	{ "individual-sign", m_cps_space, "rfc5280_policies" },
	{ "individual-sign", m_other_policy, "nuc_policy" },
	{ "individual-sign", m_plain_policy, "nuc_profile_policy" },
	{ "individual-sign", m_san_ip, "rfc5280_alt_name_kinds" },
	{ "individual-sign", m_san_empty, "rfc5280_alt_name_kinds" },
	{ "individual-sign", m_san_dns, "nuc_profile_alt_names" },
	{ "individual-sign", m_ca, "rfc5280_leaf_is_no_ca" },
	{ "individual-sign", m_ca, "nuc_profile_ca_flag" },
	{ "individual-sign", m_ca_bits, "rfc5280_leaf_is_no_ca" },
	{ "issuing", m_no_ca, "rfc5280_ca_constraints" },
	{ "issuing", m_no_path, "nuc_profile_ca_flag" },
	{ "individual-sign", m_crl_https, "rfc5280_crl_points" },
	{ "individual-sign", m_crl_line_break, "rfc5280_crl_points" },
	{ "individual-sign", m_crl_other, "nuc_profile_list_urls" },
	{ "individual-sign", m_freshest_alone, "rfc5280_freshest_points" },
	{ "individual-sign", m_aia_ldap, "rfc5280_authority_info" },
	{ "individual-sign", m_aia_other, "nuc_profile_authority_info" },
	{ "ocsp", m_no_nocheck, "rfc6960_nocheck" },
	{ "staff", m_nocheck, "rfc6960_nocheck_only_there" },
	{ "ocsp", m_ocsp_and_client, "rfc6960_responder_alone" },
	{ "ocsp", m_ca, "rfc6960_responder_alone" },
	{ "ocsp", m_responder_crl, "rfc6960_responder_no_points" },
	{ "individual-sign", m_no_eku, "cabf_br_extended_key_usage" },
	{ "individual-sign", m_any_eku, "cabf_br_extended_key_usage" },
	{ "individual-sign", m_both_purposes, "nuc_one_purpose" },
	{ "individual-sign", m_sign_as_auth, "nuc_key_usage" },
	{ "individual-sign", m_sign_as_auth, "nuc_profile_usages" },
	{ "individual-sign", m_entity_without_role, "nuc_user_type" },
	{ "individual-sign", m_storage_path, "nuc_key_storage" },
	{ "individual-sign", m_storage_other, "nuc_key_storage" },
	{ "individual-sign", m_swap, "nuc_profile_extensions" },
	{ "tls-server", m_server_without_names, "cabf_br_server_names" },
	{ "tls-server", m_server_other_cn, "cabf_br_server_names" },
	{ "tls-server", m_server_wildcard, "cabf_br_internal_names" },
	{ "tls-server", m_server_long, "cabf_br_server_validity" },
};

/* ---------------------------------------------------------------- good certificates */

static const struct profile *profile_of(const char *name)
{
	const struct profile *p = NULL;

	ck_ok(profiles_find_profile(&p, all, name));
	return p;
}

static void good(struct buf *out, const struct profile *p)
{
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	struct serial serial = fixture_serial("41e45cc8a04c705963e5cd6769848a934d8eaef5");
	struct slice dns = SLICE_STR("a.kz");
	struct name_fields f = fixture_testov_head;

	if (p->is_ca || p->allows_dns || strcmp(p->name, "ocsp") == 0)
		f.common_name = p->allows_dns ? "a.kz" : "SERVICE";
	ck_ok(name_build(&subject, p->subject, p->num_subject, &f));
	struct cert_data data = { .subject = buf_slice(&subject),
				  .public_key = buf_slice(&rsa),
				  .dns_names = &dns,
				  .num_dns_names = p->allows_dns,
				  .key_storage = PKCS12,
				  .max_validity_s = 8000LL * DAY };
	buf_reset(out);
	if (p->is_ca)
		ck_ok(cert_template_compile_ca(&t, all, p->name, "rsa", buf_slice(&ca.root)));
	else
		ck_ok(cert_template_compile(&t, all, p->name, "rsa", buf_slice(&ca.issuing)));
	ck_ok(cert_template_render(out, t, &data, &serial, BEGIN));
}

static struct lint_context context_of(const struct profile *p)
{
	return (struct lint_context){ .profile = p,
				      .issuer = &all->issuers[0],
				      .issuer_certificate = buf_slice(p->is_ca ? &ca.root : &ca.issuing) };
}

START_TEST(good_ones_pass)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);

	for (size_t i = 0; i < all->num_profiles; i++) {
		struct lint_context c = context_of(&all->profiles[i]);
		struct lint_token token;

		if (strcmp(all->profiles[i].name, "root") == 0)
			continue;
		good(&tbs, &all->profiles[i]);
		ck_ok(lint_tbs(&token, &c, buf_slice(&tbs)));
		ck_ok(lint_token_use(&token, buf_slice(&tbs)));
	}
	struct cert root;
	struct lint_context c = { .profile = profile_of("root"), .issuer = &all->issuers[0] };
	struct lint_token token;
	ck_ok(cert_parse(&root, buf_slice(&ca.root)));
	ck_ok(lint_tbs(&token, &c, root.tbs));
}
END_TEST

START_TEST(taking_apart_and_joining_changes_nothing)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	OWN(buf) again = BUF_INIT(CERT_TBS_MAX);
	struct parts p;

	good(&tbs, profile_of("head-sign"));
	take_apart(&p, buf_slice(&tbs));
	join(&again, &p);
	ck_assert(slice_equal(buf_slice(&tbs), buf_slice(&again)));
	parts_clear(&p);
}
END_TEST

START_TEST(each_lint_finds_its_certificate)
{
	OWN(buf) tbs = BUF_INIT(CERT_MAX_BYTES);
	const struct profile *profile = profile_of(cases[_i].profile);
	struct lint_context c = context_of(profile);
	struct lint_token token;
	struct parts p;
	char text[2000];

	good(&tbs, profile);
	take_apart(&p, buf_slice(&tbs));
	cases[_i].mutate(&p);
	join(&tbs, &p);
	parts_clear(&p);
	bool found = false;
	for (size_t i = 0; lint_at(i) != NULL;
	     i++) { /* asked one by one: the sentence of all is cut where it gets long */
		struct lint_view v;
		OWN(err) opened = lint_view_open(&v, &c, buf_slice(&tbs));

		ck_assert_msg(opened == NULL, "%s", err_text(opened, text, sizeof text));
		if (strcmp(lint_at(i)->name, cases[_i].lint) != 0)
			continue;
		ck_assert_msg(lint_at(i)->applies == NULL || lint_at(i)->applies(&v), "%s does not apply",
			      cases[_i].lint);
		OWN(err) e = lint_at(i)->check(&v);
		ck_assert_msg(e != NULL, "%s found nothing", cases[_i].lint);
		found = true;
	}
	ck_assert_msg(found, "there is no lint %s", cases[_i].lint);
	OWN(err) e = lint_tbs(&token, &c, buf_slice(&tbs));
	ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	ck_fails(lint_token_use(&token, buf_slice(&tbs)), ERR_BUG, "no lint token");
}
END_TEST

START_TEST(no_lint_without_a_bad_certificate)
{
	for (size_t i = 0; lint_at(i) != NULL; i++) {
		bool found = false;

		for (int k = 0; k < COUNT_OF(cases); k++)
			found = found || strcmp(cases[k].lint, lint_at(i)->name) == 0;
		ck_assert_msg(found, "lint %s has no certificate that breaks it", lint_at(i)->name);
		ck_assert(lint_at(i)->citation[0] != '\0' && lint_at(i)->effective_at > 0);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(lint_at(i)->name, lint_at(k)->name);
	}
}
END_TEST

/* Each octet of the extensions flipped: something notices, or the key itself would (mutation test, incident 11). */
START_TEST(every_octet_of_the_extensions_matters)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	const struct profile *profile = profile_of("individual-sign");
	struct lint_context c = context_of(profile);
	struct cert read;

	good(&tbs, profile);
	ck_ok(cert_parse_tbs(&read, buf_slice(&tbs)));
	size_t begin = (size_t)(read.extensions.p - tbs.p);
	/* the texts of CPS and notice are free, so their octets may be others */
	const uint8_t *cps = memmem(tbs.p, tbs.len, "http://pki.gov.kz/cps", 21);
	const uint8_t *notice = memmem(cps + 1, tbs.len - (size_t)(cps + 1 - tbs.p), "http://pki.gov.kz/cps", 21);
	for (size_t i = begin; i < tbs.len; i++) {
		struct lint_token token;
		bool is_free =
			(tbs.p + i >= cps && tbs.p + i < cps + 21) || (tbs.p + i >= notice && tbs.p + i < notice + 21);

		tbs.p[i] ^= 0x01;
		OWN(err) e = lint_tbs(&token, &c, buf_slice(&tbs));
		ck_assert_msg(is_free || e != NULL, "octet %zu (%02x) may be changed", i - begin, tbs.p[i]);
		tbs.p[i] ^= 0x01;
	}
}
END_TEST

START_TEST(rules_bind_from_their_day)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	const struct profile *profile = profile_of("tls-server");
	struct lint_context c = context_of(profile);
	struct lint_token token;
	struct parts p;

	good(&tbs, profile);
	take_apart(&p, buf_slice(&tbs));
	SET(&p.not_before, "\x17\x0D"
			   "200831235959Z"); /* the day before 398 days became the limit */
	SET(&p.not_after, "\x17\x0D"
			  "260101000000Z");
	join(&tbs, &p);
	OWN(err) e = lint_tbs(&token, &c, buf_slice(&tbs));
	ck_assert_ptr_null(strstr(err_sentence(e), "cabf_br_server_validity"));
	SET(&p.not_before, "\x17\x0D"
			   "200901000000Z");
	join(&tbs, &p);
	parts_clear(&p);
	OWN(err) later = lint_tbs(&token, &c, buf_slice(&tbs));
	ck_assert_ptr_nonnull(strstr(err_sentence(later), "cabf_br_server_validity"));
}
END_TEST

START_TEST(the_token_is_good_once)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct lint_context c = context_of(profile_of("individual-sign"));
	struct lint_token token, none = { { 0 }, 0 };

	good(&tbs, c.profile);
	ck_fails(lint_token_use(&none, buf_slice(&tbs)), ERR_BUG, "no lint token");
	ck_ok(lint_tbs(&token, &c, buf_slice(&tbs)));
	ck_ok(lint_token_use(&token, buf_slice(&tbs)));
	ck_fails(lint_token_use(&token, buf_slice(&tbs)), ERR_BUG, "spent before");
	ck_ok(lint_tbs(&token, &c, buf_slice(&tbs)));
	tbs.p[20] ^= 1;
	ck_fails(lint_token_use(&token, buf_slice(&tbs)), ERR_BUG, "not those that were linted");
	tbs.p[20] ^= 1;
	ck_fails(lint_token_use(&token, buf_slice(&tbs)), ERR_BUG, "spent before");
}
END_TEST

START_TEST(rubbish_is_no_certificate)
{
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct lint_context c = context_of(profile_of("individual-sign"));
	struct lint_token token;

	ck_fails(lint_tbs(&token, &c, SLICE_NONE), ERR_BAD_INPUT, "rfc5280_form");
	ck_fails(lint_tbs(&token, &c, SLICE("\x30\x00", 2)), ERR_BAD_INPUT, "rfc5280_form");
	good(&tbs, c.profile);
	for (size_t n = 0; n < tbs.len; n += 3) {
		OWN(err) e = lint_tbs(&token, &c, SLICE(tbs.p, n));

		ck_assert_int_eq(err_code(e), ERR_BAD_INPUT);
	}
}
END_TEST

START_TEST(cost)
{
	enum { ROUNDS = 5000 };
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct lint_context c = context_of(profile_of("head-sign"));
	struct cert authority;
	size_t num = 0;

	ck_ok(cert_parse(&authority, c.issuer_certificate));
	c.authority = &authority;

	good(&tbs, c.profile);
	while (lint_at(num) != NULL)
		num++;
	clock_t began = clock();
	for (int i = 0; i < ROUNDS; i++) {
		struct lint_token token;
		OWN(err) e = lint_tbs(&token, &c, buf_slice(&tbs));

		if (e != NULL)
			ck_abort_msg("lint failed");
	}
	printf("lint: %.1f us of CPU for %zu lints\n", (double)(clock() - began) * 1e6 / CLOCKS_PER_SEC / ROUNDS, num);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/lint");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, good_ones_pass);
	tcase_add_test(t, taking_apart_and_joining_changes_nothing);
	tcase_add_loop_test(t, each_lint_finds_its_certificate, 0, COUNT_OF(cases));
	tcase_add_test(t, no_lint_without_a_bad_certificate);
	tcase_add_test(t, every_octet_of_the_extensions_matters);
	tcase_add_test(t, rules_bind_from_their_day);
	tcase_add_test(t, the_token_is_good_once);
	tcase_add_test(t, rubbish_is_no_certificate);
	tcase_add_test(t, cost);
	suite_add_tcase(s, t);
	return suite_main(s);
}
