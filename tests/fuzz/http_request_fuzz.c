/*
 * http_request_fuzz.c - the head parser of common/http against arbitrary bytes.
 *
 * Beside not crashing: a head cut anywhere is found at the same place as the whole one; what is accepted has no CR, LF
 * or NUL inside a field, and one meaning of its length.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			abort();
}

static void try_values(struct slice s)
{
	uint64_t offset = 0, length = 0;
	int64_t at = 0;
	size_t n = 0;
	uint8_t *out = malloc(s.len + 1);

	if (out == NULL)
		return;
	if (http_parse_range(&offset, &length, s, 1000) == 1 && (length == 0 || offset + length > 1000))
		abort();
	(void)http_etag_matches(s, SLICE_STR("\"abc\""));
	(void)http_parse_date(&at, s);
	if (http_percent_decode(out, &n, s) && n > s.len)
		abort();
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head head;
	const char *reason = NULL;
	size_t skipped = http_skip_empty_lines(data, size), whole = 0, steps = 0;
	const uint8_t *p = data + skipped;
	size_t len = size - skipped;

	long end = http_scan_head(p, len, &whole), again = 0;
	for (size_t n = 1; n <= len && n <= 512 && again == 0; n++)
		again = http_scan_head(p, n, &steps);
	if (len <= 512 && again != end)
		abort();
	if (end > 0 && http_parse_head(&head, &reason, SLICE(p, (size_t)end)) == 0) {
		check_field(head.path);
		check_field(head.query);
		if (head.path.len == 0 || head.path.p[0] != '/')
			abort();
		for (size_t i = 0; i < head.num_fields; i++) {
			check_field(head.fields[i].name);
			check_field(head.fields[i].value);
			try_values(head.fields[i].value);
		}
	}
	try_values(SLICE(data, size));
	return 0;
}
