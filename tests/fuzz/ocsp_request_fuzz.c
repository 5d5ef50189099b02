/*
 * ocsp_request_fuzz.c - ocsp/request.c against arbitrary bytes, as a POST body and as the path of a GET.
 *
 * Beside not crashing: everything in an accepted query lies inside the request, within its limits, and reading the same
 * bytes again gives the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "ocsp/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct slice part, struct slice whole)
{
	if (part.p < whole.p || part.len > whole.len || part.p + part.len > whole.p + whole.len)
		abort();
}

static void check_single(const struct ocsp_single *s, struct slice whole)
{
	check_inside(s->cert_id, whole);
	check_inside(s->name_hash, s->cert_id);
	check_inside(s->key_hash, s->cert_id);
	check_inside(s->serial, s->cert_id);
	if (s->cert_id.len > OCSP_CERT_ID_MAX_BYTES || s->serial.len < 1 || s->serial.len > 20 || s->serial.p[0] > 0x7f)
		abort();
	if (s->digest < OCSP_DIGEST_FOREIGN &&
	    (s->name_hash.len != ocsp_digest_len(s->digest) || s->key_hash.len != ocsp_digest_len(s->digest)))
		abort();
}

static void try_request(struct slice der)
{
	static struct ocsp_query first, second;
	enum ocsp_malformed cause;
	struct err *e = ocsp_request_parse(&first, &cause, der);

	if ((e == NULL) != (cause == OCSP_MALFORMED_NONE))
		abort();
	if (e != NULL) {
		err_destroy(&e);
		return;
	}
	if (first.num_singles < 1 || first.num_singles > OCSP_MAX_SINGLES || der.len > OCSP_REQUEST_MAX_BYTES)
		abort();
	for (size_t i = 0; i < first.num_singles; i++)
		check_single(&first.singles[i], der);
	if (first.nonce.p != NULL) {
		check_inside(first.nonce, der);
		if (first.nonce.len < 1 || first.nonce.len > OCSP_NONCE_MAX)
			abort();
	}
	e = ocsp_request_parse(&second, &cause, der);
	if (e != NULL || second.num_singles != first.num_singles || !slice_equal(first.nonce, second.nonce))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWN(buf) der = BUF_INIT(65536);
	OWN(buf) scratch = BUF_INIT(65536);
	enum ocsp_malformed cause;

	try_request(SLICE(data, size));
	struct err *e = ocsp_request_from_path(&der, &scratch, &cause, SLICE(data, size));
	if (e == NULL)
		try_request(buf_slice(&der));
	err_destroy(&e);
	return 0;
}
