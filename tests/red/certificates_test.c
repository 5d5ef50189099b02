/*
 * certificates_test.c - cad is taken over: it asks the signer for certificates that nobody authorised.
 *
 * One row an attack: each starts from a request that would be signed and spoils one thing. The signer is the real program
 * in its sandbox; after all attacks it still signs an honest request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/cms.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "support/red.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/suite.h"

static struct signer_home home;
static struct test_person holder; /* has a valid SIGN certificate of this CA */
static struct test_person auth_holder; /* an AUTH certificate of the same person */

static void begin(void)
{
	OWN(signer_peer) cad = { 0 };

	signer_home_begin(&home, 1u << SIGNER_CA);
	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	red_issue(&holder, &home, &cad, "individual-sign", "850101300033", test_key("rsa"));
	red_issue(&auth_holder, &home, &cad, "individual-auth", fixture_testov.iin, test_key("rsa"));
}

static void end(void)
{
	test_person_clear(&holder);
	test_person_clear(&auth_holder);
	signer_home_end(&home);
}

/* ---- the TBS, changed with OpenSSL's own calls ---- */

static void add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (int at; (at = X509_get_ext_by_NID(x, nid, -1)) >= 0;)
		X509_EXTENSION_free(X509_delete_ext(x, at));
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_msg(e != NULL, "%s", value);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void ca_true(X509 *x)
{
	add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
}

static void other_subject(X509 *x)
{
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));

	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *)"MINISTRY", -1, -1, 0),
			 1);
	ck_assert_int_eq(X509_set_subject_name(x, name), 1);
	X509_NAME_free(name);
}

static void other_key(X509 *x)
{
	ck_assert_int_eq(X509_set_pubkey(x, holder.key), 1);
}

static void other_email(X509 *x)
{
	add_extension(x, NID_subject_alt_name, "email:evil@example.kz");
}

static void extra_name(X509 *x)
{
	add_extension(x, NID_subject_alt_name, "email:test@example.kz,DNS:pki.gov.kz");
}

static void extra_extension(X509 *x)
{
	add_extension(x, NID_netscape_comment, "nothing to see");
}

static void no_crl_url(X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_crl_distribution_points, -1);

	ck_assert_int_ge(at, 0);
	X509_EXTENSION_free(X509_delete_ext(x, at));
}

static void changed_eku(X509 *x)
{
	add_extension(x, NID_ext_key_usage, "clientAuth,OCSPSigning");
}

static void changed_usage(X509 *x)
{
	add_extension(x, NID_key_usage, "critical,keyCertSign,cRLSign");
}

static void changed_policy(X509 *x)
{
	X509_EXTENSION *e = X509_get_ext(x, X509_get_ext_by_NID(x, NID_certificate_policies, -1));
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_dup(X509_EXTENSION_get_data(e));
	static const uint8_t oid_start[] = { 0x06, 0x07, 0x2a, 0x83, 0x0e, 0x03, 0x03, 0x02 };

	uint8_t *at = memmem((uint8_t *)ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value), oid_start,
			     sizeof oid_start);
	ck_assert_ptr_nonnull(at);
	at[sizeof oid_start] ^= 1;
	ck_assert_int_eq(X509_EXTENSION_set_data(e, value), 1);
	ASN1_OCTET_STRING_free(value);
}

static void changed_aia(X509 *x)
{
	add_extension(x, NID_info_access, "OCSP;URI:http://evil.example/");
}

static void changed_crl_url(X509 *x)
{
	add_extension(x, NID_crl_distribution_points, "URI:http://evil.example/empty.crl");
}

static void longer(X509 *x)
{
	ck_assert_ptr_nonnull(ASN1_TIME_adj(X509_getm_notAfter(x), clock_now_s(), 3650, 0));
}

static void a_second_longer(X509 *x)
{
	struct tm tm;

	ck_assert_int_eq(ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm), 1);
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(x), timegm(&tm) + 1));
}

static void earlier(X509 *x)
{
	ck_assert_ptr_nonnull(ASN1_TIME_adj(X509_getm_notBefore(x), clock_now_s(), -100, 0));
}

static void other_issuer(X509 *x)
{
	X509_NAME *name = X509_NAME_dup(X509_get_issuer_name(x));

	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_UTF8, (const uint8_t *)"ROGUE", -1, -1, 0), 1);
	ck_assert_int_eq(X509_set_issuer_name(x, name), 1);
	X509_NAME_free(name);
}

