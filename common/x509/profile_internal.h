/*
 * profile_internal.h - what profile.c and profile_read.c share and nobody else needs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_X509_PROFILE_INTERNAL_H
#define COMMON_X509_PROFILE_INTERNAL_H

#include <libconfig.h>

#include "x509/profile.h"

bool profile_field_parse(enum profile_field *out, const char *word);
bool profile_extension_parse(enum profile_extension *out, const char *word);

/* profile_request_matches() says whether a profile of this name serves the request (kind, purpose). */
bool profile_request_matches(const char *profile, const char *kind, const char *purpose);

/* One reading of the file: every mistake is written down and reading goes on. */
struct profile_reading {
	struct buf mistakes;
	size_t num_mistakes;
	struct err *fault; /* out of memory: ends the reading */
};

/* profile_mistake() writes "PATH: sentence"; `at` may be NULL. */
void profile_mistake(struct profile_reading *r, const config_setting_t *at, const char *fmt, ...) ERR_PRINTF(3, 4);

/* profile_check_all() applies the rules that look at more than one value (profile_check.c). */
void profile_check_all(struct profile_reading *r, const struct profiles *all);

#endif
