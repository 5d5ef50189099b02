/*
 * name.h - subject names: built from an application, checked against a profile, read and printed.
 *
 * The profile gives the attributes and their order; the application gives the values; the request (CSR) gives nothing.
 * String types are NUC's: PrintableString for C and serialNumber, IA5String for DC, UTF8String for the rest. Surname,
 * given name and patronymic are put in upper case here (simple, one-to-one mapping of Latin and Cyrillic letters with
 * the Kazakh ones, no locale); CN is "SURNAME GIVEN"; givenName (G) holds the patronymic, as NUC has it. Organisation
 * names keep their letters. Limits count characters (RFC 5280 Appendix A.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_NAME_H
#define COMMON_X509_NAME_H

#include "base/buf.h"

enum name_attribute {
	NAME_CN,
	NAME_SURNAME,
	NAME_SERIALNUMBER,
	NAME_C,
	NAME_L,
	NAME_ST,
	NAME_O,
	NAME_OU,
	NAME_G,
	NAME_BUSINESS_CATEGORY,
	NAME_DC,
	NAME_UID,
	NAME_EMAIL, /* read in old certificates, never written */
	NAME_ATTRIBUTE_COUNT,
};

/* name_attribute_word() gives the word used in profiles.conf: CN SURNAME SERIALNUMBER C L ST O OU G
 * businessCategory DC UID emailAddress (asn1/oid.h). */
const char *name_attribute_word(enum name_attribute attribute);
/* name_attribute_parse() reads such a word; false when it is none. */
bool name_attribute_parse(enum name_attribute *out, const char *word);

/* What a subject is built from. NULL or "" means absent. Lives as long as the caller keeps the texts. */
struct name_fields {
	const char *common_name; /* services and CAs; for people leave it empty: CN is made of surname and given */
	const char *surname;
	const char *given;
	const char *patronymic;
	const char *iin; /* 12 digits, without "IIN" */
	const char *organisation;
	const char *bin; /* 12 digits, without "BIN" */
	const char *treasury_client; /* businessCategory */
	const char *treasury_role; /* DC */
	const char *system_oid; /* UID */
};

/* One attribute of a profile's subject list, in order. */
struct name_rule {
	enum name_attribute attribute;
	bool is_optional; /* left out when its value is empty */
};

/* name_build() appends the Name. *Errors* BAD_INPUT with the field that is missing ("surname", "bin", ...) or too long
 * (counted in characters). */
struct err *name_build(struct buf *out, const struct name_rule *rules, size_t num_rules,
		       const struct name_fields *fields) ERR_MUST_USE;

/* name_check() says whether a Name has the form that name_build() gives for the rules: the attributes, their order,
 * string types, lengths, one attribute an RDN, IIN and BIN prefixes with 12 digits. Under a microsecond.
 * *Errors* BAD_INPUT naming the attribute. */
struct err *name_check(struct slice name, const struct name_rule *rules, size_t num_rules) ERR_MUST_USE;

/* name_get() borrows the value of the first attribute of this type from a Name; false when absent or not a Name. The
 * bytes are UTF-8 for the string types that profiles use. */
bool name_get(struct slice *out, struct slice name, enum name_attribute attribute);

/* name_person() reads the IIN and BIN ("" when absent): serialNumber IIN..., OU or serialNumber BIN... */
void name_person(char iin[13], char bin[13], struct slice name);

/* name_print() appends the Name for screens in the order encoded: "CN=ТЕСТОВ ТЕСТ,SURNAME=ТЕСТОВ,C=KZ", with the
 * escapes of RFC 4514 §2.4; control and invisible characters and bytes that are not UTF-8 become \XX. */
struct err *name_print(struct buf *out, struct slice name) ERR_MUST_USE;

/* name_upper() appends the text in upper case (see above). *Errors* BAD_INPUT when it is not UTF-8. */
struct err *name_upper(struct buf *out, struct slice text) ERR_MUST_USE;

#endif