static void other_serial(X509 *x)
{
	ck_assert_int_eq(ASN1_INTEGER_set_int64(X509_get_serialNumber(x), 0x5a00000000000001), 1);
}

static void version_1(X509 *x)
{
	ck_assert_int_eq(X509_set_version(x, X509_VERSION_1), 1);
}

static void critical_policy(X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_certificate_policies, -1);

	ck_assert_int_eq(X509_EXTENSION_set_critical(X509_get_ext(x, at), 1), 1);
}

static const struct {
	const char *attack;
	void (*change)(X509 *x);
} tbs_attacks[] = {
	{ "cA=TRUE in a person's certificate", ca_true },
	{ "another subject than was authorised", other_subject },
	{ "another key than was authorised", other_key },
	{ "another e-mail than was authorised", other_email },
	{ "an alternative name more", extra_name },
	{ "an extension more", extra_extension },
	{ "an extension less (no CRL address)", no_crl_url },
	{ "changed extended key usage (OCSPSigning)", changed_eku },
	{ "changed key usage (keyCertSign)", changed_usage },
	{ "changed certificate policy", changed_policy },
	{ "changed OCSP address", changed_aia },
	{ "changed CRL address", changed_crl_url },
	{ "ten years of validity", longer },
	{ "a second of validity more", a_second_longer },
	{ "notBefore in the TBS not that of the request", earlier },
	{ "another issuer's name", other_issuer },
	{ "another serial in the TBS than in the request", other_serial },
	{ "version 1", version_1 },
	{ "a criticality flipped", critical_policy },
};

/* The TBS of the request, through OpenSSL's object and back. */
static void change_tbs(struct red_ask *r, void (*change)(X509 *x))
{
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	uint8_t *tbs = NULL;

	fixture_certificate(&der, holder.key, buf_slice(&r->tbs));
	const uint8_t *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(x);
	change(x);
	int len = i2d_re_X509_tbs(x, &tbs);
	ck_assert_int_gt(len, 0);
	ck_assert(!slice_equal(buf_slice(&r->tbs), SLICE(tbs, (size_t)len)));
	ck_ok(buf_set(&r->tbs, SLICE(tbs, (size_t)len)));
	OPENSSL_free(tbs);
	X509_free(x);
}

START_TEST(a_tbs_that_was_not_authorised)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_ask) r = { 0 };
	OWN(red_result) got = { 0 };

	red_ask_init(&r, &home);
	red_ask_decide(&r, WHO_SERVICE);
	change_tbs(&r, tbs_attacks[_i].change);
	red_watch_begin(&watch, &home, SIGNER_CA);
	red_ask_send(&got, &watch.peer, &r);
	red_refused(&watch, tbs_attacks[_i].attack, &got, "tbs_differs");
}
END_TEST

/* ---- everything else of a request ---- */

static void sub_ca(struct red_ask *r)
{
	OWN(cert_template) t = NULL;
	OWN(buf) name = BUF_INIT(4096);
	const struct name_fields fields = { .common_name = "ROGUE CA" };
	const struct profile *p = NULL;
	struct serial serial;

	red_ask_decide(r, WHO_SERVICE);
	ck_ok(profiles_find_profile(&p, home.profiles, "issuing"));
	ck_ok(name_build(&name, p->subject, p->num_subject, &fields));
	ck_ok(cert_template_compile_ca(&t, home.profiles, "issuing", "rsa", buf_slice(&home.root)));
	ck_ok(serial_from_octets(&serial, SLICE(r->serial, r->serial_len)));
	const struct cert_data data = { .subject = buf_slice(&name),
					.public_key = r->a.public_key,
					.max_validity_s = 365 * 86400 };
	buf_reset(&r->tbs);
	ck_ok(cert_template_render(&r->tbs, t, &data, &serial, r->not_before_at));
}

static void no_tbs(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	buf_reset(&r->tbs);
}

static void garbage_tbs(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	ck_ok(buf_set(&r->tbs, SLICE_STR("\x30\x80garbage without an end")));
}

static void tbs_and_more(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	ck_ok(buf_append_u8(&r->tbs, 0));
}

static void digest_as_tbs(struct red_ask *r)
{
	uint8_t digest[SHA256_LEN];

	red_ask_decide(r, WHO_SERVICE);
	der_sha256(digest, buf_slice(&r->tbs));
	ck_ok(buf_set(&r->tbs, SLICE(digest, sizeof digest)));
}

