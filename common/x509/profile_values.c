/*
 * profile_values.c - mistakes with their paths, groups by tables of keys, and single values of profiles.conf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "x509/person.h"
#include "x509/profile_internal.h"

enum { PATH_SIZE = 256 };

static size_t write_path(char *out, size_t size, const config_setting_t *s)
{
	const config_setting_t *parent = config_setting_parent(s);
	size_t used = 0;

	if (parent == NULL)
		return 0;
	used = write_path(out, size, parent);
	const char *name = config_setting_name(s);
	int n = name != NULL ? snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ".", name)
			     : snprintf(out + used, size - used, "[%d]", config_setting_index(s));
	return n < 0 || (size_t)n >= size - used ? size - 1 : used + (size_t)n;
}

void profile_mistake(struct profile_reading *r, const config_setting_t *at, const char *fmt, ...)
{
	char path[PATH_SIZE] = "", sentence[PATH_SIZE * 2];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	if (at != NULL)
		(void)write_path(path, sizeof path, at);
	r->num_mistakes++;
	struct err *e = at != NULL && path[0] != '\0' ? buf_printf(&r->mistakes, "%s: line %u: %s\n", path,
								   (unsigned)config_setting_source_line(at), sentence)
						      : buf_printf(&r->mistakes, "%s\n", sentence);
	if (err_code(e) == ERR_TOO_LARGE) /* enough mistakes for one reading; they are still counted */
		err_destroy(&e);
	else if (r->fault == NULL)
		r->fault = e;
	else
		err_destroy(&e);
}

char *profile_duplicate(struct profile_reading *r, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL && r->fault == NULL)
		r->fault = ERR(NO_MEMORY, "profiles.conf");
	return copy;
}

void profile_read_group(struct profile_reading *r, const config_setting_t *group, const struct profile_key_row *rows,
			size_t num, void *into)
{
	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		profile_mistake(r, group, "must be a group { name = value; }");
		return;
	}
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		size_t k = 0;

		while (k < num && strcmp(rows[k].name, config_setting_name(s)) != 0)
			k++;
		if (k == num)
			profile_mistake(r, s, "unknown key");
		else
			rows[k].read(r, s, (char *)into + rows[k].offset);
	}
	for (size_t k = 0; k < num; k++)
		if (rows[k].required && config_setting_get_member(group, rows[k].name) == NULL)
			profile_mistake(r, group, "%s is missing", rows[k].name);
}

/* ---------------------------------------------------------------- single values */

/* The text of a string setting, or NULL after a mistake. Bounded, visible, UTF-8. */
const char *profile_text_of(struct profile_reading *r, const config_setting_t *s)
{
	size_t length = 0;

	if (config_setting_type(s) != CONFIG_TYPE_STRING) {
		profile_mistake(r, s, "must be a text in quotes");
		return NULL;
	}
	const char *text = config_setting_get_string(s);
	OWN(err) e = text_utf8_length(&length, SLICE_STR(text));
	if (e != NULL || length == 0 || length > 200 || text_has_control(SLICE_STR(text))) {
		profile_mistake(r, s, "must be 1 to 200 characters of UTF-8 without control characters");
		return NULL;
	}
	return text;
}

void profile_read_text(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = profile_text_of(r, s);

	if (text != NULL)
		*(char **)into = profile_duplicate(r, text);
}

bool profile_is_word(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n == 0 || n > max || text[0] < 'a' || text[0] > 'z' || text[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') || text[i] == '-'))
			return false;
	return true;
}

void profile_read_word(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = profile_text_of(r, s);

	if (text == NULL)
		return;
	if (!profile_is_word(text, 40))
		profile_mistake(r, s, "must be a word of small Latin letters, digits and hyphens");
	*(char **)into = profile_duplicate(r, text);
}

void profile_read_issuer_name(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = profile_text_of(r, s);

	if (text == NULL)
		return;
	if (!profile_is_word(text, 16) || strchr(text, '-') != NULL)
		profile_mistake(r, s, "must be 1 to 16 small Latin letters and digits, a letter first");
	*(char **)into = profile_duplicate(r, text);
}

void profile_read_common_name(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = profile_text_of(r, s);
	size_t length = 0;

	if (text == NULL)
		return;
	OWN(err) e = text_utf8_length(&length, SLICE_STR(text));
	if (e != NULL || length > 64)
		profile_mistake(r, s, "is longer than 64 characters (RFC 5280 A.1: ub-common-name)");
	*(char **)into = profile_duplicate(r, text);
}

bool profile_is_url(const char *text)
{
	size_t n = strlen(text);

	if (strncmp(text, "http://", 7) != 0 || n < 8 || n > 255 || text[7] == '/')
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("\"<>\\^`{|}", text[i]) != NULL)
			return false;
	return true;
}

void profile_read_url(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = profile_text_of(r, s);

	if (text == NULL)
		return;
	if (!profile_is_url(text))
		profile_mistake(r, s, "must be http://HOST/... in visible ASCII (RFC 5280 §4.2.1.13, §4.2.2.1)");
	*(char **)into = profile_duplicate(r, text);
}

void profile_read_oid(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = profile_text_of(r, s);

	if (text == NULL)
		return;
	OWN(err) e = person_check_oid("oid", SLICE_STR(text));
	if (e != NULL)
		profile_mistake(r, s, "must be an object identifier in dotted form");
	*(char **)into = profile_duplicate(r, text);
}

void profile_read_suite(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = profile_text_of(r, s);
	const struct suite *row = text == NULL ? NULL : suite_by_name(text);

	if (text != NULL && (row == NULL || !row->for_certificates))
		profile_mistake(r, s, "no algorithm for certificates is named %.40s", text);
	*(const struct suite **)into = row;
}

void profile_read_bool(struct profile_reading *r, const config_setting_t *s, void *into)
{
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		profile_mistake(r, s, "must be true or false");
	else
		*(bool *)into = config_setting_get_bool(s) != 0;
}

bool profile_int_of(struct profile_reading *r, const config_setting_t *s, int min, int max, int *out)
{
	if (config_setting_type(s) != CONFIG_TYPE_INT || config_setting_get_int(s) < min ||
	    config_setting_get_int(s) > max) {
		profile_mistake(r, s, "must be a whole number from %d to %d", min, max);
		return false;
	}
	*out = config_setting_get_int(s);
	return true;
}

void profile_read_path_length(struct profile_reading *r, const config_setting_t *s, void *into)
{
	(void)profile_int_of(r, s, 0, 9, into);
}

void profile_read_key_id(struct profile_reading *r, const config_setting_t *s, void *into)
{
	const char *text = profile_text_of(r, s);

	if (text == NULL)
		return;
	if (strcmp(text, "spki") != 0 && strcmp(text, "bits") != 0)
		profile_mistake(r, s, "must be \"spki\" (SHA-1 of the whole key) or \"bits\" (of its BIT STRING)");
	*(enum profile_key_id *)into = strcmp(text, "bits") == 0 ? KEY_ID_BITS : KEY_ID_SPKI;
}
