/*
 * lint_internal.h - what lints see of a TBSCertificate, and how a lint is written.
 *
 * A file holds the lints of one document on one subject and ends in a table; the registry lists the tables. A check
 * returns NULL, or an error whose sentence says what is wrong with this certificate; citation and name are added.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_LINT_LINT_INTERNAL_H
#define CA_LINT_LINT_INTERNAL_H

#include "asn1/der.h"
#include "asn1/oid.h"
#include "ca/lint/lint.h"

#define LINT_MAX_EXTENSIONS 32
#define LINT_MAX_ATTRIBUTES 16

struct lint_extension {
	struct slice id, value; /* content octets of the OID; content of the OCTET STRING */
	bool critical;
};

/* One attribute of the subject. */
struct lint_attribute {
	struct slice id;
	struct der_tlv value;
	bool is_alone; /* its RDN has no other */
};

/* The TBS, taken apart without judging. */
struct lint_view {
	const struct lint_context *context;
	struct slice tbs;
	struct der_tlv version; /* whole.len 0 when absent */
	struct der_tlv serial;
	struct slice algorithm, issuer, subject, public_key; /* whole DER */
	struct der_tlv not_before, not_after;
	bool has_unique_ids;
	struct lint_attribute attributes[LINT_MAX_ATTRIBUTES]; /* of the subject, in order */
	size_t num_attributes;
	struct lint_extension extensions[LINT_MAX_EXTENSIONS];
	size_t num_extensions;
	bool is_read; /* cert_parse_tbs() could read it: `cert` is filled */
	char fault[200]; /* why it could not */
	struct cert cert;
	bool has_authority; /* false for the root */
	struct cert authority;
};

struct lint {
	const char *name; /* "rfc5280_serial_form" */
	const char *citation; /* "RFC 5280 §4.1.2.2" */
	int64_t effective_at; /* notBefore from which the rule binds, Unix seconds */
	bool (*applies)(const struct lint_view *v); /* NULL: always */
	struct err *(*check)(const struct lint_view *v);
};

struct lint_table {
	const struct lint *lints;
	size_t num;
};
#define LINT_TABLE(array)                                                                                              \
	{                                                                                                              \
		(array), sizeof(array) / sizeof((array)[0])                                                            \
	}

/* When the documents came into force (RFC 5280: May 2008; RFC 6960: June 2013; BR 1.0: 2012-07-01; NUC's form: 2018). */
#define EFFECTIVE_RFC5280 1209600000
#define EFFECTIVE_RFC6960 1370044800
#define EFFECTIVE_BR	  1341100800
#define EFFECTIVE_NUC	  1514764800

extern const struct lint_table lint_rfc5280_tbs, lint_rfc5280_name, lint_rfc5280_extensions, lint_rfc5280_urls,
	lint_rfc6960_responder, lint_cabf_br_certificate, lint_cabf_br_server, lint_nuc_subject, lint_nuc_usage,
	lint_nuc_profile;

/* lint_at() gives the lints of all tables in order, NULL past the last. */
const struct lint *lint_at(size_t index);

/* lint_view_open() takes a TBS apart. *Errors* BAD_INPUT when even its frame cannot be read. */
struct err *lint_view_open(struct lint_view *out, const struct lint_context *context, struct slice tbs) ERR_MUST_USE;

/* Helpers of checks. lint_extension() gives NULL when the extension is absent. */
const struct lint_extension *lint_extension(const struct lint_view *v, enum oid_name id);
bool lint_has_eku(const struct lint_view *v, enum oid_name id);
bool lint_is_ca_profile(const struct lint_view *v);
bool lint_is_leaf_profile(const struct lint_view *v);
/* lint_is_person() says whether a user type of NUC (1.2.398.3.3.4.1...) stands in the extended key usage. */
bool lint_is_person(const struct lint_view *v);
bool lint_is_entity_person(const struct lint_view *v);

/* lint_find_attribute() borrows the first value of an attribute of the subject; false when there is none. */
bool lint_find_attribute(struct slice *out, const struct lint_view *v, enum oid_name id);

/* lint_value() opens the one SEQUENCE that an extension holds. */
struct err *lint_value(struct der_reader *out, const struct lint_extension *e, const char *what) ERR_MUST_USE;

#endif
