/*
 * crl_list_fuzz.c - the strict reader of CertificateLists, and the routes of crld's HTTP, against arbitrary bytes.
 *
 * Beside not crashing: a list that our reader accepts, OpenSSL accepts too (name and algorithm apart: the reader does not
 * look into them, since the gate compares them byte for byte).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/x509.h>
#include <stdlib.h>

#include "crl/http.h"
#include "crl/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct err *read_all(struct slice der)
{
	struct crl_list list;
	struct crl_list_entry entry;
	bool more = true;

	TRY(crl_list_read(&list, der));
	while (more)
		TRY(crl_list_next(&list, &entry, &more));
	return NULL;
}

/* Whether OpenSSL understands what stands between the parts that we read. */
static bool openssl_reads_rest(struct slice der)
{
	struct crl_list list;
	OWN(err) e = crl_list_read(&list, der);
	const uint8_t *p = e == NULL ? list.issuer.p : NULL, *q = e == NULL ? list.algorithm.p : NULL;
	X509_NAME *name = e == NULL ? d2i_X509_NAME(NULL, &p, (long)list.issuer.len) : NULL;
	X509_ALGOR *algorithm = e == NULL ? d2i_X509_ALGOR(NULL, &q, (long)list.algorithm.len) : NULL;
	bool ok = name != NULL && algorithm != NULL;

	X509_NAME_free(name);
	X509_ALGOR_free(algorithm);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crl_http_file file;
	OWN(err) e = read_all(SLICE(data, size));

	if (e == NULL && openssl_reads_rest(SLICE(data, size))) {
		const uint8_t *p = data;
		X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)size);

		if (crl == NULL || p != data + size)
			abort();
		X509_CRL_free(crl);
	}
	if (crl_http_route(&file, SLICE(data, size)) && (file.path[0] == '.' || file.path[0] == '/'))
		abort();
	return 0;
}