static void dated(struct red_ask *r, int64_t from_now)
{
	red_ask_decide(r, WHO_SERVICE);
	r->not_before_at = clock_now_s() + from_now;
	red_ask_render(r, &r->a, r->not_before_at);
}

static void back_dated(struct red_ask *r)
{
	dated(r, -3600 - 300);
}

static void ahead_dated(struct red_ask *r)
{
	dated(r, 300 + 300);
}

static void serial_of(struct red_ask *r, const char *octets, size_t len)
{
	red_ask_decide(r, WHO_SERVICE);
	memcpy(r->serial, octets, len);
	r->serial_len = len;
	red_ask_render(r, &r->a, r->not_before_at);
}

static void serial_zero(struct red_ask *r)
{
	serial_of(r, "\0", 1);
}

static void serial_negative(struct red_ask *r)
{
	serial_of(r, "\x80\x11\x22\x33", 4);
}

static void serial_of_21(struct red_ask *r)
{
	serial_of(r, "\x5a\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14", 21);
}

static void serial_padded(struct red_ask *r)
{
	serial_of(r, "\0\x5a\x11\x22", 4);
}

static void serial_low(struct red_ask *r)
{
	serial_of(r, "\x0f\x11\x22\x33", 4);
}

static void serial_high(struct red_ask *r)
{
	serial_of(r, "\0\x80\x11\x22", 4);
}

static void serial_taken(struct red_ask *r)
{
	struct cert c;

	ck_ok(cert_parse(&c, buf_slice(&holder.der)));
	serial_of(r, (const char *)c.serial.b, c.serial.len);
}

static void unknown_issuer(struct red_ask *r)
{
	r->a.issuer = SLICE_STR("gost");
	red_ask_encode(r);
	red_ask_decide(r, WHO_SERVICE);
}

static void unknown_kind(struct red_ask *r)
{
	r->a.kind = SLICE_STR("emperor");
	red_ask_encode(r);
	red_ask_decide(r, WHO_SERVICE);
}

static void of_profile(struct red_ask *r, const char *profile)
{
	r->a.profile = SLICE_STR(profile);
	red_ask_encode(r);
	red_ask_decide(r, WHO_SERVICE);
}

static void unknown_profile(struct red_ask *r)
{
	of_profile(r, "emperor-auth");
}

static void ca_profile(struct red_ask *r)
{
	of_profile(r, "issuing");
}

static void responder_profile(struct red_ask *r)
{
	of_profile(r, "ocsp");
}

static void kind_and_purpose(struct red_ask *r)
{
	of_profile(r, "individual-sign");
}

static void subject_of_another_form(struct red_ask *r)
{
	OWN(red_ask) head = { 0 };

	red_ask_init(&head, &home);
	red_ask_head(&head);
	ck_ok(buf_set(&r->subject, buf_slice(&head.subject)));
	r->a.subject = buf_slice(&r->subject);
	red_ask_encode(r);
	red_ask_decide(r, WHO_SERVICE);
}

static void key_of_another_kind(struct red_ask *r)
{
	ck_ok(buf_set(&r->spki, buf_slice(&home.who[WHO_STRANGER].spki)));
	r->a.public_key = buf_slice(&r->spki);
	red_ask_encode(r);
	red_ask_decide(r, WHO_SERVICE);
}

static void expired_authorisation(struct red_ask *r)
{
	r->a.expires_at = clock_now_s() - 1;
	red_ask_encode(r);
	red_ask_decide(r, WHO_SERVICE);
}

static void no_authorisation(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	buf_reset(&r->authorisation);
}

static void authorisation_and_more(struct red_ask *r)
{
	ck_ok(buf_append_u8(&r->authorisation, 0));
	der_sha256(r->digest, buf_slice(&r->authorisation));
	red_ask_decide(r, WHO_SERVICE);
}

/* ---- decisions ---- */

static void nobody(struct red_ask *r)
{
	(void)r;
}

static void replayed(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	r->nonce[0] ^= 1; /* the decision is about the Authorisation before */
	red_ask_encode(r);
}

static void swapped_email(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	r->a.emails[0] = SLICE_STR("evil@example.kz");
	red_ask_encode(r);
}

