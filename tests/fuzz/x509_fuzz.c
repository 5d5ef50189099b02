/*
 * x509_fuzz.c - everything of common/x509 and ca/lint that reads strangers' bytes. The first octet chooses the reader:
 * c request, x certificate, t TBSCertificate and lints, n name, p profiles.conf, m PEM, a addresses and names of people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#include "ca/lint/lint.h"
#include "x509/cert.h"
#include "x509/csr.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/person.h"
#include "x509/profile.h"
#include "x509/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A profile that every lint has something to say about. */
static const struct profile profile = { .name = (char *)"individual-sign",
					.subject = { { NAME_CN, false }, { NAME_G, true } },
					.num_subject = 2,
					.key_usage = KEY_USAGE_DIGITAL_SIGNATURE,
					.extensions = { EXT_KEY_USAGE, EXT_CRL, EXT_DELTA_CRL, EXT_AUTHORITY_INFO },
					.num_extensions = 4,
					.validities = { { (char *)"", 86400 } },
					.num_validities = 1,
					.path_length = -1 };
static const struct profile_issuer issuer = { .name = (char *)"rsa",
					      .ca_url = (char *)"http://a/",
					      .crl = { { (char *)"http://b/" }, 1 } };

static void read_request(struct slice bytes)
{
	struct csr csr;
	OWN(err) e = csr_read(&csr, bytes);
}

static void read_certificate(struct slice bytes)
{
	OWN(buf) printed = BUF_INIT(1 << 16);
	struct cert c;
	OWN(err) e = cert_parse(&c, bytes);

	if (e != NULL)
		return;
	OWN(err) self = cert_verify(&c, &c);
	OWN(err) print = name_print(&printed, c.subject);
	OWN(err) strength = suite_check_strength(c.public_key);
}

static void read_tbs(struct slice bytes)
{
	struct lint_context context = { .profile = &profile, .issuer = &issuer };
	struct lint_token token;
	OWN(err) e = lint_tbs(&token, &context, bytes);

	if (e == NULL)
		abort(); /* nothing satisfies this profile */
}

static void read_name(struct slice bytes)
{
	OWN(buf) printed = BUF_INIT(1 << 20);
	char iin[13], bin[13];
	OWN(err) e = name_print(&printed, bytes);
	OWN(err) check = name_check(bytes, profile.subject, profile.num_subject);

	name_person(iin, bin, bytes);
}

/* libconfig 1.5 leaks the text of a string that is not ended; the leak checker must not count that as ours. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void read_profiles(struct slice bytes)
{
	if (__lsan_disable != NULL)
		__lsan_disable();
	OWN(profiles) all = NULL;
	OWN(err) e = profiles_parse(&all, bytes);
	if (__lsan_enable != NULL)
		__lsan_enable();
}

static void read_pem(struct slice bytes)
{
	OWN(buf) der = BUF_INIT(1 << 20);
	OWN(err) e = pem_read(&der, bytes, PEM_CERTIFICATE);
}

static void read_texts(struct slice bytes)
{
	OWN(buf) upper = BUF_INIT(1 << 22);
	OWN(err) name = person_check_name("f", bytes);
	OWN(err) organisation = person_check_organisation("f", bytes);
	OWN(err) email = person_check_email("f", bytes);
	OWN(err) phone = person_check_phone("f", bytes);
	OWN(err) dns = person_check_dns("f", bytes);
	OWN(err) oid = person_check_oid("f", bytes);
	OWN(err) e = name_upper(&upper, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		uint8_t letter;
		void (*read)(struct slice bytes);
	} readers[] = { { 'c', read_request },	{ 'x', read_certificate }, { 't', read_tbs },  { 'n', read_name },
			{ 'p', read_profiles }, { 'm', read_pem },	   { 'a', read_texts } };

	for (size_t i = 0; size > 0 && i < sizeof readers / sizeof readers[0]; i++)
		if (data[0] == readers[i].letter)
			readers[i].read(SLICE(data + 1, size - 1));
	return 0;
}
