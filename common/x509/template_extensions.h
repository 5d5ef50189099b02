/*
 * template_extensions.h - the extensions that are the same in every certificate of a compiled template.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_TEMPLATE_EXTENSIONS_H
#define COMMON_X509_TEMPLATE_EXTENSIONS_H

#include "x509/cert.h"
#include "x509/profile.h"

struct extension_source {
	const struct profile *profile;
	const struct profile_issuer *issuer;
	const struct cert *authority; /* the issuer's certificate */
};

/* template_extension() appends one Extension. *Errors* BUG for one that differs from certificate to certificate. */
struct err *template_extension(struct buf *out, enum profile_extension extension,
			       const struct extension_source *source) ERR_MUST_USE;

#endif
