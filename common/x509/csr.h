/*
 * csr.h - intake of an applicant's PKCS#10 request in NUC's form.
 *
 * The gate first, then a fixed form: one extensionRequest attribute with exactly one Extensions value, which holds the
 * key-store extension 1.2.398.3.3.5 (mandatory) and may hold a subjectAltName of e-mail and domain names (e-mail is
 * optional in NUC's application, so it is here). Other extensions of the request, its subject and the path in the key
 * store are dropped: key usage, EKU, policy and the subject come from profile and application. Missing or doubled parts
 * and other kinds of GeneralName are refused. Possession of the key is proven by the signature; weak keys are refused.
 *
 * References: RFC 2986, RFC 2985 §5.4.2, nuc-domain.md 4 (KIT). Callers: rad (applications), nucapply (its own check).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_CSR_H
#define COMMON_X509_CSR_H

#include "base/buf.h"
#include "x509/person.h"

#define CSR_MAX_BYTES	  16384
#define CSR_MAX_EMAILS	  2
#define CSR_MAX_DNS_NAMES 16
#define CSR_STORAGE_SIZE  64

/* A plain value: nothing to free. */
struct csr {
	uint8_t public_key_bytes[1024]; /* the SubjectPublicKeyInfo */
	struct slice public_key; /* borrows public_key_bytes: do not copy the struct by value */
	uint8_t key_hash[32]; /* SHA-256 of it */
	char emails[CSR_MAX_EMAILS][PERSON_EMAIL_MAX + 1];
	size_t num_emails;
	char dns_names[CSR_MAX_DNS_NAMES][PERSON_DNS_MAX + 1];
	size_t num_dns_names;
	char key_storage[CSR_STORAGE_SIZE]; /* dotted OID under 1.2.398.3.3.5 */
};

/* csr_read() takes a request in. *Errors* BAD_INPUT or TOO_LARGE, field "csr", one sentence for the applicant. */
struct err *csr_read(struct csr *out, struct slice der) ERR_MUST_USE;

/* Key storages have names for people (`--storage PKCS12`): csr_storage_oid() gives the dotted OID for a name (case does
 * not matter) or for a dotted OID that is known, NULL otherwise; csr_storage_name() the name for a dotted OID, NULL when
 * unknown. Names: PKCS12 JKS ID_CARD KAZTOKEN ETOKEN_72K ETOKEN_5110 JACARTA AKEY SIM CERTEX_CLOUD (asn1/oid.h). */
const char *csr_storage_oid(const char *name_or_oid);
const char *csr_storage_name(const char *oid);

/* csr_extensions() appends the DER of the Extensions value that a request in NUC's form carries (for nucapply and
 * tests): SAN of the names, if any, and the key store. */
struct err *csr_extensions(struct buf *out, const char *storage_oid, const char *const *emails, size_t num_emails,
			   const char *const *dns_names, size_t num_dns_names) ERR_MUST_USE;

/* csr_info() appends the CertificationRequestInfo for a key: empty subject or the Name given, the attribute above.
 * The caller signs it and joins the three parts with csr_assemble(). */
struct err *csr_info(struct buf *out, struct slice subject, struct slice public_key,
		     struct slice extensions) ERR_MUST_USE;
struct err *csr_assemble(struct buf *out, struct slice info, struct slice signature_algorithm,
			 struct slice signature) ERR_MUST_USE;

#endif
