/*
 * oid.h - object identifiers by name: content octets ready for the reader and the writer, and dotted text both ways.
 *
 * oid_known.def is the one list (RFC 5280 and friends, NUC's arcs under 1.2.398.3.3); adding a row there is all that a
 * new identifier needs. Arcs that are open (registered systems, key storages) are read from dotted text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_ASN1_OID_H
#define COMMON_ASN1_OID_H

#include <openssl/objects.h>

#include "base/buf.h"

#define OID_MAX_LEN   64 /* content octets */
#define OID_TEXT_SIZE 256

enum oid_name {
#define OID(name, dotted, text) OID_##name,
#include "asn1/oid_known.def"
#undef OID
	OID_COUNT
};

/* oid() borrows the content octets of a known identifier (static). */
struct slice oid(enum oid_name name);
/* oid_is() compares content octets with a known identifier. */
bool oid_is(struct slice content, enum oid_name name);
/* oid_dotted() gives "2.5.29.15"; oid_word() the short name of the list ("keyUsage"). */
const char *oid_dotted(enum oid_name name);
const char *oid_word(enum oid_name name);
/* oid_find() finds a known identifier by its content octets; false when it is not in the list. */
bool oid_find(enum oid_name *out, struct slice content);
/* oid_find_word() finds one by its short name. */
bool oid_find_word(enum oid_name *out, const char *word);

/* oid_parse() appends the content octets of dotted text (two arcs at least, no leading zeros). *Errors* BAD_INPUT. */
struct err *oid_parse(struct buf *out, const char *dotted) ERR_MUST_USE;
/* oid_text() writes content octets as dotted text. *Errors* BAD_INPUT for octets that are no identifier, TOO_LARGE for
 * arcs past 64 bits or text past OID_TEXT_SIZE. */
struct err *oid_text(char out[OID_TEXT_SIZE], struct slice content) ERR_MUST_USE;
/* oid_check() says whether content octets are a well-formed identifier. */
bool oid_check(struct slice content);
/* oid_from_asn1() borrows the content octets of OpenSSL's object. */
struct slice oid_from_asn1(const ASN1_OBJECT *object);

/* oid_register() makes NUC's identifiers known to OpenSSL by name, once for the process (idempotent, thread-safe). */
struct err *oid_register(void) ERR_MUST_USE;

#endif