static void decided_as(struct red_ask *r, const struct decision *members)
{
	red_ask_decide_as(r, &home.who[WHO_SERVICE], members, r->digest);
}

static void expired(struct red_ask *r)
{
	struct decision d = red_approval();

	d.expires_at = clock_now_s() - 1;
	decided_as(r, &d);
}

static void from_future(struct red_ask *r)
{
	struct decision d = red_approval();

	d.decided_at = clock_now_s() + 3600;
	decided_as(r, &d);
}

static void too_long(struct red_ask *r)
{
	struct decision d = red_approval();

	d.expires_at = d.decided_at + 31 * 86400;
	decided_as(r, &d);
}

static void rejected(struct red_ask *r)
{
	struct decision d = red_approval();

	d.verdict = DECISION_REJECT;
	d.reason = SLICE_STR("document");
	decided_as(r, &d);
}

static void of_orders(struct red_ask *r)
{
	struct decision d = red_approval();

	d.kind = DECISION_ORDERS;
	decided_as(r, &d);
}

static void of_adoption(struct red_ask *r)
{
	struct decision d = red_approval();

	d.kind = DECISION_ADOPTION;
	decided_as(r, &d);
}

static void stranger(struct red_ask *r)
{
	red_ask_decide(r, WHO_STRANGER);
}

/* A certificate with the operator's name, made by the attacker. */
static void namesake(struct red_ask *r)
{
	OWN(test_person) false_operator = { 0 };
	const struct decision d = red_approval();

	test_staff_init(&false_operator, signer_person(WHO_OPERATOR2));
	red_ask_entered(r, signer_person(WHO_OPERATOR1));
	red_ask_encode(r);
	red_ask_decide_as(r, &false_operator, &d, r->digest);
}

/* The service's own certificate in a CMS that another key signed. */
static void stolen_certificate(struct red_ask *r)
{
	OWN(test_person) thief = { .cert = X509_dup(home.who[WHO_SERVICE].cert), .key = test_key("p256") };
	const struct decision d = red_approval();

	OWN(buf) own = BUF_INIT(4096);

	/* OpenSSL would not sign for a certificate of another key: it thinks that this one is of the thief's */
	ck_assert_int_eq(X509_set_pubkey(thief.cert, thief.key), 1);
	red_ask_decide_as(r, &thief, &d, r->digest);
	struct buf *cms = &r->evidence[0].signature;
	const struct buf *stolen = &home.who[WHO_SERVICE].spki;
	ck_ok(suite_spki(&own, thief.key));
	uint8_t *at = memmem(cms->p, cms->len, own.p, own.len);
	if (at != NULL && own.len == stolen->len)
		memcpy(at, stolen->p, own.len);
	ck_assert_ptr_nonnull(memmem(cms->p, cms->len, stolen->p, stolen->len));
}

static void forged_cms(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	r->evidence[0].signature.p[r->evidence[0].signature.len - 3] ^= 1;
}

static void cms_over_other_bytes(struct red_ask *r)
{
	OWN(buf) other = BUF_INIT(65536);

	red_ask_decide(r, WHO_SERVICE);
	test_cms(&other, &home.who[WHO_SERVICE], SLICE_STR("another decision"));
	ck_ok(buf_set(&r->evidence[0].signature, buf_slice(&other)));
}

static void with_flags(struct red_ask *r, unsigned flags)
{
	red_ask_decide(r, WHO_SERVICE);
	buf_reset(&r->evidence[0].signature);
	test_cms_flags(&r->evidence[0].signature, &home.who[WHO_SERVICE], buf_slice(&r->evidence[0].decision), flags);
}

static void cms_with_content(struct red_ask *r)
{
	with_flags(r, TEST_CMS_FLAGS & ~(unsigned)CMS_DETACHED);
}

static void cms_without_signing_certificate(struct red_ask *r)
{
	with_flags(r, TEST_CMS_FLAGS & ~(unsigned)CMS_CADES);
}

static void cms_without_attributes(struct red_ask *r)
{
	with_flags(r, (TEST_CMS_FLAGS & ~(unsigned)CMS_CADES) | CMS_NOATTR);
}

static void cms_without_certificate(struct red_ask *r)
{
	with_flags(r, TEST_CMS_FLAGS | CMS_NOCERTS);
}

/* A CMS made with OpenSSL's parts. */
enum shape { UNSIGNED_ATTRIBUTE, TWO_SIGNERS, SHA_1, TWO_CERTIFICATES };

