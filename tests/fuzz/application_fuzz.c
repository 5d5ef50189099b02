/*
 * application_fuzz.c - what applicants send: the strict JSON reader, the place it names in broken texts, the form of a
 * submission with its requests, and numbers of applications.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "ra/json.h"
#include "ra/number.h"
#include "ra/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_number(const uint8_t *data, size_t size)
{
	char text[128], number[RA_NUMBER_SIZE], again[RA_NUMBER_SIZE];
	size_t n = size < sizeof text - 1 ? size : sizeof text - 1;

	memcpy(text, data, n);
	text[n] = '\0';
	OWN(err) e = ra_number_parse(number, text);
	if (e != NULL)
		return;
	OWN(err) twice = ra_number_parse(again, number);
	if (twice != NULL || strcmp(number, again) != 0)
		abort(); /* the one form is not stable */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWN(json) json = NULL;
	OWN(ra_intake) intake = { .num_requests = 0 };
	char path[RA_JSON_PATH_SIZE];
	uint8_t digest[32];

	try_number(data, size);
	(void)ra_json_path_at(path, SLICE(data, size), size / 2);
	OWN(err) no_json = ra_json_read(&json, SLICE(data, size));
	if (no_json != NULL)
		return 0;
	OWN(err) no_form = ra_intake_read(&intake, json);
	if (no_form != NULL)
		return 0;
	OWN(err) e = ra_intake_digest(digest, &intake, "");
	if (e != NULL)
		abort();
	return 0;
}
