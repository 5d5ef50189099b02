/*
 * profile.h - profiles.conf: issuers, kinds of applications and profiles of certificates, all of it data.
 *
 * The exact bytes of the file are part of the signed Policy, so cad, rad and signd read the same text: the file for
 * checking, the Policy for work. Everything that a certificate holds and the Authorisation does not is fixed here; what
 * is unknown, doubled or contradictory is refused, each mistake with its path and the rule, all of them at once.
 *
 * A request (KIND, PURPOSE) is issued under the profile named "KIND-PURPOSE"; the purpose `service` means the profile
 * that has the kind's own name (`ocsp`, `tls-server`, `staff`, `identification`).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_PROFILE_H
#define COMMON_X509_PROFILE_H

#include "base/buf.h"
#include "x509/name.h"
#include "x509/suite.h"

#define PROFILES_MAX_BYTES     (256 * 1024)
#define PROFILE_SERVICE	       "service" /* the purpose whose profile has the kind's own name */
#define PROFILE_MAX_REQUESTS   4
#define PROFILE_MAX_DECIDERS   4
#define PROFILE_MAX_URLS       4
#define PROFILE_MAX_RULES      16
#define PROFILE_MAX_OIDS       8
#define PROFILE_MAX_KEYS       8
#define PROFILE_MAX_VALIDITIES 8
#define PROFILE_MAX_EXTENSIONS 16

/* Numbers as in the Authorisation. */
enum profile_channel {
	CHANNEL_REMOTE = 1,
	CHANNEL_COUNTER = 2,
	CHANNEL_RENEWAL = 3,
	CHANNEL_ADMINISTRATION = 4,
	CHANNEL_COUNT = 5,
};

/* Who may decide; the first five are staff, numbered as in the Policy. */
enum profile_role {
	ROLE_OPERATOR = 1,
	ROLE_SENIOR = 2,
	ROLE_ADMINISTRATOR = 3,
	ROLE_AUDITOR = 4,
	ROLE_DESK = 5,
	ROLE_IDENTIFICATION = 6,
	ROLE_HOLDER = 7,
	ROLE_HEAD = 8,
	ROLE_DELEGATE = 9,
	ROLE_COUNT = 10,
};
#define ROLE_BIT(role) (1u << (role))

/* Words <-> numbers; the word is NULL for a number that is none, parse is false for a word that is none. */
const char *profile_channel_word(enum profile_channel channel);
bool profile_channel_parse(enum profile_channel *out, const char *word);
const char *profile_role_word(enum profile_role role);
bool profile_role_parse(enum profile_role *out, const char *word);

/* The data that an application may hold; a set is a sum of PROFILE_FIELD_BIT(). */
enum profile_field {
	FIELD_IIN,
	FIELD_SURNAME,
	FIELD_GIVEN,
	FIELD_PATRONYMIC,
	FIELD_EMAIL,
	FIELD_PHONE,
	FIELD_BIN,
	FIELD_ORGANISATION,
	FIELD_TREASURY_ROLE,
	FIELD_TREASURY_CLIENT,
	FIELD_SYSTEM_OID,
	FIELD_DNS,
	FIELD_DOCUMENT,
	FIELD_COUNT,
};
#define FIELD_BIT(field) (1u << (field))
/* profile_field_word(): iin surname given patronymic email phone bin organisation treasury_role treasury_client
 * system_oid dns document. */
const char *profile_field_word(enum profile_field field);

struct profile_text {
	char *texts[PROFILE_MAX_URLS];
	size_t num;
};

struct profile_issuer {
	char *name; /* "rsa" */
	const struct suite *suite; /* key that the ceremony makes for the issuing CA and its root */
	char *common_name; /* CN of the issuing CA; its O when the root's responder or services name it */
	char *root_common_name;
	char *ca_url; /* caIssuers */
	char *root_ca_url; /* caIssuers in the issuing CA's own certificate */
	struct profile_text ocsp, crl, delta_crl; /* in leaves, in this order */
	struct profile_text root_crl; /* in the issuing CA's own certificate */
};

/* One decision that is needed: any of these roles may give it. */
struct profile_deciders {
	unsigned slots[PROFILE_MAX_DECIDERS]; /* sums of ROLE_BIT() */
	size_t num; /* 0: the channel is closed to this kind */
};

struct profile_kind {
	char *name;
	char *requests[PROFILE_MAX_REQUESTS]; /* purposes; each application brings one request for each */
	size_t num_requests;
	struct profile_deciders deciders[CHANNEL_COUNT]; /* by enum profile_channel */
	unsigned required, optional; /* sums of FIELD_BIT(); what is in neither is refused */
};

enum profile_key_id { KEY_ID_SPKI, KEY_ID_BITS };