static void cms_of_shape(struct red_ask *r, enum shape shape)
{
	const struct test_person *who = &home.who[WHO_SERVICE], *other = &home.who[WHO_OPERATOR2];
	uint8_t *der = NULL;

	red_ask_decide(r, WHO_SERVICE);
	BIO *in = BIO_new_mem_buf(r->evidence[0].decision.p, (int)r->evidence[0].decision.len);
	const unsigned flags = TEST_CMS_FLAGS | CMS_PARTIAL;
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
	const EVP_MD *md = shape == SHA_1 ? EVP_sha1() : EVP_sha256();
	CMS_SignerInfo *signer = CMS_add1_signer(cms, who->cert, who->key, md, flags);
	ck_assert_ptr_nonnull(signer);
	if (shape == TWO_SIGNERS)
		ck_assert_ptr_nonnull(CMS_add1_signer(cms, other->cert, other->key, md, flags));
	if (shape == TWO_CERTIFICATES)
		ck_assert_int_eq(CMS_add1_cert(cms, other->cert), 1);
	ck_assert_int_eq(CMS_final(cms, in, NULL, flags), 1);
	if (shape == UNSIGNED_ATTRIBUTE)
		ck_assert_int_eq(
			CMS_unsigned_add1_attr_by_NID(signer, NID_pkcs9_unstructuredName, V_ASN1_UTF8STRING, "x", 1),
			1);
	int len = i2d_CMS_ContentInfo(cms, &der);
	ck_assert_int_gt(len, 0);
	ck_ok(buf_set(&r->evidence[0].signature, SLICE(der, (size_t)len)));
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

static void unsigned_attribute(struct red_ask *r)
{
	cms_of_shape(r, UNSIGNED_ATTRIBUTE);
}

static void two_signers(struct red_ask *r)
{
	cms_of_shape(r, TWO_SIGNERS);
}

static void sha_1(struct red_ask *r)
{
	cms_of_shape(r, SHA_1);
}

static void two_certificates(struct red_ask *r)
{
	cms_of_shape(r, TWO_CERTIFICATES);
}

static void named_but_absent(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	r->named[0][0] ^= 1;
}

static void decision_changed(struct red_ask *r)
{
	red_ask_decide(r, WHO_SERVICE);
	r->evidence[0].decision.p[r->evidence[0].decision.len - 1] ^= 1; /* nonce */
	der_sha256(r->named[0], buf_slice(&r->evidence[0].decision));
}

static void nine_decisions(struct red_ask *r)
{
	for (int i = 0; i < 9; i++)
		red_ask_decide(r, WHO_SERVICE);
}

/* ---- people ---- */

static void at_the_counter(struct red_ask *r, enum signer_who who)
{
	red_ask_entered(r, signer_person(WHO_OPERATOR1));
	red_ask_encode(r);
	red_ask_decide(r, who);
}

static void auditor(struct red_ask *r)
{
	at_the_counter(r, WHO_AUDITOR);
}

static void desk(struct red_ask *r)
{
	at_the_counter(r, WHO_DESK);
}

static void enterer(struct red_ask *r)
{
	at_the_counter(r, WHO_OPERATOR1);
}

static void enterer_again(struct red_ask *r)
{
	at_the_counter(r, WHO_OPERATOR1_AGAIN);
}

static void former(struct red_ask *r)
{
	at_the_counter(r, WHO_FORMER);
}

static void service_at_the_counter(struct red_ask *r)
{
	at_the_counter(r, WHO_SERVICE);
}

static void operator_remote(struct red_ask *r)
{
	red_ask_decide(r, WHO_OPERATOR2);
}

static void applicant(struct red_ask *r)
{
	const struct profile *p = NULL;
	struct name_fields fields = fixture_testov;

	fields.iin = signer_person(WHO_OPERATOR2);
	ck_ok(profiles_find_profile(&p, home.profiles, "individual-auth"));
	buf_reset(&r->subject);
	ck_ok(name_build(&r->subject, p->subject, p->num_subject, &fields));
	r->a.subject = buf_slice(&r->subject);
	at_the_counter(r, WHO_OPERATOR2);
}

static void head(struct red_ask *r)
{
	red_ask_head(r);
	red_ask_encode(r);
}

static void one_person_twice(struct red_ask *r)
{
	red_ask_head(r);
	red_ask_entered(r, "960101300044");
	red_ask_encode(r);
	red_ask_decide(r, WHO_OPERATOR1);
	red_ask_decide(r, WHO_OPERATOR1_AGAIN);
}

static void one_decision_twice(struct red_ask *r)
{
	red_ask_head(r);
	red_ask_entered(r, "960101300044");
	red_ask_encode(r);
	red_ask_decide(r, WHO_OPERATOR1);
	red_ask_decide(r, WHO_OPERATOR1);
}

static void head_without_a_second(struct red_ask *r)
{
	head(r);
	red_ask_decide(r, WHO_SERVICE);
}

static void head_by_operators_alone(struct red_ask *r)
{
	head(r);
	red_ask_decide(r, WHO_OPERATOR1);
	red_ask_decide(r, WHO_OPERATOR2);
}

static void staff_certificate(struct red_ask *r)
{
	const struct profile *p = NULL;

	r->a.kind = r->a.profile = SLICE_STR("staff-administrator");
	r->a.purpose = SLICE_STR("service");
	r->a.channel = CHANNEL_ADMINISTRATION;
	ck_ok(profiles_find_profile(&p, home.profiles, "staff-administrator"));
	buf_reset(&r->subject);
	ck_ok(name_build(&r->subject, p->subject, p->num_subject, &fixture_testov));
	r->a.subject = buf_slice(&r->subject);
	red_ask_encode(r);
}

static void staff_by_operators(struct red_ask *r)
{
	staff_certificate(r);
	red_ask_decide(r, WHO_OPERATOR1);
	red_ask_decide(r, WHO_OPERATOR2);
}

static void staff_by_one_administrator(struct red_ask *r)
{
	staff_certificate(r);
	red_ask_decide(r, WHO_ADMIN1);
}

static void staff_by_one_administrator_twice(struct red_ask *r)
{
	staff_certificate(r);
	red_ask_decide(r, WHO_ADMIN1);
	red_ask_decide(r, WHO_ADMIN1);
}

static void closed_channel(struct red_ask *r)
{
	r->a.channel = CHANNEL_ADMINISTRATION;
	red_ask_encode(r);
	red_ask_decide(r, WHO_ADMIN1);
	red_ask_decide(r, WHO_ADMIN2);
}

/* ---- holders ---- */

static void renewal_by(struct red_ask *r, const struct test_person *who)
{
	const struct decision d = red_approval();

	r->a.channel = CHANNEL_RENEWAL;
	red_ask_encode(r);
	red_ask_decide_as(r, who, &d, r->digest);
}

static void renewal_by_another_holder(struct red_ask *r)
{
	renewal_by(r, &holder);
}

static void renewal_by_auth(struct red_ask *r)
{
	renewal_by(r, &auth_holder);
}

static void renewal_by_a_lookalike(struct red_ask *r)
{
	OWN(test_person) false_ca = { 0 };
	OWN(test_person) lookalike = { 0 };
	const struct test_cert_spec ca = { .cn = "CA", .basic = "critical,CA:TRUE" };
	const struct test_cert_spec spec = { .iin = fixture_testov.iin, .key_usage = "critical,nonRepudiation" };

	test_person_init(&false_ca, "p256", &ca, NULL);
	X509 *issuing = NULL;
	const uint8_t *p = home.issuing.p;
	issuing = d2i_X509(NULL, &p, (long)home.issuing.len);
	ck_assert_int_eq(X509_set_subject_name(false_ca.cert, X509_get_subject_name(issuing)), 1);
	X509_free(issuing);
	test_person_init(&lookalike, "p256", &spec, &false_ca);
	renewal_by(r, &lookalike);
}

static const struct {
	const char *attack;
	void (*spoil)(struct red_ask *r);
	const char *word;
} attacks[] = {
	{ "a subordinate CA's TBS", sub_ca, "tbs_differs" },
	{ "no TBS", no_tbs, "bad_input" },
	{ "a TBS that is no DER", garbage_tbs, "tbs_differs" },
	{ "a TBS with an octet behind it", tbs_and_more, "tbs_differs" },
	{ "a digest to be signed instead of a TBS", digest_as_tbs, "tbs_differs" },
	{ "back-dated notBefore", back_dated, "not_before" },
	{ "notBefore ahead", ahead_dated, "not_before" },
	{ "serial zero", serial_zero, "bad_input" },
	{ "serial negative", serial_negative, "bad_input" },
	{ "serial of 21 octets", serial_of_21, "bad_input" },
	{ "serial not minimal", serial_padded, "bad_input" },
	{ "serial below the range", serial_low, "serial_form" },
	{ "serial above the range", serial_high, "serial_form" },
	{ "serial of another certificate", serial_taken, "serial_taken" },
	{ "an issuer without a key here", unknown_issuer, "unknown_issuer" },
	{ "a kind that the Policy does not have", unknown_kind, "unknown_kind" },
	{ "a profile that the Policy does not have", unknown_profile, "wrong_profile" },
	{ "the profile of the issuing CA", ca_profile, "wrong_profile" },
	{ "the profile of the OCSP responder", responder_profile, "wrong_profile" },
	{ "a profile of another purpose", kind_and_purpose, "wrong_profile" },
	{ "a subject that is not of the profile's form", subject_of_another_form, "render" },
	{ "a key of a kind that the profile does not allow", key_of_another_kind, "render" },
	{ "an expired Authorisation", expired_authorisation, "authorisation_expired" },
	{ "no Authorisation", no_authorisation, "bad_input" },
	{ "an Authorisation with an octet behind it", authorisation_and_more, "malformed" },
	{ "no decision", nobody, "decisions_missing" },
	{ "a decision for another Authorisation, replayed", replayed, "not_named" },
	{ "e-mail swapped after the decision", swapped_email, "not_named" },
	{ "an expired decision", expired, "decision_expired" },
	{ "a decision dated in the future", from_future, "decision_from_future" },
	{ "a decision that wants to live too long", too_long, "decision_too_long" },
	{ "a rejection used as an approval", rejected, "rejected" },
	{ "a decision about orders", of_orders, "wrong_kind" },
	{ "a decision about an adoption", of_adoption, "wrong_kind" },
	{ "a decision by a stranger", stranger, "unknown_signer" },
	{ "a decision by a self-made certificate with an operator's name", namesake, "unknown_signer" },
	{ "a stolen certificate over another key's signature", stolen_certificate, "decision_absent" },
	{ "a forged CMS", forged_cms, "decision_absent" },
	{ "a CMS over other bytes", cms_over_other_bytes, "decision_absent" },
	{ "a CMS with its content inside", cms_with_content, "decision_absent" },
	{ "a CMS without signingCertificateV2", cms_without_signing_certificate, "decision_absent" },
	{ "a CMS without signed attributes", cms_without_attributes, "decision_absent" },
	{ "a CMS without certificate", cms_without_certificate, "decision_absent" },
	{ "a CMS with an unsigned attribute", unsigned_attribute, "decision_absent" },
	{ "a CMS of two signers", two_signers, "decision_absent" },
	{ "a CMS with SHA-1", sha_1, "decision_absent" },
	{ "a CMS with a second certificate", two_certificates, "decision_absent" },
	{ "a decision that is named but not there", named_but_absent, "decision_absent" },
	{ "a decision changed after it was signed", decision_changed, "decision_absent" },
	{ "nine decisions for one certificate", nine_decisions, "too_many_decisions" },
	{ "an auditor approves", auditor, "wrong_role" },
	{ "the desk approves", desk, "wrong_role" },
	{ "who entered it approves", enterer, "enterer" },
	{ "who entered it approves with another certificate", enterer_again, "enterer" },
	{ "an operator whose term has ended", former, "unknown_signer" },
	{ "the identification service at the counter", service_at_the_counter, "wrong_role" },
	{ "an operator in place of the identification service", operator_remote, "wrong_role" },
	{ "the applicant, an operator, approves himself", applicant, "subject" },
	{ "one person twice with two certificates", one_person_twice, "same_person" },
	{ "one person twice with one certificate", one_decision_twice, "same_person" },
	{ "a head of an entity without the second person", head_without_a_second, "decisions_missing" },
	{ "a head by operators without identification", head_by_operators_alone, "decisions_missing" },
	{ "an administrator's certificate by two operators", staff_by_operators, "wrong_role" },
	{ "an administrator's certificate by one administrator", staff_by_one_administrator, "decisions_missing" },
	{ "an administrator's certificate by one administrator twice", staff_by_one_administrator_twice,
	  "same_person" },
	{ "a channel that is closed to the kind", closed_channel, "no_rule" },
	{ "renewal by the holder of another certificate", renewal_by_another_holder, "not_holder" },
	{ "renewal by an AUTH certificate", renewal_by_auth, "unknown_signer" },
	{ "renewal by a certificate of a CA with the same name", renewal_by_a_lookalike, "unknown_signer" },
};

START_TEST(a_request_that_was_not_authorised)
{
	OWN(red_watch) watch = { 0 };
	OWN(red_ask) r = { 0 };
	OWN(red_result) got = { 0 };

	red_ask_init(&r, &home);
	attacks[_i].spoil(&r);
	red_watch_begin(&watch, &home, SIGNER_CA);
	red_ask_send(&got, &watch.peer, &r);
	red_refused(&watch, attacks[_i].attack, &got, attacks[_i].word);
}
END_TEST

/* The service may be taken over as well: its word is counted. */
START_TEST(identification_over_its_ceiling)
{
	OWN(red_watch) watch = { 0 };
	OWN(signer_peer) cad = { 0 };

	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	for (int i = 0; i < 2; i++) {
		OWN(red_ask) r = { 0 };
		OWN(red_result) got = { 0 };

		if (i == 1)
			red_watch_begin(&watch, &home, SIGNER_CA);
		red_ask_init(&r, &home);
		red_ask_decide(&r, WHO_SMALL_SERVICE);
		red_ask_send(&got, &cad, &r);
		if (i == 0)
			ck_assert_msg(got.is_done, "%s: %s", got.word, got.text);
		else
			red_refused(&watch, "identification over its ceiling", &got, "ceiling_hour");
	}
}
END_TEST

/* One TBS per Authorisation, for ever: another proposal gets the recorded one again, and no event. */
START_TEST(one_authorisation_gives_one_certificate)
{
	OWN(red_watch) watch = { 0 };
	OWN(signer_peer) cad = { 0 };
	OWN(red_ask) r = { 0 };
	OWN(red_result) first = { 0 };
	OWN(red_result) second = { 0 };

	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	red_ask_init(&r, &home);
	red_ask_decide(&r, WHO_SERVICE);
	red_ask_send(&first, &cad, &r);
	ck_assert_msg(first.is_done, "%s: %s", first.word, first.text);
	red_watch_begin(&watch, &home, SIGNER_CA);
	r.serial[5] ^= 1;
	red_ask_render(&r, &r.a, r.not_before_at);
	red_ask_send(&second, &cad, &r);
	ck_assert_msg(second.is_done, "%s: %s", second.word, second.text);
	ck_assert(!slice_equal(buf_slice(&r.tbs), buf_slice(&first.tbs)));
	ck_assert(slice_equal(buf_slice(&second.tbs), buf_slice(&first.tbs)));
	ck_assert(slice_equal(buf_slice(&second.signature), buf_slice(&first.signature)));
	ck_assert_int_eq(second.seq, first.seq);
	red_unchanged(&watch, "the same Authorisation with another TBS");
	(void)printf("repeated %-62s recorded TBS and signature\n", "the same Authorisation with another TBS");
}
END_TEST

START_TEST(an_honest_request_is_still_signed)
{
	OWN(signer_peer) cad = { 0 };
	OWN(test_person) person = { 0 };

	signer_peer_open(&cad, &home, "cad", SIGNER_CA);
	red_issue(&person, &home, &cad, "head-sign", "860101300055", NULL);
}
END_TEST

/* What was refused is in the log, for people to find. */
START_TEST(refusals_are_logged)
{
	OWN(buf) log = BUF_INIT(16 << 20);
	const char *text;

	signer_log(&log, &home, SIGNER_CA);
	ck_ok(buf_str(&log, &text));
	ck_assert_ptr_nonnull(strstr(text, "signer_refused peer=cad reason="));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("red/certificates");
	TCase *t = tcase_create("cad");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, begin, end);
	tcase_add_loop_test(t, a_tbs_that_was_not_authorised, 0, COUNT_OF(tbs_attacks));
	tcase_add_loop_test(t, a_request_that_was_not_authorised, 0, COUNT_OF(attacks));
	tcase_add_test(t, identification_over_its_ceiling);
	tcase_add_test(t, one_authorisation_gives_one_certificate);
	tcase_add_test(t, an_honest_request_is_still_signed);
	tcase_add_test(t, refusals_are_logged);
	suite_add_tcase(s, t);
	return suite_main(s);
}
