/*
 * ceremony_plan.h - the plan of a key ceremony, read from a libconfig file; every mistake is named at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_CEREMONY_PLAN_H
#define CA_SIGN_CEREMONY_PLAN_H

#include "base/buf.h"

#define PLAN_MAX_ISSUERS      8
#define PLAN_MAX_CERTIFICATES 64
#define PLAN_MAX_CUSTODIANS   16
#define PLAN_MAX_DNS	      8

/* A certificate for somebody else's key: staff, a service, the identification service. Absent texts are "". */
struct plan_certificate {
	const char *name; /* file name of the result, without .pem */
	const char *request; /* PKCS#10 file, PEM or DER */
	const char *profile;
	const char *issuer;
	const char *common_name, *surname, *given, *patronymic, *person, *organisation, *bin, *email;
	const char *dns[PLAN_MAX_DNS];
	size_t num_dns;
};

/* An issuer of profiles.conf, whose root and issuing keys are of its suite there. */
struct plan_issuer {
	const char *name;
	const char *responder_suite; /* of its OCSP responder's key; "": the issuer's */
};

struct ceremony_plan {
	const char *out; /* folder of what is public */
	const char *profiles; /* profiles.conf */
	const char *root_keys, *ca_keys, *ocsp_keys; /* folders of key files */
	const char *pkcs11_module, *pkcs11_token, *pkcs11_pin_file; /* token of the issuers' keys; "": files */
	int64_t threshold; /* of the custodians; 0: key files are plain */
	const char *shares[PLAN_MAX_CUSTODIANS]; /* files of the shares */
	const char *share_passphrases[PLAN_MAX_CUSTODIANS]; /* files with the custodians' passphrases */
	size_t num_shares, num_share_passphrases; /* the latter 0: shares are not encrypted */
	const char *journal; /* of the issuing signer */
	const char *log_origin;
	int64_t root_list_days; /* nextUpdate of the root's empty list */
	struct plan_issuer issuers[PLAN_MAX_ISSUERS];
	size_t num_issuers;
	struct plan_certificate certificates[PLAN_MAX_CERTIFICATES];
	size_t num_certificates;
	void *config; /* owner of the texts */
};

/* ceremony_plan_read() reads the file. *Owns* *out: the caller. *Errors* CONFIG with every mistake, a line each. */
struct err *ceremony_plan_read(struct ceremony_plan **out, const char *file) ERR_MUST_USE;
void ceremony_plan_destroy(struct ceremony_plan **self);
OWN_TYPE(ceremony_plan, struct ceremony_plan *, ceremony_plan_destroy)

#endif
