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

/* How a value is read into the field at `into`; `s` is the setting of the row's key. */
typedef void profile_read_value(struct profile_reading *r, const config_setting_t *s, void *into);

struct profile_key_row {
	const char *name;
	profile_read_value *read;
	size_t offset;
	bool required;
};

/* profile_read_group() reads a group by its rows: unknown keys and missing required ones are mistakes. */
void profile_read_group(struct profile_reading *r, const config_setting_t *group, const struct profile_key_row *rows,
			size_t num, void *into);

/* profile_text_of() gives the text of a string setting, NULL after a mistake: 1..200 characters, UTF-8, no control. */
const char *profile_text_of(struct profile_reading *r, const config_setting_t *s);
/* profile_int_of() reads a whole number; false after a mistake. */
bool profile_int_of(struct profile_reading *r, const config_setting_t *s, int min, int max, int *out);
/* profile_duplicate() copies a text; NULL sets r->fault. */
char *profile_duplicate(struct profile_reading *r, const char *text);
bool profile_is_word(const char *text, size_t max);
bool profile_is_url(const char *text);

/* Readers of single values: texts go to a char *, algorithms to a const struct suite *. */
profile_read_value profile_read_text, profile_read_word, profile_read_issuer_name, profile_read_common_name,
	profile_read_url, profile_read_oid, profile_read_suite, profile_read_bool, profile_read_path_length,
	profile_read_key_id;

#endif
