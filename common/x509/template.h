/*
 * template.h - certificates by patching pre-encoded DER: a profile under an issuer is compiled once, then each TBS
 * is joined from its pieces in about 2.5 microseconds.
 *
 * cad renders what it proposes, signd renders the same from the same words and signs only if the bytes are equal, so
 * the result depends on (profiles.conf, issuer's certificate, Authorisation, serial, notBefore) and nothing else: no
 * clock, no locale, no randomness. What goes into a certificate is decided here and in profiles.conf.
 *
 * notAfter = notBefore + validity - 1 s (both ends count). Times through 2049 are UTCTime, later ones GeneralizedTime
 * (RFC 5280 §4.1.2.5). The issuer's name is a copy of the bytes of the CA's subject. The subject's form, the key's
 * algorithm and the alternative names are checked against the profile before a byte is written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_TEMPLATE_H
#define COMMON_X509_TEMPLATE_H

#include "asn1/serial.h"
#include "base/buf.h"
#include "x509/cert.h"
#include "x509/profile.h"

#define CERT_TBS_MAX 12288

/* What the Authorisation adds to the profile; all borrowed. */
struct cert_data {
	struct slice subject; /* Name, DER */
	struct slice public_key; /* SubjectPublicKeyInfo, DER */
	const struct slice *emails; /* texts */
	size_t num_emails;
	const struct slice *dns_names; /* texts */
	size_t num_dns_names;
	const char *key_storage; /* dotted OID, NULL or "" for none */
	int64_t max_validity_s; /* the profile's validity is cut to this */
};

struct cert_template;

/* cert_template_compile() prepares a profile under an issuer. `issuer_certificate` is the issuing CA's DER. *Owns* the
 * result: the caller; it borrows `all`, which must outlive it, and copies what it needs of the certificate. Safe to
 * render from several threads. *Errors* NOT_FOUND, DENIED for a profile with is_ca (field "profile"), CONFIG, BAD_INPUT. */
struct err *cert_template_compile(struct cert_template **out, const struct profiles *all, const char *profile,
				  const char *issuer, struct slice issuer_certificate) ERR_MUST_USE;

/* cert_template_compile_ca() is the ceremony's way to a profile with is_ca (the issuing CA under its root); it refuses
 * the others. No daemon calls it. */
struct err *cert_template_compile_ca(struct cert_template **out, const struct profiles *all, const char *profile,
				     const char *issuer, struct slice root_certificate) ERR_MUST_USE;

void cert_template_destroy(struct cert_template **self);
OWN_TYPE(cert_template, struct cert_template *, cert_template_destroy)

/* Getters borrow from the template. */
const struct profile *cert_template_profile(const struct cert_template *t);
const struct suite *cert_template_suite(const struct cert_template *t); /* row of the issuer's key */
struct slice cert_template_issuer_name(const struct cert_template *t);
struct slice cert_template_issuer_key(const struct cert_template *t); /* its SubjectPublicKeyInfo */
const struct cert *cert_template_authority(const struct cert_template *t); /* the issuer's certificate, read */

/* cert_template_render() appends the TBSCertificate. *Errors* BAD_INPUT with the field (subject, public_key, emails, dns_names, key_storage, max_validity,
 * serial, not_before); CONFLICT when the certificate would begin before or end after the issuer's. */
struct err *cert_template_render(struct buf *out_tbs, const struct cert_template *t, const struct cert_data *data,
				 const struct serial *serial, int64_t not_before_at) ERR_MUST_USE;

/* cert_not_after() gives the last second of the validity that render would write. */
struct err *cert_not_after(int64_t *out_at, const struct cert_template *t, const struct cert_data *data,
			   int64_t not_before_at) ERR_MUST_USE;

/* cert_assemble() appends the certificate: TBS, the row's AlgorithmIdentifier, signature. RFC 5280 §4.1.1 */
struct err *cert_assemble(struct buf *out, struct slice tbs, const struct suite *row,
			  struct slice signature) ERR_MUST_USE;

/* cert_render_root() appends the TBS of a self-signed root of an issuer under the profile `root`. */
struct err *cert_render_root(struct buf *out_tbs, const struct profiles *all, const char *issuer,
			     struct slice public_key, const struct serial *serial, int64_t not_before_at) ERR_MUST_USE;

/* cert_serial_of_key() makes the serial of a CA certificate as NUC does: SHA-1 key id (method 1), first octet masked
 * to 0x10..0x7F. One key, one serial. */
struct err *cert_serial_of_key(struct serial *out, struct slice public_key) ERR_MUST_USE;

#endif
