/*
 * templates.h - OpenSSL templates of the authority objects: a second reader and writer, which judges ours.
 *
 * The ASN.1 stands above the structs of common/x509/authority.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_TEMPLATES_H
#define TESTS_SUPPORT_TEMPLATES_H

#include <openssl/asn1t.h>
#include <openssl/x509.h>

#include "base/buf.h"

/* template_agrees() asserts (Check) that OpenSSL decodes the bytes as the named object ("Authorisation", "StatusOrder",
 * "Decision", "SignedDecision", "Policy", "SignedPolicy") and encodes them to the same bytes. */
void template_agrees(const char *object, struct slice der);

/* template_says() is the question without the assertion. */
bool template_says(const char *object, struct slice der);

#endif