enum profile_extension {
	EXT_BASIC_CONSTRAINTS,
	EXT_KEY_USAGE,
	EXT_EXTENDED_KEY_USAGE,
	EXT_AUTHORITY_KEY_ID, /* keyid only */
	EXT_AUTHORITY_KEY_ID_FULL, /* keyid, name and serial: CA certificates */
	EXT_SUBJECT_KEY_ID,
	EXT_POLICIES,
	EXT_CRL,
	EXT_DELTA_CRL,
	EXT_AUTHORITY_INFO,
	EXT_SUBJECT_ALT_NAME, /* left out when the Authorisation has no names */
	EXT_OCSP_NOCHECK,
	EXT_KEY_STORAGE, /* 1.2.398.3.3.5 */
	EXT_COUNT,
};
const char *profile_extension_word(enum profile_extension extension);

/* Key usage bits by number (RFC 5280 §4.2.1.3): KEY_USAGE_BIT(0) is digitalSignature. */
#define KEY_USAGE_BIT(n)	    (1u << (n))
#define KEY_USAGE_DIGITAL_SIGNATURE KEY_USAGE_BIT(0)
#define KEY_USAGE_NON_REPUDIATION   KEY_USAGE_BIT(1)
#define KEY_USAGE_KEY_ENCIPHERMENT  KEY_USAGE_BIT(2)
#define KEY_USAGE_KEY_AGREEMENT	    KEY_USAGE_BIT(4)
#define KEY_USAGE_KEY_CERT_SIGN	    KEY_USAGE_BIT(5)
#define KEY_USAGE_CRL_SIGN	    KEY_USAGE_BIT(6)

/* Validity by key storage: the longest matching prefix of the storage's OID counts; "" matches every storage and none. */
struct profile_validity {
	char *storage;
	int64_t validity_s;
};

struct profile {
	char *name; /* "individual-auth" */
	struct name_rule subject[PROFILE_MAX_RULES];
	size_t num_subject;
	const struct suite *keys[PROFILE_MAX_KEYS]; /* rows that the subject's key may belong to */
	size_t num_keys;
	unsigned key_usage; /* sum of KEY_USAGE_BIT() */
	char *extended_key_usage[PROFILE_MAX_OIDS]; /* dotted OIDs in order */
	size_t num_extended_key_usage;
	char *policy_oid; /* NULL: no policies extension */
	char *cps; /* NULL: none */
	char *notice; /* userNotice explicitText; NULL: none */
	bool allows_email, allows_dns; /* SAN kinds */
	bool allows_internal_names; /* DNS names without a dot: our own TLS certificates ("localhost") */
	enum profile_key_id key_id;
	bool ocsp_first; /* order in authorityInfoAccess */
	bool has_ocsp; /* OCSP named in authorityInfoAccess at all */
	enum profile_extension extensions[PROFILE_MAX_EXTENSIONS];
	size_t num_extensions;
	struct profile_validity validities[PROFILE_MAX_VALIDITIES];
	size_t num_validities;
	bool is_ca; /* only the ceremony may use it: cert_template_compile() refuses it */
	int path_length; /* -1: none */
};

struct profiles {
	struct profile_issuer *issuers;
	size_t num_issuers;
	struct profile_kind *kinds;
	size_t num_kinds;
	struct profile *profiles;
	size_t num_profiles;
};

/* profiles_parse() reads the bytes of profiles.conf. *Owns* the result: the caller, profiles_destroy(); it keeps no
 * reference to `text`. *Errors* CONFIG with every mistake, a line each ("profiles[2].key_usage[1]: unknown word ...");
 * TOO_LARGE past PROFILES_MAX_BYTES. */
struct err *profiles_parse(struct profiles **out, struct slice text) ERR_MUST_USE;

/* profiles_mistakes() appends every mistake, a line each, nothing when there is none: for `-t`. */
struct err *profiles_mistakes(struct buf *out, struct slice text) ERR_MUST_USE;

void profiles_destroy(struct profiles **self);
OWN_TYPE(profiles, struct profiles *, profiles_destroy)

/* Finders borrow from `all`; *Errors* NOT_FOUND naming what was looked for. */
struct err *profiles_find_issuer(const struct profile_issuer **out, const struct profiles *all,
				 const char *name) ERR_MUST_USE;
struct err *profiles_find_kind(const struct profile_kind **out, const struct profiles *all,
			       const char *name) ERR_MUST_USE;
struct err *profiles_find_profile(const struct profile **out, const struct profiles *all,
				  const char *name) ERR_MUST_USE;
/* profiles_find_request() finds the profile of a kind's request. *Errors* NOT_FOUND when the kind has no such purpose. */
struct err *profiles_find_request(const struct profile **out, const struct profiles *all, const char *kind,
				  const char *purpose) ERR_MUST_USE;

/* profile_validity() gives the profile's validity in seconds for a key storage (dotted OID, "" for none).
 * *Errors* BAD_INPUT, field "key_storage", when the profile has none for it. */
struct err *profile_validity(int64_t *out_s, const struct profile *profile, const char *storage) ERR_MUST_USE;

/* profile_allows_key() says whether the subject's key may be of this row. */
bool profile_allows_key(const struct profile *profile, const struct suite *row);

#endif
