/*
 * person.h - checks of what people write in an application: IIN, BIN, names, e-mail, phone, domain names.
 *
 * A number is right when it has 12 digits and its check digit fits (both passes). The date and digit 7 are not tied to
 * the person (Government Resolution 853 of 26.08.2013), so they only make a warning. Each function takes the field's
 * name first, so that a refusal names it. Nothing is changed or cut: text is right or refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_PERSON_H
#define COMMON_X509_PERSON_H

#include "base/buf.h"

enum person_leniency {
	PERSON_STRICT = 0,
	/* NUC's SDK identities 123456789011, 123456789012 and 123456789021, whose check digits are wrong, are let
	 * through, and only those. A setting for demonstration and tests: `test_identities` in rad.conf. */
	PERSON_TEST_IDENTITIES = 1,
	/* An operator saw the document and overrides the check digit (a BIN in the official registry fails it). */
	PERSON_OVERRIDE_CHECK_DIGIT = 2,
};

/* person_check_digit() computes the twelfth digit from eleven (as text); -1 when both passes give 10: such a number is
 * not assigned to anyone; -2 when the text does not start with eleven digits. */
int person_check_digit(const char *first_eleven);

/* person_check_iin() and person_check_bin(). `leniency` is a sum of enum person_leniency. `out_warning` may be NULL;
 * else it is set to a constant sentence, or NULL when there is nothing to warn of.
 * *Errors* BAD_INPUT: not 12 digits, unassignable prefix, check digit. */
struct err *person_check_iin(const char *field, const char *iin, unsigned leniency,
			     const char **out_warning) ERR_MUST_USE;
struct err *person_check_bin(const char *field, const char *bin, unsigned leniency,
			     const char **out_warning) ERR_MUST_USE;

#define PERSON_NAME_MAX		64 /* characters of a surname, given name or patronymic */
#define PERSON_ORGANISATION_MAX 64 /* characters; RFC 5280 Appendix A.1 ub-organization-name */
#define PERSON_EMAIL_MAX	254 /* octets; RFC 5321 §4.5.3.1.3 less the angle brackets */
#define PERSON_DNS_MAX		253 /* octets; RFC 1035 §2.3.4 in text form */

/* person_check_name() is for the names of people: letters of the Cyrillic and Latin scripts in composed form, joined by
 * single spaces, hyphens, apostrophes or full stops; 1..PERSON_NAME_MAX characters. *Errors* BAD_INPUT. */
struct err *person_check_name(const char *field, struct slice text) ERR_MUST_USE;

/* person_check_organisation() allows digits and the punctuation of company names besides; 1..PERSON_ORGANISATION_MAX
 * characters, no angle brackets, no control or invisible characters. *Errors* BAD_INPUT. */
struct err *person_check_organisation(const char *field, struct slice text) ERR_MUST_USE;

/* person_check_email() accepts the dot-atom form in ASCII with a domain of two labels or more (RFC 5321 §4.1.2). */
struct err *person_check_email(const char *field, struct slice text) ERR_MUST_USE;

/* person_check_phone() accepts + and 8..15 digits (E.164). */
struct err *person_check_phone(const char *field, struct slice text) ERR_MUST_USE;

/* person_check_dns() accepts lower-case LDH labels (A-labels for others), two or more, no wildcard, no address. */
struct err *person_check_dns(const char *field, struct slice text) ERR_MUST_USE;

/* person_check_oid() accepts a dotted object identifier in canonical form. */
struct err *person_check_oid(const char *field, struct slice text) ERR_MUST_USE;

/* person_check_code() accepts 1..max capital Latin letters and digits (treasury role and client code). */
struct err *person_check_code(const char *field, struct slice text, size_t max) ERR_MUST_USE;

#endif
