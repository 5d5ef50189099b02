/*
 * verify.h - intake of an application: what a submission says is checked against the kind's profile, and each request
 * becomes the Authorisation that people will decide on.
 *
 * The subject is built from the application, never from the CSR; of a CSR only its key, its key store and those e-mail and
 * domain names count that the application names too. Nothing is corrected: a submission is right or refused, and the
 * refusal names the field. Pure but for the random nonces: the ledger is not asked here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_VERIFY_H
#define RA_VERIFY_H

#include <jansson.h>

#include "ra/queries.h"
#include "ra/ra.h"
#include "x509/csr.h"

/* What the JSON said; texts borrow from it, "" where missing. */
struct ra_intake {
	const char *kind, *channel, *issuer, *language, *office, *key_storage;
	const char *iin, *surname, *given, *patronymic, *email, *phone;
	const char *bin, *organisation;
	const char *treasury_role, *treasury_client, *system_oid;
	struct buf dns_names; /* separated by one space, NUL-terminated by ra_intake_read() */
	uint8_t agreement[32];
	size_t num_requests;
	struct ra_intake_request {
		const char *purpose;
		size_t index; /* place in the JSON */
		struct buf csr_der;
		struct csr *csr;
		const struct profile *profile;
		struct buf authorisation;
		uint8_t digest[32];
	} requests[PROFILE_MAX_REQUESTS]; /* in the order of the kind's purposes once checked */
	const struct profile_kind *profile_kind;
	enum profile_channel profile_channel;
};
void ra_intake_clear(struct ra_intake *self);
OWN_TYPE(ra_intake, struct ra_intake, ra_intake_clear)

/* ra_intake_read() reads the JSON by its form alone. *Owns* `out` borrows from `json`. */
struct err *ra_intake_read(struct ra_intake *out, json_t *json) ERR_MUST_USE;

/* What a submission is checked against. */
struct ra_intake_rules {
	const struct ra_rules *rules;
	const struct ra_agreement *agreement;
	const char *default_issuer;
	enum profile_channel channel; /* that this port takes */
	bool test_identities;
};
/* ra_intake_check() checks everything that can be checked without the ledger. *Errors* BAD_INPUT naming the field. */
struct err *ra_intake_check(struct ra_intake *self, const struct ra_intake_rules *against) ERR_MUST_USE;

/* ra_intake_authorise() builds the Authorisations. `entered_by` is the operator, or "". */
struct err *ra_intake_authorise(struct ra_intake *self, const char *number, const char *entered_by,
				int64_t expires_at) ERR_MUST_USE;

/* ra_intake_digest() is what makes two submissions the same one: SHA-256 over everything in them and who entered it. */
struct err *ra_intake_digest(uint8_t out[32], const struct ra_intake *self, const char *entered_by) ERR_MUST_USE;

#endif
