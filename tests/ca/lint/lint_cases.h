/*
 * lint_cases.h - one change of a good certificate for each rule that a lint guards, and the table that joins them. The
 * test goes through the table and through the registry: neither may have what the other has not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_CA_LINT_LINT_CASES_H
#define TESTS_CA_LINT_LINT_CASES_H

#include "support/x509_fixture.h"
#include "tbs_parts.h"

static struct buf rsa = BUF_INIT(2048), p256 = BUF_INIT(2048); /* keys of applicants, filled by the test */

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

#endif
